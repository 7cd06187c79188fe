"""What adapting powers and the optional modules read in a step (E28-E30, O1-O10).

Each module has a switch. It is off where all replicates have the module's null value, and the run
with it on at the null is the same bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim import calendar
from sim.axes import POWER, FloatArray
from sim.routes import coerces
from sim.scenario import Scenario
from sim.table import Table
from sim.timeline import Timeline


@dataclass(frozen=True)
class ModuleSwitches:
    """Which modules act."""

    adaptation: bool  # E28-E30
    concessions: bool  # O5
    bloc: bool  # O1
    nest: bool  # O3
    opinion: bool  # O7, and what coercion does to opinion
    growth: bool  # O8
    coercion: bool  # O9
    documents: bool  # O10


@dataclass(frozen=True)
class ModuleParameters:
    """Numbers of the modules; symbols as in the model document."""

    on: ModuleSwitches
    # powers that adapt
    shift_exponent: FloatArray  # gamma Delta
    tremble: FloatArray  # epsilon
    memory: FloatArray  # xi
    coordination: FloatArray | None  # varpi, (1, P, P', 1); None: nobody coordinates
    concession_speed: FloatArray  # eta_c Delta
    # bloc
    cohesion: FloatArray  # b
    members: FloatArray  # 1 in the bloc, (S, 1, 1)
    # nest
    nest: FloatArray  # varsigma
    # opinion
    reversion: FloatArray  # kappa_o Delta
    delivery_effect: FloatArray  # kappa_d
    opinion_weight: FloatArray  # beta_o resp_s, (S, 1, 1)
    # growth
    investment_effect: FloatArray  # eta_K
    commodity_effect: FloatArray  # epsilon^c_s, (S, 1, 1)
    # coercion
    coercion_chance: FloatArray  # rho_p Delta, (1, P, 1)
    strikes: Timeline  # dated, (S, P, 1)
    trade_kept: FloatArray
    opinion_loss: FloatArray
    # documents
    documents_signed: FloatArray  # N_doc
    documents_share: FloatArray  # pi_doc
    documents_weight: FloatArray
    documents_power: FloatArray  # 1 for the power that signs them, (1, P, 1)
    document_steps: tuple[bool, ...]  # summits of that power


def build(scenario: Scenario, table: Table) -> ModuleParameters:
    """Arrange the numbers of the modules."""
    years = scenario.horizon.step
    documents = scenario.rules.documents
    speed = table("rules.adaptation.speed")
    concession_speed = table("rules.adaptation.condition_speed")
    cohesion = table("rules.bloc.cohesion")
    nest = table("rules.choice.nest")
    reversion = table("rules.opinion.reversion")
    delivery_effect = table("rules.opinion.delivery_effect")
    investment_effect = table("rules.growth.investment_effect")
    commodity_effect = table("states.{s}.commodity_effect")
    signed = table("rules.documents.signed")
    coercion = coerces(scenario)
    return ModuleParameters(
        on=ModuleSwitches(
            adaptation=bool(speed.any()),
            concessions=bool(concession_speed.any()),
            bloc=bool(cohesion.any()),
            nest=bool((nest != 1).any()),
            opinion=bool(delivery_effect.any()) or coercion,
            growth=bool(investment_effect.any() or commodity_effect.any()),
            coercion=coercion,
            documents=bool(signed.any()) and documents.power in scenario.powers,
        ),
        shift_exponent=speed * years,
        tremble=table("rules.adaptation.tremble"),
        memory=table("rules.adaptation.memory"),
        coordination=_coordination(scenario, table),
        concession_speed=concession_speed * years,
        cohesion=cohesion,
        members=table("rules.bloc.members.{s}", default=0.0),
        nest=nest,
        reversion=reversion * years,
        delivery_effect=delivery_effect,
        opinion_weight=table("rules.appraisal.opinion_weight") * table("states.{s}.responsiveness"),
        investment_effect=investment_effect,
        commodity_effect=commodity_effect,
        coercion_chance=table("rules.coercion.rate.{p}", default=0.0) * years,
        strikes=calendar.strikes(scenario),
        trade_kept=table("rules.coercion.trade_kept"),
        opinion_loss=table("rules.coercion.opinion_loss"),
        documents_signed=signed,
        documents_share=table("rules.documents.implemented"),
        documents_weight=table("rules.documents.weight"),
        documents_power=np.array(
            [float(power == documents.power) for power in scenario.powers]
        ).reshape(1, -1, 1, 1),
        document_steps=tuple(
            documents.power in scenario.powers and calendar.summits(scenario, documents.power, step)
            for step in range(scenario.steps)
        ),
    )


def _coordination(scenario: Scenario, table: Table) -> FloatArray | None:
    """Weight that a power gives to the returns of others, (1, P, P', ·); None where all are 0."""
    powers = tuple(scenario.powers)
    rows = [
        table(f"rules.adaptation.coordination.{power}.{{p}}", default=0.0).transpose(0, 2, 1, 3)
        for power in powers
    ]
    width = max(row.shape[-1] for row in rows)
    found = np.concatenate(
        [np.broadcast_to(row, (*row.shape[:-1], width)) for row in rows], axis=POWER
    )
    return found if found.any() else None
