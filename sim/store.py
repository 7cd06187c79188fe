"""Runs and their folders: manifest, results, figures; written whole or not at all.

A folder is named by scenario and content hash, so another run never overwrites it, and the same
run is found again instead of computed twice.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.axes import DOMAINS
from sim.calibration import choice_constants
from sim.code import code_digest, versions
from sim.ensemble import simulate
from sim.errors import InputError, MultivectorError
from sim.evidence import Ledger, load_ledger
from sim.outcomes import OUTCOMES, Data
from sim.periods import parse_period, period_label
from sim.plain import digest, plain, restore
from sim.provenance import facts_used
from sim.recorder import derive
from sim.scenario import Scenario

if TYPE_CHECKING:
    import xarray

MANIFEST: Final = "manifest.json"
DAMAGED: Final = "delete the folder to compute the run anew"
HASH_LENGTH: Final = 12
"""Hexadecimal digits of the content hash in a folder's name."""


@dataclass(frozen=True)
class Run:
    """A computed scenario: its data and all that is needed to reproduce it.

    Attributes
    ----------
    scenario : what was run.
    data : outcomes of each half-year; stocks are measured at its start (xarray.Dataset).
    final : stocks at the end of the horizon; ``final.attrs["period"]`` names it.
    manifest : configuration, evidence, versions, seed and wall time.
    folder : where the run is stored, None when it is not.

    Examples
    --------
    >>> run = sim.run(sim.load_scenario(replicates=20, seed=7))
    >>> path = run.path("dependence").sel(state="KZ", power="RU").median("replicate")
    >>> path.sizes["period"], round(float(path[-1]), 2)
    (21, 0.37)
    """

    scenario: Scenario
    data: xarray.Dataset
    final: xarray.Dataset
    manifest: dict[str, Any] = field(repr=False)
    folder: Path | None = None

    def __repr__(self) -> str:
        """In one line."""
        return f"Run({self.name!r}, {self.scenario!r})"

    @property
    def name(self) -> str:
        """Scenario and content hash: the name of its folder."""
        return f"{self.scenario.name}-{self.manifest['id'][:HASH_LENGTH]}"

    def path(self, outcome: str) -> xarray.DataArray:
        """A stock at all its points: the start of each half-year and the end of the run."""
        import xarray

        last = self.final[outcome].expand_dims(period=[self.final.attrs["period"]])
        return xarray.concat([self.data[outcome], last], dim="period")

    def save(
        self, folder: str | Path = "runs", figures: Callable[[Run, Path], None] | None = None
    ) -> Run:
        """Write the run to ``folder/<name>/`` and return it as stored.

        Parameters
        ----------
        folder : parent folder; made when missing.
        figures : draws into the folder it is given before the run appears under its name.

        Raises
        ------
        InputError
            When the folder cannot be written.
        """
        parent = writable(folder)
        target = parent / self.name
        if target.exists():
            return open_run(target)
        part = parent / f".{self.name}.{os.getpid()}.part"
        try:
            part.mkdir(parents=True)
            files = _write_results(part / "results", self)
            if figures is not None:
                figures(self, part / "figures")
            text = json.dumps({**self.manifest, "files": files}, indent=1)
            (part / MANIFEST).write_text(text + "\n", encoding="utf-8")
            os.replace(part, target)
        except OSError as error:
            if not target.exists():  # else the same run was stored meanwhile
                raise InputError(
                    f"output.dir: cannot write to {parent}: {error.strerror}"
                ) from None
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return open_run(target)


def run(
    scenario: Scenario, ledger: Ledger | None = None, request: Sequence[str] | None = None
) -> Run:
    """Compute all replicates of a scenario.

    Parameters
    ----------
    scenario : from ``sim.load_scenario``.
    ledger : evidence behind it, for the manifest; the package's own by default.
    request : options of the command line that asked for it, for the manifest.

    Examples
    --------
    >>> run = sim.run(sim.load_scenario("strategic_balance", replicates=20, seed=7))
    >>> alignment = run.data["alignment"].sel(state="UZ", period="2032H1")
    >>> alignment.mean("replicate").round(2).to_series().to_dict()
    {'RU': 0.24, 'CN': 0.31, 'EU': 0.19}
    """
    facts = ledger or load_ledger()
    began = time.perf_counter()
    data, final = derive(*simulate(scenario), scenario.horizon.step, scenario.outcomes)
    seconds = time.perf_counter() - began
    manifest = {
        "id": run_id(scenario, facts),
        "request": None if request is None else list(request),
        "scenario": plain(scenario),
        "evidence": facts_used(scenario),
        "ledger": facts.digest,
        "choice_constants": choice_constants(scenario),
        "seed": scenario.seed,
        "replicates": scenario.replicates,
        "versions": versions(),
        "code": code_digest(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds)),
        "wall_seconds": round(seconds, 3),
    }
    datasets = labelled(scenario, data, final)
    return Run(scenario, *datasets, json.loads(json.dumps(manifest)))


def run_id(scenario: Scenario, ledger: Ledger) -> str:
    """Content hash of a run: configuration with its seed, evidence ledger, and code."""
    text = digest(scenario) + ledger.digest + code_digest()
    return blake2b(text.encode(), digest_size=16).hexdigest()


def open_run(path: str | Path) -> Run:
    """Open a stored run.

    Raises
    ------
    InputError
        When the folder holds no run, or one that is torn or was changed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> run = sim.run(sim.load_scenario(replicates=20, seed=7))
    >>> with TemporaryDirectory() as folder:
    ...     stored = sim.open_run(run.save(folder).folder)
    >>> stored.data.identical(run.data)
    True
    """
    folder = Path(path)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: no run here ({MANIFEST} is missing)") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{folder / MANIFEST}: not readable, line {error.lineno}") from None
    if not isinstance(manifest, dict) or not {"id", "scenario", "files"} <= set(manifest):
        raise InputError(f"{folder / MANIFEST}: not the manifest of a run; {DAMAGED}")
    for name, expected in manifest["files"].items():
        file = folder / name
        if not file.is_file() or _file_hash(file) != expected:
            raise InputError(f"{file}: missing or changed since the run was stored; {DAMAGED}")
    try:
        scenario = restore(manifest["scenario"])
    except InputError as error:
        made = manifest.get("versions", {}).get("multivector", "unknown")
        raise InputError(f"{folder}: {error}; it was made with multivector {made}") from None
    data: Data = {}
    final: Data = {}
    for name in manifest["files"]:
        part = final if Path(name).name.startswith("final") else data
        part.update(_read_results(folder / name))
    return Run(scenario, *labelled(scenario, data, final), manifest, folder)


def find_run(scenario: Scenario, folder: str | Path, ledger: Ledger | None = None) -> Run | None:
    """The stored run of a scenario in a folder, if there is one."""
    name = f"{scenario.name}-{run_id(scenario, ledger or load_ledger())[:HASH_LENGTH]}"
    target = Path(folder) / name
    return open_run(target) if target.exists() else None


def writable(folder: str | Path, option: str = "output.dir") -> Path:
    """Check that a folder for output can be written to, or made, and leave nothing there.

    Raises
    ------
    InputError
        When it cannot.
    """
    path = Path(folder).expanduser()
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    probe = there / f".writable.{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"{option}: cannot write to {path}: {error.strerror}") from None
    return path


def labelled(scenario: Scenario, data: Data, final: Data) -> tuple[xarray.Dataset, xarray.Dataset]:
    """Outcome arrays of a scenario by half-year and at the end, with units and labels."""
    import xarray

    coordinates: dict[str, Any] = {
        "period": list(scenario.periods),
        "state": list(scenario.state_codes),
        "power": list(scenario.power_codes),
        "partner": list(scenario.partner_codes),
        "corridor": list(scenario.corridor_codes),
        "domain": list(DOMAINS),
        "replicate": np.arange(scenario.replicates),
    }

    def dataset(arrays: Data, first: tuple[str, ...]) -> xarray.Dataset:
        variables = {}
        for name, array in arrays.items():
            outcome = OUTCOMES[name]
            attributes = {"unit": outcome.unit, "meaning": outcome.meaning}
            variables[name] = ((*first, *outcome.dims, "replicate"), array, attributes)
        used = {dim for dims, *_ in variables.values() for dim in dims}
        return xarray.Dataset(variables, {k: v for k, v in coordinates.items() if k in used})

    end = period_label(parse_period(scenario.horizon.end), scenario.horizon.step)
    labelled, last = dataset(data, ("period",)), dataset(final, ())
    for part in (labelled, last):
        part.attrs["scenario"] = scenario.name
        part.attrs["options"] = ["none", *scenario.power_codes]
    last.attrs["period"] = end
    return labelled, last


def _write_results(folder: Path, run: Run) -> dict[str, str]:
    """One Parquet file for each set of dimensions; returns file hashes by name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    hashes = {}
    for label, dataset in (("data", run.data), ("final", run.final)):
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, variable in dataset.data_vars.items():
            groups.setdefault(tuple(map(str, variable.dims)), []).append(str(name))
        for dims, names in groups.items():
            columns = {name: dataset[name].to_numpy().ravel() for name in names}
            shape = [dataset.sizes[dim] for dim in dims]
            table = pa.table(columns).replace_schema_metadata({"shape": json.dumps(shape)})
            floats = [name for name in names if dataset[name].dtype == np.float64]
            path = folder / f"{label}-{'-'.join(dims)}.parquet"
            pq.write_table(
                table,
                path,
                compression="zstd",
                use_dictionary=False,
                column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT") or None,
            )
            hashes[f"results/{path.name}"] = _file_hash(path)
    return hashes


def _read_results(path: Path) -> Data:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    metadata = table.schema.metadata or {}
    try:
        shape = json.loads(metadata[b"shape"])
    except KeyError:
        raise MultivectorError(f"{path}: not a result file of this package") from None
    return {name: table[name].to_numpy().reshape(shape) for name in table.column_names}


def _file_hash(path: Path) -> str:
    return blake2b(path.read_bytes(), digest_size=16).hexdigest()
