"""Every rule takes read-only arrays, leaves them alone, and returns arrays of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sim.axes import POWER
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
SHAPE = (2, 3, 5, 4)
SHAPES = {
    "outside": (1, 1, 1, 4),
    "precision": (1, 1, 1, 4),
    "remittance_capital": (2, 3, 1, 4),
}
"""Shapes of parameters that lack an axis which their rule relies on."""


def public_rules(module: ModuleType) -> list[Callable[..., Any]]:
    return [
        rule
        for name, rule in inspect.getmembers(module, inspect.isfunction)
        if rule.__module__ == module.__name__ and not name.startswith("_")
    ]


RULES = [rule for module in MODULES for rule in public_rules(module)]


def argument(parameter: inspect.Parameter, generator: np.random.Generator) -> Any:
    """Something that a parameter of a rule may be: shares, a mask over powers, or a number."""
    match parameter.annotation.removesuffix(" | None"):
        case "FloatArray":
            array = generator.uniform(0.1, 0.9, SHAPES.get(parameter.name, SHAPE))
        case "BoolArray":
            array = generator.random((2, 2, 5, 4)) < 0.5  # options without "none"
        case "float":
            return 0.5
        case "int":
            return POWER
        case unknown:
            raise AssertionError(unknown)
    array.setflags(write=False)
    return array


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__}.{rule.__name__}")
def test_rule_is_pure(rule: Callable[..., Any]) -> None:
    generator = np.random.default_rng(5)
    parameters = inspect.signature(rule).parameters.values()
    arguments = [argument(parameter, generator) for parameter in parameters]
    given = [a for a in arguments if isinstance(a, np.ndarray)]
    first, second = rule(*arguments), rule(*arguments)
    assert np.array_equal(first, second)
    assert first.flags.writeable
    assert not any(np.shares_memory(first, array) for array in given)
