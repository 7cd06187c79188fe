"""The command ``multivector backtest``: its options, what it prints and what it writes."""

from __future__ import annotations

import argparse
import json
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.errors import InputError

if TYPE_CHECKING:
    from sim.analysis.backtest import Backtest
    from sim.analysis.backtest.calibration import Calibration
    from sim.analysis.backtest.choices import Choices

NO_DECISIONS: Final = "none"
"""Says that the choice rule is not scored."""
FOLDER: Final = "backtests"
"""Where results go, unless told."""
ID_BYTES: Final = 5
"""Of the hash in the name of a folder."""
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the forecasts in the table of them."""


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command to those of ``multivector``."""
    text = "score the model on years that it has not seen"
    parser = commands.add_parser(
        "backtest",
        parents=[shared],
        help=text,
        description=text,
        epilog="examples: multivector backtest example · multivector backtest data/ --origins "
        "2008-2013 · multivector backtest data/ --calibrate --train 1994-2008 --states KZ,UZ",
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        help="folder with trade.csv, gdp_population.csv and memberships.csv; or 'example', which "
        "is invented",
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="configuration of the model"
    )
    parser.add_argument(
        "--origins",
        metavar="YEARS",
        help="to forecast from, such as 2008-2013 or 2008,2010; else all after the training",
    )
    parser.add_argument("--horizons", type=int, metavar="YEARS", help="ahead, at most (8)")
    parser.add_argument("--members", type=int, metavar="N", help="of each ensemble (500)")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--states", metavar="CODES", help="such as KZ,UZ; else the five")
    parser.add_argument(
        "--basis", metavar="NAME", help="whose books count where a year is there on several"
    )
    parser.add_argument("--until", type=int, metavar="YEAR", help="last year that is read")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="fit the numbers of trade to the training years of these data",
    )
    parser.add_argument(
        "--train", metavar="YEARS", help="training years; data up to the last may have no gaps"
    )
    parser.add_argument(
        "--decisions",
        metavar="FILE",
        help="table of decisions instead of that of the program, or none",
    )
    parser.add_argument(
        "--save", metavar="DIR", help=f"where tables and figures go; else {FOLDER}/"
    )
    parser.set_defaults(command=_backtest)


def _backtest(options: argparse.Namespace) -> None:
    from sim import backtesting
    from sim.analysis.backtest import decided, run_backtest
    from sim.analysis.backtest.forecast import HORIZONS, MEMBERS
    from sim.analysis.backtest.words import text_of
    from sim.store import writable

    folder = writable(options.save or FOLDER, "--save")
    train = (backtesting.FIRST, backtesting.CUT)
    if options.train:
        years = read_years("--train", options.train)
        train = years[0], years[-1]
    states = None if options.states is None else options.states.split(",")
    history, past = backtesting.read(options.data, states, options.basis, train[1], options.until)
    plan = backtesting.plan(
        history,
        None if options.origins is None else read_years("--origins", options.origins),
        HORIZONS if options.horizons is None else options.horizons,
        MEMBERS if options.members is None else options.members,
        options.seed,
        train[1],
    )
    calibration = None
    if options.calibrate:
        fitted = backtesting.fitted(past, train, options.overrides, options.config_dir, plan.seed)
        base, calibration = fitted
        print(f"{calibration.text()}\n")
    else:
        base = backtesting.shipped(options.overrides, options.config_dir)
    found = run_backtest(history, base, plan)
    if options.data == backtesting.EXAMPLE:
        print("These data are invented: the model made them. They say nothing on any state.\n")
    print(text_of(found))
    choices = None
    if options.decisions != NO_DECISIONS:
        choices = backtesting.decisions(options.decisions, options.overrides, options.config_dir)
        print(f"\n{decided.text_of(choices)}")
    request = {
        "data": history.digest,
        "plan": [plan.origins, plan.horizons, plan.members, plan.seed],
        "overrides": options.overrides,
        "train": train if options.calibrate else None,
        "states": states,
        "basis": options.basis,
        "decisions": options.decisions,
        "until": options.until,
    }
    if options.save is None:
        folder = folder / _name(request)
    _write(found, calibration, choices, folder, request)
    print(f"\n{folder}")


def read_years(option: str, text: str) -> list[int]:
    """Years of a text such as ``2008-2013`` or ``2008,2010``, in order.

    Raises
    ------
    InputError
        It is neither.
    """
    first, dash, last = text.partition("-")
    try:
        years = range(int(first), int(last) + 1) if dash else map(int, text.split(","))
        found = sorted(set(years))
    except ValueError:
        found = []
    if not found:
        raise InputError(f"{option}: '{text}' is not years such as 2008-2013 or 2008,2010")
    return found


def _name(request: dict[str, Any]) -> str:
    """Folder of a request: the same for the same data, options and code."""
    from sim.code import code_digest

    known = json.dumps([request, code_digest("analysis")], default=str).encode()
    origins = request["plan"][0]
    return f"{origins[0]}-{origins[-1]}-{blake2b(known, digest_size=ID_BYTES).hexdigest()}"


def _write(
    found: Backtest,
    calibration: Calibration | None,
    choices: Choices | None,
    folder: Path,
    request: dict[str, Any],
) -> None:
    """Tables, figures, what was asked, and the calibration as a folder of configuration."""
    from sim.analysis.backtest.forecast import SPREAD
    from sim.analysis.backtest.result import FIRST
    from sim.analysis.backtest.words import SHOWN
    from sim.code import code_digest, versions
    from sim.plots import choices_scored, observed_and_forecast, reliability, skill_by_horizon
    from sim.plots.figures import figure_of, save

    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "scores": found.cells(),
        "skill": found.table(),
        "coverage": found.coverage(("period", "reach")),
        "acceptance": found.acceptance(),
        "forecasts": found.quantiles(QUANTILES),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    first = next(name for name in (FIRST, *found.models) if name in found.models)
    others = tuple(name for name in found.data["model"].values.tolist() if name not in found.models)
    compared = [n for n in (*SHOWN, *others) if n in found.data["model"].values and n != SPREAD]
    horizons = found.skill("horizon", models=compared, references=[SPREAD])
    save(figure_of(skill_by_horizon(horizons, SPREAD)), folder / "skill.png")
    save(reliability(found.data), folder / "reliability.png")
    save(observed_and_forecast(found.data, first), folder / "forecasts.png")
    if choices is not None:
        table = choices.table()
        table.to_csv(folder / "choices.csv", index=False)
        choices.log().to_csv(folder / "decisions.csv", index=False)
        save(figure_of(choices_scored(table)), folder / "choices.png")
    if calibration is not None:
        calibration.table().to_csv(folder / "calibration.csv", index=False)
        calibration.write(folder / "calibrated")
    known = {**request, "code": code_digest("analysis"), "versions": versions()}
    record = folder / "backtest.json"
    record.write_text(json.dumps(known, indent=1, default=str) + "\n", encoding="utf-8")
