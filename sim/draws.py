"""All randomness of a run, drawn beforehand from keyed streams (model, section 1.10).

A stream of uniforms belongs to permanent ids, never to array positions. The generator is Philox,
whose output is a function of a key and a counter: the key holds seed, stream, state id, power id
and event id, the counter starts at the block of replicates. Within it the draws are laid out (step,
domain, replicate in the block), step first. Hence replicate 17 has the same draws in a run of 18
and of a million replicates, in any chunk and on any worker; a longer horizon repeats the shorter
one; two scenarios share their noise; and adding a state, a power or an event moves nobody else's
draws.
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
STREAM_BIT, STATE_BIT, POWER_BIT = 56, 40, 24
"""Where stream, state id and power id begin in the second word of a key; below them the event id,
or, for parameters, 56 bits of the hash of a name."""
COERCION_EVENT: Final = 2**24 - 1
DOCUMENTS_EVENT: Final = 2**24 - 2
"""Event ids of the draws behind coercion (O9) and documents (O10)."""
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
    coercion : (step, state, power, 1, replicate); (step, 0, 0, 1, replicate) where nobody coerces.
    documents : (step, 1, 1, 1, replicate), (step, 0, 0, 1, replicate) where none are signed.
    trade : (step, state, partner, 1, replicate), the rest of the world last; (step, 0, 0, 1,
        replicate) where nothing strikes trade.
    """

    choice: FloatArray
    delivery: FloatArray
    events: FloatArray
    coercion: FloatArray
    documents: FloatArray
    trade: FloatArray


@dataclass(frozen=True)
class Ids:
    """Permanent ids of the entities of a run, in the order of its arrays.

    ``events`` pairs the id of each event type with whether it strikes each state by itself;
    ``coercion`` says whether powers coerce states, ``documents`` which power signs documents,
    ``trade`` whether shocks strike trade.
    """

    states: tuple[int, ...]
    powers: tuple[int, ...]
    events: tuple[tuple[int, bool], ...] = ()
    coercion: bool = False
    documents: int | None = None
    trade: bool = False


def predraw(
    seed: int, replicates: range, steps: int, ids: Ids, reuse: Draws | None = None
) -> Draws:
    """Draw everything that a chunk of consecutive replicates will need.

    Parameters
    ----------
    seed : seed of the run.
    replicates : consecutive replicate numbers.
    steps : number of steps of the horizon.
    ids : permanent ids of states, powers and event types.
    reuse : draws of an earlier chunk whose memory may be overwritten.
    """
    options = (NO_POWER_ID, *ids.powers)
    keys = {
        "choice": [[_key(Stream.CHOICE, s, p) for p in options] for s in ids.states],
        "delivery": [[_key(Stream.DELIVERY, s, p) for p in ids.powers] for s in ids.states],
        "events": [
            [
                _key(Stream.EVENTS, s if by_state else 0, event=event)
                for event, by_state in ids.events
            ]
            for s in ids.states
        ],
        "coercion": [
            [_key(Stream.EVENTS, s, p, COERCION_EVENT) for p in ids.powers]
            for s in ids.states
            if ids.coercion
        ],
        "documents": []
        if ids.documents is None
        else [[_key(Stream.EVENTS, 0, ids.documents, DOCUMENTS_EVENT)]],
        "trade": [
            [_key(Stream.TRADE, s, p) for p in (*ids.powers, NO_POWER_ID)]
            for s in ids.states
            if ids.trade
        ],
    }
    streams = {}
    for name, table in keys.items():
        domains = len(Domain) if name in ("choice", "delivery") else 1
        shape = (steps, len(table), len(table[0]) if table else 0, domains, len(replicates))
        old = getattr(reuse, name, None)
        streams[name] = old if old is not None and old.shape == shape else _empty(shape)
        _fill(streams[name], seed, replicates, table)
    return Draws(**streams)


class Drawer:
    """Draws chunk after chunk into the same memory; a chunk asked for again is not drawn again.

    Variants of a scenario share their draws, so that a sweep over them draws once.
    """

    def __init__(self) -> None:
        """Begin without draws."""
        self._known: tuple[int, range, int, Ids] | None = None
        self._draws: Draws | None = None

    def take(self, seed: int, replicates: range, steps: int, ids: Ids) -> Draws:
        """Draws of a chunk, valid until the next is taken; see ``predraw``."""
        asked = (seed, replicates, steps, ids)
        if self._draws is None or self._known != asked:
            self._known = None  # until all is drawn: what stops it leaves a mixture
            self._draws = predraw(*asked, self._draws)
            self._known = asked
        return self._draws


class ParameterDraws:
    """One uniform for each named parameter entry and replicate, keyed by the name itself."""

    def __init__(self, seed: int, names: tuple[str, ...]) -> None:
        """Name the parameters to draw."""
        self.seed = seed
        self.names = names

    def take(self, replicates: range) -> FloatArray:
        """Uniforms in (0, 1) of a range of replicates, (name, replicate)."""
        found = np.empty((len(self.names), len(replicates)))
        for block, inside, outside in _blocks(replicates, PARAMETER_BLOCK):
            found[:, outside] = _parameter_block(self.seed, self.names, block)[:, inside]
        return found


@lru_cache(maxsize=2)
def _parameter_block(seed: int, names: tuple[str, ...], block: int) -> FloatArray:
    """Uniforms of one block of replicates, (name, replicate); kept, as variants share names."""
    table = np.empty((len(names), PARAMETER_BLOCK))
    for row, name in zip(table, names, strict=True):
        key = Stream.PARAMETERS << STREAM_BIT | _name_id(name)
        _generator(seed, key, block).random(out=row)
        np.maximum(row, HALF_ULP, out=row)
    return table


def _name_id(name: str) -> int:
    """Permanent id of a parameter entry: 56 bits of the hash of its name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=7).digest(), "little")


def _key(stream: Stream, state: int = 0, power: int = 0, event: int = 0) -> int:
    """Second word of a key."""
    return stream << STREAM_BIT | state << STATE_BIT | power << POWER_BIT | event


def _empty(shape: tuple[int, ...]) -> FloatArray:
    """Array with the given axes whose memory holds each stream in one piece."""
    steps, states, others, domains, replicates = shape
    return np.empty((states, others, steps, domains, replicates)).transpose(2, 0, 1, 3, 4)


def _fill(drawn: FloatArray, seed: int, replicates: range, keys: list[list[int]]) -> None:
    """Draw the uniforms of a table of keys into (step, key, key, domain, replicate)."""
    for place, line in enumerate(keys):
        for number, key in enumerate(line):
            target = drawn[:, place, number]
            for block, inside, outside in _blocks(replicates, BLOCK):
                generator = _generator(seed, key, block)
                if target.shape[-1] == BLOCK and inside == slice(0, BLOCK):
                    generator.random(out=target)
                else:
                    part = generator.random((*target.shape[:-1], BLOCK))
                    target[..., outside] = part[..., inside]
            np.maximum(target, HALF_ULP, out=target)


def _generator(seed: int, key: int, block: int) -> np.random.Generator:
    """Generator of one stream in one block; the block is the highest word of the counter."""
    words = np.array([seed, key], dtype=np.uint64)
    start = np.array([0, 0, 0, block], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=words, counter=start))


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
