"""The one place that logs what happened to stations, and counts it."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from gateway.core.effects import Level, Note

LOG = logging.getLogger("gateway")


@dataclass(slots=True)
class Notes:
    """Counters by kind of event, since the start of the process."""

    counters: Counter[str] = field(default_factory=Counter)

    def take(self, note: Note, station: str | None = None) -> None:
        """Count a note and write its one line; `station` is the charger's identity, None for the gateway itself."""
        self.counters[note.what] += 1
        fields = {"EVENT": note.what, **note.fields}
        if station is not None:
            fields["CHARGE_POINT"] = station
        LOG.log(note.level, "%s", note.text, extra={"fields": fields})

    def say(self, what: str, text: str, level: Level = Level.INFO, station: str | None = None, **fields: str) -> None:
        """A note of the runtime's own."""
        self.take(Note(what, text, level, fields), station)
