"""The client end of an OCPP-J link, whatever OCPP version a charger speaks over it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from ssl import SSLContext
from types import TracebackType
from typing import Self
from urllib.parse import quote

from gateway.sim.answers import Answer, AnswerBook
from gateway.sim.credentials import basic
from gateway.sim.errors import Disconnected
from gateway.sim.framing import JsonObject, MessageId
from gateway.sim.ledger import Ledger
from gateway.sim.link import CALL_TIMEOUT_S, Link
from gateway.sim.sockets import dial

# The gateway may ask its upstream for 3 s before it answers the upgrade.
CONNECT_TIMEOUT_S = 10.0


class Dialer:
    """Dials `<url_base>/<identity>`, as often as asked. One ledger spans all its connections."""

    def __init__(
        self,
        url_base: str,
        identity: str,
        *,
        subprotocols: Sequence[str] = ("ocpp1.6",),
        password: bytes | str | None = None,
        username: str | None = None,
        path_segment: str | None = None,
        headers: Mapping[str, str] | None = None,
        ssl: SSLContext | None = None,
        receive_buffer_bytes: int | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        segment = quote(identity, safe="") if path_segment is None else path_segment
        self.url = f"{url_base.rstrip('/')}/{segment}"
        self.identity = identity
        self.subprotocols = subprotocols
        self.ledger = ledger or Ledger()
        self.answers = AnswerBook({})
        self.answer_delay_s = 0.0
        self.answers_pings = True
        self.connect_count = 0
        self._headers = dict(headers or {})
        if password is not None:
            self._headers["Authorization"] = basic(username or identity, password)
        self._ssl = ssl
        self._receive_buffer_bytes = receive_buffer_bytes
        self._link: Link | None = None
        self._reader: asyncio.Task[None] | None = None

    # --- connection -----------------------------------------------------------------------------

    async def connect(self, timeout_s: float = CONNECT_TIMEOUT_S) -> Self:
        """Dial once. Raises Refused (HTTP status) or Unreachable."""
        socket = await dial(
            self.url,
            subprotocols=self.subprotocols,
            headers=self._headers,
            timeout_s=timeout_s,
            ssl=self._ssl,
            receive_buffer_bytes=self._receive_buffer_bytes,
        )
        socket.answers_pings = self.answers_pings
        self._link = Link(socket, [self.ledger], self.answers)
        self._link.answer_delay_s = self.answer_delay_s
        self._reader = asyncio.create_task(self._link.run(), name=f"sim {self.identity}")
        self.connect_count += 1
        return self

    @property
    def link(self) -> Link:
        """The newest connection; Disconnected before the first."""
        if self._link is None:
            raise Disconnected(1006, "never connected")
        return self._link

    @property
    def connected(self) -> bool:
        """Whether frames can be sent."""
        return self._link is not None and self._link.open

    @property
    def subprotocol(self) -> str | None:
        """What the server chose, None for no header."""
        return self.link.socket.subprotocol

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a close frame; nothing happens when not connected."""
        if self._link is not None:
            await self._link.close(code, reason)
        await self._join()

    async def abort(self) -> None:
        """Vanish: TCP reset without a close frame."""
        if self._link is not None:
            self._link.abort()
        await self._join()

    async def wait_closed(self, timeout_s: float | None = 10.0) -> tuple[int, str]:
        """Wait until the server closed; returns close code (1006: none) and reason."""
        return await self.link.wait_closed(timeout_s)

    async def _join(self) -> None:
        if self._reader is not None:
            await self._reader

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- frames ---------------------------------------------------------------------------------

    async def call(
        self,
        action: str,
        payload: JsonObject | None = None,
        message_id: MessageId | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> JsonObject:
        """Send a CALL and return the payload of its answer; CallFailed, CallTimeout, Disconnected else."""
        return await self.link.call(action, payload, message_id, timeout_s)

    async def pipeline(
        self, calls: Iterable[tuple[str, JsonObject]], timeout_s: float = CALL_TIMEOUT_S
    ) -> list[JsonObject]:
        """Write all CALLs before any answer is awaited; returns the answers in the order of the calls."""
        futures = [await self.link.start_call(action, payload) for action, payload in calls]
        async with asyncio.timeout(timeout_s):
            return list(await asyncio.gather(*futures))

    async def send_raw(self, text: str) -> None:
        """Send a text frame exactly as it is."""
        await self.link.send_raw(text)

    async def send_binary(self, data: bytes) -> None:
        """Send a binary frame."""
        await self.link.send_binary(data)

    def answer(self, action: str, answer: Answer) -> None:
        """Override the answer to an upstream CALL; `"*"` means every action."""
        self.answers.set(action, answer)
