"""The evidence trail of a decision: which numbers each term rests on, found by moving them.

Every number of the scenario is moved over its evidence range, one at a time, while all picks before
the decision stay as they were; what moves with it rests on it. Nothing is listed by hand, so that a
trail cannot forget a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.analysis.flips import Decision
from sim.axes import FloatArray
from sim.columns import SAME, Change, Variants
from sim.decisions import TERMS
from sim.errors import InputError
from sim.evidence import Ledger
from sim.provenance import citations, of_quantity
from sim.record import Record
from sim.scenario import Scenario, quantities

if TYPE_CHECKING:
    import pandas as pd

NUDGE: Final = 0.01
"""Change that shows whether a term rests on a number: this share of it, or this if it is zero."""
RESOLUTION: Final = 1e-9
"""Change of a term, in log-odds, below which it is rounding."""
COLUMNS: Final = (
    "term",
    "power",
    "parameter",
    "value",
    "low",
    "high",
    "unit",
    "swing",
    "nudge",
    "disputed",
    "facts",
    "sources",
    "assumption",
    "set_by_user",
)


def evidence_trail(variants: Variants, decision: Decision, ledger: Ledger) -> pd.DataFrame:
    """Numbers behind each term of each power's offer, the most telling first.

    Parameters
    ----------
    variants : of the replicate. ledger : facts that its numbers rest on.

    Returns
    -------
    One row a term, power and number that moves it: ``value`` in this replicate, evidence range
    ``low`` to ``high`` in ``unit``, ``swing`` (term at the high end less that at the low end,
    log-odds), ``nudge`` (change of the term when the number grows by a hundredth; all that a fixed
    number has), whether facts behind it are ``disputed``, ids of the ``facts``, their ``sources``
    (title, outlet, date and place), the ``assumption`` and whether the user set it.

    Raises
    ------
    InputError
        A fact that the scenario cites is not in the ledger.
    """
    import pandas as pd

    found = _moved(variants, decision)
    grounds = _grounds(variants, ledger)
    rows = []
    for name, (swing, nudge) in found.items():
        moved = np.maximum(np.abs(swing), np.abs(nudge)) > RESOLUTION
        for term, power in np.argwhere(moved):
            parameter = grounds[name]
            rows.append(
                {
                    "term": TERMS[term],
                    "power": variants.scenario.power_codes[power],
                    **parameter,
                    "swing": swing[term, power],
                    "nudge": nudge[term, power],
                }
            )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    size = table["swing"].abs().to_numpy(float), table["nudge"].abs().to_numpy(float)
    return table.iloc[np.lexsort((size[1], size[0]))[::-1]].reset_index(drop=True)


def _grounds(variants: Variants, ledger: Ledger) -> dict[str, dict[str, object]]:
    """Value, range and evidence of each number of the scenario by flat name."""
    found: dict[str, dict[str, object]] = {}
    for quantity in quantities(variants.scenario):
        events = _event_facts(variants.scenario, quantity.path)
        for row in of_quantity(quantity, ledger):
            facts = tuple(dict.fromkeys((*row.facts, *events)))
            found[row.name] = {
                "parameter": row.name,
                "value": variants.value(row.name),
                "low": row.low,
                "high": row.high,
                "unit": row.unit,
                "disputed": any(ledger.fact(fact).conflicts for fact in facts),
                "facts": facts,
                "sources": tuple(line for fact in facts for line in citations(ledger, fact)),
                "assumption": row.assumption,
                "set_by_user": row.set_by_user,
            }
    return found


def _event_facts(scenario: Scenario, path: str) -> tuple[str, ...]:
    """Facts behind the event that a number belongs to."""
    part, _, rest = path.partition(".")
    return scenario.events[rest.split(".")[0]].evidence if part == "events" else ()


def _moved(variants: Variants, decision: Decision) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Swing and nudge of all terms by number, (term, power) each."""
    named = list(_numbers(variants))
    changes = [change or SAME for item in named for change in _moves(variants, *item)]
    history = variants.history(decision.step)
    with np.errstate(all="ignore"):
        terms = variants.run(
            [*changes, SAME], decision.step, lambda record: _terms(record, decision), history
        )
    now = terms[..., -1]
    terms = np.where(np.isfinite(terms), terms, now[..., np.newaxis])
    low, high, nudged = np.moveaxis(terms[..., :-1].reshape(*now.shape, -1, 3), -1, 0)
    return {
        name: (high[..., n] - low[..., n], nudged[..., n] - now)
        for n, (name, _, _) in enumerate(named)
    }


def _terms(record: Record, decision: Decision) -> FloatArray:
    """Terms of the offers of a decision, (term, power, column)."""
    shape = record.appraisal.utility.shape
    rows = [
        np.broadcast_to(term, shape)[decision.state, :, decision.domain]
        for term in record.appraisal.terms
    ]
    return np.stack(rows)


def _numbers(variants: Variants) -> Iterator[tuple[str, float, float]]:
    """Every number of the scenario with the ends of its range."""
    for quantity in quantities(variants.scenario):
        for entry, low, high in zip(quantity.entries, quantity.low, quantity.high, strict=True):
            yield quantity.name(entry), low, high


def _moves(variants: Variants, name: str, low: float, high: float) -> list[Change | None]:
    """A number at either end of its range and nudged; None where that is no change or no number."""
    value = variants.value(name)
    step = abs(value) * NUDGE or NUDGE
    ends = (low, high) if low < high and math.isfinite(high) else (value, value)
    up = _try(variants, name, value + step)
    return [*(_try(variants, name, end) for end in ends), up or _try(variants, name, value - step)]


def _try(variants: Variants, name: str, value: float) -> Change | None:
    if value == variants.value(name) or not math.isfinite(value):
        return None
    try:
        return variants.change(name, value)
    except InputError:  # shares above their whole, or outside the limits
        return None
