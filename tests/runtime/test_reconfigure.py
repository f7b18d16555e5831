"""Other rules for a site that is running: who stays, who leaves, who comes, and what is told of them on MQTT."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.core.door import Unknown
from gateway.core.facts import ChargerForgotten, ChargerInfo, ChargerStatus
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import Standing, StationRecord
from gateway.runtime.directory import Directory
from gateway.runtime.ports import Admitted, DialVerdict
from gateway.runtime.safekeeping import Kept
from tests.fakes.memory_store import MemoryStore
from tests.runtime.house import POLICY, Connected, House, arrival, naming, until

CALL = '[2,"1","Heartbeat",{}]'
STATUS = '[2,"1","StatusNotification",{"connectorId":%d,"errorCode":"NoError","status":"Available"}]'


async def house_with(directory: Directory, *rows: StationRecord) -> House:
    """A site that runs under this configuration, and knows these rows."""
    house = House(directory=directory)
    house.store.disk |= {row.key: row for row in rows}
    await house.stations.start()
    return house


def row(identity: str, slug: str, standing: Standing = Standing.ADOPTED) -> StationRecord:
    """What was known of a charger before."""
    return StationRecord(identity, slug, House().clock.now().wall, standing=standing)


async def relays(charger: Connected) -> bool:
    """Does a frame pass?"""
    before = len(charger.up.written)
    await charger.from_charger.text(CALL)
    return await charger.up.until(before + 1) == [*charger.up.written[:before], CALL]


# Who leaves


async def test_who_is_taken_out_of_the_configuration_is_a_stranger_and_the_others_go_on() -> None:
    house = await house_with(naming("CP01", "CP02"))
    gone, stays = await house.connect("CP01"), await house.connect("CP02")
    await house.reload(naming("CP02"))
    assert gone.down.closed == (1008, "the gateway's configuration changed")
    assert stays.down.closed is None
    assert await relays(stays)
    assert list(house.known()) == ["CP02"]
    assert (await house.refuse("CP01")).status == 404
    assert house.stations.quarantine.latest(1)[0].reason == "no longer configured"
    # Its row stays for the day when it is named again.
    assert sorted(house.store.disk) == ["cp01", "cp02"]
    await house.stations.stop()


@pytest.mark.parametrize("standing", [Standing.ADOPTED, Standing.ACCEPTED])
async def test_who_has_a_right_of_its_own_stays(standing: Standing) -> None:
    house = await house_with(naming("CP01"), row("CP01", "cp01", standing))
    charger = await house.connect()
    await house.reload(naming())
    assert charger.down.closed is None
    assert await relays(charger)
    assert list(house.known()) == ["CP01"]
    await house.stations.stop()


async def test_where_anybody_is_let_in_nobody_has_to_leave() -> None:
    house = await house_with(naming("CP01", "CP02"))
    charger = await house.connect()
    await house.reload(naming(unknown=Unknown.ACCEPT))
    assert await relays(charger)
    # The other one was told of on MQTT, never came, and is nobody now.
    assert list(house.known()) == ["CP01"]
    await house.stations.stop()
    assert house.cleared() == [ChargerForgotten("cp02", ())]


async def test_who_came_while_anybody_was_let_in_stays_when_that_ends() -> None:
    house = await house_with(naming(unknown=Unknown.ACCEPT))
    charger = await house.connect("CP01")
    house.dialer.outcomes.put_nowait(DialVerdict(404))
    await house.refuse("CP02")
    await house.reload(naming())
    assert await relays(charger)
    assert (await house.refuse("CP02")).status == 404
    assert [entry.identity for entry in house.stations.quarantine.latest(9)] == ["CP02"]
    await house.stations.stop()


async def test_who_is_let_in_now_is_on_no_list() -> None:
    house = await house_with(naming())
    await house.refuse("CP01")
    await house.reload(naming(unknown=Unknown.ACCEPT))
    await house.connect("CP01")
    assert len(house.stations.quarantine) == 0
    await house.stations.stop()


async def test_a_row_that_is_read_late_says_that_it_was_adopted() -> None:
    house = House(directory=naming("CP01"))
    known = row("CP01", "cp01")
    house.store.disk[known.key] = known
    house.store.failure = "The database is locked: wait."
    await house.stations.start()
    await house.reload(naming())
    assert house.known() == {}
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    assert list(house.known()) == ["CP01"]
    await house.stations.stop()


# Who comes, and comes back


async def test_who_is_named_now_comes_in_and_is_on_no_list() -> None:
    house = await house_with(naming())
    await house.refuse("CP01")
    await house.reload(naming("CP01"))
    assert ChargerStatus("cp01", online=False) in house.told
    assert len(house.stations.quarantine) == 0
    await house.connect("CP01")
    await house.stations.stop()


async def test_who_returns_within_the_minute_goes_on_under_its_name_and_nothing_is_cleared() -> None:
    house = await house_with(naming("CP01"))
    charger = await house.connect()
    await charger.from_charger.text(STATUS % 1)
    await charger.up.until(1)
    known = house.store.disk["cp01"]
    told = len([fact for fact in house.told if isinstance(fact, ChargerInfo)])
    await house.reload(naming())
    await house.reload(naming("CP01"))
    assert house.known() == {"CP01": "cp01"}
    await house.connect()
    assert house.store.disk == {"cp01": known}
    # What stands retained of it says more than can be told before its next boot.
    assert len([fact for fact in house.told if isinstance(fact, ChargerInfo)]) == told
    await house.stations.stop()
    assert house.cleared() == []


async def test_who_returns_and_leaves_again_leaves_nothing_on_mqtt() -> None:
    house = await house_with(naming("CP01"))
    charger = await house.connect()
    await charger.from_charger.text(STATUS % 2)
    await charger.up.until(1)
    await house.reload(naming())
    await house.reload(naming("CP01"))
    house.stations.clear_after_s = 0.0
    await house.reload(naming())
    await until(lambda: house.cleared() != [])
    assert house.told[-1] == ChargerForgotten("cp01", (2,))
    await house.stations.stop()


async def test_a_name_in_use_is_not_cleared_when_its_time_has_come() -> None:
    house = await house_with(naming(aliases={"A": "left"}))
    house.stations.clear_after_s = 0.0
    await house.stations.learn(Kept([row("B", "left", Standing.CONFIGURED), row("C", "c", Standing.CONFIGURED)], {}))
    await until(lambda: house.cleared() != [])
    await house.stations.stop()
    assert house.cleared() == [ChargerForgotten("c", ())]


async def test_what_was_left_by_a_charger_that_is_out_since_before_the_start_is_cleared() -> None:
    house = await house_with(naming(), row("CP01", "cp01", Standing.CONFIGURED), row("CP02", "cp02"))
    assert list(house.known()) == ["CP02"]
    await house.stations.stop()
    assert house.cleared() == [ChargerForgotten("cp01", ())]


async def test_credentials_that_are_still_being_hashed_are_not_handed_on_as_none() -> None:
    house = await house_with(naming("CP01"))
    house.dialer.accepts()
    verdict = await house.stations.arrive(arrival(authorization="Basic Q1AwMTpzZWNyZXQ="))
    assert isinstance(verdict, Admitted)
    await house.reload(naming(aliases={"CP01": "left"}))
    station = house.stations.find("CP01")
    assert station is not None
    assert station.record is None or station.record.credential_hash is not None
    await house.stations.stop()


# Names


async def test_an_alias_moves_a_charger_to_another_name() -> None:
    house = await house_with(naming("CP01"))
    charger = await house.connect()
    house.stations.clear_after_s = 0.0
    await house.reload(naming(aliases={"CP01": "left"}))
    assert charger.down.closed == (1012, "the gateway's configuration changed")
    assert house.known() == {"CP01": "left"}
    infos = [fact for fact in house.told if isinstance(fact, ChargerInfo)]
    assert infos[-1].charger == "left"
    await until(lambda: house.cleared() != [])
    assert house.cleared() == [ChargerForgotten("cp01", ())]
    await house.connect()
    # An alias is nobody's row: without it the charger is who it was.
    assert house.store.disk["cp01"].slug == "cp01"
    await house.reload(naming("CP01"))
    assert house.known() == {"CP01": "cp01"}
    await house.stations.stop()


async def test_two_chargers_swap_their_names() -> None:
    house = await house_with(naming(aliases={"A": "left", "B": "right"}))
    one, other = await house.connect("A"), await house.connect("B")
    for charger, connector in ((one, 1), (other, 2)):
        await charger.from_charger.text(STATUS % connector)
        await charger.up.until(1)
    before = len(house.told)
    await house.reload(naming(aliases={"A": "right", "B": "left"}))
    assert house.known() == {"A": "right", "B": "left"}
    told = house.told[before:]
    for name, connector in (("left", 1), ("right", 2)):
        cleared = told.index(ChargerForgotten(name, (connector,)))
        announced = [fact for fact in told[cleared:] if isinstance(fact, ChargerStatus) and fact.charger == name]
        assert announced == [ChargerStatus(name, online=False)]
    await house.stations.stop()
    assert len(house.cleared()) == 2


async def test_a_name_that_is_given_to_another_charger_is_taken_from_who_has_it() -> None:
    house = await house_with(naming("CP01"), row("left", "left"))
    charger = await house.connect("left")
    await house.reload(naming(aliases={"CP01": "left"}))
    assert charger.down.closed == (1012, "the gateway's configuration changed")
    assert house.known()["CP01"] == "left"
    assert house.known()["left"] not in ("left", "cp01")
    await house.connect("left")
    assert house.store.disk["left"].slug == "left"
    await house.stations.stop()


async def test_a_name_of_one_who_left_is_free_for_another() -> None:
    house = await house_with(naming(aliases={"A": "left"}))
    charger = await house.connect("A")
    await charger.from_charger.text(STATUS % 3)
    await charger.up.until(1)
    await house.reload(naming())
    await house.reload(naming(aliases={"B": "left"}))
    assert house.cleared() == [ChargerForgotten("left", (3,))]
    assert house.told.index(ChargerForgotten("left", (3,))) < len(house.told) - 1
    await house.connect("B")
    await house.stations.stop()
    assert len(house.cleared()) == 1


async def test_an_adopted_charger_keeps_its_right_when_its_alias_goes_with_its_line() -> None:
    house = await house_with(naming(aliases={"CP01": "left"}), row("CP01", "cp01"))
    await house.connect()
    await house.reload(naming())
    assert house.known() == {"CP01": "cp01"}
    await house.stations.stop()


# Upstreams


async def test_an_upstream_that_goes_while_a_charger_asks_it_is_a_503() -> None:
    house = await house_with(naming("CP01", "CP02"))
    other = await house.connect("CP02")
    waiting = asyncio.create_task(house.refuse("CP01"))
    await until(lambda: len(house.dialer.dialled) == 2)
    without = naming("CP01", policy=StationPolicy(None))
    directory = replace(without, configured={**without.configured, "cp02": naming("CP02").configured["cp02"]})
    await house.reload(directory)
    assert (await waiting).status == 503
    assert await relays(other)
    assert (await house.refuse("CP01")).status == 503
    assert len(house.dialer.dialled) == 2
    await house.stations.stop()


async def test_an_upstream_that_moved_is_dialled_anew_and_others_are_left_alone() -> None:
    elsewhere = naming("CP02", policy=StationPolicy(UpstreamPolicy("elsewhere")))
    directory = replace(elsewhere, configured={**elsewhere.configured, **naming("CP01").configured})
    house = await house_with(directory)
    house.stations.upstreams = {**house.stations.upstreams, "elsewhere": house.stations.upstreams["operator"]}
    await house.reload(directory)
    one, other = await house.connect("CP01"), await house.connect("CP02")
    await house.reload(directory, "operator")
    await until(lambda: one.down.closed is not None)
    assert one.down.closed == (1012, "the gateway's configuration changed")
    assert other.down.closed is None
    assert await relays(other)
    await house.stations.stop()


async def test_a_charger_whose_secret_is_lost_is_not_served() -> None:
    house = await house_with(naming("CP01", "CP02"))
    one, other = await house.connect("CP01"), await house.connect("CP02")
    lost = naming("CP01", policy=replace(POLICY, unusable="charger CP01 is refused: create /secret, then reload"))
    await house.reload(replace(lost, configured={**naming("CP02").configured, **lost.configured}))
    await until(lambda: one.down.closed is not None)
    refused = await house.refuse("CP01")
    assert refused.status == 503
    assert "/secret" not in refused.text
    assert await relays(other)
    await house.stations.stop()


async def test_rows_outlive_what_the_configuration_said_of_them() -> None:
    house = await house_with(naming("CP01"))
    await house.connect()
    await house.reload(naming())
    await house.stations.stop()
    after = House(directory=naming(), store=MemoryStore(house.store.disk))
    await after.stations.start()
    assert after.known() == {}
    await after.reload(naming("CP01"))
    assert after.known() == {"CP01": "cp01"}
    await after.stations.stop()
