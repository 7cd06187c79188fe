"""E27a and E27b of the reference model: corridors, route choice and congestion, plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reference_events import Calendar, clip

from sim.scenario import Scenario
from sim.specs import CorridorSpec, Target

RESIDUAL: Final = 1e-11
"""Mt/yr by which flows may miss the equilibrium."""
MAX_ROUNDS: Final = 500
SPREAD_PRECISION: Final = 1e-14
"""By how much the logarithm of the first share may miss its aim."""
LARGEST_SPREAD: Final = 1024.0
"""Theta up to which it is sought, for each percent-point."""
SMALLEST_PART: Final = 2.0**-40
"""Part of a Newton step below which the search along it ends."""

Route = tuple[tuple[int, bool], ...]
"""Corridors that a shipment can choose among: place, and whether it goes to their holder only."""
Pair = tuple[str, str]
"""State and trade partner."""


@dataclass(frozen=True)
class Rules:
    """Costs of time and congestion, the same for all corridors."""

    time_cost: float
    congestion: float
    power: float


@dataclass(frozen=True)
class Link:
    """Cost of a corridor by its flow, percent: ``travel + steep (flow / capacity)^power + risk``.

    Trade with the power that holds the corridor pays the part ``own_leg`` of all but the risk.
    """

    travel: float
    risk: float
    steep: float
    capacity: float
    power: float = 4.0
    own_leg: float = 1.0

    def cost(self, flow: float, own: bool = False) -> float:
        """Cost at a flow."""
        crowd: float = self.steep * (max(0.0, flow) / self.capacity) ** self.power
        return (self.own_leg if own else 1.0) * (self.travel + crowd) + self.risk

    def slope(self, flow: float, own: bool = False) -> float:
        """Its derivative."""
        relative = max(0.0, flow) / self.capacity
        slope: float = self.power * self.steep / self.capacity * relative ** (self.power - 1)
        return (self.own_leg if own else 1.0) * slope


class Corridor:
    """A trade route; its capacity is a stock."""

    def __init__(self, code: str, spec: CorridorSpec, numbers: Mapping[str, float]) -> None:
        """Read the numbers of one corridor."""
        path = f"corridors.{code}."
        self.code = code
        self.spec = spec
        self.freight = numbers[path + "freight"]
        self.base_days = numbers[path + "days"]
        self.base_risk = numbers[path + "sanction_risk"]
        self.threat_risk = numbers[path + "threat_risk"]
        self.own_leg = numbers[path + "own_leg"]
        self.limit = numbers[path + "capacity_limit"]
        self.investment_effect = numbers[path + "investment_effect"]
        self.built = numbers[path + "capacity"]

    def adjust(self, events: Calendar, sanctions: float, threat: float, rules: Rules) -> None:
        """E1 for days, risk and capacity."""
        k = self.code
        days = max(0.0, events.level(Target.DAYS, self.base_days, corridor=k))
        risk = max(0.0, events.level(Target.RISK, self.base_risk, corridor=k))
        capacity = events.level(Target.CAPACITY, self.built, corridor=k)
        self.open_capacity = clip(capacity, self.limit)
        self.link = Link(
            travel=self.freight + rules.time_cost * days,
            risk=risk * sanctions + self.threat_risk * threat,
            steep=self.freight * rules.congestion if self.open_capacity > 0 else 0.0,
            capacity=self.open_capacity if self.open_capacity > 0 else 1.0,
            power=rules.power,
            own_leg=self.own_leg,
        )

    def build(self, money: float) -> None:
        """E27b: investment widens a corridor that is open."""
        if self.open_capacity > 0:
            self.built = min(self.built + self.investment_effect * money, self.limit)


@dataclass(frozen=True)
class Choice:
    """How the shipments of a pair spread over corridors, by code.

    ``held`` is the share that passes the chokepoint of each power, ``cost`` the logsum, percent,
    or None where no corridor is open.
    """

    shares: Mapping[str, float]
    held: Mapping[str, float]
    cost: float | None


class Network:
    """All corridors, and the freight on them."""

    def __init__(self, spec: Scenario, numbers: Mapping[str, float]) -> None:
        """Read corridors and the rules of route choice."""
        path = "rules.corridors."
        rules = spec.rules.corridors
        self.moving = rules.moving
        self.rules = Rules(
            numbers[path + "time_cost"],
            numbers[path + "congestion"],
            numbers[path + "congestion_power"],
        )
        self.tonnes = numbers[path + "freight_share"] / numbers[path + "freight_value"]
        self.through_transit = numbers[path + "through_transit"]
        self.unreachable = numbers[path + "unreachable_cost"]
        self.corridors = [Corridor(k, c, numbers) for k, c in spec.corridors.items()]
        self.transit_route = tuple(
            (place, False)
            for place, corridor in enumerate(self.corridors)
            if rules.transit_partner in corridor.spec.partners and not corridor.spec.states
        )
        self.start = list(spec.corridors).index(rules.start_corridor)
        self.start_share = numbers[path + "start_share"]
        self.spread = 0.0
        self.flows = [0.0] * len(self.corridors)
        self.transit = Choice({}, {}, None)

    def open(self, events: Calendar, sanctions: float, threat: float) -> None:
        """Conditions at the start, and the theta that gives a corridor its share of transit."""
        self.adjust(events, sanctions, threat)
        route = self.usable(self.transit_route)
        costs = {place: self.corridors[place].link.cost(0.0) for place, _ in route}
        others = [cost - costs[self.start] for place, cost in costs.items() if place != self.start]
        self.spread = spread_of(others, self.start_share)

    def leading(self, state: str, partner: str) -> Route:
        """Corridors that a state can use towards a partner, open or not."""
        return tuple(
            (place, corridor.spec.chokepoint == partner)
            for place, corridor in enumerate(self.corridors)
            if partner in corridor.spec.partners
            and (not corridor.spec.states or state in corridor.spec.states)
        )

    def adjust(self, events: Calendar, sanctions: float, threat: float) -> None:
        """Conditions on all corridors in a step."""
        for corridor in self.corridors:
            corridor.adjust(events, sanctions, threat, self.rules)

    def usable(self, route: Route, shut: Iterable[str] = ()) -> Route:
        """Those of some corridors that are open."""
        return tuple(
            (place, own)
            for place, own in route
            if self.corridors[place].open_capacity > 0 and self.corridors[place].code not in shut
        )

    def assign(
        self, trade: Mapping[Pair, float], routes: Mapping[Pair, Route]
    ) -> dict[Pair, Choice]:
        """E27a: route choices and flows that fit each other, for trade in USD bn/yr."""
        transit = self.usable(self.transit_route)
        demand = {transit: self.through_transit}
        for pair, route in routes.items():
            demand[route] = demand.get(route, 0.0) + trade[pair] * self.tonnes
        links = [corridor.link for corridor in self.corridors]
        self.flows = equilibrium(links, demand, self.spread, self.flows)
        choices = {route: self._choice(route) for route in demand}
        self.transit = choices[transit]
        return {pair: choices[route] for pair, route in routes.items()}

    def carry(self, trade: Mapping[Pair, float], choices: Mapping[Pair, Choice]) -> None:
        """E27a where routes do not move: flows of trade on given route choices."""
        loads = [(trade[pair] * self.tonnes, choice) for pair, choice in choices.items()]
        loads.append((self.through_transit, self.transit))
        self.flows = [
            sum([tonnes * choice.shares.get(corridor.code, 0.0) for tonnes, choice in loads])
            for corridor in self.corridors
        ]

    def _choice(self, route: Route) -> Choice:
        if not route:
            return Choice({}, {}, None)
        corridors = [self.corridors[place] for place, _ in route]
        costs = [self.corridors[place].link.cost(self.flows[place], own) for place, own in route]
        shares, logsum = spread_over(costs, self.spread)
        held: dict[str, float] = {}
        for corridor, share in zip(corridors, shares, strict=True):
            power = corridor.spec.chokepoint
            if power is not None:
                held[power] = held.get(power, 0.0) + share
        codes = [corridor.code for corridor in corridors]
        return Choice(dict(zip(codes, shares, strict=True)), held, logsum)


def spread_over(costs: Sequence[float], spread: float) -> tuple[list[float], float]:
    """Logit shares of corridors by their costs, and the logsum cost."""
    least = min(costs)
    odds = [math.exp(-spread * (cost - least)) for cost in costs]
    whole = sum(odds)
    return [part / whole for part in odds], least - math.log(whole) / spread


def spread_of(others: Sequence[float], share: float) -> float:
    """Theta at which a corridor has a share, where others cost that much more than it.

    At theta 0 all have the same share, which is to be more. The logarithm of the share is concave
    in theta, so Newton's method from the right, where the share is too small, does not overshoot.
    """

    def gap(theta: float) -> tuple[float, float]:
        odds = [math.exp(-theta * cost) for cost in others]
        whole = 1 + sum(odds)
        mean = sum([cost * part for cost, part in zip(others, odds, strict=True)]) / whole
        return -math.log(whole) - math.log(share), mean

    theta = 1.0
    while theta < LARGEST_SPREAD and gap(theta)[0] > 0:
        theta *= 2
    for _ in range(MAX_ROUNDS):
        distance, slope = gap(theta)
        if slope >= 0 or abs(distance) < SPREAD_PRECISION:
            break
        theta -= distance / slope
    return theta


def equilibrium(
    links: Sequence[Link], demand: Mapping[Route, float], spread: float, start: Sequence[float]
) -> list[float]:
    """Flows F with F = sum of demand times shares at the costs of F.

    Newton's method, each step cut until the residual falls. Where all pay for the whole way the
    Jacobian is 1 + A C, with A positive semidefinite and C the slopes, and never singular.
    """
    flows = list(start)
    gaps, shares = _gaps(links, demand, spread, flows)
    for _ in range(MAX_ROUNDS):
        if max(map(abs, gaps)) <= RESIDUAL:
            break
        move = solve(_jacobian(links, demand, shares, spread, flows), gaps)
        part = 1.0
        while part > SMALLEST_PART:
            trial = [flow - part * by for flow, by in zip(flows, move, strict=True)]
            found, spreads = _gaps(links, demand, spread, trial)
            if math.hypot(*found) <= (1 - 1e-4 * part) * math.hypot(*gaps):
                break
            part /= 2
        else:
            break  # no fall left but rounding
        flows, gaps, shares = trial, found, spreads
    return [max(0.0, flow) for flow in flows]


def _gaps(
    links: Sequence[Link], demand: Mapping[Route, float], spread: float, flows: Sequence[float]
) -> tuple[list[float], dict[Route, list[float]]]:
    """Flows less what would flow at their costs; the shares of each route."""
    gaps, shares = list(flows), {}
    for route, tonnes in demand.items():
        if not route:
            continue
        costs = [links[place].cost(flows[place], own) for place, own in route]
        shares[route] = spread_over(costs, spread)[0]
        for (place, _), share in zip(route, shares[route], strict=True):
            gaps[place] -= tonnes * share
    return gaps, shares


def _jacobian(
    links: Sequence[Link],
    demand: Mapping[Route, float],
    shares: Mapping[Route, Sequence[float]],
    spread: float,
    flows: Sequence[float],
) -> list[list[float]]:
    matrix = [[float(row == column) for column in range(len(links))] for row in range(len(links))]
    for route, parts in shares.items():
        slopes = [links[place].slope(flows[place], own) for place, own in route]
        for (row, _), mine in zip(route, parts, strict=True):
            weight = demand[route] * spread * mine
            for (column, _), other, slope in zip(route, parts, slopes, strict=True):
                matrix[row][column] += weight * slope * (float(row == column) - other)
    return matrix


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solution of a small set of linear equations, by Gaussian elimination with pivots."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for place in range(size):
        pivot = max(range(place, size), key=lambda row: abs(rows[row][place]))
        rows[place], rows[pivot] = rows[pivot], rows[place]
        head = rows[place]
        for row in rows[place + 1 :]:
            ratio = row[place] / head[place]
            if ratio:
                for column in range(place + 1, size + 1):
                    row[column] -= ratio * head[column]
    found = [0.0] * size
    for place in reversed(range(size)):
        row = rows[place]
        known = sum(row[column] * found[column] for column in range(place + 1, size))
        found[place] = (row[size] - known) / row[place]
    return found
