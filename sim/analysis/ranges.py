"""Evidence ranges of numbers, and where the facts behind them stand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sim.errors import InputError
from sim.evidence import Fact, Ledger
from sim.evidence.derive import derivation
from sim.quantity import Quantity
from sim.scenario import Scenario
from sim.sweep.factors import read_factors
from sim.vary import find

if TYPE_CHECKING:
    import pandas as pd

SHOWN: Final = 20
"""Numbers that are taken where none is named."""
COLUMNS: Final = (
    "parameter",
    "low",
    "value",
    "high",
    "unit",
    "fact",
    "fact_value",
    "conflicting",
)
_PER_CENT: Final = 100.0
_HUNDREDTHS: Final[Mapping[str, str]] = {"percent/yr": "1/yr", "percent of GDP": "share"}
"""Units of which a hundred are one of another. A bare percent is left out: of what is not said."""


def ranges(
    scenario: Scenario,
    ledger: Ledger,
    parameters: Sequence[str] | None = None,
    *,
    shown: int = SHOWN,
) -> pd.DataFrame:
    """Ranges of numbers of a scenario with the facts behind them, and those that contradict these.

    Parameters
    ----------
    scenario : whose numbers. ledger : facts that they rest on.
    parameters : flat names such as ``powers.eu.budget``. By default the numbers about which
        documents disagree and that have a fact to show, with the widest range (in units of the
        central value) first.
    shown : how many are taken where none is named.

    Returns
    -------
    One row a number and fact: ``parameter``, evidence range ``low`` to ``high`` around the central
    ``value`` in ``unit``, id of the ``fact``, ``fact_value`` in the same unit, and whether the fact
    is ``conflicting`` with another. A fact in another unit is left out, unless the derivation of
    the number turns it into one of its unit or it is a hundredth of it (per cent a year, per cent
    of GDP). A number without any fact left has one row with an empty ``fact`` and NaN. A fact
    keeps its own number also where the range was judged from it rather than taken over, such as
    an expansion from two capacities.

    Raises
    ------
    InputError
        A name is no number of the scenario, or one that is fixed or infinite; none is left, or a
        fact that the scenario cites is not in the ledger.
    """
    import pandas as pd

    if isinstance(shown, bool) or not isinstance(shown, int) or shown < 1:
        raise InputError(f"shown: must be a whole number from 1 on, not {shown!r}")
    if parameters is None:
        chosen = _disputed(scenario, ledger)[:shown]
    else:
        named = [parameters] if isinstance(parameters, str) else parameters
        chosen = list(dict.fromkeys(_ranged(scenario, path)[0] for path in named))
    if not chosen:
        raise InputError("no number has a range and facts that disagree; name 'parameters'")
    rows = []
    for name in chosen:
        _, quantity, entry = _ranged(scenario, name)
        place = quantity.entries.index(entry)
        ends = (quantity.low[place], quantity.value[place], quantity.high[place])
        facts = list(_facts(quantity, entry, ledger)) or [("", math.nan, False)]
        rows += [(name, *ends, quantity.unit, *fact) for fact in facts]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _disputed(scenario: Scenario, ledger: Ledger) -> list[str]:
    """Numbers about which documents disagree and with a fact in their unit, widest range first."""
    factors = read_factors(("disputed",), scenario, ledger, lambda name: False)
    widths = {}
    for factor in factors:
        _, quantity, entry = _ranged(scenario, factor.path)
        place = quantity.entries.index(entry)
        width, value = quantity.high[place] - quantity.low[place], abs(quantity.value[place])
        if any(_facts(quantity, entry, ledger)):
            widths[factor.path] = width / value if value else math.inf
    return sorted(widths, key=lambda name: -widths[name])


def _ranged(scenario: Scenario, path: str) -> tuple[str, Quantity, str]:
    """Flat name, quantity and entry at a path, which must have a finite range."""
    found = find(scenario, path)
    if found is None:
        raise InputError(f"{path}: is not a number")
    quantity, entry = found
    place = quantity.entries.index(entry)
    low, high = quantity.low[place], quantity.high[place]
    if not math.isfinite(high - low):
        raise InputError(f"{path}: has no finite range ({low:g} to {high:g})")
    if low == high:
        raise InputError(f"{path}: is fixed at {low:g} and has no range")
    return quantity.name(entry), quantity, entry


def _facts(quantity: Quantity, entry: str, ledger: Ledger) -> Iterator[tuple[str, float, bool]]:
    """Facts behind a number and those they contradict: id, value in its unit, conflicting."""
    cited = [ledger.fact(name) for name in quantity.facts(entry)]
    others = [ledger.fact(name) for fact in cited for name in fact.conflicts]
    for fact in {fact.id: fact for fact in (*cited, *others)}.values():
        value = _in_unit(fact, quantity, ledger)
        if value is not None:
            yield fact.id, value, bool(fact.conflicts)


def _in_unit(fact: Fact, quantity: Quantity, ledger: Ledger) -> float | None:
    """Number of a fact in the unit of a quantity; None where it has none."""
    if fact.value is None:
        return None
    if fact.unit == quantity.unit:
        return fact.value
    if _HUNDREDTHS.get(fact.unit) == quantity.unit:
        return fact.value / _PER_CENT
    return _derived(fact, quantity, ledger)


def _derived(fact: Fact, quantity: Quantity, ledger: Ledger) -> float | None:
    """What the derivation of a quantity makes of a fact in place of the only one it names."""
    if quantity.derivation is None:
        return None
    arguments = quantity.derivation.arguments.get("value", {})
    named = {key: ledger.fact(name) for key, name in arguments.items() if isinstance(name, str)}
    if len(named) != 1:
        return None
    ((key, own),) = named.items()
    if (own.unit, own.kind) != (fact.unit, fact.kind):
        return None
    numbers = {name: float(number) for name, number in arguments.items() if name != key}
    assert fact.value is not None
    return derivation(quantity.derivation.rule)(**numbers, **{key: fact.value})
