"""Host for one replicate: a Mesa model to look at, step by step.

The model calls the same ``advance`` as the ensemble, so replicate 17 is the same run in both, bit
for bit. ``State`` and ``Power`` agents are views of the world; a subclass of ``State`` may override
``choose`` to try another rule of choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import mesa
import numpy as np

from sim.agents import Offer, Picks, Power, State
from sim.axes import DOMAINS, FloatArray
from sim.decisions import decisions
from sim.ensemble import Host, sizes
from sim.errors import InputError, nearest
from sim.outcomes import Data
from sim.processes import Appraisal, Offers, Ties, decide_by_rule, measure_ties
from sim.record import Record
from sim.recorder import Recorder, derive, reserve
from sim.scenario import Scenario
from sim.specs import ChoiceRule
from sim.step import advance
from sim.world import World

if TYPE_CHECKING:
    import pandas as pd


class PartnershipModel(mesa.Model):
    """One replicate of a scenario as a Mesa model.

    Parameters
    ----------
    scenario : from ``sim.load_scenario``.
    replicate : number of the replicate.
    state_class : class of the state agents; a subclass of ``State`` may override ``choose``.

    Examples
    --------
    >>> model = sim.PartnershipModel(sim.load_scenario(seed=7), replicate=17)
    >>> model.step()
    >>> model.label, model.states[0].code, model.states[0].picks["trade"]
    ('2026H1', 'KZ', 'EU')
    """

    def __init__(
        self,
        scenario: Scenario,
        replicate: int = 0,
        state_class: type[State] = State,
    ) -> None:
        """Build the world of one replicate and its agents."""
        if replicate < 0:
            raise InputError(f"replicate: must be 0 or more, not {replicate}")
        own_rule = state_class.choose is not State.choose
        if own_rule and scenario.rules.choice.rule is ChoiceRule.MEAN_FIELD:
            raise InputError("rules.choice.rule: mean_field asks no state to choose")
        super().__init__(rng=scenario.seed)
        self.configuration = scenario  # mesa 3.5 keeps "scenario" for a class of its own
        self.replicate = replicate
        self.state_codes = scenario.state_codes
        self.power_codes = scenario.power_codes
        host = Host(scenario)
        self.parameters, self.draws, self.world = host.start(range(replicate, replicate + 1))
        self.records: list[Record] = []
        self.period = 0
        self._data, self._final = reserve(scenario.steps, sizes(scenario, 1), scenario.outcomes)
        self._recorder = Recorder(self.parameters, self._data, self._final)
        self._rule = decide_by_rule(self.parameters)
        self.states = [state_class(self, code, n) for n, code in enumerate(self.state_codes)]
        self.powers = [Power(self, code, n) for n, code in enumerate(self.power_codes)]
        self.datacollector = mesa.DataCollector(
            model_reporters={"period": "label"},
            agenttype_reporters={
                state_class: {
                    "code": "code",
                    "gdp": "gdp",
                    "dependence": "dependence",
                    "hedging_index": "hedging_index",
                    "picks": "picks",
                },
                Power: {"code": "code", "budget": "budget", "influence": "influence"},
            },
        )
        self.datacollector.collect(self)

    @property
    def label(self) -> str:
        """Half-year that the next step simulates, such as ``2025H2``; the end when it is over."""
        periods = self.configuration.periods
        return (
            periods[self.period] if self.period < len(periods) else self.configuration.horizon.end
        )

    def step(self) -> None:
        """Simulate one half-year."""
        if self.period >= self.configuration.steps:
            self.running = False
            return
        before = self.world
        self.world, record = advance(
            before, self.parameters, self.draws, self.period, self._ask_states
        )
        self.records.append(record)
        self._recorder.take(self.period, before, record)
        self.period += 1
        if self.period == self.configuration.steps:
            self.running = False
        self.datacollector.collect(self)

    def run(self) -> PartnershipModel:
        """Simulate to the end of the horizon."""
        while self.period < self.configuration.steps:
            self.step()
        return self

    def outcomes(self) -> tuple[Data, Data]:
        """Outcomes so far and stocks now, as the ensemble reports them, for one replicate."""
        self._recorder.close(self.world, self.period)
        data = {name: array[: self.period] for name, array in self._data.items()}
        return derive(
            data, self._final, self.configuration.horizon.step, self.configuration.outcomes
        )

    def ties(self) -> Ties:
        """Ties of all states in the current world."""
        return measure_ties(self.world, self.parameters, self.period)

    @property
    def record(self) -> Record | None:
        """What happened in the last step."""
        return self.records[-1] if self.records else None

    def reported(self) -> pd.DataFrame:
        """What the state agents reported at each point, one row a state and period."""
        table: pd.DataFrame = self.datacollector.get_agenttype_vars_dataframe(type(self.states[0]))
        return table

    def table(self) -> pd.DataFrame:
        """Decision log so far, one row a half-year, state, domain and option.

        See ``sim.decisions.decisions`` for its columns.
        """
        import pandas as pd

        logs = [
            decisions(record, self.parameters, self.configuration, period)
            for record, period in zip(self.records, self.configuration.periods, strict=False)
        ]
        return pd.concat(logs, ignore_index=True) if logs else pd.DataFrame()

    def text(self) -> str:
        """Who was picked so far, a row a half-year and state, a column a domain."""
        log = self.table()
        if log.empty:
            return "nothing has happened yet"
        picked = log[log["picked"] > 0.5] if self._picks_one else _most_probable(log)
        wide = picked.set_index(["period", "state", "domain"])["option"].unstack("domain")
        wide = wide.loc[list(dict.fromkeys(zip(log["period"], log["state"], strict=True)))]
        return str(wide[list(DOMAINS)].rename_axis(columns=None).to_string())

    @property
    def _picks_one(self) -> bool:
        return self.parameters.switches.choice is not ChoiceRule.MEAN_FIELD

    def _ask_states(
        self, world: World, table: Offers, appraised: Appraisal, noise: FloatArray
    ) -> FloatArray:
        """Let every state agent choose, all from the same table."""
        rule = self._rule(world, table, appraised, noise)
        if self.parameters.switches.choice is ChoiceRule.MEAN_FIELD:
            return rule
        picks = np.zeros_like(rule)
        for state in self.states:
            place = state.place
            state.default = {
                domain: self.power_codes[int(rule[place, :, d, 0].argmax())]
                if rule[place, :, d, 0].any()
                else None
                for d, domain in enumerate(DOMAINS)
            }
            chosen = state.choose(self._offers_to(place, table, appraised))
            self._mark(picks, place, chosen, table)
        return picks

    def _mark(self, picks: FloatArray, place: int, chosen: Picks, table: Offers) -> None:
        """Write the picks of one state, or say what is wrong with them."""
        where = f"choose() of {self.state_codes[place]}"
        if not isinstance(chosen, Mapping):
            raise InputError(f"{where}: must return a power by domain, not {chosen!r}")
        for domain, power in chosen.items():
            if domain not in DOMAINS:
                raise InputError(f"{where}: unknown domain '{domain}'{nearest(domain, DOMAINS)}")
            if power is None:
                continue
            if power not in self.power_codes:
                hint = nearest(power, self.power_codes)
                raise InputError(f"{where}: unknown power '{power}'{hint}")
            p, d = self.power_codes.index(power), DOMAINS.index(domain)
            if not table.posted[place, p, d, 0]:
                raise InputError(f"{where}: {power} offers nothing in {domain}")
            picks[place, p, d, 0] = 1.0

    def _offers_to(self, place: int, table: Offers, appraised: Appraisal) -> dict[str, list[Offer]]:
        conditions = np.broadcast_to(table.conditions, table.amount.shape)
        terms = [np.broadcast_to(term, table.amount.shape) for term in appraised.terms]
        found: dict[str, list[Offer]] = {domain: [] for domain in DOMAINS}
        for d, domain in enumerate(DOMAINS):
            for p, power in enumerate(self.power_codes):
                cell = (place, p, d, 0)
                if table.posted[cell]:
                    values = {
                        n: float(t[cell])
                        for n, t in zip(appraised.terms._fields, terms, strict=True)
                    }
                    found[domain].append(
                        Offer(
                            power=power,
                            domain=domain,
                            amount=float(table.amount[cell]),
                            value=float(table.value[cell]),
                            conditionality=float(conditions[cell]),
                            credibility=float(table.credibility[cell]),
                            utility=float(appraised.utility[cell]),
                            probability=float(appraised.probability[place, p + 1, d, 0]),
                            terms=values,
                        )
                    )
        return found


def _most_probable(log: pd.DataFrame) -> pd.DataFrame:
    """Rows of the most probable option of each decision."""
    keys = ["period", "state", "domain"]
    return log.loc[log.groupby(keys)["probability"].idxmax()]
