"""Every figure of a run, from one state to eleven: it can be read and fits a page."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from figure_cases import CASES, EACH, along, applies, drawn, panels, results, title
from figure_texts import check_texts, texts_drawn
from matplotlib import pyplot
from matplotlib.axes import Axes

import sim
from sim.plots import alignment_over_time, canvas, influence_over_time
from sim.plots.canvas import COLUMN, PAGE, WIDTH
from sim.plots.delivery import delivery_figure
from sim.plots.figures import FIGURES, drawable, partners_figure, write

UNITS = {
    "alignment": "share of picks",
    "partners": "%",
    "picks": "%",
    "heatmap": "%",
    "ternary": "Shares of the powers in dependence",
    "delivery": "USD bn",
    "influence": "share of dependence",
    "trade": "USD bn/yr",
    "trade_shares": "Share of trade",
    "corridors": "Mt/yr",
    "map": "Mt/yr",
}


@pytest.mark.parametrize("case", CASES)
def test_figures_that_apply_are_drawn(case: str) -> None:
    assert drawable(results(case).data) == [name for name in FIGURES if applies(name, case)]


@pytest.mark.parametrize(("name", "case"), EACH)
def test_it_can_be_read_and_fits_a_page(
    name: str, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = drawn(name, case)
    texts = texts_drawn(figure, monkeypatch)
    check_texts(figure, texts, f"{name}, {case}")
    assert figure.get_figwidth() in (WIDTH, COLUMN)
    assert figure.get_figheight() <= PAGE
    assert any(UNITS[name] in text.get_text() for text in texts)
    written = {id(text) for text in texts}
    for axes in panels(figure):
        place = axes.get_subplotspec()
        if name in ("heatmap", "ternary", "map") or place is None:
            continue  # their units stand in titles and at numbers
        if any(id(label) in written for label in axes.get_xticklabels()):
            assert axes.get_xlabel()
        if place.is_first_col() and name != "picks":
            assert axes.get_ylabel()


def test_many_panels_still_fit_a_page() -> None:
    figure, cells, _ = canvas.panels(21, 1.9)
    assert len(cells) == 21
    assert tuple(figure.get_size_inches()) == pytest.approx((WIDTH, PAGE))


def test_legends_read_from_left_to_right() -> None:
    figure = drawn("alignment", "one state")
    figure.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in figure.legends[0].get_texts()}
    rows = sorted(boxes, key=lambda name: (-round(boxes[name].y0), boxes[name].x0))
    assert rows == ["RU", "CN", "EU", "25–75 %", "5–95 %"]


# What cannot be seen


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("name", ["alignment", "delivery"])
def test_where_all_is_zero_it_says_so(name: str) -> None:
    for axes in panels(drawn(name, "all zero")):
        assert words(axes) == ["all zero"]
        assert list(axes.get_yticks()) == [0]
    for axes in panels(drawn(name, "baseline")):
        assert words(axes) == []
        assert len(axes.get_yticks()) > 2


@pytest.mark.parametrize("power", ["RU", "EU"])
def test_one_panel_of_zeros_keeps_the_scale_of_the_others(power: str) -> None:
    data = results("baseline").data.copy(deep=True)
    for noise, name in ((0.0, "signed"), (1e-17, "delivered"), (0.0, "lost")):
        data[name].loc[{"power": power}] = noise
    cells = {title(axes): axes for axes in panels(delivery_figure(data))}
    ours, others = cells.pop(power), list(cells.values())
    assert words(ours) == ["all zero"]
    assert [words(axes) for axes in others] == [[], []]
    assert {axes.get_ylim() for axes in others} == {ours.get_ylim()}
    top = data["signed"].sum("state").sum("period").quantile(0.95, "replicate").max()
    assert ours.get_ylim()[1] >= float(top) > 1


def test_what_is_undefined_is_called_so() -> None:
    data = results("baseline").data
    assert words(influence_over_time(data.assign(influence=data["influence"] * np.nan))) == [
        "undefined"
    ]


def test_one_half_year_is_points() -> None:
    axes = alignment_over_time(results("one half-year").data, "UZ")
    assert [line.get_marker() for line in axes.lines] == ["_", "_", "o"] * 3
    assert {line.get_marker() for line in panels(drawn("alignment", "baseline"))[0].lines} == {
        "None"
    }


def test_few_half_years_leave_room_between_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_drawn(drawn("delivery", "two half-years"), monkeypatch)
    assert {label for text in texts if (label := text.get_text()).startswith("20")} == {
        "2026",
        "2026.5",
    }


def test_long_runs_show_first_partners_more_seldom() -> None:
    run = sim.run(
        sim.load_scenario("strategic_balance", "states=kz", "horizon.end=2055H2", replicates=2)
    )
    (axes,) = partners_figure(run.data).axes
    assert along(axes) == [f"{year}H1" for year in range(2027, 2056, 4)]
    assert axes.get_xlim() == (-0.5, 7.5)


# Files


@pytest.mark.parametrize("name", FIGURES)
def test_it_is_written_as_a_drawing_and_nothing_global_changes(name: str) -> None:
    figure, before = drawn(name, "one state"), dict(dict.items(mpl.rcParams))
    vector, printed = io.BytesIO(), io.BytesIO()
    write(figure, vector, "svg")
    write(figure, printed, "pdf")
    root = ET.fromstring(vector.getvalue())
    tags = {part.tag.rpartition("}")[2] for part in root.iter()}
    assert "path" in tags
    assert "image" not in tags
    assert root.get("width") == f"{72 * figure.get_figwidth():g}pt"
    assert printed.getvalue().startswith(b"%PDF")
    assert b"/Subtype /Image" not in printed.getvalue()
    assert dict(dict.items(mpl.rcParams)) == before
    assert pyplot.get_fignums() == []
