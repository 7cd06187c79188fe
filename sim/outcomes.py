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
from sim.processes import Ties, measure_ties
from sim.rules import measures
from sim.step import Record
from sim.world import World

ALIGNMENT_WINDOW_YEARS: Final = 3.0
"""Years over which picks are averaged into alignment (section 1.14: six half-years)."""

_AXES: Final = {"state": STATE, "power": POWER, "domain": DOMAIN}

Data = dict[str, NDArray[Any]]
"""Outcome arrays by name: (period, [state], [power], [domain], replicate)."""


@dataclass(frozen=True)
class Outcome:
    """One thing that a run reports."""

    name: str
    unit: str
    dims: tuple[str, ...]
    meaning: str
    dtype: str = "float64"


@dataclass(frozen=True)
class Flow(Outcome):
    """What happens in a half-year."""

    compute: Callable[[Record, Parameters], FloatArray] = lambda record, p: np.empty(0)


@dataclass(frozen=True)
class Stock(Outcome):
    """What stands at the start of a half-year."""

    compute: Callable[[World, Ties, Parameters], FloatArray] = lambda world, ties, p: np.empty(0)


@dataclass(frozen=True)
class Path(Outcome):
    """What follows from the whole path of another outcome."""

    source: str = ""
    compute: Callable[[FloatArray, Parameters], FloatArray] = lambda path, p: path


def _picked(record: Record, p: Parameters) -> FloatArray:
    """Number of the option picked (mean field: a power picked with more than even probability)."""
    hits = (record.contracts.pick > 0.5).view(np.int8)
    numbers = np.arange(1, hits.shape[POWER] + 1, dtype=np.int8).reshape(1, -1, 1, 1)
    return np.maximum.reduce(hits * numbers, axis=POWER, keepdims=True)


def _pick_share(record: Record, p: Parameters) -> FloatArray:
    return sum_over(p.dependence_weights * record.contracts.pick, DOMAIN)


def _acceptance(record: Record, p: Parameters) -> FloatArray:
    none = record.appraisal.probability[:, :1]
    return 1 - sum_over(none, DOMAIN) / len(Domain)


def _alignment(path: FloatArray, p: Parameters) -> FloatArray:
    return measures.moving_mean(path, round(ALIGNMENT_WINDOW_YEARS / p.years))


def _offered(record: Record, p: Parameters) -> FloatArray:
    posted = record.offers.posted
    amount = record.offers.amount if posted.all() else record.offers.amount * posted
    return sum_over(sum_over(amount, DOMAIN), STATE)


def _hedging(world: World, ties: Ties, p: Parameters) -> FloatArray:
    return measures.hedging_index(measures.shares(ties.total))


FLOWS: Final = (
    Flow(
        "pick",
        "option",
        ("state", "domain"),
        "option picked: 0 none, then the powers in order",
        "int8",
        compute=_picked,
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
        "alignment_stock",
        "share",
        ("state", "power"),
        "share of each power in all dependence",
        compute=lambda w, t, p: measures.shares(t.total),
    ),
    Stock(
        "remainder",
        "share",
        ("state",),
        "what a state relies on no power for",
        compute=lambda w, t, p: 1 - sum_over(t.total, POWER),
    ),
    Stock(
        "autonomy",
        "1",
        ("state",),
        "1 minus dependence weighted by coercibility",
        compute=lambda w, t, p: measures.autonomy(p.coercibility, t.total),
    ),
    Stock(
        "hedging_index", "share", ("state",), "0 one partner, 1 equal ties to all", compute=_hedging
    ),
    Stock(
        "influence",
        "share",
        ("power",),
        "share of each power in the dependence of all states",
        compute=lambda w, t, p: measures.influence(w.gdp, t.total),
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
PATHS: Final = (
    Path(
        "alignment",
        "share",
        ("state", "power"),
        "share of picks over the last three years; the rest picked nobody",
        source="pick_share",
        compute=_alignment,
    ),
)
OUTCOMES: Final[Mapping[str, Outcome]] = {
    outcome.name: outcome for outcome in (*FLOWS, *STOCKS, *PATHS)
}


def reserve(steps: int, sizes: Mapping[str, int]) -> tuple[Data, Data]:
    """Empty arrays for all outcomes of a run, and for its stocks at the end.

    Parameters
    ----------
    steps : number of steps.
    sizes : lengths of state, power, domain and replicate.
    """

    def shape(outcome: Outcome) -> tuple[int, ...]:
        return tuple(sizes[dim] for dim in (*outcome.dims, "replicate"))

    data = {o.name: np.empty((steps, *shape(o)), dtype=o.dtype) for o in OUTCOMES.values()}
    return data, {stock.name: np.empty(shape(stock)) for stock in STOCKS}


class Recorder:
    """Writes the declared outcomes of a run into reserved arrays while it goes on."""

    def __init__(self, parameters: Parameters, data: Data, final: Data) -> None:
        """Take the arrays to write to, whole or the part of one chunk of replicates."""
        self.parameters = parameters
        self.data = data
        self.final = final

    def take(self, step: int, world: World, record: Record) -> None:
        """Store the outcomes of a step that started from ``world``."""
        for flow in FLOWS:
            self.data[flow.name][step] = _squeeze(flow, flow.compute(record, self.parameters))
        for stock in STOCKS:
            array = stock.compute(world, record.ties, self.parameters)
            self.data[stock.name][step] = _squeeze(stock, array)

    def close(self, world: World, steps: int) -> None:
        """Store the stocks at the end of the run and what follows from whole paths."""
        ties = measure_ties(world, self.parameters, steps)
        for stock in STOCKS:
            array = stock.compute(world, ties, self.parameters)
            self.final[stock.name][...] = _squeeze(stock, array)
        for path in PATHS:
            self.data[path.name][...] = path.compute(self.data[path.source], self.parameters)


def _squeeze(outcome: Outcome, array: FloatArray) -> FloatArray:
    unused = tuple(axis for dim, axis in _AXES.items() if dim not in outcome.dims)
    return array.squeeze(axis=unused)
