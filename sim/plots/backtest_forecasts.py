"""Forecasts of the past beside what happened: fans, and whether their spread is right."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from sim.analysis import given
from sim.analysis.scores import BINS, LEVELS, pit_histogram
from sim.axes import ROW, FloatArray
from sim.errors import InputError, nearest
from sim.plots.canvas import (
    COLUMN,
    FONT,
    MAX_COLUMNS,
    PAGE,
    TITLE,
    UNDEFINED,
    WIDTH,
    legend,
    new_figure,
    outer_labels_only,
    time_axis,
    trim,
)
from sim.plots.palette import INK, power_colours, tint
from sim.plots.trade import REST

GROUPS: Final = ((1, 1), (2, 3), (4, math.inf))
"""First and last horizon of the groups whose coverage is drawn, in years."""
NOISE: Final = 0.9
"""Probability with which the share of a calibrated forecast lies in the band of sampling noise."""
_PIT_HEIGHT: Final = 1.75
_LEAST_PIT: Final = 1.4
"""Height of a row of panels, in inches, below which a figure rather outgrows the page."""
_LEGEND: Final = 0.4
_WIDE, _NARROW = "#E4E4E4", "#BDBDBD"
_LETTERS: Final = 24
"""Of a title in a line."""
_BOX: Final = 0.5
"""Width of the band of noise of a group of horizons."""
_FAN_HEIGHT: Final = 1.3
_LEAST_FAN: Final = 0.7
_FAN_ROOM: Final = 0.95
_OUTER, _INNER = 0.25, 0.55
"""Strength of the colours of bands."""
_ALONE: Final = 0.3
"""Half the width of the intervals of a single year, in years."""
_TICKS: Final = 4
_THIN: Final[dict[str, Any]] = {"color": INK, "linewidth": 0.7}
_OBSERVED: Final[dict[str, Any]] = {**_THIN, "marker": "o", "markersize": 2, "zorder": 4}
_ORIGIN: Final[dict[str, Any]] = {**_THIN, "linestyle": ":"}
_CALIBRATED: Final[dict[str, Any]] = {**_THIN, "linestyle": "--"}
_DOT: Final[dict[str, Any]] = {"marker": "o", "linestyle": "none", "markersize": 4.2, "color": INK}
_MARKS: Final = ({**_DOT, "markerfacecolor": "white"}, _DOT)
"""Marks of the coverage of each level."""
_FANS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


def reliability(data: xr.Dataset, models: Sequence[str] | None = None) -> Figure:
    """Whether forecasts are as sure as they may be: histograms of the PIT, and coverage.

    Bands show within what the shares of calibrated forecasts fall with a probability of 90 %, each
    by itself, so that one in ten lies outside by chance. Shares of one state and origin depend on
    each other, by an amount that is not known: the dark band takes all of them as independent, the
    light one counts a state and origin once. Both are too narrow where states share a year.

    Parameters
    ----------
    data : of a back-test, with ``pit``, ``inside50`` and ``inside90`` (model, state, partner,
        origin, horizon).
    models : which; by default all that have a PIT.

    Returns
    -------
    Figure with two panels a model: above, the share of observations in each tenth of their
    forecast; below, the share within the central 50 and 90 % intervals by horizon, with the number
    of shares. Where there is none the panel says so.

    Raises
    ------
    InputError
        There is no such model.
    """
    chosen = _models(data, models)
    alone = len(chosen) == 1
    columns = 2 if alone else min(len(chosen), MAX_COLUMNS)
    rows = 1 if alone else 2 * math.ceil(len(chosen) / columns)
    height = max(min(_PIT_HEIGHT, (PAGE - _LEGEND) / rows), _LEAST_PIT)
    figure = new_figure(WIDTH, height * rows + _LEGEND)
    grid = figure.subplots(rows, columns, squeeze=False)
    upper, lower = (list((grid[:, first] if alone else grid[first::2]).ravel()) for first in (0, 1))
    for axes in (*upper[len(chosen) :], *lower[len(chosen) :]):
        axes.set_axis_off()
    for name, above, below in zip(chosen, upper, lower, strict=False):
        _histogram(above, data["pit"].sel(model=name), name)
        _coverage(below, data.sel(model=name))
    top = max(axes.get_ylim()[1] for axes in upper[: len(chosen)])
    for axes in upper[: len(chosen)]:
        axes.set_ylim(0, top)
    if not alone:
        outer_labels_only([*upper, *lower])
    figure.legend(
        handles=_samples(), loc="outside lower center", ncols=3, fontsize=FONT, frameon=False
    )
    return figure


def observed_and_forecast(data: xr.Dataset, model: str, origin: int | None = None) -> Figure:
    """Observed shares of each state's trade, and what a model forecast from an origin.

    Intervals end at the quantiles of ``sim.analysis.scores.coverage``. They open at the share
    observed in the year of origin, if it was.

    Parameters
    ----------
    data : of a back-test, with ``history`` (state, partner, year) and ``forecast`` (model, state,
        partner, origin, horizon, member).
    model : whose forecast.
    origin : last year that the forecast knows; the first by default.

    Returns
    -------
    Figure with a row a state and a column a partner: shares observed in all years, without those
    that are missing, and from the origin on the median and the central 50 and 90 % intervals.

    Raises
    ------
    InputError
        There is no such model or origin.
    """
    _models(data, [model])
    start = _origin(data, origin)
    states, partners = ([str(code) for code in data[dim].values] for dim in ("state", "partner"))
    height = max(min(_FAN_HEIGHT, (PAGE - _FAN_ROOM) / len(states)), _LEAST_FAN)
    figure = new_figure(WIDTH if len(partners) > 2 else COLUMN, height * len(states) + _FAN_ROOM)
    grid = figure.subplots(len(states), len(partners), sharex=True, sharey="row", squeeze=False)
    forecast = data["forecast"].sel(model=model, origin=start)
    ends = _years(data["history"], start, forecast)
    colours = power_colours(partners)
    for state, row in zip(states, grid, strict=True):
        for partner, axes in zip(partners, row, strict=True):
            here = {"state": state, "partner": partner}
            seen = data["history"].sel(here)
            _fan(axes, forecast.sel(here), seen, colours[partner])
            axes.plot(seen["year"], 100 * seen, **_OBSERVED)
            named = REST if partner == ROW else partner
            trim(axes, named if state == states[0] else "")
            time_axis(axes, ends[0] - 0.5, ends[1] + 0.5)
            axes.axvline(start, **_ORIGIN)
            axes.xaxis.set_major_locator(MaxNLocator(_TICKS - 1, integer=True, steps=[1, 2, 5, 10]))
        if any(axes.dataLim.y1 > 0 for axes in row):
            row[0].yaxis.set_major_locator(MaxNLocator(_TICKS, steps=[1, 2, 2.5, 5, 10]))
        row[0].set_ylabel(state, fontsize=TITLE, fontweight="bold")
    title = f"{model}, forecast from {start}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=TITLE, fontweight="bold")
    figure.supylabel("share of the state's trade (%)", fontsize=FONT)
    legend(figure, _fan_samples())
    return figure


# --- reliability ----------------------------------------------------------------------------------


def _models(data: xr.Dataset, models: Sequence[str] | None) -> list[str]:
    """Models asked for; by default those with a PIT, or all of them if none has."""
    known = [str(name) for name in data["model"].values]
    if models is None:
        scored = [name for name in known if data["pit"].sel(model=name).notnull().any()]
        return scored or known
    if not models:
        raise InputError("back-test: name at least one model")
    for name in models:
        if name not in known:
            raise InputError(f"no model '{name}' in the back-test{nearest(name, known)}")
    return list(models)


def _histogram(axes: Axes, pit: xr.DataArray, name: str) -> None:
    """Share of the observations in each bin of the PIT."""
    values = pit.values[np.isfinite(pit.values)]
    title = textwrap.fill(name, _LETTERS)
    trim(axes, title, "PIT: place in the forecast", "observations (%)")
    axes.grid(visible=False)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_ylim(0, 300 / BINS)
    if not values.size:
        _undefined(axes)
        return
    for size, colour in ((_blocks(pit), _WIDE), (values.size, _NARROW)):
        low, high = _noise(size, 1 / BINS)
        axes.axhspan(100 * low, 100 * high, color=colour, linewidth=0, zorder=0.6)
    shares = 100 * pit_histogram(values)
    middles = (np.arange(BINS) + 0.5) / BINS
    axes.bar(middles, shares, 1 / BINS, facecolor="none", edgecolor=INK, linewidth=0.9)
    axes.axhline(100 / BINS, **_CALIBRATED)
    axes.set_ylim(0, max(axes.get_ylim()[1], 1.05 * shares.max()))


def _coverage(axes: Axes, data: xr.Dataset) -> None:
    """Share of the observations within each interval, by group of horizons."""
    groups = _groups(data)
    places, labels = range(len(groups)), []
    trim(axes, "", "horizon, years (n: number of shares)", "inside (%)")
    axes.grid(visible=False)
    for level in LEVELS:
        axes.axhline(100 * level, **_CALIBRATED)
    for place, (name, horizons) in enumerate(groups.items()):
        count = 0
        for level, style in zip(LEVELS, _MARKS, strict=True):
            inside = data[f"inside{100 * level:.0f}"].sel(horizon=horizons)
            values = inside.values[np.isfinite(inside.values)]
            if not values.size:
                continue
            count = values.size
            for size, colour in ((_blocks(inside), _WIDE), (count, _NARROW)):
                low, high = (100 * end for end in _noise(size, level))
                box = (place - _BOX / 2, low), _BOX, high - low
                axes.add_patch(Rectangle(*box, color=colour, linewidth=0, zorder=0.6))
            axes.plot(place, 100 * values.mean(), clip_on=False, zorder=4, **style)
        labels.append(f"{name}\nn = {count}")
    axes.set_xticks(places, labels)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 90])
    axes.tick_params(axis="x", length=0)
    if not axes.patches:
        _undefined(axes)


def _groups(data: xr.Dataset) -> dict[str, list[int]]:
    """Horizons of each group that has any, by its name."""
    horizons = sorted(int(horizon) for horizon in data["horizon"].values)
    groups = ([at for at in horizons if low <= at <= high] for low, high in GROUPS)
    return {
        str(group[0]) if len(group) == 1 else f"{group[0]}–{group[-1]}": group
        for group in groups
        if group
    }


def _blocks(values: xr.DataArray) -> int:
    """States and origins with any number."""
    others = [dim for dim in values.dims if dim not in ("state", "origin")]
    return int(values.notnull().any(others).sum())


def _noise(count: int, chance: float) -> tuple[float, float]:
    """Ends of the central interval, of probability ``NOISE``, of a share of ``count`` values.

    The values are independent and each counts with probability ``chance``: quantiles of the
    binomial distribution, whose probabilities follow from each other by
    ``p(k+1) / p(k) = (n - k) / (k + 1) · p / (1 - p)``.
    """
    k = np.arange(count)
    logs = np.cumsum([0.0, *(np.log((count - k) / (k + 1)) + np.log(chance / (1 - chance)))])
    weights = np.exp(logs - logs.max())
    below = np.cumsum(weights) / weights.sum()
    low, high = np.searchsorted(below, [(1 - NOISE) / 2, (1 + NOISE) / 2]) / count
    return float(low), float(high)


def _samples() -> list[Artist]:
    noise = f"noise ({100 * NOISE:.0f} %)"
    return [
        *(
            Line2D([], [], label=f"inside the {100 * level:.0f} % interval", **style)
            for level, style in zip(LEVELS, _MARKS, strict=True)
        ),
        Patch(color=_NARROW, label=f"{noise}: shares independent"),
        Patch(color=_WIDE, label=f"{noise}: states and origins independent"),
        Line2D([], [], **_CALIBRATED, label="calibrated"),
    ]


def _undefined(axes: Axes) -> None:
    place: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "center"}
    axes.text(0.5, 0.3, UNDEFINED, fontsize=FONT, **place)


# --- observed and forecast ------------------------------------------------------------------------


def _origin(data: xr.Dataset, origin: int | None) -> int:
    """Origin asked for."""
    known = [int(year) for year in data["origin"].values]
    if origin is None:
        return min(known)
    wanted = given.whole("origin", origin)
    if wanted not in known:
        close = min(known, key=lambda year: abs(year - wanted))
        raise InputError(f"no forecast of {wanted} (nearest valid origin: {close})")
    return wanted


def _years(history: xr.DataArray, origin: int, forecast: xr.DataArray) -> tuple[int, int]:
    """First year with any observation, and the last with one or with a forecast."""
    seen = history["year"].values[history.notnull().any(("state", "partner")).values]
    years = [*seen, origin, origin + forecast["horizon"].values.max()]
    return int(min(years)), int(max(years))


def _fan(axes: Axes, forecast: xr.DataArray, seen: xr.DataArray, colour: str) -> None:
    """Median and intervals of a forecast, from the share observed in the year of origin on."""
    origin = int(forecast["origin"])
    x = [origin + float(horizon) for horizon in forecast["horizon"].values]
    fans = [_quantiles(members) for members in forecast.transpose("horizon", "member").values]
    if not np.isfinite(fans).any():
        return
    start = seen.values[seen["year"].values == origin]
    if np.isfinite(start).any():
        x, fans = [origin, *x], [np.full(len(_FANS), start[0]), *fans]
    known = np.isfinite(fans).all(axis=1)
    if known.sum() == 1:  # which would have no width
        (at,) = np.flatnonzero(known)
        x, fans = [x[at] - _ALONE, x[at] + _ALONE], [fans[at]] * 2
    lowest, lower, middle, upper, highest = 100 * np.array(fans).T
    for low, high, strength in ((lowest, highest, _OUTER), (lower, upper, _INNER)):
        axes.fill_between(x, low, high, color=tint(colour, strength), linewidth=0)
    axes.plot(x, middle, color=colour, linewidth=1.3, zorder=3)


def _quantiles(members: FloatArray) -> FloatArray:
    """Ends of the intervals and median of the members that have a number; NaN if none has."""
    known = members[np.isfinite(members)]
    if not known.size:
        return np.full(len(_FANS), np.nan)
    return np.quantile(known, _FANS, method="weibull")


def _fan_samples() -> list[Artist]:
    return [
        Line2D([], [], label="observed", **_OBSERVED),
        Line2D([], [], color=INK, linewidth=1.3, label="median"),
        Patch(color=tint(INK, _INNER), label="50 % interval"),
        Patch(color=tint(INK, _OUTER), label="90 % interval"),
        Line2D([], [], label="origin", **_ORIGIN),
    ]
