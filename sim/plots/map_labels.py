"""Room on a map: rings that do not cover one another, texts where nothing else stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from sim.axes import BoolArray, FloatArray
from sim.plots.canvas import FONT

Place = tuple[float, float, str, str]
"""Where a text may stand: x and y in data units, horizontal and vertical alignment."""

_EVERY: Final = 3
_ROUNDS: Final = 300
_AIR: Final = 2.0
"""Pixels that stay free around a text."""
_BEFORE: Final = {"left": 0.0, "bottom": 0.0, "center": 0.5, "right": 1.0, "top": 1.0}
"""Part of a text before its anchor."""
_DIRECTIONS: Final = (
    ("center", "bottom", 0, 1),
    ("center", "top", 0, -1),
    ("left", "center", 1, 0),
    ("right", "center", -1, 0),
    ("left", "bottom", 0.7, 0.7),
    ("right", "top", -0.7, -0.7),
    ("left", "top", 0.7, -0.7),
    ("right", "bottom", -0.7, 0.7),
)


class Labels:
    """Texts of one map, each put into the first place that is still free."""

    def __init__(self, axes: Axes, window: FloatArray) -> None:
        """Start with all of a window (lower left and upper right corner, data units) free."""
        self._axes = axes
        self._room = axes.transData.transform(window)
        self._taken = np.empty((0, 2, 2))
        self._crossable = np.empty((0, 2, 2))

    def block(self, points: FloatArray, radius: float, crossable: bool = False) -> None:
        """Keep texts away from squares around points.

        Parameters
        ----------
        points : centres (point, 2) in data units, as is the radius.
        crossable : whether a text that must be written may cover them after all.
        """
        corners = [self._axes.transData.transform(points + side) for side in (-radius, radius)]
        boxes = np.stack(corners, axis=1)
        if crossable:
            self._crossable = np.concatenate([self._crossable, boxes])
        else:
            self._taken = np.concatenate([self._taken, boxes])

    def put(self, text: str, places: Sequence[Place], must: bool = False, **style: Any) -> None:
        """Write a text into the first free place; without any it is left out.

        Parameters
        ----------
        places : where it may stand, best place first.
        must : whether it may cover what is crossable where nothing else is free.
        style : of the text.
        """
        written = self._axes.text(
            0, 0, text, fontsize=FONT, path_effects=[withStroke(linewidth=1.8, foreground="white")]
        )
        written.update(style)
        size = written.get_window_extent().size
        for obstacles in (np.concatenate([self._taken, self._crossable]), self._taken)[: 1 + must]:
            for x, y, across, up in places:
                before = np.array([_BEFORE[across], _BEFORE[up]]) * size
                corner = self._axes.transData.transform((x, y)) - before
                box = np.stack([corner - _AIR, corner + size + _AIR])
                inside = (box[0] > self._room[0]).all() and (box[1] < self._room[1]).all()
                if inside and not _overlap(box, obstacles).any():
                    written.set(x=x, y=y, ha=across, va=up)
                    self._taken = np.concatenate([self._taken, box[np.newaxis]])
                    return
        written.remove()


def _overlap(box: FloatArray, others: FloatArray) -> BoolArray:
    """Which boxes (box, corner, 2) share room with one of them (corner, 2)."""
    found: BoolArray = ((box[0] < others[:, 1]) & (box[1] > others[:, 0])).all(axis=1)
    return found


def beside(way: FloatArray, gaps: Iterable[float]) -> list[Place]:
    """Places at each gap from a way (point, 2) in turn, from its middle to its ends."""
    distance = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    order = np.argsort(np.abs(distance - distance[-1] / 2), kind="stable")
    return [
        (float(x + gap * right), float(y + gap * above), across, up)
        for gap in gaps
        for x, y in way[order][::_EVERY]
        for across, up, right, above in _DIRECTIONS
    ]


def spread(centres: FloatArray, distance: float) -> FloatArray:
    """Move points (point, 2) apart, as little as possible, until none are nearer than that."""
    found = centres.copy()
    for _ in range(_ROUNDS):
        apart = found[:, np.newaxis] - found
        gaps = np.hypot(apart[..., 0], apart[..., 1])
        np.fill_diagonal(gaps, np.inf)
        missing = np.clip(distance - gaps, 0, None)
        if not missing.any():
            break
        found += (apart / np.maximum(gaps, 1e-9)[..., np.newaxis] * missing[..., np.newaxis]).sum(
            axis=1
        ) / 2
    return found
