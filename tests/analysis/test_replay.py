"""A replay is what was stored, bit for bit, and says so when it is not."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import ending

import sim
from sim.axes import DOMAINS
from sim.decisions import NONE
from sim.errors import InputError
from sim.outcomes import OUTCOMES
from sim.scenario import Scenario
from sim.store import Run
from sim.sweep import Keep, Sweep

LIBRARY = "numpy"


@cache
def tiny(name: str = "strategic_balance", *overrides: str, replicates: int = 4) -> Scenario:
    """Three half-years."""
    found = sim.load_scenario(name, "horizon.end=2027H1", *overrides, replicates=replicates)
    return replace(found, output=replace(found.output, progress=False, workers=1))


@pytest.fixture(scope="module")
def run() -> Run:
    return sim.run(tiny())


def swept(
    scenarios: Sequence[Scenario], folder: Path, keep: str, values: Sequence[float] = ()
) -> Sweep:
    over = {"design": "list", "over": [{"path": "powers.eu.budget", "values": list(values)}]}
    return sim.sweep(
        scenarios, over if values else "none", folder=folder, workers=1, keep=keep, progress=False
    )


def replayed(*arguments: Any, **named: Any) -> sim.Replay:
    """Replay of something that has not changed: without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sim.replay(*arguments, **named)
    assert found.changed == []
    return found


def as_stored(model: sim.Replay) -> None:
    """Fail unless nothing differs, and much was compared."""
    table = model.differences()
    assert len(table) > 0
    assert not table["different"].any()
    assert (table["largest"] == 0).all()
    numbers = int(table["compared"].sum())
    assert model.verdict() == f"bit for bit as stored: {numbers} numbers of {len(table)} outcomes"
    for row in table.itertuples():
        assert row.unit == OUTCOMES[row.outcome.removesuffix(" at the end")].unit


# --- the decision log -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["strategic_balance", "five_suitors"])
def test_the_log_has_one_pick_for_each_decision(name: str) -> None:
    scenario = tiny(name)
    run = sim.run(scenario)
    log = replayed(run, 3).run().table()
    options = (NONE, *scenario.power_codes)
    keys = [scenario.periods, scenario.state_codes, DOMAINS, options]
    rows = pd.MultiIndex.from_product(keys, names=["period", "state", "domain", "option"])
    assert pd.MultiIndex.from_frame(log[list(rows.names)]).equals(rows)
    assert set(log["picked"]) == {0.0, 1.0}
    decisions = log.groupby(["period", "state", "domain"])["picked"].sum()
    assert (decisions == 1).all()
    assert len(decisions) == 3 * len(scenario.states) * len(DOMAINS)
    picked = log[log["picked"] == 1].set_index(["period", "state", "domain"])["option"]
    stored = run.data["pick"].isel(replicate=3)
    for (period, state, domain), option in picked.items():
        number = int(stored.sel(period=period, state=state, domain=domain))
        assert options[number] == option == run.data.attrs["options"][number]
    signed = log[log["option"] != NONE].groupby(["period", "state", "option"])["signed"].sum()
    for (period, state, power), money in signed.items():
        kept = run.data["signed"].isel(replicate=3).sel(period=period, state=state, power=power)
        assert money == pytest.approx(float(kept), abs=1e-12)


def test_the_text_shows_who_was_picked_and_the_verdict(run: Run) -> None:
    model = replayed(run, 1)
    assert "2025H2" in model.text()
    assert "as stored" not in model.text()
    assert model.period == 0
    model.step()
    assert model.text().endswith("stands at the start of 2026H1")
    text = model.run().text()
    assert text.endswith(model.verdict())
    log = model.table()
    first = log[(log["period"] == "2025H2") & (log["state"] == "KZ") & (log["picked"] == 1)]
    by_domain = dict(zip(first["domain"], first["option"], strict=True))
    line = next(line for line in text.splitlines() if "KZ" in line)
    assert line.split()[-len(DOMAINS) :] == [by_domain[domain] for domain in DOMAINS]


# --- what was stored in any way -------------------------------------------------------------------


@pytest.mark.parametrize("replicate", [0, 3])
def test_a_run_in_memory(run: Run, replicate: int) -> None:
    model = replayed(run, replicate)
    as_stored(model)
    assert len(model.differences()) == len(run.data) + len(run.final)
    assert model.outcomes()[0]["pick"].shape[-1] == 1


def test_a_run_saved_and_opened_again(run: Run, tmp_path: Path) -> None:
    folder = run.save(tmp_path).folder
    assert folder is not None
    as_stored(replayed(sim.open_run(folder), 2))


def test_a_run_that_keeps_little() -> None:
    run = sim.run(tiny("strategic_balance", "outcomes=[dependence]"))
    model = replayed(run, 1)
    as_stored(model)
    assert model.differences()["outcome"].tolist() == ["dependence", "dependence at the end"]


@pytest.mark.parametrize("options", [(), ("scenario=five_suitors", "mechanism=coercion")])
def test_a_run_of_another_process(options: tuple[str, ...], tmp_path: Path) -> None:
    line = ["run", *options, "replicates=3", "horizon.end=2027H2", "output.figures=false"]
    command = [sys.executable, "-m", "sim.cli", *line, f"output.dir={tmp_path}"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (folder,) = tmp_path.iterdir()
    as_stored(replayed(sim.open_run(folder), 1))


def test_a_scenario_has_nothing_to_compare_with() -> None:
    model = replayed(tiny(), 1)
    assert model.differences().empty
    assert model.verdict() == "nothing is stored to compare with"
    data = model.outcomes()[0]
    wanted = sim.run(tiny()).data
    assert all(
        np.array_equal(array[..., 0], wanted[name].isel(replicate=1))
        for name, array in data.items()
    )


@pytest.mark.parametrize("keep", Keep)
def test_cells_of_a_sweep(keep: str, tmp_path: Path) -> None:
    sweep = swept([tiny()], tmp_path, keep, [2.0, 3.5])
    seen = set()
    for result in (sweep, sim.open_sweep(sweep.folder)):
        for cell in (0, 1):
            model = replayed(result, 3, cell=cell)
            as_stored(model)
            assert len(model.differences()) == len(sweep.data.data_vars)
            assert model.configuration.powers["eu"].budget.of() == (2.0, 3.5)[cell]
            seen.add(model.outcomes()[0]["signed"].tobytes())
    assert len(seen) == 2


@pytest.mark.parametrize("keep", Keep)
def test_cells_of_a_sweep_over_different_worlds(keep: str, tmp_path: Path) -> None:
    """Other powers, states in another order, and another number of replicates."""
    base = tiny()
    turned = replace(base, states=dict(reversed(base.states.items())), name="turned")
    alone = replace(tiny("strategic_balance", "states=kz", replicates=3), name="alone")
    sweep = swept([base, tiny("five_suitors", replicates=5), turned, alone], tmp_path, keep)
    for cell, powers in enumerate((3, 5, 3, 3)):
        model = replayed(sweep, 2, cell=cell)
        assert len(model.power_codes) == powers
        as_stored(model)


@pytest.mark.parametrize("keep", Keep)
def test_cells_of_a_sweep_over_horizons(keep: str, tmp_path: Path) -> None:
    """Another end, and another length of the steps."""
    base = tiny()
    long = replace(ending(base, "2028H1"), name="long")
    quarters = replace(ending(base, "2026H2", step=0.25), name="quarters")
    sweep = swept([base, long, quarters], tmp_path, keep)
    for cell, steps in enumerate((3, 5, 4)):
        model = replayed(sweep, 1, cell=cell)
        assert model.configuration.steps == steps
        as_stored(model)


@pytest.mark.parametrize("keep", [Keep.SUMMARY, Keep.REPLICATES])
def test_a_single_cell_needs_no_number(keep: str, tmp_path: Path) -> None:
    sweep = swept([tiny("strategic_balance", "outcomes=[influence]")], tmp_path, keep)
    as_stored(replayed(sweep, 0))


def test_a_cell_that_is_missing_has_nothing_to_compare_with(tmp_path: Path) -> None:
    over = {"design": "list", "over": [{"path": "seed", "values": [1, 2]}]}
    sweep = sim.sweep(tiny(), over, folder=tmp_path, workers=1, shard="1/2", progress=False)
    assert sweep.status == ["done", "missing"]
    as_stored(replayed(sweep, 0, cell=0))
    assert replayed(sweep, 0, cell=1).verdict() == "nothing is stored to compare with"


# --- what has changed since -----------------------------------------------------------------------

CHANGES: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "code": ({"code": "0" * 32}, "the code has changed"),
    "ledger": ({"ledger": "0" * 64}, "the evidence ledger has changed"),
    "library": ({"versions": {LIBRARY: "1.26.0"}}, f"{LIBRARY} was 1.26.0 and is"),
}


def aged(manifest: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Manifest with something else in it."""
    merged = {
        key: {**manifest[key], **value} if isinstance(value, Mapping) else value
        for key, value in change.items()
    }
    return {**manifest, **merged}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_since_is_warned_of_and_said(run: Run, what: str) -> None:
    change, words = CHANGES[what]
    old = replace(run, manifest=aged(run.manifest, change))
    with pytest.warns(UserWarning, match=words) as caught:
        model = sim.replay(old, 1)
    assert caught[0].filename == __file__
    assert len(model.changed) == 1
    assert model.changed[0].startswith(words)
    verdict = model.verdict()
    assert verdict.startswith("bit for bit as stored: ")
    assert verdict.endswith(f"although since it was stored {model.changed[0]}")


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_since_a_sweep_was_stored(what: str, tmp_path: Path) -> None:
    change, words = CHANGES[what]
    sweep = swept([tiny("strategic_balance", "outcomes=[influence]")], tmp_path, "summary")
    sweep.manifest = aged(sweep.manifest, change)
    with pytest.warns(UserWarning, match=words):
        model = sim.replay(sweep, 1)
    assert model.verdict().endswith(f"although since it was stored {model.changed[0]}")


def test_all_that_changed_is_said_together(run: Run) -> None:
    manifest = dict(run.manifest)
    for change, _ in CHANGES.values():
        manifest = aged(manifest, change)
    with pytest.warns(UserWarning, match=r"the code.*the evidence ledger.*numpy"):
        assert len(sim.replay(replace(run, manifest=manifest)).changed) == 3


def test_another_ledger_at_hand_is_another_ledger(run: Run) -> None:
    ledger = sim.evidence()
    more = replace(ledger, facts={**ledger.facts, "new": next(iter(ledger.facts.values()))})
    with pytest.warns(UserWarning, match="the evidence ledger has changed"):
        sim.replay(run, ledger=more)


def altered(run: Run, name: str, replicate: int, by: float, final: bool = False) -> Run:
    """Run with one number of a replicate moved."""
    part = "final" if final else "data"
    dataset = getattr(run, part).copy(deep=True)
    values = dataset[name].to_numpy().copy()
    place = (*(0 for _ in values.shape[:-1]), replicate)
    values[place] += by
    dataset[name] = dataset[name].copy(data=values)
    return replace(run, **{part: dataset})


@pytest.mark.parametrize(
    ("name", "final", "by"),
    [("signed", False, 0.125), ("dependence", True, 2.0**-40), ("budget", True, -1.0)],
)
def test_a_number_that_was_altered_is_found(run: Run, name: str, final: bool, by: float) -> None:
    false = altered(run, name, 1, by, final)
    model = replayed(false, 1)
    table = model.differences().set_index("outcome")
    label = f"{name} at the end" if final else name
    wrong = table[table["different"] > 0]
    assert wrong.index.tolist() == [label]
    assert wrong["different"].item() == 1
    assert wrong["largest"].item() == pytest.approx(abs(by), rel=1e-3)
    assert wrong["compared"].item() == getattr(run, "final" if final else "data")[name][..., 0].size
    verdict = model.verdict()
    assert verdict.startswith(f"NOT as stored: 1 of {len(table)} outcomes differ, most of all ")
    assert f"{label} by up to {abs(by):.3g} {OUTCOMES[name].unit} " in verdict
    assert verdict.endswith("nothing is known to have changed")
    as_stored(replayed(false, 0))


def test_a_number_that_was_altered_and_all_that_changed(run: Run) -> None:
    old = replace(altered(run, "signed", 2, 0.5), manifest=aged(run.manifest, CHANGES["code"][0]))
    with pytest.warns(UserWarning, match="the code has changed"):
        model = sim.replay(old, 2)
    assert model.verdict().startswith("NOT as stored: 1 of ")
    assert model.verdict().endswith("since it was stored the code has changed")


def test_the_worst_of_several_is_named(run: Run) -> None:
    once = altered(run, "gdp", 1, 1.0, final=True)
    twice = altered(once, "signed", 1, 5.0)
    verdict = replayed(twice, 1).verdict()
    assert verdict.startswith("NOT as stored: 2 of ")
    assert "most of all signed by up to 5 USD bn" in verdict


def test_a_pick_that_was_altered_is_found(run: Run) -> None:
    dataset = run.data.copy(deep=True)
    picks = dataset["pick"].to_numpy().copy()
    picks[1, 2, 3, 1] = (picks[1, 2, 3, 1] + 1) % 4
    dataset["pick"] = dataset["pick"].copy(data=picks)
    table = replayed(replace(run, data=dataset), 1).differences().set_index("outcome")
    assert table.loc["pick", "different"] == 1
    assert table["different"].sum() == 1


def test_a_number_that_is_gone_is_found(run: Run) -> None:
    verdict = replayed(altered(run, "signed", 1, np.nan), 1).verdict()
    assert verdict.startswith("NOT as stored: 1 of ")
    assert "signed" in verdict


# --- what is not there ----------------------------------------------------------------------------


@pytest.mark.parametrize("replicate", [-1, 4, 1000])
def test_a_replicate_that_the_run_has_not(run: Run, replicate: int) -> None:
    for result in (run, tiny()):
        with pytest.raises(InputError, match=f"replicate: .* has 0 to 3, not {replicate}"):
            sim.replay(result, replicate)


def test_a_cell_that_is_not_there(run: Run, tmp_path: Path) -> None:
    sweep = swept([tiny("strategic_balance", "outcomes=[influence]")], tmp_path, "summary", [2, 3])
    for cell in (-1, 2):
        with pytest.raises(InputError, match=f"no cell {cell}, only 0 to 1"):
            sim.replay(sweep, cell=cell)
    with pytest.raises(InputError, match="has cells 0 to 1; say which"):
        sim.replay(sweep)
    with pytest.raises(InputError, match="cell 1 has 0 to 3, not 4"):
        sim.replay(sweep, 4, cell=1)
    for result in (run, tiny()):
        with pytest.raises(InputError, match="cell 0: only a sweep has cells"):
            sim.replay(result, cell=0)
    wrong: Any = "run"
    with pytest.raises(InputError, match="'run' is neither a run, nor a sweep or scenario"):
        sim.replay(wrong)
