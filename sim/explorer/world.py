"""The world that a reader of the page has made, and how the page asks for another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shiny import Inputs, reactive

from sim.errors import InputError, MultivectorError, nearest
from sim.explorer.dials import Dial, dials, moved
from sim.explorer.stage import Beside, Ensembles, Request, Stage


class World:
    """Reactive values of one reader's page.

    Attributes
    ----------
    stage : both worlds; stays as it was while what is asked for cannot be.
    changes : counts the steps and rebuildings of the stage.
    problem : what is wrong with what is asked for; empty if nothing is.
    """

    def __init__(self, request: Request, inputs: Inputs, ensembles: Ensembles) -> None:
        """Show what the command asked for."""
        self.first = request
        self._inputs = inputs
        self._ensembles = ensembles
        self.stage = reactive.value(Stage(request, ensembles))
        self.changes = reactive.value(0)
        self.problem = reactive.value("")

    def now(self) -> Stage:
        """The stage, for whatever is to be drawn anew after each step."""
        self.changes()
        return self.stage()

    def dials(self) -> dict[str, Dial]:
        """Dials of the present scenario, by path."""
        stage = self.stage()
        return dials(stage.unmoved, stage.ledger)

    def key(self, path: str) -> str:
        """Name of the slider of a number; another scenario has sliders of its own."""
        return re.sub(r"\W", "_", f"{self.stage().request.name}_{path}")

    def positions(self) -> dict[str, float]:
        """Positions of the sliders that the page shows; of new ones, where the command put them."""
        chosen: tuple[str, ...] = self._inputs["numbers"]() or ()
        given = self.first.moved if self.stage().request.name == self.first.name else {}
        known = self.dials() if given else {}
        found = {}
        for path in chosen:
            value = self._inputs[self.key(path)]
            if value.is_set():
                found[path] = value()
            elif path in given and path in known:
                found[path] = known[path].position(given[path])
        return found

    def asked(self) -> Request:
        """What the inputs ask for.

        Raises
        ------
        InputError
            A number is missing.
        """
        inputs = self._inputs
        stage = self.stage()
        name = inputs["scenario"]()
        same = name == stage.request.name and inputs["mechanism"]() == stage.request.mechanism
        return replace(
            self.first,
            name=name,
            mechanism=inputs["mechanism"](),
            beside=Beside(inputs["beside"]()),
            moved=moved(self.dials(), self.positions()) if same else {},
            seed=_whole(inputs, "seed"),
            replicates=_whole(inputs, "replicates"),
            replicate=_whole(inputs, "replicate"),
        )

    def build(self) -> None:
        """Make the world that is asked for, as far on in time as the present one."""
        try:
            asked = self.asked()
            with reactive.isolate():
                old = self.stage()
            if asked == old.request:
                self.problem.set("")
                return
            new = Stage(asked, self._ensembles)
            new.advance(old.steps)
        except MultivectorError as error:
            self.problem.set(str(error))
            return
        self.problem.set("")
        self.stage.set(new)

    def advance(self, steps: int) -> None:
        """Step the models."""
        with reactive.isolate():
            self.stage().advance(steps)
            self.changes.set(self.changes() + 1)

    def restart(self) -> None:
        """Back to the start of the same world."""
        with reactive.isolate():
            self.stage.set(Stage(self.stage().request, self._ensembles))


def _whole(inputs: Inputs, key: str) -> int:
    value: Any = inputs[key]()
    if value is None or value != int(value):
        raise InputError(f"{key}: must be a whole number")
    return int(value)


def check_moved(request: Request, numbers: Mapping[str, Dial]) -> None:
    """Refuse numbers that the page cannot show.

    Raises
    ------
    InputError
        A number has no range, or lies outside it.
    """
    for path, value in request.moved.items():
        if path not in numbers:
            raise InputError(f"--set {path}: no such number has a range{nearest(path, numbers)}")
        dial = numbers[path]
        if not dial.low <= value <= dial.high:
            raise InputError(
                f"--set {path}: {value:g} lies outside its evidence range, {dial.low:g} to "
                f"{dial.high:g} {dial.unit}"
            )
        if dial.value(value) is None:
            raise InputError(
                f"--set {path}={value:g}: {dial.start:g} is where it is drawn around; leave it out"
            )
