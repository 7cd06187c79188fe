"""Where a target tips along a parameter, and the equilibria of choices along it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from sim.errors import InputError
from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.palette import FAINT, INK, power_colours

if TYPE_CHECKING:
    from sim.analysis.equilibria import Equilibria
    from sim.analysis.tipping import Tipping

_HEIGHT: Final = 3.0
_WAYS: Final = {"up": "-", "down": "--"}
_DOT: Final = 3.0


def tipping(found: Tipping, ax: Axes | None = None) -> Axes:
    """Share of replicates in which a target comes true, along a parameter.

    Parameters
    ----------
    found : what ``sim.tipping`` returns.
    ax : where to draw; without it new axes.

    Returns
    -------
    Axes with the share and its 90 % band, the threshold, and each tipping value with its interval.
    """
    axes = new_axes(WIDTH / 2, _HEIGHT) if ax is None else ax
    table = found.table()
    axes.fill_between(table["value"], table["low"], table["high"], color=FAINT, linewidth=0)
    axes.plot(table["value"], table["share"], color=INK, linewidth=1.2)
    axes.axhline(found.share, color=INK, linewidth=0.7, linestyle=":")
    for _, tip in found.tips.iterrows():
        ends = [
            float(tip[end]) if np.isfinite(tip[end]) else edge
            for end, edge in (("low", found.low), ("high", found.high))
        ]
        axes.plot(ends, [found.share] * 2, color=INK, linewidth=4, solid_capstyle="butt")
        axes.plot(tip["value"], found.share, "o", color="white", markeredgecolor=INK, markersize=6)
        axes.annotate(
            f"{tip['value']:.3g}",
            (float(tip["value"]), found.share),
            xytext=(0, 8),
            textcoords="offset points",
            ha="right" if tip["upwards"] else "left",
            fontsize=FONT,
        )
    unit = "" if found.unit == "1" else f", {found.unit}"
    trim(axes, found.target, f"{found.parameter}{unit}", "share of replicates")
    axes.set_xlim(found.low, found.high)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    return axes


def equilibria(found: Equilibria, ax: Axes | None = None) -> Axes:
    """Resting places of the choices along a parameter, and the ways up and down.

    Parameters
    ----------
    found : what ``sim.equilibria`` returns for a parameter.
    ax : where to draw; without it new axes.

    Returns
    -------
    Axes with the mean probability of each power: a dot for each resting place that some start
    reaches, a solid line for the way up and a dashed one for the way down.

    Raises
    ------
    InputError
        No parameter was moved.
    """
    if not found.parameter:
        raise InputError("equilibria: no parameter was moved, so there is nothing to draw")
    axes = new_axes(WIDTH / 2, _HEIGHT) if ax is None else ax
    table = found.table()
    colours = power_colours(table["power"].unique())
    for power, colour in colours.items():
        own = table[table["power"] == power]
        dots = own[~own["start"].isin(_WAYS)]
        axes.plot(dots["value"], dots["probability"], "o", color=colour, markersize=_DOT)
        for way, style in _WAYS.items():
            line = own[own["start"] == way].sort_values("value")
            axes.plot(line["value"], line["probability"], style, color=colour, linewidth=1.0)
    unit = "" if found.unit == "1" else f", {found.unit}"
    trim(
        axes,
        f"Equilibria of choices, {found.period}",
        f"{found.parameter}{unit}",
        "mean probability",
    )
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    handles = [
        *(Line2D([], [], color=colour, label=power) for power, colour in colours.items()),
        Line2D([], [], color=INK, linestyle="-", label="way up"),
        Line2D([], [], color=INK, linestyle="--", label="way down"),
        Line2D([], [], color=INK, marker="o", linestyle="", markersize=_DOT, label="a start"),
    ]
    axes.legend(handles=handles, fontsize=FONT, frameon=False, loc="best")
    return axes
