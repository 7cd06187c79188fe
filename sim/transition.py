"""The last stage of a step: beliefs, stocks, budgets and economies of the next world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.axes import DOMAIN, POWER, FloatArray, sum_over
from sim.parameters import Parameters
from sim.processes import Deliveries, Environment
from sim.record import Record
from sim.rules import delivery, economy, learning, offers
from sim.world import World


def next_world(happened: Record, parameters: Parameters, step: int) -> World:
    """E2, E18-E21, O7, O8, O10: stocks and beliefs at the end of the step."""
    world, deliveries, documents = happened.world, happened.deliveries, happened.documents
    exchanged, strategy = happened.exchange, happened.strategy
    p = parameters
    telling = learning.evidence(deliveries.due, world.gdp, p.evidence_weight, p.evidence_scale)
    good = telling * deliveries.success
    bad = telling - good
    soc = p.social_learning
    successes = learning.update(world.successes, p.prior_success, p.memory, good, soc)
    failures = learning.update(world.failures, p.prior_failure, p.memory, bad, soc)
    if documents is not None:
        lesson = p.modules.documents_weight * p.modules.documents_power
        successes += lesson * documents.implemented
        failures += lesson * (documents.signed - documents.implemented)
    return replace(
        world,
        gdp=_next_gdp(world, deliveries, p, step),
        budget=_next_budget(world, happened.environment, p),
        unspent=happened.contracts.unspent,
        backlog=delivery.next_backlog(world.backlog, deliveries.due, happened.contracts.signed),
        capital=delivery.next_capital(world.capital, p.capital_retained, deliveries.delivered),
        other_capital=world.other_capital * p.gdp_growth.at(step),
        investment=delivery.next_investment(
            world.investment, p.investment_retained, deliveries.delivered
        ),
        successes=successes,
        failures=failures,
        last_pick=happened.contracts.pick,
        surge=happened.environment.surge,
        opinion_shift=_next_opinion(happened, telling, p, step),
        trade=exchanged.trade,
        trade_shock=exchanged.trade_shock,
        transit=exchanged.transit,
        remittances=exchanged.remittances,
        freight=exchanged.flow,
        capacity=exchanged.capacity,
        allocation=strategy.allocation,
        valuation=strategy.valuation,
        returns=strategy.returns,
        conditionality=strategy.conditionality,
        first_choice=strategy.first_choice,
    )


def _next_gdp(
    world: World, deliveries: Deliveries, parameters: Parameters, step: int
) -> FloatArray:
    """Y', with what investment and commodity prices do to it where O8 is on."""
    modules = parameters.modules
    if not modules.on.growth:
        return world.gdp * parameters.gdp_growth.at(step)
    prices = parameters.commodity.at(step + 1) - parameters.commodity.at(step)
    return economy.grow(
        world.gdp,
        parameters.gdp_rate.at(step),
        modules.investment_effect * sum_over(sum_over(deliveries.delivered, DOMAIN), POWER),
        modules.commodity_effect * prices,
    )


def _next_budget(world: World, now: Environment, parameters: Parameters) -> FloatArray:
    """M' (E2)."""
    p = parameters
    rate = offers.budget_rate(
        p.budget_growth,
        p.war_drain * now.war,
        p.sanction_drain * (now.sanctions - p.exchange.initial_sanctions),
        p.budget_commodity * now.commodity,
    )
    return offers.grow_budget(world.budget, rate, p.years)


def _next_opinion(
    happened: Record, telling: FloatArray, parameters: Parameters, step: int
) -> FloatArray:
    """What opinion has moved by, where O7 or O9 is on."""
    modules, moved = parameters.modules, happened.world.opinion_shift
    if not modules.on.opinion:
        return moved
    surprise = telling * (happened.deliveries.success - happened.offers.credibility)
    loss = np.zeros((1, 1, 1, 1))
    if happened.coercion is not None:
        loss = modules.opinion_loss * happened.coercion.struck
    return economy.move_opinion(
        moved,
        parameters.opinion.at(step),
        modules.reversion,
        modules.delivery_effect * sum_over(surprise, DOMAIN),
        loss,
    )
