"""One colour for each power, told apart by every eye."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sim.plots.palette import (
    COLOURS,
    MARKERS,
    ink_on,
    legible,
    power_colours,
    power_line,
    state_markers,
    tint,
)

CONTRAST = 4.5
"""WCAG 2, level AA."""


def test_powers_keep_their_colour_in_any_company() -> None:
    everybody = power_colours([*COLOURS, "IN", "JP"])
    assert power_colours(["EU", "CN"]) == {"EU": everybody["EU"], "CN": everybody["CN"]}
    assert len(set(everybody.values())) == len(everybody)
    assert len(set(state_markers([*MARKERS, "AM", "AZ", "BY", "MD", "GE", "MN"]).values())) == 11


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB under D65."""
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(matrix) @ np.clip(light, 0, 1) / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_colours_differ_for_every_eye(blindness: str) -> None:
    just_noticeable = 2.3
    seen = {code: lab(BLINDNESS[blindness] @ linear(colour)) for code, colour in COLOURS.items()}
    for one, other in itertools.combinations(seen, 2):
        distance = float(np.linalg.norm(seen[one] - seen[other]))
        assert distance > 6 * just_noticeable, f"{one} and {other}: {distance:.0f}"


@pytest.mark.parametrize("own", [(), ("AA", "BB", "CC", "DD")])
def test_lines_differ_without_colour(own: tuple[str, ...]) -> None:
    colours = power_colours([*COLOURS, *own])
    for one, other in itertools.combinations(colours, 2):
        if power_line(one) == power_line(other) and "none" not in (one, other):
            greys = (lab(linear(colours[power]))[0] for power in (one, other))
            assert abs(np.subtract(*greys)) > 10, f"{one} and {other}"


def luminance(colour: str) -> float:
    return float(linear(colour) @ (0.2126, 0.7152, 0.0722))


def test_numbers_stand_out_from_their_bars() -> None:
    for colour in COLOURS.values():
        ground = luminance(colour)
        ink = 1.0 if ink_on(colour) == "white" else 0.0
        light, dark = max(ground, ink), min(ground, ink)
        assert (light + 0.05) / (dark + 0.05) >= CONTRAST


def test_letters_keep_their_hue_and_stand_out_from_white() -> None:
    assert legible(COLOURS["EU"]) == COLOURS["EU"].lower()  # dark enough as it is
    for colour in power_colours([*COLOURS, "AA", "BB", "CC", "DD"]).values():
        assert 1.05 / (luminance(legible(colour)) + 0.05) >= CONTRAST
        channels, shade = (
            np.array([int(code[start : start + 2], 16) for start in (1, 3, 5)])
            for code in (colour, legible(colour))
        )
        np.testing.assert_allclose(shade * channels.max(), channels * shade.max(), atol=255)


def test_a_tint_runs_from_white_to_the_colour() -> None:
    assert [tint("#0072B2", s) for s in (0, 0.5, 1)] == ["#ffffff", "#80b8d8", "#0072b2"]
