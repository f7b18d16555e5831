"""The gateway as a whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.core.door import Unknown
from gateway.core.facts import GatewayInfo, GatewayState
from gateway.runtime.enrolment import Enrolment
from gateway.runtime.health import Gravity, Problem
from gateway.runtime.overview import LONGEST_STATUS, MOST_REASONS, About, Overview
from gateway.runtime.ports import DialVerdict, PublisherState
from tests.runtime.house import House, naming, until

BROKER = PublisherState(True, 5, "127.0.0.1:1883", 0, None, None)


def overview_of(house: House) -> Overview:
    """An overview that tells the same listener as the stations."""
    about = About("depot3", None, "0.1.0", house.clock.now(), "b7f1c0de", "Debian 12", ("1.6",))
    return Overview(
        about,
        house.clock,
        house.stations,
        house.timekeeping,
        lambda: BROKER,
        house.told.append,
        house.lines.append,
    )


async def test_counts_and_health() -> None:
    house = House()
    overview = overview_of(house)
    await house.stations.start()
    assert overview.state(house.clock.now()).health == "ok"
    charger = await house.connect()
    status = '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"%s"}]'
    await charger.from_charger.text(status % "Charging")
    await charger.up.until(1)
    state = overview.state(house.clock.now())
    assert (state.chargers.configured, state.chargers.online, state.chargers.charging) == (1, 1, 1)
    assert (state.upstream_links, state.upstream_online) == (1, 1)
    await charger.from_charger.text(status % "Faulted")
    await charger.up.until(2)
    assert overview.state(house.clock.now()).chargers.faulted == 1
    assert overview.status_line() == "1 of 1 chargers online, 0 charging, MQTT connected"
    charger.from_charger.lost(1001, "")
    await until(lambda: charger.up.closed is not None)
    house.dialer.outcomes.put_nowait(DialVerdict(404))
    assert (await house.refuse()).status == 503
    state = overview.state(house.clock.now())
    assert state.health == "degraded"
    assert "upstream_offline:cp01" in state.reasons
    await house.stations.stop()
    assert "charger_offline:cp01" in overview.state(house.clock.now()).reasons


async def test_store_problem_is_critical() -> None:
    house = House()
    house.stations.safekeeping.problem = "The disk is full."
    state = overview_of(house).state(house.clock.now())
    assert (state.health, state.reasons) == ("critical", ("store_failed",))


async def test_quarantine_is_shown() -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    await house.refuse("X")
    state = overview_of(house).state(house.clock.now())
    assert state.quarantine == 1
    assert [entry.identity for entry in state.quarantined] == ["X"]


async def test_what_is_worst_is_in_the_line_for_the_service_manager() -> None:
    house = House(directory=naming("CP01", "CP02"))
    overview = overview_of(house)
    await house.stations.start()
    since = "is not connected (since 2026-03-01T08:00:00.000Z): see that it has power and network"
    assert overview.status_line().startswith(f"0 of 2 chargers online, 0 charging, MQTT connected; CP01 {since}")
    overview.more_problems = lambda: [Problem("listen_failed:x", "port 9000 is in use: end the other", Gravity.ERROR)]
    assert overview.status_line() == (
        "0 of 2 chargers online, 0 charging, MQTT connected; port 9000 is in use: end the other"
    )
    overview.more_problems = lambda: [Problem("x", "long " * 99, Gravity.ERROR)]
    assert len(overview.status_line()) == LONGEST_STATUS
    assert overview.status_line().endswith("…")
    await house.stations.stop()


async def test_a_notice_is_shown_to_who_asks_and_is_no_reason() -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    overview = overview_of(house)
    overview.broker = lambda: replace(BROKER, connected=False)
    await house.refuse("X")
    state = overview.state(house.clock.now())
    assert (state.health, state.reasons) == ("ok", ())
    assert overview.status_line().endswith("MQTT not connected (not yet); 1 in quarantine, see evgate status")
    # A broker that is configured matters to who asks here; on MQTT nobody could read that it is away.
    assert [(one.what, one.gravity) for one in overview.problems()] == [
        ("mqtt_offline", Gravity.WARNING),
        ("quarantined", Gravity.NOTICE),
    ]


async def test_so_many_reasons_and_each_once() -> None:
    house = House(directory=naming(*(f"CP{number}" for number in range(MOST_REASONS + 5))))
    overview = overview_of(house)
    await house.stations.start()
    overview.more_problems = lambda: [Problem("lost", "one: do this"), Problem("lost", "another: do that")]
    state = overview.state(house.clock.now())
    assert len(set(state.reasons)) == len(state.reasons) == MOST_REASONS
    assert state.reasons[0] == "lost"
    await house.stations.stop()


async def test_an_adopted_and_a_forgotten_charger_change_the_info() -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    overview = overview_of(house)
    await house.refuse("CP01")
    enrolment = Enrolment(house.stations)
    counts = []
    for work in (enrolment.adopt("CP01"), enrolment.forget("CP01", force=False)):
        await work
        counts.append(overview.info(house.clock.now()).chargers)
    assert counts == [("cp01",), ()]
    await house.stations.stop()


async def test_tells_at_once_and_info_only_when_it_changed() -> None:
    house = House()
    overview = overview_of(house)
    running = asyncio.create_task(overview.run())
    await until(lambda: any(isinstance(fact, GatewayState) for fact in house.told))
    assert [type(fact) for fact in house.told] == [GatewayInfo, GatewayState]
    overview.changed()
    await until(lambda: len(house.told) == 3)
    assert isinstance(house.told[2], GatewayState)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
