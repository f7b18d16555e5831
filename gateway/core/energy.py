"""The energy of one session from the registers that a charger tells: whole watt hours, never negative, never made up.

A reading is used when it goes on from the one before. One that fell, or that rose by more than any charger delivers, is
held: it counts only when the next one grows from there. So a drop-out or a garbled value that comes alone changes
nothing, and a register that was set back, or a start that was never true, costs one reading.

Some chargers count their readings from the beginning of each session, while start and stop come from the register of
the meter: two growing readings far below the start say so, and the energy is the reading then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway.core.readings import MOST_POWER_W

SLACK_WH = 10_000
"""Chargers sample, then wait; clocks tell whole seconds or are set. At 22 kW it is half an hour's energy."""

UNKNOWN_S = 86_400.0
"""The time taken for one that nobody knows: a day, so that no true reading is held."""

COUNTER_POWER_W = 1_000_000
"""A start of 0 is that of a counter, or was never read. More than a bus charger's 1 MW since: it was never read."""

COUNTER_WH = 1_000_000
"""No vehicle on a road takes a megawatt hour. What counted from 0 and reads more is the register of the meter."""

SESSION_WH = 10_000_000
"""What 4 MW deliver in two and a half hours: a stop this far above all that was read is not believed."""


@dataclass(frozen=True, slots=True)
class Energy:
    """`start_wh`, `now_wh` and `stop_wh` are registers as told, `energy_wh` is what the session took, None if unknown.

    `resets` counts how often the register was set back; `estimated`: not simply stop less start. The energy so far is
    `before_wh` and what `now_wh` is above `from_wh`. `held_wh` is a reading that the next one has to confirm,
    `waited_s` the time since the energy grew. `relative`: the readings count from the beginning of the session.
    """

    start_wh: int | None = None
    now_wh: int | None = None
    stop_wh: int | None = None
    energy_wh: int | None = None
    resets: int = 0
    estimated: bool = False
    from_wh: int | None = None
    before_wh: int = 0
    held_wh: int | None = None
    waited_s: float = field(default=0.0, compare=False)  # while it alone changes, nothing has to be written
    relative: bool = False


def begun(start_wh: int | None) -> Energy:
    """A session whose register stood here, None where nobody told."""
    start_wh = start_wh if start_wh is not None and start_wh >= 0 else None
    return Energy(start_wh=start_wh, from_wh=start_wh)


def is_relative(energy: Energy) -> bool:
    """Is there evidence that the charger's readings count from the beginning of each session?"""
    return energy.relative


def read(energy: Energy, register_wh: int, elapsed_s: float | None, *, relative: bool) -> tuple[Energy, str | None]:
    """A reading of the import register; a reason if it is not used: `register_fell`, `_jumped`, `_negative`.

    `elapsed_s` is the time, by the charger's clock where it tells one, since the reading before (used or not), or since
    the start; None where nobody knows. `relative`: this charger is known for readings that count from the beginning.
    """
    if register_wh < 0:
        return energy, "register_negative"
    since_s = UNKNOWN_S if elapsed_s is None else max(elapsed_s, 0.0)
    energy = _placed(replace(energy, waited_s=energy.waited_s + since_s), register_wh, relative=relative)
    level_wh = _level_wh(energy)
    if level_wh <= register_wh <= level_wh + _deliverable_wh(energy):
        return _used(energy, register_wh), None
    if _confirms(energy, register_wh, since_s):
        return _used(_counted_anew(energy, register_wh), register_wh), None
    return replace(energy, held_wh=register_wh), "register_fell" if register_wh < level_wh else "register_jumped"


def carried_on(energy: Energy) -> Energy:
    """The energy of a session that goes on where this one was given up: it counts from the last reading used there."""
    if energy.now_wh is None:
        return replace(energy, stop_wh=None, estimated=energy.start_wh is None)
    start_wh: int | None = energy.now_wh
    if energy.relative:
        start_wh = energy.start_wh + (energy.energy_wh or 0) if energy.start_wh is not None else None
    return Energy(
        start_wh=start_wh,
        now_wh=energy.now_wh,
        energy_wh=0,
        from_wh=energy.now_wh,
        held_wh=energy.held_wh,
        waited_s=energy.waited_s,
        relative=energy.relative,
        estimated=start_wh is None,
    )


def stopped(energy: Energy, stop_wh: int | None, lasted_s: float | None = None) -> tuple[Energy, str | None]:
    """The end, with the register told there; a reason if that is not used: what was read stands then, `estimated`.

    `stop_below_start`, `stop_below_reading`; `stop_jumped`: too far above, or more than any charger delivers in the
    `lasted_s` of the session (None: nobody knows); `stop_alone`: no register to compare with.
    """
    told = replace(energy, stop_wh=stop_wh)
    if stop_wh is None:
        return replace(told, estimated=True), None
    if energy.from_wh is None:
        return replace(told, estimated=True), "stop_alone"
    ended = _ended(told, stop_wh)
    if ended is None:
        below_start = energy.start_wh is not None and stop_wh < energy.start_wh
        return replace(told, estimated=True), "stop_below_start" if below_start else "stop_below_reading"
    total_wh = ended.before_wh + stop_wh - _origin_wh(ended)
    grown_wh = total_wh - (energy.energy_wh or 0)
    if grown_wh < 0:
        return replace(told, estimated=True), "stop_below_reading"
    if grown_wh > (SESSION_WH if ended.from_wh else COUNTER_WH) or _is_too_much(ended, total_wh, lasted_s):
        return replace(told, estimated=True), "stop_jumped"
    return replace(ended, energy_wh=total_wh, held_wh=None), None


def _placed(energy: Energy, register_wh: int, *, relative: bool) -> Energy:
    """From where the first reading counts: the start, nothing, or itself where nobody told the start."""
    if energy.now_wh is not None:
        return energy
    if energy.start_wh is not None:
        counted = relative and register_wh < energy.start_wh
        return replace(energy, from_wh=0, relative=True) if counted else energy
    if relative and register_wh <= _counted_wh(energy.waited_s):
        return replace(energy, from_wh=0, relative=True, estimated=True)
    return replace(energy, from_wh=register_wh, estimated=True, waited_s=0.0)


def _used(energy: Energy, register_wh: int) -> Energy:
    """This reading counts. One that stands still may be a drop-out as well: the time goes on."""
    energy_wh = energy.before_wh + register_wh - _origin_wh(energy)
    waited_s = 0.0 if energy_wh > (energy.energy_wh or 0) else energy.waited_s
    return replace(energy, now_wh=register_wh, energy_wh=energy_wh, held_wh=None, waited_s=waited_s)


def _confirms(energy: Energy, register_wh: int, since_s: float) -> bool:
    """Does this one, which does not go on from what was believed, grow from the reading that is held?"""
    return energy.held_wh is not None and energy.held_wh < register_wh <= energy.held_wh + _delivered_wh(since_s)


def _counted_anew(energy: Energy, register_wh: int) -> Energy:
    """What was held is true. Far below the start, with nothing read above: the readings count from the beginning.

    Else the energy goes on from what it was; but readings that counted from the beginning and are above the start now
    never did: they were drop-outs.
    """
    held_wh = energy.held_wh
    fell = register_wh < _level_wh(energy)
    if energy.start_wh is not None:
        if fell and energy.now_wh is None and 2 * register_wh < energy.start_wh:
            return replace(energy, from_wh=0, relative=True)
        taken_wh = register_wh - energy.start_wh
        if energy.relative and not fell and (energy.energy_wh or 0) <= taken_wh <= COUNTER_WH:
            return replace(energy, from_wh=energy.start_wh, before_wh=0, relative=False)
    return replace(
        energy,
        from_wh=held_wh,
        before_wh=energy.energy_wh or 0,
        resets=energy.resets + fell,
        estimated=True,
    )


def _ended(energy: Energy, stop_wh: int) -> Energy | None:
    """From where the energy at the end counts; None where the register told there fits nothing."""
    if energy.relative and energy.start_wh is not None and stop_wh >= energy.start_wh:
        return replace(energy, from_wh=energy.start_wh, before_wh=0, estimated=False)
    level_wh = _level_wh(energy)
    another = energy.now_wh is None or stop_wh - level_wh > COUNTER_WH  # else the jump was a car that charged unseen
    if another and energy.held_wh is not None and level_wh < energy.held_wh <= stop_wh:
        return _counted_anew(energy, stop_wh)
    if stop_wh >= level_wh:
        below_start = energy.start_wh is not None and stop_wh < energy.start_wh
        return replace(energy, estimated=energy.estimated or below_start)
    if not _confirms(energy, stop_wh, UNKNOWN_S):
        return None
    return replace(_counted_anew(energy, stop_wh), estimated=True)


def _level_wh(energy: Energy) -> int:
    """The register that no reading may be below: the last one used, or that from which the first counts."""
    return _origin_wh(energy) if energy.now_wh is None else energy.now_wh


def _origin_wh(energy: Energy) -> int:
    """The register from which the energy counts."""
    return energy.from_wh or 0


def _deliverable_wh(energy: Energy) -> int:
    """The most that this session can have taken since a reading was used."""
    if energy.now_wh is None and energy.from_wh == 0:
        return _counted_wh(energy.waited_s)
    return _delivered_wh(energy.waited_s)


def _is_too_much(energy: Energy, total_wh: int, lasted_s: float | None) -> bool:
    """Is it more than a session takes in this time?"""
    if lasted_s is None:
        return False
    uncounted = energy.now_wh is None and not energy.from_wh
    return total_wh > (_counted_wh(lasted_s) if uncounted else _delivered_wh(lasted_s))


def _delivered_wh(seconds: float) -> int:
    """The most that any charger delivers meanwhile."""
    return int(MOST_POWER_W * seconds / 3600) + SLACK_WH


def _counted_wh(seconds: float) -> int:
    """The most that a counter of the session is believed to read this long after the beginning."""
    return min(int(COUNTER_POWER_W * seconds / 3600), COUNTER_WH) + SLACK_WH
