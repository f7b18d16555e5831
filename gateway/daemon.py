"""The daemon's life: the order in which its parts start, what runs while it serves, and how they stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from gateway.adapters.charger_server import ChargerServer, ListenFailed
from gateway.adapters.control_socket import ControlFailed, ControlSocket
from gateway.core.effects import Level
from gateway.core.message import Message
from gateway.reload import Reload
from gateway.runtime.notes import Notes
from gateway.runtime.overview import Overview
from gateway.runtime.ports import Notifier, Publisher, Store
from gateway.runtime.progress import Progress
from gateway.runtime.stations import Stations
from gateway.runtime.timekeeping import Timekeeping
from gateway.settings import Loaded

LOG = logging.getLogger("gateway")

LISTEN_AGAIN_S = 2.0
"""Whoever holds the address lets go of it, or is stopped by hand: nobody should wait long after that, and a try is one
call of the system."""


@dataclass(slots=True)
class Daemon:
    """Everything that lives as long as the process."""

    loaded: Loaded
    notes: Notes
    store: Store
    publisher: Publisher
    stations: Stations
    overview: Overview
    server: ChargerServer
    control: ControlSocket
    notifier: Notifier
    progress: Progress
    timekeeping: Timekeeping
    reload: Reload
    base: str
    offline: Message
    say: Callable[[str], None]
    patient: bool
    """A service that can listen nowhere stays and tries again: what is wrong can be asked, and is told on MQTT."""
    _ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, stopping: asyncio.Event) -> int:
        """Start, serve until `stopping` is set, stop in order. Returns the exit status."""
        waiting = asyncio.create_task(stopping.wait())
        starting = asyncio.create_task(self._start())
        await asyncio.wait([waiting, starting], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done() or not starting.result():
            await self._give_up(starting)
            return 0 if waiting.done() else 1
        background = [_named(name, work) for name, work in self._background().items()]
        self._tell_ready()
        await asyncio.wait([waiting, *background], return_when=asyncio.FIRST_COMPLETED)
        crashed = [task for task in background if task.done()]
        for task in crashed:
            LOG.critical("the task %s ended, evgate restarts", task.get_name(), exc_info=task.exception())
        waiting.cancel()
        await self._stop(background)
        return 1 if crashed else 0

    def _background(self) -> dict[str, Coroutine[Any, Any, None]]:
        return {
            "mqtt": self.publisher.run(),
            "overview": self.overview.run(),
            "store": self.stations.safekeeping.run(self.stations),
            "clock": self.timekeeping.run(),
            "watchdog": self.progress.run(),
            "reload": self.reload.run(),
            "listeners": self._listen_again(),
            "last good configuration": self._keep_configuration(),
        }

    async def _start(self) -> bool:
        """Read what is known, then listen; False where that cannot be done, and the log says why."""
        await self.stations.start()
        try:
            await self.server.open()
        except ListenFailed as failure:
            self.notes.say("listen_failed", str(failure), Level.ERROR)
            if not self.patient:
                return False
        else:
            for state in self.server.states():
                if state.problem is not None:
                    self.notes.say("listen_failed", state.problem, Level.ERROR)
        try:
            await self.control.open()
        except ControlFailed as failure:
            self.notes.say("control_failed", str(failure), Level.WARNING)
        return True

    def _tell_ready(self) -> None:
        """Once, as soon as chargers can connect somewhere."""
        if self.server.ports and not self._ready.is_set():
            self._ready.set()
            ready = self._ready_line()
            self.say(f"READY {ready}")
            self.notifier.ready(ready)

    async def _give_up(self, starting: asyncio.Task[bool]) -> None:
        """Not started, or told to stop before that: a store that hangs must not hold up the end."""
        starting.cancel()
        await asyncio.wait([starting])
        await self.stations.stop()
        await asyncio.gather(self.server.close(), self.store.close(), self.control.close())

    async def _listen_again(self) -> None:
        """Open what could not be opened at the start, as soon as that is possible; until cancelled."""
        while True:
            await asyncio.sleep(LISTEN_AGAIN_S)
            for state in await self.server.retry():
                self.notes.say("listening", f"chargers can connect at {state.listener} now")
                self._tell_ready()
                self.overview.changed()

    async def _keep_configuration(self) -> None:
        """Once it is proven. Then this task waits: one that ends counts as crashed."""
        await self._ready.wait()
        await self.reload.keep(self.loaded)
        await asyncio.Event().wait()

    def _ready_line(self) -> str:
        urls = [
            f"{'wss' if state.listener.tls else 'ws'}://{_reachable(state.listener.host)}:{state.port}"
            f"{_scope(state.listener.host)}"
            for state in self.server.states()
            if state.port is not None
        ]
        return f"chargers at {', '.join(urls)}, MQTT below {self.base}"

    async def _stop(self, background: list[asyncio.Task[None]]) -> None:
        """Chargers first, MQTT last, so that their end is still told; all within 5 s."""
        self.notifier.stopping()
        self.notes.say("stopping", "stopping: closing all connections")
        # From here on they wait in the socket's backlog for the next process, if systemd holds it.
        self.server.stop_listening()
        mqtt, *others = background
        for task in others:
            task.cancel()
        await asyncio.gather(self.stations.stop(), self.control.close())
        await asyncio.gather(self.server.close(), self.store.close(), self.publisher.stop(self.offline))
        mqtt.cancel()
        await asyncio.gather(*background, return_exceptions=True)


def _named(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)


def _reachable(host: str) -> str:
    """A host for a URL: an address that stands for all is shown as loopback."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _scope(host: str) -> str:
    return " (every address of this machine)" if host in ("0.0.0.0", "::") else ""  # noqa: S104  # compared, not bound
