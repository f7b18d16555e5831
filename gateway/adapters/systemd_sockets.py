"""Listening sockets that systemd opened for the daemon, and keeps open while it restarts (sd_listen_fds(3)).

Read without systemd's library: the protocol is three variables, the library reads the process's own environment only,
and it is not there on a laptop, where a test passes sockets all the same.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FIRST_FD: Final = 3
"""SD_LISTEN_FDS_START: after the three standard streams."""

_ADVICE: Final = "correct ListenStream= in evgate.socket"


@dataclass(frozen=True, slots=True)
class PassedSocket:
    """A listening TCP socket, and the address that it listens on (without brackets)."""

    sock: socket.socket
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Passed:
    """Everything that was passed: what can be served, and why the rest was closed, each ending with what to do."""

    sockets: tuple[PassedSocket, ...] = ()
    problems: tuple[str, ...] = ()


class _Unusable(Exception):
    """Why a file descriptor cannot be served."""


def passed_sockets(environ: Mapping[str, str]) -> Passed:
    """Take over what was passed to this very process; call it once. Children do not inherit any of it."""
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
        return Passed()
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    sockets, problems = [], []
    for position in range(int(count)):
        fd = FIRST_FD + position
        name = names[position] if position < len(names) else ""
        try:
            sockets.append(_listening(fd))
        except _Unusable as why:
            problems.append(f"systemd passed file descriptor {fd} ({name or 'without a name'}), {why}")
    return Passed(tuple(sockets), tuple(problems))


def _listening(fd: int) -> PassedSocket:
    try:
        os.set_inheritable(fd, False)
    except OSError:
        raise _Unusable(f"which is not open: {_ADVICE}") from None
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        os.close(fd)
        raise _Unusable(f"which is no socket and is closed: {_ADVICE}") from None
    flaw = _flaw(sock)
    if flaw is not None:
        sock.close()
        raise _Unusable(flaw)
    host, port, *_ = sock.getsockname()
    return PassedSocket(sock, host, port)


def _flaw(sock: socket.socket) -> str | None:
    """Why chargers cannot be served there."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
        return f"which is no TCP socket and is closed: {_ADVICE}, it takes an address and a port"
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return "which does not listen and is closed: set Accept=no in evgate.socket"
    return None
