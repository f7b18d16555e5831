"""Composition root: settings in, wired objects out."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway import __version__, configured
from gateway.adapters.charger_server import ChargerServer, ListenerState
from gateway.adapters.clock import SystemClock
from gateway.adapters.control_socket import ControlSocket
from gateway.adapters.journal_log import Journal, writes_to_journal
from gateway.adapters.machine import os_name
from gateway.adapters.mqtt_publisher import AbsentPublisher, MqttPublisher
from gateway.adapters.plain_log import plain_handler
from gateway.adapters.sqlite_store import SqliteStore
from gateway.adapters.systemd_notifier import SystemdNotifier
from gateway.adapters.systemd_sockets import PassedSocket, passed_sockets
from gateway.adapters.time_sync import SystemTimeSync
from gateway.adapters.tls import TlsFilesUnusable
from gateway.core.clock_trust import Trust
from gateway.core.effects import Level
from gateway.core.listening import match
from gateway.core.tags import TagDisplay, Tags
from gateway.daemon import Daemon
from gateway.dialects import DIALECTS
from gateway.reload import Reload, set_level, tell_quirks, tell_rejected, tell_upstreams
from gateway.runtime.credentials import Credentials
from gateway.runtime.desk import OperatorDesk
from gateway.runtime.enrolment import Enrolment
from gateway.runtime.gate import HostGate
from gateway.runtime.message_log import MessageLog
from gateway.runtime.notes import Notes
from gateway.runtime.overview import About, Overview
from gateway.runtime.ports import Clock, Publisher
from gateway.runtime.progress import Progress
from gateway.runtime.report import ListenerReport, Report, Surroundings
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.stations import Stations
from gateway.runtime.telling import Telling
from gateway.runtime.timekeeping import Timekeeping
from gateway.settings import (
    Loaded,
    Resolution,
    Settings,
    control_path,
    load_or_last_good,
    load_quirks,
    not_in_this_version,
    plan,
    resolve,
    resolve_what_can_be,
    state_folder,
    warnings,
)

LOG = logging.getLogger("gateway")


class Lookups(ThreadPoolExecutor):
    """Threads for what cannot be interrupted, such as a name lookup that hangs: the end does not wait for them."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Take no more work and let go."""
        super().shutdown(wait=False, cancel_futures=True)


async def run(path: Path | None, environ: Mapping[str, str], say: Callable[[str], None]) -> int:
    """The daemon on the configuration at `path`; `say` prints its READY line.

    Raises ConfigurationError where there is none that it could run on.
    """
    stopping = _stop_signal()
    asyncio.get_running_loop().set_default_executor(Lookups())
    loaded = load_or_last_good(path, environ)
    found = _resolution(loaded.settings, environ)
    _log_to(environ)
    set_level(found.settings)
    try:
        daemon = _compose(path, environ, loaded, found, say)
    except TlsFilesUnusable as error:
        LOG.error("%s", error)
        return 1
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, daemon.reload.ask)
    _tell_configuration(daemon.notes, loaded, found)
    return await daemon.serve(stopping)


def _resolution(settings: Settings, environ: Mapping[str, str]) -> Resolution:
    """Started by hand, a secret that cannot be read ends the start: somebody is there. A service does without it."""
    if state_folder(environ) is None:
        return Resolution(resolve(settings, environ), [], [], [])
    return resolve_what_can_be(settings, environ)


def _tell_configuration(notes: Notes, loaded: Loaded, found: Resolution) -> None:
    if loaded.since is not None:
        for problem in loaded.problems:
            tell_rejected(notes, str(problem))
        text = (
            f"running on the last good configuration, kept on {loaded.since:%Y-%m-%d %H:%M} UTC: correct the present "
            "one (`evgate check` says what is wrong with it), then systemctl reload evgate"
        )
        notes.say("last_good_configuration", text, Level.ERROR)
    for text in plan(found.settings):
        notes.say("plan", text)
    for sentence in dict.fromkeys(lost.sentence for lost in found.lost):
        notes.say("configuration_unusable", f"other than planned, {sentence}", Level.ERROR)
    for text in [*warnings(found.settings), *not_in_this_version(found.settings)]:
        notes.say("configuration", text, Level.WARNING)


def _compose(
    path: Path | None, environ: Mapping[str, str], loaded: Loaded, found: Resolution, say: Callable[[str], None]
) -> Daemon:
    settings, lacks = found.settings, found.lacks
    clock = SystemClock()
    notes = Notes(clock)
    store = SqliteStore(settings.store.path)
    tags = Tags(TagDisplay(settings.mqtt.id_tags))
    quirks, quirk_problems = load_quirks(settings)
    tell_quirks(notes, map(str, quirk_problems), "the other quirks are used")
    overview: Overview

    def changed() -> None:
        overview.changed()

    safekeeping = Safekeeping(store, notes, tags, settings.store.quota, changed)
    publisher = _publisher(settings, found, clock, changed)
    trusted = settings.site.clock == "trusted"
    timekeeping = Timekeeping(trusted, clock, SystemTimeSync(environ), safekeeping, notes, changed)
    safekeeping.may_tidy = lambda: timekeeping.trust != Trust.FLOOR.value
    about = _about(settings, clock)
    telling = Telling(publisher, settings.site.id, about.boot_id, lambda: timekeeping.trust)
    gates: dict[str, HostGate] = {}
    messages = MessageLog()
    stations = Stations(
        clock=clock,
        safekeeping=safekeeping,
        publish=telling,
        notes=notes,
        directory=configured.directory(settings, lacks),
        upstreams=configured.upstreams(settings, lacks, gates),
        credentials=Credentials(),
        dialects=DIALECTS,
        quirks=quirks,
        seed=secrets.token_bytes(16),
        messages=messages,
        learn_time=timekeeping.learn,
        changed=changed,
    )
    notifier = SystemdNotifier(environ)
    server, left_over = _server(settings, found, stations, notes, environ)
    surroundings = Surroundings(
        base=configured.base(settings),
        store_path=str(settings.store.path),
        listeners=partial(_listeners, server, settings, found),
        files=settings.origins.files,
        last_good_since=loaded.since,
        rejected=tuple(str(problem) for problem in loaded.problems),
        sockets=tuple(left_over),
        quirks=tuple(map(str, quirk_problems)),
        lost=tuple(dict.fromkeys(lost.sentence for lost in found.lost)),
    )
    tell_upstreams(surroundings, found)
    overview = Overview(
        about,
        clock,
        stations,
        timekeeping,
        publisher.state,
        telling,
        notifier.status,
        lambda: store.size_bytes,
        surroundings.problems,
    )
    telling.listeners.append(overview.notice)
    desk = OperatorDesk(clock, Report(overview, stations, surroundings), stations, Enrolment(stations), messages)
    return Daemon(
        loaded=loaded,
        notes=notes,
        store=store,
        publisher=publisher,
        stations=stations,
        overview=overview,
        server=server,
        control=ControlSocket(control_path(environ), desk),
        notifier=notifier,
        progress=Progress(clock, notifier, stations.loops, lambda: server.accepting, notifier.watchdog_s),
        timekeeping=timekeeping,
        reload=Reload(
            path,
            environ,
            found,
            clock,
            notes,
            stations,
            timekeeping,
            surroundings,
            gates,
            changed,
            next((state.listener.tls for state in server.states() if state.listener.tls is not None), None),
        ),
        base=configured.base(settings),
        offline=configured.availability(settings, online=False),
        say=say,
        patient=state_folder(environ) is not None,
    )


def _publisher(settings: Settings, found: Resolution, clock: Clock, changed: Callable[[], None]) -> Publisher:
    lost = next((one for one in found.lost if one.kind == "mqtt"), None)
    if lost is not None:
        # Whoever shows it says first that nothing is published.
        return AbsentPublisher(f"{settings.mqtt.host}:{settings.mqtt.port}", f"{lost.problem}{lost.then}")
    return MqttPublisher(configured.broker(settings), clock, changed, quiet=not settings.mqtt_given)


def _server(
    settings: Settings, found: Resolution, stations: Stations, notes: Notes, environ: Mapping[str, str]
) -> tuple[ChargerServer, list[str]]:
    """Serves the sockets that systemd passed where they are configured, closes the others, and says why."""
    passed = passed_sockets(environ)
    listeners = configured.listeners(settings, passed.sockets, found.lacks)
    for problem in passed.problems:
        notes.say("socket_unusable", problem, Level.WARNING)
    left_over = []
    for one in configured.unused(listeners, passed.sockets):
        left_over.append(_unused(one, settings, found))
        notes.say("socket_unused", left_over[-1], Level.WARNING)
        one.sock.close()
    return ChargerServer(stations, listeners, max_frame=settings.chargers.max_frame), left_over


def _unused(one: PassedSocket, settings: Settings, found: Resolution) -> str:
    lost = found.lacks("chargers.tls")
    endpoints = [address.endpoint for address in settings.listen_addresses]
    if lost is not None and any(position == 0 for position in match(endpoints, [(one.host, one.port)]).of):
        return f"evgate.socket listens on {one}, and nobody is served there: {lost}"
    return (
        f"evgate.socket listens on {one}, which [chargers] listen does not name: chargers that dial there hang; "
        "correct ListenStream= with systemctl edit evgate.socket, or [chargers] listen, then: systemctl restart "
        "evgate.socket"
    )


def _listeners(server: ChargerServer, settings: Settings, found: Resolution) -> Sequence[ListenerReport]:
    opened = [_listener(state) for state in server.states()]
    lost = found.lacks("chargers.tls")
    if settings.chargers.tls is None or lost is None:
        return opened
    return [*opened, *(ListenerReport(str(one), True, False, lost) for one in settings.chargers.tls.listen)]


def _listener(state: ListenerState) -> ListenerReport:
    """With its real port, also where any free one was asked for."""
    listener = state.listener if state.port is None else replace(state.listener, port=state.port)
    return ListenerReport(str(listener), listener.tls is not None, listener.bound is not None, state.problem)


def _about(settings: Settings, clock: Clock) -> About:
    return About(
        site=settings.site.id,
        site_name=settings.site.name,
        version=__version__,
        started=clock.now(),
        boot_id=uuid.uuid4().hex[:8],  # noqa: TID251  # names this run of the daemon, decides nothing
        os=os_name(),
        ocpp_versions=tuple(dialect.version for dialect in DIALECTS.values()),
        broker_wanted=settings.mqtt_given,
    )


def _log_to(environ: Mapping[str, str]) -> None:
    handler = Journal() if writes_to_journal(environ) else plain_handler()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    # Until there is something to reload: without a handler the signal would end the daemon.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    return stopping
