"""Records of the ledger: a source says where something was read, a fact says what was read.

A fact keeps the wording of its kind: a stock, a flow, a pledge and a grant are never averaged or
ranked with each other. A bound is a bound ("more than 45" is ``at_least``), and a disagreement is
two facts that name each other as conflicting, not one corrected number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from sim.errors import InputError, nearest


class Kind(StrEnum):
    """What a fact is a number of; kinds never mix."""

    STOCK = "stock"
    FLOW = "flow"
    PLEDGE = "pledge"
    GRANT = "grant"
    GROWTH = "growth"
    COUNT = "count"
    SHARE = "share"
    CAPACITY = "capacity"
    MEMBERSHIP = "membership"
    OPINION = "opinion"
    EVENT = "event"
    DATE = "date"
    POPULATION = "population"
    EXCHANGE_RATE = "exchange_rate"
    COST = "cost"
    COEFFICIENT = "coefficient"
    QUALITATIVE = "qualitative"


class Bound(StrEnum):
    """How the stated number relates to the quantity."""

    EQUAL = "equal"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    APPROXIMATELY = "approximately"


class Reliability(StrEnum):
    """How far a source or a fact may be relied on."""

    A = "A"
    """Official statistics or the primary text."""
    B = "B"
    """Established outlet or institution."""
    C = "C"
    """Claim in the press, dated or secondary."""
    D = "D"
    """Doubtful."""


class SourceType(StrEnum):
    """What sort of publication a source is."""

    NEWS = "news"
    STATISTICS = "statistics"
    INSTITUTION = "institution"
    LITERATURE = "literature"
    DATASET = "dataset"
    COMPILED = "compiled"
    CALIBRATION = "calibration"


@dataclass(frozen=True)
class Source:
    """A publication; ``repeats`` names sources whose text it carries, wholly or in part."""

    id: str
    title: str
    outlet: str
    date: str
    type: SourceType
    voices: str
    reliability: Reliability
    repeats: tuple[str, ...] = ()
    url: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Citation:
    """A source and the place in it where the fact stands."""

    source: str
    place: str


@dataclass(frozen=True)
class Fact:
    """One statement of one or several sources, with its number, unit and kind."""

    id: str
    quantity: str
    value: float | None
    unit: str
    kind: Kind
    bound: Bound
    period: str
    subject: str
    speaker: str
    citations: tuple[Citation, ...]
    reliability: Reliability
    paraphrase: str
    low: float | None = None
    high: float | None = None
    counterpart: str | None = None
    conflicts: tuple[str, ...] = ()
    note: str | None = None

    @property
    def figure(self) -> str:
        """Number with its bound, stated range and unit, as a reader would write it."""
        if self.value is None:
            return "(no number)"
        sign = {Bound.AT_LEAST: "≥ ", Bound.AT_MOST: "≤ ", Bound.APPROXIMATELY: "≈ "}
        text = f"{sign.get(self.bound, '')}{_plain(self.value)} {self.unit}"
        if all(end is None or end == self.value for end in (self.low, self.high)):
            return text
        return f"{text} ({_plain(self.low)} … {_plain(self.high)})"


@dataclass(frozen=True)
class Ledger:
    """All sources and facts, by id."""

    sources: Mapping[str, Source]
    facts: Mapping[str, Fact]

    def fact(self, name: str) -> Fact:
        """Fact with this id; an unknown id is an ``InputError`` that names the nearest one."""
        if name not in self.facts:
            raise InputError(f"unknown fact '{name}'{nearest(name, self.facts)}")
        return self.facts[name]

    def source(self, name: str) -> Source:
        """Source with this id; an unknown id is an ``InputError`` that names the nearest one."""
        if name not in self.sources:
            raise InputError(f"unknown source '{name}'{nearest(name, self.sources)}")
        return self.sources[name]

    @cached_property
    def digest(self) -> str:
        """Hash of the content (hex), the same for any order of files, keys and list entries."""
        content = {
            "sources": {name: _canonical(source) for name, source in self.sources.items()},
            "facts": {name: _canonical(fact) for name, fact in self.facts.items()},
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def independent_sources(self, fact: Fact) -> tuple[str, ...]:
        """One cited source for each group of sources that carry one text.

        Sources linked by ``repeats``, directly or over others, form one group, and the group is
        represented by the source that repeats nothing. A source that repeats another in part
        counts with it for every fact: this can only understate how well a fact is confirmed.
        """
        kept: dict[str, str] = {}
        for citation in fact.citations:
            group, name = self._groups[citation.source], citation.source
            held = kept.get(group)
            if held is None or (self.sources[held].repeats and not self.sources[name].repeats):
                kept[group] = name
        return tuple(sorted(kept.values()))

    @cached_property
    def _groups(self) -> dict[str, str]:
        """Name of the group of each source: connected sources share one."""
        group = {name: name for name in self.sources}
        for name, source in self.sources.items():
            for other in source.repeats:
                old, new = sorted((group[name], group[other]), reverse=True)
                group = {key: new if value == old else value for key, value in group.items()}
        return group

    def table(self) -> list[dict[str, Any]]:
        """One flat row for each fact, in the order of ids."""
        return [self._row(self.facts[name]) for name in sorted(self.facts)]

    def _row(self, fact: Fact) -> dict[str, Any]:
        return {
            "id": fact.id,
            "quantity": fact.quantity,
            "value": fact.value,
            "low": fact.low,
            "high": fact.high,
            "unit": fact.unit,
            "kind": fact.kind.value,
            "bound": fact.bound.value,
            "period": fact.period,
            "subject": fact.subject,
            "counterpart": fact.counterpart,
            "speaker": fact.speaker,
            "sources": "; ".join(f"{each.source}: {each.place}" for each in fact.citations),
            "independent_sources": len(self.independent_sources(fact)),
            "conflicts": "; ".join(fact.conflicts),
            "reliability": fact.reliability.value,
            "paraphrase": fact.paraphrase,
            "note": fact.note,
        }

    def text(self, name: str) -> str:
        """Readable lines on one fact: figure, citations with title, outlet, date, conflicts."""
        fact = self.fact(name)
        pair = f"{fact.subject} / {fact.counterpart}" if fact.counterpart else fact.subject
        independent = len(self.independent_sources(fact))
        lines = [
            fact.id,
            f"  {fact.paraphrase}",
            f"  {fact.quantity}: {fact.figure}; {fact.kind}; {pair}; {fact.period}",
            f"  speaker: {fact.speaker}; reliability {fact.reliability}; "
            f"independent sources: {independent}",
        ]
        for citation in fact.citations:
            source = self.source(citation.source)
            where = f"{source.title}, {source.outlet}, {source.date}"
            lines.append(f"  source: {where} ({citation.place}) [{source.id}]")
        for other in map(self.fact, fact.conflicts):
            lines.append(f"  conflicts with {other.id}: {other.figure} ({other.speaker})")
        if fact.note is not None:
            lines.append(f"  note: {fact.note}")
        return "\n".join(lines)


def _plain(number: float | None) -> str:
    """Number without an exponent, as exchange rates are small; nothing for None."""
    return "" if number is None else f"{number:.10f}".rstrip("0").rstrip(".")


def _canonical(record: Source | Fact) -> dict[str, Any]:
    """Content of a record with lists that have no order sorted."""
    content = asdict(record)
    for key in ("repeats", "conflicts"):
        if key in content:
            content[key] = sorted(content[key])
    if "citations" in content:
        content["citations"] = sorted(content["citations"], key=lambda each: str(each["source"]))
    return content
