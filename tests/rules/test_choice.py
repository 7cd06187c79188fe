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


# --- offers in a nest (O3) ------------------------------------------------------------------------

SCALES = st.floats(0.05, 1)


def nested_probabilities(score: np.ndarray, nest: float) -> np.ndarray:
    """Nested logit written out: P_none against the nest, then shares inside it."""
    weight = np.exp(score[:, 1:] / nest)
    whole = weight.sum(axis=POWER, keepdims=True)
    none = np.exp(score[:, :1])
    either = none + whole**nest
    some = whole**nest / either
    return np.concatenate([none / either, some * weight / whole], axis=POWER)


@given(UTILITIES, MASKS)
def test_p27_a_nest_of_scale_one_changes_no_bit(utility: np.ndarray, mask: np.ndarray) -> None:
    """P27: also in the chances and picks that follow, whatever is on the table."""
    plain = frozen(choice.on_the_table(choice.scores(frozen(utility), one(0.3), one(1.0)), mask))
    found = frozen(choice.nested(plain, one(1.0)))
    np.testing.assert_array_equal(found, plain)
    noise = frozen(choice.gumbel(np.random.default_rng(4).random(plain.shape)))
    np.testing.assert_array_equal(
        choice.probabilities(found, None), choice.probabilities(plain, None)
    )
    np.testing.assert_array_equal(choice.pick(found, None, noise), choice.pick(plain, None, noise))


def test_p27_two_duplicates_split_what_one_of_them_would_win() -> None:
    """P27: worth as much as "none": a third each in the logit, a quarter each in a tight nest."""
    score = cube(0, 0, 0, axis=POWER)
    logit = choice.probabilities(choice.nested(score, one(1.0)), None).ravel()
    np.testing.assert_allclose(logit, [1 / 3, 1 / 3, 1 / 3], rtol=1e-15)
    tight = choice.probabilities(choice.nested(score, one(1e-9)), None).ravel()
    np.testing.assert_allclose(tight, [1 / 2, 1 / 4, 1 / 4], rtol=1e-8)
    alone = choice.probabilities(choice.nested(cube(0, 0, axis=POWER), one(1e-9)), None).ravel()
    np.testing.assert_allclose(alone, [1 / 2, 1 / 2], rtol=1e-8)


@given(SCALES)
def test_duplicates_in_between(nest: float) -> None:
    """P_none = 1 / (1 + 2^varsigma) for two offers of the value of none."""
    found = choice.probabilities(choice.nested(cube(0, 0, 0, axis=POWER), one(nest)), None)
    assert found[0, 0, 0, 0] == pytest.approx(1 / (1 + 2**nest), rel=1e-12)


@given(arrays(np.float64, (2, 4, 2, 3), elements=st.floats(-10, 10)), SCALES)
def test_nested_scores_give_the_nested_logit(score: np.ndarray, nest: float) -> None:
    found = choice.probabilities(choice.nested(frozen(score), one(nest)), None)
    np.testing.assert_allclose(found, nested_probabilities(score, nest), rtol=1e-9, atol=1e-300)


@given(st.floats(-10, 10), SCALES)
def test_a_single_offer_does_not_feel_the_nest(utility: float, nest: float) -> None:
    score = cube(0.3, utility, axis=POWER)
    found = choice.nested(score, one(nest))
    np.testing.assert_allclose(found, score, rtol=1e-12, atol=1e-12)


def test_only_what_is_on_the_table_is_in_the_nest() -> None:
    score = frozen(
        choice.on_the_table(cube(0.2, 1, 5, -1, axis=POWER), on_the_table(True, False, True))
    )
    fewer = choice.nested(cube(0.2, 1, -1, axis=POWER), one(0.4))
    found = choice.nested(score, one(0.4))
    np.testing.assert_allclose(found[:, [0, 1, 3]], fewer, rtol=1e-15)
    assert found[0, 2, 0, 0] == -math.inf
    nobody = frozen(choice.on_the_table(score, on_the_table(False, False, False)))
    assert choice.probabilities(choice.nested(nobody, one(0.4)), None).ravel().tolist() == [
        1,
        0,
        0,
        0,
    ]


@pytest.mark.parametrize("level", [-1e300, -1e4, 1e4, 1e300])
def test_extreme_utilities_in_a_nest_give_no_overflow(level: float) -> None:
    found = choice.probabilities(choice.nested(cube(0, level, level, axis=POWER), one(0.5)), None)
    wanted = [0, 0.5, 0.5] if level > 0 else [1, 0, 0]
    np.testing.assert_allclose(found.ravel(), wanted, atol=1e-12)


@pytest.mark.parametrize("nest", [0.3, 0.7, 1.0])
def test_p27_pick_frequencies_are_the_nested_probabilities(nest: float) -> None:
    """P27: the same Gumbel noise on nested scores picks with the nested probabilities."""
    runs = 40_000
    utility = np.broadcast_to(frozen([0.7, -0.4, 1.1]).reshape(1, 3, 1, 1), (1, 3, 1, runs))
    score = frozen(choice.nested(choice.scores(utility, one(0.0), one(1.0)), one(nest)))
    noise = choice.gumbel(np.random.default_rng(3).random(score.shape))
    share = choice.pick(score, None, noise).mean(axis=-1).ravel()
    wanted = nested_probabilities(cube(0.0, 0.7, -0.4, 1.1, axis=POWER), nest).ravel()[1:]
    assert (np.abs(share - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / runs)).all()
