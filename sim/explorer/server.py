"""What the page does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from htmltools import Tag, TagChild, TagList, tags
from shiny import App, Inputs, Outputs, Session, reactive, render, ui

from sim.analysis import account
from sim.analysis.explain import Explanation, explain
from sim.analysis.picked import picked
from sim.compose import list_scenarios
from sim.errors import MultivectorError
from sim.explorer import page, pictures
from sim.explorer.dials import dials, main_paths
from sim.explorer.stage import Ensembles, Request, Side, Stage
from sim.explorer.world import World, check_moved
from sim.mechanism import mechanism_names
from sim.plain import digest


def make_app(request: Request) -> App:
    """The page as an application of Shiny.

    Raises
    ------
    InputError
        What it shall show first is not a world.
    """
    ensembles = Ensembles()
    first = Stage(request, ensembles)
    numbers = dials(first.unmoved, first.ledger)
    check_moved(request, numbers)
    shown = list(dict.fromkeys([*main_paths(first.unmoved, list(numbers)), *request.moved]))
    whole = page.page(
        request,
        list_scenarios(request.config_dir),
        mechanism_names(request.config_dir),
        numbers,
        shown,
        _states(first),
    )

    def server(inputs: Inputs, outputs: Outputs, session: Session) -> None:
        world = World(request, inputs, ensembles)
        _controls(inputs, world)
        _clock(inputs, world)
        _views(inputs, world)
        _reasons(inputs, world)

    return App(whole, server)


def _states(stage: Stage) -> dict[str, str]:
    return {code.upper(): state.name for code, state in stage.here.scenario.states.items()}


def _drawn(draw: Callable[[], TagChild]) -> TagChild:
    """What is drawn, or in words why nothing is."""
    try:
        return draw()
    except MultivectorError as error:
        return page.remark(str(error))


def _controls(inputs: Inputs, world: World) -> None:
    """Sliders and what they lead to."""
    with reactive.isolate():
        before = set(world.dials())

    @reactive.effect
    def _build() -> None:
        world.build()

    @render.ui
    def problem() -> TagChild:
        text = world.problem()
        return page.alert(f"{text} The page still shows the world before.") if text else None

    @render.ui
    def sliders() -> TagChild:
        known = world.dials()
        chosen = [path for path in inputs["numbers"]() or () if path in known]
        with reactive.isolate():
            at = world.positions()
        return TagList(
            *(
                page.slider(known[path], world.key(path), at.get(path, known[path].start))
                for path in chosen
            )
        )

    @reactive.effect
    def _choices() -> None:
        """Numbers and states of another scenario; what it brings anew is offered."""
        nonlocal before
        known = world.dials()
        new = [p for p in main_paths(world.stage().unmoved, list(known)) if p not in before]
        before = set(known)
        with reactive.isolate():
            kept = [path for path in inputs["numbers"]() or () if path in known] + new
        labels = {path: dial.label for path, dial in known.items()}
        ui.update_selectize("numbers", choices=labels, selected=kept)
        states = _states(world.stage())
        for name in ("fan_state", "why_state"):
            with reactive.isolate():
                old = inputs[name]()
            selected = old if old in states else next(iter(states))
            ui.update_select(name, choices=states, selected=selected)

    @reactive.effect
    @reactive.event(inputs["back"])
    def _back() -> None:
        for path, dial in world.dials().items():
            if path in world.positions():
                ui.update_slider(world.key(path), value=dial.start)

    @render.ui
    def story() -> TagChild:
        stage = world.stage()
        told = stage.here.scenario.story
        return TagList(
            tags.p(tags.strong(told.title), ". ", told.text, class_="story"),
            tags.details(tags.summary("The same from a shell"), tags.pre(stage.request.commands())),
        )


def _clock(inputs: Inputs, world: World) -> None:
    """Buttons that move time."""

    @reactive.effect
    @reactive.event(inputs["step"])
    def _step() -> None:
        world.advance(1)

    @reactive.effect
    @reactive.event(inputs["run"])
    def _run() -> None:
        world.advance(world.stage().here.scenario.steps)

    @reactive.effect
    @reactive.event(inputs["restart"])
    def _restart() -> None:
        world.restart()

    @render.ui
    def clock() -> TagChild:
        stage = world.now()
        model = stage.here.model
        where = "end, " if stage.over else "start of "
        text = f"{where}{model.label} · {stage.steps} of {stage.here.scenario.steps} steps"
        return tags.span(text, class_="clock")


def _views(inputs: Inputs, world: World) -> None:
    """Figures of both worlds."""

    def sides(draw: Callable[[Stage, Side], Any], words: str) -> Tag:
        stage = world.now()
        other = stage.there.scenario

        def one(side: Side) -> Tag:
            about = f"{words}; {side.scenario.story.title}; {side.model.label}"
            drawn = _drawn(lambda: page.picture(pictures.image(draw(stage, side)), about))
            return tags.div(drawn)

        return page.beside(one(stage.here), one(stage.there), other.story.title)

    @render.ui
    def map_sides() -> TagChild:
        whole = inputs["map_of"]() == "whole"
        return sides(
            lambda stage, side: pictures.draw_map(stage, side, whole), "Map of ties and corridors"
        )

    @render.ui
    def triangle_sides() -> TagChild:
        whole = inputs["triangle_of"]() == "whole"
        return sides(
            lambda stage, side: pictures.draw_triangle(side, whole), "Paths between the powers"
        )

    @render.ui
    def fan_sides() -> TagChild:
        state = inputs["fan_state"]()
        return sides(lambda stage, side: pictures.draw_fan(side, state), f"Alignment of {state}")

    @render.ui
    def differences() -> TagChild:
        stage, outcome = world.stage(), inputs["outcome"]()
        words = f"Differences in {outcome} at the end, replicate by replicate"
        return _drawn(
            lambda: page.picture(pictures.image(pictures.draw_differences(stage, outcome)), words)
        )

    @render.ui
    def evidence() -> TagChild:
        stage, known = world.stage(), world.dials()
        chosen = [known[path] for path in inputs["numbers"]() or () if path in known]
        rows = []
        for dial in chosen:
            value = stage.request.moved.get(dial.path)
            used = f"drawn around {dial.row.value:.4g}" if value is None else f"set to {value:.4g}"
            texts = [stage.ledger.text(fact) for fact in dial.row.facts]
            grounds = [tags.details(tags.summary(dial.row.grounds), page.facts(texts))]
            rows.append(
                [tags.code(dial.path), used, f"{dial.low:.3g} to {dial.high:.3g}", dial.unit]
                + (grounds if texts else [dial.row.grounds])
            )
        return page.table(["number", "used", "range", "unit", "grounds"], rows)


def _reasons(inputs: Inputs, world: World) -> None:
    """Why a state picked what it picked."""
    seen = reactive.value(0)

    @reactive.effect
    def _periods() -> None:
        """Half-years that can be asked about; a step moves on to the latest."""
        stage = world.now()
        periods = list(stage.here.scenario.periods[: stage.steps])
        with reactive.isolate():
            old, known = inputs["why_period"](), seen()
        latest = periods[-1] if periods else ""
        selected = old if old in periods and len(periods) == known else latest
        seen.set(len(periods))
        ui.update_select("why_period", choices=periods, selected=selected)

    def decision() -> tuple[str, str, str]:
        return inputs["why_state"](), inputs["why_period"]() or "", inputs["why_domain"]()

    @render.ui
    def why() -> TagChild:
        stage = world.now()
        state, period, domain = decision()
        if stage.steps == 0:
            return page.remark("Nothing has happened yet: press Step.")

        def one(side: Side) -> TagChild:
            found = picked(side.model, state, period, domain)
            return tags.div(
                tags.p(f"{account.what(found)} {account.why(found)}", class_="said"),
                page.picture(pictures.image(pictures.draw_terms(found)), "Terms of each offer"),
                page.picture(pictures.image(pictures.draw_picks(side, state)), "Picks so far"),
            )

        here = tags.div(_drawn(lambda: one(stage.here)))
        there = tags.div(_drawn(lambda: one(stage.there)))
        return page.beside(here, there, stage.there.scenario.story.title)

    @ui.bind_task_button(button_id="explain")
    @reactive.extended_task
    async def task(stage: Stage, asked: tuple[str, str, str]) -> Explanation:
        replicate = stage.request.replicate
        scenario, facts = stage.here.scenario, stage.ledger
        return await asyncio.to_thread(explain, scenario, *asked, replicate, ledger=facts)

    @reactive.effect
    @reactive.event(inputs["explain"])
    def _explain() -> None:
        if world.stage().steps:
            task(world.stage(), decision())

    @render.ui
    def explanation() -> TagChild:
        status = task.status()
        if status in ("initial", "running"):
            return None
        return _drawn(lambda: _explained(task.result(), world.stage(), decision()))


def _explained(found: Explanation, stage: Stage, asked: tuple[str, str, str]) -> TagChild:
    """Explanation in full, as long as the page still shows what it explains."""
    if (found.state, found.period, found.domain) != asked or found.manifest["scenario"] != digest(
        stage.here.scenario
    ):
        return page.remark("Another decision is shown now: press the button again.")
    return TagList(
        tags.p(account.what_if(found), class_="said"),
        tags.h3("Smallest change of a single number that flips the most probable pick"),
        tags.pre("\n".join(account.flips_text(found))),
        tags.h3("What the terms rest on"),
        tags.pre("\n".join(account.trail_text(found))),
    )
