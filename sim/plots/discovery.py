"""Boxes of a scenario discovery: which part of the range of each factor they keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sim.analysis.boxes import Limit
from sim.analysis.discovery import CHANCE, Discovery
from sim.analysis.words import number, percent
from sim.errors import InputError
from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.palette import FAINT, INK

DARKEST: Final = 0.13
LIGHTEST: Final = 0.65
"""Greys of the first and the last box, 0 to 1: a colour always means a power."""
_OTHER: Final = "#777777"
"""Colour of the names of categories that a box leaves out."""
_LINE: Final = 0.28
"""Height of one bar with the words above it, in inches."""
_ROOM: Final = 0.75
_BAR: Final = 5.0
_POINT: Final = 5.0
_GAP: Final = 0.25
"""Free height between two factors, in lines."""
_MOST_NAMED: Final = 70
"""Categories are named one by one if their names together have no more letters than this."""


def discovery(found: Discovery, ax: Axes | None = None) -> Axes:
    """Range of each limited factor, scaled to 0 to 1, and what each box keeps of it.

    Parameters
    ----------
    found : what ``sim.analysis.discovery.discover`` returns.
    ax : where to draw; without it new axes as high as the number of rows asks for.

    Returns
    -------
    Axes with a row for each factor: the whole range faint, what a box keeps of it thick. Limits
    that may be chance are marked.

    Raises
    ------
    InputError
        No box was found.
    """
    factors = _rows(found)
    if not factors:
        raise InputError(f"{found.target}: no box was found, so there is nothing to draw")
    lines = sum(map(len, factors.values())) + _GAP * (len(factors) - 1)
    height = _ROOM + _LINE * (lines + 0.6 * len(found.boxes))
    axes = new_axes(WIDTH, height) if ax is None else ax
    place, ticks = 0.0, []
    for limits in factors.values():
        ticks.append(place + (len(limits) - 1) / 2)
        for box, limit in limits:
            _bar(axes, place, limit, _shade(box, found))
            place += 1
        place += _GAP
    trim(axes, f"{found.target} ({found.method.upper()})")
    axes.set_yticks(ticks, [_name(limits[0][1]) for limits in factors.values()])
    axes.set_xticks([])
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(place - _GAP - 0.6, -0.8)
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.grid(visible=False)
    _legend(axes, found)
    return axes


def _rows(found: Discovery) -> dict[str, list[tuple[int, Limit]]]:
    """Limits by factor, each with the place of its box."""
    rows: dict[str, list[tuple[int, Limit]]] = {}
    for place, box in enumerate(found.boxes):
        for limit in box.limits:
            rows.setdefault(limit.factor, []).append((place, limit))
    return rows


def _shade(box: int, found: Discovery) -> str:
    """Grey of a box, as matplotlib writes it."""
    step = (LIGHTEST - DARKEST) / max(len(found.boxes) - 1, 1)
    return f"{DARKEST + box * step:.2f}"


def _name(limit: Limit) -> str:
    """Factor and, of a number, its range in the sweep."""
    if limit.categories:
        return limit.factor
    low, high = (number(float(end)) for end in limit.span)
    return f"{limit.factor}\n{low} to {high} {limit.unit}".rstrip()


def _bar(axes: Axes, place: float, limit: Limit, shade: str) -> None:
    """One limit: an interval, or points for categories."""
    if limit.categories:
        _points(axes, place, limit, shade)
        return
    start, end = (float(value) for value in limit.span)
    low, high = ((value - start) / (end - start) for value in (limit.low, limit.high))
    low, high = max(low, 0.0), min(high, 1.0)
    words = limit.range + _doubt(limit)
    axes.plot([0, 1], [place] * 2, color=FAINT, linewidth=_BAR, solid_capstyle="butt")
    axes.plot([low, high], [place] * 2, color=shade, linewidth=_BAR, solid_capstyle="butt")
    # Above the middle of the bar, but at its side where the words would leave the axes.
    if high < 0.5 and low < 0.15:
        _write(axes, low, place, words, INK, "left")
    elif low > 0.5 and high > 0.85:
        _write(axes, high, place, words, INK, "right")
    else:
        _write(axes, (low + high) / 2, place, words, INK, "center")


def _doubt(limit: Limit) -> str:
    return " (may be chance)" if limit.chance >= CHANCE else ""


def _points(axes: Axes, place: float, limit: Limit, shade: str) -> None:
    names: Sequence[str] = [str(name) for name in limit.span]
    named = sum(map(len, names)) <= _MOST_NAMED
    for nth, name in enumerate(names):
        kept = name in limit.categories
        x = (nth + 0.5) / len(names)
        axes.plot(x, place, "o", color=shade if kept else FAINT, markersize=_POINT)
        if named:
            _write(axes, x, place, name, INK if kept else _OTHER, "center")
    if not named:
        _write(axes, 0, place, limit.range, INK, "left")


def _write(axes: Axes, x: float, place: float, words: str, colour: str, side: str) -> None:
    axes.annotate(
        words,
        (x, place),
        xytext=(0, _BAR * 0.75),
        textcoords="offset points",
        color=colour,
        fontsize=FONT,
        ha=side,
        va="bottom",
    )


def _legend(axes: Axes, found: Discovery) -> None:
    """Density and coverage of each box, below the rows."""
    handles = [
        Line2D(
            [],
            [],
            color=_shade(place, found),
            linewidth=_BAR,
            solid_capstyle="butt",
            label=f"box {place + 1}: density {percent(box.density)}, "
            f"coverage {percent(box.coverage)}",
        )
        for place, box in enumerate(found.boxes)
    ]
    whole = f"range in the sweep, {found.cells} cells: density {percent(found.base_rate)}"
    handles.append(Line2D([], [], color=FAINT, linewidth=_BAR, solid_capstyle="butt", label=whole))
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        fontsize=FONT,
        frameon=False,
        borderaxespad=0.3,
    )
