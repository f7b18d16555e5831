"""The commands that ask the running daemon, as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.counts import PATIENCE_S
from tests.support.daemon import ROOT


@dataclass(frozen=True, slots=True)
class Said:
    """Exit status and both outputs of a command."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, of a command that could be carried out."""
        assert self.status == 0, self.err
        return json.loads(self.out)


async def evgate(control: Path, *arguments: str) -> Said:
    """Run a command to its end."""
    return await _said(control, sys.executable, "-m", "gateway", *arguments)


async def typed(control: Path, *lines: str) -> Said:
    """Run lines of a shell in which `evgate` is the command, as an installer does with what was printed."""
    as_installed = f'evgate() {{ "{sys.executable}" -m gateway "$@"; }}'
    return await _said(control, "bash", "-e", "-c", "\n".join([as_installed, *lines]))


async def _said(control: Path, *command: str) -> Said:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=_environ(control), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), err.decode())


@dataclass(slots=True)
class Following:
    """`evgate log -f --json` while it runs: `entries` is what it has printed so far."""

    process: asyncio.subprocess.Process
    entries: list[dict[str, Any]] = field(default_factory=list)
    errors: str = ""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait_for(self, action: str, charger: str) -> dict[str, Any]:
        """The first entry of this action and charger."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            while True:
                for entry in self.entries:
                    if (entry["action"], entry["charger"]) == (action, charger):
                        return entry
                await self._news.wait()

    async def end(self, how: signal.Signals | None = None) -> int:
        """Send a signal, if it does not end by itself, and wait; returns the exit status."""
        if how is not None:
            self.process.send_signal(how)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def _read(self, out: asyncio.StreamReader, err: asyncio.StreamReader) -> None:
        async for line in out:
            async with self._news:
                self.entries.append(json.loads(line))
                self._news.notify_all()
        self.errors = (await err.read()).decode()


@asynccontextmanager
async def following(control: Path, *arguments: str) -> AsyncIterator[Following]:
    """Follow the log; it is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "log", "-f", "--json", *arguments),
        cwd=ROOT,
        env=_environ(control),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    log = Following(process)
    reading = asyncio.create_task(log._read(process.stdout, process.stderr))  # noqa: SLF001  # same file
    try:
        yield log
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


def _environ(control: Path) -> dict[str, str]:
    return {**os.environ, "EVGATE_CONTROL": str(control)}
