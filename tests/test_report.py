"""The page of a run holds the run's own numbers, and needs nothing beside itself."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.analysis.alignment import summary
from sim.analysis.compare import baseline_of, compare
from sim.analysis.expectations import findings
from sim.cli import main
from sim.errors import InputError
from sim.plots.figures import drawable
from sim.provenance import provenance
from sim.report import report
from sim.report.page import html, limits

CASES = {
    "gateway": ("gateway_delivers",),
    "baseline": ("strategic_balance",),
    "one state": ("strategic_balance", "states=kz"),
    "five powers": ("five_suitors",),
    "nobody's budget": (
        "strategic_balance",
        *(f"powers.{code}.budget.value=0" for code in ("ru", "cn", "eu")),
    ),
    "kept little": ("rails_first", "outcomes=[trade]"),
}
CHROMIUM = shutil.which("chromium")


class Page(HTMLParser):
    """Numbers, addresses, ids and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: list[float] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        if found.get("data-value") is not None:
            self.numbers.append(float(str(found["data-value"])))
        for key, where in (("src", self.sources), ("href", self.links), ("id", self.ids)):
            if found.get(key) is not None:
                where.append(str(found[key]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@lru_cache
def result(case: str) -> sim.Run:
    name, *overrides = CASES[case]
    return sim.run(sim.load_scenario(name, *overrides, replicates=30, seed=7))


@lru_cache
def page(case: str) -> str:
    return html(result(case), sim.evidence())


@pytest.mark.parametrize("case", CASES)
def test_every_number_is_that_of_the_run(case: str) -> None:
    run = result(case)
    wanted: list[float] = []
    baseline = sim.run(baseline_of(run.scenario))
    if case != "kept little":
        wanted += list(summary(run.data, run.final).table()["median"])
        for found in findings(run.scenario, run.data, baseline.data):
            wanted += [found.agreeing, found.median]
    numbers = Page(page(case)).numbers
    values = [row.value for row in provenance(run.scenario, sim.evidence())]
    np.testing.assert_array_equal(numbers[-len(values) :], values)
    shown = numbers[: -len(values)]
    if wanted:
        np.testing.assert_array_equal(shown[: len(wanted)], wanted)
        known = compare(run, baseline).table()["difference"].to_list()
        assert all(number in known for number in shown[len(wanted) :])


def test_results_and_intervals_are_those_of_the_stored_numbers(tmp_path: Path) -> None:
    """Computed once more from the files, without the functions behind the page."""
    folder = result("gateway").save(tmp_path)
    stored = sim.open_run(folder.folder)
    text = html(stored, sim.evidence())
    results = text[text.index('id="results"') : text.index('id="figures"')]
    columns = re.findall(r"<th>(\w+)</th>", results)[2:]
    rows = re.findall(r"<tr><td>(\w+)</td><td>([^<]+)</td>(.*?)</tr>", results, re.DOTALL)
    seen: dict[str, int] = {}
    for state, label, cells in rows:
        quantity = re.split(r" (?:at the end|in all|over the run)", label)[0]
        for power, cell in zip(columns, re.findall(r"<td[^>]*>(.*?)</td>", cells), strict=True):
            sample = sample_of(stored, quantity, state, power) if cell else None
            if sample is None:
                continue
            seen[quantity] = seen.get(quantity, 0) + 1
            shown = re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", cell)
            assert shown is not None
            np.testing.assert_allclose(
                [float(number.replace(",", "")) for number in shown.groups()],
                np.percentile(sample, [50, 5, 95]),
                rtol=6e-3,
                atol=1e-6,
            )
    assert (seen["dependence"], seen["signed"]) == (20, 24)
    assert seen["influence"] == seen["budget"] == 3
    assert seen["hedging index"] == 5


def sample_of(run: sim.Run, quantity: str, state: str, power: str) -> np.ndarray | None:
    """What a cell is about, replicate by replicate."""
    where = {"state": state, "power": power}
    name = quantity.replace(" ", "_")
    if name in ("dependence", "influence", "budget", "hedging_index"):
        array = run.final[name]
    elif name == "signed":
        array = run.data[name].sum("period")
    else:
        return None
    for dim, code in where.items():
        if dim in array.dims:
            array = array.sum(dim) if code == "all" else array.sel({dim: code})
    return np.asarray(array.values)


@pytest.mark.parametrize("case", CASES)
def test_the_page_is_whole_and_stands_alone(case: str) -> None:
    found = Page(page(case))
    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    assert all(link[1:] in found.ids for link in found.links)
    assert all(link.startswith("#") for link in found.links)
    head = "data:image/svg+xml;base64,"
    for source in found.sources:
        assert source.startswith(head)
        root = ET.fromstring(base64.b64decode(source.removeprefix(head)))
        assert root.tag.endswith("svg")
    assert len(found.sources) >= len(drawable(result(case).data))
    assert not re.search(r"<(script|link|iframe)\b", page(case))


def test_it_says_what_limits_the_result_and_how_to_compute_it() -> None:
    text = page("gateway")
    assert len(limits()) >= 5
    assert limits()[0].startswith("Signs and rankings")
    for limit in limits():
        assert limit.replace("'", "&#39;") in text
    assert result("gateway").manifest["code"] in text
    stated = re.search(r'<h2 id="again">.*?<pre>(.*?)</pre>', text, re.DOTALL)
    assert stated is not None
    assert "sim.run" in stated[1]


def test_conflicts_stand_beside_the_numbers() -> None:
    row = re.search(r'<td class="path">powers.eu.budget</td>.*?</tr>', page("baseline"), re.DOTALL)
    assert row is not None
    assert "conflicts with" in row[0]
    assert 'href="#pledge-eu-ca5-132"' in row[0]


def test_words_of_a_story_are_words() -> None:
    run = result("gateway")
    story = replace(run.scenario.story, text="<script>alert(1)</script> & so on")
    text = html(replace(run, scenario=replace(run.scenario, story=story)), sim.evidence())
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so on" in text


def test_the_command_line_writes_it_beside_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["scenario=rails_first", "replicates=10", "output.figures=false", "seed=3"]
    assert main(["run", *words]) == 0
    folder = Path(capsys.readouterr().out.splitlines()[-1])
    assert main(["report", str(folder)]) == 0
    written = Path(capsys.readouterr().out.strip())
    assert written == folder / "report.html"
    assert f"multivector run {' '.join(words)}" in written.read_text(encoding="utf-8")
    sim.open_run(folder)  # the page does not harm the run
    assert main(["report", "rails_first", "replicates=10"]) == 2
    assert "give --file" in capsys.readouterr().err
    assert main(["report", "rails_first", "replicates=10", "--file", "no/where.html"]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_a_run_without_a_folder_needs_a_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not stored"):
        report(result("baseline"))
    assert report(result("baseline"), tmp_path / "page.html").stat().st_size > 100_000


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_every_picture_shows_in_a_browser(tmp_path: Path) -> None:
    count = """<script>
    const broken = [...document.images].filter(i => !i.complete || i.naturalWidth < 50).length;
    document.title = `${broken} of ${document.images.length} broken`;
    </script></body>"""
    file = tmp_path / "page.html"
    file.write_text(page("gateway").replace("</body>", count), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"
    done = subprocess.run(
        [str(CHROMIUM), *options, offline, "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    number = len(Page(page("gateway")).sources)
    assert f"<title>0 of {number} broken</title>" in done.stdout
