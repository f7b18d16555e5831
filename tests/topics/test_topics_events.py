"""Events on MQTT: numbered, named, and with a second text for when they come late."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.core.facts import Fact
from gateway.topics import Context, Numbers, render
from tests.topics import keys
from tests.topics.samples import (
    AT,
    CONNECTIVITY,
    CONNECTOR,
    CONTEXT,
    FAULT,
    FAULT_CHANGED,
    SESSION_CHANGED,
    STATUS_CHANGED,
)

EVENTS = [
    (STATUS_CHANGED, "event/status/cp01/1"),
    (replace(FAULT_CHANGED, fault=replace(FAULT, connector_id=1)), "event/fault/cp01/1"),
    (SESSION_CHANGED, "event/session/cp01/1"),
    (CONNECTIVITY, "event/connectivity/cp01"),
]


def payload_of(fact: Fact) -> Any:
    """The parsed payload of the one message that tells this fact."""
    (message,) = render(fact, CONTEXT, Numbers())
    return json.loads(message.payload)


@pytest.mark.parametrize(("fact", "topic"), EVENTS)
def test_topic_and_keys(fact: Fact, topic: str) -> None:
    (message,) = render(fact, CONTEXT, Numbers())
    assert (message.topic, message.qos, message.retain) == (topic, 1, False)
    payload = json.loads(message.payload)
    assert keys.keys_of(payload) == set(keys.KEYS[topic].split())
    assert (payload["v"], payload["ts"], payload["gateway"]) == (1, "2026-03-01T08:05:12.340Z", "site1")
    assert (payload["charger"], payload["time_trust"]) == ("cp01", "synced")


@pytest.mark.parametrize(("fact", "topic"), EVENTS)
def test_late_text_differs_in_nothing_but_replayed(fact: Fact, topic: str) -> None:
    (message,) = render(fact, CONTEXT, Numbers())
    assert message.late is not None
    assert json.loads(message.payload)["replayed"] is False
    assert json.loads(message.late) == json.loads(message.payload) | {"replayed": True}


def test_all_events_share_one_count_that_states_do_not_touch() -> None:
    numbers = Numbers()
    context = Context("depot3", "0badcafe", "floor")
    facts: list[Fact] = [STATUS_CHANGED, CONNECTOR, CONNECTIVITY, CONNECTOR, SESSION_CHANGED, FAULT_CHANGED]
    told = [json.loads(render(fact, context, numbers)[0].payload) for fact in facts]
    events = [payload for payload in told if "event_id" in payload]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert [event["event_id"] for event in events] == [f"depot3-0badcafe-{number}" for number in (1, 2, 3, 4)]
    assert {event["time_trust"] for event in events} == {"floor"}


def test_status_event_as_documented() -> None:
    payload = payload_of(STATUS_CHANGED)
    expected = {
        "event": "status_changed",
        "connector": "1",
        "from": "charging",
        "to": "suspended_ev",
        "status": "SuspendedEV",
        "error_code": "NoError",
        "vendor_error_code": None,
        "charger_ts": "2026-03-01T08:05:13Z",
        "transition": "C4",
        "expected": True,
        "dwell_s": 2008,
    }
    assert payload | expected == payload


def test_first_status_and_one_of_the_past() -> None:
    first = replace(STATUS_CHANGED, condition_before=None, transition=None, expected=None, dwell_s=None)
    payload = payload_of(first)
    assert [payload[key] for key in ("from", "transition", "expected", "dwell_s")] == [None] * 4
    assert payload_of(replace(first, late=True))["event"] == "status_late"


def test_fault_raised_and_cleared() -> None:
    raised = payload_of(FAULT_CHANGED)
    assert (raised["event"], raised["fault_id"], raised["connector"]) == ("raised", "site1-cp01-2-1772352720", "2")
    assert [raised[key] for key in ("cleared", "duration_s", "cleared_by")] == [None] * 3
    fault = replace(FAULT, cleared=AT + timedelta(seconds=151.9), cleared_by="status_notification", transaction_id=7712)
    cleared = payload_of(replace(FAULT_CHANGED, kind="cleared", fault=fault))
    expected = {
        "event": "cleared",
        "fault_id": raised["fault_id"],
        "cleared": "2026-03-01T08:07:44.240Z",
        "duration_s": 151,
        "cleared_by": "status_notification",
        "transaction_id": 7712,
    }
    assert cleared | expected == cleared


def test_clock_set_back_makes_no_negative_duration() -> None:
    fault = replace(FAULT, cleared=AT - timedelta(hours=1))
    assert payload_of(replace(FAULT_CHANGED, kind="cleared", fault=fault))["duration_s"] == 0


def test_session_ended_is_the_full_record() -> None:
    payload = payload_of(SESSION_CHANGED)
    expected = {
        "event": "ended",
        "revision": 1,
        "session_id": "site1-cp01-1-1772349100",
        "identity": "CP01",
        "connector": "1",
        "visit_id": None,
        "transaction_id": 7712,
        "local_transaction_id": None,
        "ended": "2026-03-01T08:05:12.340Z",
        "unplugged_at": "2026-03-01T08:05:12.340Z",
        "duration_s": 3600,
        "meter_start_wh": 4605100,
        "meter_stop_wh": 4625480,
        "energy_wh": 20380,
        "estimated": True,
        "resets": 1,
        "stop_reason": "EVDisconnected",
        "started_offline": False,
        "ended_offline": True,
        "upstream_start_delivered": True,
        "upstream_stop_delivered": False,
        "signed_meter": True,
        "phases": [],
    }
    assert payload | expected == payload


def test_connectivity() -> None:
    payload = payload_of(CONNECTIVITY)
    assert (payload["event"], payload["remote_addr"], payload["reconnects_24h"]) == ("online", "10.0.0.31", 2)
