"""Beliefs about delivery (E5, E20, E21) against the mean of the Beta distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import beta
from support import cube, frozen, one

from sim.axes import REPLICATE, STATE
from sim.rules import learning

COUNTS = st.floats(0.01, 1e4)


@given(COUNTS, COUNTS)
def test_credibility_is_the_mean_of_the_beta_distribution(first: float, second: float) -> None:
    found = learning.credibility(one(first), one(second)).item()
    assert found == pytest.approx(float(beta.mean(first, second)), rel=1e-12)
    assert 0 < found < 1


@given(st.lists(st.booleans(), min_size=1, max_size=12), COUNTS, COUNTS)
def test_full_evidence_gives_the_posterior_mean_of_beta_and_bernoulli(
    kept: list[bool], first: float, second: float
) -> None:
    successes, failures = one(first), one(second)
    for success in kept:
        good, bad = one(float(success)), one(float(not success))
        successes = frozen(learning.update(successes, one(first), one(1), good, one(0)))
        failures = frozen(learning.update(failures, one(second), one(1), bad, one(0)))
    found = learning.credibility(successes, failures).item()
    assert found == pytest.approx((first + sum(kept)) / (first + second + len(kept)), rel=1e-12)


def test_evidence_of_the_scale_counts_half() -> None:
    """A project of e0 percent of GDP counts half, none counts nothing, a huge one fully."""
    due = cube(0.0, 0.1, 1e12, axis=REPLICATE)
    found = learning.evidence(due, one(100.0), one(1.0), one(0.1))
    np.testing.assert_allclose(found.ravel(), [0, 0.5, 1], rtol=1e-12)


@given(st.floats(0, 1e3), st.floats(1, 1e3), st.floats(0, 1), st.floats(0.01, 1))
def test_evidence_is_the_formula_in_percent_of_gdp(
    due: float, gdp: float, weight: float, scale: float
) -> None:
    percent = 100 * due / gdp
    found = learning.evidence(one(due), one(gdp), one(weight), one(scale)).item()
    assert found == pytest.approx(weight * percent / (percent + scale), rel=1e-12)


def test_without_weight_nothing_is_learnt() -> None:
    assert learning.evidence(one(5.0), one(100.0), one(0.0), one(0.1)).item() == 0


def test_forgetting_halves_what_was_learnt_and_keeps_the_prior() -> None:
    belief = learning.update(one(7.0), one(3.0), one(0.5), one(0.0), one(0.0))
    assert belief.item() == 3.0 + 4.0 / 2


def test_experience_of_the_others_counts_by_its_mean() -> None:
    experience = cube(0.9, 0.3, 0.0, axis=STATE)
    found = learning.update(cube(2, 2, 2, axis=STATE), one(2.0), one(1.0), experience, one(0.5))
    wanted = [2 + 0.9 + 0.5 * 0.15, 2 + 0.3 + 0.5 * 0.45, 2 + 0.0 + 0.5 * 0.6]
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-14)


def test_a_single_state_hears_of_nobody() -> None:
    found = learning.update(one(2.0), one(2.0), one(1.0), one(0.25), one(1.0))
    assert found.item() == 2.25


@given(arrays(np.float64, (3, 2, 5, 2), elements=st.floats(0, 1)), st.floats(0, 1))
def test_beliefs_never_fall_below_the_prior(experience: np.ndarray, kept: float) -> None:
    belief = frozen(np.full(experience.shape, 4.0))
    found = learning.update(belief, one(1.5), one(kept), frozen(experience), one(0.2))
    assert (found >= 1.5).all()
