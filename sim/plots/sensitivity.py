"""Which number matters, and which documents conclusions hang on."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.evidence import legend_below, write_beside
from sim.plots.palette import FAINT, INK

if TYPE_CHECKING:
    from sim.analysis.documents import LeaveOneOut
    from sim.analysis.sensitivity import Sensitivity

SHOWN: Final = 15
"""Factors that are drawn."""
NO_VARIANCE: Final = "does not vary: there is nothing to explain"
_TOTAL: Final = "#CCCCCC"
_FIRST: Final = "#888888"
_ROW: Final = 0.22
_ROOM: Final = 1.15
_WHOLE: Final = 100
"""Per cent of the variance; few samples estimate more, which is noise."""
_DOCUMENT: Final = 0.32
_DOCUMENTS_ROOM: Final = 0.75
_LETTERS: Final = 48
"""Letters of a document's title in a line."""


def sensitivity(found: Sensitivity, ax: Axes | None = None, shown: int = SHOWN) -> Axes:
    """Total and first-order Sobol index of the leading factors, with 90 % intervals.

    Parameters
    ----------
    found : what ``sim.sensitivity`` returns.
    ax : where to draw; without it new axes as high as the number of factors asks for.
    shown : number of factors.

    Returns
    -------
    Axes with two bars a factor that counts, up to the whole variance; the names of disputed numbers
    have a star. Where nothing varies the figure says so.
    """
    table = found.table()
    table = table[table["total"] != 0].head(shown)
    axes = new_axes(WIDTH, _ROOM + _ROW * max(len(table), 1)) if ax is None else ax
    rows = np.arange(len(table))
    bars = {"total": (_TOTAL, -0.2), "first": (_FIRST, 0.2)}
    for key, (colour, offset) in bars.items():
        width = 100 * table[key].to_numpy(float)
        error = 100 * table[f"{key}_interval"].to_numpy(float)
        axes.barh(rows + offset, np.maximum(width, 0), height=0.4, color=colour, linewidth=0)
        axes.errorbar(width, rows + offset, xerr=error, fmt="none", ecolor=INK, elinewidth=0.6)
    disputed = table["disputed"].to_numpy(bool)
    trim(
        axes,
        f"{found.question}: what its variance hangs on",
        "share of the variance, with 90 % interval (%)"
        + ("\n* documents disagree" if disputed.any() else ""),
    )
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    names = [
        f"{name} *" if star else str(name)
        for name, star in zip(table["factor"], disputed, strict=True)
    ]
    axes.set_yticks(rows, names)
    axes.set_ylim(max(len(table), 1) - 0.4, -0.6)
    axes.set_xlim(0, min(axes.get_xlim()[1], _WHOLE) if len(table) else _WHOLE)
    axes.tick_params(axis="y", length=0)
    if table.empty:
        axes.text(_WHOLE / 2, 0, NO_VARIANCE, fontsize=FONT, ha="center", va="center")
    handles = [
        Patch(color=_TOTAL, label="total: while it alone is unknown"),
        Patch(color=_FIRST, label="first order: once it alone is known"),
    ]
    legend_below(axes, handles, len(handles))
    return axes


def documents(found: LeaveOneOut, ax: Axes | None = None) -> Axes:
    """Conclusions that change without each document.

    Parameters
    ----------
    found : what ``sim.leave_one_out`` returns.
    ax : where to draw; without it new axes as high as the number of documents asks for.

    Returns
    -------
    Axes with a bar a document; beside it how many numbers rest on it, and on it alone, or that the
    scenarios cannot be run without it.
    """
    table = found.documents
    axes = new_axes(WIDTH, _DOCUMENTS_ROOM + _DOCUMENT * len(table)) if ax is None else ax
    axes.barh(range(len(table)), table["changed"], height=0.6, color=_FIRST, linewidth=0)
    trim(axes, "Without a document", f"conclusions that change, of {len(found.whole)}")
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    titles = [
        textwrap.fill(str(title), _LETTERS, max_lines=2, placeholder=" …")
        for title in table["title"]
    ]
    axes.set_yticks(range(len(table)), titles)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(0, max(1, table["changed"].max()) * 1.05)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.tick_params(axis="y", length=0)
    beside: dict[float, str] = {
        row: "cannot be run" if failed else f"{numbers}, {lost} on it alone"
        for row, (numbers, lost, failed) in enumerate(
            zip(table["numbers"], table["lost"], table["failed"], strict=True)
        )
    }
    write_beside(axes, beside, "numbers that rest on it")
    return axes
