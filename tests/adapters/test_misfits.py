"""Words for an installer."""

from __future__ import annotations

import ssl

import pytest

from gateway.adapters.charger_server.misfits import first_bytes, spell_address, tls_failure


@pytest.mark.parametrize(
    ("peername", "spelled"),
    [
        (("192.0.2.7", 4711), "192.0.2.7:4711"),
        (("2001:db8::7", 4711, 0, 0), "[2001:db8::7]:4711"),
        (("::ffff:192.0.2.7", 4711, 0, 0), "192.0.2.7:4711"),
        (None, "unknown"),
    ],
)
def test_an_address(peername: object, spelled: str) -> None:
    assert spell_address(peername) == spelled


def test_the_first_bytes_are_readable() -> None:
    assert first_bytes(b"\x00SSH\n") == r"bytes that begin with '\x00SSH\n'"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "does not trust the gateway's certificate"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "does not trust the gateway's certificate"),
        ("NO_SHARED_CIPHER", "no cipher in common"),
        ("DH_KEY_TOO_SMALL", "failed in TLS (dh key too small)"),
    ],
)
def test_a_tls_failure_in_plain_words(reason: str, words: str) -> None:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    what, text = tls_failure(error)
    assert what == "tls_failed"
    assert words in text
    assert ": " in text, "says what to do next"
