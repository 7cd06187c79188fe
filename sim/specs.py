"""What a scenario is made of: each field with its unit, axis and limits.

Symbols in comments are those of ``sim/MODEL.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sim.quantity import Form, Limits, Quantity, Simplex

ANY: Final = Limits()
SHARE: Final = Limits(0.0, 1.0)
POSITIVE_SHARE: Final = Limits(0.0, 1.0, positive=True)
AT_LEAST_0: Final = Limits(0.0)
POSITIVE: Final = Limits(0.0, positive=True)
THREAT: Final = Limits(0.0, 2.0)
RATE: Final = Limits(0.0, 100.0)
UP_TO_INFINITY: Final = Limits(0.0, infinite=True)
POSITIVE_UP_TO_INFINITY: Final = Limits(0.0, positive=True, infinite=True)


def quantity(
    unit: str,
    axis: str | None = None,
    limits: Limits = ANY,
    simplex: Simplex | None = None,
    sparse: bool = False,
    optional: bool = False,
) -> Any:
    """Declare a field that holds a ``Quantity`` of the given unit, axis and limits."""
    metadata = {"form": Form(unit, axis, limits, simplex, sparse)}
    return field(default=None, metadata=metadata) if optional else field(metadata=metadata)


class Uncertainty(StrEnum):
    """Whether replicates draw their parameters from the evidence ranges."""

    EVIDENCE = "evidence"
    NONE = "none"


class ChoiceRule(StrEnum):
    """How picks follow from utilities (E16)."""

    LOGIT = "logit"
    MEAN_FIELD = "mean_field"


class DeliveryRule(StrEnum):
    """How processed commitments become deliveries (E18)."""

    RANDOM = "random"
    EXPECTED = "expected"


class Prior(StrEnum):
    """Where beliefs about delivery start (E21)."""

    INFORMED = "informed"
    NAIVE = "naive"


class Target(StrEnum):
    """Variables of the environment that events act on (E1)."""

    SANCTIONS = "sanctions"
    THREAT = "threat"
    WAR = "war"
    MEMBERSHIP = "membership"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class InitialDependence:
    """Initial dependence on each power by domain (x0 of table 1.5; trade follows from trade)."""

    infrastructure: Quantity = quantity("share", "power", limits=SHARE, simplex=Simplex.AT_MOST)
    energy: Quantity = quantity("share", "power", limits=SHARE, simplex=Simplex.AT_MOST)
    security: Quantity = quantity("share", "power", limits=SHARE, simplex=Simplex.AT_MOST)
    technology: Quantity = quantity("share", "power", limits=SHARE, simplex=Simplex.AT_MOST)


@dataclass(frozen=True, kw_only=True)
class StateSpec:
    """A state that picks among offers (table 1.5)."""

    id: int
    name: str
    gdp: Quantity = quantity("USD bn/yr", limits=POSITIVE)  # Y0
    growth: Quantity = quantity("1/yr")  # g_s
    population: Quantity = quantity("persons m", limits=POSITIVE)
    conditionality_sensitivity: Quantity = quantity("1", limits=AT_LEAST_0)  # kappa_s
    hedging: Quantity = quantity("1", limits=AT_LEAST_0)  # chi_s
    threat: Quantity = quantity("1", limits=THREAT)  # tau0_s
    own_security: Quantity = quantity("1", limits=AT_LEAST_0)  # own_s
    responsiveness: Quantity = quantity("share", limits=SHARE)  # resp_s
    domain_weights: Quantity = quantity("1", "domain", limits=AT_LEAST_0)  # w_sd
    opinion: Quantity = quantity("share", "power", limits=SHARE)  # O_sp
    trade: Quantity = quantity("USD bn/yr", "partner", limits=AT_LEAST_0)  # T0_sj
    initial_dependence: InitialDependence
    remittances: Quantity = quantity("share", limits=SHARE)  # rem_s, of GDP
    remittances_from_russia: Quantity = quantity("share", limits=SHARE)  # rho_s
    reexport_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # rr_s


@dataclass(frozen=True, kw_only=True)
class PowerSpec:
    """A power that makes offers (tables 1.3, 1.4 and 1.6).

    ``imposes_sanctions`` marks the partners whose secondary sanctions a state fears in proportion
    to its trade with them (E12); ``hosts_migrants`` the one that remittances come from (E22).
    """

    id: int
    name: str
    imposes_sanctions: bool
    hosts_migrants: bool
    gdp: Quantity = quantity("USD bn/yr", limits=POSITIVE)  # Y^P
    growth: Quantity = quantity("1/yr")
    budget: Quantity = quantity("USD bn/yr", limits=AT_LEAST_0)  # M0_p
    budget_growth: Quantity = quantity("1/yr")  # g_p
    war_drain: Quantity = quantity("1/yr", limits=AT_LEAST_0)  # delta^W_p
    coercibility: Quantity = quantity("1", limits=AT_LEAST_0)  # theta_p
    sanction_exposure: Quantity = quantity("1", limits=SHARE)  # e_p
    protection: Quantity = quantity("share", limits=SHARE)  # prot_p without alliances
    conditionality: Quantity = quantity("share", "domain", limits=SHARE)  # c_pd
    delivery: Quantity = quantity("share", "domain", limits=SHARE)  # pi_pd
    domain_shares: Quantity = quantity("share", "domain", limits=SHARE, simplex=Simplex.AT_MOST)
    corridor_investment: Quantity = quantity("share", "corridor", limits=SHARE, sparse=True)  # iota
    investment_stock: Quantity = quantity("USD bn", limits=AT_LEAST_0)  # F^inv_0
    investment_split: Quantity | None = quantity(
        "share", "state", limits=SHARE, simplex=Simplex.AT_MOST, optional=True
    )


@dataclass(frozen=True, kw_only=True)
class InstitutionSpec:
    """An organisation or agreement: members, and what membership does (tables 1.5 and 1.6)."""

    id: int
    name: str
    members: Quantity = quantity("share", "state", limits=SHARE, sparse=True)  # M_si
    anchors: Mapping[str, Quantity] = quantity("log-odds", "domain", sparse=True)  # psi_ipd
    protection: Quantity | None = quantity(
        "share", "power", limits=SHARE, sparse=True, optional=True
    )


@dataclass(frozen=True, kw_only=True)
class EventSpec:
    """A dated event, or one that strikes at a yearly rate (E1, section 1.15).

    A dated event adds ``size`` from ``date`` on (membership: sets ``members``); one with a ``rate``
    adds ``size`` at each occurrence. The effect halves every ``half_life`` years.
    """

    id: int
    name: str
    target: Target
    evidence: tuple[str, ...] = ()
    assumption: str | None = None
    date: str | None = None
    until: str | None = None
    states: tuple[str, ...] = ()
    institution: str | None = None
    members: Quantity | None = quantity("share", "state", limits=SHARE, sparse=True, optional=True)
    rate: Quantity | None = quantity("1/yr", limits=RATE, optional=True)
    size: Quantity | None = quantity("1", optional=True)
    half_life: Quantity | None = quantity("years", limits=POSITIVE_UP_TO_INFINITY, optional=True)


@dataclass(frozen=True, kw_only=True)
class ChoiceRules:
    """Choice among offers (E6, E16)."""

    rule: ChoiceRule
    precision: Quantity = quantity("1", limits=UP_TO_INFINITY)  # lambda
    outside_option: Quantity = quantity("log-odds")  # u0
    value_scale: Quantity = quantity("percent of GDP", limits=POSITIVE_UP_TO_INFINITY)  # v0
    target_shares: Mapping[str, Quantity] = quantity(
        "share", "option", limits=POSITIVE_SHARE, simplex=Simplex.EXACT
    )


@dataclass(frozen=True, kw_only=True)
class AppraisalRules:
    """Weights of the terms of utility (E6-E14)."""

    conditionality_aversion: Quantity = quantity("log-odds", limits=AT_LEAST_0)  # beta_c
    lock_in: Quantity = quantity("log-odds", "domain", limits=AT_LEAST_0)  # beta_L,d
    security_need: Quantity = quantity("log-odds", limits=AT_LEAST_0)  # beta_s
    sanction_aversion: Quantity = quantity("log-odds", limits=AT_LEAST_0)  # beta_x
    sector_exposure: Quantity = quantity("share", "domain", limits=SHARE)  # sens_d
    opinion_weight: Quantity = quantity("log-odds", limits=AT_LEAST_0)  # beta_o
    peer_weight: Quantity = quantity("log-odds", limits=AT_LEAST_0)  # beta_n
    inertia: Quantity = quantity("log-odds", limits=AT_LEAST_0)  # beta_m


@dataclass(frozen=True, kw_only=True)
class OfferRules:
    """Budgets and offers (E2, E3)."""

    rollover: Quantity = quantity("share", limits=SHARE)  # psi
    minimum_offer: Quantity = quantity("USD bn", limits=AT_LEAST_0)  # g_min


@dataclass(frozen=True, kw_only=True)
class DeliveryRules:
    """From contract to delivery (E18)."""

    rule: DeliveryRule
    processing_time: Quantity = quantity("years", "domain", limits=POSITIVE)  # tau_d


@dataclass(frozen=True, kw_only=True)
class LearningRules:
    """Beliefs about delivery (E20, E21)."""

    prior: Prior
    prior_strength: Quantity = quantity("1", limits=POSITIVE)  # n0
    evidence_scale: Quantity = quantity("percent of GDP", limits=POSITIVE)  # e0
    evidence_weight: Quantity = quantity("1", limits=AT_LEAST_0)  # omega_b
    social_learning: Quantity = quantity("1", limits=AT_LEAST_0)  # omega_soc
    memory_half_life: Quantity = quantity("years", limits=POSITIVE_UP_TO_INFINITY)  # h_f


@dataclass(frozen=True, kw_only=True)
class CapitalRules:
    """Relationship capital and investment stocks (E19)."""

    depreciation: Quantity = quantity("1/yr", "domain", limits=SHARE)  # delta_d
    investment_depreciation: Quantity = quantity("1/yr", limits=SHARE)  # delta-bar
    scale: Quantity = quantity("percent of GDP", "domain", limits=POSITIVE)  # Ks_d


@dataclass(frozen=True, kw_only=True)
class DependenceRules:
    """Dependence and security (E22-E26, E31)."""

    weights: Quantity = quantity("share", "domain", limits=SHARE, simplex=Simplex.EXACT)  # omega_d
    remittance_capital: Quantity = quantity("years", limits=AT_LEAST_0)  # remcap
    transit_weight: Quantity = quantity("share", limits=SHARE)  # omega_tr
    protection_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # eta_S


@dataclass(frozen=True, kw_only=True)
class AdaptationRules:
    """Powers that shift their budgets (E28-E30)."""

    speed: Quantity = quantity("1/yr", limits=AT_LEAST_0)  # gamma
    tremble: Quantity = quantity("share", limits=SHARE)  # epsilon
    memory: Quantity = quantity("share", limits=SHARE)  # xi


@dataclass(frozen=True, kw_only=True)
class TradeRules:
    """Trade, corridors and remittances (E27)."""

    gdp_elasticity: Quantity = quantity("1", limits=AT_LEAST_0)  # epsilon_Ys
    partner_elasticity: Quantity = quantity("1", limits=AT_LEAST_0)  # epsilon_Yj
    cost_elasticity: Quantity = quantity("1", limits=AT_LEAST_0)  # zeta
    adjustment_time: Quantity = quantity("years", limits=POSITIVE)  # tau_T
    agreement_effects: Quantity = quantity(
        "1", "institution", limits=AT_LEAST_0, sparse=True
    )  # phi
    capital_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # phi_T
    sanction_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # varsigma_X
    rest_of_world_growth: Quantity = quantity("1/yr")
    time_cost: Quantity = quantity("percent per day", limits=AT_LEAST_0)  # VOT
    route_choice: Quantity = quantity("1 per percent-point", limits=POSITIVE)  # theta_rt
    freight_share: Quantity = quantity("share", limits=SHARE)  # varkappa
    freight_value: Quantity = quantity("bn/Mt", limits=POSITIVE)  # nu
    through_transit: Quantity = quantity("Mt/yr", limits=AT_LEAST_0)  # Q
    congestion: Quantity = quantity("1", limits=AT_LEAST_0)  # BPR factor
    congestion_power: Quantity = quantity("1", limits=AT_LEAST_0)  # BPR exponent
    remittance_elasticity: Quantity = quantity("1", limits=AT_LEAST_0)  # epsilon_m
    migration_preference: Quantity = quantity("1", limits=AT_LEAST_0)  # phi_m


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Outside conditions at the start (table 1.3)."""

    sanctions: Quantity = quantity("share", limits=SHARE)  # X0
    war: Quantity = quantity("flag", limits=SHARE)  # War


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All behavioural rules and their parameters."""

    choice: ChoiceRules
    appraisal: AppraisalRules
    offers: OfferRules
    delivery: DeliveryRules
    learning: LearningRules
    capital: CapitalRules
    dependence: DependenceRules
    adaptation: AdaptationRules
    trade: TradeRules
    environment: Environment
