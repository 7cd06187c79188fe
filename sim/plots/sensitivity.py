"""Which number matters, and which documents conclusions hang on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.palette import FAINT, INK

if TYPE_CHECKING:
    from sim.analysis.documents import LeaveOneOut
    from sim.analysis.sensitivity import Sensitivity

SHOWN: Final = 15
"""Factors that are drawn."""
_TOTAL: Final = "#AAAAAA"
_FIRST: Final = "#444444"
_ROW: Final = 0.22
_ROOM: Final = 0.85
_TITLE: Final = 60
"""Letters of a document's title that are written."""


def sensitivity(found: Sensitivity, ax: Axes | None = None, shown: int = SHOWN) -> Axes:
    """Total and first-order Sobol index of the leading factors, with 90 % intervals.

    Parameters
    ----------
    found : what ``sim.sensitivity`` returns.
    ax : where to draw; without it new axes as high as the number of factors asks for.
    shown : number of factors.

    Returns
    -------
    Axes with two bars a factor; the names of disputed numbers have a star.
    """
    table = found.table().head(shown)
    axes = new_axes(WIDTH, _ROOM + _ROW * len(table)) if ax is None else ax
    rows = np.arange(len(table))
    bars = {"total": (_TOTAL, -0.2), "first": (_FIRST, 0.2)}
    for key, (colour, offset) in bars.items():
        width = 100 * table[key].to_numpy(float)
        error = 100 * table[f"{key}_interval"].to_numpy(float)
        axes.barh(rows + offset, np.maximum(width, 0), height=0.4, color=colour, linewidth=0)
        axes.errorbar(width, rows + offset, xerr=error, fmt="none", ecolor=INK, elinewidth=0.6)
    trim(axes, f"{found.question}: what its variance hangs on", "share of the variance, %")
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    disputed = table["disputed"]
    names = [
        f"{name} *" if star else str(name)
        for name, star in zip(table["factor"], disputed, strict=True)
    ]
    axes.set_yticks(rows, names)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    handles = [
        Patch(color=_TOTAL, label="total: while it alone is unknown"),
        Patch(color=_FIRST, label="first order: once it alone is known"),
    ]
    if np.any(disputed):
        handles.append(Patch(facecolor="none", label="* documents disagree"))
    axes.legend(handles=handles, fontsize=FONT, frameon=False, loc="lower right")
    return axes


def documents(found: LeaveOneOut, ax: Axes | None = None) -> Axes:
    """Conclusions that change without each document.

    Parameters
    ----------
    found : what ``sim.leave_one_out`` returns.
    ax : where to draw; without it new axes as high as the number of documents asks for.

    Returns
    -------
    Axes with a bar a document; beside it the numbers that rest on it, and on it alone.
    """
    table = found.documents
    axes = new_axes(WIDTH, _ROOM + _ROW * 1.4 * len(table)) if ax is None else ax
    rows = np.arange(len(table))
    axes.barh(rows, table["changed"], height=0.6, color=_FIRST, linewidth=0)
    for row, (changed, numbers, lost) in enumerate(
        zip(table["changed"], table["numbers"], table["lost"], strict=True)
    ):
        axes.annotate(
            f"{numbers} numbers rest on it, {lost} on it alone",
            (changed, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=FONT,
        )
    trim(axes, f"Conclusions that change without a document, of {len(found.whole)}")
    axes.grid(visible=False, axis="y")
    axes.set_yticks(rows, [_short(str(title)) for title in table["title"]])
    axes.set_ylim(len(table) - 0.4, -0.6)
    most = max(1, int(table["changed"].max()))
    axes.set_xlim(0, most * 2.6)
    axes.set_xticks(range(0, most + 1, max(1, most // 5)))
    axes.tick_params(axis="y", length=0)
    return axes


def _short(title: str) -> str:
    return title if len(title) <= _TITLE else f"{title[:_TITLE].rsplit(' ', 1)[0]} …"
