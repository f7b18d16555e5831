"""The clock in service: asks who vouches for it, hears what upstreams say, and keeps that for the rest of the boot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from gateway.core.clock_trust import ClockTrust, Trust, TrustRecord
from gateway.core.effects import LearnTime, Level, Note
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Clock, SavedTrust, StoreFailed, TimeSync
from gateway.runtime.safekeeping import Safekeeping

ASK_EVERY_S = 60.0
"""Network time comes within minutes of an uplink. Each question starts a service of the system for half a minute."""

NO_BOOT_ID = (
    "what is learnt of the time is lost at each restart, because nothing names the boot of this machine: start evgate "
    "by its systemd unit, or set EVGATE_BOOT_ID to the text in /proc/sys/kernel/random/boot_id"
)


@dataclass(slots=True)
class Timekeeping:
    """One for the machine. `configured`: `[site] clock` is `trusted`."""

    configured: bool
    clock: Clock
    time_sync: TimeSync
    safekeeping: Safekeeping
    notes: Notes
    changed: Callable[[], None] = lambda: None
    """Called when trust, its source or the problem changed."""
    _known: ClockTrust = field(init=False)
    _shown: tuple[str, str | None, str | None] = field(init=False)
    _restored: bool = False
    """Was the store asked what an earlier process knew? Before that nothing is written over it."""
    _kept: TrustRecord | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._known = ClockTrust(self.configured)
        self._shown = (self.trust, self.source, self.problem)

    @property
    def trust(self) -> str:
        """`synced`, `learned` or `floor`."""
        return self._known.trust.value

    @property
    def source(self) -> str | None:
        """Who vouches for the time; nobody at `floor`."""
        return self._known.source

    @property
    def offset_ms(self) -> int | None:
        """True time, by the best word of an upstream, minus this machine's clock."""
        offset = self._known.offset(self.clock.now().wall, self.time_sync.boottime_s())
        return round(offset.total_seconds() * 1000) if offset is not None else None

    @property
    def problem(self) -> str | None:
        """What is wrong and what to do, None while nothing is."""
        return self._known.problem

    async def run(self) -> None:
        """Ask until the clock is synchronised, save what is learnt; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._save_news(), name="clock trust")
            while not self._restored or self._known.trust is not Trust.SYNCED:
                await self.ask()
                await asyncio.sleep(ASK_EVERY_S)

    async def ask(self) -> None:
        """Read what an earlier process of this boot knew, unless that is done, and ask the operating system."""
        if not self._restored:
            await self._restore()
        if self._known.trust is not Trust.SYNCED:
            source = await self.time_sync.synced_by()
            if source is not None:
                now = self.clock.now()
                self._take(self._known.synchronised(source, now.wall, self.time_sync.boottime_s()))

    def learn(self, told: LearnTime) -> None:
        """An answer of upstream's told the time; never blocks."""
        since_s = self.clock.now().monotonic - told.at.monotonic
        boottime_s = self.time_sync.boottime_s() - since_s
        self._take(
            self._known.told(told.upstream, told.current_time, told.round_trip_s, told.at.wall, boottime_s),
        )

    def heed_only(self, upstreams: Collection[str]) -> None:
        """The configuration names these upstreams now, and no others."""
        self._known.heed_only(upstreams)

    async def save(self) -> None:
        """Write down what is known, if that is worth a write."""
        boot_id = self.time_sync.boot_id
        record = self._known.record(boot_id) if boot_id is not None and self._restored else None
        if record is not None and record.is_news(self._kept):
            self._kept = record
            await self.safekeeping.save([SavedTrust(record)])

    async def _restore(self) -> None:
        boot_id = self.time_sync.boot_id
        if boot_id is None:
            self._restored = True
            self.notes.say("boot_id_missing", NO_BOOT_ID, Level.WARNING)
        elif self.safekeeping.problem is None:
            try:
                self._kept = await self.safekeeping.store.trust()
            except StoreFailed as failure:
                self.notes.say("clock_not_restored", f"trust in the clock begins anew: {failure}", Level.WARNING)
                return
            self._restored = True
            self._take(self._known.restore(self._kept, boot_id) if self._kept is not None else [])

    async def _save_news(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self.save()

    def _take(self, notes: list[Note]) -> None:
        for note in notes:
            self.notes.take(note)
        self._news.set()
        shown = (self.trust, self.source, self.problem)
        if shown != self._shown:
            self._shown = shown
            self.changed()
