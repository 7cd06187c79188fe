"""Derivations against the arithmetic of the documents, and the rule when one is needed."""

from __future__ import annotations

import pytest

from sim.errors import InputError
from sim.evidence import load_ledger
from sim.evidence.derive import (
    DERIVATIONS,
    annual_flow,
    compound_rate,
    convert,
    derivation,
    difference,
    needs_derivation,
    net_flow,
    previous_level,
    public_support,
    ratio,
    stock_flow,
)


def value(name: str) -> float:
    number = load_ledger().fact(name).value
    assert number is not None
    return number


@pytest.mark.parametrize(("years", "flow"), [(3, 4.4), (5, 2.64), (7, 1.8857)])
def test_package_of_the_eu_as_yearly_flow(years: float, flow: float) -> None:
    assert annual_flow(value("pledge-eu-ca5-132"), years) == pytest.approx(flow, abs=5e-5)


def test_level_of_2023_from_2024_and_its_growth() -> None:
    level = previous_level(value("trade-ca5-ru-2024-447"), value("trade-ca5-ru-growth-2024") / 100)
    assert round(level, 2) == 40.16 == value("derived-trade-2023-ca5-ru")


def test_growth_of_five_years_as_yearly_rate() -> None:
    rate = compound_rate(value("cis-internal-trade-growth-5y") / 100, 5)
    assert round(100 * rate, 2) == 6.96 == value("derived-cis-trade-cagr")
    assert (1 + rate) ** 5 == pytest.approx(1.4, rel=1e-12)


def test_goods_of_kazakhstan_with_the_cis() -> None:
    goods = difference(value("trade-kz-cis-2024-373"), value("trade-kz-cis-services-2024-43"))
    assert goods == pytest.approx(33.0, rel=1e-12)
    assert value("derived-kz-cis-goods") == 33.0


def test_shares_within_one_speaker() -> None:
    share = ratio(value("trade-kz-ru-2024-280"), value("trade-ca5-ru-2024-500-tokayev"))
    assert 100 * share == pytest.approx(value("derived-kz-share-ca5-ru"))
    services = ratio(value("trade-kz-cis-services-2024-43"), value("trade-kz-cis-2024-373"))
    assert round(100 * services, 1) == value("derived-kz-services-share")


def test_yearly_flow_behind_a_stock() -> None:
    stock = value("investment-ru-ca5-stock-004")
    assert stock_flow(stock, replacement=0.05, growth=0.05) == pytest.approx(2.0)


def test_yearly_flow_behind_the_change_of_a_stock() -> None:
    assert net_flow(19.6, 35.9, 8.5, 0.0, 0.0) == pytest.approx(1.9176, abs=5e-5)
    with_rest = net_flow(start=10, end=20, years=5, replacement=0.05, grants=0.5)
    assert with_rest == pytest.approx(2 + 1 + 0.5)


def test_neutral_respondents_are_split_evenly() -> None:
    assert public_support(0.3, 0.4) == pytest.approx(0.5)


def test_conversion_of_currency() -> None:
    assert convert(1000, value("fx-tjs-usd")) == pytest.approx(108.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: annual_flow(13.2, 0),
        lambda: compound_rate(-1.0, 5),
        lambda: previous_level(44.7, -1.0),
        lambda: ratio(1.0, 0.0),
        lambda: convert(1.0, 0.0),
    ],
)
def test_impossible_arguments_are_refused(call: object) -> None:
    assert callable(call)
    with pytest.raises(InputError, match="above 0"):
        call()


def test_registry_holds_every_rule_by_name() -> None:
    assert derivation("annual_flow") is annual_flow
    assert all(rule.__name__ == name and rule.__doc__ for name, rule in DERIVATIONS.items())
    with pytest.raises(InputError, match="'annual_flow'"):
        derivation("anual_flow")


@pytest.mark.parametrize(
    ("fact", "unit", "needed"),
    [
        ("pledge-eu-ca5-132", "USD bn/yr", True),
        ("pledge-cn-ca5-208m", "USD bn/yr", True),
        ("investment-ru-ca5-stock-004", "USD bn/yr", True),
        ("investment-ru-ca5-stock-004", "USD bn", False),
        ("trade-ca5-ru-2024-447", "USD bn/yr", False),
        ("trade-ca5-ru-2024-447", "USD bn", True),
        ("trade-ca5-ru-growth-2024", "percent/yr", False),
        ("ru-capacity-diminished", "USD bn/yr", False),
    ],
)
def test_money_of_another_kind_needs_a_rule(fact: str, unit: str, needed: bool) -> None:
    assert needs_derivation(load_ledger().fact(fact), unit) is needed
