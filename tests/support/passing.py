"""Passing sockets to a child as systemd does: from file descriptor 3 on, named by the environment."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.daemon import READY_WITHIN_S, ROOT, Daemon

_LAUNCH = """
import fcntl, os, sys
names, count, *rest = sys.argv[1:]
fds, command = rest[:int(count)], rest[int(count):]
# Out of the way first: one of them may be where another belongs.
moved = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in fds]
for position, fd in enumerate(moved):
    os.dup2(fd, 3 + position)
os.closerange(3 + len(moved), 256)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=count, LISTEN_FDNAMES=names)
os.execv(sys.executable, [sys.executable, *command])
"""
"""What systemd does between fork and exec; LISTEN_PID is known to the child only."""


def command(passed: Sequence[socket.socket | int], *arguments: str, names: str = "") -> tuple[list[str], list[int]]:
    """The command line that runs python with these passed, and the descriptors that it must inherit."""
    fds = [one if isinstance(one, int) else one.fileno() for one in passed]
    return [sys.executable, "-c", _LAUNCH, names, str(len(fds)), *map(str, fds), *arguments], fds


@asynccontextmanager
async def activated(folder: Path, config: str, *passed: socket.socket) -> AsyncIterator[Daemon]:
    """Run the daemon with these sockets, on a configuration (TOML) to which `[site]` and `[store]` are added."""
    file = folder / "gateway.toml"
    file.write_text(f'[site]\nid = "test"\n[store]\npath = "{folder}/state/evgate.db"\n{config}')
    (folder / "state").mkdir(exist_ok=True)
    line, fds = command(passed, "-m", "gateway", "run", "--config", str(file))
    process = await asyncio.create_subprocess_exec(
        *line,
        cwd=ROOT,
        env={**os.environ, "EVGATE_CONTROL": str(folder / "control.sock"), "PYTHONUNBUFFERED": "1"},
        pass_fds=fds,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = Daemon(process, file)
    assert process.stdout is not None
    reading = asyncio.create_task(running._read(process.stdout))  # noqa: SLF001  # what `daemon` does
    try:
        await running.logged("READY", READY_WITHIN_S)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
