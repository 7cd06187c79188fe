"""Outcomes of what stands at the start of a half-year, and what follows from others (1.14)."""

from __future__ import annotations

from typing import Final

from sim.axes import DOMAIN, PARTNER, POWER, STATE, sum_over
from sim.outcomes.kinds import Course, Derived, Stock
from sim.rules import measures

STOCKS: Final = (
    Stock(
        "dependence",
        "share",
        ("state", "power"),
        "dependence on each power, over all domains",
        compute=lambda w, t, p: t.total,
    ),
    Stock(
        "autonomy",
        "1",
        ("state",),
        "1 minus dependence weighted by coercibility",
        compute=lambda w, t, p: measures.autonomy(t.coercibility, t.total),
    ),
    Stock(
        "issue_splitting",
        "share",
        ("state",),
        "how far ties differ between domains: mean distance from the mean of all",
        compute=lambda w, t, p: measures.issue_splitting(t.by_domain, t.total),
    ),
    Stock(
        "security_level",
        "share",
        ("state",),
        "security from own means and ties",
        compute=lambda w, t, p: t.security_level,
    ),
    Stock(
        "opinion",
        "share",
        ("state", "power"),
        "share of the public that is well disposed to a power",
        compute=lambda w, t, p: t.opinion,
    ),
    Stock(
        "transit_dependence",
        "share",
        ("state", "power"),
        "share of a state's trade that must cross a power on the way to others",
        compute=lambda w, t, p: w.transit,
    ),
    Stock(
        "backlog",
        "USD bn",
        ("state", "power"),
        "signed and not yet come due",
        compute=lambda w, t, p: sum_over(w.backlog, DOMAIN),
    ),
    Stock(
        "investment",
        "USD bn",
        ("state", "power"),
        "realised investment stock outside security",
        compute=lambda w, t, p: w.investment,
    ),
    Stock(
        "trade",
        "USD bn/yr",
        ("state", "partner"),
        "trade turnover, exports and imports",
        compute=lambda w, t, p: w.trade,
    ),
    Stock(
        "remittances",
        "USD bn/yr",
        ("state",),
        "remittances from the power that hosts migrants",
        compute=lambda w, t, p: w.remittances,
    ),
    Stock(
        "allocation",
        "share",
        ("power", "domain"),
        "share of a power's money that it offers in a domain",
        compute=lambda w, t, p: sum_over(w.allocation, STATE),
    ),
    Stock(
        "budget",
        "USD bn/yr",
        ("power",),
        "budget flow of a power, before events and summits",
        compute=lambda w, t, p: w.budget,
    ),
    Stock(
        "unspent",
        "USD bn",
        ("power",),
        "money left from the half-year before",
        compute=lambda w, t, p: w.unspent,
    ),
    Stock("gdp", "USD bn/yr", ("state",), "gross domestic product", compute=lambda w, t, p: w.gdp),
)
DERIVED: Final = (
    Derived(
        "alignment_stock",
        "share",
        ("state", "power"),
        "share of each power in all dependence",
        of=("dependence",),
        compute=measures.shares,
    ),
    Derived(
        "remainder",
        "share",
        ("state",),
        "what a state relies on no power for",
        of=("dependence",),
        compute=lambda dependence: 1 - sum_over(dependence, POWER),
    ),
    Derived(
        "strongest_dependence",
        "share",
        ("state",),
        "dependence on the power that a state relies on most",
        of=("dependence",),
        compute=lambda dependence: dependence.max(axis=POWER, keepdims=True),
    ),
    Derived(
        "hedging_index",
        "share",
        ("state",),
        "0 with one partner, 1 with equal ties to all",
        of=("alignment_stock",),
        compute=measures.hedging_index,
    ),
    Derived(
        "entropy",
        "share",
        ("state",),
        "spread of ties by their entropy: 0 with one partner, 1 with equal ties to all",
        of=("alignment_stock",),
        compute=measures.entropy,
    ),
    Derived(
        "influence",
        "share",
        ("power",),
        "share of each power in the dependence of all states, weighted by GDP",
        of=("gdp", "dependence"),
        compute=measures.influence,
    ),
    Derived(
        "influence_equal",
        "share",
        ("power",),
        "the same with equal weights",
        of=("dependence",),
        compute=lambda dependence: measures.shares(sum_over(dependence, STATE)),
    ),
    Derived(
        "trade_share",
        "share",
        ("state", "partner"),
        "share of a partner in the trade of a state",
        of=("trade",),
        compute=lambda trade: measures.shares(trade, PARTNER),
    ),
)
COURSES: Final = (
    Course(
        "alignment",
        "share",
        ("state", "power"),
        "share of picks over the last three years, domains weighted as in dependence; "
        "the rest picked nobody",
        of=("pick_share",),
        compute=measures.moving_mean,
    ),
    Course(
        "alignment_money",
        "share",
        ("state", "power"),
        "share of each power in the money signed over the last three years",
        of=("signed",),
        compute=measures.moving_shares,
    ),
    Course(
        "polarisation",
        "share",
        (),
        "mean distance between the alignments of two states",
        of=("pick_share",),
        compute=measures.moving_polarisation,
    ),
    Course(
        "cohesion",
        "share",
        (),
        "1 minus polarisation",
        of=("pick_share",),
        compute=lambda shares, window: 1 - measures.moving_polarisation(shares, window),
    ),
    Course(
        "switch_rate",
        "share",
        ("state",),
        "share of changed partners among picks that followed a pick, last three years",
        of=("pick",),
        compute=measures.moving_switch_rate,
    ),
    Course(
        "delivery_ratio",
        "share",
        ("state", "power"),
        "delivered so far, in all that came due; 0 before anything did",
        of=("delivered", "lost"),
        compute=lambda delivered, lost, window: measures.running_ratio(delivered, lost),
    ),
    Course(
        "promise_gap",
        "USD bn",
        ("state", "power"),
        "signed so far and not delivered",
        of=("signed", "delivered"),
        compute=lambda signed, delivered, window: (signed - delivered).cumsum(axis=0),
    ),
)
