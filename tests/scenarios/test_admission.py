"""Who comes in: upstream's verdict reaches a charger it never accepted, and does not throw off one it knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.sim import Refused, SimCharger, SimCsms, Verdict, basic
from tests.support.daemon import daemon
from tests.support.site import Site, config, site, within

ASKED_FOR_S = 3.0
"""How long a charger waits for a verdict, at most."""


async def _status(charger: SimCharger) -> int:
    """The HTTP status that the upgrade gets; whoever gets 101 hangs up again."""
    try:
        async with charger:
            return 101
    except Refused as refused:
        return refused.status


async def _dial(here: Site, identity: str, **options: Any) -> int:
    return await _status(here.charger(identity, **options))


async def test_a_refusal_reaches_a_charger_that_was_never_accepted(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for status in (401, 403, 404):
            here.upstream(f"NEW-{status}").refuse(status)
            for password in (None, "one", "one", "two"):
                assert await _dial(here, f"NEW-{status}", password=password) == status
            passed_on = f"NEW-{status}: upstream operator answered {status}, passed on"
            await here.daemon.logged(passed_on, times=4)
            assert " WARNING " in await here.daemon.logged(passed_on)
            assert len(here.upstream(f"NEW-{status}").upgrades) == 4


OFFERS: Sequence[tuple[Sequence[str], str | None, str | None]] = [
    # offered by the charger, chosen by upstream, heard by the charger
    (["ocpp2.0.1", "ocpp1.6"], "ocpp1.6", "ocpp1.6"),
    (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1", "ocpp2.0.1"),
    (["ocpp1.6"], None, None),
    ([], None, None),
    ([], "ocpp1.6", None),
]


async def test_the_charger_gets_the_subprotocol_that_upstream_chose(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for number, (offered, answered, chosen) in enumerate(OFFERS):
            identity = f"NEW-{number}"
            here.upstream(identity).accept(answered)
            async with here.charger(identity, subprotocols=offered) as charger:
                assert charger.subprotocol == chosen
                await here.call_both_ways(charger)
            assert here.upstream(identity).upgrades[0].subprotocols == tuple(offered or ["ocpp1.6"])


async def test_an_upstream_that_chooses_what_was_not_offered_counts_as_unreachable(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.upstream("NEW").accept("ocpp2.0.1")
        assert await _dial(here, "NEW", subprotocols=["ocpp1.6"]) == 503
        line = await here.daemon.logged("NEW: upstream operator unreachable", times=1)
        assert "names what was not offered" in line


async def test_a_known_charger_with_unchanged_credentials_is_not_thrown_off(tmp_path: Path) -> None:
    csms = SimCsms()
    async with csms:
        text = config(csms.url)
        async with daemon(tmp_path, text) as running:
            here = Site(csms, running)
            assert await _dial(here, "SECRET", password="one") == 101
            assert await _dial(here, "OPEN") == 101
            await _refused_from_now_on(here, "one", 503)
            # Upstream learns another password: from now on that one is the charger's.
            here.upstream("SECRET").accept()
            assert await _dial(here, "SECRET", password="two") == 101
            await _refused_from_now_on(here, "two", 503)
            await running.logged("SECRET: upstream operator answered 404 to a charger it has accepted before")
            assert await running.end() == 0
        async with daemon(tmp_path, text) as restarted:
            await _refused_from_now_on(Site(csms, restarted), "two", 503)
            assert await restarted.end() == 0
        assert b"two" not in (tmp_path / "state" / "evgate.db").read_bytes()


async def _refused_from_now_on(here: Site, password: str, unchanged: int) -> None:
    """Whatever upstream answers, unchanged credentials are an outage; changed ones, or none, hear the verdict."""
    for status in (401, 403, 404):
        here.upstream("SECRET").refuse(status)
        here.upstream("OPEN").refuse(status)
        assert await _dial(here, "SECRET", password=password) == unchanged
        assert await _dial(here, "SECRET", password="wrong") == status
        assert await _dial(here, "SECRET") == status
        assert await _dial(here, "OPEN") == 503
        assert await _dial(here, "OPEN", password="any") == status


async def test_a_configured_password_is_checked_before_upstream_is_asked(tmp_path: Path) -> None:
    charger = '[[charger]]\nidentity = "LOCKED"\npassword = "open-sesame"\n'
    async with site(tmp_path, charger, unknown="refuse") as here:
        for wrong in ({}, {"password": "open-sesamE"}, {"password": "open-sesame", "username": "OTHER"}):
            assert await _dial(here, "LOCKED", **wrong) == 401
        assert here.upstream("LOCKED").upgrades == []
        line = await here.daemon.logged("LOCKED: refused with 401: ", times=3)
        assert line.endswith("set the password of [[charger]] in gateway.toml and in the charger alike")
        async with here.charger("LOCKED", password="open-sesame") as inside:
            await here.call_both_ways(inside)
            # A second, wrong socket does not disturb the first.
            assert await _dial(here, "LOCKED", password="guess") == 401
            await here.call_both_ways(inside)
        assert [upgrade.authorization for upgrade in here.upstream("LOCKED").upgrades] == [
            basic("LOCKED", "open-sesame")
        ]
        assert not any("sesam" in text for text in here.daemon.lines)


async def test_an_upstream_with_a_password_of_its_own_never_sees_the_chargers(tmp_path: Path) -> None:
    async with SimCsms() as csms:
        text = config(csms.url).replace("[mqtt]", 'password = "from-the-operator"\n[mqtt]')
        async with daemon(tmp_path, text) as running:
            here = Site(csms, running)
            for password in (None, "of-the-charger"):
                assert await _dial(here, "CP", password=password) == 101
            shown = [upgrade.authorization for upgrade in here.upstream("CP").upgrades]
            assert shown == [basic("CP", "from-the-operator")] * 2


async def _both(first: Awaitable[int], second: Awaitable[int]) -> list[int]:
    return list(await asyncio.gather(first, second))


@pytest.mark.parametrize(
    ("unknown", "line", "hint"),
    [
        ("quarantine", "kept in quarantine", "let it in with: evgate charger adopt stranger"),
        ("refuse", "refused", "name it in a [[charger]] and reload evgate"),
    ],
)
async def test_strangers_stay_outside_and_are_named(tmp_path: Path, unknown: str, line: str, hint: str) -> None:
    async with site(tmp_path, '[[charger]]\nidentity = "Ours"\n', unknown=unknown) as here:
        assert await _dial(here, "stranger") == 404
        assert await _dial(here, "stranger") == 404
        assert hint in await here.daemon.logged(lambda text: line in text and "stranger" in text)
        assert here.upstream("stranger").upgrades == []
        assert await _dial(here, "OURS") == 101
    async with site(tmp_path, unknown="accept") as here:
        assert await _dial(here, "stranger") == 101


async def test_a_charger_that_was_accepted_once_is_no_stranger(tmp_path: Path) -> None:
    async with SimCsms() as csms:
        async with daemon(tmp_path, config(csms.url, unknown="accept")) as running:
            assert await _dial(Site(csms, running), "guest") == 101
            await running.end()
        async with daemon(tmp_path, config(csms.url, unknown="refuse")) as running:
            assert await _dial(Site(csms, running), "Guest") == 101
            assert await _dial(Site(csms, running), "other") == 404


async def test_without_an_upstream_a_charger_gets_503_and_the_log_says_why(tmp_path: Path) -> None:
    async with daemon(tmp_path, config(None)) as running:
        charger = SimCharger(running.chargers_url(), "ALONE")
        assert await _status(charger) == 503
        line = await running.logged("ALONE: refused with 503: no upstream")
        assert line.endswith("add [[upstream]] with the CSMS's url to the configuration and reload evgate")


async def test_an_upstream_that_is_down_is_503_and_comes_back(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        assert await _dial(here, "KNOWN") == 101
        here.upstream("SLOW").hold_upgrades()
        here.upstream("BROKEN").refuse(500)
        answers = _both(_dial(here, "SLOW"), _dial(here, "BROKEN"))
        assert await within(answers, ASKED_FOR_S + 2.0) == [503, 503]
        assert "no verdict within 3 s" in await here.daemon.logged("SLOW: upstream operator unreachable")
        await here.daemon.logged("BROKEN: upstream operator unreachable (127.0.0.1")
        await here.csms.stop()
        answers = _both(_dial(here, "KNOWN"), _dial(here, "NEW"))
        assert await within(answers, ASKED_FOR_S + 2.0) == [503, 503]
        # Back while a charger waits: it does not even notice.
        waiting = asyncio.create_task(_dial(here, "NEW"))
        await here.daemon.logged("NEW: upstream operator unreachable", times=3)
        await here.csms.start()
        assert await within(waiting) == 101
        assert await _dial(here, "KNOWN") == 101


async def test_a_refused_subprotocol_closes_after_the_upgrade(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        async with here.charger("OLD", subprotocols=["ocpp1.5"]) as charger:
            assert charger.subprotocol is None
            assert await charger.wait_closed() == (1002, "no common subprotocol")
        line = await here.daemon.logged("OLD: no common subprotocol")
        assert "charger offers ocpp1.5" in line
        assert here.upstream("OLD").upgrades == []


SEGMENTS = [
    # as the charger dials, decoded, as upstream hears it
    ("RDAM%20123", "RDAM 123", "RDAM%20123"),
    ("a%7Cb", "a|b", "a%7Cb"),
    ("a+b", "a+b", "a%2Bb"),
    ("100%2525", "100%25", "100%2525"),
    ("%C3%9Cber", "Über", "%C3%9Cber"),
    ("AA%3ABB:cc", "AA:BB:cc", "AA%3ABB%3Acc"),
    ("y" * 48, "y" * 48, "y" * 48),
    ("x" * 255, "x" * 255, "x" * 255),
]


async def test_an_identity_is_decoded_once_and_quoted_for_upstream(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for segment, identity, up in SEGMENTS:
            async with here.charger(identity, path_segment=f"any/prefix/{segment}?query=1") as charger:
                await here.call_both_ways(charger)
            assert [upgrade.path for upgrade in here.upstream(identity).upgrades] == [f"/ocpp/{up}"]
        line = await here.daemon.logged("OCPP 2.x allows 48")
        assert " WARNING " in line
        assert f"{'x' * 255}: " in line
        assert sum("OCPP 2.x allows 48" in line for line in here.daemon.lines) == 1


async def test_unusable_identities_are_refused_with_a_reason(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for segment, status in [("x" * 256, 400), ("a%2Fb", 400), ("a%00b", 400), ("%FF", 400), ("..", 400), ("", 404)]:
            charger = SimCharger(here.daemon.chargers_url().removesuffix("/ocpp"), "X", path_segment=segment)
            assert await _status(charger) == status, segment
        await here.daemon.logged("has 256 characters and 255 are the limit: set another identity in the charger")
        assert here.csms.stations == {}


async def test_upper_and_lower_case_are_one_charger(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("Cp-One") as first:
        await here.call_both_ways(first)
        async with here.charger("CP-ONE") as second:
            assert (await first.wait_closed())[0] == 1001
            assert await within(second.heartbeat())
        await here.daemon.logged("Cp-One: a newer socket of this charger takes over")


async def test_another_verdict_later_is_heard_by_the_next_socket(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.csms.default_verdict = Verdict(status=404)
        assert await _dial(here, "LATER") == 404
        here.csms.default_verdict = Verdict()
        assert await _dial(here, "LATER") == 101
        here.csms.default_verdict = Verdict(status=404)
        assert await _dial(here, "LATER") == 503
