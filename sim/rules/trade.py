"""Trade by partner: where it is drawn, and how fast it gets there (E27c)."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from sim.axes import FloatArray


def gravity(
    growth: FloatArray,
    agreements: FloatArray,
    promotion: FloatArray,
    cost: FloatArray,
    disruption: FloatArray,
) -> FloatArray:
    """E27c: ln(T*/T0), the sum of what moves trade away from its start, (S, J, 1, R).

    Parameters
    ----------
    growth : of both economies, times their elasticities, and the trend.
    agreements : change of sum_i phi_ij M_si. promotion : phi_T ln(1 + K / (Y/100)).
    cost : zeta (C - C0) / 100. disruption : sanctions, less what passes through as re-exports.
    """
    return growth + agreements + promotion - cost - disruption


def promotion(effect: FloatArray, capital: FloatArray, gdp: FloatArray) -> FloatArray:
    """E27c: phi_T ln(1 + K_sjT / (Y_s / 100)), (S, P, 1, R). Null: effect 0."""
    return effect * np.log1p(capital * (100 / gdp))


def shock(volatility: FloatArray, uniform: FloatArray) -> FloatArray:
    """O13: sigma_s sqrt(Delta) Phi^-1(u), what strikes trade in a step, (S, J, 1, R). Null: 0."""
    found: FloatArray = volatility * ndtri(uniform)
    return found


def adjust(
    trade: FloatArray, initial: FloatArray, target: FloatArray, share: FloatArray
) -> FloatArray:
    """E27c: T' = T exp(share (ln T* - ln T)), with ln T* = ln T0 + target; no trade stays none.

    Parameters
    ----------
    share : 1 - exp(-Delta / tau_T), what a step makes up of the way.
    """
    relative = np.divide(trade, initial, out=np.ones_like(trade), where=trade > 0)
    return trade * np.exp(share * (target - np.log(relative)))
