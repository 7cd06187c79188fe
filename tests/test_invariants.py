"""Identities that hold in every step of the baseline (accounts, shares, signs, outcomes)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support import Trace, baseline, outcomes, trace, vary

from sim.axes import CORRIDOR, DOMAIN, PARTNER, POWER, STATE, Domain
from sim.outcomes import OUTCOMES, Data
from sim.processes import Terms
from sim.record import Record
from sim.world import World

REPLICATES = range(48)
CLOSE = {"rtol": 1e-12, "atol": 1e-13}


@pytest.fixture(scope="module")
def run() -> Trace:
    return trace(baseline(), REPLICATES)


@pytest.fixture(scope="module")
def data() -> Data:
    return outcomes(baseline(), REPLICATES)[0]


def steps(run: Trace) -> Iterator[tuple[World, Record, World]]:
    """World before, what happened, world after, for each step."""
    assert len(run.records) == baseline().steps
    return zip(run.worlds[:-1], run.records, run.worlds[1:], strict=True)


def total(array: np.ndarray, *axes: int) -> np.ndarray:
    return array.sum(axis=axes, keepdims=True)


def test_worlds_keep_their_invariants_and_accounts(run: Trace) -> None:
    for before, record, after in steps(run):
        before.invariants()
        after.invariants(before, record)


# --- accounts of the powers -----------------------------------------------------------------------


def test_money_is_the_flow_and_what_rolled_over(run: Trace) -> None:
    p = run.parameters
    for before, record, _ in steps(run):
        wanted = before.budget * p.years + p.rollover * before.unspent
        np.testing.assert_allclose(record.offers.available, wanted, **CLOSE)
        offered = total(record.offers.amount, STATE, DOMAIN)
        np.testing.assert_allclose(offered, record.offers.available, rtol=1e-12)


def test_money_is_signed_or_stays(run: Trace) -> None:
    for _, record, after in steps(run):
        signed = total(record.contracts.signed, STATE, DOMAIN)
        np.testing.assert_allclose(signed + after.unspent, record.offers.available, **CLOSE)
        assert (after.unspent >= 0).all()


def test_budgets_and_economies_grow_at_their_rates(run: Trace) -> None:
    p = run.parameters
    for step, (before, record, after) in enumerate(steps(run)):
        assert not record.environment.commodity.any()
        pressure = record.environment.sanctions - p.exchange.initial_sanctions
        rate = p.budget_growth - p.war_drain * record.environment.war
        rate = rate - p.sanction_drain * pressure
        np.testing.assert_allclose(after.budget, before.budget * np.exp(rate * p.years), **CLOSE)
        np.testing.assert_allclose(after.gdp, before.gdp * p.gdp_growth.at(step), **CLOSE)
        np.testing.assert_allclose(
            after.other_capital, before.other_capital * p.gdp_growth.at(step), **CLOSE
        )


def test_allocation_keeps_the_sum_of_each_power(run: Trace) -> None:
    first = total(run.worlds[0].allocation, STATE, DOMAIN)
    for _, record, after in steps(run):
        np.testing.assert_allclose(total(after.allocation, STATE, DOMAIN), first, rtol=1e-12)
        assert (after.allocation >= 0).all()
        assert np.array_equal(after.allocation, record.strategy.allocation)


def test_allocation_stays_in_the_first_step_where_all_offers_are_posted(run: Trace) -> None:
    """E28: the first half-year reveals what each cell is worth; only unposted money moves."""
    first, second, third = (world.allocation for world in run.worlds[:3])
    posted = run.records[0].offers.posted.all(axis=(STATE, DOMAIN))
    assert posted.mean() > 0.5
    for power, replicate in np.argwhere(posted):
        before, after = (s[:, power, :, replicate] for s in (first, second))
        np.testing.assert_allclose(after, before, rtol=1e-12)
    assert np.abs(third / first - 1).max() > 0.05


STILL = {
    "rules.adaptation.speed": 0.0,
    "rules.trade.moving": False,
    "rules.remittances.elasticity": 0.0,
}
"""What moves allocation, trade and remittances, switched off."""


def test_allocation_trade_and_remittances_stay_without_their_modules() -> None:
    for before, _, after in steps(trace(vary(baseline(), STILL), range(4))):
        for name in ("allocation", "trade", "remittances"):
            assert np.array_equal(getattr(after, name), getattr(before, name)), name


# --- choices --------------------------------------------------------------------------------------


def test_a_state_picks_at_most_one_posted_offer_in_a_domain(run: Trace) -> None:
    for _, record, after in steps(run):
        pick = record.contracts.pick
        assert set(np.unique(pick)) <= {0.0, 1.0}
        assert pick.sum(axis=POWER).max() == 1
        assert not pick[~record.offers.posted].any()
        assert np.array_equal(record.contracts.signed, pick * record.offers.amount)
        assert np.array_equal(after.last_pick, pick)


def test_probabilities_add_up_to_one(run: Trace) -> None:
    for _, record, _ in steps(run):
        probability = record.appraisal.probability
        assert (probability >= 0).all()
        np.testing.assert_allclose(probability.sum(axis=POWER), 1, rtol=1e-14)
        assert not probability[:, 1:][~record.offers.posted].any()


def test_utility_is_the_sum_of_its_terms(run: Trace) -> None:
    for _, record, _ in steps(run):
        utility = record.appraisal.utility
        wanted = np.sum(np.broadcast_arrays(*record.appraisal.terms), axis=0)
        np.testing.assert_allclose(utility, wanted, rtol=1e-12, atol=1e-12)


def test_terms_have_their_signs(run: Trace) -> None:
    costs = {"conditionality", "hedging", "sanctions"}
    either = {"affinity"}
    seen = set()
    for _, record, _ in steps(run):
        for name, term in zip(Terms._fields, record.appraisal.terms, strict=True):
            assert name in either or ((term <= 0) if name in costs else (term >= 0)).all(), name
            seen |= {name} if term.any() else set()
    assert seen == set(Terms._fields) - {"bloc"}  # off in the baseline


def test_threat_counts_in_security_and_sanctions_for_the_exposed_power(run: Trace) -> None:
    for _, record, _ in steps(run):
        terms = record.appraisal.terms
        assert not np.delete(terms.security, Domain.SECURITY, axis=DOMAIN).any()
        european = list(baseline().powers).index("eu")
        assert not terms.sanctions[:, european].any()
        assert (terms.sanctions[:, 0] < 0).all()


# --- contracts, deliveries, capital ---------------------------------------------------------------


def test_what_comes_due_is_delivered_or_lost(run: Trace) -> None:
    p = run.parameters
    for before, record, _ in steps(run):
        d = record.deliveries
        np.testing.assert_allclose(d.due, p.processing * before.backlog, **CLOSE)
        np.testing.assert_allclose(d.delivered + d.lost, d.due, **CLOSE)
        assert set(np.unique(d.success)) <= {0.0, 1.0}
        assert not (d.delivered * d.lost).any()


def test_backlog_and_capital_follow_their_flows(run: Trace) -> None:
    p = run.parameters
    for before, record, after in steps(run):
        d = record.deliveries
        backlog = before.backlog - d.due + record.contracts.signed
        np.testing.assert_allclose(after.backlog, backlog, **CLOSE)
        capital = before.capital * p.capital_retained + d.delivered
        np.testing.assert_allclose(after.capital, capital, **CLOSE)
        outside_security = np.delete(d.delivered, Domain.SECURITY, axis=DOMAIN)
        stock = before.investment * p.investment_retained + total(outside_security, DOMAIN)
        np.testing.assert_allclose(after.investment, stock, **CLOSE)


# --- beliefs --------------------------------------------------------------------------------------


def test_all_evidence_ends_in_successes_or_failures(run: Trace) -> None:
    """What beliefs gain in a step is own evidence and the weighted mean of that of the others."""
    p = run.parameters
    prior = p.prior_success + p.prior_failure
    for before, record, after in steps(run):
        percent = 100 * record.deliveries.due / before.gdp
        own = p.evidence_weight * percent / (percent + p.evidence_scale)
        others = (total(own, STATE) - own) / (len(own) - 1)
        kept = p.memory * (before.successes + before.failures - prior)
        wanted = prior + kept + own + p.social_learning * others
        np.testing.assert_allclose(after.successes + after.failures, wanted, rtol=1e-11)


def test_beliefs_stay_inside_and_move_towards_what_happened(run: Trace) -> None:
    p = run.parameters
    for before, record, after in steps(run):
        belief = record.offers.credibility
        assert ((belief > 0) & (belief < 1)).all()
        assert (after.successes >= p.prior_success * (1 - 1e-12)).all()
        assert (after.failures >= p.prior_failure * (1 - 1e-12)).all()
        assert np.array_equal(belief, before.successes / (before.successes + before.failures))


# --- dependence and security ----------------------------------------------------------------------


def test_ties_are_shares(run: Trace) -> None:
    p = run.parameters
    for before, record, _ in steps(run):
        share = record.ties.by_domain
        assert ((share >= 0) & (share <= 1)).all()
        rest = before.trade[:, -1] / before.trade.sum(axis=POWER)
        np.testing.assert_allclose(
            share[:, :, Domain.TRADE].sum(axis=POWER), 1 - rest[:, 0], **CLOSE
        )
        capital = before.capital + 0.0
        capital[:, :, Domain.TECHNOLOGY] += (p.remittance_capital * before.remittances)[:, :, 0]
        wanted = capital / (total(capital, POWER) + before.other_capital)
        roads = slice(Domain.INFRASTRUCTURE, Domain.INFRASTRUCTURE + 1)
        wanted[:, :, roads] *= 1 - p.transit_weight
        wanted[:, :, roads] += p.transit_weight * before.transit
        np.testing.assert_allclose(share[:, :, 1:], wanted[:, :, 1:], **CLOSE)
        wanted = total(p.dependence_weights * share, DOMAIN)
        np.testing.assert_allclose(record.ties.total, wanted, **CLOSE)


def test_alliances_protect_their_members_and_nobody_more_than_fully(run: Trace) -> None:
    protection = run.parameters.protection.at(0)[:, 0, 0]
    kept = baseline().institutions["csto"].members.entries
    members = np.array([code in kept for code in baseline().states])
    assert protection.max() == 1  # capped: Russia at .5 to .75 and the alliance up to .5
    assert (protection[members] > protection[~members][0]).all()


def test_environment_stays_within_its_range(run: Trace) -> None:
    for _, record, after in steps(run):
        now = record.environment
        assert ((now.sanctions >= 0) & (now.sanctions <= 1)).all()
        assert ((now.threat >= 0) & (now.threat <= 2)).all()
        assert set(np.unique(now.war)) == {1.0}
        assert ((record.ties.security_level >= 0) & (record.ties.security_level < 1)).all()
        assert np.array_equal(after.surge, now.surge)
        struck = now.surge[..., 0, :].any(axis=-1)
        assert not struck[[0, 1], 0].any()  # the Afghan border is not Kazakh or Kyrgyz


# --- trade and corridors --------------------------------------------------------------------------


def test_freight_is_trade_in_tonnes_and_through_transit(run: Trace) -> None:
    x = run.parameters.exchange
    for before, record, after in steps(run):
        tonnes = x.tonnes * total(before.trade, STATE, PARTNER) + x.through_transit
        flow = record.exchange.flow
        np.testing.assert_allclose(total(flow, CORRIDOR), tonnes, rtol=1e-8)
        assert np.array_equal(after.freight, flow)
        assert (flow >= 0).all()
        closed = np.broadcast_to(record.exchange.open_capacity == 0, flow.shape)
        assert not flow[closed].any()


def test_capacity_grows_by_what_is_delivered_up_to_its_limit(run: Trace) -> None:
    x = run.parameters.exchange
    roads = slice(Domain.INFRASTRUCTURE, Domain.INFRASTRUCTURE + 1)
    for before, record, after in steps(run):
        in_use = record.exchange.open_capacity > 0
        money = total(record.deliveries.delivered[:, :, roads], STATE)
        wanted = before.capacity + 0.0
        for power, corridor, effect in x.investment:
            wanted[:, corridor] += (effect * money[:, power : power + 1])[:, 0]
        wanted = np.where(in_use, np.minimum(wanted, x.capacity_limit), before.capacity)
        np.testing.assert_allclose(after.capacity, wanted, **CLOSE)
        assert (record.exchange.open_capacity <= x.capacity_limit).all()


def test_trade_goes_a_share_of_the_way_to_where_it_is_drawn(run: Trace) -> None:
    """E27c, for partners that nothing but economies, costs and projects moves."""
    x, row = run.parameters.exchange, slice(-1, None)
    for step, (before, record, after) in enumerate(steps(run)):
        target = x.gdp_elasticity * np.log(before.gdp / x.initial_gdp) + x.drift[:, row] * step
        target = target - x.cost_effect * (record.exchange.cost - x.first_cost)[:, row]
        gap = target - np.log(before.trade[:, row] / x.initial_trade[:, row])
        moved = np.log(after.trade[:, row] / before.trade[:, row])
        np.testing.assert_allclose(moved, x.adjustment * gap, rtol=1e-8, atol=1e-12)


def test_remittances_follow_the_economy_of_the_host(run: Trace) -> None:
    x = run.parameters.exchange
    for step, (_, record, after) in enumerate(steps(run)):
        assert not record.environment.migration.any()
        wanted = x.initial_remittances * np.exp(x.remittance_drift * step)
        np.testing.assert_allclose(after.remittances, wanted, **CLOSE)


# --- outcomes -------------------------------------------------------------------------------------


DIFFERENCES = {"belief_error", "welfare_trade", "welfare_remittances"}
"""Outcomes in shares that may be negative."""


def test_outcomes_are_finite_and_shares_are_shares(data: Data) -> None:
    assert data.keys() == OUTCOMES.keys()
    for name, array in data.items():
        assert np.isfinite(array).all(), name
        if OUTCOMES[name].unit == "share" and name not in DIFFERENCES:
            assert array.min() > -1e-12, name
            assert array.max() < 1 + 1e-12, name


def test_outcomes_say_what_happened(run: Trace, data: Data) -> None:
    for step, (before, record, _) in enumerate(steps(run)):
        c, d = record.contracts, record.deliveries
        number = np.where(c.pick.any(axis=POWER), c.pick.argmax(axis=POWER) + 1, 0)
        assert np.array_equal(data["pick"][step], number)
        for name, flow in (("signed", c.signed), ("delivered", d.delivered), ("lost", d.lost)):
            np.testing.assert_allclose(data[name][step], flow.sum(axis=DOMAIN), **CLOSE)
        assert np.array_equal(data["dependence"][step], record.ties.total[:, :, 0])
        assert np.array_equal(data["budget"][step], before.budget[0, :, 0])
        posted = np.where(record.offers.posted, record.offers.amount, 0)
        np.testing.assert_allclose(data["offered"][step], posted.sum(axis=(0, 2)), **CLOSE)
        none = record.appraisal.probability[:, 0].mean(axis=1)
        np.testing.assert_allclose(data["acceptance"][step], 1 - none, **CLOSE)


def test_shares_of_outcomes_add_up(data: Data) -> None:
    np.testing.assert_allclose(data["dependence"].sum(axis=2) + data["remainder"], 1, **CLOSE)
    np.testing.assert_allclose(data["alignment_stock"].sum(axis=2), 1, **CLOSE)
    np.testing.assert_allclose(data["influence"].sum(axis=1), 1, **CLOSE)
    np.testing.assert_allclose(data["influence_equal"].sum(axis=1), 1, **CLOSE)
    np.testing.assert_allclose(data["trade_share"].sum(axis=2), 1, **CLOSE)
    np.testing.assert_allclose(data["corridor_share"].sum(axis=1), 1, **CLOSE)
    np.testing.assert_allclose(data["route_share"].sum(axis=1), 1, **CLOSE)
    assert (data["transit_dependence"].sum(axis=2) <= 1 + 1e-12).all()
    assert (data["allocation"].sum(axis=(1, 2)) <= data["allocation"].shape[1] + 1e-12).all()
    assert (data["alignment"].sum(axis=2) <= 1 + 1e-12).all()
    assert (data["pick_share"].sum(axis=2) <= 1 + 1e-12).all()


def test_accounts_of_outcomes_balance(data: Data) -> None:
    """Backlog of a period and the next differ by what was signed, delivered and lost between."""
    change = np.diff(data["backlog"], axis=0)
    flows = (data["signed"] - data["delivered"] - data["lost"])[:-1]
    np.testing.assert_allclose(change, flows, rtol=1e-9, atol=1e-12)
    signed = data["signed"].sum(axis=1)
    assert (data["unspent"][1:] >= (data["offered"] - signed)[:-1] - 1e-12).all()


def test_alignment_is_the_mean_of_three_years_of_picks(data: Data) -> None:
    shares = data["pick_share"]
    np.testing.assert_allclose(data["alignment"][9], shares[4:10].mean(axis=0), **CLOSE)
    np.testing.assert_allclose(data["alignment"][2], shares[:3].mean(axis=0), **CLOSE)
