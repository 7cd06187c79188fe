"""Differences of all scenarios to the baseline, by power: picks over the run, influence at its end.

python experiments/03-scenarios/figure.py 1000
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

import sim
from sim.analysis.bands import HIGH, LOW, MEDIAN, quantiles
from sim.plots.canvas import FONT, WIDTH, legend, new_figure, trim
from sim.plots.figures import save
from sim.plots.palette import FAINT, INK, power_colours

BASELINE: Final = "strategic_balance"
SEED: Final = 1
QUARTERS: Final = (0.25, 0.75)
HEIGHT: Final = 6.6
"""Height of the figure, in inches."""
_SPREAD: Final = 0.27
"""Distance of two powers in a row of height 1."""
_PANELS: Final = {
    "picks": "Share of picks, mean of all half-years",
    "influence": "Influence, end of the run",
}

Summaries = dict[str, xr.DataArray]
"""One number for each power and replicate, by panel."""


def summaries(run: sim.Run) -> Summaries:
    """Shares of picks over the whole run and influence at its end, in percent."""
    return {
        "picks": 100 * run.data["pick_share"].mean(("period", "state")),
        "influence": 100 * run.final["influence"],
    }


def differences(replicates: int) -> dict[str, Summaries]:
    """Paired differences to the baseline by title, from most Russian influence lost to most won."""
    baseline = sim.run(sim.load_scenario(BASELINE, replicates=replicates, seed=SEED))
    before = summaries(baseline)
    found: dict[str, Summaries] = {}
    for name in sorted(set(sim.list_scenarios()) - {BASELINE}):
        run = sim.run(sim.load_scenario(name, replicates=replicates, seed=SEED))
        found[run.scenario.story.title] = {
            panel: after.sel(power=before[panel]["power"]) - before[panel]
            for panel, after in summaries(run).items()
        }
    return dict(
        sorted(
            found.items(),
            key=lambda item: float(item[1]["influence"].sel(power="RU").median()),
        )
    )


def draw(found: dict[str, Summaries], path: Path) -> None:
    """Draw both panels and write them."""
    figure = new_figure(WIDTH, HEIGHT)
    panels: list[Axes] = list(figure.subplots(1, len(_PANELS), sharey=True))
    powers = [str(code) for code in next(iter(found.values()))["picks"]["power"].values]
    colours = power_colours(powers)
    for axes, (panel, title) in zip(panels, _PANELS.items(), strict=True):
        trim(axes, title, "difference to the baseline, percentage points")
        axes.grid(visible=False, axis="y")
        axes.grid(axis="x", color=FAINT, linewidth=0.5)
        axes.axvline(0, color=INK, linewidth=0.7, zorder=1)
        for row, differing in enumerate(found.values()):
            if row % 2:
                axes.axhspan(row - 0.5, row + 0.5, color=FAINT, alpha=0.3, linewidth=0, zorder=0)
            for place, power in enumerate(powers):
                height = row + (place - (len(powers) - 1) / 2) * _SPREAD
                _draw_one(axes, differing[panel].sel(power=power), height, colours[power])
        axes.set_ylim(len(found) - 0.5, -0.5)
    panels[0].set_yticks(range(len(found)), list(found), fontsize=FONT)
    panels[0].tick_params(axis="y", length=0)
    panels[1].tick_params(axis="y", length=0)
    legend(figure, [_sample(colours[power], power) for power in powers] + _intervals())
    save(figure, path)


def _draw_one(axes: Axes, differing: xr.DataArray, height: float, colour: str) -> None:
    low, lower, middle, upper, high = quantiles(
        differing, (LOW, QUARTERS[0], MEDIAN, QUARTERS[1], HIGH)
    ).values
    axes.plot([low, high], [height, height], color=colour, linewidth=0.8, zorder=2)
    axes.plot([lower, upper], [height, height], color=colour, linewidth=2.4, zorder=3)
    axes.plot(
        middle,
        height,
        marker="o",
        markersize=3.6,
        color=colour,
        markeredgecolor="white",
        markeredgewidth=0.5,
        zorder=4,
    )


def _sample(colour: str, label: str) -> Artist:
    return Line2D([], [], color=colour, marker="o", markersize=3.6, linewidth=2.4, label=label)


def _intervals() -> list[Artist]:
    return [
        Line2D([], [], color=INK, linewidth=2.4, label="25–75 %"),
        Line2D([], [], color=INK, linewidth=0.8, label="5–95 %"),
    ]


if __name__ == "__main__":
    draw(differences(int(sys.argv[1])), Path(__file__).with_name("differences.png"))
