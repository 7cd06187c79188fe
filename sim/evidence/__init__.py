"""The evidence ledger: documents, facts, systems, and the strict loaders.

The room is a function too: ``sim.evidence()`` is the ledger, ``sim.evidence().fact(...)`` a fact.

Examples
--------
>>> fact = sim.evidence().fact("trade-ca5-ru-2024-447")
>>> fact.figure, fact.period
('44.7 USD bn/yr', '2024')
"""

import sys
from pathlib import Path
from types import ModuleType

from sim.evidence.ledger import Fact, Kind, Ledger, Source
from sim.evidence.loader import load_ledger
from sim.evidence.systems import HeldAs, System, load_systems

__all__ = ["Fact", "HeldAs", "Kind", "Ledger", "Source", "System", "load_ledger", "load_systems"]


class _Room(ModuleType):
    """Module that gives the ledger when called."""

    def __call__(self, *folders: str | Path) -> Ledger:
        """Ledger of the package, with the facts of further folders."""
        return load_ledger(tuple(Path(folder) for folder in folders))


sys.modules[__name__].__class__ = _Room
