"""Where the shipped configurations stand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGED: Final = Path(__file__).resolve().parent / "configs"
CONFIG_DIR: Final = _PACKAGED if _PACKAGED.is_dir() else _PACKAGED.parent.parent / "configs"
"""Shipped configurations: inside the installed package, or beside it in a source tree."""
