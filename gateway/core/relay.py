"""The raw relay between the two legs of one connection: who asked what, and what reaches the other side.

Texts pass byte for byte. A CALL is remembered until its answer; an answer passes only if it answers a relayed CALL, so
that answers to the gateway's own CALLs never leak (OCPP-J 2.0.1 6.4) and answers that nobody asked for stop here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gateway.core.calls import Match, OpenCall, OpenCalls, Origin
from gateway.core.effects import Answer, Effect, Level, Note, Send
from gateway.core.events import Leg
from gateway.core.frames import Flaw, Frame, Kind, call_text, error_text
from gateway.core.ports import Dialect
from gateway.core.redact import excerpt
from gateway.core.reports import Report

MISFIT_ANSWERED_WITHIN_S = 30.0
"""The usual time limit of a CALL: an answer that comes later answers something else."""

MOST_MISFITS = 20
"""As many as a peer may send within a minute (`unparsable`)."""


@dataclass(slots=True)
class Relay:
    """The open CALLs of one generation, both directions. `dialect` is None for a version that is not read yet."""

    generation: int
    dialect: Dialect | None
    _open: dict[Leg, OpenCalls] = field(default_factory=lambda: {leg: OpenCalls() for leg in Leg})
    """Keyed by the leg the CALL was sent on, which is the leg its answer comes in on."""
    _misfits: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_MISFITS))
    """When a frame that could not be read went upstream, which may read it all the same, and answer."""

    def open_on(self, leg: Leg) -> int:
        """How many CALLs the peer of this leg has yet to answer."""
        return len(self._open[leg])

    def call(self, leg: Leg, frame: Frame, at: float, told: Report | None) -> list[Effect]:
        """A CALL (or a SEND, which is never answered) came in on `leg`: pass it on."""
        to = leg.other
        effects: list[Effect] = [Send(to, self.generation, frame.text)]
        if frame.kind is Kind.CALL:
            # Cut, because a peer may open hundreds of CALLs whose action is megabytes of anything.
            call = OpenCall(frame.message_id, excerpt(frame.action, 64), Origin.PEER, at, told)
            effects += [self._unanswered(to, given_up) for given_up in self._open[to].asked(call)]
        return effects

    def own_call(self, message_id: str, dialect: Dialect, connector_id: int, at: float) -> list[Effect]:
        """Ask the charger for the status of a connector, as a CALL of the gateway's own."""
        action, payload = dialect.refresh(connector_id)
        call = OpenCall(message_id, action, Origin.GATEWAY, at)
        given_up = self._open[Leg.DOWN].asked(call)
        text = call_text(message_id, action, payload)
        return [
            Send(Leg.DOWN, self.generation, text),
            *(self._unanswered(Leg.DOWN, late) for late in given_up),
            self._note(
                "own_call", f"asked the charger for the status of {_named(connector_id)}", Leg.DOWN, message_id, action
            ),
        ]

    def answer(self, leg: Leg, frame: Frame, at: float) -> tuple[OpenCall | None, list[Effect]]:
        """An answer came in on `leg`: the CALL it settles (None when it settles none), and what to do.

        One that settles a CALL of the gateway's own goes no further.
        """
        match, call = self._open[leg].answered(frame.message_id)
        action = call.action if call else ""
        if call is not None and call.origin is Origin.GATEWAY and match is not Match.DUPLICATE:
            outcome = excerpt(frame.error_code, 40) or "answered"
            text = f"{leg.peer} answered the gateway's own {action}: {outcome}"
            return call, [self._note("own_call_answered", text, leg, frame.message_id, action)]
        if match is Match.UNKNOWN and leg is Leg.UP and self._answers_misfit(at):
            text = f"answer from {leg.peer} to a frame that the gateway could not read relayed"
            note = self._note("answer_to_misfit", text, leg, frame.message_id, "", Level.WARNING)
            return None, [Send(leg.other, self.generation, frame.text), note]
        if match in (Match.DUPLICATE, Match.UNKNOWN):
            name = match.value.replace("_", " ")
            text = f"{name} from {leg.peer} not relayed (message id {excerpt(frame.message_id, 40)})"
            return None, [self._note(match.value, text, leg, frame.message_id, action, Level.WARNING)]
        effects: list[Effect] = [Send(leg.other, self.generation, frame.text)]
        if match is Match.LATE:
            text = f"late answer to {action} from {leg.peer} relayed"
            effects.append(self._note(match.value, text, leg, frame.message_id, action, Level.WARNING))
        elif frame.kind is Kind.ERROR:
            text = f"{leg.peer} answered {action} with {excerpt(frame.error_code, 40)}, relayed"
            effects.append(self._note("call_error_relayed", text, leg, frame.message_id, action))
        elif frame.flaw is not None:
            text = f"answer to {action} from {leg.peer} relayed; odd: {frame.flaw.value}"
            effects.append(self._note(frame.flaw.value, text, leg, frame.message_id, action, Level.WARNING))
        else:
            text = f"answer to {action} from {leg.peer} relayed"
            effects.append(self._note("answer_relayed", text, leg, frame.message_id, action, Level.DEBUG))
        return call, effects

    def misfit(self, leg: Leg, frame: Frame, at: float) -> list[Effect]:
        """A frame that belongs to no exchange: pass it on, the other side's reaction is the answer."""
        flaw = (frame.flaw or Flaw.UNKNOWN_TYPE).value
        if frame.flaw is Flaw.NO_ACTION:
            text = f"CALL without an action from {leg.peer} answered with ProtocolError: {excerpt(frame.text)}"
            reply = error_text(frame.id_json, "ProtocolError", "A CALL needs an action and a payload.")
            return [
                Answer(leg, self.generation, reply),
                self._note(flaw, text, leg, frame.message_id, "", Level.WARNING),
            ]
        if leg is Leg.DOWN:
            self.excuse(at)
        text = f"{flaw.replace('_', ' ')} from {leg.peer} relayed as it is: {excerpt(frame.text)}"
        return [
            Send(leg.other, self.generation, frame.text),
            self._note(flaw, text, leg, frame.message_id, "", Level.WARNING),
        ]

    def excuse(self, at: float) -> None:
        """A frame of the charger's that does not parse went upstream: whatever upstream says to it is its answer."""
        self._misfits.append(at)

    def _answers_misfit(self, at: float) -> bool:
        """May upstream's answer, which settles no CALL, belong to a frame of the charger's that could not be read?

        Each such frame allows one. The charger's own answers are never excused: they may be to CALLs of the gateway's.
        """
        while self._misfits:
            if at - self._misfits.popleft() <= MISFIT_ANSWERED_WITHIN_S:
                return True
        return False

    def expire(self, now: float) -> list[Effect]:
        """Name the CALLs that nobody will answer any more."""
        return [self._unanswered(leg, call) for leg, calls in self._open.items() for call in calls.expire(now)]

    def _unanswered(self, leg: Leg, call: OpenCall) -> Note:
        text = f"{leg.peer} never answered {call.action}"
        return self._note("unanswered_call", text, leg, call.message_id, call.action, Level.WARNING)

    def _note(self, what: str, text: str, leg: Leg, message_id: str, action: str, level: Level = Level.INFO) -> Note:
        fields = {
            "LEG": leg.value,
            "OCPP_MESSAGE_ID": excerpt(message_id, 64),
            "OCPP_ACTION": excerpt(action, 64),
        }
        return Note(what, text, level, fields)


def _named(connector_id: int) -> str:
    return f"connector {connector_id}" if connector_id else "the charger itself"
