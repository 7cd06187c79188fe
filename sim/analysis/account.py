"""A decision in words: the tables and sentences of an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sim.analysis.words import (
    align,
    beyond,
    listing,
    number,
    percent,
    pinched,
    shortened,
    signed,
    with_grounds,
)
from sim.decisions import NONE, TERMS

if TYPE_CHECKING:
    from sim.analysis.explain import Explanation
    from sim.analysis.picked import Picked

SHOWN_NUMBERS: Final = 3
"""Numbers behind each term that the text shows."""
SHOWN_FLIPS: Final = 8
"""Flips that the text shows."""
EQUAL: Final = 1e-12
"""Difference of probabilities below which they are equal."""
_OFFERED: Final = ("value", "conditions", "credibility")
_HEADS: Final[Mapping[str, str]] = {
    "value": "value, % of GDP",
    "conditions": "conditions, share",
    "credibility": "credibility, share",
    "lock_in": "lock-in",
    "utility": "utility, log-odds",
}


def _name(found: Picked, option: str) -> str:
    return "nobody" if option == NONE else _the(found.power_names[option])


def _the(name: str) -> str:
    return f"the {name}" if name.startswith(("European", "United")) else name


def what(found: Picked) -> str:
    """What was most probable, and what was picked."""
    ranked = _ranked(found)
    first, *others = (
        f"{_name(found, option)} ({percent(share)})"
        for option, share in zip(ranked["option"], ranked["probability"], strict=True)
    )
    start = f"In {found.period} {found.state_name}"
    absent = [_name(found, o) for o in found.offers["option"][~found.offers["posted"]]]
    silent = f"; {listing(absent)} {'offers' if len(absent) == 1 else 'offer'} nothing"
    end = (silent if absent else "") + _chance(found)
    if not others:
        return f"{start} can pick {first} alone in {found.domain}{end}."
    if _at_random(found):
        return f"{start} picks at random in {found.domain}: {listing([first, *others])}{end}."
    return f"{start} most probably picks {first} in {found.domain}, before {listing(others)}{end}."


def _chance(found: Picked) -> str:
    """What became of it in this replicate."""
    if not found.offers["picked"].isin([0.0, 1.0]).all():
        return "; in mean field the picks are these shares"
    if found.picked == found.most_probable:
        return "; in this replicate it does"
    return f"; in this replicate chance has it pick {_name(found, found.picked)}"


def why(found: Picked) -> str:
    """Which terms set the most probable option apart from the next."""
    ranked = _ranked(found)
    if _at_random(found):
        return "Every option is as likely as any other, whatever speaks for it."
    if len(ranked) == 1:
        return "There is nothing to compare it with."
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
    return f"{beside} {' and '.join(sides)}; all terms together make {signed(gap)} in utility."


def what_if(found: Explanation) -> str:
    """The nearest change of one number that would make another option the most probable."""
    if found.flips.empty:
        return f"No single number {_searched(found)} would make another option the most probable."
    direct = found.flips[found.flips["direct"]]
    flip = (found.flips if direct.empty else direct).iloc[0]
    start, end = beyond(flip["value"], flip["after"])
    verb = "rose" if flip["change"] > 0 else "fell"
    place = "" if flip["inside"] else ", which is outside its evidence range"
    way = "" if flip["direct"] else ", by way of an earlier pick,"
    return (
        f"It would most probably be {_name(found, flip['becomes'])}{way} if {flip['parameter']} "
        f"{verb} from {start} to {end}{_unit(flip['unit'])} ({percent(flip['share'])} of the width "
        f"of its range, {number(flip['low'])} to {number(flip['high'])}){place}; this number "
        f"{_rests(flip)}.{_nearer(found, flip)}"
    )


def _nearer(found: Explanation, flip: Any) -> str:
    """A smaller change that works by way of an earlier pick, where there is one."""
    nearest = found.flips.iloc[0]
    if nearest["share"] >= flip["share"]:
        return ""
    start, end = beyond(nearest["value"], nearest["after"])
    return (
        f" By way of an earlier pick less is enough: {nearest['parameter']} from {start} to {end}"
        f"{_unit(nearest['unit'])} ({percent(nearest['share'])} of its range) makes it "
        f"{_name(found, nearest['becomes'])}."
    )


def _rests(flip: Any) -> str:
    """What a number rests on, for a sentence."""
    sources = list(dict.fromkeys(flip["sources"]))
    if not sources:
        return f"is an assumption ({shortened(str(flip['assumption']))})"
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    return f"{'is disputed and ' if flip['disputed'] else ''}rests on {sources[0]}{more}"


def _ranked(found: Picked) -> Any:
    """Options on the table, the most probable first; of equals the one of higher utility."""
    there = found.offers[found.offers["posted"]]
    order = ["probability", "score"]
    return there.sort_values(order, ascending=False, kind="stable")


def _at_random(found: Picked) -> bool:
    """Whether all options have the same chance although they differ in utility."""
    there = found.offers[found.offers["posted"]]
    same = there["probability"].max() - there["probability"].min() < EQUAL
    return bool(len(there) > 1 and same and there["utility"].nunique() > 1)


def _searched(found: Explanation) -> str:
    """Where flips were looked for."""
    if found.reach == 0:
        return "within its evidence range"
    return f"within its evidence range, or {found.reach:g} of its widths beyond,"


def _term(row: Any, term: str) -> float:
    """Term of an option; nobody has none."""
    return 0.0 if row["option"] == NONE and term in TERMS else float(row[term])


def _head(term: str) -> str:
    return _HEADS.get(term, term)


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def terms_text(found: Explanation) -> list[str]:
    """Table of offers, terms, chances and the pick."""
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


def trail_text(found: Explanation) -> list[str]:
    """Most telling numbers of each term of the likely powers, the picked and the next one."""
    likely = [option for option in _ranked(found)["option"] if option != NONE][:2]
    named = [*likely, found.picked, *found.flips["becomes"].head(1)]
    powers = [option for option in dict.fromkeys(named) if option != NONE]
    rows = [["term", "number", "value", "range", "unit", "change"]]
    grounds = [""]
    for power in powers:
        for term in TERMS:
            here = found.trail[(found.trail["term"] == term) & (found.trail["power"] == power)]
            for _, row in here[here["swing"] != 0].head(SHOWN_NUMBERS).iterrows():
                span = f"{number(row['low'])} to {number(row['high'])}"
                first = [f"{power} {_head(term)}", row["parameter"], number(row["value"])]
                rows.append([*first, span, row["unit"], signed(row["swing"])])
                grounds.append(_grounds_text(row))
    return with_grounds(align(rows, left=5), grounds)


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


def flips_text(found: Explanation) -> list[str]:
    """Table of the nearest flips."""
    if found.flips.empty:
        return [f"none {_searched(found)}"]
    rows = [["number", "from", "to", "unit", "share of range", "becomes", "by way of", ""]]
    grounds = [""]
    for _, flip in found.flips.head(SHOWN_FLIPS).iterrows():
        rows.append(
            [
                flip["parameter"],
                *beyond(flip["value"], flip["after"]),
                flip["unit"],
                percent(flip["share"]),
                flip["becomes"],
                "its terms" if flip["direct"] else "an earlier pick",
                "" if flip["inside"] else "outside its range",
            ]
        )
        grounds.append(_grounds_text(flip))
    return with_grounds(align(rows, left=8), grounds)
