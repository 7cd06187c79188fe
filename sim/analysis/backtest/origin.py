"""Scenarios that begin in the past, with the world as it was reported for the year of origin.

The figure of a year stands for its middle: a run from the origin begins there, ``2008H2``, and what
is forecast for the year h later is the stock of trade after 2h half-years.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from sim.analysis.backtest.numbers import SOURCE, given, number, spread
from sim.analysis.backtest.spells import Spells
from sim.axes import ROW
from sim.errors import InputError
from sim.history import ZERO_TRADE, History
from sim.periods import parse_period
from sim.quantity import Quantity
from sim.rule_specs import Rules
from sim.scenario import Horizon, Scenario
from sim.specs import EventSpec, PowerSpec, StateSpec, Target

HALF_YEAR: Final = 0.5
"""Length of a step, years."""
TREND_YEARS: Final = 10
"""Years before the origin whose mean growth is extrapolated."""
LEAST_GROWTHS: Final = 3
"""Fewest of them."""
FIRST_EVENT_ID: Final = 9000
"""Ids of the events made here begin above those of the shipped ones."""
SHOCKS: Final = (Target.WAR, Target.SANCTIONS)
"""What the dated events of the base scenario act on that history keeps."""


class Drivers(StrEnum):
    """What a forecast knows of the years after the origin."""

    KNOWN = "known"  # output, memberships and sanctions as they came: a test of structure
    EXTRAPOLATED = "extrapolated"  # nothing: a true forecast


class Part(StrEnum):
    """Which part of the model forecasts."""

    FULL = "full"
    TRADE = "trade"  # trade, institutions and corridors: what powers deliver does not act on trade
    GRAVITY = "gravity"  # E27c without agreements, corridors, sanctions, re-exports and trends


@dataclass(frozen=True)
class Growth:
    """Growth of an economy after an origin, 1/yr: ``rates`` year by year, and the spread of it."""

    rates: tuple[float, ...]
    deviation: float = 0.0


def scenario_at(
    base: Scenario,
    history: History,
    origin: int,
    years: int,
    drivers: Drivers = Drivers.KNOWN,
    part: Part = Part.FULL,
) -> Scenario:
    """Scenario that begins in the middle of a year of history.

    Parameters
    ----------
    base : whose rules, institutions, corridors and dated shocks it takes; numbers of trade, output
        and membership are replaced. Budgets and investment stocks of the powers are scaled by
        their output, since those of the past are no part of the data.
    years : length of the run. With known drivers output must be reported for all of them.

    Raises
    ------
    InputError
        The history has no trade or output where it is needed.
    """
    states = _complete(base, history, origin)
    growth = {
        economy: growth_after(history, economy, origin, years, drivers)
        for economy in (*states, *base.power_codes, ROW)
    }
    foreseen = years if drivers is Drivers.KNOWN else 0
    spells = Spells(history.memberships, origin, foreseen)
    levels, shocks = _shocks(base, origin, foreseen)
    events = {
        **shocks,
        **_growth_events(growth, origin, tuple(base.states)),
        **spells.events(base.institutions, states),
    }
    scenario = replace(
        base,
        name=f"history-{origin}",
        horizon=Horizon(start=f"{origin}H2", end=f"{origin + years}H2", step=HALF_YEAR),
        states={
            code.lower(): _state(base.states[code.lower()], history, code, origin, growth[code])
            for code in states
        },
        powers={
            code: _power(power, history, code.upper(), origin, growth[code.upper()])
            for code, power in base.powers.items()
        },
        institutions={
            name: replace(institution, members=spells.members(institution.members, name, states))
            for name, institution in base.institutions.items()
        },
        events={
            name: replace(event, id=FIRST_EVENT_ID + n)
            for n, (name, event) in enumerate(events.items())
        },
        rules=_rules(base.rules, levels, growth[ROW]),
        outcomes=("trade",),
    )
    return only(scenario, part)


def only(scenario: Scenario, part: Part) -> Scenario:
    """The scenario with what is no part of it switched off."""
    if part is Part.FULL:
        return scenario
    rules = scenario.rules
    trade = replace(rules.trade, capital_effect=given(rules.trade.capital_effect, 0.0))
    if part is Part.TRADE:
        return replace(scenario, rules=replace(rules, trade=trade))
    nothing = dict.fromkeys(rules.trade.trend.entries, 0.0)
    trade = replace(
        trade,
        sanction_effect=given(trade.sanction_effect, 0.0),
        trend=given(trade.trend, nothing),
    )
    return replace(
        scenario,
        rules=replace(rules, trade=trade, corridors=replace(rules.corridors, moving=False)),
        institutions={
            name: replace(institution, trade_effect=None)
            for name, institution in scenario.institutions.items()
        },
        states={
            code: replace(state, reexport_effect=given(state.reexport_effect, 0.0))
            for code, state in scenario.states.items()
        },
    )


def growth_after(
    history: History, economy: str, origin: int, years: int, drivers: Drivers
) -> Growth:
    """Growth of an economy after the origin, in current dollars as trade is.

    Known: as reported. Extrapolated: the mean of the last ``TREND_YEARS``, one number for all,
    with the spread that the mean of ``years`` has if growth of single years is independent, and the
    error of the mean: right at the longest horizon, too narrow before.

    Raises
    ------
    InputError
        Output is not reported for the years needed.
    """
    output = history.data["gdp"].sel(economy=economy)
    ends = range(origin, origin + years + 1)
    if drivers is Drivers.EXTRAPOLATED:
        first = max(int(output["year"][0]), origin - TREND_YEARS)
        ends = range(first, origin + 1)
    missing = [y for y in ends if y not in output["year"].values or not output.sel(year=y) > 0]
    if drivers is Drivers.EXTRAPOLATED:
        ends = range(max((y + 1 for y in missing), default=ends.start), origin + 1)
        if len(ends) <= LEAST_GROWTHS:
            raise InputError(f"origin: {economy} has too little output before {origin}")
    elif missing:
        raise InputError(f"drivers: no output of {economy} in {missing[0]}")
    rates = np.diff(np.log(output.sel(year=list(ends)).values))
    if drivers is Drivers.KNOWN:
        return Growth(tuple(rates.tolist()))
    deviation = float(rates.std(ddof=1) * np.sqrt(1 / years + 1 / len(rates)))
    return Growth((float(rates.mean()),) * years, deviation)


def _complete(base: Scenario, history: History, origin: int) -> list[str]:
    """States of both with trade of all partners in the year of origin."""
    shares = history.shares
    years = shares["year"].values
    if origin not in years:
        raise InputError(f"origin: {origin} is not among the years {years[0]} to {years[-1]}")
    known = shares.sel(year=origin).notnull().all("partner")
    found = [
        s
        for s in shares["state"].values.tolist()
        if s.lower() in base.states and known.sel(state=s)
    ]
    if not found:
        raise InputError(f"origin: no state has complete trade in {origin}")
    return found


def _state(state: StateSpec, history: History, code: str, origin: int, growth: Growth) -> StateSpec:
    trade = history.data["trade"].sel(state=code, year=origin)
    amounts = {  # no trade would stay none for ever
        str(j).lower(): max(float(trade.sel(partner=j)), ZERO_TRADE)
        for j in trade["partner"].values
    }
    return replace(
        state,
        gdp=given(state.gdp, _output(history, code, origin)),
        growth=spread(state.growth, growth.rates[0], growth.deviation),
        trade=given(state.trade, amounts),
    )


def _power(power: PowerSpec, history: History, code: str, origin: int, growth: Growth) -> PowerSpec:
    output = _output(history, code, origin)
    scale = output / power.gdp.of()
    return replace(
        power,
        gdp=given(power.gdp, output),
        growth=spread(power.growth, growth.rates[0], growth.deviation),
        budget=_scaled(power.budget, scale),
        investment_stock=_scaled(power.investment_stock, scale),
    )


def _rules(rules: Rules, levels: Mapping[Target, float], rest: Growth) -> Rules:
    """Rules with the conditions of the origin."""
    environment, trade = rules.environment, rules.trade
    return replace(
        rules,
        environment=replace(
            environment,
            war=given(environment.war, levels[Target.WAR]),
            sanctions=given(environment.sanctions, levels[Target.SANCTIONS]),
        ),
        trade=replace(
            trade,
            rest_of_world_growth=spread(trade.rest_of_world_growth, rest.rates[0], rest.deviation),
        ),
    )


def _shocks(
    base: Scenario, origin: int, years: int
) -> tuple[dict[Target, float], dict[str, EventSpec]]:
    """Level of war and sanctions at the origin, and the dated events that come in the years after.

    What has happened by the origin is part of the trade that is reported for it.
    """
    environment = base.rules.environment
    levels = {Target.WAR: environment.war.of(), Target.SANCTIONS: environment.sanctions.of()}
    later = {}
    for name, event in base.events.items():
        if event.target in SHOCKS and event.date is not None and event.size is not None:
            time = parse_period(event.date) - HALF_YEAR  # years since the middle of a year
            if time <= origin:
                levels[event.target] += event.size.of()
            elif time < origin + years:
                later[name] = event
    return levels, later


def _growth_events(
    growth: Mapping[str, Growth], origin: int, states: Sequence[str]
) -> dict[str, EventSpec]:
    """Changes of growth from year to year, one event each."""
    found = {}
    for economy, path in growth.items():
        code = economy.lower()
        on_state = code in states
        for year, change in enumerate(np.diff(path.rates).tolist(), start=origin + 1):
            if change:
                found[f"growth_{code}_{year}"] = EventSpec(
                    id=0,
                    name=f"Growth of {economy} in {year}",
                    target=Target.GROWTH,
                    assumption=SOURCE,
                    date=f"{year}H2",
                    states=(code,) if on_state else (),
                    powers=() if on_state else (code,),
                    size=number(f"events.growth_{code}_{year}.size", "1/yr", change),
                )
    return found


def _output(history: History, economy: str, origin: int) -> float:
    found = float(history.data["gdp"].sel(economy=economy, year=origin))
    if not found > 0:
        raise InputError(f"origin: no output of {economy} in {origin}")
    return found


def _scaled(quantity: Quantity, factor: float) -> Quantity:
    """A quantity in another size, with its range."""
    value, low, high = (
        tuple(number * factor for number in numbers)
        for numbers in (quantity.value, quantity.low, quantity.high)
    )
    return replace(quantity, value=value, low=low, high=high)
