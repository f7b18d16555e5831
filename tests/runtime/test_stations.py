"""The door, and what becomes of those who knock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.core.door import Unknown
from gateway.core.facts import ChargerStatus
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import StationRecord, identity_key
from gateway.runtime.directory import Configured, Directory
from gateway.runtime.ports import DialVerdict, Unreachable
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.stations import MOST_STATIONS
from tests.fakes.memory_store import MemoryStore
from tests.runtime.house import POLICY, House, arrival, until
from tests.turns import one_turn

FIRST_SEEN = datetime(2025, 11, 2, tzinfo=UTC)


async def test_closed_before_the_start() -> None:
    house = House()
    assert (await house.refuse()).status == 503
    await house.stations.start()
    house.dialer.outcomes.put_nowait(DialVerdict(404))
    assert (await house.refuse()).status == 404
    await house.stations.stop()
    assert (await house.refuse()).status == 503


async def test_relays_byte_for_byte_both_ways() -> None:
    house = House()
    await house.stations.start()
    charger = await house.connect()
    call = '[2, "0583200",\n "Heartbeat", { }]'
    await charger.from_charger.text(call)
    assert await charger.up.until(1) == [call]
    answer = '[3, "0583200", {"currentTime": "2026-03-01T08:00:00Z"} ]'
    await charger.from_upstream.text(answer)
    assert await charger.down.until(1) == [answer]
    await house.stations.stop()
    assert charger.down.closed == (1012, "gateway restarts")
    assert charger.up.closed == (1000, "gateway restarts")


async def test_strict_relay_closes_the_other_leg() -> None:
    house = House()
    await house.stations.start()
    charger = await house.connect()
    charger.from_upstream.lost(1001, "maintenance")
    await until(lambda: charger.down.closed is not None)
    assert charger.down.closed == (1001, "maintenance")
    assert charger.up.closed is None
    await house.stations.stop()


async def test_known_charger_comes_back_offline_until_it_connects() -> None:
    house = House()
    row = StationRecord("CP01", "left-wallbox", FIRST_SEEN, {"operator": FIRST_SEEN}, "ocpp1.6")
    house.store.disk[row.key] = row
    await house.stations.start()
    assert house.told[0] == ChargerStatus("left-wallbox", online=False)
    await house.connect("cp01")
    assert ChargerStatus("left-wallbox", online=True) in house.told
    await house.stations.stop()
    assert ChargerStatus("left-wallbox", online=False) in house.told[3:]


async def test_a_first_101_is_stored_and_a_second_writes_nothing() -> None:
    house = House()
    await house.stations.start()
    charger = await house.connect()
    written = len(house.store.commits)
    assert written > 0
    charger.from_charger.lost(1000, "")
    await until(lambda: charger.up.closed is not None)
    await house.connect()
    assert len(house.store.commits) == written
    [row] = house.store.disk.values()
    assert (row.identity, row.slug, row.subprotocol) == ("CP01", "cp01", "ocpp1.6")
    assert list(row.accepted) == ["operator"]
    await house.stations.stop()


async def test_store_that_fails_disturbs_no_charger() -> None:
    house = House()
    house.store.failure = "The disk is full: free some space."
    await house.stations.start()
    assert house.notes.counters["store_failed"] == 1
    charger = await house.connect()
    await charger.from_charger.text('[2,"1","Heartbeat",{}]')
    await charger.up.until(1)
    assert house.stations.safekeeping.problem == "The disk is full: free some space."
    assert house.notes.counters["store_failed"] == 1
    await house.stations.stop()


async def test_what_could_not_be_written_is_written_when_the_store_is_back() -> None:
    house = House()
    await house.stations.start()
    house.store.failure = "The disk is full: free some space."
    await house.connect("CP01")
    await house.connect("CP02")
    assert house.notes.counters["store_failed"] == 1
    await house.stations.safekeeping.retry(house.stations)
    assert house.notes.counters["store_failed"] == 2
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    tags = house.stations.safekeeping.tags
    assert house.stations.safekeeping == Safekeeping(house.store, house.notes, tags, read=True)
    assert [row.identity for row in house.store.disk.values()] == ["CP01", "CP02"]
    await house.stations.stop()


async def test_rows_that_could_not_be_read_at_the_start_are_learnt_and_not_overwritten() -> None:
    house = House()
    before = StationRecord("CP01", "old-slug", FIRST_SEEN, {"other": FIRST_SEEN}, "ocpp1.6")
    unseen = StationRecord("CP02", "cp02", FIRST_SEEN, {"operator": FIRST_SEEN}, "ocpp1.6")
    house.store.disk |= {row.key: row for row in (before, unseen)}
    house.store.failure = "The database is locked: wait."
    await house.stations.start()
    await house.connect("cp01")
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    row = house.store.disk["cp01"]
    assert (row.identity, row.slug, row.first_seen, set(row.accepted)) == (
        "CP01",
        "old-slug",
        FIRST_SEEN,
        {"other", "operator"},
    )
    assert house.store.disk["cp02"] == unseen
    assert sorted(station.identity for station in house.stations.known()) == ["CP02", "cp01"]
    await house.stations.stop()


@pytest.mark.parametrize("unknown", [Unknown.QUARANTINE, Unknown.REFUSE])
async def test_nobody_is_called_a_stranger_while_the_rows_are_unread(unknown: Unknown) -> None:
    house = House(unknown)
    house.store.failure = "The database is locked: wait."
    await house.stations.start()
    assert (await house.refuse("X")).status == 503
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    assert (await house.refuse("X")).status == 404
    await house.stations.stop()


async def test_an_alias_that_moves_to_another_charger_is_nobodys_row() -> None:
    store = MemoryStore()
    for owner in ("A", "C"):
        configured = {identity_key(owner): Configured(owner, POLICY, alias="left")}
        house = House(directory=Directory(Unknown.ACCEPT, POLICY, configured), store=MemoryStore(store.disk))
        await house.stations.start()
        await house.connect("A")
        await house.connect("C")
        assert {station.slug for station in house.stations} == {"left", "c" if owner == "A" else "a"}
        assert house.stations.safekeeping.problem is None
        await house.stations.stop()
    assert {row.slug for row in store.disk.values()} == {"a", "c"}


async def test_unknown_in_quarantine() -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    assert (await house.refuse("X")).status == 404
    assert (await house.refuse("x")).status == 404
    [seen] = house.stations.quarantine.latest(10)
    assert (seen.identity, seen.attempts) == ("x", 2)
    assert house.notes.counters["quarantined"] == 2
    assert house.dialer.dialled == []
    assert list(house.stations) == []


async def test_unknown_refused() -> None:
    house = House(Unknown.REFUSE)
    await house.stations.start()
    assert (await house.refuse("X")).status == 404
    assert len(house.stations.quarantine) == 0
    assert house.notes.counters["unknown_refused"] == 1


@pytest.mark.parametrize("unknown", list(Unknown))
async def test_configured_charger_comes_in_whatever_unknown_says(unknown: Unknown) -> None:
    policy = StationPolicy(UpstreamPolicy("operator"), name="left")
    configured = {"cp01": Configured("CP01", policy, alias="left")}
    house = House(directory=Directory(unknown, POLICY, configured))
    await house.stations.start()
    assert house.told[0] == ChargerStatus("left", online=False)
    await house.connect("Cp01")
    assert ChargerStatus("left", online=True) in house.told
    await house.stations.stop()


async def test_two_identities_never_share_a_slug() -> None:
    house = House()
    await house.stations.start()
    await house.connect("CP 1")
    await house.connect("CP-1")
    slugs = [station.slug for station in house.stations]
    assert len(set(slugs)) == 2
    assert "cp-1" in slugs
    await house.stations.stop()


async def test_those_never_let_in_are_forgotten() -> None:
    house = House()
    await house.stations.start()
    for number in range(3):
        house.dialer.outcomes.put_nowait(DialVerdict(404))
        await house.refuse(f"X{number}")
        await one_turn()
    assert len(list(house.stations)) == 1
    assert house.store.disk == {}
    await house.stations.stop()


async def test_room_for_only_so_many_identities() -> None:
    configured = {f"cp{number}": Configured(f"cp{number}", POLICY) for number in range(MOST_STATIONS)}
    house = House(directory=Directory(Unknown.ACCEPT, POLICY, configured))
    await house.stations.start()
    assert (await house.refuse("one-more")).status == 503
    assert house.notes.counters["too_many_stations"] == 1
    await house.stations.stop()


async def test_charger_that_hangs_up_while_it_waits() -> None:
    house = House()
    await house.stations.start()
    waiting = asyncio.create_task(house.stations.arrive(arrival()))
    await until(lambda: bool(house.dialer.dialled))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: house.notes.counters["charger_vanished"] == 1)
    await house.connect()
    await house.stations.stop()


async def test_unreachable_upstream_is_503_after_a_few_tries() -> None:
    house = House()
    await house.stations.start()
    waiting = asyncio.create_task(house.refuse())
    house.dialer.outcomes.put_nowait(Unreachable("connection refused"))
    house.clock.move(0.5)
    await until(lambda: house.notes.counters["redial"] == 1)
    house.clock.move(3)
    house.dialer.outcomes.put_nowait(Unreachable("connection refused"))
    assert (await waiting).status == 503
    assert house.notes.counters["outage_unreachable"] == 1
    await house.stations.stop()


async def test_a_misfit_is_one_warning_an_hour_from_each_host_and_always_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "gateway")
    house = House()
    for port in range(3):
        house.stations.misfit("garbage", f"10.0.0.9:{port}", "no HTTP request")
    house.stations.misfit("garbage", "10.0.0.8:1", "no HTTP request")
    house.clock.move(3601)
    house.stations.misfit("garbage", "10.0.0.9:1", "no HTTP request")
    assert house.notes.counters["garbage"] == 5
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG", "WARNING", "WARNING"]
    assert caplog.records[0].getMessage() == "no HTTP request (from 10.0.0.9:0)"
    assert caplog.records[-1].getMessage().endswith("(2 times more since it was last told)")
