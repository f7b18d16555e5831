"""The texts that peers send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def call(message_id: str, action: str = "Heartbeat", payload: Mapping[str, Any] | None = None) -> str:
    """The text of a CALL."""
    return json.dumps([2, message_id, action, payload or {}])


def result(message_id: str, payload: Mapping[str, Any] | None = None) -> str:
    """The text of a CALLRESULT."""
    return json.dumps([3, message_id, payload or {}])


def error(message_id: str, code: str = "NotSupported") -> str:
    """The text of a CALLERROR."""
    return json.dumps([4, message_id, code, "", {}])


def status(message_id: str, connector: int = 1, word: str = "Available", error_code: str = "NoError") -> str:
    """The text of a 1.6 StatusNotification."""
    payload = {"connectorId": connector, "status": word, "errorCode": error_code}
    return call(message_id, "StatusNotification", payload)


def stamp(moment: datetime) -> str:
    """A time as chargers write it, in whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
