"""`evgate explain`: words to sentences, without a daemon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.commands.reading import WIDTH
from gateway.core.meanings import MEANINGS

SUSPENDED_EV = """\
SuspendedEV: connector status of OCPP 1.6
  The charger offers energy and the car takes none: it is full, waits for its
  timer, or is not ready.
  Severity: ok
  What to do: Look at the car: state of charge, charging timer, messages in its
    display.

SuspendedEV: charging state of OCPP 2.0.1, 2.1
  The charger offers energy and the car takes none.
  Severity: ok
  What to do: Look at the car: state of charge, charging timer, messages in its
    display.

suspended_ev: condition of evgate's MQTT topics
  In a session, and the car takes no energy.
  Severity: ok
  What to do: Look at the car.
"""


@pytest.fixture(autouse=True)
def no_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers at the control socket."""
    monkeypatch.setenv("EVGATE_CONTROL", str(tmp_path / "absent.sock"))


@pytest.mark.parametrize("asked", [["SuspendedEV"], ["suspended", "ev"], ["suspended ev"], ["SUSPENDED_EV"]])
def test_a_word_in_any_spelling(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *asked]) == 0
    assert capsys.readouterr().out == SUSPENDED_EV


def test_a_part_has_no_severity_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "RCD"]) == 0
    assert "Severity" not in capsys.readouterr().out


def test_other_error_points_to_the_makers_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "OtherError"]) == 0
    assert "vendorErrorCode holds the maker's code" in capsys.readouterr().out


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--json", "tripped"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "meanings": [
            {
                "word": "Tripped",
                "kind": "variable",
                "versions": ["2.0.1", "2.1"],
                "severity": "error",
                "meaning": "The part has switched off to protect, and must be reset on site.",
                "what_to_do": "Remove the cause, then reset it at the charger.",
            }
        ]
    }


@pytest.mark.parametrize("nothing", [[], [""], [" "]])
def test_without_a_word_all_are_listed_by_kind(nothing: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *nothing]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("connector status: Available, Preparing, Charging, SuspendedEV, SuspendedEVSE,\n    ")
    heads = [line.partition(":")[0] for line in listed.splitlines() if not line.startswith(" ")]
    assert heads == list(dict.fromkeys(row.kind for row in MEANINGS))
    assert {row.word for row in MEANINGS} <= set(listed.replace(",", " ").split())


def test_all_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--json"]) == 0
    assert [row["word"] for row in json.loads(capsys.readouterr().out)["meanings"]] == [row.word for row in MEANINGS]


@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_an_unknown_word_is_answered_with_the_nearest(json_too: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "Avaliable", *json_too]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("evgate: no word of OCPP or of evgate is 'Avaliable': did you mean Available")
    assert told.err.endswith("? `evgate explain` lists all words\n")


def test_a_whole_message_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "\x1b[2J" + "[2,1,StatusNotification]" * 1000]) == 1
    told = capsys.readouterr().err
    assert len(told) < 300
    assert told.startswith("evgate: no word of OCPP or of evgate is '\\x1b[2J[2,1,")


def test_every_explanation_fits_the_narrowest_console(capsys: pytest.CaptureFixture[str]) -> None:
    for row in MEANINGS:
        assert main(["explain", row.word]) == 0
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= WIDTH


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "example:\n  evgate explain SuspendedEV\n" in told
    assert "exit status: 0 the word is known, 1 it is not, 2 wrong arguments" in told
