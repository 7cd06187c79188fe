"""Examples in the docstrings of the public names run, print what they say and leave nothing."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import sim


@pytest.mark.parametrize("name", sim.__all__)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finder = doctest.DocTestFinder(recurse=False)
    (found,) = finder.find(getattr(sim, name), name, globs={"sim": sim})
    assert found.examples, f"sim.{name} has no example"
    assert doctest.DocTestRunner().run(found).failed == 0
    assert not list(tmp_path.iterdir())
