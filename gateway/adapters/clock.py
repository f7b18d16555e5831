"""The real clocks and the real dice."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

from gateway.core.moment import Moment


class SystemClock:
    """Implements the `Clock` port."""

    def now(self) -> Moment:
        """Wall and monotonic clock, read together."""
        return Moment(datetime.fromtimestamp(time.time(), UTC), time.monotonic())

    def draw(self) -> float:
        """A random number in [0, 1), for jitter; not for secrets."""
        return random.random()  # jitter needs no cryptography
