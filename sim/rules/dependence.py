"""Dependence of states on powers, and the security it buys (E22-E26, E31)."""

from __future__ import annotations

import numpy as np

from sim.axes import DOMAIN, PARTNER, POWER, Domain, FloatArray, sum_over


def by_domain(
    capital: FloatArray,
    other_capital: FloatArray,
    remittance_capital: FloatArray,
    trade: FloatArray,
    transit: FloatArray,
    transit_weight: FloatArray,
) -> FloatArray:
    """E22, E23, E25: share of each power in what a state relies on, x_spd in [0, 1].

    Parameters
    ----------
    capital : (state, power, domain, replicate), USD bn.
    other_capital : (state, 1, domain, replicate), domestic and other suppliers, USD bn.
    remittance_capital : (state, power, 1, ·), remittances that count as capital in technology,
        digital and human ties, USD bn.
    trade : (state, partner, 1, replicate), USD bn/yr; powers first, then the rest of the world.
    transit : (state, power, 1, replicate), TD of E24. transit_weight : omega_tr, share.

    Returns
    -------
    (state, power, domain, replicate); in trade the share of turnover, in infrastructure the mean of
    the share of capital and of the trade that crosses the power, weighted by ``transit_weight``.
    """
    whole = sum_over(capital, POWER) + other_capital
    human = slice(Domain.TECHNOLOGY, Domain.TECHNOLOGY + 1)
    whole[:, :, human] += sum_over(remittance_capital, POWER)
    np.maximum(whole, np.finfo(np.float64).tiny, out=whole)  # nothing at all: no dependence
    share = capital / whole
    share[:, :, human] += remittance_capital / whole[:, :, human]
    powers = capital.shape[POWER]
    roads = slice(Domain.INFRASTRUCTURE, Domain.INFRASTRUCTURE + 1)
    share[:, :, roads] += transit_weight * (transit - share[:, :, roads])
    share[:, :, Domain.TRADE] = (trade[:, :powers] / sum_over(trade, PARTNER))[:, :, 0]
    return share


def total(weights: FloatArray, share: FloatArray) -> FloatArray:
    """E26: D_sp = sum over domains of omega_d x_spd, (state, power, 1, replicate)."""
    return sum_over(weights * share, DOMAIN)


def security_level(
    own: FloatArray, effect: FloatArray, protection: FloatArray, share: FloatArray
) -> FloatArray:
    """E31: Sec_s = 1 - exp(-own_s - eta sum_p prot_ps x_spS), (state, 1, 1, ·), 0..1."""
    ties = share[:, :, Domain.SECURITY : Domain.SECURITY + 1]
    return 1 - np.exp(-own - effect * sum_over(protection * ties, POWER))
