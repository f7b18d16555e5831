"""Who waits for which answer: the CALLs that one peer has been sent and has not answered yet.

One table per leg and connection. Ids are text and belong to the leg: the two directions never share a table, because
both sides count 1, 2, 3 on their own (OCPP-J 1.6 4.1.4). A repeated id is legal (J16E 3.1): each answer settles the
oldest CALL of that id.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from gateway.core.reports import Report

MOST_OPEN = 512
"""More open CALLs than any charger pipelines; beyond this the oldest counts as unanswered, so memory stays bounded."""

UNANSWERED_AFTER_S = 600.0
"""Nobody waits longer: the longest wait met in the field is a charger's own 5 minutes."""

REMEMBERED = 256
"""Settled and given-up ids kept, to tell a duplicate or late answer from one that nobody asked for."""


class Origin(Enum):
    """Who made a CALL."""

    PEER = "peer"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A CALL that waits for its answer; `told` is what the gateway read in it."""

    message_id: str
    action: str
    origin: Origin
    asked_at: float
    told: Report | None = None


class Match(Enum):
    """How an answer fits; the value is the name under which the misfitting ones are counted."""

    EXPECTED = "expected"
    LATE = "late_answer"
    DUPLICATE = "duplicate_answer"
    UNKNOWN = "unknown_answer"


@dataclass(slots=True)
class OpenCalls:
    """The CALLs sent to one peer on one connection, oldest first."""

    _open: dict[int, OpenCall] = field(default_factory=dict)
    """By the number of the CALL, in the order of asking."""
    _numbers: dict[str, deque[int]] = field(default_factory=dict)
    """The open CALLs of one id, oldest first."""
    _asked: int = 0
    _settled: OrderedDict[str, OpenCall] = field(default_factory=OrderedDict)
    _given_up: OrderedDict[str, OpenCall] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[OpenCall]:
        return iter(list(self._open.values()))

    def asked(self, call: OpenCall) -> list[OpenCall]:
        """Remember a CALL that goes out; returns those given up to make room."""
        self._settled.pop(call.message_id, None)
        self._given_up.pop(call.message_id, None)
        self._asked += 1
        self._open[self._asked] = call
        self._numbers.setdefault(call.message_id, deque()).append(self._asked)
        if len(self) <= MOST_OPEN:
            return []
        return [self._give_up(next(iter(self._open.values())))]

    def answered(self, message_id: str) -> tuple[Match, OpenCall | None]:
        """Settle the oldest CALL of this id; for a late or duplicate answer the CALL it belonged to."""
        if message_id in self._numbers:
            call = self._take(message_id)
            _remember(self._settled, call)
            return Match.EXPECTED, call
        if message_id in self._given_up:
            call = self._given_up.pop(message_id)
            _remember(self._settled, call)
            return Match.LATE, call
        if message_id in self._settled:
            return Match.DUPLICATE, self._settled[message_id]
        return Match.UNKNOWN, None

    def expire(self, now: float) -> list[OpenCall]:
        """Give up the CALLs that have waited too long; `now` is monotonic seconds."""
        return [self._give_up(call) for call in self if now - call.asked_at >= UNANSWERED_AFTER_S]

    def _give_up(self, call: OpenCall) -> OpenCall:
        """`call` is the oldest of its id."""
        _remember(self._given_up, self._take(call.message_id))
        return call

    def _take(self, message_id: str) -> OpenCall:
        """The oldest open CALL of this id."""
        numbers = self._numbers[message_id]
        call = self._open.pop(numbers.popleft())
        if not numbers:
            del self._numbers[message_id]
        return call


def _remember(memory: OrderedDict[str, OpenCall], call: OpenCall) -> None:
    memory[call.message_id] = call
    memory.move_to_end(call.message_id)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
