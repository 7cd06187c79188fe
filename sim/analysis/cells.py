"""A stored sweep in the form of a run, so that measures and targets read both alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.analysis.measure import END, MEAN, Measure
from sim.errors import InputError
from sim.sweep import Sweep
from sim.sweep.results import MISSING

if TYPE_CHECKING:
    import xarray


def as_run(sweep: Sweep, measure: Measure) -> tuple[xarray.Dataset, xarray.Dataset]:
    """Outcome of a measure in all cells: by half-year, and at the end.

    Returns
    -------
    Two datasets as a run has them, with the dimension ``cell`` beside. Where a sweep keeps
    statistics the mean over the replicates stands as one replicate; where it keeps no half-years
    their mean stands as one.

    Raises
    ------
    InputError
        The sweep does not keep the outcome or the half-year.
    """
    data = sweep.load(measure.outcome)
    if sweep.keep.over_replicates:
        data = data.sel(statistic="mean", drop=True).expand_dims(replicate=[0])
    if sweep.keep.over_time:
        if measure.when not in (END, MEAN) or measure.since is not None:
            raise InputError(
                f"{measure.name}: this sweep keeps only the end and the mean over all half-years; "
                "others need sweep.keep=paths or trajectories"
            )
        if measure.when == MEAN:
            return data.sel(when=MEAN, drop=True).expand_dims(period=[MEAN]), data.isel(when=[])
        return data.isel(when=[]), data.sel(when=END, drop=True)
    return _courses(sweep, data, measure.outcome)


def _courses(
    sweep: Sweep, data: xarray.Dataset, outcome: str
) -> tuple[xarray.Dataset, xarray.Dataset]:
    """Half-years before the end of each cell, and the stock there or the flow before it."""
    import xarray

    labels = [str(label) for label in data["period"].values]
    axes = sweep.manifest["axes"]
    ends = [labels.index(axes[cell.axes]["period"][-1]) for cell in sweep.cells]
    end = xarray.DataArray(ends, dims="cell", coords={"cell": data["cell"]})
    place = xarray.DataArray(range(len(labels)), dims="period", coords={"period": labels})
    stock, flow = data[outcome].isel(period=end), data[outcome].isel(period=end - 1)
    others = [dim for dim in stock.dims if dim != "cell"]
    last = stock.where(stock.notnull().any(others), flow).drop_vars("period", errors="ignore")
    before = data[outcome].where(place < end).isel(period=slice(-1))
    return before.to_dataset(name=outcome), last.to_dataset(name=outcome)


def check_complete(sweep: Sweep, failed: bool = False) -> None:
    """Refuse a sweep with cells that are missing, or failed unless ``failed`` allows them.

    Raises
    ------
    InputError
        With the number of cells and what to do.
    """
    status = sweep.status
    missing, broken = status.count(MISSING), status.count("failed")
    if missing:
        raise InputError(
            f"{sweep.folder}: {missing} of {len(status)} cells are missing; run the sweep again "
            "to compute them"
        )
    if broken and not failed:
        raise InputError(
            f"{sweep.folder}: {broken} of {len(status)} cells failed, and the indices of a design "
            "with holes would be wrong; see 'failures()', and run again with sweep.retry=true"
        )
