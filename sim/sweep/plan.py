"""What a sweep was asked for, and its cells: which scenario with which settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, Protocol

from sim.axes import DOMAINS
from sim.code import code_digest, versions
from sim.evidence import Ledger
from sim.periods import parse_period, period_label
from sim.plain import plain
from sim.scenario import Scenario
from sim.sweep.designs import Design
from sim.sweep.keep import Keep
from sim.vary import vary

FORMAT: Final = 1
"""Version of the layout of sweep folders."""
COMPUTING: Final = ("python", "numpy", "scipy")
"""Libraries whose versions can move the last bits of a result."""
REDUCING: Final = ("sweep/bench.py", "sweep/keep.py")
"""Modules that bear on what is stored of a cell, beside those that bear on every run."""

Choices = Mapping[str, str]
"""Options of configuration groups, as composed."""


class Source(Protocol):
    """Where scenarios come from: composed from configuration files, or given."""

    @property
    def ledger(self) -> Ledger:
        """Facts behind the scenarios."""

    def compose(self, choices: Choices) -> Scenario:
        """Scenario with options chosen."""

    def is_group(self, name: str) -> bool:
        """Whether options can be chosen by this name."""


@dataclass(frozen=True)
class Outer:
    """One combination of what crosses the design: options chosen, and settings by path."""

    choices: Choices = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What a sweep was asked for.

    Attributes
    ----------
    source : where its scenarios come from.
    design : points within each combination of ``outer``.
    outer : what crosses the design.
    keep : what is stored of a cell.
    words : the request in words, such as the options of the command line; names the folder.
    """

    source: Source
    design: Design
    outer: Sequence[Outer] = (Outer(),)
    keep: Keep = Keep.SUMMARY
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Base:
    """A scenario before the settings of cells; ``labels`` say what was chosen."""

    labels: Mapping[str, str]
    scenario: Scenario


@dataclass(frozen=True)
class Cell:
    """One point of a sweep.

    Attributes
    ----------
    number : place in the sweep, from 0.
    base : place of its scenario among the bases.
    settings : values by path.
    replicates : number of its runs.
    key : hash of everything that determines its row: equal keys are the same cell.
    axes : place of the labels of its axes among those of the plan.
    """

    number: int
    base: int
    settings: Mapping[str, Any]
    replicates: int
    key: str
    axes: int


@dataclass(frozen=True)
class Plan:
    """All cells of a sweep and what identifies it."""

    name: str
    keep: Keep
    outcomes: tuple[str, ...]
    bases: tuple[Base, ...]
    cells: tuple[Cell, ...]
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def runs(self) -> int:
        """Replicates of all cells together."""
        return sum(cell.replicates for cell in self.cells)

    def scenario(self, cell: Cell) -> Scenario:
        """What a cell runs."""
        return vary(self.bases[cell.base].scenario, cell.settings)

    def shard(self, part: int, parts: int) -> list[Cell]:
        """Cells of one of several parts, counted from 1; every so-manyth, equal ones together."""
        first: dict[str, int] = {}
        for cell in self.cells:
            first.setdefault(cell.key, cell.number)
        return [cell for cell in self.cells if first[cell.key] % parts == part - 1]


def identify(ledger: Ledger) -> dict[str, Any]:
    """What must be the same wherever rows of one sweep are computed."""
    return {
        "format": FORMAT,
        "code": code_digest(*REDUCING),
        "ledger": ledger.digest,
        "versions": {name: text for name, text in versions().items() if name in COMPUTING},
    }


def axes_of(scenario: Scenario) -> dict[str, list[str]]:
    """Labels of the axes of what a scenario gives; periods with the end of the run."""
    end = period_label(parse_period(scenario.horizon.end), scenario.horizon.step)
    return {
        "period": [*scenario.periods, end],
        "state": list(scenario.state_codes),
        "power": list(scenario.power_codes),
        "partner": list(scenario.partner_codes),
        "corridor": list(scenario.corridor_codes),
        "domain": list(DOMAINS),
    }


def hash_of(parts: Any) -> str:
    """Hash of plain data and parts of scenarios."""
    return blake2b(repr(plain(parts)).encode(), digest_size=16).hexdigest()
