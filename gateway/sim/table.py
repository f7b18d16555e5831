"""The demo's table: what stands on MQTT about each connector, and nothing that the simulator knows itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_COLUMNS = ("charger", "link", "connector", "status", "error", "since", "source")


@dataclass(frozen=True, slots=True)
class Row:
    """One connector as published."""

    charger: str
    connector: str
    status: str
    error_code: str
    since: str
    source: str
    stale: bool

    @property
    def shown_status(self) -> str:
        """Status with a mark where the gateway says that it may be out of date."""
        return f"{self.status} (stale)" if self.stale else self.status


class Board:
    """Built from topics and payloads below `base` (`evgate/<site>`); anything else is ignored."""

    def __init__(self, base: str) -> None:
        self._levels = base.split("/")
        self.rows: dict[tuple[str, str], Row] = {}
        self.links: dict[str, str] = {}
        self.gateway = "unknown"

    def apply(self, topic: str, payload: bytes) -> str | None:
        """Take one message; returns the line that tells a visible change, else None."""
        levels = topic.split("/")
        if levels[: len(self._levels)] != self._levels:
            return None
        match levels[len(self._levels) :]:
            case ["status"]:
                return self._gateway_status(_text(payload))
            case ["charger", charger, "status"]:
                return self._charger_status(charger, _text(payload))
            case ["charger", charger, "connector", connector, "state"]:
                return self._connector_state(charger, connector, payload)
            case _:
                return None

    def lines(self) -> list[str]:
        """The table, header first."""
        cells = [_COLUMNS] + [
            (
                row.charger,
                self.links.get(row.charger, "unknown"),
                row.connector,
                row.shown_status,
                "" if row.error_code == "NoError" else row.error_code,
                row.since,
                row.source,
            )
            for _, row in sorted(self.rows.items())
        ]
        widths = [max(len(line[index]) for line in cells) for index in range(len(_COLUMNS))]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
        ]

    def _gateway_status(self, status: str) -> str | None:
        if status == self.gateway:
            return None
        self.gateway = status
        return f"gateway is {status}"

    def _charger_status(self, charger: str, status: str) -> str | None:
        if self.links.get(charger) == status:
            return None
        self.links[charger] = status
        return f"{charger} is {status}"

    def _connector_state(self, charger: str, connector: str, payload: bytes) -> str | None:
        state = _object(payload)
        if not isinstance(state.get("status"), str):
            return None
        key = charger, connector
        before = self.rows.get(key)
        row = Row(
            charger,
            connector,
            state["status"],
            str(state.get("error_code") or "NoError"),
            _local_time(state.get("since")),
            str(state.get("source") or ""),
            state.get("stale") is True,
        )
        self.rows[key] = row
        if before is not None and (before.shown_status, before.error_code) == (
            row.shown_status,
            row.error_code,
        ):
            return None
        error = "" if row.error_code == "NoError" else f", {row.error_code}"
        return f"{charger} connector {connector} is {row.shown_status}{error} since {row.since}"


def _text(payload: bytes) -> str:
    return payload.decode("utf-8", "replace")


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _local_time(since: object) -> str:
    try:
        return datetime.fromisoformat(str(since)).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return "?"
