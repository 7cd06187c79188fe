"""One colour for each power, one marker for each state, the same in every figure.

Colours are those of Okabe and Ito (2008), which people with the common forms of colour blindness
can tell apart. States carry no colour, so that a colour always means a power. Powers whose colours
print as the same grey have lines of another style.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from matplotlib.colors import to_hex, to_rgb

from sim.axes import ROW

Style = Literal["-", "--", ":"]

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

LINES: Final[Mapping[str, Style]] = MappingProxyType(
    {"RU": "-", "CN": "-", "EU": "-", "US": "--", "TR": "--", ROW: "--"}
)
"""Style of the lines of each power the project knows, and of the rest of the world."""

MARKERS: Final[Mapping[str, str]] = MappingProxyType(
    {"KZ": "o", "KG": "s", "TJ": "^", "TM": "D", "UZ": "v"}
)
"""Marker of each state of the baseline."""

INK: Final = "#222222"
"""Colour of what belongs to no power: states, line samples in legends."""
FAINT: Final = "#DDDDDD"
"""Colour of grids."""

_SPARE_COLOURS: Final = ("#CC79A7", "#882255", "#661100", "#F0E442")
_SPARE_LINE: Final = ":"
_SPARE_MARKERS: Final = ("P", "X", "p", "h", "<", ">", "*", "d", "8", "H")
_DARK: Final = 0.2
_CONTRAST: Final = 4.5
"""Contrast of letters with their ground, at the least (WCAG 2, level AA)."""
_SHADES: Final = 20


def power_colours(powers: Iterable[str]) -> dict[str, str]:
    """Colour of each power; powers of a user's own take spare colours in order of their codes."""
    return _assign(powers, COLOURS, _SPARE_COLOURS)


def option_name(option: str) -> str:
    """What an option is called in figures: a power by its code."""
    return "nobody" if option == NONE else option


def power_line(power: str) -> Style:
    """Style of the lines of a power."""
    return LINES.get(power, _SPARE_LINE)


def state_markers(states: Iterable[str]) -> dict[str, str]:
    """Marker of each state; further states take spare markers in order of their codes."""
    return _assign(states, MARKERS, _SPARE_MARKERS)


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour."""
    return "white" if _luminance(colour) < _DARK else "black"


def legible(colour: str) -> str:
    """Brightest shade of a colour that letters on white can have."""
    red, green, blue = to_rgb(colour)
    shades = (
        to_hex((red * step / _SHADES, green * step / _SHADES, blue * step / _SHADES))
        for step in range(_SHADES, -1, -1)
    )
    return next(shade for shade in shades if 1.05 / (_luminance(shade) + 0.05) >= _CONTRAST)


def tint(colour: str, strength: float) -> str:
    """Colour mixed with white.

    Parameters
    ----------
    colour : such as ``#0072B2``.
    strength : 0 for white, 1 for the colour itself.
    """
    red, green, blue = (1 - strength * (1 - channel) for channel in to_rgb(colour))
    return to_hex((red, green, blue))


def _luminance(colour: str) -> float:
    """Luminance of a colour, 0 for black and 1 for white."""
    red, green, blue = (_light(channel) for channel in to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _light(channel: float) -> float:
    """Light of a channel of sRGB."""
    light: float = ((channel + 0.055) / 1.055) ** 2.4
    return channel / 12.92 if channel <= 0.04045 else light


def _assign(
    codes: Iterable[str], known: Mapping[str, str], spare: tuple[str, ...]
) -> dict[str, str]:
    wanted = list(codes)
    others = sorted(set(wanted) - set(known))
    extra = {code: spare[number % len(spare)] for number, code in enumerate(others)}
    return {code: known[code] if code in known else extra[code] for code in wanted}
