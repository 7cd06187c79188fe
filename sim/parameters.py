"""From drawn numbers to the arrays that a step reads.

``build`` arranges the numbers of ``sim.sampling`` over (state, power, domain, replicate); the last
axis has length 1 (the same for all replicates) or that of the chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim import calendar, exchange_parameters, module_parameters
from sim import parameter_parts as parts
from sim.axes import Domain, FloatArray, sum_over
from sim.draws import Ids
from sim.exchange_parameters import ExchangeParameters
from sim.module_parameters import ModuleParameters
from sim.parameter_parts import Constants, Initial
from sim.routes import coerces
from sim.rules import appraisal, shocks
from sim.sampling import Values
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, Prior, Target
from sim.table import Table, flags
from sim.timeline import Timeline

BELIEF_MARGIN: Final = 1e-6
"""Distance that initial beliefs keep from certainty (section 1.12)."""
NAIVE_BELIEF: Final = 0.5
"""Expected share of delivery of a state that knows nothing (E21)."""


@dataclass(frozen=True)
class Switches:
    """Rules that a scenario picks by name."""

    choice: ChoiceRule
    delivery: DeliveryRule
    exact: bool  # lambda infinite: best option, no noise


@dataclass(frozen=True)
class Parameters:
    """Everything a step reads beside the world and the draws; symbols as in the model document."""

    years: float  # Delta, length of a step
    switches: Switches
    initial: Initial
    exchange: ExchangeParameters
    modules: ModuleParameters
    allocation: FloatArray  # sigma, (S, P, D)
    # growth of economies and budgets
    gdp_growth: Timeline  # exp(g_s Delta), (S, 1, 1)
    gdp_rate: Timeline  # g_s Delta
    budget_growth: FloatArray  # g_p, 1/yr
    war_drain: FloatArray  # delta^W_p, 1/yr
    sanction_drain: FloatArray  # delta^X_p, 1/yr
    budget_commodity: FloatArray  # epsilon^c_p, 1/yr
    budget_factor: Timeline  # by events, (1, P, 1)
    pulse: Timeline  # O4, (1, P, 1)
    rollover: FloatArray  # psi
    minimum_offer: FloatArray  # g_min, USD bn
    # environment
    war: Timeline
    sanctions: Timeline  # X without surges
    threat: Timeline  # tau_s without surges
    commodity: Timeline  # ln Pc
    migration: Timeline  # mig_s, (S, 1, 1)
    reexports: Timeline  # Re
    protection: Timeline  # prot_ps, (S, P, 1)
    opinion: Timeline  # O_sp, (S, P, 1)
    affinity: Timeline  # E8, (S, P, D)
    surge_targets: tuple[Target, ...]  # one an event type
    surge_mean: FloatArray  # rate times Delta, (1, E, 1)
    surge_size: FloatArray  # (S, E, 1); 0 where a state is spared
    surge_kept: FloatArray  # share left after a step, (1, E, 1)
    # appraisal
    precision: FloatArray  # lambda
    outside_option: FloatArray  # u0
    value_scale: FloatArray  # v0, percent of GDP
    domain_weights: FloatArray  # w_sd
    conditionality: FloatArray  # c_pd before events
    condition_change: Timeline  # by events
    condition_discount: FloatArray  # 1 - b xi_c in the bloc, (S, 1, 1)
    conditions: Timeline  # c-tilde without concessions, (S, P, D)
    conditionality_cost: FloatArray  # beta_c kappa_s, (S, 1, 1)
    conditionality_term: Timeline  # E7 with its sign, without concessions
    hedging: FloatArray  # chi_s
    coercibility: Timeline  # theta_p, (1, P, 1)
    lock_in: FloatArray  # beta_L,d
    security_need: FloatArray  # beta_s
    sanction_cost: FloatArray  # beta_x e_p sens_d
    imposes_sanctions: FloatArray  # 1 for partners that impose sanctions, (1, J, 1)
    peer_weight: FloatArray  # beta_n
    inertia: FloatArray  # beta_m
    # delivery, learning, capital
    processing: FloatArray  # phi_d
    delivery: Timeline  # pi_pd, (1, P, D)
    delivery_sanctions: FloatArray | None  # delta^pi_p; None where no power has any
    prior_success: FloatArray  # a0
    prior_failure: FloatArray  # b0
    evidence_weight: FloatArray  # omega_b
    evidence_scale: FloatArray  # e0, percent of GDP
    social_learning: FloatArray  # omega_soc
    memory: FloatArray  # rho_f
    capital_retained: FloatArray  # (1 - delta_d)^Delta
    investment_retained: FloatArray
    # dependence
    dependence_weights: FloatArray  # omega_d
    remittance_capital: FloatArray  # remcap where the power hosts migrants, years
    transit_weight: FloatArray  # omega_tr
    own_security: FloatArray  # own_s
    protection_effect: FloatArray  # eta_S


def ids(scenario: Scenario) -> Ids:
    """Permanent ids of the entities of a scenario, which key its random numbers."""
    return Ids(
        states=tuple(state.id for state in scenario.states.values()),
        powers=tuple(power.id for power in scenario.powers.values()),
        events=tuple(
            (event.id, bool(event.states)) for event in calendar.poisson(scenario).values()
        ),
        coercion=coerces(scenario),
        documents=_document_power(scenario),
        trade=scenario.rules.trade.moving and _shaken(scenario),
    )


def _document_power(scenario: Scenario) -> int | None:
    """Id of the power that signs documents with the states, if it does (O10)."""
    documents = scenario.rules.documents
    signs = documents.signed.high[0] > 0 and documents.power in scenario.powers
    return scenario.powers[documents.power].id if signs else None


def _shaken(scenario: Scenario) -> bool:
    """Whether shocks strike the trade of any state of the run (O13)."""
    volatility = scenario.rules.trade.volatility
    return any(
        volatility.value[place] > 0 or volatility.high[place] > 0
        for place, state in enumerate(volatility.entries)
        if state in scenario.states
    )


def build(scenario: Scenario, values: Values, constants: Constants) -> Parameters:
    """Arrange drawn numbers into the arrays of a run.

    Parameters
    ----------
    scenario : what to run.
    values : from ``sample``.
    constants : choice constants alpha by power code, one a domain.
    """
    table = Table(scenario, values)
    years = scenario.horizon.step
    delivery = table("powers.{p}.delivery.{d}")
    strength = table("rules.learning.prior_strength")
    naive = scenario.rules.learning.prior is Prior.NAIVE
    belief = np.full_like(delivery, NAIVE_BELIEF) if naive else delivery
    belief = np.clip(belief, BELIEF_MARGIN, 1 - BELIEF_MARGIN)
    weights = table("states.{s}.domain_weights.{d}")
    aversion = table("rules.appraisal.conditionality_aversion") * table(
        "states.{s}.conditionality_sensitivity"
    )
    conditions = parts.Conditions(scenario, table)
    sanction_effects = table("powers.{p}.delivery_sanction_effect")
    events = calendar.poisson(scenario)

    def under(
        target: Target, base: FloatArray, least: float = -np.inf, most: float = np.inf
    ) -> Timeline:
        return calendar.under_events(scenario, table, target, base, least, most)

    def growth(step: int) -> FloatArray:
        added = calendar.growth(scenario, table, False, step)
        rate = table("states.{s}.growth")
        return (rate if added is None else rate + added) * years

    return Parameters(
        years=years,
        switches=Switches(
            choice=scenario.rules.choice.rule,
            delivery=scenario.rules.delivery.rule,
            exact=bool(np.isinf(scenario.rules.choice.precision.of())),
        ),
        initial=parts.initial_stocks(scenario, table),
        exchange=exchange_parameters.build(scenario, table, parts.initial_trade(scenario, table)),
        modules=module_parameters.build(scenario, table),
        allocation=parts.first_allocation(table),
        gdp_growth=calendar.by_events(
            scenario, (Target.GROWTH,), lambda step: np.exp(growth(step))
        ),
        gdp_rate=calendar.by_events(scenario, (Target.GROWTH,), growth),
        budget_growth=table("powers.{p}.budget_growth"),
        war_drain=table("powers.{p}.war_drain"),
        sanction_drain=table("powers.{p}.sanction_drain"),
        budget_commodity=table("powers.{p}.commodity_effect"),
        budget_factor=calendar.under_events(scenario, table, Target.BUDGET, np.ones((1, 1, 1, 1))),
        pulse=calendar.pulse(scenario, table("rules.offers.summit_share")),
        rollover=table("rules.offers.rollover"),
        minimum_offer=table("rules.offers.minimum_offer"),
        war=under(Target.WAR, table("rules.environment.war"), 0.0, 1.0),
        sanctions=under(Target.SANCTIONS, table("rules.environment.sanctions")),
        threat=under(Target.THREAT, table("states.{s}.threat")),
        commodity=under(Target.COMMODITY, np.zeros((1, 1, 1, 1))),
        migration=under(Target.MIGRATION, np.zeros((1, 1, 1, 1)), 0.0, 1.0),
        reexports=under(Target.REEXPORTS, np.ones((1, 1, 1, 1)), 0.0, 1.0),
        protection=calendar.by_events(
            scenario,
            (Target.MEMBERSHIP, Target.PROTECTION),
            lambda step: parts.protection(scenario, table, step),
        ),
        opinion=under(Target.OPINION, table("states.{s}.opinion.{p}"), 0.0, 1.0),
        affinity=calendar.by_events(
            scenario,
            (Target.MEMBERSHIP, Target.OPINION),
            lambda step: parts.affinity(scenario, table, constants, step),
        ),
        surge_targets=tuple(event.target for event in events.values()),
        surge_mean=table.events("rate", events) * years,
        surge_size=table.events("size", events) * calendar.struck(scenario, events),
        surge_kept=shocks.fade(table.events("half_life", events), years),
        precision=table("rules.choice.precision"),
        outside_option=table("rules.choice.outside_option"),
        value_scale=table("rules.choice.value_scale"),
        domain_weights=weights / (sum_over(weights, 2) / len(Domain)),
        conditionality=conditions.base,
        condition_change=conditions.over_time(conditions.change),
        condition_discount=conditions.discount,
        conditions=conditions.over_time(conditions.at),
        conditionality_cost=aversion,
        conditionality_term=conditions.over_time(
            lambda step: appraisal.conditionality(-aversion, conditions.at(step))
        ),
        hedging=table("states.{s}.hedging"),
        coercibility=under(Target.COERCIBILITY, table("powers.{p}.coercibility"), 0.0),
        lock_in=table("rules.appraisal.lock_in.{d}"),
        security_need=table("rules.appraisal.security_need"),
        sanction_cost=table("rules.appraisal.sanction_aversion")
        * table("powers.{p}.sanction_exposure")
        * table("rules.appraisal.sector_exposure.{d}"),
        imposes_sanctions=flags(
            [*(power.imposes_sanctions for power in scenario.powers.values()), False]
        ),
        peer_weight=table("rules.appraisal.peer_weight"),
        inertia=table("rules.appraisal.inertia"),
        processing=1 - np.exp(-years / table("rules.delivery.processing_time.{d}")),
        delivery=under(Target.DELIVERY, delivery, 0.0, 1.0),
        delivery_sanctions=sanction_effects if sanction_effects.any() else None,
        prior_success=strength * belief,
        prior_failure=strength * (1 - belief),
        evidence_weight=table("rules.learning.evidence_weight"),
        evidence_scale=table("rules.learning.evidence_scale"),
        social_learning=table("rules.learning.social_learning"),
        memory=shocks.fade(table("rules.learning.memory_half_life"), years),
        capital_retained=(1 - table("rules.capital.depreciation.{d}")) ** years,
        investment_retained=(1 - table("rules.capital.investment_depreciation")) ** years,
        dependence_weights=table("rules.dependence.weights.{d}"),
        remittance_capital=table("rules.dependence.remittance_capital")
        * flags([power.hosts_migrants for power in scenario.powers.values()]),
        transit_weight=table("rules.dependence.transit_weight"),
        own_security=table("states.{s}.own_security"),
        protection_effect=table("rules.dependence.protection_effect"),
    )
