"""E1 of the reference model: what events do at a point in time, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.periods import parse_period
from sim.scenario import Scenario
from sim.specs import EventSpec, Target

TIME_SLACK: Final = 1e-9
"""Years by which a step may start before a date and still count as on it."""
REGION: Final = ""
"""Stands for no state in particular."""


@dataclass(frozen=True)
class Effect:
    """What a dated event adds, and by what it multiplies, at one point in time."""

    event: EventSpec
    size: float
    factor: float

    def reaches(
        self,
        state: str = REGION,
        power: str = "",
        domain: str = "",
        corridor: str = "",
        institution: str | None = None,
    ) -> bool:
        """Whether the selectors of the event take this in; those left out take in all."""
        event = self.event
        return (
            (not event.states or state in event.states)
            and (not event.powers or power in event.powers)
            and (not event.domains or domain in event.domains)
            and (not event.corridors or corridor in event.corridors)
            and (event.institution is None or event.institution == institution)
        )


Effects = dict[Target, list[Effect]]


@dataclass
class Dated:
    """A dated event: its dates in years, and its numbers."""

    event: EventSpec
    begin: float
    end: float | None
    size: float
    factor: float
    half_life: float

    def at(self, clock: float) -> Effect | None:
        """E1: from its date on, growing until its end if it has one, then halving."""
        if clock < self.begin - TIME_SLACK:
            return None
        age, phase = max(0.0, clock - self.begin), 1.0
        if self.end is not None:
            phase = min(1.0, age / (self.end - self.begin))
            age = max(0.0, clock - self.end)
        share = phase * 2.0 ** (-age / self.half_life)
        return Effect(self.event, self.size * share, self.factor**share)


@dataclass
class Rated:
    """An event that strikes at a yearly rate: what is left of its strikes, by state or region."""

    event: EventSpec
    place: int
    mean: float
    size: float
    left: float
    surges: dict[str, float] = field(default_factory=dict)


class Calendar:
    """All events of one replicate.

    Parameters
    ----------
    spec : the scenario, for dates, targets and selectors.
    numbers : the numbers of the replicate by flat name.
    uniforms : of stream 3, [step][state][event at a rate].
    """

    def __init__(
        self,
        spec: Scenario,
        numbers: Mapping[str, float],
        uniforms: Sequence[Sequence[Sequence[float]]],
    ) -> None:
        """Sort the events by how they act."""
        self.uniforms = uniforms
        self.places = {code: place for place, code in enumerate(spec.states)}
        self.dated: list[Dated] = []
        self.rated: list[Rated] = []
        self.strikes: list[tuple[float, EventSpec]] = []
        self.accessions: list[tuple[float, EventSpec, dict[str, float]]] = []
        for code, event in spec.events.items():
            path = f"events.{code}."
            size = numbers.get(path + "size", 0.0)
            half_life = numbers.get(path + "half_life", math.inf)
            if event.rate is not None:
                struck = [s for s in event.states if s in self.places] if event.states else [REGION]
                mean, left = (
                    numbers[path + "rate"] * spec.horizon.step,
                    2.0 ** (-spec.horizon.step / half_life),
                )
                rated = Rated(event, len(self.rated), mean, size, left, dict.fromkeys(struck, 0.0))
                self.rated.append(rated)
                continue
            begin = parse_period(str(event.date))
            if event.target is Target.MEMBERSHIP:
                members = {s: numbers.get(f"{path}members.{s}", 0.0) for s in spec.states}
                self.accessions.append((begin, event, members))
            elif event.target is Target.COERCION:
                self.strikes.append((begin, event))
            elif event.target is not Target.NOTHING:
                end = None if event.until is None else parse_period(event.until)
                factor = numbers.get(path + "factor", 1.0)
                self.dated.append(Dated(event, begin, end, size, factor, half_life))
        self.accessions.sort(key=lambda accession: accession[0])
        self.effects: Effects = {}

    def at(self, clock: float) -> Effects:
        """Effects of the dated events at a time, by target."""
        effects: Effects = {}
        for dated in self.dated:
            effect = dated.at(clock)
            if effect is not None:
                effects.setdefault(effect.event.target, []).append(effect)
        return effects

    def due(self, clock: float) -> list[tuple[str, dict[str, float]]]:
        """Memberships that have begun and were not asked for before, by institution."""
        begun = [entry for entry in self.accessions if clock >= entry[0] - TIME_SLACK]
        self.accessions = self.accessions[len(begun) :]
        return [(str(event.institution), members) for _, event, members in begun]

    def coerces(self, state: str, power: str, clock: float, years: float) -> bool:
        """Whether a dated strike of a power on a state begins in this step."""
        return any(
            clock - years < begin - TIME_SLACK <= clock
            and Effect(event, 0.0, 1.0).reaches(state, power)
            for begin, event in self.strikes
        )

    def strike(self, step: int) -> None:
        """What is left of earlier strikes at a rate, plus N_e new ones (stream 3)."""
        for rated in self.rated:
            for state, surge in rated.surges.items():
                u = self.uniforms[step][self.places.get(state, 0)][rated.place]
                number = poisson_quantile(u, rated.mean)
                rated.surges[state] = surge * rated.left + rated.size * number

    def surge(self, target: Target, state: str = REGION) -> float:
        """Sum of the events at a rate that act on a target (of one state)."""
        total = 0.0
        for rated in self.rated:
            if rated.event.target is target:
                total += rated.surges.get(REGION if not rated.event.states else state, 0.0)
        return total

    def growth(self, *, state: str = "", partner: str = "") -> float:
        """What is added to the growth of a state or of a trade partner, 1/yr.

        An event reaches those whom it names, and everybody only if it names nobody at all.
        """
        added = 0.0
        for effect in self.effects.get(Target.GROWTH, ()):
            states, partners = effect.event.states, effect.event.powers
            named = state in states if state else partner in partners
            if named or not (states or partners):
                added += effect.size
        return added

    def level(self, target: Target, base: float, **where: str) -> float:
        """Level of something that dated events add to and multiply."""
        return level(self.effects, target, base, **where) if target in self.effects else base


def level(effects: Effects, target: Target, base: float, **where: str) -> float:
    """The base plus all sizes, times all factors."""
    if target not in effects:
        return base
    size, factor = parts(effects, target, **where)
    return (base + size) * factor


def parts(effects: Effects, target: Target, **where: str) -> tuple[float, float]:
    """Sum of all sizes and product of all factors."""
    reaching = [effect for effect in effects.get(target, ()) if effect.reaches(**where)]
    size = sum([effect.size for effect in reaching])
    return size, math.prod([effect.factor for effect in reaching])


def poisson_quantile(u: float, mean: float) -> int:
    """The smallest n with Pr(N <= n) >= u."""
    number, term = 0, math.exp(-mean)
    total = term
    while total < u:
        number += 1
        term *= mean / number
        if total + term == total and number > mean:
            break
        total += term
    return number


def binomial_quantile(u: float, trials: int, chance: float) -> int:
    """The smallest n with Pr(N <= n) >= u."""
    total = 0.0
    for number in range(trials):
        ways = math.comb(trials, number)
        total += ways * chance**number * (1 - chance) ** (trials - number)
        if total >= u:
            return number
    return trials


def clip(number: float, upper: float) -> float:
    """The number, but not below 0 nor above the limit."""
    return min(max(number, 0.0), upper)
