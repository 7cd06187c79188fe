"""Freight on each corridor over time, and its share of west-bound freight."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.analysis.bands import MEDIAN, quantiles
from sim.axes import FloatArray
from sim.errors import InputError, nearest
from sim.plots.canvas import (
    ZERO,
    blocks,
    legend,
    middles,
    new_axes,
    outer_labels_only,
    time_axis,
    trim,
    years,
)
from sim.plots.fans import band_samples, draw_fan
from sim.plots.palette import INK
from sim.plots.places import CORRIDORS

CLOSED: Final = "closed"
"""Written where a corridor has no capacity."""
_ROW_HEIGHT: Final = 1.45
_CAPACITY: Final[Any] = {"color": INK, "linewidth": 0.8, "linestyle": (0, (4, 2))}


def corridor_flow(data: xr.Dataset, corridor: str, ax: Axes | None = None) -> Axes:
    """Freight on one corridor in each half-year, as a yearly rate, and its capacity.

    The line is the median with bands, at the middle of each half-year; the broken line of steps is
    the median of the capacity at the start of the half-year.

    Parameters
    ----------
    data : outcomes of a run with ``corridor_flow`` and ``capacity``
        (period, corridor, replicate).
    corridor : code of the corridor, such as ``M``.
    ax : where to draw; without it new axes with a legend.

    Raises
    ------
    InputError
        The run has no such corridor.
    """
    _check(data, corridor)
    axes = new_axes() if ax is None else ax
    flow = data["corridor_flow"].sel(corridor=corridor)
    capacity = quantiles(data["capacity"].sel(corridor=corridor), (MEDIAN,)).values[0]
    draw_fan(axes, middles(data["period"]), flow, INK).set_label("median")
    axes.stairs(capacity, _edges(data), baseline=None, label="capacity", **_CAPACITY)
    _dress(axes, data, corridor, f"Freight ({flow.attrs['unit']})", CLOSED)
    if ax is None:
        legend(axes.figure, _samples(data))
    return axes


def corridor_share(data: xr.Dataset, corridor: str, ax: Axes | None = None) -> Axes:
    """Share of one corridor in west-bound freight: median with bands at the middle of half-years.

    Parameters
    ----------
    data : outcomes of a run with ``route_share`` (period, corridor, replicate).
    corridor : code of the corridor, such as ``M``.
    ax : where to draw; without it new axes with a legend.

    Raises
    ------
    InputError
        The run has no such corridor.
    """
    _check(data, corridor)
    axes = new_axes() if ax is None else ax
    draw_fan(axes, middles(data["period"]), data["route_share"].sel(corridor=corridor), INK)
    _dress(axes, data, corridor, "Share of\nwest-bound freight")
    if ax is None:
        legend(axes.figure, _samples(data)[:-1])
    return axes


def corridors_figure(data: xr.Dataset) -> Figure:
    """Panels of ``corridor_flow``, and below of ``corridor_share`` where a corridor has any.

    Each panel has a scale of its own.
    """
    known = [str(code) for code in data["corridor"].values]
    used = [code for code in known if data["route_share"].sel(corridor=code).fillna(0).any()]
    figure, (flows, shares), spare = blocks((len(known), len(used)), _ROW_HEIGHT)
    for corridor, axes in zip(known, flows, strict=True):
        corridor_flow(data, corridor, axes)
    for corridor, axes in zip(used, shares, strict=True):
        corridor_share(data, corridor, axes)
    outer_labels_only([*flows, *shares])
    figure.align_ylabels()
    legend(spare, _samples(data))
    return figure


def _check(data: xr.Dataset, corridor: str) -> None:
    known = [str(code) for code in data["corridor"].values]
    if corridor not in known:
        raise InputError(f"no corridor '{corridor}' in the results{nearest(corridor, known)}")


def _edges(data: xr.Dataset) -> FloatArray:
    """Ends of all half-years."""
    return np.append(years(data["period"]), years(data["period"], ends=True)[-1])


def _dress(axes: Axes, data: xr.Dataset, corridor: str, label: str, empty: str = ZERO) -> None:
    """Title with the name of the corridor, labels, limits from the first to the last day."""
    title = f"{corridor}: {CORRIDORS[corridor].name}" if corridor in CORRIDORS else corridor
    trim(axes, title, "Year", label)
    start, *_, end = _edges(data)
    time_axis(axes, start, end, empty)


def _samples(data: xr.Dataset) -> list[Artist]:
    """Median, bands where there are several replicates, capacity."""
    found: list[Artist] = [Line2D([], [], color=INK, linewidth=1.5, label="median")]
    if data.sizes["replicate"] > 1:
        found += band_samples()
    return [*found, Line2D([], [], label="median of capacity", **_CAPACITY)]
