"""First partners over time, and who moves from one to another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import PercentFormatter

from sim.analysis.partners import EVERY, flows, looked_at
from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.palette import NONE, ink_on, option_name, power_colours

if TYPE_CHECKING:
    import pandas as pd

_HEIGHT: Final = 3.0
_BLOCK: Final = (0.3, 0.55)
"""Widths of a block as a share of the room of a half-year: with wide room, and with little."""
_WIDE: Final = 0.7
"""Wide room for a half-year, in inches."""
_LABEL: Final = 0.5
"""Room that the label of a half-year needs, in inches."""
_NUMBER: Final = 0.22
"""Room that a percentage needs, in inches."""
_WRITTEN: Final = 0.06
_RIBBON: Final = 0.35
"""Opacity of ribbons."""
Stack = dict[str, tuple[float, float]]


def first_partners(
    data: xr.Dataset,
    ax: Axes | None = None,
    *,
    states: Sequence[str] | None = None,
    every: int = EVERY,
) -> Axes:
    """Share of states and replicates whose first partner is each power, and who moves.

    Parameters
    ----------
    data : outcomes of a run with ``alignment`` (period, state, power, replicate), share.
    ax : where to draw; without it new axes.
    states : codes such as ``KZ``; all by default.
    every : half-years from one that is drawn to the next, counted back from the last.

    Returns
    -------
    Axes with a stack of blocks a half-year: a block is as high as the share (per cent) for which
    the power has the largest alignment, grey where nobody has (no pick yet, or a tie). Ribbons, in
    the colour of the power that is left, lead to the next first partner.

    Raises
    ------
    InputError
        The run did not keep ``alignment`` or has no such state, or ``every`` is not a whole number
        from 1 to one less than the number of half-years.
    """
    table = flows(data, states=states, every=every)
    labels = looked_at(data, every)
    colours = power_colours([NONE, *(str(power) for power in data["power"].values)])
    stacks = _stacks(table, labels, list(colours))
    axes = new_axes(WIDTH, _HEIGHT) if ax is None else ax
    room = axes.get_window_extent().width / axes.figure.dpi / len(labels)
    width = _BLOCK[0] if room >= _WIDE else _BLOCK[1]
    for place, label in enumerate(labels[:-1]):
        _ribbons(
            axes,
            table[table["period"] == label],
            (stacks[place], stacks[place + 1]),
            (place + width / 2, place + 1 - width / 2),
            colours,
        )
    for place, stack in enumerate(stacks):
        _blocks(axes, place, stack, width, colours, written=room * width >= _NUMBER)
    chosen = [str(code) for code in data["state"].values] if states is None else states
    names = list(dict.fromkeys([chosen] if isinstance(chosen, str) else chosen))
    one = len(names) == 1
    title = f"First partners of {names[0]}" if one else "First partners"
    trim(axes, title, "Half-year", f"Share of {'' if one else 'states and '}replicates (%)")
    axes.grid(visible=False)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=""))
    step = math.ceil(_LABEL / room)
    named = range(len(labels) - 1, -1, -step)
    axes.set_xticks(named, [labels[place] for place in named])
    handles = [
        Patch(color=colour, label=option_name(option) + ", or a tie" * (option == NONE))
        for option, colour in colours.items()
    ]
    axes.legend(
        handles=[*handles[1:], handles[0]],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(handles),
        fontsize=FONT,
        frameon=False,
        borderaxespad=0,
        columnspacing=1.2,
        handlelength=1.2,
    )
    return axes


def _stacks(table: pd.DataFrame, labels: Sequence[str], options: Sequence[str]) -> list[Stack]:
    """Lower end and height of the block of each option in each half-year, nobody at the bottom."""
    found = []
    for place in range(len(labels)):
        last = place == len(labels) - 1
        rows = table[table["period"] == labels[place - last]]
        shares = rows.groupby("to" if last else "from")["share"].sum()
        stack, low = {}, 0.0
        for option in options:
            share = float(shares.get(option, 0.0))
            stack[option] = low, share
            low += share
        found.append(stack)
    return found


def _ribbons(
    axes: Axes,
    rows: pd.DataFrame,
    stacks: tuple[Stack, Stack],
    ends: tuple[float, float],
    colours: Mapping[str, str],
) -> None:
    """Ribbons between two half-years, each from its place in one block to that in the other."""
    leaving, coming = ({option: low for option, (low, _) in stack.items()} for stack in stacks)
    shares = rows.set_index(["from", "to"])["share"]
    for old in colours:
        for new in colours:
            share = float(shares.get((old, new), 0.0))
            if share > 0:
                path = _ribbon(ends, leaving[old], coming[new], share)
                axes.add_patch(PathPatch(path, facecolor=colours[old], alpha=_RIBBON, linewidth=0))
                leaving[old] += share
                coming[new] += share


def _ribbon(ends: tuple[float, float], left: float, right: float, height: float) -> Path:
    """Band of one height that bends from one level to another."""
    (x, end), middle = ends, sum(ends) / 2
    points = [
        (x, left),
        *((middle, left), (middle, right), (end, right)),
        (end, right + height),
        *((middle, right + height), (middle, left + height), (x, left + height)),
        (x, left),
    ]
    bend = [Path.CURVE4] * 3
    return Path(points, [Path.MOVETO, *bend, Path.LINETO, *bend, Path.CLOSEPOLY])


def _blocks(
    axes: Axes,
    place: int,
    stack: Stack,
    width: float,
    colours: Mapping[str, str],
    written: bool,
) -> None:
    """Blocks of one half-year, with percentages in those that can hold them."""
    for option, (low, share) in stack.items():
        if share == 0:
            continue
        axes.add_patch(
            Rectangle(
                (place - width / 2, low),
                width,
                share,
                facecolor=colours[option],
                edgecolor="white",
                linewidth=0.5,
                label=option,
            )
        )
        if written and share >= _WRITTEN:
            axes.text(
                place,
                low + share / 2,
                f"{100 * share:.0f}",
                color=ink_on(colours[option]),
                fontsize=FONT,
                ha="center",
                va="center_baseline",
            )
