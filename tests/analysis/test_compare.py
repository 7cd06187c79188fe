"""Paired comparison: differences by hand, what is refused, and a difference known beforehand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from support import ending

import sim
from sim import Run
from sim.analysis.compare import COMPARED, Comparison, baseline_of, compare, interval
from sim.analysis.expectations import findings
from sim.analysis.words import number
from sim.axes import DOMAINS, FloatArray
from sim.calibration import choice_constants
from sim.errors import InputError
from sim.outcomes import OUTCOMES
from sim.scenario import Scenario, When
from sim.vary import vary

SCENARIOS = tuple(sim.list_scenarios())
BASELINE = "strategic_balance"
NUMBERS = ["difference", "low", "high", "p05", "median", "p95"]
KEPT = "outcomes=[alignment,dependence,signed,influence]"


@cache
def load(name: str = BASELINE, *overrides: str, **settings: Any) -> Scenario:
    quiet = ("output.workers=1", "output.progress=false")
    return sim.load_scenario(name, *quiet, *overrides, **{"replicates": 30, "seed": 5, **settings})


@cache
def results(name: str = BASELINE, *overrides: str, **settings: Any) -> Run:
    return sim.run(load(name, *overrides, **settings))


def same(found: Comparison, wanted: Comparison) -> None:
    """Fail unless two comparisons say the same, bit for bit."""
    pd.testing.assert_frame_equal(found.table(), wanted.table(), check_exact=True)
    assert found.replicates == wanted.replicates


# --- nothing and its opposite ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [BASELINE, "five_suitors", "one_voice", "southern_fire"])
def test_a_scenario_does_not_differ_from_itself(name: str) -> None:
    found = compare(load(name, replicates=12), results(name, replicates=12))
    assert found.identical
    table = found.table()
    assert set(table["outcome"]) == set(COMPARED)
    assert (table[NUMBERS] == 0).all(axis=None)
    assert (table[["equal", "same_sign"]] == 1).all(axis=None)
    assert (table["first"] == table["second"]).all()
    assert (table["pairs"] == 12).all()
    assert (table["variance_factor"].isna() | np.isinf(table["variance_factor"])).all()
    assert "No replicate differs in anything." in found.text()


def test_what_differs_in_one_replicate_of_one_measure_is_not_identical() -> None:
    run = results()
    data = run.data.copy(deep=True)
    data["alignment"][-1, 0, 0, 3] += 1e-6
    found = compare(replace(run, data=data), run)
    assert not found.identical
    table = found.table()
    assert (table["equal"] < 1).sum() == 1
    (row,) = (row for _, row in table.iterrows() if row["equal"] < 1)
    assert row["equal"] == pytest.approx(29 / 30)
    assert row["p05"] == row["median"] == 0 < row["difference"]


@pytest.mark.parametrize("name", ["gateway_delivers", "five_suitors"])
def test_swapping_the_two_turns_the_signs(name: str) -> None:
    one, two = results(name), results()
    there, back = compare(one, two).table(), compare(two, one).table()
    assert (there["difference"] != 0).any()
    for key, other in (("difference",) * 2, ("median",) * 2, ("low", "high"), ("high", "low")):
        np.testing.assert_array_equal(there[key], -back[other])
    np.testing.assert_allclose(there["p05"], -back["p95"], rtol=1e-12, atol=1e-15)
    for key, other in (("first", "second"), ("second", "first")):
        np.testing.assert_array_equal(there[key], back[other])
    for key in ("same_sign", "equal", "variance_factor", "pairs"):
        np.testing.assert_array_equal(there[key], back[key])


# --- against the baseline -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "overrides", "settings"),
    [
        ("gateway_delivers", (), {}),
        ("five_suitors", (), {"replicates": 11}),
        (BASELINE, ("powers.eu.budget.value=4",), {"seed": 8}),
        ("second_wind", ("horizon.end=2029H2",), {"replicates": 9}),
        ("norms_bite", ("uncertainty=none",), {"replicates": 9}),
        ("hollow_partner", ("states=kz",), {"replicates": 9}),
        ("hollow_partner", (KEPT,), {"replicates": 9}),
    ],
)
def test_without_a_second_it_is_the_shipped_baseline(
    name: str, overrides: tuple[str, ...], settings: Mapping[str, Any]
) -> None:
    """With the same seed, horizon, uncertainty and replicates."""
    scenario = load(name, *overrides, **settings)
    shared = tuple(text for text in overrides if not text.startswith("powers"))
    baseline = sim.run(load(BASELINE, *shared, **settings))
    found = compare(scenario)
    same(found, compare(sim.run(scenario), baseline))
    assert not found.identical
    assert (found.first, found.second) == (name, BASELINE)


def test_the_baseline_compared_with_its_baseline_is_the_same() -> None:
    assert compare(load(replicates=4)).identical
    assert baseline_of(load(replicates=4)).replicates == 4


def test_powers_of_the_baseline_are_the_shipped_ones() -> None:
    """Whichever states take part: the newcomers are what the scenario is about."""
    assert list(baseline_of(load("five_suitors")).powers) == ["ru", "cn", "eu"]
    alone = baseline_of(load("five_suitors", "states=kz"))
    assert list(alone.states) == ["kz"]
    assert list(alone.powers) == ["ru", "cn", "eu"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_common_random_numbers_cut_the_variance(name: str) -> None:
    found = compare(load(name), results())
    factors = found.table()["variance_factor"]
    assert len(factors) == found.table()["measure"].nunique()
    assert (factors.isna() | (factors > 0)).all()
    assert found.variance_factor() == factors.median()
    assert found.variance_factor() > 1
    if name != BASELINE:
        assert np.isfinite(factors).mean() > 0.9
        assert f"by a factor of {number(found.variance_factor(), 2)}" in found.text()


# --- by hand --------------------------------------------------------------------------------------


def row_of(found: Comparison, measure: str) -> dict[str, Any]:
    (row,) = (row for _, row in found.table().iterrows() if row["measure"] == measure)
    return dict(row)


def by_hand(one: FloatArray, two: FloatArray) -> dict[str, float]:
    gaps = [float(a - b) for a, b in zip(one, two, strict=True)]
    count = len(gaps)
    mean = math.fsum(gaps) / count
    spread = math.sqrt(math.fsum((gap - mean) ** 2 for gap in gaps) / (count - 1))
    half = float(t.ppf(0.95, count - 1)) * spread / math.sqrt(count)
    signs = [(gap > 0) - (gap < 0) for gap in gaps]
    unpaired = np.var(one, ddof=1) + np.var(two, ddof=1)
    return {
        "first": float(np.mean(one)),
        "second": float(np.mean(two)),
        "difference": mean,
        "low": mean - half,
        "high": mean + half,
        "p05": float(np.percentile(gaps, 5)),
        "median": float(np.median(gaps)),
        "p95": float(np.percentile(gaps, 95)),
        "same_sign": signs.count((mean > 0) - (mean < 0)) / count,
        "equal": gaps.count(0.0) / count,
        "variance_factor": unpaired / spread**2,
        "pairs": count,
    }


Look = Callable[[Run], FloatArray]
LOOKS: dict[str, Look] = {
    "alignment.UZ.EU": lambda r: r.data["alignment"].sel(state="UZ", power="EU")[-1].values,
    "alignment.UZ.EU at 2027H2": lambda r: (
        r.data["alignment"].sel(state="UZ", power="EU", period="2027H2").values
    ),
    "dependence.KZ.RU": lambda r: r.final["dependence"].sel(state="KZ", power="RU").values,
    "signed.EU at mean": lambda r: (
        r.data["signed"].sel(power="EU").sum("state").mean("period").values
    ),
    "pick_share.TJ.EU at 2025H2": lambda r: (
        r.data["pick_share"].sel(state="TJ", power="EU")[0].values
    ),
    "polarisation since 2030H1": lambda r: r.data["polarisation"][9:].mean("period").values,
    "trade.KG.ROW": lambda r: r.final["trade"].sel(state="KG", partner="ROW").values,
    "route_share.M at 2031H1": lambda r: r.data["route_share"].sel(corridor="M")[11].values,
}


@pytest.mark.parametrize("measure", LOOKS)
def test_a_row_is_what_comes_out_by_hand(measure: str) -> None:
    one, two = results("gateway_delivers"), results()
    found = row_of(compare(one, two, [measure]), measure)
    wanted = by_hand(LOOKS[measure](one), LOOKS[measure](two))
    name = measure.split(".")[0].split(" ")[0]
    assert found["outcome"] == name
    assert found["unit"] == OUTCOMES[name].unit
    for key, value in wanted.items():
        assert found[key] == pytest.approx(value, rel=1e-9, abs=1e-15), key


def test_an_outcome_stands_for_all_its_entries() -> None:
    one, two = results("gateway_delivers"), results()
    found = compare(one, two, ["alignment", "influence"], when="2030H1").table()
    states, powers = two.scenario.state_codes, two.scenario.power_codes
    wanted = [f"alignment.{s}.{p} at 2030H1" for s in states for p in powers]
    assert list(found["measure"]) == [*wanted, *(f"influence.{p} at 2030H1" for p in powers)]
    same(compare(one, two, list(found["measure"])), compare(one, two, ["alignment", "influence"],
         when="2030H1"))  # fmt: skip
    mean = compare(one, two, ["influence"], when="mean").table()
    assert list(mean["measure"]) == [f"influence.{p} at mean" for p in powers]
    assert not np.array_equal(mean["difference"], found["difference"][15:])


def test_a_table_can_be_changed_without_changing_the_comparison() -> None:
    found = compare(results("gateway_delivers"), results())
    changed = found.table()
    changed["difference"] = 0.0
    assert found.table()["difference"].abs().sum() > 0


@pytest.mark.parametrize("name", ["gateway_delivers", "customs_pull"])
def test_expectations_see_the_same_differences(name: str) -> None:
    one, two = results(name), results()
    for found in findings(one.scenario, one.data, two.data):
        asked = found.expected
        if asked.when is When.END:
            continue  # the last half-year there, the end of the run here
        path = ".".join([asked.outcome, *asked.select.values()])
        measure = f"{path} {f'since {asked.since}' if asked.since else 'at mean'}"
        row = row_of(compare(one, two, [measure]), measure)
        assert (row["p05"], row["median"], row["p95"]) == (found.low, found.median, found.high)


def test_interval_is_that_of_student() -> None:
    sample = np.array([1.0, 2.0, 4.0, 8.0])
    half = 2.3533634348018264 * sample.std(ddof=1) / 2  # t of 3 degrees at 95 %
    assert interval(sample) == pytest.approx((3.75 - half, 3.75 + half))
    wide = interval(sample, 0.99)
    assert wide[0] < 3.75 - half
    assert wide[1] > 3.75 + half
    assert interval(np.full(5, 0.25)) == (0.25, 0.25)
    assert np.isnan(interval(np.array([1.0]))).all()


def test_one_replicate_has_a_difference_and_no_interval() -> None:
    found = compare(load("gateway_delivers", replicates=1))
    table = found.table()
    assert table[["low", "high"]].isna().all(axis=None)
    assert (table["difference"] == table["first"] - table["second"]).all()
    assert (table["p05"] == table["p95"]).all()
    assert "– to –" in found.text()


def test_pairs_that_all_differ_alike_have_an_infinite_factor() -> None:
    """Budgets without growth: the same sum more in every replicate."""
    changes = {"powers.eu.budget": 2.0, "powers.eu.budget_growth": 0.0}
    one = vary(load(BASELINE, "outcomes=[budget]", replicates=8), changes)
    two = vary(one, {"powers.eu.budget": 1.5})
    row = row_of(compare(one, two, ["budget"]), "budget.EU")
    assert row["difference"] == row["low"] == row["high"] == row["p95"] == 0.5
    assert (row["same_sign"], row["equal"]) == (1, 0)
    assert np.isnan(row["variance_factor"])  # neither varies
    drawn = load(BASELINE, "outcomes=[budget]", replicates=8)
    assert row_of(compare(drawn, drawn, ["budget"]), "budget.EU")["variance_factor"] == np.inf


def test_text_shows_the_numbers_of_the_table() -> None:
    found = compare(results("rails_first"), results(), ["influence"])
    text = found.text()
    assert text.startswith(f"{found.first} less {found.second}: 30 pairs of replicates")
    lines = [line for line in text.splitlines() if line.startswith("influence.")]
    order = found.table().set_index("measure")["difference"].abs().sort_values(ascending=False)
    assert [line.split(",")[0] for line in lines] == list(order.index)
    row = row_of(found, "influence.CN")
    (line,) = (line for line in lines if "CN" in line)
    for words in (
        f"{row['first']:.3f}",
        f"{row['second']:.3f}",
        f"+{row['difference']:.2g}",
        f"{100 * row['same_sign']:.0f} %",
    ):
        assert words in line


# --- what can be compared -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "what", "here", "there"),
    [
        (lambda: load(seed=6), "seed", "5", "6"),
        (lambda: load(BASELINE, "uncertainty=none"), "uncertainty", "evidence", "none"),
        (lambda: ending(load(), "2030H1"), "horizon", "2035H2", "2030H1"),
        (lambda: load(BASELINE, "horizon.start=2026H2"), "horizon", "2025H2", "2026H2"),
        (lambda: ending(load(), "2035H2", 0.25), "horizon", "0.5", "0.25"),
    ],
    ids=["seed", "uncertainty", "end", "start", "step"],
)
def test_runs_that_are_no_pairs_are_refused(
    other: Callable[[], Scenario], what: str, here: str, there: str
) -> None:
    with pytest.raises(InputError, match=f"cannot be paired: {what} is ") as caught:
        compare(load("gateway_delivers"), other())
    said = str(caught.value).split(f"{what} is ")[1]
    first, second = said.split(" in one and ")
    assert here in first
    assert there in second
    assert first != second.removesuffix(" in the other")
    assert "gateway_delivers" in str(caught.value)


@pytest.mark.parametrize(("one", "two"), [(30, 12), (12, 30)])
def test_of_different_numbers_of_replicates_the_common_ones_count(one: int, two: int) -> None:
    found = compare(results("gateway_delivers", replicates=one), results(replicates=two))
    wanted = compare(results("gateway_delivers", replicates=12), results(replicates=12))
    assert found.replicates == 12
    same(found, wanted)


def test_of_different_outcomes_the_common_ones_are_compared() -> None:
    one = results("gateway_delivers", "outcomes=[alignment,trade,dependence]")
    two = results(BASELINE, "outcomes=[dependence,alignment,influence]")
    found = compare(one, two)
    assert set(found.table()["outcome"]) == {"alignment", "dependence"}
    whole = compare(results("gateway_delivers"), results()).table()
    kept = whole[whole["outcome"].isin(["alignment", "dependence"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.table(), kept, check_exact=True)
    for name, run in (("influence", one), ("trade", two)):
        with pytest.raises(InputError, match=f"outcome '{name}' was not kept by {run.name}"):
            compare(one, two, [name])
    with pytest.raises(InputError, match="outcome 'influence' was not kept"):
        compare(one, two, ["influence.EU"])


def test_states_and_powers_that_both_have_are_compared() -> None:
    one, two = results("five_suitors"), results()
    found = compare(one, two).table()
    assert not any(".US" in name or ".TR" in name for name in found["measure"])
    assert {"influence.EU", "alignment.TM.CN"} <= set(found["measure"])
    few = compare(results(BASELINE, "states=kz"), two, ["alignment"]).table()
    assert list(few["measure"]) == [f"alignment.KZ.{p}" for p in ("RU", "CN", "EU")]
    assert list(compare(two, results(BASELINE, "states=kz"), ["alignment"]).table()["measure"]) == (
        list(few["measure"])
    )


def test_an_entry_that_only_one_has_is_refused_when_named() -> None:
    one, two = results("five_suitors"), results()
    for pair in ((one, two), (two, one)):
        with pytest.raises(InputError, match=r"alignment.* no .*'TR'"):
            compare(*pair, ["alignment.UZ.TR"])


def test_worlds_without_a_common_state_share_no_alignment() -> None:
    with pytest.raises(InputError, match="no state or power in common"):
        compare(results(BASELINE, "states=kz"), results(BASELINE, "states=uz"), ["alignment"])


@pytest.mark.parametrize(
    ("outcomes", "when", "message"),
    [
        (["alignmnt"], "end", "unknown outcome 'alignmnt' (nearest valid name: 'alignment')"),
        (["alignment.UX.EU"], "end", "alignment has no 'UX' (nearest valid name:"),
        (["alignment"], "2039H1", "no half-year '2039H1' (nearest valid name: '203"),
        (["alignment.UZ.EU at 2039H1"], "end", "no half-year '2039H1'"),
        (["alignment.UZ.EU > 0.2"], "end", "a number is wanted here, without '>'"),
        (["alignment.UZ.EU first"], "end", "a number is wanted here, without 'first'"),
        (["pick"], "end", "'pick' numbers options and has no size"),
    ],
)
def test_mistakes_in_outcomes(outcomes: list[str], when: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        compare(results("gateway_delivers"), results(), outcomes, when=when)


def test_a_run_saved_and_opened_again_is_the_run(tmp_path: Path) -> None:
    one = results("gateway_delivers", KEPT).save(tmp_path)
    two = results(BASELINE, KEPT).save(tmp_path)
    found = compare(sim.open_run(one.folder), sim.open_run(two.folder))
    same(found, compare(results("gateway_delivers", KEPT), results(BASELINE, KEPT)))
    assert found.notes == ()
    same(compare(sim.open_run(one.folder)), found)
    assert compare(sim.open_run(two.folder), two).identical


def test_what_has_changed_since_a_run_was_stored_is_said() -> None:
    run = results("gateway_delivers", KEPT)
    versions = {**run.manifest["versions"], "numpy": "0.1"}
    old = replace(run, manifest={**run.manifest, "code": "other", "versions": versions})
    found = compare(old, results(BASELINE, KEPT))
    (note,) = found.notes
    assert note.startswith(f"Since {old.name} was stored, the code has changed and numpy was 0.1")
    assert note in found.text()
    same(found, compare(run, results(BASELINE, KEPT)))


@pytest.mark.parametrize("keep", ["summary", "trajectories"])
def test_cells_of_a_sweep_are_runs(tmp_path: Path, keep: str) -> None:
    budgets = [2.0, 4.0]
    over = {"design": "list", "over": [{"path": "powers.eu.budget", "values": budgets}]}
    sweep = sim.sweep(load(BASELINE, KEPT), over, folder=tmp_path, workers=1, keep=keep)
    one, two = (results(BASELINE, KEPT, f"powers.eu.budget.value={budget!r}") for budget in budgets)
    found = compare(sweep, sweep, cells=(1, 0))
    same(found, compare(two, one))
    assert not found.identical
    assert found.first == f"{sweep.manifest['name']}, cell 1"
    assert compare(sweep, sweep, cells=(1, 1)).identical
    same(compare(sweep, one, cells=(1, None)), compare(two, one))
    same(compare(sweep, cells=(0, None)), compare(one))
    with pytest.raises(InputError, match="has cells 0 to 1; say which"):
        compare(sweep, sweep)
    with pytest.raises(InputError, match="no cell 2, only 0 to 1"):
        compare(sweep, sweep, cells=(2, 0))
    with pytest.raises(InputError, match="cell 0: only a sweep has cells"):
        compare(one, sweep, cells=(0, 1))


def test_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="'a run' is neither a run, nor a sweep or scenario"):
        compare("a run")  # type: ignore[arg-type]


# --- a difference known in closed form ------------------------------------------------------------

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
CHANGES = {
    "outside option": {"rules.choice.outside_option": 0.6},
    "budget": {"powers.eu.budget": 6.5},
    "value scale": {"rules.choice.value_scale": 2.0},
    "precision": {"rules.choice.precision": 1.6},
}
SHARE = "pick_share.KZ.EU at 2025H2"
CHANCE = "pick_probability.KZ.EU at 2025H2"


@cache
def plain(states: str) -> Scenario:
    """One half-year at central values in which only what is offered, and alpha, bears on picks."""
    scenario = load(
        BASELINE,
        "horizon.end=2026H1",
        "uncertainty=none",
        f"states={states}",
        "outcomes=[pick_share,pick_probability]",
    )
    hedging = {f"states.{code}.hedging": 0.0 for code in scenario.states}
    return replace(vary(scenario, {**NULL, **hedging}), institutions={})


def probabilities(scenario: Scenario, state: str) -> FloatArray:
    """E3-E6, E16 by hand for the first half-year: (domain, option), "none" first."""
    constants, rules = choice_constants(scenario), scenario.rules
    shipped = scenario
    while shipped.baseline is not None:
        shipped = shipped.baseline
    whole = sum(math.sqrt(spec.gdp.of()) for spec in shipped.states.values())
    spec = scenario.states[state]
    needs = [spec.domain_weights.of(domain) for domain in DOMAINS]
    rows = []
    for place, domain in enumerate(DOMAINS):
        utility = [rules.choice.outside_option.of()]
        for code, power in scenario.powers.items():
            share = power.domain_shares.of(domain) * math.sqrt(spec.gdp.of()) / whole
            value = 100 * share * power.budget.of() * 0.5 / spec.gdp.of()
            believed = power.delivery.of(domain) * value / rules.choice.value_scale.of()
            need = needs[place] / (sum(needs) / len(needs))
            utility.append(need * math.log(1 + believed) + constants[code][place])
        odds = [math.exp(rules.choice.precision.of() * u) for u in utility]
        rows.append([weight / sum(odds) for weight in odds])
    return np.array(rows)


def expected_share(scenario: Scenario) -> float:
    """Expected share of the EU in the picks of Kazakhstan."""
    weights = [scenario.rules.dependence.weights.of(domain) for domain in DOMAINS]
    chances = probabilities(scenario, "kz")[:, -1]
    return math.fsum(w * p for w, p in zip(weights, chances, strict=True))


@pytest.mark.parametrize(
    ("change", "states"),
    [*((change, "kz") for change in CHANGES), ("outside option", "central_asia")],
)
def test_a_known_difference_is_recovered(change: str, states: str) -> None:
    first = vary(plain(states), CHANGES[change])
    wanted = expected_share(first) - expected_share(plain(states))
    assert abs(wanted) > 0.005
    inside, differences, errors = 0, [], []
    for seed in range(1, 11):
        settings = {"seed": seed, "replicates": 400}
        found = compare(
            replace(first, **settings), replace(plain(states), **settings), [SHARE, CHANCE]
        )
        drawn, exact = row_of(found, SHARE), row_of(found, CHANCE)
        assert exact["difference"] == pytest.approx(wanted, abs=1e-12)
        assert exact["p05"] == pytest.approx(wanted, abs=1e-12)
        assert exact["p95"] == pytest.approx(wanted, abs=1e-12)
        inside += drawn["low"] <= wanted <= drawn["high"]
        differences.append(drawn["difference"])
        errors.append((drawn["high"] - drawn["low"]) / 2 / t.ppf(0.95, 399))
    assert inside >= 7  # nine are expected
    error = math.sqrt(math.fsum(e * e for e in errors)) / len(errors)
    assert abs(np.mean(differences) - wanted) < 4 * error


def part_of(run: Run, first: int, count: int) -> Run:
    """Run of some of its replicates."""
    inside = slice(first, first + count)
    data = run.data.isel(replicate=inside)
    final = run.final.isel(replicate=inside, missing_dims="ignore")
    return replace(run, scenario=replace(run.scenario, replicates=count), data=data, final=final)


@pytest.mark.parametrize("change", ["budget", "outside option"])
def test_the_intervals_hold_as_often_as_they_say(change: str) -> None:
    """Nine of ten, over a hundred samples."""
    first = replace(vary(plain("kz"), CHANGES[change]), replicates=20_000)
    wanted = expected_share(first) - expected_share(plain("kz"))
    one, two = (sim.run(scenario) for scenario in (first, replace(plain("kz"), replicates=20_000)))
    inside = 0
    for start in range(0, 20_000, 200):
        parts = (part_of(run, start, 200) for run in (one, two))
        row = row_of(compare(*parts, [SHARE]), SHARE)
        inside += row["low"] <= wanted <= row["high"]
    assert 81 <= inside <= 99  # ninety are expected, within three standard errors


def test_noise_shared_makes_a_known_difference_surer() -> None:
    """The factor is measured against runs that share nothing."""
    first = replace(vary(plain("kz"), CHANGES["budget"]), replicates=2000)
    two = replace(plain("kz"), replicates=2000)
    paired = row_of(compare(first, two, [SHARE]), SHARE)
    one, other = (
        sim.run(scenario).data["pick_share"].sel(state="KZ", power="EU")[0].to_numpy()
        for scenario in (first, replace(two, seed=77))
    )
    unpaired = float(np.var(one - other))
    gap = (paired["high"] - paired["low"]) / 2 / t.ppf(0.95, 1999)
    assert paired["variance_factor"] > 2
    assert unpaired / (gap**2 * 2000) == pytest.approx(paired["variance_factor"], rel=0.15)
