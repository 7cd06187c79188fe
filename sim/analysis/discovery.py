"""Scenario discovery: under which ranges of the factors of a sweep a target comes true.

The answer is a few **boxes**, each a range of some factors and whatever the others are. A box is
judged by its **density** (share of its cells where the target comes true), its **coverage** (share
of all such cells that lie in it) and its **mass** (share of all cells that lie in it).

Two methods look for boxes: ``prim`` peels thin slices off the whole until what is left is dense
enough (Friedman and Fisher 1999, as Bryant and Lempert 2010 use it), ``cart`` splits the whole in
two again and again (Breiman and others 1984). What they find is counted here once more.
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.analysis import given
from sim.analysis.boxes import Box, Wish
from sim.analysis.cells import as_run, check_complete
from sim.analysis.measure import Target, read_target
from sim.analysis.searches import METHODS, find_boxes
from sim.analysis.words import percent
from sim.axes import BoolArray
from sim.errors import InputError, nearest
from sim.sweep import Sweep
from sim.sweep.parts import DONE, FAILED
from sim.vary import find

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("box", "factor", "low", "high", "categories", "coverage", "density", "mass")
CHANCE: Final = 0.05
"""Limits that chance alone explains at least as often as this are marked in texts."""


@dataclass(frozen=True)
class Discovery:
    """Boxes of a sweep for a target.

    Attributes
    ----------
    target, method : as asked.
    share : a cell counts if the target comes true in more than this share of its replicates.
    density : wanted of each box; a box that has less is the densest there was.
    boxes : none if no factor tells the cells apart.
    cells, true : number of cells counted, and of those where the target comes true.
    failed, undefined : number of cells left out: failed, or without a number to judge.
    means : whether the mean over the replicates was judged, as they were not kept.
    """

    target: str
    method: str
    share: float
    density: float
    boxes: tuple[Box, ...]
    cells: int
    true: int
    failed: int
    undefined: int
    means: bool

    @property
    def base_rate(self) -> float:
        """Share of the cells where the target comes true."""
        return self.true / self.cells

    @property
    def coverage(self) -> float:
        """Of all boxes together."""
        return sum(box.gained for box in self.boxes)

    def table(self) -> pd.DataFrame:
        """One row for each box and factor limited in it; numbers not limited on a side are NaN."""
        import pandas as pd

        rows = [
            (
                number,
                limit.factor,
                limit.low if math.isfinite(limit.low) else math.nan,
                limit.high if math.isfinite(limit.high) else math.nan,
                ", ".join(limit.categories),
                *(box.coverage, box.density, box.mass),
            )
            for number, box in enumerate(self.boxes, start=1)
            for limit in box.limits
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def text(self) -> str:
        """A few sentences for a terminal."""
        how = (
            "on average (the sweep keeps statistics, not replicates: means are judged)"
            if self.means
            else f"in more than {percent(self.share)} of the replicates"
        )
        lines = [
            f"{self.target}: comes true {how} in {percent(self.base_rate)} of {self.cells} cells "
            f"({self.true})."
        ]
        for count, what in ((self.failed, "failed"), (self.undefined, "had no number to judge")):
            if count:
                lines.append(f"Left out: {count} cell{'s' * (count > 1)} that {what}.")
        lines += [self._sentence(number, box) for number, box in enumerate(self.boxes, start=1)]
        if not self.boxes:
            lines.append(f"No box found with {self.method}: no factor tells the cells apart.")
        if len(self.boxes) > 1:
            lines.append(f"All boxes together cover {percent(self.coverage)}.")
        return "\n".join(lines)

    def _sentence(self, number: int, box: Box) -> str:
        where = " and ".join(
            f"{limit.factor} {'is ' if limit.categories else ''}{limit.range}"
            + (" (may be chance)" if limit.chance >= CHANCE else "")
            for limit in box.limits
        )
        after = ""
        if number > 1:
            after += f" It adds {percent(box.gained)} to the coverage of those before it."
        if box.density < self.density:
            after += f" None reaches a density of {percent(self.density)}; this is the densest."
        return (
            f"Box {number}: {where}: there it comes true in {percent(box.density)} of the "
            f"{len(box.cells)} cells (density), and {percent(box.coverage)} of all such cells lie "
            f"in it (coverage).{after}"
        )


def discover(
    sweep: Sweep,
    target: str | Target,
    *,
    method: str = "prim",
    share: float = 0.5,
    density: float = 0.8,
    least_mass: float = 0.05,
    boxes: int = 3,
) -> Discovery:
    """Ranges of the factors of a sweep under which a target comes true.

    Parameters
    ----------
    sweep : complete; cells that failed are left out.
    target : such as ``alignment.UZ.EU first at 2032H1``.
    method : ``prim`` (the EMA Workbench, Python 3.12 or newer) or ``cart`` (scikit-learn).
    share : a cell counts if the target comes true in more than this share of its replicates.
    density : wanted of each box; of those that reach it the one with the highest coverage is taken.
    least_mass : smallest part of the cells that a box may hold.
    boxes : number of boxes at most.

    Raises
    ------
    InputError
        Cells are missing; no factor varies; the target comes true in no cell, in every cell, or
        in as many as wanted of a box; an option is not valid; the library is not installed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2026H2", replicates=20)
    >>> over = ("powers.eu.budget", "states.kz.hedging")
    >>> design = sim.sweep.LatinHypercube(over=over, samples=20)
    >>> with TemporaryDirectory() as folder:
    ...     sweep = sim.sweep(scenario, design, folder=folder, workers=1)
    ...     found = sim.discover(sweep, "signed.KZ.EU > 0.2", method="cart", boxes=1)
    >>> found.table()[["factor", "low"]].round(1).to_dict("list")
    {'factor': ['powers.eu.budget'], 'low': [3.1]}
    """
    if not isinstance(sweep, Sweep):
        raise InputError(f"{sweep!r} is not a sweep; open one with sim.open_sweep")
    for key, value in (("share", share), ("density", density), ("least_mass", least_mass)):
        given.real(key, value)
    given.whole("boxes", boxes, 1)
    _check(method, share, density, least_mass, boxes)
    check_complete(sweep, failed=True)
    if not isinstance(target, Target):
        target = read_target(target, sweep.scenario(0))
    data, final = as_run(sweep, target.measure)
    numbered = ~np.isnan(target.measure.of(data, final))  # (cell, replicate)
    counted = numbered.sum(axis=1)
    often = (target.holds(data, final) & numbered).sum(axis=1) > share * counted
    status = sweep.status
    done = np.array([one == DONE for one in status])
    used = done & (counted > 0)
    if not used.any():
        raise InputError(f"{sweep.folder}: no cell has a number to judge '{target.name}' by")
    x, y = _factors(sweep, used), often[used]
    found = find_boxes(x, y, method, Wish(density, least_mass, boxes), _units(sweep, x))
    return Discovery(
        target=target.name,
        method=method,
        share=share,
        density=density,
        boxes=found,
        cells=len(y),
        true=int(y.sum()),
        failed=status.count(FAILED),
        undefined=int((done & ~used).sum()),
        means=sweep.keep.over_replicates,
    )


def _check(method: str, share: float, density: float, least_mass: float, boxes: int) -> None:
    if method not in METHODS:
        raise InputError(f"method: unknown '{method}'{nearest(method, METHODS)}")
    for name, value, valid, words in (
        ("share", share, 0 <= share < 1, "at least 0 and less than 1"),
        ("density", density, 0 < density <= 1, "more than 0 and at most 1"),
        ("least_mass", least_mass, 0 < least_mass < 1, "more than 0 and less than 1"),
        ("boxes", boxes, boxes >= 1, "at least 1"),
    ):
        if not valid:
            raise InputError(f"{name}: must be {words}, not {value:g}")


def _factors(sweep: Sweep, used: BoolArray) -> pd.DataFrame:
    """Coordinates that vary among the cells used: finite numbers as such, all else as texts."""
    import pandas as pd

    numbers = np.flatnonzero(used)
    columns: dict[str, list[Any]] = {}
    for name, values in sweep.coordinates.items():
        column = [values[number] for number in numbers]
        if not all(type(value) in (int, float) and math.isfinite(value) for value in column):
            column = [value if isinstance(value, str) else json.dumps(value) for value in column]
        if len(set(column)) > 1:
            columns[name] = column
    return pd.DataFrame(columns, index=numbers)


def _units(sweep: Sweep, x: pd.DataFrame) -> dict[str, str]:
    units, scenario = {}, sweep.scenario(0)
    for name in map(str, x.columns):
        with contextlib.suppress(InputError):  # a group of files is no number of a scenario
            found = find(scenario, name)
            units[name] = "" if found is None or found[0].unit == "1" else found[0].unit
    return units
