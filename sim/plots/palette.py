"""One colour for each power, one marker for each state, the same in every figure.

Colours are those of Okabe and Ito (2008), which people with the common forms of colour blindness
can tell apart. States carry no colour, so that a colour always means a power.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from sim.axes import ROW

NONE: Final = "none"
"""The option of picking nobody."""

COLOURS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "RU": "#009E73",
        "CN": "#E69F00",
        "EU": "#0072B2",
        "US": "#D55E00",
        "TR": "#56B4E9",
        ROW: "#595959",
        NONE: "#BBBBBB",
    }
)
"""Colour of each power the project knows; greys for the rest of the world and for none."""

MARKERS: Final[Mapping[str, str]] = MappingProxyType(
    {"KZ": "o", "KG": "s", "TJ": "^", "TM": "D", "UZ": "v"}
)
"""Marker of each state of the baseline."""

INK: Final = "#222222"
"""Colour of what belongs to no power: states, line samples in legends."""
FAINT: Final = "#DDDDDD"
"""Colour of grids."""

_SPARE_COLOURS: Final = ("#CC79A7", "#F0E442", "#882255", "#661100")
_SPARE_MARKERS: Final = ("P", "X", "p", "h", "<", ">", "*", "d", "8", "H")
_DARK: Final = 0.2


def power_colours(powers: Iterable[str]) -> dict[str, str]:
    """Colour of each power; powers of a user's own take spare colours in order of their codes."""
    return _assign(powers, COLOURS, _SPARE_COLOURS)


def state_markers(states: Iterable[str]) -> dict[str, str]:
    """Marker of each state; further states take spare markers in order of their codes."""
    return _assign(states, MARKERS, _SPARE_MARKERS)


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    luminance = sum(
        weight * channel**2.2
        for weight, channel in zip((0.2126, 0.7152, 0.0722), channels, strict=True)
    )
    return "white" if luminance < _DARK else "black"


def _assign(
    codes: Iterable[str], known: Mapping[str, str], spare: tuple[str, ...]
) -> dict[str, str]:
    wanted = list(codes)
    others = sorted(set(wanted) - set(known))
    extra = {code: spare[number % len(spare)] for number, code in enumerate(others)}
    return {code: known[code] if code in known else extra[code] for code in wanted}
