"""The systems that the documents name, and how the model holds each of them.

A system is whatever the documents name as taking part: a state, an organisation, a summit, a
programme, a corridor, a pressure, a commentator. Each entry of ``systems.yaml`` points to the
configuration keys that hold it, or says why it is context only, so that nothing the documents name
is left out unnoticed. Whether the keys exist is for the tests to say: this room knows no
configuration.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sim.errors import nearest
from sim.evidence.ledger import Ledger
from sim.evidence.loader import PACKAGE_FOLDER, load_ledger
from sim.evidence.yaml_entries import Entry, read_entries

SYSTEMS_FILE: Final = PACKAGE_FOLDER / "systems.yaml"

_KEYS: Final = ("name", "section", "documents", "held_as", "note", "evidence")
_OPTIONAL: Final = ("keys", "reason")
_KEBAB: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DOTTED: Final = re.compile(r"[a-z]\w*(\.\w+)+")
_NAME_WIDTH: Final = 60
"""Width of the column of names; the few that are longer stand out instead of widening it."""


class Section(StrEnum):
    """Part of the register of systems, in its order."""

    ACTORS = "actors"
    ORGANISATIONS = "organisations"
    SUMMITS = "summits"
    PROGRAMMES = "programmes"
    CORRIDORS = "corridors"
    ENERGY = "energy"
    SHOCKS = "shocks"
    COMMENTATORS = "commentators"
    OTHER = "other"


class HeldAs(StrEnum):
    """What a system is in the model."""

    AGENT = "agent"
    INSTITUTION = "institution"
    CORRIDOR = "corridor"
    OFFER = "offer"
    EVENT = "event"
    PARAMETER = "parameter"
    CONSTRAINT = "constraint"
    CONTEXT = "context"
    """Not in the model; ``System.reason`` says why."""


@dataclass(frozen=True)
class System:
    """Something that the documents name.

    ``documents`` are ids of sources and ``evidence`` ids of facts of the ledger. ``keys`` are keys
    of the composed configuration, or ``scenario.<name>`` for a scenario; a system held as context
    has none and a ``reason`` instead.
    """

    id: str
    name: str
    section: Section
    documents: tuple[str, ...]
    held_as: HeldAs
    note: str
    evidence: tuple[str, ...]
    keys: tuple[str, ...] = ()
    reason: str | None = None


@lru_cache(maxsize=8)
def load_systems(file: Path = SYSTEMS_FILE) -> Mapping[str, System]:
    """Load a register of systems and check it against the ledger of the package.

    Parameters
    ----------
    file : YAML file that maps ids to systems; the register of the package if left out.

    Returns
    -------
    Mapping
        Systems by id, in the order of the file. Loaded once for each file, and shared: it cannot
        be changed.

    Raises
    ------
    InputError
        Broken or unknown content; the message names file, entry, key and the nearest valid name.
    """
    ledger = load_ledger()
    systems: dict[str, System] = {}
    names: dict[str, str] = {}
    for id_, raw in read_entries(file).items():
        entry = Entry(file, "system", id_, raw, _KEYS, _OPTIONAL)
        system = _system(entry)
        _check_form(entry, system)
        _check_ledger(entry, system, ledger)
        if system.name in names:
            raise entry.error(
                f"key 'name': '{system.name}' is already that of '{names[system.name]}'"
            )
        systems[id_], names[system.name] = system, id_
    return MappingProxyType(systems)


def systems_text(systems: Iterable[System]) -> str:
    """One line for each system, grouped by section, and a line that counts them.

    A line says the name, what holds the system, and the keys, or the reason where it is context.
    """
    known = tuple(systems)
    width = min(_NAME_WIDTH, max((len(system.name) for system in known), default=0))
    kinds = max(map(len, HeldAs))
    lines: list[str] = []
    for section in Section:
        members = [system for system in known if system.section is section]
        if members:
            lines += [f"{section} ({len(members)})"]
        for system in members:
            held = system.reason or ", ".join(system.keys)
            lines += [f"  {system.name:{width}}  {system.held_as:{kinds}}  {held}"]
    return "\n".join([*lines, _count(known)])


def _count(systems: tuple[System, ...]) -> str:
    """How many systems there are and how many of each kind, context last."""
    number = Counter(system.held_as for system in systems)
    parts = [f"{number[kind]} {kind}" for kind in HeldAs if number[kind]]
    if number[HeldAs.CONTEXT]:
        parts[-1] += " only"
    return f"{len(systems)} systems: {', '.join(parts) or 'none'}"


def _system(entry: Entry) -> System:
    return System(
        id=entry.name,
        name=entry.text("name"),
        section=entry.choice("section", Section),
        documents=entry.names("documents"),
        held_as=entry.choice("held_as", HeldAs),
        note=entry.text("note"),
        evidence=entry.names("evidence"),
        keys=entry.names("keys"),
        reason=entry.optional_text("reason"),
    )


def _check_form(entry: Entry, system: System) -> None:
    """Context has a reason and no keys; anything else has keys, facts and no reason."""
    if not _KEBAB.fullmatch(system.id):
        raise entry.error("its id must be of small letters, digits and single hyphens")
    if not system.documents:
        raise entry.error("key 'documents': names none")
    if system.held_as is HeldAs.CONTEXT:
        if system.reason is None:
            raise entry.error("missing key 'reason': context must say why it is not in the model")
        if system.keys:
            raise entry.error("key 'keys': context is held by no key of the configuration")
        return
    if system.reason is not None:
        raise entry.error(f"key 'reason': is for context only, not for {system.held_as}")
    if not system.keys:
        raise entry.error(f"missing key 'keys': held as {system.held_as}, yet no key holds it")
    if not system.evidence:
        raise entry.error(f"key 'evidence': held as {system.held_as}, yet rests on no fact")
    for key in system.keys:
        if not _DOTTED.fullmatch(key):
            raise entry.error(f"key 'keys': '{key}' is not a dotted key such as 'states.tj.threat'")


def _check_ledger(entry: Entry, system: System, ledger: Ledger) -> None:
    """Documents are sources of the ledger, evidence is facts of it."""
    known: tuple[tuple[str, tuple[str, ...], Mapping[str, object], str], ...] = (
        ("documents", system.documents, ledger.sources, "source"),
        ("evidence", system.evidence, ledger.facts, "fact"),
    )
    for key, names, valid, what in known:
        for name in names:
            if name not in valid:
                raise entry.error(f"key '{key}': unknown {what} '{name}'{nearest(name, valid)}")
