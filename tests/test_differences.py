"""Scenario files composed as differences: the very tree that Hydra composes, or left to Hydra."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.compose import _compose, _compose_differences, compose_scenario, config_folders
from sim.differences import UnusualError, merge, refers, stamp
from sim.errors import InputError
from sim.overrides import Override, options
from sim.places import CONFIG_DIR

FOLDERS = config_folders(None)
SCENARIOS, MECHANISMS = (options(group, FOLDERS) for group in ("scenario", "mechanism"))
HEAD = "# @package _global_\n"
FEW = ("states=kz", "institutions=cis")
"""Options that Hydra composes faster than all; what differs is merged onto them just the same."""
VALID = ("states=kz", "powers=cn")
"""The same, with which a scenario can be made."""


def quick(*overrides: str, folders: tuple[Path, ...] = FOLDERS) -> Any:
    composed = _compose_differences([Override(text) for text in overrides], folders)
    return None if composed is None else composed[0]


def same(*overrides: str, folders: tuple[Path, ...] = FOLDERS) -> None:
    """Fail unless the tree is that of Hydra, with the same types and order of keys."""
    found = _compose_differences([Override(text) for text in overrides], folders)
    assert found is not None, "left to Hydra"
    tree, choices = _compose(overrides, folders)
    assert repr(found[0]) == repr(tree)
    assert found[1] == choices


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# --- shipped files --------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(max(len(SCENARIOS), len(MECHANISMS))))
def test_every_file_composes_as_hydra_does(place: int) -> None:
    """Each scenario and each mechanism, two by two."""
    scenario = SCENARIOS[place % len(SCENARIOS)]
    same(f"scenario={scenario}", f"mechanism={MECHANISMS[place % len(MECHANISMS)]}", *FEW)


@pytest.mark.parametrize(
    "chosen",
    [
        (),
        ("scenario=five_suitors", "mechanism=no_hedging"),
        ("powers=ru", "scenario=five_suitors", "institutions=cis"),
        ("scenario=rails_first", "scenario=five_suitors", "powers=cn", "powers=ru", "states=mn"),
        ("rules=standard", "corridors=m", "output=default", "events=documents", *VALID),
        (
            "powers.eu.budget.value=3.1",
            "powers.eu.budget.low=1e-3",
            "powers.eu.delivery.value={trade: 0.5, energy: 0.25}",
            "rules.coercion.rate.value={ru: 0.3}",
            "powers.eu.budget={value: 3, low: null}",
            "powers.cn.summits=null",
            "powers.cn.budget.derivation=null",
            "powers.ru.budget.evidence=[a, b]",
            "powers.ru.gdp.evidence=[]",
            "powers.ru.growth={}",
            "rules.choice.precision.value=inf",
            "rules.choice.outside_option.value=-inf",
            "rules.trade.moving=off",
            "outcomes=[dependence, 'a b']",
            "name='quoted = text'",
            "story.title=",
            "horizon.start=2026",
            "horizon.end=2030-01-01",
            "horizon.step={a: {b: [1, {c: null}]}}",
            "replicates=1e3",
            "uncertainty=null",
            "seed=7",
            "seed=0x10",
            *FEW,
        ),
        (
            "mechanism=coercion",
            "rules.coercion.rate.value.ru=0.3",
            "powers.eu=3",
            "states.kz=null",
            "horizon=null",
            *FEW,
        ),
    ],
    ids=["baseline", "powers", "other powers", "twice", "groups", "values", "mechanism"],
)
def test_options_compose_as_hydra_does(chosen: tuple[str, ...]) -> None:
    same(*chosen)


def test_shipped_files_refer_to_nothing() -> None:
    groups = tuple(folder for folder in CONFIG_DIR.iterdir() if folder.is_dir())
    assert not refers(stamp(groups))


# --- what is left to Hydra ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    [
        "+powers.eu.budget.value=3",
        "++powers.eu.budget.value=3",
        "~powers.eu.budget",
        "~scenario",
        "+scenario=rails_first",
        "powers@other=cn",
        "name='a@b'",
        "name='${seed}'",
        "powers.eu.budget.value=${powers.cn.budget.value}",
        "name=???",
        "outcomes=[???]",
        "scenario=unknown",
        "power=cn",
        "powers.eu.budgt.value=3",
        "seed.x=3",
        "seeds=3",
        "powers.eu.budget={valu: 3}",
        "powers.eu.budget.derivation={value: {other: 9}}",
        "powers.eu.corridor_investment.value={n: 0.2}",
        "powers.eu.budget=[1]",
        "powers.eu.budget.evidence={a: [b]}",
        "powers.eu.delivery={value: [3]}",
    ],
)
def test_what_is_unusual_is_left_to_hydra(option: str) -> None:
    assert quick(option) is None


def test_nothing_is_found_where_nothing_is_left() -> None:
    assert quick("horizon=null", "horizon.end=2030H1") is None
    assert quick("horizon=null", "horizon={end: 2030H1}") is not None


def test_a_reference_is_read_by_hydra() -> None:
    assert compose_scenario(["name='a${seed}'", *VALID]).name == "a1"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("name=???", "Missing mandatory value: name"),
        ("powers@other=cn", "Could not override 'powers@other'."),
        (
            "powers.cn.budgt.value=3",
            "option 'powers.cn.budgt.value=3': unknown key 'budgt' in 'powers.cn' "
            "(nearest valid name: 'budget')",
        ),
        ("powers.cn.budget=[1]", "Error merging override powers.cn.budget=[1]"),
    ],
)
def test_the_message_is_that_of_hydra(option: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        compose_scenario([option, *VALID])
    assert str(caught.value) == message


# --- files of one's own ---------------------------------------------------------------------------


OWN = {
    "name": f"{HEAD}name: x\n",
    "new_keys": f"{HEAD[:-1]} \nname: x\nnew: {{key: [1, {{a: 2}}]}}\npowers: {{xx: {{id: 3}}}}\n",
    "nothing": f"{HEAD}horizon:\npowers: {{cn: {{budget: null, gdp: 3}}}}\nseed: {{a: 1}}\n",
    "yaml": f"{HEAD}name: 012\nseed: 1_0\nreplicates: 1e3\nx: yes\ny: 1:30\nz: .5\n2030: 1\n",
    "anchors": f"{HEAD}name: x\na: &a {{b: 1}}\nc: *a\nd: {{<<: *a, e: 2}}\nf: 2030-01-01\n",
    "chosen": f"{HEAD}defaults: [{{override /powers: cn}}, {{override /states: kz}}]\nname: x\n",
}


MORE = {
    "no_head": "name: x\n",
    "empty": "",
    "later_head": "# a scenario\n# @package _global_\nname: x\n",
    "other_head": "# @package _global_.powers\nname: x\n",
    "two_heads": f"{HEAD}# @package powers\nname: x\n",
    "a_list": f"{HEAD}- a\n- b\n",
    "torn": f"{HEAD}name: [\n",
    "twice": f"{HEAD}name: x\nname: y\n",
    "reference": f"{HEAD}name: '${{seed}}'\n",
    "missing": f"{HEAD}name: ???\n",
    "list_to_mapping": f"{HEAD}name: x\npowers: {{cn: {{budget: {{evidence: {{a: 1}}}}}}}}\n",
    "mapping_to_list": f"{HEAD}name: x\npowers: {{cn: {{budget: [1, 2]}}}}\n",
    "no_defaults": f"{HEAD}defaults:\nname: x\n",
    "text_for_defaults": f"{HEAD}defaults: powers\nname: x\n",
    "another_file": f"{HEAD}defaults: [rails_first]\nname: x\n",
    "self": f"{HEAD}defaults: [_self_, {{override /powers: cn}}]\nname: x\n",
    "several_options": f"{HEAD}defaults: [{{override /powers: [cn]}}]\nname: x\n",
    "a_package": f"{HEAD}defaults: [{{override /powers@other: cn}}]\nname: x\n",
    "no_option": f"{HEAD}defaults: [{{override /rules: unknown}}]\nname: x\n",
    "no_group": f"{HEAD}defaults: [{{override /power: cn}}]\nname: x\n",
    "another_mechanism": f"{HEAD}defaults: [{{override /mechanism: bloc}}]\nname: x\n",
    "group_twice": f"{HEAD}defaults: [{{override /powers: cn}}, {{override /powers: eu}}]\n",
    "two_groups": f"{HEAD}defaults: [{{override /powers: cn, override /states: kz}}]\nname: x\n",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with scenarios of one's own, some of which are more than differences."""
    folder = tmp_path_factory.mktemp("own")
    for name, text in {**OWN, **MORE}.items():
        write(folder, f"scenario/{name}", text)
    return folder


@pytest.mark.parametrize("name", OWN)
def test_own_files_compose_as_hydra_does(own: Path, name: str) -> None:
    few = ("institutions=cis",) if name == "chosen" else VALID
    same(f"scenario={name}", "replicates=3", *few, folders=config_folders(own))


def test_a_mechanism_has_the_last_word_on_options(tmp_path: Path) -> None:
    """After the command line, as with Hydra."""
    write(tmp_path, "mechanism/mine", f"{HEAD}defaults: [{{override /powers: cn}}]\n")
    folders = config_folders(tmp_path)
    same("scenario=five_suitors", "mechanism=mine", *FEW, folders=folders)
    chosen = quick("scenario=five_suitors", "mechanism=mine", "powers=ru", *FEW, folders=folders)
    assert chosen is not None
    assert list(chosen["powers"]) == ["ru"]


@pytest.mark.parametrize("name", MORE)
def test_own_files_that_are_more_are_left_to_hydra(own: Path, name: str) -> None:
    assert quick(f"scenario={name}", *VALID, folders=config_folders(own)) is None


def test_a_file_that_is_not_text_is_left_to_hydra(tmp_path: Path) -> None:
    write(tmp_path, "scenario/mine", "").write_bytes(b"\xff\xfe")
    assert quick("scenario=mine", folders=config_folders(tmp_path)) is None
    with pytest.raises(InputError, match="not UTF-8 text"):
        sim.load_scenario("mine", config_dir=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}defaults:\nname: x\n", "Invalid defaults list in 'scenario/mine'"),
        ("name: x\n", "scenario=mine: its file must begin with the line '# @package _global_'"),
        (f"{HEAD}scenario: 3\n", "scenario=mine: its file must begin with the line"),
    ],
)
def test_mistakes_in_own_files_are_said(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "scenario/mine", text)
    with pytest.raises(InputError) as caught:
        sim.load_scenario("mine", *VALID, config_dir=tmp_path)
    assert message in str(caught.value)


def test_references_are_resolved_when_all_is_merged(tmp_path: Path) -> None:
    """A file that refers to a value that a scenario changes sees the change."""
    write(tmp_path, "powers/mine", "defaults: [three_powers]\neu: {name: '${horizon.end}'}\n")
    folders = config_folders(tmp_path)
    assert refers(stamp(folders[:-1]))
    assert quick("powers=mine", folders=folders) is None
    chosen = sim.load_scenario(
        "rails_first", "powers=mine", "states=kz", "horizon.end=2031H1", config_dir=tmp_path
    )
    assert chosen.powers["eu"].name == "2031H1"


# --- files that change ----------------------------------------------------------------------------


def scenario_file(end: str) -> str:
    return f"{HEAD}name: mine\nstory: {{title: Mine, text: A test.}}\nhorizon: {{end: {end}}}\n"


def test_a_changed_scenario_is_seen(tmp_path: Path) -> None:
    for end in ("2030H1", "2031H1"):
        write(tmp_path, "scenario/mine", scenario_file(end))
        assert sim.load_scenario("mine", *VALID, config_dir=tmp_path).horizon.end == end


def test_a_change_is_seen_though_size_and_time_stay(tmp_path: Path) -> None:
    """As after a copy that keeps times."""
    path = write(tmp_path, "scenario/mine", scenario_file("2030H1"))
    before = path.stat()
    folders = config_folders(tmp_path)
    assert quick("scenario=mine", *VALID, folders=folders)["horizon"]["end"] == "2030H1"
    write(tmp_path, "scenario/mine", scenario_file("2031H1"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_size == before.st_size
    assert quick("scenario=mine", *VALID, folders=folders)["horizon"]["end"] == "2031H1"


def test_changed_states_are_seen_also_in_the_baseline(tmp_path: Path) -> None:
    """What all scenarios share, and what choice is calibrated on, is not the old one."""
    lists = ("defaults: [kz, uz]\n", "defaults: [kz, uz, tj]\n")
    for text, codes in zip(lists, (["kz", "uz"], ["kz", "uz", "tj"]), strict=True):
        write(tmp_path, "states/mine", text)
        chosen = sim.load_scenario("rails_first", "states=mine", "powers=cn", config_dir=tmp_path)
        assert list(chosen.states) == codes
        assert chosen.baseline is not None
        assert list(chosen.baseline.states) == codes


def test_a_file_that_goes_is_not_remembered(tmp_path: Path) -> None:
    path = write(tmp_path, "scenario/mine", scenario_file("2030H1"))
    folders = config_folders(tmp_path)
    assert quick("scenario=mine", *VALID, folders=folders) is not None
    path.unlink()
    assert quick("scenario=mine", *VALID, folders=folders) is None


def test_what_is_kept_is_not_what_is_given() -> None:
    """The tree that scenarios share stays as it is whatever is merged onto it."""
    before = repr(quick(*VALID))
    quick("powers.cn.budget.value=9", "scenario=rails_first", "mechanism=coercion", *VALID)
    sim.load_scenario("rails_first", "powers.cn.budget.value=9", *VALID)
    assert repr(quick(*VALID)) == before


# --- merging --------------------------------------------------------------------------------------


def test_merging() -> None:
    tree = {"a": {"b": 1, "c": [1, 2]}, "d": None}
    assert merge(tree, {"a": {"c": [3], "e": 4}, "d": {"f": 5}}) == {
        "a": {"b": 1, "c": [3], "e": 4},
        "d": {"f": 5},
    }
    assert tree == {"a": {"b": 1, "c": [1, 2]}, "d": None}
    for changes in ({"a": [1]}, {"a": {"c": {"x": 1}}}):
        with pytest.raises(UnusualError):
            merge(tree, changes)
    with pytest.raises(UnusualError):
        merge(tree, {"a": {"e": 4}}, new_keys=False)
