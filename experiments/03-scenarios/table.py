"""Expected signs of all scenarios against paired runs, as a table in Markdown.

python experiments/03-scenarios/table.py 1000
"""

from __future__ import annotations

import sys
from typing import Final

import sim
from sim.analysis.expectations import Finding, findings
from sim.scenario import Sign

BASELINE: Final = "strategic_balance"
SEED: Final = 1
HEAD: Final = (
    "| scenario | expectation | outcome | sign | agree | holds | median (5 to 95 %) | unit |",
    "|---|---|---|---|---|---|---|---|",
)
_SMALLEST: Final = 1e-4
"""Differences below it are printed as 0."""


def table(replicates: int) -> list[str]:
    """Lines of the table.

    Parameters
    ----------
    replicates : of each run; all have the same seed.
    """
    baseline = sim.run(sim.load_scenario(BASELINE, replicates=replicates, seed=SEED))
    lines = list(HEAD)
    for name in sorted(set(sim.list_scenarios()) - {BASELINE}):
        scenario = sim.load_scenario(name, replicates=replicates, seed=SEED)
        found = findings(scenario, sim.run(scenario).data, baseline.data)
        lines += [_row(name, finding) for finding in found]
    return lines


def _row(scenario: str, finding: Finding) -> str:
    expected = finding.expected
    what = " ".join([expected.outcome, *expected.select.values()])
    cells = (
        scenario,
        finding.name,
        f"`{what}`",
        "+" if expected.sign is Sign.UP else "−",
        f"{finding.agreeing:.1%}".replace("%", " %"),
        "yes" if finding.holds else "no",
        f"{_number(finding.median)} ({_number(finding.low)} to {_number(finding.high)})",
        finding.unit,
    )
    return f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    if abs(value) < _SMALLEST:
        return "0"
    return f"{value:+.2g}".replace("-", "−")


if __name__ == "__main__":
    print("\n".join(table(int(sys.argv[1]))))
