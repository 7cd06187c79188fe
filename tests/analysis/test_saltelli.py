"""Sobol indices of functions whose indices are known, on the points of the project's own design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from SALib.sample import sobol

from sim.analysis.saltelli import CONFIDENCE, ROWS, Design, indices
from sim.axes import FloatArray
from sim.errors import InputError
from sim.sweep import Sobol
from sim.sweep.designs import problem

ISHIGAMI = {"first": (0.3139, 0.4424, 0.0), "total": (0.5576, 0.4424, 0.2437)}
"""Indices of the Ishigami function at a = 7, b = 0.1."""
WEIGHTS = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])
"""Coefficients of Sobol's G function."""


def ishigami(points: FloatArray) -> FloatArray:
    """At points of the unit cube, which stands for -pi to pi."""
    x = (2 * points - 1) * np.pi
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def g_function(points: FloatArray) -> FloatArray:
    return np.prod((np.abs(4 * points - 2) + WEIGHTS) / (1 + WEIGHTS), axis=1)


def alone(count: int) -> tuple[tuple[int, ...], ...]:
    return tuple((number,) for number in range(count))


def points_of(design: Design) -> FloatArray:
    return np.concatenate(list(design.blocks()))


def close(table: pd.DataFrame, key: str, wanted: tuple[float, ...], tolerance: float) -> None:
    """Fail unless indices are near the known ones, and these within the intervals."""
    found, half = table[key].to_numpy(), table[f"{key}_interval"].to_numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)
    assert (half > 0).all()
    assert (np.abs(found - wanted) <= half).all()


# --- points ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 99])
@pytest.mark.parametrize(("count", "samples"), [(1, 2), (3, 64), (8, 1024), (300, 16)])
def test_points_are_those_of_salib(count: int, samples: int, seed: int) -> None:
    design = Design(alone(count), samples, seed)
    found = points_of(design)
    theirs = sobol.sample(problem(count), samples, calc_second_order=False, seed=seed)
    np.testing.assert_array_equal(found, theirs)
    assert found.shape == (design.points, design.coordinates) == (samples * (count + 2), count)
    over = tuple(f"x{number}" for number in range(count))
    swept = Sobol(over=over, samples=samples, seed=seed).matrix([None] * count)
    np.testing.assert_array_equal(found, swept)


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (((0, 2), (1,)), "aba"),
        (((0, 1, 2, 3), (4,), (5,)), "aaaabc"),
        (((0,), (1, 3), (2, 4)), "abcbc"),
    ],
)
def test_points_of_groups_are_those_of_salib(
    groups: tuple[tuple[int, ...], ...], names: str
) -> None:
    grouped = {**problem(len(names)), "groups": list(names)}
    theirs = sobol.sample(grouped, 512, calc_second_order=False, seed=3)
    np.testing.assert_array_equal(points_of(Design(groups, 512, 3)), theirs)


def test_blocks_are_small_and_whole() -> None:
    """Each holds all points of some base samples, so that many factors need little memory."""
    for count in (3, 500, 2000):
        blocks = list(Design(alone(count), 16).blocks())
        for block in blocks:
            assert len(block) % (count + 2) == 0
            assert len(block) <= max(ROWS, count + 2)
    assert len(blocks) == 16


def test_another_seed_is_another_design() -> None:
    one, two = (points_of(Design(alone(3), 8, seed)) for seed in (1, 2))
    assert (one != two).all()


# --- known answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_indices_of_the_ishigami_function(seed: int) -> None:
    design = Design(alone(3), 4096, seed)
    table = indices(ishigami(points_of(design)), ["x1", "x2", "x3"], 4096, seed=seed)
    assert list(table["factor"]) == ["x1", "x2", "x3"]
    close(table, "first", ISHIGAMI["first"], 0.01)
    close(table, "total", ISHIGAMI["total"], 0.01)
    assert (table["total_interval"] < 0.05).all()


def test_indices_of_the_g_function() -> None:
    variances = 1 / (3 * (1 + WEIGHTS) ** 2)
    whole = np.prod(1 + variances) - 1
    others = [np.prod(1 + np.delete(variances, place)) for place in range(len(WEIGHTS))]
    first, total = variances / whole, variances * others / whole
    assert first[0] == pytest.approx(0.716, abs=1e-3)
    assert total[0] == pytest.approx(0.787, abs=1e-3)
    outputs = g_function(points_of(Design(alone(8), 8192)))
    table = indices(outputs, [f"x{n}" for n in range(8)], 8192)
    close(table, "first", tuple(first), 0.002)
    close(table, "total", tuple(total), 0.002)
    np.testing.assert_allclose(table["total"], total, rtol=0.03)


def test_the_index_of_a_group_is_that_of_its_members_and_what_they_do_together() -> None:
    """Nothing of the Ishigami function joins x2 to x1 and x3, which share the rest."""
    outputs = ishigami(points_of(Design(((0, 2), (1,)), 4096)))
    table = indices(outputs, ["x1 and x3", "x2"], 4096)
    wanted = (1 - ISHIGAMI["first"][1], ISHIGAMI["first"][1])
    close(table, "first", wanted, 0.01)
    close(table, "total", wanted, 0.01)


def test_points_for_second_order_give_the_same_indices() -> None:
    points = Sobol(over=("a", "b", "c"), samples=4096, second_order=True).matrix([None] * 3)
    assert len(points) == 4096 * 8
    table = indices(ishigami(points), ["a", "b", "c"], 4096, second_order=True)
    close(table, "first", ISHIGAMI["first"], 0.01)
    close(table, "total", ISHIGAMI["total"], 0.01)


def test_intervals_hold_the_known_indices_nine_times_in_ten() -> None:
    inside = []
    for seed in range(60):
        table = indices(ishigami(points_of(Design(alone(3), 128, seed))), list("abc"), 128)
        for key, wanted in ISHIGAMI.items():
            gap = np.abs(table[key] - np.array(wanted))
            inside.append((gap <= table[f"{key}_interval"]).to_numpy())
    share = np.mean(inside)
    assert CONFIDENCE - 0.1 < share <= 1


def test_indices_do_not_depend_on_unit_and_origin() -> None:
    outputs = ishigami(points_of(Design(alone(3), 256)))
    one, two = (indices(y, list("abc"), 256) for y in (outputs, 1000 + 50 * outputs))
    pd.testing.assert_frame_equal(one, two, rtol=1e-9, atol=1e-12)
    pd.testing.assert_frame_equal(one, indices(outputs, list("abc"), 256), check_exact=True)


def test_a_factor_without_effect_has_exactly_none() -> None:
    points = points_of(Design(alone(3), 64))
    table = indices(points[:, 1] ** 2, list("abc"), 64).set_index("factor")
    assert (table.loc[["a", "c"]] == 0).all(axis=None)
    assert table.loc["b", "total"] == pytest.approx(1, abs=0.05)


def test_what_does_not_vary_has_no_indices() -> None:
    table = indices(np.full(64 * 5, 3.25), list("abc"), 64)
    assert list(table.columns) == [
        "factor",
        "first",
        "first_interval",
        "total",
        "total_interval",
    ]
    assert (table.drop(columns="factor") == 0).all(axis=None)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 64 * 5 - 1, 64 * 5 + 1, 64 * 4, 64 * 8, 32 * 5])
def test_too_few_and_too_many_results_are_refused(count: int) -> None:
    message = rf"sobol: {count} results for a design of 320 points \(3 factors, 64 samples\)"
    with pytest.raises(InputError, match=message):
        indices(np.arange(count, dtype=float), list("abc"), 64)
    table = indices(np.arange(320, dtype=float), list("abc"), 64)
    assert len(table) == 3


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_points_without_a_number_are_refused(hole: float) -> None:
    outputs = ishigami(points_of(Design(alone(3), 64)))
    outputs[[7, 50]] = hole
    with pytest.raises(InputError, match="sobol: 2 of 320 points have no number"):
        indices(outputs, list("abc"), 64)


@pytest.mark.parametrize("samples", [-4, 0, 1, 3, 12, 1000])
def test_samples_are_a_power_of_two(samples: int) -> None:
    message = f"samples: must be a power of 2, at least 2, not {samples}"
    with pytest.raises(InputError, match=message):
        next(Design(alone(3), samples).blocks())
    with pytest.raises(InputError, match=message):
        indices(np.zeros(abs(samples) * 5), list("abc"), samples)


def test_results_for_second_order_are_not_those_without() -> None:
    outputs = ishigami(points_of(Design(alone(3), 64)))
    with pytest.raises(InputError, match="320 results for a design of 512 points"):
        indices(outputs, list("abc"), 64, second_order=True)
