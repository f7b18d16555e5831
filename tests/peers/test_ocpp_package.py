"""The `ocpp` package's own two ends see the same with the gateway between them as without it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocpp.v16 import call

from gateway.sim import RECEIVED, SENT, Direction, Ledger, basic
from tests.counts import PATIENCE_S
from tests.peers.ocpp_package import (
    CROSSING,
    PASSWORD,
    CentralSystem,
    Closing,
    Exchange,
    PackageCharger,
    PackageCsms,
    day_of_work,
    package_charger,
)
from tests.support.daemon import daemon
from tests.support.site import config, within


@dataclass
class MakeCoffee:
    """An action that OCPP does not know."""

    cups: int = 2
    kind: str = "schwarz, heiß"


@dataclass
class Heartbeat:
    """One field too many."""

    pulse: float = 1.10


@dataclass(slots=True)
class Talk:
    """Everything both ends saw, connection by connection."""

    upgrades: list[tuple[str, str | None, str | None, str | None]] = field(default_factory=list)
    charger: list[list[Exchange]] = field(default_factory=list)
    csms: list[list[Exchange]] = field(default_factory=list)
    charger_texts: list[list[tuple[Direction, str]]] = field(default_factory=list)
    csms_texts: list[list[tuple[Direction, str]]] = field(default_factory=list)
    closings: list[tuple[Closing, Closing]] = field(default_factory=list)

    async def end(self, charger: PackageCharger, csms: PackageCsms) -> None:
        """Keep what the two ends of a connection saw, once both know that it is closed."""
        self.closings.append((await within(charger.closing), await within(csms.closing)))
        self.charger.append(charger.exchanges)
        self.csms.append(csms.exchanges)
        self.charger_texts.append(charger.wire.ledger.entries)
        self.csms_texts.append(csms.wire.ledger.entries)


async def _errors(charger: PackageCharger, csms: PackageCsms) -> None:
    """What each end refuses, in both directions."""
    for asker in (charger, csms):
        await asker.ask(MakeCoffee(), valid=False)
        await asker.ask(Heartbeat(), valid=False)
        await asker.ask(call.FirmwareStatusNotification("Downloading"))
        await asker.ask(call.DataTransfer("acme", "größe", "[1, 2.50]"))


async def _play(url: str, csms: CentralSystem) -> Talk:
    """The same two connections every time: the charger hangs up the first, the CSMS the second."""
    talk = Talk(csms.upgrades)
    async with package_charger(url, "CP-1") as charger:
        station = await csms.arrival()
        await day_of_work(charger, station.ask)
        await charger.wire.connection.close(1000, "reset")
        await talk.end(charger, station)
    async with package_charger(url, "CP-1") as charger:
        station = await csms.arrival()
        await _errors(charger, station)
        await station.wire.connection.close(1012, "maintenance")
        await talk.end(charger, station)
    return talk


def _asked(exchanges: list[Exchange], by: str) -> list[tuple[str, Any]]:
    return [(exchange.action, exchange.response) for exchange in exchanges if exchange.by == by]


def _mirrored(one: Ledger, other: Ledger) -> bool:
    return one.sent == other.received and one.received == other.sent


async def test_both_ends_see_the_same_with_and_without_the_gateway(tmp_path: Path) -> None:
    async with CentralSystem() as csms:
        direct = await _play(csms.url, csms)
    async with CentralSystem() as csms, daemon(tmp_path, config(csms.url)) as running:
        relayed = await _play(running.chargers_url(), csms)
    assert relayed.charger == direct.charger
    assert relayed.csms == direct.csms
    assert relayed.charger_texts == direct.charger_texts
    assert relayed.csms_texts == direct.csms_texts
    assert relayed.closings == direct.closings == [((1000, "reset"),) * 2, ((1012, "maintenance"),) * 2]
    assert relayed.upgrades == direct.upgrades == [("/ocpp/CP-1", "ocpp1.6", "ocpp1.6", basic("CP-1", PASSWORD))] * 2


async def test_every_step_of_the_day_happened_through_the_gateway(tmp_path: Path) -> None:
    async with CentralSystem() as csms, daemon(tmp_path, config(csms.url)) as running:
        talk = await _play(running.chargers_url(), csms)
    asked = _asked(talk.charger[0], "charger")
    assert [action for action, _ in asked] == [
        "BootNotification",
        *["StatusNotification"] * 3,
        "Heartbeat",
        "StatusNotification",
        "Authorize",
        "StartTransaction",
        "StatusNotification",
        "MeterValues",
        *["StatusNotification"] * 2,
        "StopTransaction",
        *["StatusNotification"] * 2,
    ]
    assert [action for action, _ in _asked(talk.csms[0], "peer")] == [action for action, _ in asked]
    assert asked[0][1]["status"] == "Accepted"
    assert asked[7][1]["transaction_id"] == 7001
    commands = dict(_asked(talk.csms[0], "csms"))
    accepted = ["RemoteStartTransaction", "RemoteStopTransaction", "TriggerMessage", "Reset"]
    assert [commands[action] for action in accepted] == [{"status": "Accepted"}] * 4
    assert commands["GetConfiguration"]["unknown_key"] == ["Farbe/größe"]
    assert commands["ChangeConfiguration"] == {"status": "RebootRequired"}
    assert commands["UnlockConnector"] == ("InternalError", "The lock is stuck", {"torque_nm": 1.5, "tries": [1, 2]})
    assert commands["ClearCache"][0] == "NotImplemented"
    # The package has the two codes the other way round (its own reading of OCPP-J), and rejects what it cannot read.
    codes = [response[0] for _, response in _asked(talk.charger[1], "charger")]
    assert codes == ["NotSupported", "FormatViolation", "NotImplemented", "GenericError"]
    codes = [response[0] for _, response in _asked(talk.csms[1], "csms")]
    assert codes == ["NotSupported", "NotImplemented", "NotImplemented", "NotImplemented"]


async def test_calls_that_cross_find_their_answers(tmp_path: Path) -> None:
    async with (
        CentralSystem() as csms,
        daemon(tmp_path, config(csms.url)) as running,
        package_charger(running.chargers_url(), "CP-1") as charger,
    ):
        station = await csms.arrival()
        # The package asks one thing at a time; both ends at once still cross on the wire.
        up = [charger.ask(call.DataTransfer("acme", str(number))) for number in range(CROSSING)]
        down = [station.ask(call.ChangeConfiguration("MaxCurrent", str(number))) for number in range(CROSSING)]
        answers = await asyncio.wait_for(asyncio.gather(*up, *down), PATIENCE_S)
        assert answers[:CROSSING] == [("GenericError", "Nicht möglich", {"vendor": "acme", "code": 17})] * CROSSING
        assert answers[CROSSING:] == [{"status": "RebootRequired"}] * CROSSING
        assert _mirrored(charger.wire.ledger, station.wire.ledger)
        for ends in (charger, station):
            ways = [way for way, _ in ends.wire.ledger.entries]
            assert (ways.count(SENT), ways.count(RECEIVED)) == (2 * CROSSING, 2 * CROSSING)
