"""Mechanism switches on a scenario at hand, such as that of a stored run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sim.compose import config_folders
from sim.errors import InputError, nearest
from sim.scenario import Scenario
from sim.vary import vary

GROUP = "mechanism"
PLAIN = "none"
"""The file that changes nothing."""


def mechanisms(
    scenario: Scenario, *names: str, config_dir: str | Path | None = None
) -> dict[str, Scenario]:
    """A scenario with each of some mechanisms switched, by name.

    Numbers that a mechanism sets are fixed at its value.

    Parameters
    ----------
    names : of files in ``configs/mechanism``; all of them if none is named.
    config_dir : as in ``sim.load_scenario``.

    Raises
    ------
    InputError
        A name is unknown, or a mechanism does not fit the states and powers of the scenario.

    Examples
    --------
    >>> switched = sim.mechanisms(sim.load_scenario(), "nested", "no_learning")
    >>> {name: scenario.rules.choice.nest.value for name, scenario in switched.items()}
    {'nested': (0.5,), 'no_learning': (1.0,)}
    """
    if not isinstance(scenario, Scenario):
        raise InputError(f"{scenario!r} is not a scenario; take sim.load_scenario or run.scenario")
    files = _files(config_dir)
    found = {}
    for name in names or files:
        if not isinstance(name, str) or name not in files:
            raise InputError(f"{GROUP}: unknown '{name}'{nearest(str(name), files)}")
        tree = yaml.safe_load(files[name].read_text(encoding="utf-8")) or {}
        try:
            found[name] = vary(scenario, dict(_settings(tree)))
        except InputError as error:
            raise InputError(f"{GROUP} {name}: {error}") from None
    return found


def mechanism_names(config_dir: str | Path | None = None) -> list[str]:
    """Names of all mechanisms, that which changes nothing first."""
    return [PLAIN, *sorted(_files(config_dir))]


def _files(config_dir: str | Path | None) -> dict[str, Path]:
    return {
        file.stem: file
        for folder in reversed(config_folders(config_dir))
        for file in sorted((folder / GROUP).glob("*.yaml"))
        if file.stem != PLAIN
    }


def _settings(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Values by dotted path; of a number with range and grounds its value alone."""
    for key, part in node.items():
        here = f"{path}.{key}" if path else str(key)
        if not isinstance(part, Mapping):
            yield here, part
        elif "value" not in part:
            yield from _settings(part, here)
        elif isinstance(part["value"], Mapping):
            yield from _settings(part["value"], here)
        else:
            yield here, part["value"]
