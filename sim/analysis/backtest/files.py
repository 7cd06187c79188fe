"""Writes what was found as files of configuration and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

WIDTH: Final = 100
"""Of a line."""


def put(path: Path, heading: str, tree: Mapping[str, Any]) -> None:
    """Write a YAML file below its heading."""
    import yaml

    path.parent.mkdir(parents=True, exist_ok=True)
    body = yaml.safe_dump(dict(tree), sort_keys=False, allow_unicode=True, width=WIDTH)
    path.write_text(heading + body, encoding="utf-8")
