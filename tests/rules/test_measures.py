"""Measures of portfolios (section 1.14) at the points where they are known (P29)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import DOMAIN, POWER, STATE
from sim.rules import measures

TOTALS = arrays(np.float64, (3, 4, 1, 2), elements=st.floats(0, 10))


@given(TOTALS)
def test_shares_add_up_to_one_or_to_nothing(total: np.ndarray) -> None:
    whole = total.sum(axis=POWER)
    found = measures.shares(frozen(total)).sum(axis=POWER)
    np.testing.assert_allclose(found[whole > 0], 1, rtol=1e-12)
    assert not found[whole == 0].any()


def test_shares_along_another_axis() -> None:
    found = measures.shares(cube(1, 3, axis=STATE), axis=STATE)
    assert found.ravel().tolist() == [0.25, 0.75]


@pytest.mark.parametrize("powers", [2, 3, 4, 5])
def test_hedging_is_complete_with_equal_ties_and_absent_with_one(powers: int) -> None:
    equal = cube(*[1 / powers] * powers, axis=POWER)
    alone = cube(1, *[0] * (powers - 1), axis=POWER)
    assert measures.hedging_index(equal).item() == pytest.approx(1, rel=1e-15)
    assert measures.hedging_index(alone).item() == 0
    unnormalised = measures.hedging_index(equal).item() * (powers - 1) / powers
    assert unnormalised == pytest.approx(1 - 1 / powers, rel=1e-15)


def test_hedging_of_a_known_portfolio() -> None:
    found = measures.hedging_index(cube(0.5, 0.3, 0.2, axis=POWER)).item()
    assert found == pytest.approx((1 - 0.38) * 1.5, rel=1e-15)


@pytest.mark.parametrize("share", [cube(0, 0, 0, axis=POWER), one(1.0), one(0.0)])
def test_hedging_is_zero_without_ties_and_with_a_single_power(share: np.ndarray) -> None:
    assert measures.hedging_index(share).item() == 0


@given(TOTALS)
def test_hedging_lies_between_zero_and_one(total: np.ndarray) -> None:
    found = measures.hedging_index(measures.shares(frozen(total)))
    assert (found > -1e-12).all()
    assert (found < 1 + 1e-12).all()


def test_autonomy_falls_by_coercible_dependence() -> None:
    found = measures.autonomy(cube(1, 0.8, axis=POWER), cube(0.25, 0.5, axis=POWER))
    assert found.item() == pytest.approx(1 - 0.25 - 0.4, rel=1e-15)


def test_influence_weighs_states_by_gdp() -> None:
    dependence = frozen([[0.5, 0.0], [0.0, 0.5]]).reshape(2, 2, 1, 1)
    found = measures.influence(cube(300, 100, axis=STATE), dependence)
    assert found.ravel().tolist() == [0.75, 0.25]
    assert not measures.influence(one(1.0), cube(0, 0, axis=POWER)).any()


def test_polarisation_of_identical_and_of_opposite_states() -> None:
    same = frozen(np.tile(np.array([0.2, 0.3, 0.5]).reshape(1, 3, 1, 1), (4, 1, 1, 2)))
    assert not measures.polarisation(same).any()
    opposite = frozen(np.eye(3).reshape(3, 3, 1, 1))
    assert measures.polarisation(opposite).item() == 1
    assert measures.polarisation(cube(1, 0, axis=POWER)).item() == 0


def test_polarisation_is_the_mean_over_pairs() -> None:
    shares = frozen([[1, 0], [0.5, 0.5], [0, 1]]).reshape(3, 2, 1, 1)
    assert measures.polarisation(shares).item() == pytest.approx((0.5 + 1 + 0.5) / 3, rel=1e-15)


def test_moving_mean_looks_back_and_starts_short() -> None:
    flows = frozen([1, 3, 5, 7]).reshape(4, 1, 1)
    assert measures.moving_mean(flows, 2).ravel().tolist() == [1, 2, 4, 6]
    assert measures.moving_mean(flows, 9).ravel().tolist() == [1, 2, 3, 4]
    assert measures.moving_mean(flows, 1).ravel().tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize(
    ("picks", "rate"),
    [
        ([2, 2, 2, 2], 0),
        ([1, 2, 1, 2], 1),
        ([1, 1, 2, 2], 1 / 3),
        ([1, 0, 2, 2], 0),  # with nobody in between it is no switch
        ([0, 0, 0, 0], 0),
        ([1, 0, 2, 0], 0),
        ([3], 0),
    ],
)
def test_switch_rate_of_a_sequence(picks: list[int], rate: float) -> None:
    sequence = np.array(picks, dtype=np.int8).reshape(-1, 1, 1, 1)
    found = measures.moving_switch_rate(sequence, len(picks))
    assert found.shape == (len(picks), 1, 1)
    assert found[-1].item() == pytest.approx(rate, rel=1e-15)


def test_switch_rate_looks_back_over_its_window_only() -> None:
    """Pairs of a pick and the one before it; the first step has none."""
    picks = np.array([1, 2, 2, 3, 3, 0, 3, 1], dtype=np.int8).reshape(-1, 1, 1, 1)
    found = measures.moving_switch_rate(picks, 2).ravel()
    np.testing.assert_allclose(found, [0, 1, 0.5, 0.5, 0.5, 0, 0, 1], rtol=1e-15)


def test_switch_rate_counts_all_domains_together() -> None:
    """Two changes of three pairs in one domain and none of one in the other: 2 of 4."""
    first, second = [1, 2, 2, 3], [1, 1, 0, 2]
    picks = np.array([first, second], dtype=np.int8).T.reshape(4, 1, 2, 1)
    found = measures.moving_switch_rate(picks, 9)
    assert found[-1].item() == pytest.approx(2 / 4, rel=1e-15)


# --- spread and splitting of ties -----------------------------------------------------------------


@pytest.mark.parametrize("powers", [2, 3, 5])
def test_entropy_is_complete_with_equal_ties_and_absent_with_one(powers: int) -> None:
    equal = cube(*[1 / powers] * powers, axis=POWER)
    alone = cube(1, *[0] * (powers - 1), axis=POWER)
    assert measures.entropy(equal).item() == pytest.approx(1, rel=1e-14)
    assert measures.entropy(alone).item() == 0


def test_entropy_of_a_known_portfolio() -> None:
    found = measures.entropy(cube(0.5, 0.25, 0.25, 0, axis=POWER)).item()
    assert found == pytest.approx(1.5 * math.log(2) / math.log(4), rel=1e-14)


@pytest.mark.parametrize("share", [cube(0, 0, 0, axis=POWER), one(1.0), one(0.0)])
def test_entropy_is_zero_without_ties_and_with_a_single_power(share: np.ndarray) -> None:
    assert measures.entropy(share).item() == 0


@given(TOTALS)
def test_entropy_lies_between_zero_and_one_and_ignores_the_order(total: np.ndarray) -> None:
    share = frozen(measures.shares(frozen(total)))
    found = measures.entropy(share)
    assert (found > -1e-12).all()
    assert (found < 1 + 1e-12).all()
    turned = measures.entropy(frozen(share[:, ::-1]))
    np.testing.assert_allclose(turned, found, rtol=1e-12, atol=1e-14)


def test_ties_that_are_split_alike_in_every_domain_are_not_split_by_issue() -> None:
    alike = cube(0.2, 0.1, 0.1, axis=POWER) * cube(1, 2, 0.5, 1, 1, axis=DOMAIN)
    total = cube(0.24, 0.12, 0.12, axis=POWER)
    assert measures.issue_splitting(frozen(alike), total).item() == pytest.approx(0, abs=1e-15)


def test_issue_splitting_of_one_power_a_domain() -> None:
    """Two domains, each with another power: each is half a unit from the mean of both."""
    apart = frozen([[0.4, 0.0], [0.0, 0.4]]).reshape(1, 2, 2, 1)
    equal = cube(0.2, 0.2, axis=POWER)
    assert measures.issue_splitting(apart, equal).item() == 0.5
    uneven = cube(0.3, 0.1, axis=POWER)  # shares .75 and .25: distances .25 and .75
    assert measures.issue_splitting(apart, uneven).item() == 0.5
    one_sided = cube(0.4, 0.0, axis=POWER)
    assert measures.issue_splitting(apart, one_sided).item() == pytest.approx((0 + 1) / 2)


def test_a_domain_without_ties_counts_half_a_unit() -> None:
    """It has no shares to compare, so its distance is that of zeros: half of all shares."""
    empty = frozen([[0.4, 0.0], [0.4, 0.0]]).reshape(1, 2, 2, 1)
    found = measures.issue_splitting(empty, cube(0.2, 0.2, axis=POWER)).item()
    assert found == pytest.approx((0 + 0.5) / 2, rel=1e-15)


# --- gains ----------------------------------------------------------------------------------------


def test_investment_gain_is_the_log_of_deliveries_against_the_gdp_of_a_step() -> None:
    """W1 = ln(1 + 100 Rd / (Y Delta / 2)): half a percent of it counts as ln 2."""
    found = measures.investment_gain(one(0.5), one(100.0), 0.5)
    assert found.item() == pytest.approx(math.log1p(100 * 0.5 / 25), rel=1e-15)
    half_a_percent = measures.investment_gain(one(0.25), one(100.0), 0.5)
    assert half_a_percent.item() == pytest.approx(math.log(2), rel=1e-15)
    assert measures.investment_gain(one(0.0), one(100.0), 0.5).item() == 0


def test_gain_from_trade_is_that_of_a_smaller_share_of_home_goods() -> None:
    """W2 = -ln[(1 - m)/(1 - m0)]/zeta with m = T / (4 Y)."""
    found = measures.trade_gain(one(0.8), one(0.4), one(5.0))
    assert found.item() == pytest.approx(-math.log(0.8 / 0.9) / 5, rel=1e-14)


def test_gain_from_trade_is_zero_at_the_start_and_without_elasticity() -> None:
    assert measures.trade_gain(one(0.8), one(0.8), one(5.0)).item() == 0
    assert measures.trade_gain(one(0.8), one(0.4), one(0.0)).item() == 0


def test_gain_from_trade_stays_finite_where_all_goods_are_foreign() -> None:
    found = measures.trade_gain(cube(4.0, 9.0, axis=STATE), one(0.4), one(5.0)).ravel()
    assert np.isfinite(found).all()
    assert found[0] == found[1]


@given(st.floats(0, 3.9), st.floats(0, 3.9), st.floats(0.1, 10))
def test_more_trade_never_loses(openness: float, first: float, elasticity: float) -> None:
    gain = measures.trade_gain(one(openness), one(first), one(elasticity)).item()
    assert gain >= 0 if openness >= first else gain <= 0


# --- paths ----------------------------------------------------------------------------------------


def test_moving_shares_are_those_of_what_flowed_in_the_window() -> None:
    flows = frozen([[1, 3], [3, 1], [0, 0], [0, 0]]).reshape(4, 1, 2, 1)
    found = measures.moving_shares(flows, 2)[:, 0, :, 0]
    wanted = [[0.25, 0.75], [0.5, 0.5], [0.75, 0.25], [0, 0]]
    np.testing.assert_allclose(found, wanted, rtol=1e-15)


def test_moving_polarisation_is_that_of_mean_shares() -> None:
    """Two states that change sides in turn: opposite at first, alike over two steps."""
    one_way, other_way = [[1, 0], [0, 1]], [[0, 1], [1, 0]]
    flows = frozen([one_way, other_way, one_way]).reshape(3, 2, 2, 1)
    found = measures.moving_polarisation(flows, 2)
    assert found.shape == (3, 1)
    assert found.ravel().tolist() == [1, 0, 0]
    assert measures.moving_polarisation(flows, 1).ravel().tolist() == [1, 1, 1]


def test_running_ratio_adds_up_from_the_start() -> None:
    part, rest = frozen([0, 1, 2, 0]).reshape(4, 1), frozen([0, 1, 0, 4]).reshape(4, 1)
    found = measures.running_ratio(part, rest)
    np.testing.assert_allclose(found.ravel(), [0, 1 / 2, 3 / 4, 3 / 8], rtol=1e-15)


@given(
    arrays(np.float64, (5, 2, 3, 2), elements=st.floats(0, 10)),
    arrays(np.float64, (5, 2, 3, 2), elements=st.floats(0, 10)),
)
def test_running_ratio_is_a_share(part: np.ndarray, rest: np.ndarray) -> None:
    found = measures.running_ratio(frozen(part), frozen(rest))
    assert (found >= 0).all()
    assert (found <= 1).all()
