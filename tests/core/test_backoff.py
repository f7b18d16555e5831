"""Waiting times grow, stay below the cap, and differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.backoff import full_jitter


@pytest.mark.parametrize(
    ("attempt", "delay_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (8, 30.0), (10**9, 30.0)]
)
def test_ceiling_doubles_with_each_failure_up_to_the_cap(attempt: int, delay_s: float) -> None:
    assert full_jitter(attempt, 0.5, 1.0, 60.0) == delay_s


def test_before_any_failure_it_is_the_base() -> None:
    assert full_jitter(0, 0.5, 1.0, 60.0) == full_jitter(1, 0.5, 1.0, 60.0)


@given(
    attempt=st.integers(),
    draw=st.floats(0, 1, exclude_max=True),
    base_s=st.floats(0.001, 600),
    cap_s=st.floats(0.001, 86_400),
)
def test_any_attempt_waits_between_nothing_and_the_cap(attempt: int, draw: float, base_s: float, cap_s: float) -> None:
    delay = full_jitter(attempt, draw, base_s, cap_s)
    assert 0 <= delay <= cap_s
    assert delay <= full_jitter(attempt + 1, draw, base_s, cap_s)
