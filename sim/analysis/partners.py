"""First partners: the power that a state aligns with most, and who moves from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr

from sim.analysis.alignment import NONE
from sim.errors import InputError, nearest

if TYPE_CHECKING:
    import pandas as pd

ROUNDING: Final = 1e-9
"""Difference of alignments, shares of picks, below which two powers are tied."""
EVERY: Final = 4
"""Half-years from one that is looked at to the next."""


def first_partner(data: xr.Dataset) -> xr.DataArray:
    """Power with the largest alignment of each state.

    Parameters
    ----------
    data : outcomes of a run with ``alignment`` (period, state, power, replicate), share.

    Returns
    -------
    Dimensions period, state and replicate: 0 for nobody (no pick yet, or a tie), then the number
    of the power, as in ``pick``.

    Raises
    ------
    InputError
        The run did not keep ``alignment``.
    """
    if "alignment" not in data:
        raise InputError(
            "outcome 'alignment' was not kept by the run; first partners are read from it"
        )
    alignment = data["alignment"].transpose("period", "state", "replicate", "power")
    best = alignment.max("power")
    leading = (alignment >= best - ROUNDING).sum("power")
    clear = (best > ROUNDING) & (leading == 1)
    found: xr.DataArray = (alignment.argmax("power") + 1).where(clear, 0).astype(np.int8)
    return found.rename("first_partner").assign_attrs(
        unit="option", meaning="largest alignment: 0 nobody or a tie, then the powers in order"
    )


def flows(
    data: xr.Dataset, *, states: Sequence[str] | None = None, every: int = EVERY
) -> pd.DataFrame:
    """Share of states and replicates that go from one first partner to another.

    Parameters
    ----------
    data : outcomes of a run with ``alignment`` (period, state, power, replicate), share.
    states : codes such as ``KZ``; all by default.
    every : half-years from one that is looked at to the next, counted back from the last.

    Returns
    -------
    Columns ``period`` (half-year that is left; the next is ``every`` later), ``from`` and ``to``
    (code of a power, ``none`` for nobody or a tie) and ``share`` (of states and replicates, above
    0). The shares of each half-year add up to 1; those who stay are among them.

    Raises
    ------
    InputError
        The run did not keep ``alignment`` or has no such state, or ``every`` is not a whole number
        from 1 to one less than the number of half-years.
    """
    import pandas as pd

    first = first_partner(data).sel(state=_states(data, states))
    names = [NONE, *(str(power) for power in data["power"].values)]
    labels = looked_at(data, every)
    rows = []
    for here, there in pairwise(labels):
        before, after = (first.sel(period=label).values.ravel() for label in (here, there))
        count = np.zeros((len(names), len(names)))
        np.add.at(count, (before, after), 1)
        rows += [
            (here, names[old], names[new], count[old, new] / len(before))
            for old, new in np.argwhere(count)
        ]
    return pd.DataFrame(rows, columns=["period", "from", "to", "share"])


def looked_at(data: xr.Dataset, every: int = EVERY) -> list[str]:
    """Half-years that ``flows`` looks at, the first first; the last of the run is among them.

    Raises
    ------
    InputError
        ``every`` is not a whole number from 1 to one less than the number of half-years.
    """
    labels = [str(label) for label in data["period"].values]
    most = len(labels) - 1
    if most < 1:
        raise InputError("the run has one half-year only; nobody can move from one to the next")
    if isinstance(every, bool) or not isinstance(every, int) or not 1 <= every <= most:
        raise InputError(f"every: must be a whole number of half-years, 1 to {most}, not {every!r}")
    return labels[::-1][::every][::-1]


def _states(data: xr.Dataset, states: Sequence[str] | None) -> list[str]:
    known = [str(code) for code in data["state"].values]
    if states is None:
        return known
    wanted = [states] if isinstance(states, str) else list(states)
    for state in wanted:
        if state not in known:
            raise InputError(f"no state '{state}' in the results{nearest(state, known)}")
    if not wanted:
        raise InputError(f"states: names none (valid: {', '.join(known)})")
    return list(dict.fromkeys(wanted))
