"""The gateway as a whole: who is there, what is wrong; told on change and every 30 s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.core.facts import (
    ChargerCounts,
    ChargerForgotten,
    ChargerStatus,
    ConnectorState,
    Fact,
    GatewayInfo,
    GatewayState,
)
from gateway.core.moment import Moment
from gateway.core.station import Station
from gateway.runtime.health import (
    Gravity,
    Problem,
    by_gravity,
    health,
    problems_of_broker,
    problems_of_clock,
    problems_of_stations,
)
from gateway.runtime.ports import Clock, PublisherState
from gateway.runtime.stations import Stations
from gateway.runtime.timekeeping import Timekeeping

TELL_EVERY_S = 30.0
"""A consumer that sees an older state knows that the gateway hangs."""

SETTLE_S = 1.0
"""A site that reconnects changes its counts many times a second; one message a second tells it all."""

MOST_REASONS = 20
"""Enough to act upon; the counts tell the rest."""

MOST_QUARANTINED = 20

LONGEST_STATUS = 250
"""Characters of the line for the service manager: three lines of a terminal."""


@dataclass(frozen=True, slots=True)
class About:
    """What does not change while the process lives."""

    site: str
    site_name: str | None
    version: str
    started: Moment
    boot_id: str
    os: str | None
    ocpp_versions: tuple[str, ...]
    broker_wanted: bool = True
    """Does the configuration name a broker, or is one on this machine tried?"""


@dataclass(slots=True)
class Overview:
    """Publishes `gateway/info` and `gateway/state`."""

    about: About
    clock: Clock
    stations: Stations
    timekeeping: Timekeeping
    broker: Callable[[], PublisherState]
    publish: Callable[[Fact], None]
    tell_status: Callable[[str], None]
    """Hears the status line for the service manager each time it is told."""
    db_bytes: Callable[[], int | None] = lambda: None
    more_problems: Callable[[], Iterable[Problem]] = lambda: ()
    """What is wrong with that which only the composition root sees: configuration, listeners."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def notice(self, fact: Fact) -> None:
        """A fact was published: the counts may have changed."""
        if isinstance(fact, ChargerStatus | ConnectorState | ChargerForgotten):
            self._changed.set()

    def changed(self) -> None:
        """Something that this tells of came or went: the broker, a stranger, trust in the clock."""
        self._changed.set()

    async def run(self) -> None:
        """Tell, until cancelled."""
        told: GatewayInfo | None = None
        while True:
            self._changed.clear()
            now = self.clock.now()
            info = self.info(now)
            if told is None or (info.chargers, info.protocol) != (told.chargers, told.protocol):
                self.publish(info)
                told = info
            problems = self._own_problems()
            self.publish(self._state(now, problems))
            self.tell_status(self._status_line(problems))
            try:
                async with asyncio.timeout(TELL_EVERY_S):
                    await self._changed.wait()
                await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                continue

    def info(self, now: Moment) -> GatewayInfo:
        """What seldom changes."""
        broker = self.broker()
        return GatewayInfo(
            at=now.wall,
            site=self.about.site,
            site_name=self.about.site_name,
            version=self.about.version,
            started=self.about.started.wall,
            boot_id=self.about.boot_id,
            os=self.about.os,
            ocpp_versions=self.about.ocpp_versions,
            protocol=broker.protocol,
            broker=broker.broker,
            chargers=tuple(sorted(station.slug for station in self.stations.known())),
        )

    def state(self, now: Moment) -> GatewayState:
        """Health and counts."""
        return self._state(now, self._own_problems())

    def _state(self, now: Moment, problems: list[Problem]) -> GatewayState:
        known = self.stations.known()
        reasons = dict.fromkeys(problem.what for problem in problems if problem.gravity is not Gravity.NOTICE)
        broker = self.broker()
        return GatewayState(
            at=now.wall,
            health=health(problems),
            reasons=tuple(reasons)[:MOST_REASONS],
            uptime_s=int(now.monotonic - self.about.started.monotonic),
            chargers=_counts(known),
            upstream_links=len(known),
            upstream_online=sum(1 for station in known if station.session is not None),
            reconnects=broker.reconnects,
            connected_since=broker.connected_since.wall if broker.connected_since else None,
            clock_trust=self.timekeeping.trust,
            clock_source=self.timekeeping.source,
            clock_offset_ms=self.timekeeping.offset_ms,
            db_bytes=self.db_bytes(),
            events_waiting=broker.events_waiting,
            events_dropped=broker.events_dropped,
            events_dead=broker.events_dead,
            quarantine=len(self.stations.quarantine),
            quarantined=tuple(self.stations.quarantine.latest(MOST_QUARANTINED)),
            counters=self.stations.notes.counters.copy(),
        )

    def problems(self) -> list[Problem]:
        """Everything that is wrong, the gravest first."""
        broker = problems_of_broker(self.broker(), wanted=self.about.broker_wanted)
        told: dict[str, Problem] = {}
        for problem in by_gravity([*self._own_problems(), *broker]):
            # A part that was lost is told by the configuration, and by whoever would have run it.
            told.setdefault(problem.text, problem)
        return list(told.values())

    def _own_problems(self) -> list[Problem]:
        """Without the broker, whose absence a reader of MQTT need not be told."""
        clock = problems_of_clock(self.timekeeping)
        return by_gravity([*self.more_problems(), *problems_of_stations(self.stations), *clock])

    def status_line(self) -> str:
        """One line for the service manager: counts, who waits, and the gravest of what is wrong."""
        return self._status_line(self._own_problems())

    def _status_line(self, problems: list[Problem]) -> str:
        counts = _counts(self.stations.known())
        state = self.broker()
        broker = "connected" if state.connected else f"not connected ({state.last_error or 'not yet'})"
        line = f"{counts.online} of {counts.configured} chargers online, {counts.charging} charging, MQTT {broker}"
        if self.stations.quarantine:
            line += f"; {len(self.stations.quarantine)} in quarantine, see evgate status"
        grave = [problem.text for problem in problems if problem.gravity is not Gravity.NOTICE]
        if grave:
            line += f"; {grave[0]}"
        return line if len(line) <= LONGEST_STATUS else line[: LONGEST_STATUS - 1] + "…"


def _counts(known: list[Station]) -> ChargerCounts:
    conditions = [[state.condition for state in station.view.connectors if not state.stale] for station in known]
    return ChargerCounts(
        configured=len(known),
        online=sum(1 for station in known if station.view.online),
        stale=sum(1 for station in known if any(state.stale for state in station.view.connectors)),
        faulted=sum(1 for conditions_of_one in conditions if "faulted" in conditions_of_one),
        charging=sum(1 for conditions_of_one in conditions if "charging" in conditions_of_one),
    )
