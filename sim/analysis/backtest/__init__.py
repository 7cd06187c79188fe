"""Back-test: forecasts of the trade of states from years of the past, scored on what came.

``origin`` turns a year of history into a scenario, ``forecast`` runs it and its rivals, ``scoring``
scores them cell by cell, ``result`` sums up. ``calibrate`` finds what the years up to a cut say
about the numbers of trade, and ``calibration`` writes it down.
"""

from sim.analysis.backtest.forecast import Plan
from sim.analysis.backtest.result import Backtest
from sim.analysis.backtest.run import run_backtest

__all__ = ["Backtest", "Plan", "run_backtest"]
