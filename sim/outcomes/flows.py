"""Outcomes of what happens in a half-year (section 1.14)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.axes import DOMAIN, PARTNER, POWER, STATE, Domain, FloatArray, sum_over
from sim.outcomes.kinds import Flow
from sim.parameters import Parameters
from sim.record import Record
from sim.rules import measures


def _picked(record: Record, p: Parameters) -> NDArray[Any]:
    """Number of the option picked (mean field: a power picked with more than even probability)."""
    hits = (record.contracts.pick > 0.5).view(np.int8)
    numbers = np.arange(1, hits.shape[POWER] + 1, dtype=np.int8).reshape(1, -1, 1, 1)
    found: NDArray[Any] = np.maximum.reduce(hits * numbers, axis=POWER, keepdims=True)
    return found


def _pick_share(record: Record, p: Parameters) -> FloatArray:
    return sum_over(p.dependence_weights * record.contracts.pick, DOMAIN)


def _pick_probability(record: Record, p: Parameters) -> FloatArray:
    return sum_over(p.dependence_weights * record.appraisal.probability[:, 1:], DOMAIN)


def _acceptance(record: Record, p: Parameters) -> FloatArray:
    none = record.appraisal.probability[:, :1]
    return 1 - sum_over(none, DOMAIN) / len(Domain)


def _offered(record: Record, p: Parameters) -> FloatArray:
    mask = record.offers.mask
    amount = record.offers.amount if mask is None else record.offers.amount * mask
    return sum_over(sum_over(amount, DOMAIN), STATE)


def _belief_error(record: Record, p: Parameters) -> FloatArray:
    return sum_over(record.offers.credibility - record.deliveries.chance, DOMAIN) / len(Domain)


def _conditions(record: Record, p: Parameters) -> FloatArray:
    return sum_over(record.offers.conditions, DOMAIN) / len(Domain)


def _share(part: FloatArray) -> FloatArray:
    """Shares along the corridor axis."""
    return measures.shares(part, PARTNER)


def _struck(record: Record, p: Parameters) -> FloatArray:
    return np.zeros((1, 1, 1, 1)) if record.coercion is None else record.coercion.struck


def _documents(record: Record, implemented: bool) -> FloatArray:
    if record.documents is None:
        return np.zeros((1, 1, 1, 1))
    return record.documents.implemented if implemented else record.documents.signed


# --- welfare: six accounts that are never added up unasked -------------------------------------


def _from_investment(record: Record, p: Parameters) -> FloatArray:
    delivered = sum_over(sum_over(record.deliveries.delivered, DOMAIN), POWER)
    return measures.investment_gain(delivered, record.world.gdp, p.years)


def _from_trade(record: Record, p: Parameters) -> FloatArray:
    x = p.exchange
    now = sum_over(record.world.trade, PARTNER) / record.world.gdp
    start = sum_over(x.initial_trade, PARTNER) / x.initial_gdp
    return measures.trade_gain(now, start, x.cost_effect * 100)


def _from_remittances(record: Record, p: Parameters) -> FloatArray:
    x = p.exchange
    return record.world.remittances / record.world.gdp - x.initial_remittances / x.initial_gdp


def _from_dependence(record: Record, p: Parameters) -> FloatArray:
    ties = record.ties
    return -p.hedging / 2 * sum_over(ties.coercibility * ties.total * ties.total, POWER)


def _from_security(record: Record, p: Parameters) -> FloatArray:
    return -record.environment.threat * (1 - record.ties.security_level)


def _from_conditions(record: Record, p: Parameters) -> FloatArray:
    cost = p.conditionality_cost * record.offers.conditions * record.contracts.pick
    return -sum_over(sum_over(cost, DOMAIN), POWER) / len(Domain)


FLOWS: Final = (
    Flow(
        "pick",
        "option",
        ("state", "domain"),
        "option picked: 0 none, then the powers in order",
        compute=_picked,
        dtype="int8",
    ),
    Flow(
        "pick_share",
        "share",
        ("state", "power"),
        "share of picks in the half-year, domains weighted as in dependence",
        compute=_pick_share,
    ),
    Flow(
        "pick_probability",
        "share",
        ("state", "power"),
        "probability of being picked, domains weighted as in dependence",
        compute=_pick_probability,
    ),
    Flow(
        "acceptance",
        "share",
        ("state",),
        "probability of picking any offer, mean over domains",
        compute=_acceptance,
    ),
    Flow("offered", "USD bn", ("power",), "money on the table in the half-year", compute=_offered),
    Flow(
        "signed",
        "USD bn",
        ("state", "power"),
        "money signed in the half-year",
        compute=lambda r, p: sum_over(r.contracts.signed, DOMAIN),
    ),
    Flow(
        "delivered",
        "USD bn",
        ("state", "power"),
        "money delivered in the half-year",
        compute=lambda r, p: sum_over(r.deliveries.delivered, DOMAIN),
    ),
    Flow(
        "lost",
        "USD bn",
        ("state", "power"),
        "money that came due and was not delivered",
        compute=lambda r, p: sum_over(r.deliveries.lost, DOMAIN),
    ),
    Flow(
        "credibility",
        "share",
        ("state", "power"),
        "believed share of delivery when choosing, mean over domains",
        compute=lambda r, p: sum_over(r.offers.credibility, DOMAIN) / len(Domain),
    ),
    Flow(
        "belief_error",
        "share",
        ("state", "power"),
        "believed share of delivery less the true one, mean over domains",
        compute=_belief_error,
    ),
    Flow(
        "conditions",
        "share",
        ("state", "power"),
        "conditions attached to offers, mean over domains",
        compute=_conditions,
    ),
    Flow(
        "regret",
        "log-odds",
        ("state",),
        "utility forgone against the best option at true delivery, mean over domains",
        compute=lambda r, p: r.review.regret,
    ),
    Flow(
        "regret_noise",
        "log-odds",
        ("state",),
        "part of regret that would remain with true beliefs; the rest is misbelief",
        compute=lambda r, p: r.review.noise,
    ),
    Flow("threat", "1", ("state",), "external threat", compute=lambda r, p: r.environment.threat),
    Flow(
        "sanctions",
        "share",
        (),
        "intensity of secondary sanctions",
        compute=lambda r, p: r.environment.sanctions,
    ),
    Flow("war", "flag", (), "1 while the war lasts", compute=lambda r, p: r.environment.war),
    Flow(
        "commodity",
        "1",
        (),
        "log of the commodity price index against the start",
        compute=lambda r, p: r.environment.commodity,
    ),
    Flow(
        "migration",
        "share",
        ("state",),
        "how far migration is closed",
        compute=lambda r, p: r.environment.migration,
    ),
    Flow(
        "coercion",
        "flag",
        ("state", "power"),
        "1 where a power coerced a state",
        compute=_struck,
    ),
    Flow(
        "documents_signed",
        "documents",
        (),
        "documents signed at a summit of the half-year",
        compute=lambda r, p: _documents(r, implemented=False),
    ),
    Flow(
        "documents_implemented",
        "documents",
        (),
        "how many of them are carried out",
        compute=lambda r, p: _documents(r, implemented=True),
    ),
    Flow(
        "corridor_flow",
        "Mt/yr",
        ("corridor",),
        "traffic on a corridor",
        compute=lambda r, p: r.exchange.flow,
    ),
    Flow(
        "corridor_share",
        "share",
        ("corridor",),
        "share of a corridor in all traffic",
        compute=lambda r, p: _share(r.exchange.flow),
    ),
    Flow(
        "route_share",
        "share",
        ("corridor",),
        "share of a corridor in west-bound freight, which all through-transit is",
        compute=lambda r, p: r.exchange.transit_routes,
    ),
    Flow(
        "capacity",
        "Mt/yr",
        ("corridor",),
        "capacity in force",
        compute=lambda r, p: r.exchange.open_capacity,
    ),
    Flow(
        "trade_cost",
        "percent",
        ("state", "partner"),
        "cost of reaching a partner in percent of the value of goods, a log-sum over routes",
        compute=lambda r, p: r.exchange.cost,
    ),
    Flow(
        "welfare_investment",
        "1",
        ("state",),
        "log gain from delivered investment (W1)",
        compute=_from_investment,
    ),
    Flow(
        "welfare_trade",
        "share",
        ("state",),
        "gain from trade against the start (W2)",
        compute=_from_trade,
    ),
    Flow(
        "welfare_remittances",
        "share",
        ("state",),
        "remittances in GDP, less those at the start (W3)",
        compute=_from_remittances,
    ),
    Flow(
        "welfare_dependence",
        "log-odds",
        ("state",),
        "cost of total dependence, negative (W4)",
        compute=_from_dependence,
    ),
    Flow(
        "welfare_security",
        "1",
        ("state",),
        "threat that is not averted, negative (W5)",
        compute=_from_security,
    ),
    Flow(
        "welfare_conditions",
        "log-odds",
        ("state",),
        "cost of the conditions accepted, negative (W6)",
        compute=_from_conditions,
    ),
)
