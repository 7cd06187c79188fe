"""Figures of every case draw the numbers of the run, computed anew from its arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from figure_cases import EACH, along, drawn, panels, results, title
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch, Wedge

import sim
from sim.axes import ROW
from sim.plots.palette import INK, NONE, power_colours, power_line
from sim.plots.trade import REGION, REST


def check_fans(
    lines: list[Line2D], x: np.ndarray, paths: list[np.ndarray], looks: list[tuple[str, str]]
) -> None:
    """Lines are those of fans, in order: two edges where replicates differ, then the median.

    Paths are (period, replicate), looks are colours and styles.
    """
    edges = [0.05, 0.95] if paths[0].shape[1] > 1 else []
    expected = [
        (np.quantile(path, level, axis=1), look)
        for path, look in zip(paths, looks, strict=True)
        for level in (*edges, 0.5)
    ]
    for line, (values, look) in zip(lines, expected, strict=True):
        np.testing.assert_allclose(line.get_xdata(), x)
        np.testing.assert_allclose(line.get_ydata(), values, atol=1e-12)
        assert (line.get_color(), line.get_linestyle()) == look


def looks(codes: list[str]) -> list[tuple[str, str]]:
    return [(colour, power_line(code)) for code, colour in power_colours(codes).items()]


def starts(run: sim.Run) -> np.ndarray:
    """First days of half-years, and the last day of the run, in years."""
    return 2025.5 + np.arange(run.data.sizes["period"] + 1) / 2


def stock(run: sim.Run, name: str, *dims: str) -> np.ndarray:
    """Stock (period, dims, replicate) with its value at the end."""
    parts = run.data[name].transpose("period", *dims, "replicate"), run.final[name]
    return np.concatenate([parts[0].values, parts[1].transpose(*dims, "replicate").values[None]])


def codes(run: sim.Run, dim: str) -> list[str]:
    return [str(code) for code in run.data[dim].values]


def alignment(figure: Figure, run: sim.Run) -> None:
    values = run.data["alignment"].transpose("state", "power", "period", "replicate").values
    assert [title(axes) for axes in panels(figure)] == codes(run, "state")
    for axes, paths in zip(panels(figure), values, strict=True):
        check_fans(axes.lines, starts(run)[1:], list(paths), looks(codes(run, "power")))


def influence(figure: Figure, run: sim.Run) -> None:
    names = ["influence", "influence_equal"]
    if len(codes(run, "state")) == 1:
        one, other = (stock(run, name, "power") for name in names)
        np.testing.assert_allclose(one, other)
        names = names[:1]
    for axes, name in zip(panels(figure), names, strict=True):
        paths = list(stock(run, name, "power").transpose(1, 0, 2))
        check_fans(axes.lines, starts(run), paths, looks(codes(run, "power")))


def trade(figure: Figure, run: sim.Run, shares: bool = False) -> None:
    values = dict(
        zip(
            codes(run, "state"),
            stock(run, "trade", "state", "partner").transpose(1, 2, 0, 3),
            strict=True,
        )
    )
    if len(values) > 1:
        values[REGION] = np.sum(list(values.values()), axis=0)
    assert [title(axes) for axes in panels(figure)] == list(values)
    for axes, paths in zip(panels(figure), values.values(), strict=True):
        parts = paths / paths.sum(axis=0) if shares else paths
        check_fans(axes.lines, starts(run), list(parts), looks(codes(run, "partner")))
        names = [str(line.get_label()) for line in axes.lines]
        partners = [REST if code == ROW else code for code in codes(run, "partner")]
        assert [label for label in names if label[0] != "_"] == partners


def delivery(figure: Figure, run: sim.Run) -> None:
    colours = power_colours(codes(run, "power"))
    for axes, (power, colour) in zip(panels(figure), colours.items(), strict=True):
        flows = [
            run.data[name].sel(power=power).transpose("state", "period", "replicate").values
            for name in ("signed", "delivered", "lost")
        ]
        paths = [np.cumsum(flow.sum(axis=0), axis=0) for flow in flows]
        paths = [np.concatenate([np.zeros_like(path[:1]), path]) for path in paths]
        check_fans(axes.lines, starts(run), paths, [(colour, "--"), (colour, "-"), (colour, ":")])
        assert title(axes) == power


def corridors(figure: Figure, run: sim.Run) -> None:
    known, shown = codes(run, "corridor"), panels(figure)
    flow, capacity, share = (
        run.data[name].transpose("corridor", "period", "replicate").values
        for name in ("corridor_flow", "capacity", "route_share")
    )
    used = [place for place in range(len(known)) if np.nan_to_num(share[place]).any()]
    middle = starts(run)[:-1] + 0.25
    for axes, path, room in zip(shown, flow, capacity, strict=False):
        check_fans(axes.lines, middle, [path], [(INK, "-")])
        (steps,) = (patch for patch in axes.patches if isinstance(patch, StepPatch))
        np.testing.assert_allclose(steps.get_data().values, np.median(room, axis=1))
        closed = not path.any() and not room.any()
        assert [text.get_text() for text in axes.texts] == ["closed"] * closed
    for axes, place in zip(shown[len(known) :], used, strict=True):
        check_fans(axes.lines, middle, [share[place]], [(INK, "-")])


def frequencies(run: sim.Run) -> np.ndarray:
    """How often (state, domain, option), powers first and nobody last."""
    pick = run.data["pick"].transpose("state", "domain", "period", "replicate").values
    options = [*range(1, len(codes(run, "power")) + 1), 0]
    return np.stack([(pick == option).mean(axis=(2, 3)) for option in options], axis=-1)


def picks(figure: Figure, run: sim.Run) -> None:
    options = power_colours([*codes(run, "power"), NONE])
    found = []
    for axes in panels(figure):
        bars = [part for part in axes.containers if isinstance(part, BarContainer)]
        assert [part.get_label() for part in bars] == list(options)
        widths = np.array([[bar.get_width() for bar in part] for part in bars])
        lefts = np.array([[bar.get_x() for bar in part] for part in bars])
        np.testing.assert_allclose(lefts, np.cumsum(widths, axis=0) - widths, atol=1e-12)
        for part, colour in zip(bars, options.values(), strict=True):
            assert {to_hex(bar.get_facecolor()).upper() for bar in part} == {colour}
        found.append(widths.T)
    expected = frequencies(run)
    np.testing.assert_allclose(np.concatenate(found), expected.reshape(-1, len(options)))


def heatmap(figure: Figure, run: sim.Run) -> None:
    (axes,), shares = figure.axes, frequencies(run)
    options = power_colours([*codes(run, "power"), NONE])
    texts = iter(axes.texts)
    colours = np.asarray(axes.collections[0].get_array())
    for row, column in np.ndindex(shares.shape[:2]):
        best = int(np.argmax(shares[row, column]))
        share = shares[row, column, best]
        name = [*codes(run, "power"), "nobody"][best]
        text = next(texts)
        assert text.get_text() == f"{name} {100 * share:.0f}"
        assert text.get_position() == (column, row)
        full = [int(list(options.values())[best][start : start + 2], 16) for start in (1, 3, 5)]
        pale = [1 - share * (1 - channel / 255) for channel in full]
        np.testing.assert_allclose(colours[row, column], pale, atol=1 / 255)
    assert [label.get_text() for label in axes.get_yticklabels()] == codes(run, "state")
    assert axes.yaxis_inverted()


def partners(figure: Figure, run: sim.Run) -> None:
    (axes,), periods = figure.axes, codes(run, "period")
    values = run.data["alignment"].transpose("period", "power", "state", "replicate").values
    ordered = np.sort(np.concatenate([np.zeros_like(values[:, :1]), values], axis=1), axis=1)
    alone = ordered[:, -1] - ordered[:, -2] > 1e-9
    first = np.where(alone, values.argmax(axis=1) + 1, 0)
    every = 1 if len(periods) == 2 else 4
    looked_at = range((len(periods) - 1) % every, len(periods), every)
    options = power_colours([NONE, *codes(run, "power")])
    expected = [
        (place, option, colour, (first[period] == number).mean())
        for place, period in enumerate(looked_at)
        for number, (option, colour) in enumerate(options.items())
        if (first[period] == number).any()
    ]
    blocks = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(blocks) == len(expected)
    for block, (place, option, colour, share) in zip(blocks, expected, strict=True):
        assert block.get_x() + block.get_width() / 2 == pytest.approx(place)
        assert block.get_height() == pytest.approx(share)
        assert (block.get_label(), to_hex(block.get_facecolor()).upper()) == (option, colour)
    assert along(axes) == [periods[at] for at in looked_at]


def ternary(figure: Figure, run: sim.Run) -> None:
    (axes,) = figure.axes
    marks = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    middles = np.median(stock(run, "alignment_stock", "state", "power"), axis=-1)
    ends = [middles[when, state] for state in range(middles.shape[1]) for when in (0, -1)]
    for line, share in zip(marks, ends, strict=True):
        top, left, right = share / share.sum()
        across, up = (np.atleast_1d(values)[0] for values in line.get_data())
        assert (across, up) == pytest.approx(((right - left) / np.sqrt(3), top))


def region(figure: Figure, run: sim.Run) -> None:
    (axes,) = figure.axes
    parts = {str(part.get_gid()): part for part in axes.patches if isinstance(part, Wedge)}
    ties = run.data["alignment_stock"].transpose("period", "state", "power", "replicate")
    middle = np.median(ties.values[-1], axis=-1)
    for state, shares in zip(
        codes(run, "state"), middle / middle.sum(axis=1)[:, None], strict=True
    ):
        for power, share in zip(codes(run, "power"), shares, strict=True):
            part = parts.pop(f"{state} {power}")
            assert part.theta2 - part.theta1 == pytest.approx(360 * share)
    assert not parts
    flow = np.median(run.data["corridor_flow"].transpose("period", "corridor", ...)[-1], axis=-1)
    lines = {line.get_gid(): line for line in axes.lines if line.get_gid()}
    for code, freight in zip(codes(run, "corridor"), flow, strict=True):
        if freight > 0 and code in lines:
            wide = max(0.8, 9 * freight / flow.max())
            assert lines[code].get_linewidth() == pytest.approx(wide)
    written = " ".join(text.get_text() for text in axes.texts)
    assert all(f"{code}:" in written or f"{code} " in written for code in codes(run, "corridor"))


CHECKS: dict[str, Callable[[Figure, sim.Run], None]] = {
    "alignment": alignment,
    "partners": partners,
    "picks": picks,
    "heatmap": heatmap,
    "ternary": ternary,
    "delivery": delivery,
    "influence": influence,
    "trade": trade,
    "trade_shares": lambda figure, run: trade(figure, run, shares=True),
    "corridors": corridors,
    "map": region,
}


@pytest.mark.parametrize(("name", "case"), EACH)
def test_what_is_drawn_is_the_data(name: str, case: str) -> None:
    CHECKS[name](drawn(name, case), results(case))
