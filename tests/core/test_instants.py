"""`gateway.core.instants`: times as peers write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.instants import EARLIEST_YEAR, IMPLAUSIBLE, LATEST_YEAR, UNREADABLE, ZONELESS, instant

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01t12:00:00z", NOON),
        ("2026-03-01 12:00:00Z", NOON),
        ("2026-03-01T12:00Z", NOON),
        ("2026-03-01T14:00:00+02", NOON),
        ("2026-03-01T14:00:00+0200", NOON),
        ("2026-03-01T14:00:00 +02:00", NOON),
        ("2026-03-01T08:30:00-03:30", NOON),
        ("20260301T120000Z", NOON),
        ("2026-03-01T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-03-01T12:00:00,25Z", NOON + timedelta(milliseconds=250)),
        ("2026-03-01T12:00:00.1234567891234567Z", NOON + timedelta(microseconds=123456)),
        ("2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
    ],
)
def test_every_form_that_tells_one_instant(text: str, read: datetime) -> None:
    assert instant(text) == (read, None)
    assert instant(f"  {text}\n") == (read, None)


def test_without_a_zone_it_is_utc_and_said() -> None:
    assert instant("2026-03-01T12:00:00") == (NOON, ZONELESS)


@pytest.mark.parametrize(
    "text",
    [
        *("2022-02-29T12:00:00Z", "2026-02-30T12:00:00Z", "2026-13-01T12:00:00Z", "2026-00-10T12:00:00Z"),
        *("2026-03-01T24:00:00Z", "2026-03-01T23:60:00Z", "2026-03-01T23:59:60Z"),
        *("2026-03-01T12:00:00+99:00", "2026-03-01T12:00:00+24:00", "2026-03-01T12:00:00+02:60"),
        *("", "0", "now", "2026-03-01", "12:00:00", "1772366400", "2026-03-01T12:00:00 Europe/Vienna", "2026-W09-7"),
        *("2026-03-01T12:00:00.Z", "2026-03-01T12:00:00." + "0" * 40 + "Z", "\ud800026-03-01T12:00:00Z"),
        "\N{ARABIC-INDIC DIGIT TWO}026-03-01T12:00:00Z",
    ],
)
def test_what_tells_no_instant(text: str) -> None:
    assert instant(text) == (None, UNREADABLE)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("2019-12-31T23:59:59Z", None),
        ("2020-01-01T00:00:00+14:00", datetime(2019, 12, 31, 10, tzinfo=UTC)),
        ("2099-12-31T23:59:59-12:00", datetime(2100, 1, 1, 11, 59, 59, tzinfo=UTC)),
        ("2100-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-23:59", None),
    ],
)
def test_a_year_in_which_no_charger_lives_is_not_believed(text: str, read: datetime | None) -> None:
    assert instant(text) == (read, IMPLAUSIBLE if read is None else None)


@given(
    st.integers(EARLIEST_YEAR, LATEST_YEAR),
    st.timedeltas(timedelta(), timedelta(days=364)),
    st.integers(-14 * 60, 14 * 60),
)
def test_what_python_writes_is_read_as_it_was(year: int, later: timedelta, offset_minutes: int) -> None:
    meant = datetime(year, 1, 1, tzinfo=timezone(timedelta(minutes=offset_minutes))) + later
    assert instant(meant.isoformat()) == (meant.astimezone(UTC), None)


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([+-]\d\d:?\d?\d?|Z)?", fullmatch=True))
def test_no_text_is_too_odd(text: str) -> None:
    read, odd = instant(text)
    assert (read is None) == (odd in {UNREADABLE, IMPLAUSIBLE})
    assert read is None or read.tzinfo is UTC
