"""What two ledgers say about the gateway between them."""

from __future__ import annotations

from gateway.sim import RECEIVED, SENT, Call, CallResult, Ledger, encode
from gateway.sim.verdict import Passage, passage

_CALLS = [encode(Call(str(number), "Heartbeat", {})) for number in range(3)]


def _ledger(sent: list[str], received: list[str]) -> Ledger:
    ledger = Ledger()
    for way, texts in ((SENT, sent), (RECEIVED, received)):
        for text in texts:
            ledger.record(way, text)
    return ledger


def test_everything_arrived() -> None:
    result = passage(_ledger([*_CALLS, "nonsense"], []), _ledger([], [*_CALLS, "nonsense"]))
    assert result == Passage(sent=4, arrived=4)
    assert result.flawless


def test_a_lost_frame_is_counted() -> None:
    result = passage(_ledger(_CALLS, []), _ledger([], [_CALLS[0], _CALLS[2]]))
    assert result == Passage(sent=3, arrived=2, lost=1)
    assert not result.flawless


def test_a_doubled_frame_is_counted() -> None:
    result = passage(_ledger(_CALLS, []), _ledger([], [*_CALLS, _CALLS[1]]))
    assert result == Passage(sent=3, arrived=4, doubled=1)
    assert not result.flawless


def test_a_changed_order_is_seen() -> None:
    result = passage(_ledger(_CALLS, []), _ledger([], [_CALLS[1], _CALLS[0], _CALLS[2]]))
    assert result == Passage(sent=3, arrived=3, in_order=False)
    assert not result.flawless


def test_traffic_with_the_gateway_itself_does_not_count() -> None:
    own_call, own_answer = encode(Call("gw", "GetConfiguration", {})), encode(CallResult("gw", {}))
    answer = encode(CallResult("up", {}))
    charger = _ledger([own_answer, answer], [own_call, encode(Call("up", "Reset", {}))])
    csms = _ledger([encode(Call("up", "Reset", {}))], [answer, encode(Call("gw2", "Heartbeat", {}))])
    assert passage(charger, csms) == Passage(sent=1, arrived=1)
    assert passage(csms, charger) == Passage(sent=1, arrived=1)


def test_stations_add_up() -> None:
    assert Passage(1, 2, 3, 4) + Passage(1, 1, 1, 1, in_order=False) == Passage(2, 3, 4, 5, in_order=False)
