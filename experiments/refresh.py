"""Run the notebooks of experiments in fresh kernels and write them back with their outputs.

python experiments/refresh.py [FOLDER …]

Without a folder all of them are run. Each runs in a copy of its folder, so that nothing is left
there but the notebook. Cells keep their ids and texts; of metadata and outputs only what a reader
needs is kept, so that the same results give the same file.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image
from traitlets.config import Config

EXPERIMENTS: Final = Path(__file__).resolve().parent
NAME: Final = "notebook.ipynb"
TIMEOUT: Final = 600
"""Seconds that a cell may take, on a busy machine too."""
_METADATA: Final = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_QUIET: Final = {
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger warns of frozen modules
    "PYTHONWARNINGS": "ignore:IProgress not found",  # else Mesa's bars ask for ipywidgets
}
_COLOURS: Final = 256
"""Of a figure; with all of them it is four times the size and looks the same."""


def notebooks() -> list[Path]:
    """Notebook of each folder that has one, in order."""
    return sorted(EXPERIMENTS.glob(f"*/{NAME}"))


def executed(path: Path) -> NotebookNode:
    """Notebook as its cells leave it when a fresh kernel runs them in its folder.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        With the traceback of the first cell that fails.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as own:  # settings and sockets of nobody else
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT,
            startup_timeout=TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(path.parent)}},
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{own}/kernel"}}),
        )
        client.execute(env={**os.environ, **_QUIET, "IPYTHONDIR": own})
    return tidy(notebook)


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Notebook without metadata that differs from machine to machine."""
    found = nbformat.from_dict(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": _METADATA, "cells": notebook.cells}
    )
    for cell in found.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = {}
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _smaller(output.data["image/png"])
    nbformat.validate(found)
    return found


def _smaller(picture: str) -> str:
    """PNG, as text, in fewer colours."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":  # has been here before
        return picture
    stream = io.BytesIO()
    image.convert("RGB").quantize(
        _COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
    ).save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()


def refresh(path: Path) -> None:
    """Run a notebook and write it back."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / path.parent.name
        shutil.copytree(path.parent, copy)
        found = executed(copy / path.name)
    nbformat.write(found, path)


if __name__ == "__main__":
    for chosen in [Path(folder) / NAME for folder in sys.argv[1:]] or notebooks():
        print(chosen)
        refresh(chosen)
