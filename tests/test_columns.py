"""Columns of variants are runs of the changed scenarios, and the decision log adds up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from support import outcomes

import sim
from sim.axes import DOMAINS, FloatArray
from sim.columns import CHUNK, SAME, Points, Variants
from sim.decisions import NONE, TERMS, UNITS, decisions
from sim.draws import BLOCK
from sim.errors import InputError
from sim.model import PartnershipModel
from sim.quantity import Draw, Quantity
from sim.record import Record
from sim.scenario import Scenario, quantities
from sim.vary import form_of, vary

SCENARIOS = tuple(sim.list_scenarios())
MECHANISMS = ("bloc", "nested", "adaptive_conditions", "opinion")
LATE = 17
CLOSE = 1e-12
CALIBRATED = ("target_shares", "entry_shares")


@cache
def scenario_of(name: str, mechanism: str = "none") -> Scenario:
    """A shipped scenario with a mechanism switched on."""
    return sim.load_scenario(name, f"mechanism={mechanism}")


def generator(*words: str) -> np.random.Generator:
    """Random numbers that are the same each time."""
    return np.random.default_rng(crc32(" ".join(words).encode()))


# --- the decision log -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mechanism"),
    [*((name, "none") for name in SCENARIOS), *((SCENARIOS[0], each) for each in MECHANISMS)],
)
def test_terms_add_up_to_the_utility_of_the_model(name: str, mechanism: str) -> None:
    """In random half-years of random replicates, for every state and domain."""
    scenario = scenario_of(name, mechanism)
    random = generator(name, mechanism)
    for replicate in random.choice(1000, 2, replace=False):
        steps = set(random.choice(scenario.steps, 5, replace=False))
        model = PartnershipModel(scenario, int(replicate))
        variants = Variants(scenario, int(replicate))
        for step, (found, parameters) in enumerate(variants.records([SAME], max(steps))):
            model.step()
            if step not in steps:
                continue
            assert model.record is not None
            log = decisions(found, parameters, scenario, scenario.periods[step])
            adds_up(log)
            is_of_the_model(log, model.record, scenario)
            own = decisions(model.record, model.parameters, scenario, scenario.periods[step])
            pd.testing.assert_frame_equal(log, own, check_exact=True)
            follows_from_scores(log, float(model.parameters.modules.nest.item()))


def adds_up(log: pd.DataFrame) -> None:
    """Fail unless terms make the utility and chances make one."""
    powers = log[log["option"] != NONE]
    gap = powers[list(TERMS)].sum(axis=1) - powers["utility"]
    assert gap.abs().max() < CLOSE
    each = log.groupby(["state", "domain"])
    assert (each["probability"].sum() - 1).abs().max() < CLOSE
    assert (each["picked"].sum() == 1).all()
    nobody = log[log["option"] == NONE]
    assert nobody[[*TERMS, "amount", "value"]].isna().all(axis=None)
    assert set(UNITS) <= set(log.columns)


def is_of_the_model(log: pd.DataFrame, record: Record, scenario: Scenario) -> None:
    """Fail unless each row shows the numbers that the model has there, bit for bit."""
    shape = record.appraisal.utility.shape
    places = {
        "state": scenario.state_codes,
        "domain": DOMAINS,
        "option": (NONE, *scenario.power_codes),
    }
    at = {name: [codes.index(x) for x in log[name]] for name, codes in places.items()}
    chance = record.appraisal.probability[at["state"], at["option"], at["domain"], 0]
    np.testing.assert_array_equal(log["probability"], chance)
    offered = np.array(at["option"]) > 0
    rows = log[offered]
    where = [np.array(at[name])[offered] for name in ("state", "option", "domain")]
    cell = (where[0], where[1] - 1, where[2], 0)
    shown = {**record.appraisal.terms._asdict(), "utility": record.appraisal.utility}
    shown |= {"picked": record.contracts.pick, "signed": record.contracts.signed}
    shown |= {name: getattr(record.offers, name) for name in ("amount", "value", "conditions")}
    for name, array in shown.items():
        np.testing.assert_array_equal(rows[name], np.broadcast_to(array, shape)[cell], name)


def follows_from_scores(log: pd.DataFrame, nest: float) -> None:
    """Fail unless the chances are those of the logit of what is on the table, here written out.

    With a nest (O3) a power has its share of the nest, and the nest competes with nobody.
    """
    for _, rows in log.groupby(["state", "domain"]):
        score = dict(zip(rows["option"], rows["score"], strict=True))
        chance = dict(zip(rows["option"], rows["probability"], strict=True))
        open_to = rows[rows["posted"]]["option"]
        total = math.fsum(math.exp(score[option]) for option in open_to)
        for option in rows["option"]:
            wanted = math.exp(score[option]) / total if option in set(open_to) else 0.0
            assert chance[option] == pytest.approx(wanted, abs=CLOSE)
        if nest == 1:
            continue
        utility = dict(zip(rows["option"], rows["utility"], strict=True))
        powers = [option for option in open_to if option != NONE]
        ratio = [chance[p] / chance[powers[0]] for p in powers]
        precision = score[NONE] / utility[NONE] if utility[NONE] else None
        if precision is not None:
            gaps = [precision * (utility[p] - utility[powers[0]]) / nest for p in powers]
            np.testing.assert_allclose(ratio, np.exp(gaps), rtol=1e-9)


def test_a_nest_is_a_choice_within_a_choice() -> None:
    """O3 written out: which offer, by e^(s/nest); whether any, by the inclusive value."""
    scenario = scenario_of(SCENARIOS[0], "nested")
    model = PartnershipModel(scenario, 5)
    for _ in range(4):
        model.step()
    record, parameters = model.records[-1], model.parameters
    nest, precision = float(parameters.modules.nest.item()), float(parameters.precision.item())
    assert nest == 0.5
    assert record.offers.posted.all()
    scaled = np.exp(precision * record.appraisal.utility / nest)
    within = scaled / scaled.sum(axis=1, keepdims=True)
    nobody = np.exp(precision * parameters.outside_option)
    inclusive = scaled.sum(axis=1, keepdims=True) ** nest
    any_power = inclusive / (inclusive + nobody)
    chance = record.appraisal.probability
    np.testing.assert_allclose(chance[:, 1:], within * any_power, atol=CLOSE)
    np.testing.assert_allclose(chance[:, :1], 1 - any_power, atol=CLOSE)


# --- one replicate under many changes -------------------------------------------------------------

CASES: Mapping[str, tuple[str, str, Mapping[str, float]]] = {
    "baseline": (
        "strategic_balance",
        "none",
        {
            "rules.choice.target_shares.energy.none": 0.3,
            "rules.choice.target_shares.trade.ru": 0.2,
            "powers.cn.domain_shares.energy": 0.4,
            "rules.dependence.weights.security": 0.2,
            "rules.documents.signed": 7.0,
            "rules.coercion.rate.ru": 0.4,
            "powers.ru.summits.every": 1.0,
            "corridors.e.capacity": 0.0,
            "corridors.cku.capacity": 1.0,
            "corridors.n.capacity": 61.0,
            "events.sanction_package.size": 0.11,
            "events.sanction_package.rate": 0.0,
            "rules.choice.precision": math.inf,
            "rules.choice.nest": 0.6,
            "rules.adaptation.speed": 0.0,
            "states.kz.hedging": 0.0,
            "states.uz.trade.tr": 3.3,
        },
    ),
    "five suitors": (
        "five_suitors",
        "none",
        {
            "powers.us.entry_shares.energy": 0.21,
            "powers.tr.entry_shares.trade": 0.05,
            "rules.choice.target_shares.technology.cn": 0.15,
            "rules.choice.target_shares.trade.none": 0.5,
            "powers.tr.domain_shares.security": 0.02,
            "rules.adaptation.condition_speed": 0.0,
            "powers.us.budget": 0.0,
        },
    ),
    "documents": ("after_alaska", "documents", {"rules.documents.signed": 3.0}),
    "coercion": (
        "southern_fire",
        "coercion",
        {"rules.coercion.rate.ru": 0.7, "rules.coercion.rate.eu": 0.0},
    ),
    "summits": (
        "secondary_squeeze",
        "summits",
        {"powers.eu.summits.every": 1.0, "rules.offers.summit_share": 0.9},
    ),
    "bloc": ("customs_pull", "bloc", {"rules.bloc.members.kg": 0.0, "rules.bloc.cohesion": 0.9}),
}
RANDOM = 7


@pytest.mark.parametrize("case", CASES)
def test_columns_are_runs_of_the_changed_scenarios(case: str) -> None:
    """Numbers of every kind, and some taken at random, side by side in one call."""
    name, mechanism, chosen = CASES[case]
    scenario = scenario_of(name, mechanism)
    random = generator(case)
    replicate = int(random.integers(600))
    changed = {**chosen, **dict(sampled(scenario, random))}
    variants = Variants(scenario, replicate)
    changes = [variants.change(path, value) for path, value in changed.items()]
    assert case != "baseline" or {change.apart is None for change in changes} == {True, False}
    found = variants.run([SAME, *changes, SAME], LATE, taken)
    own = after(scenario, replicate)
    assert np.array_equal(found[..., 0], own)
    assert np.array_equal(found[..., -1], own)
    moved = 0
    for column, (path, value) in enumerate(changed.items(), start=1):
        wanted = after(vary(scenario, {path: value}), replicate)
        if any(part in path for part in CALIBRATED):
            np.testing.assert_allclose(found[..., column], wanted, rtol=0, atol=CLOSE, err_msg=path)
        else:
            assert np.array_equal(found[..., column], wanted), path
        moved += not np.array_equal(wanted, own)
    assert moved > len(chosen) / 2  # so that agreement says something


def sampled(scenario: Scenario, random: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Random entries of random quantities, each at a place in its range or beside it."""
    every: list[Quantity] = [q for q in quantities(scenario) if q.value != (math.inf,)]
    kinds = {draw: [q for q in every if q.draw is draw] for draw in Draw}
    for number in range(RANDOM):
        pool = [q for kind in kinds.values() for q in kind] if number % 2 else kinds[Draw.FIXED]
        quantity = pool[random.integers(len(pool))]
        place = int(random.integers(len(quantity.entries)))
        low, high = quantity.low[place], quantity.high[place]
        value = random.uniform(low, high) if low < high else 0.95 * quantity.value[place] or 0.01
        limits = form_of(scenario, quantity.path).limits
        yield quantity.name(quantity.entries[place]), max(value, limits.lower)


def taken(record: Record) -> FloatArray:
    """Much of what happens in a step, (number, column)."""
    columns = record.appraisal.utility.shape[-1]
    arrays = (
        record.appraisal.utility,
        record.appraisal.probability,
        record.contracts.pick,
        record.contracts.signed,
        record.deliveries.delivered,
        record.offers.credibility,
        record.world.capital,
        record.world.trade,
        record.world.budget,
        record.ties.total,
    )
    return np.concatenate(
        [np.broadcast_to(a, (*a.shape[:-1], columns)).reshape(-1, columns) for a in arrays]
    )


def after(scenario: Scenario, replicate: int, step: int = LATE) -> FloatArray:
    """The same of a run of the scenario by itself."""
    model = PartnershipModel(scenario, replicate)
    for _ in range(step + 1):
        model.step()
    return taken(model.records[-1])[:, 0]


def test_more_columns_than_a_chunk_are_those_of_each_alone() -> None:
    scenario = scenario_of("strategic_balance")
    variants = Variants(scenario, 3)
    values = np.linspace(0, 8, CHUNK + 9)
    changes = [variants.change("states.kz.hedging", value) for value in values]
    found = variants.run(changes, 4, taken)
    assert found.shape[-1] == len(values)
    for column in (0, 1, CHUNK - 1, CHUNK, CHUNK + 8):
        assert np.array_equal(found[:, column], variants.run([changes[column]], 4, taken)[:, 0])


def test_picks_can_be_held() -> None:
    """Picks before the step are those given, whatever the column would have picked itself."""
    scenario = scenario_of("strategic_balance")
    variants = Variants(scenario, 2)
    history = variants.history(6)
    assert len(history) == 6
    model = PartnershipModel(scenario, 2).run()
    for held, record in zip(history, model.records, strict=False):
        assert np.array_equal(held, record.contracts.pick)
    changes = [SAME, variants.change("rules.choice.precision", 0.0)]
    steps = list(variants.records(changes, 6, history))
    for held, (record, _) in zip(history, steps, strict=False):
        assert np.array_equal(record.contracts.pick, np.repeat(held, 2, axis=-1))
    free = [record.contracts.pick for record, _ in variants.records(changes, 6)]
    assert any(not np.array_equal(pick[..., 0], pick[..., 1]) for pick in free[:6])


IMPOSSIBLE = {"rules.corridors.start_share": 0.95, "corridors.n.freight": 60.0}
"""Numbers at which the corridor of the start cannot have its share of freight."""


@pytest.mark.parametrize("path", IMPOSSIBLE)
def test_numbers_that_no_run_can_have_spoil_no_other_column(path: str) -> None:
    scenario = scenario_of("strategic_balance")
    variants = Variants(scenario, 1)
    value = IMPOSSIBLE[path]
    with pytest.raises(InputError, match="start_share"):
        PartnershipModel(vary(scenario, {path: value}), 1)
    wrong = variants.change(path, value)
    right = [variants.change("states.uz.hedging", x) for x in (1.0, 2.0, 3.0)]
    apart = variants.change("corridors.e.capacity", 0.0)
    assert apart.apart is not None
    changes = [wrong, right[0], SAME, wrong, apart, wrong, right[1], right[2], wrong]
    found = variants.run(changes, 3, taken)
    bad = [change is wrong for change in changes]
    assert np.isnan(found).all(axis=0).tolist() == bad
    assert np.isfinite(found).all(axis=0).tolist() == [not each for each in bad]
    assert np.array_equal(found[:, 2], after(scenario, 1, 3))
    alone = vary(scenario, {"corridors.e.capacity": 0.0})
    assert np.array_equal(found[:, 4], after(alone, 1, 3))
    for column, number in ((1, 1.0), (6, 2.0), (7, 3.0)):
        changed = vary(scenario, {"states.uz.hedging": number})
        assert np.array_equal(found[:, column], after(changed, 1, 3))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("states.kz.hedging", -1.0, ["states.kz.hedging", "at least 0"]),
        ("powers.cn.domain_shares.trade", 1.5, ["powers.cn.domain_shares", "1.5"]),
        ("rules.choice.rule", 1.0, ["rules.choice.rule", "not a number"]),
        ("states.kz.hedgin", 1.0, ["hedgin", "'hedging'"]),
        ("powers.eu.delivery", 1.0, ["powers.eu.delivery", "trade"]),
    ],
)
def test_what_cannot_be_set_is_refused(path: str, value: float, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        Variants(scenario_of("strategic_balance"), 0).change(path, value)
    for word in words:
        assert word in str(caught.value)


# --- points of the space of the evidence ----------------------------------------------------------


@pytest.mark.parametrize("name", ["strategic_balance", "five_suitors"])
def test_points_of_replicates_are_the_replicates(name: str) -> None:
    """At the places and under the noise that replicates have, also over the end of a block."""
    scenario = scenario_of(name)
    points = Points(scenario)
    first = BLOCK - 3
    replicates = range(first, first + 6)
    places = points.host.sampler.draws.take(replicates)
    assert places.shape == (len(points.names), 6)
    order = np.array([4, 0, 5, 2, 1, 3])
    found = points.run(places[:, order], np.array(replicates)[order])
    for got, wanted in zip(found, outcomes(scenario, replicates), strict=True):
        assert got.keys() == wanted.keys()
        for outcome, array in wanted.items():
            assert np.array_equal(got[outcome], array[..., order]), outcome


def test_places_and_noise_are_apart() -> None:
    """One point under two noises differs in what chance does, not in what is drawn."""
    scenario = scenario_of("strategic_balance")
    points = Points(scenario)
    middle = np.full((len(points.names), 2), 0.5)
    data, final = points.run(middle, np.array([3, 700]))
    assert np.array_equal(data["gdp"][0, ..., 0], data["gdp"][0, ..., 1])
    assert not np.array_equal(data["pick"][..., 0], data["pick"][..., 1])
    first: Callable[[str], FloatArray] = lambda part: final[part][..., 0]  # noqa: E731
    again, last = points.run(middle[:, :1], np.array([3]))
    assert np.array_equal(last["dependence"][..., 0], first("dependence"))
    assert np.array_equal(again["pick"][..., 0], data["pick"][..., 0])
