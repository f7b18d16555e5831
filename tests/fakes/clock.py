"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.core.moment import Moment


class StandingClock:
    """Obeys the `Clock` port."""

    def __init__(self) -> None:
        self.moment = Moment(datetime(2026, 3, 1, 8, tzinfo=UTC), 1000.0)

    def now(self) -> Moment:
        return self.moment

    def draw(self) -> float:
        return 0.5

    def move(self, seconds: float) -> None:
        """Both clocks go on."""
        self.moment = Moment(self.moment.wall + timedelta(seconds=seconds), self.moment.monotonic + seconds)
