"""The state of the simulated world: a few arrays, replicate axis last.

Stocks stand at the start of a step; a run of T steps passes through T + 1 worlds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.axes import CORRIDOR, DOMAIN, POWER, STATE, Domain, FloatArray
from sim.errors import MultivectorError
from sim.parameters import Parameters
from sim.rules import network

if TYPE_CHECKING:
    from sim.record import Record

TOLERANCE: Final = 1e-12
"""Slack of signs, in the units of each array."""
ACCOUNT_TOLERANCE: Final = 1e-7
"""Slack of the accounts of a step, relative or in their own units, whichever is wider."""


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
    trade_shock: FloatArray  # N, ln of what shocks made of trade, (S, J, 1, R)
    remittances: FloatArray  # Rem from the power that hosts migrants, (S, 1, 1, R), USD bn/yr
    transit: FloatArray  # TD, share of trade that crosses a power, (S, P, 1, R)
    freight: FloatArray  # Fl, traffic on the corridors in the last step, (1, K, 1, R), Mt/yr
    capacity: FloatArray  # Cap without events, (1, K, 1, R), Mt/yr
    conditionality: FloatArray  # c_pd without events, (1, P, D, R), shares
    opinion_shift: FloatArray  # what opinion has moved by, (S, P, 1, R), shares
    valuation: FloatArray  # V, revealed at the first step, (S, P, D, R), bn
    returns: FloatArray  # m-hat, (S, P, D, R)
    first_choice: FloatArray  # P* of the first step, (1, P, 1, R)
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

    def invariants(self, before: World | None = None, record: Record | None = None) -> None:
        """Check what holds in every world: signs, shares and finite numbers.

        With the world a step earlier and the record of the step also the accounts between the two:
        no money, commitment or freight is made or lost.

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
            "transit",
            "freight",
            "capacity",
            "conditionality",
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
        if (self.transit.sum(axis=1) > 1 + 1e-9).any():
            raise MultivectorError("world.transit: shares of a state's trade exceed 1")
        if before is not None and record is not None:
            _check_accounts(before, record, self)


def _check_accounts(before: World, record: Record, after: World) -> None:
    """Raise where an account of a step does not balance."""
    contracts, deliveries, offers = record.contracts, record.deliveries, record.offers
    signed = contracts.signed.sum(axis=(STATE, DOMAIN), keepdims=True)
    shares = record.ties.total.sum(axis=POWER)
    traffic = record.exchange.flow.sum(axis=CORRIDOR)
    accounts = {
        "money of the powers": (signed + after.unspent, offers.available),
        "commitments": (
            after.backlog + deliveries.delivered + deliveries.lost,
            before.backlog + contracts.signed,
        ),
        "what comes due": (deliveries.delivered + deliveries.lost, deliveries.due),
        "choice probabilities": (record.appraisal.probability.sum(axis=POWER), np.ones(1)),
        "shares of the budget": (
            after.allocation.sum(axis=(STATE, DOMAIN)),
            before.allocation.sum(axis=(STATE, DOMAIN)),
        ),
        "freight": (traffic, record.exchange.tonnage[:, 0]),
    }
    for name, (found, wanted) in accounts.items():
        gap = np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))
        if gap.max(initial=0.0) > ACCOUNT_TOLERANCE:
            raise MultivectorError(f"{name}: the account does not balance by {gap.max():.3g}")
    if shares.min() < -ACCOUNT_TOLERANCE or shares.max() > 1 + ACCOUNT_TOLERANCE:
        raise MultivectorError("dependence: shares are not between 0 and 1")


def initialise(parameters: Parameters, replicates: int) -> World:
    """World at the start of a run (E19; backlog, unspent money and picks start at nothing)."""
    initial, exchange = parameters.initial, parameters.exchange
    trade = exchange.initial_trade
    transit = network.crossing(exchange.network, trade, exchange.first_shares, None)
    corridors = exchange.initial_capacity.shape[CORRIDOR]
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
        trade=spread(trade, states, powers + 1, 1),
        trade_shock=np.zeros((states, powers + 1, 1, replicates)),
        remittances=spread(exchange.initial_remittances, states, 1, 1),
        transit=spread(transit, states, powers, 1),
        freight=spread(exchange.first_flow, 1, corridors, 1),
        capacity=spread(exchange.initial_capacity, 1, corridors, 1),
        conditionality=spread(parameters.conditionality, 1, powers, domains),
        opinion_shift=np.zeros((states, powers, 1, replicates)),
        valuation=np.zeros((states, powers, domains, replicates)),
        returns=np.zeros((states, powers, domains, replicates)),
        first_choice=np.zeros((1, powers, 1, replicates)),
        surge=np.zeros((states, parameters.surge_size.shape[1], 1, replicates)),
    )
