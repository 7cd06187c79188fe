"""On pasts that the model made, its forecasts are the best and their intervals hold what they say.

Scores are proper: the forecast that knows how the years came about wins, up to the chance of a few
pasts. A forecast that loses here is no forecast of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
import xarray as xr
from backtest.made import CUT, calibrated, central, example

from sim.analysis.backtest import scoring
from sim.analysis.backtest.forecast import RIVALS, Plan, forecasts
from sim.analysis.backtest.rehearsal import invent
from sim.analysis.backtest.scoring import score
from sim.axes import FloatArray
from sim.history import History
from sim.scenario import Scenario

MODEL: Final = "trade known"
OTHERS: Final = ("gravity known", *RIVALS)
FIRST, LAST = 1994, 2014
HORIZONS, MEMBERS = LAST - CUT, 99
"""With 99 members the interval of 90 % ends on members, the 5th and the 95th."""
PASTS: Final = 24
SPREADS: Final = 1.5


def continued(number: int) -> History:
    """A past made by the model, and what the model makes of its last year.

    The years after the origin begin from rest as forecasts do, so that they are just what is
    forecast: the same numbers, output and memberships, and shocks of their own.
    """
    truth = central()
    before = invent(truth, example(), FIRST, CUT, 1, 500 + number)[0]
    whole = replace(example(), data=example().data.copy(deep=True))
    trade = whole.data["trade"]
    trade.loc[{"year": slice(FIRST, CUT)}] = before.data["trade"].transpose(*trade.dims).values
    after = invent(truth, whole, CUT, LAST, 1, 1500 + number)[0]
    trade.loc[{"year": slice(CUT, LAST)}] = after.data["trade"].transpose(*trade.dims).values
    return whole


@pytest.fixture(scope="module")
def pasts() -> list[History]:
    return [continued(number) for number in range(PASTS)]


def scored(
    base: Scenario, pasts: Sequence[History], names: Sequence[str], origins: Sequence[int]
) -> xr.Dataset:
    """Scores of each past, one after the other."""
    plan = Plan(tuple(origins), HORIZONS, MEMBERS, 1, tuple(names))
    found = [
        score(base, past, plan).drop_vars(["forecast", "observed", "history"]) for past in pasts
    ]
    return xr.concat(found, "past")


@pytest.fixture(scope="module")
def exact(pasts: Sequence[History]) -> xr.Dataset:
    """Scores of the very model that made the pasts."""
    names = (MODEL, "trade extrapolated", *OTHERS)
    return scored(central(), pasts, names, [CUT])


def margins(data: xr.Dataset, other: str) -> tuple[float, float]:
    """How much smaller the mean energy score of the model is, and in standard errors of pasts."""
    means = data["energy"].mean(["state", "origin", "horizon"])
    gain = (means.sel(model=other) - means.sel(model=MODEL)).values
    own = float(means.sel(model=MODEL).mean())
    return float(gain.mean() / own), float(gain.mean() / (gain.std(ddof=1) / np.sqrt(len(gain))))


@pytest.mark.parametrize("other", ["trade extrapolated", *OTHERS])
def test_the_model_that_made_the_years_forecasts_them_best(exact: xr.Dataset, other: str) -> None:
    assert exact["energy"].notnull().all()
    gain, errors = margins(exact, other)
    assert gain > 0.01
    assert errors > 2


@pytest.mark.parametrize("other", RIVALS)
def test_so_say_all_scores(exact: xr.Dataset, other: str) -> None:
    for name, sign in (("aitchison", 1), ("crps", 1), ("log_density", -1)):
        means = sign * exact[name].mean([d for d in exact[name].dims if d != "model"])
        if np.isfinite(means.sel(model=other)):
            assert means.sel(model=MODEL) < means.sel(model=other), name


def held(data: xr.Dataset, level: int) -> tuple[float, float]:
    """Coverage, and its standard error from clusters of one state in one past."""
    inside = data[f"inside{level}"].sel(model=MODEL)
    clusters = inside.mean(["partner", "origin", "horizon"]).values.ravel()
    return float(clusters.mean()), float(clusters.std(ddof=1) / np.sqrt(clusters.size))


@pytest.mark.parametrize("level", [50, 90])
def test_intervals_hold_what_they_say(exact: xr.Dataset, level: int) -> None:
    """Exactly, up to the noise of 120 clusters: 4 standard errors of them."""
    found, error = held(exact, level)
    assert error < 0.03
    assert found == pytest.approx(level / 100, abs=4 * error)
    if level == 90:
        assert 0.85 < found < 0.95


def test_places_within_the_forecast_are_uniform(exact: xr.Dataset) -> None:
    """Moments of probability integral transforms, by cluster."""
    values = exact["pit"].sel(model=MODEL)
    for moment, wanted in ((1, 1 / 2), (2, 1 / 3)):
        clusters = (values**moment).mean(["partner", "origin", "horizon"]).values.ravel()
        error = clusters.std(ddof=1) / np.sqrt(clusters.size)
        assert clusters.mean() == pytest.approx(wanted, abs=4 * error)


@pytest.mark.parametrize("factor", [1 / SPREADS, SPREADS], ids=["too narrow", "too wide"])
def test_wrong_spreads_are_seen(
    pasts: Sequence[History], factor: float, exact: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forecasts half again as wide or narrow lose, and their intervals hold too much or little."""

    def stretched(
        base: Scenario, history: History, plan: Plan
    ) -> Iterator[tuple[str, int, FloatArray]]:
        for name, origin, shares in forecasts(base, history, plan):
            logs = np.log(shares)
            middle = logs.mean(axis=-1, keepdims=True)
            moved: FloatArray = np.exp(middle + factor * (logs - middle))
            yield name, origin, moved / moved.sum(axis=1, keepdims=True)

    monkeypatch.setattr(scoring, "forecasts", stretched)
    wrong = scored(central(), pasts, [MODEL], [CUT])
    found, error = held(wrong, 90)
    assert abs(found - 0.9) > 4 * error
    assert (found < 0.85) == (factor < 1)
    assert wrong["energy"].mean() > exact["energy"].sel(model=MODEL).mean()


@pytest.fixture(scope="module")
def flowing() -> xr.Dataset:
    """Pasts of one piece, forecast from two of their years with all ranges of the numbers.

    Nearer to practice: what is under way at an origin is lost there, and no number is known.
    """
    invented = invent(central(), example(), 2000, LAST, 16, 5)
    pasts = [invented[number] for number in range(len(invented))]
    return scored(calibrated(), pasts, (MODEL, *OTHERS), [2006, 2008])


@pytest.mark.parametrize("other", OTHERS)
def test_it_wins_from_years_in_the_middle_of_a_run_too(flowing: xr.Dataset, other: str) -> None:
    assert len(flowing["past"]) >= 8
    gain, _ = margins(flowing, other)
    assert gain > 0


def test_and_its_intervals_hold_about_as_much(flowing: xr.Dataset) -> None:
    """16 pasts and 5 states are 80 clusters, 0.3 / sqrt(80) = 3.4 % if all in one went together."""
    found, error = held(flowing, 90)
    assert error < 0.034
    assert 0.85 < found < 0.95
