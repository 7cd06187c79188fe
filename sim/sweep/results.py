"""A sweep as its users see it: what was asked, what is there, labelled arrays and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.axes import FloatArray
from sim.errors import InputError, nearest
from sim.outcomes import OUTCOMES
from sim.scenario import Scenario
from sim.sweep.folder import Folder, Stored, open_folder
from sim.sweep.keep import STATISTICS, WHEN, at
from sim.sweep.parts import DONE, FAILED
from sim.sweep.plan import Cell
from sim.vary import vary

if TYPE_CHECKING:
    import pandas as pd
    import xarray

MISSING: Final = "missing"
"""Status of a cell that is not computed yet."""
HEADLINES: Final = ("alignment", "dependence", "hedging_index", "autonomy", "influence")
"""Outcomes of a table that names none."""


class Sweep:
    """A sweep on disk, perhaps still running: each call reads what is there now.

    Attributes
    ----------
    folder : where it is.
    manifest : design, factors, what is kept, versions.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2027H1", replicates=20)
    >>> design = sim.sweep.Grid(over=("powers.eu.budget",), points=2)
    >>> with TemporaryDirectory() as folder:
    ...     sweep = sim.sweep(scenario, design, folder=folder, workers=1)
    ...     table = sweep.table("signed", when="mean")
    >>> table[["cell", "powers.eu.budget", "signed.KZ.EU"]].round(2).to_dict("list")
    {'cell': [0, 1], 'powers.eu.budget': [1.9, 4.4], 'signed.KZ.EU': [0.08, 0.26]}
    """

    def __init__(self, folder: Folder) -> None:
        """Take an opened folder."""
        self._folder = folder
        self.folder = folder.path
        self.manifest = folder.manifest
        self.keep = folder.keep

    def __repr__(self) -> str:
        """Folder and number of cells."""
        return f"Sweep({str(self.folder)!r}, {self.manifest['cells']} cells)"

    @cached_property
    def cells(self) -> list[Cell]:
        """All cells of the plan, in order."""
        return self._folder.cells()

    @cached_property
    def coordinates(self) -> dict[str, list[Any]]:
        """Where each cell lies: options chosen and settings by name, one entry a cell."""
        labels = self._folder.labels()
        places = [{**labels[cell.base], **cell.settings} for cell in self.cells]
        names = dict.fromkeys(name for place in places for name in place)
        return {name: [place.get(name) for place in places] for name in names}

    @property
    def status(self) -> list[str]:
        """``done``, ``failed`` or ``missing`` for each cell."""
        stored = self._folder.stored()
        return [_status(cell, stored) for cell in self.cells]

    @property
    def complete(self) -> bool:
        """Whether every cell is done or has failed."""
        return MISSING not in self.status

    def scenario(self, cell: int) -> Scenario:
        """What a cell ran: ``sim.run`` of it gives the same numbers, each replicate bit for bit.

        Parameters
        ----------
        cell : number of the cell.
        """
        if not 0 <= cell < len(self.cells):
            raise InputError(f"{self.folder}: no cell {cell}, only 0 to {len(self.cells) - 1}")
        chosen = self.cells[cell]
        return vary(self._folder.scenario(chosen.base), chosen.settings)

    @property
    def data(self) -> xarray.Dataset:
        """All outcomes as labelled arrays; see ``load``."""
        return self.load()

    def load(self, *outcomes: str) -> xarray.Dataset:
        """Outcomes as labelled arrays; NaN for cells that failed or are missing.

        Parameters
        ----------
        outcomes : names; all that are kept, if none is named.

        Returns
        -------
        Variables (cell, when or period, [dimensions of the outcome], statistic or replicate), with
        the coordinates and the status of each cell along ``cell``.
        """
        import xarray

        names = self._known(outcomes)
        labels = self._labels()
        status = self.status  # first, so that nothing done is NaN while the sweep runs
        variables: dict[str, Any] = {}
        for name in names:
            dims = self._dims(name)
            array = np.full([len(labels[dim]) for dim in ("cell", *dims)], np.nan)
            for cell, values in self._values(name):
                array[np.ix_([cell.number], *self._places(cell, dims, labels))] = values
            outcome = OUTCOMES[name]
            variables[name] = (
                ("cell", *dims),
                array,
                {"unit": outcome.unit, "meaning": outcome.meaning},
            )
        used = {dim for dims, *_ in variables.values() for dim in dims}
        found = xarray.Dataset(variables, {k: v for k, v in labels.items() if k in used})
        beside = {**self.coordinates, "status": status}
        found = found.assign_coords({name: ("cell", _column(v)) for name, v in beside.items()})
        found.attrs["sweep"] = self.manifest["name"]
        return found

    def table(
        self,
        *outcomes: str,
        when: str | Sequence[str] = "end",
        statistic: str | Sequence[str] = "mean",
    ) -> pd.DataFrame:
        """One row a cell, in the order of the plan.

        Parameters
        ----------
        outcomes : names; ``HEADLINES`` if none is named.
        when : ``end``, ``mean`` (over the half-years), or both.
        statistic : over replicates, one or more of ``STATISTICS``.

        Returns
        -------
        Columns ``cell``, the coordinates, ``replicates``, ``status``, ``reason`` of failure, then
        one for each entry of an outcome, such as ``dependence.KZ.RU``; with several points or
        statistics their names follow, ``dependence.KZ.RU.end.p05``.
        """
        import pandas as pd

        names = self._known(outcomes) if outcomes else self._headlines()
        points = list(
            product(_listed(when, WHEN, "when"), _listed(statistic, STATISTICS, "statistic"))
        )
        reasons = self._reasons()
        columns: dict[str, Any] = {
            "cell": [cell.number for cell in self.cells],
            **self.coordinates,
            "replicates": [cell.replicates for cell in self.cells],
            "status": self.status,
            "reason": [reasons.get(cell.key) for cell in self.cells],
        }
        for name in names:
            columns |= self._columns(name, points)
        return pd.DataFrame(columns)

    def failures(self) -> pd.DataFrame:
        """Cells that failed, with reason and traceback."""
        import pandas as pd

        rows = self._folder.parts.read(("key", "first", "status", "reason", "traceback"))
        failed = {
            row["key"]: (row["reason"], row["traceback"])
            for row in rows.to_pylist()
            if row["status"] == FAILED
        }
        cells = [cell for cell in self.cells if cell.key in failed]
        place = {
            name: [values[cell.number] for cell in cells]
            for name, values in self.coordinates.items()
        }
        return pd.DataFrame(
            {
                "cell": [cell.number for cell in cells],
                **place,
                "reason": [failed[cell.key][0] for cell in cells],
                "traceback": [failed[cell.key][1] for cell in cells],
            }
        )

    def text(self) -> str:
        """One paragraph for a terminal."""
        status = self.status
        done, failed = status.count(DONE), status.count(FAILED)
        lines = [f"{done} of {len(status)} cells done, {failed} failed"]
        if failed:
            first = self.failures().iloc[0]
            lines.append(f"first failure, cell {first['cell']}: {first['reason']}")
        return "\n".join(lines)

    def _headlines(self) -> tuple[str, ...]:
        kept = self._folder.outcomes
        return tuple(name for name in HEADLINES if name in kept) or kept

    def _known(self, outcomes: Sequence[str]) -> tuple[str, ...]:
        kept = self._folder.outcomes
        for name in outcomes:
            if name not in kept:
                raise InputError(f"outcome '{name}' was not kept{nearest(name, kept)}")
        return tuple(outcomes) or kept

    def _dims(self, name: str) -> tuple[str, ...]:
        first = "when" if self.keep.over_time else "period"
        last = "statistic" if self.keep.over_replicates else "replicate"
        return (first, *OUTCOMES[name].dims, last)

    def _labels(self) -> dict[str, list[Any]]:
        """Labels of all axes, over all cells."""
        together: dict[str, dict[str, None]] = {}
        for axes in self.manifest["axes"]:
            for dim, names in axes.items():
                together.setdefault(dim, {}).update(dict.fromkeys(names))
        labels: dict[str, list[Any]] = {dim: list(names) for dim, names in together.items()}
        labels["period"] = sorted(labels["period"])
        labels["cell"] = [cell.number for cell in self.cells]
        labels["when"] = list(WHEN)
        labels["statistic"] = list(STATISTICS)
        labels["replicate"] = list(range(max(cell.replicates for cell in self.cells)))
        return labels

    def _places(
        self, cell: Cell, dims: Sequence[str], labels: Mapping[str, Sequence[Any]]
    ) -> list[list[int]]:
        """Where the entries of a cell stand on the axes of all."""
        own = self._own(cell)
        return [[labels[dim].index(label) for label in own[dim]] for dim in dims]

    def _own(self, cell: Cell) -> dict[str, Sequence[Any]]:
        """Labels of the axes of one cell."""
        return {
            **self.manifest["axes"][cell.axes],
            "when": WHEN,
            "statistic": STATISTICS,
            "replicate": range(cell.replicates),
        }

    def _values(self, name: str) -> Iterator[tuple[Cell, FloatArray]]:
        """What is stored of an outcome, cell by cell; blocks that are missing are NaN."""
        table = self._folder.parts.read(("key", "first", "count", "status", name))
        rows: dict[str, list[int]] = {}
        for place, (key, status) in enumerate(
            zip(table["key"].to_pylist(), table["status"].to_pylist(), strict=True)
        ):
            if status == DONE:
                rows.setdefault(key, []).append(place)
        firsts, counts = table["first"].to_pylist(), table["count"].to_pylist()
        lists = table[name]
        for cell in self.cells:
            own = self._own(cell)
            shape = [len(own[dim]) for dim in self._dims(name)]
            if cell.key not in rows:
                continue
            values = np.full(shape, np.nan)
            for place in rows[cell.key]:
                flat = np.asarray(lists[place].values)
                if self.keep.over_replicates:
                    values = flat.reshape(shape)
                else:
                    first, count = firsts[place], counts[place]
                    values[..., first : first + count] = flat.reshape(*shape[:-1], count)
            yield cell, values

    def _columns(self, name: str, points: Sequence[tuple[str, str]]) -> dict[str, FloatArray]:
        labels = self._labels()
        dims = OUTCOMES[name].dims
        columns: dict[str, FloatArray] = {}
        for entry in product(*(labels[dim] for dim in dims)):
            for when, statistic in points:
                suffix = [when, statistic] if len(points) > 1 else []
                columns[".".join([name, *entry, *suffix])] = np.full(len(self.cells), np.nan)
        for cell, values in self._values(name):
            own = self._own(cell)
            for when, statistic in points:
                suffix = [when, statistic] if len(points) > 1 else []
                numbers = at(self.keep, values, when, statistic)
                for entry, number in zip(
                    product(*(own[dim] for dim in dims)), numbers.reshape(-1), strict=True
                ):
                    columns[".".join([name, *entry, *suffix])][cell.number] = number
        return columns

    def _reasons(self) -> dict[str, str]:
        rows = self._folder.parts.read(("key", "first", "status", "reason"))
        return {row["key"]: row["reason"] for row in rows.to_pylist() if row["status"] == FAILED}


def open_sweep(path: str | Path) -> Sweep:
    """Open a stored sweep, also while it is running.

    Raises
    ------
    InputError
        The folder holds no sweep, or one that is torn.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> scenario = sim.load_scenario("strategic_balance", "horizon.end=2027H1", replicates=20)
    >>> with TemporaryDirectory() as folder:
    ...     sweep = sim.sweep(scenario, folder=folder, workers=1)  # of one cell
    ...     sim.open_sweep(sweep.folder).status
    ['done']
    """
    return Sweep(open_folder(path))


def _status(cell: Cell, stored: Stored) -> str:
    if stored.failed(cell.key):
        return FAILED
    return DONE if stored.done(cell.key, cell.replicates) else MISSING


def _column(values: list[Any]) -> Any:
    """Values of one kind as they are; lists, and values of several kinds, as objects."""
    kinds = {type(value) for value in values}
    if kinds in ({str}, {bool}) or kinds <= {int, float}:
        return values
    column = np.empty(len(values), object)
    for place, value in enumerate(values):
        column[place] = value
    return column


def _listed(given: str | Sequence[str], valid: Sequence[str], what: str) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    for name in names:
        if name not in valid:
            raise InputError(f"{what}: unknown '{name}'{nearest(name, valid)}")
    return names
