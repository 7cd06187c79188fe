"""Every system of the documents is held by something in the model, or says why it is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from support import look_up, resolves

from sim.cli import main
from sim.compose import list_scenarios, load_scenario
from sim.errors import InputError
from sim.evidence import load_ledger
from sim.evidence.loader import PACKAGE_FOLDER
from sim.evidence.systems import HeldAs, Section, load_systems, systems_text
from sim.scenario import Scenario

NUMBER: Final[Mapping[Section, int]] = {
    Section.ACTORS: 21,
    Section.ORGANISATIONS: 11,
    Section.SUMMITS: 12,
    Section.PROGRAMMES: 22,
    Section.CORRIDORS: 8,
    Section.ENERGY: 8,
    Section.SHOCKS: 9,
    Section.COMMENTATORS: 13,
    Section.OTHER: 8,
}
"""Systems in each section of the register that the documents were read into."""

HELD: Final = (Section.ORGANISATIONS, Section.PROGRAMMES, Section.CORRIDORS, Section.SHOCKS)
"""Sections whose systems the model has to hold."""

COLOUR: Final = {"humanitarian-medal", "exchange-rate-ticker"}
"""Entries of those sections that are neither programme nor shock: an award, and a page ticker."""

DOCUMENTS: Final = yaml.safe_load((PACKAGE_FOLDER / "sources" / "documents.yaml").read_text())

SYSTEMS: Final = load_systems()


# --- the register ---------------------------------------------------------------------------------


def test_all_systems_are_listed() -> None:
    assert len(SYSTEMS) == sum(NUMBER.values()) == 112
    assert Counter(system.section for system in SYSTEMS.values()) == NUMBER


def test_sections_follow_one_another() -> None:
    order = [list(Section).index(system.section) for system in SYSTEMS.values()]
    assert order == sorted(order)


def test_documents_are_those_behind_the_model() -> None:
    named = {name for system in SYSTEMS.values() for name in system.documents}
    assert named == set(DOCUMENTS) - {"compiled-from-documents"}


def test_each_fact_stands_in_a_document_that_names_the_system() -> None:
    """Statements compiled over all documents, such as what none of them says, fit any system."""
    ledger = load_ledger()
    strays = [
        (name, fact)
        for name, system in SYSTEMS.items()
        for fact in system.evidence
        if not {*system.documents, "compiled-from-documents"}
        & {citation.source for citation in ledger.fact(fact).citations}
    ]
    assert not strays


def test_at_most_a_third_is_context() -> None:
    context = [system for system in SYSTEMS.values() if system.held_as is HeldAs.CONTEXT]
    assert 3 * len(context) <= len(SYSTEMS)


def test_what_the_model_has_to_hold_is_held() -> None:
    left_out = {
        name
        for name, system in SYSTEMS.items()
        if system.section in HELD and system.held_as is HeldAs.CONTEXT
    }
    assert left_out == COLOUR


@pytest.mark.parametrize("name", [n for n, s in SYSTEMS.items() if s.held_as is HeldAs.AGENT])
def test_agents_are_states_and_powers(name: str) -> None:
    assert SYSTEMS[name].keys[0].split(".")[0] in ("states", "powers")


@pytest.mark.parametrize(
    ("kind", "groups"),
    [
        (HeldAs.INSTITUTION, {"institutions"}),
        (HeldAs.CORRIDOR, {"corridors", "scenario"}),
        (HeldAs.EVENT, {"events", "scenario"}),
        (HeldAs.OFFER, {"powers"}),
    ],
)
def test_first_key_is_of_the_kind_that_holds(kind: HeldAs, groups: set[str]) -> None:
    first = {s.keys[0].split(".")[0] for s in SYSTEMS.values() if s.held_as is kind}
    assert first <= groups


# --- keys -----------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def composed(*overrides: str) -> Scenario:
    return load_scenario("strategic_balance", *overrides)


def holds(scenario: Scenario, key: str) -> bool:
    """Whether something stands at a dotted key; a part that is left out does not."""
    return resolves(scenario, key) and look_up(scenario, key) is not None


KEYS: Final = sorted({key for system in SYSTEMS.values() for key in system.keys})


@pytest.mark.parametrize("key", [key for key in KEYS if not key.startswith("scenario.")])
def test_key_exists(key: str) -> None:
    assert holds(composed(), key) or holds(composed("states=cis_plus", "powers=five_suitors"), key)


@pytest.mark.parametrize("key", [key for key in KEYS if key.startswith("scenario.")])
def test_scenario_exists(key: str) -> None:
    assert key.removeprefix("scenario.") in list_scenarios()


def test_a_key_that_does_not_exist_is_noticed() -> None:
    for key in ("states.xx", "states.tj.thread", "states.tj.threat.ru", "powers.ru.budget.value.x"):
        assert not holds(composed(), key)


def test_every_recorded_announcement_is_a_system() -> None:
    """Events that the documents announce and the model gives no effect are told of here."""
    named = {key.split(".")[1] for key in KEYS if key.startswith("events.")}
    silent = {name for name, event in composed().events.items() if event.target == "nothing"}
    assert silent <= named


# --- text -----------------------------------------------------------------------------------------


def test_text_has_a_line_for_each_system_and_a_count() -> None:
    lines = systems_text(SYSTEMS.values()).splitlines()
    assert len(lines) == 112 + len(Section) + 1
    assert lines[0] == "actors (21)"
    assert lines[-1].startswith("112 systems: ")
    assert lines[-1].endswith(" context only")
    for system, line in zip(
        SYSTEMS.values(), (line for line in lines if line.startswith("  ")), strict=True
    ):
        assert system.name in line
        assert f" {system.held_as} " in line
        assert line.endswith(system.reason or ", ".join(system.keys))


def test_text_of_nothing() -> None:
    assert systems_text(()) == "0 systems: none"


def test_command_shows_the_systems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "--systems"]) == 0
    assert capsys.readouterr().out == systems_text(SYSTEMS.values()) + "\n"


def test_command_takes_no_fact_beside_the_systems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "--systems", "pledge-eu-ca5-132"]) == 2
    assert "'pledge-eu-ca5-132'" in capsys.readouterr().err


# --- mistakes -------------------------------------------------------------------------------------

VALID: Final[Mapping[str, Any]] = {
    "name": "A pact",
    "section": "programmes",
    "documents": ["times-tengri-dushanbe-cis"],
    "held_as": "event",
    "keys": ["events.pact"],
    "note": "It is signed, and an event records it.",
    "evidence": ["pledge-eu-ca5-132"],
}
CONTEXT: Final = {"held_as": "context", "keys": None, "reason": "a matter of form"}


def written(folder: Path, **changes: Any) -> Path:
    """File with one system: the valid one with changes; a key changed to None is left out."""
    entry = {key: value for key, value in {**VALID, **changes}.items() if value is not None}
    file = folder / "systems.yaml"
    file.write_text(yaml.safe_dump({"pact": entry}), encoding="utf-8")
    return file


@pytest.mark.parametrize("changes", [{}, CONTEXT, {**CONTEXT, "evidence": []}])
def test_a_sound_file_loads(changes: Mapping[str, Any], tmp_path: Path) -> None:
    assert list(load_systems(written(tmp_path, **changes))) == ["pact"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"evidence": ["pledge-eu-ca5-133"]},
            ("'evidence'", "unknown fact", "'pledge-eu-ca5-132'"),
        ),
        ({"documents": ["times-tengri"]}, ("'documents'", "unknown source", "nearest")),
        ({"documents": []}, ("'documents'", "none")),
        ({"held_as": "events"}, ("'held_as'", "'events'", "nearest", "'event'")),
        ({"section": "programme"}, ("'section'", "nearest", "'programmes'")),
        ({"note": None}, ("missing key 'note'",)),
        ({"nota": "x"}, ("unknown key 'nota'", "nearest", "'note'")),
        ({"keys": None}, ("missing key 'keys'", "event")),
        ({"keys": ["pact"]}, ("'keys'", "'pact' is not a dotted key")),
        ({"evidence": []}, ("'evidence'", "no fact")),
        ({"reason": "too small"}, ("'reason'", "context only")),
        ({**CONTEXT, "reason": None}, ("missing key 'reason'",)),
        ({**CONTEXT, "keys": ["events.pact"]}, ("'keys'", "no key of the configuration")),
    ],
)
def test_mistake_names_file_entry_and_key(
    changes: Mapping[str, Any], words: tuple[str, ...], tmp_path: Path
) -> None:
    file = written(tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        load_systems(file)
    for word in (str(file), "system 'pact'", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("ids", "word"),
    [(("pact", "other"), "'A pact' is already that of 'pact'"), (("A_pact",), "small letters")],
)
def test_names_and_ids_are_in_order(ids: tuple[str, ...], word: str, tmp_path: Path) -> None:
    file = tmp_path / "systems.yaml"
    file.write_text(yaml.safe_dump({id_: dict(VALID) for id_ in ids}, sort_keys=False))
    with pytest.raises(InputError, match=word):
        load_systems(file)


def test_register_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        SYSTEMS["new"] = SYSTEMS["russia"]  # type: ignore[index]
