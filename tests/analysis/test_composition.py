"""Log-ratio coordinates of compositions: known values, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.analysis.composition import (
    aitchison,
    basis,
    closure,
    ilr,
    ilr_inverse,
    shrunk_covariance,
)
from sim.axes import FloatArray
from sim.errors import InputError

PARTS = st.integers(2, 7)
SHARE = st.floats(1e-6, 1)
"""From a millionth of the largest on: far below what trade statistics report."""


def compositions(count: int) -> st.SearchStrategy[FloatArray]:
    """Several compositions with the same number of parts, (count, J)."""
    return PARTS.flatmap(lambda parts: arrays(float, (count, parts), elements=SHARE))


# --- known values ---------------------------------------------------------------------------------


def test_coordinates_by_hand() -> None:
    np.testing.assert_allclose(ilr(np.array([0.8, 0.2])), [np.log(4) / np.sqrt(2)])
    # g is the geometric mean of the first two.
    wanted = [np.log(0.5 / 0.2) / np.sqrt(2), np.sqrt(2 / 3) * np.log(np.sqrt(0.1) / 0.3)]
    np.testing.assert_allclose(ilr(np.array([0.5, 0.2, 0.3])), wanted)
    np.testing.assert_allclose(ilr(np.full(5, 0.2)), np.zeros(4), atol=1e-15)


def test_shares_by_hand() -> None:
    np.testing.assert_allclose(ilr_inverse(np.zeros(3)), np.full(4, 0.25))
    np.testing.assert_allclose(ilr_inverse(np.array([np.log(4) / np.sqrt(2)])), [0.8, 0.2])


def test_distance_by_hand() -> None:
    """All log-ratios of the pair differ by ln 4, 0 or -ln 4 between two of three parts."""
    found = aitchison(np.array([0.4, 0.4, 0.2]), np.array([0.2, 0.2, 0.4]))
    assert found == pytest.approx(np.sqrt(2 / 3) * np.log(4))


@pytest.mark.parametrize("parts", range(2, 8))
def test_the_basis_is_orthonormal_and_of_log_ratios(parts: int) -> None:
    rows = basis(parts)
    np.testing.assert_allclose(rows @ rows.T, np.eye(parts - 1), atol=1e-14)
    np.testing.assert_allclose(rows.sum(axis=1), 0, atol=1e-14)


def test_shares_of_amounts() -> None:
    """Zeros are no obstacle to shares, only to their logarithms."""
    found = closure(np.array([[2.0, 0.0, 6.0], [1.0, 1.0, 2.0]]))
    np.testing.assert_array_equal(found, [[0.25, 0, 0.75], [0.25, 0.25, 0.5]])
    np.testing.assert_array_equal(closure(np.array([[1.0], [3.0]]), axis=0), [[0.25], [0.75]])


# --- properties -----------------------------------------------------------------------------------


@given(compositions(3))
def test_there_and_back(parts: FloatArray) -> None:
    shares = closure(parts)
    np.testing.assert_allclose(ilr_inverse(ilr(shares)), shares, rtol=1e-9)


@given(compositions(2))
def test_the_distance_is_that_of_all_log_ratios_and_of_the_coordinates(parts: FloatArray) -> None:
    x, y = np.log(parts)
    ratios = (x[:, None] - x) - (y[:, None] - y)
    wanted = np.sqrt((ratios**2).sum() / (2 * len(x)))
    found = aitchison(*parts)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found, np.linalg.norm(np.diff(ilr(parts), axis=0)), atol=1e-12)


@given(compositions(3), st.floats(1e-3, 1e3))
def test_the_distance_knows_neither_scale_nor_order_nor_a_common_factor_of_each_part(
    parts: FloatArray, scale: float
) -> None:
    x, y, factors = parts
    wanted = aitchison(x, y)
    order = np.roll(np.arange(len(x)), 1)
    np.testing.assert_allclose(aitchison(scale * x, y), wanted, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(aitchison(x[order], y[order]), wanted, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(aitchison(factors * x, factors * y), wanted, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(aitchison(y, x), wanted, rtol=1e-12)


@given(compositions(2), st.integers(0, 99))
def test_another_orthonormal_basis_gives_the_same_distance(parts: FloatArray, seed: int) -> None:
    size = parts.shape[1] - 1
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    x, y = ilr(parts) @ turn
    np.testing.assert_allclose(np.linalg.norm(x - y), aitchison(*parts), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_the_parts_may_stand_on_any_axis(axis: int) -> None:
    parts = np.random.default_rng(1).uniform(0.1, 1, (4, 3, 5))
    moved = np.moveaxis(parts, axis, -1)
    found = ilr(parts, axis)
    np.testing.assert_allclose(np.moveaxis(found, axis, -1), ilr(moved))
    np.testing.assert_allclose(ilr_inverse(found, axis), closure(parts, axis))
    other = parts[::-1] if axis != 0 else parts[:, ::-1]
    np.testing.assert_allclose(
        aitchison(parts, other, axis), aitchison(moved, np.moveaxis(other, axis, -1))
    )


def test_far_coordinates_do_not_overflow() -> None:
    found = ilr_inverse(np.array([[2000.0, 0.0], [-2000.0, -2000.0]]))
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 0, 1]], atol=1e-300)


# --- covariance -----------------------------------------------------------------------------------


def test_shrinkage_by_hand() -> None:
    """S = diag(4, 1), D = 2, f = 2: tr S = 5, tr S² = 17, weight 25 / (2 (17 - 12.5)) > 1; with
    f = 10 it is 25 / (10 · 4.5)."""
    deviations = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    np.testing.assert_allclose(shrunk_covariance(deviations, 2), 2.5 * np.eye(2))
    long = np.concatenate([deviations] * 5)
    weight = 25 / 45
    wanted = (1 - weight) * np.diag([4, 1]) + weight * 2.5 * np.eye(2)
    np.testing.assert_allclose(shrunk_covariance(long, 10), wanted)


@given(st.integers(1, 6), st.integers(2, 12), st.integers(0, 999))
def test_shrinkage_keeps_the_variance_turns_with_the_basis_and_can_be_inverted(
    size: int, count: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    deviations = generator.normal(size=(count, size)) * generator.uniform(0.1, 3, size)
    found = shrunk_covariance(deviations, count)
    np.testing.assert_allclose(np.trace(found), (deviations**2).sum() / count)
    turn, _ = np.linalg.qr(generator.normal(size=(size, size)))
    np.testing.assert_allclose(
        shrunk_covariance(deviations @ turn, count), turn.T @ found @ turn, atol=1e-9
    )
    assert np.linalg.cond(found) < 1e6


def test_shrinkage_helps_when_data_are_few_and_vanishes_when_they_are_many() -> None:
    generator = np.random.default_rng(2)
    truth = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 0.6]])
    root = np.linalg.cholesky(truth)
    raw, shrunk = [], []
    for _ in range(500):
        deviations = generator.normal(size=(5, 3)) @ root.T
        raw.append(np.linalg.norm(deviations.T @ deviations / 5 - truth))
        shrunk.append(np.linalg.norm(shrunk_covariance(deviations, 5) - truth))
    assert np.mean(shrunk) < 0.9 * np.mean(raw)
    many = generator.normal(size=(20_000, 3)) @ root.T
    # An element of the covariance of 20,000 has a standard error of at most 0.01.
    np.testing.assert_allclose(shrunk_covariance(many, 20_000), truth, atol=0.04)


def test_nothing_varies() -> None:
    np.testing.assert_array_equal(shrunk_covariance(np.zeros((4, 3)), 4), np.zeros((3, 3)))


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.0, -0.1, np.nan, np.inf])
def test_shares_without_a_logarithm_are_refused_and_the_first_is_named(bad: float) -> None:
    shares = np.full((3, 4), 0.25)
    shares[1, 2] = shares[2, 0] = bad
    message = rf"{bad:g} at \[1, 2\] \(2 of 12 shares\).* replace zeros beforehand"
    with pytest.raises(InputError, match=message):
        ilr(shares)
    with pytest.raises(InputError, match="positive number"):
        aitchison(shares, np.full(4, 0.25))


def test_what_is_no_composition_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 parts, not 1"):
        ilr(np.array([[0.4]]))
    with pytest.raises(InputError, match="each part must be a finite number, 0 or more"):
        closure(np.array([0.5, -0.5]))
    with pytest.raises(InputError, match="each part must be a finite number, 0 or more"):
        closure(np.array([0.5, np.nan]))
    with pytest.raises(InputError, match="all parts are 0"):
        closure(np.array([[0.5, 0.5], [0.0, 0.0]]))
    with pytest.raises(InputError, match="each coordinate must be a finite number"):
        ilr_inverse(np.array([np.inf, 0.0]))
    with pytest.raises(InputError, match="at least 1 degree of freedom, not 0"):
        shrunk_covariance(np.ones((1, 2)), 0)
