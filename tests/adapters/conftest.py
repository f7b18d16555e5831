"""What tests of adapters share."""

from __future__ import annotations

import pytest

from tests.adapters.certificates import Authority, Pair


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
