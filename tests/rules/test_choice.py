"""Choice (E16): logit closed forms, masks, picks by Gumbel noise, and the branch without noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import POWER
from sim.rules import choice

UTILITIES = arrays(np.float64, (2, 3, 2, 4), elements=st.floats(-20, 20))
MASKS = arrays(np.bool_, (2, 3, 2, 4))


def read_only(mask: np.ndarray) -> np.ndarray:
    found = mask.copy()
    found.setflags(write=False)
    return found


def on_the_table(*flags: bool) -> np.ndarray:
    return read_only(np.array(flags).reshape(1, -1, 1, 1))


def test_scores_put_none_first() -> None:
    found = choice.scores(cube(1.0, -2.0, axis=POWER), one(0.5), one(2.0))
    assert found.ravel().tolist() == [1.0, 2.0, -4.0]


def test_scores_keep_a_precision_of_each_replicate() -> None:
    utility = frozen([[1.0, 1.0], [2.0, 2.0]]).reshape(1, 2, 1, 2)
    found = choice.scores(utility, one(0.0), frozen([0.0, 3.0]).reshape(1, 1, 1, 2))
    assert found[0, :, 0].tolist() == [[0.0, 0.0], [0.0, 3.0], [0.0, 6.0]]


@given(st.floats(-30, 30), st.floats(0, 5))
def test_one_offer_gives_the_binary_logit(utility: float, precision: float) -> None:
    score = choice.scores(one(utility), one(0.0), one(precision))
    found = choice.probabilities(frozen(score), on_the_table(True))
    assert found[0, 1, 0, 0] == pytest.approx(1 / (1 + math.exp(-precision * utility)), rel=1e-12)


def test_multinomial_logit_of_three_offers() -> None:
    score = cube(0, math.log(1), math.log(2), math.log(4), axis=POWER)
    found = choice.probabilities(score, on_the_table(True, True, True))
    np.testing.assert_allclose(found.ravel(), [1 / 8, 1 / 8, 2 / 8, 4 / 8], rtol=1e-15)


@given(UTILITIES, MASKS)
def test_probabilities_are_a_distribution_over_what_is_on_the_table(
    utility: np.ndarray, mask: np.ndarray
) -> None:
    score = frozen(choice.scores(frozen(utility), one(0.0), one(1.0)))
    found = choice.probabilities(score, read_only(mask))
    np.testing.assert_allclose(found.sum(axis=POWER), 1, rtol=1e-14)
    assert (found >= 0).all()
    assert not found[:, 1:][~mask].any()
    weights = np.where(mask, np.exp(utility), 0)
    wanted = weights / (1 + weights.sum(axis=POWER, keepdims=True))
    np.testing.assert_allclose(found[:, 1:], wanted, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("level", [-1e300, -1e4, 1e4, 1e300])
def test_extreme_utilities_give_no_overflow(level: float) -> None:
    found = choice.probabilities(cube(0, level, level, axis=POWER), on_the_table(True, True))
    wanted = [0, 0.5, 0.5] if level > 0 else [1, 0, 0]
    assert found.ravel().tolist() == wanted


def test_nothing_on_the_table_leaves_none() -> None:
    score = cube(0, 9, 9, axis=POWER)
    nobody = on_the_table(False, False)
    assert choice.probabilities(score, nobody).ravel().tolist() == [1, 0, 0]
    assert choice.best_probabilities(score, nobody).ravel().tolist() == [1, 0, 0]
    assert not choice.pick(score, nobody, cube(-5, 50, 50, axis=POWER)).any()
    assert not choice.best(score, nobody, cube(-5, 50, 50, axis=POWER)).any()


@given(UTILITIES)
def test_no_mask_is_a_mask_that_hides_nothing(utility: np.ndarray) -> None:
    score = frozen(choice.scores(frozen(utility), one(0.0), one(1.0)))
    noise = frozen(choice.gumbel(np.random.default_rng(4).random(score.shape)))
    everyone = read_only(np.ones(utility.shape, dtype=bool))
    for rule in (choice.probabilities, choice.best_probabilities):
        np.testing.assert_array_equal(rule(score, None), rule(score, everyone))
    for picking in (choice.pick, choice.best):
        np.testing.assert_array_equal(picking(score, None, noise), picking(score, everyone, noise))


@given(st.floats(2.0**-54, 1 - 2.0**-53))
def test_gumbel_noise_inverts_its_distribution(uniform: float) -> None:
    noise = choice.gumbel(one(uniform)).item()
    assert math.isfinite(noise)
    assert math.exp(-math.exp(-noise)) == pytest.approx(uniform, rel=1e-12)


@given(UTILITIES, MASKS, st.integers(0, 2**32 - 1))
def test_pick_is_the_highest_sum_of_score_and_noise(
    utility: np.ndarray, mask: np.ndarray, seed: int
) -> None:
    score = frozen(choice.scores(frozen(utility), one(0.0), one(1.0)))
    uniform = np.random.default_rng(seed).random(score.shape)
    noise = frozen(choice.gumbel(frozen(uniform)))
    picks = choice.pick(score, read_only(mask), noise)
    assert set(np.unique(picks)) <= {0.0, 1.0}
    open_to_all = np.concatenate([np.ones_like(mask[:, :1]), mask], axis=POWER)
    wanted = np.where(open_to_all, score + noise, -np.inf).argmax(axis=POWER)
    found = np.where(picks.any(axis=POWER), picks.argmax(axis=POWER) + 1, 0)
    np.testing.assert_array_equal(found, wanted)


def test_pick_frequencies_are_the_probabilities() -> None:
    runs = 40_000
    utility = np.broadcast_to(frozen([0.7, -0.4, 1.1]).reshape(1, 3, 1, 1), (1, 3, 1, runs))
    mask = np.ones(utility.shape, dtype=bool)
    score = choice.scores(utility, one(0.0), one(1.0))
    noise = choice.gumbel(np.random.default_rng(3).random(score.shape))
    share = choice.pick(score, mask, noise).mean(axis=-1).ravel()
    wanted = choice.probabilities(score, mask)[0, 1:, 0, 0]
    assert (np.abs(share - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / runs)).all()


def test_without_noise_the_best_offer_wins_whatever_the_noise() -> None:
    utility = cube(0, 1.0, 1.0 + 1e-12, -3, axis=POWER)
    noise = cube(90, 80, -5, 70, axis=POWER)
    everyone = on_the_table(True, True, True)
    assert choice.best(utility, everyone, noise).ravel().tolist() == [0, 1, 0]
    assert choice.best_probabilities(utility, everyone).ravel().tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(("highest", "picks"), [(0, [0, 0]), (1, [1, 0]), (2, [0, 1])])
def test_exact_ties_go_by_the_largest_noise(highest: int, picks: list[float]) -> None:
    noise = np.zeros(3)
    noise[highest] = 1.0
    utility = cube(0, 0, 0, axis=POWER)
    found = choice.best(utility, on_the_table(True, True), cube(*noise, axis=POWER))
    assert found.ravel().tolist() == picks
    shares = choice.best_probabilities(utility, on_the_table(True, True))
    np.testing.assert_allclose(shares.ravel(), 1 / 3, rtol=1e-15)


@pytest.mark.parametrize(
    ("score", "picks"),
    [([0, 2, 2, 1], [1, 0, 0]), ([2, 1, 2, 2], [0, 0, 0]), ([0, 1, 2, 2], [0, 1, 0])],
)
def test_of_equals_the_first_option_counts(score: list[float], picks: list[float]) -> None:
    """Noise included, which has probability zero: still at most one pick."""
    quiet = cube(0, 0, 0, 0, axis=POWER)
    for rule in (choice.pick, choice.best):
        found = rule(cube(*score, axis=POWER), on_the_table(True, True, True), quiet)
        assert found.ravel().tolist() == picks


def test_a_tie_with_an_offer_that_is_not_on_the_table_is_none() -> None:
    utility, noise = cube(0, 2, 2, axis=POWER), cube(0, 0, 9, axis=POWER)
    assert choice.best(utility, on_the_table(True, False), noise).ravel().tolist() == [1, 0]


@given(arrays(np.float64, (1, 3, 1, 1), elements=st.floats(-20, 20)))
def test_logit_of_high_precision_tends_to_the_branch_without_noise(utility: np.ndarray) -> None:
    ranked = np.sort([0.0, *utility.ravel()])
    assume(ranked[-1] - ranked[-2] > 0.1)
    everyone = on_the_table(True, True, True)
    steep = choice.scores(frozen(utility), one(0.0), one(1000.0))
    limit = choice.best_probabilities(choice.scores(frozen(utility), one(0.0), one(1.0)), everyone)
    np.testing.assert_allclose(choice.probabilities(steep, everyone), limit, atol=1e-12)
