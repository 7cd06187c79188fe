"""Output of states, powers and the rest of the world: gross domestic product year by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sim.axes import FloatArray
from sim.history.codes import ECONOMIES, FILE_CODES, WORLD_ECONOMY
from sim.history.files import Problems, Row, read_rows
from sim.history.spans import spans

CURRENT: Final = "gdp_current_usd"
CONSTANT: Final = "gdp_const2015_usd_chained"
COLUMNS: Final = ("iso3", "year", CURRENT, CONSTANT)
DOLLARS_PER_BILLION: Final = 1e9


@dataclass(frozen=True)
class Output:
    """Gross domestic product, arranged.

    Attributes
    ----------
    current, real : (economy, year), USD bn/yr: states, powers, rest of the world; at prices of the
        year and of 2015.
    used : rows behind them.
    years_read : all years that were read.
    """

    current: FloatArray
    real: FloatArray
    used: tuple[Row, ...]
    years_read: tuple[int, ...]


def read_output(
    file: Path,
    until: int | None,
    economies: tuple[Sequence[str], Sequence[str]],
    years: Sequence[int],
) -> Output:
    """Read the output file up to a year and arrange what is asked for.

    The rest of the world is the world less the powers. The world counts each country once, so that
    the row of the EU is taken from it like that of a country, and none of its members besides. Of
    chained prices such a difference is exact in 2015 only, and near it in other years.

    Parameters
    ----------
    file : CSV file.
    until : last year that is read; None for all.
    economies : states and powers, codes of the project.
    years : years asked for.

    Raises
    ------
    InputError
        A row that cannot be right, one that is missing, or an output that is not positive.
    """
    sheet = read_rows(file, COLUMNS, "year", until)
    rows = _rows(sheet.rows)
    sheet.problems.refuse()
    states, powers = ([FILE_CODES[code] for code in codes] for codes in economies)
    named = [*states, *powers, WORLD_ECONOMY]
    _check_present(rows, named, years, sheet.problems)
    sheet.problems.refuse()
    used = [rows[iso3, year] for iso3 in named for year in years]
    current, real = (
        _with_rest(column, used, len(powers), sheet.problems) for column in (CURRENT, CONSTANT)
    )
    sheet.problems.refuse()
    years_read = tuple(sorted({year for _, year in rows}))
    return Output(current=current, real=real, used=tuple(used), years_read=years_read)


def _rows(rows: Sequence[Row]) -> dict[tuple[str, int], Row]:
    """Rows by economy and year, each checked by itself."""
    found: dict[tuple[str, int], Row] = {}
    for row in rows:
        iso3, year = row.code("iso3", ECONOMIES), row.year("year")
        for column in (CURRENT, CONSTANT):
            value = row.number(column)
            if value is not None and value <= 0:
                row.refuse(f"{column}: must be above 0, is {value:g}")
        if year is None:
            continue
        other = found.setdefault((iso3, year), row)
        if other is not row:
            row.refuse(f"{iso3} {year} is already in line {other.line}")
    return found


def _check_present(
    rows: Mapping[tuple[str, int], Row],
    economies: Sequence[str],
    years: Sequence[int],
    problems: Problems,
) -> None:
    """Every economy has both numbers in every year."""
    for iso3 in economies:
        missing = [year for year in years if (iso3, year) not in rows]
        if missing:
            problems.add(f"no row of {iso3} for {spans(missing)}")
        for year in years:
            row = rows.get((iso3, year))
            for column in (CURRENT, CONSTANT):
                if row is not None and row.number(column) is None:
                    row.refuse(f"{column}: is empty, and {iso3} {year} is needed")


def _with_rest(column: str, used: Sequence[Row], powers: int, problems: Problems) -> FloatArray:
    """Numbers by economy and year, USD bn/yr, the rest of the world in place of the world."""
    economies = len({row.cells["iso3"] for row in used})
    dollars = np.array([row.number(column) for row in used], np.float64).reshape(economies, -1)
    dollars[-1] -= dollars[-1 - powers : -1].sum(axis=0)
    for row, rest in zip(used[-dollars.shape[1] :], dollars[-1], strict=True):
        if rest <= 0:
            problems.add(f"{column}: the powers together have more than {WORLD_ECONOMY}", row.line)
    return dollars / DOLLARS_PER_BILLION
