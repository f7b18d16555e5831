"""Registry: which dialect speaks which subprotocol. One without a dialect is relayed, its payloads are not read."""

from __future__ import annotations

from typing import Final

from gateway.core.ports import Dialect
from gateway.dialects.v16 import Dialect16

DIALECTS: Final[dict[str, Dialect]] = {"ocpp1.6": Dialect16()}

__all__ = ["DIALECTS", "Dialect16"]
