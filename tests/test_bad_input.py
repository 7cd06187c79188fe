"""A user's mistake gives one clear message, exit status 2, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.cli import main

CONFIGS = Path(__file__).parent / "bad_input" / "config"

OPTIONS = [
    (["powers.eu.bugdet.value=3"], ["powers.eu.bugdet", "'budget'"]),
    (["+typo=1"], ["typo", "unknown key", "replicates"]),
    (["+powers.eu.bugdet=1"], ["powers.eu.bugdet", "unknown key", "'budget'"]),
    (["++rules.choice.presicion=1"], ["rules.choice.presicion", "'precision'"]),
    (["~powers.us"], ["powers.us", "unknown key"]),
    (["scenario=strtegic_balance"], ["scenario", "'strategic_balance'"]),
    (["states=kazakhstan"], ["states=kazakhstan", "kz"]),
    (["powers=russia"], ["powers=russia", "'ru'"]),
    (["states.kx.gdp.value=300"], ["states.kx", "kz"]),
    (["powers.eu.budget.value=-1"], ["powers.eu.budget.value", "at least 0", "USD bn/yr"]),
    (["states.kz.gdp.value=-5"], ["states.kz.gdp.value", "above 0"]),
    (["states.kz.gdp.value=nan"], ["states.kz.gdp.value", "not a number"]),
    (["powers.eu.delivery.value.energy=1.5"], ["powers.eu.delivery.value.energy", "0 and 1"]),
    (["powers.eu.delivery.value.enregy=0.5"], ["enregy", "'energy'"]),
    (["powers.eu.domain_shares.value.energy=0.9"], ["powers.eu.domain_shares", "add up to 1.45"]),
    (["powers.eu.budget.value=much"], ["powers.eu.budget.value", "must be a number"]),
    (["powers.eu.budget=3"], ["powers.eu.budget", "powers.eu.budget.value"]),
    (["powers.eu.budget.unit=EUR bn/yr"], ["powers.eu.budget.unit", "USD bn/yr"]),
    (["rules.choice.rule=logti"], ["rules.choice.rule", "'logit'"]),
    (["replicates=0"], ["replicates", "at least 1"]),
    (["replicates=many"], ["replicates", "whole number"]),
    (["replicates=true"], ["replicates", "whole number"]),
    (["seed=-1"], ["seed", "0 or more"]),
    (["output.chunk=0"], ["output.chunk", "at least 1"]),
    (["horizon.end=2024H1"], ["horizon.end", "not after", "2025H2"]),
    (["horizon.end=2030H3"], ["horizon.end", "2030H3"]),
    (["horizon.step=0.3"], ["horizon.step", "0.25"]),
    (["horizon.step=1", "horizon.end=2030H1"], ["horizon.end", "whole number of steps"]),
    (["uncertainty=some"], ["uncertainty", "'none'"]),
    (["seed=1,2"], ["seed=1,2", "-m"]),
    (["-m", "states=kz,uzz"], ["uzz", "'uz'"]),
    (["-m", "seed=1,-2"], ["seed", "0 or more"]),
    (["name=a/b"], ["name", "a/b"]),
    (["notanoverride"], ["notanoverride", "key=value"]),
    (
        ["rules.offers.rollover.value=1", "rules.choice.precision.value=inf"],
        ["rules.offers.rollover", "without bound"],
    ),
    (["states.kz.trade.value={ru: 0, cn: 0, eu: 0, row: 0}"], ["states.kz.trade", "no trade"]),
]

FILES = [
    ("duplicate_key", ["own.yaml", "line 4", "duplicate key", "name"]),
    ("broken_yaml", ["own.yaml", "line"]),
    ("unknown_key", ["own.yaml", "powers.eu.bugdet", "'budget'"]),
    ("wrong_type", ["own.yaml", "powers.eu.budget.value", "must be a number"]),
    ("no_grounds", ["own.yaml", "powers.eu.coercibility", "neither evidence nor assumption"]),
    ("unknown_fact", ["own.yaml", "powers.eu.coercibility", "pledge-eu-ca5-132"]),
    ("off_simplex", ["own.yaml", "powers.cn.domain_shares", "add up to 1.7"]),
    ("mixed_kinds", ["own.yaml", "powers.eu.budget", "pledge", "name the derivation"]),
    ("wrong_derivation", ["own.yaml", "powers.eu.budget.value", "annual_flow", "2.64"]),
    ("unknown_state", ["own.yaml", "events.afghan_incident.states", "'uzb'", "'uz'"]),
    ("unknown_power", ["own.yaml", "institutions.cis.anchors", "'eur'", "'eu'"]),
    ("unknown_domain", ["own.yaml", "rules.appraisal.lock_in", "'enregy'", "'energy'"]),
    ("out_of_range", ["own.yaml", "rules.appraisal.inertia.value", "between 0 and 2"]),
    ("fact_without_unit", ["own.yaml", "own-fact", "unit"]),
]


def assert_refused(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) == 1
    for word in words:
        assert word in message
    assert not list(folder.iterdir())


@pytest.mark.parametrize(("overrides", "words"), OPTIONS, ids=lambda value: str(value)[:40])
def test_bad_option(
    overrides: list[str],
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(["run", *overrides], words, capsys, tmp_path)


@pytest.mark.parametrize(("case", "words"), FILES)
def test_bad_file(
    case: str,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["run", "scenario=own", "--config-dir", str(CONFIGS / case)]
    assert_refused(arguments, words, capsys, tmp_path)


def test_output_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(["run", "replicates=1", "output.dir=file/runs"]) == 2
    message = capsys.readouterr().err
    assert "output.dir" in message
    assert "cannot write to file/runs" in message
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_missing_config_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--config-dir", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_unknown_fact_and_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "pledge-eu-ca5-123"]) == 2
    assert "pledge-eu-ca5-132" in capsys.readouterr().err
    assert main(["evidence", "--scenario", "strategic_ballance"]) == 2
    assert "'strategic_balance'" in capsys.readouterr().err


def test_unknown_argument_and_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["run", "--sede"], ["rnu"], ["list", "seed=1"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert arguments[-1] in capsys.readouterr().err


@pytest.mark.parametrize(
    "path",
    ["states.kz.gdp", "powers.ru.budget", "rules.appraisal.inertia", "rules.offers.rollover"],
)
def test_infinity_is_refused_where_it_means_nothing(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(["run", f"{path}.value=inf"], [path, "finite"], capsys, tmp_path)


@pytest.mark.parametrize("command", [["list"], ["run", "scenario=own"]])
@pytest.mark.parametrize(
    ("content", "word"), [(b"name: \xe9t\xe9\n", "UTF-8"), (b"story: [1\n", "line")]
)
def test_unreadable_file(
    command: list[str],
    content: bytes,
    word: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "scenario").mkdir()
    (tmp_path / "scenario" / "own.yaml").write_bytes(b"# @package _global_\n" + content)
    assert main([*command, "--config-dir", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert word in message
    assert "Traceback" not in message
