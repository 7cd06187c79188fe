"""Why a state picked a power: the terms of each offer; and who was picked in a replicate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.decisions import NONE, TERMS
from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.palette import FAINT, INK, power_colours

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis.explain import Explanation

UTILITY: Final = "utility"
_SPREAD: Final = 0.78
"""Part of a row that its bars fill together."""
_ROW: Final = 0.42
_ROOM: Final = 0.9
_STRIP: Final = 0.16
"""Height of a row of the strip of picks, in inches."""
_STRIP_ROOM: Final = 0.9


def explanation(found: Explanation, ax: Axes | None = None) -> Axes:
    """Terms of each power's offer and the utility that they add up to, in log-odds.

    Parameters
    ----------
    found : what ``sim.explain`` returns.
    ax : where to draw; without it new axes as high as the number of terms asks for.

    Returns
    -------
    Axes with a row a term and a bar a power; terms that are 0 everywhere are left out. The legend
    has the probabilities; the pick of the replicate is marked.
    """
    table = found.table().set_index("option")
    powers = [option for option in table.index if option != NONE]
    used = [term for term in TERMS if (table.loc[powers, term] != 0).any()]
    rows = [*used, UTILITY]
    axes = new_axes(WIDTH * 0.75, _ROOM + _ROW * len(rows)) if ax is None else ax
    colours = power_colours(powers)
    each = _SPREAD / len(powers)
    for place, power in enumerate(powers):
        offset = (place - (len(powers) - 1) / 2) * each
        axes.barh(
            np.arange(len(rows)) + offset,
            table.loc[power, rows].to_numpy(float),
            height=each,
            color=colours[power],
            linewidth=0,
            hatch="" if table.loc[power, "posted"] else "////",
        )
    axes.axhspan(len(used) - 0.5, len(used) + 0.5, color=FAINT, alpha=0.5, linewidth=0, zorder=0)
    trim(axes, f"{found.state_name}, {found.domain}, {found.period}", "log-odds against nobody")
    axes.axvline(0, color=INK, linewidth=0.7)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_yticks(range(len(rows)), [name.replace("lock_in", "lock-in") for name in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    handles = [Patch(color=colours[power], label=_label(found, table, power)) for power in powers]
    handles.append(Patch(facecolor="none", label=_label(found, table, NONE)))
    axes.legend(
        handles=handles,
        title="probability",
        title_fontsize=FONT,
        fontsize=FONT,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    return axes


def _label(found: Explanation, table: pd.DataFrame, option: str) -> str:
    name = "nobody" if option == NONE else option
    mark = ", picked" if option == found.picked else ""
    return f"{name}: {100 * float(table['probability'].loc[option]):.0f} %{mark}"


def picks_over_time(log: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Who was picked in each half-year, a row a state and domain.

    Parameters
    ----------
    log : decision log of a replicate, ``sim.replay(...).run().table()``.
    ax : where to draw; without it new axes as high as the number of rows asks for.

    Returns
    -------
    Axes with a cell a decision in the colour of the power; white where nobody was picked. In mean
    field the cell has the colour of the most probable option.
    """
    key = "picked" if log["picked"].isin([0.0, 1.0]).all() else "probability"
    chosen = log.loc[log.groupby(["period", "state", "domain"])[key].idxmax()]
    periods = sorted(log["period"].unique())
    states, domains = log["state"].unique(), log["domain"].unique()
    rows = [(state, domain) for state in states for domain in domains]
    powers = [option for option in log["option"].unique() if option != NONE]
    colours = power_colours(powers)
    height = _STRIP_ROOM + _STRIP * len(rows)
    axes = new_axes(WIDTH * 0.75, height) if ax is None else ax
    image = np.ones((len(rows), len(periods), 3))
    for option, period, state, domain in zip(
        chosen["option"], chosen["period"], chosen["state"], chosen["domain"], strict=True
    ):
        if option != NONE:
            image[rows.index((state, domain)), periods.index(period)] = to_rgb(colours[option])
    axes.imshow(image, aspect="auto", interpolation="nearest")
    trim(axes, "Who was picked")
    axes.grid(visible=False)
    axes.set_yticks(range(len(rows)), [domain for _, domain in rows])
    axes.set_xticks(range(0, len(periods), 4), periods[::4])
    for number, state in enumerate(states):
        edge = number * len(domains) - 0.5
        if number:
            axes.axhline(edge, color=INK, linewidth=0.8)
        _beside(axes, edge + len(domains) / 2, str(state))
    handles: list[Any] = [Patch(color=colours[power], label=power) for power in powers]
    handles.append(Line2D([], [], marker="s", color="white", markeredgecolor=INK, label="nobody"))
    axes.legend(
        handles=handles,
        fontsize=FONT,
        frameon=False,
        ncols=len(handles),
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.1,
    )
    return axes


def _beside(axes: Axes, place: float, state: str) -> None:
    axes.annotate(
        state,
        (1.0, place),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        fontsize=FONT,
        fontweight="bold",
        va="center",
    )
