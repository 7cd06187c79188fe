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
    unit: str | tuple[str, ...],
    axis: str | None = None,
    limits: Limits = ANY,
    simplex: Simplex | None = None,
    sparse: bool = False,
    optional: bool = False,
) -> Any:
    """Declare a field that holds a ``Quantity`` of the given unit (or units), axis and limits."""
    units = (unit,) if isinstance(unit, str) else unit
    metadata = {"form": Form(units, axis, limits, simplex, sparse)}
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
    """What events act on (E1)."""

    SANCTIONS = "sanctions"  # X
    THREAT = "threat"  # tau_s
    WAR = "war"
    COMMODITY = "commodity"  # ln Pc
    MIGRATION = "migration"  # mig_s
    REEXPORTS = "reexports"  # Re
    GROWTH = "growth"  # g_s, g_j
    MEMBERSHIP = "membership"  # M_si
    AGREEMENT = "agreement"  # phi_ij
    BUDGET = "budget"  # M_p
    CONDITIONALITY = "conditionality"  # c_pd
    PROTECTION = "protection"  # prot_ps
    COERCIBILITY = "coercibility"  # theta_p
    DELIVERY = "delivery"  # pi_pd
    OPINION = "opinion"  # O_sp
    COERCION = "coercion"  # one strike, O9
    DAYS = "days"  # days_k
    CAPACITY = "capacity"  # Cap_k
    RISK = "risk"  # rho_k
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
    commodity_effect: Quantity = quantity("1")  # epsilon^c_s


@dataclass(frozen=True, kw_only=True)
class SummitSpec:
    """Calendar of a power's summits with the states (O4, O10)."""

    first: str
    every: Quantity = quantity("years", limits=POSITIVE)


@dataclass(frozen=True, kw_only=True)
class PowerSpec:
    """A power that makes offers (tables 1.3, 1.4 and 1.6).

    ``imposes_sanctions`` marks the partners whose secondary sanctions a state fears in proportion
    to its trade with them (E12); ``hosts_migrants`` the one that remittances come from (E22);
    ``sanctioned`` the one with which sanctions make trade harder, and ``reexport_partner`` those
    between which goods pass through the states while others do not trade directly (E27c).
    """

    id: int
    name: str
    imposes_sanctions: bool
    hosts_migrants: bool
    sanctioned: bool
    reexport_partner: bool
    gdp: Quantity = quantity("USD bn/yr", limits=POSITIVE)  # Y^P
    growth: Quantity = quantity("1/yr")
    budget: Quantity = quantity("USD bn/yr", limits=AT_LEAST_0)  # M0_p
    budget_growth: Quantity = quantity("1/yr")  # g_p
    war_drain: Quantity = quantity("1/yr", limits=AT_LEAST_0)  # delta^W_p
    sanction_drain: Quantity = quantity("1/yr", limits=AT_LEAST_0)  # delta^X_p
    commodity_effect: Quantity = quantity("1/yr")  # epsilon^c_p
    coercibility: Quantity = quantity("1", limits=AT_LEAST_0)  # theta_p
    sanction_exposure: Quantity = quantity("1", limits=SHARE)  # e_p
    protection: Quantity = quantity("share", limits=SHARE)  # prot_p without alliances
    conditionality: Quantity = quantity("share", "domain", limits=SHARE)  # c_pd
    delivery: Quantity = quantity("share", "domain", limits=SHARE)  # pi_pd
    delivery_sanction_effect: Quantity = quantity("1", limits=AT_LEAST_0)  # delta^pi_p
    domain_shares: Quantity = quantity("share", "domain", limits=SHARE, simplex=Simplex.AT_MOST)
    corridor_investment: Quantity = quantity("share", "corridor", limits=SHARE, sparse=True)  # iota
    investment_stock: Quantity = quantity("USD bn", limits=AT_LEAST_0)  # F^inv_0
    investment_split: Quantity | None = quantity(
        "share", "state", limits=SHARE, simplex=Simplex.AT_MOST, optional=True
    )
    summits: SummitSpec | None = None
    entry_shares: Quantity | None = quantity(
        "share", "domain", limits=POSITIVE_SHARE, optional=True
    )


@dataclass(frozen=True, kw_only=True)
class CorridorSpec:
    """A trade route (table 1.7).

    ``partners`` are the trade partners it leads to, ``states`` those that can use it (all, if none
    is named), ``chokepoint`` the power that can close it. ``own_leg`` is the part of freight, time
    and congestion that trade with that power itself pays, which does not go all the way.
    """

    id: int
    name: str
    partners: tuple[str, ...]
    states: tuple[str, ...] = ()
    chokepoint: str | None = None
    freight: Quantity = quantity("percent", limits=AT_LEAST_0)  # f_k, of the value of goods
    days: Quantity = quantity("days", limits=AT_LEAST_0)  # days_k
    sanction_risk: Quantity = quantity("percent", limits=AT_LEAST_0)  # rho_k at X = 1
    threat_risk: Quantity = quantity("percent", limits=AT_LEAST_0)  # for each unit of mean threat
    own_leg: Quantity = quantity("share", limits=POSITIVE_SHARE)  # see the class
    capacity: Quantity = quantity("Mt/yr", limits=AT_LEAST_0)  # Cap_k, 0: closed
    capacity_limit: Quantity = quantity("Mt/yr", limits=AT_LEAST_0)  # Cap^max_k
    investment_effect: Quantity = quantity("Mt/bn", limits=AT_LEAST_0)  # c_k


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
    trade_effect: Quantity | None = quantity(
        "1", "power", limits=AT_LEAST_0, sparse=True, optional=True
    )  # phi_ij
    migration_effect: Quantity | None = quantity("1", limits=AT_LEAST_0, optional=True)  # phi_m


@dataclass(frozen=True, kw_only=True)
class EventSpec:
    """A dated event, or one that strikes at a yearly rate (E1, section 1.15).

    A dated event adds ``size`` or multiplies by ``factor`` from ``date`` on, or grows to that
    evenly from ``date`` to ``until``; the effect halves every ``half_life`` years. A membership
    event sets ``members``; an event with a ``rate`` adds ``size`` at each occurrence. ``states``,
    ``powers``, ``domains`` and ``corridors`` say on whom it acts, on all if left out.
    """

    id: int
    name: str
    target: Target
    evidence: tuple[str, ...] = ()
    assumption: str | None = None
    date: str | None = None
    until: str | None = None
    states: tuple[str, ...] = ()
    powers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    corridors: tuple[str, ...] = ()
    institution: str | None = None
    members: Quantity | None = quantity("share", "state", limits=SHARE, sparse=True, optional=True)
    rate: Quantity | None = quantity("1/yr", limits=RATE, optional=True)
    size: Quantity | None = quantity(("1", "1/yr", "Mt/yr", "days", "percent"), optional=True)
    factor: Quantity | None = quantity("ratio", limits=AT_LEAST_0, optional=True)
    half_life: Quantity | None = quantity("years", limits=POSITIVE_UP_TO_INFINITY, optional=True)
