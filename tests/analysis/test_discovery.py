"""Scenario discovery finds boxes that are known, and says so when there is nothing to find."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_texts import check_texts, texts_drawn
from matplotlib.figure import Figure
from scipy.stats import binomtest, qmc

import sim
from sim.analysis.boxes import Box, Limit, Wish
from sim.analysis.discovery import COLUMNS, Discovery, _factors, _units, discover
from sim.analysis.measure import read_target
from sim.analysis.searches import find_boxes
from sim.axes import BoolArray
from sim.errors import InputError
from sim.plots.discovery import discovery
from sim.scenario import Scenario
from sim.sweep import LatinHypercube, Sweep

EMA = find_spec("ema_workbench") is not None
PRIM = pytest.param("prim", marks=pytest.mark.skipif(not EMA, reason="needs Python 3.12"))
both = pytest.mark.parametrize("method", [PRIM, "cart"])
OVER = ("powers.eu.budget", "powers.cn.budget", "powers.ru.budget")
PEEL = 0.05
"""Part of a range that PRIM peels off at once: among drawn points its limits are this exact."""
RICH = "budget.EU > 3.2 at mean"
"""True where ``powers.eu.budget`` is above 3.19, whatever else is."""


def points(count: int, seed: int = 1) -> pd.DataFrame:
    """A Latin hypercube: ``a`` from 2 to 6, ``b`` to ``d`` from 0 to 1; cells count from 100."""
    u = qmc.LatinHypercube(4, rng=np.random.default_rng(seed)).random(count)
    x = pd.DataFrame(u, columns=list("abcd"), index=range(100, 100 + count))
    return x.assign(a=2 + 4 * x["a"])


def levels(count: int) -> pd.DataFrame:
    """A grid with levels 0, 1, ... of three factors."""
    return pd.DataFrame(list(product(range(count), repeat=3)), columns=list("abc"))


def limits(box: Box) -> dict[str, Limit]:
    return {limit.factor: limit for limit in box.limits}


def recount(x: pd.DataFrame, y: BoolArray, box: Box) -> None:
    """Fail unless the numbers of a box are those of its limits, counted one cell after another."""
    within = []
    for _, row in x.iterrows():
        inside = True
        for limit in box.limits:
            value = row[limit.factor]
            ok = value in limit.categories if limit.categories else limit.low <= value <= limit.high
            inside = inside and ok
        within.append(inside)
    hits = sum(y[place] for place, inside in enumerate(within) if inside)
    assert box.cells == tuple(x.index[within])
    assert box.coverage == pytest.approx(hits / y.sum())
    assert box.density == pytest.approx(hits / sum(within))
    assert box.mass == pytest.approx(sum(within) / len(x))


# --- boxes that are known -------------------------------------------------------------------------


@both
@pytest.mark.parametrize("density", [0.8, 1.0])
def test_a_box_in_a_grid_is_found_to_the_level(method: str, density: float) -> None:
    x = levels(9)
    y = ((x["a"] >= 5) & (x["b"] <= 3)).to_numpy()
    (box,) = find_boxes(x, y, method, Wish(density))
    assert (box.coverage, box.density, box.mass) == (1.0, 1.0, pytest.approx(y.mean()))
    assert set(limits(box)) == {"a", "b"}
    a, b = limits(box)["a"], limits(box)["b"]
    assert (a.low, a.high) == (pytest.approx(4.5), math.inf)
    assert (b.low, b.high) == (-math.inf, pytest.approx(3.5))
    assert a.span == (0, 8)
    assert a.share == pytest.approx(3.5 / 8)
    recount(x, y, box)


@both
def test_a_box_among_drawn_points_is_found(method: str) -> None:
    x = points(200)
    y = ((x["a"] > 4) & (x["b"] < 0.5)).to_numpy()
    first, *_ = find_boxes(x, y, method)
    assert first.coverage > 0.95
    assert first.density > 0.95
    found = limits(first)
    assert set(found) == {"a", "b"}
    assert found["a"].low == pytest.approx(4, abs=PEEL * 4)
    assert found["b"].high == pytest.approx(0.5, abs=PEEL)
    recount(x, y, first)


@both
def test_noise_lowers_density_and_coverage_as_it_must(method: str) -> None:
    x = points(1000)
    inside = ((x["a"] > 4) & (x["b"] < 0.5)).to_numpy()
    drawn = np.random.default_rng(2).random(1000)
    y = np.where(inside, drawn < 0.95, drawn < 0.05)
    first, *_ = find_boxes(x, y, method)
    true_coverage = y[inside].sum() / y.sum()
    assert first.coverage == pytest.approx(true_coverage, abs=0.06)
    assert 0.8 <= first.density <= 0.96
    assert set(limits(first)) == {"a", "b"}
    recount(x, y, first)


@both
def test_a_range_with_two_ends_and_categories(method: str) -> None:
    rng = np.random.default_rng(3)
    x = points(400).assign(rule=rng.choice(["best", "logit", "none"], 400))
    y = (x["a"].between(3, 5) & (x["rule"] != "none")).to_numpy()
    first, *_ = find_boxes(x, y, method, Wish(0.95), {"a": "USD bn/yr"})
    found = limits(first)
    assert set(found) == {"a", "rule"}
    assert found["a"].low == pytest.approx(3, abs=PEEL * 4)
    assert found["a"].high == pytest.approx(5, abs=PEEL * 4)
    assert found["a"].range.endswith(" USD bn/yr")
    assert found["rule"].categories == ("best", "logit")
    assert found["rule"].span == ("best", "logit", "none")
    assert found["rule"].range == "best or logit"
    assert found["rule"].share == pytest.approx(2 / 3)
    assert first.coverage > 0.95
    recount(x, y, first)


@both
def test_a_factor_by_the_name_of_scenario_is_a_factor(method: str) -> None:
    names = ["calm", "storm"]
    x = points(100).assign(scenario=[names[number % 2] for number in range(100)])
    (box,) = find_boxes(x, (x["scenario"] == "storm").to_numpy(), method)
    assert limits(box)["scenario"].categories == ("storm",)
    assert (box.coverage, box.density) == (1, 1)


@both
def test_two_boxes_are_found_one_after_the_other(method: str) -> None:
    x = points(400)
    y = ((x["a"] < 3) | (x["b"] > 0.85)).to_numpy()
    found = find_boxes(x, y, method, Wish(0.95))
    assert {next(iter(limits(box))) for box in found[:2]} == {"a", "b"}
    assert sum(box.gained for box in found) > 0.9
    assert found[0].gained == found[0].coverage
    before: set[int] = set()
    true = set(x.index[y])
    for box in found:
        recount(x, y, box)
        assert box.gained == pytest.approx(len(true & (set(box.cells) - before)) / len(true))
        before |= set(box.cells)
    assert len(find_boxes(x, y, method, Wish(0.95, boxes=1))) == 1


@both
def test_chance_is_that_of_a_draw_from_the_box_without_the_limit(method: str) -> None:
    x = points(300)
    drawn = np.random.default_rng(5).random(300)
    y = np.where(x["a"] > 4, drawn < 0.7, drawn < 0.2)
    first, *_ = find_boxes(x, y, method, Wish(0.65))
    rest = {limit.factor: limit for limit in first.limits}
    for name, limit in rest.items():
        without = np.ones(300, bool)
        for other, found in rest.items():
            if other != name:
                without &= x[other].between(found.low, found.high).to_numpy()
        hits = round(first.density * len(first.cells))
        test = binomtest(hits, len(first.cells), y[without].mean(), alternative="greater")
        assert limit.chance == pytest.approx(test.pvalue)
    assert rest["a"].chance < 1e-6


@both
def test_the_densest_box_is_taken_where_none_is_dense_enough(method: str) -> None:
    x = points(400)
    drawn = np.random.default_rng(6).random(400)
    y = np.where(x["a"] > 4, drawn < 0.5, drawn < 0.1)
    first, *_ = find_boxes(x, y, method, Wish(1.0))
    assert y.mean() < first.density < 1
    assert first.mass >= 0.05
    text = summary(x, y, find_boxes(x, y, method, Wish(1.0)), 1.0).text()
    assert "None reaches a density of 100 %; this is the densest." in text


@both
@pytest.mark.parametrize("least_mass", [0.05, 0.2])
def test_no_box_is_smaller_than_asked_for(method: str, least_mass: float) -> None:
    x = points(200)
    y = np.random.default_rng(7).random(200) < 0.3
    for box in find_boxes(x, y, method, Wish(1.0, least_mass)):
        assert box.mass >= least_mass


@both
def test_the_same_cells_give_the_same_boxes(method: str) -> None:
    x = points(150)
    y = np.random.default_rng(8).random(150) < 0.3
    again = find_boxes(x.copy(), y.copy(), method)
    assert again == find_boxes(x, y, method)


# --- sweeps ---------------------------------------------------------------------------------------


def small(**settings: Any) -> Scenario:
    """Two half-years."""
    found = sim.load_scenario(
        "strategic_balance", "horizon.end=2026H2", "outcomes=[budget,offered]", **settings
    )
    return replace(found, output=replace(found.output, progress=False))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    design = LatinHypercube(over=OVER, samples=60)
    folder = tmp_path_factory.mktemp("sweeps")
    return sim.sweep(small(replicates=2), design, folder=folder, workers=1)


def listed(values: Mapping[str, list[Any]], folder: Path, **more: Any) -> Sweep:
    over = [{"path": path, "values": column} for path, column in values.items()]
    design = {"design": "list", "over": over}
    return sim.sweep(small(replicates=2), design, folder=folder, workers=1, **more)


@both
def test_the_factor_that_sets_an_outcome_is_found(sweep: Sweep, method: str) -> None:
    found = discover(sweep, RICH, method=method)
    (box,) = found.boxes
    (limit,) = box.limits
    budgets = np.sort(sweep.coordinates["powers.eu.budget"])
    outcome = sweep.table("budget", when="mean")["budget.EU"].to_numpy()
    below, above = budgets[np.searchsorted(np.sort(outcome), 3.2) + np.array([-1, 0])]
    assert limit.factor == "powers.eu.budget"
    assert limit.unit == "USD bn/yr"
    assert below < limit.low < above
    assert limit.high == math.inf
    assert limit.span == (budgets[0], budgets[-1])
    assert (box.coverage, box.density) == (1, 1)
    assert set(box.cells) == set(np.flatnonzero(outcome > 3.2))
    assert (found.cells, found.true) == (60, (outcome > 3.2).sum())
    assert found.base_rate == box.mass == found.true / 60
    assert (found.failed, found.undefined, found.coverage) == (0, 0, 1)


def test_numbers_without_a_unit_show_none(tmp_path: Path) -> None:
    design = LatinHypercube(over=("states.kz.hedging", "powers.eu.budget"), samples=20)
    sweep = sim.sweep(small(replicates=2), design, folder=tmp_path, workers=1)
    assert _units(sweep, _factors(sweep, np.ones(20, dtype=bool))) == {
        "states.kz.hedging": "",
        "powers.eu.budget": "USD bn/yr",
    }


@both
def test_what_is_said_of_it(sweep: Sweep, method: str) -> None:
    found = discover(sweep, RICH, method=method)
    (box,) = found.boxes
    share = f"{100 * found.base_rate:.0f} %"
    assert found.text().splitlines() == [
        f"budget.EU > 3.2 at mean: comes true on average (the sweep keeps statistics, not "
        f"replicates: means are judged) in {share} of 60 cells ({found.true}).",
        f"Box 1: powers.eu.budget {box.limits[0].range}: there it comes true in 100 % of the "
        f"{found.true} cells (density), and 100 % of all such cells lie in it (coverage).",
    ]
    table = found.table()
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["box"], row["factor"], row["categories"]) == (1, "powers.eu.budget", "")
    assert row["low"] == box.limits[0].low
    assert math.isnan(row["high"])
    assert tuple(row[["coverage", "density", "mass"]]) == (1, 1, box.mass)


def test_a_target_that_is_read_is_taken_too(sweep: Sweep) -> None:
    target = read_target(RICH, sweep.scenario(0))
    assert discover(sweep, target, method="cart") == discover(sweep, RICH, method="cart")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_replicates_are_counted_where_they_are_kept(tmp_path: Path, share: float) -> None:
    design = LatinHypercube(over=OVER, samples=20)
    sweep = sim.sweep(small(replicates=10), design, folder=tmp_path, workers=1, keep="replicates")
    offered = sweep.load("offered")["offered"].sel(power="EU", when="mean")
    wanted = (offered > 1.9).mean("replicate").to_numpy() > share
    assert 0 < wanted.sum() < 20
    found = discover(sweep, "offered.EU > 1.9 at mean", method="cart", share=share, density=0.99)
    assert found.true == wanted.sum()
    assert not found.means
    assert f"in more than {100 * share:.0f} % of the replicates" in found.text()


@both
def test_options_and_truth_values_are_categories(tmp_path: Path, method: str) -> None:
    budgets = [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    settings = {
        "powers.eu.budget": budgets,
        "rules.trade.moving": [True, False] * 4,
        "rules.coercion.closes": [["n"], [], ["ns"], ["n"]] * 2,
        "rules.choice.precision": [1, math.inf] * 4,
    }
    sweep = listed(settings, tmp_path)
    found = discover(sweep, "budget.EU > 5.5 at mean", method=method)
    assert found.boxes[0].limits[0].factor == "powers.eu.budget"
    assert 5 < found.boxes[0].limits[0].low < 6
    assert found.coverage == 1


@pytest.mark.filterwarnings("ignore:overflow")
@both
def test_failed_cells_are_left_out_and_counted(tmp_path: Path, method: str) -> None:
    budgets = [2.0, 1e308, 3.0, 4.0, 5.0, 6.0, 7.0, 1e308]
    sweep = listed({"powers.eu.budget": budgets, "powers.cn.budget": [4.0, 3.0] * 4}, tmp_path)
    assert sweep.status.count("failed") == 2
    found = discover(sweep, "budget.EU > 4.5 at mean", method=method)
    assert (found.cells, found.true, found.failed) == (6, 3, 2)
    (box,) = found.boxes
    assert box.cells == (4, 5, 6)
    assert (box.coverage, box.density, box.mass) == (1, 1, 0.5)
    assert "Left out: 2 cells that failed." in found.text()


@both
def test_cells_without_a_number_are_left_out_and_counted(tmp_path: Path, method: str) -> None:
    """Worlds of which one has no such power."""
    worlds = {
        f"{budget:g}": replace(
            sim.load_scenario(
                "five_suitors",
                "horizon.end=2026H2",
                f"powers.tr.budget.value={budget}",
                "outcomes=[budget,offered]",
                replicates=2,
            ),
            name=f"world {budget:g}",
        )
        for budget in (0.5, 1.0, 1.5, 2.0)
    }
    sweep = sim.sweep([*worlds.values(), small(replicates=2)], folder=tmp_path, workers=1)
    found = discover(sweep, "budget.TR > 1.2 at mean", method=method)
    assert (found.cells, found.true, found.failed, found.undefined) == (4, 2, 0, 1)
    assert found.boxes[0].limits[0].categories == ("world 1.5", "world 2")
    assert "Left out: 1 cell that had no number to judge." in found.text()


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("budget.EU > 99", "comes true in no cell: there is nothing to tell apart"),
        ("budget.EU > 0", "comes true in every cell: there is nothing to tell apart"),
        ("budget.EU > 2 at mean", r"no less than the density of 80 % wanted of a box"),
        ("budget.EU", "a test is missing"),
        ("budgt.EU > 3", "unknown outcome 'budgt' .nearest valid name: 'budget'"),
        ("influence.EU > 3", "outcome 'influence' was not kept"),
    ],
)
def test_targets_that_tell_nothing_apart(sweep: Sweep, target: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        discover(sweep, target, method="cart")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "crat"}, "method: unknown 'crat' .nearest valid name: 'cart'"),
        ({"share": 1.0}, "share: must be at least 0 and less than 1, not 1"),
        ({"density": 0.0}, "density: must be more than 0 and at most 1, not 0"),
        ({"least_mass": 1.0}, "least_mass: must be more than 0 and less than 1, not 1"),
        ({"boxes": 0}, "boxes: must be at least 1, not 0"),
    ],
)
def test_options_are_checked(sweep: Sweep, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        discover(sweep, RICH, **options)


def test_an_incomplete_sweep_is_refused(tmp_path: Path) -> None:
    sweep = listed({"powers.eu.budget": [2.0, 3.0, 4.0]}, tmp_path, shard="1/3")
    with pytest.raises(InputError, match="2 of 3 cells are missing"):
        discover(sweep, RICH, method="cart")


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_sweep_without_factors_or_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no factor varies"):
        discover(sim.sweep(small(replicates=2), folder=tmp_path, workers=1), RICH, method="cart")
    broken = listed({"powers.eu.budget": [1e308, 1.1e308]}, tmp_path)
    with pytest.raises(InputError, match="no cell has a number to judge"):
        discover(broken, RICH, method="cart")


@pytest.mark.skipif(EMA, reason="the EMA Workbench is installed")
def test_prim_says_what_it_needs(sweep: Sweep) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    with pytest.raises(InputError) as caught:
        discover(sweep, RICH)
    for words in (
        "needs the EMA Workbench",
        "Python 3.12 or newer",
        f"this is Python {version}",
        'pip install "multivector[analysis]"',
        "method=cart, which works on Python 3.11",
    ):
        assert words in str(caught.value)


# --- quiet and drawn ------------------------------------------------------------------------------


@both
def test_nothing_is_said_on_the_way(method: str) -> None:
    """In a process of its own, with every message of every library asked for."""
    code = (
        "import logging; logging.basicConfig(level=0)\n"
        "for noisy in ('matplotlib', 'PIL'): logging.getLogger(noisy).setLevel('ERROR')\n"
        "import numpy as np, pandas as pd\n"
        "from sim.analysis.searches import find_boxes\n"
        "x = pd.DataFrame({'a': np.linspace(0, 1, 60), 'b': ['u', 'v', 'w'] * 20})\n"
        f"print(len(find_boxes(x, (x['a'] > 0.7).to_numpy(), {method!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_heavy_libraries_are_loaded_when_needed() -> None:
    code = (
        "import sys, sim.analysis.discovery; "
        "print(sorted({'sklearn', 'ema_workbench', 'matplotlib', 'seaborn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def summary(
    x: pd.DataFrame, y: BoolArray, boxes: tuple[Box, ...], density: float = 0.8
) -> Discovery:
    return Discovery(
        target="alignment.UZ.EU first at 2032H1",
        method="cart",
        share=0.5,
        density=density,
        boxes=boxes,
        cells=len(x),
        true=int(y.sum()),
        failed=0,
        undefined=0,
        means=False,
    )


def drawn() -> Discovery:
    """Two boxes, a factor in both, one with two ends and one of categories."""
    x = points(400).assign(rule=np.random.default_rng(3).choice(["best", "logit", "none"], 400))
    poor = x["a"] < 2.6
    rich = (x["a"] > 4.5) & (x["rule"] != "best") & x["b"].between(0.2, 0.8)
    y = (poor | rich).to_numpy()
    return summary(x, y, find_boxes(x, y, "cart", Wish(), {"a": "USD bn/yr"}))


def test_every_limit_is_a_bar_that_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = drawn()
    axes = discovery(found)
    figure = axes.figure
    assert isinstance(figure, Figure)
    written = texts_drawn(figure, monkeypatch)
    check_texts(figure, written, "discovery")
    words = " ".join(text.get_text() for text in written)
    bars = [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    for number, box in enumerate(found.boxes, start=1):
        assert f"box {number}: density {100 * box.density:.0f} %" in words
        for limit in box.limits:
            assert limit.factor in words
            if limit.categories:
                continue
            assert limit.range in words
            start, end = map(float, limit.span)
            scaled = [(value - start) / (end - start) for value in (limit.low, limit.high)]
            wanted = (max(scaled[0], 0), min(scaled[1], 1))
            assert any(np.allclose(bar, wanted) for bar in bars)
    assert axes is discovery(found, axes)


def test_no_box_is_no_figure() -> None:
    x = points(40)
    found = summary(x, np.arange(40) < 10, ())
    assert "No box found with cart" in found.text()
    assert found.table().empty
    with pytest.raises(InputError, match="no box was found"):
        discovery(found)
