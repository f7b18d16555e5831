"""`evgate log` in words."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.commands.log import entry_lines
from tests.commands.answers import Answer, entry

AT = "2026-11-21 13:40:12.034"
EVENT: dict[str, Any] = {"from": None, "to": None, "done": "event", "text": None, "length": 0, "cut": False}


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (
            entry(),
            [
                f"{AT}  CP01  charger -> upstream  StatusNotification  relayed",
                '    [2,"19","StatusNotification",{"connectorId":1,"status":"Charging","errorCode":"NoError"}]',
            ],
        ),
        (
            entry(
                charger="CP 1 ",
                text='[3,\n"1"\n,{}]',
                length=12,
                to=None,
                action="",
                done="not relayed",
                note="unasked",
            ),
            [
                f"{AT}  'CP 1 '  charger -> gateway  not relayed  unasked",
                "    [3,",
                '    "1"',
                "    ,{}]",
            ],
        ),
        (
            entry(
                **{"from": "gateway", "to": "charger"}, done="sent", text='[2,"g1","Trig', length=2_000_000, cut=True
            ),
            [
                f"{AT}  CP01  gateway -> charger  StatusNotification  sent",
                '    [2,"g1","Trig (… of 2000000 characters)',
            ],
        ),
        (
            entry(text="[3]", note="answer to StatusNotification relayed; connector 1"),
            [
                f"{AT}  CP01  charger -> upstream  answer to StatusNotification relayed; connector 1",
                "    [3]",
            ],
        ),
        # Shorter, because the tag is masked, and whole all the same.
        (
            entry(text='[2,"1","Authorize",{"idTag":"****1234"}]', length=60, action="Authorize"),
            [f"{AT}  CP01  charger -> upstream  Authorize  relayed", '    [2,"1","Authorize",{"idTag":"****1234"}]'],
        ),
        (
            entry(**EVENT, action="charger_connected", note="connected from 192.0.2.7:51000"),
            [f"{AT}  CP01  connected from 192.0.2.7:51000"],
        ),
        (entry(**EVENT, action="charger_connected"), [f"{AT}  CP01  charger_connected"]),
        ({"skipped": 12}, ["(… 12 entries are left out: this terminal did not take them fast enough)"]),
        ({"to": "upstream"}, ["unknown  unknown  unknown -> upstream"]),
        ({}, ["unknown  unknown  unknown"]),
    ],
)
def test_one_entry(said: Answer, lines: list[str]) -> None:
    assert entry_lines(said) == lines


def test_no_text_looks_like_another_entry() -> None:
    forged = f"garbage\n{AT}  CP02  charger -> upstream  StopTransaction  relayed\r\x1b[2K\u2028{AT}"
    head, *rest = entry_lines(entry(text=forged, length=len(forged)))
    assert head.startswith(AT)
    assert rest == [
        "    garbage",
        f"    {AT}  CP02  charger -> upstream  StopTransaction  relayed\\r\\x1b[2K\\u2028{AT}",
    ]
