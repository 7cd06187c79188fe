"""Speed of the whole model, as ratios in one run: ``pytest -m benchmark -s tests/benchmarks``.

* the ensemble on one core, all declared outcomes recorded, against the reference model under
  ``mesa.batch_run``, on the same decisions;
* the ensemble against its floor: the same number of draws, logarithms and exponentials, and
  nothing else.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import mesa
import numpy as np
import pytest
from reference_model import BatchReference
from support import moved, vary

from sim.axes import Domain
from sim.compose import load_scenario
from sim.draws import BLOCK, _generator
from sim.ensemble import Host, simulate
from sim.ensemble import sizes as shapes
from sim.recorder import layouts
from sim.scenario import Scenario

REPLICATES = 10_000
REFERENCE_REPLICATES = 40
ROUTES = 6
"""Corridors of the route sets that leave a choice."""
ROUTE_ROUNDS = 3
"""Times that route choice is evaluated in a step: a first, a better and a last look."""
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
            np.log1p(noise[step, :, 1:])  # benefit at true delivery (regret)
            np.exp(np.log(noise[step, :, 1:]))  # powers shift their money (E30)
            trade = noise[step, :, :, 0]
            np.exp(np.log(trade))  # trade by partner (E27c)
            np.log1p(trade[:, 1:])  # its promotion
            routes = noise[step, 0, 0, :1].repeat(ROUTES, axis=0)
            for _ in range(ROUTE_ROUNDS):
                np.exp(routes)  # route choice (E27a)


def reference(scenario: Scenario) -> list[dict[str, object]]:
    BatchReference.use(scenario)
    found: list[dict[str, object]] = mesa.batch_run(
        BatchReference,
        {"replicate": range(REFERENCE_REPLICATES)},
        number_processes=1,
        max_steps=scenario.steps,  # the model stops itself
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
    print(f"times the reference     {gain:9.0f}   (at least 100)")
    print(f"times the floor         {over:9.1f}   (at most 8)")
    assert len(rows) == ROUNDS


@pytest.mark.benchmark
def test_cost_of_a_replicate_does_not_depend_on_their_number() -> None:
    """From 1,000 to 100,000 replicates, or to a million with MULTIVECTOR_MILLION set."""
    sizes = [
        1_000,
        10_000,
        100_000,
        *([1_000_000] if os.environ.get("MULTIVECTOR_MILLION") else []),
    ]
    scenario = load_scenario("strategic_balance", "outcomes=[dependence]", seed=7)
    scenario = replace(scenario, output=replace(scenario.output, workers=1, progress=False))
    simulate(replace(scenario, replicates=1_000))
    base, first = peak_memory(), None
    for size in sizes:
        spent = seconds(lambda size=size: simulate(replace(scenario, replicates=size))) / size
        first = first or spent
        stored = size * sum(
            np.prod(shape) * np.dtype(kind).itemsize / size
            for layout in layouts(scenario.steps, shapes(scenario, size), scenario.outcomes)
            for shape, kind in layout.values()
        )
        print(
            f"{size:9d} replicates {spent * 1e6:7.1f} us each ({spent / first:4.2f} times the "
            f"first); stored {stored / 1e6:7.0f} MB, peak above the start "
            f"{peak_memory() - base:6.0f} MB"
        )
    assert first


@pytest.mark.benchmark
def test_cost_grows_at_most_with_the_square_of_the_states() -> None:
    """5, 20 and 200 states, copies of Uzbekistan beside the five."""
    scenario = load_scenario("strategic_balance", seed=7, replicates=512)
    scenario = replace(scenario, output=replace(scenario.output, workers=1, progress=False))
    model = scenario.states["uz"]
    first = None
    for number in (5, 20, 200):
        copies = {
            f"u{n}": replace(moved(model, "states.uz", f"states.u{n}"), id=1000 + n, name=f"U{n}")
            for n in range(number - len(scenario.states))
        }
        larger = replace(scenario, states={**scenario.states, **copies}, baseline=scenario)
        for code, corridor in scenario.corridors.items():  # room for the freight of all
            for part in ("capacity", "capacity_limit"):
                room = getattr(corridor, part).of() * number / 5
                larger = vary(larger, {f"corridors.{code}.{part}": room})
        spent = statistics.median(seconds(lambda larger=larger: simulate(larger)) for _ in range(3))
        first = first or spent
        exponent = np.log(spent / first) / np.log(number / 5) if number > 5 else 0.0
        print(
            f"{number:4d} states {spent / 512 * 1e6:9.1f} us a run, {spent / first:6.1f} times "
            f"five states (power {exponent:4.2f} of their number)"
        )
    assert first


def peak_memory() -> float:
    """Largest memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
