"""One connection of a charger, both legs, from its 101 to its end: relay, signs of life, and what its frames tell.

`strict_relay`: when one leg ends the other is closed with it. The session ends itself by returning `ended`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.core.calls import OpenCall, Origin
from gateway.core.charger import ChargerView
from gateway.core.connectors import CHARGER
from gateway.core.effects import Arm, CloseLeg, Disarm, Effect, LearnTime, Level, Note, Send
from gateway.core.events import Leg
from gateway.core.frames import Flaw, Frame, Kind, parse
from gateway.core.liveness import Liveness
from gateway.core.moment import Moment
from gateway.core.own_id import OwnIds
from gateway.core.policy import StationPolicy
from gateway.core.ports import Dialect, Reading
from gateway.core.redact import excerpt
from gateway.core.refresh import BETWEEN_S, Refresh, expected_connectors
from gateway.core.relay import Relay
from gateway.core.reports import (
    BootReported,
    RemoteStartRequested,
    Report,
    StatusReported,
    TransactionStarted,
    TransactionStopped,
)
from gateway.core.truth import STATUS_NOTIFICATION
from gateway.core.unparsable import Unparsable

EXPIRE_EVERY_S = 60.0
"""How often unanswered CALLs are looked for: a tenth of the time after which they count as unanswered."""


@dataclass(slots=True)
class Session:
    """The live connection of generation `generation`."""

    generation: int
    policy: StationPolicy
    view: ChargerView
    dialect: Dialect | None
    own_ids: OwnIds
    unparsable: Unparsable
    ended: bool = False
    relay: Relay = field(init=False)
    refresh: Refresh = field(init=False)
    _legs: dict[Leg, Liveness] = field(init=False)
    _confirmed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.relay = Relay(self.generation, self.dialect)
        self.refresh = Refresh(self._unreported, ended=not self.policy.refresh or self.dialect is None)
        self._legs = {}

    @property
    def refresh_key(self) -> str:
        """Timer: time to ask for statuses that the charger did not send by itself."""
        return f"refresh:{self.generation}"

    @property
    def expire_key(self) -> str:
        """Timer: look for CALLs that nobody answered."""
        return f"expire:{self.generation}"

    def start(self, now: Moment) -> list[Effect]:
        """Both legs stand."""
        effects: list[Effect] = [Arm(self.expire_key, EXPIRE_EVERY_S)]
        for leg in Leg:
            pings = self.policy.pings or leg is Leg.UP
            live = Liveness(
                leg, self.generation, self.policy.idle_limit_s, pings, now.monotonic, patient=leg is Leg.DOWN
            )
            self._legs[leg] = live
            effects += live.start()
        self._expect_heartbeats()
        self.unparsable.new_connection()
        return [*effects, *self._give_time()]

    def govern(self, policy: StationPolicy) -> list[Effect]:
        """The connection goes on, under a policy with other limits."""
        self.policy = policy
        if not policy.refresh:
            self.refresh.ended = True
        effects: list[Effect] = []
        for leg, live in self._legs.items():
            effects += live.govern(policy.idle_limit_s, policy.pings or leg is Leg.UP)
        self._expect_heartbeats()
        return effects

    def frame(self, leg: Leg, frame: Frame, now: Moment) -> list[Effect]:
        """A text came in on a leg."""
        self.heard(leg, now)
        if frame.flaw is Flaw.TOO_DEEP:
            text = f"frame nested too deeply from {leg.peer}, closing with 1009"
            return self._end(leg, 1009, "message nested too deeply", text, "too_deep")
        if frame.is_answer:
            return self._answer(leg, frame, now)
        if frame.kind is Kind.CALL or (frame.is_unanswered and self.dialect is None):
            return self._call(leg, frame, now)
        return self._misfit(leg, frame, now)

    def heard(self, leg: Leg, now: Moment) -> None:
        """Any frame counts as life."""
        self._legs[leg].heard(now.monotonic)
        if leg is Leg.DOWN:
            self.view.last_seen = now.wall

    def answered_ping(self, leg: Leg, now: Moment) -> None:
        """A ping or pong came in."""
        self._legs[leg].answered_ping(now.monotonic)
        self.heard(leg, now)

    def reading(self, leg: Leg, paused: bool, now: Moment) -> None:
        """The gateway stopped or resumed reading a leg."""
        self._legs[leg].paused = paused
        self._legs[leg].heard(now.monotonic)

    def lost(self, leg: Leg, code: int | None, reason: str, now: Moment) -> list[Effect]:
        """One leg is gone: close the other with it."""
        shown = f"{code} {excerpt(reason, 80)}".strip() if code is not None else excerpt(reason, 80)
        effects: list[Effect] = []
        if leg is Leg.UP and self.unparsable.upstream_closed(now.monotonic):
            text = "upstream closes after unparsable frames, they are held back from now on: update the firmware"
            effects.append(Note("unparsable_held", text, Level.ERROR))
        level = Level.WARNING if leg is Leg.UP else Level.INFO
        text = f"{leg.peer} disconnected ({shown}); the other leg is closed with it (strict_relay)"
        note = Note(f"{leg.peer}_disconnected", text, level, {"LEG": leg.value, "CLOSE_CODE": str(code or "")})
        close = CloseLeg(leg.other, self.generation, _passed_on(code, leg), reason)
        if leg is Leg.DOWN:
            effects += self.left(now)
        return [*effects, close, note, *self._finish()]

    def left(self, now: Moment) -> list[Effect]:
        """The charger ended the connection, or begins another one beside it."""
        return self._never_again("hangs up", now) if self.refresh.blames(now.monotonic) else []

    def timer(self, key: str, now: Moment) -> list[Effect]:
        """One of the session's timers is due; an unknown key is none of its business."""
        for leg, live in self._legs.items():
            if key == live.ping_key:
                return live.ping()
            if key == live.idle_key:
                again = live.idle(now.monotonic)
                return [again] if again is not None else self._silent(leg, live)
        if key == self.expire_key:
            return [*self.relay.expire(now.monotonic), Arm(self.expire_key, EXPIRE_EVERY_S)]
        if key == self.refresh_key:
            return self._refresh(now)
        return []

    def close(self, code: int, reason: str, *, discard: bool) -> list[Effect]:
        """End both legs at once, up leg first: upstream must not see two links of one identity."""
        up = CloseLeg(Leg.UP, self.generation, 1000, reason, discard)
        down = CloseLeg(Leg.DOWN, self.generation, code, reason, discard)
        return [up, down, *self._finish()]

    def _call(self, leg: Leg, frame: Frame, now: Moment) -> list[Effect]:
        reading = Reading()
        oddities: tuple[str, ...] = (frame.flaw.value,) if frame.flaw is not None else ()
        effects: list[Effect] = []
        routine = False
        if self.dialect is not None:
            if not self.dialect.is_known(frame.action):
                oddities += ("unknown_action",)
            routine = self.dialect.is_routine(frame.action)
            if leg is Leg.DOWN:
                reading, effects = self._read(self.dialect, frame, now)
            else:
                reading = self.dialect.read_command(frame.action, frame.payload)
            oddities += reading.oddities
        relayed = self.relay.call(leg, frame, now.monotonic, reading.fact)
        return [*relayed, *effects, self._call_note(leg, frame, reading.fact, oddities, routine)]

    def _read(self, dialect: Dialect, frame: Frame, now: Moment) -> tuple[Reading, list[Effect]]:
        """What the charger tells with this CALL, read with the corrections that it needs."""
        payload, corrected = self.view.corrections.corrected(frame.action, frame.payload)
        reading = dialect.read_call(frame.action, payload)
        effects: list[Effect] = []
        if corrected:
            names = ", ".join(corrected)
            effects.append(
                Note("corrected", f"{frame.action} is read with {names}", Level.DEBUG, {"CORRECTIONS": names})
            )
        told = reading.fact
        if told is None or isinstance(told, RemoteStartRequested):
            return reading, effects
        triggered = isinstance(told, StatusReported) and self.refresh.answers(told.connector_id)
        learnt, more = self.view.learn(told, now, "trigger" if triggered else STATUS_NOTIFICATION)
        if isinstance(told, StatusReported):
            known = self.view.connectors.get(told.connector_id)
            if known is not None and known.late is not told:
                self._confirmed.add(told.connector_id)
        elif isinstance(told, BootReported):
            self._confirmed.clear()
            learnt += self._give_time()
        return replace(reading, oddities=reading.oddities + more), [*effects, *learnt]

    def _call_note(
        self,
        leg: Leg,
        frame: Frame,
        told: Report | None,
        oddities: tuple[str, ...],
        routine: bool,
    ) -> Note:
        text = f"{excerpt(frame.action or frame.kind.name, 64)} from {leg.peer} relayed to {leg.other.peer}"
        if isinstance(told, StatusReported):
            text += f"; connector {told.connector_id} is {excerpt(told.status, 40)}"
            if told.error_code != "NoError":
                text += f" ({excerpt(told.error_code, 40)})"
        if oddities:
            text += f"; odd: {', '.join(oddities)}"
        fields = {
            "LEG": leg.value,
            "OCPP_ACTION": excerpt(frame.action, 64),
            "OCPP_MESSAGE_ID": excerpt(frame.message_id, 64),
            "ODDITIES": " ".join(oddities),
        }
        what = "odd_call_relayed" if oddities else "call_relayed"
        level = Level.WARNING if oddities else Level.DEBUG if routine else Level.INFO
        return Note(what, text, level, fields)

    def _answer(self, leg: Leg, frame: Frame, now: Moment) -> list[Effect]:
        call, effects = self.relay.answer(leg, frame, now.monotonic)
        if call is not None and call.origin is Origin.GATEWAY:
            return [*self._own_answered(frame, now), *effects]
        if not any(isinstance(effect, Send) for effect in effects) and not self.unparsable.unasked(leg, now.monotonic):
            text = f"too many answers from {leg.peer} that nobody asked for within a minute, closing with 1002"
            return self._end(leg, 1002, "too many unasked answers", text, "answer_flood")
        if call is None or frame.kind is Kind.ERROR or self.dialect is None:
            return effects
        if leg is Leg.DOWN:
            return [*self._command_answered(self.dialect, call, frame, now), *effects]
        learnt: list[Effect] = []
        match call.told:
            case BootReported():
                registration = self.dialect.read_registration(frame.payload)
                learnt = self.view.answered_boot(registration, now)
                self._expect_heartbeats()
            case TransactionStarted():
                learnt = self.view.numbered(call.told, self.dialect.read_number(frame.payload), now)
            case StatusReported() | TransactionStopped():
                learnt = self.view.delivered(call.told, now)
        current_time = self.dialect.read_time(call.action, frame.payload)
        return [*self._learn_time(current_time, call, now), *learnt, *effects]

    def _command_answered(self, dialect: Dialect, call: OpenCall, frame: Frame, now: Moment) -> list[Effect]:
        """The charger answered a command of upstream's."""
        if not isinstance(call.told, RemoteStartRequested) or not dialect.read_accepted(frame.payload):
            return []
        return self.view.learn(call.told, now)[0]

    def _own_answered(self, frame: Frame, now: Moment) -> list[Effect]:
        """The charger answered a question of the gateway's own: one that it refuses is the last.

        Unless it was about the charger itself, which some take for a mistake (1.6 6.51 and 5.17 differ).
        """
        if frame.kind is Kind.RESULT and self.dialect is not None and self.dialect.read_accepted(frame.payload):
            return []
        if self.refresh.last_asked == CHARGER:
            return []
        return self._never_again("answers that it cannot", now)

    def _never_again(self, what: str, now: Moment) -> list[Effect]:
        self.refresh.ended = True
        text = f"the charger {what} when it is asked for a status: it is not asked again with this firmware"
        note = Note("trigger_taken_badly", text)
        return [*self.view.took_trigger_badly(now), Disarm(self.refresh_key), note]

    def _learn_time(self, current_time: datetime | None, call: OpenCall, now: Moment) -> list[Effect]:
        upstream = self.policy.upstream
        if current_time is None or upstream is None:
            return []
        return [LearnTime(upstream.name, current_time, now.monotonic - call.asked_at, now)]

    def _expect_heartbeats(self) -> None:
        """After a plain reconnect no boot is due (1.6-J 5.4), and the charger keeps the interval it was told before."""
        if self.view.heartbeat_s is not None:
            self._legs[Leg.DOWN].expect_heartbeats(self.view.heartbeat_s)

    def _misfit(self, leg: Leg, frame: Frame, now: Moment) -> list[Effect]:
        if not self.unparsable.received(leg, now.monotonic):
            text = f"too many unparsable frames from {leg.peer} within a minute, closing with 1002"
            return self._end(leg, 1002, "too many unparsable messages", text, "unparsable_flood")
        if leg is Leg.DOWN and frame.flaw is not Flaw.NO_ACTION:
            repaired = self._repaired(frame)
            if self.unparsable.held:
                text = f"unparsable frame from charger held back: {excerpt(frame.text)}"
                note = Note("unparsable_held_back", text, Level.WARNING, {"LEG": leg.value})
                learnt = self._read(self.dialect, repaired, now)[1] if repaired and self.dialect else []
                return [*learnt, note]
            self.unparsable.relayed(now.monotonic)
            if repaired is not None:
                self.relay.excuse(now.monotonic)
                return self._call(leg, repaired, now)
        return self.relay.misfit(leg, frame, now.monotonic)

    def _repaired(self, frame: Frame) -> Frame | None:
        """The CALL that a frame of the charger would be without what is known to spoil it; relayed as it came."""
        text = self.view.corrections.repaired(frame.text) if frame.flaw is Flaw.NOT_JSON else None
        if text is None:
            return None
        repaired = parse(text)
        if repaired.kind is not Kind.CALL:
            return None
        return replace(repaired, text=frame.text, flaw=frame.flaw)

    def _give_time(self) -> list[Effect]:
        """The charger connected or booted: it reports by itself, if it is one of the good ones."""
        wait_s = self.refresh.wait_s
        return [] if wait_s is None else [Arm(self.refresh_key, wait_s)]

    def _refresh(self, now: Moment) -> list[Effect]:
        if self.dialect is None or not self.view.may_be_triggered:
            return []
        found = self.refresh.next(self.relay.open_on(Leg.DOWN) > 0, now.monotonic)
        if found is None:
            return []
        if isinstance(found, float):
            return [Arm(self.refresh_key, found)]
        asked = self.relay.own_call(self.own_ids.next(), self.dialect, found, now.monotonic)
        return [*asked, Arm(self.refresh_key, BETWEEN_S)]

    def _unreported(self) -> set[int]:
        known = {connector.record.connector_id for connector in self.view.connectors}
        return expected_connectors(known) - self._confirmed

    def _silent(self, leg: Leg, live: Liveness) -> list[Effect]:
        text = f"nothing heard from {leg.peer} for {live.limit_s:.0f} s, closing both legs"
        return self._end(leg, 1001, "idle", text, f"{leg.peer}_silent")

    def _end(self, leg: Leg, code: int, reason: str, text: str, what: str) -> list[Effect]:
        """This side ends the connection because of what the peer of `leg` did."""
        guilty = CloseLeg(leg, self.generation, code, reason)
        other = CloseLeg(leg.other, self.generation, 1001 if leg is Leg.UP else 1000, reason)
        note = Note(what, text, Level.WARNING, {"LEG": leg.value, "CLOSE_CODE": str(code)})
        return [guilty, other, note, *self._finish()]

    def _finish(self) -> list[Effect]:
        self.ended = True
        keys = [self.expire_key, self.refresh_key]
        for live in self._legs.values():
            keys += [live.ping_key, live.idle_key]
        return [Disarm(key) for key in keys]


def _passed_on(code: int | None, lost: Leg) -> int:
    """The close code for the other leg.

    Upstream's own code reaches the charger, as it would without a gateway, where an endpoint may send it (RFC 6455
    7.4); upstream only learns whether the charger left in good order.
    """
    if lost is Leg.DOWN:
        return 1000 if code == 1000 else 1001
    sendable = code is not None and (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999)
    return code if sendable and code is not None else 1001
