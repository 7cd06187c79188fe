"""Derivations: named rules that turn facts of one kind into a parameter of another.

A pledge of several years, a stock and a yearly flow are not comparable as stated. A parameter that
is fed by a fact of another kind must name one of these rules; it is never the bare number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sim.errors import InputError, nearest
from sim.evidence.ledger import Fact, Kind
from sim.units import MONEY_AMOUNTS, MONEY_FLOWS


def annual_flow(package: float, years: float) -> float:
    """Yearly flow of a package announced for several years, spread evenly.

    Parameters
    ----------
    package : announced amount, bn (pledge or grant).
    years : length of its delivery, years.

    Returns
    -------
    float
        package / years, bn/yr.
    """
    return package / _positive("years", years)


def stock_flow(stock: float, replacement: float, growth: float) -> float:
    """Yearly investment that keeps a stock up and makes it grow.

    Parameters
    ----------
    stock : accumulated investment, bn.
    replacement, growth : shares of the stock replaced and added in a year, 1/yr.

    Returns
    -------
    float
        stock · (replacement + growth), bn/yr.
    """
    return stock * (replacement + growth)


def net_flow(start: float, end: float, years: float, replacement: float, grants: float) -> float:
    """Yearly flow behind the change of a stock, with grants that leave no stock.

    Parameters
    ----------
    start, end : stock at both ends, bn.
    years : time between them, years.
    replacement : share of the final stock replaced in a year, 1/yr.
    grants : yearly grants outside the stock, bn/yr.

    Returns
    -------
    float
        (end − start) / years + replacement · end + grants, bn/yr.
    """
    return (end - start) / _positive("years", years) + replacement * end + grants


def compound_rate(total: float, years: float) -> float:
    """Yearly growth rate that adds up to a total growth.

    Parameters
    ----------
    total : growth over the whole time as a share (0.40 for 40 percent); above −1.
    years : length of that time, years.

    Returns
    -------
    float
        (1 + total)^(1/years) − 1, share a year.
    """
    return float(_positive("1 + total", 1 + total) ** (1 / _positive("years", years))) - 1


def previous_level(level: float, growth: float) -> float:
    """Level one period before, from a level and its growth.

    Parameters
    ----------
    level : present level, any unit.
    growth : growth over the period as a share (0.113 for 11.3 percent); above −1.

    Returns
    -------
    float
        level / (1 + growth), unit of the level.
    """
    return level / _positive("1 + growth", 1 + growth)


def public_support(support: float, neutral: float) -> float:
    """Support in a population when the neutral are split evenly.

    Parameters
    ----------
    support, neutral : parts of those asked, both as shares or both as percent.

    Returns
    -------
    float
        support + neutral / 2, in the same unit.
    """
    return support + neutral / 2


def difference(total: float, part: float) -> float:
    """What is left of a total after one part, in their common unit."""
    return total - part


def ratio(part: float, total: float) -> float:
    """One quantity over another of the same unit, dimensionless."""
    return part / _positive("total", total)


def convert(amount: float, rate: float) -> float:
    """Amount in another currency: amount times units of the new currency for one of the old."""
    return amount * _positive("rate", rate)


DERIVATIONS: Final[Mapping[str, Callable[..., float]]] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            annual_flow,
            stock_flow,
            net_flow,
            compound_rate,
            previous_level,
            public_support,
            difference,
            ratio,
            convert,
        )
    }
)
"""Rules by the name that a configuration gives."""


def derivation(name: str) -> Callable[..., float]:
    """Rule with this name; an unknown name is an ``InputError`` that names the nearest one."""
    if name not in DERIVATIONS:
        raise InputError(f"unknown derivation '{name}'{nearest(name, DERIVATIONS)}")
    return DERIVATIONS[name]


def needs_derivation(fact: Fact, unit: str) -> bool:
    """Whether a money fact may feed a parameter in this unit only through a rule.

    True for a stock, pledge, grant or cost behind a yearly flow, and for a yearly flow behind an
    amount without a time.
    """
    if fact.kind is Kind.FLOW:
        return fact.unit in MONEY_FLOWS and unit in MONEY_AMOUNTS
    return fact.unit in MONEY_AMOUNTS and unit in MONEY_FLOWS


def _positive(name: str, number: float) -> float:
    if not number > 0:
        raise InputError(f"derivation: {name} must be above 0, is {number:g}")
    return number
