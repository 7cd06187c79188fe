"""What a sweep shows is what runs of its cells give."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import ending

import sim
from sim.errors import InputError
from sim.outcomes import OUTCOMES
from sim.scenario import Scenario
from sim.store import Run
from sim.sweep import Keep, Sweep
from sim.sweep.keep import QUANTILES, STATISTICS, WHEN
from sim.sweep.plan import axes_of

KEPT = ("dependence", "signed", "alignment", "hedging_index", "influence", "polarisation")
OVER = {"design": "grid", "over": ["powers.eu.budget"], "points": 3}


def small(*overrides: str, **settings: Any) -> Scenario:
    outcomes = f"outcomes=[{','.join(KEPT)}]"
    return sim.load_scenario("strategic_balance", outcomes, *overrides, **settings)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return small(replicates=30, seed=7)


@pytest.fixture(scope="module")
def runs(scenario: Scenario) -> list[Run]:
    """Runs of the three cells, composed by the way of a single run."""
    low, high = (getattr(scenario.powers["eu"].budget, end)[0] for end in ("low", "high"))
    budgets = (low, low * 0.5 + high * 0.5, high)
    return [sim.run(small(f"powers.eu.budget.value={b!r}", replicates=30, seed=7)) for b in budgets]


def by_time(run: Run, name: str, when: str) -> np.ndarray:
    """An outcome of a run at one of the two points, replicate last."""
    if when == "mean":
        return run.data[name].to_numpy().mean(axis=0)
    last = run.final[name] if name in run.final else run.data[name].isel(period=-1)
    return last.to_numpy()


def path(run: Run, name: str) -> np.ndarray:
    """An outcome at all points, NaN for flows at the end."""
    body = run.data[name].to_numpy()
    last = run.final[name].to_numpy() if name in run.final else np.full(body.shape[1:], np.nan)
    return np.concatenate([body, last[np.newaxis]])


def over_replicates(values: np.ndarray, statistic: str) -> np.ndarray:
    match statistic:
        case "mean":
            return values.mean(axis=-1)
        case "sd":
            return values.std(axis=-1)
        case _:
            return np.quantile(values, QUANTILES[statistic], axis=-1)


def test_summaries_are_those_of_runs(scenario: Scenario, runs: list[Run], tmp_path: Path) -> None:
    sweep = sim.sweep(scenario, OVER, folder=tmp_path, workers=1)
    data = sweep.data
    assert set(data.data_vars) == set(KEPT)
    for cell, run in enumerate(runs):
        for name in KEPT:
            assert data[name].dims == ("cell", "when", *OUTCOMES[name].dims, "statistic")
            for when in WHEN:
                for statistic in STATISTICS:
                    found = data[name].sel(cell=cell, when=when, statistic=statistic).to_numpy()
                    wanted = over_replicates(by_time(run, name, when), statistic)
                    np.testing.assert_array_equal(found, wanted)
        again = sim.run(sweep.scenario(cell))
        assert again.data.identical(run.data)
        assert again.final.identical(run.final)


def test_paths_are_those_of_runs(scenario: Scenario, runs: list[Run], tmp_path: Path) -> None:
    sweep = sim.sweep(scenario, OVER, folder=tmp_path, workers=1, keep="paths")
    data = sweep.data
    assert list(data.period.values) == [*runs[0].data.period.values, "2035H2"]
    for cell, run in enumerate(runs):
        for name in KEPT:
            for statistic in STATISTICS:
                found = data[name].sel(cell=cell, statistic=statistic).to_numpy()
                np.testing.assert_array_equal(found, over_replicates(path(run, name), statistic))


def test_replicates_are_those_of_runs(scenario: Scenario, runs: list[Run], tmp_path: Path) -> None:
    data = sim.sweep(scenario, OVER, folder=tmp_path, workers=1, keep="replicates").data
    for cell, run in enumerate(runs):
        for name in KEPT:
            assert data[name].dims == ("cell", "when", *OUTCOMES[name].dims, "replicate")
            for when in WHEN:
                found = data[name].sel(cell=cell, when=when).to_numpy()
                np.testing.assert_array_equal(found, by_time(run, name, when))


def test_trajectories_are_those_of_runs(
    scenario: Scenario, runs: list[Run], tmp_path: Path
) -> None:
    data = sim.sweep(scenario, OVER, folder=tmp_path, workers=1, keep="trajectories").data
    for cell, run in enumerate(runs):
        for name in KEPT:
            found = data[name].sel(cell=cell).to_numpy()
            np.testing.assert_array_equal(found, path(run, name))


def test_tables_agree_whatever_was_kept(scenario: Scenario, tmp_path: Path) -> None:
    tables = {
        keep: sim.sweep(scenario, OVER, folder=tmp_path, workers=1, keep=keep).table(
            "dependence", "signed", when="end", statistic=("mean", "p95")
        )
        for keep in ("summary", "replicates", "trajectories", "paths")
    }
    for table in tables.values():
        pd.testing.assert_frame_equal(table, tables["summary"], check_exact=True)


def test_table_has_a_row_a_cell(scenario: Scenario, tmp_path: Path) -> None:
    sweep = sim.sweep(scenario, OVER, folder=tmp_path, workers=1)
    table = sweep.table("dependence")
    assert list(table.columns[:6]) == [
        "cell",
        "scenario",
        "powers.eu.budget",
        "replicates",
        "status",
        "reason",
    ]
    assert list(table["cell"]) == [0, 1, 2]
    assert list(table["powers.eu.budget"]) == sorted(table["powers.eu.budget"])
    both = sweep.table("influence", when=("mean", "end"), statistic=("mean", "sd"))
    assert "influence.RU.end.sd" in both.columns
    np.testing.assert_array_equal(
        both["influence.RU.end.mean"], sweep.table("influence")["influence.RU"]
    )
    for wrong in ({"when": "later"}, {"statistic": "mode"}):
        with pytest.raises(InputError, match="unknown"):
            sweep.table("influence", **wrong)
    with pytest.raises(InputError, match="'influence'"):
        sweep.table("influenc")


def test_variables_say_unit_and_place(scenario: Scenario, tmp_path: Path) -> None:
    data = sim.sweep(scenario, OVER, folder=tmp_path, workers=1).data
    assert data["signed"].attrs["unit"] == "USD bn"
    assert list(data["status"].values) == ["done"] * 3
    assert data["powers.eu.budget"].dims == ("cell",)


def test_different_worlds_align_by_label(tmp_path: Path) -> None:
    one = replace(small("states=kz", replicates=5, seed=7), name="one_state")
    short = replace(ending(small(replicates=5, seed=7), "2028H2"), name="short")
    many = small("powers=five_suitors", replicates=5, seed=7)
    sweep = sim.sweep([one, short, many], folder=tmp_path, workers=1, keep="paths")
    data = sweep.data
    assert list(data["scenario"].values) == ["one_state", "short", many.name]
    mean = data["dependence"].sel(statistic="mean")
    assert np.isnan(mean.sel(cell=0, state="UZ")).all()
    assert not np.isnan(mean.sel(cell=0, state="KZ", power="RU")).any()
    assert np.isnan(mean.sel(cell=1, period="2030H1")).all()
    assert not np.isnan(mean.sel(cell=1, period="2028H2", power="EU")).any()
    assert np.isnan(mean.sel(cell=1, power="TR")).all()
    run = sim.run(many)
    np.testing.assert_array_equal(
        mean.sel(cell=2, period=run.data.period.values).to_numpy(),
        run.data["dependence"].mean("replicate").to_numpy(),
    )


def test_several_blocks_are_one_cell(tmp_path: Path) -> None:
    scenario = sim.load_scenario("strategic_balance", "outcomes=[dependence]", replicates=1100)
    over = {"design": "list", "over": [{"path": "seed", "values": [3, 4]}]}
    data = sim.sweep(scenario, over, folder=tmp_path, workers=1).data
    run = sim.run(replace(scenario, seed=3))
    for when in WHEN:
        values = by_time(run, "dependence", when)
        for statistic in STATISTICS:
            np.testing.assert_array_equal(
                data["dependence"].sel(cell=0, when=when, statistic=statistic).to_numpy(),
                over_replicates(values, statistic),
            )
    (folder,) = tmp_path.iterdir()
    assert not list((folder / "blocks").iterdir())


def test_equal_cells_are_computed_once_and_shown_twice(scenario: Scenario, tmp_path: Path) -> None:
    over = {"design": "list", "over": [{"path": "powers.eu.budget", "values": [2.0, 3.0, 2.0]}]}
    sweep = sim.sweep(scenario, over, folder=tmp_path, workers=1)
    table = sweep.table()
    assert list(table["status"]) == ["done"] * 3
    assert sum(len(keys) for keys in stored_keys(sweep.folder)) == 2
    shown = table.drop(columns="cell")
    pd.testing.assert_series_equal(shown.loc[0], shown.loc[2], check_names=False)


def stored_keys(folder: Path) -> list[list[str]]:
    """Keys of the rows in each file, read as any Parquet reader would."""
    return [
        pd.read_parquet(path, columns=["key"])["key"].tolist()
        for path in (folder / "parts").glob("*.parquet")
    ]


def test_again_computes_nothing(scenario: Scenario, tmp_path: Path) -> None:
    sweep = sim.sweep(scenario, OVER, folder=tmp_path, workers=1)
    before = {p: p.stat().st_mtime_ns for p in (sweep.folder / "parts").iterdir()}
    again = sim.sweep(scenario, OVER, folder=tmp_path, workers=1)
    assert again.folder == sweep.folder
    assert {p: p.stat().st_mtime_ns for p in (sweep.folder / "parts").iterdir()} == before


def test_missing_cells_are_nan(scenario: Scenario, tmp_path: Path) -> None:
    sweep = sim.sweep(scenario, OVER, folder=tmp_path, workers=1, shard="2/3")
    assert not sweep.complete
    assert sweep.status == ["missing", "done", "missing"]
    assert list(np.isnan(sweep.table()["dependence.KZ.RU"])) == [
        True,
        False,
        True,
    ]
    assert np.isnan(sweep.data["dependence"].sel(cell=0)).all()
    with pytest.raises(InputError, match="no cell 3"):
        sweep.scenario(3)


def test_opens_in_another_process(scenario: Scenario, tmp_path: Path) -> None:
    sweep = sim.sweep(scenario, OVER, folder=tmp_path, workers=1)
    code = (
        f"import sim; s = sim.open_sweep({str(sweep.folder)!r}); "
        "print(s.table()['dependence.KZ.RU'].tolist()); print(s.complete)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    numbers = sweep.table()["dependence.KZ.RU"].tolist()
    assert done.stdout.splitlines() == [str(numbers), "True"]


def test_no_sweep_here(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sweep here"):
        sim.open_sweep(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not readable"):
        sim.open_sweep(tmp_path)


# --- every outcome, every shape -------------------------------------------------------------------


def tiny(*overrides: str, name: str = "strategic_balance", **settings: Any) -> Scenario:
    """Two half-years."""
    found = sim.load_scenario(name, "horizon.end=2026H2", *overrides, **settings)
    return replace(found, output=replace(found.output, progress=False))


def kept_of(run: Run, name: str, keep: str) -> np.ndarray:
    """What a sweep keeps of an outcome of a run, from the arrays of the run."""
    if keep in ("summary", "replicates"):
        values = np.stack([by_time(run, name, when) for when in WHEN])
    else:
        values = path(run, name)
    if keep in ("summary", "paths"):
        return np.stack([over_replicates(values, each) for each in STATISTICS], axis=-1)
    return values


def agrees(sweep: Sweep) -> None:
    """Fail unless each cell holds the numbers of its run at its labels, and NaN elsewhere."""
    data, keep = sweep.data, str(sweep.keep)
    for cell in sweep.cells:
        run = sim.run(sweep.scenario(cell.number))
        for name in sweep.manifest["outcomes"]:
            found, wanted = data[name].sel(cell=cell.number), kept_of(run, name, keep)
            labels = {dim: run.data[dim].to_numpy() for dim in OUTCOMES[name].dims}
            if "period" in found.dims:
                labels["period"] = np.append(run.data.period, axes_end(run.scenario))
            if "replicate" in found.dims:
                labels["replicate"] = run.data.replicate.to_numpy()
            own = found.sel(labels)
            assert own.dims == found.dims == data[name].dims[1:]
            np.testing.assert_array_equal(own.to_numpy(), wanted, err_msg=name)
            assert np.isfinite(found).sum() == np.isfinite(wanted).sum(), name
            assert data[name].attrs == run.data[name].attrs
            for dim in labels:
                assert set(labels[dim]) <= set(data[dim].to_numpy())


def axes_end(scenario: Scenario) -> str:
    """Label of the point after the last half-year."""
    return axes_of(scenario)["period"][-1]


@pytest.mark.parametrize("keep", Keep)
def test_every_outcome_is_that_of_the_run(keep: Keep, tmp_path: Path) -> None:
    over = {"design": "list", "over": [{"path": "seed", "values": [3, 4]}]}
    sweep = sim.sweep(tiny(replicates=5), over, folder=tmp_path, workers=1, keep=keep)
    numbered = set() if keep is Keep.TRAJECTORIES else {"pick"}
    assert set(sweep.data.data_vars) == set(OUTCOMES) - numbered
    agrees(sweep)


@pytest.mark.parametrize("keep", [Keep.PATHS, Keep.REPLICATES])
def test_worlds_of_all_shapes_align_by_label(keep: Keep, tmp_path: Path) -> None:
    """Other states, powers, corridors, horizons, steps and replicates, the smaller ones first."""
    few = "outcomes=[dependence,trade,signed,corridor_flow,conditions]"
    base = tiny(few, replicates=3)
    worlds = {
        "one_state": tiny(few, "states=kz", replicates=3),
        "base": base,
        "turned": replace(base, states=dict(reversed(base.states.items()))),
        "five": tiny(few, name="five_suitors", replicates=4),
        "long": ending(base, "2028H1"),
        "short": ending(base, "2026H2", step=0.25),
        "one_corridor_less": replace(base, corridors=dict(list(base.corridors.items())[::-1])),
    }
    scenarios = [replace(world, name=name) for name, world in worlds.items()]
    sweep = sim.sweep(scenarios, folder=tmp_path, workers=1, keep=keep)
    agrees(sweep)
    data = sweep.data
    assert list(data["scenario"].to_numpy()) == list(worlds)
    assert list(data.power.to_numpy()) == ["RU", "CN", "EU", "US", "TR"]
    assert sorted(data.state.to_numpy()) == ["KG", "KZ", "TJ", "TM", "UZ"]
    if "period" in data.dims:
        assert list(data.period.to_numpy()) == sorted(data.period.to_numpy())
    table = sweep.table("dependence", "trade")
    pairs = [(w.state_codes, w.power_codes) for w in worlds.values()]
    for row, (states, powers) in enumerate(pairs):
        for state in data.state.to_numpy():
            for power in data.power.to_numpy():
                there = state in states and power in powers
                assert np.isfinite(table[f"dependence.{state}.{power}"][row]) == there
                assert np.isfinite(table[f"trade.{state}.{power}"][row]) == there


def test_horizons_and_replicates_can_be_factors(tmp_path: Path) -> None:
    over = [
        {"path": "horizon.end", "values": ["2026H2", "2027H2", "2026H1"]},
        {"path": "replicates", "values": [2, 5, 3]},
    ]
    sweep = sim.sweep(
        tiny("outcomes=[dependence,signed]"),
        {"design": "list", "over": over},
        folder=tmp_path,
        workers=1,
        keep="trajectories",
    )
    agrees(sweep)
    assert sweep.table()["replicates"].tolist() == [2, 5, 3]
    assert sweep.data.sizes["replicate"] == 5
    assert list(sweep.data.period.to_numpy())[-1] == "2027H2"


@pytest.mark.parametrize("keep", Keep)
def test_several_blocks_are_one_cell_whatever_is_kept(keep: Keep, tmp_path: Path) -> None:
    scenario = tiny("outcomes=[dependence,signed]", replicates=1100)
    agrees(sim.sweep(scenario, folder=tmp_path, workers=1, keep=keep))


def test_tables_say_the_same_whatever_was_kept(tmp_path: Path) -> None:
    """At the end to the bit; means over time are means of means but for the last bits."""
    scenario = tiny("outcomes=[dependence,signed]", replicates=7)
    over = {"design": "list", "over": [{"path": "seed", "values": [1, 2]}]}
    sweeps = {
        keep: sim.sweep(scenario, over, folder=tmp_path, workers=1, keep=keep) for keep in Keep
    }
    for statistic in STATISTICS:
        wanted = sweeps[Keep.SUMMARY].table("dependence", "signed", statistic=statistic)
        for sweep in sweeps.values():
            found = sweep.table("dependence", "signed", statistic=statistic)
            pd.testing.assert_frame_equal(found, wanted, check_exact=True)
    for statistic in STATISTICS:
        wanted = sweeps[Keep.SUMMARY].table("signed", when="mean", statistic=statistic)
        for keep, sweep in sweeps.items():
            if keep is Keep.PATHS and statistic != "mean":
                with pytest.raises(InputError, match="of paths only the mean has one"):
                    sweep.table("signed", when="mean", statistic=statistic)
                continue
            found = sweep.table("signed", when="mean", statistic=statistic)
            pd.testing.assert_frame_equal(found, wanted, rtol=1e-13)


def test_a_table_names_points_and_statistics_where_there_are_several(tmp_path: Path) -> None:
    sweep = sim.sweep(tiny("outcomes=[influence,polarisation]"), folder=tmp_path, workers=1)
    own = ["cell", "scenario", "replicates", "status", "reason"]
    assert list(sweep.table().columns) == [*own, *(f"influence.{p}" for p in ("RU", "CN", "EU"))]
    assert list(sweep.table("polarisation").columns) == [*own, "polarisation"]
    both = sweep.table("polarisation", when=["mean", "end"])
    assert list(both.columns) == [*own, "polarisation.mean.mean", "polarisation.end.mean"]
    one = sweep.table("polarisation", when=["end"], statistic=["sd"])
    assert list(one.columns) == [*own, "polarisation"]
    assert one["polarisation"][0] == sweep.data["polarisation"].sel(
        cell=0, when="end", statistic="sd"
    )


@pytest.mark.filterwarnings("ignore:overflow")
def test_failed_cells_are_nan_with_a_reason(tmp_path: Path) -> None:
    over = [{"path": "powers.eu.budget", "values": [2.0, 1e308, 3.0]}]
    for keep in Keep:
        sweep = sim.sweep(
            tiny("outcomes=[dependence]", replicates=3),
            {"design": "list", "over": over},
            folder=tmp_path,
            workers=1,
            keep=keep,
        )
        assert sweep.status == ["done", "failed", "done"]
        assert sweep.complete
        assert sweep.data["status"].to_numpy().tolist() == sweep.status
        assert np.isnan(sweep.data["dependence"].sel(cell=1)).all()
        assert not np.isnan(sweep.data["dependence"].sel(cell=[0, 2])).any()
        table = sweep.table()
        assert table["status"].tolist() == sweep.status
        assert np.isnan(table["dependence.KZ.RU"]).tolist() == [False, True, False]
        assert table["reason"].isna().tolist() == [True, False, True]
        assert table["reason"][1] == "world.budget: not finite"
        failures = sweep.failures()
        assert failures["cell"].tolist() == [1]
        assert failures["powers.eu.budget"].tolist() == [1e308]
        assert failures["reason"][0] == table["reason"][1]
        assert "Traceback" in failures["traceback"][0]
        first = f"first failure, cell 1: {table['reason'][1]}"
        assert sweep.text() == f"2 of 3 cells done, 1 failed\n{first}"


def test_blocks_that_are_missing_are_nan(tmp_path: Path) -> None:
    sweep = sim.sweep(
        tiny("outcomes=[dependence]", replicates=3),
        {"design": "list", "over": [{"path": "seed", "values": [1, 2, 3]}]},
        folder=tmp_path,
        workers=1,
        keep="trajectories",
        shard="2/2",
    )
    assert sweep.status == ["missing", "done", "missing"]
    assert np.isnan(sweep.data["dependence"]).all(
        ("period", "state", "power", "replicate")
    ).to_numpy().tolist() == [True, False, True]
    assert sweep.text() == "1 of 3 cells done, 0 failed"
    assert sweep.table()["reason"].isna().all()
    assert len(sweep.failures()) == 0


def test_places_of_cells_can_be_of_any_kind(tmp_path: Path) -> None:
    """Lists, texts, infinity, truth values, and settings that not every cell has."""
    over = [
        {"path": "rules.coercion.closes", "values": [["n"], [], ["ns"]]},
        {"path": "rules.choice.precision", "values": [1, float("inf"), 0.5]},
        {"path": "rules.trade.moving", "values": [True, False, True]},
        {"path": "uncertainty", "values": ["none", "evidence", "none"]},
        {"path": "events.railway_opens.until", "values": [None, "2032H1", None]},
    ]
    sweep = sim.sweep(
        tiny("outcomes=[dependence]", replicates=2),
        {"design": "list", "over": over},
        folder=tmp_path,
        workers=1,
    )
    for place in (sweep.data.coords, sweep.table()):
        for factor in over:
            found = list(np.asarray(place[factor["path"]], dtype=object))
            found = [None if isinstance(x, float) and np.isnan(x) else x for x in found]
            assert found == factor["values"], factor["path"]
    assert sweep.data["rules.trade.moving"].dtype == bool
    assert sweep.data["uncertainty"].dtype.kind == "U"
    agrees(sweep)


def test_outcomes_are_loaded_one_by_one(tmp_path: Path) -> None:
    sweep = sim.sweep(tiny("outcomes=[dependence,signed,trade]"), folder=tmp_path, workers=1)
    assert list(sweep.load("signed", "dependence").data_vars) == ["signed", "dependence"]
    assert "partner" not in sweep.load("signed").coords
    assert list(sweep.load("trade").partner.to_numpy()) == ["RU", "CN", "EU", "ROW"]
    assert sweep.load("signed")["signed"].identical(sweep.data["signed"])
    with pytest.raises(InputError, match=r"outcome 'alignment' was not kept \(nearest"):
        sweep.load("alignment")
    with pytest.raises(InputError, match=r"outcome 'trad' was not kept \(nearest.*'trade'"):
        sweep.table("trad")


def test_what_was_kept_in_another_way_is_another_sweep(tmp_path: Path) -> None:
    scenario = tiny("outcomes=[dependence]", replicates=3)
    folders = {sim.sweep(scenario, folder=tmp_path, workers=1, keep=keep).folder for keep in Keep}
    assert len(folders) == len(Keep)


def test_cells_of_one_sweep_are_taken_over_by_another(tmp_path: Path) -> None:
    """A longer list computes only what the shorter one has not."""
    scenario = tiny("outcomes=[dependence]", replicates=3)

    def listed(*seeds: int) -> Sweep:
        over = {"design": "list", "over": [{"path": "seed", "values": list(seeds)}]}
        return sim.sweep(scenario, over, folder=tmp_path, workers=1)

    first, second = listed(1, 2), listed(3, 2, 1)
    assert first.folder != second.folder
    assert [cell.key for cell in second.cells[:0:-1]] == [cell.key for cell in first.cells]
    agrees(second)
    seconds = {
        sweep.folder: dict(zip(*stored_seconds(sweep.folder), strict=True))
        for sweep in (first, second)
    }
    for key, value in seconds[first.folder].items():
        assert seconds[second.folder][key] == value


def stored_seconds(folder: Path) -> tuple[list[str], list[float]]:
    """Key and wall seconds of each row."""
    table = pd.concat(
        pd.read_parquet(path, columns=["key", "seconds"])
        for path in (folder / "parts").glob("*.parquet")
    )
    return table["key"].tolist(), table["seconds"].tolist()
