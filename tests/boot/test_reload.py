"""An edit is taken without a restart; a broken one leaves the site running, loudly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.boot import evgate
from tests.boot.machine import Machine

GOOD = f"""
[[charger]]
identity = "CP01"
{evgate.UPSTREAM}"""

MORE = f"""
[[charger]]
identity = "CP02"
{GOOD}"""

BROKEN = MORE.replace("identity", "identty", 1)
"""A slip of the finger."""

LAST_GOOD = "the last good configuration"


@pytest.fixture(scope="module", autouse=True)
def _site(machine: Machine, csms: None) -> Iterator[None]:
    evgate.start_anew(machine, GOOD)
    with evgate.live_charger(machine, "CP01"):
        evgate.wait_published(machine, "charger/cp01/status", "online")
        yield


def test_a_good_edit_is_taken_and_nobody_is_disturbed(machine: Machine) -> None:
    machine.fails(f"{evgate.charger('CP02')} --seconds 1 2>&1")
    since, pid = evgate.of_charger(machine, "CP01")["since"], evgate.main_pid(machine)
    evgate.configure(machine, MORE)
    machine.run("systemctl reload evgate")
    evgate.serves(machine, "CP02")
    before = evgate.of_charger(machine, "CP01")
    assert before["online"]
    assert before["since"] == since
    assert evgate.main_pid(machine) == pid


def test_a_broken_edit_is_refused_and_nobody_is_disturbed(machine: Machine) -> None:
    since, place = evgate.of_charger(machine, "CP01")["since"], evgate.now(machine)
    evgate.configure(machine, BROKEN)
    machine.fails("systemctl reload evgate")
    assert evgate.of_charger(machine, "CP01")["since"] == since
    assert evgate.shown(machine, "ActiveState") == "active"
    said = evgate.logged(machine, place)
    assert evgate.SITE in said
    assert "identty" in said
    # The daemon was told as well, and shows it until it is repaired.
    evgate.wait_until(machine, "systemctl show -P StatusText evgate | grep -q 'the configuration is not in use'")
    assert "identty" in evgate.problems(machine)


def test_a_restart_with_it_runs_on_the_last_good_one_loudly(machine: Machine, figure: evgate.Figure) -> None:
    place = evgate.now(machine)
    machine.run("systemctl restart evgate")
    report = evgate.status(machine)
    assert report["configuration"]["in_use"] == "last_good"
    assert report["health"] != "ok"
    for text in (evgate.problems(machine), evgate.logged(machine, place), machine.run("evgate status")):
        assert "identty" in text, text
        assert evgate.SITE in text, text
    figure(evgate.shown(machine, "StatusText"))
    assert LAST_GOOD in evgate.shown(machine, "StatusText")
    evgate.serves(machine, "CP02")


def test_repaired_all_is_well_again(machine: Machine) -> None:
    evgate.configure(machine, MORE)
    machine.run("systemctl reload evgate")
    assert evgate.status(machine)["configuration"]["in_use"] == "current"
    assert "identty" not in evgate.problems(machine)
    evgate.wait_until(machine, f"! systemctl show -P StatusText evgate | grep -q '{LAST_GOOD}'")
