"""Commands that ask something of a run, a sweep or a scenario: why, what if, how sure."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.errors import InputError
from sim.sources import CELL, changed, load

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from sim.evidence import Ledger
    from sim.scenario import Scenario
    from sim.store import Run
    from sim.sweep import Sweep

THEORIES: Final = ("no_hedging", "no_lock_in", "no_learning", "static_powers")
"""Mechanisms that theory picks from where none are named."""
_SOURCE: Final = "folder of a run, of a sweep (@CELL for one cell), or name of a scenario"
_EPILOGS: Final = {
    "replay": "examples: multivector replay runs/strategic_balance-… --replicate 17 · multivector "
    "replay sweeps/grid-…@3",
    "explain": "example: multivector explain strategic_balance seed=7 --state KZ --period 2029H1 "
    "--domain energy --replicate 17",
    "compare": "examples: multivector compare gateway_delivers (with the baseline) · multivector "
    'compare runs/A runs/B · multivector compare rails_first --outcome "alignment.UZ.CN at 2032H1"',
    "tipping": 'example: multivector tipping strategic_balance "alignment.UZ.EU first at 2032H1" '
    "powers.eu.budget --low 1 --high 20",
    "sensitivity": 'examples: multivector sensitivity strategic_balance "influence.RU" · '
    'multivector sensitivity sweeps/sobol-… "dependence.KZ.RU > 0.3"',
    "discover": 'example: multivector discover sweeps/latin_hypercube-… "dependence.KZ.RU < 0.35"',
}


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the commands to those of ``multivector``."""

    def command(name: str, text: str, run: Callable[[argparse.Namespace], None]) -> Any:
        parser = commands.add_parser(
            name, parents=[shared], help=text, description=text, epilog=_EPILOGS[name]
        )
        parser.add_argument("source", metavar="SOURCE", help=_SOURCE)
        parser.add_argument(
            "--save", metavar="DIR", help="write tables and figure to this folder as well"
        )
        parser.set_defaults(command=run, name=name)
        return parser

    def options(parser: Any) -> None:
        parser.add_argument(
            "overrides", nargs="*", metavar="KEY=VALUE", help="configuration of a scenario"
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="PATH=VALUE",
            help="what if a number were another; may be given again",
        )

    replay = command("replay", "one replicate once more, with its decision log", _replay)
    replay.add_argument("--replicate", type=int, default=0, metavar="N")
    options(replay)

    explain = command("explain", "why a state picked a power in a half-year", _explain)
    for name, example in (("state", "KZ"), ("period", "2029H1"), ("domain", "energy")):
        explain.add_argument(f"--{name}", required=True, metavar=example)
    explain.add_argument("--replicate", type=int, default=0, metavar="N")
    explain.add_argument(
        "--reach",
        type=float,
        default=1.0,
        metavar="WIDTHS",
        help="how far beyond evidence ranges to look for flips, in widths of a range",
    )
    options(explain)

    compare = command("compare", "paired differences of two runs, or from the baseline", _compare)
    compare.add_argument(
        "others", nargs="*", metavar="SOURCE or KEY=VALUE", help="what to compare with; options"
    )
    compare.add_argument(
        "--outcome", action="append", default=[], metavar="OUTCOME", help="may be given again"
    )
    compare.add_argument("--when", default="end", metavar="WHEN", help="end, mean or a half-year")

    tipping = command("tipping", "at which value of a number something tips", _tipping)
    tipping.add_argument("target", metavar="TARGET", help='such as "alignment.UZ.EU first"')
    tipping.add_argument("parameter", metavar="PARAMETER", help="path of a number")
    for end in ("low", "high"):
        tipping.add_argument(f"--{end}", type=float, metavar="X", help="else its evidence range")
    tipping.add_argument("--share", type=float, default=0.5, metavar="SHARE", help="threshold")
    options(tipping)

    sensitivity = command("sensitivity", "which number matters most to a result", _sensitivity)
    sensitivity.add_argument("question", metavar="QUESTION", help='such as "influence.RU at end"')
    sensitivity.add_argument(
        "--samples", type=int, metavar="N", help="base samples of the ranking, a power of 2"
    )
    sensitivity.add_argument(
        "--theories",
        metavar="NAMES",
        help=f"mechanisms that theory picks from, or none; by default {','.join(THEORIES)}",
    )
    sensitivity.add_argument(
        "--documents",
        nargs="?",
        const="",
        metavar="ID,ID",
        help="leave documents out one at a time as well: these, or those most numbers rest on",
    )
    options(sensitivity)

    report = commands.add_parser(
        "report", parents=[shared], help="one HTML page on a run: results, evidence, limits"
    )
    report.add_argument("source", metavar="RUN", help="folder of a run, or name of a scenario")
    report.add_argument("--file", metavar="FILE", help="where to write; else into the run's folder")
    options(report)
    report.set_defaults(command=_report)

    discover = command("discover", "under which ranges of a sweep something comes true", _discover)
    discover.add_argument("target", metavar="TARGET", help='such as "dependence.KZ.RU < 0.35"')
    discover.add_argument("--method", default="prim", metavar="METHOD", help="prim or cart")
    discover.add_argument("--share", type=float, default=0.5, help="of the replicates of a cell")
    discover.add_argument("--density", type=float, default=0.8, help="wanted of a box")
    discover.add_argument("--boxes", type=int, default=3, help="at most so many")


def _replay(options: argparse.Namespace) -> None:
    from sim.analysis.replay import replay
    from sim.plots import picks_over_time

    result, cell, facts = _asked(options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the verdict says the same, and by how much
        found = replay(result, options.replicate, cell=cell, ledger=facts)
    print(found.run().text())
    log = found.table()
    _save(options, "replay", {"decisions": log}, lambda: picks_over_time(log))


def _explain(options: argparse.Namespace) -> None:
    from sim.analysis.explain import explain
    from sim.plots import explanation

    result, cell, facts = _asked(options)
    found = explain(
        result,
        options.state,
        options.period,
        options.domain,
        options.replicate,
        cell=cell,
        reach=options.reach,
        ledger=facts,
    )
    print(found.text())
    tables = {"offers": found.table(), "evidence": found.trail, "flips": found.flips}
    _save(options, "explain", tables, lambda: explanation(found), found.manifest)


def _compare(options: argparse.Namespace) -> None:
    from sim.analysis.compare import compare
    from sim.plots import differences

    _check_output(options)
    settings = [text for text in options.others if "=" in text]
    others = [text for text in options.others if "=" not in text]
    if len(others) > 1:
        raise InputError(f"compare: takes two at most; '{others[1]}' is one too many")
    stored = [Path(text.partition(CELL)[0]).is_dir() for text in (options.source, *others)]
    if settings and all(stored):
        raise InputError(f"option '{settings[0]}': what is stored cannot be changed")
    results = [
        load(text, () if there else settings, options.config_dir)
        for text, there in zip((options.source, *others), stored, strict=True)
    ]
    first, second = results[0], results[1] if others else (None, None)
    found = compare(
        first[0],
        second[0],
        options.outcome,
        when=options.when,
        cells=(first[1], second[1]),
        ledger=_ledger(options),
    )
    print(found.text())
    _save(options, "compare", {"differences": found.table()}, lambda: differences(found))


def _tipping(options: argparse.Namespace) -> None:
    from sim.analysis.tipping import tipping
    from sim.plots import tipping as draw

    result, cell, facts = _asked(options)
    found = tipping(
        result,
        options.target,
        options.parameter,
        options.low,
        options.high,
        share=options.share,
        cell=cell,
        ledger=facts,
    )
    print(found.text())
    _save(options, "tipping", {"curve": found.table(), "tips": found.tips}, lambda: draw(found))


def _sensitivity(options: argparse.Namespace) -> None:
    from sim.analysis.documents import leave_one_out
    from sim.analysis.origin import origin_of
    from sim.analysis.sensitivity import SAMPLES, sensitivity
    from sim.plots import sensitivity as draw
    from sim.sweep import Sweep

    documents = options.documents
    if documents is not None and "=" in documents:  # an option that follows
        options.overrides.append(documents)
        documents = ""
    result, cell, facts = _asked(options)
    chosen = [name for name in (documents or "").split(",") if name]
    for name in chosen:
        facts.source(name)
    whole_sweep = isinstance(result, Sweep) and cell is None and len(result.cells) > 1
    theories: Mapping[str, Scenario] = {}
    if not whole_sweep:
        theories = _theories(options, origin_of(result, cell).scenario)
    found = sensitivity(
        result,
        options.question,
        theories=theories,
        samples=options.samples or SAMPLES,
        cell=cell,
        ledger=facts,
    )
    print(found.text())
    tables = {"ranking": found.table()}
    if documents is not None:
        scenario = origin_of(result, 0 if whole_sweep else cell).scenario
        left = leave_one_out(scenario, documents=chosen, ledger=facts)
        print(f"\n{left.text()}")
        tables |= {"documents": left.documents, "conclusions": left.table()}
    _save(options, "sensitivity", tables, lambda: draw(found))


def _report(options: argparse.Namespace) -> None:
    from sim.report import report
    from sim.store import Run, run

    facts = _ledger(options)
    found = load(options.source, options.overrides, options.config_dir)
    result, _ = changed(found, options.set, facts)
    if isinstance(result, Run):
        print(report(result, options.file, facts))
        return
    from sim.sweep import Sweep

    if isinstance(result, Sweep):
        raise InputError(f"{options.source}: is a sweep; a report is about one run")
    if options.file is None:
        raise InputError("report: a scenario has no folder yet; give --file, or run it first")
    request = [f"scenario={options.source}", *options.overrides]
    request += [word for text in options.set for word in ("--set", text)]
    print(report(run(result, facts, request), options.file, facts))


def _theories(options: argparse.Namespace, scenario: Scenario) -> dict[str, Scenario]:
    """Mechanisms named, or the usual ones as far as they fit the scenario."""
    from sim.mechanism import mechanisms

    if options.theories == "none":
        return {}
    if options.theories:
        names = options.theories.split(",")
        return mechanisms(scenario, *names, config_dir=options.config_dir)
    found: dict[str, Scenario] = {}
    for name in THEORIES:
        try:
            found |= mechanisms(scenario, name)
        except InputError as error:
            print(f"multivector: left out: {error}", file=sys.stderr)
    return found


def _discover(options: argparse.Namespace) -> None:
    from sim.analysis.discovery import discover
    from sim.plots import discovery
    from sim.sweep import Sweep

    result, cell, _ = _asked(options)
    if cell is not None:
        raise InputError(f"{options.source}: discover takes all cells; leave out {CELL}{cell}")
    if not isinstance(result, Sweep):
        raise InputError(f"{options.source}: is not a sweep")
    found = discover(
        result,
        options.target,
        method=options.method,
        share=options.share,
        density=options.density,
        boxes=options.boxes,
    )
    print(found.text())
    _save(options, "discover", {"boxes": found.table()}, lambda: discovery(found))


def _asked(options: argparse.Namespace) -> tuple[Run | Sweep | Scenario, int | None, Ledger]:
    """What is asked about, and the facts behind it; output is checked first."""
    _check_output(options)
    overrides, settings = getattr(options, "overrides", ()), getattr(options, "set", ())
    facts = _ledger(options)
    found = load(options.source, overrides, options.config_dir)
    return *changed(found, settings, facts), facts


def _check_output(options: argparse.Namespace) -> None:
    """Refuse a folder that cannot be written, or that holds such results already."""
    if options.save is None:
        return
    from sim.store import writable

    folder = writable(options.save, "--save")
    there = sorted(folder.glob(f"{options.name}[-.]*")) if folder.is_dir() else []
    if there:
        raise InputError(f"--save: {there[0]} is there already; give another folder")


def _ledger(options: argparse.Namespace) -> Ledger:
    from sim.compose import ledger

    return ledger(options.config_dir)


def _save(
    options: argparse.Namespace,
    command: str,
    tables: Mapping[str, pd.DataFrame],
    draw: Callable[[], Axes],
    manifest: Mapping[str, Any] | None = None,
) -> None:
    """Write tables and the figure where ``--save`` says."""
    if options.save is None:
        return
    from sim.plots.figures import figure_of, save

    folder = Path(options.save).expanduser()
    paths = {name: folder / f"{command}-{name}.csv" for name in tables}
    picture, record = folder / f"{command}.png", folder / f"{command}.json"
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(paths[name], index=False)
    if manifest is not None:
        record.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    save(figure_of(draw()), picture)
    print(f"\n{folder}")
