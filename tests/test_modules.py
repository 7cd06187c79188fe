"""P24: each module at its null is the run without it, bit for bit; and each does what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from support import baseline, same_world, trace, vary, with_event

from sim.axes import Domain
from sim.parameters import Parameters
from sim.scenario import Scenario
from sim.specs import Target
from sim.world import World

REPLICATES: Final = range(6)
COERCION: Final = {"rules.coercion.rate": {"ru": 3.0, "cn": 3.0, "eu": 3.0}}
SWITCHES: Final = ("adaptation", "concessions", "bloc", "nest", "opinion", "growth")


def on(switch: str) -> Callable[[Parameters, World], tuple[Parameters, World]]:
    """Run the code of a module, whatever its parameters are."""

    def prepare(parameters: Parameters, world: World) -> tuple[Parameters, World]:
        modules = parameters.modules
        assert not getattr(modules.on, switch), "the module is not at its null"
        changed = replace(modules, on=replace(modules.on, **{switch: True}))
        return replace(parameters, modules=changed), world

    return prepare


def at_null(switch: str) -> Scenario:
    """The baseline with a module at its null."""
    return (
        vary(baseline(), {"rules.adaptation.speed": 0.0}) if switch == "adaptation" else baseline()
    )


@pytest.mark.parametrize("switch", SWITCHES)
def test_module_at_its_null_changes_no_bit(switch: str) -> None:
    scenario = at_null(switch)
    without = trace(scenario, REPLICATES)
    within = trace(scenario, REPLICATES, prepare=on(switch))
    kept = {"adaptation": ("valuation", "returns"), "concessions": ("first_choice",)}
    for found, wanted in zip(within.worlds, without.worlds, strict=True):
        same_world(found, wanted, *kept.get(switch, ()))
    for record, other in zip(within.records, without.records, strict=True):
        assert np.array_equal(record.appraisal.utility, other.appraisal.utility)
        assert np.array_equal(record.appraisal.probability, other.appraisal.probability)


def test_coercion_that_never_strikes_changes_no_bit() -> None:
    """With the second route sets, the opinion and the draws of the module in place."""
    harmless = {"rules.coercion.rate": {"ru": 1e-300}}
    without, within = trace(baseline(), REPLICATES), trace(vary(baseline(), harmless), REPLICATES)
    assert within.parameters.modules.on.coercion
    for found, wanted in zip(within.worlds, without.worlds, strict=True):
        same_world(found, wanted)


def test_documents_without_weight_change_no_bit() -> None:
    blank = {"rules.documents.signed": 19.0, "rules.documents.weight": 0.0}
    without, within = trace(baseline(), REPLICATES), trace(vary(baseline(), blank), REPLICATES)
    assert within.records[0].documents is not None
    for found, wanted in zip(within.worlds, without.worlds, strict=True):
        same_world(found, wanted)


def test_coordination_by_nobody_changes_no_bit() -> None:
    def prepare(parameters: Parameters, world: World) -> tuple[Parameters, World]:
        assert parameters.modules.coordination is None
        zeros = np.zeros((1, 3, 3, 1))
        return replace(parameters, modules=replace(parameters.modules, coordination=zeros)), world

    without, within = trace(baseline(), REPLICATES), trace(baseline(), REPLICATES, prepare=prepare)
    for found, wanted in zip(within.worlds, without.worlds, strict=True):
        same_world(found, wanted)


def test_summits_without_money_change_no_bit() -> None:
    no_calendar = vary(baseline(), {f"powers.{p}.summits": None for p in ("ru", "cn", "eu")})
    found, wanted = trace(no_calendar, REPLICATES), trace(baseline(), REPLICATES)
    for one, other in zip(found.worlds, wanted.worlds, strict=True):
        same_world(one, other)


NULLS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "peers": ({"rules.appraisal.peer_weight": 0.0}, "peers"),
    "inertia": ({"rules.appraisal.inertia": 0.0}, "inertia"),
}


@pytest.mark.parametrize("case", NULLS)
def test_term_of_utility_vanishes_at_its_null(case: str) -> None:
    changes, term = NULLS[case]
    run = trace(vary(baseline(), changes), REPLICATES)
    assert all(not getattr(record.appraisal.terms, term).any() for record in run.records)


def test_frozen_trade_and_routes() -> None:
    """O11: trade stays at its start; routes and costs stay though trade grows."""
    still = trace(vary(baseline(), {"rules.trade.moving": False}), REPLICATES)
    assert np.array_equal(still.worlds[-1].trade, still.worlds[0].trade)
    routes = trace(vary(baseline(), {"rules.corridors.moving": False}), REPLICATES)
    first, last = routes.records[0].exchange, routes.records[-1].exchange
    assert np.array_equal(first.cost, last.cost)
    assert np.array_equal(first.transit_routes, last.transit_routes)
    assert (last.flow.sum(axis=1) > first.flow.sum(axis=1)).all()
    assert np.array_equal(first.cost, routes.parameters.exchange.first_cost)


def test_bloc_weighs_offers_together_and_gets_better_conditions() -> None:
    """O1: at b = 1 all members have one utility; conditions shrink by b xi_c."""
    changes = {"rules.bloc.cohesion": 1.0, "rules.bloc.leverage": 0.5}
    run = trace(vary(baseline(), changes), REPLICATES)
    utility = run.records[3].appraisal.utility
    np.testing.assert_allclose(utility, np.broadcast_to(utility[:1], utility.shape), atol=1e-12)
    alone = trace(baseline(), REPLICATES).records[0].offers.conditions
    np.testing.assert_allclose(
        run.records[0].offers.conditions, np.broadcast_to(alone / 2, (5, 3, 5, 6)), rtol=1e-12
    )


def test_outsiders_of_a_bloc_weigh_alone() -> None:
    changes = {
        "rules.bloc.cohesion": 0.5,
        "rules.bloc.members": {"tm": 0.0},
        "rules.bloc.leverage": 0.0,
    }
    bloc, alone = trace(vary(baseline(), changes), REPLICATES), trace(baseline(), REPLICATES)
    place = tuple(baseline().states).index("tm")
    ours, theirs = bloc.records[0].appraisal.utility, alone.records[0].appraisal.utility
    assert np.array_equal(ours[place], theirs[place])
    others = [n for n in range(5) if n != place]
    assert (ours[others] != theirs[others]).all()


def test_summits_bring_the_same_money_in_bursts() -> None:
    """O4: mean 1 over the cycle, all of it at the summit when everything waits for it."""
    run = trace(vary(baseline(), {"rules.offers.summit_share": 1.0}), REPLICATES)
    pulses = np.array(
        [np.broadcast_to(run.parameters.pulse.at(t), (1, 3, 1, 1))[0, :, 0, 0] for t in range(12)]
    )
    np.testing.assert_allclose(pulses.mean(axis=0), 1.0)  # whole cycles of 4 and 6 steps
    assert list(np.flatnonzero(pulses[:, 0])) == [0, 6]  # Russia: 2025H2, 2028H2
    assert list(np.flatnonzero(pulses[:, 2])) == [3, 7, 11]  # EU: 2027H1, ...


def test_losers_soften_their_conditions() -> None:
    """O5: c' - c has the sign of the change of the power's mean choice probability."""
    run = trace(vary(baseline(), {"rules.adaptation.condition_speed": 0.5}), REPLICATES)
    for record, before, after in zip(run.records, run.worlds, run.worlds[1:], strict=False):
        mean = record.appraisal.probability[:, 1:].mean(axis=(0, 2), keepdims=True)
        moved = after.conditionality - before.conditionality
        inside = (after.conditionality > 0) & (after.conditionality < 1)
        expected = np.broadcast_to(0.25 * (mean - after.first_choice), moved.shape)
        np.testing.assert_allclose(moved[inside], expected[inside], atol=1e-12)


def test_opinion_follows_deliveries_and_returns() -> None:
    """O7: broken promises cost goodwill; without news opinion goes back to where it was."""
    changes = {
        "rules.opinion.delivery_effect": 1.0,
        "rules.opinion.reversion": 0.5,
        "powers.ru.delivery": 0.0,
        "rules.learning.prior": type(baseline().rules.learning.prior).NAIVE,
    }
    run = trace(vary(baseline(), changes), REPLICATES)
    shift = run.worlds[-1].opinion_shift
    assert (shift[:, 0] < 0).all()
    assert shift[:, 0].mean() < shift[:, 1].mean()

    def hurt(world: World) -> World:
        return replace(world, opinion_shift=np.full_like(world.opinion_shift, 0.01))

    quiet = vary(
        baseline(),
        {
            "rules.opinion.delivery_effect": 1e-300,
            "rules.opinion.reversion": 0.5,
        },
    )
    back = trace(quiet, REPLICATES, before_step=hurt).worlds[-1].opinion_shift
    np.testing.assert_allclose(back, 0.01 * (1 - 0.5 / 2), rtol=1e-9)


def test_investment_and_prices_move_growth() -> None:
    """O8: ln(Y'/Y) = g Delta + eta sum Rd / Y + epsilon (change of ln Pc)."""
    scenario = with_event(baseline(), "bust", Target.COMMODITY, date="2027H1", size=-0.5)
    changes = {"rules.growth.investment_effect": 0.3, "states.kz.commodity_effect": 0.1}
    run = trace(vary(scenario, changes), REPLICATES)
    for step, record in enumerate(run.records):
        before, after = run.worlds[step].gdp, run.worlds[step + 1].gdp
        delivered = record.deliveries.delivered.sum(axis=(1, 2), keepdims=True)
        change = np.zeros((5, 1, 1, 1))
        change[0] = -0.05 if step == 2 else 0.0  # the bust of 2027H1 is the fourth half-year
        expected = run.parameters.gdp_rate + 0.3 * delivered / before + change
        np.testing.assert_allclose(np.log(after / before), expected, rtol=1e-9)


def test_coercion_cuts_trade_or_closes_corridors_for_one_step() -> None:
    """O9: China halves its trade with all; Russia shuts the northern corridor."""
    struck = with_event(
        baseline(), "strike", Target.COERCION, date="2028H1", powers=("ru", "cn"), states=("kz",)
    )
    changes = {"rules.coercion.trade_kept": 0.5, "rules.coercion.opinion_loss": 0.1}
    run, calm = trace(vary(struck, changes), REPLICATES), trace(baseline(), REPLICATES)
    hit = 5  # 2028H1
    same_world(run.worlds[hit], calm.worlds[hit])
    cut = run.worlds[hit + 1].trade[0, 1] / calm.worlds[hit + 1].trade[0, 1]
    np.testing.assert_allclose(cut, 0.5, rtol=1e-3)  # what Russia diverts crowds the east a little
    np.testing.assert_allclose(run.worlds[hit + 1].opinion_shift[0, :2], -0.1)
    assert not run.worlds[hit + 1].opinion_shift[1:].any()
    assert (run.worlds[hit + 1].transit[0, 0] == 0).all()  # nothing of Kazakhstan crosses Russia
    assert (run.worlds[hit + 1].transit[1:, 0] > 0).all()
    dearer = run.records[hit].exchange.cost[0] - calm.records[hit].exchange.cost[0]
    assert (dearer[0] > 49).all()  # no other way to Russia: 50 above the start
    assert (dearer[2] > 0).all()
    assert (
        run.records[hit + 1].exchange.cost[0, 0] < calm.records[hit].exchange.cost[0, 0] + 1
    ).all()
    run.worlds[hit + 1].invariants(run.worlds[hit], run.records[hit])


def test_coercion_strikes_in_proportion_to_dependence() -> None:
    run = trace(vary(baseline(), COERCION), range(400))
    strikes = np.mean([r.coercion.struck for r in run.records if r.coercion], axis=(0, 4))
    chance = np.mean([np.minimum(1.5 * r.ties.total, 1) for r in run.records], axis=(0, 4))
    np.testing.assert_allclose(strikes, chance, atol=0.02)


def test_documents_teach_what_becomes_of_them() -> None:
    """O10: at each summit N documents, of which a binomial number is carried out."""
    changes = {
        "rules.documents.signed": 19.0,
        "rules.documents.implemented": 0.5,
        "rules.documents.weight": 0.02,
    }
    run, calm = trace(vary(baseline(), changes), range(300)), trace(baseline(), range(300))
    summits = [t for t, record in enumerate(run.records) if record.documents is not None]
    assert summits == [0, 6, 12, 18]
    first = run.records[0].documents
    assert first is not None
    done = first.implemented
    assert set(np.unique(done)) <= set(range(20))
    assert abs(done.mean() - 9.5) < 4 * np.sqrt(19 / 4 / 300)
    learnt = run.worlds[1].successes - calm.worlds[1].successes
    np.testing.assert_allclose(
        learnt[:, :1], np.broadcast_to(0.02 * done, (5, 1, len(Domain), 300)), atol=1e-12
    )
    np.testing.assert_allclose(learnt[:, 1:], 0, atol=1e-12)
