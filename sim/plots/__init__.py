"""Figures: each function takes results and axes, draws, and returns the axes."""

from sim.plots.alignment import alignment_figure, alignment_over_time
from sim.plots.alluvial import first_partners
from sim.plots.backtest import choices_scored, skill_by_horizon
from sim.plots.backtest_forecasts import observed_and_forecast, reliability
from sim.plots.corridors import corridor_flow, corridor_share, corridors_figure
from sim.plots.curves import equilibria, tipping
from sim.plots.delivery import delivered_against_signed, delivery_figure
from sim.plots.differences import differences
from sim.plots.discovery import discovery
from sim.plots.evidence import evidence_ranges
from sim.plots.explanation import explanation, picks_over_time, stacked_terms
from sim.plots.figures import draw_all
from sim.plots.heatmap import picks_heatmap
from sim.plots.influence import influence_figure, influence_over_time
from sim.plots.maps import region_map, region_map_figure
from sim.plots.picks import picks_by_domain
from sim.plots.sensitivity import documents, sensitivity
from sim.plots.ternary import ternary_paths
from sim.plots.tornado import tornado
from sim.plots.trade import trade_by_partner, trade_figure

__all__ = [
    "alignment_figure",
    "alignment_over_time",
    "choices_scored",
    "corridor_flow",
    "corridor_share",
    "corridors_figure",
    "delivered_against_signed",
    "delivery_figure",
    "differences",
    "discovery",
    "documents",
    "draw_all",
    "equilibria",
    "evidence_ranges",
    "explanation",
    "first_partners",
    "influence_figure",
    "influence_over_time",
    "observed_and_forecast",
    "picks_by_domain",
    "picks_heatmap",
    "picks_over_time",
    "region_map",
    "region_map_figure",
    "reliability",
    "sensitivity",
    "skill_by_horizon",
    "stacked_terms",
    "ternary_paths",
    "tipping",
    "tornado",
    "trade_by_partner",
    "trade_figure",
]
