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
    (["powers=china"], ["powers=china", "'cn'"]),
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
    (
        ["states.kz.trade.value={ru: 0, cn: 0, eu: 0, us: 0, tr: 0, row: 0}"],
        ["states.kz.trade", "no trade"],
    ),
    (["events.border_programme.size.unit=parsec"], ["events.border_programme.size", "'parsec'"]),
    (["events.border_programme.date=2026H7"], ["events.border_programme.date", "2026H7"]),
    (["events.cis_plus_opens.members.value.kz=1.5"], ["members.value.kz", "between 0 and 1"]),
    (["institutions.csto.members.value.kz=-0.5"], ["csto.members.value.kz", "between 0 and 1"]),
    (["corridors.m.capacity.value=-1"], ["corridors.m.capacity.value", "at least 0", "Mt/yr"]),
    (["corridors.m.capacity.value=500"], ["corridors.m.capacity", "500 Mt/yr", "capacity_limit"]),
    (["corridors.m.capacity_limit.value=1"], ["corridors.m.capacity", "exceeds", "1 Mt/yr"]),
    (["corridors.m.own_leg.value=0"], ["corridors.m.own_leg.value", "above 0"]),
    (["corridors.m.partners=[eu,rowe]"], ["corridors.m.partners", "partner 'rowe'", "'row'"]),
    (["corridors.m.partners=eu"], ["corridors.m.partners", "list of names"]),
    (["corridors.m.chokepoint=rus"], ["corridors.m.chokepoint", "power 'rus'", "'ru'"]),
    (["+corridors.m.states=[kx]"], ["corridors.m.states", "state 'kx'", "kz"]),
    (["rules.corridors.transit_partner=europe"], ["transit_partner", "'europe'", "'eu'"]),
    (["rules.corridors.start_corridor=sth"], ["start_corridor", "'sth'", "'eu'", "valid: e, m"]),
    (["rules.corridors.start_corridor=cku"], ["start_corridor", "'cku'", "all states", "'eu'"]),
    (["rules.corridors.start_share.value=0"], ["rules.corridors.start_share", "above 0"]),
    (["rules.corridors.start_share.value=0.9"], ["rules.corridors.start_share", "'m'", "share"]),
    (
        ["rules.corridors.through_transit.value=1e5"],
        ["times the capacity", "rules.corridors.through_transit"],
    ),
    (["rules.corridors.congestion_power.value=0.5"], ["congestion_power", "at least 1"]),
    (["rules.coercion.closes=[ckuu]"], ["rules.coercion.closes", "corridor 'ckuu'", "'cku'"]),
    (["rules.coercion.rate.value.ru=-1"], ["rules.coercion.rate.value.ru", "at least 0"]),
    (["rules.documents.power=rus"], ["rules.documents.power", "power 'rus'", "'ru'"]),
    (["rules.choice.nest.value=0"], ["rules.choice.nest.value", "above 0"]),
    (["rules.adaptation.tremble.value=2"], ["rules.adaptation.tremble", "between 0 and 1"]),
    (["rules.trade.moving=perhaps"], ["rules.trade.moving", "true or false"]),
    (["powers.cn.corridor_investment.value.cku=1.5"], ["corridor_investment", "between 0 and 1"]),
    (
        ["+powers.cn.corridor_investment.value.ckuu=0.1"],
        ["powers.cn.corridor_investment", "corridor 'ckuu'", "'cku'"],
    ),
    (
        ["powers.ru.summits.every.value=0.7"],
        ["powers.ru.summits.every", "whole number of steps of 0.5 years"],
    ),
    (
        ["horizon.step=1", "powers.cn.summits.every.value=1.5"],
        ["powers.cn.summits.every", "whole number of steps of 1 years"],
    ),
    (["powers.ru.summits.first=soon"], ["powers.ru.summits.first", "'soon'", "period"]),
    (["mechanism=coersion"], ["mechanism=coersion", "'coercion'"]),
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
    ("same_date", ["own.yaml", "events.second.date", "events.first", "eaeu", "same date"]),
    ("missing_member", ["own.yaml", "events.own_event.members", "'tj'"]),
    ("until_before_date", ["own.yaml", "events.border_programme.until", "not after", "2027H1"]),
    ("after_the_end", ["own.yaml", "events.border_programme.date", "2036H1", "end of the run"]),
    ("coercion_too_early", ["own.yaml", "events.own_event.date", "2025H1", "before the start"]),
    (
        "unknown_institution",
        ["own.yaml", "institution 'cis_pluss'", "'cis_plus'"],
    ),
    ("unknown_corridor", ["own.yaml", "events.railway_opens.corridors", "'ckuu'", "'cku'"]),
    ("unknown_power_in_event", ["own.yaml", "events.own_event.powers", "'eur'", "'eu'"]),
    ("unknown_domain_in_event", ["own.yaml", "events.own_event.domains", "'enregy'", "'energy'"]),
    ("wrong_unit_of_size", ["own.yaml", "events.own_event.size.unit", "'Mt/yr'", "'days'"]),
    ("size_and_factor", ["own.yaml", "events.middle_corridor_expands", "size or factor", "one of"]),
    ("no_effect", ["own.yaml", "events.own_event", "needs size or factor"]),
    ("meaningless_factor", ["own.yaml", "events.own_event.factor", "no meaning", "'war'"]),
    ("factor_that_fades", ["own.yaml", "events.own_event.factor", "give a size"]),
    ("meaningless_rate", ["own.yaml", "events.own_event.rate", "budget", "date"]),
    ("date_and_rate", ["own.yaml", "events.sanction_package", "either a date or a rate"]),
    ("single_states", ["own.yaml", "events.sanction_package.states", "sanctions"]),
    ("unreachable_partner", ["states.kz.trade.value.ru", "no corridor open", "'ru'"]),
    ("unknown_user", ["own.yaml", "corridors.cku.states", "state 'tjk'", "'tj'"]),
    ("power_without_shares", ["target_shares.trade", "'us'", "powers.us.entry_shares"]),
    ("power_without_constants", ["powers.us.entry_shares", "baseline has no us"]),
    ("summit_between_steps", ["own.yaml", "powers.ru.summits.first", "2025Q4", "start of a step"]),
    ("unknown_sign", ["own.yaml", "story.expected.more.sign", "'upp'", "'up'"]),
    ("since_no_period", ["own.yaml", "story.expected.more.since", "'later'", "period"]),
    ("since_after_the_end", ["own.yaml", "story.expected.more.since", "2036H1", "end of the run"]),
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
