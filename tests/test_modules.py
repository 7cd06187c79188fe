"""P24: each module at its null is the run without it, bit for bit; and each does what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pytest
from scipy.stats import kstest
from support import (
    INDEPENDENT,
    baseline,
    certain,
    cube,
    ending,
    pinned,
    same_world,
    trace,
    vary,
    with_event,
)

from sim.axes import STATE, Domain
from sim.ensemble import worlds
from sim.parameters import Parameters
from sim.rules import trade
from sim.scenario import Scenario
from sim.specs import Target
from sim.world import World

REPLICATES: Final = range(6)
COERCION: Final = {"rules.coercion.rate": {"ru": 3.0, "cn": 3.0, "eu": 3.0}}
SIZES: Final = {"kz": 0.3, "kg": 0.1, "tj": 0.5, "tm": 0.0, "uz": 0.2}
SHOCKS: Final = {"rules.trade.volatility": SIZES}
"""Shocks to trade, none of them in Turkmenistan."""
STILL: Final = {
    "events": {},
    "rules.corridors.moving": False,
    "rules.trade.gdp_elasticity": 0.0,
    "rules.trade.partner_elasticity": 0.0,
    "rules.trade.trend": 0.0,
    "rules.trade.capital_effect": 0.0,
}
"""Nothing draws trade away from its start."""
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
        expected = run.parameters.gdp_rate.at(step) + 0.3 * delivered / before + change
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


# --- O13: shocks to trade -------------------------------------------------------------------------


def test_trade_without_volatility_has_no_draws_and_no_shocks() -> None:
    """Zero for all states is what a scenario without an entry is."""
    quantity = baseline().rules.trade.volatility
    empty = replace(quantity, entries=(), value=(), low=(), high=())
    absent = trace(vary(baseline(), {"rules.trade.volatility": empty}), REPLICATES)
    null = trace(vary(baseline(), {"rules.trade.volatility": 0.0}), REPLICATES)
    assert absent.draws.trade.shape == null.draws.trade.shape == (20, 0, 0, 1, 6)
    for found, wanted in zip(null.worlds, absent.worlds, strict=True):
        same_world(found, wanted)
        assert not found.trade_shock.any()


def test_shocks_of_size_zero_change_no_bit() -> None:
    """With the draws and the code of the module in place, since a range reaches above zero."""
    zero = pinned(baseline().rules.trade.volatility, 0.0)
    ranged = replace(zero, high=(0.5,) * len(zero.entries))
    within = trace(vary(baseline(), {"rules.trade.volatility": ranged}), REPLICATES)
    without = trace(vary(baseline(), {"rules.trade.volatility": 0.0}), REPLICATES)
    assert within.draws.trade.shape == (20, 5, 4, 1, 6)
    for found, wanted in zip(within.worlds, without.worlds, strict=True):
        same_world(found, wanted)


def test_shocks_too_small_to_see_change_no_bit() -> None:
    """exp(1e-300) is 1, and 1e-300 is lost in any sum; only the stock itself remembers."""
    without = trace(vary(baseline(), {"rules.trade.volatility": 0.0}), REPLICATES)
    within = trace(vary(baseline(), {"rules.trade.volatility": 1e-300}), REPLICATES)
    for found, wanted in zip(within.worlds, without.worlds, strict=True):
        same_world(found, wanted, "trade_shock")
    last = within.worlds[-1].trade_shock
    assert last.all()
    assert np.abs(last).max() < 1e-298


def test_shocks_of_frozen_trade_are_none() -> None:
    still = vary(baseline(), {"rules.trade.moving": False})
    without, within = trace(still, REPLICATES), trace(vary(still, SHOCKS), REPLICATES)
    assert within.draws.trade.shape == (20, 0, 0, 1, 6)
    for found, wanted in zip(within.worlds, without.worlds, strict=True):
        same_world(found, wanted)


def test_a_shock_is_the_quantile_of_a_normal_draw() -> None:
    """sigma sqrt(Delta) Phi^-1(u), also for the smallest and the largest uniform there is."""
    uniforms = (2.0**-54, 1e-9, 0.02, 0.5, 0.7, 1 - 1e-9, 1 - 2.0**-53)
    found = trade.shock(cube(0.3, axis=STATE), cube(*uniforms, axis=STATE)).ravel()
    wanted = [0.3 * NormalDist().inv_cdf(u) for u in uniforms]
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-300)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("years", [0.25, 0.5, 1.0])
def test_shocks_grow_with_the_root_of_time(years: float) -> None:
    """N moves by sigma_s sqrt(Delta) Phi^-1(u) of the draws of each step."""
    run = trace(vary(ending(baseline(), "2028H2", years), SHOCKS), REPLICATES)
    size = np.array(list(SIZES.values())).reshape(5, 1, 1, 1)
    np.testing.assert_allclose(run.parameters.exchange.volatility, size * years**0.5, rtol=1e-15)
    normal = np.vectorize(NormalDist().inv_cdf)
    for step, (before, after) in enumerate(zip(run.worlds, run.worlds[1:], strict=False)):
        moved = after.trade_shock - before.trade_shock
        wanted = size * years**0.5 * normal(run.draws.trade[step])
        np.testing.assert_allclose(moved, wanted, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("years", [0.5, 1.0])
def test_trade_that_nothing_else_moves_is_a_random_walk(years: float) -> None:
    """ln T - ln T0 = N, normal with standard deviation sigma sqrt(n Delta) after n steps.

    Pairs of state and partner, and steps, are independent of each other.
    """
    runs = 2000
    scenario = vary(ending(certain(), "2035H2", years), STILL | SHOCKS)
    passed = [(w.trade[:, :, 0], w.trade_shock[:, :, 0]) for w in worlds(scenario, range(runs))]
    first = passed[0][0]
    moving = [place for place, size in enumerate(SIZES.values()) if size > 0]
    size = np.array(list(SIZES.values())).reshape(5, 1, 1)[moving]
    for step, (now, shock) in enumerate(passed):
        np.testing.assert_allclose(np.log(now / first), shock, rtol=1e-11, atol=1e-12)
        if step == 0:
            assert not shock.any()
            continue
        walk = (np.log(now / first)[moving] / (size * (step * years) ** 0.5)).reshape(16, runs)
        assert np.abs(walk.std(axis=1) - 1).max() < 5 / np.sqrt(2 * runs)
        assert abs(walk.std() - 1) < 5 / np.sqrt(2 * walk.size)
        assert np.abs(walk.mean(axis=1)).max() < 5 / np.sqrt(runs)
        assert np.abs(np.corrcoef(walk) - np.eye(16)).max() < 5 / np.sqrt(runs)
    assert kstest(walk.ravel(), "norm").pvalue > 1e-3
    calm = list(SIZES).index("tm")
    assert all(np.array_equal(now[calm], first[calm]) for now, _ in passed)
    jumps = np.diff([shock[moving] for _, shock in passed], axis=0) / (size * years**0.5)
    following = np.corrcoef(jumps[:-1].ravel(), jumps[1:].ravel())[0, 1]
    assert abs(following) < 5 / np.sqrt(jumps[1:].size)


def test_a_shock_lasts_and_other_disturbances_are_made_up_for() -> None:
    """The level that trade is drawn to goes with N: T stays at e^N T0, or returns there."""
    changes = STILL | {"rules.trade.volatility": 1e-300}
    scenario = vary(certain(), changes)

    def shocked(parameters: Parameters, world: World) -> tuple[Parameters, World]:
        up = np.exp(0.1) * world.trade
        return parameters, replace(world, trade=up, trade_shock=world.trade_shock + 0.1)

    def disturbed(parameters: Parameters, world: World) -> tuple[Parameters, World]:
        return parameters, replace(world, trade=np.exp(0.1) * world.trade)

    runs = [trace(scenario, range(1), prepare=how) for how in (None, shocked, disturbed)]
    still, lasting, passing = ([w.trade for w in run.worlds] for run in runs)
    left = np.exp(-0.5 / certain().rules.trade.adjustment_time.of())
    for step, start in enumerate(still):
        np.testing.assert_allclose(start, still[0], rtol=1e-14)
        np.testing.assert_allclose(np.log(lasting[step] / start), 0.1, rtol=1e-11)
        np.testing.assert_allclose(np.log(passing[step] / start), 0.1 * left**step, rtol=1e-9)


def test_shocks_add_to_what_moves_trade_besides() -> None:
    """E27c with O13: ln(T'/T) = a (ln(T*/T0) + N - ln(T/T0)) + N' - N, crowded routes and all."""
    run = trace(vary(baseline(), SHOCKS), REPLICATES)
    x, row = run.parameters.exchange, slice(-1, None)
    for step, record in enumerate(run.records):
        before, after = run.worlds[step], run.worlds[step + 1]
        aim = x.gdp_elasticity * np.log(before.gdp / x.initial_gdp) + x.drift[:, row] * step
        aim = aim - x.cost_effect * (record.exchange.cost - x.first_cost)[:, row]
        aim = aim + before.trade_shock[:, row]
        gap = aim - np.log(before.trade[:, row] / x.initial_trade[:, row])
        jump = (after.trade_shock - before.trade_shock)[:, row]
        moved = np.log(after.trade[:, row] / before.trade[:, row])
        np.testing.assert_allclose(moved, x.adjustment * gap + jump, rtol=1e-8, atol=1e-12)
        after.invariants(before, record)


def test_coercion_cuts_what_shocks_have_left_of_trade() -> None:
    """O9 after O13: China halves its trade with Kazakhstan, whatever struck it in that step."""
    shaken = vary(baseline(), STILL | SHOCKS | {"rules.coercion.trade_kept": 0.5})
    struck = with_event(
        shaken, "strike", Target.COERCION, date="2028H1", powers=("cn",), states=("kz",)
    )
    run, calm = trace(struck, REPLICATES), trace(shaken, REPLICATES)
    hit = 5  # 2028H1
    same_world(run.worlds[hit], calm.worlds[hit])
    found, wanted = run.worlds[hit + 1], calm.worlds[hit + 1]
    assert np.array_equal(found.trade_shock, wanted.trade_shock)
    assert np.array_equal(found.trade[0, 1], 0.5 * wanted.trade[0, 1])
    others = np.ones((5, 4), dtype=bool)
    others[0, 1] = False
    assert np.array_equal(found.trade[others], wanted.trade[others])


def test_no_trade_stays_none_whatever_strikes_it() -> None:
    none = vary(baseline(), SHOCKS | {"states.kg.trade": {"cn": 0.0}})
    run = trace(none, REPLICATES)
    assert all(not world.trade[1, 1].any() for world in run.worlds)
    assert run.worlds[-1].trade_shock[1, 1].all()


def test_shocks_of_one_state_leave_states_that_nothing_couples_alone() -> None:
    """Switching them on moves no other draw; a second shaken state does not move the first."""
    calm = trace(vary(baseline(), INDEPENDENT), REPLICATES)
    once = trace(
        vary(baseline(), INDEPENDENT | {"rules.trade.volatility": {"kz": 0.3}}), REPLICATES
    )
    twice = trace(
        vary(baseline(), INDEPENDENT | {"rules.trade.volatility": {"kz": 0.3, "uz": 0.5}}),
        REPLICATES,
    )
    for name in ("choice", "delivery", "events", "coercion", "documents"):
        assert np.array_equal(getattr(once.draws, name), getattr(calm.draws, name)), name
    assert np.array_equal(once.draws.trade, twice.draws.trade)
    last = [run.worlds[-1] for run in (calm, once, twice)]
    assert (last[1].trade[0] != last[0].trade[0]).all()
    assert (last[2].trade[4] != last[1].trade[4]).all()
    for part in fields(World):
        if len(getattr(last[0], part.name)) == 5:
            alone, first, second = (getattr(world, part.name) for world in last)
            assert np.array_equal(first[1:4], alone[1:4]), part.name
            assert np.array_equal(second[:4], first[:4]), part.name
