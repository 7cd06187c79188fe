"""Sweeps: many cells, each a scenario with settings, computed once and never lost.

The room is a function too: ``sim.sweep(scenario, design)`` computes what is not stored yet and
gives a ``Sweep``. The way of the data: ``designs`` and ``factors`` say which points, ``layout``
makes them the cells of a ``plan``, ``runner`` has them computed at a ``bench``, ``streams`` and
``parts`` keep their rows, ``results`` labels them.

Examples
--------
>>> from tempfile import TemporaryDirectory
>>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2027H1", replicates=20)
>>> design = sim.sweep.Grid(over=("powers.eu.budget",), points=3)
>>> with TemporaryDirectory() as folder:
...     print(sim.sweep(scenario, design, folder=folder, workers=1).text())
3 of 3 cells done, 0 failed
"""

import sys
from types import ModuleType
from typing import Any

from sim.sweep.call import sweep
from sim.sweep.designs import DESIGNS, Grid, LatinHypercube, Morris, Single, Sobol, Zipped
from sim.sweep.keep import STATISTICS, Keep
from sim.sweep.results import Sweep, open_sweep

__all__ = [
    "DESIGNS",
    "STATISTICS",
    "Grid",
    "Keep",
    "LatinHypercube",
    "Morris",
    "Single",
    "Sobol",
    "Sweep",
    "Zipped",
    "open_sweep",
    "sweep",
]


class _Room(ModuleType):
    """Module that computes a sweep when called."""

    def __call__(self, *arguments: Any, **named: Any) -> Sweep:
        """As ``sim.sweep.sweep``."""
        return sweep(*arguments, **named)


sys.modules[__name__].__class__ = _Room
