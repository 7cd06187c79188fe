"""What the page shows: a world beside another, replicate by replicate and as an ensemble."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import xarray as xr

from sim.analysis.compare import baseline_of
from sim.compose import BASELINE, ledger, load_scenario
from sim.errors import InputError
from sim.evidence import Ledger
from sim.mechanism import PLAIN
from sim.model import PartnershipModel
from sim.plain import digest
from sim.scenario import Scenario
from sim.sources import numbers_set
from sim.store import Run, labelled, run
from sim.vary import vary

MOST_REPLICATES: Final = 2000
"""Replicates that a page computes without making its reader wait for long."""
REPLICATES: Final = 100
"""Replicates of the ensemble, if nothing else is asked for."""
KEPT: Final = 8
"""Ensembles that a page remembers."""
_ON_THE_PAGE: Final = ("seed", "replicates", "mechanism")
"""Options that the page has inputs for."""
_ELSEWHERE: Final = {
    "scenario": "name the scenario alone, without scenario=",
    "outcomes": "the page shows all outcomes",
}


class Beside(StrEnum):
    """What a world is compared with."""

    BASELINE = "baseline"
    UNMOVED = "unmoved"


@dataclass(frozen=True)
class Request:
    """What to show: a scenario with a mechanism, and numbers moved.

    Attributes
    ----------
    name, overrides, config_dir : as in ``sim.load_scenario``.
    mechanism : name of a mechanism, ``none`` for the whole model.
    seed, replicates : of the ensemble. replicate : the one that is stepped.
    moved : numbers by path.
    beside : what to compare with.
    """

    name: str
    overrides: tuple[str, ...] = ()
    config_dir: str | None = None
    mechanism: str = PLAIN
    seed: int = 0
    replicates: int = REPLICATES
    replicate: int = 0
    moved: Mapping[str, float] = field(default_factory=dict)
    beside: Beside = Beside.BASELINE

    def unmoved(self) -> Scenario:
        """The scenario before any number is moved."""
        if not 1 <= self.replicates <= MOST_REPLICATES:
            raise InputError(
                f"replicates: must lie in 1 to {MOST_REPLICATES} on this page, not "
                f"{self.replicates}; sim.run takes more"
            )
        if not 0 <= self.replicate < self.replicates:
            raise InputError(
                f"replicate: must lie in 0 to {self.replicates - 1}, not {self.replicate}"
            )
        return load_scenario(
            self.name,
            *self.overrides,
            *self._switch(),
            replicates=self.replicates,
            seed=self.seed,
            config_dir=self.config_dir,
        )

    def words(self) -> list[str]:
        """Options of a command on the same world, but for the scenario and the replicate."""
        own = [] if self.config_dir is None else ["--config-dir", self.config_dir]
        values = [
            w for path, value in self.moved.items() for w in ("--set", f"{path}={value:.12g}")
        ]
        chance = [f"seed={self.seed}", f"replicates={self.replicates}"]
        return [*self.overrides, *self._switch(), *chance, *values, *own]

    def _switch(self) -> list[str]:
        return [] if self.mechanism == PLAIN else [f"mechanism={self.mechanism}"]

    def commands(self) -> str:
        """Lines for a shell: the same run, and the same page."""
        run = shlex.join(["multivector", "run", f"scenario={self.name}", *self.words()])
        stepped = ["--replicate", str(self.replicate)]
        page = shlex.join(["multivector", "explore", self.name, *self.words(), *stepped])
        return f"{run}\n{page}"


def request_of(
    words: Sequence[str], settings: Sequence[str], replicate: int, config_dir: str | None
) -> Request:
    """What a command line asks for.

    Parameters
    ----------
    words : name of a scenario, if any, and options. settings : such as ``powers.eu.budget=3.1``.

    Raises
    ------
    InputError
        Two scenarios are named, or an option has no place here.
    """
    names = [word for word in words if "=" not in word and not word.startswith("~")]
    if len(names) > 1:
        raise InputError(f"explore: shows one scenario; '{names[1]}' is one too many")
    options = [word for word in words if word not in names]
    given = {key: value for key, _, value in (word.partition("=") for word in options)}
    for key, reason in _ELSEWHERE.items():
        if key in given:
            raise InputError(f"option '{key}={given[key]}': {reason}")
    others = tuple(word for word in options if word.partition("=")[0] not in _ON_THE_PAGE)
    values = numbers_set(settings)
    for path, value in values.items():
        if isinstance(value, str):
            raise InputError(f"--set {path}={value}: must be a number")
    return Request(
        name=names[0] if names else BASELINE,
        overrides=others,
        config_dir=config_dir,
        mechanism=given.get("mechanism", PLAIN),
        seed=_whole("seed", given["seed"]) if "seed" in given else load_scenario().seed,
        replicates=_whole("replicates", given.get("replicates", str(REPLICATES))),
        replicate=replicate,
        moved={path: float(value) for path, value in values.items()},
    )


def _whole(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"option '{key}={text}': must be a whole number") from None


class Side:
    """One of the two worlds: a Mesa model to step, and the ensemble it is a part of."""

    def __init__(
        self, scenario: Scenario, replicate: int, ensemble: Callable[[Scenario], Run]
    ) -> None:
        """Stand at the start."""
        self.scenario = scenario
        self.model = PartnershipModel(scenario, replicate)
        self._ensemble = ensemble

    @property
    def run(self) -> Run:
        """All replicates, computed when first asked for."""
        return self._ensemble(self.scenario)

    def so_far(self) -> tuple[xr.Dataset, xr.Dataset]:
        """Outcomes of the model so far and its stocks now, like ``data`` and ``final`` of a run.

        Before the first step the stocks stand in both.
        """
        model, scenario = self.model, self.scenario
        now = replace(scenario.horizon, end=model.label)
        data, final = labelled(replace(scenario, replicates=1, horizon=now), *model.outcomes())
        return _at_start(final) if model.period == 0 else data, final

    def shown(self, whole: bool) -> tuple[xr.Dataset, xr.Dataset]:
        """The same of all replicates, as far as the model has come, or of the model alone."""
        if not whole:
            return self.so_far()
        run, step = self.run, self.model.period
        if step == self.scenario.steps:
            return run.data, run.final
        stocks = run.data[list(run.final)].isel(period=step).drop_vars("period")
        final = stocks.assign_attrs(run.final.attrs, period=self.model.label)
        return run.data.isel(period=slice(step)) if step else _at_start(final), final


def _at_start(final: xr.Dataset) -> xr.Dataset:
    """Stocks as the only outcomes of the half-year that they start."""
    return final.expand_dims(period=[final.attrs["period"]])


class Stage:
    """A world and what it is compared with, at the same half-year."""

    def __init__(self, request: Request, ensembles: Ensembles) -> None:
        """Compose both and stand at their start.

        Raises
        ------
        InputError
            The request does not make a world.
        """
        self.request = request
        facts = ledger(request.config_dir)
        unmoved = request.unmoved()
        world = vary(unmoved, request.moved, facts)
        other = baseline_of(unmoved) if request.beside is Beside.BASELINE else unmoved
        self.ledger = facts
        self.unmoved = unmoved
        self.here = Side(world, request.replicate, ensembles.of(facts))
        self.there = Side(other, request.replicate, ensembles.of(facts))

    @property
    def steps(self) -> int:
        """Steps simulated so far."""
        return self.here.model.period

    @property
    def over(self) -> bool:
        """Whether the end of the horizon is reached."""
        return self.steps >= self.here.scenario.steps

    def advance(self, steps: int) -> None:
        """Step both models, not beyond the end."""
        for side in (self.here, self.there):
            for _ in range(steps):
                side.model.step()


class Ensembles:
    """Runs of the last scenarios that were asked for."""

    def __init__(self) -> None:
        """Nothing is computed yet."""
        self._runs: dict[str, Run] = {}

    def of(self, facts: Ledger) -> Callable[[Scenario], Run]:
        """Finds or computes the run of a scenario."""

        def find(scenario: Scenario) -> Run:
            key = digest(scenario)
            found = self._runs.pop(key, None) or run(scenario, facts)
            self._runs[key] = found  # the latest stands last
            for old in list(self._runs)[:-KEPT]:
                del self._runs[old]
            return found

        return find
