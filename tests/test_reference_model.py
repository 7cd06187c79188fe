"""The fast implementation against the scalar one: same decisions, same stocks, to rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pytest
from mesa.batchrunner import batch_run
from numpy.typing import NDArray
from reference_model import (
    BatchReference,
    ReferenceModel,
    pick_number,
    poisson_quantile,
    prepare,
)
from scipy.stats import poisson

from sim.axes import DOMAINS
from sim.compose import load_scenario
from sim.ensemble import run_chunk, worlds
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, Prior, Uncertainty

TOLERANCE: Final = 1e-12
"""Largest difference, relative to the number or to 1 of its unit."""
REPLICATES: Final = range(250, 258)
"""Replicates on both sides of the end of a block of draws."""
FEWER: Final = range(3, 6)
EXACT: Final = ("rules.choice.precision.value=inf",)
ONE_STATE: Final = ("states=kz",)
NO_MONEY: Final = tuple(f"powers.{power}.budget.value=0" for power in ("ru", "cn", "eu"))

Array = NDArray[Any]

CASES: Final[dict[str, tuple[tuple[str, ...], dict[str, object], range]]] = {
    "evidence": ((), {}, REPLICATES),
    "central values": ((), {"uncertainty": Uncertainty.NONE}, REPLICATES),
    "infinite precision": (EXACT, {}, REPLICATES),
    "mean field": ((), {"rules.choice.rule": ChoiceRule.MEAN_FIELD}, FEWER),
    "mean field, infinite precision": (
        EXACT,
        {"rules.choice.rule": ChoiceRule.MEAN_FIELD},
        FEWER,
    ),
    "expected delivery": ((), {"rules.delivery.rule": DeliveryRule.EXPECTED}, FEWER),
    "naive prior": ((), {"rules.learning.prior": Prior.NAIVE}, FEWER),
    "yearly": ((), {"horizon.step": 1.0}, REPLICATES),
    "quarterly": ((), {"horizon.step": 0.25}, FEWER),
    "single state": (ONE_STATE, {}, REPLICATES),
    "single power": (("powers=ru",), {}, FEWER),
    "a power and a state less": (("~powers.eu", "~states.kz"), {}, FEWER),
    "no money": (NO_MONEY, {}, FEWER),
    "one without money, no least offer": (
        ("rules.offers.minimum_offer.value=0", NO_MONEY[2]),
        {},
        FEWER,
    ),
    "threat that began before the start": (
        (
            "events.border_programme.date=2024H1",
            "events.border_programme.half_life.value=2",
            "events.border_programme.size.value=0.9",
        ),
        {},
        FEWER,
    ),
    "a pause in the war, many incidents, late members of an alliance": (
        (
            "events.border_programme.target=war",
            "events.border_programme.states=[]",
            "events.border_programme.size.value=-1",
            "events.border_programme.half_life.value=2",
            "events.border_programme.date=2027H1",
            "events.afghan_incident.rate.value=5",
            "events.cis_plus_opens.date=2028H1",
            "events.cis_plus_opens.institution=csto",
        ),
        {},
        FEWER,
    ),
}
"""Overrides, further settings and replicates of each comparison."""


@pytest.mark.parametrize("case", CASES)
def test_fast_and_scalar_models_agree(case: str) -> None:
    overrides, settings, replicates = CASES[case]
    scenario = _load(*overrides)
    for path, setting in settings.items():
        scenario = _changed(scenario, path, setting)
    _compare(scenario, replicates)


def test_age_of_an_event_counts_from_its_date() -> None:
    scenario = _changed(_load("events.border_programme.half_life.value=2"), "horizon.step", 1.0)
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
    _close(flow("offered", powers), data["offered"], "offered")
    _close(flow("threat", states), data["threat"], "threat")
    _close(flow("sanctions"), data["sanctions"], "sanctions")
    none = flow("none_probability", states, DOMAINS)
    _close(1 - none.mean(axis=2), data["acceptance"], "acceptance")
    dependence = points("dependence", states, powers)
    _close(dependence[:-1], data["dependence"], "dependence")
    _close(dependence[-1], final["dependence"], "dependence at the end")
    _close(points("security", states)[:-1], data["security_level"], "security_level")


def _compare_stocks(scenario: Scenario, replicates: range, models: list[ReferenceModel]) -> None:
    s, p, d = tuple(scenario.states), tuple(scenario.powers), DOMAINS
    names = {
        "backlog": ("backlog", (s, p, d)),
        "capital": ("capital", (s, p, d)),
        "a": ("successes", (s, p, d)),
        "b": ("failures", (s, p, d)),
        "other_capital": ("other_capital", (s, d)),
        "investment": ("investment", (s, p)),
        "gdp": ("gdp", (s,)),
        "budget": ("budget", (p,)),
        "unspent": ("unspent", (p,)),
    }
    passed = list(worlds(scenario, replicates))
    assert len(passed) == scenario.steps + 1
    for name, (field, axes) in names.items():
        found = np.array([getattr(world, field) for world in passed])
        expected = _replicate_last([_table(model.stocks[name], axes) for model in models])
        _close(expected, found.reshape(expected.shape), name)
    chosen = _replicate_last([_table(model.flows["chosen"], (s, p, d)) for model in models])
    _close(chosen, np.array([world.last_pick for world in passed[1:]]), "last_pick")


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
    np.testing.assert_allclose(fast, scalar, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)
