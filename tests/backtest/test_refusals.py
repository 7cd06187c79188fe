"""A user's mistake gives one message, exit status 2, and nothing written."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from backtest.made import example_files
from history.synthetic import MEMBERSHIPS, OUTPUT, TRADE, Files

from sim.backtesting import EXAMPLE_FOLDER
from sim.cli import main
from sim.history.decisions import SHIPPED
from sim.plots import figures

QUICK = ("--members", "20", "--origins", "2010", "--horizons", "1")


def refused(
    arguments: list[str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> str:
    """Fail unless the command refuses with one message that holds the words."""
    before = sorted(tmp_path.rglob("*"))
    try:
        status = main(["backtest", *arguments])
    except SystemExit as stop:  # of argparse, which prints its usage besides
        status = int(stop.code or 0)
        wrong = capsys.readouterr().err.splitlines()[-1]
        assert wrong.startswith(("multivector: error: ", "multivector backtest: error: "))
    else:
        shown = capsys.readouterr()
        wrong = shown.err.strip()
        assert wrong.startswith("multivector: ")
        assert wrong.count("multivector: ") == 1
    assert status == 2
    assert "Traceback" not in wrong
    for word in words:
        assert word in wrong
    assert sorted(tmp_path.rglob("*")) == before
    return wrong


OPTIONS = [
    (["nowhere"], ["nowhere: no such file or folder"]),
    (["exampel"], ["exampel: no such file or folder"]),
    (["example", "--origins", "soon"], ["--origins: 'soon' is not years such as 2008-2013"]),
    (["example", "--origins", "2010-2008"], ["--origins: '2010-2008' is not years"]),
    (["example", "--origins", "2008-"], ["--origins: '2008-' is not years"]),
    (["example", "--origins", ""], ["--origins: '' is not years"]),
    (["example", "--calibrate", "--train", "2000-then"], ["--train: '2000-then' is not a span"]),
    (["example", "--calibrate", "--train", "2000"], ["--train: '2000' is not a span"]),
    (["example", "--calibrate", "--train", "2008-2000"], ["train: 2008 to 2000; needs 4 years"]),
    (["example", "--calibrate", "--train", "2006-2008"], ["train: 2006 to 2008; needs 4 years"]),
    (["example", "--train", "2000-2006"], ["--train: goes with --calibrate"]),
    (["example", "--origins", "1990"], ["origins: 1990 lies within the training years", "2008"]),
    (["example", "--origins", "2007,2010"], ["origins: 2007 lies within the training years"]),
    (["example", "--origins", "2014"], ["origins: 2014", "1994", "2013"]),
    (["example", "--origins", "2008,2020"], ["origins: 2020", "1994", "2013"]),
    (["example", "--calibrate", "--train", "2000-2014"], ["origins: no year of trade from 2014"]),
    (["example", "--until", "2008"], ["until: 2008", "2008"]),
    (["example", "--until", "2000"], ["until: 2000", "2008"]),
    (["example", "--states", "XX"], ["states: unknown 'XX'"]),
    (["example", "--states", "KZ,kz"], ["states: 'KZ' given twice"]),
    (["example", "--states", ""], ["states: unknown ''"]),
    (["example", "--states", "AM"], ["trade.csv", "no row of reporter 'ARM' (AM)"]),
    (["example", "--basis", "nation"], ["basis: unknown 'nation'", "'national'"]),
    (["example", "--members", "-5"], ["members: must be at least 20, not -5"]),
    (["example", "--members", "0"], ["members: must be at least 20, not 0"]),
    (["example", "--members", "19"], ["members: must be at least 20, not 19"]),
    (["example", "--members", "many"], ["--members", "invalid int value: 'many'"]),
    (["example", "--horizons", "0"], ["horizons: must be at least 1, not 0"]),
    (["example", "--horizons", "-2"], ["horizons: must be at least 1, not -2"]),
    (["example", "--seed", "-1"], ["seed: must be at least 0, not -1"]),
    (["example", "--horizons", "51"], ["horizons: must be at most 50, not 51"]),
    (["example", "--members", "100000"], ["members: must be at most 20000, not 100000"]),
    (["example", "--seed", "10000000000"], ["seed: must be at most 4294967296"]),
    (["example", "--nonsense"], ["--nonsense"]),
    (["example", "powers=five_suitors"], ["option 'powers=': a back-test sets it"]),
    (["example", "seed=3"], ["option 'seed=': a back-test sets it"]),
    (["example", "horizon.end=2030H1"], ["option 'horizon=': a back-test sets it"]),
    (["example", "--calibrate", "events=none"], ["option 'events=': a back-test sets it"]),
    (["example", "rules.trade.treand=1"], ["rules.trade.treand"]),
    (["example", "nonsense"], ["nonsense", "key=value"]),
    (["example", "states=kz"], ["states: the model has no KG; states=cis_plus has all"]),
    (["example", "mechanism=none"], ["rules.trade.volatility", "kz", "no spread", "calibrate"]),
    (["example", "mechanism=calibrated"], ["mechanism=calibrated", "calibrated_trade"]),
    (["example", "--config-dir", "nowhere"], ["--config-dir: no folder", "nowhere"]),
    (
        ["example", "--calibrate", "mechanism=uncalibrated_trade"],
        ["mechanism: a calibration starts from ranges of its own"],
    ),
    (["example", "--calibrate", "--train", "1990-2008"], ["1990 is not among the years 1994"]),
]


@pytest.mark.parametrize(("arguments", "words"), OPTIONS, ids=lambda value: " ".join(value[:3]))
def test_options_that_cannot_be(
    arguments: list[str],
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = [
        text
        for option, value in zip(QUICK[::2], QUICK[1::2], strict=True)
        if option not in arguments and not (option == "--origins" and "2000-2014" in arguments)
        for text in (option, value)
    ]
    refused([*arguments, *quick, "--decisions", "none"], words, tmp_path, capsys)


def test_too_many_unknowns_for_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one state and four years there is nothing to learn from."""
    arguments = ["example", *QUICK, "--decisions", "none", "--calibrate", "--states", "KZ"]
    words = ["calibration: 3 changes of shares; needs 8 at least"]
    refused([*arguments, "--train", "2005-2008"], words, tmp_path, capsys)


def test_a_folder_with_something_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("Mine.", encoding="utf-8")
    arguments = ["example", *QUICK, "--decisions", "none", "--save", str(tmp_path / "mine")]
    refused(arguments, ["--save:", "is not empty; give another folder"], tmp_path, capsys)


def test_what_breaks_while_it_is_written_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figures, "save", full)
    rest = [*QUICK, "--decisions", "none", "--save", str(tmp_path / "out")]
    assert main(["backtest", "example", *rest]) == 1
    shown = capsys.readouterr().err
    assert "No space left on device" in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_is_no_folder(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("Mine.", encoding="utf-8")
    arguments = ["example", *QUICK, "--decisions", "none", "--save", str(tmp_path / place)]
    refused(arguments, ["--save: cannot write to", "Not a directory"], tmp_path, capsys)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "Mine."


# --- decisions ------------------------------------------------------------------------------------


def test_decisions_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none.csv"
    save = ["--save", str(tmp_path / "out")]
    refused(
        ["example", *QUICK, "--decisions", str(file), *save],
        ["none.csv: no such file"],
        tmp_path,
        capsys,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pick": "eu", "options": "none ru"}, ["line 2", "pick: 'eu' is not among the options"]),
        ({"state": "xx"}, ["line 2", "state: unknown 'xx'"]),
        ({"year": "soon"}, ["line 2", "year: 'soon' is no number"]),
    ],
)
def test_decisions_that_cannot_be(
    change: dict[str, str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SHIPPED.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows[0].update(change)
    file = tmp_path / "own.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    arguments = ["example", *QUICK, "--decisions", str(file), "--save", str(tmp_path / "out")]
    refused(arguments, ["own.csv", *words], tmp_path, capsys)


# --- data -----------------------------------------------------------------------------------------


def gap(files: Files) -> None:
    files.drop(TRADE, year="2004", reporter_iso3="KGZ", partner="CHN")


def lacking(files: Files) -> None:
    files.drop(TRADE, year="2004", reporter_iso3="KGZ")


def duplicate(files: Files) -> None:
    files.tables[TRADE].append(dict(files.flow(2012, "RUS", "UZB")))


def negative(files: Files) -> None:
    files.flow(2012, "RUS", "UZB")["total_usd_m"] = "-7"


def unknown(files: Files) -> None:
    files.flow(2012, "RUS", "UZB")["partner"] = "RUSS"


def above(files: Files) -> None:
    files.flow(2012, "RUS", "UZB")["share_of_total_pct"] = "130"


def other_share(files: Files) -> None:
    files.flow(2012, "RUS", "UZB")["share_of_total_pct"] = "99"


def mixed(files: Files) -> None:
    files.tables[TRADE].append({**files.flow(2012, "RUS", "UZB"), "basis": "mirror"})


def sums(files: Files) -> None:
    files.flow(2012, "RUS", "UZB")["exports_usd_m"] = "1"


def words_in(files: Files) -> None:
    files.flow(2012, "RUS", "UZB")["total_usd_m"] = "1,234"


def over(files: Files) -> None:
    world = float(files.flow(2005, "WORLD", "UZB")["total_usd_m"])
    for partner in ("RUS", "CHN"):
        flow = files.flow(2005, partner, "UZB")
        flow.update(exports_usd_m=f"{0.6 * world:.3f}", imports_usd_m="0", share_of_total_pct="")
        flow["total_usd_m"] = flow["exports_usd_m"]


def poor(files: Files) -> None:
    files.drop(OUTPUT, iso3="UZB", year="2012")


def nothing_made(files: Files) -> None:
    files.row(OUTPUT, iso3="UZB", year="2012")["gdp_current_usd"] = "0"


def twice(files: Files) -> None:
    files.tables[MEMBERSHIPS].append(dict(files.row(MEMBERSHIPS, state_iso3="UZB")))


def club(files: Files) -> None:
    files.row(MEMBERSHIPS, state_iso3="UZB")["organisation"] = "CISS"


DATA: list[tuple[Callable[[Files], None], str, list[str]]] = [
    (gap, "trade.csv", ["KGZ–CHN has no row for 2004", "line "]),
    (lacking, "trade.csv", ["KGZ–RUS has no row for 2004", "KGZ–WORLD has no row for 2004"]),
    (duplicate, "trade.csv", ["UZB–RUS 2012 (national) is already in line"]),
    (negative, "trade.csv", ["total_usd_m: must not be negative, is -7", "line "]),
    (unknown, "trade.csv", ["partner: unknown 'RUSS'", "'RUS'", "line "]),
    (above, "trade.csv", ["share_of_total_pct: must be at most 100, is 130", "line "]),
    (other_share, "trade.csv", ["share_of_total_pct: UZB–RUS 2012 is 99, yet", "line "]),
    (mixed, "trade.csv", ["mixed bases: UZB–RUS 2012 is there as national", "choose one"]),
    (sums, "trade.csv", ["total_usd_m:", "is not exports plus imports", "line "]),
    (words_in, "trade.csv", ["'1,234' is no number", "no thousands separator", "line "]),
    (over, "trade.csv", ["UZB–WORLD 2005 is", "RUS, CHN, EU27 together", "line "]),
    (poor, "gdp_population.csv", ["no row of UZB for 2012"]),
    (nothing_made, "gdp_population.csv", ["gdp_current_usd: must be above 0, is 0", "line "]),
    (twice, "memberships.csv", ["CIS of UZ from 1991-12-21 overlaps line", "line "]),
    (club, "memberships.csv", ["organisation: unknown 'CISS'", "'CIS'", "line "]),
]


@pytest.mark.parametrize(("spoil", "name", "words"), DATA, ids=lambda v: getattr(v, "__name__", ""))
@pytest.mark.parametrize("fit", [(), ("--calibrate",)], ids=["shipped", "calibrate"])
def test_data_that_cannot_be(
    spoil: Callable[[Files], None],
    name: str,
    words: list[str],
    fit: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = example_files()
    spoil(files)
    data = tmp_path / "data"
    data.mkdir()
    files.write(data)
    save = ["--save", str(tmp_path / "out")]
    arguments = [str(data), *QUICK, "--decisions", "none", *save, *fit]
    wrong = refused(arguments, [str(data / name), *words], tmp_path, capsys)
    if "line " in words:
        line = int(wrong.split("line ")[1].split(":")[0])
        assert 2 <= line <= 1 + len(files.tables[Path(name).stem])


@pytest.mark.parametrize("name", ["trade", "gdp_population", "memberships"])
def test_a_file_that_is_missing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example_files().write(tmp_path)
    (tmp_path / f"{name}.csv").unlink()
    words = [f"{name}.csv: no such file"]
    refused([str(tmp_path), *QUICK, "--decisions", "none"], words, tmp_path, capsys)


def test_a_column_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = example_files()
    for row in files.tables[TRADE]:
        row["totals"] = row.pop("total_usd_m")
    files.write(tmp_path)
    words = ["trade.csv", "line 1: no column 'total_usd_m'"]
    refused([str(tmp_path), *QUICK, "--decisions", "none"], words, tmp_path, capsys)


def test_gaps_after_the_training_are_no_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = example_files()
    files.drop(TRADE, year="2011", reporter_iso3="KGZ", partner="CHN")
    data = tmp_path / "data"
    data.mkdir()
    files.write(data)
    save = str(tmp_path / "out")
    monkeypatch.setattr(figures, "save", lambda figure, path: None)
    assert main(["backtest", str(data), *QUICK, "--decisions", "none", "--save", save]) == 0
    shown = capsys.readouterr().out
    assert "KG 2011: no row with CN, so no shares" in shown
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8") as stream:
        assert {row["state"] for row in csv.DictReader(stream)} == {"KZ", "TJ", "TM", "UZ"}


def test_a_basis_that_is_asked_for_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "save", lambda figure, path: None)
    files = example_files()
    mixed(files)
    data = tmp_path / "data"
    data.mkdir()
    files.write(data)
    rest = [*QUICK, "--decisions", "none", "--save", str(tmp_path / "out")]
    assert main(["backtest", str(data), *rest, "--basis", "mirror"]) == 0


def test_the_example_itself_is_in_order() -> None:
    assert {path.name for path in EXAMPLE_FOLDER.glob("*.csv")} == {
        "gdp_population.csv",
        "memberships.csv",
        "trade.csv",
    }
