"""Jobs of the command under a launcher of Hydra: here, in processes, or on a cluster.

A launch is a Hydra application (``sim.job``) in a process group of its own, so that it can be
ended whole. All its files stand in one folder below ``multirun``: the list of jobs, what Hydra
said, and for each job what it printed and its exit status.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final

from sim.compose import config_folders, hydra_on
from sim.errors import InputError, nearest
from sim.overrides import LAUNCHER, Override, options

CONFIG: Final = "launch"
PARENT: Final = Path("multirun")
JOBS: Final = "jobs.json"
HYDRA_LOG: Final = "hydra.log"
GRACE: Final = 5.0
"""Seconds that jobs have to end in an orderly way."""
PAUSE: Final = 0.2
"""Seconds between two looks at what has ended."""
LOCAL, SLURM = "submitit_local", "submitit_slurm"
PLUGINS: Final = {"joblib", LOCAL, SLURM}
INSTALL: Final = 'pip install "multivector[cluster]"'

Jobs = Sequence[Sequence[str]]


def launch(jobs: Jobs, settings: Sequence[str], config_dir: str | Path | None = None) -> list[int]:
    """Run jobs under a launcher of Hydra, and print what each printed once it has ended.

    Parameters
    ----------
    jobs : arguments of the command, such as ``["run", "seed=7"]``, for each job.
    settings : which launcher, and its settings, such as ``"hydra/launcher=joblib"`` and
        ``"hydra.launcher.n_jobs=2"``.
    config_dir : folder with configurations of one's own; its ``hydra/launcher`` may hold some.

    Returns
    -------
    Exit status of each job, in order; 1 for one that died without saying.

    Raises
    ------
    InputError
        For a launcher or a setting that does not work; then no job was started.
    KeyboardInterrupt
        Says how many jobs had ended; the others were ended, but for those that a cluster has.
    """
    launcher = check_launcher(settings, config_dir)
    folder = _new_folder(jobs)
    number = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
    print(f"# {number} under {launcher}: {folder}\n", flush=True)
    places = [f"folder={folder}", f"job=range(0,{len(jobs)})"]
    if launcher == LOCAL:  # it starts a whole batch at once
        places.append(f"hydra.sweeper.max_batch_size={os.cpu_count() or 1}")
    own = [] if config_dir is None else ["--config-dir", str(Path(config_dir).resolve())]
    application = _Application(folder, jobs, [*own, *places, *settings])
    try:
        application.follow()
    except KeyboardInterrupt:
        queued = "; those queued go on (squeue, scancel)" if launcher == SLURM else ""
        text = f"{len(application.ended)} of {number} had ended{queued}"
        raise KeyboardInterrupt(text) from None
    finally:
        application.end()
    lost = [str(number) for number in range(len(jobs)) if number not in application.ended]
    if lost:
        said = application.last_words()
        if application.process.returncode > 0 and not any(folder.glob("job-*")):
            raise InputError(f"{LAUNCHER}={launcher}: {said} [{folder / HYDRA_LOG}]")
        print(f"no word from job {', '.join(lost)}: {said} [{folder / HYDRA_LOG}]", file=sys.stderr)
    return [application.ended.get(number, 1) for number in range(len(jobs))]


def check_launcher(settings: Sequence[str], config_dir: str | Path | None = None) -> str:
    """Name of the launcher; refuse one that is not there, and settings that it does not have."""
    from hydra import compose
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException

    parsed = [Override(text) for text in settings]
    name = next((o.value for o in reversed(parsed) if o.key == LAUNCHER), "basic")
    folders = config_folders(config_dir)
    with hydra_on(folders) as search:
        installed = GlobalHydra.instance().config_loader().get_group_options(LAUNCHER)
        _check_name(name, [*installed, *options(LAUNCHER, folders)])
        chosen = [*search, f"{LAUNCHER}={name}"]
        config = compose(CONFIG, overrides=chosen, return_hydra_config=True)
        known = [str(key) for key in config.hydra.launcher if key != "_target_"]
        for override in parsed:
            if override.is_sweep:
                raise InputError(f"option '{override.text}': one value, for all runs")
            if override.key == LAUNCHER:
                continue
            _check_key(override, name, known)
            try:
                compose(CONFIG, overrides=[*chosen, override.text], return_hydra_config=True)
            except HydraException as error:
                reason = str(error.__cause__ or error).splitlines()[0]
                raise InputError(f"option '{override.text}': {reason}") from None
    return name


def log_file(folder: Path, job: int) -> Path:
    """What a job prints."""
    return folder / f"job-{job}.log"


def status_file(folder: Path, job: int) -> Path:
    """Exit status of a job that has ended."""
    return folder / f"job-{job}.status"


class _Application:
    """The Hydra application of a launch, and its jobs that have ended so far."""

    def __init__(self, folder: Path, jobs: Jobs, overrides: Sequence[str]) -> None:
        self.folder, self.jobs = folder, jobs
        self.ended: dict[int, int] = {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sim.job", *overrides],
            stdin=subprocess.PIPE,  # its end tells the application that we are gone
            stdout=subprocess.PIPE,  # ends when the last process of the launch has ended
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
            env={
                **os.environ,
                "HYDRA_FULL_ERROR": "1",
                "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
                "PYTHONSAFEPATH": "1",
            },
        )
        self.silent = Event()
        Thread(target=self._copy, daemon=True).start()

    def follow(self) -> None:
        """Report each job when it has ended, until all have or can no longer."""
        while not (self.silent.wait(PAUSE) or self._over()):
            self._report()
        self._report()

    def end(self) -> None:
        """End what is left: ask, wait, then insist."""
        try:
            if not self.silent.is_set():
                self._signal(signal.SIGTERM)
                self.silent.wait(GRACE)
        finally:
            self._signal(signal.SIGKILL)
            self.process.wait()
            assert self.process.stdin is not None
            self.process.stdin.close()

    def last_words(self) -> str:
        """Why it ended before its jobs had, in one line."""
        code = self.process.returncode
        if code < 0:
            return f"Hydra was ended by {signal.Signals(-code).name}"
        lines = (self.folder / HYDRA_LOG).read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), "no reason given")

    def _over(self) -> bool:
        code = self.process.poll()
        return code is not None and (code < 0 or len(self.ended) == len(self.jobs))

    def _report(self) -> None:
        """Print the output of jobs that have ended since the last look."""
        found = {int(path.stem[4:]) for path in self.folder.glob("job-*.status")}
        for job in sorted(found - set(self.ended)):
            self.ended[job] = int(status_file(self.folder, job).read_text(encoding="utf-8"))
            stream = sys.stderr if self.ended[job] else sys.stdout
            print(f"# multivector {shlex.join(self.jobs[job])}", file=stream)
            print(log_file(self.folder, job).read_text(encoding="utf-8"), file=stream, flush=True)

    def _copy(self) -> None:
        assert self.process.stdout is not None
        try:
            with self.process.stdout as said, (self.folder / HYDRA_LOG).open("wb", 0) as log:
                shutil.copyfileobj(said, log)
        finally:
            self.silent.set()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def _new_folder(jobs: Jobs) -> Path:
    """Folder of a launch with its list of jobs, below the current folder and relative to it."""
    try:
        PARENT.mkdir(exist_ok=True)
        name = tempfile.mkdtemp(prefix=time.strftime("%Y-%m-%d_%H-%M-%S_"), dir=PARENT)
        folder = PARENT / Path(name).name
        (folder / JOBS).write_text(json.dumps(list(map(list, jobs)), indent=1), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{PARENT}: cannot write here: {error.strerror}") from None
    return folder


def _check_name(name: str, installed: Sequence[str]) -> None:
    if name in installed:
        return
    if name in PLUGINS:
        raise InputError(f"{LAUNCHER}={name}: its plugin is not installed: {INSTALL}")
    valid = ", ".join(sorted({*installed, *PLUGINS}))
    hint = "" if set(installed) >= PLUGINS else f"; for those not installed, {INSTALL}"
    raise InputError(f"{LAUNCHER}={name}: unknown launcher '{name}' (valid: {valid}){hint}")


def _check_key(override: Override, launcher: str, known: Sequence[str]) -> None:
    key = override.key.removeprefix("hydra.launcher.").split(".")[0]
    if key not in known and not override.prefix:
        hint = nearest(key, known) if known else ", which has no settings"
        raise InputError(f"option '{override.text}': unknown key '{key}' of {launcher}{hint}")
