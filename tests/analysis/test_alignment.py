"""Summary of a run: each number against the replicates it comes from."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

from sim import Run, load_scenario, run
from sim.analysis.alignment import ALL, MISSING, NONE, Summary, pick_frequencies, summary
from sim.analysis.bands import quantiles, ratio
from sim.analysis.regions import ellipse

LEVELS = [0.5, 0.05, 0.95]


@cache
def results(*overrides: str, replicates: int = 40) -> Run:
    return run(load_scenario("strategic_balance", *overrides, replicates=replicates))


def summarise(*overrides: str, replicates: int = 40) -> Summary:
    found = results(*overrides, replicates=replicates)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return summary(found.data, found.final)


def entry(found: Summary, state: str, quantity: str, power: str) -> list[float]:
    rows = found.table().set_index(["state", "quantity", "power"])
    return [float(rows.loc[(state, quantity, power), name]) for name in ("median", "low", "high")]


@pytest.mark.parametrize(("state", "power"), [("KZ", "RU"), ("UZ", "EU"), ("TM", "CN")])
def test_numbers_are_quantiles_of_what_each_replicate_has(state: str, power: str) -> None:
    data, final = results().data, results().final
    tie = data.sel(state=state, power=power)
    delivered, signed = (tie[name].sum("period").values for name in ("delivered", "signed"))
    expected = {
        "pick_share": tie["pick_share"].mean("period").values,
        "dependence": final["dependence"].sel(state=state, power=power).values,
        "delivered": delivered,
        "signed": signed,
        "delivered_to_signed": delivered[signed > 0] / signed[signed > 0],
    }
    for quantity, values in expected.items():
        found = entry(summarise(), state, quantity, power)
        np.testing.assert_allclose(found, np.quantile(values, LEVELS), rtol=1e-12)


def test_totals_are_taken_in_each_replicate_before_the_quantiles() -> None:
    data = results().data
    delivered, signed = (data[n].sum(("period", "state")).values for n in ("delivered", "signed"))
    by_power = np.quantile(delivered[1] / signed[1], LEVELS)
    np.testing.assert_allclose(entry(summarise(), ALL, "delivered_to_signed", "CN"), by_power)
    picks = data["pick_share"].sel(state="KG").mean("period").sum("power").values
    np.testing.assert_allclose(
        entry(summarise(), "KG", "pick_share", ALL), np.quantile(picks, LEVELS)
    )


def test_measures_of_a_state_or_a_power_alone_stand_under_all() -> None:
    final = results().final
    for state, power, quantity, values in (
        ("TJ", ALL, "hedging_index", final["hedging_index"].sel(state="TJ").values),
        (ALL, "EU", "influence", final["influence"].sel(power="EU").values),
        (ALL, "RU", "budget", final["budget"].sel(power="RU").values),
    ):
        found = entry(summarise(), state, quantity, power)
        np.testing.assert_allclose(found, np.quantile(values, LEVELS))


def test_units_travel_with_the_numbers() -> None:
    units = summarise().table().groupby("quantity")["unit"].unique().map(list).to_dict()
    assert units == {
        "pick_share": ["share"],
        "dependence": ["share"],
        "hedging_index": ["share"],
        "delivered_to_signed": ["ratio"],
        "delivered": ["USD bn"],
        "signed": ["USD bn"],
        "influence": ["share"],
        "budget": ["USD bn/yr"],
    }


def test_text_fits_a_terminal_and_has_a_row_for_each_tie() -> None:
    lines = summarise().text().splitlines()
    assert max(map(len, lines)) <= 100
    assert [line[:2] for line in lines if line[:2].isupper()] == ["KZ", "KG", "TJ", "TM", "UZ"]
    assert sum(line[4:6] in ("RU", "CN", "EU") for line in lines) == 5 * 3
    assert "40 replicates" in lines[0]
    assert "start of 2035H2" in lines[0]


def test_text_shows_the_numbers_of_the_table() -> None:
    median, low, high = (100 * value for value in entry(summarise(), "KZ", "pick_share", "RU"))
    row = next(line for line in summarise().text().splitlines() if line.startswith("KZ"))
    assert f"{median:.0f} ({low:.0f}–{high:.0f})" in row


def test_columns_are_aligned() -> None:
    blocks = summarise().text().split("\n\n")[1:]
    for block in blocks:
        lines = block.splitlines()
        ends = {line.rindex(")") for line in lines if line.endswith(")")}
        starts = {line.index(power) for line in lines for power in ("RU", "CN") if power in line}
        assert len(starts) == 1
        assert len(ends) <= 2  # of all powers together, and of each


def test_one_replicate_has_no_interval() -> None:
    found = summarise(replicates=1)
    table = found.table()
    np.testing.assert_array_equal(table["low"], table["high"])
    assert "one replicate" in found.text()
    assert "(" not in found.text()


def test_one_state_and_one_power() -> None:
    found = summarise("states=kz", "powers=ru")
    assert set(found.table()["state"]) == {"KZ", ALL}
    assert set(found.table()["power"]) == {"RU", ALL}
    assert entry(found, ALL, "influence", "RU") == pytest.approx([1, 1, 1])


def test_nothing_signed_has_no_ratio_and_warns_of_nothing() -> None:
    found = summarise("powers.ru.budget.value=0")
    assert np.isnan(entry(found, "KZ", "delivered_to_signed", "RU")).all()
    assert entry(found, "KZ", "signed", "RU") == [0, 0, 0]
    row = next(line for line in found.text().splitlines() if line.startswith("KZ"))
    assert f" {MISSING} " in row


def test_table_can_be_changed_without_changing_the_summary() -> None:
    found = summarise()
    changed = found.table()
    changed["median"] = 0.0
    assert found.table()["median"].abs().sum() > 0


def test_ratio_leaves_out_replicates_that_have_none() -> None:
    signed = results().data["signed"].isel(state=0, period=0)
    halves = quantiles(ratio(signed / 2, signed))
    assert bool((signed == 0).any())
    np.testing.assert_allclose(halves.values, 0.5)


def test_pick_frequencies_count_every_option_once() -> None:
    data = results().data
    found = pick_frequencies(data)
    assert list(found.columns) == [NONE, "RU", "CN", "EU"]
    assert len(found) == 5 * 5
    np.testing.assert_allclose(found.sum(axis=1), 1)
    picks = data["pick"].sel(state="TJ", domain="security").values
    assert found.loc[("TJ", "security"), "RU"] == pytest.approx(np.mean(picks == 1))
    assert found.loc[("TJ", "security"), NONE] == pytest.approx(np.mean(picks == 0))


def test_ellipse_holds_the_part_asked_for() -> None:
    rng = np.random.default_rng(3)
    shares = rng.dirichlet((6, 3, 2), size=4000).T
    outline = ellipse(shares, 0.9)
    assert outline is not None
    np.testing.assert_allclose(outline.sum(axis=0), 1)
    from matplotlib.path import Path

    inside = Path(outline[:2].T).contains_points(shares[:2].T)
    assert inside.mean() == pytest.approx(0.9, abs=0.005)


@pytest.mark.parametrize("replicates", [0, 1, 2])
def test_ellipse_needs_an_area(replicates: int) -> None:
    shares = np.full((3, replicates), 1 / 3)
    assert ellipse(shares, 0.9) is None
    assert ellipse(np.full((3, 50), 1 / 3), 0.9) is None
    line = np.linspace(0, 1, 50)
    assert ellipse(np.stack([line, 1 - line, 0 * line]), 0.9) is None
