"""Figures of analyses with one state, five powers, many states, nothing offered and no variance."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from figure_texts import check_texts, texts_drawn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import sim
from sim import plots
from sim.analysis.boxes import Wish
from sim.analysis.compare import Comparison
from sim.analysis.discovery import Discovery
from sim.analysis.documents import LeaveOneOut
from sim.analysis.equilibria import Equilibria
from sim.analysis.explain import Explanation
from sim.analysis.flips import Decision
from sim.analysis.searches import find_boxes
from sim.analysis.sensitivity import Sensitivity
from sim.analysis.tipping import Tipping
from sim.analysis.trail import evidence_trail
from sim.columns import Variants
from sim.decisions import TERMS
from sim.plots.canvas import COLUMN, PAGE, WIDTH
from sim.plots.figures import figure_of, save

PERIOD, STEP, ENERGY = "2026H2", 2, 2
REPLICATE = 3
CASES = {
    "baseline": (),
    "one state": ("states=kz",),
    "five powers": ("powers=five_suitors",),
    "eleven states": ("states=cis_plus", "powers=five_suitors"),
    "no budgets": tuple(f"powers.{power}.budget.value=0" for power in ("ru", "cn", "eu")),
}
EMA = find_spec("ema_workbench") is not None
PRIM = pytest.param(
    "prim", marks=pytest.mark.skipif(not EMA, reason="EMA Workbench needs Python 3.12")
)


# --- results --------------------------------------------------------------------------------------


@cache
def results(case: str, name: str = "strategic_balance", replicates: int = 10) -> sim.Run:
    return sim.run(sim.load_scenario(name, *CASES[case], replicates=replicates, seed=7))


@cache
def log(case: str) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of code that is changed while tests run
        return sim.replay(results(case), REPLICATE).run().table()


@cache
def why(case: str) -> Explanation:
    """What ``sim.explain`` gives, without its search for flips, which no figure shows."""
    here = (log(case)["period"] == PERIOD) & (log(case)["state"] == "KZ")
    variants = Variants(results(case).scenario, REPLICATE)
    return Explanation(
        name=results(case).name,
        state="KZ",
        state_name="Kazakhstan",
        power_names={},
        period=PERIOD,
        domain="energy",
        replicate=REPLICATE,
        offers=log(case)[here & (log(case)["domain"] == "energy")].reset_index(drop=True),
        trail=evidence_trail(variants, Decision(STEP, 0, ENERGY), sim.evidence()),
        flips=pd.DataFrame(),
        reach=0.0,
        manifest={},
    )


def nothing(case: str) -> Explanation:
    """A decision in which no term counts."""
    numbers = [*TERMS, "utility"]
    return replace(why(case), offers=why(case).offers.assign(**dict.fromkeys(numbers, 0.0)))


@cache
def gap(case: str, outcome: str) -> Comparison:
    return sim.compare(results(case, "gateway_delivers"), results(case), [outcome])


@cache
def none_apart(case: str, outcome: str) -> Comparison:
    return sim.compare(results(case), results(case), [outcome])


@cache
def one_pair(case: str, outcome: str) -> Comparison:
    return sim.compare(results(case, "gateway_delivers", 1), results(case, replicates=1), [outcome])


@cache
def loops(case: str) -> Equilibria:
    scenario = results(case).scenario
    return sim.equilibria(scenario, "rules.appraisal.peer_weight", 0.0, 8.0, points=3)


@cache
def matters(case: str, question: str) -> Sensitivity:
    return sim.sensitivity(results(case).scenario, question, samples=2, split_samples=2)


@cache
def left(case: str) -> LeaveOneOut:
    return sim.leave_one_out(results(case).scenario, replicates=2)


@cache
def tip() -> Tipping:
    target = "alignment.KZ.EU first at 2032H1"
    scenario = results("one state").scenario
    return sim.tipping(scenario, target, "powers.eu.budget", 1.0, 40.0, points=3, memory=False)


def tips(*rows: tuple[float, float, float, bool]) -> Tipping:
    found = pd.DataFrame(rows, columns=["value", "low", "high", "upwards"])
    return replace(tip(), tips=found.astype({"value": float}))


@cache
def boxes(factors: int, method: str) -> Discovery:
    """Boxes in a cube of factors with names as long as those of the project."""
    rng = np.random.default_rng(1)
    name = "states.kz.initial_dependence.infrastructure.{}"
    x = pd.DataFrame({name.format(n): rng.random(400) for n in range(factors)})
    x["rules.choice"] = rng.choice(["best", "logit", "nested", "random"], 400)
    low, high = x.iloc[:, :factors] < 0.75, x.iloc[:, :factors] > 0.25
    y = (low.all(axis=1) | high.all(axis=1)) & (x["rules.choice"] != "best")
    found = find_boxes(x, y.to_numpy(), method, Wish(1.0), dict.fromkeys(x, "USD bn/yr"))
    return Discovery(
        target="alignment.UZ.EU first at 2032H1",
        method=method,
        share=0.5,
        density=1.0,
        boxes=found,
        cells=len(x),
        true=int(y.sum()),
        failed=0,
        undefined=0,
        means=False,
    )


# --- figures --------------------------------------------------------------------------------------

Draw = Callable[[str, Axes | None], Axes]
FIGURES: dict[str, Draw] = {
    "explanation": lambda case, ax: plots.explanation(why(case), ax),
    "terms": lambda case, ax: plots.stacked_terms(why(case), ax),
    "picks": lambda case, ax: plots.picks_over_time(log(case), ax),
    "tornado": lambda case, ax: plots.tornado(why(case), ax),
    "differences by pair": lambda case, ax: plots.differences(gap(case, "alignment"), ax),
    "differences by state": lambda case, ax: plots.differences(gap(case, "autonomy"), ax),
    "no differences": lambda case, ax: plots.differences(none_apart(case, "investment"), ax),
    "equilibria": lambda case, ax: plots.equilibria(loops(case), ax),
    "sensitivity": lambda case, ax: plots.sensitivity(matters(case, "influence.EU"), ax),
    "documents": lambda case, ax: plots.documents(left(case), ax),
    "ranges": lambda case, ax: plots.evidence_ranges(results(case).scenario, sim.evidence(), ax=ax),
}
SPECIAL: dict[str, Callable[[Axes | None], Axes]] = {
    "one pair": lambda ax: plots.differences(one_pair("one state", "influence"), ax),
    "trade of many": lambda ax: plots.differences(gap("eleven states", "trade"), ax),
    "no terms": lambda ax: plots.explanation(nothing("one state"), ax),
    "no stacked terms": lambda ax: plots.stacked_terms(nothing("one state"), ax),
    "no variance": lambda ax: plots.sensitivity(matters("one state", "influence.EU > 5"), ax),
    "tipping": lambda ax: plots.tipping(tip(), ax),
    "no tip": lambda ax: plots.tipping(tips(), ax),
    "tips close together": lambda ax: plots.tipping(
        tips((15.2, 2.7, 27.7, True), (15.9, np.nan, 27.7, False), (16.4, 2.7, np.nan, True)), ax
    ),
    "a box": lambda ax: plots.discovery(boxes(1, "cart"), ax),
    "boxes": lambda ax: plots.discovery(boxes(6, "cart"), ax),
}


def settings() -> dict[str, Any]:
    """Global settings apart from the backend, which looking at it resolves."""
    return {key: value for key, value in mpl.rcParams.items() if "backend" not in key}


def check(axes: Axes, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail unless texts can be read, the legend covers no data and the figure fits a page."""
    figure = figure_of(axes)
    check_texts(figure, texts_drawn(figure, monkeypatch), where)
    assert figure.get_figwidth() in (COLUMN, WIDTH), where
    assert figure.get_figheight() <= PAGE, where
    samples = axes.get_legend()
    if samples is not None:
        assert not samples.get_window_extent().overlaps(axes.get_window_extent()), where


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_texts_can_be_read(name: str, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings()
    check(FIGURES[name](case, None), f"{name}, {case}", monkeypatch)
    assert settings() == before


@pytest.mark.parametrize("name", SPECIAL)
def test_texts_of_special_results_can_be_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check(SPECIAL[name](None), name, monkeypatch)


@pytest.mark.parametrize("method", ["cart", PRIM])
def test_many_limits_of_either_method_can_be_read(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = boxes(4, method)
    assert len(found.boxes) > 1
    check(plots.discovery(found), method, monkeypatch)


EVERY = {
    **{name: (lambda ax, draw=draw: draw("one state", ax)) for name, draw in FIGURES.items()},
    **SPECIAL,
}


@pytest.mark.parametrize("name", EVERY)
def test_vectors_hold_no_pixels_and_the_same_bytes_each_time(name: str, tmp_path: Path) -> None:
    figures = [figure_of(EVERY[name](None)) for _ in range(2)]
    first, second = (
        save(figure, tmp_path / f"{n}.svg").read_bytes() for n, figure in enumerate(figures)
    )
    assert first == second
    assert b"<path" in first
    assert b"<image" not in first
    pdf = save(figures[0], tmp_path / "first.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/Subtype /Image" not in pdf


@pytest.mark.parametrize("name", EVERY)
def test_given_axes_are_drawn_on(name: str) -> None:
    figure = Figure(layout="constrained")
    other, axes = figure.subplots(2, 1)
    size = figure.get_size_inches().tolist()
    assert EVERY[name](axes) is axes
    figure.draw_without_rendering()
    assert axes.has_data()
    assert not other.has_data()
    assert figure.get_size_inches().tolist() == size
