"""The one place that knows the order: commit, then answer, then send, then publish, then log.

Nothing of a batch leaves the gateway before its durable effects are committed; events that wait together share one
commit. `perform` awaits the commit and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.core.effects import (
    AbandonDial,
    Admit,
    Answer,
    Arm,
    CheckCredentials,
    CloseLeg,
    Dial,
    Disarm,
    Effect,
    HashCredentials,
    LearnTime,
    Note,
    Ping,
    Publish,
    ReadUpstream,
    Refuse,
    Remember,
    SaveStation,
    Send,
)
from gateway.core.facts import Fact
from gateway.core.record import identity_key
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Change, Remembered, SavedStation
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.wiring import Wiring

ANSWER, SEND, PUBLISH, LOG = range(4)

AdmissionEffect = Dial | AbandonDial | Admit | Refuse | ReadUpstream | CheckCredentials | HashCredentials


@dataclass(slots=True)
class Performer:
    """Carries out the effects of one station."""

    identity: str
    wiring: Wiring
    safekeeping: Safekeeping
    publish: Callable[[Fact], None]
    notes: Notes
    learn_time: Callable[[LearnTime], None] = lambda _: None
    """Hears what upstream's answers tell of the time."""
    key: str = field(init=False)
    """Under which rows of this station stand."""

    def __post_init__(self) -> None:
        self.key = identity_key(self.identity)

    async def perform(self, batch: Sequence[Sequence[Effect]]) -> None:
        """Effects of several events, in the order of the events."""
        changes = self._durable(batch)
        if changes:
            await self.safekeeping.save(changes)
        for effects in batch:
            for effect in sorted(effects, key=_phase):
                self._do(effect)

    def _durable(self, batch: Sequence[Sequence[Effect]]) -> list[Change]:
        """What is to be committed; of several versions of a row the last."""
        changes: dict[str, Change] = {}
        for effects in batch:
            for effect in effects:
                match effect:
                    case SaveStation(record):
                        change: Change = SavedStation(record)
                    case Remember(known):
                        change = Remembered(self.key, known)
                    case _:
                        continue
                changes[change.row] = change
        return list(changes.values())

    def _do(self, effect: Effect) -> None:
        match effect:
            case Send(leg, generation, text) | Answer(leg, generation, text):
                self.wiring.send(leg, generation, text)
            case Publish(fact):
                self.publish(fact)
            case Note():
                self.notes.take(effect, self.identity)
            case Arm():
                self.wiring.arm(effect)
            case Disarm(key):
                self.wiring.disarm(key)
            case Ping(leg, generation):
                self.wiring.ping(leg, generation)
            case CloseLeg():
                self.wiring.close(effect)
            case LearnTime():
                self.learn_time(effect)
            case SaveStation() | Remember():
                pass  # committed before everything else
            case _:
                self._admit(effect)

    def _admit(self, effect: AdmissionEffect) -> None:
        match effect:
            case Dial():
                self.wiring.dial(effect)
            case AbandonDial(generation):
                self.wiring.abandon(generation)
            case Admit(generation, subprotocol):
                self.wiring.admit(generation, subprotocol)
            case Refuse(generation, status, text):
                self.wiring.refuse(generation, status, text)
            case ReadUpstream(generation):
                self.wiring.read_upstream(generation)
            case CheckCredentials():
                self.wiring.check_credentials(effect)
            case HashCredentials():
                self.wiring.hash_credentials(effect)


def _phase(effect: Effect) -> int:
    """Sorting is stable: within a phase the order of the core stands."""
    if isinstance(effect, Answer):
        return ANSWER
    if isinstance(effect, Publish):
        return PUBLISH
    return LOG if isinstance(effect, Note | LearnTime) else SEND
