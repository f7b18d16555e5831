"""The simulator's own OCPP-J framing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sim.framing import Call, CallError, CallResult, Frame, decode, encode

_ids = st.text(max_size=36) | st.integers()
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
_objects = st.dictionaries(st.text(), _values, max_size=4)
_frames: st.SearchStrategy[Frame] = (
    st.builds(Call, _ids, st.text(), _objects)
    | st.builds(CallResult, _ids, _objects)
    | st.builds(CallError, _ids, st.text(), st.text(), _objects)
)


@given(_frames)
def test_what_is_encoded_is_read_back(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(st.text() | _values.map(repr))
def test_any_text_is_read_or_is_no_frame(text: str) -> None:
    frame = decode(text)
    assert frame is None or isinstance(frame, Call | CallResult | CallError)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('[2,"1","Heartbeat"]', Call("1", "Heartbeat", {})),
        ('[2,"1","Heartbeat",null]', Call("1", "Heartbeat", {})),
        ('[2, 0017, "Heartbeat", {}]', None),
        ('[2,17,"Heartbeat",{}]', Call(17, "Heartbeat", {})),
        ('[3,"1"]', CallResult("1", {})),
        ('[4,"1","GenericError"]', CallError("1", "GenericError")),
        ('[4,"1","GenericError","why"]', CallError("1", "GenericError", "why")),
        ('[5,"1","GenericError","why",{}]', None),
        ('{"2":"1"}', None),
        ("[]", None),
        ("[1,2", None),
        ("[" * 100_000, None),
    ],
)
def test_short_odd_and_broken_frames(text: str, frame: Frame | None) -> None:
    assert decode(text) == frame
