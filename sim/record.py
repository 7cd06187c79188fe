"""The record of a step: what each process hands to the next."""

from __future__ import annotations

from dataclasses import dataclass

from sim.exchange import Exchange
from sim.processes import Appraisal, Contracts, Deliveries, Environment, Offers, Ties
from sim.review import Review
from sim.strategy import Coercion, Documents, Strategy
from sim.world import World


@dataclass(frozen=True)
class Record:
    """Everything that happened in one step, and the world that it started from."""

    world: World
    environment: Environment
    ties: Ties
    offers: Offers
    appraisal: Appraisal
    contracts: Contracts
    deliveries: Deliveries
    coercion: Coercion | None
    documents: Documents | None
    exchange: Exchange
    strategy: Strategy
    review: Review
