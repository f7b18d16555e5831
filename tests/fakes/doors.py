"""A door that writes down who comes, and lets them in or not as the test says; obeys the ports of the runtime."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.core.events import Arrival
from gateway.runtime.ports import Admitted, Link, Refused
from tests.counts import PATIENCE_S

T = TypeVar("T")


async def within(awaitable: Awaitable[T]) -> T:
    """Wait for it, but not for ever."""
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


@dataclass(frozen=True)
class Misfit:
    """Something on the port that was no charger."""

    what: str
    remote: str
    text: str


class FakeEvents:
    """What a link told. While `gate` is clear, `text` does not return."""

    def __init__(self, link: Link | None = None) -> None:
        self.link = link
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self.signs_of_life = 0
        self.alive = asyncio.Event()
        self.endings: list[tuple[int | None, str]] = []
        self.over = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def text(self, text: str) -> None:
        assert not self.endings, "a text after the end"
        self.texts.put_nowait(text)
        await self.gate.wait()

    def heard(self) -> None:
        self.signs_of_life += 1
        self.alive.set()

    def lost(self, code: int | None, reason: str) -> None:
        self.endings.append((code, reason))
        self.over.set()

    async def next_text(self) -> str:
        return await within(self.texts.get())

    async def ending(self) -> tuple[int | None, str]:
        """How the link ended; it may say so once only."""
        await within(self.over.wait())
        assert len(self.endings) == 1
        return self.endings[0]


@dataclass
class FakeDoors:
    """By default lets everybody in with the first subprotocol offered."""

    refusal: Refused | None = None
    subprotocol: str | None = None
    arrivals: asyncio.Queue[Arrival] = field(default_factory=asyncio.Queue)
    inside: asyncio.Queue[FakeEvents] = field(default_factory=asyncio.Queue)
    misfits: asyncio.Queue[Misfit] = field(default_factory=asyncio.Queue)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    vanished: asyncio.Event = field(default_factory=asyncio.Event)
    admits_the_vanished: bool = False

    def __post_init__(self) -> None:
        self.gate.set()

    async def arrive(self, arrival: Arrival) -> Admitted | Refused:
        self.arrivals.put_nowait(arrival)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.vanished.set()
            if not self.admits_the_vanished:
                raise
        if self.refusal is not None:
            return self.refusal
        return Admitted(self.subprotocol or next(iter(arrival.offered), None), self._attach)

    def misfit(self, what: str, remote: str, text: str) -> None:
        self.misfits.put_nowait(Misfit(what, remote, text))

    async def _attach(self, link: Link) -> FakeEvents:
        events = FakeEvents(link)
        self.inside.put_nowait(events)
        return events

    async def next_inside(self) -> FakeEvents:
        return await within(self.inside.get())

    async def next_misfit(self) -> Misfit:
        return await within(self.misfits.get())
