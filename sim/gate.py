"""The last gate: plain configuration data in, a checked ``Scenario`` out.

Everything is refused that a field does not ask for: unknown keys (also those appended with ``+``),
missing ones, wrong types, numbers outside their limits, and evidence that the ledger does not hold.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from sim.axes import CORRIDORS, DOMAINS, POWERS, STATES
from sim.errors import InputError, nearest
from sim.evidence import Ledger
from sim.evidence.derive import DERIVATIONS, needs_derivation
from sim.quantity import Form, Quantity, Vocabulary, read_quantity
from sim.scenario import EventSpec, Scenario, Target, parse_period, quantities

Spec = TypeVar("Spec")

DERIVATION_TOLERANCE = 0.05
"""Largest relative gap between a stated number and its derivation: numbers have two digits."""
LEGAL_STEPS = (1.0, 0.5, 0.25)
"""Step lengths in years (model, section 1.1)."""


@dataclass(frozen=True)
class UserSet:
    """What the command line sets: entries by quantity path, and the paths of ranges."""

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ranges: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Context:
    """What reading a field needs beside its node."""

    vocabulary: Vocabulary
    user_set: UserSet


def build_scenario(
    tree: Mapping[str, Any],
    ledger: Ledger,
    user_set: UserSet | None = None,
    baseline: Scenario | None = None,
) -> Scenario:
    """Check a composed configuration and freeze it.

    Parameters
    ----------
    tree : nested mappings as composed from the configuration files.
    ledger : facts that the evidence ids must resolve to.
    user_set : numbers that were set on the command line; they are not drawn.
    baseline : the shipped baseline, on which choice constants are calibrated.

    Raises
    ------
    InputError
        With the path of the offending key, what is wrong and the nearest valid name.
    """
    context = Context(_vocabulary(tree), user_set or UserSet())
    scenario = _read(Scenario, {**tree, "baseline": baseline}, "", context)
    _check_run(scenario)
    for name, event in scenario.events.items():
        _check_event(event, f"events.{name}", scenario)
    for number in quantities(scenario):
        check_evidence(number, ledger)
    _check_cited(scenario, ledger)
    return scenario


def check_evidence(quantity: Quantity, ledger: Ledger) -> None:
    """Check that the facts behind a quantity exist, are of its kind, and give its number."""
    for fact_id in quantity.all_facts():
        if fact_id not in ledger.facts:
            hint = nearest(fact_id, ledger.facts)
            raise InputError(f"{quantity.path}.evidence: no fact '{fact_id}' in the ledger{hint}")
        fact = ledger.facts[fact_id]
        derived = quantity.derivation is not None or quantity.assumption is not None
        if needs_derivation(fact, quantity.unit) and not derived:
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
        if quantity.user_set:
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
    if scenario.replicates < 1:
        raise InputError(f"replicates: must be at least 1, not {scenario.replicates}")
    if scenario.seed < 0:
        raise InputError(f"seed: must be 0 or more, not {scenario.seed}")
    for name, number in (("workers", scenario.output.workers), ("chunk", scenario.output.chunk)):
        least = 0 if name == "workers" else 1
        if number < least:
            raise InputError(f"output.{name}: must be at least {least}, not {number}")
    if scenario.horizon.step not in LEGAL_STEPS:
        legal = ", ".join(f"{step:g}" for step in LEGAL_STEPS)
        raise InputError(
            f"horizon.step: must be one of {legal} years, not {scenario.horizon.step:g}"
        )
    for end in ("start", "end"):
        _time(getattr(scenario.horizon, end), f"horizon.{end}")
    if scenario.steps < 1:
        horizon = scenario.horizon
        raise InputError(f"horizon.end: {horizon.end} is not after the start {horizon.start}")
    for group in ("states", "powers"):
        specs = getattr(scenario, group)
        if not specs:
            raise InputError(f"{group}: at least one is needed")
        taken: dict[int, str] = {}
        for code, spec in specs.items():
            if spec.id in taken:
                raise InputError(f"{group}.{code}.id: {spec.id} is taken by {taken[spec.id]}")
            taken[spec.id] = code
    if float(scenario.rules.choice.precision.of()) == float("inf"):
        _check_bounded_envelope(scenario)


def _check_bounded_envelope(scenario: Scenario) -> None:
    money = any(power.budget.of() > 0 for power in scenario.powers.values())
    if scenario.rules.offers.rollover.of() == 1 and money:
        raise InputError(
            "rules.offers.rollover.value: 1 with rules.choice.precision.value=inf lets unspent "
            "money grow without bound"
        )


def _check_event(event: EventSpec, path: str, scenario: Scenario) -> None:
    if not event.evidence and not event.assumption:
        raise InputError(f"{path}: neither evidence nor assumption; give fact ids or a reason")
    if (event.date is None) == (event.rate is None):
        raise InputError(f"{path}: needs either a date or a rate")
    for name in ("date", "until"):
        if getattr(event, name) is not None:
            _time(getattr(event, name), f"{path}.{name}")
    for state in event.states:
        if state not in scenario.states and state not in STATES:
            hint = nearest(state, (*scenario.states, *STATES))
            raise InputError(f"{path}.states: unknown state '{state}'{hint}")
    needed: tuple[str, ...] = ()
    match event.target:
        case Target.MEMBERSHIP:
            needed = ("institution", "members", "date")
        case Target.SANCTIONS | Target.THREAT:
            needed = ("size", "half_life")
        case Target.WAR:
            needed = ("size", "date")
        case Target.NOTHING:
            needed = ("date",)
        case _:
            typing.assert_never(event.target)
    for name in needed:
        if getattr(event, name) is None:
            raise InputError(f"{path}: target '{event.target}' needs {name}")
    if event.institution is not None and event.institution not in scenario.institutions:
        hint = nearest(event.institution, scenario.institutions)
        raise InputError(f"{path}.institution: unknown institution '{event.institution}'{hint}")


def _time(label: str, path: str) -> float:
    try:
        return parse_period(label)
    except ValueError:
        raise InputError(
            f"{path}: '{label}' is not a period such as 2025H2, 2025Q3 or 2025"
        ) from None


def _vocabulary(tree: Mapping[str, Any]) -> Vocabulary:
    def active(group: str) -> tuple[str, ...]:
        node = tree.get(group)
        return tuple(str(key) for key in node) if isinstance(node, Mapping) else ()

    states, powers = active("states"), active("powers")
    known_states = tuple(dict.fromkeys((*STATES, *states)))
    known_powers = tuple(dict.fromkeys((*POWERS, *powers)))
    return Vocabulary(
        valid={
            "domain": DOMAINS,
            "state": known_states,
            "power": known_powers,
            "partner": (*known_powers, "row"),
            "option": ("none", *known_powers),
            "institution": active("institutions"),
            "corridor": CORRIDORS,
        },
        required={
            "domain": DOMAINS,
            "state": states,
            "power": powers,
            "partner": (*powers, "row"),
            "option": ("none", *powers),
            "institution": (),
            "corridor": (),
        },
    )


def _read(cls: type[Spec], node: Any, path: str, context: Context) -> Spec:
    if not isinstance(node, Mapping):
        raise InputError(f"{path}: expected a mapping, got {node!r}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in node:
        if key not in fields:
            valid = [name for name in fields if name != "baseline"]
            raise InputError(f"{_join(path, key)}: unknown key{nearest(str(key), valid)}")
    values: dict[str, Any] = {}
    for name, item in fields.items():
        place = _join(path, name)
        if name not in node or (node[name] is None and item.default is None):
            if item.default is dataclasses.MISSING:
                raise InputError(f"{place}: missing")
            continue
        form = item.metadata.get("form")
        values[name] = _convert(node[name], hints[name], form, place, context)
    return cls(**values)


def _convert(node: Any, hint: Any, form: Form | None, path: str, context: Context) -> Any:
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    origin = typing.get_origin(hint)
    if hint is Scenario:
        return node
    if origin is Mapping:
        if not isinstance(node, Mapping):
            raise InputError(f"{path}: expected a mapping, got {node!r}")
        inner = typing.get_args(hint)[1]
        return {
            str(key): _convert(part, inner, form, _join(path, key), context)
            for key, part in node.items()
        }
    if form is not None:
        ranged = path in context.user_set.ranges
        pinned = frozenset() if ranged else context.user_set.values.get(path, frozenset())
        read = read_quantity(node, path, form, context.vocabulary, pinned)
        return dataclasses.replace(read, user_range=ranged)
    if dataclasses.is_dataclass(hint):
        return _read(typing.cast("type[Any]", hint), node, path, context)
    if origin is tuple:
        if not isinstance(node, list | tuple) or not all(isinstance(item, str) for item in node):
            raise InputError(f"{path}: must be a list of names, not {node!r}")
        return tuple(node)
    return _plain(node, hint, path)


def _plain(node: Any, hint: Any, path: str) -> Any:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        valid = [member.value for member in hint]
        if node not in valid:
            raise InputError(f"{path}: unknown '{node}'{nearest(str(node), valid)}")
        return hint(node)
    if hint is float and isinstance(node, int) and not isinstance(node, bool):
        return float(node)
    if not isinstance(node, hint) or (hint is int and isinstance(node, bool)):
        raise InputError(f"{path}: must be {_kind(hint)}, not {node!r}")
    return node


def _kind(hint: Any) -> str:
    kinds = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return kinds.get(hint, str(hint))


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
