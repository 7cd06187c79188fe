"""Scenarios, mechanisms and examples run, in both hosts alike, and their accounts balance."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import xarray as xr
from support import outcomes, same_bits, trace

import sim
from sim.analysis.expectations import AGREEMENT, findings
from sim.compose import CONFIG_DIR, list_scenarios
from sim.model import PartnershipModel
from sim.scenario import Scenario

SCENARIOS: Final = tuple(list_scenarios())
MECHANISMS: Final = tuple(sorted(p.stem for p in (CONFIG_DIR / "mechanism").glob("*.yaml")))
OWN: Final = Path(__file__).parent.parent / "experiments" / "02-own-world" / "mine"
EXAMPLES: Final = tuple(sorted(path.stem for path in (OWN / "scenario").glob("*.yaml")))
BASELINE: Final = "strategic_balance"
REPLICATES: Final = range(254, 258)
"""Replicates on both sides of the end of a block of draws."""
SAMPLE: Final = 1000
LISTED: Final = 18


@lru_cache(maxsize=4)
def load(name: str, *overrides: str, own: bool = False, **settings: Any) -> Scenario:
    quiet = ("output.workers=1", "output.progress=false")
    folder = OWN if own else None
    return sim.load_scenario(name, *quiet, *overrides, config_dir=folder, **settings)


def both_hosts_agree(scenario: Scenario) -> None:
    """One replicate in Mesa has the bits that it has among others in the ensemble."""
    data, final = outcomes(scenario, REPLICATES)
    place = 2
    model = PartnershipModel(scenario, REPLICATES[place]).run()
    alone, end = model.outcomes()
    same_bits({n: a[..., place : place + 1] for n, a in data.items()}, alone)
    same_bits({n: a[..., place : place + 1] for n, a in final.items()}, end)


def accounts_balance(scenario: Scenario) -> None:
    """Money, commitments, shares and freight, in every period."""
    run = trace(scenario, REPLICATES)
    run.worlds[0].invariants()
    for before, record, after in zip(run.worlds, run.records, run.worlds[1:], strict=False):
        after.invariants(before, record)
    for record in run.records:
        assert (record.exchange.flow >= 0).all()
        shares = record.exchange.transit_routes.sum(axis=1)
        np.testing.assert_allclose(shares, 1.0, rtol=1e-12)


def test_all_scenarios_are_listed() -> None:
    assert len(SCENARIOS) == LISTED
    assert BASELINE in SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_runs_alike_in_both_hosts_and_its_accounts_balance(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.story.evidence
    assert name == BASELINE or scenario.story.expected
    both_hosts_agree(scenario)
    accounts_balance(scenario)


@pytest.mark.parametrize("name", MECHANISMS)
def test_mechanism_runs_alike_in_both_hosts_and_its_accounts_balance(name: str) -> None:
    scenario = load(BASELINE, f"mechanism={name}")
    both_hosts_agree(scenario)
    accounts_balance(scenario)


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_example_runs_alike_in_both_hosts(name: str) -> None:
    scenario = load(name, own=True)
    both_hosts_agree(scenario)
    accounts_balance(scenario)


@pytest.mark.parametrize("mechanism", ["no_hedging", "nested", "coercion", "frozen_corridors"])
@pytest.mark.parametrize("name", ["one_voice", "gateway_delivers", "five_suitors"])
def test_mechanisms_combine_with_scenarios(name: str, mechanism: str) -> None:
    accounts_balance(load(name, f"mechanism={mechanism}"))


def test_further_states_and_powers_run() -> None:
    scenario = load(BASELINE, "states=cis_plus", "powers=five_suitors")
    assert len(scenario.states) == 11
    both_hosts_agree(scenario)
    accounts_balance(scenario)


@pytest.mark.parametrize("step", [1.0, 0.25])
def test_whole_model_runs_at_other_steps(step: float) -> None:
    scenario = load("after_alaska", f"horizon.step={step}")
    both_hosts_agree(scenario)
    accounts_balance(scenario)


# --- expectations ---------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def first_run() -> xr.Dataset:
    return sim.run(load(BASELINE, replicates=SAMPLE, seed=1)).data


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != BASELINE])
def test_signs_hold_or_the_file_says_why_not(name: str) -> None:
    scenario = load(name, replicates=SAMPLE, seed=1)
    found = findings(scenario, sim.run(scenario).data, first_run())
    assert len(found) == len(scenario.story.expected)
    for finding in found:
        contested = finding.expected.contested is not None
        assert finding.holds != contested, f"{finding.name}: {finding.agreeing:.3f} agree"


def test_a_sign_that_is_wrong_is_noticed() -> None:
    scenario = load("hollow_partner", replicates=100, seed=1)
    base = sim.run(load(BASELINE, replicates=100, seed=1)).data
    found = {f.name: f for f in findings(scenario, sim.run(scenario).data, base)}
    assert found["russian_contracts"].agreeing >= AGREEMENT
    nothing = findings(scenario, base, base)
    assert all(finding.agreeing == 0 for finding in nothing)
