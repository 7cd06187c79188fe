"""Dependence and security (E22-E26, E31): shares of closed form, within the simplex."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import DOMAIN, PARTNER, POWER, Domain
from sim.rules import dependence

CAPITAL = arrays(np.float64, (2, 3, 5, 2), elements=st.just(0.0) | st.floats(1e-6, 100))
OTHERS = arrays(np.float64, (2, 1, 5, 2), elements=st.floats(0.01, 100))
TRADE = arrays(np.float64, (2, 4, 1, 2), elements=st.floats(0.01, 100))
TRANSIT = arrays(np.float64, (2, 3, 1, 2), elements=st.floats(0, 1 / 3))
NOTHING = one(0.0)
ROADS = slice(Domain.INFRASTRUCTURE, Domain.INFRASTRUCTURE + 1)


def test_shares_in_capital_and_in_trade() -> None:
    capital = np.zeros((1, 2, 5, 1))
    capital[0, :, Domain.ENERGY, 0] = [2, 1]
    others = np.ones((1, 1, 5, 1))
    trade = cube(3, 2, 5, axis=PARTNER)
    share = dependence.by_domain(frozen(capital), frozen(others), NOTHING, trade, NOTHING, NOTHING)
    assert share[0, :, Domain.ENERGY, 0].tolist() == [0.5, 0.25]
    assert share[0, :, Domain.TRADE, 0].tolist() == [0.3, 0.2]
    assert not share[0, :, [Domain.INFRASTRUCTURE, Domain.SECURITY, Domain.TECHNOLOGY], 0].any()


def test_capital_in_trade_does_not_count() -> None:
    capital = cube(100, 0, 0, 0, 0, axis=DOMAIN)
    others = cube(1, 1, 1, 1, 1, axis=DOMAIN)
    trade = cube(1, 3, axis=PARTNER)
    share = dependence.by_domain(capital, others, NOTHING, trade, NOTHING, NOTHING)
    assert share[0, 0, Domain.TRADE, 0] == 0.25


def test_remittances_count_as_capital_in_human_ties_only() -> None:
    migrants = cube(1, 0, axis=POWER)
    capital, others = frozen(np.ones((1, 2, 5, 1))), frozen(np.full((1, 1, 5, 1), 2.0))
    trade = cube(1, 1, 2, axis=PARTNER)
    share = dependence.by_domain(capital, others, migrants, trade, NOTHING, NOTHING)
    assert share[0, :, Domain.TECHNOLOGY, 0].tolist() == [2 / 5, 1 / 5]
    assert share[0, :, Domain.ENERGY, 0].tolist() == [1 / 4, 1 / 4]


def test_transit_takes_its_weight_from_capital_in_infrastructure_only() -> None:
    """E25: (1 - omega_tr) K / (sum K + K^o) + omega_tr TD."""
    capital, others = frozen(np.ones((1, 2, 5, 1))), frozen(np.full((1, 1, 5, 1), 2.0))
    transit, trade = cube(0.6, 0.1, axis=POWER), cube(1, 1, 2, axis=PARTNER)
    share = dependence.by_domain(capital, others, NOTHING, trade, transit, one(0.5))
    wanted = [0.5 * 0.25 + 0.5 * 0.6, 0.5 * 0.25 + 0.5 * 0.1]
    np.testing.assert_allclose(share[0, :, Domain.INFRASTRUCTURE, 0], wanted, rtol=1e-15)
    others_left = np.delete(share[0, :, :, 0], Domain.INFRASTRUCTURE, axis=1)
    np.testing.assert_array_equal(others_left, 0.25)


@pytest.mark.parametrize(("weight", "wanted"), [(0.0, [0.25, 0.25]), (1.0, [0.6, 0.1])])
def test_weight_of_transit_at_its_ends(weight: float, wanted: list[float]) -> None:
    capital, others = frozen(np.ones((1, 2, 5, 1))), frozen(np.full((1, 1, 5, 1), 2.0))
    transit, trade = cube(0.6, 0.1, axis=POWER), cube(1, 1, 2, axis=PARTNER)
    share = dependence.by_domain(capital, others, NOTHING, trade, transit, one(weight))
    np.testing.assert_allclose(share[0, :, Domain.INFRASTRUCTURE, 0], wanted, rtol=1e-15)


@given(CAPITAL, OTHERS, TRADE, TRANSIT, st.floats(0, 1))
def test_shares_stay_within_the_simplex(
    capital: np.ndarray, others: np.ndarray, trade: np.ndarray, transit: np.ndarray, weight: float
) -> None:
    share = dependence.by_domain(
        frozen(capital), frozen(others), NOTHING, frozen(trade), frozen(transit), one(weight)
    )
    assert (share >= 0).all()
    rest = others / (capital.sum(axis=POWER, keepdims=True) + others)
    rest[:, :, Domain.TRADE] = (trade[:, 3:] / trade.sum(axis=PARTNER, keepdims=True))[:, :, 0]
    away = 1 - transit.sum(axis=POWER, keepdims=True)  # what crosses no power
    rest[:, :, ROADS] += weight * (away - rest[:, :, ROADS])
    np.testing.assert_allclose(share.sum(axis=POWER, keepdims=True) + rest, 1, rtol=1e-12)


@given(CAPITAL, OTHERS, TRADE, TRANSIT, st.sampled_from([0.25, 2.0, 1024.0]))
def test_units_of_money_do_not_matter(
    capital: np.ndarray, others: np.ndarray, trade: np.ndarray, transit: np.ndarray, factor: float
) -> None:
    money = [frozen(capital), frozen(others), one(0.5), frozen(trade)]
    first = dependence.by_domain(*money, frozen(transit), one(0.3))
    larger = [frozen(factor * part) for part in money]
    second = dependence.by_domain(*larger, frozen(transit), one(0.3))
    np.testing.assert_allclose(second, first, rtol=1e-14)


def test_nothing_at_all_is_no_dependence() -> None:
    nothing = frozen(np.zeros((1, 2, 5, 1)))
    others, trade = frozen(np.zeros((1, 1, 5, 1))), cube(0, 0, 1, axis=PARTNER)
    share = dependence.by_domain(nothing, others, NOTHING, trade, NOTHING, one(0.5))
    assert not share.any()


def test_total_is_the_weighted_sum_over_domains() -> None:
    weights = cube(0.25, 0.2, 0.2, 0.25, 0.1, axis=DOMAIN)
    assert dependence.total(weights, cube(1, 0, 0, 1, 0, axis=DOMAIN)).item() == 0.5
    assert dependence.total(weights, cube(1, 1, 1, 1, 1, axis=DOMAIN)).item() == pytest.approx(1)


def test_security_from_own_means_and_from_ties() -> None:
    share = np.full((1, 2, 5, 1), 9.9)  # ties outside security do not count
    share[0, :, Domain.SECURITY, 0] = [0.8, 0.1]
    protection = cube(1.0, 0.5, axis=POWER)
    found = dependence.security_level(one(0.6), one(2.0), protection, frozen(share))
    assert found.item() == pytest.approx(1 - math.exp(-0.6 - 2 * 0.85), rel=1e-15)


def test_no_means_and_no_ties_are_no_security() -> None:
    share = frozen(np.zeros((1, 2, 5, 1)))
    assert dependence.security_level(NOTHING, one(1.0), one(1.0), share).item() == 0
