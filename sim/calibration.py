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
from sim.parameter_parts import Constants
from sim.parameters import build
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

_First = tuple[FloatArray, np.ndarray, FloatArray, FloatArray]
_known: dict[str, Constants] = {}
_first: dict[str, _First] = {}


def choice_constants(scenario: Scenario) -> Constants:
    """Constants by power code, one a domain, for the baseline behind a scenario.

    A scenario's own changes do not move them, except its target shares. A power that the shipped
    baseline does not know gets the constants with which it would win its entry shares beside the
    powers of the baseline.

    Raises
    ------
    InputError
        A power outside the baseline names no entry shares.
    """
    nearest = shipped = scenario.baseline or scenario
    while shipped.baseline is not None:
        shipped = shipped.baseline
    constants = dict(_solve(_reference(shipped, scenario), {}))
    for code, power in scenario.powers.items():
        if code in constants:
            continue
        if power.entry_shares is None:
            raise InputError(f"powers.{code}.entry_shares: needed, as the baseline has no {code}")
        known = nearest if code in nearest.powers else scenario
        beside = {**shipped.powers, code: known.powers[code]}
        states = {s: known.states.get(s, state) for s, state in shipped.states.items()}
        entry = replace(_reference(shipped, scenario), powers=beside, states=states)
        constants[code] = _solve(entry, {p: constants[p] for p in shipped.powers})[code]
    return constants


def _reference(known: Scenario, scenario: Scenario) -> Scenario:
    """A scenario at central values, with the target shares of another."""
    targets = scenario.rules.choice.target_shares
    rules = replace(known.rules, choice=replace(known.rules.choice, target_shares=targets))
    return replace(known, rules=rules, uncertainty=Uncertainty.NONE, baseline=None)


def _solve(reference: Scenario, fixed: Constants) -> Constants:
    """Constants of a reference, kept for the next time."""
    key = f"{digest(reference)} {sorted(fixed.items())}"
    if key not in _known:
        _known[key] = _contract(reference, fixed)
    return _known[key]


def first_appraisal(scenario: Scenario, constants: Constants) -> FloatArray:
    """Choice probabilities of the first half-year at central values, (S, 1 + P, D, 1)."""
    utility, posted, outside, precision = _first_utility(scenario, constants)
    return probabilities(scores(utility, outside, precision), posted)


def _contract(reference: Scenario, fixed: Constants) -> Constants:
    """Constants that bring mean first choices to their targets, those given apart."""
    nothing = {power: (0.0,) * len(DOMAINS) for power in reference.powers}
    utility, posted, outside, precision = _without_constants(reference, nothing)
    rows = [_targets(reference, power) for power in reference.powers]
    target = np.array(rows).reshape(1, len(reference.powers), len(DOMAINS), 1)
    alpha = np.array([fixed.get(power, nothing[power]) for power in reference.powers])
    alpha = alpha.reshape(target.shape)
    free = np.array([power not in fixed for power in reference.powers]).reshape(1, -1, 1, 1)
    for _ in range(MAX_ROUNDS):
        chosen = probabilities(scores(utility + alpha, outside, precision), posted)[:, 1:]
        share = sum_over(chosen, 0) / len(reference.states)
        if not (share > 0).all():
            raise MultivectorError("choice constants: a power of the baseline makes no offer")
        if np.abs((share - target) * free).max() < SHARE_TOLERANCE:
            found = alpha[0, :, :, 0].tolist()
            return {power: tuple(row) for power, row in zip(reference.powers, found, strict=True)}
        alpha = np.where(free, alpha + np.log(target / share), alpha)
    raise MultivectorError("choice constants: the contraction did not converge")


def _without_constants(reference: Scenario, nothing: Constants) -> _First:
    """First utility before constants, kept: target shares do not bear on it."""
    choice = replace(reference.rules.choice, target_shares={})
    key = digest(replace(reference, rules=replace(reference.rules, choice=choice)))
    if key not in _first:
        _first[key] = _first_utility(reference, nothing)
    return _first[key]


def _targets(reference: Scenario, power: str) -> list[float]:
    """Target shares of a power by domain, or those with which it enters."""
    entry = reference.powers[power].entry_shares
    shares = reference.rules.choice.target_shares
    return [entry.of(d) if entry is not None else shares[d].of(power) for d in DOMAINS]


def _first_utility(scenario: Scenario, constants: Constants) -> _First:
    """Utility, offers posted, utility of nobody and precision of the first half-year."""
    central = replace(scenario, uncertainty=Uncertainty.NONE)
    parameters = build(central, sample(central, range(1)), constants)
    world = initialise(parameters, 1)
    quiet = np.full((1, *world.surge.shape), np.finfo(np.float64).tiny)
    draws = Draws(quiet, quiet, quiet, quiet, quiet, quiet)
    now = environment(world, parameters, draws, 0)
    table = make_offers(world, parameters, 0)
    ties = measure_ties(world, parameters, 0)
    appraised = appraise(world, now, ties, table, parameters, 0)
    return appraised.utility, table.posted, parameters.outside_option, parameters.precision
