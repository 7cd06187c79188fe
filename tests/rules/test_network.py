"""Who takes which routes, and the freight that follows from it (E24, E27a), worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import cube, frozen, one

from sim.axes import CORRIDOR, PARTNER, POWER, FloatArray
from sim.rules import network
from sim.rules.corridors import RouteSet
from sim.rules.network import Network

SEEDS = st.integers(0, 2**32 - 1)
NORTH, EAST, SOUTH = 0, 1, 2
RUSSIA, CHINA, REST = 0, 1, 2
TO_RUSSIA, TO_CHINA, TO_REST, TO_CHINA_EAST, TO_REST_SOUTH, NOWHERE = range(6)
"""Two states trade with two powers and the rest of the world over three corridors: Russia holds the
north, China the east, nobody the south. The second state cannot take the north to China."""
NETWORK = Network(
    routes=(
        RouteSet((NORTH,), (True,)),
        RouteSet((NORTH, EAST), (False, True)),
        RouteSet((NORTH, SOUTH), (False, False)),
        RouteSet((EAST,), (True,)),
        RouteSet((SOUTH,), (False,)),
        RouteSet((), ()),
    ),
    sets=np.array([[TO_RUSSIA, TO_CHINA, TO_REST], [TO_RUSSIA, TO_CHINA_EAST, TO_REST]]),
    transit=TO_REST,
    chokepoints={RUSSIA: (NORTH,), CHINA: (EAST,)},
    closing=RUSSIA,
    closed=(NOWHERE, TO_CHINA_EAST, TO_REST_SOUTH, TO_CHINA_EAST, TO_REST_SOUTH, NOWHERE),
)
TRADE = frozen([[8, 6, 6], [2, 5, 3]]).reshape(2, 3, 1, 1)
SHARES: list[FloatArray] = [
    frozen([[1.0]]),
    frozen([[0.25], [0.75]]),
    frozen([[0.5], [0.5]]),
    frozen([[1.0]]),
    frozen([[1.0]]),
    frozen(np.zeros((0, 1))),
]
FIRST_SHUT = frozen([[1.0], [0.0]]).reshape(2, 1, 1, 1)
SHAPE = (1, 3, 1, 1)


def values(*numbers: float) -> list[FloatArray]:
    return [frozen([[number]]) for number in numbers]


# --- costs by corridor ----------------------------------------------------------------------------


def test_a_corridor_without_capacity_is_closed() -> None:
    by_corridor = cube(1, 2, 3, axis=CORRIDOR)
    found = network.route_costs(
        by_corridor,
        by_corridor,
        by_corridor,
        by_corridor,
        cube(5, 0, 0.1, axis=CORRIDOR),
        one(0.2),
        one(4),
    )
    assert found.risk.ravel().tolist() == [1, math.inf, 3]
    assert found.capacity.ravel().tolist() == [5, 1, 0.1]
    assert found.freight.ravel().tolist() == found.leg.ravel().tolist() == [1, 2, 3]
    assert found.congestion.shape == found.power.shape == (1, 1)


# --- freight --------------------------------------------------------------------------------------


def test_tonnage_is_trade_in_tonnes_and_through_transit() -> None:
    """Half a tonne for each dollar; 4 Mt of through-transit on the routes to the rest."""
    found = network.tonnage(NETWORK, TRADE, one(0.5), one(4.0), None)
    wanted = [0.5 * (8 + 2), 0.5 * 6, 0.5 * (6 + 3) + 4, 0.5 * 5, 0, 0]
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-15)


def test_tonnage_of_a_state_that_finds_corridors_shut_takes_the_sets_without_them() -> None:
    found = network.tonnage(NETWORK, TRADE, one(0.5), one(4.0), FIRST_SHUT)
    wanted = [0.5 * 2, 0, 0.5 * 3 + 4, 0.5 * (5 + 6), 0.5 * 6, 0.5 * 8]
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-15)


@given(SEEDS)
def test_no_freight_is_lost_whoever_finds_corridors_shut(seed: int) -> None:
    generator = np.random.default_rng(seed)
    trade = frozen(generator.uniform(0, 50, (2, 3, 1, 6)))
    shut = frozen(generator.integers(0, 2, (2, 1, 1, 6)))
    tonnes, through = frozen(generator.uniform(0, 2, (1, 1, 1, 6))), one(7.0)
    found = network.tonnage(NETWORK, trade, tonnes, through, shut)
    wanted = trade.sum(axis=(0, 1))[0] * tonnes[0, 0, 0] + 7
    np.testing.assert_allclose(found.sum(axis=0), wanted, rtol=1e-12)


@pytest.mark.parametrize("state", [0, 1])
def test_corridors_shut_to_nobody_are_open(state: int) -> None:
    nobody = frozen(np.zeros((2, 1, 1, 1)))
    found = network.tonnage(NETWORK, TRADE, one(0.5), one(4.0), nobody)
    plain = network.tonnage(NETWORK, TRADE, one(0.5), one(4.0), None)
    np.testing.assert_array_equal(found, plain)
    costs = values(1, 2, 3, 4, 5, 6)
    np.testing.assert_array_equal(
        network.by_pair(NETWORK, costs, nobody)[state], network.by_pair(NETWORK, costs, None)[state]
    )


def test_numbers_that_are_the_same_for_all_replicates_go_with_those_that_are_not() -> None:
    drawn = frozen([0.5, 1.0]).reshape(1, 1, 1, 2)
    found = network.tonnage(NETWORK, TRADE, drawn, one(4.0), None)
    for place, tonnes in enumerate((0.5, 1.0)):
        alone = network.tonnage(NETWORK, TRADE, one(tonnes), one(4.0), None)
        np.testing.assert_array_equal(found[:, place : place + 1], alone)


# --- numbers by pair ------------------------------------------------------------------------------


def test_numbers_of_route_sets_by_pair() -> None:
    found = network.by_pair(NETWORK, values(10, 20, 30, 40, 50, 60), None)
    assert found.shape == (2, 3, 1, 1)
    assert found[:, :, 0, 0].tolist() == [[10, 20, 30], [10, 40, 30]]


def test_numbers_of_a_state_that_finds_corridors_shut() -> None:
    found = network.by_pair(NETWORK, values(10, 20, 30, 40, 50, 60), FIRST_SHUT)
    assert found[:, :, 0, 0].tolist() == [[60, 40, 50], [10, 40, 30]]


def test_each_replicate_finds_its_own_corridors_shut() -> None:
    shut = frozen([[1.0, 0.0], [0.0, 1.0]]).reshape(2, 1, 1, 2)
    wide = [frozen(np.broadcast_to(part, (1, 2))) for part in values(10, 20, 30, 40, 50, 60)]
    found = network.by_pair(NETWORK, wide, shut)
    assert found[..., 0][:, :, 0].tolist() == [[60, 40, 50], [10, 40, 30]]
    assert found[..., 1][:, :, 0].tolist() == [[10, 20, 30], [60, 40, 50]]


# --- transit --------------------------------------------------------------------------------------


def test_transit_is_what_crosses_a_power_on_the_way_to_others() -> None:
    """Over Russia: a quarter of 6 to China and half of 6 to the rest, of 20 in all. Trade with
    China itself does not cross it, so nobody depends on China for transit."""
    found = network.crossing(NETWORK, TRADE, SHARES, None)
    assert found.shape == (2, 2, 1, 1)
    assert found[0, RUSSIA].item() == pytest.approx((0.25 * 6 + 0.5 * 6) / 20, rel=1e-15)
    assert found[1, RUSSIA].item() == pytest.approx(0.5 * 3 / 10, rel=1e-15)
    assert not found[:, CHINA].any()


def test_a_state_that_finds_corridors_shut_crosses_nobody_there() -> None:
    found = network.crossing(NETWORK, TRADE, SHARES, FIRST_SHUT)
    assert found[0, RUSSIA].item() == 0
    assert found[1, RUSSIA].item() == pytest.approx(0.5 * 3 / 10, rel=1e-15)


def test_trade_that_is_the_same_for_all_replicates_takes_the_routes_of_each() -> None:
    wide = [frozen(np.broadcast_to(share, (len(share), 3))) for share in SHARES]
    found = network.crossing(NETWORK, TRADE, wide, None)
    alone = network.crossing(NETWORK, TRADE, SHARES, None)
    np.testing.assert_array_equal(found, np.broadcast_to(alone, (2, 2, 1, 3)))


def test_without_chokepoints_nobody_is_crossed() -> None:
    free = Network(NETWORK.routes, NETWORK.sets, TO_REST, {}, None, ())
    assert not network.crossing(free, TRADE, SHARES, None).any()


def test_a_power_with_two_corridors_is_crossed_on_both() -> None:
    both = Network(NETWORK.routes, NETWORK.sets, TO_REST, {CHINA: (NORTH, SOUTH)}, None, ())
    found = network.crossing(both, TRADE, SHARES, None)
    assert found[0, CHINA].item() == pytest.approx((8 + 6) / 20, rel=1e-15)


@given(SEEDS)
def test_transit_over_all_powers_stays_within_all_trade(seed: int) -> None:
    generator = np.random.default_rng(seed)
    trade = frozen(generator.uniform(0.01, 50, (2, 3, 1, 4)))
    shares = []
    for route in NETWORK.routes:
        part = generator.uniform(0.01, 1, (len(route.corridors), 4))
        shares.append(frozen(part / part.sum(axis=0)))
    found = network.crossing(NETWORK, trade, shares, None)
    assert (found >= 0).all()
    own = trade[:, :2] / trade.sum(axis=PARTNER, keepdims=True)
    assert (found <= 1 - own + 1e-12).all()
    assert (found.sum(axis=POWER) <= 1 + 1e-12).all()


# --- corridors of a route set ---------------------------------------------------------------------


def test_shares_spread_over_all_corridors() -> None:
    found = network.spread(NETWORK.routes[TO_CHINA], SHARES[TO_CHINA], SHAPE)
    assert found.ravel().tolist() == [0.25, 0.75, 0]
    assert not network.spread(NETWORK.routes[NOWHERE], SHARES[NOWHERE], SHAPE).any()


def test_load_of_given_shares_is_the_freight_of_all_sets() -> None:
    """10 Mt to Russia, 6 to China, 13 to the rest, 5 and 2 on the single routes."""
    tonnage = frozen([10, 6, 13, 5, 2, 0]).reshape(6, 1)
    found = network.load(NETWORK, SHARES, tonnage, SHAPE)
    wanted = [10 + 0.25 * 6 + 0.5 * 13, 0.75 * 6 + 5, 0.5 * 13 + 2]
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-15)
