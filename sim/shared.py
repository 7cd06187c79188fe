"""Arrays that several processes write to, in a file that vanishes when nobody uses it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.errors import MultivectorError

MEMORY_FOLDER: Final = Path("/dev/shm")
"""Where files live in memory, on systems that have it."""

Layout = Mapping[str, tuple[tuple[int, ...], str]]
"""Shape and type of each array."""
Arrays = dict[str, NDArray[Any]]


def separate(layout: Layout) -> Arrays:
    """Arrays of this process alone."""
    return {name: np.empty(shape, dtype=dtype) for name, (shape, dtype) in layout.items()}


@contextmanager
def shared(layout: Layout) -> Iterator[Path]:
    """File with room for all arrays; its name goes at the end, its memory when the arrays go.

    Raises
    ------
    MultivectorError
        When neither memory nor the folder for temporary files has room.
    """
    size = sum(_bytes(shape, dtype) for shape, dtype in layout.values())
    path = _make_room(size)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def attach(path: Path, layout: Layout) -> Arrays:
    """Arrays in a shared file."""
    found: Arrays = {}
    start = 0
    for name, (shape, dtype) in layout.items():
        found[name] = np.asarray(np.memmap(path, dtype, "r+", start, shape))
        start += _bytes(shape, dtype)
    return found


def _bytes(shape: tuple[int, ...], dtype: str) -> int:
    return prod(shape) * np.dtype(dtype).itemsize


def _make_room(size: int) -> Path:
    failure: OSError | None = None
    for folder in (MEMORY_FOLDER, Path(tempfile.gettempdir())):
        if not folder.is_dir():
            continue
        handle, name = tempfile.mkstemp(prefix="multivector-", dir=folder)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, size)
            else:
                os.truncate(handle, size)
            return Path(name)
        except OSError as error:
            failure = error
            Path(name).unlink()
        finally:
            os.close(handle)
    raise MultivectorError(f"no room for {size / 1e9:.1f} GB of results: {failure}")
