"""The main idea: one step of the world.

Each half-year the powers put offers on the table, every state appraises them and picks at most one
in each domain, contracts are signed, older contracts come due and are kept or broken, trade finds
its routes, powers shift their money to where it wins most, and what was kept or broken changes what
the states rely on and believe. ``SCHEDULE`` is that order as a table; ``advance`` is the only
transition, for one replicate as for thousands.
"""

from __future__ import annotations

from typing import Final, NamedTuple

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
from sim.strategy import adapt, coerce, sign_documents
from sim.transition import next_world
from sim.world import World


class Process(NamedTuple):
    """One row of the schedule."""

    stage: int
    name: str
    equations: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


SCHEDULE: Final = (
    Process(0, "environment", "E1", ("world.surge",), ("environment",)),
    Process(
        1,
        "measure_ties",
        "E22-E26, E31",
        (
            "world.capital",
            "world.other_capital",
            "world.trade",
            "world.remittances",
            "world.transit",
            "world.opinion_shift",
        ),
        ("ties",),
    ),
    Process(
        2,
        "make_offers",
        "E2-E5, O4, O5",
        (
            "world.gdp",
            "world.budget",
            "world.unspent",
            "world.allocation",
            "world.successes",
            "world.failures",
            "world.conditionality",
        ),
        ("offers",),
    ),
    Process(
        3,
        "appraise",
        "E6-E16, O1, O3",
        (
            "world.last_pick",
            "world.trade",
            "world.opinion_shift",
            "environment.sanctions",
            "environment.threat",
            "ties.by_domain",
            "ties.total",
            "ties.coercibility",
            "offers.mask",
            "offers.value",
            "offers.conditions",
            "offers.credibility",
        ),
        ("appraisal",),
    ),
    Process(
        4,
        "sign_contracts",
        "E16, E17",
        (
            "offers.available",
            "offers.amount",
            "appraisal.score",
            "appraisal.probability",
        ),
        ("contracts",),
    ),
    Process(
        5,
        "deliver",
        "E18",
        (
            "world.backlog",
            "environment.sanctions",
        ),
        ("deliveries",),
    ),
    Process(6, "coerce", "O9", ("ties.total",), ("coercion",)),
    Process(7, "sign_documents", "O10", (), ("documents",)),
    Process(
        8,
        "exchange",
        "E24, E27, O9, O11",
        (
            "world.gdp",
            "world.capital",
            "world.trade",
            "world.freight",
            "world.capacity",
            "environment.war",
            "environment.sanctions",
            "environment.threat",
            "environment.migration",
            "environment.reexports",
            "deliveries.delivered",
            "coercion",
        ),
        ("exchange",),
    ),
    Process(
        9,
        "adapt",
        "E28-E30, O2, O5",
        (
            "world.gdp",
            "world.allocation",
            "world.conditionality",
            "world.valuation",
            "world.returns",
            "world.first_choice",
            "offers.value",
            "offers.credibility",
            "appraisal.probability",
        ),
        ("strategy",),
    ),
    Process(
        10,
        "review",
        "section 1.14",
        (
            "offers.mask",
            "offers.value",
            "appraisal.terms",
            "appraisal.utility",
            "contracts.noise",
            "contracts.pick",
            "deliveries.chance",
        ),
        ("review",),
    ),
    Process(
        11,
        "next_world",
        "E2, E18-E21, O7, O8, O10",
        (
            "world.gdp",
            "world.budget",
            "world.backlog",
            "world.capital",
            "world.other_capital",
            "world.investment",
            "world.successes",
            "world.failures",
            "world.opinion_shift",
            "environment.surge",
            "environment.war",
            "environment.sanctions",
            "environment.commodity",
            "offers.credibility",
            "contracts.pick",
            "contracts.signed",
            "contracts.unspent",
            "deliveries.due",
            "deliveries.success",
            "deliveries.delivered",
            "coercion",
            "documents",
            "exchange.flow",
            "exchange.trade",
            "exchange.transit",
            "exchange.remittances",
            "exchange.capacity",
            "strategy",
        ),
        (
            "world.gdp",
            "world.budget",
            "world.unspent",
            "world.allocation",
            "world.backlog",
            "world.capital",
            "world.other_capital",
            "world.investment",
            "world.successes",
            "world.failures",
            "world.last_pick",
            "world.trade",
            "world.remittances",
            "world.transit",
            "world.freight",
            "world.capacity",
            "world.conditionality",
            "world.opinion_shift",
            "world.valuation",
            "world.returns",
            "world.first_choice",
            "world.surge",
        ),
    ),
)
"""Order of a step: nothing is read before it is written, and all agents act at once in a stage."""


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
    traded = exchange(world, now, deliveries, coercion, p, step)
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
