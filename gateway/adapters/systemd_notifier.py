"""Tells systemd that the daemon is ready, what it does, and that it ends. Silent where there is no systemd."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping

LOG = logging.getLogger(__name__)


class SystemdNotifier:
    """Implements the `Notifier` port over the socket named by `NOTIFY_SOCKET`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._notify: Callable[[str], object] | None = None
        if "NOTIFY_SOCKET" in environ:
            import systemd.daemon  # laptops and tests run without it

            self._notify = systemd.daemon.notify
        self._deaf = False
        self.watchdog_s = _watchdog_s(environ, os.getpid())
        """Without a sign of life for so long the service manager kills the daemon; None where it does not watch."""

    def ready(self, status: str) -> None:
        """The daemon listens and serves."""
        self._tell(f"READY=1\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._tell(f"STATUS={_line(status)}")

    def alive(self) -> None:
        """Progress was made: the watchdog may wait again."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The daemon goes down."""
        self._tell("STOPPING=1")

    def _tell(self, text: str) -> None:
        if self._notify is None:
            return
        try:
            self._notify(text)
        except OSError as error:
            # Chargers are served all the same; a service manager that hears nothing goes by its own limits.
            level = logging.DEBUG if self._deaf else logging.WARNING
            LOG.log(level, "systemd cannot be told how evgate does (%s); see journalctl -b -p warning", error)
            self._deaf = True
        else:
            self._deaf = False


def _line(text: str) -> str:
    """One line that can be sent: a line break would begin another assignment (sd_notify(3))."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _watchdog_s(environ: Mapping[str, str], pid: int) -> float | None:
    """As sd_watchdog_enabled(3) reads it: not of a parent's, and only where there is somebody to tell."""
    limit_us = environ.get("WATCHDOG_USEC", "")
    mine = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    if "NOTIFY_SOCKET" not in environ or not mine or not limit_us.isdecimal() or int(limit_us) == 0:
        return None
    return int(limit_us) / 1_000_000
