"""What a sweep will take, from a short pilot."""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sim.ensemble import sizes
from sim.recorder import layouts
from sim.sweep.bench import Bench, Kind, Task
from sim.sweep.keep import shape
from sim.sweep.plan import Cell, Plan
from sim.sweep.runner import BLOCK

PILOTS: Final = 4
"""Cells that are tried, one after the other, until one does not fail."""
PILOT_RUNS: Final = BLOCK
"""Replicates of the pilot."""
PROCESS_BYTES: Final = 170 * 2**20
"""Memory of a process with its libraries, before the first cell."""
ARRAYS: Final = 2.5
"""Arrays at hand while a block is computed, in multiples of what it records."""
KILO: Final = 1000
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_NUMBER: Final = np.dtype(np.float64).itemsize


@dataclass(frozen=True)
class Estimate:
    """Time in seconds, disk and memory in bytes; rough, from a pilot on a busy machine."""

    seconds: float
    disk: float
    memory: float

    def text(self) -> str:
        """One line."""
        return (
            f"about {_duration(self.seconds)}, {_amount(self.disk)} of disk, "
            f"{_amount(self.memory)} of memory"
        )


def estimate(plan: Plan, cells: Sequence[Cell], workers: int) -> Estimate | None:
    """What the cells given will take, from the first that can be run; None if a few all fail.

    Parameters
    ----------
    cells : those that are to be computed, at least one.
    workers : processes that share the work.
    """
    pilots = (_pilot(plan, cell) for cell in cells[:PILOTS])
    spent = next((seconds for seconds in pilots if seconds is not None), None)
    if spent is None:
        return None
    first = cells[0]
    scenario = plan.scenario(first)
    lengths = sizes(scenario, min(first.replicates, BLOCK))
    parts = layouts(scenario.steps, lengths, scenario.outcomes)
    arrays = [array for part in parts for array in part.values()]
    room = sum(np.prod(form) * np.dtype(kind).itemsize for form, kind in arrays)
    row = sum(
        np.prod(shape(plan.keep, name, lengths, scenario.steps, first.replicates))
        for name in plan.outcomes
    )
    busy = min(workers, len(cells))
    return Estimate(
        seconds=spent * sum(cell.replicates for cell in cells) / busy,
        disk=float(row * _NUMBER * len(cells)),
        memory=float(PROCESS_BYTES * (busy + (busy > 1)) + ARRAYS * room * busy),
    )


def _pilot(plan: Plan, cell: Cell) -> float | None:
    """Seconds that a replicate of a cell takes, None if it fails: its row will say why."""
    bench = Bench(Path(), plan.keep, plan.outcomes, "")
    count = min(cell.replicates, PILOT_RUNS)
    task = Task(
        kind=Kind.ROW,
        key=cell.key,
        base=cell.base,
        pickled=pickle.dumps(plan.bases[cell.base].scenario),
        settings=dict(cell.settings),
        first=0,
        count=count,
    )
    try:
        bench.compute(task)  # what only the first cell pays
        began = time.perf_counter()
        bench.compute(task)
    except Exception:
        return None
    return (time.perf_counter() - began) / count


def _duration(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"


def _amount(size: float) -> str:
    unit = min(int(math.log(max(size, 1.0), KILO)), len(_UNITS) - 1)
    number = size / KILO**unit
    return f"{number:.0f} {_UNITS[unit]}" if number >= 10 else f"{number:.1f} {_UNITS[unit]}"
