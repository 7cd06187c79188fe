"""Appends rows to a file of one process; see ``sim.sweep.parts``."""

from __future__ import annotations

import os
import socket
import uuid
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any

import pyarrow as pa

from sim.sweep.parts import CHECKSUM, SEAL_BYTES, STREAM, Parts, checksum, said


class Stream:
    """Appends rows to a file of this process.

    Raises
    ------
    MultivectorError
        The file cannot be written, as when the disk is full.
    """

    _file: FileIO
    _made: BytesIO  # by the writer, and not in the file yet
    _writer: Any
    _end: int  # of the last whole row

    def __init__(self, parts: Parts, label: str) -> None:
        """Open no file yet; ``label`` begins its name."""
        self.parts, self.label = parts, label
        self.path: Path | None = None

    def append(self, rows: pa.RecordBatch) -> None:
        """Write rows so that a kill of this process does not lose them."""
        if self.path is None:
            self._open()
        assert self.path is not None
        with said(self.path):
            try:
                self._writer.write_batch(rows, custom_metadata={CHECKSUM: checksum(rows)})
                self._pour()
            except BaseException:
                self._leave()
                raise
        if self._end > SEAL_BYTES:
            self.seal()

    def seal(self) -> None:
        """End the file and turn it into a part."""
        if self.path is None:
            return
        path, self.path = self.path, None
        with said(path), self._file:
            self._writer.close()
            self._pour()
            os.fsync(self._file.fileno())
        self.parts.seal([path])

    def _pour(self) -> None:
        """Put into the file what the writer has made."""
        data = memoryview(self._made.getvalue())
        end = self._end + len(data)
        try:
            while data:
                data = data[self._file.write(data) :]
        finally:
            if os.fstat(self._file.fileno()).st_size == end:
                self._end = end
        self._made.seek(0)
        self._made.truncate()

    def _leave(self) -> None:
        """End the file after its last whole row; the next goes to another file."""
        assert self.path is not None
        path, self.path = self.path, None
        self._file.close()
        os.truncate(path, self._end)

    def _open(self) -> None:
        host = socket.gethostname().split(".")[0]
        name = f"{self.label}-{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}{STREAM}"
        path = self.parts.folder / name
        with said(path):
            self.parts.folder.mkdir(parents=True, exist_ok=True)
            self._file = path.open("xb", buffering=0)
            self.path, self._end, self._made = path, 0, BytesIO()
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            self._writer = pa.ipc.new_stream(self._made, self.parts.form, options=options)
