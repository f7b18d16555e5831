"""Sockets that systemd passes, taken over by a real child process."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any

import pytest

from gateway.adapters.systemd_sockets import Passed, PassedSocket, passed_sockets
from tests.fakes.doors import within
from tests.support.passing import command

TAKE = """
import json, os
from gateway.adapters.systemd_sockets import passed_sockets

passed = passed_sockets(os.environ)
count = int(os.environ["LISTEN_FDS"])
def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
def shown(one):
    return [one.host, one.port, str(one), one.sock.fileno(), one.sock.get_inheritable()]
print(json.dumps({
    "sockets": [shown(one) for one in passed.sockets],
    "problems": passed.problems,
    "closed": [fd for fd in range(3, 3 + count) if not is_open(fd)],
}))
"""


async def taken(passed: Sequence[socket.socket | int], names: str = "", before: str = "") -> dict[str, Any]:
    """What a child makes of these; `before` is what it does first."""
    line, fds = command(passed, "-c", before + TAKE, names=names)
    child = await asyncio.create_subprocess_exec(*line, pass_fds=fds, stdout=asyncio.subprocess.PIPE)
    output, _ = await within(child.communicate())
    told: dict[str, Any] = json.loads(output)
    return told


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a test opens is closed."""
    with ExitStack() as opened:
        yield opened


async def test_listening_sockets_are_taken_over_with_their_addresses(stack: ExitStack) -> None:
    first = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    second = stack.enter_context(socket.create_server(("127.0.0.2", 0)))
    ports = [first.getsockname()[1], second.getsockname()[1]]
    told = await taken([first, second])
    assert told["sockets"] == [
        ["127.0.0.1", ports[0], f"127.0.0.1:{ports[0]}", 3, False],
        ["127.0.0.2", ports[1], f"127.0.0.2:{ports[1]}", 4, False],
    ]
    assert told["problems"] == told["closed"] == []


async def test_what_cannot_be_served_is_closed_and_said(stack: ExitStack) -> None:
    datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    local = stack.enter_context(socket.socket(socket.AF_UNIX))
    idle = stack.enter_context(socket.socket())
    file = os.open(os.devnull, os.O_RDONLY)
    stack.callback(os.close, file)
    good = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    told = await taken([datagrams, local, idle, file, good], names="dns:local:idle")
    advice = "correct ListenStream= in evgate.socket"
    no_tcp = f"which is no TCP socket and is closed: {advice}, it takes an address and a port"
    assert told["problems"] == [
        f"systemd passed file descriptor 3 (dns), {no_tcp}",
        f"systemd passed file descriptor 4 (local), {no_tcp}",
        "systemd passed file descriptor 5 (idle), which does not listen and is closed: set Accept=no in evgate.socket",
        f"systemd passed file descriptor 6 (without a name), which is no socket and is closed: {advice}",
    ]
    assert [one[3] for one in told["sockets"]] == [7]
    assert told["closed"] == [3, 4, 5, 6]


async def test_a_descriptor_that_is_not_there_is_said(stack: ExitStack) -> None:
    held = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    told = await taken([held], before="import os; os.environ['LISTEN_FDS'] = '2'")
    assert [one[3] for one in told["sockets"]] == [3]
    assert told["problems"] == [
        "systemd passed file descriptor 4 (without a name), which is not open: correct ListenStream= in evgate.socket"
    ]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getppid())},
        {"LISTEN_FDS": "one", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_FDS": "-1", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_PID": str(os.getpid())},
    ],
)
def test_what_was_passed_to_somebody_else_is_not_touched(environ: dict[str, str]) -> None:
    assert passed_sockets(environ) == Passed()


def test_an_ipv6_address_is_written_with_brackets() -> None:
    with closing(socket.socket()) as sock:
        assert str(PassedSocket(sock, "::", 9000)) == "[::]:9000"
