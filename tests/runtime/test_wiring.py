"""Sockets, dials and timers of one station: bounds, back-pressure, and what is never told twice."""

from __future__ import annotations

import asyncio

from gateway.core.effects import Arm, CloseLeg, Dial
from gateway.core.events import (
    DialAccepted,
    DialFailed,
    DialRefused,
    Event,
    FrameReceived,
    Leg,
    LegLost,
    ReadingPaused,
    ReadingResumed,
    TimerDue,
)
from gateway.runtime.credentials import Credentials
from gateway.runtime.gate import HostGate
from gateway.runtime.inbox import MOST_CALLS_WAITING
from gateway.runtime.outgoing import HIGH_FRAMES
from gateway.runtime.ports import DialVerdict, Unreachable
from gateway.runtime.wiring import LegEvents, Upstream, Wiring
from tests.fakes.clock import StandingClock
from tests.fakes.dialer import ScriptedDialer
from tests.fakes.link import MemoryLink
from tests.runtime.house import until
from tests.turns import one_turn

DIAL = Dial(1, "operator", "CP01", ("ocpp1.6",), None)
CALL = '[2,"1","Heartbeat",{}]'
ANSWER = '[3,"1",{}]'


class Bench:
    """A wiring and its scripted upstream."""

    def __init__(self) -> None:
        self.dialer = ScriptedDialer()
        self.gate = HostGate()
        self.wiring = Wiring(StandingClock(), {"operator": Upstream(self.dialer, self.gate)}, Credentials())

    async def events(self) -> list[Event]:
        async with asyncio.timeout(5):
            return [event for event, _ in await self.wiring.inbox.take()]

    async def dialled(self) -> MemoryLink:
        """An up leg of generation 1 that is being read."""
        link = self.dialer.accepts()
        self.wiring.dial(DIAL)
        assert await self.events() == [DialAccepted(1, "ocpp1.6")]
        self.wiring.read_upstream(1)
        await until(lambda: link.events is not None)
        return link


async def test_outcomes_of_a_dial() -> None:
    bench = Bench()
    bench.dialer.outcomes.put_nowait(DialVerdict(403))
    bench.wiring.dial(DIAL)
    assert await bench.events() == [DialRefused(1, 403)]
    bench.dialer.outcomes.put_nowait(Unreachable("no route"))
    bench.wiring.dial(DIAL)
    assert await bench.events() == [DialFailed(1, "no route", 0.5)]


async def test_abandoned_dial_leaves_nothing() -> None:
    bench = Bench()
    bench.wiring.dial(DIAL)
    await until(lambda: bool(bench.dialer.dialled))
    bench.wiring.abandon(1)
    await until(lambda: bench.wiring.quiet)
    link = await bench.dialled()
    bench.wiring.abandon(1)
    await until(lambda: link.closed is not None)
    assert link.closed == (1001, "charger gone")


async def test_an_up_leg_is_not_read_before_the_charger_is_in() -> None:
    bench = Bench()
    link = bench.dialer.accepts()
    bench.wiring.dial(DIAL)
    await bench.events()
    for _ in range(20):
        await one_turn()
    assert link.events is None
    bench.wiring.read_upstream(1)
    await until(lambda: link.events is not None)
    await bench.wiring.stop()


async def test_a_lost_leg_is_told_once() -> None:
    bench = Bench()
    link = await bench.dialled()
    assert link.events is not None
    link.events.lost(1001, "bye")
    link.events.lost(None, "again")
    assert await bench.events() == [LegLost(Leg.UP, 1, 1001, "bye")]
    await until(lambda: bench.wiring.quiet)
    assert link.closed is None


async def test_a_leg_closed_by_us_is_not_told() -> None:
    bench = Bench()
    link = await bench.dialled()
    bench.wiring.close(CloseLeg(Leg.UP, 1, 1000, "done"))
    await until(lambda: link.closed is not None)
    assert link.events is not None
    link.events.lost(1000, "done")
    bench.wiring.post(TimerDue("last"))
    assert await bench.events() == [TimerDue("last")]


async def test_timer_comes_once_and_not_after_it_was_disarmed() -> None:
    bench = Bench()
    bench.wiring.arm(Arm("idle", 0.0))
    [due] = await bench.events()
    assert due == TimerDue("idle")
    assert bench.wiring.is_current(due)
    bench.wiring.arm(Arm("idle", 0.0))
    [stale] = await bench.events()
    bench.wiring.disarm("idle")
    assert not bench.wiring.is_current(stale)
    bench.wiring.arm(Arm("idle", 0.0))
    [replaced] = await bench.events()
    bench.wiring.arm(Arm("idle", 3600.0))
    assert not bench.wiring.is_current(replaced)
    await bench.wiring.stop()


async def test_a_reader_waits_after_so_many_calls_and_answers_never_do() -> None:
    bench = Bench()
    events = LegEvents(bench.wiring, Leg.DOWN, 1)
    for _ in range(MOST_CALLS_WAITING - 1):
        await events.text(CALL)
    waiting = asyncio.create_task(events.text(CALL))
    await one_turn()
    assert not waiting.done()
    for _ in range(100):
        await events.text(ANSWER)
    taken = await bench.events()
    assert len([event for event in taken if isinstance(event, FrameReceived)]) == MOST_CALLS_WAITING + 100
    assert taken[MOST_CALLS_WAITING] == ReadingPaused(Leg.DOWN, 1)
    await waiting
    assert await bench.events() == [ReadingResumed(Leg.DOWN, 1)]


async def test_a_reader_waits_while_the_other_leg_is_crowded() -> None:
    bench = Bench()
    link = await bench.dialled()
    link.flowing.clear()
    for _ in range(HIGH_FRAMES):
        bench.wiring.send(Leg.UP, 1, CALL)
    events = LegEvents(bench.wiring, Leg.DOWN, 1)
    waiting = asyncio.create_task(events.text(CALL))
    await one_turn()
    assert not waiting.done()
    await bench.events()
    assert not waiting.done()
    link.flowing.set()
    await waiting
    assert len(await link.until(HIGH_FRAMES)) == HIGH_FRAMES
    await bench.wiring.stop()


async def test_a_reader_does_not_wait_for_a_leg_that_is_gone() -> None:
    bench = Bench()
    link = await bench.dialled()
    link.flowing.clear()
    for _ in range(HIGH_FRAMES):
        bench.wiring.send(Leg.UP, 1, CALL)
    waiting = asyncio.create_task(LegEvents(bench.wiring, Leg.DOWN, 1).text(CALL))
    await one_turn()
    bench.wiring.close(CloseLeg(Leg.UP, 1, 1001, "gone", discard=True))
    await bench.events()
    await waiting
    assert link.written == []


async def test_a_reader_that_waits_for_room_does_not_hold_up_the_end() -> None:
    bench = Bench()
    link = await bench.dialled()
    assert link.events is not None
    for _ in range(MOST_CALLS_WAITING - 1):
        await link.events.text(CALL)
    waiting = asyncio.create_task(link.events.text(CALL))
    await until(lambda: not bench.wiring.inbox.has_room)
    await one_turn()
    assert not waiting.done()
    async with asyncio.timeout(5):
        await bench.wiring.stop()
        await waiting


async def test_stop_answers_whoever_waits_at_the_door() -> None:
    bench = Bench()
    waiting = bench.wiring.wait(1)
    await bench.wiring.stop()
    assert waiting.result().status == 503  # type: ignore[union-attr]  # Refused


async def test_the_dial_that_probes_a_failing_host_goes_on_when_nobody_waits_any_more() -> None:
    bench = Bench()
    bench.gate.answered(reachable=False)
    bench.wiring.dial(DIAL)
    await until(lambda: bool(bench.dialer.dialled))
    bench.wiring.abandon(1)
    bench.wiring.dial(Dial(2, "operator", "CP01", ("ocpp1.6",), None))
    orphan, wanted = bench.dialer.accepts(), bench.dialer.accepts()
    assert await bench.events() == [DialAccepted(2, "ocpp1.6")]
    await until(lambda: orphan.closed is not None)
    assert orphan.closed == (1001, "charger gone")
    assert wanted.closed is None
    assert not bench.gate.failing
    await bench.wiring.stop()


async def test_a_dial_in_the_queue_of_the_gate_is_simply_forgotten() -> None:
    bench = Bench()
    bench.gate.answered(reachable=False)
    bench.wiring.dial(DIAL)
    await until(lambda: bool(bench.dialer.dialled))
    bench.wiring.dial(Dial(2, "operator", "CP01", ("ocpp1.6",), None))
    bench.wiring.abandon(2)
    bench.dialer.outcomes.put_nowait(Unreachable("still away"))
    assert await bench.events() == [DialFailed(1, "still away", 0.5)]
    await until(lambda: bench.wiring.quiet)
    assert len(bench.dialer.dialled) == 1
