"""Frames that real chargers sent arrive upstream byte for byte; each is counted and logged by name."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.core.facts import ChargerInfo, ChargerState, ConnectorState
from gateway.core.frames import Flaw
from gateway.sim import SILENT
from tests.recordings.recorded import Case, cases, told
from tests.support.inside import Inside, inside
from tests.support.site import site

CASES = [case for case in cases() if any(frame.published for frame in case.frames)]
FLAWS = {flaw.value for flaw in Flaw}
FRAMES = [frame for case in CASES for frame in case.frames if frame.published]


async def test_every_field_frame_arrives_and_is_counted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len({frame.text for frame in FRAMES}) >= 15
    caplog.set_level(logging.DEBUG, "gateway")
    async with inside(tmp_path) as here:
        for case in CASES:
            await _sent(here, case)
            _assert_logged(case, caplog.records)
    boots = [fact.boot for fact in here.facts if isinstance(fact, ChargerInfo) and fact.boot is not None]
    reports = [fact.record.report for fact in here.facts if isinstance(fact, ConnectorState)]
    reports += [fact.report for fact in here.facts if isinstance(fact, ChargerState) and fact.report is not None]
    facts = [frame.expected["fact"] for case in CASES for frame in case.frames if frame.expected["fact"] is not None]
    for kind, found in (("BootReported", boots), ("StatusReported", reports)):
        expected = [fact for fact in facts if fact["is"] == kind]
        assert expected
        assert all(fact in map(told, found) for fact in expected)


async def _sent(here: Inside, case: Case) -> None:
    """Send the frames of one charger on a connection of its own: each arrives, and is counted once."""
    upstream = here.upstream(case.name)
    upstream.answer("*", SILENT)
    async with here.charger(case.name) as charger:
        for number, frame in enumerate(case.frames, start=1):
            before = here.notes.counters.copy()
            await charger.send_raw(frame.text)
            await upstream.ledger.wait_received(number)
            counted = here.notes.counters - before
            relayed = {what: count for what, count in counted.items() if what.endswith("call_relayed") or what in FLAWS}
            assert relayed == {frame.expected["counter"]: 1}, frame.name
        assert upstream.ledger.received == [frame.text for frame in case.frames], case.name


def _assert_logged(case: Case, records: list[logging.LogRecord]) -> None:
    """One line for each frame, in order."""
    counters = [frame.expected["counter"] for frame in case.frames]
    fields = [getattr(record, "fields", {}) for record in records]
    of_case = [
        (record, more)
        for record, more in zip(records, fields, strict=True)
        if more.get("CHARGE_POINT") == case.name and more.get("EVENT") in counters and more.get("LEG") == "down"
    ]
    assert [more["EVENT"] for _, more in of_case] == counters, case.name
    for frame, (record, more) in zip(case.frames, of_case, strict=True):
        _assert_line(frame.expected, record, more)


def _assert_line(expected: dict[str, Any], record: logging.LogRecord, more: dict[str, str]) -> None:
    text = record.getMessage()
    assert "\n" not in text
    if expected["kind"] == "MISFIT":
        assert text.startswith(f"{expected['counter'].replace('_', ' ')} from charger relayed as it is: ")
        assert record.levelno == logging.WARNING
        return
    assert text.startswith(f"{expected['action']} from charger relayed to upstream")
    assert (more["OCPP_ACTION"], more["OCPP_MESSAGE_ID"]) == (expected["action"], expected["id"])
    assert all(oddity in text for oddity in expected["oddities"])
    assert record.levelno == _level(expected)


def _level(expected: dict[str, Any]) -> int:
    """Routine is for those who look closer, what is odd is for everybody."""
    if expected["oddities"] or expected["flaw"] is not None:
        return logging.WARNING
    return logging.DEBUG if expected["action"] in ("Heartbeat", "MeterValues") else logging.INFO


async def test_all_of_them_on_one_connection_arrive_in_order(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("FIELD") as charger:
        upstream = here.upstream("FIELD")
        for frame in FRAMES:
            await charger.send_raw(frame.text)
        await upstream.ledger.wait_received(len(FRAMES))
        assert upstream.ledger.received == [frame.text for frame in FRAMES]
        await here.call_both_ways(charger)
        for action in {frame.expected["action"] for frame in FRAMES}:
            await here.daemon.logged(f"FIELD: {action} from charger relayed to upstream")
