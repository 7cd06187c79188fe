"""Rooms import only from lower floors, without cycles, and keep their libraries to themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sim

ROOT = Path(sim.__file__).parent

FLOORS = {
    "sim.errors": 0,
    "sim.axes": 0.1,
    "sim.units": 0.1,
    "sim.timeline": 0.2,
    "sim.shared": 0.2,
    "sim.pool": 0.2,
    "sim.places": 0,
    "sim.code": 0,
    "sim.rules": 1,
    "sim.evidence": 1,
    "sim.history": 1,
    "sim.periods": 0,
    "sim.quantity": 1,
    "sim.reading": 1.1,
    "sim.specs": 1.2,
    "sim.rule_specs": 1.3,
    "sim.scenario": 2,
    "sim.draws": 2,
    "sim.event_checks": 2.1,
    "sim.checks": 2.2,
    "sim.plain": 2.1,
    "sim.gate": 2.3,
    "sim.vary": 2.4,
    "sim.provenance": 3,
    "sim.sampling": 3,
    "sim.table": 3.1,
    "sim.routes": 3.1,
    "sim.calendar": 3.2,
    "sim.exchange_parameters": 3.3,
    "sim.module_parameters": 3.3,
    "sim.parameter_parts": 3.3,
    "sim.parameters": 3.4,
    "sim.world": 3.5,
    "sim.schedule": 0.2,
    "sim.processes": 4,
    "sim.review": 4.1,
    "sim.strategy": 4.1,
    "sim.exchange": 4.2,
    "sim.record": 4.3,
    "sim.transition": 4.4,
    "sim.step": 4.5,
    "sim.calibration": 4.5,
    "sim.outcomes": 4.6,
    "sim.recorder": 4.7,
    "sim.ensemble": 5,
    "sim.decisions": 5,
    "sim.columns": 5.1,
    "sim.agents": 5.1,
    "sim.model": 5.2,
    "sim.store": 6,
    "sim.sweep": 7,
    "sim.analysis": 8,
    "sim.plots": 9,
    "sim.report": 9.5,
    "sim.overrides": 9.8,
    "sim.differences": 9.9,
    "sim.compose": 10,
    "sim.mechanism": 10.1,
    "sim.backtesting": 10.1,
    "sim.backtest_command": 10.2,
    "sim.request": 10.1,
    "sim.launch": 10.1,
    "sim.sources": 10.1,
    "sim.asking": 10.2,
    "sim.odd": 10.2,
    "sim.sweeping": 10.2,
    "sim.explorer": 10.25,
    "sim.cli": 10.3,
    "sim.job": 10.4,
    "sim": 11,
}
"""Floor of each room; decimals order the rooms of one floor. A room may import from lower floors,
and from itself where it is a folder."""

EVERYWHERE = {"numpy", "sim"} | set(sys.stdlib_module_names)
LIBRARIES = {
    "sim.evidence": {"yaml"},
    "sim.history": {"pandas", "xarray"},
    "sim.reading": {"scipy"},
    "sim.rules": {"scipy"},
    "sim.sampling": {"scipy"},
    "sim.ensemble": {"tqdm"},
    "sim.agents": {"mesa"},
    "sim.model": {"mesa", "pandas"},
    "sim.store": {"xarray", "pyarrow"},
    "sim.sweep": {"SALib", "filelock", "pandas", "pyarrow", "scipy", "tqdm", "xarray", "yaml"},
    "sim.overrides": {"hydra"},
    "sim.differences": {"omegaconf", "yaml"},
    "sim.launch": {"hydra"},
    "sim.job": {"hydra", "omegaconf"},
    "sim.analysis": {
        "SALib",
        "ema_workbench",
        "pandas",
        "scipy",
        "scoringrules",
        "sklearn",
        "tqdm",
        "xarray",
        "yaml",
    },
    "sim.decisions": {"pandas"},
    "sim.asking": {"matplotlib", "pandas"},  # for types only
    "sim.backtest_command": {"pandas"},
    "sim.mechanism": {"yaml"},
    "sim.report": {"jinja2", "matplotlib"},
    "sim.explorer": {"htmltools", "matplotlib", "shiny", "xarray"},
    "sim.plots": {"matplotlib", "mpltern", "xarray", "pandas"},
    "sim.compose": {"hydra", "omegaconf", "yaml"},
}
"""Libraries that a room may import beside the standard library and NumPy."""


def modules() -> dict[str, Path]:
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = ("sim", *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room(module: str) -> str:
    """Folder or module directly below ``sim`` that a module belongs to."""
    parts = module.split(".")
    folder = ROOT.joinpath(*parts[1:2]).is_dir() if len(parts) > 1 else False
    return ".".join(parts[:2]) if folder else module


def imports(path: Path) -> set[str]:
    """Modules imported anywhere in a file, those of ``sim`` by their full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            assert all(alias.name != "*" for alias in node.names), f"{path}: star import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else node.module)
    return found


def for_types_only(path: Path) -> set[str]:
    """Modules imported under ``if TYPE_CHECKING``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            for inner in ast.walk(node):
                if isinstance(inner, ast.ImportFrom) and inner.module:
                    found.add(inner.module)
    return found


@pytest.mark.parametrize("module", sorted(MODULES))
def test_rooms_import_from_lower_floors_only(module: str) -> None:
    here = room(module)
    typed = for_types_only(MODULES[module])
    for other in imports(MODULES[module]) - typed:
        if other.split(".")[0] != "sim":
            continue
        there = room(other)
        assert there == here or FLOORS[there] < FLOORS[here], f"{module} imports {other}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_rooms_keep_their_libraries_to_themselves(module: str) -> None:
    allowed = EVERYWHERE | LIBRARIES.get(room(module), set())
    for other in imports(MODULES[module]):
        assert other.split(".")[0] in allowed, f"{module} imports {other}"


def test_no_import_cycle() -> None:
    graph = {
        m: {o for o in imports(p) - for_types_only(p) if o in MODULES and o != m}
        for m, p in MODULES.items()
        if m != "sim"
    }
    done: set[str] = set()
    while len(done) < len(graph):
        ready = {m for m, needs in graph.items() if m not in done and needs - {"sim"} <= done}
        assert ready, f"cycle among {sorted(set(graph) - done)}"
        done |= ready


def test_every_room_has_a_floor() -> None:
    assert {room(module) for module in MODULES} == set(FLOORS)


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("sim.rules.")))
def test_no_number_in_the_rules(module: str) -> None:
    """Only 0, 1, 2 and ½ of the mathematics, and 100 of percent."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    numbers = {
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant)
        and isinstance(n.value, int | float)
        and not isinstance(n.value, bool)
    }
    assert numbers <= {0, 1, 2, 0.5, 100}


def test_import_is_quick_and_quiet() -> None:
    """``import sim`` loads none of the libraries that only some users need."""
    code = (
        "import sys, sim; "
        "heavy = {'mesa', 'matplotlib', 'pandas', 'xarray', 'hydra', 'scipy', 'pyarrow', 'numpy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_public_names_resolve() -> None:
    for name in sim.__all__:
        assert callable(getattr(sim, name))
    assert sim.evidence().fact("trade-ca5-ru-2024-447").value == 44.7
    with pytest.raises(AttributeError):
        _ = sim.no_such_name
