"""Kinds of outcomes: what happens, what stands, and what follows from either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from sim.axes import FloatArray
from sim.parameters import Parameters
from sim.processes import Ties
from sim.record import Record
from sim.world import World

Data = dict[str, NDArray[Any]]
"""Outcome arrays by name: (period, [dimensions of the outcome], replicate)."""


@dataclass(frozen=True)
class Outcome:
    """One thing that a run reports; ``meaning`` is its definition in words."""

    name: str
    unit: str
    dims: tuple[str, ...]
    meaning: str


@dataclass(frozen=True)
class Flow(Outcome):
    """What happens in a half-year."""

    compute: Callable[[Record, Parameters], NDArray[Any]]
    dtype: str = "float64"


@dataclass(frozen=True)
class Stock(Outcome):
    """What stands at the start of a half-year."""

    compute: Callable[[World, Ties, Parameters], FloatArray]


@dataclass(frozen=True)
class Derived(Outcome):
    """What follows from other stocks at the same point."""

    of: tuple[str, ...]
    compute: Callable[..., FloatArray]


@dataclass(frozen=True)
class Course(Outcome):
    """What follows from the course of other outcomes up to each half-year.

    ``compute`` takes their arrays, period first, and a number of steps to look back.
    """

    of: tuple[str, ...]
    compute: Callable[..., FloatArray]
