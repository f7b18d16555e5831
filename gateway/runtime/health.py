"""What is wrong with the gateway right now, each with what to do: one list for MQTT, the service manager and people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from gateway.core.clock_trust import Trust
from gateway.core.identity import adopt_hint, quote_identity
from gateway.core.moment import timestamp
from gateway.core.redact import excerpt
from gateway.core.station import Station
from gateway.runtime.ports import PublisherState
from gateway.runtime.stations import Stations
from gateway.runtime.timekeeping import Timekeeping

MOST_STRANGERS = 5
"""Named one by one; a scanner makes up hundreds, and what is really wrong must stay in sight."""


SKEWED_S = 300.0
"""Bills and tariffs go by quarters of an hour; less than five minutes nobody can see in them."""


class Gravity(Enum):
    """How much a problem matters; the order is that of telling."""

    ERROR = "error"
    """Something that the gateway promises does not hold: health is `critical`."""
    WARNING = "warning"
    """A part is out of service: health is `degraded`."""
    NOTICE = "notice"
    """Somebody should know, or decide; health stays as it is."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`what` names it in `gateway/state`, with the charger's slug behind a colon; `text` ends with what to do."""

    what: str
    text: str
    gravity: Gravity = Gravity.WARNING


def health(problems: Iterable[Problem]) -> str:
    """One word: ok, degraded or critical."""
    found = {problem.gravity for problem in problems}
    if Gravity.ERROR in found:
        return "critical"
    return "degraded" if Gravity.WARNING in found else "ok"


def by_gravity(problems: Iterable[Problem]) -> list[Problem]:
    """The gravest first, otherwise in the order found."""
    order = list(Gravity)
    return sorted(problems, key=lambda problem: order.index(problem.gravity))


def problems_of_stations(stations: Stations) -> Iterator[Problem]:
    """The store, every charger that is known, and who waits in quarantine."""
    if stations.safekeeping.problem is not None:
        yield Problem("store_failed", stations.safekeeping.problem, Gravity.ERROR)
    if stations.safekeeping.damage is not None:
        yield Problem("store_set_aside", stations.safekeeping.damage)
    known = stations.known()
    for station in known:
        trouble = trouble_of(station)
        if trouble is not None:
            yield trouble
    for station in known:
        if not station.view.online:
            # Its cause, where that is known: power and network have nothing to do with it.
            trouble = trouble_of(station)
            yield Problem(f"charger_offline:{station.slug}", trouble.text if trouble else _offline(station))
        skew_s = station.view.truth.skew.seconds
        if skew_s is not None and abs(skew_s) >= SKEWED_S:
            yield Problem(f"clock_skew:{station.slug}", _skewed(station, skew_s), Gravity.NOTICE)
    for entry in stations.quarantine.latest(MOST_STRANGERS):
        text = f"{excerpt(entry.identity, 80)} knocks and is not known: {adopt_hint(entry.identity)}"
        yield Problem("quarantined", text, Gravity.NOTICE)
    more = len(stations.quarantine) - MOST_STRANGERS
    if more > 0:
        yield Problem("quarantined", f"{more} more knock and are not known: see evgate charger list", Gravity.NOTICE)


def trouble_of(station: Station) -> Problem | None:
    """Why this charger could not be served when it last knocked, or cannot be at all."""
    if station.policy.unusable is not None:
        return Problem(f"configuration_unusable:{station.slug}", station.policy.unusable)
    if station.admission.outage is not None:
        text = f"{excerpt(station.identity, 80)}: {station.admission.outage}"
        return Problem(f"upstream_offline:{station.slug}", text)
    if station.admission.refusal is not None:
        text = f"{excerpt(station.identity, 80)}: {station.admission.refusal}"
        return Problem(f"charger_refused:{station.slug}", text)
    return None


def problems_of_broker(state: PublisherState, *, wanted: bool) -> Iterator[Problem]:
    """`wanted`: the configuration names a broker; else one on this machine is tried, and may well be missing."""
    if not state.connected:
        why = state.last_error or f"{state.broker} has not answered yet; see that the broker runs"
        yield Problem(
            "mqtt_offline", f"nothing is published on MQTT: {why}", Gravity.WARNING if wanted else Gravity.NOTICE
        )


def problems_of_clock(timekeeping: Timekeeping) -> Iterator[Problem]:
    """Nobody knows what time it is, or two who should know disagree."""
    if timekeeping.problem is not None:
        yield Problem("clock_disagrees", timekeeping.problem)
    elif timekeeping.trust == Trust.FLOOR.value:
        text = (
            "nobody has confirmed this machine's clock since it started, so times may be wrong: let it reach a time "
            'server (timedatectl), or set [site] clock = "trusted" if it has a battery-backed clock'
        )
        yield Problem("clock_unconfirmed", text, Gravity.NOTICE)


def _skewed(station: Station, skew_s: float) -> str:
    amount = f"{abs(skew_s) / 3600:.1f} h" if abs(skew_s) >= 5400 else f"{abs(skew_s) / 60:.0f} min"
    return (
        f"the clock of {excerpt(station.identity, 80)} is {amount} {'fast' if skew_s > 0 else 'slow'}: its upstream "
        "sets it at each boot and heartbeat; if it stays so, look at the time zone in the charger's settings"
    )


def _offline(station: Station) -> str:
    since = timestamp(station.view.since)
    return (
        f"{excerpt(station.identity, 80)} is not connected (since {since}): "
        f"see that it has power and network, and that its URL ends with /{quote_identity(station.identity)}"
    )
