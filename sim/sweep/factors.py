"""Factors of a design: what varies, between which ends.

A factor is written as

* a path, ``powers.eu.budget``: its evidence range;
* a mapping with ``path`` and either ``low`` and ``high`` or a list of ``values``;
* a word for many numbers, each over its evidence range: ``disputed`` (facts behind it conflict),
  ``assumed`` (no fact behind it) or ``uncertain`` (every number that has a range).

Words leave out numbers of states and powers that take no part, and shares of one whole that cannot
all vary at once because nothing would be left to make up the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

import numpy as np

from sim.axes import POWERS, ROW, STATES
from sim.errors import InputError, nearest
from sim.evidence import Ledger
from sim.quantity import Draw, Quantity
from sim.scenario import Scenario, quantities
from sim.sweep.designs import Over, check_over
from sim.vary import find

Choose = Callable[[Quantity, str, Ledger], bool]
WORDS: Final[Mapping[str, Choose]] = {
    "disputed": lambda q, entry, ledger: any(
        ledger.facts[fact].conflicts for fact in q.facts(entry)
    ),
    "assumed": lambda q, entry, _: not q.facts(entry),
    "uncertain": lambda q, entry, _: True,
}
"""Words for many numbers, and which of those that have a range they mean."""
NOBODY: Final = "none"
"""Name of the option to pick nobody."""
_KEYS: Final = ("path", "low", "high", "values")


@dataclass(frozen=True)
class Factor:
    """Something that varies: a list of values, a range, or the evidence range of a number.

    ``composed`` marks an option of a configuration group, which is composed rather than set.
    """

    path: str
    values: tuple[Any, ...] | None = None
    low: float | None = None
    high: float | None = None
    composed: bool = False

    def at(self, place: float, scenario: Scenario) -> Any:
        """Value at a coordinate between 0 and 1; ranges left out are those of the scenario."""
        if self.values is not None:
            return self.pick(place)
        low, high = self.ends(scenario)
        return min(max(low * (1 - place) + high * place, low), high)

    def pick(self, place: float) -> Any:
        """Value of a list at a coordinate between 0 and 1."""
        assert self.values is not None
        return self.values[min(int(place * len(self.values)), len(self.values) - 1)]

    def ends(self, scenario: Scenario) -> tuple[float, float]:
        """Ends of the range."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        return evidence_range(scenario, self.path)


def evidence_range(scenario: Scenario, path: str) -> tuple[float, float]:
    """Low and high of a number of a scenario; equal where it is fixed.

    Raises
    ------
    InputError
        The path names no number, or an infinite one.
    """
    quantity, entry = _number(scenario, path)
    place = quantity.entries.index(entry)
    low, high = quantity.low[place], quantity.high[place]
    if math.isinf(high):
        raise InputError(f"sweep.over: {path} is infinite; give 'low' and 'high', or 'values'")
    return low, high


def _number(scenario: Scenario, path: str) -> tuple[Quantity, str]:
    """Quantity and entry at a path."""
    found = find(scenario, path)
    if found is None:
        raise InputError(f"sweep.over: {path} is not a number; give its 'values'")
    return found


def read_factors(
    over: Over,
    scenario: Scenario,
    ledger: Ledger,
    is_group: Callable[[str], bool],
    beside: Collection[str] = (),
) -> list[Factor]:
    """Factors as written, with words spelt out.

    Parameters
    ----------
    over : as written.
    scenario : the first that the sweep visits; its numbers are those that words mean.
    is_group : whether a name is a configuration group.
    beside : what is set beside the design; words do not mean it.

    Raises
    ------
    InputError
        Something is not of the form of a factor, has no range, is named twice, or is set beside.
    """
    check_over(over)
    factors: list[Factor] = []
    for item in over:
        if isinstance(item, str) and item in WORDS:
            known = {*beside, *(factor.path for factor in factors)}
            named = _meant(WORDS[item], scenario, ledger)
            factors += [Factor(path) for path in named if path not in known]
        else:
            factors.append(_read(item, scenario, is_group))
    paths = [factor.path for factor in factors]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"sweep.over: {path} is named twice")
        if path in beside:
            raise InputError(f"sweep.over: {path} is set beside the sweep as well")
    return factors


def options(over: Over, is_group: Callable[[str], bool]) -> dict[str, list[str]]:
    """Values of the factors that are configuration groups, as far as they have the form of one."""
    return {
        item["path"]: list(map(str, item["values"]))
        for item in (over if isinstance(over, list | tuple) else ())
        if isinstance(item, Mapping)
        and isinstance(item.get("values"), list | tuple)
        and item["values"]
        and isinstance(item.get("path"), str)
        and is_group(item["path"])
    }


def _meant(choose: Choose, scenario: Scenario, ledger: Ledger) -> list[str]:
    """Paths of the numbers that a word means; see above on those left out."""
    absent = {*POWERS, *STATES} - set(scenario.powers) - set(scenario.states)
    found = []
    for quantity in quantities(scenario):
        if quantity.draw is Draw.FIXED or not absent.isdisjoint(quantity.path.split(".")[2:]):
            continue
        counts = {ROW.lower(), NOBODY} & set(quantity.entries)  # those absent are part of the rest
        meant = [
            entry
            for place, entry in enumerate(quantity.entries)
            if (counts or entry not in absent)
            and quantity.low[place] < quantity.high[place]
            and choose(quantity, entry, ledger)
        ]
        if quantity.draw is not Draw.DIRICHLET or _leave_a_rest(quantity, meant):
            found += [quantity.name(entry) for entry in meant]
    return found


def _leave_a_rest(quantity: Quantity, entries: Sequence[str]) -> bool:
    """Whether shares can all be as high as they may, with others left to make up the whole."""
    highest = [quantity.high[quantity.entries.index(entry)] for entry in entries]
    return math.fsum(highest) < math.fsum(quantity.value) and len(entries) < len(quantity.entries)


def _read(item: Any, scenario: Scenario, is_group: Callable[[str], bool]) -> Factor:
    if isinstance(item, str):
        item = {"path": item}
    if not isinstance(item, Mapping) or not isinstance(item.get("path"), str):
        raise InputError(
            f"sweep.over: {item!r} is neither a path nor a mapping with one; write "
            "{path: powers.eu.budget, values: [2, 3]}"
        )
    for key in item:
        if key not in _KEYS:
            raise InputError(f"sweep.over: unknown key '{key}'{nearest(str(key), _KEYS)}")
    path, values = item["path"], _plain(item.get("values"))
    ends = [_plain(item.get("low")), _plain(item.get("high"))]
    if values is not None:
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise InputError(f"sweep.over: values of {path} must be a list, not {values!r}")
        if ends != [None, None]:
            raise InputError(f"sweep.over: {path} has values; leave out low and high")
        if is_group(path):
            return Factor(path, values=tuple(map(str, values)), composed=True)
        return Factor(_canonical(path, scenario), values=tuple(map(_plain, values)))
    if is_group(path):
        raise InputError(f"sweep.over: {path} is a group of files; give the 'values' to take")
    return _ranged(_canonical(path, scenario), ends, scenario)


def _plain(value: Any) -> Any:
    """Python's own numbers and lists for NumPy's."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _ranged(path: str, ends: list[Any], scenario: Scenario) -> Factor:
    if ends == [None, None]:
        low, high = evidence_range(scenario, path)
        if low == high:
            raise InputError(
                f"sweep.over: {path} is fixed at {low:g} and has no range; give 'low' and 'high'"
            )
        return Factor(path)
    for key, end in zip(("low", "high"), ends, strict=True):
        if isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end):
            raise InputError(f"sweep.over: {key} of {path} must be a number, not {end!r}")
    if not ends[0] < ends[1]:
        raise InputError(f"sweep.over: low of {path} ({ends[0]:g}) is not below high ({ends[1]:g})")
    _number(scenario, path)
    return Factor(path, low=float(ends[0]), high=float(ends[1]))


def _canonical(path: str, scenario: Scenario) -> str:
    """Path as it stands in results: without the key ``value`` of a quantity."""
    try:
        found = find(scenario, path)
    except InputError as error:
        word = get_close_matches(path, WORDS)
        hint = f"; or the word '{word[0]}'" if word else ""
        raise InputError(f"sweep.over: {error}{hint}") from None
    return path if found is None else found[0].name(found[1])
