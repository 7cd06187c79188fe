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
    courses, last = data.isel(period=slice(-1)), data.isel(period=-1)
    is_flow = bool(last[measure.outcome].isnull().all())
    return courses, last.drop_vars(measure.outcome) if is_flow else last


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
