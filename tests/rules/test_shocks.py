"""Events at a rate (E1) and documents (O10) against their distributions and half-lives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, poisson
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


# --- documents carried out (O10) ------------------------------------------------------------------


@pytest.mark.parametrize("trials", [1, 2, 19, 200, 1000])
@pytest.mark.parametrize("chance", [0.001, 0.07, 0.5, 0.93])
def test_successes_are_the_binomial_quantile(trials: int, chance: float) -> None:
    uniform = np.random.default_rng(3).random(20_000)
    count = shocks.successes(cube(*uniform, axis=REPLICATE), one(trials), one(chance))
    np.testing.assert_array_equal(count.ravel(), binom.ppf(uniform, trials, chance))


@given(st.floats(1e-9, 1 - 1e-9), st.integers(0, 60), st.floats(0, 1))
def test_successes_bracket_the_uniform(uniform: float, trials: int, chance: float) -> None:
    count = shocks.successes(one(uniform), one(trials), one(chance)).item()
    assert 0 <= count <= trials
    assert binom.cdf(count, trials, chance) >= uniform - 1e-9
    assert count == 0 or binom.cdf(count - 1, trials, chance) <= uniform + 1e-9


@pytest.mark.parametrize("trials", [0, 1, 19, 1000])
def test_successes_are_none_or_all_where_the_chance_leaves_no_doubt(trials: int) -> None:
    uniform = cube(2.0**-54, 0.3, 1 - 2.0**-53, axis=REPLICATE)
    assert not shocks.successes(uniform, one(trials), one(0.0)).any()
    np.testing.assert_array_equal(shocks.successes(uniform, one(trials), one(1.0)), trials)


def test_replicates_keep_their_own_numbers_of_documents_and_chances() -> None:
    generator = np.random.default_rng(5)
    uniform = frozen(generator.random((1, 1, 1, 400)))
    trials = frozen(generator.integers(0, 30, (1, 1, 1, 400)))
    chance = frozen(generator.random((1, 1, 1, 400)))
    found = shocks.successes(uniform, trials, chance)
    np.testing.assert_array_equal(found, binom.ppf(uniform, trials, chance))
    for replicate in (0, 17, 399):
        alone = slice(replicate, replicate + 1)
        single = shocks.successes(uniform[..., alone], trials[..., alone], chance[..., alone])
        assert single.item() == found[0, 0, 0, replicate]
