"""Measures of portfolios: how a state spreads its ties, and who holds influence (section 1.14)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.axes import DOMAIN, POWER, STATE, FloatArray, sum_over


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


def entropy(share: FloatArray) -> FloatArray:
    """Entropy of shares over its maximum, -sum A ln A / ln P, (state, 1, 1, ·); 0 for one power."""
    powers = share.shape[POWER]
    if powers == 1:
        return np.zeros_like(share)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    spread: FloatArray = -sum_over(share * logs, POWER) / np.log(powers)
    return spread


def issue_splitting(by_domain: FloatArray, total: FloatArray) -> FloatArray:
    """Mean over domains of half the distance of their shares from those of all ties together.

    Parameters
    ----------
    by_domain : x, (state, power, domain, replicate). total : D, (state, power, 1, replicate).

    Returns
    -------
    (state, 1, 1, replicate), 0 where every domain is split alike.
    """
    gap = np.abs(shares(by_domain) - shares(total))
    split: FloatArray = sum_over(sum_over(gap, POWER), DOMAIN) / (2 * by_domain.shape[DOMAIN])
    return split


def best_portfolio(
    benefit: FloatArray, hedging: float, coercibility: FloatArray, whole: float
) -> FloatArray:
    """Dependence that is worth most: max sum m D - chi/2 sum theta D^2 with sum D = ``whole``.

    The solution D_p = max(0, (m_p - nu) / (chi theta_p)) with one multiplier nu for all (P25).

    Parameters
    ----------
    benefit : m, (power,). hedging : chi, above 0. coercibility : theta, (power,), above 0.
    whole : total dependence.

    Returns
    -------
    D, (power,).
    """
    order = np.argsort(-benefit)
    room = 1 / (hedging * coercibility[order])
    # with the first n powers funded, sum D = whole gives nu; the right n is the last that pays
    multiplier = ((benefit[order] * room).cumsum() - whole) / room.cumsum()
    funded = int(np.flatnonzero(benefit[order] > multiplier)[-1])
    found: FloatArray = np.maximum(0.0, (benefit - multiplier[funded]) / (hedging * coercibility))
    return found


def investment_gain(delivered: FloatArray, gdp: FloatArray, years: float) -> FloatArray:
    """W1 = ln(1 + 100 sum Rd / (Y Delta / 2)), (state, 1, 1, ·)."""
    gain: FloatArray = np.log1p(100 * delivered / (gdp * years / 2))
    return gain


def trade_gain(openness: FloatArray, first: FloatArray, elasticity: FloatArray) -> FloatArray:
    """W2 = -ln[(1 - m) / (1 - m0)] / zeta, with m a quarter of trade over GDP, (state, 1, 1, ·).

    m is the share of foreign goods in spending, at most all but nothing: imports are half of
    turnover, and half of them is bought for use at home. Without elasticity: 0.
    """
    quarter = 0.5 * 0.5
    home = np.maximum(1 - quarter * openness, np.finfo(np.float64).eps)
    home_first = np.maximum(1 - quarter * first, np.finfo(np.float64).eps)
    gain = -np.log(home / home_first)
    return np.divide(gain, elasticity, out=np.zeros_like(gain), where=elasticity > 0)


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


def moving_shares(flows: FloatArray, window: int) -> FloatArray:
    """Shares along the power axis of what flowed in the last steps, (step, state, power, R)."""
    total = moving_mean(flows, window)
    whole = sum_over(total, 2)
    return np.divide(total, whole, out=np.zeros_like(total), where=whole > 0)


def moving_polarisation(flows: FloatArray, window: int) -> FloatArray:
    """Polarisation of mean shares over the last steps, (step, replicate).

    Parameters
    ----------
    flows : (step, state, power, replicate), shares.
    """
    mean = moving_mean(flows, window)
    rows = [polarisation(now[:, :, np.newaxis])[0, 0, 0] for now in mean]
    return np.array(rows).reshape(len(mean), flows.shape[-1])  # also where there is no step yet


def moving_switch_rate(picks: NDArray[np.int8], window: int) -> FloatArray:
    """Share of changed partners among picks that followed a pick, over the last steps.

    Parameters
    ----------
    picks : (step, state, domain, replicate), number of the option picked, 0 for none.

    Returns
    -------
    (step, state, replicate), 0 where no pick follows a pick.
    """
    both = np.zeros(picks.shape)
    both[1:] = (picks[1:] > 0) & (picks[:-1] > 0)
    changed = np.zeros(picks.shape)
    changed[1:] = (picks[1:] != picks[:-1]) * both[1:]
    pairs = sum_over(moving_mean(both, window), 2)[:, :, 0]
    changes = sum_over(moving_mean(changed, window), 2)[:, :, 0]
    return np.divide(changes, pairs, out=np.zeros_like(changes), where=pairs > 0)


def running_ratio(part: FloatArray, rest: FloatArray) -> FloatArray:
    """Part over part and rest, both added up over the steps so far; 0 where both are 0."""
    parts = part.cumsum(axis=0)
    whole = parts + rest.cumsum(axis=0)
    ratio: FloatArray = np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)
    return ratio
