"""Baselines: forecasts of compositions that know nothing but the past of the shares themselves.

Each takes the history of one state up to the origin, shares (year, J) with the last row at the
origin, and gives an ensemble (horizon, J, member) for the years 1, 2, ... after it. A model that
does not beat them adds nothing. They work in isometric log-ratio coordinates z, so that shares stay
positive and add up to 1 and the order of the partners does not matter.

Histories are short. Covariances are therefore shrunk, and paths spread as Student's t with the
degrees of freedom behind the covariance: with five years of history the 90 % intervals of Gaussian
paths would hold 83 to 88 % of what happens to a random walk.
"""

from __future__ import annotations

from itertools import product
from typing import Final, NamedTuple

import numpy as np

from sim.analysis import given
from sim.analysis.composition import closure, ilr, ilr_inverse, shrunk_covariance
from sim.axes import FloatArray, IntArray
from sim.errors import InputError

LEAST_YEARS: Final = 5
"""Rows of history that a forecast with a spread needs: four changes, so three degrees of freedom,
the fewest with which Student's t has a variance."""
LEVEL: Final = (0.2, 0.4, 0.6, 0.8, 1.0)
TREND: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
DAMPING: Final = (0.8, 0.9, 0.98)
"""Smoothing constants tried for the damped trend. Coarse, because ten or twenty errors do not tell
finer ones apart; damping between 0.8 and 0.98 as is usual, since less damping cannot be told from
none and more leaves no trend (Hyndman & Athanasopoulos 2021, section 8.2)."""


class Smoothing(NamedTuple):
    """Constants of the damped trend, without unit; arrays (set, 1) for several sets at once.

    Attributes
    ----------
    level, trend : α and β, weights of the last error in the level, and of that in the trend.
    damping : φ, what remains of the trend after a year.
    """

    level: float | FloatArray
    trend: float | FloatArray
    damping: float | FloatArray


def persistence(
    history: FloatArray,
    horizons: int,
    members: int,
    generator: np.random.Generator | None = None,
) -> FloatArray:
    """No change: ``z(T+h) = z(T)``, a point forecast, all of whose members are equal.

    With a generator it has a spread: yearly changes without drift that are independent of each
    other and as large as those of the history, ``z(T+h) = z(T) + e_1 + ... + e_h``.

    Parameters
    ----------
    history : shares up to the origin, positive, (year, J).
    horizons : years to forecast. members : of the ensemble.
    generator : of the random numbers; None for the point forecast.

    Returns
    -------
    Shares, (horizon, J, member).
    """
    if generator is None:
        _coordinates(history, horizons, members, 1)
        return np.tile(closure(history[-1])[:, np.newaxis], (horizons, 1, members))
    z = _coordinates(history, horizons, members, LEAST_YEARS)
    changes = np.diff(z, axis=0)
    n = len(changes)
    shocks = _shocks(shrunk_covariance(changes, n), n, horizons, members, generator)
    return _shares(z[-1] + np.cumsum(shocks, axis=0))


def random_walk(
    history: FloatArray, horizons: int, members: int, generator: np.random.Generator
) -> FloatArray:
    """Random walk with drift, ``z(T+h) = z(T) + h δ + e_1 + ... + e_h``.

    With n changes of mean d and covariance Σ (shrunk), the drift δ is drawn once a member around
    ``w d`` with covariance ``w Σ / n``, where ``w = max(0, 1 - tr(Σ) / (n |d|²))``: its posterior
    if drifts vary around 0 by as much as this one is seen to exceed its sampling error (empirical
    Bayes, in the manner of James & Stein 1961). A mean change that may be chance is so not carried
    on for years.

    Parameters
    ----------
    history : shares up to the origin, positive, (year, J).
    horizons : years to forecast. members : of the ensemble. generator : of the random numbers.

    Returns
    -------
    Shares, (horizon, J, member).
    """
    z = _coordinates(history, horizons, members, LEAST_YEARS)
    changes = np.diff(z, axis=0)
    n, mean = len(changes), changes.mean(axis=0)
    covariance = shrunk_covariance(changes - mean, n - 1)
    signal, noise = mean @ mean, np.trace(covariance) / n
    weight = 1 - noise / signal if signal > noise else 0.0
    first, *yearly = _shocks(covariance, n - 1, horizons + 1, members, generator)
    drift = weight * mean + np.sqrt(weight / n) * first
    return _shares(z[-1] + np.cumsum(drift + np.array(yearly), axis=0))


def damped_trend(
    history: FloatArray, horizons: int, members: int, generator: np.random.Generator
) -> FloatArray:
    """Damped trend: Holt's exponential smoothing whose trend fades, along paths of random errors.

    With the one-step error ``e(t) = z(t) - l(t-1) - φ b(t-1)``, level
    ``l(t) = l(t-1) + φ b(t-1) + α e(t)`` and trend ``b(t) = φ b(t-1) + α β e(t)``; the median is
    ``l(T) + (φ + ... + φ^h) b(T)``. The smoothing begins at the first year without trend. α, β and
    φ are those of ``LEVEL``, ``TREND`` and ``DAMPING`` with the smallest sum of squared one-step
    errors of the history, the same for all coordinates, so that the forecast does not depend on
    the basis. Errors of the paths have the shrunk covariance of the one-step errors.

    Parameters
    ----------
    history : shares up to the origin, positive, (year, J).
    horizons : years to forecast. members : of the ensemble. generator : of the random numbers.

    Returns
    -------
    Shares, (horizon, J, member).

    Source: Gardner & McKenzie 1985, Management Science 31(10); paths as in Hyndman, Koehler, Ord &
    Snyder 2008, Forecasting with Exponential Smoothing.
    """
    z = _coordinates(history, horizons, members, LEAST_YEARS)
    tried = np.array(list(product(LEVEL, TREND, DAMPING)))
    misses = np.sum(smooth(z, Smoothing(*tried.T[..., np.newaxis]))[0] ** 2, axis=(0, 2))
    best = Smoothing(*tried[misses.argmin()])
    errors, level, trend = smooth(z, best)
    freedom = len(errors) - 1  # three constants, spent on all coordinates together
    covariance = shrunk_covariance(errors, freedom)
    shocks = _shocks(covariance, freedom, horizons, members, generator)
    paths = np.empty_like(shocks)
    for year, error in enumerate(shocks):
        paths[year] = level + best.damping * trend + error
        level, trend = _updated(level, trend, error, best)
    return _shares(paths)


def smooth(z: FloatArray, constants: Smoothing) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Smooth with a damped trend, from the first year on and without trend there.

    Parameters
    ----------
    z : coordinates, (year, D). constants : one set, or several.

    Returns
    -------
    One-step errors, (year - 1, D), and level and trend of the last year, (D,); of several sets
    (year - 1, set, D) and (set, D).
    """
    level, trend = z[0], np.zeros_like(z[0])
    errors = []
    for seen in z[1:]:
        errors.append(seen - level - constants.damping * trend)
        level, trend = _updated(level, trend, errors[-1], constants)
    return np.array(errors), level, trend


def climatology(picks: IntArray, options: int, added: float = 1.0) -> FloatArray:
    """Base rates of past choices, ``(n_k + a) / (n + K a)``, so that no option is ruled out.

    Parameters
    ----------
    picks : number of the option of each past choice, from 0, (choice,); may be empty.
    options : K. added : a, choices of each option counted beforehand; 1 is Laplace's rule.

    Returns
    -------
    Probabilities, (option,). Where fewer options are on the table, divide those by their sum.
    """
    given.whole("options", options, least=1)
    given.real("added", added, least=0)
    if picks.size and (
        picks.dtype.kind not in "iu" or not set(picks.ravel()) <= set(range(options))
    ):
        raise InputError(f"climatology: a pick is the number of an option, from 0 to {options - 1}")
    counts = np.bincount(picks.astype(int).ravel(), minlength=options) + added
    if not counts.sum() > 0:
        raise InputError("climatology: there are no past choices, and none are added")
    rates: FloatArray = counts / counts.sum()
    return rates


def _shocks(
    covariance: FloatArray, freedom: int, years: int, members: int, generator: np.random.Generator
) -> FloatArray:
    """Errors of each year of each path, (year, member, D): Student's t, its scale once a path.

    Given the scale they are independent Gaussians. One scale for a whole path stands for a
    covariance that is not known, and not for single years that stand out.
    """
    scale = np.sqrt(freedom / generator.chisquare(freedom, (members, 1)))
    normal = generator.standard_normal((years, members, len(covariance)))
    values, vectors = np.linalg.eigh(covariance)
    # The symmetric root is unique; eigenvectors have a free sign, and with another LAPACK the same
    # seed would give other paths.
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    shocks: FloatArray = scale * (normal @ root)
    return shocks


def _updated(
    level: FloatArray, trend: FloatArray, error: FloatArray, constants: Smoothing
) -> tuple[FloatArray, FloatArray]:
    """Level and trend after an error."""
    slope = constants.damping * trend
    step = constants.level * error
    return level + slope + step, slope + constants.trend * step


def _coordinates(history: FloatArray, horizons: int, members: int, least: int) -> FloatArray:
    """History in ilr, (year, J - 1), of a forecast that can be made."""
    given.whole("horizons", horizons, least=1)
    given.whole("members", members, least=2)
    if history.ndim != 2 or len(history) < least:
        raise InputError(
            f"history: needs shares (year, partner) of at least {least} years, not an array of "
            f"shape {history.shape}"
        )
    return ilr(history)


def _shares(paths: FloatArray) -> FloatArray:
    """Shares (horizon, J, member) of paths (horizon, member, J - 1) in ilr."""
    return np.moveaxis(ilr_inverse(paths), -1, 1)
