"""Chargers that live on their own: boot, sessions, dialling again."""

from __future__ import annotations

import asyncio

from gateway.sim import Call, Failure, SimCharger, SimCsms, SimStation
from gateway.sim.life import boot_until_accepted, keep_connected, sessions, stay
from tests.counts import PATIENCE_S


async def _two_rounds(charger: SimCharger) -> None:
    await sessions(charger, pause_s=0.0, rounds=2)


async def test_a_charger_boots_and_runs_sessions_on_each_connector(csms: SimCsms, charger: SimCharger) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await keep_connected(charger, _two_rounds)
    assert [known.start["connectorId"] for known in csms.transactions.values()] == [1, 2, 1, 2]
    assert all(known.stop is not None for known in csms.transactions.values())
    assert charger.connected


async def test_it_dials_again_and_ends_what_the_broken_link_left_behind(
    csms: SimCsms, charger: SimCharger, station: SimStation
) -> None:
    said: list[str] = []

    async def break_once(charger: SimCharger) -> None:
        if charger.connect_count == 1:
            await charger.start(1, "TAG")
            station.abort()
            await stay(charger)
        await sessions(charger, pause_s=0.0, rounds=1)

    async with asyncio.timeout(PATIENCE_S):
        await keep_connected(charger, break_once, say=said.append)
    assert charger.connect_count == 2
    assert len(csms.transactions) == 3
    assert csms.transactions[1].stop is not None
    assert said[0] == "CP01 connected, subprotocol ocpp1.6"
    assert said[1] == "CP01: not connected (close code 1006)"
    assert said[2].startswith("CP01 dials again in ")


async def test_it_goes_on_after_a_refused_call(csms: SimCsms, charger: SimCharger, station: SimStation) -> None:
    def refuse_once(_: Call) -> Failure:
        station.answers.reset("StopTransaction")
        return Failure("InternalError")

    await charger.connect()
    station.answer("StopTransaction", refuse_once)
    async with asyncio.timeout(PATIENCE_S):
        await sessions(charger, pause_s=0.0, rounds=1)
    assert [known.stop is None for known in csms.transactions.values()] == [True, False]


async def test_a_charger_that_is_not_accepted_boots_again(charger: SimCharger, station: SimStation) -> None:
    answers = iter([{"status": "Pending", "interval": 0.001}, {"status": "Accepted", "interval": 0.001}])
    station.answer("BootNotification", lambda _: next(answers))
    await charger.connect()
    await boot_until_accepted(charger)
    assert charger.registration == "Accepted"
    assert [text.split('"')[3] for text in charger.ledger.sent] == [
        *["BootNotification"] * 2,
        *["StatusNotification"] * 3,
    ]


async def test_heartbeats_follow_the_interval(charger: SimCharger, station: SimStation) -> None:
    station.answer("BootNotification", {"status": "Accepted", "interval": 0.001})
    life = asyncio.create_task(keep_connected(charger, stay))
    await station.ledger.wait_until(lambda: "Heartbeat" in "".join(station.ledger.received), PATIENCE_S)
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    assert charger.connected
