"""Growth with its feedbacks (O8) and opinion that moves (O7): closed forms, nulls and bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import POWER, STATE
from sim.rules import economy

SHARES = st.floats(0, 1)


def test_growth_adds_investment_in_gdp_and_prices() -> None:
    """O8: Y' = Y exp{g Delta + eta_K Rd / Y + epsilon^c (ln Pc' - ln Pc)}."""
    prices = 0.2 * (math.log(0.7) - math.log(0.9))
    found = economy.grow(one(288.0), one(0.05 / 2), one(0.3 * 4.0), one(prices))
    wanted = 288 * math.exp(0.025 + 0.3 * 4 / 288 + prices)
    assert found.item() == pytest.approx(wanted, rel=1e-15)


def test_growth_at_the_null_is_that_of_the_tables() -> None:
    gdp, growth = cube(288, 17.5, axis=STATE), cube(0.025, 0.03, axis=STATE)
    found = economy.grow(gdp, growth, one(0.0), one(0.0))
    np.testing.assert_array_equal(found, gdp * np.exp(growth))


def test_two_half_years_of_growth_make_a_year() -> None:
    """With investment that grows with the economy, and prices that move evenly."""
    gdp, nothing = one(50.0), one(0.0)
    year = economy.grow(gdp, one(0.04), one(0.02 * 50), one(-0.1))
    half = frozen(economy.grow(gdp, one(0.02), one(0.01 * 50), one(-0.05)))
    again = economy.grow(half, one(0.02), frozen(0.01 * half), one(-0.05))
    np.testing.assert_allclose(again, year, rtol=1e-14)
    assert economy.grow(gdp, nothing, nothing, nothing).item() == 50


# --- opinion --------------------------------------------------------------------------------------


def test_opinion_reverts_and_follows_surprises_and_coercion() -> None:
    """O7 as a change from O*: m' = (1 - kappa_o Delta) m + kappa_d sum e (Z - mu) - loss."""
    found = economy.move_opinion(one(0.2), one(0.5), one(0.1), one(0.03), one(0.05))
    assert found.item() == pytest.approx(0.9 * 0.2 + 0.03 - 0.05, rel=1e-15)


def test_opinion_stays_where_nothing_moves_it() -> None:
    zero = one(0.0)
    assert economy.move_opinion(one(0.13), one(0.5), zero, zero, zero).item() == 0.13
    assert economy.move_opinion(zero, one(0.5), one(0.3), zero, zero).item() == 0


@pytest.mark.parametrize(("surprise", "wanted"), [(5.0, 0.4), (-5.0, -0.6), (0.4, 0.4)])
def test_opinion_stays_within_nobody_and_everybody(surprise: float, wanted: float) -> None:
    found = economy.move_opinion(one(0.0), one(0.6), one(0.0), one(surprise), one(0.0))
    assert found.item() == pytest.approx(wanted, rel=1e-15)


@given(
    arrays(np.float64, (2, 3, 1, 2), elements=st.floats(-1, 1)),
    arrays(np.float64, (2, 3, 1, 2), elements=SHARES),
    st.floats(0, 2),
    st.floats(-3, 3),
    SHARES,
)
def test_opinion_is_a_share(
    moved: np.ndarray, opinion: np.ndarray, reversion: float, surprise: float, loss: float
) -> None:
    found = economy.move_opinion(
        frozen(moved), frozen(opinion), one(reversion), one(surprise), one(loss)
    )
    assert (opinion + found >= -1e-15).all()
    assert (opinion + found <= 1 + 1e-15).all()


def test_opinion_that_events_lower_takes_the_change_with_it() -> None:
    """What bounds the change is O* with its events: a smaller public cannot be lost twice."""
    before, after = one(0.5), one(0.1)
    lost = frozen(economy.move_opinion(one(0.0), before, one(0.0), one(0.0), one(0.3)))
    assert lost.item() == -0.3
    assert economy.move_opinion(lost, after, one(0.0), one(0.0), one(0.0)).item() == -0.1


def test_losses_by_coercion_fade_at_the_speed_of_reversion() -> None:
    moved = frozen(
        economy.move_opinion(
            cube(0, 0, axis=POWER), one(0.5), one(0.2), one(0.0), cube(0.1, 0, axis=POWER)
        )
    )
    for _ in range(10):
        moved = frozen(economy.move_opinion(moved, one(0.5), one(0.2), one(0.0), one(0.0)))
    np.testing.assert_allclose(moved.ravel(), [-0.1 * 0.8**10, 0], rtol=1e-12)
