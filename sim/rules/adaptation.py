"""Powers adapt: they shift money to where it wins most, and losers soften conditions (E28-E30)."""

from __future__ import annotations

import numpy as np

from sim.axes import DOMAIN, POWER, STATE, FloatArray, sum_over


def marginal_choice(probability: FloatArray, within: FloatArray | None) -> FloatArray:
    """Derivative of a choice probability in its own score: P (1 - P), (S, P, D, R).

    Parameters
    ----------
    probability : (S, P, D, R).
    within : None for the plain logit; in a nest, (1/varsigma - 1) (1 - q), q = P / (1 - P_none).
    """
    slope = probability - probability * probability
    if within is not None:
        slope += probability * within
    return slope


def return_on_money(
    precision: FloatArray,
    weight: FloatArray,
    credibility: FloatArray,
    value: FloatArray,
    scale: FloatArray,
    gdp: FloatArray,
) -> FloatArray:
    """E28: d(lambda U)/dg = lambda w mu / (v0 + mu v) (100 / Y), 1/bn, (S, P, D, R)."""
    slope = credibility * value
    slope += scale
    np.divide(credibility, slope, out=slope)
    slope *= precision * weight * (100 / gdp)
    return slope


def others_loss(
    weight: FloatArray,
    per_score: FloatArray,
    valuation: FloatArray,
    probability: FloatArray,
    pull: FloatArray,
) -> FloatArray:
    """E28: what power p's money costs those with whom it coordinates, (S, P, D, R).

    The sum over p' other than p of varpi_pp' V_p' (-dP_p'/dg_p), with -dP_p'/dg_p = the slope of
    p's score times P_p' times ``pull`` of p.

    Parameters
    ----------
    weight : varpi, (1, P, P', ·).
    per_score : d(lambda U_p)/dg_p, (S, P, D, R), 1/bn.
    valuation : V, (S, P, D, R), bn. probability : P, the same.
    pull : P_p, in a nest P_p + (1/varsigma - 1) q_p.
    """
    rows = []
    for p in range(per_score.shape[POWER]):
        lost = valuation * probability * weight[:, p : p + 1].swapaxes(POWER, DOMAIN)
        lost[:, p] = 0.0
        rows.append(sum_over(lost, POWER))
    return per_score * pull * np.concatenate(rows, axis=POWER)


def remember(memory: FloatArray, seen: FloatArray, weight: FloatArray) -> FloatArray:
    """E29: m' = m + xi (seen - m), (S, P, D, R)."""
    found = seen - memory
    found *= weight
    found += memory
    return found


def shift(
    allocation: FloatArray,
    returns: FloatArray,
    first: FloatArray,
    exponent: FloatArray,
    tremble: FloatArray,
) -> FloatArray:
    """E30: sigma' = (1 - epsilon) sigma (m / m-bar)^(gamma Delta) / norm + epsilon sigma0.

    Parameters
    ----------
    allocation : sigma, (S, P, D, R). returns : m, the same. first : sigma0, (S, P, D, ·).
    exponent : gamma Delta. tremble : epsilon.

    Returns
    -------
    (S, P, D, R), with the same sum for each power; unchanged where nothing brings a return.
    """
    whole = _by_power(allocation)
    mean = _by_power(allocation * returns)
    relative = np.divide(returns, mean, out=np.ones_like(returns), where=mean > 0)
    with np.errstate(divide="ignore"):
        np.log(relative, out=relative)
    relative *= exponent
    np.exp(relative, out=relative)
    relative *= allocation
    now = _by_power(relative)
    relative *= np.divide(whole, now, out=np.ones_like(now), where=now > 0)
    relative += tremble * (first - relative)
    return relative


def _by_power(array: FloatArray) -> FloatArray:
    return sum_over(sum_over(array, DOMAIN), STATE)


def concede(
    condition: FloatArray, probability: FloatArray, first: FloatArray, speed: FloatArray
) -> FloatArray:
    """O5: c' = clip(c + eta_c (P-bar - P*) Delta, 0, 1), (1, P, D, R).

    Parameters
    ----------
    condition : c_pd. probability : mean P-bar of each power now, (1, P, 1, R).
    first : P*, that of the first step. speed : eta_c Delta. Null: 0.
    """
    return np.clip(condition + speed * (probability - first), 0.0, 1.0)
