"""Sobol indices: how much of the variance of a number each factor answers for.

The first-order index of a factor is the share of the variance that goes when the factor is known
alone; the total index the share that stays as long as it alone is unknown (Sobol 2001; design of
Saltelli 2002, estimators and intervals of SALib). The design here gives the same points as SALib's,
block by block, so that hundreds of factors need not stand in memory together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.analysis import given
from sim.axes import FloatArray
from sim.errors import InputError
from sim.sweep.designs import problem

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE: Final = 0.9
"""Of the intervals of indices."""
RESAMPLES: Final = 200
"""Bootstrap samples behind each interval."""
ROWS: Final = 1024
"""Points of a block, at least those of one base sample."""


@dataclass(frozen=True)
class Design:
    """Saltelli's points for groups of coordinates.

    Attributes
    ----------
    groups : coordinates of each factor; a factor may be a group of several.
    samples : base samples, a power of 2. seed : of the scrambled Sobol' sequence.
    """

    groups: tuple[tuple[int, ...], ...]
    samples: int
    seed: int = 1

    @property
    def coordinates(self) -> int:
        """Number of coordinates."""
        return sum(len(group) for group in self.groups)

    @property
    def points(self) -> int:
        """Number of points: base samples times (factors + 2)."""
        return self.samples * (len(self.groups) + 2)

    def blocks(self) -> Iterator[FloatArray]:
        """Points in the unit cube, (point, coordinate), in the order that ``indices`` expects."""
        from scipy.stats import qmc

        check_samples(self.samples)
        if self.seed < 0:
            raise InputError(f"seed: must be 0 or more, not {self.seed}")
        width = self.coordinates
        base = qmc.Sobol(2 * width, scramble=True, seed=self.seed).random(self.samples)
        each = max(1, ROWS // (len(self.groups) + 2))
        for first in range(0, self.samples, each):
            rows = base[first : first + each]
            points = np.repeat(rows[:, np.newaxis, :width], len(self.groups) + 2, axis=1)
            for place, group in enumerate(self.groups):
                columns = list(group)
                points[:, place + 1, columns] = rows[:, [width + column for column in columns]]
            points[:, -1] = rows[:, width:]
            yield points.reshape(-1, width)


def check_samples(samples: int) -> None:
    """Refuse a number of base samples that is not a power of 2."""
    if given.whole("samples", samples) < 2 or not math.log2(samples).is_integer():
        raise InputError(f"samples: must be a power of 2, at least 2, not {samples}")


def indices(
    outputs: FloatArray,
    names: Sequence[str],
    samples: int,
    *,
    second_order: bool = False,
    seed: int = 1,
) -> pd.DataFrame:
    """Sobol indices of the factors of a design.

    Parameters
    ----------
    outputs : one number a point, in the order of the design, (point,).
    names : of the factors.
    samples : base samples of the design.
    second_order : whether the design has the points for second-order indices.
    seed : of the bootstrap.

    Returns
    -------
    One row a factor: ``factor``, first-order index ``first`` and total index ``total`` with the
    half-widths ``first_interval`` and ``total_interval`` of their 90 % intervals. All are 0 where
    the outputs do not vary.

    Raises
    ------
    InputError
        A point is missing or has no number: the indices would be wrong.
    """
    import pandas as pd
    from SALib.analyze import sobol

    check_samples(samples)
    expected = samples * (2 * len(names) + 2 if second_order else len(names) + 2)
    if outputs.shape != (expected,):
        raise InputError(
            f"sobol: {len(outputs)} results for a design of {expected} points ({len(names)} "
            f"factors, {samples} samples); the indices of an incomplete design would be wrong"
        )
    if not np.isfinite(outputs).all():
        holes = int((~np.isfinite(outputs)).sum())
        raise InputError(
            f"sobol: {holes} of {expected} points have no number; the indices of an incomplete "
            "design would be wrong"
        )
    table = pd.DataFrame({"factor": list(names)})
    keys = {"first": "S1", "total": "ST"}
    if np.ptp(outputs) == 0:
        return table.assign(**{f"{key}{end}": 0.0 for key in keys for end in ("", "_interval")})
    found: Any = sobol.analyze(
        problem(len(names)),
        outputs,
        calc_second_order=second_order,
        num_resamples=RESAMPLES,
        conf_level=CONFIDENCE,
        seed=seed,
    )
    for key, theirs in keys.items():
        table[key] = found[theirs]
        table[f"{key}_interval"] = found[f"{theirs}_conf"]
    return table
