"""How far a charger's clock is off, and whether what it tells is of the past."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from gateway.core.moment import Moment

SAMPLES = 8
"""Enough to outlive a queue that a charger empties after an outage, few enough to follow a clock that was set."""

BEHIND_S = 30.0
"""What is this much later than it should be has waited somewhere, or the charger's clock was set back."""

PACE_S = 60.0
"""What waited in a queue comes faster than it happened. Messages this far apart, and as far apart by the charger's own
clock, did not wait: its clock was set back."""

PACE_TOLERANCE_S = 10.0
"""Chargers tell whole seconds, and a slow link adds a few."""


@dataclass(slots=True)
class Skew:
    """The charger's clock minus the gateway's. What waited in a queue looks slow, and nothing looks fast that is not:
    so the greatest of the last few is the best."""

    steady_s: float | None = None
    """The skew that is certain: messages at the pace of their own times show it. None until then."""
    _samples: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    _pace: tuple[float, float] | None = None
    """The first of the last messages that agree: its skew, and its monotonic time of receipt."""
    _before: float | None = None
    """What was certain before the charger restarted: a wrong time zone stays wrong."""
    _behind: tuple[float, float] | None = None
    """Of the first message that was behind, with none on time since: its skew, and its monotonic time of receipt."""

    @property
    def seconds(self) -> float | None:
        """The best estimate in seconds, positive when the charger is fast; None before it told a time."""
        return max(self._samples) if self._samples else None

    def told(self, instant: datetime | None, now: Moment) -> bool:
        """A message that came now was made at this instant. True: by that, the charger's clock has been set back."""
        if instant is None:
            return False
        seen, best = (instant - now.wall).total_seconds(), self.seconds
        self._samples.append(seen)
        self._keep_pace(seen, now)
        if best is None or seen >= best - BEHIND_S:
            self._behind = None
            return False
        if self._behind is None or abs(seen - self._behind[0]) > PACE_TOLERANCE_S:
            self._behind = (seen, now.monotonic)
        if now.monotonic - self._behind[1] < PACE_S:
            return False
        self._samples.clear()
        self._samples.append(seen)
        self._behind = None
        return True

    def begin_anew(self) -> None:
        """The charger restarted: it sets its clock by upstream's answer."""
        self._samples.clear()
        self._before = self._before if self.steady_s is None else self.steady_s
        self._behind = self._pace = self.steady_s = None

    def _keep_pace(self, seen: float, now: Moment) -> None:
        if self._pace is None or abs(seen - self._pace[0]) > PACE_TOLERANCE_S:
            self._pace = (seen, now.monotonic)
        as_before = self._before is not None and abs(seen - self._before) <= PACE_TOLERANCE_S
        if as_before or now.monotonic - self._pace[1] >= PACE_S:
            self.steady_s = seen


@dataclass(slots=True)
class Newest:
    """The newest time that a connector's reports told, to know those of the past."""

    instant: datetime | None = None

    def takes(self, reported_at: datetime | None, now: Moment, skew_s: float = 0.0) -> bool:
        """Is this report about now, by a clock that is off by `skew_s`?

        Without a time, or with one that is hardly late, the order of receipt counts. Of the future is nothing.
        """
        if reported_at is None:
            return True
        lag_s = (now.wall - reported_at).total_seconds() + skew_s
        if self.instant is not None and reported_at < self.instant and lag_s > BEHIND_S:
            return False
        self.instant = min(reported_at, now.wall)
        return True
