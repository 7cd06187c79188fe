"""Commands that ask something of runs, sweeps and scenarios."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread

import sim
from sim.cli import main
from sim.errors import InputError

SMALL = ["replicates=20", "seed=7"]
DECISION = ["--state", "KZ", "--period", "2026H2", "--domain", "energy", "--replicate", "3"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run and a sweep made by the command line in processes of their own."""
    folder = tmp_path_factory.mktemp("stored")
    for words in (
        ["run", *SMALL, "output.figures=false"],
        ["run", "scenario=gateway_delivers", *SMALL, "output.figures=false"],
        [
            *("sweep", "sweep=latin_hypercube", "sweep.over=[powers.eu.budget,powers.cn.budget]"),
            *("sweep.samples=40", "replicates=4", "seed=7", "sweep.workers=1"),
        ],
        [
            *("sweep", "sweep=sobol", "sweep.over=[powers.eu.budget,powers.cn.budget]"),
            *("sweep.samples=4", "replicates=4", "seed=7", "sweep.workers=1"),
        ],
    ):
        subprocess.run(
            [sys.executable, "-m", "sim.cli", *words], cwd=folder, check=True, capture_output=True
        )
    return folder


def one(folder: Path, pattern: str) -> str:
    (found,) = folder.glob(pattern)
    return str(found)


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 0
    return capsys.readouterr().out


def test_replay_of_a_run(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(["replay", one(stored, "runs/strategic*"), "--replicate", "17"], capsys)
    assert "bit for bit as stored" in text
    assert len([line for line in text.splitlines() if " UZ " in line]) == 20


def test_replay_of_a_cell(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = one(stored, "sweeps/latin*")
    assert "bit for bit as stored" in said(["replay", f"{sweep}@39"], capsys)


@pytest.mark.parametrize("source", ["run", "cell", "scenario"])
def test_explain(
    source: str, stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = {
        "run": [one(stored, "runs/strategic*")],
        "cell": [one(stored, "sweeps/latin*") + "@2"],
        "scenario": ["strategic_balance", *SMALL],
    }[source]
    words = ["explain", *where, *DECISION, "--reach", "0", "--save", str(tmp_path / "why")]
    text = said(words, capsys)
    assert "In 2026H2 Kazakhstan most probably picks" in text
    offers = pd.read_csv(tmp_path / "why" / "explain-offers.csv")
    terms = offers.loc[:, "benefit":"bloc"].sum(axis=1)
    assert ((terms - offers["utility"]).abs()[offers["option"] != "none"] < 1e-12).all()
    assert len(pd.read_csv(tmp_path / "why" / "explain-evidence.csv")) > 50
    assert imread(tmp_path / "why" / "explain.png").std() > 0
    manifest = json.loads((tmp_path / "why" / "explain.json").read_text(encoding="utf-8"))
    assert manifest["ledger"] == sim.evidence().digest
    assert main(words) == 2  # nothing is overwritten
    assert "is there already" in capsys.readouterr().err


def test_a_run_and_its_scenario_explain_alike(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = said(["explain", one(stored, "runs/strategic*"), *DECISION, "--reach", "0"], capsys)
    own = said(["explain", "strategic_balance", *SMALL, *DECISION, "--reach", "0"], capsys)
    assert run.splitlines()[1:] == own.splitlines()[1:]


def test_compare(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gateway, baseline = one(stored, "runs/gateway*"), one(stored, "runs/strategic*")
    both = said(["compare", gateway, baseline, "--save", str(tmp_path)], capsys)
    alone = said(["compare", gateway], capsys)
    composed = said(["compare", "gateway_delivers", baseline, *SMALL], capsys)
    assert (
        both.splitlines()[2:-2] == alone.splitlines()[2:] == composed.splitlines()[2 : -0 or None]
    )
    assert "alignment.KG.EU" in both
    table = pd.read_csv(tmp_path / "compare-differences.csv")
    assert {"measure", "difference", "low", "high", "variance_factor"} <= set(table)
    assert "No replicate differs" in said(["compare", baseline, baseline], capsys)
    sweep = one(stored, "sweeps/latin*")
    cells = said(["compare", f"{sweep}@1", f"{sweep}@2", "--outcome", "budget"], capsys)
    assert "budget.EU" in cells


def test_tipping(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["offered.EU > 1.5 at 2025H2", "powers.eu.budget", "--save", str(tmp_path)]
    text = said(["tipping", one(stored, "runs/strategic*"), *words], capsys)
    assert "it tips" in text
    tips = pd.read_csv(tmp_path / "tipping-tips.csv")
    assert tips["value"].between(1.9, 4.4).all()
    assert len(tips) == 1


def test_sensitivity_of_a_run(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["budget.EU at mean", "--samples", "32", "--save", str(tmp_path)]
    more = ["--theories", "no_hedging", "--documents", "times-tengri-dushanbe-cis"]
    text = said(["sensitivity", one(stored, "runs/strategic*"), *words, *more], capsys)
    assert "Pin down first: powers.eu.budget" in text
    assert "no_hedging" in text
    assert "times-tengri-dushanbe-cis" in text
    ranking = pd.read_csv(tmp_path / "sensitivity-ranking.csv")
    assert ranking["factor"].iloc[0] == "powers.eu.budget"


def test_sensitivity_of_a_sweep(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(["sensitivity", one(stored, "sweeps/sobol*"), "budget.EU at mean"], capsys)
    assert "Pin down first: powers.eu.budget" in text


def test_discover(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["budget.EU > 3 at mean", "--method", "cart", "--save", str(tmp_path)]
    text = said(["discover", one(stored, "sweeps/latin*"), *words], capsys)
    assert "powers.eu.budget" in text
    assert (tmp_path / "discover-boxes.csv").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["replay", "strategic_balanse"], "nearest valid name: 'strategic_balance'"),
        (["replay", "RUN@3"], "only a sweep has cells"),
        (["replay", "SWEEP@x"], "the cell must be a number"),
        (["replay", "SWEEP@40"], "no cell 40"),
        (["replay", "SWEEP"], "has cells 0 to 39; say which"),
        (["replay", "RUN", "seed=8"], "is stored and cannot be changed"),
        (["replay", "RUN", "--replicate", "20"], "has 0 to 19, not 20"),
        (["explain", "RUN", *DECISION[:-2], "--replicate", "-1"], "not -1"),
        (["compare", "RUN", "RUN", "RUN"], "one too many"),
        (["compare", "RUN", "seed=3"], "what is stored cannot be changed"),
        (["compare", "gateway_delivers", "RUN", "seed=8"], "cannot be paired: seed is 8"),
        (["compare", "RUN", "--outcome", "dependense"], "nearest valid name: 'dependence'"),
        (["tipping", "RUN", "alignment.UZ.EU", "powers.eu.budget"], "a test is missing"),
        (["tipping", "RUN", "alignment.UZ.EU first", "powers.eu.budgt"], "'budget'"),
        (["sensitivity", "RUN", "influence.RX"], "nearest valid name: 'RU'"),
        (["sensitivity", "RUN", "influence.RU", "--samples", "3"], "power of 2"),
        (["sensitivity", "RUN", "influence.RU", "--theories", "no_hegding"], "'no_hedging'"),
        (["discover", "RUN", "influence.RU > 0.5"], "is not a sweep"),
        (["discover", "SWEEP@1", "influence.RU > 0.5"], "leave out @1"),
        (["explain", "RUN", *DECISION, "--reach", "nan"], "reach: must be a finite number"),
        (["explain", "RUN", *DECISION, "--reach", "-1"], "reach: must be between 0 and 100"),
        (["replay", ""], "no run, sweep or scenario ''"),
        (["replay", "RUN", "--config-dir", "/no/such/folder"], "/no/such/folder"),
        (["discover", "SWEEP", "influence.RU > 0.5", "--method", "prism"], "'prim'"),
    ],
)
def test_mistakes(
    words: list[str], message: str, stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"RUN": one(stored, "runs/strategic*"), "SWEEP": one(stored, "sweeps/latin*")}
    given = []
    for word in words:
        name, mark, cell = word.partition("@")
        given.append(places.get(name, name) + mark + cell)
    assert main(given) == 2
    assert message in capsys.readouterr().err


def test_a_run_of_another_version_is_refused(stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    source = Path(one(stored, "runs/strategic*"))
    manifest = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    del manifest["scenario"]["states"]["kz"]["commodity_effect"]
    manifest["files"] = {}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(InputError, match=r"another version.*commodity_effect.*made with multi"):
        sim.open_run(folder)


def test_what_if_on_a_stored_run(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = one(stored, "runs/strategic*")
    words = ["explain", run, *DECISION, "--reach", "0"]
    plain, other = (
        said([*words, *more], capsys) for more in ([], ["--set", "states.kz.hedging=0"])
    )
    assert "\nhedging " in plain
    assert "\nhedging " not in other
    share = "rules.choice.target_shares.energy.cn=0.3"
    assert said([*words, "--set", share], capsys) != plain
    for wrong, message in (
        ("states.kz.hedgin=1", "nearest valid name: 'hedging'"),
        ("states.kz.hedging", "write PATH=VALUE"),
        ("states.kz.hedging=-1", "states.kz.hedging"),
    ):
        assert main([*words, "--set", wrong]) == 2
        assert message in capsys.readouterr().err


def test_output_is_checked_before_anything_is_computed(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "explain-flips.csv").touch()
    run = one(stored, "runs/strategic*")
    assert main(["explain", run, *DECISION, "--save", str(tmp_path)]) == 2
    assert capsys.readouterr().out == ""
    (tmp_path / "file").touch()
    assert main(["replay", run, "--save", str(tmp_path / "file" / "in")]) == 2
    assert "--save: cannot write to" in capsys.readouterr().err
    assert main(["sensitivity", run, "influence.RU", "--documents", "no-such"]) == 2
    assert capsys.readouterr().out == ""


def test_a_sweep_with_missing_files(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cells.parquet", "scenarios.parquet"):
        torn = tmp_path / name.partition(".")[0]
        shutil.copytree(one(stored, "sweeps/latin*"), torn)
        (torn / name).unlink()
        assert main(["replay", f"{torn}@1"]) == 2
        assert f"{name}: missing or not readable" in capsys.readouterr().err
        (torn / name).touch()
        assert main(["replay", f"{torn}@1"]) == 2
        assert "missing or not readable" in capsys.readouterr().err
    whole = tmp_path / "without"
    shutil.copytree(one(stored, "sweeps/latin*"), whole)
    (whole / "manifest.json").unlink()
    assert main(["replay", f"{whole}@1"]) == 2
    assert "no sweep here" in capsys.readouterr().err
