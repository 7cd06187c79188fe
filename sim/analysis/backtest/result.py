"""What a back-test found: skill by horizon, state, partner and quality, and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.analysis.backtest.forecast import PERSISTENCE, RIVALS, SPREAD
from sim.analysis.skill import skill, skill_interval
from sim.axes import IntArray
from sim.errors import InputError, nearest

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

TUNING_ENDS: Final = 2014
"""Last year that was looked at while the model was made; later ones were kept back."""
TUNING: Final = f"to {TUNING_ENDS}"
HELD_BACK: Final = f"after {TUNING_ENDS}"
LONG: Final = 4
"""Years from which a horizon counts as long."""
REACHES: Final = {"1": (1, 1), "2-3": (2, 3), "4+": (LONG, np.inf)}
"""Groups of horizons, years."""
COVERED: Final = (0.80, 0.97)
"""Share of what happened that intervals of 90 % are to hold."""
WINNERS: Final = 3
"""States in which the model has to beat persistence at long horizons."""
LOSS: Final = -0.05
"""Least skill at one year."""
GROUPS: Final = ("state", "horizon", "reach", "quality", "basis", "period", "partner")
"""What skill can be told apart by."""
FIRST: Final = "trade known"
"""The forecast that the acceptance is about."""
_BLOCKS: Final = 8
"""Fewest blocks that an interval is made from: with as many it holds the true skill in 82 %."""


@dataclass(frozen=True)
class Backtest:
    """Forecasts from years of the past and what came of them.

    Attributes
    ----------
    data : see ``scoring.score``.
    heading : what was forecast from what, for the text.
    notes : what has to be known of the data, a sentence each.
    """

    data: xr.Dataset
    heading: str
    notes: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Forecasts of the model; the others are its rivals."""
        return tuple(name for name in self.data["model"].values.tolist() if name not in RIVALS)

    def cells(self, score: str = "energy") -> pd.DataFrame:
        """One row for each scored forecast.

        Returns
        -------
        Columns ``model, state, [partner,] origin, horizon``, the score, ``year`` forecast,
        ``quality``, ``basis``, ``reach`` (group of horizons) and ``period``.
        """
        table = self.data[score].rename("score").to_dataframe().dropna().reset_index()
        labels = self.data[["quality", "basis"]].to_dataframe().reset_index()
        table = table.merge(labels, on=["state", "origin", "horizon"])
        table["year"] = table["origin"] + table["horizon"]
        table["period"] = np.where(table["year"] > TUNING_ENDS, HELD_BACK, TUNING)
        table["reach"] = [_reach(horizon) for horizon in table["horizon"]]
        return table

    def skill(
        self,
        by: str | Sequence[str] = (),
        *,
        models: Sequence[str] | None = None,
        references: Sequence[str] = (PERSISTENCE, SPREAD),
        score: str | None = None,
    ) -> pd.DataFrame:
        """Skill of forecasts against references, over all cells that both were scored on.

        Parameters
        ----------
        by : some of ``GROUPS``; ``partner`` goes with scores of single shares.
        models : names of forecasts; None for those of the model.
        score : a loss, ``energy``, ``aitchison`` or ``crps``; None: the first, or with ``partner``
            the last.

        Returns
        -------
        Columns ``by``, ``model, reference, skill, low, high`` (block bootstrap over states and
        origins, 90 %; NaN for fewer than 8 blocks) and ``forecasts``, their number.

        Raises
        ------
        InputError
            An unknown name.
        """
        import pandas as pd

        groups = [by] if isinstance(by, str) else list(by)
        _known("by", groups, GROUPS)
        everybody = self.data["model"].values.tolist()
        chosen = self.models if models is None else models
        _known("models", chosen, everybody)
        _known("references", references, everybody)
        table = self.cells(score or ("crps" if "partner" in groups else "energy"))
        keys = ["state", "origin", "horizon", *(["partner"] if "partner" in table else [])]
        rows = []
        for model in chosen:
            own = table[table["model"] == model]
            for reference in references:
                other = table.loc[table["model"] == reference, [*keys, "score"]]
                both = own.merge(other, on=keys, suffixes=("", "_reference"))
                parts = both.groupby(groups, sort=False) if groups else [((), both)]
                for name, part in parts:
                    labels = name if isinstance(name, tuple) else (name,)
                    found = _skill_of(part) if len(part) else {}
                    rows.append(
                        dict(zip(groups, labels, strict=True))
                        | {"model": model, "reference": reference}
                        | found
                    )
        columns = [*groups, "model", "reference", "skill", "low", "high", "forecasts"]
        return pd.DataFrame(rows, columns=columns)

    def coverage(self, by: str | Sequence[str] = ()) -> pd.DataFrame:
        """Share of what happened that intervals of 50 and 90 % held.

        Returns
        -------
        Columns ``by``, ``model, inside50, inside90, forecasts``.
        """
        groups = [by] if isinstance(by, str) else list(by)
        _known("by", groups, GROUPS)
        wide = self.cells("inside90").rename(columns={"score": "inside90"})
        narrow = self.cells("inside50").rename(columns={"score": "inside50"})
        keys = ["model", "state", "partner", "origin", "horizon"]
        both = wide.merge(narrow[[*keys, "inside50"]], on=keys)
        grouped = both.groupby([*groups, "model"], sort=False)
        found = grouped[["inside50", "inside90"]].mean()
        found["forecasts"] = grouped.size()
        return found.reset_index()

    def quantiles(self, levels: Sequence[float]) -> pd.DataFrame:
        """One row for each share forecast.

        Returns
        -------
        Columns ``model, state, partner, origin, horizon, observed`` (share, NaN where not reported)
        and one for each level, such as ``q05``: quantiles of the ensemble.
        """
        forecast = self.data["forecast"].dropna("horizon", how="all")
        cells = forecast.quantile(list(levels), "member", skipna=False).to_dataset("quantile")
        named = cells.rename({level: f"q{100 * level:02.0f}" for level in levels})
        table = named.assign(observed=self.data["observed"]).to_dataframe().reset_index()
        keys = ["model", "state", "partner", "origin", "horizon"]
        return table[[*keys, "observed", *named.data_vars]].dropna(subset=list(named.data_vars))

    def acceptance(self, model: str = FIRST, period: str = TUNING) -> pd.DataFrame:
        """What was asked of the model before it was scored, and whether it is met.

        Returns
        -------
        Columns ``claim, value, met``; no rows where nothing was scored in the period.
        """
        import pandas as pd

        covered = self.coverage("period")
        covered = covered[(covered["model"] == model) & (covered["period"] == period)]
        rows: list[dict[str, object]] = []
        if len(covered):
            value = float(covered["inside90"].iloc[0])
            claim = f"90 % intervals hold {COVERED[0]:.0%} to {COVERED[1]:.0%}"
            rows.append(
                {"claim": claim, "value": f"{value:.2%}", "met": COVERED[0] <= value <= COVERED[1]}
            )
        for reference in (PERSISTENCE, SPREAD):
            table = self.skill(("period", "reach", "state"), models=[model], references=[reference])
            table = table[table["period"] == period]
            long, short = (table[table["reach"] == reach] for reach in ("4+", "1"))
            if len(long):
                better = int((long["skill"] > 0).sum())
                rows.append(
                    {
                        "claim": f"skill against {reference} above 0 at {LONG} years and more",
                        "value": f"{better} of {len(long)} states",
                        "met": better >= min(WINNERS, len(long)),
                    }
                )
            if len(short):
                worst = short.sort_values("skill").iloc[0]
                rows.append(
                    {
                        "claim": f"skill against {reference} at 1 year not below {LOSS:.0%}",
                        "value": f"{worst['skill']:+.1%} or more (least in {worst['state']})",
                        "met": bool(worst["skill"] >= LOSS),
                    }
                )
        return pd.DataFrame(rows, columns=["claim", "value", "met"])

    def table(self) -> pd.DataFrame:
        """Skill of all forecasts of the model by state and group of horizons, see ``skill``."""
        return self.skill(("period", "state", "reach"))


def _skill_of(part: pd.DataFrame) -> dict[str, float]:
    """Skill, its interval and the number of forecasts of some cells."""
    score, reference = part["score"].to_numpy(), part["score_reference"].to_numpy()
    if not reference.sum() > 0:  # nothing changed, and the reference said so
        return {"skill": np.nan, "low": np.nan, "high": np.nan, "forecasts": len(part)}
    blocks: IntArray = np.asarray(
        part.groupby(["state", "origin"], sort=False).ngroup(), dtype=np.int64
    )
    low, high = np.nan, np.nan
    if blocks.max() + 1 >= _BLOCKS:
        low, high = skill_interval(score, reference, blocks)
    return {
        "skill": skill(score, reference),
        "low": low,
        "high": high,
        "forecasts": len(part),
    }


def _reach(horizon: int) -> str:
    """Group of a horizon."""
    return next(name for name, (low, high) in REACHES.items() if low <= horizon <= high)


def _known(what: str, names: Sequence[str], valid: Sequence[str]) -> None:
    for name in names:
        if name not in valid:
            raise InputError(f"{what}: unknown '{name}'{nearest(name, valid)}")
