"""The units agree with the daemon that they run, and say why each limit is what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store.store import OPEN_LIMIT_S
from gateway.settings import Settings
from tests.counts import CROWD, ROOT
from tests.packaging.units import lines_of, value, values

SERVICE = "evgate.service"
SOCKET = "evgate.socket"
LIMIT = re.compile(
    r"(\w+Sec|\w+Max|MemoryHigh|Limit\w+|LogRateLimit\w+|Backlog|NoDelay|OOM\w+|KillMode|After|Wants|Device\w+)="
)
STOP_LIMIT_S = 5.0
"""What the daemon promises: it ends within 5 s of SIGTERM."""
RECOVERY_S = 5.0
"""Chargers are served again so long after the watchdog noticed a hang."""


def test_the_socket_is_the_default_listener() -> None:
    assert [str(address) for address in Settings().chargers.listen] == values(SOCKET, "ListenStream")


def test_the_socket_holds_every_charger_that_dials_while_the_daemon_restarts() -> None:
    assert int(value(SOCKET, "Backlog")) > 2 * CROWD


def test_the_command_is_the_one_that_is_installed() -> None:
    rules = (ROOT / "debian" / "rules").read_text()
    assert value(SERVICE, "ExecStart") == "/usr/bin/evgate run"
    assert "install -D debian/launcher $(ROOT)/usr/bin/evgate\n" in rules


def test_the_state_folder_is_that_of_the_store() -> None:
    assert Path("/var/lib", value(SERVICE, "StateDirectory")) == Settings().store.path.parent


def test_opening_the_store_may_take_as_long_as_the_store_allows() -> None:
    assert float(value(SERVICE, "TimeoutStartSec")) > OPEN_LIMIT_S + 10


def test_the_daemon_is_not_killed_before_its_own_limit() -> None:
    assert float(value(SERVICE, "TimeoutStopSec")) > STOP_LIMIT_S


def test_a_hang_is_over_soon_after_it_was_noticed() -> None:
    start_s = 2.0
    assert float(value(SERVICE, "TimeoutAbortSec")) + float(value(SERVICE, "RestartSec")) + start_s <= RECOVERY_S


def test_it_never_gives_up_and_never_waits_for_the_internet() -> None:
    assert value(SERVICE, "Restart") == "always"
    assert value(SERVICE, "StartLimitIntervalSec") == "0"
    assert value(SOCKET, "TriggerLimitIntervalSec") == "0"
    orders = " ".join(values(SERVICE, "After") + values(SERVICE, "Wants") + values(SERVICE, "Requires"))
    assert set(orders.split()) == {"network.target", "time-set.target", "evgate.socket"}


@pytest.mark.parametrize("unit", [SERVICE, SOCKET])
def test_every_limit_states_its_reason(unit: str) -> None:
    assert [line for line, explained in explained_lines(unit) if LIMIT.match(line) and not explained] == []


def explained_lines(unit: str) -> list[tuple[str, bool]]:
    """Each directive, and whether a comment stands above it or above the directives that it continues."""
    found = []
    explained = False
    for line in lines_of(unit):
        if line.startswith("#"):
            explained = True
        elif not line or line.startswith("["):
            explained = False
        else:
            found.append((line, explained))
    return found
