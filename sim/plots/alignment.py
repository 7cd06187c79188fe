"""Whom each state aligns with over time."""

from __future__ import annotations

from typing import Final

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.errors import InputError, nearest
from sim.plots.canvas import legend, new_axes, outer_labels_only, panels, time_axis, trim, years
from sim.plots.fans import band_samples, draw_fan
from sim.plots.palette import power_colours, power_line

_ROW_HEIGHT: Final = 1.9


def alignment_over_time(data: xr.Dataset, state: str, ax: Axes | None = None) -> Axes:
    """Alignment of one state with each power: median, middle half and 5-95 % of replicates.

    A point stands at the end of the last half-year that its moving mean counts. The first points
    count fewer half-years than the later ones, so their bands are wider.

    Parameters
    ----------
    data : outcomes of a run with ``alignment`` (period, state, power, replicate).
    state : code of the state, such as ``KZ``.
    ax : where to draw; without it new axes with a legend.

    Raises
    ------
    InputError
        The run has no such state.
    """
    states = [str(code) for code in data["state"].values]
    if state not in states:
        raise InputError(f"no state '{state}' in the results{nearest(state, states)}")
    axes = new_axes() if ax is None else ax
    alignment = data["alignment"].sel(state=state)
    x = years(data["period"], ends=True)
    colours = power_colours(str(power) for power in data["power"].values)
    lines = [
        draw_fan(axes, x, alignment.sel(power=power), colour, power_line(power))
        for power, colour in colours.items()
    ]
    for power, line in zip(colours, lines, strict=True):
        line.set_label(power)
    trim(axes, state, "Year", f"Alignment ({alignment.attrs['unit']} of picks)")
    time_axis(axes, years(data["period"])[0], x[-1])
    if ax is None:
        legend(axes.figure, [*lines, *_bands(data)])
    return axes


def alignment_figure(data: xr.Dataset) -> Figure:
    """One panel of ``alignment_over_time`` for each state."""
    states = [str(code) for code in data["state"].values]
    figure, cells, spare = panels(len(states), _ROW_HEIGHT)
    for state, axes in zip(states, cells, strict=True):
        alignment_over_time(data, state, axes)
    outer_labels_only(cells)
    lines, _ = cells[0].get_legend_handles_labels()
    legend(spare, [*lines, *_bands(data)])
    return figure


def _bands(data: xr.Dataset) -> list[Artist]:
    return band_samples() if data.sizes["replicate"] > 1 else []
