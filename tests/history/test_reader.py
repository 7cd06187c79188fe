"""What the reader makes of files without a mistake: numbers, labels, notes, digest, last year."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from history.synthetic import (
    FIRST,
    GDP,
    LAST,
    MEMBERSHIPS,
    OUTPUT,
    PARTNERS,
    STATES,
    TRADE,
    Files,
    amounts,
    membership,
    to_2023,
)

from sim import axes
from sim.errors import InputError
from sim.history import ZERO_TRADE, History, Membership, read_history
from sim.history.codes import CODES

YEARS = list(range(FIRST, LAST + 1))


def read(files: Files, folder: Path, **options: Any) -> History:
    folder.mkdir(exist_ok=True)
    return read_history(files.write(folder), **{"states": STATES, **options})


@pytest.fixture
def history(tmp_path: Path) -> History:
    return read(Files(), tmp_path)


def total(files: Files, year: int, partner: str, reporter: str = "KAZ") -> float:
    """Trade in the file, USD bn."""
    return float(files.flow(year, partner, reporter)["total_usd_m"]) / 1000


def test_codes_are_those_of_the_project() -> None:
    assert set(CODES.values()) == {code.upper() for code in axes.STATES + axes.POWERS}
    assert len(set(CODES.values())) == len(CODES)


def test_axes_and_units(history: History) -> None:
    data = history.data
    assert data["trade"].dims == ("state", "partner", "year")
    assert data["gdp"].dims == data["gdp_real"].dims == ("economy", "year")
    for name in ("quality", "basis", "breaks"):
        assert data[name].dims == ("state", "power", "year")
    assert data["state"].values.tolist() == ["KZ", "KG"]
    assert data["power"].values.tolist() == ["RU", "CN", "EU"]
    assert data["partner"].values.tolist() == ["RU", "CN", "EU", "ROW"]
    assert data["economy"].values.tolist() == ["KZ", "KG", "RU", "CN", "EU", "ROW"]
    assert data["year"].values.tolist() == YEARS
    assert {data[name].attrs["unit"] for name in ("trade", "gdp", "gdp_real")} == {"USD bn/yr"}


def test_trade_is_that_of_the_file_and_the_rest_what_remains(history: History) -> None:
    files = Files()
    for state, reporter in (("KZ", "KAZ"), ("KG", "KGZ")):
        for year in YEARS:
            trade = history.data["trade"].sel(state=state, year=year)
            for power, partner in (("RU", "RUS"), ("CN", "CHN"), ("EU", "EU27")):
                assert trade.sel(partner=power) == total(files, year, partner, reporter)
            assert trade.sum() == pytest.approx(total(files, year, "WORLD", reporter), rel=1e-12)


def test_powers_that_are_left_out_belong_to_the_rest(tmp_path: Path) -> None:
    files = Files()
    data = read(files, tmp_path, powers=("cn", "ru")).data
    assert data["partner"].values.tolist() == ["CN", "RU", "ROW"]
    rest = total(files, 2000, "WORLD") - total(files, 2000, "RUS") - total(files, 2000, "CHN")
    assert float(data["trade"].sel(state="KZ", partner="ROW", year=2000)) == pytest.approx(rest)
    output = data["gdp"].sel(year=2000)
    assert float(output.sel(economy="ROW")) == pytest.approx(
        (GDP["WLD"] - GDP["RUS"] - GDP["CHN"]) * 1.05**4 / 1e9
    )


def test_output_of_the_rest_takes_the_powers_from_the_world(history: History) -> None:
    powers = GDP["RUS"] + GDP["CHN"] + GDP["EU27"]
    for name, scale, growth in (("gdp", 1, 1.05), ("gdp_real", 1.5, 1.02)):
        start = history.data[name].sel(year=FIRST)
        assert float(start.sel(economy="KZ")) == pytest.approx(scale * GDP["KAZ"] / 1e9)
        assert float(start.sel(economy="ROW")) == pytest.approx(scale * (GDP["WLD"] - powers) / 1e9)
        rise = history.data[name].sel(year=LAST) / start
        np.testing.assert_allclose(rise, growth ** (LAST - FIRST), rtol=1e-6)


def test_shares_add_up_to_one(history: History) -> None:
    shares = history.shares
    np.testing.assert_allclose(shares.sum("partner"), 1, rtol=1e-12)
    parts = {"RUS": 4.0, "CHN": 1.0, "EU27": 2.0}
    first = shares.sel(state="KG", year=FIRST)
    assert float(first.sel(partner="RU")) == pytest.approx(parts["RUS"] / (7.5 * 1.25), abs=1e-4)


def test_one_state_may_be_named_by_a_word_and_a_file_by_its_path(tmp_path: Path) -> None:
    folder = Files().write(tmp_path)
    (folder / "trade.csv").rename(folder / "my_trade.csv")
    data = read_history(folder / "my_trade.csv", states="kg").data
    assert data["state"].values.tolist() == ["KG"]


def test_all_five_states_are_read_unless_others_are_named(tmp_path: Path) -> None:
    files = Files()
    for iso3 in ("TJK", "TKM", "UZB"):
        for table, key in ((TRADE, "reporter_iso3"), (OUTPUT, "iso3")):
            rows = [row for row in files.tables[table] if row[key] == "KAZ"]
            files.tables[table] += [{**row, key: iso3} for row in rows]
    data = read_history(files.write(tmp_path)).data
    assert data["state"].values.tolist() == ["KZ", "KG", "TJ", "TM", "UZ"]


# --- what has to be noted


def test_nothing_is_noted_of_plain_files(history: History) -> None:
    assert history.notes == ()
    assert not history.data["breaks"].any()
    assert "Nothing has to be noted." in history.text()


def test_change_of_basis_is_a_break_and_noted(tmp_path: Path) -> None:
    files = Files()
    for year in range(2006, LAST + 1):
        files.flow(year, "CHN").update(basis="national", quality="A")
    history = read(files, tmp_path)
    assert history.notes == (
        "KZ–CN 2006: basis changes from mirror to national; the change from 2005 is not behaviour",
    )
    breaks = history.data["breaks"]
    assert int(breaks.sum()) == 1
    assert breaks.sel(state="KZ", power="CN", year=2006)


def test_no_trade_is_allowed_noted_and_replaced_in_shares_only(tmp_path: Path) -> None:
    files = Files()
    files.put(2000, "CHN", 0, 0)
    history = read(files, tmp_path)
    assert history.notes == ("KZ–CN 2000: no trade; 0.5 USD m stands for it in shares",)
    trade = history.data["trade"].sel(state="KZ", year=2000)
    shares = history.shares.sel(state="KZ", year=2000)
    assert trade.sel(partner="CN") == 0
    assert float(shares.sum()) == pytest.approx(1, rel=1e-12)
    assert float(shares.sel(partner="CN") / shares.sel(partner="RU")) == pytest.approx(
        ZERO_TRADE / float(trade.sel(partner="RU"))
    )
    assert float(shares.sel(partner="EU") / shares.sel(partner="RU")) == pytest.approx(
        float(trade.sel(partner="EU") / trade.sel(partner="RU"))
    )


def test_powers_that_are_the_whole_world_leave_no_rest(tmp_path: Path) -> None:
    """Also where rounding makes them a little more than the world."""
    files = Files()
    world = sum(float(files.flow(2000, p)["total_usd_m"]) for p in ("RUS", "CHN", "EU27")) - 1
    for partner in ("RUS", "CHN", "EU27", "JPN", "WORLD"):
        flow = files.flow(2000, partner)
        amount = {"JPN": 0.0, "WORLD": world}.get(partner, float(flow["total_usd_m"]))
        flow.update(amounts(amount, 0, world))
    history = read(files, tmp_path)
    assert history.data["trade"].sel(state="KZ", year=2000, partner="ROW") == 0
    assert float(history.shares.sel(state="KZ", year=2000).min()) > 0
    assert "KZ–ROW 2000: no trade; 0.5 USD m stands for it in shares" in history.notes


def test_partners_above_the_world_are_noted_where_the_powers_are_not(tmp_path: Path) -> None:
    files = Files()
    world = float(files.flow(2000, "WORLD")["total_usd_m"])
    files.put(2000, "JPN", 0.5 * world, 0)
    partners = sum(float(files.flow(2000, p)["total_usd_m"]) for p in PARTNERS)
    assert read(files, tmp_path).notes == (
        f"KZ 2000: partners of the file together are {100 * (partners / world - 1):.0f} % above "
        "the world",
    )


def test_basis_chooses_where_there_are_several(tmp_path: Path) -> None:
    files = Files()
    world = 1000 * total(files, 2000, "WORLD", "KGZ")
    mirror = amounts(150, 50, world)
    files.tables[TRADE].append({**files.flow(2000, "CHN", "KGZ"), **mirror, "basis": "mirror"})
    history = read(files, tmp_path, basis="mirror")
    assert float(history.data["trade"].sel(state="KG", partner="CN", year=2000)) == 0.2
    assert history.data["basis"].sel(state="KG", power="CN", year=2000) == "mirror"
    assert "KG–CN 2000: several bases, 'mirror' is taken" in history.notes
    national = read(files, tmp_path, basis="national")
    assert float(national.data["trade"].sel(state="KG", partner="CN", year=2000)) == total(
        files, 2000, "CHN", "KGZ"
    )
    assert not national.data["breaks"].any()


def test_gap_is_empty_where_it_is_allowed(tmp_path: Path) -> None:
    files = Files()
    files.drop(TRADE, year="2004", reporter_iso3="KAZ", partner="CHN")
    history = read(files, tmp_path, gaps=True)
    assert history.notes == ("KZ 2004: no row with CN, so no shares",)
    trade = history.data["trade"].sel(state="KZ", year=2004)
    assert trade.isnull().values.tolist() == [False, True, False, True]
    assert history.shares.isnull().sum("partner").sel(state="KZ").values.tolist() == [
        4 if year == 2004 else 0 for year in YEARS
    ]
    assert history.data["breaks"].sel(state="KZ", power="CN").values.nonzero()[0].tolist() == [8, 9]


def test_series_may_begin_and_end_at_different_years(tmp_path: Path) -> None:
    files = Files()
    for year in ("1996", "2011", "2012"):
        files.drop(TRADE, year=year, reporter_iso3="KGZ")
    history = read(files, tmp_path)
    assert history.data["year"].values.tolist() == YEARS
    assert history.notes == ("KG 1996, 2011–2012: no row with RU, CN, EU, WORLD, so no shares",)
    assert history.shares.sel(state="KG").dropna("year")["year"].values.tolist() == YEARS[1:-2]
    assert not history.shares.sel(state="KZ").isnull().any()


# --- a file that goes on with other books


def test_file_to_2023_with_every_basis_and_quality_is_read(tmp_path: Path) -> None:
    history = read(to_2023(), tmp_path)
    assert history.data["year"].values.tolist() == list(range(1994, 2024))
    np.testing.assert_allclose(history.shares.sum("partner"), 1, rtol=1e-12)
    quality = history.data["quality"].sel(state="KZ", power="CN")
    assert quality.sel(year=[1994, 2013, 2014, 2016, 2017, 2018]).values.tolist() == [
        "B", "D", "D-", "C", "C-", "A",
    ]  # fmt: skip
    breaks = history.data["breaks"].sel(state="KZ", power="RU")
    assert breaks["year"].values[breaks.values].tolist() == [2013, 2015, 2017, 2018, 2019, 2023]
    for note in (
        "KZ–RU 2015: basis changes from interpolated to factbook_mirror; the change from 2014 is "
        "not behaviour",
        "KZ–EU 2013–2014: interpolated",
        "KZ–EU 2023: interpolated towards a figure after 2023, which is not in these data",
        "KZ–CN 2014, 2017: one of the two flows is missing: a lower bound (quality '-')",
        "KZ 1992–1993: quality E, left out",
    ):
        assert note in history.notes


def test_flow_that_is_missing_counts_as_zero(tmp_path: Path) -> None:
    files = to_2023()
    imports = float(files.flow(2017, "CHN")["imports_usd_m"])
    trade = read(files, tmp_path).data["trade"]
    assert float(trade.sel(state="KZ", partner="CN", year=2017)) == pytest.approx(imports / 1000)


def test_years_of_quality_e_have_no_trade_and_no_shares(tmp_path: Path) -> None:
    """One bad partner makes all shares of that year wrong."""
    files = Files()
    files.flow(2000, "CHN", "KGZ")["quality"] = "E"
    history = read(files, tmp_path)
    assert history.notes == ("KG 2000: quality E, left out",)
    empty = [[state == "KG" and year == 2000 for year in YEARS] for state in STATES]
    for array in (history.data["trade"], history.shares):
        assert array.isnull().all("partner").values.tolist() == empty
        assert array.isnull().any("partner").values.tolist() == empty


# --- the last year


def test_nothing_after_the_last_year_is_read(tmp_path: Path) -> None:
    """Later rows hold no number and no code, and an end that nobody knew yet."""
    files = Files()
    for table, key in ((TRADE, "year"), (OUTPUT, "year"), (MEMBERSHIPS, "from_year")):
        for row in files.tables[table]:
            if int(row[key]) > 2005:
                row.update({column: "?" for column in row if column != key})
    history = read(files, tmp_path, until=2005)
    assert max(max(years) for years in history.years_read.values()) == 2005
    assert history.years_read[TRADE] == tuple(range(FIRST, 2006))
    assert history.years_read[OUTPUT] == tuple(range(FIRST - 1, 2006))
    assert history.years_read[MEMBERSHIPS] == (1991, 1999, 2003)
    assert history.data["year"].values.tolist() == list(range(FIRST, 2006))


def test_last_year_gives_the_same_as_a_file_that_ends_there(tmp_path: Path) -> None:
    cut = read(Files(), tmp_path / "whole", until=2005)
    files = Files(last=2005)
    files.drop(MEMBERSHIPS, from_year="2009")
    files.drop(MEMBERSHIPS, from_year="2010")
    for row in files.tables[MEMBERSHIPS]:
        row.update(to_year="", to_date="")
    ended = read(files, tmp_path / "ended")
    xr.testing.assert_identical(cut.data, ended.data)
    assert (cut.memberships, cut.notes, cut.years_read, cut.digest) == (
        ended.memberships,
        ended.notes,
        ended.years_read,
        ended.digest,
    )


def test_mistake_is_seen_from_its_year_on(tmp_path: Path) -> None:
    files = Files()
    files.flow(2010, "RUS")["quality"] = "?"
    assert read(files, tmp_path, until=np.int64(2009)).data["year"].values[-1] == 2009
    with pytest.raises(InputError, match="quality"):
        read(files, tmp_path, until=2010)


# --- memberships


def test_memberships_have_dates_and_all_five_are_each(history: History) -> None:
    assert history.memberships == (
        Membership("KG", "C5+1 (US)", "participant", date(2009, 11, 1), None, "memory"),
        Membership("KG", "CIS", "member", date(1991, 12, 21), None, "memory"),
        Membership("KZ", "C5+1 (US)", "participant", date(2009, 11, 1), None, "memory"),
        Membership("KZ", "CIS", "member", date(1991, 12, 21), None, "memory"),
        Membership("KZ", "EU EPCA", "provisional", date(2003, 5, 1), date(2010, 3, 1), "memory"),
        Membership("KZ", "EU EPCA", "in force", date(2010, 3, 1), None, "memory"),
        Membership("KZ", "EU PCA", "member", date(1999, 7, 1), date(2010, 5, 31), "memory"),
    )


def test_end_after_the_last_year_is_not_known(tmp_path: Path) -> None:
    history = read(Files(), tmp_path, until=2009)
    assert {m.end for m in history.memberships} == {None}
    assert not [m for m in history.memberships if m.start.year > 2009]


def test_year_without_a_date_is_the_whole_year(tmp_path: Path) -> None:
    files = Files()
    spell = files.row(MEMBERSHIPS, organisation="EU PCA")
    spell.update(from_date="", to_date="", from_year="1999.0")
    (found,) = [m for m in read(files, tmp_path).memberships if m.organisation == "EU PCA"]
    assert (found.start, found.end) == (date(1999, 1, 1), date(2010, 12, 31))


# --- digest


def test_digest_is_that_of_what_was_used(tmp_path: Path) -> None:
    """Not of the order of columns and rows, of other rows and columns, line ends or a BOM."""
    digest = read(Files(), tmp_path).digest
    files = Files()
    files.flow(2000, "RUS", "ARM")["source_exports"] = "another"
    files.drop(TRADE, reporter_iso3="ARM")
    files.drop(TRADE, partner="JPN")
    files.row(OUTPUT, iso3="KAZ", year="2000")["population"] = "7"
    files.tables[MEMBERSHIPS].append(membership("UZB", "SCO", "2001-06-15"))
    for table, rows in files.tables.items():
        files.tables[table] = rows[::-1]
        columns = sorted(rows[0], reverse=True)
        content = files.text(table, columns).replace("\n", "\r\n")
        (tmp_path / f"{table}.csv").write_bytes(b"\xef\xbb\xbf" + content.encode())
    again = read_history(tmp_path, states=("KG", "KZ"), powers=("EU", "CN", "RU"))
    assert again.digest == digest


@pytest.mark.parametrize(
    ("table", "where", "cell"),
    [
        (TRADE, {"year": "2000", "reporter_iso3": "KAZ", "partner": "RUS"}, {"quality": "A"}),
        (OUTPUT, {"iso3": "WLD", "year": "2000"}, {"gdp_current_usd": "4e13"}),
        (MEMBERSHIPS, {"organisation": "EU PCA"}, {"verification": "page"}),
    ],
)
def test_digest_changes_with_a_cell_that_is_used(
    table: str, where: dict[str, str], cell: dict[str, str], tmp_path: Path
) -> None:
    files = Files()
    digest = read(files, tmp_path).digest
    files.row(table, **where).update(cell)
    assert read(files, tmp_path).digest != digest


# --- tables


def test_table_has_a_row_for_each_state_partner_and_year(history: History) -> None:
    table = history.table()
    assert list(table.columns) == [
        "state", "partner", "year", "trade", "share", "quality", "basis", "breaks",
    ]  # fmt: skip
    assert len(table) == 2 * 4 * len(YEARS)
    assert not table.duplicated(["state", "partner", "year"]).any()
    row = table.query("state == 'KG' and partner == 'EU' and year == 2003").iloc[0]
    assert row["trade"] == total(Files(), 2003, "EU27", "KGZ")
    assert (row["quality"], row["basis"], row["breaks"]) == ("A", "national", False)
    rest = table.query("partner == 'ROW'")
    assert set(rest["quality"]) == set(rest["basis"]) == {""}
    assert table.groupby(["state", "year"])["share"].sum().to_numpy() == pytest.approx(1)


def test_text_says_states_years_qualities_and_notes(tmp_path: Path) -> None:
    history = read(to_2023(), tmp_path)
    text = history.text()
    first, *lines = text.splitlines()
    assert first.startswith("2 states with RU, CN, EU, 1994–2023; 7 memberships; digest ")
    line = next(line for line in lines if line.strip().startswith("KZ "))
    assert "1994–2023" in line
    assert line.endswith("A 3, B 69, C 6, C- 3, D 6, D- 3")
    shares = 100 * history.shares.sel(state="KZ", partner="RU")
    assert f"{float(shares[0]):.0f} → {float(shares[-1]):.0f}" in line
    assert text.endswith("\n".join(history.notes))


def test_text_of_a_state_without_shares(tmp_path: Path) -> None:
    files = Files()
    for row in files.tables[TRADE]:
        if row["reporter_iso3"] == "KGZ":
            row["quality"] = "E"
    text = read(files, tmp_path).text()
    assert "KG 1996–2012: quality E, left out" in text
    assert "nan" not in text.lower()


def test_a_history_cannot_be_changed(history: History) -> None:
    with pytest.raises(AttributeError):
        history.digest = ""  # type: ignore[misc]
    assert replace(history, digest="").digest == ""


def test_import_is_quick() -> None:
    code = (
        "import sys, sim.history; "
        "print(sorted({'pandas', 'xarray', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
