"""The back-test on the historical data that stand beside the repository, where they do."""

from __future__ import annotations

import contextlib
import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from backtest.made import DATA, STATES

import sim
from sim.analysis.backtest import Backtest
from sim.analysis.backtest.calibration import Calibration
from sim.analysis.backtest.forecast import RIVALS, VARIANTS
from sim.analysis.backtest.result import HELD_BACK, TUNING
from sim.backtesting import CUT, FIRST, fitted, read
from sim.cli import main
from sim.history import read_history
from sim.places import CONFIG_DIR

pytestmark = pytest.mark.skipif(
    not (DATA / "trade.csv").is_file(), reason="no historical data beside the repository"
)

MODEL = "trade known"
SHIFT = 9
"""Years between a row and its copy."""
BOOKS = (
    ("factbook_mirror", "C"),
    ("mirror_news", "C"),
    ("interpolated", "D"),
)
"""Basis and quality of copies, by year in turn."""
MISSING = (("TKM", "RUS", 2021), ("TKM", "RUS", 2023))
EXCESS = ("KGZ", 2019)
BOUNDS = (("TJK", "EU27", 2017), ("TJK", "EU27", 2018))
"""Copies with one flow, as some years before have."""


def told(*arguments: str) -> str:
    shown, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(wrong):
        status = main(["backtest", *arguments])
    assert status == 0, wrong.getvalue()
    return shown.getvalue()


# --- as it is -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> Backtest:
    """Years to 2014, with all that is taken unless something else is asked for."""
    return sim.backtest(DATA, until=2014)


def test_what_was_asked_for_is_met(found: Backtest) -> None:
    """Intervals hold 80 to 97 %, 3 of 5 states gain in the long run, none loses 5 % in a year."""
    table = found.acceptance(MODEL, TUNING)
    assert len(table) == 5
    assert table["met"].all(), table.to_string()
    covered = found.coverage("period").set_index("model").loc[MODEL, "inside90"]
    assert 0.80 <= covered <= 0.97
    for reference in ("persistence", "persistence with spread"):
        skill = found.skill(("reach", "state"), models=[MODEL], references=[reference])
        skill = skill.set_index(["reach", "state"])["skill"]
        assert (skill["4+"] > 0).sum() >= 3
        assert len(skill["4+"]) == 5
        assert skill["1"].min() >= -0.05


def test_every_forecast_of_every_state_is_scored(found: Backtest) -> None:
    cells = found.cells()
    assert set(cells["model"]) == {*VARIANTS, *RIVALS}
    assert set(cells["state"]) == set(STATES)
    assert set(cells["origin"]) == set(range(CUT, 2014))
    assert set(cells["period"]) == {TUNING}
    for _, part in cells.groupby("model"):
        assert len(part) == 5 * (6 + 5 + 4 + 3 + 2 + 1)


def test_changed_bases_are_told_apart(found: Backtest) -> None:
    """Uzbek rows change theirs in 2010."""
    basis = found.data["basis"].sel(state="UZ")
    assert set(basis.sel(origin=2008, horizon=[2, 3, 4]).values) == {"changed"}
    assert set(basis.sel(origin=2010, horizon=[1, 2, 3]).values) == {"same"}
    kazakh = found.data["basis"].sel(state="KZ", origin=2011)
    assert kazakh.sel(horizon=[2, 3]).values.tolist() == ["interpolated"] * 2
    table = found.skill("basis", models=[MODEL], references=["persistence"])
    assert set(table["basis"]) == {"same", "changed", "interpolated"}


def test_the_command_runs(tmp_path: Path) -> None:
    few = ("--members", "50", "--origins", "2008,2011", "--decisions", "none", "--until", "2014")
    shown = told(str(DATA), *few, "--save", str(tmp_path))
    assert "invented" not in shown
    assert "# Years forecast to 2014" in shown
    assert "UZ–RU 2010: basis changes from mirror to national" in shown
    assert len(pd.read_csv(tmp_path / "scores.csv")) == 10 * 5 * (6 + 3)


# --- as it may be continued -----------------------------------------------------------------------


def continued() -> Iterator[dict[str, str]]:
    """Rows of the trade file with copies of 2006 to 2014 nine years on."""
    with (DATA / "trade.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if int(row["year"]) <= 2014]
    yield from rows
    worlds = {}
    for row in rows:
        if row["partner"] == "WORLD":
            worlds[row["reporter_iso3"], int(row["year"]) + SHIFT] = float(row["total_usd_m"])
    for row in rows:
        year = int(row["year"]) + SHIFT
        if year < 2015 or (row["reporter_iso3"], row["partner"], year) in MISSING:
            continue
        basis, letter = BOOKS[year % len(BOOKS)]
        copy = row | {"year": str(year), "quality": letter + row["quality"][1:]}
        if row["partner"] != "WORLD":
            copy["basis"] = basis
        if (row["reporter_iso3"], year, row["partner"]) == (*EXCESS, "CHN"):
            much = 1.5 * worlds[EXCESS]
            copy |= {"exports_usd_m": "0", "imports_usd_m": f"{much:.3f}", "quality": letter}
            copy |= {"total_usd_m": f"{much:.3f}", "share_of_total_pct": ""}
        if (row["reporter_iso3"], row["partner"], year) in BOUNDS:
            copy |= {"exports_usd_m": "", "total_usd_m": row["imports_usd_m"]}
            copy |= {"share_of_total_pct": "", "quality": f"{letter}-"}
        yield copy


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("longer")
    rows = list(continued())
    with (folder / "trade.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for name in ("gdp_population.csv", "memberships.csv"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def scored(longer: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("scored")
    few = ("--members", "60", "--horizons", "5", "--decisions", "none")
    shown = told(str(longer), *few, "--save", str(folder))
    return shown, pd.read_csv(folder / "scores.csv")


def test_copies_are_of_all_kinds(longer: Path) -> None:
    data = read_history(longer, gaps=True).data.sel(year=slice(2015, None))
    assert data["year"].values.tolist() == list(range(2015, 2024))
    assert set(data["quality"].values.ravel()) >= {"C", "D", "C-", "D-", ""}
    assert set(data["basis"].values.ravel()) == {basis for basis, _ in BOOKS} | {""}


def test_later_years_are_scored_as_a_period_of_their_own(
    scored: tuple[str, pd.DataFrame],
) -> None:
    shown, cells = scored
    first, second = (
        shown.index("# Years forecast to 2014"),
        shown.index(f"# Years forecast {HELD_BACK}"),
    )
    assert first < second
    assert set(cells["period"]) == {TUNING, HELD_BACK}
    assert set(cells.loc[cells["period"] == HELD_BACK, "year"]) == set(range(2015, 2024))
    assert set(cells["origin"]) == set(range(CUT, 2023))
    assert shown.count("Asked of 'trade known' beforehand") == 2
    assert set(cells.loc[cells["year"] > 2014, "quality"]) == {"C", "D"}


def test_years_that_cannot_be_used_are_left_out(scored: tuple[str, pd.DataFrame]) -> None:
    shown, cells = scored
    for state, years in (("TM", {2021, 2023}), ("KG", {2019})):
        own = cells[cells["state"] == state]
        assert not set(own["year"]) & years
        assert not set(own["origin"]) & years
        assert set(own["year"]) == set(range(CUT + 1, 2024)) - years
    others = cells[cells["state"].isin(["KZ", "TJ", "UZ"])]
    assert set(others["year"]) == set(range(CUT + 1, 2024))
    assert "TM 2021, 2023: no row with RU, so no shares" in shown
    assert "KG 2019: the powers trade more than the world, so no shares" in shown


def test_earlier_years_are_scored_as_without_the_later(
    scored: tuple[str, pd.DataFrame],
) -> None:
    """All forecasts of years to 2014, bit for bit."""
    _, cells = scored
    origins = range(CUT, 2014)
    plain = sim.backtest(DATA, origins=origins, horizons=5, members=60, until=2014).cells()
    both = plain.merge(cells, on=["model", "state", "origin", "horizon"], suffixes=("", "_longer"))
    assert len(both) == len(plain)
    np.testing.assert_allclose(both["score_longer"], both["score"], rtol=1e-12)


# --- calibration ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def refit(longer: Path) -> Calibration:
    """From the longer file, of which the training years are the same."""
    _, past = read(longer, None, None, CUT)
    return fitted(past, (FIRST, CUT), (), None)[1]


def one_digit(found: float, wanted: float) -> bool:
    """Whether two numbers agree to three digits, give or take one of the last."""
    if wanted == 0:
        return found == 0
    unit = 10.0 ** (math.floor(math.log10(abs(wanted))) - 2)
    return abs(found - wanted) < 1.01 * unit


def agree(found: Any, wanted: Any, place: str = "") -> None:
    """Fail unless two trees have the same keys and words, and numbers to three digits."""
    if isinstance(wanted, Mapping):
        assert list(found) == list(wanted), place
        for key, value in wanted.items():
            agree(found[key], value, f"{place}.{key}")
    elif isinstance(wanted, float | int):
        assert one_digit(found, wanted), (place, found, wanted)
    elif not place.endswith((".paraphrase", ".note", ".date")):
        assert found == wanted, place


def tree(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_shipped_numbers_are_those_of_a_refit(refit: Calibration, tmp_path: Path) -> None:
    """And their facts, up to the words that hold rounded numbers."""
    replace(refit, prefix="cal").write(tmp_path, "calibrated_trade")
    name = "mechanism/calibrated_trade.yaml"
    agree(tree(tmp_path / name), tree(Path(CONFIG_DIR) / name))
    evidence = Path(sim.__file__).parent / "evidence"
    for kind in ("facts", "sources"):
        name = f"{kind}/calibration.yaml"
        agree(tree(tmp_path / "evidence" / name), tree(evidence / name))
    (source,) = tree(evidence / "sources" / "calibration.yaml").values()
    assert refit.history in source["note"]
    assert refit.years_read == CUT


def test_the_refit_rests_on_enough(refit: Calibration) -> None:
    assert refit.posterior.effective > 500
    assert refit.posterior.changes.tolist() == [CUT - FIRST] * 5
    assert refit.correlation < 0.5  # as the numbers are drawn independently
