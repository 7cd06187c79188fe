"""The command as a user meets it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main

ROOT = Path(__file__).parent.parent


def test_run_writes_a_folder_and_prints_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "replicates=30", "seed=7"]) == 0
    first = capsys.readouterr().out
    for word in ("KZ", "UZ", "RU", "CN", "EU", "hedging", "delivered", "30 replicates, seed 7"):
        assert word in first
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"strategic_balance-[0-9a-f]{12}", folder.name)
    assert len(list((folder / "figures").glob("*.png"))) >= 3
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["seed"] == 7
    assert main(["run", "replicates=30", "seed=7"]) == 0
    second = capsys.readouterr().out
    assert "not computed again" in second
    assert second.splitlines()[1:] == first.splitlines()[1:]


def test_output_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "replicates=5", "output.dir=else/where", "output.figures=false"]) == 0
    (folder,) = (tmp_path / "else" / "where").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "results"]
    assert str(Path("else/where") / folder.name) in capsys.readouterr().out


def test_seed_zero_is_a_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = f"output.dir={tmp_path}"
    assert main(["run", "replicates=5", "seed=0", out, "output.figures=false"]) == 0
    assert "seed 0" in capsys.readouterr().out


def test_own_scenario_from_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "scenario").mkdir()
    (tmp_path / "scenario" / "twice_as_rich.yaml").write_text(
        "# @package _global_\n# multivector run scenario=twice_as_rich\nname: twice_as_rich\n"
        "story: {title: Twice as rich, text: The EU doubles its package.}\n"
        "powers:\n  eu:\n    budget:\n      value: 5.28\n      low: 3.8\n      high: 8.8\n"
        "      derivation: {rule: annual_flow, value: {package: 26.4, years: 5},\n"
        "        low: {package: 26.4, years: 7}, high: {package: 26.4, years: 3}}\n",
        encoding="utf-8",
    )
    runs = tmp_path / "runs"
    options = ["--config-dir", str(tmp_path)]
    assert main(["list", *options]) == 0
    assert "twice_as_rich" in capsys.readouterr().out
    arguments = ["run", "scenario=twice_as_rich", "replicates=5", f"output.dir={runs}"]
    assert main([*arguments, "output.figures=false", *options]) == 0
    assert capsys.readouterr().out.startswith("Twice as rich")


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 18
    titles = dict(line.split(maxsplit=1) for line in lines)
    assert titles["strategic_balance"].startswith("Strategic balance")
    assert titles["five_suitors"]
    assert len({line.index(titles[name]) for line, name in zip(lines, titles, strict=True)}) == 1


def test_multirun(tmp_path: Path) -> None:
    """Hydra's multirun: one run each, nothing else left in the folder."""
    command = [sys.executable, "-m", "sim.cli", "run", "-m", "seed=1,2", "replicates=5"]
    done = subprocess.run(
        [*command, "output.figures=false"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    bad = subprocess.run(
        [*command, "powers.eu.bugdet.value=1"], cwd=tmp_path, capture_output=True, text=True
    )
    assert bad.returncode == 2
    assert "'budget'" in bad.stderr
    assert "Traceback" not in bad.stderr


@pytest.mark.slow
def test_install_into_a_fresh_environment(tmp_path: Path) -> None:
    """``pip install .`` and ``multivector run`` from another folder work."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    constraints = ROOT / ".ci" / "constraints.txt"
    if sys.version_info[:2] == (3, 11) and constraints.is_file():  # what they were tried with
        environment["PIP_CONSTRAINT"] = str(constraints)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "pip"), "install", "--quiet", str(ROOT)]
    installed = subprocess.run(pip, env=environment, capture_output=True, text=True)
    if "Failed to establish a new connection" in installed.stderr:
        pytest.skip("no package index can be reached")
    assert installed.returncode == 0, installed.stderr
    command = [str(venv / "bin" / "multivector"), "run", "replicates=5"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert len(list((folder / "figures").glob("*.png"))) >= 3


def test_several_workers_run_from_an_unguarded_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sim\n"
        "scenario = sim.load_scenario('strategic_balance', 'output.workers=2', replicates=4)\n"
        "print('name', sim.run(scenario).name)\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("name strategic_balance-") == 1
