"""Any replicate of a run or of a cell of a sweep, once more as a Mesa model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.analysis.origin import Origin, Result, changes_since, origin_of
from sim.axes import FloatArray
from sim.ensemble import simulate
from sim.evidence import Ledger, load_ledger
from sim.model import PartnershipModel
from sim.outcomes import OUTCOMES, Data
from sim.periods import parse_period, period_label
from sim.recorder import derive
from sim.store import Run
from sim.sweep import Sweep
from sim.sweep.keep import by_replicate, statistics
from sim.sweep.parts import DONE

if TYPE_CHECKING:
    import pandas as pd
    import xarray


class Replay(PartnershipModel):
    """One replicate of something stored, to be stepped by hand or run to the end.

    Attributes
    ----------
    origin : what is replayed.
    changed : what differs between now and when it was stored, in words; empty if nothing does.

    Examples
    --------
    >>> model = sim.replay(sim.load_scenario(replicates=20, seed=7), replicate=17)
    >>> model.step()
    >>> model.label, model.changed
    ('2026H1', [])
    """

    def __init__(self, origin: Origin, replicate: int, changed: list[str]) -> None:
        """Stand at the start of the replicate."""
        super().__init__(origin.scenario, replicate)
        self.origin = origin
        self.changed = changed

    def differences(self) -> pd.DataFrame:
        """Differences from what was stored, at the end of the replay; runs it there.

        Of a sweep that keeps statistics those of the whole cell are computed anew and compared.

        Returns
        -------
        One row an outcome: ``outcome, unit, compared`` (numbers), ``different`` (of them),
        ``largest`` (absolute difference in the unit) and ``size`` (largest number stored). Empty
        where nothing was stored.
        """
        import pandas as pd

        self.run()
        rows = [_row(name, new, old) for name, new, old in self._pairs()]
        columns = ("outcome", "unit", "compared", "different", "largest", "size")
        return pd.DataFrame(rows, columns=list(columns))

    def text(self) -> str:
        """Who was picked so far and, at the end, whether the replay agrees with what was stored."""
        if self.period < self.configuration.steps:
            return f"{super().text()}\n\nstands at the start of {self.label}"
        return f"{super().text()}\n\n{self.verdict()}"

    def verdict(self) -> str:
        """Whether the replay agrees with what was stored, and if not by how much."""
        found = self.differences()
        since = f"since it was stored {', '.join(self.changed)}" if self.changed else ""
        if found.empty:
            return "nothing is stored to compare with" + (f"; {since}" if since else "")
        wrong = found[found["different"] > 0]
        if wrong.empty:
            total = int(found["compared"].sum())
            text = f"bit for bit as stored: {total} numbers of {len(found)} outcomes"
            return f"{text}, although {since}" if since else text
        share = wrong["largest"] / wrong["size"].where(wrong["size"] > 0)
        worst: Any = wrong.iloc[int(np.nanargmax(share.fillna(0.0)))]
        return (
            f"NOT as stored: {len(wrong)} of {len(found)} outcomes differ, most of all "
            f"{worst['outcome']} by up to {worst['largest']:.3g} {worst['unit']} (numbers up to "
            f"{worst['size']:.3g}); {since or 'nothing is known to have changed'}"
        )

    def _pairs(self) -> Iterator[tuple[str, FloatArray, FloatArray]]:
        """Name, new and stored numbers of each outcome that is stored."""
        stored = self.origin.stored
        if isinstance(stored, Run):
            yield from _of_run(*self.outcomes(), stored, self.replicate)
        elif isinstance(stored, Sweep):
            assert self.origin.cell is not None
            if stored.status[self.origin.cell] == DONE:
                yield from self._of_sweep(stored, self.origin.cell)

    def _of_sweep(self, sweep: Sweep, cell: int) -> Iterator[tuple[str, FloatArray, FloatArray]]:
        whole = sweep.load().isel(cell=cell)
        names = [str(name) for name in whole]
        own = self._labels(sweep.keep.over_replicates)
        stored = whole.sel({dim: codes for dim, codes in own.items() if dim in whole.dims})
        if sweep.keep.over_replicates:
            scenario = self.origin.scenario
            years = scenario.horizon.step
            outcomes = derive(*simulate(scenario), years, scenario.outcomes)
        else:
            outcomes = self.outcomes()
        for name, values in by_replicate(sweep.keep, names, *outcomes).items():
            new = statistics(values) if sweep.keep.over_replicates else values
            yield name, new, stored[name].to_numpy()

    def _labels(self, over_replicates: bool) -> Mapping[str, Any]:
        scenario = self.origin.scenario
        end = period_label(parse_period(scenario.horizon.end), scenario.horizon.step)
        return {
            "period": [*scenario.periods, end],
            "state": list(scenario.state_codes),
            "power": list(scenario.power_codes),
            "partner": list(scenario.partner_codes),
            "corridor": list(scenario.corridor_codes),
            **({} if over_replicates else {"replicate": [self.replicate]}),
        }


def replay(
    result: Result,
    replicate: int = 0,
    *,
    cell: int | None = None,
    ledger: Ledger | None = None,
) -> Replay:
    """Mesa model of one replicate, at its start; the same bits as in the ensemble.

    Warns when the code, the ledger or a library has changed since the result was stored; ``text``
    and ``differences`` of the replay then say by how much it differs.

    Parameters
    ----------
    result : a run, a sweep or a scenario.
    replicate : number of the replicate.
    cell : number of the cell of a sweep.
    ledger : evidence behind the scenario; the package's own by default.

    Raises
    ------
    InputError
        There is no such replicate or cell.

    Examples
    --------
    >>> run = sim.run(sim.load_scenario("strategic_balance", replicates=20, outcomes=["trade"]))
    >>> sim.replay(run, replicate=17).verdict()
    'bit for bit as stored: 420 numbers of 2 outcomes'
    """
    origin = origin_of(result, cell)
    origin.check_replicate(replicate)
    changed = changes_since(origin, ledger or load_ledger())
    if changed:
        warnings.warn(f"{origin.name}: {', '.join(changed)} since it was stored", stacklevel=2)
    return Replay(origin, replicate, changed)


def _of_run(
    data: Data, final: Data, run: Run, replicate: int
) -> Iterator[tuple[str, FloatArray, FloatArray]]:
    parts: tuple[tuple[Data, xarray.Dataset, str], ...] = (
        (data, run.data, ""),
        (final, run.final, " at the end"),
    )
    for new, stored, when in parts:
        for name in stored:
            old = stored[name].isel(replicate=[replicate]).to_numpy()
            yield f"{name}{when}", new[str(name)], old


def _row(name: str, new: FloatArray, old: FloatArray) -> tuple[str, str, int, int, float, float]:
    unit = OUTCOMES[name.removesuffix(" at the end")].unit
    if new.shape != old.shape:
        return name, unit, old.size, old.size, np.inf, np.inf
    both = np.isnan(new) & np.isnan(old) if new.dtype.kind == "f" else np.zeros(new.shape, bool)
    gap = np.where(both, 0.0, np.abs(new.astype(float) - old.astype(float)))
    gap = np.where(np.isnan(gap), np.inf, gap)  # a number on one side only
    differs = ~both & (new != old)
    size = np.nanmax(np.abs(old.astype(float)), initial=0.0)
    return name, unit, old.size, int(differs.sum()), float(gap.max(initial=0.0)), float(size)
