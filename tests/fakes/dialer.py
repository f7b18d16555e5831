"""An upstream that answers dials as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.runtime.ports import DialVerdict, Unreachable, UpLink
from tests.fakes.link import MemoryLink

Outcome = MemoryLink | DialVerdict | Unreachable


class ScriptedDialer:
    """Obeys the `Dialer` port: each dial takes the next outcome, and waits while there is none."""

    host = "csms.example.com:443"

    def __init__(self) -> None:
        self.outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        self.dialled: list[tuple[str, tuple[str, ...], str | None]] = []

    async def dial(self, identity: str, subprotocols: Sequence[str], authorization: str | None) -> UpLink:
        self.dialled.append((identity, tuple(subprotocols), authorization))
        outcome = await self.outcomes.get()
        if isinstance(outcome, MemoryLink):
            return outcome
        raise outcome

    def accepts(self) -> MemoryLink:
        """The next dial gets this link."""
        link = MemoryLink()
        self.outcomes.put_nowait(link)
        return link
