"""The state of the simulated world: a few arrays, replicate axis last.

Stocks stand at the start of a step; a run of T steps passes through T + 1 worlds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from sim.axes import Domain, FloatArray
from sim.errors import MultivectorError
from sim.parameters import Parameters

TOLERANCE = 1e-12
"""Slack of the accounting identities, in their own units."""


@dataclass(frozen=True)
class World:
    """Stocks at the start of a step (axes state, power, domain, replicate; section 1.2)."""

    gdp: FloatArray  # Y, (S, 1, 1, R), USD bn/yr
    budget: FloatArray  # M, (1, P, 1, R), USD bn/yr
    unspent: FloatArray  # Un, (1, P, 1, R), USD bn
    allocation: FloatArray  # sigma, (S, P, D, R), shares
    backlog: FloatArray  # B, (S, P, D, R), USD bn
    capital: FloatArray  # K, (S, P, D, R), USD bn
    other_capital: FloatArray  # K^o, (S, 1, D, R), USD bn
    investment: FloatArray  # F^inv, (S, P, 1, R), USD bn
    successes: FloatArray  # a, (S, P, D, R), pseudo-counts
    failures: FloatArray  # b, (S, P, D, R), pseudo-counts
    last_pick: FloatArray  # y(t-1), (S, P, D, R), 0 or 1 (a probability in mean field)
    trade: FloatArray  # T, (S, J, 1, R), USD bn/yr
    remittances: FloatArray  # Rem from the power that hosts migrants, (S, 1, 1, R), USD bn/yr
    surge: FloatArray  # effect of rated events so far, (S, E, 1, R)

    @property
    def replicates(self) -> int:
        """Length of the replicate axis."""
        return int(self.backlog.shape[-1])

    def take(self, replicate: int) -> World:
        """World of one replicate; the axis stays, with length 1."""
        parts = {
            part.name: np.ascontiguousarray(
                getattr(self, part.name)[..., replicate : replicate + 1]
            )
            for part in fields(self)
        }
        return replace(self, **parts)

    def invariants(self) -> None:
        """Check what holds in every world: signs, shares and finite numbers.

        Raises
        ------
        MultivectorError
            Names the first array that breaks a rule.
        """
        for part in fields(self):
            array = getattr(self, part.name)
            if not np.isfinite(array.sum()):  # in one pass: not-a-number and infinity spread
                raise MultivectorError(f"world.{part.name}: not finite")
        for name in (
            "budget",
            "unspent",
            "backlog",
            "capital",
            "other_capital",
            "investment",
            "trade",
            "remittances",
            "allocation",
        ):
            if getattr(self, name).min(initial=0.0) < -TOLERANCE:
                raise MultivectorError(f"world.{name}: negative")
        for name in ("gdp", "successes", "failures"):
            if getattr(self, name).min() <= 0:
                raise MultivectorError(f"world.{name}: not above 0")
        if (self.allocation.sum(axis=(0, 2)) > 1 + 1e-9).any():
            raise MultivectorError("world.allocation: shares of a power exceed 1")
        if (self.last_pick.sum(axis=1) > 1 + TOLERANCE).any():
            raise MultivectorError("world.last_pick: more than one pick in a domain")


def initialise(parameters: Parameters, replicates: int) -> World:
    """World at the start of a run (E19; backlog, unspent money and picks start at nothing)."""
    initial = parameters.initial
    states, powers, domains = parameters.allocation.shape[:3]

    def spread(array: FloatArray, *shape: int) -> FloatArray:
        return np.broadcast_to(array, (*shape, replicates)).copy()

    capital = spread(initial.capital, states, powers, domains)
    capital[:, :, Domain.TRADE] = 0.0
    return World(
        gdp=spread(initial.gdp, states, 1, 1),
        budget=spread(initial.budget, 1, powers, 1),
        unspent=np.zeros((1, powers, 1, replicates)),
        allocation=spread(parameters.allocation, states, powers, domains),
        backlog=np.zeros((states, powers, domains, replicates)),
        capital=capital,
        other_capital=spread(initial.other_capital, states, 1, domains),
        investment=spread(initial.investment, states, powers, 1),
        successes=spread(parameters.prior_success, states, powers, domains),
        failures=spread(parameters.prior_failure, states, powers, domains),
        last_pick=np.zeros((states, powers, domains, replicates)),
        trade=spread(initial.trade, states, powers + 1, 1),
        remittances=spread(initial.remittances, states, 1, 1),
        surge=np.zeros((states, parameters.surge_size.shape[1], 1, replicates)),
    )
