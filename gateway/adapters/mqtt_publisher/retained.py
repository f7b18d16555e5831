"""What stands retained on the broker: the latest message of every topic, and which of them it does not have yet."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.message import Message


class RetainedState:
    """Memory is bounded by the number of topics, whatever the broker does; one that is away or slow gets the latest."""

    def __init__(self, birth: Message) -> None:
        self._last_topic = birth.topic
        self._latest: dict[str, Message] = {birth.topic: birth}
        self._dirty: dict[str, None] = {}
        self._denied: dict[str, None] = {}

    def put(self, message: Message) -> None:
        """Replace what stands, or waits, on this topic."""
        self._latest[message.topic] = message
        if message.topic not in self._denied:
            self._dirty[message.topic] = None

    def take(self) -> Message | None:
        """The next to be sent; None if the broker has everything that it can be given."""
        if not self._dirty:
            return None
        topic = next(iter(self._dirty))
        del self._dirty[topic]
        return self._latest[topic]

    def renew(self) -> None:
        """For a new connection: what changed first, then all the rest, then `online`.

        The rest, because a broker may have lost retained messages and still know the session: it saves the two apart,
        and rarely. `online` last, because consumers may believe the states from then on.
        """
        self._denied.clear()
        self._dirty |= dict.fromkeys(self._latest)
        del self._dirty[self._last_topic]
        self._dirty[self._last_topic] = None

    def lost(self, topics: Iterable[str]) -> None:
        """Nobody knows whether the broker has what was on its way on these, so it goes first next time."""
        self._dirty = dict.fromkeys(topics) | self._dirty

    def is_cleared(self, topic: str) -> bool:
        """Is an empty message the last that was put on this topic, and taken?"""
        latest = self._latest.get(topic)
        return latest is not None and not latest.payload and topic not in self._dirty

    def forget(self, topic: str) -> None:
        """The broker keeps nothing on a topic whose last message was empty: nothing has to be told again."""
        del self._latest[topic]

    def denied(self, topic: str) -> None:
        """The broker said no: whatever is put on this topic waits for `retry`."""
        self._dirty.pop(topic, None)
        self._denied[topic] = None

    def retry(self) -> None:
        """What was denied is tried again."""
        self._dirty |= self._denied
        self._denied.clear()
