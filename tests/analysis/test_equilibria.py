"""Equilibria that are known in closed form, hysteresis, and what whole runs remember."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from support import fixed, trace

import sim
from sim.analysis.equilibria import APART, POINTS, Equilibria, equilibria
from sim.axes import DOMAINS, FloatArray
from sim.calibration import choice_constants
from sim.errors import InputError
from sim.parameters import Parameters
from sim.scenario import Scenario
from sim.vary import vary
from sim.world import World

PEERS, INERTIA = "rules.appraisal.peer_weight", "rules.appraisal.inertia"
OUTSIDE = "rules.choice.outside_option"
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
    "rules.choice.value_scale": math.inf,
}
"""Values at which all terms of utility vanish but the choice constants."""


@cache
def load(*overrides: str, **settings: Any) -> Scenario:
    quiet = ("output.workers=1", "output.progress=false")
    return sim.load_scenario(
        "strategic_balance", *quiet, *overrides, **{"replicates": 8, "seed": 3, **settings}
    )


@cache
def level(states: str = "kz", powers: str = "eu", end: str = "2026H1") -> Scenario:
    """A world in which every utility is nothing but peers and inertia.

    The choice constants are taken back by an institution whose anchors are their opposites.
    """
    scenario = load(
        f"states={states}", f"powers={powers}", f"horizon.end={end}", "uncertainty=none"
    )
    hedging = {f"states.{code}.hedging": 0.0 for code in scenario.states}
    scenario = vary(scenario, {**NULL, **hedging})
    path, constants = "institutions.epca", choice_constants(scenario)
    anchors = {
        code: fixed(
            f"{path}.anchors.{code}",
            "log-odds",
            {domain: -float(alpha) for domain, alpha in zip(DOMAINS, constants[code], strict=True)},
        )
        for code in scenario.powers
    }
    everyone = fixed(f"{path}.members", "share", dict.fromkeys(scenario.states, 1.0))
    agreement = replace(
        scenario.institutions["epca"], members=everyone, anchors=anchors, trade_effect=None
    )
    return replace(scenario, institutions={"epca": agreement})


def pulled(kind: str, pull: float, push: float, **world: str) -> Scenario:
    """One power, picked with P = 1/(1 + exp(-(h + J P))): J is the pull and h the push."""
    return vary(level(**world), {kind: pull, OUTSIDE: -push})


def fixed_points(push: float, pull: float) -> list[float]:
    """All solutions of P = 1/(1 + exp(-(h + J P))), from below."""

    def gap(chance: float) -> float:
        return chance - 1 / (1 + math.exp(-(push + pull * chance)))

    found = []
    for low, high in pairwise(np.linspace(0, 1, 4001).tolist()):
        if gap(low) == 0:
            found.append(low)
        elif gap(low) * gap(high) < 0:
            found.append(float(brentq(gap, low, high, xtol=1e-15)))
    return found


def stable(points: list[float], pull: float) -> list[float]:
    return [p for p in points if pull * p * (1 - p) < 1]


def probability(found: Equilibria, start: str, power: str = "EU") -> FloatArray:
    """Probabilities from a start, by value of the parameter."""
    table = found.table()
    rows = table[(table["start"] == start) & (table["power"] == power)]
    return rows.sort_values("value")["probability"].to_numpy()


# --- known equilibria -----------------------------------------------------------------------------

WORLDS = {
    "one state": (INERTIA, {"states": "kz"}),
    "five states": (PEERS, {"states": "central_asia"}),
}
each_world = pytest.mark.parametrize("world", WORLDS)


@each_world
@pytest.mark.parametrize(("pull", "push"), [(6.0, -3.0), (6.0, -2.8), (9.0, -4.5)])
def test_a_strong_pull_has_two_stable_equilibria(world: str, pull: float, push: float) -> None:
    kind, place = WORLDS[world]
    points = fixed_points(push, pull)
    assert len(points) == 3
    low, high = stable(points, pull)
    found = equilibria(pulled(kind, pull, push, **place))
    assert probability(found, "none") == pytest.approx([low], abs=1e-10)
    assert probability(found, "EU") == pytest.approx([high], abs=1e-10)
    assert (found.table()["equilibria"] == 2).all()
    assert found.table()["rests"].all()
    assert found.multiple["equilibria"].tolist() == [2]
    assert "the choices have up to 2 equilibria" in found.text()
    assert "depends on where picks began" in found.text()


@each_world
@pytest.mark.parametrize(("pull", "push"), [(3.0, -3.0), (3.0, -1.5), (6.0, -4.5), (0.0, 0.7)])
def test_otherwise_there_is_one(world: str, pull: float, push: float) -> None:
    kind, place = WORLDS[world]
    (point,) = fixed_points(push, pull)
    found = equilibria(pulled(kind, pull, push, **place))
    for start in ("none", "EU"):
        assert probability(found, start) == pytest.approx([point], abs=1e-10)
    assert (found.table()["equilibria"] == 1).all()
    assert found.multiple.empty
    assert "the choices have one equilibrium" in found.text()
    assert found.hysteresis() == 0


@pytest.mark.parametrize(("pull", "push", "count"), [(2.0, -1.0, 1), (8.0, -4.0, 4)])
def test_of_equal_powers_each_may_take_all(pull: float, push: float, count: int) -> None:
    """P_p = e^(h + J P_p) / (1 + sum e^(h + J P_q)), iterated by hand from the same starts."""
    scenario = vary(level(powers="three_powers"), {INERTIA: pull, OUTSIDE: -push})
    found = equilibria(scenario)
    powers = scenario.power_codes
    for place, start in enumerate(("none", *powers), start=-1):
        chances = np.array([float(number == place) for number in range(len(powers))])
        for _ in range(5000):
            odds = np.exp(push + pull * chances)
            chances = odds / (1 + odds.sum())
        for power, chance in zip(powers, chances, strict=True):
            assert probability(found, start, power) == pytest.approx([chance], abs=1e-9)
    assert (found.table()["equilibria"] == count).all()


# --- the shipped model ----------------------------------------------------------------------------


@pytest.mark.parametrize("period", ["", "2025H2", "2030H1"])
def test_without_peers_and_inertia_there_is_one(period: str) -> None:
    found = equilibria(vary(load(), {PEERS: 0.0, INERTIA: 0.0}), period=period)
    table = found.table()
    assert (table["equilibria"] == 1).all()
    assert table["rests"].all()
    assert set(table["start"]) == {"none", "RU", "CN", "EU"}
    for power in ("RU", "CN", "EU"):
        assert np.ptp(table[table["power"] == power]["probability"]) < APART
    assert found.period == (period or "2035H1")


def test_without_peers_and_inertia_it_is_the_probability_of_the_half_year() -> None:
    """At central values in mean field, as the run itself has it."""
    scenario = vary(
        load("uncertainty=none", "rules.choice.rule=mean_field"), {PEERS: 0.0, INERTIA: 0.0}
    )
    step = scenario.periods.index("2031H2")
    record = trace(scenario, range(1)).records[step]
    wanted = record.appraisal.probability[:, 1:].mean(axis=(0, 2, 3))
    found = equilibria(scenario, period="2031H2")
    for place, power in enumerate(scenario.power_codes):
        assert probability(found, "none", power) == pytest.approx([wanted[place]], abs=1e-12)


def test_with_strong_peers_it_depends_on_the_start() -> None:
    found = equilibria(vary(load(), {PEERS: 8.0}))
    table = found.table()
    assert (table["equilibria"] >= 3).all()
    assert table["rests"].all()
    for power in ("RU", "CN", "EU"):
        own = probability(found, power, power)[0]
        others = [probability(found, start, power)[0] for start in ("RU", "CN", "EU")]
        assert own == max(others)
        assert own > 1.5 * np.sort(others)[-2]


def test_equilibria_grow_with_the_weight_of_peers() -> None:
    """In the first half-year, of which nothing but the choices depends on them."""
    found = equilibria(load(), PEERS, 0, 8, points=5, period="2025H2")
    counts = found.table().groupby("value")["equilibria"].first()
    assert counts.index.tolist() == [0, 2, 4, 6, 8]
    assert counts.iloc[0] == 1
    assert counts.iloc[-1] > 1
    assert found.multiple["value"].tolist() == counts.index[counts > 1].tolist()
    assert found.hysteresis() >= 0
    alone = equilibria(vary(load(), {PEERS: 8.0}), period="2025H2").table()
    for start in ("none", "RU", "CN", "EU"):
        for power in ("RU", "CN", "EU"):
            last = probability(found, start, power)[-1]
            rows = alone[(alone["start"] == start) & (alone["power"] == power)]
            assert rows["probability"].item() == pytest.approx(last, abs=1e-9)


# --- hysteresis -----------------------------------------------------------------------------------


@each_world
def test_a_strong_pull_makes_a_loop(world: str) -> None:
    """On the way up the outside option loses to habit, on the way down it is the habit."""
    kind, place = WORLDS[world]
    pull, options = 6.0, np.linspace(1.0, 5.0, 17)
    found = equilibria(pulled(kind, pull, 0.0, **place), OUTSIDE, 1.0, 5.0, points=17)
    points = [stable(fixed_points(-option, pull), pull) for option in options]
    assert sum(len(each) == 2 for each in points) >= 3
    np.testing.assert_allclose(probability(found, "up"), [p[-1] for p in points], atol=1e-9)
    np.testing.assert_allclose(probability(found, "down"), [p[0] for p in points], atol=1e-9)
    np.testing.assert_allclose(probability(found, "none"), [p[0] for p in points], atol=1e-9)
    np.testing.assert_allclose(probability(found, "EU"), [p[-1] for p in points], atol=1e-9)
    loop = max(each[-1] - each[0] for each in points)
    assert found.hysteresis() == pytest.approx(loop, abs=1e-9)
    assert found.hysteresis() > 0.5
    counts = found.table().groupby("value")["equilibria"].first()
    assert counts.tolist() == [len(each) for each in points]
    assert found.multiple["value"].tolist() == [
        option for option, each in zip(options, points, strict=True) if len(each) == 2
    ]
    assert f"differs by up to {100 * loop:.1f} percentage points (hysteresis)." in found.text()


@each_world
def test_a_weak_pull_makes_none(world: str) -> None:
    kind, place = WORLDS[world]
    found = equilibria(pulled(kind, 2.0, 0.0, **place), OUTSIDE, -2.0, 4.0)
    options = np.linspace(-2, 4, POINTS)
    points = [fixed_points(-option, 2.0) for option in options]
    for start in ("none", "EU", "up", "down"):
        np.testing.assert_allclose(probability(found, start), np.ravel(points), atol=1e-9)
    assert found.hysteresis() < 1e-9
    assert found.multiple.empty


def test_a_parameter_moves_over_its_evidence() -> None:
    scenario = load()
    spec = scenario.rules.appraisal.inertia
    found = equilibria(scenario, INERTIA)
    values = sorted(set(found.table()["value"]))
    np.testing.assert_array_equal(values, np.linspace(spec.low[0], spec.high[0], POINTS))
    assert found.unit == "log-odds"
    assert found.parameter == INERTIA
    nothing = equilibria(scenario)
    assert nothing.table()["value"].isna().all()
    assert (nothing.parameter, nothing.unit) == ("", "")


# --- memory ---------------------------------------------------------------------------------------

PAIRS = [("none", "RU"), ("none", "CN"), ("none", "EU"), ("RU", "CN"), ("RU", "EU"), ("CN", "EU")]


def ends(scenario: Scenario) -> dict[str, FloatArray]:
    """Alignment at the end by what was picked before the run, (state, power, replicate)."""
    found = {}
    for place, start in enumerate(("none", *scenario.power_codes), start=-1):

        def begin(
            parameters: Parameters, world: World, place: int = place
        ) -> tuple[Parameters, World]:
            picks = np.zeros_like(world.last_pick)
            if place >= 0:
                picks[:, place] = 1.0
            return parameters, replace(world, last_pick=picks)

        run = trace(scenario, range(scenario.replicates), prepare=begin)
        weights = run.parameters.dependence_weights
        last = run.records[-round(3 / scenario.horizon.step) :]
        shares = [(weights * record.contracts.pick).sum(axis=2) for record in last]
        found[start] = np.mean(shares, axis=0)
    return found


@pytest.mark.parametrize(
    "changes",
    [{}, {PEERS: 4.0, INERTIA: 4.0}, {INERTIA: 6.0, "rules.learning.evidence_weight": 0.0}],
    ids=["shipped", "strong", "inertia"],
)
def test_memory_is_the_difference_of_whole_runs(changes: Mapping[str, float]) -> None:
    scenario = vary(load("horizon.end=2030H1", "output.chunk=3"), changes)
    last = ends(scenario)
    memory = equilibria(scenario).memory
    assert list(zip(memory["start"], memory["other"], strict=True)) == PAIRS
    nothing = last["none"]
    apart = [np.abs(nothing[..., n] - nothing[..., n - 1]).max() for n in range(nothing.shape[-1])]
    for _, row in memory.iterrows():
        gap = np.abs(last[row["start"]] - last[row["other"]]).max(axis=(0, 1))
        assert row["distance"] == pytest.approx(gap.mean(), rel=1e-12)
        assert row["differ"] == pytest.approx((gap > 1e-12).mean())
        assert row["of_unrelated"] == pytest.approx(gap.mean() / np.mean(apart), rel=1e-12)
    assert memory["differ"].max() > 0.5


@pytest.mark.parametrize("end", ["2026H1", "2035H2"])
def test_without_peers_and_inertia_nothing_is_remembered(end: str) -> None:
    """Money left over, beliefs and ties carry history too, and all of it begins the same."""
    scenario = vary(load(f"horizon.end={end}", replicates=40), {PEERS: 0.0, INERTIA: 0.0})
    found = equilibria(scenario)
    assert (found.memory[["differ", "distance", "of_unrelated"]] == 0).all(axis=None)
    assert found.replicates == 40
    assert "differ at the end" in found.text()


def test_more_inertia_is_remembered_longer() -> None:
    distances = [
        equilibria(vary(load(replicates=30), {INERTIA: weight})).memory["distance"].mean()
        for weight in (0.0, 3.0, 6.0)
    ]
    assert distances == sorted(distances)
    assert distances[2] > 2 * distances[0]


def test_one_replicate_has_no_unrelated_one() -> None:
    found = equilibria(load("horizon.end=2027H1", replicates=1))
    assert found.memory["of_unrelated"].isna().all()
    assert found.memory["differ"].isin([0, 1]).all()
    assert found.text().count("–") >= len(PAIRS)


# --- stored results and refusals ------------------------------------------------------------------


def test_a_stored_run_and_a_cell_of_a_sweep_are_scenarios(tmp_path: Path) -> None:
    scenario = load("horizon.end=2027H1", "outcomes=[signed]")
    wanted = equilibria(vary(scenario, {PEERS: 7.0}))
    over = {"design": "list", "over": [{"path": PEERS, "values": [0.5, 7.0]}]}
    sweep = sim.sweep(scenario, over, folder=tmp_path / "sweeps", workers=1)
    run = sim.run(vary(scenario, {PEERS: 7.0})).save(tmp_path / "runs")
    for found in (equilibria(sweep, cell=1), equilibria(sim.open_run(run.folder))):
        pd.testing.assert_frame_equal(found.table(), wanted.table(), check_exact=True)
        pd.testing.assert_frame_equal(found.memory, wanted.memory, check_exact=True)
    assert not equilibria(sweep, cell=0).table().equals(wanted.table())
    with pytest.raises(InputError, match="has cells 0 to 1; say which"):
        equilibria(sweep)


def test_a_table_can_be_changed_without_changing_the_result() -> None:
    found = equilibria(load("horizon.end=2026H2"))
    changed = found.table()
    changed["probability"] = 0.0
    assert found.table()["probability"].min() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"period": "2036H1"}, "period: no '2036H1' in strategic_balance (nearest valid name: '20"),
        ({"period": "end"}, "period: no 'end' in strategic_balance"),
        ({"parameter": "rules.appraisal.peer_wight"}, "(nearest valid name: 'peer_weight')"),
        ({"parameter": "rules.choice.rule"}, "rules.choice.rule: is not a number"),
        ({"parameter": OUTSIDE}, f"{OUTSIDE}: is fixed at 0 and has no range"),
        ({"parameter": OUTSIDE, "low": 2.0, "high": 1.0}, "low (2) must be below high (1)"),
        ({"parameter": PEERS, "low": 3.0}, "low (3) must be below high (2)"),
        ({"parameter": PEERS, "low": -1.0}, f"{PEERS}.value: must be at least 0, not -1"),
        ({"parameter": PEERS, "high": math.inf}, "high: must be a finite number"),
        ({"parameter": PEERS, "points": 1}, "points: must be at least 2, not 1"),
        ({"cell": 0}, "cell 0: only a sweep has cells"),
    ],
)
def test_mistakes_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        equilibria(load(replicates=1), **arguments)
