"""Labels of periods: half-years such as ``2025H2``, quarters such as ``2025Q3``, years."""

from __future__ import annotations

import math


def parse_period(label: str) -> float:
    """Year as a decimal number of the start of a period: ``2025H2`` -> 2025.5."""
    year, kind, number = label[:4], label[4:5], label[5:]
    parts = {"H": 2, "Q": 4}.get(kind)
    if not year.isdigit() or (label[4:] and (parts is None or not number.isdigit())):
        raise ValueError(label)
    if not label[4:]:
        return float(year)
    if parts is None or not 1 <= int(number) <= parts:
        raise ValueError(label)
    return int(year) + (int(number) - 1) / parts


def period_label(time: float, step: float) -> str:
    """Label of the period that starts at ``time`` (inverse of ``parse_period``)."""
    year = math.floor(time + 1e-9)
    part = time - year
    if step < 0.5:
        return f"{year}Q{round(part * 4) + 1}"
    return f"{year}H{round(part * 2) + 1}"
