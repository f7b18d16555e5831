"""Log records as journal entries with fields, so that `journalctl -u evgate CHARGE_POINT=CP01` shows one charger."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping

from gateway.core.redact import redact

PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Syslog severities (RFC 5424) of the standard library's levels."""


def writes_to_journal(environ: Mapping[str, str], fd: int = 2) -> bool:
    """Did systemd connect this file descriptor to the journal? (`JOURNAL_STREAM` names its device and inode.)"""
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    if not device.isdecimal() or not inode.isdecimal():
        return False
    stream = os.fstat(fd)
    return (stream.st_dev, stream.st_ino) == (int(device), int(inode))


class Journal(logging.Handler):
    """Sends each record with its fields, by `send` of systemd-python (ImportError where that is missing)."""

    def __init__(self, send: Callable[..., object] | None = None) -> None:
        super().__init__()
        if send is None:
            import systemd.journal  # laptops run without it

            send = systemd.journal.send
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Write one entry; like every logging handler it reports its own failure on standard error."""
        try:
            self._send(self._clean(self._text(record)), **self._fields(record))
        except (OSError, ValueError):
            self.handleError(record)

    def _text(self, record: logging.LogRecord) -> str:
        station = getattr(record, "fields", {}).get("CHARGE_POINT")
        text = f"{station}: {record.getMessage()}" if station else record.getMessage()
        if record.exc_info:
            return f"{text}\n{logging.Formatter().formatException(record.exc_info)}"
        return text

    def _fields(self, record: logging.LogRecord) -> dict[str, str | int]:
        fields: dict[str, str] = getattr(record, "fields", {})
        return {
            "PRIORITY": self._priority(record),
            "SYSLOG_IDENTIFIER": "evgate",
            "LOGGER": record.name,
            "CODE_FILE": record.filename,
            "CODE_LINE": record.lineno,  # the library formats it as a number
            "CODE_FUNC": record.funcName or "",
            **{name: self._clean(value) for name, value in fields.items() if value},
        }

    def _clean(self, text: str) -> str:
        return redact(text).encode("utf-8", "backslashreplace").decode()

    def _priority(self, record: logging.LogRecord) -> str:
        return str(PRIORITIES.get(record.levelno, 6))
