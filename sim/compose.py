"""Configuration files and overrides in, a checked ``Scenario`` out.

Hydra composes; the gate decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from sim.differences import (
    DIFFERENCES,
    Stamp,
    UnusualError,
    apply,
    difference,
    merge,
    refers,
    stamp,
)
from sim.errors import InputError, nearest
from sim.evidence import Ledger, load_ledger
from sim.gate import build_scenario
from sim.overrides import Override, check_groups, check_single, combinations, user_set
from sim.places import CONFIG_DIR
from sim.scenario import Scenario

CONFIG_NAME: Final = "config"
SWEEP_CONFIG: Final = "sweep_command"
BASELINE: Final = "strategic_balance"
NO_MECHANISM: Final = "none"


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

    Examples
    --------
    >>> scenario = sim.load_scenario("hollow_partner", "powers.eu.budget.value=3", seed=7)
    >>> scenario.story.title, scenario.steps, scenario.powers["eu"].budget.value
    ('Hollow partner', 20, (3.0,))
    """
    given = [f"{key}={_literal(value)}" for key, value in settings.items()]
    return compose_scenario((f"scenario={name}", *overrides, *given), config_dir)


def compose_scenario(overrides: Sequence[str], config_dir: str | Path | None = None) -> Scenario:
    """As ``load_scenario``, from overrides alone (the command line's way in)."""
    folders = config_folders(config_dir)
    parsed = [Override(text) for text in overrides]
    check_single(parsed)
    check_groups(parsed, folders)
    tree, choices = _compose_differences(parsed, folders) or _compose(overrides, folders)
    for group in DIFFERENCES:
        if group in tree:
            raise InputError(
                f"{group}={choices.get(group)}: its file must begin with the line "
                "'# @package _global_'"
            )
    try:
        groups = choices.get("states"), choices.get("powers")
        baseline = _baseline_of(*groups, folders, stamp(folders[:-1]))
        return build_scenario(tree, ledger(config_dir), user_set(parsed), baseline)
    except InputError as error:
        raise InputError(f"{error}{_origin(str(error), tree, parsed, folders)}") from None


def expand(overrides: Sequence[str], config_dir: str | Path | None = None) -> list[list[str]]:
    """Overrides of each run of a multirun: all combinations of the values of its sweeps.

    Parameters
    ----------
    overrides : with sweeps of Hydra's discrete grammar, such as ``"seed=1,2"``,
        ``"replicates=range(10,40,10)"`` or ``"scenario=glob(rails*)"``.
    config_dir : as in ``load_scenario``; a glob also finds what is there.
    """
    return combinations(overrides, config_folders(config_dir))


def compose_sweep(overrides: Sequence[str], config_dir: str | Path | None = None) -> dict[str, Any]:
    """The ``sweep`` part of a sweep's command line: design, what is kept, how it is carried out."""
    folders = config_folders(config_dir)
    parsed = [Override(text) for text in overrides]
    for override in parsed:
        if override.is_sweep:
            raise InputError(f"option '{override.text}': a sweep has one design; give one value")
    check_single(parsed)
    check_groups(parsed, folders)
    tree, _ = _compose(overrides, folders, SWEEP_CONFIG)
    found: dict[str, Any] = tree["sweep"]
    return found


def ledger(config_dir: str | Path | None = None) -> Ledger:
    """Evidence ledger, with the facts of a folder of one's own where it has any."""
    if config_dir is None:
        return load_ledger()
    own = Path(config_dir).resolve() / "evidence"
    return load_ledger((own,)) if own.is_dir() else load_ledger()


def list_scenarios(config_dir: str | Path | None = None) -> dict[str, str]:
    """Name, title and first sentence of every scenario that can be run, the baseline first.

    Examples
    --------
    >>> sim.list_scenarios()["closed_door"]
    'Closed door: Russia closes its labour market in 2026'
    """
    found = {BASELINE: ""}
    for folder in reversed(config_folders(config_dir)):
        for path in sorted((folder / "scenario").glob("*.yaml")):
            found[path.stem] = _title(path)
    return found


@lru_cache(maxsize=1)
def _baseline() -> Scenario:
    composed = _compose_differences((), config_folders(None))
    assert composed is not None
    return build_scenario(composed[0], load_ledger())


@lru_cache(maxsize=8)
def _baseline_of(
    states: str | None, powers: str | None, folders: tuple[Path, ...], _stamp: Stamp
) -> Scenario:
    """The shipped baseline with other states and powers.

    A power that is described only together with a scenario is not known to it.
    """
    shipped = _baseline()
    groups = [f"{group}={name}" for group, name in (("states", states), ("powers", powers)) if name]
    try:
        parsed = [Override(text) for text in groups]
        tree, _ = _compose_differences(parsed, folders) or _compose(groups, folders)
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


def config_folders(config_dir: str | Path | None) -> tuple[Path, ...]:
    """Folders that configurations are looked for in: one's own, and the shipped one last.

    Raises
    ------
    InputError
        When there is no such folder, or a file in it has the name of a shipped one.
    """
    if config_dir is None:
        return (CONFIG_DIR,)
    own = Path(config_dir).resolve()
    if not own.is_dir():
        raise InputError(f"--config-dir: no folder {config_dir}")
    for path in sorted(own.rglob("*.yaml")):  # Hydra would take the shipped one unasked
        if (CONFIG_DIR / path.relative_to(own)).exists():
            raise InputError(f"{path}: a shipped file has this name; give it another")
    return (own, CONFIG_DIR)


@contextmanager
def hydra_on(folders: Sequence[Path]) -> Iterator[list[str]]:
    """Hydra on folders of configurations; gives the overrides that make it search them all.

    A Hydra application that calls us is left as found.
    """
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(folders[-1]), version_base="1.3"):
            yield [f"hydra.searchpath=[file://{folder}]" for folder in folders[:-1]]
    finally:
        GlobalHydra.instance().hydra = outer


def _compose_differences(
    overrides: Sequence[Override], folders: tuple[Path, ...]
) -> tuple[dict[str, Any], dict[str, str]] | None:
    """As ``_compose``, with what scenarios share composed once; None where that does not do."""
    groups = [override for override in overrides if override.is_group(folders)]
    if any(group.prefix or "@" in group.text for group in groups):
        return None
    asked = {"scenario": BASELINE, "mechanism": NO_MECHANISM}
    asked |= {group.key: group.value for group in groups}
    own = [override for override in overrides if override not in groups]
    try:
        files = [difference(group, asked[group], folders) for group in DIFFERENCES]
        if refers(stamp(folders[:-1])):
            return None
        chosen = {group: name for choices, _ in files for group, name in choices.items()}
        chosen |= {group: name for group, name in asked.items() if group not in DIFFERENCES}
        shared = tuple(f"{group}={name}" for group, name in chosen.items())
        tree, choices = _compose_shared(shared, folders, stamp(folders))
        for _, content in files:
            tree = merge(tree, content)
        return apply(tree, own), {**choices, **asked}
    except (UnusualError, InputError):  # Hydra says what is wrong
        return None


@lru_cache(maxsize=16)
def _compose_shared(
    groups: tuple[str, ...], folders: tuple[Path, ...], _stamp: Stamp
) -> tuple[dict[str, Any], dict[str, str]]:
    return _compose([*groups, *(f"~{name}" for name in DIFFERENCES)], folders)


def _compose(
    overrides: Sequence[str], folders: tuple[Path, ...], name: str = CONFIG_NAME
) -> tuple[dict[str, Any], dict[str, str]]:
    """Compose with Hydra: plain nested dictionaries, and the option chosen in each group."""
    from hydra import compose
    from hydra.errors import HydraException
    from omegaconf import OmegaConf, open_dict
    from omegaconf.errors import OmegaConfBaseException

    try:
        with hydra_on(folders) as search:
            config = compose(name, overrides=[*search, *overrides], return_hydra_config=True)
        choices = dict(config.hydra.runtime.choices)
        with open_dict(config):
            del config["hydra"]
        tree = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except yaml.YAMLError as error:
        raise _yaml_error(error) from None
    except UnicodeDecodeError:
        raise InputError(f"{folders[0]}: a configuration file is not UTF-8 text") from None
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, yaml.YAMLError):
                raise _yaml_error(cause) from None
            cause = cause.__cause__
        raise _composition_error(error, overrides, folders, name) from None
    assert isinstance(tree, dict)
    chosen = {str(key): str(name) for key, name in choices.items() if name is not None}
    return {str(key): part for key, part in tree.items()}, chosen


def _yaml_error(error: yaml.YAMLError) -> InputError:
    mark = getattr(error, "problem_mark", None)
    where = f"{mark.name}, line {mark.line + 1}" if mark is not None else "configuration"
    return InputError(f"{where}: {getattr(error, 'problem', None) or error}")


def _composition_error(
    error: Exception, overrides: Sequence[str], folders: tuple[Path, ...], name: str
) -> InputError:
    """Say which override does not fit, and the nearest key that would."""
    groups = [text for text in overrides if Override(text).is_group(folders)]
    values = [text for text in overrides if text not in groups]
    if values:
        known = None
        if name == CONFIG_NAME:
            known = _compose_differences([Override(text) for text in groups], folders)
        tree, _ = known or _compose(groups, folders, name)
        for text in values:
            override = Override(text)
            if override.prefix in ("", "~"):
                missing = _missing_key(tree, override.key)
                if missing is not None:
                    return InputError(f"option '{text}': {missing}")
    return InputError(str(error).splitlines()[0])


def _missing_key(tree: Any, key: str) -> str | None:
    """What is wrong with a dotted key, or None when it exists."""
    path: list[str] = []
    for part in key.split("."):
        if not isinstance(tree, Mapping):
            return f"'{'.'.join(path)}' has no key '{part}'"
        if part not in tree:
            where = f" in '{'.'.join(path)}'" if path else ""
            groups = () if path else DIFFERENCES
            return f"unknown key '{part}'{where}{nearest(part, [*map(str, tree), *groups])}"
        tree = tree[part]
        path.append(part)
    return None


def _origin(
    message: str, tree: Mapping[str, Any], overrides: Sequence[Override], folders: tuple[Path, ...]
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
