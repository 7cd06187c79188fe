"""Every rule takes read-only arrays, leaves them alone, and returns arrays of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import sim.rules
from sim.axes import DOMAIN, POWER, STATE, Domain, FloatArray
from sim.rules import (
    adaptation,
    appraisal,
    choice,
    corridors,
    delivery,
    dependence,
    economy,
    learning,
    measures,
    network,
    offers,
    shocks,
    trade,
)
from sim.rules.corridors import RouteCosts, RouteSet
from sim.rules.network import Network

MODULES = (
    adaptation,
    appraisal,
    choice,
    corridors,
    delivery,
    dependence,
    economy,
    learning,
    measures,
    network,
    offers,
    shocks,
    trade,
)
LENGTHS = [(2, 3, 4), (1, 3, 4), (2, 2, 1)]
"""States, powers and replicates: several, a single state, a single replicate."""
NARROW = {
    "outside": (STATE, POWER, DOMAIN),
    "precision": (STATE, POWER, DOMAIN),
    "nest": (STATE, POWER, DOMAIN),
    "remittance_capital": (DOMAIN,),
    "transit": (DOMAIN,),
    "transit_weight": (STATE, POWER, DOMAIN),
    "shut": (POWER, DOMAIN),
    "tonnes": (STATE, POWER, DOMAIN),
    "through": (STATE, POWER, DOMAIN),
}
"""Axes along which a parameter does not vary, as its rule relies on."""
ROUTES = (
    RouteSet((0, 1), (True, False)),
    RouteSet((2,), (False,)),
    RouteSet((1,), (False,)),
)
CORRIDORS = 3
BY_CORRIDOR = {"cost", "flow", "crowd", "start"}
BY_ROUTE_SET = {"demand", "tonnage"}
FOR_ALL = {"sensitivity", "share"}
"""Parameters of the rules of corridors: (K, R), (route sets, R) and (1, R)."""
ARRANGES = {network.route_costs}
"""Rules that hand their arguments on in another shape, and calculate nothing."""


def public_rules(module: ModuleType) -> list[Callable[..., Any]]:
    return [
        rule
        for name, rule in inspect.getmembers(module, inspect.isfunction)
        if rule.__module__ == module.__name__ and not name.startswith("_")
    ]


RULES = [rule for module in MODULES for rule in public_rules(module)]


def shape_of(rule: Callable[..., Any], name: str, lengths: tuple[int, int, int]) -> tuple[int, ...]:
    """Shape of an array that a rule takes."""
    states, powers, replicates = lengths
    if rule is adaptation.others_loss and name == "weight":
        return (1, powers, powers, replicates)
    if rule is measures.best_portfolio:
        return (powers,)
    if rule is network.spread:
        return (len(ROUTES[0].corridors), replicates)
    flat = rule.__module__ == corridors.__name__
    if flat or (rule is network.load and name in BY_ROUTE_SET):
        rows = {**dict.fromkeys(BY_CORRIDOR, CORRIDORS), **dict.fromkeys(FOR_ALL, 1)}
        return ({**rows, **dict.fromkeys(BY_ROUTE_SET, len(ROUTES))}[name], replicates)
    shape = [states, powers, len(Domain), replicates]
    for axis in NARROW.get(name, ()):
        shape[axis] = 1
    if rule.__module__ == network.__name__:
        shape[DOMAIN] = 1  # trade, and costs of corridors in the place of partners
    return tuple(shape)


def read_only(array: Any) -> Any:
    array.setflags(write=False)
    return array


def argument(
    rule: Callable[..., Any],
    parameter: inspect.Parameter,
    lengths: tuple[int, int, int],
    generator: np.random.Generator,
) -> Any:
    """Something that a parameter of a rule may be: shares, a mask over powers, or a number."""
    states, powers, replicates = lengths

    def number(*shape: int) -> FloatArray:
        found: FloatArray = read_only(generator.uniform(0.1, 0.9, shape))
        return found

    match parameter.annotation.removesuffix(" | None"):
        case "FloatArray":
            return number(*shape_of(rule, parameter.name, lengths))
        case "BoolArray":  # options without "none"
            return read_only(generator.random((states, powers - 1, len(Domain), replicates)) < 0.5)
        case "NDArray[np.int8]":
            picks = generator.integers(0, 3, (4, states, len(Domain), replicates))
            return read_only(picks.astype(np.int8))
        case "float":
            return 0.5
        case "int":
            return POWER
        case "RouteCosts":
            rows = [number(CORRIDORS, replicates) for _ in range(5)]
            return RouteCosts(*rows, number(1, replicates), read_only(np.full((1, 1), 4.0)))
        case "RouteSet":
            return ROUTES[0]
        case "Sequence[RouteSet]":
            return ROUTES
        case "Network":
            sets = np.arange(states * powers).reshape(states, powers) % 2
            return Network(ROUTES, read_only(sets), 0, {0: (0, 2)}, 0, (2, 1, 2))
        case "Sequence[FloatArray]":  # of each route set: its shares, or one number
            single = parameter.name == "values"
            return [number(1 if single else len(r.corridors), replicates) for r in ROUTES]
        case "tuple[int, ...]":
            return (1, CORRIDORS, 1, replicates)
        case unknown:
            raise AssertionError(unknown)


def settings(rule: Callable[..., Any]) -> dict[str, Any]:
    """Arguments that are given by name."""
    return {"tolerance": 1e-8, "rounds": 500} if rule is corridors.equilibrium else {}


def arrays_in(found: Any) -> Iterator[np.ndarray]:
    """All arrays of an argument or a result, which may bundle several."""
    if isinstance(found, np.ndarray):
        yield found
    elif isinstance(found, Network):
        yield found.sets
    elif isinstance(found, tuple | list):
        for part in found:
            yield from arrays_in(part)


def test_every_module_of_rules_is_tested() -> None:
    names = {path.stem for path in Path(sim.rules.__path__[0]).glob("*.py")}
    assert {module.__name__.rpartition(".")[2] for module in MODULES} == names - {"__init__"}


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__}.{rule.__name__}")
def test_rule_is_pure(rule: Callable[..., Any], lengths: tuple[int, int, int]) -> None:
    generator = np.random.default_rng(5)
    by_place = [
        parameter
        for parameter in inspect.signature(rule).parameters.values()
        if parameter.name not in settings(rule)
    ]
    arguments = [argument(rule, parameter, lengths, generator) for parameter in by_place]
    given = list(arrays_in(arguments))
    found = [list(arrays_in(rule(*arguments, **settings(rule)))) for _ in range(2)]
    assert found[0]
    for first, second in zip(*found, strict=True):
        assert np.array_equal(first, second)
        if rule not in ARRANGES:
            assert first.flags.writeable
            assert not any(np.shares_memory(first, array) for array in given)
