"""The one place that logs what happened to stations, and counts it."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from gateway.core.effects import Level, Note
from gateway.runtime.ports import Clock

LOG = logging.getLogger("gateway")

SAY_AGAIN_AFTER_S = 3600.0
"""A charger whose upstream is away knocks every half minute, all night: that is one warning an hour. SD cards wear."""

MOST_REMEMBERED = 4096
"""Kinds of warning, each with its station; strangers must not fill the memory."""

TOLD_EACH = frozenset(
    {
        *("configuration", "configuration_unusable", "listen_failed", "socket_unused", "socket_unusable"),
        *("fault_raised", "fault_updated", "quirks_unusable"),
    }
)
"""Several of these come at once, each about something else: only the same text is a repeat."""

ALWAYS_TOLD = frozenset({"configuration_rejected", "forgotten", "last_good_not_kept", "restart_needed"})
"""Answers to what an operator has just done: never a repeat."""

RECOVERED = "store_recovered"

CONNECTED = "charger_connected"

UNSEEN_WHILE_CONNECTED = frozenset(
    {
        "no_upstream",
        "no_common_subprotocol",
        "outage_refusal",
        "outage_unreachable",
        "upstream_refused",
        "wrong_password",
    }
)
"""Why a charger was kept out: once it is in, the next time is news."""

Kind = tuple[str | None, str, str]


@dataclass(slots=True)
class _Said:
    """When a kind of warning was last told at its own level, and how often it came since."""

    at: float
    since: int = 0


@dataclass(slots=True)
class Notes:
    """Counters by kind of event since the start. The first warning of a kind is told as one, repeats are debug."""

    clock: Clock
    counters: Counter[str] = field(default_factory=Counter)
    _said: OrderedDict[Kind, _Said] = field(default_factory=OrderedDict)

    def take(self, note: Note, station: str | None = None) -> None:
        """Count a note and write its one line; `station` is the charger's identity, None for the gateway itself."""
        self.counters[note.what] += 1
        if note.what == CONNECTED:
            for what in UNSEEN_WHILE_CONNECTED:
                self._said.pop((station, what, ""), None)
        if note.what == RECOVERED:
            self._said.pop((None, "store_failed", ""), None)
        level, text = note.level, note.text
        if level >= Level.WARNING and note.what not in ALWAYS_TOLD:
            level, text = self._lowered(note, station)
        fields = {"EVENT": note.what, **note.fields}
        if station is not None:
            fields["CHARGE_POINT"] = station
        LOG.log(level, "%s", text, extra={"fields": fields})

    def say(self, what: str, text: str, level: Level = Level.INFO, station: str | None = None, **fields: str) -> None:
        """A note of the runtime's own."""
        self.take(Note(what, text, level, fields), station)

    def _lowered(self, note: Note, station: str | None) -> tuple[Level, str]:
        """Debug for a repeat within the hour; after it the number of repeats is told as well."""
        now = self.clock.now().monotonic
        fields = note.fields
        about = note.text if note.what in TOLD_EACH else fields.get("ODDITIES") or fields.get("REMOTE_HOST")
        kind = (station, note.what, about or fields.get("LEG", ""))
        said = self._said.get(kind)
        if said is not None and now - said.at < SAY_AGAIN_AFTER_S:
            said.since += 1
            return Level.DEBUG, note.text
        self._said[kind] = _Said(now)
        self._said.move_to_end(kind)
        if len(self._said) > MOST_REMEMBERED:
            self._said.popitem(last=False)
        if said is None or not said.since:
            return note.level, note.text
        return note.level, f"{note.text} ({said.since} times more since it was last told)"
