"""Tipping values that are known beforehand, paired curves, and what is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import binomtest

import sim
from sim.analysis.measure import read_target
from sim.analysis.tipping import POINTS, TOLERANCE, Tipping, tipping, wilson
from sim.axes import DOMAINS, FloatArray
from sim.calibration import choice_constants
from sim.errors import InputError
from sim.scenario import Scenario
from sim.vary import vary

NULL = {
    **{
        f"rules.appraisal.{name}": 0.0
        for name in (
            "conditionality_aversion",
            "security_need",
            "sanction_aversion",
            "opinion_weight",
            "peer_weight",
            "inertia",
        )
    },
    **{f"rules.appraisal.lock_in.{domain}": 0.0 for domain in DOMAINS},
}
"""Values at which all terms of utility vanish but benefit and the choice constants."""
BUDGET = "powers.eu.budget"
OUTSIDE = "rules.choice.outside_option"


@cache
def load(*overrides: str, name: str = "strategic_balance", **settings: Any) -> Scenario:
    quiet = ("output.workers=1", "output.progress=false")
    return sim.load_scenario(name, *quiet, *overrides, **{"replicates": 60, "seed": 3, **settings})


@cache
def plain(replicates: int = 400, seed: int = 1) -> Scenario:
    """One half-year at central values in which only what is offered, and alpha, bears on picks."""
    scenario = load("horizon.end=2026H1", "uncertainty=none", replicates=replicates, seed=seed)
    hedging = {f"states.{code}.hedging": 0.0 for code in scenario.states}
    return replace(vary(scenario, {**NULL, **hedging}), institutions={})


def only(found: Tipping) -> dict[str, Any]:
    """The one crossing."""
    (row,) = (row for _, row in found.tips.iterrows())
    return dict(row)


def probabilities(scenario: Scenario) -> FloatArray:
    """E3-E6, E16 by hand for Kazakhstan in the first half-year: (domain, option), none first."""
    constants, rules, spec = choice_constants(scenario), scenario.rules, scenario.states["kz"]
    share = math.sqrt(spec.gdp.of()) / sum(math.sqrt(s.gdp.of()) for s in scenario.states.values())
    need = np.array([spec.domain_weights.of(domain) for domain in DOMAINS])
    need = need / need.mean()
    rows = []
    for place, domain in enumerate(DOMAINS):
        utility = [rules.choice.outside_option.of()]
        for code, power in scenario.powers.items():
            money = power.domain_shares.of(domain) * share * power.budget.of() * 0.5
            believed = power.delivery.of(domain) * 100 * money / spec.gdp.of()
            benefit = need[place] * math.log(1 + believed / rules.choice.value_scale.of())
            utility.append(benefit + constants[code][place])
        odds = np.exp(np.array(utility) * rules.choice.precision.of())
        rows.append(odds / odds.sum())
    return np.array(rows)


def chance(scenario: Scenario, holds: Callable[[FloatArray], bool]) -> float:
    """Probability of something about the shares of picks, over all picks in the five domains."""
    chances = probabilities(scenario)
    weights = [scenario.rules.dependence.weights.of(domain) for domain in DOMAINS]
    total = 0.0
    for picks in product(range(chances.shape[1]), repeat=len(DOMAINS)):
        shares = np.zeros(chances.shape[1])
        for weight, option in zip(weights, picks, strict=True):
            shares[option] += weight
        if holds(shares[1:]):
            total += math.prod(chances[place, option] for place, option in enumerate(picks))
    return total


# --- outcomes that follow the parameter -----------------------------------------------------------


@pytest.mark.parametrize("threshold", [2.0375, 4.3999])
@pytest.mark.parametrize(("sign", "upwards"), [(">", True), ("<", False)])
def test_a_known_value_is_found_to_the_tolerance(
    threshold: float, sign: str, upwards: bool
) -> None:
    """The budget of the first half-year is the parameter itself, in every replicate."""
    asked = f"budget.EU {sign} {threshold} at 2025H2"
    found = tipping(load("horizon.end=2026H1"), asked, BUDGET, memory=False)
    assert (found.low, found.high, found.unit) == (1.9, 4.4, "USD bn/yr")
    tip, width = only(found), found.high - found.low
    assert abs(tip["value"] - threshold) <= TOLERANCE * width
    assert tip["low"] <= threshold <= tip["high"]
    assert tip["high"] - tip["low"] <= 4 * TOLERANCE * width
    assert tip["upwards"] == upwards
    table = found.table()
    held = table["value"] > threshold if upwards else table["value"] < threshold
    assert table["share"].tolist() == held.astype(float).tolist()
    word = "in more" if upwards else "no longer in more"
    assert f"it tips: above that it comes true {word} than 50 % of the runs" in found.text()


@pytest.mark.parametrize("years", [1, 4])
def test_growth_moves_the_value_as_it_should(years: int) -> None:
    """M e^(g t) > X, with the growth of each replicate at its central value."""
    scenario = load("uncertainty=none", "horizon.end=2030H1", replicates=20)
    growth = scenario.powers["eu"].budget_growth.of()
    wanted = 3 / math.exp(growth * years)
    asked = f"budget.EU > 3 at {2025 + years}H2"
    tip = only(tipping(scenario, asked, BUDGET, memory=False))
    assert abs(tip["value"] - wanted) <= TOLERANCE * 2.5
    assert tip["low"] < wanted < tip["high"]


def test_a_finer_grid_finds_the_same_value() -> None:
    scenario = load("horizon.end=2026H1")
    for points in (2, 3, 20):
        found = tipping(
            scenario, "budget.EU > 3.21 at 2025H2", BUDGET, 1, 5, points=points, memory=False
        )
        assert abs(only(found)["value"] - 3.21) <= 4 * TOLERANCE
        grid = found.table()[found.table()["grid"]]
        np.testing.assert_array_equal(grid["value"], np.linspace(1, 5, points))


def test_it_may_tip_up_and_down_again() -> None:
    """A middling offer gains from precision until the best one takes all."""
    scenario = plain(replicates=20)

    def share(precision: float) -> float:
        varied = vary(scenario, {"rules.choice.precision": precision})
        weights = [varied.rules.dependence.weights.of(domain) for domain in DOMAINS]
        return float(np.dot(weights, probabilities(varied)[:, 2]))

    grid = np.linspace(0, 3, 301)
    shares = [share(precision) for precision in grid]
    peak = float(grid[int(np.argmax(shares))])
    threshold = (max(shares) + max(shares[0], shares[-1])) / 2
    wanted = [brentq(lambda x: share(x) - threshold, *ends) for ends in ((0.0, peak), (peak, 3.0))]
    found = tipping(
        scenario,
        f"pick_probability.KZ.CN > {threshold!r} at 2025H2",
        "rules.choice.precision",
        0,
        3,
        points=31,
        memory=False,
    )
    assert found.tips["upwards"].tolist() == [True, False]
    np.testing.assert_allclose(found.tips["value"], wanted, atol=3 * TOLERANCE)
    assert (found.tips["low"] <= wanted).all()
    assert (found.tips["high"] >= wanted).all()


# --- outcomes with noise --------------------------------------------------------------------------

NOISY: dict[str, tuple[str, Callable[[FloatArray], bool], str, float, float, bool]] = {
    "some pick, by the outside option": (
        "pick_share.KZ.EU > 0.05 at 2025H2",
        lambda shares: bool(shares[2] > 0.05),
        OUTSIDE,
        -3.0,
        4.0,
        False,
    ),
    "half the picks, by the budget": (
        "alignment.KZ.EU > 0.41 at 2025H2",
        lambda shares: bool(shares[2] > 0.41),
        BUDGET,
        0.5,
        120.0,
        True,
    ),
    "first, by the budget": (
        "alignment.KZ.EU first at 2025H2",
        lambda shares: bool(shares[2] > max(shares[:2]) + 1e-9),
        BUDGET,
        1.0,
        90.0,
        True,
    ),
}


def known(case: str, share: float = 0.5) -> float:
    """Where the probability is the threshold."""
    _, holds, parameter, low, high, _ = NOISY[case]
    found = brentq(
        lambda value: chance(vary(plain(), {parameter: value}), holds) - share, low, high, xtol=1e-9
    )
    return float(found)


@pytest.mark.parametrize("case", NOISY)
def test_a_known_value_lies_in_the_interval(case: str) -> None:
    target, _, parameter, low, high, upwards = NOISY[case]
    wanted = known(case)
    inside, values = 0, []
    for seed in range(1, 11):
        found = tipping(plain(200, seed), target, parameter, low, high, memory=False)
        tip = only(found)
        assert tip["upwards"] == upwards
        assert tip["low"] < tip["value"] < tip["high"]
        inside += tip["low"] <= wanted <= tip["high"]
        values.append(tip["value"])
    assert inside >= 7  # nine are expected
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - wanted) < 4 * error + TOLERANCE * (high - low)


@pytest.mark.parametrize("share", [0.3, 0.55])
def test_the_threshold_may_be_another_share(share: float) -> None:
    case = "half the picks, by the budget"
    target, _, parameter, low, high, _ = NOISY[case]
    found = tipping(plain(4000), target, parameter, low, high, share=share, memory=False)
    tip = only(found)
    assert tip["low"] <= known(case, share) <= tip["high"]
    assert f"than {100 * share:.0f} % of the runs" in found.text()


@pytest.mark.parametrize("case", ["half the picks, by the budget", "some pick, by the outside opt"])
def test_shared_noise_makes_the_curve_monotone(case: str) -> None:
    """A pick that a poor offer wins is not lost by a richer one, under the same noise."""
    (name,) = (name for name in NOISY if name.startswith(case))
    target, _, parameter, low, high, upwards = NOISY[name]
    found = tipping(plain(100), target, parameter, low, high, memory=False)
    steps = np.diff(found.table()["share"])
    assert (steps >= 0).all() if upwards else (steps <= 0).all()
    assert np.abs(steps).max() > 0


# --- the curve ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target", "parameter"),
    [
        ("strategic_balance", "alignment.UZ.EU first at 2029H1", BUDGET),
        ("strategic_balance", "dependence.KZ.RU > 0.4", "rules.appraisal.peer_weight"),
        ("debt_backlash", "signed.CN > 2 at mean", "powers.cn.coercibility"),
        ("gateway_delivers", "credibility.KG.EU > 0.88 since 2028H1", "powers.eu.delivery.energy"),
        ("strategic_balance", "alignment.KZ.RU < 0.3", "rules.choice.target_shares.energy.ru"),
    ],
)
def test_the_curve_is_that_of_ordinary_runs(name: str, target: str, parameter: str) -> None:
    scenario = load("horizon.end=2030H1", "output.chunk=17", name=name, replicates=40)
    found = tipping(scenario, target, parameter, points=4, memory=False)
    asked = read_target(target, scenario)
    table = found.table()
    assert table["value"].is_monotonic_increasing
    assert table["grid"].sum() == 4
    chosen = table[table["grid"]]
    if not table["grid"].all():
        chosen = pd.concat([chosen, table[~table["grid"]].iloc[[0, -1]]])
    for _, row in chosen.iterrows():
        run = sim.run(vary(scenario, {parameter: row["value"]}))
        held = asked.holds(run.data, run.final)
        assert row["share"] == held.mean()
        assert (row["low"], row["high"]) == wilson(int(held.sum()), len(held))
    assert table["share"].nunique() > 1


def test_a_crossing_lies_between_the_values_that_were_tried() -> None:
    target, _, parameter, low, high, _ = NOISY["half the picks, by the budget"]
    found = tipping(plain(), target, parameter, low, high, memory=False)
    table, tip = found.table(), only(found)
    below = table[table["value"] < tip["value"]].iloc[-1]
    above = table[table["value"] > tip["value"]].iloc[0]
    assert below["share"] <= 0.5 < above["share"]
    assert above["value"] - below["value"] <= TOLERANCE * (high - low)
    by_value = table.set_index("value")
    assert by_value.loc[tip["low"], "high"] < 0.5
    assert by_value.loc[tip["high"], "low"] > 0.5
    assert len(table) < POINTS + 40
    assert found.replicates == 400


def test_an_interval_may_be_open() -> None:
    """Few replicates near the end of the range leave it undecided."""
    target, _, parameter, low, _, _ = NOISY["half the picks, by the budget"]
    wanted = known("half the picks, by the budget")
    found = tipping(plain(12, seed=2), target, parameter, low, 1.3 * wanted, memory=False)
    tip = only(found)
    assert np.isnan(tip["high"])
    assert tip["low"] < tip["value"]
    assert f"to beyond {1.3 * wanted:.1f})" in found.text()


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (20, 20), (7, 20), (1, 3), (250, 1000)])
def test_shares_have_intervals_of_wilson(hits: int, count: int) -> None:
    wanted = binomtest(hits, count).proportion_ci(0.9, "wilson")
    np.testing.assert_allclose(wilson(hits, count), (wanted.low, wanted.high), atol=1e-15)


def test_a_table_can_be_changed_without_changing_the_result() -> None:
    found = tipping(load("horizon.end=2026H1"), "budget.EU > 3 at 2025H2", BUDGET, memory=False)
    changed = found.table()
    changed["share"] = 0.0
    assert found.table()["share"].max() == 1


def test_what_was_asked_is_said() -> None:
    scenario = load("horizon.end=2026H1", replicates=8)
    found = tipping(scenario, "budget.EU>3 at 2025H2", BUDGET, memory=False)
    lines = found.text().splitlines()
    assert lines[0] == "budget.EU > 3 at 2025H2 · strategic_balance, 8 paired replicates"
    assert lines[1].startswith("powers.eu.budget from 1.90 to 4.40 USD bn/yr; it rests on ")
    assert "At 3.00 USD bn/yr it tips" in found.text()
    assert sum("100 %" in line for line in lines) >= 4
    same = tipping(scenario, read_target("budget.EU > 3 at 2025H2", scenario), BUDGET, memory=False)
    pd.testing.assert_frame_equal(same.table(), found.table(), check_exact=True)


# --- what does not tip ----------------------------------------------------------------------------


@pytest.mark.parametrize(("threshold", "ends"), [(9, "0 %"), (1, "100 %")])
def test_what_does_not_tip_is_said(threshold: float, ends: str) -> None:
    asked = f"budget.EU > {threshold} at 2025H2"
    found = tipping(load("horizon.end=2026H1"), asked, BUDGET, memory=False)
    assert found.tips.empty
    assert list(found.tips.columns) == ["value", "low", "high", "upwards"]
    assert len(found.table()) == POINTS
    assert found.table()["grid"].all()
    assert (
        f"It does not tip within this range: it comes true in {ends} of the runs at the low end "
        f"and {ends} at the high end; the threshold is 50 %."
    ) in found.text()


def test_a_parameter_without_effect_does_not_tip() -> None:
    scenario = load("horizon.end=2027H1", replicates=20)
    found = tipping(scenario, "alignment.KZ.RU > 0.3", "states.kz.population", memory=False)
    assert found.tips.empty
    assert found.table()["share"].nunique() == 1


# --- equilibria and stored results ----------------------------------------------------------------


def test_equilibria_along_the_parameter_are_looked_for() -> None:
    scenario = load("horizon.end=2026H2", replicates=6)
    asked = ("budget.EU > 3 at 2025H2", "rules.appraisal.peer_weight", 0, 8)
    found = tipping(scenario, *asked, points=3)
    assert found.equilibria is not None
    wanted = sim.equilibria(scenario, "rules.appraisal.peer_weight", 0, 8)
    pd.testing.assert_frame_equal(found.equilibria.table(), wanted.table(), check_exact=True)
    assert found.equilibria.text() in found.text()
    assert not found.equilibria.multiple.empty
    without = tipping(scenario, *asked, points=3, memory=False)
    assert without.equilibria is None
    pd.testing.assert_frame_equal(without.table(), found.table(), check_exact=True)


def test_a_stored_run_and_a_cell_of_a_sweep_are_scenarios(tmp_path: Path) -> None:
    scenario = load("horizon.end=2027H1", "outcomes=[signed]", replicates=20)
    asked = ("alignment.KZ.CN > 0.35", "powers.cn.budget")
    wanted = tipping(scenario, *asked, memory=False)
    run = sim.run(scenario).save(tmp_path / "runs")
    over = {"design": "list", "over": [{"path": "powers.eu.budget", "values": [2.6, 40.0]}]}
    sweep = sim.sweep(scenario, over, folder=tmp_path / "sweeps", workers=1)
    stored = tipping(sim.open_run(run.folder), *asked, memory=False)
    pd.testing.assert_frame_equal(stored.table(), wanted.table(), check_exact=True)
    assert stored.changed == ()
    rich = vary(scenario, {"powers.eu.budget": 40.0})
    cell = tipping(sweep, *asked, cell=1, memory=False)
    other = tipping(rich, *asked, memory=False)
    pd.testing.assert_frame_equal(cell.table(), other.table(), check_exact=True)
    assert not cell.table().equals(wanted.table())
    with pytest.raises(InputError, match="has cells 0 to 1; say which"):
        tipping(sweep, *asked)
    old = replace(run, manifest={**run.manifest, "ledger": "another"})
    changed = tipping(old, *asked, points=2, memory=False)
    assert "Since the run was stored, the evidence ledger has changed." in changed.text()


# --- refusals -------------------------------------------------------------------------------------

TARGET = "budget.EU > 3 at 2025H2"


@pytest.mark.parametrize(
    ("target", "parameter", "options", "message"),
    [
        (TARGET, BUDGET, {"low": 4.0, "high": 3.0}, "low (4) must be below high (3)"),
        (TARGET, BUDGET, {"low": 5.0}, "low (5) must be below high (4.4)"),
        (TARGET, BUDGET, {"high": 1.0}, "low (1.9) must be below high (1)"),
        (TARGET, BUDGET, {"low": math.nan}, "low: must be a finite number, not nan"),
        (TARGET, BUDGET, {"high": math.inf}, "high: must be a finite number, not inf"),
        (TARGET, BUDGET, {"low": -1.0}, "powers.eu.budget.value: must be at least 0, not -1"),
        (TARGET, "powers.eu.war_drain", {}, "is fixed at 0 and has no range; give low and high"),
        (TARGET, OUTSIDE, {}, "rules.choice.outside_option: is fixed at 0 and has no range"),
        (TARGET, "rules.choice.rule", {}, "rules.choice.rule: is not a number"),
        (TARGET, "rules.trade.moving", {"low": 0.0, "high": 1.0}, "moving: is not a number"),
        (TARGET, "powers.eu.bugdet", {}, "unknown key 'bugdet' in 'powers.eu' (nearest valid"),
        (TARGET, "power.eu.budget", {}, "unknown key 'power' (nearest valid name: 'powers')"),
        (TARGET, "powers.eu", {}, "powers.eu: has several keys; set one of them"),
        (TARGET, "powers.eu.delivery", {}, "powers.eu.delivery: has several entries (trade, "),
        (TARGET, "powers.eu.delivery.trad", {}, "(nearest valid name: 'trade')"),
        (TARGET, BUDGET, {"share": 0.0}, "share: must be between 0 and 1, not 0"),
        (TARGET, BUDGET, {"share": 1.0}, "share: must be between 0 and 1, not 1"),
        (TARGET, BUDGET, {"share": -0.5}, "share: must be between 0 and 1, not -0.5"),
        (TARGET, BUDGET, {"share": math.nan}, "share: must be a finite number, not nan"),
        (TARGET, BUDGET, {"points": 1}, "points: must be at least 2, not 1"),
        (TARGET, BUDGET, {"cell": 0}, "cell 0: only a sweep has cells"),
        ("budget.EU at 2025H2", BUDGET, {}, "a test is missing: 'first', '> NUMBER'"),
        ("budgt.EU > 3", BUDGET, {}, "unknown outcome 'budgt' (nearest valid name: 'budget')"),
        ("budget.EUR > 3", BUDGET, {}, "budget has no 'EUR' (nearest valid name: 'EU')"),
        ("budget.EU > 3 at 2026H2", BUDGET, {}, "no half-year '2026H2'"),
        ("polarisation first", BUDGET, {}, "names no power, partner or corridor"),
    ],
)
def test_mistakes_are_refused(
    target: str, parameter: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        tipping(load("horizon.end=2026H1", replicates=2), target, parameter, **options)


def test_equal_ends_are_not_called_a_fixed_parameter() -> None:
    with pytest.raises(InputError, match=r"low \(3\) must be below high \(3\)"):
        tipping(load("horizon.end=2026H1", replicates=2), TARGET, BUDGET, 3.0, 3.0)


def test_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="is neither a run, nor a sweep or scenario"):
        tipping(3, TARGET, BUDGET)  # type: ignore[arg-type]
