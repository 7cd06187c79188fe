"""Declared outcomes: name, unit, dimensions, and how each follows from the world.

Flows belong to a half-year; stocks are measured at its start, which is what the states see when
they choose. Both have one point a step; the stocks at the end of the run are kept apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.outcomes.flows import FLOWS
from sim.outcomes.kinds import Course, Data, Derived, Flow, Outcome, Stock
from sim.outcomes.stocks import COURSES, DERIVED, STOCKS

ALIGNMENT_WINDOW_YEARS: Final = 3.0
"""Years over which courses look back (section 1.14: six half-years)."""
OUTCOMES: Final[Mapping[str, Outcome]] = {
    outcome.name: outcome for outcome in (*FLOWS, *STOCKS, *DERIVED, *COURSES)
}

__all__ = [
    "ALIGNMENT_WINDOW_YEARS",
    "COURSES",
    "DERIVED",
    "FLOWS",
    "OUTCOMES",
    "STOCKS",
    "Course",
    "Data",
    "Derived",
    "Flow",
    "Outcome",
    "Stock",
]
