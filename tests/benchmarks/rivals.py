"""A sweep in other hands: ``mesa.batch_run`` and EMA Workbench (3.0 or later, Python 3.12).

A sweep has cells, each a setting of some numbers, and the same replicates in every cell. Draws are
those of the ensemble, so that all rivals compute the same numbers. Each rival returns what it
spent; ``alone`` gives it a process of its own and watches its memory.

The reference model records what it always records, the ensemble what its scenario names. Draws and
drawn numbers are made by the block for all rivals, so that nobody pays for them by the replicate.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import nan
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import mesa
import numpy as np
from numpy.typing import NDArray
from reference_model import BatchReference, Prepared, ReferenceModel, replicate_values
from support import look_up, vary

from sim.calibration import choice_constants
from sim.draws import BLOCK, Draws, predraw
from sim.ensemble import simulate
from sim.parameters import ids
from sim.quantity import Quantity
from sim.recorder import derive
from sim.scenario import Scenario

Cell = tuple[tuple[str, float], ...]
"""Names of numbers, such as ``powers.eu.delivery.trade``, each with a value."""

INTERVAL: Final = 0.1
"""Seconds between two looks at memory."""
BLOCKS_KEPT: Final = 8
"""Blocks of draws that a process keeps for the next cell."""
MARKS: Final = ("began", "process")
"""What each run says beside its result: when its model was ready, and where."""


@dataclass(frozen=True)
class Spent:
    """What a sweep took.

    Attributes
    ----------
    runs : replicates of all cells.
    seconds : the whole call; imports of this process, of EMA Workbench too, are not in it.
    startup : the part of it until every process had its first model ready to step: start of
        processes and their imports, the scenario read, choice constants, the first draws.
    means : a row a cell: mean over its replicates of the money delivered in the last half-year
        (reference model), or of all recorded outcomes in a line (ensemble).
    memory : MB, largest sum over the process and those it started, shared pages counted once;
        nan unless taken by ``alone``, and where there is no ``/proc``.
    """

    runs: int
    seconds: float
    startup: float
    means: NDArray[np.float64]
    memory: float = nan

    @property
    def rate(self) -> float:
        """Runs a second, start-up included."""
        return self.runs / self.seconds

    @property
    def later_rate(self) -> float:
        """Runs a second without start-up; a little high where processes start unevenly."""
        return self.runs / (self.seconds - self.startup)


def grid(scenario: Scenario, sizes: Mapping[str, int]) -> list[Cell]:
    """All combinations of evenly spaced values, from the lower to the upper end of each range."""
    axes = []
    for name, size in sizes.items():
        quantity, entry = _quantity(scenario, name)
        place = quantity.entries.index(entry)
        axes.append(np.linspace(quantity.low[place], quantity.high[place], size).tolist())
    return [tuple(zip(sizes, values, strict=True)) for values in product(*axes)]


def setting(scenario: Scenario, cell: Cell) -> Scenario:
    """Scenario with the numbers of a cell, which are then not drawn."""
    for name, value in cell:
        quantity, entry = _quantity(scenario, name)
        scenario = vary(scenario, {quantity.path: {entry: value}})
    return scenario


def _quantity(scenario: Scenario, name: str) -> tuple[Quantity, str]:
    """The quantity behind a name, and which of its entries."""
    path, _, entry = name.rpartition(".")
    found = look_up(scenario, path)
    return (found, entry) if isinstance(found, Quantity) else (look_up(scenario, name), "")


def batch_run(
    scenario: Scenario, cells: Sequence[Cell], replicates: int, processes: int = 1
) -> Spent:
    """The reference model under ``mesa.batch_run``, which starts its processes by spawn.

    The time includes the start of processes, which import everything anew. Two processes take
    runs by turns, so that both prepare every cell.
    """
    began = time.monotonic()
    with _stored(scenario) as base, _start_method("spawn"):
        rows = mesa.batch_run(
            SweepReference,
            {
                "base": base,
                "replicates": replicates,
                "cell": list(cells),
                "replicate": range(replicates),
            },
            number_processes=processes,
            max_steps=scenario.steps,  # it ends by itself
            data_collection_period=-1,
            display_progress=False,
        )
    seconds = time.monotonic() - began
    rows.sort(key=lambda row: row["RunId"])
    columns = {
        name: np.array([row[name] for row in rows], dtype=np.float64).reshape(len(cells), -1)
        for name in ("delivered", *MARKS)
    }
    return _spent(columns, "delivered", began, seconds, len(cells) * replicates)


def ema_reference(
    scenario: Scenario,
    cells: Sequence[Cell],
    replicates: int,
    processes: int = 1,
    *,
    replicator: bool = True,
    start: str | None = None,
) -> Spent:
    """The reference model under an evaluator of EMA Workbench, the multiprocessing one from two on.

    Parameters
    ----------
    replicator : one experiment a cell, its replicates in a ``ReplicatorModel``, as EMA Workbench
        advises for stochastic models; else one experiment a replicate, in a ``Model``. The first
        keeps a cell on one process, the second makes each process prepare every cell.
    start : how processes start; by default as Python does on this platform. EMA Workbench leaves
        it to Python, but ``mesa`` turns it into spawn: when imported (3.3) or in its batch run.

    The time runs from the pool of processes to its end and includes the table of results.
    """
    from ema_workbench import (
        ArrayOutcome,
        Constant,
        IntegerParameter,
        Model,
        ReplicatorModel,
        ScalarOutcome,
    )

    with _stored(scenario) as base:
        began = time.monotonic()
        if replicator:
            model = ReplicatorModel("reference", function=reference_run)
            model.replications = [{"replicate": number} for number in range(replicates)]
            model.outcomes = _outcomes(ArrayOutcome, "delivered", *MARKS)
            samples = _samples(cells)
        else:
            model = Model("reference", function=reference_run)
            model.uncertainties = [IntegerParameter("replicate", 0, replicates - 1)]
            model.outcomes = _outcomes(ScalarOutcome, "delivered", *MARKS)
            samples = _samples(cells, [{"replicate": number} for number in range(replicates)])
        model.uncertainties = _parameters(cells)
        model.constants = [Constant("base", base), Constant("replicates", replicates)]
        columns = _evaluate(model, samples, processes, start)
        seconds = time.monotonic() - began
    columns = {name: column.reshape(len(cells), -1) for name, column in columns.items()}
    return _spent(columns, "delivered", began, seconds, len(cells) * replicates)


def ema_ensemble(
    scenario: Scenario,
    cells: Sequence[Cell],
    replicates: int = 1000,
    processes: int = 1,
    *,
    start: str | None = None,
) -> Spent:
    """The ensemble under an evaluator of EMA Workbench: one experiment a cell, all its replicates.

    Time and ``start`` as in ``ema_reference``. EMA Workbench stores arrays of at most one axis an
    experiment, hence the means come in a line.
    """
    from ema_workbench import ArrayOutcome, Constant, Model, ScalarOutcome

    with _stored(scenario) as base:
        began = time.monotonic()
        model = Model("ensemble", function=ensemble_run)
        model.uncertainties = _parameters(cells)
        model.constants = [Constant("base", base), Constant("replicates", replicates)]
        model.outcomes = _outcomes(ArrayOutcome, "means") + _outcomes(ScalarOutcome, *MARKS)
        columns = _evaluate(model, _samples(cells), processes, start)
        seconds = time.monotonic() - began
    return _spent(columns, "means", began, seconds, len(cells) * replicates)


def ema_nothing(
    scenario: Scenario, cells: Sequence[Cell], processes: int = 1, *, start: str | None = None
) -> Spent:
    """What EMA Workbench takes by itself: a run is a cell, and its function does nothing."""
    from ema_workbench import Model, ScalarOutcome

    began = time.monotonic()
    model = Model("nothing", function=nothing_run)
    model.uncertainties = _parameters(cells)
    model.outcomes = _outcomes(ScalarOutcome, "means", *MARKS)
    columns = _evaluate(model, _samples(cells), processes, start)
    seconds = time.monotonic() - began
    columns["means"] = columns["means"].reshape(len(cells), 1)
    return _spent(columns, "means", began, seconds, len(cells))


def loop_ensemble(scenario: Scenario, cells: Sequence[Cell], replicates: int = 1000) -> Spent:
    """The function of ``ema_ensemble`` in a plain loop, on one process."""
    with _stored(scenario) as base:
        began = time.monotonic()
        found = [ensemble_run(base, replicates, **dict(cell)) for cell in cells]
        seconds = time.monotonic() - began
    columns = {name: np.array([row[name] for row in found]) for name in ("means", *MARKS)}
    return _spent(columns, "means", began, seconds, len(cells) * replicates)


def alone(rival: Callable[..., Spent], *arguments: Any, **settings: Any) -> Spent:
    """A rival in a new process, with the largest memory of it and the processes it starts.

    Nothing is known there beforehand, so that start-up is complete.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, rival, arguments, settings))
    process.start()
    sender.close()
    peak = 0.0
    while not receiver.poll(INTERVAL):
        peak = max(peak, tree_memory(process.pid))
    try:
        found: Spent = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{rival.__name__} failed in its process") from None
    finally:
        process.join()
    return replace(found, memory=peak or nan)


def tree_memory(pid: int | None) -> float:
    """Memory of a process and all that it started, in MB, each page counted once; 0 if unknown."""
    total, waiting = 0.0, [str(pid)]
    while waiting:
        folder = Path("/proc", waiting.pop())
        try:
            for task in (folder / "task").iterdir():
                waiting += (task / "children").read_text().split()
            share = re.search(r"^Pss:\s+(\d+)", (folder / "smaps_rollup").read_text(), re.MULTILINE)
        except OSError:  # it has ended
            continue
        if share:
            total += int(share[1]) / 1024
    return total


class SweepReference(BatchReference):
    """The reference model for ``mesa.batch_run``, in any cell of a stored scenario."""

    def __init__(
        self, base: str, replicates: int, cell: Cell, replicate: int, rng: object = None
    ) -> None:
        """Build one replicate; ``rng`` has no effect, as all draws are keyed."""
        ReferenceModel.__init__(self, **_arguments(base, replicates, cell, replicate))
        self.began, self.process = time.monotonic(), os.getpid()
        self.datacollector = mesa.DataCollector(
            model_reporters={"delivered": "delivered_money", **{mark: mark for mark in MARKS}}
        )


def reference_run(base: str, replicates: int, replicate: int, **cell: float) -> dict[str, float]:
    """One replicate of the reference model."""
    model = SweepReference(base, replicates, tuple(cell.items()), replicate)
    model.run()
    return {"delivered": model.delivered_money, "began": model.began, "process": model.process}


def ensemble_run(base: str, replicates: int, **cell: float) -> dict[str, Any]:
    """All replicates of a cell: means of the outcomes that the scenario records."""
    scenario = setting(_base(base), tuple(cell.items()))
    output = replace(scenario.output, workers=1, progress=False)
    scenario = replace(scenario, replicates=replicates, output=output)
    choice_constants(scenario)
    began = time.monotonic()
    data, _ = derive(*simulate(scenario), scenario.horizon.step, scenario.outcomes)
    means = [array.mean(axis=-1, dtype=np.float64).ravel() for array in data.values()]
    return {"means": np.concatenate(means), "began": began, "process": os.getpid()}


def nothing_run(**cell: float) -> dict[str, float]:
    """Nothing."""
    return {"means": 0.0, "began": time.monotonic(), "process": os.getpid()}


@lru_cache(maxsize=1)
def _base(path: str) -> Scenario:
    with open(path, "rb") as file:
        found: Scenario = pickle.load(file)
    return found


@lru_cache(maxsize=BLOCKS_KEPT)
def _draws(path: str, block: range) -> Draws:
    """Draws of a block, the same in all cells."""
    scenario = _base(path)
    return predraw(scenario.seed, block, scenario.steps, ids(scenario))


@lru_cache(maxsize=1)
def _prepared(path: str, cell: Cell, block: range) -> Prepared:
    scenario = setting(_base(path), cell)
    return Prepared(
        scenario=scenario,
        replicates=block,
        constants=choice_constants(scenario),
        values=replicate_values(scenario, block),
        draws=_draws(path, block),
    )


def _arguments(base: str, replicates: int, cell: Cell, replicate: int) -> dict[str, Any]:
    """Arguments of ``ReferenceModel``, from the block that its replicate is in."""
    first = replicate - replicate % BLOCK
    block = range(first, min(first + BLOCK, replicates))
    return _prepared(base, cell, block).arguments(replicate)


def _parameters(cells: Sequence[Cell]) -> list[Any]:
    """The swept numbers as EMA Workbench wants them, whose names must be identifiers."""
    from ema_workbench import RealParameter

    columns = [[value for _, value in column] for column in zip(*cells, strict=True)]
    return [
        RealParameter(_identifier(name), min(column), max(column), variable_name=name)
        for (name, _), column in zip(cells[0], columns, strict=True)
    ]


def _samples(cells: Sequence[Cell], more: Sequence[Mapping[str, float]] = ({},)) -> list[Any]:
    from ema_workbench import Sample

    return [
        Sample(**{_identifier(name): value for name, value in cell}, **others)
        for cell in cells
        for others in more
    ]


def _outcomes(kind: Callable[..., Any], *names: str) -> list[Any]:
    """Outcomes of a kind; in one process EMA Workbench refuses another kind of the same name."""
    return [kind(f"{name}__{kind.__name__}", variable_name=name) for name in names]


def _identifier(name: str) -> str:
    return name.replace(".", "__")


def _evaluate(
    model: Any, samples: Sequence[Any], processes: int, start: str | None
) -> dict[str, NDArray[Any]]:
    from ema_workbench import MultiprocessingEvaluator, SequentialEvaluator

    with _start_method(start or multiprocessing.get_all_start_methods()[0]):
        evaluator = (
            SequentialEvaluator(model)
            if processes == 1
            else MultiprocessingEvaluator(model, n_processes=processes)
        )
        with evaluator:
            _, found = evaluator.perform_experiments(scenarios=samples, log_progress=True)
    return {name.rpartition("__")[0]: column for name, column in found.items()}


def _spent(
    columns: Mapping[str, NDArray[Any]], result: str, began: float, seconds: float, runs: int
) -> Spent:
    """Summary of a sweep, whose columns have a row a cell."""
    ready, process = columns["began"], columns["process"]
    first = [ready[process == one].min() for one in np.unique(process)]
    means = columns[result]
    if result == "delivered":
        means = means.mean(axis=1, keepdims=True)
    return Spent(runs, seconds, float(max(first)) - began, np.asarray(means, dtype=np.float64))


@contextmanager
def _stored(scenario: Scenario) -> Iterator[str]:
    """File with a scenario, for processes that share no memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scenario")
        path.write_bytes(pickle.dumps(scenario))
        yield str(path)


@contextmanager
def _start_method(method: str) -> Iterator[None]:
    """How processes start meanwhile, for those who leave it to Python."""
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(method, force=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(before, force=True)


def _report(
    sender: Connection,
    rival: Callable[..., Spent],
    arguments: Sequence[Any],
    settings: Mapping[str, Any],
) -> None:
    sender.send(rival(*arguments, **settings))
