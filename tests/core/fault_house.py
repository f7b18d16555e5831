"""One charger's faults, with a store, a timer and two clocks around them. Every effect is checked when carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.core.effects import Arm, Disarm, Effect, Note, Publish, Remember
from gateway.core.facts import FaultChanged, Faults
from gateway.core.faults import TIMER_KEY, ActiveFaults
from gateway.core.memory import FaultRecord
from gateway.core.moment import Moment
from gateway.core.reports import StatusReported

START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class FaultHouse:
    """`news` is what was told since it was last taken; `stored` and `shown` are what a crash or a reader would find."""

    faults: ActiveFaults = field(default_factory=lambda: ActiveFaults("cp01"))
    stored: dict[int, FaultRecord] = field(default_factory=dict)
    shown: Faults | None = None
    news: list[FaultChanged] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    writes: int = 0
    monotonic: float = 0.0
    wall_ahead_s: float = 0.0
    timer_at: float | None = None

    def now(self) -> Moment:
        """Both clocks; the wall clock may have been set."""
        return Moment(START + timedelta(seconds=self.monotonic + self.wall_ahead_s), self.monotonic)

    def report(
        self,
        status: str,
        code: str = "NoError",
        *,
        connector: int = 1,
        vendor: str | None = None,
        info: str | None = None,
        before: str | None = None,
        transaction: int | None = None,
    ) -> list[tuple[str, str, str]]:
        """A StatusNotification comes in; what it tells as (kind, code, severity)."""
        report = StatusReported(connector, status, code, info, None, vendor)
        return self.carry_out(self.faults.reported(report, before, transaction, self.now()))

    def wait(self, seconds: float) -> list[tuple[str, str, str]]:
        """Time passes, and the timer comes when it is due."""
        told = []
        until = self.monotonic + seconds
        while self.timer_at is not None and self.timer_at <= until:
            self.monotonic, self.timer_at = self.timer_at, None
            told += self.carry_out(self.faults.timer(self.now()))
        self.monotonic = until
        return told

    def restart(self) -> None:
        """The process is killed; another one starts from the store."""
        self.faults = ActiveFaults("cp01")
        self.faults.restore(self.stored.values())
        self.timer_at = None

    def settle(self) -> list[tuple[str, str, str]]:
        """The daemon stops."""
        return self.carry_out(self.faults.settle_all(self.now()))

    def carry_out(self, effects: list[Effect]) -> list[tuple[str, str, str]]:
        """As `perform` does: commit first, then publish."""
        told = []
        for record in [effect.record for effect in effects if isinstance(effect, Remember)]:
            assert isinstance(record, FaultRecord)
            assert self.stored.get(record.number) != record, "nothing that did not change is written"
            self.stored[record.number] = record
            self.writes += 1
        for effect in effects:
            match effect:
                case Publish(FaultChanged() as news):
                    assert news.charger == "cp01"
                    assert self.stored[news.fault.number] == news.fault, "published is remembered"
                    self.news.append(news)
                    told.append((news.kind, news.fault.code, news.fault.severity))
                case Publish(Faults() as shown):
                    assert all(self.stored[fault.number] == fault for fault in shown.faults), "published is remembered"
                    assert not shown.stale
                    self.shown = shown
                case Arm(key, after_s):
                    assert key == TIMER_KEY
                    assert after_s > 0
                    self.timer_at = self.monotonic + after_s
                case Disarm(key):
                    assert key == TIMER_KEY
                    self.timer_at = None
                case Note():
                    self.notes.append(effect)
                case _:
                    assert isinstance(effect, Remember)
        assert sum(isinstance(effect, Publish) and isinstance(effect.fact, Faults) for effect in effects) == bool(told)
        return told

    def one(self, connector: int = 1) -> FaultRecord:
        """The only fault of a connector, as it is known."""
        [record] = self.faults.of(connector)
        return record

    def one_of(self, vendor: str, connector: int = 1) -> FaultRecord:
        """The only fault of a connector with this maker's code."""
        [record] = [record for record in self.faults.of(connector) if record.vendor_error_code == vendor]
        return record
