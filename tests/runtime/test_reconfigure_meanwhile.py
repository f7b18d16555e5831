"""Other rules for a site that is running, while somebody comes, is forgotten, or the store returns."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.core.door import Unknown
from gateway.core.record import Standing
from gateway.runtime.enrolment import Enrolment
from gateway.runtime.ports import Admitted
from tests.runtime.house import QUIRKS, House, StubbornLink, arrival, naming, until
from tests.runtime.test_reconfigure import house_with, row


async def connect_stubborn(house: House, identity: str) -> StubbornLink:
    """A charger comes in whose socket will close slowly."""
    up = house.dialer.accepts()
    verdict = await house.stations.arrive(arrival(identity))
    assert isinstance(verdict, Admitted)
    down = StubbornLink()
    await verdict.attach(down)
    await until(lambda: up.events is not None)
    return down


@pytest.mark.parametrize("unknown", list(Unknown))
async def test_who_redials_while_it_is_renamed_is_no_stranger(unknown: Unknown) -> None:
    house = await house_with(naming("CP01", unknown=unknown))
    down = await connect_stubborn(house, "CP01")
    before = house.store.disk["cp01"]
    reloading = asyncio.create_task(house.reload(naming(unknown=unknown, aliases={"CP01": "left"})))
    await down.asked.wait()
    assert (await house.refuse("CP01")).status == 503
    assert len(house.stations.quarantine) == 0
    down.may_close.set()
    await reloading
    await house.connect("CP01")
    assert house.store.disk == {"cp01": before}
    assert house.known() == {"CP01": "left"}
    await house.stations.stop()


async def test_who_is_named_by_the_reload_that_is_under_way_is_no_stranger() -> None:
    house = House(Unknown.QUARANTINE, directory=naming("OLD", unknown=Unknown.QUARANTINE))
    await house.stations.start()
    down = await connect_stubborn(house, "OLD")
    directory = naming("NEW", unknown=Unknown.QUARANTINE)
    changing = asyncio.create_task(house.stations.reconfigure(directory, house.stations.upstreams, (), QUIRKS))
    async with asyncio.timeout(5):
        await down.asked.wait()
    assert (await house.refuse("NEW")).status == 503
    down.may_close.set()
    await changing
    assert house.stations.find("NEW") is not None
    assert len(house.stations.quarantine) == 0
    await house.stations.stop()


async def test_a_store_that_is_back_while_a_charger_is_renamed_loses_nothing() -> None:
    house = House(directory=naming("CP01"))
    known = replace(row("CP01", "old-name"), accepted={"operator": house.clock.now().wall})
    house.store.disk[known.key] = known
    house.store.failure = "The database is locked: wait."
    await house.stations.start()
    down = await connect_stubborn(house, "CP01")
    reloading = asyncio.create_task(house.reload(naming(aliases={"CP01": "left"})))
    await down.asked.wait()
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    down.may_close.set()
    await reloading
    station = house.stations.find("CP01")
    assert station is not None
    assert station.record is not None
    assert (station.record.slug, station.record.standing) == ("old-name", Standing.ADOPTED)
    assert len(list(house.stations)) == 1
    await house.stations.stop()


async def test_a_charger_is_forgotten_while_the_configuration_changes() -> None:
    house = await house_with(naming("CP01"), row("CP02", "cp02"))
    down = await connect_stubborn(house, "CP01")
    reloading = asyncio.create_task(house.reload(naming()))
    await down.asked.wait()
    forgetting = asyncio.create_task(Enrolment(house.stations).forget("CP01", force=True))
    down.may_close.set()
    await asyncio.gather(reloading, forgetting)
    assert list(house.known()) == ["CP02"]
    assert list(house.store.disk) == ["cp02"]
    await house.stations.stop()
