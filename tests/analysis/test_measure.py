"""Measures and targets: what they read, what they compute of a run, and the same of a sweep."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import ending

import sim
from sim import Run
from sim.analysis.cells import as_run
from sim.analysis.measure import (
    Condition,
    Measure,
    Target,
    keeping,
    read_measure,
    read_question,
    read_target,
)
from sim.axes import FloatArray
from sim.errors import InputError
from sim.outcomes import OUTCOMES
from sim.scenario import Scenario
from sim.sweep import Keep, Sweep

SUMMED = ("USD bn", "Mt", "documents")
"""How the units of outcomes begin that are added up."""
NUMBERED = "pick"
"""The outcome that numbers options."""
STATISTICS = (Keep.SUMMARY, Keep.PATHS)
AT_TWO_POINTS = (Keep.SUMMARY, Keep.REPLICATES)
NEARLY = {"rtol": 1e-12, "atol": 1e-15}
"""Sums may be added up in another order."""


@cache
def small(*overrides: str, name: str = "strategic_balance", **settings: Any) -> Scenario:
    """Five half-years."""
    quiet = ("horizon.end=2028H1", "output.workers=1", "output.progress=false")
    return sim.load_scenario(name, *quiet, *overrides, **{"replicates": 7, "seed": 3, **settings})


@cache
def results() -> Run:
    return sim.run(small())


@cache
def baseline() -> Scenario:
    return sim.load_scenario()


# --- reading --------------------------------------------------------------------------------------

MEASURES = {
    "alignment.UZ.EU at 2032H1": Measure("alignment", {"state": "UZ", "power": "EU"}, "2032H1"),
    "alignment.EU.UZ": Measure("alignment", {"state": "UZ", "power": "EU"}),
    "  autonomy.KG   at   mean ": Measure("autonomy", {"state": "KG"}, "mean"),
    "autonomy.KG at end": Measure("autonomy", {"state": "KG"}, "end"),
    "polarisation": Measure("polarisation"),
    "trade.ROW since 2030H1": Measure("trade", {"partner": "ROW"}, "mean", "2030H1"),
    "trade_share.KZ.RU": Measure("trade_share", {"state": "KZ", "partner": "RU"}),
    "allocation.energy.CN": Measure("allocation", {"power": "CN", "domain": "energy"}),
    "allocation.trade": Measure("allocation", {"domain": "trade"}),
    "corridor_flow.CKU at 2025H2": Measure("corridor_flow", {"corridor": "CKU"}, "2025H2"),
    "signed": Measure("signed"),
}
TARGETS = {
    "alignment.UZ.EU first at 2032H1": Target(
        Measure("alignment", {"state": "UZ", "power": "EU"}, "2032H1"), Condition.FIRST
    ),
    "dependence.KZ.RU > 0.4": Target(
        Measure("dependence", {"state": "KZ", "power": "RU"}), Condition.ABOVE, 0.4
    ),
    "dependence.KZ.RU>0.4": Target(
        Measure("dependence", {"state": "KZ", "power": "RU"}), Condition.ABOVE, 0.4
    ),
    "autonomy.KG <.6 at mean": Target(
        Measure("autonomy", {"state": "KG"}, "mean"), Condition.BELOW, 0.6
    ),
    "welfare_trade < -1e-3 since 2031H2": Target(
        Measure("welfare_trade", {}, "mean", "2031H2"), Condition.BELOW, -0.001
    ),
    "trade.UZ.ROW first": Target(
        Measure("trade", {"state": "UZ", "partner": "ROW"}), Condition.FIRST
    ),
    "route_share.M first since 2030H1": Target(
        Measure("route_share", {"corridor": "M"}, "mean", "2030H1"), Condition.FIRST
    ),
    "gdp > 600": Target(Measure("gdp"), Condition.ABOVE, 600.0),
}


@pytest.mark.parametrize("text", MEASURES)
def test_measure_is_read_and_its_name_reads_back(text: str) -> None:
    found = read_measure(text, baseline())
    assert found == MEASURES[text]
    assert read_measure(found.name, baseline()) == found
    assert read_question(text, baseline()) == found
    assert found.unit == OUTCOMES[found.outcome].unit


@pytest.mark.parametrize("text", TARGETS)
def test_target_is_read_and_its_name_reads_back(text: str) -> None:
    found = read_target(text, baseline())
    wanted = TARGETS[text]
    assert (found.measure, found.test) == (wanted.measure, wanted.test)
    assert wanted.test is Condition.FIRST or found.threshold == wanted.threshold
    assert read_target(found.name, baseline()) == found
    assert read_question(text, baseline()) == found


@pytest.mark.parametrize("threshold", [0.123456789, 1234567.0, 1 / 3, 1e-9, -2.5e-7])
def test_name_of_a_target_keeps_all_digits_of_its_threshold(threshold: float) -> None:
    found = read_target(f"dependence.KZ.RU > {threshold!r}", baseline())
    assert found.threshold == threshold
    assert read_target(found.name, baseline()) == found


def test_every_entry_of_every_outcome_reads_back() -> None:
    scenario = baseline()
    codes = {
        "state": scenario.state_codes,
        "power": scenario.power_codes,
        "partner": scenario.partner_codes,
        "corridor": scenario.corridor_codes,
        "domain": ("trade", "infrastructure", "energy", "security", "technology"),
    }
    for name, outcome in OUTCOMES.items():
        if name == NUMBERED:
            continue
        for place in range(2):
            select = {dim: codes[dim][-place] for dim in outcome.dims}
            for when, since in (
                ("end", None),
                ("mean", None),
                ("2031H1", None),
                ("mean", "2026H2"),
            ):
                asked = Measure(name, select, when, since)
                assert read_measure(asked.name, scenario) == asked


def test_names_say_what_was_asked() -> None:
    assert read_measure("alignment.UZ.EU", baseline()).name == "alignment.UZ.EU at end"
    assert read_measure("trade since 2030H1", baseline()).name == "trade since 2030H1"
    assert read_target("autonomy.KG<0.6", baseline()).name == "autonomy.KG < 0.6 at end"
    assert read_target("budget.EU first", baseline()).name == "budget.EU first at end"


def test_outcomes_to_keep_stand_in_the_order_of_their_declaration() -> None:
    asked = [read_measure(text, baseline()) for text in ("trade", "signed.KZ", "trade.RU")]
    assert keeping(baseline(), *asked) == ("signed", "trade")
    assert keeping(baseline()) == ()


# --- numbers of a run -----------------------------------------------------------------------------

Hand = Callable[[xr.Dataset, xr.Dataset], xr.DataArray]
BY_HAND: dict[str, Hand] = {
    "sanctions at 2026H2": lambda d, f: d["sanctions"].sel(period="2026H2"),
    "sanctions": lambda d, f: d["sanctions"].isel(period=-1),
    "polarisation since 2027H1": lambda d, f: d["polarisation"].isel(period=[3, 4]).mean("period"),
    "hedging_index.KZ": lambda d, f: f["hedging_index"].sel(state="KZ"),
    "hedging_index.KZ at 2027H2": lambda d, f: d["hedging_index"].isel(period=4).sel(state="KZ"),
    "hedging_index at mean": lambda d, f: d["hedging_index"].mean(("state", "period")),
    "influence.EU": lambda d, f: f["influence"].sel(power="EU"),
    "influence.EU at mean": lambda d, f: d["influence"].sel(power="EU").mean("period"),
    "budget": lambda d, f: f["budget"].sum("power"),
    "offered at mean": lambda d, f: d["offered"].sum("power").mean("period"),
    "dependence.KZ.RU": lambda d, f: f["dependence"].sel(state="KZ", power="RU"),
    "dependence.RU since 2026H1": lambda d, f: (
        d["dependence"].sel(power="RU").isel(period=slice(1, None)).mean(("state", "period"))
    ),
    "dependence.KZ at 2025H2": lambda d, f: (
        d["dependence"].sel(state="KZ", period="2025H2").mean("power")
    ),
    "alignment.UZ.CN": lambda d, f: d["alignment"].sel(state="UZ", power="CN", period="2027H2"),
    "signed.UZ.CN": lambda d, f: d["signed"].sel(state="UZ", power="CN", period="2027H2"),
    "signed.CN at mean": lambda d, f: d["signed"].sel(power="CN").sum("state").mean("period"),
    "signed at 2026H1": lambda d, f: d["signed"].sel(period="2026H1").sum(("state", "power")),
    "backlog.TJ": lambda d, f: f["backlog"].sel(state="TJ").sum("power"),
    "coercion.RU at mean": lambda d, f: d["coercion"].sel(power="RU").mean(("state", "period")),
    "trade.UZ.ROW": lambda d, f: f["trade"].sel(state="UZ", partner="ROW"),
    "trade.ROW at 2027H1": lambda d, f: d["trade"].sel(partner="ROW", period="2027H1").sum("state"),
    "trade": lambda d, f: f["trade"].sum(("state", "partner")),
    "trade_share.ROW": lambda d, f: f["trade_share"].sel(partner="ROW").mean("state"),
    "trade_cost.KG at mean": lambda d, f: (
        d["trade_cost"].sel(state="KG").mean(("partner", "period"))
    ),
    "corridor_flow.M since 2027H1": lambda d, f: (
        d["corridor_flow"].sel(corridor="M", period=["2027H1", "2027H2"]).mean("period")
    ),
    "corridor_flow": lambda d, f: d["corridor_flow"].isel(period=-1).sum("corridor"),
    "corridor_share": lambda d, f: d["corridor_share"].isel(period=-1).mean("corridor"),
    "allocation.EU.energy": lambda d, f: f["allocation"].sel(power="EU", domain="energy"),
    "allocation.energy at mean": lambda d, f: (
        d["allocation"].sel(domain="energy").mean(("power", "period"))
    ),
    "allocation.EU at 2026H2": lambda d, f: (
        d["allocation"].sel(power="EU", period="2026H2").mean("domain")
    ),
    "documents_signed at mean": lambda d, f: d["documents_signed"].mean("period"),
    "gdp": lambda d, f: f["gdp"].sum("state"),
    "remittances at 2025H2": lambda d, f: d["remittances"].isel(period=0).sum("state"),
}


@pytest.mark.parametrize("text", BY_HAND)
def test_measure_is_the_number_computed_by_hand(text: str) -> None:
    run = results()
    found = read_measure(text, run.scenario).of(run.data, run.final)
    assert found.shape == (7,)
    np.testing.assert_allclose(found, BY_HAND[text](run.data, run.final).to_numpy(), **NEARLY)


@pytest.mark.parametrize("name", [name for name in OUTCOMES if name != NUMBERED])
def test_money_is_added_up_and_anything_else_averaged(name: str) -> None:
    """Over all dimensions at once, and over each alone, at the end, over time and in between."""
    run, outcome = results(), OUTCOMES[name]
    path = run.data[name].to_numpy()
    last = run.final[name].to_numpy() if name in run.final else path[-1]
    reduce = np.sum if outcome.unit.startswith(SUMMED) else np.mean
    inner = tuple(range(len(outcome.dims)))
    for when, values in (
        ("end", last),
        ("mean", path.mean(axis=0)),
        ("2026H1", path[1]),
    ):
        found = Measure(name, {}, when).of(run.data, run.final)
        np.testing.assert_allclose(found, reduce(values, axis=inner), **NEARLY)
        for axis, dim in enumerate(outcome.dims):
            code = str(run.data[dim].values[-1])
            rest = tuple(range(len(outcome.dims) - 1))
            wanted = reduce(values.take(-1, axis=axis), axis=rest)
            found = Measure(name, {dim: code}, when).of(run.data, run.final)
            np.testing.assert_allclose(found, wanted, **NEARLY)


def test_without_the_end_the_last_half_year_stands_for_it() -> None:
    run = results()
    asked = read_measure("dependence.KZ.RU", run.scenario)
    last = run.data["dependence"].sel(state="KZ", power="RU", period="2027H2").to_numpy()
    np.testing.assert_array_equal(asked.of(run.data), last)
    assert not np.array_equal(asked.of(run.data, run.final), last)
    final = run.final.drop_vars("dependence")
    np.testing.assert_array_equal(asked.of(run.data, final), last)


# --- targets of a run -----------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["end", "mean", "2026H1"])
def test_thresholds_are_strict(when: str) -> None:
    run = results()
    measure = Measure("dependence", {"state": "KZ", "power": "RU"}, when)
    numbers = measure.of(run.data, run.final)
    threshold = float(np.sort(numbers)[3])
    above = Target(measure, Condition.ABOVE, threshold).holds(run.data, run.final)
    below = Target(measure, Condition.BELOW, threshold).holds(run.data, run.final)
    assert above.tolist() == [number > threshold for number in numbers]
    assert below.tolist() == [number < threshold for number in numbers]
    assert (above.sum(), below.sum()) == (3, 3)


@pytest.mark.parametrize("power", ["RU", "CN", "EU"])
def test_first_is_above_all_others_and_a_tie_is_not(power: str) -> None:
    scenario = small("uncertainty=none", "outcomes=[pick_share]", replicates=300)
    run = sim.run(scenario)
    share = run.data["pick_share"].sel(state="KZ", period="2025H2")
    own = share.sel(power=power).to_numpy()
    others = share.drop_sel(power=power).max("power").to_numpy()
    found = read_target(f"pick_share.KZ.{power} first at 2025H2", scenario).holds(run.data)
    np.testing.assert_array_equal(found, own > others)
    assert (own == others).sum() > 5
    assert not found[own == others].any()
    assert found.any()


def test_only_one_is_first() -> None:
    run = results()
    for text, codes in (
        ("alignment.KZ.{} first at 2026H1", run.scenario.power_codes),
        ("alignment.{} first at mean", run.scenario.power_codes),
        ("trade.UZ.{} first", run.scenario.partner_codes),
        ("trade.{} first since 2027H1", run.scenario.partner_codes),
        ("route_share.{} first", run.scenario.corridor_codes),
        ("allocation.{}.energy first", run.scenario.power_codes),
    ):
        held = [
            read_target(text.format(code), run.scenario).holds(run.data, run.final)
            for code in codes
        ]
        assert (np.sum(held, axis=0) <= 1).all(), text
        assert np.any(held), text


@pytest.mark.parametrize(
    ("outcome", "dim", "code", "fixed"),
    [
        ("trade", "partner", "ROW", {"state": "TM"}),
        ("corridor_flow", "corridor", "N", {}),
        ("dependence", "power", "CN", {"state": "KG"}),
    ],
)
def test_rivals_are_the_other_entries(
    outcome: str, dim: str, code: str, fixed: dict[str, str]
) -> None:
    run = results()
    asked = Measure(outcome, {**fixed, dim: code}, "2027H1")
    array = run.data[outcome].sel({**fixed, "period": "2027H1"})
    others = [str(label) for label in run.data[dim].values if label != code]
    wanted = np.stack([array.sel({dim: other}).to_numpy() for other in others])
    np.testing.assert_array_equal(asked.rivals(run.data), wanted)
    found = Target(asked, Condition.FIRST).holds(run.data)
    np.testing.assert_array_equal(found, array.sel({dim: code}).to_numpy() > wanted.max(axis=0))


def test_a_power_without_rivals_is_first() -> None:
    run = sim.run(small("powers=ru", "outcomes=[alignment]", replicates=2))
    assert read_target("alignment.KZ.RU first", run.scenario).holds(run.data).all()


# --- numbers of a sweep ---------------------------------------------------------------------------

KEPT = "outcomes=[dependence,signed,alignment,trade,corridor_flow,allocation,polarisation]"
OF_SWEEPS = (
    "dependence.KZ.RU",
    "dependence.RU",
    "trade.ROW",
    "trade",
    "allocation.EU.energy",
    "signed.KZ.EU",
    "signed.EU",
    "signed",
    "alignment.UZ.CN",
    "corridor_flow.N",
    "corridor_flow",
    "polarisation",
)
FIRST = ("alignment.KZ.CN first", "dependence.RU first", "trade.UZ.ROW first")


@pytest.fixture(scope="module")
def cells() -> list[Run]:
    """Runs of the cells."""
    return [sim.run(small(KEPT, f"powers.cn.budget.value={b!r}")) for b in (1.0, 4.0, 12.0)]


@pytest.fixture(scope="module", params=list(Keep))
def sweep(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    over = {
        "design": "list",
        "over": [{"path": "powers.cn.budget", "values": [1.0, 4.0, 12.0]}],
    }
    folder = tmp_path_factory.mktemp("sweeps")
    return sim.sweep(small(KEPT), over, folder=folder, workers=1, keep=request.param)


def of_run(sweep: Sweep, numbers: FloatArray) -> FloatArray:
    """What a sweep can know of the numbers of a run."""
    return numbers.mean(keepdims=True) if sweep.keep in STATISTICS else numbers


@pytest.mark.parametrize("when", ["at end", "at mean", "at 2026H2", "since 2026H2"])
def test_measure_of_a_sweep_is_that_of_the_runs_of_its_cells(
    sweep: Sweep, cells: list[Run], when: str
) -> None:
    for path in OF_SWEEPS:
        asked = read_measure(f"{path} {when}", cells[0].scenario)
        if sweep.keep in AT_TWO_POINTS and when not in ("at end", "at mean"):
            with pytest.raises(InputError, match=f"{re.escape(asked.name)}: this sweep keeps only"):
                as_run(sweep, asked)
            continue
        found = asked.of(*as_run(sweep, asked))
        assert len(found) == len(cells)
        for row, run in zip(found, cells, strict=True):
            np.testing.assert_allclose(row, of_run(sweep, asked.of(run.data, run.final)), **NEARLY)


@pytest.mark.parametrize("when", ["at end", "at mean", "at 2026H2"])
def test_target_of_a_sweep_is_that_of_the_runs_of_its_cells(
    sweep: Sweep, cells: list[Run], when: str
) -> None:
    """Each replicate where they are kept, else the means over the replicates."""
    some = []
    for path in FIRST:
        asked = read_target(f"{path} {when}", cells[0].scenario)
        if sweep.keep in AT_TWO_POINTS and when == "at 2026H2":
            with pytest.raises(InputError, match="keeps only the end and the mean"):
                as_run(sweep, asked.measure)
            some += [True, False]
            continue
        found = asked.holds(*as_run(sweep, asked.measure))
        for row, run in zip(found, cells, strict=True):
            if sweep.keep in STATISTICS:
                own = asked.measure.of(run.data, run.final).mean()
                others = asked.measure.rivals(run.data, run.final).mean(axis=-1)
                assert row.tolist() == [bool((own > others).all())]
            else:
                np.testing.assert_array_equal(row, asked.holds(run.data, run.final))
        some += found.ravel().tolist()
    assert {True, False} == set(some)


def test_a_sweep_of_one_replicate_and_one_cell(tmp_path: Path) -> None:
    scenario = small("outcomes=[signed,trade]", replicates=1)
    run = sim.run(scenario)
    for keep in Keep:
        sweep = sim.sweep(scenario, folder=tmp_path, workers=1, keep=keep)
        for text in ("signed.EU", "trade.KZ", "trade.KZ at mean"):
            asked = read_measure(text, scenario)
            found = asked.of(*as_run(sweep, asked))
            assert found.shape == (1, 1)
            np.testing.assert_allclose(found[0], asked.of(run.data, run.final), **NEARLY)


# --- sweeps over unlike worlds --------------------------------------------------------------------

UNLIKE = "outcomes=[dependence,signed,alignment,budget]"


def unlike(folder: Path, keep: Keep, **worlds: Scenario) -> list[tuple[Sweep, int, Run]]:
    """A sweep over several worlds, with the run of each of its cells."""
    given = [replace(world, name=name) for name, world in worlds.items()]
    sweep = sim.sweep(given, folder=folder, workers=1, keep=keep)
    return [(sweep, cell, sim.run(world)) for cell, world in enumerate(given)]


def agree(found: list[tuple[Sweep, int, Run]], *texts: str) -> None:
    """Fail unless each cell gives the numbers of its run, and NaN where it has no replicate."""
    for text in texts:
        for sweep, cell, run in found:
            asked = read_measure(text, run.scenario)
            numbers = asked.of(*as_run(sweep, asked))[cell]
            wanted = of_run(sweep, asked.of(run.data, run.final))
            message = f"{text} of cell {cell}"
            np.testing.assert_allclose(numbers[: len(wanted)], wanted, **NEARLY, err_msg=message)
            assert np.isnan(numbers[len(wanted) :]).all(), message


@pytest.mark.parametrize("keep", Keep)
def test_cells_with_fewer_states(keep: Keep, tmp_path: Path) -> None:
    found = unlike(tmp_path, keep, five=small(UNLIKE), one=small(UNLIKE, "states=kz"))
    agree(found, "signed.EU", "signed.KZ.EU at mean", "dependence.RU", "dependence at mean")


@pytest.mark.parametrize("keep", Keep)
def test_cells_that_end_earlier(keep: Keep, tmp_path: Path) -> None:
    found = unlike(tmp_path, keep, long=small(UNLIKE), short=ending(small(UNLIKE), "2027H1"))
    agree(found, "signed.EU", "signed.EU at mean", "dependence.KZ.RU", "dependence.KZ.RU at mean")


@pytest.mark.parametrize("keep", Keep)
def test_cells_with_fewer_replicates(keep: Keep, tmp_path: Path) -> None:
    found = unlike(tmp_path, keep, many=small(UNLIKE), few=small(UNLIKE, replicates=3))
    agree(found, "signed.EU", "signed.KZ.EU at mean", "dependence.RU", "budget.EU at mean")


@pytest.mark.parametrize("keep", Keep)
def test_who_is_first_does_not_depend_on_other_cells(keep: Keep, tmp_path: Path) -> None:
    """Powers that only another cell has are no rivals."""
    found = unlike(tmp_path, keep, three=small(UNLIKE), five=small(UNLIKE, name="five_suitors"))
    for text in ("dependence.KZ.RU first", "budget.CN first at mean"):
        for sweep, cell, run in found:
            asked = read_target(text, run.scenario)
            row = asked.holds(*as_run(sweep, asked.measure))[cell]
            if keep in STATISTICS:
                own = asked.measure.of(run.data, run.final).mean()
                others = asked.measure.rivals(run.data, run.final).mean(axis=-1)
                assert row.tolist() == [bool((own > others).all())], f"{text} of cell {cell}"
            else:
                wanted = asked.holds(run.data, run.final)
                assert row.tolist() == wanted.tolist(), f"{text} of cell {cell}"


@pytest.mark.parametrize("keep", Keep)
def test_what_a_cell_does_not_have_is_no_number(keep: Keep, tmp_path: Path) -> None:
    """No zero either, where money would be added up over the states."""
    found = unlike(tmp_path, keep, three=small(UNLIKE), five=small(UNLIKE, name="five_suitors"))
    sweep, _, run = found[1]
    for text in ("dependence.KZ.TR", "dependence.TR", "signed.KZ.TR", "signed.TR", "budget.TR"):
        asked = read_measure(f"{text} at mean", run.scenario)
        numbers = asked.of(*as_run(sweep, asked))
        assert np.isnan(numbers[0]).all(), text
        assert not np.isnan(numbers[1]).any(), text


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("keep", Keep)
def test_cells_that_failed_have_no_numbers(keep: Keep, tmp_path: Path) -> None:
    over = {"design": "list", "over": [{"path": "powers.eu.budget", "values": [2.0, 1e308]}]}
    sweep = sim.sweep(small(UNLIKE), over, folder=tmp_path, workers=1, keep=keep)
    assert sweep.status == ["done", "failed"]
    for text in ("dependence.KZ.RU", "signed.RU", "signed.RU at mean", "budget"):
        asked = read_measure(text, small(UNLIKE))
        numbers = asked.of(*as_run(sweep, asked))
        assert not np.isnan(numbers[0]).any(), text
        assert np.isnan(numbers[1]).all(), text


# --- mistakes -------------------------------------------------------------------------------------

WRITTEN = "not understood; write it like 'alignment.UZ.EU first at 2032H1'"
MISTAKES = {
    "alignmnt.UZ.EU": "unknown outcome 'alignmnt' (nearest valid name: 'alignment')",
    "alignment.UZZ.EU": "alignment has no 'UZZ' (nearest valid name: 'UZ')",
    "alignment.uz.EU": "alignment has no 'uz' (nearest valid name: 'UZ')",
    "alignment.UZ.ER": "alignment has no 'ER' (nearest valid name: 'EU')",
    "alignment.UZ.UZ": "alignment has no 'UZ' (nearest valid name: 'RU')",
    "alignment.UZ.EU.trade": "alignment has no 'trade'",
    "alignment.UZ.ROW": "alignment has no 'ROW'",
    "allocation.EU.enrgy": "allocation has no 'enrgy' (nearest valid name: 'energy')",
    "corridor_flow.CUK": "corridor_flow has no 'CUK' (nearest valid name: 'CKU')",
    "polarisation.KZ": "polarisation has no 'KZ'",
    "alignment..EU": "alignment has no ''",
    "pick.UZ.trade": "'pick' numbers options and has no size; take pick_share",
    "alignment.UZ.EU at 2036H1": "no half-year '2036H1' (nearest valid name: '2035H1')",
    "alignment.UZ.EU at 2032": "no half-year '2032' (nearest valid name: '2032H",
    "alignment.UZ.EU at 2032h1": "no half-year '2032h1' (nearest valid name: '2032H1')",
    "alignment.UZ.EU at men": "no half-year 'men' (nearest valid name: 'mean')",
    "alignment.UZ.EU since 2099H1": "no half-year '2099H1'",
    "alignment.UZ.EU since end": "no half-year 'end'",
    "alignment.UZ.EU at": WRITTEN,
    "alignment.UZ.EU on 2032H1": WRITTEN,
    "alignment.UZ.EU at mean since 2030H1": WRITTEN,
    "alignment.UZ.EU frist": WRITTEN,
    "alignment.UZ.EU >": WRITTEN,
    "": WRITTEN,
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_named_with_the_nearest_name(text: str) -> None:
    for read in (read_measure, read_target, read_question):
        with pytest.raises(InputError, match=re.escape(f"'{text}'")) as caught:
            read(text, baseline())
        assert MISTAKES[text] in str(caught.value)


@pytest.mark.parametrize("text", ["alignment.UZ.EU since mean", "alignment.UZ.EU since end"])
def test_the_name_that_is_refused_is_not_the_one_that_is_proposed(text: str) -> None:
    with pytest.raises(InputError, match="no half-year") as caught:
        read_measure(text, baseline())
    assert f"nearest valid name: '{text.split()[-1]}'" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dependence.KZ.RU > much", "'much' is not a number"),
        ("dependence.KZ.RU > 0,4", "'0,4' is not a number"),
        ("dependence.KZ.RU > nan", "'nan' is not a number"),
        ("dependence.KZ first", "dependence.KZ at end: names no power, partner or corridor"),
        ("polarisation first", "polarisation at end: names no power, partner or corridor"),
        ("allocation.energy first", "names no power, partner or corridor that could be first"),
        ("dependence.KZ.RU", "a test is missing: 'first', '> NUMBER' or '< NUMBER'"),
    ],
)
def test_mistakes_in_targets(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read_target(text, baseline())


@pytest.mark.parametrize("test", ["first", "> 0.4", "<0.4"])
def test_a_measure_has_no_test(test: str) -> None:
    with pytest.raises(InputError, match="a number is wanted here, without"):
        read_measure(f"dependence.KZ.RU {test}", baseline())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Measure("influence"), "outcome 'influence' was not kept"),
        (Measure("alignmnt"), "outcome 'alignmnt' is unknown (nearest valid name: 'alignment')"),
        (Measure("alignment", {"domain": "trade"}), "alignment has no dimension 'domain'"),
        (Measure("alignment", {"state": "UX"}), "alignment: no state 'UX' (nearest valid name:"),
        (Measure("alignment", {"power": "TR"}), "alignment: no power 'TR'"),
        (
            Measure("alignment", {}, "2028H2"),
            "alignment at 2028H2: no half-year (nearest valid name: '2027H2')",
        ),
        (
            Measure("alignment", {}, "mean", "2028H1"),
            "alignment since 2028H1: the run ends before 2028H1",
        ),
    ],
)
def test_what_a_run_does_not_have_is_refused(asked: Measure, message: str) -> None:
    run = results()
    data = run.data[["alignment", "dependence"]]
    with pytest.raises(InputError, match=re.escape(message)):
        asked.of(data, run.final[["dependence"]])


def test_without_a_code_that_could_be_first_there_are_no_rivals() -> None:
    run = results()
    with pytest.raises(InputError, match="names no power, partner or corridor"):
        Measure("dependence", {"state": "KZ"}).rivals(run.data, run.final)


def test_a_sweep_refuses_what_it_does_not_keep(sweep: Sweep) -> None:
    with pytest.raises(InputError, match="outcome 'influence' was not kept"):
        as_run(sweep, Measure("influence"))
    if sweep.keep not in AT_TWO_POINTS:
        late = Measure("signed", {}, "2028H2")
        with pytest.raises(InputError, match="no half-year"):
            late.of(*as_run(sweep, late))
