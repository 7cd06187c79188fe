"""What share of the region's dependence each power holds over time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.errors import InputError, nearest
from sim.plots.canvas import (
    WIDTH,
    legend,
    new_figure,
    outer_labels_only,
    panels,
    time_axis,
    to_the_end,
    trim,
    years,
)
from sim.plots.fans import band_samples, draw_fan
from sim.plots.palette import power_colours, power_line

MEASURES: Final[Mapping[str, str]] = MappingProxyType(
    {"influence": "States weighted by GDP", "influence_equal": "States of equal weight"}
)
"""Title of each measure of influence."""
_HEIGHT: Final = 2.8


def influence_over_time(
    data: xr.Dataset,
    final: xr.Dataset | None = None,
    ax: Axes | None = None,
    *,
    measure: str = "influence",
) -> Axes:
    """Share of each power in the dependence of all states: median, middle half, 5-95 % band.

    Parameters
    ----------
    data : outcomes of a run with the measure (period, power, replicate).
    final : stocks at the end of the run, the last point of each line; without it the lines end at
        the start of the last half-year.
    ax : where to draw; without it new axes with a legend.
    measure : ``influence`` (states weighted by GDP) or ``influence_equal``.

    Raises
    ------
    InputError
        There is no such measure.
    """
    if measure not in MEASURES:
        raise InputError(f"no measure of influence '{measure}'{nearest(measure, MEASURES)}")
    axes = new_figure(WIDTH, _HEIGHT).add_subplot() if ax is None else ax
    share = to_the_end(data, final, measure)
    x = years(share["period"])
    for power, colour in power_colours(str(code) for code in share["power"].values).items():
        draw_fan(axes, x, share.sel(power=power), colour, power_line(power)).set_label(power)
    title = _only_state(data) or MEASURES[measure]
    trim(axes, title, "Year", f"Influence ({share.attrs['unit']} of dependence)")
    time_axis(axes, x[0], x[-1])
    if ax is None:
        legend(axes.figure, _samples(axes, data))
    return axes


def influence_figure(data: xr.Dataset, final: xr.Dataset | None = None) -> Figure:
    """One panel of ``influence_over_time`` for each measure that the run has, on one scale.

    One state has the same influence in both measures, and one panel.
    """
    measures = [name for name in MEASURES if name in data]
    figure, cells, spare = panels(1 if _only_state(data) else len(measures), _HEIGHT)
    for measure, axes in zip(measures, cells, strict=False):
        influence_over_time(data, final, axes, measure=measure)
    outer_labels_only(cells)
    legend(spare, _samples(cells[0], data))
    return figure


def _only_state(data: xr.Dataset) -> str:
    """Code of the state of a run of one, or else nothing."""
    return str(data["state"].values[0]) if data.sizes.get("state") == 1 else ""


def _samples(axes: Axes, data: xr.Dataset) -> list[Artist]:
    lines, _ = axes.get_legend_handles_labels()
    return [*lines, *(band_samples() if data.sizes["replicate"] > 1 else [])]
