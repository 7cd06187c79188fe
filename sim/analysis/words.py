"""Tables and numbers in plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

MISSING: Final = "–"
"""Shown where a number is not defined."""
OVERSHOT: Final = 0.1
"""Most that rounding may add to a change, as a share of it."""
SHORT: Final = 100
"""Characters of a reason that a line has room for."""


def align(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Pad columns to their widest cell, the first ``left`` of them on the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def number(value: float, digits: int = 3) -> str:
    """Number with so many digits that count, without an exponent where it is not needed."""
    if math.isnan(value):
        return MISSING
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return f"{value:g}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}" if places <= 2 * digits else f"{value:.{digits - 1}e}"


def beyond(start: float, end: float) -> tuple[str, str]:
    """Two numbers that can be told apart, the second rounded away from the first.

    Who sets the second as it is written has gone all the way.
    """
    towards = math.ceil if end > start else math.floor
    for digits in range(3, 16):
        places = max(0, digits - 1 - math.floor(math.log10(abs(end)))) if end else digits
        rounded = towards(end * 10**places) / 10**places
        texts = number(start, digits), f"{rounded:.{places}f}"
        if abs(rounded - end) <= abs(end - start) * OVERSHOT and texts[0] != texts[1]:
            break
    return texts


def signed(value: float, digits: int = 2) -> str:
    """Number with its sign."""
    text = number(value, digits)
    return text if value <= 0 or math.isnan(value) else f"+{text}"


def percent(share: float) -> str:
    """Share as a percentage in full points; small ones as such."""
    if math.isnan(share):
        return MISSING
    if 0 < share < 0.005:
        return "under 1 %"
    return f"{100 * share:.0f} %"


def listing(items: Sequence[str]) -> str:
    """Items of a sentence: one, two and three."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def shortened(text: str, length: int = SHORT) -> str:
    """Text of a line's length, cut at a word."""
    words = " ".join(text.split())
    if len(words) <= length:
        return words
    return words[: length - 1].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def pinched(text: str, length: int = SHORT, tail: int = 40) -> str:
    """Text of a line's length, cut in the middle so that its end stays."""
    words = " ".join(text.split())
    if len(words) <= length:
        return words
    head = words[: length - tail].rsplit(" ", 1)[0]
    return f"{head} … {words[-tail:].split(' ', 1)[-1]}"


def with_grounds(lines: Sequence[str], grounds: Sequence[str]) -> list[str]:
    """Lines of a table, each with its grounds, if it has any, below it."""
    found = []
    for line, text in zip(lines, grounds, strict=True):
        found += [line, f"    {text}"] if text else [line]
    return found
