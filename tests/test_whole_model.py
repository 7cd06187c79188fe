"""Properties of trade, corridors and adapting powers as equations (P12, P15-P18, P25, P30)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from support import baseline, certain, scaled, trace, vary, with_event

from sim.axes import FloatArray
from sim.ensemble import Host
from sim.rules import measures
from sim.rules.choice import probabilities
from sim.scenario import Scenario
from sim.specs import Target

REPLICATES: Final = range(5)
RUSSIA: Final = 0


def still(scenario: Scenario) -> Scenario:
    """No growth, no promotion, no congestion and no events: nothing that moves trade."""
    changes: dict[str, object] = {"events": {}, "rules.trade.capital_effect": 0.0}
    changes |= {f"states.{code}.growth": 0.0 for code in scenario.states}
    changes |= {f"powers.{code}.growth": 0.0 for code in scenario.powers}
    changes |= {
        "rules.trade.rest_of_world_growth": 0.0,
        "rules.corridors.congestion": 0.0,
    }
    return vary(scenario, changes)


def test_p18_nothing_that_changes_leaves_trade_as_it_is() -> None:
    run = trace(still(baseline()), REPLICATES)
    np.testing.assert_allclose(run.worlds[-1].trade, run.worlds[0].trade, rtol=1e-12)


def test_p18_accession_alone_multiplies_target_trade() -> None:
    """T* x e^0.36 with the union's partner alone; T goes 1 - e^(-Delta/tau) of the way."""
    members = {"kz": 1.0, "kg": 1.0, "tj": 0.0, "tm": 0.0, "uz": 1.0, "am": 1.0, "by": 1.0}
    quiet = vary(still(certain()), {"institutions.eaeu.members": {"uz": 0.0}})
    joined = with_event(
        quiet,
        "accession",
        Target.MEMBERSHIP,
        date="2025H2",
        institution="eaeu",
        members=members,
    )
    changes = {"institutions.eaeu.trade_effect": 0.36, "rules.trade.adjustment_time": 2.0}
    run = trace(vary(joined, changes), range(1))
    place = tuple(baseline().states).index("uz")
    part = 1 - np.exp(-0.5 / 2)
    ratio = run.worlds[1].trade[place, :, 0, 0] / run.worlds[0].trade[place, :, 0, 0]
    np.testing.assert_allclose(ratio, [np.exp(0.36 * part), 1, 1, 1], rtol=1e-12)
    later = run.worlds[-1].trade[place, :, 0, 0] / run.worlds[0].trade[place, :, 0, 0]
    np.testing.assert_allclose(later[RUSSIA], np.exp(0.36 * (1 - np.exp(-10 / 2))), rtol=1e-12)


def test_p18_twice_the_economy_of_a_partner() -> None:
    """T* x 2^0.75 at elasticity 0.75, with nothing else that moves."""
    years = 10
    changes = {
        "powers.cn.growth": np.log(2) / years,
        "rules.trade.partner_elasticity": 0.75,
        "rules.trade.adjustment_time": 1e-9,
    }
    run = trace(vary(still(certain()), changes), range(1))
    # targets of a step use the economies at its start: after the last step, those a step earlier
    expected = 2 ** (0.75 * 19 / 20)
    ratio = run.worlds[-1].trade[:, 1] / run.worlds[0].trade[:, 1]
    np.testing.assert_allclose(ratio, expected, rtol=1e-9)
    others = np.delete(run.worlds[-1].trade / run.worlds[0].trade, 1, axis=1)
    np.testing.assert_allclose(others, 1, rtol=1e-12)


def test_p12_two_half_steps_of_trade_adjustment_make_a_step() -> None:
    """Towards one target, as an accession sets it, over the same years."""
    quiet = vary(still(certain()), {"institutions.eaeu.members": {"uz": 0.0}})
    members = {"kz": 1.0, "kg": 1.0, "uz": 1.0, "am": 1.0, "by": 1.0}
    joined = with_event(
        quiet, "accession", Target.MEMBERSHIP, date="2025H2", institution="eaeu", members=members
    )
    whole = trace(joined, range(1)).worlds[-1].trade
    horizon = replace(joined.horizon, step=0.25)
    halves = trace(replace(joined, horizon=horizon), range(1)).worlds[-1].trade
    np.testing.assert_allclose(halves, whole, rtol=1e-12)


def test_p15_first_allocation_is_optimal_in_the_first_step() -> None:
    """Revealed valuations: sigma(1) = sigma0, where every offer is posted."""
    run = trace(vary(baseline(), {"rules.offers.minimum_offer": 0.0}), REPLICATES)
    np.testing.assert_allclose(run.worlds[1].allocation, run.worlds[0].allocation, rtol=1e-9)
    assert np.abs(run.worlds[2].allocation - run.worlds[0].allocation).max() > 1e-6


def test_p15_an_interior_fixed_point_has_equal_returns() -> None:
    """Kuhn-Tucker of the budgeted contest: with no tremble, money rests where returns are equal."""
    frozen = {
        "rules.adaptation.tremble": 0.0,
        "rules.adaptation.memory": 1.0,
        "rules.adaptation.speed": 1.0,
        "rules.choice.rule": type(baseline().rules.choice.rule).MEAN_FIELD,
    }
    scenario = vary(still(certain()), frozen)
    long = replace(scenario, horizon=replace(scenario.horizon, end="2425H2"))
    parameters, draws, world = Host(long).start(range(1))
    from sim.step import advance

    start = world
    valuation, moved = None, start
    for step in range(1500):  # the same economy again and again: only the allocation learns
        following, record = advance(moved, parameters, draws, min(step, 1))
        if step == 0:
            # money is worth another amount in Kazakhstan than the first split revealed
            valuation = following.valuation.copy()
            valuation[0] *= 1.5
        assert valuation is not None
        moved = replace(
            start,
            allocation=following.allocation,
            returns=following.returns,
            valuation=valuation,
        )
    returns = record.strategy.returns
    for power in range(3):
        shares = moved.allocation[:, power]
        funded = shares > 1e-6
        np.testing.assert_allclose(
            returns[:, power][funded] / returns[:, power][funded].mean(), 1.0, rtol=1e-3
        )


@pytest.mark.parametrize(("players", "power"), [(2, 1.0), (3, 1.0), (4, 0.8)])
def test_p16_best_responses_of_a_symmetric_contest(players: int, power: float) -> None:
    """x* = r V (n - 1) / n^2: small v0 makes the logit a Tullock contest with r = lambda w."""
    prize, scale = 5.0, 1e-9
    efforts = np.full(players, 0.3)
    grid = np.linspace(1e-4, prize / 2, 200_001)

    def chances(of_first: FloatArray, others: FloatArray) -> FloatArray:
        score = np.full((1, players + 1, 1, of_first.size), -np.inf)  # nobody may stay away
        score[0, 1, 0] = power * np.log1p(of_first / scale)
        for place, effort in enumerate(others):
            score[0, place + 2, 0] = power * np.log1p(effort / scale)
        return probabilities(score, None)[0, 1, 0]

    for _ in range(60):
        gain = prize * chances(grid, efforts[1:]) - grid
        best = grid[gain.argmax()]
        efforts = 0.5 * efforts + 0.5 * best
    expected = power * prize * (players - 1) / players**2
    np.testing.assert_allclose(efforts, expected, rtol=2e-3)


def test_p17_marginal_returns_are_derivatives_of_the_whole_model() -> None:
    """E28 against a finite difference of the choice probability in the money offered."""
    run = trace(certain(), range(1))
    record, world = run.records[4], run.worlds[4]
    p = run.parameters
    from sim.processes import appraise, make_offers

    table = make_offers(world, p, 4)
    small = 1e-6

    def chance(change: float) -> FloatArray:
        amount = table.amount.copy()
        amount[1, 2, 2] += change
        moved = replace(table, amount=amount, value=amount * (100 / world.gdp))
        return appraise(world, record.environment, record.ties, moved, p, 4).probability[1, 3, 2]

    slope = (chance(small) - chance(-small)) / (2 * small)
    seen = record.strategy.valuation[1, 2, 2]
    returns = (record.strategy.returns - (1 - p.modules.memory) * world.returns) / p.modules.memory
    np.testing.assert_allclose(returns[1, 2, 2] / seen, slope, rtol=1e-6)


def test_p25_best_portfolio_spreads_ties_against_coercibility() -> None:
    """max sum m D - chi/2 sum theta D^2 on a given total: D = max(0, (m - nu) / (chi theta))."""
    theta = np.array([1.0, 0.8, 0.5])
    equal = measures.best_portfolio(np.full(3, 0.4), 3.0, theta, 0.6)
    np.testing.assert_allclose(equal * theta, equal[0] * theta[0], rtol=1e-12)
    np.testing.assert_allclose(equal.sum(), 0.6, rtol=1e-12)
    benefit = np.array([2.0, 0.1, 0.3])
    found = measures.best_portfolio(benefit, 3.0, theta, 0.3)
    assert found[1] == 0
    funded = found > 0
    slopes = benefit - 3.0 * theta * found
    assert np.ptp(slopes[funded]) < 1e-12
    assert (slopes[~funded] <= slopes[funded].min()).all()
    rng = np.random.default_rng(0)

    def worth(portfolio: FloatArray) -> FloatArray:
        return np.asarray(benefit @ portfolio - 1.5 * (theta @ portfolio**2))

    others = rng.dirichlet(np.ones(3), 2000).T * 0.3
    assert (worth(others) <= worth(found[:, np.newaxis]) + 1e-12).all()


@pytest.mark.parametrize("factor", [0.001, 7.0])
def test_p30_units_of_money_change_no_share(factor: float) -> None:
    """All sums of money, g_min and nu times k, c_k over k: the same tonnes, the same shares."""
    run, base = (trace(s, REPLICATES) for s in (scaled(baseline(), factor), baseline()))
    for found, wanted in zip(run.records, base.records, strict=True):
        np.testing.assert_array_equal(found.contracts.pick, wanted.contracts.pick)
        np.testing.assert_allclose(found.ties.total, wanted.ties.total, rtol=1e-7)
        np.testing.assert_allclose(found.exchange.flow, wanted.exchange.flow, rtol=1e-6)
    np.testing.assert_allclose(
        run.worlds[-1].allocation, base.worlds[-1].allocation, rtol=1e-5, atol=1e-12
    )
