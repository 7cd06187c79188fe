"""Scenario files are differences: merged here onto what Hydra composed once for all of them.

Only what is beyond doubt is done here: files that change values and choose other options of groups,
and plain ``key=value`` options on keys that exist. Everything else is left to Hydra.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sim.overrides import Override

DIFFERENCES: Final = ("scenario", "mechanism")
"""Groups whose files change what the others say, in the order in which they do."""
_HEAD: Final = "# @package _global_"
_CHOOSES: Final = "override /"
_REFERS: Final = "${"
_UNUSUAL: Final = (_REFERS, "???")
"""What Hydra gives a meaning of its own wherever it stands in a value."""
Tree = dict[str, Any]
Stamp = tuple[tuple[str, int, int, int], ...]


class UnusualError(Exception):
    """Only Hydra knows what is meant, or what is wrong with it."""


def merge(tree: Mapping[str, Any], changes: Mapping[str, Any], *, new_keys: bool = True) -> Tree:
    """Tree with changes: mappings are merged, anything else is replaced.

    Raises
    ------
    UnusualError
        A list meets a mapping, or, unless ``new_keys``, there is nothing to change.
    """
    found = dict(tree)
    for key, value in changes.items():
        if not new_keys and key not in found:
            raise UnusualError
        old = found.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = merge(old, value, new_keys=new_keys)
        elif {type(old), type(value)} == {dict, list}:
            raise UnusualError
        found[key] = value
    return found


def stamp(folders: Sequence[Path]) -> Stamp:
    """What changes when a file in the folders does."""
    return tuple(
        _stamp(path) for path in sorted(p for folder in folders for p in folder.rglob("*.yaml"))
    )


@lru_cache(maxsize=16)
def refers(files: Stamp) -> bool:
    """Whether files with a stamp refer to values that another file may change."""
    paths = [Path(name) for name, *_ in files]
    beside = [path for path in paths if path.parent.name not in DIFFERENCES]
    return any(_REFERS in path.read_text(encoding="utf-8", errors="replace") for path in beside)


def difference(group: str, name: str, folders: Sequence[Path]) -> tuple[Mapping[str, str], Tree]:
    """Options that a file of differences chooses, and its content.

    Raises
    ------
    UnusualError
        There is no such file, or it does more than that.
    """
    for folder in folders:
        path = folder / group / f"{name}.yaml"
        if path.is_file():
            return _read(_stamp(path))
    raise UnusualError


def apply(tree: Tree, overrides: Sequence[Override]) -> Tree:
    """Tree with options set.

    Raises
    ------
    UnusualError
        An option does more than to change what is there.
    """
    for override in overrides:
        if override.prefix or any(sign in override.text for sign in ("@", *_UNUSUAL)):
            raise UnusualError
        keys = override.key.split(".")
        node: Any = tree
        for key in keys:
            if not isinstance(node, Mapping) or key not in node:
                raise UnusualError
            node = node[key]
        change: Any = override.parsed.value()
        for key in reversed(keys):
            change = {key: change}
        tree = merge(tree, change, new_keys=False)
    return tree


def _stamp(path: Path) -> tuple[str, int, int, int]:
    state = path.stat()
    return str(path), state.st_mtime_ns, state.st_ctime_ns, state.st_size


@lru_cache(maxsize=256)
def _read(file: tuple[str, int, int, int]) -> tuple[Mapping[str, str], Tree]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    path = Path(file[0])
    try:
        text = path.read_text(encoding="utf-8")
        content = OmegaConf.to_container(OmegaConf.load(path))
    except (YAMLError, OmegaConfBaseException, OSError, UnicodeDecodeError):
        raise UnusualError from None
    headed = text.partition("\n")[0].rstrip() == _HEAD and text.count("@package") == 1
    if not headed or any(sign in text for sign in _UNUSUAL) or not isinstance(content, dict):
        raise UnusualError
    tree = {str(key): part for key, part in content.items()}
    return _chosen(tree.pop("defaults", [])), tree


def _chosen(defaults: Any) -> dict[str, str]:
    """Options of groups that a defaults list chooses."""
    chosen: dict[str, str] = {}
    for entry in defaults if isinstance(defaults, list) else [None]:
        if not isinstance(entry, dict) or len(entry) != 1:
            raise UnusualError
        ((key, name),) = entry.items()
        group = str(key).removeprefix(_CHOOSES)
        usual = group != str(key) and isinstance(name, str) and "@" not in group
        if not usual or group in (*DIFFERENCES, *chosen):
            raise UnusualError
        chosen[group] = name
    return chosen
