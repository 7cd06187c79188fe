"""Why a state picked a power: terms, chances, the evidence behind them, and what would flip it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from sim.analysis import account, given
from sim.analysis.flips import Decision, Flip, find_flips
from sim.analysis.origin import Origin, Result, changes_since, origin_of
from sim.analysis.trail import evidence_trail
from sim.axes import DOMAINS
from sim.columns import SAME, Variants
from sim.decisions import NONE, decisions
from sim.errors import InputError, nearest
from sim.evidence import Ledger, load_ledger
from sim.plain import digest
from sim.provenance import Provenance, facts_used, of_quantity
from sim.scenario import Scenario
from sim.store import code_digest, versions
from sim.vary import find

if TYPE_CHECKING:
    import pandas as pd

REACH: Final = 1.0
"""How far beyond the evidence range flips are looked for, in widths of the range."""
MOST_REACH: Final = 100.0
"""Farther than this nobody means it."""
_MODULES: Final = ("analysis/explain.py", "analysis/flips.py", "analysis/trail.py", "columns.py")
"""Modules that bear on an explanation, beside those that bear on every run."""
_FLIP_COLUMNS: Final = (
    *("unit", "value", "low", "high", "before", "after"),
    *("change", "share", "inside", "direct"),
)


@dataclass(frozen=True)
class Explanation:
    """One decision taken apart.

    Attributes
    ----------
    state, power_names : names by code, for sentences.
    period, domain, replicate : which decision of which replicate of ``name``.
    offers : what ``table`` returns.
    trail : numbers behind each term, see ``sim.analysis.trail.evidence_trail``.
    flips : smallest change of each number that flips the most probable pick, smallest share of
        its evidence range first; columns as in ``Flip`` with ``change, share, inside, becomes``
        and the grounds of the number.
    reach : how far beyond the evidence ranges flips were looked for, in widths of a range.
    manifest : run, scenario, seed, code, ledger and versions behind it, and a hash of every fact.
    changed : what has changed since the run was stored, in words.
    """

    name: str
    state: str
    state_name: str
    power_names: Mapping[str, str]
    period: str
    domain: str
    replicate: int
    offers: pd.DataFrame
    trail: pd.DataFrame
    flips: pd.DataFrame
    reach: float
    manifest: Mapping[str, Any] = field(repr=False)
    changed: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """One row an option: offer, terms that add up to ``utility``, chance, pick.

        Columns as in ``sim.decisions.decisions``; terms and utility in log-odds against nobody.
        """
        return self.offers.copy()

    @property
    def most_probable(self) -> str:
        """Option with the highest probability; the first of equals."""
        return str(self.offers["option"].iloc[int(self.offers["probability"].argmax())])

    @property
    def picked(self) -> str:
        """Option that was picked in this replicate; in mean field the most probable one."""
        return str(self.offers["option"].iloc[int(self.offers["picked"].argmax())])

    def sentences(self) -> tuple[str, str, str]:
        """What was picked, why, and what would change it, for quotation."""
        return account.what(self), account.why(self), account.what_if(self)

    def text(self) -> str:
        """For a terminal: three sentences, offers and terms, evidence behind them, and flips."""
        title = f"{self.state_name}, {self.domain}, {self.period} · {self.name}, "
        parts = [
            [f"{title}replicate {self.replicate}"],
            list(self.sentences()),
            account.terms_text(self),
            [
                "What the terms rest on (change of the term from low to high, log-odds; of shares "
                "of a",
                "whole and of delivery the range holds nine of ten draws):",
            ],
            account.trail_text(self),
            ["Smallest change of a single number that flips the most probable pick:"],
            account.flips_text(self),
        ]
        if self.changed:
            parts.append([f"Since the run was stored: {', '.join(self.changed)}."])
        return "\n\n".join("\n".join(part) for part in parts)


def explain(
    result: Result,
    state: str,
    period: str,
    domain: str,
    replicate: int = 0,
    *,
    cell: int | None = None,
    reach: float = REACH,
    ledger: Ledger | None = None,
) -> Explanation:
    """Take one decision of one replicate apart.

    Parameters
    ----------
    result : a run, a sweep or a scenario. cell : number of the cell of a sweep.
    state, period, domain : such as ``KZ``, ``2029H1`` and ``energy``.
    reach : how far beyond the evidence ranges to look for flips, in widths of a range.
    ledger : facts behind the scenario; the package's own by default.

    Raises
    ------
    InputError
        There is no such state, half-year, domain, replicate or cell, or a fact that the scenario
        cites is not in the ledger.
    """
    for name, value in (("state", state), ("period", period), ("domain", domain)):
        given.text(name, value)
    given.real("reach", reach, 0.0, MOST_REACH)
    origin = origin_of(result, cell)
    facts = ledger or load_ledger()
    scenario = origin.scenario
    decision = _locate(origin, state, period, domain, replicate)
    variants = Variants(scenario, replicate)
    code = scenario.state_codes[decision.state]
    table = _offers(variants, decision, period)
    trail = evidence_trail(variants, decision, facts)
    flips = _flip_table(find_flips(variants, decision, reach), scenario, facts)
    return Explanation(
        name=origin.name,
        state=code,
        state_name=scenario.states[code.lower()].name,
        power_names={c.upper(): power.name for c, power in scenario.powers.items()},
        period=period,
        domain=domain,
        replicate=replicate,
        offers=table[(table["state"] == code) & (table["domain"] == domain)].reset_index(drop=True),
        trail=trail,
        flips=flips,
        reach=reach,
        manifest=_manifest(origin, replicate, facts, trail),
        changed=tuple(changes_since(origin, facts)),
    )


def _locate(origin: Origin, state: str, period: str, domain: str, replicate: int) -> Decision:
    scenario = origin.scenario
    origin.check_replicate(replicate)
    asked: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("state", state.upper(), scenario.state_codes),
        ("period", period, scenario.periods),
        ("domain", domain, DOMAINS),
    )
    for what, named, valid in asked:
        if named not in valid:
            begin = [label for label in valid if label.startswith(named)] if named else []
            hint = nearest(named, begin or valid)
            raise InputError(f"{what}: no '{named}' in {origin.name}{hint}")
    return Decision(
        step=scenario.periods.index(period),
        state=scenario.state_codes.index(state.upper()),
        domain=DOMAINS.index(domain),
    )


def _offers(variants: Variants, decision: Decision, period: str) -> pd.DataFrame:
    """Decision log of the half-year."""
    *_, (record, parameters) = variants.records([SAME], decision.step)
    return decisions(record, parameters, variants.scenario, period)


def _flip_table(flips: list[Flip], scenario: Scenario, ledger: Ledger) -> pd.DataFrame:
    import pandas as pd

    options = [NONE, *scenario.power_codes]
    rows = []
    for flip in flips:
        grounds = _grounds(scenario, flip.path, ledger)
        rows.append(
            {
                "parameter": flip.path,
                **{key: getattr(flip, key) for key in _FLIP_COLUMNS},
                "becomes": options[flip.option],
                "disputed": any(ledger.fact(fact).conflicts for fact in grounds.facts),
                "facts": grounds.facts,
                "sources": grounds.sources,
                "assumption": grounds.assumption,
            }
        )
    last = ["becomes", "disputed", "facts", "sources", "assumption"]
    columns = ["parameter", *_FLIP_COLUMNS, *last]
    return pd.DataFrame(rows, columns=columns)


def _grounds(scenario: Scenario, path: str, ledger: Ledger) -> Provenance:
    found = find(scenario, path)
    assert found is not None
    return next(row for row in of_quantity(found[0], ledger) if row.name == path)


def _manifest(
    origin: Origin, replicate: int, ledger: Ledger, trail: pd.DataFrame
) -> dict[str, Any]:
    """What the explanation rests on; a fact that is changed or removed shows in it."""
    used = [*facts_used(origin.scenario).values(), *trail["facts"]]
    facts = sorted({fact for row in used for fact in row})
    return {
        "run": origin.manifest.get("id", origin.name),
        "scenario": digest(origin.scenario),
        "seed": origin.scenario.seed,
        "replicate": replicate,
        "code": code_digest(*_MODULES),
        "ledger": ledger.digest,
        "versions": versions(),
        "facts": {
            name: blake2b(repr(ledger.fact(name)).encode(), digest_size=8).hexdigest()
            for name in facts
        },
    }
