"""Sweeps that are killed at any moment go on, and come to the same as if nothing had happened."""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from sweep.driver import KILLED, Driver, shared_driver
from sweep.judge import (
    BLOCKS,
    FEW,
    HASTY,
    PAIR,
    SHORT,
    SMALL,
    TINY,
    TRAJECTORIES,
    Witness,
    content,
    fresh,
    moments,
    parts,
    undisturbed,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")


@pytest.fixture(scope="module")
def driver() -> Driver:
    return shared_driver()


@pytest.mark.parametrize(
    ("case", "workers", "kills", "constants"),
    [
        pytest.param(SMALL, 1, 20, {}, id="1-worker"),
        pytest.param(SMALL, 2, 20, {}, id="2-workers"),
        pytest.param(BLOCKS, 1, 4, {}, id="blocks"),
        pytest.param(TRAJECTORIES, 1, 6, TINY, id="trajectories"),
    ],
)
def test_killed_at_random_moments(
    driver: Driver,
    tmp_path: Path,
    case: tuple[str, ...],
    workers: int,
    kills: int,
    constants: dict[str, int],
) -> None:
    """One kill in each equal part of the life of the process, until the sweep is complete."""
    wanted = undisturbed(case)
    began = time.perf_counter()
    calm = fresh(tmp_path, "calm")
    driver.complete(calm, *case, workers=workers, constants=constants)
    life = time.perf_counter() - began
    assert content(calm) == wanted
    left = moments(kills, seed=kills + workers)
    for number in itertools.count():
        root = fresh(tmp_path, number)
        witness = Witness(root)
        status = KILLED
        while status == KILLED and left:
            started = driver.start(root, *case, workers=workers, constants=constants)
            time.sleep(left[-1] * life)
            status = started.kill()
            witness.look()
            if status == KILLED:
                left.pop()
            else:  # it ended before
                left[-1] *= 0.9
        if status == KILLED:
            driver.complete(root, *case, constants=constants)
            witness.look()
        assert content(root) == wanted
        if not left:
            break


@pytest.mark.parametrize(
    ("case", "constants"),
    [
        pytest.param(PAIR, {}, id="rows"),
        pytest.param(SHORT, {"sim.sweep.runner.BLOCK": 15}, id="blocks"),
    ],
)
def test_killed_before_each_event(
    driver: Driver, tmp_path: Path, case: tuple[str, ...], constants: dict[str, int]
) -> None:
    """The process kills itself before its first, second, third... event on files of the sweep."""
    wanted = undisturbed(case)
    status, event = KILLED, 0
    while status == KILLED:
        event += 1
        root = fresh(tmp_path, event)
        witness = Witness(root)
        status = driver.run(root, *case, event=event, constants=constants).status
        witness.look()
        if status == KILLED:
            driver.complete(root, *case, constants=constants)
            witness.look()
        assert content(root) == wanted
        assert not list(root.glob(".*"))
        shutil.rmtree(root)
    assert status == 0
    assert event > 20


def test_killed_before_random_events_again_and_again(driver: Driver, tmp_path: Path) -> None:
    """What several kills leave together, such as replaced files beside half-written ones."""
    constants = TINY | HASTY
    rng = random.Random(1)
    kills = 0
    while kills < 20:
        root = fresh(tmp_path, kills)
        witness = Witness(root)
        status: int | None = KILLED
        while status == KILLED:
            event = rng.randint(1, 60)
            status = driver.run(root, *FEW, event=event, constants=constants).status
            witness.look()
            kills += status == KILLED
        assert status == 0
        assert content(root) == undisturbed(FEW)


def test_the_real_command_is_killed(driver: Driver, tmp_path: Path) -> None:
    """As a user starts it: killed early, killed while cells run, and its first process alone."""
    witness = Witness(tmp_path)
    late = driver.command(tmp_path, *SMALL)
    late.until(lambda: witness.look() > 1)
    assert late.kill() == KILLED
    stored = witness.look()
    orphaning = driver.command(tmp_path, *SMALL, workers=2)
    orphaning.until(lambda: witness.look() > stored)
    orphaning.send(signal.SIGKILL)
    assert orphaning.wait() == KILLED  # once its workers have ended as well
    stored = witness.look()
    assert 2 < stored < 24
    assert list(parts(tmp_path).glob("*.arrow"))
    last = driver.run(tmp_path, *SMALL, whole=True)
    assert last.status == 0
    assert f"stored: {stored} cells; to do: {24 - stored}" in last.text
    witness.look()
    assert content(tmp_path) == undisturbed(SMALL)
