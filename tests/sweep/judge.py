"""What became of sweeps: all their bits, and which rows were computed when."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sweep.driver import shared_driver

from sim.sweep import Sweep, open_sweep

SHORT: Final = ("replicates=30", "outcomes=[dependence]", "horizon.end=2026H2")
PAIR: Final = (*SHORT, "powers.eu.budget.value=2,3")
"""2 cells."""
FEW: Final = (*SHORT, "powers.eu.budget.value=2,3", "powers.cn.budget.value=5,6")
"""4 cells."""
SMALL: Final = (
    *SHORT,
    "powers.eu.budget.value=2,3,4,5",
    "powers.cn.budget.value=5,6,7",
    "powers.ru.budget.value=1,2",
)
"""24 cells."""
BLOCKS: Final = ("replicates=1100", *SHORT[1:], "powers.eu.budget.value=2,3,4")
"""3 cells of two blocks each."""
TRAJECTORIES: Final = (*FEW, "sweep.keep=trajectories")
TINY: Final = {"sim.sweep.runner.BLOCK": 12}
"""Constants with which 30 replicates are three blocks."""
HASTY: Final = {"sim.sweep.streams.SEAL_BYTES": 6000}
"""Constants with which a stream is sealed after a few rows."""

Content = tuple[Any, ...]
Rows = dict[tuple[str, int], float]
"""Seconds that rows took, by cell and first replicate: no second computation takes the same."""


def the_sweep(root: Path) -> Sweep:
    """The only sweep in a folder."""
    (folder,) = (path for path in root.iterdir() if not path.name.startswith("."))
    return open_sweep(folder)


def parts(root: Path) -> Path:
    """Folder with the rows of the only sweep in a folder, which need not exist."""
    return next((path for path in root.glob("*/") if path.name[0] != "."), root) / "parts"


def content(root: Path) -> Content:
    """All bits of the data and the table of the only sweep in a folder."""
    sweep = the_sweep(root)
    data, table = sweep.data, sweep.table()
    arrays = {
        str(name): (array.dims, str(array.dtype), array.shape, _bits(array.to_numpy()))
        for name, array in data.variables.items()
    }
    columns = {str(name): _bits(table[name].to_numpy()) for name in table.columns}
    return list(map(str, data.data_vars)), arrays, list(columns), columns


def _bits(values: np.ndarray) -> bytes:
    return repr(values.tolist()).encode() if values.dtype == object else values.tobytes()


@lru_cache
def undisturbed(case: tuple[str, ...]) -> Content:
    """Content of a sweep with one worker whom nobody disturbs."""
    with tempfile.TemporaryDirectory() as root:
        shared_driver().complete(Path(root), *case)
        return content(Path(root))


def rows(folder: Path) -> list[Rows]:
    """Rows of each file that counts, read without the code that is tested."""
    files = {path: _read(path) for path in folder.glob("*") if path.suffix != ".tmp"}
    replaced = {
        name
        for path, table in files.items()
        if path.suffix == ".parquet"
        for name in json.loads((table.schema.metadata or {}).get(b"replaces", b"[]"))
    }
    found = []
    for path, table in files.items():
        if path.name not in replaced:
            pairs = zip(table["key"].to_pylist(), table["first"].to_pylist(), strict=True)
            found.append(dict(zip(pairs, table["seconds"].to_pylist(), strict=True)))
            assert len(found[-1]) == table.num_rows, f"{path}: a cell twice"
    return found


def _read(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    batches: list[pa.RecordBatch] = []
    with path.open("rb") as file, contextlib.suppress(pa.ArrowException, OSError, StopIteration):
        reader = pa.ipc.open_stream(file)
        while True:
            batches.append(reader.read_next_batch())
    if batches:
        return pa.Table.from_batches(batches)
    return pa.table({name: [] for name in ("key", "first", "seconds")})


class Witness:
    """Looks at a sweep that is disturbed again and again, and remembers its rows."""

    def __init__(self, root: Path) -> None:
        """Take the folder of the only sweep."""
        self.root = root
        self.seen: Rows = {}
        self.aside: Rows = {}

    def look(self) -> int:
        """Fail if a row is there twice, has gone, or was computed again; number of rows."""
        folder = parts(self.root)
        now: Rows = {}
        for part in rows(folder):
            assert not now.keys() & part.keys(), "a cell in two files"
            now |= part
        assert self.seen.items() <= now.items(), "a cell was lost, or computed again"
        self.seen = now
        aside: Rows = {}
        for part in rows(folder.with_name("blocks")):
            aside |= part
        again = {key for key in aside.keys() & self.aside.keys() if aside[key] != self.aside[key]}
        assert not again, "a block was computed again"
        self.aside |= aside
        return len(now)


def moments(count: int, seed: int) -> list[float]:
    """Numbers between 0 and 1, one in each of so many equal parts, in any order."""
    rng = random.Random(seed)
    found = [(place + rng.random()) / count for place in range(count)]
    rng.shuffle(found)
    return found


def fresh(parent: Path, name: object) -> Path:
    """A new folder for sweeps."""
    folder = parent / str(name)
    folder.mkdir()
    return folder
