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

    _samples: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
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
        if best is None or seen >= best - BEHIND_S:
            self._behind = None
            return False
        if self._behind is None or abs(seen - self._behind[0]) > PACE_TOLERANCE_S:
            self._behind = (seen, now.monotonic)
        if now.monotonic - self._behind[1] < PACE_S:
            return False
        self.begin_anew()
        self._samples.append(seen)
        return True

    def begin_anew(self) -> None:
        """The charger restarted: it sets its clock by upstream's answer."""
        self._samples.clear()
        self._behind = None


@dataclass(slots=True)
class Newest:
    """The newest time that a connector's reports told, to know those of the past."""

    instant: datetime | None = None

    def takes(self, reported_at: datetime | None, now: Moment) -> bool:
        """Is this report about now? Without a time the order of receipt counts; of the future is nothing."""
        if reported_at is None:
            return True
        if self.instant is not None and reported_at < self.instant:
            return False
        self.instant = min(reported_at, now.wall)
        return True
