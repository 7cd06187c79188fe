"""Calibration on pasts that the model invented: it finds the numbers, and is right about how well.

Ranks of true numbers among draws from their posterior are uniform if prior, likelihood and weights
are right (Talts et al. 2018), so that a fault in any of them has to show here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from backtest.made import CUT, FOREVER, STATES, central, example, uncalibrated, up_to
from scipy.stats import chisquare

from sim.analysis.backtest import calibrate as module
from sim.analysis.backtest import rehearsal
from sim.analysis.backtest.calibrate import Prior, prior, reported_changes, update
from sim.analysis.backtest.rehearsal import RANKED, invent, ranks
from sim.axes import FloatArray, IntArray
from sim.errors import InputError
from sim.history import History

FIRST = 2000
LEVEL = 0.01
"""Probability that a right calibration is refused, over all numbers together."""
ALL: tuple[int, int] = (1994, 2008)
"""Training years of the search for numbers: many, so that they say much."""


# --- numbers are found ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> Prior:
    return prior(uncalibrated(), example(), *ALL, 2**12, 11)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_numbers_that_made_a_past_are_found(known: Prior, seed: int) -> None:
    """Within 4 standard deviations of the posterior, which is far narrower than the prior."""
    invented = invent(central(FOREVER), example(), *ALL, 1, seed)
    found = update(known, reported_changes(invented[0], known), 2000, seed, least=20)
    assert found.changes.tolist() == [ALL[1] - ALL[0]] * 5
    for name, draws in zip(found.names, found.values, strict=True):
        truth = float(invented.numbers[name][0])
        assert abs(draws.mean() - truth) < 4 * draws.std(), name
        if name.startswith("rules.trade.trend"):
            before = known.values[known.names.index(name)]
            assert draws.std() < 0.65 * before.std(), name
        if name.startswith("rules.trade.volatility"):
            assert draws.std() < 0.14 * draws.mean(), name  # 42 residuals: 1/sqrt(84) and a little


def test_invented_pasts_are_those_of_the_model() -> None:
    invented = invent(uncalibrated(), up_to(), FIRST, CUT, 3, 5)
    assert len(invented) == 3
    assert invented.trade.shape == (3, CUT - FIRST + 1, 5, 4)
    for number in range(3):
        history = invented[number]
        assert history.data["year"].values.tolist() == list(range(FIRST, CUT + 1))
        first = history.data["trade"].sel(year=FIRST)
        np.testing.assert_allclose(first, up_to().data["trade"].sel(year=FIRST), rtol=1e-12)
        there = history.data["trade"].transpose("year", "state", "partner").values
        assert np.array_equal(there, invented.trade[number])
        assert history.data["gdp"].equals(up_to().data["gdp"].sel(year=slice(FIRST, None)))
        assert not history.data["breaks"].any()
        assert history.digest == f"invented-{number}"
    assert not np.array_equal(invented.trade[0], invented.trade[1])
    drawn = invented.numbers["rules.trade.trend.ru"]
    assert drawn.shape == (3,)
    assert len(set(drawn.tolist())) == 3
    more = invent(uncalibrated(), up_to(), FIRST, CUT, 5, 5)
    assert np.array_equal(more.trade[:3], invented.trade)


def test_shocks_of_invented_pasts_have_the_size_of_their_volatility() -> None:
    """What a path with the same numbers and no shocks leaves of the changes."""
    scenario, many = central(FOREVER), 40
    invented = invent(scenario, example(), *ALL, many, 3)
    volatility = scenario.rules.trade.volatility
    still = {f"rules.trade.volatility.value.{s.lower()}=0" for s in STATES}
    quiet = invent(central(FOREVER, *sorted(still)), example(), *ALL, 1, 3)
    left = np.diff(np.log(invented.trade) - np.log(quiet.trade), axis=1)  # (past, year, state, j)
    count = many * left.shape[1] * left.shape[3]
    for row, state in enumerate(STATES):
        told = volatility.of(state.lower())
        # Congestion on the corridors moves a little more than shocks do.
        assert left[:, :, row].std() == pytest.approx(told, rel=4 / np.sqrt(2 * count) + 0.01)


# --- ranks are uniform ----------------------------------------------------------------------------


def p_values(found: Mapping[str, IntArray], bins: int) -> dict[str, float]:
    """Chi-square tests of uniform ranks."""
    return {
        name: float(chisquare(np.bincount(places * bins // (RANKED + 1), minlength=bins)).pvalue)
        for name, places in found.items()
    }


@pytest.mark.slow
def test_ranks_of_the_true_numbers_are_uniform() -> None:
    found = ranks(uncalibrated(), up_to(), FIRST, CUT, 120, 2**14, seed=1)
    names = set(found)
    assert {f"rules.trade.volatility.{s.lower()}" for s in STATES} < names
    assert {f"rules.trade.trend.{p}" for p in ("ru", "cn", "eu")} < names
    assert all(len(places) == 120 for places in found.values())
    assert all(places.min() >= 0 and places.max() <= RANKED for places in found.values())
    tests = p_values(found, 10)
    worst = min(tests, key=lambda name: tests[name])
    assert tests[worst] > LEVEL / len(tests), (worst, tests[worst])


Likelihood = Callable[[History, Prior], FloatArray]


def scaled(history: History, known: Prior) -> FloatArray:
    """Changes one and a half times as large."""
    return 1.5 * reported_changes(history, known)


def thinned(history: History, known: Prior) -> FloatArray:
    """Changes with the sign of the first coordinate lost."""
    return reported_changes(history, known) * np.array([-1.0, 1.0, 1.0])


def halved(degrees: IntArray, corners: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Grid of half the sigma that is meant."""
    grid, fixed = GRID(degrees, corners)
    return grid / 2, fixed


def fewer(degrees: IntArray, corners: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Each year counted once instead of once a coordinate."""
    return GRID(degrees // 3, corners)


GRID = module._grid
SMALL = (40, 2**12)
"""Pasts and draws: few, as the faults are large."""


def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    monkeypatch.setattr(rehearsal, "LEAST", 1)
    return p_values(ranks(uncalibrated(), up_to(), FIRST, CUT, *SMALL, seed=4), 5)


def test_a_right_calibration_is_not_refused_with_few_pasts(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = small(monkeypatch)
    assert min(tests.values()) > LEVEL / len(tests)


@pytest.mark.parametrize(
    ("place", "name", "fault", "shown"),
    [
        (rehearsal, "reported_changes", scaled, "rules.trade.volatility"),
        (rehearsal, "reported_changes", thinned, "rules.trade.trend"),
        (module, "_grid", halved, "rules.trade.volatility"),
        (module, "_grid", fewer, "rules.trade.volatility"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_wrong_likelihood_is_refused(
    place: object, name: str, fault: object, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, fault)
    tests = small(monkeypatch)
    refused = [number for number, p in tests.items() if p < LEVEL / len(tests)]
    assert [number for number in refused if number.startswith(shown)], tests


def test_pasts_that_say_too_little_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "LEAST", 10_000)
    with pytest.raises(InputError, match="of 64 draws carry the weight; needs 10000"):
        ranks(uncalibrated(), up_to(), FIRST, CUT, 1, 64)
