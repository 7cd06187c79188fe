"""The historical data that stand beside the repository, where they do."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from sim.history import History, read_history
from sim.history.codes import FILE_CODES, POWERS, STATES

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not (DATA / "trade.csv").is_file(), reason="no historical data beside the repository"
)


@pytest.fixture(scope="module")
def history() -> History:
    return read_history(DATA)


def test_five_states_and_three_powers_are_read(history: History) -> None:
    assert history.data.sizes == {"state": 5, "partner": 4, "year": 21, "power": 3, "economy": 9}
    assert not history.data["trade"].isnull().any()
    np.testing.assert_allclose(history.shares.sum("partner"), 1, rtol=1e-12)


def test_every_state_and_power_of_the_project_is_read() -> None:
    whole = read_history(DATA, states=STATES, powers=POWERS)
    there = whole.shares.sel(year=slice(1994, None))
    assert there.sizes["state"] == len(STATES)
    np.testing.assert_allclose(there.sum("partner", skipna=False), 1, rtol=1e-12)
    assert "MN–TR 1992–1999: no trade; 0.5 USD m stands for it in shares" in whole.notes


def test_kazakh_trade_of_2008_is_that_of_the_file(history: History) -> None:
    with (DATA / "trade.csv").open(encoding="utf-8") as stream:
        total = {
            row["partner"]: float(row["total_usd_m"])
            for row in csv.DictReader(stream)
            if (row["year"], row["reporter_iso3"]) == ("2008", "KAZ")
        }
    trade = history.data["trade"].sel(state="KZ", year=2008)
    for power in ("RU", "CN", "EU"):
        assert float(trade.sel(partner=power)) == total[FILE_CODES[power]] / 1000
    assert float(trade.sum()) == pytest.approx(total["WORLD"] / 1000, rel=1e-12)


def test_chinese_share_of_turkmenistan_rises_after_the_pipeline_of_2009(history: History) -> None:
    share = history.shares.sel(state="TM", partner="CN")
    assert float(share.sel(year=2014)) > 2 * float(share.sel(year=2009))


def test_breaks_are_noted_and_marked(history: History) -> None:
    for power in ("RU", "CN", "EU"):
        assert (
            f"UZ–{power} 2010: basis changes from mirror to national; the change from 2009 is not "
            "behaviour"
        ) in history.notes
    marked = history.data["breaks"].sum("power")
    assert marked.sel(state="UZ", year=2010) == 3
    assert marked.sel(state="KG").sum() == 0


def test_interpolation_towards_later_years_is_noted(history: History) -> None:
    notes = [note for note in history.notes if "interpolated towards a figure after" in note]
    assert [note.split(":")[0] for note in notes] == ["KZ–CN 2013–2014", "TJ–CN 2011–2014"]


def test_until_leaves_later_years_unread() -> None:
    history = read_history(DATA / "trade.csv", until=2009)
    assert max(max(years) for years in history.years_read.values()) == 2009
    assert history.data["year"].values[-1] == 2009
    assert not [m for m in history.memberships if m.start.year > 2009]
    assert not [m for m in history.memberships if m.end and m.end.year > 2009]
    assert not history.data["breaks"].any()
