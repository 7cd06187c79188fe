"""Which number matters: the variance of a result, split over the evidence, chance and theory.

Every drawn number of a scenario is a factor with the distribution that runs draw it from; so are
**chance** (the noise of the replicates: choices, deliveries, events) and **theory** (which of some
scenarios with other mechanisms is run). One point of the design is one column of the ensemble, so
that hundreds of factors take minutes, not days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tqdm import tqdm

from sim.analysis.cells import as_run, check_complete
from sim.analysis.measure import Measure, Target, keeping, read_question
from sim.analysis.origin import Result, changes_since, origin_of
from sim.analysis.ranking import (
    CHANCE,
    EVIDENCE,
    THEORY,
    first_text,
    ranked,
    ranking_text,
    split_text,
)
from sim.analysis.saltelli import Design, indices
from sim.analysis.words import listing, number
from sim.axes import FloatArray, IntArray
from sim.columns import Points
from sim.draws import HALF_ULP
from sim.errors import InputError
from sim.evidence import Ledger, load_ledger
from sim.scenario import Scenario
from sim.store import labelled
from sim.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

SAMPLES: Final = 256
"""Base samples behind the ranking."""
SPLIT_SAMPLES: Final = 1024
"""Base samples behind the split, which has three factors only."""
NOISES: Final = 1024
"""Replicates whose noise chance picks from."""
DELAY: Final = 1.0
"""Seconds before a progress bar shows."""


@dataclass(frozen=True)
class Sensitivity:
    """What the variance of one number, or of whether something comes true, is made of.

    Attributes
    ----------
    name, question, unit : of what, and what was asked.
    ranking : what ``table`` returns.
    split : the same for evidence as a whole, chance and theory; empty for a stored sweep.
    mean, deviation : of the number over the whole design, in ``unit``.
    samples : base samples of the ranking. runs : columns or cells behind it.
    theories : names of the scenarios that theory picks from.
    """

    name: str
    question: str
    unit: str
    ranking: pd.DataFrame
    split: pd.DataFrame
    mean: float
    deviation: float
    samples: int
    runs: int
    theories: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """Factors by their total index: which number should be pinned down first.

        Returns
        -------
        Columns ``factor``, ``kind`` (evidence, chance, theory), ``first`` and ``total`` index with
        half-widths ``first_interval`` and ``total_interval`` of their 90 % intervals, and for
        numbers ``value, low, high, unit, disputed``, ids of ``facts``, their ``sources``,
        ``conflicts`` (disagreeing facts with figure and source) and ``assumption``.
        """
        return self.ranking.copy()

    def text(self) -> str:
        """For a terminal: the split, then the numbers to pin down first."""
        unit = "" if self.unit in ("", "1") else f" {self.unit}"
        lines = [
            f"{self.question} · {self.name}: mean {number(self.mean)}, standard deviation "
            f"{number(self.deviation)}{unit}",
            *self.notes,
        ]
        if self.deviation == 0:
            return "\n".join([*lines, "It does not vary: there is nothing to explain."])
        if not self.split.empty:
            lines += ["", *split_text(self.split, self.theories)]
        lines += ["", f"Share of the variance ({self.runs} runs, {self.samples} base samples):", ""]
        return "\n".join([*lines, *ranking_text(self.ranking), "", *first_text(self.ranking)])


def sensitivity(
    result: Result,
    question: str,
    *,
    theories: Mapping[str, Scenario] | None = None,
    samples: int = SAMPLES,
    split_samples: int = SPLIT_SAMPLES,
    seed: int = 1,
    cell: int | None = None,
    ledger: Ledger | None = None,
) -> Sensitivity:
    """Sobol indices of every drawn number, of chance and of theory.

    Parameters
    ----------
    result : a run, a scenario, a cell of a sweep; or a sweep of design ``sobol`` without ``cell``,
        whose stored cells are analysed.
    question : a measure, ``"alignment.UZ.EU at 2032H1"``, or a target, ``"autonomy.KG > 0.5"``.
    theories : scenarios beside the result's own among which theory picks, by name, such as the
        same with mechanisms switched off (``sim.mechanisms``).
    samples, split_samples : base samples of the ranking and of the split, powers of 2.
    seed : of the design.
    ledger : facts behind the numbers; the package's own by default.

    Raises
    ------
    InputError
        The question is not understood, nothing is drawn, or a stored design is incomplete.

    Examples
    --------
    >>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2027H1", replicates=20)
    >>> found = sim.sensitivity(scenario, "influence.RU", samples=2, split_samples=2)
    >>> found.split["factor"].tolist(), round(found.mean, 1)
    (['evidence', 'chance'], 0.6)
    """
    facts = ledger or load_ledger()
    if isinstance(result, Sweep) and cell is None and _kind(result) == "sobol":
        return _of_sweep(result, question, facts)
    origin = origin_of(result, cell)
    changes = changes_since(origin, facts)
    asked = read_question(question, origin.scenario)
    theories = {} if theories is None else theories
    if not isinstance(theories, Mapping) or not all(
        isinstance(scenario, Scenario) for scenario in theories.values()
    ):
        raise InputError("theories: must be scenarios by name, as sim.mechanisms gives them")
    model = _Model([origin.scenario, *theories.values()], asked)
    whole_ranking = model.indices(samples, seed, [(n,) for n in range(len(model.factors))])
    whole = list(range(len(model.names)))
    rest = [(n,) for n in range(len(model.names), len(model.factors))]
    split = model.indices(split_samples, seed, [tuple(whole), *rest])
    table = whole_ranking.table.assign(factor=list(model.factors))
    kinds = [EVIDENCE, *model.factors[len(model.names) :]]
    return Sensitivity(
        name=origin.name,
        question=asked.name,
        unit=_unit(asked, "runs"),
        ranking=ranked(table, origin.scenario, facts),
        split=split.table.assign(factor=kinds),
        mean=split.mean,
        deviation=split.deviation,
        samples=samples,
        runs=whole_ranking.points,
        theories=("as it is", *theories),
        notes=(f"Since it was stored, {listing(changes)}.",) if changes else (),
    )


@dataclass(frozen=True)
class _Found:
    """Indices of one design, and what its outputs were."""

    table: pd.DataFrame
    mean: float
    deviation: float
    points: int


class _Model:
    """The answer to a question as a function of evidence, chance and theory."""

    def __init__(self, scenarios: Sequence[Scenario], asked: Measure | Target) -> None:
        measure = asked.measure if isinstance(asked, Target) else asked
        self.asked = asked
        self.scenarios = [replace(s, outcomes=keeping(s, measure)) for s in scenarios]
        self.points = [Points(scenario) for scenario in self.scenarios]
        names = dict.fromkeys(name for points in self.points for name in points.names)
        self.names = tuple(names)
        if not self.names:
            raise InputError("sensitivity: nothing is drawn (uncertainty=none, or all is set)")
        more = (CHANCE, THEORY) if len(scenarios) > 1 else (CHANCE,)
        self.factors = (*self.names, *more)

    def indices(self, samples: int, seed: int, groups: Sequence[tuple[int, ...]]) -> _Found:
        """Sobol indices of groups of the factors."""
        design = Design(tuple(groups), samples, seed)
        with tqdm(total=design.points, unit="run", delay=DELAY, disable=None) as progress:
            outputs = []
            for points in design.blocks():
                outputs.append(self(points))
                progress.update(len(points))
        found = np.concatenate(outputs)
        table = indices(found, [str(n) for n in range(len(groups))], samples, seed=seed)
        return _Found(table, float(found.mean()), float(found.std()), design.points)

    def __call__(self, points: FloatArray) -> FloatArray:
        """Answer at each point of the unit cube, (point,)."""
        places = np.clip(points.T, HALF_ULP, 1 - HALF_ULP)
        evidence, others = places[: len(self.names)], places[len(self.names) :]
        noise = (others[0] * NOISES).astype(np.int64)
        theory = np.zeros(len(points), np.int64)
        if len(self.points) > 1:
            theory = (others[1] * len(self.points)).astype(np.int64)
        answers = np.empty(len(points))
        for place in np.unique(theory):
            here = theory == place
            answers[here] = self._answers(int(place), evidence[:, here], noise[here])
        return answers

    def _answers(self, place: int, evidence: FloatArray, noise: IntArray) -> FloatArray:
        rows = dict(zip(self.names, evidence, strict=True))
        points = self.points[place]
        own = np.array([rows[name] for name in points.names])
        own = own.reshape(len(points.names), len(noise))
        scenario = replace(self.scenarios[place], replicates=len(noise))
        run = labelled(scenario, *points.run(own, noise))
        if isinstance(self.asked, Target):
            return self.asked.holds(*run).astype(float)
        return self.asked.of(*run)


def _unit(asked: Measure | Target, of: str) -> str:
    return f"share of {of}" if isinstance(asked, Target) else asked.unit


def _kind(sweep: Sweep) -> str:
    return str(sweep.manifest["design"]["kind"])


def _over_ranges(ranking: pd.DataFrame, factors: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Ranking with the ranges that a sweep went over; in a cell its factors have a value only."""
    swept = {factor["path"]: factor for factor in factors if "low" in factor}
    for key in ("low", "high", "value"):
        ranking[key] = [
            swept[name].get(key) if name in swept else old
            for name, old in zip(ranking["factor"], ranking[key], strict=True)
        ]
    return ranking


def _of_sweep(sweep: Sweep, question: str, ledger: Ledger) -> Sensitivity:
    """Indices of a stored Sobol design over its cells."""
    check_complete(sweep)
    scenario = sweep.scenario(0)
    asked = read_question(question, scenario)
    design, names = sweep.manifest["design"], [f["path"] for f in sweep.manifest["factors"]]
    measure = asked.measure if isinstance(asked, Target) else asked
    run = as_run(sweep, measure)
    answers = asked.holds(*run) if isinstance(asked, Target) else asked.of(*run)
    outputs = answers.astype(float).mean(axis=-1)
    samples, second = int(design["samples"]), bool(design["second_order"])
    size = samples * (2 * len(names) + 2 if second else len(names) + 2)
    if len(outputs) != size:
        raise InputError(
            f"{sweep.folder}: has {len(outputs)} cells, the design {size}: a sweep that crosses "
            "the design with other options has several designs; analyse one of them"
        )
    table = indices(outputs, names, samples, second_order=second, seed=int(design["seed"]))
    return Sensitivity(
        name=str(sweep.manifest["name"]),
        question=asked.name,
        unit=_unit(asked, "cells" if sweep.keep.over_replicates else "runs"),
        ranking=_over_ranges(ranked(table, scenario, ledger), sweep.manifest["factors"]),
        split=table.iloc[:0],
        mean=float(outputs.mean()),
        deviation=float(outputs.std()),
        samples=samples,
        runs=len(outputs),
        notes=("Mean over the replicates of each cell; factors are uniform over their ranges.",),
    )
