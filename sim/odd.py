"""The model description ``sim/ODD.md``: words by hand, tables and equations made here.

    python -m sim.odd            makes them anew in place
    python -m sim.odd --check    changes nothing and exits with 1 where one is not current

What stands between ``<!-- name -->`` and ``<!-- /name -->`` is made, except for cells that only a
reader of the code can word, such as the meaning of a parameter: they stay as they stand. Equations
are those of ``sim/MODEL.md``, so that they are written once.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from sim import mechanism
from sim.axes import Domain, Stream
from sim.compose import list_scenarios, load_scenario
from sim.draws import BLOCK, PARAMETER_BLOCK
from sim.ensemble import Host
from sim.errors import MultivectorError, nearest
from sim.evidence import load_ledger
from sim.outcomes import OUTCOMES
from sim.places import CONFIG_DIR
from sim.quantity import Quantity
from sim.scenario import Expectation, Scenario, Sign, quantities
from sim.schedule import SCHEDULE
from sim.specs import EventSpec, Target
from sim.sweep.factors import WORDS
from sim.vary import form_of
from sim.world import World

PATH: Final = Path(__file__).with_name("ODD.md")
MODEL: Final = Path(__file__).with_name("MODEL.md")
WORDED: Final = "?"
"""Cell that the document words; it shows where nobody has done so yet."""
WHOLES = {"states": "s", "powers": "p", "corridors": "k", "institutions": "i", "events": "e"}
PARTS = {"initial_dependence": "d", "target_shares": "d", "anchors": "p", "coordination": "p"}
AXES = {"domain": "d", "state": "s", "power": "p", "option": "p", "partner": "j", "corridor": "k"}
"""What stands for a name: of an entity, of a part of a rule, of an entry on an axis."""
STREAMS: Final = {
    "choice": Stream.CHOICE,
    "delivery": Stream.DELIVERY,
    "events": Stream.EVENTS,
    "coercion": Stream.EVENTS,
    "documents": Stream.EVENTS,
    "trade": Stream.TRADE,
    "parameters": Stream.PARAMETERS,
}
"""Stream that each kind of draws is taken from."""

Rows = Iterator[list[str]]
_BLOCK: Final = re.compile(r"(<!-- (\w+)(?: (\S+))? -->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)


def render(text: str) -> str:
    """Text with everything between its markers made anew.

    Raises
    ------
    MultivectorError
        A marker is unknown.
    """
    return _BLOCK.sub(lambda m: m[1] + _made(m[2], m[3] or "", m[4]) + m[5], text)


def _made(name: str, asked: str, before: str) -> str:
    if name == "equations":
        return equations(asked)
    if name not in TABLES:
        raise MultivectorError(f"{PATH.name}: unknown table '{name}'{nearest(name, TABLES)}")
    head, *body = _fresh(name)
    known = {row[0]: row for row in rows(before) if len(row) == len(head)}
    lines = [head, ["---"] * len(head)]
    for row in body:
        words = known.get(row[0], row)
        lines.append([words[n] if cell == WORDED else cell for n, cell in enumerate(row)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


@cache
def _fresh(name: str) -> list[list[str]]:
    """Head and rows of a table, which do not change while a program runs."""
    return list(TABLES[name]())


def rows(text: str) -> list[list[str]]:
    """Cells of a Markdown table below its head."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[2:]]


def numbers(text: str) -> set[int]:
    """Numbers of equations such as E7 and of ranges such as E2-E5."""
    found: set[int] = set()
    for first, last in re.findall(r"\bE(\d{1,2})[a-d]?(?:\s*[-–]\s*E(\d{1,2}))?\b", text):
        found.update(range(int(first), int(last or first) + 1))
    return found


def equations(asked: str) -> str:
    """Equations of the model document: by number, such as ``E22-E26,E31``, or its measures."""
    blocks = re.findall(
        r"^```\n(.*?)^```", MODEL.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    wanted, taken, lines = numbers(asked), False, []
    for line in "".join(blocks).splitlines():
        if not line.startswith(" "):
            number = re.match(r"E(\d{1,2})[a-d]? ", line)
            taken = int(number[1]) in wanted if number else asked == "measures"
        if taken:
            lines.append(line)
    return "\n".join(["```", *lines, "```", ""])


# --- tables: the head, then the rows --------------------------------------------------------------


def schedule() -> Rows:
    """Processes of a step in their order."""
    yield ["stage", "process", "equations", "reads", "writes"]
    for row in SCHEDULE:
        used = (", ".join(f"`{name}`" for name in names) for names in (row.reads, row.writes))
        yield [str(row.stage), f"`{row.name}`", row.equations, *used]


def outcomes() -> Rows:
    """What a run reports."""
    yield ["name", "kind", "unit", "dimensions", "meaning"]
    for o in OUTCOMES.values():
        yield [f"`{o.name}`", type(o).__name__.lower(), o.unit, ", ".join(o.dims), o.meaning]


def scenarios() -> Rows:
    """Stories, and the differences from the baseline that theory expects."""
    yield ["scenario", "story", "expected differences from the baseline"]
    for name, story in list_scenarios().items():
        expected = load_scenario(name).story.expected.values()
        yield [f"`{name}`", story, "; ".join(map(_expected, expected))]


def _expected(stated: Expectation) -> str:
    """Sign, outcome and codes; in brackets where the scenario says that the sign is contested."""
    sign = "+" if stated.sign is Sign.UP else "−"
    text = " ".join([sign, stated.outcome, *stated.select.values()])
    return f"({text})" if stated.contested else text


def mechanisms() -> Rows:
    """Mechanisms that can be switched, and what each sets."""
    yield ["mechanism", "what it does", "sets"]
    for name, changed in mechanism.mechanisms(_baseline()).items():
        text = (CONFIG_DIR / mechanism.GROUP / f"{name}.yaml").read_text(encoding="utf-8")
        sets = ", ".join(f"`{path}` {value}" for path, value in _changes(_baseline(), changed))
        said = takewhile(lambda line: line.startswith("# "), text.splitlines()[2:])
        yield [f"`{name}`", " ".join(line.removeprefix("# ") for line in said), sets]


def _changes(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Numbers and settings of two scenarios, or of parts of them, that differ."""
    if isinstance(old, Quantity):
        pairs = zip(old.entries, old.value, new.value, strict=True)
        yield from ((old.name(e), _short(now)) for e, was, now in pairs if was != now)
    elif isinstance(old, Mapping) or dataclasses.is_dataclass(old):
        parts = [dict(node) if isinstance(node, Mapping) else vars(node) for node in (old, new)]
        for key, part in parts[0].items():
            yield from _changes(part, parts[1][key], f"{path}.{key}" if path else key)
    elif old != new:
        yield path, str(new).lower()


def entities() -> Rows:
    """Entities of the baseline, with what is fixed about them."""
    yield ["kind", "code", "name", "permanent id", "traits"]
    for code, s in _baseline().states.items():
        yield ["state", code.upper(), s.name, str(s.id), ""]
    for code, p in _baseline().powers.items():
        flags = ("imposes_sanctions", "sanctioned", "reexport_partner", "hosts_migrants")
        traits = ", ".join(flag.replace("_", " ") for flag in flags if getattr(p, flag))
        yield ["power", code.upper(), p.name, str(p.id), traits]
    for domain in Domain:
        yield ["domain", f"`{domain.key}`", "", str(domain.value), ""]
    for code, c in _baseline().corridors.items():
        traits = f"to {_codes(c.partners)}; for {_codes(c.states) or 'all states'}"
        traits += f"; held by {c.chokepoint.upper()}" if c.chokepoint else ""
        yield ["corridor", code.upper(), c.name, str(c.id), traits]
    for code, i in _baseline().institutions.items():
        parts = ("protection", "trade_effect", "migration_effect")
        also = "".join(f", {part}" for part in parts if getattr(i, part) is not None)
        traits = f"anchors towards {_codes(i.anchors)}{also.replace('_', ' ')}"
        yield ["institution", f"`{code}`", i.name, str(i.id), traits]


def events() -> Rows:
    """Events of the baseline that have an effect."""
    yield ["event", "name", "acts on", "when", "whom", "effect"]
    for name, e in _baseline().events.items():
        if e.target is not Target.NOTHING:
            yield [f"`{name}`", e.name, e.target.value, *_event(e)]


def _event(event: EventSpec) -> Iterator[str]:
    """When, on whom and how an event acts."""
    dated = f"{event.date} to {event.until}" if event.until else str(event.date)
    yield dated if event.rate is None else f"at random, {_short(event.rate.of())} a year"
    whom = (*event.states, *event.powers, *event.domains, *event.corridors)
    yield event.institution or _codes(whom) or "all"
    sizes = {"": event.size, "times ": event.factor, "half-life ": event.half_life}
    parts = [
        f"{what}{_short(q.of())} {q.unit}".removesuffix(" 1")
        for what, q in sizes.items()
        if q is not None
    ]
    if event.members is not None:
        parts += [f"{s.upper()} {_short(event.members.of(s))}" for s in event.members.entries]
    yield ", ".join(parts)


def stocks() -> Rows:
    """Stocks of the world, with the axes that their arrays have."""
    yield ["stock", "symbol", "dimensions", "unit", "meaning"]
    scenario = _baseline()
    _, _, world = Host(scenario).start(range(1))
    powers = len(scenario.powers)
    second = {1: "", powers: "power", powers + 1: "partner", len(scenario.corridors): "corridor"}
    second[world.surge.shape[1]] = "event"
    assert len(second) == 5, "two axes of the baseline have the same length"
    for part in dataclasses.fields(World):
        shape = getattr(world, part.name).shape
        dims = ("state" * (shape[0] > 1), second[shape[1]], "domain" * (shape[2] > 1))
        yield [f"`{part.name}`", WORDED, ", ".join(filter(None, dims)), WORDED, WORDED]


def parameters() -> Rows:
    """Parameters of the baseline, those of one kind together."""
    head = "parameter symbol meaning unit numbers value range draw grounds"
    yield head.split()
    groups: dict[str, list[Quantity]] = {}
    for quantity in quantities(_baseline()):
        if quantity.entries:
            groups.setdefault(_key(quantity), []).append(quantity)
    for name, group in groups.items():
        yield [f"`{name}`", WORDED, WORDED, *_figures(group)]


def _key(quantity: Quantity) -> str:
    """Path of a quantity and its entries with all names left open."""
    keys = quantity.path.split(".")
    if keys[0] in WHOLES:
        keys[1] = f"<{WHOLES[keys[0]]}>"
    if keys[-2] in PARTS:
        keys[-1] = f"<{PARTS[keys[-2]]}>"
    axis = form_of(_baseline(), quantity.path).axis
    path = ".".join([*keys, f"<{AXES[axis]}>"] if axis else keys)
    return path.replace("<p>.<p>", "<p>.<q>")


def _figures(group: Sequence[Quantity]) -> Iterator[str]:
    """Unit, number of numbers, their central values and range, draw, and what they rest on."""
    every = [(quantity, entry) for quantity in group for entry in quantity.entries]
    yield ", ".join(dict.fromkeys(q.unit for q in group))
    yield str(len(every))
    yield _span([value for q in group for value in q.value])
    fixed = all(q.low == q.high for q in group)
    yield "" if fixed else _span([end for q in group for end in (*q.low, *q.high)])
    yield ", ".join(dict.fromkeys(q.draw.value for q in group))
    ledger = load_ledger()
    grounds = {
        "facts": sum(bool(q.facts(entry)) for q, entry in every),
        "assumption": sum(q.assumption is not None for q, _ in every),
        "disputed": sum(WORDS["disputed"](q, entry, ledger) for q, entry in every),
    }
    yield ", ".join(k if n == len(every) else f"{k} ({n})" for k, n in grounds.items() if n)


def streams() -> Rows:
    """Kinds of draws, and the stream that each is taken from."""
    yield ["draws", "what they decide", "stream", "keyed by", "replicates in a block"]
    for name, stream in STREAMS.items():
        size = PARAMETER_BLOCK if stream is Stream.PARAMETERS else BLOCK
        yield [f"`{name}`", WORDED, str(stream.value), WORDED, str(size)]


def modules() -> Rows:
    """Optional modules, from the model document."""
    yield ["module", "what it does", "equation", "null"]
    lines = MODEL.read_text(encoding="utf-8").splitlines()
    yield from rows("\n".join(["|", "|", *(line for line in lines if re.match(r"\| O\d", line))]))


def _codes(names: Iterable[str]) -> str:
    return ", ".join(names).upper()


def _span(values: Sequence[float]) -> str:
    low, high = _short(min(values)), _short(max(values))
    return low if low == high else f"{low} to {high}"


def _short(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


@cache
def _baseline() -> Scenario:
    return load_scenario(replicates=1)


_MAKERS: Final = (
    *(schedule, outcomes, scenarios, mechanisms, entities),
    *(events, stocks, parameters, streams, modules),
)
TABLES: Final = {make.__name__: make for make in _MAKERS}
"""What makes each table, by the name of its marker."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the tables anew, or say whether they are current; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sim.odd", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if not current")
    check = parser.parse_args(arguments).check
    text = PATH.read_text(encoding="utf-8")
    current = render(text)
    if not check:
        PATH.write_text(current, encoding="utf-8")
    elif text != current:
        print(f"{PATH.name} is not current: run python -m sim.odd")
    return int(check and text != current)


if __name__ == "__main__":
    sys.exit(main())
