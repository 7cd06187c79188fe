"""Trade of the states with the powers and the rest of the world, year by year."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.axes import FloatArray
from sim.history.codes import FILE_CODES, Quality
from sim.history.files import Problems, Row
from sim.history.flows import DECIMALS, MILLIONS_PER_BILLION, Asked, Flow, excess, read_flows
from sim.history.notes import Table, trade_notes
from sim.history.spans import spans


@dataclass(frozen=True)
class Trade:
    """Trade of the states, arranged.

    Attributes
    ----------
    years : one after the other.
    amount : (state, partner, year), USD bn/yr; the last partner is the rest of the world. NaN where
        a row is missing or of a quality that is not used.
    quality, basis : (state, power, year), as in the file; empty where a row is missing.
    notes : what has to be known of the numbers.
    used : rows behind them.
    years_read : all years that were read.
    """

    years: tuple[int, ...]
    amount: FloatArray
    quality: NDArray[np.str_]
    basis: NDArray[np.str_]
    notes: tuple[str, ...]
    used: tuple[Row, ...]
    years_read: tuple[int, ...]


def read_trade(file: Path, until: int | None, asked: Asked) -> Trade:
    """Read the trade file up to a year and arrange what is asked for.

    Raises
    ------
    InputError
        A row that cannot be right, a state or power without rows, a gap, or powers that together
        trade more than the world.
    """
    flows = read_flows(file, until, asked)
    table = _table(flows.flows, asked, flows.problems)
    flows.problems.refuse()
    there = {(state, year) for (state, _), series in table.items() for year in series}
    left_out = {(state, y) for (state, _), s in table.items() for y in s if s[y].unusable}
    usable = [year for _, year in there - left_out]
    if not usable:
        flows.problems.add(f"no year that can be used: all are of quality {Quality.UNUSABLE}")
    flows.problems.refuse()
    years = tuple(range(min(usable), max(usable) + 1))
    amount = _amounts(table, years, asked, flows.problems)
    flows.problems.refuse()
    return Trade(
        years=years,
        amount=amount,
        quality=_labels(table, years, asked, lambda flow: flow.quality),
        basis=_labels(table, years, asked, lambda flow: flow.basis),
        notes=trade_notes(table, years, amount, flows, asked),
        used=tuple(flow.row for series in table.values() for flow in series.values()),
        years_read=flows.years,
    )


def _table(flows: Sequence[Flow], asked: Asked, problems: Problems) -> Table:
    """Series of every state and partner, each without a gap unless gaps are allowed."""
    table: dict[tuple[str, str], dict[int, Flow]] = {}
    for state in asked.states:
        reporter = FILE_CODES[state]
        own = [flow for flow in flows if flow.reporter == reporter]
        if not own:
            there = ", ".join(sorted({flow.reporter for flow in flows}))
            problems.add(f"no row of reporter '{reporter}' ({state}); it has {there}")
        for partner in asked.partners if own else ():
            series = {flow.year: flow for flow in own if flow.partner == partner}
            table[state, partner] = dict(sorted(series.items()))
            _check_series(f"{reporter}–{partner}", table[state, partner], asked, problems)
    return table


def _check_series(pair: str, series: Mapping[int, Flow], asked: Asked, problems: Problems) -> None:
    """A series has rows, and of every year between its first and its last."""
    if not series:
        problems.add(f"no row of {pair}")
        return
    missing = set(range(min(series), max(series))) - set(series)
    if missing and not asked.gaps:
        before = series[max(year for year in series if year < min(missing))]
        problems.add(
            f"{pair} has no row for {spans(missing)}: a gap after this one of {before.year} "
            "(gaps=True leaves such years empty)",
            before.row.line,
        )


def _amounts(table: Table, years: Sequence[int], asked: Asked, problems: Problems) -> FloatArray:
    """Trade in USD bn/yr by state, partner (powers, rest of the world) and year."""
    *powers, _ = asked.partners
    amount = np.full((len(asked.states), len(powers) + 1, len(years)), math.nan)
    for row, state in enumerate(asked.states):
        for column, year in enumerate(years):
            flows = [table[state, partner].get(year) for partner in asked.partners]
            if any(flow is not None and flow.unusable for flow in flows):
                continue
            *totals, world = [math.nan if flow is None else flow.total for flow in flows]
            if flows[-1] is not None:
                if asked.gaps and excess(flows[-1], totals) > 0:
                    continue
                world = _rest(flows[-1], totals, powers, problems)
            amount[row, :, column] = [*totals, world]
    return amount / MILLIONS_PER_BILLION


def _rest(world: Flow, totals: Sequence[float], powers: Sequence[str], problems: Problems) -> float:
    """Trade with the rest of the world, USD m; zero where rounding makes it less."""
    together = math.fsum(totals)
    rest = world.total - together
    if world.total == 0:
        problems.add(f"{world.pair} {world.year}: total_usd_m must be above 0", world.row.line)
    elif excess(world, totals) > 0:
        problems.add(
            f"{world.pair} {world.year} is {world.total:g}, yet {', '.join(powers)} together "
            f"are {together:g}",
            world.row.line,
        )
    return max(round(rest, DECIMALS), 0.0)


def _labels(
    table: Table, years: Sequence[int], asked: Asked, label: Callable[[Flow], str]
) -> NDArray[np.str_]:
    """Labels by state, power and year; empty where a row is missing."""
    *powers, _ = asked.partners
    return np.array(
        [
            [
                [label(table[s, p][year]) if year in table[s, p] else "" for year in years]
                for p in powers
            ]
            for s in asked.states
        ]
    )
