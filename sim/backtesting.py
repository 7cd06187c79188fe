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
from sim.history.decisions import Decision, read_decisions
from sim.scenario import Scenario

CUT = 2008
"""Last year that the calibration reads."""
FIRST = 2000
"""First year that it reads, chosen on the years after the cut among 1994, 1996, 1998, 1999, 2000:
the nineties, with their new currencies and the crisis of 1998, were more volatile."""
LEAST_TRAINING = 3
"""Fewest changes from year to year that a calibration is tried on."""
PAST = (
    "events=history",
    "rules.environment.war.value=0",
    "rules.environment.sanctions.value=0",
)
"""Configuration in which history begins, before war and sanctions."""
GIVEN = ("seed", "replicates", "horizon", "scenario", "events", "outcomes", "powers")
"""Parts of the configuration that a back-test sets by itself."""
FITTED = ("uncertainty=", "rules.trade.trend", "rules.trade.volatility")
"""What a calibration finds, or cannot do without."""
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
    if not refit and train != (FIRST, CUT):
        raise InputError(
            "train: goes with refit; the shipped numbers have training years of their own"
        )
    history, past = read(data, states, basis, train[1], until)
    asked = plan(history, origins, horizons, members, seed, train)
    base = (
        fitted(past, train, overrides, config_dir, seed)[0]
        if refit
        else shipped(overrides, config_dir)
    )
    return run_backtest(history, base, asked)


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
    _check(overrides)
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
    _check(overrides)
    if _named(overrides, "mechanism"):
        raise InputError("mechanism: a calibration starts from ranges of its own; leave it out")
    for text in overrides:
        if text.lstrip("+~").startswith(FITTED):
            raise InputError(f"option '{text}': a calibration finds it; leave it out")
    if not train[0] + LEAST_TRAINING <= train[1]:
        raise InputError(
            f"train: {train[0]} to {train[1]}; needs {LEAST_TRAINING + 1} years, in order"
        )
    base = load_scenario(
        BASE, *PAST, "mechanism=uncalibrated_trade", *overrides, config_dir=config_dir
    )
    found = calibrate(base, past, *train, seed=seed)
    return found.apply(base), found


def decisions(
    table: Sequence[Decision] | None = None,
    overrides: Sequence[str] = (),
    config_dir: str | Path | None = None,
) -> Choices:
    """The choice rule scored on decisions, None for those of the program."""
    chosen = read_decisions() if table is None else table
    base = load_scenario(BASE, "powers=five_suitors", *overrides, config_dir=config_dir)
    return score_decisions(chosen, base)


def plan(
    history: History,
    origins: Iterable[int] | None,
    horizons: int,
    members: int,
    seed: int,
    train: tuple[int, int],
) -> Plan:
    """What is forecast: by default from every year that all can be forecast from, after training.

    The last training year is the first origin, since forecasts from it are of years after it.

    Raises
    ------
    InputError
        An origin lies within the training years: what the model was fitted to is no test.
    """
    first, cut = train
    last = int(history.data["year"][-1])
    if origins is None:
        known = history.shares.notnull().all("partner").any("state")
        chosen = [year for year in range(cut, last) if bool(known.sel(year=year))]
    else:
        chosen = sorted(set(origins))
    if not chosen:
        raise InputError(
            f"origins: no year of trade from {cut}, the last of training, to {last - 1}"
        )
    if chosen[0] < cut:
        raise InputError(
            f"origins: {chosen[0]} lies within the training years, which end in {cut}; "
            "what the model was fitted to is no test"
        )
    return Plan(tuple(chosen), horizons, members, seed, since=first)


def _check(overrides: Sequence[str]) -> None:
    """Refuse configuration that a back-test sets by itself."""
    for group in GIVEN:
        if _named(overrides, group):
            raise InputError(f"option '{group}=': a back-test sets it; see multivector backtest -h")


def _named(overrides: Sequence[str], group: str) -> bool:
    names = (text.partition("=")[0].lstrip("+~").partition(".")[0] for text in overrides)
    return group in names
