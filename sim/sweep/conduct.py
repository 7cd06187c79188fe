"""How a sweep is carried out; none of it changes a result."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sim.errors import InputError, nearest
from sim.sweep.claims import Shard

Option = TypeVar("Option", bound=StrEnum)


class OnFailure(StrEnum):
    """What a failed cell means for the others."""

    GO_ON = "go_on"
    STOP = "stop"


@dataclass(frozen=True)
class Conduct:
    """Workers, the part to compute, and what happens to cells that fail.

    ``retry`` has cells that failed before computed once more.
    """

    workers: int
    shard: Shard = Shard()
    on_failure: OnFailure = OnFailure.GO_ON
    retry: bool = False
    progress: bool = True


def read_conduct(
    workers: Any = None,
    shard: Shard | None = None,
    on_failure: Any = OnFailure.GO_ON,
    retry: Any = False,
    progress: bool = True,
) -> Conduct:
    """Check how a sweep is to be carried out.

    Raises
    ------
    InputError
        With the key, what is wrong and the nearest valid name.
    """
    if workers is not None and (not isinstance(workers, int) or isinstance(workers, bool)):
        raise InputError(f"sweep.workers: must be a whole number, not {workers!r}")
    if workers is not None and workers < 1:
        raise InputError(f"sweep.workers: must be at least 1, not {workers}")
    if not isinstance(retry, bool):
        raise InputError(f"sweep.retry: must be true or false, not {retry!r}")
    return Conduct(
        workers=workers or _cores(),
        shard=shard or Shard(),
        on_failure=read_option(OnFailure, on_failure, "on_failure"),
        retry=retry,
        progress=progress,
    )


def read_option(kind: type[Option], given: Any, key: str) -> Option:
    """One of the names that a key may have."""
    valid = [member.value for member in kind]
    if given not in valid:
        raise InputError(f"sweep.{key}: unknown '{given}'{nearest(str(given), valid)}")
    return kind(given)


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
