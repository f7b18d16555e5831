"""Telling: every fact reaches the publisher, numbered, and the listeners after it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gateway.core.facts import ConnectivityChanged, Fact
from gateway.core.message import Message
from gateway.runtime.ports import Publisher, PublisherState
from gateway.runtime.telling import Telling
from tests.topics.samples import AT, CONNECTIVITY, CONNECTOR


@dataclass
class Paper:
    """A publisher that keeps what it is given."""

    put_down: list[Message] = field(default_factory=list)

    def put(self, message: Message) -> None:
        """Keep it."""
        self.put_down.append(message)

    def state(self) -> PublisherState:
        """There is no broker."""
        return PublisherState(False, None, "paper", 0, None, None)

    async def run(self) -> None:
        """Nothing to do."""

    async def stop(self, last: Message) -> None:
        """Keep the last one too."""
        self.put(last)


def test_facts_are_put_in_order_and_events_numbered_over_all_topics() -> None:
    paper = Paper()
    publisher: Publisher = paper
    telling = Telling(publisher, "depot3", "0badcafe", lambda: "synced")
    for fact in (CONNECTIVITY, CONNECTOR, ConnectivityChanged(AT, "cp02", "offline", None, 0)):
        telling(fact)
    assert [message.topic for message in paper.put_down] == [
        "event/connectivity/cp01",
        "charger/cp01/connector/1/state",
        "event/connectivity/cp02",
    ]
    payloads = [json.loads(message.payload) for message in paper.put_down]
    assert [payload["gateway"] for payload in payloads] == ["depot3"] * 3
    assert [payload.get("event_id") for payload in payloads] == ["depot3-0badcafe-1", None, "depot3-0badcafe-2"]


def test_trust_in_the_clock_is_that_of_the_moment() -> None:
    paper = Paper()
    trust = "floor"
    telling = Telling(paper, "depot3", "0badcafe", lambda: trust)
    telling(CONNECTIVITY)
    trust = "synced"
    telling(CONNECTIVITY)
    assert [json.loads(message.payload)["time_trust"] for message in paper.put_down] == ["floor", "synced"]


def test_listeners_hear_of_a_fact_after_it_was_handed_over() -> None:
    paper = Paper()
    heard: list[tuple[Fact, int]] = []
    telling = Telling(paper, "depot3", "0badcafe", lambda: "synced")
    telling.listeners.append(lambda fact: heard.append((fact, len(paper.put_down))))
    telling(CONNECTIVITY)
    telling(CONNECTOR)
    assert heard == [(CONNECTIVITY, 1), (CONNECTOR, 2)]
