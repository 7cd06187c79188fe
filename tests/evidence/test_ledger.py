"""The ledger of the package: complete, cited, consistent, and stable under reformatting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sim.errors import InputError
from sim.evidence import Fact, Kind, load_ledger
from sim.evidence.ledger import Bound, Ledger, SourceType
from sim.evidence.loader import PACKAGE_FOLDER
from sim.units import UNITS, check_unit

DOCUMENT_FILES = sorted((PACKAGE_FOLDER / "facts").glob("documents-*.yaml"))
DOCUMENT_SOURCES = yaml.safe_load((PACKAGE_FOLDER / "sources" / "documents.yaml").read_text())


def document_facts() -> list[Fact]:
    ids = [name for file in DOCUMENT_FILES for name in yaml.safe_load(file.read_text())]
    return [load_ledger().fact(name) for name in ids]


def test_documents_give_many_facts() -> None:
    assert len(document_facts()) >= 150


def test_every_document_fact_cites_a_document_with_a_place() -> None:
    for fact in document_facts():
        assert fact.citations, fact.id
        for citation in fact.citations:
            assert citation.source in DOCUMENT_SOURCES, fact.id
            compiled = DOCUMENT_SOURCES[citation.source]["type"] == SourceType.COMPILED
            assert compiled or "sentence" in citation.place, fact.id


def test_cited_sentences_are_those_of_the_item_cited() -> None:
    """Sentences of the listing page belong to its items: 43 to 51, 52 to 76, 77 to 101."""
    items = {
        "timesca-eu-criticises-tajikistan": range(43, 52),
        "timesca-russia-reassert-role": range(52, 77),
        "timesca-dushanbe-tests-grip": range(77, 102),
    }
    for fact in document_facts():
        for citation in fact.citations:
            if citation.source in items:
                place = (
                    citation.place.split("sentence")[1].lstrip("s ").removesuffix(" of the page")
                )
                numbers = {int(number) for number in place.split(",")}
                assert numbers <= set(items[citation.source]), fact.id


def test_repeated_text_counts_as_one_source() -> None:
    ledger = load_ledger()
    fact = ledger.fact("trade-ca5-ru-2024-447")
    assert len(fact.citations) == 2
    assert ledger.independent_sources(fact) == ("timesca-dushanbe-hosts",)
    assert len(ledger.independent_sources(ledger.fact("cis-member-kazakhstan"))) == 2


def test_repetition_is_transitive_and_keeps_the_original() -> None:
    plain = load_ledger().source("timesca-listing-page")
    fact = load_ledger().fact("fx-kgs-usd")
    sources = {
        name: replace(plain, id=name, repeats=repeats)
        for name, repeats in {"first": (), "second": ("first",), "third": ("second",)}.items()
    }
    cited = replace(
        fact, citations=tuple(replace(fact.citations[0], source=name) for name in sources)
    )
    ledger = Ledger(sources=sources, facts={cited.id: cited})
    assert ledger.independent_sources(cited) == ("first",)


def test_conflicts_are_symmetric_and_within_the_ledger() -> None:
    facts = load_ledger().facts
    pairs = {(fact.id, other) for fact in facts.values() for other in fact.conflicts}
    assert pairs == {(other, name) for name, other in pairs}
    assert ("trade-ca5-ru-2024-447", "trade-ca5-ru-2024-500-tokayev") in pairs
    assert ("documents-cis-2025-signed-19", "documents-cis-2025-planned-17") in pairs
    assert ("investment-ru-ca5-stock-003", "investment-ru-ca5-stock-004") in pairs
    assert ("cis-plus-established-2025-10-10", "cis-plus-only-discussed") in pairs
    assert ("moldova-suspended-2022", "cis-member-moldova") in pairs


@pytest.mark.parametrize(
    ("name", "value", "unit", "kind", "bound"),
    [
        ("trade-ca5-ru-2024-447", 44.7, "USD bn/yr", Kind.FLOW, Bound.EQUAL),
        ("trade-ca5-ru-2024-450-putin", 45, "USD bn/yr", Kind.FLOW, Bound.AT_LEAST),
        ("trade-ca5-ru-growth-2024", 11.3, "percent/yr", Kind.GROWTH, Bound.EQUAL),
        ("investment-ru-ca5-stock-003", 20, "USD bn", Kind.STOCK, Bound.AT_LEAST),
        ("pledge-eu-ca5-132", 13.2, "USD bn", Kind.PLEDGE, Bound.AT_LEAST),
        ("pledge-cn-ca5-208m", 0.208, "USD bn", Kind.GRANT, Bound.EQUAL),
        ("implementation-rate-cis-2011", 10, "percent", Kind.SHARE, Bound.AT_MOST),
        ("population-uz", 40, "persons m", Kind.POPULATION, Bound.AT_MOST),
        ("fx-tjs-usd", 0.1085, "USD per TJS", Kind.EXCHANGE_RATE, Bound.EQUAL),
        ("cis-member-turkmenistan-associate", 0.5, "share", Kind.MEMBERSHIP, Bound.EQUAL),
        ("poll-kz-support-russia-15", 15, "percent", Kind.OPINION, Bound.EQUAL),
    ],
)
def test_key_facts_carry_their_kind_unit_and_bound(
    name: str, value: float, unit: str, kind: Kind, bound: Bound
) -> None:
    fact = load_ledger().fact(name)
    assert (fact.value, fact.unit, fact.kind, fact.bound) == (value, unit, kind, bound)


def test_doubtful_statements_are_marked() -> None:
    ledger = load_ledger()
    for name in ("trade-ca5-ru-goal-450", "cis-fta-2021", "rushaylo-quote-dated"):
        assert ledger.fact(name).reliability == "D"
        assert ledger.fact(name).note


def test_text_shows_citations_and_conflicting_values() -> None:
    text = load_ledger().text("trade-ca5-ru-2024-447")
    assert "The Times of Central Asia, 2025-10 (sentence 9" in text
    assert "independent sources: 1" in text
    assert "conflicts with trade-ca5-ru-2024-500-tokayev: ≥ 50 USD bn/yr" in text


def test_small_numbers_are_written_without_exponent() -> None:
    assert load_ledger().fact("fx-uzs-usd").figure == (
        "≈ 0.00008 USD per UZS (0.000075 … 0.000085)"
    )


def test_table_has_one_row_for_each_fact() -> None:
    ledger = load_ledger()
    rows = ledger.table()
    assert [row["id"] for row in rows] == sorted(ledger.facts)
    row = next(row for row in rows if row["id"] == "trade-ca5-ru-2024-447")
    assert row["value"] == 44.7
    assert row["independent_sources"] == 1


def test_unknown_id_names_the_nearest() -> None:
    with pytest.raises(InputError, match="'trade-kz-ru-2024-280'"):
        load_ledger().fact("trade-kz-ru-2024-28")
    with pytest.raises(InputError, match="'timesca-dushanbe-hosts'"):
        load_ledger().source("timesca-dushanbe-host")


def test_loaded_once_and_read_only() -> None:
    ledger = load_ledger()
    assert ledger is load_ledger(())
    with pytest.raises(TypeError):
        ledger.facts["new"] = ledger.fact("fx-kgs-usd")  # type: ignore[index]


def test_digest_ignores_files_order_and_formatting(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    one = ENTRY.format(name="one", value="10", low="low: 9.5")
    two = ENTRY.format(name="two", value="3.5", low="")
    _write(first, {"a.yaml": one + two})
    _write(second, {"a.yaml": two, "b.yaml": one.replace("value: 10", "value:   1.0e+1")})
    assert load_ledger((first,)).digest == load_ledger((second,)).digest


@pytest.mark.parametrize("change", ["value: 11", "value: 10.000001"])
def test_digest_changes_with_a_value(tmp_path: Path, change: str) -> None:
    entry = ENTRY.format(name="one", value="10", low="")
    _write(tmp_path / "first", {"a.yaml": entry})
    _write(tmp_path / "second", {"a.yaml": entry.replace("value: 10", change)})
    first, second = load_ledger((tmp_path / "first",)), load_ledger((tmp_path / "second",))
    assert first.digest != second.digest
    assert first.digest != load_ledger().digest


def test_units_are_closed() -> None:
    assert all(meaning for meaning in UNITS.values())
    assert check_unit("USD bn/yr") == "USD bn/yr"
    with pytest.raises(InputError, match="'USD bn/yr'"):
        check_unit("USD bn / yr")


ENTRY = """{name}:
  quantity: turnover
  value: {value}
  {low}
  unit: USD bn/yr
  kind: flow
  bound: equal
  period: "2024"
  subject: KZ
  speaker: narration
  citations: {{timesca-listing-page: sentence 1}}
  reliability: B
  paraphrase: Turnover of the year.
"""


def _write(folder: Path, files: dict[str, str]) -> None:
    (folder / "facts").mkdir(parents=True)
    for name, text in files.items():
        (folder / "facts" / name).write_text(text)
