"""A median line inside its bands."""

from __future__ import annotations

from typing import Any, Final

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.analysis.bands import HIGH, LOW, MEDIAN, quantiles
from sim.axes import FloatArray
from sim.plots.palette import INK, Style

QUARTERS: Final = (0.25, 0.75)
"""Ends of the inner band."""
_OUTER: Final[dict[str, Any]] = {"alpha": 0.08, "linewidth": 0}
_INNER: Final[dict[str, Any]] = {"alpha": 0.22, "linewidth": 0}
_EDGE: Final[dict[str, Any]] = {"alpha": 0.7, "linewidth": 0.6}
_POINT: Final[dict[str, Any]] = {"marker": "o", "markersize": 3, "clip_on": False}
_POINT_EDGE: Final[dict[str, Any]] = {"marker": "_", "markersize": 6, "clip_on": False}
"""Looks of a run of one half-year, which has no lines."""


def draw_fan(
    axes: Axes,
    x: FloatArray,
    array: xr.DataArray,
    colour: str,
    style: Style = "-",
    inner: bool = True,
) -> Line2D:
    """Draw the median, the 5-95 % band and, if asked for, the band of the middle half.

    Parameters
    ----------
    x : positions of the periods.
    array : dimensions period and replicate.
    style : of the line of medians and of the edges of the outer band.

    Returns
    -------
    The line of medians.
    """
    bands = quantiles(array, (LOW, QUARTERS[0], MEDIAN, QUARTERS[1], HIGH))
    point, end = (_POINT, _POINT_EDGE) if len(x) == 1 else ({}, {})
    low, lower, middle, upper, high = bands.transpose("quantile", "period").values
    if array.sizes["replicate"] > 1:
        axes.fill_between(x, low, high, color=colour, **_OUTER)
        for edge in (low, high):
            axes.plot(x, edge, color=colour, linestyle=style, **_EDGE, **end)
        if inner:
            axes.fill_between(x, lower, upper, color=colour, **_INNER)
    (line,) = axes.plot(x, middle, color=colour, linestyle=style, linewidth=1.5, zorder=3, **point)
    return line


def band_samples(inner: bool = True) -> list[Artist]:
    """Samples of the bands for a legend."""
    outer = Patch(facecolor=INK, alpha=0.15, label="5–95 %")
    middle = Patch(facecolor=INK, alpha=0.35, label="25–75 %")
    return [middle, outer] if inner else [outer]
