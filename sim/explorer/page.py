"""What stands where on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from htmltools import Tag, TagList, tags
from shiny import ui

from sim.axes import DOMAINS
from sim.explorer.dials import Dial
from sim.explorer.stage import MOST_REPLICATES, Beside, Request
from sim.mechanism import PLAIN

STYLE: Final = Path(__file__).with_name("page.css")
COMPARED: Final = ("alignment", "dependence", "hedging_index", "influence", "signed", "trade")
"""Outcomes whose differences the page shows."""
_BESIDE: Final = {
    Beside.BASELINE.value: "the baseline",
    Beside.UNMOVED.value: "this scenario, no number moved",
}
_MECHANISM: Final = {PLAIN: "all, as the scenario has them"}
_WIDTH: Final = 340
"""Width of the side bar, in pixels."""


def page(
    request: Request,
    scenarios: Mapping[str, str],
    mechanisms: Iterable[str],
    numbers: Mapping[str, Dial],
    shown: list[str],
    states: Mapping[str, str],
) -> Tag:
    """The whole page, as it stands when it opens."""
    return ui.page_sidebar(
        ui.sidebar(
            ui.input_select("scenario", "Scenario", dict(scenarios), selected=request.name),
            ui.input_select(
                "mechanism",
                "Mechanism",
                {name: _MECHANISM.get(name, name.replace("_", " ")) for name in mechanisms},
                selected=request.mechanism,
            ),
            ui.input_select("beside", "Beside it", _BESIDE, selected=request.beside.value),
            tags.h2("Numbers"),
            tags.p(
                "Each is drawn from its evidence range in every replicate until you move it.",
                class_="note",
            ),
            ui.output_ui("sliders"),
            ui.input_selectize(
                "numbers",
                "Take up others",
                {path: dial.label for path, dial in numbers.items()},
                selected=shown,
                multiple=True,
                remove_button=True,
            ),
            ui.input_action_button("back", "Put all back"),
            tags.h2("Chance"),
            ui.layout_columns(
                ui.input_numeric("seed", "Seed", request.seed, min=0, step=1),
                ui.input_numeric("replicates", "Replicates", request.replicates, min=1, step=50),
                ui.input_numeric("replicate", "Stepped", request.replicate, min=0, step=1),
            ),
            tags.p(
                f"One replicate is stepped; the ensemble has up to {MOST_REPLICATES}.",
                class_="note",
            ),
            width=_WIDTH,
        ),
        ui.head_content(ui.include_css(STYLE), tags.link(rel="icon", href="data:,")),
        ui.busy_indicators.use(spinners=False, pulse=True, fade=False),
        ui.output_ui("problem"),
        ui.output_ui("story"),
        tags.div(
            ui.input_action_button("step", "Step", class_="btn-primary"),
            ui.input_action_button("run", "Run to the end"),
            ui.input_action_button("restart", "Start again"),
            ui.output_ui("clock", inline=True),
            class_="steps",
        ),
        ui.navset_underline(
            _view("Map", "map", whole=True),
            _view("Triangle", "triangle", whole=True),
            _view("Over time", "fan", state=states),
            ui.nav_panel(
                "Differences",
                ui.input_select(
                    "outcome", None, {name: name.replace("_", " ") for name in COMPARED}
                ),
                ui.output_ui("differences"),
                value="differences",
            ),
            _why(states),
            ui.nav_panel("Evidence", ui.output_ui("evidence"), value="evidence"),
            id="tab",
        ),
        title="Multivector",
        lang="en",
    )


def _view(
    title: str, name: str, *, whole: bool = False, state: Mapping[str, str] | None = None
) -> Any:
    """Tab with a figure of each of the two worlds."""
    choices = {"whole": "all replicates, medians", "one": "the replicate that is stepped"}
    above: list[Any] = []
    if whole:
        above.append(ui.input_radio_buttons(f"{name}_of", None, choices, inline=True))
    if state:
        above.append(ui.input_select(f"{name}_state", None, dict(state)))
    return ui.nav_panel(title, *above, ui.output_ui(f"{name}_sides"), value=name)


def _why(states: Mapping[str, str]) -> Any:
    return ui.nav_panel(
        "Why",
        tags.div(
            ui.input_select("why_state", "State", dict(states)),
            ui.input_select("why_period", "Half-year", []),
            ui.input_select("why_domain", "Domain", [str(domain) for domain in DOMAINS]),
            class_="choices",
        ),
        ui.output_ui("why"),
        tags.div(
            ui.input_task_button("explain", "What is behind it, and what would change it?"),
            tags.p(
                "Moves every number of the scenario, one at a time; takes about ten seconds.",
                class_="note",
            ),
            class_="steps",
        ),
        ui.output_ui("explanation"),
        value="why",
    )


def slider(dial: Dial, key: str, position: float) -> Tag:
    """One number to move."""
    low, high = dial.ends
    unit = "" if dial.unit == "1" else f", {dial.unit}"
    label = tags.span(dial.label, tags.span(unit, class_="unit"), title=dial.path)
    return tags.div(ui.input_slider(key, label, low, high, position, step=dial.step), class_="dial")


def beside(here: Tag, there: Tag, name: str) -> Tag:
    """Two things beside one another, or below where there is no room."""
    return tags.div(
        tags.section(tags.h3("This world"), here),
        tags.section(tags.h3(f"Beside it: {name}"), there),
        class_="sides",
    )


def picture(source: str, words: str) -> Tag:
    """Image with a description."""
    return tags.img(src=source, alt=words)


def remark(text: str) -> Tag:
    """Said in place of a figure."""
    return tags.p(text, class_="remark")


def alert(text: str) -> Tag:
    """What is wrong with what was asked."""
    return tags.div(text, class_="alert alert-warning", role="alert")


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> Tag:
    """A table of texts."""
    return tags.table(
        tags.thead(tags.tr(*(tags.th(head) for head in heads))),
        tags.tbody(*(tags.tr(*(tags.td(cell) for cell in row)) for row in rows)),
        class_="table table-sm",
    )


def facts(texts: Iterable[str]) -> TagList:
    """Facts in full, as the ledger prints them."""
    return TagList(*(tags.pre(text) for text in texts))
