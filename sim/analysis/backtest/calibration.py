"""A calibration as a result: what it says, applied to a scenario, and written as configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.analysis.backtest.calibrate import (
    VOLATILITY,
    Posterior,
    Prior,
    prior,
    reported_changes,
    update,
)
from sim.analysis.backtest.files import put
from sim.analysis.backtest.numbers import TRIANGLE, given, rounded, spread
from sim.axes import STATES
from sim.code import code_digest, versions
from sim.errors import InputError
from sim.history import History
from sim.quantity import Draw, Quantity
from sim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

DRAWS: Final = 2**14
"""Draws from the prior."""
KEPT: Final = 4000
"""Draws from the posterior."""
LEARNT: Final = 0.9
"""A number counts as learnt where its spread is below this part of that before."""
TREND: Final = "rules.trade.trend"
INFORMED: Final = (TREND, VOLATILITY)
"""Quantities that a calibration puts in; yearly changes of shares say nothing on the others."""
LEAST_VOLATILITY: Final = 0.01
"""Lower end of a range of volatility, 1/sqrt(yr)."""
FADING: Final = (3.0, 5.0, 10.0)
"""Half-life of trends after the training years, years: low, mode, high."""
WHY_FADING: Final = (
    "trends of the past seldom last, so that forecasts with damped trends do better than with "
    "straight ones (Gardner and McKenzie 1985); on the years after the cut any half-life from 3 "
    "years to none scores the same within 2 percent"
)
MECHANISM: Final = "fitted_trade"
"""File of a configuration folder that holds a calibration; that of the program has another name."""


@dataclass(frozen=True)
class Calibration:
    """What the years up to a cut say about the numbers of trade.

    Attributes
    ----------
    known, posterior : draws before and after.
    first, last : training years. states : of which there are volatilities.
    history : hash of the data. years_read : last year that was read of any file.
    code, version, day : of the program, and when it was made.
    prefix : of the names of its facts; those of the program begin with ``cal``.
    """

    known: Prior
    posterior: Posterior
    first: int
    last: int
    history: str
    years_read: int
    code: str
    version: str
    day: str
    prefix: str = "fit"

    @property
    def label(self) -> str:
        """Short name that changes with data and years."""
        return f"{self.prefix}-{self.history[:8]}-{self.first}-{self.last}"

    def table(self) -> pd.DataFrame:
        """One row for each number.

        Returns
        -------
        Columns ``name, prior_mean, prior_sd, mean, sd, low, high`` (5 and 95 % of the posterior)
        and ``learnt``: sd as part of that before; the volatilities have no sd before, as they are
        summed out on a grid.
        """
        import pandas as pd

        rows = []
        for name, draws in zip(self.posterior.names, self.posterior.values, strict=True):
            before = {"prior_mean": np.nan, "prior_sd": np.nan, "learnt": np.nan}
            if name in self.known.names:
                drawn = self.known.values[self.known.names.index(name)]
                before = {"prior_mean": drawn.mean(), "prior_sd": drawn.std()}
                before["learnt"] = draws.std() / drawn.std()
            low, high = np.quantile(draws, (0.05, 0.95))
            rows.append(
                {
                    "name": name,
                    **before,
                    "mean": draws.mean(),
                    "sd": draws.std(),
                    "low": low,
                    "high": high,
                }
            )
        columns = ["name", "prior_mean", "prior_sd", "mean", "sd", "low", "high", "learnt"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def correlation(self) -> float:
        """Largest correlation between two numbers put in; runs draw them independently."""
        places = [n for n, name in enumerate(self.posterior.names) if _put_in(name)]
        found = np.corrcoef(self.posterior.values[places])
        return float(np.abs(found - np.eye(len(places))).max())

    def text(self) -> str:
        """For a terminal: the numbers before and after, and how much they rest on."""
        changes = ", ".join(
            f"{state} {number}"
            for state, number in zip(self.known.states, self.posterior.changes, strict=True)
        )
        learnt = self.table().set_index("name")["learnt"]
        vain = [name for name, part in learnt.items() if part > LEARNT]
        return "\n".join(
            [
                f"Calibrated on {self.first}–{self.last}: changes of shares used {changes}; "
                f"{self.posterior.effective:.0f} effective of {self.known.values.shape[1]} draws; "
                f"largest correlation {self.correlation:.2f}",
                "",
                self.table().round(3).to_string(index=False, na_rep=""),
                "",
                f"These years say nothing on {', '.join(map(str, vain))}." if vain else "",
            ]
        )

    def apply(self, scenario: Scenario) -> Scenario:
        """The scenario with the posterior in place of the ranges of ``INFORMED``."""
        rules, trade = scenario.rules, scenario.rules.trade
        fitted = replace(
            trade,
            trend=self._quantity(trade.trend),
            trend_half_life=fading(trade.trend_half_life),
            volatility=self._quantity(trade.volatility),
        )
        return replace(scenario, rules=replace(rules, trade=fitted))

    def write(self, folder: Path, name: str = MECHANISM) -> None:
        """Write a configuration folder: the mechanism, and the facts that it rests on.

        Parameters
        ----------
        name : of the mechanism, ``calibrated_trade`` for that of the program.
        """
        put(folder / "evidence" / "sources" / "calibration.yaml", "", {self.label: self._source()})
        put(folder / "evidence" / "facts" / "calibration.yaml", "", dict(self._facts()))
        heading = (
            f"# @package _global_\n# multivector run mechanism={name}\n"
            f"# Trade with trends and shocks (E27c, O13), fitted to the years {self.first} to "
            f"{self.last}.\n"
        )
        tree = {"rules": {"trade": dict(self._entries())}}
        put(folder / "mechanism" / f"{name}.yaml", heading, tree)

    def _moments(self, path: str) -> tuple[dict[str, float], dict[str, float]]:
        """Mean and standard deviation by entry."""
        means, deviations = {}, {}
        for name, draws in zip(self.posterior.names, self.posterior.values, strict=True):
            if name.rpartition(".")[0] == path:
                entry = name[len(path) + 1 :]
                means[entry], deviations[entry] = float(draws.mean()), float(draws.std())
        return means, deviations

    def _quantity(self, quantity: Quantity) -> Quantity:
        """Drawn from triangles with the mean and spread of the posterior."""
        means, deviations = self._moments(quantity.path)
        for entry in quantity.entries:  # what was not drawn stays: the rest of the world
            means.setdefault(entry, quantity.of(entry))
            deviations.setdefault(entry, 0.0)
        found = spread(quantity, means, deviations)
        ends = zip(found.low, found.value, strict=True)
        clipped = (_clipped(quantity.path, low) if value else low for low, value in ends)
        return replace(found, low=tuple(clipped))

    def _source(self) -> dict[str, str]:
        return {
            "title": f"Calibration of trade on the years {self.first} to {self.last}",
            "outlet": "Multivector",
            "date": self.day,
            "type": "calibration",
            "voices": "Bayesian importance sampling by multivector backtest --calibrate",
            "reliability": "B",
            "note": (
                f"Data {self.history}, of which no year after {self.years_read} was read; code "
                f"{self.code}, version {self.version}; {self.posterior.effective:.0f} effective "
                f"draws; changes of shares: "
                + ", ".join(
                    f"{s} {n}"
                    for s, n in zip(self.known.states, self.posterior.changes, strict=True)
                )
                + f". Largest correlation between two of its numbers {self.correlation:.2f}."
            ),
        }

    def _facts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        table = self.table().set_index("name")
        for name, row in table.iterrows():
            if not _put_in(str(name)):
                continue
            before = (
                ""
                if np.isnan(row["prior_mean"])
                else (f" Before: {row['prior_mean']:.3g} with a spread of {row['prior_sd']:.3g}.")
            )
            yield (
                self._id(str(name)),
                {
                    "quantity": f"{name}, posterior mean with its 90 % interval",
                    "value": rounded(row["mean"]),
                    "unit": _unit(str(name)),
                    "kind": "coefficient",
                    "bound": "equal",
                    "period": f"{self.first}-{self.last}",
                    "subject": "trade of Central Asian states",
                    "speaker": "Multivector",
                    "citations": {self.label: f"posterior of {name}"},
                    "reliability": "B",
                    "paraphrase": (
                        f"Changes of trade shares from year to year are fitted best around "
                        f"{row['mean']:.3g}, with a spread of {row['sd']:.3g}.{before}"
                    ),
                    "low": rounded(row["low"]),
                    "high": rounded(row["high"]),
                },
            )

    def _entries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Quantities of the mechanism: triangles with the mean and spread of the posterior."""
        for path in INFORMED:
            means, deviations = self._moments(path)
            entry: dict[str, Any] = {}
            for key, sign in (("value", 0.0), ("low", -TRIANGLE), ("high", TRIANGLE)):
                ends = {e: means[e] + sign * deviations[e] for e in means}
                entry[key] = {e: rounded(_clipped(path, end)) for e, end in ends.items()}
                if path == TREND:
                    entry[key]["row"] = 0
                else:  # states without data
                    entry[key] |= {s: 0 for s in STATES if s not in means}
            entry["draw"] = "triangular"
            entry["evidence"] = {e: [self._id(f"{path}.{e}")] for e in means}
            entry["assumption"] = (
                "triangle with the mean and spread of the posterior; drawn independently of the "
                "other numbers of the calibration"
            )
            yield path.rsplit(".", 1)[1], entry
        low, mode, high = FADING
        numbers = {"value": mode, "low": low, "high": high}
        yield "trend_half_life", {**numbers, "draw": "triangular", "assumption": WHY_FADING}

    def _id(self, name: str) -> str:
        short = name.removeprefix("rules.trade.").replace("_", "-").replace(".", "-")
        return f"{self.label}-{short}"


def fading(half_life: Quantity) -> Quantity:
    """The half-life of trends that were found in the past."""
    low, mode, high = FADING
    return replace(given(half_life, mode), low=(low,), high=(high,), draw=Draw.TRIANGULAR)


def calibrate(
    base: Scenario, history: History, first: int, last: int, draws: int = DRAWS, seed: int = 1
) -> Calibration:
    """Fit the numbers of trade to the years up to a cut.

    Parameters
    ----------
    base : with the ranges before: ``mechanism=uncalibrated_trade``.
    history : read with ``until=last``, so that nothing after it can have a part.

    Raises
    ------
    InputError
        The history reaches beyond the cut, or does not do for a calibration.
    """
    read = max(max(years, default=0) for years in history.years_read.values())
    if read > last:
        raise InputError(f"calibration: the data were read up to {read}, beyond the cut {last}")
    known = prior(base, history, first, last, draws, seed)
    posterior = update(known, reported_changes(history, known), KEPT, seed)
    return Calibration(
        known=known,
        posterior=posterior,
        first=first,
        last=last,
        history=history.digest,
        years_read=read,
        code=code_digest(),
        version=versions()["multivector"],
        day=date.today().isoformat(),
    )


def _clipped(path: str, end: float) -> float:
    """End of a range; a volatility stays above 0."""
    return max(end, LEAST_VOLATILITY) if path == VOLATILITY else end


def _put_in(name: str) -> bool:
    """Whether a number is one of a quantity that a calibration puts in."""
    return name.rpartition(".")[0] in INFORMED


def _unit(name: str) -> str:
    return "1/sqrt(yr)" if name.startswith(VOLATILITY) else "1/yr"
