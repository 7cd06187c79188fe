"""Figures without pyplot, and the habits all of them share.

Sizes are those of a paper with two columns: a figure is as wide as both of them, and no letter is
smaller than 7 points. Everything is set on the objects drawn, nothing in ``matplotlib.rcParams``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator

from sim.axes import FloatArray
from sim.plots.palette import FAINT

WIDTH: Final = 7.1
"""Width of a figure across both columns, in inches."""
COLUMN: Final = 3.4
"""Width of one column, in inches."""
FONT: Final = 7.5
"""Size of axis labels, tick labels and legends, in points."""
TITLE: Final = 8.5
"""Size of panel titles, in points."""
MAX_COLUMNS: Final = 3
"""Panels side by side."""
_SINGLE: Final = (COLUMN, 2.8)
_LEGEND_COLUMN: Final = 1.0


def new_figure(width: float, height: float) -> Figure:
    """Figure on an Agg canvas, known to nobody but the caller."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_axes(width: float = _SINGLE[0], height: float = _SINGLE[1]) -> Axes:
    """Axes alone in a new figure."""
    return new_figure(width, height).add_subplot()


def panels(
    count: int, height: float, common_scale: bool = True
) -> tuple[Figure, list[Axes], Axes | Figure]:
    """Figure with panels that share their years and, if asked for, their scale.

    Parameters
    ----------
    count : number of panels, at most three in a row.
    height : of one row, in inches.
    common_scale : whether all panels have the same y axis.

    Returns
    -------
    The figure, its panels, and where a legend fits: in a cell left over, or else in the figure.
    """
    figure, (cells,), spare = blocks((count,), height, common_scale)
    return figure, cells, spare


def blocks(
    counts: Sequence[int], height: float, common_scale: bool = False
) -> tuple[Figure, list[list[Axes]], Axes | Figure]:
    """Figure with blocks of panels below one another, each block from the first column on.

    Parameters
    ----------
    counts : number of panels of each block, at most three in a row.
    height, common_scale : as in ``panels``.

    Returns
    -------
    The figure, the panels of each block, and where a legend fits.
    """
    columns = min(max(counts), MAX_COLUMNS)
    heights = [math.ceil(count / columns) for count in counts]
    rows = sum(heights)
    size = (WIDTH, height * rows) if columns > 1 else (_SINGLE[0], max(height * rows, _SINGLE[1]))
    figure = new_figure(*size)
    grid = figure.subplots(rows, columns, sharex=True, sharey=common_scale, squeeze=False)
    found, top = [], 0
    for count, deep in zip(counts, heights, strict=True):
        cells = [axes for row in grid[top : top + deep] for axes in row]
        for axes in cells[count:]:
            axes.set_axis_off()
        for axes in cells[max(0, count - columns) : count]:
            axes.xaxis.set_tick_params(labelbottom=True)
        found.append(cells[:count])
        top += deep
    last: Axes = grid[-1, -1]
    return figure, found, figure if last.axison else last


def trim(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Common look of axes with two straight sides: labels, letter sizes, a faint grid."""
    axes.set_title(title, fontsize=TITLE, loc="left", fontweight="bold")
    axes.set_xlabel(x, fontsize=FONT)
    axes.set_ylabel(y, fontsize=FONT)
    axes.tick_params(labelsize=FONT, length=2.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def time_axis(axes: Axes, start: float, end: float) -> None:
    """Years across, from zero up: a tick every second year, few and round numbers beside it."""
    axes.set_xlim(start, end)
    axes.xaxis.set_major_locator(MultipleLocator(2))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.update_datalim([(start, 0)])  # so that the margin above is a share of the whole height
    axes.autoscale_view(scalex=False)
    axes.set_ylim(bottom=0, auto=None)


def outer_labels_only(axes: Sequence[Axes]) -> None:
    """Keep y labels in the first column of panels and x labels in the last row."""
    for panel in axes:
        place = panel.get_subplotspec()
        if place is not None and not place.is_first_col():
            panel.set_ylabel("")
        if place is not None and not place.is_last_row():
            panel.set_xlabel("")


def legend(
    where: Axes | Figure, handles: Sequence[Artist], loc: Literal["best", "center"] = "best"
) -> None:
    """Legend without a frame: in axes, or in a row below the panels of a figure."""
    common: dict[str, Any] = {"handles": handles, "fontsize": FONT, "frameon": False}
    if isinstance(where, Figure):
        columns = min(len(handles), int(where.get_figwidth() / _LEGEND_COLUMN))
        where.legend(loc="outside lower center", ncols=columns, **common)
    else:
        where.legend(loc=loc, **common)


def years(periods: xr.DataArray, ends: bool = False) -> FloatArray:
    """Place of half-years such as ``2025H2`` on an axis of years: their starts or their ends."""
    labels = [str(label) for label in periods.values]
    starts = [int(label[:4]) + (int(label[5:]) - 1) / 2 for label in labels]
    return np.array(starts) + (0.5 if ends else 0.0)


def middles(periods: xr.DataArray) -> FloatArray:
    """Place of what happens in half-years on an axis of years: halfway through each."""
    found: FloatArray = (years(periods) + years(periods, ends=True)) / 2
    return found


def to_the_end(data: xr.Dataset, final: xr.Dataset | None, outcome: str) -> xr.DataArray:
    """A stock at the start of each half-year and, where ``final`` is given, at the end of the run.

    Parameters
    ----------
    data : outcomes of a run by half-year.
    final : stocks at the end of the run; ``attrs["period"]`` says when that is.
    outcome : name of the stock.
    """
    if final is None:
        return data[outcome]
    end = final[outcome].expand_dims(period=[final.attrs["period"]])
    return xr.concat([data[outcome], end], "period").assign_attrs(data[outcome].attrs)
