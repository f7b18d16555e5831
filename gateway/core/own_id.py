"""Message ids of the gateway's own CALLs: lower-case UUID4, never a peer's (OCPP 2.0.1 part 4, 6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID


@dataclass(slots=True)
class OwnIds:
    """An endless supply of ids from one random seed, so that the core needs no randomness of its own."""

    seed: bytes
    _count: int = 0

    def next(self) -> str:
        """A fresh id."""
        self._count += 1
        digest = sha256(self.seed + self._count.to_bytes(8)).digest()
        return str(UUID(bytes=digest[:16], version=4))
