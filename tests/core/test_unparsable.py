"""`gateway.core.unparsable`: how much nonsense a peer may send, and whether upstream can stand it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.events import Leg
from gateway.core.unparsable import (
    CLOSED_WITHIN_S,
    CLOSES_BEFORE_HOLDING,
    HELD_AFTER_WINDOW_S,
    MOST_PER_MINUTE,
    Unparsable,
)


def closed_after_one(record: Unparsable, at: float) -> bool:
    """Upstream closes right after an unparsable frame was relayed."""
    record.relayed(at)
    return record.upstream_closed(at + CLOSED_WITHIN_S)


def test_twenty_in_a_minute_are_borne() -> None:
    record = Unparsable()
    assert all(record.received(Leg.DOWN, float(second)) for second in range(MOST_PER_MINUTE))
    assert not record.received(Leg.DOWN, 59.9)


def test_a_minute_later_they_are_forgotten() -> None:
    record = Unparsable()
    for _ in range(MOST_PER_MINUTE):
        record.received(Leg.DOWN, 0.0)
    assert record.received(Leg.DOWN, 60.0)


def test_the_next_connection_starts_clean() -> None:
    record = Unparsable()
    for _ in range(MOST_PER_MINUTE + 1):
        record.received(Leg.DOWN, 0.0)
    record.new_connection()
    assert record.received(Leg.DOWN, 0.0)


@given(st.lists(st.floats(min_value=0.0, max_value=10.0), max_size=80))
def test_the_limit_holds_in_every_minute(gaps: list[float]) -> None:
    record, times, now = Unparsable(), [], 0.0
    for gap in gaps:
        now += gap
        times.append(now)
        assert record.received(Leg.DOWN, now) is (sum(now - at < 60.0 for at in times) <= MOST_PER_MINUTE)


def test_three_closes_in_ten_minutes_hold_such_frames_back() -> None:
    record = Unparsable()
    verdicts = [closed_after_one(record, at) for at in (0.0, 300.0, 598.0)]
    assert verdicts == [False, False, True]
    assert len(verdicts) == CLOSES_BEFORE_HOLDING
    assert record.held


def test_it_is_said_once() -> None:
    record = Unparsable()
    said = [closed_after_one(record, float(at)) for at in range(0, 50, 10)]
    assert said.count(True) == 1
    assert record.held


def test_closes_further_apart_are_no_reaction() -> None:
    record = Unparsable()
    assert not any(closed_after_one(record, at * (HELD_AFTER_WINDOW_S / 2 + 1)) for at in range(6))
    assert not record.held


def test_a_late_close_has_another_reason() -> None:
    record = Unparsable()
    for at in (0.0, 10.0, 20.0):
        record.relayed(at)
        assert not record.upstream_closed(at + CLOSED_WITHIN_S + 0.1)
    assert not record.held


def test_a_close_without_such_a_frame_has_another_reason() -> None:
    record = Unparsable()
    record.relayed(0.0)
    assert not record.upstream_closed(1.0)
    assert not record.upstream_closed(1.1)
    assert not record.upstream_closed(1.2)
    assert not record.held


def test_a_frame_of_the_connection_before_is_no_reason() -> None:
    record = Unparsable()
    for at in (0.0, 10.0, 20.0):
        record.relayed(at)
        record.new_connection()
        assert not record.upstream_closed(at + 1.0)
    assert not record.held
