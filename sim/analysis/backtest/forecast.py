"""Ensembles of forecasts: of the model, and of rivals that cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sim.analysis import baselines
from sim.analysis.backtest.origin import HALF_YEAR, Drivers, Part, scenario_at
from sim.axes import FloatArray
from sim.ensemble import simulate
from sim.history import History
from sim.scenario import Scenario

STEPS_A_YEAR: Final = round(1 / HALF_YEAR)
HORIZONS: Final = 8
"""Longest horizon, years."""
MEMBERS: Final = 500
"""Of an ensemble."""

VARIANTS: Final[Mapping[str, tuple[Part, Drivers]]] = {
    f"{part} {drivers}": (part, drivers)
    for drivers in Drivers
    for part in (Part.TRADE, Part.FULL, Part.GRAVITY)
}
"""Parts of the model by the name of their forecasts, such as ``trade known``."""
Rival = Callable[[FloatArray, int, int, np.random.Generator], FloatArray]
PERSISTENCE: Final = "persistence"
SPREAD: Final = "persistence with spread"
RIVALS: Final[Mapping[str, Rival]] = {
    PERSISTENCE: lambda past, horizons, members, _: baselines.persistence(past, horizons, members),
    SPREAD: baselines.persistence,
    "random walk": baselines.random_walk,
    "damped trend": baselines.damped_trend,
}
"""Forecasts from the past of the shares alone."""


@dataclass(frozen=True)
class Plan:
    """What is forecast.

    Attributes
    ----------
    origins : years to forecast from. horizons : years ahead, at most.
    members, seed : of the ensembles.
    names : of the forecasts, some of ``VARIANTS`` and ``RIVALS``.
    since : first year that rivals learn from, None for all: the calibration's, so that none of them
        has the better years.
    """

    origins: tuple[int, ...]
    horizons: int = HORIZONS
    members: int = MEMBERS
    seed: int = 1
    names: tuple[str, ...] = (*VARIANTS, *RIVALS)
    since: int | None = None


def forecasts(
    base: Scenario, history: History, plan: Plan
) -> Iterator[tuple[str, int, FloatArray]]:
    """Forecast of each name from each origin, one after the other.

    Returns
    -------
    Name, origin and shares (state, partner, horizon, member) in the order of the history's states,
    NaN where a state has no trade in the year of origin, or too short a past, and beyond the years
    whose drivers are known. What is reported after the origin moves no other forecast than those
    with known drivers.
    """
    states = history.data["state"].values.tolist()
    last = int(history.data["year"][-1])
    for origin in plan.origins:
        for name in plan.names:
            years = plan.horizons
            shape = (len(states), history.data.sizes["partner"], years, plan.members)
            found = np.full(shape, np.nan)
            if name in VARIANTS:
                part, drivers = VARIANTS[name]
                if drivers is Drivers.KNOWN:
                    years = min(years, last - origin)
                scenario = scenario_at(base, history, origin, years, drivers, part)
                scenario = replace(scenario, replicates=plan.members, seed=plan.seed + origin)
                places = [states.index(state) for state in scenario.state_codes]
                found[places, :, :years] = shares_of(scenario)
            else:
                for place, past in enumerate(_pasts(history, plan.since, origin)):
                    generator = np.random.default_rng([plan.seed, origin, place])
                    if len(past) >= baselines.LEAST_YEARS:
                        drawn = RIVALS[name](past, years, plan.members, generator)
                        found[place] = drawn.transpose(1, 0, 2)
            yield name, origin, found


def shares_of(scenario: Scenario) -> FloatArray:
    """Trade shares year by year that a scenario of ``scenario_at`` forecasts.

    Returns
    -------
    (state, partner, horizon, member), horizons 1, 2, ... years; parts add up to 1 over partners.
    """
    trade = trade_of(scenario)[1:]
    shares = trade / trade.sum(axis=2, keepdims=True)
    return np.ascontiguousarray(shares.transpose(1, 2, 0, 3))


def trade_of(scenario: Scenario) -> FloatArray:
    """Trade in the middle of each year from the origin on, (year, state, partner, member)."""
    data, final = simulate(scenario)
    path = np.concatenate([data["trade"], final["trade"][np.newaxis]])
    return path[::STEPS_A_YEAR]


def _pasts(history: History, since: int | None, origin: int) -> Sequence[FloatArray]:
    """Shares of each state up to the origin, (year, partner), as far back as no year is missing."""
    shares = history.shares.sel(year=slice(since, origin)).transpose("state", "year", "partner")
    pasts = []
    for rows in shares.values:
        missing = np.flatnonzero(~np.isfinite(rows).all(axis=-1))
        pasts.append(rows[missing[-1] + 1 :] if missing.size else rows)
    return pasts
