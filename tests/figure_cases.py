"""Runs from one state to eleven, and their figures, for tests of figures."""

from __future__ import annotations

from functools import cache

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import sim
from sim.plots.figures import FIGURES

NO_MONEY = tuple(f"powers.{power}.budget.value=0" for power in ("ru", "cn", "eu"))
CASES: dict[str, tuple[tuple[str, ...], int]] = {
    "baseline": ((), 12),
    "one state": (("states=kz",), 12),
    "five powers": (("powers=five_suitors",), 12),
    "eleven states": (("states=cis_plus",), 12),
    "eleven states, five powers": (("states=cis_plus", "powers=five_suitors"), 12),
    "all zero": (NO_MONEY, 12),
    "one replicate": ((), 1),
    "two half-years": (("horizon.end=2026H2",), 12),
    "one half-year": (("horizon.end=2026H1",), 12),
    "one of each": (("states=kz", "powers=ru"), 1),
}
WITHOUT = {
    "partners": {"one half-year"},
    "ternary": {"five powers", "eleven states, five powers", "one of each"},
}
"""Cases in which a figure does not apply."""


@cache
def results(case: str) -> sim.Run:
    overrides, replicates = CASES[case]
    return sim.run(
        sim.load_scenario("strategic_balance", *overrides, replicates=replicates, seed=7)
    )


@cache
def drawn(name: str, case: str) -> Figure:
    return FIGURES[name](results(case).data, results(case).final)


def applies(name: str, case: str) -> bool:
    return case not in WITHOUT.get(name, ())


EACH = [(name, case) for case in CASES for name in FIGURES if applies(name, case)]


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison]


def title(axes: Axes) -> str:
    return axes.get_title(loc="left")


def along(axes: Axes) -> list[str]:
    """Labels of the x axis from left to right."""
    ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    return [label.get_text() for _, label in sorted(ticks, key=lambda tick: float(tick[0]))]
