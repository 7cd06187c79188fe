"""Powers adapt (E28-E30, O2, O5): slopes of the choice rule, shares that keep their sum (P17)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import cube, frozen, one

from sim.axes import DOMAIN, POWER, STATE, FloatArray
from sim.rules import adaptation, appraisal, choice, offers

SEEDS = st.integers(0, 2**32 - 1)
NESTS = pytest.mark.parametrize("nest", [1.0, 0.7, 0.3])
SHAPE = (2, 3, 2, 4)
STENCIL = ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12))
"""Points and weights of a derivative whose error falls with the fourth power of the step."""


class Offers:
    """Random offers of three powers to two states in two domains, and how they are chosen."""

    def __init__(self, seed: int, nest: float) -> None:
        generator = np.random.default_rng(seed)

        def draw(low: float, high: float, *shape: int) -> FloatArray:
            return frozen(generator.uniform(low, high, shape))

        self.precision = draw(0.5, 2, 1, 1, 1, 4)
        self.weight = draw(0.5, 1.5, 2, 1, 2, 1)
        self.credibility = draw(0.2, 0.9, *SHAPE)
        self.scale = draw(0.1, 0.6, 1, 1, 1, 4)
        self.gdp = draw(20, 300, 2, 1, 1, 1)
        self.amount = draw(0.05, 2, *SHAPE)
        self.rest = draw(-2, 2, *SHAPE)
        self.nest = one(nest)

    def chances(self, amount: FloatArray) -> FloatArray:
        """P of all options, "none" first, when so much money is offered (E4, E6, E16, O3)."""
        value = frozen(offers.value(frozen(amount), self.gdp))
        benefit = appraisal.benefit(self.weight, self.credibility, value, self.scale)
        score = choice.scores(frozen(benefit + self.rest), one(0.2), self.precision)
        return choice.probabilities(choice.nested(frozen(score), self.nest), None)

    def slope(self, power: int) -> FloatArray:
        """Derivative of all powers' chances in the money of one of them, by differences."""
        found = np.zeros(SHAPE)
        step = np.zeros(SHAPE)
        step[:, power] = 1e-3 * self.amount[:, power]
        for times, share in STENCIL:
            found += share * self.chances(self.amount + times * step)[:, 1:]
        slope: FloatArray = found / step[:, power : power + 1]
        return slope

    def per_score(self) -> FloatArray:
        value = frozen(offers.value(self.amount, self.gdp))
        return frozen(
            adaptation.return_on_money(
                self.precision, self.weight, self.credibility, value, self.scale, self.gdp
            )
        )

    def shares(self) -> tuple[FloatArray, FloatArray]:
        """P of the powers, and q, their shares among all that pick somebody."""
        chance = self.chances(self.amount)
        return frozen(chance[:, 1:]), frozen(chance[:, 1:] / (1 - chance[:, :1]))


@NESTS
@given(SEEDS)
def test_p17_own_slope_is_the_derivative_of_the_choice_rule(nest: float, seed: int) -> None:
    """P17, E28: sl = lambda w mu/(v0 + mu v) (100/Y) P (1 - P) = dP/dg, and its form in a nest."""
    cell = Offers(seed, nest)
    chosen, inside = cell.shares()
    within = None if nest == 1 else frozen((1 / nest - 1) * (1 - inside))
    found = cell.per_score() * adaptation.marginal_choice(chosen, within)
    for power in range(3):
        wanted = cell.slope(power)[:, power]
        np.testing.assert_allclose(found[:, power], wanted, rtol=1e-9, atol=1e-9)
        assert (wanted > 0).all()


@NESTS
@given(SEEDS)
def test_p17_cross_terms_are_derivatives_of_the_choice_rule(nest: float, seed: int) -> None:
    """P17, E28: what p's money takes from p' is P_p' P_p times the slope of the score of p."""
    cell = Offers(seed, nest)
    chosen, inside = cell.shares()
    pull = frozen(chosen + (1 / nest - 1) * inside)
    generator = np.random.default_rng(seed)
    weight = frozen(generator.uniform(0, 1, (1, 3, 3, 1)))
    valuation = frozen(generator.uniform(0, 5, SHAPE))
    found = adaptation.others_loss(weight, cell.per_score(), valuation, chosen, pull)
    for power in range(3):
        slope = cell.slope(power)
        wanted = np.zeros_like(slope[:, 0])
        for other in range(3):
            if other != power:
                wanted -= weight[0, power, other] * valuation[:, other] * slope[:, other]
        np.testing.assert_allclose(found[:, power], wanted, rtol=1e-9, atol=1e-9)


def test_in_a_nest_of_scale_one_the_slope_is_that_of_the_plain_logit() -> None:
    chosen, inside = Offers(3, 1.0).shares()
    within = frozen((1 / 1.0 - 1) * (1 - inside))
    np.testing.assert_array_equal(
        adaptation.marginal_choice(chosen, within), adaptation.marginal_choice(chosen, None)
    )


def test_slope_of_known_chances() -> None:
    found = adaptation.marginal_choice(cube(0.5, 0.25, 0.0, 1.0, axis=POWER), None)
    assert found.ravel().tolist() == [0.25, 0.1875, 0, 0]
    nested = adaptation.marginal_choice(one(0.25), one(0.5))
    assert nested.item() == 0.25 * 0.75 + 0.25 * 0.5


def test_return_on_money_in_closed_form() -> None:
    """lambda w mu / (v0 + mu v) (100 / Y)."""
    found = adaptation.return_on_money(one(1.5), one(0.8), one(0.6), one(0.5), one(0.3), one(50.0))
    assert found.item() == pytest.approx(1.5 * 0.8 * 0.6 / (0.3 + 0.3) * 2, rel=1e-15)


def test_nobody_counts_own_losses_or_those_of_powers_without_weight() -> None:
    chosen = cube(0.2, 0.3, 0.1, axis=POWER)
    own_only = frozen(np.eye(3).reshape(1, 3, 3, 1))
    ones = cube(1, 1, 1, axis=POWER)
    assert not adaptation.others_loss(own_only, ones, ones, chosen, chosen).any()
    one_other = np.zeros((1, 3, 3, 1))
    one_other[0, 1, 0] = 0.5  # the second power spares the first, not the other way round
    found = adaptation.others_loss(frozen(one_other), ones, ones, chosen, chosen)
    np.testing.assert_allclose(found.ravel(), [0, 0.5 * 0.2 * 0.3, 0], rtol=1e-15)


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("weight", "wanted"), [(0.0, 2.0), (0.25, 2.5), (1.0, 4.0)])
def test_memory_moves_a_share_of_the_way(weight: float, wanted: float) -> None:
    """E29: m' = m + xi (seen - m)."""
    assert adaptation.remember(one(2.0), one(4.0), one(weight)).item() == wanted


# --- shares of the budget -------------------------------------------------------------------------

SHARES = arrays(np.float64, (2, 3, 4, 2), elements=st.floats(1e-4, 1))
RETURNS = arrays(np.float64, (2, 3, 4, 2), elements=st.floats(1e-9, 10))


def by_power(array: FloatArray) -> FloatArray:
    total: FloatArray = array.sum(axis=(STATE, DOMAIN), keepdims=True)
    return total


def budget(shares: np.ndarray, whole: float = 0.9) -> FloatArray:
    """Shares of a budget of which a tenth is kept in reserve."""
    return frozen(whole * shares / by_power(shares))


@given(SHARES, SHARES, RETURNS, st.floats(0, 3), st.floats(0, 1))
def test_p17_shares_of_a_power_keep_their_sum(
    shares: np.ndarray, first: np.ndarray, returns: np.ndarray, speed: float, tremble: float
) -> None:
    found = adaptation.shift(
        budget(shares), frozen(returns), budget(first), one(speed), one(tremble)
    )
    np.testing.assert_allclose(by_power(found), 0.9, rtol=1e-12)
    assert (found >= 0).all()


@given(SHARES, RETURNS, st.floats(0, 1))
def test_p17_without_speed_the_first_shares_stay_to_the_last_bit(
    shares: np.ndarray, returns: np.ndarray, tremble: float
) -> None:
    """P17, null of E30: gamma = 0, whatever the returns and the tremble."""
    first = budget(shares)
    found = adaptation.shift(first, frozen(returns), first, one(0.0), one(tremble))
    np.testing.assert_array_equal(found, first)


@given(SHARES, st.floats(0.1, 5), st.floats(0, 3))
def test_equal_returns_move_no_money(shares: np.ndarray, level: float, speed: float) -> None:
    first = budget(shares)
    equal = frozen(np.full(shares.shape, level))
    found = adaptation.shift(first, equal, first, one(speed), one(0.05))
    np.testing.assert_allclose(found, first, rtol=1e-12)


def test_money_moves_in_proportion_to_a_power_of_its_return() -> None:
    """E30: sigma' is proportional to sigma m^(gamma Delta); here .2 x 4^.5 against .6 x 1."""
    allocation, returns = cube(0.2, 0.6, axis=DOMAIN), cube(4.0, 1.0, axis=DOMAIN)
    found = adaptation.shift(allocation, returns, allocation, one(0.5), one(0.0))
    np.testing.assert_allclose(found.ravel(), [0.8 * 0.4, 0.8 * 0.6], rtol=1e-14)
    trembling = adaptation.shift(allocation, returns, allocation, one(0.5), one(0.1))
    wanted = [0.9 * 0.32 + 0.1 * 0.2, 0.9 * 0.48 + 0.1 * 0.6]
    np.testing.assert_allclose(trembling.ravel(), wanted, rtol=1e-14)


@pytest.mark.parametrize("unit", [1e-6, 3.0, 1e6])
def test_only_relative_returns_count(unit: float) -> None:
    generator = np.random.default_rng(4)
    first, returns = budget(generator.uniform(0.1, 1, SHAPE)), generator.uniform(0.1, 5, SHAPE)
    plain, scaled = (
        adaptation.shift(first, frozen(times * returns), first, one(0.7), one(0.05))
        for times in (1.0, unit)
    )
    np.testing.assert_allclose(scaled, plain, rtol=1e-11)


def test_powers_shift_their_own_money_only() -> None:
    first = budget(np.ones((2, 2, 2, 1)))
    returns = np.ones((2, 2, 2, 1))
    returns[0, 1, 0] = 9.0
    found = adaptation.shift(first, frozen(returns), first, one(0.5), one(0.0))
    np.testing.assert_allclose(found[:, 0], first[:, 0], rtol=1e-14)
    assert found[0, 1, 0, 0] > first[0, 1, 0, 0]
    assert (np.delete(found[:, 1].ravel(), 0) < np.delete(first[:, 1].ravel(), 0)).all()


def test_a_cell_without_money_returns_by_the_tremble_only() -> None:
    now, first = cube(0.0, 0.8, axis=DOMAIN), cube(0.4, 0.4, axis=DOMAIN)
    returns = cube(5.0, 1.0, axis=DOMAIN)
    still = adaptation.shift(now, returns, first, one(0.5), one(0.0))
    np.testing.assert_allclose(still.ravel(), [0, 0.8], rtol=1e-14)
    back = adaptation.shift(now, returns, first, one(0.5), one(0.1))
    np.testing.assert_allclose(back.ravel(), [0.04, 0.76], rtol=1e-14)


def test_a_power_without_money_has_none_to_shift() -> None:
    nothing = frozen(np.zeros((2, 1, 3, 2)))
    returns = frozen(np.random.default_rng(2).uniform(0.1, 5, (2, 1, 3, 2)))
    found = adaptation.shift(nothing, returns, nothing, one(0.5), one(0.05))
    np.testing.assert_array_equal(found, nothing)


# --- concessions ----------------------------------------------------------------------------------


def conceded(condition: float, chance: float, first: float, speed: float) -> float:
    return adaptation.concede(one(condition), one(chance), one(first), one(speed)).item()


def test_losers_soften_and_winners_harden_their_conditions() -> None:
    """O5: c' = c + eta_c (P-bar - P*) Delta."""
    assert conceded(0.4, 0.15, 0.2, 0.5) == pytest.approx(0.4 - 0.025, rel=1e-15)
    assert conceded(0.4, 0.3, 0.2, 0.5) == pytest.approx(0.4 + 0.05, rel=1e-15)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: conceded(c, 0.3, 0.3, 0.5),
        lambda c: conceded(c, 0.1, 0.3, 0.0),
    ],
    ids=["as many picks as at first", "no speed"],
)
@pytest.mark.parametrize("condition", [0.0, 0.37, 1.0])
def test_conditions_stay_where_nothing_moves_them(
    call: Callable[[float], float], condition: float
) -> None:
    assert call(condition) == condition


@pytest.mark.parametrize(("condition", "chance", "wanted"), [(0.05, 0.0, 0.0), (0.95, 1.0, 1.0)])
def test_conditions_stop_at_none_and_at_all_autonomy(
    condition: float, chance: float, wanted: float
) -> None:
    assert conceded(condition, chance, 0.5, 3.0) == wanted
