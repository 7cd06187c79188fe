"""The page in the browser: its worlds, its dials, and the page itself in a headless Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import sim
from sim.analysis.picked import picked
from sim.cli import main
from sim.errors import InputError
from sim.explorer.dials import Dial, dials, main_paths, moved
from sim.explorer.stage import Beside, Ensembles, Request, Stage, request_of

SMALL = Request("gateway_delivers", seed=7, replicates=20, replicate=3)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def stage(**settings: Any) -> Stage:
    return Stage(Request(**{**vars(SMALL), **settings}), Ensembles())


@pytest.fixture(scope="module")
def known() -> dict[str, Dial]:
    return dials(sim.load_scenario(), sim.evidence())


def test_every_number_with_a_range_has_a_dial(known: dict[str, Dial]) -> None:
    assert len(known) > 400
    for dial in known.values():
        first, last = dial.ends
        assert dial.low - 1e-9 <= first <= dial.start <= last <= dial.high + 1e-9
        assert 40 <= (last - first) / dial.step <= 101
        assert abs(dial.start - dial.row.value) <= dial.step / 2 + 1e-12
        assert dial.value(dial.start) is None
        assert dial.value(last) == last or last == dial.start


def test_dials_stand_at_round_numbers(known: dict[str, Dial]) -> None:
    budget = known["powers.eu.budget"]
    assert budget.ends == (1.9, 4.4)
    assert budget.step == 0.05
    assert budget.label == "European Union: budget"
    assert budget.value(3.1000000000000005) == 3.1
    assert known["powers.ru.delivery.infrastructure"].ends == (0.01, 0.28)


def test_what_is_offered_first_is_there() -> None:
    for name in sim.list_scenarios():
        scenario = sim.load_scenario(name)
        numbers = dials(scenario, sim.evidence())
        first = main_paths(scenario, list(numbers))
        assert len(first) == len(set(first)) >= 2 * len(scenario.powers)
        assert set(first) <= set(numbers)


def test_moved_numbers_are_those_off_their_start(known: dict[str, Dial]) -> None:
    budget = known["powers.eu.budget"]
    at = {"powers.eu.budget": budget.start, "powers.cn.budget": 5.0, "no.such": 1.0}
    assert moved(known, at) == {"powers.cn.budget": 5.0}


def test_the_stepped_replicate_is_that_of_the_ensemble() -> None:
    found = stage(moved={"powers.eu.budget": 4.0})
    found.advance(7)
    data, final = found.here.so_far()
    run = found.here.run
    assert list(data["period"].values) == list(run.data["period"].values[:7])
    for name in ("alignment", "pick", "corridor_flow", "dependence"):
        np.testing.assert_array_equal(
            data[name].isel(replicate=0), run.data[name].isel(replicate=3, period=slice(7))
        )
    np.testing.assert_array_equal(
        final["dependence"].isel(replicate=0),
        run.data["dependence"].isel(replicate=3, period=7),
    )
    assert final.attrs["period"] == run.data["period"].values[7]


@pytest.mark.parametrize("steps", [0, 5, 20])
def test_all_replicates_are_shown_as_far_as_the_model_has_come(steps: int) -> None:
    found = stage()
    found.advance(steps)
    data, final = found.here.shown(whole=True)
    run = found.here.run
    path = run.path("dependence")
    np.testing.assert_array_equal(final["dependence"], path.isel(period=steps))
    assert data.sizes["period"] == max(steps, 1)
    assert data.sizes["replicate"] == 20
    one, last = found.here.shown(whole=False)
    assert one.sizes["replicate"] == 1
    np.testing.assert_array_equal(
        last["dependence"].isel(replicate=0), path.isel(period=steps, replicate=3)
    )


def test_beside_it_stands_the_baseline_or_the_same_unmoved() -> None:
    moving = {"powers.eu.budget": 4.0}
    assert stage(moved=moving).there.scenario.name == "strategic_balance"
    other = stage(moved=moving, beside=Beside.UNMOVED).there.scenario
    assert other.name == "gateway_delivers"
    assert other.powers["eu"].budget.of() != 4.0
    assert stage(moved=moving).here.scenario.powers["eu"].budget.of() == 4.0


def test_stepping_ends_at_the_end() -> None:
    found = stage()
    found.advance(50)
    assert found.over
    assert found.steps == 20
    assert found.there.model.period == 20


def test_runs_are_computed_once() -> None:
    ensembles = Ensembles()
    first, second = (Stage(SMALL, ensembles) for _ in range(2))
    assert first.here.run is second.here.run
    assert first.here.run is not first.there.run


def test_picked_is_what_explain_says() -> None:
    found = stage()
    found.advance(3)
    decision = picked(found.here.model, "uz", "2026H2", "energy")
    why = sim.explain(found.here.scenario, "UZ", "2026H2", "energy", 3)
    assert decision.table().equals(why.table())
    assert (decision.picked, decision.state_name) == (why.picked, "Uzbekistan")
    with pytest.raises(InputError, match="2027H1 is not simulated yet; the model stands at 2027H1"):
        picked(found.here.model, "UZ", "2027H1", "energy")
    with pytest.raises(InputError, match=r"no 'UX' in gateway_delivers \(nearest .*'UZ'"):
        picked(found.here.model, "UX", "2026H2", "energy")


def test_the_commands_make_the_same_world() -> None:
    words = ["rails_first", "states=kz", "seed=5", "replicates=30", "mechanism=no_hedging"]
    request = request_of(words, ["powers.cn.budget=5"], 2, None)
    run, page = request.commands().splitlines()
    assert run == (
        "multivector run scenario=rails_first states=kz mechanism=no_hedging seed=5 replicates=30 "
        "--set powers.cn.budget=5"
    )
    *_, number = page.split()
    again = request_of(page.split()[2:-4], ["powers.cn.budget=5"], int(number), None)
    assert again == request


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no_such"], "unknown scenario"),
        (["rails_first", "one_voice"], "'one_voice' is one too many"),
        (["scenario=rails_first"], "name the scenario alone"),
        (["outcomes=[trade]"], "the page shows all outcomes"),
        (["replicates=many"], "must be a whole number"),
        (["replicates=100000"], "1 to 2000"),
        (["replicates=10", "--replicate", "10"], "0 to 9"),
        (["--set", "powers.eu.budget=9"], "outside its evidence range, 1.9 to 4.4 USD bn/yr"),
        (["--set", "powers.eu.budgett=3"], "budget"),
        (["--set", "powers.eu.budget=much"], "must be a number"),
        (["--set", "powers.eu.budget=2.61"], "2.6 is where it is drawn around; leave it out"),
        (["--port", "-4"], "cannot use -4"),
    ],
)
def test_mistakes_are_said_before_anything_is_served(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", "--no-browser", *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "http" not in printed.out


# In the browser


@contextmanager
def served(*words: str) -> Iterator[str]:
    """Address of a page, served by the command."""
    command = [sys.executable, "-m", "sim.cli", "explore", "--no-browser", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()[0]
        finally:
            server.terminate()


class Page:
    """A page in Chromium, and what went wrong in it."""

    def __init__(self, browser: Any, address: str) -> None:
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.tab = browser.new_page(viewport={"width": 1500, "height": 950})
        self.tab.set_default_timeout(60_000)
        self.tab.on("console", self._note)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("request", self._check)
        self.tab.goto(address)
        self.address = address
        self.tab.wait_for_selector("#map_sides img")

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _check(self, request: Any) -> None:
        if not request.url.startswith((self_address(request.url), "data:", "blob:")):
            self.outside.append(request.url)

    def sources(self, name: str) -> list[str]:
        return [str(i.get_attribute("src")) for i in self.tab.query_selector_all(f"#{name} img")]

    def shows(self, expression: str) -> None:
        """Wait until something is true."""
        self.tab.wait_for_function(expression)

    def open(self, name: str) -> None:
        self.tab.click(f"a[data-value={name}]")

    def drag(self, key: str, share: float) -> None:
        """Move a slider with the mouse to a share of its length."""
        slider = self.tab.locator(f".shiny-input-container:has(#{key}) .irs--shiny")
        slider.scroll_into_view_if_needed()
        box = slider.locator(".irs-line").bounding_box()
        handle = slider.locator(".irs-handle.single").bounding_box()
        y = handle["y"] + handle["height"] / 2
        self.tab.mouse.move(handle["x"] + handle["width"] / 2, y)
        self.tab.mouse.down()
        self.tab.mouse.move(box["x"] + box["width"] * share, y, steps=5)
        self.tab.mouse.up()

    def sound(self) -> None:
        assert self.errors == []
        assert self.outside == []
        assert "Traceback" not in self.tab.content()
        assert self.tab.query_selector(".shiny-output-error") is None
        broken = "[...document.images].filter(i => i.complete && i.naturalWidth < 50).length"
        assert self.tab.evaluate(broken) == 0


def self_address(url: str) -> str:
    """Beginning of addresses on this machine, for http and web sockets."""
    found = re.match(r"(http|ws)://127\.0\.0\.1:\d+/", url)
    return found[0] if found else "nowhere"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        options = ["--no-sandbox", "--disable-gpu"]
        with running.chromium.launch(executable_path=CHROMIUM, args=options) as found:
            yield found


def changed(page: Page, name: str, old: list[str]) -> list[str]:
    """Images once they differ from old ones."""
    page.tab.wait_for_function(
        "([name, old]) => {"
        "  const first = document.querySelector(`#${name} img`);"
        "  return first && first.src !== old}",
        arg=[name, old[0]],
    )
    return page.sources(name)


def clock_shows(page: Page, text: str) -> None:
    page.tab.wait_for_function(
        "text => document.querySelector('#clock').innerText.includes(text)", arg=text
    )


def test_sliders_steps_and_reasons(browser: Any) -> None:
    with served("seed=7", "replicates=20", "--replicate", "3") as address:
        page = Page(browser, address)
        clock_shows(page, "start of 2025H2 · 0 of 20")
        start = page.sources("map_sides")
        assert len(start) == 2
        assert start[0] == start[1]  # nothing is moved yet
        page.tab.click("#step")
        clock_shows(page, "start of 2026H1 · 1 of 20")
        stepped = changed(page, "map_sides", start)
        page.drag("strategic_balance_powers_eu_budget", 1.0)
        page.shows("document.querySelector('#story').innerHTML.includes('powers.eu.budget=4.4')")
        page.open("fan")
        page.shows("document.querySelectorAll('#fan_sides img').length == 2")
        one, other = page.sources("fan_sides")
        assert one != other  # the moved world and the baseline
        page.open("map")
        assert stepped != start
        page.tab.click("#run")
        clock_shows(page, "end, 2035H2 · 20 of 20")
        page.open("why")
        page.shows("document.querySelectorAll('#why img').length == 4")
        assert "In 2035H1 Kazakhstan most probably picks" in page.tab.inner_text("#why")
        page.tab.select_option("#why_state", "UZ")
        page.shows("document.querySelector('#why').innerText.includes('2035H1 Uzbekistan')")
        page.tab.select_option("#why_period", "2026H1")
        page.shows("document.querySelector('#why').innerText.includes('In 2026H1 Uzbekistan')")
        page.tab.click("#explain")
        page.tab.wait_for_selector("#explanation pre", timeout=180_000)
        text = page.tab.inner_text("#explanation")
        assert re.search(r"It would most probably be|No single number", text)
        page.tab.select_option("#why_domain", "energy")
        page.shows("document.querySelector('#explanation').innerText.includes('press the button')")
        page.tab.click("#restart")
        clock_shows(page, "start of 2025H2 · 0 of 20")
        page.shows("document.querySelector('#why').innerText.includes('press Step')")
        page.tab.click("#back")
        page.shows("!document.querySelector('#story').innerHTML.includes('powers.eu.budget=')")
        page.sound()


def test_bad_combinations_are_said_in_words(browser: Any) -> None:
    shares = [f"powers.ru.domain_shares.{name}" for name in ("energy", "security", "trade")]
    given = [
        w
        for path, at in zip(shares, (0.41, 0.3, 0.2), strict=True)
        for w in ("--set", f"{path}={at}")
    ]
    with served("replicates=20", *given, "--set", "powers.ru.domain_shares.technology=0.05") as at:
        page = Page(browser, at)
        before = page.sources("map_sides")
        page.drag("strategic_balance_powers_ru_domain_shares_technology", 1.0)
        alert = page.tab.wait_for_selector(".alert")
        assert "is more than the whole, 1" in alert.inner_text()
        assert page.sources("map_sides") == before
        page.drag("strategic_balance_powers_ru_domain_shares_technology", 0.0)
        page.shows("document.querySelector('.alert') === null")
        for key, value, message in (
            ("replicates", "99999", "1 to 2000"),
            ("replicate", "20", "0 to 19"),
            ("seed", "", "whole number"),
        ):
            old = page.tab.input_value(f"#{key}")
            page.tab.fill(f"#{key}", value)
            assert message in page.tab.wait_for_selector(".alert").inner_text()
            page.tab.fill(f"#{key}", old)
            page.shows("document.querySelector('.alert') === null")
        page.sound()


def test_other_scenarios_and_other_worlds(browser: Any) -> None:
    with served("states=kz", "replicates=20") as address:
        page = Page(browser, address)
        old = page.sources("map_sides")
        page.tab.select_option("#scenario", "five_suitors")
        page.tab.wait_for_selector("#five_suitors_powers_us_budget", state="attached")
        changed(page, "map_sides", old)
        page.open("triangle")
        page.shows("document.querySelector('#triangle_sides').innerText.includes('three powers')")
        assert len(page.sources("triangle_sides")) == 1  # the baseline has three
        page.open("differences")
        page.tab.wait_for_selector("#differences img")
        page.tab.select_option("#outcome", "trade")
        page.tab.select_option("#mechanism", "no_learning")
        page.open("evidence")
        page.shows("document.querySelectorAll('#evidence tr').length > 8")
        assert "powers.us.budget" in page.tab.inner_text("#evidence")
        page.tab.select_option("#beside", "unmoved")
        page.open("differences")
        page.shows("document.querySelector('#differences').innerText.includes('no replicate')")
        page.sound()
