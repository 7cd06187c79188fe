"""A scenario as it would stand without a document.

The facts that the document alone states are gone. Of a number that rested on other facts too the
ends of the range that were derived from a lost fact close in on what is left. A number that has
lost all its facts, or all that it was derived from, becomes an assumption drawn from a range twice
as wide, since less is known of it; shares of one whole as far as the whole allows. Fixed numbers
(memberships, dates, counts) stay: they are no estimates.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sim.evidence import Ledger
from sim.quantity import Derivation, Draw, Form, Limits, Quantity
from sim.scenario import Scenario
from sim.vary import form_of

WIDER: Final = 2.0
"""Factor by which the range of a number grows that has lost all its facts."""

Ends = dict[str, tuple[float, float, float]]
"""Low, value and high by entry."""


def without(
    scenario: Scenario, document: str, ledger: Ledger, lost: Counter[str] | None = None
) -> Scenario:
    """Scenario, and the baselines behind it, as they would stand without a document.

    Parameters
    ----------
    lost : counts the numbers that lose all their facts, by name.
    """
    gone = frozenset(
        name
        for name, fact in ledger.facts.items()
        if {citation.source for citation in fact.citations} == {document}
    )
    counter = Counter[str]() if lost is None else lost
    alone = replace(scenario, baseline=None)
    found: Scenario = _mapped(alone, lambda quantity: _bereft(alone, quantity, gone, counter))
    base = scenario.baseline and without(scenario.baseline, document, ledger)
    if found is alone and base is scenario.baseline:
        return scenario
    return replace(found, baseline=base)


def _bereft(
    scenario: Scenario, quantity: Quantity, gone: frozenset[str], lost: Counter[str]
) -> Quantity:
    """Quantity without some facts."""
    if gone.isdisjoint(quantity.all_facts()) or quantity.user_range:
        return quantity
    bare = [entry for entry in quantity.entries if _bare(quantity, entry, gone)]
    lost.update(quantity.name(entry) for entry in bare)
    changed = quantity
    if quantity.draw is Draw.TRIANGULAR:
        changed = _moved(quantity, bare, gone, form_of(scenario, quantity.path))
    elif quantity.concentration is not None and all(
        entry in bare for entry in quantity.entries if quantity.facts(entry)
    ):
        changed = replace(quantity, concentration=quantity.concentration / WIDER**2)
    kept = {
        entry: tuple(fact for fact in facts if fact not in gone)
        for entry, facts in quantity.evidence.items()
    }
    return replace(changed, evidence={entry: facts for entry, facts in kept.items() if facts})


def _bare(quantity: Quantity, entry: str, gone: frozenset[str]) -> bool:
    """Whether an entry has lost all its facts, or all that it was derived from."""
    facts = quantity.facts(entry)
    if not facts or entry in quantity.user_set:
        return False
    rule = quantity.derivation
    if rule is not None and not _survives(rule.arguments, gone):
        return True
    return gone.issuperset(facts)


def _survives(
    arguments: Mapping[str, Mapping[str, str | float]], gone: frozenset[str]
) -> list[str]:
    """Which of value, low and high are derived from nothing that is lost."""
    return [key for key, given in arguments.items() if gone.isdisjoint(map(str, given.values()))]


def _moved(quantity: Quantity, bare: Sequence[str], gone: frozenset[str], form: Form) -> Quantity:
    """Quantity with other ranges."""
    numbers = zip(quantity.low, quantity.value, quantity.high, strict=True)
    ends: Ends = dict(zip(quantity.entries, numbers, strict=True))
    rule = quantity.derivation
    if rule is not None and not bare and not quantity.user_set:
        ends = {entry: _closed(rule, found, gone) for entry, found in ends.items()}
    for entry in bare:
        ends[entry] = _widened(ends[entry], form.limits)
    if form.simplex is not None:
        ends = _within_whole(ends, bare)
    low, value, high = zip(*ends.values(), strict=True)
    return replace(quantity, low=low, value=value, high=high)


def _widened(ends: tuple[float, float, float], limits: Limits) -> tuple[float, float, float]:
    low, value, high = ends
    least = max(limits.lower, value - WIDER * (value - low))
    if limits.positive and least <= limits.lower:
        least = low
    return least, value, min(limits.upper, value + WIDER * (high - value))


def _closed(
    rule: Derivation, ends: tuple[float, float, float], gone: frozenset[str]
) -> tuple[float, float, float]:
    """Low, value and high when those derived from a lost fact close in on the others."""
    numbers = dict(zip(("low", "value", "high"), ends, strict=True))
    kept = [numbers[key] for key in _survives(rule.arguments, gone)]
    missing = set(rule.arguments) - set(_survives(rule.arguments, gone))
    value = (min(kept) + max(kept)) / 2 if "value" in missing else numbers["value"]
    low = min(kept) if "low" in missing else min(numbers["low"], value)
    high = max(kept) if "high" in missing else max(numbers["high"], value)
    return low, value, high


def _within_whole(ends: Ends, widened: Sequence[str]) -> Ends:
    """Ranges of shares of one whole, the widened ones so far that all may be high at once."""
    excess = math.fsum(ends[entry][2] - ends[entry][1] for entry in widened)
    taken = math.fsum(ends[entry][1 if entry in widened else 2] for entry in ends)
    part = min(1.0, max(0.0, 1.0 - taken) / excess) if excess > 0 else 1.0
    drawn_in = {
        entry: (low, value, value + part * (high - value))
        for entry, (low, value, high) in ends.items()
        if entry in widened
    }
    return {**ends, **drawn_in}


def _mapped(node: Any, change: Callable[[Quantity], Quantity]) -> Any:
    """A scenario or part of it with its quantities changed; parts without change stay the same."""
    if isinstance(node, Quantity):
        return change(node)
    if isinstance(node, Mapping):
        parts = {key: _mapped(part, change) for key, part in node.items()}
        return parts if any(parts[key] is not node[key] for key in parts) else node
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    fields = {item.name: getattr(node, item.name) for item in dataclasses.fields(node)}
    changed = {name: _mapped(part, change) for name, part in fields.items()}
    moved = {name: part for name, part in changed.items() if part is not fields[name]}
    return replace(node, **moved) if moved else node
