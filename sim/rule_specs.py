"""The rules of a scenario: each parameter with its unit, axis and limits.

Symbols in comments are those of ``sim/MODEL.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sim.quantity import Limits, Quantity, Simplex
from sim.specs import (
    AT_LEAST_0,
    POSITIVE,
    POSITIVE_SHARE,
    POSITIVE_UP_TO_INFINITY,
    SHARE,
    UP_TO_INFINITY,
    ChoiceRule,
    DeliveryRule,
    Prior,
    quantity,
)

AT_LEAST_1: Final = Limits(1.0)
UP_TO_30: Final = Limits(0.0, 30.0)
"""Keeps exponentials finite; far beyond any range of the model."""
DOCUMENTS: Final = Limits(0.0, 1000.0)


@dataclass(frozen=True, kw_only=True)
class ChoiceRules:
    """Choice among offers (E6, E16)."""

    rule: ChoiceRule
    precision: Quantity = quantity("1", limits=UP_TO_INFINITY)  # lambda
    outside_option: Quantity = quantity("log-odds")  # u0
    nest: Quantity = quantity("1", limits=POSITIVE_SHARE)  # varsigma (O3)
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
    summit_share: Quantity = quantity("share", limits=SHARE)  # of the money, at summits (O4)


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
    """Powers that shift their budgets and conditions (E28-E30, O2, O5)."""

    speed: Quantity = quantity("1/yr", limits=UP_TO_30)  # gamma
    tremble: Quantity = quantity("share", limits=SHARE)  # epsilon
    memory: Quantity = quantity("share", limits=SHARE)  # xi
    condition_speed: Quantity = quantity("1/yr", limits=AT_LEAST_0)  # eta_c
    coordination: Mapping[str, Quantity] = quantity(
        "share", "power", limits=SHARE, sparse=True
    )  # varpi_pp'


@dataclass(frozen=True, kw_only=True)
class TradeRules:
    """Trade by partner (E27c)."""

    moving: bool  # False: trade stays as it is (O11)
    gdp_elasticity: Quantity = quantity("1", limits=AT_LEAST_0)  # epsilon_Ys
    partner_elasticity: Quantity = quantity("1", limits=AT_LEAST_0)  # epsilon_Yj
    cost_elasticity: Quantity = quantity("1", limits=AT_LEAST_0)  # zeta
    adjustment_time: Quantity = quantity("years", limits=POSITIVE)  # tau_T
    trend: Quantity = quantity("1/yr", "partner", sparse=True)  # vartheta_j
    trend_half_life: Quantity = quantity("years", limits=POSITIVE_UP_TO_INFINITY)  # H_vartheta
    capital_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # phi_T
    sanction_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # varsigma_X
    rest_of_world_growth: Quantity = quantity("1/yr")
    volatility: Quantity = quantity(
        "1/sqrt(yr)", "state", limits=AT_LEAST_0, sparse=True
    )  # sigma_s of shocks (O13)


@dataclass(frozen=True, kw_only=True)
class CorridorRules:
    """Route choice and congestion (E27a, E27b)."""

    moving: bool  # False: route shares and costs stay as they are (O11)
    transit_partner: str  # whose routes through-transit takes
    start_corridor: str  # whose share at the start gives theta
    time_cost: Quantity = quantity("percent per day", limits=AT_LEAST_0)  # VOT
    start_share: Quantity = quantity("share", limits=POSITIVE_SHARE)  # of through-transit
    freight_share: Quantity = quantity("share", limits=SHARE)  # varkappa
    freight_value: Quantity = quantity("bn/Mt", limits=POSITIVE)  # nu
    through_transit: Quantity = quantity("Mt/yr", limits=AT_LEAST_0)  # Q
    congestion: Quantity = quantity("1", limits=AT_LEAST_0)  # BPR factor
    congestion_power: Quantity = quantity("1", limits=AT_LEAST_1)  # BPR exponent
    unreachable_cost: Quantity = quantity("percent", limits=AT_LEAST_0)  # above C0, no route left


@dataclass(frozen=True, kw_only=True)
class RemittanceRules:
    """Remittances from the power that hosts migrants (E27d)."""

    elasticity: Quantity = quantity("1", limits=UP_TO_30)  # epsilon_m


@dataclass(frozen=True, kw_only=True)
class BlocRules:
    """States that bargain together (O1)."""

    cohesion: Quantity = quantity("share", limits=SHARE)  # b
    leverage: Quantity = quantity("share", limits=SHARE)  # xi_c
    members: Quantity = quantity("flag", "state", limits=SHARE, sparse=True)


@dataclass(frozen=True, kw_only=True)
class OpinionRules:
    """Public opinion that moves (O7)."""

    reversion: Quantity = quantity("1/yr", limits=AT_LEAST_0)  # kappa_o
    delivery_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # kappa_d


@dataclass(frozen=True, kw_only=True)
class GrowthRules:
    """Feedback of delivered investment on growth (O8)."""

    investment_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # eta_K


@dataclass(frozen=True, kw_only=True)
class CoercionRules:
    """Powers that use dependence as a weapon (O9)."""

    rate: Quantity = quantity("1/yr", "power", limits=AT_LEAST_0, sparse=True)  # rho_p
    trade_kept: Quantity = quantity("share", limits=SHARE)
    opinion_loss: Quantity = quantity("share", limits=SHARE)
    closes: tuple[str, ...] = ()  # corridors shut by the power that holds their chokepoint


@dataclass(frozen=True, kw_only=True)
class DocumentRules:
    """Documents signed at summits, and how many are carried out (O10)."""

    power: str
    signed: Quantity = quantity("documents", limits=DOCUMENTS)  # N_doc
    implemented: Quantity = quantity("share", limits=SHARE)  # pi_doc
    weight: Quantity = quantity("1", limits=AT_LEAST_0)


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
    corridors: CorridorRules
    remittances: RemittanceRules
    bloc: BlocRules
    opinion: OpinionRules
    growth: GrowthRules
    coercion: CoercionRules
    documents: DocumentRules
    environment: Environment
