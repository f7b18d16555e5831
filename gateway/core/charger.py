"""The gateway's view of one charger: its link, who it says it is, and its connectors; told to MQTT as facts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.core.condition import condition_of
from gateway.core.connectors import Connectors
from gateway.core.facts import (
    BootReported,
    ChargerInfo,
    ChargerState,
    ChargerStatus,
    Fact,
    Registration,
    StatusReported,
)
from gateway.core.moment import Moment

CHARGER = 0
"""connectorId 0 is the charger as a whole (1.6 section 3.8); it is never shown as a connector."""

MOST_RECONNECTS_COUNTED = 1000
"""A flapping charger reconnects every few seconds; a day of that must not grow a list without end."""


@dataclass(slots=True)
class ChargerView:
    """Changes come in with the moment they happened; each method returns the facts to publish."""

    slug: str
    identity: str
    name: str | None
    first_seen: datetime | None
    since: datetime
    online: bool = False
    protocol: str | None = None
    boot: BootReported | None = None
    last_boot: datetime | None = None
    registered: str | None = None
    heartbeat_s: int | None = None
    remote_addr: str | None = None
    last_seen: datetime | None = None
    security_profile: int = 0
    restored: bool = False
    """Known from before this process: until its next boot, what stands retained says more than we do."""
    connectors: Connectors = field(init=False)
    _reconnects: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_RECONNECTS_COUNTED))

    def __post_init__(self) -> None:
        self.connectors = Connectors(self.slug)

    def connected(self, protocol: str | None, remote: str, security_profile: int, now: Moment) -> list[Fact]:
        """The charger's socket stands, on both legs."""
        if self.remote_addr is not None:
            self._reconnects.append(now.wall)
        self.protocol = protocol
        self.remote_addr = remote.rpartition(":")[0] or remote
        self.security_profile = security_profile
        if not self.online:
            self.since = now.wall
        self.online = True
        return [self.status(), *self.infos(now), self.state(now)]

    def went_offline(self, now: Moment) -> list[Fact]:
        """The socket is gone and did not come back: what is known is kept, and said to be old."""
        self.online = False
        self.since = now.wall
        stale = [state for state in self.connectors.went_stale("charger_offline", now) if _is_connector(state.report)]
        return [self.status(), self.state(now), *stale]

    def booted(self, boot: BootReported, now: Moment) -> list[Fact]:
        """BootNotification came in."""
        self.boot = boot
        self.last_boot = now.wall
        return [self.info(now), self.state(now)]

    def answered_boot(self, registration: Registration, now: Moment) -> list[Fact]:
        """Upstream answered the boot."""
        self.registered = registration.status.lower()
        if registration.status == "Accepted" and registration.interval_s is not None:
            self.heartbeat_s = registration.interval_s
        return [self.state(now)]

    def reported(self, report: StatusReported, now: Moment) -> list[Fact] | None:
        """StatusNotification came in; None when it names one connector too many."""
        known = self.connectors.ids()
        state = self.connectors.reported(report, self.protocol or "", now)
        if state is None:
            return None
        if not _is_connector(report):
            return [self.state(now)]
        facts: list[Fact] = [state]
        if self.connectors.ids() != known:
            facts += self.infos(now)
        return facts

    def delivered(self, report: StatusReported, now: Moment) -> list[Fact]:
        """Upstream answered a StatusNotification."""
        state = self.connectors.delivered(report, now)
        return [state] if state is not None and _is_connector(report) else []

    def status(self) -> ChargerStatus:
        """Availability."""
        return ChargerStatus(self.slug, self.online)

    def infos(self, now: Moment) -> list[Fact]:
        """`info` where it would not replace a fuller one."""
        return [] if self.restored and self.boot is None else [self.info(now)]

    def info(self, now: Moment) -> ChargerInfo:
        """What seldom changes."""
        return ChargerInfo(
            at=now.wall,
            charger=self.slug,
            identity=self.identity,
            name=self.name,
            boot=self.boot,
            protocol=self.protocol,
            connectors=self.connectors.ids(),
            security_profile=self.security_profile,
            first_seen=self.first_seen,
        )

    def state(self, now: Moment) -> ChargerState:
        """The charger as a whole."""
        whole = self.connectors.get(CHARGER)
        return ChargerState(
            at=now.wall,
            charger=self.slug,
            online=self.online,
            since=self.since,
            last_seen=self.last_seen,
            report=whole.report if whole else None,
            condition=condition_of(whole.report.status if whole else ""),
            stale=not self.online,
            stale_reason=None if self.online else "charger_offline",
            registered=self.registered,
            last_boot=self.last_boot,
            reconnects_24h=self._reconnects_24h(now),
            clock_skew_s=None,
            remote_addr=self.remote_addr,
        )

    def _reconnects_24h(self, now: Moment) -> int:
        day_ago = now.wall - timedelta(days=1)
        return sum(1 for at in self._reconnects if at > day_ago)


def _is_connector(report: StatusReported) -> bool:
    return report.connector_id != CHARGER
