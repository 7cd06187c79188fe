"""The smallest change of each number that would make another option the most probable pick.

The whole replicate is run anew with the number changed from the start, under the noise that it had,
so that a flip is what anybody finds who sets the number and runs that replicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.axes import FloatArray, IntArray
from sim.columns import SAME, Change, Variants
from sim.errors import MultivectorError
from sim.quantity import Quantity
from sim.record import Record
from sim.scenario import Scenario, quantities
from sim.vary import form_of

SCAN: Final = (0.0, 2**-10, 2**-6, *(number / 16 for number in range(1, 17)))
"""Where a side is looked at first, from the present value (0) to the end of its range (1)."""
BEYOND: Final = tuple(number / 8 for number in range(1, 9))
"""The same from the end of the range to as far as the search reaches."""
NEAR_ZERO: Final = 2**-10
"""Least value of a number that must be positive, as a share of its present value."""
IMPOSSIBLE: Final = -1
PRECISION: Final = 1e-9
"""Width of the bracket around a flip, as a share of the range searched."""


@dataclass(frozen=True)
class Decision:
    """One state, domain and half-year of a replicate, by their places."""

    step: int
    state: int
    domain: int


@dataclass(frozen=True)
class Flip:
    """A change of one number that flips the most probable pick.

    Attributes
    ----------
    path : of the number. value : in this replicate, in ``unit``.
    low, high : its evidence range.
    before, after : values next to the flip, with the old pick and with the new one.
    option : place of the new most probable pick; 0 is none, then the powers.
    direct : whether it flips as well when all picks before stay as they were; else it flips by way
        of an earlier pick.
    """

    path: str
    unit: str
    value: float
    low: float
    high: float
    before: float
    after: float
    option: int
    direct: bool

    @property
    def change(self) -> float:
        """Change that flips, in the unit of the number."""
        return self.after - self.value

    @property
    def share(self) -> float:
        """Size of the change as a share of the width of the evidence range."""
        return abs(self.change) / (self.high - self.low)

    @property
    def inside(self) -> bool:
        """Whether the flip lies within the evidence range."""
        return self.low <= self.after <= self.high


@dataclass
class _Side:
    """A number that is moved from its present value towards an end."""

    quantity: Quantity
    place: int
    path: str
    start: float
    end: float
    ranged: float  # share of the way at which the evidence range ends
    inner: float = 0.0  # shares of the way: the old pick here
    outer: float = 0.0  # and another here
    option: int = -1

    def points(self) -> tuple[float, ...]:
        """Where the side is looked at first."""
        if self.ranged == 1:
            return SCAN
        inside = tuple(share * self.ranged for share in SCAN) if self.ranged > 0 else (0.0,)
        return (*inside, *(self.ranged + share * (1 - self.ranged) for share in BEYOND))

    def at(self, share: float) -> float:
        """Value a share of the way along."""
        return self.end if share == 1 else self.start + share * (self.end - self.start)


def ranged(scenario: Scenario) -> list[tuple[Quantity, int]]:
    """Quantities that have a range, with the place of each of their entries."""
    return [
        (quantity, place)
        for quantity in quantities(scenario)
        for place in range(len(quantity.entries))
        if quantity.low[place] < quantity.high[place]
    ]


def find_flips(variants: Variants, decision: Decision, reach: float = 1.0) -> list[Flip]:
    """Flips of each number that has a range, smallest share of the range first.

    Each side is looked at in ``SCAN`` and bisected where the pick first differs: flips that undo
    each other between two points of the scan are not seen. Setting one share of a whole draws the
    others anew; where that alone gives another pick the share is left out.

    Parameters
    ----------
    variants : of the replicate.
    decision : whose most probable pick is to flip.
    reach : how far beyond the evidence range to look, in widths of it.

    Returns
    -------
    One flip a number at most, that with the smaller change of the two sides.
    """
    sides = list(_sides(variants, reach))
    if not sides:
        return []
    now = int(_most_probable(variants, [SAME], decision)[0])
    _scan(variants, sides, decision, now)
    found = [side for side in sides if side.option >= 0]
    if not found:
        return []
    _bisect(variants, found, decision, now)
    changes = [variants.change(side.path, side.at(side.outer)) for side in found]
    held = _most_probable(variants, changes, decision, variants.history(decision.step))
    flips: dict[str, Flip] = {}
    for side, option in zip(found, held, strict=True):
        flip = _flip(side, direct=int(option) == side.option)
        if side.path not in flips or flip.share < flips[side.path].share:
            flips[side.path] = flip
    return sorted(flips.values(), key=lambda flip: flip.share)


def _sides(variants: Variants, reach: float) -> Iterable[_Side]:
    """Both sides of every number with a range."""
    for quantity, place in ranged(variants.scenario):
        path = quantity.name(quantity.entries[place])
        limits = form_of(variants.scenario, quantity.path).limits
        low, high = quantity.low[place], quantity.high[place]
        start, width = variants.value(path), reach * (high - low)
        least = max(low - width, limits.lower)
        if limits.positive and least <= limits.lower:
            least = min(start, low) * NEAR_ZERO
        for edge, end in ((low, least), (high, min(high + width, limits.upper))):
            if np.isfinite(end) and end != start:
                covered = float(np.clip((edge - start) / (end - start), 0.0, 1.0))
                yield _Side(quantity, place, path, start, end, covered)


def _scan(variants: Variants, sides: Sequence[_Side], decision: Decision, now: int) -> None:
    """Find between which two points of the scan the pick first differs on each side."""
    asked: list[tuple[_Side, float, float]] = []
    changes: list[Change] = []
    for side in sides:
        last = 0.0
        for share in side.points():
            try:
                changes.append(variants.change(side.path, side.at(share)))
            except MultivectorError:  # beyond what the whole of the shares allows
                break
            asked.append((side, last, share))
            last = share
    closed: set[int] = set()
    for (side, inner, outer), option in zip(
        asked, _most_probable(variants, changes, decision), strict=True
    ):
        if option == IMPOSSIBLE or (outer == 0 and option != now):
            closed.add(id(side))
        elif side.option < 0 and option != now and id(side) not in closed:
            side.inner, side.outer, side.option = inner, outer, int(option)


def _bisect(variants: Variants, sides: Sequence[_Side], decision: Decision, now: int) -> None:
    """Narrow the brackets of all sides together."""
    while wide := [side for side in sides if side.outer - side.inner > PRECISION]:
        middles = [(side.inner + side.outer) / 2 for side in wide]
        changes = [
            variants.change(side.path, side.at(middle))
            for side, middle in zip(wide, middles, strict=True)
        ]
        options = _most_probable(variants, changes, decision)
        for side, middle, option in zip(wide, middles, options, strict=True):
            if option in (now, IMPOSSIBLE):
                side.inner = middle
            else:
                side.outer, side.option = middle, int(option)


def _most_probable(
    variants: Variants,
    changes: Sequence[Change],
    decision: Decision,
    picks: Sequence[FloatArray] | None = None,
) -> IntArray:
    """Place of the most probable option of a decision in each column; 0 is none.

    ``IMPOSSIBLE`` where no run can have the numbers of a column together.
    """

    def take(record: Record) -> FloatArray:
        return record.appraisal.probability[decision.state, :, decision.domain]

    with np.errstate(all="ignore"):  # absurd values beyond the evidence are only looked at
        found = variants.run(changes, decision.step, take, picks)
    if found.ndim == 1:
        return np.full(len(changes), IMPOSSIBLE)
    possible = np.isfinite(found).all(axis=0)
    return np.where(possible, np.argmax(np.nan_to_num(found), axis=0), IMPOSSIBLE)


def _flip(side: _Side, direct: bool) -> Flip:
    quantity, place = side.quantity, side.place
    return Flip(
        path=side.path,
        unit=quantity.unit,
        value=side.start,
        low=quantity.low[place],
        high=quantity.high[place],
        before=side.at(side.inner),
        after=side.at(side.outer),
        option=side.option,
        direct=direct,
    )
