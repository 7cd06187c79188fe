"""Designs in the unit cube: each has the structure that its definition says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from SALib.sample import morris, sobol

from sim.errors import InputError
from sim.places import CONFIG_DIR
from sim.sweep import DESIGNS, Grid, LatinHypercube, Morris, Single, Sobol, Zipped
from sim.sweep.designs import Design, name_of, problem, read_design

OVER = ("x",)
SIZES = st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=1, max_size=4)
RANDOM: tuple[Any, ...] = (
    LatinHypercube(over=OVER, samples=16, seed=3),
    Sobol(over=OVER, samples=8, seed=3),
    Sobol(over=OVER, samples=8, second_order=True, seed=3),
    Morris(over=OVER, samples=5, seed=3),
)
SHIPPED = sorted(path.stem for path in (CONFIG_DIR / "sweep").glob("*.yaml"))


def place(number: int, size: int) -> float:
    """Coordinate of a value of a list."""
    return (number + 0.5) / size


# --- grid and list --------------------------------------------------------------------------------


@given(SIZES, st.integers(2, 6))
def test_a_grid_has_all_combinations_in_order(sizes: list[int | None], points: int) -> None:
    found = Grid(over=OVER, points=points).matrix(sizes)
    columns = [
        [number / (points - 1) for number in range(points)]
        if size is None
        else [place(number, size) for number in range(size)]
        for size in sizes
    ]
    np.testing.assert_allclose(found, list(product(*columns)), rtol=0, atol=1e-15)
    assert found.shape == (np.prod([len(column) for column in columns]), len(sizes))


@pytest.mark.parametrize("points", [2, 3, 7, 100])
def test_a_grid_goes_from_end_to_end(points: int) -> None:
    column = Grid(over=OVER, points=points).matrix([None])[:, 0]
    assert column[0] == 0
    assert column[-1] == 1
    assert len(set(column.tolist())) == points


def test_a_grid_of_one_point_lies_in_the_middle() -> None:
    assert Grid(over=OVER, points=1).matrix([None, None, 3]).tolist() == [
        [0.5, 0.5, place(number, 3)] for number in range(3)
    ]


@given(st.integers(1, 6), st.integers(1, 50))
def test_a_list_goes_through_all_its_factors_side_by_side(factors: int, size: int) -> None:
    found = Zipped(over=OVER).matrix([size] * factors)
    assert found.shape == (size, factors)
    for number in range(size):
        assert found[number].tolist() == [place(number, size)] * factors
        assert int(found[number, 0] * size) == number


def test_without_a_design_there_is_one_point() -> None:
    assert Single().matrix([]).shape == (1, 0)


# --- Latin hypercube ------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**40))
def test_a_latin_hypercube_visits_each_stratum_once(samples: int, factors: int, seed: int) -> None:
    found = LatinHypercube(over=OVER, samples=samples, seed=seed).matrix([None] * factors)
    assert found.shape == (samples, factors)
    for column in found.T:
        assert sorted((column * samples).astype(int).tolist()) == list(range(samples))


# --- Sobol ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("factors", [1, 2, 5])
@pytest.mark.parametrize("samples", [1, 2, 16])
def test_sobol_is_the_sample_of_saltelli(factors: int, samples: int) -> None:
    """For each of N points: A, then A with one column of B at a time, then B."""
    found = Sobol(over=OVER, samples=samples, seed=5).matrix([None] * factors)
    assert found.shape == (samples * (factors + 2), factors)
    for block in found.reshape(samples, factors + 2, factors):
        first, last = block[0], block[-1]
        for number in range(factors):
            wanted = first.copy()
            wanted[number] = last[number]
            assert block[1 + number].tolist() == wanted.tolist()


@pytest.mark.parametrize("factors", [1, 3])
def test_sobol_of_second_order_has_both_ways(factors: int) -> None:
    """A, A with columns of B, B with columns of A, B: N (2 D + 2) points."""
    samples = 8
    found = Sobol(over=OVER, samples=samples, second_order=True).matrix([None] * factors)
    assert found.shape == (samples * (2 * factors + 2), factors)
    for block in found.reshape(samples, 2 * factors + 2, factors):
        first, last = block[0], block[-1]
        for number in range(factors):
            for row, base, other in ((1, first, last), (1 + factors, last, first)):
                wanted = base.copy()
                wanted[number] = other[number]
                assert block[row + number].tolist() == wanted.tolist()


@pytest.mark.parametrize("second_order", [False, True])
def test_sobol_is_the_sample_of_salib(second_order: bool) -> None:
    design = Sobol(over=OVER, samples=16, second_order=second_order, seed=9)
    wanted = sobol.sample(problem(3), 16, calc_second_order=second_order, seed=9)
    assert np.array_equal(design.matrix([None] * 3), wanted)
    assert problem(3) == {
        "num_vars": 3,
        "names": ["x0", "x1", "x2"],
        "bounds": [[0.0, 1.0]] * 3,
    }


# --- Morris ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [2, 4, 6])
@pytest.mark.parametrize("factors", [1, 2, 6])
def test_morris_moves_one_factor_at_a_time_by_the_fixed_step(levels: int, factors: int) -> None:
    samples = 7
    found = Morris(over=OVER, samples=samples, levels=levels).matrix([None] * factors)
    assert found.shape == (samples * (factors + 1), factors)
    step = levels / (2 * (levels - 1))
    grid = np.linspace(0, 1, levels)
    assert np.abs(found[..., np.newaxis] - grid).min(axis=-1).max() < 1e-12
    for trajectory in found.reshape(samples, factors + 1, factors):
        moves = np.diff(trajectory, axis=0)
        moved = np.abs(moves) > 1e-12
        assert (moved.sum(axis=1) == 1).all()
        assert (moved.sum(axis=0) == 1).all()
        np.testing.assert_allclose(np.abs(moves[moved]), step, rtol=1e-12)


def test_morris_is_the_sample_of_salib() -> None:
    wanted = morris.sample(problem(4), 6, num_levels=8, seed=2)
    found = Morris(over=OVER, samples=6, levels=8, seed=2).matrix([None] * 4)
    assert np.array_equal(found, wanted)


# --- what all have in common ----------------------------------------------------------------------


@pytest.mark.parametrize("design", RANDOM, ids=lambda design: type(design).__name__)
def test_the_seed_decides(design: Any) -> None:
    sizes = [None, 3, None]
    first = design.matrix(sizes)
    np.random.seed(8)  # the state that all share has no part in it
    assert np.array_equal(design.matrix(sizes), first)
    drawn = np.random.random()
    np.random.seed(8)
    assert np.random.random() == drawn
    for seed in (0, 4):
        other = replace(design, seed=seed)
        assert not np.array_equal(other.matrix(sizes), first)
        assert np.array_equal(other.matrix(sizes), other.matrix(sizes))


@pytest.mark.parametrize("design", RANDOM, ids=lambda design: type(design).__name__)
def test_points_lie_in_the_unit_cube(design: Any) -> None:
    found = design.matrix([None, 2, None, None])
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("name", [name for name in DESIGNS if name != "none"])
def test_designs_are_called_by_their_names(name: str) -> None:
    assert name_of(read_design({"design": name, "over": ["x"]})) == name
    assert name_of(Single()) == "none"


# --- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("design", "sizes", "message"),
    [
        (Single(over=OVER), [None], "sweep.over: needs a design: grid, list, latin_hypercube, sob"),
        (Grid(over=OVER, points=0), [None], "sweep.points: must be at least 1, not 0"),
        (Grid(over=()), [], "sweep.over: nothing to vary"),
        (Zipped(over=()), [], "sweep.over: nothing to vary"),
        (Zipped(over=OVER), [2, None], "sweep.over: a list design needs 'values' for every factor"),
        (
            Zipped(over=OVER),
            [2, 3],
            "sweep.over: a list design needs as many values of each (2, 3)",
        ),
        (LatinHypercube(over=OVER, samples=0), [None], "sweep.samples: must be at least 1, not 0"),
        (LatinHypercube(over=OVER, seed=-1), [None], "sweep.seed: must be at least 0, not -1"),
        (LatinHypercube(over=()), [], "sweep.over: nothing to vary; name parameters, or a word"),
        (Sobol(over=OVER, samples=0), [None], "sweep.samples: must be at least 1, not 0"),
        (Sobol(over=OVER, samples=12), [None], "sweep.samples: must be a power of 2, not 12"),
        (Sobol(over=OVER, seed=-1), [None], "sweep.seed: must be at least 0, not -1"),
        (Sobol(over=()), [], "sweep.over: nothing to vary"),
        (Morris(over=OVER, samples=0), [None], "sweep.samples: must be at least 1, not 0"),
        (Morris(over=OVER, levels=1), [None], "sweep.levels: must be at least 2, not 1"),
        (Morris(over=OVER, levels=5), [None], "sweep.levels: must be even, not 5"),
        (Morris(over=OVER, seed=-1), [None], "sweep.seed: must be at least 0, not -1"),
        (Morris(over=()), [], "sweep.over: nothing to vary"),
    ],
)
def test_impossible_designs_are_refused(
    design: Design, sizes: list[int | None], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        design.matrix(sizes)
    assert str(caught.value).startswith(message)


# --- reading --------------------------------------------------------------------------------------


def test_a_design_from_settings() -> None:
    over = ["powers.eu.budget", {"path": "seed", "values": [1, 2]}]
    for given_over in (over, tuple(over)):
        found = read_design({"design": "grid", "over": given_over, "points": 3})
        assert found == Grid(over=tuple(over), points=3)
    settings = {"design": "sobol", "over": [], "samples": 4, "second_order": True, "seed": 2}
    assert read_design(settings) == Sobol(over=(), samples=4, second_order=True, seed=2)
    assert settings["design"] == "sobol"  # the argument is not changed
    assert read_design({"design": "none"}) == Single()
    assert read_design({"design": "list", "over": []}) == Zipped(over=())
    assert read_design({"design": "morris", "over": []}) == Morris(over=())
    assert read_design({"design": "latin_hypercube", "over": []}) == LatinHypercube(over=())


def test_a_design_is_taken_as_it_is() -> None:
    design = Morris(over=OVER)
    assert read_design(design) is design


def test_every_shipped_design_is_read_by_its_name() -> None:
    assert set(SHIPPED) == set(DESIGNS)
    for name in SHIPPED:
        assert name_of(read_design(name)) == name


@pytest.mark.parametrize(
    ("given_design", "message"),
    [
        ("sobl", "sweep: unknown design 'sobl' (nearest valid name: 'sobol')"),
        ("../config", "sweep: unknown design '../config'"),
        ("", "sweep: unknown design ''"),
        ({}, "sweep.design: unknown 'None'"),
        ({"design": "gird"}, "sweep.design: unknown 'gird' (nearest valid name: 'grid')"),
        ({"design": ["grid"]}, "sweep.design: unknown '['grid']'"),
        ({"design": "grid"}, "sweep.over: missing; name what varies"),
        (
            {"design": "grid", "over": [], "point": 3},
            "sweep.point: a grid design has no such key (nearest valid name: 'points')",
        ),
        (
            {"design": "sobol", "over": [], "levels": 3},
            "sweep.levels: a sobol design has no such key",
        ),
        (
            {"design": "grid", "over": [], "points": 2.0},
            "sweep.points: must be a whole number, not 2.0",
        ),
        (
            {"design": "grid", "over": [], "points": True},
            "sweep.points: must be a whole number, not True",
        ),
        (
            {"design": "morris", "over": [], "samples": "many"},
            "sweep.samples: must be a whole number, not 'many'",
        ),
        (
            {"design": "sobol", "over": [], "second_order": 1},
            "sweep.second_order: must be true or false, not 1",
        ),
        (
            {"design": "grid", "over": "disputed"},
            "sweep.over: must be a list of parameters, not 'disputed'",
        ),
        ({"design": "grid", "over": None}, "sweep.over: must be a list of parameters, not None"),
        (
            {"design": "grid", "over": {"path": "seed"}},
            "sweep.over: must be a list of parameters, not {'path': 'seed'}",
        ),
    ],
)
def test_mistakes_in_settings_are_said(given_design: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_design(given_design)
    assert str(caught.value).startswith(message)


def test_what_is_no_design_is_refused() -> None:
    make: Callable[..., Any] = read_design
    for given_design in (3, None, ["grid"], Grid):
        with pytest.raises(InputError, match="neither a design, nor its settings or name"):
            make(given_design)
