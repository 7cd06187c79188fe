"""Where each number of a scenario comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.evidence import Ledger
from sim.quantity import Quantity
from sim.scenario import Scenario, quantities


@dataclass(frozen=True)
class Provenance:
    """One number with its range and the grounds it stands on.

    Attributes
    ----------
    name : flat name, such as ``powers.eu.budget`` or ``states.kz.trade.ru``.
    value, low, high : in ``unit``.
    facts : ids in the ledger.
    sources : title, outlet, date and place of each citation of those facts.
    assumption : the reason given where facts do not settle the number.
    set_by_user : whether the value or its range was set on the command line.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    facts: tuple[str, ...]
    sources: tuple[str, ...]
    assumption: str | None
    set_by_user: bool

    @property
    def grounds(self) -> str:
        """One line: set by the user, the facts, or the assumption."""
        if self.set_by_user:
            return "set by the user"
        facts = ", ".join(self.facts)
        reason = f"assumption: {self.assumption}" if self.assumption else ""
        return "; ".join(part for part in (facts, reason) if part)


def provenance(scenario: Scenario, ledger: Ledger) -> list[Provenance]:
    """Provenance of every number of a scenario, in the order of its fields."""
    return [row for quantity in quantities(scenario) for row in of_quantity(quantity, ledger)]


def of_quantity(quantity: Quantity, ledger: Ledger) -> Iterator[Provenance]:
    """Provenance of each entry of one quantity."""
    for place, entry in enumerate(quantity.entries):
        facts = quantity.facts(entry)
        yield Provenance(
            name=quantity.name(entry),
            value=quantity.value[place],
            low=quantity.low[place],
            high=quantity.high[place],
            unit=quantity.unit,
            facts=facts,
            sources=tuple(line for fact in facts for line in citations(ledger, fact)),
            assumption=quantity.assumption,
            set_by_user=entry in quantity.user_set or quantity.user_range,
        )


def as_text(rows: list[Provenance], ledger: Ledger) -> str:
    """Table of numbers with value, range, unit and grounds, then the citations of their facts."""
    head = ("parameter", "value", "range", "unit", "grounds")
    cells = [
        (
            row.name,
            f"{row.value:.6g}",
            "fixed" if row.low == row.high else f"{row.low:.4g} to {row.high:.4g}",
            row.unit,
            row.grounds,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *cells)) for column in range(len(head) - 1)]
    lines = [
        "  ".join(
            [*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[-1]]
        )
        for line in (head, *cells)
    ]
    cited = dict.fromkeys(fact for row in rows for fact in row.facts)
    for fact in cited:
        lines += ["", f"{fact}: {ledger.fact(fact).figure}"]
        lines += [f"    {line}" for line in citations(ledger, fact)]
    return "\n".join(lines)


def citations(ledger: Ledger, fact_id: str) -> list[str]:
    """Title, outlet, date and place of each citation of a fact."""
    lines = []
    for citation in ledger.fact(fact_id).citations:
        source = ledger.source(citation.source)
        lines.append(f"{source.title} ({source.outlet}, {source.date}), {citation.place}")
    return lines


def facts_used(scenario: Scenario) -> dict[str, list[str]]:
    """Fact ids by the parameter, event or story that rests on them."""
    used = {q.path: list(q.all_facts()) for q in quantities(scenario) if q.evidence}
    for name, event in scenario.events.items():
        if event.evidence:
            used[f"events.{name}"] = list(event.evidence)
    used["story"] = list(scenario.story.evidence)
    return used
