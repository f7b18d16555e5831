"""Whatever a charger says of its transactions, in whatever order and at whatever time, its sessions stay in order."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.facts import SessionChanged
from gateway.core.ledger import MOST_ENDED_IDS, MOST_IN_VISIT
from gateway.core.memory import SessionRecord
from gateway.core.phases import MOST_PHASES
from gateway.core.reports import TransactionStarted, TransactionStopped
from tests import counts
from tests.core.charging import Charging, value

CONNECTORS = st.sampled_from([1, 1, 2])
IDS = st.sampled_from([None, -7, -1, 0, 1, 2, 3, 4, 2**63 - 1])
REGISTERS = st.one_of(st.none(), st.integers(-5, 50), st.integers(0, 2_000_000))
BEHIND_S = st.sampled_from([0.0, 0.0, 0.0, 1.0, 90.0, 7200.0, -30.0, -7200.0])
CONDITIONS = st.sampled_from(
    ["available", "preparing", "charging", "charging", "suspended_ev", "suspended_evse", "finishing", "faulted"]
)
VISITS = st.sampled_from([None, 1, 2])


class SessionHistories(RuleBasedStateMachine):
    """A charger of two connectors, with a bad memory and a bad clock, and a gateway that is killed now and then.

    That nothing is published which is not stored, and nothing written which did not change, is checked by `Charging`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.charging = Charging()
        self.starts: list[TransactionStarted] = []
        self.stops: list[TransactionStopped] = []
        self.seen = 0

    @rule(connector=CONNECTORS, meter_wh=REGISTERS, behind_s=BEHIND_S, timed=st.booleans(), visit=VISITS)
    def it_begins_a_transaction(
        self, connector: int, meter_wh: int | None, behind_s: float, timed: bool, visit: int | None
    ) -> None:
        at = self.charging.ago(behind_s)
        self.starts.append(self.charging.start(connector, meter_wh, at=at, visit=visit, timed=timed))

    @rule(
        pick=st.integers(0, 99), transaction_id=IDS, status=st.sampled_from(["Accepted", "Accepted", "Invalid", None])
    )
    def upstream_answers(self, pick: int, transaction_id: int | None, status: str | None) -> None:
        if self.starts:
            self.charging.number(self.starts[pick % len(self.starts)], transaction_id, status)

    @rule(pick=st.integers(0, 99))
    def it_repeats_a_start(self, pick: int) -> None:
        if self.starts:
            report = self.starts[pick % len(self.starts)]
            at = report.started_at
            at = at - timedelta(seconds=self.charging.off_s) if at is not None else None
            self.starts.append(
                self.charging.start(report.connector_id, report.meter_start_wh, at=at, timed=at is not None)
            )

    @rule(transaction_id=IDS, meter_wh=REGISTERS, behind_s=BEHIND_S, timed=st.booleans(), one=st.booleans())
    def it_ends_a_transaction(
        self, transaction_id: int | None, meter_wh: int | None, behind_s: float, timed: bool, one: bool
    ) -> None:
        charging = self.charging
        charging.connectors = (1,) if one else (1, 2)
        self.stops.append(charging.stop(transaction_id, meter_wh, charging.ago(behind_s), timed=timed))

    @rule(transaction_id=IDS, meter_wh=REGISTERS, behind_s=BEHIND_S, seconds=st.sampled_from([0.0, 60.0, 7200.0]))
    def it_repeats_an_end(
        self, transaction_id: int | None, meter_wh: int | None, behind_s: float, seconds: float
    ) -> None:
        """The same request once more: nothing follows, if it was clear what it spoke of."""
        charging = self.charging
        unclear = charging.notes["end_of_unknown"]
        self.stops.append(charging.stop(transaction_id, meter_wh, charging.ago(behind_s)))
        charging.wait(seconds)
        if charging.notes["end_of_unknown"] == unclear:
            again = charging.sessions.stopped(self.stops[-1], charging.connectors, charging.now, charging.skew_s)
            assert again == []

    @rule(pick=st.integers(0, 99))
    def upstream_answers_an_end(self, pick: int) -> None:
        if self.stops:
            report = self.stops[pick % len(self.stops)]
            self.charging.perform(self.charging.sessions.stop_delivered(report, self.charging.now))

    @rule(connector=CONNECTORS, transaction_id=IDS, register_wh=REGISTERS, behind_s=BEHIND_S, power_w=st.integers(0, 9))
    def it_reads_its_meter(
        self, connector: int, transaction_id: int | None, register_wh: int | None, behind_s: float, power_w: int
    ) -> None:
        told = value(register_wh, power_w, at=self.charging.told(self.charging.ago(behind_s)))
        self.charging.meter(told, transaction_id=transaction_id, connector=connector)

    @rule(connector=CONNECTORS, condition=CONDITIONS, visit=VISITS)
    def it_tells_a_status(self, connector: int, condition: str, visit: int | None) -> None:
        self.charging.status(condition, connector, visit)

    @rule(connector=CONNECTORS, visit=VISITS)
    def the_cable_is_pulled(self, connector: int, visit: int | None) -> None:
        self.charging.unplug(connector, visit)

    @rule()
    def everything_is_told_anew(self) -> None:
        """The store answered late."""
        self.charging.perform(self.charging.sessions.announce(self.charging.now))

    @rule()
    def it_boots(self) -> None:
        self.charging.boot()

    @rule()
    def it_goes_away(self) -> None:
        self.charging.leave()

    @rule(seconds=st.sampled_from([0.0, 0.2, 10.0, 61.0, 299.0, 301.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.charging.wait(seconds)

    @rule(seconds=st.sampled_from([-86_400.0, -90.0, -1.0, 90.0, 86_400.0]))
    def the_clock_of_the_gateway_is_set(self, seconds: float) -> None:
        self.charging.set_clock(seconds)

    @rule(
        off_s=st.sampled_from([0.0, -45.0, -90.0, -18_000.0, 300.0]), known=st.sampled_from([None, -2.0, 0.0, 3600.0])
    )
    def the_clock_of_the_charger_is_set(self, off_s: float, known: float | None) -> None:
        """How far it is off is known, nearly known, believed wrongly, or not known at all."""
        self.charging.off_s = off_s
        self.charging.skew_s = None if known is None else off_s + known

    @rule(down_s=st.sampled_from([-60.0, 0.0, 5.0, 3600.0]))
    def the_gateway_is_killed(self, down_s: float) -> None:
        """What is open, and what was told last of each connector, is the same afterwards."""
        charging = self.charging
        was_open = {one.connector_id: one.number for one in charging.sessions.kept() if one.active}
        told = dict(charging.states)
        charging.restart(down_s)
        now_open = {one.connector_id: one.number for one in charging.sessions.kept() if one.active}
        assert now_open == was_open
        for connector in was_open:
            assert charging.states[connector].record == told[connector].record
            assert charging.states[connector].stale
        assert charging.states.keys() == told.keys()

    @invariant()
    def at_most_one_is_open_on_a_connector(self) -> None:
        active = [record.connector_id for record in self.charging.stored.values() if record.active]
        assert len(active) == len(set(active))
        for record in self.charging.stored.values():
            assert record.active == (record.ended is None)

    @invariant()
    def every_record_is_possible(self) -> None:
        for record in self.charging.stored.values():
            self.is_possible(record)

    @invariant()
    def events_come_in_order(self) -> None:
        """Each session begins at most once, ends once, and every change after that has the next revision."""
        for event in self.charging.events[self.seen :]:
            before = [
                other for other in self.charging.events[: self.seen] if other.record.number == event.record.number
            ]
            self.follows(event, before)
            self.seen += 1

    @invariant()
    def memory_is_bounded(self) -> None:
        kept = self.charging.sessions.kept()
        assert len(kept) <= 4
        shown = repr(self.charging.sessions)
        assert shown.count("Transaction(") <= 2 * (MOST_IN_VISIT + 1)
        assert sum(self.charging.sessions.is_known(number) for number in range(1, 100)) <= MOST_ENDED_IDS + 2

    def is_possible(self, record: SessionRecord) -> None:
        assert record.energy.energy_wh is None or record.energy.energy_wh >= 0
        assert record.duration_s >= 0
        assert record.charging_s >= 0
        assert all(phase.seconds >= 0 for phase in record.phases)
        assert len(record.phases) <= MOST_PHASES
        assert record.charging_s + 1e-6 >= sum(phase.seconds for phase in record.phases if phase.name == "charging")
        assert record.id_tag in (None, "****4F2A")
        if record.started is not None and record.ended is not None:
            assert record.ended >= record.started

    def follows(self, event: SessionChanged, before: list[SessionChanged]) -> None:
        record = event.record
        kinds = [other.kind for other in before]
        assert event.charger == "cp01"
        assert (event.duration_s is None) == (record.started is None)
        match event.kind:
            case "started":
                assert kinds == []
                assert (record.revision, record.active) == (0, True)
            case "ended":
                assert "ended" not in kinds
                assert (record.revision, record.active) == (1, False)
            case _:
                assert event.kind == "corrected"
                assert "ended" in kinds
                assert record.revision == before[-1].record.revision + 1
        assert {other.record.connector_id for other in before} <= {record.connector_id}


TestSessionHistories = SessionHistories.TestCase
TestSessionHistories.settings = settings(max_examples=counts.HISTORIES, stateful_step_count=counts.HISTORY_STEPS)
