"""The gateway as a whole: who is there, what is wrong; told on change and every 30 s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.facts import (
    ChargerCounts,
    ChargerStatus,
    ConnectorState,
    Fact,
    GatewayInfo,
    GatewayState,
)
from gateway.core.moment import Moment
from gateway.core.station import Station
from gateway.runtime.ports import Clock, PublisherState
from gateway.runtime.stations import Stations

TELL_EVERY_S = 30.0
"""A consumer that sees an older state knows that the gateway hangs."""

SETTLE_S = 1.0
"""A site that reconnects changes its counts many times a second; one message a second tells it all."""

MOST_REASONS = 20
"""Enough to act upon; the counts tell the rest."""

MOST_QUARANTINED = 20


@dataclass(frozen=True, slots=True)
class About:
    """What does not change while the process lives."""

    site: str
    site_name: str | None
    version: str
    started: Moment
    boot_id: str | None
    os: str | None
    ocpp_versions: tuple[str, ...]


@dataclass(slots=True)
class Overview:
    """Publishes `gateway/info` and `gateway/state`."""

    about: About
    clock: Clock
    stations: Stations
    broker: Callable[[], PublisherState]
    publish: Callable[[Fact], None]
    tell_status: Callable[[str], None]
    """Hears the status line for the service manager each time it is told."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def notice(self, fact: Fact) -> None:
        """A fact was published: the counts may have changed."""
        if isinstance(fact, ChargerStatus | ConnectorState):
            self._changed.set()

    def broker_changed(self) -> None:
        """The connection to the broker came or went."""
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
            self.publish(self.state(now))
            self.tell_status(self.status_line())
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
        known = self.stations.known()
        problem = self.stations.safekeeping.problem
        reasons = ["store_failed"] if problem is not None else []
        reasons += [f"upstream_offline:{station.slug}" for station in known if station.admission.outage]
        reasons += [f"charger_offline:{station.slug}" for station in known if not station.view.online]
        broker = self.broker()
        return GatewayState(
            at=now.wall,
            health="critical" if problem is not None else "degraded" if reasons else "ok",
            reasons=tuple(reasons[:MOST_REASONS]),
            uptime_s=int(now.monotonic - self.about.started.monotonic),
            chargers=_counts(known),
            upstream_links=len(known),
            upstream_online=sum(1 for station in known if station.session is not None),
            reconnects=broker.reconnects,
            connected_since=broker.connected_since.wall if broker.connected_since else None,
            quarantine=len(self.stations.quarantine),
            quarantined=tuple(self.stations.quarantine.latest(MOST_QUARANTINED)),
            counters=self.stations.notes.counters.copy(),
        )

    def status_line(self) -> str:
        """One line for the service manager."""
        counts = _counts(self.stations.known())
        state = self.broker()
        broker = "connected" if state.connected else f"not connected ({state.last_error or 'not yet'})"
        return f"{counts.online} of {counts.configured} chargers online, {counts.charging} charging, MQTT {broker}"


def _counts(known: list[Station]) -> ChargerCounts:
    conditions = [[state.condition for state in station.view.connectors if not state.stale] for station in known]
    return ChargerCounts(
        configured=len(known),
        online=sum(1 for station in known if station.view.online),
        stale=sum(1 for station in known if any(state.stale for state in station.view.connectors)),
        faulted=sum(1 for conditions_of_one in conditions if "faulted" in conditions_of_one),
        charging=sum(1 for conditions_of_one in conditions if "charging" in conditions_of_one),
    )
