"""`gateway.core.calls`: who waits for which answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.calls import MOST_OPEN, REMEMBERED, UNANSWERED_AFTER_S, Match, OpenCall, OpenCalls, Origin

IDS = ("1", "2", "3", "7f0c")


def call(message_id: str, at: float = 0.0, action: str = "Heartbeat") -> OpenCall:
    return OpenCall(message_id, action, Origin.PEER, at)


def test_an_answer_settles_its_call() -> None:
    calls = OpenCalls()
    first, second = call("1"), call("2")
    assert calls.asked(first) == calls.asked(second) == []
    assert calls.answered("2") == (Match.EXPECTED, second)
    assert list(calls) == [first]
    assert len(calls) == 1


def test_a_repeated_id_is_settled_oldest_first() -> None:
    calls = OpenCalls()
    first, second = call("1", 0.0), call("1", 1.0)
    calls.asked(first)
    calls.asked(second)
    assert calls.answered("1") == (Match.EXPECTED, first)
    assert calls.answered("1") == (Match.EXPECTED, second)


def test_a_second_answer_is_a_duplicate() -> None:
    calls = OpenCalls()
    asked = call("1")
    calls.asked(asked)
    calls.answered("1")
    assert calls.answered("1") == (Match.DUPLICATE, asked)


def test_an_id_used_again_after_a_reboot_is_expected() -> None:
    calls = OpenCalls()
    calls.asked(call("1", 0.0))
    calls.answered("1")
    again = call("1", 50.0)
    calls.asked(again)
    assert calls.answered("1") == (Match.EXPECTED, again)


def test_an_answer_that_nobody_asked_for() -> None:
    assert OpenCalls().answered("1") == (Match.UNKNOWN, None)


def test_an_answer_after_the_call_was_given_up_is_late_and_then_a_duplicate() -> None:
    calls = OpenCalls()
    asked = call("1", 0.0)
    calls.asked(asked)
    calls.asked(call("2", 1.0))
    assert calls.expire(UNANSWERED_AFTER_S - 0.1) == []
    assert calls.expire(UNANSWERED_AFTER_S) == [asked]
    assert [waiting.message_id for waiting in calls] == ["2"]
    assert calls.answered("1") == (Match.LATE, asked)
    assert calls.answered("1") == (Match.DUPLICATE, asked)


def test_a_younger_call_of_the_same_id_is_answered_before_the_one_given_up() -> None:
    calls = OpenCalls()
    old, young = call("1", 0.0), call("1", 300.0)
    calls.asked(old)
    calls.asked(young)
    calls.expire(UNANSWERED_AFTER_S)
    assert calls.answered("1") == (Match.EXPECTED, young)
    assert calls.answered("1") == (Match.LATE, old)


def test_beyond_the_limit_the_oldest_is_given_up() -> None:
    calls = OpenCalls()
    for number in range(MOST_OPEN):
        assert calls.asked(call(str(number))) == []
    assert [given_up.message_id for given_up in calls.asked(call("new"))] == ["0"]
    assert len(calls) == MOST_OPEN
    assert calls.answered("0")[0] is Match.LATE


def test_the_oldest_is_told_by_its_time_and_not_by_its_id() -> None:
    calls = OpenCalls()
    calls.asked(call("twice", 0.0))
    calls.asked(call("once", 1.0))
    calls.asked(call("twice", 2.0))
    calls.answered("twice")
    for number in range(MOST_OPEN - 2):
        calls.asked(call(str(number), 3.0))
    assert calls.asked(call("new", 4.0)) == [call("once", 1.0)]


def test_the_memory_of_settled_and_given_up_calls_is_bounded() -> None:
    calls = OpenCalls()
    for number in range(REMEMBERED + 1):
        calls.asked(call(f"answered {number}"))
        calls.answered(f"answered {number}")
        calls.asked(call(f"lost {number}", -UNANSWERED_AFTER_S))
    assert len(calls.expire(0.0)) == REMEMBERED + 1
    assert calls.answered("answered 0")[0] is Match.UNKNOWN
    assert calls.answered("lost 0")[0] is Match.UNKNOWN
    assert calls.answered("answered 1")[0] is Match.DUPLICATE
    assert calls.answered("lost 1")[0] is Match.LATE


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(IDS)),
    st.tuples(st.just("answer"), st.sampled_from(IDS)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 1.0, 250.0, 400.0])),
    st.tuples(st.just("flood"), st.sampled_from([1, 200, MOST_OPEN])),
)


@given(st.lists(STEPS, max_size=50))
def test_any_interleaving_settles_the_oldest_open_call_of_that_id(steps: list[tuple[str, str | float]]) -> None:
    """Against a plain list of what waits, and per id the misses that a later answer may be told by."""
    calls = OpenCalls()
    waiting: list[OpenCall] = []
    given_up: dict[str, OpenCall] = {}
    settled: dict[str, OpenCall] = {}
    now, number = 0.0, 0

    def give_up(lost: list[OpenCall]) -> None:
        for one in lost:
            waiting.remove(one)
            given_up[one.message_id] = one

    for step, value in steps:
        if step == "wait":
            assert isinstance(value, float)
            now += value
            overdue = [one for one in waiting if now - one.asked_at >= UNANSWERED_AFTER_S]
            assert calls.expire(now) == overdue
            give_up(overdue)
        elif step == "answer":
            assert isinstance(value, str)
            open_ones = [one for one in waiting if one.message_id == value]
            match, found = calls.answered(value)
            if open_ones:
                assert (match, found) == (Match.EXPECTED, open_ones[0])
                waiting.remove(open_ones[0])
                settled[value] = open_ones[0]
            elif match is Match.LATE:
                assert found == given_up.pop(value)
                settled[value] = found
            elif match is Match.DUPLICATE:
                assert found == settled[value]
            else:
                assert (match, found) == (Match.UNKNOWN, None)
        else:
            for message_id in [value] if isinstance(value, str) else [f"flood {n}" for n in range(int(value))]:
                assert isinstance(message_id, str)
                number += 1
                asked = call(message_id, now, f"Action{number}")
                lost = calls.asked(asked)
                waiting.append(asked)
                assert lost == waiting[: len(waiting) - MOST_OPEN] if len(waiting) > MOST_OPEN else lost == []
                settled.pop(message_id, None)
                given_up.pop(message_id, None)
                give_up(lost)
        assert list(calls) == waiting
        assert len(calls) == len(waiting) <= MOST_OPEN
