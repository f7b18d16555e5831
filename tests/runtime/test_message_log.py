"""The message log: what it keeps, within which limits, and that it shows no secret and holds nobody up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.core.effects import Effect, Note, Send
from gateway.core.events import FrameReceived, Leg, TimerDue
from gateway.core.frames import parse
from gateway.runtime.message_log import LONGEST_KEPT, MOST_BYTES, MOST_ENTRIES, SITE_BYTES, MessageLog
from tests.fakes.clock import StandingClock
from tests.fakes.doors import within
from tests.turns import one_turn


class Log(MessageLog):
    """With a clock, and a short way to put something in."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = StandingClock()

    def relayed(self, identity: str, text: str) -> None:
        """The charger said something, and it was passed on."""
        note = Note("call_relayed", "relayed", fields={"OCPP_ACTION": "Some"})
        effects: list[Effect] = [Send(Leg.UP, 1, text), note]
        self.take(identity, self.clock.now(), FrameReceived(Leg.DOWN, 1, parse(text)), effects)

    def happened(self, identity: str, text: str) -> None:
        """Something without a text."""
        self.take(identity, self.clock.now(), TimerDue("x"), [Note("some", text)])


async def everything(entries: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of it."""
    return [entry async for entry in entries]


async def texts(log: MessageLog, identity: str | None = None) -> list[Any]:
    """The texts that are kept."""
    return [entry["text"] for entry in await everything(log.entries(identity))]


async def test_an_entry_as_the_control_socket_sends_it() -> None:
    log = Log()
    log.relayed("CP01", '[2,"1","Authorize",{"idTag":"04AABBCCDD"}]')
    log.happened("CP01", "connected with Basic Q1AwMTpzZWNyZXQ=")
    relayed, happened = await everything(log.entries())
    assert relayed == {
        "at": "2026-03-01T08:00:00.000Z",
        "charger": "CP01",
        "from": "charger",
        "to": "upstream",
        "done": "relayed",
        "action": "Some",
        "text": '[2,"1","Authorize",{"idTag":"****CCDD"}]',
        "length": 42,
        "cut": False,
        "note": "relayed",
    }
    assert happened == {
        "at": "2026-03-01T08:00:00.000Z",
        "charger": "CP01",
        "from": None,
        "to": None,
        "done": "event",
        "action": "",
        "text": None,
        "length": 0,
        "cut": False,
        "note": "connected with Basic ***",
    }


async def test_stations_are_merged_in_the_order_in_which_things_happened() -> None:
    log = Log()
    earlier = log.clock.now()
    log.clock.move(1)
    log.relayed("CP01", "second")
    log.relayed("CP02", "third")
    log.take("CP03", earlier, FrameReceived(Leg.UP, 1, parse("first")), [])
    log.relayed("CP01", "fourth")
    assert await texts(log) == ["first", "second", "third", "fourth"]
    assert await texts(log, "cp01") == ["second", "fourth"]
    assert await texts(log, "unknown") == []


async def test_a_station_that_is_no_more_leaves_nothing() -> None:
    log = Log()
    log.relayed("CP01", "one")
    log.relayed("CP02", "two")
    log.forget("cp01")
    log.forget("unknown")
    assert log.holds("cp02")
    assert not log.holds("CP01")
    assert await texts(log) == ["two"]


# Limits


async def test_the_oldest_goes_when_there_are_too_many() -> None:
    log = Log()
    for number in range(MOST_ENTRIES + 5):
        log.relayed("CP01", str(number))
    log.relayed("CP02", "other")
    assert await texts(log, "CP01") == [str(number) for number in range(5, MOST_ENTRIES + 5)]
    assert await texts(log, "CP02") == ["other"]


async def test_the_oldest_goes_when_there_is_too_much() -> None:
    log = Log()
    for number in range(200):
        log.relayed("CP01", f"{number}" + "\U0001f50c" * 4000)
        assert log.cost_bytes <= MOST_BYTES
    kept = await texts(log)
    assert log.cost_bytes > MOST_BYTES - 20_000
    assert kept[-1].startswith("199")
    # Four bytes a character, and little beside them.
    assert len(kept) == MOST_BYTES // 16_700


async def test_many_stations_share_what_a_small_machine_can_spare() -> None:
    log = Log()
    for number in range(200):
        for _ in range(70):
            log.relayed(f"CP{number}", "x" * LONGEST_KEPT)
        assert log.cost_bytes <= SITE_BYTES
    assert log.cost_bytes > SITE_BYTES - 200 * 10_000
    first, last = len(await texts(log, "CP0")), len(await texts(log, "CP199"))
    assert first == last == SITE_BYTES // 200 // 8700


async def test_the_newest_stays_however_small_the_share() -> None:
    log = Log()
    for number in range(1000):
        log.relayed(f"CP{number}", "\U0001f50c" * LONGEST_KEPT)
    assert len(await texts(log, "CP0")) == 1


async def test_a_long_text_is_cut_and_its_length_told() -> None:
    log = Log()
    log.relayed("CP01", "x" * LONGEST_KEPT)
    log.relayed("CP01", "x" * (LONGEST_KEPT + 1))
    whole, cut = await everything(log.entries())
    assert (whole["text"], whole["length"], whole["cut"]) == ("x" * LONGEST_KEPT, LONGEST_KEPT, False)
    assert (cut["text"], cut["length"], cut["cut"]) == ("x" * LONGEST_KEPT, LONGEST_KEPT + 1, True)


@pytest.mark.parametrize("name", ["AuthorizationKey", "BasicAuthPassword", "Authorization\\u004bey"])
@pytest.mark.parametrize("padding", [0, LONGEST_KEPT, 5 * LONGEST_KEPT])
async def test_a_name_beyond_the_cut_hides_the_value_before_it(name: str, padding: int) -> None:
    log = Log()
    log.relayed("CP01", '[2,"1","X",{"a":[{"value":"geheim"}],"b":"' + "x" * padding + f'","key":"{name}"}}]')
    assert "geheim" not in json.dumps(await everything(log.entries()))


async def test_a_secret_in_the_middle_of_the_cut_is_hidden() -> None:
    log = Log()
    start = '[2,"1","X",{"a":"' + "x" * (LONGEST_KEPT - 40) + '","password":"'
    log.relayed("CP01", start + "geheim" * 1000 + '"}]')
    log.relayed("CP01", '[2,"1","X",{"value":"' + "geheim" * 2000 + '","key":"AuthorizationKey"}]')
    assert "geheim" not in json.dumps(await everything(log.entries()))


# Readers


async def test_who_follows_hears_of_what_comes() -> None:
    log = Log()
    log.relayed("CP01", "before")
    with log.follow() as all_of_it, log.follow("cp01") as one:
        coming = asyncio.create_task(anext(all_of_it))
        await one_turn()
        assert not coming.done()
        log.relayed("CP02", "other")
        log.relayed("CP01", "after")
        assert (await within(coming))["text"] == "other"
        assert (await within(anext(all_of_it)))["text"] == "after"
        assert (await within(anext(aiter(one))))["text"] == "after"


async def test_who_follows_too_slowly_is_told_how_much_was_skipped() -> None:
    log = Log()
    with log.follow() as coming:
        for number in range(MOST_ENTRIES + 7):
            log.relayed("CP01", str(number))
        assert await anext(coming) == {"skipped": 7}
        assert (await anext(coming))["text"] == "7"
        log.relayed("CP01", "one more")
        log.relayed("CP01", "and one")
        assert await anext(coming) == {"skipped": 1}
        assert (await anext(coming))["text"] == "9"


async def test_what_waits_for_a_slow_follower_is_bounded_in_size() -> None:
    log = Log()
    with log.follow() as coming:
        for number in range(100):
            log.relayed("CP01", str(number).ljust(LONGEST_KEPT, "x"))
        skipped = (await anext(coming))["skipped"]
        assert 100 - MOST_BYTES // LONGEST_KEPT < skipped < 100
        assert (await anext(coming))["text"].rstrip("x") == str(skipped)


async def test_who_stopped_following_is_told_nothing_more() -> None:
    log = Log()
    with log.follow() as coming:
        log.relayed("CP01", "one")
    log.relayed("CP01", "two")
    assert (await anext(coming))["text"] == "one"
    nothing = asyncio.create_task(anext(coming))
    await one_turn()
    assert not nothing.done()
    nothing.cancel()


async def test_nothing_is_missed_between_what_is_kept_and_what_comes() -> None:
    log = Log()
    log.relayed("CP01", "kept")
    with log.follow() as coming:
        kept = log.entries()
        assert (await anext(kept))["text"] == "kept"
        log.relayed("CP01", "meanwhile")
        assert await everything(kept) == []
        assert (await anext(coming))["text"] == "meanwhile"


async def test_a_slow_reader_holds_nothing_that_the_ring_has_dropped() -> None:
    log = Log()
    for number in range(MOST_ENTRIES):
        log.relayed("CP01", str(number))
    reading = log.entries()
    assert (await anext(reading))["text"] == "0"
    for _ in range(MOST_ENTRIES - 2):
        log.relayed("CP01", "new")
    assert [entry["text"] for entry in await everything(reading)] == [str(MOST_ENTRIES - 2), str(MOST_ENTRIES - 1)]


@pytest.mark.parametrize("follows", [True, False])
async def test_reading_lets_others_have_their_turn(follows: bool) -> None:
    log = Log()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await one_turn()

    counting = asyncio.create_task(others())
    with log.follow() as coming:
        for _ in range(50):
            log.relayed("CP01", "x" * 2048)
        reading = aiter(coming) if follows else log.entries()
        for _ in range(50):
            await anext(reading)
    counting.cancel()
    # 100 kB, a turn for each 4 kB at least.
    assert turns >= 20
