"""What `evgate status` and `evgate charger list` are told: the gateway as it stands, as plain JSON values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.core.connectors import Connectors
from gateway.core.facts import Quarantined
from gateway.core.moment import Moment, timestamp
from gateway.core.policy import StationPolicy
from gateway.core.record import Standing
from gateway.core.station import Station
from gateway.runtime.health import Gravity, Problem, health, trouble_of
from gateway.runtime.overview import Overview
from gateway.runtime.stations import Stations

Json = dict[str, Any]

NO_UPSTREAM = (
    "there is no [[upstream]] to relay to, and every charger gets 503: "
    "add one to a file in conf.d, then systemctl reload evgate"
)


@dataclass(frozen=True, slots=True)
class ListenerReport:
    """One address where chargers dial in. `passed`: systemd holds the socket, so restarts refuse nobody."""

    address: str
    tls: bool
    passed: bool
    problem: str | None = None


@dataclass(slots=True)
class Surroundings:
    """What the composition root knows and nobody below it can see; it keeps this up to date."""

    base: str
    store_path: str
    listeners: Callable[[], Sequence[ListenerReport]]
    files: tuple[str, ...] = ()
    last_good_since: datetime | None = None
    """Set while the daemon runs on the last good configuration and not on the present files."""
    rejected: tuple[str, ...] = ()
    """Why the present files are not in use, one sentence a mistake."""
    sockets: tuple[str, ...] = ()
    """Sockets that systemd passed and nobody serves: whoever dials there hangs."""
    lost: tuple[str, ...] = ()
    """Parts of the configuration that could not be used, such as one whose secret cannot be read."""
    quirks: tuple[str, ...] = ()
    """What is wrong with the site's own files of quirks, which are left out meanwhile."""
    waits_for_restart: tuple[str, ...] = ()
    """What a reload could not take over."""
    upstream_urls: Mapping[str, str] = field(default_factory=dict)
    lost_upstreams: Mapping[str, str] = field(default_factory=dict)

    def problems(self) -> Iterable[Problem]:
        """What is wrong with the configuration and the listeners."""
        if self.last_good_since is not None:
            text = (
                f"the last good configuration, of {timestamp(self.last_good_since)}, is in use: "
                "correct the present one (`evgate check` says what is wrong with it), then systemctl reload evgate"
            )
            yield Problem("last_good_configuration", text)
        for text in self.rejected:
            yield Problem("configuration_rejected", f"the configuration is not in use: {text}")
        for text in self.lost:
            yield Problem("configuration_unusable", text)
        for text in self.quirks:
            yield Problem("quirks_unusable", text)
        if not self.upstream_urls:
            yield Problem("no_upstream", NO_UPSTREAM, Gravity.NOTICE)
        for text in self.sockets:
            yield Problem("socket_unused", text)
        for text in self.waits_for_restart:
            yield Problem("restart_needed", text, Gravity.NOTICE)
        for listener in self.listeners():
            if listener.problem is not None:
                yield Problem(f"listen_failed:{listener.address}", listener.problem, Gravity.ERROR)


@dataclass(slots=True)
class Report:
    """Composes the report from what the others hold."""

    overview: Overview
    stations: Stations
    surroundings: Surroundings

    def status(self, now: Moment) -> Json:
        """All of it."""
        state, about = self.overview.state(now), self.overview.about
        problems = self.overview.problems()
        return {
            "version": about.version,
            "site": about.site,
            "site_name": about.site_name,
            "started": timestamp(about.started.wall),
            "uptime_s": state.uptime_s,
            "health": health(problems),
            "configuration": self._configuration(),
            "listeners": [_listener(listener) for listener in self.surroundings.listeners()],
            **self.chargers(),
            "upstreams": [self._upstream(name, url) for name, url in self.surroundings.upstream_urls.items()],
            "mqtt": self._mqtt(),
            "store": {
                "path": self.surroundings.store_path,
                "bytes": state.db_bytes,
                "problem": self.stations.safekeeping.problem,
            },
            "clock": {
                "trust": state.clock_trust,
                "source": state.clock_source,
                "offset_ms": state.clock_offset_ms,
            },
            "problems": [
                {"what": problem.what, "level": problem.gravity.value, "text": problem.text} for problem in problems
            ],
        }

    def chargers(self) -> Json:
        """Who is known, and who waits in quarantine, the latest first."""
        quarantine = self.stations.quarantine
        return {
            "chargers": [self._charger(station) for station in self.stations.known()],
            "quarantined": [_quarantined(entry) for entry in quarantine.latest(len(quarantine))],
        }

    def _configuration(self) -> Json:
        surroundings = self.surroundings
        return {
            "files": surroundings.files,
            "in_use": "current" if surroundings.last_good_since is None else "last_good",
            "since": _when(surroundings.last_good_since),
            "problems": [*surroundings.rejected, *surroundings.lost],
        }

    def _charger(self, station: Station) -> Json:
        view = station.view
        trouble = trouble_of(station)
        return {
            "identity": station.identity,
            "slug": station.slug,
            "name": station.policy.name,
            "standing": _standing(station).value,
            "online": view.online,
            "since": timestamp(view.since),
            "last_seen": _when(view.last_seen),
            "address": view.remote_addr,
            "subprotocol": view.protocol,
            "clock_skew_s": view.truth.skew.seconds,
            "quirks": list(view.corrections.quirks),
            "upstream": _upstream_name(station.policy),
            "upstream_online": station.session is not None,
            "connectors": _connectors(view.connectors),
            "problem": trouble.text if trouble else None,
        }

    def _upstream(self, name: str, url: str) -> Json:
        served = [station for station in self.stations.known() if _upstream_name(station.policy) == name]
        outages = [station.admission.outage for station in served if station.admission.outage is not None]
        return {
            "name": name,
            "url": url,
            "links": len(served),
            "online": sum(1 for station in served if station.session is not None),
            "problem": self.surroundings.lost_upstreams.get(name) or (outages[0] if outages else None),
        }

    def _mqtt(self) -> Json:
        broker = self.overview.broker()
        return {
            "broker": broker.broker,
            "base": self.surroundings.base,
            "connected": broker.connected,
            "protocol": broker.protocol,
            "connected_since": _when(broker.connected_since.wall if broker.connected_since else None),
            "reconnects": broker.reconnects,
            "problem": None if broker.connected else broker.last_error,
        }


def _standing(station: Station) -> Standing:
    """By what right it is known today; its row may still tell of a line that the configuration has no more."""
    if station.record is None or station.standing is Standing.CONFIGURED:
        return station.standing
    return station.record.known_by(station.standing).standing


def _connectors(connectors: Connectors) -> list[Json]:
    return [
        {
            "connector": str(known.record.connector_id),
            "status": known.record.report.status,
            "condition": known.condition,
            "error_code": known.record.report.error_code,
            "since": timestamp(known.record.since),
            "stale": known.stale,
            "unexpected_transitions": known.record.unexpected,
        }
        for known in sorted(connectors, key=lambda known: known.record.connector_id)
    ]


def _quarantined(entry: Quarantined) -> Json:
    return {
        "identity": entry.identity,
        "address": entry.address,
        "subprotocols": entry.subprotocols,
        "credentials": entry.credentials,
        "reason": entry.reason,
        "last_seen": timestamp(entry.last_seen),
        "attempts": entry.attempts,
    }


def _listener(listener: ListenerReport) -> Json:
    return {
        "address": listener.address,
        "tls": listener.tls,
        "passed": listener.passed,
        "open": listener.problem is None,
        "problem": listener.problem,
    }


def _upstream_name(policy: StationPolicy) -> str | None:
    return policy.upstream.name if policy.upstream else None


def _when(wall: datetime | None) -> str | None:
    return None if wall is None else timestamp(wall)
