"""From drawn numbers to the arrays that a step reads.

``build`` arranges the numbers of ``sim.sampling`` over (state, power, domain, replicate); the last
axis has length 1 (the same for all replicates) or that of the chunk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim import calendar
from sim.axes import DOMAINS, REPLICATE, ROW, Domain, FloatArray, sum_over
from sim.draws import Ids
from sim.rules import appraisal, shocks
from sim.sampling import Values
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, Prior, Target
from sim.table import Table, stack
from sim.timeline import Timeline

BELIEF_MARGIN: Final = 1e-6
"""Distance that initial beliefs keep from certainty (section 1.12)."""
NAIVE_BELIEF: Final = 0.5
"""Expected share of delivery of a state that knows nothing (E21)."""

Constants = Mapping[str, tuple[float, ...]]
"""Choice constants alpha by lower-case power code, one a domain."""


@dataclass(frozen=True)
class Switches:
    """Rules that a scenario picks by name."""

    choice: ChoiceRule
    delivery: DeliveryRule
    exact: bool  # lambda infinite: best option, no noise


@dataclass(frozen=True)
class Initial:
    """Stocks at the start of a run (axes state, power, domain, replicate)."""

    gdp: FloatArray
    budget: FloatArray
    capital: FloatArray
    other_capital: FloatArray
    investment: FloatArray
    trade: FloatArray
    remittances: FloatArray


@dataclass(frozen=True)
class Parameters:
    """Everything a step reads beside the world and the draws; symbols as in the model document."""

    years: float  # Delta, length of a step
    switches: Switches
    initial: Initial
    allocation: FloatArray  # sigma, (S, P, D)
    # growth of economies and budgets
    gdp_growth: FloatArray  # exp(g_s Delta), (S, 1, 1)
    budget_growth: FloatArray  # g_p, 1/yr
    war_drain: FloatArray  # delta^W_p, 1/yr
    rollover: FloatArray  # psi
    minimum_offer: FloatArray  # g_min, USD bn
    # environment
    war: Timeline
    sanctions: Timeline  # X without surges
    threat: Timeline  # tau_s without surges
    protection: Timeline  # prot_ps, (S, P, 1)
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
    conditionality: FloatArray  # c_pd
    conditionality_term: FloatArray  # E7 with its sign, (S, P, D): it does not change
    hedging: FloatArray  # chi_s
    coercibility: FloatArray  # theta_p
    lock_in: FloatArray  # beta_L,d
    security_need: FloatArray  # beta_s
    sanction_cost: FloatArray  # beta_x e_p sens_d
    imposes_sanctions: FloatArray  # 1 for partners that impose sanctions, (1, J, 1)
    peer_weight: FloatArray  # beta_n
    inertia: FloatArray  # beta_m
    # delivery, learning, capital
    processing: FloatArray  # phi_d
    delivery: FloatArray  # pi_pd
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
    condition = table("powers.{p}.conditionality.{d}")
    aversion = table("rules.appraisal.conditionality_aversion") * table(
        "states.{s}.conditionality_sensitivity"
    )
    events = calendar.poisson(scenario)
    return Parameters(
        years=years,
        switches=Switches(
            choice=scenario.rules.choice.rule,
            delivery=scenario.rules.delivery.rule,
            exact=bool(np.isinf(scenario.rules.choice.precision.of())),
        ),
        initial=_initial(scenario, table),
        allocation=_allocation(table),
        gdp_growth=np.exp(table("states.{s}.growth") * years),
        budget_growth=table("powers.{p}.budget_growth"),
        war_drain=table("powers.{p}.war_drain"),
        rollover=table("rules.offers.rollover"),
        minimum_offer=table("rules.offers.minimum_offer"),
        war=calendar.dated(scenario, table, Target.WAR, table("rules.environment.war")),
        sanctions=calendar.dated(
            scenario, table, Target.SANCTIONS, table("rules.environment.sanctions")
        ),
        threat=calendar.dated(scenario, table, Target.THREAT, table("states.{s}.threat")),
        protection=calendar.by_membership(
            scenario, lambda step: _protection(scenario, table, step)
        ),
        affinity=calendar.by_membership(
            scenario, lambda step: _affinity(scenario, table, constants, step)
        ),
        surge_targets=tuple(event.target for event in events.values()),
        surge_mean=table.events("rate", events) * years,
        surge_size=table.events("size", events) * calendar.struck(scenario, events),
        surge_kept=shocks.fade(table.events("half_life", events), years),
        precision=table("rules.choice.precision"),
        outside_option=table("rules.choice.outside_option"),
        value_scale=table("rules.choice.value_scale"),
        domain_weights=weights / (sum_over(weights, 2) / len(Domain)),
        conditionality=condition,
        conditionality_term=appraisal.conditionality(-aversion, condition),
        hedging=table("states.{s}.hedging"),
        coercibility=table("powers.{p}.coercibility"),
        lock_in=table("rules.appraisal.lock_in.{d}"),
        security_need=table("rules.appraisal.security_need"),
        sanction_cost=table("rules.appraisal.sanction_aversion")
        * table("powers.{p}.sanction_exposure")
        * table("rules.appraisal.sector_exposure.{d}"),
        imposes_sanctions=_flags(
            [*(power.imposes_sanctions for power in scenario.powers.values()), False]
        ),
        peer_weight=table("rules.appraisal.peer_weight"),
        inertia=table("rules.appraisal.inertia"),
        processing=1 - np.exp(-years / table("rules.delivery.processing_time.{d}")),
        delivery=delivery,
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
        * _flags([power.hosts_migrants for power in scenario.powers.values()]),
        own_security=table("states.{s}.own_security"),
        protection_effect=table("rules.dependence.protection_effect"),
    )


def _flags(flags: list[bool]) -> FloatArray:
    return np.array(flags, dtype=np.float64).reshape(1, -1, 1, 1)


# --- what several numbers make together -----------------------------------------------------------


def _initial(scenario: Scenario, table: Table) -> Initial:
    """Stocks at the start (E19): capital from initial dependence, investment from the documents."""
    gdp = table("states.{s}.gdp")
    share = table("states.{s}.initial_dependence.{d}.{p}", default=0.0)
    scale = table("rules.capital.scale.{d}") * gdp / 100
    trade = table("states.{s}.trade.{j}", default=0.0)
    trade[:, -1:] += _absent_partners(scenario, table)
    others = 1 - sum_over(share, 1)
    migrants = table("states.{s}.remittances_from_russia")
    return Initial(
        gdp=gdp,
        budget=table("powers.{p}.budget"),
        capital=share * scale,
        other_capital=others * scale,
        investment=_investment(scenario, table, gdp),
        trade=trade,
        remittances=table("states.{s}.remittances") * gdp * migrants,
    )


def _absent_partners(scenario: Scenario, table: Table) -> FloatArray:
    """Trade with powers that do not take part counts as trade with the rest of the world."""
    rows = []
    for code, state in scenario.states.items():
        absent = [p for p in state.trade.entries if p not in (*scenario.powers, ROW.lower())]
        total = np.zeros(1)
        for partner in absent:
            total = total + table.values[f"states.{code}.trade.{partner}"]
        rows.append(total)
    return stack(rows).reshape(len(rows), 1, 1, -1)


def _investment(scenario: Scenario, table: Table, gdp: FloatArray) -> FloatArray:
    """Initial investment stock by state, split as documented or in proportion to GDP."""
    stock = table("powers.{p}.investment_stock")
    by_gdp = gdp / sum_over(gdp, 0)
    columns = []
    for code, power in scenario.powers.items():
        if power.investment_split is None:
            columns.append(by_gdp)
            continue
        rows = [
            table.values.get(f"powers.{code}.investment_split.{state}", np.zeros(1))
            for state in scenario.states
        ]
        columns.append(stack(rows).reshape(len(rows), 1, 1, -1))
    length = max(column.shape[REPLICATE] for column in columns)
    wide = [np.broadcast_to(c, (*c.shape[:REPLICATE], length)) for c in columns]
    return stock * np.concatenate(wide, axis=1)


def _allocation(table: Table) -> FloatArray:
    """sigma0: domain shares of a power times state shares in proportion to the root of GDP."""
    root = np.sqrt(table("states.{s}.gdp"))
    return table("powers.{p}.domain_shares.{d}") * (root / sum_over(root, 0))


def _affinity(scenario: Scenario, table: Table, constants: Constants, step: int) -> FloatArray:
    """E8: Aff = alpha + sum_i M_si psi_ipd + beta_o resp_s (O_sp - 1/2), (S, P, D, ·)."""
    alpha = np.array([constants[power] for power in scenario.powers])
    opinion = (
        table("rules.appraisal.opinion_weight")
        * table("states.{s}.responsiveness")
        * (table("states.{s}.opinion.{p}") - 0.5)
    )
    total = alpha[None, :, :, None] + _target_shift(scenario, table) + opinion
    for name, institution in scenario.institutions.items():
        if any(power in institution.anchors for power in scenario.powers):
            anchor = table(f"institutions.{name}.anchors.{{p}}.{{d}}", default=0.0)
            total = total + calendar.members(scenario, table, name, step) * anchor
    return np.ascontiguousarray(total)


def _target_shift(scenario: Scenario, table: Table) -> FloatArray:
    """Drawn target shares move alpha by the change of their log-odds against "none".

    Exact for identical states; the central shares give zero.
    """
    targets = scenario.rules.choice.target_shares
    rows = []
    for power in scenario.powers:
        for domain in DOMAINS:
            path = f"rules.choice.target_shares.{domain}"
            drawn = np.log(table.values[f"{path}.{power}"] / table.values[f"{path}.none"])
            rows.append(drawn - np.log(targets[domain].of(power) / targets[domain].of("none")))
    return stack(rows).reshape(1, len(scenario.powers), len(DOMAINS), -1)


def _protection(scenario: Scenario, table: Table, step: int) -> FloatArray:
    """prot_ps: protection of a power, and what its alliances add for their members, at most 1."""
    total = table("powers.{p}.protection")
    for name, institution in scenario.institutions.items():
        if institution.protection is not None:
            added = table(f"institutions.{name}.protection.{{p}}", default=0.0)
            total = total + calendar.members(scenario, table, name, step) * added
    states = len(scenario.states)
    wide = np.broadcast_to(total, (states, *total.shape[1:]))
    return np.minimum(wide, 1.0)
