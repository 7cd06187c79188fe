"""Rehearsal on invented pasts, to see whether calibration finds the numbers that made them.

The model, with shocks, makes the trade of the training years anew, each time with numbers drawn
from their ranges; output and memberships stay. Calibrated on such a past, the rank of the true
number among draws from the posterior is uniform if all is right, whatever the data say about it.

Source: simulation-based calibration, Talts et al. 2018, arXiv:1804.06788.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sim.analysis.backtest.calibrate import prior, reported_changes, update
from sim.analysis.backtest.forecast import trade_of
from sim.analysis.backtest.origin import Drivers, Part, scenario_at
from sim.axes import FloatArray, IntArray
from sim.history import History
from sim.sampling import Sampler
from sim.scenario import Scenario

LEAST: Final = 20
"""Fewest effective draws of a posterior: pasts with small shocks leave few, and cannot be drawn
again."""
RANKED: Final = 99
"""Draws from each posterior among which a true number is ranked: ranks from 0 to 99."""


@dataclass(frozen=True)
class Pasts:
    """Invented pasts.

    Attributes
    ----------
    history : whose trade is replaced. first : year that they begin in, as it was.
    trade : (past, year, state, partner), USD bn/yr, from the first year on.
    numbers : that made them, by flat name, (past,).
    """

    history: History
    first: int
    trade: FloatArray
    numbers: dict[str, FloatArray]

    def __len__(self) -> int:
        return len(self.trade)

    def __getitem__(self, number: int) -> History:
        """One of them, without the years before the first."""
        years = self.first + np.arange(self.trade.shape[1])
        data = self.history.data.sel(year=years).copy()
        data["trade"] = (("year", "state", "partner"), self.trade[number])
        data["trade"] = data["trade"].transpose("state", "partner", "year")
        data["breaks"] = data["breaks"] & False
        return replace(self.history, data=data, notes=(), digest=f"invented-{number}")


def invent(base: Scenario, history: History, first: int, last: int, pasts: int, seed: int) -> Pasts:
    """Let the model make the trade of some years anew, with known drivers.

    Parameters
    ----------
    base : with ranges of the numbers, and of ``rules.trade.volatility``.
    pasts : how many.
    """
    scenario = scenario_at(base, history, first, last - first, Drivers.KNOWN, Part.TRADE)
    scenario = replace(scenario, replicates=pasts, seed=seed)
    trade = trade_of(scenario).transpose(3, 0, 1, 2)
    return Pasts(history, first, trade, dict(Sampler(scenario).values(range(pasts))))


def ranks(
    base: Scenario,
    history: History,
    first: int,
    last: int,
    pasts: int,
    draws: int,
    seed: int = 1,
) -> dict[str, IntArray]:
    """Rank of each true number among draws from its posterior, by flat name, (past,).

    Parameters
    ----------
    draws : from the prior, which are the same for all pasts.

    Returns
    -------
    Ranks from 0 to ``RANKED``, for the numbers of ``calibrate.TUNED`` and the volatilities.
    """
    invented = invent(base, history, first, last, pasts, seed)
    known = prior(base, history, first, last, draws, seed + 1)
    found: dict[str, list[int]] = {}
    for number in range(pasts):
        reported = reported_changes(invented[number], known)
        posterior = update(known, reported, RANKED, seed + number, LEAST)
        for name, values in zip(posterior.names, posterior.values, strict=True):
            truth = invented.numbers[name]
            true = truth[number] if len(truth) > 1 else truth[0]
            found.setdefault(name, []).append(int((values < true).sum()))
    return {name: np.array(places) for name, places in found.items()}
