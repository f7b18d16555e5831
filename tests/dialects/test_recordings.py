"""Every recorded frame: read as expected, relayed byte for byte, counted under the expected name."""

from __future__ import annotations

import pytest

from gateway.core.effects import Level, Note, Send
from gateway.core.events import Leg
from gateway.core.frames import parse
from gateway.core.redact import excerpt, redact
from gateway.dialects import DIALECTS
from tests.core.drive import drive, known, only
from tests.recordings.recorded import Recorded, recorded

ALL = recorded()
EACH = pytest.mark.parametrize("frame", ALL, ids=lambda frame: frame.name)


def test_the_published_frames_are_here() -> None:
    assert len(ALL) >= 15
    assert sum(frame.flaw == "NOT_JSON" for frame in ALL) >= 1


@EACH
def test_the_envelope_is_read_as_expected(frame: Recorded) -> None:
    read = parse(frame.text)
    assert read.text == frame.text
    assert (read.kind.name, read.message_id, read.action) == (frame.kind, frame.message_id, frame.action)
    assert (read.flaw.name if read.flaw else None) == frame.flaw


@EACH
def test_the_dialect_makes_the_expected_fact(frame: Recorded) -> None:
    read = parse(frame.text)
    reading = DIALECTS["ocpp1.6"].read_call(read.action, read.payload)
    assert reading.fact == frame.fact
    assert reading.oddities == frame.oddities


@EACH
def test_it_is_relayed_byte_for_byte_and_counted(frame: Recorded) -> None:
    table = drive(known(), refresh=False)
    table.online()
    effects = table.charger(frame.text)
    sent = only(effects, Send)
    assert [(send.leg, send.text) for send in sent] == [(Leg.UP, frame.text)]
    notes = only(effects, Note)
    assert [note.what for note in notes] == [frame.counter]
    assert (notes[0].level >= Level.WARNING) is bool(frame.flaw or frame.oddities)


@EACH
def test_only_tags_are_masked_in_it(frame: Recorded) -> None:
    tag = parse(frame.text).payload.get("idTag")
    assert redact(frame.text) == (frame.text.replace(f'"{tag}"', f'"****{tag[-4:]}"') if tag else frame.text)
    assert "\n" not in excerpt(frame.text)
