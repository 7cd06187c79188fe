"""Leaving a document out changes the numbers that rest on it, and says which conclusions go."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import sim
from sim.analysis.compare import baseline_of
from sim.analysis.documents import (
    MOST,
    NOBODY_FIRST,
    Conclusion,
    conclusions,
    leave_one_out,
)
from sim.analysis.expectations import findings
from sim.analysis.withheld import WIDER, without
from sim.errors import InputError
from sim.evidence import Ledger, load_ledger
from sim.quantity import Draw, Quantity
from sim.sampling import sample
from sim.scenario import Scenario, quantities
from sim.vary import form_of

SUMMIT = "central-asia-russia-second-summit"
"""The document on which most numbers rest."""
BUDGET = "powers.eu.budget"


@lru_cache(maxsize=8)
def small(*overrides: str, name: str = "strategic_balance", replicates: int = 20) -> Scenario:
    """Three half-years."""
    found = sim.load_scenario(name, "horizon.end=2027H1", *overrides, replicates=replicates)
    return replace(found, output=replace(found.output, progress=False, workers=1))


@lru_cache(maxsize=1)
def ledger() -> Ledger:
    return load_ledger()


def gone(document: str) -> set[str]:
    """Facts that nobody else states."""
    return {
        name
        for name, fact in ledger().facts.items()
        if all(citation.source == document for citation in fact.citations)
    }


def by_path(scenario: Scenario) -> dict[str, Quantity]:
    return {quantity.path: quantity for quantity in quantities(scenario)}


@lru_cache(maxsize=1)
def behind() -> dict[str, set[str]]:
    """Names of the numbers of the baseline that rest on each document."""
    found: dict[str, set[str]] = {}
    for quantity in quantities(small()):
        for entry in quantity.entries:
            for fact in quantity.facts(entry):
                for citation in ledger().fact(fact).citations:
                    found.setdefault(citation.source, set()).add(quantity.name(entry))
    return found


DOCUMENTS = sorted(behind())


def range_of(quantity: Quantity, entry: str = "") -> tuple[float, float, float]:
    place = quantity.entries.index(entry)
    return quantity.low[place], quantity.value[place], quantity.high[place]


def resting(scenario: Scenario, *facts: str, **more: Any) -> Scenario:
    """Scenario with a budget of the European Union that rests on other facts."""
    budget = replace(scenario.powers["eu"].budget, evidence={"": facts}, **more)
    power = replace(scenario.powers["eu"], budget=budget)
    return replace(scenario, powers={**scenario.powers, "eu": power})


def left(scenario: Scenario, document: str) -> tuple[float, float, float]:
    """Range of that budget without a document."""
    return range_of(without(scenario, document, ledger()).powers["eu"].budget)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS)
def test_only_numbers_that_rest_on_lost_facts_change(document: str) -> None:
    before, lost = by_path(small()), gone(document)
    changed = without(small(), document, ledger())
    for quantity in quantities(changed):
        old = before[quantity.path]
        if lost.isdisjoint(old.all_facts()):
            assert quantity is old
            continue
        for entry in old.entries:
            facts = old.facts(entry)
            assert quantity.facts(entry) == tuple(fact for fact in facts if fact not in lost)
            if lost.isdisjoint(facts):
                assert range_of(quantity, entry) == range_of(old, entry)
    touched = any(not lost.isdisjoint(quantity.all_facts()) for quantity in before.values())
    assert (changed is small()) != touched


def bare(quantity: Quantity, entry: str, lost: set[str]) -> bool:
    """Whether an entry has nothing left of its facts, or of what it was derived from."""
    facts, rule = quantity.facts(entry), quantity.derivation
    if not facts or lost.isdisjoint(quantity.all_facts()):
        return False
    derived = rule is not None and all(
        not lost.isdisjoint(map(str, given.values())) for given in rule.arguments.values()
    )
    return derived or lost.issuperset(facts)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_numbers_without_any_fact_are_drawn_from_a_wider_range(document: str) -> None:
    before, facts_lost, lost = by_path(small()), gone(document), Counter[str]()
    after = by_path(without(small(), document, ledger(), lost))
    wanted = set()
    for path, old in before.items():
        limits, new = form_of(small(), path).limits, after[path]
        for entry in old.entries:
            low, value, high = range_of(old, entry)
            found = range_of(new, entry)
            assert limits.lower <= found[0] <= found[1] <= found[2] <= limits.upper
            if not bare(old, entry, facts_lost):
                continue
            wanted.add(old.name(entry))
            assert found[1] == value
            if old.draw is not Draw.TRIANGULAR:  # fixed, or less sure around its value
                assert found == (low, value, high)
                continue
            ends = (
                max(limits.lower, value - WIDER * (value - low)),
                min(limits.upper, value + WIDER * (high - value)),
            )
            if limits.positive and ends[0] <= 0:
                ends = (low, ends[1])
            assert found[0] == pytest.approx(ends[0])
            if form_of(small(), path).simplex is None:
                assert found[2] == pytest.approx(ends[1])
            else:
                assert found[2] <= ends[1] + 1e-12
    assert set(lost) == wanted <= behind()[document]


def test_shares_around_a_value_are_less_sure() -> None:
    """Weighed like a quarter of the observations: half as sure."""
    document = "eca-2013"
    old, new = (
        each.powers["eu"].delivery for each in (small(), without(small(), document, ledger()))
    )
    assert gone(document).issuperset(old.all_facts())
    assert new.concentration == pytest.approx((old.concentration or 0) / WIDER**2)
    assert new.value == old.value
    drawn = [sample(each, range(500)) for each in (small(), without(small(), document, ledger()))]
    for entry in old.entries:
        spread = [numbers[old.name(entry)].std() for numbers in drawn]
        assert 1.3 < spread[1] / spread[0] < 2.2


@pytest.mark.parametrize("document", DOCUMENTS)
def test_numbers_that_keep_a_fact_are_drawn_as_before(document: str) -> None:
    """Those with derived ends apart, which close in, and shares that make room for others."""
    lost = gone(document)
    changed = without(small(), document, ledger())
    drawn, again = (sample(scenario, range(5)) for scenario in (small(), changed))
    for quantity in quantities(small()):
        if quantity.draw is Draw.DIRICHLET:
            continue
        for entry in quantity.entries:
            facts = quantity.facts(entry)
            closes = quantity.derivation is not None and not lost.isdisjoint(facts)
            shared = quantity.concentration is not None and not lost.isdisjoint(
                quantity.all_facts()
            )
            if not closes and not shared and not (facts and lost.issuperset(facts)):
                name = quantity.name(entry)
                np.testing.assert_array_equal(again[name], drawn[name], err_msg=name)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_shares_of_one_whole_stay_within_it(document: str) -> None:
    changed = without(small(), document, ledger())
    drawn = sample(changed, range(200))
    for quantity in quantities(changed):
        if form_of(small(), quantity.path).simplex is not None:
            whole = sum(drawn[quantity.name(entry)] for entry in quantity.entries)
            assert np.max(whole) <= 1 + 1e-9, quantity.path
            if quantity.draw is Draw.TRIANGULAR:
                assert sum(quantity.high) <= 1 + 1e-9, quantity.path


def test_an_end_that_was_derived_from_a_lost_fact_closes_in() -> None:
    stated = small().powers["eu"].budget
    assert range_of(stated) == (1.9, 2.6, 4.4)
    assert stated.derivation is not None
    rule = stated.derivation
    kept = "fig-pledge-ca5-eu-2025"
    cases: dict[tuple[str, ...], tuple[float, float, float]] = {
        ("low",): (2.6, 2.6, 4.4),
        ("high",): (1.9, 2.6, 2.6),
        ("low", "high"): (2.6, 2.6, 2.6),
        ("value",): (1.9, (1.9 + 4.4) / 2, 4.4),
    }
    for ends, wanted in cases.items():
        arguments = {
            key: given if key in ends else {**given, "package": kept}
            for key, given in rule.arguments.items()
        }
        scenario = resting(
            small(),
            "pledge-eu-ca5-132",
            kept,
            derivation=replace(rule, arguments=arguments),
        )
        assert left(scenario, SUMMIT) == pytest.approx(wanted)
        assert left(scenario, "astanatimes-samarkand-2025") == (1.9, 2.6, 4.4)


def test_a_derived_number_whose_facts_are_all_lost_widens() -> None:
    scenario = resting(small(), "pledge-eu-ca5-132", "most-significant-offer-eu")
    assert left(scenario, SUMMIT) == pytest.approx((2.6 - 2 * 0.7, 2.6, 2.6 + 2 * 1.8))
    lost = Counter[str]()
    found = without(scenario, SUMMIT, ledger(), lost)
    assert BUDGET in lost
    assert found.powers["eu"].budget.evidence == {}


def test_a_derived_number_that_keeps_its_own_fact_stays() -> None:
    """The shipped budget of the Union, without documents that say other things about it."""
    for document in ("ieu-samarkand-summit-2025", "astanatimes-samarkand-2025"):
        found = without(small(), document, ledger()).powers["eu"].budget
        assert range_of(found) == (1.9, 2.6, 4.4)
        assert set(found.all_facts()) < set(small().powers["eu"].budget.all_facts())


def test_a_number_that_the_user_has_set_stays_where_it_is() -> None:
    scenario = small(f"{BUDGET}.value=3.1")
    alone = resting(scenario, "pledge-eu-ca5-132")
    lost = Counter[str]()
    found = without(alone, SUMMIT, ledger(), lost).powers["eu"].budget
    assert found.of() == 3.1
    assert BUDGET not in lost
    drawn = sample(without(alone, SUMMIT, ledger()), range(5))
    assert (drawn[BUDGET] == 3.1).all()


def test_nothing_lost_is_the_same_scenario() -> None:
    """Documents whose facts others state as well, and those that nobody cites."""
    kept = [name for name in DOCUMENTS if not gone(name)]
    unused = sorted(set(ledger().sources) - set(DOCUMENTS))
    assert kept
    assert unused
    for name in [*kept, *unused]:
        lost = Counter[str]()
        assert without(small(), name, ledger(), lost) is small()
        assert not lost


def test_the_baselines_behind_a_scenario_change_as_well() -> None:
    scenario = small(name="gateway_delivers")
    found = without(scenario, SUMMIT, ledger())
    assert scenario.baseline is not None
    assert found.baseline is not None
    wanted = by_path(without(scenario.baseline, SUMMIT, ledger()))
    assert by_path(found.baseline) == wanted
    assert wanted != by_path(scenario.baseline)


def test_a_scenario_with_fewer_states_than_its_baseline() -> None:
    scenario = small("states=kz")
    found = without(scenario, SUMMIT, ledger())
    assert found.state_codes == ("KZ",)
    before = by_path(small())
    for path, quantity in by_path(found).items():
        if path.startswith("states.kz.own_security"):
            assert quantity is by_path(scenario)[path]
    wider = by_path(without(small(), SUMMIT, ledger()))
    for path in ("states.kz.hedging", "powers.cn.budget"):
        assert range_of(before[path]) == range_of(by_path(scenario)[path])
        assert range_of(by_path(found)[path]) == range_of(wider[path])


# --- conclusions ----------------------------------------------------------------------------------


def said(found: list[Conclusion]) -> dict[str, Conclusion]:
    assert len({one.about for one in found}) == len(found)
    return {one.about: one for one in found}


def test_conclusions_on_the_baseline_are_those_of_its_run() -> None:
    found = said(conclusions([small()]))
    run = sim.run(small())
    last = run.data.isel(period=-1)
    states, powers = run.scenario.state_codes, run.scenario.power_codes
    assert set(found) == {
        *(f"first partner of {code}" for code in states),
        "order by hedging_index",
        "order by influence",
    }
    for state in states:
        shares = {
            power: np.mean(
                [
                    all(
                        here.sel(power=power) >= here.sel(power=other)
                        for other in powers
                        if other != power
                    )
                    for here in (
                        last["alignment"].sel(state=state, replicate=number)
                        for number in last["replicate"].values
                    )
                ]
            )
            for power in powers
        }
        one = found[f"first partner of {state}"]
        assert one.agreeing == pytest.approx(max(shares.values()))
        if one.agreeing > MOST:
            assert shares[one.says.removesuffix(" is first")] == pytest.approx(one.agreeing)
        else:
            assert one.says == NOBODY_FIRST
    for outcome, dim in (("hedging_index", "state"), ("influence", "power")):
        one = found[f"order by {outcome}"]
        order = one.says.split(" > ")
        middle = last[outcome].median("replicate")
        assert sorted(order) == sorted(map(str, last[dim].values))
        assert [float(middle.sel({dim: code})) for code in order] == sorted(
            map(float, middle.values), reverse=True
        )
        same = [
            all(
                last[outcome].sel({dim: above, "replicate": number})
                >= last[outcome].sel({dim: below, "replicate": number})
                for above, below in pairwise(order)
            )
            for number in last["replicate"].values
        ]
        assert one.agreeing == pytest.approx(np.mean(same))


def test_expected_signs_are_conclusions() -> None:
    scenario = sim.load_scenario("gateway_delivers", "horizon.end=2028H1", replicates=20)
    found = said(conclusions([scenario]))
    runs = [sim.run(each) for each in (scenario, baseline_of(scenario))]
    wanted = findings(scenario, runs[0].data, runs[1].data)
    assert {name for name in found if ": " in name} == {
        f"gateway_delivers: {one.name}" for one in wanted
    }
    assert {one.holds for one in wanted} == {True, False}
    for finding in wanted:
        one = found[f"gateway_delivers: {finding.name}"]
        assert one.agreeing == pytest.approx(finding.agreeing)
        what = " ".join((finding.expected.outcome, *finding.expected.select.values()))
        says = (
            f"{what} goes {finding.expected.sign}" if finding.holds else f"no sure sign of {what}"
        )
        assert one.says == says


def test_conclusions_on_a_scenario_do_not_depend_on_its_company() -> None:
    """Each is paired with the baseline of its own seed."""
    one = sim.load_scenario("gateway_delivers", "horizon.end=2028H1", replicates=20)
    two = replace(one, name="another_seed", seed=99)
    alone, together = said(conclusions([two])), said(conclusions([one, two]))
    signs = [about for about in alone if about.startswith("another_seed: ")]
    assert signs
    for about in signs:
        assert together[about] == alone[about]


# --- one document at a time -----------------------------------------------------------------------


def test_what_changes_is_the_difference_of_two_sets_of_conclusions() -> None:
    documents = [SUMMIT, "times-tengri-dushanbe-cis", "general-knowledge"]
    found = leave_one_out(small(), documents=documents)
    whole = said(conclusions([small()]))
    assert said(list(found.whole)) == whole
    assert list(found.documents["document"]) == documents
    assert found.replicates == 20
    expected = []
    for row, document in zip(found.documents.to_dict("records"), documents, strict=True):
        lost = Counter[str]()
        after = said(conclusions([without(small(), document, ledger(), lost)]))
        changed = [about for about in whole if after[about].says != whole[about].says]
        expected += [
            (
                document,
                about,
                whole[about].says,
                after[about].says,
                whole[about].agreeing,
                after[about].agreeing,
            )
            for about in changed
        ]
        assert row["title"] == ledger().source(document).title
        assert row["numbers"] == len(behind()[document])
        assert row["lost"] == len(lost) > 0
        assert row["changed"] == len(changed)
        assert row["failed"] == ""
    table = found.table()
    assert list(table.columns) == [
        "document",
        "about",
        "before",
        "after",
        "agreeing_before",
        "agreeing_after",
    ]
    assert sorted(table.itertuples(index=False, name=None)) == sorted(expected)
    assert expected
    text = found.text()
    assert text.startswith("Documents left out one at a time (20 replicates, 7 conclusions):")
    for document, about, before, after, *_ in expected:
        (part,) = (part for part in text.split("\n\n") if part.startswith(f"Without {document}:"))
        (line,) = (line for line in part.splitlines() if line.startswith(f"  {about}: {after} "))
        assert f"instead of {before} " in line
        assert line.endswith("%)")


def test_a_document_that_others_repeat_changes_nothing() -> None:
    document = next(name for name in DOCUMENTS if not gone(name))
    found = leave_one_out(small(), documents=[document])
    assert found.table().empty
    row = found.documents.iloc[0]
    assert (row["lost"], row["changed"], row["failed"]) == (0, 0, "")
    assert row["numbers"] > 0
    assert "0 of 7" in found.text()


def test_the_documents_on_which_most_rests_if_none_is_named() -> None:
    found = leave_one_out(small(), replicates=3)
    assert found.replicates == 3
    counts = sorted((len(names) for names in behind().values()), reverse=True)[:8]
    assert list(found.documents["numbers"]) == counts
    assert found.documents["document"].is_unique
    assert found.documents["document"][0] == SUMMIT
    assert (found.documents["failed"] == "").all()


def test_several_scenarios_and_runs() -> None:
    one = small(name="gateway_delivers", replicates=5)
    run = sim.run(replace(one, name="stored", outcomes=("influence",)))
    found = leave_one_out([one, run], documents=[SUMMIT])
    names = [one.about for one in found.whole]
    for scenario in ("gateway_delivers", "stored"):
        for expected in one.story.expected:
            assert f"{scenario}: {expected}" in names
    assert "order by influence" in names
    assert found.documents["failed"][0] == ""


def test_a_scenario_with_fewer_states_can_be_run_without_a_document() -> None:
    found = leave_one_out(small("states=kz", replicates=3), documents=[SUMMIT])
    assert found.documents["failed"][0] == ""


def test_a_document_on_which_nothing_rests_is_refused() -> None:
    unused = sorted(set(ledger().sources) - set(DOCUMENTS))[0]
    with pytest.raises(InputError, match=f"document '{unused}': no number of these scenarios"):
        leave_one_out(small(), documents=[unused])


def test_an_unknown_document_is_refused_with_the_nearest() -> None:
    message = rf"unknown source '{SUMMIT[:-1]}' .nearest valid name: '{SUMMIT}'"
    with pytest.raises(InputError, match=message):
        leave_one_out(small(), documents=[SUMMIT[:-1]])
