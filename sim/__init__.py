"""Multivector: how states choose among the partnership offers of rival powers.

    import sim

    scenario = sim.load_scenario("strategic_balance", replicates=1000, seed=7)
    run = sim.run(scenario)
    run.data["alignment"].sel(state="UZ").mean("replicate")

Names are imported when they are first used, so that ``import sim`` is quick. Examples in their
docstrings take ``import sim`` for granted.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim import evidence, sweep
    from sim.agents import Power, State
    from sim.analysis.compare import compare
    from sim.analysis.discovery import discover
    from sim.analysis.documents import leave_one_out
    from sim.analysis.equilibria import equilibria
    from sim.analysis.explain import explain
    from sim.analysis.replay import Replay, replay
    from sim.analysis.sensitivity import sensitivity
    from sim.analysis.tipping import tipping
    from sim.backtesting import backtest
    from sim.compose import list_scenarios, load_scenario
    from sim.mechanism import mechanisms
    from sim.model import PartnershipModel
    from sim.store import Run, open_run, run
    from sim.sweep.results import Sweep, open_sweep

_PLACES = {
    "load_scenario": ("sim.compose", "load_scenario"),
    "list_scenarios": ("sim.compose", "list_scenarios"),
    "evidence": ("sim", "evidence"),
    "run": ("sim.store", "run"),
    "open_run": ("sim.store", "open_run"),
    "sweep": ("sim", "sweep"),
    "open_sweep": ("sim.sweep.results", "open_sweep"),
    "Sweep": ("sim.sweep.results", "Sweep"),
    "Run": ("sim.store", "Run"),
    "explain": ("sim.analysis.explain", "explain"),
    "compare": ("sim.analysis.compare", "compare"),
    "tipping": ("sim.analysis.tipping", "tipping"),
    "equilibria": ("sim.analysis.equilibria", "equilibria"),
    "sensitivity": ("sim.analysis.sensitivity", "sensitivity"),
    "leave_one_out": ("sim.analysis.documents", "leave_one_out"),
    "discover": ("sim.analysis.discovery", "discover"),
    "backtest": ("sim.backtesting", "backtest"),
    "mechanisms": ("sim.mechanism", "mechanisms"),
    "replay": ("sim.analysis.replay", "replay"),
    "PartnershipModel": ("sim.model", "PartnershipModel"),
    "State": ("sim.agents", "State"),
    "Power": ("sim.agents", "Power"),
    "Replay": ("sim.analysis.replay", "Replay"),
}

__all__ = [
    "PartnershipModel",
    "Power",
    "Replay",
    "Run",
    "State",
    "Sweep",
    "backtest",
    "compare",
    "discover",
    "equilibria",
    "evidence",
    "explain",
    "leave_one_out",
    "list_scenarios",
    "load_scenario",
    "mechanisms",
    "open_run",
    "open_sweep",
    "replay",
    "run",
    "sensitivity",
    "sweep",
    "tipping",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'sim' has no attribute '{name}'")
    module, attribute = _PLACES[name]
    if module == __name__:  # a room that is a function too
        return import_module(f"{module}.{attribute}")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
