"""Launchers of Hydra carry jobs: each ends in the store, and none outlives its launch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

import sim
from sim.cli import main
from sim.compose import expand, list_scenarios
from sim.errors import InputError
from sim.launch import check_launcher, launch
from sim.places import CONFIG_DIR

SMALL = ["replicates=5", "outcomes=[dependence]", "output.figures=false"]
LARGE = ["replicates=1000000", "outcomes=[dependence]", "output.figures=false"]
PROCESSES = Path("/proc")
PATIENCE = 60.0

needs_processes = pytest.mark.skipif(not PROCESSES.is_dir(), reason="processes cannot be listed")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sim.cli", "run", "-m", *arguments]


TIMEOUT = 600
"""Seconds after which a command hangs."""


def run(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path + os.environ["PATH"]}
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def stored(folder: Path) -> dict[str, int]:
    """Files of all runs with the time of their last change."""
    runs = folder / "runs"
    return {
        str(path.relative_to(runs)): path.stat().st_mtime_ns
        for path in runs.rglob("*")
        if path.is_file()
    }


def results(folder: Path) -> dict[str, dict[str, str]]:
    """Hashes of the result files of each run."""
    return {path.name: sim.open_run(path).manifest["files"] for path in (folder / "runs").iterdir()}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of the multirun that has no launcher."""
    folder = tmp_path_factory.mktemp("reference")
    assert main(["run", "-m", "seed=1,2", *SMALL, f"output.dir={folder / 'runs'}"]) == 0
    return folder


@pytest.mark.parametrize("launcher", ["basic", "joblib", "submitit_local"])
def test_jobs_end_in_the_store_once(
    launcher: str,
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["run", "-m", "seed=1,2", *SMALL, f"hydra/launcher={launcher}"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.count("Strategic balance: 5 replicates") == 2
    assert results(tmp_path) == results(reference)
    first = stored(tmp_path)

    assert main(arguments) == 0
    assert capsys.readouterr().out.count("found stored, not computed again") == 2
    assert stored(tmp_path) == first
    assert {path.name for path in tmp_path.iterdir()} == {"multirun", "runs"}
    assert len(list((tmp_path / "multirun").iterdir())) == 2


def test_all_scenarios_under_joblib(tmp_path: Path) -> None:
    done = run(tmp_path, "scenario=glob(*)", *SMALL, "hydra/launcher=joblib")
    assert done.returncode == 0, done.stderr
    found = {sim.open_run(path).scenario.name for path in (tmp_path / "runs").iterdir()}
    assert found == set(list_scenarios())


def test_slurm_gets_an_array_of_jobs(tmp_path: Path) -> None:
    """With stand-ins for the three commands of SLURM that are called."""
    scripts = {
        "sbatch": "read first last < <(sed -nE 's/^#SBATCH --array=([0-9]+)-([0-9]+).*/\\1 \\2/p'"
        ' "$1")\ncp "$1" "$0.script"\n'  # as SLURM does: the file is moved right after
        "for task in $(seq $first $last); do\n"
        "  export SLURM_JOB_ID=$$ SLURM_ARRAY_JOB_ID=$$ SLURM_ARRAY_TASK_ID=$task\n"
        '  setsid bash "$0.script" > /dev/null 2>&1 < /dev/null &\ndone\n'
        'echo "Submitted batch job $$"',
        "srun": "while [[ $1 == -* ]]; do\n  case $1 in --output|--error) shift 2;; *) shift;; "
        'esac\ndone\nexec "$@"',
        "sacct": "echo 'JobID|State|NodeList'",
    }
    (tmp_path / "bin").mkdir()
    for name, text in scripts.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    settings = ["hydra/launcher=submitit_slurm", "hydra.launcher.partition=short"]
    done = run(tmp_path, "seed=1,2", *SMALL, *settings, path=f"{tmp_path / 'bin'}:")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs").iterdir())) == 2
    (submission,) = tmp_path.glob("multirun/*/.submitit/*/*_submission.sh")
    text = submission.read_text(encoding="utf-8")
    assert "--array=0-1" in text
    assert "--partition=short" in text


def test_own_folder_with_a_scenario_and_a_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "my own"
    (own / "scenario").mkdir(parents=True)
    (own / "scenario" / "own_story.yaml").write_text(
        "# @package _global_\nname: own_story\nstory: {title: Own, text: As the baseline.}\n",
        encoding="utf-8",
    )
    (own / "hydra" / "launcher").mkdir(parents=True)
    (own / "hydra" / "launcher" / "pair.yaml").write_text(
        "defaults: [joblib]\nn_jobs: 2\n", encoding="utf-8"
    )
    chosen = ["scenario=glob(own*)", "seed=range(1,3)", "hydra/launcher=pair"]
    assert main(["run", "-m", *chosen, *SMALL, "--config-dir", own.name]) == 0
    assert "2 jobs under pair" in capsys.readouterr().out
    names = [path.name for path in (tmp_path / "runs").iterdir()]
    assert [name.rsplit("-", 1)[0] for name in names] == ["own_story"] * 2


def test_statuses_of_jobs_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = [["list"], ["evidence", "no-such-fact"], ["rnu"], ["list", "--help"]]
    assert launch(jobs, ["hydra/launcher=basic"]) == [0, 2, 2, 0]
    shown = capfd.readouterr()
    assert "# multivector list\n" in shown.out
    assert "strategic_balance" in shown.out
    assert "no-such-fact" in shown.err
    assert "rnu" in shown.err
    assert "Traceback" not in shown.err


def test_failed_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its files were changed, which nothing shows before the job looks at them."""
    monkeypatch.chdir(tmp_path)
    arguments = ["run", "-m", "seed=1,2", *SMALL]
    assert main(arguments) == 0
    (damaged,) = (path for path in Path("runs").iterdir() if sim.open_run(path).scenario.seed == 2)
    next((damaged / "results").iterdir()).write_bytes(b"")
    assert main([*arguments, "hydra/launcher=basic"]) == 1
    shown = capsys.readouterr()
    assert "not computed again" in shown.out
    assert "delete the folder to compute the run anew" in shown.err
    assert "failed: 1 of 2 runs: seed=2 replicates=5" in shown.err
    assert "Traceback" not in shown.err


def alive(folder: Path) -> dict[int, str]:
    """Command lines of the processes that work in a folder."""
    found = {}
    for process in PROCESSES.iterdir():
        try:
            if process.name.isdigit() and (process / "cwd").readlink() == folder:
                found[int(process.name)] = (process / "cmdline").read_text(encoding="utf-8")
        except OSError:  # it has ended, or is another user's
            continue
    return found


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a launch that takes long, and waits for its jobs to run."""
    begun: list[subprocess.Popen[str]] = []

    def start_launch(launcher: str, jobs: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command("seed=1,2", *LARGE, f"hydra/launcher={launcher}"),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        begun.append(process)
        logs = "multirun/*/job-*.log"
        wait_until(lambda: len(list(tmp_path.glob(logs))) == jobs, "no job began")
        return process

    yield start_launch
    for process in begun:
        process.kill()
        process.communicate()
    for number in alive(tmp_path):
        os.kill(number, signal.SIGKILL)


@needs_processes
@pytest.mark.parametrize(
    ("launcher", "jobs", "number"),
    [
        ("basic", 1, signal.SIGINT),
        ("joblib", 2, signal.SIGINT),
        ("submitit_local", 1, signal.SIGTERM),
    ],
)
def test_interrupt_ends_all_processes(
    launcher: str,
    jobs: int,
    number: int,
    start: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    process = start(launcher, jobs)
    process.send_signal(number)
    _, message = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert message == "multivector: interrupted, 0 of 2 jobs had ended\n"
    assert not alive(tmp_path)
    assert not list(tmp_path.glob("runs/*"))


@needs_processes
def test_killed_launch_leaves_no_process(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    start("joblib", 2).kill()
    wait_until(lambda: not alive(tmp_path), f"left: {alive(tmp_path)}")


@needs_processes
def test_job_that_dies_without_saying(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start("joblib", 2)
    worker = next(pid for pid, line in alive(tmp_path).items() if "LokyProcess" in line)
    os.kill(worker, signal.SIGKILL)
    _, message = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "no word from job 0, 1: TerminatedWorkerError" in message
    assert "failed: 2 of 2 runs: seed=1 " in message
    assert not alive(tmp_path)


JOBLIB, SLURM = "hydra/launcher=joblib", "hydra/launcher=submitit_slurm"
MISTAKES = [
    (["-m", "hydra/launcher=jolib"], ["unknown launcher 'jolib'", "joblib", "submitit_slurm"]),
    (["-m", JOBLIB, "hydra.launcher.njobs=2"], ["hydra.launcher.njobs=2", "'n_jobs'"]),
    (["-m", JOBLIB, "hydra.launcher.n_jobs=two"], ["hydra.launcher.n_jobs=two", "Integer"]),
    (["-m", JOBLIB, "hydra.launcher.n_jobs=1,2"], ["hydra.launcher.n_jobs=1,2", "one value"]),
    (["-m", SLURM, "hydra.launcher.partiton=a"], ["partiton", "'partition'"]),
    (["-m", "hydra.launcher.n_jobs=2"], ["basic", "no settings"]),
    (["-m", "hydra.sweep.dir=here"], ["hydra.sweep.dir=here", "only hydra/launcher=NAME"]),
    (["-m", JOBLIB, "seed=1,-2"], ["seed", "0 or more"]),
    ([JOBLIB], [JOBLIB, "-m"]),
    (["hydra.verbose=true"], ["hydra.verbose=true", "-m"]),
    (["scenario=glob(*)"], ["scenario=glob(*)", "-m"]),
    (["-m", "seed=glob(*)"], ["seed=glob(*)", "no group 'seed'"]),
    (["-m", "scenari=glob(*)"], ["no group 'scenari'", "'scenario'"]),
    (["-m", "scenario=glob(rials_first)"], ["matches nothing", "'rails_first'"]),
    (["-m", "seed=interval(1,2)"], ["interval", "range"]),
    (["-m", "seed=range(3,1)"], ["seed=range(3,1)", "no value"]),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda value: str(value)[:40])
def test_mistake_starts_nothing(
    arguments: list[str],
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *arguments]) == 2
    message = capsys.readouterr().err
    assert len(message.strip().splitlines()) == 1
    for word in words:
        assert word in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([JOBLIB, "hydra.launcher.n_jobs=0"], ["joblib", "n_jobs == 0"]),
        (["hydra/launcher=submitit_local", "hydra.launcher.nodes=2"], ["submitit_local", "nodes"]),
    ],
)
def test_value_that_the_launcher_refuses(
    settings: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        launch([["list"]], settings)
    for word in (*words, "hydra.log"):
        assert word in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_plugin_that_is_not_installed() -> None:
    code = (
        "import sys; sys.modules['hydra_plugins'] = None; from sim.cli import main; "
        "sys.exit(main(['run', '-m', 'hydra/launcher=' + sys.argv[1]]))"
    )
    for name, word in (("joblib", "not installed"), ("jolib", "valid: basic, joblib")):
        done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True)
        assert done.returncode == 2
        assert word in done.stderr
        assert 'pip install "multivector[cluster]"' in done.stderr


def test_hydra_application_around_is_left_as_found() -> None:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        outer = GlobalHydra.instance().hydra
        assert check_launcher([JOBLIB]) == "joblib"
        assert GlobalHydra.instance().hydra is outer


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["seed=1,2", "states=kz"], [["seed=1", "states=kz"], ["seed=2", "states=kz"]]),
        (["seed=choice(3,1)"], [["seed=3"], ["seed=1"]]),
        (["seed=range(1,4)"], [["seed=1"], ["seed=2"], ["seed=3"]]),
        (["a.b=range(0,1,0.5)"], [["a.b=0.0"], ["a.b=0.5"]]),
        (
            ["scenario=glob([rails*,paper*],exclude=paper*)", "++x=1,2"],
            [["scenario=rails_first", "++x=1"], ["scenario=rails_first", "++x=2"]],
        ),
        (["~corridors.sth"], [["~corridors.sth"]]),
        (["outcomes=[trade,dependence]"], [["outcomes=[trade,dependence]"]]),
    ],
)
def test_expand(overrides: Sequence[str], expected: list[list[str]]) -> None:
    assert expand(overrides) == expected


def test_glob_is_sorted_and_finds_own_scenarios(tmp_path: Path) -> None:
    (tmp_path / "scenario").mkdir()
    (tmp_path / "scenario" / "just_so.yaml").touch()
    shipped = [f"scenario={name}" for name in sorted(list_scenarios())]
    assert [chosen[0] for chosen in expand(["scenario=glob(*)"])] == shipped
    with_own = sorted([*shipped, "scenario=just_so"])
    assert [chosen[0] for chosen in expand(["scenario=glob(*)"], tmp_path)] == with_own
