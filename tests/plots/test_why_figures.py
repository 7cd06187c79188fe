"""Figures of explanations, differences, tipping values, equilibria and sensitivities."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from figure_texts import check_texts, texts_drawn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import sim
from sim import plots
from sim.analysis.compare import Comparison
from sim.analysis.documents import LeaveOneOut
from sim.analysis.equilibria import Equilibria
from sim.analysis.explain import Explanation
from sim.analysis.sensitivity import Sensitivity
from sim.analysis.tipping import Tipping
from sim.decisions import NONE, TERMS
from sim.errors import InputError
from sim.plots.figures import figure_of, save


@cache
def scenario(name: str = "strategic_balance") -> sim.Run:
    return sim.run(sim.load_scenario(name, replicates=40, seed=7))


@cache
def why(name: str = "strategic_balance") -> Explanation:
    return sim.explain(scenario(name), "KZ", "2029H1", "security", 3, reach=0.0)


@cache
def gap() -> Comparison:
    return sim.compare(scenario("gateway_delivers"), scenario())


@cache
def tip() -> Tipping:
    target = "alignment.UZ.EU first at 2032H1"
    return sim.tipping(scenario(), target, "powers.eu.budget", 1.0, 40.0, memory=False)


@cache
def loops() -> Equilibria:
    return sim.equilibria(scenario(), "rules.appraisal.peer_weight", 0.0, 8.0, points=5)


@cache
def matters() -> Sensitivity:
    return sim.sensitivity(scenario(), "influence.EU", samples=4, split_samples=16)


@cache
def left() -> LeaveOneOut:
    names = ("central-asia-russia-second-summit", "times-tengri-dushanbe-cis")
    return sim.leave_one_out(scenario(), documents=names, replicates=20)


FIGURES = {
    "explanation": lambda: plots.explanation(why()),
    "five powers": lambda: plots.explanation(why("five_suitors")),
    "picks": lambda: plots.picks_over_time(sim.replay(scenario(), 3).run().table()),
    "alignment": lambda: plots.differences(gap()),
    "autonomy": lambda: plots.differences(gap(), outcome="autonomy"),
    "influence": lambda: plots.differences(gap(), outcome="influence"),
    "tipping": lambda: plots.tipping(tip()),
    "equilibria": lambda: plots.equilibria(loops()),
    "sensitivity": lambda: plots.sensitivity(matters()),
    "documents": lambda: plots.documents(left()),
}


@pytest.mark.parametrize("name", FIGURES)
def test_texts_can_be_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = figure_of(FIGURES[name]())
    check_texts(figure, texts_drawn(figure, monkeypatch), name)


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_bytes_each_time(name: str, tmp_path: Path) -> None:
    first, second = (
        save(figure_of(FIGURES[name]()), tmp_path / f"{n}.png").read_bytes() for n in range(2)
    )
    assert first == second


def test_given_axes_are_drawn_on() -> None:
    for draw, found in (
        (plots.explanation, why()),
        (plots.differences, gap()),
        (plots.tipping, tip()),
        (plots.equilibria, loops()),
        (plots.sensitivity, matters()),
        (plots.documents, left()),
    ):
        axes = Figure().add_subplot()
        assert draw(found, axes) is axes
        assert axes.has_data()


def test_bars_are_the_terms() -> None:
    axes = plots.explanation(why())
    table = why().table()
    table = table[table["option"] != NONE]
    used = [term for term in TERMS if (table[term] != 0).any()]
    wanted = table[[*used, "utility"]].to_numpy(float).ravel()
    drawn = [bar.get_width() for container in axes.containers for bar in container]
    np.testing.assert_allclose(drawn, wanted)


def test_cells_are_the_picks() -> None:
    run = scenario()
    axes = plots.picks_over_time(sim.replay(run, 3).run().table())
    (image,) = axes.get_images()
    colours = np.asarray(image.get_array()).reshape(-1, 20, 3)
    picks = run.data["pick"].isel(replicate=3).transpose("state", "domain", "period")
    for pick in range(4):
        own = colours[picks.to_numpy().reshape(-1, 20) == pick]
        assert (own == own[0]).all()
    assert len({tuple(colour) for colour in colours.reshape(-1, 3)}) == 4


def test_marks_are_the_differences() -> None:
    axes = plots.differences(gap(), outcome="influence")
    table = gap().table().query("outcome == 'influence'")
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, table["difference"])
    bars = [list(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 4]
    np.testing.assert_allclose(bars, table[["low", "high"]])
    with pytest.raises(InputError, match="nearest valid name: 'autonomy'"):
        plots.differences(gap(), outcome="autonomie")


def test_curve_and_tip() -> None:
    axes: Axes = plots.tipping(tip())
    table = tip().table()
    np.testing.assert_allclose(axes.lines[0].get_xdata(), table["value"])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), table["share"])
    assert len(tip().tips) == 1


def test_equilibria_need_a_parameter() -> None:
    with pytest.raises(InputError, match="no parameter was moved"):
        plots.equilibria(sim.equilibria(scenario()))


def test_bars_are_the_indices() -> None:
    axes = plots.sensitivity(matters(), shown=5)
    drawn = [bar.get_width() for bar in axes.patches][:5]
    np.testing.assert_allclose(drawn, 100 * matters().table()["total"].head(5).clip(lower=0))
