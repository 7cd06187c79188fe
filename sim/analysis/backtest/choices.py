"""The rule of choice scored on dated decisions, against base rates.

The model gives the odds of the options that were on the table as it would in the first half-year of
its baseline: what each state relied on, was offered and believed in the year of a decision is not
in the data. Only options on the table count, so that single offers test signing against not
signing, and only tables with rivals test whom a state picks.

Coded decisions are those in which something came about; half-years in which nothing did are in no
table. One shift of all powers against nobody takes that in, and one more for each power is what
decisions say about the constants alpha (E8). Forecasts that learn from decisions never learn from
the one that they forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from sim.analysis.scores import brier, log_score
from sim.axes import DOMAINS, FloatArray, IntArray
from sim.ensemble import Host
from sim.errors import InputError
from sim.history.decisions import NOBODY, Decision
from sim.scenario import Scenario
from sim.step import advance

if TYPE_CHECKING:
    import pandas as pd

REPLICATES: Final = 500
"""Over whose draws of the numbers the odds are averaged."""
SIGNING: Final = 2.0
"""Standard deviation of the shift of all powers before any decision is seen, log-odds."""
SHIFT: Final = 0.5
"""The same for the further shift of each power."""
RESAMPLES: Final = 4000
"""Bootstrap samples of decisions behind an interval."""
CONFIDENCE: Final = 0.9
EQUAL: Final = "equal odds"
RATES: Final = "base rates"
MODEL: Final = "model"
SIGNED: Final = "model, one shift"
SHIFTED: Final = "model, shift by power"


@dataclass(frozen=True)
class Choices:
    """Odds of the options of each decision by forecaster.

    Attributes
    ----------
    decisions : those scored. left_out : ids of those whose state or powers the scenario lacks.
    odds : by forecaster, (decision, option); 0 for what was not on the table.
    picked : place of the pick, (decision,). options : of the second axis, ``none`` first.
    signing, shifts : of all powers against nobody, and of each power besides, fitted to all
        decisions, log-odds.
    """

    decisions: tuple[Decision, ...]
    left_out: tuple[str, ...]
    odds: Mapping[str, FloatArray]
    picked: IntArray
    options: tuple[str, ...]
    signing: float
    shifts: Mapping[str, float]

    def table(self, reference: str = RATES, rivals_only: bool = False) -> pd.DataFrame:
        """Mean scores over decisions, the smaller the better.

        Parameters
        ----------
        reference : forecaster that the others are compared with.
        rivals_only : only decisions with two powers or more on the table.

        Returns
        -------
        Columns ``forecaster, log_score, low, high`` (nats, with the bootstrap interval of 90 %),
        ``brier``, ``better, better_low, better_high`` (log score of the reference less the own one,
        paired) and ``decisions``, their number.
        """
        import pandas as pd

        rows = self.rivals if rivals_only else np.ones(len(self.decisions), dtype=bool)
        generator = np.random.default_rng(1)
        drawn = generator.integers(rows.sum(), size=(RESAMPLES, rows.sum()))
        against = log_score(self.odds[reference], self.picked)[rows]
        lines = []
        for name, odds in self.odds.items():
            scores = log_score(odds, self.picked)[rows]
            low, high = _interval(scores[drawn].mean(axis=1))
            better = against - scores
            ends = _interval(better[drawn].mean(axis=1))
            lines.append(
                {
                    "forecaster": name,
                    "log_score": scores.mean(),
                    "low": low,
                    "high": high,
                    "brier": brier(odds, self.picked)[rows].mean(),
                    "better": better.mean(),
                    "better_low": ends[0],
                    "better_high": ends[1],
                    "decisions": int(rows.sum()),
                }
            )
        return pd.DataFrame(lines)

    @property
    def rivals(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Decisions with two powers or more on the table, (decision,)."""
        counts = [len(set(decision.options) - {NOBODY}) for decision in self.decisions]
        return np.array(counts) > 1

    def log(self) -> pd.DataFrame:
        """One row for each decision: what was on the table, the pick, and its odds.

        Returns
        -------
        Columns ``id, year, state, domain, options, pick, reliability`` and one a forecaster: the
        probability that it gave to the pick.
        """
        import pandas as pd

        rows = [
            {
                "id": decision.id,
                "year": decision.year,
                "state": decision.state,
                "domain": decision.domain,
                "options": " ".join(decision.options),
                "pick": decision.pick,
                "reliability": decision.reliability,
                **{name: odds[place, self.picked[place]] for name, odds in self.odds.items()},
            }
            for place, decision in enumerate(self.decisions)
        ]
        return pd.DataFrame(rows)


def score_decisions(decisions: Sequence[Decision], scenario: Scenario) -> Choices:
    """Score the choice rule of a scenario on decisions.

    Parameters
    ----------
    scenario : with the powers that were on the table, such as ``powers=five_suitors``; decisions of
        other states or with other powers are left out.

    Raises
    ------
    InputError
        Fewer than two decisions are left.
    """
    powers, states = scenario.power_codes, scenario.state_codes
    usable = [d for d in decisions if d.state in states and set(d.options) <= {NOBODY, *powers}]
    if len(usable) < 2:
        raise InputError(
            f"decisions: {len(usable)} fit the states and powers of the scenario; needs 2"
        )
    options = (NOBODY, *powers)
    offered = np.array([[o in d.options for o in options] for d in usable])
    picked = np.array([options.index(d.pick) for d in usable], dtype=np.int64)
    utility = _utility(usable, scenario)
    alone = np.zeros(len(powers))
    odds = {
        MODEL: _odds(utility, offered, alone),
        SIGNED: _fitted(utility, offered, picked, by_power=False),
        SHIFTED: _fitted(utility, offered, picked, by_power=True),
        RATES: _base_rates(offered, picked),
        EQUAL: offered / offered.sum(axis=1, keepdims=True),
    }
    signing, shifts = fit_shifts(utility, offered, picked)
    return Choices(
        decisions=tuple(usable),
        left_out=tuple(d.id for d in decisions if d not in usable),
        odds=odds,
        picked=picked,
        options=options,
        signing=signing,
        shifts=dict(zip(powers, shifts.tolist(), strict=True)),
    )


def fit_shifts(
    utility: FloatArray, offered: FloatArray, picked: IntArray, by_power: bool = True
) -> tuple[float, FloatArray]:
    """Shifts of the constants of choice that fit decisions best, log-odds.

    Maximum a posteriori, with independent normal priors of ``SIGNING`` and ``SHIFT``.

    Parameters
    ----------
    utility : lambda U of the options, (decision, option, replicate), "none" first and 0.
    offered : what was on the table, (decision, option). picked : place of the pick, (decision,).
    by_power : whether powers shift besides all together.

    Returns
    -------
    The shift of all powers against nobody, and that of each besides, (power,).
    """
    rows, powers = np.arange(len(picked)), utility.shape[1] - 1

    def split(numbers: FloatArray) -> tuple[float, FloatArray]:
        return float(numbers[0]), numbers[1:] if by_power else np.zeros(powers)

    def loss(numbers: FloatArray) -> float:
        signing, shifts = split(numbers)
        fitted = np.log(_odds(utility, offered, signing + shifts)[rows, picked]).sum()
        prior = signing**2 / SIGNING**2 + (shifts**2).sum() / SHIFT**2
        return float(0.5 * prior - fitted)

    return split(minimize(loss, np.zeros(1 + powers * by_power), method="BFGS").x)


def _utility(decisions: Sequence[Decision], scenario: Scenario) -> FloatArray:
    """U of the options times lambda in the first half-year, (decision, option, R)."""
    host = Host(replace(scenario, replicates=REPLICATES))
    parameters, draws, world = host.start(range(REPLICATES))
    _, record = advance(world, parameters, draws, 0)
    utility = parameters.precision * record.appraisal.utility
    if not np.isfinite(utility).all():
        raise InputError("decisions: need a finite precision of choice (rules.choice.precision)")
    rows = [
        utility[scenario.state_codes.index(d.state), :, DOMAINS.index(d.domain)] for d in decisions
    ]
    nobody = np.zeros((len(rows), 1, REPLICATES)) + parameters.precision * parameters.outside_option
    return np.concatenate([nobody.reshape(len(rows), 1, -1), np.array(rows)], axis=1)


def _odds(utility: FloatArray, offered: FloatArray, shifts: FloatArray) -> FloatArray:
    """Mean probability of each option over replicates, (decision, option) (E16)."""
    moved = utility + np.concatenate([[0.0], shifts])[:, np.newaxis]
    masked = np.where(offered[..., np.newaxis], moved, -np.inf)
    found: FloatArray = np.exp(masked - logsumexp(masked, axis=1, keepdims=True)).mean(axis=-1)
    return found


def _fitted(
    utility: FloatArray, offered: FloatArray, picked: IntArray, by_power: bool
) -> FloatArray:
    """Odds of each decision with the shifts that all others give, (decision, option)."""
    rows = []
    for place in range(len(picked)):
        others = np.arange(len(picked)) != place
        signing, shifts = fit_shifts(utility[others], offered[others], picked[others], by_power)
        here = slice(place, place + 1)
        rows.append(_odds(utility[here], offered[here], signing + shifts)[0])
    return np.array(rows)


def _base_rates(offered: FloatArray, picked: IntArray) -> FloatArray:
    """How often each option was picked where it was on the table, in all other decisions."""
    happened = np.eye(offered.shape[1])[picked]
    wins = happened.sum(axis=0) - happened + 1  # Laplace's rule
    times = offered.sum(axis=0) - offered + 2
    rates = np.where(offered, wins / times, 0.0)
    found: FloatArray = rates / rates.sum(axis=1, keepdims=True)
    return found


def _interval(values: FloatArray) -> tuple[float, float]:
    low, high = np.quantile(values, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)
