"""Arrays of parameters that several numbers make together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sim import calendar
from sim.axes import DOMAINS, ROW, FloatArray, sum_over
from sim.scenario import Scenario
from sim.specs import Target
from sim.table import Table, stack, widen
from sim.timeline import Timeline

Constants = Mapping[str, tuple[float, ...] | FloatArray]
"""Choice constants alpha by lower-case power code: one a domain, or (domain, replicate)."""


@dataclass(frozen=True)
class Initial:
    """Stocks at the start of a run (axes state, power, domain, replicate)."""

    gdp: FloatArray
    budget: FloatArray
    capital: FloatArray
    other_capital: FloatArray
    investment: FloatArray


def initial_stocks(scenario: Scenario, table: Table) -> Initial:
    """Stocks at the start (E19): capital from initial dependence, investment from the documents."""
    gdp = table("states.{s}.gdp")
    share = table("states.{s}.initial_dependence.{d}.{p}", default=0.0)
    scale = table("rules.capital.scale.{d}") * gdp / 100
    others = 1 - sum_over(share, 1)
    return Initial(
        gdp=gdp,
        budget=table("powers.{p}.budget") * _region(scenario, table),
        capital=share * scale,
        other_capital=others * scale,
        investment=_investment(scenario, table, gdp),
    )


def _region(scenario: Scenario, table: Table) -> FloatArray:
    """Size of the states of the run against those of the baseline, for whom the budgets are.

    Both by the roots of GDP, in which the budgets are split; 1 where the states are the same.
    Baseline states that take no part count with their central GDP.
    """
    shipped = scenario
    while shipped.baseline is not None:
        shipped = shipped.baseline
    baseline = shipped.states
    here = table.axes["{s}"]
    if set(here) == set(baseline):
        return np.ones((1, 1, 1, 1))
    roots = {code: np.sqrt(table.values[f"states.{code}.gdp"]) for code in here}
    away = [np.sqrt(np.array(baseline[c].gdp.value)) for c in baseline if c not in roots]
    meant = sum([*(roots[code] for code in here if code in baseline), *away])
    return np.asarray(sum(roots.values()) / meant).reshape(1, 1, 1, -1)


def initial_trade(scenario: Scenario, table: Table) -> FloatArray:
    """Trade at the start by partner, (S, J, 1, ·), USD bn/yr."""
    trade = table("states.{s}.trade.{j}", default=0.0)
    rest = trade[:, -1:] + _absent_partners(scenario, table)
    return widen([*(trade[:, n : n + 1] for n in range(len(scenario.powers))), rest])


def _absent_partners(scenario: Scenario, table: Table) -> FloatArray:
    """Trade with powers that do not take part counts as trade with the rest of the world."""
    rows = []
    for code, state in scenario.states.items():
        absent = [p for p in state.trade.entries if p not in (*scenario.powers, ROW.lower())]
        total = np.zeros(1)
        for partner in absent:
            total = total + table.values[f"states.{code}.trade.{partner}"]
        rows.append(total)
    return stack(rows).reshape(len(rows), 1, 1, -1)


def _investment(scenario: Scenario, table: Table, gdp: FloatArray) -> FloatArray:
    """Initial investment stock by state, split as documented or in proportion to GDP."""
    stock = table("powers.{p}.investment_stock")
    by_gdp = gdp / sum_over(gdp, 0)
    columns = []
    for code, power in scenario.powers.items():
        if power.investment_split is None:
            columns.append(by_gdp)
            continue
        rows = [
            table.values.get(f"powers.{code}.investment_split.{state}", np.zeros(1))
            for state in scenario.states
        ]
        columns.append(stack(rows).reshape(len(rows), 1, 1, -1))
    return stock * widen(columns)


def first_allocation(table: Table) -> FloatArray:
    """sigma0: domain shares of a power times state shares in proportion to the root of GDP."""
    root = np.sqrt(table("states.{s}.gdp"))
    return table("powers.{p}.domain_shares.{d}") * (root / sum_over(root, 0))


def affinity(scenario: Scenario, table: Table, constants: Constants, step: int) -> FloatArray:
    """E8: Aff = alpha + sum_i M_si psi_ipd + beta_o resp_s (O_sp - 1/2), (S, P, D, ·)."""
    alpha = np.array([constants[power] for power in scenario.powers])
    alpha = alpha.reshape(1, *alpha.shape[:2], -1)
    support = calendar.level(scenario, table, Target.OPINION, table("states.{s}.opinion.{p}"), step)
    opinion = (
        table("rules.appraisal.opinion_weight")
        * table("states.{s}.responsiveness")
        * (np.clip(support, 0.0, 1.0) - 0.5)
    )
    total = alpha + _target_shift(scenario, table) + opinion
    for name, institution in scenario.institutions.items():
        if any(power in institution.anchors for power in scenario.powers):
            anchor = table(f"institutions.{name}.anchors.{{p}}.{{d}}", default=0.0)
            total = total + calendar.members(scenario, table, name, step) * anchor
    return np.ascontiguousarray(total)


def _target_shift(scenario: Scenario, table: Table) -> FloatArray:
    """Drawn target shares move alpha by the change of their log-odds against "none".

    Exact for identical states; the central shares give zero.
    """
    targets = scenario.rules.choice.target_shares
    rows = []
    for power in scenario.powers:
        for domain in DOMAINS:
            none = table.values[f"rules.choice.target_shares.{domain}.none"]
            entry = scenario.powers[power].entry_shares
            if entry is None:
                drawn = table.values[f"rules.choice.target_shares.{domain}.{power}"] / none
                central = targets[domain].of(power) / targets[domain].of("none")
            else:  # the others keep their odds, so that "none" shrinks with them
                won, share = table.values[f"powers.{power}.entry_shares.{domain}"], entry.of(domain)
                drawn = won / ((1 - won) * none)
                central = share / ((1 - share) * targets[domain].of("none"))
            rows.append(np.log(drawn) - np.log(central))
    return stack(rows).reshape(1, len(scenario.powers), len(DOMAINS), -1)


def protection(scenario: Scenario, table: Table, step: int) -> FloatArray:
    """prot_ps: protection of a power, and what its alliances add for their members, at most 1."""
    total = table("powers.{p}.protection")
    added = calendar.sizes(scenario, table, Target.PROTECTION, step)
    total = total if added is None else np.maximum(total + added, 0.0)
    for name, institution in scenario.institutions.items():
        if institution.protection is not None:
            added = table(f"institutions.{name}.protection.{{p}}", default=0.0)
            total = total + calendar.members(scenario, table, name, step) * added
    factor = calendar.factors(scenario, table, Target.PROTECTION, step)
    total = total if factor is None else total * factor
    states = len(scenario.states)
    wide = np.broadcast_to(total, (states, *total.shape[1:]))
    return np.minimum(wide, 1.0)


class Conditions:
    """Conditions attached to offers under events and for a bloc (E7), without concessions."""

    def __init__(self, scenario: Scenario, table: Table) -> None:
        self.scenario, self.table = scenario, table
        self.base = table("powers.{p}.conditionality.{d}")
        self.discount = 1 - table("rules.bloc.cohesion") * table("rules.bloc.leverage") * table(
            "rules.bloc.members.{s}", default=0.0
        )

    def change(self, step: int) -> FloatArray:
        """Sum of the sizes of events, (·, ·, ·, ·)."""
        found = calendar.sizes(self.scenario, self.table, Target.CONDITIONALITY, step)
        return np.zeros((1, 1, 1, 1)) if found is None else found

    def at(self, step: int) -> FloatArray:
        """c-tilde, (S, P, D, ·)."""
        return np.clip(self.base + self.change(step), 0.0, 1.0) * self.discount

    def over_time(self, compute: Callable[[int], FloatArray]) -> Timeline:
        """Timeline of one of these."""
        return calendar.by_events(self.scenario, (Target.CONDITIONALITY,), compute)
