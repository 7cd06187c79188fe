"""The README does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sim.cli import main
from sim.compose import list_scenarios

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", blocks("python"))
def test_python_blocks_run(
    block: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out


def test_scenario_block_is_a_scenario(tmp_path: Path) -> None:
    (block,) = blocks("yaml")
    (tmp_path / "scenario").mkdir()
    (tmp_path / "scenario" / "generous_eu.yaml").write_text(block, encoding="utf-8")
    options = ["replicates=5", f"output.dir={tmp_path / 'runs'}", "output.figures=false"]
    assert main(["run", "scenario=generous_eu", *options, "--config-dir", str(tmp_path)]) == 0


def test_command_lines_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    listed = next(block for block in blocks("sh") if "multivector list" in block)
    for line in listed.splitlines():
        words = shlex.split(line, comments=True)[1:]
        if "-m" in words:  # started as a process of its own in test_cli
            continue
        small = ["replicates=5", "output.figures=false"] if words[0] == "run" else []
        assert main([*words, *small]) == 0, line


def test_sweep_lines_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    block = README.split("<!-- sweeps -->\n```sh\n")[1].split("```")[0]
    for line in block.splitlines():
        words = shlex.split(line, comments=True)[1:]
        assert main([*words, "replicates=2", "sweep.workers=1"]) == 0, line


def test_lines_that_ask_why_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    block = README.split("<!-- why -->\n```sh\n")[1].split("```")[0]
    for line in block.splitlines():
        words = shlex.split(line.replace("--samples 64", "--samples 2"), comments=True)[1:]
        assert main([*words, "replicates=20"]) == 0, line


def test_links_and_pictures_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_continuous_integration_calls_the_commands_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    if not script.is_file():
        pytest.skip("no .ci folder in this copy")
    for command in ("run", "test"):
        assert f"<!-- command: {command} -->\n```sh\n" in README
        assert f"readme_command {command}" in script.read_text(encoding="utf-8")


def test_readme_names_every_scenario() -> None:
    table = README.split("<!-- scenarios -->")[1].split("<!-- /scenarios -->")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(list_scenarios())
