"""Frames that real chargers sent arrive upstream byte for byte; each is counted and logged by name."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import pytest

from gateway.core.facts import BootReported, ChargerInfo, ConnectorState, StatusReported
from gateway.sim import SILENT
from tests.recordings.recorded import Recorded, recorded
from tests.support.inside import Inside, inside
from tests.support.site import site

FRAMES = recorded()

COMING_AND_GOING = ("charger_connected", "charger_disconnected", "stale_connection")


async def test_every_field_frame_arrives_and_is_counted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(FRAMES) >= 15
    caplog.set_level(logging.DEBUG, "gateway")
    async with inside(tmp_path) as here:
        for frame in FRAMES:
            counted = await _counted(here, frame)
            assert counted == Counter([frame.counter]), frame.name
            _assert_logged_once(frame, caplog.records)
    boots = {fact.boot for fact in here.facts if isinstance(fact, ChargerInfo)} - {None}
    assert boots == {frame.fact for frame in FRAMES if isinstance(frame.fact, BootReported)}
    reports = {fact.report for fact in here.facts if isinstance(fact, ConnectorState)}
    statuses = {frame.fact for frame in FRAMES if isinstance(frame.fact, StatusReported)}
    assert reports == {report for report in statuses if report.connector_id > 0}


async def _counted(here: Inside, frame: Recorded) -> Counter[str]:
    """Send one frame on a connection of its own; what was counted for it until it arrived upstream."""
    upstream = here.upstream(frame.name)
    upstream.answer("*", SILENT)
    before = here.notes.counters.copy()
    async with here.charger(frame.name) as charger:
        await charger.send_raw(frame.text)
        await upstream.ledger.wait_received(1)
        assert upstream.ledger.received == [frame.text], frame.name
        counted = here.notes.counters - before
    return Counter({what: count for what, count in counted.items() if what not in COMING_AND_GOING})


def _assert_logged_once(frame: Recorded, records: list[logging.LogRecord]) -> None:
    fields = [getattr(record, "fields", {}) for record in records]
    of_frame = [
        (record, more)
        for record, more in zip(records, fields, strict=True)
        if more.get("CHARGE_POINT") == frame.name and more.get("EVENT") == frame.counter
    ]
    assert len(of_frame) == 1, frame.name
    record, more = of_frame[0]
    text = record.getMessage()
    assert more["LEG"] == "down"
    assert "\n" not in text
    if frame.flaw is not None:
        assert text.startswith(f"{frame.counter.replace('_', ' ')} from charger relayed as it is: ")
        assert record.levelno == logging.WARNING
        return
    assert text.startswith(f"{frame.action} from charger relayed to upstream")
    assert (more["OCPP_ACTION"], more["OCPP_MESSAGE_ID"]) == (frame.action, frame.message_id)
    assert all(oddity in text for oddity in frame.oddities)
    assert record.levelno == _level(frame)


def _level(frame: Recorded) -> int:
    """Routine is for those who look closer, what is odd is for everybody."""
    if frame.oddities:
        return logging.WARNING
    return logging.DEBUG if frame.action in ("Heartbeat", "MeterValues") else logging.INFO


async def test_all_of_them_on_one_connection_arrive_in_order(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("FIELD") as charger:
        upstream = here.upstream("FIELD")
        for frame in FRAMES:
            await charger.send_raw(frame.text)
        await upstream.ledger.wait_received(len(FRAMES))
        assert upstream.ledger.received == [frame.text for frame in FRAMES]
        await here.call_both_ways(charger)
        for frame in FRAMES:
            relayed = f"{frame.action} from charger relayed to upstream" if frame.flaw is None else "relayed as it is: "
            await here.daemon.logged(f"FIELD: {relayed}" if frame.flaw is None else relayed)
