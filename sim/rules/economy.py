"""Growth that investment and prices feed (O8), and public opinion that moves (O7)."""

from __future__ import annotations

import numpy as np

from sim.axes import FloatArray


def grow(
    gdp: FloatArray, growth: FloatArray, investment: FloatArray, prices: FloatArray
) -> FloatArray:
    """O8: Y' = Y exp{g Delta + eta_K sum Rd / Y + epsilon^c (ln Pc' - ln Pc)}, (S, 1, 1, R).

    Parameters
    ----------
    growth : g Delta. investment : eta_K sum Rd, USD bn. prices : epsilon^c times the change.
    """
    return gdp * np.exp(growth + investment / gdp + prices)


def move_opinion(
    moved: FloatArray,
    opinion: FloatArray,
    reversion: FloatArray,
    surprise: FloatArray,
    loss: FloatArray,
) -> FloatArray:
    """O7: O' = O + kappa_o (O* - O) Delta + kappa_d sum e (Z - mu) - loss, as a change from O*.

    Parameters
    ----------
    moved : O - O* so far, (S, P, 1, R). opinion : O* with the effects of events, which bounds it.
    reversion : kappa_o Delta. surprise : kappa_d sum_d e (Z - mu). loss : by coercion.
    """
    found = moved - reversion * moved + surprise - loss
    return np.clip(found, -opinion, 1 - opinion)
