"""The faults and warnings of one charger, each with one number from the report that raises it until 5 s after its end.

OCPP 1.6 has no message that ends one of several errors (section 4.9). So: Faulted raises an error, any other status
with an error code a warning; the first status other than Faulted ends the errors, NoError ends the warnings as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf
from typing import Final

from gateway.core.condition import FAULTED, condition_of, in_words
from gateway.core.effects import Arm, Disarm, Effect, Level, Note, Publish, Remember
from gateway.core.facts import FaultChanged, Faults
from gateway.core.meanings import fault_text
from gateway.core.memory import FaultRecord
from gateway.core.moment import Moment
from gateway.core.redact import excerpt
from gateway.core.reports import NO_ERROR, StatusReported

CLEAR_AFTER_S: Final = 5.0
"""A loose contact comes and goes within seconds: that is one fault, and nobody is told of an end that was none."""

MOST_OPEN: Final = 32
"""Broken firmware makes a new maker's code with each message. No charger has as many faults, and the retained list of
them stays far below any broker's limit."""

TIMER_KEY: Final = "faults"
"""Timer: a clear has stood long enough."""

ERROR: Final = "error"
WARNING: Final = "warning"

UNKNOWN: Final = "Unknown"
"""The code of Faulted with NoError: something is wrong, and the charger does not say what."""

BY_STATUS: Final = "status_notification"
TOO_MANY: Final = "too_many"


@dataclass(slots=True)
class _Open:
    """A fault that lasts. `told` is what was made durable and published of it, `record` what is known by now.

    `named`: the connector's last report carried its code. `due_at` is the monotonic time at which its end is told.
    """

    record: FaultRecord
    told: FaultRecord
    named: bool = True
    ended: datetime | None = None
    due_at: float | None = None

    @property
    def lasts(self) -> bool:
        """Has no report ended it?"""
        return self.due_at is None

    def end(self, at: datetime, due_at: float) -> None:
        """A report ends it, which is told at `due_at`. The first end counts."""
        self.named = False
        if self.lasts:
            # The wall clock may have been set back meanwhile.
            self.ended = max(at, self.record.last_seen)
            self.due_at = due_at

    def seen(self, now: Moment) -> None:
        """A report confirms it."""
        self.record = replace(self.record, last_seen=max(now.wall, self.record.last_seen))


@dataclass(slots=True)
class _Change:
    """Something to tell: the fault was `raised`, `updated` or `cleared`. `alarm`: an error begins."""

    kind: str
    fault: _Open
    alarm: bool = False


@dataclass(slots=True)
class ActiveFaults:
    """The faults of the station `charger` (its slug), connector 0 included, those whose end is not told yet as well.

    `occurrences` counts how often the reports of the connector came to carry the code. It and `last_seen` move in
    memory; they are written and published with the next change of the fault.
    """

    charger: str
    _open: dict[int, _Open] = field(default_factory=dict)
    _last_number: int = 0
    _last_cleared: FaultRecord | None = None
    _armed: float | None = None

    def restore(self, records: Iterable[FaultRecord]) -> None:
        """Take up those that last from before this process, and number the new ones above all of these.

        The store may come late: one that was raised anew meanwhile ends with the next event, its number is not used on.
        """
        known = {_key_of(fault.record) for fault in self._open.values()}
        for record in records:
            if record.number > self._last_number:
                self._last_number, self._last_cleared = record.number, record
            if record.cleared is None and record.number not in self._open:
                fault = self._open[record.number] = _Open(record, record)
                if _key_of(record) in known:
                    fault.end(record.last_seen, -inf)
                known.add(_key_of(record))

    def reported(
        self, report: StatusReported, status_before: str | None, transaction_id: int | None, now: Moment
    ) -> list[Effect]:
        """Take a report in. `status_before` is the raw status of the connector until now, the transaction its open one.

        What is told: a fault with a code of its own, an error become a warning and the reverse, other words in `info`.
        Figures in `info` are measurements, and would make an event of each message; `info` left out says nothing new.
        """
        changes = self._settled(now)
        faulted, named = condition_of(report.status) == FAULTED, _names_error(report)
        fault = self._meant(report, faulted) if named else None
        confirmed = self._ending(report.connector_id, fault, faulted, named, now)
        if faulted and not named and not confirmed:
            fault = self._nameless_again(report)
        if fault is not None:
            changes += self._again(fault, report, faulted, status_before, transaction_id, now)
        elif named or (faulted and not confirmed):
            changes += self._raised(report, faulted, status_before, transaction_id, now)
        return self._told(changes, now)

    def timer(self, now: Moment) -> list[Effect]:
        """The timer is due: tell the ends that stood for 5 s."""
        self._armed = None
        return self._told(self._settled(now), now)

    def settle_all(self, now: Moment) -> list[Effect]:
        """The daemon stops, or the charger is forgotten: tell every end at once."""
        return self._told(self._settled(now, at_once=True), now)

    def active(self, connector_id: int) -> bool:
        """Has this connector a fault or warning whose end was not told?"""
        return any(self._at(connector_id))

    def of(self, connector_id: int) -> list[FaultRecord]:
        """Faults and warnings of a connector, oldest first, with what is known by now."""
        return [fault.record for fault in self._at(connector_id)]

    def lasting(self) -> list[FaultRecord]:
        """All of them, oldest first, in the form that is durable."""
        return [fault.told for _, fault in sorted(self._open.items())]

    def kept(self) -> list[FaultRecord]:
        """What is remembered: those of `lasting`, and the newest of all, whose number is not given a second time."""
        newest = self._last_cleared
        is_over = newest is not None and newest.number == self._last_number and newest.number not in self._open
        return [*self.lasting(), newest] if newest is not None and is_over else self.lasting()

    def worst(self) -> str | None:
        """`error`, `warning`, or None."""
        severities = {fault.record.severity for fault in self._open.values()}
        return ERROR if ERROR in severities else WARNING if severities else None

    def state(self, now: Moment, stale: bool) -> Faults:
        """The list, in the form that is durable."""
        return Faults(now.wall, self.charger, tuple(self.lasting()), stale)

    def _at(self, connector_id: int) -> Iterator[_Open]:
        ordered = (fault for _, fault in sorted(self._open.items()))
        return (fault for fault in ordered if fault.record.connector_id == connector_id)

    def _meant(self, report: StatusReported, faulted: bool) -> _Open | None:
        """The open fault with the code of the report; or the error without a name, which has one now."""
        code, vendor_id, vendor_code = report.error_code, report.vendor_id, report.vendor_error_code
        key = _key(report.connector_id, code, vendor_id, vendor_code)
        nameless = None
        for fault in self._at(report.connector_id):
            if _key_of(fault.record) == key:
                return fault
            if faulted and fault.lasts and _is_nameless(fault):
                nameless = fault
        return nameless

    def _nameless_again(self, report: StatusReported) -> _Open | None:
        """The error without a name that is back before its end was told."""
        key = _key(report.connector_id, UNKNOWN, report.vendor_id, report.vendor_error_code)
        at_connector = self._at(report.connector_id)
        return next((fault for fault in at_connector if _is_nameless(fault) or _key_of(fault.record) == key), None)

    def _ending(self, connector_id: int, spared: _Open | None, faulted: bool, named: bool, now: Moment) -> bool:
        """End what this report ends of a connector, `spared` apart. Does it confirm an error without naming any?"""
        confirmed = False
        for fault in self._at(connector_id):
            if fault is spared:
                continue
            if _is_ended(fault, spared, faulted, named):
                fault.end(now.wall, now.monotonic + CLEAR_AFTER_S)
            elif fault.record.severity == ERROR and not named and fault.lasts:
                fault.seen(now)
                confirmed = True
            else:
                fault.named = False
        return confirmed

    def _raised(
        self, report: StatusReported, faulted: bool, before: str | None, transaction_id: int | None, now: Moment
    ) -> list[_Change]:
        self._last_number = max(self._last_number + 1, int(now.wall.timestamp()))
        record = FaultRecord(
            number=self._last_number,
            connector_id=report.connector_id,
            code=report.error_code.strip() if _names_error(report) else UNKNOWN,
            vendor_id=report.vendor_id,
            vendor_error_code=report.vendor_error_code,
            info=report.info,
            severity=ERROR if faulted else WARNING,
            raised=now.wall,
            last_seen=now.wall,
            pre_fault_status=self._pre_fault(report.connector_id, before) if faulted else None,
            transaction_id=transaction_id,
        )
        fault = self._open[record.number] = _Open(record, record)
        return [_Change("raised", fault, alarm=faulted), *self._crowded_out(fault, now)]

    def _again(
        self,
        fault: _Open,
        report: StatusReported,
        faulted: bool,
        before: str | None,
        transaction_id: int | None,
        now: Moment,
    ) -> list[_Change]:
        """A fault that is open is reported again, maybe as worse or better than it was, or by its name for once."""
        if not fault.named:
            fault.record = replace(fault.record, occurrences=fault.record.occurrences + 1)
        fault.named, fault.ended, fault.due_at = True, None, None
        fault.seen(now)
        old = fault.record
        new = replace(old, info=report.info or old.info, severity=ERROR if faulted else WARNING)
        alarm = faulted and old.severity != ERROR
        if alarm:
            pre_fault = self._pre_fault(report.connector_id, before)
            transaction = transaction_id if old.transaction_id is None else old.transaction_id
            new = replace(new, pre_fault_status=pre_fault, transaction_id=transaction)
        if _is_nameless(fault) and _names_error(report):
            code, vendor_code = report.error_code.strip(), report.vendor_error_code
            new = replace(new, code=code, vendor_id=report.vendor_id, vendor_error_code=vendor_code)
        fault.record = new
        is_same = (new.severity, new.code, in_words(new.info)) == (old.severity, old.code, in_words(old.info))
        return [] if is_same else [_Change("updated", fault, alarm)]

    def _pre_fault(self, connector_id: int, before: str | None) -> str | None:
        """The status before Faulted: that of an error already there when it is Faulted for longer."""
        if before is not None and condition_of(before) != FAULTED:
            return before
        known = (fault.record.pre_fault_status for fault in self._at(connector_id))
        return next((status for status in known if status is not None), None)

    def _crowded_out(self, newest: _Open, now: Moment) -> list[_Change]:
        """Past the limit one goes: what has ended, else the oldest warning, else an error, of this connector first."""
        if len(self._open) <= MOST_OPEN:
            return []
        connector_id = newest.record.connector_id
        _, _, _, number = min(
            (fault.lasts, fault.record.severity == ERROR, fault.record.connector_id != connector_id, number)
            for number, fault in self._open.items()
            if fault is not newest
        )
        return [self._cleared(number, now)]

    def _settled(self, now: Moment, *, at_once: bool = False) -> list[_Change]:
        due = [
            number
            for number, fault in sorted(self._open.items())
            if fault.due_at is not None and (at_once or fault.due_at <= now.monotonic)
        ]
        return [self._cleared(number, now) for number in due]

    def _cleared(self, number: int, now: Moment) -> _Change:
        """Take it off the list; one that no report has ended is crowded out now."""
        fault = self._open.pop(number)
        ended = fault.ended or max(now.wall, fault.record.last_seen)
        by = TOO_MANY if fault.lasts else BY_STATUS
        fault.record = replace(fault.record, cleared=ended, cleared_by=by)
        if number == self._last_number:
            self._last_cleared = fault.record
        return _Change("cleared", fault)

    def _told(self, changes: list[_Change], now: Moment) -> list[Effect]:
        """What is told is durable first, and the whole list is told once."""
        effects: list[Effect] = []
        for change in changes:
            change.fault.told = change.fault.record
            effects.append(Remember(change.fault.record))
        for change in changes:
            record = change.fault.record
            effects.append(Publish(FaultChanged(record.cleared or now.wall, self.charger, change.kind, record)))
        if changes:
            effects.append(Publish(self.state(now, stale=False)))
        return [*effects, *map(_note, changes), *self._clocked(now)]

    def _clocked(self, now: Moment) -> list[Effect]:
        """Keep the timer at the next end that is to be told."""
        due_at = min((fault.due_at for fault in self._open.values() if fault.due_at is not None), default=None)
        if due_at == self._armed:
            return []
        self._armed = due_at
        return [Disarm(TIMER_KEY) if due_at is None else Arm(TIMER_KEY, due_at - now.monotonic)]


def _key(connector_id: int, *words: str | None) -> tuple[int | str, ...]:
    """What makes two faults one. An empty text is an absent one."""
    return (connector_id, *(_folded(text) for text in words))


def _key_of(record: FaultRecord) -> tuple[int | str, ...]:
    return _key(record.connector_id, record.code, record.vendor_id, record.vendor_error_code)


def _folded(text: str | None) -> str:
    """Letter case does not matter in OCPP's texts (`CiString`)."""
    return (text or "").strip().casefold()


def _names_error(report: StatusReported) -> bool:
    return _folded(report.error_code) not in ("", NO_ERROR.casefold())


def _is_nameless(fault: _Open) -> bool:
    return fault.record.severity == ERROR and fault.record.code == UNKNOWN


def _is_ended(fault: _Open, spared: _Open | None, faulted: bool, named: bool) -> bool:
    """Does a report end this one, which it does not name? `spared` is the one that it names, if that is open."""
    if fault.record.severity != ERROR:
        return not named
    # An error without a name that has one now is not a second error.
    return not faulted or (spared is not None and _is_nameless(fault))


def _note(change: _Change) -> Note:
    record = change.fault.record
    code, vendor_code = excerpt(record.code, 40), excerpt(record.vendor_error_code or "", 40) or None
    where = f"connector {record.connector_id}" if record.connector_id else "the whole charger"
    fields = {
        "CONNECTOR": str(record.connector_id),
        "ERROR_CODE": code,
        "VENDOR_ERROR_CODE": vendor_code or "",
        "SEVERITY": record.severity,
    }
    if record.cleared_by == TOO_MANY:
        text = f"more than {MOST_OPEN} faults at once, {code} of {where} is no longer listed: update the firmware"
        return Note("too_many_faults", text, Level.WARNING, fields)
    text = f"{record.severity} {code} at {where}"
    if change.kind == "cleared":
        return Note("fault_cleared", f"{text} is over", Level.INFO, fields)
    level = Level.WARNING if change.alarm else Level.INFO
    verb = "" if change.kind == "raised" else " has changed"
    return Note(f"fault_{change.kind}", f"{text}{verb}: {fault_text(code, vendor_code)}", level, fields)
