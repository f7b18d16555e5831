"""Where commands find the running daemon; not a setting, because they ask before any file is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

CONTROL = "EVGATE_CONTROL"
"""The variable that names another control socket, for the daemon and for the commands that ask it."""

DEFAULT_CONTROL = Path("/run/evgate/control.sock")
"""In the folder that systemd makes for the service (RuntimeDirectory=evgate)."""


def control_path(environ: Mapping[str, str]) -> Path:
    """The control socket; an empty variable counts as not set."""
    return Path(environ.get(CONTROL) or DEFAULT_CONTROL)
