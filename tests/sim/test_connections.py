"""How simulated peers connect, refuse, fall silent and vanish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.sim import Disconnected, Refused, SimCharger, SimCsms, SimStation, Unreachable, Verdict, basic
from tests.counts import PATIENCE_S

# More than any kernel buffers for a socket whose receive buffer is 4 KiB.
_MUCH = "x" * 1_000_000


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
async def test_an_upgrade_can_be_refused(charger: SimCharger, station: SimStation, status: int) -> None:
    station.refuse(status, {"Retry-After": "5"}, "no")
    with pytest.raises(Refused) as refused:
        await charger.connect()
    assert (refused.value.status, refused.value.body) == (status, b"no")
    assert refused.value.headers["Retry-After"] == "5"
    assert [upgrade.status for upgrade in station.upgrades] == [status]
    station.accept()
    await charger.connect()
    assert [upgrade.status for upgrade in station.upgrades] == [status, 101]


async def test_a_redirect_is_not_followed(charger: SimCharger, station: SimStation, csms: SimCsms) -> None:
    station.refuse(302, {"Location": f"{csms.url}/OTHER"})
    with pytest.raises(Refused) as refused:
        await charger.connect()
    assert refused.value.status == 302
    assert list(csms.stations) == ["CP01"]


@pytest.mark.parametrize(
    ("offered", "verdict", "chosen"),
    [
        (["ocpp2.0.1", "ocpp1.6"], Verdict(), "ocpp1.6"),
        (["ocpp2.0.1", "ocpp1.6"], Verdict(subprotocol="ocpp2.0.1"), "ocpp2.0.1"),
        (["ocpp2.0.1"], Verdict(), None),
        (["ocpp1.6"], Verdict(subprotocol=None), None),
        ([], Verdict(), None),
    ],
)
async def test_the_csms_chooses_the_subprotocol(
    csms: SimCsms, offered: list[str], verdict: Verdict, chosen: str | None
) -> None:
    csms.default_verdict = verdict
    async with SimCharger(csms.url, "CP01", subprotocols=offered) as charger:
        assert charger.subprotocol == chosen
        assert csms.station("CP01").upgrades[0].subprotocols == tuple(offered)


async def test_the_csms_can_choose_what_was_never_offered(charger: SimCharger, station: SimStation) -> None:
    station.accept("ocpp9.9")
    with pytest.raises(Unreachable, match="unsupported subprotocol"):
        await charger.connect()


async def test_path_and_credentials_are_written_down(csms: SimCsms) -> None:
    password = bytes(range(256))
    station = csms.station("RDAM 123")
    station.expect_password(password)
    async with SimCharger(csms.url, "RDAM 123", password=password):
        upgrade = station.upgrades[0]
        assert (upgrade.path, upgrade.authorization) == ("/ocpp/RDAM%20123", basic("RDAM 123", password))
        assert basic("RDAM 123", password) not in repr(upgrade)
    for wrong in ("other", None):
        with pytest.raises(Refused) as refused:
            await SimCharger(csms.url, "RDAM 123", password=wrong).connect()
        assert refused.value.status == 401
        assert refused.value.headers["WWW-Authenticate"].startswith("Basic")


async def test_a_raw_path_segment_is_sent_as_it_is(csms: SimCsms) -> None:
    async with SimCharger(csms.url, "CP01", path_segment="c%50%30%31?x=1", headers={"X-Extra": "1"}):
        upgrade = csms.station("cP01").upgrades[0]
        assert upgrade.path == "/ocpp/c%50%30%31?x=1"
        assert upgrade.headers["X-Extra"] == "1"


async def test_an_upgrade_can_be_held_and_released(charger: SimCharger, station: SimStation) -> None:
    station.hold_upgrades()
    dial = asyncio.create_task(charger.connect())
    assert (await station.wait_upgrades(1, PATIENCE_S)).status == 0
    assert not dial.done()
    station.release_upgrades()
    await dial
    assert charger.connected


async def test_a_silent_server_makes_the_dial_time_out_and_can_be_stopped(
    csms: SimCsms, charger: SimCharger, station: SimStation
) -> None:
    station.hold_upgrades()
    with pytest.raises(Unreachable, match="timed out"):
        await charger.connect(timeout_s=0.05)
    dial = asyncio.create_task(charger.connect())
    await station.wait_upgrades(2, PATIENCE_S)
    await csms.stop()
    with pytest.raises(Refused) as refused:
        await dial
    assert refused.value.status == 503


async def test_nobody_listens_after_a_stop_and_the_port_stays_the_same(
    csms: SimCsms, charger: SimCharger, station: SimStation
) -> None:
    await charger.connect()
    await csms.stop()
    assert await charger.wait_closed(PATIENCE_S) == (1001, "")
    with pytest.raises(Unreachable, match="check the URL"):
        await charger.connect()
    await csms.start()
    await charger.connect()
    await csms.stop(abort=True)
    assert (await charger.wait_closed(PATIENCE_S))[0] == 1006
    assert station.connect_count == 2


async def test_closing_codes_arrive_on_both_sides(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    await charger.close(4000, "bye")
    assert await station.wait_closed(PATIENCE_S) == (4000, "bye")
    station.verdict = Verdict(close_code=1008)
    await charger.connect()
    assert await charger.wait_closed(PATIENCE_S) == (1008, "")


async def test_vanishing_leaves_no_close_frame(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    await station.wait_connected(1, PATIENCE_S)
    await charger.abort()
    assert await station.wait_closed(PATIENCE_S) == (1006, "")
    await charger.connect()
    (await station.wait_connected(2, PATIENCE_S)).abort()
    assert await charger.wait_closed(PATIENCE_S) == (1006, "")
    assert [ledger.entries for ledger in station.ledgers] == [[], []]


async def test_the_newest_connection_of_an_identity_is_the_one_that_counts(csms: SimCsms, station: SimStation) -> None:
    async with SimCharger(csms.url, "CP01") as old, SimCharger(csms.url, "CP01") as new:
        await csms.wait_connected("CP01", 2, PATIENCE_S)
        await csms.call("CP01", "GetLocalListVersion")
        await csms.send_raw("CP01", "only for the newest")
        await new.ledger.wait_received(2, PATIENCE_S)
        await old.heartbeat()
        assert old.ledger.received_count == 1
        assert [ledger.received_count for ledger in station.ledgers] == [1, 1]
        assert station.ledger.received_count == 2


async def test_a_csms_that_stops_reading_fills_the_window() -> None:
    async with SimCsms(receive_buffer_bytes=4096) as csms, SimCharger(csms.url, "CP01") as charger:
        station = await csms.wait_connected("CP01")
        station.stop_reading()
        stuck = asyncio.create_task(_send_much(charger.send_raw))
        await charger.ledger.wait_sent(2, PATIENCE_S)
        assert (stuck.done(), station.ledger.received_count) == (False, 0)
        station.resume_reading()
        await stuck
        await station.ledger.wait_received(20, PATIENCE_S)
        assert station.ledger.received_digest == charger.ledger.sent_digest
        station.stop_reading()
        await charger.abort()


async def test_a_charger_that_stops_reading_fills_the_window(csms: SimCsms, station: SimStation) -> None:
    async with SimCharger(csms.url, "CP01", receive_buffer_bytes=4096) as charger:
        await station.wait_connected()
        charger.link.stop_reading()
        stuck = asyncio.create_task(_send_much(station.send_raw))
        await station.ledger.wait_sent(2, PATIENCE_S)
        assert (stuck.done(), charger.ledger.received_count) == (False, 0)
        await charger.abort()
        with pytest.raises(Disconnected):
            await stuck


async def _send_much(send_raw: Callable[[str], Awaitable[None]]) -> None:
    for _ in range(20):
        await send_raw(_MUCH)


async def test_pings_can_be_ignored(csms: SimCsms, charger: SimCharger) -> None:
    charger.answers_pings = False
    await charger.connect()
    station = await csms.wait_connected("CP01")
    pong = await station.link.socket.ping()
    # What was sent after the ping is answered, so the pong would have come before.
    await station.call("GetLocalListVersion")
    assert (charger.link.socket.pings_received, station.link.socket.pongs_received) == (1, 0)
    assert not asyncio.ensure_future(pong).done()
    await charger.close()
    with pytest.raises(ConnectionClosed):
        await pong
    charger.answers_pings = True
    await charger.connect()
    station = await csms.wait_connected("CP01", 2)
    await (await station.link.socket.ping())
    assert station.link.socket.pongs_received == 1


async def test_a_text_frame_need_not_be_utf_8(charger: SimCharger, station: SimStation) -> None:
    await charger.connect()
    await charger.link.send_text_bytes(b"\xff\xfe")
    assert (await charger.wait_closed(PATIENCE_S))[0] == 1007
    assert station.ledger.received == []


async def test_a_root_path_has_no_identity(csms: SimCsms) -> None:
    async with connect(f"ws://127.0.0.1:{csms.port}/", proxy=None) as socket:
        await socket.send('[2,"1","Heartbeat",{}]')
        assert (await socket.recv())[:7] == '[3,"1",'
    assert list(csms.stations) == [""]
