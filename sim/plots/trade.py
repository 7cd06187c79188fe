"""With whom each state trades over time."""

from __future__ import annotations

from typing import Final

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.bands import ratio
from sim.axes import ROW
from sim.errors import InputError, nearest
from sim.plots.canvas import (
    legend,
    new_axes,
    outer_labels_only,
    panels,
    time_axis,
    to_the_end,
    trim,
    years,
)
from sim.plots.fans import band_samples, draw_fan
from sim.plots.palette import power_colours, power_line

REGION: Final = "Region"
"""Name of all states of the run together."""
REST: Final = "rest of world"
"""Name of all partners that are no power of the run."""
_ROW_HEIGHT: Final = 2.0


def trade_by_partner(
    data: xr.Dataset,
    state: str | None = None,
    final: xr.Dataset | None = None,
    ax: Axes | None = None,
    *,
    shares: bool = False,
) -> Axes:
    """Trade of one state, or of all, with each partner: medians with 5-95 % bands.

    Shares are taken in each replicate before medians, so the lines need not add up to 1.

    Parameters
    ----------
    data : outcomes of a run with ``trade`` (period, state, partner, replicate).
    state : code of the state, such as ``KZ``; all states together by default.
    final : stocks at the end of the run, the last point of each line; without it the lines end at
        the start of the last half-year.
    ax : where to draw; without it new axes with a legend.
    shares : draw shares in all trade instead of money.

    Raises
    ------
    InputError
        The run has no such state.
    """
    trade = _trade(data, state, final)
    if shares:
        trade = ratio(trade, trade.sum("partner"))
    axes = new_axes() if ax is None else ax
    x = years(trade["period"])
    for partner, colour in power_colours(str(code) for code in trade["partner"].values).items():
        line = draw_fan(axes, x, trade.sel(partner=partner), colour, power_line(partner), False)
        line.set_label(REST if partner == ROW else partner)
    unit = data["trade"].attrs["unit"]
    trim(axes, state or REGION, "Year", "Share of trade" if shares else f"Trade ({unit})")
    time_axis(axes, x[0], x[-1])
    if ax is None:
        legend(axes.figure, _samples(axes, data))
    return axes


def trade_figure(
    data: xr.Dataset, final: xr.Dataset | None = None, *, shares: bool = False
) -> Figure:
    """One panel of ``trade_by_partner`` for each state, and one for all of them if several.

    Shares stand on one scale; money has a scale of its own in each panel.
    """
    states: list[str | None] = [str(code) for code in data["state"].values]
    if len(states) > 1:
        states.append(None)
    figure, cells, spare = panels(len(states), _ROW_HEIGHT, common_scale=shares)
    for state, axes in zip(states, cells, strict=True):
        trade_by_partner(data, state, final, axes, shares=shares)
    outer_labels_only(cells)
    legend(spare, _samples(cells[0], data))
    return figure


def _trade(data: xr.Dataset, state: str | None, final: xr.Dataset | None) -> xr.DataArray:
    trade = to_the_end(data, final, "trade")
    if state is None:
        return trade.sum("state")
    states = [str(code) for code in data["state"].values]
    if state not in states:
        raise InputError(f"no state '{state}' in the results{nearest(state, states)}")
    return trade.sel(state=state)


def _samples(axes: Axes, data: xr.Dataset) -> list[Artist]:
    lines, _ = axes.get_legend_handles_labels()
    return [*lines, *(band_samples(inner=False) if data.sizes["replicate"] > 1 else [])]
