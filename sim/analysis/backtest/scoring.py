"""Scores of forecasts cell by cell: each state, origin and horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.analysis import scores
from sim.analysis.backtest.forecast import PERSISTENCE, Plan, forecasts
from sim.analysis.composition import aitchison, closure, ilr, ilr_inverse
from sim.axes import FloatArray
from sim.history import History
from sim.history.codes import Basis
from sim.scenario import Scenario

if TYPE_CHECKING:
    import xarray as xr

BY_STATE: Final = ("energy", "log_density", "aitchison")
"""Scores of all shares of a state together, (model, state, origin, horizon)."""
BY_PARTNER: Final = ("crps", "pit", "inside50", "inside90")
"""Scores of single shares, (model, state, partner, origin, horizon)."""
BASES: Final = ("same", "changed")
"""Whether the year forecast is reported on the basis of the origin, for all powers."""
DRAWN: Final = "interpolated"
"""Basis of a cell whose origin or year forecast is interpolated, for any power: a drawn line."""
UNKNOWN: Final = ""
"""Quality and basis of a year without a row."""


def score(base: Scenario, history: History, plan: Plan) -> xr.Dataset:
    """Forecast from each origin and score what can be scored.

    Returns
    -------
    ``forecast`` (model, state, partner, origin, horizon, member) and ``observed`` (state, partner,
    origin, horizon), shares; ``history`` (state, partner, year), shares; by (state, origin,
    horizon) ``quality``, the worst letter among the powers in the year forecast, and ``basis``,
    whether it is that of the origin for all of them, or interpolated for one: neither a change of
    basis nor a drawn line is behaviour; and the
    scores of ``BY_STATE`` and ``BY_PARTNER``. NaN where nothing is forecast or reported.
    """
    import xarray as xr

    axes = ("model", "state", "partner", "origin", "horizon")
    states, partners = history.data["state"].values, history.data["partner"].values
    sizes = (len(plan.names), len(states), len(partners), len(plan.origins), plan.horizons)
    forecast = np.full((*sizes, plan.members), np.nan)
    for name, origin, shares in forecasts(base, history, plan):
        forecast[plan.names.index(name), :, :, plan.origins.index(origin)] = shares
    observed, quality, basis = _observed(history, plan)
    cells = {name: np.full((sizes[0], sizes[1], *sizes[3:]), np.nan) for name in BY_STATE}
    parts = {name: np.full(sizes, np.nan) for name in BY_PARTNER}
    generator = np.random.default_rng(plan.seed)
    there = np.isfinite(observed).all(axis=1)
    for number, name in enumerate(plan.names):
        known = there & np.isfinite(forecast[number]).all(axis=(1, -1))
        place = np.nonzero(known)
        if not place[0].size:
            continue
        ensemble = forecast[number].transpose(0, 2, 3, 1, 4)[place]
        happened = observed.transpose(0, 2, 3, 1)[place]
        for key, values in _by_state(ensemble, happened, name).items():
            cells[key][number][place] = values
        for key, values in _by_partner(ensemble, happened, generator, name).items():
            moved = parts[key][number].transpose(0, 2, 3, 1)
            moved[place] = values
    return xr.Dataset(
        {
            "forecast": ((*axes, "member"), forecast),
            "observed": (axes[1:], observed),
            "history": (("state", "partner", "year"), history.shares.values),
            "quality": (("state", "origin", "horizon"), quality),
            "basis": (("state", "origin", "horizon"), basis),
            **{name: ((axes[0], axes[1], *axes[3:]), values) for name, values in cells.items()},
            **{name: (axes, values) for name, values in parts.items()},
        },
        coords={
            "model": list(plan.names),
            "state": states,
            "partner": partners,
            "origin": list(plan.origins),
            "horizon": np.arange(1, plan.horizons + 1),
            "year": history.data["year"].values,
        },
    )


def _observed(
    history: History, plan: Plan
) -> tuple[FloatArray, NDArray[np.str_], NDArray[np.str_]]:
    """Reported shares (state, partner, origin, horizon), worst quality and basis of the years."""
    origins = np.array(plan.origins)[:, np.newaxis]
    targets = origins + np.arange(1, plan.horizons + 1)
    years = np.union1d(targets, origins)
    shares = history.shares.reindex(year=years).transpose("state", "partner", "year").values
    labels = history.data[["quality", "basis"]].reindex(year=years, fill_value=UNKNOWN)
    labels = labels.transpose("state", "power", "year")
    places, starts = np.searchsorted(years, targets), np.searchsorted(years, origins)
    worst = np.array([[max(column)[:1] for column in s.T] for s in labels["quality"].values])
    basis = labels["basis"].values
    same = (basis[..., places] == basis[..., starts]).all(axis=1)
    line = (basis == Basis.INTERPOLATED).any(axis=1)
    kind = np.where(line[:, places] | line[:, starts], DRAWN, np.where(same, *BASES))
    return shares[..., places], worst[:, places], kind


def _by_state(ensemble: FloatArray, observed: FloatArray, name: str) -> dict[str, FloatArray]:
    """Scores of all shares together; ensemble (cell, J, m), observed (cell, J)."""
    centre = ilr_inverse(ilr(ensemble, axis=1).mean(axis=-1))
    found = {
        "energy": scores.energy(ensemble, observed),
        "aitchison": aitchison(closure(centre), observed),
    }
    if name != PERSISTENCE:  # a point has no density
        found["log_density"] = scores.log_density(ensemble, observed)
    return found


def _by_partner(
    ensemble: FloatArray, observed: FloatArray, generator: np.random.Generator, name: str
) -> dict[str, FloatArray]:
    """Scores of single shares, (cell, J)."""
    found = {"crps": scores.crps(ensemble, observed)}
    if name != PERSISTENCE:  # nor has it intervals
        found["pit"] = scores.pit(ensemble, observed, generator.random(observed.shape))
        for level in scores.LEVELS:
            low, high = scores.interval(ensemble, level)
            inside = (low <= observed) & (observed <= high)
            found[f"inside{round(100 * level)}"] = inside.astype(float)
    return found
