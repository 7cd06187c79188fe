"""Corridors: what a route costs, how trade spreads over routes, and congestion (E27a, E27b).

Trade between a state and a partner takes its *route set*, the corridors that lead there. Arrays in
this file are (corridor, replicate), short K, R, or one row a route set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from sim.axes import FloatArray, IntArray, sum_over
from sim.errors import MultivectorError


class RouteSet(NamedTuple):
    """Corridors that lead to a partner, by place, and on which of them it is the power itself.

    Trade with the power that holds a corridor goes there only part of the way (``RouteCosts.leg``).
    """

    corridors: tuple[int, ...]
    own: tuple[bool, ...]


class RouteCosts(NamedTuple):
    """What freight pays on each corridor, in percent of its value; each (K, ·)."""

    freight: FloatArray  # f_k
    time: FloatArray  # VOT days_k
    risk: FloatArray  # rho_k X, and more; infinite where a corridor is closed
    leg: FloatArray  # part of freight, time and congestion that trade with the holder itself pays
    capacity: FloatArray  # Cap_k, Mt/yr, above 0
    congestion: FloatArray  # factor of the Bureau of Public Roads, (1, ·)
    power: FloatArray  # its exponent, (1, 1)


_ROWS: Final = 0
SENSITIVITY_ROUNDS: Final = 12
"""Rounds in which theta is found to rounding; each squares the error."""
LEAST_SLOPE: Final = 1e-3
LEAST_SENSITIVITY: Final = 1e-6
"""Guards of that search, in percent-points and 1 per percent-point."""


class Equilibrium(NamedTuple):
    """Routes at which costs and traffic agree."""

    flow: FloatArray  # Fl, (K, R), Mt/yr
    shares: list[FloatArray]  # q of each route set, (corridors of the set, R)
    costs: list[FloatArray]  # C of each route set, (1, R), percent; infinite without a route


def route_choice(cost: FloatArray, sensitivity: FloatArray) -> tuple[FloatArray, FloatArray]:
    """E27a: q = exp(-theta GC) / sum, and C = -ln(sum) / theta, over the routes of one set.

    Parameters
    ----------
    cost : (routes, R), percent; infinite where a route is closed.
    sensitivity : theta, (1, ·), 1 per percent-point.

    Returns
    -------
    Shares (routes, R), zero where every route is closed, and cost of the set (1, R).
    """
    if len(cost) == 0:
        return cost, np.full((1, cost.shape[-1]), np.inf)
    if len(cost) == 1:
        return np.isfinite(cost).astype(np.float64), cost
    least = np.minimum.reduce(cost, axis=0, keepdims=True)
    nearest = np.where(np.isfinite(least), least, 0.0)
    weight = np.exp(sensitivity * (nearest - cost))
    whole = _add_up(weight)
    share = np.divide(weight, whole, out=np.zeros_like(weight), where=whole > 0)
    logsum = np.full_like(whole, -np.inf)
    np.log(whole, out=logsum, where=whole > 0)
    return share, nearest - logsum / sensitivity


def crowding(costs: RouteCosts, flow: FloatArray) -> tuple[FloatArray, FloatArray]:
    """E27a: f c (Fl / Cap)^n, the cost of congestion (K, R), percent, and its slope in the flow."""
    load = flow / costs.capacity
    steep = costs.freight * costs.congestion * _raised(load, costs.power - 1)
    return steep * load, steep * costs.power / costs.capacity


def costs_of(route: RouteSet, costs: RouteCosts, crowd: FloatArray) -> FloatArray:
    """E27a: GC of the corridors of one route set, (corridors of the set, R), percent.

    Parameters
    ----------
    crowd : cost of congestion, (K, R).
    """
    rows = list(route.corridors)
    moving = (costs.freight + costs.time)[rows] + crowd[rows]
    if any(route.own):
        moving = moving * _legs(route, costs)
    return moving + costs.risk[rows]


def _legs(route: RouteSet, costs: RouteCosts) -> FloatArray:
    """Part of the way that trade of a route set goes on each of its corridors."""
    own = np.array(route.own).reshape(-1, 1)
    return np.where(own, costs.leg[list(route.corridors)], 1.0)


def equilibrium(
    costs: RouteCosts,
    sensitivity: FloatArray,
    routes: Sequence[RouteSet],
    demand: FloatArray,
    start: FloatArray,
    *,
    tolerance: float,
    rounds: int,
) -> Equilibrium:
    """E27a: flows and route shares that fit each other, Fl = sum of demand q(GC(Fl)).

    Newton's method on the flows. A step that does not bring them nearer is halved, and a replicate
    leaves the loop when it is there, so that its result does not depend on its company.

    Parameters
    ----------
    costs : of the corridors.
    sensitivity : theta, (1, ·).
    routes : corridors of each route set.
    demand : (route sets, R), Mt/yr.
    start : (K, R), first guess of the flows, Mt/yr.
    tolerance : largest gap of a flow, Mt/yr.
    rounds : after which to give up.

    Raises
    ------
    MultivectorError
        A replicate finds no equilibrium.
    """
    flow = start.copy()
    last_step = np.zeros_like(flow)
    nearest = np.full((1, flow.shape[-1]), np.inf)
    active = np.arange(flow.shape[-1])
    everybody = len(active)
    for _ in range(rounds):
        whole = len(active) == everybody
        here = flow if whole else flow[:, active]
        step, gap = _newton(
            *((costs, sensitivity, demand) if whole else _some(costs, sensitivity, demand, active)),
            routes,
            here,
        )
        distance = _add_up(gap * gap)
        worse = distance >= nearest[:, active]
        nearest[:, active] = np.where(worse, nearest[:, active], distance)
        halved = last_step[:, active] / 2
        following = np.where(worse, here + halved, np.maximum(here - step, 0.0))
        moving = np.maximum.reduce(np.abs(gap), axis=0) > tolerance
        last_step[:, active] = np.where(worse, halved, here - following)
        flow[:, active] = np.where(moving, following, here)
        active = active[moving]
        if not active.size:
            crowd, _ = crowding(costs, flow)
            found = [route_choice(costs_of(r, costs, crowd), sensitivity) for r in routes]
            return Equilibrium(flow, [q for q, _ in found], [c for _, c in found])
    raise MultivectorError(f"corridors: traffic finds no equilibrium in {rounds} rounds")


def sensitivity_of(cost: FloatArray, place: int, share: FloatArray, guess: float) -> FloatArray:
    """Theta with which a corridor starts with a given share of its route set, (1, R).

    Newton's method on ln q, which is concave and falling where the corridor is dearer than the mean
    of the set, so that every step but the first stays on one side.

    Parameters
    ----------
    cost : (corridors of the set, R), percent. place : of the corridor in the set.
    share : (1, ·), above 0. guess : where to begin.
    """
    theta = np.full((1, max(cost.shape[-1], share.shape[-1])), guess)
    for _ in range(SENSITIVITY_ROUNDS):
        split, _ = route_choice(cost, theta)
        dearer = np.maximum(cost[place] - _add_up(split * cost), LEAST_SLOPE)
        theta = np.maximum(theta + np.log(split[place] / share) / dearer, LEAST_SENSITIVITY)
    return theta


def _some(
    costs: RouteCosts, sensitivity: FloatArray, demand: FloatArray, replicates: IntArray
) -> tuple[RouteCosts, FloatArray, FloatArray]:
    """Some replicates of everything; what is the same for all stays as it is."""
    few = [
        part if part.shape[-1] == 1 else part[:, replicates]
        for part in (*costs, sensitivity, demand)
    ]
    return RouteCosts(*few[:-2]), few[-2], few[-1]


def _newton(
    costs: RouteCosts,
    sensitivity: FloatArray,
    demand: FloatArray,
    routes: Sequence[RouteSet],
    flow: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Step and gap of the flows: (1 + theta S D) step = gap.

    S is the sum over route sets of demand (diag q - q q'), D the slope of congestion.
    """
    crowd, slope = crowding(costs, flow)
    corridors, replicates = flow.shape
    gap = flow.copy()
    matrix = np.zeros((corridors, corridors, replicates))
    diagonal = np.arange(corridors)
    matrix[diagonal, diagonal] = 1.0
    for route, amount in zip(routes, demand[:, np.newaxis], strict=True):
        rows = list(route.corridors)
        share, _ = route_choice(costs_of(route, costs, crowd), sensitivity)
        traffic = amount * share
        gap[rows] -= traffic
        if len(rows) > 1:
            pull = sensitivity * traffic
            block = pull[:, np.newaxis] * -share
            own = np.arange(len(rows))
            block[own, own] += pull
            steep = slope[rows] * _legs(route, costs) if any(route.own) else slope[rows]
            matrix[np.ix_(rows, rows)] += block * steep
    return _solve(matrix, gap.copy()), gap


def _solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Gaussian elimination in all replicates at once.

    No pivots are needed: 1 + S D has the principal minors of the positive definite matrix
    1 + D^(1/2) S D^(1/2).
    """
    size = len(right)
    for k in range(size - 1):
        factor = matrix[k + 1 :, k] / matrix[k, k]
        matrix[k + 1 :, k + 1 :] -= factor[:, np.newaxis] * matrix[k, k + 1 :]
        right[k + 1 :] -= factor * right[k]
    for k in reversed(range(size)):
        right[k] /= matrix[k, k]
        right[:k] -= matrix[:k, k] * right[k]
    return right


def _add_up(rows: FloatArray) -> FloatArray:
    """Sum of rows, (1, R), in the same order for one replicate as for many."""
    return sum_over(rows[:, np.newaxis, np.newaxis], _ROWS)[:, 0, 0]


def _raised(base: FloatArray, power: FloatArray) -> FloatArray:
    """A power; whole ones by multiplication, which is many times faster."""
    exponent = float(power[0, 0]) if power.size == 1 else np.nan
    if exponent not in (0.0, 1.0, 2.0, 3.0):
        found: FloatArray = base**power
        return found
    found = np.ones_like(base)
    for _ in range(int(exponent)):
        found *= base
    return found
