"""Every rule takes read-only arrays, leaves them alone, and returns arrays of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sim.axes import DOMAIN, POWER, STATE, Domain
from sim.rules import (
    appraisal,
    choice,
    delivery,
    dependence,
    learning,
    measures,
    offers,
    shocks,
)

MODULES = (appraisal, choice, delivery, dependence, learning, measures, offers, shocks)
LENGTHS = [(2, 3, 4), (1, 3, 4), (2, 2, 1)]
"""States, powers and replicates: several, a single state, a single replicate."""
NARROW = {
    "outside": (STATE, POWER, DOMAIN),
    "precision": (STATE, POWER, DOMAIN),
    "remittance_capital": (DOMAIN,),
}
"""Axes along which a parameter does not vary, as its rule relies on."""


def public_rules(module: ModuleType) -> list[Callable[..., Any]]:
    return [
        rule
        for name, rule in inspect.getmembers(module, inspect.isfunction)
        if rule.__module__ == module.__name__ and not name.startswith("_")
    ]


RULES = [rule for module in MODULES for rule in public_rules(module)]


def argument(
    parameter: inspect.Parameter, lengths: tuple[int, int, int], generator: np.random.Generator
) -> Any:
    """Something that a parameter of a rule may be: shares, a mask over powers, or a number."""
    states, powers, replicates = lengths
    match parameter.annotation.removesuffix(" | None"):
        case "FloatArray":
            shape = [states, powers, len(Domain), replicates]
            for axis in NARROW.get(parameter.name, ()):
                shape[axis] = 1
            array = generator.uniform(0.1, 0.9, shape)
        case "BoolArray":  # options without "none"
            array = generator.random((states, powers - 1, len(Domain), replicates)) < 0.5
        case "float":
            return 0.5
        case "int":
            return POWER
        case unknown:
            raise AssertionError(unknown)
    array.setflags(write=False)
    return array


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__}.{rule.__name__}")
def test_rule_is_pure(rule: Callable[..., Any], lengths: tuple[int, int, int]) -> None:
    generator = np.random.default_rng(5)
    parameters = inspect.signature(rule).parameters.values()
    arguments = [argument(parameter, lengths, generator) for parameter in parameters]
    given = [a for a in arguments if isinstance(a, np.ndarray)]
    first, second = rule(*arguments), rule(*arguments)
    assert np.array_equal(first, second)
    assert first.flags.writeable
    assert not any(np.shares_memory(first, array) for array in given)
