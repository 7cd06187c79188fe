"""A run as one page to send: story, results, evidence, limits, and how to compute it again."""

from sim.report.page import report

__all__ = ["report"]
