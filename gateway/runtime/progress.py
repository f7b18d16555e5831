"""Feeds the watchdog, but only while chargers are really served: a timer that ticks proves nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.core.moment import Moment
from gateway.runtime.ports import Clock, Notifier
from gateway.runtime.station_task import StationTask

LOG = logging.getLogger("gateway.runtime")

STUCK_AFTER_S = 30.0
"""An event may wait for the commit before its own and then for that, 10 s each at most (the store's limit)."""

LOOK_EVERY_S = 10.0
"""Without a watchdog nobody waits for an answer; this only has to be soon enough for a person."""

MOST_NAMED = 3
"""When all of 200 stations hang on one cause, its line in the log stays readable."""

Loop = tuple[StationTask, asyncio.Task[None]]


@dataclass(slots=True)
class Progress:
    """`loops`: every station with the task that runs it; `accepting`: do the listeners still take sockets?

    `watchdog_s` is the service manager's limit, None without one; then what hangs is said, and nobody restarts it.
    """

    clock: Clock
    notifier: Notifier
    loops: Callable[[], Iterable[Loop]]
    accepting: Callable[[], bool]
    watchdog_s: float | None = None
    look_every_s: float = LOOK_EVERY_S
    _stuck: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Look, and tell the watchdog, in steps of a third of its limit or of `look_every_s`; until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(self.watchdog_s / 3 if self.watchdog_s else self.look_every_s)

    def look(self) -> None:
        """Tell the watchdog that all goes well, or the log, once, that something does not."""
        found, bug = self._problems(self.clock.now())
        if not found:
            if self._stuck:
                LOG.warning("chargers are served again, what hung has gone on by itself")
            self._stuck = False
            self.notifier.alive()
            return
        if not self._stuck:
            self._stuck = True
            more = f" and {len(found) - MOST_NAMED} more like this" if len(found) > MOST_NAMED else ""
            LOG.critical("%s%s: %s", "; ".join(found[:MOST_NAMED]), more, self._consequence, exc_info=bug)

    @property
    def _consequence(self) -> str:
        report = "please report this with the lines before it"
        if self.watchdog_s is None:
            return f"restart evgate, and {report}"
        return f"systemd restarts evgate within {self.watchdog_s:.0f} s unless it goes on by itself; {report}"

    def _problems(self, now: Moment) -> tuple[list[str], BaseException | None]:
        """What does not go on, in words; and the first exception that ended a station's task."""
        found: list[str] = []
        bug: BaseException | None = None
        if not self.accepting():
            found.append("the listeners take no more chargers")
        for station, task in self.loops():
            identity = station.station.identity
            since = station.waiting_since
            if task.done():
                found.append(f"the task of station {identity} has ended")
                bug = bug or (None if task.cancelled() else task.exception())
            elif since is not None and now.monotonic - since.monotonic > STUCK_AFTER_S:
                found.append(f"station {identity} has not gone on for {now.monotonic - since.monotonic:.0f} s")
        return found, bug
