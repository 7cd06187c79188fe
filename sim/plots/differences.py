"""Forest plot of the paired differences between two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.axes import Axes

from sim.errors import InputError, nearest
from sim.plots.canvas import WIDTH, new_axes, trim
from sim.plots.palette import FAINT, INK, power_colours

if TYPE_CHECKING:
    from sim.analysis.compare import Comparison

DIMENSIONS: Final = ("state", "power", "partner", "corridor", "domain")
_ROW: Final = 0.17
_ROOM: Final = 0.75


def differences(found: Comparison, ax: Axes | None = None, outcome: str = "") -> Axes:
    """Differences of the entries of one outcome: mean with its 90 % interval, and 5 to 95 %.

    Parameters
    ----------
    found : what ``sim.compare`` returns.
    ax : where to draw; without it new axes as high as the number of rows asks for.
    outcome : which; the first of the comparison by default.

    Returns
    -------
    Axes with a row a measure. The thick bar is the 90 % interval of the mean, the thin line spans
    5 to 95 % of the replicates.

    Raises
    ------
    InputError
        The comparison has no such outcome.
    """
    table = found.table()
    names = list(dict.fromkeys(table["outcome"]))
    chosen = outcome or names[0]
    if chosen not in names:
        raise InputError(f"outcome '{chosen}' was not compared{nearest(chosen, names)}")
    rows = table[table["outcome"] == chosen].reset_index(drop=True)
    axes = new_axes(WIDTH / 2, _ROOM + _ROW * len(rows)) if ax is None else ax
    dims = [dim for dim in DIMENSIONS if dim in rows]
    rivals = [dim for dim in ("power", "partner") if dim in rows]
    colours = power_colours(code for dim in rivals for code in rows[dim].unique() if code)
    labels = []
    for place, (_, row) in enumerate(rows.iterrows()):
        codes = [str(row[dim]) for dim in dims if row[dim]]
        colour = next((colours[str(row[dim])] for dim in rivals if row[dim]), INK)
        axes.plot([row["p05"], row["p95"]], [place] * 2, color=colour, linewidth=0.8)
        axes.plot([row["low"], row["high"]], [place] * 2, color=colour, linewidth=4)
        axes.plot(
            row["difference"], place, "o", color="white", markeredgecolor=colour, markersize=4
        )
        labels.append(" ".join(codes) or "all")
    trim(axes, chosen.replace("_", " "), f"difference, {rows['unit'].iloc[0]}")
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.axvline(0, color=INK, linewidth=0.7, zorder=1)
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)
    return axes
