"""What several test files share: read-only arrays, variants of scenarios, and runs step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

import sim
from sim.axes import FloatArray
from sim.draws import Draws
from sim.ensemble import Host, run_chunk
from sim.event_checks import GRAMMAR
from sim.outcomes import Data
from sim.parameters import Parameters
from sim.processes import Decide
from sim.quantity import Draw, Quantity
from sim.record import Record
from sim.recorder import derive
from sim.scenario import Scenario
from sim.specs import EventSpec, Target
from sim.step import advance
from sim.world import World

INDEPENDENT = {
    "rules.offers.rollover": 0.0,
    "rules.appraisal.peer_weight": 0.0,
    "rules.learning.social_learning": 0.0,
    "rules.adaptation.speed": 0.0,
    "rules.corridors.congestion": 0.0,
}
"""Changes that cut what couples the states to each other, their shares of the budgets apart."""


def frozen(values: Any) -> FloatArray:
    """Read-only copy: a rule that changes its argument in place fails on it."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def cube(*values: float, axis: int) -> FloatArray:
    """Read-only (state, power, domain, replicate) array with the values along one axis."""
    shape = [1, 1, 1, 1]
    shape[axis] = len(values)
    return frozen(values).reshape(shape)


def one(value: float) -> FloatArray:
    """Read-only array of a single cell."""
    return cube(value, axis=0)


@lru_cache(maxsize=1)
def baseline() -> Scenario:
    """The shipped baseline, composed once, without progress bars and further processes."""
    scenario = sim.load_scenario()
    return replace(scenario, output=replace(scenario.output, workers=1, progress=False))


def certain() -> Scenario:
    """The baseline at its central values."""
    return replace(baseline(), uncertainty=type(baseline().uncertainty).NONE)


def vary(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Scenario with other things at dotted paths, such as ``{"powers.eu.budget": 0.0}``.

    A number sets all entries of a quantity and a mapping some of them; they are then not drawn.
    Anything else takes the place of what stands there.
    """
    for path, value in changes.items():
        scenario = _vary(scenario, path.split("."), value)
    return scenario


def _vary(node: Any, keys: list[str], value: Any) -> Any:
    if not keys:
        plain = isinstance(value, int | float | Mapping)
        return pinned(node, value) if isinstance(node, Quantity) and plain else value
    first, *rest = keys
    if isinstance(node, Mapping):
        return {**node, first: _vary(node[first], rest, value)}
    return replace(node, **{first: _vary(getattr(node, first), rest, value)})


def pinned(quantity: Quantity, value: float | Mapping[str, float]) -> Quantity:
    """Quantity with a value that is not drawn, as when a user sets it."""
    given = value if isinstance(value, Mapping) else dict.fromkeys(quantity.entries, value)

    def put(old: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(float(given.get(e, x)) for e, x in zip(quantity.entries, old, strict=True))

    return replace(
        quantity,
        value=put(quantity.value),
        low=put(quantity.low),
        high=put(quantity.high),
        user_set=quantity.user_set | set(given),
    )


def fixed(path: str, unit: str, value: float | Mapping[str, float]) -> Quantity:
    """Quantity that every replicate takes as it is."""
    given = value if isinstance(value, Mapping) else {"": value}
    numbers = tuple(float(number) for number in given.values())
    return Quantity(
        path=path,
        unit=unit,
        entries=tuple(given),
        value=numbers,
        low=numbers,
        high=numbers,
        draw=Draw.FIXED,
        concentration=None,
        evidence={},
        assumption="for a test",
        derivation=None,
        user_set=frozenset(),
    )


def moved(node: Any, path: str, target: str) -> Any:
    """Part of a scenario as it would stand at another place, for use as a second of its kind."""
    if isinstance(node, Quantity):
        return replace(node, path=node.path.replace(path, target, 1))
    if isinstance(node, Mapping):
        return {key: moved(part, path, target) for key, part in node.items()}
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        parts = {f.name: getattr(node, f.name) for f in dataclasses.fields(node)}
        return replace(node, **{name: moved(part, path, target) for name, part in parts.items()})
    return node


def extended(quantity: Quantity, entry: str, value: float) -> Quantity:
    """Quantity with one more entry, which is not drawn."""
    return replace(
        quantity,
        entries=(*quantity.entries, entry),
        value=(*quantity.value, value),
        low=(*quantity.low, value),
        high=(*quantity.high, value),
    )


def with_event(scenario: Scenario, name: str, target: Target, **fields: Any) -> Scenario:
    """Scenario with one more event; numbers become quantities of the event."""
    size = GRAMMAR[target].unit
    units = {"size": size, "rate": "1/yr", "half_life": "years", "members": "share"}
    units["factor"] = "ratio"
    known = {
        field: fixed(f"events.{name}.{field}", units[field], value) if field in units else value
        for field, value in fields.items()
    }
    number = 900 + len(scenario.events)
    event = EventSpec(id=number, name=name, target=target, assumption="for a test", **known)
    return replace(scenario, events={**scenario.events, name: event})


def ending(scenario: Scenario, end: str, step: float | None = None) -> Scenario:
    """Scenario with another end, and another length of its steps if given."""
    horizon = scenario.horizon
    return replace(scenario, horizon=replace(horizon, end=end, step=step or horizon.step))


def scaled(scenario: Scenario, factor: float) -> Scenario:
    """Scenario whose sums of money are all multiplied, with their ranges; tonnes stay tonnes."""
    times = {"USD bn": factor, "USD bn/yr": factor, "bn/Mt": factor, "Mt/bn": 1 / factor}

    def walk(node: Any) -> Any:
        if isinstance(node, Quantity):
            if node.unit not in times:
                return node
            ends = {
                end: tuple(times[node.unit] * x for x in getattr(node, end))
                for end in ("value", "low", "high")
            }
            return replace(node, **ends)
        if isinstance(node, Mapping):
            return {key: walk(part) for key, part in node.items()}
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            parts = {f.name: getattr(node, f.name) for f in dataclasses.fields(node) if f.init}
            return replace(node, **{n: walk(p) for n, p in parts.items() if n != "baseline"})
        return node

    found: Scenario = walk(scenario)
    return found


@dataclass(frozen=True)
class Trace:
    """A run with everything that happened in it: T + 1 worlds and T records."""

    parameters: Parameters
    draws: Draws
    worlds: list[World]
    records: list[Record]

    def first(self) -> FloatArray:
        """Choice probabilities of the first step, "none" first."""
        return self.records[0].appraisal.probability


def trace(
    scenario: Scenario,
    replicates: range = range(4),
    decide: Decide | None = None,
    prepare: Callable[[Parameters, World], tuple[Parameters, World]] | None = None,
    before_step: Callable[[World], World] | None = None,
) -> Trace:
    """Run replicates of a scenario and keep every world and record.

    ``prepare`` may exchange what the run starts from, ``before_step`` the world before each step.
    """
    parameters, draws, world = Host(scenario).start(replicates)
    if prepare is not None:
        parameters, world = prepare(parameters, world)
    worlds, records = [world], []
    for step in range(scenario.steps):
        if before_step is not None:
            world = before_step(world)
        world, record = advance(world, parameters, draws, step, decide)
        worlds.append(world)
        records.append(record)
    return Trace(parameters, draws, worlds, records)


def outcomes(scenario: Scenario, replicates: range) -> tuple[Data, Data]:
    """All outcomes of a chunk of replicates and their stocks at the end."""
    return derive(*run_chunk(scenario, replicates), scenario.horizon.step)


def same_bits(found: Data, wanted: Data) -> None:
    """Fail unless two sets of outcomes agree in names, types, shapes and every bit."""
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype, name
        assert np.array_equal(found[name], array), name


def same_world(found: World, wanted: World, *but: str) -> None:
    """Fail unless two worlds agree bit for bit in all their arrays, those named ``but`` apart."""
    for part in dataclasses.fields(World):
        if part.name not in but:
            assert np.array_equal(getattr(found, part.name), getattr(wanted, part.name)), part.name


def look_up(node: Any, key: str) -> Any:
    """What stands at a dotted key of a scenario, None where it is left out.

    Raises
    ------
    KeyError
        There is no such key.
    """
    for part in key.split("."):
        if isinstance(node, Quantity) and part in node.entries:
            node = node.of(part)
        elif isinstance(node, Mapping) and part in node:
            node = node[part]
        elif dataclasses.is_dataclass(node) and not isinstance(node, Quantity):
            if not hasattr(node, part):
                raise KeyError(key)
            node = getattr(node, part)
        else:
            raise KeyError(key)
    return node


def resolves(node: Any, key: str) -> bool:
    """Whether a scenario has a dotted key, be it left out."""
    try:
        look_up(node, key)
    except KeyError:
        return False
    return True
