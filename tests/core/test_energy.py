"""`gateway.core.energy`: the energy of a session from the registers that a charger tells."""

from __future__ import annotations

import dataclasses
import json

import pytest

from gateway.core.energy import (
    COUNTER_WH,
    SESSION_WH,
    SLACK_WH,
    Energy,
    begun,
    carried_on,
    is_relative,
    read,
    stopped,
)
from gateway.core.readings import MOST_POWER_W

START = 4_605_100
"""A register after some years."""

MINUTE = 60.0
MINUTE_WH = MOST_POWER_W // 60 + SLACK_WH
"""The most that is believed of a minute."""


def session(
    start_wh: int | None, *registers_wh: int, relative: bool = False, elapsed_s: float | None = MINUTE
) -> tuple[Energy, list[str | None]]:
    """The energy after these readings, and why some of them were not used."""
    energy, reasons = begun(start_wh), []
    for register_wh in registers_wh:
        energy, reason = read(energy, register_wh, elapsed_s, relative=relative)
        reasons.append(reason)
    return energy, reasons


def taken(start_wh: int | None, *registers_wh: int, relative: bool = False) -> tuple[int | None, bool, int]:
    energy, _ = session(start_wh, *registers_wh, relative=relative)
    return energy.energy_wh, energy.estimated, energy.resets


def final(energy: Energy, stop_wh: int | None) -> tuple[int | None, bool, str | None]:
    ended, reason = stopped(energy, stop_wh)
    assert ended.stop_wh == stop_wh
    return ended.energy_wh, ended.estimated, reason


def test_of_a_session_that_begins_nothing_is_known_yet() -> None:
    assert (begun(START).start_wh, begun(START).energy_wh, begun(START).estimated) == (START, None, False)
    assert begun(None) == begun(-1) == Energy()


def test_it_is_what_the_register_is_above_the_start() -> None:
    energy, reasons = session(START, START, START + 150, START + 150, START + 320)
    assert (energy.energy_wh, energy.now_wh, energy.estimated, energy.resets) == (320, START + 320, False, 0)
    assert reasons == [None] * 4
    assert final(energy, START + 400) == (400, False, None)


def test_it_can_be_kept_as_json() -> None:
    energy, _ = session(START, START + 150, 5, START + 300)
    kept = json.loads(json.dumps(dataclasses.asdict(energy), allow_nan=False))
    assert Energy(**kept) == energy


def test_without_readings_the_stop_tells_it() -> None:
    assert final(begun(START), START + 20_380) == (20_380, False, None)
    assert final(begun(0), COUNTER_WH) == (COUNTER_WH, False, None)


@pytest.mark.parametrize("energy", [begun(START), begun(None), begun(0)])
def test_without_readings_and_stop_nothing_is_known(energy: Energy) -> None:
    assert final(energy, None) == (None, True, None)


def test_without_a_stop_the_last_reading_stands() -> None:
    assert final(session(START, START + 320)[0], None) == (320, True, None)


def test_a_stop_below_the_last_reading_is_not_used() -> None:
    energy, _ = session(START, START + 320)
    assert final(energy, START + 319) == (320, True, "stop_below_reading")
    assert final(energy, START + 320) == (320, False, None)


def test_a_stop_far_above_everything_is_not_used() -> None:
    energy, _ = session(START, START + 320)
    assert final(energy, START + 320 + SESSION_WH) == (320 + SESSION_WH, False, None)
    assert final(energy, START + 321 + SESSION_WH) == (320, True, "stop_jumped")
    assert final(begun(START), START + SESSION_WH + 1) == (None, True, "stop_jumped")


@pytest.mark.parametrize("dropped_wh", [0, 3, START - 1, START + 149])
def test_a_register_that_drops_out_and_comes_back_changes_nothing(dropped_wh: int) -> None:
    energy, reasons = session(START, START + 150, dropped_wh, START + 320, dropped_wh, START + 500)
    assert reasons == [None, "register_fell", None, "register_fell", None]
    assert (energy.energy_wh, energy.estimated, energy.resets, is_relative(energy)) == (500, False, 0, False)
    assert final(energy, START + 600) == (600, False, None)


def test_the_first_or_the_last_reading_may_be_a_drop_out() -> None:
    energy, reasons = session(START, 3, START + 150, 5)
    assert reasons == ["register_fell", None, "register_fell"]
    assert final(energy, START + 200) == (200, False, None)
    assert final(session(START, 3)[0], START + 200) == (200, False, None)


def test_readings_of_zero_while_charging_change_nothing() -> None:
    energy, reasons = session(START, *[0] * 5)
    assert (energy.energy_wh, is_relative(energy), reasons) == (None, False, ["register_fell"] * 5)
    assert final(energy, START + 7000) == (7000, False, None)
    energy, _ = session(START, START + 150, 0, 0, 0, START + 600)
    assert (energy.energy_wh, energy.resets) == (600, 0)


def test_zeros_for_hours_do_not_make_the_next_reading_a_jump() -> None:
    for start_wh in (START, 0):
        energy, reasons = session(start_wh, *[0] * 60, start_wh + 200_000)
        assert (energy.energy_wh, reasons[-1]) == (200_000, None)


def test_while_only_the_time_passes_nothing_has_to_be_written() -> None:
    energy, _ = session(START, START + 150)
    assert read(energy, START + 150, MINUTE, relative=False) == (energy, None)
    held, _ = read(energy, 0, MINUTE, relative=False)
    assert read(held, 0, MINUTE, relative=False) == (held, "register_fell")


def test_a_register_that_was_set_back_goes_on_from_what_was_taken() -> None:
    energy, reasons = session(START, START + 5000, 20, 60, 100)
    assert reasons == [None, "register_fell", None, None]
    assert (energy.energy_wh, energy.resets, energy.estimated) == (5080, 1, True)
    assert final(energy, 150) == (5130, True, None)
    assert final(energy, 90) == (5080, True, "stop_below_start")


def test_two_resets_are_two() -> None:
    assert taken(START, START + 5000, 20, 60, 10, 30) == (5060, True, 2)


def test_a_stop_confirms_a_reset() -> None:
    energy, _ = session(START, START + 5000, 20)
    assert final(energy, 60) == (5040, True, None)
    assert stopped(energy, 60)[0].resets == 1
    assert final(energy, 20) == (5000, True, "stop_below_start")


def test_a_fall_that_keeps_falling_is_no_reset() -> None:
    energy, reasons = session(START, START + 5000, 900, 800, 700)
    assert (energy.energy_wh, reasons[1:]) == (5000, ["register_fell"] * 3)


def test_a_fall_that_then_grows_by_more_than_can_be_is_no_reset() -> None:
    energy, reasons = session(START, START + 5000, 20, 1_000_000, 1_000_100)
    assert reasons == [None, "register_fell", "register_fell", None]
    assert energy.energy_wh == 5100


def test_a_jump_that_comes_back_changes_nothing() -> None:
    energy, reasons = session(START, START + 150, 2**32 - 1, START + 320)
    assert reasons == [None, "register_jumped", None]
    assert (energy.energy_wh, energy.estimated) == (320, False)


def test_a_jump_that_goes_on_is_another_count() -> None:
    energy, reasons = session(START, START + 150, 2 * START, 2 * START + 100, 2 * START + 250)
    assert reasons == [None, "register_jumped", None, None]
    assert (energy.energy_wh, energy.estimated, energy.resets) == (400, True, 0)
    assert final(energy, 2 * START + 300) == (450, True, None)


def test_a_jump_that_a_vehicle_can_take_was_none_if_the_stop_is_there_too() -> None:
    energy, reasons = session(START, START + 150, START + 150 + MINUTE_WH + 1)
    assert reasons == [None, "register_jumped"]
    assert final(energy, START + 150 + MINUTE_WH + 9) == (150 + MINUTE_WH + 9, False, None)


def test_a_value_that_sticks_far_above_is_never_used() -> None:
    energy, reasons = session(START, START + 150, *[2**32 - 1] * 5)
    assert (energy.energy_wh, set(reasons[1:])) == (150, {"register_jumped"})


def test_a_stop_confirms_a_jump() -> None:
    energy, _ = session(START, START + 150, 2 * START)
    assert final(energy, 2 * START + 70) == (220, True, None)


def test_the_most_a_charger_can_deliver_is_no_jump() -> None:
    assert session(START, START + MINUTE_WH)[1] == [None]
    assert session(START, START + MINUTE_WH + 1)[1] == ["register_jumped"]
    assert session(START, START + SLACK_WH, elapsed_s=0.0)[1] == [None]
    assert session(START, START + SLACK_WH + 1, elapsed_s=-5.0)[1] == ["register_jumped"]


def test_where_the_time_is_not_known_a_day_may_have_passed() -> None:
    assert session(START, START + MOST_POWER_W * 24, elapsed_s=None)[1] == [None]
    assert session(START, START + MOST_POWER_W * 25, elapsed_s=None)[1] == ["register_jumped"]


def test_a_negative_register_is_not_read() -> None:
    energy, reasons = session(START, START + 150, -5)
    assert (energy.energy_wh, reasons) == (150, [None, "register_negative"])
    assert final(energy, -5) == (150, True, "stop_below_start")


def test_readings_that_count_from_the_beginning_are_told_from_the_register() -> None:
    energy, reasons = session(START, 0, 150, 320)
    assert reasons == ["register_fell", None, None]
    assert (energy.energy_wh, energy.estimated, energy.resets, is_relative(energy)) == (320, False, 0, True)
    assert final(energy, START + 330) == (330, False, None)


def test_one_reading_below_the_start_is_no_evidence() -> None:
    assert not is_relative(session(START, 150)[0])
    assert not is_relative(session(START, 150, 150)[0])
    assert not is_relative(session(START, 150, START + 10)[0])


def test_below_the_start_but_not_far_it_is_a_reset() -> None:
    energy, _ = session(1000, 800, 900)
    assert (energy.energy_wh, energy.resets, energy.estimated, is_relative(energy)) == (100, 1, True, False)


def test_a_charger_known_for_it_is_believed_at_once() -> None:
    energy, reasons = session(START, 150, relative=True)
    assert (energy.energy_wh, reasons, is_relative(energy)) == (150, [None], True)
    assert final(energy, START + 160) == (160, False, None)


def test_a_charger_known_for_it_may_have_learnt_better() -> None:
    energy, _ = session(START, START + 150, relative=True)
    assert (energy.energy_wh, is_relative(energy)) == (150, False)


def test_drop_outs_taken_for_readings_from_the_beginning_are_made_good() -> None:
    energy, reasons = session(START, 3, 5, START + 300, START + 450)
    assert reasons == ["register_fell", None, "register_jumped", None]
    assert (energy.energy_wh, is_relative(energy), energy.estimated) == (450, False, False)
    assert final(energy, START + 500) == (500, False, None)


def test_a_jump_that_is_no_return_to_the_register_counts_on() -> None:
    far = START + COUNTER_WH + 1
    energy, _ = session(START, 3, 5, far, far + 100)
    assert (energy.energy_wh, energy.estimated, is_relative(energy)) == (105, True, True)


def test_a_reset_of_readings_from_the_beginning() -> None:
    energy, _ = session(START, 0, 5000, 10, 60)
    assert (energy.energy_wh, energy.resets, energy.estimated) == (5050, 1, True)
    assert final(energy, START + 5070) == (5070, False, None)


def test_a_stop_that_counts_from_the_beginning_as_well() -> None:
    energy, _ = session(START, 0, 150, 320)
    assert final(energy, 400) == (400, True, None)
    assert final(energy, 300) == (320, True, "stop_below_start")
    assert final(begun(START), 400) == (None, True, "stop_below_start")


def test_a_stop_that_shows_that_all_counts_from_the_beginning() -> None:
    assert final(session(START, 150)[0], 400) == (400, True, None)


def test_a_final_count_below_the_readings_is_not_used() -> None:
    energy, _ = session(START, 0, 150, 320)
    assert final(energy, START + 310) == (320, True, "stop_below_reading")


def test_a_start_of_zero_under_a_register_is_not_believed() -> None:
    energy, reasons = session(0, START, START + 100, START + 250)
    assert reasons == ["register_jumped", None, None]
    assert (energy.energy_wh, energy.estimated) == (250, True)
    assert final(energy, START + 300) == (300, True, None)


def test_nor_is_it_with_one_reading_or_none() -> None:
    assert final(session(0, START)[0], START + 300) == (300, True, None)
    assert final(begun(0), START + 300) == (None, True, "stop_jumped")
    assert final(session(0, 0, 0)[0], START) == (0, True, "stop_jumped")


def test_a_start_of_zero_over_a_counter_is() -> None:
    energy, reasons = session(0, 0, 180, 360)
    assert (energy.energy_wh, energy.estimated, reasons) == (360, False, [None] * 3)
    assert final(energy, 400) == (400, False, None)
    assert session(0, 16_000)[0].energy_wh == 16_000  # a bus charger's first minute


def test_a_missing_start_counts_from_the_first_reading() -> None:
    energy, _ = session(None, START, START + 100)
    assert (energy.start_wh, energy.energy_wh, energy.estimated) == (None, 100, True)
    assert final(energy, START + 150) == (150, True, None)
    assert final(begun(None), START) == (None, True, "stop_alone")


def test_a_missing_start_of_a_charger_known_to_count_from_the_beginning() -> None:
    assert taken(None, 5000, 5100, relative=True) == (5100, True, 0)
    assert taken(None, START, START + 100, relative=True) == (100, True, 0)
    energy, _ = session(None, 5000, relative=True)
    assert final(energy, START) == (5000, True, "stop_jumped")


def test_a_missing_start_and_a_first_reading_that_drops_out() -> None:
    energy, _ = session(None, 3, START, START + 100)
    assert (energy.energy_wh, energy.estimated) == (100, True)
    unknown, _ = session(None, 3, elapsed_s=None)
    assert read(unknown, START, MINUTE, relative=False)[1] == "register_jumped"


def test_an_end_told_twice_is_the_same() -> None:
    ended, _ = stopped(session(START, START + 320)[0], START + 400)
    assert stopped(ended, START + 400) == (ended, None)


@pytest.mark.parametrize(
    ("start_wh", "stop_wh", "lasted_s", "expected"),
    [
        (0, 900_000, 60, (None, True, "stop_jumped")),
        (START, START + 900_000, 60, (None, True, "stop_jumped")),
        (0, 900_000, None, (900_000, False, None)),
        (0, 900_000, 3600, (900_000, False, None)),
        (0, 20_000, 60, (20_000, False, None)),
        (0, SLACK_WH + 1, 0, (None, True, "stop_jumped")),
        (START, START + SLACK_WH, 0, (SLACK_WH, False, None)),
        (START, START + MINUTE_WH, 60, (MINUTE_WH, False, None)),
        (START, START + MINUTE_WH + 1, 60, (None, True, "stop_jumped")),
    ],
)
def test_a_stop_is_held_against_what_a_charger_delivers_in_that_time(
    start_wh: int, stop_wh: int, lasted_s: float | None, expected: tuple[int | None, bool, str | None]
) -> None:
    ended, reason = stopped(begun(start_wh), stop_wh, lasted_s)
    assert (ended.energy_wh, ended.estimated, reason) == expected


def test_what_was_read_stands_where_the_stop_is_too_much() -> None:
    ended, reason = stopped(session(0, 100, 250)[0], 90_000, 60)
    assert (ended.energy_wh, ended.estimated, reason) == (250, True, "stop_jumped")


def test_one_that_is_carried_on_counts_from_the_last_reading() -> None:
    energy = carried_on(stopped(session(START, START + 320)[0], None)[0])
    assert (energy.start_wh, energy.energy_wh, energy.estimated) == (START + 320, 0, False)
    energy, reason = read(energy, START + 400, MINUTE, relative=False)
    assert (energy.energy_wh, reason) == (80, None)
    assert final(energy, START + 500) == (180, False, None)


def test_one_that_is_carried_on_without_a_reading_counts_from_the_beginning() -> None:
    assert final(carried_on(stopped(begun(START), None)[0]), START + 500) == (500, False, None)
    assert final(carried_on(stopped(begun(None), None)[0]), START) == (None, True, "stop_alone")


def test_readings_from_the_beginning_are_carried_on() -> None:
    energy = carried_on(stopped(session(START, 150, relative=True)[0], None)[0])
    assert (energy.start_wh, energy.energy_wh, is_relative(energy)) == (START + 150, 0, True)
    energy, reason = read(energy, 200, MINUTE, relative=True)
    assert (energy.energy_wh, reason) == (50, None)
    assert final(energy, START + 250) == (100, False, None)
    unknown = carried_on(stopped(session(None, 150, relative=True)[0], None)[0])
    assert final(read(unknown, 200, MINUTE, relative=True)[0], 260) == (110, True, None)
