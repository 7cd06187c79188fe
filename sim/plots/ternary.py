"""Paths of the states between three powers."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.analysis.regions import ellipse
from sim.axes import FloatArray
from sim.errors import InputError
from sim.plots.canvas import FONT, TITLE, WIDTH, new_figure, to_the_end
from sim.plots.palette import FAINT, INK, legible, power_colours, state_markers

CORNERS: Final = 3
"""Powers that a triangle has room for."""
INNER: Final = 0.5
OUTER: Final = 0.9
"""Parts of the replicates inside the regions drawn around the end of a path."""
_HEIGHT: Final = 5.4
_MARKER_SIZE: Final = 4.5


def ternary_paths(
    data: xr.Dataset, final: xr.Dataset | None = None, ax: Axes | None = None
) -> Axes:
    """Way of each state between three powers, by the share of each power in all its dependence.

    A path joins the medians over replicates (of each share, scaled to add up to 1) from the start
    of each half-year. Around its end stand regions that hold 50 % and 90 % of the replicates.

    Parameters
    ----------
    data : outcomes of a run with ``alignment_stock`` (period, state, power, replicate).
    final : stocks at the end of the run, the last point of each path; without it the paths end at
        the start of the last half-year.
    ax : ternary axes of mpltern to draw in; without it new ones.

    Raises
    ------
    InputError
        There are more or fewer than three powers, or the axes are not ternary.
    """
    powers = [str(code) for code in data["power"].values]
    if len(powers) != CORNERS:
        raise InputError(
            f"the ternary figure needs three powers, this run has {len(powers)}:"
            f" {', '.join(powers)}"
        )
    axes: Any = ternary_axes() if ax is None else ax
    if axes.name != "ternary":
        raise InputError("the ternary figure needs axes with projection='ternary' (mpltern)")
    shares = _paths(data, final)
    markers = state_markers(str(code) for code in shares["state"].values)
    for state, marker in markers.items():
        _draw_state(axes, shares.sel(state=state).values, marker)
    _dress(axes, power_colours(powers))
    regions = shares.sizes["replicate"] > CORNERS
    _legend(axes, markers, [str(label) for label in shares["period"].values], regions)
    return axes  # type: ignore[no-any-return]


def median_path(shares: FloatArray) -> FloatArray:
    """Medians over replicates (last axis), scaled so that the powers (second) add up to 1."""
    middle: FloatArray = np.median(shares, axis=-1)
    whole = middle.sum(axis=1, keepdims=True)
    scaled: FloatArray = np.divide(middle, whole, out=np.full_like(middle, np.nan), where=whole > 0)
    return scaled


def ternary_axes(width: float = WIDTH, height: float = _HEIGHT) -> Axes:
    """Ternary axes alone in a new figure of a size in inches."""
    import mpltern  # noqa: F401  (registers the projection)

    return new_figure(width, height).add_subplot(projection="ternary")


def _paths(data: xr.Dataset, final: xr.Dataset | None) -> xr.DataArray:
    """Shares by (period, power, replicate) for each state, with the end of the run appended."""
    shares = to_the_end(data, final, "alignment_stock")
    return shares.transpose("state", "period", "power", "replicate")


def _draw_state(axes: Any, shares: FloatArray, marker: str) -> None:
    """Regions of the end, path, hollow marker at the start and full one at the end."""
    for holding, alpha in ((OUTER, 0.08), (INNER, 0.14)):
        outline = ellipse(np.where(shares[-1].sum(axis=0) > 0, shares[-1], np.nan), holding)
        if outline is not None:
            axes.fill(*outline, facecolor=INK, alpha=alpha, linewidth=0, zorder=1.5)
            axes.plot(*outline, color=INK, alpha=0.35, linewidth=0.5, zorder=1.6)
    path = median_path(shares)
    axes.plot(*path.T, color=INK, linewidth=1.1, zorder=3)
    common = {"color": INK, "marker": marker, "markersize": _MARKER_SIZE, "linestyle": ""}
    axes.plot(*path[:1].T, markerfacecolor="white", markeredgewidth=0.9, zorder=4, **common)
    axes.plot(*path[-1:].T, zorder=5, **common)


def _dress(axes: Any, colours: dict[str, str]) -> None:
    """Corners, ticks and grid lines of each power in its colour."""
    sides = (axes.taxis, axes.laxis, axes.raxis)
    names = (axes.set_tlabel, axes.set_llabel, axes.set_rlabel)
    for side, name, (power, colour) in zip(sides, names, colours.items(), strict=True):
        name(power, fontsize=TITLE + 1, fontweight="bold", color=legible(colour))
        side.set_tick_params(labelsize=FONT, labelcolor=legible(colour), color=colour, length=3)
        side.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_title(
        "Shares of the powers in dependence",
        fontsize=TITLE,
        loc="left",
        fontweight="bold",
        pad=12,
    )


def _legend(axes: Any, markers: dict[str, str], periods: list[str], regions: bool) -> None:
    """Markers of the states, then what hollow, full and grey mean."""
    handles: list[Any] = [_point(marker, state) for state, marker in markers.items()]
    handles.append(_point("o", f"start of {periods[0]}", "white"))
    handles.append(_point("o", f"start of {periods[-1]}"))
    if regions:
        handles += [
            Patch(facecolor=INK, alpha=alpha, label=f"{100 * holding:.0f} % of end points")
            for holding, alpha in ((INNER, 0.25), (OUTER, 0.09))
        ]
    axes.legend(
        handles=handles,
        loc="upper right",
        bbox_to_anchor=(1.2, 1.05),
        fontsize=FONT,
        frameon=False,
    )


def _point(marker: str, label: str, fill: str = INK) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        color=INK,
        marker=marker,
        markerfacecolor=fill,
        markersize=_MARKER_SIZE,
        label=label,
    )
