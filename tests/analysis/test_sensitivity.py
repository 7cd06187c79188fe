"""Sensitivity over the evidence finds what is known to matter, and nothing else."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import triang
from support import outcomes, same_bits

import sim
from sim.analysis.saltelli import indices
from sim.analysis.sensitivity import CHANCE, EVIDENCE, THEORY, Sensitivity
from sim.axes import FloatArray
from sim.columns import CHUNK, Points
from sim.draws import BLOCK
from sim.errors import InputError
from sim.evidence import Ledger, load_ledger
from sim.provenance import citations, provenance
from sim.quantity import Quantity
from sim.scenario import Scenario
from sim.sweep import Sobol, Sweep
from sim.vary import vary

BUDGET, GROWTH = "powers.eu.budget", "powers.eu.budget_growth"
IDLE = "rules.documents.weight"
"""Weighs documents, of which none is signed unless their mechanism is on: has no effect."""
BUDGETS = (BUDGET, "powers.cn.budget", "powers.ru.budget")
ASKED = "budget.EU at mean"
INDICES = ["first", "first_interval", "total", "total_interval"]


@lru_cache(maxsize=8)
def small(*overrides: str, name: str = "strategic_balance", replicates: int = 2) -> Scenario:
    """Two half-years."""
    found = sim.load_scenario(name, "horizon.end=2026H2", *overrides, replicates=replicates)
    return replace(found, output=replace(found.output, progress=False))


@lru_cache(maxsize=1)
def ledger() -> Ledger:
    return load_ledger()


def drawing(scenario: Scenario, *paths: str) -> Scenario:
    """Scenario that draws some of its numbers only, all others at their central value."""

    def held(node: Any) -> Any:
        if isinstance(node, Quantity):
            kept = {entry for entry in node.entries if node.name(entry) in paths}
            return replace(node, user_set=frozenset(node.entries) - kept)
        if isinstance(node, Mapping):
            return {key: held(part) for key, part in node.items()}
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            parts = {f.name: getattr(node, f.name) for f in dataclasses.fields(node)}
            moved = {k: held(v) for k, v in parts.items() if k not in ("baseline", "story")}
            return replace(node, **moved)
        return node

    found: Scenario = held(scenario)
    return found


def by_factor(found: Sensitivity) -> pd.DataFrame:
    return found.table().set_index("factor")


# --- known answers --------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def of_everything() -> Sensitivity:
    """Every drawn number of the baseline as a factor."""
    return sim.sensitivity(small(), ASKED, samples=8, split_samples=256)


def test_what_sets_a_budget_is_found_among_hundreds_of_numbers() -> None:
    found = of_everything()
    names = Points(small()).names
    assert len(names) > 300
    assert set(found.ranking["factor"]) == {*names, CHANCE}
    assert list(found.ranking["factor"][:2]) == [BUDGET, GROWTH]
    assert found.runs == 8 * (len(names) + 1 + 2)
    rows = by_factor(found)
    others = rows.drop(index=[BUDGET, GROWTH])[INDICES]
    assert (others == 0).all(axis=None)
    assert rows.loc[BUDGET, "total"] > 0.9
    assert 0 < rows.loc[GROWTH, "total"] < 0.01
    split = found.split.set_index("factor")
    assert list(split.index) == [EVIDENCE, CHANCE]
    assert (split.loc[CHANCE] == 0).all()
    assert split.loc[EVIDENCE, "total"] == pytest.approx(1, abs=0.1)
    assert list(rows["kind"].unique()) == [EVIDENCE, CHANCE]


def exact(scenario: Scenario) -> tuple[dict[str, FloatArray], float, float]:
    """Indices (first, total) of budget and growth, and mean and deviation, by quadrature.

    A budget grows as M exp(g t), so that the mean over the half-years is M times a function of g.
    """
    places = (np.arange(20000) + 0.5) / 20000
    drawn = []
    for quantity in (scenario.powers["eu"].budget, scenario.powers["eu"].budget_growth):
        low, mode, high = quantity.low[0], quantity.value[0], quantity.high[0]
        drawn.append(triang((mode - low) / (high - low), low, high - low).ppf(places))
    years = np.arange(scenario.steps) * scenario.horizon.step
    amount, shape = drawn[0], np.exp(np.outer(drawn[1], years)).mean(axis=1)
    parts = np.array([amount.var() * shape.mean() ** 2, shape.var() * amount.mean() ** 2])
    both = amount.var() * shape.var()
    whole = parts.sum() + both
    found = {"first": parts / whole, "total": (parts + both) / whole}
    return found, float(amount.mean() * shape.mean()), float(np.sqrt(whole))


@pytest.mark.parametrize("seed", [1, 2])
def test_indices_of_a_budget_over_ten_years_are_the_exact_ones(seed: int) -> None:
    scenario = drawing(sim.load_scenario(replicates=2), BUDGET, GROWTH)
    found = sim.sensitivity(scenario, ASKED, samples=512, split_samples=256, seed=seed)
    wanted, mean, deviation = exact(scenario)
    assert wanted["total"][1] > 0.02
    rows = by_factor(found).loc[[BUDGET, GROWTH]]
    for key, numbers in wanted.items():
        np.testing.assert_allclose(rows[key], numbers, rtol=0, atol=0.015)
        assert (np.abs(rows[key] - numbers) <= rows[f"{key}_interval"]).all()
    assert found.mean == pytest.approx(mean, rel=0.005)
    assert found.deviation == pytest.approx(deviation, rel=0.02)
    assert found.unit == "USD bn/yr"
    assert (by_factor(found).loc[CHANCE, INDICES] == 0).all()


def test_chance_answers_for_everything_where_no_number_matters() -> None:
    scenario = drawing(small(), IDLE)
    found = sim.sensitivity(scenario, "pick_share.UZ.EU at mean", samples=256, split_samples=256)
    rows = by_factor(found)
    assert set(rows.index) == {IDLE, CHANCE}
    assert (rows.loc[IDLE, INDICES] == 0).all()
    for key in ("first", "total"):
        assert abs(rows.loc[CHANCE, key] - 1) <= max(rows.loc[CHANCE, f"{key}_interval"], 0.1)
    run = sim.run(replace(scenario, replicates=1024, outcomes=("pick_share",)))
    shares = run.data["pick_share"].sel(state="UZ", power="EU").mean("period").to_numpy()
    assert found.mean == pytest.approx(shares.mean(), abs=0.02)
    assert found.deviation == pytest.approx(shares.std(), rel=0.05)


def test_a_target_is_a_share_of_runs() -> None:
    scenario = drawing(small(), BUDGET, GROWTH)
    target = f"budget.EU > {scenario.powers['eu'].budget.of()} at mean"
    found = sim.sensitivity(scenario, target, samples=256, split_samples=16)
    budgets = sim.run(replace(scenario, replicates=4096)).data["budget"].sel(power="EU")
    wanted = float((budgets.mean("period") > 2.6).mean())
    assert found.mean == pytest.approx(wanted, abs=0.02)
    assert found.deviation == pytest.approx(np.sqrt(wanted * (1 - wanted)), abs=0.02)
    assert found.unit == "share of runs"
    assert found.ranking["factor"][0] == BUDGET


# --- theories -------------------------------------------------------------------------------------


def test_theory_counts_for_nothing_if_all_say_the_same() -> None:
    scenario = drawing(small(), BUDGET, GROWTH, IDLE)
    alone = sim.sensitivity(scenario, ASKED, samples=16, split_samples=16)
    assert THEORY not in set(alone.ranking["factor"])
    found = sim.sensitivity(
        scenario,
        ASKED,
        theories={"again": scenario, "once more": scenario},
        samples=16,
        split_samples=16,
    )
    rows = by_factor(found)
    assert rows.loc[THEORY, "kind"] == THEORY
    for table in (rows, found.split.set_index("factor")):
        assert (table.loc[[THEORY, CHANCE], INDICES] == 0).all(axis=None)
    assert found.theories == ("as it is", "again", "once more")
    assert "Theories: as it is, again and once more." in found.text()


def test_theory_counts_for_everything_if_all_else_is_the_same() -> None:
    poor, rich = (vary(drawing(small(), IDLE), {BUDGET: value}) for value in (2.0, 4.0))
    found = sim.sensitivity(
        poor, "budget.EU at 2025H2", theories={"rich": rich}, samples=64, split_samples=64
    )
    for table in (by_factor(found), found.split.set_index("factor")):
        assert table.loc[THEORY, "total"] == pytest.approx(1, abs=0.05)
        assert table.loc[THEORY, "first"] == pytest.approx(1, abs=0.25)
        rest = table.drop(index=THEORY)[INDICES]
        assert len(rest) == 2
        assert (rest == 0).all(axis=None)
    assert found.mean == pytest.approx(3, abs=0.05)
    assert found.deviation == pytest.approx(1, abs=0.01)


def test_theories_may_draw_other_numbers() -> None:
    """A number of one theory only is a factor; under the other it has no effect."""
    one = drawing(small(), GROWTH)
    two = drawing(small(), BUDGET)
    found = sim.sensitivity(one, ASKED, theories={"two": two}, samples=32, split_samples=32)
    rows = by_factor(found)
    assert set(rows.index) == {GROWTH, BUDGET, CHANCE, THEORY}
    assert rows.loc[BUDGET, "total"] > rows.loc[GROWTH, "total"] > 0


def test_a_theory_may_draw_nothing() -> None:
    one = drawing(small(), BUDGET)
    certain = replace(one, uncertainty=type(one.uncertainty).NONE)
    for first, other in ((one, certain), (certain, one)):
        found = sim.sensitivity(
            first, ASKED, theories={"other": other}, samples=16, split_samples=16
        )
        assert set(found.ranking["factor"]) == {BUDGET, CHANCE, THEORY}


# --- what cannot be answered ----------------------------------------------------------------------


def test_without_uncertainty_there_is_nothing_to_split() -> None:
    certain = replace(small(), uncertainty=type(small().uncertainty).NONE)
    for scenario in (certain, drawing(small())):
        with pytest.raises(InputError, match=r"nothing is drawn .uncertainty=none, or all is set"):
            sim.sensitivity(scenario, ASKED, samples=2, split_samples=2)


def test_what_does_not_vary_is_said_to() -> None:
    scenario = drawing(small(), BUDGET, IDLE)
    for question in ("budget.EU > 1000", "budget.CN at 2025H2"):
        found = sim.sensitivity(scenario, question, samples=4, split_samples=4)
        assert (found.table()[INDICES] == 0).all(axis=None)
        assert (found.split[INDICES] == 0).all(axis=None)
        assert found.deviation == 0
        assert found.text().endswith("It does not vary: there is nothing to explain.")


@pytest.mark.parametrize(
    ("question", "options", "message"),
    [
        ("budgt.EU", {}, "unknown outcome 'budgt' .nearest valid name: 'budget'"),
        ("budget.EU at 2050H1", {}, "no half-year '2050H1'"),
        (ASKED, {"samples": 12}, "samples: must be a power of 2, at least 2, not 12"),
        (ASKED, {"split_samples": 1}, "samples: must be a power of 2, at least 2, not 1"),
        (ASKED, {"cell": 0}, "cell 0: only a sweep has cells"),
    ],
)
def test_questions_and_options_are_checked(
    question: str, options: dict[str, Any], message: str
) -> None:
    few: dict[str, Any] = {"samples": 2, "split_samples": 2, **options}
    with pytest.raises(InputError, match=message):
        sim.sensitivity(drawing(small(), BUDGET), question, **few)


# --- grounds --------------------------------------------------------------------------------------


def test_grounds_are_those_of_the_ledger() -> None:
    wanted = {row.name: row for row in provenance(small(), ledger())}
    rows = by_factor(of_everything()).drop(index=CHANCE)
    assert len(rows) > 300
    for name, row in rows.iterrows():
        number = wanted[str(name)]
        assert (row["value"], row["low"], row["high"]) == (number.value, number.low, number.high)
        assert row["unit"] == number.unit
        assert row["facts"] == number.facts
        assert row["sources"] == tuple(
            line for fact in number.facts for line in citations(ledger(), fact)
        )
        assert row["assumption"] == number.assumption
        assert row["kind"] == EVIDENCE


def test_conflicts_name_facts_that_conflict() -> None:
    rows = by_factor(of_everything()).drop(index=CHANCE)
    disputed = rows[rows["disputed"].astype(bool)]
    assert BUDGET in disputed.index
    assert 0 < len(disputed) < len(rows)
    assert (rows.drop(index=disputed.index)["conflicts"].map(len) == 0).all()
    for _, row in disputed.iterrows():
        known = {name for name in row["facts"] if ledger().fact(name).conflicts}
        others = {other for name in known for other in ledger().fact(name).conflicts}
        assert known
        named = [re.fullmatch(r".* \[(\S+)\]", text) for text in row["conflicts"]]
        ids = [match[1] for match in named if match]
        assert len(ids) == len(row["conflicts"])
        assert set(ids) == known | others
        for name, text in zip(ids, row["conflicts"], strict=True):
            fact = ledger().fact(name)
            assert set(fact.conflicts) & set(ids)
            if fact.value is not None:
                assert fact.figure in text
            else:
                assert text.startswith(fact.paraphrase[:40])
            assert ledger().source(fact.citations[0].source).title in text


def test_the_text_names_the_number_and_the_documents_that_disagree() -> None:
    text = of_everything().text()
    lines = text.splitlines()
    (first,) = (line for line in lines if line.startswith("Pin down first: "))
    assert first.startswith(f"Pin down first: {BUDGET}, which carries ")
    (head,) = (line for line in lines if line.startswith(f"Documents disagree about {BUDGET} "))
    place = lines.index(head)
    conflicts = by_factor(of_everything()).loc[BUDGET, "conflicts"]
    assert len(conflicts) > 1
    assert lines[place + 1 : place + 1 + len(conflicts)] == [f"    {each}" for each in conflicts]
    mean = of_everything().mean
    assert lines[0].startswith(f"{ASKED} · strategic_balance: mean {mean:.2f}, ")


def test_columns_of_the_text_stand_below_their_names() -> None:
    lines = of_everything().text().splitlines()
    (head,) = (line for line in lines if "alone, %" in line)
    (top,) = (line for line in lines if re.match(rf"1 +{BUDGET} ", line))
    names, cells = (re.split(r" {2,}", line.strip()) for line in (head, top))
    shown = dict(zip(names, cells[1:], strict=False))
    row = by_factor(of_everything()).loc[BUDGET]
    assert shown["number"] == BUDGET
    assert shown["range"] == "1.90 to 4.40"
    assert shown["unit"] == "USD bn/yr"
    for name, key in (("total, %", "total"), ("alone, %", "first")):
        assert shown[name].removesuffix(" %") == f"{100 * row[key]:.1f}"


def test_few_samples_let_no_number_stand_out() -> None:
    scenario = drawing(small(), IDLE)
    found = sim.sensitivity(scenario, "pick_share.UZ.EU at mean", samples=4, split_samples=4)
    assert "No number stands out from the noise of the estimate" in found.text()


# --- stored sweeps --------------------------------------------------------------------------------


Swept = Callable[..., Sweep]


@pytest.fixture
def swept(tmp_path: Path) -> Swept:
    def compute(over: Any = BUDGETS, of: Any = None, **options: Any) -> Sweep:
        settings = {"samples": options.pop("samples", 8)}
        settings |= {key: options.pop(key) for key in ("second_order", "seed") if key in options}
        design = Sobol(over=tuple(over), **settings)
        scenario = of or small("outcomes=[budget,offered]")
        return sim.sweep(scenario, design, folder=tmp_path, workers=1, **options)

    return compute


@pytest.mark.parametrize("second_order", [False, True])
def test_a_stored_design_gives_the_right_ranking(swept: Swept, second_order: bool) -> None:
    sweep = swept(second_order=second_order, seed=4)
    found = sim.sensitivity(sweep, ASKED)
    cells = 8 * (8 if second_order else 5)
    assert (found.runs, found.samples, len(sweep.cells)) == (cells, 8, cells)
    rows = by_factor(found)
    assert found.ranking["factor"][0] == BUDGET
    assert abs(rows.loc[BUDGET, "total"] - 1) <= rows.loc[BUDGET, "total_interval"] < 0.6
    assert (rows.drop(index=BUDGET)[INDICES] == 0).all(axis=None)
    assert found.split.empty
    outputs = sweep.table("budget", when="mean")["budget.EU"].to_numpy()
    table = indices(outputs, BUDGETS, 8, second_order=second_order, seed=4).set_index("factor")
    pd.testing.assert_frame_equal(rows.loc[list(BUDGETS), INDICES], table[INDICES])
    assert (found.mean, found.deviation) == (outputs.mean(), outputs.std())
    text = found.text()
    assert f"Pin down first: {BUDGET}" in text
    assert "factors are uniform over their ranges" in text
    assert rows.loc[BUDGET, "facts"] == small().powers["eu"].budget.facts()
    budget = small().powers["eu"].budget
    assert (rows.loc[BUDGET, "low"], rows.loc[BUDGET, "high"]) == (*budget.low, *budget.high)
    assert re.search(rf"{BUDGET} +1\.90 to 4\.40 +USD bn/yr", text)


def test_replicates_of_a_stored_design_are_counted(swept: Swept) -> None:
    scenario = small("outcomes=[offered]", replicates=6)
    sweep = swept(of=scenario, keep="replicates")
    found = sim.sensitivity(sweep, "offered.EU > 1.9 at mean")
    offered = sweep.load("offered")["offered"].sel(power="EU", when="mean")
    shares = (offered > 1.9).mean("replicate").to_numpy()
    assert 0 < shares.mean() < 1
    assert found.mean == pytest.approx(shares.mean())
    assert found.unit == "share of runs"
    np.testing.assert_allclose(
        by_factor(found).loc[list(BUDGETS), "total"], indices(shares, BUDGETS, 8)["total"]
    )


def test_one_cell_of_a_stored_design_is_a_scenario(swept: Swept) -> None:
    sweep = swept(of=drawing(small(), BUDGET, GROWTH), over=[BUDGET], samples=2)
    found = sim.sensitivity(sweep, ASKED, cell=1, samples=8, split_samples=8)
    assert found.name.endswith(", cell 1")
    assert set(found.ranking["factor"]) == {GROWTH, CHANCE}  # the budget is set there


def test_settings_are_factors_too(swept: Swept) -> None:
    moving = {"path": "rules.trade.moving", "values": [True, False]}
    found = sim.sensitivity(swept([moving, BUDGET], samples=4), ASKED)
    assert list(found.ranking["factor"]) == [BUDGET, "rules.trade.moving"]
    assert (by_factor(found).loc["rules.trade.moving", INDICES] == 0).all()
    assert found.ranking["facts"][1] == ()
    assert BUDGET in found.text()


def test_a_design_of_settings_alone(swept: Swept) -> None:
    scenario = small("outcomes=[pick_share]")
    sweep = swept([{"path": "seed", "values": [1, 2, 3, 4]}], scenario, samples=32)
    found = sim.sensitivity(sweep, "pick_share.UZ.EU at mean")
    assert list(found.ranking["factor"]) == ["seed"]
    assert "seed" in found.text()


def test_a_design_with_missing_cells_is_refused(swept: Swept) -> None:
    sweep = swept(shard="1/2")
    assert 0 < sweep.status.count("missing") < len(sweep.cells)
    with pytest.raises(InputError, match=r"\d+ of 40 cells are missing; run the sweep again"):
        sim.sensitivity(sweep, ASKED)
    whole = swept()
    assert sim.sensitivity(whole, ASKED).runs == 40


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_design_with_a_failed_cell_is_refused(swept: Swept) -> None:
    values = [2.0, 3.0, 4.0, 1e308]
    sweep = swept([{"path": BUDGET, "values": values}, BUDGETS[1]], samples=8)
    failed = sweep.status.count("failed")
    assert 0 < failed < len(sweep.cells)
    with pytest.raises(InputError, match=rf"{failed} of 32 cells failed, and the indices of a"):
        sim.sensitivity(sweep, ASKED)


def test_a_design_crossed_with_scenarios_is_refused(swept: Swept) -> None:
    one = small("outcomes=[budget]")
    sweep = swept(of=[one, replace(one, name="two", seed=2)], samples=2)
    assert sweep.complete
    message = r"has 20 cells, the design 10: a sweep that crosses the design .* several designs"
    with pytest.raises(InputError, match=message):
        sim.sensitivity(sweep, ASKED)


def test_another_design_has_to_name_a_cell(tmp_path: Path) -> None:
    grid = {"design": "grid", "over": [BUDGET], "points": 2}
    sweep = sim.sweep(small("outcomes=[budget]"), grid, folder=tmp_path, workers=1)
    with pytest.raises(InputError, match="has cells 0 to 1; say which"):
        sim.sensitivity(sweep, ASKED)


# --- points ---------------------------------------------------------------------------------------


def own_places(scenario: Scenario, replicates: FloatArray) -> tuple[Points, FloatArray]:
    """The uniforms with which replicates draw their numbers, (name, column)."""
    points = Points(scenario)
    draws = points.host.sampler.draws
    whole = draws.take(range(int(replicates.max()) + 1))
    assert draws.names == points.names
    return points, whole[:, replicates]


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("strategic_balance", ()),
        ("five_suitors", ()),
        ("southern_fire", ("mechanism=coercion",)),
        ("gateway_delivers", ("mechanism=opinion",)),
        ("debt_backlash", ("mechanism=documents",)),
    ],
)
def test_a_point_is_the_replicate_that_drew_it(name: str, overrides: tuple[str, ...]) -> None:
    """In any order, some of them twice, over the blocks of noise and the chunks of columns."""
    scenario = small(*overrides, name=name)
    count = 2 * BLOCK + 30
    chosen = np.random.default_rng(1).integers(0, count, CHUNK + 40)
    points, places = own_places(scenario, chosen)
    found = points.run(places, chosen)
    wanted = outcomes(scenario, range(count))
    for mine, theirs in zip(found, wanted, strict=True):
        same_bits(mine, {key: array[..., chosen] for key, array in theirs.items()})


def test_a_point_is_that_of_a_stored_run() -> None:
    scenario = small("outcomes=[alignment,budget,influence]", replicates=20)
    run = sim.run(scenario)
    chosen = np.array([19, 3, 3, 0])
    points, places = own_places(scenario, chosen)
    data, final = points.run(places, chosen)
    for name in scenario.outcomes:
        np.testing.assert_array_equal(data[name], run.data[name].to_numpy()[..., chosen])
        if name in run.final:
            np.testing.assert_array_equal(final[name], run.final[name].to_numpy()[..., chosen])


def test_numbers_and_noise_are_apart() -> None:
    """Budgets follow the numbers of a column, and picks under equal numbers its noise."""
    scenario = small("outcomes=[budget,pick_share]")
    points, places = own_places(scenario, np.arange(4))
    straight, _ = points.run(places, np.arange(4))
    crossed, _ = points.run(places, np.array([3, 2, 1, 0]))
    np.testing.assert_array_equal(straight["budget"], crossed["budget"])
    assert not np.array_equal(straight["pick_share"], crossed["pick_share"])
    equal = np.repeat(places[:, :1], 4, axis=1)
    same, _ = points.run(equal, np.array([7, 7, 7, 7]))
    assert (same["pick_share"] == same["pick_share"][..., :1]).all()
    other, _ = points.run(equal, np.arange(4))
    assert not (other["pick_share"] == other["pick_share"][..., :1]).all()
