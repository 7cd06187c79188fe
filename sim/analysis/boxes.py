"""Boxes in the space of the factors: ranges, and how often a target comes true within them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.analysis.words import number
from sim.axes import BoolArray

if TYPE_CHECKING:
    import pandas as pd

NUMBERS: Final = "if"
"""Kinds of columns that hold numbers."""

Region = dict[str, tuple[float, float] | frozenset[str]]
"""Lowest and highest value, both within, or the categories, by factor; other factors are free."""


@dataclass(frozen=True)
class Wish:
    """What is wanted of boxes; see ``discover``."""

    density: float = 0.8
    least_mass: float = 0.05
    boxes: int = 3


@dataclass(frozen=True)
class Limit:
    """Range of one factor in a box.

    Attributes
    ----------
    low, high : ends of a number, both within; infinite where it is not limited.
    categories : values of anything else that are within, else empty.
    span : lowest and highest value, or all categories, in the sweep.
    unit : of the number; empty if it has none.
    share : part of ``span`` that is within, 0 to 1.
    chance : quasi-p value (Bryant and Lempert 2010): probability that as many cells, drawn from
        the box without this limit, are as dense. It does not allow for the search among limits.
    """

    factor: str
    low: float
    high: float
    categories: tuple[str, ...]
    span: tuple[float, ...] | tuple[str, ...]
    unit: str
    share: float
    chance: float

    @property
    def range(self) -> str:
        """In words, such as ``above 3.4 USD bn/yr``."""
        if self.categories:
            return " or ".join(self.categories)
        unit = f" {self.unit}" if self.unit else ""
        if math.isinf(self.high):
            return f"above {number(self.low)}{unit}"
        if math.isinf(self.low):
            return f"below {number(self.high)}{unit}"
        return f"{number(self.low)} to {number(self.high)}{unit}"


@dataclass(frozen=True)
class Box:
    """Ranges of some factors within which a target often comes true.

    Attributes
    ----------
    limits : the factors that are limited, the tightest first.
    coverage : share of the cells where the target comes true that lie in the box.
    density : share of the cells of the box where it comes true.
    mass : share of all cells that lie in the box.
    cells : numbers of its cells.
    gained : coverage beyond that of the boxes before it.
    """

    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float
    cells: tuple[int, ...]
    gained: float


def inside(x: pd.DataFrame, region: Region) -> BoolArray:
    """Which cells lie in a region, (cell,)."""
    within = np.ones(len(x), bool)
    for name, ends in region.items():
        if isinstance(ends, frozenset):
            within &= x[name].isin(list(ends)).to_numpy()
        else:
            within &= ((x[name] >= ends[0]) & (x[name] <= ends[1])).to_numpy()
    return within


def limited(x: pd.DataFrame, region: Region) -> Region:
    """Region without what limits nothing; a side of a range that is not limited is infinite."""
    found: Region = {}
    for name, whole in whole_of(x).items():
        ends = region.get(name, whole)
        if not isinstance(ends, frozenset) and not isinstance(whole, frozenset):
            low = ends[0] if ends[0] > whole[0] else -math.inf
            high = ends[1] if ends[1] < whole[1] else math.inf
            if (low, high) != (-math.inf, math.inf):
                found[name] = low, high
        elif ends != whole:
            found[name] = ends
    return found


def whole_of(x: pd.DataFrame) -> Region:
    """Region of all cells."""
    return {
        str(name): frozenset(column)
        if column.dtype.kind not in NUMBERS
        else (float(column.min()), float(column.max()))
        for name, column in x.items()
    }


def counted(
    x: pd.DataFrame, y: BoolArray, region: Region, before: BoolArray, units: Mapping[str, str]
) -> Box:
    """Box of a region, counted on the cells."""
    within = inside(x, region)
    region = limited(x, region)
    limits = [_limit(x, y, region, name, units.get(name, "")) for name in region]
    return Box(
        limits=tuple(sorted(limits, key=lambda limit: limit.share)),
        coverage=float(y[within].sum() / y.sum()),
        density=float(y[within].mean()),
        mass=float(within.mean()),
        cells=tuple(int(cell) for cell in x.index[within]),
        gained=float(y[within & ~before].sum() / y.sum()),
    )


def _limit(x: pd.DataFrame, y: BoolArray, region: Region, name: str, unit: str) -> Limit:
    from scipy.stats import binom

    within = inside(x, region)
    without = inside(x, {other: ends for other, ends in region.items() if other != name})
    chance = binom.sf(y[within].sum() - 1, within.sum(), y[without].mean())
    ends, whole = region[name], whole_of(x)[name]
    low, high = -math.inf, math.inf
    categories: tuple[str, ...] = ()
    span: tuple[float, ...] | tuple[str, ...]
    if isinstance(ends, frozenset) or isinstance(whole, frozenset):
        categories, span = tuple(sorted(map(str, ends))), tuple(sorted(map(str, whole)))
        share = len(categories) / len(span)
    else:
        (low, high), span = ends, whole
        share = (min(high, span[1]) - max(low, span[0])) / (span[1] - span[0])
    return Limit(name, low, high, categories, span, unit, share, float(chance))
