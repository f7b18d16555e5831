"""`gateway.core.frames`: what can be read of a text message, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.frames import (
    LONGEST_ID,
    LONGEST_INTEGER,
    LONGEST_WORD,
    MAX_DEPTH,
    Flaw,
    Frame,
    Kind,
    call_text,
    error_text,
    parse,
)

LONGEST_KEY = 160
HUGE = "1" * (LONGEST_INTEGER + 1)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
JSONISH = st.text(alphabet='[]{}",:\\ \n0123456eE+-.truefalsn', max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
ENVELOPES = st.lists(JSON | st.sampled_from([2, 3, 4, 5, 6, "Heartbeat", "id", {}]), max_size=6).map(json.dumps)


def depth_of(text: str) -> int:
    """The deepest nesting outside strings, one character at a time."""
    depth = deepest = 0
    in_string = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif in_string:
            escaped = char == "\\"
            in_string = char != '"'
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


# Envelopes


def test_a_call() -> None:
    text = '[2, "0583200", "Heartbeat", {"a": 1}]'
    assert parse(text) == Frame(text, Kind.CALL, "0583200", '"0583200"', "Heartbeat", {"a": 1})


def test_an_answer() -> None:
    text = '[3,"7",{"status":"Accepted"}]'
    frame = parse(text)
    assert frame == Frame(text, Kind.RESULT, "7", '"7"', payload={"status": "Accepted"})
    assert frame.is_answer
    assert not frame.is_unanswered


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[4,"7","NotSupported","",{}]', "NotSupported"),
        ('[4,"7","NotSupported"]', "NotSupported"),
        ('[4,"7"]', ""),
        ('[4,"7",12,"",{}]', ""),
    ],
)
def test_an_error_may_lack_parts(text: str, code: str) -> None:
    frame = parse(text)
    assert (frame.kind, frame.message_id, frame.error_code, frame.flaw) == (Kind.ERROR, "7", code, None)
    assert frame.is_answer


@pytest.mark.parametrize(
    ("text", "kind"),
    [('[5,"7","InternalError","",{}]', Kind.RESULT_ERROR), ('[6,"7","NotifyPeriodicEventStream",{}]', Kind.SEND)],
)
def test_types_of_2_1(text: str, kind: Kind) -> None:
    frame = parse(text)
    assert (frame.kind, frame.message_id, frame.flaw) == (kind, "7", None)
    assert frame.is_unanswered
    assert not frame.is_answer


@pytest.mark.parametrize("rest", ['"Heartbeat"]', '"Heartbeat",null]', '"Heartbeat",{},"more"]', '\n"Heartbeat" , {}]'])
def test_harmless_deviations(rest: str) -> None:
    frame = parse(f' [2,"7",{rest}')
    assert (frame.kind, frame.action, frame.payload, frame.flaw) == (Kind.CALL, "Heartbeat", {}, None)


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", Flaw.NOT_JSON),
        ("hello", Flaw.NOT_JSON),
        ("\x00", Flaw.NOT_JSON),
        ('\ufeff[2,"7","Heartbeat",{}]', Flaw.NOT_JSON),
        ('[2,"7","Heartbeat",{}', Flaw.NOT_JSON),
        ('[2,"7","Heartbeat",{}]]', Flaw.NOT_JSON),
        ("{}", Flaw.NOT_ARRAY),
        ("[]", Flaw.NOT_ARRAY),
        ("null", Flaw.NOT_ARRAY),
        ("NaN", Flaw.NOT_ARRAY),
        ('"[2]"', Flaw.NOT_ARRAY),
        ("[null]", Flaw.UNKNOWN_TYPE),
        ("[true]", Flaw.UNKNOWN_TYPE),
        ('["2","7","Heartbeat",{}]', Flaw.UNKNOWN_TYPE),
        ('[2.0,"7","Heartbeat",{}]', Flaw.UNKNOWN_TYPE),
        ('[1,"7","Heartbeat",{}]', Flaw.UNKNOWN_TYPE),
        ('[7,"7","Heartbeat",{}]', Flaw.UNKNOWN_TYPE),
        ('[-2,"7","Heartbeat",{}]', Flaw.UNKNOWN_TYPE),
        (f'[{HUGE},"7","Heartbeat",{{}}]', Flaw.UNKNOWN_TYPE),
        ("[2]", Flaw.BAD_ID),
        ("[3,null,{}]", Flaw.BAD_ID),
        ('[2,true,"Heartbeat",{}]', Flaw.BAD_ID),
        ('[2,1.5,"Heartbeat",{}]', Flaw.BAD_ID),
        ('[2,1e999,"Heartbeat",{}]', Flaw.BAD_ID),
        ('[2,["7"],"Heartbeat",{}]', Flaw.BAD_ID),
        ('[2,NaN,"Heartbeat",{}]', Flaw.BAD_ID),
        ('[2,"7"]', Flaw.NO_ACTION),
        ('[2,"7",null,{}]', Flaw.NO_ACTION),
        ('[2,"7",{"Heartbeat":1}]', Flaw.NO_ACTION),
        ('[6,"7"]', Flaw.UNKNOWN_TYPE),
    ],
)
def test_misfits(text: str, flaw: Flaw) -> None:
    frame = parse(text)
    assert (frame.kind, frame.flaw, frame.text) == (Kind.MISFIT, flaw, text)
    assert not frame.is_answer
    assert not frame.is_unanswered


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('[2,"7","Heartbeat",[]]', Kind.CALL),
        ('[2,"7","Heartbeat","{}"]', Kind.CALL),
        ('[3,"7",0]', Kind.RESULT),
        ('[6,"7","Stream",false]', Kind.SEND),
    ],
)
def test_a_payload_that_is_no_object_reads_as_empty(text: str, kind: Kind) -> None:
    frame = parse(text)
    assert (frame.kind, frame.payload, frame.flaw) == (kind, {}, Flaw.BAD_PAYLOAD)


# Ids


@pytest.mark.parametrize(
    "message_id", ["", "1", "28240181849166013077", "0583200", 'a"b\\', "ä\ud800", "x" * LONGEST_ID]
)
def test_ids_are_text_and_echoed_as_sent(message_id: str) -> None:
    frame = parse(json.dumps([2, message_id, "Heartbeat", {}]))
    assert frame.message_id == message_id
    assert json.loads(frame.id_json) == message_id


@pytest.mark.parametrize("digits", ["0", "7", "28240181849166013077", "-5", "9" * LONGEST_INTEGER, HUGE, f"-{HUGE}"])
def test_a_number_as_id_stays_a_number(digits: str) -> None:
    frame = parse(f'[2,{digits},"Heartbeat",{{}}]')
    assert frame.kind is Kind.CALL
    assert frame.id_json == digits
    assert error_text(frame.id_json, "InternalError", "") == f'[4,{digits},"InternalError","",{{}}]'
    if len(digits) <= LONGEST_ID:
        assert frame.message_id == digits


def test_an_unreadable_id_is_echoed_as_minus_one() -> None:
    assert parse("hello").id_json == '"-1"'


def test_long_ids_are_told_apart_and_kept_in_small() -> None:
    ids = ["x" * LONGEST_ID, "x" * (LONGEST_ID + 1), "x" * 100_000, "x" * 99_999 + "y", "\ud800" * 200]
    keys = {parse(json.dumps([3, one, {}])).message_id for one in ids}
    assert len(keys) == len(ids)
    assert max(map(len, keys)) <= LONGEST_KEY


def test_long_words_are_cut() -> None:
    assert parse(json.dumps([2, "7", "A" * 5000, {}])).action == "A" * LONGEST_WORD
    assert parse(json.dumps([4, "7", "E" * 5000])).error_code == "E" * LONGEST_WORD


# Numbers


def test_huge_integers_are_read_as_digits() -> None:
    frame = parse(f'[2,"7","X",{{"a":{HUGE},"b":12,"c":-{"9" * LONGEST_INTEGER},"d":-{HUGE}}}]')
    assert frame.flaw is Flaw.HUGE_INTEGER
    assert frame.payload == {"a": HUGE, "b": 12, "c": -int("9" * LONGEST_INTEGER), "d": f"-{HUGE}"}


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_read_as_null(word: str) -> None:
    frame = parse(f'[2,"7","X",{{"a":{word},"b":12}}]')
    assert (frame.kind, frame.flaw, frame.payload) == (Kind.CALL, Flaw.NOT_A_NUMBER, {"a": None, "b": 12})


def test_the_first_of_several_flaws_is_named() -> None:
    assert parse(f'[2,"7","X",{{"a":NaN,"b":{HUGE}}}]').flaw is Flaw.NOT_A_NUMBER
    assert parse(f'[2,"7","X",[{HUGE}]]').flaw is Flaw.BAD_PAYLOAD


@pytest.mark.parametrize("text", [f"[2,{HUGE}", '[2,"7",NaN', f'[2,"7","X",{{"a":{HUGE},}}]'])
def test_a_bad_number_in_bad_json_is_bad_json(text: str) -> None:
    assert parse(text) == Frame(text, Kind.MISFIT, flaw=Flaw.NOT_JSON)


def test_an_overflowing_float_and_a_repeated_key() -> None:
    frame = parse('[2,"7","X",{"a":1e999,"a":-1e999,"b":1,"b":2}]')
    assert (frame.payload, frame.flaw) == ({"a": float("-inf"), "b": 2}, None)


# Depth


def nested(levels: int) -> str:
    """A CALL nested this deep, itself included."""
    return '[2,"7","X",' + '{"a":' * (levels - 1) + "1" + "}" * (levels - 1) + "]"


def test_the_deepest_that_is_read() -> None:
    assert parse(nested(MAX_DEPTH)).kind is Kind.CALL
    assert parse(nested(MAX_DEPTH + 1)).flaw is Flaw.TOO_DEEP


def test_wide_is_not_deep() -> None:
    wide = json.dumps([2, "7", "X", {"a": [[] for _ in range(500)], "b": "[" * 500, "c": '\\"[' * 500}])
    assert parse(wide).kind is Kind.CALL


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("[" * 1_000_000, Flaw.TOO_DEEP),
        ('[{"a":' * 200_000, Flaw.TOO_DEEP),
        ("[" * 65 + '"' + '\\"' * 400_000 + "\\", Flaw.TOO_DEEP),
        ('"' + '\\"' * 400_000 + "[" * 65 + "\\", Flaw.NOT_JSON),
        ('"' + "[" * 1_000_000, Flaw.NOT_JSON),
        ("[]" * 500_000, Flaw.NOT_JSON),
        ("]" * 500_000 + "[" * 500_000, Flaw.NOT_JSON),
        ("-" * 1_000_000, Flaw.NOT_JSON),
        ("1" * 1_000_000, Flaw.NOT_ARRAY),
    ],
    ids=range(9),
)
def test_megabytes_of_nonsense_are_judged_at_once(text: str, flaw: Flaw) -> None:
    """Quadratic work on any of these would outlast the suite."""
    assert parse(text).flaw is flaw


@given(st.integers(min_value=MAX_DEPTH - 3, max_value=MAX_DEPTH), st.text(alphabet='[]{}"\\a\n', max_size=40))
def test_the_depth_scan_agrees_with_counting(start: int, rest: str) -> None:
    text = "[" * start + rest
    assert (parse(text).flaw is Flaw.TOO_DEEP) is (depth_of(text) > MAX_DEPTH)


@given(st.lists(st.sampled_from(["[", "]", "{", "}", '"', '\\"', "\\", "[" * 30, "]" * 30, '"[["', ","]), max_size=60))
def test_the_depth_scan_agrees_with_counting_anywhere(parts: list[str]) -> None:
    text = "".join(parts)
    assert (parse(text).flaw is Flaw.TOO_DEEP) is (depth_of(text) > MAX_DEPTH)


# Anything at all


@given(ANY_TEXT | JSONISH | ENVELOPES | st.builds(lambda text, cut: text[:cut], ENVELOPES, st.integers(0, 80)))
def test_no_text_is_too_odd(text: str) -> None:
    frame = parse(text)
    assert frame.text is text
    assert (frame.kind is Kind.MISFIT) <= (frame.flaw is not None)
    assert len(frame.message_id) <= LONGEST_KEY
    assert len(frame.action) <= LONGEST_WORD
    assert len(frame.error_code) <= LONGEST_WORD
    assert isinstance(frame.payload, dict)
    json.loads(frame.id_json)


@given(st.sampled_from([2, 6]), ANY_TEXT, ANY_TEXT, st.dictionaries(ANY_TEXT, JSON, max_size=3))
def test_a_good_call_is_read_back(number: int, message_id: str, action: str, payload: dict[str, Any]) -> None:
    text = json.dumps([number, message_id, action, payload], allow_nan=True)
    frame = parse(text)
    assert (frame.kind.value, frame.message_id, frame.action) == (number, message_id, action)
    assert json.loads(frame.id_json) == message_id
    if frame.flaw is None:
        assert frame.payload == json.loads(text)[3]
    else:
        assert frame.flaw is Flaw.NOT_A_NUMBER


# Frames of our own


@given(ANY_TEXT, ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3))
def test_a_call_of_our_own_is_read_back(message_id: str, action: str, payload: dict[str, str]) -> None:
    text = call_text(message_id, action, payload)
    assert text.isascii()
    frame = parse(text)
    assert (frame.kind, frame.message_id, frame.action, frame.payload) == (Kind.CALL, message_id, action, payload)


@given(ANY_TEXT, ANY_TEXT, st.text(max_size=400))
def test_an_error_of_our_own_echoes_the_id(message_id: str, code: str, description: str) -> None:
    asked = parse(json.dumps([2, message_id, "Heartbeat", {}]))
    text = error_text(asked.id_json, code, description)
    assert json.loads(text) == [4, message_id, code, description[:255], {}]
    assert parse(text).message_id == asked.message_id


@pytest.mark.parametrize("control", ["\x00", "\t", "\n", "\x1f"])
def test_a_raw_control_character_in_a_string_is_read_and_named(control: str) -> None:
    text = f'[2,"7","StatusNotification",{{"info":"a{control}b"}}]'
    frame = parse(text)
    assert (frame.kind, frame.flaw, frame.text) == (Kind.CALL, Flaw.CONTROL_CHARACTER, text)
    assert frame.payload == {"info": f"a{control}b"}
