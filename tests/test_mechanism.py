"""Mechanisms switched on a scenario at hand are those of the configuration."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from support import same_bits

import sim
from sim.ensemble import run_chunk
from sim.errors import InputError
from sim.mechanism import mechanisms
from sim.places import CONFIG_DIR
from sim.scenario import Scenario, quantities

FILES = {path.stem: path for path in (CONFIG_DIR / "mechanism").glob("*.yaml")}
RANGED = (
    "adaptive_conditions",
    "calibrated_trade",
    "coercion",
    "decided_shares",
    "growth_feedback",
    "opinion",
    "uncalibrated_trade",
)
"""Mechanisms whose files give a range: here they are switched to its middle alone."""
FIXED = sorted(set(FILES) - {"none", *RANGED})
SCENARIOS = ("strategic_balance", "five_suitors", "southern_fire")


@lru_cache(maxsize=8)
def composed(name: str = "strategic_balance", *overrides: str) -> Scenario:
    return sim.load_scenario(name, "horizon.end=2029H1", *overrides, replicates=8, seed=5)


def same_results(one: Scenario, two: Scenario) -> None:
    for found, wanted in zip(*(run_chunk(each, range(8)) for each in (one, two)), strict=True):
        same_bits(found, wanted)


def differs(one: Scenario, two: Scenario) -> bool:
    found, wanted = (run_chunk(each, range(8))[0] for each in (one, two))
    return any(not np.array_equal(found[name], wanted[name]) for name in wanted)


def has_range(name: str) -> bool:
    """Whether the file of a mechanism gives a number another range than its value."""

    def walk(node: object) -> bool:
        if not isinstance(node, dict):
            return False
        drawn = node.get("low") is not None or node.get("concentration") is not None
        return drawn or any(map(walk, node.values()))

    return walk(yaml.safe_load(FILES[name].read_text(encoding="utf-8")))


def test_the_lists_above_are_those_of_the_files() -> None:
    assert [name for name in sorted(FILES) if has_range(name)] == list(RANGED)
    assert len(FIXED) == 16


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", FIXED)
def test_a_mechanism_is_that_of_the_configuration(scenario: str, name: str) -> None:
    found = mechanisms(composed(scenario), name)[name]
    same_results(found, composed(scenario, f"mechanism={name}"))
    assert differs(found, composed(scenario))


@pytest.mark.parametrize("name", RANGED)
def test_one_with_a_range_is_that_of_the_configuration_at_central_values(name: str) -> None:
    certain = composed("strategic_balance", "uncertainty=none")
    found = mechanisms(certain, name)[name]
    same_results(found, composed("strategic_balance", "uncertainty=none", f"mechanism={name}"))
    for quantity in quantities(mechanisms(composed(), name)[name]):
        if quantity.path in changed_paths(name):
            assert quantity.user_set == set(quantity.entries)
            assert quantity.low == quantity.value == quantity.high


def changed_paths(name: str) -> list[str]:
    """Paths of the quantities that a mechanism sets."""
    before = {quantity.path: quantity for quantity in quantities(composed())}
    after = quantities(mechanisms(composed(), name)[name])
    found = [quantity.path for quantity in after if quantity is not before[quantity.path]]
    assert found
    return found


@pytest.mark.parametrize("name", sorted(set(FILES) - {"none"}))
def test_nothing_else_changes(name: str) -> None:
    """All numbers but those of the file are the very same, and so is the baseline."""
    scenario = composed()
    found = mechanisms(scenario, name)[name]
    assert found is not scenario
    assert found.baseline is scenario.baseline
    assert (found.name, found.story, found.seed) == (scenario.name, scenario.story, scenario.seed)
    text = FILES[name].read_text(encoding="utf-8")
    before = {quantity.path: quantity for quantity in quantities(scenario)}
    for quantity in quantities(found):
        if quantity is not before[quantity.path]:
            assert f"{quantity.path.rsplit('.', 1)[-1]}:" in text


def test_all_are_switched_if_none_is_named() -> None:
    scenario = composed()
    found = mechanisms(scenario)
    assert sorted(found) == sorted(set(FILES) - {"none"})
    assert found["bloc"] == mechanisms(scenario, "bloc")["bloc"]
    assert list(mechanisms(scenario, "summits", "bloc")) == ["summits", "bloc"]


def test_one_of_a_folder_of_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "mechanism"
    folder.mkdir()
    tree = {"rules": {"bloc": {"cohesion": {"value": 0.25}}, "trade": {"moving": False}}}
    (folder / "quarter.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    found = mechanisms(composed(), "quarter", "bloc", config_dir=tmp_path)
    assert found["quarter"].rules.bloc.cohesion.of() == 0.25
    assert not found["quarter"].rules.trade.moving
    assert found["bloc"].rules.bloc.cohesion.of() == 0.5


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"mechanism: unknown 'blok' .nearest valid name: 'bloc'"):
        mechanisms(composed(), "bloc", "blok")
    with pytest.raises(InputError, match="unknown 'none'"):
        mechanisms(composed(), "none")


def test_one_that_does_not_fit_the_scenario_is_refused() -> None:
    with pytest.raises(InputError, match=r"mechanism no_hedging: unknown key 'kg' in 'states'"):
        mechanisms(composed("strategic_balance", "states=kz"), "no_hedging")


def test_the_function_is_there_again_and_again() -> None:
    """Importing the module of the same name does not put it in the way of the function."""
    code = (
        "import sim; s = sim.load_scenario('strategic_balance')\n"
        "print([len(sim.mechanisms(s, 'bloc')) for _ in range(2)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[1, 1]\n", "")
