"""What is known of connectors outlives the process, a lost name and a lost store; who was forgotten has no past."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from gateway.core.door import Unknown
from gateway.core.facts import ConnectorState, Fact, Faults, SessionState
from gateway.core.memory import ConnectorRecord, SessionRecord
from gateway.runtime.ports import ForgottenStation
from gateway.runtime.safekeeping import KEEP_FAULTS, KEEP_SESSIONS
from tests.fakes.memory_store import Disk, MemoryStore
from tests.runtime.house import Connected, House, naming, until

STATUS = '[2,"%d","StatusNotification",{"connectorId":1,"errorCode":"%s","status":"%s"}]'
START = '[2,"7","StartTransaction",{"connectorId":1,"idTag":"04AABBCC","meterStart":100}]'
NUMBER = '[3,"7",{"transactionId":7712,"idTagInfo":{"status":"Accepted"}}]'

F = TypeVar("F", bound=Fact)


def last(house: House, kind: type[F]) -> F:
    """What stands on MQTT."""
    return [fact for fact in house.told if isinstance(fact, kind)][-1]


async def tell(charger: Connected, *texts: str) -> None:
    """The charger says this, and upstream has it."""
    before = len(charger.up.written)
    for text in texts:
        await charger.from_charger.text(text)
    await charger.up.until(before + len(texts))


async def charging(house: House) -> Connected:
    """A charger with a warning and a session."""
    charger = await house.connect()
    await tell(charger, STATUS % (1, "NoError", "Preparing"), START, STATUS % (2, "WeakSignal", "Charging"))
    await charger.from_upstream.text(NUMBER)
    await charger.down.until(1)
    return charger


async def house_on(disk: Disk, **options: object) -> House:
    """The site starts over this disk."""
    house = House(store=MemoryStore(disk), **options)  # type: ignore[arg-type]
    await house.stations.start()
    return house


async def test_a_restart_brings_everything_back_and_says_that_it_is_old() -> None:
    house = await house_on(Disk())
    await charging(house)
    before, session = last(house, ConnectorState), last(house, SessionState)
    # Without a goodbye: the process is killed.
    again = await house_on(house.store.disk)
    state = last(again, ConnectorState)
    assert state.record == before.record
    assert (state.stale, state.stale_reason, state.source) == (True, "restored_after_restart", "restored")
    assert state.upstream_delivered is None
    assert (state.meaning.in_session, state.fault) == (True, True)
    assert last(again, SessionState).record == session.record
    assert session.record.transaction_id == 7712
    assert last(again, SessionState).stale
    assert [fault.code for fault in last(again, Faults).faults] == ["WeakSignal"]
    assert last(again, Faults).stale
    await house.stations.stop()
    await again.stations.stop()


async def test_a_new_name_takes_what_is_known_along() -> None:
    house = await house_on(Disk(), directory=naming("CP01"))
    await charging(house)
    record = last(house, ConnectorState).record
    await house.reload(naming(aliases={"CP01": "left"}))
    state = last(house, ConnectorState)
    assert (state.charger, state.record, state.stale) == ("left", record, True)
    assert last(house, SessionState).charger == "left"
    await house.stations.stop()


async def test_who_was_forgotten_comes_back_without_a_past() -> None:
    house = await house_on(Disk(), unknown=Unknown.ACCEPT)
    await charging(house)
    assert house.store.disk.remembered
    await house.stations.forget("cp01")
    assert house.store.disk.remembered == {}
    again = await house_on(house.store.disk, directory=naming("CP01"))
    assert not [fact for fact in again.told if isinstance(fact, ConnectorState)]
    await house.stations.stop()
    await again.stations.stop()


async def test_what_was_learnt_without_a_store_is_written_when_it_is_back() -> None:
    house = await house_on(Disk())
    charger = await house.connect()
    house.store.failure = "The disk is full: free some space."
    await tell(charger, STATUS % (1, "NoError", "Preparing"), START, STATUS % (2, "NoError", "Charging"))
    assert house.stations.safekeeping.problem is not None
    assert not [kept for kept in house.store.disk.remembered.values() if isinstance(kept.record, ConnectorRecord)]
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    kinds = {type(kept.record) for kept in house.store.disk.remembered.values()}
    assert {ConnectorRecord, SessionRecord} <= kinds
    await house.stations.stop()


async def test_what_stood_in_a_store_that_could_not_be_read_is_known_when_it_is_back() -> None:
    house = await house_on(Disk())
    await charging(house)
    record = last(house, ConnectorState).record
    again = House(store=MemoryStore(house.store.disk))
    again.store.failure = "The disk does not answer: look at dmesg."
    await again.stations.start()
    charger = await again.connect()
    assert not [fact for fact in again.told if isinstance(fact, ConnectorState)]
    again.store.failure = None
    await again.stations.safekeeping.retry(again.stations)
    state = last(again, ConnectorState)
    assert (state.record, state.stale) == (record, True)
    await tell(charger, STATUS % (3, "WeakSignal", "Charging"))
    await until(lambda: not last(again, ConnectorState).stale)
    assert last(again, ConnectorState).record.since == record.since
    await house.stations.stop()
    await again.stations.stop()


async def test_a_store_that_was_begun_anew_is_told_everything() -> None:
    house = await house_on(Disk(), directory=naming("CP01", "CP02"))
    await charging(house)
    kept = dict(house.store.disk.remembered)
    rows = dict(house.store.disk)
    house.store.failure = "The store is damaged: evgate begins a fresh one."
    await house.stations.safekeeping.save([])
    # The next time it is opened the damaged one is set aside.
    house.store.disk.clear()
    house.store.disk.remembered.clear()
    house.store.failure, house.store.set_aside = None, "/var/lib/evgate/evgate.db.damaged-20260301T080000"
    await house.stations.safekeeping.retry(house.stations)
    assert house.store.disk == rows
    assert house.store.disk.remembered == kept
    assert house.notes.counters["store_set_aside"] == 1
    assert "damaged-2026" in (house.stations.safekeeping.damage or "")
    await house.stations.stop()


async def test_who_was_forgotten_while_the_store_failed_leaves_nothing_in_it() -> None:
    house = await house_on(Disk(), unknown=Unknown.ACCEPT)
    await charging(house)
    house.store.failure = "The disk is full: free some space."
    await house.stations.safekeeping.save([])
    await house.stations.forget("cp01")
    house.store.failure = None
    await house.connect()
    await house.stations.safekeeping.retry(house.stations)
    assert list(house.store.disk) == ["cp01"]
    kinds = {type(kept.record) for kept in house.store.disk.remembered.values()}
    assert ConnectorRecord not in kinds
    assert any(isinstance(change, ForgottenStation) for change in house.store.commits[-1])
    await house.stations.stop()


async def test_old_records_go_and_what_goes_on_stays() -> None:
    house = await house_on(Disk())
    await charging(house)
    sessions = [row for row, kept in house.store.disk.remembered.items() if isinstance(kept.record, SessionRecord)]
    [row] = sessions
    ended = house.store.disk.remembered[row]
    assert isinstance(ended.record, SessionRecord)
    house.clock.move((KEEP_SESSIONS + timedelta(days=1)).total_seconds())
    await house.stations.safekeeping.tidy(house.clock.now())
    assert row in house.store.disk.remembered
    await house.stations.stop()
    assert KEEP_FAULTS < KEEP_SESSIONS


async def test_a_store_that_cannot_be_tidied_is_a_failing_store() -> None:
    house = await house_on(Disk())
    house.store.failure = "The disk is full: free some space."
    await house.stations.safekeeping.tidy(house.clock.now())
    assert house.stations.safekeeping.problem == house.store.failure
    await house.stations.stop()
