"""Figures of explanations, differences, tipping values, equilibria, sensitivities and boxes.

What they draw is what the tables say. Whether it can be read is in ``test_analysis_extremes``.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

import sim
from sim import plots
from sim.analysis.boxes import Box, Limit
from sim.analysis.compare import Comparison
from sim.analysis.discovery import Discovery
from sim.analysis.documents import LeaveOneOut
from sim.analysis.equilibria import Equilibria
from sim.analysis.explain import Explanation
from sim.analysis.sensitivity import Sensitivity
from sim.analysis.tipping import Tipping
from sim.analysis.words import number
from sim.axes import DOMAINS
from sim.decisions import NONE, TERMS
from sim.errors import InputError
from sim.plots.palette import COLOURS

STATES = ["KZ", "KG", "TJ", "TM", "UZ"]
POWERS = ["RU", "CN", "EU"]
REPLICATE = 3


@cache
def results(name: str = "strategic_balance", replicates: int = 20) -> sim.Run:
    return sim.run(sim.load_scenario(name, replicates=replicates, seed=7))


@cache
def log() -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of code that is changed while tests run
        return sim.replay(results(), REPLICATE).run().table()


def why(**columns: Any) -> Explanation:
    """A decision, with other columns if any are given; no figure here shows what lies behind it."""
    decision = (log()["period"] == "2029H1") & (log()["domain"] == "security")
    offers = log()[decision & (log()["state"] == "KZ")].reset_index(drop=True)
    return Explanation(
        name=results().name,
        state="KZ",
        state_name="Kazakhstan",
        power_names={},
        period="2029H1",
        domain="security",
        replicate=REPLICATE,
        offers=offers.assign(**columns),
        trail=pd.DataFrame(),
        flips=pd.DataFrame(),
        reach=0.0,
        manifest={},
    )


@cache
def gap() -> Comparison:
    return sim.compare(results("gateway_delivers"), results())


@cache
def tip() -> Tipping:
    target = "alignment.UZ.EU first at 2032H1"
    return sim.tipping(results(), target, "powers.eu.budget", 1.0, 40.0, points=3, memory=False)


@cache
def loops() -> Equilibria:
    return sim.equilibria(results(), "rules.appraisal.peer_weight", 0.0, 8.0, points=5)


@cache
def matters() -> Sensitivity:
    return sim.sensitivity(results(), "influence.EU", samples=4, split_samples=2)


@cache
def left() -> LeaveOneOut:
    names = ("central-asia-russia-second-summit", "times-tengri-dushanbe-cis")
    return sim.leave_one_out(results(), documents=names, replicates=5)


def colour(artist: Any) -> str:
    """Colour of a bar or line, as the palette writes it."""
    found = artist.get_facecolor() if isinstance(artist, Rectangle) else artist.get_color()
    return to_hex(found, False).upper()


def ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def samples(axes: Axes) -> list[str]:
    found = axes.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def title(axes: Axes) -> str:
    return axes.get_title(loc="left")


def marked(axes: Axes, marker: str) -> list[Line2D]:
    return [line for line in axes.lines if line.get_marker() == marker]


def spans(axes: Axes, width: float) -> list[list[float]]:
    """Ends of the horizontal lines of a width."""
    lines = [line for line in axes.lines if line.get_linewidth() == width]
    return [list(line.get_xdata()) for line in lines if line.get_marker() != "o"]


# --- explanation ----------------------------------------------------------------------------------


def test_bars_are_the_terms_in_the_colours_of_the_powers() -> None:
    axes = plots.explanation(why())
    table = why().offers.set_index("option")
    used = [term for term in TERMS if any(table.loc[power, term] != 0 for power in POWERS)]
    assert ticks(axes) == [term.replace("_", "-") for term in [*used, "utility"]]
    bars = {(round(bar.get_y() + bar.get_height() / 2), colour(bar)): bar for bar in axes.patches}
    for row, term in enumerate([*used, "utility"]):
        for power in POWERS:
            assert bars[row, COLOURS[power]].get_width() == pytest.approx(table.loc[power, term])
    chances = [100 * table.loc[option, "probability"] for option in [*POWERS, NONE]]
    expected = [f"{name}: {p:.0f} %" for name, p in zip([*POWERS, "nobody"], chances, strict=True)]
    picked = [*POWERS, NONE].index(str(table["picked"].idxmax()))
    expected[picked] += ", picked"
    assert samples(axes) == expected
    assert title(axes) == "Kazakhstan, security, 2029H1"
    assert axes.get_xlabel() == "log-odds against nobody"


def test_who_offers_nothing_is_hatched() -> None:
    axes = plots.explanation(why(posted=[True, False, True, True]))  # nobody, RU, CN, EU
    hatched = {colour(bar) for bar in axes.patches if bar.get_hatch()}
    assert hatched == {COLOURS["RU"]}
    assert [label.startswith("RU, no offer: ") for label in samples(axes)] == [True] + 3 * [False]


def test_cells_are_the_picks() -> None:
    axes = plots.picks_over_time(log())
    (mesh,) = (child for child in axes.collections if isinstance(child, QuadMesh))
    pick = results().data["pick"].isel(replicate=REPLICATE)
    drawn = np.asarray(mesh.get_array())
    for row, (state, domain) in enumerate((s, d) for s in STATES for d in DOMAINS):
        for column, option in enumerate(pick.sel(state=state, domain=domain).values):
            expected = COLOURS[[NONE, *POWERS][int(option)]]
            assert to_hex(drawn[row, column], False).upper() == expected
    assert ticks(axes) == [*DOMAINS] * len(STATES)
    places = {text.get_text(): text.xy[1] for text in axes.texts}  # type: ignore[attr-defined]
    assert places == {state: 5 * n + 2 for n, state in enumerate(STATES)}
    assert samples(axes) == [*POWERS, "nobody"]


def test_cells_of_a_mean_field_are_the_most_probable() -> None:
    mean = log().assign(picked=log()["probability"])
    (mesh,) = plots.picks_over_time(mean).collections
    drawn = np.asarray(mesh.get_array())
    first = mean[(mean["state"] == "KZ") & (mean["domain"] == DOMAINS[0])]
    for column, (_, options) in enumerate(first.groupby("period")):
        best = options.loc[options["probability"].idxmax(), "option"]
        assert to_hex(drawn[0, column], False).upper() == COLOURS[best]


# --- differences ----------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["alignment", "autonomy", "influence"])
def test_marks_are_the_differences(outcome: str) -> None:
    axes = plots.differences(gap(), outcome=outcome)
    table = gap().rows.query("outcome == @outcome")
    dots = marked(axes, "o")
    assert [line.get_xdata()[0] for line in dots] == pytest.approx(table["difference"].tolist())
    assert [line.get_ydata()[0] for line in dots] == list(range(len(table)))
    np.testing.assert_allclose(spans(axes, 4.0), table[["low", "high"]])
    np.testing.assert_allclose(spans(axes, 0.8), table[["p05", "p95"]])
    long = [
        line for line in axes.lines if line.get_marker() != "o" and line.get_ydata()[0] % 1 == 0
    ]
    assert {line.get_solid_capstyle() for line in long[: 2 * len(table)]} == {"butt"}
    codes = table[["state", "power"]].agg(" ".join, axis=1).str.strip()
    assert ticks(axes) == codes.tolist()
    edges = [str(line.get_markeredgecolor()) for line in dots]
    assert edges == [COLOURS.get(power, "#222222") for power in table["power"]]
    assert title(axes) == f"{outcome} at end"
    unit = "no unit" if outcome == "autonomy" else "share"
    assert axes.get_xlabel() == f"difference, {unit}\ngateway_delivers less strategic_balance"
    assert samples(axes)[1] == "5 to 95 % of the pairs (20)"


def test_of_many_rows_the_largest_differences_are_drawn() -> None:
    axes = plots.differences(gap(), outcome="alignment", shown=4)
    table = gap().rows.query("outcome == 'alignment'")
    least = sorted(table["difference"].abs())[-4]
    kept = table[table["difference"].abs() >= least]
    drawn = [line.get_xdata()[0] for line in marked(axes, "o")]
    assert drawn == pytest.approx(kept["difference"].tolist())
    assert title(axes) == "alignment at end, 4 largest of 15"
    with pytest.raises(InputError, match="shown: must be at least 1"):
        plots.differences(gap(), shown=0)


def test_half_years_are_named_where_they_differ() -> None:
    asked = ["influence.EU at 2030H1", "influence.EU at 2032H1"]
    axes = plots.differences(sim.compare(results("gateway_delivers"), results(), asked))
    assert title(axes) == "influence"
    assert ticks(axes) == ["EU at 2030H1", "EU at 2032H1"]
    alone = plots.differences(sim.compare(results("gateway_delivers"), results(), asked[:1]))
    assert title(alone) == "influence at 2030H1"
    assert ticks(alone) == ["EU"]


@pytest.mark.parametrize("noise", [0.0, 1e-16])
def test_where_nothing_differs_the_axis_has_no_numbers(noise: float) -> None:
    same = sim.compare(results(), results(), ["influence"])
    shift = dict.fromkeys(["difference", "low", "high", "p05", "p95"], noise)
    axes = plots.differences(replace(same, rows=same.rows.assign(**shift)))
    assert words(axes) == ["no difference"]
    assert axes.get_xticks().tolist() == [0]
    assert axes.get_xlim() == (-1, 1)
    name = results().name
    assert axes.get_xlabel() == f"difference, share\n{name} less\n{name}"  # nothing else tells


def test_small_differences_are_drawn() -> None:
    few = gap().rows.query("outcome == 'influence'")
    small = few.assign(**{key: 1e-6 * few[key] for key in ("difference", "p05", "p95")})
    axes = plots.differences(replace(gap(), rows=small))
    assert words(axes) == []
    assert len(axes.get_xticks()) > 1


def test_a_pair_alone_has_no_interval_and_what_is_undefined_says_so() -> None:
    pair = sim.compare(results("gateway_delivers", 1), results(replicates=1), ["influence"])
    axes = plots.differences(pair)
    assert np.isnan(spans(axes, 4.0)).all()
    assert samples(axes)[1] == "5 to 95 % of the pairs (1)"
    rows = gap().rows.query("outcome == 'influence'").reset_index(drop=True)
    rows.loc[1, ["difference", "low", "high", "p05", "p95"]] = math.nan
    rows.loc[1, "pairs"] = 0
    some = plots.differences(replace(gap(), rows=rows))
    assert words(some) == ["undefined"]
    assert some.texts[0].xy == (0, 1)  # type: ignore[attr-defined]


def test_an_outcome_that_was_not_compared_is_refused() -> None:
    with pytest.raises(InputError, match="nearest valid name: 'autonomy'"):
        plots.differences(gap(), outcome="autonomie")


# --- curves ---------------------------------------------------------------------------------------


def test_curve_band_and_tip() -> None:
    axes = plots.tipping(tip())
    table, (_, found) = tip().curve, next(tip().tips.iterrows())
    np.testing.assert_allclose(axes.lines[0].get_xdata(), table["value"])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), table["share"])
    (band,) = (child for child in axes.collections if isinstance(child, PolyCollection))
    corners = {(round(x, 9), round(y, 9)) for x, y in band.get_paths()[0].vertices}
    for end in ("low", "high"):
        assert {(round(x, 9), round(y, 9)) for x, y in table[["value", end]].values} <= corners
    (threshold,) = (line for line in axes.lines if line.get_linestyle() == ":")
    assert set(threshold.get_ydata()) == {0.5}
    (mark,) = marked(axes, "o")
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (found["value"], 0.5)
    assert spans(axes, 4.0) == [[found["low"], found["high"]]]
    assert axes.get_xlim() == (1, 40)
    first, second = axes.get_xlabel().split("\n")
    assert first == "powers.eu.budget, USD bn/yr"
    value, low, high = (number(found[key]) for key in ("value", "low", "high"))
    assert second == f"tips at {value} (90 % interval {low} to {high})"


def test_several_tips_none_and_open_intervals() -> None:
    columns = ["value", "low", "high", "upwards"]
    rows = [(10.0, math.nan, 12.0, True), (20.0, 15.0, math.nan, False)]
    axes = plots.tipping(replace(tip(), tips=pd.DataFrame(rows, columns=columns)))
    assert spans(axes, 4.0) == [[1.0, 12.0], [15.0, 40.0]]  # to the ends of the range
    assert [line.get_xdata()[0] for line in marked(axes, "o")] == [10, 20]
    assert axes.get_xlabel().split("\n")[1:] == [
        "tips at 10.0 (90 % interval beyond 1.00 to 12.0)",
        "tips at 20.0 (90 % interval 15.0 to beyond 40.0)",
    ]
    none = plots.tipping(replace(tip(), tips=pd.DataFrame([], columns=columns)))
    assert none.get_xlabel().split("\n")[1] == "does not tip within this range"
    assert marked(none, "o") == []


def test_equilibria_are_dots_and_both_ways_lines() -> None:
    table = loops().branches
    down = table["start"] == "down"  # made to differ from the way up
    table = table.assign(probability=table["probability"].where(~down, table["probability"] / 2))
    axes = plots.equilibria(replace(loops(), branches=table))
    for power in POWERS:
        own = table[table["power"] == power]
        lines = {
            (line.get_marker(), line.get_linestyle()): np.c_[line.get_xdata(), line.get_ydata()]
            for line in axes.lines
            if colour(line) == COLOURS[power]
        }
        rest = own[~own["start"].isin(["up", "down"])][["value", "probability"]]
        np.testing.assert_allclose(lines["o", "None"], rest)
        for way, style in (("up", "-"), ("down", "--")):
            path = own[own["start"] == way].sort_values("value")[["value", "probability"]]
            np.testing.assert_allclose(lines["None", style], path)
    assert len(axes.lines) == 3 * len(POWERS)
    assert axes.get_ylim() == (0, 1)
    assert words(axes) == []
    assert samples(axes) == [*POWERS, "way up", "way down", "at rest"]
    nobody = replace(loops(), branches=table.assign(probability=0.0))
    assert words(plots.equilibria(nobody)) == ["all zero"]


def test_equilibria_need_a_parameter() -> None:
    with pytest.raises(InputError, match="no parameter was moved"):
        plots.equilibria(replace(loops(), parameter=""))


# --- sensitivity ----------------------------------------------------------------------------------


def test_bars_are_the_indices_with_their_intervals() -> None:
    axes = plots.sensitivity(matters(), shown=5)
    table = matters().ranking.sort_values("total", ascending=False).head(5)
    lines = [child for child in axes.collections if isinstance(child, LineCollection)]
    for key, bars, intervals in zip(
        ("total", "first"), np.reshape(axes.patches, (2, 5)), lines, strict=True
    ):
        widths = [bar.get_width() for bar in bars]
        assert widths == pytest.approx((100 * table[key]).clip(lower=0).tolist())
        assert [round(bar.get_y() + bar.get_height() / 2) for bar in bars] == list(range(5))
        middle, half = 100 * table[key], 100 * table[f"{key}_interval"]
        ends = [segment[:, 0] for segment in intervals.get_segments()]
        np.testing.assert_allclose(ends, np.c_[middle - half, middle + half])
    stars = [" *" if star else "" for star in table["disputed"]]
    assert ticks(axes) == [a + b for a, b in zip(table["factor"], stars, strict=True)]
    assert ("documents disagree" in axes.get_xlabel()) == any(stars)


def test_no_axis_of_variances_goes_beyond_the_whole() -> None:
    wide = matters().ranking.assign(total_interval=30.0)
    assert plots.sensitivity(replace(matters(), ranking=wide)).get_xlim() == (0, 100)
    sure = matters().ranking.assign(total=0.1, first=0.1, total_interval=0.0, first_interval=0.0)
    assert 10 < plots.sensitivity(replace(matters(), ranking=sure)).get_xlim()[1] < 20


def test_no_variance_is_said() -> None:
    still = matters().ranking.assign(total=0.0, first=0.0, total_interval=0.0, first_interval=0.0)
    axes = plots.sensitivity(replace(matters(), ranking=still))
    assert words(axes) == ["does not vary: there is nothing to explain"]
    assert ticks(axes) == []
    assert axes.get_xlim() == (0, 100)


def test_bars_are_the_conclusions_that_change() -> None:
    table = left().documents.assign(changed=[3, 1], failed=["", "cannot be run: no budget"])
    axes = plots.documents(replace(left(), documents=table))
    assert [bar.get_width() for bar in axes.patches] == [3, 1]
    numbers, lost = table.loc[0, ["numbers", "lost"]]
    beside = {text.get_text(): text.xy[1] for text in axes.texts}  # type: ignore[attr-defined]
    assert beside[f"{numbers}, {lost} on it alone"] == 0
    assert beside["cannot be run"] == 1
    written = [label.replace("\n", " ") for label in ticks(axes)]
    assert written == table["title"].tolist()
    assert axes.get_xlabel() == f"conclusions that change, of {len(left().whole)}"


# --- discovery ------------------------------------------------------------------------------------


def limit(factor: str, low: float, high: float, share: float, chance: float) -> Limit:
    return Limit(factor, low, high, (), (2.0, 6.0), "USD bn/yr", share, chance)


def test_boxes_are_bars_and_points_in_greys() -> None:
    rule = Limit(
        "rule", -math.inf, math.inf, ("best",), ("best", "logit", "none"), "", 1 / 3, 0.001
    )
    first = Box((limit("a", 4.0, math.inf, 0.5, 0.2), rule), 0.5, 0.9, 0.1, (1, 2), 0.5)
    second = Box((limit("a", 3.0, 5.0, 0.5, 0.01),), 0.25, 0.8, 0.1, (3,), 0.25)
    found = Discovery("a > 1", "cart", 0.5, 0.8, (first, second), 400, 100, 0, 0, False)
    axes = plots.discovery(found)
    bars = [
        (line.get_ydata()[0], list(line.get_xdata()), line.get_color())
        for line in axes.lines
        if line.get_marker() == "None" and line.get_color() != "#DDDDDD"
    ]
    assert bars == [(0, [0.5, 1.0], "0.13"), (1, [0.25, 0.75], "0.65")]
    points = [(line.get_xdata()[0], line.get_color()) for line in marked(axes, "o")]
    assert points == [
        (pytest.approx(1 / 6), "0.13"),
        (0.5, "#DDDDDD"),
        (pytest.approx(5 / 6), "#DDDDDD"),
    ]
    assert words(axes) == [
        "above 4.00 USD bn/yr (may be chance)",
        "3.00 to 5.00 USD bn/yr",
        *("best", "logit", "none"),
    ]
    assert ticks(axes) == ["a\n2.00 to 6.00 USD bn/yr", "rule"]
    assert samples(axes) == [
        "box 1: density 90 %, coverage 50 %",
        "box 2: density 80 %, coverage 25 %",
        "range in the sweep, 400 cells: density 25 %",
    ]
    assert title(axes) == "a > 1 (CART)"
