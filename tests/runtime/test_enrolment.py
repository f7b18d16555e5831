"""What an operator decides: to take a charger out of the quarantine, and to forget one."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.door import Unknown
from gateway.core.events import CredentialsHashed
from gateway.core.facts import ChargerForgotten, ChargerStatus
from gateway.core.record import Standing, StationRecord
from gateway.runtime.enrolment import Enrolment, NotDone
from gateway.runtime.ports import DialVerdict, SavedStation
from gateway.runtime.safekeeping import Kept
from tests.fakes.link import MemoryLink
from tests.fakes.memory_store import MemoryStore
from tests.runtime.house import House, StubbornLink, arrival, naming, until

STATUS = '[2,"1","StatusNotification",{"connectorId":2,"errorCode":"NoError","status":"Available"}]'
FULL = "The disk is full: free some space."


async def quarantined(identity: str = "CP01", store: MemoryStore | None = None) -> tuple[House, Enrolment]:
    """A site on which this charger has knocked, and an operator."""
    house = House(Unknown.QUARANTINE, store=store or MemoryStore())
    await house.stations.start()
    assert (await house.refuse(identity)).status == 404
    return house, Enrolment(house.stations)


async def adopted(identity: str = "CP01") -> tuple[House, Enrolment]:
    """A site on which this charger was adopted."""
    house, enrolment = await quarantined(identity)
    await enrolment.adopt(identity)
    return house, enrolment


# Adopt


async def test_an_adopted_charger_comes_in_and_is_known() -> None:
    house, enrolment = await quarantined()
    assert await enrolment.adopt("cp01") == "CP01 is adopted; it comes in with its next dial"
    assert house.known() == {"CP01": "cp01"}
    assert house.told == [ChargerStatus("cp01", online=False), *house.told[1:]]
    assert len(house.stations.quarantine) == 0
    assert [row.standing for row in house.store.disk.values()] == [Standing.ADOPTED]
    await house.connect("CP01")
    assert [row.standing for row in house.store.disk.values()] == [Standing.ADOPTED]
    assert house.notes.counters["adopted"] == 1
    await house.stations.stop()


async def test_an_adopted_charger_is_known_after_a_restart() -> None:
    house, _ = await adopted()
    await house.stations.stop()
    after = House(Unknown.QUARANTINE, store=MemoryStore(house.store.disk))
    await after.stations.start()
    assert after.known() == {"CP01": "cp01"}
    await after.connect()
    await after.stations.stop()


async def test_an_adoption_that_cannot_be_stored_holds_and_says_so_and_is_stored_later() -> None:
    house, enrolment = await quarantined()
    house.store.failure = FULL
    said = await enrolment.adopt("CP01")
    assert said == f"CP01 is adopted; it comes in with its next dial. It is not stored yet: {FULL}"
    await house.connect()
    assert house.store.disk == {}
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    assert [row.standing for row in house.store.disk.values()] == [Standing.ADOPTED]
    assert list(house.known()) == ["CP01"]
    await house.stations.stop()


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        ("CP99", "nobody knocks under the identity CP99: see evgate charger list; one that never"),
        ("CP1", "nobody knocks under the identity CP1: did you mean CP01?"),
        ("CP03", "CP03 stands in the configuration already: nothing is left to do"),
        ("CP04", "CP04 is known already (accepted): nothing is left to do"),
    ],
)
async def test_who_cannot_be_adopted(identity: str, why: str) -> None:
    house = House(directory=naming("CP03"))
    row = StationRecord("CP04", "cp04", house.clock.now().wall)
    house.store.disk[row.key] = row
    await house.stations.start()
    await house.refuse("CP01")
    with pytest.raises(NotDone) as refused:
        await Enrolment(house.stations).adopt(identity)
    assert str(refused.value).startswith(why)
    assert house.store.commits == []
    await house.stations.stop()


async def test_a_hint_can_be_pasted_into_a_shell() -> None:
    house, enrolment = await quarantined("Depot 3; rm")
    with pytest.raises(NotDone, match=r"did you mean 'Depot 3; rm'\?"):
        await enrolment.adopt("Depot 3;rm")
    await house.stations.stop()


async def test_a_charger_of_an_older_configuration_comes_back_under_its_name() -> None:
    house, enrolment = await quarantined()
    old = StationRecord("CP01", "old-name", house.clock.now().wall, standing=Standing.CONFIGURED)
    await house.stations.learn(Kept([old], {}))
    assert house.known() == {}
    await enrolment.adopt("CP01")
    assert house.known() == {"CP01": "old-name"}
    await house.stations.stop()


async def test_two_operators_adopt_at_once() -> None:
    house, enrolment = await quarantined()
    outcomes = await asyncio.gather(enrolment.adopt("CP01"), enrolment.adopt("CP01"), return_exceptions=True)
    assert isinstance(outcomes[0], str)
    assert str(outcomes[1]) == "CP01 is known already (adopted): nothing is left to do"
    await house.stations.stop()


# Forget


async def test_a_forgotten_charger_is_a_stranger() -> None:
    house, enrolment = await adopted()
    assert await enrolment.forget("cp01", force=False) == "cp01 is forgotten, and its topics are cleared in a minute"
    assert (house.known(), house.store.disk) == ({}, {})
    assert (await house.refuse("CP01")).status == 404
    [entry] = house.stations.quarantine.latest(9)
    assert (entry.reason, entry.attempts) == ("unknown identity", 1)
    assert house.notes.counters["forgotten"] == 1
    await house.stations.stop()


async def test_a_connected_charger_is_forgotten_by_force_only() -> None:
    house, enrolment = await adopted("Depot 3")
    charger = await house.connect("Depot 3")
    with pytest.raises(NotDone, match=r"use evgate charger forget --force 'Depot 3'$"):
        await enrolment.forget("Depot 3", force=False)
    assert (charger.down.closed, len(house.store.disk)) == (None, 1)
    await enrolment.forget("Depot 3", force=True)
    assert charger.down.closed == (1008, "this charger was forgotten")
    assert charger.up.closed == (1000, "this charger was forgotten")
    assert not house.stations.messages.holds("Depot 3")
    assert (await house.refuse("Depot 3")).status == 404
    await house.stations.stop()


async def test_what_a_forgotten_charger_left_on_mqtt_is_cleared() -> None:
    house, enrolment = await adopted()
    house.stations.clear_after_s = 0.0
    charger = await house.connect()
    await charger.from_charger.text(STATUS)
    await charger.up.until(1)
    await enrolment.forget("CP01", force=True)
    await until(lambda: house.cleared() != [])
    assert house.told[-1] == ChargerForgotten("cp01", (2,))
    await house.stations.stop()
    assert len(house.cleared()) == 1


async def test_a_stop_does_not_leave_the_clearing_to_nobody() -> None:
    house, enrolment = await adopted()
    await enrolment.forget("CP01", force=False)
    assert house.cleared() == []
    await house.stations.stop()
    assert house.cleared() == [ChargerForgotten("cp01", ())]


async def test_who_only_knocked_is_off_the_list() -> None:
    house, enrolment = await quarantined()
    said = await enrolment.forget("cp01", force=False)
    assert said == "cp01 is off the quarantine list; it is listed again when it knocks"
    assert len(house.stations.quarantine) == 0
    with pytest.raises(NotDone, match="cp01 is not known: see evgate charger list"):
        await enrolment.forget("cp01", force=False)
    await house.stations.stop()


async def test_a_charger_in_the_configuration_is_forgotten_there() -> None:
    house = House(directory=naming("CP01"))
    await house.stations.start()
    with pytest.raises(NotDone, match=r"^cp01 stands in conf.d/site.toml: remove it there and reload evgate$"):
        await Enrolment(house.stations).forget("cp01", force=True)
    assert list(house.known()) == ["CP01"]
    await house.stations.stop()


async def test_a_charger_of_an_older_configuration_is_forgotten() -> None:
    row = StationRecord("CP01", "old-name", House().clock.now().wall, standing=Standing.CONFIGURED)
    house = House(Unknown.QUARANTINE)
    house.store.disk[row.key] = row
    await house.stations.start()
    await Enrolment(house.stations).forget("CP01", force=False)
    assert house.store.disk == {}
    await house.refuse("CP01")
    assert house.stations.quarantine.latest(1)[0].reason == "unknown identity"
    await house.stations.stop()
    assert house.cleared() == [ChargerForgotten("old-name", ())]


# Forget, while something is under way


async def test_a_row_that_a_forgotten_charger_had_still_to_write_does_not_come_back() -> None:
    house, enrolment = await adopted()
    charger = await house.connect()
    [(task, _)] = house.stations.loops()
    # Its credentials were hashed in the very moment in which it is forgotten.
    task.wiring.post(CredentialsHashed(task.generation, "scrypt$new"))
    await enrolment.forget("CP01", force=True)
    assert any(change.record.credential_hash for [change] in house.store.commits if isinstance(change, SavedStation))
    assert house.store.disk == {}
    assert charger.down.closed is not None
    await house.stations.stop()


async def test_who_knocks_while_it_is_being_forgotten_asks_again_later() -> None:
    house, enrolment = await adopted()
    house.stations.directory = naming(unknown=Unknown.ACCEPT)
    charger = await house.connect()
    closing = StubbornLink()
    [(task, _)] = house.stations.loops()
    verdict = asyncio.create_task(house.stations.arrive(arrival()))
    house.dialer.outcomes.put_nowait(closing)
    await until(verdict.done)
    forgetting = asyncio.create_task(enrolment.forget("CP01", force=True))
    await closing.asked.wait()
    assert (await house.refuse("CP01")).status == 503
    assert house.stations.find("CP01") is None
    closing.may_close.set()
    await forgetting
    assert task not in [one for one, _ in house.stations.loops()]
    assert house.store.disk == {}
    again = await house.connect()
    assert again.down.closed is None
    assert charger.down.closed is not None
    await house.stations.stop()


async def test_an_upgrade_that_is_finished_after_it_was_forgotten_is_closed() -> None:
    house, enrolment = await adopted()
    house.dialer.accepts()
    verdict = await house.stations.arrive(arrival())
    await enrolment.forget("CP01", force=False)
    late = MemoryLink()
    await verdict.attach(late)  # type: ignore[union-attr]
    await until(lambda: late.closed is not None)
    assert late.closed == (1012, "try again")
    await house.stations.stop()


async def test_who_waits_at_the_door_while_it_is_forgotten_is_sent_away() -> None:
    house, enrolment = await adopted()
    waiting = asyncio.create_task(house.refuse("CP01"))
    await until(lambda: house.dialer.dialled != [])
    await enrolment.forget("CP01", force=False)
    assert (await waiting).status == 503
    await house.stations.stop()


# Forget, while the store fails


async def test_a_forgotten_row_does_not_come_back_from_a_store_that_failed() -> None:
    house, enrolment = await adopted()
    house.store.failure = FULL
    said = await enrolment.forget("CP01", force=False)
    assert said.endswith(f"It is not stored yet: {FULL}")
    assert list(house.store.disk) == ["cp01"]
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    assert (house.known(), house.store.disk) == ({}, {})
    assert (await house.refuse("CP01")).status == 404
    await house.stations.stop()


async def test_who_is_adopted_after_it_was_forgotten_has_no_past() -> None:
    house, enrolment = await adopted()
    await house.connect()
    house.clock.move(60)
    house.store.failure = FULL
    await enrolment.forget("CP01", force=True)
    await house.refuse("CP01")
    await enrolment.adopt("CP01")
    house.store.failure = None
    await house.stations.safekeeping.retry(house.stations)
    [row] = house.store.disk.values()
    assert (row.accepted, row.first_seen) == ({}, house.clock.now().wall)
    station = house.stations.find("CP01")
    assert station is not None
    assert station.record == row
    await house.stations.stop()


async def test_forgotten_and_refused_under_accept_leaves_nothing_on_mqtt() -> None:
    house = House(Unknown.ACCEPT)
    await house.stations.start()
    charger = await house.connect()
    await charger.from_charger.text(STATUS)
    await charger.up.until(1)
    await Enrolment(house.stations).forget("CP01", force=True)
    for identity in ("CP01", "CP02"):
        house.dialer.outcomes.put_nowait(DialVerdict(404))
        await house.refuse(identity)
    assert house.cleared() == [ChargerForgotten("cp01", (2,))]
    await house.stations.stop()
