"""Upgrade, remove, install again, purge: what the site wrote and what the gateway knows is kept while it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boot import evgate
from tests.boot.machine import Machine, boot
from tests.boot.packages import newer, version_of

EDIT = f'# The site\'s own.\n[site]\nname = "Depot"\n{evgate.UPSTREAM}'

FIRST = "/root/evgate.deb"

NEXT = "/root/evgate-next.deb"

TRACES = (
    "find / -xdev ( -path /proc -o -path /sys -o -path /run/systemd -o -path /var/log -o -path /root"
    " -o -path /var/backups ) -prune -o -name '*evgate*' -print"
)
"""Everything that is named after the gateway, except logs, the files of this test and what was put aside."""


@pytest.fixture(scope="module")
def fresh(root: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine of its own, with the package beside its next version, and one adopted charger."""
    with boot(root) as machine:
        machine.copy_in(package, FIRST)
        machine.copy_in(newer(package, tmp_path_factory.mktemp("newer")), NEXT)
        machine.run(f"apt-get install --yes {FIRST}")
        evgate.configure(machine, EDIT)
        machine.run("systemctl reload evgate")
        _adopt(machine)
        yield machine


def test_an_upgrade_keeps_edits_and_state_and_asks_nothing(
    fresh: Machine, package: Path, figure: evgate.Figure
) -> None:
    pid = evgate.main_pid(fresh)
    output = fresh.run(f"apt-get install --yes {NEXT}")
    assert "conffile" not in output.lower(), output
    assert fresh.run("dpkg-query --show --showformat '${Version}' evgate") == f"{version_of(package)}+next"
    assert evgate.main_pid(fresh) != pid
    assert _edit(fresh) == EDIT
    assert _adopted(fresh) == ["CP01"]
    figure(f"to {version_of(package)}+next")


def test_an_upgrade_leaves_a_disabled_service_alone(fresh: Machine) -> None:
    fresh.run("systemctl disable --now evgate.service evgate.socket")
    fresh.run(f"apt-get install --yes --allow-downgrades {FIRST}")
    for unit in ("evgate.service", "evgate.socket"):
        assert fresh.fails(f"systemctl is-enabled {unit}") == "disabled"
    assert fresh.fails("systemctl is-active evgate.service") == "inactive"
    fresh.run("systemctl enable --now evgate.socket evgate.service")
    assert _adopted(fresh) == ["CP01"]


def test_remove_takes_the_code_and_leaves_the_rest(fresh: Machine) -> None:
    fresh.run("apt-get remove --yes evgate")
    fresh.fails("command -v evgate || test -e /usr/lib/evgate")
    assert _edit(fresh) == EDIT
    fresh.run(f"test -s {evgate.STATE}/evgate.db")
    fresh.fails("systemctl is-active evgate.service")
    fresh.fails("systemctl is-active evgate.socket")
    assert fresh.run("systemctl is-system-running") == "running"


def test_installed_again_it_goes_on_where_it_was(fresh: Machine) -> None:
    fresh.run(f"apt-get install --yes {FIRST}")
    assert fresh.run("systemctl is-active evgate.service") == "active"
    assert _adopted(fresh) == ["CP01"]


def test_purge_leaves_nothing_but_the_user(fresh: Machine) -> None:
    fresh.run("apt-get purge --yes evgate")
    assert fresh.run(TRACES.replace("(", r"\(").replace(")", r"\)")) == ""
    assert fresh.run("id --name --user evgate") == "evgate"
    fresh.fails("ls -d /var/backups/evgate*")
    assert fresh.run("systemctl is-system-running") == "running"


def test_purge_puts_undelivered_records_aside_and_says_where(fresh: Machine, figure: evgate.Figure) -> None:
    fresh.run(f"apt-get install --yes {FIRST}")
    fresh.run("systemctl stop evgate.socket evgate.service")
    # This version keeps no records yet; a later one will, and may be purged by the script of this one.
    evgate.execute(fresh, "CREATE TABLE journal (record TEXT); INSERT INTO journal VALUES ('undelivered')")
    output = fresh.run("apt-get purge --yes evgate")
    aside = fresh.run("ls -d /var/backups/evgate*")
    assert aside in output
    figure(f"kept in {aside}")
    fresh.run(f"grep --quiet --text undelivered {aside}/evgate.db")
    fresh.fails(f"test -e {evgate.STATE} || test -e /etc/evgate")


def _adopt(machine: Machine) -> None:
    machine.fails(f"{evgate.charger('CP01')} --seconds 1 2>&1")
    machine.run("evgate charger adopt CP01")
    assert _adopted(machine) == ["CP01"]


def _adopted(machine: Machine) -> list[str]:
    listing = json.loads(machine.run("evgate charger list --json"))
    return [entry["identity"] for entry in listing["chargers"] if entry["standing"] == "adopted"]


def _edit(machine: Machine) -> str:
    return machine.run(f"cat {evgate.SITE}") + "\n"
