"""All stations of a site with nothing real around them: what they do can be read, what they meet is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.core.door import Unknown
from gateway.core.events import Arrival
from gateway.core.facts import ChargerForgotten, Fact
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import identity_key
from gateway.dialects import DIALECTS
from gateway.quirks import Catalogue
from gateway.runtime.credentials import Credentials
from gateway.runtime.directory import Configured, Directory
from gateway.runtime.gate import HostGate
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Admitted, LinkEvents, Refused
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.stations import Stations
from gateway.runtime.timekeeping import Timekeeping
from gateway.runtime.wiring import Upstream
from tests.fakes.clock import StandingClock
from tests.fakes.dialer import ScriptedDialer
from tests.fakes.link import MemoryLink
from tests.fakes.memory_store import MemoryStore
from tests.fakes.time_sync import StandingTimeSync
from tests.turns import one_turn

QUIRKS = Catalogue(())
"""Every charger keeps to the specification."""

POLICY = StationPolicy(UpstreamPolicy("operator"))


@dataclass
class House:
    """`stations` and everything it was handed."""

    unknown: Unknown = Unknown.ACCEPT
    directory: Directory | None = None
    clock: StandingClock = field(default_factory=StandingClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    dialer: ScriptedDialer = field(default_factory=ScriptedDialer)
    notes: Notes = field(init=False)
    told: list[Fact] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    stations: Stations = field(init=False)
    timekeeping: Timekeeping = field(init=False)

    def __post_init__(self) -> None:
        self.notes = Notes(self.clock)
        safekeeping = Safekeeping(self.store, self.notes)
        self.timekeeping = Timekeeping(True, self.clock, StandingTimeSync(), safekeeping, self.notes)
        self.stations = Stations(
            clock=self.clock,
            safekeeping=safekeeping,
            publish=self.told.append,
            notes=self.notes,
            directory=self.directory or Directory(self.unknown, POLICY),
            upstreams={"operator": Upstream(self.dialer, HostGate())},
            credentials=Credentials(),
            dialects=DIALECTS,
            quirks=QUIRKS,
            seed=b"seed",
        )

    async def connect(self, identity: str = "CP01") -> Connected:
        """Bring a charger in through both upgrades."""
        up = self.dialer.accepts()
        verdict = await self.stations.arrive(arrival(identity))
        assert isinstance(verdict, Admitted)
        down = MemoryLink()
        down_events = await verdict.attach(down)
        await until(lambda: up.events is not None)
        assert up.events is not None
        return Connected(down, up, down_events, up.events)

    async def reload(self, directory: Directory, *moved: str) -> None:
        """The configuration was read anew, and says this."""
        await self.stations.reconfigure(directory, self.stations.upstreams, moved, QUIRKS)

    def known(self) -> dict[str, str]:
        """The slugs of those who are known, by identity."""
        return {station.identity: station.slug for station in self.stations.known()}

    def cleared(self) -> list[ChargerForgotten]:
        """What was cleared on MQTT so far."""
        return [fact for fact in self.told if isinstance(fact, ChargerForgotten)]

    async def refuse(self, identity: str = "CP01") -> Refused:
        """Knock and be kept out."""
        verdict = await self.stations.arrive(arrival(identity))
        assert isinstance(verdict, Refused)
        return verdict


@dataclass
class Connected:
    """A charger that is in: both links, and how they report."""

    down: MemoryLink
    up: MemoryLink
    from_charger: LinkEvents
    from_upstream: LinkEvents


class StubbornLink(MemoryLink):
    """A link whose peer takes its time to close."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.may_close = asyncio.Event()

    async def close(self, code: int, reason: str) -> None:
        self.asked.set()
        await self.may_close.wait()
        await super().close(code, reason)


def naming(
    *identities: str,
    unknown: Unknown = Unknown.QUARANTINE,
    policy: StationPolicy = POLICY,
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> Directory:
    """A configuration that names these chargers, and those that it gives aliases to."""
    named = {
        identity_key(identity): Configured(identity, policy, aliases.get(identity), "conf.d/site.toml")
        for identity in [*identities, *aliases]
    }
    return Directory(unknown, POLICY, named)


def arrival(identity: str = "CP01", authorization: str | None = None) -> Arrival:
    """A charger with OCPP 1.6 knocks."""
    return Arrival(identity, "10.0.0.31:40000", ("ocpp1.6",), authorization, "127.0.0.1:9000")


async def until(holds: Callable[[], bool]) -> None:
    """Let the tasks run until something holds; they have nothing to wait for but one another."""
    async with asyncio.timeout(5):
        while not holds():
            await one_turn()
