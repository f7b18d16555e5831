"""What can go wrong for a simulated peer, as one tree.

SimError
├── Refused        the other side answered the upgrade with an HTTP status
├── Unreachable    no WebSocket came about (TCP, TLS, time, broken handshake)
├── Disconnected   the socket is closed, or was closed while an answer was awaited
├── CallFailed     the peer answered a CALL with CALLERROR
├── CallTimeout    the peer did not answer a CALL in time
└── ScriptError    a line of a charger script cannot be understood or carried out
"""

from __future__ import annotations

from collections.abc import Mapping


class SimError(Exception):
    """Base of every error that the simulator raises on purpose."""


class Refused(SimError):
    """The upgrade was answered with an HTTP status other than 101."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"the server refused the connection with HTTP {status}")
        self.status = status
        self.headers = headers
        self.body = body


class Unreachable(SimError):
    """No WebSocket connection came about and no HTTP status says why."""


class Disconnected(SimError):
    """The socket is closed; code and reason are those of the close frame, 1006 without one."""

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(f"not connected (close code {code}{': ' + reason if reason else ''})")
        self.code = code
        self.reason = reason


class CallFailed(SimError):
    """The peer answered with CALLERROR."""

    def __init__(self, action: str, code: str, description: str, details: object) -> None:
        super().__init__(f"{action} was answered with CALLERROR {code}: {description}")
        self.action = action
        self.code = code
        self.description = description
        self.details = details


class CallTimeout(SimError, TimeoutError):
    """The peer left a CALL unanswered."""


class ScriptError(SimError):
    """A step of a charger script is wrong; the message names the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
