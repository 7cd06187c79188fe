"""Which corridors each trade can take, and the freight that follows from it (E24, E27a).

A *route set* is a group of corridors; every pair of a state and a partner has one. Where a power
can close corridors against a state that it coerces, a second set stands behind each, without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.axes import PARTNER, FloatArray, sum_over
from sim.rules.corridors import RouteCosts, RouteSet


@dataclass(frozen=True)
class Network:
    """Route sets of all pairs.

    Attributes
    ----------
    routes : the route sets.
    sets : number of the route set of each pair, (S, J).
    transit : number of the set that through-transit takes.
    chokepoints : corridors that a power holds, by the place of the power.
    closing : place of the power that closes corridors against states, or None.
    closed : number of the set without these corridors, for each set.
    """

    routes: Sequence[RouteSet]
    sets: NDArray[np.int64]
    transit: int
    chokepoints: Mapping[int, tuple[int, ...]]
    closing: int | None
    closed: tuple[int, ...]


def route_costs(
    freight: FloatArray,
    time: FloatArray,
    risk: FloatArray,
    leg: FloatArray,
    capacity: FloatArray,
    congestion: FloatArray,
    power: FloatArray,
) -> RouteCosts:
    """Costs by corridor from arrays (1, K, 1, ·); a corridor without capacity is closed."""
    is_open = capacity > 0
    return RouteCosts(
        freight=freight[0, :, 0],
        time=time[0, :, 0],
        risk=np.where(is_open, risk, np.inf)[0, :, 0],
        leg=leg[0, :, 0],
        capacity=np.where(is_open, capacity, 1.0)[0, :, 0],
        congestion=congestion[0, :, 0],
        power=power[0, :, 0],
    )


def tonnage(
    network: Network,
    trade: FloatArray,
    tonnes: FloatArray,
    through: FloatArray,
    shut: FloatArray | None,
) -> FloatArray:
    """Freight of each route set, T varkappa/nu and through-transit, (route sets, R), Mt/yr.

    Parameters
    ----------
    trade : (S, J, 1, R), USD bn/yr.
    tonnes : Mt for each bn. through : Q, Mt/yr.
    shut : (S, 1, 1, R), 1 where a state finds corridors closed against it.
    """
    replicates = max(part.shape[-1] for part in (trade, tonnes, through))
    found = np.zeros((len(network.routes), replicates))
    for state, row in enumerate(network.sets):
        for partner, number in enumerate(row):
            amount = trade[state, partner, 0]
            if shut is None:
                found[number] += amount
                continue
            turned = amount * shut[state, 0, 0]
            found[number] += amount - turned
            found[network.closed[number]] += turned
    found *= tonnes[0, 0]
    found[network.transit] += through[0, 0, 0]
    return found


def by_pair(network: Network, values: Sequence[FloatArray], shut: FloatArray | None) -> FloatArray:
    """A number of each route set, (1, R), for each pair of state and partner, (S, J, 1, R)."""
    stacked = np.concatenate(values)[:, np.newaxis]
    found = stacked[network.sets]
    if shut is None:
        return found
    return np.where(shut > 0, stacked[np.take(network.closed, network.sets)], found)


def crossing(
    network: Network,
    trade: FloatArray,
    shares: Sequence[FloatArray],
    shut: FloatArray | None,
) -> FloatArray:
    """E24: share of a state's trade that takes a corridor of p to a partner other than p.

    Parameters
    ----------
    trade : (S, J, 1, R), USD bn/yr; powers first, then the rest of the world.
    shares : q of each route set, (corridors of the set, R).

    Returns
    -------
    TD, (S, P, 1, R).
    """
    states, partners = trade.shape[:2]
    replicates = max(part.shape[-1] for part in (trade, *shares))
    found = np.zeros((states, partners - 1, 1, replicates))
    whole = sum_over(trade, PARTNER)
    for power, held in network.chokepoints.items():
        parts = [
            _held(route, share, held) for route, share in zip(network.routes, shares, strict=True)
        ]
        through = by_pair(network, parts, shut) * trade
        through[:, power] = 0.0
        found[:, power : power + 1] = sum_over(through, PARTNER) / whole
    return found


def spread(route: RouteSet, share: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Shares of one route set over all corridors, (1, K, 1, R)."""
    found = np.zeros(shape)
    for place, corridor in enumerate(route.corridors):
        found[0, corridor, 0] = share[place]
    return found


def load(
    network: Network, shares: Sequence[FloatArray], tonnage: FloatArray, shape: tuple[int, ...]
) -> FloatArray:
    """Traffic of given route shares, (1, K, 1, R), Mt/yr."""
    found = np.zeros(shape)
    for route, share, amount in zip(network.routes, shares, tonnage, strict=True):
        for place, corridor in enumerate(route.corridors):
            found[0, corridor, 0] += share[place] * amount
    return found


def _held(route: RouteSet, share: FloatArray, held: Sequence[int]) -> FloatArray:
    """Part of a route set's freight that takes one of the corridors held, (1, R)."""
    part = np.zeros((1, share.shape[-1]))
    for place, corridor in enumerate(route.corridors):
        if corridor in held:
            part = part + share[place : place + 1]
    return part
