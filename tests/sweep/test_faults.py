"""What can go wrong with a sweep: cells, workers, disks, files, and users that start it twice."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweep.driver import KILLED, Driver, shared_driver
from sweep.judge import (
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
    parts,
    rows,
    the_sweep,
    undisturbed,
)

from sim.errors import InputError
from sim.sweep.folder import open_folder

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")
CROWDED = (*SHORT, "rules.corridors.through_transit.value=1e5,20", "powers.eu.budget.value=2,3")
"""Four cells; the first two find no equilibrium of traffic when they are run."""
LARGE = (
    "replicates=400",
    "horizon.end=2026H2",
    "sweep.keep=trajectories",
    "powers.eu.budget.value=2,3,4",
)
"""Three cells with rows so large that workers write them themselves."""


@pytest.fixture(scope="module")
def driver() -> Driver:
    return shared_driver()


def files(root: Path) -> dict[str, bytes]:
    """All files of a sweep with their content, locks apart."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.parent.name != "locks"
    }


def stored(root: Path) -> int:
    """Rows and blocks that are stored, by the files that hold them."""
    folder = parts(root)
    return sum(map(len, [*rows(folder), *rows(folder.with_name("blocks"))]))


def interrupted(driver: Driver, root: Path, case: tuple[str, ...], least: int = 3) -> None:
    """Leave a sweep that was killed when it had some rows in its stream."""
    started = driver.start(root, *case)
    started.until(lambda: stored(root) >= least)
    assert started.kill() == KILLED
    assert list(parts(root).glob("*.arrow"))


# Cells that fail


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cell_that_fails_is_a_row(driver: Driver, tmp_path: Path, workers: int) -> None:
    root = fresh(tmp_path, "sweeps")
    done = driver.run(root, *CROWDED, whole=True, workers=workers)
    assert done.status == 1
    assert "2 of 4 cells done, 2 failed" in done.text
    assert "multivector: failed: 2 cells failed" in done.text
    assert "Traceback" not in done.text
    sweep = the_sweep(root)
    assert sweep.status == ["failed", "failed", "done", "done"]
    failures = sweep.failures()
    assert list(failures["cell"]) == [0, 1]
    assert all("finds no equilibrium" in text for text in failures["reason"])
    assert all("raise InputError(" in text for text in failures["traceback"])
    table = sweep.table()
    assert list(table["reason"].isna()) == [False, False, True, True]
    numbers = table.filter(like="dependence").to_numpy()
    assert np.isnan(numbers[:2]).all()
    good = fresh(tmp_path, "good")
    driver.complete(good, *SHORT, "rules.corridors.through_transit.value=20,21", CROWDED[-1])
    wanted = the_sweep(good).table().filter(like="dependence").to_numpy()
    assert np.array_equal(numbers[2:], wanted[:2])


def test_retry_computes_failed_cells_again(driver: Driver, tmp_path: Path) -> None:
    witness = Witness(tmp_path)
    assert driver.run(tmp_path, *CROWDED, whole=True).status == 1
    before = files(tmp_path)
    again = driver.run(tmp_path, *CROWDED, whole=True)
    assert again.status == 1
    assert "stored: 4 cells; to do: 0" in again.text
    assert files(tmp_path) == before
    retried = driver.run(tmp_path, *CROWDED, "sweep.retry=true", whole=True)
    assert retried.status == 1
    assert "stored: 2 cells; to do: 2" in retried.text
    assert files(tmp_path).keys() != before.keys()
    assert the_sweep(tmp_path).status == ["failed", "failed", "done", "done"]
    assert witness.look() == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_failure_can_end_a_sweep(driver: Driver, tmp_path: Path, workers: int) -> None:
    done = driver.run(tmp_path, *CROWDED, "sweep.on_failure=stop", whole=True, workers=workers)
    assert done.status == 1
    assert "a cell failed: corridors: traffic of" in done.text
    status = the_sweep(tmp_path).status
    assert status.count("failed") == 1
    assert "missing" in status
    assert status[1:] == ["missing"] * 3 or workers > 1
    assert driver.run(tmp_path, *CROWDED, whole=True).status == 1
    assert the_sweep(tmp_path).status == ["failed", "failed", "done", "done"]


# Workers that are killed


@pytest.mark.parametrize(
    ("case", "constants", "least"),
    [
        pytest.param(FEW, {}, 0, id="as-it-starts"),
        pytest.param(SMALL, {}, 1, id="rows"),
        pytest.param(PAIR, TINY, 1, id="blocks"),
        pytest.param(LARGE, {}, 1, id="large-rows"),
    ],
)
def test_a_worker_is_killed(
    driver: Driver, tmp_path: Path, case: tuple[str, ...], constants: dict[str, int], least: int
) -> None:
    """The sweep goes on by itself, and nothing that was stored is computed again."""
    witness = Witness(tmp_path)
    started = driver.start(tmp_path, *case, workers=2, constants=constants)
    started.until(lambda: started.workers() and stored(tmp_path) >= least)
    witness.look()
    os.kill(started.workers()[0], signal.SIGKILL)
    assert started.wait() == 0, started.text
    witness.look()
    assert content(tmp_path) == undisturbed(case)


@pytest.mark.parametrize("constants", [{}, TINY], ids=["rows", "blocks"])
def test_workers_are_killed_again_and_again(
    driver: Driver, tmp_path: Path, constants: dict[str, int]
) -> None:
    started = driver.start(tmp_path, *FEW, workers=2, whole=True, constants=constants)
    started.without_workers()
    assert started.wait() == 1
    assert "4 cells failed" in started.text
    sweep = the_sweep(tmp_path)
    assert sweep.status == ["failed"] * 4
    assert all("was killed" in reason for reason in sweep.failures()["reason"])
    driver.complete(tmp_path, *FEW, "sweep.retry=true", whole=True, constants=constants)
    assert content(tmp_path) == undisturbed(FEW)


def test_a_retry_heals_a_cell_of_which_a_later_block_failed(driver: Driver, tmp_path: Path) -> None:
    constants = {"sim.sweep.runner.BLOCK": 3}
    started = driver.start(tmp_path, *SHORT, workers=2, constants=constants)
    started.until(lambda: stored(tmp_path) > 0)
    started.without_workers()
    assert started.wait() == 0, started.text
    assert the_sweep(tmp_path).status == ["failed"]
    driver.complete(tmp_path, *SHORT, "sweep.retry=true", constants=constants)
    assert the_sweep(tmp_path).status == ["done"]
    assert content(tmp_path) == undisturbed(SHORT)


# Disks that are full


@pytest.mark.parametrize(
    ("case", "workers", "limit", "what", "least"),
    [
        pytest.param(SMALL, 1, 2_000, "cells-", None, id="folder"),
        pytest.param(SMALL, 1, 12_000, r"\.arrow", 1, id="stream"),
        pytest.param(SMALL, 1, 12_000, r"\.parquet", 18, id="part"),
        pytest.param(LARGE, 1, 100_000, r"\.parquet", 0, id="large-rows"),
        pytest.param(LARGE, 2, 100_000, r"\.parquet", 0, id="large-rows-2-workers"),
        pytest.param(PAIR, 2, 1_000, r"blocks.*\.parquet", 0, id="blocks-2-workers"),
    ],
)
def test_files_can_grow_no_further(
    driver: Driver,
    tmp_path: Path,
    case: tuple[str, ...],
    workers: int,
    limit: int,
    what: str,
    least: int | None,
) -> None:
    """A limit on the size of files is met as a full disk is, and can be set anywhere."""
    witness = Witness(tmp_path)
    constants = TINY if "blocks" in what else {}
    if least:
        interrupted(driver, tmp_path, case, least)
    elif least == 0:  # the folder alone
        driver.run(tmp_path, *case, event=12, constants=constants)
        assert parts(tmp_path).parent != tmp_path
    before = witness.look()
    failed = driver.run(
        tmp_path, *case, whole=True, workers=workers, limit=limit, constants=constants
    )
    assert failed.status == 1
    assert re.search(rf"multivector: failed: cannot write \S*{what}.*File too", failed.text)
    assert "Traceback" not in failed.text
    assert witness.look() >= before
    driver.complete(tmp_path, *case, constants=constants)
    witness.look()
    assert content(tmp_path) == undisturbed(case)
    assert not list(tmp_path.glob(".*"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, with a megabyte."""
    place = fresh(tmp_path, "disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("first", ["folder", "rows"])
def test_a_disk_is_full(driver: Driver, disk: Path, first: str) -> None:
    """With more and more room left, until there is enough."""
    page = os.sysconf("SC_PAGE_SIZE")
    failures = 0
    for number in range(100):
        root = fresh(disk, "sweeps")
        witness = Witness(root)
        if first == "rows":
            interrupted(driver, root, FEW, 2)
        filler = disk / "filler"
        room = shutil.disk_usage(disk).free - number * (page if first == "rows" else 4 * page)
        filler.write_bytes(bytes(max(room, 0)))
        witness.look()
        tried = driver.run(root, *FEW)
        assert tried.status in (0, 1), tried.text
        filler.unlink()
        if tried.status:
            failures += 1
            assert re.match(r"cannot write .*No space left on device", tried.text)
            witness.look()
            driver.complete(root, *FEW)
        witness.look()
        assert content(root) == undisturbed(FEW)
        assert not list(root.glob(".*"))
        shutil.rmtree(root)
        if not tried.status:
            break
    assert failures > 1


# Files that are torn or changed


def test_a_stream_that_is_torn_anywhere(driver: Driver, tmp_path: Path) -> None:
    """Rows before the tear are read as they are, and nothing else is."""
    interrupted(driver, tmp_path, SMALL)
    (stream,) = parts(tmp_path).iterdir()
    found = open_folder(parts(tmp_path).parent).parts
    whole, rows_of_all = stream.read_bytes(), found.read()
    assert rows_of_all.num_rows >= 3
    seen = set()
    for size in range(0, len(whole), 11):
        for tail in (b"", bytes(50), b"\xff\xff\xff\xff\0\0\0\0"):  # zeros, end of a stream
            stream.write_bytes(whole[:size] + tail)
            read = found.read()
            assert read.equals(rows_of_all.slice(0, read.num_rows))
            seen.add(read.num_rows)
    assert seen == set(range(rows_of_all.num_rows))


def test_rows_in_the_torn_end_of_a_stream_are_computed_again(
    driver: Driver, tmp_path: Path
) -> None:
    interrupted(driver, tmp_path, SMALL)
    (stream,) = parts(tmp_path).iterdir()
    before = stored(tmp_path)
    stream.write_bytes(stream.read_bytes()[:-100])
    witness = Witness(tmp_path)
    assert witness.look() == before - 1
    driver.complete(tmp_path, *SMALL)
    assert witness.look() == 24
    assert content(tmp_path) == undisturbed(SMALL)


def test_no_changed_bit_of_a_part_goes_unnoticed(driver: Driver, tmp_path: Path) -> None:
    """A part that was truncated or changed is refused, or it does not matter."""
    driver.complete(tmp_path, *FEW)
    (part,) = parts(tmp_path).iterdir()
    found = open_folder(parts(tmp_path).parent).parts
    whole, wanted = part.read_bytes(), found.read()
    rng = random.Random(1)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places = [rng.randrange(footer) for _ in range(500)]
    places += [rng.randrange(footer, len(whole)) for _ in range(2000)]
    refused = 0
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.randrange(8)
        part.write_bytes(changed)
        said = ""
        try:
            assert found.read().equals(wanted), place
        except InputError as error:
            said = str(error)
        refused += str(part) in said
        assert str(part) in said or not said
    assert refused > len(places) / 2
    for size in range(0, len(whole), 50):
        part.write_bytes(whole[:size])
        with pytest.raises(InputError, match=part.name):
            found.read()


@pytest.mark.parametrize("fault", ["truncated", "flipped", "emptied"])
def test_a_broken_part_is_named_and_can_be_deleted(
    driver: Driver, tmp_path: Path, fault: str
) -> None:
    driver.complete(tmp_path, *FEW, "shard=1/2")
    driver.complete(tmp_path, *FEW[:-1], "powers.cn.budget.value=5,6", "shard=2/2")
    (part,) = parts(tmp_path).iterdir()
    whole = bytearray(part.read_bytes())
    if fault == "flipped":
        whole[20] ^= 4  # in the keys of the cells, which come first
    part.write_bytes({"truncated": whole[:-20], "flipped": whole, "emptied": b""}[fault])
    refused = driver.run(tmp_path, *FEW, whole=True)
    assert refused.status == 2
    assert str(part) in refused.text
    assert "delete it" in refused.text
    assert "Traceback" not in refused.text
    part.unlink()
    driver.complete(tmp_path, *FEW)
    assert content(tmp_path) == undisturbed(FEW)


def test_numbers_that_were_changed_are_refused_when_they_are_read(
    driver: Driver, tmp_path: Path
) -> None:
    driver.complete(tmp_path, *FEW)
    (part,) = parts(tmp_path).iterdir()
    whole = bytearray(part.read_bytes())
    whole[len(whole) // 2] ^= 1
    part.write_bytes(whole)
    sweep = the_sweep(tmp_path)
    for read in (sweep.table, lambda: sweep.data):
        with pytest.raises(InputError, match=f"{part.name}.*delete it"):
            read()
    part.unlink()
    driver.complete(tmp_path, *FEW)
    assert content(tmp_path) == undisturbed(FEW)


# Folders that do not fit


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        ("code", lambda old: "0" * len(old), "the code has changed since this sweep began"),
        ("ledger", lambda old: "0" * len(old), "the evidence ledger has changed since this"),
        ("versions", lambda old: old | {"numpy": "1.0"}, r"version of a library .*numpy 1\.0"),
        ("content", lambda old: "0" * len(old), "the configuration has changed since this"),
        ("format", lambda old: old + 1, "the layout of sweep folders has changed"),
        ("code", None, "not the manifest of a sweep"),
    ],
)
def test_a_manifest_of_something_else_is_refused(
    driver: Driver, tmp_path: Path, key: str, change: Callable[[Any], Any] | None, said: str
) -> None:
    interrupted(driver, tmp_path, FEW, 1)
    manifest = parts(tmp_path).with_name("manifest.json")
    original = manifest.read_text(encoding="utf-8")
    changed = json.loads(original)
    if change is None:
        del changed[key]
    else:
        changed[key] = change(changed[key])
    manifest.write_text(json.dumps(changed), encoding="utf-8")
    before = files(tmp_path)
    refused = driver.run(tmp_path, *FEW, whole=True)
    assert refused.status == 2
    assert re.search(said, refused.text)
    assert str(manifest.parent) in refused.text
    assert files(tmp_path) == before
    manifest.write_text(original, encoding="utf-8")
    driver.complete(tmp_path, *FEW)
    assert content(tmp_path) == undisturbed(FEW)


@pytest.mark.parametrize("kind", ["part", "stream"])
@pytest.mark.parametrize("other", [SMALL, (*FEW[:1], "outcomes=[trade]", *FEW[2:])])
def test_rows_of_another_sweep_are_refused(
    driver: Driver, tmp_path: Path, kind: str, other: tuple[str, ...]
) -> None:
    mine, theirs = fresh(tmp_path, "mine"), fresh(tmp_path, "theirs")
    interrupted(driver, mine, FEW, 1)
    if kind == "part":
        driver.complete(theirs, *other)
    else:
        interrupted(driver, theirs, other, 1)
    (foreign,) = (Path(shutil.copy(path, parts(mine))) for path in parts(theirs).iterdir())
    before = files(mine)
    refused = driver.run(mine, *FEW, whole=True)
    assert refused.status == 2
    assert f"{foreign}: rows of another sweep" in refused.text
    assert files(mine) == before
    foreign.unlink()
    driver.complete(mine, *FEW)
    assert content(mine) == undisturbed(FEW)


# Processes that meet


@pytest.mark.parametrize("shard", ["shard=1/1", "shard=2/3"])
def test_a_second_process_on_the_same_cells_is_refused(
    driver: Driver, tmp_path: Path, shard: str
) -> None:
    first = driver.start(tmp_path, *SMALL)
    first.until(lambda: stored(tmp_path) > 0)
    first.send(signal.SIGSTOP)
    before = files(tmp_path)
    second = driver.run(tmp_path, *SMALL, shard, whole=True)
    assert second.status == 2
    assert "another process is at work on part 1/1 of this sweep" in second.text
    assert files(tmp_path) == before
    first.send(signal.SIGCONT)
    assert first.wait() == 0, first.text
    assert Witness(tmp_path).look() == 24
    assert content(tmp_path) == undisturbed(SMALL)


def test_another_part_does_not_touch_a_stream_in_use(driver: Driver, tmp_path: Path) -> None:
    first = driver.start(tmp_path, *SMALL, "shard=1/2")
    first.until(lambda: stored(tmp_path) > 0)
    first.send(signal.SIGSTOP)
    before = files(tmp_path)
    driver.complete(tmp_path, *SMALL, "shard=2/2")
    assert before.items() <= files(tmp_path).items()
    first.send(signal.SIGCONT)
    assert first.wait() == 0, first.text
    assert Witness(tmp_path).look() == 24
    assert content(tmp_path) == undisturbed(SMALL)


@pytest.mark.parametrize("shard", ["shard=1/1", "shard=2/3"])
def test_the_lock_of_a_killed_process_blocks_nobody(
    driver: Driver, tmp_path: Path, shard: str
) -> None:
    interrupted(driver, tmp_path, FEW, 1)
    lock = parts(tmp_path).with_name("locks") / "shard-1-of-1.lock"
    assert lock.exists()
    driver.complete(tmp_path, *FEW, shard)
    assert not lock.exists()
    driver.complete(tmp_path, *FEW)
    assert content(tmp_path) == undisturbed(FEW)


@pytest.mark.parametrize(
    ("case", "workers", "constants"),
    [
        pytest.param(SMALL, 1, HASTY, id="streams-that-are-sealed"),
        pytest.param(TRAJECTORIES, 1, TINY | {"sim.sweep.bench.DIRECT_BYTES": 0}, id="parts"),
    ],
)
def test_a_sweep_can_be_read_while_it_runs(
    driver: Driver,
    tmp_path: Path,
    case: tuple[str, ...],
    workers: int,
    constants: dict[str, int],
) -> None:
    started = driver.start(tmp_path, *case, workers=workers, constants=constants)
    started.until(lambda: parts(tmp_path).exists())
    counts, sealed = [0], False
    while started.alive:
        sealed |= any(path.suffix == ".parquet" for path in parts(tmp_path).iterdir())
        sweep = the_sweep(tmp_path)
        table, data = sweep.table(), sweep.data
        numbers = table[table["status"] == "done"].filter(like="dependence")
        assert not numbers.isna().to_numpy().any()
        done = data["dependence"][data["status"].to_numpy() == "done"]
        assert not done.isnull().all(done.dims[1:]).any()
        counts.append(sweep.status.count("done"))
    assert started.wait() == 0, started.text
    assert counts == sorted(counts)
    assert len(set(counts)) > 2
    assert sealed
    assert content(tmp_path) == undisturbed(case)


# Users that stop it


@pytest.mark.parametrize(
    ("number", "workers", "group", "real"),
    [
        pytest.param(signal.SIGINT, 1, True, False, id="ctrl-c"),
        pytest.param(signal.SIGINT, 2, True, True, id="ctrl-c-2-workers"),
        pytest.param(signal.SIGTERM, 1, False, True, id="term"),
        pytest.param(signal.SIGTERM, 2, True, False, id="term-to-all"),
    ],
)
def test_a_user_stops_it(
    driver: Driver,
    tmp_path: Path,
    number: signal.Signals,
    workers: int,
    group: bool,
    real: bool,
) -> None:
    witness = Witness(tmp_path)
    if real:
        started = driver.command(tmp_path, *SMALL, workers=workers)
    else:
        started = driver.start(tmp_path, *SMALL, workers=workers, whole=True)
    started.until(lambda: stored(tmp_path) > 0)
    witness.look()
    started.send(number, group=group)
    assert started.wait() == 130, started.text  # and no worker is left
    said = re.search(r"interrupted, (\d+) of 24 cells are stored in (\S+);", started.text)
    assert said
    assert int(said[1]) == the_sweep(tmp_path).status.count("done") == witness.look() < 24
    assert Path(said[2]) == parts(tmp_path).parent
    driver.complete(tmp_path, *SMALL)
    witness.look()
    assert content(tmp_path) == undisturbed(SMALL)
