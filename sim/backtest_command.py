"""The command ``multivector backtest``: its options, what it prints and what it writes."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.errors import InputError, MultivectorError
from sim.plain import digest

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis.backtest import Backtest
    from sim.analysis.backtest.calibration import Calibration
    from sim.analysis.backtest.choices import Choices

NO_DECISIONS: Final = "none"
"""Says that the choice rule is not scored."""
FOLDER: Final = "backtests"
"""Where results go, unless told."""
LEAST_DECISIONS: Final = 2
"""Fewest decisions that are scored: each is forecast from the others."""
FOLDER_MODE: Final = 0o755
"""Others may read results."""
RIVALS_SHOWN: Final = ("persistence with spread", "persistence", "gravity known")
"""References of the figure of skill, the first that was scored."""
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
        help="to forecast from, such as 2008-2013 or 2008,2010; else all from the last of training",
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
    from sim.analysis.backtest.run import check
    from sim.analysis.backtest.words import text_of
    from sim.history.decisions import read_decisions

    place = _place(options)
    train = _training(options)
    states = None if options.states is None else options.states.split(",")
    table = None
    if options.decisions != NO_DECISIONS:
        table = read_decisions(None if options.decisions is None else Path(options.decisions))
    history, past = backtesting.read(options.data, states, options.basis, train[1], options.until)
    plan = backtesting.plan(
        history,
        None if options.origins is None else read_years("--origins", options.origins),
        HORIZONS if options.horizons is None else options.horizons,
        MEMBERS if options.members is None else options.members,
        options.seed,
        train,
    )
    calibration = None
    if options.calibrate:
        base, calibration = backtesting.fitted(
            past, train, options.overrides, options.config_dir, plan.seed
        )
        check(history, base, plan)
        print(f"{calibration.text()}\n")
    else:
        base = backtesting.shipped(options.overrides, options.config_dir)
    found = run_backtest(history, base, plan)
    if options.data == backtesting.EXAMPLE:
        print("These data are invented: the model made them. They say nothing on any state.\n")
    print(text_of(found))
    choices = None
    if table is not None:
        chosen = [d for d in table if states is None or d.state in history.data["state"].values]
        if len(chosen) < LEAST_DECISIONS:
            print(f"\nChoice rule: {len(chosen)} decisions of these states, too few to be scored")
        else:
            choices = backtesting.decisions(chosen, options.overrides, options.config_dir)
            print(f"\n{decided.text_of(choices)}")
    request = {
        "data": history.digest,
        "plan": [plan.origins, plan.horizons, plan.members, plan.seed],
        "overrides": options.overrides,
        "configuration": digest(base),
        "train": train if options.calibrate else None,
        "states": states,
        "basis": options.basis,
        "until": options.until,
        "decisions": None if choices is None else [d.id for d in choices.decisions],
    }
    folder = place if options.save else place / _name(request)
    _write(Found(found, calibration, choices), folder, request)
    print(f"\n{folder}")


def _place(options: argparse.Namespace) -> Path:
    """Where results go; a folder that was named must be new or empty."""
    from sim.store import writable

    place = writable(options.save or FOLDER, "--save")
    if options.save and place.is_dir() and any(place.iterdir()):
        raise InputError(f"--save: {place} is not empty; give another folder")
    return place


def _training(options: argparse.Namespace) -> tuple[int, int]:
    """First and last training year."""
    from sim.backtesting import CUT, FIRST

    if not options.train:
        return FIRST, CUT
    if not options.calibrate:
        raise InputError("--train: goes with --calibrate; shipped numbers have years of their own")
    first, dash, last = options.train.partition("-")
    if not (dash and first.isdigit() and last.isdigit()):
        raise InputError(f"--train: '{options.train}' is not a span of years such as 2000-2008")
    return int(first), int(last)


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


def _acceptance(result: Backtest) -> pd.DataFrame:
    """What was asked beforehand, in the years to 2014 and after."""
    import pandas as pd

    from sim.analysis.backtest.result import HELD_BACK, TUNING

    parts = [result.acceptance(period=period) for period in (TUNING, HELD_BACK)]
    return pd.concat(
        [
            part.assign(period=period)
            for part, period in zip(parts, (TUNING, HELD_BACK), strict=True)
        ]
    )


@dataclass(frozen=True)
class Found:
    """What is written."""

    backtest: Backtest
    calibration: Calibration | None
    choices: Choices | None


def _write(found: Found, folder: Path, request: dict[str, Any]) -> None:
    """Write all, or nothing: into a folder beside it, which takes its place when it is whole."""
    folder, part = folder.resolve(), None  # a link stays one
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        _write_into(part, found, request)
        part.chmod(FOLDER_MODE)
        if folder.is_dir():
            shutil.rmtree(folder)
        part.rename(folder)
    except OSError as error:
        raise MultivectorError(f"{folder}: {error.strerror or error}") from None
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _write_into(folder: Path, found: Found, request: dict[str, Any]) -> None:
    """Tables, figures, what was asked, and the calibration as a folder of configuration."""
    from sim.analysis.backtest.words import SHOWN, leading
    from sim.code import code_digest, versions
    from sim.plots import choices_scored, observed_and_forecast, reliability, skill_by_horizon
    from sim.plots.figures import figure_of, save

    result, choices = found.backtest, found.choices
    tables = {
        "scores": result.cells(),
        "skill": result.table(),
        "coverage": result.coverage(("period", "reach")),
        "acceptance": _acceptance(result),
        "forecasts": result.quantiles(QUANTILES),
    }
    if choices is not None:
        tables |= {"choices": choices.table(), "decisions": choices.log()}
    if found.calibration is not None:
        tables["calibration"] = found.calibration.table()
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    scored = set(result.cells()["model"])
    reference = next(name for name in RIVALS_SHOWN if name in scored)
    names = result.data["model"].values.tolist()
    others = [name for name in names if name not in result.models]
    compared = [n for n in (*SHOWN, *others) if n in scored and n != reference]
    horizons = result.skill("horizon", models=compared, references=[reference])
    save(figure_of(skill_by_horizon(horizons, reference)), folder / "skill.png")
    save(reliability(result.data), folder / "reliability.png")
    save(observed_and_forecast(result.data, leading(result)), folder / "forecasts.png")
    if choices is not None:
        save(figure_of(choices_scored(choices.table())), folder / "choices.png")
    if found.calibration is not None:
        found.calibration.write(folder / "calibrated")
    known = {**request, "code": code_digest("analysis"), "versions": versions()}
    record = folder / "backtest.json"
    record.write_text(json.dumps(known, indent=1, default=str) + "\n", encoding="utf-8")
