"""Closed vocabularies of the historical files, and what the project calls their codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sim import axes
from sim.errors import InputError, nearest

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "KAZ": "KZ",
        "KGZ": "KG",
        "TJK": "TJ",
        "TKM": "TM",
        "UZB": "UZ",
        "ARM": "AM",
        "AZE": "AZ",
        "BLR": "BY",
        "MDA": "MD",
        "GEO": "GE",
        "MNG": "MN",
        "RUS": "RU",
        "CHN": "CN",
        "EU27": "EU",
        "USA": "US",
        "TUR": "TR",
    }
)
"""Code in the files (ISO 3166-1 alpha-3; EU27 for the 27 members of 2020) and in the project."""
FILE_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {code: iso3 for iso3, code in CODES.items()}
)

STATES: Final = tuple(code.upper() for code in axes.STATES)
POWERS: Final = tuple(code.upper() for code in axes.POWERS)
CENTRAL_ASIA: Final = ("KZ", "KG", "TJ", "TM", "UZ")
SUITORS: Final = ("RU", "CN", "EU")

ALL_OF_CENTRAL_ASIA: Final = "CA5"
"""Stands for the five Central Asian states in the files."""
WORLD: Final = "WORLD"
"""Partner in the trade file: all partners together."""
WORLD_ECONOMY: Final = "WLD"
"""Economy in the output file: the whole world, each country counted once."""

_EU_MEMBERS: Final = frozenset({"DEU", "FRA", "ITA"})
"""Economies of their own; as partners they are within EU27."""
_ELSEWHERE: Final = frozenset({"AFG", "ARE", "CHE", "GBR", "IND", "IRN", "JPN", "KOR", "PAK"})
_UKRAINE: Final = "UKR"

REPORTERS: Final = frozenset(FILE_CODES[code] for code in STATES) | {_UKRAINE, ALL_OF_CENTRAL_ASIA}
PARTNERS: Final = frozenset(CODES) | _ELSEWHERE | {_UKRAINE, WORLD}
ECONOMIES: Final = frozenset(CODES) | _ELSEWHERE | _EU_MEMBERS | {_UKRAINE, WORLD_ECONOMY}

ORGANISATIONS: Final = frozenset(
    {
        "AIIB",
        "BRICS",
        "C5+1 (US)",
        "China visa-free",
        "China-Central Asia summit",
        "CIS",
        "CIS FTA 2011",
        "CST/CSTO",
        "Customs Union RUS-BLR-KAZ",
        "EAEU",
        "EU AA/DCFTA",
        "EU CEPA",
        "EU Eastern Partnership",
        "EU EPCA",
        "EU GSP",
        "EU GSP+",
        "EU interim trade agreement",
        "EU PCA",
        "EU-Central Asia summit",
        "EurAsEC",
        "GUAM",
        "NATO PfP",
        "OTS (Turkic Council)",
        "Permanent neutrality (UN)",
        "Russian base (201st)",
        "Russian base (Gyumri)",
        "Russian base (Kant)",
        "SCO",
        "US base (K2)",
        "US base (Manas)",
        "WTO",
    }
)
"""Organisations, agreements, bases and summits, as the memberships file writes them."""


class Basis(StrEnum):
    """Whose books a row of trade comes from."""

    NATIONAL = "national"
    MIRROR = "mirror"
    FACTBOOK_MIRROR = "factbook_mirror"
    MIRROR_NEWS = "mirror_news"
    INTERPOLATED = "interpolated"
    TOTAL = "total"


class Quality(StrEnum):
    """How well a row of trade is known."""

    NATIONAL = "A"
    PARTNERS = "B"
    FACTBOOK_OR_NEWS = "C"
    INTERPOLATED = "D"
    UNUSABLE = "E"


LOWER_BOUND: Final = "-"
"""Ends a quality where one of the two flows is missing and counted as zero."""
QUALITIES: Final = frozenset(letter + sign for letter in Quality for sign in ("", LOWER_BOUND))


def read_codes(what: str, given: str | Iterable[str], valid: tuple[str, ...]) -> tuple[str, ...]:
    """Codes of states or powers in capitals.

    Parameters
    ----------
    what : for messages, such as ``states``.
    given : one code or several, in either case.
    valid : codes that may be asked for.

    Raises
    ------
    InputError
        No code, an unknown one, or one given twice.
    """
    codes = [code.upper() for code in ([given] if isinstance(given, str) else given)]
    if not codes:
        raise InputError(f"{what}: none given (valid: {', '.join(valid)})")
    for number, code in enumerate(codes):
        if code not in valid:
            raise InputError(f"{what}: unknown '{code}'{nearest(code, valid)}")
        if code in codes[:number]:
            raise InputError(f"{what}: '{code}' given twice")
    return tuple(codes)
