"""Whom the states picked, what they depend on, and what the powers delivered of what they signed.

Every number is computed in each replicate first; medians and intervals are taken afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from sim.analysis.bands import HIGH, LOW, MEDIAN, quantiles, ratio
from sim.analysis.words import MISSING, align

ALL: Final = "all"
"""Stands for all states or all powers together in the column of that name."""
NONE: Final = "none"
"""The option of picking nobody."""
COLUMNS: Final = ("state", "quantity", "power", "median", "low", "high", "unit")

SUMMARISED: Final = (
    "pick_share",
    "signed",
    "delivered",
    "dependence",
    "hedging_index",
    "influence",
    "budget",
)
"""Outcomes that ``summary`` needs."""

_BY_TIE: Final = (
    "pick_share",
    "dependence",
    "delivered_to_signed",
    "delivered",
    "signed",
    "hedging_index",
)
_BY_POWER: Final = ("influence", "budget", "delivered_to_signed", "delivered", "signed")
_HEADS: Final[Mapping[str, tuple[str, str]]] = {
    "pick_share": ("picks", "%"),
    "dependence": ("dependence", "at end, %"),
    "delivered_to_signed": ("delivered/", "signed, %"),
    "delivered": ("delivered", "USD bn"),
    "signed": ("signed", "USD bn"),
    "hedging_index": ("hedging", "index at end"),
    "influence": ("influence", "at end, %"),
    "budget": ("budget at", "end, USD bn/yr"),
}
_PER_CENT: Final = frozenset({"pick_share", "dependence", "delivered_to_signed", "influence"})


@dataclass(frozen=True)
class Summary:
    """Main results of a run.

    Attributes
    ----------
    rows : what ``table`` returns.
    span : first and last half-year of the flows.
    end : half-year at whose start the stocks of the end stand.
    replicates : number of replicates behind each interval.
    """

    rows: pd.DataFrame
    span: tuple[str, str]
    end: str
    replicates: int

    def table(self) -> pd.DataFrame:
        """One row for each state, quantity and power, with unit, median and 5-95 % interval.

        Returns
        -------
        Columns ``state, quantity, power, median, low, high, unit``; ``all`` stands for all states
        or all powers, NaN for a ratio to zero.
        """
        return self.rows.copy()

    def text(self) -> str:
        """Tables for a terminal: states by power, then powers."""
        states = [name for name in self.rows["state"].unique() if name != ALL]
        powers = [name for name in self.rows["power"].unique() if name != ALL]
        many = self.replicates > 1
        count = f"{self.replicates} replicates, median (5–95 %)" if many else "one replicate"
        return "\n".join(
            [
                f"{self.span[0]} to {self.span[1]}; end: start of {self.end}; {count}",
                "",
                *self._block(
                    [(state, power) for state in states for power in (*powers, ALL)], _BY_TIE
                ),
                "",
                *self._block([(ALL, power) for power in powers], _BY_POWER),
            ]
        )

    def _block(self, keys: Iterable[tuple[str, str]], quantities: Sequence[str]) -> list[str]:
        """Lines of one table: a row for each state and power, a column for each quantity."""
        cells = {
            (str(state), str(power), str(quantity)): (float(median), float(low), float(high))
            for state, quantity, power, median, low, high, _ in self.rows.itertuples(index=False)
        }
        body, last = [], ""
        for state, power in keys:
            numbers = [self._cell(name, cells.get((state, power, name))) for name in quantities]
            body.append(["" if state == last else state, power, *numbers])
            last = state
        heads = [_HEADS[name] for name in quantities]
        upper = ["", "", *(head[0] for head in heads)]
        lower = ["", "", *(head[1] for head in heads)]
        return align([upper, lower, *body], left=2)

    def _cell(self, quantity: str, values: tuple[float, float, float] | None) -> str:
        if values is None:
            return ""
        if np.isnan(values[0]):
            return MISSING
        scale = 100 if quantity in _PER_CENT else 1
        median, low, high = (_number(value * scale, scale) for value in values)
        return median if self.replicates == 1 else f"{median} ({low}–{high})"


def summary(data: xr.Dataset, final: xr.Dataset) -> Summary:
    """Picks, dependence, hedging and delivery by state, influence and budget by power.

    Parameters
    ----------
    data : outcomes of a run by half-year.
    final : stocks at the end of the run; ``attrs["period"]`` says when that is.

    Returns
    -------
    Summary with ``table`` (tidy) and ``text`` (for a terminal).
    """
    signed, delivered = (
        _with_all(_with_all(data[name].sum("period", keep_attrs=True), "power"), "state")
        for name in ("signed", "delivered")
    )
    quantities = {
        "pick_share": _with_all(data["pick_share"].mean("period", keep_attrs=True), "power"),
        "dependence": _with_all(final["dependence"], "power"),
        "hedging_index": final["hedging_index"],
        "delivered_to_signed": ratio(delivered, signed),
        "delivered": delivered,
        "signed": signed,
        "influence": final["influence"],
        "budget": final["budget"],
    }
    periods = [str(label) for label in data["period"].values]
    rows = pd.concat([_rows(name, array) for name, array in quantities.items()], ignore_index=True)
    return Summary(
        rows=rows.loc[:, list(COLUMNS)],
        span=(periods[0], periods[-1]),
        end=str(final.attrs["period"]),
        replicates=data.sizes["replicate"],
    )


def pick_frequencies(data: xr.Dataset) -> pd.DataFrame:
    """How often each option was picked, as a share of half-years and replicates.

    Parameters
    ----------
    data : outcomes of a run; ``pick`` is 0 for none, then the number of the power.

    Returns
    -------
    Index (state, domain), columns ``none`` and the powers in order; each row adds up to 1.
    """
    pick = data["pick"].transpose("state", "domain", "period", "replicate")
    options = [str(option) for option in data.attrs["options"]]
    found = {
        option: (pick == number).mean(("period", "replicate")).values.ravel()
        for number, option in enumerate(options)
    }
    index = pd.MultiIndex.from_product(
        [pick["state"].values, pick["domain"].values], names=["state", "domain"]
    )
    return pd.DataFrame(found, index=index).rename_axis(columns="option")


def _with_all(array: xr.DataArray, dim: str) -> xr.DataArray:
    """Append the sum along a dimension under the label ``all``."""
    total = array.sum(dim).expand_dims({dim: [ALL]})
    return xr.concat([array, total], dim).assign_attrs(array.attrs)


def _rows(quantity: str, array: xr.DataArray) -> pd.DataFrame:
    """Tidy rows of one quantity."""
    absent = {dim: [ALL] for dim in ("state", "power") if dim not in array.dims}
    bands = quantiles(array.expand_dims(absent)).transpose("quantile", "state", "power")
    index = pd.MultiIndex.from_product(
        [bands["state"].values, bands["power"].values], names=["state", "power"]
    )
    named = {"median": MEDIAN, "low": LOW, "high": HIGH}
    columns = {name: bands.sel(quantile=level).values.ravel() for name, level in named.items()}
    frame = pd.DataFrame(columns, index=index).reset_index()
    return frame.assign(quantity=quantity, unit=array.attrs["unit"])


def _number(value: float, scale: int) -> str:
    """Percentages in full points, other numbers with two digits that count."""
    if scale == 100 or abs(value) >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 0.995 else f"{value:.2f}"
