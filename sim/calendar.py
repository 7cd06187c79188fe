"""Events and memberships over the steps of a run (E1, section 1.15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from sim.axes import FloatArray
from sim.periods import parse_period
from sim.rules import shocks
from sim.scenario import Scenario
from sim.specs import EventSpec, Target
from sim.table import Table
from sim.timeline import Timeline, tabulate


def members(scenario: Scenario, table: Table, institution: str, step: int) -> FloatArray:
    """Membership of each state in an institution at a step, (S, 1, 1, ·)."""
    source = f"institutions.{institution}.members"
    latest = -np.inf
    for name, event in scenario.events.items():
        if event.target is not Target.MEMBERSHIP or event.institution != institution:
            continue
        date = -_age(scenario, event, 0)
        if latest < date and _age(scenario, event, step) >= 0:
            latest, source = date, f"events.{name}.members"
    return table(f"{source}.{{s}}", default=0.0)


def by_membership(scenario: Scenario, compute: Callable[[int], FloatArray]) -> Timeline:
    """Timeline of what depends on memberships: computed anew at the steps where one changes."""
    changes = [e for e in scenario.events.values() if e.target is Target.MEMBERSHIP]
    return tabulate(
        scenario.steps + 1,
        lambda step: tuple(_age(scenario, event, step) >= 0 for event in changes),
        compute,
    )


def poisson(scenario: Scenario) -> dict[str, EventSpec]:
    """Events that strike at a yearly rate, in the order of their axis."""
    return {name: event for name, event in scenario.events.items() if event.rate is not None}


def _age(scenario: Scenario, event: EventSpec, step: int) -> float:
    """Years from the date of an event to the start of a step; negative before it."""
    assert event.date is not None
    now = parse_period(scenario.horizon.start) + step * scenario.horizon.step
    return now - parse_period(event.date)


def dated(scenario: Scenario, table: Table, target: Target, base: FloatArray) -> Timeline:
    """A variable under its dated events: base + sum of size 2^(-age/half-life), E1, not clipped."""
    events = {
        name: event
        for name, event in scenario.events.items()
        if event.target is target and event.date is not None
    }

    def signature(step: int) -> tuple[float, ...]:
        ages = [_age(scenario, event, step) for event in events.values()]
        lasts = [e.half_life is None or np.isinf(e.half_life.of()) for e in events.values()]
        return tuple(
            -1.0 if age < 0 else 0.0 if lasting else age
            for age, lasting in zip(ages, lasts, strict=True)
        )

    def compute(step: int) -> FloatArray:
        level = base
        for name, event in events.items():
            age = _age(scenario, event, step)
            if age < 0:
                continue
            effect = table(f"events.{name}.size")
            if event.half_life is not None:
                effect = effect * shocks.fade(table(f"events.{name}.half_life"), age)
            level = level + effect * _states_struck(scenario, event)
        return level

    return tabulate(scenario.steps + 1, signature, compute)


def _states_struck(scenario: Scenario, event: EventSpec) -> FloatArray:
    """1 for the states an event acts on, (S, 1, 1, 1); of length 1 where it acts on all."""
    if not event.states:
        return np.ones((1, 1, 1, 1))
    flags = [1.0 if state in event.states else 0.0 for state in scenario.states]
    return np.array(flags).reshape(-1, 1, 1, 1)


def struck(scenario: Scenario, events: Mapping[str, EventSpec]) -> FloatArray:
    """1 where an event acts on a state, (state, event, 1, 1)."""
    states = len(scenario.states)
    columns = [
        np.broadcast_to(_states_struck(scenario, event), (states, 1, 1, 1))
        for event in events.values()
    ]
    return np.concatenate(columns, axis=1) if columns else np.zeros((states, 0, 1, 1))
