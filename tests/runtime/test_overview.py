"""The gateway as a whole."""

from __future__ import annotations

import asyncio

from gateway.core.door import Unknown
from gateway.core.facts import GatewayInfo, GatewayState
from gateway.runtime.overview import About, Overview
from gateway.runtime.ports import DialVerdict, PublisherState
from tests.runtime.house import House, until

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
