"""Are these the credentials last accepted? Salted scrypt of whole Authorization headers, off the event loop.

The header is never stored nor logged. A hash is written as `scrypt$n$r$p$salt$key`, so that its cost may change.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

LOG = logging.getLogger("gateway.runtime")

MOST_REMEMBERED = 1024
"""Answers kept of each kind: several times the chargers of a large site, at about 100 bytes each."""

_SALT_BYTES = 16
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Cost:
    """What one scrypt costs: about 128 * n * r bytes, and time in proportion to n * r * p."""

    n: int
    r: int
    p: int


COST = Cost(n=2**12, r=8, p=1)
"""4 MiB and about 10 ms on a PC, 50 ms on a Pi: a reconnect storm must not exhaust the one, nor take minutes."""

_MOST_BYTES = 32 * 2**20  # a stored cost that needs more memory was not written by us
_STORED = re.compile(r"scrypt\$([0-9]{1,6})\$([0-9]{1,2})\$([0-9])\$([0-9a-f]{32})\$([0-9a-f]{64})")

Derive = Callable[[bytes, bytes, Cost], bytes]
"""Secret, salt, cost: the derived key. Runs on the worker thread."""


def scrypt(secret: bytes, salt: bytes, cost: Cost) -> bytes:
    """RFC 7914. Raises ValueError for a cost that makes no sense."""
    return hashlib.scrypt(secret, salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=_MOST_BYTES, dklen=_KEY_BYTES)


class Credentials:
    """Compares and hashes one header at a time; who gives up waiting is skipped.

    Repeats are answered from memory, by an HMAC under a key of this process life. So when all chargers come
    back at once each costs one scrypt, and so does one that keeps trying a wrong password. The queue is as long
    as there are sockets that wait for a verdict, and those are bounded per station.
    """

    def __init__(self, derive: Derive = scrypt) -> None:
        self._derive = derive
        self._key = secrets.token_bytes(32)
        self._turn = asyncio.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evgate-scrypt")
        # Two memories, so that a flood of wrong headers cannot push out the right ones.
        self._same = _Recent(MOST_REMEMBERED)
        self._different = _Recent(MOST_REMEMBERED)

    async def check(self, authorization: str | None, stored: str | None) -> bool:
        """Is this the header that `stored` was made from? None and None are the same; an unreadable hash never is."""
        if authorization is None or stored is None:
            return authorization is None and stored is None
        mark = self._mark(authorization, stored)
        if (known := self._recall(mark)) is not None:
            return known
        async with self._turn:
            # Whoever had the turn before may have been the same charger.
            if (known := self._recall(mark)) is not None:
                return known
            same = await self._compare(authorization, stored)
            (self._same if same else self._different).add(mark)
        return same

    async def hash(self, authorization: str) -> str:
        """The salted hash to store."""
        salt = secrets.token_bytes(_SALT_BYTES)
        async with self._turn:
            key = await self._derived(authorization, salt, COST)
        stored = f"scrypt${COST.n}${COST.r}${COST.p}${salt.hex()}${key.hex()}"
        self._same.add(self._mark(authorization, stored))
        return stored

    async def _compare(self, authorization: str, stored: str) -> bool:
        parts = _STORED.fullmatch(stored)
        try:
            if parts is None:
                raise ValueError("not of the form scrypt$n$r$p$salt$key")
            cost = Cost(int(parts[1]), int(parts[2]), int(parts[3]))
            key = await self._derived(authorization, bytes.fromhex(parts[4]), cost)
        except ValueError as error:
            LOG.warning(
                "A stored credential hash cannot be read (%s), so its charger counts as one with other "
                "credentials. Let it connect once while its upstream is there: that writes a new hash.",
                error,
            )
            return False
        return hmac.compare_digest(key, bytes.fromhex(parts[5]))

    async def _derived(self, authorization: str, salt: bytes, cost: Cost) -> bytes:
        # One worker, because a cancelled turn ends before the scrypt that it began.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, self._derive, _bytes(authorization), salt, cost)

    def _mark(self, authorization: str, stored: str) -> bytes:
        """A keyed digest of both: nothing to be learnt from it, nor from how long it takes to look it up."""
        header = _bytes(authorization)
        return hmac.digest(self._key, len(header).to_bytes(8) + header + _bytes(stored), "sha256")

    def _recall(self, mark: bytes) -> bool | None:
        if self._same.knows(mark):
            return True
        return False if self._different.knows(mark) else None


class _Recent:
    """The marks used last, a bounded number of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._marks: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, mark: bytes) -> bool:
        if mark not in self._marks:
            return False
        self._marks.move_to_end(mark)
        return True

    def add(self, mark: bytes) -> None:
        self._marks[mark] = None
        if len(self._marks) > self._most:
            self._marks.popitem(last=False)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
