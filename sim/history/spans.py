"""Years in words."""

from __future__ import annotations

from collections.abc import Iterable


def spans(years: Iterable[int]) -> str:
    """Years as spans: ``1996–1998, 2001``."""
    runs: list[list[int]] = []
    for year in sorted(set(years)):
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
