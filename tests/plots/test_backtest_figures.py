"""Figures of back-tests: what they draw is the data, and it can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from figure_texts import check_texts, texts_drawn
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from scipy.stats import binom

from sim import plots
from sim.analysis.scores import LEVELS, coverage
from sim.errors import InputError
from sim.plots.canvas import PAGE, UNDEFINED, WIDTH
from sim.plots.figures import figure_of, save
from sim.plots.palette import COLOURS, INK, tint
from sim.plots.trade import REST

MODELS = (
    "trade known",
    "full known",
    "trade extrapolated",
    "full extrapolated",
    "persistence",
    "persistence with spread",
    "random walk",
    "damped trend",
    "gravity",
)
POINT = "persistence"
REFERENCE = "persistence with spread"
STATES = ("KZ", "KG", "TJ", "TM", "UZ")
PARTNERS = ("RU", "CN", "EU", "ROW")
ORIGINS = tuple(range(2008, 2014))
YEARS = tuple(range(2000, 2018))
DIMS = ("model", "state", "partner", "origin", "horizon")
GAP = 2003
MEMBERS = 39


def made(
    models: Sequence[str] = MODELS,
    states: Sequence[str] = STATES,
    partners: Sequence[str] = PARTNERS,
    origins: Sequence[int] = ORIGINS,
    horizons: int = 6,
) -> xr.Dataset:
    """Back-test of forecasts that are drawn around the last observation.

    Nothing is known of a year, of the first state from 2016 on, or about a point forecast's spread.
    """
    rng = np.random.default_rng(7)
    years, steps = np.array(YEARS), np.arange(1, horizons + 1)
    walk = rng.normal(0, 0.1, (len(states), len(partners), len(years))).cumsum(axis=-1)
    history = np.exp(walk) / np.exp(walk).sum(axis=1, keepdims=True)
    last = history[:, :, np.array(origins) - years[0]]
    widths = np.linspace(0.05, 0.25, len(models)) * (np.array(models) != POINT)
    noise = rng.normal(0, 1, (*(len(models), *last.shape), horizons, MEMBERS))
    scale = widths[:, None, None, None, None] * np.sqrt(steps)
    raw = last[..., None, None] * np.exp(scale[..., None] * noise)
    forecast = raw / raw.sum(axis=2, keepdims=True)
    history[:, :, years == GAP] = np.nan
    history[0, :, years >= 2016] = np.nan
    at = np.add.outer(np.array(origins), steps) - years[0]
    observed = np.where(at < len(years), history[..., np.minimum(at, len(years) - 1)], np.nan)
    unknown = np.isnan(observed)[None] | (np.array(models) == POINT)[:, None, None, None, None]
    inside = {}
    for level in LEVELS:
        ends = np.quantile(forecast, ((1 - level) / 2, (1 + level) / 2), axis=-1, method="weibull")
        held = (ends[0] <= observed) & (observed <= ends[1])
        inside[f"inside{100 * level:.0f}"] = (DIMS, np.where(unknown, np.nan, held))
    rank = (forecast < observed[..., None]).sum(axis=-1) + rng.random(forecast.shape[:-1])
    return xr.Dataset(
        {
            "history": (("state", "partner", "year"), history),
            "observed": (DIMS[1:], observed),
            "forecast": ((*DIMS, "member"), forecast),
            "pit": (DIMS, np.where(unknown, np.nan, rank / (MEMBERS + 1))),
            **inside,
        },
        {
            "model": list(models),
            "state": list(states),
            "partner": list(partners),
            "origin": list(origins),
            "horizon": steps,
            "member": np.arange(MEMBERS),
            "year": years,
        },
    )


def skills(models: Sequence[str] = MODELS, horizons: int = 6) -> pd.DataFrame:
    """Skill against two references; a point forecast has no interval."""
    rng = np.random.default_rng(3)
    rows = []
    for reference in (REFERENCE, "random walk"):
        for model in models:
            for horizon in range(1, horizons + 1):
                skill = 0.0 if model == reference else rng.normal(0.1, 0.2)
                ends = (np.nan, np.nan) if model == POINT else (skill - 0.2, skill + 0.1)
                forecasts = 30 - horizon - (model == "gravity" and horizon > 4)
                rows.append((model, reference, horizon, skill, *ends, forecasts))
    columns = ["model", "reference", "horizon", "skill", "low", "high", "forecasts"]
    return pd.DataFrame(rows, columns=columns)


def scored(**first: float) -> pd.DataFrame:
    """Scores of choices; equal odds have no interval."""
    rows = [
        ("full known", 0.92, 0.85, 0.99),
        ("full extrapolated", 1.17, 1.02, 1.41),
        ("base rates", 1.08, 1.0, 1.15),
        ("equal odds", np.log(4), np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=["forecaster", "log_score", "low", "high"])
    for column, value in first.items():
        table.loc[0, column] = value
    return table


def blank(data: xr.Dataset) -> xr.Dataset:
    return data.map(lambda values: values * np.nan)


def of_model(axes: Axes, name: str) -> Line2D:
    """Line of a model, found by its look in the legend."""
    found = axes.get_legend()
    assert found is not None
    names = [text.get_text() for text in found.get_texts()]
    sample = found.get_lines()[names.index(name)]

    def look(line: Line2D) -> tuple[Any, ...]:
        return line.get_marker(), line.get_color(), line.get_markerfacecolor()

    (line,) = (line for line in axes.lines if look(line) == look(sample))
    return line


def xticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def shown(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison]


# --- skill ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", [REFERENCE, "random walk"])
def test_lines_are_the_skill_beside_each_horizon(reference: str) -> None:
    table = skills()
    axes = plots.skill_by_horizon(table, reference)
    rows = table[table["reference"] == reference].set_index("model")
    others = [name for name in MODELS if name != reference]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == others
    for name in others:
        line = of_model(axes, name)
        np.testing.assert_allclose(line.get_ydata(), rows.loc[name, "skill"])
        np.testing.assert_array_equal(np.round(line.get_xdata()), rows.loc[name, "horizon"])
    # No two models share a place, and their order is that of the legend.
    places = [of_model(axes, name).get_xdata()[0] for name in others]
    assert (np.diff(places) > 0.05).all()


def test_intervals_stand_at_their_points() -> None:
    table = skills()
    axes = plots.skill_by_horizon(table)
    bars = [part for part in axes.collections if isinstance(part, LineCollection)]
    names = [name for name in MODELS if name != REFERENCE]
    assert len(bars) == len(names)
    rows = table[table["reference"] == REFERENCE].set_index("model")
    for name, bar in zip(names, bars, strict=True):
        known = rows.loc[name].dropna()
        expected = [
            [[x, low], [x, high]]
            for x, low, high in zip(
                of_model(axes, name).get_xdata(), known["low"], known["high"], strict=False
            )
        ]
        assert len(bar.get_segments()) == (0 if name == POINT else 6)
        if expected:
            np.testing.assert_allclose(bar.get_segments(), expected)


def test_horizons_carry_the_number_of_forecasts() -> None:
    axes = plots.skill_by_horizon(skills())
    assert xticks(axes) == [
        *(f"{at}\nn = {30 - at}" for at in (1, 2, 3, 4)),
        "5\nn = 24–25",
        "6\nn = 23–24",
    ]
    assert list(axes.get_xticks()) == [1, 2, 3, 4, 5, 6]
    (zero,) = (line for line in axes.lines if line.get_marker() == "None")
    assert list(zero.get_ydata()) == [0, 0]


def test_a_model_looks_the_same_whoever_else_is_drawn() -> None:
    table = skills()
    few, all_of_them = (
        of_model(plots.skill_by_horizon(table, models=models), "gravity")
        for models in (["gravity", "full known"], None)
    )
    assert few.get_marker() == all_of_them.get_marker()
    assert few.get_color() == all_of_them.get_color()
    assert few.get_markerfacecolor() == all_of_them.get_markerfacecolor()
    axes = plots.skill_by_horizon(table, models=["gravity"])
    np.testing.assert_array_equal(of_model(axes, "gravity").get_xdata(), range(1, 7))


def test_colours_are_not_those_of_powers() -> None:
    axes = plots.skill_by_horizon(skills())
    assert not {to_hex(line.get_color()).upper() for line in axes.lines} & set(COLOURS.values())


def test_names_of_skill_are_checked() -> None:
    with pytest.raises(InputError, match=r"'persistence with spred' .*'persistence with spread'"):
        plots.skill_by_horizon(skills(), "persistence with spred")
    with pytest.raises(InputError, match=r"'gravty' \(nearest valid name: 'gravity'\)"):
        plots.skill_by_horizon(skills(), models=["gravty"])


# --- choices --------------------------------------------------------------------------------------


def test_points_and_intervals_are_the_scores() -> None:
    table = scored()
    axes = plots.choices_scored(table)
    points = [line for line in axes.lines if line.get_marker() == "o"]
    drawn = [(line.get_xdata()[0], line.get_ydata()[0]) for line in points]
    assert drawn == [(score, row) for row, score in enumerate(table["log_score"])]
    assert [line.get_color() for line in points] == [INK, INK, "white", INK]
    spans = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    (reference,) = (span for span in spans if span[0] == span[1])
    assert reference == [1.08, 1.08]
    assert [span for span in spans if span != reference] == table[["low", "high"]].to_numpy()[
        :3
    ].tolist()
    assert [label.get_text() for label in axes.get_yticklabels()] == list(table["forecaster"])
    assert axes.yaxis_inverted()
    assert words(axes)[:4] == [
        "0.92 (0.85 to 0.99)",
        "1.17 (1.02 to 1.41)",
        "1.08 (1.00 to 1.15)",
        "1.39",
    ]


def test_infinite_scores_stand_at_the_edge() -> None:
    axes = plots.choices_scored(scored(log_score=np.inf, low=1.3, high=np.inf))
    end = axes.get_xlim()[1]
    (arrow,) = (line for line in axes.lines if line.get_marker() == ">")
    assert (arrow.get_xdata()[0], arrow.get_ydata()[0]) == (end, 0)
    assert [1.3, end] in [list(line.get_xdata()) for line in axes.lines]
    assert words(axes)[0] == "∞ (1.30 to ∞)"


def test_a_score_may_be_undefined() -> None:
    axes = plots.choices_scored(scored(log_score=np.nan, low=np.nan, high=np.nan))
    assert words(axes)[0] == UNDEFINED


def test_the_reference_of_choices_is_checked() -> None:
    with pytest.raises(InputError, match=r"'base rate' \(nearest valid name: 'base rates'\)"):
        plots.choices_scored(scored(), "base rate")


# --- reliability ----------------------------------------------------------------------------------


def bars(axes: Axes) -> list[Rectangle]:
    return [bar for container in axes.containers for bar in container]


def noise(axes: Axes) -> list[tuple[float, float]]:
    """Ends of the bands, wide and narrow in turns."""
    boxes = [patch for patch in axes.patches if patch not in bars(axes)]
    ends = [patch.get_path().get_extents(patch.get_patch_transform()) for patch in boxes]
    return [(float(end.y0), float(end.y1)) for end in ends]


def binomial(count: int, chance: float) -> tuple[float, float]:
    low, high = (100 * binom.ppf(q, count, chance) / count for q in (0.05, 0.95))
    return low, high


def test_bars_are_the_histogram_of_the_pit() -> None:
    data = made()
    figure = plots.reliability(data, ["gravity", "trade known"])
    for name, axes in zip(("gravity", "trade known"), shown(figure), strict=False):
        values = data["pit"].sel(model=name).values
        values = values[np.isfinite(values)]
        assert axes.get_title(loc="left") == name
        heights = [bar.get_height() for bar in bars(axes)]
        assert heights == pytest.approx(100 * np.histogram(values, 10, (0, 1))[0] / values.size)
        assert [bar.get_x() for bar in bars(axes)] == pytest.approx(np.arange(10) / 10)
        # One year is missing, but every state and origin has others.
        assert noise(axes) == [pytest.approx(binomial(count, 0.1)) for count in (30, values.size)]
        (line,) = axes.lines
        assert list(line.get_ydata()) == [10, 10]
        assert axes.get_ylim() == shown(figure)[0].get_ylim()


def test_points_are_the_coverage_by_horizon() -> None:
    data = made()
    _, axes = shown(plots.reliability(data, ["gravity"]))
    points = [line for line in axes.lines if line.get_marker() == "o"]
    drawn = [(line.get_xdata()[0], line.get_ydata()[0]) for line in points]
    expected, bands, counts = [], [], []
    for place, horizons in enumerate(([1], [2, 3], [4, 5, 6])):
        for level in LEVELS:
            inside = data[f"inside{100 * level:.0f}"].sel(model="gravity", horizon=horizons)
            count = int(inside.notnull().sum())
            blocks = int(inside.notnull().any(["partner", "horizon"]).sum())
            expected.append((place, pytest.approx(100 * float(inside.mean()))))
            bands += [pytest.approx(binomial(size, level)) for size in (blocks, count)]
        counts.append(count)
    assert drawn == expected
    assert noise(axes) == bands
    labels = zip(("1", "2–3", "4–6"), counts, strict=True)
    assert xticks(axes) == [f"{name}\nn = {count}" for name, count in labels]
    assert [list(line.get_ydata()) for line in axes.lines[:2]] == [[50, 50], [90, 90]]


def test_coverage_is_that_of_the_scores() -> None:
    data = made(origins=ORIGINS[:1], horizons=1)
    _, axes = shown(plots.reliability(data, ["gravity"]))
    here = data.sel(model="gravity").transpose("state", "origin", "horizon", "partner", ...)
    for level, line in zip(LEVELS, axes.lines[2:], strict=True):
        found = coverage(here["forecast"].values, here["observed"].values, level).mean()
        assert line.get_ydata()[0] == pytest.approx(100 * found)


def test_all_models_with_a_pit_are_drawn_by_default() -> None:
    titles = [axes.get_title(loc="left") for axes in shown(plots.reliability(made()))]
    assert [title for title in titles if title] == [name for name in MODELS if name != POINT]


@pytest.mark.parametrize("models", [None, [POINT]])
def test_reliability_without_numbers_says_so(models: list[str] | None) -> None:
    data = made() if models else blank(made())
    for axes in shown(plots.reliability(data, models)):
        assert words(axes) == [UNDEFINED]
        assert not bars(axes)


@pytest.mark.parametrize(("count", "chance"), [(1, 0.1), (5, 0.5), (30, 0.9), (5000, 0.1)])
def test_noise_is_binomial(count: int, chance: float) -> None:
    from sim.plots.backtest_forecasts import _noise

    assert [100 * end for end in _noise(count, chance)] == pytest.approx(binomial(count, chance))


# --- observed and forecast ------------------------------------------------------------------------


def fans(axes: Axes) -> list[np.ndarray[Any, Any]]:
    """Vertices of the bands, the outer one first."""
    return [
        part.get_paths()[0].vertices
        for part in axes.collections
        if isinstance(part, PolyCollection)
    ]


def edges(vertices: np.ndarray[Any, Any], x: float) -> tuple[float, float]:
    """Lower and upper end of a band."""
    y = vertices[np.isclose(vertices[:, 0], x), 1]
    return float(y.min()), float(y.max())


@pytest.mark.parametrize("origin", [None, 2011])
def test_fans_are_the_quantiles_and_lines_the_history(origin: int | None) -> None:
    data = made()
    figure = plots.observed_and_forecast(data, "gravity", origin)
    start = origin or 2008
    cells = [(state, partner) for state in STATES for partner in PARTNERS]
    for (state, partner), axes in zip(cells, figure.axes, strict=True):
        here = data.sel(state=state, partner=partner)
        members = here["forecast"].sel(model="gravity", origin=start).values
        q = 100 * np.quantile(members, (0.05, 0.25, 0.5, 0.75, 0.95), axis=-1, method="weibull")
        at_origin = 100 * float(here["history"].sel(year=start))
        outer, inner = fans(axes)
        for vertices, low, high in ((outer, q[0], q[4]), (inner, q[1], q[3])):
            assert edges(vertices, start) == pytest.approx((at_origin, at_origin))
            for horizon in range(6):
                expected = low[horizon], high[horizon]
                assert edges(vertices, start + horizon + 1) == pytest.approx(expected)
        median, seen, mark = axes.lines
        np.testing.assert_allclose(median.get_ydata(), [at_origin, *q[2]])
        np.testing.assert_array_equal(median.get_xdata(), np.arange(start, start + 7))
        np.testing.assert_array_equal(seen.get_xdata(), YEARS)
        np.testing.assert_allclose(seen.get_ydata(), 100 * here["history"])
        assert np.isnan(seen.get_ydata()[YEARS.index(GAP)])
        assert list(mark.get_xdata()) == [start, start]
        assert to_hex(median.get_color()).upper() == COLOURS[partner]
        face = to_hex(axes.collections[0].get_facecolor()[0])
        assert face == tint(COLOURS[partner], 0.25)
    titles = [axes.get_title(loc="left") for axes in figure.axes[:4]]
    assert titles == [*PARTNERS[:3], REST]
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == list(STATES)
    assert figure.get_suptitle() == f"gravity, forecast from {start}"


def test_a_fan_without_an_observation_at_its_origin_begins_a_year_later() -> None:
    data = made(states=["KZ"])
    data["history"].loc[{"year": 2008}] = np.nan
    axes = plots.observed_and_forecast(data, "gravity").axes[0]
    assert axes.lines[0].get_xdata()[0] == 2009
    assert fans(axes)[0][:, 0].min() == 2009
    # A single year stays visible.
    axes = plots.observed_and_forecast(data.sel(horizon=[1]), "gravity").axes[0]
    assert fans(axes)[0][:, 0].min() < 2009 < fans(axes)[0][:, 0].max()


def test_years_and_members_without_numbers_are_left_out() -> None:
    data = made(states=["KZ"])
    whole = data["forecast"].copy()
    data["forecast"].loc[{"member": slice(19, None)}] = np.nan
    axes = plots.observed_and_forecast(data, "gravity").axes[0]
    members = whole.sel(model="gravity", origin=2008, partner="RU").values[0, :, :19]
    expected = 100 * np.quantile(members, 0.5, axis=-1, method="weibull")
    np.testing.assert_allclose(axes.lines[0].get_ydata()[1:], expected)
    data["forecast"].loc[{"origin": 2008}] = np.nan
    axes = plots.observed_and_forecast(data, "gravity").axes[0]
    assert not axes.collections
    assert len(axes.lines) == 2  # history and origin
    for axes in plots.observed_and_forecast(blank(data), "gravity").axes:
        assert words(axes) == [UNDEFINED]


def test_names_of_forecasts_are_checked() -> None:
    data = made(horizons=1)
    with pytest.raises(InputError, match=r"'gravty' .*\(nearest valid name: 'gravity'\)"):
        plots.observed_and_forecast(data, "gravty")
    with pytest.raises(InputError, match=r"2004 \(nearest valid origin: 2008\)"):
        plots.observed_and_forecast(data, "gravity", 2004)
    with pytest.raises(InputError, match="must be a whole number"):
        plots.observed_and_forecast(data, "gravity", "2008")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"'trade' .*\(nearest valid name: 'trade known'\)"):
        plots.reliability(data, ["trade"])
    with pytest.raises(InputError, match="at least one model"):
        plots.reliability(data, [])


# --- all of them ----------------------------------------------------------------------------------

TITLED = ("a rather long name of a model whose drivers are known", "gravity")
FIGURES: dict[str, Callable[[], Figure]] = {
    "skill": lambda: figure_of(plots.skill_by_horizon(skills())),
    "skill of one": lambda: figure_of(plots.skill_by_horizon(skills(), models=["gravity"])),
    "skill at one horizon": lambda: figure_of(plots.skill_by_horizon(skills(horizons=1))),
    "eight horizons": lambda: figure_of(plots.skill_by_horizon(skills(horizons=8))),
    "no skill": lambda: figure_of(
        plots.skill_by_horizon(skills().assign(skill=np.nan, low=np.nan, high=np.nan))
    ),
    "choices": lambda: figure_of(plots.choices_scored(scored())),
    "infinite choices": lambda: figure_of(
        plots.choices_scored(scored(log_score=np.inf, high=np.inf))
    ),
    "reliability": lambda: plots.reliability(made()),
    "reliability of one": lambda: plots.reliability(made(), ["gravity"]),
    "reliability at one horizon": lambda: plots.reliability(made(horizons=1)),
    "reliability at eight": lambda: plots.reliability(made(horizons=8)),
    "reliability of one state and origin": lambda: plots.reliability(
        made(states=["KZ"], origins=[2010])
    ),
    "reliability with long names": lambda: plots.reliability(made(models=TITLED)),
    "no reliability": lambda: plots.reliability(blank(made())),
    "forecasts": lambda: plots.observed_and_forecast(made(), "gravity"),
    "point forecasts": lambda: plots.observed_and_forecast(made(), POINT),
    "forecasts of one state": lambda: plots.observed_and_forecast(made(states=["KZ"]), "gravity"),
    "forecasts of one pair": lambda: plots.observed_and_forecast(
        made(states=["KZ"], horizons=1).sel(partner=["CN"]), "gravity"
    ),
    "forecasts of eleven": lambda: plots.observed_and_forecast(
        made(states=[*STATES, "AM", "AZ", "BY", "MD", "GE", "MN"]), "gravity"
    ),
    "no forecasts": lambda: plots.observed_and_forecast(blank(made()), "gravity"),
}


def settings() -> dict[str, Any]:
    """Global settings apart from the backend, which looking at it resolves."""
    return {key: value for key, value in mpl.rcParams.items() if "backend" not in key}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FIGURES)
def test_texts_can_be_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings()
    figure = FIGURES[name]()
    check_texts(figure, texts_drawn(figure, monkeypatch), name)
    assert figure.get_figwidth() <= WIDTH
    assert figure.get_figheight() <= PAGE
    assert settings() == before


@pytest.mark.parametrize(
    "name", ["skill", "choices", "reliability of one", "forecasts of one pair"]
)
def test_vectors_hold_no_pixels_and_the_same_bytes_each_time(name: str, tmp_path: Path) -> None:
    first, second = (save(FIGURES[name](), tmp_path / f"{n}.svg").read_bytes() for n in range(2))
    assert first == second
    assert b"<path" in first
    assert b"<image" not in first
    assert b"/Subtype /Image" not in save(FIGURES[name](), tmp_path / "figure.pdf").read_bytes()


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.skill_by_horizon(skills(), ax=ax),
        lambda ax: plots.choices_scored(scored(), ax=ax),
    ],
)
def test_given_axes_are_drawn_on(draw: Callable[[Axes], Axes]) -> None:
    axes = Figure().add_subplot()
    assert draw(axes) is axes
    assert axes.has_data()
