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
    grown = offers.grow_budget(one(2.0), one(0.02), one(0.06), one(war), 0.5)
    assert grown.item() == pytest.approx(2.0 * math.exp(rate / 2), rel=1e-15)


def test_two_half_years_of_growth_make_a_year() -> None:
    budget, growth = cube(2, 4, 2.6, axis=POWER), cube(0.02, 0.03, 0.01, axis=POWER)
    drain = cube(0.06, 0, 0, axis=POWER)
    year = offers.grow_budget(budget, growth, drain, one(1), 1.0)
    half = offers.grow_budget(budget, growth, drain, one(1), 0.5)
    again = offers.grow_budget(half, growth, drain, one(1), 0.5)
    np.testing.assert_allclose(again, year, rtol=1e-15)


def test_money_of_a_step_is_its_flow_and_what_rolls_over() -> None:
    money = offers.available_money(cube(2, 4, axis=POWER), cube(0.5, 0, axis=POWER), one(0.8), 0.5)
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
