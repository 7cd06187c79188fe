"""Weights, posterior and what is left out of them, against exact answers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from backtest.made import CUT, STATES, base, uncalibrated, up_to, with_trade
from scipy.integrate import quad
from scipy.stats import norm

from sim.analysis.backtest import calibrate as module
from sim.analysis.backtest.calibrate import (
    LEAST_CHANGES,
    Posterior,
    Prior,
    prior,
    reported_changes,
    update,
)
from sim.analysis.composition import ilr
from sim.axes import FloatArray
from sim.errors import InputError
from sim.history import History
from sim.quantity import Draw
from sim.sampling import Sampler

FIRST = 2000
SLOPE, SIGMA = 0.06, 0.15
PRIOR_SD = 0.2
YEARS = 12
COORDINATES = 3
DRAWS = 40_000
KEPT = 20_000


def toy(
    values: FloatArray,
    changes: FloatArray,
    corners: tuple[float, float, float] | FloatArray,
    states: tuple[str, ...] = ("KZ",),
) -> Prior:
    """Draws of one number under which changes (state, year, coordinate, draw) were foreseen."""
    return Prior(
        names=("rules.trade.trend.ru",),
        values=values[np.newaxis],
        changes=changes,
        volatility=np.broadcast_to(corners, (len(states), 3)).astype(float),
        states=states,
        years=tuple(range(2001, 2001 + changes.shape[1])),
    )


def pinned(sigma: float) -> tuple[float, float, float]:
    """A range of sigma that is next to a point."""
    return sigma * (1 - 1e-6), sigma, sigma * (1 + 1e-6)


def linear(sigma: float = SIGMA) -> tuple[Prior, FloatArray, FloatArray]:
    """Changes that are linear in a Gaussian number, its slopes, and reported changes."""
    generator = np.random.default_rng(1)
    slopes = generator.normal(size=(1, YEARS, COORDINATES))
    values = PRIOR_SD * norm.ppf((np.arange(DRAWS) + 0.5) / DRAWS)
    reported = SLOPE * slopes + sigma * generator.normal(size=slopes.shape)
    changes = slopes[..., np.newaxis] * values
    return toy(values, changes, pinned(sigma)), slopes, reported


def conjugate(slopes: FloatArray, reported: FloatArray, sigma: float) -> tuple[float, float]:
    """Exact mean and standard deviation of the posterior."""
    precision = 1 / PRIOR_SD**2 + np.nansum(slopes**2) / sigma**2
    return float(np.nansum(slopes * reported) / sigma**2 / precision), float(precision**-0.5)


# --- weights --------------------------------------------------------------------------------------


def test_the_posterior_of_a_linear_model_is_the_conjugate_one() -> None:
    known, slopes, reported = linear()
    found = update(known, reported, KEPT, 1)
    mean, deviation = conjugate(slopes, reported, SIGMA)
    assert abs(mean - SLOPE) < 3 * deviation < 0.5 * PRIOR_SD  # it has something to say
    error = deviation / np.sqrt(KEPT)  # systematic resampling errs by less
    assert found.values[0].mean() == pytest.approx(mean, abs=4 * error)
    assert found.values[0].std() == pytest.approx(deviation, rel=4 / np.sqrt(2 * KEPT))
    places = np.quantile(found.values[0], [0.05, 0.5, 0.95])
    np.testing.assert_allclose(places, norm.ppf([0.05, 0.5, 0.95], mean, deviation), atol=8 * error)


def test_effective_draws_are_those_of_the_weights() -> None:
    """Of Gaussian weights: N times (integral of p L)^2 / integral of p L^2, in closed form."""
    known, slopes, reported = linear()
    found = update(known, reported, KEPT, 1)
    precision = np.sum(slopes**2) / SIGMA**2
    peak = np.sum(slopes * reported) / SIGMA**2 / precision

    def evidence(power: int) -> float:
        """Integral of the prior times the likelihood to a power, without constants."""
        return float(
            np.sqrt(2 * np.pi / (power * precision))
            * norm.pdf(peak, 0, np.sqrt(PRIOR_SD**2 + 1 / (power * precision)))
        )

    assert found.effective == pytest.approx(DRAWS * evidence(1) ** 2 / evidence(2), rel=1e-3)
    assert found.effective < DRAWS / 2


def test_the_same_seed_gives_the_same_draws() -> None:
    known, _, reported = linear()
    first, again, other = (update(known, reported, 1000, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)
    assert first.names == ("rules.trade.trend.ru", "rules.trade.volatility.kz")
    assert first.values.shape == (2, 1000)


def test_missing_changes_are_not_used() -> None:
    """A year with a gap in one coordinate gives nothing, whatever stands in the others."""
    known, slopes, reported = linear()
    holes = reported.copy()
    holes[0, 2], holes[0, 7, 1] = np.nan, np.nan
    found = update(known, holes, KEPT, 1)
    assert found.changes.tolist() == [YEARS - 2]
    slopes[0, [2, 7]] = np.nan
    mean, deviation = conjugate(slopes, reported, SIGMA)
    assert found.values[0].mean() == pytest.approx(mean, abs=4 * deviation / np.sqrt(KEPT))
    wild = holes.copy()
    wild[0, 7, [0, 2]] = 99.0
    assert np.array_equal(update(known, wild, KEPT, 1).values, found.values)


def test_states_add_up_each_with_a_sigma_of_its_own() -> None:
    """The number is shared, the noise is not: weighted least squares."""
    generator = np.random.default_rng(2)
    sigmas = np.array([0.05, 0.3])
    slopes = generator.normal(size=(2, YEARS, COORDINATES))
    reported = SLOPE * slopes + sigmas[:, None, None] * generator.normal(size=slopes.shape)
    values = PRIOR_SD * norm.ppf((np.arange(DRAWS) + 0.5) / DRAWS)
    known = toy(
        values,
        slopes[..., np.newaxis] * values,
        np.array([pinned(sigma) for sigma in sigmas]),
        ("KZ", "UZ"),
    )
    found = update(known, reported, KEPT, 1)
    weights = 1 / sigmas[:, None, None] ** 2
    precision = 1 / PRIOR_SD**2 + (weights * slopes**2).sum()
    mean = (weights * slopes * reported).sum() / precision
    assert found.values[0].mean() == pytest.approx(mean, abs=4 / np.sqrt(precision * KEPT))
    assert found.values[0].std() == pytest.approx(precision**-0.5, rel=4 / np.sqrt(2 * KEPT))
    assert found.names[1:] == ("rules.trade.volatility.kz", "rules.trade.volatility.uz")
    np.testing.assert_allclose(found.values[1:].mean(axis=1), sigmas, rtol=1e-5)


# --- sigma ----------------------------------------------------------------------------------------


CORNERS = [(0.02, 0.2, 0.8), (0.1, 0.1, 0.5), (0.05, 0.4, 0.4), (0.05, 0.07, 0.12)]


def triangle(sigma: float, corners: tuple[float, float, float]) -> float:
    low, mode, high = corners
    if sigma < mode:
        return (sigma - low) / (mode - low)
    return (high - sigma) / (high - mode) if high > mode else 0.0


def moments(squares: float, degrees: int, corners: tuple[float, float, float]) -> list[float]:
    """Integrals of sigma^0, ^1, ^2 times prior times likelihood, by quadrature."""
    low, mode, high = corners
    scale = min(max(np.sqrt(squares / degrees), low), high)

    def density(sigma: float) -> float:
        exponent = -degrees * np.log(sigma / scale) - squares / 2 * (sigma**-2 - scale**-2)
        return triangle(sigma, corners) * float(np.exp(exponent))

    ends = [low, *sorted({mode, scale} - {low, high}), high]
    return [
        sum(
            quad(lambda s, k=k: s**k * density(s), a, b, epsabs=0, epsrel=1e-10)[0]
            for a, b in pairwise(ends)
        )
        for k in range(3)
    ]


@pytest.mark.parametrize("corners", CORNERS)
def test_sigma_has_the_posterior_of_quadrature(corners: tuple[float, float, float]) -> None:
    reported = 0.12 * np.random.default_rng(3).normal(size=(1, YEARS, COORDINATES))
    draws = 200
    known = toy(np.zeros(draws), np.zeros((1, YEARS, COORDINATES, draws)), corners)
    found = update(known, reported, KEPT, 1).values[1]
    total, first, second = moments(float((reported**2).sum()), reported.size, corners)
    mean, deviation = first / total, np.sqrt(second / total - (first / total) ** 2)
    assert corners[0] <= found.min() < found.max() <= corners[2]
    assert found.mean() == pytest.approx(mean, abs=4 * deviation / np.sqrt(KEPT))
    assert found.std() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize("corners", CORNERS)
def test_sigma_is_summed_out_of_the_weights(corners: tuple[float, float, float]) -> None:
    """Two values of a number: their odds are the ratio of two integrals over sigma."""
    generator = np.random.default_rng(4)
    reported = 0.12 * generator.normal(size=(1, YEARS, COORDINATES))
    shift = 0.02 * generator.normal(size=reported.shape)
    values = np.repeat([0.0, 1.0], 1000)
    changes = shift[..., np.newaxis] * values
    found = update(toy(values, changes, corners), reported, KEPT, 1)
    squares = [float(((reported - k * shift) ** 2).sum()) for k in (0, 1)]
    degrees, (low, _, high) = reported.size, corners
    scales = [min(max(np.sqrt(s / degrees), low), high) for s in squares]
    parts = [
        moments(s, degrees, corners)[0]
        * np.exp(-degrees * np.log(scale / scales[0]) - s / 2 / scale**2)
        for s, scale in zip(squares, scales, strict=True)
    ]
    wanted = parts[1] / sum(parts)
    assert 0.05 < wanted < 0.95
    assert found.values[0].mean() == pytest.approx(wanted, abs=2e-3)


def test_each_coordinate_counts_as_one_residual() -> None:
    """With a wide range of sigma its mean square is that of the residuals."""
    reported = 0.1 * np.random.default_rng(5).normal(size=(1, 200, COORDINATES))
    known = toy(np.zeros(200), np.zeros((1, 200, COORDINATES, 200)), (0.01, 0.2, 0.5))
    found = update(known, reported, KEPT, 1).values[1]
    wanted = np.sqrt((reported**2).mean())
    assert found.mean() == pytest.approx(wanted, rel=0.01)
    assert found.std() == pytest.approx(wanted / np.sqrt(2 * reported.size), rel=0.1)


# --- what is used ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> Prior:
    return prior(uncalibrated(), up_to(), FIRST, CUT, 512, 1)


def test_the_prior_is_drawn_from_the_ranges(known: Prior) -> None:
    scenario = uncalibrated()
    assert known.states == STATES
    assert known.years == tuple(range(FIRST + 1, CUT + 1))
    assert known.changes.shape == (5, CUT - FIRST, 3, 512)
    trend = known.values[known.names.index("rules.trade.trend.cn")]
    assert -0.15 < trend.min() < -0.1 < 0.1 < trend.max() < 0.15
    for row, state in zip(known.volatility, STATES, strict=True):
        quantity = scenario.rules.trade.volatility
        entry = quantity.entries.index(state.lower())
        ends = (quantity.low[entry], quantity.value[entry], quantity.high[entry])
        assert row.tolist() == list(ends)
    assert not [name for name in known.names if "volatility" in name]


def test_paths_of_the_prior_have_no_shocks(known: Prior) -> None:
    """So that the volatility has no part in them."""
    scenario = uncalibrated()
    volatility = scenario.rules.trade.volatility
    wild = replace(volatility, value=tuple(3 * value for value in volatility.value))
    rules = replace(scenario.rules, trade=replace(scenario.rules.trade, volatility=wild))
    again = prior(replace(scenario, rules=rules), up_to(), FIRST, CUT, 512, 1)
    assert np.array_equal(again.changes, known.changes)
    assert (again.volatility[:, 1] == 3 * known.volatility[:, 1]).all()
    assert np.abs(known.changes).max() < 0.5


def test_reported_changes_are_those_of_log_ratios(known: Prior) -> None:
    found = reported_changes(up_to(), known)
    shares = up_to().shares.sel(year=slice(FIRST, CUT)).transpose("state", "year", "partner")
    np.testing.assert_allclose(found, np.diff(ilr(shares.values), axis=1), rtol=1e-12)
    assert found.shape == (5, CUT - FIRST, 3)


def broken(history: History, state: str, power: str, year: int) -> History:
    """History whose basis of one series changes in a year."""
    data = history.data.copy(deep=True)
    data["breaks"].loc[{"state": state, "power": power, "year": year}] = True
    return replace(history, data=data)


def test_a_change_of_basis_and_missing_years_are_not_used(known: Prior) -> None:
    def change(trade: xr.DataArray) -> None:
        trade.loc[{"state": "KG", "partner": "EU", "year": 2004}] = np.nan
        trade.loc[{"state": "TJ", "year": CUT}] = np.nan

    history = broken(with_trade(up_to(), change), "KZ", "CN", 2003)
    found, whole = (reported_changes(h, known) for h in (history, up_to()))
    missing = {("KZ", 2003), ("KG", 2004), ("KG", 2005), ("TJ", CUT)}
    for row, state in enumerate(STATES):
        for column, year in enumerate(known.years):
            if (state, year) in missing:
                assert np.isnan(found[row, column]).all()
            else:
                assert np.array_equal(found[row, column], whole[row, column])
    posterior = update(known, found, 100, 1, least=1)
    assert posterior.changes.tolist() == [7, 6, 7, 8, 8]


def test_interpolated_years_are_not_used(known: Prior) -> None:
    """Neither the change to them nor that from them: the line may lean on years after the cut."""
    data = up_to().data.copy(deep=True)
    data["basis"] = data["basis"].astype("<U20")
    for state, power, year in (("KZ", "CN", 2004), ("TM", "RU", CUT), ("UZ", "EU", FIRST)):
        data["basis"].loc[{"state": state, "power": power, "year": year}] = "interpolated"
    found = reported_changes(replace(up_to(), data=data), known)
    used = np.isfinite(found).all(axis=-1)
    missing = {("KZ", 2004), ("KZ", 2005), ("TM", CUT), ("UZ", FIRST + 1)}
    for row, state in enumerate(STATES):
        for column, year in enumerate(known.years):
            assert used[row, column] == ((state, year) not in missing)


def test_a_break_in_the_first_year_is_none_of_the_training() -> None:
    known = prior(uncalibrated(), up_to(), FIRST, CUT, 8, 1)
    found = reported_changes(broken(up_to(), "KZ", "CN", FIRST), known)
    assert np.isfinite(found).all()


def test_the_jump_at_a_break_has_no_part(known: Prior) -> None:
    """Whatever the jump, the posterior is the same."""

    def jump(trade: xr.DataArray) -> None:
        trade.loc[{"state": "KZ", "partner": "CN", "year": slice(2003, None)}] *= 3

    found = [
        update(known, reported_changes(broken(h, "KZ", "CN", 2003), known), 400, 1, least=1)
        for h in (up_to(), with_trade(up_to(), jump))
    ]
    np.testing.assert_allclose(found[1].effective, found[0].effective, rtol=1e-9)
    seen = update(known, reported_changes(with_trade(up_to(), jump), known), 400, 1, least=1)
    kz = seen.names.index("rules.trade.volatility.kz")
    assert seen.values[kz].mean() > 1.5 * found[0].values[kz].mean()
    assert found[1].values[kz].mean() == pytest.approx(found[0].values[kz].mean(), rel=1e-6)


# --- refusals -------------------------------------------------------------------------------------


def test_too_few_changes_are_refused(known: Prior) -> None:
    reported = np.full_like(reported_changes(up_to(), known), np.nan)
    whole = reported_changes(up_to(), known)
    reported[0, : LEAST_CHANGES - 1] = whole[0, : LEAST_CHANGES - 1]
    message = f"{LEAST_CHANGES - 1} changes of shares; needs {LEAST_CHANGES} at least"
    with pytest.raises(InputError, match=message):
        update(known, reported, 100, 1, least=1)
    reported[1, 0] = whole[1, 0]
    assert update(known, reported, 100, 1, least=1).changes.sum() == LEAST_CHANGES


def test_too_few_effective_draws_are_refused(known: Prior) -> None:
    reported = reported_changes(up_to(), known)
    enough = update(known, reported, 100, 1, least=1).effective
    assert isinstance(update(known, reported, 100, 1, least=int(enough)), Posterior)
    with pytest.raises(InputError, match=r"of 512 draws carry the weight; needs 512.*more draws"):
        update(known, reported, 100, 1, least=512)


def test_what_no_draw_comes_near_is_refused() -> None:
    """Pinned noise far below the misfit: one draw takes all."""
    known, _, reported = linear(sigma=1e-4)
    with pytest.raises(InputError, match="carry the weight; needs 10000"):
        update(known, reported, KEPT, 1, least=10_000)


@pytest.mark.parametrize("low", [0.0, -0.1, 0.9])
def test_sigma_needs_a_range_above_nothing(low: float) -> None:
    scenario = uncalibrated()
    volatility = scenario.rules.trade.volatility
    wrong = replace(volatility, low=(low, *volatility.low[1:]))
    rules = replace(scenario.rules, trade=replace(scenario.rules.trade, volatility=wrong))
    with pytest.raises(InputError, match=r"rules\.trade\.volatility: a calibration needs a range"):
        prior(replace(scenario, rules=rules), up_to(), FIRST, CUT, 4, 1)


def test_fixed_volatility_is_refused() -> None:
    """Of the baseline, which has no shocks."""
    with pytest.raises(InputError, match=r"rules\.trade\.volatility: a calibration needs a range"):
        prior(base("uncertainty=none"), up_to(), FIRST, CUT, 4, 1)


def test_training_years_have_to_be_in_the_data() -> None:
    with pytest.raises(InputError, match="1990 is not among the years"):
        prior(uncalibrated(), up_to(), 1990, CUT, 4, 1)
    with pytest.raises(InputError, match="no output of KZ in 2009"):
        prior(uncalibrated(), up_to(), FIRST, CUT + 1, 4, 1)


def test_tuned_names_are_quantities_that_are_drawn() -> None:
    """None of the list is misspelt, and what is fixed stays out."""
    drawn = Sampler(uncalibrated()).names
    for path in module.TUNED:
        assert [name for name in drawn if name.startswith(path)], path
    assert uncalibrated().rules.trade.trend_half_life.draw is Draw.FIXED
