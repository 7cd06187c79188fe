"""The folder of a sweep: manifest, plan, parts; made whole, never mixed with another version."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import InputError, MultivectorError
from sim.plain import plain, restore
from sim.scenario import Scenario
from sim.sweep.keep import Keep
from sim.sweep.parts import DONE, FAILED, PART, Parts, batches, schema
from sim.sweep.plan import FORMAT, Cell, Plan
from sim.sweep.streams import Stream

MANIFEST: Final = "manifest.json"
CELLS: Final = "cells.parquet"
BASES: Final = "scenarios.parquet"
_STATE: Final = ("key", "first", "count", "status")
_CHANGED: Final = {
    "format": "the layout of sweep folders",
    "code": "the code",
    "ledger": "the evidence ledger",
    "versions": "the version of a library",
    "content": "the configuration",
}
"""What must agree before a sweep goes on, in the order in which it is said."""


@dataclass(frozen=True)
class Stored:
    """What a sweep has: by cell key the status of its row, or of each block by first replicate."""

    rows: Mapping[str, Mapping[int, str]]
    counts: Mapping[str, int]  # replicates stored by cell

    def failed(self, key: str) -> bool:
        """Whether a cell has failed."""
        return FAILED in self.rows.get(key, {}).values()

    def done(self, key: str, replicates: int) -> bool:
        """Whether a cell is whole."""
        return not self.failed(key) and self.counts.get(key, 0) >= replicates

    def has(self, key: str, first: int) -> bool:
        """Whether a block of a cell is there."""
        return self.rows.get(key, {}).get(first) == DONE


class Folder:
    """A sweep on disk."""

    def __init__(self, path: Path, manifest: Mapping[str, Any]) -> None:
        """Take a folder and what its manifest says."""
        self.path, self.manifest = path, manifest
        self.keep = Keep(manifest["keep"])
        self.outcomes = tuple(manifest["outcomes"])
        identity = [manifest["name"], manifest["keep"], *(manifest[key] for key in _CHANGED)]
        self.id = blake2b(json.dumps(identity).encode(), digest_size=16).hexdigest()
        self.parts = Parts(path / "parts", schema(self.id, self.outcomes))

    @property
    def locks(self) -> Path:
        """Folder of the locks of shards at work."""
        return self.path / "locks"

    def stored(self) -> Stored:
        """What is there."""
        table = self.parts.read(_STATE).to_pydict()
        rows: dict[str, dict[int, str]] = {}
        counts: dict[str, int] = {}
        for key, first, count, status in zip(*table.values(), strict=True):
            rows.setdefault(key, {})[first] = status
            counts[key] = counts.get(key, 0) + count * (status == DONE)
        return Stored(rows, counts)

    def complete(self, plan: Plan) -> bool:
        """Whether every cell has a row."""
        stored = self.stored()
        return all(
            stored.failed(cell.key) or stored.done(cell.key, cell.replicates) for cell in plan.cells
        )

    def adopt(self, keys: set[str], stream: Stream) -> int:
        """Copy cells that other sweeps beside this one hold; returns their number."""
        missing = keys - set(self.stored().rows)
        found = 0
        for sibling in sorted(self.path.parent.glob(f"*/{MANIFEST}")):
            if sibling.parent == self.path or not missing:
                continue
            try:
                other = open_folder(sibling.parent)
                if other.keep is not self.keep or other.outcomes != self.outcomes:
                    continue
                stored = other.stored()
                wanted = {key for key in missing if key in stored.rows and not stored.failed(key)}
                rows = other.parts.read() if wanted else None
            except InputError:
                continue  # not a sweep that could help
            if rows is None:
                continue
            chosen = pa.compute.is_in(rows["key"], pa.array(sorted(wanted)))
            for batch in batches(rows.filter(chosen)):
                stream.append(pa.RecordBatch.from_arrays(batch.columns, schema=self.parts.form))
            missing -= wanted
            found += len(wanted)
        return found

    def has_block(self, name: str) -> bool:
        """Whether a block of a cell was put aside."""
        return (self.path / "blocks" / f"{name}{PART}").exists()

    def clear_blocks(self, key: str = "") -> None:
        """Delete the blocks that were put aside for a cell, or for all."""
        for path in (self.path / "blocks").glob(f"{key}*"):
            path.unlink(missing_ok=True)

    def cells(self) -> list[Cell]:
        """All cells of the plan."""
        rows = _table(self.path / CELLS).to_pylist()
        return [
            Cell(
                number=row["cell"],
                base=row["base"],
                settings=json.loads(row["settings"]),
                replicates=row["replicates"],
                key=row["key"],
                axes=row["axes"],
            )
            for row in rows
        ]

    def labels(self) -> list[dict[str, str]]:
        """What was chosen for each base."""
        table = _table(self.path / BASES, ["labels"])
        return [json.loads(text) for text in table["labels"].to_pylist()]

    def scenario(self, base: int) -> Scenario:
        """A scenario before the settings of cells."""
        table = _table(self.path / BASES, ["scenario", "baseline"])
        content = json.loads(table["scenario"][base].as_py())
        baseline = table["baseline"][base].as_py()
        scenario = restore(content)
        return replace(scenario, baseline=restore(json.loads(baseline))) if baseline else scenario


def find_folder(plan: Plan, root: Path) -> Folder | None:
    """The folder of a sweep that has begun, if there is one.

    Raises
    ------
    InputError
        Something has changed since it began.
    """
    target = root / plan.name
    if not target.exists():
        return None
    found = open_folder(target)
    for key, what in _CHANGED.items():
        was, now = found.manifest[key], plan.manifest[key]
        if was != now:
            detail = f": {_short(was)} then, {_short(now)} now" if key != "content" else ""
            raise InputError(
                f"{target}: {what} has changed since this sweep began{detail}; its cells would "
                "not fit together. Move the folder away, or give another with sweep.dir"
            )
    return found


def make_folder(plan: Plan, root: Path) -> Folder:
    """The folder of a sweep: found, or made.

    Raises
    ------
    InputError
        Something has changed since it began.
    MultivectorError
        It cannot be written, as when the disk is full.
    """
    target = root / plan.name
    if not target.exists():
        try:
            _write(Folder(target, plan.manifest), plan)
        except OSError as error:
            if not target.exists():  # else another process was quicker
                reason = error.strerror or error
                raise MultivectorError(f"cannot write {target}: {reason}") from None
        for part in root.glob(f".{plan.name}.*.part"):  # of processes that were killed
            shutil.rmtree(part, ignore_errors=True)
    found = find_folder(plan, root)
    assert found is not None
    return found


def open_folder(path: str | Path) -> Folder:
    """Open a sweep folder.

    Raises
    ------
    InputError
        The folder holds no sweep, or its manifest is torn.
    """
    folder = Path(path)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: no sweep here ({MANIFEST} is missing)") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise InputError(f"{folder / MANIFEST}: not readable") from None
    needed = {"name", "keep", "outcomes", "design", "axes", *_CHANGED}
    if not isinstance(manifest, dict) or not needed <= set(manifest):
        raise InputError(f"{folder / MANIFEST}: not the manifest of a sweep")
    if manifest["format"] != FORMAT:
        raise InputError(
            f"{folder}: {_CHANGED['format']} has changed: {manifest['format']} there, this version "
            f"reads {FORMAT}"
        )
    return Folder(folder, manifest)


def _table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Part of the plan of a sweep."""
    try:
        return pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException):
        raise InputError(
            f"{path}: missing or not readable; the sweep cannot be opened without it"
        ) from None


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return str(value)[:12]


def _write(folder: Folder, plan: Plan) -> None:
    """Write manifest and plan whole or not at all."""
    part = folder.path.parent / f".{folder.path.name}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        pq.write_table(_cell_table(plan), part / CELLS, compression="zstd")
        pq.write_table(_base_table(plan), part / BASES, compression="zstd", use_dictionary=True)
        text = json.dumps(plan.manifest, indent=1)
        (part / MANIFEST).write_text(text + "\n", encoding="utf-8")
        os.replace(part, folder.path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _cell_table(plan: Plan) -> pa.Table:
    return pa.table(
        {
            "cell": [cell.number for cell in plan.cells],
            "key": [cell.key for cell in plan.cells],
            "base": [cell.base for cell in plan.cells],
            "replicates": [cell.replicates for cell in plan.cells],
            "axes": [cell.axes for cell in plan.cells],
            "settings": [json.dumps(cell.settings) for cell in plan.cells],
        }
    )


def _base_table(plan: Plan) -> pa.Table:
    known: dict[int, str] = {}

    def text(scenario: Scenario | None) -> str | None:
        if scenario is None:
            return None
        if id(scenario) not in known:
            known[id(scenario)] = json.dumps(plain(scenario))
        return known[id(scenario)]

    return pa.table(
        {
            "labels": [json.dumps(dict(base.labels)) for base in plan.bases],
            "scenario": [
                json.dumps(plain(replace(base.scenario, baseline=None))) for base in plan.bases
            ],
            "baseline": pa.array(
                [text(base.scenario.baseline) for base in plan.bases], pa.string()
            ),
        }
    )
