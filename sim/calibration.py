"""Choice constants alpha, calibrated so that the baseline starts at its target pick shares.

The contraction of Berry (1994): alpha grows by the log of target share over model share until both
agree, where the model share is the mean choice probability of the states in the first half-year at
central values. It is done once for a baseline and kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from sim.axes import DOMAINS, FloatArray, sum_over
from sim.draws import Draws
from sim.errors import InputError, MultivectorError
from sim.parameters import Constants, build
from sim.plain import digest
from sim.processes import appraise, environment, make_offers, measure_ties
from sim.rules.choice import probabilities, scores
from sim.sampling import sample
from sim.scenario import Scenario
from sim.specs import Uncertainty
from sim.world import initialise

SHARE_TOLERANCE: Final = 1e-13
"""Largest gap between target and model share at which the contraction stops."""
MAX_ROUNDS: Final = 10_000

_known: dict[str, Constants] = {}


def choice_constants(scenario: Scenario) -> Constants:
    """Constants by power code, one a domain, for the baseline behind a scenario.

    A scenario's own changes do not move them, except its target shares.

    Raises
    ------
    InputError
        For a power that the baseline does not know.
    """
    baseline = scenario.baseline or scenario
    rules = replace(
        baseline.rules,
        choice=replace(baseline.rules.choice, target_shares=scenario.rules.choice.target_shares),
    )
    reference = replace(baseline, rules=rules, uncertainty=Uncertainty.NONE, baseline=None)
    key = digest(reference)
    if key not in _known:
        _known[key] = _contract(reference)
    for power in scenario.powers:
        if power not in _known[key]:
            raise InputError(f"powers.{power}: the baseline gives no choice constants for it")
    return _known[key]


def first_appraisal(scenario: Scenario, constants: Constants) -> FloatArray:
    """Choice probabilities of the first half-year at central values, (S, 1 + P, D, 1)."""
    utility, posted, outside, precision = _first_utility(scenario, constants)
    return probabilities(scores(utility, outside, precision), posted)


def _contract(reference: Scenario) -> Constants:
    nothing = {power: (0.0,) * len(DOMAINS) for power in reference.powers}
    utility, posted, outside, precision = _first_utility(reference, nothing)
    shares = reference.rules.choice.target_shares
    target = np.array([[shares[d].of(power) for d in DOMAINS] for power in reference.powers])
    target = target.reshape(1, len(reference.powers), len(DOMAINS), 1)
    alpha = np.zeros_like(target)
    for _ in range(MAX_ROUNDS):
        chosen = probabilities(scores(utility + alpha, outside, precision), posted)[:, 1:]
        share = sum_over(chosen, 0) / len(reference.states)
        if not (share > 0).all():
            raise MultivectorError("choice constants: a power of the baseline makes no offer")
        if np.abs(share - target).max() < SHARE_TOLERANCE:
            rows = alpha[0, :, :, 0].tolist()
            return {power: tuple(row) for power, row in zip(reference.powers, rows, strict=True)}
        alpha = alpha + np.log(target / share)
    raise MultivectorError("choice constants: the contraction did not converge")


def _first_utility(
    scenario: Scenario, constants: Constants
) -> tuple[FloatArray, np.ndarray, FloatArray, FloatArray]:
    central = replace(scenario, uncertainty=Uncertainty.NONE)
    parameters = build(central, sample(central, range(1)), constants)
    world = initialise(parameters, 1)
    quiet = np.full((1, *world.surge.shape), np.finfo(np.float64).tiny)
    draws = Draws(choice=quiet, delivery=quiet, events=quiet)
    now = environment(world, parameters, draws, 0)
    table = make_offers(world, parameters)
    ties = measure_ties(world, parameters, 0)
    appraised = appraise(world, now, ties, table, parameters, 0)
    return appraised.utility, table.posted, parameters.outside_option, parameters.precision
