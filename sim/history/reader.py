"""Reads the history of the states from a folder of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from numbers import Integral
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.axes import ROW
from sim.errors import InputError, nearest
from sim.history.codes import CENTRAL_ASIA, POWERS, STATES, SUITORS, Basis, read_codes
from sim.history.files import Row
from sim.history.flows import Asked
from sim.history.history import History
from sim.history.memberships import read_memberships
from sim.history.output import Output, read_output
from sim.history.trade import Trade, read_trade

if TYPE_CHECKING:
    import xarray as xr

TRADE: Final = "trade"
OUTPUT: Final = "gdp_population"
MEMBERSHIPS: Final = "memberships"
"""Names of the files, without ``.csv``."""
DIGEST_SIZE: Final = 16
"""Bytes of the hash."""


def read_history(
    folder: Path | str,
    *,
    powers: str | Iterable[str] = SUITORS,
    states: str | Iterable[str] | None = None,
    until: int | None = None,
    basis: str | None = None,
    gaps: bool = False,
) -> History:
    """Read trade, output and memberships of the states.

    Parameters
    ----------
    folder : holds ``trade.csv``, ``gdp_population.csv`` and ``memberships.csv``; or the path of a
        trade file, beside which the other two stand.
    powers : any of RU, CN, EU, TR and US; all other partners are ``ROW``.
    states : codes such as ``KZ``; None for the five Central Asian states.
    until : last year that is read, None for all. Nothing but the year is looked at in a later row,
        and a membership that ended later counts as not over.
    basis : the one that is taken where a year and pair is there on several: ``national``,
        ``mirror`` and so on.
    gaps : whether a series may lack years between its first and its last, and the powers of a
        year may trade more than the world: such years are NaN then.
        Before the first and after the last, years of other series are NaN in any case, and noted.

    Returns
    -------
    History

    Raises
    ------
    InputError
        A missing file or column, or content that cannot be right; the message names the file, the
        line and the nearest valid name.
    """
    if until is not None and not isinstance(until, Integral):
        raise InputError(f"until: must be a whole year, is {until!r}")
    asked = Asked(
        states=read_codes("states", CENTRAL_ASIA if states is None else states, STATES),
        powers=read_codes("powers", powers, POWERS),
        basis=None if basis is None else _basis(basis),
        gaps=gaps,
    )
    files = _files(Path(folder).expanduser())
    trade = read_trade(files[TRADE], until, asked)
    output = read_output(files[OUTPUT], until, (asked.states, asked.powers), trade.years)
    memberships = read_memberships(files[MEMBERSHIPS], until, asked.states)
    return History(
        data=_dataset(asked, trade, output),
        memberships=memberships.memberships,
        notes=trade.notes,
        years_read=MappingProxyType(
            {
                TRADE: trade.years_read,
                OUTPUT: output.years_read,
                MEMBERSHIPS: memberships.years_read,
            }
        ),
        digest=_digest({TRADE: trade.used, OUTPUT: output.used, MEMBERSHIPS: memberships.used}),
    )


def _basis(name: str) -> Basis:
    if name not in list(Basis):
        raise InputError(f"basis: unknown '{name}'{nearest(name, Basis)}")
    return Basis(name)


def _files(path: Path) -> dict[str, Path]:
    """Path of each file, whether it is there or not."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    folder = path if path.is_dir() else path.parent
    files = {name: folder / f"{name}.csv" for name in (TRADE, OUTPUT, MEMBERSHIPS)}
    return files if path.is_dir() else {**files, TRADE: path}


def _dataset(asked: Asked, trade: Trade, output: Output) -> xr.Dataset:
    """Labelled arrays with their units."""
    import xarray as xr

    breaks = np.zeros(trade.basis.shape, dtype=bool)
    breaks[..., 1:] = trade.basis[..., 1:] != trade.basis[..., :-1]
    by_power, by_economy = ("state", "power", "year"), ("economy", "year")
    variables: dict[str, tuple[tuple[str, ...], Any, dict[str, str]]] = {
        "trade": (
            ("state", "partner", "year"),
            trade.amount,
            {"unit": "USD bn/yr", "meaning": "exports plus imports of the state, current prices"},
        ),
        "quality": (by_power, trade.quality, {"meaning": "how well the trade is known, A to E"}),
        "basis": (by_power, trade.basis, {"meaning": "whose books the trade comes from"}),
        "breaks": (
            by_power,
            breaks,
            {"unit": "flag", "meaning": "basis is another than the year before"},
        ),
        "gdp": (
            by_economy,
            output.current,
            {"unit": "USD bn/yr", "meaning": "gross domestic product, current prices"},
        ),
        "gdp_real": (
            by_economy,
            output.real,
            {"unit": "USD bn/yr", "meaning": "gross domestic product, prices of 2015, chained"},
        ),
    }
    coordinates = {
        "state": list(asked.states),
        "partner": [*asked.powers, ROW],
        "power": list(asked.powers),
        "economy": [*asked.states, *asked.powers, ROW],
        "year": list(trade.years),
    }
    return xr.Dataset(variables, coordinates)


def _digest(used: Mapping[str, Iterable[Row]]) -> str:
    """Hash of the cells of the rows used, whatever their order."""
    lines = sorted(repr((name, *row.cells.values())) for name, rows in used.items() for row in rows)
    return blake2b("\n".join(lines).encode(), digest_size=DIGEST_SIZE).hexdigest()
