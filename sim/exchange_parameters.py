"""What trade, corridors and remittances read in a step (E24, E27), and their state at the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim import calendar
from sim.axes import POWER, STATE, FloatArray, sum_over
from sim.errors import InputError
from sim.routes import find_network
from sim.rules import network, shocks
from sim.rules.corridors import (
    Equilibrium,
    RouteCosts,
    costs_of,
    equilibrium,
    route_choice,
    sensitivity_of,
)
from sim.rules.network import Network
from sim.scenario import Scenario
from sim.specs import Target
from sim.table import Table, flags, widen
from sim.timeline import Timeline

EQUILIBRIUM_TOLERANCE: Final = 1e-8
"""Largest gap between the traffic on a corridor and that which its cost attracts, Mt/yr."""
EQUILIBRIUM_ROUNDS: Final = 500
"""Rounds after which the search gives up; a step rarely needs more than four."""

FIRST_SENSITIVITY: Final = 0.15
"""Where the search for theta begins, 1 per percent-point."""
SHARE_TOLERANCE: Final = 1e-6
"""Largest error of the share that theta is found for."""
SENSITIVITY_ROUNDS: Final = 20
"""Rounds of that search."""


@dataclass(frozen=True)
class ExchangeParameters:
    """Numbers of trade, corridors and remittances; symbols as in the model document."""

    moves: bool  # trade follows E27c
    routes_move: bool  # routes and costs follow E27a
    network: Network
    # gravity
    initial_trade: FloatArray  # T0, (S, J, 1)
    initial_gdp: FloatArray  # Y_s0
    gdp_elasticity: FloatArray
    drift: FloatArray  # epsilon_Yj g_j Delta, (1, J, 1), a step
    trends: Timeline | None  # what trends vartheta_j have added to ln T*, (1, J, 1)
    partner_elasticity: FloatArray  # epsilon_Yj
    partner_events: Timeline | None  # ln Y_j that events added since the start, (1, J, 1)
    agreements: Timeline  # sum of phi M, less that of the start, (S, J, 1)
    capital_effect: FloatArray  # phi_T
    cost_effect: FloatArray  # zeta / 100
    sanction_effect: FloatArray  # varsigma_X where the partner is sanctioned, (1, J, 1)
    reexport_effect: FloatArray  # rr_s where goods pass between partners, (S, J, 1)
    adjustment: FloatArray  # 1 - exp(-Delta / tau_T)
    volatility: FloatArray  # sigma_s sqrt(Delta), (S, 1, 1)
    initial_sanctions: FloatArray  # X0
    initial_war: FloatArray  # War0
    # corridors
    freight: FloatArray  # f_k, (1, K, 1)
    days: Timeline
    risk: Timeline  # rho_k
    threat_risk: FloatArray
    leg: FloatArray
    time_cost: FloatArray  # VOT
    congestion: FloatArray
    congestion_power: FloatArray
    sensitivity: FloatArray  # theta, found from the share that a corridor starts with
    tonnes: FloatArray  # varkappa / nu, Mt of freight for each bn of trade
    through_transit: FloatArray  # Q
    unreachable_cost: FloatArray
    initial_capacity: FloatArray  # Cap_k, (1, K, 1)
    capacity_limit: FloatArray
    capacity_added: Timeline  # by events, (1, K, 1)
    capacity_factor: Timeline
    investment: tuple[tuple[int, int, FloatArray], ...]  # power, corridor, c_k iota_pk
    # remittances
    initial_remittances: FloatArray  # from the power that hosts migrants, (S, 1, 1), USD bn/yr
    remittance_drift: FloatArray  # epsilon_m g Delta, a step
    remittance_elasticity: FloatArray  # epsilon_m of the power that hosts migrants, (1, P, 1)
    free_movement: Timeline  # 1 + sum of phi_m (M - M0), (S, 1, 1)
    # the equilibrium before all events
    first_flow: FloatArray  # (1, K, 1)
    first_shares: tuple[FloatArray, ...]  # q of each route set, (corridors of the set, ·)
    first_cost: FloatArray  # C0, (S, J, 1), percent


def build(scenario: Scenario, table: Table, initial_trade: FloatArray) -> ExchangeParameters:
    """Arrange the numbers and find the routes of the start.

    Parameters
    ----------
    initial_trade : T0, (S, J, 1, ·), USD bn/yr.
    """
    rules, years = scenario.rules, scenario.horizon.step
    powers = scenario.powers.values()
    net = find_network(scenario)
    days, risk = table("corridors.{k}.days"), table("corridors.{k}.sanction_risk")
    capacity, freight = table("corridors.{k}.capacity"), table("corridors.{k}.freight")
    time_cost = table("rules.corridors.time_cost")
    threat_risk = table("corridors.{k}.threat_risk")
    congestion = table("rules.corridors.congestion")
    congestion_power = table("rules.corridors.congestion_power")
    leg = table("corridors.{k}.own_leg")
    tonnes = table("rules.corridors.freight_share") / table("rules.corridors.freight_value")
    through = table("rules.corridors.through_transit")
    sanctions = table("rules.environment.sanctions")
    threat = sum_over(table("states.{s}.threat"), STATE) / len(scenario.states)
    costs = network.route_costs(
        freight,
        time_cost * days,
        risk * sanctions + threat_risk * threat,
        leg,
        capacity,
        congestion,
        congestion_power,
    )
    sensitivity = _sensitivity(scenario, table, net, costs)
    first = settle(
        net,
        costs,
        sensitivity,
        network.tonnage(net, initial_trade, tonnes, through, None),
        None,
    )
    first_cost = network.by_pair(net, first.costs, None)
    hosts = flags([power.hosts_migrants for power in powers])
    return ExchangeParameters(
        moves=rules.trade.moving,
        routes_move=rules.corridors.moving,
        network=net,
        initial_trade=initial_trade,
        initial_gdp=table("states.{s}.gdp"),
        gdp_elasticity=table("rules.trade.gdp_elasticity"),
        drift=_partner_drift(scenario, table) * years,
        trends=_trends(scenario, table),
        partner_elasticity=table("rules.trade.partner_elasticity"),
        partner_events=_partner_events(scenario, table),
        agreements=_agreements(scenario, table),
        capital_effect=table("rules.trade.capital_effect"),
        cost_effect=table("rules.trade.cost_elasticity") / 100,
        sanction_effect=table("rules.trade.sanction_effect")
        * flags([*(power.sanctioned for power in powers), False]),
        reexport_effect=table("states.{s}.reexport_effect")
        * flags([*(power.reexport_partner for power in powers), False]),
        adjustment=1 - np.exp(-years / table("rules.trade.adjustment_time")),
        volatility=table("rules.trade.volatility.{s}", default=0.0) * np.sqrt(years),
        initial_sanctions=sanctions,
        initial_war=table("rules.environment.war"),
        freight=freight,
        days=calendar.under_events(scenario, table, Target.DAYS, days, least=0.0),
        risk=calendar.under_events(scenario, table, Target.RISK, risk, least=0.0),
        threat_risk=threat_risk,
        leg=leg,
        time_cost=time_cost,
        congestion=congestion,
        congestion_power=congestion_power,
        sensitivity=sensitivity,
        tonnes=tonnes,
        through_transit=through,
        unreachable_cost=table("rules.corridors.unreachable_cost"),
        initial_capacity=capacity,
        capacity_limit=table("corridors.{k}.capacity_limit"),
        capacity_added=_effects(scenario, table, calendar.sizes, 0.0),
        capacity_factor=_effects(scenario, table, calendar.factors, 1.0),
        investment=tuple(_investment(scenario, table)),
        initial_remittances=table("states.{s}.remittances")
        * table("states.{s}.gdp")
        * table("states.{s}.remittances_from_russia"),
        remittance_drift=table("rules.remittances.elasticity")
        * sum_over(table("powers.{p}.growth") * hosts, POWER)
        * years,
        remittance_elasticity=table("rules.remittances.elasticity") * hosts,
        free_movement=_free_movement(scenario, table),
        first_flow=first.flow[np.newaxis, :, np.newaxis],
        first_shares=tuple(first.shares),
        first_cost=np.where(np.isinf(first_cost), 0.0, first_cost),
    )


def settle(
    net: Network,
    costs: RouteCosts,
    sensitivity: FloatArray,
    demand: FloatArray,
    start: FloatArray | None,
) -> Equilibrium:
    """Equilibrium of a network; ``start`` (1, K, 1, R) is where to look first, Mt/yr."""
    flow = np.zeros((len(costs.freight), demand.shape[-1])) if start is None else start[0, :, 0]
    width = max(part.shape[-1] for part in (*costs, sensitivity, demand))
    return equilibrium(
        costs,
        sensitivity[0, 0],
        net.routes,
        np.broadcast_to(demand, (len(demand), width)),
        np.broadcast_to(flow, (len(flow), width)),
        tolerance=EQUILIBRIUM_TOLERANCE,
        rounds=EQUILIBRIUM_ROUNDS,
    )


def _sensitivity(scenario: Scenario, table: Table, net: Network, costs: RouteCosts) -> FloatArray:
    """Theta at which a corridor has its share of through-transit at the start, (1, 1, 1, ·).

    Congestion is left out: it is small at the start.
    """
    rules, names = scenario.rules.corridors, tuple(scenario.corridors)
    share = table("rules.corridors.start_share")[0, 0]
    route = net.routes[net.transit]
    cost = costs_of(route, costs, np.zeros((len(names), 1)))
    rows = np.flatnonzero(np.isfinite(cost).all(axis=1))
    cost = cost[rows]
    open_ = [route.corridors[row] for row in rows]
    if names.index(rules.start_corridor) not in open_:
        raise InputError(
            f"rules.corridors.start_corridor: '{rules.start_corridor}' is closed at the start and "
            "cannot have a share of freight"
        )
    place = open_.index(names.index(rules.start_corridor))
    theta = sensitivity_of(cost, place, share, FIRST_SENSITIVITY, SENSITIVITY_ROUNDS)
    found, _ = route_choice(cost, theta)
    if (np.abs(found[place] - share) > SHARE_TOLERANCE).any():
        raise InputError(
            f"rules.corridors.start_share: at no sensitivity to costs does corridor "
            f"'{rules.start_corridor}' have its share of freight; it must cost more than its "
            f"rivals on average (freight, days, sanction_risk), and the share must be below "
            f"{1 / len(cost):.3g}"
        )
    return theta[np.newaxis, np.newaxis]


def _partner_drift(scenario: Scenario, table: Table) -> FloatArray:
    """Yearly growth of trade that does not depend on the state, (1, J, 1, ·), 1/yr."""
    rows = [table(f"powers.{power}.growth") for power in scenario.powers]
    growth = widen([*rows, table("rules.trade.rest_of_world_growth")])
    return table("rules.trade.partner_elasticity") * growth


def _trends(scenario: Scenario, table: Table) -> Timeline | None:
    """What trends have added to ln T* by the start of each step, (1, J, 1, ·); they may fade."""
    trend = table("rules.trade.trend.{j}", default=0.0) * scenario.horizon.step
    half_life = table("rules.trade.trend_half_life")
    if not trend.any():
        return None
    levels = [np.zeros_like(trend)]
    for step in range(scenario.steps):
        levels.append(levels[-1] + trend * shocks.fade(half_life, step * scenario.horizon.step))
    return Timeline(tuple(range(len(levels))), tuple(levels))


def _partner_events(scenario: Scenario, table: Table) -> Timeline | None:
    """What events on growth have added to ln Y_j by the start of each step, (1, J, 1, ·)."""
    if all(event.target is not Target.GROWTH for event in scenario.events.values()):
        return None
    level = np.zeros((1, len(scenario.powers) + 1, 1, 1))
    levels = [level]
    for step in range(scenario.steps):
        added = calendar.growth(scenario, table, True, step)
        if added is not None:
            level = level + added * scenario.horizon.step
        levels.append(level)
    return Timeline(tuple(range(len(levels))), tuple(levels))


def _agreements(scenario: Scenario, table: Table) -> Timeline:
    """E27c: sum over institutions of phi_ij(t) M_si(t) - phi_ij0 M_si0, (S, J, 1, ·)."""
    acting = {
        name: institution
        for name, institution in scenario.institutions.items()
        if institution.trade_effect is not None
        or any(
            e.target is Target.AGREEMENT and e.institution == name for e in scenario.events.values()
        )
    }
    width = len(scenario.powers)

    def compute(step: int) -> FloatArray:
        total = np.zeros((len(scenario.states), width + 1, 1, 1))
        for name in acting:
            effect = table(f"institutions.{name}.trade_effect.{{p}}", default=0.0)
            added = calendar.sizes(scenario, table, Target.AGREEMENT, step, name)
            now = effect if added is None else np.maximum(effect + added, 0.0)
            change = now * calendar.members(scenario, table, name, step) - effect * (
                calendar.members(scenario, table, name, None)
            )
            rest = np.zeros((*change.shape[:1], 1, *change.shape[2:]))
            total = total + np.concatenate([change, rest], axis=POWER)
        return total

    return calendar.by_events(scenario, (Target.MEMBERSHIP, Target.AGREEMENT), compute)


def _free_movement(scenario: Scenario, table: Table) -> Timeline:
    """E27d: 1 + sum over institutions of phi_m (M_si - M_si0), (S, 1, 1, ·)."""

    def compute(step: int) -> FloatArray:
        total = np.ones((len(scenario.states), 1, 1, 1))
        for name, institution in scenario.institutions.items():
            if institution.migration_effect is not None:
                joined = calendar.members(scenario, table, name, step)
                before = calendar.members(scenario, table, name, None)
                effect = table(f"institutions.{name}.migration_effect")
                total = total + effect * (joined - before)
        return total

    return calendar.by_events(scenario, (Target.MEMBERSHIP,), compute)


def _effects(
    scenario: Scenario,
    table: Table,
    find: Callable[..., FloatArray | None],
    null: float,
) -> Timeline:
    """Timeline of the sizes or factors of events on capacity, (1, K, 1, ·)."""

    def compute(step: int) -> FloatArray:
        found = find(scenario, table, Target.CAPACITY, step)
        return np.full((1, 1, 1, 1), null) if found is None else found

    return calendar.by_events(scenario, (Target.CAPACITY,), compute)


def _investment(scenario: Scenario, table: Table) -> Iterator[tuple[int, int, FloatArray]]:
    """E27b: capacity that a bn delivered in infrastructure brings, by power and corridor."""
    places = {name: place for place, name in enumerate(scenario.corridors)}
    for number, (code, power) in enumerate(scenario.powers.items()):
        for name in power.corridor_investment.entries:
            if name in places:
                share = table(f"powers.{code}.corridor_investment.{name}")
                yield number, places[name], share * table(f"corridors.{name}.investment_effect")
