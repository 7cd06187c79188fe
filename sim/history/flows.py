"""Rows of the trade file: each checked by itself, then one for each year and pair, and shares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim.history.codes import (
    CODES,
    FILE_CODES,
    LOWER_BOUND,
    PARTNERS,
    QUALITIES,
    REPORTERS,
    WORLD,
    Basis,
    Quality,
)
from sim.history.files import Problems, Row, read_rows

COLUMNS: Final = (
    "year",
    "reporter_iso3",
    "partner",
    "exports_usd_m",
    "imports_usd_m",
    "total_usd_m",
    "share_of_total_pct",
    "quality",
    "basis",
)
ROUNDING: Final = 0.5
"""Largest error of one figure, USD m: many sources give whole millions."""
DECIMALS: Final = 3
"""Of a figure in USD m, as the format has them."""
MILLIONS_PER_BILLION: Final = 1000.0
ZERO_TRADE: Final = ROUNDING / MILLIONS_PER_BILLION
"""Stands for no trade in shares, USD bn/yr: a zero among whole millions may be as much as this."""
SHARE_ROUNDING: Final = 0.05
"""Largest error of a share of the total, percentage points: shares may have one decimal."""


TOTAL_ONLY: Final = (Quality.FACTBOOK_OR_NEWS, Quality.INTERPOLATED)
"""Qualities of rows that may have a total without exports and imports."""


@dataclass(frozen=True)
class Asked:
    """What a reader wants of the file, in codes of the project."""

    states: tuple[str, ...]
    powers: tuple[str, ...]
    basis: Basis | None
    gaps: bool

    @property
    def partners(self) -> tuple[str, ...]:
        """Partners that are looked up, as the file writes them."""
        return (*(FILE_CODES[power] for power in self.powers), WORLD)


@dataclass(frozen=True)
class Flow:
    """Trade of one year between a reporter and a partner, in codes of the file."""

    row: Row
    year: int
    reporter: str
    partner: str
    total: float
    share: float | None
    quality: str
    basis: Basis

    @property
    def pair(self) -> str:
        """Reporter and partner for messages."""
        return f"{self.reporter}–{self.partner}"

    @property
    def unusable(self) -> bool:
        """Whether too much is missing for shares."""
        return self.quality[0] == Quality.UNUSABLE

    def wanted(self, asked: Asked) -> bool:
        """Whether this row is one of a series that is looked up."""
        return CODES.get(self.reporter) in asked.states and self.partner in asked.partners


@dataclass(frozen=True)
class Flows:
    """Rows of the trade file, one for each year, reporter and partner.

    Attributes
    ----------
    flows : in the order of the file.
    chosen : those taken from several bases.
    years : all years that were read.
    problems : for what is found wrong later.
    """

    flows: tuple[Flow, ...]
    chosen: tuple[Flow, ...]
    years: tuple[int, ...]
    problems: Problems


def excess(world: Flow, parts: Sequence[float]) -> float:
    """What parts of the trade with the world are above it, beyond rounding, USD m."""
    return math.fsum(parts) - world.total - ROUNDING * (len(parts) + 1)


def read_flows(file: Path, until: int | None, asked: Asked) -> Flows:
    """Read the trade file up to a year.

    Raises
    ------
    InputError
        A cell, a duplicate or a share that cannot be right.
    """
    sheet = read_rows(file, COLUMNS, "year", until)
    read = [_flow(row) for row in sheet.rows]
    sheet.problems.refuse()
    found = [flow for flow in read if flow is not None]
    flows, chosen = _one_each(found, asked, sheet.problems)
    sheet.problems.refuse()
    _check_shares(flows, sheet.problems)
    sheet.problems.refuse()
    years = tuple(sorted({flow.year for flow in found}))
    return Flows(tuple(flows), tuple(chosen), years, sheet.problems)


def _flow(row: Row) -> Flow | None:
    """Flow of a row, None where the row has a problem."""
    year = row.year("year")
    reporter, partner = row.code("reporter_iso3", REPORTERS), row.code("partner", PARTNERS)
    quality = row.code("quality", QUALITIES)
    basis = row.code("basis", frozenset(Basis))
    total = row.amount("total_usd_m")
    share = row.amount("share_of_total_pct")
    if total is None:
        row.refuse("total_usd_m: is empty")
    else:
        _check_total(row, total, quality)
    if share is not None and share > 100:
        row.refuse(f"share_of_total_pct: must be at most 100, is {share:g}")
    if year is None or total is None or not row.sound:
        return None
    return Flow(row, year, reporter, partner, total, share, quality, Basis(basis))


def _check_total(row: Row, total: float, quality: str) -> None:
    """Exports and imports are there, or one is missing and said to be, and add up to the total.

    Of trade known from shares or news alone, only the total may be there.
    """
    flows = {column: row.amount(column) for column in ("exports_usd_m", "imports_usd_m")}
    missing = [column for column, value in flows.items() if value is None]
    if len(missing) == len(flows):
        if quality[:1] not in TOTAL_ONLY:
            row.refuse("exports_usd_m and imports_usd_m: both are empty")
    elif missing and not quality.endswith(LOWER_BOUND):
        row.refuse(
            f"{missing[0]}: is empty, yet quality '{quality}' does not end in '{LOWER_BOUND}' "
            "(one flow missing)"
        )
    else:
        there = [value for value in flows.values() if value is not None]
        if abs(total - math.fsum(there)) > ROUNDING * (len(there) + 1):
            row.refuse(
                f"total_usd_m: {total:g} is not exports plus imports "
                f"({' + '.join(f'{value:g}' for value in there)})"
            )


def _one_each(
    found: Iterable[Flow], asked: Asked, problems: Problems
) -> tuple[list[Flow], list[Flow]]:
    """One flow for each year and pair, and those that were chosen among several bases."""
    groups: dict[tuple[int, str, str], list[Flow]] = {}
    for flow in found:
        groups.setdefault((flow.year, flow.reporter, flow.partner), []).append(flow)
    flows, chosen = [], []
    for group in groups.values():
        by_basis: dict[Basis, Flow] = {}
        for flow in group:
            other = by_basis.setdefault(flow.basis, flow)
            if other is not flow:
                again = f"{flow.pair} {flow.year} ({flow.basis}) is already in line"
                problems.add(f"{again} {other.row.line}", flow.row.line)
        flow = group[0]
        if len(by_basis) > 1 and asked.basis in by_basis:
            flow = by_basis[asked.basis]
            chosen.append(flow)
        elif len(by_basis) > 1 and flow.wanted(asked):
            problems.add(_mixed(by_basis, asked.basis), flow.row.line)
        flows.append(flow)
    return flows, chosen


def _mixed(by_basis: Mapping[Basis, Flow], asked: Basis | None) -> str:
    """Message for one year and pair with several bases."""
    flow = next(iter(by_basis.values()))
    places = ", ".join(f"{basis} (line {flow.row.line})" for basis, flow in by_basis.items())
    way = "choose one with basis=…" if asked is None else f"none is '{asked}', which basis asks for"
    return f"mixed bases: {flow.pair} {flow.year} is there as {places}; {way}"


def _check_shares(flows: Iterable[Flow], problems: Problems) -> None:
    """Stated shares are those of the stated totals."""
    worlds = {(flow.year, flow.reporter): flow for flow in flows if flow.partner == WORLD}
    for flow in flows:
        world = worlds.get((flow.year, flow.reporter))
        if flow.share is None or world is None or world.total == 0:
            continue
        share = 100 * flow.total / world.total
        if abs(share - flow.share) > SHARE_ROUNDING:
            problems.add(
                f"share_of_total_pct: {flow.pair} {flow.year} is {flow.share:g}, yet "
                f"{flow.total:g} of {world.total:g} (line {world.row.line}) is {share:.4g} %",
                flow.row.line,
            )
