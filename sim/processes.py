"""The processes of a step: each composes a few rules into one bundle of arrays.

A bundle is what one process hands to the next. Shapes are (state, power, domain, replicate), short
S, P, D, R; a dot stands for 1 or R.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from sim.axes import BoolArray, FloatArray
from sim.draws import Draws
from sim.parameters import Parameters
from sim.rules import appraisal, choice, delivery, dependence, learning, offers, shocks
from sim.specs import ChoiceRule, DeliveryRule, Target
from sim.world import World

THREAT_MAX: Final = 2.0
"""Upper end of the threat scale (section 1.2)."""
NOTHING: Final = np.zeros((1, 1, 1, 1))
"""A term of utility that is switched off."""


@dataclass(frozen=True)
class Environment:
    """Outside conditions of a step (E1)."""

    surge: FloatArray  # (S, E, 1, R)
    war: FloatArray  # (1, 1, 1, ·), 0..1
    sanctions: FloatArray  # X, (1, 1, 1, ·), 0..1
    threat: FloatArray  # tau_s, (S, 1, 1, ·)
    commodity: FloatArray  # ln Pc, (1, 1, 1, ·)
    migration: FloatArray  # mig_s, (S, 1, 1, ·), 0..1
    reexports: FloatArray  # Re, (1, 1, 1, ·), 0..1


@dataclass(frozen=True)
class Ties:
    """What each state relies on, measured at the start of the step (E22-E26, E31)."""

    by_domain: FloatArray  # x, (S, P, D, R)
    total: FloatArray  # D, (S, P, 1, R)
    security_level: FloatArray  # Sec, (S, 1, 1, R)
    coercibility: FloatArray  # theta_p, (1, P, 1, ·)
    opinion: FloatArray  # O, (S, P, 1, ·), shares


@dataclass(frozen=True)
class Offers:
    """What is on the table (E2-E5): value, conditions and how far they are believed."""

    available: FloatArray  # Av, (1, P, 1, R), USD bn
    amount: FloatArray  # g, (S, P, D, R), USD bn
    posted: BoolArray  # (S, P, D, R)
    mask: BoolArray | None  # the same; None where every offer is posted
    value: FloatArray  # v, (S, P, D, R), percent of GDP
    conditions: FloatArray  # c-tilde, (S, P, D, ·), shares
    credibility: FloatArray  # mu, (S, P, D, R)


class Terms(NamedTuple):
    """Terms of utility with their signs (E6-E14), each broadcasting to (S, P, D, R), log-odds."""

    benefit: FloatArray
    conditionality: FloatArray
    affinity: FloatArray
    hedging: FloatArray
    lock_in: FloatArray
    security: FloatArray
    sanctions: FloatArray
    peers: FloatArray
    inertia: FloatArray
    bloc: FloatArray  # O1


@dataclass(frozen=True)
class Appraisal:
    """Utility of every offer and what a rational chooser would make of it (E15, E16)."""

    terms: Terms
    utility: FloatArray  # U, (S, P, D, R)
    score: FloatArray  # lambda U (U if lambda = inf), "none" first, -inf where not on the table
    probability: FloatArray  # P, (S, 1 + P, D, R), "none" first


@dataclass(frozen=True)
class Contracts:
    """What was picked and signed (E16, E17)."""

    noise: FloatArray  # G, (S, 1 + P, D, R)
    pick: FloatArray  # y, (S, P, D, R)
    signed: FloatArray  # (S, P, D, R), USD bn
    unspent: FloatArray  # Un, (1, P, 1, R), USD bn


@dataclass(frozen=True)
class Deliveries:
    """What came due and what became of it (E18)."""

    due: FloatArray  # proc, (S, P, D, R), USD bn
    chance: FloatArray  # pi, (·, P, D, ·)
    success: FloatArray  # Z, (S, P, D, R)
    delivered: FloatArray  # Rd, USD bn
    lost: FloatArray  # Lp, USD bn


Decide = Callable[[World, Offers, Appraisal, FloatArray], FloatArray]
"""Turns an appraisal and its Gumbel noise into picks (S, P, D, R)."""


def environment(world: World, parameters: Parameters, draws: Draws, step: int) -> Environment:
    """E1: dated events and the fading surges of those that strike at a rate."""
    count = shocks.occurrences(draws.events[step], parameters.surge_mean)
    surge = shocks.surge(world.surge, parameters.surge_kept, parameters.surge_size, count)
    sanctions, threat = parameters.sanctions.at(step), parameters.threat.at(step)
    for event, target in enumerate(parameters.surge_targets):
        if target is Target.SANCTIONS:
            sanctions = sanctions + surge[:1, event : event + 1]
        elif target is Target.THREAT:
            threat = threat + surge[:, event : event + 1]
    return Environment(
        surge=surge,
        war=parameters.war.at(step),
        sanctions=np.clip(sanctions, 0.0, 1.0),
        threat=np.clip(threat, 0.0, THREAT_MAX),
        commodity=parameters.commodity.at(step),
        migration=parameters.migration.at(step),
        reexports=parameters.reexports.at(step),
    )


def measure_ties(world: World, parameters: Parameters, step: int) -> Ties:
    """E22-E26, E31: dependence by domain and in total, the security it buys, and opinion."""
    migrants = parameters.remittance_capital * world.remittances
    share = dependence.by_domain(
        world.capital,
        world.other_capital,
        migrants,
        world.trade,
        world.transit,
        parameters.transit_weight,
    )
    opinion = parameters.opinion.at(step)
    if parameters.modules.on.opinion:
        opinion = np.clip(opinion + world.opinion_shift, 0.0, 1.0)
    return Ties(
        by_domain=share,
        total=dependence.total(parameters.dependence_weights, share),
        security_level=dependence.security_level(
            parameters.own_security,
            parameters.protection_effect,
            parameters.protection.at(step),
            share,
        ),
        coercibility=parameters.coercibility.at(step),
        opinion=opinion,
    )


def make_offers(world: World, parameters: Parameters, step: int) -> Offers:
    """E2-E5: what each power puts on the table, and how far each state believes it."""
    p = parameters
    income = world.budget * p.years * p.pulse.at(step) * p.budget_factor.at(step)
    available = offers.available_money(income, world.unspent, p.rollover)
    conditions = p.conditions.at(step)
    if p.modules.on.concessions:
        conditions = world.conditionality + p.condition_change.at(step)
        conditions = np.clip(conditions, 0.0, 1.0) * p.condition_discount
    amount = offers.amounts(world.allocation, available)
    posted = offers.posted(amount, parameters.minimum_offer)
    return Offers(
        available=available,
        amount=amount,
        posted=posted,
        mask=None if posted.all() else posted,
        value=offers.value(amount, world.gdp),
        conditions=conditions,
        credibility=learning.credibility(world.successes, world.failures),
    )


def appraise(
    world: World, now: Environment, ties: Ties, table: Offers, parameters: Parameters, step: int
) -> Appraisal:
    """E6-E16: utility of each offer as a sum of named terms, and the choice probabilities."""
    p = parameters
    exposed = appraisal.exposed_trade(world.trade, p.imposes_sanctions)
    conditionality = p.conditionality_term.at(step)
    if p.modules.on.concessions:
        conditionality = appraisal.conditionality(-p.conditionality_cost, table.conditions)
    affinity = p.affinity.at(step)
    if p.modules.on.opinion:
        affinity = affinity + p.modules.opinion_weight * (ties.opinion - p.opinion.at(step))
    terms = Terms(
        benefit=appraisal.benefit(p.domain_weights, table.credibility, table.value, p.value_scale),
        conditionality=conditionality,
        affinity=affinity,
        hedging=appraisal.hedging(-p.hedging, ties.coercibility, ties.total),
        lock_in=appraisal.lock_in(p.lock_in, ties.by_domain),
        security=appraisal.security(p.security_need, now.threat, p.protection.at(step)),
        sanctions=appraisal.sanctions(p.sanction_cost, -now.sanctions, exposed),
        peers=appraisal.peers(p.peer_weight, world.last_pick),
        inertia=appraisal.inertia(p.inertia, world.last_pick),
        bloc=NOTHING,
    )
    utility = add_up(terms)
    if p.modules.on.bloc:
        bloc = appraisal.solidarity(p.modules.cohesion, p.modules.members, utility)
        terms, utility = terms._replace(bloc=bloc), utility + bloc
    score = score_of(utility, table, p)
    probable = choice.best_probabilities if p.switches.exact else choice.probabilities
    return Appraisal(terms, utility, score, probable(score, None))


def score_of(utility: FloatArray, table: Offers, parameters: Parameters) -> FloatArray:
    """Scores lambda U of what is on the table, "none" first, for the rules of choice (E16, O3)."""
    p = parameters
    precision = np.ones(1) if p.switches.exact else p.precision
    score = choice.on_the_table(choice.scores(utility, p.outside_option, precision), table.mask)
    if p.modules.on.nest and not p.switches.exact:
        score = choice.nested(score, p.modules.nest)
    return score


def add_up(terms: Terms) -> FloatArray:
    """E15: U = Ben - Con + Aff - Hed + Lock + Sct - San + Peer + Ine (terms carry their signs)."""
    first, second, *others, _ = terms
    utility = first + second
    for term in others:
        utility += term
    return utility


def decide_by_rule(parameters: Parameters) -> Decide:
    """Picks by the choice rule of the scenario (E16)."""
    switches = parameters.switches

    def decide(world: World, table: Offers, appraised: Appraisal, noise: FloatArray) -> FloatArray:
        if switches.choice is ChoiceRule.MEAN_FIELD:
            return appraised.probability[:, 1:].copy()
        rule = choice.best if switches.exact else choice.pick
        return rule(appraised.score, None, noise)

    return decide


def sign_contracts(
    world: World, table: Offers, appraised: Appraisal, uniform: FloatArray, decide: Decide
) -> Contracts:
    """E16, E17: picks, the money signed, and what is left with each power."""
    noise = choice.gumbel(uniform)
    pick = decide(world, table, appraised, noise)
    signed = delivery.sign(pick, table.amount)
    return Contracts(noise, pick, signed, delivery.unspent(table.available, signed))


def deliver(
    world: World, now: Environment, parameters: Parameters, uniform: FloatArray, step: int
) -> Deliveries:
    """E18: what comes due of the backlog, and whether it is delivered or lost."""
    due = delivery.processed(world.backlog, parameters.processing)
    chance = parameters.delivery.at(step)
    if parameters.delivery_sanctions is not None:
        pressure = now.sanctions - parameters.exchange.initial_sanctions
        chance = delivery.under_sanctions(chance, parameters.delivery_sanctions, pressure)
    switches = parameters.switches
    expected = switches.delivery is DeliveryRule.EXPECTED
    if expected or switches.choice is ChoiceRule.MEAN_FIELD:
        success = np.broadcast_to(chance, due.shape)
    else:
        success = delivery.outcome(uniform, chance)
    delivered = due * success
    return Deliveries(due, chance, success, delivered, lost=due - delivered)
