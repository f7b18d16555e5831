"""When the publisher tries again, with which version, and what it says about it: on a clock of the test's own."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from gateway.adapters.mqtt_publisher.failures import ConnectFailed, Refused, Unanswered, Unreachable, unreachable
from gateway.adapters.mqtt_publisher.options import Pace
from gateway.adapters.mqtt_publisher.outage import FLAPS, Outage
from gateway.core.moment import Moment
from tests.adapters.mqtt_rig import Lines, broker_at


class HandClock:
    """Stands still until it is moved; every draw is one half."""

    def __init__(self) -> None:
        self.moment = Moment(datetime(2026, 3, 1, tzinfo=UTC), 1000.0)

    def now(self) -> Moment:
        """Where the hands stand."""
        return self.moment

    def draw(self) -> float:
        """No dice."""
        return 0.5

    def move(self, seconds: float) -> None:
        """Turn both hands."""
        wall = self.moment.wall + timedelta(seconds=seconds)
        self.moment = Moment(wall, self.moment.monotonic + seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def outage(clock: HandClock) -> Outage:
    return Outage(broker_at(1883), clock, Pace(), quiet=False)


def test_waits_grow_to_a_minute(outage: Outage) -> None:
    delays = [outage.failed(Unreachable("x"), 5) for _ in range(8)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert outage.last_error == "x"


def test_refusal_waits_a_minute(outage: Outage) -> None:
    assert outage.failed(Refused("Not authorized", unsupported=False), 5) == 60


def test_mqtt_5_is_left_alone_for_a_day_after_it_was_named_unsupported(outage: Outage, clock: HandClock) -> None:
    assert outage.level() == 5
    assert outage.failed(Refused("Unsupported protocol version", unsupported=True), 5) == 0
    assert outage.level() == 4
    outage.connected(4)
    clock.move(86_399)
    assert outage.level() == 4
    clock.move(2)
    assert outage.level() == 5


def test_hang_up_on_mqtt_5_is_believed_once_311_works(outage: Outage, clock: HandClock) -> None:
    assert outage.failed(Unanswered("hung up"), 5) == 0
    assert outage.level() == 4
    outage.connected(4)
    assert outage.level() == 4
    clock.move(86_400)
    assert outage.level() == 5


@pytest.mark.parametrize("next_failure", [Unreachable("refused"), Unanswered("hung up")])
def test_hang_up_by_a_broker_that_restarts_is_forgotten(outage: Outage, next_failure: ConnectFailed) -> None:
    outage.failed(Unanswered("hung up"), 5)
    assert outage.failed(next_failure, 4) > 0
    assert outage.level() == 5


def test_broker_replaced_by_one_that_knows_mqtt_5_only(outage: Outage) -> None:
    outage.failed(Refused("Unsupported protocol version", unsupported=True), 5)
    outage.connected(4)
    assert outage.failed(Unreachable("it is being replaced"), 4) > 0
    assert outage.level() == 4
    assert outage.failed(Unanswered("hung up"), 4) > 0
    assert outage.level() == 5


def test_outage_is_told_once_and_its_end_with_the_duration(outage: Outage, clock: HandClock) -> None:
    with Lines() as lines:
        outage.connected(5)
        since = clock.now()
        clock.move(100)
        assert outage.lost("the broker closed the connection", since) == 0.5
        clock.move(10)
        assert outage.failed(Unreachable("no connection"), 5) == 1
        assert outage.failed(Refused("Not authorized; check", unsupported=False), 5) == 60
        outage.failed(Refused("Not authorized; check", unsupported=False), 5)
        clock.move(80)
        outage.connected(4)
    follow = "the latest states, and the events meanwhile, follow when it is back"
    assert lines.texts(logging.INFO) == [
        "MQTT: connected to 127.0.0.1:1883 (MQTT 5)",
        f"MQTT: 127.0.0.1:1883 lost: the broker closed the connection; {follow}",
        "MQTT: Not authorized; check",
        "MQTT: 127.0.0.1:1883 is back after 90 s (MQTT 3.1.1)",
    ]
    assert outage.last_error is None


def test_broker_that_nobody_configured_is_missed_quietly(clock: HandClock) -> None:
    outage = Outage(broker_at(1883), clock, Pace(), quiet=True)
    with Lines() as lines:
        outage.failed(Unreachable("no connection"), 5)
        outage.failed(Unreachable("no connection"), 5)
        outage.failed(Refused("Not authorized; check", unsupported=False), 5)
        outage.connected(5)
        outage.failed(Unreachable("no connection"), 5)
    texts = ["MQTT: no broker at 127.0.0.1:1883; set [mqtt] url", "MQTT: Not authorized; check"]
    assert lines.texts(logging.INFO)[:2] == texts
    assert lines.texts(logging.WARNING) == ["MQTT: no connection"]


def test_connections_that_end_at_once_count_as_failures(outage: Outage) -> None:
    delays = []
    with Lines() as lines:
        for _ in range(8):
            since = outage_connected(outage)
            delays.append(outage.lost("Session taken over", since))
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert sum("another client" in text for text in lines.texts(logging.WARNING)) == 1
    assert len(lines.texts(logging.WARNING)) == FLAPS


def outage_connected(outage: Outage) -> Moment:
    """The beginning of a connection that ends in the same moment."""
    outage.connected(5)
    return Moment(datetime(2026, 3, 1, tzinfo=UTC), 1000.0)


def test_long_connection_ends_the_count(outage: Outage, clock: HandClock) -> None:
    for _ in range(5):
        outage.lost("x", clock.now())
    since = clock.now()
    clock.move(6)
    assert outage.lost("x", since) == 0.5


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (TimeoutError("timed out"), "127.0.0.1:1883 does not answer; check [mqtt] url and the network"),
        (ConnectionRefusedError(111, "Connection refused"), "check [mqtt] url, and that the broker runs"),
        (ValueError("label too long"), "check [mqtt] url, and that the broker runs"),
    ],
)
def test_every_failure_ends_with_what_to_do_next(error: Exception, advice: str) -> None:
    assert str(unreachable("127.0.0.1:1883", error)).endswith(advice)
