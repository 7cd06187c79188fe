"""Choice: from utilities to probabilities and picks (E16)."""

from __future__ import annotations

import numpy as np

from sim.axes import POWER, BoolArray, FloatArray, sum_over


def scores(utility: FloatArray, outside: FloatArray, precision: FloatArray) -> FloatArray:
    """lambda·U of all options, "none" first: (state, 1 + power, domain, replicate)."""
    states, powers, domains, replicates = utility.shape
    found = np.empty((states, powers + 1, domains, replicates))
    found[:, :1] = precision * outside
    np.multiply(precision, utility, out=found[:, 1:])
    return found


def probabilities(score: FloatArray, available: BoolArray | None) -> FloatArray:
    """E16: logit over the options on the table, with "none" always among them.

    Parameters
    ----------
    score : (state, option, domain, replicate), lambda·U; option 0 is "none".
    available : (state, power, domain, ·); None where every offer is on the table.

    Returns
    -------
    (state, option, domain, replicate), adding up to 1 over options.
    """
    masked = on_the_table(score, available)
    weight = masked - np.maximum.reduce(masked, axis=POWER, keepdims=True)
    np.exp(weight, out=weight)
    return np.divide(weight, sum_over(weight, POWER), out=weight)


def nested(score: FloatArray, nest: FloatArray) -> FloatArray:
    """O3: scores that make the plain rules choose as with all powers' offers in one nest.

    s_p becomes s_p / varsigma - (1 - varsigma) I with I = ln sum_p e^(s_p / varsigma), since
    P_p = (1 - P_none) e^(s_p / varsigma - I) and P_none / (1 - P_none) = e^(s_0 - varsigma I).
    Nest 1 changes nothing.

    Parameters
    ----------
    score : (state, option, domain, replicate), "none" first, -inf where nothing is on the table.
    nest : varsigma, above 0 and at most 1.
    """
    scaled = score[:, 1:] / nest
    most = np.maximum.reduce(scaled, axis=POWER, keepdims=True)
    nearest = np.where(np.isfinite(most), most, 0.0)
    whole = sum_over(np.exp(scaled - nearest), POWER)
    inclusive = np.log(whole, out=np.zeros_like(whole), where=whole > 0) + nearest
    return np.concatenate([score[:, :1], scaled - (1 - nest) * inclusive], axis=POWER)


def gumbel(uniform: FloatArray) -> FloatArray:
    """Standard Gumbel noise from uniforms: G = -ln(-ln u)."""
    noise = np.log(uniform)
    np.negative(noise, out=noise)
    np.log(noise, out=noise)
    np.negative(noise, out=noise)
    return noise


def pick(score: FloatArray, available: BoolArray | None, noise: FloatArray) -> FloatArray:
    """E16: option with the highest lambda·U + G of those on the table, as one-hot over powers.

    A row of zeros means "none". Of equals the first option counts, which has probability zero.
    """
    return _one_hot(on_the_table(score + noise, available))


def best(utility: FloatArray, available: BoolArray | None, noise: FloatArray) -> FloatArray:
    """E16 without noise (lambda infinite): highest utility; exact ties go by the largest G.

    Parameters
    ----------
    utility : (state, option, domain, replicate), U itself, not scaled.
    """
    masked = on_the_table(utility, available)
    ties = np.where(masked == np.maximum.reduce(masked, axis=POWER, keepdims=True), noise, -np.inf)
    return _one_hot(ties)


def best_probabilities(utility: FloatArray, available: BoolArray | None) -> FloatArray:
    """Limit of E16 for infinite lambda: equal shares among the options of highest utility."""
    masked = on_the_table(utility, available)
    best_score = np.maximum.reduce(masked, axis=POWER, keepdims=True)
    ties: FloatArray = (masked == best_score).astype(np.float64)
    return np.divide(ties, sum_over(ties, POWER))


def on_the_table(score: FloatArray, available: BoolArray | None) -> FloatArray:
    """Scores in which options that are not on the table have the lowest score there is."""
    if available is None:
        return score
    found = score.copy()
    np.copyto(found[:, 1:], -np.inf, where=~available)
    return found


def _one_hot(score: FloatArray) -> FloatArray:
    """1 for the power with the highest score, the first of equals; "none" leaves zeros."""
    highest = np.maximum.reduce(score, axis=POWER, keepdims=True)
    hits = score == highest
    taken = hits[:, :1]
    chosen = np.empty((score.shape[0], score.shape[1] - 1, *score.shape[2:]))
    for power in range(chosen.shape[POWER]):
        hit = hits[:, power + 1 : power + 2] & ~taken
        chosen[:, power : power + 1] = hit
        taken = taken | hit
    return chosen
