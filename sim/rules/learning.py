"""Learning: beliefs about what is delivered (E5, E20, E21)."""

from __future__ import annotations

import numpy as np

from sim.axes import FloatArray, with_others


def credibility(successes: FloatArray, failures: FloatArray) -> FloatArray:
    """E5: believed share of delivery, mu = a / (a + b), in (0, 1)."""
    total = successes + failures
    return np.divide(successes, total, out=total)


def evidence(due: FloatArray, gdp: FloatArray, weight: FloatArray, scale: FloatArray) -> FloatArray:
    """E20: how much a step teaches, e = omega_b pv / (pv + e0) with pv = 100 proc / Y.

    Parameters
    ----------
    due : (state, power, domain, replicate), USD bn that came due.
    gdp : (state, 1, 1, ·), USD bn/yr.
    weight : omega_b; 0 switches learning from own experience off.
    scale : e0, percent of GDP.
    """
    telling = due + scale * gdp / 100
    np.divide(due, telling, out=telling)
    telling *= weight
    return telling


def update(
    belief: FloatArray,
    prior: FloatArray,
    kept: FloatArray,
    experience: FloatArray,
    social: FloatArray,
) -> FloatArray:
    """E21: a' = a0 + rho (a - a0) + e + omega_soc W e, for successes and for failures alike.

    Parameters
    ----------
    belief, prior : pseudo-counts now and at the start.
    kept : share rho of what was learnt that is remembered after a step.
    experience : evidence of this step, e Z for successes and e (1 - Z) for failures.
    social : omega_soc, weight of the mean experience of the other states.
    """
    found = belief - prior
    found *= kept
    found += prior
    found += with_others(social, experience)
    return found
