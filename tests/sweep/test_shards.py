"""However a sweep is cut into parts, in whatever order and place, it comes to the same."""

from __future__ import annotations

import itertools
import random
import shutil
from pathlib import Path

import pytest
from sweep.driver import Driver, shared_driver
from sweep.judge import (
    FEW,
    SHORT,
    SMALL,
    TINY,
    TRAJECTORIES,
    Witness,
    content,
    fresh,
    parts,
    rows,
    the_sweep,
    undisturbed,
)

from sim.errors import InputError
from sim.sweep import open_sweep

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")


@pytest.fixture(scope="module")
def driver() -> Driver:
    return shared_driver()


def shards(count: int) -> list[str]:
    """All parts of a cut, shuffled."""
    found = [f"shard={part}/{count}" for part in range(1, count + 1)]
    random.Random(count).shuffle(found)
    return found


@pytest.mark.parametrize(
    ("case", "count", "workers"),
    [
        (SMALL, 1, [2]),
        (SMALL, 2, [1]),
        (SMALL, 5, [1, 2]),
        (TRAJECTORIES, 2, [1]),
    ],
)
def test_parts_one_after_the_other(
    driver: Driver, tmp_path: Path, case: tuple[str, ...], count: int, workers: list[int]
) -> None:
    """Also where some have other workers than others."""
    witness = Witness(tmp_path)
    stored = 0
    cells = 24 if case == SMALL else 4
    for shard, number in zip(shards(count), itertools.cycle(workers), strict=False):
        driver.complete(tmp_path, *case, shard, workers=number)
        stored += len(range(int(shard.split("=")[1].split("/")[0]) - 1, cells, count))
        assert witness.look() == stored
    assert content(tmp_path) == undisturbed(case)
    assert len(list(parts(tmp_path).iterdir())) == 1  # merged by whoever came last


@pytest.mark.parametrize(("count", "workers"), [(2, 2), (5, 1)])
def test_parts_in_folders_of_their_own(
    driver: Driver, tmp_path: Path, count: int, workers: int
) -> None:
    """As on machines without a common disk; the contents are copied together afterwards."""
    whole = tmp_path / "whole"
    for number, shard in enumerate(shards(count)):
        root = fresh(tmp_path, number)
        driver.complete(root, *SMALL, shard, workers=workers)
        shutil.copytree(root, whole, dirs_exist_ok=True)
    assert len(list(parts(whole).iterdir())) == count
    assert content(whole) == undisturbed(SMALL)
    witness = Witness(whole)
    assert witness.look() == 24
    driver.complete(whole, *SMALL)
    witness.look()
    assert content(whole) == undisturbed(SMALL)


@pytest.mark.parametrize(("count", "constants"), [(2, {}), (3, TINY)])
def test_parts_at_the_same_time(
    driver: Driver, tmp_path: Path, count: int, constants: dict[str, int]
) -> None:
    case = SMALL if not constants else FEW
    witness = Witness(tmp_path)
    for _ in range(2):  # the second time there is nothing to do
        started = [
            driver.start(tmp_path, *case, shard, constants=constants) for shard in shards(count)
        ]
        for one in started:
            assert one.wait() == 0, one.text
        witness.look()
        assert content(tmp_path) == undisturbed(case)
        assert len(list(parts(tmp_path).iterdir())) == 1
    assert not list(parts(tmp_path).with_name("blocks").glob("*"))


def test_equal_cells_belong_to_one_part(driver: Driver, tmp_path: Path) -> None:
    """Else two processes would compute them at once, and clear each other's blocks away."""
    case = (*SHORT, "powers.eu.budget.value=2,3,2,2")
    whole = tmp_path / "whole"
    keys = []
    for number, shard in enumerate(shards(2)):
        root = fresh(tmp_path, number)
        driver.complete(root, *case, shard, constants=TINY)
        keys += [key for part in rows(parts(root)) for key in part]
        shutil.copytree(root, whole, dirs_exist_ok=True)
    assert len(keys) == len(set(keys)) == 2
    assert content(whole) == undisturbed(case)
    table = the_sweep(whole).table().filter(like="dependence")
    values = [list(table.iloc[cell]) for cell in range(4)]
    assert values[0] == values[2] == values[3]
    assert values[0] != values[1]


def test_cells_of_another_sweep_are_not_computed_again(driver: Driver, tmp_path: Path) -> None:
    """Those that stand in the same folder count, also half of one that was stopped."""
    fewer = (*SHORT, "powers.eu.budget.value=2,3,4", "powers.cn.budget.value=5")
    root = fresh(tmp_path, "sweeps")
    driver.complete(root, *fewer, "shard=1/3")
    driver.complete(root, *fewer, "shard=2/3")
    (other,) = root.iterdir()
    known = {key: seconds for part in rows(other / "parts") for key, seconds in part.items()}
    assert len(known) == 2
    driver.complete(root, *FEW)
    (mine,) = (path for path in root.iterdir() if path != other)
    (found,) = rows(mine / "parts")
    assert len(found) == 4
    assert known.items() <= found.items()  # the very same rows, with their seconds
    shutil.rmtree(other)
    assert content(root) == undisturbed(FEW)


def test_a_torn_sweep_beside_it_is_passed_over(driver: Driver, tmp_path: Path) -> None:
    fewer = (*SHORT, "powers.eu.budget.value=2,3,4", "powers.cn.budget.value=5")
    root = fresh(tmp_path, "sweeps")
    driver.complete(root, *fewer)
    (other,) = root.iterdir()
    (part,) = (other / "parts").iterdir()
    whole = bytearray(part.read_bytes())
    whole[len(whole) // 2] ^= 1  # among the numbers, which are read last
    part.write_bytes(whole)
    with pytest.raises(InputError, match=part.name):
        open_sweep(other).table()
    assert open_sweep(other).complete
    driver.complete(root, *FEW)
    shutil.rmtree(other)
    assert content(root) == undisturbed(FEW)
