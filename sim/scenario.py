"""The closed, typed description of what to run.

A ``Scenario`` is plain data: no Hydra, no arrays, no randomness. ``sim.compose`` fills it from
configuration files through ``sim.gate``, which refuses leftovers, wrong types and numbers outside
the limits that stand beside each field in ``sim.specs``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sim.axes import ROW
from sim.periods import parse_period, period_label
from sim.quantity import Quantity
from sim.rule_specs import Rules
from sim.specs import (
    CorridorSpec,
    EventSpec,
    InstitutionSpec,
    PowerSpec,
    StateSpec,
    Uncertainty,
)


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """First and last half-year, and the length of a step in years (1, 0.5 or 0.25)."""

    start: str
    end: str
    step: float


class When(StrEnum):
    """Which half-years of an outcome an expectation is about."""

    MEAN = "mean"  # all from ``since`` on
    END = "end"  # the last


class Sign(StrEnum):
    """Direction of a difference to the baseline."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """Sign that theory gives to the difference between a scenario and the baseline.

    ``select`` picks codes by dimension; over dimensions left out money, freight and documents are
    summed and anything else averaged. ``contested`` says why the sign does not hold in nine of ten
    replicates.
    """

    outcome: str
    sign: Sign
    reason: str
    when: When = When.MEAN
    since: str | None = None
    select: Mapping[str, str] = field(default_factory=dict)
    contested: str | None = None


@dataclass(frozen=True, kw_only=True)
class Story:
    """What a scenario is about, the facts that motivate it, and what it should bring."""

    title: str
    text: str
    evidence: tuple[str, ...] = ()
    expected: Mapping[str, Expectation] = field(default_factory=dict)


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

    ``outcomes`` names what the run keeps, everything if it names nothing.
    ``baseline`` is the shipped baseline with the states and powers of this scenario, and its own
    ``baseline`` that with the shipped ones: the choice constants are calibrated on them, so that a
    scenario's own changes are not absorbed. It is None for the shipped baseline itself.
    """

    name: str
    story: Story
    horizon: Horizon
    replicates: int
    seed: int
    uncertainty: Uncertainty
    states: Mapping[str, StateSpec]
    powers: Mapping[str, PowerSpec]
    corridors: Mapping[str, CorridorSpec]
    institutions: Mapping[str, InstitutionSpec]
    events: Mapping[str, EventSpec]
    rules: Rules
    output: Output
    outcomes: tuple[str, ...] = ()
    baseline: Scenario | None = None

    def __repr__(self) -> str:
        """In one line; its parts show themselves in full."""
        parts = {"states": self.state_codes, "powers": self.power_codes}
        words = [f"{name} {' '.join(codes)}" for name, codes in parts.items()]
        time = f"{self.horizon.start} to {self.horizon.end}"
        chance = f"{self.replicates} replicates, seed {self.seed}"
        return f"Scenario({self.name!r}, {', '.join([*words, time, chance])})"

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
    def partner_codes(self) -> tuple[str, ...]:
        """Codes of the trade partners: the powers, then the rest of the world."""
        return (*self.power_codes, ROW)

    @property
    def corridor_codes(self) -> tuple[str, ...]:
        """Codes of the corridors as they stand in results, such as ``CKU``."""
        return tuple(key.upper() for key in self.corridors)

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
