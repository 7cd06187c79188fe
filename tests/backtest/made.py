"""What the tests of the back-test share: scenarios, the example, and its files to be changed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from history.synthetic import MEMBERSHIPS, OUTPUT, TRADE, Files

from sim.analysis.backtest.calibrate import VOLATILITY
from sim.analysis.backtest.forecast import Plan, forecasts
from sim.axes import FloatArray
from sim.backtesting import BASE, EXAMPLE_FOLDER, PAST
from sim.compose import load_scenario
from sim.history import History, read_history
from sim.scenario import Scenario

DATA: Final = Path(__file__).parents[2].parent / "shared" / "data"
"""Historical data that stand beside the repository, where they do."""
CUT: Final = 2008
FOREVER: Final = "rules.trade.trend_half_life.value=.inf"
QUIET: Final = tuple(f"{VOLATILITY}.value.{s}=0" for s in ("kz", "kg", "tj", "tm", "uz"))
"""No shocks to trade."""
STATES: Final = ("KZ", "KG", "TJ", "TM", "UZ")
PARTNERS: Final = ("RU", "CN", "EU", "ROW")


@lru_cache
def base(*overrides: str) -> Scenario:
    """Model from which scenarios of the past are made."""
    return load_scenario(BASE, *PAST, *overrides)


def calibrated(*overrides: str) -> Scenario:
    """With the shipped numbers and their ranges."""
    return base("mechanism=calibrated_trade", *overrides)


def central(*overrides: str) -> Scenario:
    """With the shipped numbers at their central values."""
    return calibrated("uncertainty=none", *overrides)


def uncalibrated(*overrides: str) -> Scenario:
    """With ranges as they are before a calibration."""
    return base("mechanism=uncalibrated_trade", *overrides)


@lru_cache
def example() -> History:
    """The invented data, all of them."""
    return read_history(EXAMPLE_FOLDER, gaps=True)


@lru_cache
def up_to(cut: int = CUT) -> History:
    """The invented data up to a year."""
    return read_history(EXAMPLE_FOLDER, until=cut)


def with_trade(history: History, change: Callable[[xr.DataArray], None]) -> History:
    """History whose trade (state, partner, year) is changed in place."""
    data = history.data.copy(deep=True)
    change(data["trade"])
    return replace(history, data=data)


def without(history: History, *places: tuple[str, int]) -> History:
    """History without the trade of some states in some years."""

    def forget(trade: xr.DataArray) -> None:
        for state, year in places:
            trade.loc[{"state": state, "year": year}] = np.nan

    return with_trade(history, forget)


def example_files() -> Files:
    """The files of the example as rows of text."""
    files = Files(2000, 2001)
    for name in (TRADE, OUTPUT, MEMBERSHIPS):
        with (EXAMPLE_FOLDER / f"{name}.csv").open(encoding="utf-8") as stream:
            files.tables[name] = list(csv.DictReader(stream))
    return files


def later(files: Files, table: str, year: int) -> Iterable[dict[str, str]]:
    """Rows of a file after a year."""
    column = "from_year" if table == MEMBERSHIPS else "year"
    return (row for row in files.tables[table] if int(row[column]) > year)


def forecast(scenario: Scenario, history: History, plan: Plan) -> dict[tuple[str, int], FloatArray]:
    """Forecasts by name and origin."""
    return {(name, origin): found for name, origin, found in forecasts(scenario, history, plan)}
