"""Borders of the region on a plane.

``borders.json`` holds borders of Natural Earth 4.1.0 (https://www.naturalearthdata.com, public
domain) at 1:50 million, rounded to 0.01 degrees and cut to 14-140 degrees east and 25-68 degrees
north: the states the project knows and their larger neighbours one by one, all other land in one
piece (``LAND``). They are context of a schematic map and take no side in any dispute; Crimea is
drawn with Ukraine, as in resolution 68/262 of the United Nations General Assembly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from sim.axes import FloatArray

LAND: Final = "LAND"
"""Code of the land that belongs to no country with borders of its own."""
_FILE: Final = Path(__file__).with_name("borders.json")
_HUNDREDTHS: Final = 100
_CUTS: Final = 4
_EARTH: Final = 6.371
"""Radius in thousand km."""
_PARALLELS: Final = np.radians([38.0, 52.0])
"""Where the projection keeps distances."""
_ORIGIN: Final = np.radians(45.0)


@dataclass(frozen=True)
class Projection:
    """Albers projection, which keeps areas, around a meridian.

    Attributes
    ----------
    meridian : longitude that points straight up, in degrees.
    """

    meridian: float

    def __call__(self, places: FloatArray | Sequence[tuple[float, float]]) -> FloatArray:
        """Plane positions (place, 2) in thousand km of longitudes and latitudes in degrees."""
        longitude, latitude = np.radians(np.asarray(places, dtype=np.float64)).T
        cone = np.sin(_PARALLELS).mean()
        size = np.cos(_PARALLELS[0]) ** 2 + 2 * cone * np.sin(_PARALLELS[0])
        radius, middle = (
            _EARTH * np.sqrt(size - 2 * cone * np.sin(up)) / cone for up in (latitude, _ORIGIN)
        )
        angle = cone * (longitude - np.radians(self.meridian))
        return np.stack([radius * np.sin(angle), middle - radius * np.cos(angle)], axis=1)

    def way(self, places: Sequence[tuple[str, float, float]]) -> FloatArray:
        """Smooth way past named places."""
        return rounded(self([place[1:] for place in places]))


@cache
def borders() -> Mapping[str, tuple[FloatArray, ...]]:
    """Rings (corner, 2) of each country in degrees; inner rings run the other way round.

    Empty where the file of borders is missing.
    """
    if not _FILE.exists():
        return MappingProxyType({})
    rings = json.loads(_FILE.read_text(encoding="utf-8"))["rings"]
    return MappingProxyType(
        {code: tuple(_corners(steps) for steps in found) for code, found in rings.items()}
    )


def frame(rings: Sequence[FloatArray], margin: float) -> FloatArray:
    """Lower left and upper right corner (2, 2) of what holds all rings with a margin around.

    Parameters
    ----------
    rings : plane positions.
    margin : as a share of the longer side.
    """
    corners = np.concatenate(rings)
    low, high = corners.min(axis=0), corners.max(axis=0)
    room = margin * (high - low).max()
    return np.stack([low - room, high + room])


def rounded(way: FloatArray, points: int = 400) -> FloatArray:
    """Smooth way past places (place, 2), from the first to the last.

    Corners are cut off again and again (Chaikin 1974).

    Parameters
    ----------
    points : number of points of the way, evenly spaced.
    """
    for _ in range(_CUTS):
        before, after = way[:-1], way[1:]
        quarters = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], axis=1)
        way = np.concatenate([way[:1], quarters.reshape(-1, 2)[1:-1], way[-1:]])
    passed = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    even = np.linspace(0, passed[-1], points)
    return np.stack([np.interp(even, passed, side) for side in way.T], axis=1)


def _corners(steps: Sequence[int]) -> FloatArray:
    found: FloatArray = np.cumsum(np.reshape(steps, (-1, 2)), axis=0) / _HUNDREDTHS
    return found
