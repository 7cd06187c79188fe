"""Where cells are computed: one bench a process, which keeps what cells have in common."""

from __future__ import annotations

import pickle
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sim.axes import FloatArray
from sim.draws import Drawer
from sim.ensemble import Host, sizes
from sim.errors import MultivectorError
from sim.outcomes import Data
from sim.recorder import derive, layouts
from sim.scenario import Scenario
from sim.shared import Layout, separate
from sim.sweep.keep import Keep, by_replicate, shape, statistics
from sim.sweep.parts import DONE, FAILED, Parts, row, schema
from sim.vary import vary

DIRECT_BYTES: Final = 4 * 2**20
"""Rows above this size are written as parts where they are computed, not sent to the parent."""


class Kind(Enum):
    """What a task is about."""

    ROW = "row"  # a block of replicates whose row is stored
    BLOCK = "block"  # one of several blocks of a cell, put aside
    CELL = "cell"  # the row of a cell from its blocks


@dataclass(frozen=True)
class Task:
    """A piece of work: a block of replicates of a cell, or the cell's row from its blocks."""

    kind: Kind
    key: str
    base: int
    pickled: bytes  # scenario of the base
    settings: dict[str, Any]
    first: int
    count: int

    @property
    def block(self) -> str:
        """Name of the file of a block that is put aside."""
        return f"{self.key}-{self.first}"


@dataclass(frozen=True)
class Result:
    """What became of a task; rows that were written already are not sent."""

    status: str
    reason: str | None
    rows: pa.RecordBatch | None


class Bench:
    """Computes tasks one after the other."""

    def __init__(self, folder: Path, keep: Keep, outcomes: tuple[str, ...], identity: str) -> None:
        """Take the folder of a sweep and what it keeps."""
        self.keep, self.outcomes = keep, outcomes
        self.parts = Parts(folder / "parts", schema(identity, outcomes))
        self.blocks = Parts(folder / "blocks", schema(identity, outcomes))
        self._drawer = Drawer()
        self._base: tuple[int, Scenario] | None = None
        self._layout: tuple[Layout, Layout] | None = None
        self._room: tuple[Data, Data] = {}, {}

    def run(self, task: Task) -> Result:
        """Compute a task; a cell that fails gives a row with the reason.

        Raises
        ------
        MultivectorError
            A result cannot be written.
        """
        began = time.perf_counter()
        try:
            data = self.compute(task)
        except Exception as error:
            reason = str(error) or type(error).__name__
            return failure(task, reason, self.parts.form, traceback.format_exc())
        head = {
            "key": task.key,
            "first": task.first,
            "count": task.count,
            "status": DONE,
            "seconds": time.perf_counter() - began,
        }
        rows = row(self.parts.form, head, data)
        if task.kind is Kind.BLOCK:
            self.blocks.write(pa.Table.from_batches([rows]), name=task.block)
        elif rows.nbytes > DIRECT_BYTES:
            self.parts.write(pa.Table.from_batches([rows]))
        else:
            return Result(DONE, None, rows)
        return Result(DONE, None, None)

    def scenario(self, task: Task) -> Scenario:
        """What a task runs."""
        if self._base is None or self._base[0] != task.base:
            self._base = task.base, pickle.loads(task.pickled)
        return vary(self._base[1], task.settings)

    def compute(self, task: Task) -> Data:
        """What is stored of a cell or block, and nothing written."""
        if task.kind is Kind.CELL:
            return self._from_blocks(task)
        scenario = self.scenario(task)
        host = Host(scenario, self._drawer)
        lengths = sizes(scenario, task.count)
        layout = layouts(scenario.steps, lengths, scenario.outcomes)
        if layout != self._layout:
            self._room = separate(layout[0]), separate(layout[1])
            self._layout = layout
        data, final = self._room
        host.run(range(task.first, task.first + task.count), data, final)
        derived = derive(data, final, scenario.horizon.step, scenario.outcomes)
        found = by_replicate(self.keep, self.outcomes, *derived)
        whole = task.kind is Kind.ROW and self.keep.over_replicates
        return {name: statistics(array) for name, array in found.items()} if whole else found

    def _from_blocks(self, task: Task) -> Data:
        """Statistics over all blocks of a cell, one outcome at a time."""
        scenario = self.scenario(task)
        paths = sorted(
            self.blocks.folder.glob(f"{task.key}-*.parquet"),
            key=lambda path: int(path.stem.rpartition("-")[2]),
        )
        found: Data = {}
        for name in self.outcomes:
            pieces = [self._block(path, name, scenario) for path in paths]
            if sum(piece.shape[-1] for piece in pieces) != task.count:
                raise MultivectorError(f"{self.blocks.folder}: blocks of a cell are missing")
            found[name] = statistics(np.concatenate(pieces, axis=-1))
        return found

    def _block(self, path: Path, name: str, scenario: Scenario) -> FloatArray:
        table = self.blocks.read_file(path, ["count", name])
        count = table["count"][0].as_py()
        lengths = sizes(scenario, count)
        by = Keep.REPLICATES if self.keep.over_time else Keep.TRAJECTORIES
        flat = table[name].combine_chunks().values.to_numpy()
        return np.asarray(flat.reshape(shape(by, name, lengths, scenario.steps, count)))


def failure(task: Task, reason: str, form: pa.Schema, trace: str | None = None) -> Result:
    """Row of a cell that could not be computed; it gives way to the row that a retry brings."""
    first = task.first if task.kind is Kind.ROW else 0
    head = {"key": task.key, "first": first, "count": task.count, "status": FAILED}
    return Result(FAILED, reason, row(form, head | {"reason": reason, "traceback": trace}, {}))


_bench: Bench | None = None


def prepare(make: Callable[[], Bench]) -> None:
    """Set up the bench of a worker process."""
    global _bench
    _bench = make()


def work(task: Task) -> Result:
    """Compute a task at the bench of this worker."""
    assert _bench is not None
    return _bench.run(task)
