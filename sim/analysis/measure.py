"""What is asked of a run: one number a replicate, or whether something came true in it.

A **measure** is written ``alignment.UZ.EU at 2032H1``: an outcome, codes that pick entries of it,
and a half-year, ``at end`` (the default) or ``at mean`` (over the half-years; ``since 2030H1``
counts those from then on). Over dimensions that no code picks money is added up and anything else
averaged.

A **target** is a measure with a test: ``alignment.UZ.EU first at 2032H1`` (above every other power,
or partner, or corridor), ``dependence.KZ.RU > 0.4``, ``autonomy.KG < 0.6 at mean``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.analysis import given
from sim.axes import DOMAINS, BoolArray, FloatArray
from sim.errors import InputError, nearest
from sim.outcomes import OUTCOMES
from sim.periods import parse_period
from sim.scenario import Scenario

if TYPE_CHECKING:
    import xarray

END: Final = "end"
MEAN: Final = "mean"
ADDED_UP: Final = ("USD bn", "USD bn/yr", "Mt/yr", "documents")
"""Units of outcomes that are added up over dimensions not selected; others are averaged."""
RIVALS: Final = ("power", "partner", "corridor")
"""Dimensions whose entries compete to be first."""
_FORM: Final = re.compile(
    r"(?P<path>\S+?)\s*(?P<test>\bfirst\b|[<>]\s*\S+)?\s*"
    r"(?:(?P<word>\bat\b|\bsince\b)\s+(?P<when>\S+))?\s*"
)


class Condition(StrEnum):
    """How a target judges a number."""

    FIRST = "first"
    ABOVE = ">"
    BELOW = "<"


@dataclass(frozen=True)
class Measure:
    """One number a replicate.

    Attributes
    ----------
    outcome : name. select : code by dimension.
    when : a half-year, ``end`` (flows of the last half-year, stocks at the end of the run) or
        ``mean`` over the half-years.
    since : first half-year of the mean.
    """

    outcome: str
    select: Mapping[str, str] = field(default_factory=dict)
    when: str = END
    since: str | None = None

    @property
    def name(self) -> str:
        """As it is written."""
        path = ".".join((self.outcome, *self.select.values()))
        return f"{path} {f'since {self.since}' if self.since else f'at {self.when}'}"

    @property
    def unit(self) -> str:
        """Unit of the outcome."""
        return OUTCOMES[self.outcome].unit

    def of(self, data: xarray.Dataset, final: xarray.Dataset | None = None) -> FloatArray:
        """Number of each replicate, (replicate,), or (cell, replicate) of the cells of a sweep.

        Parameters
        ----------
        data, final : outcomes by half-year, and stocks at the end, of a run that kept the outcome.
            Without ``final`` the end is the last half-year of ``data``.

        Raises
        ------
        InputError
            The outcome was not kept, or has no such dimension, code or half-year.
        """
        return np.asarray(self._entries(data, final, self.select).transpose(..., "replicate"))

    def rivals(self, data: xarray.Dataset, final: xarray.Dataset | None = None) -> FloatArray:
        """The same of every entry that competes with the one selected, entries first.

        Raises
        ------
        InputError
            The measure picks nobody who could be first.
        """
        dim = rivalry(self)
        select = {key: code for key, code in self.select.items() if key != dim}
        others = self._entries(data, final, select, dim).drop_sel({dim: self.select[dim]})
        return np.asarray(others.transpose(dim, ..., "replicate"))

    def _entries(
        self,
        data: xarray.Dataset,
        final: xarray.Dataset | None,
        select: Mapping[str, str],
        keep: str = "",
    ) -> xarray.DataArray:
        if self.outcome not in data:
            hint = nearest(self.outcome, map(str, data))
            what = "was not kept" if self.outcome in OUTCOMES else "is unknown"
            raise InputError(f"outcome '{self.outcome}' {what}{hint}")
        at_end = self.when == END and final is not None and self.outcome in final
        array = (final if at_end and final is not None else data)[self.outcome].astype(float)
        for dim, code in select.items():
            if dim not in OUTCOMES[self.outcome].dims:
                raise InputError(f"{self.outcome} has no dimension '{dim}'")
            known = [str(label) for label in array[dim].values]
            if code not in known:
                raise InputError(f"{self.outcome}: no {dim} '{code}'{nearest(code, known)}")
            array = array.sel({dim: code})
        rest = [dim for dim in OUTCOMES[self.outcome].dims if dim not in (*select, keep)]
        array = array.sum(rest, min_count=1) if self.unit in ADDED_UP else array.mean(rest)
        return array if at_end else self._over_time(array)

    def _over_time(self, array: xarray.DataArray) -> xarray.DataArray:
        labels = [str(label) for label in array["period"].values]
        if self.when == END:
            return array.isel(period=-1)
        if self.when != MEAN:
            if self.when not in labels:
                raise InputError(f"{self.name}: no half-year{nearest(self.when, labels)}")
            return array.sel(period=self.when)
        if self.since is None:
            return array.mean("period")
        counted = [parse_period(label) >= parse_period(self.since) for label in labels]
        if not any(counted):
            raise InputError(f"{self.name}: the run ends before {self.since}")
        return array.isel(period=np.flatnonzero(counted)).mean("period")


@dataclass(frozen=True)
class Target:
    """Something that comes true in a replicate or does not."""

    measure: Measure
    test: Condition
    threshold: float = math.nan

    @property
    def name(self) -> str:
        """As it is written."""
        path, when = self.measure.name.split(" ", 1)
        number = "" if self.test is Condition.FIRST else f" {_exact(self.threshold)}"
        return f"{path} {self.test}{number} {when}"

    def holds(self, data: xarray.Dataset, final: xarray.Dataset | None = None) -> BoolArray:
        """Whether it comes true in each replicate, (replicate,); see ``Measure.of``."""
        number = self.measure.of(data, final)
        if self.test is Condition.FIRST:
            rivals = self.measure.rivals(data, final)  # NaN where a cell has no such power
            return np.asarray(
                (np.isnan(rivals) | (number > rivals)).all(axis=0) & ~np.isnan(number)
            )
        return number > self.threshold if self.test is Condition.ABOVE else number < self.threshold


def rivalry(measure: Measure) -> str:
    """Dimension along which a measure's entry competes with others."""
    for dim in RIVALS:
        if dim in measure.select:
            return dim
    raise InputError(f"{measure.name}: names no power, partner or corridor that could be first")


def read_measure(text: str, scenario: Scenario) -> Measure:
    """Measure from its text.

    Raises
    ------
    InputError
        With what is wrong and the nearest valid name.
    """
    measure, test, _ = _parse(text, scenario)
    if test is not None:
        raise InputError(f"'{text}': a number is wanted here, without '{test}'")
    return measure


def read_target(text: str, scenario: Scenario) -> Target:
    """Target from its text; see ``read_measure``."""
    measure, test, threshold = _parse(text, scenario)
    if test is None:
        raise InputError(f"'{text}': a test is missing: 'first', '> NUMBER' or '< NUMBER'")
    target = Target(measure, test, threshold)
    if test is Condition.FIRST:
        rivalry(measure)
    return target


def read_question(text: str, scenario: Scenario) -> Measure | Target:
    """Measure or target from its text; see ``read_measure``."""
    measure, condition, _ = _parse(text, scenario)
    return measure if condition is None else read_target(text, scenario)


def keeping(scenario: Scenario, *measures: Measure) -> tuple[str, ...]:
    """Outcomes that a run has to keep for some measures, in the order of their declaration."""
    wanted = {measure.outcome for measure in measures}
    return tuple(name for name in OUTCOMES if name in wanted)


def _parse(text: str, scenario: Scenario) -> tuple[Measure, Condition | None, float]:
    found = _FORM.fullmatch(given.text("question", text).strip())
    if found is None:
        raise InputError(
            f"'{text}': not understood; write it like 'alignment.UZ.EU first at 2032H1', "
            "'dependence.KZ.RU > 0.4' or 'autonomy.KG at mean'"
        )
    outcome, *codes = found["path"].split(".")
    if outcome not in OUTCOMES:
        raise InputError(f"'{text}': unknown outcome '{outcome}'{nearest(outcome, OUTCOMES)}")
    if OUTCOMES[outcome].unit == "option":
        raise InputError(f"'{text}': '{outcome}' numbers options and has no size; take pick_share")
    when, since = found["when"] or END, None
    if found["word"] == "since":
        when, since = MEAN, found["when"]
    if when not in (END, MEAN):
        _check_period(text, when, scenario)
    if since is not None:
        _check_period(text, since, scenario, words=())
    measure = Measure(outcome, _select(text, outcome, codes, scenario), when, since)
    if found["test"] is None or found["test"] == Condition.FIRST:
        return measure, None if found["test"] is None else Condition.FIRST, math.nan
    sign, number = found["test"][0], found["test"][1:].strip()
    try:
        threshold = float(number)
    except ValueError:
        threshold = math.nan
    if not math.isfinite(threshold):
        raise InputError(f"'{text}': '{number}' is not a number")
    return measure, Condition(sign), threshold


def _select(text: str, outcome: str, codes: Sequence[str], scenario: Scenario) -> dict[str, str]:
    """Which dimension of an outcome each code belongs to."""
    labels: dict[str, Sequence[str]] = {
        "state": scenario.state_codes,
        "power": scenario.power_codes,
        "partner": scenario.partner_codes,
        "corridor": scenario.corridor_codes,
        "domain": DOMAINS,
    }
    dims = OUTCOMES[outcome].dims
    found: dict[str, str] = {}
    for code in codes:
        dim = next((dim for dim in dims if code in labels[dim] and dim not in found), None)
        if dim is None:
            valid = [label for dim in dims if dim not in found for label in labels[dim]]
            raise InputError(f"'{text}': {outcome} has no '{code}'{nearest(code, valid)}")
        found[dim] = code
    return found


def _check_period(
    text: str, period: str, scenario: Scenario, words: tuple[str, ...] = (END, MEAN)
) -> None:
    if period in scenario.periods:
        return
    if words and period == scenario.horizon.end:
        raise InputError(f"'{text}': the run stops at the start of {period}; write 'at {END}'")
    begin = [label for label in scenario.periods if label.startswith(period)]
    hint = nearest(period, begin or (*scenario.periods, *words))
    raise InputError(f"'{text}': no half-year '{period}'{hint}")


def _exact(number: float) -> str:
    """Number that reads back as itself."""
    return repr(number).removesuffix(".0")
