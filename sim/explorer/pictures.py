"""Figures of the page as images within it."""

from __future__ import annotations

import base64
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.analysis.compare import compare
from sim.analysis.picked import Picked
from sim.errors import InputError
from sim.explorer.stage import Beside, Side, Stage
from sim.plots.alignment import alignment_over_time
from sim.plots.canvas import FONT, new_axes, years
from sim.plots.differences import differences
from sim.plots.explanation import explanation, picks_over_time
from sim.plots.fans import band_samples
from sim.plots.figures import figure_of, write
from sim.plots.maps import region_map
from sim.plots.palette import INK, power_colours
from sim.plots.ternary import CORNERS, ternary_axes, ternary_paths

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESOLUTION: Final = 160
"""Dots per inch on a screen."""
_MAP: Final = (5.6, 4.2)
_TRIANGLE: Final = (5.6, 4.6)
_FAN: Final = (5.6, 3.0)
"""Width and height of figures, in inches; smaller than on paper, so that letters are larger."""


def image(axes: Axes) -> str:
    """Figure as an address that holds all of it."""
    stream = BytesIO()
    write(figure_of(axes), stream, "png", RESOLUTION)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def draw_map(stage: Stage, side: Side, whole: bool) -> Axes:
    """Map of one side; lines of both sides have the same scale."""
    widest = max(_widest(each, whole) for each in (stage.here, stage.there))
    axes = new_axes(*_MAP)
    data, _ = side.shown(whole)
    region_map(data, axes, widest=widest or None)
    powers = power_colours(map(str, data["power"].values))
    axes.legend(
        handles=[Patch(facecolor=colour, label=power) for power, colour in powers.items()],
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        ncols=len(powers),
        fontsize=FONT,
        frameon=False,
    )
    return axes


def draw_triangle(side: Side, whole: bool) -> Axes:
    """Paths between three powers.

    Raises
    ------
    InputError
        There are more or fewer powers.
    """
    powers = side.scenario.power_codes
    if len(powers) != CORNERS:
        raise InputError(f"a triangle shows three powers; this world has {', '.join(powers)}")
    return ternary_paths(*side.shown(whole), ax=ternary_axes(*_TRIANGLE))


def draw_fan(side: Side, state: str) -> Axes:
    """Alignment of a state in all replicates, and in the one that is stepped as far as it is."""
    axes = new_axes(*_FAN)
    run = side.run.data
    alignment_over_time(run, state, axes)
    model = side.model
    data, _ = side.so_far()
    if model.period:
        x = years(data["period"], ends=True)
        now = data["alignment"].sel(state=state).isel(replicate=0)
        for power, colour in power_colours(map(str, data["power"].values)).items():
            path = now.sel(power=power)
            axes.plot(x, path, color="white", linewidth=2.6, zorder=4)
            axes.plot(x, path, color=colour, linewidth=1.2, linestyle=(0, (2, 1)), zorder=5)
        axes.axvline(float(x[-1]), color=INK, linewidth=0.6, zorder=1)
    handles, _ = axes.get_legend_handles_labels()
    own = Line2D([], [], color=INK, linewidth=1.2, linestyle=(0, (2, 1)))
    own.set_label(f"replicate {model.replicate}")
    axes.legend(
        handles=[*handles, own, *band_samples()],
        fontsize=FONT,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    axes.set_ylim(0, 1)
    return axes


def draw_differences(stage: Stage, outcome: str) -> Axes:
    """Paired differences of an outcome at the end.

    Raises
    ------
    InputError
        The two worlds have nothing of it in common, or do not differ at all.
    """
    found = compare(stage.here.run, stage.there.run, [outcome], ledger=stage.ledger)
    if found.identical:
        raise InputError(
            f"{outcome.replace('_', ' ')}: no replicate differs; move a number, or choose another "
            "scenario or mechanism"
        )
    other = "the same, unmoved" if stage.request.beside is Beside.UNMOVED else "the baseline"
    return differences(replace(found, first="This world", second=other))


def draw_picks(side: Side, state: str) -> Axes:
    """Who was picked so far by a state.

    Raises
    ------
    InputError
        Nothing has happened yet.
    """
    log = side.model.table()
    if log.empty:
        raise InputError("nothing has happened yet: press Step")
    return picks_over_time(log[log["state"] == state])


def draw_terms(found: Picked) -> Axes:
    """Terms of each offer of a decision."""
    return explanation(found)


def _widest(side: Side, whole: bool) -> float:
    data, _ = side.shown(whole)
    if "corridor_flow" not in data:
        return 0.0
    last = data["corridor_flow"].isel(period=-1).median("replicate")
    return float(last.max()) if last.size else 0.0
