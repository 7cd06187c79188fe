"""Baselines: paths by hand, calibration in simulated histories, and no look past the origin.

Seeds are fixed. Tolerances of simulated numbers are four standard errors or more, as said beside
them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import sqrt

import numpy as np
import pytest

from sim.analysis.baselines import (
    DAMPING,
    LEAST_YEARS,
    LEVEL,
    TREND,
    Smoothing,
    climatology,
    damped_trend,
    persistence,
    random_walk,
    smooth,
)
from sim.analysis.composition import closure, ilr, ilr_inverse, shrunk_covariance
from sim.analysis.scores import coverage, energy
from sim.axes import FloatArray
from sim.errors import InputError

Baseline = Callable[[FloatArray, int, int, np.random.Generator], FloatArray]
BASELINES: dict[str, Baseline] = {
    "persistence": persistence,
    "random walk": random_walk,
    "damped trend": damped_trend,
}
spread = pytest.mark.parametrize("baseline", BASELINES.values(), ids=BASELINES)
ERRORS = 4
"""Standard errors by which a simulated mean may differ from the known one."""
YEARS = 8
"""Horizons of the back-test."""
ROOT = 0.15 * np.linalg.cholesky(np.array([[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 0.6]]))
"""Of the covariance in ilr of yearly changes, about those of reported trade shares."""


def seeded(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def walk(years: int, generator: np.random.Generator, drift: float = 0.0) -> FloatArray:
    """Shares (year, 4) of a random walk whose drift has a standard deviation of ``drift``."""
    steps = generator.normal(size=(years, 3)) @ ROOT.T + drift * generator.normal(size=3)
    return ilr_inverse(steps.cumsum(axis=0))


def noisy(years: int, generator: np.random.Generator) -> FloatArray:
    """Shares (year, 4) of a slow random walk reported with errors of each year alone."""
    slow = (0.5 * generator.normal(size=(years, 3)) @ ROOT.T).cumsum(axis=0)
    return ilr_inverse(slow + 0.15 * generator.normal(size=(years, 3)))


def centre(ensemble: FloatArray) -> FloatArray:
    """Mean in ilr of the members, (horizon, J - 1)."""
    found: FloatArray = ilr(ensemble, axis=1).mean(axis=-1)
    return found


def error_of(ensemble: FloatArray) -> FloatArray:
    """Standard error of ``centre``."""
    found: FloatArray = ilr(ensemble, axis=1).std(axis=-1) / sqrt(ensemble.shape[-1])
    return found


# --- all of them ----------------------------------------------------------------------------------


@spread
@pytest.mark.parametrize("parts", [2, 3, 7])
def test_shares_by_year_partner_and_member(baseline: Baseline, parts: int) -> None:
    history = closure(seeded().gamma(5, size=(9, parts)))
    history.setflags(write=False)
    found = baseline(history, YEARS, 50, seeded())
    assert found.shape == (YEARS, parts, 50)
    assert (found > 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(found, baseline(history, YEARS, 50, seeded()))
    assert (found != baseline(history, YEARS, 50, seeded(2))).all()
    np.testing.assert_allclose(found, baseline(100 * history, YEARS, 50, seeded()), rtol=1e-9)


@spread
def test_later_years_are_not_looked_at(baseline: Baseline) -> None:
    """Neither through the memory that a slice shares with them, nor otherwise; the last year before
    them is."""
    whole = walk(20, seeded())
    wanted = baseline(whole[:12].copy(), YEARS, 20, seeded())
    for absurd in (np.nan, 0.0, -7.0, 1e9):
        changed = whole.copy()
        changed[12:] = absurd
        np.testing.assert_array_equal(baseline(changed[:12], YEARS, 20, seeded()), wanted)
    changed[12:] = np.nan
    with pytest.raises(InputError, match=r"nan at \[12, 0\]"):
        baseline(changed[:13], YEARS, 20, seeded())
    assert (baseline(whole[:13], YEARS, 20, seeded()) != wanted).all()


@spread
def test_a_longer_forecast_begins_with_the_shorter(baseline: Baseline) -> None:
    history = walk(12, seeded())
    long, short = (baseline(history, years, 30, seeded()) for years in (YEARS, 3))
    np.testing.assert_allclose(long[:3], short, rtol=1e-12)


@spread
def test_the_order_of_the_partners_does_not_matter(baseline: Baseline) -> None:
    """Random numbers fall on other coordinates, so that only the distributions agree: quantiles of
    40,000 members, whose standard error is below 0.003 for shares spread by 0.2."""
    history, order = walk(12, seeded(3), drift=0.1), [2, 0, 3, 1]
    levels = (0.1, 0.5, 0.9)
    one = np.quantile(baseline(history, 4, 40_000, seeded())[:, order], levels, axis=-1)
    two = np.quantile(baseline(history[:, order], 4, 40_000, seeded(2)), levels, axis=-1)
    np.testing.assert_allclose(one, two, rtol=0, atol=0.012)


@spread
@pytest.mark.parametrize("years", [LEAST_YEARS, 6, 12])
def test_intervals_hold_what_happens_to_a_random_walk(baseline: Baseline, years: int) -> None:
    """Nine times in ten, even after five years: 89 to 95 % in a longer simulation. The standard
    error over 300 histories of four shares is about 1 %. Gaussian paths with the same covariance
    would hold 83 to 88 % after five years."""
    generator = seeded(years)
    worlds = np.array([walk(years + YEARS, generator) for _ in range(300)])
    found = np.array([baseline(world[:years], YEARS, 39, generator) for world in worlds])
    for year in (0, 3, 7):
        held = coverage(found[:, year], worlds[:, years + year], 0.9).mean()
        assert 0.87 < held < 0.97


@pytest.mark.parametrize(
    ("world", "best"),
    [
        (walk, "persistence"),
        (lambda years, generator: walk(years, generator, drift=0.15), "random walk"),
        (noisy, "damped trend"),
    ],
)
def test_each_is_best_in_the_world_it_assumes(
    world: Callable[[int, np.random.Generator], FloatArray], best: str
) -> None:
    """By the energy score of the years 4 to 8, on average over 500 histories of twelve years."""
    generator = seeded(4)
    worlds = np.array([world(12 + YEARS, generator) for _ in range(500)])
    scores = {
        name: np.array(
            [
                energy(baseline(one[:12], YEARS, 29, generator)[3:], one[15:]).mean()
                for one in worlds
            ]
        )
        for name, baseline in BASELINES.items()
    }
    for other in BASELINES.keys() - {best}:
        gap = scores[other] - scores[best]
        assert gap.mean() > ERRORS * gap.std() / sqrt(len(gap))


@spread
def test_what_never_changed_does_not_change(baseline: Baseline) -> None:
    last = np.array([0.5, 0.3, 0.2])
    found = baseline(np.tile(last, (6, 1)), 3, 5, seeded())
    np.testing.assert_allclose(found, np.tile(last[:, np.newaxis], (3, 1, 5)))


# --- persistence ----------------------------------------------------------------------------------


def test_the_point_forecast_is_the_last_year() -> None:
    history = np.array([[1.0, 1.0, 2.0], [5.0, 3.0, 2.0]])
    for rows in (history, history[1:]):
        found = persistence(rows, 4, 3)
        np.testing.assert_array_equal(found, np.tile([[0.5], [0.3], [0.2]], (4, 1, 3)))


def test_persistence_spreads_as_the_changes_did_and_with_the_root_of_time() -> None:
    """Of 200 changes, so that Student's t is a Gaussian but for 1 % of the variance; variances of
    40,000 members have a standard error below 1 %."""
    history = walk(201, seeded(), drift=0.05)
    changes = np.diff(ilr(history), axis=0)
    wanted = shrunk_covariance(changes, 200)
    found = ilr(persistence(history, 4, 40_000, seeded()), axis=1)
    assert (np.abs(found.mean(axis=-1) - ilr(history)[-1]) < 0.01).all()
    for year in range(4):
        np.testing.assert_allclose(
            np.cov(found[year]), (year + 1) * wanted, rtol=0.05, atol=0.03 * np.trace(wanted)
        )


# --- random walk ----------------------------------------------------------------------------------


def test_a_drift_without_noise_goes_on() -> None:
    z = np.array([0.2, -0.4]) + np.arange(7)[:, np.newaxis] * np.array([0.1, -0.05])
    found = ilr(random_walk(ilr_inverse(z), 3, 4, seeded()), axis=1)
    wanted = z[-1] + np.arange(1, 4)[:, np.newaxis] * np.array([0.1, -0.05])
    np.testing.assert_allclose(found, np.repeat(wanted[..., np.newaxis], 4, axis=-1), atol=1e-9)


@pytest.mark.parametrize("drift", [0.0, 0.1, 0.3])
def test_the_drift_is_shrunk_by_its_noise(drift: float) -> None:
    """Mean and variance of paths by the formula; that of Student's t with ten degrees of freedom is
    10/8 of the covariance. Variances of 40,000 members have a standard error of 1 to 2 %."""
    history = walk(12, seeded(5), drift)
    z = ilr(history)
    changes = np.diff(z, axis=0)
    mean = changes.mean(axis=0)
    covariance = shrunk_covariance(changes - mean, 10)
    weight = max(0.0, 1 - np.trace(covariance) / 11 / (mean @ mean))
    assert (weight > 0) == (drift > 0)
    found = random_walk(history, 6, 40_000, seeded())
    years = np.arange(1, 7)[:, np.newaxis]
    gap = np.abs(centre(found) - z[-1] - years * weight * mean)
    assert (gap < ERRORS * error_of(found)).all()
    wanted = 10 / 8 * (years + years**2 * weight / 11) * np.diag(covariance)
    np.testing.assert_allclose(ilr(found, axis=1).var(axis=-1), wanted, rtol=0.08)


# --- damped trend ---------------------------------------------------------------------------------

SERIES = np.array([1.0, 1.3, 1.1, 1.6, 2.0, 1.9, 2.4])


def test_smoothing_is_that_of_statsmodels() -> None:
    """Version 0.15.0, ``ExponentialSmoothing(SERIES[1:], trend="add", damped_trend=True,
    initialization_method="known", initial_level=1, initial_trend=0)``; two coordinates at once."""
    both = np.column_stack([SERIES, -2 * SERIES])
    errors, level, trend = smooth(both, Smoothing(level=0.6, trend=0.3, damping=0.9))
    wanted = [0.3, -0.1286, 0.4256532, 0.48068934, -0.06621068, 0.34160408]
    np.testing.assert_allclose(errors, np.outer(wanted, [1, -2]), atol=2e-8)
    np.testing.assert_allclose(level, [2.263358367299588, -2 * 2.263358367299588])
    np.testing.assert_allclose(trend, [0.19340038046047509, -2 * 0.19340038046047509])
    ahead = level[0] + np.cumsum(0.9 ** np.arange(1, 5)) * trend[0]
    np.testing.assert_allclose(ahead, [2.43741871, 2.59407302, 2.7350619, 2.86195188])


def test_one_step_errors_know_only_earlier_years() -> None:
    z = ilr(walk(12, seeded()))
    errors, _, _ = smooth(z, Smoothing(0.6, 0.3, 0.9))
    changed = z.copy()
    changed[7:] += 100
    others, _, _ = smooth(changed, Smoothing(0.6, 0.3, 0.9))
    np.testing.assert_array_equal(errors[:6], others[:6])
    assert (np.abs(errors[6] - others[6]) > 99).all()


def made_by(constants: Smoothing, years: int, generator: np.random.Generator) -> FloatArray:
    """Coordinates (year, 3) that follow the model."""
    z, level, trend = [np.zeros(3)], np.zeros(3), np.zeros(3)
    for error in generator.normal(size=(years - 1, 3)) @ ROOT.T:
        z.append(level + constants.damping * trend + error)
        slope = constants.damping * trend
        level = level + slope + constants.level * error
        trend = slope + constants.level * constants.trend * error
    return np.array(z)


@pytest.mark.parametrize("constants", [Smoothing(0.6, 0.3, 0.9), Smoothing(1.0, 0.5, 0.98)])
def test_the_forecast_follows_the_constants_that_made_a_long_history(constants: Smoothing) -> None:
    """With a thousand years the constants of least error are the true ones, so that the centre is
    the formula of the damped trend and the first year spreads as the errors did."""
    z = made_by(constants, 1000, seeded(6))
    tried = [Smoothing(*c) for c in product(LEVEL, TREND, DAMPING)]
    assert min(tried, key=lambda c: float((smooth(z, c)[0] ** 2).sum())) == constants
    errors, level, trend = smooth(z, constants)
    found = damped_trend(ilr_inverse(z), 6, 10_000, seeded())
    damping = np.cumsum(constants.damping ** np.arange(1, 7))[:, np.newaxis]
    gap = np.abs(centre(found) - level - damping * trend)
    assert (gap < ERRORS * error_of(found)).all()
    np.testing.assert_allclose(
        ilr(found, axis=1)[0].var(axis=-1), (errors**2).mean(axis=0), rtol=ERRORS * sqrt(2 / 10_000)
    )


def test_errors_of_paths_are_carried_on_in_level_and_trend() -> None:
    """An error adds α to the level and α β φ^k to each later year, so that the variance is
    ``σ² (1 + Σ_(j<h) (α + α β (φ + ... + φ^j))²)``; of 10,000 members within four standard errors.
    """
    constants = Smoothing(0.6, 0.3, 0.9)
    z = made_by(constants, 1000, seeded(6))
    errors, _, _ = smooth(z, constants)
    carried = 0.6 * (1 + 0.3 * np.cumsum(0.9 ** np.arange(1, 6)))
    growth = 1 + np.concatenate([[0], np.cumsum(carried**2)])
    found = ilr(damped_trend(ilr_inverse(z), 6, 10_000, seeded()), axis=1).var(axis=-1)
    wanted = growth[:, np.newaxis] * (errors**2).mean(axis=0)
    np.testing.assert_allclose(found, wanted, rtol=ERRORS * sqrt(2 / 10_000))


# --- choices --------------------------------------------------------------------------------------


def test_base_rates_by_hand() -> None:
    picks = np.array([0, 2, 2, 2])
    np.testing.assert_allclose(climatology(picks, 3), [2 / 7, 1 / 7, 4 / 7])
    np.testing.assert_allclose(climatology(picks, 3, added=0.5), [1.5 / 5.5, 0.5 / 5.5, 3.5 / 5.5])
    np.testing.assert_allclose(climatology(picks, 3, added=0), [0.25, 0, 0.75])
    np.testing.assert_allclose(climatology(np.array([], dtype=int), 4), np.full(4, 0.25))


# --- refusals -------------------------------------------------------------------------------------


@spread
def test_histories_that_cannot_be_continued(baseline: Baseline) -> None:
    history = walk(12, seeded())
    for rows in (history[: LEAST_YEARS - 1], history[0], history[np.newaxis]):
        with pytest.raises(InputError, match="of at least 5 years, not an array of shape"):
            baseline(rows, 3, 5, seeded())
    for bad in (0.0, -0.1, np.nan):
        changed = history.copy()
        changed[4, 1] = bad
        with pytest.raises(InputError, match=r"at \[4, 1\] .* replace zeros beforehand"):
            baseline(changed, 3, 5, seeded())
    with pytest.raises(InputError, match="at least 2 parts, not 1"):
        baseline(history[:, :1], 3, 5, seeded())
    with pytest.raises(InputError, match="horizons: must be at least 1, not 0"):
        baseline(history, 0, 5, seeded())
    with pytest.raises(InputError, match="members: must be at least 2, not 1"):
        baseline(history, 3, 1, seeded())


def test_a_point_forecast_needs_a_year() -> None:
    with pytest.raises(InputError, match="of at least 1 years"):
        persistence(np.empty((0, 3)), 3, 5)
    with pytest.raises(InputError, match="replace zeros beforehand"):
        persistence(np.array([[0.5, 0.5, 0.0]]), 3, 5)


def test_choices_without_a_base_rate() -> None:
    for picks in (np.array([0, 3]), np.array([-1]), np.array([0.5])):
        with pytest.raises(InputError, match="number of an option, from 0 to 2"):
            climatology(picks, 3)
    with pytest.raises(InputError, match="no past choices, and none are added"):
        climatology(np.array([], dtype=int), 3, added=0)
    with pytest.raises(InputError, match="options: must be at least 1, not 0"):
        climatology(np.array([0]), 0)
    with pytest.raises(InputError, match="added: must be between 0 and inf, not -1"):
        climatology(np.array([0]), 3, added=-1)
