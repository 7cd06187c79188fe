"""Looks up drawn numbers by name and arranges them over states, powers and domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.axes import DOMAINS, ROW, FloatArray
from sim.sampling import Values
from sim.scenario import Scenario
from sim.specs import EventSpec


class Table:
    """Looks up drawn numbers by a pattern and arranges them over states, powers and domains.

    ``{s}`` runs along the state axis, ``{p}``, ``{j}`` (partners) and ``{k}`` (corridors) along the
    power axis, ``{d}`` along the domain axis.

    ``table("powers.{p}.delivery.{d}")`` has shape (1, powers, domains, 1 or R). An entry that the
    scenario does not give counts as ``default``; without a default it is an error.
    """

    def __init__(self, scenario: Scenario, values: Values) -> None:
        self.values = values
        self.axes = {
            "{s}": tuple(scenario.states),
            "{p}": tuple(scenario.powers),
            "{j}": (*scenario.powers, ROW.lower()),
            "{d}": DOMAINS,
            "{k}": tuple(scenario.corridors),
        }

    def __call__(self, pattern: str, default: float | None = None) -> FloatArray:
        """Numbers of a pattern, (state, power, domain, 1 or R); an unused axis has length 1."""
        used = [
            next((name for name in names if name in pattern), "")
            for names in (("{s}",), ("{p}", "{j}", "{k}"), ("{d}",))
        ]
        lists = [self.axes[name] if name else ("",) for name in used]
        rows = [
            self._row(_fill(pattern, used, (first, second, third)), default)
            for first in lists[0]
            for second in lists[1]
            for third in lists[2]
        ]
        return stack(rows).reshape(*(len(names) for names in lists), -1)

    def events(self, field: str, events: Mapping[str, EventSpec]) -> FloatArray:
        """One number an event type, (1, event, 1, 1 or R)."""
        rows = [self.values[f"events.{name}.{field}"] for name in events]
        return stack(rows).reshape(1, len(rows), 1, -1) if rows else np.zeros((1, 0, 1, 1))

    def _row(self, name: str, default: float | None) -> FloatArray:
        if default is None:
            return self.values[name]
        return self.values.get(name, np.array([default]))


def _fill(pattern: str, used: list[str], names: tuple[str, str, str]) -> str:
    for place, name in zip(used, names, strict=True):
        if place:
            pattern = pattern.replace(place, name)
    return pattern


def stack(rows: list[FloatArray]) -> FloatArray:
    """Rows of length 1 or R as one C-contiguous table."""
    table = np.empty((len(rows), max(len(row) for row in rows)))
    for place, row in enumerate(rows):
        table[place] = row
    return table


def flags(chosen: Sequence[bool]) -> FloatArray:
    """1 where a power has a property, (1, power, 1, 1)."""
    return np.array(chosen, dtype=np.float64).reshape(1, -1, 1, 1)


def widen(columns: list[FloatArray]) -> FloatArray:
    """Columns (·, 1, ·, ·) side by side along the power axis."""
    shapes = [column.shape for column in columns]
    shape = tuple(max(lengths) for lengths in zip(*shapes, strict=True))
    wide = [np.broadcast_to(c, (shape[0], 1, *shape[2:])) for c in columns]
    return np.concatenate(wide, axis=1)
