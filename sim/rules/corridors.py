"""Corridors: what a route costs, how trade spreads over routes, and congestion (E27a, E27b).

Trade between a state and a partner takes its *route set*, the corridors that lead there. Arrays in
this file are (corridor, replicate), short K, R, or one row a route set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.axes import BoolArray, FloatArray, sum_over
from sim.errors import InputError


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
    InputError
        A replicate finds no equilibrium, because there is far more traffic than capacity.
    """
    problem = _Problem(costs, sensitivity, routes, demand)
    flow = start.copy()
    step = np.zeros_like(flow)
    nearest = np.full((1, flow.shape[-1]), np.inf)
    active = np.arange(flow.shape[-1])
    here = flow
    for _ in range(rounds):
        gap, state = problem.gap(here)
        moving = np.maximum.reduce(np.abs(gap), axis=0) > tolerance
        if not moving.all():
            active, problem = active[moving], problem.some(moving)
            here, gap = here[:, moving], gap[:, moving]
            state = [part[..., moving] for part in state]
        if not active.size:
            crowd, _ = crowding(costs, flow)
            found = [route_choice(costs_of(r, costs, crowd), sensitivity) for r in routes]
            return Equilibrium(flow, [q for q, _ in found], [c for _, c in found])
        distance = _add_up(gap * gap)
        worse = distance >= nearest[:, active]
        forward = problem.newton(here, gap, state)
        if worse.any():
            halved = step[:, active] / 2
            following = np.where(worse, here + halved, np.maximum(here - forward, 0.0))
            step[:, active] = np.where(worse, halved, here - following)
        else:
            following = np.maximum(here - forward, 0.0)
            step[:, active] = here - following
        nearest[:, active] = np.where(worse, nearest[:, active], distance)
        flow[:, active] = following
        here = following
    load = (flow[:, active] / np.broadcast_to(costs.capacity, flow.shape)[:, active]).max()
    raise InputError(
        f"corridors: traffic of {load:.3g} times the capacity finds no equilibrium; raise "
        "corridors.<k>.capacity, or lower rules.corridors.through_transit, freight_share or "
        "congestion"
    )


class _Choice(NamedTuple):
    """A route set with several open corridors, reduced to these."""

    demand: FloatArray  # (1, R), Mt/yr
    rows: list[int]  # its corridors
    cells: tuple[Any, ...]  # and theirs in the matrix of a step
    fixed: FloatArray  # costs without congestion, (rows, ·)
    leg: FloatArray | None  # part of the way, (rows, ·)


class _Problem:
    """What stays the same while the flows are sought, for some of the replicates.

    A corridor that is closed for all of them is left out. Sums are taken in the order of the route
    sets all the same, so that the result for one replicate does not depend on the others.
    """

    def __init__(
        self,
        costs: RouteCosts,
        sensitivity: FloatArray,
        routes: Sequence[RouteSet],
        demand: FloatArray,
    ) -> None:
        self.costs, self.sensitivity = costs, sensitivity
        is_open: BoolArray = np.logical_or.reduce(np.isfinite(costs.risk), axis=-1)
        self.settled = np.zeros((len(costs.freight), demand.shape[-1]))
        chosen = []
        for route, amount in zip(routes, demand, strict=True):
            kept = [n for n, corridor in enumerate(route.corridors) if is_open[corridor]]
            if not kept:
                continue
            rest = RouteSet(
                tuple(route.corridors[n] for n in kept), tuple(route.own[n] for n in kept)
            )
            if len(route.corridors) == 1:
                (only,) = rest.corridors
                self.settled[only] += amount * np.isfinite(costs.risk[only])
            else:
                chosen.append((rest, amount[np.newaxis]))
        self.places = sorted({place for rest, _ in chosen for place in rest.corridors})
        self.choices = [self._choice(rest, amount) for rest, amount in chosen]

    def _choice(self, route: RouteSet, demand: FloatArray) -> _Choice:
        places = [self.places.index(corridor) for corridor in route.corridors]
        fixed = costs_of(route, self.costs, np.zeros((len(self.costs.freight), 1)))
        leg = _legs(route, self.costs) if any(route.own) else None
        return _Choice(demand, list(route.corridors), np.ix_(places, places), fixed, leg)

    def some(self, chosen: BoolArray) -> _Problem:
        """The same for some replicates; what is equal for all stays as it is."""
        found = object.__new__(_Problem)
        found.places = self.places
        found.costs = RouteCosts(*(_few(part, chosen) for part in self.costs))
        found.sensitivity = _few(self.sensitivity, chosen)
        found.settled = self.settled[:, chosen]
        found.choices = [
            choice._replace(
                demand=choice.demand[:, chosen],
                fixed=_few(choice.fixed, chosen),
                leg=choice.leg if choice.leg is None else _few(choice.leg, chosen),
            )
            for choice in self.choices
        ]
        return found

    def gap(self, flow: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Flows less the traffic that their costs attract, and what a step needs of it."""
        crowd, slope = crowding(self.costs, flow)
        gap = flow - self.settled
        state = [slope]
        for choice in self.choices:
            dearer = crowd[choice.rows]
            if choice.leg is not None:
                dearer *= choice.leg
            share, _ = route_choice(choice.fixed + dearer, self.sensitivity)
            gap[choice.rows] -= choice.demand * share
            state.append(share)
        return gap, state

    def newton(self, flow: FloatArray, gap: FloatArray, state: list[FloatArray]) -> FloatArray:
        """Solve (1 + theta S D) step = gap.

        S is the sum over route sets of demand (diag q - q q'), D the slope of congestion. Corridors
        that no route set chooses among have their traffic at once.
        """
        slope, *shares = state
        size, replicates = len(self.places), flow.shape[-1]
        matrix = np.zeros((size, size, replicates))
        diagonal = np.arange(size)
        matrix[diagonal, diagonal] = 1.0
        for choice, share in zip(self.choices, shares, strict=True):
            pull = self.sensitivity * choice.demand * share
            block = pull[:, np.newaxis] * -share
            own = np.arange(len(share))
            block[own, own] += pull
            steep = slope[choice.rows]
            block *= steep if choice.leg is None else steep * choice.leg
            matrix[choice.cells] += block
        step = gap.copy()
        step[self.places] = _solve(matrix, gap[self.places])
        return step


def _few(array: FloatArray, chosen: BoolArray) -> FloatArray:
    return array if array.shape[-1] == 1 else array[:, chosen]


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


def sensitivity_of(
    cost: FloatArray, place: int, share: FloatArray, guess: float, rounds: int
) -> FloatArray:
    """Theta with which a corridor starts with a given share of its route set, (1, R).

    Newton's method on ln q, which is concave and falling where the corridor is dearer than the mean
    of the set, so that every step but the first stays on one side.

    Parameters
    ----------
    cost : (corridors of the set, R), percent. place : of the corridor in the set.
    share : (1, ·), above 0.
    guess : where to begin; a step at most halves or doubles theta.
    rounds : enough for the way there, the last ones square the error.
    """
    theta = np.full((1, max(cost.shape[-1], share.shape[-1])), guess)
    for _ in range(rounds):
        split, whole = route_choice(cost, theta)
        dearer = np.maximum(cost[place] - _add_up(split * cost), np.finfo(np.float64).eps)
        excess = theta * (whole - cost[place]) - np.log(share)  # ln q - ln share
        theta = np.clip(theta + excess / dearer, theta / 2, 2 * theta)
    return theta


def _add_up(rows: FloatArray) -> FloatArray:
    """Sum of rows, (1, R), in the same order for one replicate as for many."""
    return sum_over(rows[:, np.newaxis, np.newaxis], 0)[:, 0, 0]


def _raised(base: FloatArray, power: FloatArray) -> FloatArray:
    """A power; whole ones by multiplication, which is many times faster."""
    exponent = float(power[0, 0])
    if power.size > 1 or exponent != int(exponent):
        found: FloatArray = base**power
        return found
    found = np.ones_like(base)
    for _ in range(int(exponent)):
        found *= base
    return found
