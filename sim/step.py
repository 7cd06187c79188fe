"""The main idea: one step of the world.

Each half-year the powers put offers on the table, every state appraises them and picks at most one
in each domain, contracts are signed, older contracts come due and are kept or broken, trade finds
its routes, powers shift their money to where it wins most, and what was kept or broken changes what
the states rely on and believe. ``SCHEDULE`` is that order as a table; ``advance`` is the only
transition, for one replicate as for thousands.
"""

from __future__ import annotations

from sim.draws import Draws
from sim.exchange import exchange
from sim.parameters import Parameters
from sim.processes import (
    Decide,
    appraise,
    decide_by_rule,
    deliver,
    environment,
    make_offers,
    measure_ties,
    sign_contracts,
)
from sim.record import Record
from sim.review import review
from sim.schedule import SCHEDULE, Process
from sim.strategy import adapt, coerce, sign_documents
from sim.transition import next_world
from sim.world import World

__all__ = ["SCHEDULE", "Process", "advance"]


def advance(
    world: World,
    parameters: Parameters,
    draws: Draws,
    step: int,
    decide: Decide | None = None,
) -> tuple[World, Record]:
    """Take the world through one step.

    Parameters
    ----------
    world : stocks at the start of the step.
    parameters, draws : of the same replicates.
    step : number of the step, from 0.
    decide : picks in place of the scenario's choice rule, for hosts with agents of their own.

    Returns
    -------
    World at the end of the step, and the record of what happened in it.
    """
    p = parameters
    now = environment(world, p, draws, step)
    ties = measure_ties(world, p, step)
    table = make_offers(world, p, step)
    appraised = appraise(world, now, ties, table, p, step)
    rule = decide or decide_by_rule(p)
    contracts = sign_contracts(world, table, appraised, draws.choice[step], rule)
    deliveries = deliver(world, now, p, draws.delivery[step], step)
    coercion = coerce(ties, p, draws.coercion[step], step)
    documents = sign_documents(p, draws.documents[step], step)
    traded = exchange(world, now, deliveries, coercion, p, draws.trade[step], step)
    strategy = adapt(world, table, appraised, p, step)
    judged = review(table, appraised, contracts, deliveries, p)
    happened = Record(
        world=world,
        environment=now,
        ties=ties,
        offers=table,
        appraisal=appraised,
        contracts=contracts,
        deliveries=deliveries,
        coercion=coercion,
        documents=documents,
        exchange=traded,
        strategy=strategy,
        review=judged,
    )
    return next_world(happened, p, step), happened
