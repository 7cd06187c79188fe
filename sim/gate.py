"""The last gate: plain configuration data in, a checked ``Scenario`` out.

Everything is refused that a field does not ask for: unknown keys (also those appended with ``+``),
missing ones, wrong types, numbers outside their limits, and evidence that the ledger does not hold.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from sim.axes import CORRIDORS, DOMAINS, POWERS, ROW, STATES
from sim.checks import check
from sim.errors import InputError, nearest
from sim.evidence import Ledger
from sim.quantity import Form
from sim.reading import Vocabulary, read_quantity
from sim.scenario import Scenario

Spec = TypeVar("Spec")


@dataclass(frozen=True)
class UserSet:
    """What the command line sets: entries by quantity path, and the paths of ranges."""

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ranges: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Context:
    """What reading a field needs beside its node."""

    vocabulary: Vocabulary
    user_set: UserSet


def build_scenario(
    tree: Mapping[str, Any],
    ledger: Ledger,
    user_set: UserSet | None = None,
    baseline: Scenario | None = None,
) -> Scenario:
    """Check a composed configuration and freeze it.

    Parameters
    ----------
    tree : nested mappings as composed from the configuration files.
    ledger : facts that the evidence ids must resolve to.
    user_set : numbers that were set on the command line; they are not drawn.
    baseline : the shipped baseline, on which choice constants are calibrated.

    Raises
    ------
    InputError
        With the path of the offending key, what is wrong and the nearest valid name.
    """
    context = Context(vocabulary(tree, _enter_later(tree)), user_set or UserSet())
    scenario = _read(Scenario, {**tree, "baseline": baseline}, "", context)
    check(scenario, ledger)
    return scenario


def vocabulary(groups: Mapping[str, Any], later: Collection[str] = ()) -> Vocabulary:
    """Names that the entries of quantities may and must have.

    Parameters
    ----------
    groups : ``states``, ``powers`` and ``corridors`` of the scenario by code.
    later : powers that bring their own shares of picks instead of a place among the targets.
    """

    def active(group: str) -> tuple[str, ...]:
        node = groups.get(group)
        return tuple(str(key) for key in node) if isinstance(node, Mapping) else ()

    states, powers = active("states"), active("powers")
    known_states = tuple(dict.fromkeys((*STATES, *states)))
    known_powers = tuple(dict.fromkeys((*POWERS, *powers)))
    return Vocabulary(
        valid={
            "domain": DOMAINS,
            "state": known_states,
            "power": known_powers,
            "partner": (*known_powers, ROW.lower()),
            "option": ("none", *known_powers),
            "corridor": tuple(dict.fromkeys((*CORRIDORS, *active("corridors")))),
        },
        required={
            "domain": DOMAINS,
            "state": states,
            "power": powers,
            "partner": (*powers, ROW.lower()),
            "option": ("none", *(power for power in powers if power not in later)),
            "corridor": (),
        },
    )


def _enter_later(tree: Mapping[str, Any]) -> list[str]:
    """Powers that bring their own shares of picks."""
    powers = tree.get("powers")
    nodes = powers.items() if isinstance(powers, Mapping) else ()
    return [
        str(code)
        for code, node in nodes
        if isinstance(node, Mapping) and node.get("entry_shares") is not None
    ]


def _read(cls: type[Spec], node: Any, path: str, context: Context) -> Spec:
    if not isinstance(node, Mapping):
        raise InputError(f"{path}: expected a mapping, got {node!r}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in node:
        if key not in fields:
            valid = [name for name in fields if name != "baseline"]
            raise InputError(f"{_join(path, key)}: unknown key{nearest(str(key), valid)}")
    if "id" in fields and "id" not in node:
        group = path.rpartition(".")[0]
        raise InputError(
            f"{path}: changed, but nothing of that name is among the {group} of this run"
        )
    values: dict[str, Any] = {}
    for name, item in fields.items():
        place = _join(path, name)
        if name not in node or (node[name] is None and item.default is None):
            if item.default is item.default_factory is dataclasses.MISSING:
                raise InputError(f"{place}: missing")
            continue
        form = item.metadata.get("form")
        values[name] = convert(node[name], hints[name], form, place, context)
    return cls(**values)


def convert(node: Any, hint: Any, form: Form | None, path: str, context: Context) -> Any:
    """Read one field of a configuration: its type, and the form of the quantities in it."""
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    origin = typing.get_origin(hint)
    if hint is Scenario:
        return node
    if origin is Mapping:
        if not isinstance(node, Mapping):
            raise InputError(f"{path}: expected a mapping, got {node!r}")
        inner = typing.get_args(hint)[1]
        return {
            str(key): convert(part, inner, form, _join(path, key), context)
            for key, part in node.items()
        }
    if form is not None:
        ranged = path in context.user_set.ranges
        pinned = frozenset() if ranged else context.user_set.values.get(path, frozenset())
        read = read_quantity(node, path, form, context.vocabulary, pinned)
        return dataclasses.replace(read, user_range=ranged)
    if dataclasses.is_dataclass(hint):
        return _read(typing.cast("type[Any]", hint), node, path, context)
    if origin is tuple:
        if not isinstance(node, list | tuple) or not all(isinstance(item, str) for item in node):
            raise InputError(f"{path}: must be a list of names, not {node!r}")
        return tuple(node)
    return _plain(node, hint, path)


def _plain(node: Any, hint: Any, path: str) -> Any:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        valid = [member.value for member in hint]
        if node not in valid:
            raise InputError(f"{path}: unknown '{node}'{nearest(str(node), valid)}")
        return hint(node)
    if hint is str and isinstance(node, int) and not isinstance(node, bool):
        return str(node)  # a year, say
    if hint is float and isinstance(node, int) and not isinstance(node, bool):
        return float(node)
    if not isinstance(node, hint) or (hint is int and isinstance(node, bool)):
        raise InputError(f"{path}: must be {_kind(hint)}, not {node!r}")
    return node


def _kind(hint: Any) -> str:
    kinds = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return kinds.get(hint, str(hint))


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
