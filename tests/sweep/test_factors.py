"""Factors: what varies, between which ends, and what words mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import support
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.axes import POWERS, STATES
from sim.errors import InputError
from sim.evidence import load_ledger
from sim.quantity import Draw, Quantity
from sim.scenario import Scenario, quantities
from sim.sweep.call import Given
from sim.sweep.designs import Design, Grid, LatinHypercube, Sobol, Zipped
from sim.sweep.factors import WORDS, Factor, evidence_range, options, read_factors
from sim.sweep.layout import lay_out
from sim.sweep.plan import Outer, Plan, Request
from sim.vary import find, vary

LEDGER = load_ledger()


@lru_cache(maxsize=8)
def scenario(name: str = "strategic_balance", *overrides: str) -> Scenario:
    return sim.load_scenario(name, *overrides)


def is_group(name: str) -> bool:
    return name == "scenario"


def factors(*over: Any, of: Scenario | None = None, beside: tuple[str, ...] = ()) -> list[Factor]:
    return read_factors(over, of or scenario(), LEDGER, is_group, beside)


def meant(word: str, of: Scenario | None = None) -> list[str]:
    found = factors(word, of=of)
    assert all(factor == Factor(factor.path) for factor in found)
    return [factor.path for factor in found]


def plan(design: Design, *scenarios: Scenario) -> Plan:
    given_ones = scenarios or (scenario(),)
    source = Given({one.name: one for one in given_ones}, LEDGER)
    several = len(given_ones) > 1
    outer = [Outer({"scenario": name} if several else {}) for name in source.scenarios]
    return lay_out(Request(source, design, outer))


def numbers(of: Scenario) -> Iterator[tuple[Quantity, str, float, float]]:
    """All numbers of a scenario with their ranges."""
    for quantity in quantities(of):
        for place, entry in enumerate(quantity.entries):
            yield quantity, entry, quantity.low[place], quantity.high[place]


def absent(of: Scenario) -> set[str]:
    """Names of states and powers that take no part."""
    return {*STATES, *POWERS} - set(of.states) - set(of.powers)


# --- ranges ---------------------------------------------------------------------------------------


def test_a_path_stands_for_its_evidence_range() -> None:
    (factor,) = factors("powers.eu.budget")
    budget = scenario().powers["eu"].budget
    assert factor == Factor("powers.eu.budget")
    assert factor.ends(scenario()) == (budget.low[0], budget.high[0])
    assert evidence_range(scenario(), "powers.eu.budget.value") == factor.ends(scenario())
    (entry,) = factors("powers.ru.delivery.value.energy")
    assert entry.path == "powers.ru.delivery.energy"
    delivery = scenario().powers["ru"].delivery
    place = delivery.entries.index("energy")
    assert entry.ends(scenario()) == (delivery.low[place], delivery.high[place])


def test_each_scenario_has_its_own_range() -> None:
    both = (scenario(), scenario("rails_first"))
    laid = plan(Grid(over=("powers.cn.budget",), points=2), *both)
    ends = [(one.powers["cn"].budget.low[0], one.powers["cn"].budget.high[0]) for one in both]
    assert ends[0] != ends[1]
    assert [cell.settings["powers.cn.budget"] for cell in laid.cells] == [*ends[0], *ends[1]]


def test_a_stated_range_is_the_same_in_each_scenario() -> None:
    over = ({"path": "powers.cn.budget", "low": 1, "high": 2.5},)
    laid = plan(Grid(over=over, points=2), scenario(), scenario("rails_first"))
    assert [cell.settings["powers.cn.budget"] for cell in laid.cells] == [1.0, 2.5, 1.0, 2.5]
    (described,) = laid.manifest["factors"]
    assert described == {
        "path": "powers.cn.budget",
        "low": 1.0,
        "high": 2.5,
        "unit": "USD bn/yr",
        "stated": True,
    }


@pytest.mark.parametrize("word", WORDS)
def test_ends_are_exact(word: str) -> None:
    for path in meant(word):
        factor, (quantity, entry) = Factor(path), number(path)
        place = quantity.entries.index(entry)
        assert factor.at(0.0, scenario()) == quantity.low[place]
        assert factor.at(1.0, scenario()) == quantity.high[place]


def number(path: str) -> tuple[Quantity, str]:
    found = find(scenario(), path)
    assert found is not None
    return found


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1))
def test_a_coordinate_lies_in_its_range(first: float, second: float, place: float) -> None:
    low, high = min(first, second), max(first, second)
    value = Factor("x", low=low, high=high).at(place, scenario())
    assert low <= value <= high
    assert value == pytest.approx(low + place * (high - low), rel=1e-9, abs=1e-9)
    assert Factor("x", low=low, high=low).at(place, scenario()) == low


def test_a_number_that_is_fixed_in_one_scenario_stays_there() -> None:
    """Its cells are those of a scenario that does not vary it."""
    set_one = replace(vary(scenario(), {"powers.eu.budget": 0.3}), name="set")
    laid = plan(LatinHypercube(over=("powers.eu.budget",), samples=7), scenario(), set_one)
    values = [cell.settings["powers.eu.budget"] for cell in laid.cells]
    assert len(set(values[:7])) == 7
    assert values[7:] == [0.3] * 7
    assert len({cell.key for cell in laid.cells[7:]}) == 1


def test_an_infinite_number_varies_between_ends_that_are_given() -> None:
    half = scenario("strategic_balance", "rules.learning.memory_half_life.value=inf")
    path = "rules.learning.memory_half_life"
    with pytest.raises(InputError, match="is infinite; give 'low' and 'high', or 'values'"):
        factors(path, of=half)
    (ranged,) = factors({"path": path, "low": 1, "high": 4}, of=half)
    assert [ranged.at(x, half) for x in (0.0, 1.0)] == [1.0, 4.0]
    (listed,) = factors({"path": path, "values": [1, math.inf]}, of=half)
    assert listed.values == (1, math.inf)


# --- values ---------------------------------------------------------------------------------------


@given(st.integers(1, 60))
def test_each_value_has_an_equal_part(size: int) -> None:
    factor = Factor("x", values=tuple(range(size)))
    middles = [(number + 0.5) / size for number in range(size)]
    assert [factor.pick(place) for place in middles] == list(range(size))
    assert factor.at(0.0, scenario()) == 0
    assert factor.at(1.0, scenario()) == size - 1


@pytest.mark.parametrize("design", [Sobol, LatinHypercube])
def test_values_and_ranges_in_a_random_design(design: type[Any]) -> None:
    rules, seeds = ("logit", "mean_field"), (3, 1, 4, 5)
    over = (
        {"path": "rules.choice.rule", "values": list(rules)},
        "powers.eu.budget",
        {"path": "seed", "values": list(seeds)},
    )
    laid = plan(design(over=over, samples=16))
    found = [cell.settings for cell in laid.cells]
    assert len(found) == (16 if design is LatinHypercube else 16 * 5)
    assert {settings["rules.choice.rule"] for settings in found} == set(rules)
    assert {settings["seed"] for settings in found} == set(seeds)
    low, high = evidence_range(scenario(), "powers.eu.budget")
    assert all(low <= settings["powers.eu.budget"] <= high for settings in found)
    if design is LatinHypercube:  # equal parts of the range for each value
        for path, values in (("rules.choice.rule", rules), ("seed", seeds)):
            counts = [sum(s[path] == value for s in found) for value in values]
            assert counts == [16 // len(values)] * len(values)


def test_explicit_values_stay_as_they_are() -> None:
    values = [0.1 + 0.2, 1e-300, 7, math.inf]
    over = ({"path": "rules.choice.precision", "values": values},)
    laid = plan(Zipped(over=over))
    assert [cell.settings["rules.choice.precision"] for cell in laid.cells] == values
    for cell, value in zip(laid.cells, values, strict=True):
        assert laid.scenario(cell).rules.choice.precision.of() == value
    assert laid.manifest["factors"] == [
        {"path": "rules.choice.precision", "values": [*values[:3], "inf"]}
    ]


def test_a_group_is_composed() -> None:
    (factor,) = factors({"path": "scenario", "values": ["rails_first", "five_suitors"]})
    assert factor == Factor("scenario", values=("rails_first", "five_suitors"), composed=True)
    groups = options(({"path": "scenario", "values": ["a", 1]}, "seed", 3), is_group)
    assert groups == {"scenario": ["a", "1"]}


def test_words_and_paths_read_the_first_scenario_that_is_visited() -> None:
    """A number that only the scenarios of the design have can vary with them."""
    known = (scenario(), scenario("five_suitors"))
    source = Given({one.name: one for one in known}, LEDGER)
    over = ({"path": "scenario", "values": ["five_suitors"]}, "powers.us.budget")
    laid = lay_out(Request(source, Grid(over=over, points=2)))
    low, high = evidence_range(scenario("five_suitors"), "powers.us.budget")
    assert [cell.settings for cell in laid.cells] == [
        {"powers.us.budget": low},
        {"powers.us.budget": high},
    ]


# --- words ----------------------------------------------------------------------------------------


def test_disputed_numbers_rest_on_facts_that_conflict() -> None:
    found = meant("disputed")
    assert len(found) > 40
    for path in found:
        quantity, entry = number(path)
        cited = [*quantity.evidence.get("", ()), *quantity.evidence.get(entry, ())]
        assert any(LEDGER.facts[fact].conflicts for fact in cited), path


def test_a_dispute_is_mutual() -> None:
    """A conflict that is said of one fact is said of the other."""
    for name, fact in LEDGER.facts.items():
        for other in fact.conflicts:
            assert name in LEDGER.facts[other].conflicts


@pytest.mark.parametrize("name", ["strategic_balance", "five_suitors"])
def test_words_leave_out_nothing_that_can_vary(name: str) -> None:
    """All numbers with a range, but for shares of one whole and what takes no part."""
    of = scenario(name)
    cited: dict[str, tuple[str, ...]] = {}
    for quantity, entry, low, high in numbers(of):
        shared = quantity.draw is Draw.DIRICHLET
        others = not shared and {"row", "none"}.isdisjoint(quantity.entries)
        unseen = {entry, *quantity.path.split(".")[2:]} if others else set()
        if low < high and not shared and unseen.isdisjoint(absent(of)):
            cited[quantity.name(entry)] = quantity.facts(entry)
    assert meant("uncertain", of) == list(cited)
    shares = {q.name(e) for q, e, _, _ in numbers(of) if q.draw is Draw.DIRICHLET}
    assert set(meant("assumed", of)) - shares == {path for path in cited if not cited[path]}
    assert set(meant("disputed", of)) - shares == {
        path for path in cited if any(LEDGER.facts[fact].conflicts for fact in cited[path])
    }


def test_numbers_of_those_who_take_no_part_do_not_vary() -> None:
    few = scenario("strategic_balance", "states=kz", "powers=cn")
    for path in meant("uncertain", few):
        if not path.startswith("states.kz.trade."):  # trade with others is trade with the rest
            assert absent(few).isdisjoint(path.split("."))
    assert "states.kz.trade.us" in meant("uncertain", few)
    assert "institutions.cis.anchors.ru.trade" in meant("uncertain")
    assert "institutions.cis.anchors.ru.trade" not in meant("uncertain", few)


def test_what_is_set_is_not_uncertain() -> None:
    known = vary(scenario(), {"powers.eu.budget": 3.0, "powers.ru.delivery.trade": 0.2})
    gone = set(meant("uncertain")) - set(meant("uncertain", known))
    assert gone == {"powers.eu.budget", "powers.ru.delivery.trade"}


@pytest.mark.parametrize("word", WORDS)
def test_all_numbers_of_a_word_can_vary_at_once(word: str) -> None:
    """At the ends of all ranges, and in between: no cell is impossible."""
    ends = vary(
        scenario(), {path: Factor(path).at(1.0, scenario()) for path in meant(word)}, LEDGER
    )
    assert ends != scenario()
    laid = plan(LatinHypercube(over=(word,), samples=8, seed=2))
    assert len(laid.cells) == 8
    assert list(laid.cells[0].settings) == meant(word)


def test_shares_of_one_whole_vary_where_others_make_up_the_rest() -> None:
    found = meant("assumed")
    shares = [path for path in found if number(path)[0].draw is Draw.DIRICHLET]
    assert shares
    for path in shares:
        quantity = number(path)[0]
        of_whole = [other for other in shares if number(other)[0] is quantity]
        assert len(of_whole) < len(quantity.entries)
        highest = sum(evidence_range(scenario(), other)[1] for other in of_whole)
        assert highest < math.fsum(quantity.value)


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        (("technology",), ()),  # the others can be more than one together
        (("trade", "security"), ("infrastructure", "energy", "technology")),
    ],
)
def test_shares_that_could_be_more_than_the_whole_do_not_vary(
    known: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    weights = scenario().rules.dependence.weights
    cited = replace(weights, evidence=dict.fromkeys(known, ("a-fact",)))
    found = meant("assumed", support.vary(scenario(), {weights.path: cited}))
    shares = [path for path in found if path.startswith(weights.path)]
    assert shares == [f"{weights.path}.{entry}" for entry in wanted]


def test_words_beside_paths_and_words() -> None:
    alone = meant("disputed")
    first = alone[5]
    both = [factor.path for factor in factors(first, "disputed", "uncertain")]
    assert both[0] == first
    assert len(both) == len(set(both))
    assert set(both) == {*alone, *meant("uncertain")}
    assert first not in [f.path for f in factors("disputed", beside=(first, "seed"))]


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("disputd", "unknown key 'disputd' (valid: corridors, events"),
        ("powers.eu.budgt", "unknown key 'budgt' in 'powers.eu' (nearest valid name: 'budget')"),
        ("nothing", "unknown key 'nothing'"),
        ("scenario", "scenario is a group of files; give the 'values' to take"),
        ("seed", "seed is not a number; give its 'values'"),
        ("rules.choice.rule", "rules.choice.rule is not a number; give its 'values'"),
        ("rules.choice", "rules.choice: has several keys; set one of them"),
        (
            "powers.eu.delivery",
            "powers.eu.delivery: has several entries (trade, infrastructure, en",
        ),
        ("name", "unknown key 'name'"),
        (
            "rules.choice.precision",
            "rules.choice.precision is fixed at 1 and has no range; give 'low' and 'high'",
        ),
        (3, "3 is neither a path nor a mapping with one; write {path: powers.eu.budget, values"),
        (None, "None is neither a path nor a mapping with one"),
        ({"values": [1]}, "{'values': [1]} is neither a path nor a mapping with one"),
        ({"path": 3}, "{'path': 3} is neither a path nor a mapping with one"),
        (
            {"path": "powers.eu.budget", "value": [1]},
            "unknown key 'value' (nearest valid name: 'values')",
        ),
        (
            {"path": "powers.eu.budget", "values": 3},
            "values of powers.eu.budget must be a list, not 3",
        ),
        (
            {"path": "powers.eu.budget", "values": "abc"},
            "values of powers.eu.budget must be a list, not 'abc'",
        ),
        (
            {"path": "powers.eu.budget", "values": []},
            "values of powers.eu.budget must be a list, not []",
        ),
        ({"path": "scenario", "values": []}, "values of scenario must be a list, not []"),
        (
            {"path": "powers.eu.budget", "values": [1], "low": 0},
            "powers.eu.budget has values; leave out low and high",
        ),
        (
            {"path": "powers.eu.budget", "low": 1},
            "high of powers.eu.budget must be a number, not None",
        ),
        (
            {"path": "powers.eu.budget", "low": "a", "high": 2},
            "low of powers.eu.budget must be a number, not 'a'",
        ),
        (
            {"path": "powers.eu.budget", "low": True, "high": 2},
            "low of powers.eu.budget must be a number, not True",
        ),
        (
            {"path": "powers.eu.budget", "low": 1, "high": math.inf},
            "high of powers.eu.budget must be a number, not inf",
        ),
        (
            {"path": "powers.eu.budget", "low": 2, "high": 2},
            "low of powers.eu.budget (2) is not below high (2)",
        ),
        ({"path": "seed", "low": 1, "high": 2}, "seed is not a number; give its 'values'"),
        ({"path": "powers.xx.budget", "values": [1]}, "unknown key 'xx' in 'powers'"),
        ({"path": "scenario", "low": 1, "high": 2}, "scenario is a group of files; give the"),
    ],
)
def test_mistakes_are_said(item: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        factors("powers.ru.budget", item)
    assert str(caught.value).startswith(f"sweep.over: {message}")


def test_a_misspelt_word_is_recognised() -> None:
    with pytest.raises(InputError, match="'disputed'"):
        factors("disputd")


@pytest.mark.parametrize("over", ["disputed", None, 3, {"path": "seed"}])
def test_factors_are_a_list(over: Any) -> None:
    with pytest.raises(InputError, match=r"sweep\.over: must be a list of parameters"):
        read_factors(over, scenario(), LEDGER, is_group)


def test_a_factor_is_named_once() -> None:
    with pytest.raises(InputError, match=r"sweep\.over: powers\.eu\.budget is named twice"):
        factors("powers.eu.budget", {"path": "powers.eu.budget.value", "values": [1]})
    with pytest.raises(InputError, match=r"powers\.eu\.budget is set beside the sweep as well"):
        factors("powers.eu.budget", beside=("powers.eu.budget",))


def test_values_outside_limits_are_all_said() -> None:
    over = (
        {"path": "powers.eu.budget", "values": [-1, 2, -3]},
        {"path": "seed", "values": [1, -1]},
    )
    with pytest.raises(InputError) as caught:
        plan(Grid(over=over))
    lines = str(caught.value).splitlines()
    assert lines[0] == "5 errors in the cells:"
    assert [line.split(" (")[0] for line in lines[1:]] == [
        f"  cell {number}" for number in (0, 1, 3, 4, 5)
    ]
    assert "(seed=-1, …): seed: must be 0 or more" in lines[3]


def test_numpy_numbers_are_numbers() -> None:
    scenario = sim.load_scenario()
    values = {"path": "powers.eu.budget", "values": np.linspace(2, 3, 3)}
    ends = {"path": "powers.ru.budget", "low": np.int64(1), "high": np.float64(2)}
    first, second = read_factors((values, ends), scenario, LEDGER, lambda _: False)
    assert first.values == (2.0, 2.5, 3.0)
    assert (second.low, second.high) == (1.0, 2.0)
    (third,) = read_factors(
        ({"path": "seed", "values": list(np.arange(2))},), scenario, LEDGER, lambda _: False
    )
    assert [type(value) for value in third.values or ()] == [int, int]
