"""Which sessions of a charger are known, and which of them a message speaks of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.core.connectors import MOST_CONNECTORS
from gateway.core.memory import SessionRecord
from gateway.core.moment import Moment
from gateway.core.reports import TransactionStarted, TransactionStopped
from gateway.core.transaction import NO_ID, Transaction, names_one

MOST_ENDED_IDS = 50
"""Firmware goes on quoting the transaction that ended last, not those of last week."""

MOST_IN_VISIT = 10
"""Of one visit so many sessions learn when the cable was pulled; more than two are a car that is being tested."""


NEAR_S = 300.0
"""Status and end of a transaction are sent together; minimum durations and slow clocks move them minutes apart."""


@dataclass(slots=True)
class Ledger:
    """`open` has at most one session per connector. `ended` has those of the last visit that had any, in the order of
    their ends. `surplus` were open beside a newer one when they were read from the store."""

    open: dict[int, Transaction] = field(default_factory=dict)
    ended: dict[int, list[Transaction]] = field(default_factory=dict)
    surplus: list[Transaction] = field(default_factory=list)
    _ended_ids: deque[int] = field(default_factory=lambda: deque(maxlen=MOST_ENDED_IDS))
    _ends: deque[tuple[object, ...]] = field(default_factory=lambda: deque(maxlen=MOST_ENDED_IDS))
    """What tells a request that ended a session from others, of those whose session may not be kept any more."""
    _last_number: int = 0

    def restore(self, records: Iterable[SessionRecord]) -> None:
        """What was remembered before this process; what was learnt since is newer and stays."""
        known = {record.number for record in self.kept()}
        for record in sorted(records, key=lambda record: -record.number):
            self._last_number = max(self._last_number, record.number)
            if record.number in known:
                continue
            if not record.active:
                self._note_id(record.transaction_id)
                self.ended.setdefault(record.connector_id, [Transaction(record, record)])
                continue
            transaction = Transaction(record, record, stale=True, begun=record.started)
            if self.open.setdefault(record.connector_id, transaction) is not transaction:
                self.surplus.append(transaction)
        for one in self.all_ended():
            here = self.open.get(one.record.connector_id)
            if here is not None and one.awaits_end and here.record.transaction_id == one.record.transaction_id:
                one.is_carried_on = names_one(one.record.transaction_id)

    def kept(self) -> list[SessionRecord]:
        """The open session and the last one that ended, of each connector."""
        last = [ended[-1] for ended in self.ended.values()]
        return [transaction.record for transaction in (*last, *self.open.values())]

    def number(self, now: Moment) -> int:
        """The next one: it grows, and the clock keeps it unique where the store was lost."""
        self._last_number = max(self._last_number + 1, int(now.wall.timestamp()))
        return self._last_number

    def connectors(self) -> list[int]:
        """Those that ever had a session, as far as is known."""
        return sorted(self.open.keys() | self.ended.keys())

    def has_room_for(self, connector_id: int) -> bool:
        """May there be a session? connectorId 0 is the charger as a whole (1.6 3.8)."""
        known = self.connectors()
        return connector_id > 0 and (connector_id in known or len(known) < MOST_CONNECTORS)

    def shown(self, connector_id: int) -> Transaction:
        """The session whose state stands on MQTT for a connector of `connectors`: the open one, or the last."""
        return self.open.get(connector_id) or self.ended[connector_id][-1]

    def at(self, connector_id: int) -> list[Transaction]:
        """Every session that is kept of a connector."""
        here = self.open.get(connector_id)
        return [*self.ended.get(connector_id, []), *([here] if here is not None else [])]

    def given_up(self, connector_id: int, transaction_id: int | None) -> Transaction | None:
        """The last session there, if it has this id and was closed without an end that anybody told."""
        last = self.ended.get(connector_id, [])[-1:]
        found = [one for one in last if one.awaits_end and one.record.transaction_id == transaction_id]
        return found[0] if found and names_one(transaction_id) else None

    def all_ended(self) -> list[Transaction]:
        """Every one that is kept."""
        return [transaction for ended in self.ended.values() for transaction in ended]

    def has_ended(self, transaction_id: int | None) -> bool:
        """Is it the id of a session that ended lately?"""
        return transaction_id in self._ended_ids

    def took(self, report: TransactionStopped) -> None:
        """This request ended a session."""
        self._ends.append(_key(report))

    def has_taken(self, report: TransactionStopped) -> bool:
        """Has it been dealt with before, or what it speaks of?"""
        repeated = report.charger_ts is not None and _key(report) in self._ends
        return repeated or self.has_ended(report.transaction_id)

    def is_known(self, transaction_id: int) -> bool:
        """Is it the id of a session that is open, or ended lately?"""
        return self.has_ended(transaction_id) or bool(self._open_with(transaction_id))

    def close(self, transaction: Transaction) -> None:
        """It has ended."""
        connector = transaction.record.connector_id
        was_open = self.open.get(connector) is transaction
        if was_open:
            del self.open[connector]
        self.learnt_id(transaction)
        before, visit, ended = self.ended.get(connector, []), transaction.record.visit, transaction.record.ended
        last = before[-1].record.ended if before else None
        # The one that was open is what stands on MQTT, whatever the clocks say of its end.
        if not was_open and last is not None and ended is not None and ended < last:
            kept = [transaction, *before]
        else:
            kept = [*(one for one in before if visit is not None and one.record.visit == visit), transaction]
        self.ended[connector] = kept[-MOST_IN_VISIT:]

    def learnt_id(self, transaction: Transaction) -> None:
        """The id of one that has ended is known."""
        self._note_id(transaction.record.transaction_id)

    def begun_by(self, report: TransactionStarted, shown_tag: str | None) -> Transaction | None:
        """The session that this request began, if it is kept; the open one before those that ended."""
        here = [one for one in self.at(report.connector_id) if _has_begun(one.record, report, shown_tag)]
        return here[-1] if here else None

    def meant_by_end(self, report: TransactionStopped) -> Transaction | None:
        """The session that this request ends, or ended before.

        By its id, if there is one. Otherwise by what is left: the only one that was closed at about this time without
        an end that anybody told, the only open one, the only one closed like that at any time. Sessions with an id of
        their own are left out where the request names another one.
        """
        again = [one for one in self.all_ended() if one.ended_by(report)]
        if again:
            return again[-1]
        transaction_id = report.transaction_id
        named = self._open_with(transaction_id) or self._ended_with(transaction_id)
        if named:
            return named[-1]
        if self.has_taken(report):
            return None
        anybody = not names_one(transaction_id)
        going_on = list(self.open.values())
        unnumbered = [one for one in going_on if one.record.transaction_id is None]
        # Where another one has begun since, the end of the one before would have come first (1.6 3.7).
        closed = [one for one in self.all_ended() if one.awaits_end and one.record.connector_id not in self.open]
        closed = [one for one in closed if anybody or one.record.transaction_id is None]
        closed_then = [one for one in closed if _ended_about(one.record, report.stopped_at)]
        for candidates in (closed_then, unnumbered, going_on if anybody else [], closed):
            possible = [one for one in candidates if _may_end(one.record, report)]
            if len(possible) == 1:
                return possible[0]
        return None

    def _open_with(self, transaction_id: int | None) -> list[Transaction]:
        """Some upstreams give 0 to everybody: an id that two have names neither."""
        if transaction_id is None:
            return []
        mine = [one for one in self.open.values() if transaction_id in (one.record.transaction_id, one.quoted)]
        return mine if len(mine) == 1 else []

    def _ended_with(self, transaction_id: int | None) -> list[Transaction]:
        if not names_one(transaction_id):
            return []
        return [one for one in self.all_ended() if one.record.transaction_id == transaction_id]

    def _note_id(self, transaction_id: int | None) -> None:
        if names_one(transaction_id) and transaction_id is not None and transaction_id not in self._ended_ids:
            self._ended_ids.append(transaction_id)


def _key(report: TransactionStopped) -> tuple[object, ...]:
    return report.transaction_id, report.charger_ts, report.meter_stop_wh


def _has_begun(record: SessionRecord, report: TransactionStarted, shown_tag: str | None) -> bool:
    """Is this the request that began it? A charger that missed the answer repeats it with another message id."""
    return (record.connector_id, record.charger_ts, record.energy.start_wh, (record.id_tag or "").casefold()) == (
        report.connector_id,
        report.charger_ts,
        report.meter_start_wh,
        (shown_tag or "").casefold(),
    )


def _may_end(record: SessionRecord, report: TransactionStopped) -> bool:
    """Without an id that names it: did the end at least not come before the beginning?"""
    told = report.stopped_at
    return record.started is None or told is None or not record.start_told or told >= record.started


def _ended_about(record: SessionRecord, told: datetime | None) -> bool:
    """Is this its true end, by the time?"""
    return told is not None and record.ended is not None and abs((told - record.ended).total_seconds()) <= NEAR_S


def given_id(transaction: Transaction, told: int | None, *, accepted: bool) -> int | None:
    """The id of a session after upstream's answer. A repeated beginning may be given another one than before, and the
    charger may go by either."""
    before = transaction.record.transaction_id
    if told is None or abs(told) >= NO_ID or not (accepted or told > 0):
        return before
    if before is not None and before != told:
        transaction.quoted = before
    return told
