"""Every recording: what stands on MQTT at the end, and what a quirk has to do with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.quirks import Catalogue
from gateway.settings.quirk_files import shipped
from tests.recordings.played import at_the_door, play, read
from tests.recordings.recorded import FOLDER, Case, cases

QUIRKS, _ = shipped()
CASES = cases()
OF_QUIRKS = [case for case in CASES if "quirk" in case.outcome]

ONLY_NOTED = {"text-instead-of-numbers", "numbers-instead-of-text", "wallbox-empty-text"}
"""The dialect reads these right by itself; the correction says in the log which charger needs that."""

LINE = {"frame", "at", "from", "vendor", "source", "complete", "note"}
ENTRY = {"kind", "id", "action", "flaw", "corrected", "oddities", "fact", "counter"}
OUTCOME = {"quirk", "named", "quirks", "topics", "events", "counted", "asked"}


def without(name: str) -> Catalogue:
    """Every quirk that comes with evgate but this one."""
    return Catalogue(quirk for quirk in QUIRKS if quirk.name != name)


def parsed(file: str) -> list[Any]:
    """Every file of this name in the folders; of frames, every line."""
    texts = [path.read_text("utf-8") for path in sorted(FOLDER.glob(f"*/{file}"))]
    rows = texts if file.endswith(".json") else [row for text in texts for row in text.split("\n") if row]
    return [json.loads(row) for row in rows]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_stands_at_the_end(case: Case) -> None:
    assert play(case, at_the_door(case, Catalogue(QUIRKS))).differences(case) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_something_is_expected_of_each(case: Case) -> None:
    assert case.outcome.get("topics") or case.outcome.get("events")


def test_every_quirk_has_a_recording_of_its_name() -> None:
    assert {case.outcome["quirk"] for case in OF_QUIRKS} == {quirk.name for quirk in QUIRKS}
    assert all(case.name == case.outcome["quirk"] for case in OF_QUIRKS)


@pytest.mark.parametrize("case", OF_QUIRKS, ids=lambda case: case.name)
def test_without_its_quirk_it_would_be_read_otherwise(case: Case) -> None:
    name = case.outcome["quirk"]
    others = without(name)
    expected = [[frame.expected[key] for key in ("flaw", "oddities", "fact")] for frame in case.frames]
    found = [[entry[key] for key in ("flaw", "oddities", "fact")] for entry in read(case, others)]
    differences = play(case, at_the_door(case, others)).differences(case)
    of_substance = [difference for difference in differences if not difference.startswith(("quirks:", "corrected:"))]
    assert bool(of_substance or found != expected) is (name not in ONLY_NOTED)
    assert [entry["corrected"] for entry in read(case, others)] != [
        frame.expected["corrected"] for frame in case.frames
    ] or of_substance


def test_no_key_is_misspelt() -> None:
    """A wrong name would expect nothing."""
    assert {key for line in parsed("frames.jsonl") for key in line} <= LINE
    assert {key for entries in parsed("expected.json") for entry in entries for key in entry} <= ENTRY
    assert {key for outcome in parsed("topics.json") for key in outcome} <= OUTCOME


def test_a_difference_is_found() -> None:
    case = next(case for case in CASES if case.name == "foxess-available-while-plugged")
    played = play(case, at_the_door(case, Catalogue(QUIRKS)))
    state = "charger/cp01/connector/1/state"
    wrong: dict[str, Any] = {
        "quirks": [],
        "topics": {state: {"status": "Charging", "nothing": None}, "gateway/state": {}},
        "events": {"event/status/cp01/1": []},
        "counted": {"call_relayed": True},
        "asked": [1],
    }
    assert played.differences(Case(case.name, case.lines, wrong)) == [
        "quirks: ['foxess-available-while-plugged']",
        f"{state} status: 'Available', not 'Charging'",
        f"{state} nothing: '(left out)', not None",
        "gateway/state: None, not {}",
        f"event/status/cp01/1: {played.events['event/status/cp01/1']!r}, not []",
        f"call_relayed: {played.counted['call_relayed']}, not True",
        "asked: [], not [1]",
    ]
