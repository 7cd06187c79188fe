"""Shocks: events that strike at a rate, and how their effect fades (E1)."""

from __future__ import annotations

import numpy as np

from sim.axes import FloatArray


def occurrences(uniform: FloatArray, mean: FloatArray) -> FloatArray:
    """Number of events in a step: Poisson quantile of one uniform, so that it never falls with it.

    Parameters
    ----------
    uniform : (state, event, 1, replicate), in (0, 1).
    mean : (1, event, 1, 1 or replicate), yearly rate times step length.

    Returns
    -------
    (state, event, 1, replicate), whole numbers as floats.
    """
    term = np.exp(-mean)
    cumulated = term
    beyond = uniform > cumulated
    count = beyond.astype(np.float64)
    number = 1
    while beyond.any():
        term = term * mean / number
        grown = cumulated + term
        beyond = (uniform > grown) & (grown > cumulated)  # no further where nothing is left to add
        cumulated = grown
        count += beyond
        number += 1
    return count


def successes(uniform: FloatArray, trials: FloatArray, chance: FloatArray) -> FloatArray:
    """Binomial quantile of one uniform (O10): how many of ``trials`` succeed.

    Parameters
    ----------
    uniform : in (0, 1), any shape. trials : whole numbers. chance : 0 to 1.
    """
    count = np.zeros(np.broadcast_shapes(uniform.shape, trials.shape, chance.shape))
    doubtful = np.clip(chance, np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg)
    odds = np.log(doubtful) - np.log1p(-doubtful)
    term = trials * np.log1p(-doubtful)  # log of the chance of just so many: it may underflow
    cumulated = np.exp(term)
    for number in range(int(trials.max(initial=0.0))):
        within = number < trials
        count += (uniform > cumulated) & within
        term = term + odds + np.log(np.where(within, trials - number, 1.0) / (number + 1))
        cumulated = cumulated + np.exp(term)
    return np.where(chance < 1, count, trials)


def fade(half_life: FloatArray, years: float) -> FloatArray:
    """Share of an effect that is left after ``years``: 2^(-years / half_life); infinite keeps all.

    Parameters
    ----------
    half_life : years, above 0, may be infinite.
    """
    return np.exp2(-years / half_life)


def surge(before: FloatArray, faded: FloatArray, size: FloatArray, count: FloatArray) -> FloatArray:
    """Effect of all occurrences so far: what is left of it plus what this step adds.

    Parameters
    ----------
    before, count : (state, event, 1, replicate).
    faded : share left after one step, (1, event, 1, 1 or replicate).
    size : effect of one occurrence, in units of the variable it acts on.
    """
    return before * faded + size * count
