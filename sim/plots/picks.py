"""Who picked whom, domain by domain."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from sim.analysis.alignment import pick_frequencies
from sim.plots.canvas import FONT, TITLE, WIDTH, legend, new_axes, new_figure, trim
from sim.plots.palette import NONE, ink_on, option_name, power_colours

_ROW_HEIGHT: Final = 0.15
_ROOM: Final = 0.8
_GAP: Final = 1.1
_NUMBER: Final = 0.2
"""Room that a percentage needs, in inches."""
_MANY: Final = 8
"""States above one another."""


def picks_by_domain(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Share of half-years and replicates in which each option was picked, none among them.

    Parameters
    ----------
    data : outcomes of a run with ``pick`` (period, state, domain, replicate).
    ax : where to draw; without it new axes as high as the number of rows asks for.

    Returns
    -------
    Axes with one bar for each state and domain; its parts add up to 1.
    """
    shares = pick_frequencies(data)
    axes = new_axes(WIDTH, _height(shares)) if ax is None else ax
    _draw(axes, shares)
    samples = _samples(shares)
    axes.legend(
        handles=samples,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(samples),
        fontsize=FONT,
        frameon=False,
        borderaxespad=0,
    )
    return axes


def picks_figure(data: xr.Dataset) -> Figure:
    """``picks_by_domain``, with many states beside one another."""
    shares = pick_frequencies(data)
    states = shares.index.unique("state")
    columns = math.ceil(len(states) / _MANY)
    parts = [shares.loc[list(part)] for part in np.array_split(states, columns)]
    figure = new_figure(WIDTH, _height(parts[0]))
    (cells,) = figure.subplots(1, columns, squeeze=False)
    for axes, part in zip(cells, parts, strict=True):
        _draw(axes, part)
        axes.set_ylim(cells[0].get_ylim())
    legend(figure, _samples(shares))
    return figure


def _height(shares: pd.DataFrame) -> float:
    """Height of a figure with these rows, in inches."""
    return _ROOM + _ROW_HEIGHT * (_positions(shares)[-1] + 1)


def _samples(shares: pd.DataFrame) -> list[Patch]:
    """Colours of the options, for a legend."""
    return [
        Patch(color=colour, label=option_name(option))
        for option, colour in _colours(shares).items()
    ]


def _colours(shares: pd.DataFrame) -> dict[str, str]:
    """Colour of each option, nobody last."""
    return power_colours([*shares.columns.drop(NONE), NONE])


def _draw(axes: Axes, shares: pd.DataFrame) -> None:
    """Bars, their numbers and names."""
    rows = _positions(shares)
    room = axes.get_window_extent().width / axes.figure.dpi
    start = pd.Series(0.0, index=shares.index)
    for option, colour in _colours(shares).items():
        width = shares[option]
        axes.barh(rows, width, left=start, height=0.86, color=colour, label=option, linewidth=0)
        _write(axes, rows, start, width.where(width * room >= _NUMBER, 0), ink_on(colour))
        start = start + width
    trim(axes, x="Share of half-years and replicates (%)")
    _name_rows(axes, shares, rows)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=""))


def _positions(shares: pd.DataFrame) -> list[float]:
    """Rows from the top down, with a gap above each state for its name."""
    found: list[float] = []
    row, last = -1.0, None
    for state, _ in shares.index:
        row += 1 if state == last else 1 + _GAP
        found.append(row)
        last = state
    return found


def _write(axes: Axes, rows: list[float], start: pd.Series, width: pd.Series, colour: str) -> None:
    """Write percentages into the parts that have a width."""
    for row, left, share in zip(rows, start, width, strict=True):
        if share > 0:
            axes.text(
                left + share / 2,
                row,
                f"{100 * share:.0f}",
                color=colour,
                fontsize=FONT,
                ha="center",
                va="center_baseline",
            )


def _name_rows(axes: Axes, shares: pd.DataFrame, rows: list[float]) -> None:
    """Domains beside the bars, states above theirs."""
    axes.set_yticks(rows, [domain for _, domain in shares.index])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.set_ylim(rows[-1] + 0.6, rows[0] - 1 - _GAP / 2)
    last = None
    for row, (state, _) in zip(rows, shares.index, strict=True):
        if state != last:
            axes.text(
                0, row - 0.55, state, fontsize=TITLE, fontweight="bold", ha="left", va="bottom"
            )
            last = state
