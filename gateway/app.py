"""Composition root: settings in, wired objects out, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import ssl
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gateway import __version__, configured
from gateway.adapters.charger_server import ChargerServer, ListenFailed
from gateway.adapters.clock import SystemClock
from gateway.adapters.journal_log import Journal, writes_to_journal
from gateway.adapters.mqtt_publisher import Broker, MqttPublisher
from gateway.adapters.plain_log import plain_handler
from gateway.adapters.sqlite_store import SqliteStore
from gateway.adapters.systemd_notifier import SystemdNotifier
from gateway.adapters.tls import TlsFilesUnusable, client_tls
from gateway.core.effects import Level
from gateway.core.facts import GatewayStatus
from gateway.core.message import Message
from gateway.dialects import DIALECTS
from gateway.runtime.credentials import Credentials
from gateway.runtime.notes import Notes
from gateway.runtime.overview import About, Overview
from gateway.runtime.ports import Clock, Notifier, Store
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.stations import Stations
from gateway.runtime.telling import Telling
from gateway.settings import Mqtt, Settings, not_in_this_version, plan, resolve, warnings
from gateway.topics import Numbers, render

LOG = logging.getLogger("gateway")

MACHINE_ID = Path("/etc/machine-id")
OS_RELEASE = Path("/etc/os-release")


@dataclass(slots=True)
class Daemon:
    """Everything that lives as long as the process."""

    settings: Settings
    clock: Clock
    notes: Notes
    store: Store
    publisher: MqttPublisher
    stations: Stations
    overview: Overview
    server: ChargerServer
    notifier: Notifier
    say: Callable[[str], None]

    async def serve(self, stopping: asyncio.Event) -> int:
        """Start, serve until `stopping` is set, stop in order. Returns the exit status."""
        waiting = asyncio.create_task(stopping.wait())
        starting = asyncio.create_task(self._start())
        await asyncio.wait([waiting, starting], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done() or not starting.result():
            await self._give_up(starting)
            return 0 if waiting.done() else 1
        background = [
            asyncio.create_task(self.publisher.run(), name="mqtt"),
            asyncio.create_task(self.overview.run(), name="overview"),
            asyncio.create_task(self.stations.safekeeping.run(self.stations.learn), name="store"),
        ]
        ready = self._ready_line()
        self.say(f"READY {ready}")
        self.notifier.ready(ready)
        await asyncio.wait([waiting, *background], return_when=asyncio.FIRST_COMPLETED)
        crashed = [task for task in background if task.done()]
        for task in crashed:
            LOG.critical("the task %s ended, evgate restarts", task.get_name(), exc_info=task.exception())
        waiting.cancel()
        await self._stop(background)
        return 1 if crashed else 0

    async def _start(self) -> bool:
        """Read what is known, then listen; False where that cannot be done, and the log says why."""
        await self.stations.start()
        try:
            await self.server.open()
        except ListenFailed as failure:
            self.notes.say("listen_failed", str(failure), Level.ERROR)
            return False
        return True

    async def _give_up(self, starting: asyncio.Task[bool]) -> None:
        """Not started, or told to stop before that: a store that hangs must not hold up the end."""
        starting.cancel()
        await asyncio.wait([starting])
        await self.stations.stop()
        await asyncio.gather(self.server.close(), self.store.close())

    def _ready_line(self) -> str:
        ports = self.server.ports
        urls = [
            f"{'wss' if tls else 'ws'}://{_reachable(host)}:{port}{_scope(host)}"
            for (host, tls), port in zip(configured.listening(self.settings), ports, strict=True)
        ]
        return f"chargers at {', '.join(urls)}, MQTT below {configured.base(self.settings)}"

    async def _stop(self, background: list[asyncio.Task[None]]) -> None:
        """Chargers first, MQTT last, so that their end is still told; all within 5 s."""
        self.notifier.stopping()
        self.notes.say("stopping", "stopping: closing all connections")
        await self.stations.stop()
        mqtt, *others = background
        for task in others:
            task.cancel()
        offline = _availability(self.settings, online=False)
        await asyncio.gather(self.server.close(), self.store.close(), self.publisher.stop(offline))
        mqtt.cancel()
        await asyncio.gather(*background, return_exceptions=True)


class Lookups(ThreadPoolExecutor):
    """Threads for what cannot be interrupted, such as a name lookup that hangs: the end does not wait for them."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Take no more work and let go."""
        super().shutdown(wait=False, cancel_futures=True)


async def run(settings: Settings, environ: Mapping[str, str], say: Callable[[str], None]) -> int:
    """The daemon; `say` prints its READY line. Raises ConfigurationError where a secret or file cannot be read."""
    stopping = _stop_signal()
    asyncio.get_running_loop().set_default_executor(Lookups())
    settings = resolve(settings, environ)
    _log_to(environ, settings.log.level)
    try:
        daemon = _compose(settings, environ, say)
    except TlsFilesUnusable as error:
        LOG.error("%s", error)
        return 1
    for text in plan(settings):
        daemon.notes.say("plan", text)
    for text in [*warnings(settings), *not_in_this_version(settings)]:
        daemon.notes.say("configuration", text, Level.WARNING)
    return await daemon.serve(stopping)


def _compose(settings: Settings, environ: Mapping[str, str], say: Callable[[str], None]) -> Daemon:
    clock = SystemClock()
    notes = Notes(clock)
    store = SqliteStore(settings.store.path)
    overview: Overview

    def broker_changed() -> None:
        overview.broker_changed()

    publisher = MqttPublisher(_broker(settings), clock, broker_changed, quiet=not settings.mqtt_given)
    telling = Telling(publisher, settings.site.id)
    stations = Stations(
        clock=clock,
        safekeeping=Safekeeping(store, notes),
        publish=telling,
        notes=notes,
        directory=configured.directory(settings),
        upstreams=configured.upstreams(settings),
        credentials=Credentials(),
        dialects=DIALECTS,
        seed=secrets.token_bytes(16),
    )
    notifier = SystemdNotifier(environ)
    overview = Overview(_about(settings, clock), clock, stations, publisher.state, telling, notifier.status)
    telling.listeners.append(overview.notice)
    server = ChargerServer(stations, configured.listeners(settings), max_frame=settings.chargers.max_frame)
    return Daemon(settings, clock, notes, store, publisher, stations, overview, server, notifier, say)


def _about(settings: Settings, clock: Clock) -> About:
    return About(
        site=settings.site.id,
        site_name=settings.site.name,
        version=__version__,
        started=clock.now(),
        boot_id=uuid.uuid4().hex[:8],  # noqa: TID251  # names this run of the daemon, decides nothing
        os=_os_name(),
        ocpp_versions=tuple(dialect.version for dialect in DIALECTS.values()),
    )


def _broker(settings: Settings) -> Broker:
    mqtt = settings.mqtt
    return Broker(
        host=mqtt.host,
        port=mqtt.port,
        client_id=f"evgate-{settings.site.id}-{_machine_digest()}",
        base=configured.base(settings),
        birth=_availability(settings, online=True),
        will=_availability(settings, online=False),
        tls=_mqtt_tls(mqtt),
        username=mqtt.username,
        password=mqtt.password.reveal() if mqtt.password else None,
    )


def _mqtt_tls(mqtt: Mqtt) -> ssl.SSLContext | None:
    if not mqtt.tls:
        return None
    return client_tls(mqtt.ca, mqtt.certificate, mqtt.key.path if mqtt.key else None)


def _availability(settings: Settings, *, online: bool) -> Message:
    [message] = render(GatewayStatus(online), settings.site.id, Numbers())
    return message


def _machine_digest() -> str:
    """Keeps two machines with one site id apart; the machine id itself is not for strangers (machine-id(5))."""
    try:
        machine = MACHINE_ID.read_bytes()
    except OSError:
        machine = b""
    return sha256(b"evgate" + machine).hexdigest()[:8]


def _os_name() -> str | None:
    try:
        lines = OS_RELEASE.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")), None)


def _reachable(host: str) -> str:
    """A host for a URL: an address that stands for all is shown as loopback."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _scope(host: str) -> str:
    return " (every address of this machine)" if host in ("0.0.0.0", "::") else ""  # noqa: S104  # compared, not bound


def _log_to(environ: Mapping[str, str], level: str) -> None:
    handler = Journal() if writes_to_journal(environ) else plain_handler()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOG.setLevel(level.upper())


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT. SIGHUP must not end the daemon: it is how operators ask for a reload."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(
        signal.SIGHUP, LOG.warning, "nothing can be reloaded in this version; restart evgate to apply changes"
    )
    return stopping
