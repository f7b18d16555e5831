"""`gateway.core.moment`: time as a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.moment import Moment, timestamp


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        (datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC), "2026-03-01T08:00:00.000Z"),
        (datetime(2026, 3, 1, 8, 0, 0, 123_999, tzinfo=UTC), "2026-03-01T08:00:00.123Z"),
        (datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))), "2026-02-28T22:30:00.000Z"),
        (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00.000Z"),
    ],
)
def test_timestamp(wall: datetime, text: str) -> None:
    assert timestamp(wall) == text


@given(st.integers(min_value=0, max_value=7 * 10**15), st.integers(min_value=-14 * 60, max_value=14 * 60))
def test_a_timestamp_is_the_same_instant_cut_to_milliseconds(microseconds: int, offset_minutes: int) -> None:
    zone = timezone(timedelta(minutes=offset_minutes))
    wall = (datetime(1970, 1, 2, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(zone)
    text = timestamp(wall)
    assert text.endswith("Z")
    assert timedelta(0) <= wall - datetime.fromisoformat(text) < timedelta(milliseconds=1)


def test_a_moment_is_a_value() -> None:
    wall = datetime(2026, 3, 1, tzinfo=UTC)
    assert Moment(wall, 1.0) == Moment(wall, 1.0)
