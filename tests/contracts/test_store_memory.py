"""What every store promises of the records of chargers, connectors, faults and sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.core.energy import Energy
from gateway.core.memory import (
    ChargerRecord,
    ConnectorRecord,
    Durable,
    FaultRecord,
    Memory,
    Phase,
    PreviousStatus,
    SessionRecord,
)
from gateway.core.record import StationRecord
from gateway.core.reports import BootReported, StatusReported
from gateway.runtime.ports import ForgottenStation, Remembered, Retention, SavedStation, Store, StoreFailed
from tests.fakes.memory_store import MemoryStore

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
ROOMY = 10**9
CHARGER = ChargerRecord(
    boot=BootReported("Vendor", "Säule", serial="1", firmware="7.1", meter_serial=None),
    last_boot=NOON,
    registered="Accepted",
    heartbeat_s=300,
    protocol="ocpp1.6",
    remote_addr="192.0.2.7",
    security_profile=2,
    untriggerable="Säule 7.1",
    relative_meter=True,
)
CONNECTOR = ConnectorRecord(
    report=StatusReported(1, "Faulted", "OtherError", "info", "vendor", "E17", "2026-03-01T13:00:00", NOON),
    condition="faulted",
    since=NOON,
    previous=PreviousStatus("Charging", "charging", NOON - DAY),
    ended=True,
    transition="C9",
    unexpected=3,
    visit=1772366400,
    plugged_at=NOON - DAY,
)
FAULT = FaultRecord(
    number=1772366400,
    connector_id=1,
    code="OtherError",
    vendor_id="vendor",
    vendor_error_code="E17",
    info="info",
    severity="error",
    raised=NOON,
    last_seen=NOON + DAY,
    occurrences=2,
    pre_fault_status="Charging",
    transaction_id=4711,
)
SESSION = SessionRecord(
    number=1772366400,
    connector_id=1,
    energy=Energy(start_wh=10, now_wh=20, energy_wh=10, resets=1, estimated=True),
    transaction_id=4711,
    id_tag="04A2********",
    started=NOON,
    charger_ts="2026-03-01T13:00:00",
    visit=1772366400,
    plugged_at=NOON - DAY,
    phases=(Phase("charging", NOON, 12.5), Phase("suspended_ev", NOON + DAY, 0.0)),
    charging_s=12.5,
    max_power_w=11040.0,
    soc_start_pct=20.0,
    soc_pct=80.5,
    started_late=True,
    start_delivered=True,
    signed=True,
)


def bare_connector(connector_id: int, status: str = "Available") -> ConnectorRecord:
    return ConnectorRecord(StatusReported(connector_id, status), "available", NOON)


def fault(number: int, cleared: datetime | None = None) -> FaultRecord:
    return FaultRecord(number, 1, "OtherError", None, None, None, "warning", NOON, NOON, cleared=cleared)


def session(number: int, connector_id: int = 1, ended: datetime | None = None, revision: int = 0) -> SessionRecord:
    return SessionRecord(number, connector_id, Energy(), ended=ended, revision=revision or int(ended is not None))


def at(time: datetime) -> int:
    """The number of what begins at this time."""
    return int(time.timestamp())


async def remember(store: Store, *records: Durable, key: str = "cp01") -> None:
    await store.commit([Remembered(key, record) for record in records])


async def test_a_new_store_remembers_nothing(store: Store) -> None:
    await store.commit([SavedStation(StationRecord("CP01", "cp01", NOON))])
    assert await store.memories() == {}


async def test_what_is_remembered_is_read_back_equal_in_another_life(
    store: Store, another: Callable[[], Store]
) -> None:
    await remember(store, CHARGER, CONNECTOR, FAULT, SESSION)
    expected = {"cp01": Memory(CHARGER, (CONNECTOR,), (FAULT,), (SESSION,))}
    assert await store.memories() == expected
    await store.close()
    next_life = another()
    await next_life.open()
    found = await next_life.memories()
    await next_life.close()
    assert found == expected


async def test_what_is_not_known_stays_unknown(store: Store) -> None:
    await remember(store, ChargerRecord(), bare_connector(0), fault(1), session(1))
    assert await store.memories() == {"cp01": Memory(ChargerRecord(), (bare_connector(0),), (fault(1),), (session(1),))}


async def test_a_record_needs_no_row_of_its_station(store: Store) -> None:
    await remember(store, SESSION, key="never seen")
    assert await store.stations() == []
    assert await store.memories() == {"never seen": Memory(sessions=(SESSION,))}


async def test_stations_do_not_share_records(store: Store) -> None:
    await remember(store, CONNECTOR, SESSION, FAULT)
    await remember(store, replace(SESSION, id_tag=None), replace(FAULT, info=None), key="cp02")
    assert await store.memories() == {
        "cp01": Memory(None, (CONNECTOR,), (FAULT,), (SESSION,)),
        "cp02": Memory(None, (), (replace(FAULT, info=None),), (replace(SESSION, id_tag=None),)),
    }


async def test_a_later_record_replaces_the_earlier_as_a_whole(store: Store) -> None:
    await remember(store, CHARGER, CONNECTOR, FAULT, SESSION)
    bare = FaultRecord(FAULT.number, 2, "GroundFailure", None, None, None, "error", NOON, NOON)
    await remember(store, ChargerRecord(), bare_connector(1), bare, session(SESSION.number, connector_id=2))
    assert await store.memories() == {
        "cp01": Memory(ChargerRecord(), (bare_connector(1),), (bare,), (session(SESSION.number, connector_id=2),))
    }


async def test_the_last_of_several_records_of_a_row_stands(store: Store) -> None:
    await remember(store, bare_connector(1, "Preparing"), bare_connector(2), bare_connector(1, "Charging"))
    assert (await store.memories())["cp01"].connectors == (bare_connector(1, "Charging"), bare_connector(2))


async def test_records_come_in_the_order_of_their_numbers(store: Store) -> None:
    await remember(
        store, *(bare_connector(number) for number in (10, 0, 2)), fault(3), fault(1), session(9), session(4)
    )
    memory = (await store.memories())["cp01"]
    assert [connector.connector_id for connector in memory.connectors] == [0, 2, 10]
    assert memory.faults == (fault(1), fault(3))
    assert memory.sessions == (session(4), session(9))


async def test_a_cleared_fault_is_history_but_for_its_number(store: Store) -> None:
    await remember(store, fault(1, cleared=NOON), fault(2))
    assert (await store.memories())["cp01"].faults == (fault(2),)
    await remember(store, fault(2, cleared=NOON))
    assert (await store.memories())["cp01"].faults == (fault(2, cleared=NOON),)
    await remember(store, fault(3, cleared=NOON), fault(0), key="cp02")
    assert (await store.memories())["cp02"].faults == (fault(0), fault(3, cleared=NOON))
    assert (await store.memories())["cp01"].faults == (fault(2, cleared=NOON),)


async def test_of_each_connector_the_open_session_and_the_last_that_ended_are_read(store: Store) -> None:
    ended = [session(number, connector_id, NOON) for number, connector_id in ((1, 1), (2, 1), (3, 2))]
    await remember(store, *ended, session(4, 1), session(5, 3))
    await remember(store, session(7, 1, NOON), key="cp02")
    memories = await store.memories()
    assert memories["cp01"].sessions == (ended[1], ended[2], session(4, 1), session(5, 3))
    assert memories["cp02"].sessions == (session(7, 1, NOON),)
    await remember(store, session(4, 1, NOON, revision=2))
    assert (await store.memories())["cp01"].sessions == (ended[2], session(4, 1, NOON, revision=2), session(5, 3))


async def test_a_session_may_have_ended_nobody_knows_when(store: Store) -> None:
    unknown = session(1, revision=1)
    await remember(store, unknown, session(2))
    assert (await store.memories())["cp01"].sessions == (unknown, session(2))


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "\ud800", "\ud83d\ude00", "😀", "ä", '"', "'; --", "x" * 5000])
async def test_any_words_of_peers_are_kept(store: Store, text: str) -> None:
    memory = Memory(
        ChargerRecord(boot=BootReported(text, text), registered=text, protocol=text, untriggerable=text),
        (
            ConnectorRecord(
                StatusReported(1, text, text, text, text, text, text), "x", NOON, PreviousStatus(text, "x", NOON)
            ),
        ),
        (FaultRecord(1, 1, text, text, text, text, "error", NOON, NOON, pre_fault_status=text),),
        (SessionRecord(1, 1, Energy(), id_tag=text, charger_ts=text, stop_reason=text),),
    )
    assert memory.charger
    await remember(store, memory.charger, *memory.connectors, *memory.faults, *memory.sessions, key=text)
    assert await store.memories() == {text: memory}


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63 - 1, -(2**63), 2**63, -(10**30)])
async def test_any_numbers_of_peers_are_kept(store: Store, number: int) -> None:
    memory = Memory(
        ChargerRecord(heartbeat_s=number),
        (bare_connector(number),),
        (replace(FAULT, connector_id=number, transaction_id=number),),
        (replace(SESSION, connector_id=number, transaction_id=number, energy=Energy(start_wh=number)),),
    )
    assert memory.charger
    await remember(store, memory.charger, *memory.connectors, *memory.faults, *memory.sessions)
    assert await store.memories() == {"cp01": memory}


async def test_a_time_of_another_zone_is_the_same_instant(store: Store) -> None:
    in_vienna = NOON.astimezone(timezone(timedelta(hours=1)))
    await remember(
        store, replace(bare_connector(1), since=in_vienna), replace(SESSION, phases=(Phase("x", in_vienna, 1),))
    )
    memory = (await store.memories())["cp01"]
    assert memory.connectors[0].since == NOON
    assert memory.sessions[0].phases == (Phase("x", NOON, 1.0),)


async def test_a_forgotten_station_leaves_no_record(store: Store) -> None:
    station = StationRecord("CP01", "cp01", NOON)
    records = (CHARGER, CONNECTOR, FAULT, SESSION, fault(1, NOON), session(2, 1, NOON), session(3, 1, NOON))
    await store.commit([SavedStation(station), *(Remembered(key, one) for key in ("cp01", "cp02") for one in records)])
    await store.commit([ForgottenStation("cp01")])
    assert await store.stations() == []
    assert set(await store.memories()) == {"cp02"}
    everything = Retention(NOON + 1000 * DAY, NOON + 1000 * DAY, ROOMY)
    assert await store.tidy(everything) == 3
    await remember(store, bare_connector(1))
    assert (await store.memories())["cp01"] == Memory(connectors=(bare_connector(1),))


async def test_records_stand_with_the_rest_of_their_commit_or_not_at_all(store: Store) -> None:
    await store.commit([SavedStation(StationRecord("CP01", "cp01", NOON))])
    same_slug = SavedStation(StationRecord("CP03", "cp01", NOON))
    with pytest.raises(StoreFailed):
        await store.commit([Remembered("cp01", CONNECTOR), Remembered("cp03", SESSION), same_slug])
    assert await store.memories() == {}


async def test_records_of_many_commits_at_once_all_stand(store: Store) -> None:
    await asyncio.gather(*(remember(store, bare_connector(1), key=f"cp{number}") for number in range(200)))
    assert len(await store.memories()) == 200


async def test_the_key_for_tags_belongs_to_the_store(store: Store, another: Callable[[], Store]) -> None:
    tag_key = await store.tag_key()
    assert len(tag_key) == 32
    await remember(store, SESSION)
    await store.close()
    next_life = another()
    await next_life.open()
    assert await next_life.tag_key() == tag_key
    await next_life.close()


# What goes


async def test_what_ended_long_ago_goes_and_what_is_open_stays(store: Store) -> None:
    old, recent = NOON - 500 * DAY, NOON - 3 * DAY
    await remember(store, session(at(old), 1, old), session(at(recent), 2, recent), session(at(old) + 1, 3))
    await remember(store, fault(at(old), cleared=old), fault(at(recent), cleared=recent), fault(at(old) + 1))
    before = Retention(NOON - 400 * DAY, NOON - 30 * DAY, ROOMY)
    assert await store.tidy(before) == 2
    assert await store.tidy(before) == 0
    memory = (await store.memories())["cp01"]
    assert memory.sessions == (session(at(old) + 1, 3), session(at(recent), 2, recent))
    assert memory.faults == (fault(at(old) + 1), fault(at(recent), cleared=recent))
    assert await store.tidy(Retention(NOON, NOON, ROOMY)) == 2


async def test_each_kind_has_its_own_time(store: Store) -> None:
    then = NOON - 100 * DAY
    await remember(store, session(at(then), 1, then), fault(at(then), cleared=then))
    assert await store.tidy(Retention(NOON - 400 * DAY, NOON - 30 * DAY, ROOMY)) == 1
    assert (await store.memories())["cp01"].sessions == (session(at(then), 1, then),)


async def test_a_session_that_lasted_long_counts_from_its_end(store: Store) -> None:
    lasted = session(at(NOON - 500 * DAY), 1, NOON)
    await remember(store, lasted, session(at(NOON - 500 * DAY) + 1, 2, revision=1))
    assert await store.tidy(Retention(NOON - 400 * DAY, NOON, ROOMY)) == 1
    assert (await store.memories())["cp01"].sessions == (lasted,)


async def test_many_rows_go_in_one_call(store: Store) -> None:
    await remember(
        store, *(session(number, 1, NOON) for number in range(350)), *(fault(one, NOON) for one in range(350))
    )
    assert await store.tidy(Retention(NOON + DAY, NOON + DAY, ROOMY)) == 700
    assert await store.memories() == {}


async def test_beyond_the_quota_everything_goes_that_is_over_and_nothing_that_is_open(store: Store) -> None:
    await store.commit([SavedStation(StationRecord("CP01", "cp01", NOON))])
    await remember(store, CHARGER, CONNECTOR, fault(1), session(1))
    await remember(store, *(session(number, 1, NOON) for number in range(2, 250)), fault(2, NOON))
    assert await store.tidy(Retention(NOON - DAY, NOON - DAY, quota_bytes=0)) == 249
    assert await store.memories() == {"cp01": Memory(CHARGER, (CONNECTOR,), (fault(1),), (session(1),))}
    assert len(await store.stations()) == 1


async def test_beyond_the_quota_the_oldest_goes_first(store: Store) -> None:
    await remember(store, *(session(number, number % 7, NOON) for number in range(700)))
    assert store.size_bytes is not None
    quota_bytes = store.size_bytes // 2
    gone = await store.tidy(Retention(NOON - DAY, NOON - DAY, quota_bytes))
    assert 0 < gone < 700
    left = (await store.memories())["cp01"].sessions
    assert [one.number for one in left] == list(range(693, 700))
    assert await store.tidy(Retention(NOON - DAY, NOON - DAY, quota_bytes)) == 0
    assert await store.tidy(Retention(NOON + DAY, NOON + DAY, ROOMY)) == 700 - gone


async def test_a_closed_store_remembers_nothing(store: Store) -> None:
    await store.close()
    before = Retention(NOON, NOON, 0)
    for call in (store.memories(), store.tag_key(), store.tidy(before), store.commit([Remembered("cp01", CONNECTOR)])):
        with pytest.raises(StoreFailed, match="closed"):
            await call


async def test_nothing_was_set_aside(store: Store) -> None:
    assert store.set_aside is None


async def test_the_memory_store_fails_when_told_to_in_every_call() -> None:
    store = MemoryStore()
    store.failure = "The disk is full. Make space."
    before = Retention(NOON, NOON, 0)
    for call in (store.memories(), store.tag_key(), store.tidy(before), store.commit([Remembered("cp01", CONNECTOR)])):
        with pytest.raises(StoreFailed, match="Make space"):
            await call
