"""How far the clock is trusted, by what the sandbox lets the daemon see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.boot import evgate
from tests.boot.machine import Machine

MARKER = "/run/systemd/timesync/synchronized"
"""systemd-timesyncd makes it when it has set the clock."""


@pytest.fixture(scope="module", autouse=True)
def _nobody_vouches(machine: Machine) -> Iterator[None]:
    """timedated would tell what the kernel knows, which is the clock of whoever runs these tests."""
    machine.run(f"rm -f {MARKER}; systemctl mask --runtime --now --quiet systemd-timedated")
    evgate.start_anew(machine, "")
    yield
    machine.run("systemctl unmask --runtime systemd-timedated --quiet")


def test_nobody_trusts_a_clock_that_nobody_vouches_for(machine: Machine) -> None:
    assert evgate.status(machine)["clock"]["trust"] == "floor"
    evgate.wait_published(machine, "gateway/state", '"trust":"floor"')


def test_network_time_makes_it_trusted(machine: Machine, figure: evgate.Figure) -> None:
    machine.run(f"install -D /dev/null {MARKER}")
    machine.run("systemctl restart evgate")
    evgate.wait_published(machine, "gateway/state", '"trust":"synced"')
    clock = evgate.status(machine)["clock"]
    assert clock["trust"] == "synced"
    figure(f"source: {clock['source']}")
