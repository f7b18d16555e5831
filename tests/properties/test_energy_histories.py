"""Whatever a charger tells, the energy of a session is never negative and never falls; of an honest one it is exact.

Honest: the register starts where it stands, grows by no more than the charger can deliver, and ends where it stands;
single readings in between may fall to any smaller value, or stand still.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.energy import Energy, begun, carried_on, is_relative, read, stopped

STRONGEST_W = 400_000
REGISTERS = st.integers(0, 30_000_000)
WILD = st.integers(-10, 2**33) | st.integers(0, 500) | st.sampled_from([0, 2**32 - 1])
ELAPSED = st.none() | st.floats(-10, 1e6) | st.sampled_from([0.0, 60.0])


@dataclass(frozen=True)
class Told:
    """A reading as told, the time since the one before, and whether it dropped out."""

    register_wh: int
    elapsed_s: float | None
    dropped: bool


@st.composite
def honest(draw: st.DrawFn) -> tuple[int, list[Told], int]:
    """The start, the readings and the stop of one session."""
    start_wh = draw(REGISTERS)
    register_wh, last_wh, dropped = start_wh, start_wh, True
    readings: list[Told] = []
    for _ in range(draw(st.integers(0, 12))):
        seconds = draw(st.sampled_from([10.0, 60.0, 900.0]))
        register_wh += draw(st.integers(0, int(STRONGEST_W * seconds / 3600)))
        dropped = not dropped and draw(st.booleans()) if readings else draw(st.booleans())
        told_wh = draw(st.integers(0, last_wh)) if dropped else register_wh
        last_wh = last_wh if dropped else register_wh
        readings.append(Told(told_wh, draw(st.sampled_from([seconds, None])), dropped))
    return start_wh, readings, register_wh + draw(st.integers(0, 100_000))


def follow(energy: Energy, readings: list[Told], *, relative: bool = False) -> Energy:
    """Read them all; whatever they are, what was taken never falls."""
    for told in readings:
        before = energy
        energy, reason = read(energy, told.register_wh, told.elapsed_s, relative=relative)
        assert energy.start_wh == before.start_wh
        assert energy.energy_wh is None or energy.energy_wh >= (before.energy_wh or 0) >= 0
        assert energy.resets >= before.resets
        assert (reason is None) == (energy.now_wh == told.register_wh and energy.held_wh is None)
        if reason is not None:
            assert (energy.energy_wh, energy.now_wh) == (before.energy_wh, before.now_wh)
    return energy


@given(honest())
def test_an_honest_charger_is_billed_exactly(session: tuple[int, list[Told], int]) -> None:
    start_wh, readings, stop_wh = session
    energy = follow(begun(start_wh), readings)
    ended, reason = stopped(energy, stop_wh)
    assert (ended.energy_wh, ended.estimated, ended.resets, reason) == (stop_wh - start_wh, False, 0, None)
    assert not is_relative(ended)


@given(honest())
def test_an_honest_charger_is_shown_exactly(session: tuple[int, list[Told], int]) -> None:
    start_wh, readings, _ = session
    energy = follow(begun(start_wh), readings)
    if readings and not readings[-1].dropped:
        assert (energy.energy_wh, energy.estimated) == (readings[-1].register_wh - start_wh, False)


@given(honest(), st.booleans())
def test_readings_from_the_beginning_end_exactly_as_well(session: tuple[int, list[Told], int], known: bool) -> None:
    start_wh, readings, stop_wh = session
    start_wh, stop_wh = start_wh + 2 * (stop_wh - start_wh) + 1, stop_wh + 2 * (stop_wh - start_wh) + 1
    counted = [Told(told.register_wh - session[0], told.elapsed_s, False) for told in readings if not told.dropped]
    ended, reason = stopped(follow(begun(start_wh), counted, relative=known), stop_wh)
    assert (ended.energy_wh, ended.estimated, reason) == (stop_wh - start_wh, False, None)


@given(
    st.none() | WILD,
    st.lists(st.builds(Told, WILD, ELAPSED, st.just(True)), max_size=25),
    st.none() | WILD,
    st.booleans(),
)
def test_whatever_is_told_it_is_never_negative_and_never_falls(
    start_wh: int | None, readings: list[Told], stop_wh: int | None, known: bool
) -> None:
    energy = follow(begun(start_wh), readings, relative=known)
    ended, reason = stopped(energy, stop_wh)
    assert ended.energy_wh is None or ended.energy_wh >= (energy.energy_wh or 0)
    assert (ended.energy_wh is None) <= (energy.energy_wh is None)
    if reason is not None or stop_wh is None:
        assert (ended.energy_wh, ended.estimated) == (energy.energy_wh, True)
    if not ended.estimated:
        assert stop_wh is not None
        assert start_wh is not None
        assert ended.energy_wh == stop_wh - start_wh


@given(honest(), st.integers(0, 12))
def test_given_up_and_carried_on_it_is_billed_exactly_once(session: tuple[int, list[Told], int], cut: int) -> None:
    start_wh, readings, stop_wh = session
    first, _ = stopped(follow(begun(start_wh), readings[:cut]), None)
    second, reason = stopped(follow(carried_on(first), readings[cut:]), stop_wh)
    assert reason is None
    assert (first.energy_wh or 0) + (second.energy_wh or 0) == stop_wh - start_wh
    assert not second.estimated


@given(honest())
def test_no_honest_charger_is_too_fast(session: tuple[int, list[Told], int]) -> None:
    start_wh, readings, stop_wh = session
    lasted_s = (stop_wh - start_wh) * 3600 / STRONGEST_W
    ended, reason = stopped(follow(begun(start_wh), readings), stop_wh, lasted_s)
    assert (ended.energy_wh, reason) == (stop_wh - start_wh, None)
