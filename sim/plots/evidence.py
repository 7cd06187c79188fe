"""How wide the evidence leaves a number, and where the facts behind it stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.analysis.ranges import SHOWN, ranges
from sim.analysis.words import number
from sim.plots.canvas import FONT, WIDTH, new_axes, trim
from sim.plots.palette import FAINT, INK

if TYPE_CHECKING:
    import pandas as pd

    from sim.evidence import Ledger
    from sim.scenario import Scenario

_ROW: Final = 0.2
_ROOM: Final = 0.85
_EDGE: Final = 0.4
"""Room on either side of the range, in widths of it; facts beyond stand as arrows at the edge."""
_INSIDE: Final = 0.31
"""Where facts still stand at their place, in widths of the range beyond its ends."""
_OUTSIDE: Final = 0.365
"""Where arrows stand, in widths of the range beyond its ends."""
_SIZE: Final = 4.5
_ABOVE: Final = 3
_BESIDE: Final = 4
"""Distance of texts from the axes, in points."""
_TICKS: Final = 2.3
_LINE: Final = 1.3
"""Height of tick labels and of a line of the label below them, in letters."""


def evidence_ranges(
    scenario: Scenario,
    ledger: Ledger,
    parameters: Sequence[str] | None = None,
    ax: Axes | None = None,
    *,
    shown: int = SHOWN,
) -> Axes:
    """Evidence range of numbers of a scenario, and the facts behind them.

    Parameters
    ----------
    scenario : whose numbers. ledger : facts that they rest on.
    parameters : flat names such as ``powers.eu.budget``. By default the numbers about which
        documents disagree and that have a fact to show, with the widest range (in units of the
        central value) first.
    ax : where to draw; without it new axes as high as the number of rows asks for.
    shown : how many are drawn where none is named.

    Returns
    -------
    Axes with a row a number: a bar from the low (0) to the high end (1) of its range, a line at
    the central value and a mark for each fact that ``sim.analysis.ranges`` puts in the same unit,
    filled where it conflicts with another, an arrow where it lies further out. Value and range are
    written with their unit.

    Raises
    ------
    InputError
        A name is no number of the scenario, or one that is fixed or infinite; none is left, or a
        fact that the scenario cites is not in the ledger.
    """
    table = ranges(scenario, ledger, parameters, shown=shown)
    numbers = table.drop_duplicates("parameter").reset_index(drop=True)
    rows = {str(name): row for row, name in enumerate(numbers["parameter"])}
    axes = new_axes(WIDTH, _ROOM + _ROW * len(rows)) if ax is None else ax
    axes.barh(list(rows.values()), [1.0] * len(rows), height=0.6, color=FAINT, linewidth=0)
    for name, value in _scaled(numbers, "value"):
        place = min(max(value, -_INSIDE), 1 + _INSIDE)
        axes.plot([place] * 2, [rows[name] - 0.38, rows[name] + 0.38], color=INK, linewidth=1.6)
    facts = table[table["fact"] != ""]
    for (name, place), conflicting in zip(
        _scaled(facts, "fact_value"), facts["conflicting"], strict=True
    ):
        _mark(axes, place, rows[name], bool(conflicting))
    trim(axes, x="place in the evidence range")
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_yticks(list(rows.values()), list(rows))
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(-_EDGE, 1 + _EDGE)
    axes.set_xticks([0, 1], ["0 (low)", "1 (high)"])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    texts: dict[float, str] = {
        rows[row["parameter"]]: f"{short(row['value'])} ({span(row['low'], row['high'])})"
        f"{unit_of(row['unit'])}"
        for _, row in numbers.iterrows()
    }
    write_beside(axes, texts, "value (range)")
    axes.legend(
        handles=_samples(),
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(_samples()),
        fontsize=FONT,
        frameon=False,
        borderaxespad=0.1,
        columnspacing=1.2,
        handlelength=1.2,
    )
    return axes


def write_beside(axes: Axes, texts: Mapping[float, str], heading: str) -> None:
    """Write texts to the right of axes, each beside its row."""
    common: dict[str, Any] = {"textcoords": "offset points", "fontsize": FONT}
    for row, text in texts.items():
        axes.annotate(
            text,
            (1.0, row),
            xycoords=("axes fraction", "data"),
            xytext=(_BESIDE, 0),
            va="center_baseline",
            **common,
        )
    axes.annotate(
        heading,
        (1.0, 1.0),
        xycoords="axes fraction",
        xytext=(_BESIDE, _ABOVE),
        fontstyle="italic",
        **common,
    )


def legend_below(axes: Axes, handles: Sequence[Artist], columns: int) -> None:
    """Legend below the label of the x axis, where it covers no data."""
    lines = axes.get_xlabel().count("\n") + 1
    axes.legend(
        handles=handles,
        ncols=columns,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=_TICKS + _LINE * lines,
        fontsize=FONT,
        frameon=False,
        columnspacing=1.2,
        handlelength=1.6,
    )


def short(value: float) -> str:
    """Number with three digits that count, without zeros at its end."""
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def span(low: float, high: float) -> str:
    """Range as it is written beside a row."""
    return f"{short(low)} to {short(high)}"


def unit_of(unit: str) -> str:
    """Unit as it is written behind a number; a bare number has none."""
    return "" if unit == "1" else f" {unit}"


def _scaled(table: pd.DataFrame, column: str) -> list[tuple[str, float]]:
    """Number and place of a value in its range, 0 at the low end and 1 at the high one."""
    place = (table[column] - table["low"]) / (table["high"] - table["low"])
    return [(str(name), float(at)) for name, at in zip(table["parameter"], place, strict=True)]


def _mark(axes: Axes, place: float, row: int, conflicting: bool) -> None:
    """Mark of a fact, an arrow at the edge if it lies beyond."""
    marker = "D" if conflicting else "o"
    if place < -_INSIDE:
        marker, place = "<", -_OUTSIDE
    elif place > 1 + _INSIDE:
        marker, place = ">", 1 + _OUTSIDE
    axes.plot(place, row, **_style(marker, conflicting))


def _style(marker: str, filled: bool) -> dict[str, Any]:
    return {
        "marker": marker,
        "linestyle": "none",
        "markersize": _SIZE,
        "markerfacecolor": INK if filled else "white",
        "markeredgecolor": INK,
        "markeredgewidth": 0.8,
    }


def _samples() -> list[Artist]:
    return [
        Patch(color=FAINT, label="evidence range"),
        Line2D(
            [],
            [],
            color=INK,
            marker="|",
            markersize=8,
            markeredgewidth=1.6,
            linestyle="none",
            label="central value",
        ),
        Line2D([], [], **_style("o", False), label="fact"),
        Line2D([], [], **_style("D", True), label="conflicting fact"),
        Line2D([], [], **_style(">", False), label="further out"),
    ]
