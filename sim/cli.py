"""The command ``multivector``.

Exit status 0 for success, 2 for a user's mistake with one clear message, 1 for a failure.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim.asking import add_commands
from sim.backtest_command import add_command as add_backtest
from sim.errors import InputError, MultivectorError

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.store import Run

Command = Callable[[argparse.Namespace], None]
_SET: Final = "set a number, by its path in `multivector evidence --scenario NAME`"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    overrides = getattr(options, "overrides", getattr(options, "others", None))
    if rest and (any(text.startswith("-") for text in rest) or overrides is None):
        parser.error(f"unknown argument: {rest[0]}")
    if rest and overrides is not None:  # overrides that follow an option
        overrides += rest
    command: Command = options.command
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command(options)
    except InputError as error:
        print(f"multivector: {error}", file=sys.stderr)
        return 2
    except MultivectorError as error:
        print(f"multivector: failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"multivector: interrupted, {str(stop) or 'nothing was stored'}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="multivector", description="How states choose among the offers of rival powers."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config-dir", metavar="DIR", help="folder with configurations of your own"
    )
    run = commands.add_parser(
        "run",
        parents=[shared],
        help="run one scenario with many replicates",
        epilog="examples: multivector run seed=7 · multivector run states=kz "
        "powers.eu.budget.value=3.1 · multivector run -m seed=1,2,3 · multivector run -m "
        '"scenario=glob(*)" hydra/launcher=joblib',
    )
    run.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="any configuration value")
    run.add_argument(
        "-m",
        "--multirun",
        action="store_true",
        help="several runs: values separated by commas, or range(), "
        "glob(); hydra/launcher=NAME and hydra.launcher.KEY=VALUE carry them elsewhere",
    )
    run.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help=_SET)
    run.set_defaults(command=_run)
    sweep = commands.add_parser(
        "sweep",
        parents=[shared],
        help="run a design over scenarios and parameters; run again to go on",
        epilog='examples: multivector sweep sweep=sobol "scenario=glob(*)" · multivector sweep '
        "powers.eu.budget.value=1.9,2.6,4.4 · multivector sweep sweep=morris shard=3/16",
    )
    sweep.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="any configuration value")
    sweep.add_argument(
        "--dry-run", action="store_true", help="check all cells, say what they will take, and stop"
    )
    sweep.set_defaults(command=_sweep)
    explorer = commands.add_parser(
        "explore",
        parents=[shared],
        help="a page in the browser: move numbers, step the model, see why",
        epilog="examples: multivector explore · multivector explore gateway_delivers seed=7 "
        "--set powers.eu.budget=3.1",
    )
    explorer.add_argument(
        "overrides", nargs="*", metavar="SCENARIO or KEY=VALUE", help="what it shows first"
    )
    explorer.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help=_SET)
    explorer.add_argument("--replicate", type=int, default=0, metavar="N", help="that is stepped")
    explorer.add_argument("--port", type=int, default=0, help="of the address; else any free one")
    explorer.add_argument(
        "--no-browser", dest="browser", action="store_false", help="print the address only"
    )
    explorer.set_defaults(command=_explore)
    scenarios = commands.add_parser("list", parents=[shared], help="list the scenarios")
    scenarios.set_defaults(command=_list)
    evidence = commands.add_parser(
        "evidence",
        parents=[shared],
        help="show facts, or where a scenario's numbers come from",
    )
    evidence.add_argument(
        "ids",
        nargs="*",
        metavar="FACT",
        help="ids of facts to show in full; with --scenario: KEY=VALUE",
    )
    view = evidence.add_mutually_exclusive_group()
    view.add_argument(
        "--scenario", metavar="NAME", help="every number of a scenario with range, unit and source"
    )
    view.add_argument(
        "--systems",
        action="store_true",
        help="every system that the documents name, with what holds it in the model",
    )
    evidence.set_defaults(command=_evidence)
    add_commands(commands, shared)
    add_backtest(commands, shared)
    return parser


def _run(options: argparse.Namespace) -> None:
    if options.multirun:
        _multirun(options.overrides, options.config_dir, options.set)
        return
    scenario = _composed(options.overrides, options.config_dir, options.set)
    _run_one(scenario, [*options.overrides, *_words(options.set)], options.config_dir)


def _composed(
    overrides: Sequence[str], config_dir: str | None, settings: Sequence[str]
) -> Scenario:
    """Scenario with numbers set."""
    from sim.compose import compose_scenario, ledger
    from sim.sources import numbers_set
    from sim.vary import vary

    scenario = compose_scenario(overrides, config_dir)
    return vary(scenario, numbers_set(settings), ledger(config_dir))


def _words(settings: Sequence[str]) -> list[str]:
    return [word for text in settings for word in ("--set", text)]


def _run_one(scenario: Scenario, request: Sequence[str], config_dir: str | None) -> None:
    """Find or compute one run, store it, and print its summary."""
    from sim.analysis.alignment import SUMMARISED, summary
    from sim.compose import ledger
    from sim.store import find_run, run, writable

    folder = writable(scenario.output.dir)
    facts = ledger(config_dir)
    stored = find_run(scenario, folder, facts)
    if stored is None:
        own = [] if config_dir is None else ["--config-dir", config_dir]
        computed = run(scenario, facts, [*request, *own])
        stored = computed.save(folder, _draw if scenario.output.figures else None)
        note = f"{stored.manifest['wall_seconds']:.1f} s"
    else:
        note = "found stored, not computed again"
        if scenario.output.figures and stored.folder and not (stored.folder / "figures").is_dir():
            _draw(stored, stored.folder / "figures")
    print(
        f"{scenario.story.title}: {scenario.replicates} replicates, seed {scenario.seed} ({note})\n"
    )
    if set(SUMMARISED) <= set(stored.data):
        print(summary(stored.data, stored.final).text())
    else:
        print(f"kept: {', '.join(map(str, stored.data))}")
    print(f"\n{stored.folder}")


def _draw(run: Run, folder: Path) -> None:
    from sim.plots.figures import draw_all

    draw_all(run.data, run.final, folder)


def _multirun(overrides: Sequence[str], config_dir: str | None, settings: Sequence[str]) -> None:
    """Run each combination of the values given; a mistake in any shows before the first runs."""
    from sim.compose import expand
    from sim.overrides import split_launcher

    launcher, others = split_launcher(overrides)
    if launcher:
        from sim.launch import check_launcher

        check_launcher(launcher, config_dir)
    combinations = expand(others, config_dir)
    scenarios = [_composed(chosen, config_dir, settings) for chosen in combinations]
    combinations = [[*chosen, *_words(settings)] for chosen in combinations]
    if launcher:
        _launch(combinations, launcher, config_dir)
        return
    for chosen, scenario in zip(combinations, scenarios, strict=True):
        print(f"# {' '.join(chosen)}")
        _run_one(scenario, chosen, config_dir)
        print()


def _launch(
    combinations: Sequence[Sequence[str]], settings: Sequence[str], config_dir: str | None
) -> None:
    """Run each combination as a job under a launcher of Hydra."""
    from sim.launch import launch

    own = [] if config_dir is None else ["--config-dir", str(Path(config_dir).resolve())]
    statuses = launch([["run", *chosen, *own] for chosen in combinations], settings, config_dir)
    paired = zip(combinations, statuses, strict=True)
    failed = [" ".join(chosen) for chosen, status in paired if status]
    if failed:
        raise MultivectorError(f"{len(failed)} of {len(statuses)} runs: {'; '.join(failed)}")


def _explore(options: argparse.Namespace) -> None:
    from sim.explorer import explore
    from sim.explorer.stage import request_of

    request = request_of(options.overrides, options.set, options.replicate, options.config_dir)
    explore(request, options.port, options.browser)


def _sweep(options: argparse.Namespace) -> None:
    from sim.sweeping import run_sweep

    run_sweep(options.overrides, options.config_dir, options.dry_run)


def _list(options: argparse.Namespace) -> None:
    from sim.compose import list_scenarios

    found = list_scenarios(options.config_dir)
    width = max(map(len, found))
    for name, title in found.items():
        print(f"{name:{width}}  {title}")


def _evidence(options: argparse.Namespace) -> None:
    if options.systems:
        _systems(options.ids)
        return
    from sim.compose import ledger, load_scenario
    from sim.provenance import as_text, provenance

    facts = ledger(options.config_dir)
    if options.ids and options.scenario is None:
        print("\n\n".join(facts.text(name) for name in options.ids))
        return
    if options.scenario is None:
        width = max(map(len, facts.facts))
        for name, fact in facts.facts.items():
            print(f"{name:{width}}  {fact.figure}")
        return
    scenario = load_scenario(options.scenario, *options.ids, config_dir=options.config_dir)
    print(as_text(provenance(scenario, facts), facts))


def _systems(ids: Sequence[str]) -> None:
    from sim.evidence.systems import load_systems, systems_text

    if ids:
        raise InputError(f"--systems shows all systems: '{ids[0]}' has no place beside it")
    print(systems_text(load_systems().values()))


if __name__ == "__main__":
    sys.exit(main())
