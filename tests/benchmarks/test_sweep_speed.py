"""A sweep of 1,000 cells by 1,000 replicates, beside other ways to evaluate the same model.

``pytest -m benchmark -s tests/benchmarks/test_sweep_speed.py``; EMA Workbench 3 is shown where it
is installed (``pip install "ema_workbench>=3"``, Python 3.12 and newer). ``MULTIVECTOR_CELLS``
gives another number of cells.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmarks import rivals

import sim

CELLS = int(os.environ.get("MULTIVECTOR_CELLS", "1000"))
REPLICATES = 1_000
RIVAL_CELLS, RIVAL_REPLICATES = 4, 60
ENSEMBLE_CELLS = 40
PARAMETERS = ("powers.eu.budget", "powers.eu.delivery.trade")
LOOK_SECONDS = 0.1
MEGA = 1e6


@pytest.mark.benchmark
@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep(tmp_path: Path, workers: int) -> None:
    """The command as a user gives it, all outcomes kept in summary."""
    words = [
        "sweep=latin_hypercube",
        f"sweep.over=[{','.join(PARAMETERS)}]",
        f"sweep.samples={CELLS}",
        f"replicates={REPLICATES}",
        f"sweep.workers={workers}",
    ]
    command = [sys.executable, "-m", "sim.cli", "sweep", *words]
    began, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, rivals.tree_memory(process.pid))
            time.sleep(LOOK_SECONDS)
    spent = time.perf_counter() - began
    assert process.returncode == 0
    (folder,) = (tmp_path / "sweeps").iterdir()
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    runs = CELLS * REPLICATES
    began = time.perf_counter()
    table = sim.open_sweep(folder).table()
    opened = time.perf_counter() - began
    assert (table["status"] == "done").all()
    print(
        f"\n{workers} workers: {runs} runs in {spent:.0f} s, {runs / spent:.0f} runs/s; "
        f"peak memory {peak:.0f} MB; {size / MEGA:.1f} MB in {len(files)} files, "
        f"{size / runs:.1f} bytes a run; table opened in {opened:.1f} s"
    )


@pytest.mark.benchmark
def test_rivals() -> None:
    """Runs a second with start-up and without, and peak memory, one and two processes."""
    scenario = sim.load_scenario("strategic_balance", "outcomes=[dependence]", seed=7)
    few = rivals.grid(scenario, dict.fromkeys(PARAMETERS, 2))
    many = rivals.grid(scenario, dict(zip(PARAMETERS, (8, 5), strict=True)))
    assert (len(few), len(many)) == (RIVAL_CELLS, ENSEMBLE_CELLS)
    rows = [("reference, mesa.batch_run", rivals.batch_run, few, RIVAL_REPLICATES)]
    if importlib.util.find_spec("ema_workbench"):
        rows += [
            ("reference, EMA Workbench", rivals.ema_reference, few, RIVAL_REPLICATES),
            ("ensemble, EMA Workbench", rivals.ema_ensemble, many, REPLICATES),
        ]
    print()
    for name, rival, cells, replicates in rows:
        for processes in (1, 2):
            found = rivals.alone(rival, scenario, cells, replicates, processes)
            print(
                f"{name:26} {processes} processes {found.rate:8.0f} runs/s with start-up, "
                f"{found.later_rate:8.0f} without; peak memory {found.memory:5.0f} MB"
            )
    assert rows


@pytest.mark.benchmark
def test_the_same_sweep_as_rivals(tmp_path: Path) -> None:
    """The cells that EMA Workbench evaluates, with the same outcome, by ``sim.sweep``."""
    scenario = sim.load_scenario(
        "strategic_balance", "outcomes=[dependence]", seed=7, replicates=REPLICATES
    )
    cells = rivals.grid(scenario, dict(zip(PARAMETERS, (8, 5), strict=True)))
    over = [{"path": path, "values": [dict(cell)[path] for cell in cells]} for path in PARAMETERS]
    print()
    for workers in (1, 2):
        began = time.perf_counter()
        sweep = sim.sweep(
            scenario,
            {"design": "list", "over": over},
            folder=tmp_path / str(workers),
            workers=workers,
            progress=False,
        )
        spent = time.perf_counter() - began
        assert sweep.complete
        print(f"sim.sweep, {workers} workers: {len(cells) * REPLICATES / spent:.0f} runs/s")
