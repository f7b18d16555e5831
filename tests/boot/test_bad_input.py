"""What installers and machines do to the gateway: one clear sentence each, and chargers are served all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.boot import evgate
from tests.boot.machine import Machine

SITE = f"""
[[charger]]
identity = "CP01"
{evgate.UPSTREAM}"""

FUTURE = 1000
"""A version of the database that no gateway has written yet."""


@pytest.fixture(autouse=True)
def _served_before(machine: Machine, csms: None) -> None:
    evgate.start_anew(machine, SITE)
    evgate.serves(machine, "CP01")


def test_an_unreadable_credential_costs_only_what_needs_it(machine: Machine) -> None:
    secret = '\n[mqtt]\nusername = "depot"\npassword = { file = "/etc/evgate/broker.secret" }\n'
    machine.write("/etc/evgate/broker.secret", "open sesame\n", 0o600)
    said = _restarted(machine, SITE + secret)
    _tells(said, "/etc/evgate/broker.secret")
    assert "sesame" not in said
    evgate.serves(machine, "CP01")


def test_a_credential_that_systemd_did_not_hand_over(machine: Machine) -> None:
    said = _restarted(machine, SITE + '\n[mqtt]\nusername = "depot"\npassword = { credential = "broker" }\n')
    _tells(said, "broker", "LoadCredential")
    evgate.serves(machine, "CP01")


def test_a_port_in_use_costs_only_that_listener(machine: Machine) -> None:
    listen = '\n[chargers]\nlisten = ["0.0.0.0:9000", "127.0.0.1:9001"]\n'
    with _port_taken(machine, 9001):
        _tells(_restarted(machine, SITE + listen), "127.0.0.1:9001")
        evgate.serves(machine, "CP01")
        listeners = {entry["address"]: entry for entry in evgate.status(machine)["listeners"]}
        assert listeners["0.0.0.0:9000"]["open"]
        assert not listeners["127.0.0.1:9001"]["open"]
        assert listeners["127.0.0.1:9001"]["problem"] in evgate.problems(machine)
        place = evgate.now(machine)
    evgate.wait_logged(machine, place, "127.0.0.1:9001")


def test_the_only_port_in_use_is_taken_as_soon_as_it_is_free(machine: Machine, figure: evgate.Figure) -> None:
    machine.run("systemctl stop evgate.socket evgate.service")
    with _port_taken(machine, 9000):
        place = evgate.now(machine)
        machine.run("systemctl start --no-block evgate.service")
        evgate.wait_logged(machine, place, "0.0.0.0:9000")
        _tells(evgate.logged(machine, place), "0.0.0.0:9000")
        evgate.wait_until(machine, "evgate status >/dev/null 2>&1")
        assert evgate.status(machine)["health"] == "critical"
        assert "0.0.0.0:9000" in evgate.problems(machine)
        assert evgate.shown(machine, "ActiveState") == "activating"
        place = evgate.now(machine)
    begin = time.monotonic()
    evgate.wait_logged(machine, place, evgate.STARTED)
    figure(f"ready {time.monotonic() - begin:.1f} s after it was free")
    evgate.serves(machine, "CP01")


def test_a_socket_that_is_not_configured_is_closed_and_named(machine: Machine) -> None:
    said = _restarted(machine, SITE + '\n[chargers]\nlisten = "0.0.0.0:9005"\n')
    _tells(said, "9000", "evgate.socket")
    machine.run("evgate sim charger --url ws://127.0.0.1:9005/ocpp --identity CP01 --seconds 2")


def test_a_read_only_state_folder(machine: Machine) -> None:
    with _state_mounted(machine, f"--bind {evgate.STATE} {evgate.STATE}", then=f"-o remount,bind,ro {evgate.STATE}"):
        _tells(_started(machine), evgate.STATE)
        _serves_without_a_store(machine)


def test_a_full_state_folder(machine: Machine) -> None:
    with _state_mounted(machine, f"-t tmpfs -o size=64k,mode=700,uid=evgate,gid=evgate tmpfs {evgate.STATE}"):
        machine.try_run(f"cat /dev/zero > {evgate.STATE}/ballast")
        _tells(_started(machine), evgate.STATE)
        _serves_without_a_store(machine)


def test_a_database_of_a_newer_version_is_left_as_it_is(machine: Machine) -> None:
    machine.run("systemctl stop evgate.socket evgate.service")
    evgate.execute(machine, f"PRAGMA user_version = {FUTURE}")
    before = machine.run(f"sha256sum {evgate.DATABASE}")
    _tells(_started(machine), evgate.DATABASE, f"version {FUTURE}")
    _serves_without_a_store(machine)
    assert machine.run(f"sha256sum {evgate.DATABASE}") == before


def test_a_wrong_configuration_from_the_first_day_is_named(machine: Machine) -> None:
    machine.run("systemctl stop evgate.socket evgate.service")
    machine.run(f"find {evgate.STATE} -mindepth 1 -delete")
    place = evgate.now(machine)
    evgate.configure(machine, SITE.replace("identity", "identty"))
    machine.try_run("systemctl start evgate.service")
    evgate.wait_logged(machine, place, "identty")
    assert evgate.SITE in evgate.logged(machine, place)
    evgate.configure(machine, SITE)
    # It does not give up: nobody has to start it.
    evgate.wait_logged(machine, place, evgate.STARTED)


def _serves_without_a_store(machine: Machine) -> None:
    """The relay goes on, and the report says what is the matter."""
    evgate.serves(machine, "CP01")
    report = evgate.status(machine)
    assert report["health"] == "critical"
    assert report["store"]["problem"]
    assert report["store"]["problem"] in evgate.problems(machine)


def _restarted(machine: Machine, toml: str) -> str:
    """What the daemon says when it starts with this configuration."""
    evgate.configure(machine, toml)
    return _started(machine)


def _started(machine: Machine) -> str:
    place = evgate.now(machine)
    machine.run("systemctl restart evgate.service")
    return evgate.logged(machine, place)


def _tells(said: str, *words: str) -> None:
    """One of the lines holds all these words, and goes on with what to do."""
    lines = [line for line in said.splitlines() if all(word in line for word in words)]
    assert lines, f"no line holds {words}:\n{said}"
    assert any(len(line) > sum(map(len, words)) + 20 for line in lines), lines


@contextmanager
def _port_taken(machine: Machine, port: int) -> Iterator[None]:
    """Another program listens there."""
    with machine.running("squatter", f"python3 -m http.server --bind 127.0.0.1 {port}"):
        evgate.wait_until(machine, f": < /dev/tcp/127.0.0.1/{port}")
        yield


@contextmanager
def _state_mounted(machine: Machine, mount: str, then: str | None = None) -> Iterator[None]:
    """The state folder is something else than usual."""
    machine.run("systemctl stop evgate.socket evgate.service")
    machine.run(f"mount {mount}")
    try:
        if then is not None:
            machine.run(f"mount {then}")
        yield
    finally:
        machine.run("systemctl stop evgate.socket evgate.service")
        machine.run(f"umount {evgate.STATE}")
