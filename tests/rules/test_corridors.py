"""Routes, their costs and congestion (E27a) in closed form and at random (P19)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import frozen

from sim.axes import FloatArray
from sim.errors import InputError
from sim.rules import corridors
from sim.rules.corridors import Equilibrium, RouteCosts, RouteSet

INFINITE = math.inf
TOLERANCE = 1e-8
SEEDS = st.integers(0, 2**32 - 1)


def rows(*values: float) -> FloatArray:
    """Read-only array with one row a corridor, of a single replicate."""
    return frozen(values).reshape(-1, 1)


def single(value: float) -> FloatArray:
    return rows(value)


def open_to_all(*places: int) -> RouteSet:
    return RouteSet(places, (False,) * len(places))


def alike(
    number: int, congestion: float = 0.0, capacity: float = 10.0, power: float = 4.0
) -> RouteCosts:
    """Corridors of the same cost: freight 8, time 6 and risk 3 percent."""
    return RouteCosts(
        freight=rows(*[8.0] * number),
        time=rows(*[6.0] * number),
        risk=rows(*[3.0] * number),
        leg=rows(*[1.0] * number),
        capacity=rows(*[capacity] * number),
        congestion=single(congestion),
        power=single(power),
    )


def settle(
    costs: RouteCosts,
    sensitivity: FloatArray,
    routes: list[RouteSet],
    demand: FloatArray,
    start: FloatArray | None = None,
    rounds: int = 500,
) -> Equilibrium:
    nowhere = np.zeros((len(costs.freight), demand.shape[-1]))
    return corridors.equilibrium(
        costs,
        sensitivity,
        routes,
        demand,
        nowhere if start is None else start,
        tolerance=TOLERANCE,
        rounds=rounds,
    )


# --- choice of routes -----------------------------------------------------------------------------


@given(st.integers(1, 6), st.floats(0.1, 50), st.floats(0.01, 2))
def test_p19_identical_routes_share_equally_and_save_by_their_number(
    number: int, cost: float, theta: float
) -> None:
    """P19: n identical routes give q = 1/n and C = GC - ln n / theta."""
    share, together = corridors.route_choice(rows(*[cost] * number), single(theta))
    np.testing.assert_allclose(share, 1 / number, rtol=1e-15)
    wanted = cost - math.log(number) / theta
    assert together.item() == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("theta", [1e-3, 0.1, 50.0])
def test_p19_a_single_route_costs_what_it_costs(theta: float) -> None:
    share, cost = corridors.route_choice(rows(17.3), single(theta))
    assert share.item() == 1
    assert cost.item() == 17.3


def test_shares_and_cost_of_known_routes() -> None:
    """Weights 1, 1/2 and 1/4: q = 4/7, 2/7, 1/7 and C = GC_1 - ln(7/4) / theta."""
    half = math.log(2) / 0.2
    share, cost = corridors.route_choice(rows(10, 10 + half, 10 + 2 * half), single(0.2))
    np.testing.assert_allclose(share.ravel(), [4 / 7, 2 / 7, 1 / 7], rtol=1e-14)
    assert cost.item() == pytest.approx(10 - math.log(7 / 4) / 0.2, rel=1e-14)


def test_a_closed_route_takes_nothing_and_leaves_the_others_as_they_are() -> None:
    share, cost = corridors.route_choice(rows(12, INFINITE, 15), single(0.1))
    fewer, without = corridors.route_choice(rows(12, 15), single(0.1))
    assert share.ravel().tolist() == [fewer[0, 0], 0, fewer[1, 0]]
    assert cost.item() == without.item()


@pytest.mark.parametrize("number", [0, 1, 3])
def test_without_an_open_route_there_is_none_at_any_cost(number: int) -> None:
    closed = frozen(np.full((number, 2), INFINITE))
    share, cost = corridors.route_choice(closed, single(0.1))
    assert share.shape == (number, 2)
    assert not share.any()
    assert cost.tolist() == [[INFINITE, INFINITE]]


def test_dear_routes_give_no_overflow() -> None:
    share, cost = corridors.route_choice(rows(1e6, 1e6 + 5), single(100.0))
    assert share.ravel().tolist() == pytest.approx([1, 0], abs=1e-200)
    assert cost.item() == 1e6


@given(SEEDS, st.integers(2, 6), st.floats(0.01, 1))
def test_a_choice_of_routes_never_costs_more_than_the_cheapest(
    seed: int, number: int, theta: float
) -> None:
    cost = frozen(np.random.default_rng(seed).uniform(1, 40, (number, 5)))
    share, together = corridors.route_choice(cost, single(theta))
    np.testing.assert_allclose(share.sum(axis=0), 1, rtol=1e-14)
    least = cost.min(axis=0)
    assert (together <= least + 1e-12).all()
    assert (together >= least - math.log(number) / theta - 1e-12).all()


@given(SEEDS)
def test_shares_are_the_derivative_of_the_cost_of_the_set(seed: int) -> None:
    """dC/dGC_k = q_k: what one route gets dearer by is felt in proportion to its share."""
    cost = np.random.default_rng(seed).uniform(5, 20, (4, 1))
    share, _ = corridors.route_choice(frozen(cost), single(0.2))
    for place in range(4):
        step = np.zeros((4, 1))
        step[place] = 1e-5
        above, below = (
            corridors.route_choice(frozen(cost + sign * step), single(0.2))[1].item()
            for sign in (1, -1)
        )
        assert (above - below) / 2e-5 == pytest.approx(share[place, 0], rel=1e-6, abs=1e-9)


# --- costs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0, 3.5])
def test_congestion_is_the_formula_of_the_bureau_of_public_roads(power: float) -> None:
    """f c (Fl/Cap)^n and its slope n f c (Fl/Cap)^(n-1) / Cap."""
    costs = alike(2, congestion=0.15, capacity=20.0, power=power)
    crowd, slope = corridors.crowding(costs, rows(30.0, 5.0))
    wanted = [8 * 0.15 * load**power for load in (1.5, 0.25)]
    np.testing.assert_allclose(crowd.ravel(), wanted, rtol=1e-14)
    steep = [8 * 0.15 * power * load ** (power - 1) / 20 for load in (1.5, 0.25)]
    np.testing.assert_allclose(slope.ravel(), steep, rtol=1e-14)


def test_an_empty_corridor_is_not_crowded() -> None:
    crowd, slope = corridors.crowding(alike(3, congestion=0.15), frozen(np.zeros((3, 2))))
    assert not crowd.any()
    assert not slope.any()


def test_each_replicate_may_have_its_own_exponent() -> None:
    costs = alike(1, congestion=0.15)._replace(power=frozen([[2.0, 4.0]]))
    crowd, _ = corridors.crowding(costs, frozen([[20.0, 20.0]]))
    np.testing.assert_allclose(crowd, [[8 * 0.15 * 4, 8 * 0.15 * 16]], rtol=1e-14)


def test_the_holder_of_a_corridor_goes_only_part_of_the_way() -> None:
    """E27a: the leg shortens freight, time and congestion, and no risk."""
    costs = alike(3)._replace(leg=rows(1.0, 0.2, 0.5))
    crowd = rows(1.0, 2.0, 4.0)
    others = corridors.costs_of(open_to_all(0, 1, 2), costs, crowd)
    assert others.ravel().tolist() == [8 + 6 + 1 + 3, 8 + 6 + 2 + 3, 8 + 6 + 4 + 3]
    holder = corridors.costs_of(RouteSet((1, 2), (True, False)), costs, crowd)
    np.testing.assert_allclose(holder.ravel(), [0.2 * (8 + 6 + 2) + 3, 8 + 6 + 4 + 3], rtol=1e-15)


# --- equilibrium ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 5])
def test_p19_uncongested_identical_routes_in_equilibrium(number: int) -> None:
    """P19: q = 1/n, Fl = demand/n and C = GC - ln n / theta."""
    everywhere = open_to_all(*range(number))
    found = settle(alike(number), single(0.1), [everywhere], single(12.0))
    np.testing.assert_allclose(found.shares[0], 1 / number, rtol=1e-14)
    np.testing.assert_allclose(found.flow, 12 / number, atol=TOLERANCE)
    wanted = 17 - math.log(number) / 0.1
    assert found.costs[0].item() == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("demand", [1.0, 40.0, 120.0])
def test_p19_congested_identical_routes_stay_identical(demand: float) -> None:
    """q = 1/n still, and GC = 17 + f c (demand / (n Cap))^4."""
    found = settle(
        alike(4, congestion=0.15), single(0.1), [open_to_all(0, 1, 2, 3)], single(demand)
    )
    np.testing.assert_allclose(found.shares[0], 1 / 4, rtol=1e-14)
    np.testing.assert_allclose(found.flow, demand / 4, atol=TOLERANCE)
    wanted = 17 + 8 * 0.15 * (demand / 40) ** 4 - math.log(4) / 0.1
    assert found.costs[0].item() == pytest.approx(wanted, rel=1e-9)


def test_p19_one_route_carries_everything_at_its_cost() -> None:
    found = settle(alike(1, congestion=0.15), single(0.1), [open_to_all(0)], single(30.0))
    assert found.flow.item() == 30
    assert found.shares[0].item() == 1
    assert found.costs[0].item() == pytest.approx(17 + 8 * 0.15 * 3**4, rel=1e-15)


def test_two_congested_routes_at_a_known_split() -> None:
    """Costs chosen so that 30 and 10 Mt fit each other: GC_2 - GC_1 = ln 3 / theta."""
    theta, power = 0.2, 2.0
    crowd = 8 * 0.5 * np.array([3.0, 1.0]) ** power
    free = np.array([5.0, 5.0 + math.log(3) / theta + crowd[0] - crowd[1]])
    costs = alike(2, congestion=0.5, power=power)._replace(time=rows(*free), risk=rows(0, 0))
    found = settle(costs, single(theta), [open_to_all(0, 1)], single(40.0))
    np.testing.assert_allclose(found.flow.ravel(), [30, 10], atol=1e-7)
    np.testing.assert_allclose(found.shares[0].ravel(), [0.75, 0.25], atol=1e-9)


@dataclass(frozen=True)
class Case:
    """A network with random costs and demands, and what the search starts from."""

    costs: RouteCosts
    sensitivity: FloatArray
    routes: list[RouteSet]
    demand: FloatArray
    start: FloatArray

    def some(self, chosen: slice) -> Case:
        """The same for some of the replicates."""

        def few(array: FloatArray) -> FloatArray:
            return frozen(array if array.shape[-1] == 1 else array[:, chosen])

        return Case(
            RouteCosts(*map(few, self.costs)),
            few(self.sensitivity),
            self.routes,
            few(self.demand),
            few(self.start),
        )

    def solve(self, rounds: int = 500) -> Equilibrium:
        return settle(self.costs, self.sensitivity, self.routes, self.demand, self.start, rounds)


def random_case(seed: int, replicates: int = 40, power: float = 4.0) -> Case:
    """Six corridors, some closed; own legs; demand up to three times what a set can carry."""
    generator = np.random.default_rng(seed)
    number = 6

    def draw(low: float, high: float, *shape: int) -> FloatArray:
        return frozen(generator.uniform(low, high, shape))

    capacity = draw(0.5, 40, number, replicates)
    closed = generator.random((number, replicates)) < 0.25
    risk = frozen(np.where(closed, INFINITE, generator.uniform(0, 12, closed.shape)))
    routes = [RouteSet((0, 1, 2, 3, 4, 5), (False, True, False, False, True, False))]
    for _ in range(int(generator.integers(1, 5))):
        size = int(generator.integers(1, number + 1))
        places = tuple(sorted(generator.permutation(number)[:size].tolist()))
        routes.append(RouteSet(places, tuple(generator.random(size) < 0.3)))
    usable = np.where(closed, 0.0, capacity)
    room = np.array([usable[list(route.corridors)].sum(axis=0) for route in routes])
    demand = frozen(generator.uniform(0, 3 / len(routes), room.shape) * room)
    costs = RouteCosts(
        freight=draw(3, 15, number, replicates),
        time=draw(1, 20, number, replicates),
        risk=risk,
        leg=draw(0.1, 1, number, 1),
        capacity=capacity,
        congestion=draw(0, 1, 1, replicates),
        power=single(power),
    )
    start = frozen(generator.uniform(0, 2, capacity.shape) * capacity)
    return Case(costs, draw(0.02, 0.5, 1, replicates), routes, demand, start)


def attracted(case: Case, flow: FloatArray) -> FloatArray:
    """Traffic that the costs at given flows attract, each corridor written out: (K, R)."""
    c = case.costs
    load = flow / c.capacity
    way = c.freight * (1 + c.congestion * load**c.power) + c.time
    found = np.zeros_like(flow)
    for route, demand in zip(case.routes, case.demand, strict=True):
        cost = np.array(
            [
                (way[k] * c.leg[k] if own else way[k]) + c.risk[k]
                for k, own in zip(route.corridors, route.own, strict=True)
            ]
        )
        least = cost.min(axis=0)
        near = np.where(np.isfinite(least), least, 0.0)
        weight = np.exp(-case.sensitivity * (cost - near))
        whole = np.where(weight.sum(axis=0) > 0, weight.sum(axis=0), 1.0)
        for place, k in enumerate(route.corridors):
            found[k] += demand * weight[place] / whole
    return found


@settings(max_examples=60)
@given(SEEDS, st.sampled_from([1.0, 4.0, 5.5]))
def test_p19_traffic_and_costs_fit_each_other(seed: int, power: float) -> None:
    """P19: the gap is at most 1e-8 Mt/yr in every replicate, and no freight is lost."""
    case = random_case(seed, power=power)
    found = case.solve()
    assert (found.flow >= 0).all()
    assert np.abs(found.flow - attracted(case, found.flow)).max() <= 1.01 * TOLERANCE
    is_open = np.isfinite(case.costs.risk)
    some = np.array([is_open[list(route.corridors)].any(axis=0) for route in case.routes])
    total = (case.demand * some).sum(axis=0)
    np.testing.assert_allclose(found.flow.sum(axis=0), total, rtol=1e-9, atol=1e-6)
    for route, share, cost, reached in zip(
        case.routes, found.shares, found.costs, some, strict=True
    ):
        np.testing.assert_allclose(share.sum(axis=0), reached, rtol=1e-12)
        assert not share[~is_open[list(route.corridors)]].any()
        np.testing.assert_array_equal(np.isfinite(cost[0]), reached)


@settings(max_examples=20)
@given(SEEDS, st.sampled_from([4.0, 5.5]))
def test_p19_a_replicate_does_not_depend_on_its_company(seed: int, power: float) -> None:
    """P19: alone, in a pair and among forty it is the same bit for bit."""
    case = random_case(seed, power=power)
    together = case.solve()
    for chosen in (slice(7, 8), slice(39, 40), slice(12, 14), slice(3, 30)):
        found = case.some(chosen).solve()
        np.testing.assert_array_equal(found.flow, together.flow[:, chosen])
        for part, whole in zip(
            (*found.shares, *found.costs), (*together.shares, *together.costs), strict=True
        ):
            np.testing.assert_array_equal(part, whole[:, chosen])


@settings(max_examples=20)
@given(SEEDS)
def test_where_the_search_begins_does_not_matter(seed: int) -> None:
    """The equilibrium is unique: cost rises with traffic."""
    case = random_case(seed)
    others = settle(case.costs, case.sensitivity, case.routes, case.demand)
    np.testing.assert_allclose(case.solve().flow, others.flow, atol=1e-6)


def test_a_start_in_equilibrium_stays_there() -> None:
    case = random_case(5)
    there = case.solve().flow
    again = settle(case.costs, case.sensitivity, case.routes, case.demand, frozen(there))
    np.testing.assert_array_equal(again.flow, there)


def test_without_demand_nothing_moves() -> None:
    case = random_case(8)
    still = settle(
        case.costs, case.sensitivity, case.routes, frozen(np.zeros(case.demand.shape)), case.start
    )
    np.testing.assert_allclose(still.flow, 0, atol=TOLERANCE)


def test_more_demand_makes_no_route_cheaper() -> None:
    case = random_case(11)
    more = settle(case.costs, case.sensitivity, case.routes, frozen(1.5 * case.demand), case.start)
    for before, after in zip(case.solve().costs, more.costs, strict=True):
        is_open = np.isfinite(before)
        assert (after[is_open] >= before[is_open] - 1e-6).all()


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_search_that_runs_out_of_rounds_says_so(rounds: int) -> None:
    with pytest.raises(InputError, match=r"traffic of [\d.]+ times the capacity .* corridors\.<k>"):
        random_case(5).solve(rounds)


def test_a_search_that_runs_out_of_rounds_names_the_largest_load() -> None:
    """A hundred tonnes for each of capacity: too steep for the search, and said so."""
    crowded = alike(2, congestion=0.15, capacity=1.0)
    with pytest.raises(InputError, match="times the capacity finds no equilibrium"):
        settle(crowded, single(0.1), [open_to_all(0, 1)], single(100.0), rounds=1)


# --- sensitivity to costs -------------------------------------------------------------------------


@given(SEEDS, st.floats(0.001, 0.95))
def test_sensitivity_gives_the_share_asked_for(seed: int, part: float) -> None:
    """Theta of the dearest route of a set, for shares below that of an even split."""
    generator = np.random.default_rng(seed)
    number = int(generator.integers(2, 6))
    cost = np.sort(generator.uniform(10, 30, (number, 20)), axis=0)
    cost[-1] += 1
    share = frozen(np.full((1, 1), part / number))
    theta = corridors.sensitivity_of(frozen(cost), number - 1, share, 0.15, 60)
    assert theta.shape == (1, 20)
    assert (theta > 0).all()
    found, _ = corridors.route_choice(frozen(cost), frozen(theta))
    np.testing.assert_allclose(found[-1], share[0, 0], rtol=1e-9)


@given(SEEDS, st.integers(0, 4), st.floats(0.02, 0.9))
def test_sensitivity_of_any_route_but_the_cheapest(seed: int, rank: int, part: float) -> None:
    """Also of one that is cheaper than the mean, whose share first grows with theta."""
    cost = np.sort(np.random.default_rng(seed).uniform(10, 30, (5, 20)), axis=0)
    cost += 1.5 * np.arange(5).reshape(-1, 1)
    place = max(1, rank)
    share = frozen(np.full((1, 1), part / 5))
    theta = corridors.sensitivity_of(frozen(cost), place, share, 0.15, 60)
    found, _ = corridors.route_choice(frozen(cost), frozen(theta))
    np.testing.assert_allclose(found[place], share[0, 0], rtol=1e-8)


def test_sensitivity_of_two_routes_in_closed_form() -> None:
    """q = 1/(1 + e^(theta gap)) gives theta = ln(1/q - 1) / gap."""
    theta = corridors.sensitivity_of(rows(14.0, 20.0), 1, single(0.1), 0.15, 16)
    assert theta.item() == pytest.approx(math.log(9) / 6, rel=1e-12)


def test_sensitivity_of_a_replicate_does_not_depend_on_its_company() -> None:
    generator = np.random.default_rng(9)
    cost = np.sort(generator.uniform(10, 30, (4, 30)), axis=0)
    share = generator.uniform(0.02, 0.2, (1, 30))
    together = corridors.sensitivity_of(frozen(cost), 3, frozen(share), 0.15, 16)
    for place in (0, 13, 29):
        alone = slice(place, place + 1)
        found = corridors.sensitivity_of(
            frozen(cost[:, alone]), 3, frozen(share[:, alone]), 0.15, 16
        )
        assert found.item() == together[0, place]
