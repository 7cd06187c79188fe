"""From the numbers of the configuration to the arrays of a run, each written out once more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import poisson
from support import Trace, baseline, certain, ending, trace, vary, with_event

from sim.axes import DOMAINS, POWER, Domain
from sim.calibration import choice_constants, first_appraisal
from sim.scenario import Scenario
from sim.specs import Target

INFINITE = float("inf")
STATES = ("kz", "kg", "tj", "tm", "uz")
POWERS = ("ru", "cn", "eu")


@pytest.fixture(scope="module")
def central() -> Scenario:
    """Three years of the baseline at central values."""
    return ending(certain(), "2028H2")


@pytest.fixture(scope="module")
def run(central: Scenario) -> Trace:
    return trace(central, range(400))


def test_offers_are_split_by_domain_and_by_the_root_of_gdp(central: Scenario, run: Trace) -> None:
    roots = {code: math.sqrt(state.gdp.of()) for code, state in central.states.items()}
    for s, state in enumerate(STATES):
        for p, power in enumerate(POWERS):
            for d, domain in enumerate(DOMAINS):
                share = central.powers[power].domain_shares.of(domain)
                wanted = share * roots[state] / sum(roots.values())
                assert run.parameters.allocation[s, p, d, 0] == pytest.approx(wanted, rel=1e-13)


def test_weights_of_the_domains_have_mean_one_in_every_state() -> None:
    weights = trace(ending(baseline(), "2026H1"), range(50)).parameters.domain_weights
    np.testing.assert_allclose(weights.mean(axis=2), 1, rtol=1e-13)
    given = baseline().states["tj"].domain_weights
    unequal = vary(certain(), {"states.tj.domain_weights": {"energy": 3.2}})
    found = trace(ending(unequal, "2026H1"), range(1)).parameters.domain_weights[2, 0, :, 0]
    wanted = np.array([3.2 if domain == "energy" else given.of(domain) for domain in DOMAINS])
    np.testing.assert_allclose(found, wanted / wanted.mean(), rtol=1e-13)


def test_affinity_is_constant_memberships_and_opinion(central: Scenario, run: Trace) -> None:
    """E8, with CIS Plus begun by its event and all others as they stand."""
    constants = choice_constants(central)
    a = central.rules.appraisal
    found = run.parameters.affinity.at(0)
    for s, (code, state) in enumerate(central.states.items()):
        for p, power in enumerate(POWERS):
            opinion = a.opinion_weight.of() * state.responsiveness.of()
            opinion *= state.opinion.of(power) - 0.5
            for d, domain in enumerate(DOMAINS):
                wanted = constants[power][d] + opinion
                for name, institution in central.institutions.items():
                    event = central.events["cis_plus_opens"]
                    members = event.members if name == event.institution else institution.members
                    anchor = institution.anchors.get(power)
                    assert members is not None
                    if anchor is not None and {code} <= set(members.entries):
                        effect = dict(zip(anchor.entries, anchor.value, strict=True))
                        wanted += members.of(code) * effect.get(domain, 0.0)
                assert found[s, p, d, 0] == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_conditions_cost_by_aversion_and_sensitivity(central: Scenario, run: Trace) -> None:
    """E7: Con = beta_c kappa_s c_pd, taken from utility."""
    aversion = central.rules.appraisal.conditionality_aversion.of()
    for s, state in enumerate(central.states.values()):
        for p, power in enumerate(central.powers.values()):
            for d, domain in enumerate(DOMAINS):
                cost = aversion * state.conditionality_sensitivity.of()
                wanted = -cost * power.conditionality.of(domain)
                found = run.records[0].appraisal.terms.conditionality[s, p, d, 0]
                assert found == pytest.approx(wanted, rel=1e-13)


def test_rates_of_a_step_follow_from_yearly_numbers(central: Scenario, run: Trace) -> None:
    p, rules = run.parameters, central.rules
    for d, domain in enumerate(DOMAINS):
        time = rules.delivery.processing_time.of(domain)
        assert p.processing[0, 0, d, 0] == pytest.approx(1 - math.exp(-0.5 / time), rel=1e-13)
        kept = math.sqrt(1 - rules.capital.depreciation.of(domain))
        assert p.capital_retained[0, 0, d, 0] == pytest.approx(kept, rel=1e-13)
    assert p.memory.item() == pytest.approx(2 ** (-0.5 / 10), rel=1e-13)
    growth = np.exp([0.5 * state.growth.of() for state in central.states.values()])
    for step in range(central.steps + 1):
        np.testing.assert_allclose(p.gdp_growth.at(step).ravel(), growth, rtol=1e-13)
    assert p.surge_mean.ravel().tolist() == [0.05, 0.25]


def test_beliefs_start_at_the_delivery_probability(central: Scenario, run: Trace) -> None:
    first = run.worlds[0]
    for p, power in enumerate(POWERS):
        for d, domain in enumerate(DOMAINS):
            probability = central.powers[power].delivery.of(domain)
            np.testing.assert_allclose(first.successes[:, p, d], 4 * probability, rtol=1e-13)
            np.testing.assert_allclose(first.failures[:, p, d], 4 - 4 * probability, rtol=1e-13)


def test_stocks_start_at_the_documented_shares(central: Scenario, run: Trace) -> None:
    """Dependence before the first pick is x0 in each domain, trade shares in trade.

    In infrastructure transit takes its weight from x0 (E25).
    """
    ties = run.records[0].ties.by_domain
    transit = run.worlds[0].transit[:, :, 0, 0]
    weight = central.rules.dependence.transit_weight.of()
    assert transit[:, 0].min() > 0.1  # Russia holds the north
    for s, state in enumerate(central.states.values()):
        partners = math.fsum(state.trade.value)
        for p, power in enumerate(POWERS):
            share = ties[s, p, Domain.TRADE, 0]
            assert share == pytest.approx(state.trade.of(power) / partners, rel=1e-13)
            for domain in ("infrastructure", "energy", "security"):
                wanted = getattr(state.initial_dependence, domain).of(power)
                if domain == "infrastructure":
                    wanted = (1 - weight) * wanted + weight * transit[s, p]
                found = ties[s, p, DOMAINS.index(domain), 0]
                assert found == pytest.approx(wanted, rel=1e-12)
    # remittances count for Russia in human ties: K + remcap Rem over all K and K^o
    state = central.states["tj"]
    total = central.rules.capital.scale.of("technology") * state.gdp.of() / 100
    sent = state.remittances.of() * state.gdp.of() * state.remittances_from_russia.of()
    counted = central.rules.dependence.remittance_capital.of() * sent
    tied = state.initial_dependence.technology.of("ru") * total + counted
    found = ties[2, 0, Domain.TECHNOLOGY, 0]
    assert found == pytest.approx(tied / (total + counted), rel=1e-12)


def test_initial_investment_is_split_as_documented_or_by_gdp(central: Scenario, run: Trace) -> None:
    found = run.worlds[0].investment[:, :, 0, 0]
    gdp = np.array([state.gdp.of() for state in central.states.values()])
    russia = central.powers["ru"].investment_stock.of()
    np.testing.assert_allclose(found[:, 0], russia * gdp / gdp.sum(), rtol=1e-13)
    split = central.powers["cn"].investment_split
    assert split is not None
    china = central.powers["cn"].investment_stock.of() * np.array([split.of(s) for s in STATES])
    np.testing.assert_allclose(found[:, 1], china, rtol=1e-13)


def test_choice_constants_meet_the_target_shares(central: Scenario) -> None:
    chances = first_appraisal(central, choice_constants(central))
    for d, domain in enumerate(DOMAINS):
        target = central.rules.choice.target_shares[domain]
        wanted = [target.of(option) for option in ("none", *POWERS)]
        np.testing.assert_allclose(chances[:, :, d, 0].mean(axis=0), wanted, atol=1e-12)


@pytest.mark.parametrize(
    "change", [{"powers.eu.budget": 4.0}, {"rules.appraisal.lock_in": 0.0}], ids=str
)
def test_changes_of_a_scenario_are_not_absorbed_by_the_constants(
    central: Scenario, change: dict[str, float]
) -> None:
    assert choice_constants(vary(central, change)) == choice_constants(central)


# --- environment ----------------------------------------------------------------------------------


def test_environment_is_the_start_and_all_fading_surges(run: Trace) -> None:
    """E1: X and tau from Poisson quantiles of the draws, each event halving at its half-life."""
    threat = np.array([0.25, 0.40, 0.70, 0.40, 0.45]).reshape(5, 1)
    sanctions = np.full((1, 1), 0.4)
    seen = 0
    for step, record in enumerate(run.records):
        found_x, found_tau = 0.0 * sanctions, 0.0 * threat
        for before in range(step + 1):
            age = (step - before) * 0.5
            draws = run.draws.events[before][:, :, 0]
            incidents = poisson.ppf(draws[:, 0], 0.1 * 0.5)
            incidents[[0, 1]] = 0  # the Afghan border is that of Tajikistan, Uzbekistan, Turkmenia
            packages = poisson.ppf(draws[:1, 1], 0.5 * 0.5)
            found_tau = found_tau + 0.2 * incidents * 2 ** (-age / 1)
            found_x = found_x + 0.03 * packages * 2 ** (-age / 3)
            seen += int(incidents.sum() + packages.sum())
        programme = np.zeros((5, 1))
        programme[2] = -0.05 if step >= 1 else 0.0  # border programme from 2026H1
        wanted = np.clip(threat + programme + found_tau, 0, 2)
        np.testing.assert_allclose(record.environment.threat[:, 0, 0], wanted, rtol=1e-12)
        wanted = np.clip(sanctions + found_x, 0, 1)
        np.testing.assert_allclose(record.environment.sanctions[:, 0, 0], wanted, rtol=1e-12)
    assert seen > 500


@pytest.mark.parametrize("half_life", [1.0, INFINITE])
def test_a_dated_event_fades_from_its_date_on(central: Scenario, half_life: float) -> None:
    quiet = vary(central, {"events": {}})
    event = {"date": "2027H1", "size": 0.3, "half_life": half_life, "states": ("kg",)}
    shocked = trace(with_event(quiet, "shock", Target.THREAT, **event), range(1))
    for step, record in enumerate(shocked.records):
        age = (step - 3) * 0.5
        effect = 0.3 * 2 ** (-age / half_life) if age >= 0 else 0.0
        threat = record.environment.threat[:, 0, 0, 0]
        assert threat[1] == pytest.approx(0.40 + effect, rel=1e-13)
        assert threat[0] == 0.25


def test_an_event_before_the_start_has_faded_by_then(central: Scenario) -> None:
    quiet = vary(central, {"events": {}})
    event = {"date": "2024H2", "size": 0.3, "half_life": 1.0}
    first = trace(with_event(quiet, "shock", Target.SANCTIONS, **event), range(1)).records[0]
    assert first.environment.sanctions.item() == pytest.approx(0.4 + 0.15, rel=1e-13)


def test_peace_ends_the_drain_on_the_budget(central: Scenario) -> None:
    peace = trace(with_event(central, "peace", Target.WAR, date="2027H1", size=-1.0), range(1))
    budgets = np.array([world.budget[0, 0, 0, 0] for world in peace.worlds])
    rates = np.log(budgets[1:] / budgets[:-1]) / 0.5
    np.testing.assert_allclose(rates[:3], 0.02 - 0.06, rtol=1e-10)
    np.testing.assert_allclose(rates[3:], 0.02, rtol=1e-10)


def test_accession_brings_affinity_and_protection(central: Scenario) -> None:
    members = {"kz": 1.0, "kg": 1.0, "tj": 1.0, "uz": 1.0}
    event = {"date": "2027H1", "institution": "csto", "members": members}
    run = trace(with_event(central, "accession", Target.MEMBERSHIP, **event), range(1)).parameters
    before, after = (run.affinity.at(step) for step in (2, 3))
    anchor = central.institutions["csto"].anchors["ru"].of("security")
    gain = (after - before)[..., 0]
    assert gain[4, 0, Domain.SECURITY] == pytest.approx(anchor, rel=1e-12)
    gain[4, 0, Domain.SECURITY] = 0
    assert not gain.any()
    protection = (run.protection.at(3) - run.protection.at(2))[:, :, 0, 0]
    assert protection[4].tolist() == [0.5, 0, 0]
    assert not protection[:4].any()


def test_the_later_of_two_accessions_counts_whatever_their_order(central: Scenario) -> None:
    first = {"date": "2026H2", "institution": "eaeu", "members": {"uz": 1.0}}
    second = {"date": "2027H2", "institution": "eaeu", "members": {"tj": 1.0}}
    paths = []
    for events in ((first, second), (second, first)):
        scenario = central
        for name, event in zip("ab", events, strict=True):
            scenario = with_event(scenario, name, Target.MEMBERSHIP, **event)
        timeline = trace(scenario, range(1)).parameters.affinity
        paths.append([timeline.at(step) for step in range(central.steps)])
    for one_way, other_way in zip(*paths, strict=True):
        assert np.array_equal(one_way, other_way)
    assert len({path.tobytes() for path in paths[0]}) == 3
    assert (paths[0][4][2, 0] > paths[0][3][2, 0]).any()  # Tajikistan joins
    assert paths[0][0].shape[POWER] == 3
