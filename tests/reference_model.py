"""The model of section 1 once more: one replicate, plain Python, one object an agent.

Written from the equations of the model document and from nothing else, so that it can check the
fast implementation: every number is a Python float, every state and power a Mesa agent. NumPy
arrays only bring the numbers and uniforms drawn beforehand. Events are in ``reference_events``,
corridors in ``reference_trade``, states and powers in ``reference_agents``. Keys are those of the
configuration, such as ``kz``, ``ru`` and ``energy``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

import mesa
from reference_agents import ROW, Cells, Power, State
from reference_events import Calendar, binomial_quantile, clip
from reference_trade import Network

from sim.axes import DOMAINS
from sim.calibration import choice_constants
from sim.compose import load_scenario
from sim.draws import BLOCK, Draws, predraw
from sim.parameters import ids
from sim.periods import parse_period
from sim.sampling import sample
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, Prior, Target

MAX_THREAT: Final = 2.0

STATE_FLOWS: Final = (
    "signed",
    "delivered",
    "lost",
    "chosen",
    "none_probability",
    "threat",
    "migration",
    "conditions",
    "struck",
    "trade_cost",
)
SCALAR_FLOWS: Final = (
    "sanctions",
    "war",
    "commodity",
    "documents_signed",
    "documents_implemented",
)
FLOWS: Final = (*STATE_FLOWS, *SCALAR_FLOWS, "offered", "corridor_flow")
STATE_STOCKS: Final = (
    "backlog",
    "capital",
    "other_capital",
    "a",
    "b",
    "investment",
    "dependence",
    "transit",
    "security",
    "gdp",
    "trade",
    "trade_shock",
    "remittances",
    "opinion",
    "opinion_shift",
)
POWER_STOCKS: Final = ("budget", "unspent", "shares", "conditionality")
STOCKS: Final = (*STATE_STOCKS, *POWER_STOCKS, "capacity")
"""What a run records, by the names of the agents' attributes."""

Constants = Mapping[str, tuple[float, ...]]


class ReferenceModel(mesa.Model):
    """One replicate of a scenario, stepped in the order of section 1.8.

    Parameters
    ----------
    scenario : what to run; names of rules, dates and alliances are read from it.
    replicate : which replicate.
    constants : alpha by power, one a domain (default: calibrated).
    values : the numbers of this replicate by flat name (default: drawn).
    draws : the uniforms of this replicate, replicate axis of length 1 (default: drawn).

    Attributes
    ----------
    picks : [step][state][domain], the code of a power or None.
    flows : by name, then [step]: ``signed``, ``delivered``, ``lost``, ``chosen`` and ``conditions``
        by state, power and domain; ``none_probability`` by state and domain; ``struck`` by state
        and power; ``trade_cost`` by state and partner; ``threat`` and ``migration`` by state;
        ``offered`` by power; ``corridor_flow`` by corridor; the others are single numbers.
    stocks : by name, then [point], T + 1 points: ``backlog``, ``capital``, ``a``, ``b`` by state,
        power and domain; ``other_capital`` by state and domain; ``investment``, ``dependence``,
        ``transit``, ``opinion`` and ``opinion_shift`` by state and power; ``trade`` and
        ``trade_shock`` by state and partner; ``gdp``, ``security`` and ``remittances`` by state;
        ``budget`` and ``unspent`` by power; ``shares`` by power, state and domain;
        ``conditionality`` by power and domain; ``capacity`` by corridor.
    """

    def __init__(
        self,
        scenario: Scenario,
        replicate: int = 0,
        constants: Constants | None = None,
        values: Mapping[str, float] | None = None,
        draws: Draws | None = None,
    ) -> None:
        """Build the agents of one replicate."""
        super().__init__(rng=replicate)
        if constants is None:
            constants = choice_constants(scenario)
        alone = range(replicate, replicate + 1)
        if values is None:
            values = replicate_values(scenario, alone)[0]
        if draws is None:
            draws = predraw(scenario.seed, alone, scenario.steps, ids(scenario))
        self.spec = scenario
        self.replicate = replicate
        self.numbers = values
        self._choice_uniforms = draws.choice[..., 0].tolist()
        self._delivery_uniforms = draws.delivery[..., 0].tolist()
        self._coercion_uniforms = draws.coercion[..., 0, 0].tolist() if draws.coercion.size else []
        self._document_uniforms = draws.documents.ravel().tolist()
        self._trade_uniforms = draws.trade[..., 0, 0].tolist() if draws.trade.size else []
        self.point = 0
        self.clock = parse_period(scenario.horizon.start)
        self._read_rules()
        self._read_modules()
        self._read_trade()
        self.membership = {
            s: {i: values.get(f"institutions.{i}.members.{s}", 0.0) for i in scenario.institutions}
            for s in scenario.states
        }
        self.first_membership = {s: dict(row) for s, row in self.membership.items()}
        self.alpha = self._alpha(constants)
        self.budget_scale = self._budget_scale()
        self.events = Calendar(scenario, values, draws.events[..., 0, 0].tolist())
        self.network = Network(scenario, values)
        self.power_agents = [Power(self, code) for code in scenario.powers]
        self.powers = {power.code: power for power in self.power_agents}
        self.state_agents = [State(self, code) for code in scenario.states]
        for state in self.state_agents:
            state.peers = [other for other in self.state_agents if other is not state]
        self.bloc = [state for state in self.state_agents if state.in_bloc]
        self.state_places = {code: place for place, code in enumerate(scenario.states)}
        self.picks: list[dict[str, dict[str, str | None]]] = []
        self.flows: dict[str, list[Any]] = {name: [] for name in FLOWS}
        self.stocks: dict[str, list[Any]] = {name: [] for name in STOCKS}
        self._open_corridors()
        self.next_effects = self.events.at(self.clock)
        self._enter()

    def _read_rules(self) -> None:
        """Parameters of all states and powers, rates turned into shares of a step (1.1)."""
        n, rules = self.numbers, self.spec.rules
        self.years = self.spec.horizon.step
        self.mean_field = rules.choice.rule is ChoiceRule.MEAN_FIELD
        self.expected_delivery = self.mean_field or rules.delivery.rule is DeliveryRule.EXPECTED
        self.informed = rules.learning.prior is Prior.INFORMED
        self.precision = n["rules.choice.precision"]
        self.outside_option = n["rules.choice.outside_option"]
        self.nest = n["rules.choice.nest"]
        self.value_scale = n["rules.choice.value_scale"]
        self.condition_aversion = n["rules.appraisal.conditionality_aversion"]
        self.security_need = n["rules.appraisal.security_need"]
        self.sanction_aversion = n["rules.appraisal.sanction_aversion"]
        self.opinion_weight = n["rules.appraisal.opinion_weight"]
        self.peer_weight = n["rules.appraisal.peer_weight"]
        self.inertia = n["rules.appraisal.inertia"]
        self.lock_in = {d: n[f"rules.appraisal.lock_in.{d}"] for d in DOMAINS}
        self.sector_exposure = {d: n[f"rules.appraisal.sector_exposure.{d}"] for d in DOMAINS}
        self.rollover = n["rules.offers.rollover"]
        self.minimum_offer = n["rules.offers.minimum_offer"]
        self.due_share = {
            d: 1 - math.exp(-self.years / n[f"rules.delivery.processing_time.{d}"]) for d in DOMAINS
        }
        self.prior_strength = n["rules.learning.prior_strength"]
        self.evidence_scale = n["rules.learning.evidence_scale"]
        self.evidence_weight = n["rules.learning.evidence_weight"]
        self.social_learning = n["rules.learning.social_learning"]
        self.memory = 2.0 ** (-self.years / n["rules.learning.memory_half_life"])
        self.survival = {
            d: (1 - n[f"rules.capital.depreciation.{d}"]) ** self.years for d in DOMAINS
        }
        self.investment_survival = (1 - n["rules.capital.investment_depreciation"]) ** self.years
        self.tie_weights = {d: n[f"rules.dependence.weights.{d}"] for d in DOMAINS}
        self.remittance_years = n["rules.dependence.remittance_capital"]
        self.transit_weight = n["rules.dependence.transit_weight"]
        self.protection_effect = n["rules.dependence.protection_effect"]
        self.base_sanctions = n["rules.environment.sanctions"]
        self.base_war = n["rules.environment.war"]

    def _read_modules(self) -> None:
        """Parameters of E28 to E30 and of the modules O1, O4, O5 and O7 to O10."""
        n, rules = self.numbers, self.spec.rules
        self.speed = n["rules.adaptation.speed"]
        self.tremble = n["rules.adaptation.tremble"]
        self.memory_share = n["rules.adaptation.memory"]
        self.condition_speed = n["rules.adaptation.condition_speed"]
        self.summit_share = n["rules.offers.summit_share"]
        self.cohesion = n["rules.bloc.cohesion"]
        self.bloc_leverage = n["rules.bloc.leverage"]
        self.reversion = n["rules.opinion.reversion"]
        self.delivery_effect = n["rules.opinion.delivery_effect"]
        self.investment_effect = n["rules.growth.investment_effect"]
        self.coercion = {p: n.get(f"rules.coercion.rate.{p}", 0.0) for p in self.spec.powers}
        self.trade_kept = n["rules.coercion.trade_kept"]
        self.opinion_loss = n["rules.coercion.opinion_loss"]
        self.closable = {
            p: [k for k in rules.coercion.closes if self.spec.corridors[k].chokepoint == p]
            for p in self.spec.powers
        }
        dated = any(event.target is Target.COERCION for event in self.spec.events.values())
        self.coercive = dated or any(self.coercion.values())
        self.opinion_moves = self.coercive or self.reversion > 0 or self.delivery_effect > 0
        self.documents = round(n["rules.documents.signed"])
        self.document_chance = n["rules.documents.implemented"]
        self.document_weight = n["rules.documents.weight"]

    def _read_trade(self) -> None:
        """Parameters of E27c and E27d."""
        n, powers, institutions = self.numbers, self.spec.powers, self.spec.institutions
        partners = (*powers, ROW)
        self.trade_moves = self.spec.rules.trade.moving
        self.gdp_elasticity = n["rules.trade.gdp_elasticity"]
        self.partner_elasticity = n["rules.trade.partner_elasticity"]
        self.cost_elasticity = n["rules.trade.cost_elasticity"]
        self.trade_speed = 1 - math.exp(-self.years / n["rules.trade.adjustment_time"])
        self.trend = {j: n.get(f"rules.trade.trend.{j}", 0.0) for j in partners}
        self.trend_half_life = n["rules.trade.trend_half_life"]
        self.trended = dict.fromkeys(partners, 0.0)
        self.capital_effect = n["rules.trade.capital_effect"]
        self.sanction_effect = n["rules.trade.sanction_effect"]
        self.partner_growth = {p: n[f"powers.{p}.growth"] for p in powers}
        self.partner_growth[ROW] = n["rules.trade.rest_of_world_growth"]
        self.partner_grown = dict.fromkeys(partners, 0.0)
        self.volatility = {s: n.get(f"rules.trade.volatility.{s}", 0.0) for s in self.spec.states}
        self.agreements = {
            i: {p: n.get(f"institutions.{i}.trade_effect.{p}", 0.0) for p in powers}
            for i in institutions
        }
        self.migration_effects = {
            i: n[f"institutions.{i}.migration_effect"]
            for i, spec in institutions.items()
            if spec.migration_effect is not None
        }
        self.remittance_elasticity = n["rules.remittances.elasticity"]
        self.hosts = [p for p, spec in powers.items() if spec.hosts_migrants]

    def _alpha(self, constants: Constants) -> Cells:
        """Constants, moved by the change of the target shares' log-odds against none."""
        found: Cells = {}
        for p in self.spec.powers:
            found[p] = {}
            for d, constant in zip(DOMAINS, constants[p], strict=True):
                shares = self.spec.rules.choice.target_shares[d]
                drawn, central = self.numbers[shares.name("none")], shares.of("none")
                entry = self.spec.powers[p].entry_shares
                if entry is None:
                    odds = self.numbers[shares.name(p)] / drawn, shares.of(p) / central
                else:  # the others keep what the newcomer leaves
                    mine, usual = self.numbers[entry.name(d)], entry.of(d)
                    odds = mine / (1 - mine) / drawn, usual / (1 - usual) / central
                found[p][d] = constant + math.log(odds[0]) - math.log(odds[1])
        return found

    def _budget_scale(self) -> float:
        """Budgets follow the square root of GDP where the states are not those of the baseline."""
        shipped = self.spec
        while shipped.baseline is not None:
            shipped = shipped.baseline
        if set(shipped.states) == set(self.spec.states):
            return 1.0
        here = {s: self.numbers[f"states.{s}.gdp"] for s in self.spec.states}
        there = {s: here[s] if s in here else spec.gdp.of() for s, spec in shipped.states.items()}
        return sum(map(math.sqrt, here.values())) / sum(map(math.sqrt, there.values()))

    def choice_uniforms(self, state: str) -> list[list[float]]:
        """Uniforms of stream 1 for a state in this step, by option ("none" first) and domain."""
        found: list[list[float]] = self._choice_uniforms[self.point][self.state_places[state]]
        return found

    def delivery_uniforms(self, state: str) -> list[list[float]]:
        """Uniforms of stream 2 for a state in this step, by power and domain."""
        found: list[list[float]] = self._delivery_uniforms[self.point][self.state_places[state]]
        return found

    def trade_uniforms(self, state: str) -> list[float]:
        """Uniforms of stream 5 for a state in this step, by partner; none where nothing strikes."""
        if not self._trade_uniforms:
            return []
        found: list[float] = self._trade_uniforms[self.point][self.state_places[state]]
        return found

    def step(self) -> None:
        """One step: stages 0 to 10 of section 1.8."""
        states, powers = self.agents_by_type[State], self.agents_by_type[Power]
        self.face_events()
        powers.do("adjust")
        self._coerce()
        powers.do("post_offers")
        states.do("appraise")
        states.do("choose")
        powers.do("settle")
        states.do("process")
        self._sign_documents()
        if self.point == 0:
            powers.do("value")
        powers.do("adapt")
        if self.opinion_moves:
            states.do("change_opinion")
        self._ship()
        states.do("move_trade")
        self._grow_partners()
        self._build_corridors()
        self.next_effects = self.events.at(self.clock + self.years)
        states.do("learn")
        states.do("accumulate")
        powers.do("grow")
        if self.condition_speed > 0:
            powers.do("soften")
        self._record_flows()
        self.point += 1
        self.clock += self.years
        self._enter()
        self.running = self.point < self.spec.steps

    def run(self) -> ReferenceModel:
        """Step to the end of the horizon."""
        while self.running:
            self.step()
        return self

    def forget(self) -> None:
        """Drop the uniforms and all records but those of the last step."""
        self._choice_uniforms, self._delivery_uniforms, self.events.uniforms = [], [], []
        self._coercion_uniforms, self._document_uniforms, self._trade_uniforms = [], [], []
        for record in (self.picks, *self.flows.values(), *self.stocks.values()):
            del record[:-1]

    def _enter(self) -> None:
        """Memberships and dated events at this point, dependence, and all stocks for the record."""
        self.events.effects = self.next_effects
        joined = self.events.due(self.clock)
        for institution, members in joined:
            for s, share in members.items():
                self.membership[s][institution] = share
        for state in self.state_agents:
            if joined:
                state.join_institutions()
            state.measure_ties()
        for name in STATE_STOCKS:
            self.stocks[name].append({s.code: getattr(s, name) for s in self.state_agents})
        for name in POWER_STOCKS:
            self.stocks[name].append({p.code: getattr(p, name) for p in self.power_agents})
        self.stocks["capacity"].append({k.code: k.built for k in self.network.corridors})

    def face_events(self) -> None:
        """E1 for X, tau_s, War, ln Pc, mig_s and Re."""
        events = self.events
        events.strike(self.point)
        dated = events.level(Target.SANCTIONS, self.base_sanctions)
        self.sanctions = clip(dated + events.surge(Target.SANCTIONS), 1.0)
        self.war = clip(events.level(Target.WAR, self.base_war), 1.0)
        self.commodity = events.level(Target.COMMODITY, 0.0)
        self.reexports = clip(events.level(Target.REEXPORTS, 1.0), 1.0)
        for state in self.state_agents:
            s = state.code
            dated = events.level(Target.THREAT, state.base_threat, state=s)
            state.threat = clip(dated + events.surge(Target.THREAT, s), MAX_THREAT)
            state.migration = clip(events.level(Target.MIGRATION, 0.0, state=s), 1.0)

    def _coerce(self) -> None:
        """O9: strikes by chance, the likelier the more a state depends, and dated ones."""
        for place, state in enumerate(self.state_agents):
            state.struck = dict.fromkeys(self.powers, 0.0)
            if not self.coercive:
                continue
            for number, p in enumerate(self.powers):
                struck = self.events.coerces(state.code, p, self.clock, self.years)
                if self._coercion_uniforms:
                    chance = self.coercion[p] * state.dependence[p] * self.years
                    struck |= self._coercion_uniforms[self.point][place][number] < chance
                state.struck[p] = float(struck)

    def _sign_documents(self) -> None:
        """O10: documents signed at a summit, and how many of them will be carried out."""
        self.documents_signed = self.documents_implemented = 0
        power = self.powers.get(self.spec.rules.documents.power)
        if self.documents and power is not None and power.meets():
            u = self._document_uniforms[self.point]
            self.documents_signed = self.documents
            self.documents_implemented = binomial_quantile(u, self.documents, self.document_chance)

    def _open_corridors(self) -> None:
        """Routes and costs at the start, without any event."""
        threat = sum(s.base_threat for s in self.state_agents) / len(self.state_agents)
        self.network.open(self.events, self.base_sanctions, threat)
        self._assign()
        for state in self.state_agents:
            state.first_costs = state.trade_cost

    def _ship(self) -> None:
        """E27a in a step."""
        threat = sum(s.threat for s in self.state_agents) / len(self.state_agents)
        self.network.adjust(self.events, self.sanctions, threat)
        if self.network.moving:
            self._assign()
        else:
            self.network.carry(
                {(s.code, j): t for s in self.state_agents for j, t in s.trade.items()},
                {(s.code, j): route for s in self.state_agents for j, route in s.routes.items()},
            )

    def _assign(self) -> None:
        """E27a: routes of all trade; a power that coerces shuts its corridors to the state (O9)."""
        network, trade, routes = self.network, {}, {}
        for state in self.state_agents:
            shut = [k for p, struck in state.struck.items() if struck for k in self.closable[p]]
            for j, money in state.trade.items():
                trade[state.code, j] = money
                routes[state.code, j] = network.usable(state.leading[j], shut)
        choices = network.assign(trade, routes)
        for state in self.state_agents:
            state.routes = {j: choices[state.code, j] for j in state.trade}
            state.trade_cost = {
                j: state.first_costs.get(j, 0.0) + network.unreachable
                if choice.cost is None
                else choice.cost
                for j, choice in state.routes.items()
            }

    def _grow_partners(self) -> None:
        """E27c: ln of the growth of each partner so far, events included, and what trends add."""
        left = 2.0 ** (-self.point * self.years / self.trend_half_life)
        for j, growth in self.partner_growth.items():
            self.partner_grown[j] += (growth + self.events.growth(partner=j)) * self.years
            self.trended[j] += self.trend[j] * left * self.years

    def _build_corridors(self) -> None:
        """E27b: what powers deliver for infrastructure goes to their corridors in part."""
        for corridor in self.network.corridors:
            money = 0.0
            for p in self.powers:
                share = self.numbers.get(f"powers.{p}.corridor_investment.{corridor.code}", 0.0)
                money += share * sum([s.delivered[p]["infrastructure"] for s in self.state_agents])
            corridor.build(money)

    def _record_flows(self) -> None:
        self.picks.append({s.code: s.picks for s in self.state_agents})
        for name in STATE_FLOWS:
            record = {s.code: getattr(s, name) for s in self.state_agents}
            self.flows[name].append(record)
        for name in SCALAR_FLOWS:
            self.flows[name].append(getattr(self, name))
        self.flows["offered"].append({p.code: p.offered for p in self.power_agents})
        codes = [corridor.code for corridor in self.network.corridors]
        self.flows["corridor_flow"].append(dict(zip(codes, self.network.flows, strict=True)))


def replicate_values(scenario: Scenario, replicates: range) -> list[dict[str, float]]:
    """The drawn numbers of a scenario as floats, one dictionary a replicate."""
    columns = {name: array.tolist() for name, array in sample(scenario, replicates).items()}
    return [
        {name: column[number if len(column) > 1 else 0] for name, column in columns.items()}
        for number in range(len(replicates))
    ]


@dataclass(frozen=True)
class Prepared:
    """What the models of consecutive replicates share or take their slice of."""

    scenario: Scenario
    replicates: range
    constants: Constants
    values: list[dict[str, float]]
    draws: Draws

    def arguments(self, replicate: int) -> dict[str, Any]:
        """Arguments of ``ReferenceModel`` for one of the replicates."""
        place = self.replicates.index(replicate)
        one = slice(place, place + 1)
        draws = Draws(**{f.name: getattr(self.draws, f.name)[..., one] for f in fields(Draws)})
        return {
            "scenario": self.scenario,
            "replicate": replicate,
            "constants": self.constants,
            "values": self.values[place],
            "draws": draws,
        }

    def model(self, replicate: int) -> ReferenceModel:
        """Model of one of the replicates, at its start."""
        return ReferenceModel(**self.arguments(replicate))


def prepare(scenario: Scenario, replicates: range) -> Prepared:
    """Draw for many replicates at once what each model needs."""
    return Prepared(
        scenario=scenario,
        replicates=replicates,
        constants=choice_constants(scenario),
        values=replicate_values(scenario, replicates),
        draws=predraw(scenario.seed, replicates, scenario.steps, ids(scenario)),
    )


class BatchReference(ReferenceModel):
    """The same model for ``mesa.batch_run``, which passes keywords of its own choosing only.

    It runs the scenario given to ``use``, or the baseline, and prepares replicates by the block;
    processes that ``batch_run`` starts know the baseline only. At the end it forgets its history:
    Mesa 3.3 keeps every model alive in its counter of agent ids.
    """

    _chosen: ClassVar[Scenario | None] = None
    _blocks: ClassVar[dict[int, Prepared]] = {}

    def __init__(self, replicate: int = 0, rng: object = None) -> None:
        """Build one replicate; ``rng`` has no effect, as all draws are keyed."""
        super().__init__(**self._prepared(replicate).arguments(replicate))
        self.datacollector = mesa.DataCollector(
            model_reporters={"picks_made": "picks_made", "delivered": "delivered_money"}
        )

    @classmethod
    def use(cls, scenario: Scenario | None) -> None:
        """Choose the scenario of all models to come; None is the baseline."""
        cls._chosen = scenario
        cls._blocks = {}

    @classmethod
    def _prepared(cls, replicate: int) -> Prepared:
        number = replicate // BLOCK
        if number not in cls._blocks:
            if cls._chosen is None:
                cls._chosen = load_scenario()
            block = range(number * BLOCK, (number + 1) * BLOCK)
            cls._blocks = {number: prepare(cls._chosen, block)}
        return cls._blocks[number]

    def step(self) -> None:
        """One step, then the reporters."""
        super().step()
        self.datacollector.collect(self)
        if not self.running:
            self.forget()

    @property
    def picks_made(self) -> int:
        """Number of offers picked in the last step."""
        return sum(pick is not None for s in self.state_agents for pick in s.picks.values())

    @property
    def delivered_money(self) -> float:
        """Money delivered in the last step, USD bn."""
        return sum(sum(row.values()) for s in self.state_agents for row in s.delivered.values())
