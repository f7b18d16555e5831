"""Peers that share neither code nor language with the gateway: npm's `ocpp-rpc` and `em-ocpp-chargepoint-simulator`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ocpp.charge_point import remove_nones, serialize_as_dict, snake_to_camel_case

from gateway.sim import CallFailed, Refused, SimCharger
from tests.peers.node import PINS, SIMULATOR, NodePeer, installed, missing
from tests.peers.ocpp_package import CROSSING, PASSWORD, Exchange, day_of_work, package_charger
from tests.support.broker import Broker
from tests.support.daemon import daemon
from tests.support.mqtt import Subscriber
from tests.support.site import config, within

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# An unanswered call holds up the next one of ocpp-rpc; on loopback every other answer is there in a few milliseconds.
GIVES_UP_MS = 300


@pytest.fixture(autouse=True)
def peers_are_here() -> None:
    """Elsewhere this file is not collected (conftest.py); on CI their absence fails."""
    assert missing() is None, missing()


# Its limit for the answer as well, so not much less than this: two cores are shared.
PING_EVERY_MS = 2_000


@asynccontextmanager
async def ocpp_rpc() -> AsyncIterator[tuple[NodePeer, str]]:
    """The CSMS and its URL; its end is part of the test."""
    async with NodePeer("csms.mjs", PING_EVERY_MS=str(PING_EVERY_MS)) as csms:
        port = (await csms.tells("listening"))["port"]
        yield csms, f"ws://127.0.0.1:{port}/ocpp"
        assert await csms.ended() == 0, csms.other_lines


def texts(csms: NodePeer, link: int, way: str) -> list[str]:
    """What ocpp-rpc sent or received on a connection."""
    return [told["text"] for told in csms.all("text", link=link, way=way)]


def with_ids_numbered(csms: NodePeer, link: int) -> tuple[list[str], list[str]]:
    """Texts sent and received, with each random id replaced by the number of its first appearance."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0], f"id-{len(numbers)}")

    sent, received = texts(csms, link, "sent"), texts(csms, link, "received")
    return [UUID.sub(number, text) for text in sent], [UUID.sub(number, text) for text in received]


def calls_in(received: list[str]) -> list[str]:
    """The actions of the CALLs among texts."""
    return [found[1] for text in received if (found := re.match(r'\[2, ?"[^"]*", ?"(\w+)"', text))]


@pytest.mark.parametrize("package", sorted(PINS))
def test_the_peers_are_the_pinned_ones(package: str) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", PINS[package])
    assert installed(package) == PINS[package]


async def _day_with_ocpp_rpc(url: str, csms: NodePeer, link: int) -> tuple[list[Exchange], list[Any]]:
    """What the `ocpp` package's charger saw, and what ocpp-rpc got for its commands."""
    outcomes: list[Any] = []

    async def command(request: Any) -> None:
        params = snake_to_camel_case(remove_nones(serialize_as_dict(request)))
        outcomes.append((type(request).__name__, await csms.call("CP-1", type(request).__name__, params)))

    async with package_charger(url, "CP-1") as charger:
        await csms.tells("connected", link=link)
        await day_of_work(charger, command)
    await csms.tells("closed", link=link, code=1000)
    return charger.exchanges, outcomes


async def test_the_ocpp_packages_charger_and_ocpp_rpc_see_the_same_as_directly(tmp_path: Path) -> None:
    async with ocpp_rpc() as (csms, url):
        direct = await _day_with_ocpp_rpc(url, csms, 1)
        async with daemon(tmp_path, config(url)) as running:
            relayed = await _day_with_ocpp_rpc(running.chargers_url(), csms, 2)
        assert relayed == direct
        assert with_ids_numbered(csms, 2) == with_ids_numbered(csms, 1)
        shown = {"identity": "CP-1", "protocol": "ocpp1.6", "endpoint": "/ocpp", "password": PASSWORD}
        assert csms.all("connected") == [{"event": "connected", "link": link, **shown} for link in (1, 2)]
        assert csms.all("bad") == []
    commands = dict(relayed[1])
    assert commands["RemoteStartTransaction"] == {"result": {"status": "Accepted"}}
    assert commands["UnlockConnector"]["error"]["code"] == "InternalError"
    assert commands["ClearCache"]["error"]["code"] == "NotImplemented"


async def test_ocpp_rpc_is_strict_with_every_byte(tmp_path: Path) -> None:
    async with (
        ocpp_rpc() as (csms, url),
        daemon(tmp_path, config(url)) as running,
        SimCharger(running.chargers_url(), "SIM 1") as charger,
    ):
        await csms.tells("connected", identity="SIM 1")
        await charger.boot()
        await charger.statuses()
        assert await charger.authorize("tag") == {"idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}}
        transaction = await charger.start(1, "tag")
        await charger.meter(1, 250)
        await charger.stop(1)
        assert transaction.transaction_id == 7001

        calls = [("DataTransfer", {"vendorId": "acme", "data": f"№ {number}"}) for number in range(CROSSING)]
        commands = [csms.call("SIM 1", "GetConfiguration", {"key": [f"Key{number}"]}) for number in range(CROSSING)]
        up, *down = await within(asyncio.gather(charger.pipeline(calls), *commands))
        assert up == [{"status": "Accepted", "data": "größer"}] * CROSSING
        unknown = [answer["result"]["unknownKey"] for answer in down]
        assert unknown == [[f"Key{number}"] for number in range(CROSSING)]

        with pytest.raises(CallFailed, match="NotImplemented"):
            await charger.call("MakeCoffee", {"cups": 2})
        with pytest.raises(CallFailed, match="FormationViolation"):
            await charger.status(1, "Ready")
        await csms.tells("ping")
        await charger.heartbeat()
        await csms.tells("text", way="sent", times=charger.ledger.received_count)
        assert [told["method"] for told in csms.all("invalid")] == ["StatusNotification"]
        assert texts(csms, 1, "received") == charger.ledger.sent
        assert texts(csms, 1, "sent") == charger.ledger.received
        assert csms.all("bad") == []


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_charger_that_ocpp_rpc_refuses_hears_the_same_as_directly(tmp_path: Path, status: int) -> None:
    async with ocpp_rpc() as (_, url), daemon(tmp_path, config(url)) as running:
        for place in (url, running.chargers_url()):
            with pytest.raises(Refused) as refused:
                await SimCharger(place, f"REFUSED-{status}").connect()
            assert refused.value.status == status


async def _day_of_the_simulator(
    csms: NodePeer, url: str, link: int, stands: Callable[[str], Awaitable[object]]
) -> list[Any]:
    """What ocpp-rpc gets from the simulator for its commands; `stands` looks whether a connector's status is known."""
    answers = []

    async def command(action: str, params: dict[str, Any], timeout_ms: int | None = None) -> None:
        answers.append((action, await csms.call("EM-1", action, params, timeout_ms)))

    async with NodePeer(str(SIMULATOR), "charger.cjs", CSMS_URL=f"{url}/EM-1") as charger:
        await charger.tells("ready")
        await stands("Available")
        await command("GetConfiguration", {})
        await command("ChangeConfiguration", {"key": "MaxCurrent", "value": "10"})
        await command("GetConfiguration", {"key": ["MaxCurrent", "Colour"]})
        await command("RemoteStartTransaction", {"idTag": "04A2B3", "connectorId": 1})
        await charger.tells("charging")
        await stands("Charging")
        await command("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        await command("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1})
        await charger.tells("triggered")
        # The simulator never answers what it does not know.
        await command("UnlockConnector", {"connectorId": 1}, GIVES_UP_MS)
        await command("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await command("RemoteStopTransaction", {"transactionId": 7001})
        await charger.tells("finished")
        await stands("Available")
        # It dials anew before the old socket is closed.
        await command("Reset", {"type": "Soft"})
        await charger.tells("booted", times=2)
        await csms.tells("connected", link=link + 1)
        await command("DataTransfer", {"vendorId": "test", "messageId": "go home"})
        await charger.tells("closed", times=2)
        assert await charger.ended() == 0, charger.other_lines
    await csms.tells("closed", link=link + 1)
    return answers


async def _anywhere(_: str) -> None:
    """Without a gateway nobody publishes."""


async def test_the_npm_simulator_does_its_day_as_directly_and_its_connector_stands_on_mqtt(tmp_path: Path) -> None:
    async with ocpp_rpc() as (csms, url), Broker() as broker, Subscriber(broker.port) as mqtt:
        direct = await _day_of_the_simulator(csms, url, 1, _anywhere)
        text = config(url, mqtt=f'url = "mqtt://127.0.0.1:{broker.port}"')
        async with daemon(tmp_path, text) as running:

            async def stands(status: str) -> None:
                topic = "evgate/test/charger/em-1/connector/1/state"
                await mqtt.wait_json(topic, lambda state: state["status"] == status)

            relayed = await _day_of_the_simulator(csms, running.chargers_url(), 3, stands)
            info = await mqtt.wait_json("evgate/test/charger/em-1/info")
            assert (info["vendor"], info["model"], info["firmware"]) == ("em", "Batch", "0.0.4")
        assert relayed == direct
        for before, after in ((1, 3), (2, 4)):
            assert with_ids_numbered(csms, after) == with_ids_numbered(csms, before)
        assert csms.all("invalid") == csms.all("bad") == []
        assert calls_in(texts(csms, 3, "received")) == [
            "BootNotification",
            *["StatusNotification"] * 2,
            "Heartbeat",
            "StatusNotification",
            "Authorize",
            "StartTransaction",
            "StatusNotification",
            "MeterValues",
            "StatusNotification",
            "StopTransaction",
            *["StatusNotification"] * 2,
        ]
        assert calls_in(texts(csms, 4, "received")) == ["BootNotification", *["StatusNotification"] * 2]
    outcomes = dict(relayed)
    assert outcomes["GetConfiguration"]["result"]["configurationKey"][0]["value"] == "10"
    assert outcomes["UnlockConnector"]["error"]["code"] == "TimeoutError"
    assert outcomes["TriggerMessage"] == {"result": {"status": "NotImplemented"}}
    assert outcomes["DataTransfer"] == {"result": {"status": "Accepted"}}
