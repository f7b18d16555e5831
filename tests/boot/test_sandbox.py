"""The unit's sandbox bites: what it forbids fails inside, and works for the same user outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.boot import evgate
from tests.boot.machine import Machine

PROBE = "/usr/local/lib/probe.py"

RESULT = "/run/probe.json"

UNIT = "/run/systemd/system/evgate-probe.service"

INSTEAD = f"""
[Unit]
Wants=

[Service]
Type=oneshot
ExecStart=
ExecStart=/usr/bin/python3 {PROBE}
ExecReload=
Restart=no
WatchdogSec=0
RuntimeDirectory=
StateDirectory=
StandardOutput=truncate:{RESULT}
"""
"""What differs from evgate.service: it runs the probe, once."""

FORBIDDEN = {
    "device": "EPERM",
    "clock": "EPERM",
    "executable memory": "EPERM",
    "other network family": "EAFNOSUPPORT",
    "folder of the system": "EROFS",
    "somebody's home": "EACCES",
    "set-user-id": "EPERM",
    "namespace": "EPERM",
}
"""What the probe tries, and how that ends in the sandbox."""

PRIVILEGED = "namespace"
"""What an ordinary user may not do outside either; root may."""


@pytest.fixture(scope="module", autouse=True)
def _probe(machine: Machine) -> None:
    machine.write(PROBE, Path(__file__).with_name("probe.py").read_text())
    # The kernel's log, as a device that every user could open for writing.
    machine.run("test -e /dev/probe || mknod --mode 666 /dev/probe c 1 11")
    machine.run("install -d -m 777 /opt/probe; install -d -m 755 /home/pi")


def test_everything_is_allowed_outside(machine: Machine) -> None:
    as_user = f"systemd-run --quiet --wait --pipe --uid=evgate python3 {PROBE}"
    as_root = f"systemd-run --quiet --wait --pipe python3 {PROBE}"
    user, root = (json.loads(machine.run(command)) for command in (as_user, as_root))
    assert {**user, PRIVILEGED: root[PRIVILEGED]} == dict.fromkeys(FORBIDDEN, "allowed")


def test_it_is_forbidden_in_the_sandbox_of_the_service(machine: Machine, figure: evgate.Figure) -> None:
    machine.write(UNIT, machine.run("cat /lib/systemd/system/evgate.service") + INSTEAD)
    machine.run("systemctl daemon-reload")
    machine.run("systemctl start evgate-probe.service")
    assert json.loads(machine.run(f"cat {RESULT}")) == FORBIDDEN
    figure(f"{len(FORBIDDEN)} things tried, none allowed")


def test_the_daemon_itself_has_no_capability(machine: Machine) -> None:
    lines = machine.run(f"cat /proc/{evgate.main_pid(machine)}/status").splitlines()
    fields = dict(line.split(":\t", 1) for line in lines)
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
