"""Every recorded frame: read as expected, and relayed byte for byte whatever the charger did before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.core.condition import CONDITIONS, UNKNOWN
from gateway.core.frames import parse
from gateway.core.redact import excerpt, redact
from gateway.quirks import Catalogue
from gateway.settings.quirk_files import shipped
from tests.core.drive import Drive
from tests.recordings.played import at_the_door, play, read
from tests.recordings.recorded import Case, Recorded, cases, recorded

CASES = cases()
ALL = recorded()
EACH = pytest.mark.parametrize("frame", ALL, ids=lambda frame: frame.name)
CATALOGUE = Catalogue(shipped()[0])

BEFORE_S = 600.0
"""So long before a recording begins, something else happens."""

MOST_WH = 5_000
"""No session of a recording, nor one from before it, takes more."""

WORDS = {condition.word for condition in (*CONDITIONS.values(), UNKNOWN)}


def in_session(table: Drive) -> None:
    table.reports("Preparing")
    table.starts(4711)
    table.reports("Charging")
    table.meters(1500, transaction=4711)


def after_a_session(table: Drive) -> None:
    in_session(table)
    table.stops(4711)
    table.reports("Finishing")


def faulted(table: Drive) -> None:
    table.reports("Available", connector=0)
    table.reports("Faulted", code="GroundFailure")


def on_two_connectors(table: Drive) -> None:
    table.reports("SuspendedEV", connector=1, at=table.now.wall)
    table.starts(4711, connector=2)
    table.reports("Charging", connector=2, at=table.now.wall)


def pending(table: Drive) -> None:
    payload = {"chargePointVendor": "V", "chargePointModel": "M"}
    table.asks("BootNotification", payload, {"status": "Pending", "interval": 60})


CIRCUMSTANCES = [in_session, after_a_session, faulted, on_two_connectors, pending]


def test_the_published_frames_are_here() -> None:
    published = [frame for frame in ALL if frame.published]
    assert len({frame.text for frame in published}) >= 15
    assert sum(frame.expected["flaw"] == "NOT_JSON" for frame in published) >= 1
    assert all(frame.source and frame.vendor for frame in ALL)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_frame_is_read_as_expected(case: Case) -> None:
    expected = [{key: value for key, value in frame.expected.items() if key != "counter"} for frame in case.frames]
    assert read(case, CATALOGUE) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_is_relayed_byte_for_byte_and_counted(case: Case) -> None:
    played = play(case, at_the_door(case, CATALOGUE))
    assert played.relayed == [frame.text for frame in case.frames]
    assert played.counters == [[frame.expected["counter"]] for frame in case.frames]


@pytest.mark.parametrize("before", CIRCUMSTANCES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whatever_was_before_each_is_relayed_and_nothing_is_made_up(
    case: Case, before: Callable[[Drive], None]
) -> None:
    table = at_the_door(case, CATALOGUE, BEFORE_S)
    before(table)
    played = play(case, table)
    assert played.relayed[-len(case.frames) :] == [frame.text for frame in case.frames]
    assert played.counters == [[frame.expected["counter"]] for frame in case.frames]
    facts = [frame.expected["fact"] or {} for frame in case.frames]
    for fact in facts:
        if fact.get("is") == "StatusReported":
            number = fact.get("connector_id", 0)
            last = [
                one["status"] for one in facts if one.get("is") == fact["is"] and one.get("connector_id", 0) == number
            ]
            topic = f"charger/cp01/connector/{number}/state" if number else "charger/cp01/state"
            assert played.standing[topic]["status"] == last[-1]
    for topic, payload in played.standing.items():
        if topic.endswith("/state"):
            assert payload["condition"] in WORDS
        if topic.endswith("/session"):
            assert payload["energy_wh"] is None or 0 <= payload["energy_wh"] <= MOST_WH, topic


@EACH
def test_only_tags_are_masked_in_it(frame: Recorded) -> None:
    tag = parse(frame.text).payload.get("idTag")
    assert redact(frame.text) == (frame.text.replace(str(tag), f"****{str(tag)[-4:]}") if tag else frame.text)
    assert "\n" not in excerpt(frame.text)
