"""What a command line asks of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

from sim.compose import compose_scenario, compose_sweep, config_folders, ledger
from sim.errors import InputError
from sim.evidence import Ledger
from sim.overrides import Override, values_of
from sim.scenario import Scenario
from sim.sweep.claims import Shard, read_shard
from sim.sweep.conduct import Conduct, read_conduct, read_option
from sim.sweep.designs import Design, read_design
from sim.sweep.keep import Keep
from sim.sweep.plan import Choices, Outer, Request
from sim.vary import find

SHARD: Final = "shard"
ALL: Final = "all"
_OPTIONS: Final = ("keep", "dir", "workers", "on_failure", "retry")


@dataclass(frozen=True)
class Command:
    """A sweep as asked for on a command line.

    Attributes
    ----------
    request : what to sweep.
    conduct : how, but for the shard.
    folder : where sweeps stand.
    shards : parts to compute.
    overrides : all options but those of the shards.
    """

    request: Request
    conduct: Conduct
    folder: Path
    shards: tuple[Shard, ...]
    overrides: tuple[str, ...]


def read_command(overrides: Sequence[str], config_dir: str | Path | None = None) -> Command:
    """Read the options of ``multivector sweep``.

    Parameters
    ----------
    overrides : ``sweep=NAME`` and ``sweep.KEY=VALUE`` for the design and how it is carried out,
        ``shard=3/16``, and anything that ``multivector run`` takes, also with several values:
        each is crossed with the design. An interval is a factor of the design.
    config_dir : as in ``sim.load_scenario``.

    Raises
    ------
    InputError
        With the option, what is wrong and the nearest valid name.
    """
    parsed = [Override(text) for text in overrides]
    shards = [override for override in parsed if override.key == SHARD]
    own = [o for o in parsed if o.key == "sweep" or o.key.startswith("sweep.")]
    others = [o for o in parsed if o not in (*shards, *own)]
    settings = compose_sweep([override.text for override in own], config_dir)
    options = {key: settings.pop(key) for key in _OPTIONS}
    source = _Configured(tuple(others), config_dir)
    design = read_design(settings)
    _check_once(design, others)
    intervals = [_interval(override) for override in others if override.is_interval]
    design = replace(design, over=(*design.over, *intervals))  # type: ignore[type-var]
    request = Request(
        source=source,
        design=design,
        outer=list(_outer(source)),
        keep=read_option(Keep, options["keep"], "keep"),
        words=tuple(override.text for override in others),
    )
    conduct = read_conduct(
        options["workers"], on_failure=options["on_failure"], retry=options["retry"]
    )
    return Command(
        request=request,
        conduct=conduct,
        folder=Path(str(options["dir"])).expanduser(),
        shards=tuple(_shards(shards)),
        overrides=tuple(override.text for override in (*own, *others)),
    )


class _Configured:
    """Scenarios composed from configuration files with the options of a command line."""

    def __init__(self, overrides: tuple[Override, ...], config_dir: str | Path | None) -> None:
        self.overrides, self.config_dir = overrides, config_dir
        self.folders = config_folders(config_dir)
        self.ledger: Ledger = ledger(config_dir)

    def compose(self, choices: Choices) -> Scenario:
        """Scenario with options chosen in their place among the others."""
        texts = []
        left = dict(choices)
        for override in self.overrides:
            if override.name in left:
                texts.append(f"{override.name}={left.pop(override.name)}")
            elif not override.is_sweep:
                texts.append(override.text)
        texts += [f"{key}={value}" for key, value in left.items()]
        return compose_scenario(texts, self.config_dir)

    def is_group(self, name: str) -> bool:
        """Whether a name is a configuration group."""
        return any((folder / name).is_dir() for folder in self.folders)


def _outer(source: _Configured) -> Iterator[Outer]:
    """All combinations of the values that the command line lists."""
    several = [o for o in source.overrides if o.is_sweep and not o.is_interval]
    values = [_values(override, source) for override in several]
    group = [bool(o.prefix) or o.is_group(source.folders) for o in several]
    options = [o.name for o, chosen in zip(several, group, strict=True) if chosen]
    listed = [v for v, chosen in zip(values, group, strict=True) if chosen]
    known = None if all(group) else _known(source, options, listed)
    settable = [
        not chosen and (known is None or _settable(known, override.key))
        for override, chosen in zip(several, group, strict=True)
    ]
    for chosen in product(*values):
        choices, settings = {}, {}
        for override, can_be_set, value in zip(several, settable, chosen, strict=True):
            if can_be_set:
                settings[_canonical(known, override.key)] = _literal(override, value)
            else:
                choices[override.name] = value
        yield Outer(choices, settings)


def _check_once(design: Design, overrides: Sequence[Override]) -> None:
    """Refuse an option beside another that lists values of it, or beside a factor of the design."""
    paths = [item.get("path") if isinstance(item, Mapping) else item for item in design.over]
    varied = {_without_value(path) for path in paths if isinstance(path, str)}
    keys = [_without_value(override.key) for override in overrides]
    for override, key in zip(overrides, keys, strict=True):
        if override.is_sweep and keys.count(key) > 1:
            raise InputError(f"option '{override.text}': {override.key} is given twice")
        if key in varied:
            raise InputError(f"option '{override.text}': {override.key} varies in the sweep")


def _without_value(path: str) -> str:
    """Path of a number, however it is written."""
    return ".".join(key for key in path.split(".") if key != "value")


def _values(override: Override, source: _Configured) -> list[str]:
    """Values that an option lists."""
    found = list(values_of(override, source.folders))
    if not found:
        raise InputError(f"option '{override.text}': stands for no value")
    return found


def _known(
    source: _Configured, options: Sequence[str], values: Sequence[Sequence[str]]
) -> Scenario | None:
    """A scenario with options chosen that can be composed, None if there is none."""
    for chosen in product(*values):
        try:
            return source.compose(dict(zip(options, chosen, strict=True)))
        except InputError:  # said for all cells together
            continue
    return None


def _settable(scenario: Scenario, key: str) -> bool:
    """Whether a key can be set on a composed scenario, so that it need not be composed again."""
    try:
        _canonical(scenario, key)
    except InputError:
        return False
    return True


def _canonical(scenario: Scenario | None, key: str) -> str:
    found = None if scenario is None else find(scenario, key)
    return key if found is None else found[0].name(found[1])


def _literal(override: Override, value: str) -> Any:
    """Value of one of several as Hydra reads it."""
    return Override(f"{override.name}={value}").parsed.value()


def _interval(override: Override) -> dict[str, Any]:
    """A factor from ``KEY=interval(low,high)``."""
    ends: Any = override.parsed.value()
    return {"path": override.key, "low": float(ends.start), "high": float(ends.end)}


def _shards(overrides: Sequence[Override]) -> Iterator[Shard]:
    """Parts named by ``shard=3/16``, ``shard=1/2,2/2`` or ``shard=all/16``."""
    if not overrides:
        yield Shard()
        return
    text = overrides[-1].value
    for part in text.split(","):
        first, _, parts = part.partition("/")
        if first == ALL and parts.isdigit() and int(parts) > 0:
            yield from (Shard(number, int(parts)) for number in range(1, int(parts) + 1))
        else:
            yield read_shard(part)
