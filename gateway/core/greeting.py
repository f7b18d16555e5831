"""What there is to say of a charger that has just come in."""

from __future__ import annotations

from gateway.core.admission import Candidate
from gateway.core.effects import Effect, Level, Note
from gateway.core.events import Arrival
from gateway.core.identity import length_warning
from gateway.core.ports import Dialect


def connection_notes(candidate: Candidate, dialect: Dialect | None) -> list[Effect]:
    """Its line in the log, and what is unusual about it."""
    arrival = candidate.arrival
    upstream = candidate.upstream.name
    text = f"connected from {arrival.remote} with {candidate.chosen}, upstream {upstream} (strict_relay)"
    if candidate.password_form is not None:
        text += f", its password shown as {candidate.password_form}"
    fields = {
        "REMOTE": arrival.remote,
        "UPSTREAM": candidate.upstream.name,
        "SUBPROTOCOL": candidate.chosen or "",
    }
    notes: list[Effect] = [Note("charger_connected", text, Level.INFO, fields)]
    if not arrival.offered:
        assumed = f"the charger offers no subprotocol, {candidate.chosen} assumed: set it in the charger if it can"
        notes.append(Note("subprotocol_assumed", assumed, Level.WARNING))
    unusual = length_warning(arrival.identity)
    if unusual is not None:
        notes.append(Note("long_identity", unusual, Level.WARNING))
    if dialect is None:
        unread = f"{candidate.chosen} is relayed but not read in this version: no connector state on MQTT"
        notes.append(Note("version_not_read", unread, Level.WARNING))
    return notes


def security_profile(arrival: Arrival) -> int:
    """OCPP security profile of the down leg (white paper 2): 0 nothing, 1 Basic, 2 Basic over TLS."""
    if arrival.authorization is None:
        return 0
    return 2 if arrival.listener.startswith("wss") else 1
