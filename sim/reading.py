"""Reads a quantity from a configuration node, and refuses whatever does not fit its form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sim.errors import InputError, nearest
from sim.quantity import SCALAR, SIMPLEX_TOLERANCE, Derivation, Draw, Form, Quantity, Simplex
from sim.units import check_unit

_KEYS: Final = (
    "value",
    "low",
    "high",
    "unit",
    "evidence",
    "assumption",
    "derivation",
    "draw",
    "concentration",
)


@dataclass(frozen=True)
class Vocabulary:
    """Valid and required entry names of each axis."""

    valid: Mapping[str, tuple[str, ...]]
    required: Mapping[str, tuple[str, ...]]


class _Place(NamedTuple):
    """Where a quantity stands and what is asked of it there."""

    path: str
    form: Form
    vocabulary: Vocabulary
    user_set: frozenset[str]


def read_quantity(
    node: Any,
    path: str,
    form: Form,
    vocabulary: Vocabulary,
    user_set: frozenset[str] = frozenset(),
) -> Quantity:
    """Build a quantity from a configuration node and refuse whatever does not fit its form.

    Raises
    ------
    InputError
        Unknown or missing key or entry, wrong type or unit, a number outside its limits, a range
        that does not hold its value, shares off the simplex, or no evidence and no assumption.
    """
    if not isinstance(node, Mapping):
        raise InputError(
            f"{path}: is a quantity with value, unit and evidence, not {node!r}; "
            f"to set its number use {path}.value=…"
        )
    for key in node:
        if key not in _KEYS:
            raise InputError(f"{path}: unknown key '{key}'{nearest(str(key), _KEYS)}")
    if node.get("unit") is None:
        raise InputError(f"{path}: no unit (expected '{_either(form)}')")
    try:
        unit = check_unit(str(node["unit"]))
    except InputError as error:
        raise InputError(f"{path}.unit: {error}") from None
    if unit not in form.units:
        raise InputError(f"{path}.unit: is '{unit}', expected '{_either(form)}'")
    values = _numbers(node.get("value"), f"{path}.value", form, vocabulary)
    draw = _draw(node, path)
    place = _Place(path, form, vocabulary, user_set)
    low, high = _range(node, place, values, draw)
    evidence = _evidence(node.get("evidence"), path, tuple(values))
    assumption = node.get("assumption")
    if not evidence and not assumption:
        raise InputError(f"{path}: neither evidence nor assumption; give fact ids or a reason")
    if assumption is not None and not isinstance(assumption, str):
        raise InputError(f"{path}.assumption: must be text, not {assumption!r}")
    quantity = Quantity(
        path=path,
        unit=unit,
        entries=tuple(values),
        value=tuple(values.values()),
        low=tuple(low.values()),
        high=tuple(high.values()),
        draw=draw,
        concentration=_concentration(node, path, draw),
        evidence=evidence,
        assumption=assumption,
        derivation=_derivation(node.get("derivation"), path),
        user_set=frozenset(values) if SCALAR in user_set else user_set & frozenset(values),
    )
    _check_simplex(quantity, form.simplex)
    return quantity


def _numbers(node: Any, path: str, form: Form, vocabulary: Vocabulary) -> dict[str, float]:
    if form.axis is None:
        return {SCALAR: _within(_number(node, path), path, form)}
    if not isinstance(node, Mapping):
        raise InputError(f"{path}: expected a number for each {form.axis}, got {node!r}")
    valid = vocabulary.valid[form.axis]
    for entry in node:
        if entry not in valid:
            hint = nearest(str(entry), valid)
            raise InputError(f"{path}: unknown {form.axis} '{entry}'{hint}")
    for entry in () if form.sparse else vocabulary.required[form.axis]:
        if entry not in node:
            own = form.axis == "option" and entry != "none"
            way = f"; give one, or powers.{entry}.entry_shares" if own else ""
            raise InputError(f"{path}: no number for {form.axis} '{entry}'{way}")
    places = {entry: f"{path}.{entry}" for entry in valid if entry in node}
    return {
        entry: _within(_number(node[entry], place), place, form) for entry, place in places.items()
    }


def _number(node: Any, path: str) -> float:
    if node == ".inf":  # as YAML writes it, from a command line
        return math.inf
    if isinstance(node, bool) or not isinstance(node, int | float):
        raise InputError(f"{path}: must be a number, not {node!r}")
    if math.isnan(node):
        raise InputError(f"{path}: is not a number (nan)")
    return float(node)


def _unit(form: Form) -> str:
    return "" if form.units == ("1",) else f" {_either(form)}"


def _either(form: Form) -> str:
    return "' or '".join(form.units)


def _within(number: float, path: str, form: Form) -> float:
    limits = form.limits
    if math.isinf(number) and not limits.infinite:
        raise InputError(f"{path}: must be finite, not {number:g}")
    if limits.positive and not number > 0:
        raise InputError(f"{path}: must be above 0, not {number:g}{_unit(form)}")
    if not limits.lower <= number <= limits.upper:
        span = f"between {limits.lower:g} and {limits.upper:g}"
        wanted = f"at least {limits.lower:g}" if math.isinf(limits.upper) else span
        raise InputError(f"{path}: must be {wanted}, not {number:g}{_unit(form)}")
    return number


def _draw(node: Mapping[str, Any], path: str) -> Draw:
    name = node.get("draw", Draw.TRIANGULAR.value)
    try:
        return Draw(name)
    except ValueError:
        valid = [draw.value for draw in Draw]
        raise InputError(f"{path}.draw: unknown '{name}'{nearest(str(name), valid)}") from None


def _concentration(node: Mapping[str, Any], path: str, draw: Draw) -> float | None:
    given = node.get("concentration")
    if draw in (Draw.BETA, Draw.DIRICHLET):
        if given is None or _number(given, f"{path}.concentration") <= 0:
            raise InputError(f"{path}: draw '{draw}' needs a concentration above 0")
        return float(given)
    if given is not None:
        raise InputError(f"{path}.concentration: goes with draw beta or dirichlet only")
    return None


def _range(
    node: Mapping[str, Any], place: _Place, values: dict[str, float], draw: Draw
) -> tuple[dict[str, float], dict[str, float]]:
    """Low and high ends, as stated or as they follow from the draw."""
    if draw is Draw.TRIANGULAR:
        return _stated_range(node, place, values)
    for key in ("low", "high"):
        if node.get(key) is not None:
            why = "a fixed quantity has no range"
            if draw is not Draw.FIXED:
                why = "follows from the concentration; leave it out"
            raise InputError(f"{place.path}.{key}: {why}")
    strength = _concentration(node, place.path, draw) or 0.0
    pinned = _pinned(values, place.user_set) if strength else frozenset(values)
    ends = {
        entry: (value, value) if entry in pinned else _beta_bounds(value, strength)
        for entry, value in values.items()
    }
    return {e: low for e, (low, _) in ends.items()}, {e: high for e, (_, high) in ends.items()}


def _stated_range(
    node: Mapping[str, Any], place: _Place, values: dict[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    ends = []
    for key in ("low", "high"):
        where = f"{place.path}.{key}"
        if node.get(key) is None:
            reason = "a quantity without a range says draw: fixed"
            raise InputError(f"{place.path}: no {key} ({reason})")
        end = _numbers(node[key], where, place.form, place.vocabulary)
        if set(end) != set(values):
            raise InputError(f"{where}: its entries differ from those of value")
        ends.append({entry: end[entry] for entry in values})
    low, high = ends
    for entry in _pinned(values, place.user_set):
        low[entry] = high[entry] = values[entry]
    for entry, value in values.items():
        if low[entry] < high[entry] and math.isinf(high[entry]):
            raise InputError(f"{place.path}.high: must be finite to be drawn from")
        if not low[entry] <= value <= high[entry]:
            where = f"{place.path}.value.{entry}" if entry else f"{place.path}.value"
            span = f"{low[entry]:g} and {high[entry]:g}"
            raise InputError(f"{where}: {value:g} is not between {span}")
    return low, high


def _pinned(values: Mapping[str, float], user_set: frozenset[str]) -> frozenset[str]:
    return frozenset(values) if SCALAR in user_set else user_set & frozenset(values)


@lru_cache(maxsize=4096)
def _beta_bounds(value: float, strength: float) -> tuple[float, float]:
    """5 and 95 % points of Beta(strength·value, strength·(1−value))."""
    from scipy.special import betaincinv

    if not 0 < value < 1:
        return value, value
    first, second = strength * value, strength * (1 - value)
    return float(betaincinv(first, second, 0.05)), float(betaincinv(first, second, 0.95))


def _evidence(node: Any, path: str, entries: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if node is None:
        return {}
    groups = node if isinstance(node, Mapping) else {SCALAR: node}
    found: dict[str, tuple[str, ...]] = {}
    for entry, facts in groups.items():
        if entry not in (*entries, SCALAR):
            raise InputError(f"{path}.evidence: unknown entry '{entry}'{nearest(entry, entries)}")
        if not isinstance(facts, Sequence) or isinstance(facts, str):
            raise InputError(f"{path}.evidence: must be a list of fact ids, not {facts!r}")
        if facts:
            found[entry] = tuple(str(fact) for fact in facts)
    return found


def _derivation(node: Any, path: str) -> Derivation | None:
    if node is None:
        return None
    if not isinstance(node, Mapping) or not isinstance(node.get("rule"), str):
        raise InputError(f"{path}.derivation: needs a rule and its arguments")
    for key in node:
        if key not in ("rule", "value", "low", "high"):
            hint = nearest(str(key), ("rule", "value", "low", "high"))
            raise InputError(f"{path}.derivation: unknown key '{key}'{hint}")
    if not isinstance(node.get("value"), Mapping):
        raise InputError(f"{path}.derivation.value: needs the arguments of the rule")
    arguments = {key: dict(node[key]) for key in ("value", "low", "high") if key in node}
    return Derivation(rule=node["rule"], arguments=arguments)


def _check_simplex(quantity: Quantity, simplex: Simplex | None) -> None:
    if simplex is None:
        return
    total = math.fsum(quantity.value)
    short = simplex is Simplex.EXACT and total < 1 - SIMPLEX_TOLERANCE
    if short or total > 1 + SIMPLEX_TOLERANCE:
        message = f"shares add up to {total:.10g}, must be {simplex}"
        raise InputError(f"{quantity.path}.value: {message}")
