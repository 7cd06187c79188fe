"""Corridors, trade, influence and the map: what is drawn is the data, and it can be read."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path as FilePath

import numpy as np
import pytest
import xarray as xr
from figure_texts import check_texts, texts_drawn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch, Wedge
from matplotlib.path import Path

from sim.axes import CORRIDORS as CORRIDOR_CODES
from sim.axes import POWERS, ROW, STATES
from sim.errors import InputError
from sim.plots import (
    corridor_flow,
    corridor_share,
    corridors_figure,
    draw_all,
    influence_figure,
    influence_over_time,
    region_map,
    region_map_figure,
    trade_by_partner,
    trade_figure,
)
from sim.plots.borders import LAND, Projection, borders, rounded
from sim.plots.figures import FIGURES, drawable, save
from sim.plots.map_labels import spread
from sim.plots.map_parts import THICK
from sim.plots.map_sheet import HEAD
from sim.plots.palette import COLOURS
from sim.plots.places import CAPITALS, CORRIDORS, COUNTRIES
from sim.plots.trade import REST

FIVE = ("KZ", "KG", "TJ", "TM", "UZ")
THREE = ("RU", "CN", "EU")
SIX = ("N", "M", "NS", "E", "CKU", "STH")
ALL = tuple(code.upper() for code in STATES)
CLOSED = ("STH",)
WEST = ("N", "M", "NS", "E")
STEPS = 20
PERIODS = [f"{2025 + (step + 1) // 2}H{2 - step % 2}" for step in range(STEPS + 1)]
STOCKS = ("alignment_stock", "influence", "influence_equal", "trade")

Made = tuple[xr.Dataset, xr.Dataset]


def made(
    states: tuple[str, ...] = FIVE,
    powers: tuple[str, ...] = THREE,
    corridors: tuple[str, ...] = SIX,
    replicates: int = 30,
) -> Made:
    """Outcomes that look like those of a run, and the stocks at its end."""
    sizes = {
        "period": PERIODS,
        "state": list(states),
        "power": list(powers),
        "partner": [*powers, ROW],
        "corridor": list(corridors),
        "replicate": list(range(replicates)),
    }
    rng = np.random.default_rng(7)

    def outcome(unit: str, *dims: str) -> xr.DataArray:
        dims = ("period", *dims, "replicate")
        values = rng.lognormal(0, 0.3, [len(sizes[dim]) for dim in dims])
        return xr.DataArray(values, {dim: sizes[dim] for dim in dims}, dims, attrs={"unit": unit})

    def share(array: xr.DataArray, dim: str) -> xr.DataArray:
        whole = array.sum(dim)
        return (array / whole.where(whole > 0, 1)).assign_attrs(array.attrs)

    scale = xr.DataArray(10.0 * (1 + np.arange(len(states))), {"state": list(states)})
    open_ = xr.DataArray([float(code not in CLOSED) for code in corridors], dims="corridor")
    west = xr.DataArray([float(code in WEST) for code in corridors], dims="corridor")
    size = xr.DataArray([40.0 if code == "N" else 5.0 for code in corridors], dims="corridor")
    flow = outcome("Mt/yr", "corridor") * size * open_
    data = xr.Dataset(
        {
            "alignment_stock": share(outcome("share", "state", "power"), "power"),
            "influence": share(outcome("share", "power"), "power"),
            "influence_equal": share(outcome("share", "power"), "power"),
            "trade": (outcome("USD bn/yr", "state", "partner") * scale).assign_attrs(
                unit="USD bn/yr"
            ),
            "corridor_flow": flow.assign_attrs(unit="Mt/yr"),
            "capacity": (outcome("Mt/yr", "corridor") * size * 2 * open_).assign_attrs(
                unit="Mt/yr"
            ),
            "route_share": share(outcome("share", "corridor") * west, "corridor"),
        }
    )
    final = data[list(STOCKS)].isel(period=-1, drop=True).assign_attrs(period=PERIODS[-1])
    return data.isel(period=slice(STEPS)), final


def labelled(axes: Axes) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in axes.lines if str(line.get_label())[0] != "_"}


def named(axes: Axes) -> dict[str, Line2D]:
    """Lines of corridors on a map."""
    return {line.get_gid(): line for line in axes.lines if line.get_gid()}


def wedges(axes: Axes) -> dict[str, Wedge]:
    """Parts of rings on a map by state and power."""
    return {str(part.get_gid()): part for part in axes.patches if isinstance(part, Wedge)}


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def shown(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison]


# Corridors


def test_flow_is_a_median_in_the_middle_of_half_years_with_steps_of_capacity() -> None:
    data, _ = made()
    axes = corridor_flow(data, "M")
    expected = data["corridor_flow"].sel(corridor="M").median("replicate")
    line = labelled(axes)["median"]
    np.testing.assert_allclose(line.get_ydata(), expected)
    assert list(line.get_xdata())[:2] == [2025.75, 2026.25]
    (steps,) = (patch for patch in axes.patches if isinstance(patch, StepPatch))
    values, edges, _ = steps.get_data()
    np.testing.assert_allclose(values, data["capacity"].sel(corridor="M").median("replicate"))
    assert (edges[0], edges[1], edges[-1]) == (2025.5, 2026.0, 2035.5)
    assert axes.get_ylabel() == "Freight (Mt/yr)"
    assert axes.get_title(loc="left") == "M: Middle"


def test_bands_are_quantiles_and_absent_with_one_replicate() -> None:
    data, final = made()
    drawn = corridor_share(data, "N").collections[0].get_paths()[0].vertices[:, 1]
    ends = data["route_share"].sel(corridor="N").quantile((0.05, 0.95), "replicate").values
    assert (drawn.min(), drawn.max()) == pytest.approx((ends[0].min(), ends[1].max()))
    data, final = made(replicates=1)
    for axes in (
        corridor_flow(data, "N"),
        corridor_share(data, "N"),
        trade_by_partner(data, "KZ", final),
        influence_over_time(data, final),
    ):
        assert not axes.collections
        labels = [text.get_text() for text in _legend_of(axes).get_texts()]
        assert not any("%" in label for label in labels)


def test_corridors_without_west_bound_trade_have_no_panel_of_shares() -> None:
    data, _ = made()
    titles = [axes.get_title(loc="left") for axes in shown(corridors_figure(data))]
    names = [f"{code}: {CORRIDORS[code].name}" for code in SIX]
    assert titles == [*names, *(name for name in names if name.split(":")[0] in WEST)]


def test_closed_corridor_says_so() -> None:
    data, _ = made()
    assert texts(corridor_flow(data, "STH")) == ["closed"]
    assert texts(corridor_flow(data, "N")) == []


def test_corridor_of_a_users_own_keeps_its_code_and_a_missing_one_is_refused() -> None:
    data, _ = made(corridors=("N", "OWN"))
    assert corridor_flow(data, "OWN").get_title(loc="left") == "OWN"
    for draw in (corridor_flow, corridor_share):
        with pytest.raises(InputError, match="no corridor 'CKU' in the results"):
            draw(data, "CKU")


# Trade


def test_trade_lines_are_medians_in_the_colours_of_partners_up_to_the_end() -> None:
    data, final = made()
    lines = labelled(trade_by_partner(data, "UZ", final))
    assert list(lines) == [*THREE, REST]
    for partner, line in lines.items():
        code = ROW if partner == REST else partner
        trade, end = (part["trade"].sel(state="UZ", partner=code) for part in (data, final))
        np.testing.assert_allclose(line.get_ydata()[:-1], trade.median("replicate"))
        assert line.get_ydata()[-1] == pytest.approx(float(end.median("replicate")))
        assert line.get_color() == COLOURS[code]
    assert list(line.get_xdata()) == [2025.5 + step / 2 for step in range(STEPS + 1)]


def test_region_trades_what_its_states_trade_and_shares_are_taken_in_each_replicate() -> None:
    data, _ = made()
    whole = data["trade"].sum("state")
    share = (whole / whole.sum("partner")).median("replicate")
    money, shares = (labelled(trade_by_partner(data, shares=shares)) for shares in (False, True))
    for partner in (*THREE, ROW):
        expected = whole.sel(partner=partner).median("replicate")
        name = REST if partner == ROW else partner
        np.testing.assert_allclose(money[name].get_ydata(), expected)
        np.testing.assert_allclose(shares[name].get_ydata(), share.sel(partner=partner))


def test_trade_figure_has_the_states_and_the_region() -> None:
    data, final = made()
    money, shares = (shown(trade_figure(data, final, shares=shares)) for shares in (False, True))
    for panels in (money, shares):
        assert [axes.get_title(loc="left") for axes in panels] == [*FIVE, "Region"]
    assert money[0].get_ylabel() == "Trade (USD bn/yr)"
    assert shares[0].get_ylabel() == "Share of trade"
    assert len({axes.get_ylim() for axes in money}) == 6
    assert len({axes.get_ylim() for axes in shares}) == 1
    alone, _ = made(states=("KZ",))
    assert [axes.get_title(loc="left") for axes in shown(trade_figure(alone))] == ["KZ"]
    with pytest.raises(InputError, match="no state 'KX'"):
        trade_by_partner(data, "KX")


# Influence


def test_influence_lines_are_medians_of_each_measure_the_run_has() -> None:
    data, final = made()
    panels = shown(influence_figure(data, final))
    assert len({axes.get_ylim() for axes in panels}) == 1
    for axes, measure in zip(panels, ("influence", "influence_equal"), strict=True):
        for power, line in labelled(axes).items():
            expected = data[measure].sel(power=power).median("replicate")
            np.testing.assert_allclose(line.get_ydata()[:-1], expected)
            assert line.get_color() == COLOURS[power]
    assert panels[0].get_ylabel() == "Influence (share of dependence)"
    assert len(shown(influence_figure(data.drop_vars("influence_equal"), final))) == 1
    with pytest.raises(InputError, match=r"no measure of influence 'influense'.*'influence'"):
        influence_over_time(data, measure="influense")


# Map


def test_lines_are_as_wide_as_the_freight() -> None:
    data, _ = made()
    flows = data["corridor_flow"].sel(period="2030H1").median("replicate")
    lines = named(region_map(data, period="2030H1"))
    assert set(lines) == set(SIX)
    for code in set(SIX) - set(CLOSED):
        wide = THICK * float(flows.sel(corridor=code) / flows.max())
        assert lines[code].get_linewidth() == pytest.approx(wide)
    assert lines["STH"].get_linestyle() != "-"
    twice = named(region_map(data, period="2030H1", widest=2 * float(flows.max())))
    assert twice["N"].get_linewidth() == pytest.approx(THICK / 2)


def test_rings_are_median_shares_in_the_colours_of_the_powers() -> None:
    data, _ = made()
    parts = wedges(region_map(data))
    assert len(parts) == len(FIVE) * len(THREE)
    for state in FIVE:
        middle = data["alignment_stock"].sel(state=state).isel(period=-1).median("replicate")
        for power, share in zip(THREE, (middle / middle.sum()).values, strict=True):
            part = parts[f"{state} {power}"]
            assert part.theta2 - part.theta1 == pytest.approx(360 * share)
            assert part.get_facecolor()[:3] == pytest.approx(_rgb(COLOURS[power]))


def test_state_that_relies_on_nobody_has_a_grey_ring() -> None:
    data, _ = made(states=("KZ", "UZ"))
    data["alignment_stock"] = data["alignment_stock"].where(data["state"] != "UZ", 0.0)
    parts = wedges(region_map(data))
    assert [name for name in parts if name.startswith("UZ")] == ["UZ none"]


def test_unknown_state_and_corridor_are_listed_below_the_map() -> None:
    data, _ = made(states=("KZ", "XX"), corridors=("N", "OWN"))
    axes = region_map(data)
    assert HEAD in texts(axes)
    assert any(text.startswith("OWN ") for text in texts(axes))
    assert set(named(axes)) == {"N"}
    (head,) = (text for text in axes.texts if text.get_text() == HEAD)
    north = {name.split()[0]: part.center[1] for name, part in wedges(axes).items()}
    assert head.get_position()[1] == pytest.approx(north["XX"])
    assert axes.get_ylim()[0] < north["XX"] < north["KZ"]
    assert HEAD not in texts(region_map(made()[0]))


def test_corridor_that_the_run_lacks_or_that_is_out_of_sight_has_no_line() -> None:
    data, _ = made(corridors=("N", "M"))
    assert set(named(region_map(data))) == {"N", "M"}
    assert not named(region_map(data.drop_vars(["corridor_flow"])))
    far, _ = made(states=("TM",))
    axes = region_map(far)
    assert "CKU" not in named(axes)
    assert any(text.startswith("CKU ") for text in texts(axes))


@pytest.fixture
def no_borders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = importlib.import_module("sim.plots.borders")
    monkeypatch.setattr(module, "_FILE", FilePath("nowhere.json"))
    borders.cache_clear()
    yield
    borders.cache_clear()


@pytest.mark.usefixtures("no_borders")
def test_without_borders_everything_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert borders() == {}
    data, _ = made()
    figure = region_map_figure(data)
    (axes,) = figure.axes
    assert len(wedges(axes)) == len(FIVE) * len(THREE)
    assert not named(axes)
    check_texts(figure, texts_drawn(figure, monkeypatch), "no borders")


def test_map_refuses_an_unknown_half_year() -> None:
    with pytest.raises(InputError, match="no half-year '2052H1'"):
        region_map(made()[0], period="2052H1")


def test_map_fills_axes_handed_in_and_adds_no_legend() -> None:
    data, _ = made()
    axes = Figure(figsize=(3.4, 3)).add_subplot()
    assert region_map(data, axes) is axes
    assert axes.get_legend() is None
    assert len(wedges(axes)) == len(FIVE) * len(THREE)


# Borders and places


def test_every_state_and_corridor_of_the_project_has_its_place() -> None:
    assert set(ALL) == set(CAPITALS)
    assert set(CORRIDORS) == {code.upper() for code in CORRIDOR_CODES}
    assert set(ALL) <= set(COUNTRIES)
    assert set(borders()) == {*COUNTRIES, LAND}


@pytest.mark.parametrize("code", sorted(COUNTRIES))
def test_names_and_capitals_lie_within_their_country(code: str) -> None:
    rings = [Path(ring) for ring in borders()[code]]
    for place in (*COUNTRIES[code][1], *([CAPITALS[code]] if code in CAPITALS else [])):
        assert any(ring.contains_point(place) for ring in rings), f"{code}: {place}"


@pytest.mark.parametrize(
    ("code", "area"), [("KZ", 2.72), ("UZ", 0.447), ("TM", 0.47), ("KG", 0.2), ("TJ", 0.143)]
)
def test_projection_keeps_areas(code: str, area: float) -> None:
    """Areas in million square kilometres (TM without the bay of Kara-Bogaz-Gol)."""
    plane = Projection(66.0)
    assert abs(sum(_area(plane(ring)) for ring in borders()[code])) == pytest.approx(area, rel=0.03)


def test_rounded_way_keeps_its_ends_and_stays_between_its_places() -> None:
    way = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    smooth = rounded(way, points=50)
    np.testing.assert_allclose(smooth[[0, -1]], way[[0, -1]])
    steps = np.hypot(*np.diff(smooth, axis=0).T)
    np.testing.assert_allclose(steps, steps.mean(), rtol=0.05)
    assert smooth.min() >= 0
    assert smooth.max() <= 1


def test_spread_moves_only_what_is_close() -> None:
    centres = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 0.0]])
    moved = spread(centres, 1.0)
    assert moved[1, 0] - moved[0, 0] == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(moved[2], centres[2])


# All of them


CASES = {
    "baseline": {},
    "one replicate": {"replicates": 1},
    "everybody": {"states": ALL, "powers": tuple(code.upper() for code in POWERS)},
    "one of each": {"states": ("KZ",), "powers": ("RU",), "corridors": ("N",)},
    "a state of a user's own": {"states": ("KZ", "UZ", "XX"), "corridors": ("N", "OWN")},
    "nobody known": {"states": ("XX", "YY"), "corridors": ("OWN",)},
    "only a small state": {"states": ("AM",)},
}


@pytest.mark.parametrize("case", CASES)
def test_every_figure_can_be_read(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, final = made(**CASES[case])  # type: ignore[arg-type]
    names = set(drawable(data)) - {"ternary"}
    assert names == {"influence", "trade", "trade_shares", "corridors", "map"}
    for name in names:
        figure = FIGURES[name](data, final)
        check_texts(figure, texts_drawn(figure, monkeypatch), f"{case}, {name}")


def test_figures_of_outcomes_that_a_run_lacks_are_left_out(tmp_path: FilePath) -> None:
    data, final = made(replicates=2)
    lean = data.drop_vars(["trade", "route_share"])
    written = draw_all(lean, final, tmp_path)
    assert [path.stem for path in written] == ["ternary", "influence", "map"]
    assert {imread(path).shape[1] for path in written} == {round(7.1 * 300)}


def test_same_map_gives_the_same_bytes_and_leaves_the_data_alone(tmp_path: FilePath) -> None:
    data, _ = made()
    before = data.copy(deep=True)
    first, second = (
        save(region_map_figure(data), tmp_path / f"{number}.png").read_bytes()
        for number in range(2)
    )
    assert first == second
    assert data.identical(before)


def _legend_of(axes: Axes) -> object:
    figure = axes.figure
    return axes.get_legend() or figure.legends[0]


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))


def _area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
