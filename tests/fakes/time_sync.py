"""An operating system that says of its clock what the test wants."""

from __future__ import annotations

from tests.fakes.clock import StandingClock


class StandingTimeSync:
    """Obeys the `TimeSync` port; the machine was booted a minute before the clock's first moment."""

    def __init__(self, clock: StandingClock | None = None, boot_id: str | None = "5d7b") -> None:
        self._clock = clock or StandingClock()
        self._booted = self._clock.moment.monotonic - 60.0
        self._boot_id = boot_id
        self.source: str | None = None
        self.asked = 0

    @property
    def boot_id(self) -> str | None:
        return self._boot_id

    def boottime_s(self) -> float:
        return self._clock.moment.monotonic - self._booted

    async def synced_by(self) -> str | None:
        self.asked += 1
        return self.source
