"""Paired differences between two runs: replicate 17 of one against replicate 17 of the other.

Both share their random numbers, so that whatever a replicate does not owe to what differs between
the runs drops out of the difference. By how much that helps is measured: the variance of the
difference of independent runs over that of the paired ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.analysis import given
from sim.analysis.measure import END, Measure, read_measure
from sim.analysis.origin import Origin, Result, changes_since, origin_of
from sim.analysis.words import align, listing, number, percent, signed
from sim.axes import FloatArray
from sim.errors import InputError
from sim.evidence import Ledger, load_ledger
from sim.outcomes import OUTCOMES
from sim.scenario import Horizon, Scenario
from sim.store import Run, run

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE: Final = 0.9
"""Of the interval around a mean difference."""
COMPARED: Final = (
    "alignment",
    "dependence",
    "hedging_index",
    "autonomy",
    "influence",
    "investment",
)
"""Outcomes of a comparison that names none, as far as both runs kept them."""
_PAIRED: Final = ("seed", "uncertainty", "horizon")
"""What two scenarios must share for their replicates to be pairs."""


@dataclass(frozen=True)
class Comparison:
    """Differences of one run from another.

    Attributes
    ----------
    first, second : names of the runs; differences are first less second.
    rows : what ``table`` returns.
    replicates : number of pairs.
    notes : what else has to be known, such as changed code.
    """

    first: str
    second: str
    rows: pd.DataFrame
    replicates: int
    notes: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """One row a measure.

        Returns
        -------
        Columns ``measure, outcome``, the codes that it picks (``state``, ``power`` and the like,
        as far as any does), ``unit, first, second`` (means of the runs), ``difference`` with
        its 90 % interval ``low`` and ``high``, ``p05, median, p95`` of the difference over the
        replicates, ``same_sign`` (share of replicates whose difference has the sign of the mean;
        those that are equal, where the mean is 0), ``equal`` (share of replicates that do not
        differ), ``variance_factor`` (by which pairing cut the
        variance; infinite where all pairs differ alike, NaN where nothing varies) and ``pairs``.
        """
        return self.rows.copy()

    @property
    def identical(self) -> bool:
        """Whether no replicate differs in any measure."""
        return bool((self.rows["equal"] == 1).all())

    def variance_factor(self) -> float:
        """Median over the measures of the factor by which pairing cut the variance."""
        return float(self.rows["variance_factor"].median())

    def text(self) -> str:
        """For a terminal: a line a measure, the largest differences of each outcome first."""
        head = [
            "measure",
            "first",
            "second",
            "difference",
            "90 % interval",
            "same sign",
            "equal",
            "factor",
        ]
        rows = [head]
        for _, group in self.rows.groupby("outcome", sort=False):
            order = group["difference"].abs().sort_values(ascending=False, kind="stable").index
            for _, row in group.loc[order].iterrows():
                rows.append(
                    [
                        f"{row['measure']}, {row['unit']}",
                        *(number(row[key]) for key in ("first", "second")),
                        signed(row["difference"]),
                        f"{signed(row['low'])} to {signed(row['high'])}",
                        percent(row["same_sign"]),
                        percent(row["equal"]),
                        number(row["variance_factor"], 2),
                    ]
                )
        lines = [
            f"{self.first} less {self.second}: {self.replicates} pairs of replicates",
            "",
            *align(rows, left=1),
            "",
            self._pairing(),
            *self.notes,
        ]
        return "\n".join(lines)

    def _pairing(self) -> str:
        if self.identical:
            return "No replicate differs in anything."
        factor = self.variance_factor()
        return (
            f"Common random numbers cut the variance of a difference by a factor of "
            f"{number(factor, 2)} (median of the measures; infinite where all pairs differ alike)."
        )


def compare(
    first: Result,
    second: Result | None = None,
    outcomes: Sequence[str] = (),
    *,
    when: str = END,
    cells: tuple[int | None, int | None] = (None, None),
    ledger: Ledger | None = None,
) -> Comparison:
    """Paired differences of one run from another, or from the baseline.

    Parameters
    ----------
    first, second : runs, sweeps or scenarios; a scenario is run. Without ``second`` the shipped
        baseline with the seed, horizon and replicates of the first.
    outcomes : names (all their entries) or measures such as ``"alignment.UZ.EU at 2032H1"``.
    when : half-year of the outcomes that are names: ``end``, ``mean`` or a label.
    cells : numbers of the cells of sweeps.
    ledger : as in ``sim.run``.

    Raises
    ------
    InputError
        The two have different seeds, horizons or kinds of uncertainty and cannot be paired, share
        no state or power, or an outcome is unknown or was not kept.

    Examples
    --------
    >>> squeeze = sim.load_scenario("secondary_squeeze", "horizon.end=2027H1", replicates=20)
    >>> found = sim.compare(squeeze, outcomes=["trade.RU"])  # with the baseline
    >>> found.table()[["measure", "unit", "difference", "same_sign"]].round(1).to_dict("list")
    {'measure': ['trade.RU'], 'unit': ['USD bn/yr'], 'difference': [-5.9], 'same_sign': [1.0]}
    """
    if isinstance(outcomes, str):
        outcomes = [outcomes]
    for name in outcomes:
        given.text("outcomes", name)
    given.text("when", when)
    if not isinstance(cells, tuple) or len(cells) != 2:
        raise InputError(f"cells: must be two numbers or None, not {cells!r}")
    facts = ledger or load_ledger()
    one = origin_of(first, cells[0])
    if second is None:
        second = baseline_of(one.scenario)
    two = origin_of(second, cells[1])
    check_paired(one, two)
    runs = _computed(one, facts), _computed(two, facts)
    wanted = outcomes or [name for name in COMPARED if all(name in each.data for each in runs)]
    measures = [measure for text in wanted for measure in _measures(text, when, runs[0], runs[1])]
    pairs = min(each.scenario.replicates for each in runs)
    notes = [
        f"Since {each.name} was stored, {listing(changes)}."
        for each in (one, two)
        if (changes := changes_since(each, facts))
    ]
    if set(one.scenario.states) != set(two.scenario.states):
        notes.append(
            "They have different states: what is taken over all states differs in that too."
        )
    return Comparison(
        first=one.name,
        second=two.name,
        rows=_rows(measures, runs, pairs),
        replicates=pairs,
        notes=tuple(notes),
    )


def baseline_of(scenario: Scenario) -> Scenario:
    """Shipped baseline with the seed, horizon, uncertainty and replicates of a scenario.

    Where the scenario has other states the baseline has them too.
    """
    shipped = scenario
    while shipped.baseline is not None:
        shipped = shipped.baseline
    if scenario.baseline is not None and set(shipped.states) != set(scenario.states):
        powers = {code: scenario.baseline.powers[code] for code in shipped.powers}
        shipped = replace(scenario.baseline, powers=powers)
    shared = {key: getattr(scenario, key) for key in (*_PAIRED, "replicates", "outcomes", "output")}
    return replace(shipped, baseline=shipped.baseline or shipped, **shared)


def check_paired(one: Origin, two: Origin) -> None:
    """Refuse two scenarios whose replicates are not pairs."""
    for key in _PAIRED:
        here, there = getattr(one.scenario, key), getattr(two.scenario, key)
        if here != there:
            raise InputError(
                f"{one.name} and {two.name} cannot be paired: {key} is {_short(here)} in one and "
                f"{_short(there)} in the other"
            )


def interval(sample: FloatArray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval around the mean of independent numbers, by Student's t; NaN for a single one."""
    from scipy.stats import t

    if len(sample) < 2:
        return float("nan"), float("nan")
    half = t.ppf((1 + confidence) / 2, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample))
    return float(sample.mean() - half), float(sample.mean() + half)


def _short(value: Any) -> str:
    if isinstance(value, Horizon):
        return f"{value.start} to {value.end} in steps of {value.step:g} years"
    return str(value)


def _computed(origin: Origin, ledger: Ledger) -> Run:
    """The run itself, or the scenario run now; cells of sweeps give the same replicates."""
    return origin.stored if isinstance(origin.stored, Run) else run(origin.scenario, ledger)


def _measures(text: str, when: str, one: Run, two: Run) -> Iterator[Measure]:
    """A measure as written, or every entry of an outcome that both runs have."""
    if text not in OUTCOMES:
        yield read_measure(text, one.scenario)
        return
    read_measure(f"{text} at {when}", one.scenario)  # refuses what numbers options
    dims = OUTCOMES[text].dims
    for run_ in (one, two):
        if text not in run_.data:
            raise InputError(f"outcome '{text}' was not kept by {run_.name}")
    common = [
        [str(code) for code in one.data[text][dim].values if code in two.data[text][dim].values]
        for dim in dims
    ]
    for codes in product(*common):
        yield Measure(text, dict(zip(dims, codes, strict=True)), when)


def _rows(measures: Sequence[Measure], runs: tuple[Run, Run], pairs: int) -> pd.DataFrame:
    import pandas as pd

    if not measures:
        raise InputError(
            "compare: the two have no state or power in common, or kept none of "
            f"{listing(COMPARED)}; name an outcome that both kept"
        )
    rows = []
    dims = dict.fromkeys(dim for measure in measures for dim in measure.select)
    for measure in measures:
        first, second = (measure.of(each.data, each.final)[:pairs] for each in runs)
        known = ~(np.isnan(first) | np.isnan(second))
        name = ".".join((measure.outcome, *measure.select.values()))
        rows.append(
            {
                "measure": name if measure.when == END else measure.name,
                "outcome": measure.outcome,
                **{dim: measure.select.get(dim, "") for dim in dims},
                "unit": measure.unit,
                **_difference(first[known], second[known]),
            }
        )
    return pd.DataFrame(rows)


def _difference(first: FloatArray, second: FloatArray) -> dict[str, float]:
    """Statistics of paired numbers."""
    gap = first - second
    if not len(gap):
        return {"pairs": 0}
    mean = float(gap.mean())
    low, high = interval(gap)
    p05, median, p95 = np.quantile(gap, (0.05, 0.5, 0.95))
    alone, paired = float(first.var() + second.var()), float(gap.var())
    factor = alone / paired if paired > 0 else (np.inf if alone > 0 else np.nan)
    return {
        "first": float(first.mean()),
        "second": float(second.mean()),
        "difference": mean,
        "low": low,
        "high": high,
        "p05": float(p05),
        "median": float(median),
        "p95": float(p95),
        "same_sign": float((np.sign(gap) == np.sign(mean)).mean()),
        "equal": float((gap == 0).mean()),
        "variance_factor": factor,
        "pairs": len(gap),
    }
