"""Run folders: whole or not at all, never overwritten, found again, verified."""

from __future__ import annotations

import gc
import json
import math
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import vary

import sim
from sim.errors import InputError
from sim.plain import UNHASHED, _hashes, digest, plain, restore
from sim.quantity import Derivation, Draw, Quantity
from sim.scenario import Scenario, quantities
from sim.store import MANIFEST, Run, find_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sim.run(sim.load_scenario("strategic_balance", replicates=20, seed=3))


def test_data_is_labelled(run: Run) -> None:
    assert run.data.sizes["period"] == 20
    assert run.data["alignment"].dims == ("period", "state", "power", "replicate")
    assert list(run.data.state.values) == ["KZ", "KG", "TJ", "TM", "UZ"]
    assert run.data.period.values[0] == "2025H2"
    assert run.data.period.values[-1] == "2035H1"
    assert run.final.attrs["period"] == "2035H2"
    for variable in (*run.data.data_vars.values(), *run.final.data_vars.values()):
        assert variable.attrs["unit"]
        assert variable.attrs["meaning"]
    mean = run.data["alignment"].sel(state="UZ").mean("replicate")
    assert mean.dims == ("period", "power")


def test_a_run_and_a_scenario_show_themselves_in_a_line(run: Run) -> None:
    line = (
        "Scenario('strategic_balance', states KZ KG TJ TM UZ, powers RU CN EU, 2025H2 to 2035H2, "
        "20 replicates, seed 3)"
    )
    assert repr(run.scenario) == line
    assert repr(run) == f"Run({run.name!r}, {line})"


def test_path_has_one_point_more_than_steps(run: Run) -> None:
    path = run.path("dependence")
    assert path.sizes["period"] == 21
    assert path.period.values[-1] == "2035H2"
    np.testing.assert_array_equal(path.isel(period=-1), run.final["dependence"])


def test_stored_run_is_the_same(run: Run, tmp_path: Path) -> None:
    stored = run.save(tmp_path / "runs")
    assert stored.folder is not None
    opened = sim.open_run(stored.folder)
    assert opened.data.identical(run.data)
    assert opened.final.identical(run.final)
    assert opened.scenario == run.scenario
    assert opened.name == stored.folder.name
    assert sorted(p.name for p in stored.folder.iterdir()) == ["manifest.json", "results"]
    assert [p.name for p in (tmp_path / "runs").iterdir()] == [opened.name]


def test_manifest_says_how_to_reproduce(run: Run, tmp_path: Path) -> None:
    folder = run.save(tmp_path).folder
    assert folder is not None
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["seed"] == 3
    assert manifest["ledger"] == sim.evidence().digest
    assert "pledge-eu-ca5-132" in manifest["evidence"]["powers.eu.budget"]
    assert {"python", "numpy", "mesa"} <= set(manifest["versions"])
    assert manifest["wall_seconds"] > 0
    again = sim.run(restore(manifest["scenario"]))
    assert again.data.identical(run.data)


def test_another_run_gets_another_folder(run: Run, tmp_path: Path) -> None:
    other = sim.run(sim.load_scenario("strategic_balance", replicates=20, seed=0))
    assert run.save(tmp_path).folder != other.save(tmp_path).folder
    assert len(list(tmp_path.iterdir())) == 2


def test_saving_twice_keeps_the_first(run: Run, tmp_path: Path) -> None:
    folder = run.save(tmp_path).folder
    assert folder is not None
    before = (folder / MANIFEST).stat().st_mtime_ns
    assert run.save(tmp_path).folder == folder
    assert (folder / MANIFEST).stat().st_mtime_ns == before
    found = find_run(run.scenario, tmp_path)
    assert found is not None
    assert found.folder == folder


def test_failed_figures_leave_nothing(run: Run, tmp_path: Path) -> None:
    def fail(_: Run, folder: Path) -> None:
        folder.mkdir()
        raise RuntimeError("no ink")

    with pytest.raises(RuntimeError):
        run.save(tmp_path, fail)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["torn", "missing", "manifest", "empty"])
def test_damage_is_said(run: Run, tmp_path: Path, damage: str) -> None:
    folder = run.save(tmp_path).folder
    assert folder is not None
    victim = next((folder / "results").iterdir())
    match damage:
        case "torn":
            victim.write_bytes(victim.read_bytes()[:-10])
        case "missing":
            victim.unlink()
        case "manifest":
            (folder / MANIFEST).write_text("{", encoding="utf-8")
        case _:
            (folder / MANIFEST).unlink()
    words = {"manifest": "not readable", "empty": "no run here"}.get(damage, victim.name)
    with pytest.raises(InputError, match=words):
        sim.open_run(folder)


def test_scenarios_survive_as_plain_data() -> None:
    scenario = sim.load_scenario("strategic_balance", "rules.choice.precision.value=inf")
    again = restore(json.loads(json.dumps(plain(scenario), allow_nan=False)))
    assert again == scenario
    assert digest(again) == digest(scenario)


def test_digest_sees_what_matters() -> None:
    base = sim.load_scenario()
    assert digest(base) == digest(sim.load_scenario("strategic_balance", "output.chunk=7"))
    for change in ("seed=2", "replicates=7", "uncertainty=none", "powers.eu.budget.value=3"):
        assert digest(base) != digest(sim.load_scenario("strategic_balance", change))


def test_replay_is_the_same_run(run: Run) -> None:
    model = sim.replay(run, replicate=17).run()
    data, final = model.outcomes()
    for name, array in data.items():
        np.testing.assert_array_equal(array[..., 0], run.data[name].isel(replicate=17))
    for name, array in final.items():
        np.testing.assert_array_equal(array[..., 0], run.final[name].isel(replicate=17))
    with pytest.raises(InputError, match="0 to 19"):
        sim.replay(run, replicate=20)


# --- digests of variants --------------------------------------------------------------------------


@lru_cache(maxsize=1)
def known() -> tuple[Scenario, tuple[Quantity, ...]]:
    scenario = sim.load_scenario()
    return scenario, tuple(quantities(scenario))


def afresh(scenario: Scenario) -> str:
    """Digest of the same content in objects that were never hashed before."""
    return digest(restore(json.loads(json.dumps(plain(scenario)))))


def changes(quantity: Quantity, place: int) -> dict[str, Any]:
    """Another content for each field of a quantity, as small a change as there is."""

    def nudged(numbers: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(
            math.nextafter(x, math.inf) if n == place else x for n, x in enumerate(numbers)
        )

    draw = Draw.BETA if quantity.draw is Draw.FIXED else Draw.FIXED
    return {
        "path": quantity.path + "_",
        "unit": quantity.unit + " ",
        "entries": tuple(e + "_" * (n == place) for n, e in enumerate(quantity.entries)),
        "value": nudged(quantity.value),
        "low": nudged(quantity.low),
        "high": nudged(quantity.high),
        "draw": draw,
        "concentration": (quantity.concentration or 0.0) + 1.0,
        "evidence": {**quantity.evidence, "other": ("fact",)},
        "assumption": f"{quantity.assumption}.",
        "derivation": Derivation("rule", {"value": {"years": place}}),
        "user_set": quantity.user_set ^ {quantity.entries[place]},
        "user_range": not quantity.user_range,
    }


@settings(max_examples=60)
@given(st.data())
def test_digest_sees_any_change_of_any_quantity(data: st.DataObject) -> None:
    scenario, numbers = known()
    chosen = [q for q in numbers if q.entries and q.value != (math.inf,)]
    quantity = data.draw(st.sampled_from(chosen))
    place = data.draw(st.integers(0, len(quantity.entries) - 1))
    changed = changes(quantity, place)
    assert changed.keys() == {item.name for item in fields(Quantity)}
    digests = {digest(scenario)}
    for name, content in changed.items():
        variant = vary(scenario, {quantity.path: replace(quantity, **{name: content})})
        digests.add(digest(variant))
    assert len(digests) == 1 + len(changed)


def test_digest_sees_every_part_but_those_that_do_not_matter() -> None:
    scenario, _ = known()
    changed: dict[str, Any] = {
        "name": "other",
        "story": replace(scenario.story, title="Other"),
        "horizon": replace(scenario.horizon, end="2030H1"),
        "replicates": 7,
        "seed": 7,
        "uncertainty": "none",
        "states": {"kz": scenario.states["kz"]},
        "powers": {"cn": scenario.powers["cn"]},
        "corridors": {},
        "institutions": {},
        "events": {},
        "rules": replace(scenario.rules, trade=replace(scenario.rules.trade, moving=False)),
        "output": replace(scenario.output, chunk=7),
        "outcomes": ("dependence",),
        "baseline": scenario,
    }
    assert changed.keys() == {item.name for item in fields(Scenario)}
    for name, content in changed.items():
        variant = replace(scenario, **{name: content})
        assert (digest(variant) == digest(scenario)) == (name in UNHASHED), name


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1)), min_size=1, max_size=4))
def test_digest_is_that_of_the_content_however_it_was_made(
    given_changes: list[tuple[int, float]],
) -> None:
    scenario, numbers = known()
    variant = scenario
    for place, value in given_changes:
        variant = vary(variant, {numbers[place % len(numbers)].path: value})
    assert digest(variant) == afresh(variant)
    back = variant
    for place, _ in given_changes:
        quantity = numbers[place % len(numbers)]
        back = vary(back, {quantity.path: quantity})
    assert back == scenario
    assert digest(back) == digest(scenario)


def test_digest_of_objects_that_take_the_place_of_others() -> None:
    """A hash is kept by the place of an object in memory, which others get when it is gone."""
    scenario, _ = known()
    gc.collect()
    before = len(_hashes)
    budget = scenario.powers["eu"].budget
    digests: dict[float, str] = {}
    places = set()
    for number in range(3000):
        value = float(number % 1500)
        variant = vary(scenario, {"powers.eu.budget": value})
        places.add(id(variant.powers["eu"].budget))
        assert digests.setdefault(value, digest(variant)) == digest(variant)
    assert len(places) < 3000  # memory was used again
    assert len(set(digests.values())) == 1500
    for value in (0.0, 7.0, 1499.0):
        assert digests[value] == afresh(vary(scenario, {"powers.eu.budget": value}))
    assert budget is scenario.powers["eu"].budget
    del variant
    gc.collect()
    assert len(_hashes) <= before + 100
