"""Calibration of trade: which numbers of the model fit the years up to a cut (E27c, O13).

Bayesian, by importance sampling. Each replicate of an ensemble draws its numbers from their
evidence ranges, which are the prior, and runs through the training years without shocks. What is
left of the reported change of shares from year to year, in log-ratio coordinates, are the shocks;
they are independent and Gaussian with variance sigma_s^2 in each coordinate, so that each replicate
has an exact likelihood, in which sigma_s is summed out on a grid. Replicates drawn again by their
weights are the posterior. (Rubin 1988; Gelman et al. 2013, Bayesian Data Analysis, 10.4.)

What shocks do to congestion on the corridors, and so to the costs of other partners, is left out of
the likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import logsumexp

from sim.analysis.backtest.forecast import trade_of
from sim.analysis.backtest.numbers import given
from sim.analysis.backtest.origin import Drivers, Part, scenario_at
from sim.analysis.composition import ilr
from sim.axes import BoolArray, FloatArray, IntArray
from sim.errors import InputError
from sim.history import History
from sim.history.codes import Basis
from sim.quantity import Quantity
from sim.sampling import Sampler
from sim.scenario import Scenario

TUNED: Final = (
    "rules.trade.trend",
    "rules.trade.partner_elasticity",
    "rules.trade.adjustment_time",
    "rules.trade.cost_elasticity",
    "rules.corridors.time_cost",
    "institutions.cisfta.trade_effect",
    "institutions.eaeu.trade_effect",
    "institutions.epca.trade_effect",
)
"""Quantities whose posterior is reported beside the volatility of trade."""
VOLATILITY: Final = "rules.trade.volatility"
CELLS: Final = 240
"""Of the grid over sigma."""
LEAST_CHANGES: Final = 8
"""Fewest changes of shares, over all states and years, that a calibration is tried on."""
LEAST_EFFECTIVE: Final = 100
"""Fewest effective draws; with fewer, the posterior is that of a handful of replicates."""


@dataclass(frozen=True)
class Prior:
    """Draws from the prior, with the path that trade takes under each without shocks.

    Attributes
    ----------
    names, values : tuned numbers by flat name, (name, draw).
    changes : of log-ratio coordinates from year to year, (state, year, coordinate, draw).
    volatility : triangular prior of sigma_s as low, mode, high, (state, 3), 1/sqrt(yr).
    states, years : of ``changes``; a year is that in which a change ends.
    """

    names: tuple[str, ...]
    values: FloatArray
    changes: FloatArray
    volatility: FloatArray
    states: tuple[str, ...]
    years: tuple[int, ...]


@dataclass(frozen=True)
class Posterior:
    """Draws from the posterior.

    Attributes
    ----------
    names, values : tuned numbers and volatilities by flat name, (name, draw).
    effective : number of draws from the prior that these amount to.
    changes : number of changes of shares used, by state.
    """

    names: tuple[str, ...]
    values: FloatArray
    effective: float
    changes: IntArray


def prior(base: Scenario, history: History, first: int, last: int, draws: int, seed: int) -> Prior:
    """Run the prior through the training years, with drivers known.

    Parameters
    ----------
    base : gives the ranges, among them those of ``rules.trade.volatility``.
    first, last : training years.
    """
    scenario = scenario_at(base, history, first, last - first, Drivers.KNOWN, Part.TRADE)
    scenario = replace(scenario, replicates=draws, seed=seed)
    quiet = given(scenario.rules.trade.volatility, dict.fromkeys(scenario.states, 0.0))
    trade = replace(scenario.rules.trade, volatility=quiet)
    path = trade_of(replace(scenario, rules=replace(scenario.rules, trade=trade)))
    drawn = Sampler(scenario)
    names = tuple(name for name in drawn.names if name.startswith(TUNED))
    values = drawn.values(range(draws))
    return Prior(
        names=names,
        values=np.array([values[name] for name in names]),
        changes=np.diff(ilr(path, axis=2), axis=0).transpose(1, 0, 2, 3),
        volatility=_corners(scenario.rules.trade.volatility, tuple(scenario.states)),
        states=scenario.state_codes,
        years=tuple(range(first + 1, last + 1)),
    )


def reported_changes(history: History, known: Prior) -> FloatArray:
    """Reported changes of log-ratio coordinates, (state, year, coordinate).

    NaN where a year is missing, or interpolated for a partner, which may lean on later years, and
    where the basis of a partner changes: that is no behaviour.
    """
    years = [known.years[0] - 1, *known.years]
    shares = history.shares.sel(state=list(known.states), year=years)
    labels = history.data["basis"].sel(state=list(known.states), year=years)
    drawn = (labels == Basis.INTERPOLATED).any("power").transpose("state", "year").values
    broken = history.data["breaks"].sel(state=list(known.states), year=years[1:]).any("power")
    reported = shares.transpose("state", "year", "partner").values
    whole: BoolArray = np.asarray(np.isfinite(reported).all(axis=-1)) & ~drawn
    coordinates = ilr(np.where(whole[..., np.newaxis], reported, 1.0))
    found = np.diff(coordinates, axis=1)
    usable = whole[:, 1:] & whole[:, :-1] & ~broken.transpose("state", "year").values
    return np.where(usable[..., np.newaxis], found, np.nan)


def update(
    known: Prior, reported: FloatArray, draws: int, seed: int, least: int = LEAST_EFFECTIVE
) -> Posterior:
    """Draws from the posterior by weighting those of the prior.

    Parameters
    ----------
    reported : changes of log-ratio coordinates, (state, year, coordinate), NaN where not used.
    least : fewest effective draws.

    Raises
    ------
    InputError
        Too few changes to learn from, or none of the prior's draws comes near them.
    """
    used: BoolArray = np.asarray(np.isfinite(reported).all(axis=-1))
    changes = used.sum(axis=1)
    if changes.sum() < LEAST_CHANGES:
        raise InputError(
            f"calibration: {changes.sum()} changes of shares; needs {LEAST_CHANGES} at least"
        )
    residual = np.where(used[..., np.newaxis], reported, 0.0)[..., np.newaxis] - known.changes
    squares = (residual**2 * used[..., np.newaxis, np.newaxis]).sum(axis=(1, 2))
    degrees = changes * reported.shape[-1]
    grid, fixed = _grid(degrees, known.volatility)
    likelihood = np.zeros(squares.shape[1])
    for state in range(len(squares)):  # one after the other: a whole grid takes much memory
        likelihood += logsumexp(_by_sigma(grid[state], fixed[state], squares[state]), axis=0)
    weights = np.exp(likelihood - logsumexp(likelihood))
    effective = 1 / float((weights**2).sum())
    if effective < least:
        raise InputError(
            f"calibration: {effective:.0f} of {len(weights)} draws carry the weight; needs "
            f"{least}. Take more draws, or ranges nearer to the data"
        )
    generator = np.random.default_rng(seed)
    chosen = _resample(weights, draws, generator)
    sigmas = np.array(
        [
            _sigmas(grid[state], _by_sigma(grid[state], fixed[state], row[chosen]), generator)
            for state, row in enumerate(squares)
        ]
    )
    return Posterior(
        names=(*known.names, *(f"{VOLATILITY}.{state.lower()}" for state in known.states)),
        values=np.concatenate([known.values[:, chosen], sigmas]),
        effective=effective,
        changes=changes,
    )


def _corners(quantity: Quantity, states: tuple[str, ...]) -> FloatArray:
    """Low, mode and high of each state, (state, 3)."""
    places = [quantity.entries.index(state) for state in states]
    columns = (quantity.low, quantity.value, quantity.high)
    found = np.array([[column[place] for column in columns] for place in places])
    if not (found[:, 0] < found[:, 2]).all() or not (found[:, 0] > 0).all():
        raise InputError(f"{quantity.path}: a calibration needs a range above 0 for each state")
    return found


def _grid(degrees: IntArray, corners: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cells of sigma, and the part of log-likelihood and prior that is that of no draw.

    Parameters
    ----------
    degrees : number of residuals, (state,). corners : of the prior, (state, 3).

    Returns
    -------
    Both (state, cell).
    """
    middles = (np.arange(CELLS) + 0.5) / CELLS
    low, mode, high = (corners[:, n : n + 1] for n in range(3))
    grid = low + (high - low) * middles
    rising = (grid - low) / np.where(mode > low, mode - low, np.inf)
    falling = (high - grid) / np.where(high > mode, high - mode, np.inf)
    density = np.log(np.where(grid < mode, rising, falling))
    return grid, density - degrees[:, np.newaxis] * np.log(grid)


def _by_sigma(grid: FloatArray, fixed: FloatArray, squares: FloatArray) -> FloatArray:
    """Log-likelihood times prior in each cell of a state's grid, (cell, draw)."""
    found: FloatArray = fixed[:, np.newaxis] - squares / (2 * grid[:, np.newaxis] ** 2)
    return found


def _resample(weights: FloatArray, draws: int, generator: np.random.Generator) -> IntArray:
    """Systematic resampling: each draw as often as its weight says, give or take one."""
    points = (np.arange(draws) + generator.random()) / draws
    places = np.searchsorted(np.cumsum(weights), points)
    chosen: IntArray = np.minimum(places, len(weights) - 1)
    return generator.permutation(chosen)


def _sigmas(grid: FloatArray, by_sigma: FloatArray, generator: np.random.Generator) -> FloatArray:
    """One sigma a draw from its conditional posterior, (draw,)."""
    probability = np.exp(by_sigma - logsumexp(by_sigma, axis=0))
    points = generator.random(by_sigma.shape[1])
    cells = (np.cumsum(probability, axis=0) < points).sum(axis=0)
    within = generator.random(by_sigma.shape[1]) - 0.5
    found: FloatArray = grid[np.minimum(cells, CELLS - 1)] + within * (grid[1] - grid[0])
    return found
