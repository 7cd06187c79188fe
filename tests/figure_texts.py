"""Texts of figures: all of them readable."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def texts_drawn(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[Text]:
    """Texts that reach the canvas, as letters or as outlines with a halo.

    Ticks outside the limits, for one, do not.
    """
    seen: list[Text] = []
    write = RendererAgg.draw_text

    def record(self: RendererAgg, *given: Any, mtext: Text | None = None, **more: Any) -> None:
        if mtext is not None:
            seen.append(mtext)
        write(self, *given, mtext=mtext, **more)

    with monkeypatch.context() as patch:
        patch.setattr(RendererAgg, "draw_text", record)
        figure.canvas.draw()
    haloed = [text for text in figure.findobj(Text) if text.get_path_effects()]
    return list({id(text): text for text in (*seen, *haloed)}.values())


def check_texts(figure: Figure, texts: list[Text], where: str) -> None:
    """No text is small, runs out of the figure or into another one."""
    assert len(texts) > 5, where
    boxes = [(text, text.get_window_extent()) for text in texts]
    frame = figure.bbox.padded(0.5)
    for text, box in boxes:
        assert text.get_fontsize() >= 7, f"{where}: {text.get_text()}"
        inside = frame.contains(box.x0, box.y0) and frame.contains(box.x1, box.y1)
        assert inside, f"{where}: '{text.get_text()}' leaves the figure"
    for (one, box), (other, second) in itertools.combinations(boxes, 2):
        if one.get_rotation() % 90 or other.get_rotation() % 90:
            continue  # the box of a slanted text is larger than the text
        overlap = box.padded(-0.5).overlaps(second.padded(-0.5))
        assert not overlap, f"{where}: '{one.get_text()}' runs into '{other.get_text()}'"
