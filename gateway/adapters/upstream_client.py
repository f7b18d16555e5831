"""Dials the operator's CSMS: one link per charger, and in plain words why there is none."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import HeadersLike
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    NegotiationError,
)
from websockets.http11 import USER_AGENT
from websockets.typing import Subprotocol

from gateway.adapters.websocket_link import (
    CLOSE_TIMEOUT_S,
    LIBRARY_LOG,
    MAX_QUEUE,
    WRITE_LIMIT,
    SteadyConnection,
    WebsocketLink,
)
from gateway.core.identity import upstream_url
from gateway.core.redact import excerpt
from gateway.runtime.ports import DialVerdict, Unreachable, UpLink

DIAL_TIMEOUT_S: Final = 10.0
"""Name, TCP, TLS and upgrade together. A charger waits 3 s at most; the dial that probes a failing host goes on."""

VERDICTS: Final = frozenset({401, 403, 404})

_NETWORK = {
    errno.ECONNREFUSED: "nothing listens there: check host and port of `url`, and that the CSMS runs",
    errno.EHOSTUNREACH: "no route to it: check this machine's network and `local_address`",
    errno.ENETUNREACH: "no route to it: check this machine's network and `local_address`",
    errno.EADDRNOTAVAIL: "`local_address` is no address of this machine now: check the modem or interface",
    errno.ECONNRESET: "it cut the connection: look for a firewall in between, or ask the operator",
}

_CERTIFICATES = {
    9: "is not valid yet: check this machine's clock",
    10: "has expired: check this machine's clock, then ask the operator",
    62: "is for another host name: write the name that it holds into `url`",
    64: "is for another IP address: write the name that it holds into `url`",
}
"""OpenSSL's X509_V_ERR numbers that have a remedy of their own."""

_TLS_ALERTS = {
    "WRONG_VERSION_NUMBER": "it speaks no TLS on this port: check the port, or use ws:// in `url`",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate: set `certificate` and `key`",
    "TLSV1_ALERT_UNKNOWN_CA": "it refuses our client certificate: ask the operator which CA it takes",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it refuses our client certificate: ask the operator which CA it takes",
}


_ERRNO = re.compile(r"\[Errno (\d+)\]")


class UpstreamDialer:
    """Opens up legs to one upstream; implements the port `Dialer`.

    `url` is the template of `gateway.core.identity.upstream_url`; `tls` belongs to wss:// (None: the system's
    authorities); `max_frame` in bytes.
    """

    def __init__(
        self,
        url: str,
        *,
        max_frame: int,
        tls: ssl.SSLContext | None = None,
        local_address: str | None = None,
        dial_timeout_s: float = DIAL_TIMEOUT_S,
        close_timeout_s: float = CLOSE_TIMEOUT_S,
    ) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        host = parts.hostname or ""
        port = parts.port or (443 if secure else 80)
        self.host = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._url = url
        self._dial_timeout_s = dial_timeout_s
        self._options: dict[str, Any] = {
            "max_size": max_frame,
            "open_timeout": dial_timeout_s,
            "close_timeout": close_timeout_s,
        }
        if secure:
            self._options["ssl"] = tls or ssl.create_default_context()
            self._options["ssl_shutdown_timeout"] = close_timeout_s
        if local_address is not None:
            self._options["local_addr"] = (local_address, 0)

    async def dial(self, identity: str, subprotocols: Sequence[str], authorization: str | None) -> UpLink:
        """Ask upstream. Raises DialVerdict or Unreachable; cancelling it leaves no socket behind."""
        headers = {} if authorization is None else {"Authorization": authorization}
        try:
            connection = await _Dial(
                upstream_url(self._url, identity),
                subprotocols=[Subprotocol(name) for name in subprotocols] or None,
                additional_headers=headers,
                user_agent_header="evgate",
                create_connection=_UpstreamConnection,
                compression=None,
                proxy=None,
                ping_interval=None,
                max_queue=MAX_QUEUE,
                write_limit=WRITE_LIMIT,
                logger=LIBRARY_LOG,
                **self._options,
            )
        except InvalidStatus as error:
            if error.response.status_code in VERDICTS:
                raise DialVerdict(error.response.status_code) from error
            raise Unreachable(f"{self.host} {_status(error)}") from error
        except (OSError, InvalidHandshake, ConnectionClosed, UnicodeError) as error:
            raise Unreachable(f"{self.host}: {self._why(error)}") from error
        assert isinstance(connection, _UpstreamConnection)
        return WebsocketLink(connection)

    def _why(self, error: Exception) -> str:
        if isinstance(error, socket.gaierror | UnicodeError):
            return "this name cannot be resolved: check `url`, and this machine's DNS server"
        if isinstance(error, ssl.SSLError):
            return _tls_failure(error)
        if isinstance(error, TimeoutError):
            return f"no answer within {self._dial_timeout_s:g} s: check `url`, and firewalls in between"
        if isinstance(error, OSError):
            return _network_failure(error)
        if isinstance(error, NegotiationError):
            return f"its upgrade names what was not offered ({excerpt(str(error), 80)}): ask the operator which version"
        if isinstance(error, ConnectionClosed) or isinstance(error.__cause__, EOFError):
            return "it hung up without an answer: check `url`, and ask the operator"
        if isinstance(error, InvalidMessage):
            return "it answers with something that is no HTTP: check the port of `url`"
        return f"its upgrade has a flaw ({excerpt(str(error), 80)}): check that `url` is the address for OCPP"


class _UpstreamConnection(SteadyConnection, ClientConnection):
    """Tells why the network ended a handshake, where the library only tells that there was no answer."""

    async def handshake(
        self, additional_headers: HeadersLike | None = None, user_agent_header: str | None = USER_AGENT
    ) -> None:
        """Perform the opening handshake."""
        try:
            await super().handshake(additional_headers, user_agent_header)
        except InvalidMessage as error:
            if isinstance(self.connection_exc, OSError):
                raise self.connection_exc from error
            raise


class _Dial(connect):
    """One attempt. A redirect is an answer and not followed: credentials go to the configured host alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _status(error: InvalidStatus) -> str:
    status = error.response.status_code
    if 300 <= status < 400:
        where = _origin("".join(error.response.headers.get_all("Location")[:1]))
        return f"answers HTTP {status}, go to {where}: ask the operator for the OCPP address and set it as `url`"
    if status == 429:
        return "answers HTTP 429, too many requests: nothing to do, it is asked again later"
    if status >= 500:
        return f"answers HTTP {status}: the CSMS, or a proxy before it, is out of service; ask the operator if it stays"
    return f"answers HTTP {status} to the upgrade: check that `url` is the address for OCPP"


def _origin(location: str) -> str:
    """Scheme and host of a redirect; its path and query may hold secrets."""
    try:
        target = urlsplit(location)
    except ValueError:
        return "another address"
    return excerpt(f"{target.scheme}://{target.hostname}", 80) if target.hostname else "another address"


def _network_failure(error: OSError) -> str:
    # A name with several addresses fails with one text about all of them, and without a number of its own.
    numbers = [error.errno] if error.errno else [int(number) for number in _ERRNO.findall(str(error))]
    for number in reversed(numbers):
        if number in _NETWORK:
            return _NETWORK[number]
    return f"{error.strerror or excerpt(str(error))}: check this machine's network"


def _tls_failure(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = _CERTIFICATES.get(error.verify_code)
        if remedy is not None:
            return f"its certificate {remedy}"
        text = f"certificate verify failed ({error.verify_message})"
        return f"{text}: set `ca` of this upstream to the certificate of the CA that the operator uses"
    words = (error.reason or "unknown").replace("_", " ").lower()
    return _TLS_ALERTS.get(error.reason or "", f"TLS failed ({words}): ask the operator what its TLS needs")
