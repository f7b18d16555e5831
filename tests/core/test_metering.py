"""`gateway.core.metering`: what the meter of each connector said last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gateway.core.effects import Effect, Publish
from gateway.core.facts import MeterState
from gateway.core.metering import MOST_CONNECTORS, OLD_FOR_S, TOGETHER_S, Meters
from gateway.core.moment import Moment
from gateway.core.readings import NOTHING_READ
from gateway.core.reports import MeterReported, MeterValue, Sample

START = datetime(2026, 3, 1, tzinfo=UTC)
REGISTER = "Energy.Active.Import.Register"
EXPORT = "Energy.Active.Export.Register"
POWER = "Power.Active.Import"


def at(second: float) -> Moment:
    return Moment(START + timedelta(seconds=second), second)


def value(second: float | None, context: str = "Sample.Periodic", **said: str | None) -> MeterValue:
    """A meter value sampled at this second: `power="5"`, `register="7"`, ..."""
    words = {"power": POWER, "register": REGISTER, "export": EXPORT, "voltage": "Voltage", "rpm": "RPM"}
    samples = tuple(
        Sample(words[word], Decimal(told) if told else None, context=context, refused=None if told else "not_a_number")
        for word, told in said.items()
    )
    if second is None:
        return MeterValue(samples)
    return MeterValue(samples, f"sent {second:g}", START + timedelta(seconds=second))


def report(*values: MeterValue, connector: int = 1, transaction: int | None = None) -> MeterReported:
    return MeterReported(connector, values, transaction)


def only(effects: list[Effect]) -> MeterState:
    (effect,) = effects
    assert isinstance(effect, Publish)
    assert isinstance(effect.fact, MeterState)
    return effect.fact


def said(state: MeterState) -> Mapping[str, float | int]:
    assert set(state.readings) == set(NOTHING_READ)
    return {key: reading for key, reading in state.readings.items() if reading is not None}


def test_a_message_is_published_with_what_it_tells() -> None:
    meters = Meters("cp01")
    effects, refused = meters.reported(report(value(9, "Trigger", power="5", register="700"), transaction=12), at(10))
    state = only(effects)
    assert (state.at, state.charger, state.connector_id, state.stale) == (at(10).wall, "cp01", 1, False)
    assert (state.context, state.charger_ts, state.transaction_id) == ("Trigger", "sent 9", 12)
    assert (said(state), refused) == ({"power_w": 5, "energy_import_wh": 700}, ())
    assert (meters.power_w(1), meters.connectors) == (5, (1,))


def test_the_next_message_replaces_all_but_registers_that_it_leaves_out() -> None:
    meters = Meters("cp01")
    meters.reported(report(value(1, power="5", voltage="230", register="700", export="3"), transaction=12), at(1))
    state = only(meters.reported(report(value(2, voltage="231")), at(2))[0])
    assert said(state) == {"voltage_v": 231.0, "energy_import_wh": 700, "energy_export_wh": 3}
    assert (state.transaction_id, meters.power_w(1)) == (None, None)
    state = only(meters.reported(report(value(3, export="4")), at(3))[0])
    assert said(state) == {"energy_import_wh": 700, "energy_export_wh": 4}


def test_a_register_that_is_told_badly_is_null() -> None:
    meters = Meters("cp01")
    meters.reported(report(value(1, register="700", export="3")), at(1))
    effects, refused = meters.reported(report(value(2, register=None)), at(2))
    assert (said(only(effects)), refused) == ({"energy_export_wh": 3}, ("not_a_number",))


def test_the_values_of_a_message_are_taken_in_the_order_of_their_times() -> None:
    effects, _ = Meters("cp01").reported(report(value(30, power="3"), value(10, power="1", voltage="230")), at(31))
    state = only(effects)
    assert (said(state), state.charger_ts) == ({"power_w": 3, "voltage_v": 230.0}, "sent 30")


def test_the_phases_of_one_message_are_added_wherever_they_stand() -> None:
    parts = [MeterValue((Sample(POWER, Decimal(n), "W", f"L{n}"),), None, START) for n in (1, 2, 3)]
    assert said(only(Meters("cp01").reported(report(*parts), at(0))[0]))["power_w"] == 6


@pytest.mark.parametrize(("age_s", "live"), [(TOGETHER_S, True), (TOGETHER_S + 1, False)])
def test_what_is_history_in_a_message_is_not_shown(age_s: float, live: bool) -> None:
    meters = Meters("cp01")
    old = value(100 - age_s, power="-9e9", voltage="230")
    effects, refused = meters.reported(report(old, value(100, register="7")), at(100))
    assert ("voltage_v" in said(only(effects))) is live
    assert refused == ("absurd_power",)


def test_a_value_without_a_time_is_as_old_as_its_neighbour() -> None:
    values = [value(None, voltage="230"), value(100, register="7"), value(None, power="5")]
    state = only(Meters("cp01").reported(report(*values), at(100))[0])
    assert said(state) == {"voltage_v": 230.0, "energy_import_wh": 7, "power_w": 5}
    assert state.charger_ts is None


def test_without_times_the_order_of_receipt_counts() -> None:
    meters = Meters("cp01")
    meters.reported(report(value(50, power="1")), at(50))
    assert said(only(meters.reported(report(value(None, power="2")), at(51))[0])) == {"power_w": 2}


def test_the_backlog_of_an_outage_does_not_replace_what_is_newer() -> None:
    meters = Meters("cp01")
    meters.reported(report(value(1000, power="5")), at(1000))
    effects, refused = meters.reported(report(value(400, power="-9e9")), at(1001))
    assert (effects, refused, meters.power_w(1)) == ([], ("absurd_power",), 5)
    assert said(only(meters.reported(report(value(1000, power="6")), at(1002))[0])) == {"power_w": 6}


def test_a_clock_that_was_set_back_is_believed_in_the_end() -> None:
    meters = Meters("cp01")
    meters.reported(report(value(1000, power="5")), at(1000))
    assert meters.reported(report(value(400, power="6")), at(1000 + OLD_FOR_S - 1))[0] == []
    late = 1000 + OLD_FOR_S
    assert said(only(meters.reported(report(value(410, power="7")), at(late))[0])) == {"power_w": 7}
    assert said(only(meters.reported(report(value(420, power="8")), at(late + 1))[0])) == {"power_w": 8}


def test_a_time_in_the_future_does_not_shut_out_the_present() -> None:
    meters = Meters("cp01")
    meters.reported(report(value(99999, power="5")), at(1000))
    assert said(only(meters.reported(report(value(1001, power="6")), at(1001))[0])) == {"power_w": 6}


@pytest.mark.parametrize(
    "message",
    [
        report(),
        report(value(5, rpm="3")),
        report(MeterValue((Sample(REGISTER, None, signed=True),), "sent 5", START + timedelta(seconds=5))),
    ],
)
def test_a_message_with_nothing_to_read_changes_nothing(message: MeterReported) -> None:
    meters = Meters("cp01")
    assert meters.reported(message, at(5)) == ([], ())
    assert meters.connectors == ()
    meters.reported(report(value(1, power="5")), at(6))
    assert meters.reported(message, at(7)) == ([], ())
    assert meters.power_w(1) == 5


def test_a_reading_that_was_refused_is_no_longer_known() -> None:
    meters = Meters("cp01")
    meters.reported(report(value(1, power="5")), at(1))
    effects, refused = meters.reported(report(value(2, power=None)), at(2))
    assert (said(only(effects)), only(effects).context, refused) == ({}, None, ("not_a_number",))
    assert meters.power_w(1) is None


def test_the_main_meter_has_no_topic() -> None:
    meters = Meters("cp01")
    assert meters.reported(report(value(1, power="-9e9"), connector=0), at(1)) == ([], ("absurd_power",))
    assert (meters.connectors, meters.power_w(0)) == ((), None)
    assert meters.restored([0, 2], at(2)) == [Publish(MeterState(at(2).wall, "cp01", 2, NOTHING_READ, stale=True))]


def test_a_broken_charger_does_not_make_topics_without_end() -> None:
    meters = Meters("cp01")
    for connector in range(1, MOST_CONNECTORS + 1):
        assert meters.reported(report(value(1, power="5"), connector=connector), at(1))[0]
    assert meters.reported(report(value(1, power="5"), connector=999), at(1)) == ([], ("too_many_connectors",))
    assert meters.reported(report(value(2, power="5"), connector=1), at(2))[0]


def test_of_a_charger_that_is_away_only_the_registers_stand() -> None:
    meters = Meters("cp01")
    meters.reported(report(value(1, power="5", register="700"), transaction=12), at(1))
    meters.reported(report(value(1, power="6"), connector=2), at(1))
    first, second = meters.went_stale(at(9))
    state = only([first])
    assert (said(state), state.stale, state.at, state.charger_ts) == (
        {"energy_import_wh": 700},
        True,
        at(9).wall,
        "sent 1",
    )
    assert said(only([second])) == {}
    assert (meters.power_w(1), meters.power_w(2)) == (None, None)
    assert meters.went_stale(at(10)) == []
    state = only(meters.reported(report(value(11, power="5")), at(11))[0])
    assert (said(state), state.stale) == ({"power_w": 5, "energy_import_wh": 700}, False)


def test_after_a_restart_nothing_is_known() -> None:
    meters = Meters("cp01")
    states = [only([effect]) for effect in meters.restored([1, 2], at(5))]
    assert [(state.connector_id, state.stale, said(state), state.context) for state in states] == [
        (1, True, {}, None),
        (2, True, {}, None),
    ]
    assert (meters.power_w(1), meters.went_stale(at(6))) == (None, [])
    assert said(only(meters.reported(report(value(1, power="5")), at(7))[0])) == {"power_w": 5}


def test_of_a_connector_that_told_nothing_nothing_is_known() -> None:
    assert (Meters("cp01").power_w(3), Meters("cp01").went_stale(at(1))) == (None, [])
