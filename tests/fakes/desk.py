"""A desk that answers what the test says; obeys the port of the runtime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Request = Mapping[str, Any]
Answer = Mapping[str, Any]


@dataclass
class FakeDesk:
    """Gives `answers` to every question; then, to one with `follow`, what is put into `news`, until it is closed.

    A `slow` one takes its time for every question.
    """

    answers: list[Any] = field(default_factory=list)
    failure: Exception | None = None
    slow: bool = False
    asked: asyncio.Queue[Request] = field(default_factory=asyncio.Queue)
    news: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    following: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: Request) -> AsyncIterator[Answer]:
        self.asked.put_nowait(request)
        try:
            for answer in self.answers:
                yield answer
            if self.failure is not None:
                raise self.failure
            if self.slow or request.get("follow"):
                self.following.set()
                while True:
                    yield await self.news.get()
        finally:
            self.closed.set()
