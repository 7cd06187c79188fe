"""Measures of portfolios: how a state spreads its ties, and who holds influence (section 1.14)."""

from __future__ import annotations

import numpy as np

from sim.axes import POWER, STATE, FloatArray, sum_over


def shares(total: FloatArray, axis: int = POWER) -> FloatArray:
    """Shares along an axis; zero where there is nothing to share."""
    whole = sum_over(total, axis)
    return np.divide(total, whole, out=np.zeros_like(total), where=whole > 0)


def hedging_index(share: FloatArray) -> FloatArray:
    """Normalised hedging index, (1 - sum of squared shares) P/(P-1), (state, 1, 1, ·).

    0 with one partner or none, 1 with equal ties to all P powers.
    """
    powers = share.shape[POWER]
    if powers == 1:
        return np.zeros_like(share)
    tied = sum_over(share, POWER) > 0
    return np.where(tied, (1 - sum_over(share * share, POWER)) * (powers / (powers - 1)), 0.0)


def autonomy(coercibility: FloatArray, dependence: FloatArray) -> FloatArray:
    """Autonomy of a state, 1 - sum over powers of theta_p D_sp, (state, 1, 1, ·)."""
    return 1 - sum_over(coercibility * dependence, POWER)


def influence(gdp: FloatArray, dependence: FloatArray) -> FloatArray:
    """Influence share of each power, sum of Y_s D_sp over that of all powers, (1, power, 1, ·)."""
    return shares(sum_over(gdp * dependence, STATE))


def polarisation(alignment: FloatArray) -> FloatArray:
    """Mean over pairs of states of half the distance of their shares, (1, 1, 1, ·), 0 for one."""
    states = alignment.shape[STATE]
    total: FloatArray = np.zeros((1, 1, 1, alignment.shape[-1]))
    for first in range(states):
        for second in range(first + 1, states):
            gap = np.abs(alignment[first : first + 1] - alignment[second : second + 1])
            total = total + sum_over(gap, POWER) / 2
    pairs = max(1, states * (states - 1) // 2)
    mean: FloatArray = total / pairs
    return mean


def moving_mean(flows: FloatArray, window: int) -> FloatArray:
    """Mean of the last ``window`` steps along the first axis, of fewer at the beginning."""
    found = np.empty_like(flows)
    for step in range(len(flows)):
        first = max(0, step - window + 1)
        found[step] = sum_over(flows[first : step + 1], 0)[0] / (step + 1 - first)
    return found


def switch_rate(picks: FloatArray) -> FloatArray:
    """Share of half-years in which a state that picked twice in a row changed its partner.

    Parameters
    ----------
    picks : (step, …), number of the option picked, 0 for none.

    Returns
    -------
    (…), 0 where no pick follows a pick.
    """
    both = (picks[1:] > 0) & (picks[:-1] > 0)
    changed = both & (picks[1:] != picks[:-1])
    pairs = both.sum(axis=0)
    rate: FloatArray = np.zeros(pairs.shape)
    np.divide(changed.sum(axis=0), pairs, out=rate, where=pairs > 0)
    return rate
