"""Edge cases of the model (section 1.12): no warning, no nonsense, and what each must give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support import baseline, certain, ending, outcomes, trace, vary, with_event

from sim.axes import DOMAINS, POWER, Domain
from sim.draws import predraw
from sim.ensemble import simulate, worlds
from sim.outcomes import OUTCOMES
from sim.parameters import ids
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, Prior, Target

pytestmark = pytest.mark.filterwarnings("error")

INFINITE = float("inf")
SOME = range(6)
POWERS = ("ru", "cn", "eu")
STATES = ("kz", "kg", "tj", "tm", "uz")
NO_MONEY = {f"powers.{power}.budget": 0.0 for power in POWERS}
STEADY = {f"powers.{p}.{n}": 0.0 for p in POWERS for n in ("budget_growth", "war_drain")}
NO_TIES: dict[str, Any] = {
    **{f"states.{s}.trade": dict.fromkeys(POWERS, 0.0) for s in STATES},
    "rules.dependence.transit_weight": 0.0,  # trade with the rest of the world crosses powers
    **{f"states.{s}.initial_dependence.{d}": 0.0 for s in STATES for d in DOMAINS[1:]},
    **{f"states.{s}.remittances": 0.0 for s in STATES},
}
ONLY_RUSSIA = {"ru": 1.0, "cn": 0.0, "eu": 0.0}
ALL_TIES: dict[str, Any] = {
    **{f"states.{s}.trade": {**ONLY_RUSSIA, "us": 0.0, "tr": 0.0, "row": 0.0} for s in STATES},
    **{f"states.{s}.initial_dependence.{d}": ONLY_RUSSIA for s in STATES for d in DOMAINS[1:]},
}

SIGNED_SHARES = {"belief_error", "welfare_trade", "welfare_remittances"}
"""Outcomes in shares that are differences."""

CASES: dict[str, dict[str, Any]] = {
    "no money": NO_MONEY,
    "no money at all times and no floor": NO_MONEY | {"rules.offers.minimum_offer": 0.0},
    "one power without money": {"powers.cn.budget": 0.0},
    "one power offers nothing": {"powers.ru.domain_shares": 0.0},
    "no offer reaches the minimum": {"rules.offers.minimum_offer": 1e3},
    "no offers in one domain": {f"powers.{p}.domain_shares": {"energy": 0.0} for p in POWERS},
    "no precision": {"rules.choice.precision": 0.0},
    "infinite precision": {"rules.choice.precision": INFINITE},
    "mean field": {"rules.choice.rule": ChoiceRule.MEAN_FIELD},
    "mean field, infinite precision": {
        "rules.choice.rule": ChoiceRule.MEAN_FIELD,
        "rules.choice.precision": INFINITE,
    },
    "expected delivery": {"rules.delivery.rule": DeliveryRule.EXPECTED},
    "no rollover": {"rules.offers.rollover": 0.0},
    "full rollover": {"rules.offers.rollover": 1.0},
    "no trade with one partner": {f"states.{s}.trade": {"eu": 0.0} for s in STATES},
    "no ties at all": NO_TIES,
    "no ties and no money": NO_TIES | NO_MONEY,
    "ties to one power only": ALL_TIES,
    "ties to one power that wear off at once": ALL_TIES
    | {"rules.capital.depreciation": 1.0, "rules.capital.investment_depreciation": 1.0},
    "nothing is delivered": {f"powers.{p}.delivery": 0.0 for p in POWERS}
    | {"rules.learning.prior": Prior.NAIVE},
    "everything is delivered": {f"powers.{p}.delivery": 1.0 for p in POWERS}
    | {"rules.learning.prior": Prior.NAIVE},
    "almost nothing is expected": {f"powers.{p}.delivery": 1e-9 for p in POWERS},
    "almost everything is expected": {f"powers.{p}.delivery": 1 - 1e-9 for p in POWERS},
    "weak priors": {"rules.learning.prior_strength": 1e-9},
    "strong priors": {"rules.learning.prior_strength": 1e12},
    "instant forgetting": {"rules.learning.memory_half_life": 1e-3},
    "no forgetting": {"rules.learning.memory_half_life": INFINITE},
    "no learning": {"rules.learning.evidence_weight": 0.0},
    "full social learning": {"rules.learning.social_learning": 1.0},
    "instant processing": {"rules.delivery.processing_time": 1e-3},
    "endless processing": {"rules.delivery.processing_time": 1e9},
    "tiny value scale": {"rules.choice.value_scale": 1e-9},
    "huge value scale": {"rules.choice.value_scale": 1e9},
    "no threat": {f"states.{s}.threat": 0.0 for s in STATES},
    "highest threat": {f"states.{s}.threat": 2.0 for s in STATES},
    "full sanctions": {"rules.environment.sanctions": 1.0},
    "no sanctions, no war": {"rules.environment.sanctions": 0.0, "rules.environment.war": 0.0},
    "frequent incidents": {"events.afghan_incident.rate": 40.0},
    "no events": {"events": {}},
    "no institutions": {"institutions": {}},
    "dear money": {f"powers.{p}.budget": 1e6 for p in POWERS},
    "trade stands still": {"rules.trade.moving": False},
    "trade moves at once": {"rules.trade.adjustment_time": 1e-3},
    "trade hardly moves": {"rules.trade.adjustment_time": 1e9},
    "trade does not mind costs": {"rules.trade.cost_elasticity": 0.0},
    "routes stand still": {"rules.corridors.moving": False},
    "no freight": {"rules.corridors.freight_share": 0.0, "rules.corridors.through_transit": 0.0},
    "three times the transit": {"rules.corridors.through_transit": 80.0},
    "no congestion": {"rules.corridors.congestion": 0.0},
    "congestion that grows evenly": {"rules.corridors.congestion_power": 1.0},
    "strong congestion": {"rules.corridors.congestion": 2.0},
    "nobody feels transit": {"rules.dependence.transit_weight": 0.0},
    "transit is all of infrastructure": {"rules.dependence.transit_weight": 1.0},
    "powers that do not adapt": {"rules.adaptation.speed": 0.0},
    "powers that adapt at once": {"rules.adaptation.speed": 20.0},
    "powers that only tremble": {"rules.adaptation.tremble": 1.0},
    "powers that remember everything": {"rules.adaptation.memory": 0.0},
    "fast powers without precision": {
        "rules.adaptation.speed": 20.0,
        "rules.choice.precision": 0.0,
    },
    "full coordination": {
        f"rules.adaptation.coordination.{p}": {q: 1.0 for q in POWERS if q != p} for p in POWERS
    },
    "conditions at once": {"rules.adaptation.condition_speed": 50.0},
    "one bloc": {"rules.bloc.cohesion": 1.0, "rules.bloc.leverage": 1.0},
    "a tight nest": {"rules.choice.nest": 0.01},
    "a tight nest without noise": {
        "rules.choice.nest": 0.01,
        "rules.choice.precision": INFINITE,
    },
    "money at summits only": {"rules.offers.summit_share": 1.0},
    "opinion that leaps": {"rules.opinion.delivery_effect": 50.0},
    "opinion that reverts at once": {
        "rules.opinion.delivery_effect": 5.0,
        "rules.opinion.reversion": 2.0,
    },
    "growth by investment": {"rules.growth.investment_effect": 1.0},
    "everybody coerces": {"rules.coercion.rate": dict.fromkeys(POWERS, 100.0)},
    "everybody coerces all trade away": {
        "rules.coercion.rate": dict.fromkeys(POWERS, 100.0),
        "rules.coercion.trade_kept": 0.0,
        "rules.coercion.opinion_loss": 1.0,
    },
    "a thousand documents": {"rules.documents.signed": 1000.0},
    "all documents are carried out": {
        "rules.documents.signed": 19.0,
        "rules.documents.implemented": 1.0,
    },
}


@pytest.fixture(scope="module")
def drawn() -> Scenario:
    """Three years of the baseline with its evidence ranges."""
    return ending(baseline(), "2028H2")


@pytest.fixture(scope="module")
def central() -> Scenario:
    """Three years of the baseline at central values."""
    return ending(certain(), "2028H2")


def check(scenario: Scenario) -> None:
    """Worlds keep their invariants, outcomes are finite and shares are shares."""
    for world in worlds(scenario, SOME):
        world.invariants()
    data, final = outcomes(scenario, SOME)
    for name, array in (*data.items(), *final.items()):
        assert np.isfinite(array).all(), name
    for name in ("pick_share", "alignment", "dependence", "alignment_stock", "influence"):
        assert data[name].min() >= 0, name
        assert data[name].max() <= 1 + 1e-12, name
    for name, array in data.items():
        if OUTCOMES[name].unit == "share" and name not in SIGNED_SHARES:
            assert array.min() >= -1e-12, name
            assert array.max() <= 1 + 1e-9, name
    assert (data["credibility"] > 0).all()
    assert (data["credibility"] < 1).all()


@pytest.mark.parametrize("case", CASES)
def test_case_is_harmless(drawn: Scenario, case: str) -> None:
    check(vary(drawn, CASES[case]))


@pytest.mark.parametrize(
    ("states", "powers"),
    [
        (("tj",), POWERS),
        (STATES, ("ru",)),
        (STATES, ("eu",)),
        (("tm",), ("cn",)),
        (("kz", "uz"), ("cn", "ru")),
    ],
)
def test_small_worlds_are_harmless(
    drawn: Scenario, states: tuple[str, ...], powers: tuple[str, ...]
) -> None:
    check(
        replace(
            drawn,
            states={code: drawn.states[code] for code in states},
            powers={code: drawn.powers[code] for code in powers},
        )
    )


@pytest.mark.parametrize("step", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("end", ["2026H2", "2028H2"])
def test_lengths_of_steps_and_horizons_are_harmless(drawn: Scenario, step: float, end: str) -> None:
    scenario = ending(drawn, end, step)
    years = 1 if end == "2026H2" else 3
    assert scenario.steps == years / step
    check(scenario)


def test_a_horizon_of_one_step_and_one_replicate(drawn: Scenario) -> None:
    short = replace(ending(drawn, "2026H1"), replicates=1)
    check(short)
    data, final = simulate(short)
    assert data["pick"].shape == (1, 5, 5, 1)
    assert final["dependence"].shape == (5, 3, 1)


# --- what they must give --------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["no money", "no offer reaches the minimum"])
def test_no_posted_offer_means_none(drawn: Scenario, case: str) -> None:
    run = trace(vary(drawn, CASES[case]), SOME)
    for record, after in zip(run.records, run.worlds[1:], strict=True):
        assert not record.offers.posted.any()
        assert (record.appraisal.probability[:, 0] == 1).all()
        assert not record.contracts.pick.any()
        assert not after.last_pick.any()


def test_no_posted_offer_in_one_domain_leaves_the_others(drawn: Scenario) -> None:
    run = trace(vary(drawn, CASES["no offers in one domain"]), SOME)
    for record in run.records:
        assert (record.appraisal.probability[:, 0, Domain.ENERGY] == 1).all()
        assert not record.contracts.pick[:, :, Domain.ENERGY].any()
        assert record.contracts.pick[:, :, Domain.TRADE].any()


def test_draws_are_taken_by_index_whether_an_offer_is_posted_or_not(central: Scenario) -> None:
    """Without Chinese offers in energy nobody else's noise moves: other picks stay the same."""
    fewer = vary(central, {"powers.cn.domain_shares": {"energy": 0.0}})
    before, after = (trace(scenario, range(200)).records[0] for scenario in (central, fewer))
    pick, left = before.contracts.pick, after.contracts.pick
    others = [domain for domain in Domain if domain is not Domain.ENERGY]
    np.testing.assert_array_equal(left[:, :, others], pick[:, :, others])
    chinese = pick[:, 1, Domain.ENERGY] == 1
    assert chinese.any()
    kept = np.broadcast_to(~chinese[:, None], pick[:, :, Domain.ENERGY].shape)
    np.testing.assert_array_equal(left[:, :, Domain.ENERGY][kept], pick[:, :, Domain.ENERGY][kept])


def test_without_money_stocks_run_down_and_trade_goes_on(drawn: Scenario) -> None:
    run = trace(vary(drawn, NO_MONEY), SOME)
    p, first, last = run.parameters, run.worlds[0], run.worlds[-1]
    np.testing.assert_allclose(
        last.capital, first.capital * p.capital_retained**drawn.steps, rtol=1e-12
    )
    assert not last.backlog.any()
    assert not last.unspent.any()
    np.testing.assert_allclose(last.allocation, first.allocation, rtol=1e-12)
    assert ((last.trade > 0) == (first.trade > 0)).all()
    assert not np.array_equal(last.trade, first.trade)
    frozen = trace(vary(drawn, NO_MONEY | {"rules.trade.moving": False}), SOME)
    assert np.array_equal(frozen.worlds[-1].trade, first.trade)


def test_the_backlog_drains_when_the_money_stops(drawn: Scenario) -> None:
    def stop(world: Any) -> Any:
        return replace(world, budget=0 * world.budget, unspent=0 * world.unspent)

    stopped = trace(drawn, SOME).worlds[-1]
    run = trace(drawn, SOME, prepare=lambda p, _: (p, stopped), before_step=stop)
    for before, after in zip(run.worlds[:-1], run.worlds[1:], strict=True):
        np.testing.assert_allclose(
            after.backlog, before.backlog * (1 - run.parameters.processing), rtol=1e-12
        )
    assert run.worlds[0].backlog.any()


def test_no_dependence_at_all_gives_zero_and_not_nan(drawn: Scenario) -> None:
    data, final = outcomes(vary(drawn, NO_TIES | NO_MONEY), SOME)
    for name in ("dependence", "alignment_stock", "influence", "hedging_index"):
        assert not data[name].any(), name
        assert not final[name].any(), name
    assert (data["autonomy"] == 1).all()
    assert (data["remainder"] == 1).all()


def test_complete_dependence_on_one_power(drawn: Scenario) -> None:
    changes = ALL_TIES | {"powers.cn.budget": 0.0, "powers.eu.budget": 0.0}
    changes |= {"rules.dependence.transit_weight": 0.0}  # trade with Russia crosses nobody
    data, _ = outcomes(vary(drawn, changes), SOME)
    np.testing.assert_allclose(data["dependence"][:, :, 0], 1, rtol=1e-12)
    np.testing.assert_allclose(data["influence"][:, 0], 1, rtol=1e-12)
    np.testing.assert_allclose(data["remainder"], 0, atol=1e-12)
    np.testing.assert_allclose(data["hedging_index"], 0, atol=1e-12)


def test_one_power_without_money_leaves_the_others_in_proportion(central: Scenario) -> None:
    before = trace(central, range(1)).first()
    after = trace(vary(central, {"powers.cn.budget": 0.0}), range(1)).first()
    assert not after[:, 2].any()
    kept = [0, 1, 3]
    scale = before[:, kept].sum(axis=POWER, keepdims=True)
    np.testing.assert_allclose(after[:, kept], before[:, kept] / scale, rtol=1e-12)


def test_a_power_that_offers_nothing_saves_up(drawn: Scenario) -> None:
    """sigma_p = 0: Un = M Delta (1 - psi^t)/(1 - psi), which tends to M Delta/(1 - psi)."""
    changes = STEADY | {"powers.ru.domain_shares": 0.0, "rules.offers.rollover": 0.8}
    run = trace(ending(vary(drawn, changes), "2065H2"), SOME)
    inflow = run.worlds[0].budget[0, 0] * run.parameters.years
    for step, world in enumerate(run.worlds):
        wanted = inflow * (1 - 0.8**step) / (1 - 0.8)
        np.testing.assert_allclose(world.unspent[0, 0], wanted, rtol=1e-12)
    np.testing.assert_allclose(run.worlds[-1].unspent[0, 0], inflow / 0.2, rtol=1e-7)
    assert not any(record.offers.posted[:, 0].any() for record in run.records)


def test_no_trade_with_a_partner_stays_none(drawn: Scenario) -> None:
    run = trace(vary(drawn, CASES["no trade with one partner"]), SOME)
    for record, world in zip(run.records, run.worlds, strict=False):
        assert not world.trade[:, 2].any()
        assert not record.ties.by_domain[:, 2, Domain.TRADE].any()
        assert not record.appraisal.terms.sanctions.any()  # nothing to lose with the EU


def test_trade_with_absent_powers_is_trade_with_the_rest_of_the_world(drawn: Scenario) -> None:
    alone = replace(drawn, powers={"cn": drawn.powers["cn"]})
    before, after = (trace(scenario, SOME).worlds[0].trade for scenario in (drawn, alone))
    assert np.array_equal(after[:, 0], before[:, 1])
    np.testing.assert_allclose(after.sum(axis=1), before.sum(axis=1), rtol=1e-14)


def test_a_single_state_has_no_peers(drawn: Scenario) -> None:
    alone = replace(drawn, states={"uz": drawn.states["uz"]})
    loud = {"rules.appraisal.peer_weight": 2.0, "rules.learning.social_learning": 1.0}
    quiet = dict.fromkeys(loud, 0.0)
    first, second = (outcomes(vary(alone, changes), SOME)[0] for changes in (loud, quiet))
    assert first["pick"].any()
    for name in first:
        assert np.array_equal(first[name], second[name]), name


def test_extreme_beliefs_stay_inside_their_range(drawn: Scenario) -> None:
    for case, near in (("nothing is delivered", 0), ("everything is delivered", 1)):
        eager = {"rules.learning.prior_strength": 1.0, "rules.learning.evidence_weight": 1.0}
        run = trace(ending(vary(drawn, CASES[case] | eager), "2065H2"), SOME)
        gaps = [np.abs(record.offers.credibility - near) for record in run.records]
        assert (gaps[0] == 0.5).all()
        assert gaps[-1].min() > 0
        assert gaps[-1].min() < 0.1


def test_the_highest_threat_is_not_exceeded(drawn: Scenario) -> None:
    stormy = CASES["highest threat"] | CASES["frequent incidents"]
    data, _ = outcomes(vary(drawn, stormy), SOME)
    assert (data["threat"] == 2).all()


@pytest.mark.parametrize(
    ("target", "size", "name", "limit"),
    [
        (Target.SANCTIONS, 5.0, "sanctions", 1.0),
        (Target.SANCTIONS, -5.0, "sanctions", 0.0),
        (Target.THREAT, 5.0, "threat", 2.0),
        (Target.THREAT, -5.0, "threat", 0.0),
        (Target.WAR, 5.0, "war", 1.0),
        (Target.WAR, -5.0, "war", 0.0),
        (Target.MIGRATION, 5.0, "migration", 1.0),
        (Target.MIGRATION, -5.0, "migration", 0.0),
        (Target.OPINION, 5.0, "opinion", 1.0),
        (Target.OPINION, -5.0, "opinion", 0.0),
        (Target.CONDITIONALITY, 5.0, "conditions", 1.0),
        (Target.CONDITIONALITY, -5.0, "conditions", 0.0),
    ],
)
def test_dated_events_do_not_leave_the_range(
    drawn: Scenario, target: Target, size: float, name: str, limit: float
) -> None:
    shocked = with_event(drawn, "shock", target, date="2026H1", size=size, half_life=INFINITE)
    data, _ = outcomes(shocked, SOME)
    assert (data[name][1:] == limit).all()


def test_draws_of_a_run_without_events_have_the_right_shape(drawn: Scenario) -> None:
    quiet = replace(drawn, events={})
    found = predraw(1, range(3), quiet.steps, ids(quiet))
    assert found.events.shape == (quiet.steps, 5, 0, 1, 3)


FACTORS = [
    (Target.BUDGET, {}),
    (Target.PROTECTION, {}),
    (Target.COERCIBILITY, {}),
    (Target.DELIVERY, {}),
    (Target.DAYS, {"corridors": ("n", "m")}),
    (Target.RISK, {"corridors": ("n", "ns")}),
    (Target.CAPACITY, {"corridors": ("n", "m")}),
]


@pytest.mark.parametrize(("target", "where"), FACTORS, ids=lambda value: str(value))
@pytest.mark.parametrize("factor", [0.0, 1.0, 5.0])
def test_factors_of_events_are_harmless(
    drawn: Scenario, target: Target, where: dict[str, Any], factor: float
) -> None:
    check(with_event(drawn, "shock", target, date="2026H1", factor=factor, **where))


def test_when_all_corridors_close_trade_pays_for_having_no_route(drawn: Scenario) -> None:
    """C0 and the cost of no route; nothing moves, crosses nobody, and opens again at once."""
    everywhere = tuple(drawn.corridors)
    event: dict[str, Any] = {"date": "2026H2", "corridors": everywhere, "factor": 0.0}
    closed = with_event(drawn, "closure", Target.CAPACITY, **event)
    check(closed)
    run = trace(closed, SOME)
    x = run.parameters.exchange
    for step, record in enumerate(run.records):
        shut = step >= 2
        assert (record.exchange.flow.any(axis=(0, 1, 2)) == (not shut)).all()
        assert (run.worlds[step + 1].transit.any(axis=(0, 1, 2)) == (not shut)).all()
        if shut:
            wanted = x.first_cost + x.unreachable_cost
            np.testing.assert_array_equal(record.exchange.cost, wanted)
            assert (record.exchange.open_capacity == 0).all()
    before, after = run.worlds[2].trade, run.worlds[-1].trade
    assert (after < before).all()
    assert (after > 0).all()
    np.testing.assert_array_equal(run.worlds[-1].capacity, run.worlds[2].capacity)
    event = {"date": "2026H2", "corridors": everywhere, "size": -1e3, "half_life": 1e-2}
    brief = with_event(drawn, "closure", Target.CAPACITY, **event)
    reopened = trace(brief, SOME).records[3].exchange
    assert reopened.flow.any(axis=(0, 1, 2)).all()


def test_no_trade_and_no_route_is_harmless_also_when_a_route_opens(drawn: Scenario) -> None:
    """Nobody trades with China, and the only way there is under construction."""
    changes: dict[str, Any] = {f"states.{s}.trade": {"cn": 0.0} for s in STATES}
    for name, corridor in drawn.corridors.items():
        if name != "cku":
            others = tuple(partner for partner in corridor.partners if partner != "cn")
            changes[f"corridors.{name}.partners"] = others
    changes["events.railway_opens.date"] = "2027H1"
    apart = vary(drawn, changes)
    check(apart)
    run = trace(apart, SOME)
    for step, record in enumerate(run.records):
        cost = record.exchange.cost[:, 1, 0]
        assert not record.exchange.trade[:, 1].any()
        reached = [STATES.index(s) for s in drawn.corridors["cku"].states]
        unreachable = run.parameters.exchange.unreachable_cost.item()
        assert (cost[0] == unreachable).all()
        assert (cost[reached] == unreachable).all() == (step < 3)


def test_opinion_keeps_within_its_range_when_an_event_takes_what_it_rests_on(
    drawn: Scenario,
) -> None:
    """O7: a public that deliveries won or lost, and an event that then moves all opinion."""
    lively = vary(drawn, {"rules.opinion.delivery_effect": 5.0})
    seen = set()
    for size in (-0.6, 0.6):
        event: dict[str, Any] = {"date": "2027H2", "size": size}
        shocked = with_event(lively, "mood", Target.OPINION, **event)
        check(shocked)
        run = trace(shocked, SOME)
        for record in run.records:
            opinion = record.ties.opinion
            assert opinion.min() >= 0
            assert opinion.max() <= 1
            seen |= {0.0, 1.0} & set(opinion.ravel())
        assert run.worlds[3].opinion_shift.any()
    assert seen == {0.0, 1.0}


@pytest.mark.parametrize("rule", list(ChoiceRule))
def test_yearly_and_quarterly_steps_share_their_first_appraisal(
    central: Scenario, rule: ChoiceRule
) -> None:
    """Offers of a step scale with its length; beliefs and ties at the start do not."""
    scenario: Mapping[str, Any] = {"rules.choice.rule": rule}
    runs = [trace(ending(vary(central, scenario), "2027H2", s), range(1)) for s in (1.0, 0.5, 0.25)]
    year, half, quarter = (run.records[0] for run in runs)
    np.testing.assert_allclose(half.offers.amount, year.offers.amount / 2, rtol=1e-12)
    np.testing.assert_allclose(quarter.offers.amount, year.offers.amount / 4, rtol=1e-12)
    assert np.array_equal(quarter.ties.total, year.ties.total)
    assert np.array_equal(quarter.offers.credibility, year.offers.credibility)
