"""Collects the declared outcomes of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.axes import CORRIDOR, DOMAIN, PARTNER, POWER, STATE
from sim.outcomes import (
    ALIGNMENT_WINDOW_YEARS,
    COURSES,
    DERIVED,
    FLOWS,
    OUTCOMES,
    STOCKS,
    Data,
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


def layouts(steps: int, sizes: Mapping[str, int]) -> tuple[Layout, Layout]:
    """Shapes and types of what a ``Recorder`` writes: each half-year, and the stocks at the end.

    Parameters
    ----------
    steps : number of steps.
    sizes : lengths of the dimensions of outcomes and of the replicate axis.
    """

    def shape(outcome: Outcome) -> tuple[int, ...]:
        return tuple(sizes[dim] for dim in (*outcome.dims, "replicate"))

    flows = {flow.name: ((steps, *shape(flow)), flow.dtype) for flow in FLOWS}
    stocks = {stock.name: ((steps, *shape(stock)), "float64") for stock in STOCKS}
    return flows | stocks, {stock.name: (shape(stock), "float64") for stock in STOCKS}


def reserve(steps: int, sizes: Mapping[str, int]) -> tuple[Data, Data]:
    """Empty arrays for a ``Recorder``; see ``layouts``."""
    data, final = layouts(steps, sizes)
    return separate(data), separate(final)


class Recorder:
    """Writes flows and stocks into reserved arrays while a run goes on."""

    def __init__(self, parameters: Parameters, data: Data, final: Data) -> None:
        """Take the arrays to write to, whole or the part of one chunk of replicates."""
        self.parameters = parameters
        self.data = {name: _widen(name, array, first=1) for name, array in data.items()}
        self.final = {name: _widen(name, array) for name, array in final.items()}

    def take(self, step: int, world: World, record: Record) -> None:
        """Store a step that started from ``world``."""
        for flow in FLOWS:
            self.data[flow.name][step] = flow.compute(record, self.parameters)
        for stock in STOCKS:
            self.data[stock.name][step] = stock.compute(world, record.ties, self.parameters)

    def close(self, world: World, steps: int) -> None:
        """Store the stocks at the end of the run."""
        ties = measure_ties(world, self.parameters, steps)
        for stock in STOCKS:
            self.final[stock.name][...] = stock.compute(world, ties, self.parameters)


def derive(data: Data, final: Data, years: float) -> tuple[Data, Data]:
    """Add the outcomes that follow from recorded ones.

    Parameters
    ----------
    data, final : as a ``Recorder`` wrote them.
    years : length of a step.
    """
    data, final = dict(data), dict(final)
    for outcome in DERIVED:
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
        data[course.name] = course.compute(*(data[name] for name in course.of), window)
    return data, final


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
