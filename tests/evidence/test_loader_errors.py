"""Each mistake in a ledger file ends with one message that says what, where and what is valid.

Every case is a small folder under ``tests/bad_input/evidence`` with one mistake; ``valid`` is the
same folder without one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import InputError
from sim.evidence import load_ledger

CASES = Path(__file__).parents[1] / "bad_input" / "evidence"

FACTS = "facts.yaml"
SOURCES = "sources.yaml"

WORDS: dict[str, tuple[str, ...]] = {
    "duplicate_key": (FACTS, "line 13", "duplicate key 'value'"),
    "duplicate_id": (FACTS, "duplicate key 'turnover'"),
    "unknown_key": (FACTS, "'turnover'", "unknown key 'quantitty'", "nearest", "'quantity'"),
    "missing_unit": (FACTS, "'turnover'", "missing key 'unit'"),
    "unknown_unit": (FACTS, "'turnover'", "'unit'", "'USD bln/yr'", "nearest", "'USD bn/yr'"),
    "unknown_kind": (FACTS, "'turnover'", "'kind'", "'flows'", "nearest", "'flow'"),
    "unit_of_another_kind": (FACTS, "'turnover'", "'USD bn/yr'", "flow, not stock"),
    "pledge_as_flow": (FACTS, "'turnover'", "'USD bn/yr'", "flow, not pledge"),
    "broken_yaml": (FACTS, "line ", "broken YAML"),
    "unknown_source": (FACTS, "'turnover'", "'citations'", "'buletin'", "nearest", "'bulletin'"),
    "no_citation": (FACTS, "'turnover'", "'citations'", "at least one source"),
    "no_place": (FACTS, "'turnover'", "'citations'", "'bulletin' needs a place"),
    "one_sided_conflict": (FACTS, "'turnover'", "'other-turnover' does not name it in return"),
    "unknown_conflict": (FACTS, "'conflicts'", "'other-turnovers'", "nearest", "'other-turnover'"),
    "low_above_high": (FACTS, "'turnover'", "'low'", "12 is above the value 10"),
    "high_below_value": (FACTS, "'turnover'", "'high'", "9 is below the value 10"),
    "value_as_text": (FACTS, "'turnover'", "'value'", "must be a number or null", "'10'"),
    "value_not_finite": (FACTS, "'turnover'", "'value'", "finite"),
    "no_number_with_unit": (FACTS, "'turnover'", "'unit'", "without a value", "'text'"),
    "number_with_unit_text": (FACTS, "'turnover'", "'unit'", "yet the value is 10"),
    "share_above_one": (FACTS, "'turnover'", "'value'", "10 share is not within 0 and 1"),
    "date_without_quotes": (FACTS, "'turnover'", "'period'", "in quotes if a date"),
    "not_a_mapping": (FACTS, "must map ids to entries"),
    "merge_key": (FACTS, "line 4", "broken YAML"),
    "repeats_unknown": (SOURCES, "'bulletin'", "'repeats'", "'buletin'", "nearest"),
    "id_of_the_package": (
        FACTS,
        "'trade-ca5-ru-2024-447'",
        "already given",
        "documents-trade.yaml",
    ),
}


@pytest.mark.parametrize("case", sorted(WORDS))
def test_message_names_file_entry_key_and_nearest(case: str) -> None:
    with pytest.raises(InputError) as caught:
        load_ledger((CASES / case,))
    for word in WORDS[case]:
        assert word in str(caught.value)


def test_every_bad_folder_has_its_words() -> None:
    assert {folder.name for folder in CASES.iterdir()} == {*WORDS, "valid"}


def test_folder_without_mistake_adds_its_fact() -> None:
    extended = load_ledger((CASES / "valid",))
    assert extended.fact("turnover").value == 10
    assert set(extended.facts) == set(load_ledger().facts) | {"turnover"}


def test_folder_without_ledger_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'sources' or 'facts'"):
        load_ledger((tmp_path,))
