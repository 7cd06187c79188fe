"""The choice rule scored on decisions: odds by hand, and forecasts that leave out what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from sim.analysis.backtest import choices as module
from sim.analysis.backtest import decided
from sim.analysis.backtest.choices import (
    EQUAL,
    MODEL,
    RATES,
    SHIFT,
    SHIFTED,
    SIGNED,
    SIGNING,
    Choices,
    fit_shifts,
    score_decisions,
)
from sim.axes import DOMAINS, FloatArray, IntArray
from sim.compose import load_scenario
from sim.ensemble import Host
from sim.errors import InputError
from sim.history import Decision, read_decisions
from sim.scenario import Scenario
from sim.step import advance

REPLICATES = 20


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPLICATES", REPLICATES)


@lru_cache
def scenario(*overrides: str) -> Scenario:
    return load_scenario("strategic_balance", *overrides)


def decision(
    number: int, pick: str, options: str, state: str = "KZ", domain: str = "energy"
) -> Decision:
    return Decision(
        id=f"{state.lower()}-{number}",
        year=2000 + number,
        date=str(2000 + number),
        state=state,
        domain=domain,
        options=tuple(options.split()),
        pick=pick,
        decision="Something.",
        reliability="B",
        evidence=(),
        source="A table",
        note="",
    )


TABLE = (
    decision(1, "RU", "none RU"),
    decision(2, "CN", "none RU CN"),
    decision(3, "none", "none EU", "UZ"),
    decision(4, "CN", "RU CN EU", "KG", "trade"),
    decision(5, "RU", "RU none", "TJ", "security"),
    decision(6, "CN", "none CN", "TM"),
)


def odds(found: Choices, name: str, place: int, *options: str) -> list[float]:
    return [float(found.odds[name][place, found.options.index(option)]) for option in options]


# --- odds by hand ---------------------------------------------------------------------------------


def test_equal_utilities_give_equal_odds_among_what_is_on_the_table() -> None:
    found = score_decisions(TABLE, scenario("mechanism=random_choice"))
    assert found.options == ("none", "RU", "CN", "EU")
    for name in (MODEL, EQUAL):
        assert found.odds[name].shape == (6, 4)
        for place, made in enumerate(TABLE):
            for option in found.options:
                there = option in made.options
                wanted = 1 / len(made.options) if there else 0.0
                assert odds(found, name, place, option) == [pytest.approx(wanted)]
    assert found.picked.tolist() == [found.options.index(made.pick) for made in TABLE]
    assert found.rivals.tolist() == [False, True, False, True, False, False]


def test_odds_of_the_model_are_those_of_its_first_half_year() -> None:
    """With all options on the table, its choice probabilities averaged over replicates."""
    base = scenario()
    table = [
        decision(n, "RU", "none RU CN EU", state, domain)
        for n, (state, domain) in enumerate((s, d) for s in ("KZ", "TM") for d in DOMAINS)
    ]
    found = score_decisions(table, base)
    host = Host(replace(base, replicates=REPLICATES))
    parameters, draws, world = host.start(range(REPLICATES))
    _, record = advance(world, parameters, draws, 0)
    posted = record.offers.posted.all(axis=(1, 3))
    compared = 0
    for place, made in enumerate(table):
        state, domain = base.state_codes.index(made.state), DOMAINS.index(made.domain)
        if posted[state, domain]:  # else something is too small to be on the model's own table
            wanted = record.appraisal.probability[state, :, domain].mean(axis=-1)
            np.testing.assert_allclose(found.odds[MODEL][place], wanted, rtol=1e-9)
            compared += 1
    assert compared >= 5


def test_what_is_not_on_the_table_leaves_the_odds_of_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Replicate by replicate, before the mean: with one replicate the ratios stay."""
    monkeypatch.setattr(module, "REPLICATES", 1)
    few, many = decision(1, "RU", "RU CN"), decision(2, "RU", "none RU CN EU")
    found = score_decisions((few, many), scenario())
    pair, whole = (odds(found, MODEL, place, "RU", "CN") for place in (0, 1))
    assert pair[0] / pair[1] == pytest.approx(whole[0] / whole[1])
    assert sum(pair) == pytest.approx(1)
    assert odds(found, MODEL, 0, "none", "EU") == [0, 0]


@pytest.mark.parametrize("name", [MODEL, SIGNED, SHIFTED, RATES, EQUAL])
def test_odds_add_up_and_are_nothing_off_the_table(name: str) -> None:
    found = score_decisions(TABLE, scenario())
    np.testing.assert_allclose(found.odds[name].sum(axis=1), 1, rtol=1e-12)
    for place, made in enumerate(TABLE):
        for option, value in zip(found.options, found.odds[name][place], strict=True):
            assert (value > 0) == (option in made.options)


def test_base_rates_by_hand() -> None:
    """Picked n of m times among the others: (n + 1) / (m + 2), divided by their sum."""
    found = score_decisions(TABLE, scenario())
    rates = {"none": 2 / 6, "RU": 2 / 5}  # 1 of 4; 1 of 3
    total = sum(rates.values())
    assert odds(found, RATES, 0, "none", "RU") == pytest.approx([x / total for x in rates.values()])
    rates = {"none": 2 / 6, "RU": 3 / 5, "CN": 3 / 4}  # 1 of 4; 2 of 3; 2 of 2
    total = sum(rates.values())
    assert odds(found, RATES, 1, *rates) == pytest.approx([x / total for x in rates.values()])
    rates = {"none": 1 / 6, "EU": 1 / 3}  # 0 of 4; 0 of 1
    total = sum(rates.values())
    assert odds(found, RATES, 2, *rates) == pytest.approx([x / total for x in rates.values()])


# --- each decision is left out of its own forecast ------------------------------------------------


@pytest.mark.parametrize("name", [SIGNED, SHIFTED, RATES, MODEL, EQUAL])
def test_a_pick_does_not_move_its_own_odds(name: str) -> None:
    found = score_decisions(TABLE, scenario())
    for place, made in enumerate(TABLE):
        other = next(option for option in made.options if option != made.pick)
        table = [*TABLE]
        table[place] = replace(made, pick=other)
        changed = score_decisions(table, scenario())
        assert np.array_equal(changed.odds[name][place], found.odds[name][place])
        same = np.array_equal(changed.odds[name], found.odds[name])
        assert same == (name in (MODEL, EQUAL))
        assert changed.picked[place] != found.picked[place]


@pytest.mark.parametrize("name", [SIGNED, SHIFTED, RATES])
def test_who_forecasts_it_has_learnt_from_all_others(name: str) -> None:
    """The same as without it: leaving a decision out of the table gives the same to the rest."""
    found = score_decisions(TABLE, scenario())
    options = np.array([[o in made.options for o in found.options] for made in TABLE])
    picked = found.picked
    utility = module._utility(TABLE, scenario())
    for place in range(len(TABLE)):
        others = [n for n in range(len(TABLE)) if n != place]
        if name == RATES:
            wins = np.eye(4)[picked[others]].sum(axis=0) + 1
            rates = np.where(options[place], wins / (options[others].sum(axis=0) + 2), 0)
            wanted = rates / rates.sum()
        else:
            signing, shifts = fit_shifts(
                utility[others], options[others], picked[others], name == SHIFTED
            )
            moved = np.exp(utility[place] + np.array([0, *(signing + shifts)])[:, None])
            moved = np.where(options[place][:, None], moved, 0)
            wanted = (moved / moved.sum(axis=0)).mean(axis=-1)
        np.testing.assert_allclose(found.odds[name][place], wanted, rtol=1e-9)


# --- shifts ---------------------------------------------------------------------------------------


def picks(utility: FloatArray, offered: FloatArray, shifts: Sequence[float], seed: int) -> IntArray:
    """Picks of a chooser whose constants are shifted, "none" first."""
    noise = np.random.default_rng(seed).gumbel(size=offered.shape)
    moved = utility[..., 0] + np.array([0.0, *shifts]) + noise
    return np.asarray(np.where(offered, moved, -np.inf).argmax(axis=1))


def tables(count: int, powers: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Utilities of one replicate, and what is on the table: two options or more."""
    generator = np.random.default_rng(seed)
    utility = generator.normal(size=(count, 1 + powers, 1))
    utility[:, 0] = 0
    offered = generator.random((count, 1 + powers)) < 0.7
    offered[np.arange(count), generator.integers(1 + powers, size=count)] = True
    alone = offered.sum(axis=1) < 2
    offered[alone] = True
    return utility, offered


@pytest.mark.parametrize("seed", [1, 2])
def test_shifts_that_made_decisions_are_found(seed: int) -> None:
    """All together and the rest of each, whose prior keeps their mean near 0."""
    signing, rest = 1.2, np.array([0.6, -0.4, -0.2])
    utility, offered = tables(6000, 3, seed)
    picked = picks(utility, offered, (signing + rest).tolist(), seed + 10)
    found, shifts = fit_shifts(utility, offered, picked)
    error = 2 / np.sqrt(6000 / 4)  # of log-odds of a quarter of the decisions each
    np.testing.assert_allclose(found + shifts, signing + rest, atol=4 * error / 2)
    # Their common part is told from the signing by the priors alone: 4 to 0.25 / 3 in variance.
    mean = (signing + rest).mean()
    assert found == pytest.approx(mean * SIGNING**2 / (SIGNING**2 + SHIFT**2 / 3), abs=2 * error)


def test_one_shift_alone_is_that_of_its_equation() -> None:
    """k of n sign: the shift solves k - n p = s / SIGNING^2."""
    count, signed = 12, 9
    utility, offered = np.zeros((count, 2, 1)), np.ones((count, 2), dtype=bool)
    picked = np.array([1] * signed + [0] * (count - signed))
    found, shifts = fit_shifts(utility, offered, picked, by_power=False)
    wanted = brentq(lambda s: signed - count * expit(s) - s / SIGNING**2, -5, 5)
    assert found == pytest.approx(wanted, abs=1e-4)
    assert shifts.tolist() == [0]


def test_two_shifts_share_what_one_would_be() -> None:
    """Of a single power: in the ratio of the variances of their priors."""
    utility, offered = np.zeros((12, 2, 1)), np.ones((12, 2), dtype=bool)
    signing, shifts = fit_shifts(utility, offered, np.array([1] * 9 + [0] * 3))
    assert shifts[0] / signing == pytest.approx(SHIFT**2 / SIGNING**2, rel=1e-3)
    whole = brentq(lambda s: 9 - 12 * expit(s) - s / (SIGNING**2 + SHIFT**2), -5, 5)
    assert signing + shifts[0] == pytest.approx(whole, abs=1e-4)


def test_odds_are_averaged_over_replicates_before_they_are_scored() -> None:
    """Two replicates, sure in opposite ways: no shift makes the mean better."""
    utility = np.zeros((8, 2, 2))
    utility[:, 1] = [-3.0, 3.0]
    offered = np.ones((8, 2), dtype=bool)
    signing, _ = fit_shifts(utility, offered, np.array([0, 1] * 4), by_power=False)
    assert signing == pytest.approx(0, abs=1e-4)


def test_without_decisions_on_a_power_it_is_not_shifted() -> None:
    found = score_decisions(TABLE, scenario("powers=five_suitors"))
    assert found.shifts["US"] == pytest.approx(0, abs=1e-6)
    assert found.shifts["TR"] == pytest.approx(0, abs=1e-6)
    assert found.shifts["CN"] > 0
    assert found.left_out == ()


# --- what is left out and refused -----------------------------------------------------------------


def test_other_powers_and_states_are_left_out() -> None:
    table = (
        *TABLE,
        decision(7, "US", "none US"),
        decision(8, "RU", "none RU TR"),
        decision(9, "RU", "none RU", "AM"),
    )
    found = score_decisions(table, scenario())
    assert found.left_out == ("kz-7", "kz-8", "am-9")
    assert found.decisions == TABLE
    wider = score_decisions(table, scenario("powers=five_suitors"))
    assert wider.left_out == ("am-9",)
    assert wider.options == ("none", "RU", "CN", "EU", "US", "TR")
    assert "Left out, of other states or powers: am-9" in decided.text_of(wider)


@pytest.mark.parametrize("usable", [0, 1])
def test_fewer_than_two_decisions_are_refused(usable: int) -> None:
    table = (*TABLE[:usable], decision(7, "US", "none US"), decision(9, "RU", "none RU", "AM"))
    message = f"decisions: {usable} fit the states and powers of the scenario; needs 2"
    with pytest.raises(InputError, match=message):
        score_decisions(table, scenario())


def test_who_never_errs_has_no_odds() -> None:
    with pytest.raises(InputError, match=r"finite precision of choice \(rules\.choice\.precision"):
        score_decisions(TABLE, scenario("mechanism=best_choice"))


def test_decisions_that_all_went_to_nobody() -> None:
    """Refusals alone can be scored, and push the shift of signing down."""
    table = [replace(d, pick="none") for d in TABLE if "none" in d.options]
    found = score_decisions(table, scenario())
    assert found.signing < -0.5
    frame = found.table()
    assert np.isfinite(frame.drop(columns="forecaster").to_numpy()).all()
    assert all(0 < odds(found, name, 0, "none")[0] < 1 for name in found.odds)


# --- tables ---------------------------------------------------------------------------------------


def test_scores_of_the_table_by_hand() -> None:
    found = score_decisions(TABLE, scenario())
    for rivals_only in (False, True):
        rows = [n for n in range(6) if not rivals_only or n in (1, 3)]
        frame = found.table(RATES, rivals_only).set_index("forecaster")
        reference = [-np.log(found.odds[RATES][n, found.picked[n]]) for n in rows]
        assert (frame["decisions"] == len(rows)).all()
        for name, given in found.odds.items():
            logs = [-np.log(given[n, found.picked[n]]) for n in rows]
            squares = [((given[n] - np.eye(4)[found.picked[n]]) ** 2).sum() for n in rows]
            row = frame.loc[name]
            assert row["log_score"] == pytest.approx(np.mean(logs))
            assert row["brier"] == pytest.approx(np.mean(squares))
            assert row["better"] == pytest.approx(np.mean(reference) - np.mean(logs))
            assert min(logs) - 1e-9 <= row["low"] <= row["log_score"] + 1e-9
            assert row["log_score"] - 1e-9 <= row["high"] <= max(logs) + 1e-9
        assert frame.loc[RATES, ["better", "better_low", "better_high"]].tolist() == [0, 0, 0]


def test_intervals_of_the_table_are_those_of_resampled_decisions() -> None:
    """Of many alike decisions: a Gaussian around the mean."""
    table = [decision(n, "RU" if n % 3 else "none", "none RU") for n in range(90)]
    found = score_decisions(table, scenario("mechanism=random_choice"))
    frame = found.table(EQUAL).set_index("forecaster")
    logs = -np.log(found.odds[RATES][np.arange(90), found.picked])
    error = logs.std() / np.sqrt(90) * norm.ppf(0.95)
    assert frame.loc[RATES, "high"] - logs.mean() == pytest.approx(error, rel=0.1)
    assert logs.mean() - frame.loc[RATES, "low"] == pytest.approx(error, rel=0.1)
    assert frame.loc[RATES, "better_low"] == pytest.approx(
        np.log(2) - frame.loc[RATES, "high"], abs=1e-9
    )


def test_log_has_the_odds_of_each_pick() -> None:
    found = score_decisions(TABLE, scenario())
    frame = found.log()
    assert frame["id"].tolist() == [made.id for made in TABLE]
    assert frame["options"].tolist() == [" ".join(made.options) for made in TABLE]
    for name, given in found.odds.items():
        assert frame[name].tolist() == [given[n, k] for n, k in enumerate(found.picked)]


def test_text_tells_both_tables_and_the_shifts() -> None:
    found = score_decisions(TABLE, scenario())
    text = decided.text_of(found)
    assert "Choice rule on 6 dated decisions, all" in text
    assert "Choice rule on 2 dated decisions, those with rival powers" in text
    assert f"All powers against nobody {found.signing:+.2f} log-odds" in text
    for power, shift in found.shifts.items():
        assert f"{power} {shift:+.2f}" in text
    assert "Left out" not in text


# --- shares after decisions -----------------------------------------------------------------------


def test_decided_shares_move_powers_and_keep_nobody() -> None:
    base = scenario()
    found = score_decisions(TABLE, base)
    shares = decided.decided_shares(found, base)
    assert set(shares) == set(DOMAINS)
    for domain, given in shares.items():
        quantity = base.rules.choice.target_shares[domain]
        assert sum(given.values()) == pytest.approx(1, abs=1e-9)
        assert given["none"] == quantity.of("none")
        assert list(given) == ["none", "ru", "cn", "eu"]
        powers = {p: quantity.of(p) * np.exp(found.shifts[p.upper()]) for p in ("ru", "cn", "eu")}
        for power, weight in powers.items():
            wanted = (1 - given["none"]) * weight / sum(powers.values())
            assert given[power] == pytest.approx(wanted, abs=1.6e-3)
            assert round(given[power], 3) == given[power]


def test_without_shifts_the_shares_stay() -> None:
    base = scenario()
    found = replace(score_decisions(TABLE, base), shifts=dict.fromkeys(("RU", "CN", "EU"), 0.0))
    for domain, given in decided.decided_shares(found, base).items():
        quantity = base.rules.choice.target_shares[domain]
        for option, share in given.items():
            assert share == pytest.approx(quantity.of(option), abs=1.6e-3)


def test_shipped_decisions_can_all_be_scored() -> None:
    table = read_decisions()
    found = score_decisions(table, scenario("powers=five_suitors"))
    assert found.left_out == ()
    assert len(found.decisions) == len(table)
    assert found.rivals.sum() >= 10
