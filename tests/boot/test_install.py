"""apt installs the package on a fresh machine, and it serves without any edit."""

from __future__ import annotations

import re

from tests.boot import evgate
from tests.boot.conftest import Installation
from tests.boot.machine import Machine

EXPOSURE_LIMIT = 1.6
"""Of `systemd-analyze security`; Debian's redis-server has 1.2, nginx 9.6."""

READY_WITHIN_S = 10.0
"""On a machine like this; it takes one second, of which most is Python's start."""


def test_apt_installs_it_without_complaints(installation: Installation, figure: evgate.Figure) -> None:
    figure(f"installed in {installation.took_s:.1f} s")
    for word in ("error", "warning", "failed", "could not", "traceback"):
        lines = [line for line in installation.output.splitlines() if word in line.lower()]
        assert not lines, lines


def test_it_is_enabled_and_active_without_any_edit(machine: Machine, figure: evgate.Figure) -> None:
    for unit in ("evgate.service", "evgate.socket"):
        assert machine.run(f"systemctl is-enabled {unit}") == "enabled"
        assert machine.run(f"systemctl is-active {unit}") == "active"
    assert machine.run("systemctl is-system-running") == "running"
    assert evgate.shown(machine, "NRestarts") == "0"
    ready_s = _between(machine, "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    figure(f"ready in {ready_s:.1f} s")
    assert ready_s < READY_WITHIN_S


def test_the_daemon_tells_systemd_how_it_does(machine: Machine, figure: evgate.Figure) -> None:
    text = evgate.shown(machine, "StatusText")
    figure(text)
    assert re.search(r"\d", text), "the status shows counts"
    assert "charger" in text


def test_it_runs_as_its_own_user_and_nobody_reads_its_files(machine: Machine) -> None:
    assert machine.run(f"stat --format %U /proc/{evgate.main_pid(machine)}") == "evgate"
    assert machine.run("id --name --user evgate") == "evgate"
    modes = {
        "/etc/evgate/gateway.toml": "644 root root",
        "/etc/evgate/conf.d": "750 root evgate",
        evgate.STATE: "700 evgate evgate",
        f"{evgate.STATE}/evgate.db": "600 evgate evgate",
        "/run/evgate": "750 evgate evgate",
        "/run/evgate/control.sock": "660 evgate evgate",
    }
    for path, mode in modes.items():
        assert machine.run(f"stat --format '%a %U %G' {path}") == mode, path


def test_the_commands_say_what_is_going_on(machine: Machine) -> None:
    report = evgate.status(machine)
    assert report["configuration"]["in_use"] == "current"
    assert [entry["passed"] for entry in report["listeners"]] == [True]
    assert report["mqtt"]["connected"]
    assert report["version"] in machine.run("evgate status")
    assert "Known chargers: 0" in machine.run("evgate charger list")
    machine.run("evgate check")


def test_who_is_not_in_the_group_is_told_what_to_do(machine: Machine) -> None:
    assert "sudo" in machine.fails("runuser --user pi -- evgate status")
    assert machine.run("runuser --user pi -- sudo evgate status")


def test_exposure_score(machine: Machine, figure: evgate.Figure) -> None:
    line = machine.run("systemd-analyze security --no-pager evgate.service").splitlines()[-1]
    figure(line.lstrip("→ "))
    score = re.search(r"([\d.]+) \w+", line)
    assert score is not None
    assert float(score[1]) <= EXPOSURE_LIMIT


def _between(machine: Machine, earlier: str, later: str) -> float:
    """Seconds between two moments that systemd shows of the service."""
    return (int(evgate.shown(machine, later)) - int(evgate.shown(machine, earlier))) / 1e6
