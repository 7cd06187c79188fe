"""Designs: which points of the space of factors a sweep visits.

A design is a matrix in the unit cube, one row a cell and one column a factor; ``sim.sweep.factors``
says what a coordinate between 0 and 1 means for each factor.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Protocol

import numpy as np
import yaml

from sim.axes import FloatArray
from sim.errors import InputError, nearest
from sim.places import CONFIG_DIR

Over = tuple[str | Mapping[str, Any], ...]
"""Factors as written: paths, words such as ``disputed``, or mappings; see ``sim.sweep.factors``."""


class Design(Protocol):
    """What all designs have in common."""

    @property
    def over(self) -> Over:
        """Factors as written."""

    def matrix(self, sizes: Sequence[int | None]) -> FloatArray:
        """Points in the unit cube, (cell, factor).

        Parameters
        ----------
        sizes : number of values of each factor, None for one with a range.
        """


@dataclass(frozen=True, kw_only=True)
class Single:
    """One cell, or one for each combination that the command line lists."""

    over: Over = ()

    def matrix(self, sizes: Sequence[int | None]) -> FloatArray:
        """One point without factors."""
        if sizes:
            raise InputError(
                "sweep.over: needs a design: grid, list, latin_hypercube, sobol, morris"
            )
        return np.empty((1, 0))


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every combination of the values of each factor; a range gives ``points`` from end to end."""

    over: Over
    points: int = 5

    def matrix(self, sizes: Sequence[int | None]) -> FloatArray:
        """All combinations, the last factor fastest."""
        at_least("points", self.points, 1)
        _some(sizes)
        ends = np.linspace(0.0, 1.0, self.points) if self.points > 1 else np.array([0.5])
        columns = [ends if size is None else _middles(size) for size in sizes]
        return np.array(list(product(*columns))).reshape(-1, len(sizes))


@dataclass(frozen=True, kw_only=True)
class Zipped:
    """The first value of each factor, then the second of each, and so on (design ``list``)."""

    over: Over

    def matrix(self, sizes: Sequence[int | None]) -> FloatArray:
        """One point for each place in the lists."""
        _some(sizes)
        if None in sizes:
            raise InputError("sweep.over: a list design needs 'values' for every factor")
        if len(set(sizes)) > 1:
            counts = ", ".join(map(str, sizes))
            raise InputError(f"sweep.over: a list design needs as many values of each ({counts})")
        columns = [_middles(size) for size in sizes if size is not None]
        return np.array(columns).T


@dataclass(frozen=True, kw_only=True)
class LatinHypercube:
    """Space-filling: each of ``samples`` equal parts of each range is visited once (SciPy)."""

    over: Over
    samples: int = 64
    seed: int = 1

    def matrix(self, sizes: Sequence[int | None]) -> FloatArray:
        """``samples`` points."""
        from scipy.stats import qmc

        at_least("samples", self.samples, 1)
        at_least("seed", self.seed, 0)
        _some(sizes)
        rng = np.random.default_rng(self.seed)
        return np.asarray(qmc.LatinHypercube(len(sizes), rng=rng).random(self.samples))


@dataclass(frozen=True, kw_only=True)
class Sobol:
    """Saltelli's sample for Sobol indices: ``samples`` times (factors + 2) points (SALib).

    With ``second_order`` 2 factors + 2. ``samples`` is a power of 2.
    """

    over: Over
    samples: int = 16
    second_order: bool = False
    seed: int = 1

    def matrix(self, sizes: Sequence[int | None]) -> FloatArray:
        """The points in the order that the analysis expects."""
        from SALib.sample import sobol

        at_least("samples", self.samples, 1)
        if not math.log2(self.samples).is_integer():
            raise InputError(f"sweep.samples: must be a power of 2, not {self.samples}")
        at_least("seed", self.seed, 0)
        _some(sizes)
        points = sobol.sample(
            problem(len(sizes)),
            self.samples,
            calc_second_order=self.second_order,
            seed=self.seed,
        )
        return np.asarray(points)


@dataclass(frozen=True, kw_only=True)
class Morris:
    """Elementary effects: ``samples`` trajectories of (factors + 1) points (SALib)."""

    over: Over
    samples: int = 8
    levels: int = 4
    seed: int = 1

    def matrix(self, sizes: Sequence[int | None]) -> FloatArray:
        """The points in the order that the analysis expects."""
        from SALib.sample import morris

        at_least("samples", self.samples, 1)
        at_least("levels", self.levels, 2)
        if self.levels % 2:
            raise InputError(f"sweep.levels: must be even, not {self.levels}")
        at_least("seed", self.seed, 0)
        _some(sizes)
        points = morris.sample(
            problem(len(sizes)), self.samples, num_levels=self.levels, seed=self.seed
        )
        return np.asarray(points)


DESIGNS: Final[Mapping[str, type[Any]]] = {
    "none": Single,
    "grid": Grid,
    "list": Zipped,
    "latin_hypercube": LatinHypercube,
    "sobol": Sobol,
    "morris": Morris,
}
"""Designs by the name that a configuration gives them."""


def read_design(given: Design | Mapping[str, Any] | str) -> Design:
    """Design from its settings, or by the name of a shipped one.

    Parameters
    ----------
    given : a design; its settings, such as ``{"design": "grid", "over": [...], "points": 3}``; or
        the name of a file in the configuration group ``sweep``.

    Raises
    ------
    InputError
        An unknown name or key, a missing key, or a value of the wrong type.
    """
    if isinstance(given, str):
        files = {file.stem: file for file in (CONFIG_DIR / "sweep").glob("*.yaml")}
        if given not in files:
            raise InputError(f"sweep: unknown design '{given}'{nearest(given, files)}")
        settings: dict[str, Any] = yaml.safe_load(files[given].read_text(encoding="utf-8"))
    elif isinstance(given, Mapping):
        settings = dict(given)
    elif type(given) in DESIGNS.values():
        return given
    else:
        raise InputError(f"sweep: {given!r} is neither a design, nor its settings or name")
    name = settings.pop("design", None)
    if not isinstance(name, str) or name not in DESIGNS:
        raise InputError(f"sweep.design: unknown '{name}'{nearest(str(name), DESIGNS)}")
    kind = DESIGNS[name]
    fields = {item.name: item for item in dataclasses.fields(kind)}
    for key, value in settings.items():
        if key not in fields:
            raise InputError(f"sweep.{key}: a {name} design has no such key{nearest(key, fields)}")
        wanted = fields[key].type
        if wanted in ("int", "bool") and type(value).__name__ != wanted:
            what = {"int": "a whole number", "bool": "true or false"}[wanted]
            raise InputError(f"sweep.{key}: must be {what}, not {value!r}")
    if "over" not in settings and name != "none":
        raise InputError("sweep.over: missing; name what varies")
    over = settings.get("over", ())
    check_over(over)
    settings["over"] = tuple(over)
    found: Design = kind(**settings)
    return found


def check_over(over: Any) -> None:
    """Refuse factors that are not written as a list."""
    if isinstance(over, str) or not isinstance(over, Sequence):
        raise InputError(f"sweep.over: must be a list of parameters, not {over!r}")


def problem(factors: int) -> dict[str, Any]:
    """Factors in the form of SALib: numbered, each between 0 and 1."""
    return {
        "num_vars": factors,
        "names": [f"x{number}" for number in range(factors)],
        "bounds": [[0.0, 1.0]] * factors,
    }


def name_of(design: Design) -> str:
    """Name that a configuration gives a design."""
    return next(name for name, kind in DESIGNS.items() if type(design) is kind)


def at_least(key: str, number: int, least: int) -> None:
    """Refuse a number that is too small."""
    if number < least:
        raise InputError(f"sweep.{key}: must be at least {least}, not {number}")


def _some(sizes: Sequence[int | None]) -> None:
    if not sizes:
        raise InputError("sweep.over: nothing to vary; name parameters, or a word like 'disputed'")


def _middles(size: int) -> FloatArray:
    """Coordinates in the middle of equal parts, one for each value of a list."""
    return (np.arange(size) + 0.5) / size
