"""The ledgers that judge the gateway."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sim import RECEIVED, SENT, Direction, Ledger, Tally
from tests.counts import PATIENCE_S

_texts = st.lists(st.text(alphabet=st.characters(), max_size=3), max_size=4)


def _tally(texts: list[str]) -> Tally:
    tally = Tally()
    for text in texts:
        tally.add(text)
    return tally


@given(_texts, _texts)
def test_tallies_are_equal_exactly_when_the_sequences_are(one: list[str], other: list[str]) -> None:
    assert (_tally(one) == _tally(other)) == (one == other)


def test_the_border_between_two_texts_counts() -> None:
    assert _tally(["ab", "c"]) != _tally(["a", "bc"])


def test_both_directions_are_kept_in_one_order() -> None:
    seen: list[tuple[Direction, str]] = []
    ledger = Ledger(observer=lambda way, text: seen.append((way, text)))
    for way, text in ((SENT, "a"), (RECEIVED, "b"), (SENT, "c")):
        ledger.record(way, text)
    ledger.record_binary(RECEIVED, b"\x00")
    assert ledger.entries == [(SENT, "a"), (RECEIVED, "b"), (SENT, "c")] == seen
    assert (ledger.sent, ledger.received) == (["a", "c"], ["b"])
    assert ledger.binary == [(RECEIVED, b"\x00")]


def test_a_ledger_for_load_runs_holds_counts_and_hashes_only() -> None:
    full, slim = Ledger(), Ledger(keep=False)
    for ledger in (full, slim):
        ledger.record(SENT, "a")
        ledger.record(RECEIVED, "b")
    assert slim.entries == []
    assert (slim.sent_count, slim.sent_digest) == (1, full.sent_digest)
    assert (slim.received_count, slim.received_digest) == (1, full.received_digest)
    assert slim.sent_digest != slim.received_digest


async def test_waiting_ends_with_the_frame_waited_for() -> None:
    ledger = Ledger()
    waiters = [
        asyncio.create_task(ledger.wait_received(2, PATIENCE_S)),
        asyncio.create_task(ledger.wait_sent(1, PATIENCE_S)),
    ]
    for way in (RECEIVED, SENT, RECEIVED):
        ledger.record(way, "x")
    await asyncio.gather(*waiters)
    assert (ledger.received_count, ledger.sent_count) == (2, 1)


async def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(TimeoutError, match="receiving 1 frames did not happen"):
        await Ledger().wait_received(1, 0.01)
