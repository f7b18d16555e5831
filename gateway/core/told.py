"""When something happened, by what a charger's clock says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.moment import Moment
from gateway.core.reports import MeterValue

LATE_S = 60.0
"""A time this far from that of receipt is not the charger's clock being a little off: behind, the message waited in a
queue; ahead, the clock is wrong and the time of receipt is better. A clock that is known to be off by more is put right
before its times are published."""


@dataclass(frozen=True, slots=True)
class Happened:
    """`at` is the time by the gateway's clock, from which seconds count; `shown` is the time that is published."""

    at: datetime
    shown: datetime


def happened(told: datetime | None, skew_s: float | None, now: Moment) -> Happened | None:
    """What the charger told, whose clock is off by `skew_s` (None: nobody knows); None if it tells of the future."""
    if told is None:
        return None
    at = told - timedelta(seconds=skew_s or 0.0)
    if (at - now.wall).total_seconds() > LATE_S:
        return None
    # What is counted never begins later than now: a skew is measured to the second, and no better.
    return Happened(min(at, now.wall), min(at, now.wall) if is_off(skew_s) else told)


def is_off(skew_s: float | None) -> bool:
    """Is the charger's clock known to be so wrong that its times are of no use to anybody?"""
    return skew_s is not None and abs(skew_s) > LATE_S


def is_late(at: datetime | None, now: Moment) -> bool:
    """Did it happen well before it was told?"""
    return at is not None and (now.wall - at).total_seconds() > LATE_S


def moment_of(wall: datetime, now: Moment) -> Moment:
    """A time of the past by both clocks, as far as the wall clock was not set since; the present, if it is ahead."""
    return Moment(wall, now.monotonic - max(0.0, (now.wall - wall).total_seconds()))


def last_of(values: Sequence[MeterValue]) -> datetime | None:
    """When the last of these readings was sampled, by the charger's clock."""
    return max((value.sampled_at for value in values if value.sampled_at is not None), default=None)


def in_order(values: Sequence[MeterValue]) -> Iterable[MeterValue]:
    """As they were sampled, where all say when; otherwise as sent."""
    times = [value.sampled_at for value in values if value.sampled_at is not None]
    if len(times) < len(values):
        return values
    return [value for _, _, value in sorted(zip(times, range(len(values)), values, strict=True), key=lambda it: it[:2])]
