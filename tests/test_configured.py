"""Settings to plain values: which passed socket serves which address, and what is not run for want of a secret."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.adapters.charger_server import Listener
from gateway.adapters.systemd_sockets import PassedSocket
from gateway.configured import base, broker, directory, listeners, unused, upstreams
from gateway.core.door import Unknown
from gateway.runtime.gate import HostGate
from gateway.settings import Part, Settings, resolve_what_can_be
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


def test_what_systemd_holds_on_the_same_port_is_known_to_stand_in_the_way(stack: ExitStack) -> None:
    held = passed(stack, "0.0.0.0", 9000)
    found = listeners(settings('"127.0.0.1:9000"'), [held])
    assert found == [Listener("127.0.0.1", 9000, rival="0.0.0.0:9000")]
    assert unused(found, [held]) == [held]


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


# What lacks a secret

SITE = """
[site]
id = "depot3"
[chargers]
unknown = "refuse"
idle_limit = "4m"
[[upstream]]
name = "operator"
url = "ws://127.0.0.1:1/ocpp"
[[upstream]]
name = "reader"
url = "ws://127.0.0.1:1/other"
password = "p"
[[charger]]
identity = "CP01"
alias = "left"
upstream = "operator"
password = "hunter2"
[[charger]]
identity = "CP02"
upstream = "reader"
"""


def lacking(kind: str, label: str) -> Callable[[Part, str], str | None]:
    """One part cannot be had."""
    return lambda part, name: "because" if (part, name) == (kind, label) else None


def test_everything_can_be_had() -> None:
    site = directory(settings_from(SITE))
    assert site.unknown is Unknown.REFUSE
    one, other = site.configured["cp01"], site.configured["cp02"]
    assert (one.identity, one.alias, one.where) == ("CP01", "left", "a.toml")
    assert (one.policy.password, one.policy.unusable, one.policy.idle_limit_s) == ("hunter2", None, 240.0)
    assert other.policy.upstream is not None
    assert (other.policy.upstream.name, other.policy.upstream.password) == ("reader", "p")
    assert site.aliases() == {"left"}
    assert (site.alias("cp01"), site.alias("cp02"), site.alias("cp03")) == ("left", None, None)
    assert site.policy("cp03") == site.anyone
    assert base(settings_from(SITE)) == "evgate/depot3"


def test_a_charger_without_its_password_is_not_let_in_without_one() -> None:
    site = directory(settings_from(SITE), lacking("charger", "CP01"))
    policy = site.configured["cp01"].policy
    assert (policy.unusable, policy.password) == ("because", None)
    assert site.configured["cp02"].policy.unusable is None
    assert site.anyone.unusable is None


def test_an_upstream_that_is_lost_takes_its_chargers_along_and_no_other() -> None:
    lacks = lacking("upstream", "reader")
    assert list(upstreams(settings_from(SITE), lacks)) == ["operator"]
    site = directory(settings_from(SITE), lacks)
    lost = site.configured["cp02"].policy
    assert lost.upstream is not None
    assert (lost.unusable, lost.upstream.password) == ("because", None)
    assert site.configured["cp01"].policy.unusable is None


def test_who_is_not_named_goes_where_the_only_upstream_is() -> None:
    only = SITE.partition('[[upstream]]\nname = "reader"')[0]
    assert directory(settings_from(only), lacking("upstream", "operator")).anyone.unusable == "because"
    assert directory(settings_from("[site]\nid = 'x'")).anyone.upstream is None


def test_upstreams_on_one_host_share_its_gate_over_a_reload() -> None:
    gates: dict[str, HostGate] = {}
    before, after = (upstreams(settings_from(SITE), gates=gates) for _ in range(2))
    assert len({id(upstream.gate) for upstream in [*before.values(), *after.values()]}) == 1


def test_tls_without_its_key_is_not_served_without_tls(tmp_path: Path) -> None:
    site = settings('"0.0.0.0:9000"', secure(tmp_path, '"0.0.0.0:9443"'))
    assert listeners(site, lacks=lacking("chargers.tls", "")) == [Listener("0.0.0.0", 9000)]


def test_the_broker() -> None:
    site = settings_from('[site]\nid = "depot3"\n[mqtt]\nusername = "u"\npassword = "hunter2"')
    found = broker(resolve_what_can_be(site, {}).settings)
    assert (found.host, found.port, found.tls, found.username, found.password) == (
        "127.0.0.1",
        1883,
        None,
        "u",
        "hunter2",
    )
    assert found.client_id.startswith("evgate-depot3-")
    assert (found.birth.payload, found.will.payload) == ("online", "offline")
    assert "hunter2" not in repr(found)
