"""How far the clock is trusted: who vouches for it, how far it is off, and what outlives a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.clock_trust import (
    DISAGREEMENT_S,
    SAVE_AGAIN_S,
    WORST_ACCURACY_S,
    ClockTrust,
    TimeSample,
    Trust,
    TrustRecord,
)
from gateway.core.effects import Level, Note

NOON = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
"""With a fraction, so that no second was cut."""

BOOT = "5d7b"
SAMPLE = TimeSample("operator", NOON, 60.0, 0.1)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def whats(notes: list[Note]) -> list[str]:
    return [note.what for note in notes]


def learned(round_trip_s: float = 0.0, wall: datetime = NOON) -> ClockTrust:
    """At 60 s after the boot upstream said that it was noon."""
    clock = ClockTrust(configured=False)
    clock.told("operator", NOON, round_trip_s, wall, 60.0)
    return clock


def synced(by: str = "marker") -> ClockTrust:
    clock = ClockTrust(configured=False)
    clock.synchronised(by, NOON, 60.0)
    return clock


# Levels


def test_at_first_the_clock_is_no_more_than_a_lower_bound() -> None:
    clock = ClockTrust(configured=False)
    assert (clock.trust, clock.source, clock.problem) == (Trust.FLOOR, None, None)
    assert clock.offset(NOON, 60.0) is None
    assert clock.record(BOOT) is None


def test_the_configuration_may_vouch_for_the_clock() -> None:
    clock = ClockTrust(configured=True)
    assert (clock.trust, clock.source) == (Trust.SYNCED, "configuration")
    clock.told("operator", NOON, 0.0, NOON, 60.0)
    assert clock.source == "configuration"
    assert clock.record(BOOT) is None, "it is asked again at the next start"


def test_an_upstreams_answer_teaches_the_time_once() -> None:
    clock = ClockTrust(configured=False)
    (note,) = clock.told("operator", NOON, 0.2, NOON, 60.0)
    assert (note.what, note.level) == ("clock_learned", Level.INFO)
    assert "upstream operator" in note.text
    assert (clock.trust, clock.source) == (Trust.LEARNED, "operator")
    assert clock.told("second", NOON + seconds(30), 0.1, NOON, 90.0) == []


@pytest.mark.parametrize("before", [ClockTrust(configured=False), learned()])
def test_network_time_is_better_than_anything_else(before: ClockTrust) -> None:
    assert whats(before.synchronised("timedate1", NOON, 61.0)) == ["clock_synced"]
    assert (before.trust, before.source) == (Trust.SYNCED, "timedate1")
    assert before.synchronised("timedate1", NOON, 62.0) == []
    before.told("operator", NOON, 0.0, NOON, 63.0)
    assert (before.trust, before.source) == (Trust.SYNCED, "timedate1")


# The offset


def test_the_answer_was_written_half_way_between_question_and_reception() -> None:
    clock = learned(round_trip_s=4.0, wall=NOON - seconds(100))
    assert clock.offset(NOON - seconds(100), 60.0) == seconds(102)


def test_a_time_without_a_fraction_stands_for_its_whole_second() -> None:
    clock = ClockTrust(configured=False)
    clock.told("operator", NOON.replace(microsecond=0), 0.0, NOON, 60.0)
    assert clock.offset(NOON, 60.0) == seconds(0)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e7))
def test_a_step_of_the_wall_clock_changes_the_offset_and_nothing_else(wrong_s: float, later_s: float) -> None:
    clock = learned()
    wall = NOON + seconds(wrong_s)
    true = NOON + seconds(later_s)
    offset = clock.offset(wall, 60.0 + later_s)
    assert offset is not None
    assert abs(wall + offset - true) < seconds(1e-3)


def test_the_most_accurate_sample_is_kept_until_it_is_stale() -> None:
    clock = learned(round_trip_s=0.2)
    clock.told("operator", NOON + seconds(7), 1.0, NOON, 61.0)
    assert clock.offset(NOON, 60.0) == seconds(0.1)
    hour_later_s = 60.0 + 4000 + 1
    clock.told("operator", NOON + seconds(hour_later_s), 1.0, NOON, hour_later_s)
    assert clock.offset(NOON, hour_later_s) == seconds(hour_later_s + 0.5)


def test_a_better_sample_replaces_an_older_one() -> None:
    clock = learned(round_trip_s=3.0)
    clock.told("second", NOON + seconds(9), 0.5, NOON, 61.0)
    assert clock.offset(NOON, 61.0) == seconds(9.25)
    assert clock.source == "second"


def test_an_answer_that_took_too_long_says_nothing() -> None:
    clock = ClockTrust(configured=False)
    assert clock.told("operator", NOON, 2 * WORST_ACCURACY_S + 0.1, NOON, 60.0) == []
    assert clock.trust is Trust.FLOOR
    assert whats(clock.told("operator", NOON, 2 * WORST_ACCURACY_S, NOON, 60.0)) == ["clock_learned"]


# Disagreement


@pytest.mark.parametrize(("apart_s", "words"), [(61.0, "61 s ahead of"), (-3600.0, "3600 s behind")])
def test_an_upstream_that_disagrees_with_a_synchronised_clock_is_told_and_changes_nothing(
    apart_s: float, words: str
) -> None:
    clock = synced()
    (note,) = clock.told("operator", NOON + seconds(apart_s), 0.0, NOON, 60.0)
    assert (note.what, note.level) == ("clock_disagreement", Level.WARNING)
    assert words in note.text
    assert note.text.endswith("have the wrong one set right.")
    assert note.fields["UPSTREAM"] == "operator"
    assert clock.problem == note.text
    assert (clock.trust, clock.source) == (Trust.SYNCED, "marker")


def test_a_disagreement_ends_with_the_upstream_that_is_not_configured_any_more() -> None:
    clock = synced()
    for upstream in ("operator", "other"):
        clock.told(upstream, NOON + seconds(1000), 0.0, NOON, 60.0)
    clock.heed_only(["other"])
    assert clock.problem is not None
    assert "operator" not in clock.problem
    clock.heed_only([])
    assert clock.problem is None


def test_a_disagreement_ends_when_both_agree_again() -> None:
    clock = synced()
    for upstream in ("second", "operator"):
        clock.told(upstream, NOON + seconds(100), 0.0, NOON, 60.0)
    assert clock.problem is not None
    assert clock.problem.index("operator") < clock.problem.index("second")
    assert clock.told("second", NOON, 0.0, NOON, 60.0) == []
    assert clock.problem is not None
    assert "second" not in clock.problem
    clock.told("operator", NOON, 0.0, NOON, 60.0)
    assert clock.problem is None


def test_what_may_be_the_fault_of_a_slow_answer_is_no_disagreement() -> None:
    clock = synced()
    assert clock.told("operator", NOON + seconds(DISAGREEMENT_S), 20.0, NOON, 60.0) == []
    assert len(clock.told("operator", NOON + seconds(DISAGREEMENT_S + 0.1), 20.0, NOON, 60.0)) == 1


# Across restarts


def test_what_was_learnt_is_known_after_a_restart() -> None:
    before = learned(round_trip_s=0.2)
    record = before.record(BOOT)
    assert record is not None
    after = ClockTrust(configured=False)
    assert whats(after.restore(record, BOOT)) == ["clock_learned"]
    assert (after.trust, after.source) == (Trust.LEARNED, "operator")
    assert after.offset(NOON, 99.0) == before.offset(NOON, 99.0)


def test_once_synchronised_is_synchronised_for_the_rest_of_the_boot() -> None:
    record = synced().record(BOOT)
    assert record == TrustRecord(BOOT, Trust.SYNCED, TimeSample("marker", NOON, 60.0, 0.0))
    after = learned()
    assert whats(after.restore(record, BOOT)) == ["clock_synced"]
    assert (after.trust, after.source) == (Trust.SYNCED, "marker")
    assert after.record(BOOT) == record


def test_another_boot_begins_anew() -> None:
    after = ClockTrust(configured=False)
    assert after.restore(TrustRecord("other", Trust.SYNCED, SAMPLE), BOOT) == []
    assert after.trust is Trust.FLOOR


@pytest.mark.parametrize("trust", [Trust.LEARNED, Trust.SYNCED])
def test_what_this_process_heard_is_newer_than_what_stood_in_the_store(trust: Trust) -> None:
    after = learned() if trust is Trust.LEARNED else synced()
    assert after.restore(TrustRecord(BOOT, trust, replace(SAMPLE, source="earlier")), BOOT) == []
    assert after.source != "earlier"


def test_a_card_is_written_for_news_only() -> None:
    kept = TrustRecord(BOOT, Trust.LEARNED, SAMPLE)
    later = replace(SAMPLE, time=NOON + seconds(60), boottime_s=120.0, accuracy_s=0.01)
    moved = replace(later, time=later.time + seconds(SAVE_AGAIN_S + 0.1))
    assert kept.is_news(None)
    assert not kept.is_news(kept)
    assert not replace(kept, sample=later).is_news(kept)
    assert replace(kept, sample=moved).is_news(kept)
    assert replace(kept, trust=Trust.SYNCED).is_news(kept)
    assert replace(kept, boot_id="other").is_news(kept)
    synchronised = replace(kept, trust=Trust.SYNCED)
    assert not replace(synchronised, sample=moved).is_news(synchronised)
