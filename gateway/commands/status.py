"""`evgate status` in words: first what is wrong and what to do, then the parts."""

from __future__ import annotations

from typing import Final

from gateway.commands.chargers import charger_lines, problem_lines, quarantine_lines
from gateway.commands.reading import Answer, listed, moment, number, rows, table, word, words, wrapped

MOST_STRANGERS: Final = 5
"""A scanner in the network must not push everything else off the screen."""

_HEALTH: Final = {
    "ok": "evgate is OK: chargers are served",
    "idle": "evgate runs, and has no [[upstream]] to serve chargers with yet",
    "degraded": "evgate is DEGRADED: it serves chargers, and something needs attention",
    "critical": "evgate is in CRITICAL condition: do what stands below",
}

_MQTT_VERSIONS: Final[dict[int | None, str]] = {5: "MQTT 5", 4: "MQTT 3.1.1"}

_TIME_SOURCES: Final = {
    "marker": "network time",
    "timedate1": "network time",
    "configuration": 'the word of [site] clock = "trusted"',
}

_LEVELS: Final = {"error": "ERROR  ", "warning": "warning", "notice": "note   "}
"""The most severe first."""


def status_lines(report: Answer) -> list[str]:
    """The report, for somebody who stands beside a charger."""
    return [
        *_head(report),
        "",
        *_problems(report),
        "",
        *_chargers(report),
        "",
        *quarantine_lines(rows(report, "quarantined"), MOST_STRANGERS),
        "",
        *_upstreams(report),
        "",
        *_listeners(report),
        *(line for part, lines in _PARTS.items() if part in report for line in lines(table(report, part))),
    ]


def _head(report: Answer) -> list[str]:
    health = word(report, "health")
    site_name = word(report, "site_name", "")
    site = f"site {word(report, 'site')}{f' ({site_name})' if site_name else ''}"
    uptime = number(report, "uptime_s")
    up = f"{f'up for {_length(uptime)}, ' if uptime is not None else ''}since {moment(report, 'started')}"
    if health == "ok" and not rows(report, "upstreams"):
        health = "idle"
    return [
        *wrapped(_HEALTH.get(health, f"evgate says that its health is {health}")),
        *wrapped(listed([f"version {word(report, 'version')}", site, up])),
    ]


def _problems(report: Answer) -> list[str]:
    problems = rows(report, "problems")
    if not problems:
        told = word(report, "health") == "ok"
        return ["Nothing is wrong." if told else "No problem is named: look with `journalctl -u evgate`."]
    levels = [word(problem, "level") for problem in problems]
    is_wrong = any(level != "notice" for level in levels)
    lines = ["What is wrong, and what to do:" if is_wrong else "Nothing is wrong. What somebody should know:"]
    order = [*_LEVELS, *levels]
    for level, problem in sorted(zip(levels, problems, strict=True), key=lambda pair: order.index(pair[0])):
        lines += wrapped(word(problem, "text", word(problem, "what")), f"  {_LEVELS.get(level, level)}  ")
    return lines


def _chargers(report: Answer) -> list[str]:
    known = rows(report, "chargers")
    if not known:
        return ["Chargers: none yet", *wrapped(_how_to_connect(report), "  ")]
    online = sum(1 for charger in known if charger.get("online") is True)
    lines = [f"Chargers: {online} of {len(known)} online"]
    for charger in known:
        lines += charger_lines(charger)
        for connector in rows(charger, "connectors"):
            identifier = word(connector, "connector")
            title = "whole charger" if identifier == "0" else f"connector {identifier}"
            lines += wrapped(_connector(connector), f"      {title}: ", " " * 8)
    return lines


def _how_to_connect(report: Answer) -> str:
    open_ones = [listener for listener in rows(report, "listeners") if listener.get("open") is True]
    if not open_ones:
        return "no charger can come in before a listener below is open"
    scheme = "wss" if open_ones[0].get("tls") is True else "ws"
    port = word(open_ones[0], "address").rpartition(":")[2]
    return f"in the charger, set the CSMS URL to {scheme}://<address of this machine>:{port}/ocpp"


def _connector(connector: Answer) -> str:
    status, condition, error = word(connector, "status"), word(connector, "condition", ""), connector.get("error_code")
    # Suspended_ev beside SuspendedEV tells nothing new; what a quirk has corrected does.
    is_same = condition.replace("_", "") == status.lower()
    return listed(
        [
            status if is_same or not condition else f"{status} ({condition})",
            f"error {word(connector, 'error_code')}" if error not in (None, "", "NoError") else "",
            f"since {moment(connector, 'since')}",
            "STALE, as last heard" if connector.get("stale") is True else "",
        ]
    )


def _upstreams(report: Answer) -> list[str]:
    lines = []
    for upstream in rows(report, "upstreams"):
        links, online = number(upstream, "links"), number(upstream, "online")
        count = f"{online} of {links} links online" if links is not None and online is not None else "unknown"
        lines += wrapped(f"{word(upstream, 'name')}: {count}, {word(upstream, 'url')}", "  ", "      ")
        lines += problem_lines(upstream)
    return ["Upstreams:", *lines] if lines else ["Upstreams: none"]


def _listeners(report: Answer) -> list[str]:
    lines = []
    for listener in rows(report, "listeners"):
        by = "passed by systemd" if listener.get("passed") is True else ""
        state = "open" if listener.get("open") is True else "NOT OPEN"
        kind = "TLS" if listener.get("tls") is True else ""
        lines += [*_part("Listener", listed([word(listener, "address"), kind, state, by])), *problem_lines(listener)]
    return lines


def _mqtt(mqtt: Answer) -> list[str]:
    is_connected = mqtt.get("connected") is True
    state = f"connected since {moment(mqtt, 'connected_since')}" if is_connected else "NOT CONNECTED"
    reconnects = number(mqtt, "reconnects")
    text = listed(
        [
            f"{word(mqtt, 'broker')} {state}",
            _MQTT_VERSIONS.get(number(mqtt, "protocol"), "") if is_connected else "",
            f"{reconnects} reconnects" if reconnects else "",
            f"topics below {word(mqtt, 'base')}",
        ]
    )
    return [*_part("MQTT", text), *problem_lines(mqtt)]


def _store(store: Answer) -> list[str]:
    octets = number(store, "bytes")
    size = f"{octets / 1e6:.1f} MB" if octets is not None else ""
    return [*_part("Store", listed([word(store, "path"), size])), *problem_lines(store)]


def _clock(clock: Answer) -> list[str]:
    trust, source = word(clock, "trust"), word(clock, "source", "")
    if trust == "synced":
        text = f"right, by {_TIME_SOURCES.get(source, source)}"
    elif trust == "learned":
        text = f"told by the upstream {source}, this machine's {_deviation(number(clock, 'offset_ms'))}"
    elif trust == "floor":
        text = "NOT TRUSTED, nobody told the time since this machine started: see `timedatectl`"
    else:
        text = listed([trust, source])
    return _part("Clock", text)


def _deviation(offset_ms: int | None) -> str:
    """How a clock stands that lacks so much to the true time."""
    if offset_ms is None:
        return "may be wrong"
    return f"is {abs(offset_ms) / 1000:.3f} s {'behind' if offset_ms > 0 else 'ahead'}"


def _configuration(configuration: Answer) -> list[str]:
    files = listed(words(configuration, "files")) or "no file"
    in_use = word(configuration, "in_use")
    if in_use == "last_good":
        when = f" of {moment(configuration, 'since')}" if configuration.get("since") else ""
        lines = _part("Settings", f"the LAST GOOD ones{when} are in use, not {files}: `evgate check` says why")
    else:
        lines = _part("Settings", files if in_use == "current" else f"{files} ({in_use})")
    for problem in words(configuration, "problems"):
        lines += wrapped(problem, "      ! ")
    return lines


def _part(title: str, text: str) -> list[str]:
    return wrapped(text, f"{title + ':':<10}")


def _length(seconds: int) -> str:
    """A length of time in its two greatest units."""
    minutes = seconds // 60
    if not minutes:
        return f"{seconds} s"
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


_PARTS: Final = {"mqtt": _mqtt, "store": _store, "clock": _clock, "configuration": _configuration}
