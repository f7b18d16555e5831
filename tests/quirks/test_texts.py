"""Repairs of frames that are no JSON: what they make of the damage they are for, and that they leave the rest alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quirks.corrections import TEXT_REPAIRS
from gateway.quirks.texts import missing_value, stray_commas, strip_nul, unclosed

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FRAMES = st.tuples(st.just(2), st.text(), st.text(), st.dictionaries(st.text(), JSON_VALUES, max_size=4)).map(list)


def test_nul_bytes() -> None:
    text = '[2,"7","Heartbeat\x00",{\x00}]\x00\x00'
    assert json.loads(strip_nul(text)) == [2, "7", "Heartbeat", {}]


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ('[2,"1","M",{"s":[,{"v":"1"},{"v":"2"}]}]', '[2,"1","M",{"s":[{"v":"1"},{"v":"2"}]}]'),
        ('[2,"1","M",{"s":[1,2,],}]', '[2,"1","M",{"s":[1,2]}]'),
        ('{"a":1 , , "b":2 ,\n}', '{"a":1 ,  "b":2 \n}'),
        (",[1]", "[1]"),
        ('{"a":",]"}', '{"a":",]"}'),
        ('{"a":"\\",]"}', '{"a":"\\",]"}'),
        ('{"a":,"b":1}', '{"a":,"b":1}'),
        ("[1,2", "[1,2"),
        ("", ""),
    ],
)
def test_stray_commas(text: str, better: str) -> None:
    assert stray_commas(text) == better


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ('[2,"1","S",{"transactionId":,"b":1}]', '[2,"1","S",{"transactionId":null,"b":1}]'),
        ('{"b":1,"transactionId": }', '{"b":1,"transactionId": null}'),
        ('{"a":":,}"}', '{"a":":,}"}'),
        ('{"a":', '{"a":'),
        ("", ""),
    ],
)
def test_missing_value(text: str, better: str) -> None:
    assert missing_value(text) == better


def test_two_kinds_of_damage_at_once() -> None:
    assert json.loads(missing_value(stray_commas('{"a":[,1],"b":,}'))) == {"a": [1], "b": None}


@pytest.mark.parametrize(
    ("text", "better"),
    [
        # The brackets alone are missing.
        ('[2,"1","S",{"status":"Faulted"', '[2,"1","S",{"status":"Faulted"}]'),
        ('[2,"1","S",{"on":true', '[2,"1","S",{"on":true}]'),
        ('[2,"1","S",{}', '[2,"1","S",{}]'),
        ('[2,"1","S",[]', '[2,"1","S",[]]'),
        # Cut off within a value: the member goes with it, because nobody knows how the value ended.
        ('[3,"1",{"k":[{"key":"A","value":"x"},{"key":"B","val', '[3,"1",{"k":[{"key":"A","value":"x"},{"key":"B"}]}]'),
        ('[2,"1","S",{"a":"b","c":12', '[2,"1","S",{"a":"b"}]'),
        ('[2,"1","S",{"a":"b","c":tru', '[2,"1","S",{"a":"b"}]'),
        ('[2,"1","S",{"a":"b","c":"x\\', '[2,"1","S",{"a":"b"}]'),
        ('[2,"1","S",{"a":"b","c":', '[2,"1","S",{"a":"b"}]'),
        ('[2,"1","S",{"a":"b","c"', '[2,"1","S",{"a":"b"}]'),
        ('[2,"1","S",{"a":"b",', '[2,"1","S",{"a":"b"}]'),
        ('[2,"1","S",{"a":12,"b":{"c":', '[2,"1","S",{"a":12}]'),
        # Nothing whole is left, or the damage is another.
        ("[", "["),
        ('[[{"a":', '[[{"a":'),
        ("", ""),
        ("7", "7"),
        ("}", "}"),
        ("{]", "{]"),
        ('{"a":1]', '{"a":1]'),
        ("[1 2", "[1 2"),
        ('["a" "b"', '["a" "b"'),
        ('{"a" 1', '{"a" 1'),
        ("{1", "{1"),
        ('["a",,', '["a",,'),
        ('["a",:', '["a",:'),
        ('["a"]]', '["a"]]'),
        ('["a"],', '["a"],'),
    ],
)
def test_unclosed(text: str, better: str) -> None:
    assert unclosed(text) == better


@given(FRAMES)
def test_what_is_json_stays_as_it_is(frame: list[Any]) -> None:
    for text in (json.dumps(frame), json.dumps(frame, ensure_ascii=False, indent=1)):
        for repair in TEXT_REPAIRS.values():
            assert repair(text) == text


@given(st.text(alphabet='[]{},:"\\ \n\x00an1é', max_size=40))
def test_no_text_is_too_bad(text: str) -> None:
    for repair in TEXT_REPAIRS.values():
        better = repair(text)
        assert repair(better) == better


@given(FRAMES, st.data())
def test_a_frame_cut_off_anywhere_says_nothing_that_the_whole_one_did_not(
    frame: list[Any], data: st.DataObject
) -> None:
    whole = json.dumps(frame)
    text = whole[: data.draw(st.integers(1, len(whole) - 1))]
    better = unclosed(text)
    if better != text:
        assert said(json.loads(better)) <= said(frame)


def said(value: Any, path: tuple[Any, ...] = ()) -> set[tuple[Any, ...]]:
    """Every plain value in it, with the way to it."""
    if isinstance(value, dict):
        return {found for key, item in value.items() for found in said(item, (*path, key))}
    if isinstance(value, list):
        return {found for index, item in enumerate(value) for found in said(item, (*path, index))}
    return {(*path, repr(value))}
