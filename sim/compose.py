"""Configuration files and overrides in, a checked ``Scenario`` out.

Hydra composes; the gate decides. Hydra is imported here only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Final

import yaml

from sim.errors import InputError, nearest
from sim.evidence import Ledger, load_ledger
from sim.gate import UserSet, build_scenario
from sim.quantity import SCALAR
from sim.scenario import Scenario

_PACKAGED: Final = Path(__file__).resolve().parent / "configs"
CONFIG_DIR: Final = _PACKAGED if _PACKAGED.is_dir() else _PACKAGED.parent.parent / "configs"
"""Shipped configurations: inside the installed package, or beside it in a source tree."""
CONFIG_NAME: Final = "config"
BASELINE: Final = "strategic_balance"
_NUMBERS: Final = ("value", "low", "high")


def load_scenario(
    name: str = BASELINE,
    *overrides: str,
    config_dir: str | Path | None = None,
    **settings: Any,
) -> Scenario:
    """Compose and check a scenario.

    Parameters
    ----------
    name : a file of the ``scenario`` group, without its ending.
    overrides : as on the command line, such as ``"powers.eu.budget.value=3.1"`` or ``"states=kz"``.
    config_dir : folder with configuration groups of one's own (and ``evidence/`` for its facts),
        beside the shipped ones; its files have names of their own.
    settings : top-level values by name, such as ``replicates=1000, seed=7``.

    Raises
    ------
    InputError
        With the key or file, what is wrong and the nearest valid name.
    """
    given = [f"{key}={_literal(value)}" for key, value in settings.items()]
    return compose_scenario((f"scenario={name}", *overrides, *given), config_dir)


def compose_scenario(overrides: Sequence[str], config_dir: str | Path | None = None) -> Scenario:
    """As ``load_scenario``, from overrides alone (the command line's way in)."""
    folders = _folders(config_dir)
    parsed = [_parse(text) for text in overrides]
    _check_groups(parsed, folders)
    tree, choices = _compose(overrides, folders)
    for group in ("scenario", "mechanism"):
        if group in tree:
            raise InputError(
                f"{group}={choices.get(group)}: its file must begin with the line "
                "'# @package _global_'"
            )
    try:
        baseline = _baseline_of(choices.get("states"), choices.get("powers"), folders)
        return build_scenario(tree, ledger(config_dir), _user_set(parsed), baseline)
    except InputError as error:
        raise InputError(f"{error}{_origin(str(error), tree, parsed, folders)}") from None


def expand(overrides: Sequence[str]) -> list[list[str]]:
    """Overrides of each run of a multirun: all combinations of the values separated by commas."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    choices = []
    for text in overrides:
        _parse(text)
        override = OverridesParser.create().parse_override(text)
        values = [text]
        if override.is_sweep_override():
            try:
                key = override.get_key_element()
                values = [f"{key}={value}" for value in override.sweep_string_iterator()]
            except HydraException as error:
                raise InputError(f"option '{text}': {error}") from None
        choices.append(values)
    return [list(chosen) for chosen in product(*choices)]


def ledger(config_dir: str | Path | None = None) -> Ledger:
    """Evidence ledger, with the facts of a folder of one's own where it has any."""
    if config_dir is None:
        return load_ledger()
    own = Path(config_dir).resolve() / "evidence"
    return load_ledger((own,)) if own.is_dir() else load_ledger()


def list_scenarios(config_dir: str | Path | None = None) -> dict[str, str]:
    """Name, title and first sentence of every scenario that can be run, the baseline first."""
    found = {BASELINE: ""}
    for folder in reversed(_folders(config_dir)):
        for path in sorted((folder / "scenario").glob("*.yaml")):
            found[path.stem] = _title(path)
    return found


@lru_cache(maxsize=1)
def _baseline() -> Scenario:
    return build_scenario(_compose((), _folders(None))[0], load_ledger())


@lru_cache(maxsize=8)
def _baseline_of(states: str | None, powers: str | None, folders: tuple[Path, ...]) -> Scenario:
    """The shipped baseline with other states and powers.

    A power that is described only together with a scenario is not known to it.
    """
    shipped = _baseline()
    groups = [f"{group}={name}" for group, name in (("states", states), ("powers", powers)) if name]
    try:
        tree, _ = _compose(groups, folders)
        found = build_scenario(
            tree, ledger(folders[0] if len(folders) > 1 else None), None, shipped
        )
    except InputError:
        return shipped
    return shipped if found == replace(shipped, baseline=shipped) else found


def _title(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:  # a file, so that errors name it
            content = yaml.safe_load(file)
    except yaml.YAMLError as error:
        raise _yaml_error(error) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    story = content.get("story") if isinstance(content, dict) else None
    if not isinstance(story, dict):
        return ""
    sentence = " ".join(str(story.get("text", "")).split()).split(". ")[0].rstrip(".")
    return ": ".join(part for part in (str(story.get("title", "")), sentence) if part)


def _folders(config_dir: str | Path | None) -> tuple[Path, ...]:
    if config_dir is None:
        return (CONFIG_DIR,)
    own = Path(config_dir).resolve()
    if not own.is_dir():
        raise InputError(f"--config-dir: no folder {config_dir}")
    for path in sorted(own.rglob("*.yaml")):  # Hydra would take the shipped one unasked
        if (CONFIG_DIR / path.relative_to(own)).exists():
            raise InputError(f"{path}: a shipped file has this name; give it another")
    return (own, CONFIG_DIR)


def _compose(
    overrides: Sequence[str], folders: tuple[Path, ...]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Compose with Hydra: plain nested dictionaries, and the option chosen in each group."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf, open_dict
    from omegaconf.errors import OmegaConfBaseException

    search = [f"hydra.searchpath=[file://{folder}]" for folder in folders[:-1]]
    outer = GlobalHydra.instance().hydra  # of a Hydra application that calls us
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(folders[-1]), version_base="1.3"):
            config = compose(CONFIG_NAME, overrides=[*search, *overrides], return_hydra_config=True)
        choices = dict(config.hydra.runtime.choices)
        with open_dict(config):
            del config["hydra"]
        tree = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except yaml.YAMLError as error:
        raise _yaml_error(error) from None
    except UnicodeDecodeError:
        raise InputError(f"{folders[0]}: a configuration file is not UTF-8 text") from None
    except (HydraException, OmegaConfBaseException) as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, yaml.YAMLError):
                raise _yaml_error(cause) from None
            cause = cause.__cause__
        raise _composition_error(error, overrides, folders) from None
    finally:
        GlobalHydra.instance().hydra = outer
    assert isinstance(tree, dict)
    chosen = {str(key): str(name) for key, name in choices.items() if name is not None}
    return {str(key): part for key, part in tree.items()}, chosen


def _yaml_error(error: yaml.YAMLError) -> InputError:
    mark = getattr(error, "problem_mark", None)
    where = f"{mark.name}, line {mark.line + 1}" if mark is not None else "configuration"
    return InputError(f"{where}: {getattr(error, 'problem', None) or error}")


def _composition_error(
    error: Exception, overrides: Sequence[str], folders: tuple[Path, ...]
) -> InputError:
    """Say which override does not fit, and the nearest key that would."""
    groups = [text for text in overrides if _parse(text).is_group(folders)]
    values = [text for text in overrides if text not in groups]
    if values:
        tree, _ = _compose(groups, folders)
        for text in values:
            override = _parse(text)
            if override.prefix in ("", "~"):
                missing = _missing_key(tree, override.key)
                if missing is not None:
                    return InputError(f"option '{text}': {missing}")
    message = str(error).splitlines()[0]
    if message.startswith("Ambiguous value"):
        message += ": several values are several runs, with -m"
    return InputError(message)


def _missing_key(tree: Any, key: str) -> str | None:
    """What is wrong with a dotted key, or None when it exists."""
    path: list[str] = []
    for part in key.split("."):
        if not isinstance(tree, Mapping):
            return f"'{'.'.join(path)}' has no key '{part}'"
        if part not in tree:
            where = f" in '{'.'.join(path)}'" if path else ""
            return f"unknown key '{part}'{where}{nearest(part, map(str, tree))}"
        tree = tree[part]
        path.append(part)
    return None


class _Override:
    """One override as typed: prefix (``+``, ``++``, ``~`` or none), key and value.

    ``entries`` are the keys of a value that is a mapping.
    """

    def __init__(self, prefix: str, key: str, value: str, entries: tuple[str, ...]) -> None:
        self.prefix, self.key, self.value, self.entries = prefix, key, value, entries

    def is_group(self, folders: tuple[Path, ...]) -> bool:
        """Whether the key names a configuration group rather than a value."""
        return any((folder / self.key).is_dir() for folder in folders)


def _parse(text: str) -> _Override:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        content = OverridesParser.create().parse_override(text).value()
    except HydraException:
        raise InputError(f"option '{text}': not of the form key=value") from None
    entries = tuple(map(str, content)) if isinstance(content, Mapping) else ()
    prefix = text[: len(text) - len(text.lstrip("+~"))]
    key, _, value = text[len(prefix) :].partition("=")
    return _Override(prefix, key.split("@")[0], value, entries)


def _check_groups(overrides: Sequence[_Override], folders: tuple[Path, ...]) -> None:
    """Refuse an option of a group that no file stands for, such as an unknown scenario."""
    for override in overrides:
        if not override.is_group(folders) or override.prefix == "~":
            continue
        options = {
            path.stem for folder in folders for path in (folder / override.key).glob("*.yaml")
        }
        if override.value not in options:
            hint = nearest(override.value or "", options)
            text = f"{override.key}={override.value}"
            raise InputError(f"{text}: unknown {override.key} '{override.value}'{hint}")


def _user_set(overrides: Sequence[_Override]) -> UserSet:
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


def _origin(
    message: str, tree: Mapping[str, Any], overrides: Sequence[_Override], folders: tuple[Path, ...]
) -> str:
    """The file behind a key that the gate refused, unless the command line set it."""
    key = message.partition(":")[0]
    if any(key.startswith(o.key) or o.key.startswith(key) for o in overrides):
        return ""
    for folder in folders:
        for path, content in _files(folder):
            if _missing_key(content, key) is None and _missing_key(tree, key) is None:
                return f" [{path.relative_to(folder.parent)}]"
    return ""


def _files(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Configuration files with their content as it stands in the composed tree."""
    for path in sorted(folder.rglob("*.yaml")):
        try:
            text = path.read_text(encoding="utf-8")
            content = yaml.safe_load(text)
        except (OSError, yaml.YAMLError):
            continue
        placed = "_global_" in text or path.parent == folder
        yield path, content if placed else {path.parent.name: content}


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
