"""One charger's sessions on the table: reports go in; what is remembered and published is kept, and timers run.

Whatever is published must stand in the store by then: that is checked with each publication.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gateway.core.effects import Arm, Disarm, Effect, Note, Publish, Remember
from gateway.core.facts import SessionChanged, SessionState
from gateway.core.memory import ConnectorRecord, SessionRecord
from gateway.core.moment import Moment
from gateway.core.reports import (
    MeterReported,
    MeterValue,
    Sample,
    StatusReported,
    TransactionNumbered,
    TransactionStarted,
    TransactionStopped,
)
from gateway.core.sessions import Place, Sessions
from gateway.core.tags import Tags

EPOCH = datetime(2026, 3, 1, 8, tzinfo=UTC)
START = Moment(EPOCH, 1000.0)
TAG = "04E1A2B34F2A"


def sample(measurand: str, value: object, unit: str | None = None) -> Sample:
    return Sample(measurand, Decimal(str(value)), unit)


def value(
    register_wh: int | None = None,
    power_w: float | None = None,
    soc_pct: float | None = None,
    at: datetime | None = None,
    signed: bool = False,
) -> MeterValue:
    samples = []
    if register_wh is not None:
        samples.append(sample("Energy.Active.Import.Register", register_wh, "Wh"))
    if power_w is not None:
        samples.append(sample("Power.Active.Import", power_w, "W"))
    if soc_pct is not None:
        samples.append(sample("SoC", soc_pct, "Percent"))
    if signed:
        samples.append(Sample("Energy.Active.Import.Register", None, signed=True))
    return MeterValue(tuple(samples), at.isoformat() if at else None, at)


@dataclass
class Charging:
    """A charger with connectors, and a clock that goes when told to."""

    now: Moment = START
    sessions: Sessions = field(default_factory=lambda: Sessions("cp01", "CP01", Tags()))
    stored: dict[int, SessionRecord] = field(default_factory=dict)
    writes: int = 0
    events: list[SessionChanged] = field(default_factory=list)
    states: dict[int, SessionState] = field(default_factory=dict)
    published: int = 0
    timers: dict[str, float] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    places: dict[int, ConnectorRecord] = field(default_factory=dict)
    connectors: tuple[int, ...] = (1, 2)
    off_s: float = 0.0
    """The charger's clock less the gateway's; `skew_s` is what is known of it."""
    skew_s: float | None = None

    def perform(self, effects: list[Effect]) -> list[Effect]:
        """Commit first, then the rest."""
        for effect in effects:
            if isinstance(effect, Remember):
                assert isinstance(effect.record, SessionRecord)
                assert effect.record != self.stored.get(effect.record.number), "nothing changed, and it was written"
                self.stored[effect.record.number] = effect.record
                self.writes += 1
        for effect in effects:
            match effect:
                case Publish(SessionChanged() as fact):
                    assert fact.record == self.stored[fact.record.number]
                    self.events.append(fact)
                case Publish(SessionState() as fact):
                    assert fact.record == self.stored[fact.record.number]
                    self.states[fact.record.connector_id] = fact
                    self.published += 1
                case Arm(key, after_s):
                    self.timers[key] = self.now.monotonic + after_s
                case Disarm(key):
                    self.timers.pop(key, None)
                case Note(what):
                    self.notes[what] += 1
                case _:
                    assert isinstance(effect, Remember), effect
        return effects

    def wait(self, seconds: float) -> None:
        """Time passes, and timers come when they are due."""
        end = self.now.monotonic + seconds
        while due := [(at, key) for key, at in self.timers.items() if at <= end]:
            at, key = min(due)
            self._to(at)
            del self.timers[key]
            effects = self.sessions.timer(key, self.now)
            assert effects is not None
            self.perform(effects)
        self._to(end)

    def set_clock(self, seconds: float) -> None:
        """The wall clock alone is set, this much forward."""
        self.now = Moment(self.now.wall + timedelta(seconds=seconds), self.now.monotonic)

    def ago(self, seconds: float) -> datetime:
        return self.now.wall - timedelta(seconds=seconds)

    def told(self, at: datetime | None = None) -> datetime:
        """What the charger's clock shows now, or showed then."""
        return (at or self.now.wall) + timedelta(seconds=self.off_s)

    def start(
        self,
        connector: int = 1,
        meter_wh: int | None = 1000,
        tag: str | None = TAG,
        at: datetime | None = None,
        visit: int | None = 7,
        plugged_at: datetime | None = None,
        condition: str | None = None,
        timed: bool = True,
    ) -> TransactionStarted:
        """StartTransaction, with the time of now unless told otherwise."""
        at = self.told(at) if timed else None
        report = TransactionStarted(connector, tag, meter_wh, at.isoformat() if at else None, at)
        known = self.places.get(connector)
        place = Place(visit, plugged_at, condition or (known.condition if known else "preparing"))
        self.perform(self.sessions.started(report, place, self.now, self.skew_s))
        return report

    def number(self, report: TransactionStarted, transaction_id: int | None, status: str | None = "Accepted") -> None:
        self.perform(self.sessions.numbered(report, TransactionNumbered(transaction_id, status), self.now))

    def begin(self, transaction_id: int = 7712, connector: int = 1, meter_wh: int | None = 1000) -> TransactionStarted:
        """A start that upstream has answered, and the car charges."""
        report = self.start(connector, meter_wh)
        self.number(report, transaction_id)
        self.status("charging", connector)
        return report

    def stop(
        self,
        transaction_id: int | None = 7712,
        meter_wh: int | None = 2000,
        at: datetime | None = None,
        reason: str = "Local",
        values: tuple[MeterValue, ...] = (),
        timed: bool = True,
    ) -> TransactionStopped:
        """StopTransaction, with the time of now unless told otherwise."""
        at = self.told(at) if timed else None
        told = at.isoformat() if at else None
        report = TransactionStopped(transaction_id, meter_wh, told, at, TAG, reason, values)
        self.perform(self.sessions.stopped(report, self.connectors, self.now, self.skew_s))
        return report

    def status(self, condition: str, connector: int = 1, visit: int | None = 7) -> None:
        """A status that the charger confirms or changes."""
        before = self.places.get(connector)
        if before is None or before.condition != condition:
            report = StatusReported(connector, condition)
            self.places[connector] = ConnectorRecord(
                report, condition, self.now.wall, visit=visit, plugged_at=self.now.wall
            )
        self.perform(self.sessions.status(self.places[connector], self.now))

    def meter(self, *values: MeterValue, transaction_id: int | None = 7712, connector: int = 1) -> None:
        report = MeterReported(connector, values, transaction_id)
        self.perform(self.sessions.metered(report, self.now, self.skew_s))

    def unplug(self, connector: int = 1, visit: int | None = None) -> None:
        self.perform(self.sessions.unplugged(connector, self.now, visit))

    def boot(self) -> None:
        self.perform(self.sessions.booted(self.now))

    def leave(self) -> None:
        self.perform(self.sessions.went_offline(self.now))

    def restart(self, down_s: float = 0.0) -> None:
        """The daemon is killed and comes back; the monotonic clock may be another one then."""
        self.now = Moment(self.now.wall + timedelta(seconds=down_s), 5.0)
        self.timers.clear()
        self.states.clear()
        self.sessions = Sessions("cp01", "CP01", Tags(), self.sessions.relative_meter)
        self.sessions.restore(self.remembered())
        self.perform(self.sessions.announce(self.now))

    def remembered(self) -> list[SessionRecord]:
        """What the store gives back: every open session, and of each connector the last one that ended."""
        records = sorted(self.stored.values(), key=lambda record: record.number)
        last = {record.connector_id: record for record in records if not record.active}
        return [*(record for record in records if record.active), *last.values()]

    def open(self, connector: int = 1) -> SessionRecord:
        record = self.sessions.open_on(connector)
        assert record is not None
        return record

    def last(self) -> SessionRecord:
        """The record of the last event."""
        return self.events[-1].record

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def phases(self) -> list[tuple[str, float]]:
        record = self.states[1].record
        return [(phase.name, round(phase.seconds, 3)) for phase in record.phases]

    def _to(self, monotonic: float) -> None:
        passed = timedelta(seconds=monotonic - self.now.monotonic)
        self.now = Moment(self.now.wall + passed, monotonic)
