"""Budgets and offers (E2-E4) against their closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import cube, frozen, one

from sim.axes import POWER
from sim.rules import offers


@pytest.mark.parametrize(
    ("war", "rate"), [(1.0, 0.02 - 0.06), (0.0, 0.02), (0.5, 0.02 - 0.03)], ids=str
)
def test_budget_grows_exponentially_less_the_drain_of_war(war: float, rate: float) -> None:
    """E2: M' = M exp{(g - delta^W War) Delta}, sanctions and prices as at the start."""
    found = offers.budget_rate(one(0.02), one(0.06 * war), one(0.0), one(0.0))
    assert found.item() == pytest.approx(rate, rel=1e-15)
    grown = offers.grow_budget(one(2.0), frozen(found), 0.5)
    assert grown.item() == pytest.approx(2.0 * math.exp(rate / 2), rel=1e-15)


def test_sanctions_drain_and_prices_lift_the_budget() -> None:
    """E2: g - delta^W War - delta^X (X - X0) + epsilon^c ln Pc, each of its own power."""
    found = offers.budget_rate(
        cube(0.02, 0.03, axis=POWER),
        cube(0.06, 0, axis=POWER),
        cube(0.1 * (0.7 - 0.4), 0, axis=POWER),
        cube(0.15 * math.log(0.6), 0.05 * math.log(0.6), axis=POWER),
    )
    wanted = [0.02 - 0.06 - 0.03 + 0.15 * math.log(0.6), 0.03 + 0.05 * math.log(0.6)]
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-14)


def test_relief_and_high_prices_feed_the_budget() -> None:
    """Sanctions below those of the start, and prices above them, add to growth."""
    eased = offers.budget_rate(one(0.02), one(0.0), one(0.1 * (0.2 - 0.4)), one(0.0))
    dear = offers.budget_rate(one(0.02), one(0.0), one(0.0), one(0.15 * math.log(1.5)))
    assert min(eased.item(), dear.item()) > 0.02


def test_two_half_years_of_growth_make_a_year() -> None:
    budget, growth = cube(2, 4, 2.6, axis=POWER), cube(0.02, 0.03, 0.01, axis=POWER)
    rate = frozen(offers.budget_rate(growth, cube(0.06, 0, 0, axis=POWER), one(0), one(0)))
    year = offers.grow_budget(budget, rate, 1.0)
    half = frozen(offers.grow_budget(budget, rate, 0.5))
    again = offers.grow_budget(half, rate, 0.5)
    np.testing.assert_allclose(again, year, rtol=1e-15)


def test_money_of_a_step_is_its_income_and_what_rolls_over() -> None:
    income, unspent = cube(1, 2, axis=POWER), cube(0.5, 0, axis=POWER)
    money = offers.available_money(income, unspent, one(0.8))
    np.testing.assert_allclose(money, cube(1.4, 2.0, axis=POWER), rtol=1e-15)


@given(st.integers(1, 4), st.integers(1, 3), st.floats(1e-6, 100))
def test_offers_add_up_to_the_money_when_shares_add_up_to_one(
    states: int, powers: int, money: float
) -> None:
    share = frozen(np.full((states, powers, 5, 1), 1 / (5 * states)))
    amount = offers.amounts(share, frozen(np.full((1, powers, 1, 1), money)))
    np.testing.assert_allclose(amount.sum(axis=(0, 2)), money, rtol=1e-12)


@pytest.mark.parametrize(
    ("amount", "minimum", "posted"),
    [
        (0.001, 0.001, True),  # exactly the minimum counts
        (0.0009, 0.001, False),
        (1.0, 0.0, True),
        (0.0, 0.0, False),  # nothing is no offer, whatever the minimum
        (1e-300, 0.0, True),
    ],
)
def test_an_offer_is_posted_from_the_minimum_on(
    amount: float, minimum: float, posted: bool
) -> None:
    assert offers.posted(one(amount), one(minimum)).item() is posted


def test_value_is_percent_of_gdp() -> None:
    value = offers.value(cube(2.88, 0.175, axis=0), cube(288, 17.5, axis=0))
    np.testing.assert_allclose(value, cube(1.0, 1.0, axis=0), rtol=1e-15)
