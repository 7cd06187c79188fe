"""How well forecasts of the past did: skill by horizon, and scores of choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator

from sim.axes import FloatArray
from sim.errors import InputError, nearest
from sim.plots.canvas import COLUMN, FONT, UNDEFINED, WIDTH, new_axes, trim
from sim.plots.evidence import write_beside
from sim.plots.palette import FAINT, INK

if TYPE_CHECKING:
    import pandas as pd

REFERENCE: Final = "persistence with spread"
"""Forecast that skill is measured against by default."""
BASE_RATES: Final = "base rates"
"""Forecaster of choices that others are measured against by default."""
_SKILL_HEIGHT: Final = 3.2
_SPREAD: Final = 0.72
_ASIDE: Final = 0.14
"""Room that all models share around each horizon, and the most from one of them to the next; in
steps from one horizon to the next."""
_GREY: Final = "#8C8C8C"
_TICKS: Final = 8
_STEPS: Final = (1, 2, 2.5, 5, 10)
_MARK: Final = 4.2
_BAR: Final = 0.9
_ROW: Final = 0.2
_ROOM: Final = 0.95
_MARGIN: Final = 0.08
"""Room on either side of scores, as a share of their span."""


class _Look(NamedTuple):
    """How a model is drawn; no colour, since colours are those of powers."""

    colour: str
    marker: str
    filled: bool

    def style(self) -> dict[str, Any]:
        """Line and marker."""
        return {
            "color": self.colour,
            "linestyle": "-" if self.filled else (0, (2.5, 1.5)),
            "linewidth": 0.8,
            "marker": self.marker,
            "markersize": _MARK,
            "markerfacecolor": self.colour if self.filled else "white",
            "markeredgewidth": _BAR,
        }


_LOOKS: Final = tuple(
    _Look(colour, marker, filled)
    for colour, markers in ((INK, "o^"), (_GREY, "sDv"))
    for marker in markers
    for filled in (True, False)
)


def skill_by_horizon(
    table: pd.DataFrame,
    reference: str = REFERENCE,
    models: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Skill of forecasts against a reference by horizon, with 90 % intervals.

    Parameters
    ----------
    table : ``model, reference, horizon, skill, low, high, forecasts``, a row a model, reference and
        horizon; ``low`` and ``high`` may be NaN.
    reference : whose score the skill is measured against.
    models : which, in the order of the legend; by default all but the reference, as in the table.
    ax : where to draw; without it new axes.

    Returns
    -------
    Axes with a line a model, whose points stand beside those of the others around each horizon,
    and a line at 0, the skill of the reference. Below each horizon stands the number of forecasts,
    or the fewest and the most where models differ.

    Raises
    ------
    InputError
        The table has no such reference, or no such model against it.
    """
    references = [str(name) for name in table["reference"].unique()]
    if reference not in references:
        raise InputError(f"no skill against '{reference}'{nearest(reference, references)}")
    rows = table[table["reference"] == reference]
    known = [str(name) for name in rows["model"].unique()]
    chosen = [name for name in known if name != reference] if models is None else list(models)
    for name in chosen:
        if name not in known:
            raise InputError(f"no skill of a model '{name}'{nearest(name, known)}")
    rows = rows[rows["model"].isin(chosen)]
    horizons = sorted(int(horizon) for horizon in rows["horizon"].unique())
    axes = new_axes(WIDTH, _SKILL_HEIGHT) if ax is None else ax
    axes.axhline(0, color=INK, linewidth=0.7, zorder=1)
    handles: list[Artist] = []
    for place, name in enumerate(chosen):
        look = _LOOKS[known.index(name) % len(_LOOKS)]  # the same whichever others are drawn
        aside = (place - (len(chosen) - 1) / 2) * min(_ASIDE, _SPREAD / len(chosen))
        _curve(axes, rows[rows["model"] == name].sort_values("horizon"), aside, look)
        handles.append(Line2D([], [], label=name, **look.style()))
    trim(
        axes,
        f"Skill against {reference}",
        "horizon, years (n: number of forecasts)",
        "skill, with 90 % interval\n(0: as good as the reference, 1: perfect)",
    )
    counts = rows.groupby("horizon")["forecasts"].agg(["min", "max"])
    axes.set_xticks(horizons, [f"{at}\nn = {_range(*counts.loc[at])}" for at in horizons])
    axes.xaxis.set_minor_locator(FixedLocator([at + 0.5 for at in horizons[:-1]]))
    axes.tick_params(axis="x", which="both", length=0)
    axes.grid(axis="x", which="minor", color=FAINT, linewidth=0.5)
    if horizons:
        axes.set_xlim(horizons[0] - 0.5, horizons[-1] + 0.5)
    axes.yaxis.set_major_locator(MaxNLocator(_TICKS, steps=_STEPS))
    if not np.isfinite(rows["skill"].to_numpy(float)).any():
        _without_numbers(axes)
    axes.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        fontsize=FONT,
        frameon=False,
        handlelength=2.6,
    )
    return axes


def choices_scored(
    table: pd.DataFrame, reference: str = BASE_RATES, ax: Axes | None = None
) -> Axes:
    """Mean log score of forecasts of choices, with 90 % intervals.

    Parameters
    ----------
    table : ``forecaster, log_score, low, high``, a row a forecaster; the score is that of
        ``sim.analysis.scores.log_score`` in nats, infinite where a pick was ruled out.
    reference : forecaster whose score all others are measured against.
    ax : where to draw; without it new axes as high as the number of rows asks for.

    Returns
    -------
    Axes with a point and an interval a forecaster, the smaller the better, and a line at the score
    of the reference; the numbers stand beside. An arrow marks an infinite score.

    Raises
    ------
    InputError
        The table has no such reference.
    """
    names = [str(name) for name in table["forecaster"]]
    if reference not in names:
        raise InputError(f"no scores of '{reference}'{nearest(reference, names)}")
    axes = new_axes(COLUMN, _ROOM + _ROW * len(names)) if ax is None else ax
    scores = table[["log_score", "low", "high"]].to_numpy(float)
    start, end = _span(scores)
    standard = scores[names.index(reference), 0]
    if np.isfinite(standard):
        axes.axvline(standard, color=INK, linewidth=0.7, linestyle=":", zorder=1)
    texts: dict[float, str] = {}
    for row, (score, low, high) in enumerate(scores):
        texts[row] = _words(score, low, high)
        if np.isfinite(low) and not np.isnan(high):
            ends = [low, min(high, end)]
            axes.plot(ends, [row] * 2, color=INK, linewidth=_BAR, solid_capstyle="butt")
        at, marker = (end, ">") if np.isposinf(score) else (score, "o")
        axes.plot(
            at,
            row,
            marker,
            color="white" if names[row] == reference else INK,
            markeredgecolor=INK,
            markeredgewidth=_BAR,
            markersize=_MARK,
            clip_on=False,
        )
    trim(
        axes,
        "Choices",
        "mean log score, nats, with 90 % interval\n(minus log probability: smaller is better)",
    )
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(start, end)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    write_beside(axes, texts, "score (interval)")
    return axes


def _curve(axes: Axes, rows: pd.DataFrame, aside: float, look: _Look) -> None:
    """Points of a model, the line through them and their intervals."""
    x = rows["horizon"].to_numpy(float) + aside
    low, high = rows["low"].to_numpy(float), rows["high"].to_numpy(float)
    known = np.isfinite(low) & np.isfinite(high)
    axes.vlines(x[known], low[known], high[known], color=look.colour, linewidth=_BAR)
    axes.plot(x, rows["skill"], zorder=3, **look.style())


def _range(least: float, most: float) -> str:
    return f"{least:.0f}" if least == most else f"{least:.0f}–{most:.0f}"


def _without_numbers(axes: Axes) -> None:
    axes.set_ylim(-1, 1)
    axes.yaxis.set_major_locator(FixedLocator([0]))
    axes.annotate(
        UNDEFINED,
        (0.5, 0.5),
        xycoords="axes fraction",
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=FONT,
        ha="center",
    )


def _span(scores: FloatArray) -> tuple[float, float]:
    """Ends of the axis around all finite numbers."""
    finite = scores[np.isfinite(scores)]
    if not finite.size:
        return 0.0, 1.0
    margin = _MARGIN * (float(np.ptp(finite)) or 1.0)
    return float(finite.min()) - margin, float(finite.max()) + margin


def _words(score: float, low: float, high: float) -> str:
    """Score and interval as they are written beside a row."""
    if np.isnan(score):
        return UNDEFINED
    if np.isnan(low) or np.isnan(high):
        return _nats(score)
    return f"{_nats(score)} ({_nats(low)} to {_nats(high)})"


def _nats(score: float) -> str:
    return f"{score:.2f}" if np.isfinite(score) else "∞"
