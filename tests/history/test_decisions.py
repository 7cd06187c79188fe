"""The table of real decisions, and what its reader refuses."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.axes import DOMAINS
from sim.compose import ledger
from sim.errors import InputError
from sim.history.codes import CENTRAL_ASIA, POWERS
from sim.history.decisions import COLUMNS, SHIPPED, Decision, read_decisions

FIRST = {
    "id": "kz-pipeline-2004",
    "year": "2004",
    "date": "2004-05-17",
    "state": "kz",
    "domain": "energy",
    "options": "none ru cn",
    "pick": "cn",
    "decision": "A pipeline, signed with China.",
    "reliability": "B",
    "evidence": "fact-one fact-two",
    "source": "Agreement of 17 May 2004",
    "note": "",
}
SECOND = FIRST | {"id": "kg-base-2013", "year": "2013", "date": "2013", "state": "kg"}
THIRD = FIRST | {"id": "tm-own-2010", "year": "2010", "date": "2010-05", "pick": "none"}
LINE = 3
"""Line of the second row, the one that is changed."""


def write(
    folder: Path, *rows: dict[str, str], columns: Sequence[str] = COLUMNS, name: str = "own.csv"
) -> Path:
    file = folder / name
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return file


def message(file: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_decisions(file)
    return str(caught.value)


@pytest.fixture(scope="module")
def shipped() -> tuple[Decision, ...]:
    return read_decisions()


def test_shipped_table_covers_states_and_domains(shipped: tuple[Decision, ...]) -> None:
    assert 25 <= len(shipped) <= 40
    assert {decision.state for decision in shipped} == set(CENTRAL_ASIA)
    assert {decision.domain for decision in shipped} == set(DOMAINS)
    assert {decision.pick for decision in shipped} == {"none", *POWERS}
    assert min(decision.year for decision in shipped) >= 1995
    assert max(decision.year for decision in shipped) <= 2025


def test_shipped_evidence_is_in_the_ledger(shipped: tuple[Decision, ...]) -> None:
    named = {fact for decision in shipped for fact in decision.evidence}
    assert named
    assert named <= set(ledger(None).facts)


def test_shipped_rows_are_of_their_state_and_year(shipped: tuple[Decision, ...]) -> None:
    for decision in shipped:
        assert decision.id.startswith(f"{decision.state.lower()}-")
        assert decision.id.endswith(f"-{decision.year}")


def test_shipped_rows_stand_by_state_and_year(shipped: tuple[Decision, ...]) -> None:
    order = [(CENTRAL_ASIA.index(decision.state), decision.year) for decision in shipped]
    assert order == sorted(order)


def test_shipped_table_names_no_place_of_a_machine() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert not re.search(r"(?<!\w)/|shared|://|\\", text)


def test_row_is_read_as_results_write_it(tmp_path: Path) -> None:
    found = read_decisions(write(tmp_path, FIRST, THIRD))
    assert found[0] == Decision(
        id="kz-pipeline-2004",
        year=2004,
        date="2004-05-17",
        state="KZ",
        domain="energy",
        options=("none", "RU", "CN"),
        pick="CN",
        decision="A pipeline, signed with China.",
        reliability="B",
        evidence=("fact-one", "fact-two"),
        source="Agreement of 17 May 2004",
        note="",
    )
    assert found[1].pick == "none"
    assert found[1].date == "2010-05"
    with pytest.raises(FrozenInstanceError):
        found[0].pick = "RU"  # type: ignore[misc]


def test_evidence_and_note_may_be_empty(tmp_path: Path) -> None:
    (found,) = read_decisions(write(tmp_path, FIRST | {"evidence": "", "note": ""}))
    assert found.evidence == ()
    assert found.note == ""


REFUSALS = [
    ("unknown state", {"state": "kaz"}, "state: unknown 'kaz' (nearest valid name: 'kz')"),
    ("state in capitals", {"state": "KZ"}, "state: unknown 'KZ' (nearest valid name: 'kz')"),
    (
        "unknown domain",
        {"domain": "enregy"},
        "domain: unknown 'enregy' (nearest valid name: 'energy')",
    ),
    (
        "unknown option",
        {"options": "none russia cn"},
        "options: unknown 'russia' (nearest valid name: 'ru')",
    ),
    ("unknown pick", {"pick": "china"}, "pick: unknown 'china' (nearest valid name: 'cn')"),
    ("no pick", {"pick": ""}, "pick: unknown ''"),
    (
        "pick that was not on the table",
        {"pick": "eu"},
        "pick: 'eu' is not among the options 'none ru cn'",
    ),
    ("one option", {"options": "cn"}, "options: needs at least two, is 'cn'"),
    ("repeated option", {"options": "ru cn ru"}, "options: 'ru' given twice"),
    ("duplicate id", {"id": FIRST["id"]}, "id: 'kz-pipeline-2004' is already in line 2"),
    ("no id", {"id": ""}, "id: is empty"),
    ("no year", {"year": ""}, "year: is empty"),
    ("year that is no number", {"year": "MMXIII"}, "year: 'MMXIII' is no number"),
    (
        "year with a part",
        {"year": "2013.5"},
        "year: must be a whole year between 1900 and 2100, is 2013.5",
    ),
    (
        "year of another age",
        {"year": "213"},
        "year: must be a whole year between 1900 and 2100, is 213",
    ),
    ("date of another year", {"date": "2012-12-31"}, "date: 2012-12-31 is not in year 2013"),
    ("year of another date", {"year": "2014"}, "date: 2013 is not in year 2014"),
    ("no date", {"date": ""}, "date: '' is no date (write 2001, 2001-10 or 2001-10-07)"),
    ("date in another order", {"date": "20.06.2013"}, "date: '20.06.2013' is no date"),
    ("date without signs", {"date": "20130620"}, "date: '20130620' is no date"),
    ("month that is none", {"date": "2013-13"}, "date: '2013-13' is no date"),
    ("day that is none", {"date": "2013-02-29"}, "date: '2013-02-29' is no date"),
    ("unknown reliability", {"reliability": "D"}, "reliability: unknown 'D' (valid: A, B, C)"),
    ("no decision", {"decision": " "}, "decision: is empty"),
    ("no source", {"source": ""}, "source: is empty"),
]


@pytest.mark.parametrize(
    ("cells", "reason"), [pytest.param(cells, text, id=name) for name, cells, text in REFUSALS]
)
def test_message_names_file_line_and_reason(
    cells: dict[str, str], reason: str, tmp_path: Path
) -> None:
    file = write(tmp_path, FIRST, SECOND | cells, THIRD)
    text = message(file)
    assert text.startswith(f"{file}: line {LINE}: {reason}")
    assert len(text.splitlines()) == 1


def test_no_option_at_all_is_refused(tmp_path: Path) -> None:
    text = message(write(tmp_path, FIRST, SECOND | {"options": ""}))
    assert f"line {LINE}: options: needs at least two, is ''" in text
    assert f"line {LINE}: pick: 'cn' is not among the options ''" in text


def test_problems_are_said_together(tmp_path: Path) -> None:
    file = write(tmp_path, FIRST | {"state": "kx"}, SECOND | {"reliability": "b", "source": ""})
    first, *rest = message(file).splitlines()
    assert first == f"{file}: 3 problems:"
    assert [line.split(":")[0].strip() for line in rest] == ["line 2", "line 3", "line 3"]


@pytest.mark.parametrize("column", COLUMNS)
def test_missing_column_is_named(column: str, tmp_path: Path) -> None:
    file = write(tmp_path, FIRST, columns=[other for other in COLUMNS if other != column])
    assert message(file) == f"{file}: line 1: no column '{column}'"


def test_misspelt_column_is_pointed_to(tmp_path: Path) -> None:
    columns = ["optoins" if column == "options" else column for column in COLUMNS]
    file = write(tmp_path, FIRST | {"optoins": "ru cn"}, columns=columns)
    text = message(file)
    assert text == f"{file}: line 1: no column 'options' (there is 'optoins': rename it)"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("", "is empty; its first line must name the columns", id="nothing"),
        pytest.param(",".join(COLUMNS) + "\n", "no rows", id="header only"),
    ],
)
def test_empty_file(content: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(content, encoding="utf-8")
    assert message(file) == f"{file}: {reason}"


def test_comma_outside_quotes_is_found(tmp_path: Path) -> None:
    file = write(tmp_path, FIRST, SECOND)
    file.write_text(file.read_text().replace('"A pipeline, signed', "A pipeline, signed", 1))
    assert f"{file}: line 2: " in message(file)


def test_missing_file_points_to_another(tmp_path: Path) -> None:
    write(tmp_path, FIRST, name="decisions.csv")
    text = message(tmp_path / "decision.csv")
    assert text.startswith(f"{tmp_path / 'decision.csv'}: no such file")
    assert "'decisions.csv'" in text


@given(st.permutations([*COLUMNS, "remark of one's own"]))
def test_order_of_columns_does_not_matter(columns: list[str]) -> None:
    with SHIPPED.open(encoding="utf-8", newline="") as stream:
        rows = [row | {"remark of one's own": "any"} for row in csv.DictReader(stream)]
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder), *rows, columns=columns)
        assert read_decisions(file) == read_decisions()
