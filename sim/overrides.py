"""Overrides as typed on a command line: ``key=value`` and Hydra's sweeps of several values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

from sim.errors import InputError, nearest
from sim.gate import UserSet
from sim.quantity import SCALAR

LAUNCHER: Final = "hydra/launcher"
_NUMBERS: Final = ("value", "low", "high")


class Override:
    """One override as typed: prefix (``+``, ``++``, ``~`` or none), key and value.

    ``entries`` are the keys of a value that is a mapping; ``parsed`` is Hydra's reading.
    """

    def __init__(self, text: str) -> None:
        """Parse an override.

        Raises
        ------
        InputError
            When it does not have the form of one.
        """
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from hydra.errors import HydraException

        try:
            self.parsed = OverridesParser.create().parse_override(text)
        except HydraException:
            raise InputError(f"option '{text}': not of the form key=value") from None
        content: Any = self.parsed.value()
        self.text = text
        self.entries = tuple(map(str, content)) if isinstance(content, Mapping) else ()
        self.prefix = text[: len(text) - len(text.lstrip("+~"))]
        key, _, self.value = text[len(self.prefix) :].partition("=")
        self.key = key.split("@")[0]

    @property
    def is_hydra(self) -> bool:
        """Whether it sets something of Hydra's own."""
        return self.key == "hydra" or self.key.startswith(("hydra.", "hydra/"))

    @property
    def is_sweep(self) -> bool:
        """Whether it stands for several values."""
        return self.parsed.is_sweep_override()

    @property
    def is_interval(self) -> bool:
        """Whether it stands for a range of numbers."""
        return self.parsed.is_interval_sweep()

    @property
    def name(self) -> str:
        """Prefix and key, as they stand before the value."""
        return str(self.parsed.get_key_element())

    def is_group(self, folders: Sequence[Path]) -> bool:
        """Whether the key names a configuration group rather than a value."""
        return any((folder / self.key).is_dir() for folder in folders)


def options(group: str, folders: Sequence[Path]) -> list[str]:
    """Names that can be chosen in a configuration group, sorted."""
    return sorted({path.stem for folder in folders for path in (folder / group).glob("*.yaml")})


def check_groups(overrides: Sequence[Override], folders: Sequence[Path]) -> None:
    """Refuse an option of a group that no file stands for, such as an unknown scenario."""
    for override in overrides:
        if not override.is_group(folders) or override.prefix == "~":
            continue
        valid = options(override.key, folders)
        if override.value not in valid:
            hint = nearest(override.value, valid)
            text = f"{override.key}={override.value}"
            raise InputError(f"{text}: unknown {override.key} '{override.value}'{hint}")


def check_single(overrides: Sequence[Override]) -> None:
    """Refuse what only a multirun can do."""
    for override in overrides:
        if override.is_sweep:
            raise InputError(f"option '{override.text}': several values are several runs, with -m")
        if override.is_hydra:
            raise InputError(
                f"option '{override.text}': Hydra's own settings are for its launchers of several "
                "runs, with -m"
            )


def user_set(overrides: Sequence[Override]) -> UserSet:
    """Which numbers the command line sets: entries by quantity path, and paths of set ranges."""
    values: dict[str, set[str]] = {}
    ranges: set[str] = set()
    for override in overrides:
        parts = override.key.split(".")
        place = next((n for n in (-1, -2) if len(parts) > -n and parts[n] in _NUMBERS), None)
        if place is None:
            continue
        path = ".".join(parts[:place])
        if parts[place] != "value":
            ranges.add(path)
        elif place == -2:
            values.setdefault(path, set()).add(parts[-1])
        else:
            values.setdefault(path, set()).update(override.entries or (SCALAR,))
    return UserSet(
        {path: frozenset(entries) for path, entries in values.items()}, frozenset(ranges)
    )


def split_launcher(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Settings of a launcher of Hydra, and the other overrides.

    Raises
    ------
    InputError
        For any other setting of Hydra's own.
    """
    settings, others = [], []
    for text in overrides:
        override = Override(text)
        if override.key == LAUNCHER or override.key.startswith("hydra.launcher."):
            settings.append(text)
        elif override.is_hydra:
            raise InputError(
                f"option '{text}': of Hydra's own settings only {LAUNCHER}=NAME and "
                "hydra.launcher.KEY=VALUE have a place here"
            )
        else:
            others.append(text)
    return settings, others


def combinations(overrides: Sequence[str], folders: Sequence[Path]) -> list[list[str]]:
    """Overrides of each run of a multirun: all combinations of their values."""
    return [list(chosen) for chosen in product(*(_choices(text, folders) for text in overrides))]


def _choices(text: str, folders: Sequence[Path]) -> list[str]:
    """Overrides of one value each."""
    override = Override(text)
    if not override.is_sweep:
        return [text]
    found = [f"{override.name}={value}" for value in values_of(override, folders)]
    if not found:
        raise InputError(f"option '{text}': stands for no value")
    return found


def values_of(override: Override, folders: Sequence[Path]) -> Iterator[str]:
    """Values of a sweep as texts."""
    from hydra.core.override_parser.types import Glob

    if override.is_interval:
        raise InputError(
            f"option '{override.text}': an interval has no end of values; name them, as in "
            f"{override.key}=range(0,1,0.25)"
        )
    pattern: Any = override.parsed.value()
    if not isinstance(pattern, Glob):
        yield from override.parsed.sweep_string_iterator()
        return
    if not override.is_group(folders):
        groups = {path.name for folder in folders for path in folder.iterdir() if path.is_dir()}
        hint = nearest(override.key, groups)
        raise InputError(f"option '{override.text}': no group '{override.key}'{hint}")
    names = options(override.key, folders)
    found = pattern.filter(names)
    if not found:
        hint = nearest(pattern.include[0], names)
        raise InputError(f"option '{override.text}': matches nothing in '{override.key}'{hint}")
    yield from found
