"""A calibration never sees a year after its cut, whatever the files hold there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from backtest.made import CUT, example, example_files, later, uncalibrated, up_to
from history.synthetic import MEMBERSHIPS, OUTPUT, TRADE, Files

from sim.analysis.backtest.calibration import Calibration, calibrate
from sim.errors import InputError
from sim.history import files, read_history

FIRST = 2000
DRAWS = 2048
GARBAGE = ("", "nonsense", "-7", "1e999", "12,5;", "\N{SNOWMAN}")


def fit(folder: Path, first: int = FIRST, last: int = CUT) -> Calibration:
    return calibrate(uncalibrated(), read_history(folder, until=CUT), first, last, DRAWS)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    return fit(example_files().write(tmp_path_factory.mktemp("clean")))


def scrambled() -> Files:
    """The example with later rows that cannot be read, but for their year."""
    found = example_files()
    years = {TRADE: "year", OUTPUT: "year", MEMBERSHIPS: "from_year"}
    generator = np.random.default_rng(1)
    for table, column in years.items():
        changed = 0
        for row in later(found, table, CUT):
            for cell in row.keys() - {column}:
                row[cell] = GARBAGE[generator.integers(len(GARBAGE))]
            changed += 1
        assert changed
    return found


def doubled() -> Files:
    """The example with other numbers in later rows, which can be read."""
    found = example_files()
    for row in later(found, TRADE, CUT):
        for column in ("exports_usd_m", "imports_usd_m", "total_usd_m"):
            row[column] = f"{float(row[column]) * (3 if row['partner'] == 'CHN' else 2):.3f}"
        row["share_of_total_pct"] = ""
    for row in later(found, OUTPUT, CUT):
        row["gdp_current_usd"] = f"{float(row['gdp_current_usd']) * 2:.0f}"
    found.drop(MEMBERSHIPS, from_year="2010")
    found.row(MEMBERSHIPS, state_iso3="UZB").update(to_year="2012", to_date="2012-01-01")
    return found


def absent() -> Files:
    """The example without later rows."""
    found = example_files()
    for table in found.tables:
        found.tables[table] = [
            row for row in found.tables[table] if row not in list(later(found, table, CUT))
        ]
    return found


def same(found: Calibration, wanted: Calibration) -> None:
    """Fail unless two calibrations agree bit for bit, in all that they say."""
    assert np.array_equal(found.known.values, wanted.known.values)
    assert np.array_equal(found.known.changes, wanted.known.changes)
    assert np.array_equal(found.posterior.values, wanted.posterior.values)
    assert found.posterior.effective == wanted.posterior.effective
    assert (found.history, found.label) == (wanted.history, wanted.label)
    assert found.years_read == wanted.years_read == CUT
    assert found.text() == wanted.text()


@pytest.mark.parametrize("make", [scrambled, doubled, absent])
def test_later_rows_change_nothing(make: object, clean: Calibration, tmp_path: Path) -> None:
    assert callable(make)
    same(fit(make().write(tmp_path)), clean)


def test_earlier_rows_do_change_it(clean: Calibration, tmp_path: Path) -> None:
    changed = example_files()
    for row in changed.tables[TRADE]:
        if (row["year"], row["partner"]) == (str(CUT), "CHN"):
            for column in ("exports_usd_m", "imports_usd_m", "total_usd_m"):
                row[column] = f"{float(row[column]) * 1.1:.3f}"
            row["share_of_total_pct"] = ""
    found = fit(changed.write(tmp_path))
    assert found.history != clean.history
    assert not np.array_equal(found.posterior.values, clean.posterior.values)
    assert np.array_equal(found.known.values, clean.known.values)  # as the prior knows no data


def test_no_cell_of_a_later_row_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """But for its year."""
    looked: list[tuple[str, int]] = []
    plain = dict(files.Row.__dict__)

    def watched(name: str) -> object:
        def look(row: files.Row, column: str, *others: object) -> object:
            year = row.cells.get("year") or row.cells["from_year"]
            if column not in ("year", "from_year"):
                looked.append((column, int(year)))
            return plain[name](row, column, *others)

        return look

    for name in ("code", "number", "amount", "year"):
        monkeypatch.setattr(files.Row, name, watched(name))
    history = read_history(example_files().write(tmp_path), until=CUT)
    assert {year for _, year in looked} >= set(range(1994, CUT + 1))
    assert max(year for _, year in looked) == CUT
    assert max(max(years) for years in history.years_read.values()) == CUT
    assert history.data["year"].values[-1] == CUT


def test_years_read_are_kept_and_told(clean: Calibration, tmp_path: Path) -> None:
    assert clean.years_read == CUT
    clean.write(tmp_path)
    source = (tmp_path / "evidence" / "sources" / "calibration.yaml").read_text(encoding="utf-8")
    assert f"no year after {CUT} was read" in " ".join(source.split())


@pytest.mark.parametrize("table", [TRADE, OUTPUT, MEMBERSHIPS])
def test_a_single_later_year_in_any_file_is_refused(table: str, tmp_path: Path) -> None:
    years = {**up_to().years_read, table: (*up_to().years_read[table], CUT + 1)}
    with pytest.raises(InputError, match=f"read up to {CUT + 1}, beyond the cut {CUT}"):
        calibrate(uncalibrated(), replace(up_to(), years_read=years), FIRST, CUT, DRAWS)


def test_a_history_that_reaches_beyond_the_cut_is_refused() -> None:
    with pytest.raises(InputError, match=f"read up to 201., beyond the cut {CUT}"):
        calibrate(uncalibrated(), example(), FIRST, CUT, DRAWS)
    with pytest.raises(InputError, match=f"read up to {CUT}, beyond the cut {CUT - 1}"):
        calibrate(uncalibrated(), up_to(), FIRST, CUT - 1, DRAWS)


def test_a_membership_that_ended_later_counts_as_not_over(tmp_path: Path) -> None:
    changed = example_files()
    changed.row(MEMBERSHIPS, state_iso3="UZB").update(to_year="2012", to_date="2012-01-01")
    history = read_history(changed.write(tmp_path), until=CUT)
    assert [m.end for m in history.memberships] == [None] * 5
    assert max(history.years_read[MEMBERSHIPS]) == 1991
