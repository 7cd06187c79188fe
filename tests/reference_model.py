"""The model of section 1 once more: one replicate, plain Python, one object an agent.

Written from the equations of the model document and from nothing else, so that it can check the
fast implementation: every number is a Python float, every state and power a Mesa agent. NumPy
arrays only bring the numbers and uniforms drawn beforehand. It covers E1-E22, E26 and E31; trade
and remittances stay at their start, budgets keep their first allocation, and infrastructure ties
leave transit out. Keys are those of the configuration, such as ``kz``, ``ru`` and ``energy``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import mesa

from sim.axes import DOMAINS
from sim.calibration import choice_constants
from sim.compose import load_scenario
from sim.draws import BLOCK, Draws, predraw
from sim.parameters import ids
from sim.periods import parse_period
from sim.sampling import sample
from sim.scenario import Scenario
from sim.specs import ChoiceRule, DeliveryRule, EventSpec, Prior, Target

TRADE: Final = "trade"
SECURITY: Final = "security"
TECHNOLOGY: Final = "technology"
CAPITAL_DOMAINS: Final = tuple(domain for domain in DOMAINS if domain != TRADE)
MAX_THREAT: Final = 2.0
TIME_SLACK: Final = 1e-9
"""Years by which a step may start before a date and still count as on it."""

STATE_FLOWS: Final = ("signed", "delivered", "lost", "chosen", "none_probability", "threat")
FLOWS: Final = (*STATE_FLOWS, "offered", "sanctions")
STATE_STOCKS: Final = (
    "backlog",
    "capital",
    "other_capital",
    "a",
    "b",
    "investment",
    "dependence",
    "security",
    "gdp",
)
POWER_STOCKS: Final = ("budget", "unspent")
STOCKS: Final = (*STATE_STOCKS, *POWER_STOCKS)
"""What a run records, by the names of the agents' attributes."""

Cells = dict[str, dict[str, float]]
"""Numbers of one state by power and domain."""
Constants = Mapping[str, tuple[float, ...]]


class Power(mesa.Agent):
    """A power that splits a budget into offers."""

    model: ReferenceModel

    def __init__(self, model: ReferenceModel, code: str) -> None:
        """Read the numbers of one power."""
        super().__init__(model)
        spec, numbers, path = model.spec.powers[code], model.numbers, f"powers.{code}."
        self.code = code
        self.imposes_sanctions = spec.imposes_sanctions
        self.hosts_migrants = spec.hosts_migrants
        self.growth = numbers[path + "budget_growth"]
        self.war_drain = numbers[path + "war_drain"]
        self.coercibility = numbers[path + "coercibility"]
        self.sanction_exposure = numbers[path + "sanction_exposure"]
        self.protection = numbers[path + "protection"]
        self.conditionality = {d: numbers[f"{path}conditionality.{d}"] for d in DOMAINS}
        self.delivery = {d: numbers[f"{path}delivery.{d}"] for d in DOMAINS}
        self.budget = numbers[path + "budget"]
        self.unspent = 0.0
        self.envelope = 0.0
        self.shares = self._first_shares(path)
        self.offers: Cells = {}
        self.offered = 0.0

    def _first_shares(self, path: str) -> Cells:
        """Table 1.6: domain part times state part, the latter in proportion to sqrt(Y_s)."""
        numbers, states = self.model.numbers, self.model.spec.states
        roots = {s: math.sqrt(numbers[f"states.{s}.gdp"]) for s in states}
        whole = sum(roots.values())
        return {
            s: {d: numbers[f"{path}domain_shares.{d}"] * root / whole for d in DOMAINS}
            for s, root in roots.items()
        }

    def post_offers(self) -> None:
        """E2 (available money) and E3 (offers of the least size or more; nothing is no offer)."""
        model = self.model
        self.envelope = self.budget * model.years + model.rollover * self.unspent
        self.offers = {}
        for state, shares in self.shares.items():
            amounts = ((d, share * self.envelope) for d, share in shares.items())
            self.offers[state] = {d: g for d, g in amounts if g >= model.minimum_offer and g > 0}
        self.offered = sum(sum(amounts.values()) for amounts in self.offers.values())

    def settle(self) -> None:
        """E17: what nobody signed stays in the envelope."""
        signed = sum(sum(s.signed[self.code].values()) for s in self.model.state_agents)
        self.unspent = self.envelope - signed

    def grow(self) -> None:
        """E2: the budget grows, and the war drains it."""
        rate = self.growth - self.war_drain * self.model.war
        self.budget *= math.exp(rate * self.model.years)


class State(mesa.Agent):
    """A state that picks one offer, or none, in each domain and step."""

    model: ReferenceModel

    def __init__(self, model: ReferenceModel, code: str) -> None:
        """Read the numbers of one state and set its stocks at the start."""
        super().__init__(model)
        numbers, path = model.numbers, f"states.{code}."
        self.code = code
        self.gdp = numbers[path + "gdp"]
        self.growth = numbers[path + "growth"]
        self.condition_aversion = (  # beta_c kappa_s
            model.condition_aversion * numbers[path + "conditionality_sensitivity"]
        )
        self.hedging = numbers[path + "hedging"]
        self.base_threat = numbers[path + "threat"]
        self.own_security = numbers[path + "own_security"]
        raw = {d: numbers[f"{path}domain_weights.{d}"] for d in DOMAINS}
        mean = sum(raw.values()) / len(DOMAINS)
        self.weights = {d: weight / mean for d, weight in raw.items()}
        opinion_effect = model.opinion_weight * numbers[path + "responsiveness"]
        self.goodwill = {  # third part of E8
            p.code: opinion_effect * (numbers[f"{path}opinion.{p.code}"] - 0.5)
            for p in model.power_agents
        }
        self.peers: list[State] = []
        self.threat = self.base_threat
        self._start_trade(path)
        self._start_capital(path)
        self._start_beliefs()
        none = {p.code: dict.fromkeys(DOMAINS, 0.0) for p in model.power_agents}
        self.backlog: Cells = none
        self.chosen: Cells = none
        self.picks: dict[str, str | None] = dict.fromkeys(DOMAINS)
        self.none_probability: dict[str, float] = dict.fromkeys(DOMAINS, 1.0)
        self.signed: Cells = none
        self.delivered: Cells = none
        self.lost: Cells = none
        self.evidence_for: Cells = none
        self.evidence_against: Cells = none
        self.join_institutions()

    def _start_trade(self, path: str) -> None:
        """E23 and ex_s of E12, both from the trade of 2024; Rem_s of 2024."""
        numbers, powers = self.model.numbers, self.model.power_agents
        partners = self.model.spec.states[self.code].trade.entries
        trade = {j: numbers[f"{path}trade.{j}"] for j in partners}
        whole = sum(trade.values())
        self.trade_ties = {
            p.code: trade.get(p.code, 0.0) / whole if whole > 0 else 0.0 for p in powers
        }
        self.sanctioners = sum(self.trade_ties[p.code] for p in powers if p.imposes_sanctions)
        self.remittances = (
            numbers[path + "remittances"] * self.gdp * numbers[path + "remittances_from_russia"]
        )

    def _start_capital(self, path: str) -> None:
        """E19 (start)."""
        model, numbers = self.model, self.model.numbers
        self.capital: Cells = {p.code: {} for p in model.power_agents}
        self.other_capital: dict[str, float] = {}
        for d in DOMAINS:
            whole = numbers[f"rules.capital.scale.{d}"] * self.gdp / 100
            others = 1.0
            for p in self.capital:
                tie = 0.0 if d == TRADE else numbers[f"{path}initial_dependence.{d}.{p}"]
                self.capital[p][d] = tie * whole
                others -= tie
            self.other_capital[d] = others * whole
        self.investment: dict[str, float] = {}
        region = sum(numbers[f"states.{s}.gdp"] for s in model.spec.states)
        for p, spec in model.spec.powers.items():
            stock = numbers[f"powers.{p}.investment_stock"]
            if spec.investment_split is None:
                share = self.gdp / region
            else:
                share = numbers.get(f"powers.{p}.investment_split.{self.code}", 0.0)
            self.investment[p] = stock * share

    def _start_beliefs(self) -> None:
        """E21 (start): a0 = n0 pi0, b0 = n0 (1 - pi0)."""
        model, strength = self.model, self.model.prior_strength
        self.first_a: Cells = {}
        self.first_b: Cells = {}
        for p in model.power_agents:
            prior = p.delivery if model.informed else dict.fromkeys(DOMAINS, 0.5)
            self.first_a[p.code] = {d: strength * prior[d] for d in DOMAINS}
            self.first_b[p.code] = {d: strength * (1 - prior[d]) for d in DOMAINS}
        self.a, self.b = self.first_a, self.first_b

    def join_institutions(self) -> None:
        """E8 (affinity) and protection, both by membership M_si."""
        model, numbers = self.model, self.model.numbers
        membership = model.membership[self.code]
        self.affinity: Cells = {}
        self.protection: dict[str, float] = {}
        for power in model.power_agents:
            p = power.code
            self.affinity[p] = {
                d: model.alpha[p][d]
                + sum(
                    share * numbers.get(f"institutions.{i}.anchors.{p}.{d}", 0.0)
                    for i, share in membership.items()
                )
                + self.goodwill[p]
                for d in DOMAINS
            }
            alliances = sum(
                share * numbers.get(f"institutions.{i}.protection.{p}", 0.0)
                for i, share in membership.items()
            )
            self.protection[p] = min(1.0, power.protection + alliances)

    def measure_ties(self) -> None:
        """E22, E23, E25 without transit, E26 and E31."""
        model = self.model
        ties: Cells = {p: {TRADE: tie} for p, tie in self.trade_ties.items()}
        for d in CAPITAL_DOMAINS:
            capital = {p.code: self.capital[p.code][d] for p in model.power_agents}
            if d == TECHNOLOGY:
                for power in model.power_agents:
                    if power.hosts_migrants:
                        capital[power.code] += model.remittance_years * self.remittances
            whole = sum(capital.values()) + self.other_capital[d]
            for p, part in capital.items():
                ties[p][d] = part / whole if whole > 0 else 0.0
        self.ties = ties
        self.dependence = {
            p: sum(model.tie_weights[d] * tie for d, tie in row.items()) for p, row in ties.items()
        }
        shelter = sum(self.protection[p] * row[SECURITY] for p, row in ties.items())
        self.security = 1 - math.exp(-self.own_security - model.protection_effect * shelter)

    def utility(self, power: Power, domain: str, amount: float) -> float:
        """E4 to E15 for one offer."""
        model, p = self.model, power.code
        value = 100 * amount / self.gdp
        a, b = self.a[p][domain], self.b[p][domain]
        belief = a / (a + b)
        benefit = self.weights[domain] * math.log(1 + belief * value / model.value_scale)
        conditions = self.condition_aversion * power.conditionality[domain]
        hedge = self.hedging * power.coercibility * self.dependence[p]
        lock = model.lock_in[domain] * self.ties[p][domain]
        shelter = 0.0
        if domain == SECURITY:
            shelter = model.security_need * self.threat * self.protection[p]
        sanctions = (
            model.sanction_aversion
            * model.sanctions
            * power.sanction_exposure
            * model.sector_exposure[domain]
            * self.sanctioners
        )
        peers = 0.0
        if self.peers:
            peers = sum([peer.chosen[p][domain] for peer in self.peers]) / len(self.peers)
        return (
            benefit
            - conditions
            + self.affinity[p][domain]
            - hedge
            + lock
            + shelter
            - sanctions
            + model.peer_weight * peers
            + model.inertia * self.chosen[p][domain]
        )

    def choose(self) -> None:
        """E16 and the first part of E17; the picks take effect when all have chosen."""
        model = self.model
        self.next_chosen: Cells = {p.code: {} for p in model.power_agents}
        self.picks, self.none_probability = {}, {}
        self.signed = {p.code: {} for p in model.power_agents}
        draws = model.choice_uniforms(self.code)
        for number, d in enumerate(DOMAINS):
            options: list[str | None] = [None]
            utilities = [model.outside_option]
            uniforms = [draws[0][number]]
            for place, power in enumerate(model.power_agents, start=1):
                amount = power.offers[self.code].get(d)
                if amount is not None:
                    options.append(power.code)
                    utilities.append(self.utility(power, d, amount))
                    uniforms.append(draws[place][number])
            chances = probabilities(utilities, model.precision)
            self.none_probability[d] = chances[0]
            if model.mean_field:
                taken = dict(zip(options, chances, strict=True))
                likely = [option for option, chance in taken.items() if chance >= 0.5]
                self.picks[d] = likely[0] if likely else None
            else:
                pick = options[pick_number(utilities, uniforms, model.precision)]
                taken = {pick: 1.0}
                self.picks[d] = pick
            for power in model.power_agents:
                p = power.code
                y = taken.get(p, 0.0)
                self.next_chosen[p][d] = y
                self.signed[p][d] = y * power.offers[self.code][d] if y > 0 else 0.0

    def process(self) -> None:
        """E18 and E20: what comes due is delivered or lost, and the state takes note."""
        model = self.model
        backlog: Cells = {}
        self.delivered, self.lost = {}, {}
        self.evidence_for, self.evidence_against = {}, {}
        draws = model.delivery_uniforms(self.code)
        for place, power in enumerate(model.power_agents):
            p = power.code
            before, signed = self.backlog[p], self.signed[p]
            after = backlog[p] = {}
            delivered, lost = self.delivered.setdefault(p, {}), self.lost.setdefault(p, {})
            good = self.evidence_for.setdefault(p, {})
            bad = self.evidence_against.setdefault(p, {})
            for number, d in enumerate(DOMAINS):
                due = model.due_share[d] * before[d]
                success = power.delivery[d]
                if not model.expected_delivery:
                    success = 1.0 if draws[place][number] < success else 0.0
                delivered[d] = due * success
                lost[d] = due * (1 - success)
                after[d] = before[d] - due + signed[d]
                size = 100 * due / self.gdp
                evidence = model.evidence_weight * size / (size + model.evidence_scale)
                good[d] = evidence * success
                bad[d] = evidence * (1 - success)
        self.backlog = backlog

    def learn(self) -> None:
        """E21."""
        good = [peer.evidence_for for peer in self.peers]
        bad = [peer.evidence_against for peer in self.peers]
        self.a = self._belief(self.first_a, self.a, self.evidence_for, good)
        self.b = self._belief(self.first_b, self.b, self.evidence_against, bad)

    def _belief(self, first: Cells, before: Cells, own: Cells, others: list[Cells]) -> Cells:
        weight = self.model.social_learning / len(others) if others else 0.0
        keep = self.model.memory
        after: Cells = {}
        for p, start in first.items():
            rows = [other[p] for other in others]
            old, seen = before[p], own[p]
            after[p] = {
                d: start[d]
                + keep * (old[d] - start[d])
                + seen[d]
                + weight * sum([row[d] for row in rows])
                for d in DOMAINS
            }
        return after

    def accumulate(self) -> None:
        """E19; the state's GDP grows, and its picks become those of the step before."""
        model = self.model
        growth = math.exp(self.growth * model.years)
        self.capital = {
            p: {d: row[d] * model.survival[d] + self.delivered[p][d] for d in DOMAINS}
            for p, row in self.capital.items()
        }
        self.other_capital = {d: stock * growth for d, stock in self.other_capital.items()}
        self.investment = {
            p: stock * model.investment_survival
            + sum([money for d, money in self.delivered[p].items() if d != SECURITY])
            for p, stock in self.investment.items()
        }
        self.gdp *= growth
        self.chosen = self.next_chosen


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
    flows : by name, then [step]: ``signed``, ``delivered``, ``lost`` and ``chosen`` by state,
        power and domain; ``none_probability`` by state and domain; ``offered`` by power;
        ``threat`` by state; ``sanctions``.
    stocks : by name, then [point], T + 1 points: ``backlog``, ``capital``, ``a``, ``b`` by state,
        power and domain; ``other_capital`` by state and domain; ``investment`` and ``dependence``
        by state and power; ``gdp`` and ``security`` by state; ``budget`` and ``unspent`` by power.
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
        self._event_uniforms = draws.events[..., 0, 0].tolist()
        self.point = 0
        self._read_rules()
        self._read_events()
        self.alpha = self._alpha(constants)
        self.power_agents = [Power(self, code) for code in scenario.powers]
        self.state_agents = [State(self, code) for code in scenario.states]
        for state in self.state_agents:
            state.peers = [other for other in self.state_agents if other is not state]
        self.state_places = {code: place for place, code in enumerate(scenario.states)}
        self.picks: list[dict[str, dict[str, str | None]]] = []
        self.flows: dict[str, list[Any]] = {name: [] for name in FLOWS}
        self.stocks: dict[str, list[Any]] = {name: [] for name in STOCKS}
        self._apply_memberships()
        self._measure()

    def _read_rules(self) -> None:
        """Parameters of all states and powers, rates turned into shares of a step (1.1)."""
        n, rules = self.numbers, self.spec.rules
        self.years = self.spec.horizon.step
        self.mean_field = rules.choice.rule is ChoiceRule.MEAN_FIELD
        self.expected_delivery = self.mean_field or rules.delivery.rule is DeliveryRule.EXPECTED
        self.informed = rules.learning.prior is Prior.INFORMED
        self.precision = n["rules.choice.precision"]
        self.outside_option = n["rules.choice.outside_option"]
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
        self.protection_effect = n["rules.dependence.protection_effect"]
        self.base_sanctions = n["rules.environment.sanctions"]
        self.base_war = n["rules.environment.war"]

    def _read_events(self) -> None:
        """Sort the events into dated effects, dated memberships and those that strike at a rate."""
        self.clock = parse_period(self.spec.horizon.start)
        acting = (Target.SANCTIONS, Target.THREAT, Target.WAR)
        events = self.spec.events.items()
        self.rated = [(code, event) for code, event in events if event.rate is not None]
        self.dated = [
            (code, event) for code, event in events if event.rate is None and event.target in acting
        ]
        self.accessions = sorted(
            [(code, event) for code, event in events if event.target is Target.MEMBERSHIP],
            key=lambda accession: parse_period(str(accession[1].date)),
        )
        self.surges = {
            code: dict.fromkeys(event.states or ("",), 0.0) for code, event in self.rated
        }
        self.membership = {
            s: {
                i: self.numbers.get(f"institutions.{i}.members.{s}", 0.0)
                for i in self.spec.institutions
            }
            for s in self.spec.states
        }

    def _alpha(self, constants: Constants) -> Cells:
        """Constants, moved by the change of the target shares' log-odds against none."""
        found: Cells = {}
        for p in self.spec.powers:
            found[p] = {}
            for d, constant in zip(DOMAINS, constants[p], strict=True):
                shares = self.spec.rules.choice.target_shares[d]
                drawn = self.numbers[shares.name(p)] / self.numbers[shares.name("none")]
                central = shares.of(p) / shares.of("none")
                found[p][d] = constant + math.log(drawn) - math.log(central)
        return found

    def choice_uniforms(self, state: str) -> list[list[float]]:
        """Uniforms of stream 1 for a state in this step, by option ("none" first) and domain."""
        found: list[list[float]] = self._choice_uniforms[self.point][self.state_places[state]]
        return found

    def delivery_uniforms(self, state: str) -> list[list[float]]:
        """Uniforms of stream 2 for a state in this step, by power and domain."""
        found: list[list[float]] = self._delivery_uniforms[self.point][self.state_places[state]]
        return found

    def step(self) -> None:
        """One step: stages 0 to 10 of section 1.8, as far as they are switched on."""
        states, powers = self.agents_by_type[State], self.agents_by_type[Power]
        self._strike()
        powers.do("post_offers")
        states.do("choose")
        powers.do("settle")
        states.do("process")
        states.do("learn")
        states.do("accumulate")
        powers.do("grow")
        self._record_flows()
        self.point += 1
        self.clock += self.years
        self._apply_memberships()
        self._measure()
        self.running = self.point < self.spec.steps

    def run(self) -> ReferenceModel:
        """Step to the end of the horizon."""
        while self.running:
            self.step()
        return self

    def forget(self) -> None:
        """Drop the uniforms and all records but those of the last step."""
        self._choice_uniforms, self._delivery_uniforms, self._event_uniforms = [], [], []
        for record in (self.picks, *self.flows.values(), *self.stocks.values()):
            del record[:-1]

    def _apply_memberships(self) -> None:
        """E1 for M_si: from its date an event replaces the membership of its institution."""
        for code, event in list(self.accessions):
            if self._has_begun(event):
                for s in self.spec.states:
                    members = self.numbers.get(f"events.{code}.members.{s}", 0.0)
                    self.membership[s][str(event.institution)] = members
                self.accessions.remove((code, event))
                for state in self.state_agents:
                    state.join_institutions()

    def _strike(self) -> None:
        """E1 for X, tau_s and War."""
        self._draw_surges()
        self.sanctions = clip(self.base_sanctions + self._effect(Target.SANCTIONS, ""), 1.0)
        self.war = clip(self.base_war + self._effect(Target.WAR, ""), 1.0)
        for state in self.state_agents:
            threat = state.base_threat + self._effect(Target.THREAT, state.code)
            state.threat = clip(threat, MAX_THREAT)

    def _draw_surges(self) -> None:
        """E1 for events at a rate: what is left of earlier ones, plus N_e new ones (stream 3)."""
        for place, (code, _) in enumerate(self.rated):
            path = f"events.{code}."
            mean = self.numbers[path + "rate"] * self.years
            size = self.numbers[path + "size"]
            left = 2.0 ** (-self.years / self.numbers[path + "half_life"])
            for s, surge in self.surges[code].items():
                if s and s not in self.state_places:
                    continue
                row = self.state_places.get(s, 0)
                u = self._event_uniforms[self.point][row][place]
                self.surges[code][s] = surge * left + size * poisson_quantile(u, mean)

    def _effect(self, target: Target, state: str) -> float:
        """Sum of all effects on a target (of one state)."""
        total = 0.0
        for code, event in self.rated:
            if event.target is target:
                surges = self.surges[code]
                total += surges.get("", 0.0) + (surges.get(state, 0.0) if state else 0.0)
        for code, event in self.dated:
            strikes = event.target is target and (not event.states or state in event.states)
            if strikes and self._has_begun(event):
                age = max(0.0, self.clock - parse_period(str(event.date)))
                half_life = self.numbers.get(f"events.{code}.half_life", math.inf)
                total += self.numbers[f"events.{code}.size"] * 2.0 ** (-age / half_life)
        return total

    def _has_begun(self, event: EventSpec) -> bool:
        return self.clock >= parse_period(str(event.date)) - TIME_SLACK

    def _measure(self) -> None:
        """Dependence at this point, and all stocks at this point for the record."""
        for state in self.state_agents:
            state.measure_ties()
        for name in STATE_STOCKS:
            self.stocks[name].append({s.code: getattr(s, name) for s in self.state_agents})
        for name in POWER_STOCKS:
            self.stocks[name].append({p.code: getattr(p, name) for p in self.power_agents})

    def _record_flows(self) -> None:
        self.picks.append({s.code: s.picks for s in self.state_agents})
        for name in STATE_FLOWS:
            self.flows[name].append({s.code: getattr(s, name) for s in self.state_agents})
        self.flows["offered"].append({p.code: p.offered for p in self.power_agents})
        self.flows["sanctions"].append(self.sanctions)


def probabilities(utilities: list[float], precision: float) -> list[float]:
    """E16: logit, or for infinite precision equal chances of the best options."""
    best = max(utilities)
    if math.isinf(precision):
        odds = [1.0 if utility == best else 0.0 for utility in utilities]
    else:
        odds = [math.exp(precision * (utility - best)) for utility in utilities]
    whole = sum(odds)
    return [part / whole for part in odds]


def pick_number(utilities: list[float], uniforms: list[float], precision: float) -> int:
    """E16: the highest noisy score, or for infinite precision utility; ties go by the noise."""
    noise = [-math.log(-math.log(u)) for u in uniforms]
    if math.isinf(precision):
        best = max(utilities)
        scores = [
            g if utility == best else -math.inf for utility, g in zip(utilities, noise, strict=True)
        ]
    else:
        scores = [precision * utility + g for utility, g in zip(utilities, noise, strict=True)]
    return scores.index(max(scores))


def poisson_quantile(u: float, mean: float) -> int:
    """E1: the smallest n with Pr(N <= n) >= u."""
    number, term = 0, math.exp(-mean)
    total = term
    while total < u:
        number += 1
        term *= mean / number
        if total + term == total and number > mean:
            break
        total += term
    return number


def clip(number: float, upper: float) -> float:
    """Keep a number between 0 and an upper limit."""
    return min(max(number, 0.0), upper)


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
        draws = Draws(
            choice=self.draws.choice[..., one],
            delivery=self.draws.delivery[..., one],
            events=self.draws.events[..., one],
        )
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
