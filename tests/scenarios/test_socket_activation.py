"""Somebody else holds the listening socket, as systemd does: a restart refuses no charger."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest

from gateway.sim import SimCharger, SimCsms
from tests.support.passing import activated
from tests.support.site import NOWHERE, within

DIALLING = 50
"""As many as a large site has; all of them dial while nobody listens."""


def configuration(csms: SimCsms, listen: str) -> str:
    """Chargers come in here and are brought to this upstream."""
    chargers = f'[chargers]\nlisten = "{listen}"\nunknown = "accept"\n'
    return f'{chargers}[[upstream]]\nname = "operator"\nurl = "{csms.url}"\n[mqtt]\n{NOWHERE}\n'


async def served(url: str, identity: str) -> int:
    """Dial once, without a second try, and be heard; the times that took."""
    async with SimCharger(url, identity) as charger:
        await charger.heartbeat()
        return charger.connect_count


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_who_dials_during_a_restart_waits_and_is_served(tmp_path: Path, how: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=DIALLING) as held:
        address = f"127.0.0.1:{held.getsockname()[1]}"
        url = f"ws://{address}/ocpp"
        async with SimCsms() as csms:
            text = configuration(csms, address)
            async with activated(tmp_path, text, held) as daemon:
                assert address in daemon.ready
                before = SimCharger(url, "BEFORE")
                await before.connect()
                await within(before.heartbeat())
                await daemon.end(how)
                code, _ = await within(before.wait_closed())
                assert code == 1012 or how is signal.SIGKILL
            dialling = [asyncio.create_task(served(url, f"CP{number}")) for number in range(DIALLING)]
            async with activated(tmp_path, text, held) as daemon:
                assert await within(asyncio.gather(*dialling)) == [1] * DIALLING
                assert await daemon.end() == 0


async def test_a_socket_that_nothing_is_configured_for_is_closed_and_said(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as held,
        socket.create_server(("127.0.0.1", 0)) as other,
        socket.socket() as idle,
    ):
        port = other.getsockname()[1]
        async with SimCsms() as csms:
            text = configuration(csms, f"127.0.0.1:{held.getsockname()[1]}")
            async with activated(tmp_path, text, held, other, idle) as daemon:
                warning = await daemon.logged(f"127.0.0.1:{port}")
                assert " WARNING " in warning
                assert "[chargers] listen" in warning
                assert "evgate.socket" in warning
                await daemon.logged(
                    "systemd passed file descriptor 5 (without a name), which does not listen and is closed"
                )
                assert await daemon.end() == 0


async def test_an_address_without_a_passed_socket_is_bound(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        passed = f"127.0.0.1:{held.getsockname()[1]}"
        async with SimCsms() as csms:
            text = configuration(csms, passed).replace(f'listen = "{passed}"', f'listen = ["{passed}", "127.0.0.1:0"]')
            async with activated(tmp_path, text, held) as daemon:
                urls = [word.rstrip(",") for word in daemon.ready.split() if word.startswith("ws://")]
                assert urls[0] == f"ws://{passed}"
                for number, url in enumerate(urls):
                    assert await within(served(f"{url}/ocpp", f"CP{number}")) == 1
                assert len(urls) == 2
                assert await daemon.end() == 0
