"""The model document says what the code does: schedule, equations, keys, outcomes.

The schedule itself is checked too: against its own order, and against what the processes really
read and write while a world takes two steps.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from support import resolves

import sim.step
import sim.transition
from sim.axes import DOMAINS, POWERS, ROW, STATES, FloatArray
from sim.calibration import choice_constants
from sim.compose import load_scenario
from sim.ensemble import Host
from sim.exchange import Exchange
from sim.odd import numbers, outcomes, rows, schedule
from sim.parameters import build
from sim.processes import Appraisal, Contracts, Deliveries, Environment, Offers, Ties
from sim.record import Record
from sim.review import Review
from sim.sampling import sample
from sim.scenario import Scenario, quantities
from sim.step import SCHEDULE, Process
from sim.strategy import Coercion, Documents, Strategy
from sim.world import World

ROOT: Final = Path(sim.step.__file__).resolve().parent
DOCUMENT: Final = (ROOT / "MODEL.md").read_text(encoding="utf-8")
README: Final = (ROOT.parent / "README.md").read_text(encoding="utf-8")
GROUPS: Final = (
    "states",
    "powers",
    "rules",
    "institutions",
    "corridors",
    "events",
    "horizon",
)
BUNDLES: Final[Mapping[str, type]] = {
    "world": World,
    "environment": Environment,
    "ties": Ties,
    "offers": Offers,
    "appraisal": Appraisal,
    "contracts": Contracts,
    "deliveries": Deliveries,
    "coercion": Coercion,
    "documents": Documents,
    "exchange": Exchange,
    "strategy": Strategy,
    "review": Review,
}
NAMES: Final = {kind: name for name, kind in BUNDLES.items()}
RULES: Final = (
    (),
    ("rules.choice.rule=mean_field",),
    ("rules.choice.precision.value=inf", "rules.delivery.rule=expected"),
    (
        "rules.choice.nest.value=0.5",
        "rules.bloc.cohesion.value=0.5",
        "rules.adaptation.condition_speed.value=0.2",
        "rules.opinion.delivery_effect.value=0.5",
        "rules.growth.investment_effect.value=0.3",
        "rules.coercion.rate.value.ru=2",
        "rules.trade.volatility.value.kz=0.2",
        "rules.documents.signed.value=19",
        "powers.ru.delivery_sanction_effect.value=0.5",
    ),
    ("rules.trade.moving=false", "rules.corridors.moving=false"),
)
"""Choices of rules that between them run every branch of the processes."""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("strategic_balance", replicates=2)


@pytest.fixture(scope="module")
def further() -> Scenario:
    """With powers of which the document says more than of those of the baseline."""
    return load_scenario("strategic_balance", "powers=five_suitors", replicates=2)


def between(text: str, marker: str) -> str:
    return text.split(f"<!-- {marker} -->")[1].split(f"<!-- /{marker} -->")[0]


# --- what the document prints ---------------------------------------------------------------------


def test_document_prints_the_schedule() -> None:
    assert rows(between(DOCUMENT, "schedule")) == list(schedule())[1:]


@pytest.mark.skipif("<!-- schedule -->" not in README, reason="README prints no schedule")
def test_readme_prints_the_schedule() -> None:
    assert rows(between(README, "schedule")) == [row[:3] for row in list(schedule())[1:]]


def test_document_prints_the_outcomes() -> None:
    assert rows(between(DOCUMENT, "outcomes")) == list(outcomes())[1:]


# --- equations and sections -----------------------------------------------------------------------


def docstrings(path: Path) -> Iterator[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, kinds):
            yield ast.get_docstring(node) or ""


def stated() -> set[int]:
    """Numbers at the start of a line of an equation block."""
    blocks = re.findall(r"^```\n(.*?)^```", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return {int(match[1]) for line in lines if (match := re.match(r"E(\d+)[a-d]? ", line))}


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.py")), ids=lambda path: path.stem)
def test_equations_of_a_rule_stand_in_the_document(path: Path) -> None:
    assert numbers("\n".join(docstrings(path))) <= stated()


def test_every_rule_of_the_schedule_stands_in_the_document() -> None:
    assert numbers(" ".join(row.equations for row in SCHEDULE)) == stated()


def test_sections_that_the_code_cites_exist() -> None:
    cited: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for text in docstrings(path):
            for place in re.findall(r"(?:sections?|tables?) (1\.\d[\d., and]*)", text):
                cited.update(re.findall(r"1\.\d+", place))
    assert {"1.5", "1.10", "1.14"} <= cited
    assert cited <= set(re.findall(r"^## (1\.\d+) ", DOCUMENT, flags=re.MULTILINE))


# --- configuration keys ---------------------------------------------------------------------------


def keys(text: str) -> list[str]:
    return [key for key in re.findall(r"`([^`\s]+)`", text) if key.split(".")[0] in GROUPS]


def expand(key: str, scenario: Scenario) -> Iterator[str]:
    """A key with its placeholders filled in, in every way."""
    places = {
        "<s>": tuple(scenario.states),
        "<p>": tuple(scenario.powers),
        "<j>": (*scenario.powers, ROW.lower()),
        "<d>": DOMAINS,
        "<i>": tuple(scenario.institutions),
        "<e>": tuple(scenario.events),
        "<k>": tuple(scenario.corridors),
        "<q>": tuple(scenario.powers),
    }
    used = [place for place in places if place in key]
    for names in itertools.product(*(places[place] for place in used)):
        filled = key
        for place, name in zip(used, names, strict=True):
            filled = filled.replace(place, name)
        yield filled


@pytest.mark.parametrize("key", sorted(set(keys(DOCUMENT))))
def test_key_of_the_document_exists(key: str, further: Scenario) -> None:
    assert any(resolves(further, filled) for filled in expand(key, further))


def test_a_key_that_does_not_exist_is_noticed(scenario: Scenario) -> None:
    for key in ("states.<s>.hedgin", "rules.offers.psi", "powers.<x>.budget", "events.<e>.dates"):
        assert not any(resolves(scenario, filled) for filled in expand(key, scenario))


def covered(names: set[str], listed: list[str], scenario: Scenario) -> set[str]:
    """Names that one of the listed keys stands for, itself or as the part above them."""
    filled = {full for key in listed for full in expand(key, scenario)}
    return {
        name
        for name in names
        if any(".".join(name.split(".")[:n]) in filled for n in range(1, name.count(".") + 2))
    }


def test_every_number_of_the_baseline_stands_in_the_document(scenario: Scenario) -> None:
    documented = [key for key in keys(DOCUMENT) if key.count(".") > 1]
    shares = {f"rules.choice.target_shares.{domain}" for domain in DOMAINS}
    names = {
        name
        for quantity in quantities(scenario)
        for name in map(quantity.name, quantity.entries)
        if quantity.path not in shares or not name.endswith(".none")
    }
    absent = {name for name in names if of_absent_entity(name, scenario)}
    assert covered(names - absent, documented, scenario) == names - absent


def of_absent_entity(name: str, scenario: Scenario) -> bool:
    """Entries for states and powers that do not take part, such as members of an institution."""
    parts = name.split(".")
    if "anchors" in parts:
        return parts[parts.index("anchors") + 1] not in scenario.powers
    present = (*scenario.states, *scenario.powers)
    return parts[-1] in (*STATES, *POWERS) and parts[-1] not in present


class Looked(dict[str, FloatArray]):
    """Drawn numbers that remember which of them were looked up."""

    def __init__(self, values: Mapping[str, FloatArray]) -> None:
        super().__init__(values)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> FloatArray:
        self.seen.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)


def test_numbers_that_no_equation_reads_are_listed(scenario: Scenario) -> None:
    values = Looked(sample(scenario, range(1)))
    build(scenario, values, choice_constants(scenario))
    unread = {name for name in values if name not in values.seen}
    unread = {name for name in unread if not of_absent_entity(name, scenario)}
    # an institution without an active power behind it acts on nobody
    idle = {
        f"institutions.{name}.members.{state}"
        for name, institution in scenario.institutions.items()
        if not set(institution.anchors) & set(scenario.powers)
        for state in scenario.states
    }
    # so does corridor money where nobody brings any; calendars are read from the description
    spent = {
        name for power in scenario.powers.values() for name in power.corridor_investment.entries
    }
    idle |= {f"corridors.{k}.investment_effect" for k in scenario.corridors if k not in spent}
    idle |= {f"powers.{power}.summits.every" for power in scenario.powers}
    listed = keys(between(DOCUMENT, "unread"))
    assert covered(set(values), listed, scenario) == unread - idle


# --- the schedule -------------------------------------------------------------------------------


def fields_of(entries: tuple[str, ...]) -> set[str]:
    """Entries of a row at field level: a whole bundle stands for all its fields."""
    found = set()
    for entry in entries:
        bundle, _, name = entry.partition(".")
        known = {field.name for field in dataclasses.fields(BUNDLES[bundle])}
        assert not name or name in known, entry
        found |= {f"{bundle}.{each}" for each in ([name] if name else known)}
    return found


def too_early(schedule: tuple[Process, ...]) -> set[str]:
    """What is read before it is written; the world stands at the start."""
    written = fields_of(("world",))
    found: set[str] = set()
    for row in schedule:
        found |= fields_of(row.reads) - written
        written |= fields_of(row.writes)
    return found


def test_nothing_is_read_before_it_is_written() -> None:
    assert not too_early(SCHEDULE)
    swapped = (*SCHEDULE[:2], SCHEDULE[3], SCHEDULE[2], *SCHEDULE[4:])
    assert "offers.value" in too_early(swapped)


def test_stages_follow_each_other_and_write_everything_once() -> None:
    assert [row.stage for row in SCHEDULE] == list(range(len(SCHEDULE)))
    written = [entry for row in SCHEDULE for entry in sorted(fields_of(row.writes))]
    assert len(written) == len(set(written))
    others = tuple(name for name in BUNDLES if name != "world")
    assert fields_of(others) <= set(written)
    assert all(hasattr(sim.step, row.name) for row in SCHEDULE)


class Watched:
    """A bundle that notes which of its fields are read."""

    def __init__(self, bundle: Any, seen: set[str]) -> None:
        self.bundle = bundle
        self.seen = seen

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.bundle, name)
        if type(self.bundle) is Record:
            return Watched(value, self.seen) if type(value) in NAMES else value
        self.seen.add(f"{NAMES[type(self.bundle)]}.{name}")
        return value


class Watch:
    """Observed reads and writes of each process, and the order of the calls."""

    def __init__(self) -> None:
        self.reads: dict[str, set[str]] = {row.name: set() for row in SCHEDULE}
        self.writes: dict[str, set[str]] = {row.name: set() for row in SCHEDULE}
        self.calls: list[str] = []

    def wrap(self, name: str, process: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any) -> Any:
            self.calls.append(name)
            seen = self.reads[name]
            watched_kinds = {*NAMES, Record}
            found = process(
                *(Watched(a, seen) if type(a) in watched_kinds else a for a in arguments)
            )
            if found is None:
                return None
            given = [a.world if type(a) is Record else a for a in arguments]
            before = next((a for a in given if type(a) is type(found)), None)
            self.writes[name] |= {
                f"{NAMES[type(found)]}.{field.name}"
                for field in dataclasses.fields(found)
                if before is None or getattr(found, field.name) is not getattr(before, field.name)
            }
            return found

        return watched


def replace_unseen(watched: Watched, **changes: Any) -> Any:
    """``dataclasses.replace`` of the bundle behind: to carry a field over is not to read it."""
    return dataclasses.replace(watched.bundle, **changes)


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    """What the processes read and write in two steps under each choice of rules."""
    found = Watch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sim.transition, "replace", replace_unseen)
        for row in SCHEDULE:
            patch.setattr(sim.step, row.name, found.wrap(row.name, getattr(sim.step, row.name)))
        for overrides in RULES:
            host = Host(load_scenario("strategic_balance", *overrides, replicates=2))
            parameters, draws, world = host.start(range(2))
            for step in range(2):
                world, record = sim.step.advance(world, parameters, draws, step)
                assert np.isfinite(record.appraisal.utility).all()
        yield found


def test_processes_run_in_the_order_of_the_schedule(watch: Watch) -> None:
    assert watch.calls == [row.name for row in SCHEDULE] * 2 * len(RULES)


@pytest.mark.parametrize("row", SCHEDULE, ids=lambda row: row.name)
def test_process_reads_what_its_row_declares(row: Process, watch: Watch) -> None:
    assert watch.reads[row.name] == fields_of(row.reads)


@pytest.mark.parametrize("row", SCHEDULE, ids=lambda row: row.name)
def test_process_writes_what_its_row_declares(row: Process, watch: Watch) -> None:
    assert watch.writes[row.name] == fields_of(row.writes)
