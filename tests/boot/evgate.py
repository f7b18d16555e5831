"""What the tests do with the gateway in a machine, by the commands that an installer has."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.boot.machine import Machine

Figure = Callable[[str], None]
"""Tells one measured figure."""

SITE = "/etc/evgate/conf.d/site.toml"

STATE = "/var/lib/evgate"

DATABASE = f"{STATE}/evgate.db"

CHARGERS = "ws://127.0.0.1:9000/ocpp"
"""Where chargers dial in a machine whose listener nobody has changed."""

CSMS = "127.0.0.1:9100"

UPSTREAM = f"""
[[upstream]]
name = "operator"
url = "ws://{CSMS}/ocpp"
"""

STARTED = "Started evgate.service"
"""systemd's own words, once the daemon has said that it is ready."""

WITHIN_S = 20.0
"""For what happens by itself within a second or two, on a machine that may be busy."""


def configure(machine: Machine, toml: str) -> None:
    """Write the site's own drop-in; it is for the caller to have it read."""
    machine.write(SITE, toml)


def start_anew(machine: Machine, toml: str) -> None:
    """Forget everything, take this configuration, and start."""
    machine.run("systemctl stop evgate.socket evgate.service")
    machine.run(f"find {STATE} -mindepth 1 -delete; rm -f /etc/evgate/conf.d/*")
    configure(machine, toml)
    machine.run("systemctl start evgate.service")


def charger(identity: str) -> str:
    """The command that simulates a charger."""
    return f"evgate sim charger --url {CHARGERS} --identity {identity}"


@contextmanager
def live_charger(machine: Machine, identity: str) -> Iterator[None]:
    """A simulated charger that charges all the time, as a unit of its name."""
    with machine.running(identity.lower(), f"{charger(identity)} --loop"):
        yield


def serves(machine: Machine, identity: str) -> None:
    """A charger of this identity gets in, and is not sent away again at once."""
    output = machine.run(f"{charger(identity)} --seconds 3 2>&1")
    assert "BootNotification" in output, output
    assert '"status":"Accepted"' in output.replace(" ", ""), output


def status(machine: Machine) -> dict[str, Any]:
    """The report of the running daemon."""
    return dict(json.loads(machine.run("evgate status --json")))


def problems(machine: Machine) -> str:
    """What the report says is wrong, one sentence a line."""
    return "\n".join(problem["text"] for problem in status(machine)["problems"])


def of_charger(machine: Machine, identity: str) -> dict[str, Any]:
    """What the report says of one charger."""
    return next(entry for entry in status(machine)["chargers"] if entry["identity"] == identity)


def shown(machine: Machine, what: str, unit: str = "evgate.service") -> str:
    """A property that systemd shows of a unit."""
    return machine.run(f"systemctl show --value --property {what} {unit}")


def main_pid(machine: Machine) -> int:
    """The daemon's process id in the machine."""
    return int(shown(machine, "MainPID"))


def now(machine: Machine) -> str:
    """The place in the journal after everything that was written so far."""
    machine.run("journalctl --sync")
    return machine.run('journalctl --lines 1 --output json | sed \'s/.*"__CURSOR":"\\([^"]*\\)".*/\\1/\'')


def logged(machine: Machine, since: str, *fields: str) -> str:
    """The messages about the service since then; `fields` narrow them, such as CHARGE_POINT=CP01."""
    machine.run("journalctl --sync")
    return machine.run(f"journalctl --unit evgate --output cat --after-cursor '{since}' {' '.join(fields)}")


def wait_logged(machine: Machine, since: str, text: str, within_s: float = WITHIN_S) -> str:
    """The first message about the service since then that holds a text."""
    follow = f"journalctl --unit evgate --output cat --after-cursor '{since}' --no-tail --follow"
    return machine.wait_for(text, follow, within_s)


def wait_published(machine: Machine, topic: str, text: str, within_s: float = WITHIN_S) -> str:
    """The first message of a topic below the site's base that holds a text, retained or new."""
    base = status(machine)["mqtt"]["base"]
    return machine.wait_for(text, f"mosquitto_sub -t '{base}/{topic}'", within_s)


def entries(machine: Machine, *fields: str) -> list[dict[str, Any]]:
    """The service's own journal entries of this boot, narrowed by fields."""
    machine.run("journalctl --sync")
    lines = machine.run(f"journalctl --unit evgate --output json {' '.join(fields)}").splitlines()
    return [json.loads(line) for line in lines]


def wait_until(machine: Machine, command: str) -> None:
    """Try a shell command again and again until it ends with status 0: for what tells nobody when it is done."""
    machine.run(f"timeout {WITHIN_S:g} bash -c {shlex.quote(f'until {command}; do :; done')} 2>/dev/null")


def execute(machine: Machine, sql: str) -> None:
    """Change the store behind the back of the daemon, which is stopped."""
    machine.run("python3 -", given=f"import sqlite3\nsqlite3.connect({DATABASE!r}).executescript({sql!r})\n")
