"""What powers signed, delivered and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.errors import InputError, nearest
from sim.plots.canvas import legend, new_axes, outer_labels_only, panels, time_axis, trim, years
from sim.plots.fans import band_samples, draw_fan
from sim.plots.palette import INK, Style, power_colours

STYLES: Final[Mapping[str, Style]] = {"signed": "--", "delivered": "-", "lost": ":"}
"""Line of each flow of money."""
_ROW_HEIGHT: Final = 2.9


def delivered_against_signed(
    data: xr.Dataset, ax: Axes | None = None, *, powers: Sequence[str] | None = None
) -> Axes:
    """Money signed, delivered and lost so far, over all states: medians with 5-95 % bands.

    What is signed and neither delivered nor lost has not come due yet.

    Parameters
    ----------
    data : outcomes of a run with ``signed``, ``delivered`` and ``lost``
        (period, state, power, replicate).
    ax : where to draw; without it new axes with a legend.
    powers : codes of the powers to draw, all of them by default.

    Raises
    ------
    InputError
        The run has no such power.
    """
    known = [str(code) for code in data["power"].values]
    chosen = known if powers is None else list(powers)
    for power in chosen:
        if power not in known:
            raise InputError(f"no power '{power}' in the results{nearest(power, known)}")
    axes = new_axes() if ax is None else ax
    start = years(data["period"])[0]
    x = np.array([start, *years(data["period"], ends=True)])
    lines = []
    for power, colour in power_colours(chosen).items():
        for name, style in STYLES.items():
            line = draw_fan(axes, x, _so_far(data[name].sel(power=power)), colour, style, False)
            line.set_label(f"{power} {name}")
            lines.append(line)
    unit = data["signed"].attrs["unit"]
    trim(axes, ", ".join(chosen), "Year", f"Total so far ({unit})")
    time_axis(axes, start, x[-1])
    if ax is None:
        legend(axes.figure, lines)
    return axes


def delivery_figure(data: xr.Dataset) -> Figure:
    """One panel of ``delivered_against_signed`` for each power, on one scale."""
    powers = [str(code) for code in data["power"].values]
    figure, cells, spare = panels(len(powers), _ROW_HEIGHT)
    for power, axes in zip(powers, cells, strict=True):
        delivered_against_signed(data, axes, powers=[power])
    outer_labels_only(cells)
    samples: list[Artist] = [
        Line2D([], [], color=INK, linestyle=style, label=name) for name, style in STYLES.items()
    ]
    if data.sizes["replicate"] > 1:
        samples += band_samples(inner=False)
    legend(spare, samples)
    return figure


def _so_far(flow: xr.DataArray) -> xr.DataArray:
    """Running total over all states, from zero at the start of the run."""
    total = flow.sum("state").cumsum("period")
    return xr.concat([xr.zeros_like(total.isel(period=[0])), total], "period")
