"""What the meter of each connector said last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from gateway.core.effects import Effect, Publish
from gateway.core.facts import MeterState
from gateway.core.moment import Moment
from gateway.core.readings import NOTHING_READ, REGISTERS, readings
from gateway.core.reports import MeterReported, MeterValue
from gateway.core.skew import Newest

MOST_CONNECTORS = 64
"""No charger has more; each connector is a retained topic, and a broken charger must not make topics without end."""

TOGETHER_S = 60.0
"""Chargers sample one quantity after the other within seconds. What is older than this, in one message, is history."""

CHARGER = 0
"""connectorId 0 is the main meter (1.6 section 3.8)."""

OLD_FOR_S = 300.0
"""A charger empties its queue faster than this. Values that are old for longer come from a clock that was set back."""

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Meter:
    """One connector's: what is published, and of which time (monotonic, and the charger's) that is."""

    state: MeterState
    heard_s: float
    newest: Newest = field(default_factory=Newest)


@dataclass(slots=True)
class Meters:
    """The meters of one charger. A message replaces all that was said before, but for registers that it leaves out."""

    charger: str
    _meters: dict[int, _Meter] = field(default_factory=dict)

    @property
    def connectors(self) -> tuple[int, ...]:
        """Those of which something was published."""
        return tuple(sorted(self._meters))

    def power_w(self, connector_id: int) -> float | None:
        """The power (W) into the car now, None while nothing live is known."""
        meter = self._meters.get(connector_id)
        return None if meter is None else meter.state.readings["power_w"]

    def reported(self, report: MeterReported, now: Moment) -> tuple[list[Effect], tuple[str, ...]]:
        """A message came: what is published, and a reason for each sample that was not used.

        The main meter (connector 0) has no topic. What is older than what was said before changes nothing; nor does a
        message with nothing to read in it, a signed one for instance.
        """
        history, latest = _split(report.values)
        read = readings(latest)
        refused = (*(why for value in history for why in readings(value).refused), *read.refused)
        nothing = not read.refused and all(value is None for value in read.values.values())
        if nothing or report.connector_id == CHARGER:
            return [], refused
        meter = self._meters.get(report.connector_id)
        if meter is None:
            if len(self._meters) >= MOST_CONNECTORS:
                return [], (*refused, "too_many_connectors")
            meter = self._meters[report.connector_id] = _Meter(self._unknown(report.connector_id, now), now.monotonic)
        if not meter.newest.takes(latest.sampled_at, now):
            if now.monotonic - meter.heard_s < OLD_FOR_S:
                return [], refused
            meter.newest = Newest()
            meter.newest.takes(latest.sampled_at, now)
        told = {sample.measurand for sample in latest.samples}
        kept = {key: meter.state.readings[key] for key, measurand in REGISTERS.items() if measurand not in told}
        meter.heard_s = now.monotonic
        meter.state = MeterState(
            at=now.wall,
            charger=self.charger,
            connector_id=report.connector_id,
            readings={**read.values, **kept},
            context=read.context,
            charger_ts=latest.charger_ts,
            transaction_id=report.transaction_id,
        )
        return [Publish(meter.state)], refused

    def went_stale(self, now: Moment) -> list[Effect]:
        """The charger is away: the registers stand, nothing else is known."""
        effects: list[Effect] = []
        for meter in self._meters.values():
            if not meter.state.stale:
                registers = {key: meter.state.readings[key] for key in REGISTERS}
                meter.state = replace(meter.state, at=now.wall, readings={**NOTHING_READ, **registers}, stale=True)
                effects.append(Publish(meter.state))
        return effects

    def restored(self, connector_ids: Iterable[int], now: Moment) -> list[Effect]:
        """After a restart nothing is known of these connectors' meters: readings are not remembered."""
        for connector_id in connector_ids:
            if connector_id != CHARGER:
                self._meters[connector_id] = _Meter(self._unknown(connector_id, now), now.monotonic)
        return [Publish(meter.state) for meter in self._meters.values()]

    def _unknown(self, connector_id: int, now: Moment) -> MeterState:
        return MeterState(now.wall, self.charger, connector_id, NOTHING_READ, stale=True)


def _split(values: tuple[MeterValue, ...]) -> tuple[list[MeterValue], MeterValue]:
    """The values of a message, oldest first: those that are history, and what was sampled last, as one value.

    A value without a time is as old as the one before it, the first as old as the one after it.
    """
    time = next((value.sampled_at for value in values if value.sampled_at), _EARLIEST)
    times = [time := value.sampled_at or time for value in values]
    ordered = sorted(zip(times, range(len(values)), values, strict=True))
    last = ordered[-1][0] if ordered else _EARLIEST
    history = [value for time, _, value in ordered if (last - time).total_seconds() > TOGETHER_S]
    latest = [value for _, _, value in ordered[len(history) :]]
    return history, MeterValue(
        samples=tuple(sample for value in latest for sample in value.samples),
        charger_ts=latest[-1].charger_ts if latest else None,
        sampled_at=None if last == _EARLIEST else last,
    )
