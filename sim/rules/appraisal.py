"""Appraisal: the terms of the utility of an offer, in log-odds (E6-E15).

Each function is one term. Its null value is the parameter at which the term vanishes.
"""

from __future__ import annotations

import numpy as np

from sim.axes import PARTNER, STATE, Domain, FloatArray, mean_of_others, sum_over


def benefit(
    weight: FloatArray, credibility: FloatArray, value: FloatArray, scale: FloatArray
) -> FloatArray:
    """E6: Ben = w ln(1 + mu v / v0); grows with the believed value, ever more slowly.

    Parameters
    ----------
    weight : (state, 1, domain, ·), need for the domain, mean 1.
    credibility : (state, power, domain, replicate), believed share that will be delivered.
    value, scale : percent of GDP. Null: scale to infinity.
    """
    term = credibility * value
    term *= 1 / scale
    np.log1p(term, out=term)
    return weight * term


def conditionality(aversion: FloatArray, condition: FloatArray) -> FloatArray:
    """E7: Con = beta_c kappa_s c, cost of the conditions attached. Null: aversion 0."""
    return aversion * condition


def hedging(convexity: FloatArray, coercibility: FloatArray, dependence: FloatArray) -> FloatArray:
    """E9: Hed = chi_s theta_p D_sp, marginal cost of total dependence (S, P, 1). Null: chi 0."""
    return convexity * coercibility * dependence


def lock_in(strength: FloatArray, dependence: FloatArray) -> FloatArray:
    """E10: Lock = beta_L,d x_spd, pull of existing ties in the same domain. Null: strength 0."""
    return strength * dependence


def security(need: FloatArray, threat: FloatArray, protection: FloatArray) -> FloatArray:
    """E11: Sct = 1[d = security] beta_s tau_s prot_ps, (state, power, domain, ·). Null: need 0."""
    term = need * threat * protection
    states, powers, _, replicates = term.shape
    found = np.zeros((states, powers, len(Domain), replicates))
    found[:, :, Domain.SECURITY] = term[:, :, 0]
    return found


def sanctions(cost: FloatArray, intensity: FloatArray, exposed_trade: FloatArray) -> FloatArray:
    """E12: San = beta_x X e_p sens_d ex_s, fear of secondary sanctions. Null: cost 0.

    Parameters
    ----------
    cost : (1, power, domain, ·), beta_x e_p sens_d.
    intensity : (1, 1, 1, ·), X in 0..1.
    exposed_trade : (state, 1, 1, ·), share of trade with those who impose sanctions.
    """
    return cost * (intensity * exposed_trade)


def peers(weight: FloatArray, last_pick: FloatArray) -> FloatArray:
    """E13: Peer = beta_n times the share of the other states that picked p in d before."""
    return mean_of_others(weight, last_pick)


def inertia(weight: FloatArray, last_pick: FloatArray) -> FloatArray:
    """E14: Ine = beta_m where the state itself picked p in d before. Null: weight 0."""
    return weight * last_pick


def solidarity(cohesion: FloatArray, members: FloatArray, utility: FloatArray) -> FloatArray:
    """O1: b (mean utility of the bloc - own utility) for its members, (S, P, D, R). Null: b = 0.

    Parameters
    ----------
    members : (state, 1, 1, ·), 1 in the bloc.
    """
    number = sum_over(members, STATE)
    mean = sum_over(members * utility, STATE) / np.maximum(number, 1.0)
    return cohesion * members * (mean - utility)


def exposed_trade(trade: FloatArray, imposes_sanctions: FloatArray) -> FloatArray:
    """Share of trade with partners that impose sanctions, ex_s of E12, (state, 1, 1, ·)."""
    return sum_over(trade * imposes_sanctions, PARTNER) / sum_over(trade, PARTNER)
