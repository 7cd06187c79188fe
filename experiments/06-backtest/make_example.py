"""Make the invented data behind ``multivector backtest example``.

    python experiments/06-backtest/make_example.py

Output and memberships are made up here; the model makes the trade, with the numbers of
``mechanism=calibrated_trade`` at their central values and trends that do not fade. Nothing in these
files is a report on any state.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sim.analysis.backtest.rehearsal import invent
from sim.backtesting import BASE, EXAMPLE_FOLDER, PAST
from sim.compose import load_scenario
from sim.history import read_history

FIRST, LAST = 1994, 2014
SEED = 1994
STATES = {"KAZ": 20.0, "KGZ": 2.0, "TJK": 1.5, "TKM": 4.0, "UZB": 12.0}
"""Output of the first year, USD bn."""
SHARES = {"RUS": 0.40, "CHN": 0.08, "EU27": 0.22}
"""In the trade of every state in the first year; the rest is that of the rest of the world."""
OPENNESS = 0.6
"""Trade of the first year over output."""
ECONOMIES = {
    "RUS": (400.0, 0.08),
    "CHN": (600.0, 0.14),
    "EU27": (8000.0, 0.04),
    "WLD": (28000.0, 0.05),
}
"""Output of the first year, USD bn, and mean growth."""
GROWTH, NOISE = 0.08, 0.05
"""Of the states' output, and spread of growth from year to year, 1/yr."""
UNION = {"KAZ": "2010-01-01"}
"""Members of the customs union."""

Row = Mapping[str, object]


def main() -> None:
    """Write the three files."""
    generator = np.random.default_rng(SEED)
    output = list(outputs(generator))
    members = [membership(state, "Customs Union RUS-BLR-KAZ", day) for state, day in UNION.items()]
    members += [membership(state, "CIS", "1991-12-21") for state in STATES]
    with TemporaryDirectory() as folder:
        still = {(s, y): size * OPENNESS for s, size in STATES.items() for y in years()}
        flat = {
            key: {p: share * total for p, share in SHARES.items()} | {"WORLD": total}
            for key, total in still.items()
        }
        put(Path(folder), output, members, flat)
        history = read_history(folder)
    base = load_scenario(
        BASE,
        *PAST,
        "mechanism=calibrated_trade",
        "uncertainty=none",
        "rules.trade.trend_half_life.value=.inf",
    )
    trade = invent(base, history, FIRST, LAST, 1, SEED).trade[0]  # (year, state, partner)
    made = {}
    for number, state in enumerate(STATES):
        for year in years():
            amounts = trade[year - FIRST, number]
            named = dict(zip(SHARES, amounts.tolist(), strict=False))
            made[state, year] = named | {"WORLD": float(amounts.sum())}
    put(EXAMPLE_FOLDER, output, members, made)


def years() -> range:
    """Of trade."""
    return range(FIRST, LAST + 1)


def outputs(generator: np.random.Generator) -> Iterable[Row]:
    """Output of every economy, a year longer than trade on both sides."""
    means = {state: (size, GROWTH) for state, size in STATES.items()} | ECONOMIES
    for economy, (size, growth) in means.items():
        for year in range(FIRST - 1, LAST + 2):
            yield {
                "iso3": economy,
                "year": year,
                "population": 1_000_000,
                "gdp_current_usd": f"{size * 1e9:.0f}",
                "gdp_const2015_usd_chained": f"{size * 1e9:.0f}",
            }
            size *= float(np.exp(growth + NOISE * generator.standard_normal()))


def membership(state: str, organisation: str, day: str) -> Row:
    """A membership that lasts."""
    return {
        "state_iso3": state,
        "organisation": organisation,
        "status": "member",
        "from_year": day[:4],
        "to_year": "",
        "from_date": day,
        "to_date": "",
        "verification": "invented",
        "note": "",
    }


def put(
    folder: Path,
    output: list[Row],
    members: list[Row],
    trade: Mapping[tuple[str, int], Mapping[str, float]],
) -> None:
    """Write the files of a folder; trade by state, year and partner, USD bn."""
    rows = []
    for (state, year), amounts in trade.items():
        for partner, amount in amounts.items():
            half = round(amount * 1000 / 2, 3)
            rows.append(
                {
                    "year": year,
                    "reporter_iso3": state,
                    "partner": partner,
                    "exports_usd_m": f"{half:.3f}",
                    "imports_usd_m": f"{half:.3f}",
                    "total_usd_m": f"{2 * half:.3f}",
                    "share_of_total_pct": f"{100 * amount / amounts['WORLD']:.3f}",
                    "source_exports": "invented",
                    "source_imports": "invented",
                    "quality": "A",
                    "basis": "total" if partner == "WORLD" else "national",
                }
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (("trade", rows), ("gdp_population", output), ("memberships", members)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, lines[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)


if __name__ == "__main__":
    main()
