"""From a history to a scored back-test."""

from __future__ import annotations

from sim.analysis.backtest.forecast import Plan
from sim.analysis.backtest.result import Backtest
from sim.analysis.backtest.scoring import score
from sim.errors import InputError
from sim.history import History
from sim.scenario import Scenario


def backtest(history: History, base: Scenario, plan: Plan, notes: tuple[str, ...] = ()) -> Backtest:
    """Forecast from each origin of a plan and score what can be scored.

    Parameters
    ----------
    history : trade, output and memberships, also of the years after the origins.
    base : the model: its rules and ranges, see ``origin.scenario_at``.

    Raises
    ------
    InputError
        An origin without trade or output, or none with a year after it.
    """
    last = int(history.data["year"][-1])
    late = [origin for origin in plan.origins if origin >= last]
    if not plan.origins or late:
        raise InputError(
            f"origins: {late or 'none'}; the data end in {last}, so that {last - 1} is the last"
        )
    data = score(base, history, plan)
    if not data["energy"].notnull().any():
        raise InputError("backtest: no forecast can be scored, as shares of trade are missing")
    states = ", ".join(data["state"].values.tolist())
    heading = (
        f"Trade of {states} with {', '.join(data['partner'].values.tolist())}, from "
        f"{plan.origins[0]}–{plan.origins[-1]} up to {plan.horizons} years ahead and to {last}; "
        f"{plan.members} members, seed {plan.seed}; data {history.digest}"
    )
    return Backtest(data, heading, (*history.notes, *notes))
