"""Hydra application whose tasks are the jobs of a launch; ``sim.launch`` starts it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli import main
from sim.launch import CONFIG, GRACE, JOBS, log_file, status_file
from sim.places import CONFIG_DIR

if TYPE_CHECKING:
    from omegaconf import DictConfig

INTERRUPTED = 130

_orphaned = threading.Event()


def application() -> None:
    """Run the Hydra application, in a process group of its own, by the command line."""
    import hydra

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_watch, daemon=True).start()
    try:
        hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name=CONFIG)(task)()
    except Exception as error:
        traceback.print_exc()
        sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))  # the last line of the log
    finally:
        if _orphaned.is_set():  # the watch ends what is left, and us
            time.sleep(2 * GRACE)


def task(config: DictConfig) -> None:
    """Do one job of the list; print and end into its files."""
    folder, job = Path(config.folder), int(config.job)
    arguments = json.loads((folder / JOBS).read_text(encoding="utf-8"))[job]
    with (
        log_file(folder, job).open("w", encoding="utf-8", buffering=1) as log,
        redirect_stdout(log),
        redirect_stderr(log),
    ):
        status = _status(arguments)
    target = status_file(folder, job)
    part = target.with_suffix(".part")
    part.write_text(f"{status}\n", encoding="utf-8")
    os.replace(part, target)
    if status == INTERRUPTED:
        os._exit(status)  # a worker would take the next job


def _status(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as stop:
        if stop.code not in (0, 2):  # of the command's parser; else a scheduler takes the job back
            raise
        return int(stop.code)
    except Exception:
        traceback.print_exc()
        return 1


def _watch() -> None:
    """End the whole launch when the process that started it is gone."""
    os.read(sys.stdin.fileno(), 1)
    _orphaned.set()
    group = os.getpid()
    os.killpg(group, signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    from sim.job import application as importable  # workers find the task by its module

    importable()
