"""All figures of a run, written to a folder."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

import matplotlib as mpl
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.partners import EVERY
from sim.errors import InputError, nearest
from sim.plots.alignment import alignment_figure
from sim.plots.alluvial import first_partners
from sim.plots.corridors import corridors_figure
from sim.plots.delivery import delivery_figure
from sim.plots.heatmap import picks_heatmap
from sim.plots.influence import influence_figure
from sim.plots.maps import region_map_figure
from sim.plots.picks import picks_figure
from sim.plots.ternary import CORNERS, ternary_paths
from sim.plots.trade import trade_figure

DPI: Final = 300
"""Dots per inch of raster formats."""
FORMATS: Final = ("png", "pdf", "svg")
"""File formats on offer."""

_STACKS: Final = 8
"""First partners beside one another, apart from the first ones."""
_NO_DATE: Final[Mapping[str, dict[str, None]]] = {
    "png": {},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}
_SAVING: Final[Any] = {"svg.hashsalt": "sim", "pdf.fonttype": 42, "savefig.bbox": None}

Drawing = Callable[[xr.Dataset, xr.Dataset], Figure]
FIGURES: Final[Mapping[str, Drawing]] = MappingProxyType(
    {
        "alignment": lambda data, final: alignment_figure(data),
        "partners": lambda data, final: partners_figure(data),
        "picks": lambda data, final: picks_figure(data),
        "heatmap": lambda data, final: figure_of(picks_heatmap(data)),
        "ternary": lambda data, final: figure_of(ternary_paths(data, final)),
        "delivery": lambda data, final: delivery_figure(data),
        "influence": influence_figure,
        "trade": trade_figure,
        "trade_shares": lambda data, final: trade_figure(data, final, shares=True),
        "corridors": lambda data, final: corridors_figure(data),
        "map": lambda data, final: region_map_figure(data),
    }
)
"""Figures by the name of their file."""
NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "alignment": ("alignment",),
        "partners": ("alignment",),
        "picks": ("pick",),
        "heatmap": ("pick",),
        "ternary": ("alignment_stock",),
        "delivery": ("signed", "delivered", "lost"),
        "influence": ("influence",),
        "trade": ("trade",),
        "trade_shares": ("trade",),
        "corridors": ("corridor_flow", "capacity", "route_share"),
        "map": ("alignment_stock",),
    }
)
"""Outcomes without which a figure is left out."""


def draw_all(
    data: xr.Dataset, final: xr.Dataset, folder: str | Path, formats: Sequence[str] = ("png",)
) -> list[Path]:
    """Draw every figure that applies to a run and write it; the same run gives the same bytes.

    Parameters
    ----------
    data, final : outcomes of a run by half-year, and stocks at its end.
    folder : made if it does not exist.
    formats : endings among ``png``, ``pdf`` and ``svg``.

    Returns
    -------
    The files written.

    Raises
    ------
    InputError
        A format is not on offer.
    """
    for ending in formats:
        if ending not in FORMATS:
            raise InputError(f"unknown figure format '{ending}'{nearest(ending, FORMATS)}")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name in drawable(data):
        figure = FIGURES[name](data, final)
        written += [save(figure, place / f"{name}.{ending}") for ending in formats]
    return written


def drawable(data: xr.Dataset) -> list[str]:
    """Names of the figures that apply to a run: their outcomes are there, a triangle has corners.

    Parameters
    ----------
    data : outcomes of the run.
    """
    applies = {"ternary": data.sizes.get("power") == CORNERS, "partners": data.sizes["period"] > 1}
    return [name for name in FIGURES if set(NEEDS[name]) <= set(data) and applies.get(name, True)]


def partners_figure(data: xr.Dataset) -> Figure:
    """``first_partners`` at few half-years: every other year, more seldom in long runs."""
    steps = data.sizes["period"] - 1
    every = EVERY * math.ceil(steps / (EVERY * _STACKS))
    return figure_of(first_partners(data, every=min(every, steps)))


def save(figure: Figure, path: Path) -> Path:
    """Write a figure in the format its path ends in, without the date."""
    write(figure, path, path.suffix[1:])
    return path


def write(figure: Figure, target: Path | IO[bytes], ending: str, dpi: int = DPI) -> None:
    """Write a figure to a file or stream in a format, without the date."""
    with mpl.rc_context(_SAVING):
        figure.savefig(target, format=ending, dpi=dpi, metadata=_NO_DATE[ending])


def figure_of(axes: Axes) -> Figure:
    """Figure that axes stand in."""
    figure = axes.figure
    assert isinstance(figure, Figure)
    return figure
