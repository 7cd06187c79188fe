"""The closed list of units: a quantity or a fact in any other unit is refused.

Money of one year (a flow) and money of no particular time (a stock, a pledge, a grant or a cost)
never share a unit, so that one cannot stand in for the other unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sim.errors import InputError, nearest

UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1": "dimensionless number",
        "share": "part of a whole, 0 to 1",
        "percent": "per cent, also growth over a stated period other than one year",
        "percent/yr": "per cent a year",
        "percent of GDP": "per cent of a year's gross domestic product",
        "percent per day": "per cent for each day, as of tariff equivalents of time",
        "1 per percent-point": "effect of one percentage point",
        "1/yr": "rate a year",
        "1/sqrt(yr)": "spread of a logarithm after a year, growing with the root of time",
        "ratio": "one quantity over another of the same unit",
        "USD bn": "billion US dollars: stock, pledge, grant or cost",
        "USD bn/yr": "billion US dollars a year: flow",
        "USD per person": "US dollars for each inhabitant",
        "EUR bn": "billion euros: stock, pledge, grant or cost",
        "EUR bn/yr": "billion euros a year: flow",
        "CNY bn": "billion yuan: stock, pledge, grant or cost",
        "CNY bn/yr": "billion yuan a year: flow",
        "Mt": "million tonnes",
        "Mt/yr": "million tonnes a year",
        "bcm/yr": "billion cubic metres of gas a year",
        "TEU": "standard containers",
        "Mt/bn": "million tonnes for each billion US dollars of trade",
        "bn/Mt": "billion US dollars of trade for each million tonnes",
        "km": "kilometres",
        "years": "length of time in years",
        "year": "calendar year",
        "days": "length of time in days",
        "hours": "length of time in hours",
        "months": "length of time in months",
        "persons m": "million persons",
        "persons": "persons",
        "states": "number of states",
        "documents": "number of documents",
        "corridors": "number of corridors",
        "leaders": "number of leaders",
        "governments": "number of governments",
        "summits": "number of summits",
        "articles": "number of articles",
        "log-odds": "utility, on the scale of choice probabilities",
        "log-odds per unit": "utility for one unit of a regressor",
        "USD per KGS": "US dollars for one Kyrgyz som",
        "USD per KZT": "US dollars for one Kazakh tenge",
        "USD per TJS": "US dollars for one Tajik somoni",
        "USD per UZS": "US dollars for one Uzbek sum",
        "USD per TMT": "US dollars for one Turkmen manat",
        "flag": "yes (1) or no (0)",
        "text": "no number",
    }
)
"""Unit and its meaning."""

MONEY_FLOWS: Final = frozenset({"USD bn/yr", "EUR bn/yr", "CNY bn/yr"})
"""Money of one year."""

MONEY_AMOUNTS: Final = frozenset({"USD bn", "EUR bn", "CNY bn"})
"""Money without a time: stocks, pledges, grants and costs."""


def check_unit(unit: str) -> str:
    """Return the unit if it is on the list.

    Raises
    ------
    InputError
        The unit is not on the list; the message names the nearest one.
    """
    if unit not in UNITS:
        raise InputError(f"unknown unit '{unit}'{nearest(unit, UNITS)}")
    return unit
