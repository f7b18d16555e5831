"""One OCPP-J socket seen from one end: calls in both directions, several open at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from gateway.sim.answers import AnswerBook, Then, reply_text
from gateway.sim.errors import CallFailed, CallTimeout, Disconnected, SimError
from gateway.sim.framing import (
    Call,
    CallError,
    CallResult,
    JsonObject,
    MessageId,
    decode,
    encode,
    new_message_id,
)
from gateway.sim.ledger import RECEIVED, SENT, Bell, Direction, Ledger
from gateway.sim.sockets import AnySocket

# Longer than the gateway's own limits (10 s, 30 s), so that its reaction is seen, not ours.
CALL_TIMEOUT_S = 40.0


class Link:
    """Reads, answers and calls over one socket; every text frame goes into each of the ledgers."""

    def __init__(self, socket: AnySocket, ledgers: Sequence[Ledger], answers: AnswerBook) -> None:
        self.socket = socket
        self.answers = answers
        self.answer_delay_s = 0.0
        self.answering = asyncio.Event()
        self.answering.set()
        self.malformed = 0
        self.unmatched = 0
        self._ledgers = ledgers
        self._pending: dict[MessageId, deque[tuple[str, asyncio.Future[JsonObject]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._write_lock = asyncio.Lock()
        self._reading = asyncio.Event()
        self._reading.set()
        self._bell = Bell()
        self._ended = False

    @property
    def open(self) -> bool:
        """Whether frames can still be sent."""
        return not self._ended and self.socket.state is State.OPEN

    @property
    def closed_with(self) -> tuple[int, str] | None:
        """Close code and reason once the socket is closed; 1006 when there was no close frame."""
        if not self._ended:
            return None
        return int(self.socket.close_code or 1006), self.socket.close_reason or ""

    async def run(self) -> None:
        """Read until the socket is closed, then fail the calls that still wait."""
        try:
            while True:
                data = await self.socket.recv()
                await self._reading.wait()
                if isinstance(data, str):
                    self._take(data)
                else:
                    for ledger in self._ledgers:
                        ledger.record_binary(RECEIVED, data)
        except ConnectionClosed:
            pass
        finally:
            self._end()

    async def call(
        self,
        action: str,
        payload: JsonObject | None = None,
        message_id: MessageId | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> JsonObject:
        """Send a CALL and return the answer's payload; CallFailed, CallTimeout or Disconnected else."""
        answer = await self.start_call(action, payload, message_id)
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise CallTimeout(f"{action} was not answered within {timeout_s:g} s") from None

    async def start_call(
        self, action: str, payload: JsonObject | None = None, message_id: MessageId | None = None
    ) -> asyncio.Future[JsonObject]:
        """Send a CALL and return the future of its answer at once; calls may overtake one another."""
        self._require_open()
        key = new_message_id() if message_id is None else message_id
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        # A script may drop the future; that is no error worth a warning.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._pending.setdefault(key, deque()).append((action, answer))
        await self.send_raw(encode(Call(key, action, payload or {})))
        return answer

    async def send_raw(self, text: str) -> None:
        """Send a text frame exactly as it is; Disconnected when the socket is closed."""
        # The lock keeps the order of the ledger and the order on the wire the same.
        async with self._write_lock:
            self._require_open()
            self._record(SENT, text)
            try:
                await self.socket.send(text)
            except ConnectionClosed as closed:
                raise _disconnected(closed) from closed

    async def send_text_bytes(self, data: bytes) -> None:
        """Send a text frame of any bytes, UTF-8 or not; not written into the ledgers."""
        await self._send_unrecorded(data, text=True)

    async def send_binary(self, data: bytes) -> None:
        """Send a binary frame, which OCPP does not know."""
        for ledger in self._ledgers:
            ledger.record_binary(SENT, data)
        await self._send_unrecorded(data, text=False)

    async def _send_unrecorded(self, data: bytes, *, text: bool) -> None:
        async with self._write_lock:
            self._require_open()
            try:
                await self.socket.send(data, text=text)
            except ConnectionClosed as closed:
                raise _disconnected(closed) from closed

    def stop_reading(self) -> None:
        """Read nothing from the socket any more: the peer's TCP window fills."""
        self._reading.clear()
        self.socket.stop_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._reading.set()
        self.socket.resume_reading()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a close frame of this code."""
        if not self._reading.is_set():
            self.resume_reading()
        await self.socket.close(code, reason)

    def abort(self) -> None:
        """Vanish with a TCP reset, without a close frame."""
        self._reading.set()
        self.socket.reset()

    async def wait_closed(self, timeout_s: float | None = 10.0) -> tuple[int, str]:
        """Wait until the socket is closed; returns close code and reason."""
        await self._bell.wait_until(lambda: self._ended, timeout_s, "the close of the socket")
        return self.closed_with or (1006, "")

    def _require_open(self) -> None:
        if not self.open:
            raise Disconnected(*(self.closed_with or (1006, "")))

    def _record(self, direction: Direction, text: str) -> None:
        for ledger in self._ledgers:
            ledger.record(direction, text)

    def _take(self, text: str) -> None:
        # Effects come before the ledger's waiters, so that whoever sees the frame sees its effect.
        frame = decode(text)
        match frame:
            case Call():
                self._spawn_answer(frame)
            case CallResult() | CallError():
                self._settle(frame)
            case None:
                self.malformed += 1
        self._record(RECEIVED, text)

    def _spawn_answer(self, call: Call) -> None:
        task = asyncio.create_task(self._answer(call), name=f"sim answer {call.action}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, call: Call) -> None:
        answer = await self.answers.reply_to(call)
        reply, follow_up = (answer.reply, answer.follow_up) if isinstance(answer, Then) else (answer, None)
        if self.answer_delay_s:
            await asyncio.sleep(self.answer_delay_s)
        await self.answering.wait()
        text = reply_text(call, reply)
        try:
            if text is not None:
                await self.send_raw(text)
            if follow_up is not None:
                await follow_up()
        except SimError:
            # The peer left or refused; both ledgers show what it got, and nobody waits for this task.
            return

    def _settle(self, frame: CallResult | CallError) -> None:
        waiting = self._pending.get(frame.message_id)
        if not waiting:
            self.unmatched += 1
            return
        action, answer = waiting.popleft()
        if not waiting:
            del self._pending[frame.message_id]
        if answer.done():
            return
        if isinstance(frame, CallResult):
            answer.set_result(frame.payload)
        else:
            answer.set_exception(CallFailed(action, frame.code, frame.description, frame.details))

    def _end(self) -> None:
        self._ended = True
        for task in self._tasks:
            task.cancel()
        code, reason = self.closed_with or (1006, "")
        for waiting in self._pending.values():
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(Disconnected(code, reason))
        self._pending.clear()
        self._bell.ring()


def _disconnected(closed: ConnectionClosed) -> Disconnected:
    frame = closed.rcvd or closed.sent
    return Disconnected(frame.code, frame.reason) if frame else Disconnected()
