"""From an unknown charger that knocks to one that is served: listed, adopted, relayed, published, logged."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.boot import evgate
from tests.boot.machine import Machine

ADOPTED = "CP01"
OTHER = "CP02"

SESSION = "charger/cp01/connector/1/state"


@pytest.fixture(scope="module", autouse=True)
def _site(machine: Machine, csms: None) -> None:
    evgate.start_anew(machine, '[site]\nname = "Depot"\n')


def test_an_unknown_charger_is_refused_and_listed(machine: Machine) -> None:
    assert "404" in machine.fails(f"{evgate.charger(ADOPTED)} --seconds 2 2>&1")
    [entry] = json.loads(machine.run("evgate charger list --json"))["quarantined"]
    assert entry["identity"] == ADOPTED
    assert entry["address"].startswith("127.0.0.1")
    assert entry["subprotocols"] == ["ocpp1.6"]
    assert entry["credentials"] is False
    listed = machine.run("evgate charger list")
    assert ADOPTED in listed
    assert f"evgate charger adopt {ADOPTED}" in listed
    assert ADOPTED in evgate.problems(machine)


def test_an_upstream_is_added_by_a_reload(machine: Machine) -> None:
    pid = evgate.main_pid(machine)
    evgate.configure(machine, f'[site]\nname = "Depot"\n{evgate.UPSTREAM}')
    machine.run("systemctl reload evgate")
    assert [upstream["name"] for upstream in evgate.status(machine)["upstreams"]] == ["operator"]
    assert evgate.main_pid(machine) == pid


@pytest.fixture(scope="module")
def served(machine: Machine) -> Iterator[None]:
    """From here on the charger is known, and charges."""
    machine.run(f"evgate charger adopt {ADOPTED}")
    with evgate.live_charger(machine, ADOPTED):
        yield


def test_one_command_adopts_it_and_it_is_served_through(machine: Machine, served: None, figure: evgate.Figure) -> None:
    state = json.loads(evgate.wait_published(machine, SESSION, '"Charging"'))
    assert state["status"] == "Charging"
    assert state["condition"] == "charging"
    figure(f"connector on MQTT: {state['condition']}")
    machine.run("journalctl --sync")
    frames = machine.run("journalctl --unit csms --output cat")
    assert "StartTransaction" in frames
    assert f" {ADOPTED} " in frames


def test_status_shows_it(machine: Machine, served: None) -> None:
    entry = evgate.of_charger(machine, ADOPTED)
    assert entry["standing"] == "adopted"
    assert entry["online"]
    assert entry["upstream_online"]
    assert {connector["connector"] for connector in entry["connectors"]} >= {"1", "2"}
    assert ADOPTED in machine.run("evgate status")
    listing = json.loads(machine.run("evgate charger list --json"))
    assert [known["identity"] for known in listing["chargers"]] == [ADOPTED]
    assert listing["quarantined"] == []


def test_the_log_shows_its_messages_and_what_was_done(machine: Machine, served: None) -> None:
    entries = [json.loads(line) for line in machine.run(f"evgate log --charger {ADOPTED} --json").splitlines()]
    relayed = [entry for entry in entries if entry["done"] == "relayed"]
    assert {"BootNotification", "StatusNotification", "StartTransaction"} <= {entry["action"] for entry in relayed}
    assert {entry["charger"] for entry in entries} == {ADOPTED}
    assert "TAG-1" not in "".join(entry["text"] or "" for entry in entries)
    assert "BootNotification" in machine.run(f"evgate log --charger {ADOPTED}")
    assert machine.wait_for("StatusNotification", f"evgate log -f --charger {ADOPTED}", evgate.WITHIN_S)


def test_the_journal_can_be_filtered_by_charger(machine: Machine, served: None) -> None:
    machine.fails(f"{evgate.charger(OTHER)} --seconds 1 2>&1")
    everybody = evgate.entries(machine)
    filtered = evgate.entries(machine, f"CHARGE_POINT={ADOPTED}")
    assert {entry["CHARGE_POINT"] for entry in filtered} == {ADOPTED}
    assert {ADOPTED, OTHER} <= {entry.get("CHARGE_POINT") for entry in everybody}
    assert len(filtered) < len(everybody)


def test_the_adoption_survives_a_restart(machine: Machine, served: None) -> None:
    before = evgate.of_charger(machine, ADOPTED)["since"]
    machine.run("systemctl restart evgate")
    evgate.wait_published(machine, "charger/cp01/status", "online")
    entry = evgate.of_charger(machine, ADOPTED)
    assert entry["standing"] == "adopted"
    assert entry["online"]
    assert entry["since"] > before


def test_a_forgotten_one_is_a_stranger_again(machine: Machine, served: None) -> None:
    assert "--force" in machine.fails(f"evgate charger forget {ADOPTED}")
    machine.run(f"evgate charger forget --force {ADOPTED}")
    assert "404" in machine.fails(f"{evgate.charger(ADOPTED)} --seconds 2 2>&1")
