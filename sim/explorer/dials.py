"""Numbers to be moved within their evidence ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Final

from sim.evidence import Ledger
from sim.provenance import Provenance, provenance
from sim.scenario import Scenario

MAIN: Final = (
    "powers.*.budget",
    "powers.*.delivery.infrastructure",
    "states.{state}.hedging",
    "rules.choice.value_scale",
    "rules.dependence.transit_weight",
)
"""Numbers that are offered first; ``{state}`` is the first state of a scenario."""
STEPS: Final = 100
"""Positions of a dial between the ends of its range, about."""
SLACK: Final = 1e-9
"""Part of a step by which a number may miss a position and still be at it."""
PLACES: Final = 12
"""Decimals of a position, so that 0.1 + 0.2 is 0.3."""
_ROUND: Final = (1, 2, 5, 10)


@dataclass(frozen=True)
class Dial:
    """One number with its range: it is drawn from the evidence until it is moved.

    Attributes
    ----------
    path : of the number, such as ``powers.eu.budget``.
    label : the same in words.
    low, high : ends of the range, in ``unit``.
    row : where the number comes from.
    """

    path: str
    label: str
    low: float
    high: float
    unit: str
    row: Provenance

    @property
    def step(self) -> float:
        """Distance of two positions: a round number."""
        raw = (self.high - self.low) / STEPS
        decade = 10.0 ** math.floor(math.log10(raw))
        return decade * next(part for part in _ROUND if part * decade >= raw * (1 - SLACK))

    @property
    def ends(self) -> tuple[float, float]:
        """First and last position: the round numbers within the range."""
        first = math.ceil(self.low / self.step - SLACK)
        last = math.floor(self.high / self.step + SLACK)
        return self._at(first), self._at(last)

    @property
    def start(self) -> float:
        """Position where the dial is found."""
        return self.position(self.row.value)

    def position(self, value: float) -> float:
        """Nearest position to a number."""
        first, last = self.ends
        return min(max(self._at(round(value / self.step)), first), last)

    def value(self, position: float) -> float | None:
        """Number at a position; None where the dial stands as it was found."""
        near = self.position(position)
        return None if near == self.start else near

    def _at(self, count: int) -> float:
        return round(count * self.step, PLACES)


def dials(scenario: Scenario, ledger: Ledger) -> dict[str, Dial]:
    """Dials of all numbers of a scenario that have a range and are not set already, by path."""
    rows = provenance(scenario, ledger)
    return {
        row.name: Dial(row.name, _words(row.name, scenario), row.low, row.high, row.unit, row)
        for row in rows
        if row.low < row.high
    }


def main_paths(scenario: Scenario, known: Sequence[str]) -> list[str]:
    """Paths of the numbers that are offered first, as far as a scenario has them."""
    state = next(iter(scenario.states))
    patterns = [pattern.format(state=state) for pattern in MAIN]
    return [path for pattern in patterns for path in known if fnmatch(path, pattern)]


def moved(chosen: Mapping[str, Dial], positions: Mapping[str, float]) -> dict[str, float]:
    """Numbers that were moved, by path."""
    values = {path: chosen[path].value(at) for path, at in positions.items() if path in chosen}
    return {path: value for path, value in values.items() if value is not None}


def _words(path: str, scenario: Scenario) -> str:
    """Path in words, with the names of states and powers."""
    group, *rest = path.split(".")
    names = {code: power.name for code, power in scenario.powers.items()}
    names |= {code: state.name for code, state in scenario.states.items()}
    words = [names.get(part, part.replace("_", " ")) for part in rest]
    return f"{words[0]}: {' '.join(words[1:])}" if words[1:] else f"{group}: {words[0]}"
