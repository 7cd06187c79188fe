"""Dated events on the growth of economies, of states and of trade partners, in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from support import (
    Trace,
    baseline,
    certain,
    ending,
    fixed,
    outcomes,
    same_bits,
    same_world,
    trace,
    vary,
    with_event,
)

from sim.compose import load_scenario
from sim.errors import InputError
from sim.quantity import Draw
from sim.sampling import sample
from sim.scenario import Scenario
from sim.specs import Target

SIZE: Final = 0.04
STEPS: Final = 10
PARTNERS: Final = ("ru", "cn", "eu", "row")
GRAVITY: Final = {"rules.corridors.moving": False, "rules.trade.capital_effect": 0.0}
"""Only economies move trade."""
ALONE: Final = range(1)
FADED: Final = [2 ** (-step / 2) for step in range(STEPS)]
"""What a half-life of one year leaves after so many half-years."""

COURSES: Final[dict[str, tuple[Mapping[str, Any], list[float]]]] = {
    "from the start": ({"date": "2025H2"}, [1.0] * 10),
    "from a later date": ({"date": "2027H1"}, [0.0] * 3 + [1.0] * 7),
    "phased in": ({"date": "2027H1", "until": "2028H1"}, [0.0] * 4 + [0.5] + [1.0] * 5),
    "fading": ({"date": "2027H1", "half_life": 1.0}, [0.0] * 3 + FADED[:7]),
    "phased in, then fading": (
        {"date": "2027H1", "until": "2028H1", "half_life": 1.0},
        [0.0] * 4 + [0.5] + FADED[:5],
    ),
    "between two steps": ({"date": "2027Q2", "until": "2028H1"}, [0.0] * 4 + [1 / 3] + [1.0] * 5),
    "before the start": ({"date": "2024H1"}, [1.0] * 10),
    "before the start, fading": (
        {"date": "2024H2", "half_life": 1.0},
        [part / 2 for part in FADED],
    ),
    "before the start, phased in": (
        {"date": "2024H2", "until": "2026H2"},
        [0.5, 0.75] + [1.0] * 8,
    ),
    "before the start, phased in, then fading": (
        {"date": "2023H1", "until": "2024H1", "half_life": 1.0},
        [part * 2**-1.5 for part in FADED],
    ),
}
"""When events begin and end, and the part of them that is in force in each half-year."""
EVERY_COURSE: Final = pytest.mark.parametrize("course", COURSES)


@pytest.fixture(scope="module")
def central() -> Scenario:
    """Five years at central values without any event."""
    return ending(vary(certain(), {"events": {}}), "2030H2")


@pytest.fixture(scope="module")
def quiet(central: Scenario) -> Trace:
    return trace(central, ALONE)


def on_growth(
    scenario: Scenario, size: float = SIZE, name: str = "boom", **fields: Any
) -> Scenario:
    return with_event(scenario, name, Target.GROWTH, size=size, **fields)


def added(course: str, size: float = SIZE) -> list[float]:
    """ln of what an event has added to an economy by the start of each half-year."""
    parts = COURSES[course][1]
    return [size / 2 * math.fsum(parts[:step]) for step in range(STEPS + 1)]


def path(run: Trace, stock: str, *place: int) -> np.ndarray:
    """A stock of the first replicate over time."""
    return np.array([getattr(world, stock)[(*place, ..., 0)] for world in run.worlds])


# --- economies of states --------------------------------------------------------------------------


@EVERY_COURSE
def test_output_grows_by_its_rate_and_the_event(
    central: Scenario, quiet: Trace, course: str
) -> None:
    """Y_n = Y_0 exp(g n Delta + sum a s Delta), K^o alike; the other states as without it."""
    run = trace(on_growth(central, **COURSES[course][0], states=("kg",)), ALONE)
    rate = central.states["kg"].growth.of()
    grown = np.exp([rate * n / 2 + more for n, more in enumerate(added(course))])
    output, others = path(run, "gdp", 1).ravel(), path(run, "other_capital", 1)[:, 0]
    np.testing.assert_allclose(output, central.states["kg"].gdp.of() * grown, rtol=1e-13)
    np.testing.assert_allclose(others, np.outer(grown, others[0]), rtol=1e-12)
    for found, wanted in zip(run.worlds, quiet.worlds, strict=True):
        for stock in ("gdp", "other_capital"):
            ours, theirs = getattr(found, stock), getattr(wanted, stock)
            assert np.array_equal(np.delete(ours, 1, axis=0), np.delete(theirs, 1, axis=0)), stock
        assert np.array_equal(found.remittances, wanted.remittances)


def test_events_add_up(central: Scenario) -> None:
    """Also where one takes what another gives."""
    scenario = on_growth(central, 0.03, "one", date="2026H1", states=("kz", "tm"))
    scenario = on_growth(scenario, -0.05, "two", date="2027H1", states=("tm",), half_life=1.0)
    scenario = on_growth(scenario, 0.02, "three", date="2028H1")
    run = trace(scenario, ALONE)
    one = np.array([0.03 * (n >= 1) for n in range(STEPS)])
    two = np.array([-0.05 * 2 ** (-(n - 3) / 2) * (n >= 3) for n in range(STEPS)])
    three = np.array([0.02 * (n >= 5) for n in range(STEPS)])
    for state, rates in (("kz", one + three), ("tm", one + two + three), ("uz", three)):
        place = list(central.states).index(state)
        steps = np.diff(np.log(path(run, "gdp", place).ravel()))
        np.testing.assert_allclose(
            steps, (central.states[state].growth.of() + rates) / 2, rtol=1e-10
        )


@pytest.mark.parametrize("years", [1.0, 0.5, 0.25])
def test_the_length_of_steps_does_not_matter(central: Scenario, years: float) -> None:
    """From a date on which a step begins."""
    scenario = on_growth(ending(central, "2030H2", years), date="2027H2", states=("uz",))
    run = trace(scenario, ALONE)
    rate, first = (getattr(central.states["uz"], name).of() for name in ("growth", "gdp"))
    wanted = first * math.exp(5 * rate + 3 * SIZE)
    assert run.worlds[-1].gdp[4].item() == pytest.approx(wanted, rel=1e-13)


def test_each_replicate_draws_the_size_of_the_event() -> None:
    scenario = on_growth(ending(baseline(), "2030H2"), date="2027H1", states=("tj",))
    size = fixed("events.boom.size", "1/yr", SIZE)
    wide = replace(size, low=(-0.1,), high=(0.1,), draw=Draw.TRIANGULAR)
    scenario = vary(scenario, {"events.boom.size": wide})
    numbers = sample(scenario, range(20))
    assert numbers["events.boom.size"].std() > 0.02
    rate = 5 * numbers["states.tj.growth"] + 3.5 * numbers["events.boom.size"]
    last = trace(scenario, range(20)).worlds[-1].gdp[2, 0, 0]
    np.testing.assert_allclose(last, numbers["states.tj.gdp"] * np.exp(rate), rtol=1e-12)


def test_deliveries_and_prices_move_growth_besides() -> None:
    """O8 with events: ln(Y'/Y) = (g + a s) Delta + eta sum Rd / Y + epsilon (change of ln Pc)."""
    scenario = with_event(baseline(), "bust", Target.COMMODITY, date="2027H1", size=-0.5)
    scenario = on_growth(scenario, -0.04, date="2026H2", half_life=2.0, states=("kz", "kg"))
    changes = {"rules.growth.investment_effect": 0.3, "states.kz.commodity_effect": 0.1}
    run = trace(vary(scenario, changes), range(6))
    rates = sample(scenario, range(6))
    for step, record in enumerate(run.records):
        before, after = run.worlds[step].gdp, run.worlds[step + 1].gdp
        delivered = record.deliveries.delivered.sum(axis=(1, 2), keepdims=True)
        part = 2 ** (-(step - 2) / 4) if step >= 2 else 0.0
        wanted = 0.3 * delivered / before
        for place, state in enumerate(scenario.states):
            wanted[place] += rates[f"states.{state}.growth"] / 2
        wanted[:2] -= 0.04 / 2 * part
        wanted[0] += -0.05 if step == 2 else 0.0
        np.testing.assert_allclose(np.log(after / before), wanted, rtol=1e-9)
    other = np.diff(np.log(path(run, "other_capital", 0, 0, 0).ravel()))
    assert other[0] == pytest.approx(rates["states.kz.growth"][0] / 2)
    assert other[2] == pytest.approx(rates["states.kz.growth"][0] / 2 - 0.02)


# --- economies of trade partners ------------------------------------------------------------------


def gravity(
    scenario: Scenario, state: str, partner: str, own: list[float], theirs: list[float]
) -> np.ndarray:
    """E27c without agreements, projects, costs and outside conditions: T at each point.

    ``own`` and ``theirs`` are what events have added to both economies, in logs.
    """
    rules, spec = scenario.rules.trade, scenario.states[state]
    growth = rules.rest_of_world_growth if partner == "row" else scenario.powers[partner].growth
    share = 1 - math.exp(-0.5 / rules.adjustment_time.of())
    way, found = 0.0, [0.0]
    for step in range(STEPS):
        aim = rules.gdp_elasticity.of() * (spec.growth.of() * step / 2 + own[step])
        aim += rules.partner_elasticity.of() * (growth.of() * step / 2 + theirs[step])
        way += share * (aim - way)
        found.append(way)
    return spec.trade.of(partner) * np.exp(found)


@pytest.fixture(scope="module")
def frozen_routes(central: Scenario) -> Scenario:
    """Nothing but economies moves trade, and the rest of the world is all who take no part."""
    alone = {f"states.{state}.trade": {"us": 0.0, "tr": 0.0} for state in central.states}
    return vary(central, GRAVITY | alone)


@EVERY_COURSE
def test_trade_follows_the_economy_of_the_partner(frozen_routes: Scenario, course: str) -> None:
    """China and the rest of the world grow faster; Russia and the European Union do not."""
    when = COURSES[course][0]
    run = trace(on_growth(frozen_routes, **when, powers=("cn", "row")), ALONE)
    still, more = [0.0] * (STEPS + 1), added(course)
    for place, partner in enumerate(PARTNERS):
        theirs = more if partner in ("cn", "row") else still
        for number, state in enumerate(frozen_routes.states):
            found = path(run, "trade", number, place).ravel()
            wanted = gravity(frozen_routes, state, partner, still, theirs)
            np.testing.assert_allclose(found, wanted, rtol=1e-12, err_msg=f"{state} {partner}")


def test_trade_follows_both_economies(frozen_routes: Scenario) -> None:
    """An event that names nobody acts on all states and all partners, but not on budgets."""
    run, calm = (
        trace(scenario, ALONE)
        for scenario in (on_growth(frozen_routes, date="2027H1"), frozen_routes)
    )
    more = added("from a later date")
    for place, partner in enumerate(PARTNERS):
        for number, state in enumerate(frozen_routes.states):
            found = path(run, "trade", number, place).ravel()
            wanted = gravity(frozen_routes, state, partner, more, more)
            np.testing.assert_allclose(found, wanted, rtol=1e-12, err_msg=f"{state} {partner}")
    for world, other in zip(run.worlds, calm.worlds, strict=True):
        assert np.array_equal(world.budget, other.budget)
    assert not np.array_equal(run.worlds[-1].gdp, calm.worlds[-1].gdp)


def test_trade_answers_to_the_partner_with_delay(frozen_routes: Scenario) -> None:
    """ln of what the event adds: epsilon a Delta (n - (1 - q^n) / (1 - q)), q = exp(-Delta/tau).

    Growth of the first half-year shows in what trade is drawn to in the second, and in trade a
    year after the start.
    """
    rules = frozen_routes.rules.trade
    run = trace(on_growth(frozen_routes, date="2025H2", powers=("row",)), ALONE)
    calm = trace(frozen_routes, ALONE)
    left = math.exp(-0.5 / rules.adjustment_time.of())
    for step, (world, other) in enumerate(zip(run.worlds, calm.worlds, strict=True)):
        assert np.array_equal(world.trade[:, :-1], other.trade[:, :-1])
        assert np.array_equal(world.gdp, other.gdp)
        gained = np.log(world.trade[:, -1] / other.trade[:, -1])
        wanted = step - (1 - left**step) / (1 - left)
        wanted *= rules.partner_elasticity.of() * SIZE / 2
        np.testing.assert_allclose(gained, wanted, rtol=1e-9, atol=1e-14)
        if step == 2:
            assert wanted == pytest.approx(rules.partner_elasticity.of() * SIZE / 2 * (1 - left))


@EVERY_COURSE
def test_remittances_follow_the_host(central: Scenario, quiet: Trace, course: str) -> None:
    """Rem' = Rem_0 exp(epsilon_m (g n Delta + sum a s Delta)) for growth of Russia alone."""
    when = COURSES[course][0]
    others = trace(on_growth(central, **when, powers=("cn", "eu", "row")), ALONE)
    run = trace(on_growth(central, **when, powers=("ru",)), ALONE)
    rate = central.powers["ru"].growth.of()
    elasticity = central.rules.remittances.elasticity.of()
    for step, more in enumerate(added(course)[:-1]):
        first, found = run.worlds[0].remittances, run.worlds[step + 1].remittances
        grown = math.exp(elasticity * (rate * step / 2 + more))
        np.testing.assert_allclose(found, first * grown, rtol=1e-13)
        wanted = quiet.worlds[step + 1].remittances
        assert np.array_equal(others.worlds[step + 1].remittances, wanted)


def test_remittances_stay_where_nobody_hosts_migrants(central: Scenario) -> None:
    powers = {code: power for code, power in central.powers.items() if code != "ru"}
    run = trace(on_growth(replace(central, powers=powers), date="2025H2"), ALONE)
    assert np.array_equal(run.worlds[-1].remittances, run.worlds[0].remittances)
    assert (run.worlds[-1].remittances[2] > 0).all()


# --- whom an event acts on ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn() -> Scenario:
    """Five years of the baseline with its evidence ranges."""
    return ending(baseline(), "2030H2")


def same_run(first: Scenario, second: Scenario) -> None:
    """Fail unless two scenarios pass through the same worlds bit for bit."""
    runs = [trace(scenario, range(6)) for scenario in (first, second)]
    for found, wanted in zip(*(run.worlds for run in runs), strict=True):
        same_world(found, wanted)


def test_an_event_of_size_zero_is_none(drawn: Scenario) -> None:
    for named in ({}, {"states": ("kz",)}, {"powers": ("ru", "row")}):
        nothing = on_growth(drawn, 0.0, date="2026H1", **named)
        for found, wanted in zip(
            outcomes(nothing, range(6)), outcomes(drawn, range(6)), strict=True
        ):
            same_bits(found, wanted)


def test_an_event_on_states_and_powers_is_one_on_each(drawn: Scenario) -> None:
    when = {"date": "2026H2", "half_life": 2.0}
    both = on_growth(drawn, **when, states=("kz",), powers=("cn", "row"))
    apart = on_growth(drawn, **when, states=("kz",))
    same_run(both, on_growth(apart, name="bang", **when, powers=("cn", "row")))


def test_an_event_that_names_nobody_is_one_that_names_everybody(drawn: Scenario) -> None:
    when = {"date": "2026H2", "until": "2028H1"}
    named = on_growth(drawn, **when, states=tuple(drawn.states), powers=PARTNERS)
    same_run(on_growth(drawn, **when), named)


def test_an_event_on_those_who_take_no_part_acts_on_nobody(drawn: Scenario) -> None:
    absent = on_growth(drawn, 0.5, date="2026H1", states=("am",), powers=("us",))
    same_run(absent, drawn)
    some = on_growth(drawn, date="2026H1", states=("am", "tj"), powers=("us", "cn"))
    same_run(some, on_growth(drawn, date="2026H1", states=("tj",), powers=("cn",)))


def test_an_event_on_the_rest_of_the_world_leaves_powers_alone(drawn: Scenario) -> None:
    """Only crowded corridors pass it on, so that without congestion other trade stays."""
    calm = vary(drawn, {"rules.corridors.congestion": 0.0, "rules.trade.capital_effect": 0.0})
    run, other = (
        trace(scenario, range(6))
        for scenario in (on_growth(calm, date="2026H1", powers=("row",)), calm)
    )
    for found, wanted in zip(run.worlds, other.worlds, strict=True):
        assert np.array_equal(found.trade[:, :-1], wanted.trade[:, :-1])
        assert np.array_equal(found.gdp, wanted.gdp)
        assert np.array_equal(found.remittances, wanted.remittances)
        assert np.array_equal(found.budget, wanted.budget)
    assert (run.worlds[-1].trade[:, -1] > other.worlds[-1].trade[:, -1]).all()


# --- what is refused ------------------------------------------------------------------------------


def event(**fields: str) -> str:
    given = {"id": "990001", "name": "boom", "target": "growth", "date": "2027H1"} | fields
    listed = ", ".join(f"{field}: {text}" for field, text in given.items() if text)
    return f"+events.boom={{{listed}, assumption: test}}"


def number(value: float, unit: str = "1/yr") -> str:
    return f"{{value: {value}, draw: fixed, unit: '{unit}', assumption: test}}"


def test_an_event_on_growth_may_be_written_in_a_configuration() -> None:
    scenario = load_scenario(
        "strategic_balance", event(size=number(0.02), states="[kz]", powers="[ru, row]")
    )
    boom = scenario.events["boom"]
    assert boom.target is Target.GROWTH
    assert (boom.states, boom.powers) == (("kz",), ("ru", "row"))


REFUSED: Final = {
    "unknown partner": (
        {"size": number(0.02), "powers": "[ru, rwo]"},
        ["events.boom.powers", "unknown power 'rwo'", "'row'"],
    ),
    "unknown power": (
        {"size": number(0.02), "powers": "[rus]"},
        ["events.boom.powers", "unknown power 'rus'", "'ru'"],
    ),
    "unknown state": (
        {"size": number(0.02), "states": "[kzz]"},
        ["events.boom.states", "unknown state 'kzz'", "'kz'"],
    ),
    "row as a state": ({"size": number(0.02), "states": "[row]"}, ["events.boom.states", "'row'"]),
    "domain": (
        {"size": number(0.02), "domains": "[energy]"},
        ["events.boom.domains", "growth is not a matter of single domains"],
    ),
    "unit": ({"size": number(0.02, "1")}, ["events.boom.size.unit", "'1'", "expects '1/yr'"]),
    "factor": ({"factor": number(2, "ratio")}, ["events.boom.factor", "has no meaning"]),
    "no size": ({}, ["events.boom", "needs size"]),
    "rate": (
        {"size": number(0.02), "rate": number(0.5), "half_life": number(1, "years"), "date": ""},
        ["events.boom.rate", "events on growth have a date"],
    ),
    "row where powers act": (
        {"target": "budget", "factor": number(2, "ratio"), "powers": "[row]"},
        ["events.boom.powers", "unknown power 'row'"],
    ),
    "a year where no rate is": (
        {"target": "war", "size": number(-1)},
        ["events.boom.size.unit", "'1/yr'", "expects '1'"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_event_that_makes_no_sense_is_refused(case: str) -> None:
    fields, words = REFUSED[case]
    with pytest.raises(InputError) as caught:
        load_scenario("strategic_balance", event(**fields))
    for word in words:
        assert word in str(caught.value)
