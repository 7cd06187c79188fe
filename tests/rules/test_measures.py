"""Measures of portfolios (section 1.14) at the points where they are known (P29)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import POWER, STATE
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
    found = measures.switch_rate(np.array(picks, dtype=np.int8).reshape(-1, 1))
    assert found.shape == (1,)
    assert found.item() == pytest.approx(rate, rel=1e-15)
