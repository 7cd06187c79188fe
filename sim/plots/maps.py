"""Map of the region: freight on the corridors, and ties of each state to the powers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.analysis.bands import quantiles
from sim.axes import FloatArray
from sim.errors import InputError, nearest
from sim.plots.borders import Projection, borders, frame
from sim.plots.canvas import FONT
from sim.plots.map_labels import Labels, beside, spread
from sim.plots.map_parts import draw_lands, draw_ring, draw_way, inside, length, line_style
from sim.plots.map_sheet import Sheet, open_sheet
from sim.plots.palette import INK, power_colours
from sim.plots.places import CAPITALS, CORRIDORS, COUNTRIES
from sim.plots.ternary import median_path

RINGS: Final = "Rings: ties, shares of the powers in a state’s dependence."
LINES: Final = "Corridors are schematic."
SOURCE: Final = "Borders: Natural Earth."
"""Sentences of the note below a map."""
NOTHING: Final = "no freight"
"""Written at a corridor that carries nothing."""
FINE: Final = 9.95
"""Freight in Mt/yr from which on it is written without decimals."""
_MARGIN: Final = 0.03
_RADIUS: Final = 0.19
_APART: Final = 0.42
"""Radius of rings and least distance of their centres, in inches."""
_RING_SLOT: Final = 0.46
_TEXT_SLOT: Final = 1.48
"""Room for a ring and for a text in the list below the map, in inches."""
_GAPS: Final = (0.04, 0.1, 0.2)
_INDENT: Final = 0.08
_SEEN: Final = 0.05
"""Length that is seen of a corridor on the map, at the least, as a share of its width."""
_STRIP: Final = 1e-6
_NAME: Final = "#707070"


class Freight(NamedTuple):
    """Freight on a corridor in Mt/yr: median over replicates, and ends of the interval."""

    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        """Median and, where replicates differ, interval with its unit."""
        if self.high <= 0:
            return NOTHING
        low, middle, high = (f"{value:.{int(self.high < FINE)}f}" for value in self)
        return f"{middle} Mt/yr" if low == high else f"{middle} ({low}–{high}) Mt/yr"


def region_map(
    data: xr.Dataset,
    ax: Axes | None = None,
    *,
    period: str | None = None,
    widest: float | None = None,
) -> Axes:
    """Corridors as wide as their freight, and a ring of ties to the powers for each state.

    All numbers are medians over replicates; the shares of a ring are scaled to add up to 1. States
    that the map does not know, and corridors that it does not know or cannot show, are listed
    below it.

    Parameters
    ----------
    data : outcomes of a run with ``alignment_stock`` (period, state, power, replicate) and, to
        have corridors, ``corridor_flow`` (period, corridor, replicate).
    ax : where to draw; without it new axes with a legend.
    period : half-year of the freight, at whose start the ties are measured; the last by default.
    widest : freight in Mt/yr of the widest line, for maps to be compared; by default the largest
        in that half-year.

    Raises
    ------
    InputError
        The run has no such half-year.
    """
    label = _period(data, period)
    ties, flows = _ties(data.sel(period=label)), _flows(data.sel(period=label))
    known = [state for state in ties if state in borders() and state in CAPITALS]
    plane, window = _view(known)
    ways = {code: plane.way(CORRIDORS[code].way) for code in flows if code in CORRIDORS}
    least = _SEEN * (window[1] - window[0])[0]
    ways = {code: way for code, way in ways.items() if length(inside(way, window)) > least}
    unplaced = {state: shares for state, shares in ties.items() if state not in known}
    unseen = {code: flow for code, flow in flows.items() if code not in ways}
    title = f"Freight in {label}, ties at its start" if flows else f"Ties at the start of {label}"
    sheet = open_sheet(title, window, [_RING_SLOT] * len(unplaced) + [_TEXT_SLOT] * len(unseen), ax)
    full = widest or max((flow.middle for flow in flows.values()), default=0.0)
    lines = {code: (way, line_style(flows[code].middle, full)) for code, way in ways.items()}
    draw_lands(sheet.axes, plane, known)
    for code, (way, style) in lines.items():
        draw_way(sheet.axes, way, style).set_gid(code)
    centres = _draw_rings(sheet, plane, {state: ties[state] for state in known})
    _draw_list(sheet, unplaced, unseen)
    labels = Labels(sheet.axes, sheet.window)
    labels.block(centres, _RADIUS * sheet.inch)
    _write_corridors(sheet, labels, lines, flows)
    _write_countries(labels, plane, known)
    if ax is None:
        powers = [str(code) for code in data["power"].values]
        _legend(sheet.axes, powers, [flow.middle for flow in flows.values()], full)
        _note(sheet.axes, data.sizes["replicate"] > 1, bool(flows))
    return sheet.axes


def region_map_figure(data: xr.Dataset) -> Figure:
    """``region_map`` of the last half-year in a figure of its own."""
    figure = region_map(data).figure
    assert isinstance(figure, Figure)
    return figure


def _period(data: xr.Dataset, period: str | None) -> str:
    periods = [str(label) for label in data["period"].values]
    if period is not None and period not in periods:
        raise InputError(f"no half-year '{period}' in the results{nearest(period, periods)}")
    return periods[-1] if period is None else period


def _ties(now: xr.Dataset) -> dict[str, dict[str, float]]:
    """Shares of the powers in the dependence of each state."""
    order = ("state", "power", "replicate")
    shares = median_path(now["alignment_stock"].transpose(*order).values)
    powers = [str(code) for code in now["power"].values]
    return {
        str(state): dict(zip(powers, map(float, row), strict=True))
        for state, row in zip(now["state"].values, shares, strict=True)
    }


def _flows(now: xr.Dataset) -> dict[str, Freight]:
    """Freight on each corridor; empty in a run without corridors."""
    if "corridor_flow" not in now:
        return {}
    bands = quantiles(now["corridor_flow"]).transpose("corridor", "quantile")
    return {
        str(code): Freight(*map(float, row))
        for code, row in zip(now["corridor"].values, bands.values, strict=True)
    }


def _view(states: Sequence[str]) -> tuple[Projection, FloatArray]:
    """Projection and window that show the states; an empty strip where there are none."""
    if not states:
        return Projection(0.0), np.array([[0.0, 0.0], [1.0, _STRIP]])
    rings = [ring for state in states for ring in borders()[state]]
    sides = np.concatenate(rings)[:, 0]
    plane = Projection(float(sides.min() + sides.max()) / 2)
    return plane, frame([plane(ring) for ring in rings], _MARGIN)


def _draw_rings(
    sheet: Sheet, plane: Projection, ties: Mapping[str, Mapping[str, float]]
) -> FloatArray:
    """Rings at the capitals, or beside them where capitals are close; return their centres."""
    if not ties:
        return np.empty((0, 2))
    capitals = plane([CAPITALS[state] for state in ties])
    centres = spread(capitals, _APART * sheet.inch)
    for capital, centre, (state, shares) in zip(capitals, centres, ties.items(), strict=True):
        sheet.axes.plot(*np.stack([capital, centre]).T, color=INK, linewidth=0.8, zorder=4.5)
        sheet.axes.plot(*capital, color=INK, marker="o", markersize=2.2, zorder=4.6)
        draw_ring(sheet.axes, centre, _RADIUS * sheet.inch, state, shares)
    return centres


def _draw_list(
    sheet: Sheet, ties: Mapping[str, Mapping[str, float]], flows: Mapping[str, Freight]
) -> None:
    """What has no place on the map: rings of states, then corridors in words."""
    slots = iter(sheet.slots)
    for state, shares in ties.items():
        draw_ring(sheet.axes, next(slots), _RADIUS * sheet.inch, state, shares)
    for code, flow in flows.items():
        x, y = next(slots)
        left = float(x) - (_TEXT_SLOT / 2 - _INDENT) * sheet.inch
        look: dict[str, Any] = {"fontsize": FONT, "va": "center_baseline", "zorder": 4.1}
        sheet.axes.text(left, float(y), f"{code} {flow}", **look)


def _write_corridors(
    sheet: Sheet,
    labels: Labels,
    lines: Mapping[str, tuple[FloatArray, Mapping[str, Any]]],
    flows: Mapping[str, Freight],
) -> None:
    """Name and freight of each corridor beside its line."""
    seen = {code: inside(way, sheet.window) for code, (way, _) in lines.items()}
    half = {code: style["linewidth"] / 2 / 72 * sheet.inch for code, (_, style) in lines.items()}
    for code, way in seen.items():
        labels.block(way, half[code], crossable=True)
    for code, way in seen.items():
        places = beside(way, [half[code] + gap * sheet.inch for gap in _GAPS])
        name = f"{code}: {CORRIDORS[code].name}"
        labels.put(
            f"{name}\n{flows[code]}", places, must=True, fontweight="bold", color=INK, zorder=6
        )


def _write_countries(labels: Labels, plane: Projection, known: Sequence[str]) -> None:
    """Names of countries without a ring where there is room."""
    for code, (name, spots) in COUNTRIES.items():
        if code in borders() and code not in known:
            places = [(float(x), float(y), "center", "center") for x, y in plane(spots)]
            labels.put(name, places, fontstyle="italic", color=_NAME, zorder=5.9)


def _legend(axes: Axes, powers: Sequence[str], flows: Sequence[float], full: float) -> None:
    """Powers, and widths of lines."""
    handles: list[Artist] = [
        Patch(facecolor=colour, label=power) for power, colour in power_colours(powers).items()
    ]
    if max(flows, default=0.0) > 0:
        top = _round_below(full)
        handles += [
            Line2D([], [], label=f"{flow:g} Mt/yr", **line_style(flow, full))
            for flow in (top, _round_below(top / 3))
        ]
    if min(flows, default=1.0) <= 0:
        handles.append(Line2D([], [], label=NOTHING, **line_style(0, full)))
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=0.2,
        columnspacing=1.4,
        ncols=len(handles),
        fontsize=FONT,
        frameon=False,
    )


def _note(axes: Axes, several: bool, corridors: bool) -> None:
    """What a map of several replicates, or with corridors, is: below its legend."""
    medians = "Medians (5–95 %)." if corridors else "Medians."
    sentences = [*[medians] * several, RINGS, *[LINES] * corridors, SOURCE]
    axes.annotate(
        " ".join(sentences),
        (0.5, 0),
        xycoords="axes fraction",
        xytext=(0, -20),
        textcoords="offset points",
        fontsize=FONT,
        ha="center",
        va="top",
    )


def _round_below(value: float) -> float:
    """Largest of 1, 2 and 5 times a power of ten that is not above a value."""
    decade = 10.0 ** math.floor(math.log10(value))
    return decade * max(step for step in (1, 2, 5) if step * decade <= value)
