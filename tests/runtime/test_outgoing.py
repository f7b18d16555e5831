"""The writer of one leg: order, bounds, and its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.runtime.outgoing import HIGH_FRAMES, MOST_BYTES, MOST_FRAMES, Outgoing
from gateway.runtime.ports import LinkLost
from tests.fakes.link import PING, MemoryLink


@dataclass
class Leg:
    """An `Outgoing` on a link in memory; `deaths` is what it told."""

    link: MemoryLink = field(default_factory=MemoryLink)
    deaths: list[tuple[int | None, str]] = field(default_factory=list)
    dead: asyncio.Event = field(default_factory=asyncio.Event)
    progress: int = 0

    def open(self, write_within_s: float = 10.0, flush_within_s: float = 2.0) -> Outgoing:
        return Outgoing(self.link, self._die, self._step, write_within_s=write_within_s, flush_within_s=flush_within_s)

    def _die(self, code: int | None, reason: str) -> None:
        self.deaths.append((code, reason))
        self.dead.set()

    def _step(self) -> None:
        self.progress += 1


async def test_texts_go_out_in_order() -> None:
    leg = Leg()
    outgoing = leg.open()
    for text in "abc":
        outgoing.put(text)
    assert await leg.link.until(3) == ["a", "b", "c"]
    assert leg.progress == 3
    outgoing.stop()


async def test_ping_goes_out_only_when_nothing_waits() -> None:
    leg = Leg()
    outgoing = leg.open()
    outgoing.ping()
    await leg.link.until(1)
    leg.link.flowing.clear()
    outgoing.put("a")
    outgoing.ping()
    leg.link.flowing.set()
    outgoing.put("b")
    assert await leg.link.until(3) == [PING, "a", "b"]
    outgoing.stop()


@pytest.mark.parametrize(("text", "fits"), [("x", MOST_FRAMES), ("x" * (MOST_BYTES // 2), 2)], ids=["frames", "bytes"])
async def test_full_queue_means_the_leg_is_down(text: str, fits: int) -> None:
    leg = Leg()
    leg.link.flowing.clear()
    outgoing = leg.open()
    for _ in range(fits):
        outgoing.put(text)
    assert not leg.deaths
    outgoing.put("one more")
    assert [code for code, _ in leg.deaths] == [None]
    assert "queue is full" in leg.deaths[0][1]
    assert leg.link.aborted


async def test_crowded_well_before_full() -> None:
    leg = Leg()
    leg.link.flowing.clear()
    outgoing = leg.open()
    seen = []
    for _ in range(HIGH_FRAMES):
        seen.append(outgoing.crowded)
        outgoing.put("x")
    seen.append(outgoing.crowded)
    assert seen == [False] * HIGH_FRAMES + [True]
    leg.link.flowing.set()
    await leg.link.until(HIGH_FRAMES)
    assert not outgoing.crowded
    outgoing.stop()


async def test_write_that_takes_too_long_means_the_leg_is_down() -> None:
    leg = Leg()
    leg.link.flowing.clear()
    leg.open(write_within_s=0.01).put("never read")
    async with asyncio.timeout(5):
        await leg.dead.wait()
    assert "the peer does not read" in leg.deaths[0][1]
    assert leg.link.aborted


async def test_lost_link_is_told_with_its_code() -> None:
    leg = Leg()
    leg.link.broken = LinkLost(1001, "going away")
    leg.open().put("a")
    async with asyncio.timeout(5):
        await leg.dead.wait()
    assert leg.deaths == [(1001, "going away")]


async def test_close_writes_first_what_waits() -> None:
    leg = Leg()
    outgoing = leg.open()
    outgoing.put("last answer")
    await outgoing.close(1000, "bye", discard=False)
    assert leg.link.written == ["last answer"]
    assert leg.link.closed == (1000, "bye")
    assert not leg.deaths


async def test_close_waits_no_longer_than_its_bound() -> None:
    leg = Leg()
    leg.link.flowing.clear()
    outgoing = leg.open(flush_within_s=0.01)
    outgoing.put("never read")
    await outgoing.close(1000, "bye", discard=False)
    assert leg.link.aborted
    assert leg.link.closed == (1000, "bye")


async def test_discarding_close_writes_nothing_more() -> None:
    leg = Leg()
    leg.link.flowing.clear()
    outgoing = leg.open()
    outgoing.put("of an old connection")
    await outgoing.close(1001, "replaced", discard=True)
    leg.link.flowing.set()
    assert leg.link.written == []
    assert leg.link.closed == (1001, "replaced")
