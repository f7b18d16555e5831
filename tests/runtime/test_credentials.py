"""Credential hashes: right answers, one scrypt per station in a storm, and nothing to read in the log."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from gateway.runtime.credentials import COST, MOST_REMEMBERED, Cost, Credentials, scrypt
from tests.counts import PATIENCE_S
from tests.turns import one_turn

HEADER = "Basic Q1AwMTpodW50ZXIyLWh1bnRlcjI="
OTHER = "Basic Q1AwMTpodW50ZXIzLWh1bnRlcjM="


class CountedScrypt:
    """The real function, counted; it can be held up, and sees whether two ever run at once."""

    def __init__(self) -> None:
        self.calls = 0
        self.running = 0
        self.most_running = 0
        self.begun = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def __call__(self, secret: bytes, salt: bytes, cost: Cost) -> bytes:
        self.calls += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.begun.set()
        assert self.free.wait(PATIENCE_S)
        self.running -= 1
        return scrypt(secret, salt, Cost(n=16, r=cost.r, p=cost.p))


async def until_begun(derive: CountedScrypt) -> None:
    assert await asyncio.to_thread(derive.begun.wait, PATIENCE_S)


async def test_a_header_is_known_by_its_hash() -> None:
    stored = await Credentials().hash(HEADER)
    assert await Credentials().check(HEADER, stored)
    assert not await Credentials().check(OTHER, stored)


async def test_the_hash_tells_its_cost_and_not_the_header() -> None:
    stored = await Credentials().hash(HEADER)
    scheme, n, r, p, salt, key = stored.split("$")
    assert (scheme, n, r, p) == ("scrypt", "4096", "8", "1")
    assert bytes.fromhex(key) == scrypt(HEADER.encode(), bytes.fromhex(salt), COST)
    assert HEADER not in stored


async def test_equal_headers_have_different_hashes() -> None:
    credentials = Credentials()
    assert await credentials.hash(HEADER) != await credentials.hash(HEADER)


async def test_a_hash_of_another_cost_is_still_read() -> None:
    salt = bytes(16)
    stored = f"scrypt$16384$8$2${salt.hex()}${scrypt(HEADER.encode(), salt, Cost(16384, 8, 2)).hex()}"
    assert await Credentials().check(HEADER, stored)
    assert not await Credentials().check(OTHER, stored)


@pytest.mark.parametrize("header", ["", "Basic ä", "Basic \udcff\x00"])
async def test_any_header_can_be_hashed(header: str) -> None:
    assert await Credentials().check(header, await Credentials().hash(header))


async def test_without_header_and_hash_nothing_changed() -> None:
    derive = CountedScrypt()
    credentials = Credentials(derive)
    assert await credentials.check(None, None)
    assert not await credentials.check(HEADER, None)
    assert not await credentials.check(None, "scrypt$4096$8$1$00$00")
    assert derive.calls == 0


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "secret",
        f"scrypt$4096$8$1${'0' * 32}",
        f"scrypt$4096$8$1${'0' * 30}${'0' * 64}",
        f"scrypt$4096$8$1${'0' * 32}${'x' * 64}",
        f"scrypt$4095$8$1${'0' * 32}${'0' * 64}",
        f"scrypt$0$8$1${'0' * 32}${'0' * 64}",
        f"scrypt$4096$0$1${'0' * 32}${'0' * 64}",
        f"scrypt$4096$8$0${'0' * 32}${'0' * 64}",
        f"scrypt$524288$64$1${'0' * 32}${'0' * 64}",
        f"scrypt$٤096$8$1${'0' * 32}${'0' * 64}",
        f"bcrypt$4096$8$1${'0' * 32}${'0' * 64}",
        "\ud800",
    ],
)
async def test_an_unreadable_hash_is_no_match_and_said_once(stored: str, caplog: pytest.LogCaptureFixture) -> None:
    credentials = Credentials()
    with caplog.at_level(logging.DEBUG, "gateway"):
        assert not await credentials.check(HEADER, stored)
        assert not await credentials.check(HEADER, stored)
    (line,) = caplog.messages
    assert line.startswith("A stored credential hash cannot be read")
    assert line.endswith("Let it connect once while its upstream is there: that writes a new hash.")
    assert "Basic" not in line
    assert not stored or stored not in line


async def test_checks_log_nothing(caplog: pytest.LogCaptureFixture) -> None:
    credentials = Credentials()
    with caplog.at_level(logging.DEBUG, "gateway"):
        await credentials.check(OTHER, await credentials.hash(HEADER))
    assert caplog.messages == []


async def test_a_storm_costs_one_scrypt_per_station() -> None:
    hashes = [await Credentials(CountedScrypt()).hash(f"{HEADER}{number}") for number in range(20)]
    derive = CountedScrypt()
    credentials = Credentials(derive)
    storm = [(f"{HEADER}{number}", stored) for number, stored in enumerate(hashes)] * 10
    assert all(await asyncio.gather(*(credentials.check(header, stored) for header, stored in storm)))
    assert derive.calls == 20
    assert derive.most_running == 1


async def test_what_was_just_hashed_needs_no_second_scrypt() -> None:
    derive = CountedScrypt()
    credentials = Credentials(derive)
    assert await credentials.check(HEADER, await credentials.hash(HEADER))
    assert derive.calls == 1


async def test_a_wrong_header_costs_one_scrypt_however_often_it_comes() -> None:
    derive = CountedScrypt()
    credentials = Credentials(derive)
    stored = await Credentials(CountedScrypt()).hash(HEADER)
    assert [await credentials.check(OTHER, stored) for _ in range(5)] == [False] * 5
    assert derive.calls == 1


async def test_wrong_headers_do_not_push_out_the_right_one() -> None:
    derive = CountedScrypt()
    credentials = Credentials(derive)
    stored = await credentials.hash(HEADER)
    wrong = [credentials.check(f"{OTHER}{number}", stored) for number in range(MOST_REMEMBERED + 1)]
    assert not any(await asyncio.gather(*wrong))
    calls = derive.calls
    assert await credentials.check(HEADER, stored)
    assert derive.calls == calls
    assert not await credentials.check(f"{OTHER}0", stored)
    assert derive.calls == calls + 1


async def test_memory_keeps_what_was_used_last() -> None:
    derive = CountedScrypt()
    credentials = Credentials(derive)
    first, second = await credentials.hash("first"), await credentials.hash("second")
    for number in range(MOST_REMEMBERED - 2):
        await credentials.hash(str(number))
    assert await credentials.check("first", first)
    await credentials.hash("one more")
    calls = derive.calls
    assert await credentials.check("first", first)
    assert derive.calls == calls
    assert await credentials.check("second", second)
    assert derive.calls == calls + 1


async def test_who_gives_up_waiting_is_skipped() -> None:
    stored = await Credentials(CountedScrypt()).hash(HEADER)
    derive = CountedScrypt()
    credentials = Credentials(derive)
    derive.free.clear()
    running = asyncio.create_task(credentials.check("running", stored))
    await until_begun(derive)
    waiting = [asyncio.create_task(credentials.check(f"waiting {number}", stored)) for number in range(5)]
    last = asyncio.create_task(credentials.check(HEADER, stored))
    await one_turn()
    for task in waiting:
        task.cancel()
    derive.free.set()
    assert not await running
    assert await last
    assert derive.calls == 2


async def test_giving_up_while_it_runs_never_makes_two_run() -> None:
    stored = await Credentials(CountedScrypt()).hash(HEADER)
    derive = CountedScrypt()
    credentials = Credentials(derive)
    derive.free.clear()
    running = asyncio.create_task(credentials.check("running", stored))
    await until_begun(derive)
    running.cancel()
    next_one = asyncio.create_task(credentials.check(HEADER, stored))
    await one_turn()
    derive.free.set()
    assert await next_one
    assert running.cancelled()
    assert derive.most_running == 1


async def test_the_loop_goes_on_meanwhile() -> None:
    derive = CountedScrypt()
    credentials = Credentials(derive)
    derive.free.clear()
    hashing = asyncio.create_task(credentials.hash(HEADER))
    await until_begun(derive)
    assert not hashing.done()
    derive.free.set()
    assert (await hashing).startswith("scrypt$")
