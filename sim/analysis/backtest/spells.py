"""Memberships of a file as memberships of the model: at an origin, and as events after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sim.analysis.backtest.numbers import SOURCE, given
from sim.history import Membership
from sim.quantity import Quantity
from sim.specs import EventSpec, InstitutionSpec, Target

ORGANISATIONS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "cis": (("CIS", "member"),),
    "cisfta": (("CIS FTA 2011", "member"),),
    "csto": (("CST/CSTO", "member"),),
    "eaeu": (("Customs Union RUS-BLR-KAZ", "member"), ("EAEU", "member")),
    "epca": (("EU EPCA", "provisional"), ("EU EPCA", "in force")),
    "ots": (("OTS (Turkic Council)", "member"),),
    "sco": (("SCO", "member"),),
}
"""Institutions of the model and what they are in files of memberships: organisation and status.
All others have no members in the past."""


@dataclass(frozen=True)
class Spells:
    """Memberships around an origin, of which ``years`` after it are foreseen."""

    memberships: Sequence[Membership]
    origin: int
    years: int

    def members(self, quantity: Quantity, institution: str, states: Sequence[str]) -> Quantity:
        """Members in the middle of the year of origin."""
        return given(quantity, self._at(institution, states, self.origin, 7))

    def events(
        self, institutions: Mapping[str, InstitutionSpec], states: Sequence[str]
    ) -> dict[str, EventSpec]:
        """Changes of membership by half-years, each an event that sets all members."""
        found = {}
        for name, institution in institutions.items():
            before = self._at(name, states, self.origin, 7)
            for half in range(1, 2 * self.years):
                year, month = self.origin + (half + 1) // 2, 1 if half % 2 else 7
                now = self._at(name, states, year, month)
                if now != before:
                    event = f"members_{name}_{year}H{1 if month == 1 else 2}"
                    found[event] = EventSpec(
                        id=0,
                        name=f"Members of {institution.name}",
                        target=Target.MEMBERSHIP,
                        assumption=SOURCE,
                        date=event[-6:],
                        institution=name,
                        members=replace(
                            given(institution.members, now), path=f"events.{event}.members"
                        ),
                    )
                before = now
        return found

    def _at(
        self, institution: str, states: Sequence[str], year: int, month: int
    ) -> dict[str, float]:
        """1 for members on the first day of a month, by lower-case code."""
        day = date(year, month, 1)
        wanted = ORGANISATIONS.get(institution, ())
        inside = {
            spell.state
            for spell in self.memberships
            if (spell.organisation, spell.status) in wanted
            and spell.start <= day
            and (spell.end is None or day < spell.end)
        }
        return {state.lower(): float(state in inside) for state in states}
