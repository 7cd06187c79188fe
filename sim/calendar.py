"""Events, memberships and summits over the steps of a run (E1, O4, section 1.15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from sim.axes import DOMAINS, ROW, FloatArray
from sim.periods import parse_period
from sim.rules import shocks
from sim.scenario import Scenario
from sim.specs import EventSpec, Target
from sim.table import Table
from sim.timeline import Timeline, tabulate

_PENDING: Final = -1.0
"""Age of an event that has not begun."""


def members(scenario: Scenario, table: Table, institution: str, step: int | None) -> FloatArray:
    """Membership of each state in an institution at a step, (S, 1, 1, ·); None: before events."""
    source = f"institutions.{institution}.members"
    latest = -np.inf
    for name, event in scenario.events.items():
        if event.target is not Target.MEMBERSHIP or event.institution != institution:
            continue
        date = -_age(scenario, event, 0)
        if step is not None and latest < date and _age(scenario, event, step) >= 0:
            latest, source = date, f"events.{name}.members"
    return table(f"{source}.{{s}}", default=0.0)


def by_events(
    scenario: Scenario, targets: tuple[Target, ...], compute: Callable[[int], FloatArray]
) -> Timeline:
    """Timeline of what depends on events: computed anew at the steps where one of them changes."""
    acting = [e for e in scenario.events.values() if e.target in targets and e.date is not None]
    return tabulate(
        scenario.steps + 1,
        lambda step: tuple(_progress(scenario, event, step) for event in acting),
        compute,
    )


def sizes(
    scenario: Scenario, table: Table, target: Target, step: int, institution: str | None = None
) -> FloatArray | None:
    """Sum of the sizes of the dated events on a variable (E1); None where there are none.

    Each counts with the share of it that is phased in and has not faded. ``institution`` picks
    among events that name one.
    """
    found: FloatArray | None = None
    for name, force in _forces(scenario, table, target, step, institution):
        if scenario.events[name].size is not None:
            effect = table(f"events.{name}.size") * force
            found = effect if found is None else found + effect
    return found


def factors(scenario: Scenario, table: Table, target: Target, step: int) -> FloatArray | None:
    """Product of the factors of the dated events on a variable, each raised to its share."""
    found: FloatArray | None = None
    for name, force in _forces(scenario, table, target, step, None):
        if scenario.events[name].factor is not None:
            effect = table(f"events.{name}.factor") ** force
            found = effect if found is None else found * effect
    return found


def level(
    scenario: Scenario, table: Table, target: Target, base: FloatArray, step: int
) -> FloatArray:
    """A variable under its dated events: (base + sizes) times factors (E1), not clipped."""
    added = sizes(scenario, table, target, step)
    factor = factors(scenario, table, target, step)
    found = base if added is None else base + added
    return found if factor is None else found * factor


def under_events(
    scenario: Scenario,
    table: Table,
    target: Target,
    base: FloatArray,
    least: float = -np.inf,
    most: float = np.inf,
) -> Timeline:
    """Timeline of ``level``, clipped."""

    def compute(step: int) -> FloatArray:
        found = level(scenario, table, target, base, step)
        return found if found is base else np.clip(found, least, most)

    return by_events(scenario, (target,), compute)


def growth(scenario: Scenario, table: Table, partners: bool, step: int) -> FloatArray | None:
    """What dated events add to growth in a step, 1/yr; None where none has begun.

    Returns
    -------
    (S, 1, 1, ·), or with ``partners`` that of the trade partners, (1, J, 1, ·). An event that names
    states acts on these, one that names powers on these, one that names nobody on everybody.
    """
    found: FloatArray | None = None
    for name, event in scenario.events.items():
        if event.target is not Target.GROWTH or event.date is None:
            continue
        chosen, other = event.states, event.powers
        everybody: tuple[str, ...] = tuple(scenario.states)
        if partners:
            chosen, other = other, chosen
            everybody = (*scenario.powers, ROW.lower())
        force = _force(scenario, table, name, step)
        if force is None or (other and not chosen):
            continue
        acting = _flags(chosen, everybody)
        acting = acting.reshape(1, -1, 1, 1) if partners else acting
        effect = table(f"events.{name}.size") * force * acting
        found = effect if found is None else found + effect
    return found


def poisson(scenario: Scenario) -> dict[str, EventSpec]:
    """Events that strike at a yearly rate, in the order of their axis."""
    return {name: event for name, event in scenario.events.items() if event.rate is not None}


def struck(scenario: Scenario, events: Mapping[str, EventSpec]) -> FloatArray:
    """1 where an event acts on a state, (state, event, 1, 1)."""
    states = len(scenario.states)
    columns = [
        np.broadcast_to(_flags(event.states, scenario.states), (states, 1, 1, 1))
        for event in events.values()
    ]
    return np.concatenate(columns, axis=1) if columns else np.zeros((states, 0, 1, 1))


def strikes(scenario: Scenario) -> Timeline:
    """1 where a dated event lets a power coerce a state in a step, (S, P, 1, 1)."""
    shape = (len(scenario.states), len(scenario.powers), 1, 1)
    acting = [e for e in scenario.events.values() if e.target is Target.COERCION]

    def now(step: int) -> tuple[bool, ...]:
        ages = (_age(scenario, event, step) for event in acting)
        return tuple(0 <= age < scenario.horizon.step for age in ages)

    def compute(step: int) -> FloatArray:
        found = np.zeros(shape)
        for event, strikes_now in zip(acting, now(step), strict=True):
            if strikes_now:
                found = np.maximum(found, _selected(scenario, event))
        return found

    return tabulate(scenario.steps + 1, now, compute)


def summits(scenario: Scenario, power: str, step: int) -> bool:
    """Whether a power meets the states in a step."""
    calendar = scenario.powers[power].summits
    if calendar is None:
        return False
    years = scenario.horizon.step
    since = parse_period(scenario.horizon.start) - parse_period(calendar.first) + step * years
    return since % calendar.every.of() < years / 2


def pulse(scenario: Scenario, share: FloatArray) -> Timeline:
    """O4: part of a year's money that comes at summits, with mean 1 over the cycle, (1, P, 1, ·).

    ``share`` is the part that waits for a summit. Null: 0.
    """
    powers = tuple(scenario.powers)

    def compute(step: int) -> FloatArray:
        columns = []
        for power in powers:
            calendar = scenario.powers[power].summits
            steps = 0.0 if calendar is None else calendar.every.of() / scenario.horizon.step
            bonus = steps if summits(scenario, power, step) else 0.0
            columns.append(np.ones_like(share) if calendar is None else 1 - share + share * bonus)
        return np.concatenate(columns, axis=1)

    return tabulate(
        scenario.steps + 1, lambda step: tuple(summits(scenario, p, step) for p in powers), compute
    )


def _age(scenario: Scenario, event: EventSpec, step: int) -> float:
    """Years from the date of an event to the start of a step; negative before it."""
    assert event.date is not None
    now = parse_period(scenario.horizon.start) + step * scenario.horizon.step
    return now - parse_period(event.date)


def _progress(scenario: Scenario, event: EventSpec, step: int) -> tuple[float, float]:
    """Age from which an effect fades, and the share of it that is phased in.

    Equal progress means equal effect: an effect that does not fade keeps age 0.
    """
    age = _age(scenario, event, step)
    if age < 0:
        return _PENDING, 0.0
    phase = 1.0
    if event.until is not None:
        assert event.date is not None
        length = parse_period(event.until) - parse_period(event.date)
        phase, age = min(1.0, age / length), max(0.0, age - length)
    fading = event.half_life is not None and not np.isinf(event.half_life.of())
    return age if fading else 0.0, phase


def _forces(
    scenario: Scenario, table: Table, target: Target, step: int, institution: str | None
) -> Iterator[tuple[str, FloatArray]]:
    """Events on a target that have begun, with the share in force where they act."""
    for name, event in scenario.events.items():
        if event.target is not target or event.date is None or event.institution != institution:
            continue
        force = _force(scenario, table, name, step)
        if force is not None:
            yield name, force * _selected(scenario, event)


def _force(scenario: Scenario, table: Table, name: str, step: int) -> FloatArray | None:
    """Share of an event that is phased in and has not faded; None before it begins."""
    event = scenario.events[name]
    age, phase = _progress(scenario, event, step)
    if age == _PENDING:
        return None
    kept = np.ones((1, 1, 1, 1))
    if event.half_life is not None:
        kept = shocks.fade(table(f"events.{name}.half_life"), age)
    return phase * kept


def _selected(scenario: Scenario, event: EventSpec) -> FloatArray:
    """1 where an event acts, with a long axis for each selector that it uses."""
    second = (
        _flags(event.corridors, scenario.corridors)
        if event.corridors
        else _flags(event.powers, scenario.powers)
    )
    first, third = _flags(event.states, scenario.states), _flags(event.domains, DOMAINS)
    return first * second.reshape(1, -1, 1, 1) * third.reshape(1, 1, -1, 1)


def _flags(
    chosen: tuple[str, ...], everybody: Mapping[str, object] | tuple[str, ...]
) -> FloatArray:
    """1 for the names chosen, (names, 1, 1, 1); of length 1 where none are, which means all."""
    if not chosen:
        return np.ones((1, 1, 1, 1))
    return np.array([float(name in chosen) for name in everybody]).reshape(-1, 1, 1, 1)
