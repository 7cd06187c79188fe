"""Finds the route sets of a scenario: who reaches whom by which corridors (E27a, O9)."""

from __future__ import annotations

import numpy as np

from sim.axes import ROW
from sim.rules.corridors import RouteSet
from sim.rules.network import Network
from sim.scenario import Scenario
from sim.specs import Target


def find_network(scenario: Scenario) -> Network:
    """Route sets of a scenario; corridors that never open are left out."""
    opening = {
        name
        for event in scenario.events.values()
        if event.target is Target.CAPACITY
        for name in event.corridors
    }
    places = {
        name: number
        for number, (name, corridor) in enumerate(scenario.corridors.items())
        if corridor.capacity.high[0] > 0 or name in opening
    }
    powers = {code: number for number, code in enumerate(scenario.powers)}
    sets: list[RouteSet] = []

    def number_of(names: list[str], partner: str) -> int:
        own = tuple(scenario.corridors[name].chokepoint == partner for name in names)
        route = RouteSet(tuple(places[name] for name in names), own)
        if route not in sets:
            sets.append(route)
        return sets.index(route)

    def leading(partner: str, state: str | None) -> list[str]:
        return [
            name
            for name in places
            if partner in scenario.corridors[name].partners
            and (not scenario.corridors[name].states or state in scenario.corridors[name].states)
        ]

    partners = (*scenario.powers, ROW.lower())
    pairs = [[number_of(leading(j, s), j) for j in partners] for s in scenario.states]
    partner = scenario.rules.corridors.transit_partner
    transit = number_of(leading(partner, None), partner)
    closing = _closing_power(scenario)
    closed: tuple[int, ...] = ()
    if closing is not None:
        shut = [places[name] for name in scenario.rules.coercion.closes if name in places]
        closed = tuple(_without(sets, route, shut) for route in tuple(sets))
    held: dict[int, tuple[int, ...]] = {}
    for name, place in places.items():
        holder = scenario.corridors[name].chokepoint
        if holder in powers:
            held[powers[holder]] = (*held.get(powers[holder], ()), place)
    return Network(
        routes=tuple(sets),
        sets=np.array(pairs, dtype=np.int64),
        transit=transit,
        chokepoints=held,
        closing=closing,
        closed=closed,
    )


def _without(sets: list[RouteSet], route: RouteSet, shut: list[int]) -> int:
    """Number of a route set without the corridors shut, added if it is not there yet."""
    kept = [n for n, place in enumerate(route.corridors) if place not in shut]
    rest = RouteSet(tuple(route.corridors[n] for n in kept), tuple(route.own[n] for n in kept))
    if rest not in sets:
        sets.append(rest)
    return sets.index(rest)


def coerces(scenario: Scenario) -> bool:
    """Whether a power of the run may coerce a state (O9)."""
    rates = scenario.rules.coercion.rate
    dated = any(event.target is Target.COERCION for event in scenario.events.values())
    return dated or any(
        rates.high[place] > 0 or rates.value[place] > 0
        for place, power in enumerate(rates.entries)
        if power in scenario.powers
    )


def _closing_power(scenario: Scenario) -> int | None:
    """Place of the power that closes corridors when it coerces."""
    if not coerces(scenario):
        return None
    holders = {
        scenario.corridors[name].chokepoint for name in scenario.rules.coercion.closes
    } & set(scenario.powers)
    return next((n for n, code in enumerate(scenario.powers) if code in holders), None)
