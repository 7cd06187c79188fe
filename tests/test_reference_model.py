"""The fast implementation against the scalar one: same decisions, same stocks, to rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

import numpy as np
import pytest
from mesa.batchrunner import batch_run
from numpy.typing import NDArray
from reference_agents import pick_number, probabilities
from reference_events import binomial_quantile, poisson_quantile
from reference_model import BatchReference, ReferenceModel, prepare
from reference_trade import Link, equilibrium, solve, spread_of, spread_over
from scipy.stats import binom, poisson
from support import fixed

from sim.axes import DOMAINS
from sim.compose import load_scenario
from sim.ensemble import run_chunk, worlds
from sim.quantity import Draw
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, Prior, Uncertainty
from sim.world import World

TOLERANCE: Final = 1e-12
"""Largest difference, relative to the number or to 1 of its unit."""
SOLVED: Final = 1e-9
"""The same where flows on corridors enter, which both implementations find by iteration."""
FREIGHT: Final = 1e-7
"""The same for the flows themselves, Mt/yr."""
REPLICATES: Final = range(250, 258)
"""Replicates on both sides of the end of a block of draws."""
FEWER: Final = range(3, 6)
EXACT: Final = ("rules.choice.precision.value=inf",)
ONE_STATE: Final = ("states=kz",)
NO_MONEY: Final = tuple(f"powers.{power}.budget.value=0" for power in ("ru", "cn", "eu"))
FROZEN: Final = {"rules.trade.moving": False, "rules.corridors.moving": False}
MEAN_FIELD: Final[dict[str, object]] = {"rules.choice.rule": ChoiceRule.MEAN_FIELD}

Array = NDArray[Any]
Case = tuple[tuple[str, ...], Mapping[str, object], range]


def _number(value: float, unit: str = "1") -> str:
    return f"{{value: {value}, draw: fixed, unit: '{unit}', assumption: test}}"


def _event(name: str, target: str, date: str, **fields: str) -> str:
    """Override that adds an event; ``size``, ``factor`` and ``half_life`` are numbers as text."""
    given = {
        "id": str(10_000 + crc32(name.encode()) % 10**6),
        "name": name,
        "target": target,
        "date": date,
    }
    units = {"size": fields.pop("unit", "1"), "factor": "ratio", "half_life": "years"}
    given |= {
        field: _number(float(text), units[field]) if field in units else text
        for field, text in fields.items()
    }
    listed = ", ".join(f"{field}: {text}" for field, text in given.items())
    return f"+events.{name}={{{listed}, assumption: test}}"


def _members(**members: float) -> str:
    listed = ", ".join(f"{state}: {share}" for state, share in members.items())
    return f"{{value: {{{listed}}}, draw: fixed, unit: share, assumption: test}}"


def _set(path: str, *entries: float, **named: float) -> str:
    """Override of the central values of a quantity."""
    if entries:
        return f"{path}.value={entries[0]}"
    return f"{path}.value={{{', '.join(f'{key}: {value}' for key, value in named.items())}}}"


CONDITIONS_EVENTS: Final = (
    _event("squeeze", "sanctions", "2026H1", size="0.5", until="2027H2", half_life="2"),
    _event("relief", "sanctions", "2029H1", size="-0.9", half_life="1"),
    _event("border", "threat", "2027H1", size="0.7", states="[tj, uz]", half_life="2"),
    _event("calm", "threat", "2028H1", size="-1.5", states="[tj]", until="2029H1"),
    _event("truce", "war", "2027H1", size="-0.6", until="2028H1", half_life="4"),
    _event("bust", "commodity", "2026H2", size="-0.5", half_life="3"),
    _event("boom", "commodity", "2030H1", size="0.3", until="2031H1"),
    _event("visas", "migration", "2026H1", size="0.5", states="[tj, uz]"),
    _event("raids", "migration", "2027H1", size="0.7", states="[tj, kg]", half_life="1.5"),
    _event("closure", "reexports", "2026H2", size="-1.4", until="2028H2"),
    _set("powers.ru.sanction_drain", 0.2),
    _set("powers.ru.commodity_effect", 0.5),
    _set("powers.ru.delivery_sanction_effect", 0.8),
    _set("powers.cn.delivery_sanction_effect", 2.5),
    _set("states.kz.commodity_effect", 0.1),
    _set("states.tm.commodity_effect", 0.12),
)
POWER_EVENTS: Final = (
    _event("stop", "budget", "2026H1", factor="0.25", powers="[ru]", until="2027H2"),
    _event("surge", "budget", "2026H2", factor="2", powers="[cn, eu]", half_life="3"),
    _event("norms", "conditionality", "2025H2", size="0.15", states="[tj]", powers="[eu]"),
    _event("gentle", "conditionality", "2027H1", size="-0.5", domains="[trade, security]"),
    _event("weak", "protection", "2027H1", factor="0.5", powers="[ru]"),
    _event("bases", "protection", "2028H1", size="0.8", powers="[cn]", half_life="2"),
    _event("retreat", "protection", "2026H1", size="-0.7", powers="[ru, eu]", until="2027H1"),
    _event("debts", "coercibility", "2026H1", factor="1.4", powers="[cn]", until="2027H1"),
    _event("trust", "coercibility", "2028H1", size="-0.7", half_life="2"),
    _event("hollow", "delivery", "2026H1", factor="0.5", powers="[ru]", domains="[energy]"),
    _event("diligent", "delivery", "2027H1", size="0.6", powers="[eu]", until="2028H2"),
    _event("polls", "opinion", "2025H2", size="-0.25", powers="[cn]", half_life="3"),
    _event("charm", "opinion", "2027H2", size="0.7", states="[kg, uz]", powers="[eu]"),
)
REGION_EVENTS: Final = (
    _event("accession", "agreement", "2026H1", size="0.2", institution="eaeu", powers="[ru]"),
    _event("rift", "agreement", "2028H1", size="-0.4", institution="cisfta", until="2029H1"),
    _event(
        "joins",
        "membership",
        "2027H2",
        institution="eaeu",
        members=_members(kz=1, kg=1, tj=0, tm=0, uz=1, am=1, by=1),
    ),
    _event("fast", "days", "2026H1", factor="0.5", corridors="[m]", until="2030H1", unit="days"),
    _event("slow", "days", "2027H1", size="-60", corridors="[ns]", half_life="1", unit="days"),
    _event("wide", "capacity", "2027H2", factor="1.5", corridors="[n, ns]", unit="Mt/yr"),
    _event("flood", "capacity", "2029H1", size="-90", corridors="[n]", half_life="1", unit="Mt/yr"),
    _event("south", "capacity", "2028H1", size="8", corridors="[sth]", unit="Mt/yr"),
    _event("listed", "risk", "2026H2", factor="1.5", corridors="[n, sth]", unit="percent"),
    _event("ports", "risk", "2028H1", size="6", corridors="[m]", until="2029H1", unit="percent"),
    _event("gas", "coercion", "2027H1", states="[kz, uz]", powers="[ru]"),
    _event("loans", "coercion", "2028H1", powers="[cn]"),
)
GROWTH_EVENTS: Final = (
    _event("slump", "growth", "2026H1", size="-0.06", unit="1/yr", half_life="1.5"),
    _event("oil", "growth", "2027H1", size="0.04", unit="1/yr", states="[kz, tm]", until="2028H2"),
    _event("stall", "growth", "2028H1", size="-0.05", unit="1/yr", powers="[ru, row]"),
    _event("union", "growth", "2026H2", size="0.02", unit="1/yr", states="[uz]", powers="[cn]"),
    _event("bubble", "growth", "2023H1", size="0.03", unit="1/yr", powers="[eu]", half_life="2"),
    _event("build", "growth", "2024H1", size="0.05", unit="1/yr", states="[tj]", until="2027H1"),
    _event("absent", "growth", "2026H1", size="0.5", unit="1/yr", states="[am]", powers="[us]"),
)
TRENDS: Final = (_set("rules.trade.trend", ru=-0.05, cn=0.1, eu=0, row=0.02),)
SHOCKS: Final = (_set("rules.trade.volatility", kz=0.3, kg=0.1, tj=0.6, tm=0, uz=0.2),)
UNCERTAIN_SHOCKS: Final = replace(
    fixed(
        "rules.trade.volatility", "1/sqrt(yr)", {"kz": 0, "kg": 0.1, "tj": 0.3, "tm": 0, "uz": 0}
    ),
    high=(0.5, 0.3, 0.8, 0.0, 0.1),
    draw=Draw.TRIANGULAR,
)
COERCION: Final = (_set("rules.coercion.rate", ru=2, cn=1, eu=0.5),)
CROWDED: Final = (
    _set("rules.corridors.congestion", 3),
    _set("rules.corridors.through_transit", 60),
    _set("rules.corridors.freight_share", 0.6),
)
COORDINATED: Final = (
    _set("rules.adaptation.coordination.ru", cn=1, eu=0.5),
    _set("rules.adaptation.coordination.cn", ru=0.7, eu=0),
)
NESTED: Final = (_set("rules.choice.nest", 0.4),)
BLOC: Final = (
    _set("rules.bloc.cohesion", 0.7),
    _set("rules.bloc.leverage", 0.9),
    _set("rules.bloc.members", kz=1, kg=0, tj=1, tm=1, uz=1),
    _set("rules.offers.minimum_offer", 0.02),
)
MODULES: Final = (
    *COERCION,
    *COORDINATED,
    *NESTED,
    *BLOC,
    _set("rules.offers.summit_share", 0.5),
    _set("rules.adaptation.condition_speed", 1.5),
    _set("rules.adaptation.speed", 2),
    _set("rules.opinion.reversion", 0.4),
    _set("rules.opinion.delivery_effect", 0.3),
    _set("rules.growth.investment_effect", 0.5),
    _set("rules.documents.signed", 19),
    _set("rules.documents.weight", 0.2),
)

CASES: Final[dict[str, Case]] = {
    "evidence": ((), {}, REPLICATES),
    "central values": ((), {"uncertainty": Uncertainty.NONE}, REPLICATES),
    "infinite precision": (EXACT, {}, REPLICATES),
    "no precision": ((_set("rules.choice.precision", 0),), {}, FEWER),
    "mean field": ((), MEAN_FIELD, FEWER),
    "mean field, infinite precision": (EXACT, MEAN_FIELD, FEWER),
    "expected delivery": ((), {"rules.delivery.rule": DeliveryRule.EXPECTED}, FEWER),
    "naive prior": ((), {"rules.learning.prior": Prior.NAIVE}, FEWER),
    "yearly": ((), {"horizon.step": 1.0}, REPLICATES),
    "quarterly": ((), {"horizon.step": 0.25}, FEWER),
    "single state": (ONE_STATE, {}, REPLICATES),
    "single power": (("powers=ru",), {}, FEWER),
    "a power and a state less": (("~powers.eu", "~states.kz"), {}, FEWER),
    "nobody hosts migrants": (("~powers.ru",), {}, FEWER),
    "more states": (("states=cis_plus",), {}, FEWER),
    "more powers": (("powers=five_suitors",), {}, REPLICATES),
    "no money": (NO_MONEY, {}, FEWER),
    "one without money, no least offer": (
        ("rules.offers.minimum_offer.value=0", NO_MONEY[2]),
        {},
        FEWER,
    ),
    "threat that began before the start": (
        (
            "events.border_programme.date=2024H1",
            f"+events.border_programme.half_life={_number(2, 'years')}",
            "events.border_programme.size.value=0.9",
        ),
        {},
        FEWER,
    ),
    "many incidents, late members of an alliance": (
        (
            "events.afghan_incident.rate.value=5",
            "events.cis_plus_opens.date=2028H1",
            "events.cis_plus_opens.institution=csto",
        ),
        {},
        FEWER,
    ),
    "events on conditions": (CONDITIONS_EVENTS, {}, REPLICATES),
    "events on powers": (POWER_EVENTS, {}, REPLICATES),
    "events on the region": (REGION_EVENTS, {}, REPLICATES),
    "all events, yearly": (
        (*CONDITIONS_EVENTS, *POWER_EVENTS, *REGION_EVENTS),
        {"horizon.step": 1.0},
        FEWER,
    ),
    "all events, quarterly": (
        (*CONDITIONS_EVENTS, *POWER_EVENTS, *REGION_EVENTS),
        {"horizon.step": 0.25},
        FEWER,
    ),
    "crowded corridors": (CROWDED, {}, REPLICATES),
    "routes that hardly differ": (
        ("rules.corridors.start_corridor=ns", _set("rules.corridors.start_share", 0.22)),
        {},
        FEWER,
    ),
    "empty corridors": ((_set("rules.corridors.congestion", 0),), {}, FEWER),
    "corridors that close": (
        (
            *CROWDED,
            _event("shut", "capacity", "2026H1", factor="0", corridors="[n]"),
            _event(
                "east",
                "capacity",
                "2027H1",
                size="-60",
                unit="Mt/yr",
                corridors="[e]",
                half_life="1",
            ),
        ),
        {},
        REPLICATES,
    ),
    "frozen trade": ((), {"rules.trade.moving": False}, FEWER),
    "frozen corridors": ((), {"rules.corridors.moving": False}, FEWER),
    "frozen trade and corridors, coercion": (COERCION, FROZEN, FEWER),
    "no adaptation": ((_set("rules.adaptation.speed", 0),), {}, FEWER),
    "fast adaptation": (
        (
            _set("rules.adaptation.speed", 2),
            _set("rules.adaptation.tremble", 0),
            _set("rules.adaptation.memory", 1),
        ),
        {},
        FEWER,
    ),
    "bloc": (BLOC, {}, REPLICATES),
    "coordination": (COORDINATED, {}, FEWER),
    "coordination in a nest": ((*COORDINATED, *NESTED), {}, FEWER),
    "nest": (NESTED, {}, REPLICATES),
    "nest, infinite precision": ((*NESTED, *EXACT), {}, FEWER),
    "nest, mean field": (NESTED, MEAN_FIELD, FEWER),
    "summits": ((_set("rules.offers.summit_share", 0.8),), {}, FEWER),
    "adaptive conditions": ((_set("rules.adaptation.condition_speed", 1.5),), {}, FEWER),
    "moving opinion": (
        (_set("rules.opinion.reversion", 0.4), _set("rules.opinion.delivery_effect", 0.3)),
        {},
        FEWER,
    ),
    "growth by investment": ((_set("rules.growth.investment_effect", 0.5),), {}, FEWER),
    "events on growth": (GROWTH_EVENTS, {}, REPLICATES),
    "events on growth, yearly": (GROWTH_EVENTS, {"horizon.step": 1.0}, FEWER),
    "events on growth, quarterly": (GROWTH_EVENTS, {"horizon.step": 0.25}, FEWER),
    "events on growth, growth by investment and prices": (
        (*GROWTH_EVENTS, *CONDITIONS_EVENTS, _set("rules.growth.investment_effect", 0.5)),
        {},
        FEWER,
    ),
    "events on growth, frozen trade": (GROWTH_EVENTS, {"rules.trade.moving": False}, FEWER),
    "events on growth, nobody hosts migrants": ((*GROWTH_EVENTS, "~powers.ru"), {}, FEWER),
    "events on growth, more states and powers": (
        ("states=cis_plus", "powers=five_suitors", *GROWTH_EVENTS),
        {},
        FEWER,
    ),
    "trends of trade": (TRENDS, {}, FEWER),
    "trends that fade": ((*TRENDS, _set("rules.trade.trend_half_life", 3)), {}, REPLICATES),
    "trends that fade, quarterly": (
        (*TRENDS, _set("rules.trade.trend_half_life", 3)),
        {"horizon.step": 0.25},
        FEWER,
    ),
    "shocks to trade": (SHOCKS, {}, REPLICATES),
    "shocks to trade, yearly": (SHOCKS, {"horizon.step": 1.0}, FEWER),
    "shocks to trade, quarterly": (SHOCKS, {"horizon.step": 0.25}, FEWER),
    "shocks to trade, frozen corridors": (SHOCKS, {"rules.corridors.moving": False}, FEWER),
    "shocks to trade, frozen trade": (SHOCKS, {"rules.trade.moving": False}, FEWER),
    "shocks to trade, coercion": ((*SHOCKS, *COERCION), {}, REPLICATES),
    "shocks to trade, coercion closes nothing": (
        (*SHOCKS, *COERCION, "rules.coercion.closes=[]"),
        {},
        FEWER,
    ),
    "shocks to trade, a power and a state less": (
        (*SHOCKS, "~powers.eu", "~states.kz"),
        {},
        FEWER,
    ),
    "shocks to trade, more states and powers": (
        ("states=cis_plus", "powers=five_suitors", *SHOCKS),
        {},
        FEWER,
    ),
    "shocks to trade of uncertain size": (
        (),
        {"rules.trade.volatility": UNCERTAIN_SHOCKS},
        REPLICATES,
    ),
    "shocks to crowded trade": ((*SHOCKS, *CROWDED), {}, FEWER),
    "coercion": (COERCION, {}, REPLICATES),
    "coercion closes all corridors of China": (
        (*COERCION, "rules.coercion.closes=[e, cku]"),
        {},
        REPLICATES,
    ),
    "coercion closes nothing": ((*COERCION, "rules.coercion.closes=[]"), {}, FEWER),
    "documents": (
        (_set("rules.documents.signed", 19), _set("rules.documents.weight", 0.2)),
        {},
        REPLICATES,
    ),
    "all modules": (MODULES, {}, REPLICATES),
    "all modules and events": (
        (*MODULES, *CROWDED, *CONDITIONS_EVENTS, *POWER_EVENTS, *REGION_EVENTS),
        {},
        REPLICATES,
    ),
    "all modules and events, growth and shocks": (
        (
            *MODULES,
            *CROWDED,
            *CONDITIONS_EVENTS,
            *POWER_EVENTS,
            *REGION_EVENTS,
            *GROWTH_EVENTS,
            *SHOCKS,
        ),
        {},
        REPLICATES,
    ),
    "all modules, yearly": (MODULES, {"horizon.step": 1.0}, FEWER),
    "all modules, more states and powers": (
        ("states=cis_plus", "powers=five_suitors", *MODULES),
        {},
        FEWER,
    ),
    "all modules, mean field": (MODULES, MEAN_FIELD, FEWER),
}
"""Overrides, further settings and replicates of each comparison."""


OUTCOMES: Final = (
    ("offered", "p", "offered"),
    ("threat", "s", "threat"),
    ("sanctions", "", "sanctions"),
    ("war", "", "war"),
    ("commodity", "", "commodity"),
    ("migration", "s", "migration"),
    ("struck", "sp", "coercion"),
    ("documents_signed", "", "documents_signed"),
    ("documents_implemented", "", "documents_implemented"),
    ("corridor_flow", "k", "corridor_flow"),
    ("trade_cost", "sj", "trade_cost"),
)
"""Flows of the scalar model, their axes, and the outcomes that they are."""
LEVELS: Final = (
    ("dependence", "sp", "dependence"),
    ("transit", "sp", "transit_dependence"),
    ("security", "s", "security_level"),
    ("opinion", "sp", "opinion"),
    ("trade", "sj", "trade"),
    ("remittances", "s", "remittances"),
    ("gdp", "s", "gdp"),
    ("budget", "p", "budget"),
    ("unspent", "p", "unspent"),
)
"""The same for stocks."""
EXOGENOUS: Final = (
    "threat",
    "sanctions",
    "war",
    "commodity",
    "migration",
    "coercion",
    "documents_signed",
    "documents_implemented",
    "remittances",
    "budget",
    "trade_shock",
)
"""Numbers into which no flow on corridors enters."""
STOCK_FIELDS: Final = {
    "backlog": ("backlog", "spd"),
    "capital": ("capital", "spd"),
    "a": ("successes", "spd"),
    "b": ("failures", "spd"),
    "other_capital": ("other_capital", "sd"),
    "investment": ("investment", "sp"),
    "gdp": ("gdp", "s"),
    "budget": ("budget", "p"),
    "unspent": ("unspent", "p"),
    "trade": ("trade", "sj"),
    "trade_shock": ("trade_shock", "sj"),
    "remittances": ("remittances", "s"),
    "transit": ("transit", "sp"),
    "capacity": ("capacity", "k"),
    "conditionality": ("conditionality", "pd"),
    "opinion_shift": ("opinion_shift", "sp"),
}
"""Stocks of the scalar model, with the field of the world that holds them and their axes."""


@pytest.mark.parametrize("case", CASES)
def test_fast_and_scalar_models_agree(case: str) -> None:
    overrides, settings, replicates = CASES[case]
    scenario = _load(*overrides)
    for path, setting in settings.items():
        scenario = _changed(scenario, path, setting)
    _compare(scenario, replicates)


def test_age_of_an_event_counts_from_its_date() -> None:
    half_life = f"+events.border_programme.half_life={_number(2, 'years')}"
    scenario = _changed(_load(half_life), "horizon.step", 1.0)
    assert scenario.periods[:2] == ("2025H2", "2026H2")  # the event of 2026H1 lies between
    _compare(scenario, FEWER)


def test_first_mean_choices_of_the_baseline_are_its_target_shares() -> None:
    """The choice constants that both implementations take come from here alone."""
    quiet = ("events.afghan_incident.rate.value=0", "events.sanction_package.rate.value=0")
    central = _changed(_load(*quiet), "uncertainty", Uncertainty.NONE)
    scenario = _changed(central, "rules.choice.rule", ChoiceRule.MEAN_FIELD)
    model = ReferenceModel(scenario)
    model.step()
    chosen = model.flows["chosen"][0]
    for domain, target in scenario.rules.choice.target_shares.items():
        for power in scenario.powers:
            mean = sum(row[power][domain] for row in chosen.values()) / len(chosen)
            assert mean == pytest.approx(target.of(power), abs=1e-10)


def test_a_slice_of_a_prepared_block_is_the_replicate_itself() -> None:
    scenario = _load(*ONE_STATE)
    alone = ReferenceModel(scenario, 4).run()
    sliced = prepare(scenario, range(6)).model(4).run()
    assert alone.picks == sliced.picks
    assert alone.stocks == sliced.stocks


def test_money_is_neither_made_nor_lost() -> None:
    """P6 and P7, in the scalar model by itself."""
    model = ReferenceModel(_load(), 1).run()
    flows, stocks = model.flows, model.stocks
    for state in model.spec.states:
        for power in model.spec.powers:
            for domain in DOMAINS:
                signed, delivered, lost = (
                    math.fsum(step[state][power][domain] for step in flows[name])
                    for name in ("signed", "delivered", "lost")
                )
                left = stocks["backlog"][-1][state][power][domain]
                assert signed == pytest.approx(delivered + lost + left, abs=TOLERANCE)
    for power in model.spec.powers:
        for step, before in enumerate(stocks["budget"][:-1]):
            envelope = before[power] * model.years + model.rollover * stocks["unspent"][step][power]
            signed = math.fsum(
                money for row in flows["signed"][step].values() for money in row[power].values()
            )
            left = stocks["unspent"][step + 1][power]
            assert signed + left == pytest.approx(envelope, abs=TOLERANCE)


def test_batch_run_takes_the_model() -> None:
    scenario = _load(*ONE_STATE)
    model = ReferenceModel(scenario, 2).run()
    BatchReference.use(scenario)
    try:
        rows = batch_run(BatchReference, {"replicate": [2]}, max_steps=100, display_progress=False)
    finally:
        BatchReference.use(None)
    delivered = sum(
        sum(row.values())
        for cells in model.flows["delivered"][-1].values()
        for row in cells.values()
    )
    picks = sum(pick is not None for pick in model.picks[-1]["kz"].values())
    assert [(row["picks_made"], row["delivered"]) for row in rows] == [(picks, delivered)]


@pytest.mark.parametrize("mean", [0.0, 0.025, 0.5, 3.0])
def test_poisson_quantile_is_that_of_scipy(mean: float) -> None:
    for u in (2.0**-54, 0.01, 0.3, 0.5, 0.9, 0.99, 1 - 1e-9):
        assert poisson_quantile(u, mean) == max(0, poisson.ppf(u, mean))


@pytest.mark.parametrize("chance", [0.0, 0.07, 0.5, 1.0])
def test_binomial_quantile_is_that_of_scipy(chance: float) -> None:
    for u in (2.0**-54, 0.01, 0.3, 0.77, 1 - 1e-9):
        assert binomial_quantile(u, 19, chance) == max(0, binom.ppf(u, 19, chance))


def test_shares_of_identical_routes_are_equal() -> None:
    shares, cost = spread_over([30.0, 30.0, 30.0, 30.0], 0.15)
    assert shares == [0.25] * 4
    assert cost == pytest.approx(30 - math.log(4) / 0.15, abs=TOLERANCE)


def test_equations_are_solved_with_pivots() -> None:
    found = solve([[0.0, 2.0, 1.0], [1.0, 1.0, 0.0], [3.0, 0.0, -1.0]], [5.0, 3.0, 0.0])
    assert 2 * found[1] + found[2] == pytest.approx(5)
    assert found[0] + found[1] == pytest.approx(3)
    assert 3 * found[0] - found[2] == pytest.approx(0, abs=TOLERANCE)


def test_flows_and_costs_fit_each_other() -> None:
    """Two corridors, by bisection; congestion from none to far beyond capacity."""
    for steep in (0.0, 1.0, 50.0, 2000.0):
        links = [Link(10.0, 2.0, steep, 4.0), Link(25.0, 0.0, steep, 20.0, own_leg=0.3)]
        both, own = ((0, False), (1, False)), ((1, True),)
        flows = equilibrium(links, {both: 30.0, own: 5.0}, 0.3, [0.0, 0.0])
        low, high = 0.0, 30.0
        for _ in range(200):
            first = (low + high) / 2
            costs = [links[0].cost(first), links[1].cost(35.0 - first)]
            more = 30 * spread_over(costs, 0.3)[0][0] > first
            low, high = (first, high) if more else (low, first)
        assert flows == pytest.approx([low, 35 - low], abs=SOLVED)


def test_spread_of_routes_gives_the_first_share() -> None:
    for others, share in (([-15.0, -1.0, 4.0], 0.08), ([-30.0], 0.4), ([-0.01, 3.0, 5.0], 0.2)):
        found = spread_over([0.0, *others], spread_of(others, share))[0]
        assert found[0] == pytest.approx(share, abs=TOLERANCE)


@pytest.mark.parametrize("nest", [1.0, 0.4])
def test_returns_are_derivatives_of_chances(nest: float) -> None:
    """P17: own and cross terms of E28."""
    scenario = _load(_set("rules.choice.nest", nest))
    change, chances = 1e-5, []
    for added in (change, -change, 0.0):
        model = ReferenceModel(scenario, 1)
        _decide_first(model, "cn", "uz", "energy", added)
        state = model.state_agents[list(scenario.states).index("uz")]
        chances.append({p: state.chances[p]["energy"] for p in ("cn", "ru")})
    own, cross = ((chances[0][p] - chances[1][p]) / (2 * change) for p in ("cn", "ru"))
    assert state.slopes["cn"]["energy"] == pytest.approx(own, rel=1e-6)
    assert state.crowding("cn", "ru", "energy") == pytest.approx(-cross, rel=1e-6)


def test_nest_of_one_is_the_logit_and_duplicates_share_a_half() -> None:
    """P27."""
    assert probabilities([0.0, 1.0, 2.0], 1.0, 1.0) == probabilities([0.0, 1.0, 2.0], 1.0)
    assert probabilities([0.0, 0.0, 0.0], 1.0) == pytest.approx([1 / 3] * 3)
    assert probabilities([0.0, 0.0, 0.0], 1.0, 1e-6) == pytest.approx([0.5, 0.25, 0.25], abs=1e-6)


def test_exact_ties_go_by_the_largest_noise() -> None:
    assert pick_number([0.0, 1.0, 1.0], [0.9, 0.2, 0.4], math.inf) == 2
    assert pick_number([0.0, 1.0, 1.0], [0.9, 0.4, 0.4], math.inf) == 1
    assert pick_number([0.0, 0.0, 0.0], [0.5, 0.5, 0.5], 1.0) == 0


@lru_cache(maxsize=32)
def _load(*overrides: str) -> Scenario:
    return load_scenario("strategic_balance", *overrides)


def _changed(node: Any, path: str, setting: object) -> Any:
    """Copy of a scenario, or of a part of it, in which one setting differs."""
    name, _, rest = path.partition(".")
    return replace(
        node, **{name: _changed(getattr(node, name), rest, setting) if rest else setting}
    )


def _decide_first(model: ReferenceModel, power: str, state: str, domain: str, added: float) -> None:
    """First choices, with more money in one offer."""
    model.face_events()
    for agent in model.power_agents:
        agent.adjust()
        agent.post_offers()
    model.powers[power].offers[state][domain] += added
    for agent in model.state_agents:
        agent.appraise()
        agent.choose()


def _compare(scenario: Scenario, replicates: range) -> None:
    """Run both implementations and compare picks, flows and stocks."""
    prepared = prepare(scenario, replicates)
    models = [prepared.model(replicate).run() for replicate in replicates]
    _compare_decisions(scenario, replicates, models)
    _compare_stocks(scenario, replicates, models)


def _compare_decisions(scenario: Scenario, replicates: range, models: list[ReferenceModel]) -> None:
    states, powers = tuple(scenario.states), tuple(scenario.powers)
    data, final = run_chunk(scenario, replicates)
    numbers = {code: number for number, code in enumerate((None, *powers))}
    picks = [
        [[[numbers[row[s][d]] for d in DOMAINS] for s in states] for row in model.picks]
        for model in models
    ]
    np.testing.assert_array_equal(_replicate_last(picks), data["pick"], err_msg="pick")

    def flow(name: str, *axes: Sequence[str]) -> Array:
        return _replicate_last([_table(model.flows[name], axes) for model in models])

    def points(name: str, *axes: Sequence[str]) -> Array:
        return _replicate_last([_table(model.stocks[name], axes) for model in models])

    for name in ("signed", "delivered", "lost"):
        _close(flow(name, states, powers, DOMAINS).sum(axis=3), data[name], name)
    conditions = flow("conditions", states, powers, DOMAINS).mean(axis=3)
    _close(conditions, data["conditions"], "conditions")
    none = flow("none_probability", states, DOMAINS)
    _close(1 - none.mean(axis=2), data["acceptance"], "acceptance")
    for name, axes, outcome in OUTCOMES:
        _close(flow(name, *_keys(scenario, axes)), data[outcome], outcome)
    for name, axes, outcome in LEVELS:
        found = points(name, *_keys(scenario, axes))
        _close(found[:-1], data[outcome], outcome)
        _close(found[-1], final[outcome], f"{outcome} at the end")
    shares = points("shares", powers, states, DOMAINS).sum(axis=2)
    _close(shares[:-1], data["allocation"], "allocation")


def _compare_stocks(scenario: Scenario, replicates: range, models: list[ReferenceModel]) -> None:
    s, p, d = (_keys(scenario, axis)[0] for axis in "spd")
    passed = list(worlds(scenario, replicates))
    assert len(passed) == scenario.steps + 1

    def same(expected: Array, field: str, worlds: Sequence[World]) -> None:
        """Fields may have one replicate where nothing varies, axes of length 1 and no others."""
        for point, world in zip(expected, worlds, strict=True):
            found = getattr(world, field)
            found = found.reshape(*point.shape[:-1], found.shape[-1])
            _close(point, np.broadcast_to(found, point.shape), field)

    for name, (field, axes) in STOCK_FIELDS.items():
        keys = _keys(scenario, axes)
        same(_replicate_last([_table(m.stocks[name], keys) for m in models]), field, passed)
    shares = _replicate_last([_table(model.stocks["shares"], (p, s, d)) for model in models])
    same(shares.swapaxes(1, 2), "allocation", passed)
    chosen = _replicate_last([_table(model.flows["chosen"], (s, p, d)) for model in models])
    same(chosen, "last_pick", passed[1:])


def _keys(scenario: Scenario, axes: str) -> tuple[Sequence[str], ...]:
    """Keys of some axes: state, power, trade partner, corridor, domain."""
    known = {
        "s": tuple(scenario.states),
        "p": tuple(scenario.powers),
        "j": (*scenario.powers, "row"),
        "k": tuple(scenario.corridors),
        "d": DOMAINS,
    }
    return tuple(known[axis] for axis in axes)


def _table(node: Any, axes: Sequence[Sequence[str]]) -> list[Any]:
    """Nested lists of a record: one a point in time, then one a key of each axis."""
    return [_row(point, axes) for point in node]


def _row(node: Any, axes: Sequence[Sequence[str]]) -> Any:
    if not axes:
        return node
    return [_row(node[key], axes[1:]) for key in axes[0]]


def _replicate_last(tables: list[Any]) -> Array:
    return np.moveaxis(np.array(tables), 0, -1)


def _close(scalar: Array, fast: Array, name: str) -> None:
    tolerance = TOLERANCE if name in EXOGENOUS else FREIGHT if name == "corridor_flow" else SOLVED
    np.testing.assert_allclose(fast, scalar, rtol=tolerance, atol=tolerance, err_msg=name)
