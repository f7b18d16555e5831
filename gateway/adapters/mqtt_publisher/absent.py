"""The `Publisher` port where the broker must not be dialled, because its password or certificate cannot be had."""

from __future__ import annotations

import asyncio

from gateway.core.message import Message
from gateway.runtime.ports import PublisherState


class AbsentPublisher:
    """Publishes nothing, and says why."""

    def __init__(self, broker: str, why: str) -> None:
        self._state = PublisherState(False, None, broker, 0, None, why)

    def put(self, message: Message) -> None:
        """There is nobody to tell; what is published is told anew to the next broker, after a restart."""

    def state(self) -> PublisherState:
        """Not connected."""
        return self._state

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    async def stop(self, last: Message) -> None:
        """Nothing to flush."""
