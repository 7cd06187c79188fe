"""Scenarios that begin in the past: what they start from, and what they know of the years after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from backtest.made import (
    CUT,
    PARTNERS,
    QUIET,
    STATES,
    base,
    calibrated,
    central,
    example,
    example_files,
    forecast,
    later,
    up_to,
    with_trade,
    without,
)
from history.synthetic import MEMBERSHIPS, OUTPUT, TRADE, amounts, membership, to_2023
from support import outcomes, trace, vary

from sim.analysis.backtest.forecast import RIVALS, VARIANTS, Plan, shares_of, trade_of
from sim.analysis.backtest.numbers import TRIANGLE, spread
from sim.analysis.backtest.origin import Drivers, Part, growth_after, only, scenario_at
from sim.axes import FloatArray
from sim.errors import InputError
from sim.history import History, Membership, read_history
from sim.quantity import Draw
from sim.sampling import Sampler
from sim.scenario import Scenario
from sim.specs import Target

YEARS = 6
EXACT = 1e-12
KNOWN, EXTRAPOLATED = Drivers.KNOWN, Drivers.EXTRAPOLATED
FROM_PAST = ("trade extrapolated", "full extrapolated", "gravity extrapolated", *RIVALS)
"""Forecasts that know nothing of the years after the origin."""
FROM_DRIVERS = ("trade known", "full known", "gravity known")
PLAN = Plan((CUT,), YEARS, 20, 3)


def at(origin: int = CUT, drivers: Drivers = KNOWN, part: Part = Part.TRADE) -> Scenario:
    return scenario_at(central(), example(), origin, YEARS, drivers, part)


def reported(economy: str, first: int, last: int) -> FloatArray:
    """Output year by year, USD bn."""
    found: FloatArray = (
        example().data["gdp"].sel(economy=economy, year=slice(first, last)).values.copy()
    )
    return found


# --- the year of origin ---------------------------------------------------------------------------


def test_a_run_begins_in_the_middle_of_the_year_and_ends_in_that_of_the_last() -> None:
    scenario = at()
    assert (scenario.horizon.start, scenario.horizon.end) == ("2008H2", "2014H2")
    assert scenario.steps == 2 * YEARS
    assert len(trade_of(scenario)) == YEARS + 1


@pytest.mark.parametrize("origin", [1998, CUT, 2013])
@pytest.mark.parametrize("drivers", Drivers)
def test_output_and_trade_are_those_reported_for_the_origin(origin: int, drivers: Drivers) -> None:
    scenario = scenario_at(central(), example(), origin, 1, drivers)
    data = example().data.sel(year=origin)
    assert tuple(scenario.states) == tuple(s.lower() for s in STATES)
    for code, state in scenario.states.items():
        assert state.gdp.of() == float(data["gdp"].sel(economy=code.upper()))
        for partner in PARTNERS:
            told = float(data["trade"].sel(state=code.upper(), partner=partner))
            assert state.trade.of(partner.lower()) == told
    for code, power in scenario.powers.items():
        assert power.gdp.of() == float(data["gdp"].sel(economy=code.upper()))
    first = trade_of(scenario)[0, ..., 0]
    np.testing.assert_allclose(first, data["trade"].values, rtol=EXACT)


def test_what_is_put_in_is_not_drawn() -> None:
    scenario = scenario_at(calibrated(), example(), CUT, YEARS)
    drawn = Sampler(replace(scenario, replicates=2)).names
    assert drawn
    wrong = ("gdp", "trade", "growth", "members")
    assert not [
        n for n in drawn if n.startswith(("states.", "powers.")) and n.split(".")[2] in wrong
    ]
    assert not [n for n in drawn if n.startswith("rules.trade.rest_of_world_growth")]
    assert not [n for n in drawn if n.split(".")[-1] == "members" or ".members." in n]
    assert "rules.trade.trend.ru" in drawn  # as the ranges of the model stay


def test_money_of_the_powers_is_that_of_the_base_scaled_by_output() -> None:
    scenario = at()
    for code, power in central().powers.items():
        scale = reported(code.upper(), CUT, CUT)[0] / power.gdp.of()
        assert abs(scale - 1) > 0.01
        for old, new in (
            (power.budget, scenario.powers[code].budget),
            (power.investment_stock, scenario.powers[code].investment_stock),
        ):
            for end in ("value", "low", "high"):
                np.testing.assert_allclose(getattr(new, end), np.multiply(getattr(old, end), scale))


def test_states_without_trade_in_the_year_are_left_out() -> None:
    gap = without(example(), ("KG", CUT), ("TJ", CUT + 1))
    scenario = scenario_at(central(), gap, CUT, YEARS)
    assert scenario.state_codes == ("KZ", "TJ", "TM", "UZ")
    with pytest.raises(InputError, match=r"no state has complete trade in 2008"):
        scenario_at(central(), without(example(), *((s, CUT) for s in STATES)), CUT, YEARS)


@pytest.mark.parametrize(("origin", "years"), [(1990, 2), (2015, 1)])
def test_an_origin_outside_of_the_data_is_refused(origin: int, years: int) -> None:
    with pytest.raises(InputError, match=f"{origin} is not among the years 1994 to 2014"):
        scenario_at(central(), example(), origin, years)


def test_known_drivers_need_output_of_all_years() -> None:
    with pytest.raises(InputError, match="drivers: no output of KZ in 2015"):
        scenario_at(central(), example(), 2010, 5, KNOWN)
    assert scenario_at(central(), example(), 2010, 5, EXTRAPOLATED).steps == 10


# --- known drivers --------------------------------------------------------------------------------


@pytest.mark.parametrize("part", Part)
def test_output_of_the_states_is_that_reported_year_by_year(part: Part) -> None:
    worlds = trace(at(part=part), range(1)).worlds
    assert len(worlds) == 2 * YEARS + 1
    for year in range(YEARS + 1):
        found = worlds[2 * year].gdp[:, 0, 0, 0]
        told = [reported(state, CUT + year, CUT + year)[0] for state in STATES]
        np.testing.assert_allclose(found, told, rtol=1e-11)


def test_rates_of_growth_are_those_between_the_figures() -> None:
    for economy in (*STATES, *PARTNERS):
        found = growth_after(example(), economy, CUT, YEARS, KNOWN)
        wanted = np.diff(np.log(reported(economy, CUT, CUT + YEARS)))
        np.testing.assert_allclose(found.rates, wanted, rtol=EXACT)
        assert found.deviation == 0
    scenario = at()
    for code, power in scenario.powers.items():
        first = reported(code.upper(), CUT, CUT + 1)
        assert power.growth.of() == pytest.approx(np.log(first[1] / first[0]))
    rest = reported("ROW", CUT, CUT + 1)
    assert scenario.rules.trade.rest_of_world_growth.of() == pytest.approx(
        np.log(rest[1] / rest[0])
    )


def law(scenario: Scenario) -> FloatArray:
    """E27c by hand where only economies move trade, (year, state, partner)."""
    rules = scenario.rules.trade
    own, other = rules.gdp_elasticity.of(), rules.partner_elasticity.of()
    share = 1 - np.exp(-0.5 / rules.adjustment_time.of())
    halves = np.arange(2 * YEARS + 1) / 2
    grown = {
        economy: np.interp(
            halves, np.arange(YEARS + 1), np.log(reported(economy, CUT, CUT + YEARS))
        )
        for economy in (*STATES, *PARTNERS)
    }
    first = example().data["trade"].sel(year=CUT)
    path = np.empty((len(halves), len(STATES), len(PARTNERS)))
    for row, state in enumerate(STATES):
        for column, partner in enumerate(PARTNERS):
            log = 0.0
            for step in range(len(halves)):
                start = float(first.sel(state=state, partner=partner))
                path[step, row, column] = start * np.exp(log)
                pulls = [grown[e][step] - grown[e][0] for e in (state, partner)]
                log += share * (own * pulls[0] + other * pulls[1] - log)
    return path[::2]


@pytest.mark.parametrize(
    "scenario",
    [
        base("uncertainty=none"),
        central(*QUIET),
    ],
    ids=["model without trends", "trends switched off"],
)
def test_gravity_alone_is_the_law_by_hand(scenario: Scenario) -> None:
    """Corridors frozen, no agreements, no trends, no shocks; economies as reported."""
    found = scenario_at(scenario, example(), CUT, YEARS, KNOWN, Part.GRAVITY)
    np.testing.assert_allclose(trade_of(found)[..., 0], law(found), rtol=1e-11)


def test_trends_come_on_top_of_the_law() -> None:
    scenario = base("uncertainty=none", "rules.trade.trend.value.cn=0.05")
    scenario = scenario_at(scenario, example(), CUT, YEARS, KNOWN, Part.TRADE)
    bare = scenario_at(base("uncertainty=none"), example(), CUT, YEARS, KNOWN, Part.TRADE)
    still = {"rules.corridors.moving": False}
    with_trend, plain = (trade_of(vary(s, still))[..., 0] for s in (scenario, bare))
    log, share = 0.0, 1 - np.exp(-0.5 / bare.rules.trade.adjustment_time.of())
    wanted = [0.0]
    for step in range(2 * YEARS):
        log += share * (0.05 * step / 2 - log)
        wanted += [log] if step % 2 else []
    found = np.log(with_trend / plain)
    np.testing.assert_allclose(found[..., 1], np.outer(wanted, np.ones(5)), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(found[..., [0, 2, 3]], 0, atol=1e-13)


def test_each_part_switches_off_what_it_says() -> None:
    full = at(part=Part.FULL)
    trade = at(part=Part.TRADE)
    assert full.rules.trade.capital_effect.of() > 0
    assert trade.rules.trade.capital_effect.of() == 0
    assert trade.rules.corridors.moving
    assert trade.institutions["eaeu"].trade_effect is not None
    gravity = only(full, Part.GRAVITY)
    assert not gravity.rules.corridors.moving
    assert gravity.rules.trade.sanction_effect.of() == 0
    assert set(gravity.rules.trade.trend.value) == {0.0}
    assert all(i.trade_effect is None for i in gravity.institutions.values())
    assert all(s.reexport_effect.of() == 0 for s in gravity.states.values())
    assert gravity.rules.trade.volatility == full.rules.trade.volatility
    assert only(full, Part.FULL) is full


# --- extrapolated drivers -------------------------------------------------------------------------


def test_growth_is_carried_on_with_the_spread_of_its_mean() -> None:
    for economy in (*STATES, *PARTNERS):
        past = np.diff(np.log(reported(economy, CUT - 10, CUT)))
        found = growth_after(example(), economy, CUT, 4, EXTRAPOLATED)
        np.testing.assert_allclose(found.rates, [past.mean()] * 4, rtol=1e-10)
        # Of four years around their mean, and of the mean of ten around its own.
        assert found.deviation == pytest.approx(past.std(ddof=1) * np.sqrt(1 / 4 + 1 / 10))


def test_extrapolated_growth_is_drawn_with_that_mean_and_spread() -> None:
    scenario = scenario_at(calibrated(), example(), CUT, 4, EXTRAPOLATED, Part.TRADE)
    drawn = Sampler(scenario).values(range(4000))
    for name, economy in (
        ("states.uz.growth", "UZ"),
        ("powers.cn.growth", "CN"),
        ("rules.trade.rest_of_world_growth", "ROW"),
    ):
        wanted = growth_after(example(), economy, CUT, 4, EXTRAPOLATED)
        assert drawn[name].mean() == pytest.approx(
            wanted.rates[0], abs=4 * wanted.deviation / np.sqrt(4000)
        )
        assert drawn[name].std() == pytest.approx(wanted.deviation, rel=0.05)
    assert not [e for e in scenario.events.values() if e.target is Target.GROWTH]


def test_a_short_past_is_used_as_far_as_it_goes_and_then_refused() -> None:
    found = growth_after(example(), "KZ", 1998, 1, EXTRAPOLATED)
    past = np.diff(np.log(reported("KZ", 1994, 1998)))
    assert found.rates == pytest.approx((past.mean(),))
    assert growth_after(example(), "KZ", 1997, 1, EXTRAPOLATED).rates
    with pytest.raises(InputError, match="KZ has too little output before 1996"):
        growth_after(example(), "KZ", 1996, 1, EXTRAPOLATED)


def test_spread_gives_a_triangle_of_that_mean_and_deviation() -> None:
    found = spread(at().states["kz"].growth, 0.03, 0.02)
    assert (found.draw, found.value) == (Draw.TRIANGULAR, (0.03,))
    assert found.low[0] == pytest.approx(0.03 - 0.02 * TRIANGLE)
    a, c, b = found.low[0], found.value[0], found.high[0]
    variance = (a * a + b * b + c * c - a * b - a * c - b * c) / 18  # of a triangular distribution
    assert variance == pytest.approx(0.02**2)


# --- memberships ----------------------------------------------------------------------------------


def joined(scenario: Scenario, institution: str) -> dict[str, tuple[str, ...]]:
    """Members after each event, by its date."""
    return {
        str(event.date): tuple(
            s for s, m in zip(event.members.entries, event.members.value, strict=True) if m
        )
        for event in scenario.events.values()
        if event.institution == institution and event.members is not None
    }


def members(scenario: Scenario, institution: str) -> tuple[str, ...]:
    """Members at the start."""
    found = scenario.institutions[institution].members
    assert set(found.value) <= {0.0, 1.0}
    return tuple(s for s, m in zip(found.entries, found.value, strict=True) if m)


def test_members_are_those_of_the_origin_and_join_at_their_date() -> None:
    before = at()
    assert members(before, "cis") == tuple(before.states)
    for institution in ("eaeu", "cisfta", "csto", "epca", "sco", "ots"):
        assert members(before, institution) == ()
    assert joined(before, "eaeu") == {"2010H1": ("kz",)}
    assert joined(before, "cis") == {}
    after = scenario_at(central(), example(), 2010, 4)
    assert members(after, "eaeu") == ("kz",)
    assert joined(after, "eaeu") == {}
    assert members(scenario_at(central(), example(), 2009, 4), "eaeu") == ()


def test_extrapolated_drivers_foresee_no_membership() -> None:
    scenario = at(drivers=EXTRAPOLATED)
    assert members(scenario, "cis") == tuple(scenario.states)
    assert joined(scenario, "eaeu") == {}
    assert not [e for e in scenario.events.values() if e.target is Target.MEMBERSHIP]


def spell(
    state: str, organisation: str, status: str, start: str, end: str | None = None
) -> Membership:
    day = None if end is None else date.fromisoformat(end)
    return Membership(state, organisation, status, date.fromisoformat(start), day, "invented")


def with_spells(*spells: Membership) -> History:
    return replace(example(), memberships=spells)


CASES: list[tuple[str, Sequence[Membership], tuple[str, ...], dict[str, tuple[str, ...]]]] = [
    (
        "eaeu",
        [
            spell("KZ", "Customs Union RUS-BLR-KAZ", "member", "2007-01-01", "2010-12-31"),
            spell("KZ", "EAEU", "member", "2011-01-01"),
            spell("KG", "EAEU", "member", "2011-08-06"),
            spell("UZ", "EAEU", "observer", "2009-01-01"),
        ],
        ("kz",),
        {"2012H1": ("kz", "kg")},
    ),
    (
        "epca",
        [
            spell("KZ", "EU EPCA", "signed", "2007-01-01", "2009-05-01"),
            spell("KZ", "EU EPCA", "provisional", "2009-05-01", "2012-03-01"),
            spell("KZ", "EU EPCA", "in force", "2012-03-01"),
        ],
        (),
        {"2009H2": ("kz",)},
    ),
    (
        "csto",
        [
            spell("UZ", "CST/CSTO", "member", "2006-06-23", "2012-12-19"),
            spell("TJ", "CST/CSTO", "member", "2008-07-01"),
            spell("TM", "CST/CSTO", "member", "2008-07-02"),
        ],
        ("tj", "uz"),
        {"2009H1": ("tj", "tm", "uz"), "2013H1": ("tj", "tm")},
    ),
    (
        "sco",
        [spell("KZ", "SCO", "member", "2014-01-01"), spell("KG", "SCO", "member", "2014-01-02")],
        (),
        {"2014H1": ("kz",)},
    ),
]


@pytest.mark.parametrize(("institution", "spells", "first", "events"), CASES)
def test_members_change_at_the_next_half_year(
    institution: str,
    spells: Sequence[Membership],
    first: tuple[str, ...],
    events: dict[str, tuple[str, ...]],
) -> None:
    scenario = scenario_at(central(), with_spells(*spells), CUT, YEARS)
    assert members(scenario, institution) == first
    assert joined(scenario, institution) == events
    nothing = scenario_at(central(), with_spells(*spells), CUT, YEARS, EXTRAPOLATED)
    assert members(nothing, institution) == first
    assert joined(nothing, institution) == {}


def test_a_membership_acts_on_trade_from_its_date() -> None:
    """Trade with Russia is drawn up by phi from the first half of 2010 on."""
    alone = {"rules.corridors.moving": False, "institutions.eaeu.trade_effect": {"ru": 0.36}}
    joins = vary(scenario_at(central(*QUIET), example(), CUT, YEARS, KNOWN, Part.TRADE), alone)
    stays = replace(
        joins, events={n: e for n, e in joins.events.items() if e.target is not Target.MEMBERSHIP}
    )
    with_union, without_union = (
        np.array([world.trade[..., 0, 0] for world in trace(s, range(1)).worlds])
        for s in (joins, stays)
    )
    share = 1 - np.exp(-0.5 / joins.rules.trade.adjustment_time.of())
    found = np.log(with_union / without_union)
    wanted = np.zeros(2 * YEARS + 1)
    wanted[4:] = 0.36 * (1 - (1 - share) ** np.arange(1, 2 * YEARS - 2))
    np.testing.assert_allclose(found[:, 0, 0], wanted, rtol=1e-9, atol=1e-14)
    found[:, 0, 0] = 0
    np.testing.assert_allclose(found, 0, atol=1e-14)


# --- war and sanctions ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Two states up to 2023."""
    return read_history(to_2023().write(tmp_path_factory.mktemp("long")), states=("KZ", "KG"))


@pytest.mark.parametrize(
    ("origin", "war", "sanctions", "events"),
    [
        (2008, 0.0, 0.0, set()),
        (2012, 0.0, 0.0, set()),  # over two years: the end of the run, and no part of it
        (2013, 0.0, 0.0, {"history_sanctions_2014"}),
        (2014, 0.0, 0.1, set()),
        (2020, 0.0, 0.1, {"history_sanctions_2022", "history_war_2022"}),
        (2021, 0.0, 0.1, {"history_sanctions_2022", "history_war_2022"}),
        (2022, 1.0, 0.4, set()),
    ],
)
def test_shocks_by_the_origin_are_levels_and_later_ones_events(
    long_history: History, origin: int, war: float, sanctions: float, events: set[str]
) -> None:
    years = 2 if origin < 2022 else 1
    for drivers in Drivers:
        scenario = scenario_at(central(), long_history, origin, years, drivers)
        environment = scenario.rules.environment
        assert (environment.war.of(), environment.sanctions.of()) == (
            war,
            pytest.approx(sanctions),
        )
        shocks = {
            name
            for name, event in scenario.events.items()
            if event.target in (Target.WAR, Target.SANCTIONS)
        }
        assert shocks == (events if drivers is KNOWN else set())


def test_shocks_strike_in_their_half_year(long_history: History) -> None:
    scenario = scenario_at(central(), long_history, 2020, 3)
    records = trace(scenario, range(1)).records
    war = [record.environment.war.item() for record in records]
    sanctions = [record.environment.sanctions.item() for record in records]
    assert war == [0, 0, 0, 1, 1, 1]  # from 2020H2 on
    np.testing.assert_allclose(sanctions, [0.1, 0.1, 0.1, 0.4, 0.4, 0.4])


def test_other_events_of_the_base_are_left_out() -> None:
    standard = base("events=standard", "uncertainty=none")
    scenario = scenario_at(standard, example(), CUT, YEARS)
    assert {e.target for e in scenario.events.values()} <= {Target.GROWTH, Target.MEMBERSHIP}
    ids = [event.id for event in scenario.events.values()]
    assert len(set(ids)) == len(ids)
    assert min(ids) >= 9000


# --- nothing of what comes later ------------------------------------------------------------------


def changed_later(folder: Path, *tables: str) -> History:
    """The example with other numbers after the origin in some of its files."""
    files = example_files()
    generator = np.random.default_rng(4)
    if TRADE in tables:
        for row in later(files, TRADE, CUT):
            if row["partner"] == "WORLD":
                world = 40_000 * generator.random() + 40_000
                parts = [r for r in files.tables[TRADE] if _same(r, row)]
                for other in parts:
                    part = world if other is row else world / 4 * generator.random()
                    other.update(amounts(part / 2, part / 2, world), quality="B", basis="mirror")
    if OUTPUT in tables:
        for row in later(files, OUTPUT, CUT):
            factor = 0.5 + generator.random()
            for column in ("gdp_current_usd", "gdp_const2015_usd_chained"):
                row[column] = f"{float(row[column]) * factor:.0f}"
    if MEMBERSHIPS in tables:
        files.drop(MEMBERSHIPS, organisation="Customs Union RUS-BLR-KAZ")
        for state in ("KGZ", "TJK"):
            files.tables[MEMBERSHIPS].append(membership(state, "EAEU", "2009-02-01"))
        files.row(MEMBERSHIPS, state_iso3="UZB", organisation="CIS").update(
            to_year="2011", to_date="2011-03-01"
        )
    return read_history(files.write(folder), gaps=True)


def _same(first: dict[str, str], second: dict[str, str]) -> bool:
    keys = ("year", "reporter_iso3")
    return [first[k] for k in keys] == [second[k] for k in keys]


def test_forecasts_from_the_past_use_nothing_after_the_origin(tmp_path: Path) -> None:
    other = changed_later(tmp_path, TRADE, OUTPUT, MEMBERSHIPS)
    before, after = slice(None, CUT), slice(CUT + 1, None)
    for name in ("trade", "gdp"):
        ours, theirs = (h.data[name].values for h in (example(), other))
        assert ours.shape == theirs.shape
        assert example().data[name].sel(year=before).identical(other.data[name].sel(year=before))
        assert (example().data[name].sel(year=after) != other.data[name].sel(year=after)).all()
    plan = replace(PLAN, names=FROM_PAST)
    found, wanted = (forecast(calibrated(), h, plan) for h in (other, example()))
    for key, shares in wanted.items():
        assert np.isfinite(shares).all(), key
        assert np.array_equal(found[key], shares), key


@pytest.mark.parametrize("last", [CUT, 2011])
def test_forecasts_from_the_past_do_not_depend_on_how_far_the_data_go(last: int) -> None:
    plan = replace(PLAN, names=FROM_PAST)
    found, wanted = (forecast(calibrated(), h, plan) for h in (up_to(last), example()))
    for key, shares in wanted.items():
        assert np.array_equal(found[key], shares), key


def test_known_drivers_use_nothing_of_trade_after_the_origin(tmp_path: Path) -> None:
    other = changed_later(tmp_path, TRADE)
    plan = replace(PLAN, names=FROM_DRIVERS)
    found, wanted = (forecast(calibrated(), h, plan) for h in (other, example()))
    for key, shares in wanted.items():
        assert np.isfinite(shares).all(), key
        assert np.array_equal(found[key], shares), key


@pytest.mark.parametrize("table", [OUTPUT, MEMBERSHIPS])
def test_known_drivers_do_use_output_and_memberships(tmp_path: Path, table: str) -> None:
    other = changed_later(tmp_path, table)
    plan = replace(PLAN, names=("trade known",))
    (found,), (wanted,) = (forecast(calibrated(), h, plan).values() for h in (other, example()))
    assert not np.array_equal(found, wanted)


def test_every_forecast_is_of_one_of_the_two_kinds() -> None:
    assert {*FROM_PAST, *FROM_DRIVERS} == {*VARIANTS, *RIVALS}


@pytest.mark.parametrize("name", [*VARIANTS, *RIVALS])
def test_forecasts_do_use_the_years_up_to_the_origin(name: str) -> None:
    """Trade at the origin moves all of them."""

    def shift(trade: xr.DataArray) -> None:
        trade.loc[{"year": CUT, "partner": "CN"}] *= 2

    plan = replace(PLAN, names=(name,))
    other = with_trade(example(), shift)
    (found,), (wanted,) = (forecast(calibrated(), h, plan).values() for h in (other, example()))
    assert (np.median(found[:, 1, 0], axis=-1) > np.median(wanted[:, 1, 0], axis=-1)).all()


def test_shares_add_up_and_need_trade() -> None:
    shares = shares_of(at())
    assert shares.shape == (5, 4, YEARS, at().replicates)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)


def test_a_run_of_history_gives_all_outcomes_too() -> None:
    """What the model says of the past beside trade is as finite as in any run."""
    data, _ = outcomes(replace(at(part=Part.FULL), outcomes=()), range(2))
    assert all(np.isfinite(array).all() for name, array in data.items() if name != "hedging")
