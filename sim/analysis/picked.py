"""One decision of one replicate, as the decision log has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.axes import DOMAINS
from sim.decisions import decisions
from sim.errors import InputError, nearest
from sim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from sim.model import PartnershipModel


@dataclass(frozen=True)
class Picked:
    """What was on the table, how it was weighed, and the pick.

    Attributes
    ----------
    name : of the scenario or run.
    state, power_names : names by code, for sentences.
    period, domain, replicate : which decision of which replicate.
    offers : what ``table`` returns.
    """

    name: str
    state: str
    state_name: str
    power_names: Mapping[str, str]
    period: str
    domain: str
    replicate: int
    offers: pd.DataFrame

    def table(self) -> pd.DataFrame:
        """One row an option: offer, terms that add up to ``utility``, chance, pick.

        Columns as in ``sim.decisions.decisions``; terms and utility in log-odds against nobody.
        """
        return self.offers.copy()

    @property
    def most_probable(self) -> str:
        """Option with the highest probability; the first of equals."""
        return str(self.offers["option"].iloc[int(self.offers["probability"].argmax())])

    @property
    def picked(self) -> str:
        """Option that was picked in this replicate; in mean field the most probable one."""
        return str(self.offers["option"].iloc[int(self.offers["picked"].argmax())])


def picked(model: PartnershipModel, state: str, period: str, domain: str) -> Picked:
    """Decision of a state in a half-year that a model has simulated.

    Raises
    ------
    InputError
        There is no such state, half-year or domain, or the model has not come to it yet.
    """
    scenario = model.configuration
    check_decision(scenario, scenario.name, state, period, domain)
    step = scenario.periods.index(period)
    if step >= model.period:
        raise InputError(
            f"period: {period} is not simulated yet; the model stands at {model.label}"
        )
    log = decisions(model.records[step], model.parameters, scenario, period)
    return in_log(log, scenario, scenario.name, state, domain, model.replicate)


def in_log(
    log: pd.DataFrame, scenario: Scenario, name: str, state: str, domain: str, replicate: int
) -> Picked:
    """Decision in the log of one half-year."""
    code = state.upper()
    rows = log[(log["state"] == code) & (log["domain"] == domain)]
    return Picked(
        name=name,
        state=code,
        state_name=scenario.states[code.lower()].name,
        power_names={c.upper(): power.name for c, power in scenario.powers.items()},
        period=str(log["period"].iloc[0]),
        domain=domain,
        replicate=replicate,
        offers=rows.reset_index(drop=True),
    )


def check_decision(scenario: Scenario, name: str, state: str, period: str, domain: str) -> None:
    """Refuse a state, half-year or domain that a scenario does not have."""
    asked: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("state", state.upper(), scenario.state_codes),
        ("period", period, scenario.periods),
        ("domain", domain, DOMAINS),
    )
    for what, named, valid in asked:
        if named not in valid:
            begin = [label for label in valid if label.startswith(named)] if named else []
            raise InputError(f"{what}: no '{named}' in {name}{nearest(named, begin or valid)}")
