"""Variants of a scenario: numbers and settings at dotted paths, checked like a configuration."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from sim.checks import check
from sim.errors import InputError, nearest
from sim.evidence import Ledger
from sim.gate import Context, UserSet, convert, vocabulary
from sim.quantity import SCALAR, Draw, Form, Quantity, Simplex
from sim.reading import Vocabulary, read_quantity
from sim.scenario import Scenario

FIXED_PARTS: Final = frozenset({"baseline", "story", "output", "name", "outcomes"})
"""Parts of a scenario that no variant changes: they do not bear on results, or are its identity."""


def vary(scenario: Scenario, settings: Mapping[str, Any], ledger: Ledger | None = None) -> Scenario:
    """Scenario with other values at dotted paths, the same as if composed with them.

    Parameters
    ----------
    scenario : what to change.
    settings : numbers by the path of a quantity (``powers.eu.budget``) or of one of its entries
        (``powers.eu.delivery.trade``), and plain values such as ``{"rules.choice.rule": "best"}``.
        A number set is not drawn. The other shares of one whole keep their proportions.
    ledger : facts that the scenario rests on; without it the whole is not checked again.

    Raises
    ------
    InputError
        With the path, what is wrong and the nearest valid name.
    """
    if not settings:
        return scenario
    words = vocabulary(
        {part: getattr(scenario, part) for part in ("states", "powers", "corridors")},
        later=[code for code, power in scenario.powers.items() if power.entry_shares is not None],
    )
    for path, group in _grouped(scenario, settings):
        scenario = _set(scenario, path.split("."), group, None, _Setter(path, words))
    if ledger is not None:
        check(scenario, ledger)
    return scenario


def find(scenario: Scenario, path: str) -> tuple[Quantity, str] | None:
    """Quantity and entry that a dotted path names, or None where it names anything else.

    ``powers.eu.budget.value`` is the same as ``powers.eu.budget``.

    Raises
    ------
    InputError
        There is nothing at the path, or something with several keys or entries of which none is
        named.
    """
    node: Any = scenario
    keys = path.split(".")
    for place, key in enumerate(keys):
        if isinstance(node, Quantity):
            return node, _entry(node, keys[:place], keys[place:])
        node = _child(node, key, keys[:place])
    if isinstance(node, Quantity):
        return node, _entry(node, keys, [])
    if isinstance(node, Mapping) or dataclasses.is_dataclass(node):
        raise InputError(f"{path}: has several keys; set one of them{nearest('', _names(node))}")
    return None


def form_of(scenario: Scenario, path: str) -> Form:
    """Unit, axis and limits of the field that the number at a dotted path belongs to."""
    node: Any = scenario
    form: Form | None = None
    for key in path.split("."):
        if isinstance(node, Quantity):
            break
        if not isinstance(node, Mapping):
            (item,) = (item for item in dataclasses.fields(node) if item.name == key)
            form = item.metadata.get("form")
        node = _child(node, key, [""])
    assert form is not None
    return form


class _Setter(typing.NamedTuple):
    """The path that is being set, and the names that its entries may have."""

    path: str
    words: Vocabulary


def _grouped(scenario: Scenario, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings by path of a quantity or plain value; entries of one quantity go together."""
    groups: dict[str, dict[str, Any]] = {}
    for path, value in settings.items():
        found = find(scenario, path)
        if found is None:
            yield path, value
        else:
            quantity, entry = found
            group = groups.setdefault(quantity.path, {})
            if entry in group:
                raise InputError(f"{quantity.name(entry)}: is set twice")
            group[entry] = value
    yield from groups.items()


def _entry(quantity: Quantity, passed: list[str], keys: list[str]) -> str:
    """Entry that the keys after the path of a quantity name."""
    path = ".".join(passed)
    name = ".".join(keys[1:] if keys[:1] == ["value"] else keys)
    if name in quantity.entries:
        return name
    if quantity.entries == (SCALAR,):
        raise InputError(f"{path}: only its value can be set, not '{name}'")
    if not name:
        entries = ", ".join(quantity.entries)
        raise InputError(f"{path}: has several entries ({entries}); name one, {path}.ENTRY")
    raise _unknown(passed, name, quantity.entries)


def _child(node: Any, key: str, passed: list[str]) -> Any:
    if not isinstance(node, Mapping) and not dataclasses.is_dataclass(node):
        raise InputError(f"{'.'.join(passed)}: has no key '{key}'")
    names = _names(node) if passed else [n for n in _names(node) if n not in FIXED_PARTS]
    if key not in names:
        raise _unknown(passed, key, names)
    return node[key] if isinstance(node, Mapping) else getattr(node, key)


def _names(node: Any) -> list[str]:
    """Keys of a part of a scenario."""
    if isinstance(node, Mapping):
        return list(node)
    return [item.name for item in dataclasses.fields(node)]


def _unknown(passed: list[str], key: str, valid: typing.Iterable[str]) -> InputError:
    where = f" in '{'.'.join(passed)}'" if passed else ""
    return InputError(f"unknown key '{key}'{where}{nearest(key, valid)}")


def _set(node: Any, keys: list[str], value: Any, form: Form | None, setter: _Setter) -> Any:
    """The part of a scenario with another value at the keys; parts beside it stay the same."""
    if isinstance(node, Quantity):
        assert form is not None
        return _pin(node, value, form, setter.words)
    key, *rest = keys
    if isinstance(node, Mapping):
        return {**node, key: _set(node[key], rest, value, form, setter)}
    (item,) = (item for item in dataclasses.fields(node) if item.name == key)
    form = item.metadata.get("form")
    old = getattr(node, key)
    if rest or isinstance(old, Quantity):
        return replace(node, **{key: _set(old, rest, value, form, setter)})
    if value is None and item.default is None:
        return replace(node, **{key: None})
    hint = typing.get_type_hints(type(node))[key]
    context = Context(setter.words, UserSet())
    return replace(node, **{key: convert(value, hint, form, setter.path, context)})


def _pin(quantity: Quantity, values: Mapping[str, Any], form: Form, words: Vocabulary) -> Quantity:
    """Quantity with entries set; see ``vary`` on shares of one whole."""
    numbers = dict(zip(quantity.entries, quantity.value, strict=True))
    ranges = {
        end: dict(zip(quantity.entries, getattr(quantity, end), strict=True))
        for end in ("low", "high")
    }
    if form.simplex is Simplex.EXACT or quantity.draw is Draw.DIRICHLET:
        factor, most = _share_left(quantity, values), form.limits.upper
        for table in (numbers, *ranges.values()):
            table.update({e: min(x * factor, most) for e, x in table.items() if e not in values})
    for table in (numbers, *ranges.values()):
        table.update(values)
    stated = quantity.draw is Draw.TRIANGULAR
    single = quantity.entries == (SCALAR,)
    node = {
        "unit": quantity.unit,
        "value": numbers[SCALAR] if single else numbers,
        "draw": quantity.draw.value,
        "concentration": quantity.concentration,
        "assumption": quantity.assumption,
        "evidence": dict(quantity.evidence),
        **({e: t[SCALAR] if single else t for e, t in ranges.items()} if stated else {}),
    }
    read = read_quantity(node, quantity.path, form, words, quantity.user_set | set(values))
    return replace(
        read,
        user_range=quantity.user_range,
        evidence=quantity.evidence,
        derivation=quantity.derivation,
    )


def _share_left(quantity: Quantity, values: Mapping[str, Any]) -> float:
    """Factor by which the shares that are not set shrink or grow, so that the whole stays."""
    if not all(isinstance(value, int | float) and value >= 0 for value in values.values()):
        return 1.0  # reading them says what is wrong
    whole, taken = math.fsum(quantity.value), math.fsum(values.values())
    others = [x for e, x in zip(quantity.entries, quantity.value, strict=True) if e not in values]
    if not math.fsum(others) > 0:
        return 1.0
    if taken > whole:
        names = ", ".join(quantity.name(entry) for entry in values)
        raise InputError(f"{names}: {taken:.4g} is more than the whole, {whole:.4g}")
    return (whole - taken) / math.fsum(others)
