"""What holds for any trade: shares are a composition, mistakes are found, order is nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from history.synthetic import STATES, TRADE, Files, amounts
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.history import History, read_history
from sim.history.spans import spans

YEARS = (2000, 2001, 2002)
AMOUNTS = st.one_of(st.just(0.0), st.floats(0.001, 1e5).map(lambda amount: round(amount, 3)))
"""USD m with the decimals of the file."""
TRADES = st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, st.floats(1, 1e5)), min_size=3, max_size=3)
"""Trade with Russia, China and the EU, and of the rest of the world, by year."""


def read(files: Files, until: int | None = None) -> History:
    with tempfile.TemporaryDirectory() as folder:
        return read_history(files.write(Path(folder)), states=STATES, until=until)


def small(trades: list[tuple[float, float, float, float]]) -> Files:
    """Files of three years with this Kazakh trade."""
    files = Files(YEARS[0], YEARS[-1])
    files.drop(TRADE, reporter_iso3="KAZ", partner="JPN")
    for year, (*powers, rest) in zip(YEARS, trades, strict=True):
        world = sum(powers) + rest
        for partner, amount in zip(("RUS", "CHN", "EU27", "WORLD"), (*powers, world), strict=True):
            files.flow(year, partner).update(amounts(amount, 0, world))
    return files


@given(TRADES)
def test_shares_are_a_composition_that_keeps_proportions(
    trades: list[tuple[float, float, float, float]],
) -> None:
    history = read(small(trades))
    trade, shares = history.data["trade"].sel(state="KZ"), history.shares.sel(state="KZ")
    assert bool((shares > 0).all())
    np.testing.assert_allclose(shares.sum("partner"), 1, rtol=1e-12)
    for year, (*powers, _) in zip(YEARS, trades, strict=True):
        found = trade.sel(year=year, partner=["RU", "CN", "EU"]).values
        np.testing.assert_allclose(1000 * found, powers, rtol=1e-12)
        there = trade.sel(year=year) > 0
        ratios = (shares.sel(year=year) / trade.sel(year=year)).where(there, drop=True)
        np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)
    noted = {note.split(":")[0] for note in history.notes if "no trade" in note}
    assert len(noted) == int((trade == 0).any("year").sum())


@given(st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(random: object) -> None:
    files = Files(*YEARS[::2])
    first = read(files)
    for rows in files.tables.values():
        random.shuffle(rows)  # type: ignore[attr-defined]
    other = read(files)
    assert other.data.identical(first.data)
    assert other.memberships == first.memberships
    assert other.digest == first.digest


@given(st.sampled_from(range(1997, 2012)))
def test_no_year_after_the_last_one_is_read(until: int) -> None:
    history = read(Files(), until=until)
    assert max(max(years) for years in history.years_read.values()) == until
    assert history.data["year"].values[-1] == until


@given(
    st.sampled_from(range(1996, 2013)),
    st.sampled_from(["RUS", "CHN", "EU27", "JPN", "WORLD"]),
    st.sampled_from(["exports_usd_m", "imports_usd_m"]),
    st.floats(2, 1e6),
)
def test_a_flow_that_is_changed_by_itself_is_found(
    year: int, partner: str, column: str, more: float
) -> None:
    """No more than rounding of whole millions goes unseen."""
    files = Files()
    flow = files.flow(year, partner)
    flow[column] = f"{float(flow[column]) + more:.3f}"
    with pytest.raises(InputError, match=f"line {files.at(year, partner)}: total_usd_m"):
        read(files)


@given(st.sets(st.integers(1990, 2030)))
def test_spans_name_every_year_once(years: set[int]) -> None:
    named: list[int] = []
    for part in spans(years).split(", ") if years else []:
        ends = [int(year) for year in part.split("–")]
        named += range(ends[0], ends[-1] + 1)
    assert named == sorted(years)
