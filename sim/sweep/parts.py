"""Rows of a sweep on disk: append-only streams while it runs, Parquet parts afterwards.

A row is what is stored of a cell, or of a block of its replicates. A process appends each row to a
stream of its own (Arrow IPC) as soon as it is computed, so that a kill loses only what was being
computed; the torn end of a stream is left out when it is read. At the end, or when it has grown, a
stream is sealed into one Parquet part, written under another name, synced and renamed. A part names
the files that it replaces: until they are deleted, readers pass over them.
"""

from __future__ import annotations

import json
import os
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import InputError, MultivectorError

STREAM, PART, TEMPORARY = ".arrow", ".parquet", ".tmp"
SEAL_BYTES: Final = 64 * 2**20
"""Size at which a stream is sealed, and below which parts are merged in the end."""
HEAD: Final = pa.schema(
    [
        ("key", pa.string()),
        ("first", pa.int64()),
        ("count", pa.int64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("traceback", pa.string()),
        ("seconds", pa.float64()),
    ]
)
"""What every row says: cell, first replicate and their number, what became of it, wall seconds."""
DONE, FAILED = "done", "failed"
_TRIES: Final = 5
"""Times that a folder is read again when files vanish under a reader's eyes."""
_SWEEP, _REPLACES, CHECKSUM = b"sweep", b"replaces", b"checksum"


def schema(identity: str, outcomes: Sequence[str]) -> pa.Schema:
    """Columns of the rows of a sweep: the head, and one list of numbers an outcome."""
    columns = [pa.field(name, pa.list_(pa.float64())) for name in outcomes]
    return pa.schema([*HEAD, *columns]).with_metadata({_SWEEP: identity})


def row(form: pa.Schema, head: dict[str, Any], data: dict[str, np.ndarray]) -> pa.RecordBatch:
    """One row; outcomes that it does not have are null."""
    columns = []
    for item in form:
        if item.name in data:
            flat = np.array(data[item.name], dtype=np.float64, order="C").reshape(-1)
            offsets = pa.array([0, flat.size], pa.int32())
            columns.append(pa.ListArray.from_arrays(offsets, pa.array(flat)))
        else:
            columns.append(pa.array([head.get(item.name)], item.type))
    return pa.RecordBatch.from_arrays(columns, schema=form)


class Parts:
    """The folder of parts of one sweep."""

    def __init__(self, folder: Path, form: pa.Schema) -> None:
        """Take a folder that need not exist, and the columns of its rows."""
        self.folder, self.form = folder, form

    def files(self) -> list[Path]:
        """Files with rows, without those that another replaces."""
        found = sorted(path for path in self._names() if path.suffix in (STREAM, PART))
        replaced = {name for path in found if path.suffix == PART for name in self._replaces(path)}
        return [path for path in found if path.name not in replaced]

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows: one a cell and first replicate, done before failed, in no order.

        Raises
        ------
        InputError
            A part is torn, was changed, or belongs to another sweep.
        """
        tables: dict[Path, pa.Table] = {}
        for left in reversed(range(_TRIES)):
            there = set(self._names())
            try:
                for path in self.files():
                    if path not in tables:
                        tables[path] = self.read_file(path, columns)
            except FileNotFoundError:
                if not left:
                    raise
            else:
                if there == set(self._names()):  # nothing was sealed or merged meanwhile
                    break
        empty = self.form.remove_metadata().empty_table()
        names = list(columns) if columns is not None else empty.column_names
        return _first_of_each(pa.concat_tables([empty.select(names), *tables.values()]))

    def read_file(self, path: Path, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of one file; of a stream, those before its torn end."""
        if path.suffix == STREAM:
            table = self._read_stream(path)
            return table if columns is None else table.select(list(columns))
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                self._check(path, file.schema_arrow)
                table = file.read(None if columns is None else list(columns))
                if table.num_rows != file.metadata.num_rows:
                    raise pa.ArrowInvalid("rows are missing")
        except (FileNotFoundError, InputError):
            raise
        except Exception:  # bytes that were changed can make Arrow raise anything
            raise InputError(
                f"{path}: torn or changed; delete it to compute its cells anew"
            ) from None
        return table.replace_schema_metadata(None)

    def write(
        self, table: pa.Table, replaces: Sequence[Path] = (), name: str | None = None
    ) -> Path:
        """Write a part whole or not at all, then delete what it replaces.

        Raises
        ------
        MultivectorError
            It cannot be written, as when the disk is full.
        """
        names = [path.name for path in replaces]
        metadata = {**(self.form.metadata or {}), _REPLACES: json.dumps(names)}
        target = self.folder / f"{name or f'part-{uuid.uuid4().hex[:16]}'}{PART}"
        floats = [f"{f.name}.list.element" for f in self.form if pa.types.is_list(f.type)]
        with said(target):
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = self.folder / f"{target.stem}-{uuid.uuid4().hex[:8]}{TEMPORARY}"
            try:
                with temporary.open("wb") as file:
                    pq.write_table(
                        table.replace_schema_metadata(metadata),
                        file,
                        compression="zstd",
                        use_dictionary=False,
                        write_statistics=False,
                        write_page_checksum=True,
                        column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT") or None,
                    )
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
            _sync(self.folder)
            for path in replaces:
                path.unlink(missing_ok=True)
        return target

    def seal(self, streams: Sequence[Path]) -> None:
        """Turn streams that nobody writes to any more into one part."""
        if not streams:
            return
        rows = [self.read_file(path) for path in streams]
        table = _first_of_each(pa.concat_tables(rows)) if rows else None
        if table is None or not table.num_rows:
            for path in streams:
                path.unlink(missing_ok=True)
        else:
            self.write(table, streams)

    def merge(self) -> None:
        """Put small parts together, when nobody else writes."""
        self.tidy()
        small = [path for path in self.files() if path.stat().st_size < SEAL_BYTES]
        groups: list[list[Path]] = [[]]
        for path in small:
            if sum(other.stat().st_size for other in groups[-1]) > SEAL_BYTES:
                groups.append([])
            groups[-1].append(path)
        for group in groups:
            if len(group) > 1:
                rows = pa.concat_tables([self.read_file(path) for path in group])
                self.write(_first_of_each(rows), group)

    def tidy(self) -> None:
        """Delete what killed processes left half-written or replaced, and seal their streams.

        Only when nobody else writes.
        """
        kept = set(self.files())
        for path in self._names():
            if path not in kept and path.suffix in (STREAM, PART, TEMPORARY):
                path.unlink(missing_ok=True)
        self.seal(self.streams())

    def streams(self) -> list[Path]:
        """Streams in the folder."""
        return [path for path in self.files() if path.suffix == STREAM]

    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files())

    def _names(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

    def _replaces(self, path: Path) -> list[str]:
        try:
            metadata = pq.read_schema(path).metadata or {}
            names: list[str] = json.loads(metadata.get(_REPLACES, b"[]"))
        except Exception:
            return []  # reading it will say what is wrong
        return names

    def _read_stream(self, path: Path) -> pa.Table:
        batches = []
        with path.open("rb") as file:
            try:
                reader = pa.ipc.open_stream(file)
                self._check(path, reader.schema)
                while True:
                    rows, said = reader.read_next_batch_with_custom_metadata()
                    if said is None or said.get(CHECKSUM) != checksum(rows):
                        break
                    batches.append(rows)
            except (StopIteration, pa.ArrowException, OSError):
                pass  # its end, or where it is torn
        table = pa.Table.from_batches(batches, self.form) if batches else self.form.empty_table()
        return table.replace_schema_metadata(None)

    def _check(self, path: Path, found: pa.Schema) -> None:
        """Refuse the rows of another sweep, and columns that are not as they were written."""
        mine = (self.form.metadata or {})[_SWEEP]
        if (found.metadata or {}).get(_SWEEP) != mine:
            raise InputError(
                f"{path}: rows of another sweep, or of another version of this one; take it away"
            )
        if not found.equals(self.form):
            raise pa.ArrowInvalid("columns were changed")


@contextmanager
def said(path: Path) -> Iterator[None]:
    """Say where writing failed, and that what was written before is kept."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MultivectorError(
            f"cannot write {path}: {reason}; rows written before are kept, run the same command "
            "again to go on"
        ) from None


def _first_of_each(table: pa.Table) -> pa.Table:
    """One row a cell and first replicate: one that is done before one that failed."""
    if not table.num_rows or "key" not in table.column_names:
        return table
    place: dict[tuple[str, int], int] = {}
    keys, firsts = table["key"].to_pylist(), table["first"].to_pylist()
    status = table["status"].to_pylist()
    for number in sorted(range(len(keys)), key=lambda n: status[n] != DONE):
        place.setdefault((keys[number], firsts[number]), number)
    if len(place) == table.num_rows:
        return table
    return table.take(sorted(place.values()))


def checksum(rows: pa.RecordBatch) -> bytes:
    """Tells rows from a torn end that happens to look like some."""
    return str(zlib.crc32(rows.serialize())).encode()


def _sync(folder: Path) -> None:
    """Make a renaming last, on systems where folders can be synced."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Rows of a table as a stream takes them."""
    yield from table.combine_chunks().to_batches()
