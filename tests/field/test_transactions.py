"""Transactions of the field: the right session or an honest unknown, however the charger tells of them.

Those of one make of charger are in `tests/recordings`.
"""

from __future__ import annotations

import pytest

from gateway.core.events import Leg
from gateway.core.facts import Faults
from tests.core.scenes import boot, state, stay
from tests.core.texts import call, error, result, stamp
from tests.field.house import begins, charger, charging, ends, metered, session

HUGE = 2**63 - 1

# A refused transaction message that is repeated for ever


@pytest.mark.parametrize("fresh_ids", [True, False])
def test_an_end_that_upstream_never_takes_ends_one_session_once(fresh_ids: bool) -> None:
    table = charging()
    payload = {"transactionId": 7, "meterStop": 6000, "timestamp": stamp(table.now.wall)}
    table.charger(call("s0", "StopTransaction", payload))
    table.upstream(error("s0", "InternalError"))
    writes, relayed = table.kept.writes, len(table.sent[Leg.UP, 1])
    for number in range(1, 101):
        stay(table, 10)
        message_id = f"s{number}" if fresh_ids else "s0"
        table.charger(call(message_id, "StopTransaction", payload))
        table.upstream(error(message_id, "InternalError"))
    assert len(ends(table)) == 1
    assert session(table).record.energy.energy_wh == 5000
    assert not session(table).record.stop_delivered
    assert table.kept.writes == writes
    assert len(table.sent[Leg.UP, 1]) == relayed + 100
    table.reports("Available")
    table.starts(8, meter=6000)
    assert session(table).record.transaction_id == 8


# Ids of transactions


@pytest.mark.parametrize("quoted", [-1, 0, HUGE, -1718, HUGE + 1, "", "-1", None, "none", [], 2.5])
def test_an_id_that_names_no_transaction_is_resolved_by_what_is_open(quoted: object) -> None:
    table = charging()
    payload = {"transactionId": quoted, "meterStop": 6000, "timestamp": stamp(table.now.wall)}
    table.asks("StopTransaction", payload)
    assert [(end.record.transaction_id, end.record.energy.energy_wh) for end in ends(table)] == [(7, 5000)]


@pytest.mark.parametrize("quoted", [-1, 0, HUGE, "", None])
def test_of_two_that_are_open_none_is_ended_by_such_an_id(quoted: object) -> None:
    table = charging()
    table.starts(8, connector=2)
    table.asks("StopTransaction", {"transactionId": quoted, "meterStop": 6000, "timestamp": stamp(table.now.wall)})
    assert ends(table) == []
    assert table.counted["end_of_unknown"] == 1


@pytest.mark.parametrize("given", [-1, 0, HUGE, HUGE + 1, "", None, "none", {}])
def test_an_upstream_that_gives_such_an_id_leaves_the_session_to_end_by_it(given: object) -> None:
    table = charger()
    table.charger(call("t", "StartTransaction", {"connectorId": 1, "idTag": "CARD01", "meterStart": 1000}))
    table.upstream(result("t", {"transactionId": given, "idTagInfo": {"status": "Accepted"}}))
    assert session(table).record.start_delivered
    table.asks("StopTransaction", {"transactionId": given, "meterStop": 6000})
    assert [end.record.energy.energy_wh for end in ends(table)] == [5000]
    assert not session(table).record.active


# Repeated and lost messages


def test_a_start_that_is_repeated_with_another_message_id_begins_one_session() -> None:
    table = charger()
    payload = {"connectorId": 1, "idTag": "CARD01", "meterStart": 1000, "timestamp": stamp(table.now.wall)}
    for _ in range(5):
        table.asks("StartTransaction", payload)
        stay(table, 60)
    table.asks("StartTransaction", payload, {"transactionId": 7, "idTagInfo": {"status": "Accepted"}})
    assert len(begins(table)) == 1
    assert session(table).record.transaction_id == 7


def test_an_end_that_is_resent_after_a_reboot_ends_nothing_again() -> None:
    table = charging()
    at = table.now.wall
    table.stops(7, at=at)
    boot(table)
    table.reports("Available")
    writes = table.kept.writes
    table.stops(7, at=at)
    assert len(ends(table)) == 1
    assert table.kept.writes == writes
    later = table.restarted()
    later.online()
    later.stops(7, at=at)
    assert ends(later) == []


def test_of_a_transaction_of_which_only_the_end_arrives_the_energy_is_not_known() -> None:
    table = charger()
    table.reports("Finishing")
    table.stops(4711, meter=6000)
    [end] = ends(table)
    assert (end.record.started, end.record.energy.energy_wh, end.record.energy.estimated) == (None, None, True)
    assert (end.record.energy.stop_wh, end.duration_s) == (6000, None)
    assert table.counted["session_unseen"] == 1


# Sessions that nobody ends, and registers that are not theirs


def test_a_session_that_the_charger_forgot_ends_as_unknown_when_it_says_available() -> None:
    table = charging()
    table.meters(3000)
    stay(table, 60)
    table.reports("Available")
    over = table.now.wall
    assert ends(table) == []
    stay(table, 400)
    [end] = ends(table)
    assert (end.record.stop_reason, end.record.ended) == ("unknown", over)
    assert (end.record.energy.energy_wh, end.record.energy.stop_wh, end.record.energy.estimated) == (2000, None, True)


def test_a_session_that_did_not_survive_a_reboot_ends_with_it() -> None:
    table = charging()
    table.meters(3000)
    stay(table, 60)
    boot(table)
    over = table.now.wall
    stay(table, 1000)
    [end] = ends(table)
    assert (end.record.stop_reason, end.record.ended, end.record.energy.energy_wh) == ("unknown", over, 2000)
    assert state(table).record.condition == "charging"


def test_the_lifetime_register_is_not_the_energy_of_a_session_that_began_at_0() -> None:
    table = charging(meter=0)
    stay(table, 1800)
    table.stops(7, meter=2_145_278)
    assert ends(table)[0].record.energy.energy_wh is None
    assert table.counted["stop_jumped"] == 1
    table.starts(8, meter=0)
    for register_wh in (2_145_278, 2_146_000, 2_147_000):
        stay(table, 300)
        table.meters(register_wh, transaction=8)
    table.stops(8, meter=2_148_000)
    energy = ends(table)[1].record.energy
    assert energy.energy_wh is not None
    assert energy.energy_wh <= 2_148_000 - 2_145_278
    assert energy.estimated


# What statuses do not say


def test_finishing_is_no_dead_end() -> None:
    table = charging()
    table.stops(7)
    table.reports("Finishing")
    stay(table, 3600)
    assert state(table).record.condition == "finishing"
    table.starts(8, meter=6000)
    table.reports("Charging")
    assert state(table).record.condition == "charging"
    assert session(table).record.transaction_id == 8


def test_faulted_without_an_error_is_a_fault_without_a_name() -> None:
    table = charging()
    table.reports("Faulted")
    assert state(table).fault
    assert [fault.code for fault in table.published(Faults)[-1].faults] == ["Unknown"]
    table.reports("Charging")
    stay(table, 10)
    assert table.published(Faults)[-1].faults == ()
    assert session(table).record.active


def test_a_charger_that_is_stuck_in_preparing_charges_all_the_same() -> None:
    table = charger()
    table.reports("Preparing")
    table.starts(7, meter=1000)
    for minute in range(1, 21):
        stay(table, 60)
        table.reports("Preparing")
        table.meters(1000 + 100 * minute)
    assert ends(table) == []
    assert (state(table).record.condition, state(table).meaning.in_session) == ("preparing", True)
    assert session(table).record.energy.energy_wh == 2000


def test_power_that_goes_on_after_the_end_is_shown_and_belongs_to_no_session() -> None:
    table = charging()
    table.stops(7)
    table.reports("Finishing")
    writes = table.kept.writes
    shown = metered(table, {"value": "1400", "measurand": "Power.Active.Import"}, {"value": "6100"})
    assert (shown.readings["power_w"], shown.readings["energy_import_wh"]) == (1400, 6100)
    assert (state(table).record.condition, state(table).meaning.charging) == ("finishing", False)
    assert (session(table).record.active, session(table).record.energy.energy_wh) == (False, 5000)
    assert table.kept.writes == writes


def test_available_without_a_word_of_the_cable_begins_a_new_visit_only_when_somebody_comes() -> None:
    table = charging()
    visit = state(table).record.visit
    table.stops(7)
    table.reports("Available")
    assert (state(table).record.visit, state(table).meaning.plugged) == (None, False)
    table.reports("Available")
    assert state(table).record.visit is None
    stay(table, 5)
    table.reports("Preparing")
    assert state(table).record.visit not in (None, visit)


# Registers


def test_readings_that_count_from_the_beginning_of_a_session_are_told_from_those_of_the_meter() -> None:
    table = charging(meter=2_145_278)
    for register_wh in (100, 900, 1900):
        stay(table, 300)
        table.meters(register_wh)
    table.stops(7, meter=2_147_278)
    assert ends(table)[0].record.energy.energy_wh == 2000
    memory = table.kept.memory()
    assert memory.charger is not None
    assert memory.charger.relative_meter


@pytest.mark.parametrize("garbled", ["0", "12", "99999999"])
def test_a_register_that_drops_out_for_once_costs_nothing(garbled: str) -> None:
    table = charging(meter=361_000)
    for register_wh in ("362000", "363000", garbled, "364000", "365000"):
        stay(table, 600)
        table.meters(register_wh)
    table.stops(7, meter=366_000)
    energy = ends(table)[0].record.energy
    assert (energy.energy_wh, energy.resets) == (5000, 0)
    assert table.counted["register_fell"] + table.counted["register_jumped"] == 1


def test_closing_values_after_the_end_neither_begin_a_session_nor_change_the_one_that_ended() -> None:
    table = charging()
    stay(table, 60)
    table.stops(7, meter=6000)
    for register_wh in (6000, 6000, 0):
        stay(table, 10)
        table.meters(register_wh)
    assert (len(begins(table)), len(ends(table))) == (1, 1)
    assert session(table).record.energy.energy_wh == 5000
    assert session(table).record.energy.stop_wh == 6000
