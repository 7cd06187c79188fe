"""Forecasts and their scores cell by cell, against scores by hand; what cannot be scored is NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from backtest.made import (
    CUT,
    PARTNERS,
    STATES,
    calibrated,
    example,
    forecast,
    with_trade,
    without,
)
from scipy.spatial.distance import pdist

from sim.analysis import baselines
from sim.analysis.backtest.forecast import PERSISTENCE, RIVALS, SPREAD, VARIANTS, Plan
from sim.analysis.backtest.scoring import BY_PARTNER, BY_STATE, score
from sim.analysis.composition import closure, ilr, ilr_inverse
from sim.axes import FloatArray
from sim.history import History

ORIGINS = (CUT, 2010, 2013)
HORIZONS = 3
MEMBERS = 30
SEED = 4
PLAN = Plan(ORIGINS, HORIZONS, MEMBERS, SEED)
MODEL = "trade known"
FROM_DRIVERS = tuple(name for name in VARIANTS if name.endswith(" known"))
PREFIXED = tuple(name for name in (*VARIANTS, *RIVALS) if "extrapolated" not in name)
"""Forecasts whose first years do not hang on how many are forecast."""


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return score(calibrated(), example(), PLAN)


def there(horizon: int, origin: int) -> bool:
    return origin + horizon <= 2014


# --- shapes and gaps ------------------------------------------------------------------------------


def test_axes_are_those_of_plan_and_history(data: xr.Dataset) -> None:
    assert data["forecast"].dims == ("model", "state", "partner", "origin", "horizon", "member")
    assert data["forecast"].shape == (10, 5, 4, 3, HORIZONS, MEMBERS)
    assert data["observed"].dims == ("state", "partner", "origin", "horizon")
    assert data["model"].values.tolist() == [*VARIANTS, *RIVALS]
    assert data["state"].values.tolist() == list(STATES)
    assert data["partner"].values.tolist() == list(PARTNERS)
    assert data["origin"].values.tolist() == list(ORIGINS)
    assert data["horizon"].values.tolist() == [1, 2, 3]
    assert np.array_equal(data["history"].values, example().shares.values)
    for name in BY_STATE:
        assert data[name].dims == ("model", "state", "origin", "horizon")
    for name in BY_PARTNER:
        assert data[name].dims == ("model", "state", "partner", "origin", "horizon")


def test_forecasts_are_shares(data: xr.Dataset) -> None:
    """Known drivers end with the data, what knows nothing of them does not."""
    total = data["forecast"].sum("partner", skipna=False)
    known = total.notnull()
    inside = total["origin"] + total["horizon"] <= 2014
    for name in data["model"].values:
        wanted = inside | (name not in FROM_DRIVERS)
        assert (known.sel(model=name) == wanted).all(), name
    np.testing.assert_allclose(total.values[known.values], 1, rtol=1e-12)
    assert (data["forecast"].values[np.isfinite(data["forecast"].values)] > 0).all()


def test_years_after_the_last_are_not_scored(data: xr.Dataset) -> None:
    for origin in ORIGINS:
        for horizon in (1, 2, 3):
            cell = data.sel(origin=origin, horizon=horizon)
            for name in ("observed", "energy", "crps", "aitchison"):
                assert cell[name].notnull().all() == there(horizon, origin), name
                assert cell[name].isnull().all() != there(horizon, origin), name


def test_a_point_has_neither_density_nor_intervals(data: xr.Dataset) -> None:
    known = data["energy"].sel(model=MODEL).notnull()
    for name in ("log_density", "pit", "inside50", "inside90"):
        assert data[name].sel(model=PERSISTENCE).isnull().all()
        other = data[name].drop_sel(model=PERSISTENCE).notnull()
        assert (other == known).all()


def test_what_is_observed_is_the_history(data: xr.Dataset) -> None:
    for origin in ORIGINS:
        for horizon in (1, 2, 3):
            if there(horizon, origin):
                found = data["observed"].sel(origin=origin, horizon=horizon)
                wanted = example().shares.sel(year=origin + horizon)
                assert np.array_equal(found.values, wanted.values)


def gaps() -> History:
    """No trade of Kyrgyzstan in 2010 and 2011, and of one partner of Tajikistan in 2009."""

    def part(trade: xr.DataArray) -> None:
        trade.loc[{"state": "TJ", "partner": "EU", "year": 2009}] = np.nan

    return with_trade(without(example(), ("KG", 2010), ("KG", 2011)), part)


def test_gaps_are_not_forecast_and_not_scored(data: xr.Dataset) -> None:
    """Models need trade in the year of origin, rivals five years without a gap up to it."""
    found = score(calibrated(), gaps(), PLAN)
    kg, tj = found.sel(state="KG"), found.sel(state="TJ")
    assert kg["forecast"].sel(origin=2010).isnull().all()
    assert kg["energy"].sel(origin=2010).isnull().all()
    models = list(VARIANTS)
    assert kg["forecast"].sel(origin=2008).notnull().all()
    assert kg["forecast"].sel(origin=2013, horizon=1, model=models).notnull().all()
    assert kg["forecast"].sel(origin=2013, model=list(RIVALS)).isnull().all()  # 2012 and 2013
    scored = kg["energy"].sel(origin=2008, model=MODEL).notnull()
    assert scored.values.tolist() == [True, False, False]  # of 2009, 2010, 2011
    assert tj["forecast"].sel(origin=2008).notnull().all()
    scored = tj["energy"].sel(origin=2008, model=MODEL).notnull()
    assert scored.values.tolist() == [False, True, True]
    for name in ("crps", "inside90"):
        known = tj[name].sel(origin=2008, horizon=1).notnull()
        assert not known.any(), name
    assert tj["forecast"].sel(origin=2010, model=list(RIVALS)).isnull().all()
    others = {"state": ["KZ", "TM", "UZ"], "origin": [2008, 2013]}
    for name in ("energy", "crps", "aitchison", "inside90", "log_density"):
        ours, theirs = (d[name].sel(others) for d in (found, data))
        assert ours.equals(theirs), name


def test_a_gap_moves_nobody_else_but_through_corridors() -> None:
    """Without Kyrgyz trade at the origin there is less traffic on the corridors, and no more."""
    plan = replace(PLAN, origins=(2010,), names=("gravity known", *RIVALS))
    whole, holed = (forecast(calibrated(), h, plan) for h in (example(), gaps()))
    places = [STATES.index(state) for state in ("KZ", "TM", "UZ")]
    for key, shares in whole.items():
        assert np.array_equal(holed[key][places], shares[places]), key
        assert np.isnan(holed[key][STATES.index("KG")]).all()


def test_rivals_get_the_past_since_the_last_gap() -> None:
    plan = replace(PLAN, origins=(2013,), names=(SPREAD,))
    holed = without(example(), ("KG", 2007))
    shares = example().shares.sel(state="KG", year=slice(2008, 2013)).transpose("year", "partner")
    generator = np.random.default_rng([SEED, 2013, 1])
    wanted = baselines.persistence(shares.values, 1, MEMBERS, generator)
    (found,) = forecast(calibrated(), holed, plan).values()
    assert np.array_equal(found[1, :, 0], wanted[0])
    (whole,) = forecast(calibrated(), example(), plan).values()
    assert not np.array_equal(whole[1], found[1])
    assert np.array_equal(np.delete(whole, 1, 0), np.delete(found, 1, 0), equal_nan=True)


def test_rivals_learn_from_the_first_training_year_on() -> None:
    """As the model does; what was before moves none of them."""

    def other(trade: xr.DataArray) -> None:
        trade.loc[{"year": slice(None, 1999), "partner": "CN"}] *= 3

    changed = with_trade(example(), other)
    names = (*RIVALS, MODEL)
    whole = replace(PLAN, origins=(CUT,), names=names)
    for plan, same in ((replace(whole, since=2000), True), (whole, False)):
        found, wanted = (forecast(calibrated(), h, plan) for h in (changed, example()))
        for (name, origin), shares in wanted.items():
            fixed = same or name in (PERSISTENCE, MODEL)
            assert np.array_equal(found[name, origin], shares) == fixed, name
    late = forecast(calibrated(), example(), replace(whole, since=2005))
    assert all(np.isnan(late[name, CUT]).all() for name in RIVALS)  # four years are too few


# --- the same again -------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits(data: xr.Dataset) -> None:
    assert score(calibrated(), example(), PLAN).identical(data)


def test_another_seed_gives_other_members(data: xr.Dataset) -> None:
    other = score(calibrated(), example(), replace(PLAN, seed=SEED + 100, origins=(CUT,)))
    for name in data["model"].values:
        ours, theirs = (d["forecast"].sel(model=name, origin=CUT) for d in (data, other))
        assert np.array_equal(ours.values, theirs.values) == (name == PERSISTENCE)


@pytest.mark.parametrize("name", list(VARIANTS))
def test_more_members_leave_the_first_as_they_are(data: xr.Dataset, name: str) -> None:
    plan = replace(PLAN, origins=(CUT,), members=2 * MEMBERS, names=(name,))
    (found,) = forecast(calibrated(), example(), plan).values()
    wanted = data["forecast"].sel(model=name, origin=CUT).values
    assert np.array_equal(found[..., :MEMBERS], wanted)
    assert not np.array_equal(found[..., MEMBERS:], wanted)


@pytest.mark.parametrize("name", [*VARIANTS, *RIVALS])
def test_other_origins_and_forecasts_move_nothing(data: xr.Dataset, name: str) -> None:
    plan = replace(PLAN, origins=(2010,), names=(name,))
    (found,) = forecast(calibrated(), example(), plan).values()
    wanted = data["forecast"].sel(model=name, origin=2010).values
    assert np.array_equal(found, wanted, equal_nan=True)


@pytest.mark.parametrize("name", PREFIXED)
def test_fewer_horizons_are_the_first_of_more(data: xr.Dataset, name: str) -> None:
    plan = replace(PLAN, origins=(CUT,), horizons=2, names=(name,))
    (found,) = forecast(calibrated(), example(), plan).values()
    assert np.array_equal(found, data["forecast"].sel(model=name, origin=CUT).values[:, :, :2])


def test_variants_share_their_draws(data: xr.Dataset) -> None:
    """What powers deliver hardly moves trade: member by member the two are next to each other."""
    full, trade, gravity = (
        np.log(data["forecast"].sel(model=f"{part} known", origin=CUT, horizon=3).values)
        for part in ("full", "trade", "gravity")
    )
    between = np.abs(full - trade).mean()
    assert 0 < between < 0.02
    shuffled = np.abs(full - np.roll(trade, 1, axis=-1)).mean()
    assert between < 0.1 * shuffled
    assert np.abs(gravity - trade).mean() < shuffled


# --- scores ---------------------------------------------------------------------------------------


def cells(data: xr.Dataset) -> list[tuple[str, int, int, FloatArray, FloatArray]]:
    """Some forecasts: state, origin, horizon, ensemble (partner, member) and what happened."""
    return [
        (
            state,
            origin,
            horizon,
            data["forecast"].sel(model=MODEL, state=state, origin=origin, horizon=horizon).values,
            data["observed"].sel(state=state, origin=origin, horizon=horizon).values,
        )
        for state, origin, horizon in (("KZ", CUT, 1), ("UZ", 2010, 3), ("TM", 2013, 1))
    ]


def test_scores_of_cells_by_hand(data: xr.Dataset) -> None:
    for state, origin, horizon, ensemble, happened in cells(data):
        found = data.sel(model=MODEL, state=state, origin=origin, horizon=horizon)
        members, y = ilr(ensemble, axis=0).T, ilr(happened)
        energy = np.linalg.norm(members - y, axis=1).mean() - pdist(members).mean() / 2
        assert found["energy"].item() == pytest.approx(energy, rel=1e-9)
        centre = np.linalg.norm(members.mean(axis=0) - y)
        assert found["aitchison"].item() == pytest.approx(centre, rel=1e-9)
        for place, partner in enumerate(PARTNERS):
            part = found.sel(partner=partner)
            x = np.sort(ensemble[place])
            crps = np.abs(x - happened[place]).mean() - pdist(x[:, None]).mean() / 2
            assert part["crps"].item() == pytest.approx(crps, rel=1e-9)
            below = int((x < happened[place]).sum())
            assert below / (MEMBERS + 1) <= part["pit"].item() <= (below + 1) / (MEMBERS + 1)
            for level in (50, 90):
                tail = (1 - level / 100) / 2
                low, high = np.quantile(x, [tail, 1 - tail], method="weibull")
                inside = low <= happened[place] <= high
                assert part[f"inside{level}"].item() == float(inside)


def test_the_score_of_a_point_is_its_distance(data: xr.Dataset) -> None:
    for origin in ORIGINS:
        at = data.sel(model=PERSISTENCE, origin=origin, horizon=1)
        first = example().shares.sel(year=origin)
        then = example().shares.sel(year=origin + 1)
        gone = np.linalg.norm(ilr(first.values) - ilr(then.values), axis=-1)
        np.testing.assert_allclose(at["energy"], gone, rtol=1e-9)
        np.testing.assert_allclose(at["aitchison"], gone, rtol=1e-9)
        np.testing.assert_allclose(at["crps"], np.abs(first - then), rtol=1e-9, atol=1e-12)


def test_the_centre_is_that_of_log_ratios(data: xr.Dataset) -> None:
    _, _, _, ensemble, _ = cells(data)[0]
    centre = closure(np.exp(np.log(ensemble).mean(axis=-1)))
    np.testing.assert_allclose(ilr_inverse(ilr(ensemble, axis=0).mean(axis=-1)), centre)


# --- quality and basis ----------------------------------------------------------------------------


def labelled() -> History:
    """Qualities and bases of Kazakh trade after 2008."""
    history = replace(example(), data=example().data.copy(deep=True))
    history.data["quality"] = history.data["quality"].astype("<U2")
    history.data["basis"] = history.data["basis"].astype("<U20")
    for year, power, quality, basis in (
        (2009, "CN", "B-", "national"),
        (2010, "CN", "B", "mirror"),
        (2010, "EU", "D-", "interpolated"),
        (2011, "RU", "C-", "national"),
        (2012, "RU", "C", "factbook_mirror"),
    ):
        place = {"state": "KZ", "power": power, "year": year}
        history.data["quality"].loc[place] = quality
        history.data["basis"].loc[place] = basis
    return history


def test_quality_is_the_worst_letter_and_basis_that_of_all_powers() -> None:
    plan = Plan((CUT, 2010), 4, MEMBERS, 1, (PERSISTENCE,))
    found = score(calibrated(), labelled(), plan).sel(state="KZ")
    assert found["quality"].sel(origin=CUT).values.tolist() == ["B", "D", "C", "C"]
    assert found["quality"].sel(origin=2010).values.tolist() == ["C", "C", "A", "A"]
    known = found["basis"]
    assert known.sel(origin=CUT).values.tolist() == ["same", "interpolated", "same", "changed"]
    assert known.sel(origin=2010).values.tolist() == ["interpolated"] * 4  # as the origin is
    others = score(calibrated(), labelled(), plan).drop_sel(state="KZ")
    assert (others["quality"] == "A").all()
    assert (others["basis"] == "same").all()


# --- no trade -------------------------------------------------------------------------------------


def test_trade_of_nothing_at_the_origin_has_a_stand_in() -> None:
    """Of a share of nothing there is no logarithm: half a million dollars stand for it."""

    def nothing(trade: xr.DataArray) -> None:
        trade.loc[{"state": "TM", "partner": "CN", "year": CUT}] = 0.0

    zero = with_trade(example(), nothing)
    plan = Plan((CUT,), 1, MEMBERS, 1, (*VARIANTS, *RIVALS))
    for key, shares in forecast(calibrated(), zero, plan).items():
        assert (shares > 0).all(), key
        told = zero.shares.sel(state="TM", partner="CN", year=CUT).item()
        median = np.median(shares[STATES.index("TM"), PARTNERS.index("CN"), 0])
        assert median == pytest.approx(told, rel=1.5), key
    assert np.isfinite(score(calibrated(), zero, plan)["energy"]).all()


def test_trade_of_nothing_in_a_year_forecast_is_scored() -> None:
    """Half a million dollars stand for it."""

    def nothing(trade: xr.DataArray) -> None:
        trade.loc[{"state": "TM", "partner": "CN", "year": CUT + 1}] = 0.0

    plan = Plan((CUT,), 1, MEMBERS, 1, (MODEL, PERSISTENCE))
    found, plain = (
        score(calibrated(), h, plan) for h in (with_trade(example(), nothing), example())
    )
    assert np.isfinite(found["energy"]).all()
    worse = found["energy"] > plain["energy"]
    assert worse.any("model").sel(state="TM").all()
    kept = found.drop_sel(state="TM"), plain.drop_sel(state="TM")
    assert kept[0]["energy"].equals(kept[1]["energy"])
