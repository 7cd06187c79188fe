"""Arrays that change at known steps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from sim.axes import FloatArray


@dataclass(frozen=True)
class Timeline:
    """Piecewise constant array: ``arrays[n]`` holds from step ``starts[n]`` on."""

    starts: tuple[int, ...]
    arrays: tuple[FloatArray, ...]

    def at(self, step: int) -> FloatArray:
        """Array in force at a step."""
        return self.arrays[bisect_right(self.starts, step) - 1]


def constant(array: FloatArray) -> Timeline:
    """Timeline of an array that never changes."""
    return Timeline((0,), (array,))


def tabulate(
    steps: int, signature: Callable[[int], Hashable], compute: Callable[[int], FloatArray]
) -> Timeline:
    """Timeline that calls ``compute`` only at the steps where ``signature`` changes."""
    starts: list[int] = []
    arrays: list[FloatArray] = []
    last: Hashable = object()
    for step in range(steps):
        now = signature(step)
        if now != last:
            starts.append(step)
            arrays.append(compute(step))
            last = now
    return Timeline(tuple(starts), tuple(arrays))
