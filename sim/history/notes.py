"""What has to be known of trade figures before they are taken for behaviour, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from sim.axes import ROW, FloatArray
from sim.history.codes import CODES, LOWER_BOUND, WORLD, Basis, Quality
from sim.history.flows import ROUNDING, Asked, Flow, Flows, excess
from sim.history.spans import spans

Table = Mapping[tuple[str, str], Mapping[int, Flow]]
"""Flows by state (code of the project) and partner (code of the file), then by year."""


def trade_notes(
    table: Table, years: Sequence[int], amount: FloatArray, flows: Flows, asked: Asked
) -> tuple[str, ...]:
    """Notes on the series that are looked up.

    Parameters
    ----------
    table : their rows.
    years : those of the data.
    amount : (state, partner, year), USD bn/yr.
    flows : all rows of the file.
    asked : what is looked up.
    """
    chosen = {(flow.pair, flow.year) for flow in flows.chosen}
    return (
        *_breaks(table, years),
        *_cells(
            table,
            f"several bases, '{asked.basis}' is taken",
            lambda flow: (flow.pair, flow.year) in chosen,
        ),
        *_interpolations(table),
        *_cells(
            table,
            f"one of the two flows is missing: a lower bound (quality '{LOWER_BOUND}')",
            lambda flow: flow.quality.endswith(LOWER_BOUND),
        ),
        *_unusable(table),
        *_missing(table, years),
        *_contradictions(table),
        *_zeros(years, amount, asked),
        *_excess(flows, asked),
    )


def _pair(state: str, partner: str) -> str:
    return f"{state}–{CODES.get(partner, partner)}"


def _breaks(table: Table, years: Sequence[int]) -> Iterator[str]:
    """Changes of basis within a series."""
    for (state, partner), series in table.items():
        for before, flow in pairwise(series[year] for year in years if year in series):
            if flow.basis is not before.basis:
                yield (
                    f"{_pair(state, partner)} {flow.year}: basis changes from {before.basis} to "
                    f"{flow.basis}; the change from {before.year} is not behaviour"
                )


def _cells(table: Table, words: str, holds: Callable[[Flow], bool]) -> Iterator[str]:
    """Years of each series of which something holds."""
    for (state, partner), series in table.items():
        found = [year for year, flow in series.items() if holds(flow)]
        if found:
            yield f"{_pair(state, partner)} {spans(found)}: {words}"


def _interpolations(table: Table) -> Iterator[str]:
    """Years that stand between two figures, the later of which may not have been read.

    Those at the end of a series lean on a figure after it: a calibration that must not know what
    came later has to leave them out.
    """
    for (state, partner), series in table.items():
        found = [
            year
            for year, flow in series.items()
            if flow.basis is Basis.INTERPOLATED or flow.quality[0] == Quality.INTERPOLATED
        ]
        known = max(set(series) - set(found), default=min(series))
        inside = [year for year in found if year < known]
        after = [year for year in found if year > known]
        if inside:
            yield f"{_pair(state, partner)} {spans(inside)}: interpolated"
        if after:
            yield (
                f"{_pair(state, partner)} {spans(after)}: interpolated towards a figure after "
                f"{after[-1]}, which is not in these data"
            )


def _unusable(table: Table) -> Iterator[str]:
    """Years of which a quality says that shares would be wrong."""
    found: dict[str, set[int]] = {}
    for (state, _), series in table.items():
        found.setdefault(state, set()).update(y for y, flow in series.items() if flow.unusable)
    for state, left_out in found.items():
        if left_out:
            yield f"{state} {spans(left_out)}: quality {Quality.UNUSABLE}, left out"


def _missing(table: Table, years: Sequence[int]) -> Iterator[str]:
    """Years without a row, of which no shares can be had."""
    partners: dict[tuple[str, str], list[str]] = {}
    for (state, partner), series in table.items():
        missing = spans(set(years) - set(series))
        if missing:
            partners.setdefault((state, missing), []).append(CODES.get(partner, partner))
    for (state, missing), names in partners.items():
        yield f"{state} {missing}: no row with {', '.join(names)}, so no shares"


def _contradictions(table: Table) -> Iterator[str]:
    """Years in which the powers alone trade more than the world."""
    found: dict[str, dict[str, dict[int, Flow]]] = {}
    for (state, partner), series in table.items():
        found.setdefault(state, {})[partner] = dict(series)
    for state, by_partner in found.items():
        world = by_partner.pop(WORLD)
        years = [
            year
            for year, flow in world.items()
            if excess(
                flow, [series[year].total for series in by_partner.values() if year in series]
            )
            > 0
        ]
        if years:
            yield f"{state} {spans(years)}: the powers trade more than the world, so no shares"


def _zeros(years: Sequence[int], amount: FloatArray, asked: Asked) -> Iterator[str]:
    """Years without trade, of which there is no logarithm."""
    for row, state in enumerate(asked.states):
        for column, partner in enumerate((*asked.powers, ROW)):
            none = [
                year for year, value in zip(years, amount[row, column], strict=True) if not value
            ]
            if none:
                words = f"no trade; {ROUNDING:g} USD m stands for it in shares"
                yield f"{_pair(state, partner)} {spans(none)}: {words}"


def _excess(flows: Flows, asked: Asked) -> Iterator[str]:
    """Years in which all partners of the file together trade more than the world.

    Sources of single partners and of the total may differ; the rest of the world is the remainder
    of the total, so that this makes no share wrong by itself.
    """
    totals: dict[tuple[str, int], list[float]] = {}
    worlds: dict[tuple[str, int], float] = {}
    for flow in flows.flows:
        key = CODES.get(flow.reporter, ""), flow.year
        if flow.partner == WORLD:
            worlds[key] = flow.total
        else:
            totals.setdefault(key, []).append(flow.total)
    for (state, year), world in sorted(worlds.items()):
        parts = totals.get((state, year), [])
        together = sum(parts)
        if state in asked.states and together > world + ROUNDING * (len(parts) + 1):
            above = 100 * (together / world - 1)
            yield f"{state} {year}: partners of the file together are {above:.0f} % above the world"
