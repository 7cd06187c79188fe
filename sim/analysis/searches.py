"""Searches for boxes in which a target often comes true: PRIM and a classification tree."""

from __future__ import annotations

import contextlib
import logging
import math
import platform
import warnings
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.analysis.boxes import NUMBERS, Box, Region, Wish, counted, inside, limited, whole_of
from sim.analysis.words import percent
from sim.axes import BoolArray, FloatArray
from sim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

METHODS: Final = ("prim", "cart")
MOST_LEAVES: Final = 16
"""Parts into which a tree splits the cells: enough for three factors with two limits each."""
EMA: Final = 3
"""First version of the EMA Workbench that is understood."""

Question = tuple[str, str | None, tuple[float, float]]
"""Factor; the category asked for, if it is no number; lowest and highest value."""


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
        found.append(counted(x, y, region, before, units or {}))
        before |= inside(x, region)
    return tuple(found)


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
            steps = [limited(x, _read(x, limits)) for limits in peeled.box_lims]
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

    found = sorted(ends(0, whole_of(x)), key=lambda r: _worth(y, inside(x, r), wish.density))[::-1]
    dense = [r for r in found if y[inside(x, r)].mean() >= wish.density] or found[:1]
    return [r for r in dense if y[inside(x, r)].mean() > y.mean()][: wish.boxes]


def _questions(x: pd.DataFrame) -> tuple[list[Question], FloatArray]:
    """What a tree may ask, and its answers, (cell, question), 0 to 1.

    A number is scaled to its range, as trees compute in single precision.
    """
    questions: list[Question] = []
    columns: list[FloatArray] = []
    for name, whole in whole_of(x).items():
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
