"""Settings at dotted paths: the same scenario as composing it with them, or one clear error."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim.axes import DOMAINS
from sim.errors import InputError
from sim.evidence import load_ledger
from sim.plain import digest, plain
from sim.quantity import Draw, Form, Quantity
from sim.sampling import sample
from sim.scenario import Scenario, quantities
from sim.vary import find, vary

LEDGER = load_ledger()
LARGE = 1e6
"""Stands for an end without limit."""


@lru_cache(maxsize=8)
def scenario(name: str = "strategic_balance") -> Scenario:
    return sim.load_scenario(name)


def number(node: Scenario, path: str) -> tuple[Quantity, str]:
    found = find(node, path)
    assert found is not None
    return found


def composed(*overrides: str, name: str = "strategic_balance") -> Scenario:
    return sim.load_scenario(name, *overrides)


def forms(node: Any, form: Form | None = None) -> Iterator[tuple[Quantity, Form]]:
    """Quantities of a scenario with what their fields expect."""
    if isinstance(node, Quantity):
        assert form is not None
        yield node, form
    elif isinstance(node, Mapping):
        for part in node.values():
            yield from forms(part, form)
    elif dataclasses.is_dataclass(node):
        for item in dataclasses.fields(node):
            if item.name != "baseline":
                yield from forms(getattr(node, item.name), item.metadata.get("form"))


def same(found: Scenario, wanted: Scenario) -> None:
    """Fail unless two scenarios agree field by field and in their hash."""
    for item in dataclasses.fields(Scenario):
        assert getattr(found, item.name) == getattr(wanted, item.name), item.name
    assert digest(found) == digest(wanted)


NUMBERS = [
    (quantity, entry, form)
    for quantity, form in forms(scenario())
    for entry in quantity.entries
    if quantity.draw is not Draw.DIRICHLET and form.simplex is None
]
"""Numbers that can be set one by one: shares of one whole are another matter."""
WHOLES = [quantity for quantity in quantities(scenario()) if quantity.draw is Draw.DIRICHLET]


# --- the same as composing ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("powers.eu.budget", 3.1),
        ("powers.eu.budget", 3),
        ("powers.eu.budget.value", 40.0),
        ("states.kz.threat", 0.0),
        ("rules.offers.summit_share", 0.5),
        ("powers.ru.delivery.energy", 0.95),
        ("powers.ru.delivery.value.energy", 0.2),
        ("states.kz.trade.cn", 50.0),
        ("states.kz.initial_dependence.energy.cn", 0.1),
        ("institutions.eaeu.members.kz", 0.5),
        ("institutions.sco.anchors.cn.security", 0.3),
        ("powers.eu.summits.every", 1.0),
        ("events.railway_opens.size", 12.0),
        ("rules.choice.precision", math.inf),
        ("rules.learning.memory_half_life", math.inf),
    ],
)
def test_a_number_is_the_same_as_an_override(path: str, value: float) -> None:
    quantity, entry = number(scenario(), path)
    text = f"{quantity.path}.value{'.' * bool(entry)}{entry}={value}"
    same(vary(scenario(), {path: value}, LEDGER), composed(text))


def test_all_ways_of_drawing_are_among_the_numbers() -> None:
    kinds = {quantity.draw for quantity, _, _ in NUMBERS} | {quantity.draw for quantity in WHOLES}
    assert kinds == set(Draw)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("rules.choice.rule", "mean_field", "mean_field"),
        ("rules.learning.prior", "naive", "naive"),
        ("uncertainty", "none", "none"),
        ("rules.trade.moving", False, "false"),
        ("rules.coercion.closes", ["n"], "[n]"),
        ("rules.coercion.closes", [], "[]"),
        ("rules.documents.power", "cn", "cn"),
        ("horizon.end", "2030H1", "2030H1"),
        ("horizon.end", 2030, "2030"),
        ("horizon.step", 1, "1"),
        ("events.railway_opens.date", "2029H1", "2029H1"),
        ("seed", 2**64 - 1, str(2**64 - 1)),
        ("replicates", 7, "7"),
    ],
)
def test_a_plain_value_is_the_same_as_an_override(path: str, value: Any, text: str) -> None:
    assert find(scenario(), path) is None
    same(vary(scenario(), {path: value}, LEDGER), composed(f"{path}={text}"))


def test_several_settings_at_once() -> None:
    found = vary(
        scenario(),
        {
            "powers.eu.delivery.trade": 0.9,
            "seed": 5,
            "powers.eu.budget": 3.1,
            "powers.eu.delivery.energy": 0.1,
            "rules.choice.rule": "mean_field",
            "horizon.end": "2031H1",
        },
        LEDGER,
    )
    wanted = composed(
        "powers.eu.budget.value=3.1",
        "powers.eu.delivery.value.energy=0.1",
        "powers.eu.delivery.value.trade=0.9",
        "rules.choice.rule=mean_field",
        "horizon.end=2031H1",
        "seed=5",
    )
    same(found, wanted)


@pytest.mark.parametrize(
    ("name", "path", "override"),
    [
        ("five_suitors", "powers.us.budget", "powers.us.budget.value=0.7"),
        ("rails_first", "powers.cn.budget", "powers.cn.budget.value=0.7"),
        ("one_eurasian_network", "events.network_grows.factor", ""),
        ("secondary_squeeze", "states.uz.hedging", "states.uz.hedging.value=0.7"),
    ],
)
def test_settings_on_other_scenarios(name: str, path: str, override: str) -> None:
    wanted = composed(override or f"{path}.value=0.7", name=name)
    same(vary(scenario(name), {path: 0.7}, LEDGER), wanted)
    assert number(wanted, path)[0].of() == 0.7


def test_a_setting_upon_settings() -> None:
    """The last setting of a number counts; those of others stay."""
    once = vary(scenario(), {"powers.eu.budget": 3.1, "powers.ru.delivery.energy": 0.4}, LEDGER)
    twice = vary(once, {"powers.eu.budget": 2.2, "powers.ru.delivery.trade": 0.3}, LEDGER)
    wanted = composed(
        "powers.eu.budget.value=2.2",
        "powers.ru.delivery.value.energy=0.4",
        "powers.ru.delivery.value.trade=0.3",
    )
    same(twice, wanted)
    same(
        vary(composed("powers.eu.budget.value=3.1"), {"powers.eu.budget": 2.2}),
        composed("powers.eu.budget.value=2.2"),
    )


def test_what_may_be_left_out_can_be_given_and_taken_away() -> None:
    given_shares = {
        "unit": "share",
        "draw": "fixed",
        "assumption": "for a test",
        "value": dict.fromkeys(DOMAINS, 0.2),
    }
    text = "{unit: share, draw: fixed, assumption: for a test, value: {"
    text += ", ".join(f"{domain}: 0.2" for domain in DOMAINS) + "}}"
    found = vary(scenario(), {"powers.eu.entry_shares": given_shares}, LEDGER)
    same(found, composed(f"+powers.eu.entry_shares={text}"))
    dated = vary(scenario(), {"events.railway_opens.until": "2031H1"})
    assert vary(dated, {"events.railway_opens.until": None}) == scenario()


def test_nothing_to_set_is_the_same_scenario() -> None:
    assert vary(scenario(), {}) is scenario()


@settings(max_examples=40)
@given(st.data())
def test_any_numbers_within_their_limits(data: st.DataObject) -> None:
    """Equal to composing with them, or refused for the same reason."""
    chosen = data.draw(
        st.lists(
            st.sampled_from(NUMBERS), min_size=1, max_size=3, unique_by=lambda n: n[0].name(n[1])
        )
    )
    values: dict[str, float] = {}
    overrides = []
    for quantity, entry, form in chosen:
        limits = form.limits
        value = data.draw(
            st.floats(
                max(limits.lower, -LARGE),
                min(limits.upper, LARGE),
                exclude_min=limits.positive and limits.lower == 0,
            )
        )
        values[quantity.name(entry)] = value
        overrides.append(f"{quantity.path}.value{'.' * bool(entry)}{entry}={value!r}")
    try:
        wanted: Scenario | str = composed(*overrides)
    except InputError as error:
        wanted = str(error)
    if isinstance(wanted, Scenario):
        same(vary(scenario(), values, LEDGER), wanted)
        return
    with pytest.raises(InputError) as caught:
        vary(scenario(), values, LEDGER)
    assert wanted.startswith(str(caught.value))  # composing may add the file


# --- shares of one whole --------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.sampled_from(WHOLES), st.floats(0.001, 0.95), st.data())
def test_shares_keep_their_whole_and_their_proportions(
    quantity: Quantity, value: float, data: st.DataObject
) -> None:
    entry = data.draw(st.sampled_from(quantity.entries))
    changed = vary(scenario(), {quantity.name(entry): value}, LEDGER)
    after = number(changed, quantity.name(entry))[0]
    assert after.of(entry) == value
    assert math.fsum(after.value) == pytest.approx(math.fsum(quantity.value), abs=1e-12)
    others = [other for other in quantity.entries if other != entry]
    factors = [after.of(other) / quantity.of(other) for other in others]
    assert factors == pytest.approx([factors[0]] * len(factors), rel=1e-12)
    assert after.user_set == {entry}
    drawn = sample(changed, range(16))
    assert drawn[quantity.name(entry)].tolist() == [value]
    total = sum(drawn[quantity.name(other)] for other in quantity.entries)
    np.testing.assert_allclose(total, math.fsum(quantity.value), rtol=1e-12)
    assert all(np.ptp(drawn[quantity.name(other)]) > 0 for other in others)


def test_several_shares_of_one_whole() -> None:
    changed = vary(
        scenario(),
        {"rules.dependence.weights.trade": 0.4, "rules.dependence.weights.energy": 0.1},
        LEDGER,
    )
    before, after = scenario().rules.dependence.weights, changed.rules.dependence.weights
    assert math.fsum(after.value) == pytest.approx(1, abs=1e-12)
    others = ("infrastructure", "security", "technology")
    left = sum(before.of(name) for name in others)
    for name in others:
        assert after.of(name) == pytest.approx(0.5 * before.of(name) / left, rel=1e-12)


def test_all_shares_of_one_whole_are_taken_as_they_are() -> None:
    shares = dict(zip(DOMAINS, (0.1, 0.2, 0.3, 0.15, 0.25), strict=True))
    names = {f"rules.dependence.weights.{name}": value for name, value in shares.items()}
    text = ", ".join(f"{name}: {value}" for name, value in shares.items())
    wanted = composed(f"rules.dependence.weights.value={{{text}}}")
    same(vary(scenario(), names, LEDGER), wanted)
    with pytest.raises(InputError, match=r"shares add up to 1\.1, must be exactly 1"):
        vary(scenario(), {**names, "rules.dependence.weights.trade": 0.2})


def test_a_reserve_stays_in_reserve() -> None:
    """Shares that leave a rest leave the same rest."""
    less = ", ".join(f"{name}: 0.16" for name in DOMAINS)
    base = composed(f"powers.cn.domain_shares.value={{{less}}}")
    after = vary(base, {"powers.cn.domain_shares.energy": 0.4}).powers["cn"].domain_shares
    assert math.fsum(after.value) == pytest.approx(0.8, abs=1e-12)
    assert after.of("trade") == pytest.approx(0.1, abs=1e-12)


@pytest.mark.parametrize("path", ["powers.cn.investment_split.kz", "states.kz.trade.cn"])
def test_other_vectors_keep_their_other_entries(path: str) -> None:
    before, entry = number(scenario(), path)
    after = number(vary(scenario(), {path: 0.25}), path)[0]
    assert {e: after.of(e) for e in after.entries} == {
        **{e: before.of(e) for e in before.entries},
        entry: 0.25,
    }


@pytest.mark.parametrize(
    "path", ["powers.eu.budget", "powers.ru.delivery.energy", "powers.eu.domain_shares.trade"]
)
def test_what_is_set_is_not_drawn(path: str) -> None:
    """It has no range left; what it does not touch is drawn as before."""
    changed = vary(scenario(), {path: 0.33})
    quantity, entry = number(changed, path)
    place = quantity.entries.index(entry)
    assert quantity.low[place] == quantity.value[place] == quantity.high[place] == 0.33
    before, after = sample(scenario(), range(9)), sample(changed, range(9))
    assert after[path].tolist() == [0.33]
    untouched = [name for name in before if not name.startswith(quantity.path)]
    assert len(untouched) > 300
    for name in untouched:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)


# --- what cannot be set ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("powers.eu.budgt", 3, "unknown key 'budgt' in 'powers.eu' (nearest valid name: 'budget')"),
        ("power.eu.budget", 3, "unknown key 'power' (nearest valid name: 'powers')"),
        ("powers.us.budget", 3, "unknown key 'us' in 'powers' (nearest valid name: 'ru')"),
        (
            "powers.eu.delivery.trad",
            0.3,
            "unknown key 'trad' in 'powers.eu.delivery' (nearest valid name: 'trade')",
        ),
        ("powers.eu.budget", -1, "powers.eu.budget.value: must be at least 0, not -1 USD bn/yr"),
        (
            "powers.eu.delivery.trade",
            1.5,
            "powers.eu.delivery.value.trade: must be between 0 and 1, not 1.5 share",
        ),
        (
            "rules.learning.prior_strength",
            0,
            "rules.learning.prior_strength.value: must be above 0",
        ),
        ("powers.eu.budget", math.inf, "powers.eu.budget.value: must be finite, not inf"),
        ("powers.eu.budget", math.nan, "powers.eu.budget.value: is not a number (nan)"),
        ("powers.eu.budget", "much", "powers.eu.budget.value: must be a number, not 'much'"),
        ("powers.eu.budget", True, "powers.eu.budget.value: must be a number, not True"),
        ("powers.eu.budget", None, "powers.eu.budget.value: must be a number, not None"),
        (
            "powers.eu.delivery",
            0.5,
            "powers.eu.delivery: has several entries (trade, infrastructure, energy, security, "
            "technology); name one, powers.eu.delivery.ENTRY",
        ),
        ("powers.eu.budget.low", 1, "powers.eu.budget: only its value can be set, not 'low'"),
        ("powers.eu.budget.value.value", 1, "powers.eu.budget: only its value can be set, not"),
        (
            "powers.eu.domain_shares.trade",
            1.2,
            "powers.eu.domain_shares.trade: 1.2 is more than the whole, 1",
        ),
        (
            "powers.eu.domain_shares.technology",
            "a",
            "powers.eu.domain_shares.value.technology: must be a number, not 'a'",
        ),
        (
            "powers.eu.domain_shares.technology",
            math.nan,
            "powers.eu.domain_shares.value.technology: is not a number",
        ),
        (
            "rules.dependence.weights.technology",
            -0.1,
            "rules.dependence.weights.value.technology: must be between 0 and 1, not -0.1 share",
        ),
        (
            "states.kz.initial_dependence.security.cn",
            0.5,
            "states.kz.initial_dependence.security.value: shares add up to 1.42, must be at most 1",
        ),
        ("rules.choice.rule", "best", "rules.choice.rule: unknown 'best' (valid: logit"),
        (
            "rules.choice",
            {"rule": "logit"},
            "rules.choice: has several keys; set one of them (vali",
        ),
        ("powers.eu", 3, "powers.eu: has several keys; set one of them"),
        ("powers", 3, "powers: has several keys; set one of them (valid: cn, eu, ru)"),
        ("powers.eu.summits", None, "powers.eu.summits: has several keys; set one of them (valid"),
        ("seed", -3, "seed: must be 0 or more and below 2^64, not -3"),
        ("seed", 1.0, "seed: must be a whole number, not 1.0"),
        ("seed", "1", "seed: must be a whole number, not '1'"),
        ("seed", True, "seed: must be a whole number, not True"),
        ("seed.x", 1, "seed: has no key 'x'"),
        ("replicates", 0, "replicates: must be at least 1, not 0"),
        ("horizon.end", "soon", "horizon.end: 'soon' is not a period such as"),
        ("horizon.end", None, "horizon.end: must be text, not None"),
        ("horizon.end", "2025H2", "horizon.end: 2025H2 is not after the start 2025H2"),
        ("rules.trade.moving", 0, "rules.trade.moving: must be true or false, not 0"),
        ("rules.coercion.closes", "n", "rules.coercion.closes: must be a list of names, not 'n'"),
        ("rules.coercion.closes", ["x"], "rules.coercion.closes: unknown corridor 'x'"),
        ("rules.documents.power", "chin", "rules.documents.power: unknown power 'chin'"),
        ("events.railway_opens.date", None, "events.railway_opens: needs either a date or a rate"),
        ("name", "x", "unknown key 'name' (valid: corridors, events, horizon"),
        ("output.chunk", 7, "unknown key 'output'"),
        ("outcomes", [], "unknown key 'outcomes'"),
        ("story.title", "x", "unknown key 'story'"),
        ("baseline.seed", 1, "unknown key 'baseline'"),
        ("powers..budget", 1, "unknown key '' in 'powers'"),
        ("", 1, "unknown key ''"),
    ],
)
def test_mistakes_are_said_clearly(path: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        vary(scenario(), {path: value}, LEDGER)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_number_is_set_once() -> None:
    with pytest.raises(InputError, match=r"powers\.eu\.budget: is set twice"):
        vary(scenario(), {"powers.eu.budget": 1, "powers.eu.budget.value": 2})


def test_the_argument_is_not_changed() -> None:
    base = composed()
    before = plain(base)
    parts = {item.name: id(getattr(base, item.name)) for item in dataclasses.fields(base)}
    paths = ["powers.eu.budget", "states.kz.trade.cn", "rules.dependence.weights.trade", "seed"]
    found = vary(base, dict.fromkeys(paths, 0) | {"states.kz.trade.cn": 1.0}, LEDGER)
    assert found != base
    with pytest.raises(InputError):
        vary(base, {"powers.eu.budget": 1.0, "replicates": 0}, LEDGER)
    assert plain(base) == before
    assert {item.name: id(getattr(base, item.name)) for item in dataclasses.fields(base)} == parts
    assert found.corridors is base.corridors


def test_without_a_ledger_only_the_whole_is_not_checked() -> None:
    with pytest.raises(InputError, match="must be at least 1"):
        vary(scenario(), {"replicates": 0}, LEDGER)
    assert vary(scenario(), {"replicates": 0}).replicates == 0
    with pytest.raises(InputError, match="must be at least 0"):
        vary(scenario(), {"powers.eu.budget": -1})


def test_a_range_that_the_user_has_set_is_left_for_the_value() -> None:
    """A value set upon a range of one's own is not drawn from it either."""
    ranged = composed("powers.eu.budget.low=1", "powers.eu.budget.high=9")
    changed = vary(ranged, {"powers.eu.budget": 5.0}, LEDGER)
    assert len(sample(ranged, range(5))["powers.eu.budget"]) == 5
    assert sample(changed, range(5))["powers.eu.budget"].tolist() == [5.0]


def test_a_scenario_that_rests_on_other_evidence() -> None:
    """A ledger without the facts behind a number refuses the variant."""
    empty = dataclasses.replace(LEDGER, facts={})
    with pytest.raises(InputError, match=r"no fact '.*' in the ledger"):
        vary(scenario(), {"seed": 2}, empty)


# --- find -----------------------------------------------------------------------------------------


def test_every_number_is_found_by_its_name() -> None:
    for name in ("strategic_balance", "five_suitors"):
        for quantity in quantities(scenario(name)):
            for entry in quantity.entries:
                assert find(scenario(name), quantity.name(entry)) == (quantity, entry)
                value = f"{quantity.path}.value{'.' * bool(entry)}{entry}"
                assert find(scenario(name), value) == (quantity, entry)


def test_what_is_no_number_is_found_as_nothing() -> None:
    for path in ("seed", "rules.choice.rule", "horizon.end", "powers.eu.entry_shares"):
        assert find(scenario(), path) is None
