"""Who works on which part of a sweep: two processes never compute the same cell at once.

A process holds the lock of its shard while it works; the operating system lets go of it when the
process ends, however it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import BaseFileLock, FileLock, Timeout

from sim.errors import InputError, MultivectorError

PATIENCE: Final = 60.0
"""Seconds to wait for another process that is just starting or ending."""
_NAME: Final = re.compile(r"shard-(\d+)-of-(\d+)\.lock")


@dataclass(frozen=True)
class Shard:
    """One of several parts of a sweep, counted from 1."""

    part: int = 1
    parts: int = 1

    @property
    def label(self) -> str:
        """Beginning of the names of its files."""
        return f"shard-{self.part}-of-{self.parts}"

    def meets(self, other: Shard, cells: int) -> bool:
        """Whether two parts, perhaps of different cuts, share a cell among so many."""
        if self.parts == other.parts:
            return self.part == other.part
        mine = set(range(self.part - 1, cells, self.parts))
        return not mine.isdisjoint(range(other.part - 1, cells, other.parts))


def read_shard(text: object) -> Shard:
    """Shard as written, ``3/16``.

    Raises
    ------
    InputError
        It is not of this form.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", str(text))
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise InputError(f"shard: '{text}' is not of the form 3/16, the third of sixteen parts")
    return Shard(int(match[1]), int(match[2]))


@contextmanager
def claim(folder: Path, shard: Shard, cells: int) -> Iterator[None]:
    """Hold a shard of a sweep.

    Raises
    ------
    InputError
        Another process is at work on some of the same cells.
    MultivectorError
        The folder cannot be locked, as when the disk is full.
    """
    mine = FileLock(folder / f"{shard.label}.lock", timeout=0)
    with _door(folder, PATIENCE):
        for path in _locks(folder):
            other = _shard_of(path)
            if not _held(path):
                path.unlink(missing_ok=True)
            elif shard.meets(other, cells):
                raise InputError(
                    f"{folder.parent}: another process is at work on part {other.part}/"
                    f"{other.parts} of this sweep; wait for it or stop it"
                )
        _acquire(mine)
    try:
        yield
    finally:
        with _door(folder, PATIENCE):
            mine.release()
            Path(mine.lock_file).unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Keep others from starting or ending; yields whether nobody is at work on the sweep."""
    with ExitStack() as stack:
        try:
            stack.enter_context(_door(folder, 0.0))
        except InputError:  # somebody is just starting or ending
            yield False
        else:
            yield not any(map(_held, _locks(folder)))


@contextmanager
def _door(folder: Path, patience: float) -> Iterator[None]:
    lock = FileLock(folder / "door.lock", timeout=patience)
    try:
        _acquire(lock)
    except Timeout:
        raise InputError(f"{folder.parent}: another process holds this sweep") from None
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: BaseFileLock) -> None:
    path = Path(lock.lock_file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise
    except (NotImplementedError, OSError) as error:
        raise MultivectorError(
            f"{path}: cannot be locked ({error}); a sweep needs a file system with locks"
        ) from None


def _locks(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _shard_of(path: Path) -> Shard:
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return Shard(int(match[1]), int(match[2]))


def _held(path: Path) -> bool:
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False
