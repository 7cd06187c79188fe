"""Figures: what is drawn is the data, it can be read, and nothing else is touched."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D

from sim import Run, load_scenario, run
from sim.analysis.alignment import pick_frequencies
from sim.errors import InputError
from sim.plots import (
    alignment_figure,
    alignment_over_time,
    delivered_against_signed,
    delivery_figure,
    draw_all,
    picks_by_domain,
    ternary_paths,
)
from sim.plots.canvas import years
from sim.plots.figures import FIGURES, FORMATS, drawable, save
from sim.plots.palette import COLOURS, MARKERS, NONE


@cache
def results(*overrides: str, replicates: int = 30) -> Run:
    return run(load_scenario("strategic_balance", *overrides, replicates=replicates))


def labelled(axes: Axes) -> dict[str, Line2D]:
    """Lines that carry a name of ours."""
    return {str(line.get_label()): line for line in axes.lines if str(line.get_label())[0] != "_"}


def test_alignment_lines_are_medians_at_the_ends_of_half_years() -> None:
    data = results().data
    lines = labelled(alignment_over_time(data, "UZ"))
    assert list(lines) == ["RU", "CN", "EU"]
    for power, line in lines.items():
        expected = data["alignment"].sel(state="UZ", power=power).median("replicate")
        np.testing.assert_allclose(line.get_ydata(), expected)
        assert list(line.get_xdata())[:2] == [2026.0, 2026.5]
        assert line.get_color() == COLOURS[power]


def test_alignment_bands_are_quantiles() -> None:
    data = results().data
    axes = alignment_over_time(data, "KZ")
    paths = data["alignment"].sel(state="KZ", power="RU")
    for band, ends in zip(axes.collections[:2], ((0.05, 0.95), (0.25, 0.75)), strict=True):
        drawn = band.get_paths()[0].vertices
        expected = paths.quantile(ends, "replicate").values
        assert drawn[:, 1].min() == pytest.approx(expected[0].min())
        assert drawn[:, 1].max() == pytest.approx(expected[1].max())


def test_alignment_figure_has_a_panel_for_each_state_on_one_scale() -> None:
    panels = [axes for axes in alignment_figure(results().data).axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in panels] == ["KZ", "KG", "TJ", "TM", "UZ"]
    assert len({axes.get_ylim() for axes in panels}) == 1
    assert panels[0].get_ylabel() == "Alignment (share of picks)"


def test_bars_are_frequencies_and_add_up_to_one() -> None:
    data = results().data
    axes = picks_by_domain(data)
    shares = pick_frequencies(data)
    bars = [bar for bar in axes.containers if isinstance(bar, BarContainer)]
    assert [bar.get_label() for bar in bars] == ["RU", "CN", "EU", NONE]
    widths = np.array([[patch.get_width() for patch in bar] for bar in bars])
    np.testing.assert_allclose(widths, shares[["RU", "CN", "EU", NONE]].values.T)
    np.testing.assert_allclose(widths.sum(axis=0), 1)
    ends = [patch.get_x() + patch.get_width() for patch in bars[-1]]
    np.testing.assert_allclose(ends, 1)
    named = [label.get_text() for label in axes.get_yticklabels()]
    assert named == [domain for _, domain in shares.index]


def test_delivery_lines_are_medians_of_running_totals_from_zero() -> None:
    data = results().data
    lines = labelled(delivered_against_signed(data, powers=["CN"]))
    for name in ("signed", "delivered", "lost"):
        total = data[name].sel(power="CN").sum("state").cumsum("period").median("replicate")
        np.testing.assert_allclose(lines[f"CN {name}"].get_ydata(), [0, *total.values])
        assert lines[f"CN {name}"].get_xdata()[0] == 2025.5


def test_delivery_panels_share_a_scale_that_shows_all() -> None:
    data = results().data
    panels = [axes for axes in delivery_figure(data).axes if axes.axison]
    top = data["signed"].sum("state").sum("period").quantile(0.95, "replicate").max()
    assert len({axes.get_ylim() for axes in panels}) == 1
    assert panels[0].get_ylim()[0] == 0
    assert panels[0].get_ylim()[1] >= float(top)
    assert "USD bn" in panels[0].get_ylabel()


def test_ternary_paths_start_and_end_at_the_median_shares() -> None:
    data, final = results().data, results().final
    axes = ternary_paths(data, final)
    markers = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    assert len(markers) == 2 * data.sizes["state"]
    for number, state in enumerate(data["state"].values):
        for line, points in (
            (markers[2 * number], data["alignment_stock"].isel(period=0)),
            (markers[2 * number + 1], final["alignment_stock"]),
        ):
            share = points.sel(state=state).median("replicate").values
            top, left, right = share / share.sum()
            across, up = (np.atleast_1d(values)[0] for values in line.get_data())
            assert up == pytest.approx(top)
            assert across == pytest.approx((right - left) / np.sqrt(3))
            assert line.get_marker() == MARKERS[str(state)]


def test_ternary_path_without_final_ends_at_the_last_half_year() -> None:
    data = results().data
    path = ternary_paths(data).lines[2]
    assert len(path.get_xdata()) == data.sizes["period"]
    assert len(ternary_paths(data, results().final).lines[2].get_xdata()) == 21


def test_ternary_needs_three_powers_and_ternary_axes() -> None:
    one = results("powers=ru")
    with pytest.raises(InputError, match="three powers, this run has 1: RU"):
        ternary_paths(one.data, one.final)
    with pytest.raises(InputError, match="projection='ternary'"):
        ternary_paths(results().data, ax=Figure().add_subplot())


def test_axes_handed_in_are_drawn_on_and_returned() -> None:
    data = results().data
    for draw in (
        lambda ax: alignment_over_time(data, "KZ", ax),
        lambda ax: picks_by_domain(data, ax),
        lambda ax: delivered_against_signed(data, ax),
    ):
        axes = Figure().add_subplot()
        assert draw(axes) is axes
        assert axes.has_data()


def test_unknown_names_are_refused_with_the_nearest(tmp_path: Path) -> None:
    data = results().data
    with pytest.raises(InputError, match="no state 'KX'"):
        alignment_over_time(data, "KX")
    with pytest.raises(InputError, match=r"no power 'EUR'.*EU"):
        delivered_against_signed(data, powers=["EUR"])
    with pytest.raises(InputError, match=r"format 'pgn'.*png"):
        draw_all(data, results().final, tmp_path / "figures", formats=["pgn"])
    assert not (tmp_path / "figures").exists()


def settings() -> dict[str, object]:
    """All settings, read in a way that does not make matplotlib choose a backend."""
    return dict(dict.items(mpl.rcParams))


def test_draw_all_writes_figures_for_a_paper_and_touches_nothing_else(tmp_path: Path) -> None:
    found, before = results(), settings()
    data, final = found.data.copy(deep=True), found.final.copy(deep=True)
    written = draw_all(found.data, found.final, tmp_path / "deep" / "figures")
    assert [path.name for path in written] == [f"{name}.png" for name in drawable(found.data)]
    for path in written:
        assert imread(path).shape[1] == round(7.1 * 300)
    assert settings() == before
    assert found.data.identical(data)
    assert found.final.identical(final)
    assert pyplot.get_fignums() == []


def test_draw_all_leaves_out_the_triangle_without_three_powers(tmp_path: Path) -> None:
    found = results("states=kz", "powers=ru")
    names = [path.stem for path in draw_all(found.data, found.final, tmp_path)]
    assert {"alignment", "picks", "delivery"} < set(names)
    assert "ternary" not in names


@pytest.mark.parametrize("ending", FORMATS)
def test_same_run_gives_the_same_bytes(ending: str, tmp_path: Path) -> None:
    found = results("states=kz", "powers=ru")
    first, second = (
        save(FIGURES["picks"](found.data, found.final), tmp_path / f"{number}.{ending}")
        for number in range(2)
    )
    assert first.read_bytes() == second.read_bytes()


def test_importing_draws_and_sets_nothing() -> None:
    program = (
        "import sys, matplotlib as mpl; before = dict(dict.items(mpl.rcParams)); import sim.plots;"
        "assert dict(dict.items(mpl.rcParams)) == before;"
        "assert not {'matplotlib.pyplot', 'mpltern'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_years_of_half_years() -> None:
    periods = results().data["period"]
    assert list(years(periods)[:3]) == [2025.5, 2026.0, 2026.5]
    assert years(periods, ends=True)[-1] == 2035.5
