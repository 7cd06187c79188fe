"""The terms of utility (E6-E14): closed forms, null values and directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import DOMAIN, PARTNER, POWER, STATE, Domain
from sim.rules import appraisal

SHARES = st.floats(0, 1)


def test_benefit_is_the_log_of_the_believed_value() -> None:
    found = appraisal.benefit(one(1.2), one(0.5), one(0.6), one(0.1))
    assert found.item() == pytest.approx(1.2 * math.log(4), rel=1e-15)


@pytest.mark.parametrize("nothing", ["weight", "credibility", "value"])
def test_nothing_offered_believed_or_needed_is_no_benefit(nothing: str) -> None:
    numbers = {"weight": 1.0, "credibility": 0.5, "value": 0.6} | {nothing: 0.0}
    assert appraisal.benefit(*map(one, numbers.values()), one(0.1)).item() == 0


def test_benefit_vanishes_for_an_infinite_scale() -> None:
    assert appraisal.benefit(one(1.0), one(0.5), one(0.6), one(math.inf)).item() == 0


@given(st.floats(1e-3, 10), st.floats(1e-3, 1))
def test_benefit_rises_ever_more_slowly(value: float, credibility: float) -> None:
    steps = cube(value, 2 * value, 3 * value, axis=POWER)
    low, middle, high = appraisal.benefit(one(1), one(credibility), steps, one(0.1)).ravel()
    assert 0 < high - middle < middle - low


def test_benefit_depends_on_belief_times_value_only() -> None:
    first = appraisal.benefit(one(1), one(0.25), one(0.8), one(0.1))
    second = appraisal.benefit(one(1), one(0.5), one(0.4), one(0.1))
    assert first.item() == second.item()


def test_simple_terms_are_products() -> None:
    assert appraisal.conditionality(one(2.0), one(0.35)).item() == 0.7
    assert appraisal.hedging(one(4.0), one(0.5), one(0.25)).item() == 0.5
    assert appraisal.lock_in(one(2.5), one(0.5)).item() == 1.25
    assert appraisal.inertia(one(0.5), one(1.0)).item() == 0.5
    assert appraisal.sanctions(one(4.0), one(0.5), one(0.25)).item() == 0.5


@pytest.mark.parametrize(
    "term",
    [
        lambda zero: appraisal.conditionality(zero, one(0.35)),
        lambda zero: appraisal.hedging(zero, one(1.0), one(0.5)),
        lambda zero: appraisal.lock_in(zero, one(0.5)),
        lambda zero: appraisal.security(zero, one(0.7), one(1.0)),
        lambda zero: appraisal.sanctions(zero, one(0.4), one(0.5)),
        lambda zero: appraisal.peers(zero, frozen(np.ones((3, 1, 1, 1)))),
        lambda zero: appraisal.inertia(zero, one(1.0)),
    ],
    ids=["conditionality", "hedging", "lock_in", "security", "sanctions", "peers", "inertia"],
)
def test_each_term_vanishes_at_its_null_value(term: object) -> None:
    assert callable(term)
    assert not term(one(0.0)).any()


def test_threat_counts_in_security_only() -> None:
    protection = frozen([[1.0, 0.35], [0.5, 0.1]]).reshape(2, 2, 1, 1)
    threat = cube(0.25, 0.7, axis=STATE)
    found = appraisal.security(one(2.0), threat, protection)
    assert found.shape == (2, 2, len(Domain), 1)
    np.testing.assert_allclose(
        found[:, :, Domain.SECURITY, 0], [[0.5, 0.175], [0.7, 0.14]], rtol=1e-15
    )
    assert not np.delete(found, Domain.SECURITY, axis=DOMAIN).any()


def test_peers_are_the_share_of_the_other_states() -> None:
    picks = cube(1, 0, 1, 0, 0, axis=STATE)
    found = appraisal.peers(one(0.8), picks)
    np.testing.assert_allclose(
        found, 0.8 * cube(1 / 4, 2 / 4, 1 / 4, 2 / 4, 2 / 4, axis=STATE), rtol=1e-15
    )


def test_a_single_state_has_no_peers() -> None:
    picks = frozen(np.ones((1, 3, 5, 2)))
    found = appraisal.peers(one(0.8), picks)
    assert found.shape == picks.shape
    assert not found.any()


@given(arrays(np.float64, (4, 2, 5, 3), elements=st.sampled_from([0.0, 1.0])))
def test_influence_of_peers_adds_up_to_the_picks(picks: np.ndarray) -> None:
    found = appraisal.peers(one(1.0), frozen(picks))
    np.testing.assert_allclose(found.sum(axis=STATE), picks.sum(axis=STATE), atol=1e-14)


def test_exposure_is_the_share_of_trade_with_those_who_impose_sanctions() -> None:
    trade = cube(27.8, 30.1, 45.0, 38.5, axis=PARTNER)
    found = appraisal.exposed_trade(trade, cube(0, 0, 1, 0, axis=PARTNER))
    assert found.item() == pytest.approx(45.0 / 141.4, rel=1e-15)
    assert appraisal.exposed_trade(trade, cube(1, 1, 1, 1, axis=PARTNER)).item() == 1
    assert appraisal.exposed_trade(trade, cube(0, 0, 0, 0, axis=PARTNER)).item() == 0


@given(arrays(np.float64, (2, 4, 1, 2), elements=st.floats(0.01, 1e3)), SHARES, SHARES)
def test_fear_of_sanctions_stays_within_its_cost(
    trade: np.ndarray, cost: float, intensity: float
) -> None:
    exposed = appraisal.exposed_trade(frozen(trade), cube(0, 0, 1, 0, axis=PARTNER))
    fear = appraisal.sanctions(one(cost), one(intensity), frozen(exposed))
    assert (fear >= 0).all()
    assert (fear <= cost).all()


# --- states that weigh offers together (O1) -------------------------------------------------------


def test_solidarity_moves_members_towards_their_mean() -> None:
    utility = cube(1.0, 4.0, -2.0, 7.0, axis=STATE)
    members = cube(1, 1, 1, 0, axis=STATE)
    found = appraisal.solidarity(one(0.5), members, utility)
    np.testing.assert_allclose(found.ravel(), [0, -1.5, 1.5, 0], rtol=1e-15)


@given(arrays(np.float64, (4, 2, 5, 2), elements=st.floats(-20, 20)), SHARES)
def test_solidarity_keeps_the_mean_of_the_bloc_and_shrinks_its_spread(
    utility: np.ndarray, cohesion: float
) -> None:
    members = cube(1, 0, 1, 1, axis=STATE)
    added = appraisal.solidarity(one(cohesion), members, frozen(utility))
    bloc = [0, 2, 3]
    np.testing.assert_allclose(added[bloc].sum(axis=STATE), 0, atol=1e-12)
    before, after = (np.ptp(u[bloc], axis=STATE) for u in (utility, utility + added))
    np.testing.assert_allclose(after, (1 - cohesion) * before, atol=1e-12)
    assert not added[1].any()


@pytest.mark.parametrize(
    ("cohesion", "members"), [(0.0, (1, 1, 1)), (0.7, (0, 0, 0)), (0.7, (0, 1, 0))], ids=str
)
def test_solidarity_vanishes_without_cohesion_and_without_others(
    cohesion: float, members: tuple[int, ...]
) -> None:
    """Nothing is added bit for bit, also to a bloc of one."""
    utility = cube(0.1, 0.7, -1.3, axis=STATE)
    assert not appraisal.solidarity(one(cohesion), cube(*members, axis=STATE), utility).any()


def test_complete_solidarity_makes_members_agree() -> None:
    utility = frozen(np.random.default_rng(6).normal(size=(3, 2, 5, 4)))
    agreed = utility + appraisal.solidarity(one(1.0), cube(1, 1, 1, axis=STATE), utility)
    np.testing.assert_allclose(agreed, agreed[:1] + np.zeros_like(agreed), atol=1e-14)
