"""What one event of a station is worth in its message log: the texts that passed, and what was done with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from gateway.core.effects import Answer, Effect, Level, Note, Send
from gateway.core.events import Event, FrameReceived, Leg
from gateway.core.redact import excerpt


class Done(Enum):
    """What was done with a text; `HAPPENED` is an entry without one."""

    RELAYED = "relayed"
    ANSWERED = "answered"
    NOT_RELAYED = "not relayed"
    SENT = "sent"
    HAPPENED = "event"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `leg`: where the text came in, or where one of the gateway's own (`SENT`) went out.

    A relayed text is one entry for both legs. `note` says in words what was done, or what happened.
    """

    done: Done
    note: str
    action: str = ""
    leg: Leg | None = None
    text: str | None = field(default=None, repr=False)

    @property
    def source(self) -> str | None:
        """Who sent the text."""
        if self.leg is None:
            return None
        return "gateway" if self.done is Done.SENT else self.leg.peer

    @property
    def target(self) -> str | None:
        """Who was sent the text; None where it went no further than the gateway."""
        if self.leg is None or self.done in (Done.ANSWERED, Done.NOT_RELAYED):
            return None
        return self.leg.peer if self.done is Done.SENT else self.leg.other.peer


def traced(event: Event, effects: Sequence[Effect]) -> list[Entry]:
    """The entries for one event and what the core returned for it.

    The last note is about the event's own text; those before it, such as a CALL given up, are events beside it.
    """
    notes = [effect for effect in effects if isinstance(effect, Note)]
    frame = event if isinstance(event, FrameReceived) else None
    own = [effect for effect in effects if isinstance(effect, Send | Answer) and not _relays(effect, frame)]
    entries = []
    said = Note("", "")
    if notes and (frame is not None or own):
        said = notes.pop()
    action = said.fields.get("OCPP_ACTION", "")
    if frame is not None:
        shown = action or excerpt(frame.frame.action, 64)
        entries.append(Entry(_done(frame, effects), said.text, shown, frame.leg, frame.frame.text))
    entries += [Entry(Done.SENT, said.text, action, effect.leg, effect.text) for effect in own]
    entries += [
        Entry(Done.HAPPENED, note.text, note.fields.get("OCPP_ACTION", ""))
        for note in notes
        if note.level >= Level.INFO
    ]
    return entries


def _done(received: FrameReceived, effects: Sequence[Effect]) -> Done:
    if any(_relays(effect, received) for effect in effects):
        return Done.RELAYED
    if any(isinstance(effect, Answer) and effect.leg is received.leg for effect in effects):
        return Done.ANSWERED
    return Done.NOT_RELAYED


def _relays(effect: Effect, received: FrameReceived | None) -> bool:
    """Does this effect pass the received text on?"""
    return (
        received is not None
        and isinstance(effect, Send)
        and effect.leg is received.leg.other
        and effect.text == received.frame.text
    )
