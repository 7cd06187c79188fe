"""Each mistake in a historical file ends with one message: file, line, what is wrong and valid.

Every case is the small set of files with one change.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from history.synthetic import MEMBERSHIPS, OUTPUT, STATES, TRADE, Files, amounts, membership

from sim.errors import InputError
from sim.history import History, read_history

Change = Callable[[Files], Any]


def read(folder: Path, **options: Any) -> History:
    return read_history(folder, states=STATES, **options)


def message(folder: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, **options)
    return str(caught.value)


def flow(year: int, partner: str, reporter: str = "KAZ", /, **cells: str) -> Change:
    """Change of cells of one row of trade."""
    return lambda files: files.flow(year, partner, reporter).update(cells)


def output(iso3: str, year: int, /, **cells: str) -> Change:
    return lambda files: files.row(OUTPUT, iso3=iso3, year=str(year)).update(cells)


def spell(organisation: str, start: str, /, **cells: str) -> Change:
    return lambda files: files.row(MEMBERSHIPS, organisation=organisation, from_date=start).update(
        cells
    )


def add(table: str, row: dict[str, str]) -> Change:
    return lambda files: files.tables[table].append(row)


def without(table: str, **where: str) -> Change:
    return lambda files: files.drop(table, **where)


def again(**cells: str) -> Change:
    """A second row for Kazakh trade with Russia in 2000, at the end of the file."""
    return lambda files: files.tables[TRADE].append({**files.flow(2000, "RUS"), **cells})


def column(table: str, old: str, new: str) -> Change:
    """Rename a column, or leave it out."""

    def change(files: Files) -> None:
        files.tables[table] = [
            {(new if key == old else key): cell for key, cell in row.items() if key != old or new}
            for row in files.tables[table]
        ]

    return change


def powers_above_world(files: Files) -> None:
    world = float(files.flow(2000, "WORLD")["total_usd_m"])
    files.put(2000, "RUS", 0.4 * world, 0.4 * world)


LINES = Files()
"""The files before the change, to know the lines."""
RUSSIA = LINES.at(2000, "RUS")
LAST = len(LINES.tables[TRADE]) + 2

TRADE_CASES: list[tuple[str, Change, tuple[str, ...]]] = [
    ("no column", column(TRADE, "basis", ""), ("line 1", "no column 'basis'")),
    (
        "misspelt column",
        column(TRADE, "total_usd_m", "totl_usd_m"),
        ("line 1", "no column 'total_usd_m'", "'totl_usd_m'"),
    ),
    (
        "reporter",
        flow(2000, "RUS", reporter_iso3="KAX"),
        (f"line {RUSSIA}", "reporter_iso3", "unknown 'KAX'", "nearest valid name: 'KAZ'"),
    ),
    (
        "reporter not asked for",
        flow(2000, "RUS", "ARM", reporter_iso3="AMR"),
        (f"line {LINES.at(2000, 'RUS', 'ARM')}", "unknown 'AMR'", "'ARM'"),
    ),
    (
        "partner",
        flow(2000, "EU27", partner="EU28"),
        (f"line {LINES.at(2000, 'EU27')}", "partner", "unknown 'EU28'", "'EU27'"),
    ),
    (
        "partner not asked for",
        flow(2000, "JPN", partner="JPM"),
        (f"line {LINES.at(2000, 'JPN')}", "unknown 'JPM'", "'JPN'"),
    ),
    ("quality", flow(2000, "RUS", quality="F"), (f"line {RUSSIA}", "quality", "'F'", "B-")),
    (
        "basis",
        flow(2000, "RUS", basis="miror"),
        (f"line {RUSSIA}", "basis", "'miror'", "nearest valid name: 'mirror'"),
    ),
    (
        "no number",
        flow(2000, "RUS", exports_usd_m="much"),
        (f"line {RUSSIA}", "exports_usd_m", "'much' is no number"),
    ),
    (
        "nan",
        flow(2000, "RUS", exports_usd_m="nan"),
        (f"line {RUSSIA}", "exports_usd_m", "'nan' is no number"),
    ),
    (
        "thousands separator",
        flow(2000, "RUS", imports_usd_m="2,597.9"),
        (f"line {RUSSIA}", "imports_usd_m", "'2,597.9'", "no thousands separator"),
    ),
    (
        "decimal comma",
        flow(2000, "RUS", imports_usd_m="2597,9"),
        (f"line {RUSSIA}", "imports_usd_m", "a point before decimals"),
    ),
    (
        "infinite",
        flow(2000, "RUS", imports_usd_m="inf"),
        (f"line {RUSSIA}", "imports_usd_m", "finite", "inf"),
    ),
    (
        "too large to be finite",
        flow(2000, "RUS", imports_usd_m="1e999"),
        (f"line {RUSSIA}", "imports_usd_m", "finite", "1e999"),
    ),
    (
        "negative",
        flow(2000, "RUS", imports_usd_m="-5"),
        (f"line {RUSSIA}", "imports_usd_m", "negative", "-5"),
    ),
    ("no total", flow(2000, "RUS", total_usd_m=""), (f"line {RUSSIA}", "total_usd_m", "empty")),
    (
        "year with a part",
        flow(2000, "RUS", year="2000.5"),
        (f"line {RUSSIA}", "year", "whole year", "2000.5"),
    ),
    (
        "year of another age",
        flow(2000, "RUS", year="20000"),
        (f"line {RUSSIA}", "year", "between 1900 and 2100", "20000"),
    ),
    ("no year", flow(2000, "RUS", year=""), (f"line {RUSSIA}", "year: is empty")),
    (
        "flow missing unsaid",
        flow(2000, "RUS", imports_usd_m=""),
        (f"line {RUSSIA}", "imports_usd_m", "empty", "quality 'B'", "'-'"),
    ),
    (
        "both flows missing",
        flow(2000, "RUS", imports_usd_m="", exports_usd_m="", quality="B-"),
        (f"line {RUSSIA}", "both are empty"),
    ),
    (
        "total no sum",
        flow(2000, "RUS", total_usd_m="4332"),
        (f"line {RUSSIA}", "total_usd_m", "4332 is not exports plus imports"),
    ),
    (
        "total no sum of what is there",
        flow(2000, "RUS", imports_usd_m="", quality="B-"),
        (f"line {RUSSIA}", "total_usd_m", "is not exports plus imports"),
    ),
    (
        "share above the whole",
        flow(2000, "RUS", share_of_total_pct="100.2"),
        (f"line {RUSSIA}", "share_of_total_pct", "at most 100", "100.2"),
    ),
    (
        "share of another total",
        flow(2000, "RUS", share_of_total_pct="40.1"),
        (f"line {RUSSIA}", "share_of_total_pct", "40.1", f"line {LINES.at(2000, 'WORLD')}"),
    ),
    (
        "twice",
        again(),
        (f"line {LAST}", "KAZ–RUS 2000", "mirror", f"already in line {RUSSIA}"),
    ),
    (
        "mixed bases",
        again(basis="national"),
        (f"line {RUSSIA}", "mixed bases", "KAZ–RUS 2000", f"national (line {LAST})", "basis=…"),
    ),
    (
        "gap",
        without(TRADE, year="2004", reporter_iso3="KAZ", partner="CHN"),
        (f"line {LINES.at(2003, 'CHN')}", "KAZ–CHN", "no row for 2004", "gap", "gaps=True"),
    ),
    (
        "gap in the total",
        without(TRADE, year="2004", reporter_iso3="KGZ", partner="WORLD"),
        (f"line {LINES.at(2003, 'WORLD', 'KGZ')}", "KGZ–WORLD", "no row for 2004"),
    ),
    (
        "state absent",
        without(TRADE, reporter_iso3="KGZ"),
        ("no row of reporter 'KGZ' (KG)", "it has ARM, KAZ"),
    ),
    (
        "power absent",
        without(TRADE, reporter_iso3="KGZ", partner="CHN"),
        ("no row of KGZ–CHN",),
    ),
    (
        "powers above the world",
        powers_above_world,
        (f"line {LINES.at(2000, 'WORLD')}", "KAZ–WORLD 2000", "RUS, CHN, EU27 together"),
    ),
    (
        "no trade at all",
        lambda files: [
            files.flow(2000, partner).update(amounts(0, 0, 1))
            for partner in ("RUS", "CHN", "EU27", "JPN", "WORLD")
        ],
        (f"line {LINES.at(2000, 'WORLD')}", "KAZ–WORLD 2000", "above 0"),
    ),
]

OUTPUT_CASES: list[tuple[str, Change, tuple[str, ...]]] = [
    (
        "economy",
        output("KAZ", 2000, iso3="KAX"),
        ("iso3", "unknown 'KAX'", "nearest valid name: 'KAZ'"),
    ),
    (
        "zero",
        output("KAZ", 2000, gdp_current_usd="0"),
        (
            f"line {LINES.line(OUTPUT, iso3='KAZ', year='2000')}",
            "gdp_current_usd",
            "above 0",
        ),
    ),
    (
        "empty",
        output("RUS", 2000, gdp_const2015_usd_chained=""),
        (
            f"line {LINES.line(OUTPUT, iso3='RUS', year='2000')}",
            "gdp_const2015_usd_chained",
            "empty",
            "RUS 2000 is needed",
        ),
    ),
    ("no row", without(OUTPUT, iso3="CHN", year="2001"), ("no row of CHN for 2001",)),
    ("no world", without(OUTPUT, iso3="WLD"), ("no row of WLD for 1996–2012",)),
    (
        "twice",
        lambda files: files.tables[OUTPUT].append(files.row(OUTPUT, iso3="KGZ", year="2003")),
        (
            f"line {len(LINES.tables[OUTPUT]) + 2}",
            f"KGZ 2003 is already in line {LINES.line(OUTPUT, iso3='KGZ', year='2003')}",
        ),
    ),
    (
        "powers above the world",
        output("WLD", 2000, gdp_current_usd="1e12"),
        (
            f"line {LINES.line(OUTPUT, iso3='WLD', year='2000')}",
            "gdp_current_usd",
            "more than WLD",
        ),
    ),
]

MEMBERSHIP_CASES: list[tuple[str, Change, tuple[str, ...]]] = [
    (
        "organisation",
        spell("EU PCA", "1999-07-01", organisation="EU PCAA"),
        ("line 4", "organisation", "unknown 'EU PCAA'", "nearest valid name: 'EU PCA'"),
    ),
    (
        "organisation of a state not asked for",
        spell("WTO", "2003-02-05", organisation="WTTO"),
        ("line 7", "unknown 'WTTO'", "'WTO'"),
    ),
    (
        "state",
        spell("EU PCA", "1999-07-01", state_iso3="KAX"),
        ("line 4", "state_iso3", "unknown 'KAX'", "'KAZ'"),
    ),
    ("status", spell("EU PCA", "1999-07-01", status=""), ("line 4", "status: is empty")),
    (
        "dates reversed",
        spell("EU PCA", "1999-07-01", to_year="1998", to_date="1998-07-01"),
        ("line 4", "ends on 1998-07-01", "not after its start on 1999-07-01"),
    ),
    (
        "no date",
        spell("EU PCA", "1999-07-01", from_date="01.07.1999"),
        ("line 4", "from_date", "'01.07.1999' is no date"),
    ),
    (
        "date of another year",
        spell("EU PCA", "1999-07-01", from_year="1998"),
        ("line 4", "from_date", "1999-07-01 is not in from_year '1998'"),
    ),
    (
        "end of another year",
        spell("EU PCA", "1999-07-01", to_year=""),
        ("line 4", "to_date", "2010-05-31 is not in to_year ''"),
    ),
    (
        "year with a part",
        spell("EU PCA", "1999-07-01", from_year="1999.5"),
        ("line 4", "from_year", "whole year", "1999.5"),
    ),
    (
        "overlap",
        add(MEMBERSHIPS, membership("KAZ", "CIS", "2005-01-01", status="associate")),
        ("line 9", "CIS of KZ from 2005-01-01", "overlaps line 2", "1991-12-21 to now"),
    ),
    (
        "overlap with all five",
        add(MEMBERSHIPS, membership("KGZ", "C5+1 (US)", "2010-01-01", "2011-01-01")),
        ("line 9", "C5+1 (US) of KG", "overlaps line 8"),
    ),
]

CASES = [
    pytest.param(table, change, words, id=f"{table}: {name}")
    for table, cases in (
        (TRADE, TRADE_CASES),
        (OUTPUT, OUTPUT_CASES),
        (MEMBERSHIPS, MEMBERSHIP_CASES),
    )
    for name, change, words in cases
]


@pytest.mark.parametrize(("table", "change", "words"), CASES)
def test_message_names_file_line_and_what(
    table: str, change: Change, words: tuple[str, ...], tmp_path: Path
) -> None:
    files = Files()
    change(files)
    text = message(files.write(tmp_path))
    assert text.startswith(f"{tmp_path / table}.csv: ")
    assert len(text.splitlines()) == 1
    for word in words:
        assert word in text


def test_files_without_a_mistake_are_read(tmp_path: Path) -> None:
    assert read(Files().write(tmp_path)).data.sizes["year"] == 17


@pytest.mark.parametrize("table", [TRADE, OUTPUT, MEMBERSHIPS])
def test_missing_file(table: str, tmp_path: Path) -> None:
    Files().write(tmp_path)
    (tmp_path / f"{table}.csv").rename(tmp_path / f"{table}s.csv")
    text = message(tmp_path)
    assert f"{table}.csv: no such file" in text
    assert f"nearest valid name: '{table}s.csv'" in text


def test_missing_folder(tmp_path: Path) -> None:
    assert "nowhere: no such file or folder" in message(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("is empty", "name the columns")),
        (b"\n\n", ("is empty",)),
        ("héader".encode("latin-1"), ("UTF-8", "0xe9")),
        ("year,partner".encode("utf-16"), ("UTF-8", "0xff")),
        (b"year;reporter_iso3;partner\n", ("separated by ';'", "commas")),
        (b"year\treporter_iso3\n", ("separated by tabs",)),
    ],
)
def test_file_that_is_no_table(content: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    Files().write(tmp_path)
    (tmp_path / "trade.csv").write_bytes(content)
    text = message(tmp_path)
    for word in ("trade.csv", *words):
        assert word in text


def test_file_with_a_header_only(tmp_path: Path) -> None:
    file = Files().write(tmp_path) / "trade.csv"
    file.write_text(file.read_text().splitlines()[0] + "\n")
    assert message(tmp_path) == f"{file}: no rows"


def test_no_rows_up_to_a_year(tmp_path: Path) -> None:
    assert message(Files().write(tmp_path), until=1990).endswith("trade.csv: no rows up to 1990")


def test_column_given_twice(tmp_path: Path) -> None:
    file = Files().write(tmp_path) / "trade.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0] + ",partner", *(f"{line},RUS" for line in lines[1:])]))
    assert "line 1: column 'partner' is there twice" in message(tmp_path)


def test_comma_in_a_number_makes_a_cell_too_many(tmp_path: Path) -> None:
    files = Files()
    file = files.write(tmp_path) / "trade.csv"
    lines = file.read_text().splitlines()
    at = files.at(2000, "RUS") - 1
    lines[at] = lines[at].replace(files.flow(2000, "RUS")["imports_usd_m"], "2,597.9")
    file.write_text("\n".join(lines))
    assert f"line {at + 1}: has 12 cells, not 11 (a comma in a number?)" in message(tmp_path)


def test_quote_that_does_not_end(tmp_path: Path) -> None:
    files = Files()
    at = files.at(2000, "RUS")
    file = files.write(tmp_path) / "trade.csv"
    lines = file.read_text().splitlines()
    lines[at - 1] = '"' + lines[at - 1]
    file.write_text("\n".join(lines))
    text = message(tmp_path)
    assert f"line {at}: broken CSV" in text


def test_line_is_that_of_the_file_also_after_blank_lines_and_long_cells(tmp_path: Path) -> None:
    files = Files()
    files.flow(1996, "RUS")["source_exports"] = "two\nlines"
    files.flow(2000, "RUS")["quality"] = "F"
    file = files.write(tmp_path) / "trade.csv"
    header, *lines = file.read_text().splitlines()
    file.write_text("\n".join([header, "", *lines]))
    assert f"line {files.at(2000, 'RUS') + 2}: quality" in message(tmp_path)


def test_problems_of_a_file_are_said_together(tmp_path: Path) -> None:
    files = Files()
    for year in range(1996, 2010):
        files.flow(year, "RUS")["basis"] = "miror"
    first, *shown, rest = message(files.write(tmp_path)).splitlines()
    assert first.endswith("trade.csv: 14 problems:")
    assert len(shown) == 10
    assert f"line {files.at(1996, 'RUS')}: basis" in shown[0]
    assert rest.strip() == "and 4 more"


def test_series_that_nobody_asked_for_may_have_gaps_and_two_bases(tmp_path: Path) -> None:
    files = Files()
    files.drop(TRADE, year="2004", reporter_iso3="ARM")
    files.drop(TRADE, year="2004", reporter_iso3="KAZ", partner="JPN")
    files.tables[TRADE].append({**files.flow(2000, "RUS", "ARM"), "basis": "national"})
    assert read(files.write(tmp_path)).notes == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"basis": "nationl"}, ("basis", "'nationl'", "'national'")),
        ({"powers": ("RU", "CH")}, ("powers", "'CH'", "'CN'")),
        ({"powers": ()}, ("powers", "none given", "RU, CN, EU")),
        ({"powers": ("RU", "ru")}, ("powers", "'RU' given twice")),
        ({"until": 2000.5}, ("until", "whole year", "2000.5")),
        ({"until": "2000"}, ("until", "whole year", "'2000'")),
    ],
)
def test_bad_option(options: dict[str, Any], words: tuple[str, ...], tmp_path: Path) -> None:
    text = message(Files().write(tmp_path), **options)
    for word in words:
        assert word in text


def test_unknown_state(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"states: unknown 'KAZ' \(nearest valid name: 'KZ'\)"):
        read_history(Files().write(tmp_path), states="KAZ")


def test_basis_that_is_none_of_several(tmp_path: Path) -> None:
    files = Files()
    files.tables[TRADE].append({**files.flow(2000, "RUS"), "basis": "national"})
    text = message(files.write(tmp_path), basis="mirror_news")
    assert "mixed bases" in text
    assert "none is 'mirror_news'" in text
