"""Offers: what powers can spend and what they put on the table (E2-E4)."""

from __future__ import annotations

import numpy as np

from sim.axes import BoolArray, FloatArray


def grow_budget(
    budget: FloatArray, growth: FloatArray, war_drain: FloatArray, war: FloatArray, years: float
) -> FloatArray:
    """E2: next budget flow, M exp{[g - drain·War] years}.

    Parameters
    ----------
    budget : (1, power, 1, replicate), USD bn/yr.
    growth, war_drain : (1, power, 1, ·), 1/yr.
    war : (1, 1, 1, ·), 1 while the war lasts.
    years : length of the step.
    """
    return budget * np.exp((growth - war_drain * war) * years)


def available_money(
    budget: FloatArray, unspent: FloatArray, rollover: FloatArray, years: float
) -> FloatArray:
    """E2: money of a power in this step, Av = M years + rollover·Un, (1, power, 1, ·), USD bn."""
    return budget * years + rollover * unspent


def amounts(allocation: FloatArray, available: FloatArray) -> FloatArray:
    """E3: money offered to each state in each domain, g = share·Av, USD bn."""
    return allocation * available


def posted(amount: FloatArray, minimum: FloatArray) -> BoolArray:
    """E3: whether an offer is on the table: worth more than nothing and the minimum at least."""
    return amount >= np.maximum(minimum, np.finfo(np.float64).tiny)


def value(amount: FloatArray, gdp: FloatArray) -> FloatArray:
    """E4: offer in percent of the yearly GDP of the state, v = 100 g / Y."""
    return amount * (100 / gdp)
