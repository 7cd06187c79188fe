"""An explanation says what the model does: its terms, its evidence and what would flip it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import sim
from sim.analysis.explain import Explanation
from sim.analysis.flips import Decision, find_flips
from sim.analysis.trail import RESOLUTION, evidence_trail
from sim.analysis.words import beyond
from sim.axes import DOMAINS, FloatArray
from sim.columns import Variants
from sim.decisions import NONE, TERMS
from sim.ensemble import Host
from sim.errors import InputError
from sim.evidence import Ledger
from sim.model import PartnershipModel
from sim.quantity import Quantity
from sim.sampling import sample
from sim.scenario import Scenario, quantities
from sim.specs import Uncertainty
from sim.step import advance
from sim.vary import vary

Asked = tuple[str, str, str, str, int]
ASKED: tuple[Asked, ...] = (
    ("strategic_balance", "UZ", "2028H1", "trade", 7),
    ("five_suitors", "KZ", "2026H2", "technology", 2),
)


@cache
def scenario_of(name: str) -> Scenario:
    return sim.load_scenario(name)


@cache
def explained(asked: Asked) -> Explanation:
    """A whole explanation, computed once."""
    name, state, period, domain, replicate = asked
    return sim.explain(scenario_of(name), state, period, domain, replicate)


def narrowed(scenario: Scenario, *kept: str) -> Scenario:
    """Scenario in which only the quantities kept have a range."""

    def walk(node: Any) -> Any:
        if isinstance(node, Quantity):
            return node if node.path in kept else replace(node, low=node.value, high=node.value)
        if isinstance(node, Mapping):
            return {key: walk(part) for key, part in node.items()}
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            parts = {f.name: getattr(node, f.name) for f in dataclasses.fields(node)}
            return replace(node, **{n: walk(p) for n, p in parts.items() if n != "baseline"})
        return node

    found: Scenario = walk(scenario)
    return found


def stepped(scenario: Scenario, replicate: int, period: str) -> PartnershipModel:
    """Model of a replicate after a half-year."""
    model = PartnershipModel(scenario, replicate)
    with np.errstate(all="ignore"):  # far beyond the evidence
        for _ in range(scenario.periods.index(period) + 1):
            model.step()
    return model


def most_probable(scenario: Scenario, asked: Asked) -> str:
    """Option with the highest chance in a decision, by running the model."""
    _, state, period, domain, replicate = asked
    record = stepped(scenario, replicate, period).records[-1]
    place = scenario.state_codes.index(state), DOMAINS.index(domain)
    chance = record.appraisal.probability[place[0], :, place[1], 0]
    return [NONE, *scenario.power_codes][int(chance.argmax())]


# --- offers and terms -----------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ASKED)
def test_the_table_is_that_of_the_model(asked: Asked) -> None:
    name, state, period, domain, replicate = asked
    found = explained(asked)
    scenario = scenario_of(name)
    table = found.table()
    assert list(table["option"]) == [NONE, *scenario.power_codes]
    log = stepped(scenario, replicate, period).table()
    chosen = (log["period"] == period) & (log["state"] == state) & (log["domain"] == domain)
    rows = log[chosen].reset_index(drop=True)
    for column in rows.columns:
        np.testing.assert_array_equal(table[column].to_numpy(), rows[column].to_numpy(), column)
    gap = table[list(TERMS)].sum(axis=1) - table["utility"]
    assert gap[1:].abs().max() < 1e-12
    assert found.picked == table.loc[table["picked"] == 1, "option"].item()
    assert found.most_probable == most_probable(scenario, asked)


# --- flips ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ASKED)
def test_every_flip_is_what_a_run_with_the_number_does(asked: Asked) -> None:
    """Next to the flip on one side the old most probable pick, on the other the new one."""
    found, scenario = explained(asked), scenario_of(asked[0])
    assert len(found.flips) >= 5
    assert found.flips["share"].is_monotonic_increasing
    assert found.flips["parameter"].is_unique
    numbers = sample(scenario, range(asked[-1], asked[-1] + 1))
    ranges = {
        quantity.name(entry): (quantity.low[place], quantity.high[place])
        for quantity in quantities(scenario)
        for place, entry in enumerate(quantity.entries)
    }
    for flip in found.flips.itertuples():
        path = flip.parameter
        assert flip.value == numbers[path][0]
        assert (flip.low, flip.high) == ranges[path]
        width = flip.high - flip.low
        assert abs(flip.after - flip.before) <= 1.01e-9 * 3 * max(width, abs(flip.value)), path
        assert flip.inside == (flip.low <= flip.after <= flip.high)
        assert flip.change == flip.after - flip.value
        assert flip.share == pytest.approx(abs(flip.change) / width)
        assert flip.becomes != found.most_probable
        before, after = (vary(scenario, {path: end}) for end in (flip.before, flip.after))
        assert most_probable(before, asked) == found.most_probable, path
        assert most_probable(after, asked) == flip.becomes, path


def test_no_flip_without_a_change() -> None:
    """A share set at the value that it has is no change of it that could flip anything."""
    asked = ("narrowed", "KG", "2025H2", "energy", 11)
    scenario = narrowed(scenario_of("strategic_balance"), "rules.choice.target_shares.energy")
    decision = Decision(0, scenario.state_codes.index("KG"), DOMAINS.index("energy"))
    own = most_probable(scenario, asked)
    flips = find_flips(Variants(scenario, 11), decision)
    assert flips
    for flip in flips:
        before, after = (vary(scenario, {flip.path: end}) for end in (flip.before, flip.after))
        assert most_probable(before, asked) == own, flip
        assert most_probable(after, asked) != own, flip


LINEAR: Mapping[str, str] = {
    "states.kz.hedging": "hedging",
    "states.tj.hedging": "hedging",
    "states.kz.conditionality_sensitivity": "conditionality",
    "rules.appraisal.security_need": "security",
    "rules.appraisal.conditionality_aversion": "conditionality",
    "rules.appraisal.sanction_aversion": "sanctions",
}
"""Numbers that multiply a term, and move nothing else before the second half-year."""


@pytest.mark.parametrize("domain", ["security", "energy"])
def test_flips_of_the_first_half_year_are_those_of_the_logit(domain: str) -> None:
    """Utilities are lines there, so that the flip is where two lines cross."""
    scenario = narrowed(scenario_of("strategic_balance"), *LINEAR)
    d, found = DOMAINS.index(domain), dict.fromkeys(LINEAR, 0)
    for replicate in range(3):
        numbers = sample(scenario, range(replicate, replicate + 1))
        model = stepped(scenario, replicate, "2025H2")
        for s, _ in enumerate(scenario.state_codes):
            flips = {
                flip.path: flip
                for flip in find_flips(Variants(scenario, replicate), Decision(0, s, d))
            }
            for path, term in LINEAR.items():
                start = float(numbers[path][0])
                utility, slope = lines(model, s, d, term, start)
                if path.startswith("states") and not path.startswith(
                    f"states.{scenario.state_codes[s].lower()}."
                ):
                    slope = np.zeros_like(slope)
                wanted = crossing(utility, slope, start, *searched(scenario, path))
                assert (path in flips) == (wanted is not None), path
                if wanted is None:
                    continue
                value, option = wanted
                flip = flips[path]
                low, high = sorted((flip.before, flip.after))
                assert low - 1e-12 <= value <= high + 1e-12, path
                assert high - low < 3e-8
                assert flip.option == option
                found[path] += 1
    assert found["rules.appraisal.security_need"] > 0 or domain != "security"
    assert found["states.kz.hedging"] > 0
    assert sum(found.values()) > 10


def lines(
    model: PartnershipModel, state: int, domain: int, term: str, start: float
) -> tuple[FloatArray, FloatArray]:
    """Utility of each option and its slope in a number that multiplies a term."""
    appraised = model.records[-1].appraisal
    utility = appraised.utility[state, :, domain, 0]
    outside = float(model.parameters.outside_option.item())
    shape = appraised.utility.shape
    part = np.broadcast_to(getattr(appraised.terms, term), shape)[state, :, domain, 0]
    return np.append(outside, utility), np.append(0.0, part / start)


def searched(scenario: Scenario, path: str) -> tuple[float, float]:
    """Where flips of a number are looked for: its range and as far again, but not below 0."""
    (quantity,) = (q for q in quantities(scenario) if q.path == path)
    width = quantity.high[0] - quantity.low[0]
    return max(quantity.low[0] - width, 0.0), quantity.high[0] + width


def crossing(
    utility: FloatArray, slope: FloatArray, start: float, least: float, most: float
) -> tuple[float, int] | None:
    """Nearest value at which another option is as good as the best one, and that option."""
    best = int(utility.argmax())
    places = [
        (start + (utility[best] - utility[other]) / (slope[other] - slope[best]), other)
        for other in range(len(utility))
        if other != best and slope[other] != slope[best]
    ]
    inside = [(value, other) for value, other in places if least <= value <= most]
    return min(inside, key=lambda pair: abs(pair[0] - start), default=None)


@pytest.mark.parametrize(
    "path", ["rules.choice.target_shares.security", "corridors.m.capacity", "states.kz.hedging"]
)
def test_a_wide_search_ends(path: str) -> None:
    """However far beyond the evidence: what no run can have is passed over."""
    scenario = narrowed(scenario_of("strategic_balance"), path, "states.kz.hedging")
    found = find_flips(Variants(scenario, 0), Decision(0, 0, 3), reach=6.0)
    assert "states.kz.hedging" in [flip.path for flip in found]
    assert all(math.isfinite(flip.after) for flip in found)


# --- evidence trail -------------------------------------------------------------------------------

MOVED = 45
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "benefit": ("rules.choice.value_scale", "powers.{p}.budget", "states.{s}.gdp"),
    "conditionality": (
        "rules.appraisal.conditionality_aversion",
        "states.{s}.conditionality_sensitivity",
        "powers.{p}.conditionality.{d}",
    ),
    "affinity": ("rules.choice.target_shares.{d}.{p}", "states.{s}.opinion.{p}"),
    "hedging": ("states.{s}.hedging", "powers.{p}.coercibility"),
    "lock_in": ("rules.appraisal.lock_in.{d}",),
    "sanctions": ("rules.appraisal.sanction_aversion", "powers.ru.sanction_exposure"),
    "security": ("rules.appraisal.security_need", "states.{s}.threat", "powers.{p}.protection"),
}


@pytest.mark.parametrize(
    ("name", "step", "state", "domain", "replicate"),
    [
        ("strategic_balance", 0, "TJ", "security", 4),
        ("five_suitors", 3, "UZ", "energy", 8),
    ],
)
def test_the_trail_holds_what_moves_a_term_and_nothing_else(
    name: str, step: int, state: str, domain: str, replicate: int
) -> None:
    """Each number moved by itself in a run of its own, with all picks before held."""
    scenario = scenario_of(name)
    decision = Decision(step, scenario.state_codes.index(state), DOMAINS.index(domain))
    trail = evidence_trail(Variants(scenario, replicate), decision, sim.evidence())
    powers = scenario.power_codes
    listed: dict[str, FloatArray] = {}
    swings: dict[str, FloatArray] = {}
    for row in trail.itertuples():
        at = TERMS.index(row.term), powers.index(row.power)
        empty = np.zeros((len(TERMS), len(powers)))
        listed.setdefault(row.parameter, empty.copy())[at] = max(abs(row.swing), abs(row.nudge))
        swings.setdefault(row.parameter, empty.copy())[at] = row.swing
    picks = [
        record.contracts.pick for record in PartnershipModel(scenario, replicate).run().records
    ]
    now = terms(scenario, replicate, decision, picks)
    drawn = sample(scenario, range(replicate, replicate + 1))
    every = [(q, place) for q in quantities(scenario) for place in range(len(q.entries))]
    random = np.random.default_rng(step)
    known = {
        pattern.format(s=state.lower(), p="ru", d=domain)
        for patterns in MEMBERS.values()
        for pattern in patterns
    }
    chosen = [item for item in every if item[0].name(item[0].entries[item[1]]) in known]
    chosen += [every[n] for n in random.choice(len(every), MOVED, replace=False)]
    unlisted = 0
    for quantity, place in chosen:
        path = quantity.name(quantity.entries[place])
        shown = listed.get(path, np.zeros_like(now))
        rough = "target_shares" in path or "entry_shares" in path
        moves = list(moved(quantity, place, float(drawn[path][0]), random))
        ran: dict[str, FloatArray] = {}
        for way, value in moves:
            try:
                varied = vary(scenario, {path: value})
                ran.setdefault(way, terms(varied, replicate, decision, picks))
            except InputError:  # no run can have it
                continue
        change = {way: np.abs(found - now) for way, found in ran.items()}
        beside = change.pop("between", np.zeros_like(now))
        most = np.max([np.zeros_like(now), *change.values()], axis=0)
        assert (shown[most > 2 * RESOLUTION] > 0).all(), path
        assert (most[shown > 0] > RESOLUTION / 2).all(), path
        assert (shown[beside > 2 * RESOLUTION] > 0).all(), path
        if not rough and {"low", "high"} <= set(ran):
            swing = swings.get(path, np.zeros_like(now))
            wanted = ran["high"] - ran["low"]
            assert np.array_equal(wanted[shown > 0], swing[shown > 0]), path
        unlisted += not shown.any()
    assert unlisted >= 3


def moved(
    quantity: Quantity, place: int, own: float, random: np.random.Generator
) -> Iterator[tuple[str, float]]:
    """Ends of the range, a place between them, and a hundredth more, or less if that cannot be."""
    low, high = quantity.low[place], quantity.high[place]
    if low < high and math.isfinite(high):
        yield from (("low", low), ("high", high), ("between", random.uniform(low, high)))
    if math.isfinite(own):
        step = 0.01 * abs(own) or 0.01
        yield from (("nudge", own + step), ("nudge", own - step))


def terms(
    scenario: Scenario, replicate: int, decision: Decision, picks: list[FloatArray]
) -> FloatArray:
    """Terms of the offers of a decision, (term, power), when the picks before are given."""
    with np.errstate(all="ignore"):
        parameters, draws, world = Host(scenario).start(range(replicate, replicate + 1))
        for step in range(decision.step + 1):
            decide = (lambda *_, pick=picks[step]: pick) if step < decision.step else None
            world, record = advance(world, parameters, draws, step, decide)
    shape = record.appraisal.utility.shape
    rows = [np.broadcast_to(term, shape) for term in record.appraisal.terms]
    return np.array([row[decision.state, :, decision.domain, 0] for row in rows])


@pytest.mark.parametrize("asked", ASKED)
def test_known_numbers_are_in_the_trail(asked: Asked) -> None:
    name, state, _, domain, _ = asked
    trail = explained(asked).trail
    for term, patterns in MEMBERS.items():
        here = trail[trail["term"] == term]
        if term == "security":
            assert here.empty  # the domain is another
            continue
        for power in ("RU", "CN", "EU"):
            if term == "sanctions" and power == "EU":  # imposes them itself
                continue
            rests_on = set(here[here["power"] == power]["parameter"])
            names = {
                "powers.ru.sanction_exposure": f"powers.{power.lower()}.sanction_exposure",
            }
            for pattern in patterns:
                path = names.get(pattern, pattern)
                path = path.format(s=state.lower(), p=power.lower(), d=domain)
                assert path in rests_on, (name, term, power)
                others = {"ru", "cn", "eu"} - {power.lower()}
                if term == "conditionality":
                    for other in others if name == "strategic_balance" else ():
                        assert f"powers.{other}.conditionality.{domain}" not in rests_on


@pytest.mark.parametrize("asked", ASKED)
def test_every_fact_is_in_the_ledger_and_cited(asked: Asked) -> None:
    found, ledger = explained(asked), sim.evidence()
    of_path = {
        quantity.name(entry): quantity.facts(entry)
        for quantity in quantities(scenario_of(asked[0]))
        for entry in quantity.entries
    }
    seen = set()
    for table in (found.trail, found.flips):
        for row in table.itertuples():
            own = of_path[row.parameter]
            assert row.facts[: len(own)] == own
            if not row.parameter.startswith("events."):
                assert row.facts == own
            assert row.facts or row.assumption
            cited = [citation for fact in row.facts for citation in ledger.fact(fact).citations]
            assert len(row.sources) == len(cited) >= len(row.facts)
            for citation, line in zip(cited, row.sources, strict=True):
                assert ledger.source(citation.source).title in line
                assert citation.place in line
            seen |= set(row.facts)
    assert len(seen) > 20
    assert seen <= set(found.manifest["facts"])
    disputed = found.trail[found.trail["disputed"]]
    assert len(disputed)
    for row in disputed.itertuples():
        assert any(ledger.fact(fact).conflicts for fact in row.facts)


# --- the ledger behind it -------------------------------------------------------------------------


@cache
def plain_case() -> Scenario:
    """The baseline with a single number that has a range."""
    return narrowed(scenario_of("strategic_balance"), "states.uz.hedging")


def ask(ledger: Ledger | None = None) -> Explanation:
    return sim.explain(plain_case(), "UZ", "2025H2", "trade", ledger=ledger)


def test_the_manifest_knows_each_fact() -> None:
    ledger, before = sim.evidence(), ask().manifest
    assert before["ledger"] == ledger.digest
    assert before["scenario"] != before["code"]
    assert before["versions"]["numpy"] == np.__version__
    used = before["facts"]
    name = next(fact for fact in used if ledger.fact(fact).value)
    fact = ledger.fact(name)
    assert fact.value is not None
    changed = replace(ledger, facts={**ledger.facts, name: replace(fact, value=fact.value * 2)})
    after = ask(changed).manifest
    assert after["ledger"] == changed.digest != before["ledger"]
    assert {f for f in used if used[f] != after["facts"][f]} == {name}
    assert set(after["facts"]) == set(used)
    assert {key for key in before if before[key] != after[key]} == {"ledger", "facts"}


def test_a_fact_that_is_not_used_changes_the_ledger_alone() -> None:
    ledger, before = sim.evidence(), ask().manifest
    cited = {fact for q in quantities(plain_case()) for fact in q.all_facts()}
    name = next(fact for fact in ledger.facts if fact not in cited)
    altered = replace(ledger.fact(name), note="altered")
    after = ask(replace(ledger, facts={**ledger.facts, name: altered})).manifest
    assert after["ledger"] != before["ledger"]
    assert after["facts"] == before["facts"]
    without = {other: fact for other, fact in ledger.facts.items() if other != name}
    assert ask(replace(ledger, facts=without)).manifest["facts"] == before["facts"]


def test_a_fact_that_is_gone_is_missed() -> None:
    ledger = sim.evidence()
    for name in sorted(ask().manifest["facts"])[::25]:
        facts = {other: fact for other, fact in ledger.facts.items() if other != name}
        with pytest.raises(InputError, match=f"unknown fact '{name}'"):
            ask(replace(ledger, facts=facts))


def test_an_explanation_of_a_run_knows_what_has_changed() -> None:
    run = sim.run(replace(plain_case(), replicates=3))
    assert sim.explain(run, "uz", "2025H2", "trade", 2).changed == ()
    ledger = sim.evidence()
    other = replace(ledger, facts={**ledger.facts, "new": next(iter(ledger.facts.values()))})
    found = sim.explain(run, "UZ", "2025H2", "trade", 2, ledger=other)
    assert found.changed == ("the evidence ledger has changed",)
    assert found.text().endswith("Since the run was stored: the evidence ledger has changed.")
    assert found.manifest["run"] == run.manifest["id"]
    with pytest.raises(InputError, match="0 to 2"):
        sim.explain(run, "UZ", "2025H2", "trade", 3)


# --- words ----------------------------------------------------------------------------------------


def named(option: str, scenario: Scenario) -> str:
    """Option as a sentence names it, here by hand."""
    if option == NONE:
        return "nobody"
    name = scenario.powers[option.lower()].name
    return f"the {name}" if name in ("European Union", "United States") else name


@pytest.mark.parametrize("asked", ASKED)
def test_sentences_say_what_the_tables_hold(asked: Asked) -> None:
    name, state, period, domain, _ = asked
    found, scenario = explained(asked), scenario_of(asked[0])
    what, why, what_if = found.sentences()
    table = found.table().sort_values("probability", ascending=False, kind="stable")
    parts = []
    for row in table.itertuples():
        share = "under 1" if row.probability < 0.005 else f"{round(100 * row.probability)}"
        parts.append(f"{named(row.option, scenario)} ({share} %)")
    beginning = f"In {period} {scenario.states[state.lower()].name} most probably picks {parts[0]}"
    assert what.startswith(f"{beginning} in {domain}, before ")
    places = [what.index(part) for part in parts]
    assert places == sorted(places)
    assert what.endswith("it does.") == (found.picked == found.most_probable)
    if found.picked != found.most_probable:
        assert what.endswith(f"chance has it pick {named(found.picked, scenario)}.")
    first, second = (named(option, scenario) for option in table["option"][:2])
    assert why.startswith(f"Compared with {second}, {first} gains ")
    direct = found.flips[found.flips["direct"]]
    flip = (found.flips if direct.empty else direct).iloc[0]
    way = "" if flip["direct"] else ", by way of an earlier pick,"
    assert what_if.startswith(
        f"It would most probably be {named(flip['becomes'], scenario)}{way} if {flip['parameter']} "
    )
    assert (" rose from " in what_if) == (flip["after"] > flip["value"])
    assert ("outside its evidence range" in what_if) == (not flip["inside"])
    for sentence in found.sentences():
        assert sentence in found.text()
    assert f"{scenario.states[state.lower()].name}, {domain}, {period} · {name}" in found.text()


def test_the_second_sentence_names_the_gaps_between_the_first_two() -> None:
    found = explained(ASKED[0])
    table = found.table().sort_values("probability", ascending=False, kind="stable").fillna(0)
    first, second = table.iloc[0], table.iloc[1]
    gaps = {term: first[term] - second[term] for term in TERMS}
    heads = {"lock_in": "lock-in"}
    ranked = sorted(gaps, key=lambda term: -gaps[term])
    why = found.sentences()[1]
    gains, _, losses = why.partition("loses most by")
    for term in TERMS:
        head = heads.get(term, term)
        assert (f"{head} (" in gains) == (gaps[term] > 0 and term in ranked[:2]), term
        assert (f"{head} (" in losses) == (gaps[term] < 0 and term in ranked[-2:]), term


@pytest.mark.parametrize("kept", [(), ("powers.us.gdp",)])
def test_where_nothing_flips_the_sentence_says_so(kept: tuple[str, ...]) -> None:
    """With few numbers that have a range, and with none."""
    scenario = narrowed(scenario_of("five_suitors"), *kept)
    scenario = replace(scenario, uncertainty=Uncertainty.NONE)
    found = sim.explain(scenario, "TM", "2025H2", "security", reach=0.0)
    assert found.flips.empty
    assert found.sentences()[2].startswith("No single number")
    assert "another option the most probable" in found.sentences()[2]
    assert "\nnone" in found.text()


def test_a_search_within_the_evidence_speaks_of_nothing_beyond_it() -> None:
    """The only flip lies beyond the range: not found there, and not denied either."""
    asked = ("strategic_balance", "KZ", "2025H2", "security", 0)
    scenario = narrowed(scenario_of(asked[0]), "rules.appraisal.lock_in.security")
    scenario = replace(scenario, rules=shrunk(scenario))
    wide, near = (sim.explain(scenario, *asked[1:], reach=reach) for reach in (40.0, 0.0))
    assert wide.flips["inside"].tolist() == [False]
    assert near.flips.empty
    assert near.sentences()[2].startswith("No single number")
    assert "beyond" not in near.sentences()[2]


def shrunk(scenario: Scenario) -> Any:
    """Rules in which lock-in in security is known to within a little."""
    lock_in = scenario.rules.appraisal.lock_in
    ends = {
        end: tuple(
            value + sign * 0.05 * (entry == "security")
            for entry, value in zip(lock_in.entries, lock_in.value, strict=True)
        )
        for end, sign in (("low", -1), ("high", 1))
    }
    appraisal = replace(scenario.rules.appraisal, lock_in=replace(lock_in, **ends))
    return replace(scenario.rules, appraisal=appraisal)


@pytest.mark.parametrize(
    ("state", "period", "domain", "words"),
    [
        ("KX", "2026H1", "energy", ["state", "'KX'", "'KZ'"]),
        ("Kazakhstan", "2026H1", "energy", ["state", "KG, KZ, TJ, TM, UZ"]),
        ("KZ", "2029", "energy", ["period", "'2029H"]),
        ("KZ", "2036H1", "energy", ["period", "'203"]),
        ("KZ", "2026H1", "enrgy", ["domain", "'energy'"]),
    ],
)
def test_what_is_not_there_is_said(state: str, period: str, domain: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        sim.explain(scenario_of("strategic_balance"), state, period, domain)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("asked", ASKED)
def test_kinds_of_flips(asked: Asked) -> None:
    """A direct flip flips as well when all picks before stay as they were, and no other does."""
    name, state, period, domain, replicate = asked
    found, scenario = explained(asked), scenario_of(name)
    step = scenario.periods.index(period)
    model = PartnershipModel(scenario, replicate).run()
    picks = [record.contracts.pick for record in model.records]
    place = scenario.state_codes.index(state), list(DOMAINS).index(domain)
    options = ["none", *scenario.power_codes]
    variants = Variants(scenario, replicate)
    for flip in found.flips.head(12).itertuples():
        change = variants.change(flip.parameter, flip.after)
        *_, (record, _) = variants.records([change], step, picks)
        likely = record.appraisal.probability[place[0], :, place[1], 0].argmax()
        assert (options[likely] == flip.becomes) == flip.direct, flip.parameter


def test_a_printed_flip_can_be_set_as_it_is_written() -> None:
    """Rounded away from the present value, so that the pick does flip."""
    for start, end in ((3.03, 0.80499226), (1.0875, 3.17320), (0.2, 0.20000001), (5.0, -0.0123)):
        text = float(beyond(start, end)[1])
        assert text >= end if end > start else text <= end
        assert abs(text - end) <= 0.01 * abs(end)
    assert beyond(3.0297, 0.80499226) == ("3.03", "0.804")
    assert beyond(0.332, 0.3321) == ("0.3320", "0.3321")
