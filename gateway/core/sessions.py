"""The sessions of one charger: one per OCPP transaction, at most one open on each connector.

Chargers repeat requests, name ids that nobody gave, and forget transactions. What a message speaks of is decided here;
how one session goes on is in `transaction`. Every end is told once (`ended`); what is learnt later is `corrected`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.core.effects import Arm, Disarm, Effect, Level, Note, Publish, Remember
from gateway.core.energy import Energy, begun
from gateway.core.facts import SessionChanged, SessionState
from gateway.core.ledger import Ledger, given_id
from gateway.core.memory import ConnectorRecord, SessionRecord
from gateway.core.moment import Moment
from gateway.core.phases import FORGOTTEN, IN_TRANSACTION, UNKNOWN_PHASE, entered
from gateway.core.redact import excerpt
from gateway.core.reports import MeterReported, MeterValue, TransactionNumbered, TransactionStarted, TransactionStopped
from gateway.core.tags import Tags
from gateway.core.told import happened, is_late, last_of, moment_of
from gateway.core.transaction import NO_ID, Transaction, names_one
from gateway.core.unseen import adopted, going_on, only_ended

FORGOTTEN_AFTER_S = 300.0
"""A status may overtake the end of the transaction (1.6 3.7), which is repeated after 60 s and again after 120 s."""

RESUMED_WITHIN_S = 900.0
"""After a restart a charger reports every connector as soon as it is accepted, and is asked to after 60 s. One whose
registration is pending comes back within minutes."""

_FORGOTTEN_KEY, _RESUMED_KEY = "forgotten:", "session:"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connector stands: its visit since `plugged_at`, and its condition."""

    visit: int | None
    plugged_at: datetime | None
    condition: str


@dataclass(slots=True)
class Sessions:
    """Of the station `charger` (its slug), which calls itself `identity`. `relative_meter`: its meter values count from
    the beginning of each session. Each method returns what is to be remembered and published."""

    charger: str
    identity: str
    tags: Tags
    relative_meter: bool = False
    _ledger: Ledger = field(default_factory=Ledger)
    _places: dict[int, ConnectorRecord] = field(default_factory=dict)

    def restore(self, records: Iterable[SessionRecord]) -> None:
        """What was remembered before this process; what was learnt since is newer and stays."""
        self._ledger.restore(records)

    def announce(self, now: Moment) -> list[Effect]:
        """The daemon starts: tell what is known from before. Of two open on a connector the older one is over."""
        effects: list[Effect] = []
        surplus, self._ledger.surplus = self._ledger.surplus, []
        for transaction in surplus:
            at = transaction.record.counted_at or transaction.record.started or now.wall
            effects += self._ended_unknown(transaction, moment_of(at, now), now)
        for connector in self._ledger.connectors():
            effects += self._tell(self._ledger.shown(connector), now)
        return effects

    def kept(self) -> list[SessionRecord]:
        """The open session and the last one that ended, of each connector."""
        return self._ledger.kept()

    def open_on(self, connector_id: int) -> SessionRecord | None:
        """The session that goes on there."""
        transaction = self._ledger.open.get(connector_id)
        return transaction.record if transaction is not None else None

    def transaction_on(self, connector_id: int) -> int | None:
        """The id of the session that goes on there, None too where it is not known."""
        record = self.open_on(connector_id)
        return record.transaction_id if record is not None else None

    def is_known(self, transaction_id: int) -> bool:
        """Is it the id of a session that is open, or ended lately?"""
        return self._ledger.is_known(transaction_id)

    def started(
        self, report: TransactionStarted, place: Place, now: Moment, skew_s: float | None = None
    ) -> list[Effect]:
        """The charger, whose clock is off by `skew_s`, began a transaction, or repeats that it did."""
        connector, shown_tag = report.connector_id, self.tags.shown(report.id_tag)
        if not self._ledger.has_room_for(connector):
            text = f"a transaction on connector {connector}, which no charger has, is not followed"
            return [Note("start_on_no_connector", text, Level.WARNING)]
        before = self._ledger.begun_by(report, shown_tag)
        # Without a time in it, a request equal to that of a session which is over begins another one.
        if before is not None and (before.record.active or report.charger_ts is not None):
            return self._tell(before, now) if before.record.active and before.confirm(now) else []
        when = happened(report.started_at, skew_s, now)
        at, started = (when.at, when.shown) if when is not None else (now.wall, now.wall)
        late = is_late(at, now)
        effects = self._make_way(connector, at, now)
        # Of a past that is being told now, the cable of today is no part.
        same_visit = not late or (place.plugged_at is not None and place.plugged_at <= at)
        record = SessionRecord(
            number=self._ledger.number(now),
            connector_id=connector,
            energy=begun(report.meter_start_wh),
            id_tag=shown_tag,
            started=started,
            charger_ts=report.charger_ts,
            visit=place.visit if same_visit else None,
            plugged_at=place.plugged_at if same_visit else None,
            started_late=late,
            start_told=when is not None,
        )
        history = late and place.condition in FORGOTTEN
        record = record if history else entered(record, place.condition, started)
        transaction = Transaction(record, first_condition=place.condition, is_history=history, skew_s=skew_s)
        transaction.began(now, when, report.started_at)
        self._ledger.open[connector] = transaction
        if history:
            # The connector's status told all that it will: the end is in the same queue, or lost.
            effects += self._watch(transaction, now)
        return [*effects, *self._tell(transaction, now, "started")]

    def numbered(self, report: TransactionStarted, answer: TransactionNumbered, now: Moment) -> list[Effect]:
        """Upstream answered a beginning. It must give an id even where it refuses (1.6 4.8); some give 0 then."""
        transaction = self._ledger.begun_by(report, self.tags.shown(report.id_tag))
        if transaction is None:
            return []
        accepted = (answer.status or "").strip().casefold() == "accepted"
        effects: list[Effect] = []
        if not accepted:
            name, status = transaction.name, excerpt(answer.status or "no status", 40)
            text = f"upstream answered the beginning of {name} with {status}: it goes on until the charger ends it"
            effects.append(Note("start_refused", text))
        transaction_id = given_id(transaction, answer.transaction_id, accepted=accepted)
        return effects + self._learn(
            transaction, replace(transaction.record, transaction_id=transaction_id, start_delivered=True), now
        )

    def stopped(
        self, report: TransactionStopped, connectors: Collection[int], now: Moment, skew_s: float | None = None
    ) -> list[Effect]:
        """The charger ended a transaction, and does not say where. `connectors` are those that reported a status."""
        when = happened(report.stopped_at, skew_s, now)
        shown = when.shown if when is not None else None
        transaction = self._ledger.meant_by_end(replace(report, stopped_at=shown))
        if transaction is None:
            known = self._ledger.has_taken(report)
            there = sorted({*connectors, *self._ledger.connectors()} - {0})
            return [] if known else self._unseen(report, there, now, skew_s)
        if not transaction.record.active and not transaction.awaits_end:
            transaction.stopped_again(report)
            return []
        self._ledger.took(report)
        transaction.heard_by(skew_s)
        transaction.reopen_energy()
        effects = self._read(transaction, report.values, now)
        was_open = transaction.record.active
        reason = transaction.end_told(report, now)
        if reason is not None:
            effects.append(self._unused(transaction, reason))
        if was_open:
            return effects + self._closed(transaction, now)
        self._ledger.learnt_id(transaction)
        return effects + self._tell(transaction, now, "corrected")

    def stop_delivered(self, report: TransactionStopped, now: Moment) -> list[Effect]:
        """Upstream answered an end."""
        effects: list[Effect] = []
        for transaction in self._ledger.all_ended():
            if transaction.was_stopped_by(report):
                effects += self._learn(transaction, replace(transaction.record, stop_delivered=True), now)
        return effects

    def metered(self, report: MeterReported, now: Moment, skew_s: float | None = None) -> list[Effect]:
        """Readings of a connector: of its session, of one that ended, or of one that nobody saw begin."""
        quoted = report.transaction_id
        transaction = self._ledger.open.get(report.connector_id)
        if transaction is None:
            return self._met(report, now, skew_s)
        record = transaction.record
        elsewhere = quoted is not None and quoted != record.transaction_id and self.is_known(quoted)
        if elsewhere or not transaction.is_meant_by(quoted):
            return []
        if quoted is not None and names_one(quoted) and record.transaction_id is None:
            transaction.record = replace(record, transaction_id=quoted)
        elif quoted is not None and -NO_ID < quoted < -1:
            transaction.quoted = quoted
        transaction.heard_by(skew_s)
        effects = self._read(transaction, report.values, now)
        news = transaction.record.transaction_id != record.transaction_id
        # Chargers read their meters without a transaction too.
        if names_one(quoted) or transaction.grew == now:
            effects += self._resumed(transaction)
            transaction.quoted_in(report.values, now)
            news = transaction.confirm(now) or news
        return effects + (self._tell(transaction, now) if news or transaction.wants_telling(now) else [])

    def status(self, record: ConnectorRecord, now: Moment) -> list[Effect]:
        """The connector's status was confirmed or changed."""
        connector = record.connector_id
        self._places[connector] = record
        transaction = self._ledger.open.get(connector)
        if transaction is None or (transaction.is_history and record.condition in FORGOTTEN):
            return []
        transaction.witness(now)
        effects = self._resumed(transaction)
        if record.condition not in FORGOTTEN:
            transaction.is_history = False
            if transaction.gone is not None:
                transaction.gone = None
                effects.append(Disarm(f"{_FORGOTTEN_KEY}{connector}"))
        elif transaction.gone is None and transaction.is_forgotten_by(record):
            # A status that stands since before a restart of the gateway is confirmed here.
            effects += self._watch(transaction, moment_of(min(record.since, now.wall), now))
        settled = record.condition in IN_TRANSACTION and transaction.settle_in(record)
        news = transaction.confirm(now, record.condition) or settled
        return effects + (self._tell(transaction, now) if news else [])

    def unplugged(self, connector_id: int, now: Moment, visit: int | None = None) -> list[Effect]:
        """A visit ended (None: the last one that had sessions): its sessions learn when the cable was pulled."""
        effects: list[Effect] = []
        sessions = self._ledger.at(connector_id)
        last = next((one.record.visit for one in reversed(sessions) if one.record.visit is not None), None)
        for transaction in sessions:
            record = transaction.record
            if record.unplugged_at is None and record.visit is not None and record.visit == (visit or last):
                effects += self._learn(transaction, replace(record, unplugged_at=now.wall), now)
        return effects

    def booted(self, now: Moment) -> list[Effect]:
        """The charger restarted. Its sessions stay open, because some resume and others end them late; one of which
        nothing is heard for `RESUMED_WITHIN_S` ended with the restart."""
        for transaction in self._ledger.open.values():
            transaction.restarted(now)
        return [Arm(f"{_RESUMED_KEY}{connector}", RESUMED_WITHIN_S) for connector in self._ledger.open]

    def clock_set_back(self) -> None:
        """The charger's clock was: readings that look old by it are of now."""
        for transaction in self._ledger.open.values():
            transaction.newest.instant = None

    def went_offline(self, now: Moment) -> list[Effect]:
        """The charger is away: time is counted up to here, and on when it speaks of the session again."""
        effects: list[Effect] = []
        for transaction in self._ledger.open.values():
            if transaction.went_away(now):
                effects += self._tell(transaction, now)
        return effects

    def timer(self, key: str, now: Moment) -> list[Effect] | None:
        """One of the timers of sessions is due; None: it is no such timer."""
        prefix, colon, connector = key.partition(":")
        if prefix + colon not in (_FORGOTTEN_KEY, _RESUMED_KEY) or not connector.isdecimal():
            return None
        transaction = self._ledger.open.get(int(connector))
        if transaction is None:
            return []
        if prefix + colon == _RESUMED_KEY:
            return self._not_resumed(key, transaction, now)
        return self._forgotten(key, transaction, now)

    def _resumed(self, transaction: Transaction) -> list[Effect]:
        """The charger speaks of the connector again after its restart."""
        if transaction.rebooted is None:
            return []
        transaction.rebooted = None
        return [Disarm(f"{_RESUMED_KEY}{transaction.record.connector_id}")]

    def _not_resumed(self, key: str, transaction: Transaction, now: Moment) -> list[Effect]:
        if transaction.rebooted is None:
            return []
        if transaction.stale:
            # The charger is away: it cannot speak of anything.
            return [Arm(key, RESUMED_WITHIN_S)]
        return self._ended_unknown(transaction, transaction.rebooted, now)

    def _forgotten(self, key: str, transaction: Transaction, now: Moment) -> list[Effect]:
        over, grew = transaction.over(now), transaction.grew
        if transaction.gone is None or over is None:
            return []
        if grew is not None and now.monotonic - grew.monotonic < FORGOTTEN_AFTER_S:
            # Some chargers are stuck in Preparing while they charge.
            transaction.gone = grew
            return [Arm(key, FORGOTTEN_AFTER_S - (now.monotonic - grew.monotonic))]
        return self._ended_unknown(transaction, over, now)

    def _watch(self, transaction: Transaction, since: Moment) -> list[Effect]:
        """The charger's status knows of no transaction: unless it says so otherwise, this one is over."""
        transaction.gone = since
        return [Arm(f"{_FORGOTTEN_KEY}{transaction.record.connector_id}", FORGOTTEN_AFTER_S)]

    def _make_way(self, connector_id: int, at: datetime, now: Moment) -> list[Effect]:
        """Another transaction begins: the one that was open there is over, at the latest now."""
        transaction = self._ledger.open.get(connector_id)
        if transaction is None:
            return []
        transaction.witness(now)
        over = transaction.over(now) or moment_of(min(at, now.wall), now)
        return self._ended_unknown(transaction, over, now)

    def _unseen(self, report: TransactionStopped, there: list[int], now: Moment, skew_s: float | None) -> list[Effect]:
        """The end of a transaction that nobody saw begin: known of it is the end, if it is clear where it was."""
        if len(there) != 1 or not self._ledger.has_room_for(there[0]):
            shown = excerpt(str(report.transaction_id), 24)
            text = f"the charger ended transaction {shown}, which nobody saw begin, and does not say on which connector"
            return [Note("end_of_unknown", text, Level.WARNING)]
        record = only_ended(self._ledger.number(now), there[0], report, self.tags.shown(report.id_tag))
        self._ledger.took(report)
        transaction = Transaction(record, skew_s=skew_s)
        transaction.began(now, None)
        transaction.end_told(report, now)
        energy = Energy(stop_wh=report.meter_stop_wh, estimated=True)
        transaction.record = replace(transaction.record, energy=energy)
        text = f"the charger ended {transaction.name}, which nobody saw begin: its energy is not known"
        return [Note("session_unseen", text), *self._closed(transaction, now)]

    def _met(self, report: MeterReported, now: Moment, skew_s: float | None) -> list[Effect]:
        """Readings where no session is open: of a transaction that goes on, or of one that is over."""
        connector, quoted, told = report.connector_id, report.transaction_id, last_of(report.values)
        place = self._places.get(connector)
        condition = place.condition if place is not None else UNKNOWN_PHASE
        dead = self._ledger.given_up(connector, quoted)
        if dead is not None and place is not None:
            if condition not in IN_TRANSACTION or dead.has_read_after(told):
                return []
            record = going_on(self._ledger.number(now), dead.record, place)
            transaction = dead.carried_on_by(record, condition, now)
            note = Note("session_resumed", f"{transaction.name} goes on: the one before was given up too early")
        else:
            when = happened(told, skew_s, now)
            # Where the status does not tell, what waited in a queue is of the past.
            over = condition in FORGOTTEN or (when is not None and is_late(when.at, now))
            is_new = quoted is not None and names_one(quoted) and not self.is_known(quoted)
            if not is_new or not self._ledger.has_room_for(connector) or (over and condition not in IN_TRANSACTION):
                return []
            transaction = Transaction(adopted(self._ledger.number(now), report, place, now), first_condition=condition)
            transaction.began(now, None)
            text = f"readings show {transaction.name}, which nobody saw begin: its energy counts from here"
            note = Note("session_adopted", text)
        self._ledger.open[connector] = transaction
        effects = self._read(transaction, report.values, now)
        return [*effects, note, *self._tell(transaction, now, "started")]

    def _read(self, transaction: Transaction, values: Sequence[MeterValue], now: Moment) -> list[Effect]:
        reasons, self.relative_meter = transaction.read(values, now, relative=self.relative_meter)
        return [self._unused(transaction, reason) for reason in reasons]

    def _learn(self, transaction: Transaction, record: SessionRecord, now: Moment) -> list[Effect]:
        """Something is known of it that was not."""
        if record == transaction.record:
            return []
        if record.active:
            transaction.record = record
            return self._tell(transaction, now)
        transaction.correct(record)
        self._ledger.learnt_id(transaction)
        return self._tell(transaction, now, "corrected")

    def _ended_unknown(self, transaction: Transaction, at: Moment, now: Moment) -> list[Effect]:
        transaction.end_unknown(at, now)
        text = f"{transaction.name} is over, the charger does not know it any more: its end is estimated"
        return [Note("session_forgotten", text), *self._closed(transaction, now)]

    def _closed(self, transaction: Transaction, now: Moment) -> list[Effect]:
        self._ledger.close(transaction)
        connector = transaction.record.connector_id
        timers = [Disarm(f"{_FORGOTTEN_KEY}{connector}"), Disarm(f"{_RESUMED_KEY}{connector}")]
        return [*timers, *self._tell(transaction, now, "ended")]

    def _tell(self, transaction: Transaction, now: Moment, kind: str | None = None) -> list[Effect]:
        """Remember what changed, tell what happened, and what stands now; of one that ended behind another no state."""
        if transaction.record != transaction.remembered and transaction.record.active:
            transaction.count(now)
        record, effects = transaction.record, list[Effect]()
        if record != transaction.remembered:
            transaction.remembered = record
            effects.append(Remember(record))
        if kind is not None:
            fact = SessionChanged(now.wall, self.charger, self.identity, kind, record, transaction.duration_s)
            effects.append(Publish(fact))
        if self._ledger.shown(record.connector_id) is transaction:
            power_w, stale = transaction.power_w, transaction.stale
            effects.append(
                Publish(SessionState(now.wall, self.charger, record, transaction.duration_s, power_w, stale))
            )
        transaction.was_told(now)
        return effects

    def _unused(self, transaction: Transaction, reason: str) -> Note:
        return Note(reason, f"a register of {transaction.name} was not used: {reason}", Level.DEBUG)
