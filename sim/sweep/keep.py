"""What a sweep keeps of each cell: outcomes over time or at two points, by replicate or in sum.

Every reduction over replicates sees all of a cell at once, so that it does not depend on how the
replicates were cut into blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.axes import FloatArray
from sim.errors import InputError
from sim.outcomes import OUTCOMES, Data
from sim.recorder import recorded

WHEN: Final = ("mean", "end")
"""Mean over the half-years, and the last: flows of the last half-year, stocks at the end."""
QUANTILES: Final = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
STATISTICS: Final = ("mean", "sd", *QUANTILES)
"""Statistics over the replicates of a cell; ``sd`` divides by their number."""
OPTION: Final = "option"
"""Unit of outcomes that number the options: they have no mean."""


class Keep(StrEnum):
    """What is stored of a cell.

    Where half-years are kept there is one point more for the stocks at the end of the run; flows
    have NaN there.
    """

    SUMMARY = "summary"  # statistics over replicates, of mean and end
    PATHS = "paths"  # statistics over replicates, of each half-year
    REPLICATES = "replicates"  # mean and end of each replicate
    TRAJECTORIES = "trajectories"  # everything: each half-year of each replicate

    @property
    def over_time(self) -> bool:
        """Whether half-years are reduced to mean and end."""
        return self in (Keep.SUMMARY, Keep.REPLICATES)

    @property
    def over_replicates(self) -> bool:
        """Whether replicates are reduced to statistics."""
        return self in (Keep.SUMMARY, Keep.PATHS)


def kept(keep: Keep, wanted: Collection[str]) -> tuple[str, ...]:
    """Names of the outcomes that are stored; all that can be, if none is named.

    Raises
    ------
    InputError
        An outcome is unknown, or numbers options and cannot be averaged.
    """
    recorded(wanted)
    numbered = {name for name, outcome in OUTCOMES.items() if outcome.unit == OPTION}
    if keep is Keep.TRAJECTORIES:
        return tuple(wanted or OUTCOMES)
    for name in wanted:
        if name in numbered:
            raise InputError(
                f"outcomes: '{name}' numbers options and has no mean; keep it with "
                "sweep.keep=trajectories"
            )
    return tuple(wanted) or tuple(name for name in OUTCOMES if name not in numbered)


def by_replicate(keep: Keep, names: Collection[str], data: Data, final: Data) -> Data:
    """Outcomes of a block of replicates, reduced over time where that is asked for.

    Parameters
    ----------
    names : outcomes to take.
    data, final : from ``sim.recorder.derive``.

    Returns
    -------
    Arrays (when or period, [dimensions of the outcome], replicate).
    """
    found: dict[str, NDArray[Any]] = {}
    for name in names:
        path = data[name]
        if keep.over_time:
            found[name] = np.stack([_over_time(path), final.get(name, path[-1])])
        else:
            last = final.get(name, np.full(path.shape[1:], np.nan))
            found[name] = np.concatenate([path, last[np.newaxis]])
    return found


def _over_time(path: NDArray[Any]) -> NDArray[Any]:
    """Mean over the half-years, added up in their order.

    With one replicate alone NumPy would take the half-years for the inner loop and add in another
    order, and the last bit would depend on how replicates were cut into blocks.
    """
    replicates = path.shape[-1]
    wide = path if replicates > 1 else np.repeat(path, 2, axis=-1)
    return np.asarray(wide.mean(axis=0)[..., :replicates])


def at(keep: Keep, values: FloatArray, when: str, statistic: str) -> FloatArray:
    """One number for each entry of an outcome, whatever was kept.

    Parameters
    ----------
    values : what is stored of an outcome of one cell, (when or period, [dimensions], statistic or
        replicate).
    when : one of ``WHEN``.
    statistic : one of ``STATISTICS``.

    Raises
    ------
    InputError
        Paths of other statistics than the mean have no mean over time.
    """
    if keep is Keep.PATHS and when == "mean" and statistic != "mean":
        raise InputError(f"when='mean': of paths only the mean has one, not '{statistic}'")
    if keep.over_time:
        values = values[WHEN.index(when)]
    elif when == "mean":
        values = values[:-1].mean(axis=0)
    else:
        values = values[-2] if np.isnan(values[-1]).all() else values[-1]
    if not keep.over_replicates:
        values = statistics(values)
    return np.asarray(values[..., STATISTICS.index(statistic)])


def statistics(values: FloatArray) -> FloatArray:
    """Statistics over the last axis: (..., replicate) in, (..., statistic) out."""
    found = [values.mean(axis=-1), values.std(axis=-1)]
    found += list(np.quantile(values, list(QUANTILES.values()), axis=-1))
    return np.stack(found, axis=-1)


def shape(
    keep: Keep, name: str, sizes: Mapping[str, int], steps: int, replicates: int
) -> tuple[int, ...]:
    """Axes of what is stored of an outcome for a number of replicates."""
    first = len(WHEN) if keep.over_time else steps + 1
    last = len(STATISTICS) if keep.over_replicates else replicates
    return (first, *(sizes[dim] for dim in OUTCOMES[name].dims), last)
