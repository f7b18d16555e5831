"""The sockets that systemd opens for the service, compared with the configured listeners."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence

from pydantic_core import PydanticCustomError

from gateway.core.listening import match
from gateway.settings.addresses import Address, read_address
from gateway.settings.models import Settings
from gateway.settings.problems import Problem, listed

UNIT = "evgate.socket"

ASK_WITHIN_S = 5.0
"""systemd answers within milliseconds; one that hangs must not keep an installer from the rest of the check."""

Ask = Callable[[], str]
"""Has systemd's answer about the unit, empty where there is none."""

_STREAM = re.compile(r"^Listen=(\S+) \(Stream\)$", re.MULTILINE)

_APPLY = f"then run: systemctl restart {UNIT}"


def ask_systemd(within_s: float = ASK_WITHIN_S) -> str:
    """What `systemctl show` says about the unit; empty on a machine without systemd."""
    command = ["systemctl", "show", UNIT, "--property=LoadState", "--property=Listen"]
    try:
        # The words are constants, and the PATH is that of whoever runs the check: nothing of a stranger's in it.
        done = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def passed_by(answer: str) -> tuple[Address, ...] | None:
    """The addresses that systemd opens, None where the unit is not loaded; sockets of other kinds are passed over."""
    if "LoadState=loaded" not in answer.splitlines():
        return None
    found = []
    for text in _STREAM.findall(answer):
        try:
            found.append(read_address(text))
        except PydanticCustomError:
            continue
    return tuple(found)


def unmatched(settings: Settings, passed: Sequence[Address]) -> tuple[list[Problem], list[str]]:
    """Sockets that nobody listens on, which are problems; listeners that chargers cannot reach during a restart."""
    configured = [address for address in settings.listen_addresses if address.port]
    matching = match([address.endpoint for address in configured], [address.endpoint for address in passed])
    uncovered = [address for address, found in zip(configured, matching.of, strict=True) if found is None]
    lines = ["[Socket]", "ListenStream=", *(f"ListenStream={address}" for address in configured)]
    problems = [
        Problem(
            UNIT,
            None,
            f"ListenStream={passed[position]}",
            "systemd opens this, and no listener is configured for it: chargers that dial it are never served; "
            f"put the lines {listed([f'`{line}`' for line in lines])} in with: systemctl edit {UNIT}, {_APPLY}",
        )
        for position in matching.unused
    ]
    warnings = [
        f"{UNIT} does not open {address}: evgate does, but refuses chargers there while it restarts; "
        f"put the lines `[Socket]` and `ListenStream={address}` in with: systemctl edit {UNIT}, {_APPLY}"
        for address in uncovered
        if not address.privileged
    ]
    return problems, warnings
