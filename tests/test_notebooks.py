"""The notebooks of the experiments run, and show what they show in the repository."""

from __future__ import annotations

import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import nbformat
import pytest

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
NOTEBOOKS = sorted(EXPERIMENTS.glob("*/notebook.ipynb"))
MOST = 300_000
"""Bytes of a notebook."""
PATHS = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|usr|opt|var|private|Users)/|\b[A-Z]:\\\\")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.parent.name)


def refresh() -> Any:
    """The script that runs notebooks, as a module."""
    spec = importlib.util.spec_from_file_location("refresh", EXPERIMENTS / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs(notebook: Any) -> Iterator[tuple[str, Any]]:
    """Id of the cell and each of its outputs."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell.id, output


def shown(notebook: Any) -> list[tuple[str, str, str]]:
    """Cell, kind and text of each output; of a picture only that it is there."""
    found = []
    for cell, output in outputs(notebook):
        data = output.get("data", {})
        if "image/png" in data:
            found.append((cell, "picture", ""))
        else:
            text = output.get("text", data.get("text/plain", ""))
            found.append((cell, output.get("name", "text"), text))
    return found


def content(folder: Path) -> dict[str, str]:
    """Hash of every file of a folder."""
    return {
        str(path.relative_to(folder)): blake2b(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_there_are_six() -> None:
    folders = [path.parent.name[:2] for path in NOTEBOOKS]
    assert folders == ["01", "02", "03", "04", "05", "06"]
    assert refresh().notebooks() == NOTEBOOKS


@every_notebook
def test_runs_in_a_fresh_kernel_and_shows_the_same(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / path.parent.name
    shutil.copytree(path.parent, folder)
    before = content(folder)
    found = refresh().executed(folder / path.name)  # fails with the first cell that does
    assert content(folder) == before, "it left files, or changed some"
    kept = nbformat.read(path, as_version=4)
    again = f"python experiments/refresh.py experiments/{path.parent.name}"
    assert shown(found) == shown(kept), f"results or texts have changed: {again}"


@every_notebook
def test_is_kept_small_and_clean(path: Path) -> None:
    assert path.stat().st_size < MOST
    kept = nbformat.read(path, as_version=4)
    nbformat.validate(kept)
    assert kept == refresh().tidy(nbformat.read(path, as_version=4))
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert 10 <= len(kept.cells) <= 21
    for cell, output in outputs(kept):
        assert output.output_type in ("stream", "execute_result", "display_data"), cell
        assert output.get("name") != "stderr", cell
        texts = {key: text for key, text in output.get("data", {}).items() if "image" not in key}
        for text in [output.get("text", ""), *texts.values()]:
            assert not PATHS.search(text), cell
            assert tempfile.gettempdir() not in text, cell
            assert " object at 0x" not in text, cell


@every_notebook
def test_readme_of_the_folder_names_it(path: Path) -> None:
    assert "(notebook.ipynb)" in (path.parent / "README.md").read_text(encoding="utf-8")


def test_a_failing_cell_fails_and_its_notebook_is_left_alone(tmp_path: Path) -> None:
    script = refresh()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(notebook, tmp_path / "notebook.ipynb")
    before = content(tmp_path)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        script.refresh(tmp_path / "notebook.ipynb")
    assert content(tmp_path) == before


def test_refreshing_keeps_ids_and_drops_metadata(tmp_path: Path) -> None:
    script = refresh()
    cells = [
        nbformat.v4.new_markdown_cell("A text.", id="words", metadata={"tags": ["here"]}),
        nbformat.v4.new_code_cell("print(1)\nprint(2)\n1 + 2", id="sum"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"someone": "here"})
    path = tmp_path / "notebook.ipynb"
    nbformat.write(notebook, path)
    script.refresh(path)
    once = path.read_bytes()
    script.refresh(path)
    assert path.read_bytes() == once
    found = nbformat.read(path, as_version=4)
    assert [cell.id for cell in found.cells] == ["words", "sum"]
    assert shown(found) == [("sum", "stdout", "1\n2\n"), ("sum", "text", "3")]
    assert all(not cell.metadata for cell in found.cells)
    assert set(found.metadata) == {"kernelspec", "language_info"}
