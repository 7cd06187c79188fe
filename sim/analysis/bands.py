"""Medians and intervals over replicates, taken from numbers that each replicate has by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import xarray as xr

LOW: Final = 0.05
MEDIAN: Final = 0.5
HIGH: Final = 0.95
"""Ends and middle of the interval that every table and figure reports."""


def quantiles(array: xr.DataArray, levels: Sequence[float] = (LOW, MEDIAN, HIGH)) -> xr.DataArray:
    """Quantiles over replicates.

    Parameters
    ----------
    array : one number for each replicate and whatever else; NaN where a replicate has none.
    levels : quantiles asked for, 0 to 1.

    Returns
    -------
    The array with the axis ``quantile`` (first) in place of ``replicate``, in the same unit. NaN
    are left out; the quantiles are NaN where no replicate has a number.
    """
    missing = array.isnull()
    nowhere = missing.all("replicate")
    counted = array.where(~nowhere, 0.0)
    found = counted.quantile(list(levels), "replicate", skipna=bool(missing.any()))
    return found.where(~nowhere).transpose("quantile", ...).assign_attrs(array.attrs)


def ratio(part: xr.DataArray, whole: xr.DataArray) -> xr.DataArray:
    """One quantity over another of the same unit, NaN where the other is zero."""
    return (part / whole.where(whole != 0)).assign_attrs(unit="ratio")
