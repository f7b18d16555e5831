"""Calls between a simulated charger and a simulated CSMS over a real socket."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.sim import (
    SENT,
    SILENT,
    Call,
    CallFailed,
    CallTimeout,
    Disconnected,
    Failure,
    JsonObject,
    Ledger,
    Raw,
    SimCharger,
    SimCsms,
    SimStation,
)
from tests.counts import PATIENCE_S


async def same_ledgers(charger: SimCharger, station: SimStation) -> None:
    """Wait until both ends wrote down the same frames."""
    for ledger, other in ((charger.ledger, station.ledger), (station.ledger, charger.ledger)):
        await ledger.wait_received(other.sent_count, PATIENCE_S)
        assert (ledger.received, ledger.received_digest) == (other.sent, other.sent_digest)


async def test_a_session_stands_in_both_ledgers_and_in_the_transactions(
    csms: SimCsms, charger: SimCharger, station: SimStation
) -> None:
    await charger.connect()
    assert (await charger.boot())["interval"] == 300
    await charger.statuses()
    first = await charger.session(1, "TAG-A", meter_values=2, step_wh=250, suspend=True)
    second = await charger.session(2, "TAG-B")
    assert (first.transaction_id, first.meter_start, first.meter_stop) == (1, 0, 500)
    assert second.transaction_id == 2
    known = csms.transactions[1]
    assert known.start["idTag"] == "TAG-A"
    assert known.stop is not None
    assert known.stop["meterStop"] == 500
    await same_ledgers(charger, station)


@pytest.mark.parametrize(
    ("action", "payload", "expected"),
    [
        ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}, {"status": "Accepted"}),
        ("ChangeAvailability", {"connectorId": [], "type": "Inoperative"}, {"status": "Rejected"}),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}, {"status": "Accepted"}),
        ("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "9"}, {"status": "Rejected"}),
        ("ChangeConfiguration", {"key": "Nonsense", "value": "1"}, {"status": "NotSupported"}),
        (
            "GetConfiguration",
            {"key": ["NumberOfConnectors", "Nonsense"]},
            {
                "configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}],
                "unknownKey": ["Nonsense"],
            },
        ),
        ("GetLocalListVersion", {}, {"listVersion": 0}),
        ("RemoteStartTransaction", {"idTag": "T", "connectorId": 1}, {"status": "Accepted"}),
        ("RemoteStartTransaction", {"idTag": "T", "connectorId": 7}, {"status": "Rejected"}),
        ("RemoteStopTransaction", {"transactionId": 99}, {"status": "Rejected"}),
        ("Reset", {"type": "Soft"}, {"status": "Accepted"}),
        ("SendLocalList", {"listVersion": 3, "updateType": "Full"}, {"status": "Accepted"}),
        ("SetChargingProfile", {}, {"status": "Accepted"}),
        ("TriggerMessage", {"requestedMessage": "LogStatusNotification"}, {"status": "NotImplemented"}),
        ("UnlockConnector", {"connectorId": 1}, {"status": "Unlocked"}),
    ],
)
async def test_what_a_charger_answers_to_commands(
    charger: SimCharger, station: SimStation, action: str, payload: JsonObject, expected: JsonObject
) -> None:
    await charger.connect()
    assert await station.call(action, payload) == expected


async def test_an_unknown_command_is_not_implemented(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    with pytest.raises(CallFailed) as failed:
        await station.call("MakeCoffee")
    assert (failed.value.action, failed.value.code) == ("MakeCoffee", "NotImplemented")


@pytest.mark.parametrize(
    ("connector", "expected"), [(1, [1]), (None, [0, 1, 2])], ids=["one connector", "all connectors"]
)
async def test_a_triggered_status_comes_after_the_answer(
    charger: SimCharger, station: SimStation, connector: int | None, expected: list[int]
) -> None:
    await charger.connect()
    payload: JsonObject = {"requestedMessage": "StatusNotification"}
    if connector is not None:
        payload["connectorId"] = connector
    assert await station.call("TriggerMessage", payload) == {"status": "Accepted"}
    await charger.ledger.wait_received(1 + len(expected), PATIENCE_S)
    frames = charger.ledger.sent
    assert frames[0].startswith("[3,")
    assert [f'"connectorId":{number},' in text for number, text in zip(expected, frames[1:], strict=True)] == [
        True for _ in expected
    ]


async def test_a_charger_that_acts_starts_and_stops_what_it_is_told(csms: SimCsms) -> None:
    async with SimCharger(csms.url, "CP02", acts_on_commands=True) as charger:
        ledger = csms.ledger("CP02")
        await csms.call("CP02", "RemoteStartTransaction", {"idTag": "T", "connectorId": 2})
        await ledger.wait_until(lambda: '"Charging"' in "".join(ledger.received), PATIENCE_S)
        await csms.call("CP02", "RemoteStopTransaction", {"transactionId": 1})
        await ledger.wait_until(lambda: '"Available"' in "".join(ledger.received), PATIENCE_S)
        transaction = csms.transactions[1]
        assert transaction.stop is not None
        assert transaction.stop["reason"] == "Remote"
        assert charger.connectors[2].transaction is None
        await csms.call("CP02", "Reset", {"type": "Hard"})
        assert await charger.wait_closed(PATIENCE_S) == (1000, "reset")


@pytest.mark.parametrize(
    ("requested", "sent"),
    [
        ("BootNotification", "BootNotification"),
        ("Heartbeat", "Heartbeat"),
        ("MeterValues", "MeterValues"),
    ],
)
async def test_other_messages_can_be_triggered(
    charger: SimCharger, station: SimStation, requested: str, sent: str
) -> None:
    await charger.connect()
    assert await station.call("TriggerMessage", {"requestedMessage": requested}) == {"status": "Accepted"}
    await charger.ledger.wait_received(2, PATIENCE_S)
    assert f'"{sent}"' in charger.ledger.sent[1]


@pytest.mark.parametrize("payload", [{}, {"requestedMessage": "Heartbeat", "connectorId": 7}])
async def test_a_trigger_that_makes_no_sense(charger: SimCharger, station: SimStation, payload: JsonObject) -> None:
    await charger.connect()
    if payload:
        assert await station.call("TriggerMessage", payload) == {"status": "Rejected"}
    else:
        with pytest.raises(CallFailed, match="FormationViolation"):
            await station.call("TriggerMessage", payload)


async def test_a_charger_that_acts_changes_its_availability(csms: SimCsms) -> None:
    async with SimCharger(csms.url, "CP02", acts_on_commands=True) as charger:
        ledger = csms.ledger("CP02")
        await csms.wait_connected("CP02")
        for kind, status in (("Inoperative", "Unavailable"), ("Operative", "Available")):
            command = {"connectorId": 1, "type": kind}
            assert await csms.call("CP02", "ChangeAvailability", command) == {"status": "Accepted"}
            await ledger.wait_until(partial(_last_names, ledger, status), PATIENCE_S)
        await charger.start(1, "T")
        command = {"connectorId": 1, "type": "Inoperative"}
        assert await csms.call("CP02", "ChangeAvailability", command) == {"status": "Scheduled"}
        assert (await csms.call("CP02", "GetConfiguration"))["configurationKey"][0]["value"] == "300"
        assert (await csms.call("CP02", "GetCompositeSchedule", {"connectorId": 1}))["connectorId"] == 1
        assert await csms.call("CP02", "Reset", {"type": "Hard"}) == {"status": "Accepted"}
        await charger.wait_closed(PATIENCE_S)
        assert csms.transactions[1].stop is not None
        assert csms.transactions[1].stop["reason"] == "HardReset"


def _last_names(ledger: Ledger, status: str) -> bool:
    return f'"{status}"' in ledger.received[-1]


async def test_answers_can_be_overridden_in_every_way(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    station.answer("Authorize", {"idTagInfo": {"status": "Blocked"}})
    assert (await charger.authorize("T"))["idTagInfo"]["status"] == "Blocked"
    station.answer("Authorize", lambda call: {"tag": call.payload["idTag"]})
    assert await charger.authorize("T") == {"tag": "T"}

    async def slow(call: Call) -> JsonObject:
        return {"action": call.action}

    station.answer("Authorize", slow)
    assert await charger.authorize("T") == {"action": "Authorize"}
    station.answer("Authorize", Failure("InternalError", "broken", {"why": 1}))
    with pytest.raises(CallFailed, match="InternalError: broken") as failed:
        await charger.authorize("T")
    assert failed.value.details == {"why": 1}
    station.answer("Authorize", Raw("[3,"))
    station.answer("*", SILENT)
    for action in ("Authorize", "Heartbeat"):
        with pytest.raises(CallTimeout):
            await charger.call(action, timeout_s=0.05)
    station.answers.reset()
    assert "currentTime" in await charger.heartbeat()
    assert charger.link.malformed == 1


async def test_several_calls_are_open_at_once_in_both_directions(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    await station.wait_connected()
    station.hold_answers()
    up = asyncio.create_task(charger.pipeline([("Heartbeat", {}), ("Authorize", {"idTag": "T"})] * 10))
    await station.ledger.wait_received(20, PATIENCE_S)
    # Calls the other way are answered meanwhile.
    assert await station.call("GetLocalListVersion") == {"listVersion": 0}
    assert charger.ledger.received_count == 1
    station.release_answers()
    answers = await up
    assert ["idTagInfo" in answer for answer in answers] == [False, True] * 10
    await same_ledgers(charger, station)


async def test_ids_are_kept_as_they_are_and_may_repeat(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    for message_id in ("007", 7, "28240181849166013077"):
        await charger.call("Heartbeat", message_id=message_id)
    station.hold_answers()
    twins = [await charger.link.start_call("Heartbeat", message_id="1") for _ in range(2)]
    station.release_answers()
    assert len(await asyncio.gather(*twins)) == 2
    assert [text[:14] for text in charger.ledger.sent[:2]] == ['[2,"007","Hear', '[2,7,"Heartbea']
    assert station.ledger.received == charger.ledger.sent


async def test_raw_frames_arrive_as_they_are(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    texts = ["[2,", "", "plain", '[2, "1",  "StatusNotification" ,{"info":"\\ud800 ü"}]', '[3,"nobody\'s",{}]']
    for text in texts:
        await charger.send_raw(text)
    await charger.send_binary(b"\x00\xff")
    await station.ledger.wait_until(lambda: station.ledger.binary != [], PATIENCE_S)
    assert station.ledger.received == texts
    assert charger.ledger.binary == [(SENT, b"\x00\xff")]
    assert (station.link.malformed, station.link.unmatched) == (3, 1)


async def test_an_answer_that_comes_too_late_harms_nobody(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    station.hold_answers()
    with pytest.raises(CallTimeout, match="Heartbeat was not answered"):
        await charger.call("Heartbeat", timeout_s=0.01)
    station.release_answers()
    assert "idTagInfo" in await charger.authorize("T")
    assert charger.ledger.received_count == 2


async def test_calls_fail_when_the_link_ends(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    station.answer("*", SILENT)
    answer = await charger.link.start_call("Heartbeat")
    await station.ledger.wait_received(1, PATIENCE_S)
    await station.close(4001, "go")
    with pytest.raises(Disconnected) as ended:
        await answer
    assert (ended.value.code, ended.value.reason) == (4001, "go")
    with pytest.raises(Disconnected):
        await charger.heartbeat()
    assert charger.ledger.sent_count == 1


async def test_a_charger_without_a_connection_says_so(charger: SimCharger) -> None:
    with pytest.raises(Disconnected, match="never connected"):
        await charger.heartbeat()
    assert not charger.connected
    await charger.close()
    await charger.abort()


async def test_load_runs_compare_hashes_only() -> None:
    async with (
        SimCsms(keep_frames=False) as csms,
        SimCharger(csms.url, "CP01", ledger=Ledger(keep=False)) as charger,
    ):
        await charger.pipeline([("Heartbeat", {})] * 50)
        ledger = csms.ledger("CP01")
        assert (ledger.received_count, ledger.received_digest) == (50, charger.ledger.sent_digest)
        assert (ledger.entries, charger.ledger.entries) == ([], [])
