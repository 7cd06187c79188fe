"""By how much single numbers move what speaks for a power."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.analysis.explain import Explanation
from sim.decisions import NONE
from sim.errors import InputError, nearest
from sim.plots.canvas import WIDTH, new_axes, trim
from sim.plots.evidence import span, unit_of, write_beside
from sim.plots.palette import FAINT, INK, power_colours

SHOWN: Final = 12
"""Numbers that are drawn."""
_ROW: Final = 0.2
_ROOM: Final = 0.85


def tornado(
    trail_or_table: Explanation | pd.DataFrame,
    ax: Axes | None = None,
    *,
    term: str | None = None,
    power: str | None = None,
    shown: int = SHOWN,
) -> Axes:
    """Change of a power's terms when single numbers go from the low to the high end of their range.

    Parameters
    ----------
    trail_or_table : what ``sim.explain`` returns, or its ``trail``.
    ax : where to draw; without it new axes as high as the number of rows asks for.
    term : such as ``hedging``; the sum of all terms by default.
    power : code of the power; by default the most probable one of an explanation, and that of the
        first row of a table.
    shown : how many numbers are drawn, the largest swing first.

    Returns
    -------
    Axes with a bar a number in the colour of the power, from 0, the term at the low end, to the
    swing, the term at the high end against it, in log-odds. The ends are written with their unit;
    a star marks numbers about which documents disagree.

    Raises
    ------
    InputError
        No number moves anything, or none moves that power or that term of it.
    """
    if isinstance(shown, bool) or not isinstance(shown, int) or shown < 1:
        raise InputError(f"shown: must be a whole number from 1 on, not {shown!r}")
    chosen, rows = _swings(trail_or_table, term, power)
    rows = rows.head(shown)
    axes = new_axes(WIDTH, _ROOM + _ROW * len(rows)) if ax is None else ax
    colour = power_colours([chosen])[chosen]
    axes.barh(np.arange(len(rows)), rows["swing"], height=0.7, color=colour, linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.7)
    what = "all terms" if term is None else _readable(term)
    star = "\n* documents disagree" if rows["disputed"].any() else ""
    trim(
        axes,
        f"{_title(trail_or_table)}{chosen}, {what}",
        f"change from the low to the high end of the range, log-odds{star}",
    )
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.spines["left"].set_visible(False)
    names = [
        f"{name} *" if disputed else str(name)
        for name, disputed in zip(rows["parameter"], rows["disputed"], strict=True)
    ]
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=6)
    write_beside(
        axes,
        {
            place: f"{span(row['low'], row['high'])}{unit_of(row['unit'])}"
            for place, (_, row) in enumerate(rows.iterrows())
        },
        "range",
    )
    return axes


def _swings(
    found: Explanation | pd.DataFrame, term: str | None, power: str | None
) -> tuple[str, pd.DataFrame]:
    """Power and swing of each number that moves its terms, the largest first."""
    trail = found.trail if isinstance(found, Explanation) else found
    trail = trail[trail["swing"] != 0]
    powers = sorted(trail["power"].unique())
    if not powers:
        raise InputError("no number with a range moves a term of this decision")
    wanted = power
    if wanted is None:
        wanted = _most_probable(found) if isinstance(found, Explanation) else trail["power"].iloc[0]
    if wanted not in powers:
        raise InputError(f"no number moves an offer of '{wanted}'{nearest(wanted, powers)}")
    rows = trail[trail["power"] == wanted]
    if term is not None:
        terms = list(rows["term"].unique())
        if term not in terms:
            raise InputError(f"no number moves a term '{term}' of {wanted}{nearest(term, terms)}")
        rows = rows[rows["term"] == term]
    rows = rows.groupby("parameter", sort=False, as_index=False).agg(
        {"swing": "sum", "low": "first", "high": "first", "unit": "first", "disputed": "first"}
    )
    order = rows["swing"].abs().sort_values(ascending=False, kind="stable").index
    return str(wanted), rows.loc[order].reset_index(drop=True)


def _most_probable(found: Explanation) -> str:
    """Power with the highest probability, the first of equals; nobody is left out."""
    offers = found.table()
    offers = offers[offers["option"] != NONE]
    return str(offers["option"].iloc[int(offers["probability"].argmax())])


def _title(found: Explanation | pd.DataFrame) -> str:
    if isinstance(found, Explanation):
        return f"{found.state_name}, {found.domain}, {found.period}: "
    return ""


def _readable(term: str) -> str:
    return term.replace("lock_in", "lock-in")
