"""Host for many replicates: chunks that fit the cache, on one process or several.

The chunk size and the number of workers change the speed, never a bit of the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from sim.axes import Domain
from sim.calibration import choice_constants
from sim.draws import Drawer, Draws
from sim.outcomes import Data
from sim.parameters import Parameters, build, ids
from sim.pool import hidden_main, start_pool
from sim.recorder import Recorder, layouts, reserve
from sim.sampling import Sampler
from sim.scenario import Scenario
from sim.shared import attach, shared
from sim.step import advance
from sim.world import World, initialise

PROGRESS_DELAY: Final = 1.0
"""Seconds before a progress bar shows."""


def simulate(scenario: Scenario) -> tuple[Data, Data]:
    """Run all replicates of a scenario.

    Returns
    -------
    Recorded outcomes by name, (period, [state], [power], [domain], replicate), and the stocks at
    the end, the same without the period axis. ``sim.recorder.derive`` adds what follows from them.
    """
    chunks = list(_chunks(scenario.replicates, scenario.output.chunk))
    shape = sizes(scenario, scenario.replicates)
    with tqdm(
        total=scenario.replicates,
        unit="run",
        delay=PROGRESS_DELAY,
        disable=None if scenario.output.progress else True,
    ) as progress:
        if scenario.output.workers > 1:
            return _simulate_together(scenario, chunks, progress)
        data, final = reserve(scenario.steps, shape, scenario.outcomes)
        host = Host(scenario)
        for chunk in chunks:
            host.run(chunk, _part(data, chunk), _part(final, chunk))
            progress.update(len(chunk))
    return data, final


def _simulate_together(
    scenario: Scenario, chunks: list[range], progress: tqdm[Any]
) -> tuple[Data, Data]:
    """Several processes that write to the same arrays."""
    data, final = layouts(scenario.steps, sizes(scenario, scenario.replicates), scenario.outcomes)
    with shared(data) as first, shared(final) as second:
        places = (first, second)
        workers, orphaned = scenario.output.workers, partial(_unlink, places)
        with start_pool(workers, _start_worker, scenario, places, orphaned=orphaned) as pool:
            with hidden_main():
                tasks = {pool.submit(_work, chunk): chunk for chunk in chunks}
            for task in as_completed(tasks):
                task.result()
                progress.update(len(tasks[task]))
        return attach(first, data), attach(second, final)


class Host:
    """Runs chunks of consecutive replicates of one scenario, one after the other.

    The draws of a chunk stand in memory that the next chunk overwrites. Hosts of variants of a
    scenario may share a ``drawer``, so that draws which they have in common are drawn once.
    """

    def __init__(self, scenario: Scenario, drawer: Drawer | None = None) -> None:
        """Prepare what all chunks share."""
        self.scenario = scenario
        self.constants = choice_constants(scenario)
        self.sampler = Sampler(scenario)
        self.ids = ids(scenario)
        self.drawer = drawer or Drawer()

    def start(self, replicates: range) -> tuple[Parameters, Draws, World]:
        """Parameters, draws and first world of a chunk."""
        parameters = build(self.scenario, self.sampler.values(replicates), self.constants)
        draws = self.drawer.take(self.scenario.seed, replicates, self.scenario.steps, self.ids)
        return parameters, draws, initialise(parameters, len(replicates))

    def run(self, replicates: range, data: Data, final: Data) -> None:
        """Run a chunk and write its outcomes into the arrays given."""
        self.finish(*self.start(replicates), data, final)

    def finish(
        self, parameters: Parameters, draws: Draws, world: World, data: Data, final: Data
    ) -> None:
        """Run a chunk from its first world on and write its outcomes into the arrays given."""
        recorder = Recorder(parameters, data, final)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # see invariants
            for step in range(self.scenario.steps):
                following, record = advance(world, parameters, draws, step)
                recorder.take(step, world, record)
                world = following
                del record  # its arrays make room in the cache for the next step
        recorder.close(world, self.scenario.steps)
        world.invariants()


def run_chunk(scenario: Scenario, replicates: range) -> tuple[Data, Data]:
    """Outcomes and final stocks of a chunk of consecutive replicates."""
    data, final = reserve(scenario.steps, sizes(scenario, len(replicates)), scenario.outcomes)
    Host(scenario).run(replicates, data, final)
    return data, final


def worlds(scenario: Scenario, replicates: range) -> Iterator[World]:
    """The worlds that a chunk passes through, T + 1 of them."""
    parameters, draws, world = Host(scenario).start(replicates)
    yield world
    for step in range(scenario.steps):
        world, _ = advance(world, parameters, draws, step)
        yield world


def sizes(scenario: Scenario, replicates: int) -> dict[str, int]:
    """Lengths of the axes of outcome arrays."""
    return {
        "state": len(scenario.states),
        "power": len(scenario.powers),
        "partner": len(scenario.powers) + 1,
        "corridor": len(scenario.corridors),
        "domain": len(Domain),
        "replicate": replicates,
    }


_worker: tuple[Host, Data, Data] | None = None


def _start_worker(scenario: Scenario, places: tuple[Path, Path]) -> None:
    global _worker
    data, final = layouts(scenario.steps, sizes(scenario, scenario.replicates), scenario.outcomes)
    _worker = Host(scenario), attach(places[0], data), attach(places[1], final)


def _unlink(places: tuple[Path, Path]) -> None:
    for place in places:
        place.unlink(missing_ok=True)


def _work(chunk: range) -> None:
    assert _worker is not None
    host, data, final = _worker
    host.run(chunk, _part(data, chunk), _part(final, chunk))


def _part(whole: Data, chunk: range) -> Data:
    return {name: array[..., chunk.start : chunk.stop] for name, array in whole.items()}


def _chunks(replicates: int, size: int) -> Iterator[range]:
    for start in range(0, replicates, size):
        yield range(start, min(start + size, replicates))
