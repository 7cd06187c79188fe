"""Who is picked where: a cell a state and domain."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from sim.analysis.alignment import pick_frequencies
from sim.errors import InputError, nearest
from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.palette import NONE, ink_on, option_name, power_colours, tint

_ROW: Final = 0.27
_ROOM: Final = 0.75
_SAMPLE: Final = 0.2
"""Height of a sample in the legend, in inches."""


def picks_heatmap(data: xr.Dataset, ax: Axes | None = None, *, power: str | None = None) -> Axes:
    """Most frequent pick of each state in each domain, or how often one power is picked.

    Parameters
    ----------
    data : outcomes of a run with ``pick`` (period, state, domain, replicate).
    ax : where to draw; without it new axes as high as the number of states asks for.
    power : code of a power, or ``none`` for nobody; without it each cell has its most frequent
        pick, of equals the first power.

    Returns
    -------
    Axes with a row a state and a column a domain. A cell has the colour of the option, the paler
    the less often it is picked, and its share of half-years and replicates in per cent.

    Raises
    ------
    InputError
        The run did not keep ``pick``, or has no such power.
    """
    if "pick" not in data:
        raise InputError("outcome 'pick' was not kept by the run; the heat map is drawn from it")
    if "power" not in data.coords:  # a run that kept nothing by power
        data = data.assign_coords(power=list(data.attrs["options"])[1:])
    shares = pick_frequencies(data)
    options = [*(str(name) for name in shares.columns if name != NONE), NONE]
    if power is not None and power not in options:
        raise InputError(f"no power '{power}' in the results{nearest(power, options)}")
    states = [str(code) for code in data["state"].values]
    domains = [str(name) for name in data["domain"].values]
    shape = (len(states), len(domains))
    table = shares[options].to_numpy(float).reshape(*shape, len(options))
    chosen = np.full(shape, options.index(power)) if power else table.argmax(axis=-1)
    strength = np.take_along_axis(table, chosen[..., np.newaxis], axis=-1)[..., 0]
    colours = power_colours(options)
    height = max(_ROOM + _ROW * len(states), _SAMPLE * (len(options) + 1))
    axes = new_axes(WIDTH, height) if ax is None else ax
    cells, written = [[[""] * len(domains) for _ in states] for _ in range(2)]
    for (row, column), share in np.ndenumerate(strength):
        option = options[chosen[row, column]]
        cells[row][column] = tint(colours[option], share)
        name = "" if power else f"{option_name(option)} "
        written[row][column] = f"{name}{100 * share:.0f}"
    _draw(axes, cells, written)
    title = f"Picks of {option_name(power)}" if power else "Most frequent pick"
    trim(axes, f"{title} (% of half-years and replicates)")
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xticks(range(len(domains)), domains)
    axes.set_yticks(range(len(states)), states)
    axes.tick_params(length=0)
    if power is None:
        axes.legend(
            handles=[Patch(color=colours[option], label=option_name(option)) for option in options],
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            fontsize=FONT,
            frameon=False,
            handlelength=1.2,
        )
    return axes


def _draw(axes: Axes, cells: list[list[str]], written: list[list[str]]) -> None:
    """Coloured cells with white lines between them and something written in each."""
    image = np.array([[to_rgb(colour) for colour in row] for row in cells])
    rows, columns = (np.arange(count + 1) - 0.5 for count in image.shape[:2])
    axes.pcolormesh(columns, rows, image, edgecolors="white", linewidth=1)
    axes.invert_yaxis()
    for row, (colours, texts) in enumerate(zip(cells, written, strict=True)):
        for column, (colour, text) in enumerate(zip(colours, texts, strict=True)):
            axes.text(
                column,
                row,
                text,
                color=ink_on(colour),
                fontsize=FONT,
                ha="center",
                va="center_baseline",
            )
