"""The shipped numbers that rest on history: they load, add up and are what the program writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from backtest.made import CUT, uncalibrated, up_to

import sim
from sim.analysis.backtest import decided
from sim.analysis.backtest.calibration import (
    FADING,
    INFORMED,
    Calibration,
    calibrate,
)
from sim.analysis.backtest.choices import Choices
from sim.analysis.backtest.numbers import TRIANGLE
from sim.backtesting import FIRST, decisions
from sim.compose import ledger, load_scenario
from sim.errors import InputError
from sim.evidence import Ledger
from sim.history import read_decisions
from sim.places import CONFIG_DIR
from sim.provenance import provenance
from sim.quantity import Draw, Quantity
from sim.scenario import Scenario

EVIDENCE = Path(sim.__file__).parent / "evidence"
MECHANISM = "calibrated_trade"
WRITTEN = 0.005
"""Largest error of three significant digits, as part of a number."""


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def informed(scenario: Scenario) -> Iterator[tuple[str, Quantity, str]]:
    """Name, quantity and entry of the numbers that a calibration puts in."""
    trade = scenario.rules.trade
    for path in INFORMED:
        quantity = getattr(trade, path.rsplit(".", 1)[1])
        for entry in quantity.entries:
            if quantity.evidence.get(entry):
                yield quantity.name(entry), quantity, entry


# --- calibration ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("strategic_balance", f"mechanism={MECHANISM}")


@pytest.fixture(scope="module")
def facts() -> Ledger:
    return ledger(None)


def check_facts(scenario: Scenario, facts: Ledger) -> set[str]:
    """Each number is the mean of its fact, whose interval lies within the triangle; labels."""
    labels = set()
    count = 0
    for name, quantity, entry in informed(scenario):
        (used,) = quantity.evidence[entry]
        fact = facts.facts[used]
        place = quantity.entries.index(entry)
        low, value, high = (x[place] for x in (quantity.low, quantity.value, quantity.high))
        assert fact.value == value, name
        assert fact.unit == quantity.unit, name
        assert low < fact.low < value < fact.high < high, name
        assert (low + high) / 2 == pytest.approx(value, abs=WRITTEN * max(map(abs, (low, high))))
        spread = (high - low) / 2 / TRIANGLE
        width = (fact.high - fact.low) / (2 * 1.645 * spread)  # 1 for a Gaussian posterior
        assert 0.8 < width < 1.2, name
        assert name in fact.quantity
        (label,) = (citation.source for citation in fact.citations)
        assert used.startswith(label)
        labels.add(label)
        count += 1
    assert count == 8  # three trends and five states
    return labels


def test_the_shipped_calibration_rests_on_its_facts(scenario: Scenario, facts: Ledger) -> None:
    (label,) = check_facts(scenario, facts)
    source = facts.sources[label]
    assert source.type == "calibration"
    assert f"no year after {CUT} was read" in " ".join(source.note.split())
    assert f"{FIRST} to {CUT}" in source.title
    assert label.endswith(f"-{FIRST}-{CUT}")
    assert label.split("-")[1] in source.note
    known = {name for name in facts.facts if name.startswith("cal-")}
    used = {quantity.evidence[entry][0] for _, quantity, entry in informed(scenario)}
    assert known == used  # none is left over from an earlier calibration


def test_the_shipped_calibration_is_in_the_provenance(scenario: Scenario, facts: Ledger) -> None:
    shown = str(provenance(scenario, facts))
    for _, quantity, entry in informed(scenario):
        assert quantity.evidence[entry][0] in shown


def test_the_shipped_numbers_can_be_drawn(scenario: Scenario) -> None:
    trade = scenario.rules.trade
    assert trade.trend.of("row") == 0
    assert trade.trend.draw is trade.volatility.draw is Draw.TRIANGULAR
    assert min(trade.volatility.of(s) for s in ("kz", "kg", "tj", "tm", "uz")) > 0
    fading = trade.trend_half_life
    assert (fading.low[0], fading.value[0], fading.high[0]) == FADING
    run = sim.run(replace(scenario, replicates=4))
    assert np.isfinite(run.data["trade"]).all()


def test_the_baseline_knows_nothing_of_it() -> None:
    trade = load_scenario("strategic_balance").rules.trade
    assert set(trade.volatility.value) == set(trade.trend.value) == {0.0}
    assert trade.trend_half_life.value == (np.inf,)


# --- a calibration written anew -------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return calibrate(uncalibrated(), up_to(), FIRST, CUT, 4096)


@pytest.fixture(scope="module")
def folder(fitted: Calibration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written under a name of its own, as configurations of users are."""
    found = tmp_path_factory.mktemp("calibrated")
    fitted.write(found, "own_trade")
    return found


def test_what_is_written_is_what_is_loaded(fitted: Calibration, folder: Path) -> None:
    loaded = load_scenario("strategic_balance", "mechanism=own_trade", config_dir=folder)
    (label,) = check_facts(loaded, ledger(folder))
    assert label == fitted.label == f"fit-{fitted.history[:8]}-{FIRST}-{CUT}"
    assert replace(fitted, prefix="cal").label == f"cal-{fitted.history[:8]}-{FIRST}-{CUT}"
    applied = fitted.apply(load_scenario("strategic_balance"))
    for (name, quantity, entry), row in zip(
        informed(loaded), fitted.table().set_index("name").loc[_names(loaded)].iloc, strict=True
    ):
        mine = getattr(applied.rules.trade, quantity.path.rsplit(".", 1)[1])
        place, here = quantity.entries.index(entry), mine.entries.index(entry)
        size = max(abs(row["mean"]), row["sd"] * TRIANGLE)
        for end in ("low", "value", "high"):
            assert getattr(quantity, end)[place] == pytest.approx(
                getattr(mine, end)[here], abs=WRITTEN * 2 * size
            ), name
        assert mine.value[here] == row["mean"]
        assert (mine.high[here] - mine.low[here]) / 2 == pytest.approx(row["sd"] * TRIANGLE)
    half_lives = loaded.rules.trade.trend_half_life, applied.rules.trade.trend_half_life
    assert len({(q.low, q.value, q.high, q.draw) for q in half_lives}) == 1


def _names(scenario: Scenario) -> list[str]:
    return [name for name, _, _ in informed(scenario)]


def test_the_table_has_the_moments_of_the_draws(fitted: Calibration) -> None:
    table = fitted.table().set_index("name")
    assert list(table.index) == list(fitted.posterior.names)
    for name, draws in zip(fitted.posterior.names, fitted.posterior.values, strict=True):
        row = table.loc[name]
        assert (row["mean"], row["sd"]) == (draws.mean(), draws.std())
        assert (row["low"], row["high"]) == tuple(np.quantile(draws, (0.05, 0.95)))
        if name in fitted.known.names:
            before = fitted.known.values[fitted.known.names.index(name)]
            assert row["learnt"] == pytest.approx(draws.std() / before.std())
        else:
            assert np.isnan(row["learnt"])
            assert "volatility" in name


def test_text_says_what_was_not_learnt(fitted: Calibration) -> None:
    text = fitted.text()
    last = text.splitlines()[-1]
    assert last.startswith("These years say nothing on ")
    assert "institutions.epca.trade_effect.eu" in last
    assert "rules.trade.trend" not in last
    assert f"{fitted.posterior.effective:.0f} effective of 4096 draws" in text
    assert "KZ 8, KG 8, TJ 8, TM 8, UZ 8" in text


def test_the_largest_correlation_is_between_two_numbers_put_in(fitted: Calibration) -> None:
    names = [n for n in fitted.posterior.names if n.rpartition(".")[0] in INFORMED]
    assert len(names) == 8
    values = dict(zip(fitted.posterior.names, fitted.posterior.values, strict=True))
    pairs = [
        abs(np.corrcoef(values[a], values[b])[0, 1]) for a in names for b in names if a is not b
    ]
    assert fitted.correlation == pytest.approx(max(pairs))
    assert fitted.correlation < 0.6


def test_other_data_or_years_have_another_label(fitted: Calibration) -> None:
    assert replace(fitted, history="f" * 32).label != fitted.label
    assert replace(fitted, first=1999).label != fitted.label
    assert replace(fitted, last=2009).label != fitted.label


# --- decisions ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def choices() -> Choices:
    return decisions(None, (), None)


def target_shares(tree: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = tree["rules"]["choice"]["target_shares"]
    return found


@pytest.fixture(scope="module")
def written(choices: Choices, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("decided")
    decided.write(choices, load_scenario("strategic_balance"), found, "2026-01-01")
    return found


def test_shipped_shares_are_what_the_shipped_decisions_say(written: Path) -> None:
    """To rounding: the last digit hangs on the library that searches for the shifts."""
    name = f"mechanism/{decided.MECHANISM}.yaml"
    shipped, now = (target_shares(read(f / name)) for f in (Path(CONFIG_DIR), written))
    assert list(shipped) == list(now)
    for domain, entry in now.items():
        ours = shipped[domain]
        assert ours["value"] == pytest.approx(entry["value"], abs=1.1e-3)
        for key in ("draw", "concentration", "evidence", "assumption"):
            assert ours[key] == entry[key], key


def test_shipped_facts_are_what_the_shipped_decisions_say(written: Path) -> None:
    for kind in ("facts", "sources"):
        name = f"{kind}/decisions.yaml"
        shipped, now = read(EVIDENCE / name), read(written / "evidence" / name)
        assert list(shipped) == list(now)
        for key, entry in now.items():
            for field in entry.keys() - {"value", "date", "note"}:
                assert shipped[key][field] == entry[field], (key, field)
            if kind == "facts":
                assert shipped[key]["value"] == pytest.approx(entry["value"], abs=1.1e-3)
            else:
                figures = shipped[key]["note"].split("Gain")[1]
                assert figures.split()[0] == entry["note"].split("Gain")[1].split()[0]


def test_shipped_shares_add_up_and_keep_nobody(facts: Ledger) -> None:
    base = load_scenario("strategic_balance")
    loaded = load_scenario("strategic_balance", f"mechanism={decided.MECHANISM}")
    table = read_decisions()
    for domain, quantity in loaded.rules.choice.target_shares.items():
        judged = base.rules.choice.target_shares[domain]
        assert sum(quantity.value) == pytest.approx(1, abs=1e-9)
        assert quantity.of("none") == judged.of("none")
        assert quantity.entries == judged.entries
        shifts = {p: facts.facts[f"decisions-{len(table)}-{p}"].value for p in ("ru", "cn", "eu")}
        for first, second in (("ru", "cn"), ("eu", "cn")):
            moved = np.log(quantity.of(first) / quantity.of(second))
            was = np.log(judged.of(first) / judged.of(second))
            assert shifts[first] is not None
            assert shifts[second] is not None
            # Shares have three decimals, so that small ones are known to a few percent.
            slack = 1e-3 / quantity.of(first) + 1e-3 / quantity.of(second)
            assert moved - was == pytest.approx(shifts[first] - shifts[second], abs=2 * slack)
        for power in ("ru", "cn", "eu"):
            assert quantity.evidence[power] == (f"decisions-{len(table)}-{power}",)


def test_decided_shares_can_be_loaded_from_a_folder(written: Path) -> None:
    """Under another name and label, as both belong to the program."""
    own = written / "mechanism" / "own_shares.yaml"
    text = (written / "mechanism" / f"{decided.MECHANISM}.yaml").read_text(encoding="utf-8")
    own.write_text(text.replace("decisions-", "own-decisions-"), encoding="utf-8")
    (written / "mechanism" / f"{decided.MECHANISM}.yaml").unlink()
    for kind in ("facts", "sources"):
        file = written / "evidence" / kind / "decisions.yaml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("decisions-", "own-decisions-"), encoding="utf-8")
    loaded = load_scenario("strategic_balance", "mechanism=own_shares", config_dir=written)
    shipped = load_scenario("strategic_balance", f"mechanism={decided.MECHANISM}")
    for domain, quantity in loaded.rules.choice.target_shares.items():
        wanted = shipped.rules.choice.target_shares[domain].value
        assert quantity.value == pytest.approx(wanted, abs=1.1e-3)
    with pytest.raises(InputError, match="own_share"):
        load_scenario("strategic_balance", "mechanism=own_share", config_dir=written)
