"""One OCPP transaction while it is kept in mind: its record, and what is needed to carry it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.core.energy import Energy, is_relative, read, stopped
from gateway.core.memory import ConnectorRecord, SessionRecord
from gateway.core.moment import Moment
from gateway.core.phases import (
    FORGOTTEN,
    IN_TRANSACTION,
    PREPARING,
    UNKNOWN_PHASE,
    begun_later,
    counted,
    cut,
    entered,
    phase_of,
    silent_since,
    was_in_transaction,
)
from gateway.core.readings import readings
from gateway.core.reports import MeterValue, TransactionStopped
from gateway.core.skew import Newest
from gateway.core.told import Happened, happened, in_order, is_late, is_off, last_of, moment_of

SESSION_EVERY_S = 60.0
"""What readings change is told and written at most this often: each time is a write to an SD card, and the meter topic
is live anyway."""

UNKNOWN = "unknown"
"""The stop reason of an end that nobody told."""

NO_ID = 2**63 - 1
"""Alfen says this for "none" (ocpp-go #188). Larger numbers do not fit a column of SQLite."""


def names_one(transaction_id: int | None) -> bool:
    """Does this id name a transaction? 0, -1 and other negative ones are said for "unknown" (1.6 errata 3.54)."""
    return transaction_id is not None and 0 < transaction_id < NO_ID


@dataclass(slots=True)
class Transaction:
    """`record` is what is known, `remembered` what of it is durable. `power_w` is of the newest reading.

    `stale`: nobody has spoken of it since the gateway started, or since the charger went away. `quoted` is an id of the
    charger's own making by which it speaks of it. `gone` is when a status said that the charger knows of no transaction
    there, `rebooted` when the charger restarted and has not spoken of it since. `first_condition` is that of the
    connector at the beginning, which was received at `begun`.
    """

    record: SessionRecord
    remembered: SessionRecord | None = None
    stale: bool = False
    power_w: float | None = None
    quoted: int | None = None
    gone: Moment | None = None
    rebooted: Moment | None = None
    first_condition: str | None = None
    begun: datetime | None = None
    is_history: bool = False
    """Told while the connector showed that it was over: a past that a queue brings."""
    grew: Moment | None = None
    """When its energy was last seen to grow."""
    proven: Moment | None = None
    """When the charger last showed that it goes on. Out of service, faulted or away it shows nothing."""
    skew_s: float | None = None
    """How far the charger's clock is off, as far as is known."""
    is_carried_on: bool = False
    """It was closed as `unknown`, and another session goes on where it ended."""
    newest: Newest = field(default_factory=Newest)
    _counted_at: float | None = None
    _gap: bool = False
    """The charger was away or restarted: what happened since is only known when it speaks of the session again."""
    _restarted: bool = False
    _began: tuple[datetime, datetime] | None = None
    """The beginning that the charger told, by the gateway's clock and in its own words."""
    _read_at: tuple[datetime | None, float] | None = None
    _told_at: float = 0.0
    _told_power_w: float | None = None
    _stop: TransactionStopped | None = None
    _open_energy: Energy | None = None
    """As it was before an end that nobody told: the true end may still come."""

    def began(self, now: Moment, when: Happened | None, told: datetime | None = None) -> None:
        """It is there from now on, or was from a time that the charger told."""
        self._counted_at = now.monotonic
        self.begun = now.wall
        told = told if when is not None else None
        self.newest.takes(told, now)
        self._read_at = (told, now.monotonic)
        if when is not None:
            self._began = (when.at, told or when.at)
            self.record = counted(self.record, max(0.0, (now.wall - when.at).total_seconds()))
        self.record = replace(self.record, counted_at=now.wall)

    def heard_by(self, skew_s: float | None) -> None:
        """The charger's clock is off by this. A beginning told by it before that was known is put right."""
        before, self.skew_s = self.skew_s, skew_s if skew_s is not None else self.skew_s
        if skew_s is None or not is_off(skew_s) or is_off(before) or self._began is None or self.begun is None:
            return
        at = min(self._began[1] - timedelta(seconds=skew_s), self.begun)
        later_s = (at - self._began[0]).total_seconds()
        if later_s > 0:
            self._began = (at, self._began[1])
            late = is_late(at, Moment(self.begun, 0.0))
            self.record = begun_later(self.record, at, later_s, late=late)
            if self.is_history and not late:
                self.is_history, self.gone = False, None

    def ended_by(self, report: TransactionStopped) -> bool:
        """Is this the request that ended it, once more? After a restart its id, time and register have to do."""
        if report.charger_ts is None or self.awaits_end or self.is_carried_on:
            return False
        if self._stop is not None:
            return self.was_stopped_by(report)
        record = self.record
        same_id = record.transaction_id == report.transaction_id or not names_one(report.transaction_id)
        same_end = report.stopped_at is not None and record.ended == report.stopped_at
        return same_id and same_end and record.energy.stop_wh == report.meter_stop_wh

    def was_stopped_by(self, report: TransactionStopped) -> bool:
        """Is this the last request in this process that ended it?"""
        return self._stop == _kept(report)

    def stopped_again(self, report: TransactionStopped) -> None:
        """The charger repeats the end: upstream's answer to this request counts as well."""
        self._stop = _kept(report)

    def is_meant_by(self, transaction_id: int | None) -> bool:
        """Does a message about this connector with this id speak of it?"""
        known = self.record.transaction_id
        return not names_one(transaction_id) or known is None or transaction_id in (known, self.quoted)

    def stood_before(self, record: ConnectorRecord) -> bool:
        """Is it the status under which the session began? Repeated, it says nothing new."""
        stood = self.begun is not None and record.since <= self.begun
        return stood and self.first_condition in (None, record.condition)

    def is_forgotten_by(self, place: ConnectorRecord) -> bool:
        """Does this status say that the charger knows of no transaction here?

        Preparing does where there was energy, or a restart of the charger: before, it is how a cable comes in.
        """
        if place.condition not in FORGOTTEN or self.stood_before(place):
            return False
        return place.condition != PREPARING or self._restarted or was_in_transaction(self.record)

    @property
    def name(self) -> str:
        """For the log."""
        record = self.record
        return f"session {record.number} (transaction {record.transaction_id}) on connector {record.connector_id}"

    @property
    def awaits_end(self) -> bool:
        """Was it closed without an end that anybody told, and may one come?"""
        closed = not self.record.active and self.record.stop_reason == UNKNOWN
        return closed and self._stop is None and not self.is_carried_on

    @property
    def duration_s(self) -> int | None:
        """How long it has lasted, as far as is counted; None where nobody saw the beginning."""
        return int(self.record.duration_s) if self.record.started is not None else None

    def count(self, now: Moment) -> None:
        """The time since it was last counted belongs to it, unless nobody has spoken of it."""
        if not self.stale and not self._gap:
            self._count(now)

    def witness(self, now: Moment) -> None:
        """Up to now the connector was as it was told: where that shows a transaction, this one went on."""
        name = phase_of(self.record)
        shows = name is None or name in IN_TRANSACTION or (name in FORGOTTEN and self.gone is None)
        if shows and not self._gap:
            self.proven = now

    def quoted_in(self, values: Sequence[MeterValue], now: Moment) -> None:
        """Readings show that it went on when they were taken."""
        when = happened(last_of(values), self.skew_s, now)
        at = moment_of(when.at, now) if when is not None else now
        if self.proven is None or at.monotonic > self.proven.monotonic:
            self.proven = at

    def confirm(self, now: Moment, condition: str | None = None) -> bool:
        """The charger spoke of it, and told the connector's condition or not. True: there is something to tell.

        Over a gap the time counts for a phase that goes on; where another one came back it is `unknown`. After a
        restart of the gateway alone it counts for the old one: a charger that is connected again tells what changed.
        """
        changed = condition is not None and condition != phase_of(self.record)
        told = changed or self.stale
        if changed and self._gap:
            self.record = entered(self.record, UNKNOWN_PHASE, self.record.counted_at or now.wall)
        if told or self._gap:
            self._count(now)
        self.stale = self._gap = False
        if changed and condition is not None:
            self.record = entered(self.record, condition, now.wall)
        if condition in IN_TRANSACTION:
            self.proven = now
        return told

    def settle_in(self, place: ConnectorRecord) -> bool:
        """The connector is in a transaction: its visit is that of this session, if it had none yet. True: it is now.

        Of a beginning that was told late, nobody saw the cable come in.
        """
        record = self.record
        plugged_at = None if record.started_late else place.plugged_at
        if place.visit is None or record.unplugged_at is not None or record.visit not in (None, place.visit):
            return False
        self.record = replace(record, visit=place.visit, plugged_at=record.plugged_at or plugged_at)
        return self.record != record

    def over(self, now: Moment) -> Moment | None:
        """When it was over, if the charger shows that it is: of a history, the last that was told."""
        when = happened(self.newest.instant, self.skew_s, now) if self.is_history else None
        return moment_of(when.at, now) if when is not None else self.gone or self.rebooted

    def went_away(self, now: Moment) -> bool:
        """The charger is offline. True: there is something to tell."""
        self.count(now)
        self.witness(now)
        told = not self.stale
        self.stale = self._gap = True
        self.power_w = None
        return told

    def restarted(self, now: Moment) -> None:
        """The charger booted: it may have forgotten the session, or resume it."""
        self.count(now)
        self.witness(now)
        self._gap = self._restarted = True
        self.rebooted = self.rebooted or now
        self.newest = Newest()

    def read(self, values: Sequence[MeterValue], now: Moment, *, relative: bool) -> tuple[list[str], bool]:
        """Readings of its connector: why registers were not used, and whether the meter is a session-relative one."""
        reasons = []
        for value in in_order(values):
            told = readings(value)
            signed = self.record.signed or told.signed
            if not self.newest.takes(value.sampled_at, now, self.skew_s or 0.0):
                self.record = replace(self.record, signed=signed)
                continue
            before = energy = self.record.energy
            if told.register_wh is not None:
                energy, reason = read(energy, told.register_wh, self._since_reading(value, now), relative=relative)
                reasons += [reason] if reason is not None else []
                relative = relative or is_relative(energy)
            if (energy.energy_wh or 0) > (before.energy_wh or 0):
                self.grew = now
            power_w, soc_pct = told.values.get("power_w"), told.values.get("soc_pct")
            seen_w = [it for it in (self.record.max_power_w, power_w) if it is not None]
            self.power_w = power_w if power_w is not None else self.power_w
            self.record = replace(
                self.record,
                energy=energy,
                signed=signed,
                max_power_w=max(seen_w, default=None),
                soc_start_pct=self.record.soc_start_pct if self.record.soc_start_pct is not None else soc_pct,
                soc_pct=soc_pct if soc_pct is not None else self.record.soc_pct,
            )
        return reasons, relative

    def end_told(self, report: TransactionStopped, now: Moment) -> str | None:
        """The charger ended it, or tells the true end of one that was closed as `unknown`: why a register was not used.

        An end before the beginning is no time at all, and that of receipt stands in its place.
        """
        when, started = happened(report.stopped_at, self.skew_s, now), self.record.started
        if when is not None and started is not None and when.shown < started:
            when = None
        if self.record.active:
            self._count(now)
        counted_s = self.record.duration_s
        if self.record.active:
            at = when or Happened(now.wall, now.wall)
            self._end(moment_of(at.at, now), at.shown, now)
        elif when is not None:
            self._move_end(when.shown)
        if when is not None and started is not None and self.record.start_told:
            self.record = replace(self.record, duration_s=self._told_s(when, report, started))
        # The charger's clock may have been set; without a time of the beginning nobody knows how long ago it was.
        lasted_s = max(counted_s, self.record.duration_s) if self.record.start_told else None
        energy, reason = stopped(self.record.energy, report.meter_stop_wh, lasted_s)
        self._stop = _kept(report)
        known = self.record.transaction_id
        self.record = replace(
            self.record,
            transaction_id=report.transaction_id if known is None and names_one(report.transaction_id) else known,
            energy=energy,
            stop_reason=report.reason,
            ended_late=when is not None and is_late(when.at, now),
            revision=self.record.revision + 1,
        )
        return reason

    def _told_s(self, when: Happened, report: TransactionStopped, started: datetime) -> float:
        """From beginning to end as the charger told them. Both clocks may have been set meanwhile: of what the one
        says and the other, the nearer to what was counted."""
        if self._began is None or report.stopped_at is None:
            return (when.shown - started).total_seconds()
        told_s = [(when.at - self._began[0]).total_seconds(), (report.stopped_at - self._began[1]).total_seconds()]
        return max(0.0, min(told_s, key=lambda seconds: abs(seconds - self.record.duration_s)))

    def reopen_energy(self) -> None:
        """The true end is being told: go on from the registers as they were."""
        if self._open_energy is not None:
            self.record = replace(self.record, energy=self._open_energy)
            self._open_energy = None

    def end_unknown(self, at: Moment, now: Moment) -> None:
        """The charger has forgotten it: it ended at about this time, and not after the last proof that it went on.
        What its last reading says has to do."""
        self._open_energy = self.record.energy
        energy, _ = stopped(self.record.energy, None)
        silent = silent_since(self.record)
        proven = self.proven or (moment_of(silent, now) if silent is not None else None)
        at = proven if proven is not None and proven.monotonic < at.monotonic else at
        self._end(at, at.wall, now)
        self.record = replace(self.record, energy=replace(energy, estimated=True), stop_reason=UNKNOWN, revision=1)

    def has_read_after(self, told: datetime | None) -> bool:
        """Is this of the past, by the readings that it had?"""
        return told is not None and self.newest.instant is not None and told < self.newest.instant

    def carried_on_by(self, record: SessionRecord, condition: str, now: Moment) -> Transaction:
        """Its end was told, and it goes on in this condition of the connector: as another session, with `record`."""
        self.is_carried_on = True
        other = Transaction(record, first_condition=condition, skew_s=self.skew_s, newest=self.newest)
        at = min(record.started or now.wall, now.wall)
        other.began(now, Happened(at, at))
        other._read_at, other._began = self._read_at, None
        other.confirm(now, condition)
        return other

    def correct(self, changed: SessionRecord) -> None:
        """Something is known after the end that was not known at the end."""
        self.record = replace(changed, revision=self.record.revision + 1)

    def wants_telling(self, now: Moment) -> bool:
        """Did readings change something, and is it time to tell?"""
        news = self.record != self.remembered or self.power_w != self._told_power_w
        return news and now.monotonic - self._told_at >= SESSION_EVERY_S

    def was_told(self, now: Moment) -> None:
        """It has just been published."""
        self._told_at, self._told_power_w = now.monotonic, self.power_w

    def _count(self, now: Moment) -> None:
        self.record = replace(counted(self.record, self._uncounted_s(now)), counted_at=now.wall)
        self._counted_at = now.monotonic

    def _uncounted_s(self, now: Moment) -> float:
        """By the monotonic clock, because the other one may be set; over a restart there is only the other one."""
        if self._counted_at is not None:
            return max(0.0, now.monotonic - self._counted_at)
        at = self.record.counted_at
        return max(0.0, (now.wall - at).total_seconds()) if at is not None else 0.0

    def _since_reading(self, value: MeterValue, now: Moment) -> float | None:
        """Seconds since the reading before, by the charger's clock or by that of receipt, whichever is more: what
        waited comes at once, and some chargers put the same time on all."""
        last, self._read_at = self._read_at, (value.sampled_at, now.monotonic)
        if last is None:
            return None
        elapsed_s = now.monotonic - last[1]
        if value.sampled_at is not None and last[0] is not None:
            elapsed_s = max(elapsed_s, (value.sampled_at - last[0]).total_seconds())
        return max(0.0, elapsed_s)

    def _end(self, at: Moment, ended: datetime, now: Moment) -> None:
        self._count(now)
        self.stale = self._gap = False
        self.power_w = self.gone = self.rebooted = self.begun = None
        self.record = cut(self.record, now.monotonic - at.monotonic)
        started = self.record.started
        if started is not None and ended < started:
            # The gateway's clock was set back meanwhile; the seconds were counted all the same.
            ended = started + timedelta(seconds=self.record.duration_s)
        self.record = replace(self.record, ended=ended)

    def _move_end(self, ended: datetime) -> None:
        """From where it was estimated."""
        before = self.record.ended or ended
        later_s = (ended - before).total_seconds()
        self.record = cut(self.record, -later_s) if later_s < 0 else self.record
        duration_s = self.record.duration_s + max(0.0, later_s)
        self.record = replace(self.record, ended=ended, duration_s=duration_s)


def _kept(report: TransactionStopped) -> TransactionStopped:
    """What is kept of it to know it again: no tag, not its readings, and the time in the charger's own words only."""
    return replace(report, id_tag=None, values=(), stopped_at=None)
