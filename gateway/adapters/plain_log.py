"""Log lines as text, for a terminal or a container: when, how grave, which charger, what was done."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from gateway.core.moment import timestamp
from gateway.core.redact import redact


class PlainFormatter(logging.Formatter):
    """`2026-03-01T08:00:00.000Z WARNING CP01: text`. Redacts once more what was redacted at its source."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text; a traceback follows on lines of its own."""
        fields: dict[str, str] = getattr(record, "fields", {})
        station = fields.get("CHARGE_POINT")
        where = f"{station}: " if station else ""
        line = redact(f"{where}{record.getMessage()}")
        text = f"{timestamp(datetime.fromtimestamp(record.created, UTC))} {record.levelname} {line}"
        if record.exc_info:
            text += f"\n{redact(self.formatException(record.exc_info))}"
        return text.encode("utf-8", "backslashreplace").decode()


def plain_handler() -> logging.Handler:
    """Writes to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter())
    return handler
