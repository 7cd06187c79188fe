"""One self-contained HTML page for a run: it needs no network, and prints well."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.analysis.alignment import ALL, SUMMARISED, summary
from sim.analysis.compare import Comparison, baseline_of, compare
from sim.analysis.expectations import Finding, findings
from sim.analysis.origin import changes_since, origin_of
from sim.analysis.words import number, percent, signed
from sim.errors import InputError
from sim.evidence import Ledger, load_ledger
from sim.plots.differences import differences
from sim.plots.figures import FIGURES, drawable, figure_of, write
from sim.provenance import Provenance, provenance
from sim.store import Run, run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE: Final = "report.html"
"""Name of the page in the folder of a run."""
DIFFERENT: Final = 12
"""Largest differences from the baseline that the page lists."""
CAPTIONS: Final[Mapping[str, str]] = {
    "alignment": "Share of picks over the last three years, domains weighted as in dependence: "
    "medians with 50 and 90 % bands.",
    "partners": "First partner: the power that a state picked most over three years, in each "
    "replicate, and how that changed.",
    "picks": "How often each option was picked, over all half-years and replicates.",
    "heatmap": "Power that each state picked most often in each domain, and how often.",
    "ternary": "Shares of the three powers in each state's dependence, from the start to the end.",
    "delivery": "Money signed, delivered and lost so far, over all states.",
    "influence": "Share of each power in the dependence of all states, weighted by GDP and alike.",
    "trade": "Trade turnover of each state by partner; each panel has a scale of its own.",
    "trade_shares": "Share of each partner in the trade of each state.",
    "corridors": "Traffic on the corridors, and their shares in west-bound freight.",
    "map": "Ties at the start of the last half-year, and freight in it.",
}
"""What each figure shows."""
SPANS: Final[Mapping[str, str]] = {
    "pick_share": "over the run (domains weighted)",
    **dict.fromkeys(("dependence", "hedging_index", "influence", "budget"), "at the end"),
    **dict.fromkeys(("signed", "delivered", "delivered_to_signed"), "in all"),
}
"""When each quantity of the results is measured."""
_LIMITS: Final = re.compile(r"Limits, to be printed with every result:\n\n(.*?)\n\n", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """Something in a table: what is written, and the number behind it."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Picture:
    """A figure within the page."""

    name: str
    caption: str
    source: str


def report(result: Run, path: str | Path | None = None, ledger: Ledger | None = None) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    result : the run; one that is stored has its page in its folder.
    path : file to write; replaced if it is there.
    ledger : evidence behind the run; the package's own by default.

    Returns
    -------
    Path of the page.

    Raises
    ------
    InputError
        The run is not stored and no path is given, or the path cannot be written.
    """
    if path is None and result.folder is None:
        raise InputError("report: the run is not stored; give the path of a file")
    target = Path(path) if path is not None else Path(str(result.folder)) / FILE
    text = html(result, ledger or load_ledger())
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"report: cannot write {target}: {error.strerror}") from None
    return target


def html(result: Run, ledger: Ledger) -> str:
    """The page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sim.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scenario = result.scenario
    baseline = run(baseline_of(scenario), ledger)
    different = _compared(result, baseline, ledger)
    return environment.get_template("page.html.j2").render(
        scenario=scenario,
        run=result,
        story=[ledger.text(fact) for fact in scenario.story.evidence],
        columns=[*scenario.power_codes, ALL],
        summary=list(_summary(result)),
        pictures=[*_pictures(result), *_forest(different)],
        expected=[_expected(found) for found in _findings(result, baseline)],
        differences=list(_differences(different)),
        factor=number(different.variance_factor(), 2) if different else "",
        numbers=[_number(row, ledger) for row in provenance(scenario, ledger)],
        facts={name: ledger.text(name) for name in _cited(result, ledger)},
        limits=limits(),
        command=command(result),
        changed=changes_since(origin_of(result), ledger),
        manifest=json.dumps(_shown(result.manifest), indent=1, ensure_ascii=False),
    )


def limits() -> list[str]:
    """Limits that every result is printed with, from the model document."""
    text = (Path(__file__).parents[1] / "MODEL.md").read_text(encoding="utf-8")
    found = _LIMITS.search(text)
    assert found is not None
    lines = re.split(r"^\* ", found[1], flags=re.MULTILINE)[1:]
    return [" ".join(line.split()).replace("**", "") for line in lines]


def command(result: Run) -> str:
    """Command that computes the run again, as far as it is known."""
    words = result.manifest.get("request")
    if words is None:
        return f"sim.run(sim.open_run({str(result.folder or result.name)!r}).scenario)"
    return shlex.join(["multivector", "run", *words])


def _summary(result: Run) -> Iterator[tuple[str, str, dict[str, Cell]]]:
    """State, quantity with its time and unit, and median with interval by power."""
    if not set(SUMMARISED) <= set(result.data):
        return
    rows = summary(result.data, result.final).table()
    groups: Any = rows.groupby(["state", "quantity", "unit"], sort=False)
    for (state, quantity, unit), group in groups:
        cells = {
            str(power): Cell(f"{number(median)} ({number(low)} to {number(high)})", float(median))
            for power, median, low, high in group[["power", "median", "low", "high"]].itertuples(
                index=False
            )
        }
        yield str(state), f"{quantity.replace('_', ' ')} {SPANS[quantity]}, {unit}", cells


def _pictures(result: Run) -> Iterator[Picture]:
    for name in drawable(result.data):
        yield Picture(name, CAPTIONS[name], _inline(FIGURES[name](result.data, result.final)))


def _forest(different: Comparison | None) -> Iterator[Picture]:
    if different is not None and not different.identical:
        first = str(different.rows["outcome"].iloc[0])
        caption = f"Differences in {first} from the baseline, replicate by replicate."
        yield Picture("differences", caption, _inline(figure_of(differences(different))))


def _inline(figure: Figure) -> str:
    """Figure as an address that holds all of it."""
    stream = BytesIO()
    write(figure, stream, "svg")
    return f"data:image/svg+xml;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _compared(result: Run, baseline: Run, ledger: Ledger) -> Comparison | None:
    """Differences from the baseline; None where the run kept nothing that is compared."""
    try:
        return compare(result, baseline, ledger=ledger)
    except InputError:
        return None


def _findings(result: Run, baseline: Run) -> list[Finding]:
    try:
        return findings(result.scenario, result.data, baseline.data)
    except InputError:
        return []


def _expected(found: Finding) -> dict[str, Any]:
    expected = found.expected
    return {
        "outcome": " ".join((expected.outcome, *expected.select.values())),
        "sign": expected.sign.value,
        "reason": expected.reason,
        "agreeing": Cell(percent(found.agreeing), found.agreeing),
        "holds": found.holds,
        "median": Cell(f"{signed(found.median)} {found.unit}", float(found.median)),
        "contested": expected.contested,
    }


def _differences(different: Comparison | None) -> Iterator[dict[str, Any]]:
    """Largest differences against their spread, the surest first."""
    if different is None:
        return
    rows = different.table()
    width = (rows["high"] - rows["low"]).where(lambda gap: gap > 0)
    order = (rows["difference"].abs() / width).sort_values(ascending=False, kind="stable")
    for place in order.dropna().head(DIFFERENT).index:
        row = rows.loc[place]
        yield {
            "measure": row["measure"],
            "unit": row["unit"],
            "difference": Cell(signed(row["difference"]), float(row["difference"])),
            "interval": f"{signed(row['low'])} to {signed(row['high'])}",
            "same_sign": percent(row["same_sign"]),
            "factor": number(row["variance_factor"], 2),
        }


def _number(row: Provenance, ledger: Ledger) -> dict[str, Any]:
    fixed = row.low == row.high
    return {
        "name": row.name,
        "value": Cell(f"{row.value:.6g}", row.value),
        "range": "fixed" if fixed else f"{row.low:.4g} to {row.high:.4g}",
        "unit": row.unit,
        "facts": row.facts,
        "assumption": row.assumption,
        "user": row.set_by_user,
        "conflicts": [
            f"{other}: {ledger.fact(other).figure}"
            for fact in row.facts
            for other in ledger.fact(fact).conflicts
        ],
    }


def _cited(result: Run, ledger: Ledger) -> list[str]:
    """Facts behind the numbers, and those that conflict with them."""
    used = {fact for row in provenance(result.scenario, ledger) for fact in row.facts}
    others = {other for fact in used for other in ledger.fact(fact).conflicts}
    return sorted(used | others)


def _shown(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Manifest without what stands elsewhere on the page."""
    return {key: part for key, part in manifest.items() if key not in ("scenario", "evidence")}
