"""Is the peer still there? A peer that talks is never dropped, a silent one is, and our own silence is no proof."""

from __future__ import annotations

import pytest

from gateway.core.effects import CloseLeg, Ping
from gateway.core.events import Leg
from gateway.core.liveness import HEARTBEATS_BEFORE_IDLE, LONGEST_HEARTBEAT_S, PING_EVERY_S
from gateway.core.policy import StationPolicy
from tests.core.drive import Drive, closes, connected
from tests.core.scenes import boot
from tests.core.texts import call, result

IDLE_S = StationPolicy(None).idle_limit_s


def test_both_legs_are_pinged() -> None:
    table = connected()
    table.elapse(PING_EVERY_S * 3)
    assert len([ping for ping in table.all(Ping) if ping.leg is Leg.DOWN]) == 3
    assert len([ping for ping in table.all(Ping) if ping.leg is Leg.UP]) == 3
    assert {ping.generation for ping in table.all(Ping)} == {1}


def test_a_charger_that_cannot_take_pings_gets_none() -> None:
    table = connected(pings=False)
    table.elapse(PING_EVERY_S)
    assert [ping.leg for ping in table.all(Ping)] == [Leg.UP]


@pytest.mark.parametrize("silent", Leg)
def test_a_silent_leg_ends_both(silent: Leg) -> None:
    table = connected()
    table.pong(Leg.DOWN)
    for _ in range(2):
        table.elapse(IDLE_S / 2 - 1)
        table.pong(silent.other)
    assert table.live() is not None
    effects = table.elapse(2)
    assert closes(effects) == [(silent, 1001), (silent.other, 1000 if silent is Leg.DOWN else 1001)]
    assert table.counted[f"{silent.peer}_silent"] == 1
    assert table.live() is None


@pytest.mark.parametrize("sign", ["frame", "pong"])
def test_a_peer_that_talks_is_never_dropped(sign: str) -> None:
    table = connected()
    for number in range(20):
        table.elapse(IDLE_S - 1)
        if sign == "pong":
            table.pong(Leg.DOWN)
            table.pong(Leg.UP)
        else:
            table.charger(call(str(number)))
            table.upstream(result(str(number)))
    assert table.live() is not None
    assert table.all(CloseLeg) == []


def test_a_peer_that_talks_nonsense_is_still_there() -> None:
    table = connected()
    for _ in range(4):
        table.elapse(IDLE_S - 1)
        table.charger("garbage")
        table.upstream(result("never asked"))
    assert table.live() is not None


@pytest.mark.parametrize("leg", Leg)
def test_while_we_do_not_read_silence_proves_nothing(leg: Leg) -> None:
    table = connected()
    table.pong(Leg.DOWN)
    table.pause(leg)
    for _ in range(10):
        table.elapse(IDLE_S - 1)
        table.pong(leg.other)
    assert table.live() is not None
    table.resume(leg)
    table.elapse(IDLE_S - 1)
    assert table.live() is not None
    table.pong(leg.other)
    assert closes(table.elapse(2))[0] == (leg, 1001)


def _survives(table: Drive, silence_s: float) -> bool:
    """Is the charger still in after this silence of its own, while upstream talks?"""
    for _ in range(int(silence_s // 60)):
        table.elapse(60)
        table.pong(Leg.UP)
    table.elapse(silence_s % 60)
    return table.live() is not None


def test_three_heartbeats_may_be_missing_after_a_boot() -> None:
    table = connected()
    boot(table, 3600)
    assert _survives(table, HEARTBEATS_BEFORE_IDLE * 3600 - 1)
    assert not _survives(table, 2)


def test_the_interval_outlives_a_reconnect() -> None:
    """After a plain reconnect no BootNotification is due (1.6-J 5.4)."""
    table = connected()
    boot(table, 3600)
    table.lose(Leg.DOWN)
    table.online()
    assert _survives(table, HEARTBEATS_BEFORE_IDLE * 3600 - 1)
    assert not _survives(table, 2)


def test_a_short_interval_does_not_shorten_the_limit() -> None:
    table = connected()
    boot(table, 1)
    assert _survives(table, IDLE_S - 1)
    assert not _survives(table, 2)


@pytest.mark.parametrize(
    ("interval", "registration"), [(3600, "Pending"), (3600, "Rejected"), ("x", "Accepted"), (0, "Accepted")]
)
def test_only_an_accepted_boot_with_a_readable_interval_counts(interval: object, registration: str) -> None:
    table = connected()
    boot(table, interval, registration)
    table.pong(Leg.DOWN)
    assert _survives(table, IDLE_S - 1)
    assert not _survives(table, 2)


@pytest.mark.parametrize("interval", [10**9, 10**400, 1e308])
def test_an_absurd_interval_neither_breaks_nor_disarms(interval: object) -> None:
    table = connected()
    boot(table, interval)
    assert table.live() is not None
    table.elapse(IDLE_S - 1)
    table.pong(Leg.UP)
    table.elapse(2)
    assert table.due["idle:down:1"] - table.now.monotonic <= HEARTBEATS_BEFORE_IDLE * LONGEST_HEARTBEAT_S
