"""What a back-test sums up: skill, coverage, quantiles and what was asked for, counted by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import isclose, isnan

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from backtest.made import CUT, PARTNERS, STATES, calibrated, example, without
from scipy.stats import binom

from sim.analysis.backtest import Backtest, Plan, run_backtest
from sim.analysis.backtest.forecast import PERSISTENCE, RIVALS, SPREAD, VARIANTS
from sim.analysis.backtest.result import GROUPS, HELD_BACK, TUNING
from sim.analysis.backtest.words import text_of
from sim.errors import InputError

MODEL = "trade known"
PLAN = Plan((2008, 2009, 2011), 5, 20, 2)
LABELS = ("reach", "period", "quality", "basis")


@pytest.fixture(scope="module")
def found() -> Backtest:
    return run_backtest(without(example(), ("TJ", 2012)), calibrated(), PLAN)


# --- a back-test made by hand ---------------------------------------------------------------------


def made(
    scores: Mapping[tuple[str, str, int, int], float],
    inside: Mapping[str, float] | None = None,
    origins: Sequence[int] = (2005, 2006),
    horizons: int = 5,
    states: Sequence[str] = ("KZ", "KG", "TJ", "TM"),
) -> Backtest:
    """Back-test whose energy scores and coverage are given; the rest is as simple as can be.

    Parameters
    ----------
    scores : by model, state, origin and horizon; 1 where nothing is said, NaN if all are.
    inside : coverage by model, the same in all cells.
    """
    models = (MODEL, "full known", PERSISTENCE, SPREAD)
    axes = ("model", "state", "origin", "horizon")
    parts = ("model", "state", "partner", "origin", "horizon")
    steps = range(1, horizons + 1)
    energy = np.array(
        [
            [[[scores.get((m, s, o, h), 1.0) for h in steps] for o in origins] for s in states]
            for m in models
        ]
    )
    shape = (len(models), len(states), 2, len(origins), horizons)
    held = np.empty(shape)
    for place, model in enumerate(models):
        held[place] = np.nan if model == PERSISTENCE else (inside or {}).get(model, 0.9)
    labels = (len(states), len(origins), horizons)
    return Backtest(
        xr.Dataset(
            {
                "energy": (axes, energy),
                "crps": (parts, np.ones(shape)),
                "log_density": (axes, np.where(np.isnan(held[:, :, 0]), np.nan, -1.0)),
                "inside90": (parts, held),
                "inside50": (parts, held / 2),
                "quality": (axes[1:], np.full(labels, "A")),
                "basis": (axes[1:], np.full(labels, "same")),
            },
            {
                "model": list(models),
                "state": list(states),
                "partner": ["RU", "ROW"],
                "origin": list(origins),
                "horizon": list(steps),
            },
        ),
        "Made by hand",
    )


def everywhere(model: str, score: float, **chosen: Sequence[object]) -> dict:
    """One score in many cells."""
    states = chosen.get("states", ("KZ", "KG", "TJ", "TM"))
    origins = chosen.get("origins", (2005, 2006))
    horizons = chosen.get("horizons", range(1, 6))
    return {(model, *place): score for place in product(states, origins, horizons)}


# --- cells ----------------------------------------------------------------------------------------


def test_cells_are_the_scores_with_their_labels(found: Backtest) -> None:
    table = found.cells()
    assert len(table) == int(found.data["energy"].notnull().sum())
    # 8 models and 2 points without a spread alike: 4 states with 5 + 5 + 3 cells, and Tajikistan.
    assert len(table) == 10 * (4 * 13 + 13 - 3)
    for row in table.itertuples():
        cell = found.data.sel(
            model=row.model, state=row.state, origin=row.origin, horizon=row.horizon
        )
        assert row.score == cell["energy"].item()
        assert row.year == row.origin + row.horizon
        assert row.period == TUNING
        assert row.reach == {1: "1", 2: "2-3", 3: "2-3", 4: "4+", 5: "4+"}[row.horizon]
        assert row.quality == "A"
        assert row.basis == "same"
    assert not ((table["state"] == "TJ") & (table["year"] == 2012)).any()


def test_periods_part_at_the_end_of_2014() -> None:
    made_up = made({}, origins=(2010, 2013))
    table = made_up.cells()
    assert set(table.loc[table["year"] <= 2014, "period"]) == {TUNING} == {"to 2014"}
    assert set(table.loc[table["year"] > 2014, "period"]) == {HELD_BACK} == {"after 2014"}


# --- skill ----------------------------------------------------------------------------------------


def by_hand(found: Backtest, groups: Sequence[str], model: str, reference: str, score: str) -> dict:
    """Skill of each group from cells, one after the other."""
    table = found.cells(score)
    keys = ["state", "origin", "horizon", *(["partner"] if score == "crps" else [])]
    scores: dict[str, dict[tuple, float]] = {model: {}, reference: {}}
    labels = {}
    for row in table.to_dict("records"):
        if row["model"] in scores:
            place = tuple(row[key] for key in keys)
            scores[row["model"]][place] = row["score"]
            labels[place] = tuple(row[group] for group in groups)
    sums: dict[tuple, list[float]] = {}
    for place in scores[model].keys() & scores[reference].keys():
        part = sums.setdefault(labels[place], [0.0, 0.0, 0])
        part[0] += scores[model][place]
        part[1] += scores[reference][place]
        part[2] += 1
    return {label: (1 - own / other, count) for label, (own, other, count) in sums.items()}


@pytest.mark.parametrize(
    ("groups", "score"),
    [
        ((), "energy"),
        (("horizon",), "energy"),
        (("state", "reach"), "energy"),
        (("period", "quality", "basis"), "aitchison"),
        (("partner",), "crps"),
        (("partner", "state"), "crps"),
    ],
)
def test_skill_is_counted_by_hand(found: Backtest, groups: tuple[str, ...], score: str) -> None:
    table = found.skill(groups, models=[MODEL, "random walk"], references=[SPREAD], score=score)
    for model in (MODEL, "random walk"):
        wanted = by_hand(found, groups, model, SPREAD, score)
        rows = table[table["model"] == model].to_dict("records")
        assert {tuple(row[g] for g in groups) for row in rows} == set(wanted)
        for row in rows:
            skill, count = wanted[tuple(row[g] for g in groups)]
            assert row["skill"] == pytest.approx(skill, rel=1e-12)
            assert row["forecasts"] == count
            if not isnan(row["low"]):
                assert row["low"] <= row["skill"] <= row["high"]


def test_scores_are_those_that_fit_the_groups(found: Backtest) -> None:
    default = found.skill("partner", models=[MODEL])
    assert default.equals(found.skill("partner", models=[MODEL], score="crps"))
    plain = found.skill(models=[MODEL])
    assert plain.equals(found.skill(models=[MODEL], score="energy"))
    assert set(plain["reference"]) == {PERSISTENCE, SPREAD}
    assert set(found.skill()["model"]) == set(VARIANTS)


def test_of_itself_there_is_no_skill(found: Backtest) -> None:
    same = found.skill(models=[SPREAD], references=[SPREAD])
    assert same[["skill", "low", "high"]].values.tolist() == [[0, 0, 0]]


def test_only_cells_that_both_were_scored_on_count() -> None:
    gone = float("nan")
    scores = (
        everywhere(MODEL, 0.5)
        | {(MODEL, "KZ", 2005, 1): gone}
        | {(SPREAD, "KG", 2006, 2): gone, (SPREAD, "TJ", 2006, 3): 9.0}
    )
    table = made(scores).skill(models=[MODEL], references=[SPREAD])
    assert table["forecasts"].tolist() == [4 * 2 * 5 - 2]
    assert table["skill"].item() == pytest.approx(1 - 0.5 * 38 / (37 + 9))


ENOUGH = 8
"""Blocks that an interval is made from."""


@pytest.mark.parametrize(("states", "origins"), [(1, 1), (1, 7), (7, 1), (1, 8), (4, 2), (2, 5)])
def test_few_blocks_have_no_interval(states: int, origins: int) -> None:
    names, years = STATES[:states] + ("AM", "AZ")[: max(states - 5, 0)], range(2000, 2000 + origins)
    scores = everywhere(MODEL, 0.6, states=names, origins=years)
    found = made(scores, states=names, origins=years).skill(models=[MODEL])
    assert found["skill"].tolist() == pytest.approx([0.4, 0.4])
    if states * origins < ENOUGH:
        assert found[["low", "high"]].isnull().all(axis=None)
    else:
        np.testing.assert_allclose(found[["low", "high"]], 0.4)


def test_blocks_are_states_and_origins() -> None:
    """Of eight, four are good and four bad: the interval is that of good ones among eight drawn."""
    scores = everywhere(MODEL, 0.2, origins=(2005,)) | everywhere(MODEL, 1.0, origins=(2006,))
    table = made(scores).skill(models=[MODEL], references=[SPREAD])
    low, high = (binom.ppf(p, 8, 0.5) / 8 * 0.8 for p in (0.05, 0.95))
    np.testing.assert_allclose(table[["skill", "low", "high"]], [[0.4, low, high]])
    smooth = everywhere(MODEL, 0.2, horizons=(1, 2)) | everywhere(MODEL, 1.0, horizons=(3, 4, 5))
    table = made(smooth).skill(models=[MODEL], references=[SPREAD])
    np.testing.assert_allclose(table[["skill", "low", "high"]], 1 - 3.4 / 5)


def test_against_a_reference_that_never_erred_there_is_no_skill() -> None:
    """As where nothing changes: there is nothing to be better than."""
    table = made(everywhere(PERSISTENCE, 0.0)).skill(models=[MODEL], references=[PERSISTENCE])
    assert table[["skill", "low", "high"]].isnull().all(axis=None)
    assert table["forecasts"].tolist() == [40]


def test_unknown_names_are_refused_with_the_nearest(found: Backtest) -> None:
    for call, message in (
        (lambda: found.skill("horizons"), "by: unknown 'horizons' .*'horizon'"),
        (lambda: found.skill(models=["trade know"]), "models: unknown 'trade know' .*known"),
        (lambda: found.skill(references=["random"]), "references: unknown 'random'"),
        (lambda: found.coverage("origin"), "by: unknown 'origin'"),
    ):
        with pytest.raises(InputError, match=message):
            call()
    assert set(GROUPS) == {"state", "horizon", "partner", *LABELS}


# --- coverage and quantiles -----------------------------------------------------------------------


@pytest.mark.parametrize("groups", [(), ("horizon",), ("partner", "reach"), ("state",)])
def test_coverage_is_counted(found: Backtest, groups: tuple[str, ...]) -> None:
    table = found.coverage(groups)
    assert PERSISTENCE not in set(table["model"])
    assert set(table["model"]) == set(found.data["model"].values) - {PERSISTENCE}
    cells = found.cells("inside90")
    for row in table.to_dict("records"):
        chosen = (cells[["model", *groups]] == [row[k] for k in ("model", *groups)]).all(axis=1)
        assert row["inside90"] == pytest.approx(cells.loc[chosen, "score"].mean())
        assert row["forecasts"] == chosen.sum()
        assert row["inside50"] <= row["inside90"] + 1e-12


def test_coverage_of_known_cells() -> None:
    table = made({}, {MODEL: 0.75, "full known": 1.0}).coverage().set_index("model")
    assert table.loc[MODEL].tolist() == [0.375, 0.75, 4 * 2 * 2 * 5]
    assert table.loc["full known", "inside90"] == 1.0


def test_quantiles_are_those_of_the_members(found: Backtest) -> None:
    table = found.quantiles([0.05, 0.5, 0.95])
    known = found.data["forecast"].notnull().all("member")
    # Three models end with the data, three and the rivals go on to 2016.
    assert len(table) == int(known.sum()) == 5 * 4 * (3 * 13 + 7 * 15)
    assert list(table.columns[-3:]) == ["q05", "q50", "q95"]
    for row in table.sample(60, random_state=1).itertuples():
        place = {"state": row.state, "partner": row.partner}
        place |= {"origin": row.origin, "horizon": row.horizon}
        members = found.data["forecast"].sel(model=row.model, **place).values
        wanted = np.quantile(members, [0.05, 0.5, 0.95])
        np.testing.assert_allclose([row.q05, row.q50, row.q95], wanted)
        happened = found.data["observed"].sel(place).item()
        assert row.observed == happened or (isnan(row.observed) and isnan(happened))
    unseen = table[table["observed"].isnull()]
    assert set(unseen["origin"] + unseen["horizon"]) == {2012, 2015, 2016}
    assert set(unseen.loc[unseen["origin"] + unseen["horizon"] == 2012, "state"]) == {"TJ"}


# --- what was asked -------------------------------------------------------------------------------


LONG = (4, 5)


def met(found: Backtest, period: str = TUNING) -> list[bool]:
    return found.acceptance(MODEL, period)["met"].tolist()


def good() -> dict:
    """Better than both references everywhere."""
    return everywhere(MODEL, 0.8)


def test_everything_is_met() -> None:
    table = made(good()).acceptance()
    assert list(table.columns) == ["claim", "value", "met"]
    assert len(table) == 5
    assert table["met"].all()
    values = table["value"].tolist()
    assert values[0] == "90.00%"
    assert values[1] == values[3] == "4 of 4 states"
    assert values[2].startswith("+20.0% or more (least in ")


@pytest.mark.parametrize(
    ("coverage", "wanted"),
    [(0.79, False), (0.81, True), (0.96, True), (0.98, False)],
)
def test_intervals_have_to_hold_enough_and_not_too_much(coverage: float, wanted: bool) -> None:
    assert met(made(good(), {MODEL: coverage})) == [wanted, True, True, True, True]


@pytest.mark.parametrize(("losers", "wanted"), [(("KZ",), True), (("KZ", "KG"), False)])
def test_three_states_have_to_gain_in_the_long_run(losers: tuple[str, ...], wanted: bool) -> None:
    scores = good() | everywhere(MODEL, 1.1, states=losers, horizons=LONG)
    assert met(made(scores)) == [True, wanted, True, wanted, True]
    table = made(scores).acceptance()
    assert table["value"].iloc[1] == f"{4 - len(losers)} of 4 states"


def test_no_gain_is_no_win() -> None:
    scores = good() | everywhere(MODEL, 1.0, states=("KZ", "KG"), horizons=LONG)
    assert met(made(scores)) == [True, False, True, False, True]


@pytest.mark.parametrize(("score", "wanted"), [(1.049, True), (1.051, False)])
def test_no_state_may_lose_much_in_a_year(score: float, wanted: bool) -> None:
    scores = good() | everywhere(MODEL, score, states=("TJ",), horizons=(1,))
    assert met(made(scores)) == [True, True, wanted, True, wanted]
    value = made(scores).acceptance()["value"].iloc[2]
    assert value == f"{1 - score:+.1%} or more (least in TJ)"


def test_each_reference_is_asked_by_itself() -> None:
    scores = good() | everywhere(SPREAD, 0.5)
    assert met(made(scores)) == [True, True, True, False, False]
    scores = good() | everywhere(PERSISTENCE, 0.5)
    assert met(made(scores)) == [True, False, False, True, True]


@pytest.mark.parametrize("states", [("KZ",), ("KZ", "KG")])
def test_of_few_states_all_have_to_win(states: tuple[str, ...]) -> None:
    assert all(met(made(good(), states=states)))
    scores = good() | everywhere(MODEL, 1.1, states=states[-1:], horizons=LONG)
    assert met(made(scores, states=states)) == [True, False, True, False, True]


def test_short_horizons_leave_the_long_run_unasked() -> None:
    table = made(good(), horizons=3).acceptance()
    assert len(table) == 3
    assert not table["claim"].str.contains("4 years").any()


def test_periods_are_asked_by_themselves() -> None:
    bad = everywhere(MODEL, 2.0, origins=(2014,))
    both = made(good() | bad, origins=(2005, 2014))
    assert met(both) == [True] * 5
    assert met(both, HELD_BACK) == [True, False, False, False, False]
    assert met(made(good()), HELD_BACK) == []
    assert met(made(bad, origins=(2014,))) == []


def test_any_forecast_can_be_asked() -> None:
    table = made(everywhere("full known", 2.0)).acceptance("full known")
    assert table["met"].tolist() == [True, False, False, False, False]


# --- words ----------------------------------------------------------------------------------------


TITLES = (
    "Mean energy score by horizon in years",
    "Skill (1 - score / score of the reference, %) by horizon in years",
    "Skill by state and horizon, %",
    "by partner (CRPS), %",
    "by worst quality of the year forecast, %",
    "Share of what happened within intervals of 50 and 90 %, %",
    "Asked of 'trade known' beforehand",
    "What has to be known of the data",
)


def row_of(text: str, title: str, *words: str) -> list[str]:
    """Cells of the first line below a title that holds some words."""
    block = text[text.index(title) :]
    line = next(line for line in block.splitlines() if all(word in line for word in words))
    return line.split()


def test_text_has_the_numbers_of_the_tables(found: Backtest) -> None:
    text = text_of(found)
    for title in TITLES:
        assert title in text
    assert text.startswith("Trade of KZ, KG, TJ, TM, UZ with RU, CN, EU, ROW, from 2008–2011 up to")
    assert "20 members, seed 2" in text
    assert found.data.sizes["member"] == 20
    assert "# Years forecast to 2014" in text
    assert "after 2014" not in text
    means = found.data["energy"].sel(model=MODEL).mean(["state", "origin"]).values
    line = row_of(text, TITLES[0], MODEL)
    assert line[2:7] == [f"{mean:.3f}" for mean in means]
    density = float(found.data["log_density"].sel(model=MODEL).mean())
    assert line[7] == f"{density:.3f}"
    skill = found.skill("reach", models=[MODEL], references=[PERSISTENCE]).set_index("reach")
    cells = row_of(text, TITLES[1], MODEL, PERSISTENCE)
    wanted = [round(100 * skill.loc[reach, "skill"]) for reach in ("1", "2-3", "4+")]
    assert [float(cell) for cell in cells[3:6]] == wanted
    whole = found.skill(models=[MODEL], references=[PERSISTENCE]).iloc[0]
    assert cells[6] == f"{100 * whole['skill']:.0f}"
    assert cells[-1] == str(whole["forecasts"])
    covered = found.coverage("reach").set_index(["model", "reach"])["inside90"]
    cells = row_of(text, TITLES[5], MODEL)
    assert isclose(float(cells[-1]), round(100 * covered[MODEL, "4+"]))
    for partner in PARTNERS:
        assert row_of(text, TITLES[3], MODEL, partner)
    for state in STATES:
        assert row_of(text, TITLES[2], MODEL, f" {state} ")
    accepted = found.acceptance()
    for claim, value in zip(accepted["claim"], accepted["value"], strict=True):
        assert claim in text
        assert value in text


def test_notes_of_the_data_are_told() -> None:
    plan = Plan((2008,), 1, 20)
    quiet = run_backtest(example(), calibrated(), plan)
    assert text_of(quiet).endswith("What has to be known of the data\nNothing.")
    told = Backtest(quiet.data, quiet.heading, ("First thing.", "Second thing."))
    assert text_of(told).endswith("What has to be known of the data\nFirst thing.\nSecond thing.")


def test_text_of_what_was_not_met() -> None:
    wrong = made(everywhere(MODEL, 2.0))
    lines = text_of(wrong).splitlines()
    asked = [line for line in lines if line.strip().endswith(("yes", "NO"))]
    assert [line.split()[-1] for line in asked] == ["yes", "NO", "NO", "NO", "NO"]


def test_text_of_one_state_from_one_origin() -> None:
    data = example().data.sel(state=["UZ"], economy=["UZ", *PARTNERS])
    few = run_backtest(replace(example(), data=data), calibrated(), Plan((CUT,), 1, 20))
    text = text_of(few)
    assert text.startswith("Trade of UZ with RU, CN, EU, ROW, from ")
    skill = few.skill(models=[MODEL], references=[PERSISTENCE])["skill"].item()
    cells = row_of(text, TITLES[1], MODEL, PERSISTENCE)
    assert float(cells[3]) == round(100 * skill)
    assert cells[-1] == "1"
    assert "2-3" not in text
    assert "4+" not in text
    assert "4 years and more" not in text


@pytest.mark.parametrize(("origins", "horizons"), [((2014,), 5), ((2012, 2014), 5), ((2014,), 1)])
def test_text_parts_the_periods(origins: tuple[int, ...], horizons: int) -> None:
    result = made(good() | everywhere(MODEL, 0.7, origins=origins), origins=origins)
    result = Backtest(result.data.sel(horizon=slice(None, horizons)), "Made by hand")
    text = text_of(result)
    assert "# Years forecast after 2014" in text
    assert ("# Years forecast to 2014" in text) == (2012 in origins)
    parts = text.split("# Years forecast ")
    for part in parts[1:]:
        skill = result.skill("period", models=[MODEL], references=[SPREAD]).set_index("period")
        cells = row_of(part, TITLES[1], MODEL, SPREAD)
        row = skill.loc["after 2014" if part.startswith("after") else "to 2014"]
        assert cells[-1] == str(row["forecasts"])
        assert f"{100 * row['skill']:.0f}" in cells


def test_the_table_of_a_result_is_by_period_state_and_reach(found: Backtest) -> None:
    table = found.table()
    assert list(table.columns[:3]) == ["period", "state", "reach"]
    assert set(table["model"]) == set(VARIANTS)
    assert found.models == tuple(VARIANTS)
    assert not set(found.models) & set(RIVALS)
    again = found.skill(("period", "state", "reach"))
    pd.testing.assert_frame_equal(table, again)
