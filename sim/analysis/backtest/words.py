"""A back-test as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sim.analysis.backtest.forecast import PERSISTENCE, SPREAD
from sim.analysis.backtest.result import FIRST, HELD_BACK, REACHES, TUNING, Backtest

if TYPE_CHECKING:
    import pandas as pd

SHOWN: Final = ("trade known", "full known", "trade extrapolated", "full extrapolated")
"""Forecasts whose skill is printed for all states together; the data hold all."""
LEGEND: Final = """\
'trade' is trade, institutions and corridors, 'full' the whole model, 'gravity' output alone.
'known' forecasts are told output, memberships and sanctions of the years ahead, 'extrapolated'
ones nothing. The energy score is the distance of an ensemble from what came, less half that of
its members from one another, in log-ratios of all shares at once. Intervals of 90 % are by states
and origins drawn again; they are too narrow, since origins overlap and states share their years."""
"""What the names and numbers below mean."""
OTHERS: Final = ("random walk", "damped trend", "gravity known")
"""Rivals beside the two kinds of persistence."""
BY_STATE: Final = ("trade known", "trade extrapolated")
"""Those whose skill is printed state by state."""


def leading(result: Backtest) -> str:
    """Forecast that single tables and figures are about."""
    names = [name for name in SHOWN if name in result.models]
    return FIRST if FIRST in names or not names else names[0]


def text_of(result: Backtest) -> str:
    """Scores by horizon, skill by state, reach, partner and quality, coverage, and acceptance."""
    parts = [result.heading, LEGEND]
    for period in (TUNING, HELD_BACK):
        if (result.cells()["period"] == period).any():
            parts += _period(result, period)
    parts += [_block("What has to be known of the data", "\n".join(result.notes or ["Nothing."]))]
    return "\n\n".join(parts)


def _period(result: Backtest, period: str) -> list[str]:
    """Tables of the years forecast in a period."""
    shown = [name for name in SHOWN if name in result.models]
    first = leading(result)
    models = result.data["model"].values.tolist()
    energy = result.cells()
    energy = energy[energy["period"] == period]
    by_horizon = energy.pivot_table(index="model", columns="horizon", values="score", sort=False)
    density = result.cells("log_density")
    density = density[density["period"] == period]
    by_horizon["log density"] = density.groupby("model")["score"].mean()
    names = {reference: f"against {reference}" for reference in (PERSISTENCE, SPREAD)}
    by_state = _wide(result, period, "state", [n for n in BY_STATE if n in shown] or shown, names)
    rivals = {name: f"against {name}" for name in (*names, *OTHERS) if name in models}
    together = _wide(result, period, None, shown, rivals)
    accepted = result.acceptance(first, period)
    accepted["met"] = accepted["met"].map({True: "yes", False: "NO"})
    groups = {
        "partner (CRPS)": _wide(result, period, "partner", [first], names),
        "worst quality of the year forecast": _wide(result, period, "quality", [first], names),
        "basis of the year forecast and of the origin": _wide(
            result, period, "basis", [first], names
        ),
    }
    return [
        f"# Years forecast {period}",
        _block(
            "Mean energy score by horizon in years, the smaller the better, and mean log density",
            by_horizon.round(3).to_string(na_rep=""),
        ),
        _block(
            "Skill (1 - score / score of the reference, %) by horizon in years",
            together.to_string(index=False, na_rep=""),
        ),
        _block(
            "Skill by state and horizon, %",
            by_state.to_string(index=False, na_rep=""),
        ),
        *(
            _block(f"Skill of '{first}' by {name}, %", table.to_string(index=False, na_rep=""))
            for name, table in groups.items()
        ),
        _block(
            "Share of what happened within intervals of 50 and 90 %, %",
            _coverage(result, period).to_string(),
        ),
        _block(f"Asked of '{first}' beforehand", accepted.to_string(index=False)),
    ]


def _wide(
    result: Backtest,
    period: str,
    group: str | None,
    models: Sequence[str],
    references: Mapping[str, str],
) -> pd.DataFrame:
    """Skill in per cent, a column for each reach, with intervals over all horizons."""
    groups = ["period", *([group] if group else [])]
    table = result.skill([*groups, "reach"], models=models, references=list(references))
    keys = ["model", "reference", *groups[1:]]
    reaches = [reach for reach in REACHES if reach in set(table["reach"])]
    wide = (100 * table[table["period"] == period].set_index([*keys, "reach"])["skill"]).unstack()
    whole = result.skill(groups, models=models, references=list(references))
    whole = whole[whole["period"] == period].set_index(keys)
    wide = wide.reindex(whole.index)[[r for r in reaches if r in wide]].round(0)
    wide["all"] = [
        _with_interval(row["skill"], row["low"], row["high"]) for _, row in whole.iterrows()
    ]
    wide["forecasts"] = whole["forecasts"]
    return wide.reset_index().astype({"forecasts": int})


def _with_interval(skill: float, low: float, high: float) -> str:
    """In per cent; without an interval where there are too few blocks for one."""
    interval = "" if math.isnan(low) else f" ({100 * low:.0f} … {100 * high:.0f})"
    return f"{100 * skill:.0f}{interval}"


def _coverage(result: Backtest, period: str) -> pd.DataFrame:
    import pandas as pd

    table = result.coverage(("period", "reach"))
    table = table[table["period"] == period].set_index(["model", "reach"])
    columns = {
        f"{level} % at {reach}": 100 * table[f"inside{level}"].xs(reach, level="reach")
        for level in (50, 90)
        for reach in REACHES
        if reach in table.index.get_level_values("reach")
    }
    return pd.DataFrame(columns).round(0)


def _block(title: str, body: str) -> str:
    return f"{title}\n{body}"
