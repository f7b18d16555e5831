"""What every store promises: one suite for the real one and for the one that other tests use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.core.clock_trust import TimeSample, Trust, TrustRecord
from gateway.core.record import Standing, StationRecord
from gateway.runtime.ports import ForgottenStation, SavedStation, SavedTrust, Store, StoreFailed
from tests.fakes.memory_store import MemoryStore

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
CP01 = StationRecord("CP01", "cp01", NOON)
CP02 = StationRecord("CP02", "cp02", NOON)
FULL = StationRecord(
    identity="Garage/links",
    slug="garage-links",
    first_seen=NOON,
    accepted={"operator": NOON, "second": NOON + timedelta(microseconds=1)},
    subprotocol="ocpp1.6",
    credential_hash="scrypt$4096$8$1$00$00",
)
LEARNED = TrustRecord("5d7b", Trust.LEARNED, TimeSample("operator", NOON, 61.25, 0.125))
SYNCED = TrustRecord("5d7b", Trust.SYNCED, TimeSample("marker", NOON + timedelta(hours=1), 3661.25, 0.0))


def saved(*records: StationRecord) -> list[SavedStation]:
    return [SavedStation(record) for record in records]


async def test_a_new_store_is_empty(store: Store) -> None:
    assert await store.stations() == []


async def test_what_is_committed_is_read_back_equal(store: Store) -> None:
    await store.commit(saved(FULL))
    assert await store.stations() == [FULL]


async def test_a_commit_without_changes_leaves_everything(store: Store) -> None:
    await store.commit(saved(FULL))
    await store.commit([])
    assert await store.stations() == [FULL]


async def test_what_is_committed_outlives_the_store(store: Store, another: Callable[[], Store]) -> None:
    await store.commit(saved(FULL, CP01))
    await store.close()
    next_life = another()
    await next_life.open()
    stations = await next_life.stations()
    await next_life.close()
    assert stations == [FULL, CP01]


async def test_stations_stay_in_the_order_first_seen_whatever_their_clock_says(store: Store) -> None:
    older = StationRecord("CP00", "cp00", NOON - timedelta(days=20000))
    await store.commit(saved(CP02))
    await store.commit(saved(CP01, older))
    later = CP02.accepted_by("operator", NOON)
    await store.commit(saved(later))
    assert await store.stations() == [later, CP01, older]


async def test_a_row_is_replaced_as_a_whole(store: Store) -> None:
    await store.commit(saved(FULL))
    bare = StationRecord(FULL.identity, "other-slug", NOON + timedelta(hours=1), accepted={"third": NOON})
    await store.commit(saved(bare))
    assert await store.stations() == [bare]


@pytest.mark.parametrize("standing", Standing)
async def test_the_right_by_which_a_charger_is_known_is_kept(store: Store, standing: Standing) -> None:
    record = replace(FULL, standing=standing)
    await store.commit(saved(record))
    assert await store.stations() == [record]


async def test_the_connectors_that_stood_on_mqtt_are_kept(store: Store) -> None:
    record = replace(FULL, connectors=frozenset({1, 2, 17}))
    await store.commit(saved(record))
    assert await store.stations() == [record]


async def test_its_size_is_known_once_something_stands(store: Store) -> None:
    await store.commit(saved(FULL))
    assert store.size_bytes is not None
    assert store.size_bytes > 0


async def test_a_forgotten_station_leaves_no_row(store: Store) -> None:
    await store.commit(saved(FULL, CP01))
    await store.commit([ForgottenStation(FULL.key), ForgottenStation("never seen")])
    assert await store.stations() == [CP01]
    await store.commit(saved(FULL))
    assert await store.stations() == [CP01, FULL]


async def test_an_upstream_accepts_again_later(store: Store) -> None:
    await store.commit(saved(FULL))
    later = FULL.accepted_by("operator", NOON + timedelta(days=1))
    await store.commit(saved(later))
    assert await store.stations() == [later]


async def test_spellings_of_one_identity_share_a_row(store: Store) -> None:
    await store.commit(saved(CP01))
    await store.commit(saved(StationRecord("cP01", "cp01", NOON, subprotocol="ocpp1.6")))
    assert [station.subprotocol for station in await store.stations()] == ["ocpp1.6"]


async def test_the_last_of_several_changes_of_a_row_stands(store: Store) -> None:
    later = CP01.accepted_by("operator", NOON)
    await store.commit(saved(CP01, CP02, later))
    assert await store.stations() == [later, CP02]


async def test_a_time_of_another_zone_is_the_same_instant(store: Store) -> None:
    in_vienna = NOON.astimezone(timezone(timedelta(hours=1)))
    await store.commit(saved(StationRecord("CP01", "cp01", in_vienna, {"operator": in_vienna})))
    assert await store.stations() == [StationRecord("CP01", "cp01", NOON, {"operator": NOON})]


@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "\ud800", "\udcff\udc00", "😀", "'; DROP TABLE stations; --", " ", "ß", "x" * 10_000]
)
async def test_any_text_is_kept(store: Store, text: str) -> None:
    odd = StationRecord(text, text, NOON, {text: NOON}, subprotocol=text, credential_hash=text)
    await store.commit(saved(odd, CP01))
    assert await store.stations() == [odd, CP01]


async def test_texts_that_encode_alike_are_two(store: Store) -> None:
    await store.commit(saved(StationRecord("\udcc3\udca4", "1", NOON), StationRecord("ä", "2", NOON)))
    assert [station.identity for station in await store.stations()] == ["\udcc3\udca4", "ä"]


async def test_a_commit_stands_as_a_whole_or_not_at_all(store: Store) -> None:
    await store.commit(saved(CP01))
    same_slug = StationRecord("CP03", "cp01", NOON)
    with pytest.raises(StoreFailed):
        await store.commit(saved(CP02, same_slug))
    assert await store.stations() == [CP01]


async def test_only_the_guilty_commit_fails(store: Store) -> None:
    same_slug = StationRecord("CP03", "cp01", NOON)
    results = await asyncio.gather(
        store.commit(saved(CP01)),
        store.commit(saved(same_slug)),
        store.commit(saved(CP02)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), StoreFailed, type(None)]
    assert await store.stations() == [CP01, CP02]


async def test_many_commits_at_once_all_stand(store: Store) -> None:
    crowd = [StationRecord(f"CP{number:03}", f"cp{number:03}", NOON) for number in range(200)]
    await asyncio.gather(*(store.commit(saved(record)) for record in crowd))
    assert await store.stations() == crowd


async def test_commits_of_one_row_keep_their_order(store: Store) -> None:
    versions = [CP01.accepted_by("operator", NOON + timedelta(seconds=second)) for second in range(50)]
    await asyncio.gather(*(store.commit(saved(version)) for version in versions))
    assert await store.stations() == versions[-1:]


async def test_nothing_is_known_of_the_clock_at_first(store: Store) -> None:
    await store.commit(saved(FULL))
    assert await store.trust() is None


async def test_the_last_word_about_the_clock_outlives_the_store(store: Store, another: Callable[[], Store]) -> None:
    await store.commit([SavedTrust(LEARNED)])
    assert await store.trust() == LEARNED
    await store.commit([SavedTrust(LEARNED), *saved(FULL), SavedTrust(SYNCED)])
    await store.close()
    next_life = another()
    await next_life.open()
    assert await next_life.trust() == SYNCED
    assert await next_life.stations() == [FULL]
    await next_life.close()


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreFailed, match="closed"):
        await store.commit(saved(CP01))
    with pytest.raises(StoreFailed, match="closed"):
        await store.stations()
    with pytest.raises(StoreFailed, match="closed"):
        await store.trust()
    with pytest.raises(StoreFailed, match="closed"):
        await store.open()


async def test_a_store_that_was_never_opened_can_be_closed(another: Callable[[], Store]) -> None:
    store = another()
    await store.close()
    with pytest.raises(StoreFailed):
        await store.stations()


async def test_the_memory_store_fails_when_told_to() -> None:
    store = MemoryStore()
    store.failure = "The disk is full. Make space."
    for call in (store.open(), store.commit(saved(CP01)), store.stations(), store.trust()):
        with pytest.raises(StoreFailed, match="Make space"):
            await call
    store.failure = None
    await store.commit(saved(CP01))
    assert store.commits == [(SavedStation(CP01),)]
