"""The closed, typed description of what to run.

A ``Scenario`` is plain data: no Hydra, no arrays, no randomness. ``sim.compose`` fills it from
configuration files through ``sim.gate``, which refuses leftovers, wrong types and numbers outside
the limits that stand beside each field in ``sim.specs``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.periods import parse_period, period_label
from sim.quantity import Quantity
from sim.specs import EventSpec, InstitutionSpec, PowerSpec, Rules, StateSpec, Uncertainty


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """First and last half-year, and the length of a step in years (1, 0.5 or 0.25)."""

    start: str
    end: str
    step: float


@dataclass(frozen=True, kw_only=True)
class Story:
    """What a scenario is about, and the facts that motivate it."""

    title: str
    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a run is stored and how it is computed; none of it changes results."""

    dir: str
    figures: bool
    workers: int
    chunk: int
    progress: bool


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Everything that determines a run.

    ``baseline`` is the shipped baseline without changes: the choice constants are calibrated on it,
    so that a scenario's own changes are not absorbed by them. It is None for the baseline itself.
    """

    name: str
    story: Story
    horizon: Horizon
    replicates: int
    seed: int
    uncertainty: Uncertainty
    states: Mapping[str, StateSpec]
    powers: Mapping[str, PowerSpec]
    institutions: Mapping[str, InstitutionSpec]
    events: Mapping[str, EventSpec]
    rules: Rules
    output: Output
    baseline: Scenario | None = None

    @property
    def steps(self) -> int:
        """Number of steps: stocks have one point more, flows exactly as many."""
        return round(
            (parse_period(self.horizon.end) - parse_period(self.horizon.start)) / self.horizon.step
        )

    @property
    def state_codes(self) -> tuple[str, ...]:
        """Codes of the states as they stand in results, such as ``KZ``."""
        return tuple(key.upper() for key in self.states)

    @property
    def power_codes(self) -> tuple[str, ...]:
        """Codes of the powers as they stand in results, such as ``RU``."""
        return tuple(key.upper() for key in self.powers)

    @property
    def periods(self) -> tuple[str, ...]:
        """Label of each step, such as ``2025H2``."""
        start = parse_period(self.horizon.start)
        return tuple(
            period_label(start + number * self.horizon.step, self.horizon.step)
            for number in range(self.steps)
        )


def quantities(node: Any) -> Iterator[Quantity]:
    """All quantities of a scenario or a part of it, in the order of its fields."""
    if isinstance(node, Quantity):
        yield node
    elif isinstance(node, Mapping):
        for part in node.values():
            yield from quantities(part)
    elif dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            if field.name != "baseline":
                yield from quantities(getattr(node, field.name))
