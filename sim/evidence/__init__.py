"""The evidence ledger: documents, facts, and the strict loader.

The room is a function too: ``sim.evidence()`` is the ledger, ``sim.evidence().fact(...)`` a fact.
"""

import sys
from pathlib import Path
from types import ModuleType

from sim.evidence.ledger import Fact, Kind, Ledger, Source
from sim.evidence.loader import load_ledger

__all__ = ["Fact", "Kind", "Ledger", "Source", "load_ledger"]


class _Room(ModuleType):
    """Module that gives the ledger when called."""

    def __call__(self, *folders: str | Path) -> Ledger:
        """Ledger of the package, with the facts of further folders."""
        return load_ledger(tuple(Path(folder) for folder in folders))


sys.modules[__name__].__class__ = _Room
