"""Variants side by side: the columns of one chunk, each with numbers or noise of its own.

A chunk of the ensemble holds replicates of one scenario. Here its columns are variants instead: one
replicate under hundreds of changes (``Variants``), or points anywhere in the space of the evidence
under the noise of any replicate (``Points``). What a column computes is what a run of the changed
scenario would, so that questions of the kind "what if this number were another" cost as much as so
many replicates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from sim.axes import FloatArray, IntArray
from sim.calibration import choice_constants
from sim.draws import BLOCK, Draws, Ids, predraw
from sim.ensemble import Host, sizes
from sim.errors import InputError, MultivectorError
from sim.outcomes import Data
from sim.parameter_parts import Constants
from sim.parameters import Parameters, build, ids
from sim.processes import Appraisal, Decide, Offers
from sim.quantity import Draw
from sim.record import Record
from sim.recorder import derive, reserve
from sim.sampling import Sampler, Values
from sim.scenario import Scenario
from sim.step import advance
from sim.vary import find, form_of, vary
from sim.world import World, initialise

CHUNK: Final = 512
"""Columns computed at a time, so that they fit the cache."""
_CALIBRATED: Final = ("rules.choice.target_shares", "entry_shares")
"""Parts of paths of the numbers that choice constants are calibrated on."""
_SHAPING: Final = (
    "rules.choice.precision",
    "rules.coercion.rate",
    "rules.documents.signed",
    "rules.trade.volatility",
    ".summits.every",
    ".half_life",
    "corridors.",
)
"""Parts of paths of the numbers that may give a run another shape: more than other numbers."""


@dataclass(frozen=True)
class Change:
    """One number of a replicate set to another value, with all that moves along.

    Attributes
    ----------
    path, value : what was set.
    numbers : drawn numbers by flat name that differ for it: shares of one whole move together.
    constants : choice constants, where they differ.
    apart : the changed scenario, where a run of it has other corridors, calendars or streams of
        noise, so that it cannot stand beside the others.
    """

    path: str
    value: float
    numbers: Mapping[str, float]
    constants: Constants | None = None
    apart: Scenario | None = None


SAME: Final = Change("", 0.0, {})
"""No change."""


class Variants:
    """One replicate of a scenario under many changes, each a column."""

    def __init__(self, scenario: Scenario, replicate: int) -> None:
        """Take the replicate's own numbers and noise."""
        self.scenario = replace(scenario, baseline=scenario.baseline or scenario)
        self.place = range(replicate, replicate + 1)
        self.host = Host(self.scenario)
        self.values: Values = self.host.sampler.values(self.place)
        drawn = self.host.drawer
        self.draws = drawn.take(scenario.seed, self.place, scenario.steps, self.host.ids)

    def value(self, name: str) -> float:
        """Number of this replicate by flat name."""
        return float(self.values[name][0])

    def change(self, path: str, value: float) -> Change:
        """What is different when a number of the scenario is set.

        Raises
        ------
        InputError
            The value is outside the limits of its field.
        """
        found = find(self.scenario, path)
        if found is None:
            raise InputError(f"{path}: is not a number")
        before, entry = found
        form = form_of(self.scenario, path)
        calibrated = any(part in path for part in _CALIBRATED)
        shared = form.simplex is not None or before.draw is Draw.DIRICHLET
        if any(part in path for part in _SHAPING):
            varied = vary(self.scenario, {path: value})
            if _shape(varied) != _shape(self.scenario):
                return Change(path, value, {}, apart=varied)
        if not (calibrated or shared) and form.limits.lower < value < form.limits.upper:
            return Change(path, value, {before.name(entry): value})
        varied = vary(self.scenario, {path: value})
        after, _ = find(varied, path) or found
        redrawn = Sampler(varied, [after]).values(self.place)
        numbers = {name: float(row[0]) for name, row in redrawn.items()}
        return Change(path, value, numbers, self._constants(varied) if calibrated else None)

    def run(
        self,
        changes: Sequence[Change],
        step: int,
        take: Callable[[Record], FloatArray],
        picks: Sequence[FloatArray] | None = None,
    ) -> FloatArray:
        """Run all columns to a step and take something of what happens in it.

        Parameters
        ----------
        changes : one a column.
        step : number of the step, from 0.
        take : of the record of that step; the last axis of its array is that of the columns.
        picks : picks (S, P, D, 1) of the steps before, in place of each column's own.

        Returns
        -------
        What was taken, (..., column); NaN in columns whose numbers no run can have together, and
        (column,) of them where no column can run.
        """
        parts = []
        for piece in _pieces(changes):
            if piece[0].apart is None:
                parts.append(self._taken(piece, step, take, picks))
            else:
                alone = Variants(piece[0].apart, self.place.start)
                parts.append(alone._taken([SAME], step, take, picks))
        return _joined(parts)

    def _taken(
        self,
        changes: Sequence[Change],
        step: int,
        take: Callable[[Record], FloatArray],
        picks: Sequence[FloatArray] | None,
    ) -> FloatArray:
        """What is taken of some columns; halves them until those that cannot run stand alone."""
        try:
            *_, (last, _) = self.records(changes, step, picks)
            return take(last)
        except MultivectorError:
            if len(changes) == 1:
                return np.full(1, np.nan)  # widened where the shape is known
        middle = len(changes) // 2
        halves = changes[:middle], changes[middle:]
        return _joined([self._taken(half, step, take, picks) for half in halves])

    def parameters(self, changes: Sequence[Change]) -> Parameters:
        """Parameters of columns that can stand beside each other."""
        return build(self.host.scenario, self._numbers(changes), self._alphas(changes))

    def history(self, step: int) -> list[FloatArray]:
        """Picks of the steps before a step as they were, (S, P, D, 1) each."""
        return [record.contracts.pick for record, _ in self.records([SAME], step)][:-1]

    def records(
        self,
        changes: Sequence[Change],
        step: int,
        picks: Sequence[FloatArray] | None = None,
    ) -> Iterator[tuple[Record, Parameters]]:
        """Record of each step up to one and including it, with the parameters of the columns."""
        count = len(changes)
        parameters = self.parameters(changes)
        draws, world = _repeat(self.draws, count), initialise(parameters, count)
        for number in range(step + 1):
            decide = None
            if picks is not None and number < step:
                decide = _as_before(picks[number], count)
            world, record = advance(world, parameters, draws, number, decide)
            yield record, parameters

    def _numbers(self, changes: Sequence[Change]) -> Values:
        """The replicate's numbers, with a column of their own where a change moves them."""
        found = dict(self.values)
        for name in {name for change in changes for name in change.numbers}:
            own = self.value(name)
            found[name] = np.array([change.numbers.get(name, own) for change in changes])
        return found

    def _alphas(self, changes: Sequence[Change]) -> Constants:
        if all(change.constants is None for change in changes):
            return self.host.constants
        each = [change.constants or self.host.constants for change in changes]
        return {
            power: np.stack([np.asarray(constants[power]) for constants in each], axis=-1)
            for power in self.host.constants
        }

    def _constants(self, varied: Scenario) -> Constants:
        """Constants of a scenario with other targets, against the targets of this one.

        Drawn targets shift them by log-odds against the central ones, which are other ones there.
        """
        found = choice_constants(varied)
        odds = [_log_odds(scenario) for scenario in (self.host.scenario, varied)]
        return {
            power: np.asarray(alpha) + (odds[0][power] - odds[1][power])
            for power, alpha in found.items()
        }


class Points:
    """Any points of the space of the evidence, under the noise of any replicates, as columns."""

    def __init__(self, scenario: Scenario) -> None:
        """Prepare what all columns share."""
        self.host = Host(scenario)

    @property
    def names(self) -> tuple[str, ...]:
        """Flat names of the numbers that are drawn, in the order of ``places``."""
        return tuple(self.host.sampler.names)

    def run(self, places: FloatArray, noise: IntArray) -> tuple[Data, Data]:
        """Outcomes of the columns.

        Parameters
        ----------
        places : place of each number in its distribution, (name, column), in (0, 1).
        noise : replicate whose noise each column has, (column,).

        Returns
        -------
        Outcomes by half-year and stocks at the end, as ``sim.recorder.derive`` gives them, with the
        columns in place of replicates.
        """
        scenario, columns = self.host.scenario, len(noise)
        data, final = reserve(scenario.steps, sizes(scenario, columns), scenario.outcomes)
        for first in range(0, columns, CHUNK):
            part = slice(first, min(first + CHUNK, columns))
            values = self.host.sampler.at(places[:, part])
            parameters = build(scenario, values, self.host.constants)
            self.host.finish(
                parameters,
                self._noise(noise[part]),
                initialise(parameters, part.stop - part.start),
                {name: array[..., part] for name, array in data.items()},
                {name: array[..., part] for name, array in final.items()},
            )
        return derive(data, final, scenario.horizon.step, scenario.outcomes)

    def _noise(self, replicates: IntArray) -> Draws:
        """Draws of any replicates, gathered from the blocks that they lie in."""
        scenario = self.host.scenario
        blocks, inside = np.divmod(replicates, BLOCK)
        found: dict[str, FloatArray] = {}
        for block in np.unique(blocks):
            drawn = _block(scenario.seed, int(block), scenario.steps, self.host.ids)
            here = blocks == block
            for name, array in vars(drawn).items():
                whole = found.setdefault(name, np.empty((*array.shape[:-1], len(replicates))))
                whole[..., here] = array[..., inside[here]]
        return Draws(**found)


@lru_cache(maxsize=4)
def _block(seed: int, block: int, steps: int, ids: Ids) -> Draws:
    """Draws of a whole block, kept for the next chunk."""
    return predraw(seed, range(block * BLOCK, (block + 1) * BLOCK), steps, ids)


def _as_before(picks: FloatArray, count: int) -> Decide:
    """Rule that makes the picks of one replicate (S, P, D, 1) in every column."""

    def decide(world: World, table: Offers, appraised: Appraisal, noise: FloatArray) -> FloatArray:
        return np.repeat(picks, count, axis=-1)

    return decide


def _pieces(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Columns that are run together, in order; those that stand apart are alone."""
    first = 0
    while first < len(changes):
        last = first + 1
        if changes[first].apart is None:
            while last < min(len(changes), first + CHUNK) and changes[last].apart is None:
                last += 1
        yield changes[first:last]
        first = last


def _joined(parts: Sequence[FloatArray]) -> FloatArray:
    """Columns side by side; those that could not run, (column,), become NaN."""
    shape = next((part.shape[:-1] for part in parts if part.ndim > 1), ())
    whole = [part if part.ndim > 1 else np.full((*shape, len(part)), np.nan) for part in parts]
    return np.concatenate(whole, axis=-1)


def _shape(scenario: Scenario) -> Hashable:
    """What of a scenario's numbers decides which streams, corridors and calendars a run has."""
    return (
        ids(scenario),
        math.isinf(scenario.rules.choice.precision.of()),
        tuple(spec.capacity.high[0] > 0 for spec in scenario.corridors.values()),
        tuple(spec.summits and spec.summits.every.value for spec in scenario.powers.values()),
        tuple(
            event.half_life is None or math.isinf(event.half_life.of())
            for event in scenario.events.values()
        ),
    )


def _repeat(draws: Draws, count: int) -> Draws:
    """Draws of one replicate for many columns."""
    return Draws(
        **{
            name: np.broadcast_to(array, (*array.shape[:-1], count))
            for name, array in vars(draws).items()
        }
    )


def _log_odds(scenario: Scenario) -> dict[str, FloatArray]:
    """Log-odds of the central target shares against "none" by power, one a domain."""
    targets = scenario.rules.choice.target_shares
    found = {}
    for power, spec in scenario.powers.items():
        entry = spec.entry_shares
        odds = [
            target.of(power) if entry is None else entry.of(domain) / (1 - entry.of(domain))
            for domain, target in targets.items()
        ]
        none = [target.of("none") for target in targets.values()]
        found[power] = np.log(odds) - np.log(none)
    return found
