"""Draws of every number of a scenario from its evidence range (stream 4).

One uniform an entry and replicate, turned into a variate by the inverse of its distribution, so
that two scenarios whose ranges differ still move together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from sim.axes import FloatArray
from sim.draws import ParameterDraws
from sim.quantity import Draw, Quantity
from sim.scenario import Scenario, quantities
from sim.specs import Uncertainty

GRID_POINTS: Final = 1025
"""Points at which the quantile functions of beta and gamma are tabulated."""
GRID_TAIL: Final = 1e-4
"""Probability left out at each end of those tables."""

Values = Mapping[str, FloatArray]
"""Drawn numbers by flat name, such as ``powers.ru.conditionality.trade``: shape (1,) or (R,)."""


class Sampler:
    """Draws the numbers of one scenario, chunk after chunk.

    Quantities of fixed kind, those that the user has set and all of them under
    ``uncertainty=none`` keep their central value and shape (1,); the others get one number a
    replicate.
    """

    def __init__(self, scenario: Scenario, only: Sequence[Quantity] | None = None) -> None:
        """Sort the quantities of a scenario, or some of them, by how they are drawn."""
        everything = list(quantities(scenario)) if only is None else only
        self.central = {
            quantity.name(entry): np.array([value])
            for quantity in everything
            for entry, value in zip(quantity.entries, quantity.value, strict=True)
        }
        uncertain = scenario.uncertainty is Uncertainty.EVIDENCE
        drawn = [
            (quantity, entry)
            for quantity in everything
            for entry in quantity.entries
            if uncertain and _varies(quantity, entry)
        ]
        self.triangles = [pair for pair in drawn if pair[0].draw is Draw.TRIANGULAR]
        self.others = [pair for pair in drawn if pair[0].draw is not Draw.TRIANGULAR]
        shares = {q.path: q for q, _ in self.others if q.draw is Draw.DIRICHLET}
        self.simplices = list(shares.values())
        self.names = [q.name(entry) for q, entry in (*self.triangles, *self.others)]
        self.draws = ParameterDraws(scenario.seed, tuple(self.names))
        self.quantiles = np.array([_quantiles(*pair) for pair in self.others])
        self.corners = np.array([_corners(*pair) for pair in self.triangles]).reshape(-1, 3, 1)

    def values(self, replicates: range) -> Values:
        """Numbers of a range of replicates by flat name."""
        return self.at(self.draws.take(replicates)) if self.names else dict(self.central)

    def at(self, uniforms: FloatArray) -> Values:
        """Numbers at given places in their distributions, by flat name.

        Parameters
        ----------
        uniforms : (name, replicate), in (0, 1), in the order of ``names``.
        """
        values = dict(self.central)
        split = len(self.triangles)
        values.update(zip(self.names, _triangular(self.corners, uniforms[:split]), strict=False))
        if self.others:
            found = _interpolate(self.quantiles, uniforms[split:])
            values.update(zip(self.names[split:], found, strict=True))
        for quantity in self.simplices:
            _normalise(values, quantity)
        return values


def sample(scenario: Scenario, replicates: range) -> Values:
    """Numbers of a range of replicates by flat name; see ``Sampler``."""
    return Sampler(scenario).values(replicates)


def _varies(quantity: Quantity, entry: str) -> bool:
    place = quantity.entries.index(entry)
    if quantity.draw is Draw.FIXED or entry in quantity.user_set:
        return False
    return quantity.low[place] < quantity.high[place]


def _corners(quantity: Quantity, entry: str) -> tuple[float, float, float]:
    place = quantity.entries.index(entry)
    return quantity.low[place], quantity.value[place], quantity.high[place]


def _triangular(corners: FloatArray, uniform: FloatArray) -> FloatArray:
    """Quantiles of triangular distributions, one a row, from uniforms (row, replicate).

    Parameters
    ----------
    corners : (row, 3, 1): low, mode, high.
    """
    low, mode, high = corners[:, 0], corners[:, 1], corners[:, 2]
    width = high - low
    rising = low + np.sqrt(uniform * (width * (mode - low)))
    falling = high - np.sqrt((1 - uniform) * (width * (high - mode)))
    return np.where(uniform * width < mode - low, rising, falling)


def _quantiles(quantity: Quantity, entry: str) -> FloatArray:
    """Quantiles of a beta share, or of the gamma variate behind a Dirichlet share, on the grid."""
    share, strength = quantity.of(entry), quantity.concentration or 0.0
    first = strength * share
    return _table(first, strength * (1 - share) if quantity.draw is Draw.BETA else None)


@lru_cache(maxsize=4096)
def _table(first: float, second: float | None) -> FloatArray:
    """Quantiles of Beta(first, second), or of Gamma(first) where there is no second, (point,)."""
    from scipy.special import betaincinv, gammaincinv

    points = np.linspace(GRID_TAIL, 1 - GRID_TAIL, GRID_POINTS)
    if second is None:
        return np.asarray(gammaincinv(first, points))
    return np.asarray(betaincinv(first, second, points))


def _interpolate(quantiles: FloatArray, uniform: FloatArray) -> FloatArray:
    """Value at each uniform (row, replicate) of quantile functions on the grid (row, point)."""
    place = (uniform - GRID_TAIL) * ((GRID_POINTS - 1) / (1 - 2 * GRID_TAIL))
    np.clip(place, 0.0, GRID_POINTS - 1, out=place)
    below = np.minimum(place.astype(np.intp), GRID_POINTS - 2)
    low = np.take_along_axis(quantiles, below, axis=1)
    high = np.take_along_axis(quantiles, below + 1, axis=1)
    return low + (place - below) * (high - low)


def _normalise(values: dict[str, FloatArray], quantity: Quantity) -> None:
    """Turn gamma variates into shares that add up to what their central shares add up to."""
    free = [entry for entry in quantity.entries if _varies(quantity, entry)]
    whole = sum(quantity.of(entry) for entry in free)
    total = np.zeros(1)
    for entry in free:
        total = total + values[quantity.name(entry)]
    for entry in free:
        name = quantity.name(entry)
        values[name] = values[name] * (whole / total)
