"""A site for scenario tests: simulated CSMS, the real daemon as a child, simulated chargers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.sim import Refused, SimCharger, SimCsms, SimStation
from tests.counts import PATIENCE_S
from tests.support.daemon import Daemon, daemon

Result = TypeVar("Result")

NOWHERE = 'url = "mqtt://127.0.0.1:1"'
"""No broker: where a test is not about MQTT, the gateway has to do without."""

PROMPT_S = 3.0
"""For a call of a station beside a troublesome one: far below the 10 s that a stuck write may take."""

BREATH_S = 0.05
"""Between two calls of that station: the test is about the others."""


@dataclass(slots=True)
class Site:
    """What a test talks to."""

    csms: SimCsms
    daemon: Daemon

    def charger(self, identity: str, **options: Any) -> SimCharger:
        """A charger that will dial the gateway."""
        return SimCharger(self.daemon.chargers_url(), identity, **options)

    def upstream(self, identity: str) -> SimStation:
        """The same charger as the CSMS sees it."""
        return self.csms.station(identity)

    async def status_of(self, identity: str, **options: Any) -> int:
        """The HTTP status that the upgrade of this charger gets; whoever gets 101 hangs up again."""
        try:
            async with self.charger(identity, **options):
                return 101
        except Refused as refused:
            return refused.status

    @property
    def port(self) -> int:
        """Where the gateway listens."""
        return int(self.daemon.chargers_url().split(":")[2].split("/")[0])

    async def call_both_ways(self, charger: SimCharger) -> None:
        """A call in each direction is answered: this charger is served."""
        await within(charger.heartbeat())
        assert await within(self.upstream(charger.identity).call("GetLocalListVersion")) == {"listVersion": 0}


def config(
    upstream_url: str | None,
    extra: str = "",
    *,
    unknown: str = "accept",
    idle_limit: str = "3m",
    mqtt: str = NOWHERE,
) -> str:
    """A configuration on a free port of 127.0.0.1; `extra` are further sections."""
    upstream = "" if upstream_url is None else f'[[upstream]]\nname = "operator"\nurl = "{upstream_url}"\n'
    chargers = f'[chargers]\nlisten = "127.0.0.1:0"\nunknown = "{unknown}"\nidle_limit = "{idle_limit}"\n'
    return f"{chargers}{upstream}[mqtt]\n{mqtt}\n{extra}"


@asynccontextmanager
async def site(
    folder: Path,
    extra: str = "",
    *,
    unknown: str = "accept",
    idle_limit: str = "3m",
    mqtt: str = NOWHERE,
    level: str = "debug",
    csms: SimCsms | None = None,
    environ: Mapping[str, str] | None = None,
    module: str = "gateway",
) -> AsyncIterator[Site]:
    """The daemon with one upstream; afterwards both are gone."""
    async with csms or SimCsms() as upstream:
        text = config(upstream.url, extra, unknown=unknown, idle_limit=idle_limit, mqtt=mqtt)
        async with daemon(folder, text, level=level, environ=environ, module=module) as running:
            yield Site(upstream, running)


async def within(work: Awaitable[Result], timeout_s: float = PATIENCE_S) -> Result:
    """The result, or TimeoutError."""
    async with asyncio.timeout(timeout_s):
        return await work


@asynccontextmanager
async def served_beside(here: Site) -> AsyncIterator[None]:
    """A well-behaved station that calls and is called all the time, and is answered promptly each time."""
    stop = asyncio.Event()

    async def talk(charger: SimCharger) -> int:
        rounds = 0
        while not stop.is_set():
            async with asyncio.timeout(PROMPT_S):
                await charger.heartbeat()
                await here.upstream(charger.identity).call("GetLocalListVersion")
            rounds += 1
            try:
                async with asyncio.timeout(BREATH_S):
                    await stop.wait()
            except TimeoutError:
                continue
        return rounds

    async with here.charger("BESIDE") as charger:
        talking = asyncio.create_task(talk(charger))
        try:
            yield
        finally:
            stop.set()
            rounds = await talking
        assert rounds > 0
        assert charger.connect_count == here.upstream("BESIDE").connect_count == 1


def memory_kib(pid: int, field: str = "VmRSS") -> int:
    """A memory figure of a process as /proc/<pid>/status has it; VmHWM is the most it ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, user and system."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / 100
