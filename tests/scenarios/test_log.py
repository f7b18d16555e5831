"""`evgate log`: every message once, with what was done to it, and no secret; whoever reads it slows nobody."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from pathlib import Path
from typing import Any

from gateway.sim import SimCharger
from tests.support.commands import evgate, following
from tests.support.site import PROMPT_S, Site, site, within

LONG = 100_000
"""Characters of a text."""

FLOOD = 300
"""Messages of 5 kB: more than a socket and its reader's queue hold."""


async def _entries(here: Site, *arguments: str) -> list[dict[str, Any]]:
    said = await evgate(here.daemon.control, "log", "--json", *arguments)
    assert said.status == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


async def test_a_relayed_frame_is_there_once_for_both_legs_without_secrets(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("CP1", password="s3cret-basic") as charger:
        await within(charger.authorize("DEADBEEF-TAG1"))
        key = {"key": "AuthorizationKey", "value": "s3cret-key"}
        await within(here.upstream("CP1").call("ChangeConfiguration", key))
        padding = "x" * LONG
        await within(charger.call("DataTransfer", {"vendorId": "V", "data": padding}))
        entries = await _entries(here)
        assert {entry["charger"] for entry in entries} == {"CP1"}
        assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
        [asked] = [entry for entry in entries if entry["action"] == "Authorize" and '[2,"' in (entry["text"] or "")]
        assert (asked["from"], asked["to"], asked["done"]) == ("charger", "upstream", "relayed")
        assert "****TAG1" in asked["text"]
        [told] = [entry for entry in entries if entry["action"] == "ChangeConfiguration" and "***" in entry["text"]]
        assert (told["from"], told["to"], told["done"]) == ("upstream", "charger", "relayed")
        assert "AuthorizationKey" in told["text"]
        [cut] = [entry for entry in entries if entry["length"] > LONG]
        assert cut["cut"]
        assert len(cut["text"]) < LONG / 10
        [relayed] = [text for text in here.upstream("CP1").ledger.received if padding in text]
        assert cut["length"] == len(relayed)
        assert (entries[0]["done"], entries[0]["text"]) == ("event", None)
        shown = await evgate(here.daemon.control, "log", "--charger", "cp1")
        assert shown.status == 0
        assert f"(… of {cut['length']} characters)" in shown.out
        assert shown.out.count("charger -> upstream  Authorize from charger relayed to upstream") == 1
        for secret in ("s3cret", "DEADBEEF"):
            assert secret not in shown.out + json.dumps(entries)
        assert "CP9" in (await evgate(here.daemon.control, "log", "--charger", "CP9")).err


async def test_followed_it_shows_one_charger_and_ends_quietly(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("CP1") as charger, here.charger("CP2") as other:
        control = here.daemon.control
        await within(charger.heartbeat())
        async with following(control, "--charger", "cp1") as one, following(control) as every:
            # What was before they came; from here on they see everything.
            await one.wait_for("Heartbeat", "CP1")
            await every.wait_for("Heartbeat", "CP1")
            await within(other.authorize("TAG-OF-OTHER"))
            await within(charger.authorize("TAG"))
            await every.wait_for("Authorize", "CP2")
            await one.wait_for("Authorize", "CP1")
            assert {entry["charger"] for entry in one.entries} == {"CP1"}
            assert await one.end(signal.SIGINT) == 0
            await here.daemon.end()
            assert await every.end() == 1
        assert one.errors == ""
        assert every.errors == "evgate: evgate ended, and the log with it: follow the new one with `evgate log -f`\n"


async def test_a_reader_that_never_reads_slows_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("CP1") as charger:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(str(here.daemon.control))
            deaf.sendall(b'{"ask": "log", "charger": null, "follow": true}\n')
            await _flood(charger)
            async with asyncio.timeout(PROMPT_S):
                await here.call_both_ways(charger)
            assert (await here.daemon.ask("status"))["health"] == "degraded"
            # Read at last, it is told what it missed.
            deaf.settimeout(PROMPT_S)
            assert await asyncio.to_thread(_skipped, deaf) > 0
        assert await here.daemon.end() == 0


async def _flood(charger: SimCharger) -> None:
    data = {"vendorId": "V", "data": "x" * 5000}
    await within(charger.pipeline([("DataTransfer", data)] * FLOOD))


def _skipped(reader: socket.socket) -> int:
    with reader.makefile("rb") as lines:
        for line in lines:
            entry = json.loads(line)
            if "skipped" in entry:
                return int(entry["skipped"])
    return 0
