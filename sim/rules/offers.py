"""Offers: what powers can spend and what they put on the table (E2-E4)."""

from __future__ import annotations

import numpy as np

from sim.axes import BoolArray, FloatArray


def grow_budget(budget: FloatArray, rate: FloatArray, years: float) -> FloatArray:
    """E2: next budget flow, M exp{rate years}.

    Parameters
    ----------
    budget : (1, power, 1, replicate), USD bn/yr.
    rate : (1, power, 1, ·), 1/yr; see ``budget_rate``.
    years : length of the step.
    """
    return budget * np.exp(rate * years)


def budget_rate(
    growth: FloatArray, war: FloatArray, sanctions: FloatArray, commodities: FloatArray
) -> FloatArray:
    """E2: g - delta^W War - delta^X (X - X0) + epsilon^c ln Pc, each (1, power, 1, ·), 1/yr."""
    return growth - war - sanctions + commodities


def available_money(income: FloatArray, unspent: FloatArray, rollover: FloatArray) -> FloatArray:
    """E2: money of a power in this step, income + rollover·Un, (1, power, 1, ·), USD bn.

    Parameters
    ----------
    income : M years, times what summits and events make of it.
    """
    return income + rollover * unspent


def amounts(allocation: FloatArray, available: FloatArray) -> FloatArray:
    """E3: money offered to each state in each domain, g = share·Av, USD bn."""
    return allocation * available


def posted(amount: FloatArray, minimum: FloatArray) -> BoolArray:
    """E3: whether an offer is on the table: worth more than nothing and the minimum at least."""
    return amount >= np.maximum(minimum, np.finfo(np.float64).tiny)


def value(amount: FloatArray, gdp: FloatArray) -> FloatArray:
    """E4: offer in percent of the yearly GDP of the state, v = 100 g / Y."""
    return amount * (100 / gdp)
