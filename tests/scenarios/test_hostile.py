"""Whatever a socket can send gets a bounded, logged reaction, and the station beside it is served throughout."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gateway.sim import SILENT, Disconnected, Ledger, SimCharger
from tests.adapters.wire import request, wire
from tests.support.broker import Broker
from tests.support.mqtt import Subscriber
from tests.support.site import Site, memory_kib, served_beside, site, within

MOST_GROWTH_KIB = 64 * 1024


@dataclass(frozen=True)
class Wrong:
    """A text frame that is merely wrong: it is relayed as it stands, and `logged` is what the log says of it."""

    name: str
    text: str
    logged: str
    level: str = "WARNING"

    @property
    def unread_as(self) -> str:
        """The counter of a frame whose envelope could not be read."""
        return self.logged.partition(" from ")[0].replace(" ", "_")


FAULTS = ("please report", "Traceback", "never retrieved")
AS_IT_IS = "relayed as it is: "
WRONG = [
    Wrong("empty", "", f"not json from {{peer}} {AS_IT_IS}"),
    Wrong("words", "hello", f"not json from {{peer}} {AS_IT_IS}hello"),
    Wrong("half", '[2,"1","Heartbeat",{', f"not json from {{peer}} {AS_IT_IS}"),
    Wrong("two", '[2,"1","Heartbeat",{}][]', f"not json from {{peer}} {AS_IT_IS}"),
    Wrong("nul", '[2,"\0","Heartbeat",{}]', "odd: control_character"),
    Wrong("lines", "a\nb\r\n\x1b[31m", f"not json from {{peer}} {AS_IT_IS}a\\nb\\r\\n\\x1b[31m"),
    Wrong("object", '{"a":1}', f"not array from {{peer}} {AS_IT_IS}"),
    Wrong("null", "null", f"not array from {{peer}} {AS_IT_IS}null"),
    Wrong("no-elements", "[]", f"not array from {{peer}} {AS_IT_IS}[]"),
    Wrong("type-9", '[9,"1","Heartbeat",{}]', f"unknown message type from {{peer}} {AS_IT_IS}"),
    Wrong("type-text", '["2","1","Heartbeat",{}]', f"unknown message type from {{peer}} {AS_IT_IS}"),
    Wrong("type-true", '[true,"1","Heartbeat",{}]', f"unknown message type from {{peer}} {AS_IT_IS}"),
    Wrong("type-huge", f"[{'9' * 5000}]", f"unknown message type from {{peer}} {AS_IT_IS}"),
    Wrong("type-6", '[6,"1","NotifyPeriodicEventStream",{}]', f"unknown message type from {{peer}} {AS_IT_IS}"),
    Wrong("id-null", '[2,null,"Heartbeat",{}]', f"unreadable message id from {{peer}} {AS_IT_IS}"),
    Wrong("id-object", '[3,{"a":1},{}]', f"unreadable message id from {{peer}} {AS_IT_IS}"),
    Wrong("id-missing", "[2]", f"unreadable message id from {{peer}} {AS_IT_IS}"),
    Wrong("payload-array", '[2,"1","Heartbeat",[]]', "odd: payload_not_object"),
    Wrong("payload-text", '[2,"1","StatusNotification","x"]', "odd: payload_not_object"),
    Wrong("action", '[2,"1","FlyToTheMoon",{}]', "odd: unknown_action"),
    Wrong("action-escapes", '[2,"1","\\u001b[31m\\n",{}]', "\\x1b[31m\\n from {peer} relayed"),
    Wrong("integer", f'[2,"1","DataTransfer",{{"data":{"9" * 5000}}}]', "odd: huge_integer"),
    Wrong(
        "float", '[2,"1","StatusNotification",{"connectorId":1e999,"status":"Available"}]', "StatusNotification from"
    ),
    Wrong("nan", '[2,"1","DataTransfer",{"data":[NaN,-Infinity]}]', "odd: nan_or_infinity"),
    Wrong("surrogate", '[2,"\\ud800","StatusNotification",{"connectorId":1,"status":"\\udfff"}]', "Notification from"),
    Wrong("types", '[2,"1","StatusNotification",{"connectorId":{},"status":[],"errorCode":7}]', "Notification from"),
    Wrong("no-payload", '[2,"1","Heartbeat"]', "Heartbeat from", "DEBUG"),
    Wrong("nul-id", '[2,"\\u0000","Heartbeat",{}]', "Heartbeat from", "DEBUG"),
    Wrong("long-id", f'[2,"{"i" * 100_000}","Heartbeat",{{}}]', "Heartbeat from", "DEBUG"),
]


async def test_frames_that_are_merely_wrong_are_relayed_verbatim_in_both_directions(tmp_path: Path) -> None:
    async with (
        Broker() as broker,
        Subscriber(broker.port) as mqtt,
        site(tmp_path, mqtt=f'url = "mqtt://127.0.0.1:{broker.port}"') as here,
        served_beside(here),
    ):
        for wrong in WRONG:
            await _passes_both_ways(here, wrong)
        assert not any(fault in line for line in here.daemon.lines for fault in FAULTS)
        unread = Counter(wrong.unread_as for wrong in WRONG if AS_IT_IS in wrong.logged)
        async with here.charger("LAST"):
            state = await mqtt.wait_json("evgate/test/gateway/state", partial(_counted_twice_each, unread))
        assert state["counters"]["odd_call_relayed"] >= sum("odd: " in wrong.logged for wrong in WRONG)


def _counted_twice_each(unread: Counter[str], state: dict[str, Any]) -> bool:
    """Once for each direction."""
    return all(state["counters"].get(what) == 2 * times for what, times in unread.items())


async def _passes_both_ways(here: Site, wrong: Wrong) -> None:
    upstream = here.upstream(wrong.name)
    upstream.answer("*", SILENT)
    charger = here.charger(wrong.name)
    charger.answer("*", SILENT)
    async with charger:
        await charger.send_raw(wrong.text)
        await upstream.ledger.wait_received(1)
        assert upstream.ledger.received == [wrong.text], wrong.name
        await upstream.send_raw(wrong.text)
        await charger.ledger.wait_received(1)
        assert charger.ledger.received == [wrong.text], wrong.name
    for peer in ("charger", "upstream"):
        about = wrong.logged.format(peer=peer)

        def fits(line: str, about: str = about, peer: str = peer) -> bool:
            return f" {wrong.name}: " in line and about in line and f"from {peer}" in line

        line = await here.daemon.logged(fits)
        if peer == "charger":
            assert f" {wrong.level} " in line
        assert len(line) < 500


async def test_answers_nobody_asked_for_and_calls_without_an_action_end_here(tmp_path: Path) -> None:
    async with site(tmp_path) as here, served_beside(here), here.charger("ODD") as charger:
        upstream = here.upstream("ODD")
        for text in ('[3,"nobody",{}]', '[4,"nobody","InternalError","",{}]', '[3,"nobody"]', '[4,"nobody"]'):
            await charger.send_raw(text)
            await upstream.send_raw(text)
        for peer in ("charger", "upstream"):
            await here.daemon.logged(f"ODD: unknown answer from {peer} not relayed", times=4)
        assert " WARNING " in await here.daemon.logged("ODD: unknown answer")
        for text, echoed in (('[2,"7"]', '"7"'), ("[2,7]", "7"), ('[2,"8",null,{}]', '"8"')):
            await charger.send_raw(text)
            await upstream.send_raw(text)
            reply = f'[4,{echoed},"ProtocolError","A CALL needs an action and a payload.",{{}}]'
            for ledger in (charger.ledger, upstream.ledger):
                await ledger.wait_until(partial(_holds, ledger, reply))
        await here.daemon.logged("ODD: CALL without an action from charger answered with ProtocolError", times=3)
        await here.call_both_ways(charger)
        assert len([text for text in upstream.ledger.received if "Heartbeat" not in text]) == 3 + 1
        assert len([text for text in charger.ledger.received if "LocalList" not in text]) == 3 + 1


def _holds(ledger: Ledger, text: str) -> bool:
    return text in ledger.received


def _disconnected(name: str, code: int) -> Callable[[str], bool]:
    return lambda line: f" {name}: " in line and f"disconnected ({code}" in line


async def _closed(charger: SimCharger) -> int:
    code, _ = await within(charger.wait_closed())
    return code


async def test_what_cannot_be_relayed_closes_the_connection(tmp_path: Path) -> None:
    async with site(tmp_path) as here, served_beside(here):
        before = memory_kib(here.daemon.pid)
        deep = '[2,"1","DataTransfer",' + '{"a":[' * 40 + "]}" * 40 + "]"
        for number, text in enumerate(("[" * 100, "[" * 1_000_000, deep)):
            for name in (f"DEEP-{number}", f"DEEP-UP-{number}"):
                async with here.charger(name) as charger:
                    await (here.upstream(name).send_raw(text) if "UP" in name else charger.send_raw(text))
                    code, _ = await within((here.upstream(name) if "UP" in name else charger).wait_closed())
                    assert code == 1009, name
                await here.daemon.logged(f"{name}: frame nested too deeply")
        huge = '[2,"1","DataTransfer",{"data":"' + "x" * 10_000_000 + '"}]'
        for name in ("HUGE", "HUGE-UP"):
            async with here.charger(name) as charger:
                sender = here.upstream(name).link if "UP" in name else charger.link
                sending = asyncio.gather(sender.send_raw(huge), return_exceptions=True)
                assert (await within(sender.wait_closed()))[0] == 1009
                await within(sending)
                await within(charger.wait_closed())
            await here.daemon.logged(_disconnected(name, 1009))
        for name in ("BINARY", "BINARY-UP"):
            async with here.charger(name) as charger:
                sender = here.upstream(name).link if "UP" in name else charger.link
                await sender.send_binary(b"\x00\xff")
                assert (await within(sender.wait_closed()))[0] == 1003
                await within(charger.wait_closed())
            await here.daemon.logged(_disconnected(name, 1003))
        async with here.charger("NOT-UTF-8") as charger:
            await charger.link.send_text_bytes(b'[2,"1","\xff\xfe",{}]')
            assert await _closed(charger) == 1007
        await here.daemon.logged("NOT-UTF-8: charger disconnected (1007")
        assert here.upstream("HUGE").ledger.received == here.upstream("BINARY").ledger.received == []
        assert memory_kib(here.daemon.pid) - before < MOST_GROWTH_KIB


async def test_a_flood_of_unparsable_frames_ends_with_1002_and_no_ban(tmp_path: Path) -> None:
    async with site(tmp_path) as here, served_beside(here):
        for _ in range(2):
            async with here.charger("FLOOD") as charger:
                with contextlib.suppress(Disconnected):
                    for _ in range(500):
                        await charger.send_raw("rubbish")
                assert await _closed(charger) == 1002
        await here.daemon.logged("FLOOD: too many unparsable frames from charger within a minute", times=2)
        assert here.upstream("FLOOD").ledger.received_count == 40
        async with here.charger("FLOOD") as charger:
            await here.call_both_ways(charger)


async def test_frames_that_upstream_cannot_stand_are_held_back(tmp_path: Path) -> None:
    async with site(tmp_path) as here, served_beside(here):
        upstream = here.upstream("BROKEN")
        for number in range(1, 4):
            async with here.charger("BROKEN") as charger:
                await charger.send_raw("rubbish")
                await upstream.ledger.wait_received(number)
                await upstream.close(1007, "not JSON")
                assert await _closed(charger) == 1007
        await here.daemon.logged("BROKEN: upstream closes after unparsable frames, they are held back from now on")
        async with here.charger("BROKEN") as charger:
            await charger.send_raw("rubbish")
            await here.daemon.logged("BROKEN: unparsable frame from charger held back: rubbish")
            await here.call_both_ways(charger)
            assert "rubbish" not in upstream.ledgers[-1].received


async def test_what_is_no_charger_is_told_so(tmp_path: Path) -> None:
    async with site(tmp_path) as here, served_beside(here):
        async with wire(here.port) as browser:
            browser.send(b"GET /favicon.ico HTTP/1.1\r\nHost: gateway\r\n\r\n")
            assert (await browser.head()).startswith("HTTP/1.1 426 ")
        await here.daemon.logged("plain HTTP, no WebSocket upgrade")
        async with wire(here.port) as stranger:
            stranger.send(b"\x00\x01\x02SSH-2.0-OpenSSH\r\n\r\n")
            await stranger.rest()
        await here.daemon.logged("sent no HTTP request, but bytes that begin with")
        async with wire(here.port) as tls:
            tls.send(bytes.fromhex("16030100c8010000c40303"))
            await tls.rest()
        await here.daemon.logged("speaks TLS on the plain port")
        async with wire(here.port) as scanner:
            scanner.reset()
        await here.daemon.logged("hung up without a byte")
        # Half a handshake, and vanished after a whole one.
        async with wire(here.port) as half:
            half.send(request()[:40])
            half.reset()
        await here.daemon.logged("hung up in the middle of its HTTP request")
        async with wire(here.port) as gone:
            assert (await gone.upgrade(path="/ocpp/GONE")).startswith("HTTP/1.1 101 ")
            await here.upstream("GONE").wait_connected()
            gone.reset()
        await here.upstream("GONE").wait_closed()
        await here.daemon.logged("GONE: charger disconnected (connection reset by the peer)")


async def test_a_charger_that_ends_its_side_while_frames_wait_for_it_is_gone(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        charger = here.charger("HALF", receive_buffer_bytes=4096)
        charger.answer("*", SILENT)
        await charger.connect()
        charger.link.stop_reading()
        upstream = here.upstream("HALF")
        for _ in range(10):
            await upstream.link.start_call("DataTransfer", {"vendorId": "filler", "data": "x" * 500_000})
        await here.daemon.logged("HALF: DataTransfer from upstream relayed", times=7)
        charger.link.socket.transport.write_eof()
        charger.link.resume_reading()
        await here.daemon.logged("HALF: charger disconnected (the connection ended without a close frame)")
        await upstream.wait_closed()
        await charger.wait_closed()
        charger.link.socket.reset()
        assert await here.daemon.end() == 0
        assert not any(fault in line for line in here.daemon.lines for fault in FAULTS)


async def test_hundreds_of_half_open_connections_keep_nobody_out(tmp_path: Path) -> None:
    async with site(tmp_path) as here, served_beside(here):
        idle = [await asyncio.open_connection("127.0.0.1", here.port) for _ in range(400)]
        async with here.charger("COMES-LATE") as charger:
            await here.call_both_ways(charger)
        await here.daemon.logged("256 unfinished handshakes: look for a scanner")
        # Those that have been silent for longest made room.
        ends = asyncio.gather(*(reader.read() for reader, _ in idle[:100]), return_exceptions=True)
        assert all(end == b"" or isinstance(end, ConnectionError) for end in await within(ends))
        for _, writer in idle:
            writer.transport.abort()
