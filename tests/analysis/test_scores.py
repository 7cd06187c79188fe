"""Scores against closed forms, other libraries and simulation.

Tolerances of simulated means are four standard errors, which a right function misses once in 16,000
seeds; the seeds are fixed. Each is far smaller than the error that the test looks for.
"""

from __future__ import annotations

from math import gamma, pi, sqrt

import numpy as np
import pytest
import scoringrules
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.analysis.composition import closure, ilr, ilr_inverse
from sim.analysis.scores import (
    DENSITY_MEMBERS,
    LEVELS,
    brier,
    coverage,
    crps,
    energy,
    log_density,
    log_score,
    pit,
    pit_histogram,
    reliability,
)
from sim.analysis.skill import (
    CONFIDENCE,
    diebold_mariano,
    skill,
    skill_interval,
)
from sim.axes import FloatArray, IntArray
from sim.errors import InputError

ERRORS = 4
"""Standard errors by which a simulated mean may differ from the known one."""
CRPS_AT_MEAN = 2 * stats.norm.pdf(0) - 1 / sqrt(pi)
"""CRPS of N(0, 1) at 0."""


def about(values: FloatArray, known: float) -> None:
    """Fail unless the mean of independent values is near a known one."""
    assert abs(values.mean() - known) < ERRORS * values.std() / sqrt(values.size)


def in_shares(coordinates: FloatArray) -> FloatArray:
    """Ensembles (..., J, m) of members (..., m, J - 1) in ilr."""
    return np.swapaxes(ilr_inverse(coordinates), -1, -2)


def fair(members: FloatArray, y: FloatArray) -> float:
    """Fair energy score of vectors (m, D), by its definition."""
    m = len(members)
    pairs = sum(float(np.linalg.norm(a - b)) for a in members for b in members)
    return float(np.mean([np.linalg.norm(a - y) for a in members]) - pairs / (2 * m * (m - 1)))


# --- CRPS -----------------------------------------------------------------------------------------


def test_crps_of_a_gaussian() -> None:
    """``y (2Φ(y) - 1) + 2φ(y) - 1/√π``; 20,000 members at even quantiles leave an error of 1e-4."""
    assert f"{CRPS_AT_MEAN:.4f}" == "0.2337"
    assert scoringrules.crps_normal(0, 0, 1) == pytest.approx(CRPS_AT_MEAN)
    members = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    y = np.array([0.0, -1.3, 2.5])
    wanted = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / sqrt(pi)
    np.testing.assert_allclose(crps(np.tile(members, (3, 1)), y), wanted, atol=1e-4)


@pytest.mark.parametrize("m", [2, 3, 10])
def test_crps_does_not_depend_on_the_number_of_members(m: int) -> None:
    """The usual estimator would be larger by 1/(m√π), 0.28 with two members."""
    members = np.random.default_rng(m).normal(size=(40_000, m))
    about(crps(members, np.zeros(40_000)), CRPS_AT_MEAN)


@given(
    st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=9), st.integers(-6, 6).map(float)
)
def test_crps_by_its_definition_also_with_ties(members: list[float], y: float) -> None:
    found = crps(np.array([members]), np.array([y]))
    wanted = fair(np.array(members)[:, np.newaxis], np.array([y]))
    np.testing.assert_allclose(found, [wanted], atol=1e-12)


def test_crps_of_a_point_is_its_absolute_error() -> None:
    found = crps(np.tile([[0.5], [0.3], [0.2]], 7), np.array([0.4, 0.3, 0.3]))
    np.testing.assert_allclose(found, [0.1, 0, 0.1], atol=1e-12)


# --- energy score ---------------------------------------------------------------------------------


def gaussian_energy(size: int) -> float:
    """Energy score of N(0, I) at 0: ``E|X| (1 - 1/√2)``, as X - X' is √2 X."""
    return sqrt(2) * gamma((size + 1) / 2) / gamma(size / 2) * (1 - 1 / sqrt(2))


@pytest.mark.parametrize(("parts", "m"), [(2, 2), (3, 2), (4, 3), (4, 10), (7, 5)])
def test_energy_of_a_gaussian_whatever_the_number_of_members(parts: int, m: int) -> None:
    """The usual estimator would be larger by E|X|/(√2 m), 0.28 with four shares and m = 4."""
    assert gaussian_energy(1) == pytest.approx(CRPS_AT_MEAN)
    generator = np.random.default_rng(parts)
    ensemble = in_shares(generator.normal(size=(4000, m, parts - 1)))
    about(energy(ensemble, np.full((4000, parts), 1 / parts)), gaussian_energy(parts - 1))


def test_energy_by_its_definition_and_by_scoringrules() -> None:
    generator = np.random.default_rng(3)
    ensemble = closure(generator.gamma(2, size=(2, 3, 4, 6)), axis=2)
    observed = closure(generator.gamma(2, size=(2, 3, 4)))
    found = energy(ensemble, observed)
    assert found.shape == (2, 3)
    x, y = np.swapaxes(ilr(ensemble, axis=-2), -1, -2), ilr(observed)
    wanted = [[fair(x[a, b], y[a, b]) for b in range(3)] for a in range(2)]
    np.testing.assert_allclose(found, wanted)
    theirs = scoringrules.es_ensemble(y, x, estimator="fair", backend="numpy")
    np.testing.assert_allclose(found, theirs)


@given(st.integers(2, 12), st.integers(0, 999))
def test_energy_of_two_shares_is_the_crps_of_their_log_ratio(m: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    ensemble, observed = generator.uniform(0.1, 1, (5, 2, m)), generator.uniform(0.1, 1, (5, 2))
    wanted = crps(ilr(ensemble, axis=-2), ilr(observed))[:, 0]
    np.testing.assert_allclose(energy(ensemble, observed), wanted, atol=1e-12)


@given(st.integers(2, 7), st.integers(0, 999))
def test_order_and_scale_of_the_parts_do_not_matter(parts: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    shape = (2, parts, DENSITY_MEMBERS)
    ensemble, observed = generator.uniform(0.1, 1, shape), generator.uniform(0.1, 1, shape[:2])
    order = generator.permutation(parts)
    for score in (energy, log_density):
        wanted = score(ensemble, observed)
        np.testing.assert_allclose(score(ensemble[:, order], observed[:, order]), wanted)
        np.testing.assert_allclose(score(3 * ensemble, observed / 7), wanted)


# --- log density ----------------------------------------------------------------------------------

SPREAD = np.array([[0.5, 0.0, 0.0], [0.2, 0.4, 0.0], [-0.1, 0.1, 0.3]])
"""Root of a covariance in ilr of four shares."""


def test_log_density_of_many_members_is_that_of_the_gaussian() -> None:
    """With 200,000 members the mean is off by 1e-3 and the covariance by 0.3 %, which moves the log
    density of these points by less than 0.02."""
    generator = np.random.default_rng(4)
    centre = np.array([0.3, -0.2, 0.5])
    ensemble = in_shares(centre + generator.normal(size=(200_000, 3)) @ SPREAD.T)
    for y in (centre, centre + SPREAD @ [1, -1, 0.5]):
        wanted = stats.multivariate_normal.logpdf(y, centre, SPREAD @ SPREAD.T)
        found = log_density(ensemble, ilr_inverse(y))
        assert found == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize(("m", "loss"), [(20, 0.2), (50, 0.1), (100, 0.04)])
def test_log_density_falls_short_with_few_members_by_what_is_documented(
    m: int, loss: float
) -> None:
    """Half of the documented loss either way; the standard error is below a tenth of that."""
    generator = np.random.default_rng(m)
    y = generator.normal(size=(3000, 3)) @ SPREAD.T
    ensemble = in_shares(generator.normal(size=(3000, m, 3)) @ SPREAD.T)
    true = stats.multivariate_normal.logpdf(y, np.zeros(3), SPREAD @ SPREAD.T)
    assert loss / 2 < (true - log_density(ensemble, ilr_inverse(y))).mean() < 1.5 * loss


# --- propriety ------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", ["crps", "energy", "log density"])
@pytest.mark.parametrize(
    ("shift", "stretch"), [(0.3, 1.0), (-0.3, 1.0), (0.0, 0.6), (0.0, 1.6), (0.2, 1.3)]
)
def test_the_true_forecast_is_preferred(score: str, shift: float, stretch: float) -> None:
    """On average over what happens, to one that is shifted, too sure or too vague."""
    generator = np.random.default_rng(5)
    count, m = 2000, 30
    observed = ilr_inverse(generator.normal(size=(count, 3)) @ SPREAD.T)
    members = generator.normal(size=(count, m, 3)) @ SPREAD.T
    true, false = in_shares(members), in_shares(shift + stretch * members)
    if score == "crps":
        better = (crps(false, observed) - crps(true, observed)).mean(axis=-1)
    elif score == "energy":
        better = energy(false, observed) - energy(true, observed)
    else:
        better = log_density(true, observed) - log_density(false, observed)
    assert better.mean() > ERRORS * better.std() / sqrt(count)


# --- calibration ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "level"), [(3, 0.5), (19, 0.5), (19, 0.9), (24, 0.9), (199, 0.9)])
def test_coverage_of_what_is_drawn_like_the_members(m: int, level: float) -> None:
    """Exact where (m + 1)(1 - level)/2 is whole; in between, as 24 members at 90 %, interpolation
    costs less than 1 %. By the usual quantiles 19 members would hold 81 %."""
    generator = np.random.default_rng(m)
    ensemble, observed = (
        generator.gamma(2, size=(20_000, 2, m)),
        generator.gamma(2, size=(20_000, 2)),
    )
    found = coverage(ensemble, observed, level)
    assert found.shape == (2,)
    slack = ERRORS * sqrt(level * (1 - level) / 20_000) + (0.01 if m == 24 else 0)
    np.testing.assert_allclose(found, level, rtol=0, atol=slack)


def test_coverage_by_hand() -> None:
    """Of members 1 to 19 the central 50 % are 5 to 15, the central 90 % 1 to 19."""
    ensemble = np.tile(np.arange(1.0, 20.0), (4, 2, 1))
    observed = np.array([[5, 1], [15, 19], [4.9, 0.9], [15.1, 19.1]])
    assert LEVELS == (0.5, 0.9)
    np.testing.assert_array_equal(coverage(ensemble, observed, 0.5), [0.5, 0])
    np.testing.assert_array_equal(coverage(ensemble, observed, 0.9), [1, 0.5])


def test_pit_by_hand() -> None:
    ensemble = np.tile([1.0, 2.0, 2.0, 4.0], (5, 1))
    observed = np.array([0.0, 1.5, 2.0, 4.0, 9.0])
    low, high = (pit(ensemble, observed, np.full(5, u)) for u in (0.0, 1.0))
    np.testing.assert_allclose(low, [0, 0.2, 0.2, 0.6, 0.8])
    np.testing.assert_allclose(high, [0.2, 0.4, 0.8, 1, 1])


@pytest.mark.parametrize("m", [2, 9, 50])
@pytest.mark.parametrize("ties", [False, True])
def test_pit_is_uniform_if_calibrated(m: int, ties: bool) -> None:
    """Kolmogorov's distance at 1 %. Counts of a Poisson variable tie often."""
    generator = np.random.default_rng(6)
    draw = generator.poisson if ties else generator.gamma
    values = pit(
        draw(2, size=(5000, m)).astype(float),
        draw(2, size=5000).astype(float),
        generator.uniform(size=5000),
    )
    assert stats.kstest(values, "uniform").pvalue > 0.01


def test_the_histogram_shows_what_is_wrong() -> None:
    """Flat within four standard errors if calibrated; a U, a hump and a slope if not."""
    generator = np.random.default_rng(7)
    members, uniforms = generator.normal(size=(20_000, 19)), generator.uniform(size=20_000)
    observed = generator.normal(size=20_000)

    def histogram(shift: float, stretch: float) -> FloatArray:
        return pit_histogram(pit(shift + stretch * members, observed, uniforms))

    right, narrow, wide, high = (
        histogram(*change) for change in ((0, 1), (0, 0.6), (0, 1.6), (0.5, 1))
    )
    for found in (right, narrow, wide, high):
        assert found.shape == (10,)
        assert found.sum() == pytest.approx(1)
    slack = ERRORS * sqrt(0.1 * 0.9 / 20_000)
    np.testing.assert_allclose(right, 0.1, rtol=0, atol=slack)
    assert min(narrow[0], narrow[-1]) > 0.15 > 0.1 > narrow[4:6].max()
    assert max(wide[0], wide[-1]) < 0.05 < 0.1 < wide[4:6].min()
    assert high[0] > 0.2 > 0.05 > high[-1]
    np.testing.assert_array_equal(pit_histogram(np.array([0, 0.1, 0.5, 1]), 2), [0.5, 0.5])


# --- skill ----------------------------------------------------------------------------------------


def test_skill_by_hand() -> None:
    assert skill(np.array([1.0, 2.0]), np.array([2.0, 4.0])) == 0.5
    assert skill(np.array([[3.0]]), np.array([[2.0]])) == -0.5
    assert skill(np.zeros(3), np.ones(3)) == 1


def blocked(count: int, size: int, generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Scores and references (block, in block) of true skill 0.2; a block has much in common."""
    common = generator.gamma(2, size=(count, 1))
    score, reference = (
        common * generator.gamma(4, 0.25, size=(count, 1)) + generator.gamma(1, size=(count, size))
        for _ in range(2)
    )
    return 0.8 * score, reference


def test_the_interval_holds_the_true_skill_nine_times_in_ten() -> None:
    """With 40 blocks 88 % in a long simulation; 300 trials have a standard error of 2 %. An
    interval that took each score as a block of its own would hold the skill in 52 %."""
    generator = np.random.default_rng(8)
    inside: list[bool] = []
    alone: list[bool] = []
    for seed in range(300):
        score, reference = blocked(40, 8, generator)
        blocks = np.repeat(np.arange(40), 8).reshape(40, 8)
        for found, numbers in ((inside, blocks), (alone, np.arange(320).reshape(40, 8))):
            low, high = skill_interval(score, reference, numbers, seed)
            assert low < skill(score, reference) < high
            found.append(low <= 0.2 <= high)
    assert CONFIDENCE - 0.1 < np.mean(inside) < CONFIDENCE + 0.06
    assert np.mean(alone) < CONFIDENCE - 0.25


def test_the_interval_depends_on_the_seed_and_not_on_names_and_order_within_blocks() -> None:
    score, reference = blocked(12, 4, np.random.default_rng(9))
    blocks = np.repeat(np.arange(12), 4).reshape(12, 4)
    wanted = skill_interval(score, reference, blocks)
    assert wanted == skill_interval(score, reference, blocks)
    assert wanted != skill_interval(score, reference, blocks, seed=2)
    assert wanted == pytest.approx(skill_interval(score, reference, 100 + 7 * blocks))
    assert wanted == pytest.approx(skill_interval(score[:, ::-1], reference[:, ::-1], blocks))


# --- Diebold-Mariano ------------------------------------------------------------------------------

DIFFERENCES = np.array([0.3, -0.2, 0.5, 0.1, 0.4, -0.1, 0.2, 0.6, -0.3, 0.2])
REGULAR = np.array([1.1, -0.9] * 4)
"""Alternating, so that the rectangular variance is negative."""


def test_one_step_is_the_t_test_of_the_differences() -> None:
    reference = np.linspace(1, 2, 10)
    found = diebold_mariano(reference + DIFFERENCES, reference)
    wanted = stats.ttest_1samp(DIFFERENCES, 0)
    assert found.difference == pytest.approx(0.17)
    assert found.statistic == pytest.approx(wanted.statistic)
    assert found.p_value == pytest.approx(wanted.pvalue)
    swapped = diebold_mariano(reference, reference + DIFFERENCES)
    assert swapped.statistic == pytest.approx(-found.statistic)
    assert swapped.p_value == pytest.approx(found.p_value)


@pytest.mark.parametrize("steps", [2, 3, 4])
def test_more_steps_by_the_formula(steps: int) -> None:
    d, n = np.sqrt(np.arange(1, 13)) - 2.0, 12
    rest = d - d.mean()
    total = sum(rest[t] ** 2 for t in range(n))
    for lag in range(1, steps):
        total += 2 * sum(rest[t] * rest[t - lag] for t in range(lag, n))
    plain = d.mean() / sqrt(total / n**2)
    wanted = plain * sqrt((n + 1 - 2 * steps + steps * (steps - 1) / n) / n)
    found = diebold_mariano(d + 5, np.full(n, 5.0), steps)
    assert found.kernel == "rectangular"
    assert found.statistic == pytest.approx(wanted)
    assert found.p_value == pytest.approx(2 * stats.t.cdf(-abs(wanted), 11))


@pytest.mark.parametrize(
    ("differences", "steps", "statistic", "p_value"),
    [
        (DIFFERENCES, 2, 2.557604191721026, 0.030807983166235463),
        (DIFFERENCES, 3, 2.8987769111260833, 0.01763045030891837),
        (REGULAR, 2, 0.6480740698407862, 0.537606324024255),
    ],
)
def test_a_variance_that_is_not_positive_is_weighted(
    differences: FloatArray, steps: int, statistic: float, p_value: float
) -> None:
    """Numbers of statsmodels 0.15.0: ``diebold_mariano_test(..., harvey_adj=True, lags=steps-1)``,
    whose kernel is always Bartlett's."""
    found = diebold_mariano(differences, np.zeros_like(differences), steps)
    assert found.kernel == "Bartlett"
    assert found.statistic == pytest.approx(statistic)
    assert found.p_value == pytest.approx(p_value)


def test_equal_forecasts_are_told_apart_as_often_as_is_documented() -> None:
    """Differences of overlapping horizons are moving averages; standard error below 0.8 %."""
    generator = np.random.default_rng(10)
    for n, steps, documented in ((8, 1, 0.1), (8, 2, 0.15), (16, 4, 0.2)):
        rejected = 0
        for _ in range(3000):
            d = np.convolve(generator.normal(size=n + steps - 1), np.ones(steps), "valid")
            rejected += diebold_mariano(d, np.zeros(n), steps).p_value < 0.1
        assert rejected / 3000 == pytest.approx(documented, abs=0.03)


# --- choices --------------------------------------------------------------------------------------


def test_scores_of_choices_by_hand() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    picked = np.array([2, 1, 0])
    np.testing.assert_allclose(log_score(probabilities, picked), [np.log(5), 0, np.inf])
    np.testing.assert_allclose(brier(probabilities, picked), [0.25 + 0.09 + 0.64, 0, 2])
    single = np.array([0.7, 0.3])
    assert brier(single, np.array(0)) == pytest.approx(2 * (1 - 0.7) ** 2)


@given(st.integers(2, 6), st.integers(0, 999))
def test_the_true_probabilities_are_preferred(options: int, seed: int) -> None:
    """Exactly: the mean over what may be picked is smallest for them."""
    true, other = np.random.default_rng(seed).dirichlet(np.ones(options), size=2)
    picked = np.arange(options)
    for score in (log_score, brier):
        own, others = (float(true @ score(np.tile(p, (options, 1)), picked)) for p in (true, other))
        assert own < others


def test_reliability_by_hand() -> None:
    """Probabilities on a border, as 0.3 of ten bins, count in the upper bin, and 1 in the last."""
    probabilities = np.array([[0.3, 0.7], [0.32, 0.68], [1.0, 0.0]])
    curve = reliability(probabilities, np.array([0, 1, 0]))
    np.testing.assert_array_equal(curve.count, [1, 0, 0, 2, 0, 0, 1, 1, 0, 1])
    filled = curve.count > 0
    np.testing.assert_allclose(curve.forecast[filled], [0, 0.31, 0.68, 0.7, 1])
    np.testing.assert_allclose(curve.frequency[filled], [0, 0.5, 1, 0, 1])
    assert np.isnan(curve.forecast[~filled]).all()
    assert np.isnan(curve.frequency[~filled]).all()


def test_what_is_forecast_with_a_probability_happens_as_often() -> None:
    """And less often than said at high probabilities by who is too sure."""
    generator = np.random.default_rng(11)
    true = generator.dirichlet(np.ones(3), size=20_000)
    picked: IntArray = (generator.uniform(size=(20_000, 1)) > true.cumsum(axis=1)).sum(axis=1)
    curve = reliability(true, picked)
    assert curve.count.sum() == 60_000
    slack = ERRORS * np.sqrt(curve.forecast * (1 - curve.forecast) / curve.count)
    assert (np.abs(curve.frequency - curve.forecast) < slack).all()
    sure = reliability(closure(true**2), picked)
    assert sure.frequency[-1] < sure.forecast[-1] - 0.05


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", [crps, energy, log_density])
def test_forecasts_that_cannot_be_scored(score: object) -> None:
    assert callable(score)
    good, happened = np.random.default_rng(1).uniform(0.1, 1, (5, 3, 30)), np.full((5, 3), 1 / 3)
    assert np.isfinite(score(good, happened)).all()
    for ensemble, observed in (
        (good, happened[:4]),
        (good[:, :2], happened),
        (good[0, 0], np.array(0.3)),
        (np.empty((0, 3, 30)), np.empty((0, 3))),
    ):
        with pytest.raises(InputError, match=r"\(\.\.\., part, member\) of shape .* does not fit"):
            score(ensemble, observed)
    with pytest.raises(InputError, match=r"members are needed, not 1$"):
        score(good[..., :1], happened)
    for hole in (np.nan, np.inf):
        for ensemble, observed in ((good, happened.copy()), (good.copy(), happened)):
            (observed if ensemble is good else ensemble)[1, 2] = hole
            with pytest.raises(InputError, match="must be a finite number"):
                score(ensemble, observed)


def test_zeros_have_a_crps_but_no_log_ratio() -> None:
    ensemble = np.random.default_rng(1).uniform(0.1, 1, (3, 30))
    observed = np.array([0.0, 0.5, 0.5])
    assert (crps(ensemble, observed) > -1).all()
    for score in (energy, log_density):
        with pytest.raises(InputError, match=r"0 at \[0\] .* replace zeros beforehand"):
            score(ensemble, observed)


def test_too_few_members() -> None:
    ensemble, observed = np.random.default_rng(1).uniform(0.1, 1, (3, 18)), np.full(3, 1 / 3)
    with pytest.raises(InputError, match="20 members are needed, not 18"):
        log_density(ensemble, observed)
    with pytest.raises(InputError, match="19 members are needed, not 18"):
        coverage(ensemble, observed, 0.9)
    with pytest.raises(InputError, match="3 members are needed, not 2"):
        coverage(ensemble[:, :2], observed, 0.5)
    for level in (0, 1, -0.5, np.nan):
        with pytest.raises(InputError, match="level: must be"):
            coverage(ensemble, observed, level)


def test_a_point_has_no_density() -> None:
    ensemble = np.random.default_rng(1).uniform(0.1, 1, (2, 3, 30))
    ensemble[1] = [[0.5], [0.3], [0.2]]
    with pytest.raises(InputError, match="a point has no density"):
        log_density(ensemble, np.full((2, 3), 1 / 3))


@pytest.mark.parametrize(
    "uniforms", [np.zeros(2), np.array([0, 0.5, 1.5]), np.array([0, 0.5, np.nan])]
)
def test_pit_needs_uniforms(uniforms: FloatArray) -> None:
    with pytest.raises(InputError, match=r"uniforms from 0 to 1 of shape \(3,\)"):
        pit(np.zeros((3, 5)), np.zeros(3), uniforms)


def test_histograms_need_probabilities_and_bins() -> None:
    for values in (np.array([0.5, 1.1]), np.array([np.nan]), np.array([])):
        with pytest.raises(InputError, match="values from 0 to 1"):
            pit_histogram(values)
    with pytest.raises(InputError, match="bins: must be at least 1, not 0"):
        pit_histogram(np.array([0.5]), 0)
    with pytest.raises(InputError, match="bins: must be at least 1, not 0"):
        reliability(np.array([[0.5, 0.5]]), np.array([0]), 0)


def test_skill_needs_pairs_of_losses() -> None:
    ones, blocks = np.ones(4), np.arange(4)
    for score, reference in ((ones, ones[:3]), (ones[:0], ones[:0])):
        for refused in (skill, diebold_mariano):
            with pytest.raises(InputError, match=r"scores against .* of the reference"):
                refused(score, reference)
    with pytest.raises(InputError, match="each score must be a finite number"):
        skill(np.array([1, np.nan]), np.ones(2))
    for reference in (np.zeros(4), -ones):
        with pytest.raises(InputError, match="reference must be above 0"):
            skill(ones, reference)
    with pytest.raises(InputError, match=r"\(3,\) blocks for \(4,\) scores"):
        skill_interval(ones, ones, blocks[:3])
    with pytest.raises(InputError, match="at least 2 blocks"):
        skill_interval(ones, ones, np.zeros(4, dtype=int))
    with pytest.raises(InputError, match="seed: must be at least 0, not -1"):
        skill_interval(ones, ones, blocks, seed=-1)


def test_a_test_needs_more_origins_than_steps_and_differences() -> None:
    scores = np.arange(4.0)
    with pytest.raises(InputError, match=r"scores \(origin,\) of more than 4 origins"):
        diebold_mariano(scores, scores**2, 4)
    assert diebold_mariano(scores, scores**2, 3).p_value > 0
    with pytest.raises(InputError, match=r"scores \(origin,\) of more than 1 origins"):
        diebold_mariano(np.ones((4, 2)), np.zeros((4, 2)))
    with pytest.raises(InputError, match="steps: must be at least 1, not 0"):
        diebold_mariano(scores, scores**2, 0)
    for constant in (0.0, 0.1):
        with pytest.raises(InputError, match="differ by the same amount at every origin"):
            diebold_mariano(scores + constant, scores)


@pytest.mark.parametrize("score", [log_score, brier, reliability])
def test_choices_that_cannot_be_scored(score: object) -> None:
    assert callable(score)
    good, picked = np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([0, 1])
    for probabilities, picks in ((good, picked[:1]), (good[0, 0], picked), (good[:0], picked[:0])):
        with pytest.raises(InputError, match=r"probabilities \(\.\.\., option\) of shape"):
            score(probabilities, picks)
    for picks in (np.array([0, 2]), np.array([-1, 0]), np.array([0.0, 1.0])):
        with pytest.raises(InputError, match="number of an option, from 0 to 1"):
            score(good, picks)
    for row in ([0.5, 0.6], [-0.1, 1.1], [np.nan, 1.0]):
        with pytest.raises(InputError, match="0 or more and add up to 1"):
            score(np.array([row, row]), picked)
