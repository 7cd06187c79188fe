"""What powers do beside making offers: coercion (O9), documents (O10), adaptation (E28-E30, O5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.axes import DOMAIN, STATE, Domain, FloatArray, sum_over
from sim.parameters import Parameters
from sim.processes import Appraisal, Offers, Ties
from sim.rules import adaptation, shocks
from sim.world import World

LEAST_RETURN: Final = 1e-9
"""Return at which money is written off, so that a share can come back (E28)."""


@dataclass(frozen=True)
class Coercion:
    """Which powers coerced which states."""

    struck: FloatArray  # (S, P, 1, R), 0 or 1


@dataclass(frozen=True)
class Documents:
    """Documents of a step: at a summit, else none."""

    signed: FloatArray  # (1, 1, 1, ·)
    implemented: FloatArray  # (1, 1, 1, R)


@dataclass(frozen=True)
class Strategy:
    """How powers adapt."""

    allocation: FloatArray  # sigma', (S, P, D, R)
    valuation: FloatArray  # V, (S, P, D, R), bn
    returns: FloatArray  # m-hat', (S, P, D, R)
    conditionality: FloatArray  # c', (1, P, D, R)
    first_choice: FloatArray  # P*, (1, P, 1, R)


def coerce(ties: Ties, parameters: Parameters, uniform: FloatArray, step: int) -> Coercion | None:
    """O9: each power strikes each state with a chance that grows with its dependence."""
    modules = parameters.modules
    if not modules.on.coercion:
        return None
    struck = (uniform < modules.coercion_chance * ties.total).astype(np.float64)
    return Coercion(np.maximum(struck, modules.strikes.at(step)))


def sign_documents(parameters: Parameters, uniform: FloatArray, step: int) -> Documents | None:
    """O10: documents signed at a summit, and how many of them are carried out."""
    modules = parameters.modules
    if not (modules.on.documents and modules.document_steps[step]):
        return None
    signed = np.floor(modules.documents_signed)
    return Documents(signed, shocks.successes(uniform, signed, modules.documents_share))


def adapt(
    world: World, table: Offers, appraised: Appraisal, parameters: Parameters, step: int
) -> Strategy:
    """E28-E30, O5: money moves to where it wins most; powers that lose soften their conditions."""
    modules = parameters.modules
    valuation, returns, allocation = world.valuation, world.returns, world.allocation
    if modules.on.adaptation and not parameters.switches.exact:
        seen, valuation = _returns(world, table, appraised, parameters, step)
        returns = seen if step == 0 else adaptation.remember(returns, seen, modules.memory)
        allocation = adaptation.shift(
            allocation,
            returns,
            parameters.allocation,
            modules.shift_exponent,
            modules.tremble,
        )
    conditionality, first_choice = world.conditionality, world.first_choice
    if modules.on.concessions:
        chosen = appraised.probability[:, 1:]
        mean = sum_over(sum_over(chosen, DOMAIN), STATE) / (len(chosen) * len(Domain))
        first_choice = mean if step == 0 else first_choice
        conditionality = adaptation.concede(
            conditionality, mean, first_choice, modules.concession_speed
        )
    return Strategy(allocation, valuation, returns, conditionality, first_choice)


def _returns(
    world: World, table: Offers, appraised: Appraisal, parameters: Parameters, step: int
) -> tuple[FloatArray, FloatArray]:
    """E28: marginal return of each cell, and the valuations that the first step reveals."""
    p, modules = parameters, parameters.modules
    chosen = appraised.probability[:, 1:]
    within, pull = None, chosen
    if modules.on.nest:
        some = 1 - appraised.probability[:, :1]
        inside = np.divide(chosen, some, out=np.zeros_like(chosen), where=some > 0)
        within = (1 / modules.nest - 1) * (1 - inside)
        pull = chosen + (1 / modules.nest - 1) * inside
    per_score = adaptation.return_on_money(
        p.precision, p.domain_weights, table.credibility, table.value, p.value_scale, world.gdp
    )
    own = adaptation.marginal_choice(chosen, within)
    seen = per_score * own
    valuation = world.valuation
    if step == 0:
        valuation = np.divide(1.0, seen, out=np.zeros_like(seen), where=seen > 0)
    gain = valuation * seen
    if modules.coordination is not None:
        gain -= adaptation.others_loss(modules.coordination, per_score, valuation, chosen, pull)
    np.maximum(gain, LEAST_RETURN, out=gain)
    return gain, valuation
