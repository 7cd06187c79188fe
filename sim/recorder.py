"""Collects the declared outcomes of a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.axes import CORRIDOR, DOMAIN, PARTNER, POWER, STATE
from sim.errors import InputError, nearest
from sim.outcomes import (
    ALIGNMENT_WINDOW_YEARS,
    COURSES,
    DERIVED,
    FLOWS,
    OUTCOMES,
    STOCKS,
    Course,
    Data,
    Derived,
    Outcome,
)
from sim.parameters import Parameters
from sim.processes import measure_ties
from sim.record import Record
from sim.shared import Layout, separate
from sim.world import World

_AXES: Final = {
    "state": STATE,
    "power": POWER,
    "partner": PARTNER,
    "corridor": CORRIDOR,
    "domain": DOMAIN,
}
_SMALL_AXES: Final = 3


def recorded(wanted: Collection[str]) -> frozenset[str]:
    """Flows and stocks that the outcomes wanted are, or follow from; all if none is named.

    Raises
    ------
    InputError
        An outcome is not declared; the message names the nearest one.
    """
    for name in wanted:
        if name not in OUTCOMES:
            raise InputError(f"outcomes: unknown outcome '{name}'{nearest(name, OUTCOMES)}")
    names = set(wanted or OUTCOMES)
    follows: tuple[Course | Derived, ...] = (*COURSES, *reversed(DERIVED))
    for outcome in follows:
        if outcome.name in names:
            names |= set(outcome.of)
    return frozenset(names)


def layouts(
    steps: int, sizes: Mapping[str, int], wanted: Collection[str] = ()
) -> tuple[Layout, Layout]:
    """Shapes and types of what a ``Recorder`` writes: each half-year, and the stocks at the end.

    Parameters
    ----------
    steps : number of steps.
    sizes : lengths of the dimensions of outcomes and of the replicate axis.
    wanted : names of outcomes; all if none is named.
    """
    names = recorded(wanted)

    def shape(outcome: Outcome) -> tuple[int, ...]:
        return tuple(sizes[dim] for dim in (*outcome.dims, "replicate"))

    flows = {flow.name: ((steps, *shape(flow)), flow.dtype) for flow in FLOWS if flow.name in names}
    kept = [stock for stock in STOCKS if stock.name in names]
    stocks = {stock.name: ((steps, *shape(stock)), "float64") for stock in kept}
    return flows | stocks, {stock.name: (shape(stock), "float64") for stock in kept}


def reserve(
    steps: int, sizes: Mapping[str, int], wanted: Collection[str] = ()
) -> tuple[Data, Data]:
    """Empty arrays for a ``Recorder``; see ``layouts``."""
    data, final = layouts(steps, sizes, wanted)
    return separate(data), separate(final)


class Recorder:
    """Writes flows and stocks into reserved arrays while a run goes on."""

    def __init__(self, parameters: Parameters, data: Data, final: Data) -> None:
        """Take the arrays to write to, whole or the part of one chunk of replicates."""
        self.parameters = parameters
        self.data = {name: _widen(name, array, first=1) for name, array in data.items()}
        self.final = {name: _widen(name, array) for name, array in final.items()}
        self.flows = [flow for flow in FLOWS if flow.name in data]
        self.stocks = [stock for stock in STOCKS if stock.name in data]

    def take(self, step: int, world: World, record: Record) -> None:
        """Store a step that started from ``world``."""
        for flow in self.flows:
            self.data[flow.name][step] = flow.compute(record, self.parameters)
        for stock in self.stocks:
            self.data[stock.name][step] = stock.compute(world, record.ties, self.parameters)

    def close(self, world: World, steps: int) -> None:
        """Store the stocks at the end of the run."""
        ties = measure_ties(world, self.parameters, steps)
        for stock in self.stocks:
            self.final[stock.name][...] = stock.compute(world, ties, self.parameters)


def derive(
    data: Data, final: Data, years: float, wanted: Collection[str] = ()
) -> tuple[Data, Data]:
    """Add the outcomes that follow from recorded ones, and drop those that nobody wanted.

    Parameters
    ----------
    data, final : as a ``Recorder`` wrote them.
    years : length of a step.
    wanted : names of outcomes; all if none is named.
    """
    data, final = dict(data), dict(final)
    names = recorded(wanted)
    for outcome in DERIVED:
        if outcome.name not in names:
            continue
        points = len(data[outcome.of[0]])
        rows = [
            _squeeze(
                outcome, outcome.compute(*(_widen(name, data[name][t]) for name in outcome.of))
            )
            for t in range(points)
        ]
        last = outcome.compute(*(_widen(name, final[name]) for name in outcome.of))
        final[outcome.name] = _squeeze(outcome, last)
        data[outcome.name] = np.array(rows).reshape(points, *final[outcome.name].shape)
    window = round(ALIGNMENT_WINDOW_YEARS / years)
    for course in COURSES:
        if course.name in names:
            data[course.name] = course.compute(*(data[name] for name in course.of), window)
    if not wanted:
        return data, final
    kept = {name: data[name] for name in wanted}
    return kept, {name: final[name] for name in wanted if name in final}


def _squeeze(outcome: Outcome, array: NDArray[Any]) -> NDArray[Any]:
    """Drop the axes of length 1 that an outcome does not have."""
    return array.squeeze(axis=_unused(outcome))


def _widen(name: str, array: NDArray[Any], first: int = 0) -> NDArray[Any]:
    """View with the axes that an outcome does not have, after ``first`` leading ones."""
    return np.expand_dims(array, tuple(first + axis for axis in _unused(OUTCOMES[name])))


def _unused(outcome: Outcome) -> tuple[int, ...]:
    """Axes that an outcome does not have; powers, partners and corridors share one."""
    used = {_AXES[dim] for dim in outcome.dims}
    return tuple(axis for axis in range(_SMALL_AXES) if axis not in used)
