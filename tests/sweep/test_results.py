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
from sim.sweep.keep import QUANTILES, STATISTICS, WHEN

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
