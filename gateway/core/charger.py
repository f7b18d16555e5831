"""The gateway's view of one charger: its link, who it says it is, and what is true of its connectors."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.core.connectors import CHARGER, Connectors
from gateway.core.effects import Effect, Publish, Remember
from gateway.core.facts import ChargerInfo, ChargerState, ChargerStatus, ConnectivityChanged
from gateway.core.memory import ChargerRecord, Memory
from gateway.core.moment import Moment
from gateway.core.ports import Corrections, Quirks
from gateway.core.reports import (
    BootReported,
    Registration,
    Report,
    TransactionNumbered,
    TransactionStarted,
)
from gateway.core.tags import Tags
from gateway.core.traits import Trait
from gateway.core.truth import STATUS_NOTIFICATION, ConnectorTruth

MOST_RECONNECTS_COUNTED = 1000
"""A flapping charger reconnects every few seconds; a day of that must not grow a list without end."""


@dataclass(slots=True)
class ChargerView:
    """Changes come in with the moment they happened; each method returns what is to be remembered and published.

    `name` is the configured one, and `named` are the quirks that the configuration names for this charger.
    """

    slug: str
    identity: str
    name: str | None
    first_seen: datetime | None
    since: datetime
    quirks: Quirks
    tags: Tags
    named: tuple[str, ...] = ()
    online: bool = False
    protocol: str | None = None
    boot: BootReported | None = None
    last_boot: datetime | None = None
    registered: str | None = None
    heartbeat_s: int | None = None
    remote_addr: str | None = None
    last_seen: datetime | None = None
    security_profile: int = 0
    untriggerable: str | None = None
    restored: bool = False
    """Known from before this process: until its next boot, what stands retained may say more than we do."""
    truth: ConnectorTruth = field(init=False)
    _reconnects: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_RECONNECTS_COUNTED))
    _remembered: ChargerRecord = field(default_factory=ChargerRecord)
    _left_at: datetime | None = None
    _connectors_told: tuple[int, ...] = ()
    _whole_told: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        self.truth = ConnectorTruth(self.slug, self.identity, self.tags, self.quirks.of(None, self.named))

    @property
    def connectors(self) -> Connectors:
        """What is known of each."""
        return self.truth.connectors

    @property
    def connectors_on_mqtt(self) -> frozenset[int]:
        """Those that have a topic: by their status, their meter or a session."""
        truth = self.truth
        sessions = (record.connector_id for record in truth.sessions.kept())
        return frozenset((*self.connectors.ids(), *truth.meters.connectors, *sessions)) - {CHARGER}

    @property
    def corrections(self) -> Corrections:
        """How this charger's words are read."""
        return self.truth.corrections

    def restore(self, memory: Memory, now: Moment) -> None:
        """What was remembered before this process; what was learnt since is newer and stays."""
        record = memory.charger
        if record is not None and self.boot is not None:
            self.untriggerable = self.untriggerable or record.untriggerable
            self.truth.sessions.relative_meter |= record.relative_meter
        elif record is not None:
            self._remembered = record
            self.boot, self.last_boot, self.registered = record.boot, record.last_boot, record.registered
            self.heartbeat_s, self.untriggerable = record.heartbeat_s, record.untriggerable
            if not self.online:
                self.protocol, self.remote_addr = record.protocol, record.remote_addr
                self.security_profile = record.security_profile
            self.truth.sessions.relative_meter = record.relative_meter
            self._read_by_quirks()
        self.truth.protocol = self.protocol or ""
        self.truth.restore(memory, now)

    def memory(self) -> Memory:
        """All that is known now, as it would be restored."""
        return Memory(
            charger=self._record(),
            connectors=tuple(known.record for known in self.connectors),
            faults=tuple(self.truth.faults.kept()),
            sessions=tuple(self.truth.sessions.kept()),
        )

    def govern(self, named: tuple[str, ...], quirks: Quirks, now: Moment) -> list[Effect]:
        """The configuration names these quirks now."""
        self.named, self.quirks = named, quirks
        before = self.corrections.quirks
        effects = self.truth.reread(self.quirks.of(self.boot, named), now)
        infos = self._infos(now) if self.corrections.quirks != before else []
        return [*infos, *effects, *self._keep_up(now)]

    def settle(self, now: Moment) -> list[Effect]:
        """The daemon goes down, or this charger is served no more: what waited to be told is told."""
        return [*self.truth.settle(now), *self._keep_up(now)]

    def announce(self, now: Moment) -> list[Effect]:
        """The daemon starts, or takes this charger in: tell what is known of it."""
        facts: list[Effect] = [Publish(self.status()), *self._infos(now), self._tell_state(now)]
        return [*facts, *self.truth.announce(now), *self._keep_up(now)]

    def connected(self, protocol: str | None, remote: str, security_profile: int, now: Moment) -> list[Effect]:
        """The charger's socket stands, on both legs."""
        if self.remote_addr is not None:
            self._reconnects.append(now.wall)
        self.protocol = protocol
        self.truth.protocol = protocol or ""
        self.remote_addr = remote.rpartition(":")[0] or remote
        self.security_profile = security_profile
        came, self.online = not self.online, True
        self._left_at = None
        if came:
            self.since = now.wall
        event = [Publish(self._connectivity("online", now))] if came else []
        back = self.truth.came_back(now)
        return [
            Publish(self.status()),
            *self._infos(now),
            self._tell_state(now),
            *event,
            *back,
            *self._keep_up(now),
        ]

    def left(self, now: Moment) -> None:
        """The socket is gone; it may be back at once."""
        self._left_at = now.wall

    def went_offline(self, now: Moment) -> list[Effect]:
        """The socket is gone and did not come back: what is known is kept, and said to be old."""
        self.online = False
        self.since = self._left_at or now.wall
        effects = self.truth.went_offline(now)
        event = Publish(self._connectivity("offline", now))
        return [Publish(self.status()), self._tell_state(now), event, *effects, *self._keep_up(now)]

    def answered_boot(self, registration: Registration, now: Moment) -> list[Effect]:
        """Upstream answered the boot."""
        self.registered = registration.status.lower()
        if registration.status == "Accepted" and registration.interval_s is not None:
            self.heartbeat_s = registration.interval_s
        return [self._tell_state(now), *self._keep_up(now)]

    def learn(
        self, told: Report, now: Moment, source: str = STATUS_NOTIFICATION
    ) -> tuple[list[Effect], tuple[str, ...]]:
        """The charger told something: what follows, and what was odd about it, by name."""
        if isinstance(told, BootReported):
            return self._booted(told, now), ()
        effects, oddities = self.truth.learn(told, now, source)
        return [*effects, *self._keep_up(now)], oddities

    def delivered(self, told: Report, now: Moment) -> list[Effect]:
        """Upstream answered what the charger told."""
        return [] if isinstance(told, BootReported) else self.truth.delivered(told, now)

    def numbered(self, told: TransactionStarted, answer: TransactionNumbered, now: Moment) -> list[Effect]:
        """Upstream gave a transaction its id."""
        return self.truth.numbered(told, answer, now)

    def took_trigger_badly(self, now: Moment) -> list[Effect]:
        """It is not asked again while it has this model and firmware."""
        self.untriggerable = self._build
        return self._keep_up(now)

    @property
    def may_be_triggered(self) -> bool:
        """Does nothing that is known of it forbid to ask it?"""
        return not self.corrections.has(Trait.NEVER_TRIGGER) and self.untriggerable != self._build

    def timer(self, key: str, now: Moment) -> list[Effect] | None:
        """One of the timers of faults and sessions is due; None: none of these."""
        effects = self.truth.timer(key, now)
        return None if effects is None else [*effects, *self._keep_up(now)]

    def status(self) -> ChargerStatus:
        """Availability."""
        return ChargerStatus(self.slug, self.online)

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
            quirks=self.corrections.quirks,
        )

    def state(self, now: Moment) -> ChargerState:
        """The charger as a whole."""
        whole = self.connectors.get(CHARGER)
        unconfirmed = whole is not None and whole.stale
        return ChargerState(
            at=now.wall,
            charger=self.slug,
            online=self.online,
            since=self.since,
            last_seen=self.last_seen,
            report=whole.record.report if whole else None,
            condition=whole.condition if whole else "unknown",
            status_since=whole.record.since if whole else None,
            fault=self.truth.faults.active(CHARGER),
            stale=unconfirmed or not self.online,
            stale_reason=(whole.stale_reason if whole and unconfirmed else None)
            or (None if self.online else "charger_offline"),
            registered=self.registered,
            last_boot=self.last_boot,
            reconnects_24h=self._reconnects_24h(now),
            clock_skew_s=self.truth.skew.seconds,
            remote_addr=self.remote_addr,
        )

    def _booted(self, boot: BootReported, now: Moment) -> list[Effect]:
        self.boot = boot
        self.last_boot = now.wall
        self._read_by_quirks()
        facts: list[Effect] = [Publish(self.info(now)), self._tell_state(now)]
        event = Publish(self._connectivity("booted", now))
        return [*facts, event, *self.truth.booted(now), *self._keep_up(now)]

    def _read_by_quirks(self) -> None:
        self.truth.corrections = self.quirks.of(self.boot, self.named)

    def _keep_up(self, now: Moment) -> list[Effect]:
        """Remember what changed of the charger itself, and tell of connectors that are new and of connector 0."""
        effects: list[Effect] = []
        record = self._record()
        if record != self._remembered:
            self._remembered = record
            effects.append(Remember(record))
        if self.connectors.ids() != self._connectors_told:
            effects += self._infos(now)
        if self._whole() != self._whole_told:
            effects.append(self._tell_state(now))
        return effects

    def _tell_state(self, now: Moment) -> Effect:
        self._whole_told = self._whole()
        return Publish(self.state(now))

    def _whole(self) -> tuple[object, ...]:
        """What is told of connector 0."""
        whole = self.connectors.get(CHARGER)
        if whole is None:
            return ()
        return whole.record, whole.at, whole.stale, whole.stale_reason, self.truth.faults.active(CHARGER)

    def _infos(self, now: Moment) -> list[Effect]:
        """`info`, where it would not replace a fuller one."""
        self._connectors_told = self.connectors.ids()
        return [] if self.restored and self.boot is None else [Publish(self.info(now))]

    def _connectivity(self, kind: str, now: Moment) -> ConnectivityChanged:
        return ConnectivityChanged(now.wall, self.slug, kind, self.remote_addr, self._reconnects_24h(now))

    def _record(self) -> ChargerRecord:
        return ChargerRecord(
            boot=self.boot,
            last_boot=self.last_boot,
            registered=self.registered,
            heartbeat_s=self.heartbeat_s,
            protocol=self.protocol,
            remote_addr=self.remote_addr,
            security_profile=self.security_profile,
            untriggerable=self.untriggerable,
            relative_meter=self.truth.sessions.relative_meter,
        )

    @property
    def _build(self) -> str:
        """What a charger that took a question badly is recognised by."""
        boot = self.boot or BootReported(None, None)
        return f"{boot.vendor} {boot.model} {boot.firmware}"

    def _reconnects_24h(self, now: Moment) -> int:
        day_ago = now.wall - timedelta(days=1)
        return sum(1 for at in self._reconnects if at > day_ago)
