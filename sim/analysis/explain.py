"""Why a state picked a power: terms, chances, the evidence behind them, and what would flip it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from sim.analysis.flips import Decision, Flip, find_flips
from sim.analysis.origin import Origin, Result, changes_since, origin_of
from sim.analysis.trail import evidence_trail
from sim.analysis.words import align, listing, number, percent, pinched, shortened, signed
from sim.axes import DOMAINS
from sim.columns import SAME, Variants
from sim.decisions import NONE, TERMS, decisions
from sim.errors import InputError, nearest
from sim.evidence import Ledger, load_ledger
from sim.plain import digest
from sim.provenance import Provenance, of_quantity
from sim.scenario import Scenario
from sim.store import code_digest, versions
from sim.vary import find

if TYPE_CHECKING:
    import pandas as pd

SHOWN_NUMBERS: Final = 3
"""Numbers behind each term that the text shows."""
SHOWN_FLIPS: Final = 8
"""Flips that the text shows."""
REACH: Final = 1.0
"""How far beyond the evidence range flips are looked for, in widths of the range."""
_FLIP_COLUMNS: Final = [
    "unit",
    "value",
    "low",
    "high",
    "before",
    "after",
    "change",
    "share",
    "inside",
]
_OFFERED: Final = ("value", "conditions", "credibility")
_HEADS: Final[Mapping[str, str]] = {
    "value": "value, % of GDP",
    "conditions": "conditions, share",
    "credibility": "credibility, share",
    "lock_in": "lock-in",
    "utility": "utility, log-odds",
}


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
        return _what(self), _why(self), _what_if(self)

    def text(self) -> str:
        """For a terminal: offers and terms, evidence behind them, flips, and three sentences."""
        title = f"{self.state_name}, {self.domain}, {self.period} · {self.name}, "
        parts = [
            [f"{title}replicate {self.replicate}"],
            _terms_text(self),
            ["What the terms rest on (change of the term from low to high, log-odds):"],
            _trail_text(self),
            ["Smallest change of a single number that flips the most probable pick:"],
            _flips_text(self),
            list(self.sentences()),
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
    for what, given, valid in asked:
        if given not in valid:
            begin = [label for label in valid if label.startswith(given)] if given else []
            raise InputError(
                f"{what}: no '{given}' in {origin.name}{nearest(given, begin or valid)}"
            )
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
                **{
                    key: value
                    for key, value in asdict(flip).items()
                    if key not in ("path", "option")
                },
                "becomes": options[flip.option],
                "facts": grounds.facts,
                "sources": grounds.sources,
                "assumption": grounds.assumption,
            }
        )
    columns = ["parameter", *_FLIP_COLUMNS, "becomes", "facts", "sources", "assumption"]
    return pd.DataFrame(rows, columns=columns)


def _grounds(scenario: Scenario, path: str, ledger: Ledger) -> Provenance:
    found = find(scenario, path)
    assert found is not None
    return next(row for row in of_quantity(found[0], ledger) if row.name == path)


def _manifest(
    origin: Origin, replicate: int, ledger: Ledger, trail: pd.DataFrame
) -> dict[str, Any]:
    """What the explanation rests on; a fact that is changed or removed shows in it."""
    facts = sorted({fact for row in trail["facts"] for fact in row})
    return {
        "run": origin.manifest.get("id", origin.name),
        "scenario": digest(origin.scenario),
        "seed": origin.scenario.seed,
        "replicate": replicate,
        "code": code_digest("analysis"),
        "ledger": ledger.digest,
        "versions": versions(),
        "facts": {
            name: blake2b(repr(ledger.fact(name)).encode(), digest_size=8).hexdigest()
            for name in facts
        },
    }


def _name(found: Explanation, option: str) -> str:
    return "nobody" if option == NONE else _the(found.power_names[option])


def _the(name: str) -> str:
    return f"the {name}" if name.startswith(("European", "United")) else name


def _what(found: Explanation) -> str:
    ranked = found.offers.sort_values("probability", ascending=False, kind="stable")
    first, *others = (
        f"{_name(found, option)} ({percent(share)})"
        for option, share in zip(ranked["option"], ranked["probability"], strict=True)
    )
    sentence = (
        f"In {found.period} {found.state_name} most probably picks {first} in {found.domain}, "
        f"before {listing(others)}"
    )
    if found.picked == found.most_probable:
        return f"{sentence}; in this replicate it does."
    return f"{sentence}; in this replicate chance has it pick {_name(found, found.picked)}."


def _why(found: Explanation) -> str:
    ranked = found.offers.sort_values("probability", ascending=False, kind="stable")
    first, second = (ranked.iloc[place] for place in (0, 1))
    gaps = {term: _term(first, term) - _term(second, term) for term in TERMS}
    order = sorted(gaps, key=lambda term: -abs(gaps[term]))
    pro = [f"{_head(t)} ({signed(gaps[t])})" for t in order if gaps[t] > 0][:2]
    con = [f"{_head(t)} ({signed(gaps[t])})" for t in order if gaps[t] < 0][:2]
    names = _name(found, first["option"]), _name(found, second["option"])
    gap = _term(first, "utility") - _term(second, "utility")
    beside = f"Compared with {names[1]}, {names[0]} gains"
    if not pro and not con:
        return f"{beside} nothing: both are equal in every term."
    sides = [f"most by {' and '.join(pro)}" if pro else "nothing by any term"]
    sides += [f"loses most by {' and '.join(con)}"] if con else []
    return f"{beside} {' and '.join(sides)}; all terms together make {signed(gap)} log-odds."


def _what_if(found: Explanation) -> str:
    if found.flips.empty:
        return (
            "No single number, wherever it lies in its evidence range or as far again beyond it, "
            "would make another option the most probable."
        )
    flip = found.flips.iloc[0]
    verb = "rose" if flip["change"] > 0 else "fell"
    if flip["sources"]:
        grounds = f"rests on {flip['sources'][0]}"
    else:
        grounds = f"is an assumption ({shortened(str(flip['assumption']))})"
    place = "" if flip["inside"] else ", which is outside its evidence range"
    return (
        f"It would most probably be {_name(found, flip['becomes'])} if {flip['parameter']} {verb} "
        f"from {number(flip['value'])} to {number(flip['after'])}{_unit(flip['unit'])} "
        f"({percent(flip['share'])} of the width of its range, {number(flip['low'])} to "
        f"{number(flip['high'])}){place}; this number {grounds}."
    )


def _term(row: Any, term: str) -> float:
    """Term of an option; nobody has none."""
    return 0.0 if row["option"] == NONE and term in TERMS else float(row[term])


def _head(term: str) -> str:
    return _HEADS.get(term, term)


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def _terms_text(found: Explanation) -> list[str]:
    rows = [["", *found.offers["option"]]]
    used = [term for term in TERMS if (found.offers[term].fillna(0) != 0).any()]
    for column in (*_OFFERED, *used, "utility"):
        show = number if column in _OFFERED else signed
        rows.append([_head(column), *(show(float(x)) for x in found.offers[column])])
    rows.append(["probability", *(percent(x) for x in found.offers["probability"])])
    drawn = found.offers["score"] + found.offers["noise"]
    rows.append(["score with noise", *(signed(float(x)) for x in drawn)])
    marks = ["picked" if option == found.picked else "" for option in found.offers["option"]]
    return align([*rows, ["", *marks]], left=1)


def _trail_text(found: Explanation) -> list[str]:
    """Most telling numbers of each term of the two most probable powers."""
    ranked = found.offers.sort_values("probability", ascending=False, kind="stable")
    powers = [option for option in ranked["option"] if option != NONE][:2]
    rows = [["term", "number", "value", "range", "unit", "change", "grounds"]]
    for power in powers:
        for term in TERMS:
            here = found.trail[(found.trail["term"] == term) & (found.trail["power"] == power)]
            for _, row in here[here["swing"] != 0].head(SHOWN_NUMBERS).iterrows():
                span = f"{number(row['low'])} to {number(row['high'])}"
                rows.append(
                    [
                        f"{power} {_head(term)}",
                        row["parameter"],
                        number(row["value"]),
                        span,
                        row["unit"],
                        signed(row["swing"]),
                        _grounds_text(row),
                    ]
                )
    return align([[*row[:6], row[6]] for row in rows], left=7)


def _grounds_text(row: Any) -> str:
    """Facts and where they stand, or the assumption."""
    if row.get("set_by_user"):
        return "set by the user"
    if row["sources"]:
        more = len(row["sources"]) - 1
        beside = f" and {more} more" if more else ""
        disputed = "disputed: " if row.get("disputed") else ""
        return f"{disputed}{pinched(row['sources'][0])}{beside}"
    return f"assumption: {shortened(str(row['assumption']))}"


def _flips_text(found: Explanation) -> list[str]:
    if found.flips.empty:
        return ["none, within the evidence ranges or as far again beyond them"]
    rows = [["number", "from", "to", "unit", "share of range", "becomes", "", "grounds"]]
    for _, flip in found.flips.head(SHOWN_FLIPS).iterrows():
        rows.append(
            [
                flip["parameter"],
                number(flip["value"]),
                number(flip["after"]),
                flip["unit"],
                percent(flip["share"]),
                flip["becomes"],
                "" if flip["inside"] else "outside its range",
                _grounds_text(flip),
            ]
        )
    return align(rows, left=8)
