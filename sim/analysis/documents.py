"""Leave one document out: which conclusions change without it.

Everything is run again with the same random numbers, baseline and choice constants included, on the
scenarios as they would stand without the document (``sim.analysis.withheld``).

Conclusions are the signs that a scenario's story expects of its difference from the baseline (held
if nine of ten replicates agree), and of the baseline who is each state's first partner in most
replicates and how the states rank by hedging and the powers by influence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tqdm import tqdm

from sim.analysis.compare import baseline_of
from sim.analysis.expectations import Finding, findings
from sim.analysis.given import whole
from sim.analysis.origin import Result, origin_of
from sim.analysis.withheld import without
from sim.analysis.words import align, percent
from sim.ensemble import simulate
from sim.errors import InputError
from sim.evidence import Ledger, load_ledger
from sim.plain import digest
from sim.recorder import derive
from sim.scenario import Scenario, quantities
from sim.store import Run, labelled
from sim.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd
    import xarray

MOST: Final = 0.5
"""Share of the replicates that most are more than."""
NOBODY_FIRST: Final = "nobody is first in most replicates"
DOCUMENTS: Final = 8
"""Documents that are left out if none is named: those on which most numbers rest."""
DELAY: Final = 1.0
"""Seconds before a progress bar shows."""
_RANKED: Final = ("alignment", "hedging_index", "influence")
"""Outcomes behind the conclusions on the baseline."""


@dataclass(frozen=True)
class Conclusion:
    """One statement and how sure it is.

    Attributes
    ----------
    about : what it is about, such as ``gateway_delivers: eu_trade``.
    says : the statement. agreeing : share of the replicates that agree with it.
    """

    about: str
    says: str
    agreeing: float


@dataclass(frozen=True)
class LeaveOneOut:
    """What changes without each of some documents.

    Attributes
    ----------
    whole : conclusions from all documents.
    rows : what ``table`` returns.
    documents : one row a document: ``document`` (id), ``title``, ``numbers`` that rest on it,
        ``lost`` (those that rest on nothing else), ``changed`` (conclusions) and ``failed`` (why it
        could not be run, else empty).
    replicates : of each run.
    """

    whole: tuple[Conclusion, ...]
    rows: pd.DataFrame
    documents: pd.DataFrame
    replicates: int

    def table(self) -> pd.DataFrame:
        """Conclusions that change, one row a document and conclusion.

        Returns
        -------
        Columns ``document, about, before, after`` (what is said with and without it) and
        ``agreeing_before, agreeing_after`` (share of the replicates).
        """
        return self.rows.copy()

    def text(self) -> str:
        """For a terminal."""
        head = ["document", "numbers", "on it alone", "conclusions changed"]
        body = [
            [
                f"{row['title']} [{row['document']}]",
                str(row["numbers"]),
                str(row["lost"]),
                row["failed"] or f"{row['changed']} of {len(self.whole)}",
            ]
            for _, row in self.documents.iterrows()
        ]
        lines = [
            f"Documents left out one at a time ({self.replicates} replicates, "
            f"{len(self.whole)} conclusions):",
            "",
            *align([head, *body], left=1),
        ]
        for name, group in self.rows.groupby("document", sort=False):
            lines += ["", f"Without {name}:"]
            for _, row in group.iterrows():
                lines.append(
                    f"  {row['about']}: {row['after']} ({percent(row['agreeing_after'])}) instead "
                    f"of {row['before']} ({percent(row['agreeing_before'])})"
                )
        return "\n".join(lines)


def leave_one_out(
    scenarios: Result | Sequence[Result],
    *,
    documents: Sequence[str] = (),
    replicates: int | None = None,
    ledger: Ledger | None = None,
) -> LeaveOneOut:
    """Conclusions that change when a document is left out.

    Parameters
    ----------
    scenarios : runs or scenarios whose expected signs count among the conclusions; those of the
        baseline always do.
    documents : ids of sources in the ledger; the eight on which most numbers rest by default.
    replicates : of each run; those of the first scenario by default.
    ledger : the package's own by default.

    Raises
    ------
    InputError
        A document is unknown, or no number rests on it.

    Examples
    --------
    >>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2027H1", replicates=20)
    >>> found = sim.leave_one_out(scenario, documents=["central-asia-russia-second-summit"])
    >>> found.whole[-1].about, found.whole[-1].says
    ('order by influence', 'RU > CN > EU')
    """
    import pandas as pd

    facts = ledger or load_ledger()
    alone = isinstance(scenarios, Run | Sweep | Scenario)
    results: Sequence[Any] = [scenarios] if alone else list(scenarios)  # type: ignore[arg-type]
    if not results:
        raise InputError("scenarios: name at least one")
    if isinstance(documents, str):
        documents = [documents]
    given = [origin_of(result).scenario for result in results]
    count = given[0].replicates if replicates is None else whole("replicates", replicates, 1)
    given = [replace(scenario, replicates=count) for scenario in given]
    resting = _resting(given, facts)
    for name in documents:
        facts.source(name)
        if name not in resting:
            raise InputError(f"document '{name}': no number of these scenarios rests on it")
    chosen = list(documents) or [name for name, _ in resting.most_common(DOCUMENTS)]
    all_said = conclusions(given)
    said = {conclusion.about: conclusion for conclusion in all_said}
    rows: list[dict[str, Any]] = []
    table: list[dict[str, Any]] = []
    for name in tqdm(chosen, unit="document", delay=DELAY, disable=None):
        lost = Counter[str]()
        failed, changed = "", 0
        try:
            found = conclusions([without(s, name, facts, lost) for s in given])
            different = [one for one in found if one.says != said[one.about].says]
            rows += [_row(name, said[one.about], one) for one in different]
            changed = len(different)
        except InputError as error:
            failed = f"cannot be run: {error}"
        table.append(
            {
                "document": name,
                "title": facts.source(name).title,
                "numbers": resting[name],
                "lost": len(lost),
                "changed": changed,
                "failed": failed,
            }
        )
    columns = ("document", "about", "before", "after", "agreeing_before", "agreeing_after")
    return LeaveOneOut(
        whole=tuple(all_said),
        rows=pd.DataFrame(rows, columns=list(columns)),
        documents=pd.DataFrame(table),
        replicates=count,
    )


def conclusions(scenarios: Sequence[Scenario]) -> list[Conclusion]:
    """What is concluded from some scenarios and their common baseline."""
    known: dict[str, xarray.Dataset] = {}
    found: list[Conclusion] = []
    for scenario in scenarios:
        base = baseline_of(scenario)
        wanted = dict.fromkeys(e.outcome for e in scenario.story.expected.values())
        key = digest(base)
        if key not in known:
            every = [e.outcome for s in scenarios for e in s.story.expected.values()]
            data = _run(base, (*_RANKED, *every))
            known[key] = data
            found += _on_baseline(data)
        if wanted and scenario.story.expected:
            data = _run(scenario, tuple(wanted))
            found += [
                _sign(scenario.name, finding) for finding in findings(scenario, data, known[key])
            ]
    return list({conclusion.about: conclusion for conclusion in found}.values())


def _run(scenario: Scenario, outcomes: Sequence[str]) -> xarray.Dataset:
    asked = replace(scenario, outcomes=tuple(dict.fromkeys(outcomes)))
    outcome = derive(*simulate(asked), asked.horizon.step, asked.outcomes)
    return labelled(asked, *outcome)[0]


def _sign(scenario: str, finding: Finding) -> Conclusion:
    expected = finding.expected
    what = " ".join((expected.outcome, *expected.select.values()))
    says = f"{what} goes {expected.sign}" if finding.holds else f"no sure sign of {what}"
    return Conclusion(f"{scenario}: {finding.name}", says, finding.agreeing)


def _on_baseline(data: xarray.Dataset) -> Iterator[Conclusion]:
    """First partners, and the order of states by hedging and of powers by influence."""
    last = data.isel(period=-1)
    powers = [str(code) for code in last["power"].values]
    for state in map(str, last["state"].values):
        aligned = last["alignment"].sel(state=state).transpose("power", "replicate").to_numpy()
        first = (aligned == aligned.max(axis=0)).mean(axis=1)
        best = int(first.argmax())
        says = f"{powers[best]} is first" if first[best] > MOST else NOBODY_FIRST
        yield Conclusion(f"first partner of {state}", says, float(first[best]))
    for outcome, dim in (("hedging_index", "state"), ("influence", "power")):
        values = last[outcome].transpose(dim, "replicate").to_numpy()
        codes = [str(code) for code in last[dim].values]
        order = np.argsort(-np.median(values, axis=1), kind="stable")
        ranked = np.argsort(-values, axis=0, kind="stable")
        same = float((ranked == order[:, np.newaxis]).all(axis=0).mean())
        says = " > ".join(codes[place] for place in order)
        yield Conclusion(f"order by {outcome}", says, same)


def _row(document: str, before: Conclusion, after: Conclusion) -> dict[str, Any]:
    return {
        "document": document,
        "about": after.about,
        "before": before.says,
        "after": after.says,
        "agreeing_before": before.agreeing,
        "agreeing_after": after.agreeing,
    }


def _resting(scenarios: Sequence[Scenario], ledger: Ledger) -> Counter[str]:
    """How many numbers rest on each source."""
    numbers: dict[str, set[str]] = {}
    for scenario in scenarios:
        for quantity in quantities(scenario):
            for entry in set(quantity.entries) - quantity.user_set:
                for fact in quantity.facts(entry):
                    for citation in ledger.fact(fact).citations:
                        numbers.setdefault(citation.source, set()).add(quantity.name(entry))
    return Counter({source: len(names) for source, names in numbers.items()})
