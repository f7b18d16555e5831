"""What tests of adapters share."""

from __future__ import annotations

import socket

import pytest

from tests.adapters.certificates import Authority, Pair


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback; containers often have none."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


HAS_IPV6 = has_ipv6()
collect_ignore = [] if HAS_IPV6 else ["test_charger_server_ipv6.py"]


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return [] if HAS_IPV6 else ["left out: tests/adapters/test_charger_server_ipv6.py (this machine has no IPv6)"]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The CA that vouches for `server_pair` and `client_pair`."""
    return Authority(tmp_path_factory.mktemp("certificates"), "good")


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that nobody here trusts."""
    return Authority(tmp_path_factory.mktemp("certificates"), "other")


@pytest.fixture(scope="session")
def server_pair(authority: Authority) -> Pair:
    """For 127.0.0.1."""
    return authority.issue("server", "IP:127.0.0.1")


@pytest.fixture(scope="session")
def client_pair(authority: Authority) -> Pair:
    """For a charger, or for the gateway towards upstream."""
    return authority.issue("client", "DNS:CP1")
