"""Dated decisions of the states: what was on the table, and what they picked."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Final

from sim.axes import DOMAINS, POWERS, STATES
from sim.errors import nearest
from sim.history.files import Row, read_rows

SHIPPED: Final = Path(__file__).with_name("decisions.csv")
"""Table of the project: Central Asian states, 1995 to 2025."""
NOBODY: Final = "none"
"""Option of signing with nobody; results call it the same."""
OPTIONS: Final = (NOBODY, *POWERS)
RELIABILITIES: Final = ("A", "B", "C")

_DATE: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?", re.ASCII)
_FIRST_DAY: Final = "-01-01"


@dataclass(frozen=True)
class Decision:
    """One decision of one state in one domain.

    Attributes
    ----------
    id : name of its own in the table.
    year : calendar year.
    date : as far as known: ``2001``, ``2001-10`` or ``2001-10-07``.
    state : code as in results, such as ``KZ``.
    domain : key, such as ``energy``.
    options : at least two that were on the table, in the order of the file: powers as in results,
        such as ``RU``, and ``none`` for signing with nobody where that was possible.
    pick : one of the options.
    decision : what was decided, one sentence.
    reliability : ``A`` rests on a document or data of the project, ``B`` on general knowledge that
        several public sources confirm, ``C`` on general knowledge with options or date less sure.
    evidence : ids of facts of the ledger that bear on it, possibly none; not looked up here.
    source : title, organisation and date in words.
    note : what is doubtful, who else bid, what came of it; may be empty.
    """

    id: str
    year: int
    date: str
    state: str
    domain: str
    options: tuple[str, ...]
    pick: str
    decision: str
    reliability: str
    evidence: tuple[str, ...]
    source: str
    note: str


COLUMNS: Final = tuple(field.name for field in fields(Decision))
"""Columns of the file."""


def read_decisions(file: Path | None = None) -> tuple[Decision, ...]:
    """Read a table of decisions, in its order.

    Parameters
    ----------
    file : CSV with the columns ``COLUMNS`` in any order, codes in small letters as in
        configurations, and spaces between the entries of ``options`` and ``evidence``; None for
        the shipped table.

    Raises
    ------
    InputError
        A missing file or column, or content that cannot be right; the message names the file, the
        line, the column and, for an unknown code, the nearest valid name.
    """
    sheet = read_rows(SHIPPED if file is None else file, COLUMNS, "year", None)
    lines: dict[str, int] = {}
    decisions = []
    for row in sheet.rows:
        decision = _decision(row)
        first = lines.setdefault(decision.id, row.line)
        if decision.id and first != row.line:
            row.refuse(f"id: '{decision.id}' is already in line {first}")
        decisions.append(decision)
    sheet.problems.refuse()
    return tuple(decisions)


def _decision(row: Row) -> Decision:
    """Decision of a row; of no use where the row has a problem."""
    year = row.year("year") or 0
    options = _options(row)
    return Decision(
        id=_text(row, "id"),
        year=year,
        date=_date(row, year),
        state=row.code("state", STATES).upper(),
        domain=row.code("domain", DOMAINS),
        options=tuple(_in_results(option) for option in options),
        pick=_in_results(_pick(row, options)),
        decision=_text(row, "decision"),
        reliability=row.code("reliability", RELIABILITIES),
        evidence=tuple(row.cells["evidence"].split()),
        source=_text(row, "source"),
        note=row.cells["note"],
    )


def _text(row: Row, column: str) -> str:
    """Text that must be there."""
    text = row.cells[column]
    if not text:
        row.refuse(f"{column}: is empty")
    return text


def _date(row: Row, year: int) -> str:
    """Date of the year, to the day, the month or the year."""
    text = row.cells["date"]
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        found = date.fromisoformat(text + _FIRST_DAY[len(text) - len("2001") :])
    except ValueError:
        row.refuse(f"date: '{text}' is no date (write 2001, 2001-10 or 2001-10-07)")
        return text
    if found.year != year:
        row.refuse(f"date: {text} is not in year {year}")
    return text


def _options(row: Row) -> tuple[str, ...]:
    """Codes of what was on the table, as in the file."""
    options = tuple(row.cells["options"].split())
    for number, option in enumerate(options):
        if option not in OPTIONS:
            row.refuse(f"options: unknown '{option}'{nearest(option, OPTIONS)}")
        elif option in options[:number]:
            row.refuse(f"options: '{option}' given twice")
    if len(options) < 2:
        row.refuse(f"options: needs at least two, is '{row.cells['options']}'")
    return options


def _pick(row: Row, options: tuple[str, ...]) -> str:
    """Code of what was picked, as in the file."""
    pick = row.code("pick", OPTIONS)
    if pick in OPTIONS and pick not in options:
        row.refuse(f"pick: '{pick}' is not among the options '{' '.join(options)}'")
    return pick


def _in_results(option: str) -> str:
    """Option as results write it."""
    return option if option == NOBODY else option.upper()
