"""From a history to a scored back-test."""

from __future__ import annotations

from typing import Final

from sim.analysis import given
from sim.analysis.backtest.forecast import Plan
from sim.analysis.backtest.result import Backtest
from sim.analysis.backtest.scoring import score
from sim.analysis.scores import DENSITY_MEMBERS
from sim.errors import InputError
from sim.history import History
from sim.quantity import Quantity
from sim.scenario import Scenario

MOST_HORIZONS: Final = 50
MOST_MEMBERS: Final = 20_000
MOST_SEED: Final = 2**32
"""Upper ends that keep a back-test within memory and its seeds within the keys of draws."""


def run_backtest(history: History, base: Scenario, plan: Plan) -> Backtest:
    """Forecast from each origin of a plan and score what can be scored.

    Parameters
    ----------
    history : trade, output and memberships, also of the years after the origins.
    base : the model: its rules and ranges, see ``origin.scenario_at``.

    Raises
    ------
    InputError
        A plan that does not fit the history or the model, or nothing that can be scored.
    """
    check(history, base, plan)
    last = int(history.data["year"][-1])
    data = score(base, history, plan)
    if not data["energy"].notnull().any():
        raise InputError("backtest: no forecast can be scored, as shares of trade are missing")
    states = ", ".join(data["state"].values.tolist())
    heading = (
        f"Trade of {states} with {', '.join(data['partner'].values.tolist())}, from "
        f"{plan.origins[0]}–{plan.origins[-1]} up to {plan.horizons} years ahead and to {last}; "
        f"{plan.members} members, seed {plan.seed}; data {history.digest}"
    )
    return Backtest(data, heading, history.notes)


def check(history: History, base: Scenario, plan: Plan) -> None:
    """Refuse a plan that does not fit the history, or states that the model lacks."""
    for name, value, least, most in (
        ("horizons", plan.horizons, 1, MOST_HORIZONS),
        ("members", plan.members, DENSITY_MEMBERS, MOST_MEMBERS),
        ("seed", plan.seed, 0, MOST_SEED),
    ):
        if given.whole(name, value, least=least) > most:
            raise InputError(f"{name}: must be at most {most}, not {value}")
    if tuple(history.data["power"].values) != base.power_codes:
        raise InputError(
            f"powers: the model has {' '.join(base.power_codes)}, the data were read for "
            f"{' '.join(history.data['power'].values)}"
        )
    years = history.data["year"].values.tolist()
    for origin in plan.origins:
        given.whole("origins", origin)
        if not years[0] <= origin < years[-1]:
            raise InputError(
                f"origins: {origin} does not lie between {years[0]} and {years[-1] - 1}, the first "
                "year of the data and the last but one"
            )
    if not plan.origins:
        raise InputError("origins: none given")
    volatility = base.rules.trade.volatility
    for code in history.data["state"].values.tolist():
        if code.lower() not in base.states:
            raise InputError(f"states: the model has no {code}; states=cis_plus has all")
        if not _spread(volatility, code.lower()):
            raise InputError(
                f"{volatility.path}: has nothing for {code.lower()}, so that forecasts would have "
                "no spread; calibrate on these data"
            )


def _spread(volatility: Quantity, state: str) -> bool:
    return state in volatility.entries and volatility.of(state) > 0
