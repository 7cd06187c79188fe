"""The main idea: one step of the world.

Each half-year the powers put offers on the table, every state appraises them and picks at most one
in each domain, contracts are signed, older contracts come due and are kept or broken, and what was
kept or broken changes what the states rely on and believe. ``SCHEDULE`` is that order as a table;
``advance`` is the only transition, for one replicate as for thousands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from sim.draws import Draws
from sim.parameters import Parameters
from sim.processes import (
    Appraisal,
    Contracts,
    Decide,
    Deliveries,
    Environment,
    Offers,
    Ties,
    appraise,
    decide_by_rule,
    deliver,
    environment,
    make_offers,
    measure_ties,
    next_world,
    sign_contracts,
)
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
        ("world.capital", "world.other_capital", "world.remittances", "world.trade"),
        ("ties",),
    ),
    Process(
        2,
        "make_offers",
        "E2-E5",
        (
            "world.budget",
            "world.unspent",
            "world.allocation",
            "world.gdp",
            "world.successes",
            "world.failures",
        ),
        ("offers",),
    ),
    Process(
        3,
        "appraise",
        "E6-E16",
        (
            "environment.sanctions",
            "environment.threat",
            "ties.by_domain",
            "ties.total",
            "offers.value",
            "offers.credibility",
            "offers.mask",
            "world.trade",
            "world.last_pick",
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
    Process(5, "deliver", "E18", ("world.backlog",), ("deliveries",)),
    Process(
        6,
        "next_world",
        "E2, E18-E21",
        (
            "world.gdp",
            "world.budget",
            "world.backlog",
            "world.capital",
            "world.other_capital",
            "world.investment",
            "world.successes",
            "world.failures",
            "environment.surge",
            "environment.war",
            "contracts",
            "deliveries.due",
            "deliveries.success",
            "deliveries.delivered",
        ),
        (
            "world.gdp",
            "world.budget",
            "world.unspent",
            "world.backlog",
            "world.capital",
            "world.other_capital",
            "world.investment",
            "world.successes",
            "world.failures",
            "world.last_pick",
            "world.surge",
        ),
    ),
)
"""Order of a step: nothing is read before it is written, and all agents act at once in a stage."""


@dataclass(frozen=True)
class Record:
    """Everything that happened in one step."""

    environment: Environment
    ties: Ties
    offers: Offers
    appraisal: Appraisal
    contracts: Contracts
    deliveries: Deliveries


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
    now = environment(world, parameters, draws, step)
    ties = measure_ties(world, parameters, step)
    table = make_offers(world, parameters)
    appraised = appraise(world, now, ties, table, parameters, step)
    rule = decide or decide_by_rule(parameters)
    contracts = sign_contracts(world, table, appraised, draws.choice[step], rule)
    deliveries = deliver(world, parameters, draws.delivery[step])
    following = next_world(world, now, contracts, deliveries, parameters)
    return following, Record(now, ties, table, appraised, contracts, deliveries)
