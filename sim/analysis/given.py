"""What a caller from Python has given: refused with one message where it is of the wrong type."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from sim.errors import InputError


def text(name: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise InputError(f"{name}: must be a text, not {value!r}")
    return value


def whole(name: str, value: Any, least: int | None = None) -> int:
    """A whole number, from a least one on."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(f"{name}: must be a whole number, not {value!r}")
    if least is not None and value < least:
        raise InputError(f"{name}: must be at least {least}, not {value}")
    return int(value)


def real(name: str, value: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite number between two ends."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise InputError(f"{name}: must be a finite number, not {value!r}")
    number = float(value)
    if not least <= number <= most:
        raise InputError(f"{name}: must be between {least:g} and {most:g}, not {number:g}")
    return number
