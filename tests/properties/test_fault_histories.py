"""Whatever a charger reports, whenever, and whatever the clock does: one number a fault, no end before its beginning.

`FaultHouse` checks every effect as it is carried out: what is published was written before, and only what changed is.
"""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.faults import CLEAR_AFTER_S
from gateway.core.memory import FaultRecord
from tests import counts
from tests.core.fault_house import FaultHouse

CONNECTORS = (0, 1, 2)
Name = tuple[str, str | None]
NOTHING: Name = ("NoError", None)
NAMELESS: Name = ("Unknown", None)
NAMES: list[Name] = [
    *(NOTHING, NOTHING),
    *(("HighTemperature", None), ("WeakSignal", None), ("OtherError", "PP01"), ("OtherError", "PP02")),
]
STATUSES = ["Faulted", "Faulted", "Available", "Charging", "SuspendedEVSE"]


def expected(before: Mapping[Name, str], faulted: bool, name: Name) -> dict[Name, str]:
    """What a connector has after a report, by the rules of OCPP 1.6 section 4.9, ends counted at once."""
    if name == NOTHING:
        errors = {known: "error" for known, severity in before.items() if faulted and severity == "error"}
        return errors or ({NAMELESS: "error"} if faulted else {})
    kept = {known: severity for known, severity in before.items() if faulted or severity == "warning"}
    if faulted:
        kept.pop(NAMELESS, None)
    return {**kept, name: "error" if faulted else "warning"}


class FaultHistories(RuleBasedStateMachine):
    """Three connectors, a charger in any mood, a clock that is set, and a process that is killed."""

    def __init__(self) -> None:
        super().__init__()
        self.house = FaultHouse()
        self.lasting: dict[int, dict[Name, str]] = {connector: {} for connector in CONNECTORS}
        self.before: dict[int, str | None] = dict.fromkeys(CONNECTORS)
        self.kinds: dict[int, list[str]] = {}

    @rule(
        connector=st.sampled_from(CONNECTORS),
        status=st.sampled_from(STATUSES),
        name=st.sampled_from(NAMES),
        info=st.sampled_from([None, "inside 80 C", "inside 81 C", "fan"]),
        transaction=st.sampled_from([None, 1, 2]),
    )
    def the_charger_reports(
        self, connector: int, status: str, name: Name, info: str | None, transaction: int | None
    ) -> None:
        code, vendor = name
        self.house.report(
            status,
            code,
            connector=connector,
            vendor=vendor,
            info=info,
            before=self.before[connector],
            transaction=transaction,
        )
        self.before[connector] = status
        self.lasting[connector] = expected(self.lasting[connector], status == "Faulted", name)
        known = self.known(connector)
        assert self.lasting[connector].items() <= known.items()

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.9, 5.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.house.wait(seconds)

    @rule()
    def nothing_happens_for_long(self) -> None:
        self.house.wait(CLEAR_AFTER_S)
        for connector in CONNECTORS:
            assert self.known(connector) == self.lasting[connector]

    @rule(seconds=st.sampled_from([-86_400.0, -1.0, 1.0, 3600.0]))
    def the_clock_is_set(self, seconds: float) -> None:
        self.house.wall_ahead_s += seconds

    @rule()
    def the_process_is_killed(self) -> None:
        shown = self.house.shown
        self.house.restart()
        restored = self.house.faults.state(self.house.now(), stale=True).faults
        assert restored == (shown.faults if shown is not None else ())
        # An end that was not told yet is lost: the next report ends it again.
        self.lasting = {connector: self.known(connector) for connector in CONNECTORS}

    @rule()
    def the_daemon_stops(self) -> None:
        self.house.settle()
        for connector in CONNECTORS:
            assert self.known(connector) == self.lasting[connector]
        self.the_process_is_killed()

    @invariant()
    def one_number_for_each_fault(self) -> None:
        for connector in CONNECTORS:
            assert len(self.known(connector)) == len(self.house.faults.of(connector))

    @invariant()
    def times_are_in_order(self) -> None:
        for fault in self.house.stored.values():
            assert fault.raised <= fault.last_seen
            assert fault.cleared is None or fault.last_seen <= fault.cleared
            assert (fault.cleared is None) is (fault.cleared_by is None)

    @invariant()
    def each_is_raised_once_and_cleared_once(self) -> None:
        for news in self.house.news:
            told = self.kinds.setdefault(news.fault.number, [])
            assert (news.kind == "raised") is (told == [])
            assert "cleared" not in told
            told.append(news.kind)
        self.house.news.clear()

    def known(self, connector: int) -> dict[Name, str]:
        """What the gateway has of a connector by now, ends that wait included."""
        return {named(fault): fault.severity for fault in self.house.faults.of(connector)}


def named(fault: FaultRecord) -> Name:
    return fault.code, fault.vendor_error_code


TestFaultHistories = FaultHistories.TestCase
TestFaultHistories.settings = settings(max_examples=counts.HISTORIES)
