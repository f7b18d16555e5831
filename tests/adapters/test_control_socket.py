"""The control socket: questions, answers, and clients that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.adapters.control_socket import CONVERSATIONS, MAX_REQUEST_BYTES
from tests.adapters.control_house import Client, client, control_house, said
from tests.counts import PATIENCE_S, SOCKET_EXAMPLES
from tests.fakes.desk import FakeDesk

STATUS = b'{"ask": "status"}\n'
FOLLOW = b'{"ask": "log", "follow": true}\n'


async def happens(event: asyncio.Event) -> None:
    """Wait for it, but not for ever."""
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


async def hung_up(one: Client) -> None:
    """The server ended this conversation."""
    assert await one.rest() == b""


async def test_a_question_and_its_answers() -> None:
    answers = [{"n": 1, "text": "Säule\u2028\x1b"}, {"n": 2}]
    async with control_house(FakeDesk(answers)) as house:
        assert await said(house.path, STATUS) == answers
        assert house.desk.asked.get_nowait() == {"ask": "status"}
        await happens(house.desk.closed)


async def test_an_answer_is_one_line_whatever_stands_in_it() -> None:
    async with control_house(FakeDesk([{"text": "a\nb\u2028c\x85"}])) as house, client(house.path) as one:
        one.send(STATUS)
        assert (await one.rest()).splitlines() == [b'{"text": "a\\nb\\u2028c\\u0085"}']


async def test_followed_until_the_client_hangs_up() -> None:
    async with control_house(FakeDesk([{"n": 1}])) as house:
        async with client(house.path) as one:
            one.send(FOLLOW)
            assert await one.answer() == {"n": 1}
            house.desk.news.put_nowait({"n": 2})
            assert await one.answer() == {"n": 2}
            assert not house.desk.closed.is_set()
        await happens(house.desk.closed)


async def test_what_else_a_client_sends_is_dropped() -> None:
    async with control_house(FakeDesk()) as house, client(house.path) as one:
        one.send(FOLLOW + STATUS + b"\xff" * 1_000_000)
        await happens(house.desk.following)
        house.desk.news.put_nowait({"n": 1})
        assert await one.answer() == {"n": 1}
        assert house.desk.asked.qsize() == 1


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        (b"\n", "the question is not JSON"),
        (b"status\n", "the question is not JSON"),
        (b'{"ask": "status"\n', "the question is not JSON"),
        (b'{"ask": NaN}\n', "the question is not JSON"),
        (b'{"ask": "\xff"}\n', "the question is not JSON"),
        (b'{"ask": ' + b"9" * 5_000 + b"}\n", "the question is not JSON"),
        (b"[" * 60_000 + b"\n", "the question is not JSON"),
        (b'"status"\n', "the question is no object"),
        (b"[{}]\n", "the question is no object"),
        (b"x" * MAX_REQUEST_BYTES + b"x\n", f"a question of more than {MAX_REQUEST_BYTES} bytes"),
        (b"x" * 1_000_000, f"a question of more than {MAX_REQUEST_BYTES} bytes"),
    ],
)
async def test_what_is_no_question(octets: bytes, complaint: str) -> None:
    async with control_house(FakeDesk([{"n": 1}])) as house:
        [answer] = await said(house.path, octets)
        assert answer["error"].startswith(f"{complaint}: ") or answer["error"].startswith(f"{complaint}: send")
        assert house.desk.asked.empty()
        assert await said(house.path, STATUS) == [{"n": 1}]


async def test_a_client_that_says_nothing_gives_its_place_back() -> None:
    async with control_house(request_timeout_s=0.05) as house:
        assert await said(house.path, b"") == [{"error": "no question within 0.05 s: send one line of JSON"}]
        assert await said(house.path, b'{"ask"') == [{"error": "no question within 0.05 s: send one line of JSON"}]


async def test_a_client_that_takes_nothing_gives_its_place_back() -> None:
    desk = FakeDesk([{"text": "x" * 1_000_000}] * 3)
    async with control_house(desk, write_timeout_s=0.05) as house, client(house.path) as one:
        one.send(STATUS)
        await happens(desk.closed)
        # Its library reads a little ahead; not even one answer is whole.
        assert b"\n" not in await one.rest()


async def test_no_more_than_so_many_conversations() -> None:
    async with control_house() as house:
        async with client(house.path) as first:
            first.send(FOLLOW)
            await happens(house.desk.following)
            others = [client(house.path) for _ in range(CONVERSATIONS - 1)]
            for other in others:
                await other.__aenter__()
            [answer] = await said(house.path, STATUS)
            assert answer["error"].startswith(f"{CONVERSATIONS} commands are asking already: ")
            assert "pgrep" in answer["error"]
            for other in others:
                await other.__aexit__(None, None, None)
            house.desk.news.put_nowait({"still": "here"})
            assert await first.answer() == {"still": "here"}
        await happens(house.desk.closed)
        assert await said(house.path, STATUS) == []


@pytest.mark.parametrize(
    "desk",
    [
        FakeDesk([{"n": 1}], failure=KeyError("charger")),
        FakeDesk([{"n": 1}], failure=TimeoutError()),
        FakeDesk([{"n": 1}], failure=ConnectionResetError()),
        FakeDesk([{"n": 1}, {"n": float("nan")}]),
        FakeDesk([{"n": 1}, {"n": {1, 2}}]),
    ],
)
async def test_a_fault_behind_the_desk_is_told_and_logged(desk: FakeDesk, caplog: pytest.LogCaptureFixture) -> None:
    async with control_house(desk) as house:
        for _ in range(2):
            first, second = await said(house.path, STATUS)
            assert first == {"n": 1}
            assert second["error"].startswith("internal error, the daemon goes on: look for it in `journalctl")
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]
    assert caplog.records[0].exc_info is not None


async def test_a_fault_nobody_waits_for_is_logged_only(caplog: pytest.LogCaptureFixture) -> None:
    desk = FakeDesk([{"text": "x" * 1_000_000}, {"n": float("nan")}])
    async with control_house(desk, write_timeout_s=0.05) as house, client(house.path) as one:
        one.send(STATUS)
        await happens(desk.closed)
    assert caplog.records == []


async def test_close_ends_every_conversation_at_once() -> None:
    async with control_house() as house, client(house.path) as follower, client(house.path) as silent:
        follower.send(FOLLOW)
        await happens(house.desk.following)
        async with asyncio.timeout(PATIENCE_S):
            await house.control.close()
            await house.control.close()
        assert house.desk.closed.is_set()
        await hung_up(follower)
        await hung_up(silent)
        assert not house.path.exists()


def questions() -> st.SearchStrategy[bytes]:
    """Byte strings from pure noise to almost right."""
    json_like = st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
    objects = st.dictionaries(st.sampled_from(["ask", "identity", "follow", "charger"]), json_like)
    lines = st.one_of(st.binary(max_size=300), objects.map(lambda asked: json.dumps(asked).encode()))
    return st.lists(lines, min_size=1, max_size=3).map(b"\n".join)


@given(st.lists(st.tuples(questions(), st.booleans(), st.booleans()), min_size=1, max_size=4))
@settings(max_examples=SOCKET_EXAMPLES)
@example([(b"", False, True), (b"\n\n\n", True, True), (b"{", False, False)])
def test_no_bytes_disturb_the_others(strangers: list[tuple[bytes, bool, bool]]) -> None:
    async def story() -> None:
        noise: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: noise.append(context))
        async with control_house(FakeDesk([{"n": 1}])) as house, client(house.path) as follower:
            follower.send(FOLLOW)
            assert await follower.answer() == {"n": 1}
            for octets, ends_line, ends_politely in strangers:
                async with client(house.path) as stranger:
                    stranger.send(octets + b"\n" * ends_line)
                    if ends_politely:
                        stranger.writer.write_eof()
                        await stranger.rest()
                house.desk.news.put_nowait({"still": "here"})
                assert await follower.answer() == {"still": "here"}
            assert await said(house.path, STATUS) == [{"n": 1}]
        assert noise == []

    asyncio.run(story())
