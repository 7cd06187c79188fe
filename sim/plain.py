"""Scenarios as plain data: for manifests, for digests, and back again."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
import weakref
from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from hashlib import blake2b
from typing import Any, Final

from sim.errors import InputError
from sim.quantity import Quantity
from sim.scenario import Scenario

INFINITE: Final = "inf"
"""Stands for infinity, which JSON does not know."""
UNHASHED: Final = frozenset({"story", "output"})
"""Parts of a scenario that do not change results."""

_hashes: dict[int, tuple[weakref.ref[Any], str]] = {}
"""Hashes of frozen parts that are still in use, by identity: variants share most of theirs."""


def plain(node: Any) -> Any:
    """Nested dictionaries, lists and plain values of a scenario or a part of it."""
    if isinstance(node, Mapping):
        return {str(key): plain(part) for key, part in node.items()}
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return {item.name: plain(getattr(node, item.name)) for item in dataclasses.fields(node)}
    if isinstance(node, frozenset):
        return sorted(node)
    if isinstance(node, list | tuple):
        return [plain(part) for part in node]
    if isinstance(node, StrEnum):
        return node.value
    if isinstance(node, float) and math.isinf(node):
        return INFINITE
    return node


def restore(content: Mapping[str, Any]) -> Scenario:
    """Scenario from its plain data; the inverse of ``plain``.

    Raises
    ------
    InputError
        The data are those of a version whose scenarios had other parts.
    """
    try:
        return typing.cast(Scenario, _restore(content, Scenario))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        detail = str(error).replace(".__init__()", ":").replace("keyword-only argument", "part")
        raise InputError(
            f"the scenario was stored by another version, which this one cannot read ({detail})"
        ) from None


def digest(scenario: Scenario) -> str:
    """Hash of everything that determines results: all of a scenario but story and output."""
    return _hash(scenario)


def _hash(node: Any) -> str:
    """Hash of a part from the hashes of its own parts."""
    if isinstance(node, Mapping):
        parts = {str(key): _hash(part) for key, part in node.items()}
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        known = _hashes.get(id(node))
        if known is not None and known[0]() is node:
            return known[1]
        left_out = UNHASHED if isinstance(node, Scenario) else ()
        names = [item.name for item in dataclasses.fields(node) if item.name not in left_out]
        parts = {name: _hash(getattr(node, name)) for name in names}
        found = _digest(parts)
        number = id(node)
        _hashes[number] = weakref.ref(node, partial(_forget, number)), found
        return found
    else:
        parts = plain(node)
    return _digest(parts)


def _forget(number: int, gone: weakref.ref[Any]) -> None:
    if _hashes.get(number, (None,))[0] is gone:
        del _hashes[number]


def _digest(parts: Any) -> str:
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def _restore(node: Any, hint: Any) -> Any:
    if node is None:
        return None
    if isinstance(hint, types.UnionType):
        parts = [part for part in typing.get_args(hint) if part is not types.NoneType]
        hint = Quantity if Quantity in parts else parts[-1] if len(parts) == 1 else parts
    if isinstance(hint, list):  # a union of plain types stands as it is
        return node
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        values = {name: _restore(part, hints[name]) for name, part in node.items()}
        return typing.cast("type[Any]", hint)(**values)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Mapping:
        return {key: _restore(part, arguments[1]) for key, part in node.items()}
    if origin is tuple:
        return tuple(_restore(part, arguments[0]) for part in node)
    if origin is frozenset:
        return frozenset(node)
    if hint is float:
        return math.inf if node == INFINITE else float(node)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(node)
    return node
