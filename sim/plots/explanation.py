"""Why a state picked a power: the terms of each offer; and who was picked in a replicate."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.textpath import TextPath
from matplotlib.transforms import ScaledTranslation

from sim.analysis.words import percent
from sim.decisions import NONE, TERMS
from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.evidence import write_beside
from sim.plots.palette import FAINT, INK, ink_on, option_name, power_colours, tint

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis.picked import Picked

UTILITY: Final = "utility"
_SPREAD: Final = 0.78
"""Part of a row that its bars fill together."""
_ROW: Final = 0.36
_ROOM: Final = 0.9
_STRIP: Final = 0.14
"""Height of a row of the strip of picks, in inches."""
_STRIP_ROOM: Final = 0.6
_SAMPLE: Final = 0.2
"""Height of a sample in a legend, in inches."""
_BESIDE: Final = 0.4
"""Distance of the legend from the strip, in inches: codes of states stand between them."""
_NO_OFFER: Final = "////"
_BAR: Final = 0.94
"""Height of a row of stacked terms, in inches: the longest name fits upright."""
_STACK_ROOM: Final = 0.95
_BAR_PART: Final = 0.8
"""Part of such a row that its bar fills."""
_PALEST: Final = 0.4
"""Strength of the colour of the last term."""
_POINTS: Final = 72
"""Points in an inch."""
_LETTERS: Final = 70
"""Letters in a line below stacked terms."""


def explanation(found: Picked, ax: Axes | None = None) -> Axes:
    """Terms of each power's offer and the utility that they add up to, in log-odds.

    Parameters
    ----------
    found : what ``sim.explain`` returns.
    ax : where to draw; without it new axes as high as the number of terms asks for.

    Returns
    -------
    Axes with a row a term and a bar a power, hatched where it offers nothing; terms that are 0
    everywhere are left out. The legend has the probabilities; the pick of the replicate is marked.
    """
    table = found.table().set_index("option")
    powers = [option for option in table.index if option != NONE]
    used = [term for term in TERMS if (table.loc[powers, term] != 0).any()]
    rows = [*used, UTILITY]
    axes = new_axes(WIDTH, _ROOM + _ROW * len(rows)) if ax is None else ax
    colours = power_colours(powers)
    hatches = {power: "" if table.loc[power, "posted"] else _NO_OFFER for power in powers}
    each = _SPREAD / len(powers)
    for place, power in enumerate(powers):
        offset = (place - (len(powers) - 1) / 2) * each
        axes.barh(
            np.arange(len(rows)) + offset,
            table.loc[power, rows].to_numpy(float),
            height=each,
            color=colours[power],
            linewidth=0,
            hatch=hatches[power],
        )
    axes.axhspan(len(used) - 0.5, len(used) + 0.5, color=FAINT, alpha=0.5, linewidth=0, zorder=0)
    trim(axes, _title(found), "log-odds against nobody")
    axes.axvline(0, color=INK, linewidth=0.7)
    if not table.loc[powers, rows].to_numpy(float).any():
        axes.set_xlim(-1, 1)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_yticks(range(len(rows)), [_readable(name) for name in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    handles = [
        Patch(
            facecolor=colours[power],
            hatch=hatches[power],
            linewidth=0,
            label=f"{_offered(table, power, ', ')}: {_chance(found, table, power)}",
        )
        for power in powers
    ]
    nobody = Patch(facecolor="none", label=f"{option_name(NONE)}: {_chance(found, table, NONE)}")
    axes.legend(
        handles=[*handles, nobody],
        title="probability",
        title_fontsize=FONT,
        fontsize=FONT,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    return axes


def _chance(found: Picked, table: pd.DataFrame, option: str) -> str:
    mark = ", picked" if option == found.picked else ""
    return f"{percent(float(table['probability'].loc[option]))}{mark}"


def _offered(table: pd.DataFrame, power: str, between: str) -> str:
    return power if table.loc[power, "posted"] else f"{power}{between}no offer"


def picks_over_time(log: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Who was picked in each half-year, a row a state and domain.

    Parameters
    ----------
    log : decision log of a replicate, ``sim.replay(...).run().table()``.
    ax : where to draw; without it new axes as high as the number of rows asks for.

    Returns
    -------
    Axes with a cell a decision in the colour of the power, grey where nobody was picked. In mean
    field the cell has the colour of the most probable option.
    """
    key = "picked" if log["picked"].isin([0.0, 1.0]).all() else "probability"
    chosen = log.loc[log.groupby(["period", "state", "domain"])[key].idxmax()]
    periods = sorted(log["period"].unique())
    states, domains = log["state"].unique(), log["domain"].unique()
    rows = [(state, domain) for state in states for domain in domains]
    powers = [option for option in log["option"].unique() if option != NONE]
    colours = power_colours([*powers, NONE])
    height = max(_STRIP_ROOM + _STRIP * len(rows), _SAMPLE * (len(colours) + 1))
    axes = new_axes(WIDTH, height) if ax is None else ax
    image = np.ones((len(rows), len(periods), 3))
    for option, period, state, domain in zip(
        chosen["option"], chosen["period"], chosen["state"], chosen["domain"], strict=True
    ):
        image[rows.index((state, domain)), periods.index(period)] = to_rgb(colours[option])
    edges = (np.arange(size + 1) - 0.5 for size in (len(periods), len(rows)))
    axes.pcolormesh(*edges, image)  # not an image, which vector formats would blur
    axes.set_ylim(len(rows) - 0.5, -0.5)
    trim(axes, "Who was picked")
    axes.grid(visible=False)
    axes.set_yticks(range(len(rows)), [domain for _, domain in rows])
    axes.set_xticks(range(0, len(periods), 4), periods[::4])
    for number, state in enumerate(states):
        edge = number * len(domains) - 0.5
        if number:
            axes.axhline(edge, color=INK, linewidth=0.8)
        _beside(axes, edge + len(domains) / 2, str(state))
    axes.legend(
        handles=[
            Patch(color=colour, label=option_name(option)) for option, colour in colours.items()
        ],
        fontsize=FONT,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        bbox_transform=axes.transAxes + ScaledTranslation(_BESIDE, 0, axes.figure.dpi_scale_trans),
        borderaxespad=0.0,
        handlelength=1.2,
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


def stacked_terms(found: Picked, ax: Axes | None = None) -> Axes:
    """Terms of each power's offer put together to its utility, in log-odds.

    Parameters
    ----------
    found : what ``sim.explain`` returns.
    ax : where to draw; without it new axes as high as the number of powers asks for.

    Returns
    -------
    Axes with a bar a power: terms that speak for it to the right of 0, those against it to the
    left, in the order of ``sim.decisions.TERMS`` from 0 outwards, the later the paler, named where
    there is room and all of them below. A diamond marks the utility that they add up to; nobody
    has a utility only. The probability stands at the right end of each row, with the pick of the
    replicate.
    """
    table = found.table().set_index("option")
    powers = [option for option in table.index if option != NONE]
    used = [term for term in TERMS if (table.loc[powers, term] != 0).any()]
    axes = new_axes(WIDTH, _STACK_ROOM + _BAR * (len(powers) + 0.5)) if ax is None else ax
    terms = table.loc[powers, used].to_numpy(float)
    ends = [terms.clip(max=0).sum(axis=1), terms.clip(min=0).sum(axis=1), table["utility"], [0.0]]
    low, high = min(map(min, ends)), max(map(max, ends))
    margin = 0.03 * (high - low) or 1.0
    axes.set_xlim(low - margin, high + margin)
    rows = [*range(len(powers)), len(powers) - 0.25]
    axes.set_ylim(rows[-1] + 0.25, -0.5)
    colours = power_colours(powers)
    parts: list[tuple[Rectangle, str]] = []
    for row, power in enumerate(powers):
        start = {True: 0.0, False: 0.0}
        for shade, term in zip(np.linspace(1, _PALEST, len(used)), used, strict=True):
            width = float(table.loc[power, term])
            colour = tint(colours[power], shade)
            part = axes.barh(
                *(row, width, _BAR_PART, start[width > 0]),
                color=colour,
                edgecolor="white",
                linewidth=0.5,
            )
            parts.append((part[0], _readable(term)))
            start[width > 0] += width
    for row, option in zip(rows, [*powers, NONE], strict=True):
        utility = float(table.loc[option, "utility"])
        axes.plot(utility, row + (option != NONE) * 0.48, "D", color=INK, markersize=4)
    chances = {
        row: _chance(found, table, option)
        for row, option in zip(rows, [*powers, NONE], strict=True)
    }
    write_beside(axes, chances, "probability")
    axes.axvline(0, color=INK, linewidth=0.7)
    order = textwrap.fill(f"from 0 outwards: {', '.join(map(_readable, used))}", _LETTERS)
    trim(axes, _title(found), f"log-odds against nobody\n{order}")
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_yticks(rows, [*(_offered(table, power, "\n") for power in powers), option_name(NONE)])
    axes.tick_params(axis="y", length=0)
    axes.legend(
        handles=[Line2D([], [], marker="D", color=INK, linestyle="none", markersize=4)],
        labels=[UTILITY],
        fontsize=FONT,
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.1,
        handlelength=1.0,
    )
    if ax is None and isinstance(axes.figure, Figure):
        axes.figure.draw_without_rendering()  # so that the axes have their final size
    for bar, name in parts:
        _name_part(axes, bar, name)
    return axes


def _name_part(axes: Axes, bar: Rectangle, name: str) -> None:
    """Write the name of a part of a bar into it, upright where it is too narrow for it."""
    long = TextPath((0, 0), name, size=FONT).get_extents().width + 4
    extent = axes.get_window_extent()
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    scale = _POINTS / axes.figure.dpi
    room = abs(bar.get_width() / (right - left)) * extent.width * scale
    height = abs(bar.get_height() / (top - bottom)) * extent.height * scale
    if room >= long or (room >= FONT + 4 and height >= long):
        axes.text(
            bar.get_x() + bar.get_width() / 2,
            bar.get_y() + bar.get_height() / 2,
            name,
            color=ink_on(to_hex(bar.get_facecolor())),
            fontsize=FONT,
            ha="center",
            va="center",
            rotation=0 if room >= long else 90,
        )


def _title(found: Picked) -> str:
    return f"{found.state_name}, {found.domain}, {found.period}"


def _readable(term: str) -> str:
    return term.replace("lock_in", "lock-in")
