"""Axis numbers, closed vocabularies and array helpers, named once.

Every array of the model has the same four axes in the same order, ``(state, power, domain,
replicate)``. An axis along which a quantity does not vary has length 1, and the replicate axis is
always last and C-contiguous, so that one statement of a rule acts on all replicates at once. Trade
partners, institutions and event types stand on the power axis where they take its place.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.errors import ShapeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

STATE: Final = 0
POWER: Final = 1
PARTNER: Final = 1
INSTITUTION: Final = 1
EVENT: Final = 1
CORRIDOR: Final = 1
DOMAIN: Final = 2
REPLICATE: Final = 3

NO_POWER_ID: Final = 63
"""Permanent id of the outside option "none" in the choice stream, and of the rest of the world in
that of trade (model, sections 1.9 and 1.10)."""

ROW: Final = "ROW"
"""Trade partner "rest of the world"."""


class Domain(IntEnum):
    """Domains in which offers are made (model, section 1.1)."""

    TRADE = 0
    INFRASTRUCTURE = 1
    ENERGY = 2
    SECURITY = 3
    TECHNOLOGY = 4

    @property
    def key(self) -> str:
        """Name in configurations and results."""
        return self.name.lower()


DOMAINS: Final = tuple(domain.key for domain in Domain)
STATES: Final = ("kz", "kg", "tj", "tm", "uz", "am", "az", "by", "md", "ge", "mn")
POWERS: Final = ("ru", "cn", "eu", "us", "tr")
CORRIDORS: Final = ("n", "m", "ns", "e", "cku", "sth")
"""Codes the project ships; a configuration may add states and powers of its own."""


class Stream(IntEnum):
    """Streams of random numbers (model, section 1.10)."""

    CHOICE = 1
    DELIVERY = 2
    EVENTS = 3
    PARAMETERS = 4
    TRADE = 5


def sum_over(array: FloatArray, axis: int) -> FloatArray:
    """Sum along one of the small axes, keeping it with length 1.

    The terms are added one after the other, whatever the number of replicates. With several
    replicates NumPy adds whole rows in that order; with one it would take the small axis for the
    inner loop and add in another order, so that case is spelt out.
    """
    if array.shape[-1] != 1 or array.shape[axis] < 3:  # two terms have one order only
        total: FloatArray = np.add.reduce(array, axis=axis, keepdims=True)
        return total
    before = (slice(None),) * axis
    total = array[(*before, slice(0, 1))]
    for index in range(1, array.shape[axis]):
        total = total + array[(*before, slice(index, index + 1))]
    return total


def mean_of_others(weight: FloatArray, array: FloatArray) -> FloatArray:
    """Weighted mean over all other states: W of the model, uniform, with a zero diagonal.

    A single state has no others: zeros.
    """
    states = array.shape[STATE]
    if states == 1:
        return np.zeros_like(array)
    each = weight / (states - 1)
    others: FloatArray = each * sum_over(array, STATE) - each * array
    return others


def with_others(weight: FloatArray, array: FloatArray) -> FloatArray:
    """A state's own value plus the weighted mean over all others, in few passes over memory."""
    states = array.shape[STATE]
    if states == 1:
        return array
    each = weight / (states - 1)
    found: FloatArray = (1 - each) * array
    found += each * sum_over(array, STATE)
    return found


def check_shape(name: str, array: FloatArray, *lengths: int) -> None:
    """Refuse an array whose axes are neither of the given lengths nor of length 1."""
    fits = array.ndim == len(lengths) and all(
        have in (1, want) for have, want in zip(array.shape, lengths, strict=True)
    )
    if not fits:
        raise ShapeError(f"{name}: shape {array.shape} does not broadcast to {lengths}")
