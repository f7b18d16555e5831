"""TLS contexts from certificate files: plain values in, an `SSLContext` or one sentence about what is wrong out."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

CHARGER_SUITES: Final = ("AES128-GCM-SHA256", "AES256-GCM-SHA384")
"""Half of the suites that a charger may be limited to (OCPP security profile 2: TLS_RSA_WITH_AES_*_GCM); the
standard library leaves them out."""


class TlsFilesUnusable(Exception):
    """A certificate, key or CA file cannot be used; the message names it and ends with what to do next."""


def server_tls(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """For a listener: TLS 1.2 or later. With `client_ca` only chargers with a certificate of that CA get in."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    names = [suite["name"] for suite in context.get_ciphers()]
    context.set_ciphers(":".join([*names, *CHARGER_SUITES]))
    _load_chain(context, certificate, key)
    if client_ca is not None:
        _load_ca(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def renew(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Let a context in use show what the files hold now, from its next handshake on. Raises TlsFilesUnusable first."""
    _load_chain(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
    _load_chain(context, certificate, key)


def client_tls(ca: Path | None = None, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Towards upstream: server and host name verified, by `ca` alone or else by the system's authorities."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH) if ca is None else _trusting(ca)
    if certificate is not None:
        _load_chain(context, certificate, key or certificate)
    return context


def _trusting(ca: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load_ca(context, ca)
    return context


def _load_ca(context: ssl.SSLContext, ca: Path) -> None:
    # Python 3.13 asks for extensions that CAs made for chargers years ago do not have; 3.11 does not.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(ca)
    except ssl.SSLError as error:
        raise TlsFilesUnusable(f"{ca} holds no certificate: put the CA's certificate there, as PEM") from error
    except OSError as error:
        raise TlsFilesUnusable(_unreadable(ca, error)) from error


def _load_chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise TlsFilesUnusable(_unreadable(path, error)) from error
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            advice = "use the key with which this certificate was requested"
            raise TlsFilesUnusable(f"{key} is not the key of {certificate}: {advice}") from error
        text = f"{certificate} and {key} cannot be used: both must be PEM, the key without a passphrase"
        raise TlsFilesUnusable(f"{text}, and the certificate first in its file") from error


def _unreadable(path: Path, error: OSError) -> str:
    hint = "check the path" if isinstance(error, FileNotFoundError) else "let the user evgate read it"
    return f"{path} cannot be read ({error.strerror or error}): {hint}"
