"""Sums and means along the small axes, whatever the number of replicates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import cube, frozen, one

from sim.axes import (
    DOMAINS,
    STATE,
    Domain,
    check_shape,
    mean_of_others,
    sum_over,
    with_others,
)
from sim.errors import ShapeError


@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_a_sum_has_the_same_bits_for_one_replicate_as_for_many(
    length: int, replicates: int, axis: int, seed: int
) -> None:
    """Terms are added one after the other; NumPy alone would pair those of a single replicate."""
    shape = [3, 2, 4]
    shape[axis] = length
    array = frozen(np.random.default_rng(seed).random((*shape, replicates)))
    found = sum_over(array, axis)
    terms = np.moveaxis(array, axis, 0)
    wanted = terms[0]
    for term in terms[1:]:
        wanted = wanted + term
    np.testing.assert_array_equal(found, np.expand_dims(wanted, axis))
    for replicate in range(replicates):
        own = slice(replicate, replicate + 1)
        alone = sum_over(np.ascontiguousarray(array[..., own]), axis)
        np.testing.assert_array_equal(alone, found[..., own])


@given(st.integers(1, 12), st.floats(0, 2), st.integers(0, 2**32 - 1))
def test_others_are_the_mean_without_oneself(states: int, weight: float, seed: int) -> None:
    array = frozen(np.random.default_rng(seed).random((states, 2, 1, 3)))
    found = mean_of_others(one(weight), array)
    for state in range(states):
        others = np.delete(array, state, axis=STATE)
        wanted = weight * others.mean(axis=STATE) if states > 1 else 0 * array[0]
        np.testing.assert_allclose(found[state], wanted, rtol=1e-9, atol=1e-12)
    together = with_others(one(weight), array)
    np.testing.assert_allclose(together, array + found, rtol=1e-9, atol=1e-12)


def test_shapes_may_have_length_one_and_nothing_else() -> None:
    check_shape("pick", np.zeros((5, 1, 5, 7)), 5, 3, 5, 7)
    for array in (np.zeros((5, 2, 5, 7)), np.zeros((5, 3, 5)), cube(1, 2, axis=STATE)):
        with pytest.raises(ShapeError, match=r"pick.*\(5, 3, 5, 7\)"):
            check_shape("pick", array, 5, 3, 5, 7)


def test_domains_are_named_in_the_order_of_their_numbers() -> None:
    assert [domain.key for domain in Domain] == list(DOMAINS)
    assert DOMAINS[Domain.SECURITY] == "security"
