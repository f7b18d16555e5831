"""What stood on the broker, life after life of the gateway, and whether each took up what the one before had told."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.sim.framing import JsonObject
from tests.support.busy import BusyCharger, BusyConnector, Upstream
from tests.support.mqtt import Received

Payload = Mapping[str, Any]

RAW = {
    "status": "status",
    "error_code": "errorCode",
    "info": "info",
    "vendor_id": "vendorId",
    "vendor_error_code": "vendorErrorCode",
}
"""Words that pass unaltered: key of the payload, field of the StatusNotification."""

CONDITIONS = {
    "Available": ("available",),
    "Preparing": ("preparing", "finishing"),
    "Charging": ("charging",),
    "SuspendedEV": ("suspended_ev",),
    "SuspendedEVSE": ("suspended_evse",),
    "Finishing": ("finishing",),
    "Faulted": ("faulted",),
}

KEPT = (
    *RAW,
    *("charger_ts", "condition", "since", "previous", "transition", "expected", "unexpected_transitions"),
    *("plugged", "charging", "operative", "reserved", "visit_id", "plugged_at"),
)
"""What a connector's state has after a restart as it had before, while nothing new was remembered."""

NOT_READ = {"v", "ts", "seq", "gateway", "charger", "connector", "source", "stale"}
"""What the topic of a meter has beside readings; these are not kept."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The first that a life told on a topic, in message `index`; `before` is the last that the lives before it told."""

    index: int
    topic: str
    before: Payload | None
    after: Payload


@dataclass(slots=True)
class Story:
    """Everything below `base` in order. A topic's `seq` begins at 1 in each life, which tells them apart."""

    base: str
    latest: dict[str, Payload] = field(default_factory=dict)
    began: dict[str, int] = field(default_factory=dict)
    """Index of the message with which the present life of a topic began."""
    turns: list[Turn] = field(default_factory=list)
    events: list[Payload] = field(default_factory=list)
    sightings: defaultdict[tuple[str, str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """Session ids by charger, connector and beginning."""
    transactions: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Session ids by transaction id."""
    _read: int = 0

    def read_on(self, messages: Sequence[Received]) -> None:
        """`messages` is the whole list, to which more was added since the last time."""
        for index in range(self._read, len(messages)):
            topic = messages[index].topic.removeprefix(f"{self.base}/")
            if topic.startswith("event/"):
                event = json.loads(messages[index].payload)
                self.events.append(event)
                if topic.startswith("event/session/"):
                    self._see(event)
            elif topic.startswith("charger/") and not topic.endswith(("/status", "/info")):
                self._take(topic, json.loads(messages[index].payload), index)
        self._read = len(messages)

    def began_all(self, since: int, topics: Iterable[str]) -> bool:
        """Has every topic that was ever told begun anew since this index, these included?"""
        return all(self.began.get(topic, -1) >= since for topic in {*self.began, *topics})

    def _take(self, topic: str, payload: Payload, index: int) -> None:
        before = self.latest.get(topic)
        if before is None or payload["seq"] <= before["seq"]:
            self.turns.append(Turn(index, topic, before, payload))
            self.began[topic] = index
        self.latest[topic] = payload
        if topic.endswith("/session"):
            self._see(payload)

    def _see(self, session: Payload) -> None:
        self.sightings[session["charger"], session["connector"], session["started"]].add(session["session_id"])
        if session["transaction_id"] is not None:
            self.transactions[session["transaction_id"]].add(session["session_id"])


@dataclass(slots=True)
class Judge:
    """Whether a life took up what there was. `newer` counts states that were remembered and not published any more."""

    chargers: Mapping[str, BusyCharger]
    """By slug."""
    upstreams: Mapping[str, Upstream]
    """By slug."""
    restored: int = 0
    newer: int = 0

    def judge(self, turn: Turn) -> None:
        """Raises AssertionError with both payloads."""
        _, slug, *rest = turn.topic.split("/")
        charger, upstream = self.chargers[slug], self.upstreams[slug]
        try:
            match rest:
                case ["state"]:
                    _judge_charger(turn, charger)
                case ["faults"]:
                    _judge_faults(turn, charger, upstream)
                case ["connector", number, "state"]:
                    self.newer += _judge_connector(turn, charger.connectors[int(number) - 1], upstream)
                case ["connector", number, "session"]:
                    self.newer += _judge_session(turn, charger.connectors[int(number) - 1], upstream)
                case ["connector", _, "meter"]:
                    assert turn.after["stale"] is True
                    assert {name for name, reading in turn.after.items() if reading not in (None, {})} == NOT_READ
        except AssertionError as failure:
            failure.add_note(f"{turn.topic}\nbefore {json.dumps(turn.before)}\nafter  {json.dumps(turn.after)}")
            raise
        self.restored += 1


def _judge_charger(turn: Turn, charger: BusyCharger) -> None:
    before, after = turn.before, turn.after
    assert (after["online"], after["stale"]) == (False, True)
    if before is not None:
        assert (after["last_boot"] or "") >= (before["last_boot"] or "")
        assert before["registered"] in (None, after["registered"])
        assert before["status"] in (None, after["status"])
        assert charger.charger.registration is None or after["registered"] == "accepted"


def _judge_connector(turn: Turn, connector: BusyConnector, upstream: Upstream) -> bool:
    """True: newer than what was published last."""
    before, after, reports = turn.before, turn.after, connector.reports
    assert (after["stale"], after["source"]) == (True, "restored")
    assert after["stale_reason"] == "restored_after_restart"
    assert after["condition"] in CONDITIONS[after["status"]]
    times = [report["timestamp"] for report in reports]
    at = times.index(after["charger_ts"])
    assert {key: after[key] for key in RAW} == _raw(reports[at])
    reached = [index for index, report in enumerate(reports) if upstream.has("StatusNotification", report)]
    oldest = max([*reached, -1 if before is None else times.index(before["charger_ts"])])
    # A report that only confirms moves nothing: what it confirmed stands.
    assert [report for report in reports[at + 1 : oldest + 1] if _raw(report) != _raw(reports[at])] == []
    if before is None:
        return True
    if (before["charger_ts"], before["since"]) == (after["charger_ts"], after["since"]):
        assert {key: after[key] for key in KEPT} == {key: before[key] for key in KEPT}
        # A session may have begun or ended since; its own topic tells.
        return bool(after["in_session"] != before["in_session"])
    assert after["since"] >= before["since"]
    assert after["unexpected_transitions"] >= before["unexpected_transitions"]
    if after["since"] == before["since"]:
        assert (after["previous"], after["status"]) == (before["previous"], before["status"])
    else:
        assert after["previous"] is not None
        assert after["previous"]["since"] >= before["since"]
    if before["visit_id"] not in (None, after["visit_id"]):
        between = reports[times.index(before["charger_ts"]) + 1 : at + 1]
        assert "Available" in {report["status"] for report in between}
    return True


def _judge_faults(turn: Turn, charger: BusyCharger, upstream: Upstream) -> None:
    after = {fault["fault_id"]: fault for fault in turn.after["faults"]}
    assert turn.after["stale"] is True
    said = [(fault["connector"], fault["code"], fault["vendor_error_code"]) for fault in after.values()]
    assert len(set(said)) == len(said) == len(after) == turn.after["count"]
    for connector in charger.connectors:
        here = [fault for fault in after.values() if fault["connector"] == str(connector.number)]
        codes = {report["errorCode"] for report in connector.reports} | {"Unknown"}
        assert {fault["code"] for fault in here} <= codes
        reached = [report for report in connector.reports if upstream.has("StatusNotification", report)]
        if reached and reached[-1]["errorCode"] != "NoError":
            assert reached[-1]["errorCode"] in {fault["code"] for fault in here}
        elif reached and reached[-1]["status"] == "Faulted":
            assert "error" in {fault["severity"] for fault in here}
    for fault in turn.before["faults"] if turn.before is not None else ():
        now = after.get(fault["fault_id"])
        if now is None:
            reports = charger.connectors[int(fault["connector"]) - 1].reports
            later = [report for report in reports if report["timestamp"] > fault["raised"]]
            assert "NoError" in {report["errorCode"] for report in later}
            continue
        # One without a name may have got it.
        named = ("code", "vendor_id", "vendor_error_code") if fault["code"] != "Unknown" else ()
        same = ("raised", "connector", "source", *named)
        assert {key: now[key] for key in same} == {key: fault[key] for key in same}
        assert now["occurrences"] >= fault["occurrences"]
        assert now["last_seen"] >= fault["last_seen"]


def _judge_session(turn: Turn, connector: BusyConnector, upstream: Upstream) -> bool:
    """True: newer than what was published last."""
    before, after, uses = turn.before, turn.after, connector.uses
    beginnings = [use.start["timestamp"] for use in uses]
    at = beginnings.index(after["started"])
    use = uses[at]
    reached = [index for index, one in enumerate(uses) if upstream.has("StartTransaction", one.start)]
    assert at >= max(reached, default=0)
    assert after["meter_start_wh"] == use.start["meterStart"]
    if use.transaction_id is not None:
        assert after["transaction_id"] == use.transaction_id
    if use.stop is not None and upstream.has("StopTransaction", use.stop):
        _assert_ended(after, use.stop)
        assert after["energy_wh"] == use.stop["meterStop"] - use.start["meterStart"]
    assert after["stale"] is after["active"]
    assert after["power_w"] is None
    if before is None or before["session_id"] != after["session_id"]:
        assert before is None or at > beginnings.index(before["started"])
        return True
    assert before["started"] == after["started"]
    assert before["transaction_id"] in (None, after["transaction_id"])
    for key in ("revision", "energy_wh", "meter_now_wh", "duration_s", "charging_s", "max_power_w", "unplugged_at"):
        assert before[key] is None or after[key] >= before[key], key
    if (before["revision"], before["active"]) == (after["revision"], after["active"]):
        *past, present = before["phases"]
        assert after["phases"][: len(past)] == past
        same = after["phases"][len(past)]
        assert (same["name"], same["since"]) == (present["name"], present["since"])
        assert same["seconds"] >= present["seconds"]
    changing = ("seq", "ts", "stale", "power_w")
    return {key: after[key] for key in after if key not in changing} != {
        key: before[key] for key in before if key not in changing
    }


def _assert_ended(session: Payload, stop: JsonObject) -> None:
    assert not session["active"]
    ended = (session["ended"], session["meter_stop_wh"], session["stop_reason"])
    assert ended == (stop["timestamp"], stop["meterStop"], stop["reason"])


def _raw(report: JsonObject) -> dict[str, str | None]:
    return {key: report.get(name) for key, name in RAW.items()}
