"""Quantities of scenarios whose numbers come from history instead of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from sim.quantity import SCALAR, Draw, Quantity

TRIANGLE: Final = float(np.sqrt(6.0))
"""Half-width of a symmetric triangle in standard deviations."""
DIGITS: Final = 3
"""Significant digits of a number that is written."""
SOURCE: Final = "as reported for the years behind the origin"
"""Said of the numbers that are put in."""


def number(path: str, unit: str, value: float) -> Quantity:
    """A new quantity that is not drawn."""
    return Quantity(
        path=path,
        unit=unit,
        entries=(SCALAR,),
        value=(value,),
        low=(value,),
        high=(value,),
        draw=Draw.FIXED,
        concentration=None,
        evidence={},
        assumption=SOURCE,
        derivation=None,
        user_set=frozenset(),
    )


def given(quantity: Quantity, values: float | Mapping[str, float]) -> Quantity:
    """The quantity at other values, one for each entry, which are not drawn."""
    entries = values if isinstance(values, Mapping) else {SCALAR: values}
    numbers = tuple(entries.values())
    return replace(
        number(quantity.path, quantity.unit, 0.0),
        entries=tuple(entries),
        value=numbers,
        low=numbers,
        high=numbers,
    )


def spread(
    quantity: Quantity, values: float | Mapping[str, float], deviations: float | Mapping[str, float]
) -> Quantity:
    """The quantity drawn from symmetric triangles with these means and standard deviations.

    A triangle that would reach below the lowest value allowed is no part of this: callers clip.
    """
    means = given(quantity, values)
    by_entry = deviations if isinstance(deviations, Mapping) else {SCALAR: deviations}
    width = [TRIANGLE * by_entry[entry] for entry in means.entries]
    return replace(
        means,
        low=tuple(value - w for value, w in zip(means.value, width, strict=True)),
        high=tuple(value + w for value, w in zip(means.value, width, strict=True)),
        draw=Draw.TRIANGULAR,
    )


def rounded(number: float, digits: int = DIGITS) -> float:
    """To significant digits."""
    return float(f"{number:.{digits}g}")
