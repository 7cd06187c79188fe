"""Skill of forecasts against a reference, how sure it is, and whether it may be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sim.analysis import given
from sim.axes import FloatArray, IntArray
from sim.errors import InputError

CONFIDENCE: Final = 0.9
"""Of intervals of skill."""
RESAMPLES: Final = 2000
"""Bootstrap samples behind an interval of skill."""
_ROUNDING: Final = 1e-9
"""Below this, relative to the largest, differences of scores count as equal."""


@dataclass(frozen=True)
class DieboldMariano:
    """Whether two forecasts differ in their mean score.

    Attributes
    ----------
    difference : mean of score less reference, in their unit; below 0 the first is better.
    statistic : Student's t with as many degrees of freedom as origins less 1.
    p_value : two-sided. kernel : weights of autocovariances, ``rectangular`` or ``Bartlett``.
    """

    difference: float
    statistic: float
    p_value: float
    kernel: str


def skill(score: FloatArray, reference: FloatArray) -> float:
    """Skill ``1 - mean(score) / mean(reference)``: 1 is perfect, 0 as good as the reference.

    Parameters
    ----------
    score, reference : losses of the same forecasts in the same order, any shape; the mean of the
        reference must be above 0, so that log densities have none.
    """
    _check_pairs(score, reference)
    return float(_skill(score.sum(), reference.sum()))


def skill_interval(
    score: FloatArray, reference: FloatArray, blocks: IntArray, seed: int = 1
) -> tuple[float, float]:
    """Block-bootstrap interval of the skill, with probability ``CONFIDENCE``, by percentiles.

    Whole blocks are drawn with replacement, so that scores within one may depend on each other, as
    the horizons from one origin do. The interval is too narrow where blocks depend on each other,
    since states share a year or origins overlap, and where they are few: with 8 it holds the true
    skill in 82 % instead of 90, with 20 in 86 %.

    Parameters
    ----------
    score, reference : as of ``skill``. seed : of the resampling.
    blocks : number of the block of each score, one for each state and origin, of the same shape.

    Source: Künsch 1989, Annals of Statistics 17(3); Wilks 1997, Journal of Climate 10(1).
    """
    _check_pairs(score, reference)
    if blocks.shape != score.shape:
        raise InputError(f"skill: {blocks.shape} blocks for {score.shape} scores")
    numbers, block = np.unique(blocks, return_inverse=True)
    if len(numbers) < 2:
        raise InputError("skill: an interval needs at least 2 blocks")
    sums = [np.bincount(block.ravel(), values.ravel()) for values in (score, reference)]
    generator = np.random.default_rng(given.whole("seed", seed, least=0))
    drawn = generator.integers(len(numbers), size=(RESAMPLES, len(numbers)))
    skills = _skill(*(values[drawn].sum(axis=1) for values in sums))
    low, high = np.quantile(skills, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def diebold_mariano(score: FloatArray, reference: FloatArray, steps: int = 1) -> DieboldMariano:
    """Diebold-Mariano test of equal mean scores with the small-sample correction.

    With differences d of n origins and autocovariances γ, ``V = (γ_0 + 2 Σ_(k<h) γ_k) / n`` and
    ``t = mean(d) / sqrt(V) · sqrt((n + 1 - 2h + h(h-1)/n) / n)``, n - 1 degrees of freedom. A V
    that is not positive gives way to one with weights ``1 - k/h`` (Bartlett), which always is. With
    few origins the test still rejects too often: equal forecasts in 15 instead of 10 % of cases
    with h = 2 and n = 8, in 20 % with h = 4 and n = 16. Of several states take the mean score of
    each origin first, since what happens in a year happens to all of them.

    Parameters
    ----------
    score, reference : losses of forecasts from successive, evenly spaced origins, (origin,).
    steps : h, the horizon counted in steps from one origin to the next, rounded up.

    Source: Diebold & Mariano 1995, JBES 13(3); Harvey, Leybourne & Newbold 1997, IJF 13(2).
    """
    from scipy.stats import t

    _check_pairs(score, reference)
    n, h = len(np.atleast_1d(score)), given.whole("steps", steps, least=1)
    if score.ndim != 1 or n <= h:
        raise InputError(f"Diebold-Mariano: needs scores (origin,) of more than {h} origins")
    d = score - reference
    rest = d - d.mean()
    if np.abs(rest).max() <= _ROUNDING * np.abs(d).max():
        raise InputError("Diebold-Mariano: the scores differ by the same amount at every origin")
    lags = np.arange(1, h)
    covariances = np.array([rest[lag:] @ rest[: n - lag] for lag in range(h)]) / n
    kernel, total = "rectangular", covariances[0] + 2 * covariances[1:].sum()
    if total <= 0:
        kernel, total = "Bartlett", covariances[0] + 2 * (1 - lags / h) @ covariances[1:]
    correction = (n + 1 - 2 * h + h * (h - 1) / n) / n
    statistic = float(d.mean() / math.sqrt(total / n) * math.sqrt(correction))
    return DieboldMariano(
        float(d.mean()), statistic, float(2 * t.sf(abs(statistic), n - 1)), kernel
    )


def _skill(score: Any, reference: Any) -> Any:
    if not np.all(reference > 0):
        raise InputError("skill: the mean score of the reference must be above 0")
    return 1 - score / reference


def _check_pairs(score: FloatArray, reference: FloatArray) -> None:
    """Refuse scores that are not of the same forecasts."""
    if score.shape != reference.shape or not score.size:
        raise InputError(f"skill: {score.shape} scores against {reference.shape} of the reference")
    if not (np.isfinite(score).all() and np.isfinite(reference).all()):
        raise InputError("skill: each score must be a finite number")
