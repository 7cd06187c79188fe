"""More than one equilibrium: where peers and habit make a choice depend on where it began.

Two looks at the same question.

* **The choices of one half-year**, with the stocks at its start held: a state that gives weight to
  what others picked (E13) and to what it picked before (E14) answers picks with picks. In mean
  field this is a map from choice probabilities to choice probabilities, iterated from every start
  until it rests (Brock and Durlauf 2001). Different resting places are multiple equilibria; moving
  a parameter up and down again, from one resting place to the next, shows hysteresis.
* **Whole runs** that differ in nothing but the picks before the first half-year, under the same
  noise: the share of replicates that still differ at the end is what the model remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.analysis import given
from sim.analysis.game import REST, Game, starts
from sim.analysis.origin import Result, origin_of
from sim.analysis.words import align, number, percent
from sim.axes import FloatArray
from sim.decisions import NONE
from sim.ensemble import Host, sizes
from sim.errors import InputError, nearest
from sim.recorder import derive, reserve
from sim.scenario import Scenario
from sim.vary import find

if TYPE_CHECKING:
    import pandas as pd

APART: Final = 1e-6
"""Difference in a probability that makes two resting places different."""
POINTS: Final = 9
"""Values of the parameter that are looked at."""


@dataclass(frozen=True)
class Equilibria:
    """Resting places of the choices of a half-year, and what whole runs remember of their start.

    Attributes
    ----------
    name, period : of what, and the half-year whose choices are iterated.
    parameter, unit : what was moved; empty where nothing was.
    branches : what ``table`` returns.
    memory : one row a pair of starts: ``start, other, differ`` (share of replicates whose alignment
        at the end differs), ``distance`` (mean of the largest difference of an alignment) and
        ``of_unrelated`` (the same as a share of that between one replicate and the next).
    replicates : behind ``memory``.
    """

    name: str
    period: str
    parameter: str
    unit: str
    branches: pd.DataFrame
    memory: pd.DataFrame
    replicates: int

    def table(self) -> pd.DataFrame:
        """Resting places, one row a value of the parameter, start and power.

        Returns
        -------
        Columns ``value, start`` (who had been picked everywhere, or ``up`` and ``down`` for the
        parameter moved up and then down), ``power, probability`` (mean over states and domains),
        ``equilibria`` (number of different resting places at this value) and ``rests``.
        """
        return self.branches.copy()

    @property
    def multiple(self) -> pd.DataFrame:
        """Values with more than one resting place, and how many."""
        counts = self.branches.groupby("value", dropna=False)["equilibria"].first()
        return counts[counts > 1].reset_index()

    def hysteresis(self) -> float:
        """Largest difference in a power's probability between the way up and the way down."""
        ways = self.branches.pivot_table(
            index=["value", "power"], columns="start", values="probability", dropna=False
        )
        if "up" not in ways:
            return 0.0
        return float((ways["up"] - ways["down"]).abs().max())

    def _without_effect(self) -> bool:
        """Whether no start comes to rest elsewhere when the parameter moves."""
        spread = self.branches.groupby(["start", "power"])["probability"].agg(np.ptp)
        return bool((spread < APART).all())

    def text(self) -> str:
        """For a terminal."""
        many = self.multiple
        moved = f" of {self.parameter}" if self.parameter else ""
        if many.empty:
            first = (
                f"In {self.period} the choices have one equilibrium at every value{moved} tried."
            )
        else:
            span = [number(float(many["value"].iloc[place])) for place in (0, -1)]
            where = f" from {span[0]} to {span[1]}{_space(self.unit)}" if self.parameter else ""
            first = (
                f"In {self.period} the choices have up to {many['equilibria'].max()} equilibria"
                f"{where and moved.replace(' of ', ' for ')}{where}: which of them comes about "
                "depends on where picks began."
            )
        lines = [first]
        if self.parameter and self._without_effect():
            lines.append(
                f"{self.parameter} does not bear on them: it acts through stocks, which are held."
            )
        elif self.parameter:
            lines.append(
                "Between the way up and the way down the mean probability of a power differs by "
                f"up to {100 * self.hysteresis():.1f} percentage points (hysteresis)."
            )
        if not self.branches["rests"].all():
            lines.append("Some starts never come to rest; they are marked in the table.")
        rows = [["picked before", "or", "differ at the end", "by", "of unrelated runs"]]
        for _, row in self.memory.iterrows():
            shares = percent(row["differ"]), number(row["distance"]), percent(row["of_unrelated"])
            rows.append([str(row["start"]), str(row["other"]), *shares])
        head = f"Whole runs, {self.replicates} replicates, that differ in the picks before them:"
        return "\n".join([*lines, "", head, *align(rows, left=2)])


def equilibria(
    result: Result,
    parameter: str = "",
    low: float | None = None,
    high: float | None = None,
    *,
    points: int = POINTS,
    period: str = "",
    cell: int | None = None,
) -> Equilibria:
    """Whether choices have more than one equilibrium, and what runs remember of their start.

    Parameters
    ----------
    result : a run, a sweep or a scenario. cell : number of the cell of a sweep.
    parameter : path of a number to move; its evidence range without ``low`` and ``high``.
    points : number of its values.
    period : half-year whose choices are iterated; the last by default.

    Raises
    ------
    InputError
        There is no such number or half-year, or the number has no range.

    Examples
    --------
    >>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2027H1", replicates=20)
    >>> found = sim.equilibria(scenario, "rules.appraisal.peer_weight", points=2)
    >>> found.multiple.empty, round(found.hysteresis(), 2)
    (True, 0.0)
    """
    origin = origin_of(result, cell)
    scenario = origin.scenario
    periods = scenario.periods
    if period and period not in periods:
        raise InputError(f"period: no '{period}' in {origin.name}{nearest(period, periods)}")
    values, unit = _values(scenario, parameter, low, high, points)
    when = period or periods[-1]
    return Equilibria(
        name=origin.name,
        period=when,
        parameter=parameter,
        unit=unit,
        branches=_branches(scenario, parameter, values, periods.index(when)),
        memory=_memory(scenario),
        replicates=scenario.replicates,
    )


def span_of(
    scenario: Scenario, parameter: str, low: float | None, high: float | None
) -> tuple[float, float, str]:
    """Ends and unit of the range of a number: as given, else its evidence range.

    Raises
    ------
    InputError
        There is no such number, it has no range and none is given, or low is not below high.
    """
    found = find(scenario, given.text("parameter", parameter))
    if found is None:
        raise InputError(f"{parameter}: is not a number")
    quantity, entry = found
    place = quantity.entries.index(entry)
    stated = low is not None and high is not None
    for name, end in (("low", low), ("high", high)):
        if end is not None:
            given.real(name, end)
    low = quantity.low[place] if low is None else low
    high = quantity.high[place] if high is None else high
    if low == high and not stated:
        raise InputError(
            f"{parameter}: is fixed at {number(low)} and has no range; give low and high"
        )
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError(f"{parameter}: low ({low:g}) must be below high ({high:g}), both finite")
    return low, high, quantity.unit


def _values(
    scenario: Scenario, parameter: str, low: float | None, high: float | None, points: int
) -> tuple[list[float], str]:
    if not parameter and (low is not None or high is not None):
        raise InputError("parameter: missing; low and high are its ends")
    if not parameter:
        return [float("nan")], ""
    given.whole("points", points, 2)
    low, high, unit = span_of(scenario, parameter, low, high)
    return [float(x) for x in np.linspace(low, high, points)], unit


def _branches(
    scenario: Scenario, parameter: str, values: Sequence[float], step: int
) -> pd.DataFrame:
    """Resting places from every start and, where a parameter moves, on its way up and down."""
    import pandas as pd

    game = Game(scenario, step)
    begun = starts(scenario)
    changes = [game.change(parameter, value) for value in values]
    rows: list[dict[str, object]] = []
    places: list[list[FloatArray]] = [[] for _ in values]
    for start, picks in begun.items():
        found, moved = game.rest(changes, np.repeat(picks, len(values), axis=-1))
        for n, value in enumerate(values):
            places[n].append(found[..., n])
            rows += _rows(scenario, value, start, found[..., n], moved[n] < REST)
    if parameter:
        ways = [("up", list(range(len(values)))), ("down", list(range(len(values)))[::-1])]
        picks = begun[NONE]
        for way, order in ways:
            for n in order:
                picks, moved = game.rest([changes[n]], picks)
                places[n].append(picks[..., 0])
                rows += _rows(scenario, values[n], way, picks[..., 0], moved[0] < REST)
    table = pd.DataFrame(rows)
    counts = dict(zip(values, (_different(found) for found in places), strict=True))
    first = next(iter(counts.values()))
    return table.assign(equilibria=[counts.get(value, first) for value in table["value"]])


def _rows(
    scenario: Scenario, value: float, start: str, picks: FloatArray, rests: bool
) -> list[dict[str, object]]:
    mean = picks.mean(axis=(0, 2))
    return [
        {
            "value": value,
            "start": start,
            "power": code,
            "probability": float(mean[place]),
            "rests": bool(rests),
        }
        for place, code in enumerate(scenario.power_codes)
    ]


def _different(places: Sequence[FloatArray]) -> int:
    """Number of resting places that are apart from each other."""
    kept: list[FloatArray] = []
    for place in places:
        if all(np.abs(place - other).max() > APART for other in kept):
            kept.append(place)
    return len(kept)


def _memory(scenario: Scenario) -> pd.DataFrame:
    """How far whole runs from different starts still differ at their end."""
    import pandas as pd

    asked = replace(scenario, outcomes=("alignment",))
    last = {start: _alignment(asked, picks) for start, picks in starts(asked).items()}
    names = list(last)
    rows = []
    far = np.abs(last[NONE] - np.roll(last[NONE], 1, axis=-1)).max(axis=(0, 1)).mean()
    for n, start in enumerate(names):
        for other in names[n + 1 :]:
            gap = np.abs(last[start] - last[other]).max(axis=(0, 1))
            rows.append(
                {
                    "start": start,
                    "other": other,
                    "differ": float((gap > 0).mean()),
                    "distance": float(gap.mean()),
                    "of_unrelated": float(gap.mean() / far) if far > 0 else float("nan"),
                }
            )
    return pd.DataFrame(rows)


def _alignment(scenario: Scenario, picks: FloatArray) -> FloatArray:
    """Alignment at the end of runs that begin with given picks, (state, power, replicate)."""
    host, count, chunk = Host(scenario), scenario.replicates, scenario.output.chunk
    data, final = reserve(scenario.steps, sizes(scenario, count), scenario.outcomes)
    for first in range(0, count, chunk):
        part = range(first, min(first + chunk, count))
        parameters, draws, world = host.start(part)
        begun = replace(world, last_pick=np.repeat(picks, len(part), axis=-1))
        inside = slice(part.start, part.stop)
        parts = ({name: array[..., inside] for name, array in d.items()} for d in (data, final))
        host.finish(parameters, draws, begun, *parts)
    found, _ = derive(data, final, scenario.horizon.step, scenario.outcomes)
    return np.asarray(found["alignment"][-1])


def _space(unit: str) -> str:
    return "" if unit in ("", "1") else f" {unit}"
