"""Typed errors: a user's mistake is an ``InputError`` and ends with exit status 2."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

FEW = 20
"""Number of valid names that a message still lists in full."""


class MultivectorError(Exception):
    """Base of all errors raised on purpose."""


class InputError(MultivectorError):
    """A mistake in a configuration, an option or a file; the message says where and what."""


class ShapeError(MultivectorError):
    """An array does not have the axes its place asks for."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Phrase that points to the valid name nearest to ``name``, or lists them when few."""
    names = sorted(set(valid))
    close = get_close_matches(name.lower(), [other.lower() for other in names], n=1, cutoff=0.5)
    if close:
        match = next(other for other in names if other.lower() == close[0])
        return f" (nearest valid name: '{match}')"
    if 0 < len(names) <= FEW:
        return f" (valid: {', '.join(names)})"
    return ""
