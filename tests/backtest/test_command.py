"""``multivector backtest``: what it prints and writes."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from backtest.made import PARTNERS, STATES

import sim
from sim.analysis.backtest import choices
from sim.analysis.backtest.forecast import PERSISTENCE, RIVALS, VARIANTS
from sim.backtesting import EXAMPLE_FOLDER
from sim.cli import main
from sim.history import read_decisions, read_history
from sim.plots import figures

SMALL = ("--members", "30", "--origins", "2008-2010", "--horizons", "3")
INVENTED = "These data are invented"
TABLES = ("scores", "skill", "coverage", "acceptance", "forecasts")
FIGURES = ("skill", "reliability", "forecasts")
patched = pytest.MonkeyPatch.context
PNG = b"\x89PNG\r\n"


def told(*arguments: str, draw: bool = False) -> str:
    """What the command prints; fails unless it succeeds. Figures are left out unless asked for."""
    shown, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(wrong), patched() as patch:
        if not draw:
            patch.setattr(figures, "save", lambda figure, path: None)
        status = main(["backtest", *arguments])
    assert status == 0, wrong.getvalue()
    assert "multivector:" not in wrong.getvalue()
    return shown.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved") / "new" / "folder"


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    """The example with decisions, scored on few replicates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choices, "REPLICATES", 10)
        return told("example", *SMALL, "--save", str(folder), draw=True)


@pytest.fixture(scope="module")
def found() -> sim.analysis.backtest.Backtest:  # type: ignore[name-defined]
    return sim.backtest("example", origins=[2008, 2009, 2010], horizons=3, members=30)


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv")


# --- what is printed ------------------------------------------------------------------------------


def test_the_example_says_that_it_is_invented(text: str) -> None:
    assert text.startswith(f"{INVENTED}: the model made them. They say nothing on any state.\n")


@pytest.mark.parametrize(
    "title",
    [
        "Trade of KZ, KG, TJ, TM, UZ with RU, CN, EU, ROW, from 2008–2010 up to 3 years ahead",
        "Mean energy score by horizon in years",
        "Skill (1 - score / score of the reference, %) by horizon in years",
        "Skill by state and horizon, %",
        "Skill of 'trade known' by partner (CRPS), %",
        "Share of what happened within intervals of 50 and 90 %, %",
        "Asked of 'trade known' beforehand",
        "What has to be known of the data",
        "Choice rule on 40 dated decisions, all",
        "those with rival powers",
        "All powers against nobody",
    ],
)
def test_tables_are_printed(text: str, title: str, folder: Path) -> None:
    assert title in text
    assert text.rstrip().endswith(str(folder))


def test_all_forecasts_are_in_the_tables(text: str) -> None:
    block = text[text.index("Mean energy score") :]
    for name in (*VARIANTS, *RIVALS):
        assert any(line.startswith(name) for line in block.splitlines()), name


# --- what is written ------------------------------------------------------------------------------


def test_files_are_those_that_the_command_says(text: str, folder: Path) -> None:
    assert text
    wanted = {f"{name}.csv" for name in (*TABLES, "choices", "decisions")}
    wanted |= {f"{name}.png" for name in (*FIGURES, "choices")} | {"backtest.json"}
    assert {path.name for path in folder.iterdir()} == wanted
    for path in folder.glob("*.png"):
        assert path.read_bytes().startswith(PNG)
        assert path.stat().st_size > 10_000


def test_tables_are_those_of_python(
    text: str,
    folder: Path,
    found: sim.analysis.backtest.Backtest,  # type: ignore[name-defined]
) -> None:
    assert text
    for name, mine in (
        ("scores", found.cells()),
        ("skill", found.table()),
        ("coverage", found.coverage(("period", "reach"))),
        ("forecasts", found.quantiles((0.05, 0.25, 0.5, 0.75, 0.95))),
    ):
        written = table(folder, name)
        assert list(written.columns) == list(mine.columns)
        pd.testing.assert_frame_equal(
            written, mine.reset_index(drop=True), check_dtype=False, rtol=1e-9, obj=name
        )
    accepted = table(folder, "acceptance")
    assert {"claim", "value", "met"} <= set(accepted.columns)
    assert accepted["claim"].tolist()[: len(found.acceptance())] == (
        found.acceptance()["claim"].tolist()
    )


def test_scores_are_those_of_every_forecast(text: str, folder: Path) -> None:
    assert text
    scores = table(folder, "scores")
    assert len(scores) == 10 * len(STATES) * 3 * 3
    assert np.isfinite(scores["score"]).all()
    quantiles = table(folder, "forecasts")
    assert set(quantiles["partner"]) == set(PARTNERS)
    levels = quantiles[["q05", "q25", "q50", "q75", "q95"]].to_numpy()
    assert (np.diff(levels, axis=1) >= -1e-12).all()
    points = quantiles[quantiles["model"] == PERSISTENCE]
    assert points["q05"].to_numpy() == pytest.approx(points["q95"].to_numpy())


def test_decisions_are_written_one_by_one(text: str, folder: Path) -> None:
    assert text
    log = table(folder, "decisions")
    assert log["id"].tolist() == [made.id for made in read_decisions()]
    assert len(table(folder, "choices")) == 5


def test_the_record_says_what_was_asked(text: str, folder: Path) -> None:
    assert text
    record = json.loads((folder / "backtest.json").read_text(encoding="utf-8"))
    assert record["data"] == read_history(EXAMPLE_FOLDER, gaps=True).digest
    assert record["data"] in text
    assert record["plan"] == [[2008, 2009, 2010], 3, 30, 1]
    assert record["train"] is None
    assert set(record["versions"]) >= {"multivector", "numpy"}
    assert record["code"]


# --- options --------------------------------------------------------------------------------------


TINY = ("--members", "20", "--origins", "2010", "--horizons", "2", "--decisions", "none")


def test_nothing_named_goes_to_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request finds the same folder, another one another."""
    monkeypatch.chdir(tmp_path)
    first, again, other = (
        Path(told("example", *TINY, *more).splitlines()[-1]) for more in ((), (), ("--seed", "2"))
    )
    assert first == again
    assert first != other
    assert {path.name for path in (tmp_path / "backtests").iterdir()} == {first.name, other.name}
    assert first.name.startswith("2010-2010-")
    assert (tmp_path / first / "scores.csv").is_file()
    assert not (tmp_path / first / "choices.csv").exists()


def test_own_files_are_not_called_invented(tmp_path: Path) -> None:
    shown = told(str(EXAMPLE_FOLDER), *TINY, "--save", str(tmp_path / "out"))
    assert INVENTED not in shown
    assert shown.startswith("Trade of KZ")


def test_states_and_last_year_can_be_chosen(tmp_path: Path) -> None:
    arguments = ("--states", "UZ,KZ", "--until", "2011", "--save", str(tmp_path / "out"))
    shown = told("example", *TINY, *arguments)
    assert "Trade of UZ, KZ with RU, CN, EU, ROW" in shown
    scores = table(tmp_path / "out", "scores")
    assert set(scores["state"]) == {"UZ", "KZ"}
    assert set(scores["year"]) == {2011}
    whole = sim.backtest("example", origins=[2010], horizons=2, members=20, states=("UZ", "KZ"))
    mine = whole.cells()
    mine = mine[(mine["year"] == 2011) & mine["model"].isin(RIVALS)]
    written = scores[scores["model"].isin(RIVALS)]
    np.testing.assert_allclose(written["score"], mine["score"], rtol=1e-9)


def test_decisions_are_those_of_the_states_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "REPLICATES", 5)
    few = [text for text in TINY if text not in ("--decisions", "none")]
    told("example", *few, "--states", "KZ,TJ", "--save", str(tmp_path / "out"))
    wanted = [made.id for made in read_decisions() if made.state in ("KZ", "TJ")]
    assert table(tmp_path / "out", "decisions")["id"].tolist() == wanted


def test_one_state_one_origin_one_year(tmp_path: Path) -> None:
    few = ("--members", "20", "--origins", "2013", "--horizons", "1", "--decisions", "none")
    shown = told("example", *few, "--states", "tm", "--save", str(tmp_path / "out"))
    assert "Trade of TM with" in shown
    assert len(table(tmp_path / "out", "scores")) == 10


def test_an_own_configuration_is_taken(tmp_path: Path) -> None:
    """Overrides move the forecasts of the model and none of the rivals."""
    plain, moved = tmp_path / "plain", tmp_path / "moved"
    told("example", *TINY, "--save", str(plain))
    told("example", "rules.trade.partner_elasticity.value=0.5", *TINY, "--save", str(moved))
    first, second = (table(f, "scores") for f in (plain, moved))
    for name in (*VARIANTS, *RIVALS):
        own = first["model"] == name
        same = np.allclose(first.loc[own, "score"], second.loc[own, "score"], rtol=1e-9)
        assert same == (name in RIVALS), name


# --- calibration ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("calibrated")
    return told("example", *TINY, "--calibrate", "--save", str(folder)), folder


def test_a_calibration_is_told_and_written(calibrated: tuple[str, Path]) -> None:
    shown, folder = calibrated
    assert shown.startswith("Calibrated on 2000–2008: changes of shares used KZ 8, KG 8, TJ 8")
    assert "effective of 16384 draws" in shown
    assert INVENTED in shown
    numbers = table(folder, "calibration").set_index("name")
    for name in ("rules.trade.trend.cn", "rules.trade.volatility.tm"):
        assert numbers.loc[name, "low"] < numbers.loc[name, "mean"] < numbers.loc[name, "high"]
    own = {p.relative_to(folder).as_posix() for p in (folder / "calibrated").rglob("*.yaml")}
    assert len(own) == 3
    assert {"calibrated/evidence/facts/calibration.yaml"} < own
    record = json.loads((folder / "backtest.json").read_text(encoding="utf-8"))
    assert record["train"] == [2000, 2008]


def test_a_calibration_can_be_used(calibrated: tuple[str, Path], tmp_path: Path) -> None:
    """In a run and in a back-test, which then scores what the calibration's own did."""
    _, folder = calibrated
    (written,) = (folder / "calibrated" / "mechanism").glob("*.yaml")
    chosen = (f"mechanism={written.stem}", "--config-dir", str(folder / "calibrated"))
    few = ("replicates=2", "output.figures=false", f"output.dir={tmp_path / 'runs'}")
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["run", *chosen, *few]) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 1
    told("example", *TINY, *chosen, "--save", str(tmp_path / "out"))
    first, second = (table(f, "scores") for f in (folder, tmp_path / "out"))
    np.testing.assert_allclose(first["score"], second["score"], rtol=0.05, atol=0.01)
    assert np.abs(first["score"] - second["score"]).mean() < 0.002  # by rounding to three digits


def test_fewer_training_years_and_states(tmp_path: Path) -> None:
    chosen = ("--train", "1999-2006", "--states", "KZ,UZ", "--save", str(tmp_path / "out"))
    shown = told("example", *TINY, "--calibrate", *chosen)
    assert shown.startswith("Calibrated on 1999–2006: changes of shares used KZ 7, UZ 7;")
    numbers = set(table(tmp_path / "out", "calibration")["name"])
    assert {n for n in numbers if "volatility" in n} == {
        "rules.trade.volatility.kz",
        "rules.trade.volatility.uz",
    }


def origins_of(folder: Path) -> Sequence[int]:
    found: Sequence[int] = sorted(set(table(folder, "scores")["origin"]))
    return found


def test_forecasts_begin_where_the_training_ends(tmp_path: Path) -> None:
    few = ("--members", "20", "--horizons", "1", "--decisions", "none")
    fit = ("--calibrate", "--train", "2003-2011", "--save", str(tmp_path / "out"))
    told("example", *few, *fit)
    assert origins_of(tmp_path / "out") == [2011, 2012, 2013]


def test_python_refits_as_the_command_does(calibrated: tuple[str, Path]) -> None:
    _, folder = calibrated
    mine = sim.backtest("example", origins=[2010], horizons=2, members=20, refit=True).cells()
    np.testing.assert_allclose(table(folder, "scores")["score"], mine["score"], rtol=1e-9)
