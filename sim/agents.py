"""Agents of the Mesa host: views of the world, with a rule of choice to override."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import mesa
import numpy as np

from sim.axes import DOMAINS, FloatArray
from sim.rules import learning, measures

if TYPE_CHECKING:
    from sim.model import PartnershipModel

Picks = dict[str, str | None]
"""Power picked by domain; None for nobody."""


@dataclass(frozen=True)
class Offer:
    """One offer as a state sees it.

    Attributes
    ----------
    power, domain : who offers, and where.
    amount : USD bn. value : percent of the state's GDP.
    conditionality, credibility : shares. utility : log-odds against picking nobody.
    probability : chance of being picked under the model's own rule.
    terms : the terms that add up to the utility, by name.
    """

    power: str
    domain: str
    amount: float
    value: float
    conditionality: float
    credibility: float
    utility: float
    probability: float
    terms: Mapping[str, float]


class State(mesa.Agent):
    """A state that picks among offers.

    Examples
    --------
    >>> class Alone(sim.State):
    ...     def choose(self, offers):
    ...         return {}
    >>> model = sim.PartnershipModel(sim.load_scenario(seed=7), state_class=Alone)
    >>> model.step()
    >>> any(model.states[0].picks.values())
    False
    """

    model: PartnershipModel

    def __init__(self, model: PartnershipModel, code: str, place: int) -> None:
        """Place ``place`` along the state axis of the world."""
        super().__init__(model)
        self.code = code
        self.place = place
        self.default: Picks = {}

    @property
    def gdp(self) -> float:
        """Gross domestic product, USD bn/yr."""
        return float(self.model.world.gdp[self.place, 0, 0, 0])

    @property
    def dependence(self) -> dict[str, float]:
        """Dependence on each power over all domains, at the start of the current half-year."""
        return self._by_power(self.model.ties().total[self.place, :, 0, 0])

    @property
    def hedging_index(self) -> float:
        """0 with one partner, 1 with equal ties to all powers."""
        share = measures.shares(self.model.ties().total)
        return float(measures.hedging_index(share)[self.place, 0, 0, 0])

    @property
    def picks(self) -> Picks:
        """Power picked in each domain in the last half-year."""
        last = self.model.world.last_pick[self.place, :, :, 0]
        return {
            domain: self.model.power_codes[int(last[:, d].argmax())] if last[:, d].any() else None
            for d, domain in enumerate(DOMAINS)
        }

    @property
    def credibility(self) -> dict[str, float]:
        """Believed share of delivery of each power, mean over domains."""
        world = self.model.world
        belief = learning.credibility(world.successes, world.failures)
        return self._by_power(belief[self.place, :, :, 0].mean(axis=1))

    @property
    def backlog(self) -> dict[str, float]:
        """Signed and not yet come due, USD bn."""
        return self._by_power(self.model.world.backlog[self.place, :, :, 0].sum(axis=1))

    @property
    def trade(self) -> dict[str, float]:
        """Trade turnover with each partner, USD bn/yr."""
        row = self.model.world.trade[self.place, :, 0, 0]
        codes = self.model.configuration.partner_codes
        return {code: float(x) for code, x in zip(codes, row, strict=True)}

    @property
    def opinion(self) -> dict[str, float]:
        """Share of the public that is well disposed to each power."""
        opinion = self.model.ties().opinion
        return self._by_power(
            np.broadcast_to(opinion, (*opinion.shape[:3], 1))[self.place, :, 0, 0]
        )

    def choose(self, offers: Mapping[str, list[Offer]]) -> Picks:
        """Pick at most one offer in each domain; the default is the scenario's own rule.

        Parameters
        ----------
        offers : the offers on the table, by domain.

        Returns
        -------
        Power code by domain; None, or no entry, for nobody.
        """
        return self.default

    def _by_power(self, row: FloatArray) -> dict[str, float]:
        return {power: float(x) for power, x in zip(self.model.power_codes, row, strict=True)}


class Power(mesa.Agent):
    """A power that makes offers.

    Examples
    --------
    >>> model = sim.PartnershipModel(sim.load_scenario(seed=7))
    >>> {power.code: round(power.influence, 2) for power in model.powers}
    {'RU': 0.66, 'CN': 0.2, 'EU': 0.13}
    """

    model: PartnershipModel

    def __init__(self, model: PartnershipModel, code: str, place: int) -> None:
        """Place ``place`` along the power axis of the world."""
        super().__init__(model)
        self.code = code
        self.place = place

    @property
    def budget(self) -> float:
        """Budget flow, USD bn/yr."""
        return float(self.model.world.budget[0, self.place, 0, 0])

    @property
    def unspent(self) -> float:
        """Money left from the last half-year, USD bn."""
        return float(self.model.world.unspent[0, self.place, 0, 0])

    @property
    def allocation(self) -> dict[tuple[str, str], float]:
        """Share of the budget offered to each state in each domain."""
        shares = self.model.world.allocation[:, self.place, :, 0]
        return {
            (state, domain): float(shares[s, d])
            for s, state in enumerate(self.model.state_codes)
            for d, domain in enumerate(DOMAINS)
        }

    @property
    def influence(self) -> float:
        """Share in the dependence of all states, weighted by GDP."""
        share = measures.influence(self.model.world.gdp, self.model.ties().total)
        return float(share[0, self.place, 0, 0])
