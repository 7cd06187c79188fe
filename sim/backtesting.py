"""``multivector backtest``: score the model on years that it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sim.analysis.backtest import Backtest, Plan, run_backtest
from sim.analysis.backtest.calibration import Calibration, calibrate
from sim.analysis.backtest.choices import Choices, score_decisions
from sim.analysis.backtest.forecast import HORIZONS, MEMBERS
from sim.compose import load_scenario
from sim.errors import InputError
from sim.history import History, read_history
from sim.history.decisions import read_decisions
from sim.scenario import Scenario

CUT = 2008
"""Last year that the calibration reads."""
FIRST = 2000
"""First year that it reads, chosen on the years after the cut among 1994, 1996, 1998, 1999, 2000:
the nineties, with their new currencies and the crisis of 1998, were more volatile."""
PAST = (
    "events=history",
    "rules.environment.war.value=0",
    "rules.environment.sanctions.value=0",
)
"""Configuration in which history begins, before war and sanctions."""
BASE = "strategic_balance"
EXAMPLE = "example"
"""Stands for the folder of invented data."""
EXAMPLE_FOLDER = Path(__file__).parent / "history" / "example"
"""In the format of the readers."""


def backtest(
    data: str | Path,
    *overrides: str,
    origins: Iterable[int] | None = None,
    horizons: int = HORIZONS,
    members: int = MEMBERS,
    seed: int = 1,
    states: str | Iterable[str] | None = None,
    basis: str | None = None,
    until: int | None = None,
    train: tuple[int, int] = (FIRST, CUT),
    refit: bool = False,
    config_dir: str | Path | None = None,
) -> Backtest:
    """Forecast the trade of states from years of the past, and score it on what came.

    Parameters
    ----------
    data : folder with ``trade.csv``, ``gdp_population.csv`` and ``memberships.csv``; or
        ``"example"``, invented data that come with the program.
    overrides : configuration, as in ``sim.load_scenario``.
    origins : years to forecast from; None for all from the last training year to the last but one.
    horizons : years ahead. members, seed : of the ensembles.
    states : codes; None for the five Central Asian states.
    basis : whose books count where a year is there on several.
    until : last year that is read, None for all.
    train : first and last year of the calibration. Data up to the last must be without gaps; later
        years may have them, and are not scored then.
    refit : calibrate on the training years of these data instead of taking the shipped numbers.

    Raises
    ------
    InputError
        Data that cannot be right, with file and line; or options that do not fit them.

    Examples
    --------
    >>> found = sim.backtest("example", origins=[2008], horizons=4, members=50)
    >>> found.skill("horizon", models=["trade known"])["forecasts"].tolist()
    [5, 5, 5, 5, 5, 5, 5, 5]
    """
    history, past = read(data, states, basis, train[1], until)
    base = (
        fitted(past, train, overrides, config_dir, seed)[0]
        if refit
        else shipped(overrides, config_dir)
    )
    return run_backtest(history, base, plan(history, origins, horizons, members, seed, train[1]))


def read(
    data: str | Path,
    states: str | Iterable[str] | None,
    basis: str | None,
    cut: int,
    until: int | None = None,
) -> tuple[History, History]:
    """The history, and that up to the cut, for which nothing later was read."""
    if until is not None and until <= cut:
        raise InputError(f"until: {until} leaves no year after the training, which ends in {cut}")
    data = EXAMPLE_FOLDER if data == EXAMPLE else data
    chosen = states if states is None or isinstance(states, str) else tuple(states)
    past = read_history(data, states=chosen, basis=basis, until=cut)
    return read_history(data, states=chosen, basis=basis, until=until, gaps=True), past


def shipped(overrides: Sequence[str], config_dir: str | Path | None) -> Scenario:
    """The model with the calibration of the configuration."""
    chosen = [] if _named(overrides, "mechanism") else ["mechanism=calibrated_trade"]
    return load_scenario(BASE, *PAST, *chosen, *overrides, config_dir=config_dir)


def fitted(
    past: History,
    train: tuple[int, int],
    overrides: Sequence[str],
    config_dir: str | Path | None,
    seed: int = 1,
) -> tuple[Scenario, Calibration]:
    """The model calibrated on the training years, and the calibration."""
    if _named(overrides, "mechanism"):
        raise InputError("mechanism: a calibration starts from mechanism=uncalibrated_trade")
    base = load_scenario(
        BASE, *PAST, "mechanism=uncalibrated_trade", *overrides, config_dir=config_dir
    )
    found = calibrate(base, past, *train, seed=seed)
    return found.apply(base), found


def decisions(
    file: str | Path | None, overrides: Sequence[str], config_dir: str | Path | None
) -> Choices:
    """The choice rule scored on a table of decisions, None for that of the program."""
    table = read_decisions(None if file is None else Path(file))
    powers = [] if _named(overrides, "powers") else ["powers=five_suitors"]
    return score_decisions(table, load_scenario(BASE, *powers, *overrides, config_dir=config_dir))


def plan(
    history: History,
    origins: Iterable[int] | None,
    horizons: int,
    members: int,
    seed: int,
    cut: int,
) -> Plan:
    """What is forecast: by default from every year between the cut and the last but one."""
    last = int(history.data["year"][-1])
    chosen = range(cut, last) if origins is None else sorted(set(origins))
    return Plan(tuple(chosen), horizons, members, seed)


def _named(overrides: Sequence[str], group: str) -> bool:
    return any(text.partition("=")[0].lstrip("+~") == group for text in overrides)
