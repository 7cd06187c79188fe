"""Declared outcomes: name, unit, dimensions, and how each follows from the world.

Flows belong to a half-year; stocks are measured at its start, which is what the states see when
they choose. Both have one point a step; the stocks at the end of the run are kept apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.axes import DOMAIN, POWER, STATE, Domain, FloatArray, sum_over
from sim.parameters import Parameters
from sim.processes import Ties
from sim.rules import measures
from sim.step import Record
from sim.world import World

ALIGNMENT_WINDOW_YEARS: Final = 3.0
"""Years over which picks are averaged into alignment (section 1.14: six half-years)."""

Data = dict[str, NDArray[Any]]
"""Outcome arrays by name: (period, [state], [power], [domain], replicate)."""


@dataclass(frozen=True)
class Outcome:
    """One thing that a run reports; ``meaning`` is its definition in words."""

    name: str
    unit: str
    dims: tuple[str, ...]
    meaning: str


@dataclass(frozen=True)
class Flow(Outcome):
    """What happens in a half-year."""

    compute: Callable[[Record, Parameters], NDArray[Any]]
    dtype: str = "float64"


@dataclass(frozen=True)
class Stock(Outcome):
    """What stands at the start of a half-year."""

    compute: Callable[[World, Ties, Parameters], FloatArray]


@dataclass(frozen=True)
class Derived(Outcome):
    """What follows from other stocks at the same point."""

    of: tuple[str, ...]
    compute: Callable[..., FloatArray]


@dataclass(frozen=True)
class Trailing(Outcome):
    """Mean of a flow over the last years."""

    of: str
    years: float


def _picked(record: Record, p: Parameters) -> NDArray[Any]:
    """Number of the option picked (mean field: a power picked with more than even probability)."""
    hits = (record.contracts.pick > 0.5).view(np.int8)
    numbers = np.arange(1, hits.shape[POWER] + 1, dtype=np.int8).reshape(1, -1, 1, 1)
    found: NDArray[Any] = np.maximum.reduce(hits * numbers, axis=POWER, keepdims=True)
    return found


def _pick_share(record: Record, p: Parameters) -> FloatArray:
    return sum_over(p.dependence_weights * record.contracts.pick, DOMAIN)


def _acceptance(record: Record, p: Parameters) -> FloatArray:
    none = record.appraisal.probability[:, :1]
    return 1 - sum_over(none, DOMAIN) / len(Domain)


def _offered(record: Record, p: Parameters) -> FloatArray:
    mask = record.offers.mask
    amount = record.offers.amount if mask is None else record.offers.amount * mask
    return sum_over(sum_over(amount, DOMAIN), STATE)


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
    Flow("threat", "1", ("state",), "external threat", compute=lambda r, p: r.environment.threat),
    Flow(
        "sanctions",
        "share",
        (),
        "intensity of secondary sanctions",
        compute=lambda r, p: r.environment.sanctions,
    ),
)
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
        compute=lambda w, t, p: measures.autonomy(p.coercibility, t.total),
    ),
    Stock(
        "security_level",
        "share",
        ("state",),
        "security from own means and ties",
        compute=lambda w, t, p: t.security_level,
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
        "budget",
        "USD bn/yr",
        ("power",),
        "budget flow of a power",
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
        "hedging_index",
        "share",
        ("state",),
        "0 with one partner, 1 with equal ties to all",
        of=("alignment_stock",),
        compute=measures.hedging_index,
    ),
    Derived(
        "influence",
        "share",
        ("power",),
        "share of each power in the dependence of all states, weighted by GDP",
        of=("gdp", "dependence"),
        compute=measures.influence,
    ),
)
TRAILING: Final = (
    Trailing(
        "alignment",
        "share",
        ("state", "power"),
        "share of picks over the last three years; the rest picked nobody",
        of="pick_share",
        years=ALIGNMENT_WINDOW_YEARS,
    ),
)
OUTCOMES: Final[Mapping[str, Outcome]] = {
    outcome.name: outcome for outcome in (*FLOWS, *STOCKS, *DERIVED, *TRAILING)
}
