"""What all payloads share: times, ids, and JSON that every consumer can read."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.core.moment import timestamp

LONGEST_TEXT = 500
"""Characters of one string: ten times what OCPP allows for `info`, and far below any broker's limit."""

LARGEST_INTEGER = 2**53 - 1
"""The largest whole number that every reader of JSON takes exactly, JavaScript included (RFC 8259, 6)."""

Payload = dict[str, Any]

_UNFIT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Context:
    """Who tells: the site id, this run of the daemon, and how far its clock is trusted at this moment."""

    gateway: str
    boot_id: str = ""
    time_trust: str | None = None


def to_json(payload: Payload) -> str:
    """Compact JSON that every consumer can read: see `_fit`."""
    return json.dumps(_fit(payload), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _fit(value: Any) -> Any:
    """NaN, infinities and huge integers as null; texts cut, without NUL and lone surrogates."""
    match value:
        case str():
            return _UNFIT.sub("\ufffd", value[:LONGEST_TEXT])
        case bool() | None:
            return value
        case int():
            return value if abs(value) <= LARGEST_INTEGER else None
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _fit(item) for key, item in value.items()}
        case _:
            return [_fit(item) for item in value]


def when(moment: datetime | None) -> str | None:
    """The time as payloads carry it; None stays None."""
    return None if moment is None else timestamp(moment)


def version(protocol: str | None) -> str | None:
    """`1.6` for the subprotocol `ocpp1.6`."""
    return None if protocol is None else protocol.removeprefix("ocpp")


def numbered_id(context: Context, charger: str, connector_id: int, number: int) -> str:
    """The name of a fault or session: unique wherever several gateways report to one place."""
    return f"{context.gateway}-{charger}-{connector_id}-{number}"


def visit_id(context: Context, charger: str, connector_id: int, visit: int | None) -> str | None:
    """The name of a stay from plug-in to unplug; None where there is none."""
    return None if visit is None else f"{context.gateway}-{charger}-{connector_id}-v{visit}"
