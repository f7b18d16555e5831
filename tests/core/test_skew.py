"""`gateway.core.skew`: how far a charger's clock is off, and which of its reports are about the past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.moment import Moment
from gateway.core.skew import BEHIND_S, PACE_S, PACE_TOLERANCE_S, SAMPLES, Newest, Skew

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(second: float, ahead: float = 0.0) -> Moment:
    """`ahead`: the gateway's wall clock was set by this much since the start."""
    return Moment(START + timedelta(seconds=second + ahead), second)


def when(second: float) -> datetime:
    return START + timedelta(seconds=second)


def tell(skew: Skew, *pairs: tuple[float, float]) -> list[bool]:
    """Messages received at (second) with the time of (second) in them."""
    return [skew.told(when(told), at(received)) for received, told in pairs]


def test_nothing_is_known_of_a_charger_that_tells_no_time() -> None:
    skew = Skew()
    assert not skew.told(None, at(1))
    assert skew.seconds is None


def test_a_clock_that_is_off_is_measured() -> None:
    fast, slow = Skew(), Skew()
    assert tell(fast, (10, 130), (20, 141)) == [False, False]
    assert fast.seconds == 121.0
    tell(slow, (10, -290), (20, -280))
    assert slow.seconds == -300.0


def test_what_waited_in_a_queue_does_not_make_the_clock_slow() -> None:
    skew = Skew()
    tell(skew, (0, 2), (10, 11))
    assert tell(skew, (11, -3600), (12, -1800), (13, -60), (14, -30)) == [False] * 4
    assert skew.seconds == 2.0


def test_a_queue_that_takes_minutes_to_empty_is_no_clock_that_was_set_back() -> None:
    """Messages of an hour, five minutes apart, come one every 20 seconds."""
    skew = Skew()
    tell(skew, (0, 0))
    queue = [(3600 + number * 20.0, number * 300.0) for number in range(12)]
    assert not any(tell(skew, *queue))


def test_a_clock_that_was_set_back_is_noticed_by_the_pace_of_its_messages() -> None:
    skew = Skew()
    tell(skew, (0, 0))
    assert tell(skew, (10, -590), (40, -559), (10 + PACE_S - 1, -541)) == [False, False, False]
    assert skew.seconds == 0.0
    assert tell(skew, (10 + PACE_S, -530)) == [True]
    assert skew.seconds == -600.0
    assert tell(skew, (80, -520)) == [False]


def test_one_message_on_time_shows_that_the_others_waited() -> None:
    skew = Skew()
    tell(skew, (0, 0), (10, -590), (40, 40))
    assert tell(skew, (10 + PACE_S, -530)) == [False]
    assert skew.seconds == 40.0 - 40.0


def test_messages_of_another_pace_start_the_measurement_anew() -> None:
    skew = Skew()
    tell(skew, (0, 0), (10, -590), (50, -550 + PACE_TOLERANCE_S + 1))
    assert tell(skew, (10 + PACE_S, -530 + PACE_TOLERANCE_S + 1)) == [False]
    assert tell(skew, (50 + PACE_S, -490 + PACE_TOLERANCE_S + 1)) == [True]


def test_a_little_behind_is_the_network() -> None:
    skew = Skew()
    tell(skew, (0, 0))
    assert not any(tell(skew, *((10 + 20 * n, 10 + 20 * n - BEHIND_S) for n in range(6))))


def test_an_old_measurement_is_forgotten_after_some_messages() -> None:
    skew = Skew()
    tell(skew, (0, 20), *((10.0 + n, 10.0 + n) for n in range(SAMPLES - 1)))
    assert skew.seconds == 20.0
    tell(skew, (30, 30))
    assert skew.seconds == 0.0


def test_the_gateways_clock_set_forward_looks_like_theirs_set_back_and_ends_as_well() -> None:
    skew = Skew()
    skew.told(when(0), at(0))
    told = [skew.told(when(10 + 30 * n), at(10 + 30 * n, ahead=3600)) for n in range(3)]
    assert told == [False, False, True]
    assert skew.seconds == -3600.0


def test_the_gateways_clock_set_back_is_seen_at_once() -> None:
    skew = Skew()
    skew.told(when(0), at(0))
    assert not skew.told(when(10), at(10, ahead=-3600))
    assert skew.seconds == 3600.0


def test_a_charger_that_boots_is_measured_anew() -> None:
    skew = Skew()
    tell(skew, (0, 500), (5, -3600))
    skew.begin_anew()
    assert skew.seconds is None
    assert tell(skew, (100, 101)) == [False]
    assert skew.seconds == 1.0


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(st.floats(1, 300), st.floats(0, 5)), min_size=1, max_size=30),
)
def test_a_steady_clock_is_never_taken_for_one_that_was_set(off: float, steps: list[tuple[float, float]]) -> None:
    skew, second = Skew(), 0.0
    for pause, delay in steps:
        second += pause
        assert not skew.told(when(second + off), at(second + delay))
    assert skew.seconds is not None
    assert abs(skew.seconds - off) <= 5.01


# What is about the past


def test_without_a_time_the_order_of_receipt_counts() -> None:
    newest = Newest()
    assert newest.takes(None, at(1))
    assert newest.instant is None
    assert newest.takes(when(5), at(6))
    assert newest.takes(None, at(7))
    assert newest.instant == when(5)


def test_older_is_of_the_past_and_the_same_time_is_not() -> None:
    newest = Newest()
    assert newest.takes(when(5), at(6))
    assert not newest.takes(when(4), at(40))
    assert newest.takes(when(5), at(41))
    assert newest.takes(when(6), at(42))
    assert newest.instant == when(6)


@pytest.mark.parametrize(("skew_s", "taken"), [(0.0, True), (-30.0, True), (-29.0, True), (10.0, False)])
def test_hardly_late_by_the_chargers_clock_is_not_of_the_past(skew_s: float, taken: bool) -> None:
    """Clocks are set, and told in whole seconds: a fault a second older than the state before it is a fault of now."""
    newest = Newest()
    assert newest.takes(when(100), at(100))
    assert newest.takes(when(99), at(125), skew_s) is taken


def steady(skew: Skew) -> float | None:
    return skew.steady_s


def test_a_skew_is_certain_when_messages_keep_pace_with_it() -> None:
    skew = Skew()
    skew.told(when(-18_000), at(0))
    skew.told(when(-17_970), at(30))
    assert steady(skew) is None
    skew.told(when(-17_939), at(60))
    assert steady(skew) == -17_999.0
    # What waited in a queue says nothing of it.
    skew.told(when(-20_000), at(61))
    assert steady(skew) == -17_999.0


def test_what_was_certain_before_a_restart_is_certain_after_the_first_message_that_agrees() -> None:
    skew = Skew()
    for second in (0, 60):
        skew.told(when(second - 3600), at(second))
    skew.begin_anew()
    assert steady(skew) is None
    skew.told(when(100 - 9000), at(100))
    assert steady(skew) is None
    skew.told(when(101 - 3603), at(101))
    assert steady(skew) == -3603.0
    skew.begin_anew()
    skew.begin_anew()
    skew.told(when(102 - 3603), at(102))
    assert steady(skew) == -3603.0


def test_nothing_is_of_the_future() -> None:
    """A clock that was far ahead for once must not make everything after it the past."""
    newest = Newest()
    assert newest.takes(when(1_000_000), at(5))
    assert newest.instant == at(5).wall
    assert newest.takes(when(6), at(6))


def test_the_gateways_clock_set_back_makes_nothing_late() -> None:
    newest = Newest()
    assert newest.takes(when(100), at(100))
    assert newest.takes(when(110), at(110, ahead=-3600))
    assert newest.takes(when(120), at(120, ahead=-3600))


def test_the_gateways_clock_set_forward_makes_nothing_late() -> None:
    newest = Newest()
    assert newest.takes(when(100), at(100))
    assert newest.takes(when(110), at(110, ahead=3600))
    assert newest.takes(when(120), at(120, ahead=3600))
