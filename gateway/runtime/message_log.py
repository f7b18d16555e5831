"""The last messages of every station, in memory, for whoever asks why a charger does what it does.

Taking one in costs next to nothing: what a reader must not see is masked when somebody reads.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from sys import getsizeof
from typing import Any

from gateway.core.effects import Effect
from gateway.core.events import Event
from gateway.core.moment import Moment, timestamp
from gateway.core.record import identity_key
from gateway.core.redact import names_secret, redact
from gateway.core.trace import Entry, traced

MOST_ENTRIES = 1000
"""Per station: hours of a quiet charger, and what a person can still read."""

MOST_BYTES = 512_000
"""Per station: a thousand messages of common length with all that is kept beside them."""

SITE_BYTES = 32_000_000
"""For all stations together, shared equally: with 200 chatty ones each has 160 kB, and a Pi with 1 GB keeps its memory
for serving them."""

LONGEST_KEPT = 8192
"""Characters of one text: several times a long MeterValues, while a list of 1,000 tags must not push out everything."""

ENTRY_BYTES = 320
"""What an entry costs beside its strings (measured): its objects and numbers, both clocks, its place in the ring."""

CHARACTERS_A_TURN = 4096
"""Masked before others have their turn: 2 ms on a PC and about 10 ms on a Pi."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry in a ring. Of a cut text `length` is the whole; `named`: it named a secret before it was cut."""

    number: int
    at: Moment
    identity: str
    entry: Entry
    length: int
    cut: bool
    named: bool

    @property
    def cost_bytes(self) -> int:
        """Memory that it takes."""
        return ENTRY_BYTES + sum(map(getsizeof, (self.entry.text, self.entry.note, self.entry.action)))

    @property
    def order(self) -> tuple[float, int]:
        """Entries of several stations are shown in the order in which things happened."""
        return self.at.monotonic, self.number


@dataclass(slots=True)
class Ring:
    """The newest entries, within limits of number and size. `dropped` counts those that had to go."""

    dropped: int = 0
    cost_bytes: int = 0
    _entries: deque[Kept] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, kept: Kept, most_bytes: int) -> None:
        """Take in the newest."""
        self._entries.append(kept)
        self.cost_bytes += kept.cost_bytes
        self.trim(most_bytes)

    def trim(self, most_bytes: int) -> None:
        """Drop the oldest while there is too much; the newest stays in any case."""
        while len(self._entries) > MOST_ENTRIES or (self.cost_bytes > most_bytes and len(self._entries) > 1):
            self.pop()
            self.dropped += 1

    def pop(self) -> Kept:
        """Take out the oldest."""
        oldest = self._entries.popleft()
        self.cost_bytes -= oldest.cost_bytes
        return oldest

    def until(self, number: int) -> Iterator[Kept]:
        """From the oldest to that number, without what is dropped meanwhile: a slow reader holds nothing."""
        position = self.dropped
        while position - self.dropped < len(self._entries):
            kept = self._entries[position - self.dropped]
            if kept.number > number:
                return
            yield kept
            position = max(position + 1, self.dropped)


@dataclass(slots=True)
class _Pace:
    """Masks entries for one reader, and lets others have their turn."""

    masked: int = 0

    async def render(self, kept: Kept) -> dict[str, Any]:
        """`rendered`, after a pause where one is due."""
        if self.masked >= CHARACTERS_A_TURN:
            self.masked = 0
            await asyncio.sleep(0)
        self.masked += len(kept.entry.text or "") + len(kept.entry.note)
        return rendered(kept)


class Follower:
    """An iterator over what is taken in from now on, as `rendered`; {"skipped": n} where its reader was too slow."""

    def __init__(self, key: str | None) -> None:
        self._key = key
        self._waiting = Ring()
        self._skipped = 0
        self._filled = asyncio.Event()
        self._pace = _Pace()

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self

    async def __anext__(self) -> dict[str, Any]:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        missed = self._waiting.dropped - self._skipped
        if missed:
            self._skipped += missed
            return {"skipped": missed}
        return await self._pace.render(self._waiting.pop())

    def tell(self, key: str, kept: Kept) -> None:
        """An entry was taken in; it may be of another station."""
        if self._key in (None, key):
            self._waiting.add(kept, MOST_BYTES)
            self._filled.set()


@dataclass(slots=True)
class MessageLog:
    """One for all stations."""

    _rings: dict[str, Ring] = field(default_factory=dict)
    """By identity key."""
    _followers: set[Follower] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=count)
    _newest: int = -1

    def take(self, identity: str, at: Moment, event: Event, effects: Sequence[Effect]) -> None:
        """Keep what there is to tell of one event."""
        for entry in traced(event, effects):
            kept = self._kept(identity, at, entry)
            key = identity_key(identity)
            self._ring(key).add(kept, self._share)
            for follower in self._followers:
                follower.tell(key, kept)

    def holds(self, identity: str) -> bool:
        """Is anything kept of this station?"""
        return identity_key(identity) in self._rings

    def forget(self, identity: str) -> None:
        """This station is no more."""
        self._rings.pop(identity_key(identity), None)

    async def entries(self, identity: str | None = None) -> AsyncIterator[dict[str, Any]]:
        """What is kept of one station or of all, oldest first, up to what was newest when the first was asked for."""
        keys = list(self._rings) if identity is None else [identity_key(identity)]
        walks = [self._rings[key].until(self._newest) for key in keys if key in self._rings]
        pace = _Pace()
        for kept in heapq.merge(*walks, key=lambda kept: kept.order):
            yield await pace.render(kept)

    @contextmanager
    def follow(self, identity: str | None = None) -> Iterator[Follower]:
        """What is taken in within this context, of one station or of all."""
        follower = Follower(None if identity is None else identity_key(identity))
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    @property
    def cost_bytes(self) -> int:
        """Memory that all entries take."""
        return sum(ring.cost_bytes for ring in self._rings.values())

    @property
    def _share(self) -> int:
        return min(MOST_BYTES, SITE_BYTES // max(1, len(self._rings)))

    def _ring(self, key: str) -> Ring:
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = Ring()
            for other in self._rings.values():
                other.trim(self._share)
        return ring

    def _kept(self, identity: str, at: Moment, entry: Entry) -> Kept:
        self._newest = next(self._numbers)
        text = entry.text or ""
        cut = len(text) > LONGEST_KEPT
        if cut:
            entry = replace(entry, text=text[:LONGEST_KEPT])
        return Kept(self._newest, at, identity, entry, len(text), cut, cut and names_secret(text))


def rendered(kept: Kept) -> dict[str, Any]:
    """One entry as the control socket sends it."""
    entry = kept.entry
    return {
        "at": timestamp(kept.at.wall),
        "charger": kept.identity,
        "from": entry.source,
        "to": entry.target,
        "done": entry.done.value,
        "action": entry.action,
        "text": None if entry.text is None else redact(entry.text, named=kept.named, cut=kept.cut),
        "length": kept.length,
        "cut": kept.cut,
        "note": redact(entry.note),
    }
