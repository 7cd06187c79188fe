"""Trade, corridors and remittances in a step (E24, E27, O9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.axes import POWER, STATE, Domain, FloatArray, sum_over
from sim.exchange_parameters import ExchangeParameters, settle
from sim.parameters import Parameters
from sim.processes import Deliveries, Environment
from sim.rules import corridors, network, trade
from sim.strategy import Coercion
from sim.world import World


@dataclass(frozen=True)
class Exchange:
    """What crossed borders in a step, and where it leaves the world."""

    flow: FloatArray  # Fl, (1, K, 1, R), Mt/yr
    tonnage: FloatArray  # freight of trade and through-transit that finds a route, (1, 1, 1, R)
    transit_routes: FloatArray  # q of through-transit and trade with the West, (1, K, 1, R)
    cost: FloatArray  # C, (S, J, 1, R), percent
    open_capacity: FloatArray  # Cap in force, (1, K, 1, ·), Mt/yr
    trade: FloatArray  # T', (S, J, 1, R), USD bn/yr
    trade_shock: FloatArray  # N', (S, J, 1, R)
    transit: FloatArray  # TD', (S, P, 1, R)
    remittances: FloatArray  # Rem', (S, 1, 1, R), USD bn/yr
    capacity: FloatArray  # Cap' without events, (1, K, 1, R), Mt/yr


def exchange(
    world: World,
    now: Environment,
    deliveries: Deliveries,
    coercion: Coercion | None,
    parameters: Parameters,
    uniform: FloatArray,
    step: int,
) -> Exchange:
    """E24, E27: traffic finds its routes, trade and remittances follow, corridors grow.

    Parameters
    ----------
    uniform : of the shocks to trade, (S, J, 1, R); (0, 0, 1, R) where there are none.
    """
    x = parameters.exchange
    shock = trade.shock(x.volatility, uniform) if uniform.size else None
    shut = _shut(x, coercion)
    in_force = np.clip(
        (world.capacity + x.capacity_added.at(step)) * x.capacity_factor.at(step),
        0.0,
        x.capacity_limit,
    )
    tonnage = network.tonnage(x.network, world.trade, x.tonnes, x.through_transit, shut)
    if x.routes_move:
        found = settle(
            x.network, _costs(x, now, in_force, step), x.sensitivity, tonnage, world.freight
        )
        shares, cost = found.shares, network.by_pair(x.network, found.costs, shut)
        cost = np.where(np.isinf(cost), x.first_cost + x.unreachable_cost, cost)
        flow = found.flow[np.newaxis, :, np.newaxis]
    else:
        shares, cost = list(x.first_shares), x.first_cost
        flow = network.load(x.network, shares, tonnage, world.freight.shape)
    after = _trade(world, now, cost, coercion, parameters, shock, step) if x.moves else world.trade
    return Exchange(
        flow=flow,
        tonnage=_carried(tonnage, shares),
        transit_routes=network.spread(
            x.network.routes[x.network.transit], shares[x.network.transit], world.freight.shape
        ),
        cost=cost,
        open_capacity=in_force,
        trade=after,
        trade_shock=world.trade_shock if shock is None else world.trade_shock + shock,
        transit=network.crossing(x.network, after, shares, shut),
        remittances=x.initial_remittances
        * np.exp(_host_growth(x, step))
        * (1 - now.migration)
        * x.free_movement.at(step),
        capacity=_grown(x, world.capacity, in_force, deliveries.delivered),
    )


def _host_growth(x: ExchangeParameters, step: int) -> FloatArray:
    """E27d: epsilon_m ln(Y/Y0) of the power that hosts migrants."""
    if x.partner_events is None:
        return x.remittance_drift * step
    added = x.remittance_elasticity * x.partner_events.at(step)[:, :-1]
    return x.remittance_drift * step + sum_over(added, POWER)


def _carried(tonnage: FloatArray, shares: Sequence[FloatArray]) -> FloatArray:
    """Freight of the route sets that have an open corridor, (1, 1, 1, R), Mt/yr."""
    total = np.zeros((1, 1, 1, tonnage.shape[-1]))
    for amount, share in zip(tonnage, shares, strict=True):
        total = total + amount * share.any(axis=0)
    return total


def _shut(x: ExchangeParameters, coercion: Coercion | None) -> FloatArray | None:
    """1 for the states that find corridors closed against them, (S, 1, 1, R)."""
    if coercion is None or x.network.closing is None or not x.routes_move:
        return None
    return coercion.struck[:, x.network.closing : x.network.closing + 1]


def _costs(
    x: ExchangeParameters, now: Environment, capacity: FloatArray, step: int
) -> corridors.RouteCosts:
    """E27a: what each corridor costs without congestion."""
    threat = sum_over(now.threat, STATE) / len(now.threat)
    return network.route_costs(
        x.freight,
        x.time_cost * x.days.at(step),
        x.risk.at(step) * now.sanctions + x.threat_risk * threat,
        x.leg,
        capacity,
        x.congestion,
        x.congestion_power,
    )


def _trade(
    world: World,
    now: Environment,
    cost: FloatArray,
    coercion: Coercion | None,
    parameters: Parameters,
    shock: FloatArray | None,
    step: int,
) -> FloatArray:
    """E27c: T' with its shocks (O13), and what coercion leaves of it (O9)."""
    x = parameters.exchange
    promotion = np.zeros((*world.trade.shape[:2], 1, world.trade.shape[-1]))
    promotion[:, :-1] = trade.promotion(
        x.capital_effect,
        world.capital[:, :, Domain.TRADE : Domain.TRADE + 1],
        world.gdp,
    )
    growth = x.gdp_elasticity * np.log(world.gdp / x.initial_gdp) + x.drift * step
    if x.trends is not None:
        growth = growth + x.trends.at(step)
    if x.partner_events is not None:
        growth = growth + x.partner_elasticity * x.partner_events.at(step)
    target = trade.gravity(
        growth=growth,
        agreements=x.agreements.at(step),
        promotion=promotion,
        cost=x.cost_effect * (cost - x.first_cost),
        disruption=x.sanction_effect * (now.sanctions - x.initial_sanctions)
        - x.reexport_effect * (now.war * now.reexports - x.initial_war),
    )
    if shock is not None:
        target = target + world.trade_shock
    after = trade.adjust(world.trade, x.initial_trade, target, x.adjustment)
    if shock is not None:
        after *= np.exp(shock)
    if coercion is None:
        return after
    struck = coercion.struck.copy()
    if x.network.closing is not None and x.routes_move:
        struck[:, x.network.closing] = 0.0  # it closes corridors instead
    kept = 1 - struck * (1 - parameters.modules.trade_kept)
    after[:, :-1] *= kept
    return after


def _grown(
    x: ExchangeParameters, capacity: FloatArray, in_force: FloatArray, delivered: FloatArray
) -> FloatArray:
    """E27b: Cap' = min(Cap + c_k sum_p iota_pk sum_s Rd_spI, Cap^max) where a corridor is open."""
    roads = slice(Domain.INFRASTRUCTURE, Domain.INFRASTRUCTURE + 1)
    money = sum_over(delivered[:, :, roads], STATE)
    added = np.zeros(capacity.shape)
    for power, corridor, effect in x.investment:
        added[:, corridor] += (effect * money[:, power : power + 1])[:, 0]
    return np.minimum(capacity + np.where(in_force > 0, added, 0.0), x.capacity_limit)
