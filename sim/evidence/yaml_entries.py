"""Strict reading of YAML files of named entries: every mistake names file, entry and key."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import yaml

from sim.errors import InputError, nearest

try:  # the C parser reads the ledger ten times faster; both give the same result
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # pragma: no cover - PyYAML built without libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]

Choice = TypeVar("Choice", bound=StrEnum)


class _StrictLoader(_BaseLoader):
    """Safe loader that refuses a key given twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping; merge keys are not expanded, so the one form stays the only one."""
        mapping: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise InputError(_at(key_node, f"key {key!r} must be text"))
            if key in mapping:
                raise InputError(_at(key_node, f"duplicate key '{key}'"))
            value = self.construct_object(value_node, deep=deep)
            mapping[key] = value
        return mapping


def _at(node: Any, message: str) -> str:
    return f"line {node.start_mark.line + 1}: {message}"


def read_entries(file: Path) -> dict[str, Any]:
    """Entries of one file, each a mapping or whatever else the author wrote.

    Raises
    ------
    InputError
        The file cannot be read, is not YAML, repeats a key or is not a mapping.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InputError(f"{file}: {line}broken YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{file}: broken YAML: {error}") from error
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{file}: must map ids to entries, is a {type(content).__name__}")
    return content


class Entry:
    """One named entry of a file, read key by key.

    Parameters
    ----------
    file, what, name : for messages, such as ``facts/trade.yaml``, ``fact`` and its id.
    raw : content as parsed.
    required, optional : keys of the closed format.
    """

    def __init__(
        self,
        file: Path,
        what: str,
        name: str,
        raw: object,
        required: Iterable[str],
        optional: Iterable[str],
    ) -> None:
        self.file = file
        self.where = f"{file}: {what} '{name}'"
        self.name = name
        if not isinstance(raw, Mapping):
            raise InputError(f"{self.where}: must map keys to values, is {raw!r}")
        self._raw: Mapping[str, Any] = raw
        required = tuple(required)
        valid = (*required, *optional)
        for key in raw:
            if key not in valid:
                raise self.error(f"unknown key '{key}'{nearest(key, valid)}")
        for key in required:
            if key not in raw:
                raise self.error(f"missing key '{key}'")

    def error(self, message: str) -> InputError:
        """Error that begins with the place of this entry."""
        return InputError(f"{self.where}: {message}")

    def text(self, key: str) -> str:
        """Text under a required key; never empty."""
        value = self._raw.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"key '{key}': must be text (in quotes if a date), is {value!r}")
        return value.strip()

    def optional_text(self, key: str) -> str | None:
        """Text, or None where the key is left out or null."""
        return None if self._raw.get(key) is None else self.text(key)

    def number(self, key: str) -> float | None:
        """Finite number, or None where the key is left out or null."""
        value = self._raw.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"key '{key}': must be a number or null, is {value!r}")
        if not math.isfinite(value):
            raise self.error(f"key '{key}': must be finite, is {value!r}")
        return float(value)

    def choice(self, key: str, options: type[Choice]) -> Choice:
        """Member of a closed list."""
        name = self.text(key)
        valid = [option.value for option in options]
        if name not in valid:
            raise self.error(f"key '{key}': unknown '{name}'{nearest(name, valid)}")
        return options(name)

    def names(self, key: str) -> tuple[str, ...]:
        """List of ids without repetition; empty where the key is left out."""
        value = self._raw.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(f"key '{key}': must be a list of ids, is {value!r}")
        if len(set(value)) != len(value):
            raise self.error(f"key '{key}': names an id twice")
        return tuple(value)

    def places(self, key: str) -> dict[str, str]:
        """Mapping from id to a place in words, with at least one entry."""
        value = self._raw.get(key)
        if not isinstance(value, dict) or not value:
            raise self.error(f"key '{key}': must map at least one source to a place")
        for source, place in value.items():
            if not isinstance(place, str) or not place.strip():
                raise self.error(f"key '{key}': '{source}' needs a place in words, has {place!r}")
        return {source: place.strip() for source, place in value.items()}
