"""States and powers of the reference model: one Mesa agent each, plain Python."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import mesa
from reference_events import clip, level, parts
from reference_trade import Choice

from sim.axes import DOMAINS
from sim.periods import parse_period
from sim.specs import Target

if TYPE_CHECKING:
    from reference_model import ReferenceModel

TRADE: Final = "trade"
INFRASTRUCTURE: Final = "infrastructure"
SECURITY: Final = "security"
TECHNOLOGY: Final = "technology"
CAPITAL_DOMAINS: Final = tuple(domain for domain in DOMAINS if domain != TRADE)
ROW: Final = "row"
SMALLEST_RETURN: Final = 1e-9
NORMAL: Final = NormalDist()

Cells = dict[str, dict[str, float]]
"""Numbers of one state by power and domain, or of one power by state and domain."""


class Power(mesa.Agent):
    """A power that splits a budget into offers."""

    model: ReferenceModel

    def __init__(self, model: ReferenceModel, code: str) -> None:
        """Read the numbers of one power."""
        super().__init__(model)
        numbers, path = model.numbers, f"powers.{code}."
        self.code = code
        self.spec = model.spec.powers[code]
        self.growth = numbers[path + "budget_growth"]
        self.war_drain = numbers[path + "war_drain"]
        self.sanction_drain = numbers[path + "sanction_drain"]
        self.commodity_effect = numbers[path + "commodity_effect"]
        self.base_coercibility = numbers[path + "coercibility"]
        self.sanction_exposure = numbers[path + "sanction_exposure"]
        self.base_protection = numbers[path + "protection"]
        self.base_delivery = {d: numbers[f"{path}delivery.{d}"] for d in DOMAINS}
        self.sanction_loss = numbers[path + "delivery_sanction_effect"]
        self.conditionality = {d: numbers[f"{path}conditionality.{d}"] for d in DOMAINS}
        self.partners = {
            p: numbers.get(f"rules.adaptation.coordination.{code}.{p}", 0.0)
            for p in model.spec.powers
            if p != code
        }
        summits = self.spec.summits
        self.first_summit = 0.0 if summits is None else parse_period(summits.first)
        self.budget = numbers[path + "budget"] * model.budget_scale
        self.unspent = 0.0
        self.envelope = 0.0
        self.first_shares = self.shares = self._first_shares(path)
        self.amounts: Cells = {}
        self.offers: Cells = {}
        self.offered = 0.0
        self.worth: Cells = {}
        self.remembered: Cells = {}
        self.first_success: dict[str, float] = {}

    def _first_shares(self, path: str) -> Cells:
        """Table 1.6: domain part times state part, the latter in proportion to sqrt(Y_s)."""
        numbers, states = self.model.numbers, self.model.spec.states
        roots = {s: math.sqrt(numbers[f"states.{s}.gdp"]) for s in states}
        whole = sum(roots.values())
        return {
            s: {d: numbers[f"{path}domain_shares.{d}"] * root / whole for d in DOMAINS}
            for s, root in roots.items()
        }

    def adjust(self) -> None:
        """E1 and E18: coercibility and chances of delivery in this step."""
        model, events, p = self.model, self.model.events, self.code
        self.coercibility = max(
            0.0, events.level(Target.COERCIBILITY, self.base_coercibility, power=p)
        )
        kept = 1 - self.sanction_loss * (model.sanctions - model.base_sanctions)
        self.delivery = {
            d: clip(clip(events.level(Target.DELIVERY, base, power=p, domain=d), 1.0) * kept, 1.0)
            for d, base in self.base_delivery.items()
        }

    def meets(self) -> bool:
        """O4: whether there is a summit in this step."""
        if self.spec.summits is None:
            return False
        every = self.model.numbers[f"powers.{self.code}.summits.every"]
        turns = (self.model.clock - self.first_summit) / every
        return abs(turns - round(turns)) * every < 1e-6

    def _pulse(self) -> float:
        """O4: part of the money of a step that is on the table in it, mean 1 over the calendar."""
        model = self.model
        if self.spec.summits is None:
            return 1.0
        steps = model.numbers[f"powers.{self.code}.summits.every"] / model.years
        return 1 - model.summit_share + (model.summit_share * steps if self.meets() else 0.0)

    def post_offers(self) -> None:
        """E2 (available money) and E3 (offers of the least size or more; nothing is no offer)."""
        model = self.model
        scale = model.events.level(Target.BUDGET, 1.0, power=self.code)
        self.envelope = (
            self.budget * scale * model.years * self._pulse() + model.rollover * self.unspent
        )
        self.amounts, self.offers = {}, {}
        for state, shares in self.shares.items():
            amounts = {d: share * self.envelope for d, share in shares.items()}
            self.amounts[state] = amounts
            self.offers[state] = {
                d: g for d, g in amounts.items() if g >= model.minimum_offer and g > 0
            }
        self.offered = sum(sum(amounts.values()) for amounts in self.offers.values())

    def settle(self) -> None:
        """E17: what nobody signed stays in the envelope."""
        signed = sum(sum(s.signed[self.code].values()) for s in self.model.state_agents)
        self.unspent = self.envelope - signed

    def value(self) -> None:
        """E28 at the start: what money is worth, by revealed preference."""
        self.worth = {
            s.code: {d: 1 / slope if slope > 0 else 0.0 for d, slope in s.slopes[self.code].items()}
            for s in self.model.state_agents
        }

    def _returns(self) -> Cells:
        """E28, with coordination (O2): returns to money, less what friendly powers lose by it."""
        model, p = self.model, self.code
        rivals = {
            q.code: self.partners[q.code] for q in model.power_agents if self.partners.get(q.code)
        }
        found: Cells = {}
        for s in model.state_agents:
            slopes = s.slopes[p]
            row = found[s.code] = {d: self.worth[s.code][d] * slopes[d] for d in DOMAINS}
            for q, weight in rivals.items():
                worth = model.powers[q].worth[s.code]
                for d in DOMAINS:
                    row[d] -= weight * worth[d] * s.crowding(p, q, d)
            for d in DOMAINS:
                row[d] = max(row[d], SMALLEST_RETURN)
        return found

    def adapt(self) -> None:
        """E29 and E30: shares move to where money had returns, a few stay where they were."""
        model, returns = self.model, self._returns()
        keep, tremble, speed = 1 - model.memory_share, model.tremble, model.speed * model.years
        if self.remembered:
            returns = {
                s: {d: keep * row[d] + model.memory_share * returns[s][d] for d in DOMAINS}
                for s, row in self.remembered.items()
            }
        self.remembered = returns
        whole = sum(sum(row.values()) for row in self.shares.values())
        mean = sum(row[d] * returns[s][d] for s, row in self.shares.items() for d in DOMAINS)
        if mean <= 0:
            return
        grown = {
            s: {d: row[d] * (returns[s][d] / mean) ** speed for d in DOMAINS}
            for s, row in self.shares.items()
        }
        norm = whole / sum(sum(row.values()) for row in grown.values())
        self.shares = {
            s: {
                d: norm * row[d] + tremble * (self.first_shares[s][d] - norm * row[d])
                for d in DOMAINS
            }
            for s, row in grown.items()
        }

    def soften(self) -> None:
        """O5: a power that wins less than at the start asks for less, and the other way round."""
        model, states = self.model, self.model.state_agents
        mean = sum(s.chances[self.code][d] for s in states for d in DOMAINS)
        mean /= len(states) * len(DOMAINS)
        if model.point == 0:
            self.first_success = {"": mean}
        change = model.condition_speed * (mean - self.first_success[""]) * model.years
        self.conditionality = {d: clip(c + change, 1.0) for d, c in self.conditionality.items()}

    def grow(self) -> None:
        """E2: the budget grows; war and sanctions drain it, prices feed it."""
        model = self.model
        rate = (
            self.growth
            - self.war_drain * model.war
            - self.sanction_drain * (model.sanctions - model.base_sanctions)
            + self.commodity_effect * model.commodity
        )
        self.budget *= math.exp(rate * model.years)


class State(mesa.Agent):
    """A state that picks one offer, or none, in each domain and step."""

    model: ReferenceModel

    def __init__(self, model: ReferenceModel, code: str) -> None:
        """Read the numbers of one state and set its stocks at the start."""
        super().__init__(model)
        numbers, path = model.numbers, f"states.{code}."
        powers = model.spec.powers
        self.code = code
        self.gdp = self.first_gdp = numbers[path + "gdp"]
        self.growth = numbers[path + "growth"]
        self.commodity_effect = numbers[path + "commodity_effect"]
        self.condition_aversion = (  # beta_c kappa_s
            model.condition_aversion * numbers[path + "conditionality_sensitivity"]
        )
        self.hedging = numbers[path + "hedging"]
        self.threat = self.base_threat = numbers[path + "threat"]
        self.migration = 0.0
        self.own_security = numbers[path + "own_security"]
        raw = {d: numbers[f"{path}domain_weights.{d}"] for d in DOMAINS}
        mean = sum(raw.values()) / len(DOMAINS)
        self.weights = {d: weight / mean for d, weight in raw.items()}
        self.opinion_effect = model.opinion_weight * numbers[path + "responsiveness"]
        self.base_opinion = {p: numbers[f"{path}opinion.{p}"] for p in powers}
        self.opinion_shift = dict.fromkeys(powers, 0.0)
        self.reexport_effect = numbers[path + "reexport_effect"]
        self.in_bloc = model.cohesion > 0 and numbers.get(f"rules.bloc.members.{code}", 0.0) > 0
        self.struck = dict.fromkeys(powers, 0.0)
        self.leverage = 1 - model.cohesion * model.bloc_leverage if self.in_bloc else 1.0
        self.peers: list[State] = []
        self._start_trade(path)
        self._start_capital(path)
        self._start_beliefs()
        none = {p: dict.fromkeys(DOMAINS, 0.0) for p in powers}
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
        """T0_sj: what powers that take no part trade counts as that of the rest of the world."""
        model, numbers = self.model, self.model.numbers
        self.trade = {p: numbers.get(f"{path}trade.{p}", 0.0) for p in model.spec.powers}
        entries = model.spec.states[self.code].trade.entries
        self.trade[ROW] = sum(numbers[f"{path}trade.{j}"] for j in entries if j not in self.trade)
        self.first_trade = self.trade
        self.trade_shock = dict.fromkeys(self.trade, 0.0)
        self.leading = {j: model.network.leading(self.code, j) for j in self.trade}
        self.routes: dict[str, Choice] = {}
        self.first_costs: dict[str, float] = {}
        self.trade_cost: dict[str, float] = {}
        self.first_remittances = self.remittances = (
            numbers[path + "remittances"] * self.gdp * numbers[path + "remittances_from_russia"]
        )

    def _start_capital(self, path: str) -> None:
        """E19 (start)."""
        model, numbers = self.model, self.model.numbers
        self.capital: Cells = {p: {} for p in model.spec.powers}
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
            prior = p.base_delivery if model.informed else dict.fromkeys(DOMAINS, 0.5)
            self.first_a[p.code] = {d: strength * prior[d] for d in DOMAINS}
            self.first_b[p.code] = {d: strength * (1 - prior[d]) for d in DOMAINS}
        self.a, self.b = self.first_a, self.first_b

    def join_institutions(self) -> None:
        """E8 without opinion, and the protection of alliances, both by membership M_si."""
        model, numbers = self.model, self.model.numbers
        membership = model.membership[self.code]
        self.anchors: Cells = {}
        self.alliances: dict[str, float] = {}
        for p in model.spec.powers:
            self.anchors[p] = {
                d: model.alpha[p][d]
                + sum(
                    share * numbers.get(f"institutions.{i}.anchors.{p}.{d}", 0.0)
                    for i, share in membership.items()
                )
                for d in DOMAINS
            }
            self.alliances[p] = sum(
                share * numbers.get(f"institutions.{i}.protection.{p}", 0.0)
                for i, share in membership.items()
            )

    def measure_ties(self) -> None:
        """E22 to E26 and E31; protection and opinion as events leave them."""
        model, events, s = self.model, self.model.events, self.code
        traded = sum(self.trade.values())
        ties: Cells = {
            p: {TRADE: self.trade[p] / traded if traded > 0 else 0.0} for p in self.capital
        }
        self.transit = {p: self._transit(p, traded) for p in self.capital}
        for d in CAPITAL_DOMAINS:
            capital = {p: row[d] for p, row in self.capital.items()}
            if d == TECHNOLOGY:
                for p, spec in model.spec.powers.items():
                    if spec.hosts_migrants:
                        capital[p] += model.remittance_years * self.remittances
            whole = sum(capital.values()) + self.other_capital[d]
            for p, part in capital.items():
                ties[p][d] = part / whole if whole > 0 else 0.0
        for p, row in ties.items():
            stock, share = row[INFRASTRUCTURE], model.transit_weight
            row[INFRASTRUCTURE] = (1 - share) * stock + share * self.transit[p]
        self.ties = ties
        self.dependence = {
            p: sum(model.tie_weights[d] * tie for d, tie in row.items()) for p, row in ties.items()
        }
        self.protection = {p.code: self._protection(p) for p in model.power_agents}
        shelter = sum(self.protection[p] * row[SECURITY] for p, row in ties.items())
        self.security = 1 - math.exp(-self.own_security - model.protection_effect * shelter)
        self.sanctioners = sum(  # ex_s of E12
            ties[p][TRADE] for p, spec in model.spec.powers.items() if spec.imposes_sanctions
        )
        self.open_opinion = {
            p: clip(events.level(Target.OPINION, base, state=s, power=p), 1.0)
            for p, base in self.base_opinion.items()
        }
        self.opinion = {
            p: clip(base + self.opinion_shift[p], 1.0) for p, base in self.open_opinion.items()
        }

    def _protection(self, power: Power) -> float:
        """E11: events add to what a power offers without alliances, or multiply all of it."""
        p = power.code
        added, factor = parts(self.model.events.effects, Target.PROTECTION, power=p)
        alone = max(0.0, power.base_protection + added)
        return min(1.0, (alone + self.alliances[p]) * factor)

    def _transit(self, power: str, traded: float) -> float:
        """E24: share of trade with others that has to pass a power's chokepoints."""
        if traded <= 0:
            return 0.0
        held = sum(
            [t * self.routes[j].held.get(power, 0.0) for j, t in self.trade.items() if j != power]
        )
        return held / traded

    def appraise(self) -> None:
        """E15 for all offers that are posted; a bloc weighs the others as well."""
        events, s = self.model.events, self.code
        self.conditions: Cells = {}
        self.utilities: Cells = {}
        for power in self.model.power_agents:
            p = power.code
            self.conditions[p] = {
                d: clip(events.level(Target.CONDITIONALITY, base, state=s, power=p, domain=d), 1.0)
                * self.leverage
                for d, base in power.conditionality.items()
            }
            weighed = power.amounts[s] if self.in_bloc else power.offers[s]
            self.utilities[p] = {d: self.utility(power, d, amount) for d, amount in weighed.items()}

    def utility(self, power: Power, domain: str, amount: float) -> float:
        """E4 to E15 for one offer, without the bloc."""
        model, p = self.model, power.code
        value = 100 * amount / self.gdp
        a, b = self.a[p][domain], self.b[p][domain]
        belief = a / (a + b)
        benefit = self.weights[domain] * math.log(1 + belief * value / model.value_scale)
        conditions = self.condition_aversion * self.conditions[p][domain]
        opinion = self.opinion_effect * (self.opinion[p] - 0.5)
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
            + self.anchors[p][domain]
            + opinion
            - hedge
            + lock
            + shelter
            - sanctions
            + model.peer_weight * peers
            + model.inertia * self.chosen[p][domain]
        )

    def _agreed(self, p: str, domain: str) -> float:
        """E15: utility of an offer; a bloc moves towards the mean of its members (O1)."""
        own = self.utilities[p][domain]
        if not self.in_bloc:
            return own
        bloc = [member.utilities[p][domain] for member in self.model.bloc]
        return own + self.model.cohesion * (sum(bloc) / len(bloc) - own)

    def choose(self) -> None:
        """E16 and the first part of E17; the picks take effect when all have chosen."""
        model = self.model
        self.next_chosen: Cells = {p: {} for p in model.spec.powers}
        self.picks, self.none_probability = {}, {}
        self.signed = {p: {} for p in model.spec.powers}
        self.chances: Cells = {p: {} for p in model.spec.powers}
        self.slopes: Cells = {p: {} for p in model.spec.powers}
        draws = model.choice_uniforms(self.code)
        for number, d in enumerate(DOMAINS):
            options: list[str | None] = [None]
            utilities = [model.outside_option]
            uniforms = [draws[0][number]]
            for place, power in enumerate(model.power_agents, start=1):
                if d in power.offers[self.code]:
                    options.append(power.code)
                    utilities.append(self._agreed(power.code, d))
                    uniforms.append(draws[place][number])
            chances = probabilities(utilities, model.precision, model.nest)
            self.none_probability[d] = chances[0]
            chance = dict(zip(options, chances, strict=True))
            if model.mean_field:
                taken = chance
                likely = [option for option, part in chance.items() if part >= 0.5]
                self.picks[d] = likely[0] if likely else None
            else:
                pick = options[pick_number(utilities, uniforms, model.precision, model.nest)]
                taken = {pick: 1.0}
                self.picks[d] = pick
            for power in model.power_agents:
                p = power.code
                y = taken.get(p, 0.0)
                self.next_chosen[p][d] = y
                self.signed[p][d] = y * power.offers[self.code][d] if y > 0 else 0.0
                self.chances[p][d] = chance.get(p, 0.0)
                self.slopes[p][d] = self._slope(power, d) if p in chance else 0.0

    def _gain(self, power: Power, domain: str) -> float:
        """Change of lambda U with money, 1/bn."""
        model, p = self.model, power.code
        if math.isinf(model.precision):
            return 0.0
        a, b = self.a[p][domain], self.b[p][domain]
        belief = a / (a + b)
        value = 100 * power.amounts[self.code][domain] / self.gdp
        marginal = self.weights[domain] * belief / (model.value_scale + belief * value)
        return model.precision * marginal * 100 / self.gdp

    def _slope(self, power: Power, domain: str) -> float:
        """E28: change of the chance of a pick with the money behind it."""
        chance = self.chances[power.code][domain]
        change = chance * (1 - chance)
        if self.model.nest < 1 and chance > 0:
            within = chance / (1 - self.none_probability[domain])
            change += chance * (1 - within) * (1 / self.model.nest - 1)
        return self._gain(power, domain) * change

    def crowding(self, p: str, q: str, domain: str) -> float:
        """E28: what money of power p takes from the chance of power q."""
        mine, other = self.chances[p][domain], self.chances[q][domain]
        if mine == 0 or other == 0:
            return 0.0
        extra = 1 / self.model.nest - 1
        within = mine / (1 - self.none_probability[domain])
        return self._gain(self.model.powers[p], domain) * other * (mine + within * extra)

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

    def change_opinion(self) -> None:
        """O7 and O9: opinion forgets, moves by deliveries that surprise, and resents coercion."""
        model, after = self.model, {}
        for p, shift in self.opinion_shift.items():
            surprise = 0.0
            for d in DOMAINS:
                good, bad = self.evidence_for[p][d], self.evidence_against[p][d]
                a, b = self.a[p][d], self.b[p][d]
                surprise += good - (good + bad) * a / (a + b)  # e (Z - mu)
            moved = shift - model.reversion * model.years * shift
            moved += model.delivery_effect * surprise - model.opinion_loss * self.struck[p]
            base = self.open_opinion[p]
            after[p] = clip(base + moved, 1.0) - base
        self.opinion_shift = after

    def learn(self) -> None:
        """E21, and O10: documents carried out and not."""
        good = [peer.evidence_for for peer in self.peers]
        bad = [peer.evidence_against for peer in self.peers]
        self.a = self._belief(self.first_a, self.a, self.evidence_for, good)
        self.b = self._belief(self.first_b, self.b, self.evidence_against, bad)
        model = self.model
        p = model.spec.rules.documents.power
        if model.documents_signed and p in self.a:
            done, signed = model.documents_implemented, model.documents_signed
            good_news = model.document_weight * done
            bad_news = model.document_weight * (signed - done)
            self.a[p] = {d: a + good_news for d, a in self.a[p].items()}
            self.b[p] = {d: b + bad_news for d, b in self.b[p].items()}

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

    def move_trade(self) -> None:
        """E27c and E27d, with the stocks at the start of the step; O9 cuts trade."""
        model = self.model
        if model.trade_moves:
            jumps = self._jumps()
            self.trade = {
                j: self._next_trade(j, before) * math.exp(jumps[j]) if before > 0 else before
                for j, before in self.trade.items()
            }
            self.trade_shock = {j: shock + jumps[j] for j, shock in self.trade_shock.items()}
            for p, struck in self.struck.items():
                if struck and not (model.closable[p] and model.network.moving):
                    self.trade[p] *= model.trade_kept
        union = 1.0
        for i, effect in model.migration_effects.items():
            union += effect * (
                model.membership[self.code][i] - model.first_membership[self.code][i]
            )
        grown = sum([model.partner_grown[p] for p in model.hosts])
        self.remittances = (
            self.first_remittances
            * math.exp(model.remittance_elasticity * grown)
            * (1 - self.migration)
            * union
        )

    def _jumps(self) -> dict[str, float]:
        """O13: what strikes the trade with each partner in this step, in logs."""
        model, uniforms = self.model, self.model.trade_uniforms(self.code)
        if not uniforms:
            return dict.fromkeys(self.trade, 0.0)
        spread = model.volatility[self.code] * math.sqrt(model.years)
        partners = (*model.spec.powers, ROW)
        return {j: spread * NORMAL.inv_cdf(u) for j, u in zip(partners, uniforms, strict=True)}

    def _next_trade(self, partner: str, before: float) -> float:
        model = self.model
        pull = model.gdp_elasticity * math.log(self.gdp / self.first_gdp)
        pull += model.partner_elasticity * model.partner_grown[partner]
        pull += model.trended[partner]
        pull += self.trade_shock[partner]
        pull -= model.cost_elasticity * (self.trade_cost[partner] - self.first_costs[partner]) / 100
        spec = model.spec.powers.get(partner)
        if spec is not None:
            for i, effects in model.agreements.items():
                effect = model.events.level(
                    Target.AGREEMENT, effects[partner], institution=i, power=partner
                )
                pull += max(0.0, effect) * model.membership[self.code][i]
                pull -= effects[partner] * model.first_membership[self.code][i]
            capital = self.capital[partner][TRADE] / (0.01 * self.gdp)
            pull += model.capital_effect * math.log(1 + capital)
            if spec.sanctioned:
                pull -= model.sanction_effect * (model.sanctions - model.base_sanctions)
            if spec.reexport_partner:
                pull += self.reexport_effect * (model.war * model.reexports - model.base_war)
        gap = math.log(self.first_trade[partner]) + pull - math.log(before)
        return before * math.exp(model.trade_speed * gap)

    def accumulate(self) -> None:
        """E19; GDP grows (O8), and the state's picks become those of the step before."""
        model = self.model
        grown = (self.growth + model.events.growth(state=self.code)) * model.years
        self.capital = {
            p: {d: row[d] * model.survival[d] + self.delivered[p][d] for d in DOMAINS}
            for p, row in self.capital.items()
        }
        self.other_capital = {d: stock * math.exp(grown) for d, stock in self.other_capital.items()}
        self.investment = {
            p: stock * model.investment_survival
            + sum([money for d, money in self.delivered[p].items() if d != SECURITY])
            for p, stock in self.investment.items()
        }
        received = sum([sum(row.values()) for row in self.delivered.values()])
        prices = level(model.next_effects, Target.COMMODITY, 0.0) - model.commodity
        self.gdp *= math.exp(
            grown + model.investment_effect * received / self.gdp + self.commodity_effect * prices
        )
        self.chosen = self.next_chosen


def probabilities(utilities: list[float], precision: float, nest: float = 1.0) -> list[float]:
    """E16: logit, offers in a nest of their own; infinite precision: equal chances of the best."""
    best = max(utilities)
    if math.isinf(precision):
        odds = [1.0 if utility == best else 0.0 for utility in utilities]
    elif nest == 1.0 or len(utilities) == 1:
        odds = [math.exp(precision * (utility - best)) for utility in utilities]
    else:
        top = max(utilities[1:])
        within = [math.exp(precision * (utility - top) / nest) for utility in utilities[1:]]
        inclusive = precision * top + nest * math.log(sum(within))  # varsigma I
        none, signing = probabilities([precision * utilities[0], inclusive], 1.0)
        return [none, *[signing * part / sum(within) for part in within]]
    whole = sum(odds)
    return [part / whole for part in odds]


def pick_number(
    utilities: list[float], uniforms: list[float], precision: float, nest: float = 1.0
) -> int:
    """E16: the highest noisy score, or for infinite precision utility; ties go by the noise."""
    noise = [-math.log(-math.log(u)) for u in uniforms]
    if math.isinf(precision):
        best = max(utilities)
        scores = [
            g if utility == best else -math.inf for utility, g in zip(utilities, noise, strict=True)
        ]
        return scores.index(max(scores))
    scaled = [precision * utility / nest for utility in utilities]
    scores = [score + g for score, g in zip(scaled, noise, strict=True)]
    scores[0] = precision * utilities[0] + noise[0]
    if nest != 1.0 and len(utilities) > 1:
        top = max(scaled[1:])
        inclusive = top + math.log(sum([math.exp(score - top) for score in scaled[1:]]))
        scores[0] += (1 - nest) * inclusive
    return scores.index(max(scores))
