"""Why a state picked a power: terms, chances, the evidence behind them, and what would flip it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from sim.analysis import account, given
from sim.analysis.flips import Decision, Flip, find_flips
from sim.analysis.origin import Origin, Result, changes_since, origin_of
from sim.analysis.picked import Picked, check_decision, in_log
from sim.analysis.trail import evidence_trail
from sim.axes import DOMAINS
from sim.code import code_digest, versions
from sim.columns import SAME, Variants
from sim.decisions import NONE, decisions
from sim.evidence import Ledger, load_ledger
from sim.plain import digest
from sim.provenance import Provenance, facts_used, of_quantity
from sim.scenario import Scenario
from sim.vary import find

if TYPE_CHECKING:
    import pandas as pd

REACH: Final = 1.0
"""How far beyond the evidence range flips are looked for, in widths of the range."""
MOST_REACH: Final = 100.0
"""Farther than this nobody means it."""
_MODULES: Final = (
    *("analysis/explain.py", "analysis/flips.py", "analysis/picked.py", "analysis/trail.py"),
    "columns.py",
)
"""Modules that bear on an explanation, beside those that bear on every run."""
_FLIP_COLUMNS: Final = (
    *("unit", "value", "low", "high", "before", "after"),
    *("change", "share", "inside", "direct"),
)


@dataclass(frozen=True)
class Explanation(Picked):
    """One decision taken apart.

    Attributes
    ----------
    trail : numbers behind each term, see ``sim.analysis.trail.evidence_trail``.
    flips : smallest change of each number that flips the most probable pick, smallest share of
        its evidence range first; columns as in ``Flip`` with ``change, share, inside, becomes``
        and the grounds of the number.
    reach : how far beyond the evidence ranges flips were looked for, in widths of a range.
    manifest : run, scenario, seed, code, ledger and versions behind it, and a hash of every fact.
    changed : what has changed since the run was stored, in words.

    See ``Picked`` for the others.
    """

    trail: pd.DataFrame
    flips: pd.DataFrame
    reach: float
    manifest: Mapping[str, Any] = field(repr=False)
    changed: tuple[str, ...] = ()

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

    Examples
    --------
    >>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2026H1", replicates=20)
    >>> why = sim.explain(scenario, "KZ", "2025H2", "energy", reach=0)
    >>> why.table().set_index("option")["probability"].round(2).to_dict()
    {'none': 0.52, 'RU': 0.02, 'CN': 0.29, 'EU': 0.17}
    """
    for name, value in (("state", state), ("period", period), ("domain", domain)):
        given.text(name, value)
    given.real("reach", reach, 0.0, MOST_REACH)
    origin = origin_of(result, cell)
    facts = ledger or load_ledger()
    scenario = origin.scenario
    decision = _locate(origin, state, period, domain, replicate)
    variants = Variants(scenario, replicate)
    *_, (record, parameters) = variants.records([SAME], decision.step)
    log = decisions(record, parameters, scenario, period)
    trail = evidence_trail(variants, decision, facts)
    flips = _flip_table(find_flips(variants, decision, reach), scenario, facts)
    return Explanation(
        **vars(in_log(log, scenario, origin.name, state, domain, replicate)),
        trail=trail,
        flips=flips,
        reach=reach,
        manifest=_manifest(origin, replicate, facts, trail),
        changed=tuple(changes_since(origin, facts)),
    )


def _locate(origin: Origin, state: str, period: str, domain: str, replicate: int) -> Decision:
    scenario = origin.scenario
    origin.check_replicate(replicate)
    check_decision(scenario, origin.name, state, period, domain)
    return Decision(
        step=scenario.periods.index(period),
        state=scenario.state_codes.index(state.upper()),
        domain=DOMAINS.index(domain),
    )


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
