"""Sensitivity of Uzbekistan's hedging, and all conclusions without each document.

python experiments/04-why/run.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import sim
from sim import plots
from sim.plots.figures import figure_of, save

SEED: Final = 7
REPLICATES: Final = 1000
QUESTION: Final = "hedging_index.UZ"
MECHANISMS: Final = ("no_hedging", "no_lock_in", "no_learning", "static_powers")


def main(folder: Path) -> None:
    """Write figures and texts to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    scenarios = [
        sim.load_scenario(name, replicates=REPLICATES, seed=SEED) for name in sim.list_scenarios()
    ]
    baseline = next(scenario for scenario in scenarios if scenario.name == "strategic_balance")
    theories = sim.mechanisms(baseline, *MECHANISMS)
    found = sim.sensitivity(baseline, QUESTION, theories=theories)
    (folder / "sensitivity.txt").write_text(found.text() + "\n", encoding="utf-8")
    save(figure_of(plots.sensitivity(found)), folder / "sensitivity.png")
    left = sim.leave_one_out(scenarios)
    (folder / "documents.txt").write_text(left.text() + "\n", encoding="utf-8")
    save(figure_of(plots.documents(left)), folder / "documents.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
