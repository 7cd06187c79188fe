"""Checks of events: each target has its own fields, and dates stand in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from sim.axes import DOMAINS, POWERS, ROW, STATES
from sim.errors import InputError, nearest
from sim.periods import parse_period
from sim.scenario import Scenario
from sim.specs import EventSpec, Target

_EFFECTS: Final = ("size", "factor", "members")
_SELECTORS: Final = ("states", "powers", "domains", "corridors", "institution")


class Grammar(NamedTuple):
    """What an event of one target says.

    ``effects`` are the fields of which exactly one is needed, ``selectors`` those that may narrow
    it down, ``needed`` those of them that it cannot do without, ``unit`` that of its size.
    """

    effects: tuple[str, ...]
    selectors: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    unit: str = "1"
    rated: bool = False


GRAMMAR: Final[Mapping[Target, Grammar]] = {
    Target.SANCTIONS: Grammar(("size",), rated=True),
    Target.THREAT: Grammar(("size",), ("states",), rated=True),
    Target.WAR: Grammar(("size",)),
    Target.COMMODITY: Grammar(("size",)),
    Target.MIGRATION: Grammar(("size",), ("states",)),
    Target.REEXPORTS: Grammar(("size",)),
    Target.GROWTH: Grammar(("size",), ("states", "powers"), unit="1/yr"),
    Target.MEMBERSHIP: Grammar(("members",), ("institution",), ("institution",)),
    Target.AGREEMENT: Grammar(("size",), ("institution", "powers"), ("institution",)),
    Target.BUDGET: Grammar(("factor",), ("powers",)),
    Target.CONDITIONALITY: Grammar(("size",), ("states", "powers", "domains")),
    Target.PROTECTION: Grammar(("size", "factor"), ("powers",)),
    Target.COERCIBILITY: Grammar(("size", "factor"), ("powers",)),
    Target.DELIVERY: Grammar(("size", "factor"), ("powers", "domains")),
    Target.OPINION: Grammar(("size",), ("states", "powers")),
    Target.COERCION: Grammar((), ("states", "powers"), ("powers",)),
    Target.DAYS: Grammar(("size", "factor"), ("corridors",), ("corridors",), "days"),
    Target.CAPACITY: Grammar(("size", "factor"), ("corridors",), ("corridors",), "Mt/yr"),
    Target.RISK: Grammar(("size", "factor"), ("corridors",), ("corridors",), "percent"),
    Target.NOTHING: Grammar(()),
}
"""Fields of events by target; ``nothing`` records what has no effect and takes them all."""


def check_events(scenario: Scenario) -> None:
    """Refuse events that do not fit their target, the run or each other.

    Raises
    ------
    InputError
        With the path of the event, what is wrong and the nearest valid name.
    """
    for name, event in scenario.events.items():
        path = f"events.{name}"
        if not event.evidence and not event.assumption:
            raise InputError(f"{path}: neither evidence nor assumption; give fact ids or a reason")
        _check_fields(event, path)
        _check_selectors(event, path, scenario)
        _check_dates(name, event, scenario)
        _check_members(event, path, scenario)
    _check_overlaps(scenario)


def refuse_unknown(names: Iterable[str], valid: Iterable[str], path: str, kind: str) -> None:
    """Refuse a name that is not among the valid ones, with the nearest of them."""
    known = tuple(valid)
    for name in names:
        if name not in known:
            raise InputError(f"{path}: unknown {kind} '{name}'{nearest(name, known)}")


def latest_end(scenario: Scenario) -> str:
    """End of the run, or of the baseline where the run is cut short."""
    ends = [scenario.horizon.end, *([scenario.baseline.horizon.end] if scenario.baseline else [])]
    return max(ends, key=parse_period)


def time_of(label: str, path: str) -> float:
    """Year of a period; see ``sim.periods``."""
    try:
        return parse_period(label)
    except ValueError:
        raise InputError(
            f"{path}: '{label}' is not a period such as 2025H2, 2025Q3 or 2025"
        ) from None


def _check_fields(event: EventSpec, path: str) -> None:
    grammar = GRAMMAR[event.target]
    if (event.date is None) == (event.rate is None):
        raise InputError(f"{path}: needs either a date or a rate")
    if event.target is Target.NOTHING:
        return
    given = [field for field in _EFFECTS if getattr(event, field) is not None]
    for field in given:
        if field not in grammar.effects:
            raise InputError(f"{path}.{field}: has no meaning for target '{event.target}'")
    if len(given) != min(1, len(grammar.effects)):
        needed = " or ".join(grammar.effects)
        raise InputError(f"{path}: target '{event.target}' needs {needed}, one of them")
    if event.size is not None and event.size.unit != grammar.unit:
        raise InputError(
            f"{path}.size.unit: is '{event.size.unit}', target '{event.target}' expects "
            f"'{grammar.unit}'"
        )
    passing = event.until is not None or event.half_life is not None
    if event.factor is not None and passing and event.factor.of() == 0:
        raise InputError(f"{path}.factor: 0 neither grows nor fades by halves; give a size instead")
    if event.rate is not None:
        if not grammar.rated:
            raise InputError(f"{path}.rate: events on {event.target} have a date")
        if event.half_life is None:
            raise InputError(f"{path}: an event at a rate needs half_life")
    lasting = event.target in (Target.MEMBERSHIP, Target.COERCION)
    for field in ("until", "half_life"):
        if getattr(event, field) is not None and (lasting or event.rate is not None):
            if field == "half_life" and event.rate is not None:
                continue
            raise InputError(f"{path}.{field}: has no meaning for this event")


def _check_selectors(event: EventSpec, path: str, scenario: Scenario) -> None:
    grammar = GRAMMAR[event.target]
    valid = {
        "states": (*scenario.states, *STATES),
        "powers": (*scenario.powers, *POWERS, *_partners(event)),
        "domains": DOMAINS,
        "corridors": tuple(scenario.corridors),
    }
    for field, names in valid.items():
        refuse_unknown(getattr(event, field), names, f"{path}.{field}", field.removesuffix("s"))
    if event.institution is not None:
        place = f"{path}.institution"
        refuse_unknown([event.institution], scenario.institutions, place, "institution")
    if event.target is Target.NOTHING:
        return
    for field in _SELECTORS:
        if getattr(event, field) and field not in grammar.selectors:
            raise InputError(f"{path}.{field}: {event.target} is not a matter of single {field}")
        if field in grammar.needed and not getattr(event, field):
            raise InputError(f"{path}: target '{event.target}' needs {field}")


def _partners(event: EventSpec) -> tuple[str, ...]:
    """Trade partners that are no powers: events on growth may name the rest of the world."""
    return (ROW.lower(),) if event.target is Target.GROWTH else ()


def _check_dates(name: str, event: EventSpec, scenario: Scenario) -> None:
    """Dates are periods, in order, and before the end of the run.

    A run that ends earlier than the baseline does not reach all events, and need not.
    """
    path = f"events.{name}"
    dates = {f: getattr(event, f) for f in ("date", "until") if getattr(event, f) is not None}
    times = {field: time_of(label, f"{path}.{field}") for field, label in dates.items()}
    if "until" in times and times["until"] <= times["date"]:
        raise InputError(f"{path}.until: {event.until} is not after the date {event.date}")
    if "date" not in times:
        return
    end = latest_end(scenario)
    if times["date"] >= parse_period(end):
        raise InputError(f"{path}.date: {event.date} is not before the end of the run, {end}")
    if event.target is Target.COERCION and times["date"] < parse_period(scenario.horizon.start):
        raise InputError(
            f"{path}.date: {event.date} is before the start of the run, {scenario.horizon.start}"
        )


def _check_members(event: EventSpec, path: str, scenario: Scenario) -> None:
    if event.target is not Target.MEMBERSHIP or event.members is None:
        return
    for state in scenario.institutions[str(event.institution)].members.entries:
        if state not in event.members.entries:
            raise InputError(f"{path}.members: no number for member '{state}' (0 to leave)")


def _check_overlaps(scenario: Scenario) -> None:
    """Two events cannot set the members of one institution on the same date."""
    taken: dict[tuple[str, float], str] = {}
    for name, event in scenario.events.items():
        if event.target is not Target.MEMBERSHIP:
            continue
        place = str(event.institution), parse_period(str(event.date))
        if place in taken:
            raise InputError(
                f"events.{name}.date: events.{taken[place]} sets the members of "
                f"{event.institution} on the same date"
            )
        taken[place] = name
