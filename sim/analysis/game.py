"""The choices of one half-year as a map from probabilities to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from sim.axes import DOMAINS, FloatArray
from sim.columns import SAME, Change, Variants
from sim.decisions import NONE
from sim.errors import InputError
from sim.processes import appraise, environment, make_offers, measure_ties
from sim.record import Record
from sim.scenario import Scenario
from sim.specs import ChoiceRule, Uncertainty
from sim.world import World

REST: Final = 1e-12
"""Largest change of a probability at which the map rests."""
ROUNDS: Final = 20_000
"""Iterations after which a map that does not rest is given up."""


class Game:
    """The choices of one half-year as a map from probabilities to probabilities."""

    def __init__(self, scenario: Scenario, step: int) -> None:
        rules = scenario.rules
        choice = replace(rules.choice, rule=ChoiceRule.MEAN_FIELD)
        self.scenario = replace(
            scenario, uncertainty=Uncertainty.NONE, rules=replace(rules, choice=choice)
        )
        self.step = step
        self.variants = Variants(self.scenario, 0)
        *_, (record, _) = self.variants.records([SAME], step)
        self.record: Record = record

    def change(self, parameter: str, value: float) -> Change:
        """Change of the parameter, if one is moved."""
        found = self.variants.change(parameter, value) if parameter else SAME
        if found.apart is not None:
            raise InputError(f"{parameter}: {value:g} gives the run another shape; move another")
        return found

    def rest(self, changes: Sequence[Change], start: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Iterate from a start (S, P, D, column) until all columns rest, or give up.

        Returns
        -------
        Probabilities (S, P, D, column) and the last change of each column.
        """
        count = len(changes)
        parameters, picks = self.variants.parameters(changes), start
        world = _repeated(self.record.world, count)
        now = environment(world, parameters, self.variants.draws, self.step)
        ties = measure_ties(world, parameters, self.step)
        table = make_offers(world, parameters, self.step)
        moved = np.full(count, np.inf)
        for _ in range(ROUNDS):
            seen = replace(world, last_pick=picks)
            appraised = appraise(seen, now, ties, table, parameters, self.step)
            following = appraised.probability[:, 1:]
            moved = np.abs(following - picks).max(axis=(0, 1, 2))
            picks = following
            if moved.max() < REST:
                break
        return picks, moved


def _repeated(world: World, count: int) -> World:
    """World of one replicate for many columns."""
    arrays = {name: np.repeat(array, count, axis=-1) for name, array in vars(world).items()}
    return replace(world, **arrays)


def starts(scenario: Scenario) -> dict[str, FloatArray]:
    """Picks before the first half-year: nobody, or one power everywhere, (S, P, D, 1)."""
    shape = (len(scenario.states), len(scenario.powers), len(DOMAINS), 1)
    found = {NONE: np.zeros(shape)}
    for place, code in enumerate(scenario.power_codes):
        found[code] = np.zeros(shape)
        found[code][:, place] = 1.0
    return found
