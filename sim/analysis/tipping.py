"""At which value of a parameter something comes true in most runs.

All values are tried on the same replicates with the same noise. The share of replicates in which
the target comes true is looked at on a grid and bisected where it crosses the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.analysis import given
from sim.analysis.compare import CONFIDENCE
from sim.analysis.equilibria import Equilibria, equilibria, span_of
from sim.analysis.measure import Target, keeping, read_target
from sim.analysis.origin import Origin, Result, changes_since, origin_of
from sim.analysis.words import align, listing, number, percent
from sim.axes import BoolArray
from sim.draws import Drawer
from sim.ensemble import Host, sizes
from sim.errors import InputError
from sim.evidence import Ledger, load_ledger
from sim.provenance import of_quantity
from sim.recorder import derive, reserve
from sim.scenario import Scenario
from sim.store import labelled
from sim.vary import find, vary

if TYPE_CHECKING:
    import pandas as pd

POINTS: Final = 9
"""Values of the grid."""
TOLERANCE: Final = 1e-3
"""Width of the bracket around a tipping value, as a share of the range."""
MOST: Final = 0.5
"""Share of the replicates that most runs are more than."""


@dataclass(frozen=True)
class Tipping:
    """Where a target tips along a parameter.

    Attributes
    ----------
    name : of what was varied. target, parameter, unit : as asked.
    low, high : ends of the range looked at, in ``unit``.
    curve : what ``table`` returns.
    tips : one row a crossing: ``value`` with its 90 % interval ``low`` and ``high`` (NaN where it
        is open within the range), ``upwards`` (whether the target becomes more frequent).
    share : threshold. replicates : behind every share.
    grounds : what the parameter rests on.
    equilibria : whether choices have several equilibria along the parameter.
    """

    name: str
    target: str
    parameter: str
    unit: str
    low: float
    high: float
    curve: pd.DataFrame
    tips: pd.DataFrame
    share: float
    replicates: int
    grounds: str
    equilibria: Equilibria | None
    changed: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """Every value that was tried, in order.

        Returns
        -------
        Columns ``value``, ``share`` of the replicates in which the target comes true, its 90 %
        interval ``low`` and ``high`` (Wilson's), and whether it is of the ``grid`` or was tried on
        the way to a crossing.
        """
        return self.curve.copy()

    def text(self) -> str:
        """For a terminal."""
        unit = "" if self.unit == "1" else f" {self.unit}"
        ends = [percent(float(self.curve["share"].iloc[place])) for place in (0, -1)]
        lines = [
            f"{self.target} · {self.name}, {self.replicates} paired replicates",
            f"{self.parameter} from {number(self.low)} to {number(self.high)}{unit}; it rests on "
            f"{self.grounds}",
            "",
        ]
        if self.tips.empty:
            lines.append(
                f"It does not tip within this range: it comes true in {ends[0]} of the runs at the "
                f"low end and {ends[1]} at the high end; the threshold is {percent(self.share)}."
            )
        for _, tip in self.tips.iterrows():
            what = "in more" if tip["upwards"] else "no longer in more"
            span = " to ".join(
                number(float(tip[end])) if np.isfinite(tip[end]) else f"beyond {number(edge)}"
                for end, edge in (("low", self.low), ("high", self.high))
            )
            lines.append(
                f"At {number(tip['value'])}{unit} it tips: above that it comes true {what} than "
                f"{percent(self.share)} of the runs (90 % interval {span})."
            )
        rows = [[self.parameter, "share of runs", "90 % interval"]]
        for _, row in self.curve[self.curve["grid"]].iterrows():
            span = f"{percent(row['low'])} to {percent(row['high'])}"
            rows.append([number(row["value"], 4), percent(row["share"]), span])
        lines += ["", *align(rows, left=0)]
        if self.equilibria is not None:
            lines += ["", self.equilibria.text()]
        if self.changed:
            lines += ["", f"Since the run was stored, {listing(self.changed)}."]
        return "\n".join(lines)


def tipping(
    result: Result,
    target: str | Target,
    parameter: str,
    low: float | None = None,
    high: float | None = None,
    *,
    share: float = MOST,
    points: int = POINTS,
    cell: int | None = None,
    memory: bool = True,
    ledger: Ledger | None = None,
) -> Tipping:
    """Value of a parameter at which a target begins to come true in most runs.

    Parameters
    ----------
    result : a run, a sweep or a scenario; its replicates are the pairs.
    target : such as ``"alignment.UZ.EU first at 2032H1"``, see ``sim.analysis.measure``.
    parameter : path of a number. low, high : ends to look between; its evidence range by default.
    share : threshold, above 0 and below 1.
    points : values of the grid, at least 2; two crossings between neighbours are not seen.
    cell : number of the cell of a sweep.
    memory : whether to look for several equilibria along the parameter.
    ledger : facts behind the parameter; the package's own by default.

    Raises
    ------
    InputError
        The target or the parameter is not understood, the parameter has no range and none is given,
        or a value is outside the limits of the parameter.

    Examples
    --------
    >>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2027H1", replicates=20)
    >>> target, budget = "alignment.UZ.EU > 0.2", "powers.eu.budget"
    >>> found = sim.tipping(scenario, target, budget, 1, 20, points=3, memory=False)
    >>> found.tips["value"].round(1).tolist()
    [7.2]
    """
    origin = origin_of(result, cell)
    scenario = origin.scenario
    asked = target if isinstance(target, Target) else read_target(target, scenario)
    if not 0 < given.real("share", share) < 1:
        raise InputError(f"share: must be between 0 and 1, not {share:g}")
    given.whole("points", points, 2)
    least, most, unit = span_of(scenario, parameter, low, high)
    facts = ledger or load_ledger()
    curve = _Curve(scenario, asked, parameter)
    grid = [float(value) for value in np.linspace(least, most, points)]
    for value in grid:
        curve.at(value)
    tips = [
        _tip(curve, pair, grid, share)
        for pair in pairwise(grid)
        if curve.above(pair[0], share) != curve.above(pair[1], share)
    ]
    return Tipping(
        name=origin.name,
        target=asked.name,
        parameter=parameter,
        unit=unit,
        low=least,
        high=most,
        curve=curve.table(grid),
        tips=_tip_table(tips),
        share=share,
        replicates=scenario.replicates,
        grounds=_grounds(scenario, parameter, facts),
        equilibria=_equilibria(origin, parameter, least, most) if memory else None,
        changed=tuple(changes_since(origin, facts)),
    )


def wilson(hits: int, number_of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of a share."""
    from scipy.stats import norm

    z = float(norm.ppf((1 + confidence) / 2))
    share, weight = hits / number_of, z * z / number_of
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * np.sqrt(share * (1 - share) / number_of + weight / (4 * number_of))
    return max(0.0, middle - half), min(1.0, middle + half)


class _Curve:
    """How often a target comes true at any value of a parameter; each value is run once."""

    def __init__(self, scenario: Scenario, target: Target, parameter: str) -> None:
        self.scenario = replace(scenario, outcomes=keeping(scenario, target.measure))
        self.target, self.parameter = target, parameter
        self.drawer = Drawer()
        self.known: dict[float, BoolArray] = {}

    def at(self, value: float) -> BoolArray:
        """Whether the target comes true in each replicate."""
        if value not in self.known:
            varied = vary(self.scenario, {self.parameter: value})
            host, count = Host(varied, self.drawer), varied.replicates
            data, final = reserve(varied.steps, sizes(varied, count), varied.outcomes)
            for first in range(0, count, varied.output.chunk):
                part = range(first, min(first + varied.output.chunk, count))
                inside = slice(part.start, part.stop)
                host.run(
                    part,
                    {name: array[..., inside] for name, array in data.items()},
                    {name: array[..., inside] for name, array in final.items()},
                )
            outcomes = derive(data, final, varied.horizon.step, varied.outcomes)
            self.known[value] = self.target.holds(*labelled(varied, *outcomes))
        return self.known[value]

    def above(self, value: float, share: float) -> bool:
        """Whether the target comes true in more than a share of the replicates."""
        return bool(self.at(value).mean() > share)

    def interval(self, value: float) -> tuple[float, float]:
        """Interval of the share at a value."""
        holds = self.at(value)
        return wilson(int(holds.sum()), len(holds))

    def decided(self, value: float, share: float) -> bool:
        """Whether the interval at a value leaves the threshold out."""
        low, high = self.interval(value)
        return share < low or high < share

    def table(self, grid: Sequence[float]) -> pd.DataFrame:
        """All values that were tried."""
        import pandas as pd

        rows = [
            (value, float(self.known[value].mean()), *self.interval(value), value in grid)
            for value in sorted(self.known)
        ]
        return pd.DataFrame(rows, columns=["value", "share", "low", "high", "grid"])


def _tip(
    curve: _Curve, pair: tuple[float, float], grid: list[float], share: float
) -> tuple[float, float, float, bool]:
    """Crossing between two neighbours of the grid: value, ends of its interval, direction."""
    width = grid[-1] - grid[0]
    upwards = curve.above(pair[1], share)
    below, over = pair
    while over - below > TOLERANCE * width:
        middle = (below + over) / 2
        if curve.above(middle, share) == upwards:
            over = middle
        else:
            below = middle
    value = (below + over) / 2
    ends = []
    for side in ([x for x in grid[::-1] if x < value], [x for x in grid if x > value]):
        sure = next((x for x in side if curve.decided(x, share)), None)
        ends.append(float("nan") if sure is None else _edge(curve, value, sure, share, width))
    return value, ends[0], ends[1], upwards


def _edge(curve: _Curve, unsure: float, sure: float, share: float, width: float) -> float:
    """Where the interval begins to leave the threshold out."""
    while abs(sure - unsure) > TOLERANCE * width:
        middle = (unsure + sure) / 2
        if curve.decided(middle, share):
            sure = middle
        else:
            unsure = middle
    return sure


def _tip_table(tips: list[tuple[float, float, float, bool]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(tips, columns=["value", "low", "high", "upwards"])


def _equilibria(origin: Origin, parameter: str, low: float, high: float) -> Equilibria | None:
    """Equilibria along the parameter, unless its values give runs another shape."""
    try:
        return equilibria(origin.scenario, parameter, low, high)
    except InputError:
        return None


def _grounds(scenario: Scenario, parameter: str, ledger: Ledger) -> str:
    found = find(scenario, parameter)
    assert found is not None
    quantity, entry = found
    rows = [row for row in of_quantity(quantity, ledger) if row.name == quantity.name(entry)]
    sources = list(dict.fromkeys(rows[0].sources))
    return listing(sources[:2]) or rows[0].grounds
