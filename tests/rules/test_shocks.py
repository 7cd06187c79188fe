"""Events that strike at a rate (E1) against the Poisson distribution and half-lives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson
from support import cube, frozen, one

from sim.axes import EVENT, REPLICATE
from sim.rules import shocks

MEANS = (0.0125, 0.05, 0.25, 1.0, 3.5, 20.0)


@pytest.mark.parametrize("mean", MEANS)
def test_occurrences_are_the_poisson_quantile(mean: float) -> None:
    uniform = np.random.default_rng(1).random(20_000)
    count = shocks.occurrences(cube(*uniform, axis=REPLICATE), one(mean))
    np.testing.assert_array_equal(count.ravel(), poisson.ppf(uniform, mean))


@given(st.floats(1e-12, 1 - 1e-12), st.floats(0, 40))
def test_occurrences_bracket_the_uniform(uniform: float, mean: float) -> None:
    count = shocks.occurrences(one(uniform), one(mean)).item()
    assert poisson.cdf(count, mean) >= uniform - 1e-12
    assert count == 0 or poisson.cdf(count - 1, mean) <= uniform + 1e-12


@given(st.lists(st.floats(1e-9, 1 - 1e-9), min_size=2, max_size=2), st.floats(0, 5))
def test_more_extreme_draws_never_mean_fewer_events(pair: list[float], mean: float) -> None:
    low, high = shocks.occurrences(cube(*sorted(pair), axis=REPLICATE), one(mean)).ravel()
    assert low <= high


@given(st.floats(1e-9, 1 - 1e-9), st.lists(st.floats(0, 5), min_size=2, max_size=2))
def test_higher_rates_never_mean_fewer_events(uniform: float, pair: list[float]) -> None:
    both = cube(uniform, uniform, axis=REPLICATE)
    low, high = shocks.occurrences(both, cube(*sorted(pair), axis=REPLICATE)).ravel()
    assert low <= high


def test_events_keep_their_own_means_and_states_their_own_draws() -> None:
    uniform = np.random.default_rng(2).random((3, 2, 1, 500))
    mean = cube(0.1, 2.0, axis=EVENT)
    count = shocks.occurrences(frozen(uniform), mean)
    np.testing.assert_array_equal(count, poisson.ppf(uniform, mean))


def test_an_impossible_event_never_strikes() -> None:
    assert shocks.occurrences(one(1 - 2**-53), one(0.0)).item() == 0


def test_no_event_types_give_an_empty_table() -> None:
    nothing = frozen(np.empty((5, 0, 1, 3)))
    assert shocks.occurrences(nothing, frozen(np.empty((1, 0, 1, 1)))).shape == (5, 0, 1, 3)


@given(st.floats(0.01, 100), st.sampled_from([0.25, 0.5, 1.0]))
def test_half_is_left_after_a_half_life(half_life: float, years: float) -> None:
    assert shocks.fade(one(half_life), half_life).item() == 0.5
    assert shocks.fade(one(half_life), years).item() == pytest.approx(
        math.exp(-math.log(2) * years / half_life), rel=1e-12
    )


def test_an_infinite_half_life_keeps_everything() -> None:
    assert shocks.fade(one(math.inf), 0.5).item() == 1.0


def test_surge_adds_occurrences_to_what_is_left() -> None:
    left = shocks.surge(one(0.4), one(0.5), one(0.2), one(3.0))
    assert left.item() == pytest.approx(0.2 + 0.6, rel=1e-15)


def test_surge_of_a_steady_stream_settles_at_size_over_loss() -> None:
    surge = one(0.0)
    for _ in range(200):
        surge = frozen(shocks.surge(surge, one(0.5), one(0.2), one(1.0)))
    assert surge.item() == pytest.approx(0.2 / (1 - 0.5), rel=1e-12)
