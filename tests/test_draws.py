"""Randomness as data (section 1.10): keyed by ids, blind to chunks, horizon and company."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest
from support import baseline, certain, ending, pinned, same_bits, vary

import sim
from sim.axes import NO_POWER_ID, Domain, FloatArray, Stream
from sim.draws import BLOCK, PARAMETER_BLOCK, Drawer, Draws, Ids, ParameterDraws, predraw
from sim.ensemble import Host, sizes
from sim.parameters import ids
from sim.quantity import Draw
from sim.recorder import reserve
from sim.sampling import Sampler, sample
from sim.scenario import Scenario, quantities

SEED = 11
STEPS = 3
PINNED = {
    "choice of none": [0.968920265289641, 0.1321972547462409],
    "choice of a power": 0.42282901852151145,
    "delivery": 0.6488345155696705,
    "events": [0.3663289865883832, 0.5216600540594034],
    "coercion": [0.5321869996853495, 0.7770481556186432],
    "documents": [0.08894394784244164, 0.892840035494794],
    "trade": [0.4108967245414641, 0.39881772830962314],
    "parameter": [0.5335697048829771, 0.19012110815503913],
}
"""Draws of seed 7 around the end of the first block, states 1 and 2, powers 1 and 3."""
THREE = Ids(
    states=(1, 2, 3),
    powers=(1, 2),
    events=((101, True), (102, False)),
    coercion=True,
    documents=1,
    trade=True,
)
NAMES = tuple(field.name for field in fields(Draws))


def drawn(replicates: range, steps: int = STEPS, known: Ids = THREE, seed: int = SEED) -> Draws:
    return predraw(seed, replicates, steps, known)


def parameters(replicates: range, *names: str, seed: int = SEED) -> FloatArray:
    return ParameterDraws(seed, names).take(replicates)


def same(first: Draws, second: Draws) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in NAMES)


def cut(draws: Draws, replicates: slice) -> Draws:
    return Draws(**{name: getattr(draws, name)[..., replicates] for name in NAMES})


@pytest.fixture(scope="module")
def many() -> Draws:
    """Draws of three blocks of replicates."""
    return drawn(range(3 * BLOCK))


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return baseline()


# --- blind to how a run is cut up -----------------------------------------------------------------


@given(st.integers(0, 3 * BLOCK - 1), st.integers(1, 3 * BLOCK))
def test_any_range_of_replicates_has_the_draws_of_the_whole(
    many: Draws, start: int, length: int
) -> None:
    stop = min(start + length, 3 * BLOCK)
    assert same(drawn(range(start, stop)), cut(many, slice(start, stop)))


@pytest.mark.parametrize("replicate", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 17])
def test_a_single_replicate_is_the_same_alone(many: Draws, replicate: int) -> None:
    alone = drawn(range(replicate, replicate + 1))
    assert same(alone, cut(many, slice(replicate, replicate + 1)))


@pytest.mark.parametrize("former", [range(5, 105), range(40, 60)], ids=["same size", "smaller"])
def test_memory_of_an_earlier_chunk_leaves_no_trace(many: Draws, former: range) -> None:
    again = predraw(SEED, range(200, 300), STEPS, THREE, reuse=drawn(former))
    assert same(again, cut(many, slice(200, 300)))


def test_a_longer_horizon_repeats_the_shorter_one() -> None:
    short, long = drawn(range(300)), drawn(range(300), steps=4 * STEPS)
    assert same(short, Draws(**{name: getattr(long, name)[:STEPS] for name in NAMES}))


# --- blind to who else takes part -----------------------------------------------------------------


def test_a_new_state_moves_nobody_elses_draws(many: Draws) -> None:
    more = drawn(range(3 * BLOCK), known=replace(THREE, states=(9, 1, 2, 3)))
    each = {name: getattr(more, name)[:, 1:] for name in NAMES if name != "documents"}
    assert same(Draws(**each, documents=more.documents), many)


def test_a_new_power_moves_nobody_elses_draws(many: Draws) -> None:
    more = drawn(range(3 * BLOCK), known=replace(THREE, powers=(1, 7, 2)))
    kept = replace(
        more,
        choice=more.choice[:, :, [0, 1, 3]],
        delivery=more.delivery[:, :, [0, 2]],
        coercion=more.coercion[:, :, [0, 2]],
        trade=more.trade[:, :, [0, 2, 3]],
    )
    assert same(kept, many)


def test_a_new_event_moves_nobody_elses_draws(many: Draws) -> None:
    events = ((55, True), *THREE.events, (56, False))
    more = drawn(range(3 * BLOCK), known=replace(THREE, events=events))
    assert same(replace(more, events=more.events[:, :, 1:3]), many)


def test_coercion_and_documents_move_nobody_elses_draws(many: Draws) -> None:
    """Modules O9 and O10 draw where they act, and have no draws where they do not."""
    without = drawn(range(3 * BLOCK), known=replace(THREE, coercion=False, documents=None))
    assert without.coercion.shape == without.documents.shape == (STEPS, 0, 0, 1, 3 * BLOCK)
    assert same(replace(without, coercion=many.coercion, documents=many.documents), many)


def test_shocks_to_trade_move_nobody_elses_draws(many: Draws) -> None:
    """Module O13 draws where it acts, and has no draws where it does not."""
    without = drawn(range(3 * BLOCK), known=replace(THREE, trade=False))
    assert without.trade.shape == (STEPS, 0, 0, 1, 3 * BLOCK)
    assert same(replace(without, trade=many.trade), many)


def test_order_of_the_arrays_does_not_matter(many: Draws) -> None:
    events = tuple(reversed(THREE.events))
    turned = replace(THREE, states=(3, 1, 2), powers=(2, 1), events=events)
    found = drawn(range(3 * BLOCK), known=turned)
    states, powers = [1, 2, 0], [1, 0]
    back = Draws(
        found.choice[:, states][:, :, [0, 2, 1]],
        found.delivery[:, states][:, :, powers],
        found.events[:, states][:, :, powers],
        found.coercion[:, states][:, :, powers],
        found.documents,
        found.trade[:, states][:, :, [*powers, 2]],
    )
    assert same(back, many)


def test_an_event_of_the_region_is_the_same_in_every_state(many: Draws) -> None:
    own, common = many.events[:, :, 0], many.events[:, :, 1]
    assert (common == common[:, :1]).all()
    assert not (own == own[:, :1]).all(axis=(0, 2, 3))[1:].any()


def test_no_key_repeats_the_draws_of_another(many: Draws) -> None:
    """Each (state, option or partner), (state, power), event and signer has its own stream."""
    rows = [many.choice[:, s, o].ravel() for s in range(3) for o in range(3)]
    rows += [many.delivery[:, s, p].ravel() for s in range(3) for p in range(2)]
    rows += [many.events[:, s, 0].ravel() for s in range(3)] + [many.events[:, 0, 1].ravel()]
    rows += [many.coercion[:, s, p].ravel() for s in range(3) for p in range(2)]
    rows += [many.documents.ravel()]
    rows += [many.trade[:, s, j].ravel() for s in range(3) for j in range(3)]
    firsts = {row[0] for row in rows}
    assert len(firsts) == len(rows) == 9 + 6 + 4 + 6 + 1 + 9


def test_seeds_differ_also_seed_zero(many: Draws) -> None:
    zero = drawn(range(3 * BLOCK), seed=0)
    assert not (zero.choice == many.choice).any()
    assert same(zero, drawn(range(3 * BLOCK), seed=0))


# --- values ---------------------------------------------------------------------------------------


def test_all_uniforms_lie_inside_the_open_interval(many: Draws) -> None:
    for array in (getattr(many, name) for name in NAMES):
        assert array.min() > 0
        assert array.max() < 1


def test_shapes_follow_steps_states_options_and_domains(many: Draws) -> None:
    assert many.choice.shape == (STEPS, 3, 3, len(Domain), 3 * BLOCK)
    assert many.delivery.shape == (STEPS, 3, 2, len(Domain), 3 * BLOCK)
    assert many.events.shape == (STEPS, 3, 2, 1, 3 * BLOCK)
    assert many.coercion.shape == (STEPS, 3, 2, 1, 3 * BLOCK)
    assert many.documents.shape == (STEPS, 1, 1, 1, 3 * BLOCK)
    assert many.trade.shape == (STEPS, 3, 3, 1, 3 * BLOCK)


def test_draws_are_uniform_and_independent(many: Draws) -> None:
    """Sanity, not a test of the generator: 34,560 uniforms, and no step resembles the next."""
    sample_of_choice = many.choice.ravel()
    assert kstest(sample_of_choice, "uniform").pvalue > 1e-3
    following = np.corrcoef(many.choice[:-1].ravel(), many.choice[1:].ravel())[0, 1]
    between = np.corrcoef(many.choice[:, 0].ravel(), many.choice[:, 1].ravel())[0, 1]
    blocks = np.corrcoef(many.choice[..., :BLOCK].ravel(), many.choice[..., -BLOCK:].ravel())[0, 1]
    assert max(abs(following), abs(between), abs(blocks)) < 4 / np.sqrt(many.choice.size / 3)
    shocks = many.trade[..., 0, :].reshape(STEPS, 9, -1)
    assert kstest(shocks.ravel(), "uniform").pvalue > 1e-3
    pairs = np.corrcoef(shocks.swapaxes(0, 1).reshape(9, -1)) - np.eye(9)
    following = np.corrcoef(shocks[:-1].ravel(), shocks[1:].ravel())[0, 1]
    assert max(abs(following), np.abs(pairs).max()) < 4 / np.sqrt(STEPS * 3 * BLOCK)


def test_p26_known_answers_of_the_keyed_streams() -> None:
    """P26: pinned draws, so that a change of generator, key or layout is noticed."""
    events = ((101, True), (102, False))
    known = Ids((1, 2), (1, 3), events, coercion=True, documents=1, trade=True)
    draws = predraw(7, range(254, 258), 2, known)
    found = {
        "choice of none": draws.choice[0, 0, 0, Domain.TRADE, [0, 2]].tolist(),
        "choice of a power": float(draws.choice[1, 1, 2, Domain.ENERGY, 3]),
        "delivery": float(draws.delivery[1, 0, 1, Domain.SECURITY, 1]),
        "events": draws.events[1, 1, [0, 1], 0, 2].tolist(),
        "coercion": draws.coercion[1, 1, [0, 1], 0, 2].tolist(),
        "documents": draws.documents[[0, 1], 0, 0, 0, [1, 2]].tolist(),
        "trade": draws.trade[1, 1, [1, 2], 0, 2].tolist(),
        "parameter": parameters(range(4095, 4097), "powers.eu.budget", seed=7)[0].tolist(),
    }
    assert found == PINNED


def test_streams_are_philox_keyed_by_seed_stream_and_ids() -> None:
    """The rule by which anyone can draw the same numbers: layout (step, domain, replicate)."""
    events = ((101, True), (102, False))
    known = Ids((4,), (3,), events, coercion=True, documents=5, trade=True)
    draws = predraw(7, range(256, 512), 2, known)
    for stream, state, power, event, array in (
        (Stream.CHOICE, 4, NO_POWER_ID, 0, draws.choice[:, 0, 0]),
        (Stream.CHOICE, 4, 3, 0, draws.choice[:, 0, 1]),
        (Stream.DELIVERY, 4, 3, 0, draws.delivery[:, 0, 0]),
        (Stream.EVENTS, 4, 0, 101, draws.events[:, 0, 0]),
        (Stream.EVENTS, 0, 0, 102, draws.events[:, 0, 1]),
        (Stream.EVENTS, 4, 3, 2**24 - 1, draws.coercion[:, 0, 0]),
        (Stream.EVENTS, 0, 5, 2**24 - 2, draws.documents[:, 0, 0]),
        (Stream.TRADE, 4, 3, 0, draws.trade[:, 0, 0]),
        (Stream.TRADE, 4, NO_POWER_ID, 0, draws.trade[:, 0, 1]),
    ):
        word = (int(stream) << 56) + (state << 40) + (power << 24) + event
        key, counter = np.array([7, word], np.uint64), np.array([0, 0, 0, 1], np.uint64)
        philox = np.random.Generator(np.random.Philox(key=key, counter=counter))
        np.testing.assert_array_equal(array, philox.random(array.shape))


# --- parameter draws ------------------------------------------------------------------------------


def test_parameters_are_drawn_by_name() -> None:
    names = ("powers.eu.budget", "states.kz.gdp", "rules.offers.rollover")
    table = parameters(range(5000), *names)
    for place, name in enumerate(names):
        np.testing.assert_array_equal(parameters(range(5000), name)[0], table[place])
    turned = parameters(range(5000), *names[::-1])
    np.testing.assert_array_equal(turned[::-1], table)
    assert len({row[0] for row in table}) == len(names)
    assert 0 < table.min() < table.max() < 1


@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 300)), min_size=1, max_size=4))
def test_parameters_of_any_ranges_of_replicates_in_any_order(pieces: list[tuple[int, int]]) -> None:
    whole = parameters(range(9300), "powers.eu.budget")
    draws = ParameterDraws(SEED, ("powers.eu.budget",))
    for start, length in pieces:
        part = draws.take(range(start, start + length))
        np.testing.assert_array_equal(part, whole[:, start : start + length])


def test_values_do_not_depend_on_the_chunk(scenario: Scenario) -> None:
    sampler = Sampler(scenario)
    whole, part, alone = (sampler.values(r) for r in (range(300), range(250, 260), range(255, 256)))
    for name, row in whole.items():
        fixed = len(row) == 1
        np.testing.assert_array_equal(part[name], row if fixed else row[250:260], err_msg=name)
        np.testing.assert_array_equal(alone[name], row if fixed else row[255:256], err_msg=name)


def test_a_drawn_number_keeps_within_its_range(scenario: Scenario) -> None:
    values = sample(scenario, range(500))
    checked = 0
    for quantity in quantities(scenario):
        if quantity.draw is Draw.TRIANGULAR:
            for entry, low, high in zip(quantity.entries, quantity.low, quantity.high, strict=True):
                row = values[quantity.name(entry)]
                assert low - 1e-12 <= row.min() <= row.max() <= high + 1e-12, quantity.name(entry)
                checked += 1
    assert checked > 100


def test_shares_drawn_together_add_up_as_their_central_values_do(scenario: Scenario) -> None:
    values = sample(scenario, range(500))
    simplices = [q for q in quantities(scenario) if q.draw is Draw.DIRICHLET]
    assert simplices
    for quantity in simplices:
        total = sum(values[quantity.name(entry)] for entry in quantity.entries)
        np.testing.assert_allclose(total, sum(quantity.value), rtol=1e-12, err_msg=quantity.path)


def test_shares_that_leave_a_rest_keep_it(scenario: Scenario) -> None:
    """Money that the central shares leave in reserve stays in reserve in every draw."""
    shares = scenario.powers["cn"].domain_shares
    smaller = replace(shares, value=tuple(0.8 * share for share in shares.value))
    values = sample(vary(scenario, {"powers.cn.domain_shares": smaller}), range(100))
    drawn = np.array([values[smaller.name(entry)] for entry in smaller.entries])
    np.testing.assert_allclose(drawn.sum(axis=0), 0.8, rtol=1e-12)
    assert drawn.std(axis=1).min() > 0


def test_means_of_draws_are_those_of_their_distributions(scenario: Scenario) -> None:
    """Triangular (low + mode + high) / 3; beta and Dirichlet the central value."""
    runs = 4096
    values = sample(scenario, range(runs))
    for quantity in (
        scenario.powers["eu"].budget,
        scenario.powers["ru"].delivery,
        scenario.powers["cn"].domain_shares,
    ):
        for entry, low, mode, high in zip(
            quantity.entries, quantity.low, quantity.value, quantity.high, strict=True
        ):
            row = values[quantity.name(entry)]
            wanted = (low + mode + high) / 3 if quantity.draw is Draw.TRIANGULAR else mode
            assert abs(row.mean() - wanted) < 4 * row.std() / np.sqrt(runs), quantity.name(entry)


def test_a_number_that_is_set_is_not_drawn_and_moves_no_other_draw(scenario: Scenario) -> None:
    before = sample(scenario, range(50))
    after = sample(vary(scenario, {"powers.eu.budget": 3.1}), range(50))
    assert after["powers.eu.budget"].tolist() == [3.1]
    assert len(before["powers.eu.budget"]) == 50
    for name in before.keys() - {"powers.eu.budget"}:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("powers.eu.budget", "powers.eu.budget.value"),
        ("rules.choice.value_scale", "rules.choice.value_scale.value"),
        ("powers.ru.delivery.energy", "powers.ru.delivery.value.energy"),
    ],
)
def test_a_number_of_the_command_line_is_not_drawn(name: str, value: str) -> None:
    """Also outside the range of its evidence."""
    before = sim.load_scenario("strategic_balance")
    after = sample(sim.load_scenario("strategic_balance", f"{value}=0.95"), range(20))
    assert after[name].tolist() == [0.95]
    assert {n for n, row in sample(before, range(20)).items() if len(row) != len(after[n])} == {
        name
    }


def test_a_wider_range_moves_the_same_replicates_the_same_way(scenario: Scenario) -> None:
    """Draws of two scenarios are coupled: each replicate keeps its quantile."""
    budget = scenario.powers["eu"].budget
    wider = replace(pinned(budget, budget.of()), low=(0.5,), high=(9.0,), user_set=frozenset())
    narrow = sample(scenario, range(200))["powers.eu.budget"]
    wide = sample(vary(scenario, {"powers.eu.budget": wider}), range(200))["powers.eu.budget"]
    assert (np.argsort(narrow) == np.argsort(wide)).all()
    assert wide.std() > narrow.std()


def test_without_uncertainty_every_number_is_central() -> None:
    values = sample(certain(), range(50))
    for quantity in quantities(certain()):
        for entry in quantity.entries:
            assert values[quantity.name(entry)].tolist() == [quantity.of(entry)]


def test_ids_are_those_of_the_entities_in_the_order_of_the_arrays(scenario: Scenario) -> None:
    known = ids(scenario)
    assert known.states == tuple(state.id for state in scenario.states.values())
    assert known.powers == tuple(power.id for power in scenario.powers.values())
    assert known.events == ((101, True), (102, False))
    assert not known.coercion
    assert known.documents is None
    assert not known.trade


def test_ids_say_whether_powers_coerce_and_who_signs_documents(scenario: Scenario) -> None:
    coercive = vary(scenario, {"rules.coercion.rate": {"cn": 0.1}})
    assert ids(coercive).coercion
    signing = vary(scenario, {"rules.documents.signed": 19})
    assert ids(signing).documents == scenario.powers["ru"].id
    without = replace(signing, powers={"cn": signing.powers["cn"]})
    assert ids(without).documents is None
    assert not ids(vary(without, {"rules.coercion.rate": {"ru": 0.1}})).coercion


def test_ids_say_whether_shocks_strike_trade(scenario: Scenario) -> None:
    """Where some state of the run may have a volatility, and trade moves at all."""
    shaken = vary(scenario, {"rules.trade.volatility": {"kz": 0.1}})
    assert ids(shaken).trade
    assert not ids(vary(shaken, {"rules.trade.moving": False})).trade
    assert not ids(replace(shaken, states={"uz": shaken.states["uz"]})).trade
    calm = vary(scenario, {"rules.trade.volatility": 0.0}).rules.trade.volatility
    maybe = replace(calm, high=tuple(0.4 * (entry == "uz") for entry in calm.entries))
    assert ids(vary(scenario, {"rules.trade.volatility": maybe})).trade


# --- draws that variants share --------------------------------------------------------------------

CHUNKS = st.tuples(
    st.sampled_from([SEED, 0]),
    st.sampled_from([range(40), range(40, 80), range(BLOCK), range(250, 290)]),
    st.sampled_from([STEPS, 1]),
    st.sampled_from(
        [
            THREE,
            replace(THREE, states=(3, 1, 2)),
            replace(THREE, coercion=False),
            replace(THREE, trade=False),
        ]
    ),
)


@given(st.lists(CHUNKS, min_size=1, max_size=6))
def test_a_drawer_gives_the_draws_of_each_chunk(
    chunks: list[tuple[int, range, int, Ids]],
) -> None:
    drawer = Drawer()
    for chunk in chunks:
        assert same(drawer.take(*chunk), predraw(*chunk))


def test_a_drawer_does_not_draw_the_same_chunk_again() -> None:
    drawer, chunk = Drawer(), (SEED, range(30), STEPS, THREE)
    first = drawer.take(*chunk)
    first.choice[0, 0, 0, 0, 0] = 7.0  # a mark that a draw would wipe out
    assert drawer.take(SEED, range(30), STEPS, replace(THREE)) is first
    assert first.choice[0, 0, 0, 0, 0] == 7.0
    drawer.take(SEED, range(30, 60), STEPS, THREE)
    again = drawer.take(*chunk)
    assert same(again, predraw(*chunk))


@pytest.mark.parametrize(
    "other",
    [
        (SEED + 1, range(30), STEPS, THREE),
        (SEED, range(1, 31), STEPS, THREE),
        (SEED, range(30), STEPS + 1, THREE),
        (SEED, range(30), STEPS, replace(THREE, states=(1, 2, 4))),
        (SEED, range(30), STEPS, replace(THREE, powers=(2, 1))),
        (SEED, range(30), STEPS, replace(THREE, events=((101, False), (102, False)))),
        (SEED, range(30), STEPS, replace(THREE, documents=2)),
        (SEED, range(30), STEPS, replace(THREE, trade=False)),
    ],
)
def test_a_drawer_sees_any_difference(other: tuple[int, range, int, Ids]) -> None:
    drawer = Drawer()
    drawer.take(SEED, range(30), STEPS, THREE)
    assert same(drawer.take(*other), predraw(*other))


def test_a_drawer_that_was_stopped_draws_again() -> None:
    """Half of its memory may be overwritten by then."""
    drawer, chunk = Drawer(), (SEED, range(30), STEPS, THREE)
    drawer.take(*chunk)
    with pytest.raises(OverflowError):  # an id too large for a key, after others were drawn
        drawer.take(SEED + 1, range(30), STEPS, replace(THREE, powers=(1, 2**60)))
    assert same(drawer.take(*chunk), predraw(*chunk))


def test_variants_with_one_drawer_run_as_they_do_alone(scenario: Scenario) -> None:
    short = ending(scenario, "2026H2")
    drawer = Drawer()
    variants = [vary(short, {"powers.eu.budget": x}) for x in (1.0, 2.0)]
    variants += [replace(short, seed=5), ending(scenario, "2027H1"), variants[0]]
    variants += [vary(short, {"rules.trade.volatility": 0.3}), variants[0]]
    for variant in variants:
        for replicates in (range(20), range(20, 33)):
            together = reserve(variant.steps, sizes(variant, len(replicates)))
            alone = reserve(variant.steps, sizes(variant, len(replicates)))
            Host(variant, drawer).run(replicates, *together)
            Host(variant).run(replicates, *alone)
            same_bits(together[0], alone[0])
            same_bits(together[1], alone[1])


@given(
    st.lists(
        st.tuples(
            st.sampled_from([SEED, SEED + 1]),
            st.sampled_from([("a", "b"), ("b", "a"), ("a",)]),
            st.integers(0, 2 * PARAMETER_BLOCK),
            st.integers(1, 50),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_blocks_of_parameters_that_are_kept_are_those_drawn_afresh(
    asked: list[tuple[int, tuple[str, ...], int, int]],
) -> None:
    """In whatever order blocks, seeds and names come, and whatever is done to what was given."""
    for seed, names, start, length in asked:
        replicates = range(start, start + length)
        found = ParameterDraws(seed, names).take(replicates)
        fresh = ParameterDraws(seed, (*names, "of this test alone")).take(replicates)[:-1]
        np.testing.assert_array_equal(found, fresh)
        found[:] = 0.0
