"""The model description says what the code does and follows the ODD protocol."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from support import baseline

from sim import odd
from sim.draws import Draws
from sim.errors import MultivectorError
from sim.outcomes import OUTCOMES
from sim.places import CONFIG_DIR
from sim.scenario import quantities
from sim.schedule import SCHEDULE
from sim.world import World

TEXT = odd.PATH.read_text(encoding="utf-8")
MODEL = odd.MODEL.read_text(encoding="utf-8")
RULES = sorted((odd.PATH.parent / "rules").glob("*.py"))
ELEMENTS = (
    "Purpose and patterns",
    "Entities, state variables and scales",
    "Process overview and scheduling",
    "Design concepts",
    "Initialization",
    "Input data",
    "Submodels",
)
CONCEPTS = (
    "Basic principles",
    "Emergence",
    "Adaptation",
    "Objectives",
    "Learning",
    "Prediction",
    "Sensing",
    "Interaction",
    "Stochasticity",
    "Collectives",
    "Observation",
)
MARKERS = re.findall(r"<!-- (\w[^/]*?) -->", TEXT)


def section(title: str) -> str:
    """Text below a heading of the second level."""
    return re.split(r"^## ", TEXT.split(f" {title}\n", 1)[1], flags=re.MULTILINE)[0]


def table(name: str) -> list[list[str]]:
    return odd.rows(TEXT.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0])


def configured(group: str) -> set[str]:
    return {path.stem for path in (CONFIG_DIR / group).glob("*.yaml")}


def without_a_line(marker: str) -> str:
    """The document without the last line of what stands behind a marker."""
    before, rest = TEXT.split(f"<!-- {marker} -->\n", 1)
    inside, after = rest.split(f"<!-- /{marker.split()[0]} -->", 1)
    lines = inside.splitlines(keepends=True)
    place = -2 if marker.startswith("equations") else -1  # the last closes the block
    del lines[place]
    return f"{before}<!-- {marker} -->\n{''.join(lines)}<!-- /{marker.split()[0]} -->{after}"


# --- the protocol ---------------------------------------------------------------------------------


def test_elements_stand_in_their_order() -> None:
    found = re.findall(r"^## (.+)", TEXT, flags=re.MULTILINE)
    assert found == [*(f"{n} {name}" for n, name in enumerate(ELEMENTS, start=1)), "References"]
    assert all(section(name).strip() for name in ELEMENTS)


def test_design_concepts_stand_in_their_order() -> None:
    concepts = re.split(r"^### (.+)", section("Design concepts"), flags=re.MULTILINE)
    assert tuple(concepts[1::2]) == CONCEPTS
    assert all(text.strip() for text in concepts[2::2])


# --- what is made is current ----------------------------------------------------------------------


def test_document_is_current() -> None:
    assert odd.render(TEXT) == TEXT


@pytest.mark.parametrize("marker", MARKERS)
def test_a_missing_line_is_noticed(marker: str) -> None:
    changed = without_a_line(marker)
    assert odd.render(changed) != changed


@pytest.mark.parametrize(
    ("made", "changed"),
    [
        ("| 256 |", "| 512 |"),
        ("| USD bn/yr | 5 |", "| USD bn | 5 |"),
        ("| share | state, power | believed", "| 1 | state, power | believed"),
        ("E16  P_s(p|d)", "E16  P_s(d|p)"),
        ("+ trade UZ CN", "− trade UZ CN"),
    ],
)
def test_what_is_changed_by_hand_is_made_anew(made: str, changed: str) -> None:
    assert made in TEXT
    assert odd.render(TEXT.replace(made, changed)) == TEXT


def test_words_of_the_document_are_kept() -> None:
    reworded = TEXT.replace("| gross domestic product of 2024 |", "| output of 2024 |")
    assert reworded != TEXT
    assert odd.render(reworded) == reworded


def test_missing_words_are_marked() -> None:
    (row,) = re.findall(r"^\| `backlog` \| B .*\n", TEXT, flags=re.MULTILINE)
    assert "| `backlog` | ? | state, power, domain | ? | ? |" in odd.render(TEXT.replace(row, ""))
    for name in ("stocks", "parameters", "streams"):
        assert not any(odd.WORDED in row for row in table(name))


def test_an_unknown_marker_is_refused() -> None:
    with pytest.raises(MultivectorError, match="schedul"):
        odd.render("<!-- shedule -->\n<!-- /shedule -->")


def test_command_checks_and_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "ODD.md"
    monkeypatch.setattr(odd, "PATH", copy)
    old = without_a_line("schedule")
    copy.write_text(old, encoding="utf-8")
    assert odd.main(["--check"]) == 1
    assert copy.read_text(encoding="utf-8") == old
    assert odd.main([]) == 0
    assert copy.read_text(encoding="utf-8") == TEXT
    assert odd.main(["--check"]) == 0


# --- nothing is left out --------------------------------------------------------------------------


def test_processes_are_described() -> None:
    headings = re.findall(r"^### 7\.\d+ .*\(`(\w+)`\)$", section("Submodels"), flags=re.MULTILINE)
    assert headings == [row.name for row in SCHEDULE]
    assert [row[1] for row in table("schedule")] == [f"`{row.name}`" for row in SCHEDULE]


def test_everything_is_named() -> None:
    draws = {part.name for part in fields(Draws)} | {"parameters"}
    assert {row[0] for row in table("outcomes")} == {f"`{name}`" for name in OUTCOMES}
    assert {row[0] for row in table("stocks")} == {f"`{part.name}`" for part in fields(World)}
    assert {row[0] for row in table("streams")} == {f"`{name}`" for name in draws}
    assert {row[0] for row in table("scenarios")} == {f"`{n}`" for n in configured("scenario")}
    assert {row[0] for row in table("mechanisms")} == {
        f"`{name}`" for name in configured("mechanism") - {"none"}
    }


def test_every_number_of_the_baseline_is_counted() -> None:
    counted = sum(int(row[4]) for row in table("parameters"))
    assert counted == sum(len(quantity.entries) for quantity in quantities(baseline()))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_equations_of_a_rule_stand_among_the_submodels(path: Path) -> None:
    cited = path.read_text(encoding="utf-8")
    submodels = section("Submodels")
    assert odd.numbers(cited) <= {int(n) for n in re.findall(r"^E(\d+)", submodels, re.MULTILINE)}
    assert set(re.findall(r"\bO\d+\b", cited)) <= set(re.findall(r"\| (O\d+) ", submodels))


def lines_on(key: str) -> str:
    """Lines of the model document that name a key."""
    return "\n".join(line for line in MODEL.splitlines() if f"`{key}" in line)


def test_symbols_and_units_of_stocks_are_those_of_the_model_document() -> None:
    for name, symbol, _, unit, _ in table("stocks"):
        there = lines_on(f"world.{name.strip('`')}")
        assert symbol in there, name
        assert unit in there, name


def test_symbols_of_parameters_are_those_of_the_model_document() -> None:
    named = {row[0].strip("`"): row[1] for row in table("parameters") if row[1] != "–"}
    del named["events.<e>.members.<s>"]  # the same as of institutions
    for key, symbol in named.items():
        assert symbol in lines_on(key), key


def test_references_are_cited() -> None:
    references = re.findall(r"^\* (.+?) (\d{4})\.", section("References"), flags=re.MULTILINE)
    cited = " ".join(TEXT.split("## References")[0].split())
    assert len(references) > 10
    for authors, year in references:
        assert re.search(rf"{re.escape(authors)} \(?(\d{{4}}, )*{year}", cited), (authors, year)
