"""The demo's table: made of MQTT messages only."""

from __future__ import annotations

import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.sim.table import Board

_STATE = "evgate/demo/charger/cp01/connector/1/state"
_SINCE = "2026-03-01T08:05:12.340Z"
_SHOWN = datetime.fromisoformat(_SINCE).astimezone().strftime("%H:%M:%S")


def _state(status: str, **fields: object) -> bytes:
    return json.dumps({"status": status, "since": _SINCE, "error_code": "NoError", **fields}).encode()


def test_changes_are_told_once() -> None:
    board = Board("evgate/demo")
    assert board.apply("evgate/demo/status", b"online") == "gateway is online"
    assert board.apply("evgate/demo/status", b"online") is None
    assert board.apply("evgate/demo/charger/cp01/status", b"online") == "cp01 is online"
    assert board.apply("evgate/demo/charger/cp01/status", b"online") is None
    assert board.apply(_STATE, _state("Charging")) == f"cp01 connector 1 is Charging since {_SHOWN}"
    assert board.apply(_STATE, _state("Charging", ts="later")) is None
    fault = _state("Faulted", error_code="GroundFailure")
    assert board.apply(_STATE, fault) == f"cp01 connector 1 is Faulted, GroundFailure since {_SHOWN}"
    stale = _state("Faulted", error_code="GroundFailure", stale=True)
    assert board.apply(_STATE, stale) == f"cp01 connector 1 is Faulted (stale), GroundFailure since {_SHOWN}"


def test_the_table_is_sorted_and_aligned() -> None:
    board = Board("evgate/demo")
    board.apply("evgate/demo/charger/cp02/connector/1/state", _state("SuspendedEV", source="status_notification"))
    board.apply(_STATE, _state("Faulted", error_code="GroundFailure", since=None))
    board.apply("evgate/demo/charger/cp01/status", b"online")
    assert board.lines() == [
        "charger  link     connector  status       error          since     source",
        "cp01     online   1          Faulted      GroundFailure  ?",
        f"cp02     unknown  1          SuspendedEV                 {_SHOWN}  status_notification",
    ]


@given(st.sampled_from(["evgate/demo", "evgate/demo/status/x", "evgate/other/status", "x", _STATE]), st.binary())
def test_anything_else_is_ignored(topic: str, payload: bytes) -> None:
    board = Board("evgate/demo")
    assert board.apply(topic, payload) is None
    assert board.apply(_STATE, b'{"status": null}') is None
    assert board.rows == {}
