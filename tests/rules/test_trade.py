"""Trade by partner (E27c): where it is drawn, and how fast it gets there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import PARTNER, STATE
from sim.rules import trade

NUMBERS = st.floats(-2, 2)
SHARES = st.floats(0, 1)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_gravity_adds_what_draws_and_takes_what_hinders(
    growth: float, agreements: float, promotion: float, cost: float, disruption: float
) -> None:
    parts = map(one, (growth, agreements, promotion, cost, disruption))
    found = trade.gravity(*parts).item()
    wanted = growth + agreements + promotion - cost - disruption
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_gravity_of_states_and_partners() -> None:
    """Growth of the state and of the partner, costs of the pair: (S, J, 1, R)."""
    nothing = one(0.0)
    found = trade.gravity(
        cube(0.1, 0.2, axis=STATE) + cube(0.01, 0.02, 0.03, axis=PARTNER),
        nothing,
        nothing,
        frozen(np.arange(6.0).reshape(2, 3, 1, 1)),
        nothing,
    )
    wanted = [[0.11, 0.12 - 1, 0.13 - 2], [0.21 - 3, 0.22 - 4, 0.23 - 5]]
    np.testing.assert_allclose(found[:, :, 0, 0], wanted, rtol=1e-14)


def test_nothing_that_moves_trade_leaves_its_target_at_the_start() -> None:
    assert trade.gravity(*[one(0.0)] * 5).item() == 0


# --- trade projects -------------------------------------------------------------------------------


def test_promotion_is_the_log_of_capital_in_percent_of_gdp() -> None:
    """phi_T ln(1 + 100 K / Y): capital of one percent of GDP counts as phi_T ln 2."""
    found = trade.promotion(one(0.3), one(2.88), one(288.0))
    assert found.item() == pytest.approx(0.3 * math.log(2), rel=1e-15)


@pytest.mark.parametrize(("effect", "capital"), [(0.0, 5.0), (0.3, 0.0)])
def test_promotion_vanishes_without_effect_and_without_capital(
    effect: float, capital: float
) -> None:
    assert trade.promotion(one(effect), one(capital), one(100.0)).item() == 0


@given(st.floats(0.01, 10), st.floats(0.01, 10))
def test_promotion_rises_ever_more_slowly(capital: float, more: float) -> None:
    found = trade.promotion(
        one(1.0), cube(capital, capital + more, capital + 2 * more, axis=PARTNER), one(100.0)
    )
    low, middle, high = found.ravel()
    assert 0 < high - middle < middle - low


# --- adjustment -----------------------------------------------------------------------------------


@given(st.floats(0.01, 100), st.floats(0.01, 100), NUMBERS, SHARES)
def test_trade_goes_a_share_of_the_way_in_logs(
    now: float, initial: float, target: float, share: float
) -> None:
    """T' = T^(1 - share) T*^share."""
    found = trade.adjust(one(now), one(initial), one(target), one(share)).item()
    aim = initial * math.exp(target)
    assert found == pytest.approx(now ** (1 - share) * aim**share, rel=1e-12)


def test_trade_that_goes_all_the_way_arrives_and_none_of_it_stays() -> None:
    arrived = trade.adjust(one(3.0), one(2.0), one(0.7), one(1.0)).item()
    assert arrived == pytest.approx(2 * math.exp(0.7), rel=1e-15)
    assert trade.adjust(one(3.0), one(2.0), one(0.7), one(0.0)).item() == 3


def test_trade_at_its_target_stays_there_to_the_last_bit() -> None:
    assert trade.adjust(one(7.3), one(7.3), one(0.0), one(0.4)).item() == 7.3


@pytest.mark.parametrize("time", [0.5, 2.0, 7.0])
@given(st.floats(0.1, 100), st.floats(0.1, 100), NUMBERS)
def test_p12_two_half_steps_of_adjustment_make_a_step(
    time: float, now: float, initial: float, target: float
) -> None:
    """P12: towards an unmoved target with share 1 - exp(-Delta / tau)."""
    whole, half = (one(1 - math.exp(-years / time)) for years in (0.5, 0.25))
    once = trade.adjust(one(now), one(initial), one(target), whole)
    twice = one(now)
    for _ in range(2):
        twice = frozen(trade.adjust(twice, one(initial), one(target), half))
    np.testing.assert_allclose(twice, once, rtol=1e-12)


@given(arrays(np.float64, (2, 3, 1, 2), elements=NUMBERS), SHARES)
def test_no_trade_stays_none(target: np.ndarray, share: float) -> None:
    nothing = frozen(np.zeros((2, 3, 1, 2)))
    found = trade.adjust(nothing, nothing, frozen(target), one(share))
    np.testing.assert_array_equal(found, nothing)


def test_trade_that_ended_stays_ended() -> None:
    """All of it gone, by coercion say: nothing is left that could grow."""
    assert trade.adjust(one(0.0), one(4.0), one(0.5), one(0.3)).item() == 0


def test_no_trade_with_one_partner_leaves_the_others_alone() -> None:
    now, initial = cube(4, 0, 9, axis=PARTNER), cube(2, 0, 9, axis=PARTNER)
    found = trade.adjust(now, initial, cube(0.0, 5.0, 0.1, axis=PARTNER), one(0.5)).ravel()
    wanted = [4 * math.exp(0.5 * -math.log(2)), 0, 9 * math.exp(0.05)]
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


@given(st.floats(0.01, 100), NUMBERS, st.floats(0.01, 0.99))
def test_trade_never_overshoots(now: float, target: float, share: float) -> None:
    aim = math.exp(target)
    found = trade.adjust(one(now), one(1.0), one(target), one(share)).item()
    assert min(now, aim) * (1 - 1e-12) <= found <= max(now, aim) * (1 + 1e-12)


def test_trade_reaches_its_target_in_time() -> None:
    now, share = one(1.0), one(1 - math.exp(-0.5 / 3))
    for _ in range(400):
        now = frozen(trade.adjust(now, one(1.0), one(math.log(2)), share))
    assert now.item() == pytest.approx(2, rel=1e-12)
