"""What results depend on beside a scenario and its evidence: code, and versions of libraries."""

from __future__ import annotations

import platform
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

SHOWING: Final = (
    "analysis",
    "plots",
    "sweep",
    "agents.py",
    "asking.py",
    "backtest_command.py",
    "backtesting.py",
    "cli.py",
    "columns.py",
    "compose.py",
    "decisions.py",
    "differences.py",
    "explorer",
    "history",
    "job.py",
    "launch.py",
    "mechanism.py",
    "model.py",
    "odd.py",
    "overrides.py",
    "provenance.py",
    "report",
    "request.py",
    "sources.py",
    "sweeping.py",
)
"""Modules that ask for results, read or show them, and have no part in making them."""
LIBRARIES: Final = ("multivector", "numpy", "scipy", "mesa", "hydra-core", "xarray", "pyarrow")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results pass through."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def code_digest(*beside: str) -> str:
    """Hash of the modules that results pass through; those that only show them are left out.

    Parameters
    ----------
    beside : modules among those left out that count all the same, such as ``sweep/keep.py``.
    """
    root = Path(__file__).parent
    state = blake2b(digest_size=16)
    shown = {root / name for name in SHOWING}
    counted = {root / name for name in beside}
    for path in sorted(root.rglob("*.py")):
        if shown & {path, *path.parents} and path not in counted:
            continue
        state.update(path.relative_to(root).as_posix().encode())
        state.update(path.read_bytes())
    return state.hexdigest()
