"""First partners, flows between them, and evidence ranges, against counts made by hand."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

import sim
from sim.analysis.partners import first_partner, flows, looked_at
from sim.analysis.ranges import ranges
from sim.errors import InputError
from sim.scenario import Scenario, quantities

NAMES = ["none", "RU", "CN", "EU"]


@cache
def results() -> sim.Run:
    return sim.run(sim.load_scenario("strategic_balance", replicates=12, seed=7))


@cache
def scenario(*overrides: str) -> Scenario:
    return sim.load_scenario("strategic_balance", *overrides, replicates=2)


def by_hand(shares: list[list[list[float]]]) -> xr.Dataset:
    """A run of one state: share of each power, (period, replicate, power)."""
    array = np.array(shares)
    periods = [f"{2025 + (n + 1) // 2}H{2 - n % 2}" for n in range(len(shares))]
    alignment = xr.DataArray(
        array[:, np.newaxis],
        dims=("period", "state", "replicate", "power"),
        coords={"period": periods, "state": ["KZ"], "power": NAMES[1 : 1 + array.shape[-1]]},
    )
    return xr.Dataset({"alignment": alignment})


def test_the_first_is_the_largest_and_ties_are_nobody() -> None:
    data = by_hand(
        [
            [[0, 0, 0], [0.2, 0.5, 0.3], [0.4, 0.4, 0.2]],
            [[0, 0, 0.1], [0.1 + 0.2, 0.3, 0], [0.3, 0.3, 0.4]],  # 0.1 + 0.2 is above 0.3
        ]
    )
    assert first_partner(data).dims == ("period", "state", "replicate")
    assert first_partner(data).sel(state="KZ").values.tolist() == [[0, 2, 0], [3, 0, 3]]


def test_the_first_of_a_run_is_that_of_each_replicate() -> None:
    alignment = results().data["alignment"]
    found = first_partner(results().data)
    for index in np.ndindex(*found.shape):
        shares = alignment.transpose("period", "state", "replicate", "power").values[index]
        order = np.sort(shares)
        clear = order[-1] - order[-2] > 1e-9
        assert found.values[index] == (np.argmax(shares) + 1 if clear else 0)
    assert set(np.unique(found)) == {0, 1, 2, 3}


def test_flows_are_counted() -> None:
    data = by_hand(
        [
            [[1, 0], [1, 0], [0, 1], [0, 0]],
            [[0, 1], [1, 0], [0, 1], [1, 0]],
            [[1, 0], [1, 0], [1, 0], [0.5, 0.5]],
        ]
    )
    assert flows(data, every=1).values.tolist() == [
        ["2025H2", "none", "RU", 0.25],
        ["2025H2", "RU", "RU", 0.25],
        ["2025H2", "RU", "CN", 0.25],
        ["2025H2", "CN", "CN", 0.25],
        ["2026H1", "RU", "none", 0.25],
        ["2026H1", "RU", "RU", 0.25],
        ["2026H1", "CN", "RU", 0.5],
    ]
    assert flows(data, every=2).values.tolist() == [
        ["2025H2", "none", "none", 0.25],
        ["2025H2", "RU", "RU", 0.5],
        ["2025H2", "CN", "RU", 0.25],
    ]


@pytest.mark.parametrize("states", [None, ["UZ"], ["KZ", "TM"]])
def test_flows_of_a_run_are_pairs_of_first_partners(states: list[str] | None) -> None:
    data = results().data
    table = flows(data, states=states, every=3)
    chosen = states or ["KZ", "KG", "TJ", "TM", "UZ"]
    labels = [str(label) for label in data["period"].values][1::3]
    assert labels[-1] == "2035H1"
    first = first_partner(data)
    expected: dict[tuple[str, str, str], float] = {}
    for here, there in pairwise(labels):
        pairs = Counter(
            (NAMES[int(first.sel(period=here, state=state)[n])],
             NAMES[int(first.sel(period=there, state=state)[n])])
            for state in chosen
            for n in range(12)
        )  # fmt: skip
        expected |= {(here, *pair): n / (12 * len(chosen)) for pair, n in pairs.items()}
    found = table.set_index(["period", "from", "to"])["share"].to_dict()
    assert found == pytest.approx(expected)
    np.testing.assert_allclose(table.groupby("period")["share"].sum(), 1)


def test_half_years_are_counted_back_from_the_last() -> None:
    assert looked_at(results().data, 4) == ["2027H1", "2029H1", "2031H1", "2033H1", "2035H1"]
    assert looked_at(results().data, 19) == ["2025H2", "2035H1"]


def test_mistakes_with_partners_are_told() -> None:
    data = results().data
    with pytest.raises(InputError, match=r"no state 'UX' .*nearest valid name: 'UZ'"):
        flows(data, states=["KZ", "UX"])
    with pytest.raises(InputError, match="names none"):
        flows(data, states=[])
    for every in (0, 20, 1.5, True):
        with pytest.raises(InputError, match="whole number of half-years, 1 to 19"):
            flows(data, every=every)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one half-year only"):
        flows(data.isel(period=[0]), every=1)
    with pytest.raises(InputError, match="'alignment' was not kept"):
        first_partner(data[["pick"]])


def test_ranges_have_facts_in_the_unit_of_the_number() -> None:
    table = ranges(scenario(), sim.evidence(), ["states.tm.gdp", "states.tj.growth"])
    assert table.values.tolist() == [
        ["states.tm.gdp", 44, 64.2, 90, "USD bn/yr", "wdi-gdp-tm-2024", 44.25, True],
        ["states.tm.gdp", 44, 64.2, 90, "USD bn/yr", "lit-gdp-tm-2024-estimate", 64.2, True],
        ["states.tj.growth", 0.045, 0.065, 0.085, "1/yr", "wdi-growth-tj-2024", 0.084, False],
        ["states.tj.growth", 0.045, 0.065, 0.085, "1/yr", "lit-growth-tj-2025-edb", 0.083, False],
        ["states.tj.growth", 0.045, 0.065, 0.085, "1/yr", "cis-gdp-growth-avg", 0.045, True],
    ]


def test_a_derivation_turns_facts_of_its_kind() -> None:
    table = ranges(scenario(), sim.evidence(), ["powers.ru.budget", "powers.eu.budget"])
    found = {row["fact"]: row["fact_value"] for _, row in table.iterrows()}
    assert found == pytest.approx(
        {  # stock · (0.05 + 0.05); package / 5 years; a package in euros is left out
            "investment-ru-ca5-stock-003": 2.0,
            "investment-ru-ca5-stock-004": 2.0,
            "fig-fdi-stock-ca5-ru-2025-derived": 1.9,
            "lit-investment-kz-ru-tokayev": 2.6,
            "pledge-eu-ca5-132": 2.64,
        }
    )


def test_a_number_without_facts_in_its_unit_keeps_its_row() -> None:
    table = ranges(scenario(), sim.evidence(), ["powers.cn.budget.value", "powers.cn.budget"])
    assert table["parameter"].tolist() == ["powers.cn.budget"]
    assert table["fact"].tolist() == [""]
    assert table["fact_value"].isna().all()


def test_disputed_numbers_come_widest_first() -> None:
    ledger = sim.evidence()
    table = ranges(scenario(), ledger, shown=8)
    numbers = table.drop_duplicates("parameter")
    assert len(numbers) == 8
    widths = (numbers["high"] - numbers["low"]) / numbers["value"].abs()
    assert widths.is_monotonic_decreasing
    wider = ranges(scenario(), ledger, shown=1000).groupby("parameter", sort=False)
    assert wider["fact_value"].count().min() >= 1
    assert numbers["parameter"].tolist() == list(wider["low"].first().index)[:8]
    for name, facts in table.groupby("parameter")["fact"]:
        cited = quantities(scenario())
        own = next(q for q in cited if str(name).startswith(q.path))
        assert any(ledger.fact(fact).conflicts for fact in own.all_facts()), name
        assert len(set(facts)) == len(facts)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (["powers.eu.budgets"], "nearest valid name: 'budget'"),
        (["power.eu.budget"], "nearest valid name: 'powers'"),
        (["powers.ru.sanction_drain"], "is fixed at 0 and has no range"),
        (["rules.trade.moving"], "rules.trade.moving: is not a number"),
        ([], "name 'parameters'"),
    ],
)
def test_mistakes_with_ranges_are_told(parameters: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ranges(scenario(), sim.evidence(), parameters)


@pytest.mark.parametrize("shown", [0, -1, True, 2.0])
def test_a_number_of_rows_is_a_whole_number(shown: int) -> None:
    with pytest.raises(InputError, match="shown: must be a whole number"):
        ranges(scenario(), sim.evidence(), shown=shown)
