"""`gateway.core.door`: those who were kept out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.door import LONGEST_NAME, MOST_NAMES, MOST_REMEMBERED, Quarantine, Unknown
from gateway.core.events import Arrival
from gateway.core.moment import Moment

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(second: int) -> Moment:
    return Moment(START + timedelta(seconds=second), float(second))


def test_the_words_of_the_configuration() -> None:
    assert [word.value for word in Unknown] == ["quarantine", "accept", "refuse"]


def test_an_attempt_is_remembered_as_it_showed_itself() -> None:
    kept = Quarantine().keep_out(Arrival("CP01", "192.0.2.7:50000", ("ocpp1.6",)), at(1))
    assert (kept.identity, kept.address, kept.subprotocols) == ("CP01", "192.0.2.7:50000", ("ocpp1.6",))
    assert (kept.attempts, kept.last_seen) == (1, at(1).wall)
    assert kept.reason


def test_the_same_charger_counts_up_and_shows_its_last_face() -> None:
    door = Quarantine()
    door.keep_out(Arrival("CP01", "192.0.2.7:1"), at(1))
    door.keep_out(Arrival("CP02", "192.0.2.8:1"), at(2))
    again = door.keep_out(Arrival("cp01", "192.0.2.9:1", ("ocpp2.0.1",)), at(3))
    assert len(door) == 2
    assert (again.identity, again.address, again.attempts, again.last_seen) == ("cp01", "192.0.2.9:1", 2, at(3).wall)
    assert [kept.identity for kept in door.latest(9)] == ["cp01", "CP02"]


def test_a_scanner_pushes_out_the_one_seen_longest_ago() -> None:
    door = Quarantine()
    for number in range(MOST_REMEMBERED):
        door.keep_out(Arrival(f"CP{number}", "192.0.2.7:1"), at(number))
    door.keep_out(Arrival("CP0", "192.0.2.7:1"), at(900))
    door.keep_out(Arrival("NEW", "192.0.2.7:1"), at(901))
    names = [kept.identity for kept in door.latest(MOST_REMEMBERED + 1)]
    assert len(names) == len(door) == MOST_REMEMBERED
    assert names[:2] == ["NEW", "CP0"]
    assert "CP1" not in names


def test_who_was_kept_out_is_found_in_any_spelling_and_taken_off_once() -> None:
    door = Quarantine()
    door.keep_out(Arrival("CP01", "192.0.2.7:1", (), "Basic eDp5"), at(1), "no longer configured")
    seen = door.find("cp01")
    assert seen is not None
    assert (seen.identity, seen.reason, seen.credentials) == ("CP01", "no longer configured", True)
    assert "eDp5" not in repr(seen)
    assert [door.release("cP01"), door.release("CP01")] == [True, False]
    assert door.find("CP01") is None
    assert door.keep_out(Arrival("CP01", "192.0.2.7:1"), at(2)).attempts == 1


def test_what_a_stranger_offers_is_kept_in_small() -> None:
    offered = ("x" * 5000, *(f"name{number}" for number in range(100)))
    kept = Quarantine().keep_out(Arrival("CP01", "192.0.2.7:1", offered), at(1))
    assert kept.subprotocols == ("x" * LONGEST_NAME, *(f"name{number}" for number in range(MOST_NAMES - 1)))


@given(st.lists(st.sampled_from(["a", "A", "b", "c", "C"]), max_size=40), st.integers(min_value=0, max_value=4))
def test_the_newest_come_first(knocks: list[str], most: int) -> None:
    door = Quarantine()
    for second, identity in enumerate(knocks):
        door.keep_out(Arrival(identity, "192.0.2.7:1"), at(second))
    by_recency = list(dict.fromkeys(identity.casefold() for identity in reversed(knocks)))
    assert [kept.identity.casefold() for kept in door.latest(most)] == by_recency[:most]
    assert sum(kept.attempts for kept in door.latest(len(door))) == len(knocks)
