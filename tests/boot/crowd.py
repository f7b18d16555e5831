"""Chargers that dial a gateway in a machine and stay; whoever is sent away dials again at once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from types import TracebackType
from typing import Self

from gateway.sim import Disconnected, Refused, SimCharger, Unreachable
from tests import counts
from tests.boot import evgate
from tests.boot.machine import Machine

ALL_HERE = "all are here"

LIMIT_S = 120
"""Nobody waits longer for a crowd that does not come together."""

BREATH_S = 0.1
"""Between two dials that came to nothing."""


class Crowd:
    """`with Crowd(machine, 50) as crowd`: a process of this host in the machine's network."""

    def __init__(self, machine: Machine, size: int) -> None:
        command = ["timeout", str(LIMIT_S), sys.executable, "-m", "tests.boot.crowd", str(size)]
        self._process = subprocess.Popen(
            machine.enter(*command, namespaces=["--net"]),
            cwd=counts.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()  # `timeout` passes it on
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait()

    def wait_for_all(self) -> None:
        """Until every charger is connected, again or for the first time."""
        assert self._next() == ALL_HERE, f"not all were connected within {LIMIT_S} s"

    def ends(self) -> dict[str, int]:
        """How often a connection, or the attempt to make one, ended how; the crowd goes home."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        ends: dict[str, int] = json.loads(self._next())
        return ends

    def _next(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class _Chargers:
    """All of them, and how their connections ended."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.ends: Counter[str] = Counter()
        self.leaving = asyncio.Event()
        self._here: set[str] = set()

    async def live(self, number: int) -> None:
        """One charger: dials, boots and stays, again and again."""
        charger = SimCharger(evgate.CHARGERS, f"CROWD{number:02}")
        while not self.leaving.is_set():
            try:
                await charger.connect()
            except Refused as refused:
                await self._failed(f"HTTP {refused.status}")
            except Unreachable as unreachable:
                await self._failed(f"{type(unreachable.__cause__).__name__}")
            else:
                await self._stay(charger)

    async def _stay(self, charger: SimCharger) -> None:
        try:
            await charger.boot()
        except Disconnected:
            pass  # counted below, as every end is
        else:
            self._here.add(charger.identity)
            if len(self._here) == self.size:
                print(ALL_HERE, flush=True)
        code, _ = await charger.wait_closed(timeout_s=None)
        self._here.discard(charger.identity)
        self.ends[f"closed {code}"] += 1

    async def _failed(self, how: str) -> None:
        self.ends[how] += 1
        try:
            async with asyncio.timeout(BREATH_S):
                await self.leaving.wait()
        except TimeoutError:
            pass


async def _main(size: int) -> None:
    chargers = _Chargers(size)
    tasks = [asyncio.create_task(chargers.live(number)) for number in range(size)]
    # Whoever started the crowd closes its standard input when it has seen enough.
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(chargers.ends), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
