"""Calls in both directions through the real daemon: many open at once, any id, and nothing that belongs to nobody."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from functools import partial
from pathlib import Path

import pytest

from gateway.sim import SILENT, CallFailed, Failure, Ledger, SimCharger, decode
from tests.support.impatient import IMPATIENT
from tests.support.inside import inside
from tests.support.site import Site, site, within

REFRESH_WITHIN_S = 15.0
"""The gateway asks for missing statuses 10 s after the connection, in its impatient form."""

TEXT_IDS = ["28240181849166013077", "0583200", "00", "1", "001", "-1", "", " ", "ä€🔌", '"\\/', "x" * 36, "y" * 500]
NUMBER_IDS = [1, 0, -1, 2**53 + 1, 28240181849166013077]
IDS: list[str | int] = [*TEXT_IDS, *NUMBER_IDS]


async def test_calls_of_both_sides_are_open_together_and_answered_in_any_order(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("MANY") as charger:
        upstream = here.upstream("MANY")
        upstream.hold_answers()
        held = charger.link.answering
        held.clear()
        # The same ids in both directions: each side counts for itself.
        up = [await charger.link.start_call("DataTransfer", {"vendorId": "a"}, str(n)) for n in range(30)]
        down = [await upstream.link.start_call("GetLocalListVersion", message_id=str(n)) for n in range(30)]
        await upstream.ledger.wait_received(30)
        await charger.ledger.wait_received(30)
        assert not any(answer.done() for answer in [*up, *down])
        # Newest first, and from both ends at once.
        for number in reversed(range(30)):
            await upstream.send_raw(f'[3,"{number}",{{"status":"Accepted","n":{number}}}]')
            await charger.send_raw(f'[3, "{number}", {{"listVersion": {number}}}]')
        assert await within(asyncio.gather(*up)) == [{"status": "Accepted", "n": n} for n in range(30)]
        assert await within(asyncio.gather(*down)) == [{"listVersion": n} for n in range(30)]
        assert upstream.ledger.received == charger.ledger.sent
        assert charger.ledger.received == upstream.ledger.sent


async def test_ids_come_back_as_they_were_sent(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("IDS") as charger:
        upstream = here.upstream("IDS")
        for message_id in IDS:
            # The charger counts from the start after each boot, so ids repeat.
            for _ in range(2):
                await within(charger.call("Heartbeat", message_id=message_id))
                await within(upstream.call("GetLocalListVersion", message_id=message_id))
        assert upstream.ledger.received == charger.ledger.sent
        assert charger.ledger.received == upstream.ledger.sent
        assert charger.link.unmatched == upstream.link.unmatched == 0


async def test_ids_repeat_across_boots(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        charger = here.charger("REBOOT")
        for boot in range(1, 4):
            await charger.connect()
            for number in range(1, 6):
                await within(charger.call("Heartbeat", message_id=str(number)))
            # The last one is never answered: its id is free again on the next connection.
            here.upstream("REBOOT").answer("DataTransfer", SILENT)
            await charger.link.start_call("DataTransfer", {"vendorId": "x"}, "6")
            await here.upstream("REBOOT").ledger.wait_received(6 * boot)
            await charger.abort()
        assert here.csms.ledger("REBOOT").received == charger.ledger.sent
        assert charger.ledger.received == here.csms.ledger("REBOOT").sent


async def test_call_errors_and_spacing_pass_untouched(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("ERRORS") as charger:
        upstream = here.upstream("ERRORS")
        upstream.answer("Authorize", Failure("SecurityError", "no", {"why": "x"}))
        charger.answer("Reset", Failure("NotSupported", "never", {}))
        with pytest.raises(CallFailed, match="SecurityError: no"):
            await charger.authorize("TAG-1")
        with pytest.raises(CallFailed, match="NotSupported: never"):
            await upstream.call("Reset", {"type": "Soft"})
        await here.daemon.logged("ERRORS: upstream answered Authorize with SecurityError, relayed")
        await here.daemon.logged("ERRORS: charger answered Reset with NotSupported, relayed")
        texts = ['[2,"a","Heartbeat",\n{\n}]', '\t[2 , "b","Heartbeat"  ,{"x":1.50e+01,"x":"\\u00e4/\\/"} ]\r\n']
        for count, text in enumerate(texts, start=2):
            await charger.send_raw(text)
            await upstream.ledger.wait_until(partial(_holds, upstream.ledger, text))
            await charger.ledger.wait_received(count + 1)
        assert upstream.ledger.received == charger.ledger.sent
        assert charger.ledger.received == upstream.ledger.sent


async def test_frames_do_not_wait_for_the_acknowledgement_of_those_before(tmp_path: Path) -> None:
    """TCP_NODELAY on the charger's socket: with Nagle a frame behind another one comes 40 to 200 ms late."""
    async with inside(tmp_path) as here, here.charger("QUICK") as charger:
        await charger.heartbeat()
        assert _nodelay_towards(charger.link.socket.local_address) == [True]


def _nodelay_towards(peer: object) -> list[bool]:
    """TCP_NODELAY of this process's sockets with that other end."""
    found = []
    sockets = [entry for entry in Path("/proc/self/fd").iterdir() if entry.is_socket()]
    for entry in sockets:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as sock:
            if sock.getpeername() == peer:
                found.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)
    return found


def _holds(ledger: Ledger, text: str) -> bool:
    return text in ledger.received


async def test_answers_that_settle_nothing_are_named_and_go_nowhere(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("STRAY") as charger:
        upstream = here.upstream("STRAY")
        await charger.call("Heartbeat", message_id="one")
        await upstream.call("GetLocalListVersion", message_id="two")
        # Each id answered once more, and answered in the direction in which nobody asked.
        for text in ('[3,"one",{"again":true}]', '[3,"two",{"crossed":true}]', '[4,"never","InternalError","",{}]'):
            await upstream.send_raw(text)
        for text in ('[3,"two",{"again":true}]', '[3,"one",{"crossed":true}]', '[4,"never","InternalError","",{}]'):
            await charger.send_raw(text)
        for peer, settled, crossed in (("upstream", "one", "two"), ("charger", "two", "one")):
            for what, message_id in (("duplicate", settled), ("unknown", crossed), ("unknown", "never")):
                about = f"STRAY: {what} answer from {peer} not relayed (message id {message_id})"
                await here.daemon.logged(about)
        for what in ("duplicate", "unknown"):
            assert " WARNING " in await here.daemon.logged(f"STRAY: {what} answer")
        await here.call_both_ways(charger)
        assert charger.link.unmatched == upstream.link.unmatched == 0


async def test_a_call_that_fell_out_of_the_table_is_named_and_its_late_answer_relayed(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("LATE") as charger:
        upstream = here.upstream("LATE")
        upstream.answer("*", SILENT)
        # One more than the gateway keeps open.
        calls = [await charger.link.start_call("DataTransfer", {"vendorId": "x"}, f"id-{n}") for n in range(513)]
        await upstream.ledger.wait_received(513)
        await here.daemon.logged("LATE: upstream never answered DataTransfer")
        await upstream.send_raw('[3,"id-0",{"status":"Accepted"}]')
        assert await within(calls[0]) == {"status": "Accepted"}
        await here.daemon.logged("LATE: late answer to DataTransfer from upstream relayed")
        await upstream.send_raw('[3,"id-512",{"status":"Accepted"}]')
        assert await within(calls[512]) == {"status": "Accepted"}


async def _own_call(here: Site, charger: SimCharger) -> str:
    """The id of the gateway's own TriggerMessage, once the charger has it."""
    ledger = charger.ledger
    await ledger.wait_until(lambda: "TriggerMessage" in "".join(ledger.received), REFRESH_WITHIN_S)
    frame = next(decode(text) for text in ledger.received if "TriggerMessage" in text)
    assert frame is not None
    return str(frame.message_id)


async def test_the_gateways_own_call_and_its_answer_never_reach_upstream(tmp_path: Path) -> None:
    async with site(tmp_path, module=IMPATIENT) as here:
        told, silent, refusing = (here.charger(name) for name in ("TOLD", "ASKED", "REFUSES"))
        silent.answer("TriggerMessage", SILENT)
        refusing.answer("TriggerMessage", Failure("NotImplemented"))
        async with told, silent, refusing:
            # All that TOLD has is known, so it is not asked.
            await told.statuses()
            ids = [await _own_call(here, charger) for charger in (silent, refusing)]
            await here.daemon.logged("REFUSES: charger answered the gateway's own TriggerMessage: NotImplemented")
            # While it waits, upstream asks the same, and both get their answer.
            asked = await here.upstream("ASKED").link.start_call(
                "TriggerMessage", {"requestedMessage": "Heartbeat"}, "up"
            )
            await silent.ledger.wait_until(lambda: "up" in silent.ledger.received[-1])
            await silent.send_raw(f'[3,"{ids[0]}",{{"status":"Accepted"}}]')
            await silent.send_raw('[3,"up",{"status":"Rejected"}]')
            assert await within(asked) == {"status": "Rejected"}
            await here.daemon.logged("ASKED: charger answered the gateway's own TriggerMessage: answered")
            # Answered twice: still nobody else's business.
            await silent.send_raw(f'[3,"{ids[0]}",{{"status":"Accepted"}}]')
            await here.daemon.logged("ASKED: duplicate answer from charger not relayed")
            for charger in (silent, refusing):
                await here.call_both_ways(charger)
            everything = "".join("".join(here.csms.ledger(name).received) for name in ("ASKED", "REFUSES"))
            assert not any(own in everything for own in ids)
            assert "TriggerMessage" not in "".join(told.ledger.received)
            # Own ids must never meet upstream's: lower-case UUIDs.
            assert all(len(own) == 36 and own == own.lower() for own in ids)
