"""Properties of the real daemon: any text frame arrives as it was sent, and no bytes on the port disturb anybody."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from gateway.sim import SILENT, SimCharger
from tests.adapters.wire import TEXT, UPGRADE, frame, request, wire
from tests.counts import PATIENCE_S, SEED, SOCKET_EXAMPLES
from tests.support.site import Site, memory_kib, served_beside, site, within

Example = TypeVar("Example")

MOST_GROWTH_KIB = 32 * 1024

UNPARSABLE_A_MINUTE = 20
"""More of them on one connection are an offence of their own."""

MOST_BRACKETS = 64
"""Deeper nesting closes the connection; without so many brackets there is none."""

WORDS = st.text(st.characters(codec="utf-8"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
CALLS = st.tuples(st.just(2), WORDS | st.integers(), st.sampled_from(["Heartbeat", "DataTransfer"]) | WORDS, JSON)


@st.composite
def dumped(draw: st.DrawFn) -> str:
    """A CALL in one of the many ways to write it down."""
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\r\n\t", " :\n")]))
    return json.dumps(draw(CALLS), ensure_ascii=draw(st.booleans()), separators=separators)


def _is_relayed(text: str) -> bool:
    """By the contract all but three kinds: nested too deeply, answers nobody asked for, calls without an action."""
    if text.count("[") + text.count("{") > MOST_BRACKETS:
        return False
    return not text.lstrip().startswith(("[3", "[4", "[2")) or text.count(",") >= 2


FRAMES = st.lists(
    st.one_of(dumped(), WORDS, st.text(st.characters(codec="utf-8"), max_size=2000), JSON.map(json.dumps)).filter(
        _is_relayed
    ),
    min_size=1,
    max_size=UNPARSABLE_A_MINUTE // 2,
)


async def _for_any(what: st.SearchStrategy[Example], check: Callable[[Example], Coroutine[Any, Any, None]]) -> None:
    """Run a property whose examples share this loop and what runs on it."""
    loop = asyncio.get_running_loop()

    @seed(SEED)
    @settings(max_examples=SOCKET_EXAMPLES)
    @given(what)
    def holds(example: Example) -> None:
        asyncio.run_coroutine_threadsafe(check(example), loop).result(PATIENCE_S)

    await asyncio.to_thread(holds)


async def test_any_text_frame_arrives_as_it_was_sent_in_both_directions(tmp_path: Path) -> None:
    async with site(tmp_path, level="warning") as here, served_beside(here):
        upstream = here.upstream("ANY")
        upstream.answer("*", SILENT)

        async def passes(texts: list[str]) -> None:
            charger = here.charger("ANY")
            charger.answer("*", SILENT)
            async with charger:
                await upstream.wait_connected()
                ledger = upstream.ledgers[-1]
                for text in texts:
                    await charger.send_raw(text)
                    await upstream.send_raw(text)
                await ledger.wait_received(len(texts))
                await charger.ledger.wait_received(len(texts))
                assert ledger.received == charger.ledger.received == texts

        await _for_any(FRAMES, passes)


OPENINGS = st.sampled_from(
    [
        b"",
        b"GET ",
        b"GET /ocpp/X HTTP/1.1\r\n",
        request()[:-2],
        request(headers={**UPGRADE, "Sec-WebSocket-Protocol": "ocpp1.6"}),
        request() + frame(TEXT, b'[2,"1","Heartbeat",{}]'),
        b"\x16\x03\x01",
    ]
)


async def test_any_bytes_on_the_port_leave_process_and_other_stations_as_they_were(tmp_path: Path) -> None:
    async with site(tmp_path, level="info") as here, served_beside(here), here.charger("CALM") as calm:
        await _throw(here, b"")
        before = memory_kib(here.daemon.pid)

        async def harmless(example: tuple[bytes, list[bytes]]) -> None:
            opening, pieces = example
            await _throw(here, opening, *pieces)
            await here.call_both_ways(calm)

        await _for_any(st.tuples(OPENINGS, st.lists(st.binary(max_size=200), max_size=4)), harmless)
        assert here.upstream("CALM").connect_count == 1
        assert memory_kib(here.daemon.pid) - before < MOST_GROWTH_KIB
        assert not any("please report" in line or "Traceback" in line for line in here.daemon.lines)
        async with SimCharger(here.daemon.chargers_url(), "CP1") as late:
            await here.call_both_ways(late)


async def _throw(here: Site, *pieces: bytes) -> None:
    """Write all of it, hang up, and see the gateway let go."""
    async with wire(here.port) as stranger:
        for piece in pieces:
            stranger.send(piece)
        # The gateway may have hung up already.
        with contextlib.suppress(OSError):
            stranger.writer.write_eof()
        await within(stranger.rest())
