"""Pools of worker processes that start clean and end with the process that started them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Final

WATCH_SECONDS: Final = 1.0
"""How often a worker looks whether its parent still lives."""


@contextmanager
def start_pool(
    workers: int,
    prepare: Callable[..., None],
    *arguments: Any,
    orphaned: Callable[[], None] | None = None,
) -> Iterator[ProcessPoolExecutor]:
    """Pool of processes; give it tasks inside ``hidden_main``.

    Parameters
    ----------
    workers : number of processes.
    prepare, arguments : what each worker calls first.
    orphaned : called by a worker whose parent was killed, before it ends.
    """
    start = (_start, (os.getpid(), orphaned, prepare, arguments))
    pool = ProcessPoolExecutor(workers, get_context("spawn"), *start)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # after an error, what has not begun need not be done


@contextmanager
def hidden_main() -> Iterator[None]:
    """Start processes that do not run the caller's script again: they need none of it."""
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    vars(main).pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(kept)


def _start(
    parent: int,
    orphaned: Callable[[], None] | None,
    prepare: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears of it and ends its workers
    threading.Thread(target=_watch, args=(parent, orphaned), daemon=True).start()
    prepare(*arguments)


def _watch(parent: int, orphaned: Callable[[], None] | None) -> None:
    """End the worker when the process that started it was killed."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    if orphaned is not None:
        orphaned()
    os._exit(1)
