"""The command ``multivector sweep`` in processes that a test can kill.

Run as a script it imports everything and plans each sweep once, then forks a process an attempt.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.cli import main as command
from sim.errors import InputError, MultivectorError
from sim.request import Command, read_command
from sim.sweep.folder import make_folder
from sim.sweep.layout import lay_out
from sim.sweep.plan import Plan
from sim.sweep.runner import execute

KILLED: Final = -signal.SIGKILL
"""Exit status of a process that was killed."""
CRASHED: Final = 70
"""Exit status of a process that ended with an error that is not one of ours."""
ORPHAN_LOOKS: Final = 3000
"""Times to look for workers that have not ended, before it is an error."""
_LOOKS: Final = ("os.listdir", "os.scandir")
"""Events that change nothing and open nothing."""


@dataclass(frozen=True)
class Attempt:
    """What a forked process is to do.

    Attributes
    ----------
    root : where sweeps stand.
    case : overrides of the command.
    said : file with what it prints.
    workers : processes.
    whole : whether it is the whole command, or only what follows the planning.
    event : number of the file-system event before which it kills itself, from 1.
    constants : of modules, by dotted name, set beforehand.
    limit : largest size of a file, in bytes.
    """

    root: str
    case: tuple[str, ...]
    said: str
    workers: int = 1
    whole: bool = False
    event: int = 0
    constants: dict[str, int] = field(default_factory=dict)
    limit: int | None = None


class Driver:
    """Starts attempts from a process that has imported and planned everything once."""

    def __init__(self, folder: Path) -> None:
        """Start it; what attempts print goes to files in the folder."""
        self.folder = folder
        self._count = 0
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
        )

    def start(self, root: Path, *case: str, **named: Any) -> Started:
        """Start an attempt in a process group of its own; ``named`` as in ``Attempt``."""
        said = self._paper()
        attempt = Attempt(str(root), case, str(said), **named)
        pid = self._ask({"do": "start", "attempt": vars(attempt)})
        return Started(pid, said, lambda: self._ask({"do": "wait", "pid": pid}))

    def run(self, root: Path, *case: str, **named: Any) -> Started:
        """As ``start``, but wait for its end."""
        started = self.start(root, *case, **named)
        started.wait()
        return started

    def complete(self, root: Path, *case: str, **named: Any) -> None:
        """Run without disturbance to the end."""
        done = self.run(root, *case, **named)
        assert done.status == 0, done.text

    def command(self, root: Path, *case: str, workers: int = 1) -> Started:
        """Start the real command as a user does, in a process group of its own."""
        said = self._paper()
        own = (f"sweep.dir={root}", f"sweep.workers={workers}")
        with said.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "sim.cli", "sweep", *own, *case],
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_hear_interrupts,
            )
        return Started(process.pid, said, process.wait)

    def _paper(self) -> Path:
        self._count += 1
        return self.folder / f"said-{self._count}.txt"

    def _ask(self, request: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@lru_cache(maxsize=1)
def shared_driver() -> Driver:
    """One for all tests; it ends with the process that asks."""
    return Driver(Path(tempfile.mkdtemp(prefix="multivector-")))


@dataclass
class Started:
    """An attempt that was started; its process group has the number of its process."""

    pid: int
    said: Path
    reap: Callable[[], int]
    status: int | None = None

    @property
    def text(self) -> str:
        """What it has printed."""
        return self.said.read_text(encoding="utf-8")

    @property
    def alive(self) -> bool:
        """Whether its first process has not ended."""
        return process(self.pid) is not None

    def workers(self) -> list[int]:
        """Its worker processes."""
        return [p.pid for p in living() if p.parent == self.pid and "spawn_main" in p.command]

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something that it brings about."""
        while not condition():
            assert self.alive, self.text
            time.sleep(0.02)

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send it a signal, or to its workers as well."""
        if group:
            os.killpg(self.pid, number)
        else:
            os.kill(self.pid, number)

    def without_workers(self) -> None:
        """Kill every worker that it starts, until its end."""
        while self.alive:
            for pid in self.workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def wait(self) -> int:
        """Wait for its end and that of its workers; its exit status."""
        self.status = self.reap()
        for _ in range(ORPHAN_LOOKS):
            if not any(one.group == self.pid for one in living()):
                return self.status
            time.sleep(0.02)
        os.killpg(self.pid, signal.SIGKILL)
        raise AssertionError("workers outlive the process that started them")

    def kill(self) -> int:
        """Kill it with its workers, and wait for their end."""
        self.send(signal.SIGKILL, group=True)
        return self.wait()


class Process(NamedTuple):
    """A process of this machine."""

    pid: int
    parent: int
    group: int

    @property
    def command(self) -> str:
        """How it was started; empty if it is gone."""
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return ""


def process(pid: int) -> Process | None:
    """A process, if it has not ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, parent, group = file.read().rpartition(b")")[2].split()[:3]
    except OSError:
        return None
    return None if state in (b"Z", b"X") else Process(pid, int(parent), int(group))


def living() -> Iterator[Process]:
    """All processes that have not ended."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (found := process(int(entry))):
            yield found


def _hear_interrupts() -> None:
    """Undo what a shell does to processes in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _main() -> None:
    """Answer requests, one a line, with a number each."""
    for name in ("pandas", "xarray", "scipy.stats", "sim.sweeping"):
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "start":
            answer = _fork(Attempt(**request["attempt"]))
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["pid"], 0)[1])
        print(answer, flush=True)


@lru_cache
def _planned(case: tuple[str, ...]) -> tuple[Command, Plan]:
    """A case read and planned; that leaves Arrow alone, whose threads would not outlive a fork."""
    asked = read_command(case)
    return asked, lay_out(asked.request)


def _fork(attempt: Attempt) -> int:
    _planned(tuple(attempt.case))
    pid = os.fork()
    if pid:
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)
        return pid
    status = CRASHED
    try:
        os.setpgid(0, 0)
        _settle(attempt)
        status = _whole(attempt) if attempt.whole else _rest(attempt)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _settle(attempt: Attempt) -> None:
    """Give a forked process what its attempt is to meet."""
    handle = os.open(attempt.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(handle, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, value in attempt.constants.items():
        module, _, constant = name.rpartition(".")
        assert hasattr(importlib.import_module(module), constant)
        setattr(importlib.import_module(module), constant, value)
    if attempt.limit is not None:
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (attempt.limit, most))
    if attempt.event:
        sys.addaudithook(_Suicide(attempt.root, attempt.event))


def _whole(attempt: Attempt) -> int:
    own = (f"sweep.dir={attempt.root}", f"sweep.workers={attempt.workers}")
    return command(["sweep", *own, *attempt.case])


def _rest(attempt: Attempt) -> int:
    """What the command does once it has planned, with its exit status."""
    asked, plan = _planned(tuple(attempt.case))
    try:
        folder = make_folder(plan, Path(attempt.root))
        for shard in asked.shards:
            execute(plan, folder, replace(asked.conduct, shard=shard, workers=attempt.workers))
    except MultivectorError as error:
        print(error)
        return 2 if isinstance(error, InputError) else 1
    return 0


class _Suicide:
    """Audit hook that kills its process before the so-manyth event on files below a folder."""

    def __init__(self, root: str, left: int) -> None:
        self.root, self.left = root, left

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith(("open", "os.")) or event in _LOOKS:
            return
        if any(str(place).startswith(self.root) for place in arguments[:2]):
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _main()
