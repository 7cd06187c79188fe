"""Contracts, deliveries and capital (E17-E19): closed forms and fixed points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import DOMAIN, REPLICATE, Domain
from sim.rules import delivery

MONEY = arrays(np.float64, (2, 3, 5, 2), elements=st.floats(0, 100))


def test_picked_offers_are_signed_in_full() -> None:
    signed = delivery.sign(cube(0, 1, 0, axis=1), cube(0.3, 0.5, 0.7, axis=1))
    assert signed.ravel().tolist() == [0, 0.5, 0]


@given(MONEY)
def test_what_no_state_took_stays_with_the_power(signed: np.ndarray) -> None:
    available = frozen(signed.sum(axis=(0, 2), keepdims=True) + 7)
    rest = delivery.unspent(available, frozen(signed))
    assert rest.shape == (1, 3, 1, 2)
    np.testing.assert_allclose(rest, 7, rtol=1e-9)


def test_outcome_is_success_below_the_probability() -> None:
    uniform = cube(0.1, 0.3, 0.5, 0.9, axis=REPLICATE)
    assert delivery.outcome(uniform, one(0.5)).ravel().tolist() == [1, 1, 0, 0]
    assert not delivery.outcome(uniform, one(0.0)).any()
    assert delivery.outcome(uniform, one(1.0)).all()


@given(MONEY, MONEY, st.floats(0, 1))
def test_backlog_loses_what_is_processed_and_gains_what_is_signed(
    backlog: np.ndarray, signed: np.ndarray, share: float
) -> None:
    due = delivery.processed(frozen(backlog), one(share))
    after = delivery.next_backlog(frozen(backlog), frozen(due), frozen(signed))
    np.testing.assert_allclose(after, (1 - share) * backlog + signed, rtol=1e-12, atol=1e-12)
    assert (after >= 0).all()


def test_backlog_and_capital_settle_at_their_fixed_points() -> None:
    signing, share, probability, retained = one(0.4), one(0.2), one(0.45), one(0.9)
    backlog = capital = one(0.0)
    for _ in range(400):
        due = frozen(delivery.processed(backlog, share))
        capital = frozen(delivery.next_capital(capital, retained, frozen(due * probability)))
        backlog = frozen(delivery.next_backlog(backlog, due, signing))
    assert backlog.item() == pytest.approx(0.4 / 0.2, rel=1e-12)
    assert capital.item() == pytest.approx(0.45 * 0.4 / (1 - 0.9), rel=1e-12)


def test_capital_without_deliveries_decays_geometrically() -> None:
    capital = one(8.0)
    for _ in range(3):
        capital = frozen(delivery.next_capital(capital, one(0.5), one(0.0)))
    assert capital.item() == 1.0


def test_investment_leaves_security_out() -> None:
    delivered = cube(1, 2, 4, 8, 16, axis=DOMAIN)
    assert list(Domain)[3] is Domain.SECURITY
    assert delivery.next_investment(one(100), one(0.5), delivered).item() == 50 + 23
