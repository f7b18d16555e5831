"""`evgate charger list` in words."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.commands.chargers import adopt_command, list_lines
from gateway.commands.reading import GLUE
from tests.commands.answers import charger, stranger
from tests.counts import SOCKET_EXAMPLES

LIST = r"""Known chargers: 1
  CP01, adopted: online since 2026-11-21 13:00:05
      from 192.0.2.7:51000, ocpp1.6, upstream operator online

Quarantined, strangers that are kept out: 3
  'CP  99 ' from 192.0.2.9:40001, 1 attempt, last 2026-11-21 14:01:00
      offers ocpp1.6 ocpp2.0.1, shows credentials
      kept out because: unknown identity
      let it in: evgate charger adopt 'CP  99 '
  -x from 192.0.2.9:40001, 3 attempts, last 2026-11-21 14:00:00
      offers no subprotocol, shows no credentials
      kept out because: the upstream refuses it (HTTP 404): ask the operator to
      register it
      let it in: evgate charger adopt -- -x
  $'CP\xc2\xa01\xe2\x80\xae' from 192.0.2.9:40001, 3 attempts, last
      2026-11-21 13:59:00
      offers ocpp1.6 ocpp2.0.1, shows credentials
      kept out because: unknown identity
      let it in: evgate charger adopt $'CP\xc2\xa01\xe2\x80\xae'"""


def test_known_chargers_and_the_quarantine() -> None:
    answer = {
        "chargers": [charger(name=None, standing="adopted")],
        "quarantined": [
            stranger(identity="CP  99 ", attempts=1, last_seen="2026-11-21T13:01:00.000Z"),
            stranger(
                identity="-x",
                subprotocols=[],
                credentials=False,
                reason="the upstream refuses it (HTTP 404): ask the operator to register it",
                last_seen="2026-11-21T13:00:00.000Z",
            ),
            stranger(identity="CP\u00a01\u202e"),
        ],
    }
    assert "\n".join(list_lines(answer)) == LIST


def test_nobody() -> None:
    assert list_lines({}) == ["Known chargers: 0", "", "Quarantined: nobody"]


def test_a_long_identity_stands_in_one_piece() -> None:
    identity = "a b" * 85
    lines = list_lines({"quarantined": [stranger(identity=identity)]})
    assert lines[3].startswith(f"  '{identity}'")
    assert lines[-2:] == ["      let it in:", f"  evgate charger adopt '{identity}'"]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
@settings(max_examples=SOCKET_EXAMPLES)
def test_a_shell_reads_the_command_as_it_is_meant(identity: str) -> None:
    command = adopt_command(stranger(identity=identity))
    assert command.isprintable()
    assert GLUE not in command
    echo = command.replace("evgate charger adopt ", "printf %s ", 1).replace("%s -- ", "%s ", 1)
    result = subprocess.run(["bash", "-c", echo], capture_output=True)
    assert result.stdout.decode() == identity


def test_a_wrong_clock_and_quirks_are_shown() -> None:
    quirks = ["acme-empty-text", "acme-local-time"]
    answer = {"chargers": [charger(clock_skew_s=-7201.5, quirks=quirks)], "quarantined": []}
    shown = " ".join(" ".join(list_lines(answer)).split())
    assert "its clock is 7202 s slow" in shown
    assert "quirks: acme-empty-text acme-local-time" in shown
    right = " ".join(list_lines({"chargers": [charger(clock_skew_s=1.2, quirks=[])], "quarantined": []}))
    assert "clock" not in right
    assert "quirks" not in right
