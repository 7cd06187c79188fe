"""Factors in the order in which they matter, with the evidence behind each and who disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sim.analysis.words import (
    align,
    listing,
    number,
    percent,
    pinched,
    shortened,
    with_grounds,
)
from sim.evidence import Ledger
from sim.provenance import Provenance, of_quantity
from sim.scenario import Scenario, quantities

if TYPE_CHECKING:
    import pandas as pd

CHANCE: Final = "chance"
THEORY: Final = "theory"
EVIDENCE: Final = "evidence"
SETTING: Final = "setting"
"""Kind of a factor that is no number, such as a rule or the seed."""
SHOWN: Final = 12
"""Factors that the text shows."""
SHOWN_DISPUTED: Final = 3
"""Disputed numbers whose documents the text names."""
_INDICES: Final = ("total", "total_interval", "first", "first_interval")


def ranked(table: pd.DataFrame, scenario: Scenario, ledger: Ledger) -> pd.DataFrame:
    """Ranking with the evidence behind each number, the largest total index first."""
    import pandas as pd

    rows = {
        row.name: row for quantity in quantities(scenario) for row in of_quantity(quantity, ledger)
    }
    grounds = [_grounds(str(factor), rows.get(factor), ledger) for factor in table["factor"]]
    whole = pd.concat([table, pd.DataFrame(grounds, index=table.index)], axis=1)
    return whole.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)


def _grounds(factor: str, row: Provenance | None, ledger: Ledger) -> dict[str, Any]:
    """Evidence behind a factor; what is no number has none."""
    conflicts = () if row is None else _conflicts(row.facts, ledger)
    setting = factor if factor in (CHANCE, THEORY) else SETTING
    return {
        "kind": setting if row is None else EVIDENCE,
        "value": None if row is None else row.value,
        "low": None if row is None else row.low,
        "high": None if row is None else row.high,
        "unit": None if row is None else row.unit,
        "disputed": bool(conflicts),
        "facts": () if row is None else row.facts,
        "sources": () if row is None else row.sources,
        "conflicts": conflicts,
        "assumption": None if row is None else row.assumption,
    }


def _conflicts(facts: Sequence[str], ledger: Ledger) -> tuple[str, ...]:
    """Facts behind a number that disagree with others, and those others, in words."""
    named: dict[str, None] = {}
    for name in facts:
        conflicts = ledger.fact(name).conflicts
        if conflicts:
            named |= dict.fromkeys((name, *conflicts))
    found = []
    for name in named:
        fact = ledger.fact(name)
        source = ledger.source(fact.citations[0].source)
        figure = fact.figure if fact.value is not None else shortened(fact.paraphrase)
        found.append(f"{figure} ({source.title}, {source.outlet}, {source.date}) [{name}]")
    return tuple(found)


def split_text(split: pd.DataFrame, theories: Sequence[str]) -> list[str]:
    """Table of the variance of evidence, chance and theory."""
    rows = [["", "alone", "90 % interval", "with all others", "90 % interval"]]
    for _, row in split.iterrows():
        cells = [str(row["factor"])]
        for key in ("first", "total"):
            middle, half = row[key], row[f"{key}_interval"]
            cells += [percent(max(middle, 0.0)), f"± {100 * half:.0f}"]
        rows.append(cells)
    head = ["Share of the variance that goes once it is known (from a design of its own):"]
    if len(theories) > 1:
        head.append(f"Theories: {listing(theories)}.")
    return [*head, "", *align(rows, left=1)]


def ranking_text(ranking: pd.DataFrame) -> list[str]:
    """Table of the leading factors."""
    rows = [["", "number", "range", "unit", "total, %", "±", "alone, %", "±"]]
    grounds = [""]
    for place, row in ranking[ranking["total"] != 0].head(SHOWN).iterrows():
        known = row["kind"] == EVIDENCE
        rows.append(
            [
                str(int(str(place)) + 1),
                row["factor"],
                f"{number(row['low'])} to {number(row['high'])}" if known else "",
                row["unit"] if known else "",
                *(f"{100 * row[key]:.1f}" for key in _INDICES),
            ]
        )
        grounds.append(_ground(row) if known else "")
    return with_grounds(align(rows, left=4), grounds)


def _ground(row: Any) -> str:
    if row["conflicts"]:
        return f"disputed: {len(row['conflicts'])} figures"
    if row["sources"]:
        return pinched(row["sources"][0])
    return f"assumption: {shortened(str(row['assumption']))}"


def first_text(ranking: pd.DataFrame) -> list[str]:
    """Which number to pin down first, and who disagrees about it."""
    numbers = ranking[ranking["kind"] == EVIDENCE]
    clear = numbers[numbers["total"] > numbers["total_interval"]]
    if clear.empty:
        return ["No number stands out from the noise of the estimate; take more samples."]
    first = clear.iloc[0]
    lines = [
        f"Pin down first: {first['factor']}, which carries {percent(first['total'])} of the "
        f"variance; {_ground(first)}."
    ]
    disputed = clear[clear["disputed"]]
    for _, row in disputed.head(SHOWN_DISPUTED).iterrows():
        lines += ["", f"Documents disagree about {row['factor']} ({percent(row['total'])}):"]
        lines += [f"    {text}" for text in row["conflicts"]]
    return lines
