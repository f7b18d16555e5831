"""Node processes as peers: whether there can be any here, and how a test talks to one."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.counts import PATIENCE_S

FOLDER = Path(__file__).parent
PINS: dict[str, str] = json.loads((FOLDER / "package.json").read_text())["dependencies"]
SIMULATOR = FOLDER / "node_modules" / "em-ocpp-chargepoint-simulator" / "build" / "src" / "main.js"

Told = dict[str, Any]


def missing() -> str | None:
    """Why the peers from npm cannot run here, and what to do; None when they can."""
    if shutil.which("node") is None:
        return "node is not installed: install node 18 or newer with npm, then run `make peers`"
    absent = [name for name in PINS if not (FOLDER / "node_modules" / name / "package.json").exists()]
    if absent:
        return f"{' and '.join(absent)} not installed: run `make peers`"
    return None


def installed(package: str) -> str:
    """The version that npm put there."""
    found: Told = json.loads((FOLDER / "node_modules" / package / "package.json").read_text())
    return str(found["version"])


class NodePeer:
    """`async with NodePeer("csms.mjs") as peer`: what it tells (JSON objects, one a line) and what it is told to do."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.told: list[Told] = []
        self.other_lines: list[str] = []
        self._arguments = arguments
        self._environment = environment
        self._news = asyncio.Condition()
        self._numbers = itertools.count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            "node",
            *self._arguments,
            cwd=FOLDER,
            env={**os.environ, **self._environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert self._reading is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    def all(self, event: str, **fields: Any) -> list[Told]:
        """Everything told so far of one event, where these fields fit."""
        wanted = {"event": event, **fields}
        return [told for told in self.told if wanted.items() <= told.items()]

    async def tells(self, event: str, *, times: int = 1, **fields: Any) -> Told:
        """Wait until an event was told so many times; returns the one of that number."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(lambda: len(self.all(event, **fields)) >= times)
        except TimeoutError:
            raise AssertionError(f"no {event} {fields}; told {self.told}, and wrote {self.other_lines}") from None
        return self.all(event, **fields)[times - 1]

    async def call(
        self, identity: str, action: str, params: dict[str, Any], timeout_ms: int | None = None
    ) -> dict[str, Any]:
        """Have a CSMS call a charger; returns `{"result": ...}` or `{"error": ...}`."""
        assert self._process is not None
        assert self._process.stdin is not None
        number = next(self._numbers)
        order = {"number": number, "identity": identity, "action": action, "params": params, "timeout_ms": timeout_ms}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        answer = await self.tells("answer", number=number)
        return {key: answer[key] for key in ("result", "error") if key in answer}

    async def ended(self) -> int:
        """Close its stdin, wait for its end; returns the exit status."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(PATIENCE_S):
            return await self._process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            text = line.decode().rstrip("\n")
            async with self._news:
                if text.startswith('{"event":'):
                    self.told.append(json.loads(text))
                else:
                    self.other_lines.append(text)
                self._news.notify_all()
