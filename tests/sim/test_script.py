"""Charger scripts."""

from __future__ import annotations

import json

import pytest

from gateway.sim import ScriptError, SimCharger, SimStation, script
from tests.counts import PATIENCE_S

_WHOLE = """
# a session, then some nonsense
boot
heartbeat
authorize TAG
status 1 Preparing
start 1 TAG
meter 1 500
wait 0.0
stop 1 EVDisconnected
status 2 Faulted OtherError PP01
session 2 TAG
call DataTransfer {"vendorId": "x"}
call Heartbeat
raw [2, "1",
answer Reset {"status": "Rejected"}
answer ClearCache error GenericError
answer GetConfiguration silent
close 1001
connect
abort
"""


async def test_every_step_does_what_it_says(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    await script.run(script.parse(_WHOLE), charger)
    await station.link.wait_closed(PATIENCE_S)
    received = [json.loads(text) for text in station.ledger.received if text != '[2, "1",']
    actions = [frame[2] for frame in received]
    assert actions == [
        *["BootNotification", *["StatusNotification"] * 3, "Heartbeat", "Authorize", "StatusNotification"],
        *["StartTransaction", "MeterValues", "StopTransaction", "StatusNotification"],
        *["StatusNotification", "Authorize", "StartTransaction", "StatusNotification", *["MeterValues"] * 3],
        *["StopTransaction", *["StatusNotification"] * 2, "DataTransfer", "Heartbeat"],
    ]
    assert received[9][3]["reason"] == "EVDisconnected"
    assert received[10][3] | {"timestamp": ""} == {
        "connectorId": 2,
        "errorCode": "OtherError",
        "status": "Faulted",
        "timestamp": "",
        "vendorErrorCode": "PP01",
    }
    assert station.ledger.received[-1] == '[2, "1",'
    assert set(charger.answers.overrides) == {"Reset", "ClearCache", "GetConfiguration"}
    assert station.connect_count == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("boot\nfly", "line 2: unknown step 'fly'; known are: boot, "),
        ("# x\n\nboot now", "line 3: expected 0 values, found 1; write: boot"),
        ("authorize", "line 1: expected 1 value, found 0; write: authorize TAG"),
        ("status 1", "line 1: expected 2 to 4 values, found 1; write: status CONNECTOR STATUS"),
        ("start one TAG", "line 1: the connector must be a whole number, not 'one'; write: start"),
        ("meter 1 much", "line 1: the energy in Wh must be a whole number, not 'much'"),
        ("call", "line 1: the action is missing; write: call ACTION [JSON]"),
        ("call X {", "line 1: the payload is not JSON"),
        ("call X []", "line 1: the payload must be a JSON object"),
        ("raw", "line 1: the text is missing"),
        ("answer Reset", "line 1: the answer is missing"),
        ("wait long", "line 1: the seconds must be a number, not 'long'"),
        ("wait -1", "line 1: the seconds must be 0 or more"),
        ("wait inf", "line 1: the seconds must be 0 or more"),
        ("close 1006", "line 1: 1006 is no close code that may be sent"),
    ],
)
def test_a_wrong_line_is_named_before_anything_runs(text: str, message: str) -> None:
    with pytest.raises(ScriptError) as wrong:
        script.parse(text)
    assert str(wrong.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("boot\nstop 1", "line 2: stop 1: no transaction is running on connector 1; start one first"),
        ("start 7 TAG", "line 1: start 7 TAG: CP01 has no connector 7, only 0 to 2"),
        ("close\nheartbeat", "line 2: heartbeat: not connected (close code 1000)"),
        ("call Nonsense", "line 1: call Nonsense: Nonsense was answered with CALLERROR NotImplemented"),
    ],
)
async def test_a_step_that_fails_is_named(charger: SimCharger, text: str, message: str) -> None:
    await charger.connect()
    with pytest.raises(ScriptError) as failed:
        await script.run(script.parse(text), charger)
    assert str(failed.value).startswith(message)


def test_the_reference_names_every_step() -> None:
    steps = [line.split()[0] for line in script.reference().splitlines()]
    with pytest.raises(ScriptError, match=", ".join(steps)):
        script.parse("fly")
