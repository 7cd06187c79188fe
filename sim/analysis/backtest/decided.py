"""What decisions say about the pick shares behind the constants of choice, as a variant."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from sim.analysis.backtest.choices import RATES, SHIFTED, SIGNED, Choices
from sim.analysis.backtest.files import put
from sim.analysis.backtest.numbers import rounded
from sim.history.decisions import NOBODY
from sim.scenario import Scenario

MECHANISM: Final = "decided_shares"
"""File of ``configs/mechanism`` that holds the variant."""
CONCENTRATION: Final = 50
"""Of the Dirichlet draws, as that of the judged shares."""
DECIMALS: Final = 3
"""Of a share."""


def decided_shares(choices: Choices, scenario: Scenario) -> dict[str, dict[str, float]]:
    """Target shares with the odds between powers shifted as decisions say, by domain and option.

    The share of nobody stays: coded decisions do not say how often a half-year passes without one.
    """
    found = {}
    for domain, quantity in scenario.rules.choice.target_shares.items():
        powers = [entry for entry in quantity.entries if entry != NOBODY]
        shifted = np.array([quantity.of(p) * np.exp(choices.shifts[p.upper()]) for p in powers])
        nobody = quantity.of(NOBODY)
        shares = np.round((1 - nobody) * shifted / shifted.sum(), DECIMALS).tolist()
        first = round(1 - nobody - sum(shares[1:]), DECIMALS)
        found[domain] = {NOBODY: nobody} | dict(zip(powers, [first, *shares[1:]], strict=True))
    return found


def text_of(choices: Choices) -> str:
    """Scores on all decisions and on those with rivals, and what the shifts bring."""
    parts = []
    for title, rivals_only in (("all", False), ("those with rival powers", True)):
        if rivals_only and not choices.rivals.any():
            continue
        table = choices.table(RATES, rivals_only)
        parts += [
            f"Choice rule on {table['decisions'].iloc[0]} dated decisions, {title}: log score "
            "(nats) and Brier score, the smaller the better, and gain over base rates",
            table.drop(columns="decisions").round(3).to_string(index=False),
            "",
        ]
    gain = choices.table(SIGNED).set_index("forecaster").loc[SHIFTED]
    shifts = ", ".join(f"{power} {shift:+.2f}" for power, shift in choices.shifts.items())
    parts.append(
        f"All powers against nobody {choices.signing:+.2f} log-odds; besides {shifts}. The latter "
        f"gain {gain['better']:+.3f} nats a decision ({gain['better_low']:+.3f} … "
        f"{gain['better_high']:+.3f}), each time without the decision forecast."
    )
    if choices.left_out:
        parts.append(f"Left out, of other states or powers: {', '.join(choices.left_out)}")
    return "\n".join(parts)


def write(choices: Choices, scenario: Scenario, folder: Path, day: str) -> None:
    """Write the variant as a configuration folder, with the facts that it rests on."""
    label = f"decisions-{len(choices.decisions)}"
    gain = choices.table(SIGNED).set_index("forecaster").loc[SHIFTED]
    source = {
        "title": f"Choice constants fitted to {len(choices.decisions)} dated decisions",
        "outlet": "Multivector",
        "date": day,
        "type": "calibration",
        "voices": "maximum a posteriori by multivector backtest",
        "reliability": "C",
        "note": (
            f"Table of decisions of the program. Gain {gain['better']:.3f} nats a decision, "
            f"{gain['better_low']:.3f} to {gain['better_high']:.3f} (90 %)."
        ),
    }
    years = [decision.year for decision in choices.decisions]
    facts = {
        f"{label}-{power.lower()}": {
            "quantity": f"shift of the constants of choice of {power} besides that of all powers",
            "value": rounded(choices.shifts[power]),
            "unit": "log-odds",
            "kind": "coefficient",
            "bound": "equal",
            "period": f"{min(years)}-{max(years)}",
            "subject": f"picks of {power} by Central Asian states",
            "speaker": "Multivector",
            "citations": {label: f"shift of {power}"},
            "reliability": "C",
            "paraphrase": f"Decisions on record shift the odds of {power} by this much.",
        }
        for power in choices.shifts
        if power.lower() in next(iter(scenario.rules.choice.target_shares.values())).entries
    }
    shares = {
        domain: {
            "value": values,
            "draw": "dirichlet",
            "concentration": CONCENTRATION,
            "evidence": {p: [f"{label}-{p}"] for p in values if p != NOBODY},
            "assumption": "judged shares with the odds between powers shifted as decisions on "
            "record say; the share of nobody as judged",
        }
        for domain, values in decided_shares(choices, scenario).items()
    }
    heading = (
        f"# @package _global_\n# multivector run mechanism={MECHANISM}\n"
        "# Pick shares of the first half-year between powers after decisions on record (E8).\n"
    )
    put(folder / "evidence" / "sources" / "decisions.yaml", "", {label: source})
    put(folder / "evidence" / "facts" / "decisions.yaml", "", facts)
    tree = {"rules": {"choice": {"target_shares": shares}}}
    put(folder / "mechanism" / f"{MECHANISM}.yaml", heading, tree)
