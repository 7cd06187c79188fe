"""Forest plot of the paired differences between two runs."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from sim.analysis.given import whole
from sim.errors import InputError, nearest
from sim.plots.canvas import COLUMN, FONT, UNDEFINED, new_axes, trim
from sim.plots.evidence import legend_below
from sim.plots.palette import FAINT, INK, power_colours

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis.compare import Comparison

DIMENSIONS: Final = ("state", "power", "partner", "corridor", "domain")
SHOWN: Final = 56
"""Rows that are drawn: as many as a page holds."""
NO_DIFFERENCE: Final = "no difference"
_ROW: Final = 0.135
_ROOM: Final = 1.3
_THIN: Final = 0.8
_THICK: Final = 4.0
_DOT: Final = 4.0
_LETTERS: Final = 48
"""Letters in a line of a label below one column."""
_DIGEST: Final = r"-[0-9a-f]{12}\b"
"""End of the name of a run."""
_ROUNDING: Final = 1e-9
"""Differences below this share of the numbers themselves are rounding."""


def differences(
    found: Comparison, ax: Axes | None = None, outcome: str = "", *, shown: int = SHOWN
) -> Axes:
    """Differences of the entries of one outcome: mean with its 90 % interval, and 5 to 95 %.

    Parameters
    ----------
    found : what ``sim.compare`` returns.
    ax : where to draw; without it new axes as high as the number of rows asks for.
    outcome : which; the first of the comparison by default.
    shown : how many rows are drawn; of more the largest differences, in the order of the table.

    Returns
    -------
    Axes with a row a measure. The thick bar is the 90 % interval of the mean, the thin line spans
    5 to 95 % of the replicates. Where no pair differs the figure says so.

    Raises
    ------
    InputError
        The comparison has no such outcome.
    """
    whole("shown", shown, 1)
    table = found.table()
    names = list(dict.fromkeys(table["outcome"]))
    chosen = outcome or names[0]
    if chosen not in names:
        raise InputError(f"outcome '{chosen}' was not compared{nearest(chosen, names)}")
    every = table[table["outcome"] == chosen]
    largest = every["difference"].abs().sort_values(ascending=False, kind="stable").index[:shown]
    rows = every.loc[sorted(largest)].reset_index(drop=True)
    axes = new_axes(COLUMN, _ROOM + _ROW * len(rows)) if ax is None else ax
    rivals = [dim for dim in ("power", "partner") if dim in rows]
    colours = power_colours(code for dim in rivals for code in rows[dim].unique() if code)
    for place, row in rows.iterrows():
        colour = next((colours[str(row[dim])] for dim in rivals if row[dim]), INK)
        _row(axes, int(str(place)), row, colour)
    when = rows["measure"].str.partition(" ")[2].replace("", "at end")
    same = when.nunique() == 1
    of = "" if len(rows) == len(every) else f", {len(rows)} largest of {len(every)}"
    unit = rows["unit"].iloc[0]
    trim(
        axes,
        f"{chosen.replace('_', ' ')}{f' {when[0]}' if same else ''}{of}",
        f"difference, {'no unit' if unit == '1' else unit}\n"
        + textwrap.fill(_compared(found), _LETTERS),
    )
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.axvline(0, color=INK, linewidth=0.7, zorder=1)
    labels = [
        " ".join([*_codes(row), *([] if same else [moment])]) or "all"
        for (_, row), moment in zip(rows.iterrows(), when, strict=True)
    ]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)
    _say_if_equal(axes, rows)
    legend_below(axes, _samples(found.replicates), 1)
    return axes


def _compared(found: Comparison) -> str:
    """What less what, without the digests of runs where their names differ anyway."""
    names = [found.first, found.second]
    bare = [re.sub(_DIGEST, "", name) for name in names]
    return " less ".join(bare if bare[0] != bare[1] else names)


def _row(axes: Axes, place: int, row: pd.Series[float], colour: str) -> None:
    """One measure: line, bar and mean."""
    if not row["pairs"]:
        _write(axes, (0, place), UNDEFINED)
        return
    # Butt ends: others reach beyond the numbers.
    for ends, width in ((("p05", "p95"), _THIN), (("low", "high"), _THICK)):
        span = [row[end] for end in ends]
        axes.plot(span, [place] * 2, color=colour, linewidth=width, solid_capstyle="butt")
    axes.plot(row["difference"], place, "o", color="white", mec=colour, markersize=_DOT)


def _codes(row: pd.Series[str]) -> list[str]:
    return [str(row[dim]) for dim in DIMENSIONS if row.get(dim)]


def _say_if_equal(axes: Axes, rows: pd.DataFrame) -> None:
    """Where nothing differs leave no numbers on the axis that could be taken for differences."""
    spread, level = (
        rows[list(columns)].abs().max().max()
        for columns in (("difference", "p05", "p95"), ("first", "second"))
    )
    if spread > _ROUNDING * level:
        return
    axes.set_xlim(-1, 1)
    axes.xaxis.set_major_locator(FixedLocator([0]))
    if rows["pairs"].any():
        _write(axes, (0, (len(rows) - 1) / 2), NO_DIFFERENCE)


def _write(axes: Axes, where: tuple[float, float], text: str) -> None:
    axes.annotate(
        text,
        where,
        xytext=(6, 0),
        textcoords="offset points",
        fontsize=FONT,
        va="center_baseline",
    )


def _samples(pairs: int) -> list[Line2D]:
    mean = Line2D([], [], color=INK, linewidth=_THICK, label="mean with its 90 % interval")
    mean.set(marker="o", markerfacecolor="white", markersize=_DOT)
    label = f"5 to 95 % of the pairs ({pairs:,})"
    return [mean, Line2D([], [], color=INK, linewidth=_THIN, label=label)]
