"""What a word on the command line names: a run, a sweep and perhaps one cell, or a scenario."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim.errors import InputError, nearest

if TYPE_CHECKING:
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
    from sim.compose import list_scenarios, load_scenario

    path, _, cell = source.partition(CELL)
    folder = Path(path).expanduser()
    if not folder.is_dir():
        known = list_scenarios(config_dir)
        if source not in known:
            raise InputError(f"no run, sweep or scenario '{source}'{nearest(source, known)}")
        return load_scenario(source, *overrides, config_dir=config_dir), None
    if overrides:
        raise InputError(f"option '{overrides[0]}': {path} is stored and cannot be changed")
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


def _is_sweep(folder: Path) -> bool:
    """Whether a folder holds a sweep rather than a run."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # opening it as a run says what is wrong
    return isinstance(manifest, dict) and "design" in manifest
