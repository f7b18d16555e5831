"""The real daemon as a child process, for scenario tests."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gateway.commands.ask import ask_once

READY_WITHIN_S = 30.0
"""Importing everything takes a second here, several on a loaded CI machine."""

ROOT = Path(__file__).parents[2]


def contains(text: str, line: str) -> bool:
    """Does a line hold a text?"""
    return text in line


@dataclass(slots=True)
class Daemon:
    """A running `evgate run`; `lines` is everything it has logged so far."""

    process: asyncio.subprocess.Process
    config: Path
    level: str = "info"
    lines: list[str] = field(default_factory=list)
    ready: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        """Of the daemon itself."""
        return self.process.pid

    @property
    def control(self) -> Path:
        """Where commands ask it."""
        return control_beside(self.config)

    async def ask(self, what: str, **more: Any) -> Mapping[str, Any]:
        """The one answer to a question at the control socket; a refusal raises AskFailed."""
        return await asyncio.to_thread(ask_once, self.control, {"ask": what, **more})

    def reload(self, config: str) -> None:
        """Write another configuration, to which the same is added as before, and send SIGHUP."""
        write_config(self.config, config, self.level)
        self.process.send_signal(signal.SIGHUP)

    def chargers_url(self) -> str:
        """Where chargers dial, as the READY line tells it."""
        return next(word for word in self.ready.split() if word.startswith("ws://")).rstrip(",") + "/ocpp"

    async def logged(self, fits: Callable[[str], bool] | str, timeout_s: float = 10.0, *, times: int = 1) -> str:
        """The first line (or the one that fits as number `times`) that contains a text, or satisfies a predicate."""
        matches = partial(contains, fits) if isinstance(fits, str) else fits
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    found = [line for line in self.lines if matches(line)]
                    if len(found) >= times:
                        return found[times - 1]
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            log = "\n".join([line for line in self.lines if " BESIDE: " not in line][-30:])
            raise AssertionError(f"not logged {times} times within {timeout_s:g} s: {fits}\n{log}") from None

    async def end(self, how: signal.Signals = signal.SIGTERM, timeout_s: float = 10.0) -> int:
        """Send a signal and wait; returns the exit status (negative: the signal that killed it)."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(timeout_s):
            return await self.process.wait()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            text = line.decode("utf-8", "replace").rstrip("\n")
            self.lines.append(text)
            if text.startswith("READY"):
                self.ready = text
            self._news.set()


def control_beside(config: Path) -> Path:
    """The control socket of the daemon that has this configuration."""
    return config.with_name("control.sock")


def write_config(file: Path, config: str, level: str) -> None:
    """A configuration (TOML) to which `[site]` id, `[store]` path and `[log]` are added."""
    own = f'[site]\nid = "test"\n[store]\npath = "{file.parent}/state/evgate.db"\n[log]\nlevel = "{level}"\n'
    file.write_text(own + config)


@asynccontextmanager
async def daemon(
    folder: Path,
    config: str,
    *,
    level: str = "debug",
    until: str = "READY",
    environ: Mapping[str, str] | None = None,
    module: str = "gateway",
) -> AsyncIterator[Daemon]:
    """Run the daemon (as `python -m <module>`) on what `write_config` makes of this, with more in its environment.

    It is handed out when a line holds `until`.
    """
    file = folder / "gateway.toml"
    write_config(file, config, level)
    (folder / "state").mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        "run",
        "--config",
        str(file),
        cwd=ROOT,
        env={**os.environ, "EVGATE_CONTROL": str(control_beside(file)), "PYTHONUNBUFFERED": "1", **(environ or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=16 * 1024 * 1024,
    )
    running = Daemon(process, file, level)
    assert process.stdout is not None
    reading = asyncio.create_task(running._read(process.stdout))  # noqa: SLF001  # same file
    try:
        await running.logged(until, READY_WITHIN_S)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
