"""A number, or a small named vector of numbers, together with its evidence.

The one syntactic form of a parameter in a configuration file is::

    budget:
      value: 2.6            # a number, or a mapping such as {trade: 0.4, energy: 0.2}
      low: 1.9
      high: 4.4
      unit: USD bn/yr
      evidence: [pledge-eu-ca5-132]      # or a mapping from entry to fact ids
      assumption: why, where no fact gives the number
      derivation: {rule: annual_flow, value: {package: pledge-eu-ca5-132, years: 5}}

``draw`` says how a replicate draws it: ``triangular`` over low, value, high (the default), ``beta``
or ``dirichlet`` around the value with a ``concentration`` in place of a range, or ``fixed``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SCALAR: Final = ""
"""Entry name of a quantity that is a single number."""
SIMPLEX_TOLERANCE: Final = 1e-9
"""Largest excess of a share vector over one (model, section 1.12)."""


class Draw(StrEnum):
    """How a replicate draws a quantity."""

    TRIANGULAR = "triangular"
    BETA = "beta"
    DIRICHLET = "dirichlet"
    FIXED = "fixed"


class Simplex(StrEnum):
    """What the entries of a share vector must add up to."""

    EXACT = "exactly 1"
    AT_MOST = "at most 1"


@dataclass(frozen=True)
class Limits:
    """Closed limits of a number; whether zero is refused; whether infinity means something."""

    lower: float = -math.inf
    upper: float = math.inf
    positive: bool = False
    infinite: bool = False


@dataclass(frozen=True)
class Form:
    """What a configuration field expects: unit, axis and limits of a quantity.

    Attributes
    ----------
    units : units that the field may carry.
    axis : None for a single number, else ``domain``, ``power``, ``partner``, ``option``, ``state``
        or ``corridor``: the vocabulary of its entries.
    limits : what each entry must keep within.
    simplex : whether the entries are shares of one whole.
    sparse : whether an entry left out means zero.
    """

    units: tuple[str, ...]
    axis: str | None = None
    limits: Limits = field(default_factory=Limits)
    simplex: Simplex | None = None
    sparse: bool = False


@dataclass(frozen=True)
class Derivation:
    """Rule of the ledger and its arguments for value, low and high."""

    rule: str
    arguments: Mapping[str, Mapping[str, str | float]]


@dataclass(frozen=True)
class Quantity:
    """One parameter with unit, range and evidence; entries share one form.

    Attributes
    ----------
    path : place in the configuration, such as ``powers.eu.budget``.
    entries : names of the entries; ``("",)`` for a single number.
    value, low, high : one number an entry, in ``unit``. For beta and dirichlet draws low and high
        are the 5 and 95 % points.
    evidence : fact ids by entry; the key ``""`` holds for all entries.
    user_set : entries whose value the user has set; they are not drawn.
    user_range : whether the user has set the range.
    """

    path: str
    unit: str
    entries: tuple[str, ...]
    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    draw: Draw
    concentration: float | None
    evidence: Mapping[str, tuple[str, ...]]
    assumption: str | None
    derivation: Derivation | None
    user_set: frozenset[str]
    user_range: bool = False

    def of(self, entry: str = SCALAR) -> float:
        """Central value of one entry."""
        return self.value[self.entries.index(entry)]

    def name(self, entry: str) -> str:
        """Flat name of an entry, such as ``powers.ru.conditionality.trade``."""
        return f"{self.path}.{entry}" if entry else self.path

    def facts(self, entry: str = SCALAR) -> tuple[str, ...]:
        """Ids of the facts behind one entry."""
        common = self.evidence.get(SCALAR, ())
        return common + (self.evidence.get(entry, ()) if entry else ())

    def all_facts(self) -> tuple[str, ...]:
        """Ids of all facts cited, in order, each once."""
        return tuple(dict.fromkeys(fact for facts in self.evidence.values() for fact in facts))
