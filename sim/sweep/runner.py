"""Runs the cells of a sweep that are not stored yet, on one process or several.

What is stored counts: a sweep that was stopped or killed goes on with what is missing.
"""

from __future__ import annotations

import pickle
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

from tqdm import tqdm

from sim.errors import MultivectorError
from sim.pool import hidden_main, start_pool
from sim.sweep import bench
from sim.sweep.bench import Bench, Kind, Result, Task
from sim.sweep.claims import alone, claim
from sim.sweep.conduct import Conduct, OnFailure
from sim.sweep.folder import Folder, Stored
from sim.sweep.parts import DONE, FAILED
from sim.sweep.plan import Cell, Plan
from sim.sweep.streams import Stream

AHEAD: Final = 2
"""Tasks given out for each worker, so that none waits."""
BLOCK: Final = 1024
"""Replicates that are computed together."""
LIVES: Final = 2
"""Workers that a task may bring down while it is the only one, before its cell has failed."""
KILLED: Final = "the process that computed it was killed; it may need more memory than there is"
"""Reason of a cell that has used up its lives."""
PROGRESS_DELAY: Final = 1.0
"""Seconds before a progress bar shows."""


def execute(plan: Plan, folder: Folder, conduct: Conduct) -> None:
    """Compute the cells of a shard that are not stored yet.

    Raises
    ------
    InputError
        Another process is at work on the same cells, or the folder holds what does not belong.
    MultivectorError
        A result cannot be written, or a cell failed where that ends the sweep.
    """
    cells = plan.shard(conduct.shard.part, conduct.shard.parts)
    with alone(folder.locks) as nobody_else:
        if nobody_else:
            folder.parts.tidy()
    with claim(folder.locks, conduct.shard, len(plan.cells)):
        stream = Stream(folder.parts, conduct.shard.label)
        try:
            folder.adopt({cell.key for cell in cells}, stream)
            tasks = _tasks(plan, cells, folder, conduct)
            _Run(plan, folder, conduct, stream).go(tasks)
        finally:
            stream.seal()
    with alone(folder.locks) as nobody_else:
        if nobody_else and folder.complete(plan):
            folder.parts.merge()
            folder.clear_blocks()


def missing(plan: Plan, cells: Sequence[Cell], stored: Stored, retry: bool = False) -> list[Cell]:
    """Cells that are not stored, each key once."""
    found = {
        cell.key: cell
        for cell in cells
        if not stored.done(cell.key, cell.replicates) and (retry or not stored.failed(cell.key))
    }
    return list(found.values())


def _tasks(plan: Plan, cells: Sequence[Cell], folder: Folder, conduct: Conduct) -> list[Task]:
    """What is to be done for the cells that are not stored."""
    stored = folder.stored()
    pickled: dict[int, bytes] = {}
    tasks: list[Task] = []
    for cell in missing(plan, cells, stored, conduct.retry):
        if cell.base not in pickled:
            pickled[cell.base] = pickle.dumps(plan.bases[cell.base].scenario)
        several = cell.replicates > BLOCK and plan.keep.over_replicates
        whole = Task(
            kind=Kind.ROW,
            key=cell.key,
            base=cell.base,
            pickled=pickled[cell.base],
            settings=dict(cell.settings),
            first=0,
            count=cell.replicates,
        )
        blocks = [
            replace(whole, kind=Kind.BLOCK if several else Kind.ROW, first=first, count=count)
            for first, count in _blocks(cell.replicates)
            if not stored.has(cell.key, first)
        ]
        tasks += [task for task in blocks if not folder.has_block(task.block)]
        if several:
            tasks.append(replace(whole, kind=Kind.CELL))
    return tasks


def _blocks(replicates: int) -> Iterator[tuple[int, int]]:
    """First replicate and number of replicates of each block."""
    for first in range(0, replicates, BLOCK):
        yield first, min(BLOCK, replicates - first)


class _Run:
    """One go at the tasks of a shard."""

    def __init__(self, plan: Plan, folder: Folder, conduct: Conduct, stream: Stream) -> None:
        self.folder, self.conduct, self.stream = folder, conduct, stream
        self.make = partial(Bench, folder.path, plan.keep, plan.outcomes, folder.id)
        self.waiting: deque[Task] = deque()
        self.open: Counter[str] = Counter()  # blocks that are to come before a cell's row
        self.failed: dict[str, str] = {}  # reason by cell

    def go(self, tasks: Sequence[Task]) -> None:
        """Do the tasks, in any order that puts blocks before the row of their cell."""
        self.waiting.extend(tasks)
        self.open.update(task.key for task in tasks if task.kind is Kind.BLOCK)
        workers = min(self.conduct.workers, len(tasks))
        with tqdm(
            total=sum(task.count for task in tasks if task.kind is not Kind.CELL),
            unit="run",
            unit_scale=True,
            delay=PROGRESS_DELAY,
            disable=None if self.conduct.progress else True,
        ) as self.bar:
            while self.waiting:
                with _executor(workers, self.make) as pool:
                    suspects = self._together(pool, 1 if workers == 1 else AHEAD * workers)
                self._one_by_one(suspects)

    def _together(self, pool: Executor, ahead: int) -> list[Task]:
        """Do tasks side by side; returns those at hand when a worker was killed."""
        at_hand: dict[Future[Result], Task] = {}
        try:
            while self.waiting or at_hand:
                while len(at_hand) < ahead and (task := self._next()) is not None:
                    at_hand[self._give(pool, task)] = task
                if not at_hand:
                    continue
                for future in wait(at_hand, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    self._take(at_hand.pop(future), result)
        except BrokenProcessPool:
            return self._take_ended(at_hand)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            self._take_ended(at_hand)
            raise
        return []

    def _give(self, pool: Executor, task: Task) -> Future[Result]:
        """Have a task done; it waits on if the pool is broken."""
        try:
            with hidden_main():
                return pool.submit(bench.work, task)
        except BrokenProcessPool:
            self.waiting.appendleft(task)
            raise

    def _take_ended(self, at_hand: Mapping[Future[Result], Task]) -> list[Task]:
        """Store what was computed, which is not thrown away; returns the other tasks."""
        left = []
        for future, task in at_hand.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self._take(task, future.result())
            else:
                left.append(task)
        return left

    def _next(self) -> Task | None:
        """The next task that can begin, if there is one."""
        for _ in range(len(self.waiting)):
            task = self.waiting.popleft()
            if task.key in self.failed:
                self.bar.update(task.count * (task.kind is not Kind.CELL))
            elif task.kind is Kind.CELL and self.open[task.key]:
                self.waiting.append(task)
            else:
                return task
        return None

    def _one_by_one(self, tasks: Sequence[Task]) -> None:
        """Do tasks with a single worker: any of them may be what kills it."""
        waiting = deque((task, LIVES) for task in tasks)
        while waiting:
            with start_pool(1, bench.prepare, self.make) as pool:
                result: Result | None = Result(DONE, None, None)
                while waiting and result is not None:
                    task, lives = waiting.popleft()
                    result = self._alone(task, pool)
                    if result is None and lives > 1:
                        waiting.appendleft((task, lives - 1))
                    else:
                        form = self.folder.parts.form
                        self._take(task, result or bench.failure(task, KILLED, form))

    def _alone(self, task: Task, pool: Executor) -> Result | None:
        """What a task gives, None if its worker was killed."""
        if self._is_stored(task):
            return Result(DONE, None, None)
        try:
            with hidden_main():
                future = pool.submit(bench.work, task)
            return future.result()
        except BrokenProcessPool:
            return None

    def _is_stored(self, task: Task) -> bool:
        """Whether a worker wrote the rows of a task itself before it was killed."""
        if task.kind is Kind.BLOCK:
            return self.folder.has_block(task.block)
        return self.folder.stored().has(task.key, task.first)

    def _take(self, task: Task, result: Result) -> None:
        """Store what a task gave."""
        if result.status == FAILED and task.key in self.failed:
            return
        if result.rows is not None:
            self.stream.append(result.rows)
        if task.kind is Kind.BLOCK and result.status == DONE:
            self.open[task.key] -= 1
        if task.kind is Kind.CELL:
            self.folder.clear_blocks(task.key)
        else:
            self.bar.update(task.count)
        if result.status == FAILED:
            self.failed[task.key] = str(result.reason)
            if self.conduct.on_failure is OnFailure.STOP:
                raise MultivectorError(
                    f"a cell failed: {result.reason}; what was computed before is stored"
                )


class _Here(Executor):
    """Does tasks in this process, one by one."""

    def submit(self, task: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """Do it now."""
        future: Future[Any] = Future()
        try:
            future.set_result(task(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def _executor(workers: int, make: Callable[[], Bench]) -> Iterator[Executor]:
    """One worker is the calling process, several are a pool."""
    if workers > 1:
        with start_pool(workers, bench.prepare, make) as pool:
            yield pool
    else:
        bench.prepare(make)
        yield _Here()
