"""Whether the differences between a scenario and the baseline have the signs that were expected.

Both runs share their random numbers, so that replicate 17 of one is compared with replicate 17 of
the other, and everything that a replicate does not owe to the scenario drops out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from sim.analysis.bands import HIGH, LOW, MEDIAN
from sim.analysis.measure import END, MEAN, Measure
from sim.errors import InputError
from sim.scenario import Expectation, Scenario, Sign, When

AGREEMENT: Final = 0.9
"""Part of the replicates that must lie on the expected side for a sign to be reported."""


@dataclass(frozen=True)
class Finding:
    """One expectation and what the runs say of it.

    Attributes
    ----------
    name : of the expectation.
    expected : what was stated.
    unit : of the difference.
    low, median, high : of the difference over replicates, 5, 50 and 95 %.
    agreeing : part of the replicates with the expected sign.
    """

    name: str
    expected: Expectation
    unit: str
    low: float
    median: float
    high: float
    agreeing: float

    @property
    def holds(self) -> bool:
        """Whether nine of ten replicates lie on the expected side."""
        return self.agreeing >= AGREEMENT


def findings(scenario: Scenario, data: xr.Dataset, baseline: xr.Dataset) -> list[Finding]:
    """Each expectation of a scenario against the paired differences of two runs.

    Parameters
    ----------
    scenario : whose story states the expectations.
    data, baseline : outcomes of the scenario and of the baseline, with the same seed and number of
        replicates.

    Raises
    ------
    InputError
        The runs are not paired, or an expectation names an outcome or a code that does not exist.
    """
    if data.sizes["replicate"] != baseline.sizes["replicate"]:
        raise InputError("the runs have different numbers of replicates and cannot be paired")
    return [
        _finding(name, expected, data, baseline)
        for name, expected in scenario.story.expected.items()
    ]


def as_text(title: str, found: list[Finding]) -> str:
    """Table of findings: sign, part of the replicates that agree, and the difference."""
    lines = [title]
    for one in found:
        arrow = "+" if one.expected.sign is Sign.UP else "-"
        where = " ".join([one.expected.outcome, *one.expected.select.values()])
        lines.append(
            f"  {arrow} {one.agreeing:4.0%} {'' if one.holds else 'not '}held  {where}: "
            f"{one.median:+.3g} {one.unit} ({one.low:+.3g} to {one.high:+.3g})"
        )
    return "\n".join(lines)


def measure(expected: Expectation) -> Measure:
    """What an expectation is about; at the end it means the last half-year of the run."""
    when = END if expected.when is When.END else MEAN
    return Measure(expected.outcome, expected.select, when, expected.since)


def _finding(name: str, expected: Expectation, data: xr.Dataset, baseline: xr.Dataset) -> Finding:
    asked = measure(expected)
    try:
        gap = asked.of(data) - asked.of(baseline)
    except InputError as error:
        raise InputError(f"story.expected.{name}: {error}") from None
    towards = gap > 0 if expected.sign is Sign.UP else gap < 0
    low, median, high = np.quantile(gap, (LOW, MEDIAN, HIGH))
    return Finding(name, expected, asked.unit, low, median, high, float(towards.mean()))
