"""The gateway inside the test's own process, real sockets and store and no broker: where counters must be seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import configured
from gateway.adapters.charger_server import ChargerServer
from gateway.adapters.clock import SystemClock
from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.facts import Fact
from gateway.dialects import DIALECTS
from gateway.runtime.credentials import Credentials
from gateway.runtime.notes import Notes
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.stations import Stations
from gateway.settings import catalogue, load
from gateway.sim import SimCharger, SimCsms, SimStation
from tests.support.site import config


@dataclass(slots=True)
class Inside:
    """What a test talks to; `facts` is everything told to MQTT."""

    csms: SimCsms
    notes: Notes
    facts: list[Fact]
    port: int

    def charger(self, identity: str, **options: Any) -> SimCharger:
        """A charger that will dial the gateway."""
        return SimCharger(f"ws://127.0.0.1:{self.port}/ocpp", identity, **options)

    def upstream(self, identity: str) -> SimStation:
        """The same charger as the CSMS sees it."""
        return self.csms.station(identity)


@asynccontextmanager
async def inside(folder: Path, csms: SimCsms | None = None) -> AsyncIterator[Inside]:
    """Composed as `gateway.app` does it, from a configuration file; afterwards everything is closed."""
    async with csms or SimCsms() as upstream:
        file = folder / "gateway.toml"
        file.write_text(config(upstream.url, f'[store]\npath = "{folder}/evgate.db"\n'))
        settings = load(file, {})
        facts: list[Fact] = []
        clock = SystemClock()
        notes = Notes(clock)
        store = SqliteStore(settings.store.path)
        stations = Stations(
            clock=clock,
            safekeeping=Safekeeping(store, notes),
            publish=facts.append,
            notes=notes,
            directory=configured.directory(settings),
            upstreams=configured.upstreams(settings),
            credentials=Credentials(),
            dialects=DIALECTS,
            quirks=catalogue(settings),
            seed=b"tests",
        )
        server = ChargerServer(stations, configured.listeners(settings), max_frame=settings.chargers.max_frame)
        await stations.start()
        await server.open()
        try:
            yield Inside(upstream, stations.notes, facts, server.ports[0])
        finally:
            await stations.stop()
            await server.close()
            await store.close()
