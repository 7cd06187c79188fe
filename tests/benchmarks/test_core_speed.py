"""Speed of the core model, as ratios in one run: ``pytest -m benchmark -s tests/benchmarks``.

* the ensemble on one core, all declared outcomes recorded, against the reference model under
  ``mesa.batch_run``, on the same decisions;
* the ensemble against its floor: the same number of draws, logarithms and exponentials, and
  nothing else.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import mesa
import numpy as np
import pytest
from reference_model import BatchReference

from sim.axes import Domain
from sim.compose import load_scenario
from sim.draws import BLOCK, _generator
from sim.ensemble import Host, simulate
from sim.scenario import Scenario

REPLICATES = 10_000
REFERENCE_REPLICATES = 40
ROUNDS = 5
"""Rounds of which the median counts; the parts of a round are timed one after the other."""


def seconds(task: Callable[[], object]) -> float:
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def floor(scenario: Scenario, replicates: int) -> None:
    """Draws, logarithms and exponentials that the ensemble cannot do without."""
    states, powers, domains = len(scenario.states), len(scenario.powers), len(Domain)
    events = sum(event.rate is not None for event in scenario.events.values())
    parameters = len(Host(scenario).sampler.names)
    generator = _generator(scenario.seed, 0, 0)
    for _ in range(-(-replicates // BLOCK)):
        generator.random((parameters, BLOCK))
        noise = generator.random((scenario.steps, states, powers + 1, domains, BLOCK))
        generator.random((scenario.steps, states, powers, domains, BLOCK))
        generator.random((scenario.steps, states, events, 1, BLOCK))
        for step in range(scenario.steps):
            np.log(np.negative(np.log(noise[step])))  # Gumbel noise (E16)
            np.log1p(noise[step, :, 1:])  # benefit (E6)
            np.exp(noise[step])  # choice probabilities (E16)


def reference(scenario: Scenario) -> list[dict[str, object]]:
    BatchReference.use(scenario)
    found: list[dict[str, object]] = mesa.batch_run(
        BatchReference,
        {"replicate": range(REFERENCE_REPLICATES)},
        number_processes=1,
        max_steps=scenario.steps - 1,
        data_collection_period=-1,
        display_progress=False,
    )
    return found


@pytest.mark.benchmark
def test_core_speed() -> None:
    scenario = load_scenario("strategic_balance", replicates=REPLICATES, seed=7)
    quiet = replace(scenario.output, workers=1, progress=False)
    scenario = replace(scenario, output=quiet)
    small = replace(scenario, replicates=REFERENCE_REPLICATES)
    simulate(small)
    rows = []
    for _ in range(ROUNDS):
        fast = seconds(lambda: simulate(scenario)) / REPLICATES
        least = seconds(lambda: floor(scenario, REPLICATES)) / REPLICATES
        slow = seconds(lambda: reference(small)) / REFERENCE_REPLICATES
        rows.append((fast, least, slow, slow / fast, fast / least))
    fast, least, slow, gain, over = (
        statistics.median(column) for column in zip(*rows, strict=True)
    )
    print(f"\nensemble, one core      {fast * 1e6:9.1f} us a run  {1 / fast:9.0f} runs/s")
    print(f"floor                   {least * 1e6:9.1f} us a run")
    print(f"reference, batch_run    {slow * 1e6:9.1f} us a run  {1 / slow:9.0f} runs/s")
    print(f"times the reference     {gain:9.0f}   (at least 100, aim 300)")
    print(f"times the floor         {over:9.1f}   (at most 6, aim 3)")
    assert len(rows) == ROUNDS
