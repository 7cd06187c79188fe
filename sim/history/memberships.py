"""Memberships, agreements, bases and summits of the states, with their dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

from sim.history.codes import (
    ALL_OF_CENTRAL_ASIA,
    CENTRAL_ASIA,
    CODES,
    ORGANISATIONS,
    REPORTERS,
)
from sim.history.files import Problems, Row, read_rows

COLUMNS: Final = (
    "state_iso3",
    "organisation",
    "status",
    "from_year",
    "to_year",
    "from_date",
    "to_date",
    "verification",
)


FIRST_DAY: Final = "01-01"
LAST_DAY: Final = "12-31"
"""Taken where the file gives a year without a date."""


@dataclass(frozen=True)
class Membership:
    """One status of a state in an organisation for one span of time.

    Attributes
    ----------
    state : code of the project.
    organisation, status : as in the file.
    start, end : first day, and the day on which it was over; None where it was not over by the last
        year that was read.
    verification : page that was looked at, or ``memory``.
    """

    state: str
    organisation: str
    status: str
    start: date
    end: date | None
    verification: str


@dataclass(frozen=True)
class Memberships:
    """Memberships of the states asked for, rows behind them, and all years that were read."""

    memberships: tuple[Membership, ...]
    used: tuple[Row, ...]
    years_read: tuple[int, ...]


def read_memberships(file: Path, until: int | None, states: Sequence[str]) -> Memberships:
    """Read the memberships that began up to a year; what ended after it is taken as not over.

    Raises
    ------
    InputError
        A row that cannot be right, dates in the wrong order, or two spans that overlap.
    """
    sheet = read_rows(file, COLUMNS, "from_year", until)
    years: set[int] = set()
    found: list[tuple[Membership, Row]] = []
    for row in sheet.rows:
        _forget_end(row, until)
        spells = _spells(row)
        found += [(spell, row) for spell in spells]
        years.update(day.year for spell in spells for day in (spell.start, spell.end) if day)
    sheet.problems.refuse()
    found.sort(key=lambda pair: (pair[0].state, pair[0].organisation, pair[0].start))
    _check_overlaps(found, sheet.problems)
    sheet.problems.refuse()
    wanted = [(spell, row) for spell, row in found if spell.state in states]
    return Memberships(
        memberships=tuple(spell for spell, _ in wanted),
        used=tuple({row.line: row for _, row in wanted}.values()),
        years_read=tuple(sorted(years)),
    )


def _forget_end(row: Row, until: int | None) -> None:
    """Empty the cells of an end after the last year, which nobody knew then."""
    end = row.year("to_year")
    if until is not None and end is not None and end > until:
        row.cells = {**row.cells, "to_year": "", "to_date": ""}


def _spells(row: Row) -> list[Membership]:
    """Membership of each state that a row stands for; none where the row has a problem."""
    iso3 = row.code("state_iso3", REPORTERS)
    organisation = row.code("organisation", ORGANISATIONS)
    status, verification = row.cells["status"], row.cells["verification"]
    if not status:
        row.refuse("status: is empty")
    start, end = _day(row, "from", FIRST_DAY), _day(row, "to", LAST_DAY)
    if start and end and end <= start:
        row.refuse(f"ends on {end}, which is not after its start on {start}")
    if start is None or not row.sound:
        return []
    states = CENTRAL_ASIA if iso3 == ALL_OF_CENTRAL_ASIA else (CODES.get(iso3, iso3),)
    return [Membership(state, organisation, status, start, end, verification) for state in states]


def _day(row: Row, side: str, day_of_year: str) -> date | None:
    """Day at one side of a span; None where it is open."""
    year, text = row.year(f"{side}_year"), row.cells[f"{side}_date"]
    if year is None and not text:
        return None
    try:
        day = date.fromisoformat(text or f"{year}-{day_of_year}")
    except ValueError:
        row.refuse(f"{side}_date: '{text or year}' is no date (write 2001-06-15)")
        return None
    if day.year != year:
        row.refuse(f"{side}_date: {day} is not in {side}_year '{row.cells[f'{side}_year']}'")
    return day


def _check_overlaps(found: Sequence[tuple[Membership, Row]], problems: Problems) -> None:
    """A state has one status in an organisation at a time; the list is sorted by date."""
    for (first, row), (second, later) in pairwise(found):
        same = (first.state, first.organisation) == (second.state, second.organisation)
        if same and (first.end is None or first.end > second.start):
            problems.add(
                f"{second.organisation} of {second.state} from {second.start} overlaps line "
                f"{row.line} ({first.start} to {first.end or 'now'})",
                later.line,
            )
