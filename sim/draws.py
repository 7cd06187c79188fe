"""All randomness of a run, drawn beforehand from keyed streams (model, section 1.10).

A stream of uniforms belongs to permanent ids, never to array positions: one generator for each
(seed, block of replicates, stream, state id, power id), laid out (step, domain, replicate in the
block), step first. Hence replicate 17 has the same draws in a run of 18 and of a million
replicates, in any chunk and on any worker; a longer horizon repeats the shorter one; two scenarios
share their noise; and adding a state, a power or an event moves nobody else's draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import numpy as np

from sim.axes import NO_POWER_ID, Domain, FloatArray, Stream

BLOCK: Final = 256
"""Replicates that share a generator. Changing it changes every result."""
PARAMETER_BLOCK: Final = 4096
"""The same for parameters, which need one draw a replicate instead of one a step."""
HALF_ULP: Final = 2.0**-54
"""Stands for a zero, so that every uniform lies inside (0, 1) and has a logarithm."""


@dataclass(frozen=True)
class Draws:
    """Uniforms in (0, 1) of one chunk of replicates.

    Attributes
    ----------
    choice : (step, state, option, domain, replicate); option 0 is "none", then the powers.
    delivery : (step, state, power, domain, replicate).
    events : (step, state, event, 1, replicate) for the events that strike at a rate; an event of
        the whole region repeats its draw in every state.
    """

    choice: FloatArray
    delivery: FloatArray
    events: FloatArray


@dataclass(frozen=True)
class Ids:
    """Permanent ids of the entities of a run, in the order of its arrays.

    ``events`` pairs the id of each event type with whether it strikes each state by itself.
    """

    states: tuple[int, ...]
    powers: tuple[int, ...]
    events: tuple[tuple[int, bool], ...] = ()


def predraw(seed: int, replicates: range, steps: int, ids: Ids) -> Draws:
    """Draw everything that a chunk of consecutive replicates will need.

    Parameters
    ----------
    seed : seed of the run.
    replicates : consecutive replicate numbers.
    steps : number of steps of the horizon.
    ids : permanent ids of states, powers and event types.
    """
    options = (NO_POWER_ID, *ids.powers)
    rows = (steps, len(Domain))
    return Draws(
        choice=_stream(
            seed, replicates, rows, [[(Stream.CHOICE, s, p) for p in options] for s in ids.states]
        ),
        delivery=_stream(
            seed,
            replicates,
            rows,
            [[(Stream.DELIVERY, s, p) for p in ids.powers] for s in ids.states],
        ),
        events=_stream(
            seed,
            replicates,
            (steps, 1),
            [
                [(Stream.EVENTS, s if by_state else 0, 0, event) for event, by_state in ids.events]
                for s in ids.states
            ],
        ),
    )


def parameter_draws(seed: int, replicates: range, names: tuple[str, ...]) -> FloatArray:
    """One uniform for each named parameter entry and replicate, keyed by the name itself.

    Returns
    -------
    (name, replicate), in (0, 1).
    """
    table = np.empty((len(names), len(replicates)))
    for block, inside, outside in _blocks(replicates, PARAMETER_BLOCK):
        table[:, outside] = _parameter_block(seed, block, names)[:, inside]
    return table


@lru_cache(maxsize=2)
def _parameter_block(seed: int, block: int, names: tuple[str, ...]) -> FloatArray:
    rows = [
        _generator(seed, (Stream.PARAMETERS, block, *_words(name))).random(PARAMETER_BLOCK)
        for name in names
    ]
    return np.maximum(np.array(rows).reshape(len(names), PARAMETER_BLOCK), HALF_ULP)


def _words(name: str) -> tuple[int, int]:
    """Permanent id of a parameter entry: 64 bits of the hash of its name, as two words."""
    digest = blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def _stream(
    seed: int, replicates: range, rows: tuple[int, int], keys: list[list[tuple[int, ...]]]
) -> FloatArray:
    """Uniforms of a table of keys: (step, first key axis, second key axis, row, replicate)."""
    drawn = np.empty((len(keys), len(keys[0]), *rows, len(replicates)))
    for place, line in enumerate(keys):
        for number, key in enumerate(line):
            _fill(drawn[place, number], seed, replicates, key)
    return drawn.transpose(2, 0, 1, 3, 4)


def _fill(target: FloatArray, seed: int, replicates: range, key: tuple[int, ...]) -> None:
    """Draw the uniforms of one key into an array whose last axis are the replicates."""
    stream, *ids = key
    for block, inside, outside in _blocks(replicates, BLOCK):
        generator = _generator(seed, (stream, block, *ids))
        if target.shape[-1] == BLOCK and inside == slice(0, BLOCK):
            generator.random(out=target)
        else:
            target[..., outside] = generator.random((*target.shape[:-1], BLOCK))[..., inside]
    np.maximum(target, HALF_ULP, out=target)


def _generator(seed: int, key: tuple[int, ...]) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))


def _blocks(replicates: range, size: int) -> list[tuple[int, slice, slice]]:
    """Cut a range of replicates by blocks: (block, place in the block, place in the range)."""
    pieces = []
    first = replicates.start
    while first < replicates.stop:
        block, offset = divmod(first, size)
        last = min(replicates.stop, (block + 1) * size)
        done = first - replicates.start
        pieces.append(
            (block, slice(offset, offset + last - first), slice(done, done + last - first))
        )
        first = last
    return pieces
