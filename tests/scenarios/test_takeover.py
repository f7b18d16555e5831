"""A second socket of one identity: the newest wins, and nothing of the old one reaches either peer afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.sim import SILENT, Disconnected, Refused, SimCharger, SimCsms
from tests.support.site import Site, site, within

FILLER = "x" * 500_000


async def _call_and_answer(here: Site, charger: SimCharger) -> None:
    """The socket works in both directions, and only it."""
    await here.call_both_ways(charger)
    assert here.upstream(charger.identity).connected


async def test_the_newest_socket_takes_over_and_the_old_one_is_mute(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        old = here.charger("TWICE", password="one")
        await old.connect()
        upstream = here.upstream("TWICE")
        await here.call_both_ways(old)
        # Open in both directions: a call of the charger, and one of upstream.
        upstream.answer("DataTransfer", SILENT)
        old.answer("GetConfiguration", SILENT)
        asked_upstream = await old.link.start_call("DataTransfer", {"vendorId": "old"})
        first_link = upstream.link
        asked_charger = await first_link.start_call("GetConfiguration")
        await old.ledger.wait_until(lambda: "GetConfiguration" in old.ledger.received[-1])
        await upstream.ledger.wait_until(lambda: "DataTransfer" in upstream.ledger.received[-1])
        received = old.ledger.received_count

        new = here.charger("TWICE", password="one")
        await new.connect()
        await upstream.wait_connected(2)
        assert await within(old.wait_closed()) == (1001, "replaced by a newer connection")
        assert await within(first_link.wait_closed()) == (1000, "replaced by a newer connection")
        with pytest.raises(Disconnected):
            await asked_upstream
        with pytest.raises(Disconnected):
            await asked_charger
        await _call_and_answer(here, new)
        # What upstream heard on the new link is what the new socket sent, and the other way round.
        assert upstream.ledgers[1].received == new.ledger.sent
        assert upstream.ledgers[1].sent == new.ledger.received
        assert old.ledger.received_count == received
        await here.daemon.logged("TWICE: a newer socket of this charger takes over")
        assert not any("TWICE: charger disconnected" in line for line in here.daemon.lines)
        await new.close()


async def test_the_old_up_leg_is_closed_before_upstream_hears_of_the_new_one(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        upstream = here.upstream("ORDER")
        async with here.charger("ORDER"):
            first = upstream.link
            upstream.hold_upgrades()
            new = here.charger("ORDER")
            dialling = asyncio.create_task(new.connect())
            await upstream.wait_upgrades(2)
            # Upstream holds the answer, so this close was not caused by it.
            assert await first.wait_closed() == (1000, "replaced by a newer connection")
            upstream.release_upgrades()
            await within(dialling)
            await _call_and_answer(here, new)
            await new.close()


async def test_frames_that_wait_for_an_old_socket_die_with_it(tmp_path: Path) -> None:
    async with site(tmp_path, csms=SimCsms(receive_buffer_bytes=4096)) as here:
        upstream = here.upstream("QUEUED")
        old = here.charger("QUEUED", receive_buffer_bytes=4096)
        await old.connect()
        await here.call_both_ways(old)
        # Neither peer reads; megabytes wait for each of them in the gateway.
        first_link = upstream.link
        old.link.stop_reading()
        first_link.stop_reading()
        for number in range(12):
            await old.link.start_call("DataTransfer", {"vendorId": f"up-{number}", "data": FILLER})
            await first_link.start_call("DataTransfer", {"vendorId": f"down-{number}", "data": FILLER})
        for who in ("charger", "upstream"):
            await here.daemon.logged(f"QUEUED: DataTransfer from {who} relayed", times=8)

        async with here.charger("QUEUED") as new:
            await upstream.wait_connected(2)
            await _call_and_answer(here, new)
            old.link.resume_reading()
            first_link.resume_reading()
            await within(asyncio.gather(old.wait_closed(), first_link.wait_closed()))
            await _call_and_answer(here, new)
            assert upstream.ledgers[1].received == new.ledger.sent
            assert upstream.ledgers[1].sent == new.ledger.received
            assert "up-11" not in str(upstream.ledger.received)
            assert "down-11" not in str(old.ledger.received)
            assert "up-" not in str(upstream.ledgers[1].received)


async def test_with_other_credentials_only_a_101_takes_over(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        upstream = here.upstream("THIEF")
        upstream.expect_password("one")
        async with here.charger("THIEF", password="one") as rightful:
            await here.call_both_ways(rightful)
            for wrong in ({"password": "guess"}, {}):
                with pytest.raises(Refused) as refused:
                    await here.charger("THIEF", **wrong).connect()
                assert refused.value.status == 401
                await here.call_both_ways(rightful)
            assert upstream.connect_count == 1

            upstream.expect_password("two")
            changed = here.charger("THIEF", password="two")
            upstream.hold_upgrades()
            dialling = asyncio.create_task(changed.connect())
            await upstream.wait_upgrades(4)
            await here.call_both_ways(rightful)
            upstream.release_upgrades()
            await within(dialling)
            assert await within(rightful.wait_closed()) == (1001, "replaced by a newer connection")
            await _call_and_answer(here, changed)
            await changed.close()


async def test_a_charger_that_dials_in_a_hurry_ends_with_one_link(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        hurried = [here.charger("HURRY") for _ in range(12)]

        upstream = here.upstream("HURRY")
        dials = asyncio.gather(*(charger.connect() for charger in hurried), return_exceptions=True)
        for outcome in await within(dials):
            assert isinstance(outcome, SimCharger) or (isinstance(outcome, Refused) and outcome.status == 503)
        async with here.charger("HURRY") as last:
            await upstream.wait_connected()
            await _call_and_answer(here, last)
            for charger in hurried:
                if charger.connect_count:
                    await within(charger.wait_closed())
            open_links = [link for link in upstream.links if link.open]
            for link in open_links[:-1]:
                await within(link.wait_closed())
            assert upstream.ledgers[-1].received == last.ledger.sent
            assert "internal error" not in "".join(here.daemon.lines)
