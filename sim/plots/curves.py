"""Where a target tips along a parameter, and the equilibria of choices along it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from sim.analysis.words import number
from sim.errors import InputError
from sim.plots.canvas import COLUMN, FONT, ZERO, new_axes, trim
from sim.plots.evidence import legend_below
from sim.plots.palette import FAINT, INK, power_colours

if TYPE_CHECKING:
    from sim.analysis.equilibria import Equilibria
    from sim.analysis.tipping import Tipping

_HEIGHT: Final = 3.0
_LINE: Final = 0.13
"""Height of a line of a label, in inches."""
_COLUMNS: Final = 4
"""Of the legend."""
_WAYS: Final = {"up": "-", "down": "--"}
_DOT: Final = 3.0
_TIP: Final = 6.0


def tipping(found: Tipping, ax: Axes | None = None) -> Axes:
    """Share of replicates in which a target comes true, along a parameter.

    Parameters
    ----------
    found : what ``sim.tipping`` returns.
    ax : where to draw; without it new axes.

    Returns
    -------
    Axes with the share and its 90 % band, the threshold, and each tipping value with its interval,
    also in words.
    """
    tips = _in_words(found)
    axes = new_axes(COLUMN, _HEIGHT + _LINE * len(tips)) if ax is None else ax
    table = found.table()
    axes.fill_between(table["value"], table["low"], table["high"], color=FAINT, linewidth=0)
    # Not clipped: a share of 0 or 1 stands on the edge.
    axes.plot(table["value"], table["share"], color=INK, linewidth=1.2, clip_on=False)
    axes.axhline(found.share, color=INK, linewidth=0.7, linestyle=":")
    for _, tip in found.tips.iterrows():
        ends = [
            float(tip[end]) if np.isfinite(tip[end]) else edge
            for end, edge in (("low", found.low), ("high", found.high))
        ]
        axes.plot(ends, [found.share] * 2, color=INK, linewidth=4, solid_capstyle="butt")
    for value in found.tips["value"]:  # above all intervals
        axes.plot(value, found.share, "o", color="white", markeredgecolor=INK, markersize=_TIP)
    words = "\n".join([_named(found), *tips])
    trim(axes, found.target, words, "share of replicates, with 90 % band (%)")
    axes.set_xlim(found.low, found.high)
    _shares(axes)
    return axes


def _in_words(found: Tipping) -> list[str]:
    """A line for each tipping value, or one that there is none."""
    lines = []
    for _, tip in found.tips.iterrows():
        low, high = (
            number(float(tip[end])) if np.isfinite(tip[end]) else f"beyond {number(edge)}"
            for end, edge in (("low", found.low), ("high", found.high))
        )
        lines.append(f"tips at {number(float(tip['value']))} (90 % interval {low} to {high})")
    return lines or ["does not tip within this range"]


def _named(found: Tipping | Equilibria) -> str:
    """Parameter with its unit."""
    return found.parameter if found.unit == "1" else f"{found.parameter}, {found.unit}"


def _shares(axes: Axes) -> None:
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=""))


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
    axes = new_axes(COLUMN, _HEIGHT) if ax is None else ax
    table = found.table()
    colours = power_colours(table["power"].unique())
    for power, colour in colours.items():
        own = table[table["power"] == power]
        dots = own[~own["start"].isin(_WAYS)]
        at = dots["value"], dots["probability"]
        axes.plot(*at, "o", color=colour, markersize=_DOT, clip_on=False)
        for way, style in _WAYS.items():
            line = own[own["start"] == way].sort_values("value")
            at = line["value"], line["probability"]
            axes.plot(*at, style, color=colour, linewidth=1.0, clip_on=False)
    trim(axes, f"Equilibria of choices, {found.period}", _named(found), "mean probability (%)")
    _shares(axes)
    if not table["probability"].any():
        axes.text(0.5, 0.5, ZERO, transform=axes.transAxes, fontsize=FONT, ha="center")
    handles = [
        *(Line2D([], [], color=colour, label=power) for power, colour in colours.items()),
        Line2D([], [], color=INK, linestyle="-", label="way up"),
        Line2D([], [], color=INK, linestyle="--", label="way down"),
        Line2D([], [], color=INK, marker="o", linestyle="", markersize=_DOT, label="at rest"),
    ]
    legend_below(axes, handles, _COLUMNS)
    return axes
