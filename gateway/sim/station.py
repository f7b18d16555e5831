"""One station as the simulated CSMS sees it: its script, its connections and its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.sim.answers import Answer, AnswerBook, Rule
from gateway.sim.credentials import basic
from gateway.sim.errors import Disconnected
from gateway.sim.framing import JsonObject, MessageId
from gateway.sim.ledger import Bell, Ledger
from gateway.sim.link import CALL_TIMEOUT_S, Link
from gateway.sim.sockets import ServerSocket

# Pick the first offered subprotocol that the CSMS speaks.
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an upgrade is answered. `status` 101 accepts.

    `subprotocol`: AUTO picks, None answers without the header, any other text is put there as it is.
    `close_code` closes the accepted socket at once.
    """

    status: int = 101
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    subprotocol: str | None = AUTO
    close_code: int | None = None


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One upgrade request as it arrived, and the HTTP status that it got (0: none yet)."""

    path: str
    subprotocols: tuple[str, ...]
    authorization: str | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    status: int = 0


class SimStation:
    """Script and records of one identity. Made at first mention, before or after the first dial."""

    def __init__(self, identity: str, *, rules: Mapping[str, Rule], keep_frames: bool) -> None:
        self.identity = identity
        self.verdict: Verdict | None = None
        self.expected_authorization: str | None = None
        self.answers = AnswerBook(rules)
        self.ledger = Ledger(keep=keep_frames)
        self.upgrades: list[Upgrade] = []
        self.links: list[Link] = []
        self.ledgers: list[Ledger] = []
        self.answer_delay_s = 0.0
        self.answers_pings = True
        self.upgrading = asyncio.Event()
        self.upgrading.set()
        self.answering = asyncio.Event()
        self.answering.set()
        self._bell = Bell()

    # --- script ---------------------------------------------------------------------------------

    def refuse(self, status: int, headers: Mapping[str, str] | None = None, body: str = "") -> None:
        """Answer every upgrade with this HTTP status from now on."""
        self.verdict = Verdict(status=status, headers=headers or {}, body=body)

    def accept(self, subprotocol: str | None = AUTO) -> None:
        """Accept upgrades from now on, with this subprotocol (None: without the header)."""
        self.verdict = Verdict(subprotocol=subprotocol)

    def expect_password(self, password: bytes | str, username: str | None = None) -> None:
        """Answer 401 to other credentials than these."""
        self.expected_authorization = basic(username or self.identity, password)

    def hold_upgrades(self) -> None:
        """Accept TCP, read the request and stay silent until `release_upgrades`."""
        self.upgrading.clear()

    def release_upgrades(self) -> None:
        """Give the verdicts that were held, and all later ones."""
        self.upgrading.set()

    def answer(self, action: str, answer: Answer) -> None:
        """Override the answer to an action; `"*"` means every action, SILENT gives none."""
        self.answers.set(action, answer)

    def hold_answers(self) -> None:
        """Keep answers back, in order, until `release_answers`."""
        self.answering.clear()

    def release_answers(self) -> None:
        """Send the answers that were held, and all later ones."""
        self.answering.set()

    def stop_reading(self) -> None:
        """Take nothing more from the newest socket: the gateway's TCP window fills."""
        self.link.stop_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self.link.resume_reading()

    # --- the newest connection ------------------------------------------------------------------

    @property
    def link(self) -> Link:
        """The newest connection; Disconnected before the first."""
        if not self.links:
            raise Disconnected(1006, f"{self.identity} never connected")
        return self.links[-1]

    @property
    def connected(self) -> bool:
        """Whether the newest connection is open."""
        return bool(self.links) and self.links[-1].open

    @property
    def connect_count(self) -> int:
        """Number of accepted connections so far."""
        return len(self.links)

    async def call(
        self,
        action: str,
        payload: JsonObject | None = None,
        message_id: MessageId | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> JsonObject:
        """Send a command and return the payload of its answer; CallFailed, CallTimeout, Disconnected else."""
        return await self.link.call(action, payload, message_id, timeout_s)

    async def send_raw(self, text: str) -> None:
        """Send a text frame exactly as it is."""
        await self.link.send_raw(text)

    async def send_binary(self, data: bytes) -> None:
        """Send a binary frame."""
        await self.link.send_binary(data)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the newest connection with this code."""
        await self.link.close(code, reason)

    def abort(self) -> None:
        """Break the newest connection with a TCP reset."""
        self.link.abort()

    # --- waiting --------------------------------------------------------------------------------

    async def wait_upgrades(self, count: int = 1, timeout_s: float = 10.0) -> Upgrade:
        """Wait for the `count`-th upgrade request, answered or not; returns it."""
        await self._bell.wait_until(
            lambda: len(self.upgrades) >= count, timeout_s, f"upgrade request {count} of {self.identity}"
        )
        return self.upgrades[count - 1]

    async def wait_connected(self, count: int = 1, timeout_s: float = 10.0) -> Link:
        """Wait until the `count`-th connection was accepted and the newest one is open."""
        await self._bell.wait_until(
            lambda: len(self.links) >= count and self.connected,
            timeout_s,
            f"connection {count} of {self.identity}",
        )
        return self.link

    async def wait_closed(self, timeout_s: float = 10.0) -> tuple[int, str]:
        """Wait until the newest connection is closed; returns close code (1006: none) and reason."""
        return await self.link.wait_closed(timeout_s)

    # --- for SimCsms ----------------------------------------------------------------------------

    def note_upgrade(self, upgrade: Upgrade) -> int:
        """Record a request; returns its index."""
        self.upgrades.append(upgrade)
        self._bell.ring()
        return len(self.upgrades) - 1

    def open_link(self, socket: ServerSocket) -> Link:
        """Make the link of an accepted connection; it is the newest from now on."""
        ledger = Ledger(keep=self.ledger.keep)
        link = Link(socket, [ledger, self.ledger], self.answers)
        link.answer_delay_s = self.answer_delay_s
        link.answering = self.answering
        socket.answers_pings = self.answers_pings
        self.ledgers.append(ledger)
        self.links.append(link)
        self._bell.ring()
        return link
