"""What a map of the region is made of: land, corridors, rings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, PathPatch, Wedge
from matplotlib.path import Path

from sim.axes import FloatArray
from sim.plots.borders import Projection, borders
from sim.plots.canvas import FONT
from sim.plots.palette import INK, NONE, power_colours

THICK: Final = 9.0
THIN: Final = 0.8
"""Widths in points: of the line of the largest flow, and the least that can be seen."""
SEA: Final = "#E3E8EC"
_LAND: Final = "#F4F4F2"
_STATE: Final = "#FFFFFF"
_BORDER: Final = "#C4C4C4"
_OUTLINE: Final = "#808080"
_FREIGHT: Final = "#6B6B6B"
_COLOURED: Final = 0.38
"""Part of the radius of a ring that is coloured; the code of the state fills the rest."""


def draw_lands(axes: Axes, plane: Projection, states: Collection[str]) -> None:
    """All land, and the states of the run brighter and with darker borders on top of it."""
    axes.set_facecolor(SEA)
    for code, rings in borders().items():
        own = code in states
        corners = [plane(ring) for ring in rings]
        shape = Path.make_compound_path(
            *(Path(np.concatenate([ring, ring[:1]]), closed=True) for ring in corners)
        )
        axes.add_patch(
            PathPatch(
                shape,
                facecolor=_STATE if own else _LAND,
                edgecolor=_OUTLINE if own else _BORDER,
                linewidth=0.7 if own else 0.5,
                zorder=1.2 if own else 1.0,
                gid=code,
            )
        )


def line_style(flow: float, widest: float) -> dict[str, Any]:
    """Look of the line of a corridor: as wide as its flow asks for; dots where nothing moves."""
    if flow <= 0:
        return {"color": _FREIGHT, "linewidth": 1.2, "linestyle": (0, (1, 1.5))}
    wide = max(THIN, THICK * flow / widest)
    return {"color": _FREIGHT, "linewidth": wide, "solid_capstyle": "butt"}


def draw_way(axes: Axes, way: FloatArray, style: Mapping[str, Any]) -> Line2D:
    """Line of a corridor along plane positions (place, 2), with a white rim."""
    rim = style["linewidth"] + 1.4
    axes.plot(*way.T, color="white", linewidth=rim, zorder=2.9, solid_capstyle="butt")
    (line,) = axes.plot(*way.T, zorder=3, solid_joinstyle="round", **style)
    return line


def draw_ring(
    axes: Axes, centre: FloatArray, radius: float, state: str, shares: Mapping[str, float]
) -> None:
    """Ring of the powers' shares, clockwise from the top, around the code of a state.

    Parameters
    ----------
    centre, radius : in data units.
    shares : by power; they add up to 1, or are NaN where the state relies on nobody.
    """
    middle = (float(centre[0]), float(centre[1]))
    axes.add_patch(Circle(middle, radius, facecolor="white", edgecolor=INK, linewidth=1, zorder=5))
    known = shares if np.isfinite(list(shares.values())).all() else {NONE: 1.0}
    start = 90.0
    for power, colour in power_colours(known).items():
        end = start - 360 * known[power]
        look: dict[str, Any] = {"facecolor": colour, "edgecolor": "white", "linewidth": 0.4}
        axes.add_patch(
            Wedge(
                middle,
                radius,
                end,
                start,
                width=_COLOURED * radius,
                zorder=5.1,
                gid=f"{state} {power}",
                **look,
            )
        )
        start = end
    axes.text(
        *middle,
        state,
        fontsize=FONT,
        fontweight="bold",
        color=INK,
        ha="center",
        va="center_baseline",
        zorder=5.2,
    )


def length(way: FloatArray) -> float:
    """Length of a way (place, 2)."""
    return float(np.hypot(*np.diff(way, axis=0).T).sum())


def inside(way: FloatArray, window: FloatArray) -> FloatArray:
    """Points of a way (place, 2) within a window (lower left and upper right corner)."""
    found: FloatArray = way[((way > window[0]) & (way < window[1])).all(axis=1)]
    return found
