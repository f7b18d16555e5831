"""All 81 pairs of statuses, written out once more from section 4.9 of OCPP 1.6 edition 2."""

from __future__ import annotations

from itertools import product

import pytest
from ocpp.v16.enums import ChargePointStatus

from gateway.core.transitions import MEANINGS, NOT_LISTED, STATUSES, Transition, transition

# Column by column, as the specification prints them: who may become ...
LISTED = {
    "Available": "B1 C1 D1 E1 F1 G1 H1 I1",
    "Preparing": "A2 F2 G2 H2 I2",
    "Charging": "A3 B3 D3 E3 H3 I3",
    "SuspendedEV": "A4 B4 C4 E4 H4 I4",
    "SuspendedEVSE": "A5 B5 C5 D5 H5 I5",
    "Finishing": "B6 C6 D6 E6 I6",
    "Reserved": "A7 I7",
    "Unavailable": "A8 C8 D8 E8 F8 G8 I8",
    "Faulted": "A9 B9 C9 D9 E9 F9 G9 H9",
}
NOT_LISTED_ROWS = {"A": "6", "B": "78", "C": "27", "D": "27", "E": "27", "F": "3457", "G": "3456", "H": "67"}
NOT_IN_THE_TABLE = [row + column for row, columns in NOT_LISTED_ROWS.items() for column in columns]
LETTER = {
    "A": "Available",
    "B": "Preparing",
    "C": "Charging",
    "D": "SuspendedEV",
    "E": "SuspendedEVSE",
    "F": "Finishing",
    "G": "Reserved",
    "H": "Unavailable",
    "I": "Faulted",
}
PAIRS = {(LETTER[code[0]], after): code for after, codes in LISTED.items() for code in codes.split()}


def test_the_table_has_53_changes_19_gaps_and_9_that_are_none() -> None:
    assert (len(PAIRS), len(NOT_IN_THE_TABLE)) == (53, 19)
    found = [transition(before, after) for before, after in product(LETTER.values(), repeat=2)]
    assert [sum(one is not None and one.expected is told for one in found) for told in (True, False)] == [53, 19]
    assert found.count(None) == 9
    assert {one.code for one in found if one and not one.expected} == set(NOT_IN_THE_TABLE)


@pytest.mark.parametrize(("before", "after"), list(product(LETTER.values(), repeat=2)))
def test_each_pair(before: str, after: str) -> None:
    found = transition(before, after)
    if before == after:
        assert found is None
    elif (before, after) in PAIRS:
        code = PAIRS[before, after]
        assert found == Transition(code, expected=True, meaning=MEANINGS[code])
    else:
        assert found is not None
        assert found.code in NOT_IN_THE_TABLE
        assert (LETTER[found.code[0]], list(LETTER.values())[int(found.code[1]) - 1]) == (before, after)
        assert (found.expected, found.meaning) == (False, NOT_LISTED)


def test_each_listed_change_has_a_meaning_and_no_other() -> None:
    assert set(MEANINGS) == set(PAIRS.values())
    assert all(len(meaning) > 10 for meaning in MEANINGS.values())
    assert tuple(sorted(STATUSES)) == tuple(sorted(status.value for status in ChargePointStatus))
    assert tuple(LETTER.values()) == STATUSES


@pytest.mark.parametrize("word", ["Occupied", "", "Kaputt", "Available;"])
def test_what_is_none_of_the_nine_has_no_place_in_the_table(word: str) -> None:
    assert transition(word, "Charging") is None
    assert transition("Charging", word) is None
    assert transition(word, word) is None


def test_spelling_does_not_matter() -> None:
    found = transition(" available\n", "PREPARING")
    assert found is not None
    assert (found.code, found.expected) == ("A2", True)
    assert transition("Charging", "charging ") is None
