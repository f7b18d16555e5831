"""Why there is no connection. Each message ends with what to do next."""

from __future__ import annotations

import ssl


class ConnectFailed(Exception):
    """No connection; the message says what happened and ends with what to do next."""


class Unreachable(ConnectFailed):
    """Nothing took the connection, or TLS failed."""


class Unanswered(ConnectFailed):
    """Somebody took the connection, and no CONNACK came: also what brokers without MQTT 5 do."""


class Refused(ConnectFailed):
    """The broker answered no."""

    def __init__(self, message: str, *, unsupported: bool) -> None:
        super().__init__(message)
        self.unsupported = unsupported


def unreachable(name: str, error: Exception) -> Unreachable:
    """What went wrong between here and the broker, in words for an installer."""
    if isinstance(error, ssl.SSLError):
        text = f"TLS with {name} failed ({error}); check [mqtt] ca, certificate, key and the host name in url"
    elif isinstance(error, TimeoutError):
        text = f"{name} does not answer; check [mqtt] url and the network"
    else:
        text = f"no connection to {name} ({error}); check [mqtt] url, and that the broker runs"
    return Unreachable(text)
