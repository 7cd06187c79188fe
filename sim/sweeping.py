"""The command ``multivector sweep``: plan, say what it takes, carry it out, say what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sim.errors import InputError, MultivectorError
from sim.launch import check_launcher, launch
from sim.overrides import split_launcher
from sim.request import SHARD, Command, read_command
from sim.store import writable
from sim.sweep.claims import Shard
from sim.sweep.estimate import estimate
from sim.sweep.folder import Folder, find_folder, make_folder
from sim.sweep.layout import lay_out
from sim.sweep.parts import FAILED
from sim.sweep.plan import Plan
from sim.sweep.results import MISSING, Sweep
from sim.sweep.runner import execute, missing


def run_sweep(overrides: Sequence[str], config_dir: str | None, dry_run: bool) -> None:
    """Compute the cells of a sweep that are not stored yet, and print what there is.

    Raises
    ------
    InputError
        All mistakes in the options and in all cells, before the first is computed.
    MultivectorError
        A cell failed, or a result could not be written.
    KeyboardInterrupt
        Says what is stored.
    """
    settings, others = split_launcher(overrides)
    command = read_command(others, config_dir)
    if settings:
        check_launcher(settings, config_dir)
        if len(command.shards) == 1:
            raise InputError(f"{SHARD}: a launcher needs several parts, such as {SHARD}=all/4")
    writable(command.folder)
    plan = lay_out(command.request)
    folder = find_folder(plan, command.folder)
    _say_plan(plan, folder, command)
    if dry_run:
        return
    folder = folder or make_folder(plan, command.folder)
    try:
        if settings:
            _launch(command, settings, config_dir)
        else:
            for shard in command.shards:
                execute(plan, folder, replace(command.conduct, shard=shard))
    except KeyboardInterrupt as stop:
        done = len(plan.cells) - Sweep(folder).status.count(MISSING)
        said = f"{stop}; " if str(stop) else ""
        raise KeyboardInterrupt(
            f"{said}{done} of {len(plan.cells)} cells are stored in {folder.path}; run the same "
            "command again to go on"
        ) from None
    _say_results(Sweep(folder), plan, command.shards)


def _say_plan(plan: Plan, folder: Folder | None, command: Command) -> None:
    cells = [cell for s in command.shards for cell in plan.shard(s.part, s.parts)]
    left = missing(plan, cells, folder.stored(), command.conduct.retry) if folder else cells
    where = [f"{len(plan.bases)} scenarios"] if len(plan.bases) > 1 else []
    numbers = len(plan.manifest["factors"])
    where += [f"{numbers} factors"] if numbers else []
    over = f" over {' and '.join(where)}" if where else ""
    print(f"{plan.name}{over}: {len(plan.cells)} cells, {plan.runs:,} runs")
    if len(cells) < len(plan.cells):
        print(f"this part: {len(cells)} cells")
    if len(left) < len(cells):
        print(f"stored: {len(cells) - len(left)} cells; to do: {len(left)}")
    if left:
        workers = command.conduct.workers
        shared = f" with {workers} workers" if workers > 1 else ""
        guess = estimate(plan, left, workers)
        print(f"takes {guess.text() if guess else 'a time not known: the first fails'}{shared}")


def _say_results(sweep: Sweep, plan: Plan, shards: Sequence[Shard]) -> None:
    status = sweep.status
    mine = [status[cell.number] for s in shards for cell in plan.shard(s.part, s.parts)]
    print(f"{sweep.text()}\n\n{sweep.folder}")
    if MISSING in mine:
        raise MultivectorError(f"{mine.count(MISSING)} cells are missing: run the command again")
    if FAILED in mine:
        raise MultivectorError(
            f"{mine.count(FAILED)} cells failed: sim.open_sweep('{sweep.folder}').failures() shows "
            "why; sweep.retry=true computes them once more"
        )


def _launch(command: Command, settings: Sequence[str], config_dir: str | None) -> None:
    """Compute each part as a job under a launcher of Hydra; what is stored says how it went."""
    own = [] if config_dir is None else ["--config-dir", str(Path(config_dir).resolve())]
    jobs = [
        ["sweep", *command.overrides, f"{SHARD}={shard.part}/{shard.parts}", *own]
        for shard in command.shards
    ]
    launch(jobs, settings, config_dir)
