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
    """Phrase that points to the valid name nearest to ``name``, or lists them when few.

    Of near names one that begins alike counts first: ``russia`` means ``ru`` rather than ``us``.
    """
    names, typed = sorted(set(valid)), name.lower()
    close = get_close_matches(typed, [other.lower() for other in names], cutoff=0.5)
    if close:
        best = next((other for other in close if other[:1] == typed[:1]), close[0])
        match = next(other for other in names if other.lower() == best)
        return f" (nearest valid name: '{match}')"
    if 0 < len(names) <= FEW:
        return f" (valid: {', '.join(names)})"
    return ""
