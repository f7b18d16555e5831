"""SIGHUP: the configuration read anew. It is checked first; what is wrong with it changes nothing but the status."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway import configured
from gateway.adapters.tls import TlsFilesUnusable, renew
from gateway.core.effects import Level
from gateway.core.ports import Quirks
from gateway.runtime.gate import HostGate
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Clock
from gateway.runtime.report import Surroundings
from gateway.runtime.stations import Stations
from gateway.runtime.timekeeping import Timekeeping
from gateway.settings import (
    ConfigurationError,
    Loaded,
    Resolution,
    Settings,
    Upstream,
    load_present,
    load_quirks,
    needs_restart,
    not_in_this_version,
    public,
    remember,
    resolve_what_can_be,
    state_folder,
    taken_over,
    warnings,
)

_KEEP_USING = "evgate goes on with the configuration that it has: correct this, then systemctl reload evgate"


@dataclass(slots=True)
class Reload:
    """Takes over what a running daemon can take over, and says what it cannot. `running` is what it runs with."""

    path: Path | None
    environ: Mapping[str, str]
    running: Resolution
    clock: Clock
    notes: Notes
    stations: Stations
    timekeeping: Timekeeping
    surroundings: Surroundings
    gates: dict[str, HostGate]
    changed: Callable[[], None]
    listener_tls: ssl.SSLContext | None = None
    """Of the listeners that speak TLS: a renewed certificate serves from the next handshake on."""
    _keeping: asyncio.Lock = field(default_factory=asyncio.Lock)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """Read the configuration anew as soon as nothing else is being read."""
        self._asked.set()

    async def run(self) -> None:
        """Reload whenever it is asked for, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.reload()

    async def reload(self) -> bool:
        """Once; False where the present files cannot be used."""
        try:
            loaded = await asyncio.to_thread(load_present, self.path, self.environ)
            found = await asyncio.to_thread(resolve_what_can_be, loaded.settings, self.environ)
        except ConfigurationError as error:
            return self._reject([str(problem) for problem in error.problems])
        known = {(lost.kind, lost.label) for lost in self.running.lost}
        lost = [lost.problem for lost in found.lost if (lost.kind, lost.label) not in known]
        if lost:
            return self._reject(lost)
        waits = needs_restart(self.running.settings, found.settings)
        settings = taken_over(self.running.settings, found.settings)
        try:
            await self._take_over(settings, found)
        except TlsFilesUnusable as error:
            return self._reject([str(error)])
        self.surroundings.rejected = ()
        self.surroundings.last_good_since = None
        self.surroundings.files = settings.origins.files
        self.surroundings.waits_for_restart = tuple(waits)
        self.surroundings.lost = tuple(dict.fromkeys(lost.sentence for lost in found.lost))
        self.notes.say("configuration_reloaded", "the configuration was read anew, and is in use")
        for text in waits:
            self.notes.say("restart_needed", text, Level.WARNING)
        for text in [*warnings(settings), *not_in_this_version(settings)]:
            self.notes.say("configuration", text, Level.WARNING)
        if not waits:
            await self.keep(loaded)
        self.changed()
        return True

    async def keep(self, loaded: Loaded) -> None:
        """The daemon serves with this configuration: remember it for the day when an edit goes wrong."""
        folder = state_folder(self.environ)
        if folder is None or loaded.since is not None or self.running.lost:
            return
        async with self._keeping:
            failure = await asyncio.to_thread(remember, folder, loaded.snapshot, self.clock.now().wall)
        if failure is not None:
            self.notes.say("last_good_not_kept", failure, Level.WARNING)

    async def _take_over(self, settings: Settings, found: Resolution) -> None:
        """Raises TlsFilesUnusable before anything has changed."""
        resolution = Resolution(settings, found.problems, found.doubts, found.lost)
        # Certificates are read, which takes a while: chargers are served meanwhile.
        upstreams = await asyncio.to_thread(configured.upstreams, settings, resolution.lacks, self.gates)
        quirks: Quirks
        quirks, problems = await asyncio.to_thread(load_quirks, settings)
        self.surroundings.quirks = tuple(map(str, problems))
        if problems:
            # Readings would be wrong without a quirk that an edit has spoilt.
            quirks = self.stations.quirks
            tell_quirks(self.notes, self.surroundings.quirks, "the quirks of before are used")
        directory = configured.directory(settings, resolution.lacks)
        if self.listener_tls is not None and settings.chargers.tls is not None:
            tls = settings.chargers.tls
            await asyncio.to_thread(renew, self.listener_tls, tls.certificate, tls.key.path)
        moved = _moved(self.running.settings, settings)
        self.running = resolution
        tell_upstreams(self.surroundings, resolution)
        self.timekeeping.heed_only([upstream.name for upstream in settings.upstream])
        set_level(settings)
        await self.stations.reconfigure(directory, upstreams, moved, quirks)

    def _reject(self, sentences: list[str]) -> bool:
        self.surroundings.rejected = tuple(sentences)
        for text in sentences:
            tell_rejected(self.notes, text)
        self.changed()
        return False


def tell_rejected(notes: Notes, problem: str) -> None:
    """Say what keeps the present files from being used."""
    end = "" if problem.endswith("?") else "."
    notes.say("configuration_rejected", f"{problem}{end} {_KEEP_USING}", Level.ERROR)


def tell_quirks(notes: Notes, problems: Iterable[str], instead: str) -> None:
    """Say what is wrong with the site's own quirks, and what is used instead."""
    for text in problems:
        notes.say("quirks_unusable", f"{text}; until then {instead}", Level.ERROR)


def tell_upstreams(surroundings: Surroundings, resolution: Resolution) -> None:
    """Show the upstreams of this configuration."""
    surroundings.upstream_urls = {upstream.name: public(upstream.url) for upstream in resolution.settings.upstream}
    surroundings.lost_upstreams = {lost.label: lost.sentence for lost in resolution.lost if lost.kind == "upstream"}


def set_level(settings: Settings) -> None:
    """The least important kind of line that is logged."""
    logging.getLogger("gateway").setLevel(settings.log.level.upper())


def _moved(before: Settings, after: Settings) -> Collection[str]:
    """The upstreams that are dialled in another way than before; credentials are each charger's own matter."""
    old = {upstream.name: _way_to(upstream) for upstream in before.upstream}
    return {upstream.name for upstream in after.upstream if old.get(upstream.name) != _way_to(upstream)}


def _way_to(upstream: Upstream) -> tuple[object, ...]:
    return upstream.url, upstream.local_address, upstream.ca, upstream.certificate, upstream.key
