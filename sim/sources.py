"""What a word on the command line names: a run, a sweep and perhaps one cell, or a scenario."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim.errors import InputError, nearest

if TYPE_CHECKING:
    from sim.evidence import Ledger
    from sim.scenario import Scenario
    from sim.store import Run
    from sim.sweep import Sweep

CELL: Final = "@"
"""Stands between the folder of a sweep and the number of a cell."""


def load(
    source: str, overrides: Sequence[str] = (), config_dir: str | None = None
) -> tuple[Run | Sweep | Scenario, int | None]:
    """What a word on the command line names: a run, a sweep and perhaps a cell, or a scenario.

    Raises
    ------
    InputError
        It names none of them, or options are given beside something stored.
    """
    from sim.compose import config_folders, list_scenarios, load_scenario

    path, _, cell = source.partition(CELL)
    config_folders(config_dir)  # refuses a folder that is not there
    folder = Path(path).expanduser()
    if not path or not folder.is_dir():
        known = list_scenarios(config_dir)
        if source not in known:
            raise InputError(f"no run, sweep or scenario '{source}'{nearest(source, known)}")
        return load_scenario(source, *overrides, config_dir=config_dir), None
    if overrides:
        raise InputError(
            f"option '{overrides[0]}': {path} is stored and cannot be changed; ask what if with "
            "--set PATH=VALUE"
        )
    if cell and not cell.isdigit():
        raise InputError(f"{source}: the cell must be a number, not '{cell}'")
    number = int(cell) if cell else None
    if _is_sweep(folder):
        from sim.sweep import open_sweep

        return open_sweep(folder), number
    from sim.store import open_run

    if cell:
        raise InputError(f"{source}: {path} is a run, only a sweep has cells")
    return open_run(folder), None


def changed(
    source: tuple[Run | Sweep | Scenario, int | None], settings: Sequence[str], ledger: Ledger
) -> tuple[Run | Sweep | Scenario, int | None]:
    """Something with numbers set: the scenario behind it, with them.

    Parameters
    ----------
    settings : such as ``powers.cn.conditionality.energy=0.2``; paths as explanations print them.

    Raises
    ------
    InputError
        A setting is not understood, or no scenario can have it.
    """
    from sim.analysis.origin import origin_of
    from sim.vary import vary

    if not settings:
        return source
    return vary(origin_of(*source).scenario, numbers_set(settings), ledger), None


def numbers_set(settings: Sequence[str]) -> dict[str, float | str]:
    """Values by path from words such as ``powers.cn.conditionality.energy=0.2``.

    Raises
    ------
    InputError
        A word is not of this form, or a path is set twice.
    """
    values: dict[str, float | str] = {}
    for text in settings:
        path, equals, value = text.partition("=")
        if not equals or not path or not value:
            raise InputError(f"--set {text}: write PATH=VALUE")
        if path in values:
            raise InputError(f"--set {text}: {path} is set twice")
        try:
            values[path] = float(value)
        except ValueError:
            values[path] = value
    return values


def _is_sweep(folder: Path) -> bool:
    """Whether a folder holds a sweep rather than a run."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # opening it says what is wrong
        return (folder / "cells.parquet").exists() or (folder / "parts").is_dir()
    return isinstance(manifest, dict) and "design" in manifest
