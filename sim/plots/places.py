"""Where things are on the map: capitals, names of countries, and schematic ways of corridors.

Ways are schematic: a few places that a corridor passes, in order, none of them surveyed. Where two
corridors share a line, one of them is drawn beside it. All positions are longitude and latitude in
degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Corridor:
    """Name of a corridor and the places on its way."""

    name: str
    way: tuple[tuple[str, float, float], ...]


CORRIDORS: Final[Mapping[str, Corridor]] = MappingProxyType(
    {
        "N": Corridor(
            "Northern",
            (
                ("Almaty", 76.9, 43.2),
                ("Balkhash", 75.0, 46.8),
                ("Karaganda", 73.1, 49.8),
                ("Astana", 71.4, 51.2),
                ("Kostanay", 63.6, 53.2),
                ("Ufa", 56.0, 54.7),
                ("Samara", 50.1, 53.2),
                ("Moscow", 37.6, 55.8),
                ("Smolensk", 32.0, 54.8),
                ("Minsk", 27.6, 53.9),
                ("Brest", 23.7, 52.1),
                ("Warsaw", 21.0, 52.2),
                ("Berlin", 13.4, 52.5),
            ),
        ),
        "M": Corridor(
            "Middle",
            (
                ("Dostyk", 82.5, 45.3),
                ("Aktogay", 79.7, 46.9),
                ("Zhezkazgan", 67.7, 47.8),
                ("Aralsk", 61.7, 46.8),
                ("Beyneu", 55.2, 45.3),
                ("Aktau", 51.2, 43.6),
                ("Baku", 49.4, 40.4),
                ("Ganja", 46.4, 40.8),
                ("Tbilisi", 44.8, 41.7),
                ("Poti", 41.7, 42.1),
                ("Black Sea", 35.0, 43.0),
                ("Constanta", 28.6, 44.2),
                ("Budapest", 19.0, 47.5),
            ),
        ),
        "NS": Corridor(
            "North–South",
            (
                ("Saratov", 46.0, 51.5),
                ("Oral", 51.4, 50.6),
                ("Makat", 53.3, 47.6),
                ("Beyneu", 55.2, 45.3),
                ("Zhanaozen", 53.2, 43.2),
                ("Bereket", 55.5, 39.2),
                ("Gorgan", 54.4, 36.8),
                ("Tehran", 52.4, 35.4),
                ("Bandar Abbas", 56.3, 27.2),
            ),
        ),
        "E": Corridor(
            "Eastern",
            (
                ("Tashkent", 69.2, 41.3),
                ("Taraz", 71.4, 42.9),
                ("Bishkek", 74.6, 43.0),
                ("Almaty", 76.9, 43.2),
                ("Khorgos", 80.3, 44.2),
                ("Urumqi", 87.6, 43.8),
                ("Hami", 93.5, 42.8),
                ("Lanzhou", 103.8, 36.1),
                ("Lianyungang", 119.2, 34.6),
            ),
        ),
        "CKU": Corridor(
            "China–KG–UZ",
            (
                ("Kashgar", 76.0, 39.5),
                ("Torugart", 75.4, 40.5),
                ("Makmal", 74.1, 41.2),
                ("Jalal-Abad", 73.0, 40.9),
                ("Andijan", 72.3, 40.8),
            ),
        ),
        "STH": Corridor(
            "Trans-Afghan",
            (
                ("Tashkent", 69.2, 41.3),
                ("Samarkand", 67.0, 39.6),
                ("Termez", 67.3, 37.2),
                ("Mazar-i-Sharif", 67.1, 36.7),
                ("Kabul", 69.2, 34.5),
                ("Peshawar", 71.5, 34.0),
                ("Karachi", 67.0, 24.9),
            ),
        ),
    }
)
"""Name and way of each corridor the project knows."""

CAPITALS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "KZ": (71.4, 51.2),
        "KG": (74.6, 42.9),
        "TJ": (68.8, 38.6),
        "TM": (58.4, 37.9),
        "UZ": (69.2, 41.3),
        "AM": (44.5, 40.2),
        "AZ": (49.9, 40.4),
        "BY": (27.6, 53.9),
        "MD": (28.8, 47.0),
        "GE": (44.8, 41.7),
        "MN": (106.9, 47.9),
    }
)
"""Capital of each state the project knows."""

COUNTRIES: Final[Mapping[str, tuple[str, tuple[tuple[float, float], ...]]]] = MappingProxyType(
    {
        "RU": ("Russia", ((60.5, 55.3), (95.0, 57.5), (80.0, 54.4), (45.0, 53.0), (42.0, 52.0))),
        "CN": ("China", ((83.5, 40.0), (106.0, 40.0), (92.0, 38.5), (86.0, 46.5))),
        "IR": ("Iran", ((57.0, 35.5), (52.0, 33.5), (48.0, 36.0))),
        "AF": ("Afghanistan", ((64.5, 35.3), (66.0, 34.0))),
        "TR": ("Türkiye", ((38.0, 39.2), (33.0, 39.0))),
        "UA": ("Ukraine", ((32.0, 49.0), (35.0, 48.5))),
        "KZ": ("Kazakhstan", ((67.0, 49.5), (60.0, 49.0))),
        "KG": ("Kyrgyzstan", ((75.0, 41.9),)),
        "TJ": ("Tajikistan", ((71.0, 38.6),)),
        "TM": ("Turkmenistan", ((59.5, 39.5),)),
        "UZ": ("Uzbekistan", ((63.0, 41.8), (60.0, 43.5))),
        "AM": ("Armenia", ((45.0, 40.3),)),
        "AZ": ("Azerbaijan", ((47.8, 40.5),)),
        "BY": ("Belarus", ((28.0, 53.3),)),
        "MD": ("Moldova", ((28.6, 47.2),)),
        "GE": ("Georgia", ((43.5, 42.1),)),
        "MN": ("Mongolia", ((103.0, 46.5), (96.0, 47.5))),
    }
)
"""Name of each country with borders of its own, and where it may be written, best place first."""
