"""The desk: answers what operators ask through the control socket, and carries out what they decide."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from gateway.core.record import identity_key
from gateway.core.redact import excerpt
from gateway.runtime.enrolment import Enrolment, NotDone
from gateway.runtime.message_log import MessageLog
from gateway.runtime.ports import Clock
from gateway.runtime.report import Report
from gateway.runtime.stations import Stations

QUESTIONS = ("status", "chargers", "adopt", "forget", "log")


class _AskedWrongly(Exception):
    """The question cannot be read; the message says how it should be."""


@dataclass(slots=True)
class OperatorDesk:
    """Implements the `Desk` port."""

    clock: Clock
    report: Report
    stations: Stations
    enrolment: Enrolment
    messages: MessageLog
    _decisions: set[asyncio.Task[str]] = field(default_factory=set)

    async def ask(self, request: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        """The answers to one question; see `QUESTIONS`."""
        try:
            match request.get("ask"):
                case "status":
                    yield self.report.status(self.clock.now())
                case "chargers":
                    yield self.report.chargers()
                case "adopt":
                    yield {"done": await self._decided(self.enrolment.adopt(_identity(request, "identity")))}
                case "forget":
                    force = request.get("force") is True
                    yield {"done": await self._decided(self.enrolment.forget(_identity(request, "identity"), force))}
                case "log":
                    async with aclosing(self._log(request)) as entries:
                        async for entry in entries:
                            yield entry
                case asked:
                    raise _AskedWrongly(f"{excerpt(str(asked), 40)!r} is no question, known are {', '.join(QUESTIONS)}")
        except _AskedWrongly as error:
            yield {"error": f"{error}: use the evgate command of the same version as the daemon"}
        except NotDone as error:
            yield {"error": str(error)}

    async def _decided(self, decision: Coroutine[Any, Any, str]) -> str:
        """Carry it out to its end, even if whoever asked for it hangs up: half of it would be nobody's decision."""
        task = asyncio.create_task(decision)
        self._decisions.add(task)
        task.add_done_callback(self._decisions.discard)
        return await asyncio.shield(task)

    async def _log(self, request: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        identity = None if request.get("charger") is None else self._known(_identity(request, "charger"))
        if request.get("follow") is not True:
            async for entry in self.messages.entries(identity):
                yield entry
            return
        # Followed from before the first entry is read, so that nothing falls between what was and what comes.
        with self.messages.follow(identity) as news:
            async for entry in self.messages.entries(identity):
                yield entry
            async for entry in news:
                yield entry

    def _known(self, identity: str) -> str:
        if self.stations.find(identity) is None and not self.messages.holds(identity):
            waiting = self.stations.quarantine.find(identity)
            where = "waits in quarantine and was never let in" if waiting else "is not known"
            raise NotDone(f"{excerpt(identity, 80)} {where}: see evgate charger list")
        return identity_key(identity)


def _identity(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value:
        raise _AskedWrongly(f"{key!r} must be a charger's identity")
    return value
