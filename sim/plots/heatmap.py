"""Who is picked where: a cell a state and domain."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Patch

from sim.analysis.alignment import pick_frequencies
from sim.axes import FloatArray
from sim.errors import InputError, nearest
from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.palette import NONE, ink_on, power_colours

_ROW: Final = 0.27
_ROOM: Final = 0.75
_WIDTH: Final = WIDTH * 0.75
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
    axes = new_axes(_WIDTH, height) if ax is None else ax
    _cells(axes, [[colours[options[option]] for option in row] for row in chosen], strength)
    names = [[_name(options[option]) for option in row] for row in chosen]
    _write(axes, names if power is None else None, strength)
    title = f"Picks of {_name(power)}" if power else "Most frequent pick"
    trim(axes, f"{title} (% of half-years and replicates)")
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xticks(range(len(domains)), domains)
    axes.set_yticks(range(len(states)), states)
    axes.tick_params(length=0)
    if power is None:
        axes.legend(
            handles=[Patch(color=colours[option], label=_name(option)) for option in options],
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            fontsize=FONT,
            frameon=False,
            handlelength=1.2,
        )
    return axes


def tint(colour: str, strength: float) -> str:
    """Colour mixed with white.

    Parameters
    ----------
    colour : such as ``#0072B2``.
    strength : 0 for white, 1 for the colour itself.
    """
    red, green, blue = (1 - strength * (1 - channel) for channel in to_rgb(colour))
    return to_hex((red, green, blue))


def _name(option: str) -> str:
    return "nobody" if option == NONE else option


def _cells(axes: Axes, colours: list[list[str]], strength: FloatArray) -> None:
    """Coloured cells with white lines between them."""
    image = [
        [to_rgb(tint(colour, share)) for colour, share in zip(*row, strict=True)]
        for row in zip(colours, strength, strict=True)
    ]
    axes.imshow(np.array(image), aspect="auto", interpolation="nearest")
    for edge in range(1, strength.shape[0]):
        axes.axhline(edge - 0.5, color="white", linewidth=1)
    for edge in range(1, strength.shape[1]):
        axes.axvline(edge - 0.5, color="white", linewidth=1)


def _write(axes: Axes, names: list[list[str]] | None, strength: FloatArray) -> None:
    """Percentages, with names if they differ from cell to cell."""
    (image,) = axes.get_images()
    for (row, column), share in np.ndenumerate(strength):
        name = f"{names[row][column]} " if names else ""
        red, green, blue = np.asarray(image.get_array())[row, column]
        axes.text(
            column,
            row,
            f"{name}{100 * share:.0f}",
            color=ink_on(to_hex((red, green, blue))),
            fontsize=FONT,
            ha="center",
            va="center_baseline",
        )
