"""Both hosts run the same step: replicate r of any ensemble is the Mesa run of r, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from support import (
    baseline,
    ending,
    fixed,
    moved,
    outcomes,
    same_bits,
    same_world,
    trace,
    vary,
    with_event,
)

import sim
from sim.axes import DOMAINS, STATES, FloatArray
from sim.compose import load_scenario
from sim.ensemble import simulate
from sim.errors import InputError
from sim.model import Offer, PartnershipModel, Picks, State
from sim.outcomes import OUTCOMES, Data
from sim.processes import Appraisal, Offers
from sim.quantity import Draw
from sim.recorder import derive
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, Target, Uncertainty
from sim.world import World

VARIANTS: dict[str, Mapping[str, Any]] = {
    "evidence": {},
    "central values": {"uncertainty": Uncertainty.NONE},
    "mean field": {"rules.choice.rule": ChoiceRule.MEAN_FIELD},
    "infinite precision": {"rules.choice.precision": float("inf")},
    "expected delivery": {"rules.delivery.rule": DeliveryRule.EXPECTED},
    "masked offers": {"rules.offers.minimum_offer": 0.05},
    "no events": {"events": {}},
    "quarterly": {"horizon.step": 0.25},
    "another seed": {"seed": 0},
    "eleven states": {},  # from nine on, NumPy adds a row of single numbers in another order
    "shocks and growth": {},  # see shaken
}
FEW = (0, 1, 6)
MANY = (0, 6, 255, 256, 257, 511, 512, 999)
"""Replicates at the ends of blocks and chunks."""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """The baseline with its whole horizon."""
    return baseline()


@pytest.fixture(scope="module")
def short() -> Scenario:
    """Three years of it."""
    return ending(baseline(), "2028H2")


def variant_of(name: str, scenario: Scenario | None = None) -> Scenario:
    """The baseline, or another scenario, with the changes of a variant."""
    scenario = baseline() if scenario is None else scenario
    further = {"eleven states": crowded, "shocks and growth": shaken}
    return vary(further[name](scenario) if name in further else scenario, VARIANTS[name])


def crowded(scenario: Scenario) -> Scenario:
    """Scenario with copies of its states under the other codes."""
    states = dict(scenario.states)
    models = [*scenario.states, next(iter(scenario.states))]
    for number, (model, code) in enumerate(zip(models, STATES[len(states) :], strict=True)):
        copy = moved(scenario.states[model], f"states.{model}", f"states.{code}")
        states[code] = replace(copy, id=50 + number)
    return replace(scenario, states=states)


def shaken(scenario: Scenario) -> Scenario:
    """Scenario with shocks to trade and events on growth whose sizes each replicate draws."""
    sizes = {"kz": 0.2, "kg": 0.1, "tj": 0.3, "tm": 0.0, "uz": 0.2}
    volatility = replace(
        fixed("rules.trade.volatility", "1/sqrt(yr)", sizes),
        low=(0.0, 0.1, 0.1, 0.0, 0.1),
        high=(0.5, 0.1, 0.8, 0.0, 0.3),
        draw=Draw.TRIANGULAR,
    )
    scenario = vary(scenario, {"rules.trade.volatility": volatility})
    slump = {"date": "2026H1", "size": -0.05, "half_life": 1.5}
    boom = {"date": "2026H2", "until": "2028H1", "size": 0.04}
    named = {"states": ("kz", "uz"), "powers": ("ru", "row")}
    scenario = with_event(scenario, "slump", Target.GROWTH, **slump)
    scenario = with_event(scenario, "boom", Target.GROWTH, **boom, **named)
    size = fixed("events.boom.size", "1/yr", 0.04)
    drawn = replace(size, low=(-0.02,), high=(0.06,), draw=Draw.TRIANGULAR)
    return vary(scenario, {"events.boom.size": drawn})


@cache
def looked_at(variant: str, replicate: int) -> tuple[Data, Data]:
    """Outcomes of the Mesa run of one replicate, computed once."""
    return PartnershipModel(variant_of(variant), replicate).run().outcomes()


def ensemble(
    scenario: Scenario, replicates: int, chunk: int, workers: int = 1
) -> tuple[Data, Data]:
    output = replace(scenario.output, chunk=chunk, workers=workers)
    whole = replace(scenario, replicates=replicates, output=output)
    return derive(*simulate(whole), scenario.horizon.step)


def only(data: Data, replicate: int) -> Data:
    return {name: array[..., replicate : replicate + 1] for name, array in data.items()}


def agree(found: tuple[Data, Data], variant: str, replicates: tuple[int, ...]) -> None:
    """Fail unless the given replicates of an ensemble are those that Mesa shows."""
    data, final = found
    assert data.keys() == OUTCOMES.keys()
    for replicate in replicates:
        wanted, last = looked_at(variant, replicate)
        same_bits(only(data, replicate), wanted)
        same_bits(only(final, replicate), last)


# --- the same bits --------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("variant", VARIANTS)
def test_replicates_of_a_small_ensemble_are_those_of_mesa(variant: str, chunk: int) -> None:
    agree(ensemble(variant_of(variant), 7, chunk), variant, FEW)


@pytest.mark.parametrize("chunk", [7, 64, 256, 1000])
def test_replicates_of_a_large_ensemble_are_those_of_mesa(scenario: Scenario, chunk: int) -> None:
    agree(ensemble(scenario, 1000, chunk), "evidence", MANY)


@pytest.mark.parametrize(
    "variant", ["mean field", "infinite precision", "masked offers", "shocks and growth"]
)
def test_variants_of_a_large_ensemble_are_those_of_mesa(variant: str) -> None:
    agree(ensemble(variant_of(variant), 1000, 300), variant, MANY[:4])


def test_an_ensemble_of_one_is_the_mesa_run(scenario: Scenario) -> None:
    data, final = ensemble(scenario, 1, 256)
    wanted, last = looked_at("evidence", 0)
    same_bits(data, wanted)
    same_bits(final, last)


@pytest.mark.parametrize(("replicates", "chunk"), [(7, 1), (1000, 64)])
def test_two_processes_give_the_bits_of_one(
    scenario: Scenario, replicates: int, chunk: int
) -> None:
    alone, together = (ensemble(scenario, replicates, chunk, workers) for workers in (1, 2))
    same_bits(together[0], alone[0])
    same_bits(together[1], alone[1])
    agree(together, "evidence", tuple(r for r in MANY if r < replicates))


def test_one_replicate_at_a_time_is_the_ensemble(short: Scenario) -> None:
    """All replicates on both sides of the end of a block, not only some."""
    data, final = ensemble(short, 270, 270)
    for replicate in range(240, 270):
        alone, last = outcomes(short, range(replicate, replicate + 1))
        same_bits(only(data, replicate), alone)
        same_bits(only(final, replicate), last)


def test_variants_differ() -> None:
    """Each variant takes another path, so that agreement in each says something."""
    paths = {v: looked_at(v, 6)[0]["signed"].tobytes() for v in VARIANTS}
    assert len(set(paths.values())) == len(VARIANTS)


@pytest.mark.parametrize(
    "variant", ["evidence", "mean field", "infinite precision", "shocks and growth"]
)
def test_a_longer_horizon_repeats_the_shorter_one(short: Scenario, variant: str) -> None:
    brief = variant_of(variant, short)
    data, final = outcomes(brief, range(40))
    long, _ = outcomes(variant_of(variant), range(40))
    same_bits(data, {name: array[: brief.steps] for name, array in long.items()})
    same_bits(final, {name: long[name][brief.steps] for name in final})


def test_stocks_at_the_end_know_of_an_accession_at_the_end(short: Scenario) -> None:
    event = {"date": "2028H2", "institution": "csto", "members": {"uz": 1.0}}
    brief = with_event(short, "accession", Target.MEMBERSHIP, **event)
    _, final = outcomes(brief, range(4))
    long, _ = outcomes(ending(brief, "2029H2"), range(4))
    same_bits(final, {name: long[name][brief.steps] for name in final})
    assert (final["security_level"][0] < outcomes(short, range(4))[1]["security_level"][0]).all()


def test_a_replay_is_the_replicate_of_the_run(short: Scenario) -> None:
    run = sim.run(replace(short, replicates=9))
    model = sim.replay(run, replicate=4)
    assert model.period == 0
    data, final = model.run().outcomes()
    for name, array in data.items():
        assert np.array_equal(run.data[name].isel(replicate=[4]).to_numpy(), array), name
    for name, array in final.items():
        assert np.array_equal(run.final[name].isel(replicate=[4]).to_numpy(), array), name
    with pytest.raises(InputError, match="0 to 8"):
        sim.replay(run, replicate=9)


def test_outcomes_on_the_way_are_those_of_the_whole_run(short: Scenario) -> None:
    model = PartnershipModel(short, 3)
    for _ in range(3):
        model.step()
    so_far, _ = model.outcomes()
    whole, _ = model.run().outcomes()
    same_bits(so_far, {name: array[:3] for name, array in whole.items()})


def test_steps_after_the_end_change_nothing(short: Scenario) -> None:
    model = PartnershipModel(short, 3).run()
    before = model.outcomes()
    model.step()
    assert not model.running
    same_bits(model.outcomes()[0], before[0])
    assert model.label == "2028H2"


@pytest.mark.parametrize("replicate", [0, 255, 256])
def test_worlds_of_both_hosts_are_the_same_under_shocks_and_growth(replicate: int) -> None:
    """All stocks, also those of which no outcome is reported."""
    scenario = shaken(ending(baseline(), "2028H2"))
    around = range(max(0, replicate - 3), replicate + 4)
    model, run = PartnershipModel(scenario, replicate), trace(scenario, around)
    for world in run.worlds[1:]:
        model.step()
        same_world(model.world, world.take(replicate - around.start))
    assert np.count_nonzero(model.world.trade_shock) == 4 * 4  # Turkmenistan has no shocks


# --- states with a mind of their own --------------------------------------------------------------


class Loyal(State):
    """Kazakhstan takes what Russia offers and nothing else; the others follow the model."""

    def choose(self, offers: Mapping[str, list[Offer]]) -> Picks:
        if self.code != "KZ":
            return super().choose(offers)
        return {
            domain: "RU" for domain, table in offers.items() if any(o.power == "RU" for o in table)
        }


class Greedy(State):
    """Every state takes the largest offer in each domain."""

    def choose(self, offers: Mapping[str, list[Offer]]) -> Picks:
        return {
            domain: max(table, key=lambda offer: offer.amount).power if table else None
            for domain, table in offers.items()
        }


def take_largest(
    world: World, table: Offers, appraised: Appraisal, noise: FloatArray
) -> FloatArray:
    """The rule of ``Greedy`` as a decision over arrays."""
    amount = np.where(table.posted, table.amount, -1.0)
    best = amount.max(axis=1, keepdims=True)
    return ((amount == best) & table.posted).astype(np.float64)


def test_the_default_choice_is_the_rule_of_the_scenario(short: Scenario) -> None:
    class Default(State):
        pass

    data, final = PartnershipModel(short, 5, Default).run().outcomes()
    wanted, last = outcomes(short, range(5, 6))
    same_bits(data, wanted)
    same_bits(final, last)


def test_a_loyal_state_moves_its_picks_and_its_money(short: Scenario) -> None:
    model = PartnershipModel(short, 5, Loyal)
    plain = PartnershipModel(short, 5)
    while model.running and model.period < short.steps:
        model.step()
        plain.step()
        assert model.record is not None
        assert plain.record is not None
        pick, table = model.record.contracts.pick, model.record.offers
        assert np.array_equal(pick[0, 0], table.posted[0, 0].astype(float))
        assert not pick[0, 1:].any()
        assert np.array_equal(model.record.contracts.signed[0], pick[0] * table.amount[0])
        if model.period == 1:  # all choose at once: the others notice in the next half-year only
            assert np.array_equal(pick[1:], plain.record.contracts.pick[1:])
        assert model.states[0].picks == dict.fromkeys(DOMAINS, "RU")
    (data, final), (other, last) = model.outcomes(), plain.outcomes()
    assert (data["pick"][:, 0] == 1).all()
    assert data["signed"][:, 0, 0].sum() > other["signed"][:, 0, 0].sum()
    assert not data["signed"][:, 0, 1:].any()
    assert (final["unspent"][1:] > last["unspent"][1:]).any()


@pytest.mark.parametrize("replicate", [0, 7])
def test_an_override_does_what_the_same_rule_does_in_the_ensemble(
    short: Scenario, replicate: int
) -> None:
    run = trace(short, range(8), take_largest)
    model = PartnershipModel(short, replicate, Greedy)
    for record, world in zip(run.records, run.worlds[1:], strict=True):
        model.step()
        assert model.record is not None
        found, wanted = model.record.contracts.pick, record.contracts.pick
        assert np.array_equal(found[..., 0], wanted[..., replicate])
        assert np.array_equal(model.world.backlog, world.take(replicate).backlog)
        assert np.array_equal(model.world.unspent, world.take(replicate).unspent)


def test_an_override_leaves_all_draws_alone(short: Scenario) -> None:
    loyal, plain = PartnershipModel(short, 5, Loyal).run(), PartnershipModel(short, 5)
    for name in ("choice", "delivery", "events"):
        assert np.array_equal(getattr(loyal.draws, name), getattr(plain.draws, name)), name
    after, wanted = PartnershipModel(short, 6).run().outcomes(), outcomes(short, range(6, 7))
    same_bits(after[0], wanted[0])
    same_bits(after[1], wanted[1])


def test_offers_show_what_the_state_decides_on(short: Scenario) -> None:
    seen: list[dict[str, list[Offer]]] = []

    class Curious(State):
        def choose(self, offers: Mapping[str, list[Offer]]) -> Picks:
            seen.append(dict(offers))
            return super().choose(offers)

    model = PartnershipModel(short, 2, Curious)
    model.step()
    assert model.record is not None
    assert len(seen) == len(model.states)
    for state, offers in zip(model.states, seen, strict=True):
        for domain, table in offers.items():
            d = DOMAINS.index(domain)
            for offer in table:
                cell = (state.place, model.power_codes.index(offer.power), d, 0)
                assert offer.amount == model.record.offers.amount[cell]
                assert offer.value == model.record.offers.value[cell]
                assert offer.credibility == model.record.offers.credibility[cell]
                assert offer.utility == pytest.approx(sum(offer.terms.values()), rel=1e-12)
                chance = model.record.appraisal.probability[cell[0], cell[1] + 1, d, 0]
                assert offer.probability == chance
            assert len(table) == model.record.offers.posted[state.place, :, d, 0].sum()


def test_a_state_may_pick_nobody(short: Scenario) -> None:
    class Hermit(State):
        def choose(self, offers: Mapping[str, list[Offer]]) -> Picks:
            return {"energy": None} if self.code == "UZ" else {}

    data, _ = PartnershipModel(short, 0, Hermit).run().outcomes()
    assert not data["pick"].any()
    assert not data["signed"].any()


@pytest.mark.parametrize(
    ("picks", "words"),
    [
        ({"energy": "RUS"}, ["KZ", "unknown power 'RUS'", "'RU'"]),
        ({"enregy": "RU"}, ["KZ", "unknown domain 'enregy'", "'energy'"]),
        ({"security": "EU"}, ["KZ", "EU offers nothing in security"]),
    ],
)
def test_an_impossible_pick_is_refused(short: Scenario, picks: Picks, words: list[str]) -> None:
    class Mistaken(State):
        def choose(self, offers: Mapping[str, list[Offer]]) -> Picks:
            return picks

    without = vary(short, {"powers.eu.domain_shares": {"security": 0.0}})
    model = PartnershipModel(without, 0, Mistaken)
    with pytest.raises(InputError) as caught:
        model.step()
    for word in words:
        assert word in str(caught.value)


def test_a_negative_replicate_is_refused(short: Scenario) -> None:
    with pytest.raises(InputError, match="replicate"):
        PartnershipModel(short, -1)


def test_outcomes_before_the_end_are_those_so_far() -> None:
    scenario = load_scenario("strategic_balance", replicates=1)
    model = PartnershipModel(scenario)
    data, now = model.outcomes()
    assert data["remainder"].shape == (0, len(scenario.states), 1)
    np.testing.assert_array_equal(now["budget"], model.world.budget[0, :, 0])
    model.step()
    data, now = model.outcomes()
    whole, _ = PartnershipModel(scenario).run().outcomes()
    for name, array in data.items():
        np.testing.assert_array_equal(array, whole[name][:1])
    np.testing.assert_array_equal(now["dependence"], whole["dependence"][1])


class Silent(State):
    """Forgets to answer."""

    def choose(self, offers: object) -> None:  # type: ignore[override]
        return None


def test_a_rule_of_ones_own_must_answer_and_be_asked() -> None:
    scenario = load_scenario("strategic_balance", replicates=1)
    with pytest.raises(InputError, match="must return"):
        PartnershipModel(scenario, state_class=Silent).step()
    mean_field = load_scenario("strategic_balance", "rules.choice.rule=mean_field")
    with pytest.raises(InputError, match="mean_field"):
        PartnershipModel(mean_field, state_class=Silent)


def test_agents_see_trade_and_opinion_of_their_world(short: Scenario) -> None:
    model = PartnershipModel(short, 3)
    model.step()
    state = model.states[1]
    assert list(state.trade) == ["RU", "CN", "EU", "ROW"]
    assert sum(state.trade.values()) == pytest.approx(model.world.trade[1].sum())
    assert list(state.opinion) == ["RU", "CN", "EU"]
    assert all(0 <= share <= 1 for share in state.opinion.values())
