"""From a request to a plan: all cells found and checked before the first runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

from sim.ensemble import Host
from sim.errors import InputError
from sim.parameters import build
from sim.plain import digest, plain
from sim.scenario import Scenario
from sim.sweep.designs import name_of
from sim.sweep.factors import Factor, options, read_factors
from sim.sweep.keep import kept
from sim.sweep.plan import Base, Cell, Choices, Outer, Plan, Request, axes_of, hash_of, identify
from sim.vary import find, vary

MESSAGES: Final = 10
"""Number of errors of cells that are shown in full."""
SETTINGS: Final = 4
"""Number of settings that are shown with the error of a cell."""
PLAIN: Final = "cells"
"""Name of a sweep without a design."""
HASH_LENGTH: Final = 12
"""Hexadecimal digits of the hash in a folder's name."""


def lay_out(request: Request) -> Plan:
    """Find and check all cells of a sweep.

    Raises
    ------
    InputError
        Something about the design, or all that is wrong with its cells together.
    """
    source = request.source
    first = _first(request)
    beside = {name for outer in request.outer for name in (*outer.choices, *outer.settings)}
    factors = read_factors(request.design.over, first, source.ledger, source.is_group, beside)
    matrix = request.design.matrix(
        [None if factor.values is None else len(factor.values) for factor in factors]
    )
    builder = _Builder(request, factors)
    for outer in request.outer:
        for row in matrix.tolist():
            builder.add(outer, row)
    _refuse(builder.errors)
    identity = identify(source.ledger)
    cells = tuple(builder.cells)
    name, design = name_of(request.design), request.design
    words = [name, request.keep.value, request.words, vars(design)]
    manifest = {
        "name": f"{name if factors else PLAIN}-{hash_of(words)[:HASH_LENGTH]}",
        "design": {"kind": name, **{k: plain(v) for k, v in vars(design).items()}},
        "factors": [_described(factor, first) for factor in factors],
        "request": list(request.words),
        "keep": request.keep.value,
        "outcomes": list(builder.outcomes),
        "cells": len(cells),
        "runs": sum(cell.replicates for cell in cells),
        "axes": builder.axes,
        "content": hash_of([cell.key for cell in cells]),
        **identity,
    }
    return Plan(
        name=manifest["name"],
        keep=request.keep,
        outcomes=builder.outcomes,
        bases=tuple(builder.bases),
        cells=cells,
        manifest=manifest,
    )


class _Builder:
    """Collects cells, and what is wrong with them."""

    def __init__(self, request: Request, factors: Sequence[Factor]) -> None:
        self.request, self.factors = request, factors
        self.identity = hash_of([identify(request.source.ledger), request.keep.value])
        self.bases: list[Base] = []
        self.cells: list[Cell] = []
        self.axes: list[dict[str, list[str]]] = []
        self.outcomes: tuple[str, ...] = ()
        self.errors: list[str] = []
        self._number = 0
        self._known: dict[tuple[tuple[str, str], ...], int | None] = {}

    def add(self, outer: Outer, row: Sequence[float]) -> None:
        """Add the cell at a point of the design."""
        number, self._number = self._number, self._number + 1
        places = list(zip(self.factors, row, strict=True))
        chosen = {f.path: str(f.pick(x)) for f, x in places if f.composed}
        base = self._base({**outer.choices, **chosen})
        if base is None:
            return
        known = self.bases[base].scenario
        settings = dict(outer.settings)
        try:
            for factor, place in places:
                if not factor.composed:
                    settings[factor.path] = factor.at(place, known)
            scenario = vary(known, settings, self.request.source.ledger)
        except InputError as error:
            self.errors.append(f"cell {number} ({_shown(settings, str(error))}): {error}")
            return
        labels = axes_of(scenario)
        key = hash_of([digest(scenario), labels, self.identity])
        if labels not in self.axes:
            self.axes.append(labels)
        place = self.axes.index(labels)
        self.cells.append(Cell(number, base, settings, scenario.replicates, key, place))

    def _base(self, choices: Choices) -> int | None:
        """Place of the scenario with options chosen, None where it cannot be made."""
        asked = tuple(choices.items())
        if asked not in self._known:
            self._known[asked] = None
            try:
                scenario = self.request.source.compose(choices)
                self._keep(scenario)
                host = Host(scenario)
                build(scenario, host.sampler.values(range(1)), host.constants)
            except InputError as error:
                self.errors.append(_of(choices, error))
                return None
            self._known[asked] = len(self.bases)
            self.bases.append(Base({"scenario": scenario.name, **choices}, scenario))
        return self._known[asked]

    def _keep(self, scenario: Scenario) -> None:
        """Note what is kept, and refuse a scenario that keeps something else."""
        outcomes = kept(self.request.keep, scenario.outcomes)
        self.outcomes = self.outcomes or outcomes
        if set(outcomes) != set(self.outcomes):
            raise InputError(
                f"outcomes: keeps {', '.join(outcomes)}, a scenario before it "
                f"{', '.join(self.outcomes)}; all of a sweep keep the same"
            )


def _first(request: Request) -> Scenario:
    """The first scenario of a sweep that can be made.

    Raises
    ------
    InputError
        What is wrong with each, or the first of them, if there is none.
    """
    factors = options(request.design.over, request.source.is_group)
    openings = (
        {**outer.choices, **dict(zip(factors, values, strict=True))}
        for outer in request.outer
        for values in product(*factors.values())
    )
    errors: dict[str, None] = {}
    for choices in openings:
        try:
            return request.source.compose(choices)
        except InputError as error:
            errors[_of(choices, error)] = None
        if len(errors) == MESSAGES:  # each takes a while
            break
    _refuse(list(errors))
    raise InputError("sweep: no values, so that there is nothing to compute")


def _refuse(errors: Sequence[str]) -> None:
    """Raise what was found, if anything."""
    if not errors:
        return
    if len(errors) == 1:
        raise InputError(errors[0])
    shown = [f"  {error}" for error in errors[:MESSAGES]]
    more = len(errors) - len(shown)
    rest = [f"  and {more} more"] if more else []
    raise InputError("\n".join([f"{len(errors)} errors in the cells:", *shown, *rest]))


def _of(choices: Choices, error: InputError) -> str:
    """An error with the options that it comes from."""
    where = ", ".join(f"{key}={value}" for key, value in choices.items())
    return str(error) if where in str(error) else f"{where}: {error}"


def _shown(settings: Mapping[str, Any], error: str) -> str:
    """Settings of a cell with an error: those that it names, or the first."""
    named = {path: value for path, value in settings.items() if path in error} or settings
    shown = [f"{path}={value}" for path, value in list(named.items())[:SETTINGS]]
    return ", ".join([*shown, "…"] if len(shown) < len(settings) else shown)


def _described(factor: Factor, scenario: Scenario) -> dict[str, Any]:
    """A factor for the manifest."""
    if factor.values is not None:
        return {"path": factor.path, "values": [plain(value) for value in factor.values]}
    low, high = factor.ends(scenario)
    found = find(scenario, factor.path)
    unit = found[0].unit if found else ""
    stated = factor.low is not None
    return {"path": factor.path, "low": low, "high": high, "unit": unit, "stated": stated}
