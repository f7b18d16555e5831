"""Settings to listeners: which socket that systemd passed serves which address."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.adapters.charger_server import Listener
from gateway.adapters.systemd_sockets import PassedSocket
from gateway.configured import listeners, unused
from gateway.settings import Settings
from tests.adapters.certificates import Authority
from tests.settings.site import settings_from


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a test opens is closed."""
    with ExitStack() as opened:
        yield opened


def passed(stack: ExitStack, host: str, port: int) -> PassedSocket:
    """A socket that is said to listen there."""
    return PassedSocket(stack.enter_context(socket.socket()), host, port)


def settings(listen: str, more: str = "") -> Settings:
    """Chargers come in at these addresses (TOML)."""
    return settings_from(f'[site]\nid = "test"\n[chargers]\nlisten = {listen}\n{more}')


def secure(folder: Path, listen: str) -> str:
    """A section for chargers with TLS."""
    pair = Authority(folder, "site").issue("gateway", "IP:127.0.0.1")
    return f'[chargers.tls]\nlisten = {listen}\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"\n'


def test_without_systemd_every_address_is_bound() -> None:
    assert listeners(settings('["0.0.0.0:9000", "[::1]:9001"]')) == [Listener("0.0.0.0", 9000), Listener("::1", 9001)]


def test_a_passed_socket_serves_its_address_and_the_rest_is_bound(stack: ExitStack) -> None:
    held = passed(stack, "0.0.0.0", 9000)
    found = listeners(settings('["127.0.0.1:9002", "0.0.0.0:9000"]'), [held])
    assert found == [Listener("127.0.0.1", 9002), Listener("0.0.0.0", 9000, None, held.sock)]
    assert unused(found, [held]) == []


def test_one_socket_for_several_addresses_is_one_listener(stack: ExitStack) -> None:
    every = passed(stack, "::", 9000)
    other = passed(stack, "127.0.0.1", 9001)
    found = listeners(settings('["0.0.0.0:9000", "[::1]:9000"]'), [every, other])
    assert found == [Listener("::", 9000, None, every.sock)]
    assert unused(found, [every, other]) == [other]


def test_a_passed_socket_may_serve_tls(stack: ExitStack, tmp_path: Path) -> None:
    plain, tls = passed(stack, "0.0.0.0", 9000), passed(stack, "0.0.0.0", 9443)
    found = listeners(settings('"0.0.0.0:9000"', secure(tmp_path, '"0.0.0.0:9443"')), [tls, plain])
    assert [(one.port, one.tls is not None, one.bound) for one in found] == [
        (9000, False, plain.sock),
        (9443, True, tls.sock),
    ]


def test_a_socket_cannot_serve_both_with_tls_and_without(stack: ExitStack, tmp_path: Path) -> None:
    every = passed(stack, "::", 9000)
    found = listeners(settings('"127.0.0.1:9000"', secure(tmp_path, '"127.0.0.2:9000"')), [every])
    assert [(str(one), one.tls is not None, one.bound) for one in found] == [
        ("[::]:9000", False, every.sock),
        ("127.0.0.2:9000", True, None),
    ]
