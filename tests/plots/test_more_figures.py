"""Figures of first partners, heat maps, evidence ranges, stacked terms and tornadoes."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from figure_texts import check_texts, texts_drawn
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle

import sim
from sim.analysis.alignment import pick_frequencies
from sim.analysis.explain import Explanation
from sim.analysis.flips import Decision
from sim.analysis.partners import first_partner, flows
from sim.analysis.ranges import ranges
from sim.analysis.trail import evidence_trail
from sim.columns import SAME, Variants
from sim.decisions import NONE, TERMS, decisions
from sim.errors import InputError
from sim.plots.alluvial import first_partners
from sim.plots.evidence import evidence_ranges
from sim.plots.explanation import stacked_terms
from sim.plots.figures import figure_of, save
from sim.plots.heatmap import picks_heatmap
from sim.plots.palette import COLOURS
from sim.plots.tornado import tornado

CASES = {
    "baseline": (),
    "one state": ("states=kz",),
    "five powers": ("powers=five_suitors",),
    "one state, five powers": ("states=kz", "powers=five_suitors"),
    "eleven states": ("states=cis_plus",),
    "no budgets": tuple(f"powers.{power}.budget.value=0" for power in ("ru", "cn", "eu")),
}


@cache
def results(case: str = "baseline") -> sim.Run:
    return sim.run(sim.load_scenario("strategic_balance", *CASES[case], replicates=10, seed=7))


@cache
def why() -> Explanation:
    """What ``sim.explain`` gives, without its search for flips, which no figure shows."""
    variants, decision = Variants(results("one state").scenario, 3), Decision(2, 0, 2)
    *_, (record, parameters) = variants.records([SAME], decision.step)
    log = decisions(record, parameters, variants.scenario, "2026H2")
    return Explanation(
        name="strategic_balance",
        state="KZ",
        state_name="Kazakhstan",
        power_names={},
        period="2026H2",
        domain="energy",
        replicate=3,
        offers=log[log["domain"] == "energy"].reset_index(drop=True),
        trail=evidence_trail(variants, decision, sim.evidence()),
        flips=pd.DataFrame(),
        reach=0.0,
        manifest={},
    )


def settings() -> dict[str, object]:
    """Global settings apart from the backend, which looking at it resolves."""
    return {key: value for key, value in mpl.rcParams.items() if "backend" not in key}


FIGURES = {
    "first partners": lambda case: first_partners(results(case).data),
    "every half-year": lambda case: first_partners(results(case).data, states=["KZ"], every=1),
    "heat map": lambda case: picks_heatmap(results(case).data),
    "heat map of a power": lambda case: picks_heatmap(results(case).data, power="CN"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_texts_can_be_read(name: str, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings()
    figure = figure_of(FIGURES[name](case))
    check_texts(figure, texts_drawn(figure, monkeypatch), f"{name}, {case}")
    assert figure.get_figwidth() <= 7.1
    assert settings() == before


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_bytes_each_time(name: str, tmp_path: Path) -> None:
    first, second = (
        save(figure_of(FIGURES[name]("baseline")), tmp_path / f"{n}.svg").read_bytes()
        for n in range(2)
    )
    assert first == second


def test_given_axes_are_drawn_on() -> None:
    data = results().data
    for draw in (
        lambda ax: first_partners(data, ax),
        lambda ax: picks_heatmap(data, ax),
    ):
        axes = Figure().add_subplot()
        assert draw(axes) is axes
        assert axes.has_data()


def blocks(axes: Axes) -> dict[tuple[int, str], Rectangle]:
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return {
        (round(patch.get_x() + patch.get_width() / 2), str(patch.get_label())): patch
        for patch in found
    }


@pytest.mark.parametrize("states", [None, ["TM", "UZ"]])
def test_blocks_are_shares_of_first_partners(states: list[str] | None) -> None:
    data = results().data
    found = blocks(first_partners(data, states=states, every=6))
    chosen = states or [str(code) for code in data["state"].values]
    first = first_partner(data).sel(state=chosen)
    expected = {}
    for place, label in enumerate(["2026H1", "2029H1", "2032H1", "2035H1"]):
        for number, name in enumerate([NONE, "RU", "CN", "EU"]):
            share = float((first.sel(period=label) == number).mean())
            if share:
                expected[place, name] = share
    assert {key: block.get_height() for key, block in found.items()} == pytest.approx(expected)
    assert all(to_hex(b.get_facecolor(), False).upper() == COLOURS[k[1]] for k, b in found.items())
    for place in range(4):
        tops = sorted(
            (b.get_y(), b.get_y() + b.get_height()) for k, b in found.items() if k[0] == place
        )
        np.testing.assert_allclose(
            [low for low, _ in tops], [0, *(top for _, top in tops[:-1])], atol=1e-12
        )
        assert tops[-1][1] == pytest.approx(1)


def test_ribbons_are_flows_and_fill_the_blocks_they_join() -> None:
    data = results().data
    axes = first_partners(data, every=6)
    table = flows(data, every=6)
    ribbons = [patch for patch in axes.patches if isinstance(patch, PathPatch)]
    assert len(ribbons) == len(table)
    ends: dict[tuple[int, bool], list[tuple[float, float]]] = defaultdict(list)
    drawn = []
    for ribbon in ribbons:
        corners = ribbon.get_path().vertices
        left, right, top = corners[0], corners[3], corners[4]
        height = top[1] - right[1]
        assert corners[7][1] - left[1] == pytest.approx(height)
        colour = to_hex(ribbon.get_facecolor(), False).upper()
        drawn.append((int(left[0]), colour, height))
        ends[int(left[0]), True].append((left[1], height))
        ends[int(right[0] + 0.5), False].append((right[1], height))
    order = {label: place for place, label in enumerate(["2026H1", "2029H1", "2032H1"])}
    expected = [
        (order[period], COLOURS[old], share)
        for period, old, _, share in table.itertuples(index=False)
    ]
    for one, other in zip(sorted(drawn), sorted(expected), strict=True):
        assert (
            one == pytest.approx(other)
            if one[1] != other[1]
            else one[::2] == pytest.approx(other[::2])
        )
    for pieces in ends.values():
        pieces.sort()
        lows = [low for low, _ in pieces]
        np.testing.assert_allclose(lows, np.cumsum([0, *(h for _, h in pieces[:-1])]), atol=1e-9)


def test_cells_are_the_most_frequent_picks() -> None:
    data = results().data
    axes = picks_heatmap(data)
    (mesh,) = axes.collections
    colours = np.asarray(mesh.get_array())
    names = ["nobody", "RU", "CN", "EU"]
    keys = [NONE, "RU", "CN", "EU"]
    pick = data["pick"].transpose("state", "domain", "period", "replicate").values
    texts = [text.get_text() for text in axes.texts]
    for row, column in np.ndindex(5, 5):
        counts = np.bincount(pick[row, column].ravel(), minlength=4)
        assert np.sum(counts == counts.max()) == 1
        best = int(counts.argmax())
        share = counts[best] / counts.sum()
        assert texts[5 * row + column] == f"{names[best]} {100 * share:.0f}"
        pale = [1 - share * (1 - channel) for channel in to_rgb(COLOURS[keys[best]])]
        np.testing.assert_allclose(colours[row, column], pale, atol=1 / 255)


@pytest.mark.parametrize("power", ["EU", NONE])
def test_cells_of_a_power_are_its_shares(power: str) -> None:
    axes = picks_heatmap(results().data, power=power)
    shares = pick_frequencies(results().data)[power]
    assert [text.get_text() for text in axes.texts] == [f"{100 * share:.0f}" for share in shares]
    (mesh,) = axes.collections
    darkness = np.asarray(mesh.get_array()).sum(axis=-1).ravel()
    np.testing.assert_allclose(
        darkness, [3 - share * (3 - sum(to_rgb(COLOURS[power]))) for share in shares], atol=3 / 255
    )
    assert axes.get_legend() is None


def test_of_equal_options_a_power_comes_before_nobody() -> None:
    data = results().data[["pick"]].isel(state=[0], domain=[0], period=[0], replicate=[0, 1, 2, 3])
    assert "power" not in data.coords  # the run kept nothing else
    axes = picks_heatmap(data.assign(pick=data["pick"].copy(data=[[[[0, 2, 0, 2]]]])))
    assert [text.get_text() for text in axes.texts] == ["CN 50"]


def test_marks_are_values_and_facts_in_their_range() -> None:
    named = ["states.kz.trade.cn", "states.tm.gdp", "powers.ru.growth"]
    axes = evidence_ranges(results().scenario, sim.evidence(), named)
    table = ranges(results().scenario, sim.evidence(), named)
    marks = [line for line in axes.lines if line.get_marker() in "oD<>"]
    rows = {name: row for row, name in enumerate(named)}
    assert [label.get_text() for label in axes.get_yticklabels()] == named
    assert len(marks) == len(table)
    for line, (_, row) in zip(marks, table.iterrows(), strict=True):
        ((x,), (y,)) = line.get_xdata(), line.get_ydata()
        place = (row["fact_value"] - row["low"]) / (row["high"] - row["low"])
        assert y == rows[row["parameter"]]
        assert (line.get_markerfacecolor() != "white") == row["conflicting"]
        if 0 <= place <= 1:
            assert line.get_marker() == ("D" if row["conflicting"] else "o")
            assert x == pytest.approx(place)
        else:
            assert (x > 1) == (place > 1)
    # 43.82 of 28 to 34, and 4.5 % of -1 to 3 %
    assert [line.get_ydata()[0] for line in marks if line.get_marker() == ">"] == [0, 2]
    values = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(values, [2.1 / 6, 20.2 / 46, 2.2 / 4])
    texts = [text.get_text() for text in axes.texts]
    assert texts[0] == "30.1 (28 to 34) USD bn/yr"
    assert texts[1] == "64.2 (44 to 90) USD bn/yr"


def test_segments_are_the_terms_and_end_at_the_utility() -> None:
    axes = stacked_terms(why())
    table = why().table().set_index("option").drop(NONE)
    used = [term for term in TERMS if (table[term] != 0).any()]
    drawn = np.array([bar.get_width() for bar in axes.patches]).reshape(len(table), len(used))
    np.testing.assert_allclose(drawn, table[used])
    diamonds = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
    np.testing.assert_allclose(diamonds, [*table["utility"], 0])
    for row, power in enumerate(table.index):
        bars = axes.patches[row * len(used) : (row + 1) * len(used)]
        assert to_hex(bars[0].get_facecolor(), False).upper() == COLOURS[power]
        right = max(bar.get_x() + max(bar.get_width(), 0) for bar in bars)
        left = min(bar.get_x() + min(bar.get_width(), 0) for bar in bars)
        assert right + left == pytest.approx(table.loc[power, "utility"])
    unit, *order = axes.get_xlabel().split("\n")
    assert unit == "log-odds against nobody"
    named = " ".join(order).removeprefix("from 0 outwards: ").split(", ")
    assert named == [term.replace("_", "-") for term in used]
    chances = why().table().set_index("option")["probability"]
    written = [text.get_text() for text in axes.texts if "%" in text.get_text()]
    assert [text.split(" ")[0] for text in written] == [
        f"{100 * chances[option]:.0f}" for option in [*table.index, NONE]
    ]
    assert [text.endswith("picked") for text in written] == [
        option == why().picked for option in [*table.index, NONE]
    ]


def test_names_of_terms_stay_within_their_segments() -> None:
    axes = stacked_terms(why())
    figure_of(axes).draw_without_rendering()
    bars = [bar.get_window_extent() for bar in axes.patches]
    names = [text for text in axes.texts if text.get_text().replace("-", "_") in TERMS]
    assert {"benefit", "conditionality"} <= {text.get_text() for text in names}
    for text in names:
        box = text.get_window_extent()
        assert any(
            bar.x0 <= box.x0 and box.x1 <= bar.x1 and bar.y0 <= box.y0 and box.y1 <= bar.y1
            for bar in bars
        ), text.get_text()


def test_bars_of_a_tornado_are_swings() -> None:
    table = why().trail
    rows = table[(table["power"] == "EU") & (table["term"] == "benefit") & (table["swing"] != 0)]
    rows = rows.iloc[rows["swing"].abs().argsort()[::-1]].head(4)
    axes = tornado(table, term="benefit", power="EU", shown=4)
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(rows["swing"].tolist())
    assert {bar.get_x() for bar in axes.patches} == {0}
    assert {to_hex(bar.get_facecolor(), False).upper() for bar in axes.patches} == {COLOURS["EU"]}
    names = [label.get_text().removesuffix(" *") for label in axes.get_yticklabels()]
    assert names == rows["parameter"].tolist()
    *texts, heading = axes.texts
    assert heading.get_text() == "range"
    beside = {text.xy[1]: text.get_text() for text in texts}  # type: ignore[attr-defined]
    for place, (_, row) in enumerate(rows.iterrows()):
        low, to, high, *_ = beside[place].split()
        assert (to, float(low), float(high)) == (
            "to",
            *(pytest.approx(row[end], rel=0.01) for end in ("low", "high")),
        )


def test_a_tornado_adds_up_terms_for_the_most_probable_power() -> None:
    offers = why().table().set_index("option").drop(NONE)
    best = offers["probability"].idxmax()
    table = why().trail
    total = table[table["power"] == best].groupby("parameter")["swing"].sum()
    largest = total.abs().sort_values(ascending=False).head(12)
    axes = tornado(why())
    np.testing.assert_allclose([abs(bar.get_width()) for bar in axes.patches], largest)
    assert len(set(table[table["power"] == best].groupby("parameter")["term"].count())) > 1
    assert axes.get_title(loc="left").endswith(f": {best}, all terms")


def test_mistakes_are_told() -> None:
    data, scenario = results().data, results().scenario
    wrong = {
        "no state 'KX' .*nearest valid name: 'KZ'": lambda: first_partners(data, states=["KX"]),
        "every: must be": lambda: first_partners(data, every=0),
        "'alignment' was not kept": lambda: first_partners(data[["pick"]]),
        "'pick' was not kept": lambda: picks_heatmap(data[["alignment"]]),
        "no power 'RUS' .*nearest valid name: 'RU'": lambda: picks_heatmap(data, power="RUS"),
        "nearest valid name: 'budget'": lambda: evidence_ranges(
            scenario, sim.evidence(), ["powers.eu.budge"]
        ),
        "offer of 'EUR'.*nearest valid name: 'EU'": lambda: tornado(why(), power="EUR"),
        "term 'benefits'.*nearest valid name: 'benefit'": lambda: tornado(why(), term="benefits"),
        "no number with a range": lambda: tornado(why().trail.head(0)),
        "shown: must be": lambda: tornado(why(), shown=0),
    }
    for message, call in wrong.items():
        with pytest.raises(InputError, match=message):
            call()
