"""Rows of a CSV file up to a year; each mistake is said by file, line and column."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from sim.errors import InputError, nearest

SHOWN: Final = 10
"""Problems of one file that a message lists."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
"""Calendar years outside of which a number is no year of this history."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_SEPARATED: Final = re.compile(r"[+-]?\d[\d\s.,'’]*", re.ASCII)
"""Digits with signs between them: a number in the manner of some country."""
_OTHER_DELIMITERS: Final = {";": "';'", "\t": "tabs"}


class Problems:
    """What is wrong with one file, collected to be said at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._found: list[str] = []

    def add(self, message: str, line: int | None = None) -> None:
        """Keep a problem, with its line in the file where it has one."""
        self._found.append(message if line is None else f"line {line}: {message}")

    def refuse(self) -> None:
        """Raise what was found, if anything."""
        if not self._found:
            return
        if len(self._found) == 1:
            raise InputError(f"{self.file}: {self._found[0]}")
        more = len(self._found) - SHOWN
        rest = [f"  and {more} more"] if more > 0 else []
        shown = [f"  {problem}" for problem in self._found[:SHOWN]]
        raise InputError("\n".join([f"{self.file}: {len(self._found)} problems:", *shown, *rest]))


@dataclass
class Row:
    """One row: cells by column in the order of the format, and whether those read are in order."""

    line: int
    cells: Mapping[str, str]
    problems: Problems
    sound: bool = True

    def refuse(self, message: str) -> None:
        """Keep a problem of this row."""
        self.sound = False
        self.problems.add(message, self.line)

    def code(self, column: str, valid: Collection[str]) -> str:
        """Text from a closed list."""
        text = self.cells[column]
        if text not in valid:
            self.refuse(f"{column}: unknown '{text}'{nearest(text, valid)}")
        return text

    def number(self, column: str) -> float | None:
        """Finite number; None where the cell is empty, NaN where it is wrong."""
        text = self.cells[column]
        if not text:
            return None
        if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        if text.lower().lstrip("+-") in ("inf", "infinity") or _NUMBER.fullmatch(text):
            self.refuse(f"{column}: must be finite, not {text}")
        else:
            way = " (write 1234.5: no thousands separator, a point before decimals)"
            hint = way if _SEPARATED.fullmatch(text) else ""
            self.refuse(f"{column}: '{text}' is no number{hint}")
        return math.nan

    def amount(self, column: str) -> float | None:
        """Number that is not negative; None and NaN as in ``number``."""
        value = self.number(column)
        if value is not None and value < 0:
            self.refuse(f"{column}: must not be negative, is {value:g}")
            return math.nan
        return value

    def year(self, column: str) -> int | None:
        """Whole year; None where the cell is empty or wrong."""
        value = self.number(column)
        if value is None or math.isnan(value):
            return None
        if not value.is_integer() or not FIRST_YEAR <= value <= LAST_YEAR:
            span = f"between {FIRST_YEAR} and {LAST_YEAR}"
            self.refuse(f"{column}: must be a whole year {span}, is {self.cells[column]}")
            return None
        return int(value)


@dataclass(frozen=True)
class Sheet:
    """Rows of a file up to a year, as far as they can be read, and what is wrong with the rest."""

    rows: tuple[Row, ...]
    problems: Problems


def read_rows(file: Path, columns: Sequence[str], year: str, until: int | None) -> Sheet:
    """Read the rows of a file whose year is not after ``until``.

    Of a row after it nothing but the year is looked at: it may hold anything.

    Parameters
    ----------
    file : CSV in UTF-8, with or without a byte order mark, with a header line.
    columns : those that must be there; further ones are not read.
    year : the one of them by which rows are left out.
    until : last year that is read; None for all.

    Raises
    ------
    InputError
        The file is missing, empty, not UTF-8, not such a table, or holds no row up to that year.
    """
    problems = Problems(file)
    rows = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            lines = _lines(stream, file)
            _, header = next(lines, (1, []))
            places = _places([cell.strip() for cell in header], columns, file)
            for line, cells in lines:
                found = {c: cells[p].strip() if p < len(cells) else "" for c, p in places.items()}
                row = Row(line, found, problems)
                when = row.year(year)
                if when is not None and until is not None and when > until:
                    continue
                if len(cells) != len(header):
                    row.refuse(f"has {len(cells)} cells, not {len(header)} (a comma in a number?)")
                elif when is None and row.sound:
                    row.refuse(f"{year}: is empty")
                rows.append(row)
    except FileNotFoundError:
        others = [other.name for other in file.parent.glob("*.csv")]
        raise InputError(f"{file}: no such file{nearest(file.name, others)}") from None
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02x}"
        raise InputError(f"{file}: is not UTF-8 text (byte {byte}); save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    if not rows:
        raise InputError(f"{file}: no rows{'' if until is None else f' up to {until}'}")
    return Sheet(tuple(row for row in rows if row.sound), problems)


def _lines(stream: Iterable[str], file: Path) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line and cells of each row; blank lines are passed over."""
    reader = csv.reader(stream, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{file}: line {line}: broken CSV: {error}") from None


def _places(header: Sequence[str], columns: Sequence[str], file: Path) -> dict[str, int]:
    """Place of each column in the header."""
    if not any(header):
        raise InputError(f"{file}: is empty; its first line must name the columns")
    for sign, called in _OTHER_DELIMITERS.items():
        if len(header) == 1 and sign in header[0]:
            raise InputError(f"{file}: columns are separated by {called}, must be by commas")
    problems = Problems(file)
    for column in columns:
        if header.count(column) > 1:
            problems.add(f"column '{column}' is there twice", 1)
        elif column not in header:
            others = [other for other in header if other not in columns]
            close = get_close_matches(column, others, n=1)
            hint = f" (there is '{close[0]}': rename it)" if close else ""
            problems.add(f"no column '{column}'{hint}", 1)
    problems.refuse()
    return {column: header.index(column) for column in columns}
