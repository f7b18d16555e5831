"""What is known of each connector of one charger, connector 0 (the charger itself) included.

Everything that changes a connector's state is in this file. A change of status that the specification does not list is
kept and marked; a report of the past changes nothing; a repeated one confirms, and moves neither `since` nor a page on
the card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from gateway.core.condition import Circumstances, Condition, in_words, judged
from gateway.core.memory import ConnectorRecord, PreviousStatus
from gateway.core.moment import Moment
from gateway.core.reports import StatusReported
from gateway.core.skew import PACE_TOLERANCE_S, Newest
from gateway.core.traits import Trait
from gateway.core.transitions import transition

MOST_CONNECTORS = 64
"""No charger has more; each connector is a retained topic, and a broken charger must not make topics without end."""

CHARGER = 0
"""connectorId 0 is the charger as a whole (1.6 section 3.8); it is never shown as a connector."""

CORRECTED_AT_MOST = timedelta(seconds=60)
"""Time servers correct a running clock by less. What is further ahead was told by a clock that nobody had set."""

OF_THE_CHARGER = frozenset({"available", "unavailable", "faulted"})
"""The conditions that connector 0 may have (1.6 4.9)."""

BUSY = frozenset({"preparing", "charging", "suspended_ev", "suspended_evse", "finishing", "occupied"})
"""Conditions of a connector that somebody uses: a visit has begun."""


class News(Enum):
    """What a report brought."""

    CHANGED = "changed"
    """Another status, or the first one."""
    DETAILS = "details"
    """The same status with another error code, vendor code or info."""
    CONFIRMED = "confirmed"
    LATE = "late"
    LATE_AGAIN = "late_again"
    """The same late one as before."""
    TOO_MANY = "too_many_connectors"
    """It names one connector too many; nothing was kept of it."""


@dataclass(slots=True)
class Connector:
    """One connector: what is remembered of it, and how far it can be believed now."""

    record: ConnectorRecord
    meaning: Condition
    at: datetime
    source: str = "status_notification"
    stale: bool = False
    stale_since: datetime | None = None
    stale_reason: str | None = None
    delivered: bool | None = False
    newest: Newest = field(default_factory=Newest)
    late: StatusReported | None = None
    """The last report that was taken as one of the past, while no other came since."""
    late_skew_s: float = 0.0
    """Its time minus that of its receipt."""

    @property
    def condition(self) -> str:
        """The word."""
        return self.meaning.word

    def went_stale(self, reason: str, now: Moment) -> None:
        """Nobody confirms any more: keep the last known status, and say that it is old."""
        self.stale, self.stale_since, self.stale_reason, self.at = True, now.wall, reason, now.wall


@dataclass(slots=True)
class Connectors:
    """By OCPP 1.6 connectorId. `in_session` tells whether a session is open on one, `has` the ways of the charger."""

    in_session: Callable[[int], bool]
    has: Callable[[Trait], bool]
    _known: dict[int, Connector] = field(default_factory=dict)
    _last_visit: int = 0

    def restore(self, records: Iterable[ConnectorRecord], now: Moment) -> None:
        """What was remembered of before this process; whoever has reported since is known better."""
        for record in records:
            self._last_visit = max(self._last_visit, record.visit or 0)
            if record.connector_id in self._known:
                continue
            known = Connector(record, judged(record.report, self._around(record)), now.wall, "restored", delivered=None)
            known.went_stale("restored_after_restart", now)
            if record.report.reported_at is not None:
                known.newest.instant = min(record.report.reported_at, record.since)
            self._known[record.connector_id] = known

    def number_visits_after(self, number: int) -> None:
        """This visit is over, and a session remembers it."""
        self._last_visit = max(self._last_visit, number)

    def reported(
        self, report: StatusReported, now: Moment, source: str = "status_notification", skew_s: float = 0.0
    ) -> News:
        """Take a report in, of a charger whose clock is off by `skew_s`."""
        known = self._known.get(report.connector_id)
        if known is None:
            if len(self._known) >= MOST_CONNECTORS:
                return News.TOO_MANY
            record = ConnectorRecord(report, "", now.wall)
            record = self._visited(replace(record, condition=judged(report, self._around(record)).word), now)
            known = Connector(record, judged(report, self._around(record)), now.wall, source)
            known.newest.takes(report.reported_at, now, skew_s)
            self._known[report.connector_id] = known
            return News.CHANGED
        if source == "trigger":
            known.newest.instant = None
        before = known.record
        same_status = is_same_status(report, before.report)
        same = same_status and _details(report) == _details(before.report)
        if report.reported_at is not None and not known.newest.takes(report.reported_at, now, skew_s):
            again = known.late == report
            known.late, known.late_skew_s = report, (report.reported_at - now.wall).total_seconds()
            if not same and not known.stale:
                # It waited in a queue, or the clock was set back: until the next report nobody can tell.
                known.went_stale("clock", now)
            return News.LATE_AGAIN if again else News.LATE
        known.late = None
        known.at = now.wall
        known.source, known.stale, known.stale_since, known.stale_reason = source, False, None, None
        if same:
            return News.CONFIRMED
        known.delivered = False
        if same_status:
            known.record = replace(before, report=report)
            self._judge(known, now)
            return News.DETAILS
        self._move(known, report, now)
        return News.CHANGED

    def rejudge(self, connector_id: int, now: Moment) -> bool:
        """A session began or ended: does the status mean something else now?"""
        known = self._known.get(connector_id)
        return known is not None and self._judge(known, now)

    def ended(self, connector_id: int, now: Moment) -> bool:
        """A session ended here. True: the record changed."""
        known = self._known.get(connector_id)
        if known is None or known.record.ended or known.condition == "available":
            return False
        known.record = replace(known.record, ended=True)
        self._judge(known, now)
        return True

    def begun(self, connector_id: int | None, now: Moment) -> list[int]:
        """Somebody showed a tag, upstream started remotely, or a session began: here, or (None) anywhere.

        Returns the connectors whose record changed.
        """
        changed = []
        for known in self._known.values():
            if known.record.ended and connector_id in (None, known.record.connector_id):
                known.record = replace(known.record, ended=False)
                self._judge(known, now)
                changed.append(known.record.connector_id)
        return changed

    def delivered(self, report: StatusReported) -> bool:
        """Upstream answered this report. False when a newer one stands already, or it was known."""
        known = self._known.get(report.connector_id)
        if known is None or known.delivered or known.late is report:
            return False
        stands = known.record.report
        if not is_same_status(report, stands) or _details(report) != _details(stands):
            return False
        known.delivered = True
        return True

    def went_stale(self, reason: str, now: Moment) -> list[Connector]:
        """Nobody confirms any more; returns those that were believed until now."""
        fresh = [known for known in self._known.values() if not known.stale]
        for known in fresh:
            known.went_stale(reason, now)
        return fresh

    def came_back(self, now: Moment) -> None:
        """The charger is connected again, and has not told of its connectors yet."""
        for known in self._known.values():
            if known.stale_reason == "charger_offline":
                known.stale_reason, known.at = "unconfirmed", now.wall

    def begin_anew(self) -> None:
        """The charger restarted: what it reports next is about now, whatever its clock says."""
        for known in self._known.values():
            known.newest.instant = None
            known.late = None

    def held(self, skew_s: float) -> list[StatusReported]:
        """The charger's clock was set back, so that it is off by this: what looks late for that alone is about now."""
        held = [
            known.late
            for known in self._known.values()
            if known.late is not None and abs(known.late_skew_s - skew_s) <= PACE_TOLERANCE_S
        ]
        self.begin_anew()
        return held

    def get(self, connector_id: int) -> Connector | None:
        """One connector, None if it never reported."""
        return self._known.get(connector_id)

    def __iter__(self) -> Iterator[Connector]:
        return iter(list(self._known.values()))

    def ids(self) -> tuple[int, ...]:
        """The connectors that have reported, without connector 0, in order."""
        return tuple(sorted(connector for connector in self._known if connector != CHARGER))

    def _around(self, record: ConnectorRecord) -> Circumstances:
        return Circumstances(
            in_session=self.in_session(record.connector_id),
            ended=record.ended,
            available_while_plugged=self.has(Trait.AVAILABLE_WHILE_PLUGGED),
            occupied_as_in_1_5=self.has(Trait.OCCUPIED_AS_IN_1_5),
        )

    def _move(self, known: Connector, report: StatusReported, now: Moment) -> None:
        before = known.record
        found = None if report.connector_id == CHARGER else transition(before.report.status, report.status)
        free = _plain(report.status) == "available"
        record = replace(
            before,
            report=report,
            since=_later(before.since, now),
            previous=PreviousStatus(before.report.status, before.condition, before.since),
            ended=before.ended and not free,
            transition=found.code if found else None,
            unexpected=before.unexpected + (found is not None and not found.expected),
        )
        meaning = judged(report, self._around(record))
        known.record = self._visited(replace(record, condition=meaning.word), now)
        known.meaning = meaning

    def _judge(self, known: Connector, now: Moment) -> bool:
        """Is the condition another one now, under the same status? That is a change like any other."""
        before = known.record
        meaning = judged(before.report, self._around(before))
        changed = meaning != known.meaning
        known.meaning = meaning
        if meaning.word == before.condition:
            known.record = self._visited(before, now)
            return changed or known.record != before
        known.record = self._visited(
            replace(
                before,
                condition=meaning.word,
                since=_later(before.since, now),
                previous=PreviousStatus(before.report.status, before.condition, before.since),
                transition=None,
            ),
            now,
        )
        known.at = now.wall
        return True

    def _visited(self, record: ConnectorRecord, now: Moment) -> ConnectorRecord:
        """A visit begins when somebody uses the connector, and lasts until it is free."""
        if record.connector_id == CHARGER:
            return record
        plugged = judged(record.report, self._around(record)).plugged
        if record.condition == "available":
            return record if record.visit is None else replace(record, visit=None, plugged_at=None)
        if record.visit is None and record.condition in BUSY:
            self._last_visit = max(self._last_visit + 1, int(now.wall.timestamp()))
            record = replace(record, visit=self._last_visit)
        if record.visit is not None and record.plugged_at is None and plugged:
            record = replace(record, plugged_at=now.wall)
        return record


def is_same_status(one: StatusReported, other: StatusReported) -> bool:
    """Do both tell the same status? Letter case and surrounding blanks do not matter."""
    return _plain(one.status) == _plain(other.status)


def _plain(status: str) -> str:
    return status.strip().casefold()


def _details(report: StatusReported) -> tuple[str | None, ...]:
    return report.error_code.casefold(), in_words(report.info), report.vendor_id, report.vendor_error_code


def _later(before: datetime, now: Moment) -> datetime:
    """The time of a change: not before the one that it follows, unless the clock was plainly wrong then."""
    return before if now.wall < before <= now.wall + CORRECTED_AT_MOST else now.wall
