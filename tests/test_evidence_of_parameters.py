"""Every number in ``configs/`` rests on facts or says why it is assumed."""

from __future__ import annotations

import dataclasses
import math
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from sim import compose
from sim.cli import main
from sim.errors import InputError
from sim.evidence import Ledger, load_ledger
from sim.gate import build_scenario
from sim.provenance import provenance
from sim.sampling import sample
from sim.scenario import Scenario, quantities


@pytest.fixture(scope="module")
def baseline() -> Scenario:
    return compose.load_scenario()


@pytest.fixture(scope="module")
def tree() -> dict[str, Any]:
    return compose._compose((), (compose.CONFIG_DIR,))[0]


def without(ledger: Ledger, fact: str) -> Ledger:
    facts = {name: record for name, record in ledger.facts.items() if name != fact}
    return dataclasses.replace(ledger, facts=MappingProxyType(facts))


def test_every_number_resolves(baseline: Scenario) -> None:
    rows = provenance(baseline, load_ledger())
    assert len(rows) > 400
    for row in rows:
        assert row.unit
        assert row.low <= row.value <= row.high
        assert row.facts or row.assumption, row.name
        assert bool(row.sources) == bool(row.facts)


def test_no_number_in_the_configuration_stands_outside_a_quantity() -> None:
    """Plain numbers are ids and settings of the computation, nothing else."""
    plain = {"id", "step", "replicates", "seed", "workers", "chunk", "points", "samples", "levels"}
    inside = {"value", "low", "high", "concentration", "derivation", "values"}

    def walk(node: Any, path: tuple[str, ...]) -> None:
        if isinstance(node, dict):
            for key, part in node.items():
                walk(part, (*path, str(key)))
        elif isinstance(node, list):
            for part in node:
                walk(part, path)
        elif isinstance(node, int | float) and not isinstance(node, bool):
            assert path[-1] in plain or inside & set(path), path

    for file in compose.CONFIG_DIR.rglob("*.yaml"):
        walk(yaml.safe_load(file.read_text(encoding="utf-8")), (file.name,))


@pytest.mark.parametrize(
    ("fact", "parameter"),
    [
        ("pledge-eu-ca5-132", "powers.eu.budget"),
        ("trade-kz-ru-2024-280", "states.kz.trade"),
        ("csto-kazakhstan-2022", "institutions.csto.protection"),
        ("implementation-rate-cis-2011", "powers.ru.delivery"),
        ("cis-plus-established-2025-10-10", "institutions.cis_plus.members"),
        ("three-summits-recent-months", "story"),
        ("commonwealth-fair-taraz-2026", "events.commonwealth_fair"),
    ],
)
def test_deleting_a_fact_makes_the_load_fail(
    tree: dict[str, Any], fact: str, parameter: str
) -> None:
    build_scenario(tree, load_ledger())
    with pytest.raises(InputError) as caught:
        build_scenario(tree, without(load_ledger(), fact))
    assert fact in str(caught.value)
    used = {q.path for q in quantities(compose.load_scenario()) if fact in q.all_facts()}
    assert str(caught.value).split(".evidence")[0] in used | {parameter}


def test_a_changed_fact_breaks_the_derivation_that_rests_on_it(tree: dict[str, Any]) -> None:
    ledger = load_ledger()
    changed = dataclasses.replace(ledger.fact("pledge-eu-ca5-132"), value=20.0, low=None)
    facts = MappingProxyType({**ledger.facts, changed.id: changed})
    with pytest.raises(InputError, match=r"powers\.eu\.budget\.value: 2\.6 .* gives 4"):
        build_scenario(tree, dataclasses.replace(ledger, facts=facts))


def test_documented_totals(baseline: Scenario) -> None:
    """Tables agree with what the documents add up to."""
    trade = {code: state.trade for code, state in baseline.states.items()}
    assert 44.7 <= sum(t.of("ru") for t in trade.values()) <= 51  # three speakers, 44.7 to over 50
    assert 25 <= trade["kz"].of("ru") <= 28
    stock = sum(
        getattr(state.initial_dependence, domain).of("ru")
        * baseline.rules.capital.scale.of(domain)
        * state.gdp.of()
        / 100
        for state in baseline.states.values()
        for domain in ("infrastructure", "energy", "technology")
    )
    assert stock == pytest.approx(20, rel=0.05)  # Russian stock of 20 billion dollars
    for state in baseline.states.values():
        assert math.fsum(state.domain_weights.value) == pytest.approx(5)


def test_uncertainty_none_takes_central_values(baseline: Scenario) -> None:
    central = compose.load_scenario("strategic_balance", "uncertainty=none")
    values = sample(central, range(3))
    for quantity in quantities(central):
        for entry, value in zip(quantity.entries, quantity.value, strict=True):
            assert values[quantity.name(entry)].tolist() == [value]


def test_draws_stay_in_their_ranges(baseline: Scenario) -> None:
    values = sample(baseline, range(500))
    for quantity in quantities(baseline):
        drawn = [values[quantity.name(entry)] for entry in quantity.entries]
        for place, array in enumerate(drawn):
            if quantity.concentration is None:
                assert array.min() >= quantity.low[place] - 1e-12
                assert array.max() <= quantity.high[place] + 1e-12
        if quantity.draw == "dirichlet":
            assert sum(drawn) == pytest.approx(math.fsum(quantity.value))


def test_a_value_set_by_the_user_is_not_drawn_and_says_so() -> None:
    scenario = compose.load_scenario(
        "strategic_balance", "powers.eu.budget.value=9", "powers.eu.delivery.value.energy=0.9"
    )
    values = sample(scenario, range(50))
    assert values["powers.eu.budget"].tolist() == [9.0]
    assert values["powers.eu.delivery.energy"].tolist() == [0.9]
    assert len(values["powers.eu.delivery.trade"]) == 50
    grounds = {row.name: row.grounds for row in provenance(scenario, load_ledger())}
    assert grounds["powers.eu.budget"] == "set by the user"
    assert grounds["powers.eu.delivery.energy"] == "set by the user"
    assert grounds["powers.eu.delivery.trade"] != "set by the user"


def test_a_range_set_by_the_user_is_drawn_and_says_so() -> None:
    scenario = compose.load_scenario(
        "strategic_balance", "powers.eu.budget.low=2.5", "powers.eu.budget.high=2.7"
    )
    drawn = sample(scenario, range(200))["powers.eu.budget"]
    assert 2.5 <= drawn.min() < drawn.max() <= 2.7
    grounds = {row.name: row.grounds for row in provenance(scenario, load_ledger())}
    assert grounds["powers.eu.budget"] == "set by the user"


def test_evidence_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "--scenario", "strategic_balance"]) == 0
    table = capsys.readouterr().out
    assert "powers.eu.budget" in table
    assert "USD bn/yr" in table
    assert "pledge-eu-ca5-132" in table
    assert main(["evidence", "trade-ca5-ru-2024-447"]) == 0
    assert "44.7" in capsys.readouterr().out
    assert main(["evidence"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(load_ledger().facts)


def test_a_mapping_sets_only_the_entries_it_names() -> None:
    scenario = compose.load_scenario("strategic_balance", "powers.ru.delivery.value={energy: 0.9}")
    values = sample(scenario, range(50))
    assert values["powers.ru.delivery.energy"].tolist() == [0.9]
    assert len(values["powers.ru.delivery.trade"]) == 50
