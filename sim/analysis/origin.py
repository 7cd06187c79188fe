"""What a question is asked of: a scenario, and the stored run or sweep that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.analysis import given
from sim.code import code_digest, versions
from sim.errors import InputError
from sim.evidence import Ledger
from sim.scenario import Scenario
from sim.store import Run
from sim.sweep import Sweep
from sim.sweep.plan import REDUCING

Result = Run | Sweep | Scenario
"""What analyses take: a run, a sweep of which one cell is meant, or a scenario that is run."""


@dataclass(frozen=True)
class Origin:
    """A scenario with what is known of its results.

    Attributes
    ----------
    name : of the run, the sweep and its cell, or the scenario.
    manifest : of the run or sweep; empty for a scenario.
    stored : the run or sweep, if there is one. cell : its number in a sweep.
    """

    scenario: Scenario
    name: str
    manifest: Mapping[str, Any]
    stored: Run | Sweep | None = None
    cell: int | None = None

    def check_replicate(self, replicate: int) -> None:
        """Refuse a replicate that the run does not have."""
        count = self.scenario.replicates
        if not 0 <= given.whole("replicate", replicate) < count:
            raise InputError(f"replicate: {self.name} has 0 to {count - 1}, not {replicate}")


def origin_of(result: Result, cell: int | None = None) -> Origin:
    """Scenario behind a run, a cell of a sweep, or itself.

    Raises
    ------
    InputError
        A cell is missing, does not exist, or is given for something without cells.
    """
    if cell is not None:
        given.whole("cell", cell)
    if isinstance(result, Sweep):
        if cell is None:
            if len(result.cells) > 1:
                raise InputError(
                    f"{result.folder}: has cells 0 to {len(result.cells) - 1}; say which"
                )
            cell = 0
        name = f"{result.manifest['name']}, cell {cell}"
        return Origin(result.scenario(cell), name, result.manifest, result, cell)
    if cell is not None:
        raise InputError(f"cell {cell}: only a sweep has cells")
    if isinstance(result, Run):
        return Origin(result.scenario, result.name, result.manifest, result)
    if isinstance(result, Scenario):
        return Origin(result, result.name, {})
    raise InputError(
        f"{result!r} is neither a run, nor a sweep or scenario; open what is stored with "
        "sim.open_run or sim.open_sweep, or take sim.load_scenario"
    )


def changes_since(origin: Origin, ledger: Ledger) -> list[str]:
    """What differs between now and when a run or sweep was stored, in words."""
    manifest = origin.manifest
    if not manifest:
        return []
    found = []
    beside = REDUCING if isinstance(origin.stored, Sweep) else ()
    if manifest["code"] != code_digest(*beside):
        found.append("the code has changed")
    if manifest["ledger"] != ledger.digest:
        found.append("the evidence ledger has changed")
    now = versions()
    for library, was in manifest["versions"].items():
        if now.get(library, was) != was:
            found.append(f"{library} was {was} and is {now[library]}")
    return found
