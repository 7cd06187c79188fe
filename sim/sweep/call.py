"""Sweeps from Python: scenarios at hand instead of a command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import InputError, nearest
from sim.evidence import Ledger, load_ledger
from sim.plain import digest
from sim.scenario import Scenario
from sim.store import writable
from sim.sweep.claims import read_shard
from sim.sweep.conduct import OnFailure, read_conduct, read_option
from sim.sweep.designs import Design, read_design
from sim.sweep.factors import options
from sim.sweep.folder import make_folder
from sim.sweep.keep import Keep
from sim.sweep.layout import lay_out
from sim.sweep.plan import Choices, Outer, Request
from sim.sweep.results import Sweep
from sim.sweep.runner import execute

GROUP = "scenario"
"""What chooses among the scenarios given."""


def sweep(
    scenario: Scenario | Sequence[Scenario],
    design: Design | Mapping[str, Any] | str = "none",
    *,
    keep: Keep | str = Keep.SUMMARY,
    folder: str | Path = "sweeps",
    workers: int | None = None,
    shard: str = "1/1",
    on_failure: OnFailure | str = OnFailure.GO_ON,
    retry: bool = False,
    progress: bool = True,
    ledger: Ledger | None = None,
) -> Sweep:
    """Compute the cells of a sweep that are not stored yet.

    Parameters
    ----------
    scenario : one, or several that the design visits one after the other, unless it has a factor
        ``scenario`` that says which.
    design : ``sim.sweep.Grid`` and the like, their settings as a mapping, or the name of a shipped
        one.
    keep : what is stored of a cell: ``summary``, ``paths``, ``replicates`` or ``trajectories``.
    folder : where sweeps stand; each has a folder of its own there.
    workers : processes; as many as there are cores, if not given.
    shard : which part to compute, such as ``3/16``.
    on_failure : ``go_on`` or ``stop``.
    retry : whether cells that failed are computed once more.
    progress : whether a terminal shows a bar.
    ledger : evidence behind the scenarios; the package's own by default.

    Raises
    ------
    InputError
        All that is wrong with the design or any cell, before the first is computed; or another
        process is at work on it; or something has changed since the sweep began.
    """
    root = writable(folder)
    given = [scenario] if isinstance(scenario, Scenario) else list(scenario)
    facts = ledger or load_ledger()
    source = Given(_named(given), facts)
    points = read_design(design)
    one_by_one = len(given) > 1 and not options(points.over, source.is_group)
    request = Request(
        source=source,
        design=points,
        outer=[Outer({GROUP: name}) for name in source.scenarios] if one_by_one else [Outer()],
        keep=read_option(Keep, keep, "keep"),
        words=tuple(digest(one) for one in given),
    )
    conduct = read_conduct(workers, read_shard(shard), on_failure, retry, progress)
    plan = lay_out(request)
    place = make_folder(plan, root)
    execute(plan, place, conduct)
    return Sweep(place)


@dataclass(frozen=True)
class Given:
    """Scenarios at hand, by name."""

    scenarios: Mapping[str, Scenario]
    ledger: Ledger

    def compose(self, choices: Choices) -> Scenario:
        """One of them."""
        name = choices.get(GROUP, next(iter(self.scenarios)))
        if name not in self.scenarios:
            raise InputError(f"scenario '{name}' is not given{nearest(name, self.scenarios)}")
        return self.scenarios[name]

    def is_group(self, name: str) -> bool:
        """Whether a name chooses among scenarios."""
        return name == GROUP


def _named(scenarios: Sequence[Scenario]) -> dict[str, Scenario]:
    if not scenarios:
        raise InputError("sweep: no scenario")
    found = {scenario.name: scenario for scenario in scenarios}
    if len(found) < len(scenarios):
        raise InputError("sweep: two scenarios have the same name; rename one with 'replace'")
    return found
