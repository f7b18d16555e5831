"""How far the clock of this machine is trusted, and how far it is off: a Raspberry Pi's stands while it has no power.

Trust belongs to the boot of the machine, not to the process. What is known of the time is therefore held against
CLOCK_BOOTTIME (seconds since that boot), which nobody can set: a step of the wall clock changes the offset, no more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from gateway.core.effects import Level, Note
from gateway.core.moment import timestamp

CONFIGURATION = "configuration"
"""The source of trust when `[site] clock` is `trusted`."""

DISAGREEMENT_S = 60.0
"""Sessions that are a minute off are disputed on invoices; networks and slow servers alone do not come near it."""

WORST_ACCURACY_S = 30.0
"""An answer that took a minute says less than half of what counts as a disagreement."""

DRIFT = 1e-4
"""What a crystal without network time may go wrong: 100 ppm, twice what the worst boards are sold with."""

WHOLE_SECOND_S = 1.0
"""A time without a fraction was cut: it stands for any moment of its second."""

SAVE_AGAIN_S = 1.0
"""SD cards wear: what is known of the time is written anew when it moved by more than a restart may cost."""


class Trust(Enum):
    """What the wall clock is worth."""

    SYNCED = "synced"
    """It is right: network time, or the word of whoever configured the site."""
    LEARNED = "learned"
    """It may be wrong, but an upstream told by how much."""
    FLOOR = "floor"
    """It is not earlier than this, and nothing else is known: the last time saved before the power went."""


@dataclass(frozen=True, slots=True)
class TimeSample:
    """`time` was the true time, give or take `accuracy_s`, when CLOCK_BOOTTIME stood at `boottime_s`."""

    source: str
    time: datetime
    boottime_s: float
    accuracy_s: float

    def time_at(self, boottime_s: float) -> datetime:
        """The true time at another moment of the same boot."""
        return self.time + timedelta(seconds=boottime_s - self.boottime_s)

    def accuracy_at(self, boottime_s: float) -> float:
        """Seconds by which `time_at` may be wrong: a sample goes stale as the crystal drifts."""
        return self.accuracy_s + DRIFT * abs(boottime_s - self.boottime_s)


@dataclass(frozen=True, slots=True)
class TrustRecord:
    """What the store keeps of it, valid as long as the machine runs on without a boot."""

    boot_id: str
    trust: Trust
    sample: TimeSample

    def is_news(self, kept: TrustRecord | None) -> bool:
        """Is it worth a write, when `kept` is what stands in the store?"""
        if kept is None or (kept.boot_id, kept.trust) != (self.boot_id, self.trust):
            return True
        if self.trust is Trust.SYNCED:
            return False
        moved = self.sample.time - kept.sample.time_at(self.sample.boottime_s)
        return abs(moved.total_seconds()) > SAVE_AGAIN_S


@dataclass(slots=True)
class ClockTrust:
    """The trust of this boot. `configured`: the configuration vouches for the clock."""

    configured: bool
    _synced: TimeSample | None = None
    _learned: TimeSample | None = None
    _apart_s: dict[str, float] = field(default_factory=dict)
    """Upstreams whose clock disagrees with this synchronised one, by name, with the seconds they are ahead."""

    @property
    def trust(self) -> Trust:
        """What the wall clock is worth now."""
        if self.configured or self._synced is not None:
            return Trust.SYNCED
        return Trust.LEARNED if self._learned is not None else Trust.FLOOR

    @property
    def source(self) -> str | None:
        """Who vouches for the time; nobody at `floor`."""
        if self.configured:
            return CONFIGURATION
        sample = self._synced or self._learned
        return sample.source if sample is not None else None

    @property
    def problem(self) -> str | None:
        """What is wrong and what to do, None while nothing is."""
        return " ".join(self._disagreement(upstream) for upstream in sorted(self._apart_s)) or None

    def heed_only(self, upstreams: Collection[str]) -> None:
        """The other upstreams are not configured any more: whether they agree is nobody's concern."""
        for upstream in self._apart_s.keys() - set(upstreams):
            del self._apart_s[upstream]

    def offset(self, wall: datetime, boottime_s: float) -> timedelta | None:
        """True time minus wall clock by the best word of an upstream, None before the first."""
        return self._learned.time_at(boottime_s) - wall if self._learned is not None else None

    def record(self, boot_id: str) -> TrustRecord | None:
        """What to keep for the rest of this boot; the configuration's word is read again at every start."""
        sample = self._synced or self._learned
        return TrustRecord(boot_id, self.trust, sample) if sample is not None and not self.configured else None

    def restore(self, record: TrustRecord, boot_id: str) -> list[Note]:
        """Take over what an earlier process of the same boot knew; a newer word of this one stands."""
        if record.boot_id != boot_id:
            return []
        before = self.trust
        if record.trust is Trust.SYNCED:
            self._synced = self._synced or record.sample
        else:
            self._learned = self._learned or record.sample
        return self._changed(before)

    def synchronised(self, source: str, wall: datetime, boottime_s: float) -> list[Note]:
        """The operating system says that its clock follows network time.

        That is never taken back within this boot: a clock that was right and lost its servers drifts by seconds a day,
        and still knows the time better than an answer that came over the network.
        """
        before = self.trust
        self._synced = TimeSample(source, wall, boottime_s, 0.0)
        return self._changed(before)

    def told(self, upstream: str, time: datetime, round_trip_s: float, wall: datetime, boottime_s: float) -> list[Note]:
        """An upstream's answer told its time; `wall` and `boottime_s` were read when it came in.

        Upstream read its clock at any moment between question and answer, so the middle of what is possible is
        taken. The sample that is the most accurate by now is kept.
        """
        unknown_s = round_trip_s + (WHOLE_SECOND_S if time.microsecond == 0 else 0.0)
        sample = TimeSample(upstream, time + timedelta(seconds=unknown_s / 2), boottime_s, unknown_s / 2)
        if sample.accuracy_s > WORST_ACCURACY_S:
            return []
        before = self.trust
        if self._learned is None or sample.accuracy_s <= self._learned.accuracy_at(boottime_s):
            self._learned = sample
        if before is not Trust.SYNCED:
            return self._changed(before)
        return self._compared(sample, wall)

    def _compared(self, sample: TimeSample, wall: datetime) -> list[Note]:
        """No upstream corrects a synchronised clock: one of the two is wrong, and people must find out which."""
        apart_s = (sample.time - wall).total_seconds()
        if abs(apart_s) - sample.accuracy_s <= DISAGREEMENT_S:
            self._apart_s.pop(sample.source, None)
            return []
        self._apart_s[sample.source] = apart_s
        fields = {"UPSTREAM": sample.source, "UPSTREAM_TIME": timestamp(sample.time)}
        return [Note("clock_disagreement", self._disagreement(sample.source), Level.WARNING, fields)]

    def _disagreement(self, upstream: str) -> str:
        apart_s = self._apart_s[upstream]
        return (
            f"The clock of upstream {upstream} is {abs(apart_s):.0f} s {'ahead of' if apart_s > 0 else 'behind'} this "
            f"machine's, which counts as right (by {self.source}). Compare both with a clock that you trust "
            "(`timedatectl` shows this machine's), and have the wrong one set right."
        )

    def _changed(self, before: Trust) -> list[Note]:
        if self.trust is before:
            return []
        what = f"clock_{self.trust.value}"
        if self.trust is Trust.SYNCED:
            return [Note(what, f"the clock of this machine is right, by {self.source}")]
        return [Note(what, f"the time is known from upstream {self.source}, whatever the clock of this machine shows")]
