"""Checks of a whole scenario: what single fields cannot know.

Evidence must exist in the ledger and be of the right kind; names must refer to something; shares
must leave room for the rest.
"""

from __future__ import annotations

import math
import re
from typing import Final

from sim.axes import DOMAINS, NO_POWER_ID, POWERS, ROW, STATES
from sim.errors import InputError, nearest
from sim.event_checks import check_events, latest_end, refuse_unknown, time_of
from sim.evidence import Ledger
from sim.evidence.derive import DERIVATIONS, needs_derivation
from sim.periods import parse_period
from sim.quantity import SIMPLEX_TOLERANCE, Draw, Quantity
from sim.scenario import Scenario, quantities
from sim.specs import StateSpec

DERIVATION_TOLERANCE: Final = 0.05
"""Largest relative gap between a stated number and its derivation: numbers have two digits."""
SEEDS: Final = 2**64
MAX_ID: Final = {
    "states": 2**16,
    "powers": 2**16,
    "corridors": 2**16,
    "institutions": 2**16,
    "events": 2**24 - 2,
}
"""Seeds and ids below these fit into the keys of the random numbers; two event ids are taken."""
LEGAL_STEPS: Final = (1.0, 0.5, 0.25)
"""Step lengths in years (section 1.1)."""


def check(scenario: Scenario, ledger: Ledger) -> None:
    """Refuse a scenario whose parts do not fit each other or the ledger.

    Raises
    ------
    InputError
        With the path of the offending key, what is wrong and the nearest valid name.
    """
    _check_run(scenario)
    _check_horizon(scenario)
    for code, state in scenario.states.items():
        _check_state(state, f"states.{code}")
    _check_names(scenario)
    _check_corridors(scenario)
    _check_summits(scenario)
    check_events(scenario)
    _check_expectations(scenario)
    for number in quantities(scenario):
        check_evidence(number, ledger)
    _check_cited(scenario, ledger)


def check_evidence(quantity: Quantity, ledger: Ledger) -> None:
    """Check that the facts behind a quantity exist, are of its kind, and give its number."""
    for fact_id in quantity.all_facts():
        if fact_id not in ledger.facts:
            hint = nearest(fact_id, ledger.facts)
            raise InputError(f"{quantity.path}.evidence: no fact '{fact_id}' in the ledger{hint}")
        fact = ledger.facts[fact_id]
        if quantity.derivation is None and needs_derivation(fact, quantity.unit):
            raise InputError(
                f"{quantity.path}: fact '{fact_id}' is a {fact.kind} in {fact.unit}, the parameter "
                f"is in {quantity.unit}; name the derivation"
            )
    if quantity.derivation is not None:
        _check_derivation(quantity, ledger)


def _check_derivation(quantity: Quantity, ledger: Ledger) -> None:
    derivation = quantity.derivation
    assert derivation is not None
    if derivation.rule not in DERIVATIONS:
        hint = nearest(derivation.rule, DERIVATIONS)
        raise InputError(f"{quantity.path}.derivation: unknown rule '{derivation.rule}'{hint}")
    for end, arguments in derivation.arguments.items():
        stated = getattr(quantity, end)[0]
        if quantity.user_set or quantity.user_range:
            continue
        numbers = {
            name: _argument(given, f"{quantity.path}.derivation.{end}.{name}", ledger)
            for name, given in arguments.items()
        }
        try:
            derived = DERIVATIONS[derivation.rule](**numbers)
        except TypeError as error:
            raise InputError(f"{quantity.path}.derivation.{end}: {error}") from None
        if abs(derived - stated) > DERIVATION_TOLERANCE * abs(derived):
            raise InputError(
                f"{quantity.path}.{end}: {stated:g} {quantity.unit}, but {derivation.rule} of its "
                f"facts gives {derived:.4g}"
            )


def _argument(given: str | float, path: str, ledger: Ledger) -> float:
    if not isinstance(given, str):
        return float(given)
    if given not in ledger.facts:
        raise InputError(f"{path}: no fact '{given}' in the ledger{nearest(given, ledger.facts)}")
    value = ledger.facts[given].value
    if value is None:
        raise InputError(f"{path}: fact '{given}' has no number")
    return value


def _check_cited(scenario: Scenario, ledger: Ledger) -> None:
    cited = {f"events.{name}": event.evidence for name, event in scenario.events.items()}
    cited["story"] = scenario.story.evidence
    for path, facts in cited.items():
        for fact_id in facts:
            if fact_id not in ledger.facts:
                hint = nearest(fact_id, ledger.facts)
                raise InputError(f"{path}.evidence: no fact '{fact_id}' in the ledger{hint}")


def _check_run(scenario: Scenario) -> None:
    if not re.fullmatch(r"\w[\w-]*", scenario.name):
        raise InputError(f"name: '{scenario.name}' must be of letters, digits, _ and -")
    if scenario.replicates < 1:
        raise InputError(f"replicates: must be at least 1, not {scenario.replicates}")
    if not 0 <= scenario.seed < SEEDS:
        raise InputError(f"seed: must be 0 or more and below 2^64, not {scenario.seed}")
    for name, number in (("workers", scenario.output.workers), ("chunk", scenario.output.chunk)):
        if number < 1:
            raise InputError(f"output.{name}: must be at least 1, not {number}")
    for group in MAX_ID:
        specs = getattr(scenario, group)
        if not specs and group in ("states", "powers"):
            raise InputError(f"{group}: at least one is needed")
        taken: dict[int, str] = {}
        for code, spec in specs.items():
            if not 1 <= spec.id < MAX_ID[group]:
                raise InputError(f"{group}.{code}.id: must be 1 to {MAX_ID[group] - 1}")
            if group == "powers" and spec.id == NO_POWER_ID:
                raise InputError(f"{group}.{code}.id: {spec.id} is reserved for picking nobody")
            if spec.id in taken:
                raise InputError(f"{group}.{code}.id: {spec.id} is taken by {taken[spec.id]}")
            taken[spec.id] = code
    if float(scenario.rules.choice.precision.of()) == float("inf"):
        _check_bounded_envelope(scenario)


def _check_horizon(scenario: Scenario) -> None:
    if scenario.horizon.step not in LEGAL_STEPS:
        legal = ", ".join(f"{step:g}" for step in LEGAL_STEPS)
        raise InputError(
            f"horizon.step: must be one of {legal} years, not {scenario.horizon.step:g}"
        )
    for end in ("start", "end"):
        time_of(getattr(scenario.horizon, end), f"horizon.{end}")
    horizon = scenario.horizon
    length = (parse_period(horizon.end) - parse_period(horizon.start)) / horizon.step
    if length != round(length):
        raise InputError(
            f"horizon.end: {horizon.end} is not a whole number of steps of {horizon.step:g} years "
            f"after {horizon.start}"
        )
    if length < 1:
        raise InputError(f"horizon.end: {horizon.end} is not after the start {horizon.start}")


def _check_state(state: StateSpec, path: str) -> None:
    """A state trades, needs something, and outside suppliers leave room for its own."""
    if not math.fsum(state.domain_weights.high) > 0:
        raise InputError(f"{path}.domain_weights: no weight for any domain")
    if not math.fsum(state.trade.low) > 0:
        raise InputError(f"{path}.trade: no trade with anybody leaves its shares undefined")
    for domain in DOMAINS[1:]:
        share: Quantity = getattr(state.initial_dependence, domain)
        if math.fsum(share.high) > 1 + SIMPLEX_TOLERANCE and share.draw is Draw.TRIANGULAR:
            total = math.fsum(share.high)
            raise InputError(f"{share.path}.high: shares add up to {total:.10g}, must be at most 1")


def _check_names(scenario: Scenario) -> None:
    """Keys of mappings from names to quantities."""
    known = (*scenario.powers, *POWERS)
    for name, institution in scenario.institutions.items():
        refuse_unknown(institution.anchors, known, f"institutions.{name}.anchors", "power")
    partners = scenario.rules.adaptation.coordination
    refuse_unknown(partners, known, "rules.adaptation.coordination", "power")
    documents = scenario.rules.documents
    refuse_unknown([documents.power], known, "rules.documents.power", "power")
    targets = scenario.rules.choice.target_shares
    refuse_unknown(targets, DOMAINS, "rules.choice.target_shares", "domain")
    for domain in DOMAINS:
        if domain not in targets:
            raise InputError(f"rules.choice.target_shares: no shares for domain '{domain}'")


def _check_bounded_envelope(scenario: Scenario) -> None:
    money = any(power.budget.of() > 0 for power in scenario.powers.values())
    if scenario.rules.offers.rollover.of() == 1 and money:
        raise InputError(
            "rules.offers.rollover.value: 1 with rules.choice.precision.value=inf lets unspent "
            "money grow without bound"
        )


def _check_corridors(scenario: Scenario) -> None:
    """Routes lead somewhere, and every trade has one."""
    partners = (*scenario.powers, *POWERS, ROW.lower())
    if not scenario.corridors:
        raise InputError("corridors: at least one is needed")
    for name, corridor in scenario.corridors.items():
        path = f"corridors.{name}"
        refuse_unknown(corridor.partners, partners, f"{path}.partners", "partner")
        refuse_unknown(corridor.states, (*scenario.states, *STATES), f"{path}.states", "state")
        if corridor.chokepoint is not None:
            known = (*scenario.powers, *POWERS)
            refuse_unknown([corridor.chokepoint], known, f"{path}.chokepoint", "power")
        if corridor.capacity.high[0] > corridor.capacity_limit.low[0]:
            raise InputError(
                f"{path}.capacity: up to {corridor.capacity.high[0]:g} Mt/yr, which exceeds "
                f"capacity_limit, {corridor.capacity_limit.low[0]:g} Mt/yr at least"
            )
    rules = scenario.rules.corridors
    refuse_unknown([rules.transit_partner], partners, "rules.corridors.transit_partner", "partner")
    transit = [
        name
        for name, corridor in scenario.corridors.items()
        if rules.transit_partner in corridor.partners
        and not corridor.states
        and corridor.capacity.of() > 0
    ]
    if rules.start_corridor not in transit or len(transit) < 2:
        raise InputError(
            f"rules.corridors.start_corridor: '{rules.start_corridor}' is not one of several "
            f"corridors that all states can take to '{rules.transit_partner}' at the start"
            f"{nearest(rules.start_corridor, transit)}; name another together with its start_share"
        )
    closes = scenario.rules.coercion.closes
    refuse_unknown(closes, scenario.corridors, "rules.coercion.closes", "corridor")
    holders = {scenario.corridors[name].chokepoint for name in closes}
    if len(holders) > 1:
        raise InputError("rules.coercion.closes: corridors of one power only, or of none")
    for code, state in scenario.states.items():
        for partner in (*scenario.powers, ROW.lower()):
            trades = partner in state.trade.entries and state.trade.of(partner) > 0
            if trades and not routes(scenario, code, partner):
                raise InputError(
                    f"states.{code}.trade.value.{partner}: no corridor open at the start leads "
                    f"there; name '{partner}' among the partners of one"
                )


def routes(scenario: Scenario, state: str, partner: str) -> list[str]:
    """Corridors that a state can use from the start for trade with a partner."""
    return [
        name
        for name, corridor in scenario.corridors.items()
        if partner in corridor.partners
        and (not corridor.states or state in corridor.states)
        and corridor.capacity.of() > 0
    ]


def _check_summits(scenario: Scenario) -> None:
    """Summits fall on steps, at least where money or documents wait for them (O4, O10)."""
    waits = scenario.rules.offers.summit_share.high[0] > 0
    documents = scenario.rules.documents
    signs = documents.power if documents.signed.high[0] > 0 else None
    for code, power in scenario.powers.items():
        if power.summits is None:
            continue
        path = f"powers.{code}.summits"
        start = time_of(power.summits.first, f"{path}.first")
        step = scenario.horizon.step
        every = power.summits.every.of() / step
        if every != round(every) or power.summits.every.low != power.summits.every.high:
            raise InputError(
                f"{path}.every: must be a fixed whole number of steps of {step:g} years"
            )
        offset = (start - parse_period(scenario.horizon.start)) / step
        if offset != round(offset) and (waits or code == signs):
            raise InputError(f"{path}.first: {power.summits.first} is not the start of a step")


def _check_expectations(scenario: Scenario) -> None:
    for name, expected in scenario.story.expected.items():
        path = f"story.expected.{name}.since"
        end = latest_end(scenario)
        if expected.since is not None and time_of(expected.since, path) >= parse_period(end):
            raise InputError(f"{path}: {expected.since} is not before the end of the run, {end}")
