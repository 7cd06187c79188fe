"""Scores of forecasts against what happened: compositions forecast by ensembles, and choices.

Everywhere ``ensemble`` is a forecast of J shares by m members, (..., J, m), and ``observed`` what
happened, (..., J); the leading axes, such as state, origin and horizon, are free. Scores are
losses, the smaller the better, except the log density. Those called fair do not depend on m: their
mean is the score of the distribution behind the members, for which saying what one believes pays
best (Gneiting & Raftery 2007; Ferro 2014). Bad input raises an ``InputError``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.analysis import given
from sim.analysis.composition import ilr, shrunk_covariance
from sim.axes import FloatArray, IntArray
from sim.errors import InputError

LEVELS: Final = (0.5, 0.9)
"""Probabilities of the central intervals whose coverage is reported."""
BINS: Final = 10
"""Of equal width, of histograms and reliability curves over probabilities."""
DENSITY_MEMBERS: Final = 20
"""Fewest members from which a density is estimated; with fewer the error of the estimate costs half
a nat and more."""
_ROUNDING: Final = 1e-9
"""Error of rounding allowed in sums of probabilities, and counts of members."""


@dataclass(frozen=True)
class Reliability:
    """How often what was forecast with a probability happened.

    Attributes
    ----------
    forecast : mean probability, (bin,). frequency : share that happened, (bin,); both NaN where
        there is none. count : forecasts, (bin,).
    """

    forecast: FloatArray
    frequency: FloatArray
    count: IntArray


def crps(ensemble: FloatArray, observed: FloatArray) -> FloatArray:
    """Fair continuous ranked probability score of each share, in its unit, (..., J).

    ``1/m Σ_i |x_i - y| - 1/(2m(m-1)) Σ_ij |x_i - x_j|``; of a point forecast, all members equal,
    the absolute error. A single score may be below 0.

    Source: Ferro 2014, QJRMS 140(683). The library computes it from probability-weighted moments,
    the same number in m log m steps instead of m² (Zamo & Naveau 2018, Math. Geosciences 50).
    """
    from scoringrules import crps_ensemble

    _check(ensemble, observed)
    score: FloatArray = crps_ensemble(observed, ensemble, estimator="pwm", backend="numpy")
    return score


def energy(ensemble: FloatArray, observed: FloatArray) -> FloatArray:
    """Fair energy score of whole compositions in ilr coordinates, without unit, (...).

    ``1/m Σ_i d(x_i, y) - 1/(2m(m-1)) Σ_ij d(x_i, x_j)``, d the Aitchison distance; of two shares
    the CRPS of their log-ratio.

    Source: Gneiting & Raftery 2007, JASA 102(477), section 4.3; fair as in Ferro 2014.
    """
    from scipy.spatial.distance import pdist

    _check(ensemble, observed)
    scores = np.empty(observed.shape[:-1])
    for place, members, y in _in_ilr(ensemble, observed):
        # Distances of pairs by SciPy: scoringrules keeps all m² differences in memory and takes
        # twenty to forty times as long with a thousand members.
        scores[place] = np.linalg.norm(members - y, axis=1).mean() - pdist(members).mean() / 2
    return scores


def log_density(ensemble: FloatArray, observed: FloatArray) -> FloatArray:
    """Logarithm of the density that a forecast gave to what happened, in nats, (...).

    The larger the better. The forecast becomes a logistic-normal distribution: Gaussian in ilr with
    the mean of the members and their shrunk covariance. The density is that of the ilr coordinates,
    whatever the basis. It is not fair: on average it falls short of the density behind the members
    by 0.2 nats with 20 members, 0.1 with 50 and 0.04 with 100 (Gaussian, four partners), so compare
    ensembles of one size. Fewer than ``DENSITY_MEMBERS`` are refused, and so is a point forecast,
    all members equal, which has no density.

    Source: Aitchison & Shen 1980, Biometrika 67(2); covariance of ``shrunk_covariance``.
    """
    from scipy.stats import multivariate_normal

    _check(ensemble, observed, least=DENSITY_MEMBERS)
    if (ensemble == ensemble[..., :1]).all(axis=(-2, -1)).any():
        raise InputError("log density: all members are equal, and a point has no density")
    densities = np.empty(observed.shape[:-1])
    for place, members, y in _in_ilr(ensemble, observed):
        centre = members.mean(axis=0)
        covariance = shrunk_covariance(members - centre, len(members) - 1)
        densities[place] = multivariate_normal.logpdf(y, centre, covariance)
    return densities


def interval(ensemble: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Ends of the central interval of each share, (..., J) each.

    They stand at the quantiles of rank ``p (m + 1)`` (Weibull): between them an observation drawn
    like the members falls with probability ``level``, whatever their number. Refused if they are
    too few for such ranks: 3 are needed for 50 %, 19 for 90 %.

    Source: Hyndman & Fan 1996, American Statistician 50(4), definition 6.
    """
    tail = (1 - given.real("level", level, _ROUNDING, 1 - _ROUNDING)) / 2
    least = math.ceil(1 / tail - 1 - _ROUNDING)
    if ensemble.shape[-1] < least:
        raise InputError(f"scores: {least} members are needed, not {ensemble.shape[-1]}")
    low, high = np.quantile(ensemble, (tail, 1 - tail), axis=-1, method="weibull")
    return low, high


def coverage(ensemble: FloatArray, observed: FloatArray, level: float) -> FloatArray:
    """Share of the forecasts whose central interval held what happened, by partner, (J,).

    The interval is that of ``interval``, ends included.

    Source: model, section 4.
    """
    _check(ensemble, observed)
    low, high = interval(ensemble, level)
    inside = (low <= observed) & (observed <= high)
    share: FloatArray = inside.mean(axis=tuple(range(inside.ndim - 1)))
    return share


def pit(ensemble: FloatArray, observed: FloatArray, uniforms: FloatArray) -> FloatArray:
    """Probability integral transform of each share, from 0 to 1, (..., J).

    ``(n_below + u (n_equal + 1)) / (m + 1)``: the rank of what happened among the members, by
    chance within its step and among ties. Uniform if it is drawn like the members.

    Parameters
    ----------
    ensemble, observed : as above. uniforms : u, random numbers from 0 to 1, (..., J).

    Source: Hamill 2001, Monthly Weather Review 129(3); Czado et al. 2009, Biometrics 65(4).
    """
    _check(ensemble, observed)
    if uniforms.shape != observed.shape or not ((uniforms >= 0) & (uniforms <= 1)).all():
        raise InputError(f"pit: needs uniforms from 0 to 1 of shape {observed.shape}")
    below = (ensemble < observed[..., np.newaxis]).sum(axis=-1)
    equal = (ensemble == observed[..., np.newaxis]).sum(axis=-1)
    values: FloatArray = (below + uniforms * (equal + 1)) / (ensemble.shape[-1] + 1)
    return values


def pit_histogram(values: FloatArray, bins: int = BINS) -> FloatArray:
    """Share of PIT values in each bin, (bins,): flat if calibrated, a U if forecasts are narrow.

    Parameters
    ----------
    values : from 0 to 1, any shape. bins : of equal width.
    """
    given.whole("bins", bins, least=1)
    if not values.size or not ((values >= 0) & (values <= 1)).all():
        raise InputError("pit: a histogram needs values from 0 to 1")
    return np.histogram(values, bins=bins, range=(0.0, 1.0))[0] / values.size


def log_score(probabilities: FloatArray, picked: IntArray) -> FloatArray:
    """Minus the logarithm of the probability of what was picked, in nats, (...).

    Infinite where the forecast ruled it out.

    Parameters
    ----------
    probabilities : of K options, (..., K). picked : number of an option, from 0, (...).

    Source: Good 1952, Journal of the Royal Statistical Society B 14(1).
    """
    of_the_picked = (probabilities * _happened(probabilities, picked)).sum(axis=-1)
    with np.errstate(divide="ignore"):
        score: FloatArray = -np.log(of_the_picked)
    return score


def brier(probabilities: FloatArray, picked: IntArray) -> FloatArray:
    """Brier score over all options, ``Σ_k (p_k - o_k)²``, from 0 to 2, (...).

    Parameters as of ``log_score``. Source: Brier 1950, Monthly Weather Review 78(1).
    """
    score: FloatArray = ((probabilities - _happened(probabilities, picked)) ** 2).sum(axis=-1)
    return score


def reliability(probabilities: FloatArray, picked: IntArray, bins: int = BINS) -> Reliability:
    """Reliability curve: each option of each choice is one forecast of a yes or no.

    Parameters as of ``log_score``; ``bins`` of equal width, a probability between two in the upper.

    Source: Murphy & Winkler 1977, Applied Statistics 26(1).
    """
    happened = _happened(probabilities, picked)
    given.whole("bins", bins, least=1)
    place = np.minimum((probabilities * bins).astype(int), bins - 1).ravel()
    count = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, x.ravel(), bins) for x in (probabilities, happened)]
    with np.errstate(invalid="ignore"):
        return Reliability(sums[0] / count, sums[1] / count, count)


def _in_ilr(
    ensemble: FloatArray, observed: FloatArray
) -> Iterator[tuple[tuple[int, ...], FloatArray, FloatArray]]:
    """Place of each forecast, its members (m, J - 1) and what happened (J - 1,), in ilr."""
    x, y = ilr(ensemble, axis=-2), ilr(observed)
    for place in np.ndindex(observed.shape[:-1]):
        yield place, x[place].T, y[place]


def _check(ensemble: FloatArray, observed: FloatArray, least: int = 2) -> None:
    """Refuse shapes that do not fit, fewer members than needed, and holes."""
    if not observed.size or not observed.ndim or ensemble.shape[:-1] != observed.shape:
        raise InputError(
            f"scores: an ensemble (..., part, member) of shape {ensemble.shape} does not fit what "
            f"was observed (..., part), {observed.shape}"
        )
    if ensemble.shape[-1] < max(2, least):
        raise InputError(f"scores: {max(2, least)} members are needed, not {ensemble.shape[-1]}")
    if not (np.isfinite(ensemble).all() and np.isfinite(observed).all()):
        raise InputError("scores: each forecast and observation must be a finite number")


def _happened(probabilities: FloatArray, picked: IntArray) -> FloatArray:
    """1 for the option picked and 0 for the others, (..., K)."""
    if not picked.size or probabilities.shape[:-1] != picked.shape or not probabilities.size:
        raise InputError(
            f"choices: probabilities (..., option) of shape {probabilities.shape} do not fit the "
            f"picks (...), {picked.shape}"
        )
    options = probabilities.shape[-1]
    if picked.dtype.kind not in "iu" or not ((picked >= 0) & (picked < options)).all():
        raise InputError(f"choices: a pick is the number of an option, from 0 to {options - 1}")
    sums = probabilities.sum(axis=-1)
    if not (probabilities >= 0).all() or not (np.abs(sums - 1) <= _ROUNDING).all():
        raise InputError("choices: probabilities must be 0 or more and add up to 1")
    happened: FloatArray = np.eye(options)[picked]
    return happened
