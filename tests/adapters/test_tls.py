"""Certificate files: what is wrong with them is said in one sentence."""

from __future__ import annotations

import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.adapters.tls import TlsFilesUnusable, client_tls, renew, server_tls
from tests.adapters.certificates import Authority, Pair


def test_a_listener_speaks_tls_1_2_and_later_with_the_suites_of_the_specification(server_pair: Pair) -> None:
    context = server_tls(server_pair.certificate, server_pair.key)
    names = {suite["name"] for suite in context.get_ciphers()}
    assert {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    } <= names
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE
    assert context.options & ssl.OP_NO_COMPRESSION


def test_a_listener_with_a_ca_asks_for_certificates(server_pair: Pair, authority: Authority) -> None:
    context = server_tls(server_pair.certificate, server_pair.key, authority.certificate)
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("own_ca", [True, False])
def test_upstream_is_verified(authority: Authority, client_pair: Pair, own_ca: bool) -> None:
    context = client_tls(authority.certificate if own_ca else None, client_pair.certificate, client_pair.key)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_certificate_and_key_may_stand_in_one_file(tmp_path: Path, client_pair: Pair) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(client_pair.certificate.read_bytes() + client_pair.key.read_bytes())
    assert client_tls(certificate=both).verify_mode is ssl.CERT_REQUIRED


def test_a_renewed_certificate_is_shown_from_the_next_handshake_on(authority: Authority, server_pair: Pair) -> None:
    context = server_tls(server_pair.certificate, server_pair.key)
    before = _shown(context, authority)
    renewed = authority.issue("renewed", "IP:127.0.0.1")
    renew(context, renewed.certificate, renewed.key)
    after = _shown(context, authority)
    assert before != after
    with pytest.raises(TlsFilesUnusable):
        renew(context, renewed.certificate, server_pair.key)
    assert _shown(context, authority) == after


def _shown(context: ssl.SSLContext, authority: Authority) -> bytes:
    """The certificate that a client of this listener sees."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = client_tls(authority.certificate).wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    for _ in range(3):
        for side in (client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def test_a_missing_file_is_named(tmp_path: Path, server_pair: Pair) -> None:
    missing = tmp_path / "missing.pem"
    for arguments in ((missing, server_pair.key), (server_pair.certificate, missing)):
        with pytest.raises(TlsFilesUnusable, match=r"missing\.pem cannot be read .*: check the path"):
            server_tls(*arguments)
    with pytest.raises(TlsFilesUnusable, match=r"missing\.pem cannot be read"):
        server_tls(server_pair.certificate, server_pair.key, missing)
    with pytest.raises(TlsFilesUnusable, match=r"missing\.pem cannot be read"):
        client_tls(missing)


def test_a_folder_is_no_file(tmp_path: Path, server_pair: Pair) -> None:
    with pytest.raises(TlsFilesUnusable, match="let the user evgate read it"):
        server_tls(tmp_path, server_pair.key)


def test_the_key_of_another_certificate_is_named(server_pair: Pair, client_pair: Pair) -> None:
    with pytest.raises(TlsFilesUnusable, match="is not the key of"):
        server_tls(server_pair.certificate, client_pair.key)


def test_a_file_that_is_no_pem_is_named(tmp_path: Path, server_pair: Pair) -> None:
    text = tmp_path / "readme.txt"
    text.write_text("no certificate\n")
    with pytest.raises(TlsFilesUnusable, match="both must be PEM"):
        server_tls(text, server_pair.key)
    with pytest.raises(TlsFilesUnusable, match="holds no certificate"):
        client_tls(text)


def test_a_key_with_a_passphrase_does_not_ask_for_it(tmp_path: Path, server_pair: Pair) -> None:
    locked = tmp_path / "locked.key"
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:sesame", "-in", str(server_pair.key), "-out", str(locked)]
    assert subprocess.run(command, capture_output=True).returncode == 0
    with pytest.raises(TlsFilesUnusable, match="without a passphrase"):
        server_tls(server_pair.certificate, locked)
