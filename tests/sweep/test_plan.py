"""The cells of a sweep: what is asked for, from the command line and from Python."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.cli import main
from sim.compose import list_scenarios
from sim.errors import InputError
from sim.evidence import load_ledger
from sim.overrides import options
from sim.places import CONFIG_DIR
from sim.plain import digest
from sim.request import read_command
from sim.scenario import Scenario
from sim.sweep import Grid, Keep, Single, Zipped
from sim.sweep.call import Given
from sim.sweep.claims import Shard
from sim.sweep.conduct import OnFailure
from sim.sweep.designs import read_design
from sim.sweep.estimate import estimate
from sim.sweep.layout import lay_out
from sim.sweep.plan import Cell, Outer, Plan, Request, axes_of

LEDGER = load_ledger()
SMALL = ("replicates=4", "horizon.end=2026H2", "outcomes=[dependence]")
"""Options that make a cell quick."""
SHIPPED = {
    "grid": 5 * 4,
    "latin_hypercube": 64,
    "list": 3,
    "morris": 6 * (10 + 1),
    "none": 1,
    "sobol": 8 * (5 + 2),
}
"""Cells of the designs that come with the package."""


def asked(*overrides: str, config_dir: Path | None = None) -> Plan:
    """Plan of a command line."""
    return lay_out(read_command(overrides, config_dir).request)


@lru_cache(maxsize=16)
def scenario(name: str = "strategic_balance", *overrides: str) -> Scenario:
    return sim.load_scenario(name, *overrides)


def given(
    scenarios: Scenario | Sequence[Scenario], design: Any = "none", keep: Keep = Keep.SUMMARY
) -> Plan:
    """Plan of scenarios at hand, each visited by the design."""
    ones = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    source = Given({one.name: one for one in ones}, LEDGER)
    outer = [Outer({"scenario": one.name} if len(ones) > 1 else {}) for one in ones]
    return lay_out(Request(source, read_design(design), outer, keep))


def only(plan: Plan) -> Cell:
    (cell,) = plan.cells
    return cell


def places(plan: Plan) -> list[dict[str, Any]]:
    """Options and settings of each cell."""
    return [{**plan.bases[cell.base].labels, **cell.settings} for cell in plan.cells]


def message(*overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        asked(*overrides)
    return str(caught.value)


# --- crossings ------------------------------------------------------------------------------------


def test_options_are_crossed_with_each_other_and_with_the_design() -> None:
    plan = asked(
        "scenario=rails_first,second_wind",
        "mechanism=none,bloc",
        "seed=3,4",
        "sweep=grid",
        "sweep.over=[powers.eu.budget]",
        "sweep.points=2",
        *SMALL,
    )
    names = ("rails_first", "second_wind")
    wanted = []
    for name, mechanism, seed in product(names, ("none", "bloc"), (3, 4)):
        budget = scenario(name).powers["eu"].budget
        for value in (budget.low[0], budget.high[0]):
            wanted.append(
                {
                    "scenario": name,
                    "mechanism": mechanism,
                    "seed": seed,
                    "powers.eu.budget": value,
                }
            )
    assert places(plan) == wanted
    assert [cell.number for cell in plan.cells] == list(range(16))
    assert len(plan.bases) == 4  # seeds and numbers need no composing
    assert plan.runs == 16 * 4
    for cell, place in zip(plan.cells, wanted, strict=True):
        composed = sim.load_scenario(
            place["scenario"],
            f"mechanism={place['mechanism']}",
            f"seed={place['seed']}",
            f"powers.eu.budget.value={place['powers.eu.budget']!r}",
            *SMALL,
        )
        assert plan.scenario(cell) == composed
        assert digest(plan.scenario(cell)) == digest(composed)


def test_scenarios_at_hand_are_crossed_with_the_design() -> None:
    ones = [scenario("strategic_balance", *SMALL), scenario("rails_first", *SMALL)]
    over = [{"path": "powers.cn.budget", "values": [1, 2]}, {"path": "seed", "values": [5, 6, 7]}]
    plan = given(ones, {"design": "grid", "over": over})
    assert places(plan) == [
        {"scenario": name, "powers.cn.budget": budget, "seed": seed}
        for name, budget, seed in product(("strategic_balance", "rails_first"), (1, 2), (5, 6, 7))
    ]


def test_a_list_zips_scenarios_with_numbers(tmp_path: Path) -> None:
    over = [
        {"path": "scenario", "values": ["rails_first", "strategic_balance"]},
        {"path": "powers.cn.budget", "values": [2.0, 3.0]},
    ]
    text = "[{path: scenario, values: [rails_first, strategic_balance]}, "
    text += "{path: powers.cn.budget, values: [2.0, 3.0]}]"
    wanted = [
        {"scenario": "rails_first", "powers.cn.budget": 2.0},
        {"scenario": "strategic_balance", "powers.cn.budget": 3.0},
    ]
    plan = asked("sweep=list", f"sweep.over={text}", *SMALL)
    assert places(plan) == wanted
    ones = [scenario(name, *SMALL) for name in ("strategic_balance", "rails_first")]
    sweep = sim.sweep(ones, {"design": "list", "over": over}, folder=tmp_path, workers=1)
    assert [cell.key for cell in sweep.cells] == [cell.key for cell in plan.cells]
    assert sweep.coordinates == {name: [w[name] for w in wanted] for name in wanted[0]}


def test_values_that_only_composing_can_set() -> None:
    """Parts, ranges and options of groups beside numbers."""
    plan = asked(
        "powers.eu.delivery.value={trade: 0.5},{trade: 0.6}",
        "powers.ru.budget.high=9,10",
        "powers.eu.summits=null",
        *SMALL,
    )
    assert len(plan.cells) == len(plan.bases) == 4
    for cell, place in zip(plan.cells, places(plan), strict=True):
        chosen = plan.scenario(cell)
        share = 0.5 if "0.5" in place["powers.eu.delivery.value"] else 0.6
        assert chosen.powers["eu"].delivery.of("trade") == share
        assert chosen.powers["ru"].budget.high == (float(place["powers.ru.budget.high"]),)
        assert chosen.powers["eu"].summits is None


def test_a_glob_finds_all_scenarios() -> None:
    every = read_command(["scenario=glob(*)", *SMALL]).request
    assert [outer.choices for outer in every.outer] == [
        {"scenario": name} for name in sorted(list_scenarios())
    ]
    plan = asked("scenario=glob([r*,s*],exclude=*squeeze)", "seed=range(1,3)", *SMALL)
    names = ("rails_first", "second_wind", "southern_fire", "strategic_balance")
    assert [(place["scenario"], place["seed"]) for place in places(plan)] == [
        (name, seed) for name in names for seed in (1, 2)
    ]
    assert [base.scenario.name for base in plan.bases] == list(names)


def test_an_interval_is_a_factor() -> None:
    options_given = ("powers.eu.budget.value=interval(1,3)", "sweep=grid", "sweep.points=3")
    plan = asked(*options_given, "sweep.over=[]", *SMALL)
    assert [cell.settings for cell in plan.cells] == [
        {"powers.eu.budget": value} for value in (1.0, 2.0, 3.0)
    ]
    (factor,) = plan.manifest["factors"]
    assert (factor["path"], factor["low"], factor["high"]) == ("powers.eu.budget", 1.0, 3.0)
    two = asked(*options_given, "sweep.over=[powers.ru.budget]", *SMALL)
    assert [list(cell.settings) for cell in two.cells] == [
        ["powers.ru.budget", "powers.eu.budget"]
    ] * 9
    assert message("powers.eu.budget.value=interval(1,3)").startswith("sweep.over: needs a design")
    assert "needs 'values' for every factor" in message(
        "powers.eu.budget.value=interval(1,3)", "sweep=list", "sweep.over=[]"
    )
    assert "sweep.over: unknown key 'budgt'" in message(
        "powers.eu.budgt.value=interval(1,3)", "sweep=grid", "sweep.over=[]"
    )


def test_words_do_not_mean_what_is_set_beside_them() -> None:
    beside = asked(
        "sweep=latin_hypercube", "sweep.samples=2", "powers.ru.delivery.value.energy=0.3,0.5"
    )
    paths = [factor["path"] for factor in beside.manifest["factors"]]
    assert len(paths) > 40
    assert "powers.ru.delivery.energy" not in paths
    assert len(beside.cells) == 4


def test_labels_of_axes_are_those_of_each_scenario() -> None:
    plan = asked("states=kz,central_asia", "horizon.end=2026H2,2027H1", "replicates=4")
    assert len(plan.manifest["axes"]) == 4
    for cell in plan.cells:
        axes = plan.manifest["axes"][cell.axes]
        assert axes == axes_of(plan.scenario(cell))
    assert plan.manifest["axes"][plan.cells[0].axes]["period"] == ["2025H2", "2026H1", "2026H2"]


# --- keys -----------------------------------------------------------------------------------------


def test_a_cell_has_the_same_key_however_it_is_reached(tmp_path: Path) -> None:
    text = "[{path: powers.eu.budget, values: [2, 3.5]}, {path: seed, values: [6, 7]}]"
    grid = asked("sweep=grid", f"sweep.over={text}", *SMALL)
    cells = {(c.settings["powers.eu.budget"], c.settings["seed"]): c.key for c in grid.cells}
    assert len(set(cells.values())) == 4
    zipped = asked("sweep=list", f"sweep.over={text}", *SMALL)
    assert [cell.key for cell in zipped.cells] == [cells[2, 6], cells[3.5, 7]]
    listed = asked("powers.eu.budget.value=2.0,3.5", "seed=7", *SMALL)
    assert [cell.key for cell in listed.cells] == [cells[2, 7], cells[3.5, 7]]
    single = asked("powers.eu.budget.value=3.5", "seed=6", *SMALL)
    assert only(single).key == cells[3.5, 6]
    chosen = scenario("strategic_balance", *SMALL, "powers.eu.budget.value=3.5", "seed=6")
    assert only(given(chosen)).key == cells[3.5, 6]
    base = scenario("strategic_balance", *SMALL)
    over = (
        {"path": "seed", "values": [6, 7]},
        {"path": "powers.eu.budget.value", "values": [2, 3.5]},
    )
    at_hand = given(base, Grid(over=over))
    assert {c.key for c in at_hand.cells} == set(cells.values())
    sweep = sim.sweep(base, Zipped(over=over), folder=tmp_path, workers=1)
    assert [cell.key for cell in sweep.cells] == [cells[2, 6], cells[3.5, 7]]


def test_the_key_of_a_group_is_that_of_its_option() -> None:
    chosen = asked("scenario=rails_first,second_wind", *SMALL)
    factor = asked("sweep=list", "sweep.over=[{path: scenario, values: [second_wind]}]", *SMALL)
    alone = asked("scenario=second_wind", *SMALL)
    assert only(factor).key == only(alone).key == chosen.cells[1].key
    assert only(given(scenario("second_wind", *SMALL))).key == only(alone).key


def test_a_key_differs_when_anything_that_matters_differs() -> None:
    ways = (
        (),
        ("seed=2",),
        ("replicates=5",),
        ("powers.eu.budget.value=2.6",),
        ("powers.eu.budget.high=4.5",),
        ("rules.choice.precision.value=2",),
        ("rules.choice.rule=mean_field",),
        ("uncertainty=none",),
        ("horizon.end=2027H1",),
        ("outcomes=[alignment]",),
        ("outcomes=[]",),
        ("states=kz",),
        ("mechanism=bloc",),
        ("scenario=rails_first",),
        ("sweep.keep=paths",),
        ("sweep.keep=replicates",),
        ("sweep.keep=trajectories",),
    )
    keys = []
    for way in ways:
        rest = [
            text for text in SMALL if not any(text.split("=")[0] == w.split("=")[0] for w in way)
        ]
        keys.append(only(asked(*way, *rest)).key)
    assert len(set(keys)) == len(ways)


def test_a_key_does_not_differ_by_what_does_not_matter() -> None:
    key = only(asked(*SMALL)).key
    for way in (
        ("output.chunk=7", "output.workers=2", "output.figures=true"),
        ("output.dir=elsewhere", "output.progress=false"),
        ("story.title=Another",),
        ("sweep.workers=3", "sweep.dir=elsewhere", "sweep.retry=true", "sweep.on_failure=stop"),
        ("shard=2/3",),
    ):
        assert only(asked(*way, *SMALL)).key == key


def test_a_key_says_in_which_order_its_numbers_stand() -> None:
    """Arrays follow the order of states and powers, which the content alone does not tell."""
    base = scenario("strategic_balance", *SMALL)
    turned = replace(base, states=dict(reversed(base.states.items())))
    assert digest(turned) == digest(base)
    assert only(given(turned)).key != only(given(base)).key


def test_a_key_says_what_code_and_evidence_it_rests_on() -> None:
    base = scenario("strategic_balance", *SMALL)
    more = replace(LEDGER, sources={**LEDGER.sources, "x": next(iter(LEDGER.sources.values()))})
    plan = lay_out(Request(Given({base.name: base}, more), Single()))
    assert plan.manifest["ledger"] != given(base).manifest["ledger"]
    assert only(plan).key != only(given(base)).key


# --- names ----------------------------------------------------------------------------------------


def test_the_folder_is_named_by_the_request_only() -> None:
    names = [
        asked("seed=1,2", *SMALL, *way).name
        for way in (
            (),
            ("sweep.workers=3", "shard=1/2", "sweep.retry=true", "sweep.on_failure=stop"),
            ("sweep.dir=elsewhere", "sweep=none"),
        )
    ]
    assert len(set(names)) == 1
    assert re.fullmatch(r"cells-[0-9a-f]{12}", names[0])
    others = [
        asked(*way, *SMALL).name
        for way in (
            ("seed=1,3",),
            ("seed=1,2", "sweep.keep=paths"),
            ("seed=1,2", "output.chunk=7"),
            ("sweep=sobol", "sweep.samples=1"),
            ("sweep=sobol", "sweep.samples=2"),
            ("sweep=morris", "sweep.samples=1"),
        )
    ]
    assert len({*others, names[0]}) == 7
    assert others[3].startswith("sobol-")


def test_the_same_design_in_other_words_has_the_same_folder() -> None:
    base = scenario("strategic_balance", *SMALL)
    over: Sequence[Mapping[str, Any]] = [{"path": "seed", "values": [1, 2]}]
    designs: tuple[Any, ...] = (
        {"design": "grid", "over": over},
        {"over": tuple(over), "design": "grid", "points": 5},
        Grid(over=tuple(over)),
        Grid(over=list(over)),  # type: ignore[arg-type]
        Grid(over=({"path": "seed", "values": (1, 2)},)),
    )
    assert len({given(base, design).name for design in designs}) == 1


# --- all mistakes at once -------------------------------------------------------------------------


def test_all_mistakes_of_all_cells_are_said_together() -> None:
    lines = message(
        "scenario=rails_first,nowhere,second_wind,nobody",
        "powers.eu.budget.value=-1,2",
        "seed=1,-1",
        *SMALL,
    ).splitlines()
    assert lines[0] == "8 errors in the cells:"
    assert lines[1].startswith("  cell 0 (powers.eu.budget=-1, …): powers.eu.budget.value: must be")
    assert [line.split(" (")[0] for line in lines[1:4]] == ["  cell 0", "  cell 1", "  cell 3"]
    assert lines[4].startswith("  scenario=nowhere: unknown scenario 'nowhere'")
    assert [line.split(" (")[0] for line in lines[5:8]] == ["  cell 8", "  cell 9", "  cell 11"]
    assert lines[8].startswith("  scenario=nobody: unknown scenario 'nobody'")


def test_when_nothing_can_be_composed_all_of_it_is_said() -> None:
    lines = message("scenario=nowhere,nobody", "seed=1,2", *SMALL).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "2 errors in the cells",
        "  scenario=nowhere",
        "  scenario=nobody",
    ]


def test_many_mistakes_are_cut_short() -> None:
    seeds = ",".join(str(-number) for number in range(1, 31))
    lines = message(f"seed={seeds}", *SMALL).splitlines()
    assert len(lines) == 12
    assert lines[0] == "30 errors in the cells:"
    assert lines[1] == "  cell 0 (seed=-1): seed: must be 0 or more and below 2^64, not -1"
    assert lines[-1] == "  and 20 more"


def test_one_mistake_is_one_line() -> None:
    assert message("seed=1,-1", *SMALL) == (
        "cell 1 (seed=-1): seed: must be 0 or more and below 2^64, not -1"
    )


def test_a_mistake_among_many_settings_names_its_own() -> None:
    over = ["disputed", {"path": "seed", "values": [1, -1]}]
    with pytest.raises(InputError) as caught:
        given(scenario(), {"design": "latin_hypercube", "over": over, "samples": 2})
    assert re.fullmatch(r"cell \d \(seed=-1, …\): seed: must be .*", str(caught.value))


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (["sweep=sobl"], "sweep=sobl: unknown sweep 'sobl' (nearest valid name: 'sobol')"),
        (["sweep=sobol", "sweep.samples=x"], "sweep.samples: must be a whole number, not 'x'"),
        (["sweep=sobol", "sweep.samples=6"], "sweep.samples: must be a power of 2, not 6"),
        (
            ["sweep.points=3"],
            "option 'sweep.points=3': unknown key 'points' in 'sweep'",
        ),
        (["+sweep.points=3"], "sweep.points: a none design has no such key"),
        (["sweep=grid", "sweep.over=[seeds]"], "sweep.over: unknown key 'seeds' (nearest valid"),
        (["sweep=grid", "sweep.over=disputed"], "sweep.over: must be a list of parameters, not"),
        (["sweep=grid", "sweep.over=[]"], "sweep.over: nothing to vary"),
        (["sweep.over=[powers.eu.budget]"], "sweep.over: needs a design: grid, list"),
        (["sweep.keep=sumary"], "sweep.keep: unknown 'sumary' (nearest valid name: 'summary')"),
        (["sweep.keep=null"], "sweep.keep: unknown 'None'"),
        (["sweep.workers=0"], "sweep.workers: must be at least 1, not 0"),
        (["sweep.workers=many"], "sweep.workers: must be a whole number, not 'many'"),
        (["sweep.workers=true"], "sweep.workers: must be a whole number, not True"),
        (["sweep.retry=1"], "sweep.retry: must be true or false, not 1"),
        (["sweep.on_failure=halt"], "sweep.on_failure: unknown 'halt'"),
        (
            ["seeds=1,2"],
            "2 errors in the cells:\n  option 'seeds=1': unknown key 'seeds' (nearest valid name",
        ),
        (["seed=range(5,5)"], "option 'seed=range(5,5)': stands for no value"),
        (["seed=glob(*)"], "option 'seed=glob(*)': no group 'seed'"),
        (["scenario=glob(x*)"], "option 'scenario=glob(x*)': matches nothing in 'scenario'"),
        (["seed=1,2", "seed=3"], "option 'seed=1,2': seed is given twice"),
        (["seed=1,2", "seed=3,4"], "option 'seed=1,2': seed is given twice"),
        (
            ["sweep=list", "scenario=rails_first"],
            "option 'scenario=rails_first': scenario varies in the sweep",
        ),
        (
            ["sweep=grid", "powers.eu.budget.value=3"],
            "option 'powers.eu.budget.value=3': powers.eu.budget.value varies in the sweep",
        ),
        (
            ["sweep=grid", "powers.eu.budget.value=3,4"],
            "option 'powers.eu.budget.value=3,4': powers.eu.budget.value varies in the sweep",
        ),
        (["outcomes=[chosen]"], "outcomes: unknown outcome 'chosen'"),
        (["outcomes=[pick]"], "outcomes: 'pick' numbers options and has no mean; keep it with"),
        (
            ["outcomes=[dependence],[alignment]"],
            "outcomes=[alignment]: outcomes: keeps alignment, a scenario before it dependence; all",
        ),
        (["no override"], "option 'no override': not of the form key=value"),
        (["shard=1/0"], "shard: '1/0' is not of the form 3/16"),
        (["shard=0/3"], "shard: '0/3' is not of the form 3/16"),
        (["shard=4/3"], "shard: '4/3' is not of the form 3/16"),
        (["shard=all/0"], "shard: 'all/0' is not of the form 3/16"),
        (["shard='all/²'"], "shard: ''all/²'' is not of the form 3/16"),
        (["shard=all"], "shard: 'all' is not of the form 3/16"),
        (["shard=1"], "shard: '1' is not of the form 3/16"),
        (["shard=-1/3"], "shard: '-1/3' is not of the form 3/16"),
        (["shard=1/2,"], "option 'shard=1/2,': not of the form key=value"),
        (["shard="], "shard: '' is not of the form 3/16"),
        (["shard=range(1,3)"], "shard: "),
    ],
)
def test_mistakes_of_a_command_line(overrides: list[str], wanted: str) -> None:
    found = message(*overrides)
    assert found.startswith(wanted)
    assert len(found.splitlines()) == (1 if "\n" not in wanted else 3)


def test_mistakes_of_a_call() -> None:
    base = scenario("strategic_balance", *SMALL)
    call: Any = sim.sweep
    for arguments, options_given, wanted in (
        (([],), {}, "sweep: no scenario"),
        (([base, base],), {}, "sweep: two scenarios have the same name"),
        ((base, "sobl"), {}, "sweep: unknown design 'sobl'"),
        ((base,), {"keep": "sumary"}, "sweep.keep: unknown 'sumary'"),
        ((base,), {"workers": 0}, "sweep.workers: must be at least 1"),
        ((base,), {"shard": "3/2"}, "shard: '3/2' is not of the form 3/16"),
        ((base,), {"on_failure": "halt"}, "sweep.on_failure: unknown 'halt'"),
        ((base,), {"retry": 1}, "sweep.retry: must be true or false"),
        (
            (base, {"design": "list", "over": [{"path": "scenario", "values": ["x"]}]}),
            {},
            "scenario=x: scenario 'x' is not given",
        ),
    ):
        with pytest.raises(InputError) as caught:
            call(*arguments, folder="/nowhere/that/exists", **options_given)
        assert str(caught.value).startswith(wanted)


# --- how it is carried out ------------------------------------------------------------------------


def test_shards_of_a_command_line() -> None:
    assert read_command(SMALL).shards == (Shard(1, 1),)
    assert read_command([*SMALL, "shard=2/3"]).shards == (Shard(2, 3),)
    assert read_command([*SMALL, "shard=all/3"]).shards == (Shard(1, 3), Shard(2, 3), Shard(3, 3))
    assert read_command([*SMALL, "shard=1/2,2/2"]).shards == (Shard(1, 2), Shard(2, 2))


def test_parts_share_all_cells_among_them() -> None:
    plan = asked("seed=range(1,12)", *SMALL)
    for parts in (1, 2, 3, 11, 20):
        numbers = [cell.number for part in range(parts) for cell in plan.shard(part + 1, parts)]
        assert sorted(numbers) == list(range(11))
        sizes = [len(plan.shard(part + 1, parts)) for part in range(parts)]
        assert max(sizes) - min(sizes) <= 1


def test_how_it_is_carried_out_is_read() -> None:
    command = read_command(
        [
            *SMALL,
            "sweep.workers=3",
            "sweep.retry=true",
            "sweep.on_failure=stop",
            "sweep.dir='~/here'",
        ]
    )
    assert command.conduct.workers == 3
    assert command.conduct.retry
    assert command.conduct.on_failure is OnFailure.STOP
    assert command.folder == Path("~/here").expanduser()
    assert command.overrides == (*command.overrides[:4], *SMALL)
    assert read_command(SMALL).conduct.workers >= 1


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_designs_run(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(SHIPPED) == set(options("sweep", (CONFIG_DIR,)))
    arguments = [f"sweep={name}", f"sweep.dir={tmp_path}", "sweep.workers=1", *SMALL]
    assert main(["sweep", *arguments]) == 0
    said = capsys.readouterr().out
    cells = SHIPPED[name]
    assert f"{cells} cells, {4 * cells} runs" in said
    assert f"{cells} of {cells} cells done, 0 failed" in said
    (folder,) = tmp_path.iterdir()
    assert str(folder) == said.splitlines()[-1]
    sweep = sim.open_sweep(folder)
    assert sweep.complete
    assert len(sweep.table("dependence")) == cells
    assert not sweep.data["dependence"].isnull().any()


def test_a_dry_run_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "seed=1,2,3", *SMALL, "sweep.workers=2", "--dry-run"]) == 0
    assert not list(tmp_path.iterdir())
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"cells-[0-9a-f]{12}: 3 cells, 12 runs", first)
    assert re.fullmatch(
        r"takes about 1 s, \d+(\.\d)? kB of disk, \d+ MB of memory with 2 workers", second
    )
    assert main(["sweep", "seed=1,-1", "--dry-run"]) == 2
    assert main(["sweep", "seed=1", "sweep.dir=/proc/nowhere", *SMALL, "--dry-run"]) == 2
    assert not list(tmp_path.iterdir())


def test_parts_are_said_and_computed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["sweep", "seed=1,2,3,4,5", *SMALL, f"sweep.dir={tmp_path}", "sweep.workers=1"]
    assert main([*common, "shard=2/3"]) == 0
    said = capsys.readouterr().out
    assert "this part: 2 cells" in said
    assert "2 of 5 cells done" in said
    assert main([*common, "shard=1/3,2/3", "--dry-run"]) == 0
    assert "stored: 2 cells; to do: 2" in capsys.readouterr().out
    assert main([*common, "shard=all/3"]) == 0
    assert "5 of 5 cells done" in capsys.readouterr().out
    (folder,) = tmp_path.iterdir()
    assert sim.open_sweep(folder).complete
    assert main(common) == 0
    assert "stored: 5 cells; to do: 0" in capsys.readouterr().out


@pytest.mark.parametrize("keep", Keep)
def test_an_estimate_is_plausible(keep: Keep) -> None:
    plan = asked("seed=range(0,100)", "outcomes=[dependence]", "replicates=3", f"sweep.keep={keep}")
    one, two = (estimate(plan, plan.cells, workers) for workers in (1, 2))
    assert one is not None
    assert two is not None
    points = 21 if keep in (Keep.PATHS, Keep.TRAJECTORIES) else 2
    last = 7 if keep in (Keep.SUMMARY, Keep.PATHS) else 3
    assert one.disk == two.disk == 100 * points * 5 * 3 * last * 8
    assert one.seconds > 0
    assert two.memory > one.memory > 1e8
    assert re.fullmatch(r"about \d+ (s|min|h), [\d.]+ [kM]B of disk, \d+ MB of memory", one.text())


@pytest.mark.filterwarnings("ignore:overflow")
def test_an_estimate_passes_over_cells_that_fail() -> None:
    plan = asked("powers.eu.budget.value=1e308,1e307,2", *SMALL)
    assert estimate(plan, plan.cells, 1) is not None
    assert estimate(plan, plan.cells[:2], 1) is None


def test_own_scenarios_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "scenario"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"mine_{number}.yaml").write_text(
            "# @package _global_\n"
            f"name: mine_{number}\n"
            "story: {title: Mine, text: A test.}\n"
            f"rules: {{choice: {{precision: {{value: {1 + number}}}}}}}\n",
            encoding="utf-8",
        )
    plan = asked("scenario=glob(mine*)", "seed=1,2", *SMALL, config_dir=tmp_path)
    assert [(p["scenario"], p["seed"]) for p in places(plan)] == [
        (f"mine_{number}", seed) for number in (1, 2) for seed in (1, 2)
    ]
    assert [plan.scenario(c).rules.choice.precision.of() for c in plan.cells] == [2, 2, 3, 3]
