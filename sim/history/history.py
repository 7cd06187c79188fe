"""History of the states as labelled arrays, with what has to be known of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.history.flows import ZERO_TRADE
from sim.history.memberships import Membership
from sim.history.spans import spans

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

COLUMNS: Final = ("state", "partner", "year", "trade", "share", "quality", "basis", "breaks")


@dataclass(frozen=True, eq=False)
class History:
    """What happened, year by year.

    Attributes
    ----------
    data : ``trade`` (state, partner, year), USD bn/yr, where the last partner ``ROW`` is the world
        less the powers; ``quality`` and ``basis`` (state, power, year), empty without a row;
        ``breaks`` (state, power, year), True where the basis is another than the year before or
        one of the two has no row, so that the change from that year is not behaviour; ``gdp``
        (economy, year), USD bn/yr, of states, powers and ``ROW``; ``gdp_real`` likewise at prices
        of 2015, chained.
    memberships : by state, organisation and date.
    notes : what has to be known of the numbers, a sentence each.
    years_read : all years of each file that were looked at, by its name in the format.
    digest : hash of the cells that were used; that of the same numbers is the same whatever the
        order of columns and rows, and whatever else the files hold.
    """

    data: xr.Dataset
    memberships: tuple[Membership, ...]
    notes: tuple[str, ...]
    years_read: Mapping[str, tuple[int, ...]]
    digest: str

    @property
    def shares(self) -> xr.DataArray:
        """Shares in the trade of each state.

        Returns
        -------
        (state, partner, year), all above 0 and adding up to 1; NaN where a row is missing or of
        quality E. ``ZERO_TRADE`` takes the place of no trade, of which there is no logarithm; the
        proportions of the other partners stay as they are.

        Source
        ------
        Multiplicative replacement of zeros: Martín-Fernández, Barceló-Vidal, Pawlowsky-Glahn 2003,
        Mathematical Geology 35.
        """
        trade = self.data["trade"]
        parts = trade.where(trade != 0, ZERO_TRADE)
        shares = parts / parts.sum("partner", skipna=False)
        return shares.rename("share").assign_attrs(unit="share", meaning="share of a state's trade")

    def table(self) -> pd.DataFrame:
        """One row for each state, partner and year.

        Returns
        -------
        Columns ``state, partner, year, trade`` (USD bn/yr), ``share, quality, basis, breaks``; the
        last three are empty for the rest of the world.
        """
        empty = {"quality": "", "basis": "", "breaks": False}
        labels = self.data[list(empty)].rename(power="partner")
        whole = labels.reindex(partner=self.data["partner"], fill_value=empty)
        whole = whole.assign(trade=self.data["trade"], share=self.shares)
        frame = whole.to_dataframe(dim_order=["state", "partner", "year"]).reset_index()
        return frame.loc[:, list(COLUMNS)]

    def text(self) -> str:
        """For a terminal: years, trade, shares at both ends and qualities by state, then notes."""
        import pandas as pd

        years, powers = self.data["year"].values, ", ".join(self.data["power"].values)
        rows = pd.DataFrame([self._line(state) for state in self.data["state"].values])
        count = f"{len(rows)} states" if len(rows) > 1 else "1 state"
        lines = [
            f"{count} with {powers}, {years[0]}–{years[-1]}; {len(self.memberships)} memberships; "
            f"digest {self.digest}",
            "Trade in USD bn/yr and shares of it in %, in the first and the last of the years",
            "",
            rows.fillna("").to_string(index=False),
            "",
            *(self.notes or ["Nothing has to be noted."]),
        ]
        return "\n".join(lines)

    def _line(self, state: str) -> dict[str, str]:
        """Cells of a state's line."""
        qualities = Counter(self.data["quality"].sel(state=state).values.ravel().tolist())
        shares = 100 * self.shares.sel(state=state).dropna("year")
        if not shares["year"].size:
            return {"state": state}
        trade = self.data["trade"].sel(state=state, year=shares["year"]).sum("partner")
        cells = {"state": state, "years": spans(shares["year"].values.tolist())}
        cells["trade"] = " → ".join(f"{end:.1f}" for end in trade.values[[0, -1]])
        for partner in shares["partner"].values:
            ends = shares.sel(partner=partner).values[[0, -1]]
            cells[partner] = " → ".join(f"{end:.0f}" for end in ends)
        counts = (f"{name} {number}" for name, number in sorted(qualities.items()) if name)
        return {**cells, "cells by quality": ", ".join(counts)}
