"""`gateway.core.liveness`: is the peer of a leg still there?"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effects import Arm, Ping
from gateway.core.events import Leg
from gateway.core.liveness import HEARTBEATS_BEFORE_IDLE, LONGEST_HEARTBEAT_S, PING_EVERY_S, Liveness


def leg(limit_s: float = 180.0, *, pings: bool = True) -> Liveness:
    return Liveness(Leg.DOWN, 7, limit_s, pings, heard_at=0.0)


def test_a_leg_that_comes_up_is_watched_and_pinged() -> None:
    live = leg()
    assert live.start() == [Arm(live.idle_key, 180.0), Arm(live.ping_key, PING_EVERY_S)]
    assert live.ping() == [Ping(Leg.DOWN, 7), Arm(live.ping_key, PING_EVERY_S)]


def test_firmware_that_cannot_take_pings_is_only_watched() -> None:
    live = leg(pings=False)
    assert live.start() == [Arm(live.idle_key, 180.0)]


def test_timers_belong_to_one_leg_of_one_connection() -> None:
    lives = [Liveness(side, generation, 1.0, True, 0.0) for side in Leg for generation in (1, 2)]
    keys = {key for live in lives for key in (live.ping_key, live.idle_key)}
    assert len(keys) == 8


def test_silence_ends_it() -> None:
    assert leg().idle(180.0) is None


def test_whoever_talked_is_looked_at_later() -> None:
    live = leg()
    live.heard(100.0)
    assert live.idle(180.0) == Arm(live.idle_key, 100.0)
    assert live.idle(280.0) is None


def test_while_nobody_reads_silence_proves_nothing() -> None:
    live = leg()
    live.paused = True
    assert live.idle(10_000.0) == Arm(live.idle_key, 180.0)
    live.paused = False
    live.heard(10_100.0)
    assert live.idle(10_180.0) == Arm(live.idle_key, 100.0)


def test_three_heartbeats_may_be_missing() -> None:
    live = leg()
    live.expect_heartbeats(300)
    assert live.limit_s == 300.0 * HEARTBEATS_BEFORE_IDLE
    assert live.idle(180.0) == Arm(live.idle_key, 720.0)


@pytest.mark.parametrize("interval_s", [1, 60])
def test_a_short_interval_does_not_shorten_the_limit(interval_s: int) -> None:
    live = leg()
    live.expect_heartbeats(interval_s)
    assert live.limit_s == 180.0


@pytest.mark.parametrize("interval_s", [LONGEST_HEARTBEAT_S + 1, 2**31, 10**400])
def test_no_interval_is_too_long_for_a_timer(interval_s: int) -> None:
    live = leg()
    live.expect_heartbeats(interval_s)
    assert live.limit_s == HEARTBEATS_BEFORE_IDLE * LONGEST_HEARTBEAT_S


@given(st.lists(st.floats(min_value=0.1, max_value=400.0), min_size=1, max_size=30))
def test_a_leg_dies_exactly_when_it_was_silent_for_the_limit(gaps: list[float]) -> None:
    """Play the timer: it fires when it was armed for, and sees what was heard until then."""
    live, heard = leg(), [0.0]
    for gap in gaps:
        heard.append(heard[-1] + gap)
    due = live.limit_s
    while True:
        for at in heard:
            if live.heard_at < at <= due:
                live.heard(at)
        again = live.idle(due)
        if again is None:
            break
        assert isinstance(again, Arm)
        due += again.after_s
    last = max(at for at in heard if at <= due)
    assert due - last >= live.limit_s - 1e-6
    assert all(later - at <= live.limit_s + 1e-6 for at, later in pairwise(heard) if later <= last)


def test_a_peer_of_unknown_habits_is_given_three_hours() -> None:
    live = Liveness(Leg.DOWN, 7, 180.0, True, heard_at=0.0, patient=True)
    assert live.idle(180.0) == Arm(live.idle_key, 180.0)
    assert live.idle(3 * 3600.0 - 1) == Arm(live.idle_key, 1.0)
    assert live.idle(3 * 3600.0) is None


def test_patience_ends_with_an_answered_ping() -> None:
    live = Liveness(Leg.DOWN, 7, 180.0, True, heard_at=0.0, patient=True)
    live.answered_ping(100.0)
    assert live.idle(279.0) == Arm(live.idle_key, 1.0)
    assert live.idle(280.0) is None


def test_patience_stays_with_a_peer_that_is_not_pinged() -> None:
    live = Liveness(Leg.DOWN, 7, 180.0, pings=False, heard_at=0.0, patient=True)
    live.answered_ping(100.0)
    assert live.idle(280.0) is not None


def test_patience_ends_when_heartbeats_are_agreed() -> None:
    live = Liveness(Leg.DOWN, 7, 180.0, True, heard_at=0.0, patient=True)
    live.expect_heartbeats(300)
    assert live.idle(899.0) == Arm(live.idle_key, 1.0)
    assert live.idle(900.0) is None
