"""What else comes to a charger's port, in words for an installer."""

from __future__ import annotations

import ssl
from typing import Final

FULL_HOUSE: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 30\r\n\r\n"
)

_TLS_FAILURES: Final = {
    "HTTP_REQUEST": (
        "plain_on_tls_port",
        "sent plain HTTP to the TLS port: set wss:// in place of ws:// in the charger",
    ),
    "WRONG_VERSION_NUMBER": ("garbage", "sent bytes that are no TLS to the TLS port: look what it is"),
    "UNSUPPORTED_PROTOCOL": ("tls_failed", "speaks TLS 1.1 or older: update its firmware, or use the plain port"),
    "NO_SHARED_CIPHER": ("tls_failed", "has no cipher in common with the gateway: update its firmware"),
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (
        "tls_failed",
        "showed no client certificate: install one in the charger, or leave out client_ca in [chargers.tls]",
    ),
    "CERTIFICATE_VERIFY_FAILED": (
        "tls_failed",
        "showed a client certificate that client_ca of [chargers.tls] does not vouch for: check which CA issued it",
    ),
    "TLSV1_ALERT_UNKNOWN_CA": (
        "tls_failed",
        "does not trust the gateway's certificate: install the CA of [chargers.tls] certificate in the charger",
    ),
}
"""OpenSSL's reason to what is counted and said. The rest is said in OpenSSL's own words."""


def tls_failure(error: OSError) -> tuple[str, str]:
    """What to count and say when a TLS handshake on our side failed."""
    if isinstance(error, ssl.SSLError):
        reason = error.reason or "unknown"
        # The two alerts of a charger that refuses our certificate say the same.
        if reason in ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "SSLV3_ALERT_BAD_CERTIFICATE"):
            reason = "TLSV1_ALERT_UNKNOWN_CA"
        words = reason.replace("_", " ").lower()
        return _TLS_FAILURES.get(reason, ("tls_failed", f"failed in TLS ({words}): check its TLS settings"))
    if isinstance(error, ConnectionAbortedError):
        return "silent", "did not finish its TLS handshake in time: check that it speaks TLS at all"
    return "cut_short", "hung up during the TLS handshake: check that it trusts the gateway's certificate"


def first_bytes(head: bytes) -> str:
    """The first bytes of what was no request, readable."""
    return f"bytes that begin with {ascii(head)[1:]}"


def spell_address(peername: object) -> str:
    """`ip:port` of a socket's other end, IPv6 in brackets, IPv4 on a dual-stack socket as IPv4."""
    if not isinstance(peername, tuple) or len(peername) < 2:
        return "unknown"
    host = str(peername[0]).removeprefix("::ffff:")
    return f"[{host}]:{peername[1]}" if ":" in host else f"{host}:{peername[1]}"
