"""Whatever a charger tells, and whatever happens to it, to the gateway and to their clocks: what is known agrees with
itself, is durable before it is published, and is the same after a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.core.effects import Effect, Note, Publish, Remember
from gateway.core.energy import Energy
from gateway.core.events import FrameReceived, Leg
from gateway.core.facts import FaultChanged, StatusChanged
from gateway.core.frames import parse
from gateway.core.memory import ConnectorRecord, FaultRecord, Memory, SessionRecord
from gateway.core.transitions import STATUSES
from tests import counts
from tests.core.drive import EPOCH, Drive, drive, known, only
from tests.core.scenes import boot, stay
from tests.core.texts import call, result, stamp, status
from tests.properties.truth_judge import Judge

CONNECTORS = st.sampled_from([0, 1, 1, 1, 2, 2, 3])
WORDS = st.sampled_from([*STATUSES, "Occupied", "charging ", "Kaputt"])
CODES = st.sampled_from(["NoError", "NoError", "NoError", "GroundFailure", "WeakSignal", "OtherError", "Error"])
DETAILS = st.sampled_from([{}, {}, {"info": "EV side disconnected"}, {"vendorErrorCode": "E7"}, {"vendorId": "v"}])
TRANSACTIONS = st.sampled_from([7, 7, 8, 9, -1, 0, -77, 2**63 - 1, 10**30, "x"])
REGISTERS = st.sampled_from([0, 100, 1000, 1500, 4_000_000, "4000100", -5, 1.5, "NaN", "-1e400", "", None, 10**15])
TOLD = st.none() | st.sampled_from([0.0, 0.0, 0.0, 2.0, -20.0, -90.0, -3600.0, -86_400.0, 3600.0, 10_000_000.0])
"""Seconds by which the time in a message is off that of the charger's clock; None: it tells no time."""

CLOCKS = st.sampled_from([0.0, 30.0, -30.0, 3600.0, -3600.0, 40_000_000.0, -40_000_000.0])
PAUSES = st.sampled_from([0.5, 1.0, 3.0, 6.0, 15.0, 70.0, 400.0, 1000.0])
START_OF_ANY = SessionRecord(0, 0, Energy())
QUIRKS = st.sampled_from([(), (), ("available-while-plugged",), ("occupied-as-in-1-5",)])


class TruthHistories(RuleBasedStateMachine):
    """A charger with few scruples, at a gateway that loses its power now and then."""

    table: Drive

    @initialize(named=QUIRKS)
    def power_on(self, named: tuple[str, ...]) -> None:
        self.judge = Judge()
        self.taken = 0
        self.charger_ahead_s = 0.0
        self.gateway_ahead_s = 0.0
        self.last: dict[str, Any] | None = None
        self.table = drive(known(), named=named)
        self.table.online()

    def told(self, off_s: float | None) -> dict[str, str]:
        if off_s is None:
            return {}
        true = EPOCH.wall + timedelta(seconds=self.table.now.monotonic - EPOCH.monotonic)
        return {"timestamp": stamp(true + timedelta(seconds=self.charger_ahead_s + off_s))}

    def asks(self, action: str, payload: dict[str, Any], answer: dict[str, Any] | None = None) -> list[Effect]:
        return self.table.asks(action, payload, answer)

    # The charger talks

    @precondition(lambda self: self.table.live())
    @rule(connector=CONNECTORS, word=WORDS, code=CODES, details=DETAILS, off_s=TOLD, delivered=st.booleans())
    def reports(
        self, connector: int, word: str, code: str, details: dict[str, str], off_s: float | None, delivered: bool
    ) -> None:
        self.last = {"connectorId": connector, "status": word, "errorCode": code, **details, **self.told(off_s)}
        self.asks("StatusNotification", self.last, {} if delivered else None)

    @precondition(lambda self: self.table.live() and self.last)
    @rule()
    def says_it_again(self) -> None:
        """The second of two equal reports is no event and writes nothing, unless it shows that a clock was set."""
        assert self.last is not None
        self.asks("StatusNotification", self.last)
        effects = self.asks("StatusNotification", self.last)
        if "charger_clock_set_back" in [note.what for note in only(effects, Note)]:
            return
        assert only(effects, Remember) == []
        told = [publish.fact for publish in only(effects, Publish)]
        assert not [fact for fact in told if isinstance(fact, FaultChanged)]
        assert all(fact.late for fact in told if isinstance(fact, StatusChanged))

    @precondition(lambda self: self.table.live())
    @rule(connector=CONNECTORS, transaction=TRANSACTIONS, register=REGISTERS, off_s=TOLD, answered=st.booleans())
    def starts(
        self, connector: int, transaction: object, register: object, off_s: float | None, answered: bool
    ) -> None:
        payload = {"connectorId": connector, "idTag": "CARD01", "meterStart": register, **self.told(off_s)}
        answer = {"transactionId": transaction, "idTagInfo": {"status": "Accepted"}}
        self.asks("StartTransaction", payload, answer if answered else None)

    @precondition(lambda self: self.table.live())
    @rule(transaction=TRANSACTIONS, register=REGISTERS, off_s=TOLD, answered=st.booleans())
    def stops(self, transaction: object, register: object, off_s: float | None, answered: bool) -> None:
        payload = {"transactionId": transaction, "meterStop": register, **self.told(off_s)}
        self.asks("StopTransaction", payload, {} if answered else None)

    @precondition(lambda self: self.table.live())
    @rule(
        connector=CONNECTORS,
        transaction=st.none() | TRANSACTIONS,
        registers=st.lists(REGISTERS, max_size=3),
        off_s=TOLD,
    )
    def measures(self, connector: int, transaction: object, registers: list[object], off_s: float | None) -> None:
        values = [{**self.told(off_s), "sampledValue": [{"value": register}]} for register in registers]
        payload: dict[str, Any] = {"connectorId": connector, "meterValue": values}
        self.asks("MeterValues", payload if transaction is None else payload | {"transactionId": transaction})

    @precondition(lambda self: self.table.live())
    @rule()
    def a_tag_is_shown(self) -> None:
        self.asks("Authorize", {"idTag": "CARD01"}, {"idTagInfo": {"status": "Accepted"}})

    @precondition(lambda self: self.table.live())
    @rule(connector=st.none() | CONNECTORS)
    def upstream_starts(self, connector: int | None) -> None:
        payload = {"idTag": "CARD01"} | ({} if connector is None else {"connectorId": connector})
        self.table.upstream(call("remote", "RemoteStartTransaction", payload))
        self.table.charger(result("remote", {"status": "Accepted"}))

    @precondition(lambda self: self.table.live())
    @rule()
    def boots(self) -> None:
        boot(self.table)

    # What happens to them

    @precondition(lambda self: self.table.live())
    @rule(leg=st.sampled_from(list(Leg)))
    def a_leg_breaks(self, leg: Leg) -> None:
        self.table.lose(leg)

    @rule()
    def connects(self) -> None:
        self.table.online()

    @rule(seconds=PAUSES, quietly=st.booleans())
    def time_passes(self, seconds: float, quietly: bool) -> None:
        if quietly or not self.table.live():
            self.table.elapse(seconds)
        else:
            stay(self.table, seconds)

    @rule(ahead_s=CLOCKS)
    def the_chargers_clock_is_set(self, ahead_s: float) -> None:
        self.charger_ahead_s = ahead_s

    @rule(ahead_s=CLOCKS)
    def the_gateways_clock_is_set(self, ahead_s: float) -> None:
        self.table.set_clock(ahead_s - self.gateway_ahead_s)
        self.gateway_ahead_s = ahead_s

    @rule()
    def the_gateway_restarts(self) -> None:
        self.look()
        before = self.table.kept.memory()
        assert durable(self.table.station.view.memory()) == durable(before)
        self.table = self.table.restarted()
        self.taken = 0
        self.judge.restarted()
        self.look()
        assert in_order(self.table.station.view.memory()) == in_order(self.table.kept.memory())
        assert durable(self.table.station.view.memory()) == durable(before)
        # What the last report of a connector has ended is over at once. From when on the seconds of a session go on is
        # set where the gateway's clock went back.
        lasted = {fault.number: fault for fault in before.faults if fault.cleared is None}
        lasting = {fault.number for fault in self.table.station.view.truth.faults.lasting()}
        written = [remember.record for remember in self.table.all(Remember)]
        over = {record.number for record in written if isinstance(record, FaultRecord) and record.cleared is not None}
        assert (lasting | over, lasting & over) == (set(lasted), set())
        assert len(written) == len(over) + sum(isinstance(record, SessionRecord) for record in written)
        reports = {known.record.connector_id: known.record.report for known in self.table.station.view.connectors}
        for number in over:
            report = reports[lasted[number].connector_id]
            assert report.error_code == "NoError" or (report.status != "Faulted" and lasted[number].severity == "error")
        assert all(state.stale and state.source == "restored" for state in self.judge.states.values())

    @precondition(lambda self: self.table.live())
    @rule(connector=CONNECTORS, word=WORDS, code=CODES)
    def the_power_fails_before_anything_of_a_report_is_written(self, connector: int, word: str, code: str) -> None:
        self.look()
        frame = parse(status("lost", connector, word, code))
        self.table.station.handle(FrameReceived(Leg.DOWN, self.table.generation, frame), self.table.now)
        self.table = self.table.restarted()
        self.taken = 0
        self.judge.restarted()

    @invariant()
    def what_is_known_agrees(self) -> None:
        if hasattr(self, "table"):
            self.look()
            self.judge.check()
            assert len(self.table.due) < 40

    def look(self) -> None:
        """Show the judge what is new."""
        effects, self.taken = self.table.effects[self.taken :], len(self.table.effects)
        self.judge.take(effects)

    def teardown(self) -> None:
        if not hasattr(self, "table"):
            return
        self.a_restart_makes_no_difference_to_what_follows()
        self.table.stop()
        self.look()
        self.judge.check()

    def a_restart_makes_no_difference_to_what_follows(self) -> None:
        """The process that lives and a new one hear the same, without times: those heard before are not remembered."""
        self.table.lose(Leg.DOWN)
        self.table.elapse(20)
        self.look()
        again = self.table.restarted()
        for table in (self.table, again):
            table.online()
            for connector, word in ((1, "Preparing"), (2, "Charging"), (1, "Charging"), (3, "Available")):
                table.reports(word, connector)
            table.elapse(10)
        connectors = [
            {record.connector_id: without_visit(record) for record in table.station.view.memory().connectors}
            for table in (self.table, again)
        ]
        assert connectors[0] == connectors[1]
        lasting = [
            {fault.number for fault in table.station.view.truth.faults.lasting()} for table in (self.table, again)
        ]
        assert lasting[0] == lasting[1]


def without_visit(record: ConnectorRecord) -> ConnectorRecord:
    """Its number is a time, and that of a visit without a session which is over is not remembered."""
    return replace(record, visit=None if record.visit is None else 1)


def in_order(memory: Memory) -> list[str]:
    return sorted(map(repr, memory.records()))


def durable(memory: Memory) -> list[str]:
    """Without what goes on in a session (its readings and seconds are written once a minute), and what has ended."""
    sessions = [
        replace(START_OF_ANY, number=one.number, connector_id=one.connector_id, started=one.started)
        for one in memory.sessions
        if one.active
    ]
    return in_order(replace(memory, sessions=tuple(sessions), faults=()))


TestTruthHistories = TruthHistories.TestCase
TestTruthHistories.settings = settings(max_examples=counts.HISTORIES, stateful_step_count=counts.HISTORY_STEPS)
