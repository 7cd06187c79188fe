"""Figures: each function takes results and axes, draws, and returns the axes."""

from sim.plots.alignment import alignment_figure, alignment_over_time
from sim.plots.delivery import delivered_against_signed, delivery_figure
from sim.plots.figures import draw_all
from sim.plots.picks import picks_by_domain
from sim.plots.ternary import ternary_paths

__all__ = [
    "alignment_figure",
    "alignment_over_time",
    "delivered_against_signed",
    "delivery_figure",
    "draw_all",
    "picks_by_domain",
    "ternary_paths",
]
