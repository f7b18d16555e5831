"""The queue of events by itself: order, bounds, late texts, and what becomes of poison."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.adapters.mqtt_publisher.events import MOST_LOSSES, Event, EventQueue
from gateway.adapters.mqtt_publisher.options import Pace
from gateway.core.message import Message
from tests.adapters.mqtt_rig import event

PACE = Pace()


def taken(queue: EventQueue) -> Event:
    """The next one, which must be there."""
    found = queue.take()
    assert found is not None
    return found


def test_waits_count_from_when_it_was_put() -> None:
    queue = EventQueue(PACE)
    queue.put(event(1), 100.0)
    one = taken(queue)
    assert queue.wording(one, 105.0).payload == '{"n":1}'
    assert queue.wording(one, 105.1).payload == '{"n":1,"replayed":true}'


def test_event_without_a_late_text_is_sent_as_it_is() -> None:
    queue = EventQueue(PACE)
    plain = replace(event(1), late=None)
    queue.put(plain, 0.0)
    assert queue.wording(taken(queue), 60.0) == plain


def test_resent_at_once_is_late_all_the_same() -> None:
    queue = EventQueue(PACE)
    queue.put(event(1), 100.0)
    taken(queue)
    queue.lost(blamed=True)
    assert queue.wording(taken(queue), 100.0).payload == '{"n":1,"replayed":true}'


def test_oldest_is_dropped_whether_it_waits_or_was_denied() -> None:
    queue = EventQueue(replace(PACE, events_held=3))
    queue.put(event(1, "denied"), 0)
    queue.denied(taken(queue))
    assert [queue.put(event(number), 0) for number in (2, 3, 4, 5)] == [0, 0, 1, 1]
    queue.retry()
    assert [taken(queue).number for _ in range(3)] == [3, 4, 5]
    assert queue.take() is None
    assert len(queue) == 3, "on their way"


def test_topic_is_tried_again_when_all_that_was_denied_is_dropped() -> None:
    queue = EventQueue(replace(PACE, events_held=1))
    queue.put(event(1), 0)
    queue.denied(taken(queue))
    assert queue.put(event(2), 0) == 1
    assert taken(queue).number == 2


def test_characters_are_bounded_too() -> None:
    queue = EventQueue(replace(PACE, events_size=250))
    long = Message("event/fault/cp01/1", "x" * 50, retain=False, late="y" * 50)
    assert [queue.put(long, 0) for _ in range(4)] == [0, 0, 1, 1]
    assert len(queue) == 2


def test_one_at_which_connections_keep_ending_is_given_up_and_no_other() -> None:
    queue = EventQueue(PACE)
    for number in (1, 2, 3):
        queue.put(event(number), 0)
    given_up = []
    for _ in range(MOST_LOSSES):
        assert [taken(queue).number for _ in range(3)] == [1, 2, 3]
        given_up.append(queue.lost(blamed=True))
    assert given_up[:-1] == [None] * (MOST_LOSSES - 1)
    assert given_up[-1] is not None
    assert given_up[-1].number == 1
    assert [taken(queue).number for _ in range(2)] == [2, 3]
    for _ in range(MOST_LOSSES):
        assert queue.lost(blamed=False) is None
        assert [taken(queue).number for _ in range(2)] == [2, 3]


class Histories(RuleBasedStateMachine):
    """Whatever the broker says, and however often it goes: nothing is lost, and each topic keeps its order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = EventQueue(PACE)
        self.owed: defaultdict[str, list[int]] = defaultdict(list)
        self.sent: list[Event] = []
        self.last = 0

    @rule(topic=st.sampled_from(("a", "b", "c")))
    def put(self, topic: str) -> None:
        self.last += 1
        assert self.queue.put(event(self.last, topic), 0.0) == 0
        self.owed[topic].append(self.last)

    @rule()
    def take(self) -> None:
        found = self.queue.take()
        if found is not None:
            self.sent.append(found)
            on_their_way = [one.number for one in self.sent if one.message.topic == found.message.topic]
            owed = self.owed[found.message.topic]
            assert on_their_way == owed[: len(on_their_way)], "the oldest of its topic, and none left out"

    @precondition(lambda self: self.sent)
    @rule()
    def acknowledged(self) -> None:
        found = self.sent.pop(0)
        self.queue.settled(found)
        assert self.owed[found.message.topic].pop(0) == found.number

    @precondition(lambda self: self.sent)
    @rule()
    def denied(self) -> None:
        """A broker that says no says it to all of that topic."""
        topic = self.sent[0].message.topic
        for found in [one for one in self.sent if one.message.topic == topic]:
            self.sent.remove(found)
            self.queue.denied(found)
        following = self.queue.take()
        if following is not None:
            self.sent.append(following)
            assert following.message.topic != topic

    @precondition(lambda self: not self.sent)
    @rule()
    def retry(self) -> None:
        self.queue.retry()

    @rule()
    def connection_lost(self) -> None:
        self.sent.clear()
        assert self.queue.lost(blamed=False) is None
        self.queue.retry()

    @invariant()
    def nothing_is_lost(self) -> None:
        assert len(self.queue) == sum(len(numbers) for numbers in self.owed.values())


TestHistories = Histories.TestCase
