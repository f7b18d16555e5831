"""What a peer chose never reaches a terminal raw, and no answer is too strange to be shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commands.chargers import list_lines
from gateway.commands.log import entry_lines
from gateway.commands.reading import GLUE, moment, number, quoted, shown, word
from gateway.commands.status import status_lines
from tests.commands.answers import charger, connector, entry, report, stranger

WHOLE = [
    report(chargers=[charger(connectors=[connector()])], quarantined=[stranger()]),
    entry(),
    {"chargers": [charger()], "quarantined": [stranger()]},
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\x1b[2J\u202e\r"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """A plausible answer with some of its parts replaced by anything, or left out."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ANYTHING)
    if isinstance(value, dict):
        return {key: draw(spoilt(part)) for key, part in value.items() if draw(st.integers(0, 19))}
    if isinstance(value, list):
        return [draw(spoilt(part)) for part in value]
    return value


@given(st.data())
def test_any_answer_is_shown_and_nothing_raw(data: st.DataObject) -> None:
    for render, whole in ((status_lines, WHOLE[0]), (entry_lines, WHOLE[1]), (list_lines, WHOLE[2])):
        answer = {key: data.draw(spoilt(part)) for key, part in whole.items()}
        for line in render(answer):
            assert line.isprintable()


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("Wärme ☃ 電", "Wärme ☃ 電"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\u202eb\u2066c\u200bd", "a\\u202eb\\u2066c\\u200bd"),
        ("\u009b2J", "\\x9b2J"),
        ("line\r\nline\u2028line", "line\\r\\nline\\u2028line"),
        ("\ud800", "\\ud800"),
    ],
)
def test_shown(raw: str, safe: str) -> None:
    assert shown(raw) == safe


@pytest.mark.parametrize(
    ("raw", "for_a_shell"),
    [
        ("CP01", "CP01"),
        ("", "''"),
        ("CP01 ", "'CP01 '"),
        ("a'b", "'a'\"'\"'b'"),
        ("$(reboot)", "'$(reboot)'"),
        ("Säule", "'Säule'"),
        ("a\\'\x07", r"$'a\x5c\x27\x07'"),
    ],
)
def test_quoted(raw: str, for_a_shell: str) -> None:
    assert quoted(raw) == for_a_shell


@pytest.mark.parametrize(
    ("stamp", "local"),
    [
        ("2026-11-21T23:30:00.999Z", f"2026-11-22{GLUE}00:30:00"),
        ("0001-01-01T00:00:00Z", f"0001-01-01{GLUE}01:00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("yesterday\x1b", "yesterday\\x1b"),
        (None, "unknown"),
        (7, "7"),
    ],
)
def test_moment(stamp: object, local: str) -> None:
    assert moment({"at": stamp}, "at") == local


def test_numbers_and_words() -> None:
    strange = {"yes": True, "nan": float("nan"), "most": 10**400, "half": 2.5, "list": ["\x07"]}
    assert [number(strange, key) for key in strange] == [None, None, None, 2, None]
    assert word(strange, "list") == '["\\u0007"]'
    assert word(strange, "half") == "2.5"
