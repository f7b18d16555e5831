"""What is true of the connectors of one charger: their states, faults, sessions and readings, taken together.

The parts know their own rules. What one of them learns is passed on to the others in `_agree`, and nowhere else; it is
also where a record that changed is remembered, and a state that changed is published.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from gateway.core.condition import condition_of
from gateway.core.connectors import CHARGER, OF_THE_CHARGER, Connector, Connectors, News, is_same_status
from gateway.core.effects import Effect, Level, Note, Publish, Remember
from gateway.core.facts import ConnectorState, Faults, StatusChanged
from gateway.core.faults import TIMER_KEY, ActiveFaults
from gateway.core.memory import ConnectorRecord, Memory, SessionRecord
from gateway.core.metering import Meters
from gateway.core.moment import Moment
from gateway.core.phases import FORGOTTEN
from gateway.core.ports import Corrections
from gateway.core.redact import excerpt
from gateway.core.reports import (
    MeterReported,
    RemoteStartRequested,
    StatusReported,
    TagPresented,
    TransactionNumbered,
    TransactionStarted,
    TransactionStopped,
)
from gateway.core.sessions import Place, Sessions
from gateway.core.skew import Skew
from gateway.core.tags import Tags
from gateway.core.told import is_late
from gateway.core.traits import Trait

STATUS_NOTIFICATION = "status_notification"
"""Where a state comes from, when the charger told it by itself."""

Told = StatusReported | MeterReported | TransactionStarted | TransactionStopped | TagPresented | RemoteStartRequested


@dataclass(slots=True)
class ConnectorTruth:
    """Of the station `charger` (its slug). Each method returns what is to be remembered and published."""

    charger: str
    identity: str
    tags: Tags
    corrections: Corrections
    protocol: str = ""
    connectors: Connectors = field(init=False)
    faults: ActiveFaults = field(init=False)
    sessions: Sessions = field(init=False)
    meters: Meters = field(init=False)
    skew: Skew = field(default_factory=Skew)
    _remembered: dict[int, ConnectorRecord] = field(default_factory=dict)
    _told: dict[int, ConnectorState] = field(default_factory=dict)
    _ended: dict[int, int] = field(default_factory=dict)
    """The number of the session that had ended last on each connector when the parts last agreed."""
    _faults_told_stale: bool | None = None

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.charger, self.identity, self.tags)
        self.faults = ActiveFaults(self.charger)
        self.meters = Meters(self.charger)
        self.connectors = Connectors(self._is_in_session, self._has)

    def restore(self, memory: Memory, now: Moment) -> None:
        """What was remembered before this process; what was learnt since is newer and stays."""
        self.sessions.restore(memory.sessions)
        self.faults.restore(memory.faults)
        self.connectors.restore(memory.connectors, now)
        self.connectors.number_visits_after(max((record.visit or 0 for record in memory.sessions), default=0))
        self._remembered = {record.connector_id: record for record in memory.connectors} | self._remembered
        self._ended = {record.connector_id: record.number for record in self._ended_sessions()}

    def announce(self, now: Moment) -> list[Effect]:
        """The daemon starts: tell what is known from before."""
        self._faults_told_stale = None
        unread = set(self.connectors.ids()).difference(self.meters.connectors)
        effects = [
            *self.sessions.announce(now),
            *self.meters.restored(sorted(unread), now),
        ]
        return [*effects, *self._agree(now)]

    def came_back(self, now: Moment) -> list[Effect]:
        """The charger is connected again: it has yet to tell how its connectors are."""
        self.connectors.came_back(now)
        return self._agree(now)

    def went_offline(self, now: Moment) -> list[Effect]:
        """The charger is away: what is known is kept, and said to be old."""
        self.connectors.went_stale("charger_offline", now)
        return [*self.sessions.went_offline(now), *self.meters.went_stale(now), *self._agree(now)]

    def booted(self, now: Moment) -> list[Effect]:
        """The charger restarted: it sets its clock, and reports every connector anew (1.6 errata 3.22)."""
        self.skew.begin_anew()
        self.connectors.begin_anew()
        return [*self.sessions.booted(now), *self._agree(now)]

    def learn(self, told: Told, now: Moment, source: str) -> tuple[list[Effect], tuple[str, ...]]:
        """The charger told something: what follows, and what was odd about it, by name."""
        effects: list[Effect] = []
        oddities: tuple[str, ...] = ()
        skew_s = self.skew.steady_s  # as it was known before this message, which may have waited
        match told:
            case StatusReported():
                effects += self._clock_told([told.reported_at], now)
                more, oddities = self._reported(told, now, source)
                effects += more
            case MeterReported():
                effects += self._clock_told((value.sampled_at for value in told.values), now)
                more, refused = self.meters.reported(told, now)
                effects += [*more, *self.sessions.metered(told, now, skew_s), *_refused(told, refused)]
            case TransactionStarted():
                effects += self._clock_told([told.started_at], now)
                if not is_late(_by_the_gateway(told.started_at, skew_s), now):
                    self.connectors.begun(told.connector_id, now)
                effects += self.sessions.started(told, self._place(told.connector_id), now, skew_s)
            case TransactionStopped():
                effects += self._clock_told([told.stopped_at], now)
                effects += self.sessions.stopped(told, self.connectors.ids(), now, skew_s)
            case TagPresented():
                self.connectors.begun(None, now)
            case RemoteStartRequested(connector_id):
                self.connectors.begun(connector_id, now)
            case _:
                assert_never(told)
        return [*effects, *self._agree(now)], oddities

    def delivered(self, told: Told, now: Moment) -> list[Effect]:
        """Upstream answered what the charger told."""
        match told:
            case StatusReported():
                self.connectors.delivered(told)
                return self._agree(now)
            case TransactionStopped():
                return [*self.sessions.stop_delivered(told, now), *self._agree(now)]
            case _:
                return []

    def numbered(self, told: TransactionStarted, answer: TransactionNumbered, now: Moment) -> list[Effect]:
        """Upstream gave a transaction its id."""
        return [*self.sessions.numbered(told, answer, now), *self._agree(now)]

    def timer(self, key: str, now: Moment) -> list[Effect] | None:
        """One of the timers of faults and sessions is due; None: none of these."""
        if key == TIMER_KEY:
            return [*self._heard_of_faults(self.faults.timer(now)), *self._agree(now)]
        effects = self.sessions.timer(key, now)
        return None if effects is None else [*effects, *self._agree(now)]

    def settle(self, now: Moment) -> list[Effect]:
        """Nothing comes after this: what waited to be told is told."""
        return [*self._heard_of_faults(self.faults.settle_all(now)), *self._agree(now)]

    def reread(self, corrections: Corrections, now: Moment) -> list[Effect]:
        """The charger is read with other corrections from now on."""
        self.corrections = corrections
        return self._agree(now)

    def _reported(self, report: StatusReported, now: Moment, source: str) -> tuple[list[Effect], tuple[str, ...]]:
        before = self.connectors.get(report.connector_id)
        status_before = before.record.report.status if before is not None else None
        news = self.connectors.reported(report, now, source, self.skew.seconds or 0.0)
        known = self.connectors.get(report.connector_id)
        if known is None:
            return [], (news.value,)
        if news is News.LATE_AGAIN:
            return [], ()
        if news is News.LATE:
            return self._late(report, known, now), ()
        transaction = self.sessions.transaction_on(report.connector_id)
        effects = self._heard_of_faults(self.faults.reported(report, status_before, transaction, now))
        effects += self.sessions.status(known.record, now)
        strange = report.connector_id == CHARGER and known.condition not in OF_THE_CHARGER
        return effects, ("status_not_of_a_charger",) if strange else ()

    def _late(self, report: StatusReported, known: Connector, now: Moment) -> list[Effect]:
        told = f"{excerpt(report.status, 40)} of {excerpt(report.charger_ts or '', 40)}"
        changed = StatusChanged(
            at=now.wall,
            charger=self.charger,
            report=report,
            condition_before=known.condition,
            condition=known.condition,
            transition=None,
            expected=None,
            dwell_s=None,
            late=True,
        )
        text = f"connector {report.connector_id} told of the past ({told}): its state stays"
        return [Publish(changed), Note("late_status", text)]

    def _place(self, connector_id: int) -> Place:
        known = self.connectors.get(connector_id)
        if known is None:
            return Place(None, None, "unknown")
        return Place(known.record.visit, known.record.plugged_at, known.condition)

    def _clock_told(self, instants: Iterable[datetime | None], now: Moment) -> list[Effect]:
        """The charger wrote these times. Where they show that its clock was set back, what looked late was not."""
        newest = max((instant for instant in instants if instant is not None), default=None)
        if not self.skew.told(newest, now):
            return []
        effects: list[Effect] = [Note("charger_clock_set_back", "the charger's clock was set back")]
        self.sessions.clock_set_back()
        for report in self.connectors.held(self.skew.seconds or 0.0):
            effects += self._reported(report, now, STATUS_NOTIFICATION)[0]
        return effects

    def _agree(self, now: Moment) -> list[Effect]:
        for record in self._ended_sessions():
            if self._ended.get(record.connector_id) != record.number:
                self._ended[record.connector_id] = record.number
                self._session_ended(record, now)
        effects: list[Effect] = []
        for known in self.connectors:
            if self.connectors.rejudge(known.record.connector_id, now):
                effects += self.sessions.status(known.record, now)
            effects += [*self._unplugged(known, now), *self._remember(known, now), *self._tell(known)]
        return [*effects, *self._tell_faults(now)]

    def _session_ended(self, record: SessionRecord, now: Moment) -> None:
        """Its end tells of the cable that is in now, unless another one begins or a queue tells of another visit."""
        known = self.connectors.get(record.connector_id)
        if known is None or self._is_in_session(record.connector_id):
            return
        if not record.ended_late or record.visit == known.record.visit:
            self.connectors.ended(record.connector_id, now)

    def _unplugged(self, known: Connector, now: Moment) -> list[Effect]:
        before = self._remembered.get(known.record.connector_id)
        if before is None or before.visit is None or before.visit == known.record.visit:
            return []
        if self.corrections.has(Trait.AVAILABLE_WHILE_PLUGGED):
            return []
        return self.sessions.unplugged(known.record.connector_id, now, before.visit)

    def _remember(self, known: Connector, now: Moment) -> list[Effect]:
        record = known.record
        before = self._remembered.get(record.connector_id)
        if before == record:
            return []
        self._remembered[record.connector_id] = record
        effects: list[Effect] = [Remember(record)]
        if before is None or _has_moved(before, record) or before.condition != record.condition:
            effects.append(Publish(_changed(self.charger, record, before, now)))
        if before is not None and record.unexpected > before.unexpected:
            told = f"{excerpt(before.report.status, 40)} to {excerpt(record.report.status, 40)} ({record.transition})"
            text = f"connector {record.connector_id} went from {told}, which the specification does not list"
            effects.append(Note("unexpected_transition", text, Level.DEBUG))
        return effects

    def _tell(self, known: Connector) -> list[Effect]:
        """The charger itself (connector 0) is told of with its link."""
        connector = known.record.connector_id
        state = ConnectorState(
            at=known.at,
            charger=self.charger,
            record=known.record,
            meaning=known.meaning,
            protocol=self.protocol,
            fault=self.faults.active(connector),
            source=known.source,
            stale=known.stale,
            stale_since=known.stale_since,
            stale_reason=known.stale_reason,
            upstream_delivered=known.delivered,
        )
        if connector == CHARGER or state == self._told.get(connector):
            return []
        self._told[connector] = state
        return [Publish(state)]

    def _tell_faults(self, now: Moment) -> list[Effect]:
        """The list is as old as the states of the connectors that it names; one that names none, as all of them."""
        named = [known.stale for known in self.connectors if self.faults.active(known.record.connector_id)]
        everybody = [known.stale for known in self.connectors]
        stale = any(named) if named else all(everybody)
        if not everybody or stale == self._faults_told_stale:
            return []
        self._faults_told_stale = stale
        return [Publish(self.faults.state(now, stale))]

    def _heard_of_faults(self, effects: list[Effect]) -> list[Effect]:
        """The list that the faults tell by themselves is a fresh one."""
        if any(isinstance(effect, Publish) and isinstance(effect.fact, Faults) for effect in effects):
            self._faults_told_stale = False
        return effects

    def _is_in_session(self, connector_id: int) -> bool:
        """Is a session open there? One that a queue tells of while the connector is in another visit does not count."""
        session, known = self.sessions.open_on(connector_id), self.connectors.get(connector_id)
        if session is None or known is None or not session.started_late or session.visit == known.record.visit:
            return session is not None
        return condition_of(known.record.report.status) not in FORGOTTEN

    def _has(self, trait: Trait) -> bool:
        return self.corrections.has(trait)

    def _ended_sessions(self) -> list[SessionRecord]:
        return [record for record in self.sessions.kept() if not record.active]


def _by_the_gateway(told: datetime | None, skew_s: float | None) -> datetime | None:
    """The time that the gateway's clock showed then."""
    return told if told is None or skew_s is None else told - timedelta(seconds=skew_s)


def _refused(told: MeterReported, reasons: tuple[str, ...]) -> list[Note]:
    """Each reason is counted by its name, and never told louder than that: a bad meter says it every minute."""
    return [
        Note(f"reading_{reason}", f"a reading of connector {told.connector_id} is not used: {reason}", Level.DEBUG)
        for reason in dict.fromkeys(reasons)
    ]


def _changed(charger: str, record: ConnectorRecord, before: ConnectorRecord | None, now: Moment) -> StatusChanged:
    moved = before is not None and _has_moved(before, record)
    return StatusChanged(
        at=now.wall,
        charger=charger,
        report=record.report,
        condition_before=before.condition if before is not None else None,
        condition=record.condition,
        transition=record.transition if moved else None,
        expected=record.unexpected == before.unexpected if before is not None and moved and record.transition else None,
        dwell_s=max(0, int((record.since - before.since).total_seconds())) if before is not None else None,
    )


def _has_moved(before: ConnectorRecord, record: ConnectorRecord) -> bool:
    return not is_same_status(before.report, record.report)
