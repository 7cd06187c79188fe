"""Strict loading of the ledger from YAML files, and the checks that tie its records together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from sim.errors import InputError, nearest
from sim.evidence.ledger import (
    Bound,
    Citation,
    Fact,
    Kind,
    Ledger,
    Reliability,
    Source,
    SourceType,
)
from sim.evidence.yaml_entries import Entry, read_entries
from sim.units import MONEY_AMOUNTS, MONEY_FLOWS, check_unit

Record = TypeVar("Record", Source, Fact)

PACKAGE_FOLDER: Final = Path(__file__).parent

_SOURCE_KEYS: Final = ("title", "outlet", "date", "type", "voices", "reliability")
_SOURCE_OPTIONAL: Final = ("repeats", "url", "note")
_FACT_KEYS: Final = (
    "quantity",
    "value",
    "unit",
    "kind",
    "bound",
    "period",
    "subject",
    "speaker",
    "citations",
    "reliability",
    "paraphrase",
)
_FACT_OPTIONAL: Final = ("low", "high", "counterpart", "conflicts", "note")

_AMOUNT_KINDS: Final = frozenset({Kind.STOCK, Kind.PLEDGE, Kind.GRANT, Kind.COST})
_UNITS_OF_KIND: Final[Mapping[Kind, frozenset[str]]] = MappingProxyType(
    {
        Kind.MEMBERSHIP: frozenset({"share", "flag"}),
        Kind.DATE: frozenset({"year"}),
        Kind.POPULATION: frozenset({"persons m", "persons"}),
        Kind.GROWTH: frozenset({"percent", "percent/yr", "1/yr", "ratio"}),
    }
)
"""Units of the kinds that have few; a fact without a number has unit "text" instead."""


def load_ledger(folders: Iterable[Path | str] = ()) -> Ledger:
    """Load the ledger of the package and of further folders.

    Parameters
    ----------
    folders : folders that hold ``sources/*.yaml`` and ``facts/*.yaml`` like that of the package.
        Their facts may cite sources of the package; an id may not be given twice.

    Returns
    -------
    Ledger
        Loaded once for each list of folders, and shared: it cannot be changed.

    Raises
    ------
    InputError
        Broken or unknown content; the message names file, entry, key and the nearest valid name.
    """
    return _load((PACKAGE_FOLDER, *(Path(folder) for folder in folders)))


@lru_cache(maxsize=8)
def _load(folders: tuple[Path, ...]) -> Ledger:
    for folder in folders:
        if not any((folder / part).is_dir() for part in ("sources", "facts")):
            raise InputError(f"{folder}: no folder 'sources' or 'facts' in it")
    sources, source_files = _read(folders, "sources", _source)
    facts, fact_files = _read(folders, "facts", _fact)
    for name, source in sources.items():
        _check_names(
            f"{source_files[name]}: source '{name}': key 'repeats'", source.repeats, sources
        )
    for name, fact in facts.items():
        where = f"{fact_files[name]}: fact '{name}'"
        cited = tuple(citation.source for citation in fact.citations)
        _check_names(f"{where}: key 'citations'", cited, sources)
        _check_conflicts(where, fact, facts)
    return Ledger(sources=MappingProxyType(sources), facts=MappingProxyType(facts))


def _read(
    folders: Iterable[Path], part: str, build: Callable[[Path, str, object], Record]
) -> tuple[dict[str, Record], dict[str, Path]]:
    """Records of all files of one part, and the file of each."""
    records: dict[str, Record] = {}
    files: dict[str, Path] = {}
    for folder in folders:
        for file in sorted((folder / part).glob("*.yaml")):
            for name, raw in read_entries(file).items():
                if name in files:
                    raise InputError(f"{file}: '{name}' is already given in {files[name]}")
                records[name], files[name] = build(file, name, raw), file
    return records, files


def _source(file: Path, name: str, raw: object) -> Source:
    entry = Entry(file, "source", name, raw, _SOURCE_KEYS, _SOURCE_OPTIONAL)
    return Source(
        id=name,
        title=entry.text("title"),
        outlet=entry.text("outlet"),
        date=entry.text("date"),
        type=entry.choice("type", SourceType),
        voices=entry.text("voices"),
        reliability=entry.choice("reliability", Reliability),
        repeats=entry.names("repeats"),
        url=entry.optional_text("url"),
        note=entry.optional_text("note"),
    )


def _fact(file: Path, name: str, raw: object) -> Fact:
    entry = Entry(file, "fact", name, raw, _FACT_KEYS, _FACT_OPTIONAL)
    unit = entry.text("unit")
    try:
        check_unit(unit)
    except InputError as error:
        raise entry.error(f"key 'unit': {error}") from None
    fact = Fact(
        id=name,
        quantity=entry.text("quantity"),
        value=entry.number("value"),
        unit=unit,
        kind=entry.choice("kind", Kind),
        bound=entry.choice("bound", Bound),
        period=entry.text("period"),
        subject=entry.text("subject"),
        speaker=entry.text("speaker"),
        citations=tuple(Citation(*pair) for pair in entry.places("citations").items()),
        reliability=entry.choice("reliability", Reliability),
        paraphrase=entry.text("paraphrase"),
        low=entry.number("low"),
        high=entry.number("high"),
        counterpart=entry.optional_text("counterpart"),
        conflicts=entry.names("conflicts"),
        note=entry.optional_text("note"),
    )
    problem = _unit_problem(fact) or _range_problem(fact)
    if problem is not None:
        raise entry.error(problem)
    return fact


def _unit_problem(fact: Fact) -> str | None:
    """Why the unit does not fit the number or the kind, if it does not."""
    unit, kind = fact.unit, fact.kind
    if fact.value is None:
        if fact.low is not None or fact.high is not None:
            return "key 'value': is null, yet low or high is given"
        return None if unit == "text" else f"key 'unit': is '{unit}' without a value (use 'text')"
    if unit == "text":
        return f"key 'unit': is 'text', yet the value is {fact.value:g}"
    if unit in MONEY_FLOWS and kind is not Kind.FLOW:
        return f"key 'unit': '{unit}' is money of a year, so the kind is flow, not {kind}"
    if unit in MONEY_AMOUNTS and kind not in _AMOUNT_KINDS:
        valid = ", ".join(sorted(_AMOUNT_KINDS))
        return f"key 'unit': '{unit}' is money without a time: kind {valid}, not {kind}"
    if kind is Kind.EXCHANGE_RATE and " per " not in unit and unit != "ratio":
        return f"key 'unit': an exchange rate is in 'USD per …', not '{unit}'"
    valid_units = _UNITS_OF_KIND.get(kind)
    if valid_units is not None and unit not in valid_units:
        return f"key 'unit': kind {kind} goes with {', '.join(sorted(valid_units))}, not '{unit}'"
    return None


def _range_problem(fact: Fact) -> str | None:
    """Why value, low and high do not fit each other or their limits, if they do not."""
    if fact.value is None:
        return None
    if fact.low is not None and fact.low > fact.value:
        return f"key 'low': {fact.low:g} is above the value {fact.value:g}"
    if fact.high is not None and fact.high < fact.value:
        return f"key 'high': {fact.high:g} is below the value {fact.value:g}"
    top = {"share": 1.0, "flag": 1.0}.get(fact.unit)
    if fact.unit == "percent" and fact.kind in (Kind.SHARE, Kind.OPINION):
        top = 100.0
    if top is not None:
        for key, number in (("value", fact.value), ("low", fact.low), ("high", fact.high)):
            if number is not None and not 0 <= number <= top:
                return f"key '{key}': {number:g} {fact.unit} is not within 0 and {top:g}"
    return None


def _check_names(where: str, names: Iterable[str], valid: Mapping[str, object]) -> None:
    for name in names:
        if name not in valid:
            raise InputError(f"{where}: unknown '{name}'{nearest(name, valid)}")


def _check_conflicts(where: str, fact: Fact, facts: Mapping[str, Fact]) -> None:
    """Conflicts exist, differ from the fact itself and name it in return."""
    _check_names(f"{where}: key 'conflicts'", fact.conflicts, facts)
    for other in fact.conflicts:
        if other == fact.id:
            raise InputError(f"{where}: key 'conflicts': names itself")
        if fact.id not in facts[other].conflicts:
            raise InputError(f"{where}: key 'conflicts': '{other}' does not name it in return")
