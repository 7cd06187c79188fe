"""Callers from Python who give something of the wrong type get one message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.errors import InputError

WRONG: Any = 3
CALLS: dict[str, Callable[[Any], Any]] = {
    "discover": lambda s: sim.discover(s, "influence.RU > 0.5"),
    "mechanisms": lambda s: sim.mechanisms(WRONG),
    "mechanism": lambda s: sim.mechanisms(s, WRONG),
    "explain state": lambda s: sim.explain(s, WRONG, "2026H1", "energy"),
    "explain period": lambda s: sim.explain(s, "KZ", WRONG, "energy"),
    "explain reach": lambda s: sim.explain(s, "KZ", "2026H1", "energy", reach=float("inf")),
    "replay": lambda s: sim.replay(s, 1.5),  # type: ignore[arg-type]
    "compare cells": lambda s: sim.compare(s, cells=WRONG),
    "compare outcomes": lambda s: sim.compare(s, outcomes=(WRONG,)),
    "tipping target": lambda s: sim.tipping(s, WRONG, "powers.eu.budget"),
    "tipping parameter": lambda s: sim.tipping(s, "influence.RU > 0.5", WRONG),
    "tipping low": lambda s: sim.tipping(s, "influence.RU > 1", "powers.eu.budget", "1"),  # type: ignore[arg-type]
    "equilibria": lambda s: sim.equilibria(s, low=1.0, high=2.0),
    "sensitivity": lambda s: sim.sensitivity(s, WRONG),
    "samples": lambda s: sim.sensitivity(s, "influence.RU", samples=4.0),  # type: ignore[arg-type]
    "theories": lambda s: sim.sensitivity(s, "influence.RU", theories={"a": WRONG}),
    "nothing": lambda s: sim.leave_one_out([]),
    "replicates": lambda s: sim.leave_one_out(s, replicates=0),
    "no result": lambda s: sim.compare(Path("runs")),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", CALLS)
def test_one_message(name: str) -> None:
    scenario = sim.load_scenario("strategic_balance", replicates=3, seed=7)
    with pytest.raises(InputError) as caught:
        CALLS[name](scenario)
    assert "\n" not in str(caught.value)


def test_one_outcome_need_not_be_in_a_list() -> None:
    scenario = sim.load_scenario("rails_first", replicates=3, seed=7)
    alone, listed = (
        sim.compare(scenario, None, "influence"),
        sim.compare(scenario, None, ["influence"]),
    )
    assert alone.table().equals(listed.table())
