"""When to try again, with which version of MQTT, and what to tell the log about it."""

from __future__ import annotations

import logging

from gateway.adapters.mqtt_publisher.failures import ConnectFailed, Refused, Unanswered, Unreachable
from gateway.adapters.mqtt_publisher.options import Broker, Pace
from gateway.core.backoff import full_jitter
from gateway.core.moment import Moment
from gateway.runtime.ports import Clock

log = logging.getLogger(__name__)

MQTT5 = 5
MQTT311 = 4
VERSIONS = {MQTT5: "MQTT 5", MQTT311: "MQTT 3.1.1"}

FLAPS = 3
"""Connections in a row that ended at once: more than a broker's restart, and named as what it mostly is."""


class Outage:
    """The memory between connections. First failure warns, repeats are debug, recovery is info with the duration."""

    def __init__(self, broker: Broker, clock: Clock, pace: Pace, *, quiet: bool) -> None:
        self.last_error: str | None = None
        self._broker = broker
        self._clock = clock
        self._pace = pace
        self._quiet = quiet
        self._doubt_v5 = False
        self._no_v5_until: float | None = None
        self._failures = 0
        self._short_lives = 0
        self._told: set[type[ConnectFailed]] = set()
        self._down_since: Moment | None = None

    def level(self) -> int:
        """The protocol level for the next attempt: 5, or 4 for 3.1.1 (paho never steps down by itself)."""
        if self._no_v5_until is not None and self._clock.now().monotonic >= self._no_v5_until:
            self._no_v5_until = None
        return MQTT311 if self._doubt_v5 or self._no_v5_until is not None else MQTT5

    def failed(self, failure: ConnectFailed, level: int) -> float:
        """An attempt with this level failed; seconds until the next."""
        self.last_error = str(failure)
        if level == MQTT5 and self._steps_down(failure):
            return 0.0
        self._doubt_v5 = False  # 3.1.1 fared no better, so the broker was only restarting
        if not isinstance(failure, Unreachable):
            self._no_v5_until = None  # it may have been replaced by one that knows MQTT 5 only
        self._failures += 1
        self._complain(failure)
        return self._pace.refused_s if isinstance(failure, Refused) else self._jitter()

    def connected(self, level: int) -> None:
        """The broker said yes."""
        now = self._clock.now()
        shown = logging.INFO if self._short_lives < FLAPS else logging.DEBUG
        if self._down_since is None:
            log.log(shown, "MQTT: connected to %s (%s)", self._broker.name, VERSIONS[level])
        else:
            away_s = now.monotonic - self._down_since.monotonic
            log.log(shown, "MQTT: %s is back after %.0f s (%s)", self._broker.name, away_s, VERSIONS[level])
        if self._doubt_v5:
            self._leave_v5()
        self._doubt_v5 = False
        self._quiet = False
        self._down_since = None
        self._told.clear()
        self.last_error = None

    def lost(self, reason: str, since: Moment) -> float:
        """The connection that stood `since` then is gone; seconds until the next attempt."""
        now = self._clock.now()
        if now.monotonic - since.monotonic >= self._pace.short_life_s:
            self._failures, self._short_lives = 1, 0
        else:
            self._failures, self._short_lives = self._failures + 1, self._short_lives + 1
        self._down_since = now
        # The same outage goes on as long as nobody answers; only a refusal would be news.
        self._told = {Unreachable, Unanswered}
        self.last_error = reason
        name = self._broker.name
        if self._short_lives < FLAPS:
            log.warning(
                "MQTT: %s lost: %s; the latest states, and the events meanwhile, follow when it is back", name, reason
            )
        elif self._short_lives == FLAPS:
            advice = "see the broker's log; if another client uses this id, give each gateway its own [site] id"
            log.warning("MQTT: %s drops %s at once: %s; %s", name, self._broker.client_id, reason, advice)
        else:
            log.debug("MQTT: %s lost: %s", name, reason)
        return self._jitter()

    def _steps_down(self, failure: ConnectFailed) -> bool:
        if isinstance(failure, Refused) and failure.unsupported:
            self._leave_v5()
            return True
        # Old brokers hang up on a CONNECT of MQTT 5, or never answer it: an attempt with 3.1.1 tells at once.
        self._doubt_v5 = isinstance(failure, Unanswered)
        return self._doubt_v5

    def _leave_v5(self) -> None:
        self._no_v5_until = self._clock.now().monotonic + self._pace.downgrade_s

    def _complain(self, failure: ConnectFailed) -> None:
        """Each kind of failure once, until the next success."""
        self._down_since = self._down_since or self._clock.now()
        if type(failure) in self._told:
            level = logging.DEBUG
        else:
            level = logging.INFO if self._quiet else logging.WARNING
        self._told.add(type(failure))
        nobody = self._quiet and isinstance(failure, Unreachable)
        log.log(level, "MQTT: %s", f"no broker at {self._broker.name}; set [mqtt] url" if nobody else failure)

    def _jitter(self) -> float:
        pace = self._pace
        return full_jitter(self._failures, self._clock.draw(), pace.retry_base_s, pace.retry_cap_s)
