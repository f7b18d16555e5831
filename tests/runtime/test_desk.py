"""The desk: what is asked through the control socket, and what is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.door import Unknown
from gateway.core.record import StationRecord
from gateway.runtime.desk import OperatorDesk
from gateway.runtime.enrolment import Enrolment
from gateway.runtime.ports import Change
from gateway.runtime.report import Report, Surroundings
from tests.fakes.memory_store import MemoryStore
from tests.runtime.house import House, naming, until
from tests.runtime.test_overview import overview_of

CALL = '[2,"1","Heartbeat",{}]'


def desk_of(house: House) -> OperatorDesk:
    """A desk for this site."""
    surroundings = Surroundings("evgate/depot3", "/var/lib/evgate/evgate.db", lambda: ())
    report = Report(overview_of(house), house.stations, surroundings)
    return OperatorDesk(house.clock, report, house.stations, Enrolment(house.stations), house.stations.messages)


async def answers(desk: OperatorDesk, **request: Any) -> list[Any]:
    """All answers to one question, as JSON carries them."""
    return [json.loads(json.dumps(answer)) async for answer in desk.ask(request)]


async def test_status_and_chargers() -> None:
    house = House(directory=naming("CP01"))
    await house.stations.start()
    [status] = await answers(desk_of(house), ask="status")
    [chargers] = await answers(desk_of(house), ask="chargers")
    assert [charger["identity"] for charger in status["chargers"]] == ["CP01"]
    assert chargers == {key: status[key] for key in ("chargers", "quarantined")}
    await house.stations.stop()


async def test_a_stranger_is_adopted_served_and_forgotten() -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    desk = desk_of(house)
    await house.refuse("CP01")
    [adopted] = await answers(desk, ask="adopt", identity="CP01")
    assert adopted["done"].startswith("CP01 is adopted")
    await house.connect("CP01")
    [kept] = await answers(desk, ask="forget", identity="CP01", force=False)
    assert "is connected" in kept["error"]
    [still] = await answers(desk, ask="forget", identity="CP01", force="yes")
    assert still == kept
    [forgotten] = await answers(desk, ask="forget", identity="CP01", force=True)
    assert forgotten["done"].startswith("CP01 is forgotten")
    [again] = await answers(desk, ask="forget", identity="CP01", force=True)
    assert again == {"error": "CP01 is not known: see evgate charger list"}
    await house.stations.stop()


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"ask": None},
        {"ask": ["status"]},
        {"ask": "\ud800" * 99},
        {"ask": "adopt"},
        {"ask": "adopt", "identity": 7},
        {"ask": "forget", "identity": ""},
        {"ask": "log", "charger": {}},
    ],
)
async def test_a_question_that_is_none_says_what_to_use(request_: dict[str, Any]) -> None:
    [answer] = [answer async for answer in desk_of(House()).ask(request_)]
    assert answer["error"].endswith(": use the evgate command of the same version as the daemon")
    assert len(answer["error"]) < 500


@given(
    ask=st.sampled_from(["adopt", "forget", "log"]),
    identity=st.text(st.characters(), min_size=1, max_size=300) | st.none() | st.integers(),
)
def test_whatever_identity_is_asked_for_is_answered_in_a_line(ask: str, identity: object) -> None:
    async def answered() -> None:
        house = House(Unknown.QUARANTINE)
        await house.stations.start()
        found = [json.dumps(one) async for one in desk_of(house).ask({"ask": ask, "identity": identity})]
        assert len(found) == (ask != "log")
        await house.stations.stop()

    asyncio.run(answered())


async def test_the_log_of_one_and_of_all() -> None:
    house = House()
    await house.stations.start()
    for identity in ("CP01", "CP02"):
        charger = await house.connect(identity)
        await charger.from_charger.text(CALL)
        await charger.up.until(1)
        await until(lambda: all(task.waiting_since is None for task, _ in house.stations.loops()))
    desk = desk_of(house)
    one, both = await answers(desk, ask="log", charger="cp01"), await answers(desk, ask="log", charger=None)
    assert {entry["charger"] for entry in one} == {"CP01"}
    assert {entry["charger"] for entry in both} == {"CP01", "CP02"}
    assert [entry["text"] for entry in one if entry["text"]] == [CALL]
    await house.stations.stop()


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        ("CP01", "CP01 waits in quarantine and was never let in: see evgate charger list"),
        ("CP02", "CP02 is not known: see evgate charger list"),
    ],
)
async def test_who_has_no_log(identity: str, why: str) -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    await house.refuse("CP01")
    for follow in (False, True):
        assert await answers(desk_of(house), ask="log", charger=identity, follow=follow) == [{"error": why}]
    await house.stations.stop()


async def test_a_log_is_followed_from_what_was_to_what_comes() -> None:
    house = House()
    await house.stations.start()
    charger = await house.connect()
    await charger.from_charger.text(CALL)
    await charger.up.until(1)
    asked = cast("Any", desk_of(house).ask({"ask": "log", "charger": None, "follow": True}))
    async with aclosing(asked) as entries:
        before = await text_in(entries)
        await charger.from_upstream.text('[3,"1",{}]')
        assert (before, await text_in(entries)) == (CALL, '[3,"1",{}]')
    await house.stations.stop()


async def text_in(entries: AsyncIterator[Any]) -> str:
    """The next text; events have none."""
    async with asyncio.timeout(5):
        while True:
            entry = await anext(entries)
            if entry["text"] is not None:
                return str(entry["text"])


class SlowStore(MemoryStore):
    """A disk that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.done = asyncio.Event()

    async def commit(self, changes: Any) -> None:
        self.asked.set()
        await self.done.wait()
        await super().commit(cast("list[Change]", changes))


@pytest.mark.parametrize("ask", ["adopt", "forget"])
async def test_a_decision_is_carried_out_even_if_whoever_took_it_hangs_up(ask: str) -> None:
    store = SlowStore()
    house = House(Unknown.QUARANTINE, store=store)
    if ask == "forget":
        known = StationRecord("CP01", "cp01", house.clock.now().wall)
        store.disk[known.key] = known
    await house.stations.start()
    if ask == "adopt":
        await house.refuse("CP01")
    asking = asyncio.create_task(answers(desk_of(house), ask=ask, identity="CP01"))
    await store.asked.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    store.done.set()
    await until(lambda: (list(store.disk) == ["cp01"]) == (ask == "adopt") and not house.stations.deciding.locked())
    assert list(house.known()) == (["CP01"] if ask == "adopt" else [])
    await house.stations.stop()
