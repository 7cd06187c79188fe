"""What a step looks like with hindsight: regret, and how much of it is misbelief (section 1.14)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.axes import DOMAIN, POWER, Domain, FloatArray, sum_over
from sim.parameters import Parameters
from sim.processes import Appraisal, Contracts, Deliveries, Offers, score_of
from sim.rules import appraisal, choice
from sim.specs import ChoiceRule


@dataclass(frozen=True)
class Review:
    """Utility forgone against the best option, were delivery known."""

    regret: FloatArray  # (S, 1, 1, R), log-odds
    noise: FloatArray  # the part that would remain with true beliefs, (S, 1, 1, R)


def review(
    table: Offers,
    appraised: Appraisal,
    contracts: Contracts,
    deliveries: Deliveries,
    parameters: Parameters,
) -> Review:
    """Regret of the picks, and of those that the same noise would make with true beliefs."""
    p = parameters
    benefit = appraisal.benefit(p.domain_weights, deliveries.chance, table.value, p.value_scale)
    utility = appraised.utility + (benefit - appraised.terms.benefit)
    on_table = utility if table.mask is None else np.where(table.mask, utility, -np.inf)
    most = np.maximum.reduce(on_table, axis=POWER, keepdims=True)
    best = np.maximum(most, p.outside_option)
    score = score_of(utility, table, p)
    if p.switches.choice is ChoiceRule.MEAN_FIELD:
        rule = choice.best_probabilities if p.switches.exact else choice.probabilities
        informed = rule(score, None)[:, 1:]
    else:
        informed = (choice.best if p.switches.exact else choice.pick)(score, None, contracts.noise)
    return Review(
        regret=_forgone(best, utility, contracts.pick, p.outside_option),
        noise=_forgone(best, utility, informed, p.outside_option),
    )


def _forgone(
    best: FloatArray, utility: FloatArray, pick: FloatArray, outside: FloatArray
) -> FloatArray:
    """Mean over domains of the best utility less that of the pick, (S, 1, 1, R)."""
    gained = sum_over(pick * (utility - outside), POWER)
    return sum_over(best - outside - gained, DOMAIN) / len(Domain)
