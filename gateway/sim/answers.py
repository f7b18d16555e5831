"""How a simulated peer answers CALLs: default rules per action, overridden by a script."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from gateway.sim.framing import Call, CallError, CallResult, JsonObject, encode


@dataclass(frozen=True, slots=True)
class Failure:
    """Answer with CALLERROR."""

    code: str
    description: str = ""
    details: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """Send exactly this text in place of an answer."""

    text: str


class Silence(enum.Enum):
    """Give no answer at all."""

    SILENT = "silent"


SILENT = Silence.SILENT
ANY_ACTION = "*"

Reply = JsonObject | Failure | Raw | Silence


@dataclass(frozen=True, slots=True)
class Then:
    """Give this reply, then do something."""

    reply: Reply
    follow_up: Callable[[], Awaitable[object]]


Rule = Callable[[Call], "Reply | Then | Awaitable[Reply | Then]"]
Answer = Reply | Then | Rule


class AnswerBook:
    """Picks the reply to a CALL: override for the action, override for "*", default rule, NotImplemented."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self.overrides: dict[str, Answer] = {}

    def set(self, action: str, answer: Answer) -> None:
        """Answer `action` ("*": every action) like this from now on."""
        self.overrides[action] = answer

    def reset(self, action: str | None = None) -> None:
        """Back to the default rule of `action`, or of all."""
        if action is None:
            self.overrides.clear()
        else:
            self.overrides.pop(action, None)

    async def reply_to(self, call: Call) -> Reply | Then:
        """The reply that the script or the rules give."""
        for key in (call.action, ANY_ACTION):
            if key in self.overrides:
                return await _resolve(self.overrides[key], call)
        if call.action in self._rules:
            return await _resolve(self._rules[call.action], call)
        return Failure("NotImplemented", f"{call.action} is not known to this simulator")


async def _resolve(answer: Answer, call: Call) -> Reply | Then:
    if not callable(answer):
        return answer
    reply = answer(call)
    return await reply if inspect.isawaitable(reply) else reply


def reply_text(call: Call, reply: Reply) -> str | None:
    """The frame text of a reply, None for silence."""
    match reply:
        case Failure():
            return encode(CallError(call.message_id, reply.code, reply.description, reply.details))
        case Raw():
            return reply.text
        case Silence.SILENT:
            return None
        case _:
            return encode(CallResult(call.message_id, reply))
