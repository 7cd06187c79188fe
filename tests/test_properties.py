"""The exactly testable properties of the model, each as an equation.

P15, P17, P18 and P25 stand in ``test_whole_model.py``, P19 and P27 beside their rules and P26 in
``test_draws.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import (
    INDEPENDENT,
    baseline,
    certain,
    cube,
    ending,
    extended,
    frozen,
    moved,
    one,
    outcomes,
    same_bits,
    same_world,
    scaled,
    trace,
    vary,
    with_event,
)

from sim.axes import DOMAINS, POWER, STATE, Domain, FloatArray
from sim.outcomes import OUTCOMES, Data
from sim.parameters import Parameters
from sim.processes import Appraisal, Offers
from sim.rules import appraisal, choice, learning, measures
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, Prior, Target
from sim.timeline import Timeline
from sim.world import World

INFINITE = float("inf")
SOME = range(8)
POWERS = ("ru", "cn", "eu")
STEADY = {f"powers.{p}.{n}": 0.0 for p in POWERS for n in ("budget_growth", "war_drain")}
"""Budgets that neither grow nor shrink."""
SHOCKS = {"rules.trade.volatility": {"kz": 0.4, "kg": 0.1, "tm": 0.2, "uz": 0.3}}
"""Shocks to trade (O13), of another size in each state and of none in Tajikistan."""
SHAKEN = pytest.mark.parametrize("shocks", [{}, SHOCKS], ids=["calm", "shocks"])
UTILITIES = arrays(np.float64, (2, 3, 2, 2), elements=st.floats(-15, 15))
EVERYONE = np.ones((2, 3, 2, 2), dtype=bool)


@pytest.fixture(scope="module")
def central() -> Scenario:
    """Five years of the baseline at central values."""
    return ending(certain(), "2030H2")


@pytest.fixture(scope="module")
def drawn() -> Scenario:
    """Five years of the baseline with its evidence ranges."""
    return ending(baseline(), "2030H2")


def numbers_of(pick: FloatArray) -> np.ndarray:
    """Number of the option picked, 0 for none, (state, domain, replicate)."""
    return np.where(pick.any(axis=POWER), pick.argmax(axis=POWER) + 1, 0)


def take_all(world: World, table: Offers, appraised: Appraisal, noise: FloatArray) -> FloatArray:
    """Every offer is signed in full."""
    return np.ones_like(table.amount)


# --- choice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "offered"),
    [({}, 3), ({"rules.appraisal.lock_in": 4.0}, 3), ({"powers.cn.budget": 0.0}, 2)],
    ids=["as it is", "strong lock-in", "no Chinese money"],
)
def test_p01_without_precision_choice_is_uniform(
    drawn: Scenario, other: Mapping[str, float], offered: int
) -> None:
    """P1: lambda = 0 gives P = 1/(1 + number available), whatever the other parameters."""
    run = trace(vary(drawn, {"rules.choice.precision": 0.0, **other}), SOME)
    for record in run.records:
        posted = record.offers.posted
        assert posted.sum(axis=POWER).max() == offered
        wanted = 1 / (1 + posted.sum(axis=POWER, keepdims=True))
        probability = record.appraisal.probability
        np.testing.assert_allclose(probability[:, :1], wanted, rtol=1e-15)
        np.testing.assert_allclose(probability[:, 1:], np.where(posted, wanted, 0), rtol=1e-15)


def test_p02_infinite_precision_takes_the_best_offer(drawn: Scenario) -> None:
    """P2: lambda = infinity picks argmax U over what is available, "none" at u0."""
    run = trace(vary(drawn, {"rules.choice.precision": INFINITE}), SOME)
    for record in run.records:
        utility = np.where(record.offers.posted, record.appraisal.utility, -np.inf)
        options = np.concatenate([np.zeros_like(utility[:, :1]), utility], axis=POWER)
        found = numbers_of(record.contracts.pick)
        np.testing.assert_array_equal(found, options.argmax(axis=POWER))
        assert set(np.unique(record.appraisal.probability)) == {0.0, 1.0}


def test_p02_infinite_precision_is_a_branch_and_no_large_number() -> None:
    """P2: a near-tie that a precision of 5000 still splits is decided at infinity."""
    utility, table = cube(1.0, 1.0 + 2.5e-4, axis=POWER), np.ones((1, 2, 1, 1), dtype=bool)
    steep = choice.probabilities(choice.scores(utility, one(0), one(5000)), table)
    assert 0.7 < steep[0, 2, 0, 0] < 0.8
    exact = choice.best_probabilities(choice.scores(utility, one(0), one(1)), table)
    assert exact.ravel().tolist() == [0, 0, 1]


def exchangeable(scenario: Scenario) -> Scenario:
    """Scenario whose powers differ in name and id only, as partners in trade too."""
    russia = replace(scenario.powers["ru"], hosts_migrants=False)
    alike = {
        code: replace(moved(russia, "powers.ru", f"powers.{code}"), id=spec.id)
        for code, spec in scenario.powers.items()
    }
    changes: dict[str, Any] = {"powers": alike, "institutions": {}, "baseline": None, "events": {}}
    for name in scenario.corridors:
        changes[f"corridors.{name}.partners"] = (*POWERS, "row")
        changes[f"corridors.{name}.chokepoint"] = None
    for state in scenario.states:
        changes[f"states.{state}.trade"] = dict.fromkeys(POWERS, 10.0)
        changes[f"states.{state}.opinion"] = dict.fromkeys(POWERS, 0.4)
        for domain in DOMAINS[1:]:
            changes[f"states.{state}.initial_dependence.{domain}"] = dict.fromkeys(POWERS, 0.25)
    for domain in DOMAINS:
        target = dict.fromkeys(POWERS, 0.2) | {"none": 0.4}
        changes[f"rules.choice.target_shares.{domain}"] = target
    return vary(scenario, changes)


@pytest.mark.parametrize("rule", list(ChoiceRule))
def test_p03_exchangeable_powers_have_equal_chances(central: Scenario, rule: ChoiceRule) -> None:
    """P3: P_p = P_q at the first step, and at every step while picks are their probabilities."""
    run = trace(vary(exchangeable(central), {"rules.choice.rule": rule}))
    alike = run.records if rule is ChoiceRule.MEAN_FIELD else run.records[:1]
    for record in alike:
        chance = record.appraisal.probability[:, 1:]
        assert np.ptp(chance, axis=POWER).max() < 1e-15
        assert 0.05 < chance.min() < chance.max() < 0.33
    np.testing.assert_allclose(run.first()[:, 1:].mean(axis=STATE), 0.2, rtol=1e-12)


def test_p04_no_money_means_no_picks(drawn: Scenario) -> None:
    """P4: M = 0 gives P_none = 1 and signed = 0, and all outputs are finite."""
    poor = vary(drawn, {f"powers.{power}.budget": 0.0 for power in POWERS})
    for record in trace(poor, SOME).records:
        assert (record.appraisal.probability[:, :1] == 1).all()
        assert not record.contracts.signed.any()
    data, final = outcomes(poor, SOME)
    assert all(np.isfinite(array).all() for array in (*data.values(), *final.values()))


@pytest.mark.parametrize("precision", [1.0, 2.5])
@pytest.mark.parametrize("power", POWERS)
def test_p05_a_single_power_faces_a_binary_logit(
    drawn: Scenario, power: str, precision: float
) -> None:
    """P5: with one power P = 1/(1 + exp(-lambda U))."""
    alone = replace(drawn, powers={power: drawn.powers[power]})
    for record in trace(vary(alone, {"rules.choice.precision": precision}), SOME).records:
        posted = record.offers.posted
        assert posted.mean() > 0.9
        logit = 1 / (1 + np.exp(-precision * record.appraisal.utility))
        wanted = np.where(posted, logit, 0)
        np.testing.assert_allclose(record.appraisal.probability[:, 1:], wanted, rtol=1e-12)


@given(UTILITIES, st.integers(0, 2))
def test_p09_odds_of_two_powers_ignore_a_third(utility: np.ndarray, third: int) -> None:
    """P9: P_p/P_q is unchanged when a third power is deleted."""
    score = frozen(choice.scores(frozen(utility), one(0), one(1)))
    mask = EVERYONE.copy()
    mask[:, third] = False
    first, second = (p + 1 for p in range(3) if p != third)
    before, after = choice.probabilities(score, EVERYONE), choice.probabilities(score, mask)
    odds = (found[:, first] / found[:, second] for found in (before, after))
    np.testing.assert_allclose(*odds, rtol=1e-12)


def test_p09_a_power_without_money_leaves_the_odds_of_the_others(central: Scenario) -> None:
    """P9: the same through the model: money of the EU gone, Russia against China stays."""
    before = trace(central).first()
    after = trace(vary(central, {"powers.eu.budget": 0.0})).first()
    assert not after[:, 3].any()
    np.testing.assert_allclose(after[:, 1] / after[:, 2], before[:, 1] / before[:, 2], rtol=1e-12)
    np.testing.assert_allclose(after[:, 0] / after[:, 1], before[:, 0] / before[:, 1], rtol=1e-12)


@given(UTILITIES, st.floats(-10, 10))
def test_p10_a_constant_added_to_all_utilities_changes_nothing(
    utility: np.ndarray, constant: float
) -> None:
    """P10: U + const, with "none" among them, gives the same P."""
    plain = choice.scores(frozen(utility), one(0), one(1))
    lifted = choice.scores(frozen(utility + constant), one(constant), one(1))
    first, second = (choice.probabilities(score, EVERYONE) for score in (plain, lifted))
    np.testing.assert_allclose(first, second, rtol=1e-12)


@given(UTILITIES, st.floats(0.1, 10), st.floats(0, 3))
def test_p10_only_precision_times_utility_counts(
    utility: np.ndarray, factor: float, precision: float
) -> None:
    """P10: (lambda, U) and (k lambda, U/k) give the same P."""
    plain = choice.scores(frozen(utility), one(0.3), one(precision))
    turned = choice.scores(frozen(utility / factor), one(0.3 / factor), one(precision * factor))
    first, second = (choice.probabilities(score, EVERYONE) for score in (plain, turned))
    np.testing.assert_allclose(first, second, rtol=1e-12)


@given(arrays(np.float64, 3, elements=st.floats(0.1, 10)), st.floats(0.5, 1.5))
def test_p16_large_offers_are_a_lottery_contest(values: np.ndarray, weight: float) -> None:
    """P16: v0 -> 0 with all else equal gives P_p = v_p^r / sum v^r, r = lambda w."""
    value = cube(*values, axis=POWER)
    utility = appraisal.benefit(one(weight), one(0.5), value, one(1e-12))
    score = choice.scores(utility, one(0), one(1))
    found = choice.probabilities(score, np.ones((1, 3, 1, 1), dtype=bool)).ravel()[1:]
    np.testing.assert_allclose(found, values**weight / (values**weight).sum(), rtol=1e-4)


def test_p28_picks_occur_as_often_as_their_probabilities(central: Scenario) -> None:
    """P28: the mean of y over replicates in the first step equals P, within 4 standard errors."""
    record = trace(ending(central, "2026H1"), range(8192)).records[0]
    chance = record.appraisal.probability[:, 1:]
    error = np.sqrt((chance * (1 - chance)).mean(axis=-1) / chance.shape[-1])
    gap = np.abs((record.contracts.pick - chance).mean(axis=-1))
    often = chance.sum(axis=-1) > 20  # else the error is not normal
    assert often.mean() > 0.9
    assert (gap < 4 * error)[often].all()


# --- accounts -------------------------------------------------------------------------------------


def test_p06_what_is_signed_is_delivered_lost_or_open(drawn: Scenario) -> None:
    """P6: sum signed + B(0) = sum Rd + sum Lp + B(N) in every cell."""
    run = trace(drawn, SOME)
    signed = sum(record.contracts.signed for record in run.records)
    delivered = sum(record.deliveries.delivered for record in run.records)
    lost = sum(record.deliveries.lost for record in run.records)
    first, last = run.worlds[0].backlog, run.worlds[-1].backlog
    assert signed.sum() > 0
    np.testing.assert_allclose(signed + first, delivered + lost + last, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", list(ChoiceRule))
def test_p07_money_of_a_power_is_signed_or_stays(drawn: Scenario, rule: ChoiceRule) -> None:
    """P7: sum over states and domains of signed + Un = Av at every step."""
    run = trace(vary(drawn, {"rules.choice.rule": rule}), SOME)
    for record, after in zip(run.records, run.worlds[1:], strict=True):
        signed = record.contracts.signed.sum(axis=(0, 2), keepdims=True)
        np.testing.assert_allclose(signed + after.unspent, record.offers.available, rtol=1e-12)


def test_p13_backlog_and_capital_settle_under_constant_signing(central: Scenario) -> None:
    """P13: B* = A/phi and K* = pi A/(1 - (1 - delta)^Delta) for constant signing A."""
    changes = STEADY | {
        "rules.offers.rollover": 0.0,
        "rules.delivery.rule": DeliveryRule.EXPECTED,
        "rules.delivery.processing_time": 1.0,
        "rules.capital.depreciation": 0.5,
        "rules.adaptation.speed": 0.0,
    }
    run = trace(ending(vary(central, changes), "2085H2"), range(1), take_all)
    p, last = run.parameters, run.worlds[-1]
    signing = p.allocation * run.worlds[0].budget * p.years
    np.testing.assert_allclose(run.records[-1].contracts.signed, signing, rtol=1e-12)
    np.testing.assert_allclose(last.backlog, signing / p.processing, rtol=1e-12)
    wanted = p.delivery.at(0) * signing / (1 - p.capital_retained)
    np.testing.assert_allclose(last.capital, wanted, rtol=1e-12)


@pytest.mark.parametrize(("acceptance", "rollover"), [(0.2, 0.8), (0.5, 0.8), (0.2, 0.0), (1, 1)])
def test_p14_envelope_settles_under_constant_acceptance(
    central: Scenario, acceptance: float, rollover: float
) -> None:
    """P14: Av* = M Delta/(1 - psi (1 - A)), of which A is signed; .5556 for A = .2, psi = .8."""

    def accept(world: World, table: Offers, appraised: Appraisal, noise: FloatArray) -> FloatArray:
        return np.full_like(table.amount, acceptance)

    changes = STEADY | {"rules.offers.rollover": rollover}
    run = trace(ending(vary(central, changes), "2085H2"), range(1), accept)
    inflow = run.worlds[0].budget * run.parameters.years
    left = 1 - rollover * (1 - acceptance)
    last = run.records[-1]
    np.testing.assert_allclose(last.offers.available, inflow / left, rtol=1e-12)
    signed = last.contracts.signed.sum(axis=(0, 2), keepdims=True)
    np.testing.assert_allclose(signed / inflow, acceptance / left, rtol=1e-12)
    if (acceptance, rollover) == (0.2, 0.8):
        np.testing.assert_allclose(signed / inflow, 0.5556, atol=5e-5)


@pytest.mark.parametrize(
    "name", ["gdp_growth", "capital_retained", "investment_retained", "memory", "surge_kept"]
)
def test_p12_two_half_steps_of_growth_and_decay_make_a_step(central: Scenario, name: str) -> None:
    """P12: factors over Delta are the squares of those over Delta/2."""
    whole, half = (
        getattr(trace(ending(central, "2026H2", step)).parameters, name) for step in (0.5, 0.25)
    )
    if isinstance(whole, Timeline):
        whole, half = whole.at(0), half.at(0)
    np.testing.assert_allclose(half**2, whole, rtol=1e-12)


def test_p12_two_half_steps_of_processing_leave_what_a_step_leaves(central: Scenario) -> None:
    """P12: (1 - phi(Delta/2))^2 = 1 - phi(Delta), and budgets grow alike."""
    whole, half = (trace(ending(central, "2026H2", step)) for step in (0.5, 0.25))
    left = (1 - half.parameters.processing) ** 2
    np.testing.assert_allclose(left, 1 - whole.parameters.processing, rtol=1e-12)
    np.testing.assert_allclose(half.worlds[-1].budget, whole.worlds[-1].budget, rtol=1e-12)
    np.testing.assert_allclose(half.worlds[-1].gdp, whole.worlds[-1].gdp, rtol=1e-12)


@SHAKEN
@pytest.mark.parametrize("factor", [4.0, 0.25])
def test_p30_units_of_money_do_not_matter(
    drawn: Scenario, factor: float, shocks: dict[str, Any]
) -> None:
    """P30: all sums of money and g_min times k change no share; powers of 4 change no bit."""
    scenario = vary(drawn, shocks)
    (before, _), (after, _) = (outcomes(s, SOME) for s in (scenario, scaled(scenario, factor)))
    for name, array in before.items():
        times = factor if OUTCOMES[name].unit.startswith("USD bn") else 1
        np.testing.assert_array_equal(after[name], times * array, err_msg=name)


# --- beliefs --------------------------------------------------------------------------------------


def test_p08_without_evidence_beliefs_stay(drawn: Scenario) -> None:
    """P8: omega_b = omega_soc = 0 gives constant mu."""
    changes = {"rules.learning.evidence_weight": 0.0, "rules.learning.social_learning": 0.0}
    run = trace(vary(drawn, changes), SOME)
    first = run.records[0].offers.credibility
    assert all(np.array_equal(record.offers.credibility, first) for record in run.records)
    assert sum(record.deliveries.due.sum() for record in run.records) > 0


def test_p08_beliefs_are_the_posterior_mean_of_all_evidence(drawn: Scenario) -> None:
    """P8: without forgetting and peers mu = (a0 + sum eZ)/(a0 + b0 + sum e)."""
    changes = {"rules.learning.memory_half_life": INFINITE, "rules.learning.social_learning": 0.0}
    run = trace(vary(drawn, changes), SOME)
    p = run.parameters
    total = kept = 0.0
    for world, record in zip(run.worlds, run.records, strict=False):
        percent = 100 * record.deliveries.due / world.gdp
        evidence = p.evidence_weight * percent / (percent + p.evidence_scale)
        total, kept = total + evidence, kept + evidence * record.deliveries.success
    last = run.worlds[-1]
    found = learning.credibility(last.successes, last.failures)
    wanted = (p.prior_success + kept) / (p.prior_success + p.prior_failure + total)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert np.abs(found - run.records[0].offers.credibility).max() > 0.01


@pytest.mark.parametrize("prior", list(Prior))
def test_p31_beliefs_approach_the_truth_from_any_prior(central: Scenario, prior: Prior) -> None:
    """P31: with Z = pi and no forgetting mu tends to pi monotonically."""
    changes = {
        "rules.learning.prior": prior,
        "rules.learning.memory_half_life": INFINITE,
        "rules.delivery.rule": DeliveryRule.EXPECTED,
    }
    run = trace(ending(vary(central, changes), "2065H2"))
    truth = run.parameters.delivery.at(0)
    gaps = np.array([np.abs(record.offers.credibility - truth) for record in run.records])
    assert (np.diff(gaps, axis=0) <= 1e-15).all()
    if prior is Prior.INFORMED:
        assert gaps.max() < 1e-14
    else:
        wrong = np.broadcast_to(np.abs(0.5 - truth) > 0.01, gaps[0].shape)
        assert (gaps[-1] < gaps[0])[wrong].all()
        assert gaps[-1].mean() < gaps[0].mean() / 2


# --- shares and signs -----------------------------------------------------------------------------


def test_p20_dependence_stays_within_the_simplex(drawn: Scenario) -> None:
    """P20: sum_p x <= 1, sum_p D + x^o = 1, all in [0, 1]."""
    for record in trace(drawn, range(64)).records:
        share, total = record.ties.by_domain, record.ties.total
        assert (share >= 0).all()
        assert (share.sum(axis=POWER) <= 1 + 1e-12).all()
        assert (total.sum(axis=POWER) <= 1 + 1e-12).all()
    data, _ = outcomes(drawn, range(64))
    np.testing.assert_allclose(data["dependence"].sum(axis=2) + data["remainder"], 1, rtol=1e-12)
    for name in ("dependence", "remainder"):
        assert 0 <= data[name].min() <= data[name].max() <= 1


@pytest.mark.parametrize("power", POWERS)
def test_p21_more_money_wins_picks(central: Scenario, power: str) -> None:
    """P21: dP_p/dv_p > 0."""
    row = POWERS.index(power) + 1
    budget = central.powers[power].budget.of()
    more = trace(vary(central, {f"powers.{power}.budget": 1.1 * budget}), range(1)).first()
    assert (more[:, row] > trace(central, range(1)).first()[:, row]).all()


@pytest.mark.parametrize("power", POWERS)
def test_p21_conditions_cost_picks(central: Scenario, power: str) -> None:
    """P21: dP_p/dc_p < 0."""
    row = POWERS.index(power) + 1
    conditions = central.powers[power].conditionality
    tighter = {domain: conditions.of(domain) + 0.05 for domain in DOMAINS}
    after = trace(vary(central, {f"powers.{power}.conditionality": tighter}), range(1)).first()
    assert (after[:, row] < trace(central, range(1)).first()[:, row]).all()


@pytest.mark.parametrize("power", range(3))
def test_p21_dependence_costs_picks(central: Scenario, power: int) -> None:
    """P21: dP_p/dD_p < 0 where chi theta > 0; ties in energy, seen from the other domains."""

    def tie(parameters: Parameters, world: World) -> tuple[Parameters, World]:
        capital = world.capital.copy()
        capital[:, power, Domain.ENERGY] *= 1.5
        return parameters, replace(world, capital=capital)

    before, after = trace(central, range(1)), trace(central, range(1), prepare=tie)
    moved_up = after.records[0].ties.total > before.records[0].ties.total
    assert moved_up[:, power].all()
    others = [domain for domain in Domain if domain is not Domain.ENERGY]
    change = (after.first() - before.first())[:, power + 1]
    assert (change[:, others] < 0).all()


def test_p21_sanctions_cost_russia_picks(central: Scenario) -> None:
    """P21: dP_RU/dX <= 0."""
    tougher = vary(central, {"rules.environment.sanctions": 0.5})
    change = trace(tougher, range(1)).first() - trace(central, range(1)).first()
    assert (change[:, 1] < 0).all()


@pytest.mark.parametrize("state", ["kz", "kg", "tj", "tm", "uz"])
def test_p21_threat_brings_russia_picks_in_security(central: Scenario, state: str) -> None:
    """P21: dP_RU,S/dtau >= 0, in security only and for the threatened state only."""
    threat = central.states[state].threat.of() + 0.1
    after = trace(vary(central, {f"states.{state}.threat": threat}), range(1)).first()
    change = (after - trace(central, range(1)).first())[:, 1]
    place = list(central.states).index(state)
    assert change[place, Domain.SECURITY] > 0
    change[place, Domain.SECURITY] = 0
    assert not change.any()


def test_p21_fewer_remittances_mean_less_dependence_on_russia(central: Scenario) -> None:
    """P21: dD_RU/dmig <= 0: what migration limits take from remittances."""

    def limit(parameters: Parameters, world: World) -> tuple[Parameters, World]:
        return parameters, replace(world, remittances=0.5 * world.remittances)

    before = trace(central, range(1)).records[0].ties.total
    after = trace(central, range(1), prepare=limit).records[0].ties.total
    change = (after - before)[:, :, 0, 0]
    sending = trace(central, range(1)).worlds[0].remittances[:, 0, 0, 0] > 0
    assert (change[sending, 0] < 0).all()
    assert not change[~sending].any()
    assert (change[:, 1:] >= 0).all()


def test_p29_measures_at_their_known_points() -> None:
    """P29: H(equal) = 1, H(one power) = 0, constant picks never switch, equal states agree."""
    for powers in (2, 3, 5):
        equal = cube(*[1 / powers] * powers, axis=POWER)
        unnormalised = 1 - (equal**2).sum()
        assert unnormalised == pytest.approx(1 - 1 / powers, rel=1e-15)
        assert measures.hedging_index(equal).item() == pytest.approx(1, rel=1e-15)
        single = cube(1, *[0] * (powers - 1), axis=POWER)
        assert measures.hedging_index(single).item() == 0
    constant = np.full((9, 1, 1, 1), 2, dtype=np.int8)
    assert not measures.moving_switch_rate(constant, 6).any()
    alike = frozen(np.broadcast_to([[[[0.5]], [[0.3]], [[0.2]]]], (5, 3, 1, 1)))
    assert measures.polarisation(alike).item() == 0


# --- who takes part, and in which order -----------------------------------------------------------

ORDERS = [
    (("uz", "tj", "kz", "tm", "kg"), POWERS),
    (("kz", "kg", "tj", "tm", "uz"), ("eu", "ru", "cn")),
    (("tm", "kg", "uz", "kz", "tj"), ("cn", "eu", "ru")),
]


def in_order(data: Data, before: Scenario, after: Scenario, periods: int) -> Data:
    """Outcomes of ``after`` with states, powers and options in the order of ``before``."""
    states = [list(after.states).index(code) for code in before.states]
    powers = [list(after.powers).index(code) for code in before.powers]
    option = np.array([0, *(list(before.powers).index(code) + 1 for code in after.powers)])
    places = {"state": states, "power": powers, "partner": [*powers, len(powers)]}
    found = {}
    for name, array in data.items():
        for axis, dim in enumerate(OUTCOMES[name].dims, start=periods):
            if dim in places:
                array = array.take(places[dim], axis=axis)
        found[name] = option[array] if name == "pick" else array
    return found


@SHAKEN
@pytest.mark.parametrize(("states", "powers"), ORDERS)
def test_p11_order_of_states_and_powers_does_not_matter(
    drawn: Scenario, states: Sequence[str], powers: Sequence[str], shocks: dict[str, Any]
) -> None:
    """P11: permuting states and powers with their ids permutes outputs, picks exactly."""
    event = {"date": "2026H2", "size": 0.04, "states": ("kg", "uz"), "powers": ("cn", "row")}
    scenario = with_event(vary(drawn, shocks), "boom", Target.GROWTH, **event) if shocks else drawn
    turned = replace(
        scenario,
        states={code: scenario.states[code] for code in states},
        powers={code: scenario.powers[code] for code in powers},
    )
    for wanted, found, periods in zip(
        outcomes(scenario, range(32)), outcomes(turned, range(32)), (1, 0), strict=True
    ):
        back = in_order(found, scenario, turned, periods)
        for name, array in wanted.items():
            if name == "pick":
                np.testing.assert_array_equal(back[name], array)
            else:
                np.testing.assert_allclose(back[name], array, rtol=1e-12, atol=1e-12, err_msg=name)


CHANGES = {
    "threat": {"target": Target.THREAT, "size": 0.4, "half_life": 2.0},
    "sanctions": {"target": Target.SANCTIONS, "size": 0.3, "half_life": INFINITE},
    "peace": {"target": Target.WAR, "size": -1.0},
    "boom": {"target": Target.GROWTH, "size": 0.05, "states": ("kz",), "powers": ("ru", "row")},
    "alliance": {
        "target": Target.MEMBERSHIP,
        "institution": "csto",
        "members": {"kz": 0.0, "kg": 1.0, "tj": 1.0, "uz": 1.0},
    },
}


@pytest.mark.parametrize("change", CHANGES)
def test_p22_the_past_does_not_know_the_future(drawn: Scenario, change: str) -> None:
    """P22: an event from step t on leaves all steps before t bit for bit as they were."""
    step = 5
    fields_of_event = dict(CHANGES[change])
    target = fields_of_event.pop("target")
    changed = with_event(drawn, change, target, date=drawn.periods[step], **fields_of_event)
    (before, _), (after, _) = outcomes(drawn, SOME), outcomes(changed, SOME)
    same_bits({n: a[:step] for n, a in after.items()}, {n: a[:step] for n, a in before.items()})
    assert any(not np.array_equal(after[n][step:], before[n][step:]) for n in after)


@SHAKEN
def test_p23_a_subset_of_states_runs_by_itself(drawn: Scenario, shocks: dict[str, Any]) -> None:
    """P23: same draws; same paths once nothing couples the states and the offers are the same.

    That is psi = beta_n = omega_soc = gamma = 0 and no congestion. The mean threat, which enters
    the cost of the southern route, counts for nothing while that route is closed.
    """
    kept = ("kz", "tm")
    whole = vary(drawn, INDEPENDENT | shocks)
    rows = [list(whole.states).index(code) for code in kept]
    full = trace(whole, SOME)

    def same_offers(parameters: Parameters, world: World) -> tuple[Parameters, World]:
        first = full.worlds[0]
        return parameters, replace(
            world,
            budget=first.budget,
            allocation=first.allocation[rows],
            investment=first.investment[rows],
        )

    part = replace(whole, states={code: whole.states[code] for code in kept})
    found = trace(part, SOME, prepare=same_offers)
    for name in ("choice", "delivery", "events", *(["trade"] if shocks else [])):
        assert np.array_equal(getattr(found.draws, name), getattr(full.draws, name)[:, rows]), name
    assert found.worlds[-1].trade_shock.any() == bool(shocks)
    for alone, together in zip(found.worlds, full.worlds, strict=True):
        same_world(alone, rows_of(together, rows), "unspent", "freight", "capacity")


def test_p23_states_are_coupled_otherwise(drawn: Scenario) -> None:
    """P23: each of what couples the states alone makes the paths of a subset differ."""
    rows = [0, 3]
    kept = [list(drawn.states)[row] for row in rows]
    for number in INDEPENDENT:
        value = 0.8
        changes = INDEPENDENT | {number: value}
        whole = vary(drawn, changes)
        full = trace(whole, SOME)
        first = full.worlds[0]

        def same_offers(
            parameters: Parameters, world: World, first: World = first
        ) -> tuple[Parameters, World]:
            allocation = first.allocation[rows]
            return parameters, replace(world, budget=first.budget, allocation=allocation)

        part = replace(whole, states={code: whole.states[code] for code in kept})
        found = trace(part, SOME, prepare=same_offers)
        alone, together = (t.records[-1].appraisal.probability for t in (found, full))
        assert not np.array_equal(alone, together[rows]), number


def rows_of(world: World, rows: list[int]) -> World:
    """World of some of its states."""
    parts = {part.name: getattr(world, part.name) for part in fields(World)}
    states = world.gdp.shape[STATE]
    return replace(world, **{n: a[rows] if len(a) == states else a for n, a in parts.items()})


# --- modules at their null ------------------------------------------------------------------------


def same_run(first: Scenario, second: Scenario, *but: str) -> None:
    """Fail unless two scenarios give the same outcomes bit for bit, those named ``but`` apart."""
    for found, wanted in zip(outcomes(first, SOME), outcomes(second, SOME), strict=True):
        kept = wanted.keys() - set(but)
        same_bits({n: a for n, a in found.items() if n not in but}, {n: wanted[n] for n in kept})


@pytest.mark.parametrize("event", ["afghan_incident", "sanction_package"])
def test_p24_an_event_at_rate_zero_is_no_event(drawn: Scenario, event: str) -> None:
    """P24: rate = 0 is the event removed, bit for bit; as it stands the event matters."""
    absent = replace(drawn, events={n: e for n, e in drawn.events.items() if n != event})
    same_run(vary(drawn, {f"events.{event}.rate": 0.0}), absent)
    target = {"afghan_incident": "threat", "sanction_package": "sanctions"}[event]
    with_it, without = (outcomes(s, range(64))[0][target] for s in (drawn, absent))
    assert (with_it >= without).all()
    assert (with_it > without).any()


def test_p24_events_of_size_zero_are_no_events(drawn: Scenario) -> None:
    """P24: dated events of size 0 and rated ones of size 0 are the events removed."""
    opening = "railway_opens"  # brings a corridor into the run, which the next test is about
    named = [n for n, e in drawn.events.items() if e.size is not None and n != opening]
    assert len(named) == 6
    sizes = {f"events.{name}.size": 0.0 for name in named}
    kept = {n: e for n, e in drawn.events.items() if n not in named}
    same_run(vary(drawn, sizes), replace(drawn, events=kept))


def test_p24_a_corridor_that_opens_with_nothing_is_none(drawn: Scenario) -> None:
    """P24: an opening of size 0 is the event removed; sums of traffic go in another order."""
    kept = {n: e for n, e in drawn.events.items() if n != "railway_opens"}
    without = outcomes(replace(drawn, events=kept), SOME)
    for found, wanted in zip(
        outcomes(vary(drawn, {"events.railway_opens.size": 0.0}), SOME), without, strict=True
    ):
        np.testing.assert_array_equal(found.get("pick"), wanted.get("pick"))
        for name, array in wanted.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-12, atol=1e-13, err_msg=name)


def test_p24_accession_that_changes_no_membership_is_no_event(drawn: Scenario) -> None:
    """P24: an accession event that repeats the members is the event removed."""
    members = drawn.institutions["eaeu"].members
    again = dict(zip(members.entries, members.value, strict=True))
    event = {"date": "2027H2", "institution": "eaeu", "members": again}
    same_run(with_event(drawn, "again", Target.MEMBERSHIP, **event), drawn)


@pytest.mark.parametrize("institution", ["csto", "epca"])
def test_p24_an_institution_without_members_is_none(drawn: Scenario, institution: str) -> None:
    """P24: M_si = 0 for all is the institution removed."""
    kept = {n: i for n, i in drawn.institutions.items() if n != institution}
    empty = vary(drawn, {f"institutions.{institution}.members": 0.0})
    same_run(empty, replace(drawn, institutions=kept))


def test_p24_without_rollover_unspent_money_does_not_count(drawn: Scenario) -> None:
    """P24: psi = 0 is a world that forgets unspent money."""
    no_rollover = vary(drawn, {"rules.offers.rollover": 0.0})
    plain = trace(no_rollover, SOME)
    forgetful = trace(
        no_rollover, SOME, before_step=lambda w: replace(w, unspent=np.zeros_like(w.unspent))
    )
    same_world(forgetful.worlds[-1], plain.worlds[-1])
    assert plain.worlds[-1].unspent.any()


def test_p24_without_peers_and_inertia_the_last_picks_do_not_count(drawn: Scenario) -> None:
    """P24: beta_n = beta_m = 0 is a world that forgets who picked whom."""
    changes = {"rules.appraisal.peer_weight": 0.0, "rules.appraisal.inertia": 0.0}
    quiet = vary(drawn, changes)
    plain = trace(quiet, SOME)
    forgetful = trace(
        quiet, SOME, before_step=lambda w: replace(w, last_pick=np.zeros_like(w.last_pick))
    )
    same_world(forgetful.worlds[-1], plain.worlds[-1])


@given(arrays(np.float64, (3, 2, 5, 2), elements=st.floats(0, 1)))
def test_p24_without_social_learning_there_are_no_others(experience: np.ndarray) -> None:
    """P24: omega_soc = 0 is each state by itself, bit for bit."""
    belief = frozen(np.full(experience.shape, 3.0))
    together = learning.update(belief, one(2.0), one(0.9), frozen(experience), one(0.0))
    for state in range(3):
        own = slice(state, state + 1)
        alone = learning.update(belief[own], one(2.0), one(0.9), experience[own], one(0.0))
        np.testing.assert_array_equal(together[own], alone)


def test_p24_remittances_without_weight_are_no_remittances(drawn: Scenario) -> None:
    """P24: remcap = 0 is a world without remittances."""
    without = {f"states.{state}.remittances": 0.0 for state in drawn.states}
    unweighted = vary(drawn, {"rules.dependence.remittance_capital": 0.0})
    same_run(unweighted, vary(unweighted, without), "remittances", "welfare_remittances")


def test_p24_delivery_by_mean_field_is_expected_delivery(drawn: Scenario) -> None:
    """P24: mean field sets Z = pi, so the delivery rule does not matter in it."""
    field = vary(drawn, {"rules.choice.rule": ChoiceRule.MEAN_FIELD})
    same_run(vary(field, {"rules.delivery.rule": DeliveryRule.EXPECTED}), field)


def four_powers(scenario: Scenario) -> Scenario:
    """Baseline with the United States as a fourth power (model, O12)."""
    america = replace(
        moved(scenario.powers["eu"], "powers.eu", "powers.us"), id=4, name="United States"
    )
    shares = scenario.rules.choice.target_shares
    changes: dict[str, Any] = {
        "powers": {**scenario.powers, "us": america},
        "rules.choice.target_shares": {d: extended(q, "us", 0.1) for d, q in shares.items()},
        "baseline": None,
    }
    for code, state in scenario.states.items():
        assert "us" in state.opinion.entries
        changes[f"states.{code}.trade"] = {"us": 0.0}
        for domain in DOMAINS[1:]:
            changes[f"states.{code}.initial_dependence.{domain}"] = {"us": 0.0}
    return vary(scenario, changes)


def test_p24_a_power_with_nothing_is_no_power(central: Scenario) -> None:
    """P24: a fourth power without money, trade and ties is a power removed, bit for bit."""
    four = four_powers(central)
    empty = vary(replace(four, baseline=four), {"powers.us.budget": 0.0})
    absent = replace(empty, powers={code: empty.powers[code] for code in POWERS})
    found, wanted = trace(empty, SOME), trace(absent, SOME)
    for record, other in zip(found.records, wanted.records, strict=True):
        assert not record.contracts.pick[:, 3].any()
        for name in ("pick", "signed"):
            mine, theirs = getattr(record.contracts, name), getattr(other.contracts, name)
            np.testing.assert_array_equal(mine[:, :3], theirs)
        np.testing.assert_array_equal(record.ties.total[:, :3], other.ties.total)
        np.testing.assert_array_equal(record.appraisal.utility[:, :3], other.appraisal.utility)
    assert run_changes_with(four, empty)


def run_changes_with(first: Scenario, second: Scenario) -> bool:
    """Whether two scenarios differ in who is picked."""
    one_run, other = (outcomes(s, SOME)[0]["pick"] for s in (first, second))
    return not np.array_equal(one_run, other)
