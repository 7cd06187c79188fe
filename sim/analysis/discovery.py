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
import logging
import math
import platform
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.analysis.cells import as_run, check_complete
from sim.analysis.measure import Target, read_target
from sim.axes import BoolArray, FloatArray
from sim.errors import InputError, nearest
from sim.sweep import Sweep
from sim.sweep.parts import DONE, FAILED
from sim.vary import find

if TYPE_CHECKING:
    import pandas as pd

METHODS: Final = ("prim", "cart")
COLUMNS: Final = ("box", "factor", "low", "high", "categories", "coverage", "density", "mass")
CHANCE: Final = 0.05
"""Limits that chance alone explains at least as often as this are marked in texts."""
MOST_LEAVES: Final = 16
"""Parts into which a tree splits the cells: enough for three factors with two limits each."""
EMA: Final = 3
"""First version of the EMA Workbench that is understood."""

NUMBERS: Final = "if"
"""Kinds of columns that hold numbers."""

Region = dict[str, tuple[float, float] | frozenset[str]]
"""Lowest and highest value, both within, or the categories, by factor; other factors are free."""
Question = tuple[str, str | None, tuple[float, float]]
"""Factor; the category asked for, if it is no number; lowest and highest value."""


@dataclass(frozen=True)
class Wish:
    """What is wanted of boxes; see ``discover``."""

    density: float = 0.8
    least_mass: float = 0.05
    boxes: int = 3


@dataclass(frozen=True)
class Limit:
    """Range of one factor in a box.

    Attributes
    ----------
    low, high : ends of a number, both within; infinite where it is not limited.
    categories : values of anything else that are within, else empty.
    span : lowest and highest value, or all categories, in the sweep.
    unit : of the number; empty if it has none.
    share : part of ``span`` that is within, 0 to 1.
    chance : quasi-p value (Bryant and Lempert 2010): probability that as many cells, drawn from
        the box without this limit, are as dense. It does not allow for the search among limits.
    """

    factor: str
    low: float
    high: float
    categories: tuple[str, ...]
    span: tuple[float, ...] | tuple[str, ...]
    unit: str
    share: float
    chance: float

    @property
    def range(self) -> str:
        """In words, such as ``above 3.4 USD bn/yr``."""
        if self.categories:
            return " or ".join(self.categories)
        unit = f" {self.unit}" if self.unit else ""
        if math.isinf(self.high):
            return f"above {written(self.low)}{unit}"
        if math.isinf(self.low):
            return f"below {written(self.high)}{unit}"
        return f"{written(self.low)} to {written(self.high)}{unit}"


@dataclass(frozen=True)
class Box:
    """Ranges of some factors within which a target often comes true.

    Attributes
    ----------
    limits : the factors that are limited, the tightest first.
    coverage : share of the cells where the target comes true that lie in the box.
    density : share of the cells of the box where it comes true.
    mass : share of all cells that lie in the box.
    cells : numbers of its cells.
    gained : coverage beyond that of the boxes before it.
    """

    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float
    cells: tuple[int, ...]
    gained: float


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
    """
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


def find_boxes(
    x: pd.DataFrame,
    y: BoolArray,
    method: str = "prim",
    wish: Wish | None = None,
    units: Mapping[str, str] | None = None,
) -> tuple[Box, ...]:
    """Boxes in which ``y`` is often true; see ``discover``.

    Parameters
    ----------
    x : one row a cell, named by its number, and one column a factor: finite numbers, or texts.
    y : (cell,).
    method, wish : as in ``discover``.
    units : of the factors.
    """
    wish = wish or Wish()
    if x.empty:
        raise InputError("no factor varies between the cells: there is nothing to tell apart")
    if not y.any() or y.all():
        where = "every cell" if y.any() else "no cell"
        raise InputError(f"the target comes true in {where}: there is nothing to tell apart")
    if y.mean() >= wish.density:
        raise InputError(
            f"the target comes true in {percent(y.mean())} of all cells, no less than the density "
            f"of {percent(wish.density)} wanted of a box; ask for a higher density"
        )
    found: list[Box] = []
    before = np.zeros(len(y), bool)
    for region in (_prim if method == "prim" else _cart)(x, y, wish):
        found.append(_box(x, y, region, before, units or {}))
        before |= inside(x, region)
    return tuple(found)


def inside(x: pd.DataFrame, region: Region) -> BoolArray:
    """Which cells lie in a region, (cell,)."""
    within = np.ones(len(x), bool)
    for name, ends in region.items():
        if isinstance(ends, frozenset):
            within &= x[name].isin(list(ends)).to_numpy()
        else:
            within &= ((x[name] >= ends[0]) & (x[name] <= ends[1])).to_numpy()
    return within


def percent(share: float) -> str:
    """Share in full percent."""
    return f"{100 * share:.0f} %"


def written(number: float) -> str:
    """Number with three digits that count, and all digits before the point."""
    return f"{number:.0f}" if 1000 <= abs(number) < 1e6 else f"{number:.3g}"


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
            units[name] = "" if found is None else found[0].unit
    return units


def _box(
    x: pd.DataFrame, y: BoolArray, region: Region, before: BoolArray, units: Mapping[str, str]
) -> Box:
    """Box of a region, counted on the cells."""
    within = inside(x, region)
    region = _limited(x, region)
    limits = [_limit(x, y, region, name, units.get(name, "")) for name in region]
    return Box(
        limits=tuple(sorted(limits, key=lambda limit: limit.share)),
        coverage=float(y[within].sum() / y.sum()),
        density=float(y[within].mean()),
        mass=float(within.mean()),
        cells=tuple(int(number) for number in x.index[within]),
        gained=float(y[within & ~before].sum() / y.sum()),
    )


def _limit(x: pd.DataFrame, y: BoolArray, region: Region, name: str, unit: str) -> Limit:
    from scipy.stats import binom

    within = inside(x, region)
    without = inside(x, {other: ends for other, ends in region.items() if other != name})
    chance = binom.sf(y[within].sum() - 1, within.sum(), y[without].mean())
    ends, whole = region[name], _whole(x)[name]
    low, high = -math.inf, math.inf
    categories: tuple[str, ...] = ()
    span: tuple[float, ...] | tuple[str, ...]
    if isinstance(ends, frozenset) or isinstance(whole, frozenset):
        categories, span = tuple(sorted(map(str, ends))), tuple(sorted(map(str, whole)))
        share = len(categories) / len(span)
    else:
        (low, high), span = ends, whole
        share = (min(high, span[1]) - max(low, span[0])) / (span[1] - span[0])
    return Limit(name, low, high, categories, span, unit, share, float(chance))


def _limited(x: pd.DataFrame, region: Region) -> Region:
    """Region without what limits nothing; a side of a range that is not limited is infinite."""
    found: Region = {}
    for name, whole in _whole(x).items():
        ends = region.get(name, whole)
        if not isinstance(ends, frozenset) and not isinstance(whole, frozenset):
            low = ends[0] if ends[0] > whole[0] else -math.inf
            high = ends[1] if ends[1] < whole[1] else math.inf
            if (low, high) != (-math.inf, math.inf):
                found[name] = low, high
        elif ends != whole:
            found[name] = ends
    return found


def _whole(x: pd.DataFrame) -> Region:
    """Region of all cells."""
    return {
        str(name): frozenset(column)
        if column.dtype.kind not in NUMBERS
        else (float(column.min()), float(column.max()))
        for name, column in x.items()
    }


def _worth(y: BoolArray, within: BoolArray, density: float) -> tuple[bool, float, float]:
    """What makes one region better than another: dense enough and large, or else dense."""
    hits = int(y[within].sum())
    dense = hits / max(int(within.sum()), 1)
    return (True, hits, dense) if dense >= density else (False, dense, hits)


def _prim(x: pd.DataFrame, y: BoolArray, wish: Wish) -> list[Region]:
    """Regions by PRIM, each among the cells that those before it leave."""
    found: list[Region] = []
    left = np.ones(len(y), bool)
    with _quiet():
        search = _ema().Prim(_peelable(x), y.copy(), mass_min=wish.least_mass)
        while len(found) < wish.boxes and (y & left).any():
            peeled = search.find_box()
            steps = [_limited(x, _read(x, limits)) for limits in peeled.box_lims]
            worth = [_worth(y, inside(x, step) & left, wish.density) for step in steps]
            best = worth.index(max(worth))
            within = inside(x, steps[best]) & left
            if not steps[best] or y[within].mean() <= y.mean():
                break
            peeled.select(best)  # so that the next box looks at what this one leaves
            left &= ~within
            found.append(steps[best])
    return found


def _peelable(x: pd.DataFrame) -> pd.DataFrame:
    """Factors as the EMA Workbench takes them.

    Columns are numbered, as it leaves out one by the name of ``scenario``; numbers are floats, so
    that limits lie between values.
    """
    numbered = x.reset_index(drop=True).set_axis([f"x{i}" for i in range(x.shape[1])], axis=1)
    numbers = [name for name in numbered if numbered[name].dtype.kind in NUMBERS]
    return numbered.astype(dict.fromkeys(numbers, float))


def _read(x: pd.DataFrame, limits: pd.DataFrame) -> Region:
    """Region from the two rows, lowest and highest, of a box of the EMA Workbench."""
    region: Region = {}
    for number, name in enumerate(map(str, x.columns)):
        low, high = limits[f"x{number}"]
        region[name] = frozenset(low) if isinstance(low, set) else (float(low), float(high))
    return region


def _ema() -> Any:
    """Module of the EMA Workbench."""
    try:
        if int(metadata.version("ema_workbench").split(".")[0]) < EMA:
            raise ImportError
        from ema_workbench.analysis import prim
    except ImportError:
        raise InputError(
            f"method=prim needs the EMA Workbench, version {EMA} (ema_workbench), which is not "
            "installed; it needs Python 3.12 or newer, and this is Python "
            f'{platform.python_version()}: pip install "multivector[analysis]" there, or take '
            "method=cart, which works on Python 3.11 too"
        ) from None
    return prim


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the EMA Workbench has to say from the terminal."""
    logger = logging.getLogger("EMA")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _cart(x: pd.DataFrame, y: BoolArray, wish: Wish) -> list[Region]:
    """Regions by a classification tree: its first nodes from the root that are dense enough."""
    try:
        from sklearn.tree import DecisionTreeClassifier
    except ImportError:
        raise InputError(
            "method=cart needs scikit-learn, which is not installed: "
            'pip install "multivector[analysis]"'
        ) from None
    questions, columns = _questions(x)
    tree = DecisionTreeClassifier(
        min_samples_leaf=max(1, math.ceil(wish.least_mass * len(y))),
        max_leaf_nodes=MOST_LEAVES,
        random_state=0,  # the order in which columns equally good are tried
    )
    nodes = tree.fit(columns, y).tree_

    def ends(node: int, region: Region) -> Iterator[Region]:
        """Regions below a node, each as far up as it is dense enough."""
        question = nodes.feature[node]
        if question < 0 or y[inside(x, region)].mean() >= wish.density:
            yield region
            return
        parts = _split(region, questions[question], float(nodes.threshold[node]))
        for child, part in zip((nodes.children_left, nodes.children_right), parts, strict=True):
            yield from ends(child[node], part)

    found = sorted(ends(0, _whole(x)), key=lambda r: _worth(y, inside(x, r), wish.density))[::-1]
    dense = [r for r in found if y[inside(x, r)].mean() >= wish.density] or found[:1]
    return [r for r in dense if y[inside(x, r)].mean() > y.mean()][: wish.boxes]


def _questions(x: pd.DataFrame) -> tuple[list[Question], FloatArray]:
    """What a tree may ask, and its answers, (cell, question), 0 to 1.

    A number is scaled to its range, as trees compute in single precision.
    """
    questions: list[Question] = []
    columns: list[FloatArray] = []
    for name, whole in _whole(x).items():
        if isinstance(whole, frozenset):
            for category in sorted(whole):
                questions.append((name, category, (0.0, 1.0)))
                columns.append(np.asarray(x[name] == category, dtype=np.float64))
        else:
            questions.append((name, None, whole))
            columns.append((x[name].to_numpy(np.float64) - whole[0]) / (whole[1] - whole[0]))
    return questions, np.column_stack(columns)


def _split(region: Region, question: Question, threshold: float) -> tuple[Region, Region]:
    """The parts of a region whose answer to a question is below, and above, a threshold."""
    name, category, (start, end) = question
    old = region[name]
    if isinstance(old, frozenset):
        chosen = frozenset({str(category)})
        return {**region, name: old - chosen}, {**region, name: old & chosen}
    value = start + threshold * (end - start)
    return {**region, name: (old[0], value)}, {**region, name: (value, old[1])}
