"""The sheet a map is drawn on: the window on the region, and a list below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from sim.axes import FloatArray
from sim.plots.canvas import FONT, TITLE, WIDTH, new_figure
from sim.plots.palette import INK

HEAD: Final = "Not on the map:"
"""Stands before what is listed below a map."""
_SIDE: Final = 0.03
_TOP: Final = 0.26
_BOTTOM: Final = 0.5
"""Inches beside a map, above it for its title, and below it for legend and note."""
_WIDE: Final = WIDTH - 2 * _SIDE
_ROW: Final = 0.46
_HEAD_WIDTH: Final = 1.06


@dataclass(frozen=True)
class Sheet:
    """Axes with a window on the plane and, below it, slots for what has no place there.

    Attributes
    ----------
    axes : where the map is drawn; plane positions are its data units.
    window : lower left and upper right corner (2, 2) of the map.
    inch : length of an inch in data units.
    slots : centres (slot, 2) of what is listed below the map.
    """

    axes: Axes
    window: FloatArray
    inch: float
    slots: FloatArray


def open_sheet(title: str, window: FloatArray, listed: Sequence[float], ax: Axes | None) -> Sheet:
    """Lay out a map and a list below it.

    Parameters
    ----------
    title : of the axes.
    window : lower left and upper right corner (2, 2) of what must be seen, in plane positions.
    listed : widths in inches of what is listed below the map.
    ax : axes to fill; without it new ones, as high as the window asks for.
    """
    size = window[1] - window[0]
    wanted = _WIDE * float(size[1] / size[0])
    axes = _new_axes(wanted + _slots(listed, _WIDE)[1]) if ax is None else ax
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=TITLE, loc="left", fontweight="bold", pad=4)
    axes.spines[:].set(linewidth=0.6, color=INK)
    width, height = _inches(axes)
    places, below = _slots(listed, width)
    room = np.array([width, max(height - below, min(wanted, height / 5))])
    inch = float((size / room).max())
    middle = window.mean(axis=0)
    seen = np.stack([middle - room * inch / 2, middle + room * inch / 2])
    corner = (float(seen[0, 0]), float(seen[0, 1] - below * inch))
    axes.set(xlim=seen[:, 0], ylim=(corner[1], seen[1, 1]), aspect="equal")
    sheet = Sheet(axes, seen, inch, corner + inch * (places + np.array([0, below])))
    if listed:
        _draw_list(sheet, corner)
    return sheet


def _new_axes(height: float) -> Axes:
    """Axes as wide as a page, in a figure with room for a title, a legend and a note."""
    whole = height + _TOP + _BOTTOM
    figure = new_figure(WIDTH, whole)
    figure.set_layout_engine("none")
    return figure.add_axes((_SIDE / WIDTH, _BOTTOM / whole, _WIDE / WIDTH, height / whole))


def _inches(axes: Axes) -> tuple[float, float]:
    """Width and height of axes once their figure is laid out."""
    figure = axes.figure.canvas.figure
    figure.draw_without_rendering()
    box = axes.get_window_extent()
    return box.width / figure.dpi, box.height / figure.dpi


def _slots(widths: Sequence[float], room: float) -> tuple[FloatArray, float]:
    """Centres (slot, 2) in inches from the top left of rows below the map, and their height."""
    found: list[tuple[float, float]] = []
    left, row = _HEAD_WIDTH, 0
    for width in widths:
        if left + width > room and left > _HEAD_WIDTH:
            left, row = _HEAD_WIDTH, row + 1
        found.append((left + width / 2, -(row + 0.5) * _ROW))
        left += width
    return np.reshape(found, (-1, 2)), (row + 1) * _ROW if found else 0.0


def _draw_list(sheet: Sheet, corner: tuple[float, float]) -> None:
    """Blank the rows below the map and write their head."""
    size = sheet.window[1] - corner
    deep = float(sheet.window[0, 1] - corner[1])
    sheet.axes.add_patch(
        Rectangle(
            corner, float(size[0]), deep, facecolor="white", edgecolor=INK, linewidth=0.6, zorder=4
        )
    )
    sheet.axes.text(
        corner[0] + 0.08 * sheet.inch,
        float(sheet.slots[0, 1]),
        HEAD,
        fontsize=FONT,
        va="center_baseline",
        zorder=4.1,
    )
