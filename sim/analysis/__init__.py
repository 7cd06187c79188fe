"""Results in, tables out."""

from sim.analysis.alignment import Summary, pick_frequencies, summary

__all__ = ["Summary", "pick_frequencies", "summary"]
