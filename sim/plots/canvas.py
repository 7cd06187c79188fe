"""Figures without pyplot, and the habits all of them share.

Sizes are those of a paper with two columns: a figure is as wide as one or both of them and no
higher than a page, and no letter is smaller than 7 points. Everything is set on the objects drawn,
nothing in ``matplotlib.rcParams``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FixedLocator, MaxNLocator, StrMethodFormatter

from sim.axes import FloatArray
from sim.plots.palette import FAINT

WIDTH: Final = 7.1
"""Width of a figure across both columns, in inches."""
COLUMN: Final = 3.4
"""Width of one column, in inches."""
PAGE: Final = 9.0
"""Height of a page, in inches."""
FONT: Final = 7.5
"""Size of axis labels, tick labels and legends, in points."""
TITLE: Final = 8.5
"""Size of panel titles, in points."""
MAX_COLUMNS: Final = 3
"""Panels side by side."""
ZERO: Final = "all zero"
UNDEFINED: Final = "undefined"
"""Written where nothing can be seen: no number is above zero, or there is none."""
_SINGLE: Final = (COLUMN, 2.8)
_LEGEND_COLUMN: Final = 1.0
_LEAST_ROW: Final = 1.1
"""Height of a row of panels, in inches, below which a figure rather outgrows the page."""
_TICKS: Final = 6
_ROUND: Final = (1, 2, 5, 10)
_NOISE: Final = 1e-9
"""What rounding may leave of zero."""


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
    height : of one row, in inches; less where the rows would not fit a page.
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
    height = min(height, max(PAGE / rows, _LEAST_ROW))
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


def time_axis(axes: Axes, start: float, end: float, empty: str = ZERO) -> None:
    """Years across, from zero up, few and round numbers beside both.

    Parameters
    ----------
    start, end : first and last day, in years.
    empty : written where no number is above zero.
    """
    axes.set_xlim(start, end)
    half_years = max(1, round(2 * (end - start)))
    few = half_years < _TICKS  # long labels, such as 2025.5, that would run into the next panel's
    places = MaxNLocator(min(_TICKS, half_years), steps=_ROUND, prune="lower" if few else None)
    axes.xaxis.set_major_locator(places)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.update_datalim([(start, 0)])  # so that the margin above is a share of the whole height
    axes.autoscale_view(scalex=False)
    axes.set_ylim(bottom=0, auto=None)
    axes.yaxis.set_major_locator(MaxNLocator(_TICKS, steps=_ROUND))
    if max(panel.dataLim.y1 for panel in axes.get_shared_y_axes().get_siblings(axes)) <= _NOISE:
        axes.set_ylim(0, 1, auto=None)
        axes.yaxis.set_major_locator(FixedLocator([0]))
    if axes.dataLim.y1 <= _NOISE:
        known = any(np.isfinite(line.get_ydata()).any() for line in axes.lines)
        word = empty if known else UNDEFINED
        axes.text(0.5, 0.5, word, transform=axes.transAxes, fontsize=FONT, ha="center", va="center")


def outer_labels_only(axes: Sequence[Axes]) -> None:
    """Keep y labels in the first column of panels, and x labels where ticks have theirs."""
    for panel in axes:
        place = panel.get_subplotspec()
        if place is not None and not place.is_first_col():
            panel.set_ylabel("")
        if not panel.xaxis.get_tick_params().get("labelbottom", True):
            panel.set_xlabel("")


def legend(where: Axes | Figure | SubFigure, handles: Sequence[Artist]) -> None:
    """Legend without a frame: in axes left free for it, or in rows below the panels of a figure."""
    common: dict[str, Any] = {"fontsize": FONT, "frameon": False}
    if isinstance(where, Axes):
        where.legend(handles=handles, loc="center", **common)
    else:
        columns = min(len(handles), int(where.bbox.width / where.dpi / _LEGEND_COLUMN))
        across = [sample for first in range(columns) for sample in handles[first::columns]]
        where.legend(handles=across, loc="outside lower center", ncols=columns, **common)


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
